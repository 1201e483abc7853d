//! What happens to a caller, as it is told.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::flow::{Prompt, PromptId};
use crate::journal::StepName;
use crate::telephony::Digit;

/// Something that happens to the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// When.
    pub at: Moment,
    /// What.
    pub what: What,
}

/// What happens to a caller.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// They call this number.
    Dialled(String),
    /// Nobody answers it, for this status.
    Refused(u16),
    /// They come to a step.
    Entered(StepName),
    /// They leave it.
    Left(StepName, Arc<str>),
    /// They hear this.
    Said {
        /// The step in which they are; none before the first, and in a queue that no step led to.
        step: Option<StepName>,
        /// What.
        prompts: Vec<PromptId>,
    },
    /// Something cannot be spoken here and is left out.
    Unspeakable(StepName),
    /// The flow goes in circles here and is ended.
    RanAway(StepName),
    /// They press a key.
    Keyed(Digit),
    /// They have pressed nothing for so long.
    Silence(Duration),
    /// A web service is asked on their behalf: its connector, and what it will answer, if that is known.
    Asks(Arc<str>, Option<&'static str>),
    /// Nothing has been said for so long, while a web service is asked.
    Quiet(Duration),
    /// They wait in this queue.
    Queued(Arc<str>),
    /// They are told this place, 11 for "more than ten".
    Place(u32),
    /// They wait no longer: how that ended.
    Unqueued(Arc<str>, &'static str),
    /// They are to be called back, and keep the place that they had.
    Promised,
    /// They are to be called back, with a place in this queue.
    Booked(Arc<str>),
    /// The phone of this agent rings for them.
    Rings(Arc<str>),
    /// They answer this question of a survey so.
    Answers(Arc<str>, u8),
    /// They talk to this agent.
    Talks(Arc<str>),
    /// This agent hangs up.
    AgentHangsUp(Arc<str>),
    /// They are called back: their phone rings.
    CalledBack,
    /// It rings no more.
    RingsNoMore,
    /// They pick up.
    PicksUp,
    /// They hang up.
    HangsUp,
    /// The line hangs up.
    HungUpOn,
    /// The call is over, and was counted so.
    Over(&'static str),
}

/// What recordings say one after another, as it would be written; a recording without a text is told by its name.
pub fn sentence<'p>(prompts: impl Iterator<Item = &'p Prompt>) -> String {
    let mut written = String::new();
    for prompt in prompts {
        let named = format!("<{}>", prompt.name);
        let text = if prompt.text.is_empty() { named.as_str() } else { prompt.text.trim() };
        if begins_sentence(text) && written.ends_with(char::is_alphanumeric) {
            written.push('.');
        }
        if !written.is_empty() && !text.starts_with(['.', ',', '?', '!', ';', ':']) {
            written.push(' ');
        }
        written.push_str(text);
    }
    written
}

/// Whole sentences follow values that end without a full stop: "You entered one two. If that is right, press one."
fn begins_sentence(text: &str) -> bool {
    text.starts_with(char::is_uppercase) && text.ends_with(['.', '?', '!'])
}
