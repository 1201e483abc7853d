//! A session description (RFC 8866) as far as audio calls need it: data, read and written at `sip`'s edge.

use std::net::IpAddr;

use super::audio::Direction;

/// An offer or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDescription {
    /// The `o=` line.
    pub origin: Origin,
    /// The `c=` line of the session. A host name or an address of neither family is `None`, and then media lines
    /// without their own cannot be used.
    pub connection: Option<IpAddr>,
    /// The first `t=` line; an answer repeats that of its offer (RFC 3264 section 6).
    pub timing: Timing,
    /// The media lines, in their order; an answer has as many as its offer (RFC 3264 section 6).
    pub media: Vec<MediaDescription>,
}

impl SessionDescription {
    /// The same of a side that is reached by `address`: in the `o=` line and the `c=` line of the session.
    pub fn reached_by(&self, address: IpAddr) -> SessionDescription {
        let origin = Origin { address: address.to_string(), ..self.origin.clone() };
        SessionDescription { origin, connection: Some(address), ..self.clone() }
    }
}

/// When a session begins and ends, in seconds since 1900 (RFC 8866 section 5.9); 0 and 0, as in nearly every call, is
/// "whenever it is".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Its begin.
    pub start: u64,
    /// Its end.
    pub stop: u64,
}

/// The `o=` line. The version goes up by one with each change of our own description (RFC 3264 section 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The user name, `-` when there is none.
    pub username: String,
    /// The session id.
    pub session_id: u64,
    /// The session version.
    pub version: u64,
    /// The address, as written.
    pub address: String,
}

/// One `m=` line with its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaDescription {
    /// What kind of media.
    pub kind: MediaKind,
    /// The RTP port; 0 rejects the line or offers it disabled.
    pub port: u16,
    /// The transport, such as `RTP/AVP`.
    pub protocol: String,
    /// The line's own `c=`, which overrides the session's.
    pub connection: Option<IpAddr>,
    /// `a=rtcp` (RFC 3605), when it names another port than the one above RTP's.
    pub rtcp_port: Option<u16>,
    /// As the describing side sees it (its `sendonly` is our receiving).
    pub direction: Direction,
    /// `a=ptime` in milliseconds.
    pub ptime: Option<u16>,
    /// `a=maxptime` in milliseconds.
    pub maxptime: Option<u16>,
    /// The formats, most preferred first.
    pub formats: Vec<Format>,
}

/// What an `m=` line carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// Speech, music, tones.
    Audio,
    /// Anything else: kept, and refused at port 0.
    Other(String),
}

/// One format of a media line with its `a=rtpmap` and `a=fmtp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// The format as written; for RTP profiles a payload type, 0 to 127.
    pub token: String,
    /// The payload type, when the token is one.
    pub payload_type: Option<u8>,
    /// The encoding name of `a=rtpmap`, or of RFC 3551's table for a static type; empty when unknown.
    pub encoding: String,
    /// Clock rate in Hz; 0 when unknown.
    pub clock_rate: u32,
    /// `a=fmtp`'s parameters; empty when there are none.
    pub parameters: String,
}
