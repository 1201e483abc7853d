//! The Via header (RFC 3261 section 20.42, with RFC 3581's rport).

use std::fmt;
use std::net::IpAddr;

use super::grammar::{self, trim};
use super::uri::host_and_port;
use super::{Host, Parameters, ParseFault};

/// What every branch of an RFC 3261 element begins with (section 8.1.1.7).
pub const BRANCH_COOKIE: &str = "z9hG4bK";

/// One value of Via.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// The transport in upper case: `UDP`, `TCP`, ...
    pub transport: String,
    /// The host of sent-by.
    pub host: Host,
    /// The port of sent-by, where one is written.
    pub port: Option<u16>,
    /// The transaction's name.
    pub branch: Option<String>,
    /// Where the request came from, as the one who received it saw it.
    pub received: Option<IpAddr>,
    /// `Some(None)` asks for the port that the request came from, `Some(Some(port))` tells it (RFC 3581).
    pub rport: Option<Option<u16>>,
    /// All other parameters.
    pub parameters: Parameters,
}

impl Via {
    /// Reads one value.
    pub fn parse(text: &str) -> Result<Via, ParseFault> {
        const WHAT: &str = "Via";
        let fault = ParseFault { what: WHAT };
        let (protocol, rest) = grammar::cut(text, b'/').ok_or(fault)?;
        let (version, rest) = grammar::cut(rest, b'/').ok_or(fault)?;
        if !trim(protocol).eq_ignore_ascii_case("SIP") || trim(version) != "2.0" {
            return Err(fault);
        }
        let rest = trim(rest);
        let (transport, rest) = grammar::cut_blank(rest).ok_or(fault)?;
        if !grammar::is_token(transport) {
            return Err(fault);
        }
        let end = grammar::find(rest, b';').unwrap_or(rest.len());
        let (host, port) = host_and_port(trim(&rest[..end])).map_err(|_| fault)?;
        let mut via = Via {
            transport: transport.to_ascii_uppercase(),
            host,
            port,
            branch: None,
            received: None,
            rport: None,
            parameters: Parameters::new(),
        };
        for (name, value) in Parameters::parse(&rest[end..], WHAT)?.iter() {
            via.take(name, value).ok_or(fault)?;
        }
        Ok(via)
    }

    /// Puts a parameter in its place; nothing where its value makes no sense. Of several with one name, the first counts.
    fn take(&mut self, name: &str, value: Option<&str>) -> Option<()> {
        let value_or_none = value.filter(|value| !value.is_empty());
        if name.eq_ignore_ascii_case("branch") {
            if self.branch.is_none() {
                self.branch = value_or_none.map(str::to_owned);
            }
        } else if name.eq_ignore_ascii_case("received") {
            // RFC 3261 writes IPv6 here without brackets, and many write it with them (RFC 5118 section 4.5).
            let bare = value_or_none?.trim_start_matches('[').trim_end_matches(']');
            self.received = self.received.or(Some(bare.parse().ok()?));
        } else if name.eq_ignore_ascii_case("rport") {
            let port = value_or_none.map(|port| grammar::number(port, "Via")).transpose().ok()?;
            self.rport = self.rport.or(Some(port));
        } else {
            self.parameters.push_as_written(name, value);
        }
        Some(())
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SIP/2.0/")?;
        f.write_str(&self.transport)?;
        f.write_str(" ")?;
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.rport {
            Some(Some(port)) => write!(f, ";rport={port}")?,
            Some(None) => f.write_str(";rport")?,
            None => {}
        }
        if let Some(received) = self.received {
            f.write_str(";received=")?;
            grammar::write_address(f, received)?;
        }
        if let Some(branch) = &self.branch {
            f.write_str(";branch=")?;
            f.write_str(branch)?;
        }
        f.write_str(self.parameters.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vias_are_read_and_printed() {
        let check = |text: &str, printed: &str| {
            let read = Via::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!(read.to_string(), printed, "{text}");
            assert_eq!(Via::parse(printed), Ok(read), "{text}");
        };
        check("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport", "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1");
        check(
            "sip / 2.0 / tcp \t host.example.com : 5061 ; Branch = z9hG4bK1 ; alias",
            "SIP/2.0/TCP host.example.com:5061;branch=z9hG4bK1;alias",
        );
        check(
            "SIP/2.0/UDP h;rport=5062;received=192.0.2.9;branch=z9hG4bK1;ttl=1",
            "SIP/2.0/UDP h;rport=5062;received=192.0.2.9;branch=z9hG4bK1;ttl=1",
        );
        // RFC 5118 sections 4.1 and 4.5.
        check("SIP/2.0/UDP [2001:db8::9:1];branch=b", "SIP/2.0/UDP [2001:db8::9:1];branch=b");
        check("SIP/2.0/UDP h;received=2001:db8::9:255", "SIP/2.0/UDP h;received=2001:db8::9:255");
        check("SIP/2.0/UDP h;received=[2001:db8::9:255]", "SIP/2.0/UDP h;received=2001:db8::9:255");
        check("SIP/2.0/UDP h;branch=", "SIP/2.0/UDP h");
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0 h",
            "SIP/7.0/UDP h",
            "HTTP/2.0/UDP h",
            "SIP/2.0/UDP h:x",
            "SIP/2.0/UDP h h",
            "SIP/2.0/UDP h;;",
            "SIP/2.0/UDP h;rport=70000",
            "SIP/2.0/UDP h;received=host",
            "SIP/2.0/U(P h",
        ] {
            assert!(Via::parse(text).is_err(), "{text}");
        }
    }
}
