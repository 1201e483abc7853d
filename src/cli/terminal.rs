//! A telephone made of text: what a caller would hear, line by line, in a time that jumps.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Zoned};

use super::hours::time_meant;
use super::waiting_room::{MOST_AHEAD, Told, WaitingRoom};
use crate::clock::{Calendar, Moment};
use crate::flow::document::diagnostic::listed;
use crate::flow::{
    Action, CallFacts, ConnectorIndex, FlowIndex, FlowNote, FlowSet, LeaveWhy, LookupAnswer, LookupFailure,
    LookupRequest, Prompt, PromptId, QueueIndex, Session, SessionInput, StepIndex, Untransferred,
};
use crate::telephony::Digit;

/// How long a caller takes from key to key.
const BETWEEN_KEYS: Duration = Duration::from_millis(200);

/// How long a word takes that has no recording to measure.
const ONE_WORD: Duration = Duration::from_millis(400);

/// The longest time that can be jumped over: a day would be a hundred thousand reminders.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// What the lines mean.
const HELP: &str = "  12#              press these keys, one after another
  (empty line)     wait until something happens
  :wait 3m         wait that long
  :time mon 18:05  set the clock: a day, a date or nothing, and a time
  :agents 0        so many agents work; everybody does at first
  :ahead 3         so many callers enter the next queue just before you
  :lookup orders {\"status\": \"sent\"}
                   what the web service of this connector answers from now on; also `not_found` or `failed`
  :transfer busy   what becomes of a telephone that rings for you: answered, busy, no_answer or failed;
                   `over` ends the conversation
  :hangup          hang up
  :quit            hang up and leave
  :help            this list
";

/// How the transcript looks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    /// Dim what is not heard.
    pub(super) colour: bool,
    /// Tell every step.
    pub(super) verbose: bool,
}

/// A line that a telephone cannot follow.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misunderstood {
    /// No key of a telephone.
    #[error("`{0}` is no key: press 0 to 9, * and #, or type :help")]
    Key(char),
    /// Nothing that could become of a transfer now.
    #[error("{0}")]
    Transfer(&'static str),
    /// No command.
    #[error("there is no `:{0}`: type :help to see what there is")]
    Command(String),
    /// No length of time.
    #[error("`{0}` is no time to wait: write it like 20s, 3m or 1h30m, up to 24h")]
    Wait(String),
    /// No time of day.
    #[error("`{0}` is no time: write it like 18:05, mon 18:05 or 2026-12-24 18:05")]
    Time(String),
    /// No connector, or no answer that it could give.
    #[error("{0}")]
    Lookup(String),
    /// No number of agents or callers.
    #[error("`{0}` is no number from 0 to {MOST_AHEAD}")]
    Number(String),
}

/// How long a recording is; nothing when there is none.
pub(super) type Recordings<'a> = &'a dyn Fn(&Prompt) -> Option<Duration>;

/// One call, from the caller's side.
pub(super) struct Telephone<'a> {
    flows: Arc<FlowSet>,
    recordings: Recordings<'a>,
    look: Look,
    session: Session,
    now: Moment,
    calendar: Calendar,
    zone: jiff::tz::TimeZone,
    /// When what is playing ends.
    playing: Option<Moment>,
    room: WaitingRoom,
    facts: CallFacts,
    /// What web services answer, by connector.
    answers: BTreeMap<String, LookupAnswer>,
    /// What is asked and not answered yet.
    asked: Option<(u32, ConnectorIndex)>,
    /// A telephone rings for the caller, at the longest until then.
    rings_until: Option<Moment>,
    explained: bool,
    printed: String,
}

impl<'a> Telephone<'a> {
    /// Calls `entry` at `wall`, and listens until the first menu.
    pub(super) fn dial(
        flows: Arc<FlowSet>,
        entry: FlowIndex,
        facts: CallFacts,
        wall: Timestamp,
        look: Look,
        recordings: Recordings<'a>,
    ) -> Telephone<'a> {
        let zone = flows.flow(entry).time_zone.clone();
        let (session, actions) = Session::start(Arc::clone(&flows), entry, facts.clone(), Moment::ZERO, wall);
        let room = WaitingRoom::open(&flows);
        let mut telephone = Telephone {
            flows,
            recordings,
            look,
            session,
            now: Moment::ZERO,
            calendar: Calendar::starting_at(wall),
            zone,
            playing: None,
            room,
            facts,
            answers: BTreeMap::new(),
            asked: None,
            rings_until: None,
            explained: false,
            printed: String::new(),
        };
        telephone.perform(actions);
        telephone.hear_of_queue();
        telephone.listen();
        telephone
    }

    /// Does what a line says.
    ///
    /// # Errors
    /// When it cannot be understood; nothing was done then.
    pub(super) fn take_line(&mut self, line: &str) -> Result<(), Misunderstood> {
        let line = line.trim();
        if let Some(command) = line.strip_prefix(':') {
            return self.command(command);
        }
        if line.is_empty() {
            self.wait_for_something();
            return Ok(());
        }
        let typed = line.chars().filter(|character| !matches!(character, ' ' | ',' | '-'));
        let keys = typed.map(|character| Digit::from_char(character).map_err(|_| Misunderstood::Key(character)));
        let before = self.printed.len();
        for key in keys.collect::<Result<Vec<_>, _>>()? {
            self.input(SessionInput::Digit(key));
            self.pass(BETWEEN_KEYS);
        }
        self.listen();
        if self.printed.len() == before && !self.is_over() {
            let silent = self.playing.is_none();
            self.aside(if self.session.has_ended() {
                "You have hung up; Enter waits for your telephone to ring."
            } else if self.session.is_queued() && self.session.deadline().is_none() {
                "That key means nothing here; you keep your place."
            } else if silent {
                "Silence: more keys can come."
            } else {
                "These words must be heard; the keys are kept."
            });
        }
        Ok(())
    }

    /// Whether the call is over.
    pub(super) fn is_over(&self) -> bool {
        self.session.has_ended() && !self.room.owes_a_call()
    }

    /// What was printed since the last time.
    pub(super) fn take_printed(&mut self) -> String {
        std::mem::take(&mut self.printed)
    }

    /// Hangs up, as a caller does.
    pub(super) fn hang_up(&mut self) {
        self.room.forget_call();
        if !self.is_over() {
            let actions = self.session.abandon();
            self.perform(actions);
            self.aside("You hang up.");
        }
    }

    /// The time of day on the line.
    pub(super) fn clock(&self) -> Zoned {
        self.calendar.time_of(self.now).to_zoned(self.zone.clone())
    }

    fn command(&mut self, command: &str) -> Result<(), Misunderstood> {
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        match name {
            "wait" => {
                let length: SignedDuration = rest.parse().map_err(|_| Misunderstood::Wait(rest.to_owned()))?;
                let fits = length.is_positive() && length <= LONGEST_WAIT;
                let length = Duration::try_from(length).ok().filter(|_| fits);
                self.pass(length.ok_or_else(|| Misunderstood::Wait(rest.to_owned()))?);
                self.listen();
            }
            "time" => {
                let time = time_meant(&self.clock(), rest).ok_or_else(|| Misunderstood::Time(rest.to_owned()))?;
                let elapsed = SignedDuration::try_from(self.now.since(Moment::ZERO)).unwrap_or_default();
                let origin = time.timestamp().checked_sub(elapsed);
                self.calendar = Calendar::starting_at(origin.map_err(|_| Misunderstood::Time(rest.to_owned()))?);
                let told = self.clock().strftime("It is %A, %-d %B %Y, %H:%M.").to_string();
                self.aside(&told);
            }
            "hangup" | "quit" | "q" => self.hang_up(),
            "help" => self.printed.push_str(HELP),
            "agents" => {
                let count = self.room.set_agents(self.now, number(rest)?.try_into().unwrap_or(usize::MAX));
                self.aside(&format!("{count} {} at work.", if count == 1 { "agent is" } else { "agents are" }));
                self.hear_of_queue();
            }
            "lookup" => self.set_answer(rest)?,
            "transfer" => self.transferred(rest)?,
            "ahead" => {
                let count = number(rest)?;
                self.room.set_ahead(count);
                self.aside(&format!("{count} will enter the next queue just before you."));
            }
            other => return Err(Misunderstood::Command(other.to_owned())),
        }
        Ok(())
    }

    /// Lets everything be heard that comes before the caller is asked for keys.
    fn listen(&mut self) {
        while let Some(until) = self.playing
            && !self.session.awaits_keys()
        {
            self.now = self.now.max(until);
            self.finish_playing();
        }
    }

    fn wait_for_something(&mut self) {
        let before = self.printed.len();
        while !self.is_over() && self.printed.len() == before && self.next_event() {}
        self.listen();
    }

    /// Goes to the next thing that happens by itself; whether there is one.
    fn next_event(&mut self) -> bool {
        let due = self.playing.or(self.session.deadline());
        // Of a caller who is in no queue nothing is heard of the queues.
        if let Some(queue) = self.room.deadline()
            && due.is_none_or(|due| queue <= due)
            && self.hears_of_queues()
        {
            self.now = self.now.max(queue);
            self.room.expire(self.now);
            self.hear_of_queue();
            return true;
        }
        if let Some(until) = self.playing {
            self.now = self.now.max(until);
            self.finish_playing();
            return true;
        }
        if let Some(until) = self.rings_until {
            self.now = self.now.max(until);
            self.aside("Nobody answers.");
            self.end_ringing(SessionInput::NotTransferred(Untransferred::NoAnswer));
            return true;
        }
        let Some(deadline) = self.session.deadline() else { return false };
        let silence = deadline - self.now;
        self.now = deadline;
        let what = if self.session.is_looking_up() { "Silence for" } else { "Nothing is pressed for" };
        let told = format!("{what} {}.", seconds(silence));
        self.aside(&told);
        self.input(SessionInput::Expired);
        true
    }

    fn pass(&mut self, length: Duration) {
        let end = self.now + length;
        while let Some(due) = self.next_due()
            && due <= end
        {
            self.next_event();
        }
        self.now = end;
    }

    /// When something happens by itself.
    fn next_due(&self) -> Option<Moment> {
        let queue = self.room.deadline().filter(|_| self.hears_of_queues());
        self.playing.or(self.session.deadline()).or(self.rings_until).into_iter().chain(queue).min()
    }

    /// Whether something that happens in queues can reach the caller.
    fn hears_of_queues(&self) -> bool {
        self.session.is_queued() || self.session.has_ended() && self.room.owes_a_call()
    }

    /// The caller picks up: Helpline calls them back.
    fn pick_up(&mut self, queue: QueueIndex, greet: bool) {
        let (tongue, wall) = (self.session.tongue().clone(), self.calendar.time_of(self.now));
        let flows = Arc::clone(&self.flows);
        let facts = self.facts.clone();
        let (session, actions) = Session::called_back(flows, queue, (&tongue, greet), facts, self.now, wall);
        self.session = session;
        self.aside("You pick up.");
        self.perform(actions);
    }

    /// Tells what has come of the queues.
    fn hear_of_queue(&mut self) {
        loop {
            let told = self.room.take_told();
            if told.is_empty() {
                return;
            }
            for told in told {
                match told {
                    Told::Reader(text) => self.aside(&text),
                    Told::Session(input) => self.input(input),
                    Told::CalledBack { queue, greet } => self.pick_up(queue, greet),
                }
            }
        }
    }

    fn finish_playing(&mut self) {
        self.playing = None;
        self.room.words_over(self.now);
        self.input(SessionInput::PlaybackFinished);
    }

    fn input(&mut self, input: SessionInput) {
        let wall = self.calendar.time_of(self.now);
        let actions = self.session.handle(self.now, wall, input);
        self.perform(actions);
        self.hear_of_queue();
    }

    fn perform(&mut self, actions: Vec<Action>) {
        let mut booked = None;
        let mut answered = None;
        for action in actions {
            match action {
                Action::Play(prompts) => self.hear(&prompts),
                Action::StopPlaying => {
                    self.playing = None;
                    self.room.words_over(self.now);
                }
                Action::HangUp => {
                    self.playing = None;
                    self.aside("Helpline hangs up.");
                }
                Action::Note(note) => self.note(&note),
                Action::EnterQueue { queue, skills, priority, .. } => {
                    let told = format!("You wait in the queue {}.", self.flows.queue(queue).name);
                    self.aside(&told);
                    self.room.enter(self.now, queue, &skills, priority);
                }
                Action::LeaveQueue { why } => {
                    self.room.leave(self.now, &why);
                    match why {
                        LeaveWhy::Callback { .. } => self.aside("You keep your place, and will be called back."),
                        LeaveWhy::ByKey | LeaveWhy::HungUp => self.aside("You leave the queue."),
                    }
                }
                Action::Lookup(request) => {
                    self.asked = Some((request.lookup, request.connector));
                    answered = self.answer_to(&request);
                }
                Action::CancelLookup { .. } => self.asked = None,
                Action::Transfer { to, ring, .. } => {
                    self.aside(&format!(
                        "The telephone of {} rings; tell with :transfer answered, busy, no_answer or failed what becomes of it.",
                        to.name()
                    ));
                    self.rings_until = Some(self.now + ring);
                }
                Action::MenuOpened => self.room.set_menu(self.now, true),
                Action::MenuClosed => self.room.set_menu(self.now, false),
                Action::BookCallback { queue, skills, priority, .. } => {
                    let taken = self.room.book(self.now, queue, &skills, priority);
                    let name = self.flows.queue(queue).name.clone();
                    self.aside(&if taken {
                        format!("You have a place in the queue {name}, and will be called back.")
                    } else {
                        format!("The queue {name} is full.")
                    });
                    booked = Some(taken);
                }
            }
        }
        if let Some(booked) = booked {
            self.input(SessionInput::CallbackBooked(booked));
        }
        if let Some(answer) = answered {
            self.give_answer(answer);
        }
    }

    /// What was said that a service answers; without it the operator is told how to answer.
    fn answer_to(&mut self, request: &LookupRequest) -> Option<LookupAnswer> {
        let connector = self.flows.connector(request.connector).clone();
        let answer = self.answers.get(&*connector.name).cloned();
        self.aside(&match &answer {
            Some(answer) => format!("{} is asked: {}.", connector.name, answer.label()),
            None => {
                let answer = format!(":lookup {} {}", connector.name, connector.example_answer());
                format!("{} is asked {} {}; answer with {answer}", connector.name, connector.method.name(), request.url)
            }
        });
        answer
    }

    fn give_answer(&mut self, answer: LookupAnswer) {
        if let Some((lookup, _)) = self.asked.take() {
            self.input(SessionInput::LookupAnswered { lookup, answer: Box::new(answer) });
        }
    }

    fn end_ringing(&mut self, with: SessionInput) {
        self.rings_until = None;
        self.input(with);
    }

    /// `answered`, `busy`, `no_answer`, `failed` or `over`.
    fn transferred(&mut self, what: &str) -> Result<(), Misunderstood> {
        if !self.session.is_transferring() {
            return Err(Misunderstood::Transfer("no telephone rings for you"));
        }
        let (told, input) = match (what, self.rings_until) {
            ("answered", Some(_)) => ("Somebody answers, and you talk.", SessionInput::Connected),
            ("busy", Some(_)) => ("They are busy.", SessionInput::NotTransferred(Untransferred::Busy)),
            ("no_answer", Some(_)) => ("Nobody answers.", SessionInput::NotTransferred(Untransferred::NoAnswer)),
            ("failed", Some(_)) => ("They cannot be reached.", SessionInput::NotTransferred(Untransferred::Failed)),
            ("over", None) => ("The other hangs up.", SessionInput::Done),
            ("over", Some(_)) => return Err(Misunderstood::Transfer("nobody has answered yet")),
            (_, None) => return Err(Misunderstood::Transfer("somebody talks to you: `:transfer over` ends that")),
            _ => return Err(Misunderstood::Transfer("say `answered`, `busy`, `no_answer` or `failed`")),
        };
        self.playing = None;
        self.aside(told);
        self.end_ringing(input);
        Ok(())
    }

    /// `orders {"status": "sent"}`, `orders not_found`, `orders failed`.
    fn set_answer(&mut self, line: &str) -> Result<(), Misunderstood> {
        let (name, answer) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let names = || self.flows.connectors.iter().map(|connector| &*connector.name);
        let Some(connector) = self.flows.connectors.iter().find(|connector| &*connector.name == name).cloned() else {
            let known = listed(names()).replace(" or ", " and ");
            let known = if known.is_empty() { "there is none".to_owned() } else { format!("there are {known}") };
            return Err(Misunderstood::Lookup(format!("no connector is called `{name}`: {known}")));
        };
        let answer = match answer.trim() {
            "not_found" => LookupAnswer::NotFound,
            "failed" => LookupAnswer::Failed(LookupFailure::Unreachable),
            body => connector.read_answer(body, &self.zone).map_err(|why| {
                let example = connector.example_answer();
                Misunderstood::Lookup(format!("{name} cannot answer that: {why}; write {example}, not_found or failed"))
            })?,
        };
        self.aside(&format!("{name} answers from now on: {}.", answer.label()));
        self.answers.insert(name.to_owned(), answer.clone());
        if self.asked.is_some_and(|(_, asked)| self.flows.connector(asked).name == connector.name) {
            self.give_answer(answer);
            self.listen();
        }
        Ok(())
    }

    fn hear(&mut self, prompts: &[PromptId]) {
        let mut length = Duration::ZERO;
        let mut line = String::from("  ");
        let mut missing = false;
        let flows = Arc::clone(&self.flows);
        let mut runs = prompts.chunk_by(|a, b| self.is_recorded(&flows, *a) == self.is_recorded(&flows, *b)).peekable();
        while let Some(run) = runs.next() {
            let recorded = self.is_recorded(&flows, run[0]);
            length += run.iter().map(|prompt| self.length(flows.prompt(*prompt))).sum::<Duration>();
            missing |= !recorded;
            let mut words = sentence(run.iter().map(|prompt| flows.prompt(*prompt)));
            if runs.peek().is_none() && words.ends_with(char::is_alphanumeric) {
                words.push('.');
            }
            let (start, end) = match (recorded, self.look.colour) {
                (true, _) => ("", ""),
                (false, true) => ("\x1b[2;3m", "\x1b[0m"),
                (false, false) => ("(", ")"),
            };
            let gap = if line.trim().is_empty() || words.starts_with(['.', ',', '?', '!']) { "" } else { " " };
            let _ = write!(line, "{gap}{start}{words}{end}");
        }
        if missing && !std::mem::replace(&mut self.explained, true) {
            let told = if self.look.colour { "dim" } else { "in parentheses" };
            self.aside(&format!("What is {told} has no recording."));
        }
        let _ = writeln!(self.printed, "{line}");
        self.playing = Some(self.now + length);
    }

    fn is_recorded(&self, flows: &FlowSet, prompt: PromptId) -> bool {
        (self.recordings)(flows.prompt(prompt)).is_some()
    }

    fn length(&self, prompt: &Prompt) -> Duration {
        let count = u32::try_from(prompt.text.split_whitespace().count()).unwrap_or(u32::MAX);
        (self.recordings)(prompt).unwrap_or(ONE_WORD * count)
    }

    fn note(&mut self, note: &FlowNote) {
        let told = match note {
            FlowNote::StepEntered { flow, step } => format!("-> {}", self.step_name(*flow, *step)),
            FlowNote::StepLeft { flow, step, exit } => format!("<- {} by {exit}", self.step_name(*flow, *step)),
            FlowNote::Unspeakable { flow, step } => {
                let told = format!("Something in `{}` cannot be spoken and is left out.", self.step_name(*flow, *step));
                return self.aside(&told);
            }
            FlowNote::Unaskable { flow, step, value } => {
                let step = self.step_name(*flow, *step);
                let told = format!("`{step}` asks nobody: the value `{value}` is not known, or cannot be sent.");
                return self.aside(&told);
            }
            FlowNote::RanAway { flow, step } => {
                let told = format!("The flow goes in circles at `{}` and is ended.", self.step_name(*flow, *step));
                return self.aside(&told);
            }
        };
        if self.look.verbose {
            self.aside(&told);
        }
    }

    fn step_name(&self, flow: FlowIndex, step: StepIndex) -> String {
        let flow = self.flows.flow(flow);
        format!("{}/{}", flow.name, flow.step(step).name)
    }

    /// What the caller does not hear.
    fn aside(&mut self, text: &str) {
        let (start, end) = if self.look.colour { ("\x1b[36m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(self.printed, "{start}[{text}]{end}");
    }
}

/// What recordings say one after another, as it would be written; a recording without a text is told by its name.
fn sentence<'p>(prompts: impl Iterator<Item = &'p Prompt>) -> String {
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

fn number(text: &str) -> Result<u32, Misunderstood> {
    let number = text.parse().ok().filter(|number| *number <= MOST_AHEAD);
    number.ok_or_else(|| Misunderstood::Number(text.to_owned()))
}

fn seconds(length: Duration) -> String {
    let tenths = length.as_millis() / 100;
    if tenths.is_multiple_of(10) { format!("{} s", tenths / 10) } else { format!("{}.{} s", tenths / 10, tenths % 10) }
}
