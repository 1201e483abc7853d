//! Tests that hear what real programs say are as good as the machine is at its work: where it was too busy for audio, a
//! test that failed is run once more.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// A thread that has nothing to do and is woken later than this shows a machine on which audio breaks: a packet that is sent
/// half of its length late, 10 ms, leaves a gap, and other threads than this one may be woken later still.
const BUSY: Duration = Duration::from_millis(5);
/// So often a test is run at most.
const ATTEMPTS_MAX: u32 = 4;
/// So long the machine is given to come to rest.
const REST_MAX: Duration = Duration::from_secs(60);
/// A second without a wake-up that is later than this is rest.
const RESTED: Duration = Duration::from_millis(10);

/// Runs a test. Where it fails while the machine was too busy, it is run again when that is over; a failure on a machine
/// that had time for it stands.
pub fn patiently(test: impl Fn()) {
    for attempt in 1.. {
        let watch = Watch::start();
        let outcome = catch_unwind(AssertUnwindSafe(&test));
        let late = watch.end();
        let Err(why) = outcome else { return };
        if late < BUSY || attempt == ATTEMPTS_MAX {
            resume_unwind(why);
        }
        eprintln!("the machine was busy, and woke who sleeps {late:?} too late: once more");
        let began = Instant::now();
        while began.elapsed() < REST_MAX {
            let watch = Watch::start();
            sleep(Duration::from_secs(1));
            if watch.end() < RESTED {
                break;
            }
        }
    }
}

/// How late the machine wakes who sleeps.
struct Watch {
    over: Arc<AtomicBool>,
    /// In microseconds, the latest so far.
    late: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Watch {
    fn start() -> Watch {
        let (over, late) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ends, latest) = (Arc::clone(&over), Arc::clone(&late));
        let thread = thread::spawn(move || {
            const NAP: Duration = Duration::from_millis(10);
            while !ends.load(Ordering::Relaxed) {
                let began = Instant::now();
                sleep(NAP);
                let beyond = began.elapsed().saturating_sub(NAP);
                latest.fetch_max(u64::try_from(beyond.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        });
        Watch { over, late, thread }
    }

    fn end(self) -> Duration {
        self.over.store(true, Ordering::Relaxed);
        // It cannot fail.
        let _ = self.thread.join();
        Duration::from_micros(self.late.load(Ordering::Relaxed))
    }
}

#[test]
fn a_test_that_fails_on_a_machine_at_rest_fails() {
    let runs = AtomicU64::new(0);
    let failed = catch_unwind(AssertUnwindSafe(|| {
        patiently(|| {
            runs.fetch_add(1, Ordering::Relaxed);
            panic!("it is meant to");
        });
    }));
    assert!(failed.is_err());
    assert!(runs.load(Ordering::Relaxed) <= u64::from(ATTEMPTS_MAX));
}
