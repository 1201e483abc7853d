//! Ways through the graph: what callers can reach and how, and where they would go round in circles.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{By, Entry, EntryBy, Exit, Goal, Graph, Node, StepId};
use crate::flow::FlowIndex;

/// The cheapest way from the entries to every step that can be reached.
#[derive(Clone, Debug)]
pub struct Ways<'g> {
    graph: &'g Graph,
    came: Vec<Option<Came>>,
}

/// How a step is reached.
#[derive(Clone, Copy, Debug)]
struct Came {
    cost: u64,
    from: From,
}

#[derive(Clone, Copy, Debug)]
enum From {
    Entry(usize),
    /// A step and one of its exits.
    Step(usize, usize),
}

/// A way from an entry to a step.
#[derive(Clone, Debug)]
pub struct Way<'g> {
    /// Where the call begins.
    pub entry: &'g Entry,
    /// The steps on the way and how each is left, the first one first; the step that is reached is not among them.
    pub stops: Vec<Stop<'g>>,
    /// What the way costs, in whatever was reckoned.
    pub cost: u64,
}

/// A step on a way.
#[derive(Clone, Copy, Debug)]
pub struct Stop<'g> {
    /// Which.
    pub at: StepId,
    /// How it is left.
    pub exit: &'g Exit,
}

impl<'g> Ways<'g> {
    /// Whether callers can come to a step.
    pub fn reach(&self, at: StepId) -> bool {
        self.came[self.graph.position(at)].is_some()
    }

    /// The cheapest way to a step.
    pub fn to(&self, at: StepId) -> Option<Way<'g>> {
        let mut position = self.graph.position(at);
        let cost = self.came[position]?.cost;
        let mut stops = Vec::new();
        loop {
            match self.came[position]?.from {
                From::Entry(entry) => {
                    stops.reverse();
                    return Some(Way { entry: &self.graph.entries[entry], stops, cost });
                }
                From::Step(before, exit) => {
                    let node = &self.graph.nodes[before];
                    stops.push(Stop { at: node.at, exit: &node.exits[exit] });
                    position = before;
                }
            }
        }
    }
}

impl Graph {
    /// The cheapest way to every step. `cost` tells what an exit costs, or `None` for one that is not taken; of equally cheap
    /// ways the one with the fewest steps is found.
    pub fn ways(&self, cost: impl Fn(&Node, &Exit) -> Option<u64>) -> Ways<'_> {
        let ending = self.ending_flows(|node, exit| cost(node, exit).is_some());
        let mut came: Vec<Option<Came>> = vec![None; self.nodes.len()];
        let mut settled = vec![false; self.nodes.len()];
        let mut open = BinaryHeap::new();
        // Whoever dials a number goes first: only what they cannot reach is looked for behind the queues.
        for dialled in [true, false] {
            for (index, entry) in self.entries.iter().enumerate() {
                let position = self.position(entry.to);
                if matches!(entry.by, EntryBy::Number(_)) == dialled && came[position].is_none() {
                    came[position] = Some(Came { cost: 0, from: From::Entry(index) });
                    open.push(Reverse((0_u64, 0_u32, position)));
                }
            }
            while let Some(Reverse((so_far, steps, position))) = open.pop() {
                if std::mem::replace(&mut settled[position], true) {
                    continue;
                }
                let node = &self.nodes[position];
                for (index, exit) in node.exits.iter().enumerate() {
                    let Goal::Step(to) = exit.to else { continue };
                    if exit.by == By::Return && !self.comes_back(node, &ending) {
                        continue;
                    }
                    let Some(cost) = cost(node, exit) else { continue };
                    let (to, cost) = (self.position(to), so_far.saturating_add(cost));
                    if !settled[to] && came[to].is_none_or(|came| cost < came.cost) {
                        came[to] = Some(Came { cost, from: From::Step(position, index) });
                        open.push(Reverse((cost, steps + 1, to)));
                    }
                }
            }
        }
        Ways { graph: self, came }
    }

    /// Which flows can come to their end, if only the exits for which `take` holds are taken.
    pub fn ending_flows(&self, take: impl Fn(&Node, &Exit) -> bool) -> Vec<bool> {
        let mut ending = vec![false; self.first.len()];
        loop {
            let before = ending.clone();
            for flow in 0..ending.len() {
                ending[flow] = ending[flow] || self.comes_to_its_end(flow, &ending, &take);
            }
            if ending == before {
                return ending;
            }
        }
    }

    fn comes_to_its_end(&self, flow: usize, ending: &[bool], take: &impl Fn(&Node, &Exit) -> bool) -> bool {
        let walks_into = self.nodes.iter().filter(|node| self.walks_into(node).is_some());
        let Some(start) = walks_into.filter_map(|node| self.start_of(node)).find(|at| usize::from(at.flow.0) == flow)
        else {
            return false;
        };
        let mut seen = std::collections::BTreeSet::from([self.position(start)]);
        let mut open = vec![self.position(start)];
        while let Some(position) = open.pop() {
            let node = &self.nodes[position];
            let into = self.walks_into(node).is_some();
            for exit in node.exits.iter().filter(|exit| take(node, exit)) {
                // Into a flow and out of it is one way; from within it does not count.
                if into && (exit.by != By::Return || !self.comes_back(node, ending)) {
                    continue;
                }
                match exit.to {
                    Goal::End => return true,
                    Goal::Step(to) if seen.insert(self.position(to)) => open.push(self.position(to)),
                    _ => {}
                }
            }
        }
        false
    }

    /// The flow that a step walks into.
    pub fn walks_into(&self, node: &Node) -> Option<FlowIndex> {
        self.start_of(node).map(|start| start.flow)
    }

    pub(super) fn start_of(&self, node: &Node) -> Option<StepId> {
        if !node.exits.iter().any(|exit| exit.by == By::Return) {
            return None;
        }
        node.exits.iter().find_map(|exit| match exit.to {
            Goal::Step(start) if exit.by == By::Itself => Some(start),
            _ => None,
        })
    }

    /// Whether a step walks into a flow that comes to its end; `ending` is what [`Graph::ending_flows`] has told.
    pub fn comes_back(&self, node: &Node, ending: &[bool]) -> bool {
        self.walks_into(node).is_some_and(|flow| ending[usize::from(flow.0)])
    }

    /// The circles that can be gone round by the exits for which `take` holds: of each the places of its steps in
    /// [`Graph::nodes`], in order.
    pub fn circles(&self, take: impl Fn(&Node, &Exit) -> bool) -> Vec<Vec<usize>> {
        let ending = self.ending_flows(&take);
        let before = self.steps_before();
        let follow = |position: usize| -> Vec<usize> {
            let node = &self.nodes[position];
            let taken = node.exits.iter().filter(|exit| take(node, exit));
            let taken = taken.filter(|exit| exit.by != By::Return || self.comes_back(node, &ending));
            taken.flat_map(|exit| self.goals(position, exit, &before)).collect()
        };
        let next: Vec<Vec<usize>> = (0..self.nodes.len()).map(follow).collect();
        let mut circles: Vec<Vec<usize>> = components(&next)
            .into_iter()
            .filter(|members| members.len() > 1 || next[members[0]].contains(&members[0]))
            .collect();
        for circle in &mut circles {
            circle.sort_unstable();
        }
        circles.sort_unstable();
        circles
    }

    /// Where an exit can lead, as places in [`Graph::nodes`]; `before` are those before each step.
    pub(super) fn goals(&self, position: usize, exit: &Exit, before: &[Vec<usize>]) -> Vec<usize> {
        match exit.to {
            Goal::Step(to) => vec![self.position(to)],
            Goal::Again if self.nodes[position].nature.asks => vec![position],
            Goal::Again | Goal::Back => self.questions_before(position, before),
            Goal::End | Goal::HangUp | Goal::Callback => Vec::new(),
        }
    }

    /// The steps from which each step can be come to at once.
    pub(super) fn steps_before(&self) -> Vec<Vec<usize>> {
        let mut before = vec![Vec::new(); self.nodes.len()];
        for (position, node) in self.nodes.iter().enumerate() {
            for exit in &node.exits {
                if let Goal::Step(to) = exit.to {
                    before[self.position(to)].push(position);
                }
            }
        }
        before
    }
}

/// The strongly connected components (R. Tarjan, "Depth-first search and linear graph algorithms", 1972), without recursion:
/// a flow may be long.
fn components(next: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut found = Vec::new();
    let (mut index, mut low, mut waiting) = (vec![UNSEEN; next.len()], vec![0; next.len()], vec![false; next.len()]);
    let (mut stack, mut count) = (Vec::new(), 0);
    for root in 0..next.len() {
        if index[root] != UNSEEN {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((at, edge)) = path.pop() {
            if edge == 0 {
                (index[at], low[at], waiting[at]) = (count, count, true);
                count += 1;
                stack.push(at);
            } else {
                low[at] = low[at].min(low[next[at][edge - 1]]);
            }
            let mut descended = false;
            for (edge, to) in next[at].iter().copied().enumerate().skip(edge) {
                if index[to] == UNSEEN {
                    path.push((at, edge + 1));
                    path.push((to, 0));
                    descended = true;
                    break;
                }
                if waiting[to] {
                    low[at] = low[at].min(index[to]);
                }
            }
            if !descended && low[at] == index[at] {
                let start = stack.iter().rposition(|member| *member == at).expect("it was put there");
                let members = stack.split_off(start);
                for member in &members {
                    waiting[*member] = false;
                }
                found.push(members);
            }
        }
    }
    found
}
