//! Client transactions (RFC 3261 section 17.1 with RFC 6026 section 7.2).

use std::sync::Arc;
use std::time::Duration;

use super::{CLIENT_TRANSACTIONS_MAX, Due, TransactionLayer, earlier, request_bytes};
use crate::clock::Moment;
use crate::sip::message::{BRANCH_COOKIE, HeaderName, Headers, Host, Method, Request, Response};
use crate::sip::peer::{Output, Peer};
use crate::sip::registrar::BindingId;
use crate::sip::subscriptions::SubscriptionId;
use crate::sip::trunk::TrunkId;
use crate::sip::user_agent::Sent;
use crate::telephony::LegId;

/// How long a re-INVITE that refreshes a session may stay without final response: timer C of RFC 3261 section 16.6.
const REFRESH_PATIENCE: Duration = Duration::from_secs(180);

/// The name of a client transaction, which its branch repeats. A CANCEL shares the number and the branch of its INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sip) struct ClientId {
    serial: u64,
    cancel: bool,
}

/// What a request was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sip) enum Purpose {
    /// An INVITE to begin a call.
    Dial,
    /// A CANCEL, of which nobody waits for the answer.
    Cancel,
    /// A BYE that ends the leg.
    Bye,
    /// A BYE for a dialog that is nobody's: a fork's other branch.
    Stray,
    /// A re-INVITE or an UPDATE that refreshes the session.
    Refresh,
    /// An INFO that tells a key, of which nobody waits for the answer.
    Key,
    /// A NOTIFY of how a transfer goes.
    Notify,
}

/// Whom a request of ours serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sip) enum Errand {
    /// A leg.
    Leg(LegId, Purpose),
    /// OPTIONS to a registered phone.
    Probe(BindingId),
    /// REGISTER or OPTIONS to a trunk.
    Trunk(TrunkId),
    /// NOTIFY of messages that wait, to a phone that has asked.
    Subscription(SubscriptionId),
    /// The same to one that has not.
    Lamp(BindingId),
}

impl Errand {
    fn purpose(self) -> Option<Purpose> {
        match self {
            Errand::Leg(_, purpose) => Some(purpose),
            Errand::Probe(_) | Errand::Lamp(_) | Errand::Trunk(_) | Errand::Subscription(_) => None,
        }
    }
}

/// A response that concerns the layer above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sip) struct Reply {
    /// The transaction.
    pub(in crate::sip) id: ClientId,
    /// Its leg.
    pub(in crate::sip) leg: LegId,
    /// What the request was for.
    pub(in crate::sip) purpose: Purpose,
}

#[derive(Debug)]
pub(super) struct ClientTransaction {
    /// Makes the branch impossible to guess.
    nonce: u64,
    peer: Peer,
    method: Method,
    bytes: Arc<[u8]>,
    /// Of an INVITE, for its ACK and CANCEL.
    request: Option<Box<Request>>,
    state: State,
    errand: Errand,
    /// To be cancelled as soon as a provisional response allows it.
    cancelled: bool,
    /// How often the request was sent before, with other proofs of who we are.
    proofs: u8,
    due: Option<Moment>,
}

#[derive(Debug)]
enum State {
    /// Calling or Trying: no response yet. Timers A or E (`resend`, none on a stream), and B or F.
    Calling { resend: Option<(Moment, Duration)>, until: Moment },
    /// A provisional response came. An INVITE may stay so for ever, unless it was cancelled.
    Proceeding { resend: Option<Moment>, until: Option<Moment> },
    /// A final response came (of an INVITE: a refusal, with its ACK); ends by timer D or K.
    Completed { ack: Option<Arc<[u8]>>, until: Moment },
    /// An INVITE was given a 2xx; ends by timer M. The ACK is repeated with each further copy.
    Accepted { ack: Option<(String, Peer, Arc<[u8]>)>, until: Moment },
}

impl ClientTransaction {
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }

    pub(super) fn waits_for_answer(&self) -> bool {
        matches!(self.state, State::Proceeding { until: None, .. })
    }

    pub(super) fn waits_at_all(&self) -> bool {
        matches!(self.state, State::Calling { .. } | State::Proceeding { .. })
    }

    pub(super) fn is_of(&self, leg: LegId) -> bool {
        matches!(self.errand, Errand::Leg(own, _) if own == leg) && self.waits_at_all()
    }

    fn deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Calling { resend, until } => earlier(resend.map(|(at, _)| at), Some(*until)),
            State::Proceeding { resend, until } => earlier(*resend, *until),
            State::Completed { until, .. } | State::Accepted { until, .. } => Some(*until),
        }
    }
}

impl TransactionLayer {
    /// Sends a request in a transaction of its own: the topmost Via is added here. `None` when there are too many.
    pub(in crate::sip) fn begin_client(
        &mut self,
        now: Moment,
        request: Request,
        peer: Peer,
        errand: Errand,
        out: &mut Vec<Output>,
    ) -> Option<ClientId> {
        if self.clients.len() >= CLIENT_TRANSACTIONS_MAX {
            return None;
        }
        self.clients_begun += 1;
        let id = ClientId { serial: self.clients_begun, cancel: false };
        let nonce = self.rng.u64(..);
        self.send_client(now, id, nonce, request, peer, errand, out);
        Some(id)
    }

    /// Sends a request once more, in another transaction, with another proof of who we are.
    pub(in crate::sip) fn begin_client_again(
        &mut self,
        now: Moment,
        request: Request,
        peer: Peer,
        errand: Errand,
        proofs: u8,
        out: &mut Vec<Output>,
    ) -> Option<ClientId> {
        let id = self.begin_client(now, request, peer, errand, out)?;
        if let Some(transaction) = self.clients.get_mut(&id) {
            transaction.proofs = proofs;
        }
        Some(id)
    }

    /// The request that a response answers, as it was sent.
    pub(in crate::sip) fn sent(&self, response: &Response) -> Option<Sent> {
        let transaction = self.clients.get(&self.client_of(response)?)?;
        Some(Sent { bytes: transaction.bytes.clone(), peer: transaction.peer, proofs: transaction.proofs })
    }

    /// Sends what has no transaction: the ACK of a 2xx. The octets are given back to be repeated.
    pub(in crate::sip) fn send_ack(&mut self, mut request: Request, peer: Peer, out: &mut Vec<Output>) -> Arc<[u8]> {
        self.clients_begun += 1;
        let id = ClientId { serial: self.clients_begun, cancel: false };
        add_via(&mut request, id, self.rng.u64(..), peer);
        let bytes = request_bytes(&mut self.scratch, &request);
        out.push(Output::Transmit { peer, bytes: bytes.clone() });
        bytes
    }

    #[expect(clippy::too_many_arguments, reason = "they are a transaction's whole identity, named in one place")]
    fn send_client(
        &mut self,
        now: Moment,
        id: ClientId,
        nonce: u64,
        mut request: Request,
        peer: Peer,
        errand: Errand,
        out: &mut Vec<Output>,
    ) {
        add_via(&mut request, id, nonce, peer);
        let bytes = request_bytes(&mut self.scratch, &request);
        out.push(Output::Transmit { peer, bytes: bytes.clone() });
        let resend = (!peer.reliable()).then(|| (now + self.timers.t1, self.timers.t1));
        let state = State::Calling { resend, until: now + self.timers.give_up() };
        let method = request.method.clone();
        let request = (method == Method::Invite).then(|| {
            request.body = Vec::new();
            Box::new(request)
        });
        let mut transaction = ClientTransaction {
            nonce,
            peer,
            method,
            bytes,
            request,
            state,
            errand,
            cancelled: false,
            proofs: 0,
            due: None,
        };
        let wanted = transaction.deadline();
        self.deadlines.set(Due::Client(id), &mut transaction.due, wanted);
        self.clients.insert(id, transaction);
    }

    /// Cancels an INVITE: at once where it has had a provisional response, else with the first one (RFC 3261 section 9.1).
    pub(in crate::sip) fn cancel(&mut self, now: Moment, id: ClientId, out: &mut Vec<Output>) {
        let give_up = self.timers.give_up();
        let Some(transaction) = self.clients.get_mut(&id) else { return };
        transaction.cancelled = true;
        let (State::Proceeding { until, .. }, Some(invite)) = (&mut transaction.state, &transaction.request) else {
            return;
        };
        if until.is_some() {
            return;
        }
        // An INVITE that gets no final response after its CANCEL is given up all the same.
        *until = Some(now + give_up);
        let request = same_path(invite, Method::Cancel, invite.headers.get(&HeaderName::To).unwrap_or(""));
        let (nonce, peer, errand) = (transaction.nonce, transaction.peer, transaction.errand);
        let wanted = transaction.deadline();
        self.deadlines.set(Due::Client(id), &mut transaction.due, wanted);
        let errand = match errand {
            Errand::Leg(leg, _) => Errand::Leg(leg, Purpose::Cancel),
            other @ (Errand::Probe(_) | Errand::Lamp(_) | Errand::Trunk(_) | Errand::Subscription(_)) => other,
        };
        self.send_client(now, ClientId { cancel: true, ..id }, nonce, request, peer, errand, out);
    }

    /// Takes a response: `None` when it is nobody's or a retransmission.
    pub(in crate::sip) fn receive_response(
        &mut self,
        now: Moment,
        response: &Response,
        out: &mut Vec<Output>,
    ) -> Option<(ClientId, Errand)> {
        let Some(id) = self.client_of(response) else {
            *self.tally.rejected.entry("stray_response").or_default() += 1;
            return None;
        };
        let timers = self.timers;
        let transaction = self.clients.get_mut(&id).expect("client_of found it");
        let reply = (id, transaction.errand);
        let invite = transaction.method == Method::Invite;
        let cancelled = transaction.cancelled && matches!(transaction.state, State::Calling { .. });
        let fresh = match (&mut transaction.state, response.status) {
            (State::Calling { until, .. }, ..=199) => {
                let resend = (!invite && !transaction.peer.reliable()).then(|| now + timers.t2);
                let until = match transaction.errand.purpose() {
                    Some(Purpose::Dial) => None,
                    // Who rings at a refresh rings for ever.
                    Some(Purpose::Refresh) if invite => Some(now + REFRESH_PATIENCE),
                    _ => Some(*until),
                };
                transaction.state = State::Proceeding { resend, until };
                true
            }
            (State::Proceeding { .. }, ..=199) => true,
            (State::Calling { .. } | State::Proceeding { .. }, 200..=299) if invite => {
                transaction.state = State::Accepted { ack: None, until: now + timers.give_up() };
                true
            }
            (State::Accepted { .. }, 200..=299) => true,
            (State::Calling { .. } | State::Proceeding { .. }, _) => {
                let ack = transaction.request.as_ref().map(|invite| acknowledgement(invite, response));
                if let Some(bytes) = &ack {
                    out.push(Output::Transmit { peer: transaction.peer, bytes: bytes.clone() });
                }
                let wait = if invite { timers.absorb() } else { timers.t4 };
                transaction.state = State::Completed { ack, until: now + wait };
                true
            }
            (State::Completed { ack: Some(bytes), .. }, 300..) => {
                out.push(Output::Transmit { peer: transaction.peer, bytes: bytes.clone() });
                self.tally.retransmissions += 1;
                false
            }
            (State::Completed { .. } | State::Accepted { .. }, _) => false,
        };
        if transaction.peer.reliable() && matches!(transaction.state, State::Completed { .. }) {
            // Timers D and K are nothing on a stream.
            self.end_client(id);
        } else {
            let wanted = transaction.deadline();
            self.deadlines.set(Due::Client(id), &mut transaction.due, wanted);
        }
        if cancelled && response.status < 200 {
            self.cancel(now, id, out);
        }
        fresh.then_some(reply)
    }

    /// Repeats the ACK of the 2xx with this To tag. False when none with that tag was acknowledged.
    pub(in crate::sip) fn repeat_ack(&mut self, id: ClientId, tag: &str, out: &mut Vec<Output>) -> bool {
        let Some(ClientTransaction { state: State::Accepted { ack: Some((known, peer, bytes)), .. }, .. }) =
            self.clients.get(&id)
        else {
            return false;
        };
        if known != tag {
            return false;
        }
        out.push(Output::Transmit { peer: *peer, bytes: bytes.clone() });
        self.tally.retransmissions += 1;
        true
    }

    /// Keeps the ACK of the first 2xx, to be repeated.
    pub(in crate::sip) fn keep_ack(&mut self, id: ClientId, tag: &str, peer: Peer, bytes: Arc<[u8]>) {
        if let Some(transaction) = self.clients.get_mut(&id)
            && let State::Accepted { ack, .. } = &mut transaction.state
            && ack.is_none()
        {
            *ack = Some((tag.to_owned(), peer, bytes));
        }
    }

    /// The INVITE of a transaction, without its body, and where it went.
    pub(in crate::sip) fn invite_request(&self, id: ClientId) -> Option<(&Request, Peer)> {
        let transaction = self.clients.get(&id)?;
        Some((transaction.request.as_deref()?, transaction.peer))
    }

    /// Whether a request that lives is an INVITE.
    pub(in crate::sip) fn is_invite(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_some_and(|transaction| transaction.request.is_some())
    }

    /// Whether a Via has the branch of a request of ours that lives: it came back to us, and has gone in a circle.
    pub(in crate::sip) fn is_our_via(&self, via: &str) -> bool {
        let branch = via.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("branch="));
        branch.and_then(parse_branch).is_some_and(|(serial, nonce)| {
            let id = ClientId { serial, cancel: false };
            self.clients.get(&id).is_some_and(|transaction| transaction.nonce == nonce)
        })
    }

    /// The transaction whose time is up, when that means that no answer came.
    pub(in crate::sip) fn expire_client(
        &mut self,
        now: Moment,
        id: ClientId,
        out: &mut Vec<Output>,
    ) -> Option<(ClientId, Errand)> {
        let t2 = self.timers.t2;
        let transaction = self.clients.get_mut(&id)?;
        transaction.due = None;
        let reply = (id, transaction.errand);
        let invite = transaction.method == Method::Invite;
        let unanswered = match &mut transaction.state {
            State::Calling { resend: Some((at, interval)), until } if *until > now => {
                *interval = if invite { *interval * 2 } else { (*interval * 2).min(t2) };
                *at = now + *interval;
                false
            }
            State::Proceeding { resend: Some(at), until } if until.is_none_or(|until| until > now) => {
                *at = now + t2;
                false
            }
            State::Calling { .. } | State::Proceeding { .. } => true,
            State::Completed { .. } | State::Accepted { .. } => {
                self.end_client(id);
                return None;
            }
        };
        if unanswered {
            self.end_client(id);
            return Some(reply);
        }
        out.push(Output::Transmit { peer: transaction.peer, bytes: transaction.bytes.clone() });
        self.tally.retransmissions += 1;
        let wanted = transaction.deadline();
        self.deadlines.set(Due::Client(id), &mut transaction.due, wanted);
        None
    }

    /// Ends all transactions whose request could not be sent this way, and tells whose they were.
    pub(in crate::sip) fn fail_clients(&mut self, peer: &Peer) -> Vec<(ClientId, Errand)> {
        let same_way = |one: &Peer| {
            one.transport == peer.transport
                && (one.remote == peer.remote || (one.connection.is_some() && one.connection == peer.connection))
        };
        let waits = |state: &State| matches!(state, State::Calling { .. } | State::Proceeding { .. });
        let failed: Vec<(ClientId, Errand)> = self
            .clients
            .iter()
            .filter(|(_, transaction)| same_way(&transaction.peer) && waits(&transaction.state))
            .map(|(id, transaction)| (*id, transaction.errand))
            .collect();
        for (id, _) in &failed {
            self.end_client(*id);
        }
        failed
    }

    /// Gives up a request that is no INVITE: nobody waits for its answer any more.
    pub(in crate::sip) fn abandon(&mut self, id: ClientId) {
        self.end_client(id);
    }

    fn client_of(&self, response: &Response) -> Option<ClientId> {
        let via = response.headers.via().ok()?;
        let (serial, nonce) = parse_branch(via.branch.as_deref()?)?;
        let (_, method) = response.headers.cseq().ok()?;
        let id = ClientId { serial, cancel: method == Method::Cancel };
        self.clients.get(&id).filter(|transaction| transaction.nonce == nonce && transaction.method == method)?;
        Some(id)
    }

    fn end_client(&mut self, id: ClientId) {
        if let Some(mut transaction) = self.clients.remove(&id) {
            self.deadlines.set(Due::Client(id), &mut transaction.due, None);
        }
    }
}

fn add_via(request: &mut Request, id: ClientId, nonce: u64, peer: Peer) {
    if request.headers.contains(&HeaderName::Via) {
        return;
    }
    let via = format!(
        "SIP/2.0/{} {}:{};branch={BRANCH_COOKIE}{:x}-{nonce:016x};rport",
        peer.transport,
        Host::from(peer.local.ip()),
        peer.local.port(),
        id.serial,
    );
    request.headers.push_front(HeaderName::Via, via);
}

fn parse_branch(branch: &str) -> Option<(u64, u64)> {
    let (serial, nonce) = branch.strip_prefix(BRANCH_COOKIE)?.split_once('-')?;
    Some((u64::from_str_radix(serial, 16).ok()?, u64::from_str_radix(nonce, 16).ok()?))
}

/// The ACK of a refusal (RFC 3261 section 17.1.1.3).
fn acknowledgement(invite: &Request, response: &Response) -> Arc<[u8]> {
    let to = response.headers.get(&HeaderName::To).unwrap_or("");
    request_bytes(&mut Vec::new(), &same_path(invite, Method::Ack, to))
}

/// An ACK or CANCEL that goes the way of its INVITE: with the same top Via, Route, From, Call-ID and CSeq number.
fn same_path(invite: &Request, method: Method, to: &str) -> Request {
    let mut headers = Headers::new();
    let copied = |name: HeaderName, headers: &mut Headers| {
        if let Some(value) = invite.headers.get(&name) {
            headers.push(name, value);
        }
    };
    copied(HeaderName::Via, &mut headers);
    for route in invite.headers.all(&HeaderName::Route) {
        headers.push(HeaderName::Route, route);
    }
    headers.push(HeaderName::MaxForwards, "70");
    copied(HeaderName::From, &mut headers);
    headers.push(HeaderName::To, to);
    copied(HeaderName::CallId, &mut headers);
    let number = invite.headers.cseq().map_or(0, |(number, _)| number);
    headers.push(HeaderName::CSeq, format!("{number} {}", method.as_str()));
    Request { method, uri: invite.uri.clone(), headers, body: Vec::new() }
}
