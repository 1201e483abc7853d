//! Changes of a small installation, and what is told of them.

use std::collections::BTreeSet;

use super::*;
use crate::flow::document::{self, Known, Source};

const OLD: &str = r#"
flow: main
numbers: [1000]
start: welcome
steps:
  welcome: {say: Thank you for calling., next: main}
  main:
    menu: How can we help?
    choices:
      1: To follow an order -> order
      2: For help -> help
  order: {say: It is on its way., next: main}
  help: {queue: support}
hours:
  office: {mon-fri: 09:00-17:30}
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
    check(&[("# ", "# ")][..0], &[]);
    check(
        &[("2: For help -> help", "2: For help -> order\n      3: To end -> hangup")],
        &[
            "callers in `main` will now hear \"How can we help? To follow an order, press one. For help, press two...\" \
             instead of \"How can we help? To follow an order, press one. For help, press two...\"",
            "callers pressing 2 in `main` will now reach `order` instead of reach `help`",
            "callers can now press 3 in `main` to be hung up on",
        ],
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
