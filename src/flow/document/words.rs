//! What is said in each language: recordings, with values between them.

use std::ops::Range;
use std::sync::Arc;

use super::codes;
use super::diagnostic::{Diagnostic, Page, Span, listed, shortened};
use super::flow::FlowReader;
use super::template::{self, Part};
use super::tree::{Content, Entry, Node};
use super::values::{Known, SetValue};
use crate::flow::connector::FieldKind;
use crate::flow::{Currency, Languages, Piece, Speech, SpokenAs, StepIndex, Value, speech};
use crate::telephony::Digit;

/// The ways in which a value can be spoken.
pub(super) const FORMATS: [(&str, SpokenAs); 8] = [
    ("digits", SpokenAs::Digits),
    ("number", SpokenAs::Number),
    ("money", SpokenAs::Money),
    ("day", SpokenAs::Day),
    ("time", SpokenAs::Time),
    ("day_time", SpokenAs::DayTime),
    ("duration", SpokenAs::Duration),
    ("word", SpokenAs::Word),
];

/// What the step that is being read lacks, told together at its end.
#[derive(Default)]
pub(super) struct Lacks {
    unrecorded: Vec<Unrecorded>,
    untranslated: Vec<Untranslated>,
}

struct Unrecorded {
    language: Arc<str>,
    file: String,
    words: String,
    place: Span,
}

struct Untranslated {
    language: String,
    place: Span,
    of_choice: bool,
}

fn unrecorded(step: &str, missing: &[&Unrecorded]) -> String {
    const NAMED: usize = 4;
    let named: Vec<String> = missing.iter().take(NAMED).map(|lack| format!("`{}`", lack.file)).collect();
    match missing.len() {
        1 => format!("{} is not recorded", named[0]),
        few if few <= NAMED => format!("{few} recordings of `{step}` are missing: {}", named.join(", ")),
        many => format!("{many} recordings of `{step}` are missing: {} and {} more", named.join(", "), many - NAMED),
    }
}

/// What is being said, and by whom.
pub(super) struct Said<'s> {
    /// The name of the recording: `main/welcome`, `main/main.1`.
    pub recording: String,
    /// The step that speaks; a queue is none.
    pub step: Option<StepIndex>,
    /// Its name, or the queue's.
    pub place: &'s str,
    /// The keys of a choice, whose line ends in ", press two."
    pub keys: Option<&'s [Digit]>,
    /// The setting, as it is shown.
    pub key: &'s str,
}

/// A text in one language and where it stands.
#[derive(Clone, Copy)]
struct Written<'n> {
    node: &'n Node,
    text: &'n str,
    /// Where `text` begins in the node's text.
    offset: usize,
}

impl FlowReader<'_, '_> {
    /// What an entry says: a text in the flow's first language, or a table of languages and texts.
    pub fn speech(&mut self, entry: &Entry, said: &Said<'_>) -> Option<Speech> {
        let mut texts = vec![None; self.outline.languages.len()];
        match &entry.value.content {
            Content::Text { text, .. } => texts[0] = Some(Written { node: &entry.value, text, offset: 0 }),
            Content::Table(entries) => {
                if let [only] = entries.as_slice()
                    && only.value.is_nothing()
                {
                    let message = "a text that begins with `{` needs quotes";
                    let fault = self.page.error(codes::PLACEHOLDER, entry.value.span, message);
                    self.fault(fault.remedy(format!("write `\"{{{}}}\"`", shortened(&only.key))));
                    return None;
                }
                for entry in entries {
                    let Some(language) = self.outline.languages.iter().position(|code| **code == *entry.key) else {
                        self.no_such_language(&entry.key, entry.key_span);
                        continue;
                    };
                    if let Some(text) = self.text_of(entry, "a text") {
                        texts[language] = Some(Written { node: &entry.value, text, offset: 0 });
                    }
                }
            }
            Content::Nothing => {}
            Content::List(_) => {
                self.wrong_shape(entry, "a text");
                return None;
            }
        }
        self.spoken(&texts, entry.place(), said)
    }

    /// What a part of a node's text says, in the flow's first language.
    pub fn speech_of_part(&mut self, node: &Node, range: Range<usize>, said: &Said<'_>) -> Option<Speech> {
        let mut texts = vec![None; self.outline.languages.len()];
        let text = node.text()?.get(range.clone())?;
        texts[0] = Some(Written { node, text, offset: range.start });
        self.spoken(&texts, self.place_in(node, range), said)
    }

    pub fn no_such_language(&mut self, code: &str, place: Span) {
        let languages = &self.outline.languages;
        let codes = languages.iter().map(|language| &**language);
        let fault =
            self.page.error(codes::NO_SUCH_LANGUAGE, place, format!("the flow does not speak `{}`", shortened(code)));
        let remedy = format!("its `languages` are {}", listed(codes.clone()).replace(" or ", " and "));
        self.fault(fault.meant(code, codes).or_remedy(&remedy));
    }

    fn spoken(&mut self, texts: &[Option<Written<'_>>], place: Span, said: &Said<'_>) -> Option<Speech> {
        let outline = self.outline;
        let mut by_language: Vec<Vec<Piece>> = Vec::with_capacity(texts.len());
        let mut untranslated = Vec::new();
        for (language, text) in outline.languages.iter().zip(texts) {
            let pieces = match text {
                Some(written) => self.pieces(language, *written, said),
                None if self.reader.known.has(language, &said.recording) => {
                    let step = said.step.map(|step| (self.flow, step));
                    vec![Piece::Prompt(self.reader.recordings.ask(language, &said.recording, "", step))]
                }
                None => {
                    untranslated.push(&**language);
                    // Another language is better than silence.
                    by_language.first().cloned().unwrap_or_default()
                }
            };
            by_language.push(pieces);
        }
        let first = &*outline.languages[0];
        if untranslated.contains(&first) {
            let message = format!("`{}` has no text in `{first}`", said.key);
            let fault = self.page.error(codes::NO_TEXT, place, message);
            self.fault(fault.consequence(format!("callers would hear nothing in `{}`", said.place)));
            return None;
        }
        let untranslated = untranslated.into_iter().map(str::to_owned);
        self.lacks.untranslated.extend(untranslated.map(|language| Untranslated {
            language,
            place,
            of_choice: said.keys.is_some(),
        }));
        Some(Speech { by_language })
    }

    /// The recordings and values of one text; those that do not exist are told.
    fn pieces(&mut self, language: &Arc<str>, written: Written<'_>, said: &Said<'_>) -> Vec<Piece> {
        let at = |range: Range<usize>| written.offset + range.start..written.offset + range.end;
        let whole = self.place_in(written.node, at(0..written.text.len()));
        if written.text.len() > template::MAX_TEXT {
            let message = format!("a text has at most {} characters", template::MAX_TEXT);
            let fault = self.page.error(codes::TOO_LARGE, whole, message);
            self.fault(fault.remedy("make several steps of it"));
            return Vec::new();
        }
        let (mut parts, faults) = template::cut(written.text);
        for fault in &faults {
            let place = self.place_in(written.node, at(fault.range.clone()));
            let fault = self.page.error(codes::PLACEHOLDER, place, fault.message.clone()).remedy(fault.remedy);
            self.fault(fault);
        }
        if parts.is_empty() && faults.is_empty() {
            let fault = self.page.error(codes::NO_TEXT, whole, format!("`{}` says nothing", said.key));
            self.fault(fault.consequence(format!("callers would hear nothing in `{}`", said.place)));
        }
        if let Some(keys) = said.keys {
            template::announce(&mut parts, &self.reader.languages, language, keys);
        }
        let in_one_piece = !parts.iter().any(|part| matches!(part, Part::Value { .. }));
        let mut fragment = 0;
        let mut pieces = Vec::new();
        for part in &parts {
            match part {
                Part::Words(words) => {
                    fragment += 1;
                    let name = match in_one_piece {
                        true => said.recording.clone(),
                        false => format!("{}.part{fragment}", said.recording),
                    };
                    // The recording of a choice whose keys are wrong has no name yet.
                    if said.keys.is_none_or(|keys| !keys.is_empty()) {
                        self.note_missing(language, &name, words, whole);
                    }
                    let step = said.step.map(|step| (self.flow, step));
                    pieces.push(Piece::Prompt(self.reader.recordings.ask(language, &name, words, step)));
                }
                Part::Value { name, name_range, format, range } => {
                    let name_place = self.place_in(written.node, at(name_range.clone()));
                    let format = format
                        .as_ref()
                        .map(|(format, range)| (format.as_str(), self.place_in(written.node, at(range.clone()))));
                    let place = self.place_in(written.node, at(range.clone()));
                    if let Some(format) = self.placeholder(language, (name, name_place), format, place) {
                        pieces.push(Piece::Value { name: Arc::from(name.as_str()), format });
                    }
                }
            }
        }
        pieces
    }

    pub fn note_missing(&mut self, language: &Arc<str>, name: &str, words: &str, place: Span) {
        if !self.reader.known.has(language, name) {
            let file = format!("{}/{language}/{name}.wav", self.reader.known.folder);
            if !self.lacks.unrecorded.iter().any(|lack| lack.file == file) {
                let (language, words) = (language.clone(), words.to_owned());
                self.lacks.unrecorded.push(Unrecorded { language, file, words, place });
            }
        }
    }

    /// Tells the recordings and translations that the step just read lacks: one warning a language for each.
    pub fn tell_lacks(&mut self, step: &str) {
        let lacks = std::mem::take(&mut self.lacks);
        let outline = self.outline;
        for language in &outline.languages {
            let missing: Vec<&Unrecorded> = lacks.unrecorded.iter().filter(|lack| lack.language == *language).collect();
            if let Some(first) = missing.first() {
                let fault = self.page.warning(codes::NO_RECORDING, first.place, unrecorded(step, &missing));
                let consequence = match missing.as_slice() {
                    [one] if one.words.is_empty() => {
                        "callers would hear nothing here, and the flow would go on".to_owned()
                    }
                    [one] => format!("callers would not hear “{}”, and the flow would go on", shortened(&one.words)),
                    _ => "callers would hear nothing in their place, and the flow would go on".to_owned(),
                };
                self.fault(fault.consequence(consequence));
            }
            let missing: Vec<&Untranslated> =
                lacks.untranslated.iter().filter(|lack| lack.language == **language).collect();
            if let Some(lack) = missing.first() {
                let message = match missing.len() {
                    1 => format!("this text is missing in `{language}`"),
                    many => format!("{many} texts of `{step}` are missing in `{language}`"),
                };
                let fault = self.page.warning(codes::NOT_TRANSLATED, lack.place, message);
                let first = &outline.languages[0];
                let remedy = match lack.of_choice {
                    true => format!("write `say: {{{first}: ..., {language}: ...}}` and `go: ...` below the key"),
                    false => format!("write `{{{first}: ..., {language}: ...}}`"),
                };
                let consequence = format!("callers who speak `{language}` would hear `{first}` here");
                self.fault(fault.remedy(remedy).consequence(consequence));
            }
        }
    }

    fn placeholder(
        &mut self,
        language: &Arc<str>,
        (name, name_place): (&str, Span),
        format: Option<(&str, Span)>,
        place: Span,
    ) -> Option<SpokenAs> {
        let spoken_as = match format {
            None => None,
            Some((format, format_place)) => match self.format(language, format) {
                Some(spoken_as) => Some(spoken_as),
                None => {
                    self.no_such_format(language, format, format_place);
                    // The name is looked at all the same.
                    let _ = self.look_up(name, name_place);
                    return None;
                }
            },
        };
        let built_in = match self.look_up(name, name_place)? {
            Looked::Formats(formats) => Some(formats),
            Looked::Set => None,
        };
        if let Some(formats) = built_in {
            return self.built_in_format(language, name, formats, spoken_as, place);
        }
        let spoken_as = self.set_format(language, name, spoken_as, place)?;
        self.tell_rules(language, spoken_as, place);
        Some(spoken_as)
    }

    fn look_up(&mut self, name: &str, place: Span) -> Option<Looked> {
        let fault = match self.reader.values.read(name) {
            Known::Set(value) if value.secret => {
                let message = format!("`{name}` is a secret, and would be spoken");
                self.page.error(codes::SECRET_SPOKEN, place, message).remedy("leave it out")
            }
            Known::Set(_) => return Some(Looked::Set),
            Known::BuiltIn(built_in) => return Some(Looked::Formats(built_in.formats)),
            Known::Untold => return None,
            Known::Nothing if self.reader.faults.are_full() => return None,
            Known::Nothing => {
                let fault = self.reader.values.no_such_value(self.page, name, place);
                fault.consequence("callers would hear nothing in its place")
            }
        };
        self.fault(fault);
        None
    }

    /// A way of speaking that all languages have, or the rules of this name that this language has.
    fn format(&mut self, language: &str, format: &str) -> Option<SpokenAs> {
        if let Some((_, spoken_as)) = FORMATS.iter().find(|(name, _)| *name == format) {
            return Some(*spoken_as);
        }
        self.reader.languages.find(language)?.rules(format)?;
        Some(SpokenAs::Ruled(self.reader.languages.name_rules(format)))
    }

    fn no_such_format(&mut self, language: &str, format: &str, place: Span) {
        let names = FORMATS.iter().map(|(name, _)| *name);
        let rules: Vec<String> = self.reader.languages.rules_of(language);
        let message = format!("nothing is spoken as `{}`", shortened(format));
        let fault = self.page.error(codes::NO_SUCH_FORMAT, place, message);
        let ours = names.clone().chain(rules.iter().map(String::as_str));
        self.fault(fault.meant(format, ours).or_remedy(&format!("write {}", listed(names))));
    }

    fn built_in_format(
        &mut self,
        language: &str,
        name: &str,
        formats: &[SpokenAs],
        spoken_as: Option<SpokenAs>,
        place: Span,
    ) -> Option<SpokenAs> {
        // A number is spoken as a number, in whatever way the language has for numbers.
        let is_number = formats.contains(&SpokenAs::Number);
        let spoken_as = spoken_as.or(is_number.then_some(SpokenAs::Number));
        let fits = |way: &SpokenAs| formats.contains(way) || is_number && matches!(way, SpokenAs::Ruled(_));
        let Some(spoken_as) = spoken_as.filter(fits) else {
            let ways: Vec<String> =
                formats.iter().map(|format| format!("{{{name}|{}}}", format_name(*format))).collect();
            let fault = self.page.error(codes::NO_SUCH_FORMAT, place, format!("`{name}` cannot be spoken in this way"));
            let fault = match ways.is_empty() {
                true => fault.remedy("leave it out: nothing could say it"),
                false => fault.remedy(format!("write {}", listed(ways.iter().map(String::as_str)))),
            };
            self.fault(fault);
            return None;
        };
        self.tell_rules(language, spoken_as, place);
        Some(spoken_as)
    }

    /// How a value that a step sets is spoken; words get recordings of their own.
    fn set_format(
        &mut self,
        language: &Arc<str>,
        name: &str,
        spoken_as: Option<SpokenAs>,
        place: Span,
    ) -> Option<SpokenAs> {
        let Known::Set(value) = self.reader.values.read(name) else { return None };
        let spoken_as = spoken_as.unwrap_or_else(|| natural_format(value));
        if let Some(fault) =
            value.answered.as_ref().and_then(|kind| unfit_field(self.page, name, kind, spoken_as, place))
        {
            self.fault(fault);
            return None;
        }
        if value.keyed && matches!(spoken_as, SpokenAs::Word | SpokenAs::Day | SpokenAs::Time | SpokenAs::DayTime) {
            let message = format!("`{name}` is keyed by callers, and cannot be spoken as {}", format_phrase(spoken_as));
            let fault = self.page.error(codes::NO_SUCH_FORMAT, place, message);
            self.fault(fault.remedy(format!("write `{{{name}|digits}}` or `{{{name}|number}}`")));
            return None;
        }
        let mut words = Vec::new();
        let mut unfit = None;
        // An amount may come with its currency, or without.
        let mut needs_currency = value.keyed || value.answered.is_some();
        for literal in &value.literals {
            needs_currency |= !can_speak(literal, spoken_as, None);
            if !can_speak(literal, spoken_as, Some(Currency::Gbp)) {
                unfit = unfit.or(Some(literal.clone()));
            } else if spoken_as == SpokenAs::Word {
                words.extend(literal.written());
            }
        }
        if let Some(unfit) = unfit {
            let written = unfit.written().unwrap_or_default();
            let message = format!(
                "`{name}` can be `{}`, which cannot be spoken as {}",
                shortened(&written),
                format_phrase(spoken_as)
            );
            let fault = self.page.error(codes::NO_SUCH_FORMAT, place, message);
            self.fault(fault.consequence("callers would hear nothing in its place"));
            return None;
        }
        if spoken_as == SpokenAs::Money && needs_currency && !self.has_currency {
            let fault = self.page.error(codes::NO_CURRENCY, place, "the flow has no `currency` for this amount");
            self.fault(fault.remedy("write `currency: GBP` or another at the top of the file"));
        }
        for word in words {
            let word = if word == "true" {
                "yes".to_owned()
            } else if word == "false" {
                "no".to_owned()
            } else {
                word
            };
            let recording = format!("phrases/word/{}", word.trim());
            self.note_missing(language, &recording, &word, place);
            self.reader.recordings.ask(language, &recording, &word, None);
        }
        Some(spoken_as)
    }

    /// Tells what the flow or its language lacks for speaking in this way.
    fn tell_rules(&mut self, language: &str, spoken_as: SpokenAs, place: Span) {
        let needs_rules = !matches!(spoken_as, SpokenAs::Digits | SpokenAs::Word);
        if needs_rules && !self.reader.languages.can(language, spoken_as) {
            let message = format!("{} cannot be spoken in `{language}` yet", format_phrase(spoken_as));
            let fault = self.page.error(codes::LANGUAGE_WITHOUT_NUMBERS, place, message);
            let remedy = "say it without a placeholder in this language, or write the rules of the language";
            self.fault(fault.remedy(format!("{remedy} (docs/languages.md)")));
        }
        if matches!(spoken_as, SpokenAs::Day | SpokenAs::Time | SpokenAs::DayTime) && !self.has_time_zone {
            let fault = self.page.warning(codes::NO_TIME_ZONE, place, "the flow has no `time_zone`");
            self.fault(
                fault
                    .remedy("write `time_zone: Europe/London` or another at the top of the file")
                    .consequence("callers would hear days and times of UTC"),
            );
        }
    }
}

/// What a name in a placeholder stands for.
enum Looked {
    Set,
    Formats(&'static [SpokenAs]),
}

/// How a value is spoken when the placeholder does not say.
fn natural_format(value: &SetValue) -> SpokenAs {
    if let Some(kind) = &value.answered {
        return ways_to_speak(kind).first().copied().unwrap_or(SpokenAs::Word);
    }
    let numbers = value.literals.iter().all(|literal| matches!(literal, Value::Number { .. }));
    if numbers && !value.literals.is_empty() { SpokenAs::Number } else { SpokenAs::Word }
}

/// How a field of an answer can be spoken, the natural way first.
fn ways_to_speak(kind: &FieldKind) -> &'static [SpokenAs] {
    match kind {
        FieldKind::Text(_) | FieldKind::Bool => &[SpokenAs::Word],
        FieldKind::Digits => &[SpokenAs::Digits, SpokenAs::Number],
        FieldKind::Number => &[SpokenAs::Number, SpokenAs::Digits, SpokenAs::Money],
        FieldKind::Money => &[SpokenAs::Money],
        FieldKind::Date => &[SpokenAs::Day],
        FieldKind::Time => &[SpokenAs::DayTime, SpokenAs::Time, SpokenAs::Day],
    }
}

/// What is told of a field that cannot be spoken in this way.
fn unfit_field(page: &Page<'_>, name: &str, kind: &FieldKind, spoken_as: SpokenAs, place: Span) -> Option<Diagnostic> {
    let ways = ways_to_speak(kind);
    if !ways.contains(&spoken_as) {
        let message = format!("`{name}` is {}, and cannot be spoken as {}", kind.described(), format_phrase(spoken_as));
        let ways: Vec<String> = ways.iter().map(|way| format!("{{{name}|{}}}", format_name(*way))).collect();
        let fault = page.error(codes::NO_SUCH_FORMAT, place, message);
        return Some(fault.remedy(format!("write {}", listed(ways.iter().map(String::as_str)))));
    }
    match kind {
        FieldKind::Text(words) if words.is_empty() => {
            let field = name.rsplit('.').next().unwrap_or(name);
            let message = format!("`{name}` could be any text, and no recording says any text");
            let fault = page.error(codes::ANY_TEXT, place, message);
            let fault = fault.remedy(format!("name what it can be in the connector: `{field}: [sent, delayed]`"));
            Some(fault.consequence("callers would hear nothing in its place"))
        }
        _ => None,
    }
}

fn format_phrase(spoken_as: SpokenAs) -> &'static str {
    match spoken_as {
        SpokenAs::Digits => "digits",
        SpokenAs::Number => "a number",
        SpokenAs::Money => "money",
        SpokenAs::Day => "a day",
        SpokenAs::Time => "a time",
        SpokenAs::DayTime => "a day and a time",
        SpokenAs::Duration => "a length of time",
        SpokenAs::Ruled(_) => "a whole number",
        SpokenAs::Word => "a word",
    }
}

fn format_name(spoken_as: SpokenAs) -> &'static str {
    FORMATS.iter().find(|(_, format)| *format == spoken_as).map_or("word", |(name, _)| name)
}

/// Whether a value can be spoken so, in whatever language.
fn can_speak(value: &Value, spoken_as: SpokenAs, currency: Option<Currency>) -> bool {
    let setting = speech::Setting {
        wall: jiff::Timestamp::UNIX_EPOCH,
        time_zone: &jiff::tz::TimeZone::UTC,
        currency,
        near_days: true,
    };
    Languages::built_in().speak("en", value, spoken_as, &setting).is_some()
}
