//! `name-addr` and `addr-spec` with their header parameters: From, To, Contact, Route and the like.

use std::fmt;

use super::grammar::{self, trim};
use super::{Parameters, ParseFault, Uri};

/// An address with a display name and the header's parameters (RFC 3261 section 20.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name, without quotes and escapes; none where it was empty.
    pub display: Option<String>,
    /// The URI.
    pub uri: Uri,
    /// The header's parameters, such as `tag`; the URI has its own.
    pub parameters: Parameters,
}

impl NameAddr {
    /// A bare address.
    pub fn new(uri: Uri) -> NameAddr {
        NameAddr { display: None, uri, parameters: Parameters::new() }
    }

    /// Reads one value; `what` names the header in the fault.
    pub fn parse(text: &str, what: &'static str) -> Result<NameAddr, ParseFault> {
        let fault = ParseFault { what };
        let text = trim(text);
        let (display, rest) = if text.starts_with('"') {
            let end = grammar::quoted_length(text).ok_or(fault)?;
            let rest = grammar::trim_start(&text[end..]);
            if !rest.starts_with('<') {
                return Err(fault);
            }
            (grammar::unquoted(&text[..end]).into_owned(), rest)
        } else if let Some(start) = grammar::find(text, b'<') {
            let display = trim(&text[..start]);
            // Tokens only, says the RFC; phones put other letters there, and do no harm with it.
            if display.bytes().any(|byte| matches!(byte, b'"' | b',' | b';' | b'>')) {
                return Err(fault);
            }
            (display.to_owned(), &text[start..])
        } else {
            (String::new(), text)
        };
        let (uri, parameters) = match rest.strip_prefix('<') {
            Some(rest) => grammar::cut(rest, b'>').ok_or(fault)?,
            None => {
                // Without brackets all parameters are the header's, and what only a URI may hold may not be there
                // (RFC 3261 section 20).
                let end = grammar::find(rest, b';').unwrap_or(rest.len());
                let uri = trim(&rest[..end]);
                if uri.bytes().any(|byte| matches!(byte, b'?' | b',')) {
                    return Err(fault);
                }
                (uri, &rest[end..])
            }
        };
        Ok(NameAddr {
            display: Some(display).filter(|display| !display.is_empty()),
            uri: Uri::parse(uri).map_err(|_| fault)?,
            parameters: Parameters::parse(parameters, what)?,
        })
    }

    /// The tag of From and To.
    pub fn tag(&self) -> Option<&str> {
        self.parameters.get("tag").filter(|tag| !tag.is_empty())
    }

    /// The same with this tag.
    pub fn with_tag(mut self, tag: &str) -> NameAddr {
        self.parameters.set("tag", Some(tag));
        self
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            grammar::write_quoted(f, display)?;
            f.write_str(" ")?;
        }
        write!(f, "<{}>", self.uri)?;
        f.write_str(self.parameters.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_printed() {
        let check = |text: &str, printed: &str| {
            let read = NameAddr::parse(text, "To").unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!(read.to_string(), printed, "{text}");
            assert_eq!(NameAddr::parse(printed, "To"), Ok(read), "{text}");
        };
        check("sip:a@b", "<sip:a@b>");
        check("sip:a@b;tag=1", "<sip:a@b>;tag=1");
        check("<sip:a@b;lr>;tag=1", "<sip:a@b;lr>;tag=1");
        check("<sip:a@b>", "<sip:a@b>");
        check("\"\" <sip:a@b>", "<sip:a@b>");
        check("Ann Lee <sip:a@b>;tag=1", "\"Ann Lee\" <sip:a@b>;tag=1");
        check("Ann<sip:a@b>", "\"Ann\" <sip:a@b>");
        check("Jürgen Groß <sip:a@b>", "\"Jürgen Groß\" <sip:a@b>");
        check("\"Lee, Ann <x>\" <sip:a@b> ; tag = 1", "\"Lee, Ann <x>\" <sip:a@b>;tag=1");
        check("\"a \\\"b\\\"\"<sip:a@b>", "\"a \\\"b\\\"\" <sip:a@b>");
        check("<sip:a@b?Route=%3Csip:c%3E>", "<sip:a@b?Route=%3Csip:c%3E>");
        check(
            "<sip:a@b:5060>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1;q=0.5",
            "<sip:a@b:5060>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1;q=0.5",
        );
        check("<tel:+123>;tag=1", "<tel:+123>;tag=1");
        for text in [
            "",
            "*",
            "<>",
            "<sip:a@b",
            "sip:a@b>",
            "\"open <sip:a@b>",
            "\"name\" sip:a@b",
            "Lee, Ann <sip:a@b>",
            "< sip:a@b >",
            "sip:a@b?x=y",
            "sip:a@b, sip:c@d",
            "<sip:a@b> tag=1",
            "<sip:a@b>;;",
        ] {
            assert_eq!(NameAddr::parse(text, "To"), Err(ParseFault { what: "To" }), "{text}");
        }
    }

    #[test]
    fn a_tag_is_found_and_set() {
        let read = NameAddr::parse("<sip:a@b>;x;TAG=1", "To").expect("well formed");
        assert_eq!(read.tag(), Some("1"));
        assert_eq!(read.with_tag("2").to_string(), "<sip:a@b>;x;tag=2");
        let read = NameAddr::parse("<sip:a@b>;tag=", "To").expect("well formed");
        assert_eq!(read.tag(), None);
    }
}
