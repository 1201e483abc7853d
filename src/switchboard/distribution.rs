//! Brings the distributor's decisions to callers and phones, and what becomes of them back to it.

use super::agent_leg::{AgentLeg, Ring, Why};
use super::audio::Audio;
use super::call::{Call, Joining};
use super::callback::Attempt;
use super::errand::Errand;
use super::leg::Party;
use super::queues::Booked;
use super::sent::Whom;
use super::waiting::Place;
use std::sync::Arc;
use std::time::Duration;

use super::{Alarm, Output, Switchboard, Turn, journal};
use crate::acd::{self, AgentCommand, AgentId, AgentState, EntryId, Leaving, OfferId, Outcome, Refused};
use crate::clock::Moment;
use crate::flow::Unqueued;
use crate::journal::JournalEvent;
use crate::telephony::{CallHeaders, CallId, Caller, Cause, LegId};

/// Of a name or a number that a caller's side sent, phones are shown so many characters.
const SHOWN_MAX: usize = 64;
/// Of what was keyed and set in the flow, so many values, ...
const DATA_MAX: usize = 8;
/// ... with so many characters each.
const DATA_SHOWN_MAX: usize = 128;
/// How phones ring unless their queue says otherwise (RFC 7462): for somebody from outside.
const ALERT_INFO: &str = "<urn:alert:source:external>";

/// What an offer is about.
#[derive(Clone, Copy)]
pub(super) struct Offering {
    pub(super) offer: OfferId,
    pub(super) agent: AgentId,
    pub(super) entry: EntryId,
    pub(super) until: Moment,
}

impl Switchboard {
    /// Does all that is left to do before the next input.
    pub(super) fn run_errands(&mut self, now: Moment, out: &mut Vec<Output>) {
        // What an errand has made due is due now, and not with the next input.
        while let Some(errand) = self.errands.pop_front().or_else(|| self.is_due(now)) {
            match errand {
                Errand::Enter { call, place } => self.enter(now, call, &place, out),
                Errand::Distribute(input) => self.distribute(now, input, out),
                Errand::KeepPlace { call, asked } => self.keep_place(now, call, *asked, out),
                Errand::Book { call, asked } => self.book(now, call, *asked, out),
                Errand::Reached { call, entry } => self.reached(now, call, entry, out),
                Errand::NotReached { call, cause } => self.not_reached(now, call, cause, out),
                Errand::PickedUp { leg } => self.picked_up(now, leg, out),
                Errand::Whispered { leg } => self.whispered(now, leg, out),
                Errand::Rings { call, leg } => self.with_call(now, call, out, |call, turn| call.rung(turn, leg)),
                Errand::RingFailed { call, leg, status } => {
                    self.with_call(now, call, out, |call, turn| call.ring_failed(turn, leg, status));
                }
                Errand::Send { call, sending } => self.send(now, call, *sending, out),
                Errand::NotSent { call, leg, why } => {
                    self.with_call(now, call, out, |call, turn| call.sending_failed(turn, leg, why));
                }
                Errand::Announced { leg } => self.announced(now, leg, out),
                Errand::Release { leg } => {
                    self.with_agent_leg(now, leg, out, |leg, turn| leg.hang_up(turn, Cause::LocalHungUp));
                }
                Errand::AgentLeft { call, leg, broken } => {
                    self.with_call(now, call, out, |call, turn| call.agent_left(turn, leg, broken));
                }
                Errand::AgentHolds { call, leg, holding } => {
                    self.with_call(now, call, out, |call, turn| call.agent_holds(turn, leg, holding));
                }
                Errand::KeyForAgent { leg, digit } => {
                    self.with_agent_leg(now, leg, out, |leg, turn| leg.hears_key(turn, digit));
                }
                Errand::CallerHolds { leg, music } => {
                    self.with_agent_leg(now, leg, out, |leg, turn| leg.entertain(turn, music));
                }
            }
        }
    }

    fn is_due(&self, now: Moment) -> Option<Errand> {
        let due = self.queues.distributor.deadline().is_some_and(|deadline| deadline <= now);
        due.then_some(Errand::Distribute(acd::Input::Expired))
    }

    /// An agent's phone can be called from now on. Registering it is logging in, unless the agent has logged out.
    pub(super) fn agent_reachable(&mut self, now: Moment, extension: &str) {
        let Some((agent, state)) = self.queues.agent(now, extension) else { return };
        if state == AgentState::LoggedOut && !self.queues.signed_off.contains(&agent) {
            self.errands.push_back(Errand::Distribute(acd::Input::Agent { agent, command: AgentCommand::Ready }));
        }
        self.errands.push_back(Errand::Distribute(acd::Input::AgentReachable { agent }));
    }

    /// And no more.
    pub(super) fn agent_unreachable(&mut self, now: Moment, extension: &str) {
        if let Some((agent, _)) = self.queues.agent(now, extension) {
            self.errands.push_back(Errand::Distribute(acd::Input::AgentUnreachable { agent }));
        }
    }

    /// An agent, or an operator for them, wants to take calls, or not.
    pub(super) fn command_agent(&mut self, now: Moment, extension: &str, command: AgentCommand) {
        let Some((agent, _)) = self.queues.agent(now, extension) else { return };
        self.note_command(agent, &command);
        self.errands.push_back(Errand::Distribute(acd::Input::Agent { agent, command }));
    }

    /// Whether an agent has logged out is remembered beyond the registration of their phone.
    pub(super) fn note_command(&mut self, agent: AgentId, command: &AgentCommand) {
        match command {
            AgentCommand::LogOut => {
                self.queues.signed_off.insert(agent);
            }
            AgentCommand::Ready | AgentCommand::Pause(_) => {
                self.queues.signed_off.remove(&agent);
            }
            AgentCommand::EndWrapUp | AgentCommand::ExtendWrapUp(_) => {}
        }
    }

    fn enter(&mut self, now: Moment, call: CallId, place: &Place, out: &mut Vec<Output>) {
        let Some(calling) = self.calls.get(&call).filter(|calling| calling.entry() == Some(place.entry)) else {
            return;
        };
        let number = calling.caller().number.clone();
        let entering = self.queues.entering(now, place, &number);
        let known = self.queues.distributor.resumable(entering.queue, entering.label);
        // Who calls from the number on which they are to be called has that place too.
        let known = known.or_else(|| self.queues.promised(&place.queue, &number).filter(|_| !number.is_withheld()));
        if let Some(entry) = known
            && let Some(booked) = self.queues.book.get_mut(&entry)
            && place.since.is_none_or(|since| booked.since <= since)
        {
            booked.call = Some(call);
            let since = booked.since;
            self.with_call(now, call, out, |call, _| call.take_up(entry, since));
            self.distribute(now, acd::Input::CallerResumed { entry }, out);
            if let Some(booked) = self.queues.book.get_mut(&entry) {
                booked.promise = None;
            }
            return;
        }
        let brought = self.queues.distributor.brought(entering.label);
        let brought = brought.filter(|(_, since)| entering.place_time.is_none_or(|time| *since < time));
        if let Some((entry, since)) = brought {
            self.distribute(now, acd::Input::CallerLeft { entry, why: Leaving::Abandoned }, out);
            self.with_call(now, call, out, |call, _| call.take_up(place.entry, since));
        }
        let since = brought.map(|(_, since)| since).or(entering.place_time);
        let booked = Booked { call: Some(call), since: since.unwrap_or(now), promise: None };
        self.queues.book.insert(place.entry, booked);
        self.distribute(now, acd::Input::CallerEntered(acd::Entering { place_time: since, ..entering }), out);
    }

    /// An agent has picked up. The phone's leg is the distributor's to give to the caller, or to nobody.
    fn picked_up(&mut self, now: Moment, leg: LegId, out: &mut Vec<Output>) {
        let mut wanted = None;
        self.with_agent_leg(now, leg, out, |leg, _| wanted = leg.picked_up());
        let offer = match wanted {
            Some((Why::Offer(offer), _)) => offer,
            Some((Why::Direct | Why::Passed, call)) => return self.meet(now, call, leg, out),
            Some((Why::Sent, call)) => return self.picked_up_for_step(now, call, leg, out),
            None => return,
        };
        self.queues.ringing.insert(offer, leg);
        self.distribute(now, acd::Input::OfferAccepted { offer }, out);
        self.queues.ringing.remove(&offer);
    }

    pub(super) fn distribute(&mut self, now: Moment, input: acd::Input, out: &mut Vec<Output>) {
        self.queues.changed = true;
        if let acd::Input::AgentLegEnded { agent } = input {
            self.stop_whispering(agent);
        }
        let mut wanted = Vec::new();
        self.queues.distributor.handle(now, input, &mut wanted);
        self.deliver(now, wanted, out);
    }

    /// Does what the distributor wants.
    pub(super) fn deliver(&mut self, now: Moment, wanted: Vec<acd::Output>, out: &mut Vec<Output>) {
        let mut over = Vec::new();
        for output in wanted {
            match output {
                acd::Output::Offer { offer, agent, entry, until, callback } => {
                    let offering = Offering { offer, agent, entry, until };
                    if callback {
                        self.offer_callback(now, &offering, out);
                    } else {
                        self.offer(now, offering, out);
                    }
                }
                acd::Output::Withdraw { offer, .. } | acd::Output::LateAccept { offer } => {
                    if let Some(leg) = self.queues.ringing.remove(&offer) {
                        self.with_agent_leg(now, leg, out, |leg, turn| leg.came_late(turn));
                    }
                }
                acd::Output::Connect { entry, agent } => {
                    if !self.whisper(now, entry, agent, out) {
                        self.connect(now, entry, agent, out);
                    }
                }
                acd::Output::Announce { entry, words } => {
                    self.with_entry(now, entry, out, |call, turn| call.announce(turn, words));
                }
                acd::Output::Ended { entry, outcome, .. } => {
                    over.push(entry);
                    if let Some(why) = unqueued(outcome) {
                        self.with_entry(now, entry, out, |call, turn| call.unqueued(turn, why));
                    }
                }
                acd::Output::Note(note) => {
                    let (entry, event) = self.queues.told(now, note);
                    let call = entry.and_then(|entry| self.queues.book.get(&entry)?.told_of());
                    out.push(journal(now, call, JournalEvent::Queue(Box::new(event))));
                }
                acd::Output::Release { agent } => self.release(now, agent, out),
                acd::Output::CallBack { entry, agent, attempt: count, until } => {
                    self.call_back(now, &Attempt { entry, agent, count, until }, out);
                }
                acd::Output::CancelCallBack { entry } => self.cancel_callback(now, entry, out),
            }
        }
        for entry in over {
            self.queues.book.remove(&entry);
        }
    }

    /// Rings an agent for a caller.
    fn offer(&mut self, now: Moment, offering: Offering, out: &mut Vec<Output>) {
        let Offering { offer, agent, entry, until } = offering;
        let call = self.queues.book.get(&entry).and_then(|booked| booked.call);
        let Some(calling) = call.and_then(|call| self.calls.get(&call)).filter(|call| call.entry() == Some(entry))
        else {
            let gone = acd::Input::CallerLeft { entry, why: Leaving::Failed };
            return self.errands.push_back(Errand::Distribute(gone));
        };
        let settings = &self.settings;
        let Some(port) = self.ports.take(now) else {
            let failed = JournalEvent::AgentLegFailed {
                agent: self.queues.extension(agent),
                reason: "no RTP port is free".to_owned(),
            };
            out.push(journal(now, call, failed));
            let refused = acd::Input::OfferRefused { offer, reason: Refused::OurFault };
            return self.errands.push_back(Errand::Distribute(refused));
        };
        let waited = self.queues.waited(now, entry);
        let (caller, headers) = shown(calling, waited, settings.http_address.as_deref());
        let session_id = self.random.u64(1..1 << 62);
        let audio = Audio::dial(calling.address(), port, session_id, settings);
        let call = calling.id();
        let extension = self.queues.extension(agent);
        let party = Party { agent, extension };
        let (whom, announce) = (Whom::Agent(party), Vec::new());
        let ring = Ring { whom, call, begun: true, why: Why::Offer(offer), until, caller, headers, announce };
        let id = self.dial(now, audio, ring, out);
        self.queues.ringing.insert(offer, id);
    }

    /// Joins a caller to the agent who has picked up for them.
    pub(super) fn connect(&mut self, now: Moment, entry: EntryId, agent: AgentId, out: &mut Vec<Output>) {
        let since = self.queues.book.get(&entry).map_or(now, |booked| booked.since);
        let Some(leg) = self.queues.lines.get(&agent).copied() else { return };
        let call = self.queues.book.get(&entry).and_then(|booked| booked.call);
        let mut joined = false;
        let extension = self.queues.extension(agent);
        let with = Joining { leg, agent, extension, since };
        self.with_agent_leg(now, leg, out, |leg, turn| {
            leg.leads_to(call);
            leg.joined(turn);
        });
        self.with_entry(now, entry, out, |call, turn| joined = call.connect(turn, with));
        if joined {
            self.know_agent(call, agent);
            self.errands.push_front(Errand::Distribute(acd::Input::Bridged { entry }));
        } else {
            self.errands.push_back(Errand::Distribute(acd::Input::CallerLeft { entry, why: Leaving::Failed }));
            self.errands.push_back(Errand::Release { leg });
        }
    }

    /// Who talked to a caller last is remembered; of agents who call nothing is.
    fn know_agent(&mut self, call: Option<CallId>, agent: AgentId) {
        let caller = call.and_then(|call| self.calls.get(&call)).filter(|call| call.agent().is_none());
        if let Some(label) = caller.and_then(|call| self.queues.caller_label(&call.caller().number)) {
            self.callers.met(label, &self.queues.extension(agent));
        }
    }

    /// From now on callers meet this state of the queues.
    pub(super) fn stand(&mut self, now: Moment) {
        let standings = self.queues.standings(now, &self.watched);
        if *self.standings != standings {
            self.standings = Arc::new(standings);
        }
    }

    /// Ends the leg of an agent who has picked up for nobody.
    fn release(&mut self, now: Moment, agent: AgentId, out: &mut Vec<Output>) {
        self.stop_whispering(agent);
        if let Some(leg) = self.queues.lines.get(&agent).copied() {
            self.with_agent_leg(now, leg, out, |leg, turn| leg.hang_up(turn, Cause::LocalHungUp));
        }
    }

    /// Lets the call of an entry act, if they still are there.
    fn with_entry(
        &mut self,
        now: Moment,
        entry: EntryId,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Call, &mut Turn<'_>),
    ) {
        let Some(call) = self.queues.book.get(&entry).and_then(|booked| booked.call) else { return };
        if self.calls.get(&call).is_some_and(|call| call.entry() == Some(entry)) {
            self.with_call(now, call, out, act);
        }
    }

    /// Lets an agent's leg act; its deadline is kept in order, and what it owned comes back when it is over.
    pub(super) fn with_agent_leg(
        &mut self,
        now: Moment,
        id: LegId,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut AgentLeg, &mut Turn<'_>),
    ) {
        let Some(mut leg) = self.agent_legs.remove(&id) else { return };
        let (before, rang) = (leg.deadline(), leg.offer());
        act(&mut leg, &mut self.turn(now, out));
        let after = leg.deadline();
        if let Some(offer) = rang.filter(|_| leg.offer().is_none()) {
            self.queues.ringing.remove(&offer);
        }
        if let Some(agent) = leg.agent() {
            if leg.has_line() {
                self.queues.lines.insert(agent, id);
            } else if self.queues.lines.get(&agent) == Some(&id) {
                self.queues.lines.remove(&agent);
            }
        }
        if let Some(sound) = leg.over() {
            self.take_back(now, leg.id(), leg.port(), sound);
            self.deadlines.remove(&(before, Alarm::AgentLeg(id)));
            return;
        }
        if before != after {
            self.deadlines.remove(&(before, Alarm::AgentLeg(id)));
            self.deadlines.insert((after, Alarm::AgentLeg(id)));
        }
        self.agent_legs.insert(id, leg);
    }
}

/// Why a caller's place is gone, where they did not give it up themselves.
fn unqueued(outcome: Outcome) -> Option<Unqueued> {
    match outcome {
        Outcome::TimedOut => Some(Unqueued::TimedOut),
        Outcome::Overflowed => Some(Unqueued::Full),
        Outcome::NoAgents => Some(Unqueued::NoAgents),
        Outcome::Failed => Some(Unqueued::Failed),
        Outcome::Answered | Outcome::Callback | Outcome::Abandoned | Outcome::ShortAbandoned | Outcome::LeftByKey => {
            None
        }
    }
}

/// What the agent's phone is told of the caller: From, and the headers that softphones show.
fn shown(call: &Call, waited: Duration, http_address: Option<&str>) -> (Caller, CallHeaders) {
    let who = who(call);
    let seconds = waited.as_secs();
    let place = call.place();
    let queue = place.map_or("", |place| &*place.queue);
    let alert = place.and_then(|place| place.alert_info.as_deref()).unwrap_or(ALERT_INFO);
    // RFC 3261 section 20.26; nobody but the caller's own emergency call is an emergency.
    let urgent = place.is_some_and(|place| place.priority > 0);
    let told = [
        ("P-Asserted-Identity", identity(call)),
        ("Subject", Some(format!("{queue}, waited {}:{:02}", seconds / 60, seconds % 60))),
        ("Alert-Info", Some(alert.to_owned())),
        ("Call-Info", http_address.map(|address| format!("<{address}/api/v1/calls/{}>;purpose=info", call.id()))),
        ("Priority", urgent.then(|| "urgent".to_owned())),
        ("X-Helpline-Queue", Some(queue.to_owned())),
        ("X-Helpline-Wait", Some(seconds.to_string())),
        ("X-Helpline-Call", Some(call.id().to_string())),
    ];
    let mut headers = CallHeaders::new();
    for (name, value) in told {
        if let Some(value) = value {
            // One that is refused is one that the phone does not show.
            let _ = headers.push(name, value);
        }
    }
    let named = |(name, value): (&str, String)| (format!("X-Helpline-Data-{name}"), shortened(&value, DATA_SHOWN_MAX));
    let mut left = DATA_MAX;
    for (name, value) in call.values().into_iter().map(named) {
        if left > 0 && headers.push(&name, value).is_ok() {
            left -= 1;
        }
    }
    (Caller { number: call.caller().number.clone(), name: Some(format!("{who} ({queue})")) }, headers)
}

/// A caller's name, number, or neither, to be shown.
fn who(call: &Call) -> String {
    let Caller { number, name } = call.caller();
    let name = name.as_deref().map(printable).filter(|name| !name.trim().is_empty());
    name.or_else(|| Some(printable(number.reveal())).filter(|number| !number.is_empty()))
        .unwrap_or_else(|| "withheld".to_owned())
}

/// A caller's number and name as P-Asserted-Identity has them (RFC 3325), unless the number is none that could be dialled.
pub(super) fn identity(call: &Call) -> Option<String> {
    let number = printable(call.caller().number.reveal());
    let dialable = !number.is_empty() && number.chars().all(|c| c.is_ascii_alphanumeric() || "+*._-".contains(c));
    dialable.then(|| {
        let quoted = who(call).replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{quoted}\" <sip:{number}@{}>", host(call.address()))
    })
}

pub(super) fn printable(text: &str) -> String {
    shortened(text, SHOWN_MAX)
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(most).collect()
}

fn host(address: std::net::IpAddr) -> String {
    match address {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => format!("[{address}]"),
    }
}
