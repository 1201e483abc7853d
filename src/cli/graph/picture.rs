//! What a picture of a flow shows: boxes for steps, arrows for the ways between them, in words that a manager understands.

use std::collections::BTreeMap;

use super::heat::Heat;
use crate::flow::document::Source;
use crate::flow::graph::{By, Exit, Goal, Graph, Node as GraphNode, StepId};
use crate::flow::hours::{Hours, WEEKDAYS};
use crate::flow::{
    Choice, Consent, Flow, FlowIndex, FlowSet, Piece, QueueIndex, QueueSpec, Record, Speech, Step, StepIndex, StepKind,
    Target,
};
use crate::telephony::Digit;

/// Most characters of a text that is shown in a box, and on an arrow.
const TEXT_MAX: usize = 96;
const LABEL_MAX: usize = 44;
/// Agents of a queue that are named.
const AGENTS_NAMED: usize = 4;

/// A picture before it has a form.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Picture {
    /// The flow's name.
    pub title: String,
    /// What holds everywhere: the numbers, the keys of every menu, what happens to who presses nothing.
    pub legend: Vec<String>,
    /// The boxes; the first one is where callers come in.
    pub boxes: Vec<Box>,
    /// The arrows, in the order in which they are written.
    pub arrows: Vec<Arrow>,
    /// Whether callers are counted.
    pub counted: bool,
}

/// What a box is, which is told by its colour and shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Where callers come in.
    Start,
    /// Something is said.
    Speech,
    /// Keys are asked for.
    Question,
    /// The ways part without the caller.
    Fork,
    /// An agent answers, or calls back.
    Person,
    /// Another flow.
    Flow,
    /// Something that callers do not notice.
    Quiet,
    /// The end of the call.
    End,
    /// Somewhere else: the end, the menu before, a box that stands far away.
    Pointer,
}

/// A box.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Box {
    /// The step's name; empty of what is no step.
    pub name: String,
    pub look: Look,
    /// The kind in a word: "menu", "queue".
    pub caption: String,
    /// What stands in it.
    pub lines: Vec<String>,
    /// How many callers came.
    pub callers: Option<u64>,
    /// How many of them hung up here.
    pub lost: Option<u64>,
}

/// An arrow.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arrow {
    pub from: usize,
    pub to: usize,
    /// What makes callers take it; nothing where there is no other way.
    pub labels: Vec<String>,
    /// It is not what the flow is for: nobody pressed a key, nobody was there.
    pub aside: bool,
    /// How many callers took it, and how many of a hundred that came to the step.
    pub callers: Option<(u64, u8)>,
}

/// The picture of `flow`.
pub(super) fn picture(
    set: &FlowSet,
    graph: &Graph,
    flow: FlowIndex,
    sources: &[Source],
    heat: Option<&Heat>,
) -> Picture {
    let mut draft = Draft { set, graph, flow: set.flow(flow), index: flow, sources, heat, picture: Picture::default() };
    draft.draw();
    draft.picture
}

struct Draft<'a> {
    set: &'a FlowSet,
    graph: &'a Graph,
    flow: &'a Flow,
    index: FlowIndex,
    sources: &'a [Source],
    heat: Option<&'a Heat>,
    picture: Picture,
}

impl Draft<'_> {
    fn draw(&mut self) {
        self.picture.title = self.flow.name.to_string();
        self.picture.counted = self.heat.is_some();
        self.picture.boxes.push(Box {
            name: String::new(),
            look: Look::Start,
            caption: String::new(),
            lines: vec![self.who_comes()],
            callers: None,
            lost: None,
        });
        let start = self.box_of(self.flow.start);
        self.picture.arrows.push(Arrow { from: 0, to: start, labels: Vec::new(), aside: false, callers: None });
        for (position, step) in self.flow.steps.iter().enumerate() {
            let at = self.at(position);
            let drawn = self.step(at, step);
            self.picture.boxes.push(drawn);
        }
        for node in self.graph.of_flow(self.index) {
            self.ways(node);
        }
        self.legend();
    }

    fn at(&self, position: usize) -> StepId {
        StepId { flow: self.index, step: StepIndex(u32::try_from(position).expect("steps are limited")) }
    }

    /// The box of a step: the first one is where callers come in.
    fn box_of(&self, step: StepIndex) -> usize {
        step.0 as usize + 1
    }

    fn who_comes(&self) -> String {
        let mut numbers: Vec<&str> = self
            .set
            .numbers
            .iter()
            .filter(|(_, flow)| **flow == self.index)
            .map(|(number, _)| number.as_str())
            .collect();
        let any = self.set.any == Some(self.index);
        if any {
            numbers.push(if numbers.is_empty() { "any number" } else { "any other number" });
        }
        match numbers.as_slice() {
            [] => "From other flows".to_owned(),
            numbers => format!("Callers dial {}", joined(numbers, "or")),
        }
    }

    fn step(&self, at: StepId, step: &Step) -> Box {
        let quoted = |speech: &Speech| vec![format!("“{}”", self.text(speech, TEXT_MAX))];
        let (look, caption, lines) = match &step.kind {
            StepKind::Say { speech, .. } => (Look::Speech, "says", quoted(speech)),
            StepKind::Play { speech, .. } => (Look::Speech, "plays", vec![self.recordings(speech)]),
            StepKind::Menu(menu) => (Look::Question, "menu", menu.speech.iter().flat_map(quoted).collect()),
            StepKind::Collect(collect) => {
                let mut lines = quoted(&collect.speech);
                let digits = match (collect.shortest, collect.longest) {
                    (1, 64) => "digits".to_owned(),
                    (1, 1) => "one digit".to_owned(),
                    (least, most) if least == most => format!("{least} digits"),
                    (least, most) => format!("{least} to {most} digits"),
                };
                lines.push(format!("{digits} → {}", collect.save));
                (Look::Question, "question", lines)
            }
            StepKind::Set(values) => {
                let written =
                    values.iter().map(|(name, value)| format!("{name} = {}", value.written().unwrap_or_default()));
                (Look::Quiet, "sets", written.take(4).map(|line| shortened(&line, LABEL_MAX)).collect())
            }
            StepKind::When { .. } => (Look::Fork, "if", self.written(at, "when").into_iter().collect()),
            StepKind::Hours { hours, .. } => (Look::Fork, "hours", week(&self.set.hours[usize::from(hours.0)])),
            StepKind::Lookup(_) => (Look::Fork, "looks up", self.written(at, "lookup").into_iter().collect()),
            StepKind::Language(language) => {
                (Look::Quiet, "language", vec![self.flow.languages[usize::from(language.0)].to_string()])
            }
            StepKind::Flow(flow) => {
                let other = &self.set.flow(*flow).name;
                (Look::Flow, "flow", (*other != step.name).then(|| other.to_string()).into_iter().collect())
            }
            StepKind::Queue { queue, skills, .. } => (Look::Person, "queue", self.queue(*queue, skills)),
            StepKind::Callback { queue, skills, .. } => (Look::Person, "call back", self.queue(*queue, skills)),
            StepKind::Voicemail(voicemail) => {
                let mut lines: Vec<String> = voicemail.greeting.iter().flat_map(quoted).collect();
                lines.push(voicemail.mailbox.to_string());
                (Look::Person, "message", lines)
            }
            StepKind::Record(record) => match &**record {
                Record::Start { consent: Consent::Ask, prompt, .. } => {
                    (Look::Question, "may we record?", prompt.iter().flat_map(quoted).collect())
                }
                Record::Start { consent: Consent::Announce, prompt, .. } => {
                    (Look::Speech, "records", prompt.iter().flat_map(quoted).collect())
                }
                Record::Stop => (Look::Quiet, "records no more", Vec::new()),
                Record::Pause => (Look::Quiet, "pauses the recording", Vec::new()),
                Record::Resume => (Look::Quiet, "records again", Vec::new()),
            },
            StepKind::Survey(survey) => {
                let questions = survey.questions.iter().map(|question| {
                    let (least, most) = question.scale.scores().into_inner();
                    let name = format!("{} ({least} to {most})", question.name);
                    match &question.speech {
                        Some(speech) => format!("{name}: “{}”", self.text(speech, TEXT_MAX)),
                        None => name,
                    }
                });
                (Look::Question, "survey", questions.collect())
            }
            StepKind::Transfer(spec) => {
                let agent = self.set.agents.iter().find(|agent| agent.extension == *spec.to.name());
                let line = agent.map_or_else(
                    || spec.to.name().to_string(),
                    |agent| format!("{} ({})", agent.name, agent.extension),
                );
                (Look::Person, "passes on to", vec![shortened(&line, LABEL_MAX)])
            }
            StepKind::HangUp { speech } => (Look::End, "hangs up", speech.iter().flat_map(quoted).collect()),
        };
        let count = |count: Option<u64>| self.heat.map(|_| count.unwrap_or(0));
        let heat = |read: &dyn Fn(&Heat) -> Option<u64>| self.heat.and_then(read);
        Box {
            name: step.name.to_string(),
            look,
            caption: caption.to_owned(),
            lines,
            callers: count(heat(&|heat| heat.entries(&self.flow.name, &step.name))),
            lost: count(heat(&|heat| heat.exits(&self.flow.name, &step.name, "caller_hung_up"))),
        }
    }

    fn queue(&self, queue: QueueIndex, skills: &[std::sync::Arc<str>]) -> Vec<String> {
        let spec = self.set.queue(queue);
        let mut lines = vec![match skills {
            [] => spec.name.to_string(),
            skills => {
                format!("{} for {}", spec.name, joined(&skills.iter().map(|skill| &**skill).collect::<Vec<_>>(), "and"))
            }
        }];
        lines.push(self.agents(spec));
        lines
    }

    fn agents(&self, spec: &QueueSpec) -> String {
        let name = |extension: &str| {
            let agent = self.set.agents.iter().find(|agent| &*agent.extension == extension);
            agent.map_or_else(|| extension.to_owned(), |agent| agent.name.to_string())
        };
        let names: Vec<String> = spec.agents.iter().take(AGENTS_NAMED).map(|(agent, _)| name(agent)).collect();
        match spec.agents.len() {
            0 => "nobody answers".to_owned(),
            few if few <= AGENTS_NAMED => names.join(", "),
            many => format!("{} and {} more", names.join(", "), many - AGENTS_NAMED),
        }
    }

    /// What is said, in the flow's first language.
    fn text(&self, speech: &Speech, most: usize) -> String {
        let pieces = speech.by_language.first().map_or(&[][..], Vec::as_slice);
        let words: Vec<String> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Prompt(id) => {
                    let prompt = self.set.prompt(*id);
                    if prompt.text.is_empty() { format!("♪ {}", prompt.name) } else { prompt.text.to_string() }
                }
                Piece::Value { name, .. } => format!("{{{name}}}"),
            })
            .collect();
        let text = words.join(" ");
        let text = [",", ".", ";", "?", "!"].iter().fold(text, |text, mark| text.replace(&format!(" {mark}"), mark));
        shortened(&text, most)
    }

    fn recordings(&self, speech: &Speech) -> String {
        format!("♪ {}", self.text(speech, TEXT_MAX).trim_start_matches("♪ "))
    }

    /// A setting as it stands in the file.
    fn written(&self, at: StepId, setting: &str) -> Option<String> {
        let place = self.set.places.setting(at, setting)?;
        let source = self.sources.iter().find(|source| *source.file == *place.file)?;
        let text = source.text.get(place.start as usize..place.end as usize)?;
        let bare = text.trim().trim_start_matches(['>', '|', '-']).trim().trim_matches('"');
        Some(shortened(&bare.split_whitespace().collect::<Vec<_>>().join(" "), TEXT_MAX))
    }

    /// The arrows out of a step: those that lead to the same place are one.
    fn ways(&mut self, node: &GraphNode) {
        let from = self.box_of(node.at.step);
        let step = self.flow.step(node.at.step);
        let mut arrows: Vec<(Goal, Arrow)> = Vec::new();
        let came = self.heat.and_then(|heat| heat.entries(&self.flow.name, &step.name)).unwrap_or(0);
        for exit in &node.exits {
            // What is not noted is not counted.
            let heat = self.heat.filter(|_| exit.is_noted());
            let taken = heat.map(|heat| heat.exits(&self.flow.name, &step.name, &exit.name).unwrap_or(0));
            let label = match self.label(step, exit, node) {
                Drawn::No => continue,
                Drawn::Silently => None,
                Drawn::As(label) => Some(label),
            };
            let silent = label.is_none() && !matches!(exit.by, By::Itself | By::Answer | By::Conversation | By::Return);
            let aside = matches!(exit.by, By::Tries | By::Wait | By::Refusal);
            match arrows.iter_mut().find(|(goal, _)| *goal == exit.to) {
                Some((_, arrow)) => {
                    arrow.labels.extend(label);
                    arrow.aside &= aside;
                    arrow.callers = arrow.callers.zip(taken).map(|((sum, _), taken)| (sum + taken, 0));
                }
                None if silent => {}
                None => {
                    let callers = taken.map(|taken| (taken, 0));
                    let labels = label.into_iter().collect();
                    arrows.push((exit.to, Arrow { from, to: 0, labels, aside, callers }));
                }
            }
        }
        for (goal, mut arrow) in arrows {
            arrow.to = match goal {
                Goal::Step(to) if to.flow == self.index => self.box_of(to.step),
                Goal::Again if matches!(step.kind, StepKind::Menu(_) | StepKind::Collect(_)) => from,
                goal => self.pointer(goal),
            };
            arrow.callers = arrow.callers.map(|(taken, _)| (taken, per_cent(taken, came)));
            arrow.labels.dedup();
            self.picture.arrows.push(arrow);
        }
    }

    /// A box for what is no step of this flow.
    fn pointer(&mut self, goal: Goal) -> usize {
        let called = self.set.flows.iter().flat_map(|flow| &flow.steps);
        let called = called.into_iter().any(|step| matches!(step.kind, StepKind::Flow(flow) if flow == self.index));
        let text = match goal {
            Goal::Again => "↑ the menu they came from".to_owned(),
            Goal::Back => "↑ the menu before".to_owned(),
            Goal::End if called => "↩ back to the other flow".to_owned(),
            Goal::End | Goal::HangUp => "goodbye".to_owned(),
            Goal::Callback => "☎ called back later".to_owned(),
            Goal::Step(to) => {
                let flow = self.set.flow(to.flow);
                format!("→ {} in {}", flow.step(to.step).name, flow.name)
            }
        };
        self.picture.boxes.push(Box {
            name: String::new(),
            look: Look::Pointer,
            caption: String::new(),
            lines: vec![text],
            callers: None,
            lost: None,
        });
        self.picture.boxes.len() - 1
    }

    /// What stands on the arrow of a way.
    fn label(&self, step: &Step, exit: &Exit, node: &GraphNode) -> Drawn {
        let spec = |read: &dyn Fn(&QueueSpec) -> String| match &step.kind {
            StepKind::Queue { queue, .. } | StepKind::Callback { queue, .. } => Some(read(self.set.queue(*queue))),
            _ => None,
        };
        let named = || Drawn::As(exit.name.replace('_', " "));
        match &exit.by {
            By::Always(_) => Drawn::No,
            By::Itself if matches!(step.kind, StepKind::HangUp { .. } | StepKind::Flow(_)) => Drawn::No,
            By::Itself | By::Return => Drawn::Silently,
            By::Answer => Drawn::Silently,
            By::Keys(keys) => Drawn::As(self.choice(step, keys)),
            By::Outcome => match &*exit.name {
                "then" => Drawn::As("yes".to_owned()),
                "otherwise" | "next" => Drawn::As("no".to_owned()),
                _ => named(),
            },
            // Where nothing is written for it the legend tells it once.
            By::Tries if patience_is_usual(step) => Drawn::Silently,
            // Who says or answers nothing goes on like everybody else.
            By::Tries if matches!(step.kind, StepKind::Voicemail(_) | StepKind::Survey(_)) => Drawn::Silently,
            By::Tries => Drawn::As("no key that fits".to_owned()),
            By::Conversation => Drawn::As("after the conversation".to_owned()),
            By::Wait | By::Refusal => {
                let is_usual = |other: &Exit| matches!(other.by, By::Conversation | By::Answer) && other.to == exit.to;
                if node.exits.iter().any(is_usual)
                    || &*exit.name == "failed"
                        && node.exits.iter().any(|other| &*other.name == "full" && other.to == exit.to)
                {
                    return Drawn::Silently;
                }
                match &*exit.name {
                    "timed_out" => spec(&|spec| format!("after {} of waiting", spoken(spec.too_long.0)))
                        .map_or_else(named, Drawn::As),
                    "full" => {
                        spec(&|spec| format!("more than {} wait", spec.most_callers)).map_or_else(named, Drawn::As)
                    }
                    "no_agents" => Drawn::As("nobody is there".to_owned()),
                    "failed" => Drawn::As("it fails".to_owned()),
                    _ => named(),
                }
            }
        }
    }

    /// "1 To follow an order".
    fn choice(&self, step: &Step, keys: &[Digit]) -> String {
        let (choices, flow) = match &step.kind {
            StepKind::Menu(menu) => (&menu.choices[..], Some(self.index)),
            StepKind::Queue { queue, .. } | StepKind::Callback { queue, .. } => {
                let spec = self.set.queue(*queue);
                (&spec.while_waiting[..], spec.home)
            }
            _ => (&[][..], None),
        };
        let shown: String = keys.iter().map(|key| key_shown(*key)).collect();
        let choice: Option<&Choice> = choices.iter().find(|choice| choice.keys == keys);
        let text = choice.and_then(|choice| choice.speech.as_ref()).map(|speech| self.text(speech, usize::MAX));
        let mut label = match text {
            Some(text) => format!("{shown}  {}", shortened(without_keys(&text), LABEL_MAX)),
            None => shown,
        };
        if choice.is_some_and(|choice| choice.when.is_some()) && flow.is_some() {
            label.push_str(" (at times)");
        }
        label
    }

    fn legend(&mut self) {
        if !self.flow.always.is_empty() {
            let keys: Vec<String> = self
                .flow
                .always
                .iter()
                .map(|(key, target)| format!("{} → {}", key_shown(*key), self.target(*target)))
                .collect();
            self.picture.legend.push(format!("In every menu: {}", keys.join(", ")));
        }
        let asks = self.flow.steps.iter().any(patience_is_usual);
        if asks {
            let to = self.flow.always.get(&Digit::ALL[0]).map_or("goodbye".to_owned(), |target| self.target(*target));
            self.picture.legend.push(format!("No key that fits, time after time: → {to}"));
        }
        let used: Vec<&Hours> = self
            .flow
            .steps
            .iter()
            .filter_map(|step| match &step.kind {
                StepKind::Hours { hours, .. } => self.set.hours.get(usize::from(hours.0)),
                _ => None,
            })
            .collect();
        let mut zones: Vec<&str> = used.iter().filter_map(|hours| hours.zone.iana_name()).collect();
        zones.dedup();
        if !zones.is_empty() {
            self.picture.legend.push(format!("Hours in {}", zones.join(", ")));
        }
    }

    fn target(&self, target: Target) -> String {
        match target {
            Target::Step(step) => self.flow.step(step).name.to_string(),
            Target::Again => "once more".to_owned(),
            Target::Back => "the menu before".to_owned(),
            Target::HangUp => "goodbye".to_owned(),
            Target::Callback => "called back".to_owned(),
        }
    }
}

/// Whether and how a way is drawn.
enum Drawn {
    No,
    /// Without a label of its own.
    Silently,
    As(String),
}

/// A menu or question that does not say where to go when its tries are used up.
fn patience_is_usual(step: &Step) -> bool {
    match &step.kind {
        StepKind::Menu(menu) => menu.patience.otherwise.is_none(),
        StepKind::Collect(collect) => collect.patience.otherwise.is_none(),
        _ => false,
    }
}

/// "To follow an order" of "To follow an order, press one."
fn without_keys(text: &str) -> &str {
    let end = text.rfind([',', ':']).filter(|end| *end > 0 && text.len() - end < 40);
    end.map_or(text, |end| text[..end].trim_end())
}

fn key_shown(key: Digit) -> String {
    match key {
        Digit::STAR => "✱".to_owned(),
        other => other.as_char().to_string(),
    }
}

/// `mon–fri 09:00-17:30`, days of the same times in one line.
fn week(hours: &Hours) -> Vec<String> {
    let mut lines = vec![hours.name.to_string()];
    let mut days: Vec<(usize, usize)> = Vec::new();
    for day in 0..hours.week.len() {
        match days.last_mut() {
            Some((_, last)) if *last + 1 == day && hours.week[*last] == hours.week[day] => *last = day,
            _ => days.push((day, day)),
        }
    }
    for (first, last) in days {
        let times = &hours.week[first];
        if times.is_empty() {
            continue;
        }
        let name = |day: usize| WEEKDAYS[day].0;
        let shown = if first == last { name(first).to_owned() } else { format!("{}–{}", name(first), name(last)) };
        let times: Vec<String> = times.iter().map(ToString::to_string).collect();
        lines.push(format!("{shown} {}", times.join(", ")));
    }
    lines
}

fn spoken(length: std::time::Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// "a, b or c".
fn joined(words: &[&str], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// The beginning of a text, cut between words.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most).collect();
    let end = cut.rfind(' ').filter(|end| *end > most / 2).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end_matches([' ', ',', '.', ';', ':']))
}

fn per_cent(part: u64, whole: u64) -> u8 {
    if whole == 0 {
        return 0;
    }
    let rounded = (part.saturating_mul(200) + whole) / whole.saturating_mul(2);
    u8::try_from(rounded.min(100)).unwrap_or(100)
}

/// The greatest number of callers on any arrow; 1 at least.
pub(super) fn most_callers(picture: &Picture) -> u64 {
    picture.arrows.iter().filter_map(|arrow| arrow.callers).map(|(callers, _)| callers).max().unwrap_or(0).max(1)
}

/// The steps of each name, for references between boxes.
pub(super) fn identities(picture: &Picture) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let name = |drawn: &Box| match drawn.look {
        Look::Start => "callers".to_owned(),
        _ if drawn.name.is_empty() => "to".to_owned(),
        _ => format!("step_{}", drawn.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")),
    };
    picture
        .boxes
        .iter()
        .map(|drawn| {
            let name = name(drawn);
            let number = seen.entry(name.clone()).or_default();
            *number += 1;
            if *number == 1 && name != "to" { name } else { format!("{name}_{number}") }
        })
        .collect()
}
