//! The transaction layer (RFC 3261 section 17, with RFC 6026): what is sent arrives or is given up, and what arrives
//! twice is taken once.

mod client;
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::deadlines::Deadlines;
use super::fingerprint::Fingerprinter;
use super::message::{Request, Response};
use super::registrar::BindingId;
use super::settings::Timers;
use super::subscriptions::SubscriptionId;
use super::trunk::TrunkId;
use crate::clock::Moment;
use crate::telephony::{LegId, SipTally};

use client::ClientTransaction;
pub(super) use client::{ClientId, Errand, Purpose, Reply};
use server::ServerTransaction;
pub(super) use server::{Seen, ServerId, response_peer};

/// Server transactions at once; beyond, new requests are refused without state. At 1,500 calls a second, with two
/// transactions each that live 32 s, there are 96,000.
pub(super) const SERVER_TRANSACTIONS_MAX: usize = 200_000;

/// Client transactions at once; beyond, requests fail as if their transport had.
pub(super) const CLIENT_TRANSACTIONS_MAX: usize = 200_000;

/// Whose deadline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A server transaction's.
    Server(ServerId),
    /// A client transaction's.
    Client(ClientId),
    /// A leg's.
    Leg(LegId),
    /// A registered phone's.
    Binding(BindingId),
    /// A trunk's.
    Trunk(TrunkId),
    /// A subscription's.
    Subscription(SubscriptionId),
    /// The tally's.
    Tally,
}

/// All transactions, and all deadlines of the room.
#[derive(Debug)]
pub(super) struct TransactionLayer {
    timers: Timers,
    fingerprinter: Fingerprinter,
    servers: BTreeMap<ServerId, ServerTransaction>,
    /// What tells that a request has come by two ways (section 8.2.2.2), while its transaction lives.
    merged: BTreeMap<u128, ServerId>,
    clients: BTreeMap<ClientId, ClientTransaction>,
    clients_begun: u64,
    rng: fastrand::Rng,
    scratch: Vec<u8>,
    pub(super) deadlines: Deadlines<Due>,
    pub(super) tally: SipTally,
}

impl TransactionLayer {
    pub(super) fn new(timers: Timers, rng: &mut fastrand::Rng) -> TransactionLayer {
        TransactionLayer {
            timers,
            fingerprinter: Fingerprinter::new(rng),
            servers: BTreeMap::new(),
            merged: BTreeMap::new(),
            clients: BTreeMap::new(),
            clients_begun: 0,
            rng: rng.fork(),
            scratch: Vec::new(),
            deadlines: Deadlines::new(),
            tally: SipTally::default(),
        }
    }

    /// A response without transaction, as it is sent.
    pub(super) fn print(&mut self, response: &Response) -> Arc<[u8]> {
        response_bytes(&mut self.scratch, response)
    }

    /// Live transactions: servers, clients.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.servers.len(), self.clients.len())
    }

    /// Counts a final response to a request of `method`.
    pub(super) fn count_answer(&mut self, method: &'static str, status: u16) {
        *self.tally.requests.entry((method, status)).or_default() += 1;
    }

    /// Panics unless every transaction that lives has one deadline or waits for the layer above. Returns how many
    /// deadlines are the transactions'.
    pub(super) fn assert_consistent(&self) -> usize {
        let mut count = 0;
        for (id, transaction) in &self.servers {
            if let Some(due) = transaction.due() {
                count += 1;
                assert!(self.deadlines.contains(Due::Server(*id), due), "a server transaction's deadline is lost");
            } else {
                assert!(transaction.waits_for_user(), "a server transaction lives without a deadline: {transaction:?}");
            }
        }
        for (id, transaction) in &self.clients {
            if let Some(due) = transaction.due() {
                count += 1;
                assert!(self.deadlines.contains(Due::Client(*id), due), "a client transaction's deadline is lost");
            } else {
                assert!(transaction.waits_for_answer(), "a client transaction lives without a deadline");
            }
        }
        for id in self.merged.values() {
            assert!(self.servers.contains_key(id), "a merge entry outlives its transaction");
        }
        count
    }

    /// A To tag that is the same for the same request.
    pub(super) fn stateless_tag(&self, parts: &[&str]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        format!("{:032x}", self.fingerprinter.of(&parts))
    }

    /// Whether a request of ours still waits for its final response, for the promises.
    pub(super) fn is_waiting(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_some_and(ClientTransaction::waits_at_all)
    }

    /// Whether any request of ours serves this leg, for the promises.
    pub(super) fn serves(&self, leg: LegId) -> bool {
        self.clients.values().any(|transaction| transaction.is_of(leg))
    }

    /// Whether the leg's INVITE is still to be answered, for the promises.
    pub(super) fn is_unanswered(&self, id: ServerId) -> bool {
        self.servers.get(&id).is_some_and(ServerTransaction::waits_for_user)
    }
}

/// Prints into a buffer that is used again and again, so that only what is sent is allocated.
fn request_bytes(scratch: &mut Vec<u8>, request: &Request) -> Arc<[u8]> {
    scratch.clear();
    request.to_bytes(scratch);
    scratch.as_slice().into()
}

fn response_bytes(scratch: &mut Vec<u8>, response: &Response) -> Arc<[u8]> {
    scratch.clear();
    response.to_bytes(scratch);
    scratch.as_slice().into()
}

/// The earlier of two deadlines, of which either may be missing.
pub(super) fn earlier(one: Option<Moment>, two: Option<Moment>) -> Option<Moment> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}
