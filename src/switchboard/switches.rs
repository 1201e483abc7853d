//! Hours that people switch by hand.

use std::sync::Arc;

use super::Switchboard;
use crate::flow::Switch;

impl Switchboard {
    /// From now on these hours stand so; `None`: as they are written. Nothing where there are no such hours.
    pub(super) fn switch_hours(&mut self, name: &Arc<str>, switch: Option<Switch>) {
        if self.revision.flows.find_hours(name).is_none() {
            return;
        }
        let switches = Arc::make_mut(&mut self.switches);
        match switch {
            Some(switch) => switches.0.insert(name.clone(), switch),
            None => switches.0.remove(name),
        };
        for call in self.calls.values_mut() {
            call.switch_hours(&self.switches);
        }
    }
}
