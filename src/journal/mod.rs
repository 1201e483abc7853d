//! What happened, told once: log lines, call records and metrics are folds over these entries.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::telephony::{
    CallId, Caller, Cause, Codec, DigitSource, MediaTally, PlaybackId, SipTally, StreamReport, TransportKind, TrunkDown,
};

mod history;
mod log;
mod queue;
mod record;
mod story;
mod survey;
mod tape;

pub use history::{PAGE_MAX, PAGE_USUAL, RecordPage, RecordQuery};
pub use log::log;
pub use queue::{Joined, Parted, QueueEvent};
pub use record::blank as blank_record;
pub use record::{
    CONVERSATIONS_RECORDED_MAX, CallRecord, PROCESS_LOST, RecordedConversation, RecordedTape, RecordedWait, Records,
    SO_FAR_AFTER, STEPS_RECORDED_MAX, TAPES_RECORDED_MAX, WAITS_RECORDED_MAX,
};
pub use story::{
    CallState, Origin, STORIES_ENDED_MAX, STORIES_ENDED_OCTETS_MAX, STORY_FIRST_MAX, STORY_LAST_MAX, Stories, Story,
    StoryEvent,
};
pub use survey::{RecordedSurvey, SURVEYS_RECORDED_MAX, SurveyEvent, SurveyNews};
pub use tape::{StoredTape, TapeEvent, TapePage, TapeQuery};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalEntry {
    /// When.
    pub at: Moment,
    /// In which call; `None` for what concerns no call or one that was refused.
    pub call: Option<CallId>,
    /// What.
    pub event: JournalEvent,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum JournalEvent {
    /// Somebody called and is being answered.
    Offered(Box<Offered>),
    /// Somebody is being called.
    Dialled(Box<Dialled>),
    /// Somebody called and was refused.
    Refused {
        /// Who and how.
        offered: Box<Offered>,
        /// Why.
        reason: RefusalReason,
        /// The final status.
        status: u16,
    },
    /// The call was given its 200 OK, in the same step in which it was offered.
    Answered {
        /// What the caller will hear; `None` while our offer has no answer yet.
        codec: Option<Codec>,
        /// Our RTP port.
        port: u16,
    },
    /// The caller acknowledged (or was heard), and the flow began.
    Began,
    /// A caller came to a step.
    StepEntered(StepName),
    /// A caller left a step.
    StepLeft {
        /// Which.
        step: StepName,
        /// How: bounded by what is written in the flow.
        exit: Arc<str>,
    },
    /// A playback began.
    Playing {
        /// Its name.
        playback: PlaybackId,
        /// Of how many recordings.
        clips: usize,
    },
    /// A key counted. Which one is nobody's business.
    Digit {
        /// How it came.
        source: DigitSource,
    },
    /// A key was dropped: the same press had come, or will come, another way.
    DigitRepeated {
        /// How it came.
        source: DigitSource,
    },
    /// What should have been heard has no recording.
    PromptMissing {
        /// The step that wanted it.
        step: StepName,
        /// In which language.
        language: Arc<str>,
        /// The recording's name, when it is one recording.
        prompt: Option<Arc<str>>,
    },
    /// More steps than are allowed without the caller's input: the flow ended politely.
    RanAway(StepName),
    /// The caller put us on hold.
    Held,
    /// The caller is back.
    Resumed,
    /// Something happened in a queue or to an agent.
    Queue(Box<QueueEvent>),
    /// The phone of an agent whom the caller has dialled, or to whom they are passed on, is to ring.
    Dialling {
        /// The agent's extension.
        agent: Arc<str>,
    },
    /// And was not answered.
    NotReached {
        /// The agent's extension.
        agent: Arc<str>,
        /// The status that tells why: 400 to 699.
        status: u16,
    },
    /// An agent has dialled a code.
    AgentAsks {
        /// The agent's extension.
        agent: Arc<str>,
        /// What the code asks for, as helpline.yaml names it: `ready`, `pause`, `why`, ...
        code: &'static str,
        /// Why they pause.
        reason: Option<Arc<str>>,
    },
    /// A web service was asked, or could not be.
    LookedUp(Box<LookedUp>),
    /// A web service has failed too often and is not asked for so long; `None`: it answers again.
    Connector {
        /// The connector's name.
        name: Arc<str>,
        /// How long.
        rests: Option<Duration>,
    },
    /// Somebody wants the call to go elsewhere.
    Transfer(Box<Transfer>),
    /// Something happened with a message or a recording.
    Tape(Box<TapeEvent>),
    /// A caller is asked for their opinion, or has told it.
    Survey(Box<SurveyEvent>),
    /// So many messages wait in a mailbox from now on.
    MessagesWaiting {
        /// Which.
        mailbox: Arc<str>,
        /// Those that nobody has heard.
        new: u32,
        /// The others.
        old: u32,
    },
    /// A caller and an agent hear each other.
    Joined(Box<Joined>),
    /// The agent put the caller on hold, or is back.
    AgentHeld {
        /// Whether they do.
        holding: bool,
    },
    /// Caller and agent hear each other no more.
    Parted(Box<Parted>),
    /// The audio or the signalling of an agent's leg failed.
    AgentLegFailed {
        /// The agent's extension.
        agent: Arc<str>,
        /// What is known of it.
        reason: String,
    },
    /// Codec, address or direction changed in some other way, or were confirmed.
    AudioChanged {
        /// The codec now.
        codec: Codec,
    },
    /// A change that the caller's side wished was refused with this status.
    ChangeRefused {
        /// 400 to 699.
        status: u16,
    },
    /// The audio could not be opened.
    AudioFailed {
        /// What the operating system said.
        reason: String,
    },
    /// The flow is at its end, its last word on its way.
    FlowEnded,
    /// Helpline is ending the caller's leg.
    HungUp {
        /// Why.
        cause: Cause,
    },
    /// The call is over, its audio closed and its port given back.
    Ended(Box<Ended>),
    /// What `sip` did since its last tally.
    Sip(SipTally),
    /// What a media reactor did since its last tally.
    Media(Box<MediaTally>),
    /// From now on no call is taken; those in progress may go on for this long.
    Draining {
        /// How many there are.
        calls: usize,
        /// How long they have.
        time: Duration,
    },
    /// Somebody has switched hours by hand.
    HoursSwitched(Box<SwitchedHours>),
    /// A trunk takes calls from now on, or no more.
    Trunk {
        /// Its name.
        trunk: Arc<str>,
        /// Why it does not.
        down: Option<TrunkDown>,
    },
    /// New calls follow another revision of the flows.
    Revised {
        /// Its number.
        revision: u32,
    },
}

/// Somebody called.
#[derive(Clone, Debug, PartialEq)]
pub struct Offered {
    /// Who.
    pub caller: Caller,
    /// The number that was dialled.
    pub dialled: String,
    /// The flow that answers; `None` when none does.
    pub flow: Option<Arc<str>>,
    /// Where the INVITE came from.
    pub source: SocketAddr,
    /// What it came by.
    pub transport: TransportKind,
    /// The Call-ID, to find the call in a capture.
    pub sip_call_id: String,
}

/// A transfer as it was asked for, and what was said to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// The extension of the agent who asked; empty for everybody else.
    pub by: Arc<str>,
    /// Whereto: an extension, a queue or a number.
    pub to: String,
    /// `blind`, `attended`, or `replaces` for who takes over a conversation by an INVITE.
    pub kind: &'static str,
    /// The status that was said at first: 100 for one that is under way, 200 for one that is made, 300 and above for
    /// one that is refused.
    pub status: u16,
    /// Why it was refused.
    pub why: Option<&'static str>,
}

/// Hours that somebody has switched by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct SwitchedHours {
    /// Which.
    pub hours: Arc<str>,
    /// How they stand, and until when; `None`: as they are written.
    pub state: Option<(bool, jiff::Timestamp)>,
    /// Who did: `api`, or an agent's extension.
    pub by: Arc<str>,
}

/// What came of asking a web service.
#[derive(Clone, Debug, PartialEq)]
pub struct LookedUp {
    /// The connector's name.
    pub connector: Arc<str>,
    /// `found`, `not_found`, `cancelled` when the caller hung up, or why it failed: `timed_out`, `unreachable`, `refused`,
    /// `not_allowed`, `unreadable`, `busy`, `resting` or `unaskable`.
    pub outcome: &'static str,
    /// How long it took.
    pub took: Duration,
    /// How often it was asked; 0 when that is not known, or it was not asked.
    pub tries: u8,
    /// What is known of a failure: no secret, and nothing that a caller said.
    pub why: Option<Arc<str>>,
}

/// Somebody is being called back.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialled {
    /// Who, with the number that is called.
    pub party: Caller,
    /// The number that they had dialled, which they are shown.
    pub shown: String,
    /// The queue in which they keep a place.
    pub queue: Arc<str>,
    /// The call in which they asked to be called back, where this process knows it.
    pub callback_of: Option<CallId>,
    /// By which trunk; none where a SIP address is called.
    pub trunk: Option<Arc<str>>,
    /// From 1.
    pub attempt: u32,
}

/// A step by its flow's and its own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepName {
    /// The flow.
    pub flow: Arc<str>,
    /// The step.
    pub step: Arc<str>,
}

/// A call is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// How it is counted.
    pub outcome: Outcome,
    /// Why its leg ended.
    pub cause: Cause,
    /// From the INVITE to the end of the leg.
    pub duration: Duration,
    /// What was measured of the audio; nothing when it never opened.
    pub report: Option<StreamReport>,
}

/// Why a call was refused by the switchboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalReason {
    /// No flow answers the number.
    NoSuchNumber,
    /// As many calls as `limits.calls` allows.
    CallsFull,
    /// No RTP port is free.
    PortsFull,
    /// Helpline is closing down.
    Draining,
    /// Nothing in the offer that we can take.
    NotAcceptable,
    /// It wanted to take the place of another call (RFC 3891).
    NotReplaced,
}

impl RefusalReason {
    /// All of them.
    pub const ALL: [RefusalReason; 6] = [
        RefusalReason::NoSuchNumber,
        RefusalReason::CallsFull,
        RefusalReason::PortsFull,
        RefusalReason::Draining,
        RefusalReason::NotAcceptable,
        RefusalReason::NotReplaced,
    ];

    /// The word of the label `reason`.
    pub const fn label(self) -> &'static str {
        match self {
            RefusalReason::NoSuchNumber => "no_such_number",
            RefusalReason::CallsFull => "calls_full",
            RefusalReason::PortsFull => "ports_full",
            RefusalReason::Draining => "draining",
            RefusalReason::NotAcceptable => "not_acceptable",
            RefusalReason::NotReplaced => "not_replaced",
        }
    }
}

/// How a call is counted, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The flow came to its end and hung up.
    Completed,
    /// The caller hung up.
    HungUp,
    /// The caller gave up before the answer.
    Cancelled,
    /// Refused.
    Refused,
    /// An operator hung up.
    Operator,
    /// Ended because Helpline closed down.
    Drained,
    /// Its caller was an agent, who has joined those to whom they talked and is out of it.
    Transferred,
    /// Who was called did not answer.
    Unanswered,
    /// Broken: signalling or audio was lost, or never came up.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 9] = [
        Outcome::Completed,
        Outcome::HungUp,
        Outcome::Cancelled,
        Outcome::Refused,
        Outcome::Operator,
        Outcome::Drained,
        Outcome::Transferred,
        Outcome::Unanswered,
        Outcome::Failed,
    ];

    /// The word of the label `outcome`.
    pub const fn label(self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::HungUp => "hung_up",
            Outcome::Cancelled => "cancelled",
            Outcome::Refused => "refused",
            Outcome::Operator => "operator",
            Outcome::Drained => "drained",
            Outcome::Transferred => "transferred",
            Outcome::Unanswered => "unanswered",
            Outcome::Failed => "failed",
        }
    }
}

/// The word of a label or a record for how a key came.
pub const fn digit_source(source: DigitSource) -> &'static str {
    match source {
        DigitSource::Rtp => "rtp",
        DigitSource::Info => "info",
        DigitSource::Inband => "inband",
    }
}

/// How a step was left, without the key: which choice it was would be one.
pub fn shown_exit(exit: &str) -> &str {
    exit.split(' ').next().unwrap_or(exit)
}

/// The name of a recording where it tells nothing of what was keyed: phrases are what digits are read back with.
pub fn shown_prompt(prompt: &str) -> Option<&str> {
    (!prompt.starts_with("phrases/")).then_some(prompt)
}

/// The word of a record for why a leg ended.
pub const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::RemoteHungUp => "remote_hung_up",
        Cause::LineLost => "line_lost",
        Cause::LocalHungUp => "local_hung_up",
        Cause::Cancelled => "cancelled",
        Cause::Refused => "refused",
        Cause::RefusedBy(_) => "refused_by_party",
        Cause::NoAnswer => "no_answer",
        Cause::NotAcknowledged => "not_acknowledged",
        Cause::DialogLost => "dialog_lost",
        Cause::SessionExpired => "session_expired",
        Cause::MediaLost => "media_lost",
        Cause::MediaFailed => "media_failed",
        Cause::TransportFailed => "transport_failed",
        Cause::Drained => "drained",
    }
}
