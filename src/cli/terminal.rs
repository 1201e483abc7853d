//! A telephone made of text: what a caller would hear, line by line, in a time that jumps. Behind it is the switchboard
//! that serves callers, with agents who answer and talk by the clock.

mod commands;
mod notebook;
mod transcript;

use std::time::Duration;

use jiff::{Timestamp, Zoned};

use self::notebook::Notebook;
pub(super) use self::transcript::Look;
use crate::clock::Moment;
use crate::flow::document::scalar;
use crate::flow::{QueueIndex, Session};
use crate::rehearsal::{BETWEEN_KEYS, House, Stage};
use crate::telephony::{Caller, Digit};

/// How long a caller lets the phone ring on which they are called back.
const PICKS_UP_AFTER: Duration = Duration::from_secs(5);
/// The longest time in which nothing happens at all.
const NOTHING: Duration = Duration::from_secs(3_600);

/// A line that a telephone cannot follow.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misunderstood {
    /// No key of a telephone.
    #[error("`{0}` is no key: press 0 to 9, * and #, or type :help")]
    Key(char),
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
    #[error("`{0}` is no number from 0 to 1000")]
    Number(String),
    /// Not what an agent does.
    #[error("no agent does `{0}`: they do {1}")]
    Habit(String, String),
    /// Not what a telephone does.
    #[error("no telephone does `{0}`: they do {1}")]
    TelephoneHabit(String, String),
    /// A name of something that there is not.
    #[error("there is no {what} `{name}`: there is {known}")]
    Name {
        /// A queue, an agent, a language.
        what: &'static str,
        /// As it was written.
        name: String,
        /// All that there are.
        known: String,
    },
    /// Something that cannot be done now.
    #[error("{0}")]
    Impossible(&'static str),
}

/// Whom to call, and from where.
#[derive(Clone, Debug)]
pub(super) struct Dialling {
    /// The number that calls.
    pub(super) from: String,
    /// The number that is dialled.
    pub(super) dialled: String,
    /// Where days and times are told.
    pub(super) zone: jiff::tz::TimeZone,
    /// How long calls of these queues took of late.
    pub(super) handle_times: Vec<(QueueIndex, Duration)>,
}

/// A telephone, and one call after another from it.
pub(super) struct Telephone<'h> {
    house: &'h House,
    stage: Stage<'h>,
    look: Look,
    call: Dialling,
    /// When the call began.
    began: Moment,
    /// The caller is to be called back.
    owed: bool,
    explained: bool,
    printed: String,
    notebook: Notebook,
}

impl<'h> Telephone<'h> {
    /// Calls at `wall`, and listens until the first menu.
    pub(super) fn dial(house: &'h House, call: Dialling, wall: Timestamp, look: Look) -> Telephone<'h> {
        let mut stage = Stage::new(house, wall, 1, call.handle_times.clone());
        stage.picks_up_after(PICKS_UP_AFTER);
        stage.attend_services();
        stage.all_others_work();
        let mut telephone = Telephone {
            house,
            stage,
            look,
            call,
            began: Moment::ZERO,
            owed: false,
            explained: false,
            printed: String::new(),
            notebook: Notebook::default(),
        };
        for (queue, time) in &telephone.call.handle_times {
            let (queue, time) = (&house.flows().queue(*queue).name, scalar::written_duration(*time));
            telephone.notebook.change(format!("handle_time: {{{queue}: {time}}}"));
        }
        telephone.call();
        telephone
    }

    fn call(&mut self) {
        self.began = self.stage.now();
        let clock = self.clock();
        self.notebook.begin(&self.call.from, &self.call.dialled, &clock);
        let number = match &*self.call.from {
            "withheld" | "anonymous" => "",
            number => number,
        };
        self.stage.dial(Caller::nameless(number), &self.call.dialled);
        self.transcribe();
        self.listen();
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
            self.stage.press(key);
            self.pass(BETWEEN_KEYS);
        }
        self.listen();
        if self.printed.len() == before && !self.is_over() {
            let waits = |session: &Session| session.is_queued() && session.deadline().is_none();
            self.aside(if self.stage.is_over() {
                "You have hung up; Enter waits for your telephone to ring."
            } else if self.stage.session().is_some_and(waits) {
                "That key means nothing here; you keep your place."
            } else if self.stage.is_speaking() {
                "These words must be heard; the keys are kept."
            } else {
                "Silence: more keys can come."
            });
        }
        Ok(())
    }

    /// Whether the call is over.
    pub(super) fn is_over(&self) -> bool {
        self.stage.is_over() && !self.owed
    }

    /// What was printed since the last time.
    pub(super) fn take_printed(&mut self) -> String {
        std::mem::take(&mut self.printed)
    }

    /// Hangs up, as a caller does, and does not wait to be called back.
    pub(super) fn hang_up(&mut self) {
        self.owed = false;
        self.stage.hang_up();
        self.transcribe();
        self.owed = false;
    }

    /// The time of day on the line.
    pub(super) fn clock(&self) -> Zoned {
        self.stage.wall().to_zoned(self.call.zone.clone())
    }

    /// Lets everything be heard that comes before the caller is asked for keys.
    fn listen(&mut self) {
        loop {
            let ends = self.stage.session().is_none() && !self.stage.is_over();
            let asked = self.stage.session().is_some_and(Session::awaits_keys);
            if !(ends || self.stage.is_speaking() && !asked) || !self.stage.advance(self.stage.now() + NOTHING) {
                return;
            }
            self.transcribe();
        }
    }

    fn wait_for_something(&mut self) {
        let before = self.printed.len();
        let end = self.stage.now() + NOTHING;
        while !self.is_over() && self.printed.len() == before {
            if !self.stage.advance(end) {
                self.pass(end.since(self.stage.now()));
                self.aside("Nothing happens for an hour.");
            }
            self.transcribe();
        }
        self.listen();
    }

    fn pass(&mut self, length: Duration) {
        self.stage.pass(length);
        self.transcribe();
    }
}
