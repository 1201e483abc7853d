//! What is known of callers and queues, and what follows from values: priorities, skills, and the agent of last time.

use std::sync::Arc;

use super::super::*;
use super::walks::{Walk, check, read};
use crate::flow::QueueStanding;

const LINE: &str = "\
flow: main
numbers: [1000]
time_zone: Europe/London
start: look
steps:
  look: {lookup: customers, save: customer, found: gate, not_found: gate, failed: gate}
  gate:
    when: caller.calls_today >= 3 or queue.support.waiting > 10
    then: often
    otherwise: person
  often: {say: 'You last called {caller.last_call|day}. {queue.support.waiting|number} wait.', next: person}
  person:
    queue: support
    priority: '{customer.tier}'
    skill: [billing, '{customer.language}']
    prefer: last_agent for 30s
    next: hangup
queues:
  support: {agents: [1001, 1002]}
agents:
  1001: {skills: [billing, spanish]}
  1002: {skills: [billing]}
connectors:
  customers:
    url: https://crm.example.com/by-phone?n={caller.number}
    fields: {tier: {type: number, optional: true}, language: {one_of: [spanish, french], optional: true}}
";

fn walk(known: KnownCaller, waiting: u32, script: &str) {
    let mut walk = Walk::start_with(read(LINE), known, waiting);
    let expected: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for line in &expected {
        if let Some(input) = line.strip_prefix("> ") {
            walk.written.push((*line).to_owned());
            walk.follow(input);
        }
    }
    assert_eq!(walk.written.join("\n"), expected.join("\n"));
}

fn known(calls: &[&str]) -> KnownCaller {
    let calls: Vec<Timestamp> = calls.iter().map(|at| at.parse().expect("a time")).collect();
    let last_call = calls.len().checked_sub(2).map(|last| calls[last]);
    KnownCaller { last_agent: last_call.map(|_| Arc::from("1002")), last_call, calls: calls.into() }
}

const ASKS: &str = "asks GET https://crm.example.com/by-phone?n=%2B442079460123";

#[test]
fn priority_skill_and_the_agent_of_last_time_follow_from_values() {
    let hold = "says Please hold while I find somebody to help you.";
    let cases = [
        ("{\"tier\": 7, \"language\": \"spanish\"}", "[\"billing\", \"spanish\"] with priority 7"),
        // Nobody knows French: nobody waits for it. A priority above the highest is the highest.
        ("{\"tier\": 12, \"language\": \"french\"}", "[\"billing\"] with priority 9"),
        ("{\"tier\": -1}", "[\"billing\"] with priority 0"),
        ("{\"tier\": 2.9}", "[\"billing\"] with priority 2"),
        ("{\"other\": 1}", "[\"billing\"] with priority 0"),
    ];
    for (answer, asked) in cases {
        let script = |prefer: &str| {
            format!(
                "{ASKS}
                > answer {answer}
                look: found
                gate: otherwise
                waits in support for {asked}{prefer}
                {hold}"
            )
        };
        walk(KnownCaller::default(), 0, &script(""));
        walk(known(&["2026-12-10T10:00:00Z", "2026-12-18T17:29:00Z"]), 0, &script(", with 1002 for 30 s"));
    }
}

#[test]
fn who_calls_often_or_when_many_wait_hears_so() {
    let often = |said: &str| {
        format!(
            "{ASKS}
            > answer failed
            look: failed
            gate: then
            {said}
            > ."
        )
    };
    let waits = "
        often: next
        waits in support for [\"billing\"] with priority 0, with 1002 for 30 s
        says Please hold while I find somebody to help you.";
    let today = ["2026-12-17T23:59:00Z", "2026-12-18T00:01:00Z", "2026-12-18T09:00:00Z", "2026-12-18T17:29:00Z"];
    let said = "says You last called today zero wait.";
    walk(known(&today), 0, &format!("{}{waits}", often(said)));
    let yesterday = ["2026-12-17T12:00:00Z", "2026-12-18T17:29:00Z"];
    let said = "says You last called yesterday eleven wait.";
    walk(known(&yesterday), 11, &format!("{}{waits}", often(said)));
}

#[test]
fn how_a_queue_stands_is_a_value() {
    let mut walk = Walk::start_with(read(LINE), KnownCaller::default(), 4);
    let value = |walk: &Walk, name: &str| walk.value(name);
    for (name, expected) in [
        ("queue.support.waiting", Some("4")),
        ("queue.support.agents", Some("3")),
        ("queue.support.agents_ready", Some("2")),
        ("queue.support.estimated_wait", None),
        ("queue.support.longest_wait", Some("6")),
        ("queue.sales.waiting", None),
        ("caller.calls_today", Some("1")),
        ("caller.last_agent", None),
        ("today", Some("2026-12-18")),
    ] {
        assert_eq!(value(&walk, name).as_deref(), expected, "{name}");
    }
    let standing = QueueStanding { waiting: 1, wait_minutes: Some(7), ..QueueStanding::default() };
    walk.session.see_queues(Arc::new(QueueStandings([("support".into(), standing)].into())));
    assert_eq!(value(&walk, "queue.support.estimated_wait").as_deref(), Some("7"));
}

/// A flow that was walked into has its own keys, and those of the other do nothing there.
#[test]
fn a_flow_within_has_its_own_keys() {
    check(
        "\
flow: main
numbers: [1000]
start: ask
always: {0: person, 9: gone}
steps:
  ask: {menu: Yes?, choices: {1: More -> more}}
  more: {flow: other, next: after}
  after: {menu: After?, choices: {1: More -> more}}
  person: {say: A person., next: hangup}
  gone: {say: Gone.}
---
flow: other
start: there
always: {0: desk, star: back}
steps:
  there: {menu: There?, choices: {1: On -> there}}
  desk: {say: The desk.}
",
        "says Yes? More, press one.
        > 1
        ask: choice 1
        more: flow
        says There? On, press one.
        > 9
        says Sorry, that is not one of the choices. There? On, press one.",
    );
    let within = "\
flow: main
numbers: [1000]
start: ask
always: {0: person}
steps:
  ask: {menu: Yes?, choices: {1: More -> more}}
  more: {flow: other, next: after}
  after: {menu: After?, choices: {1: More -> more}}
  person: {say: A person., next: hangup}
---
flow: other
start: there
always: {0: desk}
steps:
  there: {menu: There?, choices: {1: On -> there}}
  desk: {say: The desk.}
";
    check(
        within,
        "says Yes? More, press one.
        > 1
        ask: choice 1
        more: flow
        says There? On, press one.
        > 0
        there: always 0
        says The desk.
        > .
        desk: next
        says After? More, press one.
        > 0
        after: always 0
        says A person.",
    );
}
