//! A pattern: phrases and values in the order in which they are said, as a language file writes them.
//!
//! `"{times} number/hundred [number/and {rest}]"` is a number, a phrase and, where something is left, another phrase and a
//! number. `number/{round}` is one phrase of a series, `{hour|clock}` a number as other rules say it, and `[a | b]` is `a`
//! where something is left and `b` where nothing is.

use std::ops::Range;
use std::sync::Arc;

/// Longest pattern, in characters.
pub(in crate::flow) const LONGEST_PATTERN: usize = 400;

/// What can stand in a pattern, by the place where it stands.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct Fields {
    /// Numbers, which rules say or which name one phrase of a series.
    pub numbers: &'static [&'static str],
    /// Words that name one phrase of a series.
    pub names: &'static [&'static str],
    /// What is said already.
    pub said: &'static [&'static str],
    /// Whether `[ ]` may stand here: it asks for `{rest}`.
    pub brackets: bool,
}

/// How a number is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::flow) enum By {
    /// By a set of number rules.
    Numbers(usize),
    /// With what is counted.
    Counted(usize),
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flow) enum Token {
    /// A phrase, by its name below `phrases/`.
    Phrase(Arc<str>),
    /// The phrase of this name with a field between its parts.
    Series { before: Arc<str>, field: &'static str, after: Arc<str> },
    /// A value; `None`: as the rules that this stands in say numbers.
    Spoken { field: &'static str, by: Option<By> },
    /// The first where something is left, the second where nothing is.
    Either { with: Vec<Token>, without: Vec<Token> },
}

/// A fault of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flow) struct PatternFault {
    /// Where, in bytes of the pattern.
    pub range: Range<usize>,
    /// What.
    pub message: String,
    /// No rules have the name that stands there: what a name could have been is known elsewhere.
    pub unknown_rules: bool,
}

fn fault(range: Range<usize>, message: impl Into<String>) -> PatternFault {
    PatternFault { range, message: message.into(), unknown_rules: false }
}

/// Reads a pattern; `rules` knows the names that may stand after `|`.
pub(in crate::flow) fn parse(
    text: &str,
    fields: &Fields,
    rules: &dyn Fn(&str) -> Option<By>,
) -> Result<Vec<Token>, PatternFault> {
    if text.len() > LONGEST_PATTERN {
        return Err(fault(0..text.len(), format!("a rule of speech has at most {LONGEST_PATTERN} characters")));
    }
    let mut parser = Parser { text, at: 0, fields, rules };
    let tokens = parser.tokens(None)?;
    match parser.at == text.len() {
        true => Ok(tokens),
        false => {
            let at = parser.at;
            Err(fault(at..at + 1, format!("a `{}` stands here without a `[`", &text[at..=at])))
        }
    }
}

struct Parser<'p> {
    text: &'p str,
    at: usize,
    fields: &'p Fields,
    rules: &'p dyn Fn(&str) -> Option<By>,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn tokens(&mut self, inside: Option<usize>) -> Result<Vec<Token>, PatternFault> {
        let mut tokens = Vec::new();
        loop {
            self.at += self.rest().len() - self.rest().trim_start().len();
            match self.rest().chars().next() {
                None | Some(']' | '|') => return Ok(tokens),
                Some('[') => {
                    let start = self.at;
                    if inside.is_some() {
                        return Err(fault(start..start + 1, "a `[` stands within another"));
                    }
                    tokens.push(self.either(start)?);
                }
                Some(_) => tokens.push(self.word()?),
            }
        }
    }

    fn either(&mut self, start: usize) -> Result<Token, PatternFault> {
        if !self.fields.brackets {
            return Err(fault(start..start + 1, "nothing is left here that a `[` could ask for"));
        }
        self.at += 1;
        let with = self.tokens(Some(start))?;
        let mut without = Vec::new();
        if self.rest().starts_with('|') {
            self.at += 1;
            without = self.tokens(Some(start))?;
        }
        if !self.rest().starts_with(']') {
            return Err(fault(start..start + 1, "this `[` is never closed by a `]`"));
        }
        self.at += 1;
        Ok(Token::Either { with, without })
    }

    /// The name of a phrase, or a value.
    fn word(&mut self) -> Result<Token, PatternFault> {
        let start = self.at;
        let mut in_braces = false;
        let mut length = self.rest().len();
        for (at, character) in self.rest().char_indices() {
            match character {
                '{' => in_braces = true,
                '}' => in_braces = false,
                '[' | ']' | '|' if !in_braces => length = at,
                _ if character.is_whitespace() && !in_braces => length = at,
                _ => continue,
            }
            if length == at {
                break;
            }
        }
        let word = &self.text[start..start + length];
        self.at += length;
        let place = start..start + length;
        let Some((before, rest)) = word.split_once('{') else {
            return match is_phrase(word) {
                true => Ok(Token::Phrase(word.into())),
                false => Err(fault(place, format!("`{word}` is not the name of a phrase, such as `number/and`"))),
            };
        };
        let Some((value, after)) = rest.split_once('}') else {
            return Err(fault(place, "this `{` is never closed by a `}`"));
        };
        if after.contains(['{', '}']) || before.contains('}') {
            return Err(fault(place, "the name of a phrase has one value in it at most"));
        }
        if before.is_empty() && after.is_empty() {
            return self.value(value, start + 1);
        }
        let known = || self.fields.numbers.iter().chain(self.fields.names).copied();
        let Some(field) = known().find(|field| *field == value) else {
            return Err(fault(place, unknown(value, known())));
        };
        if !is_phrase(&format!("{before}1{after}")) {
            return Err(fault(place, format!("`{word}` is not the name of a phrase, such as `number/{{{field}}}`")));
        }
        Ok(Token::Series { before: before.into(), field, after: after.into() })
    }

    fn value(&self, written: &str, offset: usize) -> Result<Token, PatternFault> {
        let place = offset..offset + written.len();
        let (name, by) = match written.split_once('|') {
            Some((name, by)) => (name.trim(), Some(by.trim())),
            None => (written.trim(), None),
        };
        if let Some(field) = self.fields.numbers.iter().find(|field| **field == name) {
            let by = match by {
                None => None,
                Some(by) => Some((self.rules)(by).ok_or_else(|| PatternFault {
                    unknown_rules: true,
                    ..fault(place, format!("no rules for numbers are called `{by}`"))
                })?),
            };
            return Ok(Token::Spoken { field, by });
        }
        match self.fields.said.iter().find(|field| **field == name) {
            Some(field) if by.is_none() => Ok(Token::Spoken { field, by: None }),
            Some(_) => Err(fault(place, format!("`{{{name}}}` is said already, and takes no rules"))),
            None => Err(fault(place, unknown(name, self.fields.numbers.iter().chain(self.fields.said).copied()))),
        }
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<String> = known.map(|field| format!("`{{{field}}}`")).collect();
    match known.is_empty() {
        true => format!("there is no `{{{name}}}` here"),
        false => format!("there is no `{{{name}}}` here: there is {}", known.join(", ")),
    }
}

/// Whether `text` is a folder and a name: `number/and`.
pub(in crate::flow) fn is_phrase(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    text.len() <= 100 && text.split_once('/').is_some_and(|(folder, name)| part(folder) && part(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: Fields =
        Fields { numbers: &["times", "rest"], names: &["weekday"], said: &["whole"], brackets: true };

    fn shown(tokens: &[Token]) -> String {
        let one = |token: &Token| match token {
            Token::Phrase(name) => name.to_string(),
            Token::Series { before, field, after } => format!("{before}<{field}>{after}"),
            Token::Spoken { field, by: None } => format!("<{field}>"),
            Token::Spoken { field, by: Some(By::Numbers(set) | By::Counted(set)) } => format!("<{field} by {set}>"),
            Token::Either { with, without } => format!("({}, else {})", shown(with), shown(without)),
        };
        tokens.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn patterns_are_read() {
        let rules = |name: &str| (name == "year").then_some(By::Numbers(3));
        let check = |text: &str, expected: Result<&str, (&str, &str)>| match (parse(text, &FIELDS, &rules), expected) {
            (Ok(tokens), Ok(expected)) => assert_eq!(shown(&tokens), expected, "{text}"),
            (Err(fault), Err((place, message))) => {
                assert_eq!((&text[fault.range], fault.message.as_str()), (place, message), "{text}");
            }
            (found, _) => panic!("{text}: {found:?}"),
        };
        check("", Ok(""));
        check("{times} number/hundred [number/and {rest}]", Ok("<times> number/hundred (number/and <rest>, else )"));
        check("[a/b|c/d] day/el_{weekday}", Ok("(a/b, else c/d) day/el_<weekday>"));
        check("{rest|year} {whole}", Ok("<rest by 3> <whole>"));
        check("[a/b", Err(("[", "this `[` is never closed by a `]`")));
        check("a/b]", Err(("]", "a `]` stands here without a `[`")));
        check("[a/b [c/d]]", Err(("[", "a `[` stands within another")));
        check("{rest|yaer}", Err(("rest|yaer", "no rules for numbers are called `yaer`")));
        check("{rset}", Err(("rset", "there is no `{rset}` here: there is `{times}`, `{rest}`, `{whole}`")));
        check("hundred", Err(("hundred", "`hundred` is not the name of a phrase, such as `number/and`")));
        check("number/{rest", Err(("number/{rest", "this `{` is never closed by a `}`")));
        check(
            "number/{rest}{times}",
            Err(("number/{rest}{times}", "the name of a phrase has one value in it at most")),
        );
        check("{weekday}", Err(("weekday", "there is no `{weekday}` here: there is `{times}`, `{rest}`, `{whole}`")));
        check("ñ/ñ", Err(("ñ/ñ", "`ñ/ñ` is not the name of a phrase, such as `number/and`")));
    }
}
