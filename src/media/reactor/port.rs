//! A leg's two sockets, and reading with the time at which the kernel received each datagram.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::clock::Moment;

/// What a socket may hold unread: some forty small datagrams with all that the kernel keeps about them, nearly a second
/// of audio.
const RTP_BUFFER: usize = 32 * 1024;
const RTCP_BUFFER: usize = 4 * 1024;
/// Expedited forwarding, as the class octet of IP: what RFC 4594 wants for telephony.
const EXPEDITED: u32 = 46 << 2;
/// Datagrams read from one socket in a row: what a flood leaves is read in the next tick, or never.
const READS_MAX: usize = 16;
/// No packet of ours to read is longer; the rest of a longer one is cut off.
const DATAGRAM_MAX: usize = 1_536;
/// Behind a packet that came this long ago there is likely another: a tick, less what the clocks may differ by.
const SUCCESSOR: Duration = Duration::from_millis(19);
/// Longer than any packet waits, unless somebody sets the time of day.
const WAITED_MAX: Duration = Duration::from_secs(1);

/// A leg's RTP port and the RTCP port above it.
pub(super) struct Port {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
}

impl Port {
    /// Opens both on `address`.
    pub fn open(address: IpAddr, port: u16) -> io::Result<Port> {
        let above = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Port {
            rtp: socket(SocketAddr::new(address, port), RTP_BUFFER)?,
            rtcp: socket(SocketAddr::new(address, above), RTCP_BUFFER)?,
        })
    }
}

fn socket(address: SocketAddr, buffer: usize) -> io::Result<UdpSocket> {
    let socket = nonblocking(Domain::for_address(address))?;
    socket.set_recv_buffer_size(buffer)?;
    // A kernel that refuses to mark packets still sends them.
    let _ = if address.is_ipv6() {
        socket.set_only_v6(true)?;
        socket.set_tclass_v6(EXPEDITED)
    } else {
        socket.set_tos_v4(EXPEDITED)
    };
    timestamp(&socket);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// One call to the system where it takes one, as `Socket::new` with `set_nonblocking` takes three.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn nonblocking(domain: Domain) -> io::Result<Socket> {
    Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn nonblocking(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Reads sockets, each datagram with the moment at which it came.
pub(super) struct Reader {
    receiver: Receiver,
    now: Moment,
    buffer: Box<[u8; DATAGRAM_MAX]>,
}

impl Reader {
    pub fn new() -> Reader {
        Reader { receiver: Receiver::new(), now: Moment::ZERO, buffer: Box::new([0; DATAGRAM_MAX]) }
    }

    /// Sets the present moment, once for all the sockets read at it.
    pub fn set_now(&mut self, now: Moment) {
        self.now = now;
        self.receiver.set_now();
    }

    /// Reads a datagram, and the next one where it can be expected: `eager`ly whatever there is, up to a bound; otherwise
    /// only behind one that has waited for so long that its successor has come as well. So the steady case, one packet in
    /// each tick, costs one call to the system. How many were read.
    pub fn read(&mut self, socket: &UdpSocket, eager: bool, mut each: impl FnMut(Moment, SocketAddr, &[u8])) -> usize {
        for count in 0..READS_MAX {
            let Some(datagram) = self.receiver.receive(socket, &mut self.buffer[..]) else { return count };
            let waited = datagram.waited.min(WAITED_MAX);
            let arrival = Moment::from_micros(self.now.as_micros().saturating_sub(waited.as_micros() as u64));
            if let Some(from) = datagram.from {
                each(arrival, from, &self.buffer[..datagram.length.min(DATAGRAM_MAX)]);
            }
            if !eager && waited < SUCCESSOR {
                return count + 1;
            }
        }
        READS_MAX
    }
}

/// What was read, of which the octets are in the buffer.
struct Datagram {
    length: usize,
    from: Option<SocketAddr>,
    /// Since when.
    waited: Duration,
}

#[cfg(target_os = "linux")]
use linux::{Receiver, timestamp};
#[cfg(not(target_os = "linux"))]
use portable::{Receiver, timestamp};

/// With the kernel's own timestamps. A socket is read once a tick, so only the kernel knows when a packet came, and
/// jitter and round trip are measured by that.
#[cfg(target_os = "linux")]
mod linux {
    use std::io::IoSliceMut;
    use std::os::fd::AsRawFd;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
    use nix::sys::time::TimeSpec;
    use socket2::Socket;

    use super::{Datagram, SocketAddr, UdpSocket};

    /// Without timestamps the time of reading counts.
    pub fn timestamp(socket: &Socket) {
        let _ = setsockopt(socket, sockopt::ReceiveTimestampns, &true);
    }

    pub struct Receiver {
        control: Vec<u8>,
        wall: Duration,
    }

    impl Receiver {
        pub fn new() -> Receiver {
            Receiver { control: nix::cmsg_space!(TimeSpec), wall: Duration::ZERO }
        }

        pub fn set_now(&mut self) {
            self.wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        }

        pub fn receive(&mut self, socket: &UdpSocket, buffer: &mut [u8]) -> Option<Datagram> {
            let mut slices = [IoSliceMut::new(buffer)];
            // An error is "nothing there", or an ICMP report of a packet that reached nobody: both mean nothing.
            let message = recvmsg::<SockaddrStorage>(
                socket.as_raw_fd(),
                &mut slices,
                Some(&mut self.control),
                MsgFlags::MSG_DONTWAIT,
            )
            .ok()?;
            let came = message.cmsgs().ok()?.find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
                _ => None,
            });
            Some(Datagram {
                length: message.bytes,
                from: message.address.as_ref().and_then(address),
                waited: came.map_or(Duration::ZERO, |came| self.wall.saturating_sub(came)),
            })
        }
    }

    fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
        let v4 = storage.as_sockaddr_in().map(|address| SocketAddr::V4((*address).into()));
        v4.or_else(|| storage.as_sockaddr_in6().map(|address| SocketAddr::V6((*address).into())))
    }
}

/// With what every system has: the time of reading counts as that of arrival.
#[cfg(not(target_os = "linux"))]
mod portable {
    use std::time::Duration;

    use socket2::Socket;

    use super::{Datagram, SocketAddr, UdpSocket};

    pub fn timestamp(_: &Socket) {}

    pub struct Receiver;

    impl Receiver {
        pub fn new() -> Receiver {
            Receiver
        }

        pub fn set_now(&mut self) {}

        pub fn receive(&mut self, socket: &UdpSocket, buffer: &mut [u8]) -> Option<Datagram> {
            let (length, from) = socket.recv_from(buffer).ok()?;
            Some(Datagram { length, from: Some(from), waited: Duration::ZERO })
        }
    }
}
