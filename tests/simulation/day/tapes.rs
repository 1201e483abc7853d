//! What reactors and the writer of tapes do, as their contracts say: and the book of what callers have said, of which
//! nothing may be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use helpline::clock::Moment;
use helpline::journal::TapeEvent;
use helpline::switchboard::{Input, MailboxOrder};
use helpline::telephony::{Clip, LegId, MediaCommand, MediaEvent, TapeEnd, TapeId, TapeKind, TapeOrder, TapeReport};

use super::{Happening, World};
use crate::house;

/// A tape of a leg.
#[derive(Debug)]
pub(super) struct Tape {
    order: TapeOrder,
    /// When it runs: after the tone.
    begins: Moment,
    /// The caller says something.
    spoken: bool,
    report: Option<TapeReport>,
    /// It cannot be written.
    broken: bool,
}

/// What became of tapes.
#[derive(Debug, Default)]
pub(super) struct Book {
    begun: BTreeSet<String>,
    /// Messages with something on them that are on the disk.
    kept: BTreeSet<String>,
    /// Messages with something on them that were thrown away.
    dropped: u32,
    /// The same of messages that could not be written: nobody may have heard of that yet when they were.
    dropped_broken: u32,
    /// Messages that could not be written.
    broken: BTreeSet<String>,
    /// What the journal says.
    left: BTreeSet<String>,
    told: BTreeMap<&'static str, u32>,
    recorded: u32,
    muted: u32,
    read: u32,
    heard: u32,
    deleted: u32,
}

impl Book {
    pub(super) fn told(&mut self, event: &TapeEvent) {
        let word = match event {
            TapeEvent::MessageLeft { name, report, .. } => {
                assert!(!report.empty, "{name} is left and empty");
                assert!(self.left.insert(name.clone()), "{name} is left twice");
                if report.end == TapeEnd::Closed { "hung_up" } else { "left" }
            }
            TapeEvent::MessageEmpty { .. } => "empty",
            TapeEvent::MessageDropped { .. } => "dropped",
            TapeEvent::Failed { .. } => "failed",
            _ => return,
        };
        *self.told.entry(word).or_default() += 1;
    }

    pub(super) fn count(&self) -> BTreeMap<&'static str, u32> {
        let own = [("recorded", self.recorded), ("muted", self.muted), ("read", self.read)];
        let own = own.into_iter().chain([("heard", self.heard), ("deleted", self.deleted)]);
        self.told.iter().map(|(word, count)| (*word, *count)).chain(own.filter(|own| own.1 > 0)).collect()
    }

    /// A message said is kept: each that has something on it is on the disk and in the journal, unless its caller wanted
    /// another in its place.
    pub(super) fn assert_kept(&self, faults: bool) {
        let unbroken = |names: &BTreeSet<String>| -> BTreeSet<String> {
            names.iter().filter(|name| !self.broken.contains(*name)).cloned().collect()
        };
        assert_eq!(unbroken(&self.kept), unbroken(&self.left), "what is kept is what was left");
        let told = self.told.get("dropped").copied().unwrap_or_default();
        let dropped = self.dropped..=self.dropped + self.dropped_broken;
        assert!(dropped.contains(&told) || faults, "{dropped:?} were dropped, and {told} wanted that");
    }
}

impl World {
    /// What is wanted of messages: a few of an earlier day wait.
    pub(super) fn order_messages(&mut self, order: MailboxOrder) {
        match order {
            MailboxOrder::List { call, mailboxes } => {
                let mailbox = mailboxes.first().cloned().unwrap_or_default();
                let messages = (0..self.random.u64(0..4)).map(|n| house::message(n, &mailbox, n > 1)).collect();
                let messages = Some(messages).filter(|_| self.random.u8(..) > 30);
                let after = self.random.u64(1..6_000);
                self.plan(after, Happening::Tell(Input::Messages { call, messages }));
            }
            MailboxOrder::Heard(_) => self.tapes.heard += 1,
            MailboxOrder::Delete(_) => self.tapes.deleted += 1,
        }
    }

    pub(super) fn tape(&mut self, command: MediaCommand) {
        let leg = command.leg();
        if let MediaCommand::ReadTape { tape, .. } = command {
            let audio = vec![0xFF; 16_000].into_boxed_slice();
            let clip = Arc::new(Clip { pcmu: audio.clone(), pcma: audio });
            let clip = Some(clip).filter(|_| self.random.u8(..) > 30);
            self.tapes.read += 1;
            let after = self.random.u64(1..2_000);
            return self.plan(after, Happening::Tell(Input::Media(MediaEvent::TapeRead { leg, tape, clip })));
        }
        if let MediaCommand::Record { order, .. } = command {
            return self.record(leg, *order);
        }
        let Some(open) = self.media.get_mut(&leg) else { return };
        let Some(tape) = open.tape.as_mut() else { return };
        match command {
            MediaCommand::EndTape { tape: id, .. } if tape.order.tape == id => self.end_tape(leg, TapeEnd::Told),
            MediaCommand::KeepTape { tape: id, .. } if tape.order.tape == id => {
                self.end_tape(leg, TapeEnd::Told);
                self.settle(leg, true);
            }
            MediaCommand::DropTape { tape: id, .. } if tape.order.tape == id => {
                self.end_tape(leg, TapeEnd::Told);
                self.settle(leg, false);
            }
            MediaCommand::MuteTape { .. } => self.tapes.muted += 1,
            _ => {}
        }
    }

    fn record(&mut self, leg: LegId, order: TapeOrder) {
        let name = order.kind.name(order.tape);
        assert!(self.tapes.begun.insert(name.clone()), "{name} begins twice");
        if !self.media.contains_key(&leg) {
            return;
        }
        self.let_go_of_tape(leg);
        let tone = if order.tone { 600 } else { 0 };
        let begins = self.now + Duration::from_millis(tone);
        let broken = self.random.u8(0..25) == 0;
        if broken {
            self.tapes.broken.insert(name);
            let after = self.random.u64(1..20_000);
            let reason = "no space left on device".to_owned();
            let failed = MediaEvent::TapeFailed { leg, tape: order.tape, kind: order.kind, reason };
            self.plan(after, Happening::Tell(Input::Media(failed)));
        }
        if order.kind == TapeKind::Conversation {
            self.tapes.recorded += 1;
        }
        let spoken = self.random.u8(0..4) > 0;
        let longest = order.longest.as_millis() as u64;
        if let Some(silence) = order.silence {
            let speech = if spoken { self.random.u64(0..longest) } else { 0 };
            let silence = silence.as_millis() as u64;
            let (at, end) = if speech + silence < longest {
                (speech + silence, TapeEnd::Silence)
            } else {
                (longest, TapeEnd::Longest)
            };
            self.plan(tone + at, Happening::TapeEnds(leg, order.tape, end));
        }
        let tape = Tape { order, begins, spoken, report: None, broken };
        self.media.get_mut(&leg).expect("it is open").tape = Some(tape);
    }

    pub(super) fn tape_ends(&mut self, leg: LegId, tape: TapeId, end: TapeEnd) {
        let open = self.media.get(&leg).and_then(|open| open.tape.as_ref());
        if open.is_some_and(|open| open.order.tape == tape) {
            self.end_tape(leg, end);
        }
    }

    fn end_tape(&mut self, leg: LegId, end: TapeEnd) {
        let now = self.now;
        let Some(tape) = self.media.get_mut(&leg).and_then(|open| open.tape.as_mut()) else { return };
        if tape.report.is_some() {
            return;
        }
        let length = now.since(tape.begins).min(tape.order.longest);
        let empty = match tape.order.kind {
            TapeKind::Message => {
                let shortest = if end == TapeEnd::Closed { Duration::from_millis(200) } else { tape.order.shortest };
                !tape.spoken || length < shortest
            }
            TapeKind::Conversation => length.is_zero(),
        };
        let report = TapeReport { end, length, empty, lost: Duration::ZERO };
        tape.report = Some(report);
        let (id, kind) = (tape.order.tape, tape.order.kind);
        self.tell(Input::Media(MediaEvent::TapeEnded { leg, tape: id, report }));
        if kind == TapeKind::Conversation {
            self.media.get_mut(&leg).expect("it is open").tape = None;
        }
    }

    fn settle(&mut self, leg: LegId, keep: bool) {
        let Some(tape) = self.media.get_mut(&leg).and_then(|open| open.tape.take()) else { return };
        let name = tape.order.kind.name(tape.order.tape);
        let said = tape.report.is_some_and(|report| !report.empty);
        match (keep, said) {
            (true, true) => drop(self.tapes.kept.insert(name)),
            (false, true) if tape.broken => self.tapes.dropped_broken += 1,
            (false, true) => self.tapes.dropped += 1,
            _ => {}
        }
    }

    /// The leg is closed, or records something else: what was said is kept.
    pub(super) fn let_go_of_tape(&mut self, leg: LegId) {
        if self.media.get(&leg).is_some_and(|open| open.tape.is_some()) {
            self.end_tape(leg, TapeEnd::Closed);
            self.settle(leg, true);
        }
    }
}
