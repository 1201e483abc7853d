//! A caller's place in a queue as the call knows it, and the conversation that comes of it.

use std::sync::Arc;
use std::time::Duration;

use crate::acd::{AgentId, EntryId, Told};
use crate::clock::Moment;
use crate::flow::difference::Renamed;
use crate::journal::Parted;
use crate::telephony::{LegId, PlaybackId};

/// How a caller stands with queues and agents.
#[derive(Debug, Default)]
pub(super) enum Line {
    /// Not at all.
    #[default]
    None,
    /// They wait.
    Waiting(Waiting),
    /// They have dialled an agent, whose phone is this leg.
    Dialled(LegId),
    /// The flow passes them on: somebody's phone rings, and they hear `music` or something that is said.
    Sent {
        /// The other's leg.
        leg: LegId,
        /// Whether music plays.
        music: bool,
    },
    /// They talk to an agent.
    Talking(Box<Conversation>),
    /// Whoever talked to them has passed them on and is gone; they wait for the other.
    Passed(Box<Passed>),
}

/// A caller who is passed on to another agent, whose phone rings.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    /// The agent's leg.
    pub(super) target: LegId,
    /// Who passes them on, by extension.
    pub(super) by: Arc<str>,
    /// The place that they had in a queue, to have it again if nobody answers.
    pub(super) place: Option<Place>,
}

/// A place in a queue, and what is needed to have it again.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// As the distributor knows it.
    pub(super) entry: EntryId,
    /// The queue.
    pub(super) queue: Arc<str>,
    /// Its hold music.
    pub(super) music: Option<Arc<str>>,
    /// Whether all who wait hear the same moment of it.
    pub(super) together: bool,
    /// How agents' phones are told to ring.
    pub(super) alert_info: Option<Arc<str>>,
    /// What the agent must know.
    pub(super) skills: Vec<Arc<str>>,
    /// After so long any agent will do.
    pub(super) relax_after: Option<Duration>,
    /// For so long only this agent will do, by extension, if they are at work.
    pub(super) prefer: Option<Box<(Arc<str>, Duration)>>,
    /// How urgent.
    pub(super) priority: u8,
    /// The time of the place, where it is older than the entry.
    pub(super) since: Option<Moment>,
    /// What they were told in this queue.
    pub(super) told: Told,
    /// As long is the place kept for who leaves it by a key.
    pub(super) kept_for: Duration,
}

impl Place {
    /// The queue may have another name now.
    pub(super) fn rename(&mut self, renamed: &Renamed) {
        if let Some((_, new)) = renamed.queues.iter().find(|(old, _)| *old == self.queue) {
            self.queue = new.clone();
        }
    }
}

/// A place that a caller had in this call: the next queue gives them its time.
#[derive(Debug)]
pub(super) struct Kept {
    queue: Arc<str>,
    since: Moment,
    told: Told,
    /// When it is forgotten; `None`: never, since it was taken from them.
    until: Option<Moment>,
}

impl Kept {
    /// The place's time, and what was told in `queue`, for who enters that.
    pub(super) fn place(self, now: Moment, queue: &str) -> (Option<Moment>, Told) {
        if self.until.is_some_and(|until| until < now) {
            return (None, Told::default());
        }
        (Some(self.since), if *self.queue == *queue { self.told } else { Told::default() })
    }
}

/// A caller who waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) place: Place,
    /// The time of the place.
    since: Moment,
    /// The announcement that is being heard.
    pub(super) announcing: Option<PlaybackId>,
    /// Whether hold music plays.
    pub(super) music: bool,
}

impl Waiting {
    pub(super) fn new(now: Moment, place: Place) -> Waiting {
        Waiting { since: place.since.unwrap_or(now), place, announcing: None, music: false }
    }

    /// They have this place again, which they had before.
    pub(super) fn take_up(&mut self, entry: EntryId, since: Moment) {
        self.place.entry = entry;
        self.since = since;
    }

    /// What is kept when the place is taken from them, ...
    pub(super) fn kept(&self) -> Kept {
        Kept { queue: self.place.queue.clone(), since: self.since, told: self.place.told, until: None }
    }

    /// ... or when they leave it by a key at `now`.
    pub(super) fn kept_for_a_while(&self, now: Moment) -> Kept {
        Kept { until: Some(now + self.place.kept_for), ..self.kept() }
    }
}

/// A caller and an agent, from bridge to parting.
#[derive(Debug)]
pub(super) struct Conversation {
    /// The place that the caller had, where a queue brought them together.
    pub(super) place: Option<Place>,
    /// The agent's leg.
    pub(super) leg: LegId,
    /// The agent, as the distributor knows them, where the conversation is one that a queue gave.
    pub(super) agent: Option<AgentId>,
    /// Their extension.
    pub(super) extension: Arc<str>,
    /// With whom the record has the caller talk: the same, unless caller and agent were turned round meanwhile.
    recorded: Arc<str>,
    /// The leg that rings to take the agent's place.
    pub(super) target: Option<LegId>,
    caller_holds: bool,
    agent_holds: bool,
    since: Moment,
    talk: Duration,
    hold: Duration,
}

/// One side of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Caller,
    Agent,
}

impl Conversation {
    pub(super) fn new(
        now: Moment,
        place: Option<Place>,
        leg: LegId,
        agent: Option<AgentId>,
        extension: Arc<str>,
    ) -> Conversation {
        Conversation {
            place,
            leg,
            agent,
            recorded: extension.clone(),
            extension,
            target: None,
            caller_holds: false,
            agent_holds: false,
            since: now,
            talk: Duration::ZERO,
            hold: Duration::ZERO,
        }
    }

    /// Takes whether a side holds the other. Tells whether the conversation is held, when that is news.
    pub(super) fn follow(&mut self, now: Moment, side: Side, holds: bool) -> Option<bool> {
        let before = self.is_held();
        self.count(now);
        match side {
            Side::Caller => self.caller_holds = holds,
            Side::Agent => self.agent_holds = holds,
        }
        (before != self.is_held()).then(|| self.is_held())
    }

    /// It is over.
    pub(super) fn part(mut self, now: Moment, by: &'static str) -> Parted {
        self.count(now);
        let queue = self.place.map(|place| place.queue);
        Parted { agent: self.recorded, queue, talk: self.talk, hold: self.hold, by }
    }

    /// Who was called is the caller from now on, and the other side is the agent of this leg.
    pub(super) fn turn_round(&mut self, leg: LegId, extension: Arc<str>, agent: Option<AgentId>) {
        (self.leg, self.extension, self.agent, self.place) = (leg, extension, agent, None);
        std::mem::swap(&mut self.caller_holds, &mut self.agent_holds);
    }

    /// The hold music of the queue that brought them together, and whether all hear the same moment of it.
    pub(super) fn music(&self) -> (Option<Arc<str>>, bool) {
        self.place.as_ref().map_or((None, false), |place| (place.music.clone(), place.together))
    }

    /// Whether the agent's side holds the caller.
    pub(super) fn is_held_by_agent(&self) -> bool {
        self.agent_holds
    }

    /// Whether either side holds the other.
    pub(super) fn is_held(&self) -> bool {
        self.caller_holds || self.agent_holds
    }

    fn count(&mut self, now: Moment) {
        let part = now.since(self.since);
        if self.is_held() {
            self.hold += part;
        } else {
            self.talk += part;
        }
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn talk_and_hold_are_told_apart() {
        let seconds = |seconds: u64| Moment::from_millis(seconds * 1_000);
        let place = Place {
            entry: EntryId(1),
            queue: "support".into(),
            music: None,
            together: false,
            alert_info: None,
            skills: Vec::new(),
            relax_after: None,
            prefer: None,
            priority: 0,
            since: None,
            told: Told::default(),
            kept_for: Duration::ZERO,
        };
        let mut talk = Conversation::new(seconds(10), Some(place), LegId::outbound(1), Some(AgentId(1)), "1001".into());
        for (second, side, holds, news) in [
            (20, Side::Agent, true, Some(true)),
            (21, Side::Agent, true, None),
            (25, Side::Caller, true, None),
            (30, Side::Agent, false, None),
            (33, Side::Caller, false, Some(false)),
            (34, Side::Caller, false, None),
        ] {
            assert_eq!(talk.follow(seconds(second), side, holds), news, "at {second} s");
        }
        let parted = talk.part(seconds(40), "agent");
        assert_eq!((parted.talk, parted.hold), (Duration::from_secs(17), Duration::from_secs(13)));
    }
}
