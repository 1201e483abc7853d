//! A leg's two sockets, and reading with the time at which the kernel received each datagram.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::clock::Moment;

/// What a socket may hold unread: some forty small datagrams with all that the kernel keeps about them, nearly a second
/// of audio.
const RTP_BUFFER: usize = 32 * 1024;
const RTCP_BUFFER: usize = 4 * 1024;
/// Expedited forwarding, as the class octet of IP: what RFC 4594 wants for telephony.
const EXPEDITED: u32 = 46 << 2;

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
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
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

#[cfg(target_os = "linux")]
pub(super) use linux::Reader;
#[cfg(target_os = "linux")]
use linux::timestamp;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::Reader;
#[cfg(not(target_os = "linux"))]
use portable::timestamp;

/// Datagrams read with one call, and calls in a row: what a flood leaves is read in the next tick, or never.
const BATCH: usize = 4;
const BATCHES_MAX: usize = 4;
/// No packet of ours to read is longer; the rest of a longer one is cut off.
const DATAGRAM_MAX: usize = 1_536;

/// With `recvmmsg` and the kernel's own timestamps. A socket is read once a tick, so only the kernel knows when a packet
/// came, and jitter and round trip are measured by that.
#[cfg(target_os = "linux")]
mod linux {
    use std::io::IoSliceMut;
    use std::os::fd::AsRawFd;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use nix::sys::socket::{
        ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt, sockopt,
    };
    use nix::sys::time::TimeSpec;
    use socket2::Socket;

    use super::{BATCH, BATCHES_MAX, DATAGRAM_MAX, Moment, SocketAddr, UdpSocket};

    /// Without timestamps the time of reading counts.
    pub fn timestamp(socket: &Socket) {
        let _ = setsockopt(socket, sockopt::ReceiveTimestampns, &true);
    }

    pub struct Reader {
        // The kernel writes back how long the address was, and that is the room of the next call: so one for each family.
        v4: MultiHeaders<SockaddrStorage>,
        v6: MultiHeaders<SockaddrStorage>,
        buffers: Box<[[u8; DATAGRAM_MAX]; BATCH]>,
        now: Moment,
        wall: Duration,
    }

    fn headers() -> MultiHeaders<SockaddrStorage> {
        MultiHeaders::preallocate(BATCH, Some(nix::cmsg_space!(TimeSpec)))
    }

    impl Reader {
        pub fn new() -> Reader {
            Reader {
                v4: headers(),
                v6: headers(),
                buffers: Box::new([[0; DATAGRAM_MAX]; BATCH]),
                now: Moment::ZERO,
                wall: Duration::ZERO,
            }
        }

        /// Sets the present moment, once for all the sockets read at it.
        pub fn set_now(&mut self, now: Moment) {
            self.now = now;
            self.wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        }

        /// Reads all that waits, up to a bound, with the moment at which it came.
        pub fn read(&mut self, socket: &UdpSocket, is_v6: bool, mut each: impl FnMut(Moment, SocketAddr, &[u8])) {
            for _ in 0..BATCHES_MAX {
                if self.read_batch(socket, is_v6, &mut each) < BATCH {
                    break;
                }
            }
        }

        fn read_batch(
            &mut self,
            socket: &UdpSocket,
            is_v6: bool,
            each: &mut impl FnMut(Moment, SocketAddr, &[u8]),
        ) -> usize {
            let (now, wall) = (self.now, self.wall);
            let headers = if is_v6 { &mut self.v6 } else { &mut self.v4 };
            let mut slices = self.buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
            // An error is "nothing there", or an ICMP report of a packet that reached nobody: both mean nothing.
            let Ok(messages) = recvmmsg(socket.as_raw_fd(), headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None)
            else {
                return 0;
            };
            let (mut count, mut untimed) = (0, false);
            for message in messages {
                count += 1;
                let came = message.cmsgs().ok().into_iter().flatten().find_map(|control| match control {
                    ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
                    _ => None,
                });
                untimed |= came.is_none();
                let ago = came.map_or(Duration::ZERO, |came| wall.saturating_sub(came)).min(Duration::from_secs(1));
                let arrival = Moment::from_micros(now.as_micros().saturating_sub(ago.as_micros() as u64));
                let from = message.address.as_ref().and_then(address);
                if let (Some(from), Some(bytes)) = (from, message.iovs().next()) {
                    each(arrival, from, bytes);
                }
            }
            if untimed {
                // The kernel writes back how much room the timestamp took, too: after none there would never be one.
                *headers_of(&mut self.v4, &mut self.v6, is_v6) = self::headers();
            }
            count
        }
    }

    fn headers_of<'a, T>(v4: &'a mut T, v6: &'a mut T, is_v6: bool) -> &'a mut T {
        if is_v6 { v6 } else { v4 }
    }

    fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
        let v4 = storage.as_sockaddr_in().map(|address| SocketAddr::V4((*address).into()));
        v4.or_else(|| storage.as_sockaddr_in6().map(|address| SocketAddr::V6((*address).into())))
    }
}

/// With what every system has: the time of reading counts as that of arrival.
#[cfg(not(target_os = "linux"))]
mod portable {
    use socket2::Socket;

    use super::{BATCH, BATCHES_MAX, DATAGRAM_MAX, Moment, SocketAddr, UdpSocket};

    pub fn timestamp(_: &Socket) {}

    pub struct Reader {
        buffer: Box<[u8; DATAGRAM_MAX]>,
        now: Moment,
    }

    impl Reader {
        pub fn new() -> Reader {
            Reader { buffer: Box::new([0; DATAGRAM_MAX]), now: Moment::ZERO }
        }

        pub fn set_now(&mut self, now: Moment) {
            self.now = now;
        }

        pub fn read(&mut self, socket: &UdpSocket, _is_v6: bool, mut each: impl FnMut(Moment, SocketAddr, &[u8])) {
            for _ in 0..BATCH * BATCHES_MAX {
                let Ok((length, from)) = socket.recv_from(&mut self.buffer[..]) else { break };
                each(self.now, from, &self.buffer[..length]);
            }
        }
    }
}
