//! What becomes of a call whose caller is passed on: to another agent, to a queue, to a flow, or to where an agent stands.

use std::sync::Arc;

use super::{Call, Met, Parting, Phase, Start};
use crate::acd::{AgentId, EntryId, Input};
use crate::clock::Moment;
use crate::flow::{CallFacts, FlowIndex, FlowSet, QueueIndex, Session, SessionInput, StepIndex};
use crate::journal::{JournalEvent, Outcome, QueueEvent};
use crate::switchboard::errand::Errand;
use crate::switchboard::leg::Leg;
use crate::switchboard::waiting::{Line, Place, Waiting};
use crate::switchboard::{Revision, Turn};
use crate::telephony::{Caller, Cause, LegId, MediaCommand, Refusal, SipCommand};

/// Where a caller stands in flows and queues, on its way to another call.
pub(in crate::switchboard) struct Walk {
    session: Box<Session>,
    /// What time it is in it.
    time: Moment,
    /// Words were being said, or announced, which are not said again.
    interrupted: bool,
    announced: bool,
    revision: Arc<Revision>,
    step: Option<(FlowIndex, StepIndex)>,
    place: Option<Place>,
}

impl Call {
    /// Whether the caller walks a flow, or waits in a queue, and talks to nobody.
    pub(in crate::switchboard) fn walks(&self) -> bool {
        matches!((&self.phase, &self.line), (Phase::Walking { .. }, Line::None | Line::Waiting(_)))
    }

    /// Whether the caller has dialled somebody whose phone rings.
    pub(in crate::switchboard) fn dialled(&self) -> Option<LegId> {
        match self.line {
            Line::Dialled(leg) => Some(leg),
            _ => None,
        }
    }

    /// Another phone rings to take the agent's place: the caller hears music until it is answered, and the agent is told
    /// how it goes.
    pub(in crate::switchboard) fn pass(&mut self, turn: &mut Turn<'_>, target: LegId) {
        let Line::Talking(conversation) = &mut self.line else { return };
        conversation.target = Some(target);
        let (leg, held, music) = (conversation.leg, conversation.is_held_by_agent(), conversation.music());
        turn.sip(SipCommand::TransferProgress { leg, status: 100 });
        if !held {
            self.play_music(turn, music);
        }
    }

    /// The agent is thanked and let go; what the caller had of a place comes back.
    fn part_with_agent(&mut self, turn: &mut Turn<'_>) -> Option<Option<Place>> {
        match std::mem::take(&mut self.line) {
            Line::Talking(conversation) => {
                let leg = conversation.leg;
                let place = self.take_leave(turn, *conversation, "transferred");
                turn.errand(Errand::Release { leg });
                Some(place)
            }
            other => {
                self.line = other;
                None
            }
        }
    }

    /// The caller waits in a queue from now on, with the place time and the priority that they had, unless another is
    /// given. What they asked for when they came is kept where the queue is the same.
    pub(in crate::switchboard) fn send_to_queue(
        &mut self,
        turn: &mut Turn<'_>,
        revision: &Arc<Revision>,
        (queue, priority): (QueueIndex, Option<u8>),
    ) {
        let Some(before) = self.part_with_agent(turn) else { return };
        let name = revision.flows.queue(queue).name.clone();
        let Some(own) = named(&self.revision.flows, &name).filter(|_| matches!(self.phase, Phase::Walking { .. }))
        else {
            let facts = self.facts(turn, &name);
            return self.walk_anew(turn, revision, Start::Queue(queue, priority.unwrap_or(0)), facts);
        };
        let spec = self.revision.flows.queue(own);
        let same = before.as_ref().filter(|place| place.queue == name);
        let place = Place {
            entry: turn.entry(),
            queue: name.clone(),
            music: spec.music.clone(),
            together: spec.music_together,
            alert_info: spec.alert_info.clone(),
            skills: same.map(|place| place.skills.clone()).unwrap_or_default(),
            relax_after: spec.relax_after,
            prefer: None,
            priority: priority.or(before.as_ref().map(|place| place.priority)).unwrap_or(0),
            since: before.as_ref().and_then(|place| place.since),
            told: same.map(|place| place.told).unwrap_or_default(),
            kept_for: spec.resume_window,
        };
        self.wait(turn, place);
        self.walk(turn, SessionInput::SentToQueue(own));
    }

    /// The caller walks a flow from its start.
    pub(in crate::switchboard) fn send_to_flow(
        &mut self,
        turn: &mut Turn<'_>,
        revision: &Arc<Revision>,
        (flow, dialled): (FlowIndex, &str),
    ) {
        if self.part_with_agent(turn).is_some() {
            let facts = self.facts(turn, dialled);
            self.walk_anew(turn, revision, Start::Flow(flow), facts);
        }
    }

    /// What is known of the call, as if the caller had dialled this.
    fn facts(&self, turn: &Turn<'_>, dialled: &str) -> CallFacts {
        CallFacts {
            switches: turn.switches.clone(),
            known: self.known.clone(),
            ..CallFacts::of(self.caller.clone(), dialled)
        }
    }

    fn walk_anew(&mut self, turn: &mut Turn<'_>, revision: &Arc<Revision>, start: Start, facts: CallFacts) {
        self.leave_conversation_step(turn);
        self.revision = revision.clone();
        self.begin_at(turn, start, facts);
    }

    /// The caller talks to another agent from now on, whose leg is there already.
    pub(in crate::switchboard) fn move_to(&mut self, turn: &mut Turn<'_>, with: Met) {
        if let Some(place) = self.part_with_agent(turn) {
            self.join(turn, with, place);
        }
    }

    /// The agent who called has given away whom they talked to: the call is over.
    pub(in crate::switchboard) fn give_away(&mut self, turn: &mut Turn<'_>) {
        if let Line::Talking(conversation) = std::mem::take(&mut self.line) {
            self.take_leave(turn, *conversation, "transferred");
        }
        self.leave_conversation_step(turn);
        self.phase = Phase::Talking;
        self.hang_up(turn, Cause::LocalHungUp, Outcome::Transferred);
    }

    /// The agent who called, and whose colleague's phone still rings, has given that away.
    pub(in crate::switchboard) fn give_ringing(&mut self, turn: &mut Turn<'_>) {
        self.line = Line::None;
        turn.sip(SipCommand::Reject { leg: self.leg.id, refusal: Refusal::status(super::line::GONE) });
        self.phase = Phase::HangingUp { outcome: Outcome::Transferred, until: turn.now + super::HANG_UP_MAX };
    }

    /// The call ends, and its leg goes on elsewhere: as an agent's, whom somebody is joined to.
    pub(in crate::switchboard) fn hand_over(mut self, turn: &mut Turn<'_>) -> Leg {
        self.part_with_agent(turn);
        self.leave_conversation_step(turn);
        let duration = turn.now.since(self.offered);
        self.finish(turn, Parting { outcome: Outcome::Transferred, cause: Cause::LocalHungUp, duration });
        self.leg
    }

    /// The agent who called gives away where they stand in flows and queues: the call is over.
    pub(in crate::switchboard) fn give_walk(&mut self, turn: &mut Turn<'_>) -> Option<Walk> {
        if !self.walks() {
            return None;
        }
        let Phase::Walking { session, playing } = std::mem::replace(&mut self.phase, Phase::Talking) else {
            return None;
        };
        if playing.is_some() || matches!(&self.line, Line::Waiting(waiting) if waiting.music) {
            turn.media(MediaCommand::Stop { leg: self.leg.id });
        }
        let (place, announced) = match std::mem::take(&mut self.line) {
            Line::Waiting(waiting) => (Some(waiting.place), waiting.announcing.is_some()),
            _ => (None, false),
        };
        let (revision, step, time) = (self.revision.clone(), self.place, self.leg.hold.flow_time(turn.now));
        self.note_all(turn, session.give_way());
        self.hang_up(turn, Cause::LocalHungUp, Outcome::Transferred);
        Some(Walk { session, time, interrupted: playing.is_some(), announced, revision, step, place })
    }

    /// The caller takes the place of the agent who gave theirs away; tells as what they wait there, if they do.
    pub(in crate::switchboard) fn take_walk(&mut self, turn: &mut Turn<'_>, walk: Walk) -> Option<EntryId> {
        self.part_with_agent(turn)?;
        self.leave_conversation_step(turn);
        self.revision = walk.revision;
        self.place = walk.step;
        self.leg.hold.go_on_from(turn.now, walk.time);
        let mut session = walk.session;
        let notes = session.take_survey();
        self.phase = Phase::Walking { session, playing: None };
        self.note_all(turn, notes);
        let entry = walk.place.as_ref().map(|place| place.entry);
        if let Some(place) = walk.place {
            let taken = QueueEvent::PlaceTaken { queue: place.queue.clone() };
            turn.journal(Some(self.id), JournalEvent::Queue(Box::new(taken)));
            self.line = Line::Waiting(Waiting::new(turn.now, place));
        }
        if walk.announced
            && let Some(entry) = entry
        {
            turn.errand(Errand::Distribute(Input::AnnouncementFinished { entry }));
        }
        let (time, wall) = (self.leg.hold.flow_time(turn.now), turn.calendar.time_of(turn.now));
        let facts = (self.caller.clone(), self.known.clone());
        let again = match &mut self.phase {
            Phase::Walking { session, .. } => session.change_caller(time, wall, facts),
            _ => None,
        };
        // What was being said to the agent is not said again, unless it has to be.
        if let Some(actions) = again {
            self.act(turn, actions);
        } else if walk.interrupted {
            self.walk(turn, SessionInput::PlaybackFinished);
        } else {
            self.act(turn, Vec::new());
        }
        entry
    }

    /// Whom the caller talks to becomes the caller, and the caller's leg the agent's: who called wants to pass on whom they
    /// called. Nobody hears anything of it.
    pub(in crate::switchboard) fn turn_round(
        &mut self,
        turn: &mut Turn<'_>,
        other: &mut Leg,
        caller: Option<Caller>,
        (agent, counted): (Arc<str>, Option<AgentId>),
    ) {
        self.leave_conversation_step(turn);
        std::mem::swap(&mut self.leg, other);
        self.digits = Default::default();
        self.phase = Phase::Talking;
        self.caller = caller.unwrap_or_default();
        if let Line::Talking(conversation) = &mut self.line {
            if let Some(agent) = conversation.agent.filter(|_| conversation.is_held()) {
                turn.errand(Errand::Distribute(Input::AgentHolds { agent, holding: false }));
            }
            conversation.turn_round(other.id, agent, counted);
        }
    }

    /// The conversation to which the flow led goes on without the flow.
    fn leave_conversation_step(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Walking { session, .. } = &mut self.phase {
            let actions = session.let_go();
            self.note_all(turn, actions);
        }
    }
}

fn named(flows: &FlowSet, name: &str) -> Option<QueueIndex> {
    let place = flows.queues.iter().position(|queue| &*queue.name == name)?;
    u16::try_from(place).ok().map(QueueIndex)
}
