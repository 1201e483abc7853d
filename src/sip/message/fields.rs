//! Header fields by type, read on demand.

use super::grammar::{self, List, is_token, trim};
use super::{HeaderName, Headers, Method, NameAddr, Parameters, ParseFault, Uri};

/// Which side refreshes a session (RFC 4028 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// The side that sent the request.
    Uac,
    /// The side that answers it.
    Uas,
}

/// A Content-Type (RFC 3261 section 20.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// The type in lower case, such as `application`.
    pub kind: String,
    /// The subtype in lower case, such as `sdp`.
    pub subtype: String,
    /// The parameters, such as `boundary`.
    pub parameters: Parameters,
}

impl MediaType {
    /// Reads one media type.
    pub fn parse(text: &str) -> Result<MediaType, ParseFault> {
        let fault = ParseFault { what: "Content-Type" };
        let end = grammar::find(text, b';').unwrap_or(text.len());
        let (kind, subtype) = grammar::cut(&text[..end], b'/').ok_or(fault)?;
        let (kind, subtype) = (trim(kind), trim(subtype));
        if !is_token(kind) || !is_token(subtype) {
            return Err(fault);
        }
        Ok(MediaType {
            kind: kind.to_ascii_lowercase(),
            subtype: subtype.to_ascii_lowercase(),
            parameters: Parameters::parse(&text[end..], fault.what)?,
        })
    }

    /// Whether it is this type, whatever its parameters; both in lower case.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }
}

impl Headers {
    /// All values of Via as written, topmost first.
    pub fn vias(&self) -> impl Iterator<Item = &str> {
        self.values(&HeaderName::Via)
    }

    /// From.
    pub fn from(&self) -> Result<NameAddr, ParseFault> {
        self.name_addr(&HeaderName::From, "From")
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr, ParseFault> {
        self.name_addr(&HeaderName::To, "To")
    }

    /// The number and the method of CSeq; the number is below 2^31 (RFC 3261 section 8.1.1.5).
    pub fn cseq(&self) -> Result<(u32, Method), ParseFault> {
        let fault = ParseFault { what: "CSeq" };
        let value = self.get(&HeaderName::CSeq).ok_or(fault)?;
        let (number, method) = grammar::cut_blank(value).ok_or(fault)?;
        let method = trim(method);
        if !is_token(method) {
            return Err(fault);
        }
        let number = sequence_number(number, fault.what)?;
        Ok((number, Method::from_token(method)))
    }

    /// Call-ID, which is told apart by case and has no blanks.
    pub fn call_id(&self) -> Result<&str, ParseFault> {
        self.get(&HeaderName::CallId)
            .filter(|value| !value.is_empty() && !value.bytes().any(grammar::is_blank))
            .ok_or(ParseFault { what: "Call-ID" })
    }

    /// All values of Contact. A REGISTER's `*` is none of them: see [`Headers::contact_is_wildcard`].
    pub fn contacts(&self) -> Result<Vec<NameAddr>, ParseFault> {
        if self.contact_is_wildcard() {
            return Ok(Vec::new());
        }
        self.values(&HeaderName::Contact).map(|value| NameAddr::parse(value, "Contact")).collect()
    }

    /// Whether Contact is `*`: all bindings, to be removed (RFC 3261 section 10.2.2).
    pub fn contact_is_wildcard(&self) -> bool {
        self.get(&HeaderName::Contact) == Some("*")
    }

    /// All values of Route, Record-Route, Path or another list of addresses.
    pub fn routes(&self, name: &HeaderName) -> Result<Vec<NameAddr>, ParseFault> {
        let what = match name {
            HeaderName::Route => "Route",
            HeaderName::RecordRoute => "Record-Route",
            HeaderName::Path => "Path",
            HeaderName::PAssertedIdentity => "P-Asserted-Identity",
            _ => "address",
        };
        self.values(name).map(|value| NameAddr::parse(value, what)).collect()
    }

    /// The one address of Refer-To, Referred-By, Reply-To and the like; nothing where there is no such header.
    pub fn address(&self, name: &HeaderName) -> Result<Option<NameAddr>, ParseFault> {
        let what = match name {
            HeaderName::ReferTo => "Refer-To",
            HeaderName::ReferredBy => "Referred-By",
            HeaderName::ReplyTo => "Reply-To",
            _ => "address",
        };
        let parse = |value: &str| match name {
            // What stands there without brackets is what somebody has typed into a phone. This header has no parameters of
            // its own (RFC 3515 section 2.1), so all of it is the URI.
            HeaderName::ReferTo if grammar::find(value, b'<').is_none() => {
                Uri::parse(trim(value)).map(NameAddr::new).map_err(|_| ParseFault { what })
            }
            _ => NameAddr::parse(value, what),
        };
        self.get(name).map(parse).transpose()
    }

    /// The option tags of Require, Supported and the like, the methods of Allow, the events of Allow-Events.
    pub fn option_tags(&self, name: &HeaderName) -> Vec<&str> {
        self.values(name).collect()
    }

    /// Whether a list of option tags has this one, in either case.
    pub fn has_option_tag(&self, name: &HeaderName, tag: &str) -> bool {
        self.values(name).any(|other| other.eq_ignore_ascii_case(tag))
    }

    /// Max-Forwards, 0 to 255.
    pub fn max_forwards(&self) -> Result<Option<u8>, ParseFault> {
        self.number(&HeaderName::MaxForwards, "Max-Forwards")
    }

    /// Content-Length in bytes.
    pub fn content_length(&self) -> Result<Option<usize>, ParseFault> {
        self.number(&HeaderName::ContentLength, "Content-Length")
    }

    /// Content-Type; nothing where there is none that can be read.
    pub fn content_type(&self) -> Option<MediaType> {
        MediaType::parse(self.get(&HeaderName::ContentType)?).ok()
    }

    /// Expires in seconds.
    pub fn expires(&self) -> Result<Option<u32>, ParseFault> {
        self.number(&HeaderName::Expires, "Expires")
    }

    /// Session-Expires: seconds and who refreshes (RFC 4028 section 4).
    pub fn session_expires(&self) -> Result<Option<(u32, Option<Refresher>)>, ParseFault> {
        let Some((seconds, parameters)) =
            self.seconds_with_parameters(&HeaderName::SessionExpires, "Session-Expires")?
        else {
            return Ok(None);
        };
        let refresher = match parameters.get("refresher") {
            None => None,
            Some(side) if side.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(side) if side.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            Some(_) => return Err(ParseFault { what: "Session-Expires" }),
        };
        Ok(Some((seconds, refresher)))
    }

    /// Min-SE in seconds (RFC 4028 section 5).
    pub fn min_se(&self) -> Result<Option<u32>, ParseFault> {
        Ok(self.seconds_with_parameters(&HeaderName::MinSe, "Min-SE")?.map(|(seconds, _)| seconds))
    }

    /// RAck: the RSeq, the CSeq number and the method that it acknowledges (RFC 3262 section 7.2).
    pub fn rack(&self) -> Result<(u32, u32, Method), ParseFault> {
        let fault = ParseFault { what: "RAck" };
        let mut parts = self.get(&HeaderName::RAck).ok_or(fault)?.split_ascii_whitespace();
        let (Some(response), Some(sequence), Some(method), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(fault);
        };
        if !is_token(method) {
            return Err(fault);
        }
        let response = grammar::number(response, fault.what)?;
        Ok((response, sequence_number(sequence, fault.what)?, Method::from_token(method)))
    }

    /// RSeq (RFC 3262 section 7.1).
    pub fn rseq(&self) -> Result<Option<u32>, ParseFault> {
        self.number(&HeaderName::RSeq, "RSeq")
    }

    /// Retry-After in seconds, without its comment and parameters.
    pub fn retry_after(&self) -> Result<Option<u32>, ParseFault> {
        let Some(value) = self.get(&HeaderName::RetryAfter) else {
            return Ok(None);
        };
        let end = value.find(['(', ';', ' ', '\t']).unwrap_or(value.len());
        grammar::number(&value[..end], "Retry-After").map(Some)
    }

    fn name_addr(&self, name: &HeaderName, what: &'static str) -> Result<NameAddr, ParseFault> {
        NameAddr::parse(self.get(name).ok_or(ParseFault { what })?, what)
    }

    fn number<N: std::str::FromStr>(&self, name: &HeaderName, what: &'static str) -> Result<Option<N>, ParseFault> {
        self.get(name).map(|value| grammar::number(value, what)).transpose()
    }

    fn seconds_with_parameters(
        &self,
        name: &HeaderName,
        what: &'static str,
    ) -> Result<Option<(u32, Parameters)>, ParseFault> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let end = value.find(';').unwrap_or(value.len());
        let seconds = grammar::number(trim(&value[..end]), what)?;
        Ok(Some((seconds, Parameters::parse(&value[end..], what)?)))
    }
}

/// Splits one header line at the commas that separate values, as [`Headers::values`] does.
pub fn list_values(line: &str) -> impl Iterator<Item = &str> {
    List::new(line)
}

fn sequence_number(text: &str, what: &'static str) -> Result<u32, ParseFault> {
    let number = grammar::number::<u32>(text, what)?;
    if number < 1 << 31 { Ok(number) } else { Err(ParseFault { what }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: HeaderName, value: &str) -> Headers {
        let mut headers = Headers::new();
        headers.push(name, value);
        headers
    }

    #[test]
    fn cseq_is_a_number_and_a_method() {
        let check = |value: &str, read: Option<(u32, Method)>| {
            assert_eq!(one(HeaderName::CSeq, value).cseq().ok(), read, "{value}");
        };
        check("1 INVITE", Some((1, Method::Invite)));
        check("0009 \t invite", Some((9, Method::Other("invite".into()))));
        check("2147483647 ACK", Some((2_147_483_647, Method::Ack)));
        for value in ["2147483648 ACK", "1", "INVITE", "1INVITE", "-1 ACK", "1 ACK BYE", "", "1 "] {
            check(value, None);
        }
        assert_eq!(Headers::new().cseq(), Err(ParseFault { what: "CSeq" }));
        assert_eq!(ParseFault { what: "CSeq" }.to_string(), "Bad CSeq");
    }

    #[test]
    fn a_target_is_read_as_phones_write_it() {
        let check = |value: &str, uri: Option<&str>| {
            let read = one(HeaderName::ReferTo, value).address(&HeaderName::ReferTo);
            assert_eq!(read.ok().flatten().map(|target| target.uri.to_string()).as_deref(), uri, "{value}");
        };
        check("<sip:1002@192.0.2.1>", Some("sip:1002@192.0.2.1"));
        check("Ann <sip:support@192.0.2.1;priority=2>;x=1", Some("sip:support@192.0.2.1;priority=2"));
        // PJSIP sends what was typed.
        check("sip:1002@192.0.2.1", Some("sip:1002@192.0.2.1"));
        check("sip:support;priority=2@192.0.2.1:5060", Some("sip:support;priority=2@192.0.2.1:5060"));
        check(" sip:support@192.0.2.1;priority=2 ", Some("sip:support@192.0.2.1;priority=2"));
        check("sip:1002@192.0.2.1?Replaces=a%3Bto-tag%3Db", Some("sip:1002@192.0.2.1?Replaces=a%3Bto-tag%3Db"));
        for wrong in ["", "<>", "sip:", "1002", "sip:1002@192.0.2.1>", "sip:a@b c"] {
            check(wrong, None);
        }
        // Elsewhere what follows is the header's own.
        let from = one(HeaderName::ReferredBy, "sip:1002@192.0.2.1;x=1").address(&HeaderName::ReferredBy);
        assert_eq!(from.expect("it is well formed").expect("it is there").uri.to_string(), "sip:1002@192.0.2.1");
    }

    #[test]
    fn session_timers_are_read() {
        let check = |value: &str, read: Option<(u32, Option<Refresher>)>| {
            let expected = read.ok_or(ParseFault { what: "Session-Expires" }).map(Some);
            assert_eq!(one(HeaderName::SessionExpires, value).session_expires(), expected, "{value}");
        };
        check("1800", Some((1800, None)));
        check("1800;refresher=uac", Some((1800, Some(Refresher::Uac))));
        check("90 ; Refresher = UAS;x", Some((90, Some(Refresher::Uas))));
        check("90;refresher=me", None);
        check("", None);
        check("5000000000", None);
        assert_eq!(Headers::new().session_expires(), Ok(None));
        assert_eq!(one(HeaderName::MinSe, "120;x=y").min_se(), Ok(Some(120)));
        assert!(one(HeaderName::MinSe, "soon").min_se().is_err());
    }

    #[test]
    fn other_fields_are_read() {
        assert_eq!(one(HeaderName::RAck, "776656 1 INVITE").rack(), Ok((776_656, 1, Method::Invite)));
        for value in ["1 INVITE", "1 1 INVITE x", "x 1 INVITE", ""] {
            assert!(one(HeaderName::RAck, value).rack().is_err(), "{value}");
        }
        assert_eq!(one(HeaderName::RetryAfter, "120 (busy);duration=3600").retry_after(), Ok(Some(120)));
        assert_eq!(one(HeaderName::RetryAfter, "18000;duration=3600").retry_after(), Ok(Some(18_000)));
        assert_eq!(one(HeaderName::MaxForwards, "0").max_forwards(), Ok(Some(0)));
        assert!(one(HeaderName::MaxForwards, "256").max_forwards().is_err());
        assert!(one(HeaderName::ContentLength, "-1").content_length().is_err());
        assert_eq!(one(HeaderName::RSeq, "7").rseq(), Ok(Some(7)));
        assert!(one(HeaderName::CallId, "a b").call_id().is_err());
        let headers = one(HeaderName::Require, "100rel , timer");
        assert_eq!(headers.option_tags(&HeaderName::Require), ["100rel", "timer"]);
        assert!(headers.has_option_tag(&HeaderName::Require, "Timer"));
        assert!(!headers.has_option_tag(&HeaderName::Supported, "timer"));
        let headers = one(HeaderName::Contact, "*");
        assert!(headers.contact_is_wildcard());
        assert_eq!(headers.contacts(), Ok(Vec::new()));
        assert!(one(HeaderName::Contact, "*, <sip:a@b>").contacts().is_err());
    }

    #[test]
    fn media_types_are_told_apart() {
        let check = |value: &str, kind: &str, subtype: &str| {
            let read = one(HeaderName::ContentType, value).content_type();
            assert!(read.is_some_and(|read| read.is(kind, subtype)), "{value}");
        };
        check("application/sdp", "application", "sdp");
        check("Application / SDP ; charset=UTF-8", "application", "sdp");
        check("multipart/mixed;boundary=\"x;y\"", "multipart", "mixed");
        for value in ["", "sdp", "application/", "a b/c", "a/b;;"] {
            assert_eq!(one(HeaderName::ContentType, value).content_type(), None, "{value}");
        }
    }
}
