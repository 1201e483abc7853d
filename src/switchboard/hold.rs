//! Being put on hold.

use std::time::Duration;

use crate::clock::Moment;

/// As long may a caller hold us.
pub const HOLD_MAX: Duration = Duration::from_secs(3_600);

/// While the caller holds us they neither hear nor are heard, so the flow's clock stands still: nobody is hung up on for
/// not pressing a key during it.
#[derive(Debug, Default)]
pub(super) struct Hold {
    since: Option<Moment>,
    /// All holds that are over.
    total: Duration,
}

impl Hold {
    /// Takes what is so now, and tells whether it is news.
    pub(super) fn follow(&mut self, now: Moment, held: bool) -> bool {
        match self.since {
            None if held => self.since = Some(now),
            Some(since) if !held => {
                self.total += now.since(since);
                self.since = None;
            }
            _ => return false,
        }
        true
    }

    /// When the caller has held us for too long, while they do.
    pub(super) fn limit(&self) -> Option<Moment> {
        self.since.map(|since| since + HOLD_MAX)
    }

    /// The flow's own time at `now`.
    pub(super) fn flow_time(&self, now: Moment) -> Moment {
        let now = self.since.unwrap_or(now);
        Moment::ZERO + now.since(Moment::ZERO + self.total)
    }

    /// Lets the flow's own time at `now` be `time`: a flow goes on for another caller than before.
    pub(super) fn go_on_from(&mut self, now: Moment, time: Moment) {
        self.total = self.since.unwrap_or(now).since(time);
    }

    /// When the flow's own time will be `moment`, unless there is another hold.
    pub(super) fn real_time(&self, moment: Moment) -> Moment {
        moment + self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flow_does_not_see_the_time_of_a_hold() {
        let seconds = |seconds: u64| Moment::from_millis(seconds * 1_000);
        let mut hold = Hold::default();
        assert!(!hold.follow(seconds(1), false));
        assert!(hold.follow(seconds(10), true));
        assert!(!hold.follow(seconds(11), true));
        assert_eq!((hold.flow_time(seconds(30)), hold.limit()), (seconds(10), Some(seconds(3_610))));
        assert!(hold.follow(seconds(40), false));
        assert_eq!((hold.flow_time(seconds(41)), hold.limit()), (seconds(11), None));
        assert_eq!(hold.real_time(seconds(15)), seconds(45));
        hold.go_on_from(seconds(50), seconds(5));
        assert_eq!((hold.flow_time(seconds(51)), hold.real_time(seconds(6))), (seconds(6), seconds(51)));
    }
}
