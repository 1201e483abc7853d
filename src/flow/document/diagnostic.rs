//! A fault as the operator is told of it, and the places in files where faults are.

use std::sync::Arc;

use super::codes::{self, Code};
use crate::flow::place::Place;

/// Most errors that are kept, and most warnings; more would not be read.
pub const MAX_DIAGNOSTICS: usize = 500;

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, as it is shown.
    pub file: String,
    /// What stands in it.
    pub text: String,
}

/// Whether a fault keeps the files from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The files cannot be used.
    Error,
    /// They can; callers would meet something that is hardly meant.
    Warning,
}

/// A place in a file, in bytes from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// The place from `start` to before `end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start, end: end.max(start) }
    }
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable name.
    pub code: Code,
    /// Whether it keeps the files from being used.
    pub severity: Severity,
    /// The path of the file.
    pub file: String,
    /// Where in the file, in bytes.
    pub span: Span,
    /// The line, from 1; 0 for a fault of the whole file or of no file.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, in one line.
    pub message: String,
    /// What is to be seen at the place.
    pub label: Option<String>,
    /// The likely remedy.
    pub remedy: Option<String>,
    /// What callers would have met.
    pub consequence: Option<String>,
    /// What else is worth knowing: the way there, other places.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// A fault of a whole file, or of something that is no file.
    pub fn of_file(code: Code, severity: Severity, file: impl Into<String>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity,
            file: file.into(),
            span: Span::default(),
            line: 0,
            column: 0,
            message: message.into(),
            label: None,
            remedy: None,
            consequence: None,
            notes: Vec::new(),
        }
    }

    /// A fault at a place that was kept.
    pub fn at(place: &Place, code: Code, severity: Severity, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            span: Span::new(place.start as usize, place.end as usize),
            line: place.line as usize,
            column: place.column as usize,
            ..Diagnostic::of_file(code, severity, &*place.file, message)
        }
    }

    /// With something more that is worth knowing, in a line of its own: the way there, or another place.
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// With what is to be seen at the place.
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = Some(label.into());
        self
    }

    /// With the likely remedy.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Diagnostic {
        self.remedy = Some(remedy.into());
        self
    }

    /// With "did you mean ...?" when one of `candidates` is near `name`.
    pub fn meant<'a>(mut self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        if let Some(near) = nearest(name, candidates) {
            self.remedy = Some(format!("did you mean `{near}`?"));
        }
        self
    }

    /// With this remedy where none is known yet.
    pub fn or_remedy(mut self, remedy: &str) -> Diagnostic {
        self.remedy.get_or_insert_with(|| remedy.to_owned());
        self
    }

    /// With what callers would have met.
    pub fn consequence(mut self, consequence: impl Into<String>) -> Diagnostic {
        self.consequence = Some(consequence.into());
        self
    }
}

/// A source with its lines counted.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The source.
    pub source: &'a Source,
    /// The file, as those keep it who outlive the source.
    pub file: Arc<str>,
    line_starts: Vec<usize>,
}

impl<'a> Page<'a> {
    /// Counts the lines of `source`.
    pub fn new(source: &'a Source) -> Page<'a> {
        let ends = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Page { source, file: Arc::from(source.file.as_str()), line_starts: std::iter::once(0).chain(ends).collect() }
    }

    /// What stands in the file.
    pub fn text(&self) -> &'a str {
        &self.source.text
    }

    /// What stands at `span`; nothing when it cuts a character.
    pub fn at(&self, span: Span) -> &'a str {
        self.text().get(span.start..span.end).unwrap_or("")
    }

    /// An error at `span`.
    pub fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        self.diagnostic(code, Severity::Error, span, message.into())
    }

    /// A warning at `span`.
    pub fn warning(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        self.diagnostic(code, Severity::Warning, span, message.into())
    }

    /// The line and column, both from 1, columns in characters.
    pub fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= at).max(1);
        let start = self.line_starts[line - 1];
        let column = self.text().get(start..at).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }

    fn diagnostic(&self, code: Code, severity: Severity, span: Span, message: String) -> Diagnostic {
        // The end of a long or broken place need not be a whole character.
        let floor = |mut at: usize| {
            at = at.min(self.text().len());
            while !self.text().is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let span = Span::new(floor(span.start), floor(span.end));
        let (line, column) = self.line_and_column(span.start);
        Diagnostic { span, line, column, ..Diagnostic::of_file(code, severity, &self.source.file, message) }
    }
}

/// The faults found so far, at most [`MAX_DIAGNOSTICS`] errors and as many warnings.
#[derive(Debug, Default)]
pub struct Faults {
    errors: Kept,
    warnings: Kept,
}

#[derive(Debug, Default)]
struct Kept {
    list: Vec<Diagnostic>,
    more: usize,
}

impl Kept {
    fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.len() < MAX_DIAGNOSTICS {
            self.list.push(diagnostic);
        } else {
            self.more += 1;
        }
    }
}

impl Faults {
    /// Notes a fault.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.message = in_one_line(&diagnostic.message);
        for text in [&mut diagnostic.label, &mut diagnostic.remedy, &mut diagnostic.consequence].into_iter().flatten() {
            *text = in_one_line(text);
        }
        for note in &mut diagnostic.notes {
            *note = in_one_line(note);
        }
        match diagnostic.severity {
            Severity::Error => self.errors.push(diagnostic),
            Severity::Warning => self.warnings.push(diagnostic),
        }
    }

    /// Notes some more.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        diagnostics.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// Whether more errors would not be kept: then no time is spent on remedies.
    pub fn are_full(&self) -> bool {
        self.errors.list.len() >= MAX_DIAGNOSTICS
    }

    /// Every error; `None` when there are more than are kept.
    pub fn all_errors(&self) -> Option<&[Diagnostic]> {
        (self.errors.more == 0).then_some(&self.errors.list)
    }

    /// Whether there is an error of this kind, as far as they are kept.
    pub fn has_error(&self, code: Code) -> bool {
        self.errors.list.iter().any(|fault| fault.code == code)
    }

    /// Whether there is any error.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.errors.list.len() + self.errors.more
    }

    /// All of them, by file in the order of `sources`, and by place.
    pub fn in_order(self, sources: &[Source]) -> Vec<Diagnostic> {
        let rank = |file: &str| sources.iter().position(|source| source.file == file).unwrap_or(sources.len());
        let mut list = self.errors.list;
        list.extend(self.warnings.list);
        list.sort_by_cached_key(|fault| (rank(&fault.file), fault.span, fault.severity, fault.code));
        list.dedup();
        for (severity, what, more) in
            [(Severity::Error, "errors", self.errors.more), (Severity::Warning, "warnings", self.warnings.more)]
        {
            if more > 0 {
                let message = format!("{more} more {what} are not listed: these come first");
                list.push(Diagnostic::of_file(codes::TOO_MANY_FAULTS, severity, "", message));
            }
        }
        list
    }
}

/// Names that are quoted in a report may hold anything, line breaks and a terminal's commands among it.
fn in_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The candidate that `name` was probably meant to be.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST_NAME: usize = 64;
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME {
        return None;
    }
    let lowered = name.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count() <= LONGEST_NAME)
        .map(|candidate| (strsim::damerau_levenshtein(&lowered, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance < length && *distance <= (length.max(candidate.len()) / 3).max(1) && *candidate != name
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` or `c`, each in backquotes.
pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} or {last}", words.join(", ")),
        None => String::new(),
    }
}

/// The beginning of `text`, for a message.
pub fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", words[..at].trim_end()),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let check = |name: &str, candidates: &[&str], expected: Option<&str>| {
            assert_eq!(nearest(name, candidates.iter().copied()), expected, "{name}");
        };
        check("biling", &["main", "billing", "agent"], Some("billing"));
        check("ordr_number", &["order_number", "order"], Some("order_number"));
        check("xyz", &["main", "billing"], None);
        check("Main", &["main"], Some("main"));
        check("a", &["b"], None);
        check("", &["b"], None);
    }

    #[test]
    fn no_report_commands_a_terminal() {
        let mut faults = Faults::default();
        faults.push(Diagnostic::of_file(codes::NAME, Severity::Error, "x", "a\u{1b}[31m\nb").consequence("c\rd"));
        let told = &faults.in_order(&[])[0];
        assert_eq!((told.message.as_str(), told.consequence.as_deref()), ("a [31m b", Some("c d")));
    }

    #[test]
    fn columns_are_counted_in_characters() {
        let source = Source { file: "x".into(), text: "a: ü\nñandú: 1\n".into() };
        let page = Page::new(&source);
        assert_eq!(page.line_and_column(0), (1, 1));
        assert_eq!(page.line_and_column(source.text.find('1').expect("it is there")), (2, 8));
    }
}
