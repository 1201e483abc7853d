//! Dialling: INVITE, its responses, forks, and the answer.

use std::borrow::Cow;
use std::mem;
use std::net::SocketAddr;

use super::UserAgent;
use super::answer::{self, ALLOW};
use super::incoming::takes_update;
use super::leg::{Branch, Closing, Dialling, Leg, State, tag_of_leg};
use super::prove::prove_alike;
use super::session_timer;
use crate::clock::Moment;
use crate::sip::dialog::{self, Dialog, Target};
use crate::sip::message::{HeaderName, Headers, Host, Method, NameAddr, Request, Response, Uri};
use crate::sip::peer::{Output, Peer};
use crate::sip::registrar::Binding;
use crate::sip::sdp;
use crate::sip::transaction::{ClientId, Errand, Purpose, Reply};
use crate::sip::trunk::TrunkId;
use crate::telephony::{CallHeaders, Caller, Cause, LegId, SessionDescription, SipEvent, TransportKind};

/// Where SIP is listened for when nothing else is said (RFC 3261 section 19.1.2).
const USUAL_PORT: u16 = 5060;

/// How often an INVITE is repeated with a longer session interval.
const INTERVAL_RETRIES_MAX: u8 = 2;

impl UserAgent {
    pub(super) fn dial(
        &mut self,
        now: Moment,
        id: LegId,
        uri: &str,
        caller: &Caller,
        offer: &SessionDescription,
        out: &mut Vec<Output>,
    ) {
        let path = Uri::parse(uri).ok().filter(Uri::is_sip).and_then(|uri| Some((self.path_to(&uri)?, uri)));
        let targets = path.map(|(peer, uri)| vec![Target { uri, peer, route: Vec::new() }]);
        let ordered = targets.into_iter().collect();
        self.dial_all(now, id, ordered, Ordered { caller, offer, headers: CallHeaders::new(), trunk: None }, out);
    }

    /// All phones of an agent, the preferred ones first.
    pub(super) fn dial_agent(
        &mut self,
        now: Moment,
        id: LegId,
        extension: &str,
        ordered: Ordered<'_>,
        out: &mut Vec<Output>,
    ) {
        let target = |binding: &&Binding| Target {
            uri: Uri { headers: String::new(), ..binding.contact.uri.clone() },
            peer: binding.flow,
            route: binding.path.clone(),
        };
        let groups: Vec<Vec<Target>> =
            self.registrar.targets(extension).iter().map(|group| group.iter().map(target).collect()).collect();
        if groups.is_empty() && !self.legs.contains_key(&id) {
            return out.push(Output::Event(SipEvent::Ended { leg: id, cause: Cause::RefusedBy(480) }));
        }
        self.dial_all(now, id, groups, ordered, out);
    }

    pub(super) fn dial_all(
        &mut self,
        now: Moment,
        id: LegId,
        mut groups: Vec<Vec<Target>>,
        ordered: Ordered<'_>,
        out: &mut Vec<Output>,
    ) {
        if self.legs.contains_key(&id) {
            return;
        }
        let failed = Output::Event(SipEvent::Ended { leg: id, cause: Cause::TransportFailed });
        let Some(first) = groups.first().and_then(|group| group.first()).cloned() else { return out.push(failed) };
        let call_id = format!("{:032x}", self.rng.u128(..));
        let by_trunk = ordered.trunk.and_then(|trunk| self.trunk_sender(trunk, ordered.caller));
        let sender = by_trunk.unwrap_or_else(|| sender(ordered.caller, first.peer.local));
        let sender = sender.with_tag(&tag_of_leg(id, &mut self.rng));
        groups.reverse();
        let mut dialling = Dialling {
            branches: Vec::new(),
            later: groups,
            sender,
            offer: ordered.offer.clone(),
            headers: ordered.headers,
            rang: false,
            early: None,
            failure: None,
        };
        let dialog = Dialog::dialled(first, &dialling.sender, &call_id);
        let described = described_to(&dialling.offer, &dialog);
        self.dial_next(now, id, &mut dialling, &call_id, out);
        if dialling.branches.is_empty() {
            return out.push(failed);
        }
        let mut leg = Leg::new(dialog, State::Dialling(Box::new(dialling)));
        (leg.described, leg.trunk) = (described, ordered.trunk);
        self.add_leg(id, leg);
    }

    /// Dials the next group of those that wait, if there is one.
    fn dial_next(&mut self, now: Moment, id: LegId, dialling: &mut Dialling, call_id: &str, out: &mut Vec<Output>) {
        while dialling.branches.is_empty()
            && let Some(group) = dialling.later.pop()
        {
            for target in group {
                let mut dialog = Dialog::dialled(target, &dialling.sender, call_id);
                let interval = self.settings.session_expires;
                let described = described_to(&dialling.offer, &dialog);
                let sent = self.send_invite(now, id, &mut dialog, (&dialling.headers, &described, interval), out);
                dialling.branches.extend(sent.map(|id| Branch { id, dialog, retries: 0 }));
            }
        }
    }

    fn send_invite(
        &mut self,
        now: Moment,
        id: LegId,
        dialog: &mut Dialog,
        (extra, described, interval): (&CallHeaders, &str, u32),
        out: &mut Vec<Output>,
    ) -> Option<ClientId> {
        let peer = dialog.peer;
        let mut request = dialog.request(Method::Invite, None, &self.settings);
        request.headers.push(HeaderName::Contact, dialog::contact(peer.transport, peer.local));
        request.headers.push(HeaderName::Allow, ALLOW);
        // No 100rel: nobody has to wait for our PRACK.
        request.headers.push(HeaderName::Supported, "timer");
        request.headers.push(HeaderName::SessionExpires, interval.to_string());
        request
            .headers
            .push(HeaderName::MinSe, self.settings.min_se.max(interval.min(self.settings.min_se)).to_string());
        for (name, value) in extra.iter() {
            let name = HeaderName::from_token(name);
            let value = if name == HeaderName::CallInfo { reached(value, peer) } else { Some(value.into()) };
            if let Some(value) = value {
                request.headers.push(name, value);
            }
        }
        answer::describe(&mut request.headers, &mut request.body, described);
        self.layer.begin_client(now, request, peer, Errand::Leg(id, Purpose::Dial), out)
    }

    /// How a URI is reached, and from which address of ours.
    fn path_to(&self, uri: &Uri) -> Option<Peer> {
        let transport = dialog::transport(uri).unwrap_or(TransportKind::Udp);
        let known = self.hosts.get(&host_of(uri).to_ascii_lowercase());
        let remote = match (dialog::socket_address(uri), known) {
            (Some(remote), _) => remote,
            (None, Some((remote, _))) => SocketAddr::new(*remote, uri.port.unwrap_or(5060)),
            (None, None) => return None,
        };
        let ours = self.settings.advertise.filter(|address| address.is_ipv4() == remote.is_ipv4());
        let local = ours.or(known.map(|(_, local)| *local))?;
        Some(Peer { transport, local: SocketAddr::new(local, self.settings.port(transport)), remote, connection: None })
    }

    /// A response to an INVITE that begins a call.
    pub(super) fn dial_replied(&mut self, now: Moment, reply: Reply, response: &Response, out: &mut Vec<Output>) {
        let leg = self.legs.get_mut(&reply.leg);
        let ended = matches!(leg.as_ref().map(|leg| &leg.state), Some(State::Closing(Closing::Dialling(_))));
        let dialling = leg.and_then(|leg| match &mut leg.state {
            State::Dialling(dialling) | State::Closing(Closing::Dialling(dialling))
                if dialling.branches.iter().any(|branch| branch.id == reply.id) =>
            {
                Some(dialling)
            }
            _ => None,
        });
        let Some(dialling) = dialling else {
            return self.acknowledge_stray(now, reply, response, true, out);
        };
        match response.status {
            180..=183 if !ended => {
                let early = answer::session_description(&response.headers, &response.body).ok().flatten();
                let news = !dialling.rang || (early.is_some() && dialling.early.is_none());
                dialling.rang = true;
                dialling.early = dialling.early.take().or_else(|| Some((reply.id, early.clone()?)));
                if news {
                    out.push(Output::Event(SipEvent::Ringing { leg: reply.leg, early }));
                }
            }
            ..=199 => {}
            200..=299 if ended => {
                self.acknowledge_stray(now, reply, response, true, out);
                self.branch_failed(now, reply, Cause::LocalHungUp, out);
            }
            200..=299 => self.answered(now, reply, response, out),
            422 if !ended => self.dial_again(now, reply, response, out),
            status => self.branch_failed(now, reply, Cause::RefusedBy(status), out),
        }
    }

    /// One of the INVITEs has come to nothing. When all have, the next are sent, or the leg is over. A refusal for the
    /// whole world (6xx) ends them all (RFC 3261 section 16.7, step 5).
    pub(super) fn branch_failed(&mut self, now: Moment, reply: Reply, cause: Cause, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&reply.leg) else { return };
        let ended = !leg.is_live();
        let (State::Dialling(dialling) | State::Closing(Closing::Dialling(dialling))) = &mut leg.state else { return };
        let Some(index) = dialling.branches.iter().position(|branch| branch.id == reply.id) else { return };
        dialling.branches.remove(index);
        if ended {
            if dialling.branches.is_empty() {
                self.drop_leg(reply.leg);
            }
            return;
        }
        let known = dialling.failure.get_or_insert(cause);
        if weight(cause) < weight(*known) {
            *known = cause;
        }
        let declined = matches!(cause, Cause::RefusedBy(600..));
        if declined {
            dialling.later.clear();
        }
        match (declined, dialling.branches.is_empty()) {
            (true, false) => return self.hang_up(now, reply.leg, cause, out),
            (false, false) => return,
            (_, true) => {}
        }
        let State::Dialling(mut dialling) = mem::replace(&mut leg.state, State::Confirmed(None)) else { return };
        let call_id = leg.dialog.call_id.clone();
        self.dial_next(now, reply.leg, &mut dialling, &call_id, out);
        let (over, failure) = (dialling.branches.is_empty(), dialling.failure.unwrap_or(cause));
        if let Some(leg) = self.legs.get_mut(&reply.leg) {
            leg.state = State::Dialling(dialling);
        }
        if over {
            self.end_leg(now, reply.leg, failure, None, out);
        }
    }

    /// The other side wants a longer session interval (RFC 4028 section 7.4).
    fn dial_again(&mut self, now: Moment, reply: Reply, response: &Response, out: &mut Vec<Output>) {
        let least = response.headers.min_se().ok().flatten().unwrap_or(0);
        let interval = self.settings.session_expires.max(least);
        let Some(mut leg) = self.legs.remove(&reply.leg) else { return };
        let mut sent = None;
        if let State::Dialling(dialling) = &mut leg.state
            && let Some(branch) = dialling.branches.iter_mut().find(|branch| branch.id == reply.id)
            && branch.retries < INTERVAL_RETRIES_MAX
        {
            let described = described_to(&dialling.offer, &branch.dialog);
            let extra = (&dialling.headers, described.as_str(), interval);
            sent = self.send_invite(now, reply.leg, &mut branch.dialog, extra, out);
            if let Some(id) = sent {
                branch.id = id;
                branch.retries += 1;
            }
        }
        self.legs.insert(reply.leg, leg);
        if sent.is_none() {
            self.branch_failed(now, reply, Cause::RefusedBy(422), out);
        }
    }

    /// The party answered: ACK, and the call stands. All other INVITEs are cancelled.
    fn answered(&mut self, now: Moment, reply: Reply, response: &Response, out: &mut Vec<Output>) {
        let invite = self.layer.invite_request(reply.id);
        let dialog = invite.and_then(|(invite, peer)| Dialog::from_answer(invite, response, peer));
        let (Some(dialog), Some(leg)) = (dialog, self.legs.get_mut(&reply.leg)) else { return };
        let mut proof = Headers::new();
        if let Some((invite, _)) = self.layer.invite_request(reply.id) {
            prove_alike(&invite.headers, &mut proof);
        }
        leg.dialog = dialog;
        leg.takes_update = takes_update(&response.headers);
        leg.session = session_timer::agreed(&response.headers, &self.settings, now);
        let cseq = leg.dialog.local_cseq;
        let mut ack = leg.dialog.request(Method::Ack, Some(cseq), &self.settings);
        prove_alike(&proof, &mut ack.headers);
        let peer = leg.dialog.next_hop(&self.settings);
        let bytes = self.layer.send_ack(ack, peer, out);
        self.layer.keep_ack(reply.id, &leg.dialog.remote_tag, peer, bytes);
        let State::Dialling(dialling) = mem::replace(&mut leg.state, State::Confirmed(None)) else { return };
        for other in dialling.branches.iter().filter(|branch| branch.id != reply.id) {
            self.layer.cancel(now, other.id, out);
        }
        let answer = answer::session_description(&response.headers, &response.body).ok().flatten();
        let early = dialling.early.filter(|(id, _)| *id == reply.id).map(|(_, early)| early);
        leg.described = described_to(&dialling.offer, &leg.dialog);
        let local = leg.dialog.peer.local.ip();
        if let Some(answer) = answer.or(early) {
            out.push(Output::Event(SipEvent::Answered { leg: reply.leg, answer, local }));
            self.settle(reply.leg);
        } else {
            // An answer without a description that can be read is no call.
            self.hang_up(now, reply.leg, Cause::MediaFailed, out);
        }
    }

    /// A 2xx that no leg waits for: a copy is acknowledged again, another branch of a fork and an answer that crossed
    /// our CANCEL are acknowledged and, where `and_bye`, ended (RFC 3261 sections 13.2.2.4 and 15).
    pub(super) fn acknowledge_stray(
        &mut self,
        now: Moment,
        reply: Reply,
        response: &Response,
        and_bye: bool,
        out: &mut Vec<Output>,
    ) {
        let Ok(to) = response.headers.to() else { return };
        let tag = to.tag().unwrap_or("");
        if !(200..300).contains(&response.status) || self.layer.repeat_ack(reply.id, tag, out) {
            return;
        }
        let invite: Option<(&Request, Peer)> = self.layer.invite_request(reply.id);
        let Some(mut dialog) = invite.and_then(|(invite, peer)| Dialog::from_answer(invite, response, peer)) else {
            return;
        };
        let peer = dialog.next_hop(&self.settings);
        let cseq = dialog.local_cseq;
        let ack = dialog.request(Method::Ack, Some(cseq), &self.settings);
        let bytes = self.layer.send_ack(ack, peer, out);
        self.layer.keep_ack(reply.id, tag, peer, bytes);
        if and_bye {
            let bye = dialog.request(Method::Bye, None, &self.settings);
            self.layer.begin_client(now, bye, peer, Errand::Leg(reply.leg, Purpose::Stray), out);
        }
    }
}

/// What is said to all who are dialled.
pub(super) struct Ordered<'a> {
    pub(super) caller: &'a Caller,
    pub(super) offer: &'a SessionDescription,
    pub(super) headers: CallHeaders,
    /// By whom, where a trunk makes the call.
    pub(super) trunk: Option<TrunkId>,
}

/// Our offer to one of those who are dialled: each is told the address of ours by which they reach us.
fn described_to(offer: &SessionDescription, dialog: &Dialog) -> String {
    sdp::print(&offer.reached_by(dialog.peer.local.ip()))
}

/// How telling a failure is, the most telling first: what one phone said counts more than that another one was silent
/// (after RFC 3261 section 16.7, step 6).
fn weight(cause: Cause) -> u16 {
    match cause {
        Cause::RefusedBy(600..) => 0,
        Cause::RefusedBy(408 | 480 | 503) => 7,
        Cause::RefusedBy(status) => status / 100,
        Cause::NoAnswer => 8,
        _ => 9,
    }
}

/// From: the caller's number at our address, with the port where it is not the usual one. Phones call there again, and send
/// others there whom they let take the call over (RFC 3891).
fn sender(caller: &Caller, local: SocketAddr) -> NameAddr {
    let number = caller.number.reveal();
    let mut uri = Uri::sip(local.ip(), Some(local.port()).filter(|port| *port != USUAL_PORT));
    if number.is_empty() {
        // RFC 3323 section 4.1.1.3.
        uri.user = Some("anonymous".to_owned());
        (uri.host, uri.port) = (Host::Name("anonymous.invalid".into()), None);
    } else {
        uri.user = Some(escaped(number));
    }
    NameAddr { display: caller.name.clone(), ..NameAddr::new(uri) }
}

/// A user part, with all but RFC 3261's unreserved and user-unreserved characters escaped.
pub(super) fn escaped(user: &str) -> String {
    let mut text = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The host of a URI, as [`UserAgent::learn_host`] is told it: without brackets.
fn host_of(uri: &Uri) -> String {
    match &uri.host {
        Host::Name(name) => name.to_string(),
        Host::Address(address) => address.to_string(),
    }
}

/// What a Call-Info says to the side at `peer`: with the address by which they reach us in place of the unspecified one;
/// nothing where it leads to a loopback address, and they are on another machine.
fn reached(value: &str, peer: Peer) -> Option<Cow<'_, str>> {
    let whole = Some(Cow::Borrowed(value));
    let Some((scheme, rest)) = value.split_once("://") else { return whole };
    let authority = rest.split(['/', '>']).next().unwrap_or(rest);
    // A name is what somebody has written for others to reach.
    let Ok(address) = authority.parse::<SocketAddr>() else { return whole };
    if address.ip().is_unspecified() {
        let ours = SocketAddr::new(peer.local.ip(), address.port());
        return Some(Cow::Owned(format!("{scheme}://{ours}{}", &rest[authority.len()..])));
    }
    whole.filter(|_| !address.ip().is_loopback() || peer.remote.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_told_the_address_by_which_it_reaches_the_api() {
        let near = ("127.0.0.1:5060", "127.0.0.1:40000");
        let far = ("192.0.2.1:5060", "198.51.100.7:5060");
        let six = ("[2001:db8::1]:5060", "[2001:db8::7]:5060");
        for (authority, (local, remote), told) in [
            ("0.0.0.0:8080", far, Some("192.0.2.1:8080")),
            ("0.0.0.0:8080", near, Some("127.0.0.1:8080")),
            ("[::]:8080", six, Some("[2001:db8::1]:8080")),
            ("127.0.0.1:8080", near, Some("127.0.0.1:8080")),
            ("127.0.0.1:8080", far, None),
            ("[::1]:8080", six, None),
            ("192.0.2.9:80", far, Some("192.0.2.9:80")),
            ("help.example.com", far, Some("help.example.com")),
        ] {
            let header = |authority: &str| format!("<http://{authority}/api/v1/calls/c1>;purpose=info");
            let peer = Peer {
                transport: TransportKind::Udp,
                local: local.parse().expect("an address"),
                remote: remote.parse().expect("an address"),
                connection: None,
            };
            let value = header(authority);
            assert_eq!(reached(&value, peer).as_deref(), told.map(header).as_deref(), "{authority} {remote}");
        }
    }
}
