//! One leg: a dialog, what it is doing, and what it waits for.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::sip::dialog::{Dialog, Target};
use crate::sip::message::{NameAddr, Request};
use crate::sip::peer::Peer;
use crate::sip::transaction::{ClientId, ServerId, earlier};
use crate::sip::trunk::TrunkId;
use crate::telephony::{CallHeaders, Cause, LegId, SessionDescription};

use super::session_timer::{Granted, Session};
use super::transfer::Transferring;

/// A leg of the switchboard's, or what is left of one that was ended and still has to say goodbye.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) dialog: Dialog,
    pub(super) state: State,
    pub(super) session: Option<Session>,
    /// What the other side wants to change.
    pub(super) change: Option<Box<Change>>,
    /// Our refresh, while it is under way.
    pub(super) refresh: Option<ClientId>,
    /// Where the other side wants to go.
    pub(super) transfer: Option<Box<Transferring>>,
    /// The trunk that it was dialled by, which may ask who we are.
    pub(super) trunk: Option<TrunkId>,
    /// Whether the other side takes UPDATE.
    pub(super) takes_update: bool,
    /// Our description as it was last sent.
    pub(super) described: String,
    pub(super) due: Option<Moment>,
    /// Where a call came from that nobody has vouched for, and whether it is counted as a newcomer there.
    pub(super) stranger: Option<IpAddr>,
    pub(super) counted: bool,
}

#[derive(Debug)]
pub(super) enum State {
    /// An INVITE has come and is not answered yet.
    Early(Box<Early>),
    /// Our INVITE has no final response yet.
    Dialling(Box<Dialling>),
    /// The call stands. While our 200 is not acknowledged it is repeated.
    Confirmed(Option<Box<Unacknowledged>>),
    /// The switchboard knows that it is over.
    Closing(Closing),
}

/// An INVITE that waits for the switchboard.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) id: ServerId,
    pub(super) request: Request,
    /// When 100 Trying is due, unless something else is said before (RFC 3261 section 17.2.1).
    pub(super) trying: Option<Moment>,
    /// The INVITE had no offer.
    pub(super) offerless: bool,
    pub(super) reliability: Reliability,
    /// The switchboard has answered, and a PRACK is awaited.
    pub(super) pending: bool,
    /// The answer that a PRACK gave to the offer of our reliable 180.
    pub(super) answer: Option<SessionDescription>,
    pub(super) granted: Option<Granted>,
}

/// Whether provisional responses are reliable (RFC 3262).
#[derive(Debug)]
pub(super) enum Reliability {
    /// The caller did not require it; true once a 180 was sent.
    Plain { rung: bool },
    /// The caller requires it, and none was sent yet.
    Required,
    /// One was sent and no PRACK has come.
    Unacknowledged {
        rseq: u32,
        /// It carries our offer, and the PRACK must carry the answer.
        offered: bool,
        bytes: Arc<[u8]>,
        peer: Peer,
        resend: (Moment, Duration),
        until: Moment,
    },
    /// A PRACK has come; true when our offer went with it, so that the 200 has none.
    Acknowledged { offered: bool },
}

/// INVITEs of ours without final response.
#[derive(Debug)]
pub(super) struct Dialling {
    /// Those that are under way: one, or one for each phone of an agent. Never empty.
    pub(super) branches: Vec<Branch>,
    /// Whom to dial when all of these have failed, the last first.
    pub(super) later: Vec<Vec<Target>>,
    /// Who dials, with our tag.
    pub(super) sender: NameAddr,
    /// Our offer; its addresses are those by which the one who is dialled reaches us.
    pub(super) offer: SessionDescription,
    pub(super) headers: CallHeaders,
    pub(super) rang: bool,
    /// The description of a provisional response, in case the 200 of the same branch has none.
    pub(super) early: Option<(ClientId, SessionDescription)>,
    /// The most telling of the failures so far.
    pub(super) failure: Option<Cause>,
}

/// One INVITE of a `Dial`.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) id: ClientId,
    pub(super) dialog: Dialog,
    /// How many times the session interval was too small.
    pub(super) retries: u8,
}

/// A 200 to INVITE that is repeated until its ACK (RFC 3261 section 13.3.1.4).
#[derive(Debug)]
pub(super) struct Unacknowledged {
    pub(super) bytes: Arc<[u8]>,
    pub(super) peer: Peer,
    pub(super) cseq: u32,
    pub(super) resend: (Moment, Duration),
    pub(super) until: Moment,
    /// It carries our offer.
    pub(super) offered: bool,
    /// It answers the first INVITE of the dialog.
    pub(super) initial: bool,
    /// The answer that a PRACK gave before.
    pub(super) answer: Option<SessionDescription>,
}

/// What an ended leg still has to do.
#[derive(Debug)]
pub(super) enum Closing {
    /// To say BYE, which may not be before the ACK (RFC 3261 section 15).
    AwaitAck(Box<Unacknowledged>),
    /// To hear the answer to its BYE.
    Bye,
    /// To hear the end of its INVITEs, which are cancelled as soon as a provisional response allows it.
    Dialling(Box<Dialling>),
}

/// A re-INVITE or UPDATE that waits for the switchboard.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) id: ServerId,
    pub(super) request: Request,
    pub(super) invite: bool,
    /// It had no offer and wants ours.
    pub(super) offerless: bool,
    pub(super) trying: Option<Moment>,
    /// When we give the switchboard up.
    pub(super) until: Moment,
    pub(super) granted: Option<Granted>,
}

impl Leg {
    pub(super) fn new(dialog: Dialog, state: State) -> Leg {
        Leg {
            dialog,
            state,
            session: None,
            change: None,
            refresh: None,
            transfer: None,
            trunk: None,
            takes_update: false,
            described: String::new(),
            due: None,
            stranger: None,
            counted: false,
        }
    }

    /// Whether it holds a place among the calls without having shown that anybody is there: not answered, or answered
    /// and not acknowledged.
    pub(super) fn is_newcomer(&self) -> bool {
        let awaits_ack = |sent: &Option<Box<Unacknowledged>>| sent.as_ref().is_some_and(|sent| sent.initial);
        match &self.state {
            State::Early(_) => true,
            State::Confirmed(sent) => awaits_ack(sent),
            State::Dialling(_) | State::Closing(_) => false,
        }
    }

    /// Whether the switchboard still counts on it.
    pub(super) fn is_live(&self) -> bool {
        !matches!(self.state, State::Closing(_))
    }

    /// Its earliest deadline.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let of_state = match &self.state {
            State::Early(early) => match &early.reliability {
                Reliability::Unacknowledged { resend, until, .. } => earlier(early.trying, Some(resend.0.min(*until))),
                _ => early.trying,
            },
            State::Confirmed(Some(unacknowledged)) | State::Closing(Closing::AwaitAck(unacknowledged)) => {
                Some(unacknowledged.resend.0.min(unacknowledged.until))
            }
            State::Dialling(_) | State::Confirmed(None) | State::Closing(_) => None,
        };
        let of_change = self.change.as_ref().and_then(|change| earlier(change.trying, Some(change.until)));
        let of_session = self.session.as_ref().filter(|_| self.is_live()).map(|session| session.next);
        let of_transfer = self.transfer.as_ref().map(|transfer| transfer.until);
        earlier(earlier(of_state, of_transfer), earlier(of_change, of_session))
    }
}

/// The leg that a tag of ours names: it begins with the leg's own name.
pub(super) fn leg_of_tag(tag: &str) -> Option<LegId> {
    let (name, _) = tag.split_once('-')?;
    if let Some(count) = name.strip_prefix("in") {
        count.parse().ok().map(LegId::inbound)
    } else {
        name.strip_prefix("out")?.parse().ok().map(LegId::outbound)
    }
}

/// A tag for a leg: its name, so that it is found at once, and 64 bits that nobody can guess.
pub(super) fn tag_of_leg(leg: LegId, rng: &mut fastrand::Rng) -> String {
    format!("{leg}-{:016x}", rng.u64(..))
}
