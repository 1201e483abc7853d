//! What was before the call of a call test: earlier calls of the caller, and how long calls of a queue have taken.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;

use super::{TestReader, times};
use crate::flow::call_test::History;
use crate::flow::document::codes;
use crate::flow::document::tree::{Entry, Node};
use crate::telephony::PhoneNumber;

/// What is told of the caller.
pub(in crate::flow::document) const KEYS: [&str; 4] = ["name", "calls_today", "last_call", "last_agent"];

/// Most calls of one day, the call itself among them: of more the engine itself knows nothing.
pub const MOST_CALLS: u32 = 32;
/// What a call may have taken on the average.
pub(crate) const HANDLE_TIMES: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7_200);

/// Before the call was the last one of a caller of whom a test tells only who talked to them.
const A_DAY: Duration = Duration::from_secs(86_400);

impl TestReader<'_, '_> {
    /// `caller: {calls_today: 3, last_agent: 1001}` and `handle_time: {support: 6m}`, of a call from `from` at `at`; the latter
    /// is `None` where it was not told well.
    pub(super) fn history(&mut self, node: &Node, from: Option<&str>, at: Option<DateTime>) -> History {
        let mut history = node.find("caller").map(|caller| self.caller(caller, from, at)).unwrap_or_default();
        if let Some(times) = node.find("handle_time") {
            for entry in self.section.table(times, "a table such as `{support: 6m}`").unwrap_or(&[]) {
                let queue = self.queue(entry.key_span, &entry.key);
                history.handle_times.extend(queue.zip(self.section.length(entry, HANDLE_TIMES)));
            }
        }
        history
    }

    fn caller(&mut self, entry: &Entry, from: Option<&str>, at: Option<DateTime>) -> History {
        let entries = self.section.table(entry, "a table such as `{calls_today: 3}`").unwrap_or(&[]);
        self.section.tell_unknown(entries, &KEYS, "the caller of a call test");
        let withheld = from.is_some_and(|from| PhoneNumber::new(from).is_withheld());
        let known = entries.iter().find(|entry| entry.key != "name" && KEYS.contains(&entry.key.as_str()));
        if let Some(known) = known.filter(|_| withheld) {
            let message = format!("`{}` of a caller who withholds their number", known.key);
            let remedy = "callers are known by their numbers: of this one nothing is known from earlier calls";
            self.fault(codes::UNREAD_KEY, known.key_span, message, remedy);
            return History::default();
        }
        let find = |key: &str| entries.iter().find(|entry| entry.key == key);
        let name = find("name").and_then(|name| self.section.text(name, "the name that comes with the call"));
        let last_agent = find("last_agent").and_then(|last| self.last_agent(last));
        let today = find("calls_today").and_then(|today| self.section.number(today, 1..=MOST_CALLS));
        let last_call = find("last_call").and_then(|last| Some((last, times::at(&mut self.section, last)?)));
        let mut calls = at.and_then(|at| self.calls(at, today, last_call)).unwrap_or_default();
        if calls.is_empty() && last_agent.is_some() {
            // Who has talked to somebody has called before.
            calls.extend(at.and_then(|at| at.checked_sub(A_DAY).ok()));
        }
        History { name: name.map(Arc::from), calls, last_agent, handle_times: Vec::new() }
    }

    fn last_agent(&mut self, entry: &Entry) -> Option<Arc<str>> {
        let text = self.section.text(entry, "the extension of an agent")?;
        let agent = self.set.agents.iter().find(|agent| *agent.extension == *text);
        if agent.is_none() {
            self.no_such_agent(text, entry.place());
        }
        agent.map(|agent| agent.extension.clone())
    }

    /// When the caller has called before, so that this call is the one of that number on its day.
    fn calls(&mut self, at: DateTime, today: Option<u32>, last: Option<(&Entry, DateTime)>) -> Option<Vec<DateTime>> {
        if let Some((entry, _)) = last.filter(|(_, last)| *last >= at) {
            let message = "the caller's last call is not before this one".to_owned();
            self.fault(codes::TEST_TIME, entry.place(), message, "write when they called before that");
            return None;
        }
        let same_day = last.filter(|(_, last)| last.date() == at.date());
        // One that is told as such is one of them.
        let least = if same_day.is_some() { 2 } else { 1 };
        let today = today.unwrap_or(least);
        if let Some((entry, _)) = last
            && (today < least || same_day.is_none() && today > 1)
        {
            let (message, remedy) = if same_day.is_some() {
                (
                    "the caller's last call was on the same day, so this is their second".to_owned(),
                    "write `calls_today: 2`",
                )
            } else {
                let message =
                    format!("the caller calls for time {today} on this day, so their last call was on it too");
                (message, "leave `last_call` away, or give it a time on the day of the call")
            };
            self.fault(codes::TEST_TIME, entry.place(), message, remedy);
            return None;
        }
        let Some((_, last)) = last.filter(|_| same_day.is_none()) else {
            let latest = same_day.map_or(at, |(_, last)| last);
            let midnight = at.date().to_datetime(jiff::civil::Time::midnight());
            // From midnight on, at equal distances.
            let between = latest.duration_since(midnight);
            let before = i32::try_from(today - least).unwrap_or(0);
            let spread = (1..=before).map(|call| midnight + between * call / (before + 1));
            return Some(spread.chain(same_day.map(|(_, last)| last)).collect());
        };
        Some(vec![last])
    }
}
