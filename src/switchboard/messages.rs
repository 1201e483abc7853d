//! Messages that wait, and recordings that agents steer.

use std::sync::Arc;

use super::call::Call;
use super::{Output, RecordingWish, Switchboard, Turn, journal};
use crate::acd::AgentId;
use crate::clock::Moment;
use crate::flow::AgentCode;
use crate::journal::{JournalEvent, TapeEvent};
use crate::telephony::{CallId, Digit, LegId, SipCommand, TapeId, TapeKind};

impl Switchboard {
    /// Lets the call act that a tape is of, whichever leg it is of.
    pub(super) fn with_tape(
        &mut self,
        now: Moment,
        tape: TapeId,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Call, &mut Turn<'_>),
    ) {
        let call = self.calls.iter().find(|(_, call)| call.has_tape(tape)).map(|(id, _)| *id);
        if let Some(call) = call {
            self.with_call(now, call, out, act);
        }
    }

    /// A tape cannot be written. Of one whose call is over it is noted all the same.
    pub(super) fn tape_failed(
        &mut self,
        now: Moment,
        (tape, kind): (TapeId, TapeKind),
        reason: String,
        out: &mut Vec<Output>,
    ) {
        if self.calls.values().any(|call| call.has_tape(tape)) {
            return self.with_tape(now, tape, out, |call, turn| call.tape_failed(turn, tape, reason));
        }
        let failed = TapeEvent::Failed { kind, name: kind.name(tape), running: false, reason };
        out.push(journal(now, None, JournalEvent::Tape(Box::new(failed))));
    }

    /// So many messages wait in a mailbox: the phones of those who hear them are told.
    pub(super) fn messages_waiting(
        &mut self,
        now: Moment,
        mailbox: Arc<str>,
        (new, old): (u32, u32),
        out: &mut Vec<Output>,
    ) {
        self.messages.insert(mailbox.clone(), (new, old));
        let listeners: Vec<Arc<str>> = self.revision.flows.listeners(&mailbox).into_iter().cloned().collect();
        for extension in listeners {
            self.tell_messages(&extension, out);
        }
        out.push(journal(now, None, JournalEvent::MessagesWaiting { mailbox, new, old }));
    }

    /// Others may hear the messages from now on.
    pub(super) fn tell_all_messages(&self, out: &mut Vec<Output>) {
        for agent in &self.revision.flows.agents {
            self.tell_messages(&agent.extension, out);
        }
    }

    fn tell_messages(&self, extension: &str, out: &mut Vec<Output>) {
        let mailboxes = self.revision.flows.mailboxes_of(extension);
        let counts = mailboxes.iter().filter_map(|mailbox| self.messages.get(mailbox));
        let (new, old) = counts.fold((0, 0), |(new, old), (more_new, more_old)| (new + more_new, old + more_old));
        out.push(Output::Sip(SipCommand::SetMessages { extension: extension.to_owned(), new, old }));
    }

    /// An agent has pressed a key in a conversation: the codes that steer a recording work there, too.
    pub(super) fn agent_keys(&mut self, now: Moment, leg: LegId, digit: Digit, out: &mut Vec<Output>) {
        let Some(agent_leg) = self.agent_legs.get_mut(&leg) else { return };
        let Some(call) = agent_leg.joined_to() else { return };
        let keyed = agent_leg.keyed(now, digit);
        let codes = &self.revision.flows.codes.codes;
        let Some(wish) = codes.iter().find(|(code, _)| keyed.ends_with(&***code)).and_then(|(_, code)| wish(code))
        else {
            return;
        };
        let by = agent_leg.party().map(|party| party.extension.clone()).unwrap_or_default();
        self.with_call(now, call, out, |call, turn| call.wish_recording(turn, wish, &by));
    }

    /// The call in which an agent talks to somebody, if they do.
    fn call_of(&self, agent: AgentId) -> Option<CallId> {
        self.agent_legs.values().filter(|leg| leg.agent() == Some(agent)).find_map(|leg| leg.joined_to())
    }

    /// An agent has dialled a code that steers the recording of the call that they are in. Whether that is recorded.
    pub(super) fn steer_recording(
        &mut self,
        now: Moment,
        agent: AgentId,
        wish: RecordingWish,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(call) = self.call_of(agent) else { return false };
        let by = self.queues.extension(agent);
        let mut recorded = false;
        self.with_call(now, call, out, |call, turn| {
            recorded = call.is_recorded();
            call.wish_recording(turn, wish, &by);
        });
        recorded
    }
}

/// What a code wants of a recording, if it is about one.
pub(super) fn wish(code: &AgentCode) -> Option<RecordingWish> {
    match code {
        AgentCode::PauseRecording => Some(RecordingWish::Pause),
        AgentCode::ResumeRecording => Some(RecordingWish::Resume),
        _ => None,
    }
}
