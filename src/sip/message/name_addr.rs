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
            let rest = text[end..].trim_start_matches([' ', '\t']);
            if !rest.starts_with('<') {
                return Err(fault);
            }
            (grammar::unquoted(&text[..end]).into_owned(), rest)
        } else if let Some(start) = text.find('<') {
            let display = trim(&text[..start]);
            // Tokens only, says the RFC; phones put other letters there, and do no harm with it.
            if display.contains(['"', ',', ';', '>']) {
                return Err(fault);
            }
            (display.to_owned(), &text[start..])
        } else {
            (String::new(), text)
        };
        let (uri, parameters) = match rest.strip_prefix('<') {
            Some(rest) => rest.split_once('>').ok_or(fault)?,
            None => {
                // Without brackets all parameters are the header's, and what only a URI may hold may not be there
                // (RFC 3261 section 20).
                let end = rest.find(';').unwrap_or(rest.len());
                let uri = trim(&rest[..end]);
                if uri.contains(['?', ',']) {
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
