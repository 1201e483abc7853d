//! `helpline check --listening`: how long callers listen before each choice, and how many keys lead to each step.

use std::time::Duration;

use serde_json::{Value, json};

use crate::flow::FlowSet;
use crate::flow::document::Listening;
use crate::flow::graph::StepId;

/// For people: a line for each menu, and one for each step.
pub(super) fn human(flows: &FlowSet, listening: &Listening) -> String {
    let mut text = String::new();
    if !listening.menus.is_empty() {
        text.push_str("Seconds from the beginning of a menu until each choice has been heard:\n");
    }
    let width = listening.menus.iter().map(|menu| name(flows, menu.at).chars().count()).max().unwrap_or(0);
    for menu in &listening.menus {
        let choices: Vec<String> =
            menu.choices.iter().map(|(exit, after)| format!("{} {}", key(exit), seconds(*after))).collect();
        text.push_str(format!("  {:width$}  {}", name(flows, menu.at), choices.join("  ")).trim_end());
        text.push('\n');
    }
    text.push_str("Seconds to listen and keys to press, from the beginning of a call to each step:\n");
    let width = listening.steps.iter().map(|step| name(flows, step.at).chars().count()).max().unwrap_or(0);
    for step in &listening.steps {
        let mark = if step.helps { "*" } else { " " };
        text.push_str(&format!(
            "{mark} {:width$}  {:>6}  {:>2}  {}\n",
            name(flows, step.at),
            seconds(step.after),
            step.keys,
            step.way.replace('`', "")
        ));
    }
    text + "* somebody answers here, or gets back to the caller\n"
}

/// For programs.
pub(super) fn as_json(flows: &FlowSet, listening: &Listening) -> Value {
    let place = |at: StepId| flows.places.step(at).map(ToString::to_string);
    let flow = |at: StepId| &*flows.flow(at.flow).name;
    let step = |at: StepId| &*flows.flow(at.flow).step(at.step).name;
    let menus: Vec<Value> = listening
        .menus
        .iter()
        .map(|menu| {
            let choices: Vec<Value> = menu
                .choices
                .iter()
                .map(|(exit, after)| json!({ "key": key(exit), "seconds": rounded(*after) }))
                .collect();
            json!({ "flow": flow(menu.at), "step": step(menu.at), "place": place(menu.at), "choices": choices })
        })
        .collect();
    let steps: Vec<Value> = listening
        .steps
        .iter()
        .map(|heard| {
            json!({
                "flow": flow(heard.at),
                "step": step(heard.at),
                "place": place(heard.at),
                "seconds": rounded(heard.after),
                "keys": heard.keys,
                "helps": heard.helps,
                "way": heard.way,
            })
        })
        .collect();
    json!({ "menus": menus, "steps": steps })
}

fn name(flows: &FlowSet, at: StepId) -> String {
    let flow = flows.flow(at.flow);
    let step = &flow.step(at.step).name;
    if flows.flows.len() == 1 { step.to_string() } else { format!("{}/{step}", flow.name) }
}

fn key(exit: &str) -> &str {
    exit.split_once(' ').map_or(exit, |(_, key)| key)
}

fn seconds(length: Duration) -> String {
    format!("{:.1}", length.as_secs_f64())
}

fn rounded(length: Duration) -> f64 {
    (length.as_secs_f64() * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::flow::document::{self, Diagnostic, Known, Source};

    const FLOW: &str = "\
flow: main
numbers: [any]
start: welcome
steps:
  welcome: {say: Welcome., next: main}
  main:
    menu: How can we help?
    choices:
      1: For orders -> order
      2: For support -> agent
  order: {collect: Your order?, digits: 6-8, save: order, next: told}
  told: {say: 'It is {order|digits}.', next: main}
  agent: {queue: support, next: main}
agents: {1001: {name: Ada}}
queues:
  support:
    agents: [1001]
    announce: {repeat: 30s, comfort: Please stay on the line., comfort_every: 10s}
    while_waiting: {choices: {1: To leave a message or to hear our address -> main}}
";

    /// Every recording takes as long as its text has letters, in tenths of a second, times `slow`.
    fn told(slow: u64) -> (String, Value, Vec<Diagnostic>) {
        let source = Source { file: "main.yaml".to_owned(), text: FLOW.to_owned() };
        let set = document::read(&[source], &Known::of(&BTreeSet::new())).flows.expect("it has no errors");
        let lengths = |id| Some(Duration::from_millis(set.prompt(id).text.chars().count() as u64 * 100 * slow));
        let listening = document::listening(&set, &lengths);
        let faults = document::tell_listening(&set, &listening, &lengths);
        (human(&set, &listening), as_json(&set, &listening), faults)
    }

    #[test]
    fn what_callers_listen_to() {
        let (human, json, faults) = told(1);
        let expected = "\
Seconds from the beginning of a menu until each choice has been heard:
  main  1 3.8  2 6.1
Seconds to listen and keys to press, from the beginning of a call to each step:
  welcome     0.0   0  welcome
  main        0.8   0  welcome, main
  order       4.6   1  welcome, press 1 in main, order
  told        5.7   7  welcome, press 1 in main, answer order, told
* agent       6.9   1  welcome, press 2 in main, agent
* somebody answers here, or gets back to the caller
";
        assert_eq!(human, expected);
        assert_eq!(json["menus"][0]["choices"][1], json!({ "key": "2", "seconds": 6.1 }));
        assert_eq!((&json["steps"][4]["keys"], &json["steps"][4]["helps"]), (&json!(1), &json!(true)));
        assert_eq!(json["steps"][3]["place"], "main.yaml:12:3");
        assert!(faults.is_empty(), "{faults:?}");
    }

    /// A step to which callers come only while it is closed is reached by what they hear then, and not by what agents do.
    #[test]
    fn ways_of_closed_hours_are_reckoned_too() {
        let flow = "\
flow: main
numbers: [any]
time_zone: UTC
start: welcome
steps:
  welcome: {say: Welcome., next: open}
  open: {hours: office, open: agent, closed: shut}
  agent: {queue: support, next: hangup}
  shut: {menu: We are closed., choices: {1: To leave a message -> message}}
  message: {voicemail: support, next: hangup}
hours: {office: {mon-fri: 09:00-17:30}}
agents: {1001: {name: Ada}}
queues: {support: {agents: [1001], when_no_agents: {go: shut}}}
";
        let source = Source { file: "main.yaml".to_owned(), text: flow.to_owned() };
        let set = document::read(&[source], &Known::of(&BTreeSet::new())).flows.expect("it has no errors");
        let told = human(&set, &document::listening(&set, &|_| Some(Duration::from_secs(1))));
        for line in [
            "  shut        1.0   0  welcome, open (closed), shut",
            "* message     3.0   1  welcome, open (closed), press 1 in shut, message",
        ] {
            assert!(told.lines().any(|written| written == line), "wants\n{line}\nin\n{told}");
        }
    }

    #[test]
    fn what_takes_too_long_is_told() {
        let (_, _, faults) = told(10);
        let found: Vec<(&str, usize, &str)> =
            faults.iter().map(|fault| (fault.code.id, fault.line, fault.message.as_str())).collect();
        assert_eq!(
            found,
            [
                ("HL1410", 9, "callers listen to `main` for 38 s before they have heard of key 1"),
                ("HL1410", 13, "callers listen for 69 s before they come to `agent`"),
                ("HL1411", 18, "an announcement of `support` takes about 59 s, and the next comes 30 s after it"),
                ("HL1411", 18, "a comfort message of `support` takes about 24 s, and the next comes 10 s after it"),
            ]
        );
    }
}
