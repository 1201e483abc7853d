//! Circles that callers go round without doing anything.

use std::collections::{BTreeMap, VecDeque};

use super::{Analysis, placed};
use crate::flow::StepKind;
use crate::flow::document::codes;
use crate::flow::document::diagnostic::{Faults, Severity};
use crate::flow::graph::{By, Exit, Goal, Node, StepId};
use crate::flow::session::MOST_STEPS;

pub(super) fn tell(analysis: &Analysis<'_>, faults: &mut Faults) {
    let graph = analysis.graph;
    let idle = |node: &Node, exit: &Exit| is_idle(analysis, node, exit);
    let ways = graph.ways(|_, _| Some(1));
    for circle in graph.circles(idle) {
        let members: Vec<StepId> = circle.iter().map(|position| graph.nodes[*position].at).collect();
        if !members.iter().any(|at| ways.reach(*at)) {
            continue;
        }
        let asking = members.iter().copied().find(|at| graph.node(*at).nature.asks);
        let queues = members.iter().any(|at| graph.node(*at).nature.person);
        // What goes round from a queue straight back into it is told where the queue is written.
        if asking.is_none() && queues && members.iter().all(|at| is_straight(analysis, *at)) {
            continue;
        }
        let first = asking.unwrap_or(members[0]);
        let place = analysis.set.places.step(first);
        let note = format!("the circle: {}", round(analysis, &members, first).join(", "));
        if asking.is_none() && !queues && !has_way_out(analysis, &members) {
            let message = match members.len() {
                1 => format!("`{}` leads to itself, and nowhere else", analysis.name(first)),
                many => format!("{many} steps lead to each other, and nowhere else"),
            };
            let fault = placed(place, codes::ENDLESS, Severity::Error, message);
            let fault = fault.remedy("lead one of them out: to a menu, a queue or `hangup`");
            let consequence = format!(
                "callers would go round until, after {MOST_STEPS} steps, they hear an apology and are hung up on"
            );
            faults.push(fault.consequence(consequence).note(note));
            continue;
        }
        let (message, remedy) = match asking {
            Some(_) => (
                format!("who presses nothing in `{}` is never let go", analysis.name(first)),
                "lead `otherwise` to a person or to a goodbye",
            ),
            None => (
                format!("callers can go round `{}` without doing anything", analysis.name(first)),
                "ask them something in between, or lead them on",
            ),
        };
        let fault = placed(place, codes::SILENT_CIRCLE, Severity::Warning, message).remedy(remedy);
        let consequence = format!("they would hear the same again and again, and an apology after {MOST_STEPS} steps");
        faults.push(fault.consequence(consequence).note(note));
    }
}

/// Whether callers take an exit while they do nothing, and again the next time: a queue is not full for long, but nobody is
/// there for a whole night, and who has agreed to be recorded is not asked again.
fn is_idle(analysis: &Analysis<'_>, node: &Node, exit: &Exit) -> bool {
    if matches!(analysis.set.flow(node.at.flow).step(node.at.step).kind, StepKind::Record(_)) {
        return !matches!(exit.by, By::Always(_));
    }
    let lasts = &*exit.name == "no_agents" || !node.nature.person && &*exit.name == "failed";
    !exit.by.takes_a_caller() && (exit.by != By::Refusal || lasts)
}

/// Whether a step leads on without deciding anything, or is a queue.
fn is_straight(analysis: &Analysis<'_>, at: StepId) -> bool {
    let kind = &analysis.set.flow(at.flow).step(at.step).kind;
    let leads_on =
        matches!(kind, StepKind::Say { .. } | StepKind::Play { .. } | StepKind::Set(_) | StepKind::Language(_));
    leads_on || matches!(kind, StepKind::Queue { .. })
}

/// Whether anything leads out of the circle.
fn has_way_out(analysis: &Analysis<'_>, members: &[StepId]) -> bool {
    let graph = analysis.graph;
    let ending = graph.ending_flows(|_, _| true);
    let within = |at: &StepId| members.binary_search(at).is_ok();
    members.iter().any(|at| {
        graph.node(*at).exits.iter().any(|exit| match (&exit.by, exit.to) {
            (By::Return, _) if !graph.comes_back(graph.node(*at), &ending) => false,
            (_, Goal::Step(to)) => !within(&to),
            (_, Goal::Again | Goal::Back) => false,
            (_, Goal::End | Goal::HangUp | Goal::Callback) => true,
        })
    })
}

/// Once round, from `first` to itself.
fn round(analysis: &Analysis<'_>, members: &[StepId], first: StepId) -> Vec<String> {
    let graph = analysis.graph;
    let mut came: BTreeMap<StepId, (StepId, &Exit)> = BTreeMap::new();
    let mut open = VecDeque::from([first]);
    'search: while let Some(at) = open.pop_front() {
        for exit in graph.node(at).exits.iter().filter(|exit| is_idle(analysis, graph.node(at), exit)) {
            let to = match exit.to {
                Goal::Step(to) => to,
                // To one of the questions of the circle, whichever it was.
                Goal::Again | Goal::Back => match members.iter().find(|at| graph.node(**at).nature.asks) {
                    Some(question) => *question,
                    None => continue,
                },
                Goal::End | Goal::HangUp | Goal::Callback => continue,
            };
            if members.binary_search(&to).is_err() || came.contains_key(&to) {
                continue;
            }
            came.insert(to, (at, exit));
            if to == first {
                break 'search;
            }
            open.push_back(to);
        }
    }
    let mut round = vec![analysis.shown(first, first)];
    let mut at = first;
    while let Some((before, exit)) = came.get(&at) {
        round.push(analysis.stop(*before, exit, first));
        at = *before;
        if at == first {
            break;
        }
    }
    round.reverse();
    round
}
