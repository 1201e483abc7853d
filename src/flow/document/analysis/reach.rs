//! Steps and flows that no caller comes to.

use super::{Analysis, named, placed};
use crate::flow::document::codes;
use crate::flow::document::diagnostic::{Faults, Severity};
use crate::flow::graph::{Goal, StepId};
use crate::flow::{FlowIndex, StepIndex};

pub(super) fn tell(analysis: &Analysis<'_>, faults: &mut Faults) {
    let (set, graph) = (analysis.set, analysis.graph);
    let ways = graph.ways(|_, _| Some(1));
    for (index, flow) in set.flows.iter().enumerate() {
        let index = FlowIndex(u16::try_from(index).expect("flows are limited"));
        let unreached: Vec<StepId> =
            graph.of_flow(index).iter().map(|node| node.at).filter(|at| !ways.reach(*at)).collect();
        if unreached.len() < flow.steps.len() {
            tell_steps(analysis, index, unreached, faults);
        } else if !unreached.is_empty() {
            let message = format!("no caller comes to the flow `{}`", flow.name);
            let fault = placed(set.places.flow(index), codes::UNREACHABLE, Severity::Warning, message);
            let remedy = format!("give it the numbers that callers dial, or walk into it: `flow: {}`", flow.name);
            faults.push(fault.remedy(remedy).consequence("nothing that stands in it would ever be heard"));
        }
    }
}

/// Tells the first step of each bunch: what follows it is reached when it is.
fn tell_steps(analysis: &Analysis<'_>, flow: FlowIndex, unreached: Vec<StepId>, faults: &mut Faults) {
    let graph = analysis.graph;
    let of = |at: StepId| unreached.binary_search(&at).ok();
    let goals = |at: StepId| {
        let exits = graph.node(at).exits.iter();
        exits.filter_map(|exit| match exit.to {
            Goal::Step(to) => of(to),
            _ => None,
        })
    };
    let mut named_by_others = vec![false; unreached.len()];
    for (position, at) in unreached.iter().enumerate() {
        goals(*at).filter(|to| *to != position).for_each(|to| named_by_others[to] = true);
    }
    // Those that nothing names come first; of a circle that nothing leads to, the first that is written.
    let heads = (0..unreached.len()).filter(|place| !named_by_others[*place]);
    let order: Vec<usize> = heads.chain((0..unreached.len()).filter(|place| named_by_others[*place])).collect();
    let mut told = vec![false; unreached.len()];
    for head in order {
        if std::mem::replace(&mut told[head], true) {
            continue;
        }
        let (mut open, mut only_from_here) = (vec![head], Vec::new());
        while let Some(place) = open.pop() {
            for to in goals(unreached[place]) {
                if !std::mem::replace(&mut told[to], true) {
                    only_from_here.push(to);
                    open.push(to);
                }
            }
        }
        let at = unreached[head];
        let name = analysis.name(at);
        let fault = analysis.warning(codes::UNREACHABLE, at, format!("no caller comes to `{name}`"));
        let fault = match analysis.set.flow(flow).start == StepIndex(0) || at.step != StepIndex(0) {
            true => {
                fault.remedy(format!("name it where callers are to come from, such as `next: {name}`, or remove it"))
            }
            false => fault.remedy(format!("did you mean `start: {name}`?")),
        };
        let fault = fault.consequence("nothing that stands here would ever be heard");
        only_from_here.sort_unstable();
        let others: Vec<String> = only_from_here.iter().map(|place| analysis.shown(unreached[*place], at)).collect();
        faults.push(match others.is_empty() {
            true => fault,
            false => fault.note(format!("the same holds for {}, to which only this leads", named(&others))),
        });
    }
}
