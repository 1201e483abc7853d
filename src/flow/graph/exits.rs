//! The ways out of each kind of step.

use super::{By, Entry, EntryBy, Exit, Goal, Nature, Node, StepId};
use crate::flow::place::Place;
use crate::flow::session::Exit as Name;
use crate::flow::{
    Choice, Condition, Consent, FlowSet, FlowTarget, LookupSpec, Menu, Patience, QueueIndex, Record, Scale, Step,
    StepKind, Target, Untransferred, Value,
};
use crate::telephony::Digit;

/// The step at `at` with its ways out.
pub(super) fn node(set: &FlowSet, at: StepId) -> Node {
    let mut ways = Leaving { set, at, step: set.flow(at.flow).step(at.step), exits: Vec::new() };
    let nature = ways.declare();
    Node { at, nature, exits: ways.exits }
}

/// Where callers come who were sent into a queue by an agent, or dialled it as one, and leave it: no step of a flow
/// has led them there.
pub(super) fn entries_by_queues(set: &FlowSet) -> Vec<Entry> {
    let mut entries = Vec::new();
    for index in 0..set.queues.len() {
        let queue = QueueIndex(u16::try_from(index).expect("queues are limited"));
        for (name, to) in ways_out_of(set, queue) {
            if let Goal::Step(to) = to {
                entries.push(Entry { by: EntryBy::Queue(queue, name.name()), to });
            }
        }
    }
    entries
}

/// The ways out of a queue that the queue itself names.
fn ways_out_of(set: &FlowSet, queue: QueueIndex) -> Vec<(Name<'_>, Goal)> {
    let spec = set.queue(queue);
    let written = [
        (Name::Answered, spec.survey.filter(|_| !spec.agents.is_empty())),
        (Name::TimedOut, spec.too_long.1),
        (Name::Full, spec.full),
        (Name::NoAgents, spec.no_agents),
    ];
    let mut ways: Vec<(Name<'_>, Goal)> =
        written.into_iter().filter_map(|(name, to)| Some((name, goal_at(to?)))).collect();
    if let Some(home) = spec.home {
        let choices = spec.while_waiting.iter().filter(|choice| choice.target != Target::Callback);
        ways.extend(
            choices
                .map(|choice| (Name::Choice(&choice.keys), goal_at(FlowTarget { flow: home, target: choice.target }))),
        );
    }
    ways
}

fn goal_at(to: FlowTarget) -> Goal {
    match to.target {
        Target::Step(step) => Goal::Step(StepId { flow: to.flow, step }),
        Target::Again => Goal::Again,
        Target::Back => Goal::Back,
        Target::HangUp => Goal::HangUp,
        Target::Callback => Goal::Callback,
    }
}

/// A step whose ways out are being declared.
struct Leaving<'a> {
    set: &'a FlowSet,
    at: StepId,
    step: &'a Step,
    exits: Vec<Exit>,
}

impl Leaving<'_> {
    /// Declares the ways out of the step; what it is to callers.
    fn declare(&mut self) -> Nature {
        let nothing = Nature::default();
        match &self.step.kind {
            StepKind::Say { .. } | StepKind::Play { .. } | StepKind::Set(_) | StepKind::Language(_) => {
                self.next(Name::Next, By::Itself);
                nothing
            }
            StepKind::Menu(menu) => self.menu(menu),
            StepKind::Collect(collect) => {
                self.next(Name::Next, By::Answer);
                // Numerals belong to the answer, and so does the key that ends it; where it is read back, 1 and 2 do.
                let confirms = collect.confirm && !collect.secret;
                let of_answer = |key: Digit| key.numeral().is_some() || Some(key) == collect.end_key;
                self.always(|key| !of_answer(key) || confirms && !matches!(key.numeral(), Some(1..=2)));
                self.tries(&collect.patience);
                Nature { asks: true, ..nothing }
            }
            StepKind::When { condition, then, otherwise } => {
                self.when(condition, *then, *otherwise);
                nothing
            }
            StepKind::Hours { open, closed, .. } => {
                for (name, to, opens) in [(Name::Open, *open, true), (Name::Closed, *closed, false)] {
                    self.or_next(name, By::Outcome, to);
                    if let Some(exit) = self.exits.last_mut() {
                        (exit.while_open, exit.while_closed) = (opens, !opens);
                    }
                }
                nothing
            }
            StepKind::Lookup(lookup) => {
                self.lookup(lookup);
                nothing
            }
            StepKind::Flow(flow) => {
                let start = StepId { flow: *flow, step: self.set.flow(*flow).start };
                self.leave(Name::Flow, By::Itself, Goal::Step(start), None);
                self.next(Name::Next, By::Return);
                nothing
            }
            StepKind::Queue { queue, .. } => self.queue(*queue),
            StepKind::Callback { queue, otherwise, .. } => {
                let can = self.set.calls_back(*queue);
                if can {
                    self.next(Name::Callback, By::Answer);
                    self.or_next(Name::Full, By::Refusal, *otherwise);
                    self.or_next(Name::NoInput, By::Tries, *otherwise);
                    // Where the number is read back 1 and 2 say whether it is right; while it is keyed all numerals belong to it.
                    self.always(|key| !matches!(key.numeral(), Some(1..=2)));
                } else {
                    self.or_next(Name::Failed, By::Refusal, *otherwise);
                }
                Nature { message: can, ..nothing }
            }
            StepKind::Voicemail(voicemail) => {
                self.next(Name::Next, By::Answer);
                self.next(Name::NoInput, By::Tries);
                let operator = self.set.flow(self.at.flow).always.get(&Digit::ALL[0]).copied();
                self.or_next(Name::Failed, By::Refusal, voicemail.failed.or(operator));
                // The hash key ends the greeting, and the message.
                self.always(|key| key != Digit::HASH);
                Nature { message: true, ..nothing }
            }
            StepKind::Record(record) => {
                match &**record {
                    Record::Start { consent, refused, .. } => {
                        let asks = *consent == Consent::Ask;
                        self.next(Name::Next, if asks { By::Answer } else { By::Itself });
                        self.or_next(Name::Refused, By::Outcome, *refused);
                        if asks {
                            self.always(|key| !matches!(key.numeral(), Some(1..=2)));
                        }
                    }
                    Record::Stop | Record::Pause | Record::Resume => self.next(Name::Next, By::Itself),
                }
                nothing
            }
            StepKind::Survey(survey) => {
                self.next(Name::Next, By::Answer);
                self.next(Name::Refused, By::Answer);
                self.next(Name::NoInput, By::Tries);
                // Star leaves a question out, hash ends an answer, and numerals are scores where the question has them.
                let csat = survey.questions.iter().any(|question| question.scale == Scale::Csat);
                self.always(|key| match key.numeral() {
                    Some(numeral) => csat && !Scale::Csat.scores().contains(&numeral),
                    None => key != Digit::STAR && key != Digit::HASH,
                });
                nothing
            }
            StepKind::Transfer(spec) => {
                self.next(Name::Answered, By::Conversation);
                self.or_next(Name::Busy, By::Refusal, spec.way_for(Untransferred::Busy));
                self.or_next(Name::NoAnswer, By::Wait, spec.way_for(Untransferred::NoAnswer));
                self.or_next(Name::Failed, By::Refusal, spec.way_for(Untransferred::Failed));
                Nature { person: true, ..nothing }
            }
            StepKind::HangUp { .. } => {
                self.leave(Name::HangUp, By::Itself, Goal::HangUp, None);
                Nature { ends: true, ..nothing }
            }
        }
    }

    fn menu(&mut self, menu: &Menu) -> Nature {
        for choice in &menu.choices {
            self.choice(choice);
        }
        let unconditional =
            |key: Digit| menu.choices.iter().any(|choice| choice.keys == [key] && choice.when.is_none());
        self.always(|key| !unconditional(key));
        self.tries(&menu.patience);
        Nature { asks: true, ..Nature::default() }
    }

    fn choice(&mut self, choice: &Choice) {
        let name = Name::Choice(&choice.keys);
        let place = self.written(&name.name());
        self.leave(name, By::Keys(choice.keys.clone()), self.goal(choice.target), place);
        if let (Some(condition), Some(exit)) = (&choice.when, self.exits.last_mut()) {
            exit.while_open = can_be(self.set, condition, true, true);
            exit.while_closed = can_be(self.set, condition, false, true);
        }
    }

    fn when(&mut self, condition: &Condition, then: Target, otherwise: Option<Target>) {
        let place = self.written("then");
        self.leave(Name::Then, By::Outcome, self.goal(then), place);
        match otherwise {
            Some(_) => self.or_next(Name::Otherwise, By::Outcome, otherwise),
            None => self.next(Name::Next, By::Outcome),
        }
        let ways = self.exits.iter_mut().zip([true, false]);
        for (exit, holds) in ways {
            exit.while_open = can_be(self.set, condition, true, holds);
            exit.while_closed = can_be(self.set, condition, false, holds);
        }
    }

    fn queue(&mut self, queue: QueueIndex) -> Nature {
        let set = self.set;
        let spec = set.queue(queue);
        let answered = !spec.agents.is_empty();
        let written = ways_out_of(set, queue);
        if answered {
            match spec.survey {
                Some(survey) => {
                    let place = set.places.queue_setting(queue, "survey").cloned();
                    self.leave(Name::Answered, By::Conversation, goal_at(survey), place);
                }
                None => self.next(Name::Answered, By::Conversation),
            }
        }
        let reasons = [
            (Name::TimedOut, "when_too_long", By::Wait),
            (Name::Full, "when_full", By::Refusal),
            (Name::NoAgents, "when_no_agents", By::Refusal),
        ];
        for (name, setting, by) in reasons {
            // Without a step for it, callers wait while nobody is there.
            if matches!(name, Name::NoAgents) && spec.no_agents.is_none() {
                continue;
            }
            let found = written.iter().find(|(other, _)| other.name() == name.name());
            let place = set.places.queue_setting(queue, setting).cloned().or_else(|| self.written("next"));
            let to = found.map_or_else(|| self.goal_of_next(), |(_, to)| *to);
            self.leave(name, by, to, place);
        }
        self.next(Name::Failed, By::Refusal);
        for choice in spec.while_waiting.iter().filter(|choice| choice.target != Target::Callback) {
            let name = Name::Choice(&choice.keys);
            let Some((_, to)) = written.iter().find(|(other, _)| other.name() == name.name()) else { continue };
            let place = set.places.queue_setting(queue, &name.name()).cloned();
            self.leave(name, By::Keys(choice.keys.clone()), *to, place);
            if let (Some(condition), Some(exit)) = (&choice.when, self.exits.last_mut()) {
                exit.while_open = can_be(set, condition, true, true);
                exit.while_closed = can_be(set, condition, false, true);
            }
        }
        let back = spec.while_waiting.iter().find(|choice| choice.target == Target::Callback);
        if let Some(choice) = back.filter(|_| set.calls_back(queue)) {
            let place = set.places.queue_setting(queue, &Name::Choice(&choice.keys).name()).cloned();
            self.leave(Name::Callback, By::Keys(choice.keys.clone()), Goal::Callback, place);
        }
        Nature { person: answered, ..Nature::default() }
    }

    /// What is not found goes the way of what failed where it has none of its own; that one leads to a person or to goodbye.
    fn lookup(&mut self, lookup: &LookupSpec) {
        match &lookup.found {
            Some(way) => self.or_next(Name::Found, By::Outcome, Some(way.target)),
            None => self.next(Name::Found, By::Outcome),
        }
        let operator = self.set.flow(self.at.flow).always.get(&Digit::ALL[0]).copied();
        let failed = lookup.failed.as_ref().map(|way| way.target);
        let not_found = lookup.not_found.as_ref().map(|way| way.target);
        let last = failed.or(operator).unwrap_or(Target::HangUp);
        let by_default = || match failed {
            Some(_) => self.written("failed"),
            None => operator.and_then(|_| self.set.places.always(self.at.flow, Digit::ALL[0]).cloned()),
        };
        let (found_place, failed_place) = (self.written("not_found").or_else(by_default), by_default());
        self.leave(Name::NotFound, By::Outcome, self.goal(not_found.unwrap_or(last)), found_place);
        self.leave(Name::Failed, By::Refusal, self.goal(last), failed_place);
    }

    /// The keys that work everywhere and that the step leaves alone.
    fn always(&mut self, works: impl Fn(Digit) -> bool) {
        let flow = self.set.flow(self.at.flow);
        for (key, target) in flow.always.iter().filter(|(key, _)| works(**key)) {
            let place = self.set.places.always(self.at.flow, *key).cloned();
            self.leave(Name::Always(*key), By::Always(*key), self.goal(*target), place);
        }
    }

    /// What happens when patience is lost.
    fn tries(&mut self, patience: &Patience) {
        let operator = self.set.flow(self.at.flow).always.get(&Digit::ALL[0]).copied();
        let to = self.goal(patience.otherwise.or(operator).unwrap_or(Target::HangUp));
        let place = match patience.otherwise {
            Some(_) => self.written("otherwise"),
            None => operator.and_then(|_| self.set.places.always(self.at.flow, Digit::ALL[0]).cloned()),
        };
        self.leave(Name::NoInput, By::Tries, to, place.clone());
        self.leave(Name::NoMatch, By::Tries, to, place);
    }

    /// To what follows the step.
    fn next(&mut self, name: Name<'_>, by: By) {
        let place = self.written("next");
        self.leave(name, by, self.goal_of_next(), place);
    }

    /// To a target of its own or, without one, to what follows the step.
    fn or_next(&mut self, name: Name<'_>, by: By, to: Option<Target>) {
        let Some(to) = to else { return self.next(name, by) };
        let place = self.written(&name.name()).or_else(|| self.written("otherwise"));
        self.leave(name, by, self.goal(to), place);
    }

    fn leave(&mut self, name: Name<'_>, by: By, to: Goal, place: Option<Place>) {
        let place = place.or_else(|| self.set.places.step(self.at).cloned());
        self.exits.push(Exit { name: name.name(), by, to, while_open: true, while_closed: true, place });
    }

    fn written(&self, setting: &str) -> Option<Place> {
        self.set.places.setting(self.at, setting).cloned()
    }

    fn goal_of_next(&self) -> Goal {
        self.step.next.map_or(Goal::End, |next| self.goal(next))
    }

    fn goal(&self, target: Target) -> Goal {
        goal_at(FlowTarget { flow: self.at.flow, target })
    }
}

/// Whether a condition can hold (or, with `holds` false, fail to) while all hours are open, or all closed. What it asks of
/// anything but hours can be either.
fn can_be(set: &FlowSet, condition: &Condition, open: bool, holds: bool) -> bool {
    let of_hours = |name: &str| name.strip_prefix("hours.").is_some_and(|hours| set.find_hours(hours).is_some());
    if !condition.names().iter().all(|(name, _)| of_hours(name)) {
        return true;
    }
    condition.evaluate(&|name| of_hours(name).then_some(Value::Truth(open))) == holds
}
