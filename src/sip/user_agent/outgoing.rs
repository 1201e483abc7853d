//! Dialling: INVITE, its responses, forks, and the answer.

use std::mem;
use std::net::{IpAddr, SocketAddr};

use super::UserAgent;
use super::answer::{self, ALLOW};
use super::incoming::takes_update;
use super::leg::{Closing, Dialling, Leg, State, tag_of_leg};
use super::session_timer;
use crate::clock::Moment;
use crate::sip::dialog::{self, Dialog};
use crate::sip::message::{HeaderName, Host, Method, NameAddr, Request, Response, Uri};
use crate::sip::peer::{Output, Peer};
use crate::sip::sdp;
use crate::sip::transaction::{ClientId, Purpose, Reply};
use crate::telephony::{Caller, Cause, LegId, SessionDescription, SipEvent, TransportKind};

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
        if self.legs.contains_key(&id) {
            return;
        }
        let path = Uri::parse(uri).ok().filter(Uri::is_sip).and_then(|uri| Some((self.path_to(&uri)?, uri)));
        let Some((peer, uri)) = path else {
            return out.push(Output::Event(SipEvent::Ended { leg: id, cause: Cause::TransportFailed }));
        };
        let call_id = format!("{:032x}", self.rng.u128(..));
        let tag = tag_of_leg(id, &mut self.rng);
        let dialog = Dialog::dialled(uri, sender(caller, peer.local.ip()), call_id, tag, peer);
        let mut leg = Leg::new(dialog, State::Confirmed(None));
        leg.described = sdp::print(offer);
        let interval = self.settings.session_expires;
        let Some(transaction) = self.send_invite(now, id, &mut leg, interval, out) else {
            return out.push(Output::Event(SipEvent::Ended { leg: id, cause: Cause::TransportFailed }));
        };
        leg.state = State::Dialling(Box::new(Dialling {
            id: transaction,
            provisional: false,
            rang: false,
            early: None,
            retries: 0,
        }));
        self.add_leg(id, leg);
    }

    fn send_invite(
        &mut self,
        now: Moment,
        id: LegId,
        leg: &mut Leg,
        interval: u32,
        out: &mut Vec<Output>,
    ) -> Option<ClientId> {
        let peer = leg.dialog.peer;
        let mut request = leg.dialog.request(Method::Invite, None, &self.settings);
        request.headers.push(HeaderName::Contact, dialog::contact(peer.transport, peer.local));
        request.headers.push(HeaderName::Allow, ALLOW);
        // No 100rel: nobody has to wait for our PRACK.
        request.headers.push(HeaderName::Supported, "timer");
        request.headers.push(HeaderName::SessionExpires, interval.to_string());
        request
            .headers
            .push(HeaderName::MinSe, self.settings.min_se.max(interval.min(self.settings.min_se)).to_string());
        answer::describe(&mut request.headers, &mut request.body, &leg.described);
        self.layer.begin_client(now, request, peer, (id, Purpose::Dial), out)
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
            State::Dialling(dialling) | State::Closing(Closing::Dialling(dialling)) if dialling.id == reply.id => {
                Some(dialling)
            }
            _ => None,
        });
        let Some(dialling) = dialling else {
            return self.acknowledge_stray(now, reply, response, true, out);
        };
        match response.status {
            ..=199 => {
                let first = !mem::replace(&mut dialling.provisional, true);
                if ended && first {
                    self.layer.cancel(now, reply.id, out);
                } else if !ended && (180..=183).contains(&response.status) {
                    let early = answer::session_description(&response.headers, &response.body).ok().flatten();
                    let news = !dialling.rang || (early.is_some() && dialling.early.is_none());
                    dialling.rang = true;
                    dialling.early = dialling.early.take().or_else(|| early.clone());
                    if news {
                        out.push(Output::Event(SipEvent::Ringing { leg: reply.leg, early }));
                    }
                }
            }
            200..=299 if ended => {
                self.acknowledge_stray(now, reply, response, true, out);
                self.drop_leg(reply.leg);
            }
            200..=299 => self.answered(now, reply, response, out),
            _ if ended => self.drop_leg(reply.leg),
            422 if dialling.retries < INTERVAL_RETRIES_MAX => self.dial_again(now, reply, response, out),
            status => self.end_leg(now, reply.leg, Cause::RefusedBy(status), None, out),
        }
    }

    /// The other side wants a longer session interval (RFC 4028 section 7.4).
    fn dial_again(&mut self, now: Moment, reply: Reply, response: &Response, out: &mut Vec<Output>) {
        let least = response.headers.min_se().ok().flatten().unwrap_or(0);
        let interval = self.settings.session_expires.max(least);
        let Some(mut leg) = self.legs.remove(&reply.leg) else { return };
        let transaction = self.send_invite(now, reply.leg, &mut leg, interval, out);
        if let (State::Dialling(dialling), Some(transaction)) = (&mut leg.state, transaction) {
            dialling.id = transaction;
            dialling.retries += 1;
            dialling.provisional = false;
        }
        self.legs.insert(reply.leg, leg);
        if transaction.is_none() {
            self.end_leg(now, reply.leg, Cause::TransportFailed, None, out);
        }
    }

    /// The party answered: ACK, and the call stands.
    fn answered(&mut self, now: Moment, reply: Reply, response: &Response, out: &mut Vec<Output>) {
        let invite = self.layer.invite_request(reply.id);
        let dialog = invite.and_then(|(invite, peer)| Dialog::from_answer(invite, response, peer));
        let (Some(dialog), Some(leg)) = (dialog, self.legs.get_mut(&reply.leg)) else { return };
        leg.dialog = dialog;
        leg.takes_update = takes_update(&response.headers);
        leg.session = session_timer::agreed(&response.headers, &self.settings, now);
        let cseq = leg.dialog.local_cseq;
        let ack = leg.dialog.request(Method::Ack, Some(cseq), &self.settings);
        let peer = leg.dialog.next_hop(&self.settings);
        let bytes = self.layer.send_ack(ack, peer, out);
        self.layer.keep_ack(reply.id, &leg.dialog.remote_tag, peer, bytes);
        let State::Dialling(dialling) = mem::replace(&mut leg.state, State::Confirmed(None)) else { return };
        let answer = answer::session_description(&response.headers, &response.body).ok().flatten();
        if let Some(answer) = answer.or(dialling.early) {
            out.push(Output::Event(SipEvent::Answered { leg: reply.leg, answer }));
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
            self.layer.begin_client(now, bye, peer, (reply.leg, Purpose::Stray), out);
        }
    }
}

/// From: the caller's number at our address.
fn sender(caller: &Caller, local: IpAddr) -> NameAddr {
    let number = caller.number.reveal();
    let mut uri = Uri::sip(local, None);
    if number.is_empty() {
        // RFC 3323 section 4.1.1.3.
        uri.user = Some("anonymous".to_owned());
        uri.host = Host::Name("anonymous.invalid".into());
    } else {
        uri.user = Some(escaped(number));
    }
    NameAddr { display: caller.name.clone(), ..NameAddr::new(uri) }
}

/// A user part, with all but RFC 3261's unreserved and user-unreserved characters escaped.
fn escaped(user: &str) -> String {
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
