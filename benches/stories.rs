//! What the desk spends on stories: for a call from its first entry to its last, and to answer a list of 500.
//! `cargo bench --bench stories`; `CALLS` and `OPEN` change the size.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use helpline::clock::Moment;
use helpline::journal::{Ended, JournalEntry, JournalEvent, Offered, Outcome, StepName, Stories};
use helpline::telephony::{CallId, Caller, Cause, Codec, DigitSource, PlaybackId, TransportKind};

fn main() {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (calls, open) = (number("CALLS", 100_000), number("OPEN", 1_000));
    let mut stories = Stories::default();
    let mut spent = Duration::ZERO;
    let mut entries = 0;
    for call in 0..calls + open {
        let mut told = told(call);
        if call < open {
            told.pop();
        }
        entries = told.len();
        let began = Instant::now();
        told.into_iter().for_each(|entry| stories.fold(entry));
        spent += began.elapsed();
    }
    println!(
        "a call of {entries} entries: {} ns, with {open} in progress",
        spent.as_nanos() / u128::from(calls + open)
    );
    let began = Instant::now();
    let rounds = 2_000;
    for _ in 0..rounds {
        black_box(stories.open_after(None).take(500).cloned().collect::<Vec<_>>());
    }
    println!("a list of 500: {} us", began.elapsed().as_micros() / rounds);
}

/// What the journal says of a call that walks a menu.
fn told(call: u64) -> Vec<JournalEntry> {
    let step = |step: &Arc<str>| StepName { flow: "main".into(), step: step.clone() };
    let (welcome, menu): (Arc<str>, Arc<str>) = ("welcome".into(), "menu".into());
    let offered = Offered {
        caller: Caller::default(),
        dialled: "1000".into(),
        flow: Some("main".into()),
        source: ([192, 0, 2, 7], 5060).into(),
        transport: TransportKind::Udp,
        sip_call_id: format!("{call}@192.0.2.7"),
    };
    let ended =
        Ended { outcome: Outcome::HungUp, cause: Cause::RemoteHungUp, duration: Duration::from_secs(60), report: None };
    let events = [
        JournalEvent::Offered(Box::new(offered)),
        JournalEvent::Answered { codec: Some(Codec::Pcmu), port: 16_384 },
        JournalEvent::Began,
        JournalEvent::StepEntered(step(&welcome)),
        JournalEvent::Playing { playback: PlaybackId(call), clips: 1 },
        JournalEvent::StepLeft { step: step(&welcome), exit: "next".into() },
        JournalEvent::StepEntered(step(&menu)),
        JournalEvent::Playing { playback: PlaybackId(call), clips: 3 },
        JournalEvent::Digit { source: DigitSource::Rtp },
        JournalEvent::StepLeft { step: step(&menu), exit: "choice 1".into() },
        JournalEvent::FlowEnded,
        JournalEvent::HungUp { cause: Cause::LocalHungUp },
        JournalEvent::Ended(Box::new(ended)),
    ];
    let entry = |event| JournalEntry { at: Moment::from_millis(call), call: Some(CallId(call)), event };
    events.into_iter().map(entry).collect()
}
