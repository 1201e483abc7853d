//! What the switchboard and `sip` say to each other.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::{
    AgentAccount, CallHeaders, Caller, Cause, Digit, LegId, PhoneNumber, Refusal, RegisteredPhone, SessionDescription,
    Trunk, Unreachable,
};

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
    /// The extension of the agent who calls, proven by digest; `None` for everybody else, whatever From says. Only who
    /// is an agent may be let dial anything but the flows' numbers.
    pub agent: Option<String>,
    /// The trunk whose networks it came from, if any.
    pub trunk: Option<Arc<str>>,
    /// The leg whose place the caller wants to take (Replaces, RFC 3891): answer, join the caller to whom that leg was
    /// joined to, and hang that leg up.
    pub replaces: Option<LegId>,
}

/// Where a party wants its call to go (REFER, RFC 3515).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The user part of Refer-To, percent-decoded: the extension or the number. Never dial it without asking the
    /// allow-list of those who may transfer.
    pub target: String,
    /// The whole URI of Refer-To, to be logged.
    pub uri: String,
    /// An attended transfer: the other of the party's legs, to whose far end the call is to be joined. One that names a
    /// call that is not ours is refused before it is told.
    pub replaces: Option<LegId>,
    /// The user part of Referred-By (RFC 3892), as the party says.
    pub referred_by: Option<String>,
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
        /// The address by which it reaches us: for all further descriptions.
        local: IpAddr,
    },
    /// The leg is over, in whatever way; nothing more comes of it.
    Ended {
        /// The leg.
        leg: LegId,
        /// Why.
        cause: Cause,
    },
    /// A party wants its call to go elsewhere. Say how that goes by `TransferProgress`: the first such command accepts
    /// the transfer, unless it refuses it.
    TransferAsked {
        /// The party's leg.
        leg: LegId,
        /// Where to.
        transfer: Transfer,
    },
    /// An agent has a phone that can be called.
    AgentReachable {
        /// The agent's extension.
        extension: String,
    },
    /// An agent has no phone any more that can be called.
    AgentUnreachable {
        /// The agent's extension.
        extension: String,
        /// Why the last phone fell away.
        why: Unreachable,
    },
    /// These are an agent's phones from now on: to be kept, and given back by `RestorePhones` to the process that follows.
    PhonesRegistered {
        /// The agent's extension.
        extension: String,
        /// All of them; none when the last is gone.
        phones: Vec<RegisteredPhone>,
    },
    /// A trunk takes calls: it has registered us, or answers OPTIONS where there is nothing to register.
    TrunkUp {
        /// Its name.
        trunk: Arc<str>,
    },
    /// A trunk takes no calls any more, or has not from the beginning.
    TrunkDown {
        /// Its name.
        trunk: Arc<str>,
        /// Why.
        why: TrunkDown,
    },
    /// What `sip` did since its last tally; about once a second.
    Tally(SipTally),
}

/// Why a trunk takes no calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrunkDown {
    /// Its host's name has no address that we could find.
    NotFound,
    /// It does not answer.
    Silent,
    /// It does not take our name and password.
    Unauthorized,
    /// It refused with this status.
    Refused(u16),
}

impl fmt::Display for TrunkDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrunkDown::NotFound => f.write_str("its host has no address"),
            TrunkDown::Silent => f.write_str("it does not answer"),
            TrunkDown::Unauthorized => f.write_str("it does not take our name and password"),
            TrunkDown::Refused(status) => write!(f, "it answered {status}"),
        }
    }
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

/// What the switchboard asks of `sip`. A description with the unspecified address (0.0.0.0) is given that of ours by which the
/// other side is reached. Every command is right in every state of the leg's dialog; one that names a leg
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
        /// Our offer. The addresses in it are those by which the party reaches us, which only `sip` knows: it puts them in.
        offer: SessionDescription,
    },
    /// Tell the other side of a key by INFO (`application/dtmf-relay`); nothing while the call does not stand.
    SendDigit {
        /// The leg.
        leg: LegId,
        /// The key.
        digit: Digit,
    },
    /// Dial an agent's phones, all at once or the preferred ones first (Contact's q), until one answers: the others are
    /// cancelled. `Ended` with 480 follows at once when there is none.
    DialAgent {
        /// The leg, of the outbound half.
        leg: LegId,
        /// Whose phones.
        extension: String,
        /// Who calls, for From.
        caller: Caller,
        /// Our offer. The addresses in it are those by which the party reaches us, which only `sip` knows: it puts them in.
        offer: SessionDescription,
        /// What the phone is to show.
        headers: CallHeaders,
    },
    /// How the transfer goes that this leg's party asked for, as the status that the new call has: 1xx while it is on its
    /// way, 2xx when it stands (and then hang up this leg), 300 and above when it failed. The first one answers the
    /// REFER: 202, or the failure itself.
    TransferProgress {
        /// The party's leg.
        leg: LegId,
        /// 100 to 699.
        status: u16,
    },
    /// These are the agents from now on. Who is missing loses the registration; all others keep theirs.
    SetAgents(Vec<AgentAccount>),
    /// These phones had registered with an earlier process, each with its agent's extension: at the beginning, after
    /// `SetAgents`. They are called as if they had registered now, and asked at once whether they are there. Left out are
    /// those whose time is over, and those to which no way leads: their stream died with the process and their Contact
    /// cannot be reached, or nobody listens any more where they registered.
    RestorePhones(Vec<(String, RegisteredPhone)>),
    /// Dial a number by a trunk, which answers for it when it is asked who calls (401, 407). A number that the trunk may
    /// not dial, and a trunk that is not there, are `Ended` with 403 at once.
    DialTrunk {
        /// The leg, of the outbound half.
        leg: LegId,
        /// The trunk's name.
        trunk: Arc<str>,
        /// Whom.
        number: PhoneNumber,
        /// Who calls, for From: the number that they may call back.
        caller: Caller,
        /// Our offer. The addresses in it are those by which the party reaches us, which only `sip` knows: it puts them in.
        offer: SessionDescription,
    },
    /// These are the trunks from now on. One that is the same as before keeps its registration.
    SetTrunks(Vec<Trunk>),
    /// So many messages wait for an agent from now on: the phones that have asked are told (RFC 3842).
    SetMessages {
        /// Whom.
        extension: String,
        /// Those that nobody has heard.
        new: u32,
        /// The others.
        old: u32,
    },
    /// From now on answer every new call with 503 and Retry-After.
    Drain,
}
