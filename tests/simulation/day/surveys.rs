//! What callers think, and the book of it: every survey that is offered ends, its answers are possible ones, they belong to the
//! conversation before, and the record of the call has exactly these.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use helpline::journal::{CallRecord, JournalEvent, StepName, SurveyEvent, SurveyNews};
use helpline::telephony::{CallId, LegId};

use super::{Act, Happening, World};

/// A survey of a call.
#[derive(Clone, Debug)]
struct Asked {
    step: StepName,
    of: Conversation,
    answers: BTreeMap<Arc<str>, u8>,
    outcome: Option<&'static str>,
}

/// With which agent, and from which queue.
type Conversation = (Option<Arc<str>>, Option<Arc<str>>);

/// What callers were asked, and have said.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Of calls in progress.
    asked: BTreeMap<CallId, Vec<Asked>>,
    /// The last conversation of each.
    talked: BTreeMap<CallId, Conversation>,
    talks: BTreeSet<CallId>,
    told: BTreeMap<&'static str, u32>,
}

impl Book {
    pub(super) fn told(&mut self, call: Option<CallId>, event: &JournalEvent) {
        let Some(call) = call else { return };
        match event {
            JournalEvent::Joined(_) => {
                self.talks.insert(call);
            }
            JournalEvent::Parted(parted) => {
                self.talks.remove(&call);
                self.talked.insert(call, (Some(parted.agent.clone()), parted.queue.clone()));
            }
            JournalEvent::StepLeft { step, .. } => {
                let open = self.open(call).is_some_and(|open| open.step == *step);
                assert!(!open, "{call} leaves {} in the middle of its survey", step.step);
            }
            JournalEvent::Survey(event) => self.told_survey(call, event),
            _ => {}
        }
    }

    fn open(&mut self, call: CallId) -> Option<&mut Asked> {
        self.asked.get_mut(&call)?.last_mut().filter(|asked| asked.outcome.is_none())
    }

    fn told_survey(&mut self, call: CallId, event: &SurveyEvent) {
        let of = (event.agent.clone(), event.queue.clone());
        assert_eq!(
            of,
            self.talked.get(&call).cloned().unwrap_or_default(),
            "{call} is asked about another conversation"
        );
        assert!(!self.talks.contains(&call), "{call} is asked while somebody talks to them");
        let word = match &event.news {
            SurveyNews::Offered => {
                assert!(self.open(call).is_none(), "{call} is asked twice at once");
                let asked = self.asked.entry(call).or_default();
                asked.push(Asked { step: event.step.clone(), of, answers: BTreeMap::new(), outcome: None });
                if event.queue.is_some() { "after_a_queue" } else { "as_a_step" }
            }
            SurveyNews::Answered { question, scale, score } => {
                let open = self.open(call).expect("a survey is answered that was offered");
                assert!(open.answers.insert(question.clone(), *score).is_none(), "{call} answers {question} twice");
                let fits = if *scale == "csat" { (1..=5).contains(score) } else { *score <= 10 };
                assert!(fits, "{score} is no answer of {scale}");
                if *score == 10 { "ten" } else { "answered" }
            }
            SurveyNews::Ended { outcome } => {
                let open = self.open(call).expect("a survey ends that was offered");
                let expected = match open.answers.len() {
                    0 => ["refused", "unanswered"],
                    1 => ["partial"; 2],
                    _ => ["complete"; 2],
                };
                assert!(expected.contains(outcome), "{call} is {outcome} with {:?}", open.answers);
                open.outcome = Some(*outcome);
                *outcome
            }
        };
        *self.told.entry(word).or_default() += 1;
    }

    /// The record of a call has what was asked in it.
    pub(super) fn assert_recorded(&mut self, call: CallId, record: &CallRecord) {
        self.talked.remove(&call);
        self.talks.remove(&call);
        let asked = self.asked.remove(&call).unwrap_or_default();
        assert_eq!(record.surveys.len(), asked.len(), "{call} has another number of surveys in its record");
        for (recorded, asked) in record.surveys.iter().zip(asked) {
            assert!(asked.outcome.is_some(), "{call} is over, and its survey is not");
            assert_eq!((&recorded.step, recorded.outcome), (&asked.step.step, asked.outcome));
            assert_eq!((recorded.agent.clone(), recorded.queue.clone()), asked.of);
            assert_eq!(recorded.answers, asked.answers);
        }
    }

    pub(super) fn count(&self) -> BTreeMap<&'static str, u32> {
        self.told.clone()
    }
}

impl World {
    /// Who has talked to an agent may be asked what they think, and may have an opinion.
    pub(super) fn opine(&mut self, leg: LegId) {
        const KEYS: [&str; 11] = ["1", "2", "4", "5", "9", "0", "*", "#", "7", "10", "10"];
        let mut at = 0;
        for _ in 0..self.random.u8(0..6) {
            at += self.random.u64(100..12_000);
            for key in KEYS[self.random.usize(0..KEYS.len())].chars() {
                self.plan(at, Happening::Act(leg, Act::PressKey(key)));
                at += 400;
            }
        }
    }
}
