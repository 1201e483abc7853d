//! The measurements, one after another: nothing else may run meanwhile.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::figures::Figures;
use super::machine::{self, cpu, memory, resident_kib};
use super::place::{Answering, Dialling, Place, free_port};

/// The number that plays a recording for longer than anybody here listens.
const LISTEN: &str = "1000";
/// The number that plays a short recording after every key 1.
const KEYS: &str = "2000";

const FLOWS: [(&str, &str); 2] = [
    (
        "listen",
        "flow: listen\nnumbers: [1000]\nlanguages: [en]\nstart: tone\nsteps:\n  tone:\n    say: A tone.\n    next: end\n  \
         end:\n    hangup:\n",
    ),
    (
        "keys",
        "flow: keys\nnumbers: [2000]\nlanguages: [en]\nstart: ask\nsteps:\n  ask:\n    menu: A tone.\n    choices:\n      \
         1: Again -> ask\n",
    ),
];

/// The recordings of these flows, and how many seconds each lasts.
const RECORDINGS: [(&str, usize); 3] = [("listen/tone", 60), ("keys/ask", 0), ("keys/ask.1", 0)];
/// Calls at once.
const CALLS: u32 = 1_000;
/// Calls begun a second until they all talk.
const RATE: u32 = 250;
/// From the first call until all talk, and whatever their beginning left to do is done.
const SETTLE: Duration = Duration::from_secs(6);
/// How long the server is watched with all calls, and each run of the bare loop.
const WATCH: Duration = Duration::from_secs(30);
const WATCH_BARE: Duration = Duration::from_secs(15);
/// Calls that are set up and torn down at once, at two rates.
const SETUPS: u32 = 5_000;
const SETUPS_FAST: u32 = 6_000;
/// The first calls of all, few and slow: after them all code that a call needs has been run once and is in memory. A leak
/// that they alone have would be no leak, and one of every call shows in the many after them.
const SETUPS_FIRST: u32 = 200;
/// The calls before these, after which the server counts as warm: more than are in memory at any later time.
const SETUPS_WARM: u32 = 12_000;
/// The calls of earlier runs whose transactions have to be over before memory is told: 64 × T1 and some (RFC 3261).
const FORGET: Duration = Duration::from_secs(36);
/// Callers who press keys, and how: the first after a second, then one every 1.2 s.
const PRESSING: u32 = 200;
const PRESSES: &str = ",1,1,1,1,1,1,1,1,1,1";

/// CPU of the steady state.
struct Steady {
    /// Share of one processor that a call takes, in %.
    percent_per_call: f64,
    report: Value,
    /// Resident memory while all calls talked, in KiB.
    resident_kib: u64,
}

/// What there is to measure, in its order.
pub const PARTS: [&str; 3] = ["audio", "setups", "keys"];

/// Measures the parts that are named, or all where none is.
pub fn parts(named: &[&str]) -> Figures {
    let wanted = |part: &str| named.is_empty() || named.contains(&part);
    let place = Place::new(&FLOWS, &RECORDINGS);
    let mut figures = Figures::new(machine::description(), machine::load());
    let server = place.serve();
    if wanted("audio") {
        audio(&place, &server, &mut figures);
    }
    if wanted("setups") {
        setups(&place, &server, &mut figures);
    }
    if wanted("keys") {
        say("keys");
        let calls = PRESSING.to_string();
        let pressing = ["--calls", &calls, "--rate", "100", "--hold", "15s", "--keys", PRESSES];
        figures.keys(&place.dial(&server, KEYS, &pressing).report());
    }
    figures
}

/// All calls at once, between two runs of the bare loop.
fn audio(place: &Place, server: &Answering, figures: &mut Figures) {
    say("the bare loop");
    let before = steady(place, &bare(place), WATCH_BARE);
    say("1,000 calls at once");
    let idle_kib = resident_kib(server.id());
    let calls = steady(place, server, WATCH);
    say("the bare loop once more");
    let after = steady(place, &bare(place), WATCH_BARE);
    let bare = (before.percent_per_call + after.percent_per_call) / 2.0;
    figures.cpu(calls.percent_per_call, bare, (before.percent_per_call, after.percent_per_call));
    figures.pacing(&calls.report, &before.report);
    figures.memory(calls.resident_kib.saturating_sub(idle_kib) as f64 / f64::from(CALLS));
}

/// Starts the bare loop on the server's processor.
fn bare(place: &Place) -> Answering {
    let port = free_port();
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([super::bare::ARGUMENT, &port.to_string()]);
    let answering = place.answering(&mut command, port, 0);
    thread::sleep(Duration::from_millis(300));
    answering
}

/// All calls at once, watched while nothing but audio happens.
fn steady(place: &Place, answering: &Answering, watch: Duration) -> Steady {
    let hold = SETTLE + watch + Duration::from_secs(1);
    let hold = format!("{}s", hold.as_secs());
    let dialling = begin(place, answering, &hold);
    thread::sleep(SETTLE);
    let (cpu_before, began) = (cpu(answering.id()), Instant::now());
    thread::sleep(watch);
    let used = cpu(answering.id()) - cpu_before;
    let watched = began.elapsed();
    let resident_kib = resident_kib(answering.id());
    let report = dialling.report();
    let percent = used.as_secs_f64() / watched.as_secs_f64() * 100.0;
    Steady { percent_per_call: percent / f64::from(CALLS), report, resident_kib }
}

fn begin(place: &Place, answering: &Answering, hold: &str) -> Dialling {
    let (calls, rate) = (CALLS.to_string(), RATE.to_string());
    place.dial(answering, LISTEN, &["--calls", &calls, "--rate", &rate, "--hold", hold])
}

/// Calls that hang up as soon as they are answered. What they cost is all that the server uses until it has forgotten
/// them, less what it uses when idle.
fn setups(place: &Place, server: &Answering, figures: &mut Figures) {
    say("calls set up and torn down");
    let run = |calls: u32, rate: &str| {
        let calls = calls.to_string();
        place.dial(server, LISTEN, &["--calls", &calls, "--rate", rate, "--hold", "0s"]).report()
    };
    let cold = memory(server.id());
    run(SETUPS_FIRST, "100");
    thread::sleep(FORGET);
    let settled = memory(server.id());
    // Transactions live for 32 s: all of these are in memory at once.
    run(SETUPS_WARM, "1000");
    let peak = memory(server.id());
    thread::sleep(FORGET);
    let warm = memory(server.id());
    let (idle_before, began) = (cpu(server.id()), Instant::now());
    thread::sleep(Duration::from_secs(3));
    let idle = (cpu(server.id()) - idle_before).as_secs_f64() / began.elapsed().as_secs_f64();
    // Less what the server uses when idle, so many milliseconds a call since then.
    let since = |(cpu_before, began): (Duration, Instant), calls: u32| {
        let used = (cpu(server.id()) - cpu_before).as_secs_f64() - idle * began.elapsed().as_secs_f64();
        used * 1_000.0 / f64::from(calls)
    };
    let all = (cpu(server.id()), Instant::now());
    let steady = run(SETUPS, "500");
    let at_500 = since(all, SETUPS);
    let second = (cpu(server.id()), Instant::now());
    let fast = run(SETUPS_FAST, "1500");
    let at_1500 = since(second, SETUPS_FAST);
    thread::sleep(FORGET);
    let milliseconds = since(all, SETUPS + SETUPS_FAST);
    figures.setups(milliseconds, [at_500, at_1500], &steady, &fast);
    figures.forgotten([cold, settled, peak, warm, memory(server.id())]);
}

fn say(what: &str) {
    eprintln!("measuring: {what}");
}
