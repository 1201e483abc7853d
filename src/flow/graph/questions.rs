//! What `again` and `back` mean depends on the caller's way: the menus and questions that may lie on it.

use std::collections::BTreeSet;

use super::{Exit, Goal, Graph, Node};

/// Steps that are looked at for the questions before one: what lies further off is not what callers go back to in practice.
const LOOKED_AT: usize = 256;

impl Graph {
    /// The menus and questions that a caller at a step may have been in last, as places in [`Graph::nodes`]. Where they may have
    /// been in none, it is the question itself or, from any other step, the beginning of its flow.
    pub(super) fn questions_before(&self, position: usize, before: &[Vec<usize>]) -> Vec<usize> {
        let is_entry = |at: usize| self.entries.iter().any(|entry| self.position(entry.to) == at);
        let mut seen = BTreeSet::new();
        let mut found = BTreeSet::new();
        let mut open = before[position].clone();
        let mut from_outside = is_entry(position);
        while let Some(at) = open.pop() {
            if seen.len() > LOOKED_AT || !seen.insert(at) {
                continue;
            }
            if self.nodes[at].nature.asks {
                found.insert(at);
            } else {
                from_outside |= is_entry(at);
                open.extend(&before[at]);
            }
        }
        if from_outside {
            let node = &self.nodes[position];
            found.insert(if node.nature.asks { position } else { self.starts[usize::from(node.at.flow.0)] });
        }
        found.into_iter().collect()
    }

    /// From which steps callers can come to a step for which `wanted` holds, by exits for which `take` holds: by place in
    /// [`Graph::nodes`]. `back` and `again` lead to whatever question may lie before.
    pub fn reaching(&self, wanted: impl Fn(&Node) -> bool, take: impl Fn(&Exit) -> bool) -> Vec<bool> {
        let next = self.followed(&take);
        let mut before = vec![Vec::new(); next.len()];
        for (from, goals) in next.iter().enumerate() {
            for to in goals {
                before[*to].push(from);
            }
        }
        let goes_back = |node: &Node| {
            node.exits.iter().filter(|exit| take(exit)).any(|exit| match exit.to {
                Goal::Back => true,
                Goal::Again => !node.nature.asks,
                _ => false,
            })
        };
        let mut reaching = vec![false; next.len()];
        // Steps that some way from a question that reaches leads to, with no other question between.
        let mut after = vec![false; next.len()];
        let mut open: Vec<usize> = Vec::new();
        for (position, node) in self.nodes.iter().enumerate() {
            if wanted(node) {
                reaching[position] = true;
                open.push(position);
            }
        }
        while let Some(at) = open.pop() {
            for from in &before[at] {
                if !std::mem::replace(&mut reaching[*from], true) {
                    open.push(*from);
                }
            }
            if !self.nodes.get(at).is_some_and(|node| node.nature.asks) {
                continue;
            }
            let mut flood = next[at].clone();
            while let Some(to) = flood.pop() {
                if std::mem::replace(&mut after[to], true) {
                    continue;
                }
                let node = self.nodes.get(to);
                if node.is_some_and(goes_back) && !std::mem::replace(&mut reaching[to], true) {
                    open.push(to);
                }
                if node.is_none_or(|node| !node.nature.asks) {
                    flood.extend(&next[to]);
                }
            }
        }
        reaching.truncate(self.nodes.len());
        reaching
    }

    /// What can be come to at once from each step and, behind the steps, from the end of each flow.
    fn followed(&self, take: &impl Fn(&Exit) -> bool) -> Vec<Vec<usize>> {
        let end_of = |flow: crate::flow::FlowIndex| self.nodes.len() + usize::from(flow.0);
        let mut next = vec![Vec::new(); self.nodes.len() + self.first.len()];
        for (position, node) in self.nodes.iter().enumerate() {
            let goal = |exit: &Exit| match exit.to {
                Goal::Step(to) => Some(self.position(to)),
                Goal::End => Some(end_of(node.at.flow)),
                _ => None,
            };
            next[position].extend(node.exits.iter().filter(|exit| take(exit)).filter_map(goal));
            // Whoever comes to the end of a flow goes on behind the step that walked into it.
            if let Some(start) = self.start_of(node) {
                let returns = node.exits.iter().filter(|exit| !exit.is_noted());
                next[end_of(start.flow)].extend(returns.filter_map(goal));
            }
        }
        next
    }
}
