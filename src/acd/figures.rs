//! What a queue and an agent have done, as folds over the journal's notes, and the service level with its formulas.

use std::time::Duration;

use super::output::{AgentState, LevelEvent, Note, Outcome};

/// What a queue has done since it was first set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueFigures {
    /// Entries.
    pub entered: u64,
    /// Entries that ended, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; Outcome::ALL.len()],
    /// How entries counted for the service level.
    pub service: LevelCounts,
    /// Of those with the outcome `answered`, together.
    pub answered_wait: Duration,
    /// Calls that agents have finished, wrap-up included.
    pub handled: u64,
    /// In those, together.
    pub talk: Duration,
    /// Likewise.
    pub hold: Duration,
    /// Likewise.
    pub wrap_up: Duration,
}

/// How many entries counted as what. Two of them may be subtracted: what happened in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelCounts {
    /// A: answered within the threshold.
    pub answered: u64,
    /// B: abandoned within it, and not shortly.
    pub abandoned: u64,
    /// X: taken out by the system within it.
    pub taken_out: u64,
    /// L: it passed while they waited.
    pub late: u64,
    /// Outside: abandoned shortly.
    pub short_abandoned: u64,
    /// Outside: left by their own choice.
    pub left: u64,
    /// Outside: chose to be called back.
    pub to_callback: u64,
}

/// How a service level is made of the counts. None is shown without its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LevelFormula {
    /// A / N
    #[default]
    AbandonsAgainst,
    /// A / (N − B)
    AbandonsIgnored,
    /// (A + B) / N
    AbandonsFor,
}

impl LevelFormula {
    /// All of them.
    pub const ALL: [LevelFormula; 3] =
        [LevelFormula::AbandonsAgainst, LevelFormula::AbandonsIgnored, LevelFormula::AbandonsFor];

    /// Its label.
    pub const fn name(self) -> &'static str {
        match self {
            LevelFormula::AbandonsAgainst => "abandons_against",
            LevelFormula::AbandonsIgnored => "abandons_ignored",
            LevelFormula::AbandonsFor => "abandons_for",
        }
    }
}

impl LevelCounts {
    /// One more.
    pub fn count(&mut self, event: LevelEvent) {
        *match event {
            LevelEvent::Answered => &mut self.answered,
            LevelEvent::Abandoned => &mut self.abandoned,
            LevelEvent::TakenOut => &mut self.taken_out,
            LevelEvent::Late => &mut self.late,
            LevelEvent::ShortAbandoned => &mut self.short_abandoned,
            LevelEvent::Left => &mut self.left,
            LevelEvent::ToCallback => &mut self.to_callback,
        } += 1;
    }

    /// N = A + B + X + L.
    pub const fn total(&self) -> u64 {
        self.answered + self.abandoned + self.taken_out + self.late
    }

    /// The service level, 0 to 1; `None` when nobody counted.
    pub fn ratio(&self, formula: LevelFormula) -> Option<f64> {
        let (part, whole) = match formula {
            LevelFormula::AbandonsAgainst => (self.answered, self.total()),
            LevelFormula::AbandonsIgnored => (self.answered, self.total() - self.abandoned),
            LevelFormula::AbandonsFor => (self.answered + self.abandoned, self.total()),
        };
        (whole > 0).then(|| part as f64 / whole as f64)
    }

    /// What was counted since `earlier`.
    #[must_use]
    pub const fn since(&self, earlier: &LevelCounts) -> LevelCounts {
        LevelCounts {
            answered: self.answered.saturating_sub(earlier.answered),
            abandoned: self.abandoned.saturating_sub(earlier.abandoned),
            taken_out: self.taken_out.saturating_sub(earlier.taken_out),
            late: self.late.saturating_sub(earlier.late),
            short_abandoned: self.short_abandoned.saturating_sub(earlier.short_abandoned),
            left: self.left.saturating_sub(earlier.left),
            to_callback: self.to_callback.saturating_sub(earlier.to_callback),
        }
    }
}

impl QueueFigures {
    /// Takes a note of this queue.
    pub fn take(&mut self, note: &Note) {
        match note {
            Note::Entered { .. } => self.entered += 1,
            Note::Ended { outcome, wait, .. } => {
                self.outcomes[*outcome as usize] += 1;
                if *outcome == Outcome::Answered {
                    self.answered_wait += *wait;
                }
            }
            Note::Counted { event, .. } => self.service.count(*event),
            Note::Handled { talk, hold, wrap_up, .. } => {
                self.handled += 1;
                self.talk += *talk;
                self.hold += *hold;
                self.wrap_up += *wrap_up;
            }
            _ => {}
        }
    }

    /// Entries that ended so.
    pub const fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// Entries that ended.
    pub fn ended(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// ASA: the mean wait of those who were answered.
    pub fn answer_speed(&self) -> Option<Duration> {
        mean(self.answered_wait, self.outcome(Outcome::Answered))
    }

    /// AHT: the mean of talk, hold and wrap-up.
    pub fn handle_time(&self) -> Option<Duration> {
        mean(self.talk + self.hold + self.wrap_up, self.handled)
    }

    /// The share of entries that abandoned, short ones left out of both: 0 to 1.
    pub fn abandonment(&self) -> Option<f64> {
        let entered = self.entered - self.outcome(Outcome::ShortAbandoned);
        (entered > 0).then(|| self.outcome(Outcome::Abandoned) as f64 / entered as f64)
    }
}

fn mean(sum: Duration, count: u64) -> Option<Duration> {
    let micros = u64::try_from(sum.as_micros()).unwrap_or(u64::MAX);
    (count > 0).then(|| Duration::from_micros(micros / count))
}

/// How long an agent was in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentFigures {
    spent: [Duration; AgentState::ALL.len()],
}

impl AgentFigures {
    /// So much longer.
    pub fn spend(&mut self, state: AgentState, time: Duration) {
        self.spent[state as usize] += time;
    }

    /// In `state`, together.
    pub const fn spent(&self, state: AgentState) -> Duration {
        self.spent[state as usize]
    }

    /// The share of talk, hold and wrap-up in those and ready time: 0 to 1. Paused time is left out.
    pub fn occupancy(&self) -> Option<f64> {
        let busy = self.spent(AgentState::Talking) + self.spent(AgentState::Holding) + self.spent(AgentState::WrapUp);
        let all = busy + self.spent(AgentState::Ready);
        (!all.is_zero()).then(|| busy.as_secs_f64() / all.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_formulas_and_their_labels() {
        let check = |counts: LevelCounts, expected: [Option<f64>; 3]| {
            let ratios = LevelFormula::ALL.map(|formula| counts.ratio(formula));
            assert_eq!(ratios, expected, "{counts:?}");
        };
        check(LevelCounts::default(), [None; 3]);
        let all = LevelCounts { answered: 6, abandoned: 2, taken_out: 1, late: 1, ..LevelCounts::default() };
        check(all, [Some(0.6), Some(0.75), Some(0.8)]);
        let outside = LevelCounts { short_abandoned: 9, left: 9, to_callback: 9, ..all };
        check(outside, [Some(0.6), Some(0.75), Some(0.8)]);
        check(LevelCounts { abandoned: 1, ..LevelCounts::default() }, [Some(0.0), None, Some(1.0)]);
        let names = LevelFormula::ALL.map(LevelFormula::name);
        assert_eq!(names, ["abandons_against", "abandons_ignored", "abandons_for"]);
        let interval = LevelCounts { answered: 9, late: 2, ..all }.since(&all);
        assert_eq!((interval.answered, interval.late, interval.total()), (3, 1, 4));
    }

    #[test]
    fn occupancy_leaves_pauses_out() {
        let mut figures = AgentFigures::default();
        assert_eq!(figures.occupancy(), None);
        for (state, seconds) in [
            (AgentState::Talking, 50),
            (AgentState::Holding, 10),
            (AgentState::WrapUp, 15),
            (AgentState::Ready, 25),
            (AgentState::Paused, 1_000),
            (AgentState::LoggedOut, 1_000),
            (AgentState::Ringing, 7),
        ] {
            figures.spend(state, Duration::from_secs(seconds));
        }
        assert_eq!(figures.occupancy(), Some(0.75));
    }
}
