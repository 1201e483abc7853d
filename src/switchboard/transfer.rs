//! Transfers (REFER, RFC 3515) and calls that take another's place (Replaces, RFC 3891). Agents alone have them: nobody
//! else can make Helpline dial, or join, anything.

use super::agent_leg::{AgentLeg, Why};
use super::audio::{Audio, Stream};
use super::call::{Met, Start};
use super::incoming::Destination;
use super::leg::{Duty, Leg, Party};
use super::{Alarm, Output, Switchboard, journal};
use crate::clock::Moment;
use crate::journal::{JournalEvent, Transfer as Asked};
use crate::telephony::{CallId, Incoming, LegId, SipCommand, Transfer};

/// The highest priority that a transfer to a queue may give.
const PRIORITY_MAX: u8 = 9;

/// Why a transfer is not made, and the status that tells so.
type Refused = (u16, &'static str);

const NO_AGENT: Refused = (603, "only agents transfer calls");
const NOBODY: Refused = (603, "there is nobody to pass on");
const UNDER_WAY: Refused = (491, "another transfer is under way");
const NO_TARGET: Refused = (404, "there is no such extension, queue or number");
const BUSY: Refused = (486, "the agent is busy");
const NO_PORT: Refused = (503, "no RTP port is free");
const STRANGERS: Refused = (603, "the other call is another agent's");
const NOT_THERE: Refused = (481, "it names no conversation of an agent's");
const NOT_JOINED: Refused = (603, "the two cannot be joined");

/// What is at the other end of an agent's leg.
#[derive(Clone, Copy, Debug)]
enum Far {
    /// The caller of this call.
    Caller(CallId),
    /// In the agent's own call, the agent at this leg.
    Colleague(CallId, LegId),
    /// In the agent's own call, a phone that rings.
    Ringing(CallId, LegId),
    /// In the agent's own call, a flow or a queue.
    Walk(CallId),
}

impl Far {
    fn call(self) -> CallId {
        match self {
            Far::Caller(call) | Far::Colleague(call, _) | Far::Ringing(call, _) | Far::Walk(call) => call,
        }
    }
}

impl Switchboard {
    /// A party wants its call to go elsewhere.
    pub(super) fn transfer_asked(&mut self, now: Moment, leg: LegId, transfer: &Transfer, out: &mut Vec<Output>) {
        let by = self.party_at(leg).cloned();
        let call = self.far(leg).map(Far::call);
        let said = match (&by, transfer.replaces) {
            (None, _) => Err(NO_AGENT),
            (Some(by), Some(other)) => self.join_ends(now, leg, other, by, out),
            (Some(by), None) => self.pass_on(now, leg, by, transfer, out),
        };
        if let Err((status, _)) = said {
            out.push(Output::Sip(SipCommand::TransferProgress { leg, status }));
        }
        let asked = Asked {
            by: by.map(|by| by.extension).unwrap_or_default(),
            to: transfer.target.clone(),
            kind: if transfer.replaces.is_some() { "attended" } else { "blind" },
            status: said.unwrap_or_else(|(status, _)| status),
            why: said.err().map(|(_, why)| why),
        };
        out.push(journal(now, call, JournalEvent::Transfer(Box::new(asked))));
    }

    /// A blind transfer: the target is all that is known of it.
    fn pass_on(
        &mut self,
        now: Moment,
        leg: LegId,
        by: &Party,
        transfer: &Transfer,
        out: &mut Vec<Output>,
    ) -> Result<u16, Refused> {
        let (name, priority) = wish(transfer);
        let target = self.target(now, &name).ok_or(NO_TARGET)?;
        let far = self.far(leg).ok_or(NOBODY)?;
        let (Far::Caller(call) | Far::Colleague(call, _)) = far else { return Err(NOBODY) };
        if self.calls.get(&call).is_some_and(|call| call.rings().is_some()) {
            return Err(UNDER_WAY);
        }
        if let Destination::Agent(party) = &target
            && (party == by || self.is_engaged(now, party) || self.is_party_to(party, far))
        {
            return Err(BUSY);
        }
        self.set_agent_aside(now, far, out);
        let revision = self.revision.clone();
        match target {
            Destination::Agent(party) => {
                let rings = self.ring(now, call, party, Why::Passed, out).ok_or(NO_PORT)?;
                self.with_call(now, call, out, |call, turn| call.pass(turn, rings));
                return Ok(100);
            }
            // A code is for who dials it.
            Destination::Code(_) => return Err(NO_TARGET),
            Destination::Walk(start) => {
                out.push(Output::Sip(SipCommand::TransferProgress { leg, status: 200 }));
                self.with_call(now, call, out, |call, turn| match start {
                    Start::Queue(queue, _) => call.send_to_queue(turn, &revision, (queue, priority)),
                    Start::Flow(flow) => call.send_to_flow(turn, &revision, (flow, &name)),
                });
            }
        }
        Ok(200)
    }

    /// Whereto a transfer leads: a flow's number, a colleague's extension, or a queue. Numbers outside the house are
    /// dialled by a trunk's allow-list alone; here is where it is to be asked.
    fn target(&self, now: Moment, name: &str) -> Option<Destination> {
        self.revision.flows.numbers.contains_key(name).then(|| self.destination(now, name, true)).flatten().or_else(
            || {
                let party = self.party(now, name).map(Destination::Agent);
                party.or_else(|| Some(Destination::Walk(Start::Queue(self.queue_named(name)?, 0))))
            },
        )
    }

    /// An attended transfer: those at the other ends of two of the agent's legs are joined.
    fn join_ends(
        &mut self,
        now: Moment,
        leg: LegId,
        other: LegId,
        by: &Party,
        out: &mut Vec<Output>,
    ) -> Result<u16, Refused> {
        if self.party_at(other) != Some(by) {
            return Err(STRANGERS);
        }
        let (one, two) = (self.far(leg).ok_or(NOBODY)?, self.far(other).ok_or(NOBODY)?);
        if matches!(one, Far::Ringing(..)) {
            return Err(NOBODY);
        }
        let passed_on = |far: Far| !matches!(far, Far::Ringing(..)) && self.rings_already(far.call());
        if passed_on(one) || passed_on(two) {
            return Err(UNDER_WAY);
        }
        // Who is to be kept is made the caller of their call; a call by a queue's caller comes first.
        let (first, second) = match (one, two) {
            (Far::Caller(_), _) => (one, two),
            (_, Far::Caller(_)) => (two, one),
            (Far::Colleague(..), _) => (one, two),
            (_, Far::Colleague(..)) => (two, one),
            _ => return Err(NOT_JOINED),
        };
        self.can_join(first, second)?;
        self.set_agent_aside(now, first, out);
        let call = first.call();
        if !matches!(second, Far::Ringing(..)) {
            out.push(Output::Sip(SipCommand::TransferProgress { leg, status: 200 }));
        }
        match second {
            Far::Colleague(given, phone) => {
                self.with_call(now, given, out, |given, turn| given.give_away(turn));
                self.with_agent_leg(now, phone, out, |phone, _| phone.rejoin(call));
                self.move_to(now, call, phone, by, out);
            }
            Far::Walk(given) => {
                let mut walk = None;
                self.with_call(now, given, out, |given, turn| walk = given.give_walk(turn));
                let mut entry = None;
                if let Some(walk) = walk {
                    self.with_call(now, call, out, |call, turn| entry = call.take_walk(turn, walk));
                }
                for phone in self.rung_for(given) {
                    self.with_agent_leg(now, phone, out, |phone, _| phone.ring_for(call));
                }
                if let Some(booked) = entry.and_then(|entry| self.queues.book.get_mut(&entry)) {
                    booked.call = Some(call);
                }
            }
            Far::Caller(given) => {
                let keeps = self.calls.get(&given).is_some_and(|call| call.agent().is_some());
                let (call, given) = if keeps { (call, given) } else { (given, call) };
                let phone = self.as_agent_leg(now, given, call, out);
                self.move_to(now, call, phone, by, out);
            }
            Far::Ringing(given, phone) => {
                self.with_call(now, given, out, |given, turn| given.give_ringing(turn));
                self.with_agent_leg(now, phone, out, |phone, _| phone.ring_for(call));
                self.with_call(now, call, out, |call, turn| call.pass(turn, phone));
                return Ok(100);
            }
        }
        Ok(200)
    }

    /// Whether two ends can be joined: one of them is an agent, who is talked to.
    fn can_join(&self, first: Far, second: Far) -> Result<(), Refused> {
        let call = |id| self.calls.get(&id).ok_or(NOBODY);
        match (first, second) {
            (_, Far::Walk(_)) => Ok(()),
            (Far::Caller(one), Far::Caller(two)) if call(one)?.agent().is_none() && call(two)?.agent().is_none() => {
                Err(NOT_JOINED)
            }
            // The ends are one and the same, or one that is on both sides.
            _ if first.call() == second.call() => Err(NOT_JOINED),
            _ => Ok(()),
        }
    }

    /// An agent's INVITE takes over what another leg has (RFC 3891). Nothing else is done by it than by the transfer of
    /// the one who has that leg.
    /// The error is the status of the refusal.
    pub(super) fn replace(
        &mut self,
        now: Moment,
        incoming: &Incoming,
        replaced: LegId,
        by: Option<&Party>,
        out: &mut Vec<Output>,
    ) -> Result<(), u16> {
        let said = by.ok_or((403, NO_AGENT.1)).and_then(|by| self.take_over(now, incoming, replaced, by, out));
        let call = self.agent_legs.get(&incoming.leg).and_then(|leg| leg.joined_to());
        let asked = Asked {
            by: by.map(|by| by.extension.clone()).unwrap_or_default(),
            to: String::new(),
            kind: "replaces",
            status: said.map_or_else(|(status, _)| status, |()| 200),
            why: said.err().map(|(_, why)| why),
        };
        out.push(journal(now, call, JournalEvent::Transfer(Box::new(asked))));
        said.map_err(|(status, _)| status)
    }

    fn take_over(
        &mut self,
        now: Moment,
        incoming: &Incoming,
        replaced: LegId,
        by: &Party,
        out: &mut Vec<Output>,
    ) -> Result<(), Refused> {
        let from = self.party_at(replaced).cloned().ok_or(NOT_THERE)?;
        let far = self.far(replaced).ok_or(NOT_THERE)?;
        let (Far::Caller(call) | Far::Colleague(call, _)) = far else { return Err(NOT_JOINED) };
        if self.rings_already(call) {
            return Err(UNDER_WAY);
        }
        let kept = match far {
            Far::Colleague(_, phone) => phone,
            _ => self.calls.get(&call).map(|call| call.leg()).ok_or(NOBODY)?,
        };
        let port = self.ports.take(now).ok_or(NO_PORT)?;
        let session_id = self.random.u64(1..1 << 62);
        let opened = Audio::open(incoming.offer.as_ref(), incoming.local, port, session_id, &self.settings);
        let Ok(audio) = opened else {
            self.ports.give_back(port);
            return Err((488, "nothing in the offer that we can take"));
        };
        self.set_agent_aside(now, far, out);
        let mut turn = self.turn(now, out);
        turn.open(incoming.leg, port, audio.plan().clone(), Some(kept));
        turn.sip(SipCommand::Answer { leg: incoming.leg, description: audio.description().clone() });
        let mut leg = Leg { agent: Some(by.clone()), ..Leg::new(incoming.leg, audio, Stream::Open) };
        leg.count_as_direct(&mut turn);
        let leg = AgentLeg::adopt(&mut turn, leg, call);
        self.file(leg);
        self.move_to(now, call, incoming.leg, &from, out);
        Ok(())
    }

    /// A call of an agent's ends, and its leg becomes that of an agent who is joined to `call`.
    fn as_agent_leg(&mut self, now: Moment, given: CallId, call: CallId, out: &mut Vec<Output>) -> LegId {
        let given = self.calls.remove(&given).expect("its other end was looked at");
        self.deadlines.remove(&(given.deadline(), Alarm::Call(given.id())));
        self.legs.remove(&given.leg());
        let mut turn = self.turn(now, out);
        let leg = given.hand_over(&mut turn);
        let leg = AgentLeg::adopt(&mut turn, leg, call);
        let id = leg.id();
        self.file(leg);
        id
    }

    fn file(&mut self, leg: AgentLeg) {
        self.deadlines.insert((leg.deadline(), Alarm::AgentLeg(leg.id())));
        if let Some(agent) = leg.agent().filter(|_| leg.has_line()) {
            self.queues.lines.insert(agent, leg.id());
        }
        self.agent_legs.insert(leg.id(), Box::new(leg));
    }

    /// The caller of `call` talks to the agent at `phone` from now on.
    fn move_to(&mut self, now: Moment, call: CallId, phone: LegId, by: &Party, out: &mut Vec<Output>) {
        let Some(leg) = self.agent_legs.get(&phone) else { return };
        let met = Met::at(leg, Some(by.extension.clone()));
        self.with_call(now, call, out, |call, turn| call.move_to(turn, met));
        self.with_agent_leg(now, phone, out, |leg, turn| leg.tell_hold(turn));
    }

    /// Where the agent has called a colleague, the colleague becomes the caller, so that the agent's leg can go.
    fn set_agent_aside(&mut self, now: Moment, far: Far, out: &mut Vec<Output>) {
        let Far::Colleague(id, other) = far else { return };
        let (Some(mut call), Some(mut phone)) = (self.calls.remove(&id), self.agent_legs.remove(&other)) else {
            return;
        };
        self.deadlines.remove(&(call.deadline(), Alarm::Call(id)));
        self.deadlines.remove(&(phone.deadline(), Alarm::AgentLeg(other)));
        self.legs.remove(&call.leg());
        if let Some(agent) = phone.agent()
            && self.queues.lines.get(&agent) == Some(&other)
        {
            self.queues.lines.remove(&agent);
        }
        let caller = phone.party().map(|party| self.caller_of(party));
        let agent = call.party().map(|party| party.extension.clone()).unwrap_or_default();
        let counted = call.duty().and_then(|(agent, duty)| (duty == Duty::Queue).then_some(agent));
        call.turn_round(&mut self.turn(now, out), phone.leg_mut(), caller, (agent, counted));
        self.legs.insert(call.leg(), id);
        self.deadlines.insert((call.deadline(), Alarm::Call(id)));
        self.calls.insert(id, call);
        self.file(*phone);
    }

    /// What is at the other end of a leg, if it is an agent's that talks, waits or rings.
    fn far(&self, leg: LegId) -> Option<Far> {
        if let Some(phone) = self.agent_legs.get(&leg) {
            return phone.joined_to().map(Far::Caller);
        }
        let id = *self.legs.get(&leg)?;
        let call = self.calls.get(&id)?;
        if let Some(phone) = call.talks_to() {
            Some(Far::Colleague(id, phone))
        } else if let Some(phone) = call.dialled() {
            Some(Far::Ringing(id, phone))
        } else {
            call.walks().then_some(Far::Walk(id))
        }
    }

    /// The agent whose phone a leg leads to, if it is one's.
    fn party_at(&self, leg: LegId) -> Option<&Party> {
        match self.agent_legs.get(&leg) {
            Some(phone) => phone.party(),
            None => self.calls.get(self.legs.get(&leg)?)?.party(),
        }
    }

    /// The phones that ring for a call, or whose agent hears about its caller.
    fn rung_for(&self, call: CallId) -> Vec<LegId> {
        self.agent_legs.values().filter(|phone| phone.is_rung_for(call)).map(|phone| phone.id()).collect()
    }

    /// Whether a phone rings to take somebody's place in a call.
    fn rings_already(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|call| call.rings().is_some())
    }

    /// Whether an agent is the one who is to be passed on.
    fn is_party_to(&self, party: &Party, far: Far) -> bool {
        match far {
            Far::Caller(call) => self.calls.get(&call).and_then(|call| call.party()) == Some(party),
            Far::Colleague(_, leg) | Far::Ringing(_, leg) => self.party_at(leg) == Some(party),
            Far::Walk(_) => false,
        }
    }
}

/// The name that a transfer gives, and the priority, as a parameter of the user part or of the URI:
/// `sip:support;priority=2@…` or `sip:support@…;priority=2`.
fn wish(transfer: &Transfer) -> (String, Option<u8>) {
    let (name, inside) = transfer.target.split_once(';').unwrap_or((&transfer.target, ""));
    let behind = transfer.uri.rsplit_once('@').map_or(transfer.uri.as_str(), |(_, host)| host);
    let behind = behind.split_once('?').map_or(behind, |(uri, _)| uri);
    let priority = inside.split(';').chain(behind.split(';').skip(1)).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case("priority").then(|| value.trim().parse::<u8>().ok()).flatten()
    });
    (name.to_owned(), priority.map(|priority| priority.min(PRIORITY_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_read_where_phones_can_write_it() {
        for (target, uri, name, priority) in [
            ("support", "sip:support@192.0.2.1", "support", None),
            ("support;priority=2", "sip:support;priority=2@192.0.2.1", "support", Some(2)),
            ("support", "sip:support@192.0.2.1;transport=tcp;priority=3", "support", Some(3)),
            ("support", "sip:support@192.0.2.1;Priority=200?Subject=a;priority=1", "support", Some(9)),
            ("support;priority=high", "sip:support;priority=high@192.0.2.1", "support", None),
            ("1002", "tel:1002", "1002", None),
        ] {
            let transfer = Transfer { target: target.into(), uri: uri.into(), replaces: None, referred_by: None };
            assert_eq!(wish(&transfer), (name.to_owned(), priority), "{uri}");
        }
    }
}
