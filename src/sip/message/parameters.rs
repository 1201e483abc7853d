//! Parameters as headers and URIs carry them: `;name=value;flag`.

use std::borrow::Cow;
use std::fmt;

use super::ParseFault;
use super::grammar;

/// The most parameters that a header's value or a URI may have: looking one up walks over all of them.
pub const PARAMETERS_MAX: usize = 64;

/// `;name=value` and `;name`, in their order, kept as text: looking one up walks over few bytes, and most are never
/// looked up. Names are found in either case (RFC 3261 section 7.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(String);

impl Parameters {
    /// None.
    pub const fn new() -> Parameters {
        Parameters(String::new())
    }

    /// Reads what follows a header's value or a URI's host: nothing, or parameters with a semicolon before each. White
    /// space around the separators is dropped.
    pub fn parse(text: &str, what: &'static str) -> Result<Parameters, ParseFault> {
        let fault = ParseFault { what };
        let mut rest = grammar::trim(text);
        let mut parameters = String::with_capacity(rest.len());
        let mut count = 0;
        while !rest.is_empty() {
            count += 1;
            if count > PARAMETERS_MAX {
                return Err(fault);
            }
            rest = grammar::trim_start(rest.strip_prefix(';').ok_or(fault)?);
            let end = rest.bytes().position(|byte| matches!(byte, b';' | b'=')).unwrap_or(rest.len());
            let name = grammar::trim(&rest[..end]);
            if name.is_empty() || name.bytes().any(|byte| !is_plain(byte)) {
                return Err(fault);
            }
            parameters.push(';');
            parameters.push_str(name);
            rest = &rest[end..];
            if let Some(after) = rest.strip_prefix('=') {
                let after = grammar::trim_start(after);
                let end = value_length(after).ok_or(fault)?;
                parameters.push('=');
                parameters.push_str(&after[..end]);
                rest = grammar::trim_start(&after[end..]);
            }
        }
        Ok(Parameters(parameters))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and value of each, in their order; the values as written, with their quotes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let mut rest = self.0.as_str();
        std::iter::from_fn(move || {
            rest = rest.strip_prefix(';')?;
            let item = &rest[..item_length(rest)];
            rest = &rest[item.len()..];
            Some(match grammar::cut(item, b'=') {
                Some((name, value)) => (name, Some(value)),
                None => (item, None),
            })
        })
    }

    /// The value of the first that is called `name`, as written; empty for one without a value.
    pub fn get(&self, name: &str) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.unwrap_or(""))
    }

    /// The same without quotes and escapes.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(grammar::unquoted)
    }

    /// Whether there is one called `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a parameter, in place of any of the same name. A value that is no token is quoted, unless it already is or
    /// is a host or a number of a URI's.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        self.remove(name);
        self.0.push(';');
        self.0.extend(name.chars().filter(|character| character.is_ascii() && is_plain(*character as u8)));
        if let Some(value) = value {
            self.0.push('=');
            if value_length(value) == Some(value.len()) && !value.is_empty() {
                self.0.push_str(value);
            } else {
                // A string takes all that is written to it.
                let _ = grammar::write_quoted(&mut self.0, value);
            }
        }
    }

    /// Takes away all that are called `name`.
    pub fn remove(&mut self, name: &str) {
        if self.contains(name) {
            let mut kept = Parameters(String::with_capacity(self.0.len()));
            for (other, value) in self.iter().filter(|(other, _)| !other.eq_ignore_ascii_case(name)) {
                kept.push_as_written(other, value);
            }
            *self = kept;
        }
    }

    /// Adds a parameter that was read before, as it was written.
    pub(super) fn push_as_written(&mut self, name: &str, value: Option<&str>) {
        self.0.push(';');
        self.0.push_str(name);
        if let Some(value) = value {
            self.0.push('=');
            self.0.push_str(value);
        }
    }

    /// As printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Wider than a token: URIs' parameters hold `[ ] / : & $` too (RFC 3261 section 25.1, `paramchar`), and phones put
/// more into theirs. What would separate things is kept out.
fn is_plain(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !matches!(byte, b';' | b',' | b'"' | b'=' | b'<' | b'>')
}

/// The length of the value that `text` begins with, where it is one and well formed.
fn value_length(text: &str) -> Option<usize> {
    if text.starts_with('"') {
        let end = grammar::quoted_length(text)?;
        let after = grammar::trim_start(&text[end..]);
        return (after.is_empty() || after.starts_with(';')).then_some(end);
    }
    let end = grammar::find(text, b';').unwrap_or(text.len());
    let value = grammar::trim_end(&text[..end]);
    // An equals sign is plain within a value: base64 ends with it.
    value.bytes().all(|byte| is_plain(byte) || byte == b'=').then_some(value.len())
}

/// The length of the parameter that `text` begins with, up to the next semicolon outside quotes.
fn item_length(text: &str) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => return position,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let check = |text: &str, printed: Option<&str>| {
            let read = Parameters::parse(text, "parameters").ok();
            assert_eq!(read.as_ref().map(Parameters::as_str), printed, "{text}");
            if let Some(read) = read {
                assert_eq!(Parameters::parse(read.as_str(), "parameters"), Ok(read.clone()), "{text}");
            }
        };
        check("", Some(""));
        check(" ", Some(""));
        check(";lr", Some(";lr"));
        check(" ; tag  =  1918181833n", Some(";tag=1918181833n"));
        check(";a=\"x;y\\\";z\" ;b", Some(";a=\"x;y\\\";z\";b"));
        check(";received=[2001:db8::9:1]", Some(";received=[2001:db8::9:1]"));
        check(";nonce=abc==;x", Some(";nonce=abc==;x"));
        check(";empty=", Some(";empty="));
        check(&";x".repeat(PARAMETERS_MAX), Some(&";x".repeat(PARAMETERS_MAX)));
        check(&";x".repeat(PARAMETERS_MAX + 1), None);
        check(";;", None);
        check(";", None);
        check("x", None);
        check(";=x", None);
        check(";a=b c", None);
        check(";a b", None);
        check(";a=\"open", None);
        check(";a=\"shut\"x", None);
        check(";a=b,c", None);
    }

    #[test]
    fn parameters_are_found_set_and_removed() {
        let mut parameters =
            Parameters::parse(";Tag=x;+sip.instance=\"<urn:uuid:1;2>\";lr", "parameters").expect("well formed");
        assert_eq!(parameters.get("tag"), Some("x"));
        assert_eq!(parameters.text("+SIP.instance").as_deref(), Some("<urn:uuid:1;2>"));
        assert_eq!(parameters.get("lr"), Some(""));
        assert_eq!(parameters.get("l"), None);
        parameters.set("tag", Some("y"));
        parameters.set("note", Some("two words; \"quoted\""));
        parameters.remove("LR");
        assert_eq!(parameters.as_str(), ";+sip.instance=\"<urn:uuid:1;2>\";tag=y;note=\"two words; \\\"quoted\\\"\"");
        assert_eq!(parameters.text("note").as_deref(), Some("two words; \"quoted\""));
    }
}
