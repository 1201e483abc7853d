//! `queue`: the caller waits for an agent; what is said meanwhile, and what keys do.

use std::sync::Arc;
use std::time::Duration;

use super::exit::Exit;
use super::turn::Turn;
use super::way::Next;
use super::{Action, FlowNote, Session, State};
use crate::clock::Moment;
use crate::flow::{
    AgentSpec, Choice, FlowTarget, LanguageIndex, PromptId, QueueIndex, QueueSpec, QueueWish, SpokenAs, Target, Value,
};
use crate::telephony::{
    Digit, NUMBER_DIGITS_MAX as LONGEST_NUMBER, NUMBER_DIGITS_MIN as SHORTEST_NUMBER, PhoneNumber, is_number,
};

/// How long to wait between the keys of one choice, and of a number.
pub const BETWEEN_KEYS: Duration = Duration::from_secs(4);
/// How long to wait for an answer about being called back, before the caller goes on waiting.
pub const FIRST_KEY: Duration = Duration::from_secs(8);

/// Why a caller leaves a queue of their own accord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaveWhy {
    /// A key led to another step.
    ByKey,
    /// They hang up, and are called back when it is their turn.
    Callback {
        /// On this number: the caller's own, or one that they keyed: 3 to 15 digits.
        number: PhoneNumber,
    },
    /// They hung up.
    HungUp,
}

/// Why a caller's place in a queue is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unqueued {
    /// They have waited for too long.
    TimedOut,
    /// There was no room.
    Full,
    /// There is nobody to answer.
    NoAgents,
    /// Something broke.
    Failed,
}

/// What a waiting caller is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingTalk {
    /// Their place.
    pub place: Option<SpokenPlace>,
    /// How long it takes.
    pub wait: Option<SpokenWaitMinutes>,
    /// A comfort message, or thanks for waiting.
    pub comfort: bool,
    /// It comes between two announcements: what can be chosen is not told again.
    pub aside: bool,
}

/// A place in line, as it is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpokenPlace {
    /// "You are next."
    Next,
    /// "You are number ... in line", 2 to 10.
    Number(u8),
    /// "There are more than ten callers ahead of you."
    MoreThanTen,
}

/// How long it takes, as it is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpokenWaitMinutes {
    /// "About ... minutes", 1 to 20.
    Minutes(u16),
    /// "More than twenty minutes."
    MoreThanTwenty,
}

/// A caller in a queue.
pub(super) struct Waiting {
    queue: QueueIndex,
    at: At,
    /// A step led here, and what follows that comes after the conversation.
    led: bool,
    /// `MenuOpened` was said, and `MenuClosed` not yet.
    menu_open: bool,
    /// Comfort messages said so far.
    comforted: usize,
}

/// What a waiting caller hears and does. Keys are masked wherever this is printed.
enum At {
    /// Music.
    Music,
    /// A greeting or an announcement.
    Talk,
    /// Silence (music), between the keys of a choice.
    Choosing { keyed: Vec<Digit>, until: Moment },
    /// "We will call you back on ...": 1 for right, 2 for another number, star to keep waiting; `until` when it has been heard.
    Confirming { number: String, until: Option<Moment> },
    /// The number on which to call back; likewise.
    Entering { digits: String, until: Option<Moment> },
    /// An agent.
    Connected,
}

impl At {
    fn is_menu(&self) -> bool {
        matches!(self, At::Choosing { .. } | At::Confirming { .. } | At::Entering { .. })
    }
}

impl Waiting {
    pub(super) fn speaks(&self) -> bool {
        matches!(self.at, At::Talk | At::Confirming { until: None, .. } | At::Entering { until: None, .. })
    }

    pub(super) fn is_between_keys(&self) -> bool {
        match &self.at {
            At::Choosing { .. } => true,
            At::Entering { digits, .. } => !digits.is_empty(),
            At::Music | At::Talk | At::Confirming { .. } | At::Connected => false,
        }
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match &self.at {
            At::Choosing { until, .. } => Some(*until),
            At::Confirming { until, .. } | At::Entering { until, .. } => *until,
            At::Music | At::Talk | At::Connected => None,
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        matches!(self.at, At::Connected)
    }

    /// Tells the queue whether the caller is choosing.
    fn settle_menu(&mut self, turn: &mut Turn<'_>) {
        match (self.menu_open, self.at.is_menu()) {
            (false, true) => turn.actions.push(Action::MenuOpened),
            (true, false) => turn.actions.push(Action::MenuClosed),
            _ => {}
        }
        self.menu_open = self.at.is_menu();
    }

    pub(super) fn assert_consistent(&self) {
        assert_eq!(self.menu_open, self.at.is_menu(), "the queue knows whether the caller is choosing");
        assert_eq!(self.deadline().is_some(), self.at.is_menu() && !self.speaks(), "choosing has an end");
        match &self.at {
            At::Choosing { keyed, .. } => assert!(!keyed.is_empty(), "between keys after the first"),
            At::Entering { digits, .. } => assert!(digits.len() < LONGEST_NUMBER, "a long number is complete"),
            At::Confirming { number, .. } => assert!(is_number(number), "a number can be called"),
            At::Music | At::Talk | At::Connected => {}
        }
    }
}

// Keys and numbers stay out of logs.
impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = match &self.at {
            At::Music => "music",
            At::Talk => "talk",
            At::Choosing { .. } => "choosing",
            At::Confirming { .. } => "confirming a number",
            At::Entering { .. } => "entering a number",
            At::Connected => "connected",
        };
        write!(f, "Waiting in queue {} at {at}", self.queue.0)
    }
}

impl Session {
    /// Keys that were typed ahead were not meant for the wait: who is impatient would lose their place by them.
    pub(super) fn enter_queue(
        &mut self,
        turn: &mut Turn<'_>,
        queue: QueueIndex,
        (skills, priority): (&[Arc<str>], u8),
        wish: &QueueWish,
    ) -> Next {
        self.ahead.clear();
        let (skills, priority) = self.wished(turn, queue, (skills, priority), wish);
        let last_agent = self.known.last_agent.clone();
        let prefer = last_agent.and_then(|agent| Some((agent, wish.last_agent_for?)));
        turn.actions.push(Action::EnterQueue { queue, skills, priority, prefer });
        let mut words = Vec::new();
        self.add_phrase(turn, "phrases/queue/please_hold", &mut words);
        self.talk(turn, Waiting { queue, at: At::Music, led: self.inside, menu_open: false, comforted: 0 }, words)
    }

    /// The skills and the priority with which the caller asks for an agent. A value that is not known, or means nothing here,
    /// changes nothing: nobody waits for somebody whom there is not.
    pub(super) fn wished(
        &self,
        turn: &Turn<'_>,
        queue: QueueIndex,
        (skills, priority): (&[Arc<str>], u8),
        wish: &QueueWish,
    ) -> (Vec<Arc<str>>, u8) {
        let mut skills = skills.to_vec();
        for name in &wish.skills_of {
            let told = self.value(turn, name).and_then(|value| value.written());
            let skill = told.and_then(|told| turn.flows.skill_in(queue, told.trim()));
            skills.extend(skill.filter(|skill| !skills.contains(skill)));
        }
        skills.truncate(AgentSpec::MOST_SKILLS);
        let told = wish.priority_of.as_ref().and_then(|name| self.value(turn, name)?.whole_number());
        let priority = told.map_or(priority, |told| u8::try_from(told.clamp(0, 9)).unwrap_or(priority));
        (skills, priority)
    }

    /// The caller has a place already, and is on the line again.
    pub(super) fn take_place(&mut self, turn: &mut Turn<'_>, queue: QueueIndex, greet: bool) -> Next {
        let mut words = Vec::new();
        if greet {
            self.add_phrase(turn, "phrases/queue/calling_back", &mut words);
        }
        self.talk(turn, Waiting { queue, at: At::Music, led: false, menu_open: false, comforted: 0 }, words)
    }

    /// What comes while an agent talks, or while the caller is choosing, is not said.
    pub(super) fn announce(&mut self, turn: &mut Turn<'_>, talk: WaitingTalk) -> Next {
        self.while_waiting(turn, |session, turn, mut waiting| {
            if !matches!(waiting.at, At::Music | At::Talk) {
                return session.wait_on(turn, waiting);
            }
            let mut words = Vec::new();
            session.add_talk(turn, talk, &mut waiting, &mut words);
            if talk.aside {
                return session.talk(turn, waiting, words);
            }
            for choice in session.live_choices(turn, waiting.queue) {
                if let Some(speech) = &choice.speech {
                    let language = session.language_at_home(turn, waiting.queue);
                    session.add_speech_in(turn, speech, language, &mut words);
                }
            }
            session.talk(turn, waiting, words)
        })
    }

    pub(super) fn connect(&mut self, turn: &mut Turn<'_>) -> Next {
        self.while_waiting(turn, |session, turn, mut waiting| {
            session.steps = 0;
            waiting.at = At::Connected;
            session.wait_on(turn, waiting)
        })
    }

    pub(super) fn wait_again(&mut self, turn: &mut Turn<'_>) -> Next {
        self.while_waiting(turn, |session, turn, mut waiting| {
            if waiting.is_connected() {
                waiting.at = At::Music;
            }
            session.wait_on(turn, waiting)
        })
    }

    /// The conversation is over: on to the queue's survey, if it has one.
    pub(super) fn conversation_over(&mut self, turn: &mut Turn<'_>) -> Next {
        self.while_waiting(turn, |session, turn, waiting| match waiting.at {
            At::Connected => match turn.flows.queue(waiting.queue).survey {
                Some(survey) => session.go_over(turn, Exit::Answered, survey),
                None => Next::Leave { exit: Exit::Answered.name(), to: session.after_queue(turn, &waiting) },
            },
            _ => session.wait_on(turn, waiting),
        })
    }

    /// The agent has sent the caller into a queue. They were answered where they were, and wait at once: the agent has
    /// told them what comes.
    pub(super) fn sent_to_queue(&mut self, turn: &mut Turn<'_>, queue: QueueIndex) -> Next {
        if self.is_transferring() {
            self.leave(turn, Exit::Answered.name());
            let waiting = Waiting { queue, at: At::Music, led: true, menu_open: false, comforted: 0 };
            return self.wait_on(turn, waiting);
        }
        self.while_waiting(turn, |session, turn, waiting| {
            if !waiting.is_connected() {
                return session.wait_on(turn, waiting);
            }
            session.leave(turn, Exit::Answered.name());
            session.wait_on(turn, Waiting { queue, at: At::Music, ..waiting })
        })
    }

    /// What follows the step that led into the queue; nothing where none did.
    fn after_queue(&self, turn: &Turn<'_>, waiting: &Waiting) -> Option<Target> {
        if waiting.led { turn.flows.flow(self.flow).step(self.step).next } else { None }
    }

    /// The place is gone: on to where the queue says, else to what follows the step, else an apology and goodbye.
    pub(super) fn unqueued(&mut self, turn: &mut Turn<'_>, why: Unqueued) -> Next {
        self.while_waiting(turn, |session, turn, waiting| {
            close_menu(turn, waiting.menu_open);
            let queue = turn.flows.queue(waiting.queue);
            let (exit, target) = match why {
                Unqueued::TimedOut => (Exit::TimedOut, queue.too_long.1),
                Unqueued::Full => (Exit::Full, queue.full),
                Unqueued::NoAgents => (Exit::NoAgents, queue.no_agents),
                Unqueued::Failed => (Exit::Failed, None),
            };
            if let Some(target) = target {
                return session.go_over(turn, exit, target);
            }
            let to = session.after_queue(turn, &waiting);
            if to.is_some() || !session.returns.is_empty() {
                return Next::Leave { exit: exit.name(), to };
            }
            session.leave(turn, exit.name());
            let mut words = Vec::new();
            session.add_phrase(turn, "phrases/queue/nobody_available", &mut words);
            session.add_phrase(turn, "phrases/system/goodbye", &mut words);
            session.part(turn, words)
        })
    }

    pub(super) fn waiting_key(&mut self, turn: &mut Turn<'_>, mut waiting: Waiting, key: Digit) -> Next {
        match std::mem::replace(&mut waiting.at, At::Music) {
            At::Connected => waiting.at = At::Connected,
            At::Music | At::Talk => return self.weigh_waiting_choice(turn, waiting, Vec::new(), key),
            At::Choosing { keyed, .. } => return self.weigh_waiting_choice(turn, waiting, keyed, key),
            At::Confirming { number, until } => match key.numeral() {
                Some(1) => return self.promise_callback(turn, &waiting, PhoneNumber::new(number)),
                Some(2) => return self.ask_number(turn, waiting, &[]),
                None if key == Digit::STAR => {}
                _ => waiting.at = At::Confirming { number, until },
            },
            At::Entering { mut digits, .. } => {
                if key.numeral().is_some() {
                    digits.push(key.as_char());
                }
                if digits.len() == LONGEST_NUMBER || key == Digit::HASH && digits.len() >= SHORTEST_NUMBER {
                    return self.weigh_number(turn, waiting, digits);
                }
                if key != Digit::STAR {
                    waiting.at = At::Entering { digits, until: Some(turn.now + BETWEEN_KEYS) };
                }
            }
        }
        self.wait_on(turn, waiting)
    }

    pub(super) fn waiting_words_heard(&mut self, turn: &mut Turn<'_>, mut waiting: Waiting) -> Next {
        match &mut waiting.at {
            At::Talk => waiting.at = At::Music,
            At::Confirming { until, .. } | At::Entering { until, .. } => *until = Some(turn.now + FIRST_KEY),
            At::Music | At::Choosing { .. } | At::Connected => {}
        }
        self.wait_on(turn, waiting)
    }

    /// Silence: what was keyed counts if it can, and otherwise the caller goes on waiting.
    pub(super) fn waiting_time_is_up(&mut self, turn: &mut Turn<'_>, mut waiting: Waiting) -> Next {
        match std::mem::replace(&mut waiting.at, At::Music) {
            At::Choosing { keyed, .. } => {
                let chosen = self.live_choices(turn, waiting.queue).into_iter().find(|choice| choice.keys == keyed);
                match chosen {
                    Some(choice) => self.take_waiting_choice(turn, waiting, choice),
                    None => self.wait_on(turn, waiting),
                }
            }
            At::Entering { digits, .. } if digits.len() >= SHORTEST_NUMBER => self.weigh_number(turn, waiting, digits),
            _ => self.wait_on(turn, waiting),
        }
    }

    /// The caller has hung up.
    pub(super) fn abandon_queue(&self, turn: &mut Turn<'_>) {
        if let State::Waiting(waiting) = &self.state {
            close_menu(turn, waiting.menu_open);
            if !waiting.is_connected() {
                turn.actions.push(Action::LeaveQueue { why: LeaveWhy::HungUp });
            }
        }
    }

    /// A key that fits nothing loses nothing; it only cuts short what is said, as every key does.
    fn weigh_waiting_choice(
        &mut self,
        turn: &mut Turn<'_>,
        mut waiting: Waiting,
        mut keyed: Vec<Digit>,
        key: Digit,
    ) -> Next {
        keyed.push(key);
        let longer = self
            .live_choices(turn, waiting.queue)
            .iter()
            .any(|choice| choice.keys.len() > keyed.len() && choice.keys.starts_with(&keyed));
        if longer {
            waiting.at = At::Choosing { keyed, until: turn.now + BETWEEN_KEYS };
            return self.wait_on(turn, waiting);
        }
        let chosen = self.live_choices(turn, waiting.queue).into_iter().find(|choice| choice.keys == keyed);
        match chosen {
            Some(choice) => self.take_waiting_choice(turn, waiting, choice),
            None => {
                waiting.at = At::Music;
                self.wait_on(turn, waiting)
            }
        }
    }

    fn take_waiting_choice(&mut self, turn: &mut Turn<'_>, waiting: Waiting, choice: &Choice) -> Next {
        self.steps = 0;
        if choice.target == Target::Callback {
            let own = self.caller.number.reveal().to_owned();
            return match turn.flows.way_to(waiting.queue, &own) {
                Some(_) => self.ask_confirmation(turn, waiting, own),
                None => self.ask_number(turn, waiting, &[]),
            };
        }
        close_menu(turn, waiting.menu_open);
        turn.actions.push(Action::LeaveQueue { why: LeaveWhy::ByKey });
        let flow = turn.flows.queue(waiting.queue).home.unwrap_or(self.flow);
        self.go_over(turn, Exit::Choice(&choice.keys), FlowTarget { flow, target: choice.target })
    }

    /// A number that we may not call is told while the caller is still there.
    fn weigh_number(&mut self, turn: &mut Turn<'_>, waiting: Waiting, digits: String) -> Next {
        match turn.flows.way_to(waiting.queue, &digits) {
            Some(_) => self.ask_confirmation(turn, waiting, digits),
            None => self.ask_number(turn, waiting, &["phrases/queue/call_back_cannot"]),
        }
    }

    fn ask_number(&mut self, turn: &mut Turn<'_>, mut waiting: Waiting, before: &[&str]) -> Next {
        waiting.at = At::Entering { digits: String::new(), until: None };
        let mut words = Vec::new();
        for phrase in before.iter().chain(&["phrases/queue/call_back_enter"]) {
            self.add_phrase(turn, phrase, &mut words);
        }
        self.say_while_waiting(turn, waiting, words)
    }

    fn ask_confirmation(&mut self, turn: &mut Turn<'_>, mut waiting: Waiting, number: String) -> Next {
        let mut words = Vec::new();
        self.add_phrase(turn, "phrases/queue/call_back_number", &mut words);
        if !self.add_value(turn, &Value::Text(number.clone()), SpokenAs::Digits, true, &mut words) {
            turn.note(FlowNote::Unspeakable { flow: self.flow, step: self.step });
        }
        self.add_phrase(turn, "phrases/queue/call_back_confirm", &mut words);
        waiting.at = At::Confirming { number, until: None };
        self.say_while_waiting(turn, waiting, words)
    }

    fn promise_callback(&mut self, turn: &mut Turn<'_>, waiting: &Waiting, number: PhoneNumber) -> Next {
        close_menu(turn, waiting.menu_open);
        turn.actions.push(Action::LeaveQueue { why: LeaveWhy::Callback { number } });
        self.leave(turn, Exit::Callback.name());
        let mut words = Vec::new();
        self.add_phrase(turn, "phrases/queue/call_back_promised", &mut words);
        self.part(turn, words)
    }

    /// Leaves the step for a target that may lie in another flow; a flow that walked into this one is gone back to.
    fn go_over(&mut self, turn: &mut Turn<'_>, exit: Exit<'_>, to: FlowTarget) -> Next {
        self.leave(turn, exit.name());
        if let Target::Step(_) = to.target
            && to.flow != self.flow
        {
            self.turn_to(turn.flows, to.flow);
        }
        Next::Leave { exit: exit.name(), to: Some(to.target) }
    }

    /// A greeting or an announcement; nothing when there are no words.
    fn talk(&mut self, turn: &mut Turn<'_>, mut waiting: Waiting, words: Vec<PromptId>) -> Next {
        if !words.is_empty() {
            waiting.at = At::Talk;
            self.play(turn, words);
        }
        self.wait_on(turn, waiting)
    }

    /// Words of a question; without a recording of any it is asked in silence.
    fn say_while_waiting(&mut self, turn: &mut Turn<'_>, mut waiting: Waiting, words: Vec<PromptId>) -> Next {
        waiting.settle_menu(turn);
        if words.is_empty() {
            return self.waiting_words_heard(turn, waiting);
        }
        self.play(turn, words);
        self.wait_on(turn, waiting)
    }

    fn wait_on(&mut self, turn: &mut Turn<'_>, mut waiting: Waiting) -> Next {
        waiting.settle_menu(turn);
        self.state = State::Waiting(waiting);
        Next::Stay
    }

    /// Does `act` where the caller is in a queue; otherwise the input is out of place.
    fn while_waiting(
        &mut self,
        turn: &mut Turn<'_>,
        act: impl FnOnce(&mut Session, &mut Turn<'_>, Waiting) -> Next,
    ) -> Next {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Waiting(waiting) => act(self, turn, waiting),
            other => {
                self.state = other;
                Next::Stay
            }
        }
    }

    /// The place and the wait, as far as the language can say them; what it cannot is thanks for waiting.
    fn add_talk(&self, turn: &mut Turn<'_>, talk: WaitingTalk, waiting: &mut Waiting, words: &mut Vec<PromptId>) {
        let language = &turn.flows.flow(self.flow).languages[usize::from(self.language.0)];
        let mut comfort = talk.comfort;
        let mut mute = false;
        if let Some(place) = talk.place {
            let said = turn
                .flows
                .languages
                .place(language, place)
                .is_some_and(|phrases| self.add_phrases(turn, &phrases, words));
            comfort |= !said;
            mute |= !said;
        }
        if let Some(wait) = talk.wait {
            mute |= !turn
                .flows
                .languages
                .wait(language, wait)
                .is_some_and(|phrases| self.add_phrases(turn, &phrases, words));
        }
        if mute {
            turn.note(FlowNote::Unspeakable { flow: self.flow, step: self.step });
        }
        if comfort {
            self.add_comfort(turn, waiting, words);
        }
    }

    /// The queue's next message or, where it has none, thanks for waiting.
    fn add_comfort(&self, turn: &mut Turn<'_>, waiting: &mut Waiting, words: &mut Vec<PromptId>) {
        let messages = &turn.flows.queue(waiting.queue).comfort;
        let Some(message) = messages.get(waiting.comforted % messages.len().max(1)) else {
            return self.add_phrase(turn, "phrases/queue/thank_you_for_waiting", words);
        };
        waiting.comforted += 1;
        let language = self.language_at_home(turn, waiting.queue);
        self.add_speech_in(turn, message, language, words);
    }

    fn live_choices<'a>(&self, turn: &Turn<'a>, queue: QueueIndex) -> Vec<&'a Choice> {
        let choices = turn.flows.queue(queue).while_waiting.iter();
        // Nobody is offered a callback that cannot be made.
        let can = |choice: &Choice| choice.target != Target::Callback || turn.flows.calls_back(queue);
        choices.filter(|choice| can(choice) && self.is_live(turn, choice)).collect()
    }

    /// The language in which the queue's own words are said.
    fn language_at_home(&self, turn: &Turn<'_>, queue: QueueIndex) -> LanguageIndex {
        let home = turn.flows.queue(queue).home.unwrap_or(self.flow);
        super::way::language_in(turn.flows.flow(home), &self.tongue)
    }
}

fn close_menu(turn: &mut Turn<'_>, open: bool) {
    if open {
        turn.actions.push(Action::MenuClosed);
    }
}

/// The exits of a `queue` step besides those that all have in common.
pub(super) fn queue_exits<'a>(queue: &'a QueueSpec) -> impl Iterator<Item = Exit<'a>> {
    let choices = queue.while_waiting.iter().filter(|choice| choice.target != Target::Callback);
    let by_key = choices.map(|choice| Exit::Choice(&choice.keys));
    let fixed =
        [Exit::Answered, Exit::TimedOut, Exit::Full, Exit::NoAgents, Exit::Failed, Exit::Callback, Exit::CallerHungUp];
    by_key.chain(fixed)
}
