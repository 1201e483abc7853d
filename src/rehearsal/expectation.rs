//! What a call test expects of the caller's standing, and what it is instead.

use std::sync::Arc;
use std::time::Duration;

use super::failure::Failure;
use super::performance::Play;
use super::stage::Standing;
use super::told::What;
use crate::flow::call_test::{Act, BEYOND_TEN, Expectation, Wanted};
use crate::flow::document::codes;
use crate::flow::document::diagnostic::nearest;
use crate::switchboard::CallPlace;

impl Play<'_> {
    /// All of these hold at one time, now or soon.
    pub(super) fn expect(&mut self, act: &Act, wanted: &[Expectation]) -> Result<(), Box<Failure>> {
        // What was spoken or recorded is not taken back: nothing is gained by waiting.
        let hopeless = wanted.iter().any(|wanted| match &wanted.wanted {
            Wanted::Spoken(places) => !places.starts_with(&self.spoken()),
            Wanted::Recorded(false) => self.stage.is_recorded(),
            _ => false,
        });
        let within = if hopeless { Some(Duration::ZERO) } else { act.within };
        // Who was in the right queue with the wrong skill is in no queue any more when the waiting ends.
        let mut best = (0, None);
        let came = self.wait_until(within, |play| {
            let mut failed = None;
            let mut held = 0;
            for wanted in wanted {
                match play.found(&wanted.wanted) {
                    Ok(()) => held += 1,
                    Err(found) => failed = failed.take().or(Some((wanted, found))),
                }
            }
            if held >= best.0 {
                best = (held, failed);
            }
            held == wanted.len()
        });
        let (_, Some((wanted, found))) = best else { return Ok(()) };
        debug_assert!(!came, "what holds has not failed");
        let failure = Failure::new(codes::UNEXPECTED, &wanted.place, found, self.expected(&wanted.wanted));
        Err(match (&wanted.wanted, self.stage.session()) {
            (Wanted::Value(name, _), Some(session)) => {
                let names: Vec<&str> = session.values().map(|(name, _)| name).collect();
                match nearest(name, names) {
                    Some(near) => failure.remedy(format!("did you mean `{near}`?")),
                    None => failure,
                }
            }
            _ => failure,
        })
    }

    /// Whether this holds.
    ///
    /// # Errors
    /// What is instead.
    fn found(&self, wanted: &Wanted) -> Result<(), String> {
        match wanted {
            Wanted::Queue(queue) => {
                let name = queue.map(|queue| self.house.flows().queue(queue).name.clone());
                let in_queue = self.place().map(|place| &place.queue);
                holds(in_queue == name.as_ref(), || self.where_they_are())
            }
            Wanted::Skills(skills) => match self.place() {
                Some(place) => {
                    let mut found = place.skills.clone();
                    found.sort();
                    holds(found == *skills, || match found.is_empty() {
                        true => "no skill is wanted of the agent".to_owned(),
                        false => format!("`{}` is wanted of the agent", found.join(", ")),
                    })
                }
                None => Err(self.where_they_are()),
            },
            Wanted::Priority(priority) => match self.place() {
                Some(place) => holds(place.priority == *priority, || format!("the priority is {}", place.priority)),
                None => Err(self.where_they_are()),
            },
            Wanted::Place(number) => match self.stage.standing() {
                Standing::Waiting(place) => {
                    holds(place.position == *number, || format!("the caller is number {} in line", place.position))
                }
                Standing::None | Standing::Talking(..) => Err(self.where_they_are()),
            },
            Wanted::Agent(agent) => match (self.stage.standing(), agent) {
                (Standing::Talking(..), None) => Ok(()),
                (Standing::Talking(with, _), Some(agent)) if with == agent => Ok(()),
                _ => Err(self.where_they_are()),
            },
            Wanted::Transferred(name) => match (self.stage.standing(), name) {
                (Standing::Talking(_, None), None) => Ok(()),
                (Standing::Talking(with, None), Some(name)) if with == name => Ok(()),
                _ => Err(self.where_they_are()),
            },
            Wanted::Recorded(wanted) => holds(self.stage.is_recorded() == *wanted, || match wanted {
                true => "the call was not recorded".to_owned(),
                false => "the call was recorded".to_owned(),
            }),
            Wanted::Step(flow, step) => {
                let found = self.step();
                holds(found.as_ref() == Some(&self.house.step_name(*flow, *step)), || match found {
                    Some(found) => format!("the caller is in the step `{}`", found.step),
                    None => "the caller is in no step any more".to_owned(),
                })
            }
            Wanted::Language(language) => {
                let spoken = self.language();
                holds(*spoken == **language, || format!("`{spoken}` is spoken"))
            }
            Wanted::Value(name, value) => self.has_value(name, value.as_deref()),
            Wanted::Outcome(outcome) => {
                let mut ends = self.stage.told().iter().rev().filter_map(|told| match &told.what {
                    What::Unqueued(_, outcome) | What::Over(outcome) => Some(*outcome),
                    _ => None,
                });
                let last = ends.clone().next();
                holds(ends.any(|found| found == *outcome), || match last {
                    Some(last) => format!("it ended as `{last}`"),
                    None => "no wait has ended, and the call goes on".to_owned(),
                })
            }
            Wanted::Survey(question, score) => {
                let mut answers = self.stage.told().iter().rev().filter_map(|told| match &told.what {
                    What::Answers(answered, score) if answered == question => Some(*score),
                    _ => None,
                });
                let found = answers.next();
                holds(found == *score, || match found {
                    Some(found) => format!("`{question}` is answered with {found}"),
                    None => format!("`{question}` is not answered"),
                })
            }
            Wanted::Spoken(places) => {
                let spoken = self.spoken();
                holds(spoken == *places, || match spoken.is_empty() {
                    true => "no place was spoken".to_owned(),
                    false => format!("these places were spoken: {}", listed(&spoken)),
                })
            }
        }
    }

    fn has_value(&self, name: &Arc<str>, wanted: Option<&str>) -> Result<(), String> {
        let found = self
            .stage
            .session()
            .and_then(|session| session.values().filter(|(known, _)| *known == &**name).map(|(_, value)| value).last());
        holds(found.as_deref() == wanted, || match found {
            Some(found) => format!("`{name}` is `{found}`"),
            None => format!("`{name}` is not set"),
        })
    }

    /// The places that were spoken so far.
    fn spoken(&self) -> Vec<u32> {
        let places = self.stage.told().iter().filter_map(|told| match told.what {
            What::Place(place) => Some(place),
            _ => None,
        });
        places.collect()
    }

    /// The place that the caller has, or had when an agent answered.
    fn place(&self) -> Option<&CallPlace> {
        match self.stage.standing() {
            Standing::Waiting(place) => Some(place),
            Standing::Talking(_, place) => place.as_ref(),
            Standing::None => None,
        }
    }

    fn where_they_are(&self) -> String {
        match self.stage.standing() {
            Standing::Waiting(place) => format!("the caller waits in the queue `{}`", place.queue),
            Standing::Talking(agent, _) => match self.stage.agent_name(agent) {
                name if name == *agent => format!("the caller talks to {agent}"),
                name => format!("the caller talks to {agent} ({name})"),
            },
            Standing::None => match (self.step(), self.stage.is_over()) {
                (_, true) => "the call was over".to_owned(),
                (Some(step), _) => format!("the caller is in no queue, but in the step `{}`", step.step),
                (None, _) => "the caller is in no queue".to_owned(),
            },
        }
    }

    fn expected(&self, wanted: &Wanted) -> String {
        match wanted {
            Wanted::Queue(Some(queue)) => format!("expected the queue `{}`", self.house.flows().queue(*queue).name),
            Wanted::Queue(None) => "expected no queue".to_owned(),
            Wanted::Skills(skills) if skills.is_empty() => "expected that no skill is wanted".to_owned(),
            Wanted::Skills(skills) => format!("expected the skill `{}`", skills.join(", ")),
            Wanted::Priority(priority) => format!("expected the priority {priority}"),
            Wanted::Place(place) => format!("expected the place {place}"),
            Wanted::Agent(None) => "expected an agent to have answered".to_owned(),
            Wanted::Agent(Some(agent)) => format!("expected {agent} to have answered"),
            Wanted::Transferred(None) => "expected the caller to have been passed on".to_owned(),
            Wanted::Transferred(Some(name)) => format!("expected the caller to talk to {name}"),
            Wanted::Recorded(true) => "expected the call to be recorded".to_owned(),
            Wanted::Recorded(false) => "expected the call not to be recorded".to_owned(),
            Wanted::Step(flow, step) => format!("expected the step `{}`", self.house.step_name(*flow, *step).step),
            Wanted::Language(language) => format!("expected `{language}`"),
            Wanted::Value(_, Some(value)) => format!("expected `{value}`"),
            Wanted::Value(_, None) => "expected no value".to_owned(),
            Wanted::Outcome(outcome) => format!("expected `{outcome}`"),
            Wanted::Spoken(places) => format!("expected {}", listed(places)),
            Wanted::Survey(_, Some(score)) => format!("expected the answer {score}"),
            Wanted::Survey(_, None) => "expected no answer".to_owned(),
        }
    }
}

fn holds(is_so: bool, instead: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(instead()) }
}

/// `5, 4, more than ten`.
fn listed(places: &[u32]) -> String {
    let told = places.iter().map(|place| match *place {
        BEYOND_TEN => "more than ten".to_owned(),
        place => place.to_string(),
    });
    told.collect::<Vec<_>>().join(", ")
}
