//! What a session wants, and what it notes for the journal.

use std::sync::Arc;
use std::time::Duration;

use super::queue::LeaveWhy;
use crate::flow::connector::LookupRequest;
use crate::flow::{FlowIndex, PromptId, QueueIndex, StepIndex, SurveyOutcome, TransferTo};
use crate::telephony::{PhoneNumber, Sides};

/// What a session wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Play these, one after another, in place of whatever is playing; `PlaybackFinished` is awaited. Never empty.
    Play(Vec<PromptId>),
    /// The same of which every word is to be heard: where one has no recording nothing is played, and `Unheard` comes.
    PlayWhole(Vec<PromptId>),
    /// Fall silent.
    StopPlaying,
    /// Play the tone and take down what the caller says: [`SessionInput::MessageEnded`] is awaited.
    TakeMessage {
        /// For whom.
        mailbox: Arc<str>,
        /// It ends when it is so long, ...
        longest: Duration,
        /// ... is empty when it is shorter than this, ...
        shortest: Duration,
        /// ... and ends when nothing was said for so long.
        silence: Duration,
        /// To whom it is mailed.
        mail: Vec<Arc<str>>,
    },
    /// The message is complete.
    EndMessage,
    /// Play the message to the caller: [`SessionInput::MessageRead`] is awaited.
    HearMessage,
    /// The message stays. Without this it does, too, when the caller hangs up.
    KeepMessage,
    /// Forget the message.
    DropMessage,
    /// Record the call from now on: the caller has agreed.
    StartRecording {
        /// How both sides are on the recording.
        sides: Sides,
    },
    /// Record no more.
    StopRecording,
    /// Silence on the recording while true.
    PauseRecording(bool),
    /// End the call. Nothing follows.
    HangUp,
    /// The caller waits from now on. Whenever nothing is played hold music is heard, which is not the session's matter.
    EnterQueue {
        /// Where.
        queue: QueueIndex,
        /// What the agent must know.
        skills: Vec<Arc<str>>,
        /// A greater number goes first.
        priority: u8,
        /// For so long only this agent will do, by extension, if they are at work.
        prefer: Option<(Arc<str>, Duration)>,
    },
    /// The caller waits no longer, of their own accord.
    LeaveQueue {
        /// Why.
        why: LeaveWhy,
    },
    /// Give the caller, who goes on in the flow, a place in a queue, to be called back: [`SessionInput::CallbackBooked`] is
    /// awaited before anything else.
    BookCallback {
        /// Where.
        queue: QueueIndex,
        /// What the agent must know.
        skills: Vec<Arc<str>>,
        /// A greater number goes first.
        priority: u8,
        /// On which number; it may be called.
        number: PhoneNumber,
    },
    /// Ring somebody else for the caller, who hears music whenever nothing is played, and join the two when they have heard
    /// `announce`: `Connected` or `NotTransferred` is awaited.
    Transfer {
        /// Whom.
        to: TransferTo,
        /// How long.
        ring: Duration,
        /// What they hear before they hear the caller.
        announce: Vec<PromptId>,
    },
    /// Ask a web service: [`SessionInput::LookupAnswered`] is awaited. Silence and comfort are the session's own.
    Lookup(Box<LookupRequest>),
    /// Nobody awaits the answer any more.
    CancelLookup {
        /// The name in the request.
        lookup: u32,
    },
    /// The waiting caller is choosing something: no announcement now. The place is kept, and an agent's answer comes first.
    MenuOpened,
    /// The choosing is over. Follows every `MenuOpened`, at the latest with whatever ends the wait.
    MenuClosed,
    /// For the journal.
    Note(FlowNote),
}

/// What happened in a flow.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowNote {
    /// A caller came to a step.
    StepEntered {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
    },
    /// A caller left a step. Every step that is entered is left before another is entered.
    StepLeft {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
        /// How: `next`, `then`, `otherwise`, `flow`, `choice 1`, `always 0`, `no_input`, `no_match`, `hangup` or
        /// `caller_hung_up`; from a queue, a callback or a transfer also `answered`, `busy`, `no_answer`, `timed_out`,
        /// `full`, `no_agents`, `failed` or `callback`; from a lookup `found`, `not_found` or `failed`; from a survey also
        /// `refused`: bounded by what is written.
        exit: Arc<str>,
    },
    /// A value could not be spoken as the step asks, or a phrase or word that it needs has no recording in this
    /// language; the words were left out.
    Unspeakable {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
    },
    /// A service could not be asked, since a value that is to be sent is not known or cannot be sent.
    Unaskable {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
        /// The value's name.
        value: Arc<str>,
    },
    /// A caller is asked for their opinion. [`FlowNote::SurveyEnded`] follows.
    SurveyOffered {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
    },
    /// A question of a survey was answered, for good.
    SurveyAnswered {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
        /// The place of the question in the survey.
        question: u8,
        /// The answer, one of those of the question's scale.
        score: u8,
    },
    /// Nothing more is asked, or the caller is gone.
    SurveyEnded {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
        /// How it went.
        outcome: SurveyOutcome,
    },
    /// More than [`MOST_STEPS`](super::MOST_STEPS) steps without the caller's input, or flows deeper than [`DEEPEST_FLOW`](super::DEEPEST_FLOW): ended politely.
    RanAway {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
    },
}
