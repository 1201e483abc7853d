//! One call in virtual time: a switchboard with everything around it that answers, plays and passes.

mod done;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::done::queue_before_words;
use super::cast::Cast;
use super::coverage::Walked;
use super::history;
use super::house::{Beginning, House, Wish};
use super::meter::Meter;
use super::phone;
use super::services::Services;
use super::tapes::Tape;
use super::told::{Told, What};
use crate::clock::{Calendar, Moment};
use crate::flow::call_test::{Change, Habit, History};
use crate::flow::{FlowIndex, QueueIndex, Session, StepIndex, Switch};
use crate::journal::StepName;
use crate::switchboard::{
    CallPlace, Input, Kept, MailboxOrder, OperatorCommand, Output, Revision, Settings, Switchboard,
};
use crate::telephony::{
    CallId, Caller, Cause, Codec, Digit, DigitSource, InbandDigits, LegId, MediaEvent, PlaybackId, SipEvent,
};

/// How long a caller takes from key to key.
pub const BETWEEN_KEYS: Duration = Duration::from_millis(200);

/// Calls at one time: callers who wait, and busy agents.
const CALLS_MAX: usize = 20_000;
/// RTP ports: two a call.
const PORTS: std::ops::RangeInclusive<u16> = 1_024..=65_535;

/// How the caller stands with queues and agents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Not at all.
    #[default]
    None,
    /// They wait, at this place.
    Waiting(CallPlace),
    /// They talk to this agent, from this place if a queue brought them together.
    Talking(Arc<str>, Option<CallPlace>),
}

/// A call, and the world around it.
pub struct Stage<'h> {
    pub(super) house: &'h House,
    pub(super) board: Switchboard,
    pub(super) now: Moment,
    pub(super) calendar: Calendar,
    pub(super) cast: Cast,
    from: String,
    /// How long the caller lets the phone ring when they are called back; `None`: until they are told to pick up.
    picks_up_after: Option<Duration>,
    /// The caller's leg, while they are on the line.
    line: Option<LegId>,
    /// Their call, also when it is over.
    call: Option<CallId>,
    /// The leg on which the caller's phone rings.
    ringing: Option<LegId>,
    /// The call in which they are being called back.
    called_back: Option<CallId>,
    standing: Standing,
    /// The place from which they are to be called back.
    owed: Option<CallPlace>,
    /// They have been called back.
    is_back: bool,
    /// The agent whose phone was last to ring for the caller, or whom a step has called.
    rang: Option<Arc<str>>,
    /// The call is recorded, or was.
    recorded: bool,
    /// The step in which the caller is.
    step: Option<StepName>,
    /// What is heard on each leg, ...
    playing: BTreeMap<LegId, (PlaybackId, Moment)>,
    /// ... by when it ends.
    ends: BTreeSet<(Moment, LegId)>,
    /// What is recorded of each leg.
    tapes: BTreeMap<LegId, Tape>,
    /// Since when the caller has heard and pressed nothing.
    quiet: Moment,
    legs: u64,
    told: Vec<Told>,
    pub(super) walked: Walked,
    meter: Option<Meter>,
    pub(super) services: Services,
}

impl<'h> Stage<'h> {
    /// A house in which nobody is yet, and in which queues' calls took so long of late; its time begins at `wall`, and random
    /// choices follow `seed`.
    pub fn new(house: &'h House, wall: Timestamp, seed: u64, handle_times: Vec<(QueueIndex, Duration)>) -> Stage<'h> {
        let history = History { handle_times, ..History::default() };
        let kept = history::kept(house.flows(), &history, "", &TimeZone::UTC);
        Stage::after(house, Arc::clone(house.revision()), wall, seed, &kept)
    }

    /// A house in which all this was before.
    pub(super) fn after(
        house: &'h House,
        revision: Arc<Revision>,
        wall: Timestamp,
        seed: u64,
        kept: &Kept,
    ) -> Stage<'h> {
        let settings = Settings {
            ports: PORTS,
            reactors: 1,
            calls_max: CALLS_MAX,
            codecs: vec![Codec::Pcmu],
            inband_digits: InbandDigits::Off,
            drain: Duration::from_secs(30),
            first_call: CallId(1),
            http_address: None,
        };
        let calendar = Calendar::starting_at(wall);
        let cast = Cast::of(&revision.flows);
        let random = fastrand::Rng::with_seed(seed);
        // Nothing is kept there that would have to be done at once: no agent, no place and no phone.
        let (board, _, _) = Switchboard::restored(Moment::ZERO, kept, settings, calendar, revision, random);
        Stage {
            board,
            house,
            now: Moment::ZERO,
            calendar,
            cast,
            from: String::new(),
            picks_up_after: None,
            rang: None,
            recorded: false,
            line: None,
            call: None,
            ringing: None,
            called_back: None,
            standing: Standing::None,
            owed: None,
            is_back: false,
            step: None,
            playing: BTreeMap::new(),
            tapes: BTreeMap::new(),
            ends: BTreeSet::new(),
            quiet: Moment::ZERO,
            legs: 0,
            told: Vec::new(),
            walked: Walked::default(),
            meter: None,
            services: Services::default(),
        }
    }

    /// The call comes in.
    pub fn dial(&mut self, caller: Caller, dialled: &str) {
        caller.number.reveal().clone_into(&mut self.from);
        self.legs += 1;
        let leg = LegId::inbound(self.legs);
        (self.line, self.call, self.recorded) = (Some(leg), None, false);
        (self.owed, self.is_back) = (None, false);
        self.tell(What::Dialled(dialled.to_owned()));
        let incoming = phone::incoming(leg, caller, dialled, None);
        self.give(Input::Sip(SipEvent::Incoming(Box::new(incoming))));
        self.quiet = self.now;
        self.give(Input::Sip(SipEvent::Confirmed { leg, answer: None }));
    }

    /// Another caller, who has this wish.
    fn other(&mut self, wish: &Wish) {
        let Some(number) = self.house.number_of(wish).map(str::to_owned) else { return };
        self.legs += 1;
        let leg = LegId::inbound(self.legs);
        // Numbers of a country that there is not, so that nobody else has them.
        let from = Caller::nameless(format!("+999{:08}", self.legs));
        self.give(Input::Sip(SipEvent::Incoming(Box::new(phone::incoming(leg, from, &number, None)))));
        self.give(Input::Sip(SipEvent::Confirmed { leg, answer: None }));
    }

    /// The caller presses a key. Tells whether anybody could hear it.
    pub fn press(&mut self, digit: Digit) -> bool {
        let Some(leg) = self.line else { return false };
        self.tell(What::Keyed(digit));
        self.quiet = self.now;
        self.give(Input::Media(MediaEvent::Digit { leg, digit, source: DigitSource::Rtp }));
        true
    }

    /// The caller hangs up, or does not wait to be called back.
    pub fn hang_up(&mut self) {
        let Some(leg) = self.line.take() else { return };
        self.tell(What::HangsUp);
        self.give(Input::Sip(SipEvent::Ended { leg, cause: Cause::RemoteHungUp }));
    }

    /// The caller picks up the phone that rings. Tells whether one does.
    pub fn pick_up(&mut self) -> bool {
        let Some(leg) = self.ringing.take() else { return false };
        (self.line, self.call, self.recorded) = (Some(leg), self.called_back.take(), false);
        self.is_back = true;
        self.tell(What::PicksUp);
        self.quiet = self.now;
        self.give(Input::Sip(SipEvent::Answered { leg, answer: phone::description(), local: phone::OURS }));
        true
    }

    /// The caller picks up by themselves when they are called back.
    pub fn picks_up_after(&mut self, length: Duration) {
        self.picks_up_after = Some(length);
    }

    /// From the next call on, `entry` begins in this language, and in this step if one is given.
    pub fn speak(&mut self, entry: FlowIndex, language: &Arc<str>, start: Option<StepIndex>) {
        let number = self.house.flows().numbers.iter().find(|(_, flow)| **flow == entry);
        let number = number.map(|(number, _)| number.clone()).unwrap_or_default();
        let beginning = Beginning { start, language: Some(language), values: &[] };
        let revision = self.house.adapted(&number, entry, &beginning);
        self.give(Input::Revision(revision));
    }

    /// The agent whose phone was last to ring for the caller.
    pub(super) fn rang(&self) -> Option<&Arc<str>> {
        self.rang.as_ref()
    }

    /// Something in the world changes.
    pub fn change(&mut self, change: &Change) {
        match change {
            Change::Agent(Some(agent), habits) => {
                if let Some(index) = self.cast.find(agent) {
                    self.behave(index, habits);
                }
            }
            Change::Agent(None, habits) => (0..self.cast.len()).for_each(|index| self.behave(index, habits)),
            Change::Waiting { queue, callers, skills, priority } => {
                let wish = Wish { queue: *queue, skills: skills.clone(), priority: *priority };
                (0..*callers).for_each(|_| self.other(&wish));
            }
            Change::Telephone(name, habits) => {
                if let Some(index) = self.cast.find(name) {
                    self.behave(index, habits);
                }
            }
            Change::Lookup(stub) => self.let_service_answer(stub.clone()),
            Change::Hours(name, open) => {
                let wall = self.wall();
                // Until the day ends, as when somebody switches them by the API.
                let until = self.house.flows().find_hours(name).map(|hours| hours.end_of_day(wall));
                let switch = open.zip(until).map(|(open, until)| Switch { open, until });
                self.operate(OperatorCommand::SwitchHours { name: name.clone(), switch });
            }
        }
    }

    /// So many callers wait for anybody in a queue.
    pub fn wait_in(&mut self, queue: QueueIndex, callers: u32) {
        self.change(&Change::Waiting { queue, callers, skills: Vec::new(), priority: 0 });
    }

    /// Every agent of whom nothing else was said is at work.
    pub fn all_others_work(&mut self) {
        for index in self.cast.undecided() {
            self.behave(index, &[Habit::Ready]);
        }
    }

    /// From now on it is another time of day.
    pub fn set_clock(&mut self, wall: Timestamp) {
        let elapsed = jiff::SignedDuration::try_from(self.now.since(Moment::ZERO)).unwrap_or_default();
        let Ok(origin) = wall.checked_sub(elapsed) else { return };
        self.calendar = Calendar::starting_at(origin);
        self.give(Input::Calendar(self.calendar));
    }

    /// The time of day.
    pub fn wall(&self) -> Timestamp {
        self.calendar.time_of(self.now)
    }

    /// The time that has passed.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Goes to the next thing that happens by itself, unless that is after `until`; whether there was one.
    pub fn advance(&mut self, until: Moment) -> bool {
        let heard = self.ends.first().copied();
        let (acts, answers) = (self.cast.due(), self.services.due());
        let spoken = self.tapes.iter().filter_map(|(leg, tape)| Some((tape.end()?, *leg)));
        let spoken = spoken.min_by_key(|((end, _), leg)| (*end, *leg)).map(|((end, why), leg)| (end, (why, leg)));
        let due = heard.map(|(end, _)| end).into_iter().chain(self.board.deadline()).chain(acts).chain(answers);
        let due = due.chain(spoken.map(|(end, _)| end)).min();
        let Some(due) = due.filter(|due| *due <= until) else { return false };
        self.now = self.now.max(due);
        if let Some((end, leg)) = heard.filter(|(end, _)| *end == due) {
            self.ends.remove(&(end, leg));
            let (playback, _) = self.playing.remove(&leg).expect("what ends was playing");
            if self.is_callers(leg) {
                self.quiet = self.now;
            }
            self.give(Input::Media(MediaEvent::PlaybackFinished { leg, playback }));
        } else if let Some((_, (why, leg))) = spoken.filter(|(end, _)| *end == due) {
            let now = self.now;
            let ended = self.tapes.get_mut(&leg).and_then(|tape| tape.finish(now, leg, why));
            ended.into_iter().for_each(|ended| self.give(Input::Media(ended)));
        } else if acts == Some(due) {
            self.act();
        } else if answers == Some(due) {
            self.answer();
        } else {
            let due = self.session().filter(|session| !session.is_queued());
            let due = due.filter(|session| session.deadline().is_some_and(|deadline| deadline <= self.now));
            if let Some(asked) = due.map(Session::awaits_keys) {
                let quiet = self.now.since(self.quiet);
                self.tell(if asked { What::Silence(quiet) } else { What::Quiet(quiet) });
                self.quiet = self.now;
            }
            self.give(Input::Expired);
        }
        true
    }

    /// Lets time pass.
    pub fn pass(&mut self, length: Duration) {
        let end = self.now + length;
        while self.advance(end) {}
        self.now = end;
    }

    /// Whether the caller is leaving a message.
    pub fn is_leaving_message(&self) -> bool {
        self.line.and_then(|leg| self.tapes.get(&leg)).is_some_and(Tape::runs)
    }

    /// The caller says no more of the message that they are leaving; whether they were.
    pub fn fall_silent_in_message(&mut self) -> bool {
        let (now, is_leaving) = (self.now, self.is_leaving_message());
        if let Some(tape) = self.line.filter(|_| is_leaving).and_then(|leg| self.tapes.get_mut(&leg)) {
            tape.fall_silent(now);
        }
        is_leaving
    }

    /// Lets happen what is due now.
    pub fn settle(&mut self) {
        while self.advance(self.now) {}
    }

    /// Whether the caller is on the line, or will be: they may be called back.
    pub fn is_over(&self) -> bool {
        self.line.is_none()
    }

    /// Whether their phone rings.
    pub fn rings(&self) -> bool {
        self.ringing.is_some()
    }

    /// Whether words are being said to the caller.
    pub fn is_speaking(&self) -> bool {
        self.line.is_some_and(|leg| self.playing.contains_key(&leg))
    }

    /// The caller's walk, while there is one.
    pub fn session(&self) -> Option<&Session> {
        self.board.session(self.line?)
    }

    /// How the caller stands with queues and agents.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whether the call is recorded, or was.
    pub(super) fn is_recorded(&self) -> bool {
        self.recorded
    }

    /// The step in which the caller is, or was last.
    pub fn step(&self) -> Option<&StepName> {
        self.step.as_ref()
    }

    /// All that has been told so far.
    pub fn told(&self) -> &[Told] {
        &self.told
    }

    /// What was told since the last time.
    pub fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// From now on metrics are counted; what was before is the beginning.
    pub(super) fn measure(&mut self) {
        self.meter = Some(Meter::start(&self.board.view(self.now)));
    }

    /// The meter, as everything stands now.
    pub(super) fn meter(&mut self) -> Option<&mut Meter> {
        let view = self.board.view(self.now);
        let meter = self.meter.as_mut()?;
        meter.stand(&view);
        Some(meter)
    }

    /// A leg to be named.
    pub(super) fn new_leg(&mut self) -> LegId {
        self.legs += 1;
        LegId::inbound(self.legs)
    }

    pub(super) fn operate(&mut self, command: OperatorCommand) {
        self.give(Input::Operator(command));
    }

    pub(super) fn tell(&mut self, what: What) {
        self.told.push(Told { at: self.now, what });
    }

    fn is_callers(&self, leg: LegId) -> bool {
        self.line == Some(leg)
    }

    /// Gives the switchboard an input, and does all that it wants.
    pub(super) fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let first = self.told.len();
            for output in self.board.handle(self.now, input) {
                match output {
                    Output::Journal(entry) => self.read(entry),
                    Output::Sip(command) => inputs.extend(self.signal(command)),
                    Output::Media { command, .. } => inputs.extend(self.hear(command)),
                    // Here all legs are in one place.
                    Output::HandOver { .. } => {}
                    Output::Ask(ask) => self.ask(*ask),
                    Output::CancelAsk { call, lookup } => self.services.forget(call, lookup),
                    // No message outlives a rehearsal.
                    Output::Mailbox(order) => inputs.extend(match *order {
                        MailboxOrder::List { call, .. } => Some(Input::Messages { call, messages: Some(Vec::new()) }),
                        MailboxOrder::Heard(_) | MailboxOrder::Delete(_) => None,
                    }),
                }
            }
            queue_before_words(&mut self.told[first..]);
            self.look();
        }
    }
}
