//! A web service that answers soon, late, wrongly or never.

use std::time::Duration;

use helpline::flow::{LookupAnswer, LookupFailure};
use helpline::switchboard::{Answered, Ask, Input};
use helpline::telephony::CallId;

use super::{Happening, World};

impl World {
    pub(super) fn ask(&mut self, ask: &Ask) {
        let (call, lookup) = (ask.call, ask.request.lookup);
        assert!(self.tally.open.contains(&call), "{call} is over, and asks");
        assert!(self.asked.insert((call, lookup)), "{call} asks twice by one name");
        assert_eq!(self.asked.iter().filter(|(asks, _)| *asks == call).count(), 1, "{call} asks two things at once");
        self.tally.asked += 1;
        let answer = match self.random.u8(0..8) {
            0..=2 => LookupAnswer::Found(Vec::new()),
            3 | 4 => LookupAnswer::NotFound,
            5 => LookupAnswer::Failed(LookupFailure::Unreachable),
            6 => LookupAnswer::Failed(LookupFailure::Refused),
            // It never answers.
            _ => return,
        };
        // Soon, or when callers have long been comforted, or about when they are not kept any longer.
        let took = match self.random.u8(0..6) {
            0 => 10_000 + self.random.u64(0..3),
            1 => self.random.u64(1_000..20_000),
            _ => self.random.u64(1..1_500),
        };
        let answered = Answered { call, lookup, answer, took: Duration::from_millis(took), tries: 1, why: None };
        self.plan(took, Happening::Tell(Input::Answered(Box::new(answered))));
    }

    /// What was asked is wanted no more, and was not answered before.
    pub(super) fn ask_no_more(&mut self, call: CallId, lookup: u32) {
        assert!(self.asked.remove(&(call, lookup)), "{call} gives up what it has not asked, or has an answer to");
    }
}
