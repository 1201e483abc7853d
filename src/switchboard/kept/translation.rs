//! Facts on their way to where they are kept, and back from there: what the distributor knows by numbers and moments is
//! written by names and times of day.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{
    Day, KeptAgent, KeptCall, KeptCallPhase, KeptMode, KeptPhone, KeptPlace, KeptPlaceStage, KeptPromise, KeptQueue,
    KeptSwitch, KeptTransport, KeptWish, WallTime,
};
use crate::acd::{
    self, AgentFigures, AgentState, CallerLabel, EntryId, KeptPhase, KeptPresence, KeptStage, LevelCounts, Mode,
    Outcome, PastPiece, PauseReason, Priority, QueueFigures, Skills, SpokenWait, Wants,
};
use crate::clock::Moment;
use crate::flow::{FlowSet, Switch};
use crate::switchboard::queues::{Promise, Queues};
use crate::switchboard::waiting::Place;
use crate::telephony::{CallId, Caller, PhoneNumber, RegisteredPhone, TransportKind};

impl KeptSwitch {
    pub(in crate::switchboard) fn of(hours: &Arc<str>, switch: Switch) -> KeptSwitch {
        let Switch { open, until } = switch;
        KeptSwitch { hours: hours.clone(), open, until: WallTime(until.as_microsecond()) }
    }

    /// The switch again, while it stands at `now`.
    pub(in crate::switchboard) fn again(&self, now: Timestamp) -> Option<Switch> {
        let until = Timestamp::from_microsecond(self.until.0).ok().filter(|until| now < *until)?;
        Some(Switch { open: self.open, until })
    }
}

impl KeptPhone {
    /// As it was at `at`.
    pub(in crate::switchboard) fn of(day: Day, at: Moment, phone: &RegisteredPhone) -> KeptPhone {
        KeptPhone {
            contact: phone.contact.clone(),
            path: phone.path.clone(),
            transport: match phone.transport {
                TransportKind::Udp => KeptTransport::Udp,
                TransportKind::Tcp => KeptTransport::Tcp,
            },
            local: phone.local,
            remote: phone.remote,
            call_id: phone.call_id.clone(),
            cseq: phone.cseq,
            answers: phone.answers,
            expires: day.time(at + phone.expires_in),
        }
    }

    /// The phone again. One whose registration has ended meanwhile is told too, so that it is no longer kept.
    pub(in crate::switchboard) fn again(&self, day: Day, now: Moment) -> RegisteredPhone {
        RegisteredPhone {
            contact: self.contact.clone(),
            path: self.path.clone(),
            transport: match self.transport {
                KeptTransport::Udp => TransportKind::Udp,
                KeptTransport::Tcp => TransportKind::Tcp,
            },
            local: self.local,
            remote: self.remote,
            call_id: self.call_id.clone(),
            cseq: self.cseq,
            answers: self.answers,
            expires_in: day.moment(self.expires).since(now),
        }
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

fn promise_to_keep(promise: &Promise) -> KeptPromise {
    KeptPromise {
        number: promise.number.reveal().to_owned(),
        name: promise.caller.name.clone(),
        dialled: promise.dialled.clone(),
        language: promise.tongue.clone(),
    }
}

/// The promise that came with a place, if there was one and its queue is there. `next` names the call that keeps it.
pub(in crate::switchboard) fn promise_again(
    flows: &FlowSet,
    day: Day,
    kept: &KeptPlace,
    next: CallId,
) -> Option<Promise> {
    let promise = kept.promise.as_ref()?;
    let spec = flows.queues.iter().find(|queue| queue.name == kept.queue)?;
    let number = PhoneNumber::new(promise.number.clone());
    let place = Place {
        entry: EntryId(kept.entry),
        queue: kept.queue.clone(),
        music: spec.music.clone(),
        together: spec.music_together,
        alert_info: spec.alert_info.clone(),
        skills: kept.skills.iter().map(|(skill, _)| skill.clone()).collect(),
        relax_after: spec.relax_after,
        prefer: None,
        priority: kept.priority,
        since: Some(day.moment(kept.place_time)),
        told: acd::Told::default(),
        kept_for: spec.resume_window,
    };
    let caller = Caller { number: number.clone(), name: promise.name.clone() };
    let (dialled, tongue) = (promise.dialled.clone(), promise.language.clone());
    Some(Promise { place, caller, number, dialled, tongue, of: None, next, attempt: None })
}

impl Queues {
    pub(in crate::switchboard) fn place_to_keep(&self, day: Day, kept: acd::KeptEntry) -> KeptPlace {
        let skills = |skills: &Skills| skills.levels().map(|(skill, level)| (self.skill_name(skill), level)).collect();
        let wait = |(at, wait): (Moment, SpokenWait)| {
            let minutes = if let SpokenWait::Minutes(minutes) = wait { minutes } else { 0 };
            (day.time(at), minutes)
        };
        KeptPlace {
            entry: kept.entry.0,
            queue: self.queue_name(kept.queue),
            label: kept.label.0,
            priority: kept.priority.0,
            place_time: day.time(kept.place_time),
            entered: day.time(kept.entered),
            mode: match kept.mode {
                Mode::Holding => KeptMode::Holding,
                Mode::Callback => KeptMode::Callback,
                Mode::Resumed => KeptMode::Resumed,
            },
            mode_since: day.time(kept.mode_since),
            stage: match kept.stage {
                KeptStage::Waiting => KeptPlaceStage::Waiting,
                KeptStage::Resting(until) => KeptPlaceStage::Resting(day.time(until)),
                KeptStage::Dialling => KeptPlaceStage::Dialling,
                KeptStage::Dropped(at) => KeptPlaceStage::Dropped(day.time(at)),
            },
            skills: skills(&kept.wants.at_first),
            later: kept.wants.later.iter().map(|(after, wanted)| (micros(*after), skills(wanted))).collect(),
            relaxed: kept.relaxed,
            counted: kept.counted,
            position: kept.position,
            announced: kept.announced.map(|moment| day.time(moment)),
            wait: kept.wait.map(wait),
            first_wait: kept.first_wait.map(wait),
            tries: kept.tries,
            called_back: kept.called_back,
            promise: self.book.get(&kept.entry).and_then(|booked| booked.promise.as_deref()).map(promise_to_keep),
        }
    }

    pub(in crate::switchboard) fn place_again(&mut self, day: Day, kept: &KeptPlace) -> acd::KeptEntry {
        let wait = |(at, minutes): (WallTime, u32)| {
            let wait = if minutes == 0 { SpokenWait::MoreThanTwenty } else { SpokenWait::Minutes(minutes) };
            (day.moment(at), wait)
        };
        let at_first = self.skills_again(&kept.skills);
        let later = kept.later.iter();
        let later = later.map(|(after, wanted)| (Duration::from_micros(*after), self.skills_again(wanted))).collect();
        acd::KeptEntry {
            entry: EntryId(kept.entry),
            queue: self.queue_of(&kept.queue),
            label: CallerLabel(kept.label),
            priority: Priority(kept.priority),
            place_time: day.moment(kept.place_time),
            entered: day.moment(kept.entered),
            mode: match kept.mode {
                KeptMode::Holding => Mode::Holding,
                KeptMode::Callback => Mode::Callback,
                KeptMode::Resumed => Mode::Resumed,
            },
            mode_since: day.moment(kept.mode_since),
            stage: match kept.stage {
                KeptPlaceStage::Waiting => KeptStage::Waiting,
                KeptPlaceStage::Resting(until) => KeptStage::Resting(day.moment(until)),
                KeptPlaceStage::Dialling => KeptStage::Dialling,
                KeptPlaceStage::Dropped(at) => KeptStage::Dropped(day.moment(at)),
            },
            wants: Wants { at_first, later },
            relaxed: kept.relaxed,
            counted: kept.counted,
            position: kept.position,
            announced: kept.announced.map(|time| day.moment(time)),
            wait: kept.wait.map(wait),
            first_wait: kept.first_wait.map(wait),
            tries: kept.tries,
            called_back: kept.called_back,
        }
    }

    fn skills_again(&mut self, kept: &[(Arc<str>, u8)]) -> Skills {
        Skills::new(kept.iter().map(|(skill, level)| (self.skill_of(skill), *level)))
    }

    pub(in crate::switchboard) fn agent_to_keep(&self, day: Day, kept: acd::KeptAgent) -> KeptAgent {
        let spent = AgentState::ALL.into_iter().map(|state| (state.name().into(), micros(kept.figures.spent(state))));
        KeptAgent {
            extension: self.extension(kept.agent),
            presence: match kept.presence {
                KeptPresence::LoggedOut => KeptWish::LoggedOut,
                KeptPresence::Ready => KeptWish::Ready,
                KeptPresence::Paused(PauseReason::Said(reason)) => KeptWish::Paused(reason),
                KeptPresence::Paused(PauseReason::Missed) => KeptWish::Missed,
            },
            signed_off: self.signed_off.contains(&kept.agent),
            misses: kept.misses,
            rests_until: kept.rests_until.map(|until| day.time(until)),
            idle_since: day.time(kept.idle_since),
            calls: kept.calls,
            talk: micros(kept.talk),
            state: kept.state.name().into(),
            state_since: day.time(kept.state_since),
            spent: spent.filter(|(_, time)| *time > 0).collect(),
            handling: kept.handling.map(|call| KeptCall {
                entry: call.entry.0,
                queue: self.queue_name(call.queue),
                talk: micros(call.talk),
                hold: micros(call.hold),
                wrap_up: micros(call.wrap_up),
                phase: match call.phase {
                    KeptPhase::Talking(since) => KeptCallPhase::Talking(day.time(since)),
                    KeptPhase::Holding(since) => KeptCallPhase::Holding(day.time(since)),
                    KeptPhase::Owed(length) => KeptCallPhase::Owed(micros(length)),
                    KeptPhase::WrapUp { since, until } => KeptCallPhase::WrapUp(day.time(since), day.time(until)),
                },
            }),
        }
    }

    pub(in crate::switchboard) fn agent_again(&mut self, day: Day, kept: &KeptAgent) -> acd::KeptAgent {
        let state = |name: &str| AgentState::ALL.into_iter().find(|state| state.name() == name);
        let mut figures = AgentFigures::default();
        for (name, spent) in &kept.spent {
            if let Some(state) = state(name) {
                figures.spend(state, Duration::from_micros(*spent));
            }
        }
        acd::KeptAgent {
            agent: self.agent_of(&kept.extension),
            presence: match &kept.presence {
                KeptWish::LoggedOut => KeptPresence::LoggedOut,
                KeptWish::Ready => KeptPresence::Ready,
                KeptWish::Paused(reason) => KeptPresence::Paused(PauseReason::Said(reason.clone())),
                KeptWish::Missed => KeptPresence::Paused(PauseReason::Missed),
            },
            misses: kept.misses,
            rests_until: kept.rests_until.map(|until| day.moment(until)),
            idle_since: day.moment(kept.idle_since),
            calls: kept.calls,
            talk: Duration::from_micros(kept.talk),
            state: state(&kept.state).unwrap_or(AgentState::LoggedOut),
            state_since: day.moment(kept.state_since),
            figures,
            handling: kept.handling.as_ref().map(|call| acd::KeptHandling {
                entry: EntryId(call.entry),
                queue: self.queue_of(&call.queue),
                talk: Duration::from_micros(call.talk),
                hold: Duration::from_micros(call.hold),
                wrap_up: Duration::from_micros(call.wrap_up),
                phase: match call.phase {
                    KeptCallPhase::Talking(since) => KeptPhase::Talking(day.moment(since)),
                    KeptCallPhase::Holding(since) => KeptPhase::Holding(day.moment(since)),
                    KeptCallPhase::Owed(length) => KeptPhase::Owed(Duration::from_micros(length)),
                    KeptCallPhase::WrapUp(since, until) => {
                        KeptPhase::WrapUp { since: day.moment(since), until: day.moment(until) }
                    }
                },
            }),
        }
    }

    pub(in crate::switchboard) fn queue_to_keep(&self, day: Day, kept: acd::KeptQueue) -> KeptQueue {
        let figures = kept.figures;
        let outcomes = Outcome::ALL.into_iter().map(|outcome| (outcome.name().into(), figures.outcome(outcome)));
        let past = kept.past.into_iter().map(|PastPiece { since, handled, calls, answered, abandoned }| {
            (day.time(since), micros(handled), calls, answered, abandoned)
        });
        KeptQueue {
            name: self.queue_name(kept.queue),
            outcomes: outcomes.filter(|(_, count)| *count > 0).collect(),
            service: levels(&figures.service),
            answered_wait: micros(figures.answered_wait),
            handled: figures.handled,
            talk: micros(figures.talk),
            hold: micros(figures.hold),
            wrap_up: micros(figures.wrap_up),
            last_offered: kept.last_offered.map(|agent| self.extension(agent)),
            past: past.collect(),
            last_answered: kept.last_answered.map(|(at, wait)| (day.time(at), micros(wait))),
        }
    }

    pub(in crate::switchboard) fn queue_again(&mut self, day: Day, kept: &KeptQueue) -> acd::KeptQueue {
        let mut figures = QueueFigures {
            service: levels_again(&kept.service),
            answered_wait: Duration::from_micros(kept.answered_wait),
            handled: kept.handled,
            talk: Duration::from_micros(kept.talk),
            hold: Duration::from_micros(kept.hold),
            wrap_up: Duration::from_micros(kept.wrap_up),
            ..QueueFigures::default()
        };
        for outcome in Outcome::ALL {
            figures.outcomes[outcome as usize] = kept.outcomes.get(outcome.name()).copied().unwrap_or(0);
        }
        figures.entered = figures.ended();
        let past = kept.past.iter().map(|(since, handled, calls, answered, abandoned)| PastPiece {
            since: day.moment(*since),
            handled: Duration::from_micros(*handled),
            calls: *calls,
            answered: *answered,
            abandoned: *abandoned,
        });
        acd::KeptQueue {
            queue: self.queue_of(&kept.name),
            figures,
            last_offered: kept.last_offered.as_ref().map(|extension| self.agent_of(extension)),
            past: past.collect(),
            last_answered: kept.last_answered.map(|(at, wait)| (day.moment(at), Duration::from_micros(wait))),
        }
    }
}

fn levels(counts: &LevelCounts) -> BTreeMap<Arc<str>, u64> {
    let LevelCounts { answered, abandoned, taken_out, late, short_abandoned, left, to_callback } = *counts;
    [
        ("answered", answered),
        ("abandoned", abandoned),
        ("taken_out", taken_out),
        ("late", late),
        ("short_abandoned", short_abandoned),
        ("left", left),
        ("to_callback", to_callback),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(name, count)| (name.into(), count))
    .collect()
}

fn levels_again(kept: &BTreeMap<Arc<str>, u64>) -> LevelCounts {
    let count = |name: &str| kept.get(name).copied().unwrap_or(0);
    LevelCounts {
        answered: count("answered"),
        abandoned: count("abandoned"),
        taken_out: count("taken_out"),
        late: count("late"),
        short_abandoned: count("short_abandoned"),
        left: count("left"),
        to_callback: count("to_callback"),
    }
}
