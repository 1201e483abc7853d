//! Reading datagrams with the time at which the kernel received each, so that nothing measured depends on when this
//! program got round to reading.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::Moment;

#[cfg(target_os = "linux")]
pub use linux::{Reader, timestamp};
#[cfg(not(target_os = "linux"))]
pub use portable::{Reader, timestamp};

/// The time line of everything measured: that of the kernel's timestamps, the time of day, from the start of the run.
#[derive(Clone, Copy, Debug)]
pub struct Wall {
    origin: Duration,
}

impl Wall {
    /// A time line that begins now, a second in: so that a clock that is set back a little reaches no nought.
    pub fn start() -> Wall {
        Wall { origin: since_epoch().saturating_sub(Duration::from_secs(1)) }
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        self.moment(since_epoch())
    }

    /// The moment of a time since 1970.
    pub fn moment(&self, time: Duration) -> Moment {
        Moment::ZERO + time.saturating_sub(self.origin)
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Reads at most this many batches from one socket at a time: what a flood leaves is read the next time.
const BATCHES_MAX: usize = 16;

/// With `recvmmsg` and `SO_TIMESTAMPNS`.
#[cfg(target_os = "linux")]
mod linux {
    use std::io::IoSliceMut;
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{
        ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt, sockopt,
    };
    use nix::sys::time::TimeSpec;

    use super::{BATCHES_MAX, Duration, Moment, SocketAddr, Wall};

    /// Asks for timestamps; tells whether they will come.
    pub fn timestamp(socket: &UdpSocket) -> bool {
        setsockopt(socket, sockopt::ReceiveTimestampns, &true).is_ok()
    }

    /// Buffers for datagrams of one address family.
    pub struct Reader {
        headers: MultiHeaders<SockaddrStorage>,
        buffers: Vec<Vec<u8>>,
    }

    impl Reader {
        /// Reads `batch` datagrams of at most `longest` octets with one call.
        pub fn new(batch: usize, longest: usize) -> Reader {
            Reader { headers: headers(batch), buffers: vec![vec![0; longest]; batch] }
        }

        /// Reads what waits.
        pub fn read(&mut self, socket: &UdpSocket, wall: &Wall, mut each: impl FnMut(Moment, SocketAddr, &[u8])) {
            for _ in 0..BATCHES_MAX {
                if self.read_batch(socket, wall, &mut each) < self.buffers.len() {
                    break;
                }
            }
        }

        fn read_batch(
            &mut self,
            socket: &UdpSocket,
            wall: &Wall,
            each: &mut impl FnMut(Moment, SocketAddr, &[u8]),
        ) -> usize {
            let mut slices: Vec<[IoSliceMut<'_>; 1]> =
                self.buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
            let flags = MsgFlags::MSG_DONTWAIT;
            // An error is "nothing there", or an ICMP report of a packet that reached nobody: both mean nothing.
            let Ok(messages) = recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), flags, None) else {
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
                let at = came.map_or_else(|| wall.now(), |came| wall.moment(came));
                if let (Some(from), Some(bytes)) = (message.address.as_ref().and_then(address), message.iovs().next()) {
                    each(at, from, bytes);
                }
            }
            if untimed {
                // The kernel writes back how much room the timestamp took: after none there would never be one.
                self.headers = headers(self.buffers.len());
            }
            count
        }
    }

    fn headers(batch: usize) -> MultiHeaders<SockaddrStorage> {
        MultiHeaders::preallocate(batch, Some(nix::cmsg_space!(TimeSpec)))
    }

    fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
        let v4 = storage.as_sockaddr_in().map(|address| SocketAddr::V4((*address).into()));
        v4.or_else(|| storage.as_sockaddr_in6().map(|address| SocketAddr::V6((*address).into())))
    }
}

/// With what every system has: the time of reading counts as that of arrival.
#[cfg(not(target_os = "linux"))]
mod portable {
    use std::net::UdpSocket;

    use super::{BATCHES_MAX, Moment, SocketAddr, Wall};

    /// There are none.
    pub fn timestamp(_: &UdpSocket) -> bool {
        false
    }

    /// A buffer for datagrams.
    pub struct Reader {
        batch: usize,
        buffer: Vec<u8>,
    }

    impl Reader {
        /// Reads datagrams of at most `longest` octets.
        pub fn new(batch: usize, longest: usize) -> Reader {
            Reader { batch, buffer: vec![0; longest] }
        }

        /// Reads what waits.
        pub fn read(&mut self, socket: &UdpSocket, wall: &Wall, mut each: impl FnMut(Moment, SocketAddr, &[u8])) {
            for _ in 0..self.batch * BATCHES_MAX {
                let Ok((length, from)) = socket.recv_from(&mut self.buffer) else { break };
                each(wall.now(), from, &self.buffer[..length]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn datagrams_come_whole_with_their_sender_and_a_time_between_sending_and_reading() {
        let wall = Wall::start();
        let receiver = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
        receiver.set_nonblocking(true).expect("set");
        timestamp(&receiver);
        let before = wall.now();
        for n in 0..20_u8 {
            sender.send_to(&[n; 30], receiver.local_addr().expect("bound")).expect("sent");
        }
        let mut reader = Reader::new(8, 25);
        let mut heard = Vec::new();
        while heard.len() < 20 {
            reader.read(&receiver, &wall, |at, from, bytes| {
                assert_eq!(from, sender.local_addr().expect("bound"));
                assert_eq!(bytes, [heard.len() as u8; 25]);
                heard.push(at);
            });
        }
        let after = wall.now();
        assert!(heard.iter().all(|at| (before..=after).contains(at)), "{before} {heard:?} {after}");
    }
}
