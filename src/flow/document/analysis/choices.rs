//! Menus that are hard to follow: too many choices, keys in an order that nobody expects, keys with two meanings.

use super::{Analysis, placed};
use crate::flow::document::codes;
use crate::flow::document::diagnostic::{Diagnostic, Faults, Severity};
use crate::flow::document::flow::shown_key;
use crate::flow::graph::StepId;
use crate::flow::session::Exit;
use crate::flow::{Choice, Flow, FlowIndex, QueueIndex, StepIndex, StepKind, Target};
use crate::telephony::Digit;

/// Choices that callers keep in mind while they hear the next.
pub(super) const CHOICES_REMEMBERED: usize = 5;

/// Choices, and where they are written.
struct Offer<'a> {
    /// Whose they are.
    name: &'a str,
    choices: &'a [Choice],
    /// Keys that work here too.
    always: Vec<Digit>,
    owner: Owner,
}

/// Who makes an offer.
#[derive(Clone, Copy)]
enum Owner {
    Step(StepId),
    Queue(QueueIndex),
}

pub(super) fn tell(analysis: &Analysis<'_>, faults: &mut Faults) {
    for (index, flow) in analysis.set.flows.iter().enumerate() {
        let index = FlowIndex(u16::try_from(index).expect("flows are limited"));
        for (step, written) in flow.steps.iter().enumerate() {
            let StepKind::Menu(menu) = &written.kind else { continue };
            let at = StepId { flow: index, step: StepIndex(u32::try_from(step).expect("steps are limited")) };
            let offer = Offer {
                name: &written.name,
                choices: &menu.choices,
                always: flow.always.keys().copied().collect(),
                owner: Owner::Step(at),
            };
            offer.tell(analysis, faults);
            offer.tell_shadows(analysis, flow, index, faults);
        }
    }
    for (index, queue) in analysis.set.queues.iter().enumerate() {
        let index = QueueIndex(u16::try_from(index).expect("queues are limited"));
        Offer { name: &queue.name, choices: &queue.while_waiting, always: Vec::new(), owner: Owner::Queue(index) }
            .tell(analysis, faults);
    }
}

impl Offer<'_> {
    fn warning(&self, analysis: &Analysis<'_>, code: super::Code, keys: &[Digit], message: String) -> Diagnostic {
        let (places, exit) = (&analysis.set.places, Exit::Choice(keys).name());
        let place = match self.owner {
            Owner::Step(at) => places.setting(at, &exit).or_else(|| places.step(at)),
            Owner::Queue(queue) => places.queue_setting(queue, &exit).or_else(|| places.queue(queue)),
        };
        placed(place, code, Severity::Warning, message)
    }

    fn tell(&self, analysis: &Analysis<'_>, faults: &mut Faults) {
        let announced: Vec<&Choice> = self.choices.iter().filter(|choice| choice.speech.is_some()).collect();
        if let Some(one_too_many) = announced.get(CHOICES_REMEMBERED) {
            let message = format!("`{}` tells {} choices one after another", self.name, announced.len());
            let fault = self.warning(analysis, codes::MANY_CHOICES, &one_too_many.keys, message);
            let fault = fault.remedy("make two menus of it, the choices that most callers take in the first");
            let consequence = "callers remember about five, and would press the wrong key or wait to hear all again";
            faults.push(fault.consequence(consequence));
        }
        faults.extend(self.disorder(analysis, &announced));
    }

    /// The first key that is told in an unexpected order, or behind a gap.
    fn disorder(&self, analysis: &Analysis<'_>, announced: &[&Choice]) -> Option<Diagnostic> {
        let always = self.always.iter().filter_map(|key| key.numeral());
        let known: Vec<u8> = self.choices.iter().filter_map(numeral).chain(always).collect();
        let mut before = 0;
        for choice in announced {
            let Some(key) = numeral(choice) else { continue };
            // Nought is for the operator, wherever it is told.
            if key == 0 {
                continue;
            }
            if key < before {
                let message = format!("key {key} is told after key {before}");
                let fault = self.warning(analysis, codes::KEY_ORDER, &choice.keys, message);
                return Some(fault.remedy("tell the choices in the order of their keys").consequence(UNEXPECTED));
            }
            // Nine for "again" and the like is a habit of many lines.
            let habit = key == 9 && matches!(choice.target, Target::Again | Target::Back | Target::HangUp);
            let missing = (before + 1..key).find(|missing| !known.contains(missing));
            if let Some(missing) = missing.filter(|_| !habit) {
                let message = match before {
                    0 => format!("the first key is {key}, and {missing} does nothing"),
                    _ => format!("key {key} follows key {before}, and {missing} does nothing"),
                };
                let fault = self.warning(analysis, codes::KEY_ORDER, &choice.keys, message);
                return Some(fault.remedy("number the choices without a gap").consequence(UNEXPECTED));
            }
            before = key;
        }
        None
    }

    /// Tells the choices whose keys mean something else in every other menu, or begin with such a key.
    fn tell_shadows(&self, analysis: &Analysis<'_>, flow: &Flow, index: FlowIndex, faults: &mut Faults) {
        for choice in self.choices {
            let Some(target) = choice.keys.first().and_then(|key| flow.always.get(key)) else { continue };
            let key = shown_key(choice.keys[0]);
            let everywhere = match target {
                Target::Step(step) => format!("`{}`", flow.step(*step).name),
                Target::Again => "`again`".to_owned(),
                Target::Back => "`back`".to_owned(),
                Target::HangUp | Target::Callback => "`hangup`".to_owned(),
            };
            let elsewhere = analysis.set.places.always(index, choice.keys[0]);
            let fault = if choice.keys.len() > 1 {
                let keys: Vec<String> = choice.keys.iter().map(|key| shown_key(*key)).collect();
                let message =
                    format!("{key} leads to {everywhere} everywhere, and is the beginning of {}", keys.join(" "));
                let fault = self.warning(analysis, codes::AMBIGUOUS_CHOICE, &choice.keys, message);
                fault.consequence(format!("callers who press {key} in `{}` would wait for another key", self.name))
            } else if *target != choice.target {
                let message =
                    format!("key {key} leads to {everywhere} in every other menu, and not in `{}`", self.name);
                let fault = self.warning(analysis, codes::SHADOWED_KEY, &choice.keys, message);
                let fault = fault.remedy("take another key for this choice");
                fault.consequence(format!("callers who have learnt the key {key} would come to something else here"))
            } else {
                continue;
            };
            faults.push(match elsewhere {
                Some(place) => fault.note(format!("`always` is in {place}")),
                None => fault,
            });
        }
    }
}

const UNEXPECTED: &str = "callers who expect the next number would press a key that is not meant";

/// The key of a choice of one numeral.
fn numeral(choice: &Choice) -> Option<u8> {
    match choice.keys.as_slice() {
        [key] => key.numeral(),
        _ => None,
    }
}
