//! What the operating system tells a process: to end, and to read its files again.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::desk::Wish;
use super::reload::Request;
use super::revisions::Why;

/// The signals that are listened to.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Listens from now on; within a runtime.
    pub fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Turns signals into wishes, and SIGHUP into requests for a reload, until the loop has ended.
    pub async fn follow(mut self, requests: mpsc::Sender<Request>, wishes: mpsc::Sender<Wish>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
                _ = self.hang_up.recv() => {
                    // Where there is no room, those that wait read what is there now as well.
                    let _ = requests.try_send(Request::unanswered(Why::Signal));
                    continue;
                }
                () = wishes.closed() => return,
            }
            if wishes.send(Wish::End).await.is_err() {
                return;
            }
        }
    }
}
