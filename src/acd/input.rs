//! What the distributor is told.

use std::sync::Arc;
use std::time::Duration;

use super::estimate::SpokenWait;
use super::ids::{AgentId, CallerLabel, EntryId, OfferId, Priority, QueueId};
use super::output::{Announcement, SpokenPlace};
use super::settings::Settings;
use super::skill::Wants;
use crate::clock::Moment;

/// What the distributor is told. What names nothing known, or comes out of place, changes nothing.
#[derive(Clone, Debug)]
pub enum Input {
    /// Somebody enters a queue.
    CallerEntered(Entering),
    /// Somebody has left, or is gone.
    CallerLeft {
        /// Who.
        entry: EntryId,
        /// How.
        why: Leaving,
    },
    /// A dropped caller, or one who waits to be called back, has dialled in again and is on the line.
    CallerResumed {
        /// Who.
        entry: EntryId,
    },
    /// The caller keeps the place and hangs up, to be called back.
    CallbackWanted {
        /// Who.
        entry: EntryId,
    },
    /// The caller has answered the attempt.
    CallbackAnswered {
        /// Who.
        entry: EntryId,
    },
    /// The attempt came to nothing.
    CallbackFailed {
        /// Who.
        entry: EntryId,
    },
    /// The caller cannot be called now, for reasons that are not theirs: it counts as no attempt.
    CallbackPostponed {
        /// Who.
        entry: EntryId,
        /// They are not called sooner than after this.
        wait: Duration,
    },
    /// Caller and agent hear each other: this, not the ring, is the answer.
    Bridged {
        /// Who.
        entry: EntryId,
    },
    /// The caller is in the menu of those who wait: nothing is announced, the place stays.
    MenuOpened {
        /// Who.
        entry: EntryId,
    },
    /// The caller hears music again.
    MenuClosed {
        /// Who.
        entry: EntryId,
    },
    /// The last announcement has been heard to its end, or was cut short.
    AnnouncementFinished {
        /// Who.
        entry: EntryId,
    },
    /// The agent has picked up.
    OfferAccepted {
        /// Which offer.
        offer: OfferId,
    },
    /// The agent will not answer.
    OfferRefused {
        /// Which offer.
        offer: OfferId,
        /// How.
        reason: Refused,
    },
    /// What an agent (or an operator for them) asks for.
    Agent {
        /// Who.
        agent: AgentId,
        /// What.
        command: AgentCommand,
    },
    /// The agent's telephone is registered and replies.
    AgentReachable {
        /// Who.
        agent: AgentId,
    },
    /// The agent's telephone has lost its registration or does not reply.
    AgentUnreachable {
        /// Who.
        agent: AgentId,
    },
    /// The agent's queue call is held, or goes on.
    AgentHolds {
        /// Who.
        agent: AgentId,
        /// Whether it is held.
        holding: bool,
    },
    /// The agent's leg of the queue call has ended, for whatever reason.
    AgentLegEnded {
        /// Who.
        agent: AgentId,
    },
    /// The agent is in a call that no queue gave (or rings for one).
    DirectCallBegan {
        /// Who.
        agent: AgentId,
    },
    /// One such call has ended.
    DirectCallEnded {
        /// Who.
        agent: AgentId,
    },
    /// Helpline tells the agent something by telephone, or has done so: nothing is offered to them meanwhile. Their state
    /// stays what it is.
    AgentListens {
        /// Who.
        agent: AgentId,
        /// Whether it has begun.
        listening: bool,
    },
    /// Queues and agents are set up anew. State and figures stay; what is gone drains.
    Reconfigured(Box<Settings>),
    /// The deadline has come.
    Expired,
}

/// Somebody who enters a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entering {
    /// A name that no entry had before.
    pub entry: EntryId,
    /// Where.
    pub queue: QueueId,
    /// How urgent.
    pub priority: Priority,
    /// What the agent must know.
    pub wants: Wants,
    /// The time of an earlier entry whose place is kept (overflow, transfer back); else now.
    pub place_time: Option<Moment>,
    /// Who.
    pub label: CallerLabel,
    /// They are not on the line, and are called back when it is their turn.
    pub callback: bool,
    /// What they were told in this queue before; nothing when they come from another.
    pub told: Told,
}

/// What a caller was told in a queue before they had this place in it: what is said next is no worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The least place.
    pub position: Option<u32>,
    /// The last wait, and when.
    pub wait: Option<(Moment, SpokenWait)>,
}

impl Told {
    /// They hear `words` at `now`.
    pub fn hear(&mut self, now: Moment, words: Announcement) {
        let position = match words.place {
            SpokenPlace::YouAreNext => Some(1),
            SpokenPlace::Number(number) => Some(u32::from(number)),
            SpokenPlace::MoreThanTen => Some(u32::MAX),
            SpokenPlace::Comfort => None,
        };
        self.position = self.position.into_iter().chain(position).min();
        self.wait = words.wait.map(|wait| (now, wait)).or(self.wait);
    }
}

/// How a caller leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// They hung up.
    Abandoned,
    /// They pressed a key to go elsewhere, or withdrew their callback.
    ByKey,
    /// The line was lost: the place is kept for a while.
    Dropped,
    /// It went wrong on our side.
    Failed,
}

/// How an agent did not answer an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// They pressed a key to refuse (603).
    Declined,
    /// They are in another call (486).
    Busy,
    /// It rang in vain.
    NoAnswer,
    /// Their telephone cannot be called.
    Failed,
    /// Nothing rang, or what rang was ended, for a fault on our side: no agent has missed anything.
    OurFault,
}

/// What an agent may ask for. In a call it takes effect when that ends; in a wrap-up at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentCommand {
    /// Be ready: log in, end a pause, end a wrap-up.
    Ready,
    /// No more calls until ready again.
    Pause(Arc<str>),
    /// The working day is over.
    LogOut,
    /// The wrap-up is over.
    EndWrapUp,
    /// The wrap-up takes so much longer.
    ExtendWrapUp(Duration),
}
