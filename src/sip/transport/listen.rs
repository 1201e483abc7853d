//! Sockets to listen on.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::telephony::TransportKind;

/// What a UDP socket may hold for us while we are busy: at 1,500 calls a second and 1 KB a message, more than a second.
const UDP_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Connections that wait to be accepted.
const TCP_BACKLOG: i32 = 1_024;

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// By what.
    pub transport: TransportKind,
    /// At which address; port 0 takes a free one.
    pub address: SocketAddr,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            TransportKind::Udp => "udp",
            TransportKind::Tcp => "tcp",
        };
        write!(f, "{scheme}://{}", self.address)
    }
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {listener}: {}", explain(.reason))]
pub struct ListenFault {
    /// The address.
    pub listener: Listener,
    /// What the operating system said; it is part of the text.
    pub reason: io::Error,
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "address already in use: another telephone system may be running; stop it, or choose another port"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => "permission denied: ports below 1024 need a privilege".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => error.to_string(),
    }
}

/// Bound sockets, not yet served.
#[derive(Debug, Default)]
pub struct Endpoints {
    pub(super) udp: Vec<(UdpSocket, SocketAddr)>,
    pub(super) tcp: Vec<(TcpListener, SocketAddr)>,
}

impl Endpoints {
    /// Binds all `listeners`, or none.
    pub fn bind(listeners: &[Listener]) -> Result<Endpoints, ListenFault> {
        let mut endpoints = Endpoints::default();
        for listener in listeners {
            let fault = |reason| ListenFault { listener: *listener, reason };
            match listener.transport {
                TransportKind::Udp => {
                    let socket = bind_udp(listener.address).map_err(fault)?;
                    let address = socket.local_addr().map_err(fault)?;
                    endpoints.udp.push((socket, address));
                }
                TransportKind::Tcp => {
                    let socket = bind_tcp(listener.address).map_err(fault)?;
                    let address = socket.local_addr().map_err(fault)?;
                    endpoints.tcp.push((socket, address));
                }
            }
        }
        Ok(endpoints)
    }

    /// What is listened on, with the ports that were taken.
    pub fn bound(&self) -> Vec<Listener> {
        let udp = self.udp.iter().map(|(_, address)| Listener { transport: TransportKind::Udp, address: *address });
        let tcp = self.tcp.iter().map(|(_, address)| Listener { transport: TransportKind::Tcp, address: *address });
        udp.chain(tcp).collect()
    }

    /// The first port that is listened on by `transport`: for [`Settings`](crate::sip::Settings).
    pub fn port(&self, transport: TransportKind) -> Option<u16> {
        self.bound().iter().find(|bound| bound.transport == transport).map(|bound| bound.address.port())
    }
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // IPv4 has sockets of its own; mapped addresses would end up in Via and SDP.
        socket.set_only_v6(true)?;
    }
    // The system may grant less.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(UDP_BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart need not wait for the old connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(TCP_BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_explained() {
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        for transport in [TransportKind::Udp, TransportKind::Tcp] {
            let first = Endpoints::bind(&[Listener { transport, address: any }]).expect("a free port");
            let taken = first.bound();
            let again = Endpoints::bind(&taken).expect_err("it is taken");
            let fault = again.to_string();
            let expected = format!("cannot listen on {}: address already in use: another telephone system", taken[0]);
            assert!(fault.starts_with(&expected), "{fault}");
            assert!(std::error::Error::source(&again).is_none(), "what is told once is not told twice");
            assert_eq!(first.port(transport), Some(taken[0].address.port()));
        }
    }
}
