//! A flow passes a caller on to somebody whom no queue gave: an agent, a number behind a trunk, or a SIP address. Their
//! telephone rings beside the caller's leg; they may hear a word before they are joined.

use std::sync::Arc;
use std::time::Duration;

use super::agent_leg::{Ring, Why};
use super::audio::Audio;
use super::callback::OURS;
use super::direct::told;
use super::leg::Party;
use super::{Output, Switchboard, journal};
use crate::acd::AgentState;
use crate::clock::Moment;
use crate::flow::{TransferTo, Untransferred};
use crate::journal::JournalEvent;
use crate::telephony::{CallHeaders, CallId, Caller, Cause, Clip, LegId, PhoneNumber};

/// Whom a leg of ours calls.
#[derive(Clone, Debug)]
pub(super) enum Whom {
    /// An agent, at whichever phone they registered.
    Agent(Party),
    /// A number.
    Number {
        /// Which.
        number: PhoneNumber,
        /// By whom it is called.
        trunk: Arc<str>,
    },
    /// A SIP address.
    Address(Arc<str>),
}

impl Whom {
    /// What they are called in the journal: an extension, the number as the flow has it, or the address.
    pub(super) fn name(&self) -> Arc<str> {
        match self {
            Whom::Agent(party) => party.extension.clone(),
            Whom::Number { number, .. } => number.reveal().into(),
            Whom::Address(address) => address.clone(),
        }
    }
}

/// What a flow wants of a transfer.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) to: TransferTo,
    pub(super) ring: Duration,
    /// What is heard by who answers, before the caller is.
    pub(super) announce: Vec<Arc<Clip>>,
}

impl Switchboard {
    /// Rings whoever is meant, for a caller who holds.
    pub(super) fn send(&mut self, now: Moment, id: CallId, sending: Sending, out: &mut Vec<Output>) {
        let rung = self.ring_for_step(now, id, sending, out);
        self.with_call(now, id, out, |call, turn| match rung {
            Ok(leg) => call.sent(turn, leg),
            Err(why) => call.not_sent(turn, why),
        });
    }

    fn ring_for_step(
        &mut self,
        now: Moment,
        id: CallId,
        Sending { to, ring, announce }: Sending,
        out: &mut Vec<Output>,
    ) -> Result<LegId, Untransferred> {
        let (address, dialled) = match self.calls.get(&id) {
            Some(call) if call.may_be_sent() => (call.address(), call.dialled_number().to_owned()),
            _ => return Err(Untransferred::Failed),
        };
        let whom = self.whom(now, &to)?;
        if matches!(&whom, Whom::Agent(party) if self.calls.get(&id).and_then(|call| call.party()) == Some(party)) {
            return Err(Untransferred::Busy);
        }
        let Some(port) = self.ports.take(now) else { return Err(Untransferred::Failed) };
        out.push(journal(now, Some(id), JournalEvent::Dialling { agent: whom.name() }));
        let call = self.calls.get(&id).expect("it was there a moment ago");
        // An agent sees who calls; the network is shown the number that the caller had dialled, as it is ours.
        let (caller, headers, at) = match &whom {
            Whom::Agent(_) => (call.caller().clone(), told(call), address),
            Whom::Number { .. } | Whom::Address(_) => {
                (Caller { number: PhoneNumber::new(dialled), name: None }, CallHeaders::new(), OURS)
            }
        };
        let ring = Ring { whom, call: id, begun: true, why: Why::Sent, until: now + ring, caller, headers, announce };
        let audio = Audio::dial(at, port, self.random.u64(1..1 << 62), &self.settings);
        Ok(self.dial(now, audio, ring, out))
    }

    fn whom(&self, now: Moment, to: &TransferTo) -> Result<Whom, Untransferred> {
        match to {
            TransferTo::Agent(extension) => {
                let party = self.party(now, extension).ok_or(Untransferred::Failed)?;
                let agent = self.queues.distributor.agent(now, party.agent).ok_or(Untransferred::Failed)?;
                match agent.state {
                    // Calls come one at a time.
                    AgentState::Ringing | AgentState::Talking | AgentState::Holding => Err(Untransferred::Busy),
                    _ if !agent.reachable => Err(Untransferred::Failed),
                    _ => Ok(Whom::Agent(party)),
                }
            }
            TransferTo::Number(number) => {
                let trunk = self.revision.flows.dial_plan.trunk_for(number).cloned().ok_or(Untransferred::Failed)?;
                Ok(Whom::Number { number: PhoneNumber::new(number.to_string()), trunk })
            }
            TransferTo::Address(address) => Ok(Whom::Address(address.clone())),
        }
    }

    /// Who was rung for a step has picked up: they hear what is to be said, or the caller.
    pub(super) fn picked_up_for_step(&mut self, now: Moment, call: CallId, leg: LegId, out: &mut Vec<Output>) {
        let mut hears = false;
        self.with_agent_leg(now, leg, out, |leg, turn| hears = leg.announce(turn));
        if !hears {
            self.meet(now, call, leg, out);
        }
    }

    /// They have heard it, or do not want to.
    pub(super) fn announced(&mut self, now: Moment, leg: LegId, out: &mut Vec<Output>) {
        let call = self.agent_legs.get(&leg).filter(|leg| leg.hears_announcement()).and_then(|leg| leg.rings_for());
        if let Some(call) = call {
            self.meet(now, call, leg, out);
        }
    }
}

/// Why nobody talks to a caller whose transfer ended so.
pub(super) fn untransferred(cause: Cause) -> Untransferred {
    match cause {
        Cause::RefusedBy(486 | 600 | 603) => Untransferred::Busy,
        Cause::RefusedBy(408 | 480 | 487) | Cause::NoAnswer | Cause::RemoteHungUp => Untransferred::NoAnswer,
        _ => Untransferred::Failed,
    }
}
