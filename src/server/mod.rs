//! The running server: it starts the rooms, joins them by their channels, and ends them in order.

pub mod desk;
pub mod spool;

use crate::flow::FlowSet;
use crate::journal::StepName;
use crate::metrics::Metrics;

fn know_steps(metrics: &mut Metrics, flows: &FlowSet) {
    for flow in &flows.flows {
        for step in &flow.steps {
            let name = StepName { flow: flow.name.clone(), step: step.name.clone() };
            metrics.know_step(&name, [], flow.languages.iter().map(|language| &**language));
        }
    }
}
