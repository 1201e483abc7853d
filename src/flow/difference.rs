//! What a change of the flows means to callers, in words; and which queues and agents were only given another name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use jiff::civil::Date;

use super::graph::{By, Exit, Goal, Graph, StepId};
use super::hours::Range;
use super::{
    AgentSpec, Flow, FlowIndex, FlowSet, Hours, Piece, QueueSpec, Record, Speech, Step, StepIndex, StepKind, Survey,
};
use settings::{of_service, seconds};

mod settings;
#[cfg(test)]
mod tests;

/// Most days out of the ordinary that are told one by one.
const DAYS_TOLD_MAX: usize = 5;
/// Words of a text are told up to so many characters.
const WORDS_MAX: usize = 60;
const WEEKDAYS: [&str; 7] = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];

/// How a way to a step begins.
const REACH: &str = "reach ";

/// One thing that callers or agents will notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// A sentence without a full stop.
    pub text: String,
    /// The flow and step, in the old flows, whose callers it is about.
    pub at: Option<(Arc<str>, Arc<str>)>,
}

/// What has only another name now: the old one and the new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renamed {
    /// Queues: who waits in the one waits in the other.
    pub queues: Vec<(Arc<str>, Arc<str>)>,
    /// Agents, by their extensions.
    pub agents: Vec<(Arc<str>, Arc<str>)>,
}

/// Finds what was only given another name.
///
/// A queue was when it is gone, exactly one new one has all of its settings and agents, and no other that is gone has;
/// an agent, when their extension is gone and exactly one new one has the name of the agent.
pub fn renamed(old: &FlowSet, new: &FlowSet) -> Renamed {
    let agents = pairs(
        old.agents.iter().filter(|agent| find_agent(new, &agent.extension).is_none()),
        new.agents.iter().filter(|agent| find_agent(old, &agent.extension).is_none()),
        |one, other| one.name == other.name,
    );
    let agents: Vec<(Arc<str>, Arc<str>)> =
        agents.into_iter().map(|(one, other)| (one.extension.clone(), other.extension.clone())).collect();
    let queues = pairs(
        old.queues.iter().filter(|queue| find_queue(new, &queue.name).is_none()),
        new.queues.iter().filter(|queue| find_queue(old, &queue.name).is_none()),
        |one, other| same_queue(one, other, &agents),
    );
    let queues = queues.into_iter().map(|(one, other)| (one.name.clone(), other.name.clone())).collect();
    Renamed { queues, agents }
}

/// Each that is gone with the one that came, where either is the only match of the other.
fn pairs<'a, T>(
    gone: impl Iterator<Item = &'a T>,
    come: impl Iterator<Item = &'a T>,
    same: impl Fn(&T, &T) -> bool,
) -> Vec<(&'a T, &'a T)> {
    let (gone, come): (Vec<&T>, Vec<&T>) = (gone.collect(), come.collect());
    let only = |matches: Vec<usize>| if let [only] = matches[..] { Some(only) } else { None };
    let found = gone.iter().enumerate().filter_map(|(place, one)| {
        let other = only((0..come.len()).filter(|other| same(one, come[*other])).collect())?;
        let back = only((0..gone.len()).filter(|one| same(gone[*one], come[other])).collect())?;
        (back == place).then_some((*one, come[other]))
    });
    found.collect()
}

/// Whether two queues of different names are alike: what they say and where they lead on may have changed.
fn same_queue(one: &QueueSpec, other: &QueueSpec, agents: &[(Arc<str>, Arc<str>)]) -> bool {
    let now = |extension: &Arc<str>| {
        agents.iter().find(|(old, _)| old == extension).map_or_else(|| extension.clone(), |(_, new)| new.clone())
    };
    let members: Vec<(Arc<str>, u8)> = one.agents.iter().map(|(agent, tier)| (now(agent), *tier)).collect();
    members == other.agents && !members.is_empty() && settings(one) == settings(other)
}

/// The settings of a queue that tell it from another, by their names, each as people write it.
fn settings(queue: &QueueSpec) -> Vec<(&'static str, String)> {
    let maybe = |time: Option<std::time::Duration>| time.map_or("never".to_owned(), seconds);
    vec![
        ("strategy", lower(&queue.strategy)),
        ("ring", seconds(queue.ring)),
        ("wrap_up", seconds(queue.wrap_up)),
        ("whisper", queue.whisper.to_string()),
        ("music", queue.music.as_deref().unwrap_or("all").to_owned()),
        ("announced place", queue.position_announced.to_string()),
        ("announced wait", queue.wait_announced.to_string()),
        ("first announcement after", seconds(queue.announce_first)),
        ("announcements every", seconds(queue.announce_repeat)),
        ("most callers", queue.most_callers.to_string()),
        ("longest wait", seconds(queue.too_long.0)),
        ("service level", format!("{}% within {}", queue.service_per_cent, seconds(queue.service_within))),
        ("place kept after a dropped call for", seconds(queue.resume_window)),
        ("skills relaxed after", maybe(queue.relax_after)),
    ]
}

/// What callers and agents will notice when `new` takes the place of `old`; nothing when they are the same to them.
pub fn differences(old: &FlowSet, new: &FlowSet) -> Vec<Change> {
    let graphs = (Graph::of(old), Graph::of(new));
    let shared = shared_names(old).chain(shared_names(new)).collect();
    let mut told = Differences { old, new, graphs, renamed: renamed(old, new), shared, changes: Vec::new() };
    told.numbers();
    told.flows();
    told.queues();
    told.agents();
    told.hours();
    told.services();
    told.changes
}

/// The names that steps of several flows have.
fn shared_names(set: &FlowSet) -> impl Iterator<Item = Arc<str>> {
    let mut seen = BTreeSet::new();
    set.flows
        .iter()
        .flat_map(|flow| &flow.steps)
        .filter(move |step| !seen.insert(&step.name))
        .map(|step| step.name.clone())
}

struct Differences<'a> {
    old: &'a FlowSet,
    new: &'a FlowSet,
    graphs: (Graph, Graph),
    renamed: Renamed,
    /// The names that steps of several flows have.
    shared: BTreeSet<Arc<str>>,
    changes: Vec<Change>,
}

impl Differences<'_> {
    fn tell(&mut self, text: String) {
        self.changes.push(Change { text, at: None });
    }

    fn tell_of(&mut self, flow: &Flow, step: &Step, text: String) {
        self.changes.push(Change { text, at: Some((flow.name.clone(), step.name.clone())) });
    }

    fn numbers(&mut self) {
        let (old, new) = (self.old, self.new);
        let name = |set: &FlowSet, flow: Option<FlowIndex>| flow.map(|flow| set.flow(flow).name.clone());
        let numbers: BTreeSet<&String> = old.numbers.keys().chain(new.numbers.keys()).collect();
        for number in numbers {
            let before = name(old, old.for_number(number));
            let after = name(new, new.for_number(number));
            match (before, after) {
                (Some(before), Some(after)) if before != after => {
                    self.tell(format!("callers of {number} will now meet the flow `{after}` instead of `{before}`"));
                }
                (None, Some(after)) => self.tell(format!("{number} will now be answered, by the flow `{after}`")),
                (Some(before), None) => {
                    self.tell(format!("{number} will no longer be answered; until now the flow `{before}` did"));
                }
                _ => {}
            }
        }
        match (name(old, old.any), name(new, new.any)) {
            (Some(before), Some(after)) if before != after => self
                .tell(format!("callers of every other number will now meet the flow `{after}` instead of `{before}`")),
            (None, Some(after)) => self.tell(format!("every other number will now be answered, by the flow `{after}`")),
            (Some(_), None) => self.tell("numbers that no flow names will no longer be answered".to_owned()),
            _ => {}
        }
    }

    fn flows(&mut self) {
        let (old, new) = (self.old, self.new);
        for (index, flow) in (0..).map(FlowIndex).zip(&old.flows) {
            match (0..).map(FlowIndex).zip(&new.flows).find(|(_, other)| other.name == flow.name) {
                Some((other, _)) => self.flow(index, other),
                None => self.tell(format!("the flow `{}` is gone", flow.name)),
            }
        }
        for flow in &new.flows {
            if !old.flows.iter().any(|other| other.name == flow.name) {
                self.tell(format!("the flow `{}` is new", flow.name));
            }
        }
    }

    fn flow(&mut self, old_index: FlowIndex, new_index: FlowIndex) {
        let (old, new) = (self.old.flow(old_index), self.new.flow(new_index));
        let name = &old.name;
        let languages = |flow: &Flow| flow.languages.iter().map(|language| &**language).collect::<Vec<_>>().join(", ");
        if old.languages != new.languages {
            self.tell(format!("`{name}` now speaks {} instead of {}", languages(new), languages(old)));
        }
        if old.time_zone != new.time_zone {
            let zone = |flow: &Flow| flow.time_zone.iana_name().unwrap_or("another zone").to_owned();
            self.tell(format!("times in `{name}` are now those of {} instead of {}", zone(new), zone(old)));
        }
        if self.step_name(old, old.start) != self.step_name(new, new.start) {
            let (before, after) = (self.step_name(old, old.start), self.step_name(new, new.start));
            self.tell(format!("calls in `{name}` now begin at `{after}` instead of `{before}`"));
        }
        let others: BTreeMap<&str, StepIndex> =
            new.steps.iter().zip((0..).map(StepIndex)).map(|(step, index)| (&*step.name, index)).collect();
        let known: BTreeSet<&str> = old.steps.iter().map(|step| &*step.name).collect();
        for (index, step) in (0..).map(StepIndex).zip(&old.steps) {
            match others.get(&*step.name) {
                Some(other) => {
                    self.step(StepId { flow: old_index, step: index }, StepId { flow: new_index, step: *other })
                }
                None => self.tell_of(old, step, format!("the step `{}` of `{name}` is gone", step.name)),
            }
        }
        for step in new.steps.iter().filter(|step| !known.contains(&*step.name)) {
            self.tell(format!("the step `{}` of `{name}` is new", step.name));
        }
    }

    fn step_name<'f>(&self, flow: &'f Flow, step: super::StepIndex) -> &'f str {
        flow.steps.get(step.0 as usize).map_or("", |step| &step.name)
    }

    /// A step as it is named to people: with its flow, where another has one of the same name.
    fn place(&self, flow: &Flow, step: &Step) -> String {
        match self.shared.contains(&step.name) {
            true => format!("`{}` of `{}`", step.name, flow.name),
            false => format!("`{}`", step.name),
        }
    }

    fn step(&mut self, before: StepId, after: StepId) {
        let (old_flow, new_flow) = (self.old.flow(before.flow), self.new.flow(after.flow));
        let (old, new) = (&old_flow.steps[before.step.0 as usize], &new_flow.steps[after.step.0 as usize]);
        let name = self.place(old_flow, old);
        if std::mem::discriminant(&old.kind) != std::mem::discriminant(&new.kind) {
            return self.tell_of(old_flow, old, format!("{name} is now another kind of step"));
        }
        self.texts((old_flow, old), (new_flow, new));
        self.settings(old_flow, old, new);
        self.ways((old_flow, old), before, after);
        if let (StepKind::Survey(before), StepKind::Survey(after)) = (&old.kind, &new.kind) {
            self.survey(old_flow, old, (before, after));
        }
        if let (StepKind::Queue { queue: before, .. }, StepKind::Queue { queue: after, .. }) = (&old.kind, &new.kind) {
            let before = self.old.queue(*before).name.clone();
            let after = self.new.queue(*after).name.clone();
            let renamed = self.renamed.queues.iter().any(|(one, other)| *one == before && *other == after);
            if before != after && !renamed {
                let text = format!("callers in {name} will now wait in the queue `{after}` instead of `{before}`");
                self.tell_of(old_flow, old, text);
            }
        }
    }

    /// What callers are asked for their opinion of.
    fn survey(&mut self, old_flow: &Flow, old: &Step, (before, after): (&Survey, &Survey)) {
        let name = self.place(old_flow, old);
        let mut texts = Vec::new();
        for question in &before.questions {
            let asked = &question.name;
            match after.questions.iter().find(|other| other.name == *asked) {
                None => texts.push(format!("{name} will no longer ask `{asked}`")),
                Some(other) if other.scale != question.scale => {
                    let ((_, was), (_, is)) = (question.scale.scores().into_inner(), other.scale.scores().into_inner());
                    texts.push(format!("callers in {name} will now answer `{asked}` up to {is} instead of {was}"));
                }
                Some(_) => {}
            }
        }
        for question in &after.questions {
            if !before.questions.iter().any(|other| other.name == question.name) {
                texts.push(format!("{name} will now ask `{}`", question.name));
            }
        }
        texts.into_iter().for_each(|text| self.tell_of(old_flow, old, text));
    }

    /// Where callers go on from a step.
    fn ways(&mut self, (old_flow, old): (&Flow, &Step), before: StepId, after: StepId) {
        let name = self.place(old_flow, old);
        let before = ways(self.old, &self.graphs.0, before);
        let after = ways(self.new, &self.graphs.1, after);
        for way in &before {
            let text = match after.iter().find(|other| other.name == way.name) {
                Some(other) if other.leads != way.leads => {
                    let whose = way.whose(&name);
                    match (other.leads.strip_prefix(REACH), way.leads.strip_prefix(REACH)) {
                        (Some(_), Some(there)) => format!("{whose} will now {} instead of {there}", other.leads),
                        _ => format!("{whose} will now {}; until now they would {}", other.leads, way.leads),
                    }
                }
                None => match way.keys() {
                    Some(keys) => {
                        format!("callers can no longer press {keys} in {name}; until now they would {}", way.leads)
                    }
                    None => format!("{} will no longer {}", way.whose(&name), way.leads),
                },
                Some(_) => continue,
            };
            self.tell_of(old_flow, old, text);
        }
        for way in after.iter().filter(|way| !before.iter().any(|other| other.name == way.name)) {
            let text = match way.keys() {
                Some(keys) => format!("callers can now press {keys} in {name}: they will {}", way.leads),
                None => format!("{} will now {}", way.whose(&name), way.leads),
            };
            self.tell_of(old_flow, old, text);
        }
    }

    /// What else of a step callers meet.
    fn settings(&mut self, old_flow: &Flow, old: &Step, new: &Step) {
        let name = self.place(old_flow, old);
        let (before, after) = (settings::settings(self.old, &old.kind), settings::settings(self.new, &new.kind));
        for ((what, before), (_, after)) in before.into_iter().zip(after) {
            if before != after {
                self.tell_of(old_flow, old, format!("{name}: {what} is now {after} instead of {before}"));
            }
        }
        if settings::condition(&old.kind) != settings::condition(&new.kind) {
            self.tell_of(old_flow, old, format!("{name} now decides by another condition"));
        }
        let (StepKind::Menu(before), StepKind::Menu(after)) = (&old.kind, &new.kind) else { return };
        for choice in &before.choices {
            let Some(other) = after.choices.iter().find(|other| other.keys == choice.keys) else { continue };
            let keys: String = choice.keys.iter().map(|key| key.as_char()).collect();
            let text = match (&choice.when, &other.when) {
                (before, after) if before == after => continue,
                (_, None) => format!("callers in {name} can now press {keys} at any time"),
                (None, Some(_)) => format!("callers in {name} can now press {keys} only when a condition holds"),
                _ => format!("callers in {name} can now press {keys} when another condition holds"),
            };
            self.tell_of(old_flow, old, text);
        }
    }

    /// What a step says, in the first language, and in those in which other words are said where the first says the same.
    fn texts(&mut self, (old_flow, old): (&Flow, &Step), (new_flow, new): (&Flow, &Step)) {
        let name = self.place(old_flow, old);
        if let (StepKind::Menu(before), StepKind::Menu(after)) = (&old.kind, &new.kind) {
            for choice in &before.choices {
                let Some(other) = after.choices.iter().find(|other| other.keys == choice.keys) else { continue };
                let line = |set: &FlowSet, speech: &Option<Speech>| {
                    speech.as_ref().map_or(String::new(), |speech| words(set, speech, 0).join(" "))
                };
                let (before, after) = (line(self.old, &choice.speech), line(self.new, &other.speech));
                if before != after {
                    let (before, after) = (shortened(&before), shortened(&after));
                    let keys: String = choice.keys.iter().map(|key| key.as_char()).collect();
                    let text =
                        format!("callers in {name} will now hear \"{after}\" for {keys} instead of \"{before}\"");
                    self.tell_of(old_flow, old, text);
                }
            }
        }
        let (before, after) = (spoken(self.old, &old.kind, 0), spoken(self.new, &new.kind, 0));
        if before == after {
            for (place, language) in old_flow.languages.iter().enumerate().skip(1) {
                let Some(now) = new_flow.languages.iter().position(|other| other == language) else { continue };
                let (before, after) = (spoken(self.old, &old.kind, place), spoken(self.new, &new.kind, now));
                if before != after {
                    let (before, after) = (shortened(&before), shortened(&after));
                    let text =
                        format!("callers in {name} will now hear \"{after}\" in {language} instead of \"{before}\"");
                    self.tell_of(old_flow, old, text);
                }
            }
        } else {
            let (before, after) = (shortened(&before), shortened(&after));
            let text = match (before.is_empty(), after.is_empty()) {
                (true, _) => format!("callers in {name} will now hear \"{after}\""),
                (_, true) => format!("callers in {name} will no longer hear \"{before}\""),
                _ => format!("callers in {name} will now hear \"{after}\" instead of \"{before}\""),
            };
            self.tell_of(old_flow, old, text);
        }
    }

    fn queues(&mut self) {
        let (old, new) = (self.old, self.new);
        for (before, after) in self.renamed.queues.clone() {
            self.tell(format!("the queue `{before}` is now called `{after}`; who waits in it keeps their place"));
        }
        for queue in &old.queues {
            let (old_name, _) = (&queue.name, ());
            let renamed = self.renamed.queues.iter().find(|(one, _)| one == old_name).map(|(_, other)| other.clone());
            let Some(other) = find_queue(new, renamed.as_ref().unwrap_or(old_name)) else {
                let text = format!("the queue `{old_name}` is gone; who waits in it is still served");
                self.tell(text);
                continue;
            };
            for ((what, before), (_, after)) in settings(queue).into_iter().zip(settings(other)) {
                if before != after {
                    self.tell(format!("`{}`: {what} is now {after} instead of {before}", other.name));
                }
            }
            self.members(queue, other);
        }
        for queue in &new.queues {
            let came = self.renamed.queues.iter().any(|(_, other)| *other == queue.name);
            if find_queue(old, &queue.name).is_none() && !came {
                self.tell(format!("the queue `{}` is new", queue.name));
            }
        }
    }

    fn members(&mut self, old: &QueueSpec, new: &QueueSpec) {
        let now = |extension: &Arc<str>| {
            let renamed = self.renamed.agents.iter().find(|(one, _)| one == extension);
            renamed.map_or_else(|| extension.clone(), |(_, other)| other.clone())
        };
        let before: BTreeMap<Arc<str>, u8> = old.agents.iter().map(|(agent, tier)| (now(agent), *tier)).collect();
        let after: BTreeMap<Arc<str>, u8> = new.agents.iter().cloned().collect();
        let mut texts = Vec::new();
        for (agent, tier) in &after {
            let called = called(self.new, agent);
            match before.get(agent) {
                None => texts.push(format!("{called} now answers `{}`", new.name)),
                Some(old) if old != tier => {
                    texts.push(format!("{called} is now of tier {tier} in `{}` instead of {old}", new.name));
                }
                Some(_) => {}
            }
        }
        for agent in before.keys().filter(|agent| !after.contains_key(*agent)) {
            let known = if find_agent(self.old, agent).is_some() { self.old } else { self.new };
            texts.push(format!("{} no longer answers `{}`", called(known, agent), new.name));
        }
        texts.into_iter().for_each(|text| self.tell(text));
    }

    fn agents(&mut self) {
        let (old, new) = (self.old, self.new);
        for (before, after) in self.renamed.agents.clone() {
            let text = format!("{} now has the extension {after} instead of {before}", called(new, &after));
            self.tell(text);
        }
        for agent in &old.agents {
            let Some(other) = find_agent(new, &agent.extension) else {
                if !self.renamed.agents.iter().any(|(one, _)| *one == agent.extension) {
                    self.tell(format!("{} is no longer an agent", called(old, &agent.extension)));
                }
                continue;
            };
            if agent.name != other.name {
                self.tell(format!("{} is now called {}", agent.extension, other.name));
            }
            let skills = |agent: &AgentSpec| {
                let skills: Vec<String> =
                    agent.skills.iter().map(|(skill, level)| format!("{skill} {level}")).collect();
                if skills.is_empty() { "none".to_owned() } else { skills.join(", ") }
            };
            if agent.skills != other.skills {
                let called = called(new, &agent.extension);
                self.tell(format!("the skills of {called} are now {} instead of {}", skills(other), skills(agent)));
            }
        }
        for agent in &new.agents {
            let came = self.renamed.agents.iter().any(|(_, other)| *other == agent.extension);
            if find_agent(old, &agent.extension).is_none() && !came {
                self.tell(format!("{} is a new agent", called(new, &agent.extension)));
            }
        }
    }

    fn hours(&mut self) {
        let (old, new) = (self.old, self.new);
        for hours in &old.hours {
            match new.find_hours(&hours.name) {
                Some(other) => self.other_hours(hours, other),
                None => self.tell(format!("the hours `{}` are gone", hours.name)),
            }
        }
        for hours in new.hours.iter().filter(|hours| old.find_hours(&hours.name).is_none()) {
            self.tell(format!("the hours `{}` are new", hours.name));
        }
    }

    fn services(&mut self) {
        let (old, new) = (self.old, self.new);
        for service in &old.connectors {
            let name = &service.name;
            let Some(other) = new.connectors.iter().find(|other| other.name == *name) else {
                self.tell(format!("the service `{name}` is gone"));
                continue;
            };
            if service.url != other.url {
                self.tell(format!("the service `{name}` is now asked at another address"));
            }
            if service.headers != other.headers || service.body != other.body {
                self.tell(format!("the service `{name}` is now sent something else"));
            }
            for ((what, before), (_, after)) in of_service(service).into_iter().zip(of_service(other)) {
                if before != after {
                    self.tell(format!("the service `{name}`: {what} is now {after} instead of {before}"));
                }
            }
        }
        for service in new.connectors.iter().filter(|other| !old.connectors.iter().any(|one| one.name == other.name)) {
            self.tell(format!("the service `{}` is new", service.name));
        }
    }

    fn other_hours(&mut self, old: &Hours, new: &Hours) {
        let name = &new.name;
        if old.zone != new.zone {
            let zone = |hours: &Hours| hours.zone.iana_name().unwrap_or("another zone").to_owned();
            self.tell(format!("the times of `{name}` are now those of {} instead of {}", zone(new), zone(old)));
        }
        let days: Vec<_> = old.week.iter().zip(&new.week).zip(WEEKDAYS).collect();
        // Days in a row with the same change are told together.
        for days in days.chunk_by(|(one, _), (other, _)| one == other) {
            let ((before, after), first) = days[0];
            let (_, last) = days[days.len() - 1];
            let on = if first == last { first.to_owned() } else { format!("{first} to {last}") };
            if before != after {
                self.tell(format!("on {on} `{name}` is now {} instead of {}", times(after), times(before)));
            }
        }
        let dates: BTreeSet<&Date> = old.days.keys().chain(new.days.keys()).collect();
        let changed: Vec<&Date> = dates.into_iter().filter(|date| old.days.get(*date) != new.days.get(*date)).collect();
        for date in changed.iter().take(DAYS_TOLD_MAX) {
            let on = |hours: &Hours| match hours.days.get(*date) {
                Some(day) => times(&day.ranges),
                None => "as on any other week".to_owned(),
            };
            self.tell(format!("on {date} `{name}` is now {} instead of {}", on(new), on(old)));
        }
        if changed.len() > DAYS_TOLD_MAX {
            let more = changed.len() - DAYS_TOLD_MAX;
            self.tell(format!("`{name}` changes on {more} more days: see `helpline hours {name} --year`"));
        }
    }
}

/// A way out of a step.
struct WayOut {
    name: Arc<str>,
    by: By,
    /// As it goes on after "callers will now".
    leads: String,
}

impl WayOut {
    /// Which callers take it, as a sentence about them begins.
    fn whose(&self, step: &str) -> String {
        if let Some(keys) = self.keys() {
            return format!("callers pressing {keys} in {step}");
        }
        match &self.by {
            By::Itself | By::Return => format!("after {step} callers"),
            By::Answer => format!("callers who have answered {step} ({})", self.name),
            By::Conversation => format!("after the conversation of {step} callers"),
            By::Outcome | By::Tries | By::Wait | By::Refusal => format!("callers in {step} ({})", self.name),
            By::Keys(_) | By::Always(_) => format!("callers in {step}"),
        }
    }

    /// What is pressed to take it.
    fn keys(&self) -> Option<String> {
        match &self.by {
            By::Keys(keys) => Some(keys.iter().map(|key| key.as_char()).collect()),
            By::Always(key) => Some(key.as_char().to_string()),
            _ => None,
        }
    }
}

fn ways(set: &FlowSet, graph: &Graph, at: StepId) -> Vec<WayOut> {
    let way = |exit: &Exit| WayOut { name: exit.name.clone(), by: exit.by.clone(), leads: led(set, at.flow, exit.to) };
    graph.node(at).exits.iter().map(way).collect()
}

fn led(set: &FlowSet, from: FlowIndex, to: Goal) -> String {
    match to {
        Goal::Step(at) => {
            let flow = set.flow(at.flow);
            let step = flow.steps.get(at.step.0 as usize).map_or("", |step| &step.name);
            if at.flow == from { format!("{REACH}`{step}`") } else { format!("{REACH}`{step}` of `{}`", flow.name) }
        }
        Goal::Again => "hear it again".to_owned(),
        Goal::Back => "go back".to_owned(),
        Goal::End => "come to the end of the flow".to_owned(),
        Goal::HangUp => "hear goodbye".to_owned(),
        Goal::Callback => "be called back".to_owned(),
    }
}

fn find_queue<'a>(set: &'a FlowSet, name: &str) -> Option<&'a QueueSpec> {
    set.queues.iter().find(|queue| &*queue.name == name)
}

fn find_agent<'a>(set: &'a FlowSet, extension: &str) -> Option<&'a AgentSpec> {
    set.agents.iter().find(|agent| &*agent.extension == extension)
}

/// "Ada (1001)".
fn called(set: &FlowSet, extension: &str) -> String {
    match find_agent(set, extension) {
        Some(agent) if *agent.name != *extension => format!("{} ({extension})", agent.name),
        _ => extension.to_owned(),
    }
}

/// As flow files write a word that has one here: `LongestIdle` is `longest_idle`.
fn lower(word: &impl Debug) -> String {
    let mut written = String::new();
    for letter in format!("{word:?}").chars() {
        if letter.is_ascii_uppercase() && !written.is_empty() {
            written.push('_');
        }
        written.push(letter.to_ascii_lowercase());
    }
    written
}

fn times(ranges: &[Range]) -> String {
    if ranges.is_empty() {
        return "closed".to_owned();
    }
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let ranges: Vec<String> = ranges.iter().map(|range| format!("{}-{}", time(range.from), time(range.to))).collect();
    format!("open {}", ranges.join(", "))
}

/// What a step says in one of the flow's languages: recordings by their texts, values by their names.
fn spoken(set: &FlowSet, kind: &StepKind, language: usize) -> String {
    let speeches: Vec<&Speech> = match kind {
        StepKind::Say { speech, .. } | StepKind::Play { speech, .. } => vec![speech],
        StepKind::HangUp { speech } => speech.iter().collect(),
        StepKind::Menu(menu) => menu.speech.iter().collect(),
        StepKind::Collect(collect) => vec![&collect.speech],
        StepKind::Survey(survey) => {
            survey.questions.iter().filter_map(|question| question.speech.as_ref()).chain(&survey.thanks).collect()
        }
        StepKind::Voicemail(voicemail) => voicemail.greeting.iter().collect(),
        StepKind::Transfer(transfer) => transfer.announce.iter().collect(),
        StepKind::Record(record) => match &**record {
            Record::Start { prompt, .. } => prompt.iter().collect(),
            _ => Vec::new(),
        },
        StepKind::Lookup(lookup) => {
            let ways = [&lookup.found, &lookup.not_found, &lookup.failed];
            ways.into_iter().flatten().filter_map(|way| way.speech.as_ref()).collect()
        }
        _ => Vec::new(),
    };
    let words: Vec<String> = speeches.into_iter().flat_map(|speech| words(set, speech, language)).collect();
    words.join(" ")
}

fn words(set: &FlowSet, speech: &Speech, language: usize) -> Vec<String> {
    let pieces = speech.by_language.get(language).map_or(&[][..], Vec::as_slice);
    let word = |piece: &Piece| match piece {
        Piece::Prompt(prompt) => {
            let prompt = set.prompt(*prompt);
            if prompt.text.is_empty() { prompt.name.to_string() } else { prompt.text.to_string() }
        }
        Piece::Value { name, .. } => format!("{{{name}}}"),
    };
    pieces.iter().map(word).collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => format!("{}...", text[..end].trim_end()),
        None => text.to_owned(),
    }
}
