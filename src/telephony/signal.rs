//! What the switchboard and `sip` say to each other.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::{Caller, Cause, Digit, LegId, Refusal, SessionDescription};

/// How signalling travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportKind {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

impl fmt::Display for TransportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TransportKind::Udp => "UDP",
            TransportKind::Tcp => "TCP",
        })
    }
}

/// A new call: an INVITE that passed every check of RFC 3261 section 8.2 and was told 100 Trying where that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// The leg.
    pub leg: LegId,
    /// Who calls.
    pub caller: Caller,
    /// The user part of the Request-URI, percent-decoded: the number that was dialled.
    pub dialled: String,
    /// The offer; `None` when the INVITE had none, and then the 200 carries ours.
    pub offer: Option<SessionDescription>,
    /// The address by which the caller's side reaches us: for the SDP.
    pub local: IpAddr,
    /// Where the INVITE came from.
    pub source: SocketAddr,
    /// What it came by.
    pub transport: TransportKind,
    /// The Call-ID, to find the call in a capture.
    pub sip_call_id: String,
}

/// What `sip` tells the switchboard.
#[derive(Clone, Debug, PartialEq)]
pub enum SipEvent {
    /// Somebody calls; answer with `Ring`, `Answer`, `Reject` or `HangUp`.
    Incoming(Box<Incoming>),
    /// Our answer was acknowledged. `answer` is the ACK's (or the PRACK's), when the description was ours to offer. Told
    /// again for a later exchange only where that began with our offer: the answer to an `Offered` without one, or to
    /// our own re-INVITE that refreshed the session.
    Confirmed {
        /// The leg.
        leg: LegId,
        /// The other side's answer.
        answer: Option<SessionDescription>,
    },
    /// A re-INVITE or an UPDATE that wants a description; reply with `AcceptChange` or `RefuseChange`. Without an offer
    /// it wants one of ours, and its answer comes as `Confirmed`.
    Offered {
        /// The leg.
        leg: LegId,
        /// The offer.
        offer: Option<SessionDescription>,
    },
    /// A key by SIP INFO.
    Digit {
        /// The leg.
        leg: LegId,
        /// The key.
        digit: Digit,
    },
    /// The party that we dialled rings.
    Ringing {
        /// The leg.
        leg: LegId,
        /// Early media, when the 18x had a description.
        early: Option<SessionDescription>,
    },
    /// The party that we dialled answered (200, and ACKed by `sip`).
    Answered {
        /// The leg.
        leg: LegId,
        /// Its answer to our offer.
        answer: SessionDescription,
    },
    /// The leg is over, in whatever way; nothing more comes of it.
    Ended {
        /// The leg.
        leg: LegId,
        /// Why.
        cause: Cause,
    },
    /// What `sip` did since its last tally; about once a second.
    Tally(SipTally),
}

/// Counts of `sip` since its last tally.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SipTally {
    /// Requests by method and by the final status that they were given (or 0 for ACK, which is given none).
    pub requests: BTreeMap<(&'static str, u16), u64>,
    /// What was dropped or refused before it became a request of anyone's, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Retransmissions that we sent.
    pub retransmissions: u64,
}

/// What the switchboard asks of `sip`. Every command is right in every state of the leg's dialog; one that names a leg
/// that is gone does nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum SipCommand {
    /// 180 Ringing.
    Ring {
        /// The leg.
        leg: LegId,
    },
    /// 200 OK with our description: the answer, or the offer where the INVITE had none.
    Answer {
        /// The leg.
        leg: LegId,
        /// Our description.
        description: SessionDescription,
    },
    /// A final response that refuses; `Ended` with `Cause::Refused` follows.
    Reject {
        /// The leg.
        leg: LegId,
        /// The response.
        refusal: Refusal,
    },
    /// 200 OK to the re-INVITE or UPDATE of an `Offered`.
    AcceptChange {
        /// The leg.
        leg: LegId,
        /// Our description.
        description: SessionDescription,
    },
    /// A refusal of the re-INVITE or UPDATE of an `Offered`: all stays as it was.
    RefuseChange {
        /// The leg.
        leg: LegId,
        /// The response.
        refusal: Refusal,
    },
    /// End the leg: BYE, CANCEL or a final response, as its state wants. `Ended` follows.
    HangUp {
        /// The leg.
        leg: LegId,
        /// Why, as `Ended` will repeat it.
        cause: Cause,
    },
    /// Dial a SIP address with our offer.
    Dial {
        /// The leg, of the outbound half.
        leg: LegId,
        /// The Request-URI, such as `sip:1001@192.0.2.7;transport=tcp`.
        uri: String,
        /// Who calls, for From.
        caller: Caller,
        /// Our offer.
        offer: SessionDescription,
    },
    /// Tell the other side of a key by INFO (`application/dtmf-relay`); nothing while the call does not stand.
    SendDigit {
        /// The leg.
        leg: LegId,
        /// The key.
        digit: Digit,
    },
    /// From now on answer every new call with 503 and Retry-After.
    Drain,
}
