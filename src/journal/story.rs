//! A call's whole story: its entries in their order, as many as are kept, and how the call stands after the last of them.
//! Stories of calls that have ended are remembered for a while.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::{Dialled, JournalEntry, JournalEvent, Offered, QueueEvent, StepName, TapeEvent};
use crate::clock::Moment;
use crate::telephony::{CallId, Caller, Codec, TapeKind};

/// As many events from a call's beginning are kept, ...
pub const STORY_FIRST_MAX: usize = 300;
/// ... and as many from its end; what lies between is only counted.
pub const STORY_LAST_MAX: usize = 100;
/// As many stories of calls that have ended are remembered, ...
pub const STORIES_ENDED_MAX: usize = 1_000;
/// ... as long as together they take no more than about so many octets.
pub const STORIES_ENDED_OCTETS_MAX: usize = 8 * 1024 * 1024;

/// Most calls have no more events than this.
const EVENTS_USUAL: usize = 24;

/// How a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallState {
    /// It was answered, and the caller's side has not acknowledged it; or the phone rings of an agent who was dialled or
    /// to whom the caller is passed on, or of who is called back.
    Ringing,
    /// The caller walks the flow.
    InFlow,
    /// The caller waits in a queue.
    Waiting,
    /// Caller and agent hear each other.
    Talking,
    /// Either of them holds the other.
    Holding,
    /// The last word is on its way, or the leg is being ended.
    Ending,
    /// It is over.
    Ended,
}

impl CallState {
    /// All of them.
    pub const ALL: [CallState; 7] = [
        CallState::Ringing,
        CallState::InFlow,
        CallState::Waiting,
        CallState::Talking,
        CallState::Holding,
        CallState::Ending,
        CallState::Ended,
    ];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            CallState::Ringing => "ringing",
            CallState::InFlow => "in_flow",
            CallState::Waiting => "waiting",
            CallState::Talking => "talking",
            CallState::Holding => "holding",
            CallState::Ending => "ending",
            CallState::Ended => "ended",
        }
    }
}

/// How a call came to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// Somebody called.
    Offered(Box<Offered>),
    /// Helpline called somebody.
    Dialled(Box<Dialled>),
}

impl Origin {
    /// Who is on the line besides us.
    pub fn caller(&self) -> &Caller {
        match self {
            Origin::Offered(offered) => &offered.caller,
            Origin::Dialled(dialled) => &dialled.party,
        }
    }

    /// The number that they dialled, now or before they were called back.
    pub fn dialled(&self) -> &str {
        match self {
            Origin::Offered(offered) => &offered.dialled,
            Origin::Dialled(dialled) => &dialled.shown,
        }
    }

    /// The call that came in, when it did.
    pub fn offered(&self) -> Option<&Offered> {
        match self {
            Origin::Offered(offered) => Some(offered),
            Origin::Dialled(_) => None,
        }
    }

    /// The call that went out, when it did.
    pub fn outbound(&self) -> Option<&Dialled> {
        match self {
            Origin::Offered(_) => None,
            Origin::Dialled(dialled) => Some(dialled),
        }
    }
}

/// Something that happened in a call.
#[derive(Clone, Debug, PartialEq)]
pub struct StoryEvent {
    /// When.
    pub at: Moment,
    /// What.
    pub event: JournalEvent,
}

/// All that happened in one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// Which call.
    pub call: CallId,
    /// How it came to be; that is the first event, too.
    pub origin: Origin,
    /// When the call began.
    pub began: Moment,
    /// How it stands ...
    pub state: CallState,
    /// ... since when.
    pub since: Moment,
    /// The step in which the caller is.
    pub step: Option<StepName>,
    /// The queue in which the caller waits or from which they were answered.
    pub queue: Option<Arc<str>>,
    /// The agent whom the caller talks to.
    pub agent: Option<Arc<str>>,
    /// The agent whose phone rings for the caller; where several do, the one that was the last to begin.
    pub rings: Option<Arc<str>>,
    /// The recording of the call, by its name, while there is one, and whether it is paused.
    pub recording: Option<(Arc<str>, bool)>,
    /// What the caller hears.
    pub codec: Option<Codec>,
    /// Events that were too many to be kept, between the first and the last ones.
    pub left_out: u64,
    first: Vec<StoryEvent>,
    last: VecDeque<StoryEvent>,
    answered: bool,
    joined: bool,
    caller_holds: bool,
    agent_holds: bool,
}

impl Story {
    fn new(call: CallId, at: Moment, origin: Origin) -> Story {
        Story {
            call,
            origin,
            began: at,
            state: CallState::Ringing,
            since: at,
            step: None,
            queue: None,
            agent: None,
            rings: None,
            recording: None,
            codec: None,
            left_out: 0,
            first: Vec::with_capacity(EVENTS_USUAL),
            last: VecDeque::new(),
            answered: false,
            joined: false,
            caller_holds: false,
            agent_holds: false,
        }
    }

    /// The events from the first, without that of the call itself, which [`Story::origin`] tells.
    pub fn events(&self) -> impl Iterator<Item = &StoryEvent> {
        self.first.iter().chain(&self.last)
    }

    /// As many of [`Story::events`] come before those that were left out.
    pub fn before_gap(&self) -> usize {
        self.first.len()
    }

    /// About as many octets the story takes.
    fn octets(&self) -> usize {
        let is_boxed = |event: &JournalEvent| {
            matches!(event, JournalEvent::Queue(_) | JournalEvent::LookedUp(_) | JournalEvent::Survey(_))
        };
        let boxed = self.events().filter(|event| is_boxed(&event.event)).count();
        size_of::<Story>()
            + size_of::<Offered>()
            + (self.first.capacity() + self.last.capacity()) * size_of::<StoryEvent>()
            + boxed * size_of::<QueueEvent>()
    }

    fn take(&mut self, at: Moment, event: JournalEvent) {
        self.follow(at, &event);
        let event = StoryEvent { at, event };
        if self.first.len() < STORY_FIRST_MAX {
            return self.first.push(event);
        }
        if self.last.len() == STORY_LAST_MAX {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(event);
    }

    fn follow(&mut self, at: Moment, event: &JournalEvent) {
        match event {
            JournalEvent::Answered { codec, .. } => {
                self.answered = true;
                self.codec = *codec;
            }
            JournalEvent::AudioChanged { codec } => self.codec = Some(*codec),
            JournalEvent::Began => {
                // Whom we called has answered, and no more is told of that.
                self.answered = true;
                self.stand(at, CallState::InFlow);
            }
            JournalEvent::StepEntered(step) => self.step = Some(step.clone()),
            JournalEvent::StepLeft { .. } => self.step = None,
            JournalEvent::Held => self.held(at, Some(true), None),
            JournalEvent::Resumed => self.held(at, Some(false), None),
            JournalEvent::AgentHeld { holding } => self.held(at, None, Some(*holding)),
            JournalEvent::Queue(event) => self.follow_queue(at, event),
            JournalEvent::Tape(event) => self.follow_tape(event),
            JournalEvent::Joined(joined) => {
                self.joined = true;
                self.agent = Some(joined.agent.clone());
                self.queue = joined.queue.clone();
                self.rings = None;
                self.held(at, None, Some(false));
            }
            JournalEvent::Parted(_) => {
                self.joined = false;
                (self.agent, self.queue) = (None, None);
                // Who is passed on may hear another phone ring.
                self.stand(at, if self.rings.is_some() { CallState::Ringing } else { CallState::InFlow });
            }
            JournalEvent::Dialling { agent } => {
                self.rings = Some(agent.clone());
                if !self.joined {
                    self.stand(at, CallState::Ringing);
                }
            }
            JournalEvent::NotReached { .. } => {
                self.rings = None;
                if !self.joined {
                    // Who dialled the agent has nothing else to go on with.
                    self.stand(at, if self.answered { CallState::InFlow } else { CallState::Ending });
                }
            }
            JournalEvent::FlowEnded | JournalEvent::HungUp { .. } => {
                (self.queue, self.agent, self.rings) = (None, None, None);
                self.stand(at, CallState::Ending);
            }
            JournalEvent::Ended(_) => {
                (self.step, self.queue, self.agent, self.rings) = (None, None, None, None);
                self.stand(at, CallState::Ended);
            }
            _ => {}
        }
    }

    fn follow_tape(&mut self, event: &TapeEvent) {
        match event {
            TapeEvent::RecordingBegan { name } => self.recording = Some((name.as_str().into(), false)),
            TapeEvent::RecordingPaused { paused, .. } => {
                if let Some((_, is_paused)) = &mut self.recording {
                    *is_paused = *paused;
                }
            }
            TapeEvent::RecordingEnded { name, .. } => {
                self.recording.take_if(|(recording, _)| **recording == **name);
            }
            TapeEvent::Failed { kind: TapeKind::Conversation, running: true, .. } => self.recording = None,
            _ => {}
        }
    }

    fn follow_queue(&mut self, at: Moment, event: &QueueEvent) {
        match event {
            QueueEvent::Entered { queue, .. } | QueueEvent::PlaceTaken { queue } => {
                self.queue = Some(queue.clone());
                self.stand(at, CallState::Waiting);
            }
            QueueEvent::CameBack | QueueEvent::CalledBack { answered: true, .. } => self.stand(at, CallState::Waiting),
            QueueEvent::CallbackWanted if self.state == CallState::Waiting => {
                (self.queue, self.rings) = (None, None);
                self.stand(at, CallState::InFlow);
            }
            // Their line is lost: this call has nothing before it but its end.
            QueueEvent::Dropped => self.stand(at, CallState::Ending),
            QueueEvent::Left { queue, .. } => {
                self.rings = None;
                if !self.joined && self.queue.as_ref().is_none_or(|entered| entered == queue) {
                    self.queue = None;
                    self.stand(at, CallState::InFlow);
                }
            }
            QueueEvent::Offered { agent, .. } => self.rings = Some(agent.clone()),
            QueueEvent::OfferEnded { agent, .. } if self.rings.as_ref() == Some(agent) => self.rings = None,
            _ => {}
        }
    }

    /// Takes who of both holds the other.
    fn held(&mut self, at: Moment, caller: Option<bool>, agent: Option<bool>) {
        self.caller_holds = caller.unwrap_or(self.caller_holds);
        self.agent_holds = agent.unwrap_or(self.agent_holds);
        if self.joined {
            let held = self.caller_holds || self.agent_holds;
            self.stand(at, if held { CallState::Holding } else { CallState::Talking });
        }
    }

    /// Nothing but its end comes after the ending.
    fn stand(&mut self, at: Moment, state: CallState) {
        let ends = matches!(self.state, CallState::Ending | CallState::Ended) && state != CallState::Ended;
        if state != self.state && !ends {
            (self.state, self.since) = (state, at);
        }
    }
}

/// The stories of the calls in progress, and of the last ones that have ended. Whoever reads one holds it as it was.
#[derive(Debug, Default)]
pub struct Stories {
    open: BTreeMap<CallId, Arc<Story>>,
    ended: BTreeMap<CallId, Arc<Story>>,
    /// Those that have ended with their octets, the oldest first.
    order: VecDeque<(CallId, usize)>,
    octets: usize,
}

impl Stories {
    /// Takes an entry.
    pub fn fold(&mut self, entry: JournalEntry) {
        let JournalEntry { at, call: Some(call), event } = entry else { return };
        match event {
            JournalEvent::Offered(offered) => {
                self.open.insert(call, Arc::new(Story::new(call, at, Origin::Offered(offered))));
            }
            JournalEvent::Dialled(dialled) => {
                self.open.insert(call, Arc::new(Story::new(call, at, Origin::Dialled(dialled))));
            }
            JournalEvent::Ended(_) => {
                if let Some(mut story) = self.open.remove(&call) {
                    let told = Arc::make_mut(&mut story);
                    told.take(at, event);
                    told.first.shrink_to_fit();
                    self.remember(story);
                }
            }
            event => {
                if let Some(story) = self.open.get_mut(&call) {
                    Arc::make_mut(story).take(at, event);
                }
            }
        }
    }

    /// The story of a call that is in progress or remembered.
    pub fn find(&self, call: CallId) -> Option<&Arc<Story>> {
        self.open.get(&call).or_else(|| self.ended.get(&call))
    }

    /// The calls in progress in the order of their names, from the one after `after`.
    pub fn open_after(&self, after: Option<CallId>) -> impl Iterator<Item = &Arc<Story>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.open.range((from, Bound::Unbounded)).map(|(_, story)| story)
    }

    fn remember(&mut self, story: Arc<Story>) {
        let octets = story.octets();
        self.octets += octets;
        self.order.push_back((story.call, octets));
        self.ended.insert(story.call, story);
        while self.order.len() > STORIES_ENDED_MAX || self.octets > STORIES_ENDED_OCTETS_MAX {
            let Some((call, octets)) = self.order.pop_front() else { return };
            self.octets -= octets;
            self.ended.remove(&call);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::journal::{Ended, Joined, Outcome, Parted};
    use crate::telephony::{Caller, Cause, DigitSource, TransportKind};

    fn offered() -> JournalEvent {
        JournalEvent::Offered(Box::new(Offered {
            caller: Caller::default(),
            dialled: "1000".into(),
            flow: Some("main".into()),
            source: "192.0.2.7:5060".parse().expect("an address"),
            transport: TransportKind::Udp,
            sip_call_id: "a@b".into(),
        }))
    }

    fn called() -> JournalEvent {
        JournalEvent::Dialled(Box::new(Dialled {
            party: Caller::default(),
            shown: "1000".into(),
            queue: "support".into(),
            callback_of: Some(CallId(6)),
            trunk: Some("carrier".into()),
            attempt: 1,
        }))
    }

    fn ended() -> JournalEvent {
        let (outcome, cause) = (Outcome::HungUp, Cause::RemoteHungUp);
        JournalEvent::Ended(Box::new(Ended { outcome, cause, duration: Duration::ZERO, report: None }))
    }

    fn queue(event: QueueEvent) -> JournalEvent {
        JournalEvent::Queue(Box::new(event))
    }

    fn entered(queue: &str) -> QueueEvent {
        QueueEvent::Entered { queue: queue.into(), priority: 0, brought: Duration::ZERO }
    }

    fn left(queue: &str, outcome: &'static str) -> QueueEvent {
        QueueEvent::Left { queue: queue.into(), outcome, wait: Duration::ZERO, agent: None, promised: None }
    }

    fn joined() -> JournalEvent {
        let waited = Duration::ZERO;
        let queue = Some("support".into());
        JournalEvent::Joined(Box::new(Joined { agent: "1001".into(), queue, waited, from: None }))
    }

    fn parted() -> JournalEvent {
        JournalEvent::Parted(Box::new(Parted {
            agent: "1001".into(),
            queue: Some("support".into()),
            talk: Duration::ZERO,
            hold: Duration::ZERO,
            by: "agent",
        }))
    }

    /// Each event comes a second after the one before; after it, the call stands so, since that second.
    fn check(events: &[(JournalEvent, CallState, u64)]) {
        let mut stories = Stories::default();
        for (second, (event, state, since)) in events.iter().enumerate() {
            let at = Moment::from_millis(second as u64 * 1_000);
            stories.fold(JournalEntry { at, call: Some(CallId(7)), event: event.clone() });
            let story = stories.find(CallId(7)).expect("it was begun");
            assert_eq!((story.state, story.since), (*state, Moment::from_millis(since * 1_000)), "after {event:?}");
            let waits = matches!(state, CallState::Waiting | CallState::Talking | CallState::Holding);
            assert_eq!(story.queue.is_some(), waits, "after {event:?}");
            assert_eq!(story.agent.is_some(), matches!(state, CallState::Talking | CallState::Holding));
        }
    }

    #[test]
    fn how_a_call_stands() {
        use CallState::{Ended, Ending, Holding, InFlow, Ringing, Talking, Waiting};
        check(&[
            (offered(), Ringing, 0),
            (JournalEvent::Answered { codec: Some(Codec::Pcma), port: 16_384 }, Ringing, 0),
            (JournalEvent::Began, InFlow, 2),
            (JournalEvent::Held, InFlow, 2),
            (JournalEvent::Resumed, InFlow, 2),
            (queue(entered("support")), Waiting, 5),
            (joined(), Talking, 6),
            (queue(left("support", "answered")), Talking, 6),
            (JournalEvent::Held, Holding, 8),
            (JournalEvent::AgentHeld { holding: true }, Holding, 8),
            (JournalEvent::Resumed, Holding, 8),
            (JournalEvent::AgentHeld { holding: false }, Talking, 11),
            (parted(), InFlow, 12),
            (queue(entered("support")), Waiting, 13),
            (queue(left("support", "overflowed")), InFlow, 14),
            (queue(entered("sales")), Waiting, 15),
            (queue(left("sales", "abandoned")), InFlow, 16),
            (JournalEvent::FlowEnded, Ending, 17),
            (JournalEvent::HungUp { cause: Cause::LocalHungUp }, Ending, 17),
            (ended(), Ended, 19),
        ]);
        // Who was hung up on while talking is not in the flow again.
        check(&[
            (offered(), Ringing, 0),
            (JournalEvent::Began, InFlow, 1),
            (queue(entered("support")), Waiting, 2),
            (queue(left("support", "answered")), InFlow, 3),
            (joined(), Talking, 4),
            (JournalEvent::HungUp { cause: Cause::LocalHungUp }, Ending, 5),
        ]);
    }

    #[test]
    fn how_a_call_to_an_agent_stands() {
        use CallState::{Ending, InFlow, Ringing, Talking};
        let dialling = || JournalEvent::Dialling { agent: "1002".into() };
        let not_reached = || JournalEvent::NotReached { agent: "1002".into(), status: 486 };
        let check = |events: &[(JournalEvent, CallState)]| {
            let mut stories = Stories::default();
            for (event, state) in events {
                stories.fold(JournalEntry { at: Moment::ZERO, call: Some(CallId(7)), event: event.clone() });
                let story = stories.find(CallId(7)).expect("it was begun");
                assert_eq!(story.state, *state, "after {event:?}");
            }
        };
        let answered = || JournalEvent::Answered { codec: None, port: 16_384 };
        check(&[(offered(), Ringing), (dialling(), Ringing), (not_reached(), Ending), (ended(), CallState::Ended)]);
        check(&[
            (offered(), Ringing),
            (dialling(), Ringing),
            (answered(), Ringing),
            (joined(), Talking),
            (dialling(), Talking),
            (not_reached(), Talking),
            (dialling(), Talking),
            (parted(), Ringing),
            (joined(), Talking),
            (dialling(), Talking),
            (parted(), Ringing),
            (not_reached(), InFlow),
        ]);
        check(&[
            (called(), Ringing),
            (JournalEvent::Began, InFlow),
            (joined(), Talking),
            (dialling(), Talking),
            (parted(), Ringing),
            (not_reached(), InFlow),
            (queue(entered("support")), CallState::Waiting),
        ]);
    }

    #[test]
    fn a_story_without_end_keeps_its_beginning_and_its_end() {
        let mut stories = Stories::default();
        let mut tell = |event| stories.fold(JournalEntry { at: Moment::ZERO, call: Some(CallId(1)), event });
        tell(offered());
        for _ in 0..10 * (STORY_FIRST_MAX + STORY_LAST_MAX) {
            tell(JournalEvent::Digit { source: DigitSource::Rtp });
        }
        tell(ended());
        let story = stories.find(CallId(1)).expect("it is remembered");
        assert_eq!((story.before_gap(), story.events().count()), (STORY_FIRST_MAX, STORY_FIRST_MAX + STORY_LAST_MAX));
        assert_eq!(story.left_out as usize, 9 * (STORY_FIRST_MAX + STORY_LAST_MAX) + 1);
        assert!(matches!(story.events().last().expect("there are some").event, JournalEvent::Ended(_)));
    }

    #[test]
    fn so_many_that_have_ended_are_remembered() {
        let check = |calls: u64, events: usize, most: usize| {
            let mut stories = Stories::default();
            for call in 0..calls {
                let mut tell = |event| stories.fold(JournalEntry { at: Moment::ZERO, call: Some(CallId(call)), event });
                tell(offered());
                (0..events).for_each(|_| tell(JournalEvent::Began));
                tell(ended());
            }
            assert!(stories.octets <= STORIES_ENDED_OCTETS_MAX);
            assert_eq!(stories.ended.len(), stories.order.len());
            assert!(stories.ended.len() <= most && stories.ended.len() > most / 2, "{}", stories.ended.len());
            assert_eq!(stories.find(CallId(0)), None);
            assert!(stories.find(CallId(calls - 1)).is_some());
            assert_eq!(stories.open_after(None).count(), 0);
        };
        check(STORIES_ENDED_MAX as u64 + 10, 3, STORIES_ENDED_MAX);
        let octets = STORY_FIRST_MAX * size_of::<StoryEvent>();
        check(1_000, STORY_FIRST_MAX, STORIES_ENDED_OCTETS_MAX / octets);
    }

    #[test]
    fn an_event_is_small() {
        // Each call has dozens of them.
        assert!(size_of::<StoryEvent>() <= 88, "{} octets", size_of::<StoryEvent>());
    }

    #[test]
    fn calls_in_progress_are_read_in_parts() {
        let mut stories = Stories::default();
        for call in [3, 1, 2] {
            stories.fold(JournalEntry { at: Moment::ZERO, call: Some(CallId(call)), event: offered() });
        }
        let names = |after| stories.open_after(after).map(|story| story.call.0).collect::<Vec<_>>();
        assert_eq!((names(None), names(Some(CallId(1))), names(Some(CallId(3)))), (vec![1, 2, 3], vec![2, 3], vec![]));
    }
}
