//! What all calls to a set of flows share: recordings that are as long as the real ones, and numbers by which other callers
//! and busy agents call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::flow::call_test::{CallTest, Change, Deed};
use crate::flow::graph::StepId;
use crate::flow::{
    Flow, FlowIndex, FlowSet, LanguageIndex, Menu, Patience, Prompt, PromptId, QueueIndex, QueueWish, Step, StepIndex,
    StepKind, Target, Value,
};
use crate::journal::StepName;
use crate::switchboard::Revision;
use crate::telephony::Clip;

/// How long a word takes that has no recording to measure.
const ONE_WORD: Duration = Duration::from_millis(400);
/// As long agents are busy at most: a call ends before.
const BUSY_MAX: Duration = Duration::from_secs(11 * 3_600);
/// The flow in which agents are busy; no flow that is read has such a name.
const BUSY: &str = "(busy)";

/// What other callers want of a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    /// Which queue.
    pub queue: QueueIndex,
    /// What the agent must know.
    pub skills: Vec<Arc<str>>,
    /// A greater number goes first.
    pub priority: u8,
}

/// How a call begins, if not as the flow does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Beginning<'b> {
    /// In this step.
    pub(super) start: Option<StepIndex>,
    /// In this language.
    pub(super) language: Option<&'b Arc<str>>,
    /// With these values.
    pub(super) values: &'b [(Arc<str>, Value)],
}

/// The flows of an installation with recordings made of silence.
pub struct House {
    revision: Arc<Revision>,
    /// What each recording says, by where it lies.
    spoken: BTreeMap<usize, PromptId>,
    recorded: Vec<bool>,
    wishes: BTreeMap<Wish, String>,
    /// How many of the flows are the installation's own.
    own_flows: usize,
}

impl House {
    /// The house of `flows`, where other callers can have these wishes, besides that for any agent of any queue.
    /// `recordings` tells how long a recording is; what has none takes as long as its words.
    pub fn new(
        flows: &FlowSet,
        wishes: impl IntoIterator<Item = Wish>,
        recordings: &dyn Fn(&Prompt) -> Option<Duration>,
    ) -> House {
        let own_flows = flows.flows.len();
        let mut flows = flows.clone();
        let plain = (0_u16..).zip(&flows.queues);
        let plain = plain.map(|(index, _)| Wish { queue: QueueIndex(index), skills: Vec::new(), priority: 0 });
        let mut all: Vec<Wish> = plain.chain(wishes).collect();
        all.sort();
        all.dedup();
        let mut numbers = BTreeMap::new();
        for wish in all {
            let number = format!("({} {} {:?})", wish.queue.0, wish.priority, wish.skills);
            let Wish { queue, skills, priority } = wish.clone();
            let kind = StepKind::Queue { queue, skills, priority, wish: QueueWish::default() };
            let home = flows.queue(queue).home;
            open(&mut flows, home, "(others)", &number, kind);
            numbers.insert(wish, number);
        }
        let patience = Patience {
            first_key: BUSY_MAX,
            between_keys: BUSY_MAX,
            tries: 1,
            no_input: None,
            no_match: None,
            otherwise: None,
        };
        let menu = Menu { speech: None, choices: Vec::new(), must_hear: false, patience };
        open(&mut flows, None, BUSY, BUSY, StepKind::Menu(menu));
        let lengths: Vec<Option<Duration>> = flows.prompts.iter().map(recordings).collect();
        let clips: Vec<Option<Arc<Clip>>> = flows
            .prompts
            .iter()
            .zip(&lengths)
            .map(|(prompt, length)| Some(clip(length.unwrap_or_else(|| read_aloud(prompt)))))
            .collect();
        let lies = |clip: &Option<Arc<Clip>>| clip.as_ref().map(lies_at);
        let spoken = clips.iter().zip(0..).filter_map(|(clip, place)| Some((lies(clip)?, PromptId(place)))).collect();
        let names = flows.queues.iter().map(|queue| queue.music.clone()).chain([None]);
        let music = names.map(|name| (name, vec![clip(Duration::from_secs(1))])).collect();
        let recorded = lengths.iter().map(Option::is_some).collect();
        let revision = Revision { flows: Arc::new(flows), clips, music, ..Revision::default() };
        House { revision: Arc::new(revision), spoken, recorded, wishes: numbers, own_flows }
    }

    /// The house in which these tests can be played.
    pub fn of_tests(flows: &FlowSet, tests: &[CallTest], recordings: &dyn Fn(&Prompt) -> Option<Duration>) -> House {
        let in_script = |test: &CallTest| -> Vec<Change> {
            let changes = test.script.iter().filter_map(|act| match &act.deed {
                Deed::Change(change) => Some(change.clone()),
                _ => None,
            });
            test.world.iter().cloned().chain(changes).collect()
        };
        let wishes = tests.iter().flat_map(in_script).filter_map(|change| match change {
            Change::Waiting { queue, skills, priority, .. } => Some(Wish { queue, skills, priority }),
            Change::Agent(..) | Change::Hours(..) | Change::Lookup(_) | Change::Telephone(..) => None,
        });
        House::new(flows, wishes, recordings)
    }

    /// The flows, those of other callers among them.
    pub fn flows(&self) -> &Arc<FlowSet> {
        &self.revision.flows
    }

    /// Whether there is a recording, so that callers hear its own words.
    pub fn is_recorded(&self, prompt: PromptId) -> bool {
        self.recorded.get(prompt.0 as usize).copied().unwrap_or(false)
    }

    /// A step by its names.
    pub fn step_name(&self, flow: FlowIndex, step: StepIndex) -> StepName {
        let flow = self.flows().flow(flow);
        StepName { flow: flow.name.clone(), step: flow.step(step).name.clone() }
    }

    /// A step by its place.
    pub fn find_step(&self, name: &StepName) -> Option<StepId> {
        let own = &self.flows().flows[..self.own_flows];
        let flow = own.iter().position(|flow| flow.name == name.flow)?;
        let step = own[flow].steps.iter().position(|step| step.name == name.step)?;
        Some(StepId { flow: FlowIndex(u16::try_from(flow).ok()?), step: StepIndex(u32::try_from(step).ok()?) })
    }

    pub(super) fn revision(&self) -> &Arc<Revision> {
        &self.revision
    }

    /// What a recording says.
    pub(super) fn prompt_of(&self, clip: &Arc<Clip>) -> Option<PromptId> {
        self.spoken.get(&lies_at(clip)).copied()
    }

    /// The number that callers with a wish dial.
    pub(super) fn number_of(&self, wish: &Wish) -> Option<&str> {
        self.wishes.get(wish).map(String::as_str)
    }

    /// The number that busy agents dial.
    pub(super) fn busy_number(&self) -> &'static str {
        BUSY
    }

    /// The flows as they are, but that one of them begins otherwise.
    pub(super) fn adapted(&self, dialled: &str, entry: FlowIndex, beginning: &Beginning<'_>) -> Arc<Revision> {
        let flows = self.flows();
        if *beginning == Beginning::default() && flows.for_number(dialled) == Some(entry) {
            return Arc::clone(&self.revision);
        }
        let mut flows = FlowSet::clone(flows);
        flows.numbers.insert(dialled.to_owned(), entry);
        let flow = &mut flows.flows[usize::from(entry.0)];
        let mut start = beginning.start.unwrap_or(flow.start);
        if let Some(language) = beginning.language {
            let place = flow.languages.iter().position(|spoken| spoken == language).unwrap_or(0);
            let index = LanguageIndex(u8::try_from(place).unwrap_or(0));
            start = begin_with(flow, start, StepKind::Language(index));
        }
        if !beginning.values.is_empty() {
            start = begin_with(flow, start, StepKind::Set(beginning.values.to_vec()));
        }
        flow.start = start;
        let Revision { number, clips, music, accounts, trunks, .. } = &*self.revision;
        Arc::new(Revision {
            number: *number,
            flows: Arc::new(flows),
            clips: clips.clone(),
            music: music.clone(),
            accounts: accounts.clone(),
            trunks: trunks.clone(),
        })
    }
}

/// The name of steps that no file has.
pub(super) const UNWRITTEN: &str = "(test)";

/// A step before all others.
fn begin_with(flow: &mut Flow, start: StepIndex, kind: StepKind) -> StepIndex {
    let place = StepIndex(u32::try_from(flow.steps.len()).unwrap_or(u32::MAX));
    flow.steps.push(Step { name: UNWRITTEN.into(), kind, next: Some(Target::Step(start)) });
    place
}

/// A flow of one step, which answers `number` and speaks as `home` does.
fn open(flows: &mut FlowSet, home: Option<FlowIndex>, name: &str, number: &str, kind: StepKind) {
    let Some(like) = home.map(|home| flows.flow(home)).or(flows.flows.first()) else { return };
    let Ok(index) = u16::try_from(flows.flows.len()) else { return };
    let flow = Flow {
        name: name.into(),
        languages: like.languages.clone(),
        time_zone: like.time_zone.clone(),
        currency: like.currency,
        start: StepIndex(0),
        always: BTreeMap::new(),
        steps: vec![Step { name: name.into(), kind, next: None }],
    };
    flows.flows.push(flow);
    flows.numbers.insert(number.to_owned(), FlowIndex(index));
}

/// How long it takes to read a text aloud.
fn read_aloud(prompt: &Prompt) -> Duration {
    ONE_WORD * u32::try_from(prompt.text.split_whitespace().count()).unwrap_or(u32::MAX).max(1)
}

/// Silence, of which no memory is touched.
fn clip(length: Duration) -> Arc<Clip> {
    let samples = usize::try_from(length.as_micros() / 125).unwrap_or(0);
    Arc::new(Clip { pcmu: vec![0; samples.max(1)].into_boxed_slice(), pcma: Box::default() })
}

fn lies_at(clip: &Arc<Clip>) -> usize {
    Arc::as_ptr(clip) as usize
}
