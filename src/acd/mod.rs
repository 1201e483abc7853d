//! Automatic call distribution: who waits, who is rung for whom, what waiting callers are told, and the figures of it all.
//!
//! The rules are the project's queue rules; "section" in this room means a section of those.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Moment;

mod agent;
mod callback;
mod consistency;
mod duty;
mod entry;
mod estimate;
mod figures;
mod filing;
mod ids;
mod input;
mod keep;
mod line;
mod matching;
mod output;
mod queue;
mod reconfigure;
mod settings;
mod skill;
mod snapshot;
mod strategy;
mod waiting;
mod why;

use agent::Agent;
pub use agent::Presence;
use entry::Entry;
pub use entry::Mode;
pub use estimate::{
    BAND_DEVIATIONS, BAND_RATIO_MAX, Band, Estimate, EstimateInputs, SAMPLES_FULL, SAMPLES_LEAST, SPOKEN_LEAST,
    SpokenWait, estimate,
};
pub use figures::{AgentFigures, LevelCounts, LevelFormula, QueueFigures};
pub use ids::{AgentId, CallerLabel, EntryId, OfferId, Priority, QueueId, SkillId, Target};
pub use input::{AgentCommand, Entering, Input, Leaving, Refused, Told};
pub use keep::{Changes, Kept, KeptAgent, KeptEntry, KeptHandling, KeptPhase, KeptPresence, KeptQueue, KeptStage};
pub use output::{AgentState, Announcement, LevelEvent, Note, OfferResult, Outcome, Output, PauseReason, SpokenPlace};
use queue::Queue;
pub use queue::{LAST_WAIT_MAX, PAST, PAST_PIECE, PastPiece};
pub use settings::{
    ANNOUNCE_FIRST, ANNOUNCE_GAP, ANNOUNCE_REPEAT, ANNOUNCEMENT_MAX, AgentSettings, AnnounceSettings, BACK_OFF,
    BACK_OFF_MAX, CALLBACK_GAP, CALLBACK_GRACE, CALLBACK_LONGEST, CALLBACK_SETTLE, CALLBACK_TRIES, CALLERS_LIMIT,
    CALLERS_MAX, CallbackFirst, CallbackSettings, DROPPED_MAX, FAULT_REST, LevelGoal, MISSES_UNTIL_PAUSE, Member,
    NO_AGENTS_AFTER, QueueSettings, RESUME_WINDOW, RING, SERVICE_LEVEL_PER_CENT, SERVICE_LEVEL_WITHIN, SHORT_ABANDON,
    SHORTEST, Settings, Strategy, WAIT_MAX, WRAP_UP, WRAP_UP_MAX,
};
pub use skill::{RELAXATIONS_MAX, SKILLS_MAX, Skills, Wants};
pub use snapshot::{AgentSnapshot, PlaceSnapshot, QueueSnapshot};
pub use why::{BEFORE_COUNTED_MAX, LACKING_TOLD_MAX, WhyNoCalls};

/// The one owner of queues, entries, offers and agents' states.
#[derive(Debug)]
pub struct Distributor {
    now: Moment,
    random: fastrand::Rng,
    queues: BTreeMap<QueueId, Queue>,
    agents: BTreeMap<AgentId, Agent>,
    entries: BTreeMap<EntryId, Entry>,
    offers: BTreeMap<OfferId, Offer>,
    next_offer: u64,
    /// Every deadline, each owner's earliest.
    alarms: BTreeSet<(Moment, Alarm)>,
    /// Those who may come back to their place: dropped, or waiting to be called back.
    absent: BTreeMap<(QueueId, CallerLabel), EntryId>,
    dropped: usize,
    /// Queues whose line or staff has changed in this turn.
    touched: Vec<QueueId>,
    /// What has changed since it was last asked; nothing is remembered where nobody asks.
    changes: Option<Changes>,
}

/// One act of ringing.
#[derive(Clone, Copy, Debug)]
struct Offer {
    agent: AgentId,
    entry: EntryId,
    queue: QueueId,
}

/// Whose deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Agent(AgentId),
    Entry(EntryId),
    Queue(QueueId),
}

impl Distributor {
    /// Queues without callers and agents who are logged out and unreachable. `random` serves the strategy `random`.
    pub fn new(settings: Settings, random: fastrand::Rng) -> Distributor {
        Distributor::begun(Moment::ZERO, settings, random)
    }

    /// The same where the time line does not begin with it.
    pub fn begun(now: Moment, settings: Settings, random: fastrand::Rng) -> Distributor {
        let mut distributor = Distributor {
            now,
            random,
            queues: BTreeMap::new(),
            agents: BTreeMap::new(),
            entries: BTreeMap::new(),
            offers: BTreeMap::new(),
            next_offer: 0,
            alarms: BTreeSet::new(),
            absent: BTreeMap::new(),
            dropped: 0,
            touched: Vec::new(),
            changes: None,
        };
        distributor.reconfigure(settings, &mut Vec::new());
        distributor.settle();
        distributor
    }

    /// Takes one input at `now`, which is never before that of the last one. Deadlines that have passed come first, so
    /// what is late is late however the caller's clock runs.
    pub fn handle(&mut self, now: Moment, input: Input, out: &mut Vec<Output>) {
        self.now = self.now.max(now);
        self.expire(out);
        match input {
            Input::CallerEntered(entering) => self.enter(entering, out),
            Input::CallerLeft { entry, why } => self.leave(entry, why, out),
            Input::CallerResumed { entry } => self.resume(entry, out),
            Input::CallbackWanted { entry } => self.want_callback(entry, out),
            Input::CallbackAnswered { entry } => self.callback_answered(entry, out),
            Input::CallbackFailed { entry } => self.callback_failed(entry, out),
            Input::CallbackPostponed { entry, wait } => self.postpone_callback(entry, wait, out),
            Input::Bridged { entry } => self.bridged(entry, out),
            Input::MenuOpened { entry } => self.set_menu(entry, true),
            Input::MenuClosed { entry } => self.set_menu(entry, false),
            Input::AnnouncementFinished { entry } => self.announcement_finished(entry),
            Input::OfferAccepted { offer } => self.accept(offer, out),
            Input::OfferRefused { offer, reason } => self.refuse(offer, reason, out),
            Input::Agent { agent, command } => self.command(agent, command, out),
            Input::AgentReachable { agent } => self.set_reachable(agent, true, out),
            Input::AgentUnreachable { agent } => self.set_reachable(agent, false, out),
            Input::AgentHolds { agent, holding } => self.set_holding(agent, holding, out),
            Input::AgentLegEnded { agent } => self.leg_ended(agent, out),
            Input::DirectCallBegan { agent } => self.direct_began(agent, out),
            Input::DirectCallEnded { agent } => self.direct_ended(agent, out),
            Input::AgentListens { agent, listening } => self.set_listening(agent, listening, out),
            Input::Reconfigured(settings) => self.reconfigure(*settings, out),
            Input::Expired => {}
        }
        self.settle();
        // An input may make something due at once: a place that is kept brings its wait along.
        self.expire(out);
    }

    /// When to call with `Expired`, if nothing comes before: always later than the last input.
    pub fn deadline(&self) -> Option<Moment> {
        self.alarms.first().map(|(moment, _)| *moment)
    }

    fn expire(&mut self, out: &mut Vec<Output>) {
        while let Some((moment, alarm)) = self.alarms.first().copied()
            && moment <= self.now
        {
            match alarm {
                Alarm::Agent(agent) => self.agent_alarm(agent, out),
                Alarm::Entry(entry) => self.entry_alarm(entry, out),
                Alarm::Queue(queue) => self.queue_alarm(queue, out),
            }
            self.settle();
        }
    }

    /// Tells the journal, and keeps the queue's figures by it.
    fn note(&mut self, queue: QueueId, note: Note, out: &mut Vec<Output>) {
        if let Some(known) = self.queues.get_mut(&queue) {
            known.take(self.now, &note);
            self.remember_figures(queue);
        }
        out.push(Output::Note(note));
    }
}

#[cfg(test)]
mod tests;
