//! What the user agent is told at its construction.

use std::net::IpAddr;
use std::time::Duration;

use super::digest::Algorithm;
use crate::telephony::TransportKind;

/// Settings of a [`UserAgent`](super::UserAgent).
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address in Via and Contact; `None` takes the local address that each packet came to.
    pub advertise: Option<IpAddr>,
    /// The port in Via and Contact of what is sent over UDP to a side that has not yet been heard.
    pub udp_port: u16,
    /// The same over TCP.
    pub tcp_port: u16,
    /// Printed as Server in responses and as User-Agent in requests.
    pub product: String,
    /// The longest message taken, in octets; a longer one is answered with 513.
    pub max_message: usize,
    /// Calls at once; more are answered with 503.
    pub calls: usize,
    /// New calls a second, with a burst of as many; more are answered with 503.
    pub calls_per_second: u32,
    /// The timers of RFC 3261.
    pub timers: Timers,
    /// The session interval that we ask for, in seconds (RFC 4028 section 4); none shorter than `min_se`.
    pub session_expires: u32,
    /// The shortest session interval that we take, in seconds; RFC 4028 section 4 sets 90 as the floor.
    pub min_se: u32,
    /// The realm of the agents' passwords; a change of it makes stored `H(A1)`s worthless.
    pub realm: String,
    /// The hash functions that agents' phones are offered, the preferred one first (RFC 8760 section 2.3).
    pub digests: Vec<Algorithm>,
    /// Random octets, at least 16, that nobody outside can know: they seal the nonces. Where they outlive the process, a
    /// phone with a nonce from before is told that it is stale, and goes on; without any, each user agent has its own.
    pub secret: Vec<u8>,
    /// How long registrations last.
    pub registration: Registration,
}

/// How long registrations last, and how phones are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The shortest interval that is taken; a shorter one is answered with 423. 60 s.
    pub expires_min: Duration,
    /// What a phone gets that names none, 300 s.
    pub expires_default: Duration,
    /// The longest that is granted, 3,600 s.
    pub expires_max: Duration,
    /// Phones that an agent may have registered at once; a further one takes the place of the one that was heard least
    /// recently. 5.
    pub contacts_max: usize,
    /// How often a phone is asked whether it still is there (OPTIONS), 30 s.
    pub probe_every: Duration,
    /// How long it has for the answer, 5 s. After two without answer it counts as silent.
    pub probe_patience: Duration,
}

impl Default for Registration {
    fn default() -> Registration {
        Registration {
            expires_min: Duration::from_secs(60),
            expires_default: Duration::from_secs(300),
            expires_max: Duration::from_secs(3_600),
            contacts_max: 5,
            probe_every: Duration::from_secs(30),
            probe_patience: Duration::from_secs(5),
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            advertise: None,
            udp_port: 5060,
            tcp_port: 5060,
            product: concat!("Helpline/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_message: 65_535,
            calls: 1_000,
            calls_per_second: 100,
            timers: Timers::default(),
            session_expires: 1_800,
            min_se: 90,
            realm: "helpline".to_owned(),
            digests: vec![Algorithm::Sha256, Algorithm::Md5],
            secret: Vec::new(),
            registration: Registration::default(),
        }
    }
}

impl Settings {
    /// The port that we advertise for `transport`.
    pub(super) fn port(&self, transport: TransportKind) -> u16 {
        match transport {
            TransportKind::Udp => self.udp_port,
            TransportKind::Tcp => self.tcp_port,
        }
    }
}

/// The base values from which all timers of RFC 3261 follow (table 4 in its appendix A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// The estimate of a round trip, 500 ms.
    pub t1: Duration,
    /// The longest interval between retransmissions of a non-INVITE request and of a response to INVITE, 4 s.
    pub t2: Duration,
    /// How long a message may remain in the network, 5 s.
    pub t4: Duration,
}

impl Default for Timers {
    fn default() -> Timers {
        Timers { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Timers {
    /// 64 × T1, how long anything is tried: timers B, F, H, J, L and M, 32 s.
    pub fn give_up(&self) -> Duration {
        self.t1 * 64
    }

    /// Timer D: how long retransmissions of a refusal are absorbed by the one who sent INVITE, at least 32 s on UDP.
    pub fn absorb(&self) -> Duration {
        self.give_up()
    }
}
