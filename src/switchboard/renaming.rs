//! Queues and agents that a reload gives other names: who waits goes on waiting, who works goes on working.

use super::Switchboard;
use super::kept::Fact;
use crate::flow::difference::Renamed;

impl Switchboard {
    /// Gives everything its new name, before the distributor is told of the new settings.
    pub(super) fn rename(&mut self, renamed: &Renamed) {
        let renamed = self.queues.rename(renamed);
        if renamed == Renamed::default() {
            return;
        }
        for call in self.calls.values_mut() {
            call.rename(&renamed);
        }
        // Under the old names nobody would look for it after a restart.
        let queues = renamed.queues.into_iter().map(|(name, _)| Fact::Queue { name, kept: None });
        let agents = renamed.agents.into_iter().map(|(extension, _)| Fact::Agent { extension, kept: None });
        self.keeping.forget(queues.chain(agents));
    }
}
