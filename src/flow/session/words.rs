//! What is said becomes recordings, in the caller's language.

use std::borrow::Cow;

use super::turn::Turn;
use super::{FlowNote, Session};
use crate::flow::speech::{Phrases, Setting};
use crate::flow::{LanguageIndex, Piece, PromptId, Speech, SpokenAs, Value};

impl Session {
    /// The recordings of `speech`, added to `words`. What cannot be said is left out and noted.
    pub(super) fn add_speech(&self, turn: &mut Turn<'_>, speech: &Speech, words: &mut Vec<PromptId>) {
        self.add_speech_in(turn, speech, self.language, words);
    }

    /// The same in that one of the languages in which `speech` is written.
    pub(super) fn add_speech_in(
        &self,
        turn: &mut Turn<'_>,
        speech: &Speech,
        language: LanguageIndex,
        words: &mut Vec<PromptId>,
    ) {
        let spoken = speech.by_language.get(usize::from(language.0)).or(speech.by_language.first());
        for piece in spoken.into_iter().flatten() {
            match piece {
                Piece::Prompt(prompt) => words.push(*prompt),
                Piece::Value { name, format } => {
                    let said = self.value(turn, name).is_some_and(|value| {
                        let near_days = !matches!(&**name, "now" | "today");
                        self.add_value(turn, &value, *format, near_days, words)
                    });
                    if !said {
                        turn.note(FlowNote::Unspeakable { flow: self.flow, step: self.step });
                    }
                }
            }
        }
    }

    /// The recording of a whole phrase, such as `phrases/menu/no_input`.
    pub(super) fn add_phrase(&self, turn: &mut Turn<'_>, name: &str, words: &mut Vec<PromptId>) {
        match turn.flows.find_prompt(&turn.flows.flow(self.flow).languages[usize::from(self.language.0)], name) {
            Some(prompt) => words.push(prompt),
            None => turn.note(FlowNote::Unspeakable { flow: self.flow, step: self.step }),
        }
    }

    /// The phrases of `value`, added to `words`: all of them or, since half a number is another number, none.
    pub(super) fn add_value(
        &self,
        turn: &Turn<'_>,
        value: &Value,
        format: SpokenAs,
        near_days: bool,
        words: &mut Vec<PromptId>,
    ) -> bool {
        let flow = turn.flows.flow(self.flow);
        let language = &flow.languages[usize::from(self.language.0)];
        let setting = Setting { wall: turn.wall, time_zone: &flow.time_zone, currency: flow.currency, near_days };
        let said = turn.flows.languages.speak(language, value, format, &setting);
        said.is_some_and(|phrases| self.add_phrases(turn, &phrases, words))
    }

    /// All of `phrases`, added to `words`, or none.
    pub(super) fn add_phrases(&self, turn: &Turn<'_>, phrases: &Phrases, words: &mut Vec<PromptId>) -> bool {
        let language = &turn.flows.flow(self.flow).languages[usize::from(self.language.0)];
        let before = words.len();
        for name in phrases.names() {
            match turn.flows.find_prompt(language, &format!("phrases/{name}")) {
                Some(prompt) => words.push(prompt),
                None => {
                    words.truncate(before);
                    return false;
                }
            }
        }
        true
    }

    /// A value by its name: what was saved or set, or a fact of the call.
    pub(super) fn value(&self, turn: &Turn<'_>, name: &str) -> Option<Cow<'_, Value>> {
        if let Some((_, value)) = self.values.iter().find(|(known, _)| &**known == name) {
            return Some(Cow::Borrowed(value));
        }
        let fact = match name {
            "now" => Value::Time(turn.wall),
            "today" => Value::Date(turn.wall.to_zoned(turn.flows.flow(self.flow).time_zone.clone()).date()),
            "caller.last_agent" => Value::Text(self.known.last_agent.as_deref()?.to_owned()),
            "caller.last_call" => Value::Time(self.known.last_call?),
            "caller.calls_today" => {
                let zone = &turn.flows.flow(self.flow).time_zone;
                Value::Number { units: i64::from(self.known.calls_on_the_day(turn.wall, zone)), places: 0 }
            }
            "caller.number" => Value::Text(self.caller.number.reveal().to_owned()),
            "caller.name" => Value::Text(self.caller.name.clone()?),
            "call.number" => Value::Text(self.dialled.clone()),
            "language" => {
                let languages = &turn.flows.flow(self.flow).languages;
                Value::Text(languages.get(usize::from(self.language.0))?.to_string())
            }
            _ => match name.strip_prefix("queue.") {
                Some(of_queue) => self.value_of_queue(of_queue)?,
                None => self.value_of_hours(turn, name.strip_prefix("hours.")?)?,
            },
        };
        Some(Cow::Owned(fact))
    }

    /// `queue.support.waiting` and the like, after `queue.`.
    fn value_of_queue(&self, name: &str) -> Option<Value> {
        let (queue, what) = name.rsplit_once('.')?;
        let standing = self.standings.0.get(queue)?;
        let units = match what {
            "waiting" => standing.waiting,
            "agents" => standing.agents,
            "agents_ready" => standing.ready,
            "estimated_wait" => standing.wait_minutes?,
            "longest_wait" => standing.longest_minutes,
            _ => return None,
        };
        Some(Value::Number { units: i64::from(units), places: 0 })
    }

    /// Gives a value its name, in place of what had it.
    pub(super) fn save(&mut self, name: &std::sync::Arc<str>, value: Value) {
        match self.values.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.values.push((name.clone(), value)),
        }
    }
}
