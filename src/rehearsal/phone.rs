//! What phones say in their INVITEs and answers: all of them take PCMU and telephone-event.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::telephony::{
    Caller, Direction, Format, Incoming, LegId, MediaDescription, MediaKind, Origin, SessionDescription, Timing,
    TransportKind,
};

/// Addresses of RFC 5737: no packet leaves.
const THEIRS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
/// The address by which phones reach us.
pub(super) const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// An offer, or an answer.
pub(super) fn description() -> SessionDescription {
    let format = |payload_type: u8, encoding: &str| Format {
        token: payload_type.to_string(),
        payload_type: Some(payload_type),
        encoding: encoding.into(),
        clock_rate: 8_000,
        parameters: String::new(),
    };
    SessionDescription {
        origin: Origin { username: "-".into(), session_id: 1, version: 1, address: THEIRS.to_string() },
        connection: Some(THEIRS),
        timing: Timing::default(),
        media: vec![MediaDescription {
            kind: MediaKind::Audio,
            port: 4_000,
            protocol: "RTP/AVP".into(),
            connection: None,
            rtcp_port: None,
            direction: Direction::SendReceive,
            ptime: None,
            maxptime: None,
            formats: vec![format(0, "PCMU"), format(101, "telephone-event")],
        }],
    }
}

/// A call of `caller` to `dialled`; of an agent's own phone, if it is one.
pub(super) fn incoming(leg: LegId, caller: Caller, dialled: &str, agent: Option<&str>) -> Incoming {
    Incoming {
        leg,
        caller,
        dialled: dialled.into(),
        offer: Some(description()),
        local: OURS,
        source: SocketAddr::new(THEIRS, 5_060),
        transport: TransportKind::Udp,
        sip_call_id: format!("{leg}@{THEIRS}"),
        agent: agent.map(str::to_owned),
        trunk: None,
        replaces: None,
    }
}
