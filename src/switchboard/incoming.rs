//! A call comes in: whether it is taken, and whereto it leads.

use std::time::Duration;

use super::audio::Audio;
use super::call::{Beginning, Call, Start, Visit};
use super::kept::Day;
use super::leg::Party;
use super::{Alarm, Output, RETRY_AFTER, Switchboard, journal};
use crate::clock::Moment;
use crate::flow::{AgentCode, CallFacts, KnownCaller, QueueIndex};
use crate::journal::{JournalEvent, Offered, RefusalReason};
use crate::telephony::{CallId, Caller, Incoming, LegId, PhoneNumber, Refusal, SipCommand};

/// Whereto a number, or whatever else was dialled, leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A flow answers, or a queue: the caller walks from here.
    Walk(Start),
    /// An agent's phone is to ring. Only agents are led here.
    Agent(Party),
    /// An agent asks for this. Only agents are led here.
    Code(AgentCode),
}

/// A call that may be taken, with all that it takes.
pub(super) struct Admitted {
    pub(super) leg: LegId,
    pub(super) audio: Audio,
    pub(super) facts: CallFacts,
    /// The agent who calls, when it is one.
    pub(super) agent: Option<Party>,
    pub(super) offered: Box<Offered>,
}

impl Switchboard {
    pub(super) fn incoming(&mut self, now: Moment, incoming: Incoming, out: &mut Vec<Output>) {
        let agent = incoming.agent.as_deref().and_then(|extension| self.party(now, extension));
        let destination = self.destination(now, &incoming.dialled, agent.is_some());
        let flow = match &destination {
            Some(Destination::Walk(Start::Flow(entry))) => Some(self.revision.flows.flow(*entry).name.clone()),
            _ => None,
        };
        let offered = Box::new(Offered {
            caller: self.known_as(incoming.caller.clone(), agent.as_ref()),
            dialled: incoming.dialled.clone(),
            flow,
            source: incoming.source,
            transport: incoming.transport,
            sip_call_id: incoming.sip_call_id.clone(),
        });
        let leg = incoming.leg;
        let refused = |offered, reason, refusal| Refused { leg, offered, reason, refusal };
        if self.drain.is_some() {
            return refused(offered, RefusalReason::Draining, later(self.settings.drain)).tell(now, out);
        }
        if let Some(replaced) = incoming.replaces {
            if let Err(status) = self.replace(now, &incoming, replaced, agent.as_ref(), out) {
                let refusal = if status == 503 { self.when_ports_are_free(now) } else { Refusal::status(status) };
                refused(offered, RefusalReason::NotReplaced, refusal).tell(now, out);
            }
            return;
        }
        let Some(destination) = destination else {
            return refused(offered, RefusalReason::NoSuchNumber, Refusal::status(404)).tell(now, out);
        };
        if self.calls.len() >= self.settings.calls_max {
            return refused(offered, RefusalReason::CallsFull, later(RETRY_AFTER)).tell(now, out);
        }
        let Some(port) = self.ports.take(now) else {
            let refusal = self.when_ports_are_free(now);
            return refused(offered, RefusalReason::PortsFull, refusal).tell(now, out);
        };
        let session_id = self.random.u64(1..1 << 62);
        let audio = match Audio::open(incoming.offer.as_ref(), incoming.local, port, session_id, &self.settings) {
            Ok(audio) => audio,
            Err(warning) => {
                self.ports.give_back(port);
                let refusal = Refusal { warning: Some(warning), ..Refusal::status(488) };
                return refused(offered, RefusalReason::NotAcceptable, refusal).tell(now, out);
            }
        };
        let label = self.queues.caller_label(&offered.caller.number).filter(|_| agent.is_none());
        let known = match (&destination, label) {
            (Destination::Walk(_), Some(label)) => self.callers.called(label, Day(self.calendar).time(now)),
            _ => KnownCaller::default(),
        };
        let facts = CallFacts {
            switches: self.switches.clone(),
            known,
            ..CallFacts::of(offered.caller.clone(), incoming.dialled)
        };
        let admitted = Admitted { leg, audio, facts, agent, offered };
        match destination {
            Destination::Walk(start) => {
                let (id, visit, leg) = self.admit(now, admitted, out);
                let mut turn = self.turn(now, out);
                let call = Call::answer(&mut turn, id, leg, visit, Beginning::Walk(start));
                self.begin(call);
            }
            Destination::Agent(called) => self.dial_colleague(now, admitted, called, out),
            Destination::Code(code) => self.take_code(now, admitted, &code, out),
        }
    }

    /// No port is free: the refusal tells when one will be.
    fn when_ports_are_free(&self, now: Moment) -> Refusal {
        let wait = self.ports.next_free().map_or(RETRY_AFTER, |free| free.since(now));
        later(wait.max(Duration::from_secs(1)))
    }

    /// Gives an admitted call its name.
    pub(super) fn admit(
        &mut self,
        now: Moment,
        admitted: Admitted,
        out: &mut Vec<Output>,
    ) -> (CallId, Visit, (LegId, Audio)) {
        let id = self.next_call;
        self.next_call = CallId(id.0.wrapping_add(1));
        out.push(journal(now, Some(id), JournalEvent::Offered(admitted.offered)));
        let visit = Visit { revision: self.revision.clone(), facts: admitted.facts, agent: admitted.agent };
        (id, visit, (admitted.leg, admitted.audio))
    }

    /// A call is in the house.
    pub(super) fn begin(&mut self, call: Call) {
        self.deadlines.insert((call.deadline(), Alarm::Call(call.id())));
        self.legs.insert(call.leg(), call.id());
        self.calls.insert(call.id(), Box::new(call));
    }

    /// Whereto `dialled` leads. A code of agents comes first, and a number of a flow; then, for agents alone, the extension of a colleague, or
    /// the name of a queue; and last the flow that takes the rest.
    pub(super) fn destination(&self, now: Moment, dialled: &str, by_agent: bool) -> Option<Destination> {
        let flows = &self.revision.flows;
        // For all others a code is a number that there is not, even where a flow takes the rest.
        if let Some(code) = flows.codes.find(dialled) {
            return by_agent.then(|| Destination::Code(code.clone()));
        }
        if let Some(entry) = flows.numbers.get(dialled) {
            return Some(Destination::Walk(Start::Flow(*entry)));
        }
        if by_agent {
            if let Some(party) = self.party(now, dialled) {
                return Some(Destination::Agent(party));
            }
            if let Some(queue) = self.queue_named(dialled) {
                return Some(Destination::Walk(Start::Queue(queue, 0)));
            }
        }
        flows.any.map(|entry| Destination::Walk(Start::Flow(entry)))
    }

    /// The queue of this name, in the present revision. Without any flow there is no language to speak in.
    pub(super) fn queue_named(&self, name: &str) -> Option<QueueIndex> {
        let flows = &self.revision.flows;
        let place = flows.queues.iter().position(|queue| &*queue.name == name).filter(|_| !flows.flows.is_empty())?;
        u16::try_from(place).ok().map(QueueIndex)
    }

    /// The agent of an extension, while there is one.
    pub(super) fn party(&self, now: Moment, extension: &str) -> Option<Party> {
        let (agent, _) = self.queues.agent(now, extension)?;
        Some(Party { agent, extension: self.queues.extension(agent) })
    }

    /// As whom a caller is known: an agent by extension and name, whatever their phone says.
    fn known_as(&self, caller: Caller, agent: Option<&Party>) -> Caller {
        agent.map_or(caller, |party| self.caller_of(party))
    }

    /// An agent as a caller.
    pub(super) fn caller_of(&self, party: &Party) -> Caller {
        let name = self.queues.called(party.agent);
        let name = Some(name.to_string()).filter(|name| !name.is_empty());
        Caller { number: PhoneNumber::new(&*party.extension), name }
    }
}

/// 503 Service Unavailable, with Retry-After (RFC 3261 section 20.33).
fn later(after: Duration) -> Refusal {
    Refusal { retry_after: Some(after), ..Refusal::status(503) }
}

/// A call that is not taken.
struct Refused {
    leg: LegId,
    offered: Box<Offered>,
    reason: RefusalReason,
    refusal: Refusal,
}

impl Refused {
    fn tell(self, now: Moment, out: &mut Vec<Output>) {
        let Refused { leg, offered, reason, refusal } = self;
        let status = refusal.status;
        out.push(Output::Sip(SipCommand::Reject { leg, refusal }));
        out.push(journal(now, None, JournalEvent::Refused { offered, reason, status }));
    }
}
