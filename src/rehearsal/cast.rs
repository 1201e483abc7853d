//! The agents of a stage: what they do, and when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::phone;
use super::stage::Stage;
use super::told::What;
use crate::acd::AgentCommand;
use crate::clock::Moment;
use crate::flow::FlowSet;
use crate::flow::call_test::Habit;
use crate::switchboard::{Input, OperatorCommand};
use crate::telephony::{Caller, Cause, LegId, SipEvent, Unreachable};

/// How long an agent's telephone rings until it is picked up.
const RINGS: Duration = Duration::from_secs(5);
/// How long it rings until it is refused.
const HESITATES: Duration = Duration::from_secs(1);
/// How long an agent talks.
const TALKS: Duration = Duration::from_secs(120);

/// How an agent takes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Answers(Duration),
    Misses,
    Refuses,
    /// The call does not come through.
    Fails,
}

#[derive(Clone, Debug)]
struct Agent {
    /// An extension; of a telephone outside of the house its number or address.
    extension: Arc<str>,
    /// Something was said of whether they are at work.
    decided: bool,
    manner: Manner,
    talks: Duration,
    /// The call of their own that keeps them busy.
    busy: Option<LegId>,
}

/// What an agent is about to do.
#[derive(Clone, Copy, Debug)]
enum Plan {
    Answer(LegId),
    Refuse(LegId),
    HangUp(LegId),
    Ready(usize),
    /// The caller picks up when they are called back.
    PickUp,
    /// Their own call ends.
    Free(usize, LegId),
}

/// All agents, and the telephones outside of the house that steps call.
pub(super) struct Cast {
    agents: Vec<Agent>,
    /// As many of them, the first, are agents.
    own: usize,
    /// Whose phone a leg rings or has rung.
    legs: BTreeMap<LegId, usize>,
    /// Legs on which somebody talks.
    talking: BTreeMap<LegId, usize>,
    plans: BTreeMap<(Moment, u64), Plan>,
    planned: u64,
}

impl Cast {
    pub(super) fn of(flows: &FlowSet) -> Cast {
        let agent = |extension: &Arc<str>| Agent {
            extension: extension.clone(),
            decided: false,
            manner: Manner::Answers(RINGS),
            talks: TALKS,
            busy: None,
        };
        let own = flows.agents.len();
        let agents = flows.agents.iter().map(|spec| &spec.extension).chain(flows.telephones()).map(agent).collect();
        Cast { agents, own, legs: BTreeMap::new(), talking: BTreeMap::new(), plans: BTreeMap::new(), planned: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.own
    }

    pub(super) fn find(&self, extension: &str) -> Option<usize> {
        self.agents.iter().position(|agent| *agent.extension == *extension)
    }

    /// Those of whom nothing was said.
    pub(super) fn undecided(&self) -> Vec<usize> {
        (0..self.own).filter(|index| !self.agents[*index].decided).collect()
    }

    /// When somebody does something next.
    pub(super) fn due(&self) -> Option<Moment> {
        self.plans.first_key_value().map(|((moment, _), _)| *moment)
    }

    /// The agent's leg is over.
    pub(super) fn forget(&mut self, leg: LegId) {
        self.legs.remove(&leg);
        self.talking.remove(&leg);
    }

    /// The caller is going to pick up.
    pub(super) fn let_pick_up(&mut self, at: Moment) {
        self.plan(at, Plan::PickUp);
    }

    fn plan(&mut self, at: Moment, plan: Plan) {
        self.planned += 1;
        self.plans.insert((at, self.planned), plan);
    }
}

impl Stage<'_> {
    /// An agent does this from now on.
    pub(super) fn behave(&mut self, index: usize, habits: &[Habit]) {
        for habit in habits {
            let extension = self.cast.agents[index].extension.clone();
            let is_outside = index >= self.cast.own;
            if !habit.is_of_telephone() && !is_outside {
                self.cast.agents[index].decided = true;
                self.end_own_call(index);
            }
            let agent = &mut self.cast.agents[index];
            match *habit {
                Habit::AnswersAfter(time) => agent.manner = Manner::Answers(time),
                Habit::Misses => agent.manner = Manner::Misses,
                Habit::Refuses => agent.manner = Manner::Refuses,
                Habit::TalksFor(time) => agent.talks = time,
                Habit::Unreachable if is_outside => agent.manner = Manner::Fails,
                Habit::Ready => self.go_to_work(&extension),
                Habit::ReadyAfter(time) => {
                    self.go_home(&extension);
                    self.cast.plan(self.now + time, Plan::Ready(index));
                }
                Habit::LoggedOut => self.go_home(&extension),
                Habit::Paused => {
                    self.reach(&extension);
                    self.command(&extension, AgentCommand::Pause("paused".into()));
                }
                Habit::Unreachable => {
                    self.command(&extension, AgentCommand::Ready);
                    self.unplug(&extension);
                }
                Habit::Busy(time) => self.keep_busy(index, &extension, time),
            }
        }
    }

    fn reach(&mut self, extension: &str) {
        self.give(Input::Sip(SipEvent::AgentReachable { extension: extension.to_owned() }));
    }

    fn unplug(&mut self, extension: &str) {
        let why = Unreachable::Unregistered;
        self.give(Input::Sip(SipEvent::AgentUnreachable { extension: extension.to_owned(), why }));
    }

    fn command(&mut self, extension: &Arc<str>, command: AgentCommand) {
        self.operate(OperatorCommand::Agent { extension: extension.clone(), command });
    }

    fn go_to_work(&mut self, extension: &Arc<str>) {
        self.command(extension, AgentCommand::Ready);
        self.reach(extension);
    }

    /// Their softphone goes with them.
    fn go_home(&mut self, extension: &Arc<str>) {
        self.command(extension, AgentCommand::LogOut);
        self.unplug(extension);
    }

    /// The agent has a call of their own, which is no caller's.
    fn keep_busy(&mut self, index: usize, extension: &Arc<str>, time: Duration) {
        let leg = self.new_leg();
        self.command(extension, AgentCommand::Ready);
        let incoming = phone::incoming(leg, Caller::nameless(&**extension), self.house.busy_number(), Some(extension));
        self.give(Input::Sip(SipEvent::Incoming(Box::new(incoming))));
        self.give(Input::Sip(SipEvent::Confirmed { leg, answer: None }));
        self.reach(extension);
        self.cast.agents[index].busy = Some(leg);
        self.cast.plan(self.now + time, Plan::Free(index, leg));
    }

    fn end_own_call(&mut self, index: usize) {
        if let Some(leg) = self.cast.agents[index].busy.take() {
            self.give(Input::Sip(SipEvent::Ended { leg, cause: Cause::RemoteHungUp }));
        }
    }

    /// An agent's phone rings.
    pub(super) fn rings_at(&mut self, leg: LegId, extension: &str) {
        let Some(index) = self.cast.find(extension) else { return };
        self.cast.legs.insert(leg, index);
        match self.cast.agents[index].manner {
            Manner::Answers(after) => self.cast.plan(self.now + after, Plan::Answer(leg)),
            Manner::Refuses | Manner::Fails => self.cast.plan(self.now + HESITATES, Plan::Refuse(leg)),
            Manner::Misses => {}
        }
    }

    /// Somebody talks to an agent from now on.
    pub(super) fn joined(&mut self, leg: LegId, with: LegId) {
        for leg in [leg, with] {
            if let Some(index) = self.cast.legs.get(&leg).copied()
                && self.cast.talking.insert(leg, index).is_none()
            {
                let end = self.now + self.cast.agents[index].talks;
                self.cast.plan(end, Plan::HangUp(leg));
            }
        }
    }

    /// Somebody does what they had planned for now.
    pub(super) fn act(&mut self) {
        let Some((_, plan)) = self.cast.plans.pop_first() else { return };
        match plan {
            Plan::Answer(leg) => self.answers(leg),
            Plan::Refuse(leg) => self.refuses(leg),
            Plan::HangUp(leg) => self.hangs_up(leg),
            Plan::Ready(index) => {
                let extension = self.cast.agents[index].extension.clone();
                self.go_to_work(&extension);
            }
            Plan::Free(index, leg) if self.cast.agents[index].busy == Some(leg) => self.end_own_call(index),
            Plan::Free(..) => {}
            Plan::PickUp => {
                self.pick_up();
            }
        }
    }

    fn answers(&mut self, leg: LegId) {
        if self.cast.legs.contains_key(&leg) {
            self.give(Input::Sip(SipEvent::Answered { leg, answer: phone::description(), local: phone::OURS }));
        }
    }

    fn refuses(&mut self, leg: LegId) {
        if let Some(index) = self.cast.legs.remove(&leg) {
            let fails = self.cast.agents[index].manner == Manner::Fails;
            let cause = if fails { Cause::TransportFailed } else { Cause::RefusedBy(486) };
            self.give(Input::Sip(SipEvent::Ended { leg, cause }));
        }
    }

    fn hangs_up(&mut self, leg: LegId) {
        let Some(index) = self.cast.talking.remove(&leg) else { return };
        self.cast.legs.remove(&leg);
        let extension = self.cast.agents[index].extension.clone();
        if self.talks_to(&extension) {
            self.tell(What::AgentHangsUp(extension));
        }
        self.give(Input::Sip(SipEvent::Ended { leg, cause: Cause::RemoteHungUp }));
    }

    /// The legs that ring for `extension` and were not answered yet.
    fn ringing_of(&self, extension: &str) -> Option<LegId> {
        let index = self.cast.find(extension)?;
        let mut legs = self.cast.legs.iter().filter(|(leg, at)| **at == index && !self.cast.talking.contains_key(leg));
        legs.next_back().map(|(leg, _)| *leg)
    }

    /// The agent whose phone rings picks up, or refuses.
    pub fn let_agent(&mut self, extension: &str, answer: bool) {
        if let Some(leg) = self.ringing_of(extension) {
            if answer { self.answers(leg) } else { self.refuses(leg) }
        }
    }

    /// The agent whose phone rings for the caller.
    pub fn ringing_agent(&self) -> Option<Arc<str>> {
        let agent = self.rang()?;
        self.ringing_of(agent).map(|_| agent.clone())
    }

    /// The agent who talks hangs up.
    pub fn let_agent_hang_up(&mut self, extension: &str) {
        let index = self.cast.find(extension);
        let leg = self.cast.talking.iter().find(|(_, of)| Some(**of) == index).map(|(leg, _)| *leg);
        if let Some(leg) = leg {
            self.hangs_up(leg);
        }
    }

    /// What an agent is called.
    pub fn agent_name(&self, extension: &str) -> Arc<str> {
        let spec = self.house.flows().agents.iter().find(|agent| *agent.extension == *extension);
        spec.map_or_else(|| extension.into(), |agent| agent.name.clone())
    }

    /// The first `count` agents work, the others have gone home; how many work then.
    pub fn set_agents(&mut self, count: usize) -> usize {
        let count = count.min(self.cast.len());
        for index in 0..self.cast.len() {
            let habit = if index < count { Habit::Ready } else { Habit::LoggedOut };
            self.behave(index, &[habit]);
        }
        count
    }

    fn talks_to(&self, extension: &str) -> bool {
        matches!(self.standing(), super::stage::Standing::Talking(agent, _) if **agent == *extension)
    }
}
