//! `collect`: digits, with their end, their lengths, and the question whether they are right.
//!
//! Numerals belong to the answer, and so does the end key. Star and hash, where they do not end the answer, do what they
//! do everywhere in this flow (`always`); a key that means nothing is passed over, and the question goes on.

use std::time::Duration;

use super::Session;
use super::asking::{About, Asking, Verdict};
use super::turn::Turn;
use super::way::Next;
use crate::flow::{Collect, FlowNote, PromptId, SpokenAs, StepKind, Value};
use crate::telephony::Digit;

impl Session {
    pub(super) fn enter_collect(&mut self, turn: &mut Turn<'_>) -> Next {
        self.remember_place();
        self.ask(turn, Asking::new(About::Digits), Vec::new())
    }

    pub(super) fn weigh_digit(&mut self, turn: &Turn<'_>, keyed: &mut Vec<Digit>, key: Digit) -> Verdict {
        let collect = self.collect(turn);
        if collect.end_key == Some(key) {
            return self.settle_digits(turn, keyed);
        }
        if key.numeral().is_some() {
            keyed.push(key);
            if keyed.len() < usize::from(collect.longest) {
                return Verdict::Wait;
            }
            self.pass_over_end_key(turn, collect);
            return self.settle_digits(turn, keyed);
        }
        match self.everywhere(turn, key) {
            Some((exit, target)) => Verdict::Leave(Next::Leave { exit: exit.name(), to: Some(target) }),
            None => Verdict::Ignored,
        }
    }

    /// The answer is over: by its end key, its length, or the caller's silence.
    pub(super) fn settle_digits(&mut self, turn: &Turn<'_>, keyed: &[Digit]) -> Verdict {
        let collect = self.collect(turn);
        if keyed.len() < usize::from(collect.shortest) {
            return Verdict::Wrong("phrases/collect/too_short");
        }
        if keyed.len() > usize::from(collect.longest) {
            return Verdict::Wrong("phrases/collect/too_long");
        }
        let answer = keyed.iter().map(|digit| digit.as_char()).collect();
        if collect.confirm && !collect.secret {
            return Verdict::Confirm(answer);
        }
        Verdict::Leave(self.accept(turn, answer))
    }

    /// 1 for right, 2 to enter the digits again; the keys that work in every menu work here too.
    pub(super) fn weigh_confirmation(&mut self, turn: &Turn<'_>, answer: &str, key: Digit) -> Verdict {
        match key.numeral() {
            Some(1) => Verdict::Leave(self.accept(turn, answer.to_owned())),
            Some(2) => Verdict::Anew,
            _ => match self.everywhere(turn, key) {
                Some((exit, target)) => Verdict::Leave(Next::Leave { exit: exit.name(), to: Some(target) }),
                None => Verdict::Wrong("phrases/menu/no_match"),
            },
        }
    }

    /// "You entered 1 2 3. If that is right ...": in digits where it cannot be said as the flow asks.
    pub(super) fn add_read_back(&self, turn: &mut Turn<'_>, answer: &str, words: &mut Vec<PromptId>) {
        let format = self.collect(turn).confirm_as;
        self.add_phrase(turn, "phrases/collect/you_entered", words);
        let value = Value::Text(answer.to_owned());
        if !self.add_value(turn, &value, format, true, words) {
            turn.note(FlowNote::Unspeakable { flow: self.flow, step: self.step });
            self.add_value(turn, &value, SpokenAs::Digits, true, words);
        }
        self.add_phrase(turn, "phrases/collect/confirm", words);
    }

    fn accept(&mut self, turn: &Turn<'_>, answer: String) -> Next {
        let collect = self.collect(turn);
        let value = if collect.secret { Value::Secret(answer) } else { Value::Text(answer) };
        self.save(&collect.save, value);
        self.follow(turn)
    }

    /// People press the end key also after an answer that was complete without it: it is not meant for what comes next.
    fn pass_over_end_key(&mut self, turn: &Turn<'_>, collect: &Collect) {
        if let Some(end_key) = collect.end_key {
            self.pass_over(turn, end_key, collect.patience.between_keys);
        }
    }

    /// The same of any key, which may come within this time.
    pub(super) fn pass_over(&mut self, turn: &Turn<'_>, end_key: Digit, within: Duration) {
        if self.ahead.front() == Some(&end_key) {
            self.ahead.pop_front();
        } else if self.ahead.is_empty() {
            self.tail = Some((end_key, turn.now + within));
        }
    }

    fn collect<'a>(&self, turn: &Turn<'a>) -> &'a Collect {
        match &turn.flows.flow(self.flow).step(self.step).kind {
            StepKind::Collect(collect) => collect,
            _ => unreachable!("digits are weighed in questions only"),
        }
    }
}
