//! What was before a call, as an earlier process would have left it.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::flow::FlowSet;
use crate::flow::call_test::History;
use crate::switchboard::{Kept, KeptCaller, KeptQueue, WallTime, label_of};
use crate::telephony::PhoneNumber;

/// As many calls tell how long they take: with so many a queue's own line alone tells how long a wait is.
const HANDLED: u32 = 30;

/// What was before the call that comes `from` a number; times are those of `zone`.
pub(super) fn kept(flows: &FlowSet, history: &History, from: &str, zone: &TimeZone) -> Kept {
    let time = |at: &DateTime| at.to_zoned(zone.clone()).map_or(0, |zoned| zoned.timestamp().as_microsecond());
    let calls: Vec<WallTime> = history.calls.iter().map(|call| WallTime(time(call))).collect();
    let seed = 0;
    let caller = calls.last().map(|last| KeptCaller {
        label: label_of(seed, &PhoneNumber::new(from)),
        last_call: *last,
        calls: calls.clone(),
        last_agent: history.last_agent.clone(),
    });
    let queues = history.handle_times.iter().map(|(queue, time_of_one)| {
        let all = u64::try_from((*time_of_one * HANDLED).as_micros()).unwrap_or(u64::MAX);
        KeptQueue {
            name: flows.queue(*queue).name.clone(),
            handled: u64::from(HANDLED),
            talk: all,
            // All of them before anything else: it counts for two hours.
            past: vec![(WallTime::default(), all, HANDLED, HANDLED, 0)],
            ..KeptQueue::default()
        }
    });
    Kept { seed, callers: caller.into_iter().collect(), queues: queues.collect(), ..Kept::default() }
}
