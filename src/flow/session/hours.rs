//! `hours`: the way for open, or the one for closed.

use super::Session;
use super::exit::Exit;
use super::turn::Turn;
use super::way::Next;
use crate::flow::hours::Standing;
use crate::flow::{Hours, HoursIndex, Target, Value};

impl Session {
    pub(super) fn enter_hours(
        &mut self,
        turn: &Turn<'_>,
        hours: HoursIndex,
        open: Option<Target>,
        closed: Option<Target>,
    ) -> Next {
        let (exit, to) = match self.standing(turn, &turn.flows.hours[usize::from(hours.0)]).open {
            true => (Exit::Open, open),
            false => (Exit::Closed, closed),
        };
        match to {
            Some(_) => Next::Leave { exit: exit.name(), to },
            None => Next::Leave { exit: exit.name(), to: turn.flows.flow(self.flow).step(self.step).next },
        }
    }

    /// `hours.office` and `hours.office.next`, after `hours.`.
    pub(super) fn value_of_hours(&self, turn: &Turn<'_>, name: &str) -> Option<Value> {
        let (name, next) = name.strip_suffix(".next").map_or((name, false), |name| (name, true));
        let standing = self.standing(turn, turn.flows.find_hours(name)?);
        if next { standing.next.map(Value::Time) } else { Some(Value::Truth(standing.open)) }
    }

    fn standing(&self, turn: &Turn<'_>, hours: &Hours) -> Standing {
        hours.standing(turn.wall, self.switches.of(&hours.name, turn.wall))
    }
}
