//! The user agent: answers calls, dials them, and tells the switchboard what happens on its legs.
//!
//! One file an act: `incoming` takes a call, `outgoing` dials one, `within` takes what comes inside a dialog, `change`
//! re-INVITE and UPDATE, `key` sends keys, `refresh` keeps sessions alive, `closing` ends them, `expiry` acts on deadlines,
//! `subscribe` tells phones of messages, `lamp` those that have not asked, `trunk` speaks to trunks, `prove` tells those who ask who we are.

mod answer;
mod change;
mod closing;
mod expiry;
mod incoming;
mod key;
mod lamp;
mod leg;
mod outgoing;
mod prove;
mod receive;
mod refresh;
mod register;
mod session_timer;
mod subscribe;
mod transfer;
mod trunk;
mod within;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::digest::{Hashes, Nonces, Offers};
use super::guard::Guard;
use super::peer::{ConnectionId, Output, Peer};
use super::registrar::Registrar;
use super::settings::Settings;
use super::subscriptions::Subscriptions;
use super::transaction::{Due, TransactionLayer};
use super::trunk::Trunks;
use crate::clock::Moment;
use crate::telephony::{AgentSecret, CallHeaders, LegId, SipCommand, SipEvent, SipTally};
use leg::{Closing, Dialling, Leg, State};
use outgoing::Ordered;
pub(super) use prove::Sent;

/// How often the tally is told.
const TALLY_INTERVAL: Duration = Duration::from_secs(1);

/// Hosts whose addresses are remembered; when there are more, all are forgotten.
const HOSTS_MAX: usize = 256;

/// One source in so many of all calls may be on its way, ...
const NEWCOMERS_SHARE: usize = 4;
/// ... and so many always: a proxy brings several callers at once.
const NEWCOMERS_LEAST: usize = 16;

/// Dialogs that say goodbye, for each call that may be: beyond, new calls are refused.
const CLOSING_FACTOR: usize = 4;

/// Sets the numbers that secrets are made of apart from all others that follow from the seed.
const SECRETS: u64 = 0x5ec2_e75e_ed00_0001;

/// The SIP user agent, without any I/O: it is told the time and what arrived, and hands out what is to be sent.
#[derive(Debug)]
pub struct UserAgent {
    settings: Settings,
    layer: TransactionLayer,
    legs: BTreeMap<LegId, Leg>,
    /// Legs that the switchboard counts on.
    live: usize,
    /// Calls that are not acknowledged yet, by where they come from.
    newcomers: BTreeMap<IpAddr, usize>,
    inbound_count: u64,
    guard: Guard,
    rng: fastrand::Rng,
    draining: bool,
    /// How hosts are reached: their address, and ours towards them.
    hosts: BTreeMap<String, (IpAddr, IpAddr)>,
    tally_due: Option<Moment>,
    registrar: Registrar,
    subscriptions: Subscriptions,
    trunks: Trunks,
    has_agents: bool,
    nonces: Nonces,
    offers: Offers,
    /// Whose password nobody knows: what is compared with for an agent that does not exist.
    nobody: Hashes,
}

/// What is alive in a user agent, for tests and for the shell's shutdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Legs that the switchboard counts on.
    pub legs: usize,
    /// Legs that have ended and still say goodbye.
    pub closing: usize,
    /// Server transactions.
    pub server_transactions: usize,
    /// Client transactions.
    pub client_transactions: usize,
    /// Phones that agents have registered.
    pub phones: usize,
    /// Deadlines of all of these.
    pub deadlines: usize,
}

impl UserAgent {
    /// A user agent at rest. Tags, branches and Call-IDs follow from `seed`.
    pub fn new(settings: Settings, seed: u64) -> UserAgent {
        let mut rng = fastrand::Rng::with_seed(seed);
        // Of their own, so that nothing that is sent in clear tells of them.
        let mut secrets = fastrand::Rng::with_seed(seed ^ SECRETS);
        let unknown = AgentSecret::Password(format!("{:032x}", secrets.u128(..)));
        UserAgent {
            registrar: Registrar::new(),
            subscriptions: Subscriptions::default(),
            trunks: Trunks::default(),
            has_agents: false,
            offers: Offers::default(),
            nonces: Nonces::new(&settings.secret, &mut secrets),
            nobody: Hashes::of(&unknown, "", &settings.realm),
            layer: TransactionLayer::new(settings.timers, &mut rng),
            legs: BTreeMap::new(),
            live: 0,
            newcomers: BTreeMap::new(),
            inbound_count: 0,
            guard: Guard::new(settings.calls_per_second),
            rng,
            draining: false,
            hosts: BTreeMap::new(),
            tally_due: None,
            settings,
        }
    }

    /// Takes one whole message, a datagram or what a [`Framer`](super::message::Framer) cut from a stream.
    pub fn receive(&mut self, now: Moment, from: Peer, bytes: &[u8], out: &mut Vec<Output>) {
        let from = self.advertised(from);
        self.receive_message(now, from, bytes, out);
        self.tell_phones(now, out);
        self.watch_tally(now);
    }

    /// Does what the switchboard asks.
    pub fn handle(&mut self, now: Moment, command: SipCommand, out: &mut Vec<Output>) {
        match command {
            SipCommand::Ring { leg } => self.ring(now, leg, out),
            SipCommand::Answer { leg, description } => self.answer(now, leg, &description, out),
            SipCommand::Reject { leg, refusal } => self.reject(now, leg, &refusal, out),
            SipCommand::AcceptChange { leg, description } => self.accept_change(now, leg, &description, out),
            SipCommand::RefuseChange { leg, refusal } => self.refuse_change(now, leg, &refusal, out),
            SipCommand::HangUp { leg, cause } => self.hang_up(now, leg, cause, out),
            SipCommand::Dial { leg, uri, caller, offer } => self.dial(now, leg, &uri, &caller, &offer, out),
            SipCommand::SendDigit { leg, digit } => self.send_digit(now, leg, digit, out),
            SipCommand::DialAgent { leg, extension, caller, offer, headers } => {
                let ordered = Ordered { caller: &caller, offer: &offer, headers, trunk: None };
                self.dial_agent(now, leg, &extension, ordered, out);
            }
            SipCommand::TransferProgress { leg, status } => self.transfer_progress(now, leg, status, out),
            SipCommand::SetAgents(accounts) => {
                self.set_agents(&accounts, out);
                self.end_orphaned_subscriptions(now, out);
            }
            SipCommand::SetMessages { extension, new, old } => self.set_messages(now, &extension, (new, old), out),
            SipCommand::RestorePhones(phones) => self.restore_phones(now, &phones, out),
            SipCommand::DialTrunk { leg, trunk, number, caller, offer } => {
                let headers = CallHeaders::new();
                let ordered = Ordered { caller: &caller, offer: &offer, headers, trunk: None };
                self.dial_trunk(now, leg, (&trunk, &number), ordered, out);
            }
            SipCommand::SetTrunks(trunks) => self.set_trunks(now, trunks, out),
            SipCommand::Drain => {
                self.draining = true;
                self.leave_trunks(now, out);
            }
        }
        self.tell_phones(now, out);
        self.watch_tally(now);
    }

    /// Acts on all deadlines that are due at `now`.
    pub fn expire(&mut self, now: Moment, out: &mut Vec<Output>) {
        while let Some(due) = self.layer.deadlines.take_due(now) {
            match due {
                Due::Server(id) => self.layer.expire_server(now, id, out),
                Due::Client(id) => {
                    if let Some(reply) = self.layer.expire_client(now, id, out) {
                        self.unanswered(now, reply, out);
                    }
                }
                Due::Leg(id) => self.expire_leg(now, id, out),
                Due::Binding(id) => self.expire_binding(now, id, out),
                Due::Trunk(id) => self.expire_trunk(now, id, out),
                Due::Subscription(id) => self.subscription_due(now, id, out),
                Due::Tally => {
                    self.tally_due = None;
                    self.tell_tally(out);
                }
            }
        }
        self.tell_phones(now, out);
        self.watch_tally(now);
    }

    /// When [`UserAgent::expire`] is to be called next.
    pub fn deadline(&self) -> Option<Moment> {
        self.layer.deadlines.next()
    }

    /// Takes the news that nothing can be sent to `peer`: a stream that could not be opened, or broke before all was
    /// sent (RFC 3261 section 8.1.3.1: as if 503 had come).
    pub fn transport_failed(&mut self, now: Moment, peer: Peer, out: &mut Vec<Output>) {
        *self.layer.tally.rejected.entry("transport_failed").or_default() += 1;
        for reply in self.layer.fail_clients(&peer) {
            self.unreachable(now, reply, out);
        }
        self.tell_phones(now, out);
        self.watch_tally(now);
    }

    /// Takes the news that a stream is gone, in whatever way: the phones that registered by it may be out of reach.
    pub fn connection_closed(&mut self, now: Moment, connection: ConnectionId, out: &mut Vec<Output>) {
        self.disconnected(now, connection, out);
        self.tell_phones(now, out);
        self.watch_tally(now);
    }

    /// Counts what the shell itself had to drop.
    pub fn count_rejected(&mut self, now: Moment, reason: &'static str) {
        *self.layer.tally.rejected.entry(reason).or_default() += 1;
        self.watch_tally(now);
    }

    /// Remembers that `host`, a name or an address, is reached at `remote` from our address `local`: to be told before
    /// a [`SipCommand::Dial`] to a name, or to anyone when [`Settings::advertise`] is not set.
    pub fn learn_host(&mut self, host: &str, remote: IpAddr, local: IpAddr) {
        if self.hosts.len() >= HOSTS_MAX && !self.hosts.contains_key(host) {
            self.hosts.clear();
        }
        self.hosts.insert(host.to_ascii_lowercase(), (remote, local));
    }

    /// Tells the tally at once, as at the end.
    pub fn tell_tally(&mut self, out: &mut Vec<Output>) {
        let tally = std::mem::take(&mut self.layer.tally);
        if tally != SipTally::default() {
            out.push(Output::Event(SipEvent::Tally(tally)));
        }
    }

    /// The streams by which the calls that live, and agents' phones, are reached.
    pub fn connections(&self) -> BTreeSet<ConnectionId> {
        let calls = self.legs.values().filter_map(|leg| leg.dialog.peer.connection);
        calls.chain(self.registrar.connections()).chain(self.subscriptions.connections()).collect()
    }

    /// What is alive.
    pub fn census(&self) -> Census {
        let (server_transactions, client_transactions) = self.layer.counts();
        let closing = self.legs.len() - self.live;
        let deadlines = self.layer.deadlines.len();
        let phones = self.registrar.len();
        Census { legs: self.live, closing, server_transactions, client_transactions, phones, deadlines }
    }

    /// Panics unless everything that lives has what it needs to end: for simulations, after every input.
    pub fn assert_consistent(&self) {
        let mut deadlines = self.layer.assert_consistent();
        deadlines += self.registrar.assert_consistent(&self.settings.registration, &self.layer.deadlines);
        deadlines += self.trunks.assert_consistent(&self.layer.deadlines);
        deadlines += self.subscriptions.assert_consistent(&self.layer.deadlines);
        let waits = |dialling: &Dialling| {
            !dialling.branches.is_empty() && dialling.branches.iter().all(|branch| self.layer.is_waiting(branch.id))
        };
        for (id, leg) in &self.legs {
            assert_eq!(leg.due, leg.deadline(), "{id}'s deadline is not up to date: {:?}", leg.state);
            if let Some(due) = leg.due {
                deadlines += 1;
                assert!(self.layer.deadlines.contains(Due::Leg(*id), due), "{id}'s deadline is lost");
            }
            match &leg.state {
                State::Early(early) => assert!(self.layer.is_unanswered(early.id), "{id} waits for an answered INVITE"),
                State::Dialling(dialling) => assert!(waits(dialling), "{id} waits for no INVITE"),
                State::Closing(Closing::Bye) => assert!(self.layer.serves(*id), "{id} is closing for ever"),
                State::Closing(Closing::Dialling(dialling)) => {
                    assert!(waits(dialling), "{id} is closing for ever");
                }
                State::Confirmed(_) | State::Closing(Closing::AwaitAck(_)) => {}
            }
            if let Some(transaction) = leg.transfer.as_ref().and_then(|transfer| transfer.unanswered()) {
                assert!(self.layer.is_unanswered(transaction), "{id} transfers for an answered request");
            }
            if let Some(change) = &leg.change {
                assert!(self.layer.is_unanswered(change.id), "{id} changes for an answered request");
            }
        }
        if let Some(due) = self.tally_due {
            deadlines += 1;
            assert!(self.layer.deadlines.contains(Due::Tally, due), "the tally's deadline is lost");
        }
        assert_eq!(self.layer.deadlines.len(), deadlines, "a deadline of something dead is left");
        let live = self.legs.values().filter(|leg| leg.is_live()).count();
        assert_eq!(self.live, live, "the count of live legs is wrong");
        let mut newcomers: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for from in self.legs.values().filter(|leg| leg.is_newcomer()).filter_map(|leg| leg.stranger) {
            *newcomers.entry(source(from)).or_default() += 1;
        }
        assert_eq!(self.newcomers, newcomers, "calls that are not acknowledged are miscounted");
    }

    /// The same path with the address that we advertise as our end.
    fn advertised(&self, mut peer: Peer) -> Peer {
        if let Some(address) = self.settings.advertise
            && address.is_ipv4() == peer.local.is_ipv4()
        {
            peer.local.set_ip(address);
        }
        peer
    }

    /// Whether a further call would be one too many.
    fn is_full(&self) -> bool {
        self.live >= self.settings.calls || self.legs.len() - self.live >= self.settings.calls * CLOSING_FACTOR
    }

    fn count_refused(&mut self, reason: &'static str) {
        *self.layer.tally.rejected.entry(reason).or_default() += 1;
    }

    fn watch_tally(&mut self, now: Moment) {
        let tally = &self.layer.tally;
        if self.tally_due.is_none()
            && !(tally.requests.is_empty() && tally.rejected.is_empty() && tally.retransmissions == 0)
        {
            self.layer.deadlines.set(Due::Tally, &mut self.tally_due, Some(now + TALLY_INTERVAL));
        }
    }

    /// Brings a leg's deadline up to date, after anything that touched it.
    fn settle(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(&id) {
            let wanted = leg.deadline();
            self.layer.deadlines.set(Due::Leg(id), &mut leg.due, wanted);
            count_newcomer(&mut self.newcomers, leg, leg.is_newcomer());
        }
    }

    /// Whether a source has as many calls on their way as it may: who never acknowledges them must not hold all there are.
    fn has_too_many_newcomers(&self, from: IpAddr) -> bool {
        let most = (self.settings.calls / NEWCOMERS_SHARE).max(NEWCOMERS_LEAST);
        self.newcomers.get(&source(from)).is_some_and(|newcomers| *newcomers >= most)
    }

    fn add_leg(&mut self, id: LegId, leg: Leg) {
        self.live += usize::from(leg.is_live());
        self.legs.insert(id, leg);
        self.settle(id);
    }

    /// Forgets a leg, with its deadline.
    fn drop_leg(&mut self, id: LegId) {
        if let Some(mut leg) = self.legs.remove(&id) {
            self.live -= usize::from(leg.is_live());
            self.layer.deadlines.set(Due::Leg(id), &mut leg.due, None);
            count_newcomer(&mut self.newcomers, &mut leg, false);
        }
    }
}

/// Where calls come from as it is counted: an address, or of IPv6 the network that one customer has.
fn source(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
    }
}

/// Counts a leg among the newcomers of its source, or no more.
fn count_newcomer(newcomers: &mut BTreeMap<IpAddr, usize>, leg: &mut Leg, is_newcomer: bool) {
    let Some(from) = leg.stranger.map(source) else { return };
    if leg.counted == is_newcomer {
        return;
    }
    leg.counted = is_newcomer;
    let count = newcomers.entry(from).or_default();
    if is_newcomer {
        *count += 1;
    } else {
        *count -= 1;
    }
    if *count == 0 {
        newcomers.remove(&from);
    }
}
