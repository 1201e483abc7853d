//! Changes of a small installation, and what is told of them.

use std::collections::BTreeSet;

use super::*;
use crate::flow::document::{self, Known, Source};

const OLD: &str = r#"
flow: main
numbers: [1000]
time_zone: Europe/London
start: welcome
steps:
  welcome: {say: Thank you for calling., next: open}
  open: {hours: office, open: main, closed: order}
  main:
    menu: How can we help?
    choices:
      1: To follow an order -> order
      2: For help -> help
  order: {say: It is on its way., next: main}
  help: {queue: support}
hours:
  office: {mon-fri: 09:00-17:30, time_zone: Europe/London}
agents: {1001: {name: Ada}, 1002: {name: Grace, skills: [billing]}}
queues:
  support: {agents: [1001, 1002], ring: 15s, when_no_agents: {go: order}}
"#;

fn flows(text: &str) -> FlowSet {
    let source = Source { file: "main.yaml".to_owned(), text: text.to_owned() };
    let reading = document::read(&[source], &Known::of(&BTreeSet::new()));
    reading.flows.unwrap_or_else(|| panic!("the flow has faults: {:#?}", reading.diagnostics))
}

fn check(replacements: &[(&str, &str)], expected: &[&str]) {
    let mut text = OLD.to_owned();
    for (before, after) in replacements {
        assert!(text.contains(before), "{before}");
        text = text.replace(before, after);
    }
    let told: Vec<String> = differences(&flows(OLD), &flows(&text)).into_iter().map(|change| change.text).collect();
    assert_eq!(told, expected, "{replacements:?}");
}

#[test]
fn what_callers_notice_is_told_in_words() {
    check(&[], &[]);
    check(
        &[("2: For help -> help", "3: To end -> hangup")],
        &[
            "callers can no longer press 2 in `main`; until now they would reach `help`",
            "callers can now press 3 in `main`: they will hear goodbye",
        ],
    );
    check(
        &[("2: For help -> help", "2: For help -> order")],
        &["callers pressing 2 in `main` will now reach `order` instead of `help`"],
    );
    check(
        &[("2: For help", "2: For a person")],
        &["callers in `main` will now hear \"For a person, press two.\" for 2 instead of \"For help, press two.\""],
    );
    check(
        &[("It is on its way.", "It is late.")],
        &["callers in `order` will now hear \"It is late.\" instead of \"It is on its way.\""],
    );
    check(
        &[("open: main, closed: order", "open: main, closed: help")],
        &["callers in `open` (closed) will now reach `help` instead of `order`"],
    );
    check(
        &[("  order: {say: It is on its way., next: main}", "  order: {say: It is on its way.}")],
        &["after `order` callers will now come to the end of the flow; until now they would reach `main`"],
    );
    check(
        &[("  order: {say: It is on its way., next: main}", "  order: {hangup: It is on its way.}")],
        &["`order` is now another kind of step"],
    );
}

#[test]
fn what_a_step_does_besides_is_told() {
    const MORE: [(&str, &str); 2] = [
        (
            "  help: {queue: support}\n",
            "  help: {queue: support}\n  look: {lookup: orders, save: it, failed: word}\n  \
          word: {voicemail: support, next: ask}\n  ask: {collect: Your number?, digits: 4, save: number, next: pass}\n  \
          pass: {transfer: 1001, next: which}\n  which: {when: number is '1234', then: help, otherwise: order}\n",
        ),
        ("2: For help -> help", "2: For help -> look"),
    ];
    let old = MORE.iter().fold(OLD.to_owned(), |text, (before, after)| text.replace(before, after))
        + "connectors: {orders: {url: \"https://shop.example.com/a\", fields: {status: text}}}\n";
    let told = |before: &str, after: &str| -> Vec<String> {
        assert!(old.contains(before), "{before}");
        let new = old.replace(before, after);
        differences(&flows(&old), &flows(&new)).into_iter().map(|change| change.text).collect()
    };
    for (before, after, expected) in [
        (
            "{queue: support}",
            "{queue: support, skill: billing}",
            "`help`: the skills wanted is now billing instead of none",
        ),
        ("voicemail: support", "voicemail: 1001", "`word`: the mailbox is now 1001 instead of support"),
        ("digits: 4", "digits: 4-6", "`ask`: the answer is now 4 to 6 digits instead of 4 to 4 digits"),
        ("transfer: 1001", "transfer: 1002", "`pass`: the transfer is now 1002 instead of 1001"),
        ("is '1234'", "is '1235'", "`which` now decides by another condition"),
        ("example.com/a", "example.com/b", "the service `orders` is now asked at another address"),
    ] {
        assert_eq!(told(before, after), [expected]);
    }
}

#[test]
fn what_is_around_the_steps_is_told_too() {
    check(
        &[("numbers: [1000]", "numbers: [1005, any]")],
        &[
            "1005 will now be answered, by the flow `main`",
            "every other number will now be answered, by the flow `main`",
        ],
    );
    check(&[("numbers: [1000]", "numbers: [1000, 1004]")], &["1004 will now be answered, by the flow `main`"]);
    check(
        &[("09:00-17:30", "09:00-18:00, sat: 10:00-12:00, holidays: [2026-12-25]")],
        &[
            "on Mondays to Fridays `office` is now open 09:00-18:00 instead of open 09:00-17:30",
            "on Saturdays `office` is now open 10:00-12:00 instead of closed",
            "on 2026-12-25 `office` is now closed instead of as on any other week",
        ],
    );
    check(
        &[("[1001, 1002], ring: 15s", "[1002, 1003], ring: 20s"), ("1001: {name: Ada}", "1003: {name: Alan}")],
        &[
            "`support`: ring is now 20s instead of 15s",
            "Alan (1003) now answers `support`",
            "Ada (1001) no longer answers `support`",
            "Ada (1001) is no longer an agent",
            "Alan (1003) is a new agent",
        ],
    );
    check(
        &[("skills: [billing]", "skills: [billing, {sales: 3}]")],
        &["the skills of Grace (1002) are now billing 5, sales 3 instead of billing 5"],
    );
    check(
        &[("flow: main", "flow: first")],
        &[
            "callers of 1000 will now meet the flow `first` instead of `main`",
            "the flow `main` is gone",
            "the flow `first` is new",
        ],
    );
    check(
        &[("queue: support", "queue: aid"), ("  support:", "  aid:")],
        &["the queue `support` is now called `aid`; who waits in it keeps their place"],
    );
}

#[test]
fn a_queue_with_another_name_alone_is_the_same_queue() {
    let renames = |text: &str| renamed(&flows(OLD), &flows(text)).queues;
    let once = OLD.replace("queue: support", "queue: aid").replace("  support:", "  aid:");
    assert_eq!(renames(&once), [("support".into(), "aid".into())]);
    // Another setting makes it another queue, and so does a second one that is alike.
    assert_eq!(renames(&once.replace("ring: 15s", "ring: 16s")), []);
    let twice = once.clone() + "  twin: {agents: [1001, 1002], ring: 15s, when_no_agents: {go: order}}\n";
    let twice = twice.replace("queue: aid}", "queue: aid, next: more}\n  more: {queue: twin}");
    assert_eq!(renames(&twice), []);
    assert_eq!(renames(OLD), []);
}

#[test]
fn an_agent_with_another_extension_alone_is_the_same_agent() {
    let new = OLD.replace("1001", "1007").replace("queue: support", "queue: aid").replace("  support:", "  aid:");
    let found = renamed(&flows(OLD), &flows(&new));
    assert_eq!(found.agents, [("1001".into(), "1007".into())]);
    assert_eq!(found.queues, [("support".into(), "aid".into())]);
}

/// A survey of two questions after the conversation, and what can become of it.
#[test]
fn what_callers_are_asked_of_the_call_is_told() {
    let survey = "  how: {survey: {helped: csat, again: {csat: Would you call again?}}, next: main}\nhours:";
    let asked = |change: (&str, &str)| {
        let old = OLD.replace("hours:\n", &format!("{survey}\n")).replace("ring: 15s", "survey: how");
        assert!(old.contains(change.0), "{}", change.0);
        let new = old.replace(change.0, change.1);
        let told = differences(&flows(&old), &flows(&new)).into_iter().map(|change| change.text);
        told.collect::<Vec<String>>()
    };
    assert_eq!(asked(("helped: csat, ", "")), ["`how` will no longer ask `helped`"]);
    assert_eq!(asked(("helped: csat, ", "helped: csat, price: nps, ")), ["`how` will now ask `price`"]);
    assert_eq!(
        asked(("helped: csat", "helped: nps")),
        ["callers in `how` will now answer `helped` up to 10 instead of 5"]
    );
    assert_eq!(
        asked(("Would you call again?", "Would you?")),
        ["callers in `how` will now hear \"Would you?\" instead of \"Would you call again?\""]
    );
    assert_eq!(
        asked(("survey: how", "survey: main")),
        ["after the conversation of `help` callers will now reach `main` instead of `how`"]
    );
}
