//! Session descriptions as text (RFC 8866): bytes to a [`SessionDescription`] and back.
//!
//! Our own reader rather than the `sdp-types` crate: it goes straight to the few things that audio calls need, in half
//! of the time and with half of the allocations, and it forgives what that crate refuses and phones send: lines out of order, a missing
//! `s=` or `t=`, bare LF, Latin-1 in names, session ids that are no numbers.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::message::write_address;
use crate::telephony::{Direction, Format, MediaDescription, MediaKind, Origin, SessionDescription, Timing};

/// The most lines that are read.
pub const SDP_LINES_MAX: usize = 2_000;

/// The most `m=` lines that are read: an answer has to repeat each of them.
pub const MEDIA_LINES_MAX: usize = 32;

/// The most formats of one `m=` line: there are no more payload types.
pub const FORMATS_MAX: usize = 128;

/// Why a text is no session description; the texts finish "the session description ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpFault {
    /// It does not begin with version 0.
    #[error("does not begin with v=0")]
    NotSdp,
    /// A line that everything depends on makes no sense.
    #[error("has a bad {0}= line")]
    BadLine(char),
    /// More than [`SDP_LINES_MAX`], [`MEDIA_LINES_MAX`] or [`FORMATS_MAX`].
    #[error("is too long")]
    TooLong,
}

/// Reads a session description. What audio calls do not need is passed over.
pub fn parse(text: &[u8]) -> Result<SessionDescription, SdpFault> {
    match std::str::from_utf8(text) {
        Ok(text) => read(text),
        Err(_) => read(&text.iter().copied().map(char::from).collect::<String>()),
    }
}

/// What stands before the first `m=` line and holds for all of them.
#[derive(Default)]
struct Session {
    origin: Option<Origin>,
    connection: Option<IpAddr>,
    timing: Option<Timing>,
    direction: Option<Direction>,
    ptime: Option<u16>,
    maxptime: Option<u16>,
}

/// A media line being read.
struct Medium {
    description: MediaDescription,
    direction: Option<Direction>,
    /// It has a `c=` of its own, of whatever form.
    has_connection: bool,
}

fn read(text: &str) -> Result<SessionDescription, SdpFault> {
    let mut lines =
        text.split('\n').map(|line| line.trim_end_matches(['\r', ' ', '\t'])).filter(|line| !line.is_empty());
    if lines.next().is_none_or(|line| line.trim_start() != "v=0") {
        return Err(SdpFault::NotSdp);
    }
    let mut session = Session::default();
    let mut media: Vec<Medium> = Vec::with_capacity(2);
    for (index, line) in lines.enumerate() {
        if index >= SDP_LINES_MAX {
            return Err(SdpFault::TooLong);
        }
        let Some((kind, value)) = line.split_once('=') else {
            continue;
        };
        match (kind, media.last_mut()) {
            ("o", None) => session.origin = Some(origin(value).ok_or(SdpFault::BadLine('o'))?),
            ("c", None) => session.connection = connection(value),
            ("t", None) => session.timing = session.timing.or(timing(value)),
            ("c", Some(medium)) => {
                medium.description.connection = connection(value);
                medium.has_connection = true;
            }
            ("a", None) => session.attribute(value),
            ("a", Some(medium)) => medium.attribute(value),
            ("m", _) => {
                if media.len() == MEDIA_LINES_MAX {
                    return Err(SdpFault::TooLong);
                }
                media.push(Medium {
                    description: medium(value, &session)?,
                    direction: session.direction,
                    has_connection: false,
                });
            }
            _ => {}
        }
    }
    Ok(assemble(session, media))
}

fn assemble(mut session: Session, mut media: Vec<Medium>) -> SessionDescription {
    if media.iter().any(|medium| medium.has_connection && medium.description.connection.is_none()) {
        // A line whose own address is unusable must not fall back to the session's: so the others get it as their own.
        for medium in media.iter_mut().filter(|medium| !medium.has_connection) {
            medium.description.connection = session.connection;
        }
        session.connection = None;
    }
    SessionDescription {
        origin: session.origin.unwrap_or_else(|| Origin {
            username: "-".to_owned(),
            session_id: 0,
            version: 0,
            address: Ipv4Addr::UNSPECIFIED.to_string(),
        }),
        connection: session.connection,
        timing: session.timing.unwrap_or_default(),
        media: media
            .into_iter()
            .map(|medium| MediaDescription {
                direction: medium.direction.unwrap_or(Direction::SendReceive),
                ..medium.description
            })
            .collect(),
    }
}

fn origin(value: &str) -> Option<Origin> {
    let mut parts = value.split_ascii_whitespace();
    let username = parts.next()?.to_owned();
    let session_id = session_number(parts.next()?);
    let version = session_number(parts.next()?);
    let (_network, _family) = (parts.next()?, parts.next()?);
    Some(Origin { username, session_id, version, address: parts.next()?.to_owned() })
}

/// A session id or version. One that is no number, or a larger one than we can hold, is digested (FNV-1a): all that is
/// ever asked of it is whether it is still the same.
fn session_number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| {
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |digest: u64, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    })
}

fn connection(value: &str) -> Option<IpAddr> {
    let mut parts = value.split_ascii_whitespace();
    if !parts.next()?.eq_ignore_ascii_case("IN") {
        return None;
    }
    let family = parts.next()?;
    // A multicast address has its time to live behind a slash.
    let address = parts.next()?.split('/').next()?;
    if family.eq_ignore_ascii_case("IP4") {
        address.parse::<Ipv4Addr>().ok().map(IpAddr::from)
    } else if family.eq_ignore_ascii_case("IP6") {
        address.parse::<Ipv6Addr>().ok().map(IpAddr::from)
    } else {
        None
    }
}

/// The times of a `t=` line; one that makes no sense is as good as none.
fn timing(value: &str) -> Option<Timing> {
    let (start, stop) = value.trim().split_once([' ', '\t'])?;
    Some(Timing { start: start.parse().ok()?, stop: stop.trim_start().parse().ok()? })
}

fn medium(value: &str, session: &Session) -> Result<MediaDescription, SdpFault> {
    let fault = SdpFault::BadLine('m');
    let mut parts = value.split_ascii_whitespace();
    let (Some(kind), Some(port), Some(protocol)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(fault);
    };
    // `49170/2` is two ports for layers of one medium, of which the first is what counts here.
    let port = port.split('/').next().unwrap_or(port).parse().map_err(|_| fault)?;
    let is_rtp = protocol.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("RTP/"));
    let mut formats = Vec::with_capacity(4);
    for (index, token) in parts.enumerate() {
        if index == FORMATS_MAX {
            return Err(SdpFault::TooLong);
        }
        // A format that is named twice is one: attributes would not know which.
        if formats.iter().all(|format: &Format| format.token != token) {
            formats.push(format(token, is_rtp));
        }
    }
    if formats.is_empty() {
        return Err(fault);
    }
    Ok(MediaDescription {
        kind: if kind.eq_ignore_ascii_case("audio") { MediaKind::Audio } else { MediaKind::Other(kind.to_owned()) },
        port,
        protocol: protocol.to_owned(),
        connection: None,
        rtcp_port: None,
        direction: Direction::SendReceive,
        ptime: session.ptime,
        maxptime: session.maxptime,
        formats,
    })
}

fn format(token: &str, is_rtp: bool) -> Format {
    let payload_type = if is_rtp { token.parse().ok().filter(|payload_type| *payload_type < 128) } else { None };
    let (encoding, clock_rate) = payload_type.map_or(("", 0), static_type);
    Format {
        token: token.to_owned(),
        payload_type,
        encoding: encoding.to_owned(),
        clock_rate,
        parameters: String::new(),
    }
}

/// Encoding name and clock rate of a static payload type (RFC 3551 section 6, tables 4 and 5).
const fn static_type(payload_type: u8) -> (&'static str, u32) {
    match payload_type {
        0 => ("PCMU", 8_000),
        3 => ("GSM", 8_000),
        4 => ("G723", 8_000),
        5 => ("DVI4", 8_000),
        6 => ("DVI4", 16_000),
        7 => ("LPC", 8_000),
        8 => ("PCMA", 8_000),
        9 => ("G722", 8_000),
        10 => ("L16/2", 44_100),
        11 => ("L16", 44_100),
        12 => ("QCELP", 8_000),
        13 => ("CN", 8_000),
        14 => ("MPA", 90_000),
        15 => ("G728", 8_000),
        16 => ("DVI4", 11_025),
        17 => ("DVI4", 22_050),
        18 => ("G729", 8_000),
        25 => ("CelB", 90_000),
        26 => ("JPEG", 90_000),
        28 => ("nv", 90_000),
        31 => ("H261", 90_000),
        32 => ("MPV", 90_000),
        33 => ("MP2T", 90_000),
        34 => ("H263", 90_000),
        _ => ("", 0),
    }
}

fn direction(name: &str) -> Option<Direction> {
    match name {
        "sendrecv" => Some(Direction::SendReceive),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::ReceiveOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    }
}

/// The whole milliseconds of a packet time, which may be written with a fraction.
fn milliseconds(value: &str) -> Option<u16> {
    let value = value.trim();
    value.split('.').next().unwrap_or(value).parse().ok()
}

impl Session {
    fn attribute(&mut self, attribute: &str) {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "ptime" => self.ptime = milliseconds(value),
            "maxptime" => self.maxptime = milliseconds(value),
            _ => self.direction = direction(name).or(self.direction),
        }
    }
}

impl Medium {
    fn attribute(&mut self, attribute: &str) {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "rtpmap" => self.rtpmap(value),
            "fmtp" => {
                if let Some((format, parameters)) = self.format(value) {
                    format.parameters = parameters.to_owned();
                }
            }
            "ptime" => self.description.ptime = milliseconds(value),
            "maxptime" => self.description.maxptime = milliseconds(value),
            "rtcp" => {
                let port = value.split_ascii_whitespace().next().and_then(|port| port.parse::<u16>().ok());
                let usual = self.description.port.checked_add(1);
                self.description.rtcp_port = port.filter(|port| *port != 0 && Some(*port) != usual);
            }
            _ => self.direction = direction(name).or(self.direction),
        }
    }

    /// The format that an attribute's value begins with, and the rest of the value.
    fn format<'v>(&mut self, value: &'v str) -> Option<(&mut Format, &'v str)> {
        let (token, rest) = value.trim().split_once([' ', '\t'])?;
        let format = self.description.formats.iter_mut().find(|format| format.token == token)?;
        Some((format, rest.trim()))
    }

    fn rtpmap(&mut self, value: &str) {
        let Some((format, rest)) = self.format(value) else {
            return;
        };
        let mut parts = rest.split('/');
        let (Some(encoding), Some(rate)) = (parts.next(), parts.next()) else {
            return;
        };
        let Ok(rate) = rate.trim().parse() else {
            return;
        };
        // More channels than one make another format of it: they stay with the name.
        let channels = parts.next().map_or("1", str::trim);
        let well_formed = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !well_formed(encoding) || !well_formed(channels) {
            return;
        }
        format.clock_rate = rate;
        format.encoding = if channels == "1" { encoding.to_owned() } else { format!("{encoding}/{channels}") };
    }
}

/// Prints a session description, its lines in the order v, o, s, c, t, m, a.
pub fn print(description: &SessionDescription) -> String {
    let mut out = String::with_capacity(320);
    // A string takes all that is written to it.
    let _ = write_description(&mut out, description);
    out
}

fn write_description(out: &mut String, description: &SessionDescription) -> std::fmt::Result {
    let Origin { username, session_id, version, address } = &description.origin;
    let family = if address.contains(':') { "IP6" } else { "IP4" };
    write!(out, "v=0\r\no={username} {session_id} {version} IN {family} {address}\r\ns=-\r\n")?;
    write_connection(out, description.connection)?;
    write!(out, "t={} {}\r\n", description.timing.start, description.timing.stop)?;
    description.media.iter().try_for_each(|medium| write_medium(out, medium))
}

fn write_connection(out: &mut String, connection: Option<IpAddr>) -> std::fmt::Result {
    match connection {
        Some(address) => {
            out.push_str(if address.is_ipv4() { "c=IN IP4 " } else { "c=IN IP6 " });
            write_address(out, address)?;
            out.push_str("\r\n");
            Ok(())
        }
        None => Ok(()),
    }
}

fn write_medium(out: &mut String, medium: &MediaDescription) -> std::fmt::Result {
    let kind = match &medium.kind {
        MediaKind::Audio => "audio",
        MediaKind::Other(kind) => kind,
    };
    write!(out, "m={kind} {} {}", medium.port, medium.protocol)?;
    for format in &medium.formats {
        write!(out, " {}", format.token)?;
    }
    out.push_str("\r\n");
    if medium.port == 0 {
        // A line that is refused says nothing more.
        return Ok(());
    }
    write_connection(out, medium.connection)?;
    for format in &medium.formats {
        if format.payload_type.is_some() && !format.encoding.is_empty() {
            let (encoding, channels) = format.encoding.split_once('/').unwrap_or((&format.encoding, ""));
            let slash = if channels.is_empty() { "" } else { "/" };
            write!(out, "a=rtpmap:{} {encoding}/{}{slash}{channels}\r\n", format.token, format.clock_rate)?;
        }
        if !format.parameters.is_empty() {
            write!(out, "a=fmtp:{} {}\r\n", format.token, format.parameters)?;
        }
    }
    if let Some(port) = medium.rtcp_port {
        write!(out, "a=rtcp:{port}\r\n")?;
    }
    if let Some(ptime) = medium.ptime {
        write!(out, "a=ptime:{ptime}\r\n")?;
    }
    if let Some(maxptime) = medium.maxptime {
        write!(out, "a=maxptime:{maxptime}\r\n")?;
    }
    out.push_str(match medium.direction {
        Direction::SendReceive => "a=sendrecv\r\n",
        Direction::SendOnly => "a=sendonly\r\n",
        Direction::ReceiveOnly => "a=recvonly\r\n",
        Direction::Inactive => "a=inactive\r\n",
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

    fn read(text: &str) -> SessionDescription {
        parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{text}: {fault}"))
    }

    /// The only media line of a description.
    fn line(attributes: &str) -> MediaDescription {
        read(&format!("{START}{attributes}")).media.remove(0)
    }

    fn formats(line: &MediaDescription) -> Vec<String> {
        line.formats
            .iter()
            .map(|format| {
                let Format { token, encoding, clock_rate, parameters, .. } = format;
                format!("{token} {encoding}/{clock_rate} {parameters}").trim_end().to_owned()
            })
            .collect()
    }

    #[test]
    fn what_is_printed_is_read_back() {
        let text = format!(
            "{START}m=audio 16384 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
             a=fmtp:101 0-15\r\na=rtcp:20000\r\na=ptime:20\r\na=maxptime:60\r\na=sendonly\r\n\
             m=video 0 RTP/SAVP 96 foo\r\n\
             m=audio 4000 RTP/AVP 96\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:96 opus/48000/2\r\na=inactive\r\n"
        );
        assert_eq!(print(&read(&text)), text);
        let text = "v=0\r\no=me 1 2 IN IP6 ::1\r\ns=-\r\nt=0 0\r\n";
        assert_eq!(print(&read(text)), text);
    }

    #[test]
    fn what_phones_send_is_read() {
        let check = |attributes: &str, expected: &[&str]| {
            assert_eq!(formats(&line(attributes)), expected, "{attributes}");
        };
        check("m=audio 4000 RTP/AVP 0 8 9\r\n", &["0 PCMU/8000", "8 PCMA/8000", "9 G722/8000"]);
        check("m=audio 4000 RTP/AVP 96 200 x\r\n", &["96 /0", "200 /0", "x /0"]);
        check("m=audio 4000 RTP/AVP 97\na=rtpmap:97 pcmu/8000/1\n", &["97 pcmu/8000"]);
        check("m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 L16/8000/2 \r\n", &["97 L16/2/8000"]);
        check(
            "m=audio 4000 RTP/AVP 101\r\na=fmtp:101 0-16,66\r\na=rtpmap:101  telephone-event/8000\r\n",
            &["101 telephone-event/8000 0-16,66"],
        );
        check("m=audio 4000 RTP/AVP 0\r\na=rtpmap:0\r\na=rtpmap:0 PCMU\r\na=rtpmap:0 PCMU/x\r\n", &["0 PCMU/8000"]);
        check("m=audio 4000 RTP/AVP 0\r\na=rtpmap:8 PCMA/8000\r\na=fmtp:8 x\r\nz\r\n=\r\n", &["0 PCMU/8000"]);
        check("m=AUDIO 4000/2 rtp/avp 3\r\n", &["3 GSM/8000"]);
        check("m=audio 4000 RTP/AVP 0 8 0\r\n", &["0 PCMU/8000", "8 PCMA/8000"]);
        check("m=message 2855 TCP/MSRP *\r\n", &["* /0"]);

        // No s=, no t=, no o=, lines out of order, Latin-1.
        let read = parse(b"\nv=0\nc=IN IP4 192.0.2.1\ns=M\xfcller\nm=audio 4000 RTP/AVP 0\n").expect("well formed");
        assert_eq!(read.connection, Some([192, 0, 2, 1].into()));
        assert_eq!(read.media[0].kind, MediaKind::Audio);
    }

    #[test]
    fn attributes_hold_for_their_line_or_for_all() {
        let text = format!(
            "{START}a=ptime:30\r\na=recvonly\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\na=ptime:20.5\r\n\
             a=sendonly\r\na=rtcp:4003\r\nm=audio 4004 RTP/AVP 0\r\na=rtcp:5000 IN IP4 192.0.2.9\r\na=inactive\r\n"
        );
        let lines: Vec<_> = read(&text).media.iter().map(|line| (line.direction, line.ptime, line.rtcp_port)).collect();
        assert_eq!(
            lines,
            [
                (Direction::ReceiveOnly, Some(30), None),
                // The port above RTP's is the usual one.
                (Direction::SendOnly, Some(20), None),
                (Direction::Inactive, Some(30), Some(5000)),
            ]
        );
    }

    #[test]
    fn connections_are_addresses_or_nothing() {
        let check = |value: &str, address: Option<&str>| {
            let read = line(&format!("m=audio 4000 RTP/AVP 0\r\nc={value}\r\n"));
            assert_eq!(read.connection, address.map(|address| address.parse().expect("an address")), "{value}");
        };
        check("IN IP4 192.0.2.7", Some("192.0.2.7"));
        check("IN IP4 224.2.1.1/127/3", Some("224.2.1.1"));
        check("IN IP4 0.0.0.0", Some("0.0.0.0"));
        check("in ip6 2001:db8::1", Some("2001:db8::1"));
        check("IN IP4 2001:db8::1", None);
        check("IN IP4 host.example.com", None);
        check("TN RFC2543 +1-201-406-4090", None);
        check("", None);

        // An unusable address of a line's own is not made up for by the session's.
        let text = format!("{START}m=audio 4000 RTP/AVP 0\r\nc=IN IP4 host\r\nm=audio 4002 RTP/AVP 0\r\n");
        let read = read(&text);
        assert_eq!(read.connection, None);
        assert_eq!(read.media[0].connection, None);
        assert_eq!(read.media[1].connection, Some([192, 0, 2, 1].into()));
    }

    #[test]
    fn times_are_read_or_whenever_it_is() {
        let check = |lines: &str, start: u64, stop: u64| {
            let read = read(&format!("v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\n{lines}m=audio 4000 RTP/AVP 0\r\n"));
            assert_eq!(read.timing, Timing { start, stop }, "{lines}");
            assert!(print(&read).contains(&format!("\r\nt={start} {stop}\r\n")), "{lines}");
        };
        check("", 0, 0);
        check("t=0 0\r\n", 0, 0);
        check("t=2873397496 2873404696\r\nr=7d 1h 0 25h\r\n", 2_873_397_496, 2_873_404_696);
        check("t=3034423619 0\r\nt=0 0\r\n", 3_034_423_619, 0);
        for nonsense in ["t=\r\n", "t=x 0\r\n", "t=1\r\n", "t=1 2 3\r\n", "t=-1 0\r\n"] {
            check(nonsense, 0, 0);
        }
    }

    #[test]
    fn session_ids_stay_the_same_or_differ() {
        let version = |text: &str| read(&format!("v=0\r\no=- 1 {text} IN IP4 h\r\n")).origin.version;
        assert_eq!(version("18446744073709551615"), u64::MAX);
        assert_eq!(version("99999999999999999999"), version("99999999999999999999"));
        assert_ne!(version("99999999999999999999"), version("99999999999999999998"));
        assert_ne!(version("a"), version("b"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let check = |text: &str, fault: SdpFault| assert_eq!(parse(text.as_bytes()), Err(fault), "{text:.80}");
        check("", SdpFault::NotSdp);
        check("v=1\r\n", SdpFault::NotSdp);
        check("o=- 1 2 IN IP4 h\r\nv=0\r\n", SdpFault::NotSdp);
        check("v=0\r\no=- 1 2 IN IP4\r\n", SdpFault::BadLine('o'));
        for value in ["audio", "audio 4000", "audio 4000 RTP/AVP", "audio 70000 RTP/AVP 0", "audio -1 RTP/AVP 0"] {
            check(&format!("{START}m={value}\r\n"), SdpFault::BadLine('m'));
        }
        check(&format!("v=0\r\n{}", "m=audio 0 RTP/AVP 0\r\n".repeat(MEDIA_LINES_MAX + 1)), SdpFault::TooLong);
        check(&format!("v=0\r\nm=audio 0 RTP/AVP{}\r\n", " 0".repeat(FORMATS_MAX + 1)), SdpFault::TooLong);
        check(&format!("v=0\r\n{}", "a=x\r\n".repeat(SDP_LINES_MAX + 1)), SdpFault::TooLong);
        assert_eq!(SdpFault::BadLine('m').to_string(), "has a bad m= line");
    }
}
