//! The measurements, one after another: nothing else may run meanwhile.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::large::{FLOWS, STEPS, large_set};
use super::machine::{self, cpu, memory, resident_kib};
use super::place::{Answering, Place};
use super::table::Table;
use super::web::{ask, metric, serve};

/// What there is to measure, in its order.
pub const PARTS: [&str; 4] = ["set", "calls", "lookups", "recording"];

/// Live calls, and how many of them begin a second.
const CALLS: u32 = 500;
const RATE: u32 = 250;
/// From the first call until all talk.
const SETTLE: Duration = Duration::from_secs(5);
/// Reloads of the large set, and from the beginning of one to that of the next.
const LARGE_RELOADS: u32 = 10;
const LARGE_APART: Duration = Duration::from_millis(1_500);
/// Reloads of an ordinary set, likewise.
const RELOADS: u32 = 50;
const APART: Duration = Duration::from_millis(400);
/// Callers who press keys, and how: the first after a second, then one every 1.2 s.
const PRESSING: u32 = 200;
const PRESSES: &str = ",1,1,1,1,1,1,1,1,1,1";
/// Calls that are recorded, and those that are not; how long they are watched.
const RECORDED: u32 = 200;
const WATCH: Duration = Duration::from_secs(15);

/// A number that plays a recording for longer than anybody here listens.
const LISTEN: &str = "7000";
/// A number whose flow plays a short recording after every key 1; and one that asks a service before.
const KEYS: &str = "7001";
const LOOKUPS: &str = "7002";
/// As the first, of calls that are recorded.
const TAPED: &str = "7003";
const LISTEN_FLOW: &str = "flow: listen\nnumbers: [7000]\nlanguages: [en]\nstart: tone\nsteps:\n  tone: {say: A tone., next: end}\n  \
                           end: {hangup: }\n";
const KEYS_FLOW: &str = "flow: keys\nnumbers: [7001]\nlanguages: [en]\nstart: ask\nsteps:\n  ask:\n    menu: A tone.\n    choices:\n      \
                         1: Again -> ask\n";
const TAPED_FLOW: &str = "flow: taped\nnumbers: [7003]\nlanguages: [en]\nstart: consent\nsteps:\n  consent: {record: {consent: announce, \
                          prompt: A tone.}, next: tone}\n  tone: {say: A tone., next: end}\n  end: {hangup: }\n";
const RECORDINGS: [(&str, usize); 7] = [
    ("listen/tone", 60),
    ("taped/consent", 0),
    ("taped/tone", 60),
    ("keys/ask", 0),
    ("keys/ask.1", 0),
    ("lookups/ask", 0),
    ("lookups/ask.1", 0),
];

/// Measures the parts that are named, or all where none is.
pub fn parts(named: &[&str]) -> Table {
    let wanted = |part: &str| named.is_empty() || named.contains(&part);
    let mut table = Table::new("changes, lookups and recordings", "reload", machine::description(), machine::load());
    if wanted("set") {
        large_reloads(&mut table);
    }
    let lookups = format!(
        "flow: lookups\nnumbers: [7002]\nlanguages: [en]\ntime_zone: UTC\nstart: ask\nsteps:\n  ask:\n    menu: A tone.\n    choices:\n      \
         1: Again -> look\n  look: {{lookup: orders, save: order, found: ask, not_found: ask, failed: ask}}\nconnectors:\n  \
         orders: {{url: \"http://127.0.0.1:{}/\", private: true, at_once: 1000, fields: {{status: text}}}}\n",
        serve()
    );
    let flows = [("listen", LISTEN_FLOW), ("keys", KEYS_FLOW), ("lookups", &lookups), ("taped", TAPED_FLOW)];
    let place = Place::new(&flows, &RECORDINGS);
    let server = place.serve();
    if wanted("calls") {
        reloads(&place, &server, &mut table);
    }
    if wanted("lookups") {
        lookups_cost(&place, &server, &mut table);
    }
    if wanted("recording") {
        recording_cost(&place, &server, &mut table);
    }
    table
}

/// The large set, reloaded while calls listen: by one step that has changed, and by all of them.
fn large_reloads(table: &mut Table) {
    say("10,000 steps, reloaded under 500 calls");
    let set = large_set();
    let mut flows: Vec<(&str, &str)> = set.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    flows.push(("listen", LISTEN_FLOW));
    let place = Place::new(&flows, &RECORDINGS);
    let server = place.serve();
    let write = |round: u32| {
        for (name, text) in set.iter().take(if round.is_multiple_of(2) { 1 } else { FLOWS }) {
            let text = match round % 2 {
                0 => text.replacen("in step 0?", &format!("in step 0, round {round}?"), 1),
                _ => text.replace("the step number", &format!("in round {round} the step number")),
            };
            fs::write(place.path().join(format!("flows/{name}.yaml")), text).expect("written");
        }
    };
    let before = resident_kib(server.id());
    let reloaded = under_calls(&place, &server, LARGE_RELOADS, LARGE_APART, write);
    let longest = reloaded.times.iter().max().copied().unwrap_or_default();
    let median = median(reloaded.times.clone());
    table.row(
        "a set of 10,000 steps reloaded, longest",
        "<= 500 ms",
        millis(longest),
        longest <= Duration::from_millis(500),
    );
    table.figure("a set of 10,000 steps reloaded, median", millis(median));
    reloaded.told("10,000 steps", table);
    // What no call follows any more is let go of within seconds.
    thread::sleep(Duration::from_secs(5));
    let after = memory(server.id());
    table.figure(
        "10,000 steps: resident memory before and after",
        format!("{before} KiB, {} KiB ({} of it data)", after.resident_kib, after.own_kib),
    );
    table.note(format!(
        "The set is {FLOWS} flows of {STEPS} steps; {LARGE_RELOADS} reloads, in turn of one step that has changed and of every text. \
         A reload is timed from its request to its answer, when new calls follow it."
    ));
}

/// An ordinary set, reloaded often.
fn reloads(place: &Place, server: &Answering, table: &mut Table) {
    say("500 calls and 50 reloads");
    let write = |round: u32| {
        let text = LISTEN_FLOW.replace("say: A tone.", &format!("say: Tone {round}."));
        fs::write(place.path().join("flows/listen.yaml"), text).expect("written");
    };
    let reloaded = under_calls(place, server, RELOADS, APART, write);
    table.figure("an ordinary set reloaded, median", millis(median(reloaded.times.clone())));
    reloaded.told("50 reloads", table);
}

/// What reloads under live calls came to.
struct Reloaded {
    times: Vec<Duration>,
    report: Value,
    /// Ticks while nothing was reloaded, and while it was: all, and those later than 5, 10 and 20 ms.
    ticks: [[f64; 4]; 2],
}

fn under_calls(place: &Place, server: &Answering, rounds: u32, apart: Duration, write: impl Fn(u32)) -> Reloaded {
    let watch = apart * rounds;
    let hold = format!("{}s", (SETTLE + 2 * watch).as_secs() + 3);
    let dialling =
        place.dial(server, LISTEN, &["--calls", &CALLS.to_string(), "--rate", &RATE.to_string(), "--hold", &hold]);
    thread::sleep(SETTLE);
    let start = ticks(server);
    thread::sleep(watch);
    let quiet = ticks(server);
    let mut times = Vec::new();
    for round in 0..rounds {
        let began = Instant::now();
        write(round);
        let asked = Instant::now();
        let told: Value = serde_json::from_str(&ask(server.http, "POST", "/api/v1/reload")).expect("JSON");
        times.push(asked.elapsed());
        assert!(told["changes"].as_array().is_some_and(|changes| !changes.is_empty()), "{told}");
        thread::sleep(apart.saturating_sub(began.elapsed()));
    }
    let end = ticks(server);
    let between = |one: [f64; 4], other: [f64; 4]| [0, 1, 2, 3].map(|place| other[place] - one[place]);
    Reloaded { times, report: dialling.report(), ticks: [between(start, quiet), between(quiet, end)] }
}

/// Ticks so far: all, and those later than 5, 10 and 20 ms. They are told once a second.
fn ticks(server: &Answering) -> [f64; 4] {
    thread::sleep(Duration::from_millis(1_100));
    let text = ask(server.http, "GET", "/metrics");
    let below = |bound: &str| metric(&text, &format!("helpline_media_tick_late_seconds_bucket{{le=\"{bound}\"}}"));
    let all = below("+Inf");
    [all, all - below("0.005"), all - below("0.01"), all - below("0.02")]
}

impl Reloaded {
    fn told(&self, of: &'static str, table: &mut Table) {
        let whole = |pointer: &str| self.report.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        let name = |figure: &str| -> &'static str { format!("{of}: {figure}").leak() };
        let [quiet, busy] = self.ticks;
        let late = |ticks: [f64; 4]| format!("{} of {} (5 ms: {}, 10 ms: {})", ticks[3], ticks[0], ticks[1], ticks[2]);
        table.row(name("calls that live through it"), "500", whole("/calls/answered").to_string(), {
            whole("/calls/answered") == u64::from(CALLS) && whole("/calls/ended_by_the_other_side") == 0
        });
        let (expected, received) = (whole("/rtp/expected"), whole("/rtp/received"));
        let delivered = format!("{received} of {expected}");
        table.row(name("packets delivered"), "all", delivered, expected > 0 && expected == received);
        table.row(name("ticks a tick late (20 ms)"), "0", late(busy), busy[3] == 0.0);
        table.figure(name("the same while nothing is reloaded"), late(quiet));
        let spread = |share: &str| {
            let figure = self.report.pointer("/rtp/inter_arrival_ms").and_then(|spread| spread.get(share)?.as_f64());
            format!("{} {:.2} ms", share.replace('_', "."), figure.unwrap_or(f64::NAN))
        };
        let pacing = ["p99", "p99_9", "max"].map(spread).join(", ");
        table.figure(name("packet to packet, reloads and quiet"), pacing);
    }
}

/// What a lookup costs beside the same keys without one.
fn lookups_cost(place: &Place, server: &Answering, table: &mut Table) {
    say("lookups");
    let run = |number: &str| {
        let idle = idle(server);
        let (before, began) = (cpu(server.id()), Instant::now());
        let report = place
            .dial(
                server,
                number,
                &["--calls", &PRESSING.to_string(), "--rate", "100", "--hold", "15s", "--keys", PRESSES],
            )
            .report();
        let used = (cpu(server.id()) - before).as_secs_f64() - idle * began.elapsed().as_secs_f64();
        (used, report)
    };
    // The first of all brings the code into memory that the others run.
    run(LOOKUPS);
    let (bare, keys) = run(KEYS);
    let (used, looked) = run(LOOKUPS);
    let (bare_after, _) = run(KEYS);
    let pressed = looked.pointer("/keys/pressed").and_then(Value::as_u64).unwrap_or_default();
    let each = (used - (bare + bare_after) / 2.0) * 1_000.0 / pressed.max(1) as f64;
    table.figure("CPU of a lookup, beside the key that asks for it", format!("{each:.3} ms"));
    let delay = |report: &Value, share: &str| {
        report.pointer("/keys/to_next_prompt_ms").and_then(|spread| spread.get(share)?.as_f64()).unwrap_or(f64::NAN)
    };
    for (name, share) in
        [("key to next prompt over a lookup, p50", "p50"), ("key to next prompt over a lookup, p99", "p99")]
    {
        table.figure(name, format!("{:.2} ms; without it {:.2} ms", delay(&looked, share), delay(&keys, share)));
    }
    let text = ask(server.http, "GET", "/metrics");
    let (sum, count) = (
        metric(&text, "helpline_lookup_seconds_sum{connector=\"orders\"}"),
        metric(&text, "helpline_lookup_seconds_count{connector=\"orders\"}"),
    );
    let answered = metric(&text, "helpline_lookups_total{connector=\"orders\",outcome=\"found\"}");
    table.row("lookups that were answered", "all", format!("{answered} of {count}"), answered == count && count > 0.0);
    table.note(format!(
        "A lookup took {:.2} ms from its order to its answer on average; the service answers at once, on connections that stay open, from \
         the generator's cores.",
        sum / count.max(1.0) * 1_000.0
    ));
}

/// What a recorded call costs beside one that is not.
fn recording_cost(place: &Place, server: &Answering, table: &mut Table) {
    say("recorded calls");
    let run = |number: &str| {
        let hold = format!("{}s", (SETTLE + WATCH).as_secs() + 3);
        let calls = RECORDED.to_string();
        let dialling = place.dial(server, number, &["--calls", &calls, "--rate", "100", "--hold", &hold]);
        thread::sleep(SETTLE);
        let (late, before, began) = (ticks(server), cpu(server.id()), Instant::now());
        thread::sleep(WATCH);
        let used = (cpu(server.id()) - before).as_secs_f64() / began.elapsed().as_secs_f64();
        let after = ticks(server);
        let report = dialling.report();
        (used * 100.0 / f64::from(RECORDED), after[3] - late[3], report)
    };
    let (plain, plain_late, _) = run(LISTEN);
    let (taped, taped_late, report) = run(TAPED);
    table.figure("CPU of a recorded call, of one core", format!("{taped:.4} %; unrecorded {plain:.4} %"));
    let text = ask(server.http, "GET", "/metrics");
    let failures: f64 = text
        .lines()
        .filter(|line| line.starts_with("helpline_tape_failures_total"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum();
    table.row("recordings that failed", "0", failures.to_string(), failures == 0.0);
    let whole = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let (expected, received) = (whole("/rtp/expected"), whole("/rtp/received"));
    let delivered = format!("{received} of {expected}");
    table.row("packets of recorded calls delivered", "all", delivered, expected > 0 && expected == received);
    let told = format!("{taped_late}; unrecorded {plain_late}");
    table.row("ticks a tick late with recorded calls", "0", told, taped_late == 0.0);
    let kept = fs::read_dir(place.path().join("data/recordings")).map_or(0, |folder| folder.count());
    table.note(format!("{RECORDED} calls at once, in stereo; data/recordings has {kept} entries afterwards."));
}

/// The share of a processor that the server uses while nobody calls.
fn idle(server: &Answering) -> f64 {
    let (before, began) = (cpu(server.id()), Instant::now());
    thread::sleep(Duration::from_secs(2));
    (cpu(server.id()) - before).as_secs_f64() / began.elapsed().as_secs_f64()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1_000.0)
}

fn say(what: &str) {
    eprintln!("measuring: {what}");
}
