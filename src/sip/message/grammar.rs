//! The few rules of RFC 3261 section 25.1 that every header shares: tokens, white space, quoted strings, lists.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::ParseFault;

/// `token` of RFC 3261 section 25.1.
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// Whether the whole of `text` is a token.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether a byte is white space. Lines are unfolded before, so that only spaces and tabs are left of LWS.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Without the white space at both ends.
pub(super) fn trim(text: &str) -> &str {
    trim_start(trim_end(text))
}

/// Without the white space at the end.
pub(super) fn trim_end(text: &str) -> &str {
    &text[..text.bytes().rposition(|byte| !is_blank(byte)).map_or(0, |last| last + 1)]
}

/// Without the white space at the beginning.
pub(super) fn trim_start(text: &str) -> &str {
    &text[text.bytes().position(|byte| !is_blank(byte)).unwrap_or(text.len())..]
}

/// Where an ASCII character stands first. What is looked for in SIP is near and is ASCII: bytes are faster than
/// [`str::find`].
pub(super) fn find(text: &str, ascii: u8) -> Option<usize> {
    text.bytes().position(|byte| byte == ascii)
}

/// What stands before and behind the first of an ASCII character.
pub(super) fn cut(text: &str, ascii: u8) -> Option<(&str, &str)> {
    find(text, ascii).map(|at| (&text[..at], &text[at + 1..]))
}

/// What stands before and behind the last of an ASCII character.
pub(super) fn cut_last(text: &str, ascii: u8) -> Option<(&str, &str)> {
    text.bytes().rposition(|byte| byte == ascii).map(|at| (&text[..at], &text[at + 1..]))
}

/// What stands before and behind the first space or tab.
pub(super) fn cut_blank(text: &str) -> Option<(&str, &str)> {
    text.bytes().position(is_blank).map(|at| (&text[..at], &text[at + 1..]))
}

/// The number that all of `text` is made of; a sign, a blank or an overflow is a fault.
pub(super) fn number<N: std::str::FromStr>(text: &str, what: &'static str) -> Result<N, ParseFault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseFault { what });
    }
    text.parse().map_err(|_| ParseFault { what })
}

/// An IPv4 address in four decimal numbers. The same as [`str::parse`] takes, at a fraction of its cost: messages are full of
/// addresses.
pub(super) fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut parts = text.as_bytes().split(|byte| *byte == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 3 || part.len() > 1 && part[0] == b'0' {
            return None;
        }
        let mut number = 0_u16;
        for byte in part {
            number = number * 10 + u16::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        }
        *octet = u8::try_from(number).ok()?;
    }
    parts.next().is_none().then_some(octets.into())
}

/// Prints an address without brackets, an IPv4 address in one piece.
pub(in crate::sip) fn write_address(out: &mut impl fmt::Write, address: IpAddr) -> fmt::Result {
    let IpAddr::V4(address) = address else { return write!(out, "{address}") };
    let mut text = [0_u8; 15];
    let mut length = 0;
    let mut put = |byte| {
        text[length] = byte;
        length += 1;
    };
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            put(b'.');
        }
        if octet >= 100 {
            put(b'0' + octet / 100);
        }
        if octet >= 10 {
            put(b'0' + octet / 10 % 10);
        }
        put(b'0' + octet % 10);
    }
    out.write_str(std::str::from_utf8(&text[..length]).expect("figures and dots are ASCII"))
}

/// The length of the quoted string that `text` begins with, both quotes included; nothing where it has no end.
pub(super) fn quoted_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut position = 1;
    while position < bytes.len() {
        match bytes[position] {
            b'"' => return Some(position + 1),
            b'\\' => position += 2,
            _ => position += 1,
        }
    }
    None
}

/// The text of a quoted string without its quotes and escapes; anything else as it is.
pub(super) fn unquoted(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            out.extend(characters.next());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Prints `text` as a quoted string. What no quoted string can hold (CR and LF) becomes a space.
pub(super) fn write_quoted(out: &mut impl std::fmt::Write, text: &str) -> std::fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        match character {
            '\r' | '\n' => out.write_char(' ')?,
            '"' | '\\' | '\0'..='\x08' | '\x0b'..='\x1f' | '\x7f' => {
                out.write_char('\\')?;
                out.write_char(character)?;
            }
            _ => out.write_char(character)?,
        }
    }
    out.write_char('"')
}

/// The items of a comma-separated list; commas within quotes and angle brackets separate nothing. Empty items are left
/// out.
pub(super) struct List<'a> {
    rest: &'a str,
}

impl<'a> List<'a> {
    pub(super) fn new(text: &'a str) -> List<'a> {
        List { rest: text }
    }
}

impl<'a> Iterator for List<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        while !self.rest.is_empty() {
            let end = item_length(self.rest);
            let item = trim(&self.rest[..end]);
            self.rest = self.rest.get(end + 1..).unwrap_or("");
            if !item.is_empty() {
                return Some(item);
            }
        }
        None
    }
}

fn item_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    if !bytes.contains(&b',') {
        // Most lines hold one item.
        return bytes.len();
    }
    let (mut quoted, mut bracketed) = (false, false);
    let mut position = 0;
    while position < bytes.len() {
        match bytes[position] {
            b'\\' if quoted => position += 1,
            b'"' => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => return position,
            _ => {}
        }
        position += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_at_commas_that_separate() {
        let check = |text: &str, items: &[&str]| assert_eq!(List::new(text).collect::<Vec<_>>(), items, "{text}");
        check("", &[]);
        check("a", &["a"]);
        check(" a , b\t,c", &["a", "b", "c"]);
        check(",,a,,", &["a"]);
        check("\"a,\\\",b\" <sip:c,d@e>;f=\"g,h\", i", &["\"a,\\\",b\" <sip:c,d@e>;f=\"g,h\"", "i"]);
        check("\"open, and never shut", &["\"open, and never shut"]);
        check("a,\"\\", &["a", "\"\\"]);
    }

    #[test]
    fn ipv4_addresses_are_read_and_printed_as_the_standard_library_does() {
        for text in [
            "0.0.0.0",
            "192.0.2.1",
            "255.255.255.255",
            "10.20.30.40",
            "1.2.3.256",
            "1.2.3.999",
            "1.2.3.1000",
            "01.2.3.4",
            "1.2.3.00",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.",
            ".1.2.3",
            "1..2.3",
            "",
            "...",
            "a.b.c.d",
            "1.2.3.+4",
            "1.2.3.4 ",
        ] {
            let read = text.parse::<Ipv4Addr>().ok();
            assert_eq!(ipv4(text), read, "{text}");
            if let Some(address) = read {
                let mut out = String::new();
                write_address(&mut out, address.into()).expect("a string takes all");
                assert_eq!(out, text);
            }
        }
    }

    #[test]
    fn quoted_strings_come_back() {
        let check = |text: &str, quoted: &str| {
            let mut out = String::new();
            write_quoted(&mut out, text).expect("a string takes all");
            assert_eq!(out, quoted);
            assert_eq!(quoted_length(&out), Some(out.len()));
            assert_eq!(unquoted(&out), text);
        };
        check("", "\"\"");
        check("Ann Lee", "\"Ann Lee\"");
        check("a\"b\\c", "\"a\\\"b\\\\c\"");
        check("bell \x07", "\"bell \\\x07\"");
        assert_eq!(quoted_length("\"no end"), None);
        assert_eq!(quoted_length("\"no end\\\""), None);
        assert_eq!(unquoted("plain"), "plain");
    }

    #[test]
    fn numbers_are_digits_and_no_more() {
        for (text, read) in [("0", Some(0)), ("0068", Some(68)), ("255", Some(255)), ("256", None)] {
            assert_eq!(number::<u8>(text, "number").ok(), read, "{text}");
        }
        for text in ["", "-1", "+1", "1 ", "one", "99999999999999999999"] {
            assert!(number::<u32>(text, "number").is_err(), "{text}");
        }
    }
}
