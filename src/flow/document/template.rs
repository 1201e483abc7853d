//! What is said, as it is written: words, with placeholders such as `{order_number|digits}` in them.

use std::ops::Range;

use crate::flow::Languages;
use crate::telephony::Digit;

/// Most characters of one text.
pub const MAX_TEXT: usize = 4000;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Words that a recording says.
    Words(String),
    /// A value.
    Value {
        /// The value's name.
        name: String,
        /// Where the name stands in the text, in bytes.
        name_range: Range<usize>,
        /// How it is spoken, and where that stands.
        format: Option<(String, Range<usize>)>,
        /// Where the placeholder stands, braces included.
        range: Range<usize>,
    },
}

/// A fault of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TemplateFault {
    pub range: Range<usize>,
    pub message: String,
    pub remedy: &'static str,
}

/// Cuts a text into its parts; words without a letter or digit, such as the full stop after a placeholder, are no part.
pub(super) fn cut(text: &str) -> (Vec<Part>, Vec<TemplateFault>) {
    let (mut parts, mut faults) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some(brace) = rest.find(['{', '}']) else {
            add_words(&mut parts, rest);
            break;
        };
        add_words(&mut parts, &rest[..brace]);
        let start = at + brace;
        if rest[brace..].starts_with('}') {
            let message = "a `}` closes nothing".to_owned();
            faults.push(TemplateFault { range: start..start + 1, message, remedy: "a placeholder begins with `{`" });
            at = start + 1;
            continue;
        }
        let inner = &text[start + 1..];
        match inner.find(['{', '}']) {
            Some(end) if inner[end..].starts_with('}') => {
                let range = start..start + 1 + end + 1;
                match placeholder(&inner[..end], start + 1, range.clone()) {
                    Ok(part) => parts.push(part),
                    Err(fault) => faults.push(fault),
                }
                at = range.end;
            }
            unclosed => {
                let length =
                    inner.find(char::is_whitespace).unwrap_or(inner.len()).min(unclosed.unwrap_or(inner.len()));
                let range = start..start + 1 + length;
                let message = "a `{` begins a placeholder, and is never closed".to_owned();
                faults.push(TemplateFault { range: range.clone(), message, remedy: "close it with `}`" });
                at = range.end;
            }
        }
    }
    (parts, faults)
}

fn add_words(parts: &mut Vec<Part>, words: &str) {
    if words.chars().any(char::is_alphanumeric) {
        parts.push(Part::Words(words.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
}

fn placeholder(inner: &str, offset: usize, range: Range<usize>) -> Result<Part, TemplateFault> {
    let placed = |word: &str, at: usize| {
        let start = offset + at + (word.len() - word.trim_start().len());
        (word.trim().to_owned(), start..start + word.trim().len())
    };
    let (name, format) = match inner.split_once('|') {
        Some((name, format)) => (placed(name, 0), Some(placed(format, name.len() + 1))),
        None => (placed(inner, 0), None),
    };
    if name.0.is_empty() {
        let message = "a placeholder without a value".to_owned();
        return Err(TemplateFault { range, message, remedy: "write `{name|digits}`" });
    }
    Ok(Part::Value { name: name.0, name_range: name.1, format, range })
}

/// Makes the whole line of a choice from its text: "For billing" and the 2 become "For billing, press two."
pub(super) fn announce(parts: &mut Vec<Part>, languages: &Languages, language: &str, keys: &[Digit]) {
    let tail = languages.keys_of_choice(language, keys).unwrap_or_else(|| {
        let keys: String = keys.iter().map(|key| key.as_char()).collect();
        format!(": {keys}.")
    });
    match parts.last_mut() {
        Some(Part::Words(words)) => {
            let kept = words.trim_end_matches([' ', '.', ',', ';', ':']).len();
            words.truncate(kept);
            words.push_str(&tail);
        }
        // After a value, the rest of the line is a recording of its own.
        Some(Part::Value { .. }) => parts.push(Part::Words(tail.trim_start_matches([',', ':', ' ']).to_owned())),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(parts: &[Part]) -> Vec<String> {
        parts
            .iter()
            .map(|part| match part {
                Part::Words(words) => words.clone(),
                Part::Value { name, format: Some((format, _)), .. } => format!("<{name} as {format}>"),
                Part::Value { name, format: None, .. } => format!("<{name}>"),
            })
            .collect()
    }

    #[test]
    fn texts_are_cut_at_placeholders() {
        let check = |text: &str, expected: &[&str], faults: &[(&str, &str)]| {
            let (parts, found) = cut(text);
            assert_eq!(shown(&parts), expected, "{text}");
            let found: Vec<(&str, &str)> =
                found.iter().map(|fault| (&text[fault.range.clone()], fault.message.as_str())).collect();
            assert_eq!(found, faults, "{text}");
        };
        check("Thank you for\n  calling.", &["Thank you for calling."], &[]);
        check("It is {total|money}.", &["It is", "<total as money>"], &[]);
        check("{ a | digits }{b}", &["<a as digits>", "<b>"], &[]);
        check("Order {n|digits} is for {m}", &["Order", "<n as digits>", "is for", "<m>"], &[]);
        check(
            "Order {n|digits is",
            &["Order", "is"],
            &[("{n|digits", "a `{` begins a placeholder, and is never closed")],
        );
        check("a } b", &["a", "b"], &[("}", "a `}` closes nothing")]);
        check("a {} b", &["a", "b"], &[("{}", "a placeholder without a value")]);
        check("{a {b}", &["<b>"], &[("{a", "a `{` begins a placeholder, and is never closed")]);
        check("ñ {", &["ñ"], &[("{", "a `{` begins a placeholder, and is never closed")]);
        check("", &[], &[]);
    }

    #[test]
    fn choices_are_announced() {
        let check = |text: &str, language: &str, keys: &str, expected: &[&str]| {
            let (mut parts, _) = cut(text);
            let keys: Vec<Digit> = keys.chars().map(|key| Digit::from_char(key).expect("a key")).collect();
            announce(&mut parts, &Languages::built_in(), language, &keys);
            assert_eq!(shown(&parts), expected, "{text}");
        };
        check("For billing", "en", "2", &["For billing, press two."]);
        check("For billing.", "en-GB", "42", &["For billing, press four two."]);
        check("Para facturación", "es", "#", &["Para facturación, pulse almohadilla."]);
        check("For order {n|digits}", "en", "*", &["For order", "<n as digits>", "press star."]);
        check("Voor rekeningen", "nl", "2", &["Voor rekeningen: 2."]);
    }
}
