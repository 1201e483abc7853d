//! The distributor's notes in the journal's words.

use std::sync::Arc;
use std::time::Duration;

use super::queues::Queues;
use crate::acd::{EntryId, LevelEvent, Note, OfferResult, PauseReason, Refused, SpokenPlace};
use crate::clock::Moment;
use crate::journal::QueueEvent;

impl Queues {
    /// The entry that a note is about, if any, and the note in the journal's words.
    pub(super) fn told(&self, now: Moment, note: Note) -> (Option<EntryId>, QueueEvent) {
        match note {
            Note::Entered { queue, entry, priority, place_time, label: _ } => {
                let brought = now.since(place_time);
                (Some(entry), QueueEvent::Entered { queue: self.queue_name(queue), priority: priority.0, brought })
            }
            Note::Ended { queue, entry, outcome, wait, agent, estimate } => {
                let promised = estimate.and_then(|(spoken, real)| Some((spoken.promise()?, real)));
                let agent = agent.map(|agent| self.extension(agent));
                let queue = self.queue_name(queue);
                (Some(entry), QueueEvent::Left { queue, outcome: outcome.name(), wait, agent, promised })
            }
            Note::Counted { queue, entry, event } => {
                (Some(entry), QueueEvent::Counted { queue: self.queue_name(queue), event: service_event(event) })
            }
            Note::Offered { queue, entry, agent, offer: _ } => {
                (Some(entry), QueueEvent::Offered { queue: self.queue_name(queue), agent: self.extension(agent) })
            }
            Note::OfferEnded { queue, entry, agent, result, offer: _ } => {
                let (queue, agent) = (self.queue_name(queue), self.extension(agent));
                (Some(entry), QueueEvent::OfferEnded { queue, agent, result: offer_result(result) })
            }
            Note::Handled { queue, entry, agent, talk, hold, wrap_up } => {
                let (queue, agent) = (self.queue_name(queue), self.extension(agent));
                (Some(entry), QueueEvent::Handled { queue, agent, talk, hold, wrap_up })
            }
            Note::AgentState { agent, from, spent, to, reason } => {
                let reason = reason.map(|reason| pause_reason(&reason));
                let agent = self.extension(agent);
                (None, QueueEvent::AgentState { agent, from: from.name(), spent, to: to.name(), reason })
            }
            Note::SpokenPlace { entry, queue, position, spoken } => {
                let spoken = match spoken {
                    SpokenPlace::YouAreNext => 1,
                    SpokenPlace::Number(number) => u32::from(number),
                    SpokenPlace::MoreThanTen => 11,
                    SpokenPlace::Comfort => 0,
                };
                (Some(entry), QueueEvent::SpokenPlace { queue: self.queue_name(queue), position, spoken })
            }
            Note::SpokenWait { entry, queue, inputs, band, spoken } => {
                let event = QueueEvent::SpokenWait {
                    queue: self.queue_name(queue),
                    ahead: inputs.ahead,
                    available: inputs.available,
                    servers: inputs.servers,
                    handle_seconds: inputs.handle_seconds,
                    samples: inputs.samples,
                    last_wait_seconds: inputs.last_wait_seconds,
                    abandon_share: inputs.abandon_share,
                    expected_seconds: band.expected_seconds,
                    promised: spoken.promise(),
                };
                (Some(entry), event)
            }
            Note::Relaxed { entry, stage } => (Some(entry), QueueEvent::Relaxed { stage }),
            Note::CallbackWanted { entry } => (Some(entry), QueueEvent::CallbackWanted),
            Note::CalledBack { entry, attempt, answered } => {
                (Some(entry), QueueEvent::CalledBack { attempt, answered })
            }
            Note::Dropped { entry } => (Some(entry), QueueEvent::Dropped),
            Note::Resumed { entry } => (Some(entry), QueueEvent::CameBack),
        }
    }

    /// How long an entry has waited, from the time of its place.
    pub(super) fn waited(&self, now: Moment, entry: EntryId) -> Duration {
        self.book.get(&entry).map_or(Duration::ZERO, |booked| now.since(booked.since))
    }
}

/// The word of a label for how an entry counts.
fn service_event(event: LevelEvent) -> &'static str {
    match event {
        LevelEvent::Answered => "answered",
        LevelEvent::Abandoned => "abandoned",
        LevelEvent::TakenOut => "taken_out",
        LevelEvent::Late => "late",
        LevelEvent::ShortAbandoned => "short_abandoned",
        LevelEvent::Left => "left",
        LevelEvent::ToCallback => "to_callback",
    }
}

/// The word of a label for what became of an offer.
fn offer_result(result: OfferResult) -> &'static str {
    match result {
        OfferResult::Accepted => "accepted",
        OfferResult::Refused(Refused::Declined) => "declined",
        OfferResult::Refused(Refused::Busy) => "busy",
        OfferResult::Refused(Refused::NoAnswer) => "no_answer",
        OfferResult::Refused(Refused::Failed) => "failed",
        OfferResult::Refused(Refused::OurFault) => "our_fault",
        OfferResult::Withdrawn => "withdrawn",
    }
}

/// Why an agent is paused, in words.
pub(super) fn pause_reason(reason: &PauseReason) -> Arc<str> {
    match reason {
        PauseReason::Missed => "missed".into(),
        PauseReason::Said(reason) => reason.clone(),
    }
}
