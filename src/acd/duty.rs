//! An agent's working day: ready, ringing, in calls, wrap-up, paused, away.

use std::time::Duration;

use super::agent::{Handling, OnCall, Phase, Presence, WrapUp, WrapUpOwed};
use super::entry::{Holds, Stage};
use super::input::AgentCommand;
use super::output::{Note, Output, PauseReason};
use super::{AgentId, Alarm, Distributor, EntryId};
use crate::clock::Moment;

impl Distributor {
    pub(super) fn command(&mut self, id: AgentId, command: AgentCommand, out: &mut Vec<Output>) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(&id) else { return };
        match command {
            AgentCommand::Ready => {
                if agent.presence == Presence::LoggedOut {
                    agent.log_in(now);
                } else {
                    agent.presence = Presence::Ready;
                    agent.forget_misses();
                }
            }
            AgentCommand::Pause(reason) => agent.presence = Presence::Paused(PauseReason::Said(reason)),
            AgentCommand::LogOut => agent.presence = Presence::LoggedOut,
            AgentCommand::EndWrapUp => {}
            AgentCommand::ExtendWrapUp(by) => {
                match &mut agent.phase {
                    Phase::WrapUp(wrap_up) => wrap_up.extend(by),
                    Phase::OnCall(OnCall { leg: None, owed: Some(owed), .. }) => owed.extend(by),
                    Phase::Free | Phase::Ringing { .. } | Phase::OnCall(_) => {}
                }
                return self.sync_agent(id, out);
            }
        }
        // One that another call has interrupted ends with that call.
        if let Phase::OnCall(OnCall { leg: None, owed: Some(owed), .. }) = &mut agent.phase {
            owed.length = Duration::ZERO;
        }
        let waiting = if agent.presence == Presence::Ready {
            None
        } else {
            agent.forget_misses();
            self.withdraw_from(id, out)
        };
        self.end_wrap_up(id, out);
        self.agent_changed(id, waiting, out);
    }

    pub(super) fn set_reachable(&mut self, id: AgentId, reachable: bool, out: &mut Vec<Output>) {
        let Some(agent) = self.agents.get_mut(&id) else { return };
        agent.reachable = reachable;
        let waiting = if reachable { None } else { self.withdraw_from(id, out) };
        self.agent_changed(id, waiting, out);
    }

    pub(super) fn set_holding(&mut self, id: AgentId, holding: bool, out: &mut Vec<Output>) {
        if let Some(agent) = self.agents.get_mut(&id)
            && let Phase::OnCall(OnCall { leg: Some(leg), .. }) = &mut agent.phase
        {
            leg.turn(self.now, holding);
            self.sync_agent(id, out);
        }
    }

    pub(super) fn direct_began(&mut self, id: AgentId, out: &mut Vec<Output>) {
        let waiting = self.withdraw_from(id, out);
        let now = self.now;
        let Some(agent) = self.agents.get_mut(&id) else { return };
        match &mut agent.phase {
            Phase::OnCall(call) => call.direct = call.direct.saturating_add(1),
            Phase::WrapUp(wrap_up) => {
                let owed = WrapUpOwed { call: wrap_up.end(now), length: wrap_up.until - now };
                agent.phase = Phase::OnCall(OnCall { leg: None, direct: 1, owed: Some(owed) });
            }
            Phase::Free | Phase::Ringing { .. } => {
                agent.phase = Phase::OnCall(OnCall { direct: 1, ..OnCall::default() });
            }
        }
        self.agent_changed(id, waiting, out);
    }

    pub(super) fn direct_ended(&mut self, id: AgentId, out: &mut Vec<Output>) {
        let Some(agent) = self.agents.get_mut(&id) else { return };
        let Phase::OnCall(call) = &mut agent.phase else { return };
        call.direct = call.direct.saturating_sub(1);
        self.legs_changed(id, out);
        self.agent_changed(id, None, out);
    }

    /// The agent is told something on the telephone, or is not any more: nothing is offered meanwhile, since it could
    /// not ring.
    pub(super) fn set_listening(&mut self, id: AgentId, listening: bool, out: &mut Vec<Output>) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.listens = if listening { agent.listens.saturating_add(1) } else { agent.listens.saturating_sub(1) };
            self.agent_changed(id, None, out);
        }
    }

    pub(super) fn leg_ended(&mut self, id: AgentId, out: &mut Vec<Output>) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(&id) else { return };
        let Phase::OnCall(call) = &mut agent.phase else { return };
        let Some(mut leg) = call.leg.take() else { return };
        leg.turn(now, false);
        let Handling { entry, queue, talk, hold, .. } = leg.call;
        let mut waiting = None;
        if leg.bridged {
            let length = self.queues.get(&queue).map_or(Duration::ZERO, |queue| queue.settings.wrap_up);
            agent.record.talk += talk + hold;
            call.owed = Some(WrapUpOwed { call: leg.call, length });
        } else if self.give_back(id, entry, out) {
            self.missed(id, queue);
            waiting = Some(entry);
        }
        self.legs_changed(id, out);
        self.agent_changed(id, waiting, out);
    }

    /// The agent is gone before the bridge: the caller waits on, at their place. Whether they do.
    fn give_back(&mut self, agent_id: AgentId, id: EntryId, out: &mut Vec<Output>) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        match entry.stage {
            Stage::Connecting { agent } if agent == agent_id => {}
            Stage::Dialling { agent, holds: Holds::Line, .. } if agent == agent_id => {
                out.push(Output::CancelCallBack { entry: id });
            }
            _ => return false,
        }
        entry.stage = Stage::Waiting;
        true
    }

    /// When the last leg has ended, the wrap-up of the last queue call begins.
    fn legs_changed(&mut self, id: AgentId, out: &mut Vec<Output>) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(&id) else { return };
        let Phase::OnCall(OnCall { leg: None, direct: 0, owed }) = agent.phase else { return };
        agent.phase = Phase::Free;
        if let Some(owed) = owed {
            let wrap_up = WrapUp::begin(now, owed);
            agent.phase = Phase::WrapUp(wrap_up);
            if wrap_up.until <= now || agent.presence == Presence::LoggedOut {
                self.end_wrap_up(id, out);
            }
        }
    }

    fn end_wrap_up(&mut self, id: AgentId, out: &mut Vec<Output>) {
        let Some(agent) = self.agents.get_mut(&id) else { return };
        let Phase::WrapUp(wrap_up) = agent.phase else { return };
        agent.phase = Phase::Free;
        let Handling { entry, queue, talk, hold, wrap_up } = wrap_up.end(self.now);
        self.note(queue, Note::Handled { queue, entry, agent: id, talk, hold, wrap_up }, out);
        self.touch(queue);
    }

    /// Those whose deadline is `moment` are brought up to date before any of them is given a caller, so that each caller
    /// has the best of them.
    pub(super) fn agent_alarms(&mut self, moment: Moment, out: &mut Vec<Output>) {
        let alarms = self.alarms.range((moment, Alarm::Agent(AgentId(0)))..);
        let due = alarms.map_while(|(at, alarm)| match alarm {
            Alarm::Agent(agent) if *at == moment => Some(*agent),
            _ => None,
        });
        let due: Vec<AgentId> = due.collect();
        let mut waiting = Vec::new();
        for agent in &due {
            waiting.extend(self.agent_alarm(*agent, out));
            self.sync_agent(*agent, out);
        }
        self.free(&due, out);
        waiting.sort_by_key(|entry| self.entries.get(entry).map(|entry| entry.place));
        for entry in waiting {
            self.seek_agent(entry, out);
        }
    }

    /// The caller for whom an agent's phone has rung for long enough, if it has.
    fn agent_alarm(&mut self, id: AgentId, out: &mut Vec<Output>) -> Option<EntryId> {
        let now = self.now;
        let agent = self.agents.get_mut(&id)?;
        agent.rests_until = agent.rests_until.filter(|until| *until > now);
        match &agent.phase {
            Phase::Ringing { offer, until, .. } if *until <= now => {
                let offer = *offer;
                self.rang_out(offer, out)
            }
            Phase::WrapUp(wrap_up) if wrap_up.until <= now => {
                self.end_wrap_up(id, out);
                None
            }
            _ => None,
        }
    }

    /// Brings an agent up to date. A caller who was rung for by them, and is no more, looks for another first.
    fn agent_changed(&mut self, id: AgentId, waiting: Option<EntryId>, out: &mut Vec<Output>) {
        self.sync_agent(id, out);
        if let Some(entry) = waiting {
            self.reoffer(entry, out);
        }
        self.leave_if_removed(id);
        self.seek_caller(id, out);
    }

    /// An agent who was removed goes when they are free.
    pub(super) fn leave_if_removed(&mut self, id: AgentId) {
        if self.agents.get(&id).is_some_and(|agent| agent.leaving && agent.phase == Phase::Free) {
            self.forget_agent(id);
        }
    }
}
