//! Where a message came from or goes to, and what the user agent hands out.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::telephony::{SipEvent, TransportKind};

/// One stream, as the shell numbers it. Numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Two ends of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// What it travels by.
    pub transport: TransportKind,
    /// Our end: the address that the other side reaches us by, with the port that we listen on.
    pub local: SocketAddr,
    /// The other end. For a message to be sent over a stream, where to open a new one when `connection` is gone.
    pub remote: SocketAddr,
    /// The stream it came by, or should go by while it stands.
    pub connection: Option<ConnectionId>,
}

impl Peer {
    /// Whether what is sent arrives or the sender is told (RFC 3261 section 17: no retransmissions then).
    pub fn reliable(&self) -> bool {
        self.transport == TransportKind::Tcp
    }
}

/// What the user agent wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send these octets. They are shared, so that a retransmission costs a count.
    Transmit {
        /// Where to, and from where.
        peer: Peer,
        /// One whole message.
        bytes: Arc<[u8]>,
    },
    /// Tell the switchboard.
    Event(SipEvent),
}
