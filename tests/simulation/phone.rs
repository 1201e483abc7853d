//! What a caller's side says in SDP and in an INVITE.

use std::net::{IpAddr, Ipv4Addr};

use helpline::telephony::{
    Caller, Direction, Format, Incoming, LegId, MediaDescription, MediaKind, Origin, PhoneNumber, SessionDescription,
    Timing, TransportKind,
};

/// An offer or an answer of a telephone with PCMU and telephone-event.
pub fn description(direction: Direction) -> SessionDescription {
    let format = |payload_type: u8, encoding: &str| Format {
        token: payload_type.to_string(),
        payload_type: Some(payload_type),
        encoding: encoding.into(),
        clock_rate: 8_000,
        parameters: String::new(),
    };
    SessionDescription {
        origin: Origin { username: "-".into(), session_id: 1, version: 1, address: "192.0.2.7".into() },
        connection: Some("192.0.2.7".parse().expect("an address")),
        timing: Timing::default(),
        media: vec![MediaDescription {
            kind: MediaKind::Audio,
            port: 4_000,
            protocol: "RTP/AVP".into(),
            connection: None,
            rtcp_port: None,
            direction,
            ptime: None,
            maxptime: None,
            formats: vec![format(0, "PCMU"), format(101, "telephone-event")],
        }],
    }
}

/// An offer in which there is nothing for us.
pub fn video() -> SessionDescription {
    let mut offer = description(Direction::SendReceive);
    offer.media[0].kind = MediaKind::Other("video".into());
    offer
}

pub fn invite(leg: LegId, dialled: &str, offer: Option<SessionDescription>) -> Incoming {
    Incoming {
        leg,
        caller: Caller { number: PhoneNumber::new("+442079460123"), name: None },
        dialled: dialled.into(),
        offer,
        local: "192.0.2.1".parse().expect("an address"),
        source: "192.0.2.7:5060".parse().expect("an address"),
        transport: TransportKind::Udp,
        sip_call_id: format!("{leg}@192.0.2.7"),
        agent: None,
        trunk: None,
        replaces: None,
    }
}

/// The address by which phones reach us.
pub const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// The same of a telephone that is reached by IPv6.
pub fn description_v6(direction: Direction) -> SessionDescription {
    description(direction).reached_by("2001:db8::7".parse().expect("an address"))
}
