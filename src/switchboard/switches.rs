//! Hours that people switch by hand: by the API, or agents by a code.

use std::sync::Arc;

use super::kept::KeptSwitch;
use super::{Output, Switchboard, journal};
use crate::clock::Moment;
use crate::flow::agent_talk::AgentTalk;
use crate::flow::{Switch, Switches};
use crate::journal::{JournalEvent, SwitchedHours};

impl Switchboard {
    /// From now on these hours stand so; `None`: as they are written. Nothing where there are no such hours. Whether
    /// something has changed.
    pub(super) fn switch_hours(
        &mut self,
        now: Moment,
        name: &Arc<str>,
        switch: Option<Switch>,
        by: &Arc<str>,
        out: &mut Vec<Output>,
    ) -> bool {
        let wall = self.calendar.time_of(now);
        if self.revision.flows.find_hours(name).is_none() {
            return false;
        }
        let before = self.switches.of(name, wall);
        let switches = Arc::make_mut(&mut self.switches);
        match switch {
            Some(switch) => switches.0.insert(name.clone(), switch),
            None => switches.0.remove(name),
        };
        for call in self.calls.values_mut() {
            call.switch_hours(&self.switches);
        }
        self.keeping.hours_switched(name, switch);
        let state = switch.map(|switch| (switch.open, switch.until));
        let switched = SwitchedHours { hours: name.clone(), state, by: by.clone() };
        out.push(journal(now, None, JournalEvent::HoursSwitched(Box::new(switched))));
        before != switch
    }

    /// An agent closes these hours, or all that there are, until midnight in their zone; or lets them stand as they are
    /// written. What they are told.
    pub(super) fn switch_by_code(
        &mut self,
        now: Moment,
        hours: Option<&Arc<str>>,
        close: bool,
        by: &Arc<str>,
        out: &mut Vec<Output>,
    ) -> Vec<AgentTalk> {
        let wall = self.calendar.time_of(now);
        let flows = self.revision.flows.clone();
        let meant = flows.hours.iter().filter(|known| hours.is_none_or(|name| *name == known.name));
        let (mut any, mut changed) = (false, false);
        for hours in meant {
            let switch = close.then(|| Switch { open: false, until: hours.end_of_day(wall) });
            any = true;
            changed |= self.switch_hours(now, &hours.name, switch, by, out);
        }
        if !any {
            return vec![AgentTalk::NoHours];
        }
        let hours = hours.cloned();
        let done = if close { AgentTalk::ClosedToday(hours) } else { AgentTalk::HoursAsWritten(hours) };
        [done].into_iter().chain((!changed).then_some(AgentTalk::NothingChanged)).collect()
    }

    /// What an earlier process has left; what is over by now is kept no longer.
    pub(super) fn restore_switches(&mut self, now: Moment, kept: &[KeptSwitch]) {
        let wall = self.calendar.time_of(now);
        let mut switches = Switches::default();
        for kept in kept {
            match kept.again(wall) {
                Some(switch) => drop(switches.0.insert(kept.hours.clone(), switch)),
                None => self.keeping.hours_switched(&kept.hours, None),
            }
        }
        self.switches = Arc::new(switches);
    }
}
