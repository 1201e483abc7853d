//! REGISTER, the proof that it takes, and the probes that find dead phones.

use std::net::IpAddr;
use std::time::Duration;

use super::UserAgent;
use super::answer::{self, Refused, SUPPORTED};
use super::receive::{Arrival, check_require};
use crate::clock::Moment;
use crate::sip::dialog;
use crate::sip::digest::{Credentials, Use, challenge};
use crate::sip::message::{HeaderName, Host, Method, NameAddr, Request, Response, Uri};
use crate::sip::peer::{ConnectionId, Output, Peer};
use crate::sip::registrar::{BindingId, Change, Failure, Probe};
use crate::sip::transaction::{ClientId, Errand, response_peer};
use crate::telephony::{AgentAccount, RegisteredPhone, SipEvent, Unreachable};

/// Extensions that a REGISTER may require besides those of calls.
const REGISTER_SUPPORTED: [&str; 2] = ["path", "outbound"];

/// When one whose passwords were wrong too often may try again.
const RETRY_AFTER_WRONG_S: u64 = 60;

/// All phones of an earlier process are asked within so long whether they are there.
const RESTORED_PROBES: Duration = Duration::from_secs(1);

/// Final responses to a probe that come from a proxy that could not reach the phone.
pub(super) const NOT_THE_PHONE: [u16; 5] = [408, 410, 430, 503, 504];

impl UserAgent {
    /// Takes over who the agents are.
    pub(super) fn set_agents(&mut self, accounts: &[AgentAccount], out: &mut Vec<Output>) {
        let changes = self.registrar.set_agents(accounts, &self.settings.realm, &mut self.layer.deadlines);
        self.has_agents = !accounts.is_empty();
        tell(changes, out);
    }

    /// Goes on with the phones that had registered with an earlier process.
    pub(super) fn restore_phones(&mut self, now: Moment, phones: &[(String, RegisteredPhone)], out: &mut Vec<Output>) {
        let limits = self.settings.registration;
        for (extension, phone) in phones {
            // Not all of them in one moment.
            let probe = now + RESTORED_PROBES * self.rng.u32(..1_000) / 1_000;
            let peer = Peer { transport: phone.transport, local: phone.local, remote: phone.remote, connection: None };
            let phone = RegisteredPhone { local: self.advertised(peer).local, ..phone.clone() };
            let deadlines = &mut self.layer.deadlines;
            tell(self.registrar.restore(now, extension, &phone, probe, &limits, deadlines), out);
        }
    }

    /// Tells of the phones that have registered, renewed their registration or gone, so that they can be kept.
    pub(super) fn tell_phones(&mut self, now: Moment, out: &mut Vec<Output>) {
        for (extension, phones) in self.registrar.changes(now) {
            out.push(Output::Event(SipEvent::PhonesRegistered { extension, phones }));
        }
    }

    /// REGISTER (RFC 3261 section 10.3). Who has not proven to be an agent is answered without state.
    pub(super) fn register(&mut self, now: Moment, arrival: Arrival, out: &mut Vec<Output>) {
        let source = arrival.from.remote.ip();
        if !self.guard.takes_claim(now, source) {
            return self.count_refused("claim_rate");
        }
        let proven = check_require(&arrival.request, &[&SUPPORTED[..], &REGISTER_SUPPORTED])
            .and_then(|()| self.authenticate(now, source, &arrival.request));
        let extension = match proven {
            Ok(extension) => extension,
            Err(refused) => return self.refuse_without_state(arrival.from, arrival.request, refused, out),
        };
        let peer = response_peer(&arrival.via, arrival.from);
        self.layer.begin_server(arrival.id, &Method::Register, peer, None);
        let own = arrival.request.headers.to().is_ok_and(|to| to.uri.user_decoded() == extension);
        if !own {
            return self.refuse(now, &arrival, Refused::status(403).because("Not your own address"), out);
        }
        let limits = self.settings.registration;
        let deadlines = &mut self.layer.deadlines;
        let done = self.registrar.register(now, &extension, &arrival.request, arrival.from, &limits, deadlines);
        match done {
            Ok(changes) => {
                let response = self.registered(now, &extension, &arrival);
                self.layer.respond(now, arrival.id, &response, out);
                tell(changes, out);
            }
            Err(failure) => {
                let refused = match failure {
                    Failure::Malformed(reason) => Refused::status(400).because(reason),
                    Failure::TooBrief => {
                        Refused::status(423).with(HeaderName::MinExpires, limits.expires_min.as_secs().to_string())
                    }
                    Failure::OutOfOrder => Refused::status(500).because("Older than what is registered"),
                };
                self.refuse(now, &arrival, refused, out);
            }
        }
    }

    /// 200 with all phones of the agent (RFC 3261 section 10.3, step 8).
    fn registered(&mut self, now: Moment, extension: &str, arrival: &Arrival) -> Response {
        let request = &arrival.request;
        let tag = self.tag();
        let mut response = answer::respond(request, 200, &tag, &self.settings.product);
        let call_id = request.headers.call_id().unwrap_or("");
        let mut outbound = false;
        for binding in self.registrar.phones(extension) {
            let seconds = (binding.expires - now).as_micros().div_ceil(1_000_000);
            let mut contact = binding.contact.clone();
            contact.parameters.set("expires", Some(&seconds.to_string()));
            response.headers.push(HeaderName::Contact, contact.to_string());
            outbound |= binding.call_id == call_id && binding.reg_id.is_some() && binding.instance.is_some();
        }
        let takes = |tag: &str| request.headers.has_option_tag(&HeaderName::Supported, tag);
        if takes("path") {
            for path in request.headers.all(&HeaderName::Path) {
                response.headers.push(HeaderName::Path, path);
            }
        }
        // Only where the first hop keeps the flow: it is us, or says so in its Path (RFC 5626 section 6).
        let direct = request.headers.vias().nth(1).is_none();
        let kept = request.headers.values(&HeaderName::Path).next().is_some_and(|path| path.contains(";ob"));
        if outbound && takes("outbound") && (direct || kept) {
            response.headers.push(HeaderName::Require, "outbound");
        }
        response.headers.push(HeaderName::Supported, REGISTER_SUPPORTED.join(", "));
        response
    }

    /// The extension of the agent who sent this, or what to say instead. An agent that does not exist takes as long as a
    /// wrong password, and is told the same.
    pub(super) fn authenticate(&mut self, now: Moment, source: IpAddr, request: &Request) -> Result<String, Refused> {
        let Some(credentials) = Credentials::of(&request.headers, &self.settings.realm) else {
            return Err(self.challenge(now, source, request, None));
        };
        // Who answers a challenge has understood it, be the answer right or wrong.
        self.offers.answered(source, request.headers.call_id().unwrap_or(""));
        let Some(count) = credentials.count() else {
            return Err(Refused::status(403).because("Digest without qop=auth"));
        };
        if !credentials.algorithm.is_some_and(|used| self.settings.digests.contains(&used)) {
            return Err(self.challenge(now, source, request, None));
        }
        match self.nonces.judge(now, &credentials.nonce, count) {
            Use::Foreign => return Err(self.challenge(now, source, request, Some((&credentials, false)))),
            Use::Stale => return Err(self.challenge(now, source, request, Some((&credentials, true)))),
            Use::Fresh => {}
        }
        if !self.guard.may_guess(now, source) {
            self.count_refused("password_rate");
            return Err(Refused::unavailable(RETRY_AFTER_WRONG_S));
        }
        let known = self.registrar.hashes(&credentials.username);
        let exists = known.is_some();
        let proven = credentials.prove(request.method.as_str(), known.unwrap_or(&self.nobody));
        if !(proven & exists) {
            self.guard.guessed_wrong(now, source);
            self.count_refused("wrong_password");
            return Err(Refused::status(403));
        }
        // A REGISTER may be rewritten on its way to the registrar; an INVITE must call whom it was written to call.
        let same = request.method == Method::Register
            || Uri::parse(&credentials.uri).is_ok_and(|uri| uri.matches(&request.uri));
        if !same {
            return Err(Refused::status(400).because("Digest for another Request-URI"));
        }
        self.nonces.spend(now, &credentials.nonce, count);
        Ok(credentials.username)
    }

    /// 401 with one challenge for each hash function (RFC 8760 section 2.3), the preferred one first. Who has answered with
    /// one of them, if only too late, is asked for the same again.
    fn challenge(
        &mut self,
        now: Moment,
        source: IpAddr,
        request: &Request,
        answered: Option<(&Credentials, bool)>,
    ) -> Refused {
        let nonce = self.nonces.make(now);
        let (headers, settings) = (&request.headers, &self.settings);
        let stale = answered.is_some_and(|(_, stale)| stale);
        let used = answered.and_then(|(credentials, _)| credentials.algorithm);
        let algorithms = match used.filter(|used| settings.digests.contains(used)) {
            Some(used) => vec![used],
            None => {
                let cseq = headers.cseq().map_or(0, |(number, _)| number);
                let user_agent = headers.get(&HeaderName::UserAgent).unwrap_or("");
                let call_id = headers.call_id().unwrap_or("");
                self.offers.to(source, call_id, cseq, user_agent, &settings.digests)
            }
        };
        algorithms.iter().fold(Refused::status(401), |refused, algorithm| {
            refused.with(HeaderName::WwwAuthenticate, challenge(*algorithm, &settings.realm, &nonce, stale))
        })
    }

    /// The agent who calls: who says so in From, with us as the host, must prove it.
    /// Nothing is said to one that claims too often.
    pub(super) fn calling_agent(&mut self, now: Moment, arrival: &Arrival) -> Result<Option<String>, Option<Refused>> {
        if !self.has_agents {
            return Ok(None);
        }
        let Ok(from) = arrival.request.headers.from() else { return Ok(None) };
        let claims = self.registrar.hashes(&from.uri.user_decoded()).is_some()
            && (from.uri.host == arrival.request.uri.host || self.is_us(&from.uri.host, arrival));
        let offers = Credentials::of(&arrival.request.headers, &self.settings.realm).is_some();
        if !claims && !offers {
            return Ok(None);
        }
        let source = arrival.from.remote.ip();
        if !self.guard.takes_claim(now, source) {
            self.count_refused("claim_rate");
            return Err(None);
        }
        let extension = self.authenticate(now, source, &arrival.request)?;
        if claims && from.uri.user_decoded() != extension {
            return Err(Some(Refused::status(403).because("Not your own address")));
        }
        Ok(Some(extension))
    }

    fn is_us(&self, host: &Host, arrival: &Arrival) -> bool {
        match host {
            Host::Name(name) => name.eq_ignore_ascii_case(&self.settings.realm),
            Host::Address(address) => *address == arrival.from.local.ip() || self.settings.advertise == Some(*address),
        }
    }

    /// A stream is gone.
    pub(super) fn disconnected(&mut self, now: Moment, connection: ConnectionId, out: &mut Vec<Output>) {
        let changes = self.registrar.disconnected(now, connection, &mut self.layer.deadlines);
        tell(changes, out);
    }

    /// A registration is over, or its probe is due or was not answered.
    pub(super) fn expire_binding(&mut self, now: Moment, id: BindingId, out: &mut Vec<Output>) {
        let Some(binding) = self.registrar.get_mut(id) else { return };
        binding.due = None;
        if binding.expires <= now {
            let changes = self.registrar.remove(id, Unreachable::Expired, &mut self.layer.deadlines);
            return tell(changes, out);
        }
        match binding.probe {
            Probe::Next(due) if due <= now => self.send_probe(now, id, out),
            Probe::Asked(request, due) if due <= now => {
                self.layer.abandon(request);
                self.probe_missed(now, id, out);
            }
            _ => {}
        }
        self.registrar.settle(id, &mut self.layer.deadlines);
    }

    /// OPTIONS (RFC 3261 section 11): does the phone still hear us?
    fn send_probe(&mut self, now: Moment, id: BindingId, out: &mut Vec<Output>) {
        let Some(binding) = self.registrar.get_mut(id) else { return };
        binding.probes = binding.probes.wrapping_add(1) & 0x7fff_ffff;
        let flow = binding.flow;
        let mut ours = Uri::sip(flow.local.ip(), None);
        ours.user = Some("helpline".to_owned());
        let target = dialog::Target {
            uri: Uri { headers: String::new(), ..binding.contact.uri.clone() },
            peer: flow,
            route: binding.path.clone(),
        };
        let number = binding.probes;
        let tag = format!("{:016x}", self.rng.u64(..));
        let call_id = format!("{:032x}", self.rng.u128(..));
        let sender = NameAddr::new(ours).with_tag(&tag);
        let mut request =
            dialog::Dialog::dialled(target, &sender, &call_id).request(Method::Options, Some(number), &self.settings);
        request.headers.push(HeaderName::Contact, dialog::contact(flow.transport, flow.local));
        request.headers.push(HeaderName::Accept, "application/sdp");
        let sent = self.layer.begin_client(now, request, flow, Errand::Probe(id), out);
        let registration = &self.settings.registration;
        binding.probe = match sent {
            Some(request) => Probe::Asked(request, now + registration.probe_patience),
            None => Probe::Next(now + registration.probe_every),
        };
    }

    /// A probe was answered.
    pub(super) fn probe_replied(
        &mut self,
        now: Moment,
        id: BindingId,
        request: ClientId,
        status: u16,
        out: &mut Vec<Output>,
    ) {
        if status < 200 || !self.awaits_probe(id, request) {
            return;
        }
        if NOT_THE_PHONE.contains(&status) {
            return self.probe_missed(now, id, out);
        }
        let pause = self.probe_pause();
        if let Some(binding) = self.registrar.get_mut(id) {
            binding.misses = 0;
            binding.probe = Probe::Next(now + pause);
            self.probe_judged(id, out);
            self.light_lamp(now, id, out);
        }
    }

    /// A probe could not be sent, or had no answer at all.
    pub(super) fn probe_failed(&mut self, now: Moment, id: BindingId, request: ClientId, out: &mut Vec<Output>) {
        if !self.awaits_probe(id, request) {
            return;
        }
        if let Some(binding) = self.registrar.get_mut(id) {
            binding.broke();
        }
        self.probe_missed(now, id, out);
    }

    /// One answer is missing: the phone is asked again at once, until it counts as silent.
    fn probe_missed(&mut self, now: Moment, id: BindingId, out: &mut Vec<Output>) {
        let pause = self.probe_pause();
        if let Some(binding) = self.registrar.get_mut(id) {
            binding.missed();
            binding.probe = Probe::Next(if binding.is_silent() { now + pause } else { now });
            self.probe_judged(id, out);
        }
    }

    fn probe_judged(&mut self, id: BindingId, out: &mut Vec<Output>) {
        if let Some(extension) = self.registrar.get_mut(id).map(|binding| binding.extension.clone()) {
            tell(self.registrar.judge(&extension, Unreachable::Silent), out);
        }
        self.registrar.settle(id, &mut self.layer.deadlines);
    }

    fn awaits_probe(&mut self, id: BindingId, request: ClientId) -> bool {
        let probe = self.registrar.get_mut(id).map(|binding| binding.probe);
        matches!(probe, Some(Probe::Asked(asked, _)) if asked == request)
    }

    /// The time to the next probe, give or take a tenth, so that phones do not all answer at once.
    fn probe_pause(&mut self) -> Duration {
        let every = self.settings.registration.probe_every;
        every * self.rng.u32(90..=110) / 100
    }
}

fn tell(changes: Vec<Change>, out: &mut Vec<Output>) {
    out.extend(changes.into_iter().map(|change| {
        Output::Event(match change {
            Change::Reachable(extension) => SipEvent::AgentReachable { extension },
            Change::Unreachable(extension, why) => SipEvent::AgentUnreachable { extension, why },
        })
    }));
}
