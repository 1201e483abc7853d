//! What call tests name: flows, steps, and the words that are said.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::document::diagnostic::nearest;
use crate::flow::{FlowIndex, FlowSet, StepIndex};

/// Flows, steps and words by their names.
pub(super) struct Names<'s> {
    set: &'s FlowSet,
    flows: BTreeMap<&'s str, FlowIndex>,
    steps: BTreeMap<&'s str, Vec<(FlowIndex, StepIndex)>>,
    /// Every word that is in some recording.
    spoken: BTreeSet<String>,
}

impl<'s> Names<'s> {
    pub fn of(set: &'s FlowSet) -> Names<'s> {
        let mut flows = BTreeMap::new();
        let mut steps: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (flow, index) in set.flows.iter().zip(0_u16..) {
            flows.entry(&*flow.name).or_insert(FlowIndex(index));
            for (step, place) in flow.steps.iter().zip(0_u32..) {
                steps.entry(&*step.name).or_default().push((FlowIndex(index), StepIndex(place)));
            }
        }
        let spoken = set.prompts.iter().flat_map(|prompt| words(&prompt.text)).collect();
        Names { set, flows, steps, spoken }
    }

    pub fn flow(&self, name: &str) -> Option<FlowIndex> {
        self.flows.get(name).copied()
    }

    /// The step that a test of `entry` means by `name`.
    pub fn step(&self, name: &str, entry: FlowIndex) -> Option<(FlowIndex, StepIndex)> {
        if let Some((flow, step)) = name.split_once('/') {
            let flow = self.flow(flow)?;
            return self.steps.get(step)?.iter().find(|(of, _)| *of == flow).copied();
        }
        let found = self.steps.get(name)?;
        match found.iter().find(|(of, _)| *of == entry) {
            Some(own) => Some(*own),
            None if found.len() == 1 => found.first().copied(),
            None => None,
        }
    }

    /// The step that was probably meant.
    pub fn near_step(&self, name: &str, entry: FlowIndex) -> Option<String> {
        if self.steps.get(name).is_some_and(|found| found.len() > 1) {
            let (flow, _) = self.steps[name][0];
            return Some(format!("{}/{name}", self.set.flow(flow).name));
        }
        if let Some((_, step)) = name.split_once('/')
            && let Some((flow, _)) = self.steps.get(step).and_then(|found| found.first())
        {
            return Some(format!("{}/{step}", self.set.flow(*flow).name));
        }
        let own = self.set.flow(entry).steps.iter().map(|step| &*step.name);
        nearest(name, own).or_else(|| nearest(name, self.steps.keys().copied())).map(str::to_owned)
    }

    /// Whether any recording says this word.
    pub fn is_spoken(&self, word: &str) -> bool {
        words(word).iter().all(|word| self.spoken.contains(word) || word.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The spoken word that was probably meant.
    pub fn near_word(&self, word: &str) -> Option<&str> {
        nearest(word, self.spoken.iter().map(String::as_str))
    }
}

/// The words of a text as they are compared: small letters and digits, nothing else.
pub(crate) fn words(text: &str) -> Vec<String> {
    let plain = text.replace(['\'', '’'], "").to_lowercase();
    plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
