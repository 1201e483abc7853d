//! The registrar (RFC 3261 section 10, with Path of RFC 3327 and flows of RFC 5626): which phones an agent has, and by
//! which way each of them is reached.
//!
//! A phone is always called by the way that its own REGISTER came, never by what its Contact says alone: so a phone
//! behind a NAT is found, and nobody can register a Contact that makes us call somebody else.

mod binding;
mod lamp;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::deadlines::Deadlines;
use super::dialog;
use super::digest::Hashes;
use super::message::{HeaderName, NameAddr, Request};
use super::peer::{ConnectionId, Peer};
use super::settings::Registration;
use super::transaction::Due;
use crate::clock::Moment;
use crate::telephony::{AgentAccount, RegisteredPhone, TransportKind, Unreachable};
pub(super) use binding::{Binding, BindingId, Probe};

/// Contacts that one REGISTER may name.
const CONTACTS_PER_REQUEST_MAX: usize = 16;

/// Path values that are kept of one registration.
const PATH_MAX: usize = 8;

/// A phone that has just registered is asked this much later whether it can be reached.
const FIRST_PROBE: Duration = Duration::from_secs(1);

/// Agents and their phones.
#[derive(Debug)]
pub(super) struct Registrar {
    agents: BTreeMap<String, Agent>,
    bindings: BTreeMap<BindingId, Binding>,
    begun: u64,
    /// Whose phones are no longer those that were told last.
    changed: BTreeSet<String>,
}

#[derive(Debug)]
struct Agent {
    hashes: Hashes,
    bindings: Vec<BindingId>,
    /// As it was told last.
    reachable: bool,
}

/// Why a registration fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The request contradicts itself, with the reason.
    Malformed(&'static str),
    /// An interval is too short: 423.
    TooBrief,
    /// It is older than what is registered: 500 (RFC 3261 section 10.3, steps 6 and 7).
    OutOfOrder,
}

/// A change of what can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Reachable(String),
    Unreachable(String, Unreachable),
}

/// What one Contact of a REGISTER wants.
struct Wish {
    contact: NameAddr,
    /// Zero removes.
    expires: Duration,
}

impl Registrar {
    pub(super) fn new() -> Registrar {
        Registrar { agents: BTreeMap::new(), bindings: BTreeMap::new(), begun: 0, changed: BTreeSet::new() }
    }

    /// The hashes of an agent's password.
    pub(super) fn hashes(&self, extension: &str) -> Option<&Hashes> {
        self.agents.get(extension).map(|agent| &agent.hashes)
    }

    /// How many phones are registered.
    pub(super) fn len(&self) -> usize {
        self.bindings.len()
    }

    /// Takes over who the agents are.
    pub(super) fn set_agents(
        &mut self,
        accounts: &[AgentAccount],
        realm: &str,
        deadlines: &mut Deadlines<Due>,
    ) -> Vec<Change> {
        let mut old = std::mem::take(&mut self.agents);
        for account in accounts {
            let hashes = Hashes::of(&account.secret, &account.extension, realm);
            let known = old.remove(&account.extension);
            let agent = match known {
                Some(agent) => Agent { hashes, ..agent },
                None => Agent { hashes, bindings: Vec::new(), reachable: false },
            };
            self.agents.insert(account.extension.clone(), agent);
        }
        let mut changes = Vec::new();
        for (extension, agent) in old {
            for id in agent.bindings {
                self.forget(id, deadlines);
            }
            if agent.reachable {
                changes.push(Change::Unreachable(extension, Unreachable::Removed));
            }
        }
        changes
    }

    /// Does what an agent's REGISTER asks (RFC 3261 section 10.3), all of it or nothing.
    pub(super) fn register(
        &mut self,
        now: Moment,
        extension: &str,
        request: &Request,
        from: Peer,
        limits: &Registration,
        deadlines: &mut Deadlines<Due>,
    ) -> Result<Vec<Change>, Failure> {
        let headers = &request.headers;
        let call_id = headers.call_id().unwrap_or("");
        let cseq = headers.cseq().map_or(0, |(number, _)| number);
        let newer = |binding: &Binding| binding.call_id != call_id || binding.cseq < cseq;
        if headers.values(&HeaderName::Contact).any(|contact| contact == "*") {
            let alone = headers.values(&HeaderName::Contact).count() == 1;
            if !alone || headers.expires() != Ok(Some(0)) {
                return Err(Failure::Malformed("Contact * goes alone, with Expires 0"));
            }
            let all = self.of(extension);
            if !all.iter().all(|id| self.bindings.get(id).is_some_and(newer)) {
                return Err(Failure::OutOfOrder);
            }
            for id in all {
                self.forget(id, deadlines);
            }
            return Ok(self.judge(extension, Unreachable::Unregistered));
        }
        let wishes = wishes(request, limits)?;
        let path = headers.routes(&HeaderName::Path).map_err(|_| Failure::Malformed("Bad Path"))?;
        if path.len() > PATH_MAX {
            return Err(Failure::Malformed("Too many Path values"));
        }
        let matched: Vec<Option<BindingId>> =
            wishes.iter().map(|wish| self.matching(extension, &wish.contact, call_id, from)).collect();
        if !matched.iter().flatten().all(|id| self.bindings.get(id).is_some_and(newer)) {
            return Err(Failure::OutOfOrder);
        }
        for (wish, known) in wishes.into_iter().zip(matched) {
            match known {
                Some(id) if wish.expires.is_zero() => self.forget(id, deadlines),
                None if wish.expires.is_zero() => {}
                known => {
                    let fresh = Binding {
                        call_id: call_id.to_owned(),
                        cseq,
                        expires: now + wish.expires,
                        heard: now,
                        // What came with a Path goes back through the proxy that wrote it (RFC 3327 section 5.1).
                        flow: if path.is_empty() { flow(&wish.contact, from) } else { from },
                        path: path.clone(),
                        ..Binding::new(extension, wish.contact, from, now + FIRST_PROBE)
                    };
                    self.bind(known, fresh, limits, deadlines);
                }
            }
        }
        Ok(self.judge(extension, Unreachable::Unregistered))
    }

    /// Adds a phone, or renews what is known of it.
    fn bind(
        &mut self,
        known: Option<BindingId>,
        mut fresh: Binding,
        limits: &Registration,
        deadlines: &mut Deadlines<Due>,
    ) {
        self.changed.insert(fresh.extension.clone());
        if let Some(id) = known
            && let Some(old) = self.bindings.get_mut(&id)
        {
            // Whether it answers is not told by a REGISTER: only its way out is known to be open.
            fresh.take_over(old);
            *old = fresh;
            return self.settle(id, deadlines);
        }
        let Some(agent) = self.agents.get(&fresh.extension) else { return };
        if agent.bindings.len() >= limits.contacts_max {
            let stalest = agent
                .bindings
                .iter()
                .copied()
                .min_by_key(|id| self.bindings.get(id).map(|binding| (!binding.is_silent(), binding.heard)));
            if let Some(stalest) = stalest {
                self.forget(stalest, deadlines);
            }
        }
        self.begun += 1;
        let id = BindingId(self.begun);
        if let Some(agent) = self.agents.get_mut(&fresh.extension) {
            agent.bindings.push(id);
            self.bindings.insert(id, fresh);
            self.settle(id, deadlines);
        }
    }

    /// A phone that had registered with an earlier process, and is asked at `probe` whether it is there. One to which no
    /// way leads, or whose agent is no more, is left out.
    pub(super) fn restore(
        &mut self,
        now: Moment,
        extension: &str,
        phone: &RegisteredPhone,
        probe: Moment,
        limits: &Registration,
        deadlines: &mut Deadlines<Due>,
    ) -> Vec<Change> {
        // It stays unreadable, too old or out of reach: what was kept of it is to go.
        self.changed.insert(extension.to_owned());
        let full = self.of(extension).len() >= limits.contacts_max;
        if let Some(binding) = Binding::restored(now, extension, phone, probe).filter(|_| !full) {
            self.bind(None, binding, limits, deadlines);
        }
        self.judge(extension, Unreachable::Silent)
    }

    /// The phones of those agents of whom something has changed since this was asked last.
    pub(super) fn changes(&mut self, now: Moment) -> Vec<(String, Vec<RegisteredPhone>)> {
        let changed = std::mem::take(&mut self.changed);
        let phones = |extension: String| {
            let phones = self.phones(&extension).map(|binding| binding.to_keep(now)).collect();
            (extension, phones)
        };
        changed.into_iter().map(phones).collect()
    }

    /// The binding that a Contact means: that of the same instance and flow (RFC 5626 section 6), or of an equal URI
    /// (RFC 3261 section 19.1.4). A phone that names its instance and was started again has replaced its former self.
    fn matching(&self, extension: &str, contact: &NameAddr, call_id: &str, from: Peer) -> Option<BindingId> {
        let (instance, reg_id) = (binding::instance(contact), binding::reg_id(contact));
        let find = |same: &dyn Fn(&Binding) -> bool| {
            let agent = self.agents.get(extension)?;
            agent.bindings.iter().copied().find(|id| self.bindings.get(id).is_some_and(same))
        };
        if instance.is_some() && reg_id.is_some() {
            return find(&|one| one.instance == instance && one.reg_id == reg_id);
        }
        find(&|one| one.contact.uri.matches(&contact.uri)).or_else(|| {
            instance.as_ref()?;
            find(&|one| {
                one.instance == instance
                    && one.reg_id.is_none()
                    && one.call_id != call_id
                    && one.flow.transport == from.transport
            })
        })
    }

    /// The phones to call, the preferred ones first, those of one preference together. None that is silent.
    pub(super) fn targets(&self, extension: &str) -> Vec<Vec<&Binding>> {
        let mut groups: BTreeMap<u16, Vec<&Binding>> = BTreeMap::new();
        for binding in self.phones(extension).filter(|binding| !binding.is_silent()) {
            groups.entry(binding.q).or_default().push(binding);
        }
        groups.into_values().rev().collect()
    }

    /// All phones of an agent.
    pub(super) fn phones(&self, extension: &str) -> impl Iterator<Item = &Binding> {
        let ids = self.agents.get(extension).map_or(&[][..], |agent| &agent.bindings);
        ids.iter().filter_map(|id| self.bindings.get(id))
    }

    pub(super) fn get_mut(&mut self, id: BindingId) -> Option<&mut Binding> {
        self.bindings.get_mut(&id)
    }

    /// Removes a phone, and tells what that means for its agent.
    pub(super) fn remove(&mut self, id: BindingId, why: Unreachable, deadlines: &mut Deadlines<Due>) -> Vec<Change> {
        let Some(extension) = self.bindings.get(&id).map(|binding| binding.extension.clone()) else {
            return Vec::new();
        };
        self.forget(id, deadlines);
        self.judge(&extension, why)
    }

    /// The streams by which phones are reached.
    pub(super) fn connections(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.bindings.values().filter_map(|binding| binding.flow.connection)
    }

    /// A stream is gone. Who can be reached by another one is asked at once; who cannot is no longer registered.
    pub(super) fn disconnected(
        &mut self,
        now: Moment,
        connection: ConnectionId,
        deadlines: &mut Deadlines<Due>,
    ) -> Vec<Change> {
        let lost: Vec<BindingId> = self
            .bindings
            .iter()
            .filter(|(_, binding)| binding.flow.connection == Some(connection))
            .map(|(id, _)| *id)
            .collect();
        let mut changes = Vec::new();
        for id in lost {
            if let Some(binding) = self.bindings.get_mut(&id)
                && binding.reconnect(now)
            {
                self.changed.insert(binding.extension.clone());
                self.settle(id, deadlines);
            } else {
                changes.extend(self.remove(id, Unreachable::Disconnected, deadlines));
            }
        }
        changes
    }

    /// Brings a binding's deadline up to date.
    pub(super) fn settle(&mut self, id: BindingId, deadlines: &mut Deadlines<Due>) {
        if let Some(binding) = self.bindings.get_mut(&id) {
            let wanted = binding.deadline();
            deadlines.set(Due::Binding(id), &mut binding.due, Some(wanted));
        }
    }

    /// Whether an agent's reachability has changed since it was last told.
    pub(super) fn judge(&mut self, extension: &str, why: Unreachable) -> Vec<Change> {
        let reachable = self.phones(extension).any(|binding| !binding.is_silent());
        for id in self.of(extension) {
            if let Some(binding) = self.bindings.get_mut(&id)
                && binding.told_silent != binding.is_silent()
            {
                binding.told_silent = binding.is_silent();
                self.changed.insert(extension.to_owned());
            }
        }
        match self.agents.get_mut(extension) {
            Some(agent) if agent.reachable != reachable => {
                agent.reachable = reachable;
                let extension = extension.to_owned();
                vec![if reachable { Change::Reachable(extension) } else { Change::Unreachable(extension, why) }]
            }
            _ => Vec::new(),
        }
    }

    /// Panics unless all is in order. Returns how many deadlines are the bindings'.
    pub(super) fn assert_consistent(&self, limits: &Registration, deadlines: &Deadlines<Due>) -> usize {
        let mut owned = 0;
        for (extension, agent) in &self.agents {
            assert!(agent.bindings.len() <= limits.contacts_max, "{extension} has too many phones");
            let reachable = self.phones(extension).any(|binding| !binding.is_silent());
            assert_eq!(agent.reachable, reachable, "what was told of {extension} is no longer true");
            for id in &agent.bindings {
                let binding = self.bindings.get(id).expect("an agent's binding exists");
                assert_eq!(&binding.extension, extension, "a binding is another agent's");
                assert_eq!(binding.due, Some(binding.deadline()), "a binding's deadline is not up to date");
                assert!(deadlines.contains(Due::Binding(*id), binding.deadline()), "a binding's deadline is lost");
                owned += 1;
            }
        }
        assert_eq!(self.bindings.len(), owned, "a binding is nobody's");
        owned
    }

    /// The phones of an agent.
    pub(super) fn of(&self, extension: &str) -> Vec<BindingId> {
        self.agents.get(extension).map(|agent| agent.bindings.clone()).unwrap_or_default()
    }

    fn forget(&mut self, id: BindingId, deadlines: &mut Deadlines<Due>) {
        if let Some(mut binding) = self.bindings.remove(&id) {
            self.changed.insert(binding.extension.clone());
            deadlines.set(Due::Binding(id), &mut binding.due, None);
            if let Some(agent) = self.agents.get_mut(&binding.extension) {
                agent.bindings.retain(|other| *other != id);
            }
        }
    }
}

/// What the Contacts of a REGISTER want, with their intervals checked.
fn wishes(request: &Request, limits: &Registration) -> Result<Vec<Wish>, Failure> {
    let headers = &request.headers;
    if headers.values(&HeaderName::Contact).take(CONTACTS_PER_REQUEST_MAX + 1).count() > CONTACTS_PER_REQUEST_MAX {
        return Err(Failure::Malformed("Too many Contacts"));
    }
    let contacts = headers.contacts().map_err(|_| Failure::Malformed("Bad Contact"))?;
    // What makes no sense is as if it were not there (RFC 3261 section 20.10, "3600" there).
    let common = headers.expires().ok().flatten();
    let mut wishes = Vec::new();
    for contact in contacts {
        if !contact.uri.is_sip() {
            return Err(Failure::Malformed("Contact is no SIP URI"));
        }
        let own = contact.parameters.get("expires").and_then(|value| value.parse::<u32>().ok());
        let asked = own.or(common).map(|seconds| Duration::from_secs(u64::from(seconds)));
        let expires = match asked {
            None => limits.expires_default,
            Some(zero) if zero.is_zero() => zero,
            Some(brief) if brief < limits.expires_min => return Err(Failure::TooBrief),
            Some(asked) => asked.min(limits.expires_max),
        };
        wishes.push(Wish { contact, expires });
    }
    Ok(wishes)
}

/// By which way a phone is called whose REGISTER came `from` there. Over UDP, a Contact at the address that the REGISTER
/// came from is believed as to its port: such a phone sends from one port and listens at another.
fn flow(contact: &NameAddr, from: Peer) -> Peer {
    match dialog::socket_address(&contact.uri) {
        Some(address) if from.transport == TransportKind::Udp && address.ip() == from.remote.ip() => {
            Peer { remote: address, ..from }
        }
        _ => from,
    }
}
