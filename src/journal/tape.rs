//! What happened with messages and recordings.

use std::sync::Arc;

use crate::telephony::{KeptTape, TapeKind, TapeReport};

/// Something happened with a message or a recording.
#[derive(Clone, Debug, PartialEq)]
pub enum TapeEvent {
    /// A caller hears the tone, and speaks.
    MessageBegan {
        /// For whom.
        mailbox: Arc<str>,
    },
    /// A message was left.
    MessageLeft {
        /// For whom.
        mailbox: Arc<str>,
        /// Its name, as the API has it.
        name: String,
        /// How it ended.
        report: TapeReport,
    },
    /// Nothing was said.
    MessageEmpty {
        /// To whom.
        mailbox: Arc<str>,
    },
    /// The caller wants to leave another in its place.
    MessageDropped {
        /// For whom it was.
        mailbox: Arc<str>,
    },
    /// An agent has heard a message by telephone.
    MessageHeard {
        /// Whose.
        mailbox: Arc<str>,
        /// Its name.
        name: String,
    },
    /// And deleted it.
    MessageDeleted {
        /// Whose.
        mailbox: Arc<str>,
        /// Its name.
        name: String,
    },
    /// The call is recorded from now on.
    RecordingBegan {
        /// The recording's name, as the API has it.
        name: String,
    },
    /// There is silence on the recording, or no more.
    RecordingPaused {
        /// Whether.
        paused: bool,
        /// Who wanted it: `flow`, `api`, or an agent's extension.
        by: Arc<str>,
    },
    /// The call is recorded no more.
    RecordingEnded {
        /// The recording's name.
        name: String,
        /// How it ended.
        report: TapeReport,
    },
    /// It could not be written, or not to its end, or not be kept.
    Failed {
        /// What it is of.
        kind: TapeKind,
        /// Its name.
        name: String,
        /// It was being recorded.
        running: bool,
        /// What the operating system said.
        reason: String,
    },
}

impl TapeEvent {
    /// The mailbox, of a message.
    pub fn mailbox(&self) -> Option<&Arc<str>> {
        match self {
            TapeEvent::MessageBegan { mailbox }
            | TapeEvent::MessageLeft { mailbox, .. }
            | TapeEvent::MessageEmpty { mailbox }
            | TapeEvent::MessageDropped { mailbox }
            | TapeEvent::MessageHeard { mailbox, .. }
            | TapeEvent::MessageDeleted { mailbox, .. } => Some(mailbox),
            TapeEvent::RecordingBegan { .. }
            | TapeEvent::RecordingPaused { .. }
            | TapeEvent::RecordingEnded { .. }
            | TapeEvent::Failed { .. } => None,
        }
    }
}

/// A tape that is there to be listened to.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTape {
    /// What it is.
    pub tape: KeptTape,
    /// When it was first heard, RFC 3339.
    pub heard: Option<String>,
}

/// Which tapes are asked for: the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeQuery {
    /// Of which kind.
    pub kind: TapeKind,
    /// Of one mailbox.
    pub mailbox: Option<String>,
    /// Of one call.
    pub call: Option<String>,
    /// Those that were heard, or were not.
    pub heard: Option<bool>,
    /// Those with a smaller number: what [`TapePage::next`] says.
    pub before: Option<u64>,
    /// As many at most.
    pub limit: usize,
}

/// Some tapes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TapePage {
    /// The newest first.
    pub tapes: Vec<StoredTape>,
    /// Where the next page begins, when there is one.
    pub next: Option<u64>,
}
