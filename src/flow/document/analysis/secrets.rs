//! Secrets that would be kept, shown or sent like any other value, with the way that they take.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Analysis;
use crate::flow::document::codes;
use crate::flow::document::diagnostic::{Diagnostic, Faults};
use crate::flow::graph::{Onward, StepId};
use crate::flow::{ConnectorIndex, StepKind};

/// A secret that is sent where others read it.
#[derive(Clone, Debug)]
pub(in crate::flow::document) struct SentSecret {
    /// What is told of it, without its way.
    pub fault: Diagnostic,
    /// The value.
    pub name: Arc<str>,
    /// Who sends it.
    pub by: Sender,
}

/// Who sends a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow::document) enum Sender {
    /// This step.
    Step(StepId),
    /// Every step that asks this service.
    Connector(ConnectorIndex),
}

pub(super) fn tell(analysis: &Analysis<'_>, sent: Vec<SentSecret>, faults: &mut Faults) {
    // Many steps may send the same secret.
    let mut onward: BTreeMap<Arc<str>, Onward<'_>> = BTreeMap::new();
    for SentSecret { fault, name, by } in sent {
        let onward = onward.entry(name).or_insert_with_key(|name| onward_from(analysis, name));
        faults.push(match way_to(analysis, onward, by) {
            Some(way) => fault.note(format!("the secret's way: {way}")),
            None => fault,
        });
    }
    tell_mixed(analysis, faults);
}

/// Where a secret goes from the steps that learn it, over whatever flows.
fn onward_from<'a>(analysis: &Analysis<'a>, name: &str) -> Onward<'a> {
    let learns = |at: StepId| saved(analysis, at).iter().any(|(saved, secret)| *secret && **saved == *name);
    analysis.graph.onward(|node| learns(node.at), |_, _| true)
}

/// The shortest way of a secret to a step that sends it.
fn way_to(analysis: &Analysis<'_>, onward: &Onward<'_>, by: Sender) -> Option<String> {
    let connector = match by {
        Sender::Step(to) => return onward.to(to).map(|way| analysis.stops(&way, to)),
        Sender::Connector(connector) => connector,
    };
    let asks = |at: StepId| match &analysis.set.flow(at.flow).step(at.step).kind {
        StepKind::Lookup(lookup) => lookup.connector == connector,
        _ => false,
    };
    let ways = analysis.graph.nodes.iter().filter(|node| asks(node.at));
    let (to, way) = ways.filter_map(|node| Some((node.at, onward.to(node.at)?))).min_by_key(|(_, way)| way.len())?;
    Some(analysis.stops(&way, to))
}

/// Tells values that are a secret in one place and none in another.
fn tell_mixed(analysis: &Analysis<'_>, faults: &mut Faults) {
    let mut secrets: BTreeMap<Arc<str>, StepId> = BTreeMap::new();
    let steps = || analysis.graph.nodes.iter().map(|node| (node.at, saved(analysis, node.at)));
    for (at, values) in steps() {
        for (name, _) in values.into_iter().filter(|(_, secret)| *secret) {
            secrets.entry(name).or_insert(at);
        }
    }
    let ways = LazyCell::new(|| analysis.graph.ways(|_, _| Some(1)));
    for (at, values) in steps() {
        for (name, _) in values.into_iter().filter(|(_, secret)| !secret) {
            let Some(secret) = secrets.get(&name) else { continue };
            let message = format!("`{name}` is a secret in {}, and here it is none", analysis.shown(*secret, at));
            let place = analysis.set.places.setting(at, "save");
            let fault = super::placed(place, codes::SECRET_KEPT, super::Severity::Warning, message);
            let remedy = match &analysis.set.flow(at.flow).step(at.step).kind {
                StepKind::Collect(_) => "write `secret: true` here too, or give one of the two another name",
                _ => "write `secret: true` at this field of both services, or give one of the answers another name",
            };
            let fault = fault.remedy(remedy);
            let fault = fault.consequence("it would stand in the call's record and before the agent");
            faults.push(match ways.to(at) {
                Some(way) => fault.note(analysis.way_there(&way, at)),
                None => fault,
            });
        }
    }
}

/// The values that a step learns from callers and services, and whether each is a secret there. What `set` names is written in
/// the file, and never another value.
fn saved(analysis: &Analysis<'_>, at: StepId) -> Vec<(Arc<str>, bool)> {
    match &analysis.set.flow(at.flow).step(at.step).kind {
        StepKind::Collect(collect) => vec![(collect.save.clone(), collect.secret)],
        StepKind::Lookup(lookup) => {
            let Some(save) = &lookup.save else { return Vec::new() };
            let fields = &analysis.set.connector(lookup.connector).fields;
            fields.iter().map(|field| (Arc::from(format!("{save}.{}", field.name)), field.secret)).collect()
        }
        _ => Vec::new(),
    }
}
