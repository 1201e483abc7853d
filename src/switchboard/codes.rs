//! Agents by telephone: what a code asks for is done at once, and the answer is spoken.

use std::sync::Arc;

use super::call::{Beginning, Call};
use super::incoming::Admitted;
use super::{Output, RecordingWish, Revision, Switchboard, journal, messages};
use crate::acd::{self, AgentCommand, AgentId, AgentSnapshot, AgentState, PauseReason, Presence, WhyNoCalls};
use crate::clock::Moment;
use crate::flow::agent_talk::{self, AgentTalk};
use crate::flow::{AgentCode, AgentCodes, PromptId};
use crate::journal::JournalEvent;

/// The reason of a pause for which the agent has dialled none.
pub const PLAIN_PAUSE: &str = "paused";

impl Switchboard {
    /// Answers an agent who has dialled a code: it is done, and they hear what has become of it.
    pub(super) fn take_code(&mut self, now: Moment, admitted: Admitted, code: &AgentCode, out: &mut Vec<Output>) {
        let (id, visit, leg) = self.admit(now, admitted, out);
        let mut words = Vec::new();
        if let Some(party) = visit.agent.clone() {
            let reason = if let AgentCode::Pause(reason) = code { reason.clone() } else { None };
            let asks = JournalEvent::AgentAsks { agent: party.extension, code: code.name(), reason };
            out.push(journal(now, Some(id), asks));
            words = self.obey(now, party.agent, code, out);
        }
        let beginning = if *code == AgentCode::Messages { Beginning::Messages } else { Beginning::Tell(words) };
        let call = Call::answer(&mut self.turn(now, out), id, leg, visit, beginning);
        self.begin(call);
    }

    /// Does what an agent asks for by `code`. From now on they listen; the recordings are the answer.
    fn obey(&mut self, now: Moment, agent: AgentId, code: &AgentCode, out: &mut Vec<Output>) -> Vec<PromptId> {
        let Some(before) = self.queues.distributor.agent(now, agent) else { return Vec::new() };
        // An offer could not ring while they hear the answer.
        self.distribute(now, acd::Input::AgentListens { agent, listening: true }, out);
        let revision = self.revision.clone();
        let codes = &revision.flows.codes;
        if let Some(command) = command(code, codes) {
            self.note_command(agent, &command);
            self.distribute(now, acd::Input::Agent { agent, command }, out);
        }
        if let Some(wish) = messages::wish(code) {
            let recorded = self.steer_recording(now, agent, wish, out);
            let talk = match wish {
                _ if !recorded => AgentTalk::NotRecorded,
                RecordingWish::Resume => AgentTalk::RecordingResumed,
                RecordingWish::Pause | RecordingWish::Stop => AgentTalk::RecordingPaused,
            };
            return spoken(&revision, &self.queues.extension(agent), &[talk]);
        }
        let extension = self.queues.extension(agent);
        let switched = match code {
            AgentCode::CloseToday(hours) => Some((hours, true)),
            AgentCode::AsWritten(hours) => Some((hours, false)),
            _ => None,
        };
        if let Some((hours, close)) = switched {
            let talks = self.switch_by_code(now, hours.as_ref(), close, &extension, out);
            return spoken(&revision, &extension, &talks);
        }
        let Some(after) = self.queues.distributor.agent(now, agent) else { return Vec::new() };
        spoken(&revision, &extension, &answer(code, &before, &after, codes))
    }
}

/// The recordings of what is told to the agent of `extension`, in their language; those that there are.
pub(super) fn spoken(revision: &Revision, extension: &str, talks: &[AgentTalk]) -> Vec<PromptId> {
    let flows = &revision.flows;
    let Some(agent) = flows.agents.iter().find(|agent| &*agent.extension == extension) else { return Vec::new() };
    let found = |name: &str| {
        let prompt = flows.find_prompt(&agent.language, name)?;
        revision.clips.get(prompt.0 as usize)?.is_some().then_some(prompt)
    };
    let recordings =
        |talk| agent_talk::recordings(&flows.languages, &agent.language, talk, |name: &str| found(name).is_some());
    let names = talks.iter().flat_map(recordings);
    names.filter_map(|name| found(&name)).collect()
}

fn command(code: &AgentCode, codes: &AgentCodes) -> Option<AgentCommand> {
    match code {
        AgentCode::Ready => Some(AgentCommand::Ready),
        AgentCode::Pause(reason) => Some(AgentCommand::Pause(reason.clone().unwrap_or_else(|| PLAIN_PAUSE.into()))),
        AgentCode::LogOut => Some(AgentCommand::LogOut),
        AgentCode::EndWrapUp => Some(AgentCommand::EndWrapUp),
        AgentCode::ExtendWrapUp => Some(AgentCommand::ExtendWrapUp(codes.extend_by)),
        AgentCode::Why
        | AgentCode::PauseRecording
        | AgentCode::ResumeRecording
        | AgentCode::CloseToday(_)
        | AgentCode::AsWritten(_)
        | AgentCode::Messages => None,
    }
}

/// What an agent is told who has dialled `code`, and how they stood before and stand after it.
fn answer(code: &AgentCode, before: &AgentSnapshot, after: &AgentSnapshot, codes: &AgentCodes) -> Vec<AgentTalk> {
    let unchanged = before.presence == after.presence && before.wrap_up_left == after.wrap_up_left;
    let rested = matches!(before.why, WhyNoCalls::Resting(_));
    let mut talks = match code {
        AgentCode::Why => return why(before, codes),
        // What has become of it is told by whoever did it.
        AgentCode::PauseRecording
        | AgentCode::ResumeRecording
        | AgentCode::CloseToday(_)
        | AgentCode::AsWritten(_)
        | AgentCode::Messages => return Vec::new(),
        AgentCode::Ready | AgentCode::Pause(_) | AgentCode::LogOut => becoming(after),
        AgentCode::EndWrapUp if before.wrap_up_left.is_some() => {
            let mut talks = vec![AgentTalk::WrapUpOver];
            talks.extend(becoming(after));
            return talks;
        }
        AgentCode::ExtendWrapUp if before.wrap_up_left.is_some() => {
            after.wrap_up_left.map(AgentTalk::WrapUp).into_iter().collect()
        }
        AgentCode::EndWrapUp | AgentCode::ExtendWrapUp => {
            let mut talks = vec![AgentTalk::NoWrapUp];
            talks.extend(is_in_call(after).then_some(AgentTalk::InCall));
            talks.extend(becoming(after));
            return talks;
        }
    };
    if unchanged && !rested {
        talks.push(AgentTalk::NothingChanged);
    }
    talks
}

/// What the agent is, or will be when the call is over; a telephone that cannot be called is told to who wants calls.
fn becoming(agent: &AgentSnapshot) -> Vec<AgentTalk> {
    let presence = match &agent.presence {
        Presence::Ready => AgentTalk::Ready,
        Presence::LoggedOut => AgentTalk::LoggedOut,
        Presence::Paused(reason) => paused(reason),
    };
    let later = is_in_call(agent).then_some(AgentTalk::AfterTheCall);
    let unreachable = (agent.presence == Presence::Ready && !agent.reachable).then_some(AgentTalk::Unreachable);
    later.into_iter().chain([presence]).chain(unreachable).collect()
}

fn is_in_call(agent: &AgentSnapshot) -> bool {
    matches!(agent.state, AgentState::Talking | AgentState::Holding)
}

fn paused(reason: &PauseReason) -> AgentTalk {
    match reason {
        PauseReason::Missed => AgentTalk::PausedByMisses,
        PauseReason::Said(reason) if &**reason == PLAIN_PAUSE => AgentTalk::Paused(None),
        PauseReason::Said(reason) => AgentTalk::Paused(Some(reason.clone())),
    }
}

/// Why no call comes, and which code would change it.
fn why(agent: &AgentSnapshot, codes: &AgentCodes) -> Vec<AgentTalk> {
    let dial = |code: AgentCode, talk: fn(Arc<str>) -> AgentTalk| codes.code_of(&code).cloned().map(talk);
    let ready = || dial(AgentCode::Ready, AgentTalk::ToTakeCalls);
    // What is asked for already, and holds when the present call or wrap-up is over.
    let then = || if agent.presence == Presence::Ready { Vec::new() } else { becoming(agent) };
    let mut talks = Vec::new();
    match &agent.why {
        WhyNoCalls::LoggedOut => {
            talks.push(AgentTalk::LoggedOut);
            talks.extend(ready());
        }
        WhyNoCalls::Unreachable => {
            talks.push(AgentTalk::Unreachable);
            if let Presence::Paused(reason) = &agent.presence {
                talks.push(paused(reason));
                talks.extend(ready());
            }
        }
        WhyNoCalls::Paused => {
            talks.extend(becoming(agent));
            talks.extend(ready());
        }
        WhyNoCalls::Ringing => talks.push(AgentTalk::Ringing),
        WhyNoCalls::OnCall | WhyNoCalls::DirectCall | WhyNoCalls::Listening => {
            talks.push(AgentTalk::InCall);
            talks.extend(then());
        }
        WhyNoCalls::WrapUp(left) => {
            talks.push(AgentTalk::WrapUp(*left));
            talks.extend(dial(AgentCode::EndWrapUp, AgentTalk::ToEndIt));
            talks.extend(then());
        }
        WhyNoCalls::Resting(left) => {
            talks.push(AgentTalk::Missed(*left));
            talks.extend(ready());
        }
        WhyNoCalls::NoQueue => talks.push(AgentTalk::NoQueue),
        WhyNoCalls::SkillsLack(_) => talks.push(AgentTalk::SkillsLack),
        WhyNoCalls::OthersRing => talks.push(AgentTalk::OthersRing),
        WhyNoCalls::CallbacksLater => talks.push(AgentTalk::CallbacksLater),
        WhyNoCalls::NobodyWaits { before } => {
            talks.push(AgentTalk::NobodyWaits);
            talks.extend(before.map(|before| match before {
                0 => AgentTalk::NextIsYours,
                agents => AgentTalk::AgentsBefore(agents),
            }));
        }
    }
    talks
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::acd::AgentFigures;

    fn agent(state: AgentState, presence: Presence, why: WhyNoCalls) -> AgentSnapshot {
        AgentSnapshot {
            state,
            since: Duration::ZERO,
            reason: None,
            wrap_up_left: if let WhyNoCalls::WrapUp(left) = &why { Some(*left) } else { None },
            presence,
            reachable: why != WhyNoCalls::Unreachable,
            calls: 0,
            talk: Duration::ZERO,
            figures: AgentFigures::default(),
            entry: None,
            queues: Vec::new(),
            why,
        }
    }

    fn free() -> AgentSnapshot {
        agent(AgentState::Ready, Presence::Ready, WhyNoCalls::NobodyWaits { before: Some(0) })
    }

    fn away(reason: &str) -> AgentSnapshot {
        agent(AgentState::Paused, Presence::Paused(PauseReason::Said(reason.into())), WhyNoCalls::Paused)
    }

    fn busy(presence: Presence) -> AgentSnapshot {
        agent(AgentState::Talking, presence, WhyNoCalls::OnCall)
    }

    fn after_work(seconds: u64) -> AgentSnapshot {
        agent(AgentState::WrapUp, Presence::Ready, WhyNoCalls::WrapUp(Duration::from_secs(seconds)))
    }

    #[track_caller]
    fn check(code: AgentCode, before: AgentSnapshot, after: AgentSnapshot, expected: &[AgentTalk]) {
        assert_eq!(answer(&code, &before, &after, &AgentCodes::default()), expected, "{code:?}");
    }

    fn lunch() -> AgentTalk {
        AgentTalk::Paused(Some("lunch".into()))
    }

    #[test]
    fn what_becomes_so_is_confirmed_and_what_was_so_already_too() {
        use AgentTalk::{LoggedOut, NothingChanged, Paused, Ready};
        let pause = || AgentCode::Pause(Some("lunch".into()));
        let out = || agent(AgentState::LoggedOut, Presence::LoggedOut, WhyNoCalls::LoggedOut);
        check(AgentCode::Ready, away("lunch"), free(), &[Ready]);
        check(AgentCode::Ready, free(), free(), &[Ready, NothingChanged]);
        check(AgentCode::Ready, after_work(5), free(), &[Ready]);
        check(pause(), free(), away("lunch"), &[lunch()]);
        check(pause(), away("meeting"), away("lunch"), &[lunch()]);
        check(pause(), away("lunch"), away("lunch"), &[lunch(), NothingChanged]);
        check(AgentCode::Pause(None), free(), away(PLAIN_PAUSE), &[Paused(None)]);
        check(AgentCode::LogOut, free(), out(), &[LoggedOut]);
        check(AgentCode::LogOut, out(), out(), &[LoggedOut, NothingChanged]);
        let resting = agent(AgentState::Ready, Presence::Ready, WhyNoCalls::Resting(Duration::from_secs(4)));
        check(AgentCode::Ready, resting, free(), &[Ready]);
    }

    #[test]
    fn what_is_asked_for_in_a_call_holds_after_it() {
        let paused = Presence::Paused(PauseReason::Said("lunch".into()));
        let code = AgentCode::Pause(Some("lunch".into()));
        check(code, busy(Presence::Ready), busy(paused.clone()), &[AgentTalk::AfterTheCall, lunch()]);
        let out = [AgentTalk::AfterTheCall, AgentTalk::LoggedOut];
        check(AgentCode::LogOut, busy(Presence::Ready), busy(Presence::LoggedOut), &out);
        let told = [AgentTalk::InCall, AgentTalk::AfterTheCall, lunch()];
        check(AgentCode::Why, busy(paused.clone()), busy(paused), &told);
        check(AgentCode::Why, busy(Presence::Ready), busy(Presence::Ready), &[AgentTalk::InCall]);
    }

    #[test]
    fn a_telephone_that_cannot_be_called_is_told() {
        let unreachable = || agent(AgentState::Unreachable, Presence::Ready, WhyNoCalls::Unreachable);
        check(AgentCode::Ready, away("lunch"), unreachable(), &[AgentTalk::Ready, AgentTalk::Unreachable]);
        check(AgentCode::Why, unreachable(), unreachable(), &[AgentTalk::Unreachable]);
    }

    #[test]
    fn a_wrap_up_ends_and_goes_on() {
        use AgentTalk::{InCall, NoWrapUp, NothingChanged, Ready, WrapUp, WrapUpOver};
        let seconds = Duration::from_secs;
        check(AgentCode::EndWrapUp, after_work(9), free(), &[WrapUpOver, Ready]);
        check(AgentCode::EndWrapUp, free(), free(), &[NoWrapUp, Ready]);
        check(AgentCode::ExtendWrapUp, after_work(9), after_work(69), &[WrapUp(seconds(69))]);
        check(AgentCode::ExtendWrapUp, after_work(9), after_work(9), &[WrapUp(seconds(9)), NothingChanged]);
        let told = [NoWrapUp, InCall, AgentTalk::AfterTheCall, Ready];
        check(AgentCode::ExtendWrapUp, busy(Presence::Ready), busy(Presence::Ready), &told);
    }

    #[test]
    fn why_no_call_comes_is_told_with_the_code_that_changes_it() {
        use AgentTalk::*;
        let told = |snapshot: AgentSnapshot, expected: &[AgentTalk]| {
            check(AgentCode::Why, snapshot.clone(), snapshot, expected);
        };
        let ready = |why| agent(AgentState::Ready, Presence::Ready, why);
        let dial = || ToTakeCalls("*11".into());
        told(agent(AgentState::LoggedOut, Presence::LoggedOut, WhyNoCalls::LoggedOut), &[LoggedOut, dial()]);
        told(away("lunch"), &[lunch(), dial()]);
        let missed = agent(AgentState::Paused, Presence::Paused(PauseReason::Missed), WhyNoCalls::Paused);
        told(missed, &[PausedByMisses, dial()]);
        told(after_work(9), &[WrapUp(Duration::from_secs(9)), ToEndIt("*14".into())]);
        told(ready(WhyNoCalls::Resting(Duration::from_secs(4))), &[Missed(Duration::from_secs(4)), dial()]);
        told(agent(AgentState::Ringing, Presence::Ready, WhyNoCalls::Ringing), &[Ringing]);
        told(ready(WhyNoCalls::NoQueue), &[NoQueue]);
        told(ready(WhyNoCalls::SkillsLack(Vec::new())), &[SkillsLack]);
        told(ready(WhyNoCalls::OthersRing), &[OthersRing]);
        told(ready(WhyNoCalls::CallbacksLater), &[CallbacksLater]);
        told(free(), &[NobodyWaits, NextIsYours]);
        told(ready(WhyNoCalls::NobodyWaits { before: Some(3) }), &[NobodyWaits, AgentsBefore(3)]);
        told(ready(WhyNoCalls::NobodyWaits { before: None }), &[NobodyWaits]);
    }
}
