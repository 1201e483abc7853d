//! One queue: its line, who in it may be offered to whom, its ready agents, and its recent past.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::entry::Pool;
use super::estimate::EstimateInputs;
use super::figures::QueueFigures;
use super::line::{Line, Place};
use super::output::{AgentState, Note, Outcome};
use super::settings::QueueSettings;
use super::skill::Skills;
use super::strategy::Ready;
use crate::clock::Moment;

/// Section 4: how far back handled calls and abandons count.
pub const PAST: Duration = Duration::from_secs(2 * 3600);
/// The past is kept in pieces of this length, so that it takes the same room however busy the queue is.
pub const PAST_PIECE: Duration = Duration::from_secs(300);
/// Section 4: how long the last answered wait counts.
pub const LAST_WAIT_MAX: Duration = Duration::from_secs(15 * 60);

#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) settings: QueueSettings,
    /// Removed from the settings: goes when its last entry has, and its last call with the wrap-up.
    pub(super) draining: bool,
    /// All who wait.
    pub(super) line: Line,
    /// Of those, who may be offered, by what they want. Callers who want the same are one line to an agent.
    pub(super) wanting: BTreeMap<Skills, Wanting>,
    pub(super) ready: Ready,
    /// The order of the member who was offered a caller last.
    pub(super) last_offered: Option<u32>,
    /// Members by state.
    pub(super) states: [u32; AgentState::ALL.len()],
    /// Staff by the number of queues that they serve.
    staff: BTreeMap<usize, u32>,
    /// Entries in whatever stage.
    pub(super) entries: usize,
    /// Those who wait on the line.
    pub(super) listeners: usize,
    /// Those who wait to be called back.
    pub(super) callbacks: usize,
    /// Since when there is no staff.
    pub(super) deserted: Option<Moment>,
    pub(super) alarm: Option<Moment>,
    pub(super) figures: QueueFigures,
    pub(super) past: Past,
}

/// Those who want the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanting {
    pub(super) open: BTreeSet<Place>,
    pub(super) to_call: BTreeSet<Place>,
}

impl Queue {
    pub(super) fn new(settings: QueueSettings) -> Queue {
        Queue {
            settings,
            draining: false,
            line: Line::new(),
            wanting: BTreeMap::new(),
            ready: Ready::new(),
            last_offered: None,
            states: [0; AgentState::ALL.len()],
            staff: BTreeMap::new(),
            entries: 0,
            listeners: 0,
            callbacks: 0,
            deserted: None,
            alarm: None,
            figures: QueueFigures::default(),
            past: Past::default(),
        }
    }

    /// Files `place` among those who want `wanted`.
    pub(super) fn file(&mut self, pool: Pool, wanted: &Skills, place: Place) {
        if !self.wanting.contains_key(wanted) {
            self.wanting.insert(wanted.clone(), Wanting::default());
        }
        let wanting = self.wanting.get_mut(wanted).expect("it was put there");
        match pool {
            Pool::Open => wanting.open.insert(place),
            Pool::ToCall => wanting.to_call.insert(place),
        };
    }

    pub(super) fn unfile(&mut self, pool: Pool, wanted: &Skills, place: &Place) {
        let Some(wanting) = self.wanting.get_mut(wanted) else { return };
        match pool {
            Pool::Open => wanting.open.remove(place),
            Pool::ToCall => wanting.to_call.remove(place),
        };
        if wanting.open.is_empty() && wanting.to_call.is_empty() {
            self.wanting.remove(wanted);
        }
    }

    /// The first whom an agent with these skills may be given, and how they are found.
    pub(super) fn first_for(&self, skills: &Skills, may_call: bool) -> Option<(Place, Pool)> {
        let mut first: Option<(Place, Pool)> = None;
        for (wanted, wanting) in &self.wanting {
            if skills.fit(wanted).is_none() {
                continue;
            }
            let open = wanting.open.first().map(|place| (*place, Pool::Open));
            let to_call = wanting.to_call.first().filter(|_| may_call).map(|place| (*place, Pool::ToCall));
            for (place, pool) in open.into_iter().chain(to_call) {
                if first.is_none_or(|(first, _)| place < first) {
                    first = Some((place, pool));
                }
            }
        }
        first
    }

    /// An agent who serves `queues` queues has begun or ceased to be staff.
    pub(super) fn count_staff(&mut self, queues: usize, staff: bool) {
        let count = self.staff.entry(queues).or_default();
        *count = if staff { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            self.staff.remove(&queues);
        }
    }

    /// Forgets who serves it, before that is counted anew.
    pub(super) fn forget_agents(&mut self) {
        self.ready.clear();
        self.staff.clear();
        self.states = [0; AgentState::ALL.len()];
    }

    /// s of section 4.
    pub(super) fn servers(&self) -> f64 {
        self.staff.iter().map(|(queues, agents)| f64::from(*agents) / (*queues).max(1) as f64).sum()
    }

    pub(super) fn is_deserted(&self) -> bool {
        self.staff.is_empty()
    }

    /// Whether nobody is in it, and every call that was answered has been handled.
    pub(super) fn is_idle(&self) -> bool {
        let answered = self.figures.outcome(Outcome::Answered) + self.figures.outcome(Outcome::Callback);
        self.entries == 0 && self.figures.handled == answered
    }

    /// When those who wait without agents are sent on.
    pub(super) fn next_alarm(&self) -> Option<Moment> {
        let since = self.deserted.filter(|_| self.settings.when_no_agents.is_some() && self.listeners > 0)?;
        Some(since + self.settings.no_agents_after)
    }

    /// The estimate of who has `ahead` before them and `available` agents ready.
    pub(super) fn estimate_inputs(&self, now: Moment, ahead: usize, available: usize) -> EstimateInputs {
        let (handled, samples) = self.past.handled(now);
        EstimateInputs {
            ahead: u32::try_from(ahead).unwrap_or(u32::MAX),
            available: u32::try_from(available).unwrap_or(u32::MAX),
            servers: self.servers(),
            handle_seconds: if samples == 0 { 0.0 } else { handled.as_secs_f64() / f64::from(samples) },
            samples,
            last_wait_seconds: self.past.last_wait(now).map(|wait| wait.as_secs_f64()),
            abandon_share: self.past.abandon_share(now),
        }
    }

    /// Takes a note of this queue into its figures and its past.
    pub(super) fn take(&mut self, now: Moment, note: &Note) {
        self.figures.take(note);
        match note {
            Note::Handled { talk, hold, wrap_up, .. } => {
                let piece = self.past.piece(now);
                piece.handled += *talk + *hold + *wrap_up;
                piece.calls += 1;
            }
            Note::Ended { outcome, wait, .. } => match outcome {
                Outcome::Answered => {
                    self.past.piece(now).answered += 1;
                    self.past.last_answered = Some((now, *wait));
                }
                Outcome::Callback => self.past.piece(now).answered += 1,
                Outcome::Abandoned | Outcome::ShortAbandoned => self.past.piece(now).abandoned += 1,
                _ => {}
            },
            _ => {}
        }
    }
}

/// The last two hours, in pieces.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// Each by the number of its piece of time, the newest last; at most `PAST / PAST_PIECE`.
    pieces: VecDeque<(u64, Piece)>,
    pub(super) last_answered: Option<(Moment, Duration)>,
}

/// What happened in one piece of the recent past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastPiece {
    /// When it began.
    pub since: Moment,
    /// Talk, hold and wrap-up of calls that were handled.
    pub handled: Duration,
    /// How many those were.
    pub calls: u32,
    /// Callers who were answered.
    pub answered: u32,
    /// Callers who abandoned.
    pub abandoned: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    handled: Duration,
    calls: u32,
    answered: u32,
    abandoned: u32,
}

impl Past {
    fn number(now: Moment) -> u64 {
        now.as_micros() / PAST_PIECE.as_micros() as u64
    }

    /// The present piece.
    fn piece(&mut self, now: Moment) -> &mut Piece {
        let number = Self::number(now);
        if self.pieces.back().is_none_or(|(last, _)| *last < number) {
            self.pieces.push_back((number, Piece::default()));
        }
        while self.pieces.front().is_some_and(|(first, _)| !Self::counts(*first, number)) {
            self.pieces.pop_front();
        }
        &mut self.pieces.back_mut().expect("there is one now").1
    }

    fn counts(piece: u64, present: u64) -> bool {
        piece + PAST.as_secs() / PAST_PIECE.as_secs() > present
    }

    /// All that is remembered.
    pub(super) fn pieces(&self) -> Vec<PastPiece> {
        let told = |(number, piece): &(u64, Piece)| {
            let Piece { handled, calls, answered, abandoned } = *piece;
            let since = Moment::from_micros(number * PAST_PIECE.as_micros() as u64);
            PastPiece { since, handled, calls, answered, abandoned }
        };
        self.pieces.iter().map(told).collect()
    }

    /// Goes on with what was remembered before.
    pub(super) fn restore(&mut self, now: Moment, mut kept: Vec<PastPiece>, last: Option<(Moment, Duration)>) {
        kept.retain(|piece| piece.since <= now && Self::counts(Self::number(piece.since), Self::number(now)));
        kept.sort_by_key(|piece| piece.since);
        for PastPiece { since, handled, calls, answered, abandoned } in kept {
            let piece = self.piece(since);
            piece.handled += handled;
            piece.calls = piece.calls.saturating_add(calls);
            piece.answered = piece.answered.saturating_add(answered);
            piece.abandoned = piece.abandoned.saturating_add(abandoned);
        }
        self.last_answered = last.filter(|(at, _)| *at <= now);
    }

    fn recent(&self, now: Moment) -> impl Iterator<Item = &Piece> {
        let present = Self::number(now);
        self.pieces.iter().filter(move |(number, _)| Self::counts(*number, present)).map(|(_, piece)| piece)
    }

    fn handled(&self, now: Moment) -> (Duration, u32) {
        self.recent(now).fold((Duration::ZERO, 0), |(sum, calls), piece| (sum + piece.handled, calls + piece.calls))
    }

    fn last_wait(&self, now: Moment) -> Option<Duration> {
        self.last_answered.filter(|(at, _)| now - *at <= LAST_WAIT_MAX).map(|(_, wait)| wait)
    }

    fn abandon_share(&self, now: Moment) -> f64 {
        let (answered, abandoned) =
            self.recent(now).fold((0, 0), |(a, b), piece| (a + piece.answered, b + piece.abandoned));
        let all = answered + abandoned;
        if all == 0 { 0.0 } else { f64::from(abandoned) / f64::from(all) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_two_hours_and_bounded() {
        let mut past = Past::default();
        let minute = |minutes: u64| Moment::ZERO + Duration::from_secs(60 * minutes);
        for at in 0..10_000 {
            let piece = past.piece(minute(at));
            piece.handled += Duration::from_secs(at);
            piece.calls += 1;
            assert!(past.pieces.len() <= 24);
        }
        // The last piece of 24 began at minute 9880.
        assert_eq!(past.handled(minute(9_999)), (Duration::from_secs((9_880..10_000).sum()), 120));
        assert_eq!(past.handled(minute(10_200)), (Duration::ZERO, 0));
    }

    #[test]
    fn the_share_of_abandons_and_the_last_wait() {
        let mut past = Past::default();
        assert_eq!(past.abandon_share(Moment::ZERO), 0.0);
        past.piece(Moment::ZERO).answered += 3;
        past.piece(Moment::ZERO).abandoned += 1;
        past.last_answered = Some((Moment::ZERO, Duration::from_secs(9)));
        assert_eq!(past.abandon_share(Moment::ZERO), 0.25);
        for (seconds, wait) in [(900, Some(Duration::from_secs(9))), (901, None)] {
            assert_eq!(past.last_wait(Moment::ZERO + Duration::from_secs(seconds)), wait);
        }
    }
}
