//! An agent hears the messages of their mailboxes by telephone: what they are told one after another, and what their keys
//! do. It knows no audio and no disk: whoever drives it plays what it says and tells what has come of it.

mod words;

use std::time::Duration;

use crate::clock::Moment;
use crate::telephony::{Digit, KeptTape};

pub use words::MessageTalk;
pub(super) use words::agent_recording;

/// As many new messages are told, and as many that were heard before.
pub const MESSAGES_MAX: usize = 200;
/// The list of messages, or a message, may take so long to be read.
const READ_MAX: Duration = Duration::from_secs(5);
/// So long a key is waited for.
const KEY: Duration = Duration::from_secs(8);
/// How often the choices are told when no key comes.
const TOLD_MAX: u8 = 2;

/// A message in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What and where it is.
    pub tape: KeptTape,
    /// Whether somebody has heard it.
    pub heard: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailboxAct {
    /// Say this, in place of whatever is heard.
    Say(Vec<MessageTalk>),
    /// Play this message, in place of whatever is heard.
    Play(Box<KeptTape>),
    /// It was heard.
    Heard(Box<KeptTape>),
    /// It is to be deleted.
    Delete(Box<KeptTape>),
    /// All is over: hang up.
    HangUp,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailboxInput {
    /// The messages, in the order in which they are told; `None`: they cannot be read.
    Listed(Option<Vec<Message>>),
    /// What was said or played has been heard to its end.
    Finished,
    /// The message is here and plays, or cannot be read.
    Read(bool),
    /// A key.
    Key(Digit),
    /// The deadline has come.
    Expired,
}

/// An agent who hears their messages.
#[derive(Debug)]
pub struct Listening {
    messages: Vec<Message>,
    /// The message that is told, or the number of those that were.
    at: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The messages are being looked for.
    Asking { until: Moment },
    /// They hear how many there are.
    Counting,
    /// They hear whose the message is.
    About,
    /// It is about to be played.
    Fetching { until: Moment },
    /// They hear it.
    Playing,
    /// They hear which keys there are; `until` when that was heard.
    Choosing { until: Option<Moment>, told: u8 },
    /// They are asked whether it is really to be deleted, likewise.
    Confirming { until: Option<Moment> },
    /// They hear the last words.
    Parting,
    /// All is over.
    Over,
}

type Acts = Vec<MailboxAct>;

impl Listening {
    /// Somebody who has just been answered at `now`: the messages are to be looked for.
    pub fn begin(now: Moment) -> Listening {
        Listening { messages: Vec::new(), at: 0, state: State::Asking { until: now + READ_MAX } }
    }

    /// When it acts by itself if nothing comes before.
    pub fn deadline(&self) -> Option<Moment> {
        match self.state {
            State::Asking { until } | State::Fetching { until } => Some(until),
            State::Choosing { until, .. } | State::Confirming { until } => until,
            State::Counting | State::About | State::Playing | State::Parting | State::Over => None,
        }
    }

    /// Takes an input at `now`.
    pub fn handle(&mut self, now: Moment, input: MailboxInput) -> Acts {
        match input {
            MailboxInput::Listed(messages) => self.listed(messages),
            MailboxInput::Finished => self.finished(now),
            MailboxInput::Read(plays) => self.read(plays),
            MailboxInput::Key(key) => self.key(now, key),
            MailboxInput::Expired if self.deadline().is_some_and(|deadline| deadline <= now) => self.expired(now),
            MailboxInput::Expired => Vec::new(),
        }
    }

    fn listed(&mut self, messages: Option<Vec<Message>>) -> Acts {
        if !matches!(self.state, State::Asking { .. }) {
            return Vec::new();
        }
        let Some(messages) = messages else { return self.part(MessageTalk::Unavailable) };
        let new = messages.iter().filter(|message| !message.heard).count();
        let count = MessageTalk::Count { new, heard: messages.len() - new };
        if messages.is_empty() {
            return self.part(count);
        }
        (self.messages, self.state) = (messages, State::Counting);
        say(vec![count])
    }

    fn finished(&mut self, now: Moment) -> Acts {
        match self.state {
            State::Counting => self.tell(Vec::new()),
            State::About => self.fetch(now),
            State::Playing => {
                let mut acts = self.heard();
                acts.extend(self.choose(0, Vec::new()));
                acts
            }
            State::Choosing { told, .. } => {
                self.state = State::Choosing { until: Some(now + KEY), told };
                Vec::new()
            }
            State::Confirming { .. } => {
                self.state = State::Confirming { until: Some(now + KEY) };
                Vec::new()
            }
            State::Parting => self.end(),
            State::Asking { .. } | State::Fetching { .. } | State::Over => Vec::new(),
        }
    }

    fn read(&mut self, plays: bool) -> Acts {
        match self.state {
            State::Fetching { .. } if plays => {
                self.state = State::Playing;
                Vec::new()
            }
            State::Fetching { .. } => self.choose(0, vec![MessageTalk::Unreadable]),
            _ => Vec::new(),
        }
    }

    fn expired(&mut self, now: Moment) -> Acts {
        match self.state {
            State::Asking { .. } => self.part(MessageTalk::Unavailable),
            State::Fetching { .. } => self.choose(0, vec![MessageTalk::Unreadable]),
            State::Choosing { told, .. } if told < TOLD_MAX => self.choose(told, Vec::new()),
            State::Choosing { .. } => self.end(),
            // What nobody confirms is not done.
            State::Confirming { .. } => self.choose(0, vec![MessageTalk::Kept]),
            _ => {
                debug_assert!(self.deadline().is_none_or(|deadline| now < deadline), "every deadline is acted on");
                Vec::new()
            }
        }
    }

    fn key(&mut self, now: Moment, key: Digit) -> Acts {
        if matches!(self.state, State::Asking { .. } | State::Over) {
            return if key == Digit::STAR { self.end() } else { Vec::new() };
        }
        let number = key.numeral();
        match (self.state, number) {
            _ if key == Digit::STAR => self.end(),
            (State::Parting, _) => Vec::new(),
            (State::Counting, Some(1 | 2)) => self.tell(Vec::new()),
            (State::Counting, _) if key == Digit::HASH => self.tell(Vec::new()),
            (State::Counting, _) => Vec::new(),
            (State::Confirming { .. }, Some(3)) => self.delete(),
            (State::Confirming { .. }, Some(1)) => self.choose(0, vec![MessageTalk::Kept]),
            (State::About, Some(1)) => self.tell(Vec::new()),
            (_, Some(1)) => {
                let mut acts = self.heard_if_played();
                acts.extend(self.fetch(now));
                acts
            }
            (_, Some(2)) => self.next(),
            (_, Some(3)) => {
                let mut acts = self.heard_if_played();
                self.state = State::Confirming { until: None };
                acts.extend(say(vec![MessageTalk::Delete]));
                acts
            }
            (State::About, _) if key == Digit::HASH => self.fetch(now),
            (State::Playing, _) if key == Digit::HASH => self.finished(now),
            (State::Fetching { .. } | State::Choosing { .. } | State::Confirming { .. }, _) if key == Digit::HASH => {
                self.next()
            }
            _ => Vec::new(),
        }
    }

    /// Tells whose the message is, or that there is none any more.
    fn tell(&mut self, before: Vec<MessageTalk>) -> Acts {
        let Some(message) = self.messages.get(self.at) else {
            self.state = State::Parting;
            return say(before.into_iter().chain([MessageTalk::NoMore]).collect());
        };
        self.state = State::About;
        let about = MessageTalk::About { first: self.at == 0, tape: Box::new(message.tape.clone()) };
        say(before.into_iter().chain([about]).collect())
    }

    fn fetch(&mut self, now: Moment) -> Acts {
        let Some(message) = self.messages.get(self.at) else { return self.end() };
        self.state = State::Fetching { until: now + READ_MAX };
        vec![MailboxAct::Play(Box::new(message.tape.clone()))]
    }

    fn next(&mut self) -> Acts {
        let mut acts = self.heard_if_played();
        self.at += 1;
        acts.extend(self.tell(Vec::new()));
        acts
    }

    fn delete(&mut self) -> Acts {
        let Some(message) = self.messages.get(self.at) else { return self.end() };
        let mut acts = vec![MailboxAct::Delete(Box::new(message.tape.clone()))];
        self.at += 1;
        acts.extend(self.tell(vec![MessageTalk::Deleted]));
        acts
    }

    /// Who presses a key while a message plays has heard what they wanted of it.
    fn heard_if_played(&mut self) -> Acts {
        if self.state == State::Playing { self.heard() } else { Vec::new() }
    }

    fn heard(&mut self) -> Acts {
        let message = self.messages.get_mut(self.at).filter(|message| !message.heard);
        message.map_or_else(Vec::new, |message| {
            message.heard = true;
            vec![MailboxAct::Heard(Box::new(message.tape.clone()))]
        })
    }

    fn choose(&mut self, told: u8, before: Vec<MessageTalk>) -> Acts {
        self.state = State::Choosing { until: None, told: told + 1 };
        say(before.into_iter().chain([MessageTalk::Choices]).collect())
    }

    fn part(&mut self, talk: MessageTalk) -> Acts {
        self.state = State::Parting;
        say(vec![talk])
    }

    fn end(&mut self) -> Acts {
        self.state = State::Over;
        vec![MailboxAct::HangUp]
    }
}

fn say(talks: Vec<MessageTalk>) -> Acts {
    vec![MailboxAct::Say(talks)]
}

#[cfg(test)]
mod tests;
