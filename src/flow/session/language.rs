//! `language`: the caller's language from now on, also in other flows that know it.

use super::Session;
use super::turn::Turn;
use super::way::Next;
use crate::flow::LanguageIndex;

impl Session {
    pub(super) fn enter_language(&mut self, turn: &Turn<'_>, language: LanguageIndex) -> Next {
        if let Some(tongue) = turn.flows.flow(self.flow).languages.get(usize::from(language.0)) {
            self.tongue = tongue.clone();
            self.language = language;
        }
        self.follow(turn)
    }
}
