//! The running server: it starts the rooms, joins them by their channels, and ends them in order.

pub mod desk;
mod mailboxes;
pub mod pace;
pub mod passwords;
mod post;
pub mod reload;
pub mod revisions;
mod signals;
pub mod spool;
mod unread;
mod watching;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use self::desk::{Desk, INBOX_MAX, Letter, MediaInbox, OUTBOX_MAX};
use self::mailboxes::{Asking, Keeper};
use self::pace::Pace;
use self::post::Post;
use self::reload::{REQUESTS_MAX, Reader, Reading, Reloads};
use self::revisions::Revisions;
use self::signals::Signals;
use crate::clock::Clock;
use crate::config::{MailSettings, TapesKept};
use crate::connectors::Connectors;

use crate::flow::session::exits;
use crate::flow::{FlowSet, QueueSpec, StepKind, Survey, Target};
use crate::http;
use crate::journal::StepName;
use crate::media::tapes::{Deck, Tapes};
use crate::media::{self, Reactor};
use crate::metrics::{KnownQuestion, Metrics, Series};
use crate::sip;
use crate::sip::transport::{self, Endpoints, Listener};
use crate::store::{self, Retention, Shelf, Store};
use crate::switchboard::{self, Input, Kept, Revision, Switchboard};
use crate::telephony::{AgentAccount, CallId, Clip, Codec, InbandDigits, SipCommand, TransportKind, Trunk};

/// More reactors than this gain nothing on the machines that were measured.
const REACTORS_MAX: usize = 8;
/// Log lines of what a signal asked for may wait.
const WISHES_MAX: usize = 8;

/// When all calls have ended, the last retransmissions have so long.
const LAST_GOODBYES: Duration = Duration::from_millis(500);

/// All that the server is told at its start.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where SIP is listened to.
    pub listen: Vec<Listener>,
    /// The address that callers' sides are told; `None` for the one that each reached us by.
    pub advertise: Option<IpAddr>,
    /// RTP takes the even ports.
    pub ports: RangeInclusive<u16>,
    /// Most preferred first; never empty.
    pub codecs: Vec<Codec>,
    /// Whether tones are looked for in the audio.
    pub inband_digits: InbandDigits,
    /// Where HTTP is listened to.
    pub http: SocketAddr,
    /// The address of HTTP, for agents' phones.
    pub http_address: String,
    /// Wanted as a bearer token, when there is one.
    pub token: Option<String>,
    /// Calls at once.
    pub calls: usize,
    /// New calls a second.
    pub calls_per_second: u32,
    /// The realm of the agents' passwords.
    pub realm: String,
    /// Where what must survive is kept.
    pub data: PathBuf,
    /// How much of it.
    pub retention: Retention,
    /// For how long messages and recordings are kept.
    pub tapes: TapesKept,
    /// How messages are mailed; `None`: not at all.
    pub mail: Option<MailSettings>,
    /// How long calls may go on when Helpline closes down.
    pub drain: Duration,
    /// Files and folders: when something in them changes, everything is read again.
    pub watch: Vec<PathBuf>,
}

/// Flows that were read and found without fault, with their recordings.
pub struct Loaded {
    /// The flows.
    pub flows: Arc<FlowSet>,
    /// The recording of each prompt, where there is one.
    pub clips: Vec<Option<Arc<Clip>>>,
    /// Hold music, by the name that queues give it.
    pub music: BTreeMap<Option<Arc<str>>, Vec<Arc<Clip>>>,
    /// The agents, with what their phones have to know.
    pub accounts: Vec<AgentAccount>,
    /// By whom calls come from and leave for the telephone network.
    pub trunks: Vec<Trunk>,
}

impl Loaded {
    /// As the switchboard knows it.
    fn revision(self, number: u32) -> Revision {
        let Loaded { flows, clips, music, accounts, trunks } = self;
        Revision { number, flows, clips, music, accounts, trunks }
    }
}

/// Runs the server until it is told to end, and its calls have. `first` is what `reader` read first.
///
/// # Errors
/// It could not start: an address is taken, a folder cannot be written, ...
pub fn run(setup: Setup, first: Reading, reader: Reader) -> anyhow::Result<()> {
    let clock = Clock::start_with_a_past();
    let pace = Arc::new(Pace::new(clock));
    let resting = pace.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_unpark(move || pace.begin())
        .on_thread_park(move || resting.rest())
        .enable_all()
        .build()?;
    let ended = runtime.block_on(serve(clock, setup, first, reader));
    // A reload that is still reading is of no use to anybody.
    runtime.shutdown_background();
    ended
}

async fn serve(clock: Clock, setup: Setup, first: Reading, reader: Reader) -> anyhow::Result<()> {
    raise_open_files(setup.calls);
    let (inbox_end, inbox) = mpsc::channel::<Letter>(INBOX_MAX);
    let (sip_end, outbox) = mpsc::channel(OUTBOX_MAX);
    let (wishes_end, wishes) = mpsc::channel(WISHES_MAX);
    let (snapshot, snapshots) = watch::channel(None);

    let revisions = Revisions::below(&setup.data);
    let (requests_end, requests) = mpsc::channel(REQUESTS_MAX);

    let mut metrics = Metrics::new(clock);
    let reloads = Reloads::begin(reader, revisions.clone(), metrics.series(), &first);
    let number = reloads.number();
    let loaded = first.loaded;
    let token = setup.token.as_deref().map(Arc::from);
    let operators = inbox_end.clone();
    let operate = Arc::new(move |command| operators.try_send(Input::Operator(command).into()).is_ok());
    let store::Opened { store, thread: store_thread, history, kept, secret, imported, cut_off } =
        Store::open(&setup.data, setup.retention).context("what must survive cannot be kept")?;
    if imported > 0 {
        info!(imported, "the records of an earlier version were taken over");
    }
    if cut_off > 0 {
        warn!(calls = cut_off, "Helpline had died while calls went on: they are on record with the cause process_lost");
    }
    let records: http::FindRecords = Arc::new(move |query| {
        let history = history.clone();
        Box::pin(async move { history.page(query).await.map_err(|reason| reason.to_string()) })
    });
    let (keeper, post) = start_keeper(&setup, &metrics, &inbox_end).await?;
    let asking = inbox_end.clone();
    let ask = Arc::new(move |asked: http::Asked| asking.try_send(asked.into()).is_ok());
    let view = http::View {
        exposition: metrics.exposition(),
        snapshot: snapshots,
        token,
        operate,
        records,
        shelf: Arc::new(Asking::new(&setup.data, inbox_end.clone())),
        reload: reload::on_request(requests_end.clone()),
        revisions: revisions::listed(revisions),
        desk: http::Desk::new(ask),
        clock,
    };
    let http = http::start(setup.http, view)?;
    let signals = Signals::listen().context("signals cannot be listened to")?;
    let endpoints = Endpoints::bind(&setup.listen)?;
    let bound = endpoints.bound();

    let (tapes, decks) = Tapes::start(setup.data.clone(), reactor_count(), keeper.sink(inbox_end.clone()))
        .context("the thread that writes messages and recordings cannot be started")?;
    let reactors = start_reactors(clock, &inbox_end, decks)?;
    let reactors_started = reactors.len();
    let settings = switchboard::Settings {
        ports: setup.ports.clone(),
        reactors: reactors_started,
        calls_max: setup.calls,
        codecs: setup.codecs.clone(),
        inband_digits: setup.inband_digits,
        drain: setup.drain,
        first_call: first_call(clock),
        http_address: Some(Arc::from(setup.http_address.as_str())),
    };
    // What changes from the moment on at which we say that we are there is read.
    let watch = watching::start(&setup.watch, requests_end.clone());
    announce(&loaded, &bound, http.address);
    let (accounts, trunks) = (loaded.accounts.clone(), loaded.trunks.clone());
    metrics.know_trunks(trunks.iter().map(|trunk| &*trunk.name));
    let revision = Arc::new(loaded.revision(number));
    let reloads = reloads.follow(revision.clone(), requests, wishes_end.clone());
    let random = fastrand::Rng::new();
    let (switchboard, first, places_lost) =
        Switchboard::restored(clock.now(), &kept, settings, clock.calendar(), revision, random);
    tell_restored(&kept, places_lost);
    // The outbox is empty yet.
    let _ = sip_end.try_send(SipCommand::SetAgents(accounts));
    let _ = sip_end.try_send(SipCommand::SetTrunks(trunks));
    let answers = inbox_end.clone();
    let tell = move |input: Input| match answers.try_send(input.into()) {
        Err(mpsc::error::TrySendError::Full(letter)) => {
            letter.into_input().map_or(Ok(()), |input| Err(Box::new(input)))
        }
        // Nobody is there any more to whom it could be told.
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
    };
    let connectors =
        Connectors::start(clock, Arc::new(tell)).context("the thread that asks web services cannot be started")?;
    let desk = Desk {
        clock,
        mailboxes: keeper.orders(),
        connectors,
        switchboard,
        inbox,
        wishes,
        sip: sip_end,
        reactors,
        snapshot,
        metrics,
        first,
        store,
    };
    let user_agent = sip::UserAgent::new(sip_settings(&setup, &endpoints, secret), fastrand::u64(..));
    let signalling = tokio::spawn(transport::run(endpoints, user_agent, clock, outbox, inbox_end));
    tokio::spawn(reloads);
    let signals = tokio::spawn(signals.follow(requests_end, wishes_end));
    // As a task: waking the runtime's own future costs a call to the system each time, waking a task none.
    tokio::spawn(desk.run()).await.context("the switchboard broke off")?;

    info!("Helpline has ended");
    signals.abort();
    drop(watch);
    // The desk was the last to hold the other end: `sip` sends what it still has to, and ends.
    let signalled = tokio::time::timeout(LAST_GOODBYES, signalling).await;
    drop(http);
    // What was said last is written, and then listed; the reactors have ended with the desk.
    drop(tapes);
    drop(keeper);
    drop(post);
    drop(store_thread);
    match signalled {
        Ok(Ok(Err(reason))) => Err(reason).context("SIP cannot be served"),
        Ok(Err(broken)) => Err(broken).context("SIP broke off"),
        Ok(Ok(Ok(()))) | Err(_) => Ok(()),
    }
}

/// What an earlier process has left, in a line.
fn tell_restored(kept: &Kept, places_lost: usize) {
    if !kept.places.is_empty() {
        info!(places = kept.places.len(), "callers' places were kept; their lines were lost");
    }
    if !kept.phones.is_empty() {
        info!(phones = kept.phones.len(), "agents' phones were kept, and are asked whether they are there");
    }
    if places_lost > 0 {
        warn!(places_lost, "callers' places cannot be had again: their queues are no longer configured");
    }
}

/// Takes up the messages and recordings that there are, and starts the threads that look after them and mail them.
async fn start_keeper(
    setup: &Setup,
    metrics: &Metrics,
    inbox: &mpsc::Sender<Letter>,
) -> anyhow::Result<(Keeper, Option<Post>)> {
    let (data, keep, mail) = (setup.data.clone(), setup.tapes, setup.mail.clone());
    let (counts, inbox) = (metrics.mail_counts(), inbox.clone());
    // These have runtimes of their own, which do not go inside another.
    let start = move || {
        let post = mail.map(|mail| Post::start(mail, Shelf::at(&data), counts)).transpose()?;
        let bell = post.as_ref().map(Post::bell);
        let kept = move || bell.iter().for_each(|bell| bell());
        Keeper::start(&data, keep, inbox, kept).map(|keeper| (keeper, post))
    };
    tokio::task::spawn_blocking(start).await?.context("messages and recordings cannot be kept")
}

/// One a core, so that media scales and signalling finds one that is not busy.
fn reactor_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(REACTORS_MAX)
}

fn start_reactors(clock: Clock, inbox: &mpsc::Sender<Letter>, decks: Vec<Deck>) -> anyhow::Result<Vec<Reactor>> {
    decks
        .into_iter()
        .map(|deck| {
            let mut inbox = MediaInbox::new(inbox.clone());
            let settings = media::Settings::new(clock, fastrand::u64(..));
            Reactor::start_recording(settings, deck, move |events| inbox.put(events.collect()))
                .context("a media thread cannot be started")
        })
        .collect()
}

fn sip_settings(setup: &Setup, endpoints: &Endpoints, secret: Vec<u8>) -> sip::Settings {
    let fixed = sip::Settings::default();
    sip::Settings {
        advertise: setup.advertise,
        udp_port: endpoints.port(TransportKind::Udp).unwrap_or(fixed.udp_port),
        tcp_port: endpoints.port(TransportKind::Tcp).unwrap_or(fixed.tcp_port),
        calls: setup.calls,
        calls_per_second: setup.calls_per_second,
        realm: setup.realm.clone(),
        secret,
        ..fixed
    }
}

/// Calls are numbered from the time of the start, in milliseconds, so that no two runs give one name twice.
fn first_call(clock: Clock) -> CallId {
    let millis = clock.calendar().time_of(clock.now()).as_millisecond();
    CallId(u64::try_from(millis).unwrap_or(0))
}

/// What is open besides connections and calls: listening sockets, log, records, and the files of a reload.
const OTHER_FILES: usize = 128;

/// A call takes two sockets; most systems give a process 1,024 until it asks for more.
fn raise_open_files(calls: usize) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let connections = transport::CONNECTIONS_MAX + http::CONNECTIONS_MAX;
    let wanted = (2 * calls + connections + OTHER_FILES) as u64;
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let new = wanted.clamp(soft, hard.max(soft));
        if new > soft {
            setrlimit(Resource::RLIMIT_NOFILE, new, hard)?;
        }
        Ok(new)
    });
    match raised {
        Ok(files) if files < wanted => warn!(
            files,
            calls, "the system allows too few open files for limits.calls: calls beyond it will have no audio"
        ),
        Ok(_) => {}
        Err(reason) => warn!(%reason, "the limit of open files is not known"),
    }
}

/// Makes the series of every step, mailbox and connector, at zero.
fn know_flows(series: &Series, flows: &FlowSet) {
    for flow in &flows.flows {
        for step in &flow.steps {
            if let StepKind::Voicemail(voicemail) = &step.kind {
                series.know_mailbox(&voicemail.mailbox);
            }
            let name = StepName { flow: flow.name.clone(), step: step.name.clone() };
            if let StepKind::Survey(survey) = &step.kind {
                know_survey(series, flows, &name, survey);
            }
            let exits = exits(flows, flow, step);
            let languages = flow.languages.iter().map(|language| &**language);
            series.know_step(&name, exits.iter().map(|exit| &**exit), languages);
        }
    }
    flows.connectors.iter().for_each(|connector| series.know_connector(&connector.name));
}

/// Those of who comes from no queue, and of every queue that leads here when the conversation is over.
fn know_survey(series: &Series, flows: &FlowSet, step: &StepName, survey: &Survey) {
    let leads_here = |queue: &&QueueSpec| {
        queue.survey.is_some_and(|to| match to.target {
            Target::Step(asks) => {
                let flow = flows.flow(to.flow);
                flow.name == step.flow && flow.step(asks).name == step.step
            }
            Target::Again | Target::Back | Target::HangUp | Target::Callback => false,
        })
    };
    let queues = flows.queues.iter().filter(leads_here).map(|queue| &*queue.name);
    for queue in std::iter::once("").chain(queues) {
        let questions = survey.questions.iter().map(|question| KnownQuestion {
            question: &question.name,
            scale: question.scale.word(),
            scores: question.scale.scores().into_inner(),
        });
        series.know_survey(step, queue, questions);
    }
}

/// One line that says who answers, and how to try it.
fn announce(loaded: &Loaded, bound: &[Listener], http: SocketAddr) {
    let flows = &loaded.flows;
    let number = flows.numbers.keys().next().map_or("anybody", String::as_str);
    let mut addresses: Vec<(SocketAddr, String)> = Vec::new();
    for Listener { transport, address } in bound {
        match addresses.iter_mut().find(|(known, _)| known == address) {
            Some((_, kinds)) => *kinds += &format!(" and {transport}"),
            None => addresses.push((*address, transport.to_string())),
        }
    }
    let addresses: Vec<String> =
        addresses.iter().map(|(address, kinds)| format!("sip:{number}@{} ({kinds})", reachable(*address))).collect();
    let others = match (flows.numbers.len(), flows.any.is_some()) {
        (0 | 1, true) => " and every other number".to_owned(),
        (count, true) => format!(", {} more and every other number", count - 1),
        (0 | 1, false) => String::new(),
        (count, false) => format!(" and {} more", count - 1),
    };
    let recorded = loaded.clips.iter().flatten().count();
    println!(
        "Helpline answers {}{others}, with {recorded} of {} recordings; http://{http}/metrics",
        addresses.join(", "),
        loaded.clips.len()
    );
}

/// An address that a softphone can call: where we listen on all of them, the one that leads outside.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let (any, outside): (IpAddr, &str) = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), "192.0.2.1:9"),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED.into(), "[2001:db8::1]:9"),
    };
    // Connecting a datagram socket sends nothing; it asks the routing table.
    let routed = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(outside)?;
        socket.local_addr()
    });
    let loopback: IpAddr = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    SocketAddr::new(routed.map_or(loopback, |routed| routed.ip()), address.port())
}
