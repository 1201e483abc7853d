//! `menu`: choices, spoken in order and taken by their keys.

use super::Session;
use super::asking::{About, Asking, Verdict};
use super::exit::Exit;
use super::turn::Turn;
use super::way::Next;
use crate::flow::{Choice, Menu, PromptId, StepKind, Target};
use crate::telephony::Digit;

impl Session {
    pub(super) fn enter_menu(&mut self, turn: &mut Turn<'_>) -> Next {
        self.remember_place();
        self.ask(turn, Asking::new(About::Choice), Vec::new())
    }

    /// The choices that can be taken now, spoken in order.
    pub(super) fn add_choices(&self, turn: &mut Turn<'_>, words: &mut Vec<PromptId>) {
        for choice in &self.menu(turn).choices {
            if let Some(speech) = &choice.speech
                && self.is_live(turn, choice)
            {
                self.add_speech(turn, speech, words);
            }
        }
    }

    /// A key is taken at once when no choice with more keys can be meant.
    pub(super) fn weigh_choice(&self, turn: &Turn<'_>, keyed: &mut Vec<Digit>, key: Digit) -> Verdict {
        keyed.push(key);
        let longer = self.menu(turn).choices.iter().any(|choice| {
            choice.keys.len() > keyed.len() && choice.keys.starts_with(keyed) && self.is_live(turn, choice)
        });
        if longer { Verdict::Wait } else { self.settle_choice(turn, keyed) }
    }

    /// No more keys come: what stands there is a choice, a key that works everywhere, or nothing.
    pub(super) fn settle_choice(&self, turn: &Turn<'_>, keyed: &[Digit]) -> Verdict {
        let chosen = self.menu(turn).choices.iter().find(|choice| choice.keys == keyed && self.is_live(turn, choice));
        if let Some(choice) = chosen {
            let exit = Exit::Choice(keyed).name();
            return Verdict::Leave(Next::Leave { exit, to: Some(choice.target) });
        }
        match keyed {
            [key] => match self.everywhere(turn, *key) {
                Some((exit, target)) => Verdict::Leave(Next::Leave { exit: exit.name(), to: Some(target) }),
                None => Verdict::Wrong("phrases/menu/no_match"),
            },
            _ => Verdict::Wrong("phrases/menu/no_match"),
        }
    }

    /// Where a key leads that works in every menu.
    pub(super) fn everywhere(&self, turn: &Turn<'_>, key: Digit) -> Option<(Exit<'static>, Target)> {
        let target = turn.flows.flow(self.flow).always.get(&key)?;
        Some((Exit::Always(key), *target))
    }

    fn is_live(&self, turn: &Turn<'_>, choice: &Choice) -> bool {
        choice.when.as_ref().is_none_or(|condition| self.holds(turn, condition))
    }

    fn menu<'a>(&self, turn: &Turn<'a>) -> &'a Menu {
        match &turn.flows.flow(self.flow).step(self.step).kind {
            StepKind::Menu(menu) => menu,
            _ => unreachable!("choices are weighed in menus only"),
        }
    }
}
