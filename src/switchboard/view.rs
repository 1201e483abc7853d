//! Queues and agents at one moment, for those who only look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Switchboard;
use super::queues::is_own;
use crate::acd::{AgentId, AgentSnapshot, PlaceSnapshot, QueueSnapshot, WhyNoCalls};
use crate::clock::Moment;
use crate::flow::Session;
use crate::telephony::{CallId, LegId};

/// As many places of a line are shown.
pub const PLACES_SHOWN_MAX: usize = 100;

/// Whoever looks sees nothing that is older than this, ...
pub const VIEW_AGE: Duration = Duration::from_millis(100);
/// ... or than this where nothing has happened: what is expected changes with time alone.
pub const VIEW_AGE_IDLE: Duration = Duration::from_secs(1);

/// Queues and agents at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// When.
    pub at: Moment,
    /// The queues.
    pub queues: Vec<QueueView>,
    /// The agents.
    pub agents: Vec<AgentView>,
}

/// A queue at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueView {
    /// Its name.
    pub name: Arc<str>,
    /// What the distributor knows of it.
    pub snapshot: QueueSnapshot,
    /// Its line from the front, the first [`PLACES_SHOWN_MAX`].
    pub places: Vec<PlaceView>,
}

/// A place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceView {
    /// What the distributor knows of it.
    pub snapshot: PlaceSnapshot,
    /// Whose it is, while they are on the line.
    pub call: Option<CallId>,
}

/// An agent at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentView {
    /// The extension.
    pub extension: Arc<str>,
    /// What they are called.
    pub name: Arc<str>,
    /// What the distributor knows of them.
    pub snapshot: AgentSnapshot,
    /// The queues that they serve.
    pub queues: Vec<Arc<str>>,
    /// The skills that they lack for those who wait, where that is why no call comes.
    pub lacking: Vec<Arc<str>>,
    /// For whom they ring, to whom they talk, or which call of their own they have.
    pub call: Option<CallId>,
}

/// Where a caller stands who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPlace {
    /// The queue.
    pub queue: Arc<str>,
    /// From 1: true, not as it was spoken.
    pub position: u32,
    /// The time of the place.
    pub since: Moment,
    /// What the agent must know.
    pub skills: Vec<Arc<str>>,
    /// How urgent: a greater number goes first.
    pub priority: u8,
}

impl Switchboard {
    /// The walk of the caller at this leg, while they walk.
    pub fn session(&self, leg: LegId) -> Option<&Session> {
        self.calls.get(self.legs.get(&leg)?)?.session()
    }

    /// Where a caller stands in a line at this very moment, in logarithmic time; `None` when they do not wait, or an agent
    /// has picked up for them.
    pub fn place(&self, call: CallId) -> Option<CallPlace> {
        let calling = self.calls.get(&call)?;
        let entry = calling.entry()?;
        let position = self.queues.distributor.position(entry)?;
        let since = self.queues.book.get(&entry)?.since;
        let place = calling.place()?;
        let (queue, skills, priority) = (place.queue.clone(), place.skills.clone(), place.priority);
        Some(CallPlace { queue, position, since, skills, priority })
    }

    /// Whether an agent who has picked up for a caller is being told about them: they still wait, and stand in no line any
    /// more.
    pub fn is_promised(&self, call: CallId) -> bool {
        let entry = self.calls.get(&call).and_then(|call| call.entry());
        entry.is_some_and(|entry| self.queues.whispers.contains_key(&entry))
    }

    /// When a snapshot is to be taken, so that its view is no older than it may be; never where there are no queues.
    pub fn view_due(&self) -> Option<Moment> {
        let age = if self.queues.changed { VIEW_AGE } else { VIEW_AGE_IDLE };
        let is_empty = self.view.queues.is_empty() && self.view.agents.is_empty();
        (!is_empty || self.queues.changed).then(|| self.view.at + age)
    }

    /// Somebody looks: the next view is taken as soon as the last one is [`VIEW_AGE`] old, whether anything has happened or
    /// not. So who asks often costs no more than callers who come and go.
    pub fn look(&mut self) {
        self.queues.changed = true;
    }

    /// The view of a snapshot at `now`.
    pub(super) fn viewed(&mut self, now: Moment) -> Arc<View> {
        if self.view_due().is_some_and(|due| due <= now) {
            self.queues.changed = false;
            self.view = Arc::new(self.view(now));
        }
        self.view.clone()
    }

    /// Queues and agents at `now`.
    pub fn view(&self, now: Moment) -> View {
        let queues = &self.queues;
        let distributor = &queues.distributor;
        let call = |entry| queues.book.get(&entry).and_then(|booked| booked.call);
        let queue_views = distributor.queues().filter_map(|id| {
            let places = distributor.places(now, id).take(PLACES_SHOWN_MAX);
            let places = places.map(|snapshot| PlaceView { snapshot, call: call(snapshot.entry) }).collect();
            Some(QueueView { name: queues.queue_name(id), snapshot: distributor.queue(now, id)?, places })
        });
        let own = self.own_calls();
        let agent_views = distributor.agents().filter_map(|id| {
            let snapshot = distributor.agent(now, id)?;
            let joined = || self.agent_legs.get(queues.lines.get(&id)?)?.joined_to();
            let call = joined().or_else(|| call(snapshot.entry?)).or_else(|| own.get(&id).copied());
            let lacking = match &snapshot.why {
                WhyNoCalls::SkillsLack(skills) => {
                    let names = skills.iter().map(|skill| queues.skill_name(*skill));
                    names.filter(|name| !is_own(name)).collect()
                }
                _ => Vec::new(),
            };
            Some(AgentView {
                extension: queues.extension(id),
                name: queues.called(id),
                queues: snapshot.queues.iter().map(|queue| queues.queue_name(*queue)).collect(),
                lacking,
                snapshot,
                call,
            })
        });
        View { at: now, queues: queue_views.collect(), agents: agent_views.collect() }
    }

    /// The calls that agents have without a queue.
    fn own_calls(&self) -> BTreeMap<AgentId, CallId> {
        let dialling = self.calls.iter().filter_map(|(id, call)| Some((call.duty()?.0, *id)));
        let called = self.agent_legs.values().filter_map(|leg| {
            let (agent, _) = leg.duty()?;
            Some((agent, leg.joined_to().or_else(|| leg.rings_for())?))
        });
        dialling.chain(called).collect()
    }
}
