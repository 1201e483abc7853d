//! What a reactor does for tapes: it drives the recorders of its legs and hands their blocks to who writes them.

use crate::media::tapes::{Deck, Job};
use crate::telephony::{LegId, MediaEvent, MediaTally, TapeEnd, TapeId, TapeKind, TapeOrder, TapeReport};

use super::legs::Leg;

/// Why nothing can be recorded where nobody writes.
const NOBODY_WRITES: &str = "nothing is recorded here";

/// Begins a tape, and ends the one that the leg had.
pub(super) fn record(
    deck: Option<&mut Deck>,
    leg: &mut Leg,
    order: Box<TapeOrder>,
    events: &mut Vec<MediaEvent>,
    tally: &mut MediaTally,
) {
    let (id, tape, kind) = (leg.id, order.tape, order.kind);
    let Some(deck) = deck else {
        let report = TapeReport {
            end: TapeEnd::Told,
            length: std::time::Duration::ZERO,
            empty: true,
            lost: std::time::Duration::ZERO,
        };
        events.push(MediaEvent::TapeFailed { leg: id, tape, kind, reason: NOBODY_WRITES.to_owned() });
        return events.push(MediaEvent::TapeEnded { leg: id, tape, report });
    };
    let_go(Some(&mut *deck), leg, events, tally);
    leg.stream.record(&order);
    deck.open(id, order);
    supply(deck, leg);
}

/// One turn of a leg that is recorded, with the packet that it was sent.
#[inline]
pub(super) fn turn(
    deck: Option<&mut Deck>,
    leg: &mut Leg,
    at: crate::clock::Moment,
    sent: Option<&[u8]>,
    events: &mut Vec<MediaEvent>,
    tally: &mut MediaTally,
) {
    let Some(deck) = deck else { return };
    let ended = leg.stream.record_turn(at, sent);
    let Some(recorder) = leg.stream.recorder() else { return };
    let tape = recorder.tape();
    if let Some(full) = recorder.take_full() {
        count(&full, tally);
        deck.write(tape, full);
    }
    match ended {
        Some(report) => over(deck, leg, tape, report, events, tally),
        None => supply(deck, leg),
    }
}

/// Ends a tape as it is asked to.
pub(super) fn end(
    deck: Option<&mut Deck>,
    leg: &mut Leg,
    tape: TapeId,
    events: &mut Vec<MediaEvent>,
    tally: &mut MediaTally,
) {
    let Some(deck) = deck else { return };
    if let Some(report) = leg.stream.end_tape(tape, TapeEnd::Told) {
        over(deck, leg, tape, report, events, tally);
    }
}

/// A tape that has ended is kept or dropped: the leg has none any more.
pub(super) fn settle(
    deck: Option<&mut Deck>,
    leg: &mut Leg,
    tape: TapeId,
    keep: bool,
    events: &mut Vec<MediaEvent>,
    tally: &mut MediaTally,
) {
    let Some(deck) = deck else { return };
    if leg.stream.recorder().is_none_or(|recorder| recorder.tape() != tape) {
        return;
    }
    end(Some(&mut *deck), leg, tape, events, tally);
    if leg.stream.take_recorder().is_some() {
        deck.tell(if keep { Job::Keep(tape) } else { Job::Drop(tape) });
    }
}

/// The leg is closed, or records something else: what it has said is kept, unless that is nothing.
pub(super) fn let_go(deck: Option<&mut Deck>, leg: &mut Leg, events: &mut Vec<MediaEvent>, tally: &mut MediaTally) {
    let Some(deck) = deck else { return };
    let Some(recorder) = leg.stream.recorder() else { return };
    let tape = recorder.tape();
    if let Some(report) = recorder.end(TapeEnd::Closed) {
        over(deck, leg, tape, report, events, tally);
    }
    if let Some(report) = leg.stream.take_recorder().and_then(|recorder| recorder.report()) {
        deck.tell(if report.empty { Job::Drop(tape) } else { Job::Keep(tape) });
    }
}

/// The leg goes to another reactor, with its tape: what of that is not with its writer yet.
pub(super) fn pack(deck: Option<&mut Deck>, leg: &mut Leg) -> Vec<Job> {
    let (Some(deck), Some(recorder)) = (deck, leg.stream.recorder()) else { return Vec::new() };
    let held = recorder.report().is_none().then(|| recorder.blocks());
    deck.hand_over(recorder.tape(), held)
}

/// And has come there.
pub(super) fn unpack(deck: Option<&mut Deck>, leg: &mut Leg, jobs: Vec<Job>) {
    let (Some(deck), Some(recorder)) = (deck, leg.stream.recorder()) else { return };
    let held = recorder.report().is_none().then(|| recorder.blocks());
    deck.take_over(jobs, held);
    supply(deck, leg);
}

/// A tape is to be read.
pub(super) fn read(
    deck: Option<&mut Deck>,
    leg: LegId,
    tape: TapeId,
    folder: Option<std::sync::Arc<str>>,
    events: &mut Vec<MediaEvent>,
) {
    match deck {
        Some(deck) => deck.tell(Job::Read(leg, tape, folder)),
        None => events.push(MediaEvent::TapeRead { leg, tape, clip: None }),
    }
}

/// A tape has ended: all of it is handed over. A conversation needs nobody's word to be kept.
fn over(
    deck: &mut Deck,
    leg: &mut Leg,
    tape: TapeId,
    report: TapeReport,
    events: &mut Vec<MediaEvent>,
    tally: &mut MediaTally,
) {
    let Some(recorder) = leg.stream.recorder() else { return };
    let kind = recorder.kind();
    for block in recorder.take_all() {
        if block.length > 0 || block.lost > 0 {
            count(&block, tally);
            deck.write(tape, block);
        } else {
            deck.give_back(block);
        }
    }
    deck.close(tape, report);
    events.push(MediaEvent::TapeEnded { leg: leg.id, tape, report });
    if kind == TapeKind::Conversation {
        leg.stream.take_recorder();
        deck.tell(if report.empty { Job::Drop(tape) } else { Job::Keep(tape) });
    }
}

fn supply(deck: &mut Deck, leg: &mut Leg) {
    let Some(recorder) = leg.stream.recorder() else { return };
    while recorder.wants_block() {
        let Some(block) = deck.block() else { return };
        recorder.give(block);
    }
}

fn count(block: &crate::media::recorder::Block, tally: &mut MediaTally) {
    tally.taped += block.length as u64;
    tally.taped_lost += block.lost;
}
