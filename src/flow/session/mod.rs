//! One caller's place in a flow: keys, finished playbacks and deadlines come in, what to play comes out.

mod asking;
mod callback;
mod collect;
mod consistency;
mod exit;
mod hang_up;
mod hours;
mod input;
mod language;
mod lookup;
mod menu;
mod output;
mod play;
mod queue;
mod record;
mod say;
mod set;
mod state;
mod sub_flow;
mod survey;
mod transfer;
mod turn;
mod voicemail;
mod way;
mod when;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

pub(in crate::flow) use self::exit::Exit;
pub use self::exit::exits;
pub use self::input::{CallFacts, SessionInput};
pub use self::lookup::{COMFORT_AFTER, COMFORT_AGAIN, LOOKUP_SPARE};
pub use self::output::{Action, FlowNote};
pub use self::queue::{LeaveWhy, SpokenPlace, SpokenWaitMinutes, Unqueued, WaitingTalk};

use self::lookup::WaysTaken;
use self::record::Agreed;
use self::state::State;
use self::transfer::Transferring;
use self::turn::Turn;
use self::way::{Next, Place, Return};
use super::{
    FlowIndex, FlowSet, KnownCaller, LanguageIndex, PromptId, QueueIndex, QueueStandings, QueueWish, StepIndex,
    StepKind, Switches, Value,
};
use crate::clock::Moment;
use crate::telephony::{Caller, Digit};

/// How many steps a flow may run without the caller's input: more is a circle that nobody gets out of.
pub const MOST_STEPS: u8 = 100;

/// How many keys are kept while nobody asks for them; later ones are dropped.
pub const MOST_KEYS_AHEAD: usize = 32;

/// How deep flows may walk into flows.
pub const DEEPEST_FLOW: usize = 16;

/// How many menus and questions `back` can go back.
pub const LONGEST_WAY_BACK: usize = 32;

/// One caller's place in a flow.
///
/// A session is told what happens to the call and answers with what to do. It is never stuck: until it has ended, it
/// either plays something, and awaits [`SessionInput::PlaybackFinished`], or waits for keys until [`Session::deadline`], or is
/// in a queue, of which it is told sooner or later.
pub struct Session {
    flows: Arc<FlowSet>,
    caller: Caller,
    dialled: String,
    flow: FlowIndex,
    step: StepIndex,
    /// A step was entered and not yet left.
    inside: bool,
    /// The language that the caller speaks, also while a flow that does not know it speaks another.
    tongue: Arc<str>,
    /// The one that is spoken now, in this flow's list.
    language: LanguageIndex,
    values: Vec<(Arc<str>, Value)>,
    /// What hours people have switched by hand.
    switches: Arc<Switches>,
    /// What is known of the caller from earlier calls.
    known: KnownCaller,
    /// How queues stand.
    standings: Arc<QueueStandings>,
    /// The flows that walked into this one, outermost first.
    returns: Vec<Return>,
    /// The menus and questions on the caller's way, the present one last.
    trail: Vec<Place>,
    /// Keys that were pressed before anybody asked.
    ahead: VecDeque<Digit>,
    /// The end key that may follow an answer which was complete without it.
    tail: Option<(Digit, Moment)>,
    /// Steps entered since the caller's last key was used.
    steps: u8,
    /// Whether the call is recorded, and who has said so.
    agreed: Agreed,
    /// Something is being played: `PlaybackFinished` or a key will come.
    playing: bool,
    /// Lookups so far: each has a name of its own.
    lookups: u32,
    /// How often ways out of lookups were taken.
    ways_taken: WaysTaken,
    /// The surveys that the caller was asked to answer: nobody is asked twice.
    surveyed: Vec<(FlowIndex, StepIndex)>,
    state: State,
}

impl Session {
    /// A session at the start of `entry`, which lies in `flows`.
    pub fn start(
        flows: Arc<FlowSet>,
        entry: FlowIndex,
        facts: CallFacts,
        now: Moment,
        wall: Timestamp,
    ) -> (Session, Vec<Action>) {
        let mut session = Session::resting(&flows, entry, facts);
        let mut turn = Turn::new(&flows, now, wall);
        let first = session.enter(&mut turn, flows.flow(entry).start);
        session.walk(&mut turn, first);
        (session, turn.actions)
    }

    /// A session of somebody who enters a queue without a step that leads there: it speaks the language of the queue's
    /// flow, and ends when the conversation is over, unless a choice or an exit of the queue leads into the flow.
    /// `flows` has a flow.
    pub fn start_in_queue(
        flows: Arc<FlowSet>,
        (queue, priority): (QueueIndex, u8),
        facts: CallFacts,
        now: Moment,
        wall: Timestamp,
    ) -> (Session, Vec<Action>) {
        let home = flows.queue(queue).home.unwrap_or(FlowIndex(0));
        let mut session = Session::resting(&flows, home, facts);
        let mut turn = Turn::new(&flows, now, wall);
        let first = session.enter_queue(&mut turn, queue, (&[], priority), &QueueWish::default());
        session.walk(&mut turn, first);
        (session, turn.actions)
    }

    /// A session of somebody whom we call back: they have a place in a queue. `tongue` is the language that they speak, and
    /// with `greet` they are told why we call; otherwise somebody waits for them.
    pub fn called_back(
        flows: Arc<FlowSet>,
        queue: QueueIndex,
        (tongue, greet): (&Arc<str>, bool),
        facts: CallFacts,
        now: Moment,
        wall: Timestamp,
    ) -> (Session, Vec<Action>) {
        let home = flows.queue(queue).home.unwrap_or(FlowIndex(0));
        let mut session = Session::resting(&flows, home, facts);
        session.tongue = tongue.clone();
        session.language = way::language_in(flows.flow(home), tongue);
        let mut turn = Turn::new(&flows, now, wall);
        let first = session.take_place(&mut turn, queue, greet);
        session.walk(&mut turn, first);
        (session, turn.actions)
    }

    /// A session that has not begun.
    fn resting(flows: &Arc<FlowSet>, entry: FlowIndex, facts: CallFacts) -> Session {
        let flow = flows.flow(entry);
        Session {
            flows: Arc::clone(flows),
            caller: facts.caller,
            dialled: facts.dialled,
            flow: entry,
            step: flow.start,
            inside: false,
            tongue: flow.languages[0].clone(),
            language: LanguageIndex(0),
            values: Vec::new(),
            switches: facts.switches,
            known: facts.known,
            standings: facts.standings,
            returns: Vec::new(),
            trail: Vec::new(),
            ahead: VecDeque::new(),
            tail: None,
            steps: 0,
            agreed: Agreed::Unasked,
            playing: false,
            lookups: 0,
            ways_taken: Vec::new(),
            surveyed: Vec::new(),
            state: State::Ended,
        }
    }

    /// Takes an input; `wall` is the time of day at `now`. What comes late or out of place changes nothing.
    pub fn handle(&mut self, now: Moment, wall: Timestamp, input: SessionInput) -> Vec<Action> {
        let flows = Arc::clone(&self.flows);
        let mut turn = Turn::new(&flows, now, wall);
        let next = match input {
            SessionInput::Digit(digit) => self.take_digit(&mut turn, digit),
            SessionInput::PlaybackFinished => self.playback_finished(&mut turn),
            SessionInput::Unheard => self.unheard(&mut turn),
            SessionInput::MessageEnded(report) => self.message_ended(&mut turn, report),
            SessionInput::MessageLost { kept } => self.message_lost(&mut turn, kept),
            SessionInput::MessageRead(plays) => self.message_read(&mut turn, plays),
            SessionInput::Expired => self.expire(&mut turn),
            SessionInput::Announce(talk) => self.announce(&mut turn, talk),
            SessionInput::Connected if self.is_transferring() => self.transferred(),
            SessionInput::Connected => self.connect(&mut turn),
            SessionInput::WaitsAgain => self.wait_again(&mut turn),
            SessionInput::Unqueued(why) => self.unqueued(&mut turn, why),
            SessionInput::Done if matches!(self.state, State::Transferring(Transferring::Connected)) => {
                self.transfer_over(&turn)
            }
            SessionInput::Done => self.conversation_over(&mut turn),
            SessionInput::CallbackBooked(booked) => self.callback_booked(&mut turn, booked),
            SessionInput::LookupAnswered { lookup, answer } => self.lookup_answered(&mut turn, lookup, answer),
            SessionInput::SentToQueue(queue) => self.sent_to_queue(&mut turn, queue),
            SessionInput::NotTransferred(why) => self.not_transferred(&mut turn, why),
        };
        self.walk(&mut turn, next);
        turn.actions
    }

    /// What was collected and set in this call, in that order, as an operator would write it; secrets are left out.
    pub fn values(&self) -> impl Iterator<Item = (&str, String)> {
        self.values.iter().filter_map(|(name, value)| Some((&**name, value.written()?)))
    }

    /// From now on these are what people have switched by hand.
    pub fn switch(&mut self, switches: Arc<Switches>) {
        self.switches = switches;
    }

    /// From now on queues stand so.
    pub fn see_queues(&mut self, standings: Arc<QueueStandings>) {
        self.standings = standings;
    }

    /// When to call with `Expired`, if nothing comes before: exactly while the session waits for keys in silence. A caller who
    /// waits in a queue, or talks with an agent, waits for neither: that wait is ended by the queue.
    pub fn deadline(&self) -> Option<Moment> {
        self.state.deadline()
    }

    /// The caller has hung up: the queue is left, and the last note said, if a step was still open.
    pub fn abandon(&mut self) -> Vec<Action> {
        let flows = Arc::clone(&self.flows);
        let mut turn = Turn::new(&flows, Moment::ZERO, Timestamp::UNIX_EPOCH);
        self.abandon_queue(&mut turn);
        self.abandon_lookup(&mut turn);
        self.abandon_survey(&mut turn);
        self.leave(&mut turn, Exit::CallerHungUp.name());
        self.state = State::Ended;
        self.playing = false;
        turn.actions
    }

    /// The caller goes elsewhere out of a conversation: the step that led there is left as after any other.
    pub fn let_go(&mut self) -> Vec<Action> {
        let flows = Arc::clone(&self.flows);
        let mut turn = Turn::new(&flows, Moment::ZERO, Timestamp::UNIX_EPOCH);
        self.leave(&mut turn, Exit::Answered.name());
        self.state = State::Ended;
        self.playing = false;
        turn.actions
    }

    /// The caller gives their place here to somebody else, who is told of by [`Session::change_caller`]: what they were asked
    /// has an end, and what was asked for them is wanted no more.
    pub fn give_way(&self) -> Vec<Action> {
        let mut turn = Turn::new(&self.flows, Moment::ZERO, Timestamp::UNIX_EPOCH);
        self.abandon_lookup(&mut turn);
        self.abandon_survey(&mut turn);
        turn.actions
    }

    /// Somebody else stands where the caller stood from here on. What the one before has agreed to, or keyed ahead, is not theirs;
    /// and what is done for one caller only begins again for them: a message, a question of consent, the number on which to be
    /// called back, and what a web service is asked. `None` where nothing does.
    pub fn change_caller(
        &mut self,
        now: Moment,
        wall: Timestamp,
        (caller, known): (Caller, KnownCaller),
    ) -> Option<Vec<Action>> {
        (self.caller, self.known) = (caller, known);
        self.agreed = Agreed::Unasked;
        self.ahead.clear();
        let begins_again = matches!(self.state, State::Leaving(_) | State::Consenting(_) | State::Arranging(_));
        if !begins_again && !self.is_looking_up() {
            return None;
        }
        let flows = Arc::clone(&self.flows);
        let mut turn = Turn::new(&flows, now, wall);
        self.state = State::Ended;
        self.playing = false;
        let next = self.begin(&mut turn);
        self.walk(&mut turn, next);
        Some(turn.actions)
    }

    /// Whether a menu or a question awaits the caller's keys, be it while it is still being spoken, or a queue takes them.
    pub fn awaits_keys(&self) -> bool {
        self.state.awaits_keys()
    }

    /// Whether something comes by itself while keys are awaited: keys that decide nothing yet count when no more come, and a
    /// message ends with its words.
    pub fn goes_on_by_itself(&self) -> bool {
        self.state.goes_on_by_itself()
    }

    /// Whether somebody else is rung for the caller, or talks to them, whom no queue gave.
    pub fn is_transferring(&self) -> bool {
        matches!(self.state, State::Transferring(_))
    }

    /// Whether the caller waits in a queue, or talks with the agent to whom it led.
    pub fn is_queued(&self) -> bool {
        matches!(self.state, State::Waiting(_))
    }

    /// Whether a web service is being asked.
    pub fn is_looking_up(&self) -> bool {
        matches!(&self.state, State::LookingUp(looking) if looking.awaited().is_some())
    }

    /// Whether the session has ended: nothing comes from it any more.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Where the caller is, or was last.
    pub fn place(&self) -> (FlowIndex, StepIndex) {
        (self.flow, self.step)
    }

    /// The language that is spoken now.
    pub fn language(&self) -> &Arc<str> {
        &self.flows.flow(self.flow).languages[usize::from(self.language.0)]
    }

    fn take_digit(&mut self, turn: &mut Turn<'_>, digit: Digit) -> Next {
        if let Some((end_key, until)) = self.tail.take()
            && end_key == digit
            && turn.now <= until
        {
            return Next::Stay;
        }
        if matches!(self.state, State::Parting | State::Ended) {
            return Next::Stay;
        }
        if self.is_transferring() {
            return Next::Stay;
        }
        let takes_each =
            matches!(self.state, State::Waiting(_) | State::Arranging(_) | State::Leaving(_) | State::Consenting(_));
        if !takes_each && self.ahead.len() < MOST_KEYS_AHEAD {
            self.ahead.push_back(digit);
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Speaking { must_hear: false } => self.follow(turn),
            State::Asking(asking) => self.consider(turn, asking),
            State::Waiting(waiting) => self.waiting_key(turn, waiting, digit),
            State::Arranging(arranging) => self.arranging_key(turn, arranging, digit),
            State::Leaving(leaving) => self.message_key(turn, leaving, digit),
            State::Consenting(consenting) => self.consent_key(turn, consenting, digit),
            State::LookingUp(looking) => self.looking_up_key(turn, looking),
            State::Surveying(surveying) => self.consider_score(turn, surveying),
            heard_to_the_end => {
                self.state = heard_to_the_end;
                Next::Stay
            }
        }
    }

    fn playback_finished(&mut self, turn: &mut Turn<'_>) -> Next {
        if !std::mem::take(&mut self.playing) {
            return Next::Stay;
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Speaking { .. } => self.follow(turn),
            State::Asking(asking) => self.words_heard(turn, asking),
            State::Waiting(waiting) => self.waiting_words_heard(turn, waiting),
            State::Arranging(arranging) => self.arranging_words_heard(turn, arranging),
            State::Leaving(leaving) => self.message_words_heard(turn, leaving),
            State::Consenting(consenting) => self.consent_words_heard(turn, consenting),
            State::Transferring(Transferring::Speaking) => {
                self.state = State::Transferring(Transferring::Holding);
                Next::Stay
            }
            State::LookingUp(looking) => self.looking_up_words_heard(turn, looking),
            State::Surveying(surveying) => self.survey_words_heard(turn, surveying),
            State::Parting => {
                self.end(turn);
                Next::Stay
            }
            other @ (State::Transferring(_) | State::Ended) => {
                self.state = other;
                Next::Stay
            }
        }
    }

    /// Nothing was played: as if it had been heard, but where every word counts.
    fn unheard(&mut self, turn: &mut Turn<'_>) -> Next {
        if !self.playing || !matches!(self.state, State::Consenting(_)) {
            return self.playback_finished(turn);
        }
        self.playing = false;
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Consenting(consenting) => self.consent_unheard(turn, consenting),
            other => {
                self.state = other;
                Next::Stay
            }
        }
    }

    fn expire(&mut self, turn: &mut Turn<'_>) -> Next {
        if self.deadline().is_none_or(|deadline| turn.now < deadline) {
            return Next::Stay;
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Asking(asking) => self.time_is_up(turn, asking),
            State::Waiting(waiting) => self.waiting_time_is_up(turn, waiting),
            State::Arranging(arranging) => self.arranging_time_is_up(turn, arranging),
            State::Leaving(leaving) => self.message_time_is_up(turn, leaving),
            State::Consenting(consenting) => self.consent_time_is_up(turn, consenting),
            State::LookingUp(looking) => self.looking_up_time_is_up(turn, looking),
            State::Surveying(surveying) => self.survey_time_is_up(turn, surveying),
            other => {
                self.state = other;
                Next::Stay
            }
        }
    }

    /// Goes from step to step until one waits for something.
    fn walk(&mut self, turn: &mut Turn<'_>, mut next: Next) {
        while let Next::Leave { exit, to } = next {
            self.leave(turn, exit);
            next = match self.destination(turn.flows, to) {
                Some(step) => self.enter(turn, step),
                None => self.say_goodbye(turn),
            };
        }
        if self.playing && !self.state.speaks() {
            self.playing = false;
            turn.actions.push(Action::StopPlaying);
        }
    }

    fn enter(&mut self, turn: &mut Turn<'_>, index: StepIndex) -> Next {
        if self.steps >= MOST_STEPS {
            return self.run_away(turn);
        }
        self.steps += 1;
        self.step = index;
        self.inside = true;
        turn.note(FlowNote::StepEntered { flow: self.flow, step: index });
        self.begin(turn)
    }

    /// What the step in which the caller is begins with.
    fn begin(&mut self, turn: &mut Turn<'_>) -> Next {
        match &turn.flows.flow(self.flow).step(self.step).kind {
            StepKind::Say { speech, must_hear } => self.enter_say(turn, speech, *must_hear),
            StepKind::Play { speech, must_hear } => self.enter_play(turn, speech, *must_hear),
            StepKind::Menu(_) => self.enter_menu(turn),
            StepKind::Collect(_) => self.enter_collect(turn),
            StepKind::Set(values) => self.enter_set(turn, values),
            StepKind::When { condition, then, otherwise } => self.enter_when(turn, condition, *then, *otherwise),
            StepKind::Hours { hours, open, closed } => self.enter_hours(turn, *hours, *open, *closed),
            StepKind::Lookup(spec) => self.enter_lookup(turn, spec),
            StepKind::Language(language) => self.enter_language(turn, *language),
            StepKind::Flow(flow) => self.enter_flow(turn, *flow),
            StepKind::Queue { queue, skills, priority, wish } => {
                self.enter_queue(turn, *queue, (skills, *priority), wish)
            }
            StepKind::Callback { queue, .. } => self.enter_callback(turn, *queue),
            StepKind::Voicemail(_) => self.enter_voicemail(turn),
            StepKind::Record(record) => self.enter_record(turn, record),
            StepKind::Transfer(spec) => self.enter_transfer(turn, spec),
            StepKind::Survey(_) => self.enter_survey(turn),
            StepKind::HangUp { speech } => self.enter_hang_up(turn, speech.as_ref()),
        }
    }

    fn leave(&mut self, turn: &mut Turn<'_>, exit: Arc<str>) {
        if std::mem::take(&mut self.inside) {
            turn.note(FlowNote::StepLeft { flow: self.flow, step: self.step, exit });
        }
    }

    /// On to what follows the present step.
    fn follow(&mut self, turn: &Turn<'_>) -> Next {
        let to = turn.flows.flow(self.flow).step(self.step).next;
        Next::Leave { exit: Exit::Next.name(), to }
    }

    fn play(&mut self, turn: &mut Turn<'_>, words: Vec<PromptId>) {
        self.playing = true;
        turn.actions.push(Action::Play(words));
    }
}

// Values and keys stay out of logs; the rest tells where the caller is.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("flow", &self.flow)
            .field("step", &self.step)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
