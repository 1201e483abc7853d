//! Who calls? 401 and 407 to requests of ours (RFC 3261 section 22): the same request once more, with the proof.

use std::sync::Arc;

use super::UserAgent;
use super::leg::{Closing, State};
use crate::clock::Moment;
use crate::sip::digest::{self, Answer};
use crate::sip::message::{HeaderName, Headers, Message, Response};
use crate::sip::peer::{Output, Peer};
use crate::sip::transaction::{ClientId, Errand, Purpose};
use crate::sip::trunk::TrunkId;

/// As often is one request sent again: by a proxy and by the one behind it, each with a nonce that has become stale.
const PROOFS_MAX: u8 = 4;

/// A request as it was sent.
#[derive(Debug)]
pub(in crate::sip) struct Sent {
    pub(in crate::sip) bytes: Arc<[u8]>,
    pub(in crate::sip) peer: Peer,
    /// How often it was sent before, with other proofs.
    pub(in crate::sip) proofs: u8,
}

impl UserAgent {
    /// Answers a challenge. False when it cannot be answered, or the answer was not believed.
    pub(super) fn prove(
        &mut self,
        now: Moment,
        (id, errand): (ClientId, Errand),
        sent: &Sent,
        response: &Response,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(trunk) = self.challenged(id, errand) else { return false };
        let login = self.trunks.get(trunk).and_then(|line| line.trunk.register.clone());
        let Some(login) = login.filter(|_| sent.proofs < PROOFS_MAX) else { return false };
        let (asks, answers) = match response.status {
            401 => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
            _ => (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
        };
        let Ok(Message::Request(mut request)) = Message::parse(&sent.bytes) else { return false };
        // Who was answered and asks again does not know the password that we have.
        let answered = request.headers.remove(&answers);
        if answered && !digest::is_stale(&response.headers, &asks) {
            return false;
        }
        let (method, uri) = (request.method.as_str().to_owned(), request.uri.to_string());
        let cnonce = format!("{:032x}", self.rng.u128(..));
        let answer = Answer {
            username: &login.user,
            password: &login.password,
            method: &method,
            uri: &uri,
            cnonce: &cnonce,
            count: 1,
        };
        let Some(value) = answer.to(&response.headers, &asks) else { return false };
        let Ok((number, _)) = request.headers.cseq() else { return false };
        let number = number + 1;
        request.headers.remove(&HeaderName::Via);
        request.headers.remove(&HeaderName::ContentLength);
        request.headers.set(HeaderName::CSeq, format!("{number} {method}"));
        request.headers.push(answers, value);
        let again = self.layer.begin_client_again(now, request, sent.peer, errand, sent.proofs + 1, out);
        let Some(again) = again else { return false };
        self.follow_proof((id, errand), again, number);
        true
    }

    /// The trunk that asks who we are, where that is still of interest.
    fn challenged(&self, id: ClientId, errand: Errand) -> Option<TrunkId> {
        let (leg, purpose) = match errand {
            Errand::Trunk(trunk) => return Some(trunk),
            Errand::Probe(_) | Errand::Lamp(_) | Errand::Subscription(_) => return None,
            Errand::Leg(leg, purpose) => (self.legs.get(&leg)?, purpose),
        };
        let wanted = match purpose {
            Purpose::Dial => matches!(&leg.state, State::Dialling(dialling)
                if dialling.branches.iter().any(|branch| branch.id == id)),
            Purpose::Refresh => leg.refresh == Some(id) && leg.is_live(),
            Purpose::Bye => matches!(leg.state, State::Closing(Closing::Bye)),
            Purpose::Cancel => false,
            _ => true,
        };
        leg.trunk.filter(|_| wanted)
    }

    /// Whoever waits for the request waits for the new one.
    fn follow_proof(&mut self, (id, errand): (ClientId, Errand), again: ClientId, cseq: u32) {
        let (leg, purpose) = match errand {
            Errand::Trunk(trunk) => return self.trunk_asked_again(trunk, cseq, again),
            Errand::Probe(_) | Errand::Lamp(_) | Errand::Subscription(_) => return,
            Errand::Leg(leg, purpose) => (leg, purpose),
        };
        let Some(leg) = self.legs.get_mut(&leg) else { return };
        match (purpose, &mut leg.state) {
            (Purpose::Dial, State::Dialling(dialling)) => {
                if let Some(branch) = dialling.branches.iter_mut().find(|branch| branch.id == id) {
                    branch.id = again;
                    branch.dialog.local_cseq = branch.dialog.local_cseq.max(cseq);
                }
            }
            _ => leg.dialog.local_cseq = leg.dialog.local_cseq.max(cseq),
        }
        if purpose == Purpose::Refresh {
            leg.refresh = Some(again);
        }
    }
}

/// The ACK of a 2xx proves the same as its INVITE (RFC 3261 section 13.2.2.4).
pub(super) fn prove_alike(invite: &Headers, ack: &mut Headers) {
    for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
        for value in invite.all(&name) {
            ack.push(name.clone(), value);
        }
    }
}
