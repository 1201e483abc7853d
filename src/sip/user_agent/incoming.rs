//! Taking a call: INVITE, ringing (reliably where the caller requires it), the answer, and CANCEL.

use std::sync::Arc;
use std::time::Duration;

use super::UserAgent;
use super::answer::{self, Refused};
use super::leg::{Early, Leg, Reliability, State, Unacknowledged, tag_of_leg};
use super::receive::Arrival;
use super::session_timer;
use crate::clock::Moment;
use crate::sip::dialog::{self, Dialog, ROUTES_MAX};
use crate::sip::message::{HeaderName, Headers, Method, Request, Scheme, Uri, Via};
use crate::sip::peer::{Output, Peer};
use crate::sip::sdp;
use crate::sip::transaction::{Seen, response_peer};
use crate::telephony::{Caller, Cause, Incoming, LegId, PhoneNumber, Refusal, SessionDescription, SipEvent};

/// 100 Trying is sent when nothing else was for this long (RFC 3261 section 17.2.1).
pub(super) const TRYING_AFTER: Duration = Duration::from_millis(200);

/// What is kept of a user part or a display name, in characters.
const NAME_LENGTH_MAX: usize = 128;

impl UserAgent {
    /// An INVITE outside of any dialog that passed all inspections.
    pub(super) fn invite(&mut self, now: Moment, arrival: Arrival, agent: Option<String>, out: &mut Vec<Output>) {
        let headers = &arrival.request.headers;
        let offer =
            answer::check_accept(headers).and_then(|()| answer::session_description(headers, &arrival.request.body));
        let granted = session_timer::grant(headers, &self.settings);
        let replaces = self.replaced_by(headers);
        let (offer, granted, replaces) = match (offer, granted, replaces) {
            (Ok(offer), Ok(granted), Ok(replaces)) => (offer, granted, replaces),
            (Err(refused), ..) | (_, Err(refused), _) | (.., Err(refused)) => {
                return self.refuse(now, &arrival, refused, out);
            }
        };
        let id = LegId::inbound(self.inbound_count + 1);
        let tag = tag_of_leg(id, &mut self.rng);
        let routes = headers.values(&HeaderName::RecordRoute).take(ROUTES_MAX + 1).count();
        let dialog = Dialog::from_invite(&arrival.request, &arrival.via, arrival.from, &tag);
        let Some(dialog) = dialog.filter(|_| routes <= ROUTES_MAX) else {
            let refused = Refused::status(400).because("Bad Contact or Record-Route");
            return self.refuse(now, &arrival, refused, out);
        };
        self.inbound_count += 1;
        let required = headers.has_option_tag(&HeaderName::Require, "100rel");
        let early = Early {
            id: arrival.id,
            trying: Some(now + TRYING_AFTER),
            offerless: offer.is_none(),
            reliability: if required { Reliability::Required } else { Reliability::Plain { rung: false } },
            pending: false,
            answer: None,
            granted,
            request: arrival.request,
        };
        let mut incoming = Incoming { agent, replaces, ..incoming_event(id, &early.request, arrival.from, offer) };
        if let Some(line) = self.trunks.from(arrival.from.remote.ip()) {
            let account = line.trunk.register.as_ref().map(|login| login.user.as_str());
            by_trunk(&mut incoming, &early.request, line.trunk.name.clone(), account);
        }
        let takes_update = takes_update(&early.request.headers);
        let stranger = incoming.trunk.is_none().then(|| arrival.from.remote.ip());
        let leg = Leg { takes_update, stranger, ..Leg::new(dialog, State::Early(Box::new(early))) };
        self.layer.belongs_to(arrival.id, id);
        self.add_leg(id, leg);
        out.push(Output::Event(SipEvent::Incoming(Box::new(incoming))));
    }

    /// 180 Ringing.
    pub(super) fn ring(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let State::Early(early) = &mut leg.state else { return };
        match &mut early.reliability {
            Reliability::Plain { rung } if !*rung => {
                *rung = true;
                early.trying = None;
                let mut response = answer::respond(&early.request, 180, &leg.dialog.local_tag, &self.settings.product);
                let peer = leg.dialog.peer;
                response.headers.push(HeaderName::Contact, dialog::contact(peer.transport, peer.local));
                self.layer.respond(now, early.id, &response, out);
            }
            // A reliable response to an INVITE without offer must carry ours (RFC 3262 section 5): not before the
            // switchboard has given it.
            Reliability::Required if !early.offerless => self.ring_reliably(now, id, out),
            _ => {}
        }
        self.settle(id);
    }

    /// A 180 that the caller must acknowledge (RFC 3262 section 3), with our offer where the INVITE had none.
    fn ring_reliably(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let State::Early(early) = &mut leg.state else { return };
        let rseq = self.rng.u32(1..0x8000_0000);
        let mut response = answer::respond(&early.request, 180, &leg.dialog.local_tag, &self.settings.product);
        let peer = leg.dialog.peer;
        answer::say_abilities(&mut response.headers, &dialog::contact(peer.transport, peer.local));
        response.headers.push(HeaderName::Require, "100rel");
        response.headers.push(HeaderName::RSeq, rseq.to_string());
        let offered = early.offerless && early.pending;
        if offered {
            answer::describe(&mut response.headers, &mut response.body, &leg.described);
        }
        let Some((peer, bytes)) = self.layer.respond(now, early.id, &response, out) else { return };
        let timers = self.settings.timers;
        early.trying = None;
        early.reliability = Reliability::Unacknowledged {
            rseq,
            offered,
            bytes,
            peer,
            resend: (now + timers.t1, timers.t1),
            until: now + timers.give_up(),
        };
    }

    /// The switchboard's answer: 200, at once or after the PRACK that must come before it.
    pub(super) fn answer(&mut self, now: Moment, id: LegId, description: &SessionDescription, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let State::Early(early) = &mut leg.state else { return };
        if early.pending {
            return;
        }
        leg.described = sdp::print(&answer::at_home(description, leg.dialog.peer.local.ip()));
        early.pending = true;
        match early.reliability {
            Reliability::Plain { .. } | Reliability::Acknowledged { .. } => self.accept(now, id, out),
            Reliability::Required => self.ring_reliably(now, id, out),
            Reliability::Unacknowledged { .. } => {}
        }
        self.settle(id);
    }

    /// 200 OK to the first INVITE.
    fn accept(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let State::Early(early) = &mut leg.state else { return };
        let mut response = answer::respond(&early.request, 200, &leg.dialog.local_tag, &self.settings.product);
        let peer = leg.dialog.peer;
        answer::say_abilities(&mut response.headers, &dialog::contact(peer.transport, peer.local));
        say_info_packages(&early.request.headers, &mut response.headers);
        if let Some(granted) = early.granted {
            granted.write(&mut response.headers);
            leg.session = Some(granted.session(now));
        }
        let already = matches!(early.reliability, Reliability::Acknowledged { offered: true });
        if !already {
            answer::describe(&mut response.headers, &mut response.body, &leg.described);
        }
        let (offered, answer) = (early.offerless && !already, early.answer.take());
        let cseq = early.request.headers.cseq().map_or(0, |(number, _)| number);
        let sent = self.layer.respond(now, early.id, &response, out);
        let timers = self.settings.timers;
        leg.state = State::Confirmed(sent.map(|(peer, bytes)| {
            let resend = (now + timers.t1, timers.t1);
            let until = now + timers.give_up();
            Box::new(Unacknowledged { bytes, peer, cseq, resend, until, offered, initial: true, answer })
        }));
    }

    /// PRACK (RFC 3262 section 3).
    pub(super) fn prack(&mut self, now: Moment, id: LegId, arrival: &Arrival, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let acknowledged = match &mut leg.state {
            State::Early(early) => acknowledged_by(early, &arrival.request).map(|offered| (early, offered)),
            _ => None,
        };
        let Some((early, offered)) = acknowledged else {
            return self.refuse(now, arrival, Refused::status(481), out);
        };
        match answer::session_description(&arrival.request.headers, &arrival.request.body) {
            Ok(description) if offered => early.answer = description,
            Ok(None) => {}
            // A new offer may not come before its predecessor was answered.
            Ok(Some(_)) => return self.refuse(now, arrival, Refused::status(488), out),
            Err(refused) => return self.refuse(now, arrival, refused, out),
        }
        early.reliability = Reliability::Acknowledged { offered };
        let ready = early.pending;
        let response = answer::respond(&arrival.request, 200, "", &self.settings.product);
        self.layer.respond(now, arrival.id, &response, out);
        if ready {
            self.accept(now, id, out);
        }
    }

    /// The switchboard's refusal.
    pub(super) fn reject(&mut self, now: Moment, id: LegId, refusal: &Refusal, out: &mut Vec<Output>) {
        if self.legs.get(&id).is_some_and(|leg| matches!(leg.state, State::Early(_))) {
            self.refuse_invite(now, id, Refused::from_switchboard(refusal), Cause::Refused, out);
        } else {
            self.hang_up(now, id, Cause::Refused, out);
        }
    }

    /// A final response to an unanswered INVITE, and the end of its leg.
    pub(super) fn refuse_invite(
        &mut self,
        now: Moment,
        id: LegId,
        refused: Refused,
        cause: Cause,
        out: &mut Vec<Output>,
    ) {
        let Some(leg) = self.legs.get(&id) else { return };
        let State::Early(early) = &leg.state else { return };
        let response = refused.response(&early.request, &leg.dialog.local_tag, &self.settings.product);
        self.layer.respond(now, early.id, &response, out);
        self.end_leg(now, id, cause, None, out);
    }

    /// CANCEL (RFC 3261 section 9.2). One that crosses the 200 is answered and changes nothing.
    pub(super) fn receive_cancel(
        &mut self,
        now: Moment,
        from: Peer,
        request: &Request,
        via: &Via,
        out: &mut Vec<Output>,
    ) {
        let id = self.layer.server_id(request, via, &Method::Cancel);
        if self.layer.meet(id, out) != Seen::Never {
            return;
        }
        let target = self.layer.server_id(request, via, &Method::Invite);
        let Some((leg, unanswered)) = self.layer.invite(target) else {
            return self.refuse_without_state(from, request.clone(), Refused::status(481), out);
        };
        self.layer.begin_server(id, &Method::Cancel, response_peer(via, from), None);
        let tag = leg.and_then(|leg| Some(self.legs.get(&leg)?.dialog.local_tag.clone()));
        let tag = tag.unwrap_or_else(|| self.tag());
        let response = answer::respond(request, 200, &tag, &self.settings.product);
        self.layer.respond(now, id, &response, out);
        let Some(leg) = leg.filter(|_| unanswered) else { return };
        let first =
            matches!(self.legs.get(&leg).map(|leg| &leg.state), Some(State::Early(early)) if early.id == target);
        if first {
            self.refuse_invite(now, leg, Refused::status(487), Cause::Cancelled, out);
        } else {
            self.withdraw_change(now, leg, out);
        }
    }

    /// 100 Trying to the INVITE or re-INVITE that waits.
    pub(super) fn say_trying(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let waiting = match (&mut leg.state, &mut leg.change) {
            (State::Early(early), _) => Some((&mut early.trying, early.id, &early.request)),
            (_, Some(change)) if change.invite => Some((&mut change.trying, change.id, &change.request)),
            _ => None,
        };
        if let Some((trying, transaction, request)) = waiting
            && trying.take().is_some()
        {
            let response = answer::respond(request, 100, "", &self.settings.product);
            self.layer.respond(now, transaction, &response, out);
        }
        self.settle(id);
    }
}

/// Whether a PRACK acknowledges our reliable response, and if so whether our offer went with it.
fn acknowledged_by(early: &mut Early, prack: &Request) -> Option<bool> {
    let Reliability::Unacknowledged { rseq, offered, .. } = early.reliability else { return None };
    let cseq = early.request.headers.cseq().map_or(0, |(number, _)| number);
    (prack.headers.rack().ok()? == (rseq, cseq, Method::Invite)).then_some(offered)
}

/// We take no Info-Package, and say so to those who ask (RFC 6086 section 4.2.2).
pub(super) fn say_info_packages(request: &Headers, response: &mut Headers) {
    if request.contains(&HeaderName::RecvInfo) {
        response.push(HeaderName::RecvInfo, "");
    }
}

/// Whether the sender of these headers takes UPDATE (RFC 3311 section 5.1).
pub(super) fn takes_update(headers: &Headers) -> bool {
    headers.values(&HeaderName::Allow).any(|method| method == "UPDATE")
}

fn incoming_event(leg: LegId, request: &Request, from: Peer, offer: Option<SessionDescription>) -> Incoming {
    Incoming {
        leg,
        caller: caller(&request.headers),
        dialled: user(&request.uri),
        offer,
        local: from.local.ip(),
        source: from.remote,
        transport: from.transport,
        sip_call_id: request.headers.call_id().unwrap_or("").to_owned(),
        agent: None,
        trunk: None,
        replaces: None,
    }
}

/// What a trunk says is believed: who calls, in P-Asserted-Identity (RFC 3325), and what was dialled, in To, where the
/// call went to the account that we registered.
fn by_trunk(incoming: &mut Incoming, request: &Request, trunk: Arc<str>, account: Option<&str>) {
    let headers = &request.headers;
    let withheld = headers.values(&HeaderName::Privacy).any(|value| value.contains("id"));
    let asserted = headers.routes(&HeaderName::PAssertedIdentity).unwrap_or_default();
    let number = asserted.iter().map(|identity| user(&identity.uri)).find(|number| !number.is_empty());
    if let Some(number) = number.filter(|_| !withheld) {
        incoming.caller.number = PhoneNumber::new(number);
        let name = asserted.iter().find_map(|identity| identity.display.as_deref());
        let name = name.map(shortened).filter(|name| !name.is_empty());
        incoming.caller.name = name.or_else(|| incoming.caller.name.take());
    }
    if Some(incoming.dialled.as_str()) == account
        && let Ok(to) = headers.to()
    {
        incoming.dialled = user(&to.uri);
    }
    incoming.trunk = Some(trunk);
}

fn caller(headers: &Headers) -> Caller {
    let Ok(from) = headers.from() else { return Caller::default() };
    let number = user(&from.uri);
    // RFC 3323 section 4.1.1.3: who withholds the number writes this.
    let withheld = number.eq_ignore_ascii_case("anonymous");
    let name = from.display.as_deref().map(shortened).filter(|name| !name.is_empty());
    Caller { number: PhoneNumber::new(if withheld { String::new() } else { number }), name }
}

fn user(uri: &Uri) -> String {
    let user = uri.user_decoded();
    let is_number = uri.scheme == Scheme::Tel
        || uri.parameters.get("user").is_some_and(|value| value.eq_ignore_ascii_case("phone"));
    if is_number {
        // Visual separators mean nothing (RFC 3966 section 5.1.1).
        let plain: String = user.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).collect();
        return shortened(&plain);
    }
    shortened(&user)
}

fn shortened(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(NAME_LENGTH_MAX).collect()
}
