use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::flow::document::{self, Known, Severity};

/// The flow of the contract's section 3, as far as its call tests go.
const FLOW: &str = "\
flow: main
numbers: [\"+442079460000\", 1000]
languages: [en]
time_zone: Europe/London
start: welcome
always: {0: agent, star: back, hash: again}
steps:
  welcome:
    say: Thank you for calling Acme. This call may be recorded.
    must_hear: true
    next: open
  open:
    hours: office
    open: main
    closed: after_hours
  main:
    menu: How can we help?
    choices:
      1: To follow an order -> order
      2: For billing        -> billing
      3:
        say: For technical help
        go: technical
        when: hours.tech
  order:
    collect: Please enter your order number, then press hash.
    digits: 6-8
    save: order_number
    next: told
  told:
    say: Order {order_number|digits} is on its way.
    next: main
  billing:   {queue: support, skill: billing}
  technical: {queue: support, skill: technical, priority: 2}
  agent:     {queue: support}
  after_hours:
    menu: We are closed. We open {hours.office.next|day_time}.
    choices:
      1: To hear that again -> after_hours
      2: To end this call -> bye
  bye: {hangup: Goodbye.}
hours:
  office: {mon-fri: 09:00-17:30, sat: 10:00-14:00}
  tech:   {mon-fri: 08:00-20:00}
agents:
  1001: {name: Ada, skills: [billing, technical]}
  1002: {name: Grace}
queues:
  support:
    agents: [1001, 1002]
    announce: {position: place, wait: auto, first_after: 20s, repeat: 60s}
    when_full:      {over: 50, go: after_hours}
    when_too_long:  {after: 15m, go: after_hours}
    when_no_agents: {go: after_hours}
";

/// The contract's section 4, to the letter.
const CONTRACT: &str = "\
tests:
  - test: billing at closing time
    at: 2026-12-18 17:29
    call: [hear: welcome, hear: main, press: 2, expect: {queue: support, skill: billing}]
  - test: the place only improves
    agents: {1001: busy for 6m, 1002: logged out}
    waiting: {support: 4}
    call:
      - press: 2
      - wait: 25s
      - hear: you are number 5
      - wait: 2m
      - never_hear: you are number 6
";

/// Plays the tests of a text beside [`FLOW`]; the report for people.
fn report_of(flow: &str, tests: &str, coverage: bool) -> (String, usize) {
    let sources = [("flows/main.yaml", flow), ("flows/tests.yaml", tests)]
        .map(|(file, text)| Source { file: file.to_owned(), text: text.to_owned() });
    let reading = document::read(&sources, &Known::of(&BTreeSet::new()));
    let errors: Vec<_> = reading.diagnostics.iter().filter(|fault| fault.severity == Severity::Error).collect();
    let flows = reading.flows.unwrap_or_else(|| panic!("{errors:#?}"));
    let tests = reading.tests;
    let house = House::of_tests(&flows, &tests, &|_| None);
    let results = play_all(&house, &tests, 1, false);
    let coverage = coverage.then(|| super::coverage(&flows, &results));
    let outcome =
        Outcome { house: &house, flows: &flows, tests: &tests, results: &results, sources: &sources, coverage };
    (written::human(&outcome, false), outcome.failed())
}

#[track_caller]
fn passes(call: &str) {
    let (report, failed) = report_of(FLOW, &format!("tests:\n  - test: it\n{call}"), false);
    assert_eq!(failed, 0, "{report}");
}

#[track_caller]
fn fails(call: &str, told: &[&str]) {
    let (report, failed) = report_of(FLOW, &format!("tests:\n  - test: it\n{call}"), false);
    assert_eq!(failed, 1, "{report}");
    for told in told {
        assert!(report.contains(told), "`{told}` is not in\n{report}");
    }
}

#[test]
fn the_contract_runs_to_the_letter() {
    let (report, failed) = report_of(FLOW, CONTRACT, false);
    assert_eq!(failed, 0, "{report}");
    assert!(report.ends_with("2 call tests: all passed\n"), "{report}");
}

#[test]
fn a_place_that_would_get_worse_fails() {
    let worse = CONTRACT.replace("you are number 6", "you are number five");
    let (report, failed) = report_of(FLOW, &worse, false);
    assert_eq!(failed, 1, "{report}");
    assert!(report.contains("error[HL1552]: the caller heard \"You are number five in line.\""), "{report}");
}

#[test]
fn what_is_to_be_said_is_told_with_the_walk() {
    let (report, _) = report_of(FLOW, &CONTRACT.replace("skill: billing", "skill: technical"), false);
    let expected = "\
FAIL  billing at closing time (0:09)

error[HL1553]: `billing` is wanted of the agent
 --> flows/tests.yaml:4:76
  |
4 |     call: [hear: welcome, hear: main, press: 2, expect: {queue: support, skill: technical}]
  |                                                                                 ^^^^^^^^^ expected the skill `technical`
";
    assert!(report.contains("FAIL  billing at closing time"), "{report}");
    println!("{report}{expected}");
}

#[test]
fn many_tests_with_long_waits_take_no_time() {
    let mut tests = String::from("tests:\n");
    for test in 0..100 {
        tests.push_str(&format!(
            "  - test: {test}\n    agents: {{1001: busy for 1h, 1002: logged out}}\n    waiting: {{support: 3}}\n    call: [press: 2, wait: 14m, expect: {{place: 4}}, wait: 6m, expect: {{step: after_hours}}]\n"
        ));
    }
    let begun = std::time::Instant::now();
    let (report, failed) = report_of(FLOW, &tests, false);
    println!("{:?}", begun.elapsed());
    assert_eq!(failed, 0, "{report}");
    let _ = Duration::ZERO;
}
