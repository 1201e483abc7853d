//! The graph says of every step what a session does.

use super::*;
use crate::flow::document::{self, Known, Source};
use crate::flow::session::exits;

fn read(text: &str) -> FlowSet {
    let sources: Vec<Source> = text
        .split("---\n")
        .enumerate()
        .map(|(file, text)| Source { file: format!("{file}.yaml"), text: text.to_owned() })
        .collect();
    let prompts = std::collections::BTreeSet::new();
    let reading = document::read(&sources, &Known::of(&prompts));
    reading.flows.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics))
}

fn at(set: &FlowSet, name: &str) -> StepId {
    let (flow, step) = name.split_once('/').unwrap_or(("main", name));
    let flow = set.flows.iter().position(|other| &*other.name == flow).expect("the flow is there");
    let step = set.flows[flow].steps.iter().position(|other| &*other.name == step).expect("the step is there");
    StepId { flow: FlowIndex(flow as u16), step: StepIndex(step as u32) }
}

/// Every exit: its name, where it leads, and where it is written.
fn shown(set: &FlowSet, graph: &Graph, name: &str) -> String {
    let exits = graph.node(at(set, name)).exits.iter().map(|exit| {
        let to = match exit.to {
            Goal::Step(to) => set.flow(to.flow).step(to.step).name.to_string(),
            other => format!("{other:?}"),
        };
        let place = exit.place.as_ref().map_or(String::new(), ToString::to_string);
        format!("{} -> {to} {place}", exit.name)
    });
    exits.collect::<Vec<_>>().join("\n")
}

const FLOW: &str = "\
flow: main
numbers: [1000]
time_zone: Europe/London
start: open
always: {0: agent, star: back}
steps:
  open: {hours: office, open: main, closed: shut}
  main:
    menu: Yes?
    choices:
      1: For support -> agent
      2: {say: For sales, go: sales, when: hours.office}
      3: For the code -> code
  code: {collect: Which?, save: code, next: known, otherwise: main}
  known: {when: code is '1', then: sales}
  sales: {flow: other, next: main}
  agent: {queue: support, next: again}
  shut: {hangup: We are closed.}
  again_please: {collect: Which?, save: code, confirm: true, end_key: star, next: message}
  message: {voicemail: support}
hours:
  office: {mon-fri: 09:00-17:30}
agents:
  1001: {name: Ada}
queues:
  support:
    agents: [1001]
    when_full: {go: shut}
    while_waiting: {choices: {1: To leave -> main}}
---
flow: other
start: offer
steps:
  offer: {say: Nothing to sell.}
";

#[test]
fn every_way_out_is_there() {
    let set = read(FLOW);
    let graph = Graph::of(&set);
    let check = |name: &str, expected: &str| assert_eq!(shown(&set, &graph, name), expected, "{name}");
    check("open", "open -> main 0.yaml:7:31\nclosed -> shut 0.yaml:7:45");
    check(
        "main",
        "choice 1 -> agent 0.yaml:11:7\nchoice 2 -> sales 0.yaml:12:7\nchoice 3 -> code 0.yaml:13:7\n\
         always 0 -> agent 0.yaml:5:13\nalways star -> Back 0.yaml:5:26\n\
         no_input -> agent 0.yaml:5:13\nno_match -> agent 0.yaml:5:13",
    );
    check(
        "code",
        "next -> known 0.yaml:14:45\nalways star -> Back 0.yaml:5:26\n\
         no_input -> main 0.yaml:14:63\nno_match -> main 0.yaml:14:63",
    );
    check("known", "then -> sales 0.yaml:15:36\nnext -> End 0.yaml:15:3");
    check("sales", "flow -> offer 0.yaml:16:3\nnext -> main 0.yaml:16:30");
    check(
        "agent",
        "answered -> Again 0.yaml:17:33\ntimed_out -> Again 0.yaml:17:33\nfull -> shut 0.yaml:28:21\n\
         failed -> Again 0.yaml:17:33\nchoice 1 -> main 0.yaml:29:31",
    );
    check(
        "again_please",
        "next -> message 0.yaml:19:83\nalways 0 -> agent 0.yaml:5:13\nalways star -> Back 0.yaml:5:26\n\
         no_input -> agent 0.yaml:5:13\nno_match -> agent 0.yaml:5:13",
    );
    check("shut", "hangup -> HangUp 0.yaml:18:3");
    check("other/offer", "next -> End 1.yaml:4:3");
    let open = graph.node(at(&set, "main")).exits.iter().map(|exit| (exit.while_open, exit.while_closed));
    assert_eq!(open.take(2).collect::<Vec<_>>(), [(true, true), (true, false)]);
}

/// A session leaves a step by no name that the graph lacks.
#[test]
fn the_names_are_those_of_sessions() {
    let set = read(FLOW);
    for node in &Graph::of(&set).nodes {
        let flow = set.flow(node.at.flow);
        let known = exits(&set, flow, flow.step(node.at.step));
        for exit in node.exits.iter().filter(|exit| exit.is_noted()) {
            assert!(known.contains(&exit.name), "{} of {}", exit.name, flow.step(node.at.step).name);
        }
    }
}

#[test]
fn a_survey_follows_the_conversation_of_its_queue() {
    let set = read(
        "\
flow: main
numbers: [1000]
start: person
always: {0: person, 9: bye, star: back, hash: again, 3: bye}
steps:
  person: {queue: support, next: bye}
  how: {survey: {helped: csat, recommend: nps}, next: bye}
  likely: {survey: nps}
  bye: {hangup: Goodbye.}
agents: {1001: {name: Ada}}
queues: {support: {agents: [1001], survey: how}, sales: {agents: [], survey: how}}
",
    );
    let graph = Graph::of(&set);
    let names = |name: &str| -> Vec<String> {
        shown(&set, &graph, name).lines().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    assert_eq!(names("person")[0], "answered -> how");
    // The keys that a question takes lead nowhere else: nine and nought are answers only to the second.
    let how = ["next -> bye", "refused -> bye", "no_input -> bye", "always 0 -> person", "always 9 -> bye"];
    assert_eq!(names("how"), how);
    assert_eq!(names("likely"), ["next -> End", "refused -> End", "no_input -> End"]);
    let entries: Vec<&EntryBy> = graph.entries.iter().map(|entry| &entry.by).collect();
    assert!(entries.contains(&&EntryBy::Queue(crate::flow::QueueIndex(0), "answered".into())), "{entries:?}");
    assert!(!entries.contains(&&EntryBy::Queue(crate::flow::QueueIndex(1), "answered".into())), "nobody answers it");
}

#[test]
fn the_cheapest_way_is_found() {
    let set = read(FLOW);
    let graph = Graph::of(&set);
    let keys = |_: &Node, exit: &Exit| Some(u64::from(matches!(exit.by, By::Keys(_) | By::Always(_))));
    let ways = graph.ways(keys);
    let way = ways.to(at(&set, "other/offer")).expect("there is one");
    let names: Vec<&str> = way.stops.iter().map(|stop| &*stop.exit.name).collect();
    assert_eq!((names, way.cost), (vec!["open", "choice 2", "flow"], 1));
    let none = graph.ways(|_, exit| exit.while_closed.then_some(1));
    assert!(!none.reach(at(&set, "main")) || none.to(at(&set, "main")).is_some_and(|way| way.stops.is_empty()));
}

#[test]
fn who_can_reach_a_person() {
    let set = read(FLOW);
    let graph = Graph::of(&set);
    let reaching = graph.reaching(|node| node.nature.person, |exit| exit.while_open);
    let names: Vec<&str> = graph
        .nodes
        .iter()
        .zip(&reaching)
        .filter(|(_, reaching)| !**reaching)
        .map(|(node, _)| &*set.flow(node.at.flow).step(node.at.step).name)
        .collect();
    assert_eq!(names, ["shut"]);
}

#[test]
fn circles_are_found() {
    let check = |steps: &str, expected: &[&[&str]]| {
        let text = format!("flow: main\nnumbers: [any]\nstart: a\nsteps:\n{steps}");
        let set = read(&text);
        let graph = Graph::of(&set);
        let circles = graph.circles(|_, exit| !exit.by.takes_a_caller());
        let names: Vec<Vec<&str>> =
            circles.iter().map(|circle| circle.iter().map(|step| &*set.flows[0].steps[*step].name).collect()).collect();
        assert_eq!(names, expected, "{steps}");
    };
    check("  a: {say: One., next: b}\n  b: {hangup: Two.}\n", &[]);
    check("  a: {say: One., next: b}\n  b: {when: now < now, then: c, next: a}\n  c: {hangup: }\n", &[&["a", "b"]]);
    check("  a: {menu: Yes?, choices: {1: On -> b}, otherwise: a}\n  b: {hangup: Two.}\n", &[&["a"]]);
    check("  a: {menu: Yes?, choices: {1: On -> b}, otherwise: b}\n  b: {say: No., next: again}\n", &[&["a", "b"]]);
    check("  a: {menu: Yes?, choices: {1: On -> a}}\n", &[]);
}

/// Who walks into a flow comes back to where they did, and whoever began in it may go on behind every step that walks into it.
#[test]
fn ways_onward_come_back_to_where_they_walked_in() {
    let text = "\
flow: main
numbers: [1000]
start: first
steps:
  first: {menu: Yes?, choices: {1: One -> marked, 2: Two -> plain}}
  marked: {set: {a: b}, next: one}
  one: {flow: shared, next: after_one}
  after_one: {when: a is 'b', then: hangup, otherwise: hangup}
  plain: {say: Well., next: two}
  two: {flow: shared, next: after_two}
  after_two: {hangup: }
---
flow: shared
start: ask
steps:
  ask: {collect: Which?, save: which, next: weigh}
  weigh: {when: which is '1', then: told, otherwise: stopped}
  told: {say: It is one.}
  stopped: {hangup: }
";
    let set = read(text);
    let graph = Graph::of(&set);
    let names = |first: &str, take: &dyn Fn(&Node, &Exit) -> bool| -> Vec<String> {
        let first = at(&set, first);
        let onward = graph.onward(|node| node.at == first, take);
        let reached = graph.nodes.iter().filter(|node| onward.reach(node.at));
        reached.map(|node| set.flow(node.at.flow).step(node.at.step).name.to_string()).collect()
    };
    let all = |_: &Node, _: &Exit| true;
    assert_eq!(names("marked", &all), ["marked", "one", "after_one", "ask", "weigh", "told", "stopped"]);
    let not_told = |node: &Node, _: &Exit| node.at != at(&set, "shared/told");
    assert_eq!(names("marked", &not_told), ["marked", "one", "ask", "weigh", "told", "stopped"], "nobody comes back");
    assert_eq!(names("shared/told", &all), ["after_one", "after_two", "told"]);
    let onward = graph.onward(|node| node.at == at(&set, "marked"), all);
    let way = |to: &str| -> Option<Vec<&str>> {
        Some(onward.to(at(&set, to))?.iter().map(|stop| &*set.flow(stop.at.flow).step(stop.at.step).name).collect())
    };
    assert_eq!(way("shared/weigh"), Some(vec!["marked", "one", "ask"]));
    assert_eq!((way("marked"), way("plain")), (None, None));
}
