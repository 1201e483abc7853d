//! How long a thousand call tests take in which callers wait for twenty minutes: `cargo bench --bench call_tests`. The figure
//! that must be reached is 5 s on one processor of the kind that build servers have.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use helpline::cli::test::{Arguments, Format, played};
use helpline::flow::document::{self, Known, Source};

const TESTS: usize = 1_000;
const TOO_LONG: Duration = Duration::from_secs(5);

const FLOW: &str = "\
flow: main
numbers: [1000]
time_zone: Europe/London
start: welcome
always: {0: person}
steps:
  welcome: {say: Thank you for calling Acme., next: main}
  main:
    menu: How can we help?
    choices:
      1: For billing -> billing
      2: For anything else -> person
  billing: {queue: support, skill: billing, priority: 2, next: bye}
  person: {queue: support, next: bye}
  bye: {hangup: Goodbye.}
queues:
  support:
    agents: [1001, 1002, 1003]
    announce: {position: place, wait: auto, first_after: 20s, repeat: 60s}
    when_too_long: {after: 1h}
agents:
  1001: {name: Ada, skills: [billing]}
  1002: {name: Grace}
  1003: {name: Mary}
";

fn main() {
    let mut text = format!("{FLOW}tests:\n");
    for test in 0..TESTS {
        text.push_str(&format!(
            "  - test: the wait of caller {test}\n    agents: {{1001: busy for 18m, 1002: logged out, 1003: busy for 1h}}\n    \
             waiting: {{support: {}}}\n    call: [hear: main, press: 2, wait: 20m, never_hear: you are number 10, expect: {{step: person}}]\n",
            1 + test % 8,
        ));
    }
    let sources = [Source { file: "main.yaml".to_owned(), text }];
    let began = Instant::now();
    let reading = document::read(&sources, &Known::of(&BTreeSet::new()));
    assert!(!reading.has_errors(), "{:#?}", reading.diagnostics);
    let read = began.elapsed();
    let arguments =
        Arguments { name: None, format: Format::Human, junit: None, coverage: true, seed: 1, colour: false };
    let report = played(reading, &sources, &|_| None, &arguments, false).expect("all tests are asked for");
    let took = began.elapsed();
    assert_eq!(report.failed, 0, "{}", report.text);
    let summary = report.text.lines().last().unwrap_or_default();
    println!("{summary}\nread in {} ms, played in {} ms", read.as_millis(), (took - read).as_millis());
    println!(
        "| 1,000 call tests with twenty-minute waits | <= 5 s | {:.2} s | {} |",
        took.as_secs_f64(),
        if took <= TOO_LONG { "ok" } else { "MISSED" }
    );
    assert!(cfg!(debug_assertions) || took <= TOO_LONG, "it took {took:?}");
}
