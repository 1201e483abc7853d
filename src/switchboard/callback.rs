//! Callbacks, from the caller's wish to the conversation: the promise is kept with the place, and when its turn has come
//! the caller is called, by a trunk or at an address, before the agent or after.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use super::agent_leg::{Ring, Why};
use super::audio::Audio;
use super::call::{Call, Summons, Visit};
use super::distribution::{Offering, printable};
use super::errand::Errand;
use super::leg::Party;
use super::queues::{Booked, Promise};
use super::sent::Whom;
use super::waiting::Place;
use super::{Output, Switchboard, journal};
use crate::acd::{self, AgentId, EntryId, Leaving, Refused};
use crate::clock::Moment;
use crate::flow::{CallFacts, CallbackWay, FlowSet, QueueIndex, SessionInput};
use crate::journal::{Dialled, JournalEvent};
use crate::telephony::{CallHeaders, CallId, Caller, Cause, Clip, LegId, PhoneNumber, SipCommand};

/// Who still hears our goodbye is not called back yet.
const STILL_HERE: Duration = Duration::from_secs(2);
/// How long we wait when there is no room for a call.
const NO_ROOM: Duration = Duration::from_secs(30);
/// Nobody is called back while Helpline closes down.
const CLOSING_DOWN: Duration = Duration::from_secs(3_600);
/// The distributor ends an attempt by itself; this is for the case that its word never comes.
const RING_SPARE: Duration = Duration::from_secs(5);

/// Ours towards whoever is dialled: `sip` knows it, and writes it into the description.
pub(super) const OURS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// A caller who is to be called back.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The place that they have, or are to have.
    pub(super) place: Place,
    pub(super) caller: Caller,
    /// The number on which they are called.
    pub(super) number: PhoneNumber,
    /// The number that they had dialled.
    pub(super) dialled: String,
    /// The language that they speak.
    pub(super) tongue: Arc<str>,
}

/// An attempt that is due.
pub(super) struct Attempt {
    pub(super) entry: EntryId,
    /// The agent who holds the line for them, if any.
    pub(super) agent: Option<AgentId>,
    /// From 1.
    pub(super) count: u32,
    pub(super) until: Moment,
}

impl Switchboard {
    /// A waiting caller hangs up and keeps the place.
    pub(super) fn keep_place(&mut self, now: Moment, call: CallId, asked: Asked, out: &mut Vec<Output>) {
        let entry = asked.place.entry;
        let other = self.queues.promised(&asked.place.queue, &asked.number).filter(|other| *other != entry);
        if other.is_some() {
            // They are to be called on this number already, from a better place: nobody is called twice.
            return self.distribute(now, acd::Input::CallerLeft { entry, why: Leaving::ByKey }, out);
        }
        let promise = self.promise(asked, call);
        let Some(booked) = self.queues.book.get_mut(&entry) else { return };
        booked.promise = Some(Box::new(promise));
        self.distribute(now, acd::Input::CallbackWanted { entry }, out);
        // What was told of it so far is the call's; what comes is not.
        if let Some(booked) = self.queues.book.get_mut(&entry) {
            booked.call = None;
        }
    }

    /// A caller wants a place without waiting on the line. Who has one already keeps that, with the new number.
    pub(super) fn book(&mut self, now: Moment, call: CallId, asked: Asked, out: &mut Vec<Output>) {
        let entering = self.queues.entering(now, &asked.place, &asked.caller.number);
        let known = self.queues.distributor.resumable(entering.queue, entering.label);
        let known = known.or_else(|| self.queues.promised(&asked.place.queue, &asked.number));
        let known = known.and_then(|entry| self.queues.book.get_mut(&entry)?.promise.as_mut());
        let booked = if let Some(promise) = known {
            promise.number = asked.number;
            true
        } else {
            let entry = asked.place.entry;
            let promise = Some(Box::new(self.promise(asked, call)));
            let since = entering.place_time.unwrap_or(now);
            self.queues.book.insert(entry, Booked { call: None, since, promise });
            self.distribute(now, acd::Input::CallerEntered(acd::Entering { callback: true, ..entering }), out);
            self.queues.book.contains_key(&entry)
        };
        self.with_call(now, call, out, |call, turn| call.walk(turn, SessionInput::CallbackBooked(booked)));
    }

    fn promise(&mut self, asked: Asked, of: CallId) -> Promise {
        let Asked { place, caller, number, dialled, tongue } = asked;
        let next = self.new_call();
        Promise { place, caller, number, dialled, tongue, of: Some(of), next, attempt: None }
    }

    /// The name of a call that is made later.
    fn new_call(&mut self) -> CallId {
        let id = self.next_call;
        self.next_call = CallId(id.0.wrapping_add(1));
        id
    }

    /// Whether an entry is not to be called back now, and for how long.
    fn is_too_early(&self, promise: &Promise) -> Option<Duration> {
        let here = promise.of.is_some_and(|call| self.calls.contains_key(&call));
        match (self.drain.is_some(), here) {
            (true, _) => Some(CLOSING_DOWN),
            (false, true) => Some(STILL_HERE),
            (false, false) => None,
        }
    }

    fn postpone(&mut self, entry: EntryId, wait: Duration) {
        self.errands.push_back(Errand::Distribute(acd::Input::CallbackPostponed { entry, wait }));
    }

    /// Helpline closes down: who waits to be called back is called later.
    pub(super) fn postpone_all(&mut self) {
        let idle = self.queues.book.iter().filter(|(_, booked)| {
            let promise = booked.promise.as_ref().filter(|_| booked.call.is_none());
            promise.is_some_and(|promise| promise.attempt.is_none())
        });
        let idle: Vec<EntryId> = idle.map(|(entry, _)| *entry).collect();
        for entry in idle {
            self.postpone(entry, CLOSING_DOWN);
        }
    }

    /// Rings an agent for a caller who is called when they have picked up.
    pub(super) fn offer_callback(&mut self, now: Moment, offering: &Offering, out: &mut Vec<Output>) {
        let Offering { offer, agent, entry, until } = *offering;
        let Some(promise) = self.queues.book.get(&entry).and_then(|booked| booked.promise.as_ref()) else {
            let gone = acd::Input::CallerLeft { entry, why: Leaving::Failed };
            return self.errands.push_back(Errand::Distribute(gone));
        };
        if let Some(wait) = self.is_too_early(promise) {
            return self.postpone(entry, wait);
        }
        let (caller, headers) = shown(promise, self.queues.waited(now, entry));
        let (call, extension) = (promise.next, self.queues.extension(agent));
        let Some(port) = self.ports.take(now) else {
            let reason = "no RTP port is free".to_owned();
            out.push(journal(now, None, JournalEvent::AgentLegFailed { agent: extension, reason }));
            let refused = acd::Input::OfferRefused { offer, reason: Refused::Failed };
            return self.errands.push_back(Errand::Distribute(refused));
        };
        let audio = Audio::dial(OURS, port, self.random.u64(1..1 << 62), &self.settings);
        let party = Party { agent, extension };
        let (whom, announce) = (Whom::Agent(party), Vec::new());
        let ring = Ring { whom, call, begun: false, why: Why::Offer(offer), until, caller, headers, announce };
        let leg = self.dial(now, audio, ring, out);
        self.queues.ringing.insert(offer, leg);
    }

    /// Calls the caller.
    pub(super) fn call_back(&mut self, now: Moment, attempt: &Attempt, out: &mut Vec<Output>) {
        let Attempt { entry, agent, .. } = *attempt;
        let holder = agent.and_then(|agent| self.queues.lines.get(&agent).copied());
        let Some(promise) = self.queues.book.get(&entry).and_then(|booked| booked.promise.as_ref()) else {
            return self.errands.push_back(Errand::Distribute(acd::Input::CallbackFailed { entry }));
        };
        if let Some(wait) = self.is_too_early(promise) {
            return self.postpone(entry, wait);
        }
        let flows = self.revision.flows.clone();
        let queue = queue_named(&flows, &promise.place.queue);
        let way = queue.and_then(|queue| Some((queue, flows.way_to(queue, promise.number.reveal())?)));
        let Some((queue, way)) = way else {
            // Nobody may call this number any more.
            return self.errands.push_back(Errand::Distribute(acd::Input::CallbackFailed { entry }));
        };
        if self.calls.len() >= self.settings.calls_max || (agent.is_some() && holder.is_none()) {
            return self.postpone(entry, NO_ROOM);
        }
        let Some(port) = self.ports.take(now) else { return self.postpone(entry, NO_ROOM) };
        self.summon(now, attempt, (queue, way), port, out);
        if let Some(leg) = holder {
            let (words, music) = self.heard_by_agent(&flows, queue);
            let until = attempt.until + RING_SPARE;
            self.with_agent_leg(now, leg, out, |leg, turn| leg.expect(turn, words, music, until));
        }
    }

    fn summon(
        &mut self,
        now: Moment,
        attempt: &Attempt,
        (queue, way): (QueueIndex, CallbackWay),
        port: u16,
        out: &mut Vec<Output>,
    ) {
        let Attempt { entry, agent, count, until } = *attempt;
        let next = self.new_call();
        let number =
            self.queues.book.get(&entry).and_then(|booked| booked.promise.as_ref()).map(|promise| &promise.number);
        let label = number.and_then(|number| self.queues.caller_label(number));
        let known = label.map(|label| self.callers.of(label)).unwrap_or_default();
        let Some(booked) = self.queues.book.get_mut(&entry) else { return self.ports.give_back(port) };
        let since = booked.since;
        let Some(promise) = booked.promise.as_mut() else { return self.ports.give_back(port) };
        let id = std::mem::replace(&mut promise.next, next);
        promise.attempt = Some(id);
        let party = Caller { number: promise.number.clone(), name: promise.caller.name.clone() };
        let trunk = match &way {
            CallbackWay::Trunk(trunk) => Some(trunk.clone()),
            CallbackWay::Address(_) => None,
        };
        let dialled = Dialled {
            party: party.clone(),
            shown: promise.dialled.clone(),
            queue: promise.place.queue.clone(),
            callback_of: promise.of,
            trunk,
            attempt: count,
        };
        let summons = Summons {
            place: Place { since: Some(since), ..promise.place.clone() },
            queue,
            tongue: promise.tongue.clone(),
            greet: agent.is_none(),
            until: until + RING_SPARE,
            beside: agent.and_then(|agent| self.queues.lines.get(&agent).copied()),
        };
        let us = Caller { number: PhoneNumber::new(promise.dialled.clone()), name: None };
        let facts =
            CallFacts { switches: self.switches.clone(), known, ..CallFacts::of(party, promise.dialled.clone()) };
        let number = promise.number.clone();
        self.queues.attempts.insert(id, entry);
        let leg = LegId::outbound(self.next_leg);
        self.next_leg += 1;
        let audio = Audio::dial(OURS, port, self.random.u64(1..1 << 62), &self.settings);
        let offer = audio.description().clone();
        let dial = match way {
            CallbackWay::Trunk(trunk) => SipCommand::DialTrunk { leg, trunk, number, caller: us, offer },
            CallbackWay::Address(uri) => SipCommand::Dial { leg, uri, caller: us, offer },
        };
        out.push(journal(now, Some(id), JournalEvent::Dialled(Box::new(dialled))));
        let visit = Visit { revision: self.revision.clone(), facts, agent: None };
        let call = Call::summon(&mut self.turn(now, out), id, (leg, audio, dial), visit, summons);
        self.begin(call);
    }

    /// What an agent hears while the caller is called: words, and then music.
    fn heard_by_agent(&self, flows: &FlowSet, queue: QueueIndex) -> (Vec<Arc<Clip>>, Vec<Arc<Clip>>) {
        let spec = flows.queue(queue);
        let home = spec.home.map(|home| flows.flow(home)).or(flows.flows.first());
        let words = home
            .and_then(|flow| flows.find_prompt(&flow.languages[0], "phrases/queue/call_back_agent"))
            .and_then(|prompt| self.revision.clips.get(prompt.0 as usize)?.clone());
        let music = self.revision.music.get(&spec.music).cloned().unwrap_or_default();
        (words.into_iter().collect(), music)
    }

    /// Whom we called has answered.
    pub(super) fn reached(&mut self, now: Moment, call: CallId, entry: EntryId, out: &mut Vec<Output>) {
        if !self.queues.attempts.contains_key(&call) {
            return self.with_call(now, call, out, |call, turn| call.give_up(turn));
        }
        if let Some(booked) = self.queues.book.get_mut(&entry) {
            booked.call = Some(call);
        }
        self.distribute(now, acd::Input::CallbackAnswered { entry }, out);
        // Who has answered at the very moment at which they were given up is let go.
        if self.queues.attempts.remove(&call).is_some() {
            // The promise stands until they have met somebody, even if the process should die.
            if let Some(promise) = self.queues.book.get_mut(&entry).and_then(|booked| booked.promise.as_mut()) {
                promise.attempt = None;
            }
            self.with_call(now, call, out, |call, turn| call.mind_line(turn));
        }
    }

    /// The attempt came to nothing. What is no fault of the caller's counts as none.
    pub(super) fn not_reached(&mut self, now: Moment, call: CallId, cause: Cause, out: &mut Vec<Output>) {
        let Some(entry) = self.queues.attempts.remove(&call) else { return };
        let promise = self.queues.book.get_mut(&entry).and_then(|booked| booked.promise.as_mut());
        let Some(promise) = promise else { return };
        promise.attempt = None;
        let input = if is_ours(cause) {
            let flows = &self.revision.flows;
            let gap = queue_named(flows, &promise.place.queue).map(|queue| flows.queue(queue).callback.gap);
            acd::Input::CallbackPostponed { entry, wait: gap.unwrap_or(NO_ROOM) }
        } else {
            acd::Input::CallbackFailed { entry }
        };
        self.distribute(now, input, out);
    }

    /// The distributor has given an attempt up.
    pub(super) fn cancel_callback(&mut self, now: Moment, entry: EntryId, out: &mut Vec<Output>) {
        let Some(booked) = self.queues.book.get_mut(&entry) else { return };
        let Some(call) = booked.promise.as_mut().and_then(|promise| promise.attempt.take()) else { return };
        booked.call = booked.call.filter(|there| *there != call);
        self.queues.attempts.remove(&call);
        self.with_call(now, call, out, |call, turn| call.give_up(turn));
    }
}

fn queue_named(flows: &FlowSet, name: &str) -> Option<QueueIndex> {
    let place = flows.queues.iter().position(|queue| &*queue.name == name)?;
    u16::try_from(place).ok().map(QueueIndex)
}

/// Whether an attempt failed that ended so without the caller's doing: the trunk did not take the call, or was not there.
fn is_ours(cause: Cause) -> bool {
    match cause {
        Cause::RefusedBy(status) => matches!(status, 401 | 403 | 407 | 500..=599),
        Cause::TransportFailed | Cause::MediaFailed | Cause::Drained => true,
        _ => false,
    }
}

/// What the agent's phone is told of who is to be called back.
fn shown(promise: &Promise, waited: Duration) -> (Caller, CallHeaders) {
    let number = printable(promise.number.reveal());
    let name = promise.caller.name.as_deref().map(printable).filter(|name| !name.trim().is_empty());
    let who = name.unwrap_or_else(|| number.clone());
    let (queue, waited) = (&promise.place.queue, waited.as_secs());
    let quoted = who.replace('\\', "\\\\").replace('"', "\\\"");
    let mut headers = CallHeaders::new();
    for (name, value) in [
        ("P-Asserted-Identity", format!("\"{quoted}\" <sip:{number}@callback.invalid>")),
        ("Subject", format!("{queue}, call back, waited {}:{:02}", waited / 60, waited % 60)),
        ("Alert-Info", "<urn:alert:source:external>".to_owned()),
        ("X-Helpline-Queue", queue.to_string()),
        ("X-Helpline-Wait", waited.to_string()),
        ("X-Helpline-Callback", "1".to_owned()),
        ("X-Helpline-Call", promise.next.to_string()),
    ] {
        // One that is refused is one that the phone does not show.
        let _ = headers.push(name, value);
    }
    (Caller { number: promise.number.clone(), name: Some(format!("{who} ({queue}, call back)")) }, headers)
}
