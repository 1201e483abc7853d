//! The one owner of all calls: it joins legs, audio and flows by their names and routes between them. It decides nothing
//! about menus, codecs or retransmissions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::acd::{self, AgentCommand, EntryId};
use crate::clock::{Calendar, Moment};
use crate::flow::difference::renamed;
use crate::flow::mailbox::Message;
use crate::flow::{FlowSet, PromptId, QueueStandings, Switch, Switches};
use crate::journal::{JournalEntry, JournalEvent};
use crate::telephony::{
    AgentAccount, CallId, Clip, Codec, InbandDigits, KeptTape, LegId, MediaCommand, MediaEvent, PlaybackId, SipCommand,
    SipEvent, TapeId, Trunk,
};

mod agent_leg;
mod audio;
mod call;
mod callback;
mod callers;
mod codes;
mod consistency;
mod digits;
mod direct;
mod distribution;
mod errand;
mod hold;
mod incoming;
mod keeping;
mod kept;
mod leg;
mod lookup;
mod messages;
mod notes;
mod placement;
mod ports;
mod queues;
mod renaming;
mod routing;
mod sent;
mod switches;
mod transfer;
mod view;
mod waiting;
mod whisper;

use agent_leg::AgentLeg;
use call::Call;
pub use call::{ACKNOWLEDGE_MAX, CALL_MAX, CLOSE_MAX, HANG_UP_MAX, LINGER};
use callers::Callers;
pub use callers::{CALLERS_MAX, KeptCaller, REMEMBERED_FOR};
pub use codes::PLAIN_PAUSE;
pub use direct::DIRECT_RING;
use errand::Errand;
pub use hold::HOLD_MAX;
use keeping::Keeping;
pub use keeping::{ALIVE_GAP, KEEP_GAP};
pub use kept::{
    Fact, Kept, KeptAgent, KeptCall, KeptCallPhase, KeptMode, KeptPhone, KeptPlace, KeptPlaceStage, KeptQueue,
    KeptSkills, KeptSwitch, KeptTransport, KeptWish, WallTime, label_of,
};
pub use lookup::{Answered, Ask};
use placement::Placement;
pub use ports::{PortPool, REST, REST_AFTER_FAILURE};
use queues::Queues;
pub use view::{AgentView, CallPlace, PLACES_SHOWN_MAX, PlaceView, QueueView, VIEW_AGE, VIEW_AGE_IDLE, View};

/// What is fixed for the life of the process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// RTP takes the even ports of this range.
    pub ports: RangeInclusive<u16>,
    /// How many media reactors there are; at least 1.
    pub reactors: usize,
    /// `limits.calls`: as many calls at once.
    pub calls_max: usize,
    /// The codecs we take, most preferred first; never empty.
    pub codecs: Vec<Codec>,
    /// Whether tones are looked for in the audio.
    pub inband_digits: InbandDigits,
    /// How long calls in progress may go on when Helpline closes down.
    pub drain: Duration,
    /// The name of the first call. One that no earlier run has used keeps the records apart.
    pub first_call: CallId,
    /// Where the API is, such as `http://192.0.2.1:8080`, for agents' phones; none where there is no API. Which of them
    /// reach it there is for `sip` to say.
    pub http_address: Option<Arc<str>>,
}

/// The flows and their recordings, loaded and checked together. A call keeps the revision with which it began.
#[derive(Debug, Default)]
pub struct Revision {
    /// One more with each reload.
    pub number: u32,
    /// The flows.
    pub flows: Arc<FlowSet>,
    /// The recording of each of [`FlowSet::prompts`], at the same place; `None` where it is missing.
    pub clips: Vec<Option<Arc<Clip>>>,
    /// Hold music in its order, by the name that queues give it; `None` for those that give none.
    pub music: BTreeMap<Option<Arc<str>>, Vec<Arc<Clip>>>,
    /// The agents of [`FlowSet::agents`], with what their phones have to know.
    pub accounts: Vec<AgentAccount>,
    /// By whom calls come from and leave for the telephone network.
    pub trunks: Vec<Trunk>,
}

impl Revision {
    /// Those of `prompts` that are recorded.
    fn clips_of(&self, prompts: &[PromptId]) -> Vec<Arc<Clip>> {
        let clip = |prompt: &PromptId| self.clips.get(prompt.0 as usize)?.clone();
        prompts.iter().filter_map(clip).collect()
    }
}

/// What the switchboard is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// By `sip`.
    Sip(SipEvent),
    /// By a media reactor.
    Media(MediaEvent),
    /// By whoever runs the place.
    Operator(OperatorCommand),
    /// By those who ask web services.
    Answered(Box<Answered>),
    /// By the same: a service has failed too often and is left alone for so long, or answers again.
    Connector {
        /// Its name.
        name: Arc<str>,
        /// How long it is not asked.
        rests: Option<Duration>,
    },
    /// By those who keep messages.
    Messages {
        /// Who wants to hear them.
        call: CallId,
        /// Those that wait, the first to be heard first; `None`: they cannot be read.
        messages: Option<Vec<Message>>,
    },
    /// The deadline has come.
    Expired,
    /// Somebody has set the time of day, or a while has passed since it was last told.
    Calendar(Calendar),
    /// New calls follow this.
    Revision(Arc<Revision>),
}

/// What an operator may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorCommand {
    /// Take no new calls; those in progress may go on for [`Settings::drain`].
    Drain,
    /// End this call.
    HangUp(CallId),
    /// End all calls, because Helpline closes down.
    HangUpAll,
    /// Hours are open or closed, whatever is written, until somebody says otherwise or the time given has come;
    /// `None`: what is written stands again. Calls in progress know it at once.
    SwitchHours {
        /// Which.
        name: Arc<str>,
        /// How.
        switch: Option<Switch>,
    },
    /// Pause, resume or end the recording of a call; nothing where it is not recorded. None is begun so: only the caller
    /// agrees to that.
    Recording {
        /// Which.
        call: CallId,
        /// What.
        wish: RecordingWish,
    },
    /// So many messages wait in a mailbox from now on: those who hear them are told.
    MessagesWaiting {
        /// Which.
        mailbox: Arc<str>,
        /// Those that nobody has heard.
        new: u32,
        /// The others.
        old: u32,
    },
    /// Let an agent be ready, pause or log out, or tell their wrap-up; nothing when there is none of this extension.
    Agent {
        /// Whom.
        extension: Arc<str>,
        /// What.
        command: AgentCommand,
    },
}

/// What may be wanted of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingWish {
    /// Silence on it from now on.
    Pause,
    /// No silence any more.
    Resume,
    /// It ends.
    Stop,
}

/// What is wanted of those who keep messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailboxOrder {
    /// The messages of these mailboxes, at most [`MESSAGES_MAX`](crate::flow::mailbox::MESSAGES_MAX) new ones and as many
    /// others: [`Input::Messages`] comes of it.
    List {
        /// Who wants to hear them.
        call: CallId,
        /// Which.
        mailboxes: Vec<Arc<str>>,
    },
    /// This message was heard.
    Heard(KeptTape),
    /// This one is to go.
    Delete(KeptTape),
}

/// What the switchboard wants done, in this order.
#[derive(Clone, Debug)]
pub enum Output {
    /// By `sip`.
    Sip(SipCommand),
    /// By a media reactor.
    Media {
        /// Which: below [`Settings::reactors`].
        reactor: usize,
        /// What.
        command: MediaCommand,
    },
    /// By two media reactors: a leg's audio moves from one to the other, as one stream. What it was bridged with is left
    /// alone, and all further commands for it go to the other.
    HandOver {
        /// Whose.
        leg: LegId,
        /// The reactor that has it.
        from: usize,
        /// The reactor that is to have it; another.
        to: usize,
    },
    /// By whoever asks web services; [`Input::Answered`] comes of it, be it late.
    Ask(Box<Ask>),
    /// By the same: nobody awaits this any more.
    CancelAsk {
        /// On whose behalf it was asked.
        call: CallId,
        /// The name in the request.
        lookup: u32,
    },
    /// By whoever keeps messages.
    Mailbox(Box<MailboxOrder>),
    /// By whoever reads the journal.
    Journal(JournalEntry),
}

/// The state of the house, for those who only look.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Calls in progress, those that are ending included.
    pub calls: usize,
    /// Legs to agents' phones, those that are ending included.
    pub agent_legs: usize,
    /// As many there may be.
    pub calls_max: usize,
    /// RTP ports that could be taken.
    pub ports_free: usize,
    /// Whether Helpline is closing down.
    pub draining: bool,
    /// Queues and agents, as they were [`VIEW_AGE`] ago at most.
    pub view: Arc<View>,
    /// The number of the revision that new calls follow.
    pub revision: u32,
    /// The flows that new calls follow.
    pub flows: Arc<FlowSet>,
    /// What hours people have switched by hand.
    pub switches: Arc<Switches>,
}

/// The one owner of all calls.
#[derive(Debug)]
pub struct Switchboard {
    settings: Settings,
    calendar: Calendar,
    revision: Arc<Revision>,
    random: fastrand::Rng,
    calls: BTreeMap<CallId, Box<Call>>,
    legs: BTreeMap<LegId, CallId>,
    agent_legs: BTreeMap<LegId, Box<AgentLeg>>,
    queues: Queues,
    /// Who has called before.
    callers: Callers,
    /// How the queues stand of which flows tell something, and which those are.
    standings: Arc<QueueStandings>,
    watched: BTreeSet<Arc<str>>,
    view: Arc<View>,
    /// What hours people have switched by hand.
    switches: Arc<Switches>,
    /// What is left to do before the next input.
    errands: VecDeque<Errand>,
    /// The deadline of every call and every agent's leg.
    deadlines: BTreeSet<(Moment, Alarm)>,
    ports: PortPool,
    placement: Placement,
    next_call: CallId,
    next_leg: u64,
    playbacks: u64,
    /// The name of the last tape.
    tapes: u64,
    /// Messages that wait, new and old, by mailbox.
    messages: BTreeMap<Arc<str>, (u32, u32)>,
    entries: u64,
    drain: Option<Drain>,
    keeping: Keeping,
}

/// Whose deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Call(CallId),
    AgentLeg(LegId),
}

#[derive(Clone, Copy, Debug)]
struct Drain {
    /// When those still in progress are ended; `None` once that was done.
    until: Option<Moment>,
}

/// All that a call may use while it takes an input.
pub(crate) struct Turn<'a> {
    pub(crate) now: Moment,
    pub(crate) calendar: Calendar,
    pub(crate) settings: &'a Settings,
    pub(crate) switches: &'a Arc<Switches>,
    pub(crate) standings: &'a Arc<QueueStandings>,
    playbacks: &'a mut u64,
    tapes: &'a mut u64,
    entries: &'a mut u64,
    placement: &'a mut Placement,
    errands: &'a mut VecDeque<Errand>,
    pub(crate) out: &'a mut Vec<Output>,
}

impl Turn<'_> {
    pub(crate) fn journal(&mut self, call: Option<CallId>, event: JournalEvent) {
        self.out.push(journal(self.now, call, event));
    }

    pub(crate) fn sip(&mut self, command: SipCommand) {
        self.out.push(Output::Sip(command));
    }

    /// The name of a new playback.
    pub(crate) fn playback(&mut self) -> PlaybackId {
        *self.playbacks += 1;
        PlaybackId(*self.playbacks)
    }

    /// The name of a new tape.
    pub(crate) fn tape(&mut self) -> TapeId {
        *self.tapes += 1;
        TapeId(*self.tapes)
    }

    /// The name of a new place in a queue.
    pub(crate) fn entry(&mut self) -> EntryId {
        *self.entries += 1;
        EntryId(*self.entries)
    }

    /// Asks something of another part of the switchboard.
    fn errand(&mut self, errand: Errand) {
        self.errands.push_back(errand);
    }

    /// Asks something that comes before whatever else is asked.
    fn errand_first(&mut self, errand: Errand) {
        self.errands.push_front(errand);
    }
}

impl Switchboard {
    /// An empty switchboard. `random` gives the session ids of descriptions.
    pub fn new(settings: Settings, calendar: Calendar, revision: Arc<Revision>, random: fastrand::Rng) -> Switchboard {
        Switchboard::begun(Moment::ZERO, None, settings, calendar, revision, random)
    }

    /// A switchboard that goes on at `now` with what an earlier process has left, what that makes to be done first, and
    /// how many callers' places could not be had again because their queue is no more.
    pub fn restored(
        now: Moment,
        kept: &Kept,
        settings: Settings,
        calendar: Calendar,
        revision: Arc<Revision>,
        random: fastrand::Rng,
    ) -> (Switchboard, Vec<Output>, usize) {
        let mut switchboard = Switchboard::begun(now, Some(kept.seed), settings, calendar, revision, random);
        let mut out = Vec::new();
        let lost = switchboard.restore(now, kept, &mut out);
        (switchboard, out, lost)
    }

    fn begun(
        now: Moment,
        seed: Option<u64>,
        settings: Settings,
        calendar: Calendar,
        revision: Arc<Revision>,
        random: fastrand::Rng,
    ) -> Switchboard {
        let mut random = random;
        assert!(settings.reactors > 0 && !settings.codecs.is_empty(), "a reactor and a codec are needed");
        let ports = PortPool::new(settings.ports.clone());
        let queues = Queues::new(now, seed, &revision.flows, &mut random);
        let watched = watched(&revision.flows).collect();
        Switchboard {
            next_leg: 1,
            entries: 0,
            next_call: settings.first_call,
            tapes: settings.first_call.0,
            messages: BTreeMap::new(),
            placement: Placement::new(settings.reactors),
            settings,
            calendar,
            revision,
            random,
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            agent_legs: BTreeMap::new(),
            queues,
            callers: Callers::default(),
            standings: Arc::default(),
            watched,
            view: Arc::default(),
            switches: Arc::default(),
            errands: VecDeque::new(),
            deadlines: BTreeSet::new(),
            ports,
            playbacks: 0,
            drain: None,
            keeping: Keeping::since(now),
        }
    }

    /// Takes one input at `now`, which is never before that of the last one.
    pub fn handle(&mut self, now: Moment, input: Input) -> Vec<Output> {
        let mut out = Vec::with_capacity(8);
        match input {
            Input::Sip(event) => self.signal(now, event, &mut out),
            Input::Media(event) => self.media(now, event, &mut out),
            Input::Operator(command) => self.operate(now, command, &mut out),
            Input::Answered(answered) => self.answered(now, *answered, &mut out),
            Input::Connector { name, rests } => out.push(journal(now, None, JournalEvent::Connector { name, rests })),
            Input::Messages { call, messages } => {
                self.with_call(now, call, &mut out, |call, turn| call.messages_listed(turn, messages));
            }
            Input::Expired => self.expire(now, &mut out),
            Input::Calendar(calendar) => self.calendar = calendar,
            Input::Revision(revision) => {
                out.push(journal(now, None, JournalEvent::Revised { revision: revision.number }));
                out.push(Output::Sip(SipCommand::SetAgents(revision.accounts.clone())));
                out.push(Output::Sip(SipCommand::SetTrunks(revision.trunks.clone())));
                self.rename(&renamed(&self.revision.flows, &revision.flows));
                let settings = self.queues.settings(&revision.flows);
                self.errands.push_back(Errand::Distribute(acd::Input::Reconfigured(Box::new(settings))));
                // Calls in progress go on with what they know.
                self.watched.extend(watched(&revision.flows));
                self.revision = revision;
                self.tell_all_messages(&mut out);
            }
        }
        self.run_errands(now, &mut out);
        out
    }

    /// When to call with `Expired`, if nothing comes before.
    pub fn deadline(&self) -> Option<Moment> {
        let call = self.deadlines.first().map(|(moment, _)| *moment);
        let drain = self.drain.and_then(|drain| drain.until);
        call.into_iter().chain(drain).chain(self.queues.distributor.deadline()).min()
    }

    /// Whether the time of calls in progress is over because Helpline closes down.
    pub fn drained(&self) -> bool {
        self.drain.is_some_and(|drain| drain.until.is_none())
    }

    /// The state of the house at `now`.
    pub fn snapshot(&mut self, now: Moment) -> Snapshot {
        Snapshot {
            calls: self.calls.len(),
            agent_legs: self.agent_legs.len(),
            calls_max: self.settings.calls_max,
            ports_free: self.ports.available(now),
            draining: self.drain.is_some(),
            view: self.viewed(now),
            revision: self.revision.number,
            flows: self.revision.flows.clone(),
            switches: self.switches.clone(),
        }
    }
}

/// The queues of which flows tell something.
fn watched(flows: &FlowSet) -> impl Iterator<Item = Arc<str>> {
    flows.watched.iter().map(|queue| flows.queue(*queue).name.clone())
}

/// What a caller is told to wait when the house is full.
pub const RETRY_AFTER: Duration = Duration::from_secs(10);

fn journal(at: Moment, call: Option<CallId>, event: JournalEvent) -> Output {
    Output::Journal(JournalEntry { at, call, event })
}
