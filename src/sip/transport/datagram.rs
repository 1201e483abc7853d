//! UDP sockets, and which of our addresses each peer reaches.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::UdpSocket;

use crate::clock::Moment;

/// Datagrams taken from one socket in one turn.
const BATCH: usize = 64;

/// The longest datagram that there is.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Peers whose route is remembered; when there are more, all are asked for again.
const ROUTES_MAX: usize = 4_096;

/// How long a route is believed.
const ROUTE_LIFE: Duration = Duration::from_secs(60);

/// All UDP sockets.
pub(super) struct Datagrams {
    sockets: Vec<(UdpSocket, SocketAddr)>,
    buffer: Vec<u8>,
}

impl Datagrams {
    pub(super) fn new(sockets: Vec<(std::net::UdpSocket, SocketAddr)>) -> io::Result<Datagrams> {
        let sockets = sockets
            .into_iter()
            .map(|(socket, address)| Ok((UdpSocket::from_std(socket)?, address)))
            .collect::<io::Result<_>>()?;
        Ok(Datagrams { sockets, buffer: vec![0; DATAGRAM_BYTES_MAX] })
    }

    /// Ready when any socket has something.
    pub(super) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        let any = self.sockets.iter().any(|(socket, _)| socket.poll_recv_ready(context).is_ready());
        if any { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Takes a batch from each socket: what came, to which of them, from where.
    pub(super) fn receive(&mut self, mut take: impl FnMut(SocketAddr, SocketAddr, &[u8])) {
        for (socket, bound) in &self.sockets {
            for _ in 0..BATCH {
                match socket.try_recv_from(&mut self.buffer) {
                    Ok((length, remote)) => take(*bound, remote, &self.buffer[..length]),
                    // An error that an earlier datagram of ours caused is no reason to stop.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    Err(_) => break,
                }
            }
        }
    }

    /// Sends from the socket that listens on `local`'s port, or from any of the family. False when it could not be.
    pub(super) fn send(&self, local: SocketAddr, remote: SocketAddr, bytes: &[u8]) -> bool {
        let family = || self.sockets.iter().filter(|(_, bound)| bound.is_ipv4() == remote.is_ipv4());
        let exact = family().find(|(_, bound)| bound.port() == local.port() && bound.ip() == local.ip());
        let socket = exact.or_else(|| family().find(|(_, bound)| bound.port() == local.port()));
        let Some((socket, _)) = socket.or_else(|| family().next()) else { return false };
        socket.try_send_to(bytes, remote).is_ok()
    }
}

/// Which of our addresses each peer reaches.
#[derive(Debug, Default)]
pub(super) struct Routes {
    known: BTreeMap<IpAddr, (IpAddr, Moment)>,
}

impl Routes {
    /// Our end of the path to `remote`, for a socket bound to `bound`.
    pub(super) fn local(&mut self, now: Moment, bound: SocketAddr, remote: IpAddr) -> SocketAddr {
        if !bound.ip().is_unspecified() {
            return bound;
        }
        SocketAddr::new(self.towards(now, remote).unwrap_or_else(|| bound.ip()), bound.port())
    }

    /// Our address towards `remote`, as the operating system would choose it.
    pub(super) fn towards(&mut self, now: Moment, remote: IpAddr) -> Option<IpAddr> {
        if let Some((local, since)) = self.known.get(&remote)
            && now.since(*since) < ROUTE_LIFE
        {
            return Some(*local);
        }
        let local = ask(remote).ok()?;
        if self.known.len() >= ROUTES_MAX {
            self.known.clear();
        }
        self.known.insert(remote, (local, now));
        Some(local)
    }
}

/// Connecting a UDP socket sends nothing, but chooses an address.
fn ask(remote: IpAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = std::net::UdpSocket::bind(any)?;
    socket.connect((remote, 5060))?;
    Ok(socket.local_addr()?.ip())
}
