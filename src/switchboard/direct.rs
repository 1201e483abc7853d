//! Agents' own calls: a colleague's phone is rung for one who dials, or to take a call over.

use std::time::Duration;

use super::agent_leg::{AgentLeg, Ring, Why};
use super::audio::Audio;
use super::call::{Call, Met};
use super::distribution::identity;
use super::incoming::Admitted;
use super::leg::Party;
use super::sent::Whom;
use super::{Alarm, Output, Switchboard, journal};
use crate::acd::AgentState;
use crate::clock::Moment;
use crate::journal::JournalEvent;
use crate::telephony::{CallHeaders, CallId, Cause, LegId};

/// As long a colleague's phone rings for one who dials it.
pub const DIRECT_RING: Duration = Duration::from_secs(60);

/// What those are told who dial themselves, or somebody whose phone rings for a waiting caller (486 Busy Here).
const BUSY: u16 = 486;

/// What those are told for whom there is no port (480 Temporarily Unavailable).
const NO_PORT: u16 = 480;

impl Switchboard {
    /// An agent has dialled a colleague: the phone rings, and the call is answered when it is.
    pub(super) fn dial_colleague(&mut self, now: Moment, admitted: Admitted, called: Party, out: &mut Vec<Output>) {
        let (id, visit, leg) = self.admit(now, admitted, out);
        let busy = self.is_engaged(now, &called) || visit.agent.as_ref() == Some(&called);
        let mut turn = self.turn(now, out);
        let call = Call::ring(&mut turn, id, leg, visit);
        self.begin(call);
        let rung = if busy { Err(BUSY) } else { self.ring(now, id, called, Why::Direct, out).ok_or(NO_PORT) };
        self.with_call(now, id, out, |call, turn| match rung {
            Ok(leg) => call.dials(leg),
            Err(status) => call.reject(turn, status),
        });
    }

    /// Whether an agent's phone rings for a caller who waits: no colleague takes that away.
    pub(super) fn is_engaged(&self, now: Moment, party: &Party) -> bool {
        self.queues.distributor.agent(now, party.agent).is_some_and(|agent| agent.state == AgentState::Ringing)
    }

    /// Rings an agent for a call, other than by a queue's offer. `None` when no port is free.
    pub(super) fn ring(
        &mut self,
        now: Moment,
        id: CallId,
        party: Party,
        why: Why,
        out: &mut Vec<Output>,
    ) -> Option<LegId> {
        let call = self.calls.get(&id)?;
        let port = self.ports.take(now)?;
        out.push(journal(now, Some(id), JournalEvent::Dialling { agent: party.extension.clone() }));
        let headers = told(call);
        let (caller, until) = (call.caller().clone(), now + DIRECT_RING);
        let (whom, announce) = (Whom::Agent(party), Vec::new());
        let ring = Ring { whom, call: id, begun: true, why, until, caller, headers, announce };
        let audio = Audio::dial(call.address(), port, self.random.u64(1..1 << 62), &self.settings);
        Some(self.dial(now, audio, ring, out))
    }

    /// Dials, and opens the audio beside that of the caller for whom it is, if they have any.
    pub(super) fn dial(&mut self, now: Moment, audio: Audio, ring: Ring, out: &mut Vec<Output>) -> LegId {
        let id = LegId::outbound(self.next_leg);
        self.next_leg += 1;
        let beside = self.calls.get(&ring.call).map(|call| call.leg());
        let leg = AgentLeg::dial(&mut self.turn(now, out), (id, audio, beside), ring);
        self.deadlines.insert((leg.deadline(), Alarm::AgentLeg(id)));
        self.agent_legs.insert(id, Box::new(leg));
        id
    }

    /// A phone was answered that rang for a call without a queue.
    pub(super) fn meet(&mut self, now: Moment, id: CallId, leg: LegId, out: &mut Vec<Output>) {
        let Some(met) = self.agent_legs.get(&leg).map(|phone| Met::at(phone, None)) else { return };
        let mut joined = false;
        self.with_call(now, id, out, |call, turn| joined = call.met(turn, met));
        self.with_agent_leg(now, leg, out, |leg, turn| {
            if joined {
                leg.joined(turn);
            } else {
                leg.hang_up(turn, Cause::LocalHungUp);
            }
        });
    }
}

/// What a colleague's phone is told.
pub(super) fn told(call: &Call) -> CallHeaders {
    let mut headers = CallHeaders::new();
    let inside = if call.agent().is_some() { "internal" } else { "external" };
    let told = [
        ("P-Asserted-Identity", identity(call)),
        ("Alert-Info", Some(format!("<urn:alert:source:{inside}>"))),
        ("X-Helpline-Queue", call.came_from().map(|queue| queue.to_string())),
        ("X-Helpline-Call", Some(call.id().to_string())),
    ];
    for (name, value) in told {
        if let Some(value) = value {
            // One that is refused is one that the phone does not show.
            let _ = headers.push(name, value);
        }
    }
    headers
}
