//! Server transactions (RFC 3261 section 17.2 with RFC 6026 section 7.1).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::{Due, SERVER_TRANSACTIONS_MAX, TransactionLayer, earlier, response_bytes};
use crate::clock::Moment;
use crate::sip::dialog::tag_of;
use crate::sip::message::{BRANCH_COOKIE, HeaderName, Host, Method, Request, Response, Via};
use crate::sip::peer::{Output, Peer};
use crate::telephony::LegId;

/// Answered transactions are forgotten at whole multiples of this: they are only to live long enough, and so one wake-up
/// ends those of many calls.
const FORGET_STEP: Duration = Duration::from_millis(250);

/// The name of a server transaction: a fingerprint of what RFC 3261 section 17.2.3 matches by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sip) struct ServerId(u128);

/// What the layer knows of a request that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sip) enum Seen {
    /// Nothing: it is new.
    Never,
    /// A retransmission, which was answered as before or needs no answer.
    Before,
    /// A retransmission of an INVITE that has not been answered at all yet; it is this leg's.
    Unanswered(Option<LegId>),
}

#[derive(Debug)]
pub(super) struct ServerTransaction {
    method: &'static str,
    peer: Peer,
    state: State,
    /// Its entry in `merged`.
    merge_key: Option<u128>,
    /// The leg whose INVITE it is.
    leg: Option<LegId>,
    due: Option<Moment>,
}

#[derive(Debug)]
enum State {
    /// Trying or Proceeding: the layer above owes an answer.
    Proceeding { invite: bool, provisional: Option<Arc<[u8]>> },
    /// An INVITE was given a 2xx, which the layer above retransmits (RFC 6026); ends by timer L.
    Accepted { until: Moment },
    /// An INVITE was refused; timers G (`resend`, none on a stream) and H.
    Refused { response: Arc<[u8]>, resend: Option<(Moment, Duration)>, until: Moment },
    /// A refusal was acknowledged; ends by timer I.
    Confirmed { until: Moment },
    /// Another request was answered; ends by timer J.
    Completed { response: Arc<[u8]>, until: Moment },
}

impl ServerTransaction {
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }

    pub(super) fn waits_for_user(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    fn deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Proceeding { .. } => None,
            State::Accepted { until } | State::Confirmed { until } | State::Completed { until, .. } => Some(*until),
            State::Refused { resend, until, .. } => earlier(resend.map(|(at, _)| at), Some(*until)),
        }
    }
}

impl TransactionLayer {
    /// The name of the transaction that `request` belongs to, looked for as if its method were `method`: INVITE for an
    /// ACK, and for the request that a CANCEL is about.
    pub(in crate::sip) fn server_id(&self, request: &Request, via: &Via, method: &Method) -> ServerId {
        let host: &[u8] = match &via.host {
            Host::Name(name) => name.as_bytes(),
            Host::Address(IpAddr::V4(address)) => &address.octets(),
            Host::Address(IpAddr::V6(address)) => &address.octets(),
        };
        let port: &[u8] = &via.port.unwrap_or(0).to_be_bytes();
        let method = method.as_str().as_bytes();
        let parts = match &via.branch {
            Some(branch) if branch.starts_with(BRANCH_COOKIE) && branch.len() > BRANCH_COOKIE.len() => {
                return ServerId(self.fingerprinter.of(&[branch.as_bytes(), host, port, method]));
            }
            Some(branch) => branch.as_bytes(),
            None => b"",
        };
        // A request of an RFC 2543 element. The To tag is left out: it tells no two requests apart that the rest of
        // these do not, and an ACK has another than its INVITE.
        let cseq = request.headers.cseq().map_or(0, |(number, _)| number);
        ServerId(self.fingerprinter.of(&[
            b"RFC 2543",
            request.uri.to_string().as_bytes(),
            request.headers.get(&HeaderName::From).and_then(tag_of).unwrap_or("").as_bytes(),
            request.headers.call_id().unwrap_or("").as_bytes(),
            &cseq.to_be_bytes(),
            parts,
            host,
            port,
            method,
        ]))
    }

    /// Meets a request that is neither ACK nor CANCEL's target: a retransmission is answered as before.
    pub(in crate::sip) fn meet(&mut self, id: ServerId, out: &mut Vec<Output>) -> Seen {
        let Some(transaction) = self.servers.get(&id) else { return Seen::Never };
        let answer = match &transaction.state {
            State::Proceeding { invite: true, provisional: None } => return Seen::Unanswered(transaction.leg),
            State::Proceeding { provisional, .. } => provisional.as_ref(),
            State::Refused { response, .. } | State::Completed { response, .. } => Some(response),
            State::Accepted { .. } | State::Confirmed { .. } => None,
        };
        if let Some(bytes) = answer {
            out.push(Output::Transmit { peer: transaction.peer, bytes: bytes.clone() });
            self.tally.retransmissions += 1;
        }
        Seen::Before
    }

    /// Takes the ACK of a refusal. False when there is no such refusal.
    pub(in crate::sip) fn acknowledge(&mut self, now: Moment, id: ServerId) -> bool {
        let wait = self.timers.t4;
        let Some(transaction) = self.servers.get_mut(&id) else { return false };
        match &transaction.state {
            State::Refused { .. } if transaction.peer.reliable() => self.end_server(id),
            State::Refused { .. } => {
                transaction.state = State::Confirmed { until: (now + wait).round_up(FORGET_STEP) };
                let wanted = transaction.deadline();
                self.deadlines.set(Due::Server(id), &mut transaction.due, wanted);
            }
            State::Confirmed { .. } => {}
            // The ACK of a 2xx has a branch of its own; one that has not is still the dialog's.
            State::Accepted { .. } | State::Proceeding { .. } | State::Completed { .. } => return false,
        }
        true
    }

    /// The fingerprint by which a request outside a dialog is known to have come by two ways (section 8.2.2.2).
    pub(in crate::sip) fn merge_key(&self, request: &Request, from_tag: &str) -> u128 {
        let cseq = request.headers.cseq().map_or(0, |(number, _)| number);
        let call_id = request.headers.call_id().unwrap_or("");
        let method = request.method.as_str().as_bytes();
        self.fingerprinter.of(&[b"merged", from_tag.as_bytes(), call_id.as_bytes(), &cseq.to_be_bytes(), method])
    }

    /// Whether a live transaction has this merge key.
    pub(in crate::sip) fn is_merged(&self, key: u128) -> bool {
        self.merged.contains_key(&key)
    }

    /// Whether there is room for one more.
    pub(in crate::sip) fn has_room(&self) -> bool {
        self.servers.len() < SERVER_TRANSACTIONS_MAX
    }

    /// Begins the transaction of a request that [`TransactionLayer::meet`] has never seen.
    pub(in crate::sip) fn begin_server(&mut self, id: ServerId, method: &Method, peer: Peer, merge_key: Option<u128>) {
        let state = State::Proceeding { invite: *method == Method::Invite, provisional: None };
        let transaction =
            ServerTransaction { method: method.known_name(), peer, state, merge_key, leg: None, due: None };
        if let Some(key) = merge_key {
            self.merged.insert(key, id);
        }
        self.servers.insert(id, transaction);
    }

    /// Notes whose INVITE it is.
    pub(in crate::sip) fn belongs_to(&mut self, id: ServerId, leg: LegId) {
        if let Some(transaction) = self.servers.get_mut(&id) {
            transaction.leg = Some(leg);
        }
    }

    /// The leg whose INVITE it is, and whether that INVITE still has no final response.
    pub(in crate::sip) fn invite(&self, id: ServerId) -> Option<(Option<LegId>, bool)> {
        let transaction = self.servers.get(&id)?;
        Some((transaction.leg, matches!(transaction.state, State::Proceeding { .. })))
    }

    /// Sends a response. One after the final response does nothing. The octets are given back for the layer above to
    /// retransmit, where they are a 2xx to INVITE or a reliable provisional response.
    pub(in crate::sip) fn respond(
        &mut self,
        now: Moment,
        id: ServerId,
        response: &Response,
        out: &mut Vec<Output>,
    ) -> Option<(Peer, Arc<[u8]>)> {
        let (timers, status) = (self.timers, response.status);
        let transaction = self.servers.get_mut(&id)?;
        let State::Proceeding { invite, provisional } = &mut transaction.state else { return None };
        let bytes = response_bytes(&mut self.scratch, response);
        let peer = transaction.peer;
        out.push(Output::Transmit { peer, bytes: bytes.clone() });
        if status < 200 {
            *provisional = Some(bytes.clone());
            return Some((peer, bytes));
        }
        let until = (now + timers.give_up()).round_up(FORGET_STEP);
        transaction.state = match (*invite, status) {
            (true, ..=299) => State::Accepted { until },
            (true, _) => {
                let resend = (!peer.reliable()).then(|| (now + timers.t1, timers.t1));
                State::Refused { response: bytes.clone(), resend, until }
            }
            (false, _) => State::Completed { response: bytes.clone(), until },
        };
        let method = transaction.method;
        if peer.reliable() && matches!(transaction.state, State::Completed { .. }) {
            // Timer J is nothing on a stream.
            self.end_server(id);
        } else {
            let wanted = transaction.deadline();
            self.deadlines.set(Due::Server(id), &mut transaction.due, wanted);
        }
        self.count_answer(method, status);
        Some((peer, bytes))
    }

    pub(in crate::sip) fn expire_server(&mut self, now: Moment, id: ServerId, out: &mut Vec<Output>) {
        let t2 = self.timers.t2;
        let Some(transaction) = self.servers.get_mut(&id) else { return };
        transaction.due = None;
        match &mut transaction.state {
            State::Refused { response, resend: Some((at, interval)), until } if *until > now => {
                out.push(Output::Transmit { peer: transaction.peer, bytes: response.clone() });
                self.tally.retransmissions += 1;
                *interval = (*interval * 2).min(t2);
                *at = now + *interval;
                let wanted = transaction.deadline();
                self.deadlines.set(Due::Server(id), &mut transaction.due, wanted);
            }
            _ => self.end_server(id),
        }
    }

    fn end_server(&mut self, id: ServerId) {
        if let Some(mut transaction) = self.servers.remove(&id) {
            self.deadlines.set(Due::Server(id), &mut transaction.due, None);
            if let Some(key) = transaction.merge_key {
                self.merged.remove(&key);
            }
        }
    }
}

/// Where the responses to a request go (RFC 3261 section 18.2.2, RFC 3581 section 4). The host of sent-by is not
/// needed: where it differs from the source, `received` tells the source.
pub(in crate::sip) fn response_peer(via: &Via, from: Peer) -> Peer {
    let port = match from.transport {
        _ if from.reliable() => via.port.unwrap_or(5060),
        _ if via.rport.is_some() => from.remote.port(),
        _ => via.port.unwrap_or(5060),
    };
    Peer { remote: SocketAddr::new(from.remote.ip(), port), ..from }
}
