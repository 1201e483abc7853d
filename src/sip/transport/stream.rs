//! TCP connections: one task each, which cuts what it reads into messages and writes what it is given.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::clock::Moment;
use crate::sip::message::{Framed, Framer};
use crate::sip::peer::{ConnectionId, Peer};
use crate::telephony::{SipCommand, TransportKind};

/// Connections at once, in both directions, each of them an open file. A further one takes the place of the one that said
/// nothing for the longest time and carries no call, so that idle ones cannot keep everybody else out.
pub const CONNECTIONS_MAX: usize = 1_024;

/// Messages that wait to be written to one connection; who reads more slowly is disconnected.
const OUTBOX: usize = 64;

/// What the connections together have ready for the user agent; then they wait, and TCP with them.
pub(super) const INBOX: usize = 1_024;

/// How long opening a connection or writing one message may take.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

/// How long a message may be under way, and the first one be waited for: as long as a transaction lives.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(32);

/// How long a connection may be silent. Longer than any session interval in use, so that calls keep their connection.
const IDLE_PATIENCE: Duration = Duration::from_secs(2 * 3_600);

/// How long a connection that can no longer be read stays open for the last answer to be written, and read.
const PARTING_PATIENCE: Duration = Duration::from_secs(2);

/// Octets read at once.
const READ_BYTES: usize = 16 * 1_024;

/// What a connection, or another task of the shell, tells it.
pub(super) enum News {
    /// A connection was accepted.
    Accepted { stream: TcpStream, bound: SocketAddr, remote: SocketAddr },
    /// One whole message.
    Message { peer: Peer, bytes: Vec<u8> },
    /// The headers of a message that is not taken, and the answer that it gets.
    Refused { peer: Peer, head: Vec<u8>, status: u16, reason: &'static str },
    /// A connection is over; the reason counts as a rejection, where there is one.
    Closed { connection: ConnectionId, reason: Option<&'static str> },
    /// A connection could not be opened, or broke with messages still to be written.
    Failed { connection: ConnectionId, peer: Peer },
    /// The name in a `Dial` was looked up.
    Resolved { command: SipCommand, address: Option<std::net::IpAddr> },
    /// The host of a trunk was looked up.
    Found { host: String, address: Option<std::net::IpAddr> },
}

/// All connections.
pub(super) struct Streams {
    open: BTreeMap<ConnectionId, Connection>,
    /// Those that we opened, by their other end.
    opened: BTreeMap<SocketAddr, ConnectionId>,
    count: u64,
    connections_max: usize,
    message_bytes_max: usize,
    inbox: mpsc::Sender<News>,
}

struct Connection {
    /// When it last brought a message, or was opened.
    heard: Moment,
    outbox: mpsc::Sender<Arc<[u8]>>,
    remote: SocketAddr,
    task: AbortHandle,
}

impl Drop for Streams {
    fn drop(&mut self) {
        for connection in self.open.values() {
            connection.task.abort();
        }
    }
}

impl Streams {
    pub(super) fn new(inbox: mpsc::Sender<News>, message_bytes_max: usize) -> Streams {
        let connections_max = CONNECTIONS_MAX;
        Streams { open: BTreeMap::new(), opened: BTreeMap::new(), count: 0, connections_max, message_bytes_max, inbox }
    }

    /// Whether a further connection needs [`Streams::make_room`] first.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= self.connections_max
    }

    /// Closes the connection that was silent for the longest time, of those that are not `needed`.
    pub(super) fn make_room(&mut self, needed: &BTreeSet<ConnectionId>) {
        let others = self.open.iter().filter(|(id, _)| !needed.contains(id));
        let Some((id, connection)) = others.min_by_key(|(_, connection)| connection.heard) else { return };
        connection.task.abort();
        let id = *id;
        self.forget(id);
    }

    /// A message has come by a connection.
    pub(super) fn heard(&mut self, now: Moment, id: ConnectionId) {
        if let Some(connection) = self.open.get_mut(&id) {
            connection.heard = now;
        }
    }

    /// Takes an accepted connection. False when there are too many.
    pub(super) fn accept(&mut self, now: Moment, stream: TcpStream, bound: SocketAddr, remote: SocketAddr) -> bool {
        let local = stream.local_addr().map_or(bound, |local| SocketAddr::new(local.ip(), bound.port()));
        let peer = Peer { transport: TransportKind::Tcp, local, remote, connection: None };
        self.start(now, peer, Some(stream)).is_some()
    }

    /// Writes to the connection that `peer` names, or to one that leads there, which is opened if need be. False when
    /// there are too many, or the other side reads too slowly.
    pub(super) fn send(&mut self, now: Moment, peer: Peer, bytes: Arc<[u8]>) -> bool {
        let standing = peer.connection.filter(|id| self.open.contains_key(id));
        let id = standing.or_else(|| self.opened.get(&peer.remote).copied());
        let Some(id) = id.or_else(|| self.start(now, peer, None)) else { return false };
        let Some(connection) = self.open.get(&id) else { return false };
        if connection.outbox.try_send(bytes).is_ok() {
            return true;
        }
        connection.task.abort();
        self.forget(id);
        false
    }

    /// Forgets a connection that is over.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        if let Some(connection) = self.open.remove(&id)
            && self.opened.get(&connection.remote) == Some(&id)
        {
            self.opened.remove(&connection.remote);
        }
    }

    fn start(&mut self, now: Moment, peer: Peer, stream: Option<TcpStream>) -> Option<ConnectionId> {
        if self.is_full() {
            return None;
        }
        self.count += 1;
        let id = ConnectionId(self.count);
        let (outbox, orders) = mpsc::channel(OUTBOX);
        if stream.is_none() {
            self.opened.insert(peer.remote, id);
        }
        let served = Served {
            peer: Peer { connection: Some(id), ..peer },
            id,
            orders,
            inbox: self.inbox.clone(),
            framer: Framer::new(self.message_bytes_max),
            parting: false,
        };
        let task = tokio::spawn(served.run(stream)).abort_handle();
        self.open.insert(id, Connection { heard: now, outbox, remote: peer.remote, task });
        Some(id)
    }
}

/// Accepts connections for as long as the shell listens.
pub(super) async fn accept_all(listener: TcpListener, bound: SocketAddr, inbox: mpsc::Sender<News>) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                if inbox.send(News::Accepted { stream, bound, remote }).await.is_err() {
                    return;
                }
            }
            // Out of file descriptors, most likely: others must close first.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// One connection, as its task sees it.
struct Served {
    peer: Peer,
    id: ConnectionId,
    orders: mpsc::Receiver<Arc<[u8]>>,
    inbox: mpsc::Sender<News>,
    framer: Framer,
    /// What else comes cannot be read; the last request is still to be answered.
    parting: bool,
}

/// Why a connection ends.
enum End {
    /// The other side closed it, or it was silent for too long, or the shell is gone.
    Closed,
    /// It broke, or stopped taking what was written.
    Broken,
    /// What it sends cannot be read.
    Refused(&'static str),
}

impl End {
    const BROKEN_STREAM: End = End::Refused("broken_stream");
}

impl Served {
    async fn run(mut self, stream: Option<TcpStream>) {
        let stream = match stream {
            Some(stream) => Ok(stream),
            None => self.connect().await,
        };
        let end = match stream {
            Ok(stream) => self.serve(stream).await,
            Err(_) => End::Broken,
        };
        // What could not be written any more has failed.
        let unsent = !self.orders.is_empty();
        let news = match end {
            End::Broken => News::Failed { connection: self.id, peer: self.peer },
            End::Closed if unsent => News::Failed { connection: self.id, peer: self.peer },
            End::Closed => News::Closed { connection: self.id, reason: None },
            End::Refused(reason) => News::Closed { connection: self.id, reason: Some(reason) },
        };
        // The shell may be gone already.
        let _ = self.inbox.send(news).await;
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        timeout(WRITE_PATIENCE, TcpStream::connect(self.peer.remote)).await?
    }

    async fn serve(&mut self, mut stream: TcpStream) -> End {
        // Every message goes at once.
        let _ = stream.set_nodelay(true);
        if self.peer.local.ip().is_unspecified()
            && let Ok(local) = stream.local_addr()
        {
            self.peer.local.set_ip(local.ip());
        }
        let mut buffer = vec![0; READ_BYTES];
        let mut patience = Instant::now() + MESSAGE_PATIENCE;
        let (mut reader, mut writer) = stream.split();
        loop {
            tokio::select! {
                read = reader.read(&mut buffer) => match read {
                    Ok(0) if self.parting => return End::BROKEN_STREAM,
                    Ok(0) => return End::Closed,
                    Err(_) => return End::Broken,
                    // Read all the same, since what is unread would cost the other side our answer.
                    Ok(_) if self.parting => {}
                    Ok(length) => {
                        let under_way = !self.framer.is_empty();
                        self.framer.push(&buffer[..length]);
                        let told = match self.cut(&mut writer).await {
                            Ok(told) => told,
                            Err(end) => return end,
                        };
                        // A message that trickles in gains no time by trickling.
                        if self.parting {
                            patience = Instant::now() + PARTING_PATIENCE;
                        } else if self.framer.is_empty() {
                            patience = Instant::now() + IDLE_PATIENCE;
                        } else if told || !under_way {
                            patience = Instant::now() + MESSAGE_PATIENCE;
                        }
                    }
                },
                order = self.orders.recv() => match order {
                    None => return End::Closed,
                    Some(bytes) => {
                        if let Err(end) = write(&mut writer, &bytes).await {
                            return end;
                        }
                        if self.parting && writer.shutdown().await.is_err() {
                            return End::Broken;
                        }
                    }
                },
                () = sleep_until(patience) => return if self.parting { End::BROKEN_STREAM } else { End::Closed },
            }
        }
    }

    /// Tells all whole messages, and answers keep-alives (RFC 5626 section 4.4.1). Whether there were any.
    async fn cut(&mut self, writer: &mut (impl AsyncWriteExt + Unpin)) -> Result<bool, End> {
        let mut told = false;
        let mut answered = false;
        for framed in self.framer.by_ref() {
            told = true;
            match framed {
                Framed::Message(bytes) => {
                    self.inbox.send(News::Message { peer: self.peer, bytes }).await.map_err(|_| End::Closed)?;
                }
                Framed::KeepAlive => write(writer, b"\r\n").await?,
                Framed::Pong => {}
                Framed::Refused { head, status, reason } => {
                    let news = News::Refused { peer: self.peer, head, status, reason };
                    self.inbox.send(news).await.map_err(|_| End::Closed)?;
                    answered = true;
                }
                Framed::Broken(_) if answered => self.parting = true,
                Framed::Broken(_) => return Err(End::BROKEN_STREAM),
            }
        }
        Ok(told)
    }
}

async fn write(writer: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8]) -> Result<(), End> {
    match timeout(WRITE_PATIENCE, writer.write_all(bytes)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(End::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_one_that_is_silent_for_longest_makes_room() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let bound = listener.local_addr().expect("bound");
        let (inbox, _news) = mpsc::channel(INBOX);
        let mut streams = Streams::new(inbox, 65_536);
        streams.connections_max = 3;
        let mut phones = Vec::new();
        for second in 1..=3 {
            phones.push(TcpStream::connect(bound).await.expect("it listens"));
            let (stream, remote) = listener.accept().await.expect("it was connected");
            assert!(streams.accept(Moment::from_millis(1_000 * second), stream, bound, remote));
        }
        assert!(streams.is_full());
        // The first carries a call, the second has just been heard.
        streams.heard(Moment::from_millis(4_000), ConnectionId(2));
        streams.make_room(&BTreeSet::from([ConnectionId(1)]));
        assert_eq!(streams.open.keys().collect::<Vec<_>>(), [&ConnectionId(1), &ConnectionId(2)]);
        let mut rest = [0];
        assert_eq!(phones[2].read(&mut rest).await.expect("closed in order"), 0);
        // All carry calls.
        streams.make_room(&BTreeSet::from([ConnectionId(1), ConnectionId(2)]));
        assert_eq!(streams.open.len(), 2);
    }
}
