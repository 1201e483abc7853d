//! What YAML finds wrong, in an operator's words.

use serde_saphyr::granit_parser::{ErrorKind, ScanError};

use super::codes;
use super::diagnostic::{Diagnostic, Faults, Page, Span, shortened};
use super::tree::{Content, Entry, Node};

/// The fault that a reader of YAML stopped at.
pub fn told(page: &Page<'_>, error: &ScanError) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(page.text().len());
    let character = page.text().get(at..).and_then(|rest| rest.chars().next());
    let end = at + character.filter(|character| *character != '\n').map_or(0, char::len_utf8);
    let span = visible(page, Span::new(at, end));
    if let Some(fault) = told_by_the_lines(page, error.kind(), at) {
        return fault;
    }
    let (code, message, remedy) = words(error.kind(), page, span);
    let fault = page.error(code, span, message);
    if remedy.is_empty() { fault } else { fault.remedy(remedy) }
}

/// Faults that a reader of YAML meets late: what stands in the lines tells where they are.
fn told_by_the_lines(page: &Page<'_>, kind: &ErrorKind, at: usize) -> Option<Diagnostic> {
    let before = page.text().get(..at)?;
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let this = page.text()[line_start..].lines().next().unwrap_or("");
    if let Some(place) = commented_in_braces(page.text(), line_start + this.len()) {
        return Some(commented_key(page, place));
    }
    if this.trim_start().starts_with("*:") {
        let place = line_start + this.find('*')?;
        let fault = page.error(codes::SYNTAX, Span::new(place, place + 1), STAR);
        return Some(fault.remedy(WRITE_STAR));
    }
    match kind {
        // `{lookup: orders/{number}}`: YAML takes the inner brace for another table.
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator
            if page.text()[at..].starts_with('{') =>
        {
            let end = page.text()[at..line_start + this.len()].find('}').map_or(at + 1, |closing| at + closing + 1);
            let message = "between braces and brackets a text that holds `{` needs quotes";
            let fault = page.error(codes::SYNTAX, Span::new(at, end), message);
            Some(fault.remedy("put the whole text into quotes"))
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement if this.matches(':').count() == 1 => {
            let above = before[..line_start].lines().rfind(|line| !line.trim().is_empty())?;
            let start = before[..line_start].rfind(above)?;
            let words = above.split(" #").next().unwrap_or("").trim();
            for (open, close) in [('[', ']'), ('{', '}')] {
                if words.matches(open).count() > words.matches(close).count() {
                    let place = start + above.rfind(open)?;
                    let message = format!("a `{open}` is never closed");
                    let fault = page.error(codes::SYNTAX, Span::new(place, place + 1), message);
                    return Some(fault.remedy(format!("close it with `{close}`")));
                }
            }
            let place = start + above.find(words)?;
            if let Some(key) = without_space(words) {
                return Some(no_space(page, place, key));
            }
            if words.is_empty() || words.contains(':') || words.starts_with('#') {
                return None;
            }
            let fault = page.error(codes::SYNTAX, Span::new(place, place + words.len()), "a `:` is missing after this");
            Some(fault.remedy("a key is followed by a colon and a space"))
        }
        // `say: {name|digits} is yours`: YAML takes the brace for a table.
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            let brace = this.find(": {")? + 2;
            let closing = this.rfind('}').filter(|closing| line_start + closing < at)?;
            let span = Span::new(line_start + brace, line_start + closing + 1);
            let fault = page.error(codes::SYNTAX, span, "a text that begins with `{` needs quotes");
            Some(fault.remedy("put the whole text into quotes"))
        }
        _ => None,
    }
}

/// Where a `#:` stands behind a brace or a comma, above `end`: what follows it is a comment, and what is missing there leaves the
/// braces open.
fn commented_in_braces(text: &str, end: usize) -> Option<usize> {
    /// So many lines above the place where the reader lost its way.
    const LINES: usize = 40;
    let mut line_end = end;
    for _ in 0..LINES {
        let start = text[..line_end].rfind('\n').map_or(0, |before| before + 1);
        let line = &text[start..line_end];
        let found = line.match_indices("#:").map(|(at, _)| at).find(|at| {
            let before = line[..*at].trim_end();
            before.ends_with(['{', ',']) && !before.trim_start().starts_with('#') && before.len() < *at
        });
        if found.is_some() || start == 0 {
            return found.map(|at| start + at);
        }
        line_end = start - 1;
    }
    None
}

const STAR: &str = "`*` without quotes has another meaning in YAML";
const WRITE_STAR: &str = "write `star` for the star key, or put the text into quotes";

type Words = (codes::Code, String, &'static str);

fn words(kind: &ErrorKind, page: &Page<'_>, span: Span) -> Words {
    use ErrorKind as Kind;
    let said = |message: &str, remedy: &'static str| (codes::SYNTAX, message.to_owned(), remedy);
    match kind {
        Kind::RecursionLimitExceeded => {
            (codes::TOO_LARGE, "tables and lists stand here too deep inside each other".to_owned(), "")
        }
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart
        | Kind::TabInPlainScalar => (codes::TAB, "a tab where only spaces may stand".to_owned(), "use spaces"),
        Kind::UnexpectedEofFlowSequence | Kind::UnclosedFlowCollection { open: '[' } => {
            said("a `[` is never closed", "close it with `]`")
        }
        Kind::UnexpectedEofFlowMapping
        | Kind::UnexpectedEofImplicitFlowMapping
        | Kind::UnclosedFlowCollection { .. } => {
            said("a `{` is never closed", "close it with `}`; a text that begins with `{` needs quotes")
        }
        Kind::InvalidQuotedScalarIndent => said(
            "a text in quotes is never closed, or goes on in a line that stands too far to the left",
            "close it with the same quotation mark",
        ),
        Kind::UnclosedQuotedScalar | Kind::UnexpectedEof | Kind::DocumentIndicatorInQuotedScalar => {
            said("a text in quotes is never closed", "close it with the same quotation mark")
        }
        Kind::MismatchedFlowCollectionEnd { open, close } => {
            (codes::SYNTAX, format!("a `{open}` is closed by a `{close}`"), "")
        }
        Kind::MisplacedFlowCollectionEnd => said("nothing is open that this could close", ""),
        Kind::ExpectedFlowMappingSeparator => said("a `,` or a `}` is missing here", ""),
        Kind::ExpectedFlowSequenceSeparator => said("a `,` or a `]` is missing here", ""),
        Kind::MappingValueNotAllowed | Kind::InvalidColonPlacement => said(
            "a second `: ` in one line, or a line that stands too far to the right",
            "put a text that holds `: ` into quotes",
        ),
        Kind::ExpectedBlockMappingKey
        | Kind::InvalidIndentation
        | Kind::ExpectedBlockSequenceEntry
        | Kind::BlockSequenceEntryNotAllowed
        | Kind::MappingKeyNotAllowed
        | Kind::InvalidFlowScalarIndent
        | Kind::InvalidBlockScalarIndent => {
            said("this line does not line up with the lines above it", "indent it like its neighbours")
        }
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => {
            said("a `:` is missing after this", "a key is followed by a colon and a space; a text stands after a key")
        }
        Kind::UnknownAnchor | Kind::MissingAnchorOrAliasName => {
            if page.at(span).starts_with('*') || page.text()[..span.start].ends_with('*') {
                said(STAR, WRITE_STAR)
            } else {
                said("`&` without quotes has another meaning in YAML", "put the text into quotes")
            }
        }
        Kind::UnexpectedCharacter { character } => {
            let message =
                format!("a text cannot begin with `{}` unless it stands in quotes", character.escape_default());
            (codes::SYNTAX, message, "put it into quotes")
        }
        Kind::UnknownQuotedScalarEscape
        | Kind::InvalidQuotedScalarHexEscape
        | Kind::InvalidUnicodeEscape
        | Kind::InvalidLowSurrogate
        | Kind::InvalidLowSurrogateHexEscape
        | Kind::MissingLowSurrogate
        | Kind::UnpairedLowSurrogate => said(
            "a `\\` in double quotes begins a special character, and this is none",
            "use single quotes, or write `\\\\`",
        ),
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => {
            said("something stands after the closing quotation mark", "put the whole text into quotes")
        }
        Kind::CommentNotSeparated => said("a space is missing before `#`", ""),
        Kind::CommentInterceptedScalar => {
            said("a comment stands in the middle of a text", "write the text with `>-` or in quotes")
        }
        _ => said(
            "this cannot be understood as YAML",
            "look at the indentation, the colons and the quotation marks here",
        ),
    }
}

/// A place where something can be seen: that of the last character before, if nothing stands at `span`.
fn visible(page: &Page<'_>, span: Span) -> Span {
    if !page.at(span).trim().is_empty() {
        return span;
    }
    let before = page.text().get(..span.start).unwrap_or("").trim_end();
    match before.char_indices().next_back() {
        Some((at, last)) => Span::new(at, at + last.len_utf8()),
        None => span,
    }
}

/// Tells every line that is indented by tabs; whether there was one.
pub fn tell_indenting_tabs(page: &Page<'_>, faults: &mut Faults) -> bool {
    let mut found = false;
    for_each_line(page.text(), |start, line| {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t').filter(|_| !line.trim().is_empty()) {
            found = true;
            let span = Span::new(start + tab, start + tab + 1);
            faults.push(page.error(codes::TAB, span, "this line is indented by a tab").remedy("use spaces"));
        }
    });
    found
}

/// Tells every line that holds a tab outside the texts in `texts`, which are in order, and outside comments.
pub fn tell_tabs(page: &Page<'_>, texts: &[Span], faults: &mut Faults) {
    for_each_line(page.text(), |start, line| {
        if !line.contains('\t') {
            return;
        }
        let end = comment_start(line, start, texts).unwrap_or(line.len());
        let tab = line[..end].match_indices('\t').map(|(tab, _)| start + tab).find(|at| !inside(texts, *at));
        if let Some(at) = tab {
            let span = Span::new(at, at + 1);
            faults.push(page.error(codes::TAB, span, "a tab where only spaces may stand").remedy("use spaces"));
        }
    });
}

/// Tells comments that were meant as a choice for the hash key: `#: To go back -> back`.
pub fn tell_commented_keys(page: &Page<'_>, texts: &[Span], faults: &mut Faults) {
    for_each_line(page.text(), |start, line| {
        let indent = line.len() - line.trim_start().len();
        if line[indent..].starts_with("#:") && !inside(texts, start + indent) {
            faults.push(commented_key(page, start + indent));
        }
    });
}

fn commented_key(page: &Page<'_>, at: usize) -> Diagnostic {
    page.error(codes::COMMENTED_KEY, Span::new(at, at + 1), "this choice is a comment: `#` begins one in YAML")
        .remedy("write `hash:` for the hash key")
        .consequence("callers who press the hash key would not be understood")
}

/// The key of `say:Hello`: a word, a colon, and no space behind it. Times and addresses are none.
pub fn without_space(text: &str) -> Option<&str> {
    let (key, rest) = text.split_once(':')?;
    let is_word = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    // The key of a choice: `1:To go on`, but not `1:30`.
    let is_key = key.chars().all(|c| c.is_ascii_digit()) && rest.starts_with(char::is_alphabetic);
    let is_address = rest.starts_with("//") || matches!(key, "sip" | "sips" | "tel" | "urn");
    let is_close = rest.starts_with(|c: char| !c.is_whitespace());
    (!key.is_empty() && (is_word && !is_address || is_key) && is_close).then_some(key)
}

/// What is told of a colon without a space; the key begins at `start`.
pub fn no_space(page: &Page<'_>, start: usize, key: &str) -> Diagnostic {
    let message = format!("there is no space after `{}:`", shortened(key));
    let fault = page.error(codes::NO_SPACE, Span::new(start, start + key.len() + 1), message);
    fault.remedy(format!("write `{}: ` and then what belongs to it", shortened(key)))
}

/// Tells a word in braces that has no value because a comma before it has ended the text that it belongs to, or because no
/// space stands behind its colon; whether it was told, and is no entry.
pub fn tell_comma(
    page: &Page<'_>,
    entries: &mut [Entry],
    (key, key_span): (&str, Span),
    value: &Node,
    faults: &mut Faults,
) -> bool {
    let bare = value.is_nothing()
        && value.span.start == value.span.end
        && page.text().get(key_span.end..).is_some_and(|rest| !rest.trim_start().starts_with(':'));
    if !bare || page.at(key_span).starts_with(['"', '\'']) {
        return false;
    }
    if let Some(key) = without_space(key) {
        faults.push(no_space(page, key_span.start, key));
        return true;
    }
    let Some(Entry { value: Node { span, content: Content::Text { text, quoted: false } }, .. }) = entries.last_mut()
    else {
        return false;
    };
    // What one comma has cut off, another cuts again: that is told once.
    let told = page.at(*span).contains(',');
    let head = shortened(text);
    *span = Span::new(span.start, key_span.end);
    *text = format!("{text}, {key}");
    if !told {
        let message = format!("the comma ends the text `{head}`, and `{}` is no key", shortened(key));
        let fault = page.error(codes::COMMA, *span, message);
        let fault = fault.remedy("put the whole text into quotes, or write the step over several lines without braces");
        faults.push(fault.consequence("callers would hear only what stands before the comma"));
    }
    true
}

/// Tells a text between quotation marks that YAML does not know.
pub fn tell_quotation_marks(page: &Page<'_>, node: &Node, faults: &mut Faults) {
    const MARKS: [char; 6] = ['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}', '\u{201a}'];
    let Some(text) = node.plain().filter(|text| text.chars().count() > 1) else { return };
    if text.starts_with(MARKS) && text.ends_with(MARKS) {
        let message = format!("the quotation marks of {} belong to the text here", shortened(text));
        let fault = page.warning(codes::QUOTATION_MARKS, node.span, message);
        faults.push(fault.remedy("use the straight ones: `\"` or `'`"));
    }
}

/// Tells a `&` that names something which nothing repeats.
pub fn tell_anchor(page: &Page<'_>, node: &Node, faults: &mut Faults) {
    let Some(start) = page.text().get(..node.span.start).and_then(|before| before.rfind('&')) else { return };
    let word = page.text()[start..].split_whitespace().next().unwrap_or("&");
    let message = format!("`{}` is a name in YAML, and no part of the text", shortened(word));
    let fault = page.warning(codes::UNUSED_ANCHOR, Span::new(start, start + word.len()), message);
    faults.push(fault.remedy("put the whole text into quotes").consequence("callers would hear the text without it"));
}

/// Tells texts that end at a `#` which was meant as a key: `Press # to go on`.
pub fn tell_cut_texts(page: &Page<'_>, texts: &[Span], faults: &mut Faults) {
    const BEFORE_A_KEY: [&str; 9] = ["press", "press the", "hit", "key", "pulse", "marque", "tapez", "or", "then"];
    for_each_line(page.text(), |start, line| {
        let Some(comment) = comment_start(line, start, texts) else { return };
        let before = line[..comment].trim_end().to_lowercase();
        let cut = BEFORE_A_KEY.iter().any(|words| before.strip_suffix(words).is_some_and(|rest| rest.ends_with(' ')));
        if cut && inside(texts, (start + before.len()).saturating_sub(1)) {
            let span = Span::new(start + comment, start + line.trim_end().len());
            let fault = page.warning(codes::COMMENT_IN_TEXT, span, "the rest of this line is a comment");
            let fault = fault.remedy("put the whole text into quotes, or write \u{201c}the hash key\u{201d}");
            faults.push(fault.consequence("callers would hear the text up to here only"));
        }
    });
}

/// Spaces that are wide but none to YAML, and those of no width.
const WIDE: [char; 4] = ['\u{a0}', '\u{2007}', '\u{202f}', '\u{3000}'];
const NARROW: [char; 4] = ['\u{200b}', '\u{200c}', '\u{2060}', '\u{feff}'];

/// Tells spaces that are none where they can only be a slip: behind a colon, at the ends of a text, of no width in any text
/// without quotes.
pub fn tell_odd_spaces(page: &Page<'_>, texts: &[Span], faults: &mut Faults) {
    let mut found = Vec::new();
    for span in texts {
        let text = page.at(*span);
        if text.is_ascii() || text.starts_with(['"', '\'', '|', '>']) {
            continue;
        }
        let slips = text.char_indices().filter(|(at, c)| {
            let edge = *at == 0 || at + c.len_utf8() == text.len() || text[..*at].ends_with(':');
            NARROW.contains(c) || WIDE.contains(c) && edge
        });
        found.extend(slips.map(|(at, c)| Span::new(span.start + at, span.start + at + c.len_utf8())));
    }
    for span in found {
        let fault = page.warning(codes::ODD_SPACE, span, "this is not the space that YAML knows");
        faults.push(fault.remedy("delete it, and type a space where one is wanted"));
    }
}

/// Tells every line that is indented by spaces which are none, or has one behind a colon; whether there was one.
pub fn tell_indenting_spaces(page: &Page<'_>, faults: &mut Faults) -> bool {
    let mut found = false;
    for_each_line(page.text(), |start, line| {
        if line.is_ascii() {
            return;
        }
        let odd = |c: char| WIDE.contains(&c) || NARROW.contains(&c);
        let indent = line.len() - line.trim_start_matches(|c: char| c == ' ' || odd(c)).len();
        let mut slips = line.char_indices().filter(|(at, c)| odd(*c) && (*at < indent || line[..*at].ends_with(':')));
        // The mark at the beginning of a file is none of the text.
        if let Some((at, c)) = slips.find(|(at, c)| start + at > 0 || *c != '\u{feff}') {
            found = true;
            let span = Span::new(start + at, start + at + c.len_utf8());
            let fault = page.error(codes::ODD_SPACE, span, "this is not the space that YAML knows");
            faults.push(fault.remedy("type a space instead"));
        }
    });
    found
}

fn for_each_line(text: &str, mut tell: impl FnMut(usize, &str)) {
    let mut start = 0;
    for line in text.split('\n') {
        tell(start, line);
        start += line.len() + 1;
    }
}

fn inside(texts: &[Span], at: usize) -> bool {
    let after = texts.partition_point(|span| span.start <= at);
    after > 0 && at < texts[after - 1].end
}

/// Where the comment of a line begins.
fn comment_start(line: &str, start: usize, texts: &[Span]) -> Option<usize> {
    line.match_indices('#').map(|(at, _)| at).find(|at| {
        !inside(texts, start + at) && line[..*at].chars().next_back().is_none_or(|before| before.is_whitespace())
    })
}
