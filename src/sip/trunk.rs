//! What is known of the trunks: how they are reached, whether they take calls, and when they are spoken to next.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::deadlines::Deadlines;
use super::message::{Host, Uri};
use super::peer::Peer;
use super::transaction::{ClientId, Due};
use crate::clock::Moment;
use crate::telephony::{TransportKind, Trunk};

/// The registration interval that we ask for.
const EXPIRES_WANTED: Duration = Duration::from_secs(600);
/// The longest that is believed, whatever a trunk grants: one that forgets us is found out.
const EXPIRES_MAX: Duration = Duration::from_secs(3_600);
/// The shortest pause between two registrations.
const REFRESH_MIN: Duration = Duration::from_secs(5);
/// The pause after a first failure; it doubles with each in a row ...
const BACK_OFF: Duration = Duration::from_secs(5);
/// ... up to this.
const BACK_OFF_MAX: Duration = Duration::from_secs(300);

/// A trunk's name inside the user agent. One that was changed has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TrunkId(u32);

/// What a trunk and we are saying to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Talk {
    /// Nothing, until its address is known or for good.
    Nothing,
    /// Something is to be said then.
    Next(Moment),
    /// An answer is awaited; not longer than this, where the transaction's own time is too long.
    Asked(ClientId, Option<Moment>),
}

/// One trunk.
#[derive(Debug)]
pub(super) struct TrunkLine {
    pub(super) trunk: Trunk,
    /// How it is reached, once that is known.
    pub(super) peer: Option<Peer>,
    pub(super) talk: Talk,
    /// Whether it takes calls, as was last told.
    pub(super) up: Option<bool>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// The interval that is asked for.
    pub(super) expires: Duration,
    /// Of all our registrations (RFC 3261 section 10.2).
    pub(super) call_id: String,
    pub(super) tag: String,
    pub(super) cseq: u32,
    /// We are closing down, and take the registration back.
    pub(super) leaving: bool,
    pub(super) due: Option<Moment>,
}

impl TrunkLine {
    fn new(trunk: Trunk, rng: &mut fastrand::Rng) -> TrunkLine {
        TrunkLine {
            trunk,
            peer: None,
            talk: Talk::Nothing,
            up: None,
            failures: 0,
            expires: EXPIRES_WANTED,
            call_id: format!("{:032x}", rng.u128(..)),
            tag: format!("{:016x}", rng.u64(..)),
            cseq: 0,
            leaving: false,
            due: None,
        }
    }

    /// The trunk's own address, without a user.
    pub(super) fn uri(&self) -> Uri {
        let port = (self.trunk.port != 5060).then_some(self.trunk.port);
        let mut uri = Uri::sip(self.host(), port);
        if self.trunk.transport == TransportKind::Tcp {
            uri.parameters.set("transport", Some("tcp"));
        }
        uri
    }

    /// Its host, for addresses of ours there.
    pub(super) fn host(&self) -> Host {
        match self.trunk.host.parse::<IpAddr>() {
            Ok(address) => Host::Address(address),
            Err(_) => Host::Name(self.trunk.host.as_str().into()),
        }
    }

    /// When it registers again that was granted so much.
    pub(super) fn granted(&mut self, now: Moment, interval: Duration) {
        self.failures = 0;
        self.talk = Talk::Next(now + (interval.min(EXPIRES_MAX) * 3 / 4).max(REFRESH_MIN));
    }

    /// The pause after a failure; a trunk that says how long is believed within limits.
    pub(super) fn failed(&mut self, now: Moment, retry_after: Option<Duration>, spread: Duration) {
        let doubled = BACK_OFF.saturating_mul(1 << self.failures.min(10)).min(BACK_OFF_MAX);
        self.failures = self.failures.saturating_add(1);
        let wait = retry_after.map_or(doubled, |wait| wait.clamp(doubled, BACK_OFF_MAX));
        self.talk = Talk::Next(now + wait + spread.min(wait / 10));
    }

    fn deadline(&self) -> Option<Moment> {
        match self.talk {
            Talk::Nothing => None,
            Talk::Next(moment) => Some(moment),
            Talk::Asked(_, until) => until,
        }
    }
}

/// All trunks, in the order in which they are preferred.
#[derive(Debug, Default)]
pub(super) struct Trunks {
    order: Vec<TrunkId>,
    lines: BTreeMap<TrunkId, TrunkLine>,
    begun: u32,
}

impl Trunks {
    /// Takes over what the trunks are. Those that stay as they were keep all; gives the ones that are gone.
    pub(super) fn set(
        &mut self,
        trunks: Vec<Trunk>,
        rng: &mut fastrand::Rng,
        deadlines: &mut Deadlines<Due>,
    ) -> Vec<TrunkLine> {
        let mut before = std::mem::take(&mut self.lines);
        self.order.clear();
        for trunk in trunks {
            let same = before.iter().find(|(_, line)| line.trunk == trunk).map(|(id, _)| *id);
            let (id, line) = match same.and_then(|id| Some((id, before.remove(&id)?))) {
                Some(kept) => kept,
                None => {
                    self.begun += 1;
                    (TrunkId(self.begun), TrunkLine::new(trunk, rng))
                }
            };
            self.order.push(id);
            self.lines.insert(id, line);
        }
        for (id, line) in &mut before {
            deadlines.set(Due::Trunk(*id), &mut line.due, None);
        }
        before.into_values().collect()
    }

    pub(super) fn get(&self, id: TrunkId) -> Option<&TrunkLine> {
        self.lines.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: TrunkId) -> Option<&mut TrunkLine> {
        self.lines.get_mut(&id)
    }

    /// The trunk of this name.
    pub(super) fn named(&self, name: &str) -> Option<(TrunkId, &TrunkLine)> {
        self.lines.iter().find(|(_, line)| &*line.trunk.name == name).map(|(id, line)| (*id, line))
    }

    /// The first trunk whose networks an address lies in.
    pub(super) fn from(&self, address: IpAddr) -> Option<&TrunkLine> {
        let mut lines = self.order.iter().filter_map(|id| self.lines.get(id));
        lines.find(|line| line.trunk.from.iter().any(|network| network.contains(address)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn ids(&self) -> Vec<TrunkId> {
        self.order.clone()
    }

    /// Where each trunk is to be looked for.
    pub(super) fn hosts(&self) -> impl Iterator<Item = (&str, u16)> {
        self.lines.values().map(|line| (line.trunk.host.as_str(), line.trunk.port))
    }

    /// Takes over where a host was found. What was never spoken to is spoken to now.
    pub(super) fn found(&mut self, id: TrunkId, now: Moment, remote: IpAddr, local: SocketAddr) {
        if let Some(line) = self.lines.get_mut(&id) {
            let remote = SocketAddr::new(remote, line.trunk.port);
            let connection = line.peer.filter(|peer| peer.remote == remote).and_then(|peer| peer.connection);
            line.peer = Some(Peer { transport: line.trunk.transport, local, remote, connection });
            if line.talk == Talk::Nothing && !line.leaving {
                line.talk = Talk::Next(now);
            }
        }
    }

    /// Brings a trunk's deadline up to date.
    pub(super) fn settle(&mut self, id: TrunkId, deadlines: &mut Deadlines<Due>) {
        if let Some(line) = self.lines.get_mut(&id) {
            let wanted = line.deadline();
            deadlines.set(Due::Trunk(id), &mut line.due, wanted);
        }
    }

    /// Panics unless every trunk has the deadline that it should; returns how many there are.
    pub(super) fn assert_consistent(&self, deadlines: &Deadlines<Due>) -> usize {
        let mut count = 0;
        for (id, line) in &self.lines {
            assert_eq!(line.due, line.deadline(), "{}'s deadline is not up to date", line.trunk.name);
            if let Some(due) = line.due {
                count += 1;
                assert!(deadlines.contains(Due::Trunk(*id), due), "{}'s deadline is lost", line.trunk.name);
            }
        }
        count
    }
}
