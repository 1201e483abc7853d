//! The one timer of a loop.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};

/// Wakes a loop that looks itself for what is due. It is moved only when something becomes due earlier, since moving it
/// costs much and most deadlines are cleared before they come: the loop may be woken for nothing, once for each time that
/// the alarm was set.
#[derive(Debug)]
pub struct Alarm {
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    /// One that rings at once. It belongs to the runtime in which it is made.
    pub fn new() -> Alarm {
        Alarm { sleep: Box::pin(sleep_until(Instant::now().into())) }
    }

    /// Has it ring at `deadline`, or before.
    pub fn set(&mut self, deadline: Instant) {
        if self.sleep.is_elapsed() || deadline < self.sleep.deadline().into_std() {
            self.sleep.as_mut().reset(deadline.into());
        }
    }

    /// Ready when it rings, and until it is set again.
    pub fn poll_ring(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(context)
    }
}

impl Default for Alarm {
    fn default() -> Alarm {
        Alarm::new()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_rings_at_the_earliest_that_was_wanted() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let begun = Instant::now();
            let mut alarm = Alarm::new();
            poll_fn(|context| alarm.poll_ring(context)).await;
            // (wanted one after another, when it rings), in milliseconds.
            for (wanted, at) in
                [(vec![30], 30), (vec![90, 60], 60), (vec![90, 120], 90), (vec![], 90), (vec![110], 110)]
            {
                for wanted in wanted {
                    alarm.set(begun + Duration::from_millis(wanted));
                }
                poll_fn(|context| alarm.poll_ring(context)).await;
                assert!(begun.elapsed() >= Duration::from_millis(at), "{at} ms");
                assert_eq!(alarm.sleep.deadline().into_std(), begun + Duration::from_millis(at));
            }
        });
    }
}
