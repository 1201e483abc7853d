//! What one part of the switchboard asks of another while an input is taken: nobody reaches into a neighbour, and all
//! errands are done before the next input.

use std::sync::Arc;

use super::callback::Asked;
use super::sent::Sending;
use super::waiting::Place;
use crate::acd::{self, EntryId};
use crate::flow::Untransferred;
use crate::telephony::{CallId, Cause, Clip, Digit, LegId};

/// What one part asks of another.
#[derive(Debug)]
pub(super) enum Errand {
    /// The flow has led a caller into a queue, or they are there again.
    Enter {
        /// Who.
        call: CallId,
        /// Where, and with what.
        place: Place,
    },
    /// For the distributor.
    Distribute(acd::Input),
    /// A waiting caller hangs up, and is called back from their place.
    KeepPlace {
        /// Who.
        call: CallId,
        /// With what.
        asked: Box<Asked>,
    },
    /// A caller who goes on in the flow takes a place, to be called back; their session awaits whether there is one.
    Book {
        /// Who.
        call: CallId,
        /// With what.
        asked: Box<Asked>,
    },
    /// Whom we called back has answered.
    Reached {
        /// The call that we made.
        call: CallId,
        /// Whose it is.
        entry: EntryId,
    },
    /// And whom not.
    NotReached {
        /// The call that we made.
        call: CallId,
        /// Why.
        cause: Cause,
    },
    /// An agent's phone has answered: is the caller still there?
    PickedUp {
        /// The agent's leg.
        leg: LegId,
    },
    /// The phone rings that a call has dialled, or to which it is passed on.
    Rings {
        /// Whose call.
        call: CallId,
        /// The agent's leg.
        leg: LegId,
    },
    /// It will not be answered.
    RingFailed {
        /// Whose call.
        call: CallId,
        /// The agent's leg.
        leg: LegId,
        /// What those are told who wait for it: 400 to 699.
        status: u16,
    },
    /// The flow passes a caller on to somebody whom no queue gave.
    Send {
        /// Who.
        call: CallId,
        /// To whom.
        sending: Box<Sending>,
    },
    /// And they will not be joined.
    NotSent {
        /// Whose call.
        call: CallId,
        /// The other's leg.
        leg: LegId,
        /// Why.
        why: Untransferred,
    },
    /// Whoever a flow has rung has heard what was to be said, or wants to hear no more: they are to be joined.
    Announced {
        /// Their leg.
        leg: LegId,
    },
    /// An agent has heard about the caller, or wants to hear no more: they are to be joined.
    Whispered {
        /// The agent's leg.
        leg: LegId,
    },
    /// The caller is in the conversation no more: the agent's leg is to end.
    Release {
        /// The agent's leg.
        leg: LegId,
    },
    /// The agent is in the conversation no more.
    AgentLeft {
        /// Whose conversation.
        call: CallId,
        /// The agent's leg.
        leg: LegId,
        /// The line was lost, and the caller is to wait again.
        broken: bool,
    },
    /// The agent's side put the conversation on hold, or is back.
    AgentHolds {
        /// Whose conversation.
        call: CallId,
        /// The agent's leg.
        leg: LegId,
        /// Whether it is held.
        holding: bool,
    },
    /// The caller pressed a key otherwise than in the audio: the agent's side is to hear of it.
    KeyForAgent {
        /// The agent's leg.
        leg: LegId,
        /// The key.
        digit: Digit,
    },
    /// The caller's side put the conversation on hold, or is back: the agent hears these, round and round, or the caller.
    CallerHolds {
        /// The agent's leg.
        leg: LegId,
        /// Nothing when the caller is back.
        music: Option<Vec<Arc<Clip>>>,
    },
}
