//! Messages that callers leave, and calls that are recorded: the steps as they were read.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::{FlowSet, Speech, StepKind, Target};
use crate::telephony::Sides;

/// A step in which the caller leaves a message.
#[derive(Clone, Debug)]
pub struct Voicemail {
    /// The mailbox: a queue's name, or an agent's extension.
    pub mailbox: Arc<str>,
    /// What is said before the tone; else the phrase `voicemail/greeting`.
    pub greeting: Option<Speech>,
    /// A message ends when it is so long.
    pub longest: Duration,
    /// What is shorter is no message.
    pub shortest: Duration,
    /// A message ends when nothing was said for so long.
    pub silence: Duration,
    /// The caller may hear the message, and leave another in its place.
    pub review: bool,
    /// To whom it is mailed.
    pub mail: Vec<Arc<str>>,
    /// Where callers go whose message cannot be kept.
    pub failed: Option<Target>,
}

impl Voicemail {
    /// How long a message is at most, where the flow does not say.
    pub const LONGEST: Duration = Duration::from_secs(180);
    /// How long it is at least.
    pub const SHORTEST: Duration = Duration::from_secs(3);
    /// After how much silence it ends.
    pub const SILENCE: Duration = Duration::from_secs(10);
    /// Addresses to which one message is mailed.
    pub const MOST_MAIL: usize = 10;
}

/// A step that begins or ends the recording of the call.
#[derive(Clone, Debug)]
pub enum Record {
    /// Record, if the caller agrees.
    Start {
        /// How they are asked.
        consent: Consent,
        /// What they are told or asked; else the phrase `record/announce` or `record/ask`.
        prompt: Option<Speech>,
        /// How both sides are on the recording.
        sides: Sides,
        /// Where callers go who do not agree; without it, the step's `next`.
        refused: Option<Target>,
    },
    /// Record no more.
    Stop,
    /// Silence on the recording from now on.
    Pause,
    /// No silence any more.
    Resume,
}

/// How a caller agrees to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consent {
    /// They press 1.
    Ask,
    /// They have heard that they are recorded, and stay.
    Announce,
}

impl FlowSet {
    /// The zone in which the messages of a mailbox are left: that of the first flow that takes some for it.
    pub fn zone_of_mailbox(&self, mailbox: &str) -> TimeZone {
        let takes = |kind: &StepKind| matches!(kind, StepKind::Voicemail(voicemail) if &*voicemail.mailbox == mailbox);
        let taker = self.flows.iter().find(|flow| flow.steps.iter().any(|step| takes(&step.kind)));
        taker.or(self.flows.first()).map_or(TimeZone::UTC, |flow| flow.time_zone.clone())
    }

    /// The extensions of those who hear the messages of a mailbox.
    pub fn listeners(&self, mailbox: &str) -> Vec<&Arc<str>> {
        if let Some(queue) = self.queues.iter().find(|queue| &*queue.name == mailbox) {
            return queue.agents.iter().map(|(extension, _)| extension).collect();
        }
        self.agents.iter().map(|agent| &agent.extension).filter(|extension| &***extension == mailbox).collect()
    }

    /// The mailboxes whose messages an agent hears: their own first, and then those of their queues.
    pub fn mailboxes_of(&self, extension: &str) -> Vec<Arc<str>> {
        let own = self.agents.iter().map(|agent| &agent.extension).filter(|own| &***own == extension);
        let serves = |queue: &&super::QueueSpec| queue.agents.iter().any(|(agent, _)| &**agent == extension);
        own.chain(self.queues.iter().filter(serves).map(|queue| &queue.name)).cloned().collect()
    }
}
