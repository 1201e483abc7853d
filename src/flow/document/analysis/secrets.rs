//! Secrets that would be kept, shown or sent like any other value.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Analysis;
use crate::flow::StepKind;
use crate::flow::document::codes;
use crate::flow::document::diagnostic::Faults;
use crate::flow::graph::StepId;

pub(super) fn tell(analysis: &Analysis<'_>, faults: &mut Faults) {
    let mut secrets: BTreeMap<Arc<str>, StepId> = BTreeMap::new();
    let asked = || {
        analysis.graph.nodes.iter().filter_map(|node| match &analysis.set.flow(node.at.flow).step(node.at.step).kind {
            StepKind::Collect(collect) => Some((node.at, collect)),
            _ => None,
        })
    };
    for (at, collect) in asked().filter(|(_, collect)| collect.secret) {
        secrets.entry(collect.save.clone()).or_insert(at);
    }
    for (at, collect) in asked().filter(|(_, collect)| !collect.secret) {
        let Some(secret) = secrets.get(&collect.save) else { continue };
        let name = &collect.save;
        let message = format!("`{name}` is a secret in {}, and here it is none", analysis.shown(*secret, at));
        let place = analysis.set.places.setting(at, "save");
        let fault = super::placed(place, codes::SECRET_KEPT, super::Severity::Warning, message);
        let fault = fault.remedy("write `secret: true` here too, or give one of the two another name");
        faults.push(fault.consequence("what callers key here would stand in the call's record and before the agent"));
    }
}
