//! Places where callers get no further, end without a word, or can reach nobody although somebody is there.

use super::{Analysis, placed};
use crate::flow::document::codes;
use crate::flow::document::diagnostic::{Diagnostic, Faults, Severity};
use crate::flow::graph::{By, EntryBy, Exit, Goal, Node, StepId, Ways};
use crate::flow::{FlowIndex, StepKind};

/// Steps that are followed to see whether an end is meant.
const FOLLOWED: usize = 64;

pub(super) fn tell(analysis: &Analysis<'_>, faults: &mut Faults) {
    let ways = analysis.graph.ways(|_, _| Some(1));
    tell_traps(analysis, &ways, faults);
    tell_sudden_ends(analysis, &ways, faults);
    tell_nobody(analysis, faults);
}

/// Tells the steps from which no end can be reached at all: callers can only hang up.
fn tell_traps(analysis: &Analysis<'_>, ways: &Ways<'_>, faults: &mut Faults) {
    let graph = analysis.graph;
    let ends = |node: &Node| {
        let nature = node.nature;
        let ends = |exit: &Exit| matches!(exit.to, Goal::End | Goal::HangUp | Goal::Callback);
        nature.person || nature.message || node.exits.iter().any(ends)
    };
    let ending = graph.reaching(ends, |_| true);
    // Who goes round without being asked anything is told of elsewhere.
    let asked = graph.reaching(|node| node.nature.asks, |_| true);
    for (position, node) in graph.nodes.iter().enumerate() {
        let Some(way) = ways.to(node.at).filter(|_| !ending[position] && asked[position]) else { continue };
        if way.stops.last().is_some_and(|stop| !ending[graph.position(stop.at)]) {
            continue;
        }
        let message = format!("from `{}` callers get no further", analysis.name(node.at));
        let fault = analysis.warning(codes::DEAD_END, node.at, message);
        let fault = fault.remedy("offer a way on: to a queue, to a voicemail or to `hangup`");
        let fault = fault.consequence("callers would go from question to question until they hang up");
        faults.push(fault.note(analysis.way_there(&way, node.at)));
    }
}

/// Tells the ways that end a call without a word behind something that callers did, or did not see.
fn tell_sudden_ends(analysis: &Analysis<'_>, ways: &Ways<'_>, faults: &mut Faults) {
    let (set, graph) = (analysis.set, analysis.graph);
    let walked_into: Vec<FlowIndex> = graph.nodes.iter().filter_map(|node| graph.walks_into(node)).collect();
    for node in graph.nodes.iter().filter(|node| ways.reach(node.at) && !walked_into.contains(&node.at.flow)) {
        let step = set.flow(node.at.flow).step(node.at.step);
        let ends = |by: By| node.exits.iter().find(|exit| exit.by == by && exit.to == Goal::End);
        let name = &step.name;
        let told = match &step.kind {
            StepKind::Collect(_) => ends(By::Answer).map(|_| {
                (format!("what callers key in `{name}` leads nowhere"), "name the step that follows: `next: ...`")
            }),
            StepKind::Set(_) | StepKind::Language(_) => ends(By::Itself)
                .map(|_| (format!("nothing follows `{name}`"), "name the step that follows: `next: ...`")),
            _ => ends(By::Outcome).filter(|exit| exit.while_open || exit.while_closed).map(|exit| {
                let when = outcome(&exit.name);
                (format!("`{name}` does not say where to go {when}"), "name a step for it, or `hangup`")
            }),
        };
        if let Some((message, remedy)) = told {
            let fault = analysis.warning(codes::DEAD_END, node.at, message).remedy(remedy);
            faults.push(fault.consequence("callers would hear goodbye and nothing else, and the call would end"));
        }
    }
}

fn outcome(exit: &str) -> String {
    match exit {
        "open" => "while it is open".to_owned(),
        "closed" => "while it is closed".to_owned(),
        "then" => "when it holds".to_owned(),
        "next" | "otherwise" => "when it does not hold".to_owned(),
        other => format!("when it is `{other}`"),
    }
}

/// Tells the places that callers can come to while everything is open, and from which nobody can be reached.
fn tell_nobody(analysis: &Analysis<'_>, faults: &mut Faults) {
    let graph = analysis.graph;
    let helps = |node: &Node| node.nature.person || node.nature.message;
    // Who has talked with somebody, or left word, has been helped.
    let ways = graph.ways(|node, exit| {
        let helped = exit.by == By::Conversation || helps(node) && exit.by == By::Answer;
        (exit.while_open && !helped).then_some(1)
    });
    if !graph.nodes.iter().any(|node| node.nature.person && ways.reach(node.at)) {
        return;
    }
    let reaching = graph.reaching(helps, |exit| exit.while_open);
    for (position, node) in graph.nodes.iter().enumerate() {
        if reaching[position] || node.nature.ends || !node.nature.asks && is_meant_to_end(analysis, node.at) {
            continue;
        }
        let Some(way) = ways.to(node.at) else { continue };
        if way.stops.last().is_some_and(|stop| !reaching[graph.position(stop.at)]) {
            continue;
        }
        let name = analysis.name(node.at);
        let fault = match (&way.entry.by, way.stops.is_empty()) {
            (EntryBy::Number(flow), true) => {
                let message = format!("callers of `{}` can reach nobody", analysis.set.flow(*flow).name);
                placed(analysis.set.places.flow(*flow), codes::NO_PERSON, Severity::Warning, message)
            }
            _ if node.nature.asks => {
                let message = format!("from `{name}` callers can reach nobody, whatever they press");
                analysis.warning(codes::NO_PERSON, node.at, message)
            }
            _ => {
                let message = format!("after `{name}` the call ends, and nobody can be reached");
                analysis.warning(codes::NO_PERSON, node.at, message)
            }
        };
        faults.push(remedied(analysis, fault, node).note(analysis.way_there(&way, node.at)));
    }
}

fn remedied(analysis: &Analysis<'_>, fault: Diagnostic, node: &Node) -> Diagnostic {
    let person = analysis.graph.of_flow(node.at.flow).iter().find(|node| node.nature.person);
    let remedy = match (person, node.nature.asks) {
        (Some(person), true) => {
            format!("let a key lead to somebody in every menu: `always: {{0: {}}}`", analysis.name(person.at))
        }
        (Some(person), false) => {
            format!(
                "lead on to somebody: `next: {}`; if the end is meant, write `next: hangup`",
                analysis.name(person.at)
            )
        }
        (None, true) => "let a key lead to a step with a queue".to_owned(),
        (None, false) => "lead on to a step with a queue; if the end is meant, write `next: hangup`".to_owned(),
    };
    fault.remedy(remedy).consequence("who needs somebody would have to hang up and dial again, also while you are open")
}

/// Whether all that follows a step, with nobody asked anything, comes to an end that is written as one.
fn is_meant_to_end(analysis: &Analysis<'_>, from: StepId) -> bool {
    let mut seen = Vec::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        let node = analysis.graph.node(at);
        if node.nature.asks || seen.len() > FOLLOWED {
            return false;
        }
        if node.nature.ends || seen.contains(&at) {
            continue;
        }
        seen.push(at);
        for exit in node.exits.iter().filter(|exit| exit.while_open) {
            match exit.to {
                Goal::Step(to) => open.push(to),
                Goal::End => return false,
                Goal::HangUp | Goal::Callback | Goal::Again | Goal::Back => {}
            }
        }
    }
    true
}
