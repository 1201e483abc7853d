//! One registered phone.

use std::net::SocketAddr;

use super::lamp::Lamp;
use crate::clock::Moment;
use crate::sip::dialog;
use crate::sip::message::NameAddr;
use crate::sip::peer::Peer;
use crate::sip::transaction::ClientId;
use crate::telephony::{RegisteredPhone, TransportKind};

/// The name of a binding; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sip) struct BindingId(pub(super) u64);

/// Probes in a row without answer, after which a phone counts as silent.
const MISSES_MAX: u8 = 2;

/// Where a phone is, and how it is doing.
#[derive(Debug)]
pub(in crate::sip) struct Binding {
    /// Whose phone it is.
    pub(in crate::sip) extension: String,
    /// Its Contact, without `expires`.
    pub(in crate::sip) contact: NameAddr,
    /// Contact's q in thousandths, 1000 where it has none.
    pub(in crate::sip) q: u16,
    pub(in crate::sip) instance: Option<String>,
    pub(in crate::sip) reg_id: Option<u32>,
    pub(in crate::sip) call_id: String,
    pub(in crate::sip) cseq: u32,
    pub(in crate::sip) expires: Moment,
    /// When its last REGISTER came.
    pub(in crate::sip) heard: Moment,
    /// The way to it.
    pub(in crate::sip) flow: Peer,
    /// The Route of what is sent to it (RFC 3327).
    pub(in crate::sip) path: Vec<NameAddr>,
    pub(in crate::sip) probe: Probe,
    pub(in crate::sip) misses: u8,
    /// Whether it was told that it is silent.
    pub(super) told_silent: bool,
    /// CSeq of the probes.
    pub(in crate::sip) probes: u32,
    pub(in crate::sip) due: Option<Moment>,
    /// What it was told of messages that wait.
    pub(in crate::sip) lamp: Lamp,
}

/// What the next deadline of the probes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sip) enum Probe {
    /// The next one is due then.
    Next(Moment),
    /// One is under way, and its answer is missing from then on.
    Asked(ClientId, Moment),
}

impl Binding {
    pub(in crate::sip) fn new(extension: &str, mut contact: NameAddr, flow: Peer, first_probe: Moment) -> Binding {
        contact.parameters.remove("expires");
        Binding {
            extension: extension.to_owned(),
            q: q(&contact),
            instance: instance(&contact),
            reg_id: reg_id(&contact),
            contact,
            call_id: String::new(),
            cseq: 0,
            expires: Moment::ZERO,
            heard: Moment::ZERO,
            flow,
            path: Vec::new(),
            probe: Probe::Next(first_probe),
            misses: 0,
            told_silent: false,
            probes: 0,
            due: None,
            lamp: Lamp::default(),
        }
    }

    /// One of an earlier process. What was a stream is lost with it, and a new one must lead to the same host.
    pub(super) fn restored(now: Moment, extension: &str, phone: &RegisteredPhone, probe: Moment) -> Option<Binding> {
        let contact = NameAddr::parse(&phone.contact, "Contact").ok().filter(|contact| contact.uri.is_sip())?;
        let path: Vec<NameAddr> =
            phone.path.iter().map(|hop| NameAddr::parse(hop, "Path").ok()).collect::<Option<_>>()?;
        let flow = Peer { transport: phone.transport, local: phone.local, remote: phone.remote, connection: None };
        let fresh = Binding::new(extension, contact, flow, probe);
        let remote = match phone.transport {
            TransportKind::Udp => phone.remote,
            TransportKind::Tcp => match path.first() {
                Some(hop) => dialog::socket_address(&hop.uri).filter(|hop| hop.ip() == phone.remote.ip())?,
                None => fresh.listens_at()?,
            },
        };
        // A phone that does not answer now has died while nobody looked: one answer that is missing is enough.
        let misses = if phone.answers { MISSES_MAX - 1 } else { MISSES_MAX };
        let expires = now + phone.expires_in;
        (expires > now).then(|| Binding {
            flow: Peer { remote, ..flow },
            path,
            call_id: phone.call_id.clone(),
            cseq: phone.cseq,
            expires,
            heard: now,
            misses,
            ..fresh
        })
    }

    /// All of it that outlives the process.
    pub(super) fn to_keep(&self, now: Moment) -> RegisteredPhone {
        RegisteredPhone {
            contact: self.contact.to_string(),
            path: self.path.iter().map(ToString::to_string).collect(),
            transport: self.flow.transport,
            local: self.flow.local,
            remote: self.flow.remote,
            call_id: self.call_id.clone(),
            cseq: self.cseq,
            answers: !self.is_silent(),
            expires_in: self.expires - now,
        }
    }

    /// Where a new connection leads to it: its Contact is at the address that it was heard from. Who registers a flow
    /// (RFC 5626) is reached by that alone.
    fn listens_at(&self) -> Option<SocketAddr> {
        let contact = dialog::socket_address(&self.contact.uri).filter(|_| self.reg_id.is_none());
        contact.filter(|contact| contact.ip() == self.flow.remote.ip())
    }

    /// Takes over what was found out about the same phone. One that was silent is asked at once; any other keeps its
    /// rhythm.
    pub(super) fn take_over(&mut self, old: &Binding) {
        let moved = self.flow != old.flow;
        self.misses = old.misses;
        self.told_silent = old.told_silent;
        self.probes = old.probes;
        self.due = old.due;
        // A phone that was started again knows nothing, and may be another program.
        if self.call_id == old.call_id {
            self.lamp = old.lamp;
        }
        if !(old.is_silent() || moved) || matches!(old.probe, Probe::Asked(..)) {
            self.probe = old.probe;
        }
    }

    /// Whether it has not answered lately.
    pub(in crate::sip) fn is_silent(&self) -> bool {
        self.misses >= MISSES_MAX
    }

    pub(in crate::sip) fn missed(&mut self) {
        self.misses = self.misses.saturating_add(1).min(MISSES_MAX);
    }

    /// It cannot be reached at all.
    pub(in crate::sip) fn broke(&mut self) {
        self.misses = MISSES_MAX;
    }

    pub(super) fn deadline(&self) -> Moment {
        let (Probe::Next(probe) | Probe::Asked(_, probe)) = self.probe;
        self.expires.min(probe)
    }

    /// Whether another connection may lead to it than the one that was lost: its Contact is at the address that it was
    /// heard from. Then that is tried at once.
    pub(super) fn reconnect(&mut self, now: Moment) -> bool {
        match self.listens_at() {
            Some(contact) if contact != self.flow.remote => {
                self.flow = Peer { remote: contact, connection: None, ..self.flow };
                self.probe = match self.probe {
                    Probe::Next(_) => Probe::Next(now),
                    asked @ Probe::Asked(..) => asked,
                };
                true
            }
            _ => false,
        }
    }
}

/// `+sip.instance` as it is compared (RFC 5626 section 4.1).
pub(super) fn instance(contact: &NameAddr) -> Option<String> {
    contact.parameters.text("+sip.instance").filter(|text| !text.is_empty()).map(|text| text.to_ascii_lowercase())
}

/// `reg-id` (RFC 5626 section 4.2), which means something only beside an instance.
pub(super) fn reg_id(contact: &NameAddr) -> Option<u32> {
    contact.parameters.get("reg-id")?.parse().ok().filter(|id| *id > 0)
}

/// Contact's q in thousandths (RFC 3261 section 20.10); 1000 where it has none or one that makes no sense.
fn q(contact: &NameAddr) -> u16 {
    let Some(text) = contact.parameters.get("q") else { return 1_000 };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let padded = format!("{fraction:0<3}");
    match (whole, padded.parse::<u16>()) {
        ("0" | "", Ok(thousandths)) if padded.len() == 3 => thousandths,
        _ => 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read() {
        for (text, expected) in [
            ("<sip:a@b>", 1_000),
            ("<sip:a@b>;q=1", 1_000),
            ("<sip:a@b>;q=1.000", 1_000),
            ("<sip:a@b>;q=0.7", 700),
            ("<sip:a@b>;q=.25", 250),
            ("<sip:a@b>;q=0", 0),
            ("<sip:a@b>;q=0.1234", 1_000),
            ("<sip:a@b>;q=high", 1_000),
        ] {
            assert_eq!(q(&NameAddr::parse(text, "Contact").expect("well formed")), expected, "{text}");
        }
    }
}
