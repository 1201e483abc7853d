//! The media's shell: a thread with the sockets of its legs and a tick of 20 ms, cut in ten, so that sends are spread over
//! it.
//!
//! Each leg has a slot in the tick, in which its socket is read and then its packet is sent, while all of the leg is at
//! hand for the processor. Only when a key was pressed the packet is held back for two slots (4 ms), the time in which the
//! switchboard answers, so that what it answers is in the very next packet. Nothing else happens in reaction to one
//! packet. A tick touches no file, allocates nothing, and takes no lock but the inbox's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::vec::Drain;

use crate::clock::Clock;
use crate::telephony::{LegId, MediaCommand, MediaEvent};

use super::stream::Terms;
use super::tapes::Deck;

mod legs;
mod line;
mod passage;
mod port;
mod taping;

use line::Line;
use passage::Luggage;

/// Commands that may wait. A reactor looks at them every 2 ms, and each call sends a handful in its whole life.
const INBOX: usize = 4_096;

/// How the system is asked to prefer media threads to all that it does besides, where it lets us: a packet that is sent late
/// is a gap in what is heard. As much as sound servers ask for.
#[cfg(target_os = "linux")]
const NICENESS: i32 = -11;

/// Seconds from the beginning of NTP time, 1900, to that of Unix time, 1970 (RFC 5905 section 6).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// How a reactor is set up.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Our address for legs over IPv4.
    pub bind_v4: Ipv4Addr,
    /// Our address for legs over IPv6.
    pub bind_v6: Ipv6Addr,
    /// How long a leg that should receive may hear nothing.
    pub silence: Duration,
    /// The process's clock.
    pub clock: Clock,
    /// For the random beginnings of RTP.
    pub seed: u64,
}

impl Settings {
    /// All addresses, 30 s of silence.
    pub fn new(clock: Clock, seed: u64) -> Settings {
        Settings {
            bind_v4: Ipv4Addr::UNSPECIFIED,
            bind_v6: Ipv6Addr::UNSPECIFIED,
            silence: Duration::from_secs(30),
            clock,
            seed,
        }
    }

    /// Our address for a leg whose other side is of the family of `remote`, IPv4 while that is unknown.
    fn bind(&self, remote: Option<IpAddr>) -> IpAddr {
        match remote {
            Some(IpAddr::V6(_)) => self.bind_v6.into(),
            _ => self.bind_v4.into(),
        }
    }

    fn terms(&self) -> Terms {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let zero = since_1970.saturating_sub(self.clock.now().since(crate::clock::Moment::ZERO));
        let fraction = (u64::from(zero.subsec_nanos()) << 32) / 1_000_000_000;
        Terms { silence: self.silence, ntp_zero: (zero.as_secs().wrapping_add(NTP_TO_UNIX)) << 32 | fraction }
    }
}

/// A running reactor. Dropped, it stops.
pub struct Reactor {
    inbox: SyncSender<Order>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told.
enum Order {
    Command(MediaCommand),
    /// A leg is on its way from another reactor.
    Await(LegId),
    /// A leg goes to another reactor.
    HandOver {
        leg: LegId,
        to: SyncSender<Order>,
    },
    /// A leg has come from another reactor; `None` where that had none of this name any more.
    Arrive {
        leg: LegId,
        luggage: Option<Box<Luggage>>,
    },
    Stop,
}

impl Reactor {
    /// Starts a reactor, whose events go to `sink`, called on the reactor's thread with all that there is to tell at
    /// once. While the sink waits, no packet is sent: it must hand the events over and return (within a fraction of a millisecond), and never wait for room.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(settings: Settings, sink: impl FnMut(Drain<'_, MediaEvent>) + Send + 'static) -> io::Result<Reactor> {
        Reactor::start_with(settings, None, sink)
    }

    /// The same for one that records, with its `deck` of [`Tapes`](super::tapes::Tapes).
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start_recording(
        settings: Settings,
        deck: Deck,
        sink: impl FnMut(Drain<'_, MediaEvent>) + Send + 'static,
    ) -> io::Result<Reactor> {
        Reactor::start_with(settings, Some(deck), sink)
    }

    fn start_with(
        settings: Settings,
        deck: Option<Deck>,
        sink: impl FnMut(Drain<'_, MediaEvent>) + Send + 'static,
    ) -> io::Result<Reactor> {
        let (inbox, orders) = mpsc::sync_channel(INBOX);
        let thread = thread::Builder::new()
            .name("media".into())
            // What the reactor keeps is on the heap: the stack holds a few frames, and the packets read at once.
            .stack_size(256 * 1024)
            .spawn(move || {
                come_first();
                Line::new(settings, deck, sink).run(&orders);
            })?;
        Ok(Reactor { inbox, thread: Some(thread) })
    }

    /// Hands over a command. Waits while thousands of commands are waiting already, which the reactor does away with
    /// within its next 2 ms. After [`Reactor::stop`] it does nothing.
    pub fn send(&self, command: MediaCommand) {
        // An error says that the thread is gone, and every leg with it.
        let _ = self.inbox.send(Order::Command(command));
    }

    /// Moves a leg to another reactor, to which all commands for it go from now on. What is sent and heard goes on as one
    /// stream; a bridge that the leg was part of is over.
    pub fn hand_over(&self, leg: LegId, to: &Reactor) {
        // Nothing overtakes the leg: the other knows that it comes before this one knows that it goes.
        let _ = to.inbox.send(Order::Await(leg));
        let _ = self.inbox.send(Order::HandOver { leg, to: to.inbox.clone() });
    }

    /// Closes all legs, each with a BYE and a `Closed`, and waits for the thread to end.
    pub fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = self.inbox.send(Order::Stop);
            if thread.join().is_err() {
                tracing::warn!("a media thread panicked");
            }
        }
    }
}

/// Asks that this thread is preferred; without the right to it all goes on as usual.
fn come_first() {
    // Linux takes it for the thread that asks, not for its whole process.
    #[cfg(target_os = "linux")]
    if let Err(reason) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%reason, "the media thread has the priority of all others: allow it a nice value of {NICENESS}");
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
