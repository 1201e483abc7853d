//! Web services as a test or an operator has them answer: nothing leaves the house.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::stage::Stage;
use super::told::What;
use crate::clock::Moment;
use crate::flow::call_test::Stub;
use crate::flow::{Connector, LookupAnswer, LookupFailure};
use crate::switchboard::{Answered, Ask, Input};
use crate::telephony::CallId;

/// What services answer, and what they have been asked.
#[derive(Default)]
pub(super) struct Services {
    /// The latest last.
    stubs: Vec<Stub>,
    /// Somebody sits at the terminal, and may tell what is answered.
    attended: bool,
    pending: BTreeMap<(Moment, u64), (CallId, u32, LookupAnswer, Moment)>,
    /// What nobody has answered yet.
    open: Option<(Ask, Moment)>,
    asked: u64,
}

impl Services {
    pub(super) fn due(&self) -> Option<Moment> {
        self.pending.first_key_value().map(|((moment, _), _)| *moment)
    }

    /// Nobody awaits this any more.
    pub(super) fn forget(&mut self, call: CallId, lookup: u32) {
        self.pending.retain(|_, (of, asked, ..)| (*of, *asked) != (call, lookup));
        self.open.take_if(|(ask, _)| (ask.call, ask.request.lookup) == (call, lookup));
    }

    fn stub(&self, ask: &Ask) -> Option<&Stub> {
        let address = ask.request.url.split(['?', '#']).next().unwrap_or_default();
        self.stubs.iter().rev().find(|stub| {
            let asks_for = |path: &String| address.strip_suffix(path.as_str()).is_some_and(|rest| rest.ends_with('/'));
            stub.connector == ask.connector.name && stub.path.as_ref().is_none_or(asks_for)
        })
    }
}

impl Stage<'_> {
    /// What nobody has said a service answers is awaited from whoever sits at the terminal; otherwise it fails.
    pub fn attend_services(&mut self) {
        self.services.attended = true;
    }

    /// From now on a service answers so; also what it was asked already.
    pub fn let_service_answer(&mut self, stub: Stub) {
        self.services.stubs.push(stub);
        if let Some((ask, since)) = self.services.open.take() {
            self.ask_at(ask, since);
        }
    }

    /// The service that awaits an answer from the terminal: its connector, and the address that was asked.
    pub fn asked_service(&self) -> Option<(&Arc<Connector>, &str)> {
        self.services.open.as_ref().map(|(ask, _)| (&ask.connector, ask.request.url.as_str()))
    }

    pub(super) fn ask(&mut self, ask: Ask) {
        let answer = self.services.stub(&ask).map(|stub| stub.answer.label());
        self.tell(What::Asks(ask.connector.name.clone(), answer));
        self.ask_at(ask, self.now());
    }

    fn ask_at(&mut self, ask: Ask, since: Moment) {
        let (answer, after) = match self.services.stub(&ask) {
            Some(stub) => (Some(stub.answer.clone()), stub.after),
            None => (None, std::time::Duration::ZERO),
        };
        let answer = match answer {
            Some(answer) => answer,
            None if self.services.attended => {
                self.services.open = Some((ask, since));
                return;
            }
            None => LookupAnswer::Failed(LookupFailure::Unreachable),
        };
        self.services.asked += 1;
        let at = (self.now() + after, self.services.asked);
        self.services.pending.insert(at, (ask.call, ask.request.lookup, answer, since));
    }

    /// The service that is due answers.
    pub(super) fn answer(&mut self) {
        let Some((_, (call, lookup, answer, since))) = self.services.pending.pop_first() else { return };
        let took = self.now().since(since);
        self.give(Input::Answered(Box::new(Answered { call, lookup, answer, took, tries: 1, why: None })));
    }
}
