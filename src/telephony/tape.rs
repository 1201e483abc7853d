//! Tapes: what is recorded of a leg, be it a message for a mailbox or a conversation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::PhoneNumber;

/// One tape. Numbered from the time of the start, in milliseconds, so that no two runs give one name twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TapeId(pub u64);

/// What a tape is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TapeKind {
    /// A message that a caller leaves.
    Message,
    /// A conversation, or a whole call.
    Conversation,
}

impl TapeKind {
    /// The name of a tape of this kind, as files and the API have it.
    pub fn name(self, tape: TapeId) -> String {
        let letter = match self {
            TapeKind::Message => 'm',
            TapeKind::Conversation => 'r',
        };
        format!("{letter}{}", tape.0)
    }

    /// The tape of a name, written as [`TapeKind::name`] writes it.
    pub fn tape(self, name: &str) -> Option<TapeId> {
        let tape = TapeId(name.get(1..)?.parse().ok()?);
        (self.name(tape) == name).then_some(tape)
    }

    /// The word for it in messages and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            TapeKind::Message => "message",
            TapeKind::Conversation => "recording",
        }
    }
}

/// Which sides of a leg are on a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sides {
    /// What the leg says.
    Caller,
    /// What the leg says and what it hears, in one channel.
    Mixed,
    /// What the leg says on the left, and what it hears on the right.
    Stereo,
}

impl Sides {
    /// Channels of the file.
    pub const fn channels(self) -> u16 {
        match self {
            Sides::Caller | Sides::Mixed => 1,
            Sides::Stereo => 2,
        }
    }
}

/// What is to be recorded of a leg, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct TapeOrder {
    /// Its name.
    pub tape: TapeId,
    /// What it is of.
    pub kind: TapeKind,
    /// A tone is heard before it begins.
    pub tone: bool,
    /// Which sides.
    pub sides: Sides,
    /// It ends when it is so long.
    pub longest: Duration,
    /// It ends when nothing was said for so long.
    pub silence: Option<Duration>,
    /// One that is shorter is no message.
    pub shortest: Duration,
    /// The folder in the data folder, such as `voicemail/support`.
    pub folder: Arc<str>,
    /// What is to be known of it later.
    pub label: TapeLabel,
}

/// What is known of a tape beside its audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeLabel {
    /// The mailbox, of a message.
    pub mailbox: Option<Arc<str>>,
    /// The call, by its name.
    pub call: String,
    /// Who called.
    pub caller: PhoneNumber,
    /// The name that their side sent.
    pub caller_name: Option<String>,
    /// What they had dialled.
    pub dialled: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// The language that the caller spoke with us.
    pub language: Arc<str>,
    /// To whom a message is mailed.
    pub mail: Vec<Arc<str>>,
}

/// A tape on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptTape {
    /// Its name: `m1766000000000`.
    pub name: String,
    /// What it is of.
    pub kind: TapeKind,
    /// The folder below the data folder.
    pub folder: Arc<str>,
    /// What is known of it.
    pub label: TapeLabel,
    /// Its length.
    pub length: Duration,
    /// The length of its file, in octets.
    pub octets: u64,
}

impl KeptTape {
    /// Its file below the data folder.
    pub fn file(&self) -> String {
        format!("{}/{}.wav", self.folder, self.name)
    }

    /// What stands beside it, below the data folder.
    pub fn beside(&self) -> String {
        format!("{}/{}.json", self.folder, self.name)
    }
}

/// Why a tape has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TapeEnd {
    /// It was told to.
    Told,
    /// Nothing was said for as long as is allowed.
    Silence,
    /// It is as long as is allowed.
    Longest,
    /// The leg's audio was closed.
    Closed,
}

impl TapeEnd {
    /// The word of a story for it.
    pub const fn word(self) -> &'static str {
        match self {
            TapeEnd::Told => "told",
            TapeEnd::Silence => "silence",
            TapeEnd::Longest => "longest",
            TapeEnd::Closed => "hung_up",
        }
    }
}

/// How a tape has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapeReport {
    /// Why.
    pub end: TapeEnd,
    /// Its length, the silence at its end left out where that has ended it.
    pub length: Duration,
    /// Nothing was said, or too little for a message.
    pub empty: bool,
    /// What is missing in it, because the disk was too slow: silence stands there.
    pub lost: Duration,
}

impl fmt::Display for TapeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tape {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for kind in [TapeKind::Message, TapeKind::Conversation] {
            assert_eq!(kind.tape(&kind.name(TapeId(17))), Some(TapeId(17)));
        }
        for wrong in ["", "m", "m017", "m+1", "17", "r17", "m17.wav", "m../x"] {
            assert_eq!(TapeKind::Message.tape(wrong), None, "{wrong}");
        }
    }
}
