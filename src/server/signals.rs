//! What the operating system tells a process: to end, and to read its files again.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::{error, info};

use super::desk::Wish;
use super::{Loaded, Reader};
use crate::switchboard::Revision;

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

    /// Turns signals into wishes until the loop has ended. SIGHUP reads everything again on a thread of its own, one
    /// reading at a time; signals that come meanwhile make one more.
    pub async fn follow(mut self, reader: Reader, wishes: mpsc::Sender<Wish>) {
        let mut number = 0;
        let mut reading: Option<JoinHandle<anyhow::Result<Loaded>>> = None;
        let mut again = false;
        loop {
            let wish = tokio::select! {
                _ = self.terminate.recv() => Wish::End,
                _ = self.interrupt.recv() => Wish::End,
                _ = self.hang_up.recv() => {
                    again = reading.is_some();
                    reading = reading.or_else(|| Some(read(&reader)));
                    continue;
                }
                read = async { reading.as_mut().expect("this arm waits for one").await }, if reading.is_some() => {
                    reading = None;
                    match read {
                        Ok(Ok(loaded)) => {
                            number += 1;
                            info!(flows = loaded.flows.flows.len(), "the flows were read again");
                            Wish::Revise(Arc::new(Revision { number, flows: loaded.flows, clips: loaded.clips }))
                        }
                        Ok(Err(reason)) => {
                            error!("the flows stay as they were: {reason:#}");
                            Wish::Unrevised
                        }
                        Err(_) => {
                            error!("the flows stay as they were: reading them broke off");
                            Wish::Unrevised
                        }
                    }
                }
                () = wishes.closed() => return,
            };
            if std::mem::take(&mut again) {
                reading = Some(read(&reader));
            }
            if wishes.send(wish).await.is_err() {
                return;
            }
        }
    }
}

fn read(reader: &Reader) -> JoinHandle<anyhow::Result<Loaded>> {
    let reader = reader.clone();
    tokio::task::spawn_blocking(move || reader())
}
