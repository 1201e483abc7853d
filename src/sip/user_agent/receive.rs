//! What arrives: sorted into faults, responses, retransmissions, and requests inside and outside of dialogs.

use super::UserAgent;
use super::answer::{self, Refused, SUPPORTED};
use crate::clock::Moment;
use crate::sip::dialog::{self, tag_of};
use crate::sip::guard;
use crate::sip::message::{Fault, HeaderName, Message, Method, Request, Response, Scheme, Via};
use crate::sip::peer::{Output, Peer};
use crate::sip::stun;
use crate::sip::transaction::{Seen, ServerId, response_peer};
use crate::telephony::{LegId, TransportKind};

/// When a caller that is refused for want of room may try again.
pub(super) const RETRY_AFTER_FULL_S: u64 = 5;
/// The same while draining: by then another Helpline answers, or this one again.
pub(super) const RETRY_AFTER_DRAINING_S: u64 = 30;

/// A request that is new to the transaction layer.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) request: Request,
    /// Its topmost Via.
    pub(super) via: Via,
    /// Its transaction.
    pub(super) id: ServerId,
    /// The path that it came by.
    pub(super) from: Peer,
}

impl UserAgent {
    pub(super) fn receive_message(&mut self, now: Moment, from: Peer, bytes: &[u8], out: &mut Vec<Output>) {
        match Message::parse(bytes) {
            Ok(Message::Request(request)) if bytes.len() > self.settings.max_message => {
                self.complain(now, from, request, Refused::status(513), out);
            }
            Ok(Message::Request(request)) => self.receive_request(now, from, request, out),
            Ok(Message::Response(response)) => {
                // A stream's transaction is forgotten with its final response.
                let challenged = matches!(response.status, 401 | 407).then(|| self.layer.sent(&response)).flatten();
                let Some(reply) = self.layer.receive_response(now, &response, out) else { return };
                if !challenged.is_some_and(|sent| self.prove(now, reply, &sent, &response, out)) {
                    self.replied(now, reply, &response, out);
                }
            }
            Err(Fault::BadRequest { request, status, reason }) => {
                self.complain(now, from, *request, Refused::status(status).because(reason), out);
            }
            Err(Fault::NotSip) => self.drop_unknown(now, from, bytes, out),
            Err(Fault::TooLarge) => self.count_refused("too_large"),
            Err(Fault::Incomplete | Fault::BadResponse) => self.count_refused("malformed"),
        }
    }

    /// Answers a message of which only the headers were read, because of its length.
    pub fn refuse_unread(
        &mut self,
        now: Moment,
        from: Peer,
        head: &[u8],
        (status, reason): (u16, &'static str),
        out: &mut Vec<Output>,
    ) {
        match Message::parse(head) {
            Ok(Message::Request(request)) => {
                self.complain(now, from, request, Refused::status(status).because(reason), out);
            }
            Err(Fault::BadRequest { request, .. }) => {
                self.complain(now, from, *request, Refused::status(status).because(reason), out);
            }
            _ => self.count_refused("malformed"),
        }
        self.watch_tally(now);
    }

    fn drop_unknown(&mut self, now: Moment, from: Peer, bytes: &[u8], out: &mut Vec<Output>) {
        let blank = bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0));
        if blank {
            // A keep-alive (RFC 5626 section 4.4, and what phones send in its place).
            return;
        }
        if let Some(answer) = stun::answer(bytes, from.remote).filter(|_| from.transport == TransportKind::Udp) {
            if self.guard.may_complain(now, from.remote.ip()) {
                out.push(Output::Transmit { peer: from, bytes: answer.into() });
            }
            return;
        }
        self.count_refused(if stun::is_stun(bytes) { "stun" } else { "not_sip" });
    }

    /// Answers a request that cannot be taken, as far as it can be answered, and forgets it.
    fn complain(&mut self, now: Moment, from: Peer, request: Request, refused: Refused, out: &mut Vec<Output>) {
        self.count_refused(if refused.status == 513 { "too_large" } else { "malformed" });
        if request.method == Method::Ack || !self.guard.may_complain(now, from.remote.ip()) {
            return;
        }
        self.refuse_without_state(from, request, refused, out);
    }

    /// Answers without a transaction: the same again for each copy (RFC 3261 section 8.2.7).
    pub(super) fn refuse_without_state(
        &mut self,
        from: Peer,
        mut request: Request,
        refused: Refused,
        out: &mut Vec<Output>,
    ) {
        if !request.headers.contains(&HeaderName::Via) {
            return;
        }
        // Where the topmost Via cannot be read, the answer goes to where the request came from.
        let (peer, branch) = match request.headers.via() {
            Ok(mut via) => {
                stamp(&mut request, &mut via, from);
                (response_peer(&via, from), via.branch)
            }
            Err(_) => (from, None),
        };
        let parts = [HeaderName::CallId, HeaderName::From, HeaderName::CSeq];
        let [call_id, sender, cseq] = parts.map(|name| request.headers.get(&name).unwrap_or(""));
        let tag = self.layer.stateless_tag(&[call_id, sender, cseq, branch.as_deref().unwrap_or("")]);
        self.layer.count_answer(request.method.known_name(), refused.status);
        let response = refused.response(&request, &tag, &self.settings.product);
        out.push(Output::Transmit { peer, bytes: self.layer.print(&response) });
    }

    fn receive_request(&mut self, now: Moment, from: Peer, mut request: Request, out: &mut Vec<Output>) {
        let Ok(mut via) = request.headers.take_via() else {
            return self.count_refused("malformed");
        };
        if request.method == Method::Ack {
            // Nothing answers it.
            return self.receive_ack(now, &request, &via, out);
        }
        stamp(&mut request, &mut via, from);
        if request.method == Method::Cancel {
            return self.receive_cancel(now, from, &request, &via, out);
        }
        let id = self.layer.server_id(&request, &via, &request.method);
        match self.layer.meet(id, out) {
            Seen::Before => return,
            Seen::Unanswered(leg) => {
                if let Some(leg) = leg {
                    self.say_trying(now, leg, out);
                }
                return;
            }
            Seen::Never => {}
        }
        let inside = request.headers.get(&HeaderName::To).is_some_and(|to| tag_of(to).is_some());
        if !inside && request.headers.get(&HeaderName::UserAgent).is_some_and(guard::is_scanner) {
            return self.count_refused("scanner");
        }
        if !self.layer.has_room() {
            self.count_refused("transactions_full");
            return self.refuse_without_state(from, request, Refused::unavailable(RETRY_AFTER_FULL_S), out);
        }
        let arrival = Arrival { request, via, id, from };
        if inside { self.receive_inside(now, arrival, out) } else { self.receive_outside(now, arrival, out) }
    }

    /// A request outside of any dialog. All but INVITE are answered without state, since the answer to a copy is the
    /// same: a flood of them leaves nothing behind.
    fn receive_outside(&mut self, now: Moment, arrival: Arrival, out: &mut Vec<Output>) {
        if arrival.request.method == Method::Register && self.has_agents {
            return self.register(now, arrival, out);
        }
        if arrival.request.method == Method::Subscribe && self.has_agents {
            return self.subscribe(now, arrival, out);
        }
        if arrival.request.method != Method::Invite {
            let refused = match (self.check_outside(&arrival), &arrival.request.method) {
                (Err(refused), _) => refused,
                (Ok(()), Method::Options) => return self.options_outside(arrival, out),
                (Ok(()), _) => Refused::status(481),
            };
            return self.refuse_without_state(arrival.from, arrival.request, refused, out);
        }
        let from_tag = arrival.request.headers.get(&HeaderName::From).and_then(tag_of);
        let merge_key = self.layer.merge_key(&arrival.request, from_tag.unwrap_or(""));
        if self.layer.is_merged(merge_key) {
            let refused = Refused::status(482).because("Loop Detected (merged request)");
            return self.refuse_without_state(arrival.from, arrival.request, refused, out);
        }
        let agent = match self.calling_agent(now, &arrival) {
            Ok(agent) => agent,
            Err(Some(refused)) => return self.refuse_without_state(arrival.from, arrival.request, refused, out),
            Err(None) => return,
        };
        if let Some((reason, seconds)) = self.no_room_for_call(now, &arrival) {
            self.count_refused(reason);
            return self.refuse_without_state(arrival.from, arrival.request, Refused::unavailable(seconds), out);
        }
        let peer = response_peer(&arrival.via, arrival.from);
        self.layer.begin_server(arrival.id, &arrival.request.method, peer, Some(merge_key));
        match self.check_outside(&arrival) {
            Ok(()) => self.invite(now, arrival, agent, out),
            Err(refused) => self.refuse(now, &arrival, refused, out),
        }
    }

    /// Why no further call is taken now, and in how many seconds to try again.
    fn no_room_for_call(&mut self, now: Moment, arrival: &Arrival) -> Option<(&'static str, u64)> {
        let from = arrival.from.remote.ip();
        if self.draining {
            Some(("draining", RETRY_AFTER_DRAINING_S))
        } else if self.is_full() {
            Some(("full", RETRY_AFTER_FULL_S))
        } else if self.has_too_many_newcomers(from) && self.trunks.from(from).is_none() {
            Some(("unacknowledged", RETRY_AFTER_FULL_S))
        } else if self.guard.takes_call(now) {
            None
        } else {
            Some(("rate", 1 + self.rng.u64(..RETRY_AFTER_FULL_S)))
        }
    }

    /// The inspections of RFC 3261 sections 8.2.1 and 8.2.2.
    fn check_outside(&self, arrival: &Arrival) -> Result<(), Refused> {
        let request = &arrival.request;
        check_method(&request.method)?;
        if let Scheme::Other(_) = request.uri.scheme {
            return Err(Refused::status(416));
        }
        let in_a_circle = request.headers.vias().any(|via| self.layer.is_our_via(via));
        if in_a_circle {
            return Err(Refused::status(482));
        }
        // A call goes on from here, to agents and trunks: one that has gone in a circle ends (RFC 7332 section 4). OPTIONS
        // with 0 asks whoever it reaches (RFC 3261 section 11).
        let last_hop = request.headers.max_forwards().is_ok_and(|left| left == Some(0));
        if last_hop && request.method == Method::Invite {
            return Err(Refused::status(483));
        }
        check_require(request, &[&SUPPORTED])
    }

    /// A request inside a dialog (RFC 3261 section 12.2.2).
    fn receive_inside(&mut self, now: Moment, arrival: Arrival, out: &mut Vec<Output>) {
        if arrival.request.method == Method::Subscribe {
            return self.subscribe_again(now, arrival, out);
        }
        let request = &arrival.request;
        let refused = check_method(&request.method).err();
        let id = self.leg_of(request).filter(|_| refused.is_none());
        let Some((id, leg)) = id.and_then(|id| Some((id, self.legs.get_mut(&id)?))) else {
            let refused = refused.unwrap_or_else(|| Refused::status(481));
            return self.refuse_without_state(arrival.from, arrival.request, refused, out);
        };
        let peer = response_peer(&arrival.via, arrival.from);
        self.layer.begin_server(arrival.id, &request.method, peer, None);
        let number = request.headers.cseq().map_or(0, |(number, _)| number);
        if leg.dialog.remote_cseq.is_some_and(|last| number <= last) {
            return self.refuse(now, &arrival, Refused::status(500).because("CSeq is lower than before"), out);
        }
        leg.dialog.remote_cseq = Some(number);
        leg.dialog.heard(&arrival.via, arrival.from);
        if let Err(refused) = check_require(request, &[&SUPPORTED]) {
            return self.refuse(now, &arrival, refused, out);
        }
        if !leg.is_live() && request.method != Method::Bye {
            return self.refuse(now, &arrival, Refused::status(481), out);
        }
        match request.method {
            Method::Invite | Method::Update => self.change(now, id, arrival, out),
            Method::Bye => self.bye(now, id, &arrival, out),
            Method::Info => self.info(now, id, &arrival, out),
            Method::Prack => self.prack(now, id, &arrival, out),
            Method::Refer => self.refer(now, id, arrival, out),
            _ => self.options(now, &arrival, out),
        }
        self.settle(id);
    }

    /// The leg whose dialog a request names.
    pub(super) fn leg_of(&self, request: &Request) -> Option<LegId> {
        let tag = tag_of(request.headers.get(&HeaderName::To)?)?;
        let from_tag = tag_of(request.headers.get(&HeaderName::From)?);
        let id = super::leg::leg_of_tag(tag)?;
        let dialog = &self.legs.get(&id)?.dialog;
        dialog.is_named(request.headers.call_id().ok()?, tag, from_tag.unwrap_or("")).then_some(id)
    }

    /// OPTIONS within a dialog (RFC 3261 section 11.2).
    fn options(&mut self, now: Moment, arrival: &Arrival, out: &mut Vec<Output>) {
        let response = self.abilities(arrival, "");
        self.layer.respond(now, arrival.id, &response, out);
    }

    /// OPTIONS outside of a dialog: answered as an INVITE would be.
    fn options_outside(&mut self, arrival: Arrival, out: &mut Vec<Output>) {
        if self.draining || self.is_full() {
            let seconds = if self.draining { RETRY_AFTER_DRAINING_S } else { RETRY_AFTER_FULL_S };
            return self.refuse_without_state(arrival.from, arrival.request, Refused::unavailable(seconds), out);
        }
        let tag = self.layer.stateless_tag(&[arrival.request.headers.call_id().unwrap_or("")]);
        let response = self.abilities(&arrival, &tag);
        self.layer.count_answer(Method::Options.known_name(), 200);
        let peer = response_peer(&arrival.via, arrival.from);
        out.push(Output::Transmit { peer, bytes: self.layer.print(&response) });
    }

    fn abilities(&self, arrival: &Arrival, tag: &str) -> Response {
        let mut response = answer::respond(&arrival.request, 200, tag, &self.settings.product);
        let contact = dialog::contact(arrival.from.transport, arrival.from.local);
        answer::say_abilities(&mut response.headers, &contact);
        response.headers.push(HeaderName::Accept, "application/sdp");
        response.headers.push(HeaderName::AcceptEncoding, "identity");
        response.headers.push(HeaderName::AcceptLanguage, "en");
        response
    }

    /// Refuses a request of no leg's, with a tag of its own.
    pub(super) fn refuse(&mut self, now: Moment, arrival: &Arrival, refused: Refused, out: &mut Vec<Output>) {
        let tag = self.tag();
        let response = refused.response(&arrival.request, &tag, &self.settings.product);
        self.layer.respond(now, arrival.id, &response, out);
    }

    pub(super) fn tag(&mut self) -> String {
        format!("{:016x}", self.rng.u64(..))
    }
}

/// Tells in the topmost Via where the request came from (RFC 3261 section 18.2.1, RFC 3581 section 4).
fn stamp(request: &mut Request, via: &mut Via, from: Peer) {
    let source = from.remote.ip();
    let asked = via.rport.is_some();
    if asked {
        via.rport = Some(Some(from.remote.port()));
    }
    let told = asked || via.host.address() != Some(source);
    // What the sender itself wrote there is not to be believed.
    let changed = told || via.received.is_some();
    via.received = told.then_some(source);
    if !changed {
        return;
    }
    request.headers.set_topmost_via(via);
}

fn check_method(method: &Method) -> Result<(), Refused> {
    match method {
        Method::Invite
        | Method::Bye
        | Method::Options
        | Method::Update
        | Method::Info
        | Method::Prack
        | Method::Refer => Ok(()),
        _ => Err(Refused::method_not_allowed()),
    }
}

pub(super) fn check_require(request: &Request, supported: &[&[&str]]) -> Result<(), Refused> {
    let known = |tag: &&str| supported.iter().copied().flatten().any(|known| known.eq_ignore_ascii_case(tag));
    let unknown: Vec<&str> =
        request.headers.option_tags(&HeaderName::Require).into_iter().filter(|tag| !known(tag)).collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Refused::status(420).with(HeaderName::Unsupported, unknown.join(", ")))
    }
}
