//! Web services on behalf of callers: what is asked goes out, and what is answered comes back to the call that asked.

use std::sync::Arc;
use std::time::Duration;

use super::call::Call;
use super::{Output, Switchboard, Turn};
use crate::clock::Moment;
use crate::flow::{
    Connector, FlowIndex, LookupAnswer, LookupFailure, LookupRequest, SessionInput, StepIndex, StepKind,
};
use crate::journal::{JournalEvent, LookedUp};
use crate::telephony::CallId;

/// What is to be asked. It holds what callers keyed, and secrets of the connector.
#[derive(Clone, Debug)]
pub struct Ask {
    /// On whose behalf.
    pub call: CallId,
    /// Whom: as the flows of the call's own revision have it.
    pub connector: Arc<Connector>,
    /// What.
    pub request: LookupRequest,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Answered {
    /// On whose behalf it was asked.
    pub call: CallId,
    /// The name in the request.
    pub lookup: u32,
    /// The answer.
    pub answer: LookupAnswer,
    /// How long that took, the wait for its turn included.
    pub took: Duration,
    /// How often it was asked; 0 when it was not asked at all.
    pub tries: u8,
    /// What is known of a failure: no secret, and nothing that a caller said.
    pub why: Option<String>,
}

/// A lookup of a call that is not answered yet.
#[derive(Debug)]
pub(super) struct Asking {
    lookup: u32,
    connector: Arc<str>,
    since: Moment,
}

impl Switchboard {
    pub(super) fn answered(&mut self, now: Moment, answered: Answered, out: &mut Vec<Output>) {
        self.with_call(now, answered.call, out, |call, turn| call.looked_up(turn, answered));
    }
}

impl Call {
    pub(super) fn look_up(&mut self, turn: &mut Turn<'_>, request: LookupRequest) {
        let connector = self.flows().connector(request.connector).clone();
        self.asking = Some(Asking { lookup: request.lookup, connector: connector.name.clone(), since: turn.now });
        turn.out.push(Output::Ask(Box::new(Ask { call: self.id(), connector, request })));
    }

    /// Nobody awaits the answer any more; `outcome` is how it counts.
    pub(super) fn cancel_lookup(&mut self, turn: &mut Turn<'_>, lookup: u32, outcome: &'static str) {
        let Some(asking) = self.asking.take_if(|asking| asking.lookup == lookup) else { return };
        turn.out.push(Output::CancelAsk { call: self.id(), lookup });
        let Asking { connector, since, .. } = asking;
        let told = LookedUp { connector, outcome, took: turn.now.since(since), tries: 0, why: None };
        turn.journal(Some(self.id()), JournalEvent::LookedUp(Box::new(told)));
    }

    /// An answer to what was given up, or is over, changes nothing.
    fn looked_up(&mut self, turn: &mut Turn<'_>, answered: Answered) {
        let Some(asking) = self.asking.take_if(|asking| asking.lookup == answered.lookup) else { return };
        let Answered { answer, took, tries, why, .. } = answered;
        let (connector, outcome) = (asking.connector, answer.label());
        let told = LookedUp { connector, outcome, took, tries, why: why.map(Arc::from) };
        turn.journal(Some(self.id()), JournalEvent::LookedUp(Box::new(told)));
        self.walk(turn, SessionInput::LookupAnswered { lookup: answered.lookup, answer: Box::new(answer) });
    }

    /// A service that could not be asked at all, for want of a value.
    pub(super) fn unaskable(&self, (flow, step): (FlowIndex, StepIndex), value: &str) -> JournalEvent {
        let flows = self.flows();
        let connector = match &flows.flow(flow).step(step).kind {
            StepKind::Lookup(spec) => flows.connector(spec.connector).name.clone(),
            _ => Arc::from(""),
        };
        let outcome = LookupFailure::Unaskable.label();
        let why = Some(Arc::from(format!("the value `{value}` is not known, or cannot be sent")));
        JournalEvent::LookedUp(Box::new(LookedUp { connector, outcome, took: Duration::ZERO, tries: 0, why }))
    }
}
