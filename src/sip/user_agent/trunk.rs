//! Trunks: registering with them, watching those that want no registration, and calling numbers by them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::UserAgent;
use super::outgoing::Ordered;
use crate::clock::Moment;
use crate::sip::dialog::{self, Target};
use crate::sip::message::{HeaderName, Host, Method, NameAddr, Request, Response, Uri};
use crate::sip::peer::{Output, Peer};
use crate::sip::transaction::{ClientId, Errand};
use crate::sip::trunk::{Talk, TrunkId, TrunkLine};
use crate::telephony::{Caller, Cause, LegId, PhoneNumber, SipEvent, TransportKind, Trunk, TrunkDown};

/// Final responses to OPTIONS by which somebody says that the trunk itself does not answer.
const NOT_THE_TRUNK: [u16; 3] = [408, 503, 504];
/// As often may OPTIONS be unanswered until a trunk counts as silent.
const MISSES_MAX: u32 = 2;
/// Pauses are lengthened by up to so many milliseconds, so that not all come at once after an outage.
const SPREAD_MAX_MS: u64 = 5_000;

impl UserAgent {
    /// Takes over what the trunks are.
    pub(super) fn set_trunks(&mut self, now: Moment, trunks: Vec<Trunk>, out: &mut Vec<Output>) {
        for gone in self.trunks.set(trunks, &mut self.rng, &mut self.layer.deadlines) {
            if let Talk::Asked(request, _) = gone.talk {
                self.layer.abandon(request);
            }
            if gone.up == Some(true) && self.trunks.named(&gone.trunk.name).is_none() {
                let trunk = gone.trunk.name;
                out.push(Output::Event(SipEvent::TrunkDown { trunk, why: TrunkDown::Silent }));
            }
        }
        // What is known of hosts holds for the new ones too.
        for id in self.trunks.ids() {
            let host = self.trunks.get(id).map(|line| line.trunk.host.to_ascii_lowercase()).unwrap_or_default();
            if let Some((remote, local)) = self.hosts.get(&host).copied() {
                self.trunk_found(now, id, remote, local);
            }
        }
    }

    /// Whether there are any trunks.
    pub fn has_trunks(&self) -> bool {
        !self.trunks.is_empty()
    }

    /// The hosts and ports of all trunks, to be looked for and told by [`UserAgent::learn_trunk`].
    pub fn trunk_hosts(&self) -> Vec<(String, u16)> {
        let mut hosts: Vec<(String, u16)> = self.trunks.hosts().map(|(host, port)| (host.to_owned(), port)).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Takes over where a trunk's host was found: its address, and ours towards it; nothing when it has none.
    pub fn learn_trunk(&mut self, now: Moment, host: &str, found: Option<(IpAddr, IpAddr)>, out: &mut Vec<Output>) {
        for id in self.trunks.ids() {
            let Some(line) = self.trunks.get(id).filter(|line| line.trunk.host.eq_ignore_ascii_case(host)) else {
                continue;
            };
            match found {
                Some((remote, local)) => self.trunk_found(now, id, remote, local),
                // Where it was found before it may still be.
                None if line.peer.is_none() => self.tell_trunk(id, Err(TrunkDown::NotFound), out),
                None => {}
            }
        }
        self.watch_tally(now);
    }

    fn trunk_found(&mut self, now: Moment, id: TrunkId, remote: IpAddr, local: IpAddr) {
        let Some(line) = self.trunks.get(id) else { return };
        let ours = self.settings.advertise.filter(|address| address.is_ipv4() == remote.is_ipv4());
        let port = self.settings.port(line.trunk.transport);
        self.trunks.found(id, now, remote, SocketAddr::new(ours.unwrap_or(local), port));
        self.trunks.settle(id, &mut self.layer.deadlines);
    }

    /// Calls a number by a trunk: one that it may not call is refused here, whoever asks.
    pub(super) fn dial_trunk(
        &mut self,
        now: Moment,
        id: LegId,
        (trunk, number): (&str, &PhoneNumber),
        mut ordered: Ordered<'_>,
        out: &mut Vec<Output>,
    ) {
        let refused = |cause| Output::Event(SipEvent::Ended { leg: id, cause });
        let Some((trunk, line)) = self.trunks.named(trunk).filter(|(_, line)| line.trunk.may_dial(number.reveal()))
        else {
            return out.push(refused(Cause::RefusedBy(403)));
        };
        let Some(peer) = line.peer else { return out.push(refused(Cause::TransportFailed)) };
        let uri = Uri { user: Some(number.reveal().to_owned()), ..line.uri() };
        ordered.trunk = Some(trunk);
        self.dial_all(now, id, vec![vec![Target { uri, peer, route: Vec::new() }]], ordered, out);
    }

    /// From of a call by a trunk: the number at the trunk's address, or the account where there is no number to show.
    pub(super) fn trunk_sender(&self, trunk: TrunkId, caller: &Caller) -> Option<NameAddr> {
        let line = self.trunks.get(trunk)?;
        let account = line.trunk.register.as_ref().map(|login| login.user.as_str());
        let number = Some(caller.number.reveal()).filter(|number| !number.is_empty());
        let mut uri = Uri::sip(line.host(), None);
        uri.user = Some(super::outgoing::escaped(number.or(account).unwrap_or("anonymous")));
        Some(NameAddr { display: caller.name.clone(), ..NameAddr::new(uri) })
    }

    /// A trunk's deadline has come.
    pub(super) fn expire_trunk(&mut self, now: Moment, id: TrunkId, out: &mut Vec<Output>) {
        let Some(line) = self.trunks.get_mut(id) else { return };
        line.due = None;
        match line.talk {
            Talk::Next(due) if due <= now => self.speak_to_trunk(now, id, out),
            Talk::Asked(request, Some(until)) if until <= now => {
                self.layer.abandon(request);
                self.trunk_failed(now, id, TrunkDown::Silent, None, out);
            }
            _ => {}
        }
        self.trunks.settle(id, &mut self.layer.deadlines);
    }

    /// REGISTER where there is an account, else OPTIONS.
    fn speak_to_trunk(&mut self, now: Moment, id: TrunkId, out: &mut Vec<Output>) {
        let patience = self.settings.registration.probe_patience;
        let Some(line) = self.trunks.get_mut(id) else { return };
        let Some(peer) = line.peer else {
            line.talk = Talk::Nothing;
            return;
        };
        line.cseq += 1;
        let (request, until) = match &line.trunk.register {
            Some(_) => (registration(line, peer, &self.settings.product), None),
            None => (question(line, peer, &self.settings.product), Some(now + patience)),
        };
        let sent = self.layer.begin_client(now, request, peer, Errand::Trunk(id), out);
        if let Some(line) = self.trunks.get_mut(id) {
            match sent {
                Some(request) => line.talk = Talk::Asked(request, until),
                None => line.failed(now, None, Duration::ZERO),
            }
        }
    }

    /// A trunk has answered.
    pub(super) fn trunk_replied(
        &mut self,
        now: Moment,
        id: TrunkId,
        request: ClientId,
        response: &Response,
        out: &mut Vec<Output>,
    ) {
        let Some(line) = self.trunks.get_mut(id).filter(|line| asked(line, request)) else { return };
        let (status, headers) = (response.status, &response.headers);
        let retry_after = headers.get(&HeaderName::RetryAfter).and_then(seconds);
        match (line.trunk.register.is_some(), status) {
            (_, ..=199) => {}
            (true, 200..=299) if line.leaving => line.talk = Talk::Nothing,
            (true, 200..=299) => {
                let granted = granted(line, response);
                line.granted(now, granted);
                self.tell_trunk(id, Ok(()), out);
            }
            (true, 423) => {
                let least = headers.get(&HeaderName::MinExpires).and_then(seconds);
                let again = least.filter(|least| *least > line.expires && line.failures == 0);
                match again {
                    Some(least) => {
                        line.expires = least;
                        line.failures = 1;
                        line.talk = Talk::Next(now);
                    }
                    None => self.trunk_failed(now, id, TrunkDown::Refused(status), retry_after, out),
                }
            }
            (true, 401 | 403 | 407) => self.trunk_failed(now, id, TrunkDown::Unauthorized, retry_after, out),
            (false, status) if !NOT_THE_TRUNK.contains(&status) => {
                line.failures = 0;
                let every = self.settings.registration.probe_every;
                line.talk = if line.leaving { Talk::Nothing } else { Talk::Next(now + every) };
                self.tell_trunk(id, Ok(()), out);
            }
            (_, status) => self.trunk_failed(now, id, TrunkDown::Refused(status), retry_after, out),
        }
        self.trunks.settle(id, &mut self.layer.deadlines);
    }

    /// A trunk has not answered, or could not be reached.
    pub(super) fn trunk_unanswered(&mut self, now: Moment, id: TrunkId, request: ClientId, out: &mut Vec<Output>) {
        if self.trunks.get(id).is_some_and(|line| asked(line, request)) {
            self.trunk_failed(now, id, TrunkDown::Silent, None, out);
            self.trunks.settle(id, &mut self.layer.deadlines);
        }
    }

    fn trunk_failed(
        &mut self,
        now: Moment,
        id: TrunkId,
        why: TrunkDown,
        retry_after: Option<Duration>,
        out: &mut Vec<Output>,
    ) {
        let spread = Duration::from_millis(self.rng.u64(..SPREAD_MAX_MS));
        let Some(line) = self.trunks.get_mut(id) else { return };
        if line.leaving {
            line.talk = Talk::Nothing;
            return;
        }
        line.failed(now, retry_after, spread);
        // One lost OPTIONS is no outage.
        let first = line.trunk.register.is_none() && line.up == Some(true) && line.failures < MISSES_MAX;
        if first {
            line.talk = Talk::Next(now);
        } else {
            self.tell_trunk(id, Err(why), out);
        }
    }

    fn tell_trunk(&mut self, id: TrunkId, state: Result<(), TrunkDown>, out: &mut Vec<Output>) {
        let Some(line) = self.trunks.get_mut(id) else { return };
        if line.up.replace(state.is_ok()) != Some(state.is_ok()) {
            let trunk = line.trunk.name.clone();
            out.push(Output::Event(match state {
                Ok(()) => SipEvent::TrunkUp { trunk },
                Err(why) => SipEvent::TrunkDown { trunk, why },
            }));
        }
    }

    /// A trunk's request was sent again with what proves who we are.
    pub(super) fn trunk_asked_again(&mut self, id: TrunkId, cseq: u32, request: ClientId) {
        if let Some(line) = self.trunks.get_mut(id) {
            let until = if let Talk::Asked(_, until) = line.talk { until } else { None };
            (line.cseq, line.talk) = (line.cseq.max(cseq), Talk::Asked(request, until));
            self.trunks.settle(id, &mut self.layer.deadlines);
        }
    }

    /// We are closing down: whoever would send us calls is told to send no more.
    pub(super) fn leave_trunks(&mut self, now: Moment, out: &mut Vec<Output>) {
        for id in self.trunks.ids() {
            let Some(line) = self.trunks.get_mut(id) else { continue };
            line.leaving = true;
            if let Talk::Asked(request, _) = line.talk {
                self.layer.abandon(request);
            }
            line.talk = Talk::Nothing;
            if line.trunk.register.is_some() && line.up == Some(true) {
                line.expires = Duration::ZERO;
                self.speak_to_trunk(now, id, out);
            }
            self.trunks.settle(id, &mut self.layer.deadlines);
        }
    }
}

fn asked(line: &TrunkLine, request: ClientId) -> bool {
    matches!(line.talk, Talk::Asked(asked, _) if asked == request)
}

/// REGISTER (RFC 3261 section 10.2).
fn registration(line: &TrunkLine, peer: Peer, product: &str) -> Request {
    let user = line.trunk.register.as_ref().map_or("", |login| login.user.as_str());
    let user = super::outgoing::escaped(user);
    let mut uri = Uri::sip(line.host(), None);
    uri.user = Some(user.clone());
    let mut request = outside(line, Method::Register, &NameAddr::new(uri), product);
    let mut contact = Uri::sip(Host::Address(peer.local.ip()), Some(peer.local.port()));
    contact.user = Some(user);
    if peer.transport == TransportKind::Tcp {
        contact.parameters.set("transport", Some("tcp"));
    }
    request.headers.push(HeaderName::Contact, format!("<{contact}>"));
    request.headers.push(HeaderName::Expires, line.expires.as_secs().to_string());
    request.headers.push(HeaderName::Allow, super::answer::ALLOW);
    request
}

/// OPTIONS (RFC 3261 section 11): is somebody there?
fn question(line: &TrunkLine, peer: Peer, product: &str) -> Request {
    let mut ours = Uri::sip(Host::Address(peer.local.ip()), None);
    ours.user = Some("helpline".to_owned());
    let mut request = outside(line, Method::Options, &NameAddr::new(ours), product);
    request.headers.set(HeaderName::To, format!("<{}>", line.uri()));
    request.headers.push(HeaderName::Contact, dialog::contact(peer.transport, peer.local));
    request.headers.push(HeaderName::Accept, "application/sdp");
    request
}

/// A request outside of any dialog, from and to `own`.
fn outside(line: &TrunkLine, method: Method, own: &NameAddr, product: &str) -> Request {
    let mut headers = crate::sip::message::Headers::new();
    headers.push(HeaderName::MaxForwards, "70");
    headers.push(HeaderName::From, own.clone().with_tag(&line.tag).to_string());
    headers.push(HeaderName::To, own.to_string());
    headers.push(HeaderName::CallId, line.call_id.as_str());
    headers.push(HeaderName::CSeq, format!("{} {}", line.cseq, method.as_str()));
    headers.push(HeaderName::UserAgent, product);
    Request { method, uri: line.uri(), headers, body: Vec::new() }
}

/// The interval that a trunk granted: that of our Contact, else Expires, else what we asked for.
fn granted(line: &TrunkLine, response: &Response) -> Duration {
    let ours = line.peer.map(|peer| peer.local);
    let contacts = response.headers.contacts().unwrap_or_default();
    let contact = contacts.iter().find(|contact| dialog::socket_address(&contact.uri) == ours);
    let of_contact = contact.and_then(|contact| seconds(contact.parameters.get("expires")?));
    let of_all = || response.headers.get(&HeaderName::Expires).and_then(seconds);
    of_contact.or_else(of_all).unwrap_or(line.expires)
}

/// Seconds at the beginning of a value; Retry-After may be followed by a comment.
fn seconds(value: &str) -> Option<Duration> {
    let digits: String = value.trim().chars().take_while(char::is_ascii_digit).take(9).collect();
    digits.parse().ok().map(Duration::from_secs)
}
