//! The distributor with names: what flows and phones call a queue, an agent or a skill, and which call an entry is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::kept::{FNV_PRIME, label_of};
use super::waiting::Place;
use crate::acd::{
    self, AgentId, AgentSettings, AgentState, AnnounceSettings, Announcement, CallbackFirst, CallbackSettings,
    CallerLabel, Distributor, Entering, EntryId, Estimate, LevelGoal, Member, OfferId, Priority, QueueId,
    QueueSettings, SkillId, Skills, SpokenWait, Strategy, Target, Wants,
};
use crate::clock::Moment;
use crate::flow::difference::Renamed;
use crate::flow::{
    CallbackOrder, CallbackSpec, FlowSet, QueueSpec, QueueStanding, QueueStandings, QueueStrategy, SpokenPlace,
    SpokenWaitMinutes, WaitingTalk,
};
use crate::telephony::{CallId, Caller, LegId, PhoneNumber};

/// How the skill of being somebody begins.
const OWN: &str = "agent:";

/// Where a caller goes whom the distributor sends on: the flow knows, so all places are one here.
const AS_THE_FLOW_SAYS: Target = Target(0);

/// The distributor and its names.
#[derive(Debug)]
pub(super) struct Queues {
    pub(super) distributor: Distributor,
    queues: Names,
    agents: Names,
    skills: Names,
    /// What agents are called.
    called: BTreeMap<AgentId, Arc<str>>,
    /// Every entry that the distributor knows.
    pub(super) book: BTreeMap<EntryId, Booked>,
    /// Whom the calls are for that call somebody back and are not answered yet.
    pub(super) attempts: BTreeMap<CallId, EntryId>,
    /// The legs that ring.
    pub(super) ringing: BTreeMap<OfferId, LegId>,
    /// The legs of agents who have picked up.
    pub(super) lines: BTreeMap<AgentId, LegId>,
    /// Callers about whom an agent who has picked up is told, and whose phone that is.
    pub(super) whispers: BTreeMap<EntryId, (AgentId, LegId)>,
    /// Agents who logged out, rather than never having logged in: their phone's registration does not log them in.
    pub(super) signed_off: BTreeSet<AgentId>,
    /// Something may look otherwise than when it was last looked at.
    pub(super) changed: bool,
    /// Makes labels of callers' numbers.
    seed: u64,
}

/// Whose an entry is.
#[derive(Clone, Debug)]
pub(super) struct Booked {
    /// `None` while the caller is not on the line.
    pub(super) call: Option<CallId>,
    /// The time of the place.
    pub(super) since: Moment,
    /// What was promised to who is to be called back.
    pub(super) promise: Option<Box<Promise>>,
}

impl Booked {
    /// The call in whose story what happens to the entry belongs, if they are on the line or being called.
    pub(super) fn told_of(&self) -> Option<CallId> {
        self.call.or_else(|| self.promise.as_ref()?.attempt)
    }
}

/// All that is needed to call somebody back.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    pub(super) place: Place,
    pub(super) caller: Caller,
    /// The number on which they are called.
    pub(super) number: PhoneNumber,
    /// The number that they had dialled.
    pub(super) dialled: String,
    /// The language that they speak.
    pub(super) tongue: Arc<str>,
    /// The call in which they asked for it.
    pub(super) of: Option<CallId>,
    /// What the call of the next attempt is called.
    pub(super) next: CallId,
    /// The call of the attempt that is under way.
    pub(super) attempt: Option<CallId>,
}

/// Names by number. A name keeps its number for the life of the process, so that a reload changes nobody's.
#[derive(Debug, Default)]
struct Names {
    numbers: BTreeMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    fn number(&mut self, name: &Arc<str>) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.numbers.insert(name.clone(), number);
        self.names.push(name.clone());
        number
    }

    /// The number of what is called so now, and not of what was called so before it was renamed.
    fn own_number(&mut self, name: &Arc<str>) -> u32 {
        if self.numbers.get(name).is_some_and(|number| self.names[*number as usize] != *name) {
            self.numbers.remove(name);
        }
        self.number(name)
    }

    /// What is called `new` from now on keeps its number; whoever still says `old` means it too. Whether that was done: not
    /// where the new name has a number of its own.
    fn rename(&mut self, old: &str, new: &Arc<str>) -> bool {
        let number = self.numbers.get(old).copied().filter(|_| !self.numbers.contains_key(new));
        if let Some(number) = number {
            self.names[number as usize] = new.clone();
            self.numbers.insert(new.clone(), number);
        }
        number.is_some()
    }

    fn name(&self, number: u32) -> Arc<str> {
        self.names.get(number as usize).cloned().unwrap_or_default()
    }
}

impl Queues {
    /// `seed` makes the labels of callers' numbers.
    pub(super) fn new(now: Moment, seed: Option<u64>, flows: &FlowSet, random: &mut fastrand::Rng) -> Queues {
        let mut queues = Queues {
            distributor: Distributor::new(acd::Settings::default(), random.fork()),
            queues: Names::default(),
            agents: Names::default(),
            skills: Names::default(),
            called: BTreeMap::new(),
            book: BTreeMap::new(),
            attempts: BTreeMap::new(),
            ringing: BTreeMap::new(),
            lines: BTreeMap::new(),
            whispers: BTreeMap::new(),
            signed_off: BTreeSet::new(),
            changed: true,
            seed: seed.unwrap_or_else(|| random.u64(..)),
        };
        let settings = queues.settings(flows);
        queues.distributor = Distributor::begun(now, settings, random.fork());
        queues.distributor.remember();
        queues
    }

    /// Gives queues and agents their new names: who waits and who works goes on as they are. Tells what was renamed.
    pub(super) fn rename(&mut self, renamed: &Renamed) -> Renamed {
        let queues = renamed.queues.iter().filter(|(old, new)| self.queues.rename(old, new)).cloned().collect();
        let agents = renamed.agents.iter().filter(|(old, new)| self.agents.rename(old, new)).cloned().collect();
        let renamed = Renamed { queues, agents };
        for (old, new) in &renamed.agents {
            // Who waits for this agent does so under either name.
            self.skills.rename(&own_skill(old), &own_skill(new));
        }
        for promise in self.book.values_mut().filter_map(|booked| booked.promise.as_mut()) {
            promise.place.rename(&renamed);
        }
        renamed
    }

    /// What the distributor is to know of `flows`.
    pub(super) fn settings(&mut self, flows: &FlowSet) -> acd::Settings {
        let agents = flows.agents.iter().map(|spec| {
            let agent = AgentId(self.agents.own_number(&spec.extension));
            self.called.insert(agent, spec.name.clone());
            let own = (skill_id(self.skills.number(&own_skill(&spec.extension))), 1);
            let skills = spec.skills.iter().map(|(skill, level)| (skill_id(self.skills.number(skill)), *level));
            AgentSettings { agent, skills: Skills::new(skills.chain([own])) }
        });
        let agents = agents.collect();
        let queues = flows.queues.iter().map(|spec| {
            let members = spec
                .agents
                .iter()
                .map(|(extension, tier)| Member { agent: AgentId(self.agents.number(extension)), tier: *tier });
            queue_settings(queue_id(self.queues.own_number(&spec.name)), members.collect(), spec)
        });
        acd::Settings { queues: queues.collect(), agents }
    }

    /// Who enters, as the distributor is told.
    pub(super) fn entering(&mut self, now: Moment, place: &Place, caller: &PhoneNumber) -> Entering {
        let label = self.label(caller, place.entry);
        let skills: Vec<(SkillId, u8)> =
            place.skills.iter().map(|skill| (skill_id(self.skills.number(skill)), 1)).collect();
        let mut at_first = Skills::new(skills.iter().copied());
        let mut later = match place.relax_after {
            Some(after) if !at_first.is_empty() => vec![(after, Skills::default())],
            _ => Vec::new(),
        };
        if let Some((extension, length)) = place.prefer.as_deref()
            && self.is_at_work(now, extension, &place.queue)
        {
            // To be that agent is a skill that they alone have.
            let own = skill_id(self.skills.number(&own_skill(extension)));
            if later.first().is_none_or(|(after, _)| after > length) {
                later.insert(0, (*length, at_first));
            }
            at_first = Skills::new(skills.into_iter().chain([(own, 1)]));
        }
        Entering {
            entry: place.entry,
            queue: queue_id(self.queues.number(&place.queue)),
            priority: Priority(place.priority),
            wants: Wants { at_first, later },
            place_time: place.since,
            label,
            callback: false,
            told: place.told,
        }
    }

    /// Who is to be called back on this number by a queue, if anybody is.
    pub(super) fn promised(&self, queue: &str, number: &PhoneNumber) -> Option<EntryId> {
        let found = self.book.iter().find(|(_, booked)| {
            let promise = booked.promise.as_ref().filter(|_| booked.call.is_none());
            promise.is_some_and(|promise| promise.number == *number && *promise.place.queue == *queue)
        });
        found.map(|(entry, _)| *entry)
    }

    /// Whether an agent serves a queue and takes its calls, now or when they have finished with one.
    fn is_at_work(&self, now: Moment, extension: &str, queue: &str) -> bool {
        let queue = self.queues.numbers.get(queue).map(|number| queue_id(*number));
        let agent = self.agents.numbers.get(extension).and_then(|number| self.distributor.agent(now, AgentId(*number)));
        agent.is_some_and(|agent| agent.state.is_staff() && queue.is_some_and(|queue| agent.queues.contains(&queue)))
    }

    /// The label of a caller who does not withhold their number.
    pub(super) fn caller_label(&self, caller: &PhoneNumber) -> Option<u64> {
        (!caller.is_withheld()).then(|| self.label(caller, EntryId(0)).0)
    }

    /// How queues stand; those that there are not are left out.
    pub(super) fn standings(&self, now: Moment, names: &BTreeSet<Arc<str>>) -> QueueStandings {
        let minutes = |seconds: f64| (seconds / 60.0).ceil() as u32;
        let standing = |name: &Arc<str>| {
            let queue = self.distributor.queue(now, queue_id(*self.queues.numbers.get(name)?))?;
            let staff = AgentState::ALL.iter().zip(queue.agents).filter(|(state, _)| state.is_staff());
            let ready = AgentState::ALL.iter().zip(queue.agents).filter(|(state, _)| **state == AgentState::Ready);
            let standing = QueueStanding {
                waiting: u32::try_from(queue.callers_waiting + queue.callbacks_waiting).unwrap_or(u32::MAX),
                agents: staff.map(|(_, count)| count).sum(),
                ready: ready.map(|(_, count)| count).sum(),
                wait_minutes: match queue.estimate {
                    Estimate::Now => Some(0),
                    Estimate::Unknown => None,
                    Estimate::Wait(band) => Some(minutes(band.expected_seconds)),
                },
                longest_minutes: queue
                    .longest_wait
                    .map_or(0, |wait| u32::try_from(wait.as_secs() / 60).unwrap_or(u32::MAX)),
            };
            Some((name.clone(), standing))
        };
        QueueStandings(names.iter().filter_map(standing).collect())
    }

    /// The same caller has the same label; who withholds the number is never the same.
    fn label(&self, caller: &PhoneNumber, entry: EntryId) -> CallerLabel {
        if caller.is_withheld() {
            return CallerLabel(self.seed ^ entry.0.wrapping_mul(FNV_PRIME));
        }
        CallerLabel(label_of(self.seed, caller))
    }

    pub(super) fn queue_name(&self, queue: QueueId) -> Arc<str> {
        self.queues.name(u32::from(queue.0))
    }

    pub(super) fn queue_of(&mut self, name: &Arc<str>) -> QueueId {
        queue_id(self.queues.number(name))
    }

    pub(super) fn agent_of(&mut self, extension: &Arc<str>) -> AgentId {
        AgentId(self.agents.number(extension))
    }

    pub(super) fn skill_of(&mut self, name: &Arc<str>) -> SkillId {
        skill_id(self.skills.number(name))
    }

    pub(super) fn skill_name(&self, skill: SkillId) -> Arc<str> {
        self.skills.name(u32::from(skill.0))
    }

    pub(super) fn extension(&self, agent: AgentId) -> Arc<str> {
        self.agents.name(agent.0)
    }

    /// What an agent is called.
    pub(super) fn called(&self, agent: AgentId) -> Arc<str> {
        self.called.get(&agent).cloned().unwrap_or_default()
    }

    /// The agent of an extension, while there is one.
    pub(super) fn agent(&self, now: Moment, extension: &str) -> Option<(AgentId, AgentState)> {
        let agent = AgentId(*self.agents.numbers.get(extension)?);
        Some((agent, self.distributor.agent(now, agent)?.state))
    }
}

/// Whether a skill is that of being somebody.
pub(super) fn is_own(skill: &str) -> bool {
    skill.starts_with(OWN)
}

/// The skill of being an agent: no flow can name it.
fn own_skill(extension: &str) -> Arc<str> {
    Arc::from(format!("{OWN}{extension}"))
}

fn queue_id(number: u32) -> QueueId {
    QueueId(u16::try_from(number).unwrap_or(u16::MAX))
}

fn skill_id(number: u32) -> SkillId {
    SkillId(u16::try_from(number).unwrap_or(u16::MAX))
}

fn queue_settings(queue: QueueId, members: Vec<Member>, spec: &QueueSpec) -> QueueSettings {
    let (wait_max, _) = spec.too_long;
    QueueSettings {
        members,
        strategy: match spec.strategy {
            QueueStrategy::LongestIdle => Strategy::LongestIdle,
            QueueStrategy::RoundRobin => Strategy::RoundRobin,
            QueueStrategy::FewestCalls => Strategy::FewestCalls,
            QueueStrategy::LeastTalkTime => Strategy::LeastTalkTime,
            QueueStrategy::Random => Strategy::Random,
            QueueStrategy::RingAll => Strategy::RingAll,
            QueueStrategy::Linear => Strategy::Linear,
        },
        ring: spec.ring,
        wrap_up: spec.wrap_up,
        back_off: spec.rest,
        back_off_max: spec.rest_longest,
        misses_until_pause: spec.misses_until_pause,
        service_goal: LevelGoal { per_cent: spec.service_per_cent, within: spec.service_within },
        announce: AnnounceSettings {
            position: spec.position_announced,
            wait: spec.wait_announced,
            first_after: spec.announce_first,
            repeat: spec.announce_repeat,
            comfort: spec.comfort_every,
            ..AnnounceSettings::default()
        },
        wait_max,
        callers_max: spec.most_callers as usize,
        resume_window: spec.resume_window,
        short_abandon: spec.short_abandon,
        callback: callback_settings(&spec.callback),
        when_full: spec.full.map(|_| AS_THE_FLOW_SAYS),
        when_too_long: spec.too_long.1.map(|_| AS_THE_FLOW_SAYS),
        when_no_agents: spec.no_agents.map(|_| AS_THE_FLOW_SAYS),
        ..QueueSettings::new(queue)
    }
}

fn callback_settings(spec: &CallbackSpec) -> CallbackSettings {
    let first = match spec.order {
        CallbackOrder::AgentFirst => CallbackFirst::Agent,
        CallbackOrder::CallerFirst => CallbackFirst::Caller,
    };
    CallbackSettings { first, grace: spec.grace, tries: spec.tries, gap: spec.gap }
}

/// What is to be said, in the flow's words.
pub(super) fn talk(words: Announcement) -> WaitingTalk {
    let place = match words.place {
        acd::SpokenPlace::YouAreNext => Some(SpokenPlace::Next),
        acd::SpokenPlace::Number(number) => Some(SpokenPlace::Number(number)),
        acd::SpokenPlace::MoreThanTen => Some(SpokenPlace::MoreThanTen),
        acd::SpokenPlace::Comfort => None,
    };
    let wait = words.wait.map(|wait| match wait {
        SpokenWait::Minutes(minutes) => SpokenWaitMinutes::Minutes(u16::try_from(minutes).unwrap_or(u16::MAX)),
        SpokenWait::MoreThanTwenty => SpokenWaitMinutes::MoreThanTwenty,
    });
    WaitingTalk { place, wait, comfort: place.is_none(), aside: words.aside }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::acd::AgentCommand;
    use crate::flow::AgentSpec;

    /// What is asked for at first, and what after so many seconds.
    type Asked = (Vec<Arc<str>>, Vec<(u64, Vec<Arc<str>>)>);

    /// A queue with two agents of whom 1001 is at work, and what who prefers `extension` asks for, by names.
    fn asked(extension: &str, relax_after: Option<u64>) -> Asked {
        let agent = |extension: &str| AgentSpec {
            extension: extension.into(),
            name: extension.into(),
            password: None,
            skills: vec![("billing".into(), 5)],
            language: "en".into(),
        };
        let mut support = QueueSpec::usual("support");
        support.agents = vec![("1001".into(), 1), ("1002".into(), 1)];
        let flows = FlowSet { queues: vec![support], agents: vec![agent("1001"), agent("1002")], ..FlowSet::default() };
        let now = Moment::from_millis(1);
        let mut queues = Queues::new(Moment::ZERO, Some(7), &flows, &mut fastrand::Rng::with_seed(7));
        let at_work = queues.agent_of(&"1001".into());
        let mut out = Vec::new();
        queues.distributor.handle(now, acd::Input::AgentReachable { agent: at_work }, &mut out);
        let ready = acd::Input::Agent { agent: at_work, command: AgentCommand::Ready };
        queues.distributor.handle(now, ready, &mut out);
        let place = Place {
            entry: EntryId(1),
            queue: "support".into(),
            music: None,
            together: false,
            alert_info: None,
            skills: vec!["billing".into()],
            relax_after: relax_after.map(Duration::from_secs),
            prefer: Some(Box::new((extension.into(), Duration::from_secs(30)))),
            priority: 0,
            since: None,
            told: acd::Told::default(),
            kept_for: Duration::ZERO,
        };
        let wants = queues.entering(now, &place, &PhoneNumber::new("+442079460123")).wants;
        let names = |skills: &Skills| skills.levels().map(|(skill, _)| queues.skill_name(skill)).collect();
        let later = wants.later.iter().map(|(after, skills)| (after.as_secs(), names(skills)));
        (names(&wants.at_first), later.collect())
    }

    #[test]
    fn who_is_preferred_is_asked_for_while_they_are_at_work() {
        let sorted = |names: &[&str]| {
            let mut names: Vec<Arc<str>> = names.iter().map(|name| Arc::from(*name)).collect();
            names.sort();
            names
        };
        let check = |extension: &str, relax_after, at_first: &[&str], later: &[(u64, &[&str])]| {
            let (mut first, mut then) = asked(extension, relax_after);
            first.sort();
            then.iter_mut().for_each(|(_, names)| names.sort());
            let later: Vec<_> = later.iter().map(|(after, names)| (*after, sorted(names))).collect();
            assert_eq!((first, then), (sorted(at_first), later), "{extension} {relax_after:?}");
        };
        check("1001", None, &["billing", "agent:1001"], &[(30, &["billing"])]);
        check("1001", Some(60), &["billing", "agent:1001"], &[(30, &["billing"]), (60, &[])]);
        // Who takes anybody before the preference is over does so.
        check("1001", Some(10), &["billing", "agent:1001"], &[(10, &[])]);
        // Nobody waits for who is not at work, or is no agent any more.
        check("1002", None, &["billing"], &[]);
        check("4711", Some(60), &["billing"], &[(60, &[])]);
    }
}
