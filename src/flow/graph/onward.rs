//! What callers can come to from some steps on: where a secret goes that they have keyed, what is said while they are
//! recorded.
//!
//! A way that walks into a flow comes back to the step from which it did, and only a way that began in a flow may leave it to
//! whichever step walks into that one (valid paths: Sharir and Pnueli, "Two approaches to interprocedural data flow
//! analysis", 1981). So each step is looked at twice: in a flow where the way began or has come back to, and in one that
//! it has walked into.

use std::collections::{BTreeSet, VecDeque};

use super::{By, Exit, Goal, Graph, Node, Stop};
use crate::flow::FlowIndex;

/// The steps that can be come to, with the shortest way to each.
#[derive(Clone, Debug)]
pub struct Onward<'g> {
    graph: &'g Graph,
    /// By place in [`Graph::nodes`], those in flows that were walked into behind all others.
    came: Vec<Option<Came>>,
}

/// How a step was come to.
#[derive(Clone, Copy, Debug)]
enum Came {
    /// It is one of those from which it began.
    Begun,
    /// From there, by that exit of it.
    By(usize, usize),
}

impl<'g> Onward<'g> {
    /// Whether a step is one of the first, or can be come to from them.
    pub fn reach(&self, at: super::StepId) -> bool {
        self.places(at).into_iter().any(|place| self.came[place].is_some())
    }

    /// The shortest way to a step: those on it and how each is left, one of the first steps first. Nothing to those
    /// themselves.
    pub fn to(&self, at: super::StepId) -> Option<Vec<Stop<'g>>> {
        let ways = self.places(at).into_iter().filter_map(|place| self.way(place));
        ways.min_by_key(Vec::len).filter(|way| !way.is_empty())
    }

    fn places(&self, at: super::StepId) -> [usize; 2] {
        let position = self.graph.position(at);
        [position, position + self.graph.nodes.len()]
    }

    fn way(&self, mut place: usize) -> Option<Vec<Stop<'g>>> {
        let mut stops = Vec::new();
        while let Came::By(before, exit) = self.came[place]? {
            let node = &self.graph.nodes[before % self.graph.nodes.len()];
            stops.push(Stop { at: node.at, exit: &node.exits[exit] });
            place = before;
        }
        stops.reverse();
        Some(stops)
    }
}

impl Graph {
    /// What can be come to from the steps for which `first` holds, by exits for which `take` does.
    pub fn onward(&self, first: impl Fn(&Node) -> bool, take: impl Fn(&Node, &Exit) -> bool) -> Onward<'_> {
        let count = self.nodes.len();
        let mut onward = Onward { graph: self, came: vec![None; count * 2] };
        let mut open: VecDeque<usize> = (0..count).filter(|position| first(&self.nodes[*position])).collect();
        if open.is_empty() {
            return onward;
        }
        for position in &open {
            onward.came[*position] = Some(Came::Begun);
        }
        let (ending, before) = (self.ending_flows(&take), self.steps_before());
        let walking: Vec<(usize, FlowIndex)> =
            (0..count).filter_map(|position| Some((position, self.walks_into(&self.nodes[position])?))).collect();
        let mut left = BTreeSet::new();
        while let Some(place) = open.pop_front() {
            let (position, within) = (place % count, place / count);
            let node = &self.nodes[position];
            for (index, exit) in node.exits.iter().enumerate().filter(|(_, exit)| take(node, exit)) {
                if exit.by == By::Return && !self.comes_back(node, &ending) {
                    continue;
                }
                let into = self.walks_into(node).is_some() && exit.by != By::Return;
                let goals = match exit.to {
                    // Out of a flow that was walked into, the step that did so leads on by itself.
                    Goal::End if within == 0 && left.insert(node.at.flow) => {
                        self.behind(node.at.flow, &walking, &before)
                    }
                    Goal::End => Vec::new(),
                    _ => self.goals(position, exit, &before),
                };
                for goal in goals {
                    let goal = if into || within == 1 { goal + count } else { goal };
                    if onward.came[goal].is_none() {
                        onward.came[goal] = Some(Came::By(place, index));
                        open.push_back(goal);
                    }
                }
            }
        }
        onward
    }

    /// Where callers go on at the end of a flow: behind every step that walks into it; `walking` are the steps that walk into flows.
    fn behind(&self, flow: FlowIndex, walking: &[(usize, FlowIndex)], before: &[Vec<usize>]) -> Vec<usize> {
        let (mut goals, mut seen, mut open) = (Vec::new(), vec![flow], vec![flow]);
        while let Some(flow) = open.pop() {
            for (position, _) in walking.iter().filter(|(_, into)| *into == flow) {
                let node = &self.nodes[*position];
                for exit in node.exits.iter().filter(|exit| exit.by == By::Return) {
                    match exit.to {
                        Goal::End if !seen.contains(&node.at.flow) => {
                            seen.push(node.at.flow);
                            open.push(node.at.flow);
                        }
                        _ => goals.extend(self.goals(*position, exit, before)),
                    }
                }
            }
        }
        goals
    }
}
