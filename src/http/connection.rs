//! Connections to the HTTP side: so many at once, and none that says nothing for long. Each is an open file, and open files
//! are what calls need.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections at once; further ones wait in the system's queue.
pub const CONNECTIONS_MAX: usize = 128;

/// How long nothing may be read and written. Prometheus keeps its connection from one scrape to the next, and opens
/// another one where it was closed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Accepts no more than so many connections at once.
pub(super) struct Limited {
    listener: TcpListener,
    room: Arc<Semaphore>,
    patience: Duration,
}

impl Limited {
    pub(super) fn new(listener: TcpListener) -> Limited {
        Limited { listener, room: Arc::new(Semaphore::new(CONNECTIONS_MAX)), patience: PATIENCE }
    }
}

impl Listener for Limited {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let Ok(room) = self.room.clone().acquire_owned().await else { return std::future::pending().await };
            match self.listener.accept().await {
                Ok((stream, remote)) => return (Connection::new(stream, self.patience, room), remote),
                // Out of open files, most likely: others must close first.
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that breaks when nothing happens on it.
pub(super) struct Connection {
    stream: TcpStream,
    patience: Duration,
    until: Pin<Box<Sleep>>,
    _room: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: TcpStream, patience: Duration, room: OwnedSemaphorePermit) -> Connection {
        Connection { stream, patience, until: Box::pin(sleep(patience)), _room: room }
    }

    /// What came of reading or writing, or that it took too long.
    fn watched<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            let until = Instant::now() + self.patience;
            self.until.as_mut().reset(until);
            return polled;
        }
        self.until.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watched(context, polled)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn who_says_nothing_makes_room_for_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let room = Arc::new(Semaphore::new(2));
        let limited = Limited { listener, room: room.clone(), patience: Duration::from_millis(50) };
        let router = axum::Router::new().route("/", axum::routing::get(async || "here"));
        let server = tokio::spawn(axum::serve(limited, router).into_future());
        let mut silent = Vec::new();
        for _ in 0..2 {
            silent.push(TcpStream::connect(address).await.expect("it listens"));
        }
        silent[1].write_all(b"GET / HTTP/1.1\r\nHost:").await.expect("it is open");
        let mut third = TcpStream::connect(address).await.expect("it waits in the queue");
        third.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.expect("it is open");
        let mut answer = String::new();
        third.read_to_string(&mut answer).await.expect("it answers");
        assert!(answer.ends_with("here"), "{answer}");
        server.abort();
    }
}
