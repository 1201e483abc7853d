//! What a switchboard wants of its telephones and audio is done at once, and what becomes of the caller is told.

use std::sync::Arc;
use std::time::Duration;

use super::{Stage, Standing};
use crate::flow::StepKind;
use crate::journal::{JournalEntry, JournalEvent, QueueEvent, SurveyNews, TapeEvent};
use crate::rehearsal::tapes::Tape;
use crate::rehearsal::told::{Told, What};
use crate::switchboard::{CallPlace, Input};
use crate::telephony::{LegId, MediaCommand, MediaEvent, SipCommand, SipEvent, StreamReport, TapeEnd};

impl Stage<'_> {
    /// The place that the caller's step has taken for them in a queue.
    fn booked(&self, queue: &Arc<str>) -> CallPlace {
        let at = self.step.as_ref().and_then(|step| self.house.find_step(step));
        let kind = at.map(|at| &self.house.flows().flow(at.flow).step(at.step).kind);
        let (skills, priority) = match kind {
            Some(StepKind::Callback { skills, priority, .. }) => (skills.clone(), *priority),
            _ => (Vec::new(), 0),
        };
        CallPlace { queue: queue.clone(), position: 1, since: self.now, skills, priority }
    }

    /// Where the caller stands in line now.
    pub(super) fn look(&mut self) {
        let place = self.line.and(self.call).and_then(|call| self.board.place(call));
        match (&mut self.standing, place) {
            (standing @ (Standing::None | Standing::Waiting(_)), Some(place)) => *standing = Standing::Waiting(place),
            (standing @ Standing::Talking(..), Some(place)) => *standing = Standing::Waiting(place),
            (Standing::None | Standing::Waiting(_) | Standing::Talking(..), None) => {}
        }
    }

    pub(super) fn signal(&mut self, command: SipCommand) -> Option<Input> {
        match command {
            SipCommand::Reject { leg, refusal } if self.is_callers(leg) => {
                self.line = None;
                self.tell(What::Refused(refusal.status));
                None
            }
            SipCommand::HangUp { leg, cause } => {
                if self.is_callers(leg) {
                    self.line = None;
                    self.tell(What::HungUpOn);
                } else if self.ringing == Some(leg) {
                    self.ringing = None;
                    self.tell(What::RingsNoMore);
                }
                self.cast.forget(leg);
                Some(Input::Sip(SipEvent::Ended { leg, cause }))
            }
            SipCommand::DialAgent { leg, extension, .. } => {
                self.rings_at(leg, &extension);
                None
            }
            SipCommand::DialTrunk { leg, .. } | SipCommand::Dial { leg, .. } if self.called_back.is_some() => {
                self.ringing = Some(leg);
                self.tell(What::CalledBack);
                if let Some(after) = self.picks_up_after {
                    self.cast.let_pick_up(self.now + after);
                }
                None
            }
            // Nobody else is ever called back: a step passes the caller on.
            SipCommand::DialTrunk { leg, .. } | SipCommand::Dial { leg, .. } => {
                if let Some(called) = self.rang.clone() {
                    self.rings_at(leg, &called);
                }
                None
            }
            _ => None,
        }
    }

    pub(super) fn hear(&mut self, command: MediaCommand) -> Option<Input> {
        let leg = command.leg();
        match command {
            MediaCommand::Play { playback, clips, .. } => {
                let length: Duration = clips.iter().map(|clip| clip.duration()).sum();
                self.fall_silent(leg);
                self.playing.insert(leg, (playback, self.now + length));
                self.ends.insert((self.now + length, leg));
                if self.is_callers(leg) {
                    let prompts = clips.iter().filter_map(|clip| self.house.prompt_of(clip)).collect();
                    self.tell(What::Said { step: self.step.clone(), prompts });
                }
            }
            MediaCommand::Music { .. } | MediaCommand::Stop { .. } => self.fall_silent(leg),
            MediaCommand::Bridge { with, .. } => {
                self.fall_silent(leg);
                self.fall_silent(with);
                self.joined(leg, with);
            }
            MediaCommand::Close { .. } => {
                self.fall_silent(leg);
                self.tapes.remove(&leg);
                return Some(Input::Media(MediaEvent::Closed { leg, report: StreamReport::default() }));
            }
            MediaCommand::Record { order, .. } => {
                drop(self.tapes.insert(leg, Tape::begin(self.now, *order)));
            }
            MediaCommand::EndTape { .. } => {
                let now = self.now;
                return self.tapes.get_mut(&leg)?.finish(now, leg, TapeEnd::Told).map(Input::Media);
            }
            MediaCommand::KeepTape { .. } | MediaCommand::DropTape { .. } => drop(self.tapes.remove(&leg)),
            // What was said has no sound here.
            MediaCommand::ReadTape { tape, .. } => {
                return Some(Input::Media(MediaEvent::TapeRead { leg, tape, clip: None }));
            }
            MediaCommand::MuteTape { .. }
            | MediaCommand::Open { .. }
            | MediaCommand::Change { .. }
            | MediaCommand::Press { .. }
            | MediaCommand::Unbridge { .. } => {}
        }
        None
    }

    fn fall_silent(&mut self, leg: LegId) {
        if let Some((_, end)) = self.playing.remove(&leg) {
            self.ends.remove(&(end, leg));
        }
    }

    /// What the journal says of the caller's call.
    pub(super) fn read(&mut self, entry: JournalEntry) {
        if let Some(meter) = &mut self.meter {
            meter.fold(&entry, self.now);
        }
        let call = self.call;
        match &entry.event {
            JournalEvent::Offered(offered) if call.is_none() && offered.caller.number.reveal() == self.from => {
                if self.line.is_some() {
                    self.call = entry.call;
                }
                return;
            }
            JournalEvent::Dialled(dialled) if dialled.party.number.reveal() == self.from => {
                self.called_back = entry.call;
                return;
            }
            JournalEvent::Queue(event) if call.is_some() && entry.call.is_none() => {
                // A place that is booked is nobody's call.
                if let QueueEvent::Entered { queue, .. } = &**event
                    && self.session().is_some_and(|session| !session.is_queued())
                {
                    self.owed = Some(self.booked(queue));
                    self.tell(What::Booked(queue.clone()));
                }
                return;
            }
            _ => {}
        }
        if entry.call.is_none() || entry.call != call {
            return;
        }
        match entry.event {
            JournalEvent::StepEntered(name) => {
                self.walked.entered(&name);
                self.step = Some(name.clone());
                self.tell(What::Entered(name));
            }
            JournalEvent::StepLeft { step, exit } => {
                self.walked.left(&step, &exit);
                self.tell(What::Left(step, exit));
            }
            JournalEvent::PromptMissing { step, prompt: None, .. } => self.tell(What::Unspeakable(step)),
            JournalEvent::RanAway(step) => self.tell(What::RanAway(step)),
            JournalEvent::Queue(event) => self.queue(*event),
            JournalEvent::Dialling { agent } => {
                self.rang = Some(agent.clone());
                self.tell(What::Rings(agent));
            }
            JournalEvent::Tape(event) => self.recorded |= matches!(*event, TapeEvent::RecordingBegan { .. }),
            JournalEvent::Joined(joined) => {
                let place = match std::mem::take(&mut self.standing) {
                    Standing::Waiting(place) => Some(place),
                    Standing::None if self.is_back => self.owed.take(),
                    Standing::None | Standing::Talking(..) => None,
                };
                self.standing = Standing::Talking(joined.agent.clone(), place);
                self.tell(What::Talks(joined.agent));
            }
            JournalEvent::Survey(event) => {
                if let SurveyNews::Answered { question, score, .. } = event.news {
                    self.tell(What::Answers(question, score));
                }
            }
            JournalEvent::Parted(_) => self.standing = Standing::None,
            JournalEvent::Ended(ended) => {
                self.standing = Standing::None;
                self.tell(What::Over(ended.outcome.label()));
            }
            _ => {}
        }
    }

    fn queue(&mut self, event: QueueEvent) {
        match event {
            QueueEvent::Entered { queue, .. } => self.tell(What::Queued(queue)),
            QueueEvent::Left { queue, outcome, .. } => {
                // Who is called back talks to the agent already when the place is given up.
                if outcome != "answered" && matches!(self.standing, Standing::Waiting(_)) {
                    self.standing = Standing::None;
                }
                self.tell(What::Unqueued(queue, outcome));
            }
            QueueEvent::Offered { agent, .. } => {
                self.rang = Some(agent.clone());
                self.tell(What::Rings(agent));
            }
            QueueEvent::SpokenPlace { spoken, .. } if spoken > 0 => self.tell(What::Place(spoken)),
            QueueEvent::CallbackWanted => {
                if let Standing::Waiting(place) = std::mem::take(&mut self.standing) {
                    self.owed = Some(place);
                }
                self.tell(What::Promised);
            }
            _ => {}
        }
    }
}

/// Callers leave a queue before they go elsewhere, and come to one before they hear that they wait, whatever the order in
/// which it is done.
pub(super) fn queue_before_words(told: &mut [Told]) {
    if let Some(left) = told.iter().position(|told| matches!(told.what, What::Unqueued(..))) {
        let keyed = told[..left].iter().take_while(|told| matches!(told.what, What::Left(..))).count();
        told[keyed..=left].rotate_right(1);
    }
    let Some(queued) = told.iter().position(|told| matches!(told.what, What::Queued(_) | What::Booked(_))) else {
        return;
    };
    let words = told[..queued].iter().rev().take_while(|told| matches!(told.what, What::Said { .. })).count();
    told[queued - words..=queued].rotate_right(1);
}
