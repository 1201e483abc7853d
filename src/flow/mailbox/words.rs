//! What an agent is told of their messages, and in which recordings.

use jiff::Timestamp;

use crate::flow::speech::{Measured, Setting};
use crate::flow::{FlowSet, SpokenAs, Value, speech};
use crate::telephony::KeptTape;

/// One thing that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageTalk {
    /// "You have two new messages. You have one message that was heard before."
    Count {
        /// Those that nobody has heard.
        new: usize,
        /// The others.
        heard: usize,
    },
    /// "First message, from ...": whose it is, and when it was left.
    About {
        /// It is the first that is told.
        first: bool,
        /// Which.
        tape: Box<KeptTape>,
    },
    /// Which keys there are.
    Choices,
    /// Whether it is really to be deleted.
    Delete,
    /// It is.
    Deleted,
    /// It is not.
    Kept,
    /// It cannot be played.
    Unreadable,
    /// That was the last.
    NoMore,
    /// The list of messages cannot be read.
    Unavailable,
}

impl MessageTalk {
    /// The recordings in which it is said in `language` at `wall`, by their names; `exists` tells whether there is one.
    /// What a language has no rules for is left out.
    pub fn recordings(
        &self,
        flows: &FlowSet,
        language: &str,
        wall: Timestamp,
        exists: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let phrase = |name: &str| vec![format!("phrases/agent/{name}")];
        match self {
            MessageTalk::Count { new: 0, heard: 0 } => phrase("no_messages"),
            MessageTalk::Count { new, heard } => {
                let counted = |number: usize, what| match number {
                    0 => Vec::new(),
                    number => flows.languages.measured(language, number as u64, what).unwrap_or_default(),
                };
                [counted(*new, Measured::NewMessages), counted(*heard, Measured::HeardMessages)].concat()
            }
            MessageTalk::About { first, tape } => {
                let mut names = phrase(if *first { "first_message" } else { "next_message" });
                names.extend(caller(tape.label.caller.reveal(), &phrase, exists));
                names.extend(
                    left(flows, language, wall, tape)
                        .into_iter()
                        .flat_map(|time| [phrase("message_left"), time].concat()),
                );
                names
            }
            MessageTalk::Choices => phrase("message_choices"),
            MessageTalk::Delete => phrase("message_delete"),
            MessageTalk::Deleted => phrase("message_deleted"),
            MessageTalk::Kept => phrase("message_kept"),
            MessageTalk::Unreadable => phrase("message_unreadable"),
            MessageTalk::NoMore => phrase("no_more_messages"),
            MessageTalk::Unavailable => phrase("messages_unavailable"),
        }
    }
}

/// Whose message it is: an agent by the recording of their name, where there is one, and else the number.
fn caller(number: &str, phrase: &impl Fn(&str) -> Vec<String>, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let named = Some(agent_recording(number)).filter(|name| exists(name));
    let told = named.map_or_else(|| speech::digits_of(number), |name| vec![name]);
    if told.is_empty() { phrase("message_withheld") } else { [phrase("message_from"), told].concat() }
}

/// When a message was left, as it is told in the zone of the flow that took it.
fn left(flows: &FlowSet, language: &str, wall: Timestamp, tape: &KeptTape) -> Option<Vec<String>> {
    let started: Timestamp = tape.label.started.parse().ok()?;
    let time_zone = flows.zone_of_mailbox(tape.label.mailbox.as_deref()?);
    let setting = Setting { wall, time_zone: &time_zone, currency: None, near_days: true };
    let told = flows.languages.speak(language, &Value::Time(started), SpokenAs::DayTime, &setting)?;
    Some(told.names().map(|name| format!("phrases/{name}")).collect())
}

/// The recording of an agent's name.
pub(in crate::flow) fn agent_recording(extension: &str) -> String {
    format!("agents/{extension}")
}
