use std::collections::BTreeSet;

use super::*;
use crate::flow::document::{self, Known};

fn read(text: &str) -> (FlowSet, Vec<Source>) {
    let sources = vec![Source { file: "main.yaml".to_owned(), text: text.to_owned() }];
    let reading = document::read(&sources, &Known::of(&BTreeSet::new()));
    (reading.flows.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics)), sources)
}

fn flow(text: &str, heat: Option<&Heat>, format: Format) -> String {
    let (flows, sources) = read(text);
    drawn(&flows, FlowIndex(0), &sources, heat, format)
}

const FLOW: &str = "\
flow: main
numbers: [1000]
time_zone: Europe/London
start: open
always: {0: person, star: back}
steps:
  open: {hours: office, open: menu, closed: shut}
  menu:
    menu: How can we \"help\" <you>?
    choices: {1: To pay -> pay, 2: To leave -> hangup, 9: To hear this again -> again}
  pay:
    collect: Your number & hash.
    digits: 4
    save: number
    otherwise: person
    next: gate
  gate: {when: number is '1234', then: person, otherwise: menu}
  person: {queue: support, next: menu}
  shut: {hangup: We are closed; call again.}
hours:
  office: {mon-fri: 09:00-17:30, time_zone: Europe/London}
agents: {1001: {name: Ada}}
queues:
  support: {agents: [1001], when_no_agents: {go: shut}}
";

#[test]
fn the_words_of_a_flow_are_drawn() {
    let text = flow(FLOW, None, Format::Mermaid);
    for line in [
        "  callers([\"Callers dial 1000\"]):::start",
        "  callers --> step_open",
        "  step_open{{\"<b>open · hours</b><br/>office<br/>mon–fri 09:00-17:30\"}}:::fork",
        "  step_open -->|\"open\"| step_menu",
        "  step_open -->|\"closed\"| step_shut",
        "  step_menu[/\"<b>menu · menu</b><br/>“How can we #quot;help#quot; #lt;you#gt;?”\"/]:::question",
        "  step_menu -->|\"1  To pay\"| step_pay",
        "  step_menu -->|\"9  To hear this again\"| step_menu",
        "  step_pay[/\"<b>pay · question</b><br/>“Your number #amp; hash.”<br/>4 digits → number\"/]:::question",
        "  step_pay --> step_gate",
        "  step_pay -.->|\"no key that fits\"| step_person",
        "  step_gate{{\"<b>gate · if</b><br/>number is '1234'\"}}:::fork",
        "  step_gate -->|\"yes\"| step_person",
        "  step_gate -->|\"no\"| step_menu",
        "  step_person[[\"<b>person · queue</b><br/>support<br/>Ada\"]]:::person",
        "  step_person -->|\"after the conversation\"| step_menu",
        "  step_person -.->|\"nobody is there\"| step_shut",
        "  legend[\"In every menu: 0 → person, ✱ → the menu before<br/>No key that fits, time after time: → person<br/>Hours in Europe/London\"]:::legend",
    ] {
        assert!(text.lines().any(|written| written == line), "wants\n{line}\nin\n{text}");
    }
    assert!(!text.contains("linkStyle"));
}

#[test]
fn who_leaves_a_message_or_an_opinion_goes_on_without_a_word() {
    let text = flow(
        "flow: main\nnumbers: [1000]\nstart: how\nsteps:\n  how: {survey: csat, next: message}\n  message: {voicemail: support, next: bye}\n  \
         bye: {hangup: Goodbye.}\nagents: {1001: {name: Ada}}\nqueues: {support: {agents: [1001]}}\n",
        None,
        Format::Mermaid,
    );
    for line in ["  step_how --> step_message", "  step_message --> step_bye"] {
        assert!(text.lines().any(|written| written == line), "wants\n{line}\nin\n{text}");
    }
    assert!(!text.contains("no key that fits"), "{text}");
}

#[test]
fn callers_are_counted() {
    let heat = Heat::parse(
        "helpline_flow_step_entries_total{flow=\"main\",step=\"menu\"} 200\n\
         helpline_flow_step_exits_total{flow=\"main\",step=\"menu\",exit=\"choice 1\"} 150\n\
         helpline_flow_step_exits_total{flow=\"main\",step=\"menu\",exit=\"caller_hung_up\"} 10\n\
         helpline_flow_step_entries_total{flow=\"other\",step=\"menu\"} 9\n",
    );
    let text = flow(FLOW, Some(&heat), Format::Mermaid);
    assert!(text.contains("<br/>200 callers, 10 hung up here"), "{text}");
    assert!(text.contains("|\"1  To pay<br/>150 (75 %)\"|"), "{text}");
    assert!(text.contains("|\"2  To leave<br/>0 (0 %)\"|"), "{text}");
    assert!(text.contains("stroke:#e03131,stroke-width:9.0px"), "the most taken way is the widest: {text}");
    let svg = flow(FLOW, Some(&heat), Format::Svg);
    assert!(svg.contains(">150 (75 %)</text>") && svg.contains(">200 callers, 10 hung up here</text>"));
}

#[test]
fn every_form_is_the_same_each_time_and_escaped() {
    for format in [Format::Mermaid, Format::Dot, Format::Svg] {
        assert_eq!(flow(FLOW, None, format), flow(FLOW, None, format));
    }
    let svg = flow(FLOW, None, Format::Svg);
    assert!(svg.contains("“How can we &quot;help&quot; &lt;you&gt;?”"), "{svg}");
    assert!(svg.contains("prefers-color-scheme: dark"));
    assert!(
        svg.contains("<a href=\"#step_menu\">") && svg.contains("id=\"step_menu\""),
        "references lead to their steps"
    );
    let dot = flow(FLOW, None, Format::Dot);
    assert!(dot.contains("step_menu [label=\"menu · menu\\n“How can we \\\"help\\\" <you>?”\""), "{dot}");
}

#[test]
fn whatever_leads_in_circles_is_drawn() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut drawn_flows = 0;
    for _ in 0..60 {
        let count = random.usize(1..60);
        let mut text = "flow: big\nnumbers: [any]\nstart: s0\nsteps:\n".to_owned();
        for step in 0..count {
            let mut to = || match random.u8(0..10) {
                0 => "hangup".to_owned(),
                1 => "back".to_owned(),
                2 => "again".to_owned(),
                _ => format!("s{}", random.usize(0..count)),
            };
            let ways: Vec<String> = (1..4).map(|key| format!("{key}: Choice {key} -> {}", to())).collect();
            text += &match step % 3 {
                0 => format!("  s{step}: {{menu: Which?, choices: {{{}}}}}\n", ways.join(", ")),
                // Circles without a caller's keys are faults.
                1 => format!(
                    "  s{step}: {{say: Words., next: {}}}\n",
                    if step + 1 < count { format!("s{}", step + 1) } else { "hangup".to_owned() }
                ),
                _ => format!("  s{step}: {{collect: Digits?, save: v{step}, otherwise: hangup, next: {}}}\n", to()),
            };
        }
        let sources = vec![Source { file: "main.yaml".to_owned(), text }];
        let Some(flows) = document::read(&sources, &Known::of(&BTreeSet::new())).flows else { continue };
        drawn_flows += 1;
        for format in [Format::Mermaid, Format::Dot, Format::Svg] {
            let picture = drawn(&flows, FlowIndex(0), &sources, None, format);
            let named = (0..count).filter(|step| picture.contains(&format!("s{step}"))).count();
            assert_eq!(named, count, "every step is in it");
            assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
        }
    }
    assert!(drawn_flows > 10, "{drawn_flows} could be read");
}

#[test]
fn flows_are_found_by_name() {
    let (flows, _) = read(FLOW);
    assert_eq!(named(&flows, None).ok(), Some(FlowIndex(0)));
    assert_eq!(named(&flows, Some("main")).ok(), Some(FlowIndex(0)));
    assert_eq!(
        named(&flows, Some("mian")).expect_err("there is none").to_string(),
        "no flow named `mian`; did you mean `main`?"
    );
}
