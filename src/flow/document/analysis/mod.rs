//! What is told of flows that can be read and yet would not do their callers good: it is looked for in the graph of all
//! flows, when all their ways are known.

mod choices;
mod circles;
mod ends;
mod listening;
mod reach;
mod recorded;
mod secrets;
mod surveys;

pub use listening::{
    CHARACTERS_A_SECOND, HeardMenu, HeardStep, LONGEST_MENU, LONGEST_WAY, Lengths, Listening, VALUE, listening,
    tell_listening,
};

pub(super) use secrets::{Sender, SentSecret};

use super::diagnostic::{Diagnostic, Faults, Severity};
use super::{Code, Span};
use crate::flow::graph::{By, Entry, EntryBy, Graph, StepId, Stop, Way};
use crate::flow::place::Place;
use crate::flow::{FlowIndex, FlowSet, StepKind};

/// Stops of a way that are shown; of a longer one the last.
const STOPS_SHOWN: usize = 8;

/// Tells whatever callers would not get on with, and where the secrets go that are sent. Callers come to the `outdone` too:
/// flows of which another answers a number.
pub(super) fn tell(set: &FlowSet, outdone: &[FlowIndex], sent: Vec<SentSecret>, faults: &mut Faults) {
    let mut graph = Graph::of(set);
    graph.entries.extend(
        outdone
            .iter()
            .filter(|flow| !set.flow(**flow).steps.is_empty())
            .map(|flow| Entry { by: EntryBy::Number(*flow), to: StepId { flow: *flow, step: set.flow(*flow).start } }),
    );
    let analysis = Analysis { set, graph: &graph };
    reach::tell(&analysis, faults);
    circles::tell(&analysis, faults);
    ends::tell(&analysis, faults);
    choices::tell(&analysis, faults);
    secrets::tell(&analysis, sent, faults);
    recorded::tell(&analysis, faults);
    surveys::tell(&analysis, faults);
}

/// What is looked at.
struct Analysis<'a> {
    set: &'a FlowSet,
    graph: &'a Graph,
}

impl Analysis<'_> {
    fn name(&self, at: StepId) -> &str {
        &self.set.flow(at.flow).step(at.step).name
    }

    /// A step's name, with its flow's where that is another than `beside`.
    fn shown(&self, at: StepId, beside: StepId) -> String {
        match at.flow == beside.flow {
            true => format!("`{}`", self.name(at)),
            false => format!("`{}/{}`", self.set.flow(at.flow).name, self.name(at)),
        }
    }

    /// A warning at a step's name.
    fn warning(&self, code: Code, at: StepId, message: impl Into<String>) -> Diagnostic {
        placed(self.set.places.step(at), code, Severity::Warning, message)
    }

    /// The way to a step, in words: "the way there: `welcome`, press 2 in `main`, `billing`".
    fn way_there(&self, way: &Way<'_>, to: StepId) -> String {
        let from = match &way.entry.by {
            EntryBy::Number(_) => String::new(),
            EntryBy::Queue(queue, exit) => {
                format!("an agent sends them to `{}`, `{exit}`, ", self.set.queue(*queue).name)
            }
        };
        format!("the way there: {from}{}", self.stops(&way.stops, to))
    }

    /// The steps of a way and the one that it leads to, in words.
    fn stops(&self, stops: &[Stop<'_>], to: StepId) -> String {
        let left_out = stops.len().saturating_sub(STOPS_SHOWN);
        let mut shown: Vec<String> = stops[left_out..].iter().map(|stop| self.stop(stop.at, stop.exit, to)).collect();
        if left_out > 0 {
            shown.insert(0, "…".to_owned());
        }
        shown.push(self.shown(to, to));
        shown.join(", ")
    }

    fn stop(&self, at: StepId, exit: &crate::flow::graph::Exit, beside: StepId) -> String {
        let name = self.shown(at, beside);
        match &exit.by {
            By::Keys(_) | By::Always(_) => {
                let keys = exit.name.split_once(' ').map_or("", |(_, keys)| keys);
                let kind = &self.set.flow(at.flow).step(at.step).kind;
                match (&exit.by, kind) {
                    // While digits are asked for they belong to the answer.
                    (By::Always(key), StepKind::Collect(_)) if key.numeral().is_some() => {
                        format!("answer {name}, press {keys} when it is read back")
                    }
                    _ => format!("press {keys} in {name}"),
                }
            }
            By::Tries => format!("press nothing that fits in {name}"),
            By::Answer => format!("answer {name}"),
            By::Outcome | By::Wait | By::Refusal => format!("{name} ({})", exit.name.replace('_', " ")),
            By::Conversation => format!("talk with somebody in {name}"),
            By::Itself | By::Return => name,
        }
    }
}

/// A fault at a place that was kept; of flows without places it is one of no file.
fn placed(place: Option<&Place>, code: Code, severity: Severity, message: impl Into<String>) -> Diagnostic {
    match place {
        Some(place) => Diagnostic::at(place, code, severity, message),
        None => Diagnostic { span: Span::default(), ..Diagnostic::of_file(code, severity, "", message) },
    }
}

/// `a`, `b` and `c`, or the first of many.
fn named(names: &[String]) -> String {
    const NAMED: usize = 4;
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        many => format!("{} and {} more", many[..NAMED].join(", "), many.len() - NAMED),
    }
}
