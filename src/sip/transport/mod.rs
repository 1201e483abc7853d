//! The shell of the room: sockets, the clock, and the channels to the switchboard, around one [`UserAgent`].

mod alarm;
mod datagram;
mod listen;
mod stream;

use std::collections::{BTreeSet, VecDeque};
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::message::{Host, Uri};
use super::peer::{Output, Peer};
use super::user_agent::UserAgent;
use crate::clock::{Clock, Moment};
use crate::telephony::{Cause, LegId, SipCommand, SipEvent, TransportKind};
pub use alarm::Alarm;
use datagram::{Datagrams, Routes};
pub use listen::{Endpoints, ListenFault, Listener};
pub use stream::CONNECTIONS_MAX;
use stream::{INBOX, News, Streams, accept_all};

/// Commands and pieces of news taken in one turn.
const TURN: usize = 256;

/// Events that may wait for the switchboard before the sockets have to wait too.
const EVENTS_WAITING_MAX: usize = 8_192;

/// How long the last goodbyes may take once the switchboard is gone.
const LINGER: Duration = Duration::from_secs(2);

/// How long looking up a name may take.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(5);

/// How often the hosts of trunks are looked for: addresses change.
const TRUNKS_SOUGHT_EVERY: Duration = Duration::from_secs(60);

/// Names looked up at once.
const LOOKUPS_MAX: usize = 64;

/// Serves `endpoints` until `commands` is closed and the last goodbyes are said, or nobody hears `events` any more.
///
/// Events wait here while the switchboard is busy, and commands are taken all the while, so that neither side can hold
/// up the other. The messages that are read are limited to `message_bytes_max` on streams.
///
/// # Errors
/// When the operating system does not let the sockets be served.
pub async fn run<E: From<SipEvent>>(
    endpoints: Endpoints,
    user_agent: UserAgent,
    clock: Clock,
    commands: mpsc::Receiver<SipCommand>,
    events: mpsc::Sender<E>,
) -> std::io::Result<()> {
    let bound = endpoints.bound();
    let (inbox, news) = mpsc::channel(INBOX);
    let mut tasks = JoinSet::new();
    for (listener, bound) in endpoints.tcp {
        tasks.spawn(accept_all(TcpListener::from_std(listener)?, bound, inbox.clone()));
    }
    let shell = Shell {
        streams: Streams::new(inbox.clone(), super::message::MESSAGE_BYTES_MAX),
        datagrams: Datagrams::new(endpoints.udp)?,
        routes: Routes::default(),
        resolving: BTreeSet::new(),
        trunks_sought: Moment::ZERO,
        tasks,
        inbox,
        outputs: Vec::new(),
        waiting: VecDeque::new(),
        bound,
        user_agent,
        clock,
    };
    shell.serve(commands, news, events).await;
    Ok(())
}

struct Shell {
    user_agent: UserAgent,
    clock: Clock,
    datagrams: Datagrams,
    streams: Streams,
    routes: Routes,
    inbox: mpsc::Sender<News>,
    /// What is listened on.
    bound: Vec<Listener>,
    /// Legs whose `Dial` waits for a name to be looked up.
    resolving: BTreeSet<LegId>,
    /// When the hosts of trunks were last looked for.
    trunks_sought: Moment,
    /// Accepting and looking up; they end with the shell.
    tasks: JoinSet<()>,
    outputs: Vec<Output>,
    waiting: VecDeque<SipEvent>,
}

impl Shell {
    async fn serve<E: From<SipEvent>>(
        mut self,
        mut commands: mpsc::Receiver<SipCommand>,
        mut news: mpsc::Receiver<News>,
        events: mpsc::Sender<E>,
    ) {
        let mut until: Option<Moment> = None;
        let mut alarm = Alarm::new();
        loop {
            let open = until.is_none();
            let listening = self.waiting.len() < EVENTS_WAITING_MAX;
            let wake = match (self.user_agent.deadline(), until) {
                (Some(deadline), Some(until)) => Some(deadline.min(until)),
                (deadline, until) => deadline.or(until),
            };
            let seek = self.user_agent.has_trunks().then(|| self.trunks_sought + TRUNKS_SOUGHT_EVERY);
            let wake = wake.into_iter().chain(seek).min();
            if let Some(wake) = wake {
                alarm.set(self.clock.instant(wake));
            }
            tokio::select! {
                command = commands.recv(), if open => match command {
                    Some(command) => {
                        self.command(command);
                        self.drain_commands(&mut commands);
                    }
                    None => until = Some(self.clock.now() + LINGER),
                },
                Some(one) = news.recv(), if listening => {
                    self.take(one);
                    for _ in 0..TURN {
                        let Ok(one) = news.try_recv() else { break };
                        self.take(one);
                    }
                }
                () = poll_fn(|context| self.datagrams.poll_ready(context)), if listening => {}
                permit = events.reserve(), if !self.waiting.is_empty() => match permit {
                    Ok(permit) => if let Some(event) = self.waiting.pop_front() {
                        permit.send(event.into());
                    },
                    Err(_) => return,
                },
                Some(_) = self.tasks.join_next(), if !self.tasks.is_empty() => {}
                () = poll_fn(|context| alarm.poll_ring(context)), if wake.is_some() => {}
            }
            if listening {
                self.receive_datagrams();
            }
            self.user_agent.expire(self.clock.now(), &mut self.outputs);
            if self.user_agent.has_trunks() && self.clock.now() >= self.trunks_sought + TRUNKS_SOUGHT_EVERY {
                self.seek_trunks();
            }
            self.flush();
            while let Some(event) = self.waiting.pop_front() {
                match events.try_reserve() {
                    Ok(permit) => permit.send(event.into()),
                    Err(_) => {
                        self.waiting.push_front(event);
                        break;
                    }
                }
            }
            if until.is_some_and(|until| self.is_done(until)) {
                return self.finish(events).await;
            }
        }
    }

    /// Whether all goodbyes are said, or have had their time.
    fn is_done(&self, until: Moment) -> bool {
        let census = self.user_agent.census();
        (census.legs + census.closing == 0 && self.waiting.is_empty()) || self.clock.now() >= until
    }

    /// The last tally, for those who still listen.
    async fn finish<E: From<SipEvent>>(mut self, events: mpsc::Sender<E>) {
        self.user_agent.tell_tally(&mut self.outputs);
        self.flush();
        for event in self.waiting.drain(..) {
            if events.try_send(event.into()).is_err() {
                return;
            }
        }
    }

    fn drain_commands(&mut self, commands: &mut mpsc::Receiver<SipCommand>) {
        for _ in 0..TURN {
            let Ok(command) = commands.try_recv() else { return };
            self.command(command);
        }
    }

    fn command(&mut self, command: SipCommand) {
        let now = self.clock.now();
        match command {
            SipCommand::Dial { leg, ref uri, .. } => match Uri::parse(uri).map(|uri| (uri.host, uri.port)) {
                Ok((Host::Address(address), _)) => {
                    self.learn(now, &address.to_string(), address);
                    self.user_agent.handle(now, command, &mut self.outputs);
                }
                Ok((Host::Name(name), port)) if !name.is_empty() && self.resolving.len() < LOOKUPS_MAX => {
                    self.resolving.insert(leg);
                    let target = format!("{name}:{}", port.unwrap_or(5060));
                    self.tasks.spawn(resolve(target, command, self.inbox.clone()));
                }
                _ => self.user_agent.handle(now, command, &mut self.outputs),
            },
            SipCommand::HangUp { leg, cause } if self.resolving.remove(&leg) => {
                self.outputs.push(Output::Event(SipEvent::Ended { leg, cause }));
            }
            command @ SipCommand::SetTrunks(_) => {
                self.user_agent.handle(now, command, &mut self.outputs);
                self.seek_trunks();
            }
            SipCommand::RestorePhones(mut phones) => {
                for (_, phone) in &mut phones {
                    if !self.serves(phone.transport, phone.local.port()) {
                        phone.expires_in = Duration::ZERO;
                    }
                }
                self.user_agent.handle(now, SipCommand::RestorePhones(phones), &mut self.outputs);
            }
            command => self.user_agent.handle(now, command, &mut self.outputs),
        }
    }

    fn serves(&self, transport: TransportKind, port: u16) -> bool {
        self.bound.iter().any(|bound| bound.transport == transport && bound.address.port() == port)
    }

    /// Looks for the hosts of trunks.
    fn seek_trunks(&mut self) {
        self.trunks_sought = self.clock.now();
        for (host, port) in self.user_agent.trunk_hosts() {
            match host.parse() {
                Ok(address) => self.trunk_found(&host, Some(address)),
                Err(_) => {
                    self.tasks.spawn(seek(host, port, self.inbox.clone()));
                }
            }
        }
    }

    fn trunk_found(&mut self, host: &str, address: Option<IpAddr>) {
        let now = self.clock.now();
        let found = address.and_then(|address| Some((address, self.routes.towards(now, address)?)));
        self.user_agent.learn_trunk(now, host, found, &mut self.outputs);
    }

    fn learn(&mut self, now: Moment, host: &str, address: IpAddr) {
        if let Some(local) = self.routes.towards(now, address) {
            self.user_agent.learn_host(host, address, local);
        }
    }

    fn take(&mut self, news: News) {
        let now = self.clock.now();
        match news {
            News::Accepted { stream, bound, remote } => {
                if self.streams.is_full() {
                    self.streams.make_room(&self.user_agent.connections());
                    self.user_agent.count_rejected(now, "connections_full");
                }
                // Where every one carries a call, the new one is closed.
                self.streams.accept(now, stream, bound, remote);
            }
            News::Message { peer, bytes } => {
                if let Some(connection) = peer.connection {
                    self.streams.heard(now, connection);
                }
                self.user_agent.receive(now, peer, &bytes, &mut self.outputs);
            }
            News::Refused { peer, head, status, reason } => {
                self.user_agent.refuse_unread(now, peer, &head, (status, reason), &mut self.outputs);
            }
            News::Closed { connection, reason } => {
                self.streams.forget(connection);
                self.user_agent.connection_closed(now, connection, &mut self.outputs);
                if let Some(reason) = reason {
                    self.user_agent.count_rejected(now, reason);
                }
            }
            News::Failed { connection, peer } => {
                self.streams.forget(connection);
                self.user_agent.transport_failed(now, peer, &mut self.outputs);
                self.user_agent.connection_closed(now, connection, &mut self.outputs);
            }
            News::Resolved { command, address } => self.resolved(now, command, address),
            News::Found { host, address } => self.trunk_found(&host, address),
        }
    }

    fn resolved(&mut self, now: Moment, command: SipCommand, address: Option<IpAddr>) {
        let SipCommand::Dial { leg, uri, .. } = &command else { return };
        if !self.resolving.remove(leg) {
            // Hung up meanwhile.
            return;
        }
        match (address, Uri::parse(uri)) {
            (Some(address), Ok(uri)) => {
                self.learn(now, &uri.host.to_string(), address);
                self.user_agent.handle(now, command, &mut self.outputs);
            }
            _ => {
                let ended = SipEvent::Ended { leg: *leg, cause: Cause::TransportFailed };
                self.outputs.push(Output::Event(ended));
            }
        }
    }

    fn receive_datagrams(&mut self) {
        let now = self.clock.now();
        let Shell { datagrams, routes, user_agent, outputs, .. } = self;
        datagrams.receive(|bound: SocketAddr, remote, bytes| {
            let local = routes.local(now, bound, remote.ip());
            let peer = Peer { transport: TransportKind::Udp, local, remote, connection: None };
            user_agent.receive(now, peer, bytes, outputs);
        });
    }

    /// Sends what is to be sent, and queues what is to be told.
    fn flush(&mut self) {
        // What cannot be sent makes the user agent tell and perhaps send more, which then may fail once more.
        while !self.outputs.is_empty() {
            let now = self.clock.now();
            for output in std::mem::take(&mut self.outputs) {
                match output {
                    Output::Event(event) => self.waiting.push_back(event),
                    Output::Transmit { peer, bytes } => match peer.transport {
                        TransportKind::Udp => {
                            if !self.datagrams.send(peer.local, peer.remote, &bytes) {
                                self.user_agent.count_rejected(now, "unsent_datagram");
                            }
                        }
                        TransportKind::Tcp => {
                            if !self.streams.send(now, peer, bytes) {
                                self.user_agent.transport_failed(now, peer, &mut self.outputs);
                            }
                        }
                    },
                }
            }
        }
    }
}

async fn resolve(target: String, command: SipCommand, inbox: mpsc::Sender<News>) {
    let address = look_up(target).await;
    // The shell may be gone already.
    let _ = inbox.send(News::Resolved { command, address }).await;
}

async fn seek(host: String, port: u16, inbox: mpsc::Sender<News>) {
    let address = look_up(format!("{host}:{port}")).await;
    let _ = inbox.send(News::Found { host, address }).await;
}

async fn look_up(target: String) -> Option<IpAddr> {
    let found = timeout(LOOKUP_PATIENCE, tokio::net::lookup_host(target)).await;
    match found {
        // IPv4 first: most phones have nothing else.
        Ok(Ok(addresses)) => {
            let mut addresses: Vec<IpAddr> = addresses.map(|address| address.ip()).collect();
            addresses.sort_by_key(|address| !address.is_ipv4());
            addresses.first().copied()
        }
        _ => None,
    }
}
