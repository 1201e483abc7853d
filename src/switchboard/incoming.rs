//! A call comes in: whether it is taken, and by which flow.

use std::time::Duration;

use super::audio::Audio;
use super::call::{Call, Visit};
use super::errand::Errand;
use super::{Alarm, Output, RETRY_AFTER, Switchboard, journal};
use crate::acd;
use crate::clock::Moment;
use crate::flow::CallFacts;
use crate::journal::{JournalEvent, Offered, RefusalReason};
use crate::telephony::{CallId, Incoming, Refusal, SipCommand};

impl Switchboard {
    pub(super) fn incoming(&mut self, now: Moment, incoming: Incoming, out: &mut Vec<Output>) {
        let leg = incoming.leg;
        let entry = self.revision.flows.for_number(&incoming.dialled);
        let flow = entry.map(|entry| self.revision.flows.flow(entry).name.clone());
        let offered = Box::new(Offered {
            caller: incoming.caller.clone(),
            dialled: incoming.dialled.clone(),
            flow,
            source: incoming.source,
            transport: incoming.transport,
            sip_call_id: incoming.sip_call_id.clone(),
        });
        let refused = |out: &mut Vec<Output>, offered, reason, refusal: Refusal| {
            let status = refusal.status;
            out.push(Output::Sip(SipCommand::Reject { leg, refusal }));
            out.push(journal(now, None, JournalEvent::Refused { offered, reason, status }));
        };
        let later = |after| Refusal { retry_after: Some(after), ..Refusal::status(503) };
        if self.drain.is_some() {
            return refused(out, offered, RefusalReason::Draining, later(self.settings.drain));
        }
        if incoming.replaces.is_some() {
            return refused(out, offered, RefusalReason::NotReplaced, Refusal::status(481));
        }
        let Some(entry) = entry else {
            return refused(out, offered, RefusalReason::NoSuchNumber, Refusal::status(404));
        };
        if self.calls.len() >= self.settings.calls_max {
            return refused(out, offered, RefusalReason::CallsFull, later(RETRY_AFTER));
        }
        let Some(port) = self.ports.take(now) else {
            let wait = self.ports.next_free().map_or(RETRY_AFTER, |free| free.since(now));
            return refused(out, offered, RefusalReason::PortsFull, later(wait.max(Duration::from_secs(1))));
        };
        let session_id = self.random.u64(1..1 << 62);
        let audio = match Audio::open(incoming.offer.as_ref(), incoming.local, port, session_id, &self.settings) {
            Ok(audio) => audio,
            Err(warning) => {
                self.ports.give_back(port);
                let refusal = Refusal { warning: Some(warning), ..Refusal::status(488) };
                return refused(out, offered, RefusalReason::NotAcceptable, refusal);
            }
        };
        let id = self.next_call;
        self.next_call = CallId(id.0.wrapping_add(1));
        let facts = CallFacts { caller: incoming.caller, dialled: incoming.dialled, switches: self.switches.clone() };
        let agent = incoming.agent.and_then(|extension| self.queues.agent(now, &extension)).map(|(agent, _)| agent);
        if let Some(agent) = agent {
            self.errands.push_back(Errand::Distribute(acd::Input::DirectCallBegan { agent }));
        }
        let revision = self.revision.clone();
        let mut turn = self.turn(now, out);
        turn.journal(Some(id), JournalEvent::Offered(offered));
        let call = Call::answer(&mut turn, id, leg, audio, Visit { revision, entry, facts, agent });
        self.deadlines.insert((call.deadline(), Alarm::Call(id)));
        self.legs.insert(leg, id);
        self.calls.insert(id, Box::new(call));
    }
}
