//! The signalling's sockets: one for datagrams, or streams.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::reader::{self, Reader, Wall};
use crate::clock::Moment;
use crate::sip::message::{Framed, Framer, MESSAGE_BYTES_MAX};
use crate::sip::{ConnectionId, Peer};
use crate::telephony::TransportKind;

/// How long a stream may take to open.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Streams at once: ours, and those that the other side opens towards us.
const STREAMS_MAX: usize = 64;
/// Octets that wait for a stream to take them; one that falls further behind is closed.
const UNSENT_MAX: usize = 4 * 1024 * 1024;
/// What the datagram socket may hold unread: the responses of a second at thousands of calls a second.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
/// Datagrams read with one call.
const BATCH: usize = 32;

/// What the wire brought.
pub enum Brought<'a> {
    /// A message.
    Message {
        /// Where it came from.
        from: Peer,
        /// When it came.
        at: Moment,
        /// All of it.
        bytes: &'a [u8],
    },
    /// A stream is closed: what went to this peer is lost.
    Lost(Peer),
}

/// The signalling's sockets.
pub struct Wire {
    local: SocketAddr,
    kind: Kind,
}

enum Kind {
    Datagrams { socket: UdpSocket, reader: Reader, remote: SocketAddr, probe: Option<UdpSocket> },
    Streams { listener: TcpListener, open: Vec<Stream>, count: u64 },
}

struct Stream {
    id: ConnectionId,
    remote: SocketAddr,
    stream: TcpStream,
    framer: Framer,
    unsent: Vec<u8>,
    broken: bool,
}

impl Wire {
    /// Opens a socket at `local` towards `remote`; over TCP, a stream to it.
    ///
    /// # Errors
    /// What the operating system says; `ConnectionRefused` and `TimedOut` mean that nobody listens there.
    pub fn open(transport: TransportKind, local: IpAddr, remote: SocketAddr) -> io::Result<Wire> {
        match transport {
            TransportKind::Udp => {
                let socket = UdpSocket::bind((local, 0))?;
                socket.set_nonblocking(true)?;
                reader::timestamp(&socket);
                let sized = socket2::SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER);
                // A smaller buffer is no fault.
                drop(sized);
                let local = socket.local_addr()?;
                let reader = Reader::new(BATCH, MESSAGE_BYTES_MAX);
                Ok(Wire { local, kind: Kind::Datagrams { socket, reader, remote, probe: None } })
            }
            TransportKind::Tcp => {
                let listener = TcpListener::bind((local, 0))?;
                listener.set_nonblocking(true)?;
                let local = listener.local_addr()?;
                let mut wire = Wire { local, kind: Kind::Streams { listener, open: Vec::new(), count: 0 } };
                wire.connect(remote)?;
                Ok(wire)
            }
        }
    }

    /// Where the other side reaches us.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends one message; `false` when it cannot go there.
    pub fn send(&mut self, peer: &Peer, bytes: &[u8]) -> bool {
        if let Kind::Datagrams { socket, .. } = &self.kind {
            // A full buffer is a lost datagram, as on any other network.
            return match socket.send_to(bytes, peer.remote) {
                Err(error) => error.kind() == io::ErrorKind::WouldBlock,
                Ok(_) => true,
            };
        }
        if let Some(stream) = self.stream_to(peer) {
            return stream.send(bytes);
        }
        self.connect(peer.remote).is_ok() && self.stream_to(peer).is_some_and(|stream| stream.send(bytes))
    }

    /// Reads all that has come.
    pub fn read(&mut self, wall: &Wall, mut each: impl FnMut(Brought<'_>)) {
        let local = self.local;
        match &mut self.kind {
            Kind::Datagrams { socket, reader, .. } => reader.read(socket, wall, |at, remote, bytes| {
                let from = Peer { transport: TransportKind::Udp, local, remote, connection: None };
                each(Brought::Message { from, at, bytes });
            }),
            Kind::Streams { listener, open, count } => {
                while open.len() < STREAMS_MAX
                    && let Ok((stream, remote)) = listener.accept()
                {
                    open.extend(Stream::new(count, stream, remote));
                }
                for stream in open.iter_mut() {
                    stream.read(local, wall, &mut each);
                }
                open.retain(|stream| {
                    if stream.broken {
                        each(Brought::Lost(stream.peer(local)));
                    }
                    !stream.broken
                });
            }
        }
    }

    /// Asks whether anybody listens there. Datagrams are lost in silence; only a socket that is connected is told of it, so
    /// one asks with the keep-alive of RFC 5626 section 4.4.1, which means nothing.
    pub fn ask(&mut self) {
        let local = self.local.ip();
        if let Kind::Datagrams { remote, probe: asked, .. } = &mut self.kind {
            *asked = probe(local, *remote).ok();
        }
    }

    /// Whether the host has told, when it was asked, that nobody listens there.
    pub fn is_refused(&self) -> bool {
        let Kind::Datagrams { probe: Some(probe), .. } = &self.kind else { return false };
        matches!(probe.recv(&mut [0; 16]), Err(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }

    fn connect(&mut self, remote: SocketAddr) -> io::Result<()> {
        let Kind::Streams { open, count, .. } = &mut self.kind else { return Ok(()) };
        if open.len() >= STREAMS_MAX {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let stream = TcpStream::connect_timeout(&remote, CONNECT_MAX)?;
        open.push(Stream::new(count, stream, remote)?);
        Ok(())
    }

    /// The stream that a message came by, or any other to the same place.
    fn stream_to(&mut self, peer: &Peer) -> Option<&mut Stream> {
        let Kind::Streams { open, .. } = &mut self.kind else { return None };
        let named = open.iter().position(|stream| !stream.broken && Some(stream.id) == peer.connection);
        let place = named.or_else(|| open.iter().position(|stream| !stream.broken && stream.remote == peer.remote));
        place.map(|place| &mut open[place])
    }
}

fn probe(local: IpAddr, remote: SocketAddr) -> io::Result<UdpSocket> {
    let probe = UdpSocket::bind((local, 0))?;
    probe.set_nonblocking(true)?;
    probe.connect(remote)?;
    probe.send(b"\r\n\r\n")?;
    Ok(probe)
}

impl Stream {
    fn new(count: &mut u64, stream: TcpStream, remote: SocketAddr) -> io::Result<Stream> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        *count += 1;
        let framer = Framer::new(MESSAGE_BYTES_MAX);
        Ok(Stream { id: ConnectionId(*count), remote, stream, framer, unsent: Vec::new(), broken: false })
    }

    fn peer(&self, local: SocketAddr) -> Peer {
        Peer { transport: TransportKind::Tcp, local, remote: self.remote, connection: Some(self.id) }
    }

    fn send(&mut self, bytes: &[u8]) -> bool {
        self.unsent.extend_from_slice(bytes);
        self.flush();
        !self.broken
    }

    fn flush(&mut self) {
        while !self.unsent.is_empty() && !self.broken {
            match self.stream.write(&self.unsent) {
                Ok(taken) if taken > 0 => drop(self.unsent.drain(..taken)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                _ => self.broken = true,
            }
        }
        self.broken |= self.unsent.len() > UNSENT_MAX;
    }

    fn read(&mut self, local: SocketAddr, wall: &Wall, each: &mut impl FnMut(Brought<'_>)) {
        self.flush();
        let from = self.peer(local);
        let mut buffer = [0; 16_384];
        while !self.broken {
            match self.stream.read(&mut buffer) {
                Ok(length) if length > 0 => {
                    let at = wall.now();
                    self.framer.push(&buffer[..length]);
                    while let Some(piece) = self.framer.next() {
                        match piece {
                            Framed::Message(bytes) => each(Brought::Message { from, at, bytes: &bytes }),
                            Framed::KeepAlive => drop(self.send(b"\r\n")),
                            Framed::Pong | Framed::Refused { .. } => {}
                            Framed::Broken(_) => self.broken = true,
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                _ => self.broken = true,
            }
        }
    }
}
