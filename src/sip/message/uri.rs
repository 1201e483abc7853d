//! SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966), and all others as opaque text.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::grammar::{self, trim};
use super::{Parameters, ParseFault};

/// What a URI begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other, as written and without its colon.
    Other(Box<str>),
}

impl Scheme {
    /// Without its colon.
    pub fn as_str(&self) -> &str {
        match self {
            Scheme::Sip => "sip",
            Scheme::Sips => "sips",
            Scheme::Tel => "tel",
            Scheme::Other(scheme) => scheme,
        }
    }
}

/// The host of a URI or a Via.
#[derive(Clone, Debug)]
pub enum Host {
    /// A domain name, as written; empty in URIs that have no host.
    Name(Box<str>),
    /// An address; IPv6 is printed in brackets.
    Address(IpAddr),
}

impl Host {
    /// Reads a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn parse(text: &str) -> Result<Host, ParseFault> {
        let fault = ParseFault { what: "host" };
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(fault)?;
            return inner.parse::<Ipv6Addr>().map(|address| Host::Address(address.into())).map_err(|_| fault);
        }
        if let Some(address) = grammar::ipv4(text) {
            return Ok(Host::Address(address.into()));
        }
        // Underscores are in no RFC's host name and in many a network's.
        let well_formed = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        if well_formed { Ok(Host::Name(text.into())) } else { Err(fault) }
    }

    /// The address, where it is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::Address(address) => Some(*address),
        }
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Host) -> bool {
        match (self, other) {
            (Host::Name(one), Host::Name(two)) => one.eq_ignore_ascii_case(two),
            (Host::Address(one), Host::Address(two)) => one == two,
            _ => false,
        }
    }
}

impl Eq for Host {}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Host {
        Host::Address(address)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(address @ IpAddr::V4(_)) => grammar::write_address(f, *address),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// A URI. `==` compares what is written; [`Uri::matches`] compares as RFC 3261 section 19.1.4 does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    /// The scheme.
    pub scheme: Scheme,
    /// The user part as written, a tel URI's number, or all of a URI of another scheme.
    pub user: Option<String>,
    /// The password as written; nobody should send one.
    pub password: Option<String>,
    /// The host; an empty name but in SIP and SIPS URIs.
    pub host: Host,
    /// The port, where one is written.
    pub port: Option<u16>,
    /// The parameters behind the host, or behind a tel URI's number.
    pub parameters: Parameters,
    /// What follows the question mark, as written and without it; empty when there is none.
    pub headers: String,
}

impl Uri {
    /// A SIP URI of a host without a user.
    pub fn sip(host: impl Into<Host>, port: Option<u16>) -> Uri {
        Uri {
            scheme: Scheme::Sip,
            user: None,
            password: None,
            host: host.into(),
            port,
            parameters: Parameters::new(),
            headers: String::new(),
        }
    }

    /// A URI of a scheme that means nothing to us.
    pub(super) fn opaque(scheme: &str, rest: &str) -> Uri {
        Uri {
            scheme: Scheme::Other(scheme.into()),
            user: Some(rest.to_owned()),
            ..Uri::sip(Host::Name("".into()), None)
        }
    }

    /// Reads a URI. SIP, SIPS and tel URIs have to be well formed; those of other schemes are kept as they are, for the
    /// user agent to refuse with 416.
    pub fn parse(text: &str) -> Result<Uri, ParseFault> {
        let fault = ParseFault { what: "URI" };
        let (scheme, rest) = grammar::cut(text, b':').ok_or(fault)?;
        let scheme_is_well_formed = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        if !scheme_is_well_formed || rest.is_empty() || rest.bytes().any(is_never_in_uri) {
            return Err(fault);
        }
        if scheme.eq_ignore_ascii_case("sip") {
            sip_uri(Scheme::Sip, rest)
        } else if scheme.eq_ignore_ascii_case("sips") {
            sip_uri(Scheme::Sips, rest)
        } else if scheme.eq_ignore_ascii_case("tel") {
            let end = rest.find(';').unwrap_or(rest.len());
            let number = &rest[..end];
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(fault);
            }
            let parameters = Parameters::parse(&rest[end..], fault.what)?;
            Ok(Uri {
                scheme: Scheme::Tel,
                user: Some(number.to_owned()),
                parameters,
                ..Uri::sip(Host::Name("".into()), None)
            })
        } else {
            Ok(Uri::opaque(scheme, rest))
        }
    }

    /// The user part without its escapes; empty when there is none. An escape that is none stays as it is.
    pub fn user_decoded(&self) -> Cow<'_, str> {
        decoded(self.user.as_deref().unwrap_or(""))
    }

    /// Whether it is a SIP or a SIPS URI.
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// Whether it has `;lr`: the proxy it names routes loosely (RFC 3261 section 16.12.1).
    pub fn lr(&self) -> bool {
        self.parameters.contains("lr")
    }

    /// `;transport`, as written.
    pub fn transport(&self) -> Option<&str> {
        self.parameters.get("transport")
    }

    /// `;maddr`, as written.
    pub fn maddr(&self) -> Option<&str> {
        self.parameters.get("maddr")
    }

    /// Whether both mean the same by RFC 3261 section 19.1.4. Tel URIs match by their digits (RFC 3966 section 4).
    pub fn matches(&self, other: &Uri) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        if self.scheme == Scheme::Tel {
            return digits(self).eq(digits(other)) && parameters_match(self, other);
        }
        if !self.is_sip() {
            return self.user == other.user;
        }
        self.user.is_some() == other.user.is_some()
            && self.user_decoded() == other.user_decoded()
            && self.password.as_deref().map(decoded) == other.password.as_deref().map(decoded)
            && self.host == other.host
            && self.port == other.port
            && parameters_match(self, other)
            && headers_match(self, other)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme.as_str())?;
        f.write_str(":")?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                f.write_str(":")?;
                f.write_str(password)?;
            }
            if self.is_sip() {
                f.write_str("@")?;
            }
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.parameters.as_str())?;
        if !self.headers.is_empty() {
            f.write_str("?")?;
            f.write_str(&self.headers)?;
        }
        Ok(())
    }
}

fn is_never_in_uri(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'<' | b'>' | b'"' | 0x7f)
}

/// What follows `sip:` or `sips:`.
fn sip_uri(scheme: Scheme, rest: &str) -> Result<Uri, ParseFault> {
    let fault = ParseFault { what: "URI" };
    // The user part may hold semicolons and question marks, but no at sign: so the at sign is looked for first.
    let (user_part, rest) = match grammar::cut_last(rest, b'@') {
        Some((user_part, rest)) => (Some(user_part), rest),
        None => (None, rest),
    };
    let (user, password) = match user_part {
        Some(user_part) => match grammar::cut(user_part, b':') {
            Some((user, password)) => (Some(user), Some(password)),
            None => (Some(user_part), None),
        },
        None => (None, None),
    };
    if user.is_some_and(|user| user.is_empty() || grammar::find(user, b'@').is_some()) {
        return Err(fault);
    }
    if password.is_some_and(|password| grammar::find(password, b'@').is_some()) {
        return Err(fault);
    }
    let (rest, headers) = grammar::cut(rest, b'?').unwrap_or((rest, ""));
    let end = grammar::find(rest, b';').unwrap_or(rest.len());
    let (host, port) = host_and_port(&rest[..end]).map_err(|_| fault)?;
    Ok(Uri {
        scheme,
        user: user.map(str::to_owned),
        password: password.map(str::to_owned),
        host,
        port,
        parameters: Parameters::parse(&rest[end..], fault.what)?,
        headers: headers.to_owned(),
    })
}

/// `hostport` of RFC 3261 section 25.1. White space around the colon is allowed in a Via, and elsewhere there is none.
pub(super) fn host_and_port(text: &str) -> Result<(Host, Option<u16>), ParseFault> {
    let colon = match text.bytes().rposition(|byte| byte == b']') {
        Some(bracket) => grammar::find(&text[bracket..], b':').map(|colon| bracket + colon),
        None => grammar::find(text, b':'),
    };
    let Some(colon) = colon else {
        return Ok((Host::parse(trim(text))?, None));
    };
    let port = grammar::number::<u16>(trim(&text[colon + 1..]), "port")?;
    Ok((Host::parse(trim(&text[..colon]))?, Some(port)))
}

/// Without percent escapes. Bytes that make no UTF-8 are taken for Latin-1.
pub(in crate::sip) fn decoded(text: &str) -> Cow<'_, str> {
    if grammar::find(text, b'%').is_none() {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hexadecimal(*high).zip(hexadecimal(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => bytes.push(*first),
        }
    }
    Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => error.as_bytes().iter().copied().map(char::from).collect(),
    })
}

fn hexadecimal(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn digits(uri: &Uri) -> impl Iterator<Item = char> {
    uri.user.as_deref().unwrap_or("").chars().filter(|digit| !matches!(digit, '-' | '.' | '(' | ')'))
}

/// Parameters that both have must be equal; one of these that only one has is a difference, any other is not.
fn parameters_match(one: &Uri, two: &Uri) -> bool {
    const TELLING: [&str; 7] = ["user", "ttl", "method", "maddr", "transport", "phone-context", "isub"];
    // Of several with one name, the first is the one that means something.
    let covers = |one: &Uri, two: &Uri| {
        one.parameters.iter().all(|(name, _)| match (one.parameters.get(name), two.parameters.get(name)) {
            (Some(value), Some(other)) => decoded(value).eq_ignore_ascii_case(&decoded(other)),
            _ => !TELLING.iter().any(|telling| telling.eq_ignore_ascii_case(name)),
        })
    };
    covers(one, two) && covers(two, one)
}

fn headers_match(one: &Uri, two: &Uri) -> bool {
    let sorted = |uri: &Uri| {
        let mut headers: Vec<(String, String)> = uri
            .headers
            .split('&')
            .filter(|header| !header.is_empty())
            .map(|header| {
                let (name, value) = header.split_once('=').unwrap_or((header, ""));
                (decoded(name).to_ascii_lowercase(), decoded(value).into_owned())
            })
            .collect();
        headers.sort();
        headers
    };
    one.headers == two.headers || sorted(one) == sorted(two)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read_and_printed() {
        let same = |text: &str| {
            let read = Uri::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!(read.to_string(), text);
        };
        same("sip:1001@192.0.2.7");
        same("sip:1001@192.0.2.7:5070;transport=tcp;lr");
        same("sips:alice:secret@atlanta.com;maddr=239.255.255.1;ttl=15?to=bob%40x&subject=hi");
        same("sip:[2001:db8::9:1]");
        same("sip:user@[2001:db8::10]:5070;x");
        same("sip:*31#0123@pbx_1.local");
        same("sip:+44%2020@example.com;user=phone");
        same("tel:+1-201-555-0123");
        same("tel:7042;phone-context=example.com");
        same("isbn:2983792873");
        same("soap.beep://192.0.2.103:3002");
        assert_eq!(Uri::parse("SIP:a@B.example").map(|uri| uri.to_string()), Ok("sip:a@B.example".to_owned()));
        for text in [
            "",
            "sip",
            "sip:",
            "1sip:a@b",
            ":a@b",
            "sip:@b",
            "sip:a@",
            "sip:a@b@c",
            "sip:a b@c",
            "sip:a@b c",
            "sip:a@b:",
            "sip:a@b:65536",
            "sip:a@b:-1",
            "sip:a@[2001:db8::1",
            "sip:a@2001:db8::1",
            "sip:a@[192.0.2.1]",
            "sip:a@b;;c",
            "<sip:a@b>",
            "sip:a@b\"",
            "tel:",
            "tel:;x",
        ] {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn uris_match_as_rfc_3261_section_19_1_4_says() {
        let check = |one: &str, two: &str, expected: bool| {
            let (one_read, two_read) = (Uri::parse(one).expect("well formed"), Uri::parse(two).expect("well formed"));
            assert_eq!(one_read.matches(&two_read), expected, "{one} and {two}");
            assert_eq!(two_read.matches(&one_read), expected, "{two} and {one}");
        };
        // The examples of the RFC.
        check("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true);
        check("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true);
        check("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", true);
        check(
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            true,
        );
        check(
            "sip:alice@atlanta.com?subject=x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=x",
            true,
        );
        check("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false);
        check("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false);
        check("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false);
        check("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false);
        check("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false);
        check("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false);
        check("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false);
        // More.
        check("sip:a@b", "sips:a@b", false);
        check("sip:b", "sip:a@b", false);
        check("sip:a@b;ttl=1", "sip:a@b", false);
        check("sip:a@b;x=1;x=2", "sip:a@b;x=1;x=2", true);
        check("tel:+1-201-555-0123", "tel:+12015550123", true);
        check("tel:+12015550123", "tel:+12015550124", false);
        check("isbn:1", "isbn:1", true);
    }

    #[test]
    fn escapes_are_undone() {
        let check = |user: &str, decoded: &str| {
            let uri = Uri::parse(&format!("sip:{user}@example.com")).expect("well formed");
            assert_eq!(uri.user_decoded(), decoded, "{user}");
        };
        check("1001", "1001");
        check("%2B44%2a", "+44*");
        check("100%", "100%");
        check("100%4", "100%4");
        check("%zz", "%zz");
        check("%c3%bc", "ü");
        check("%fc", "ü");
    }
}
