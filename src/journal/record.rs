//! The record of a call: the fold of its entries, complete when it has ended.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{
    Dialled, Ended, JournalEntry, JournalEvent, Offered, Outcome, QueueEvent, RecordedSurvey, StepName, TapeEvent,
    cause, shown_exit,
};
use crate::clock::{Calendar, Moment};
use crate::telephony::{CallId, Codec, DigitSource};

/// As many steps of one call are recorded; what follows is only counted.
pub const STEPS_RECORDED_MAX: usize = 200;

/// As many conversations with agents are recorded of one call.
pub const CONVERSATIONS_RECORDED_MAX: usize = 50;

/// As many waits in queues are recorded of one call.
pub const WAITS_RECORDED_MAX: usize = 50;

/// As many messages, and recordings, are recorded of one call.
pub const TAPES_RECORDED_MAX: usize = 20;

/// Of a call that goes on for longer it is written down how far it has come, in case that the process dies.
pub const SO_FAR_AFTER: Duration = Duration::from_secs(5);

/// As many calls are given together, ...
const SO_FAR_AT_ONCE: usize = 32;
/// ... and others no sooner than after this: what has to be written at once takes the processor from no packet.
const SO_FAR_PAUSE: Duration = Duration::from_millis(100);

/// Why a call ended that went on when the process died (`kill -9`, a power cut).
pub const PROCESS_LOST: &str = "process_lost";

/// One call's record. Numbers are whole here: whoever keeps records keeps them safe.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallRecord {
    /// The call's name.
    pub id: String,
    /// `inbound`, or `outbound` for one that Helpline made.
    pub direction: &'static str,
    /// Its Call-ID in SIP, to find it in a capture; empty for one that Helpline made.
    pub sip_call_id: String,
    /// Who called, or was called back; empty when withheld.
    pub caller: String,
    /// The name that the caller's side sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_name: Option<String>,
    /// What was dialled: by the caller, also where this is the call back.
    pub dialled: String,
    /// The call in which the caller asked for this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_of: Option<String>,
    /// The trunk that made the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trunk: Option<Arc<str>>,
    /// The flow that answered.
    pub flow: Option<Arc<str>>,
    /// Where the INVITE came from; none for one that Helpline sent.
    pub source: Option<SocketAddr>,
    /// `UDP` or `TCP`, of an INVITE that came.
    pub transport: Option<String>,
    /// When the INVITE came or was sent, RFC 3339.
    pub started: String,
    /// From the INVITE to the end, in seconds.
    pub duration_seconds: f64,
    /// How it is counted.
    pub outcome: &'static str,
    /// Why the leg ended.
    pub cause: &'static str,
    /// The codec last agreed on.
    pub codec: Option<&'static str>,
    /// The steps in the order in which they were entered, the first [`STEPS_RECORDED_MAX`].
    pub steps: Vec<RecordedStep>,
    /// How many steps were entered in all.
    pub steps_entered: u32,
    /// Keys by how they came.
    pub digits: RecordedDigits,
    /// How often the caller put us on hold.
    pub holds: u32,
    /// Recordings that were missing.
    pub prompts_missing: u32,
    /// The waits in queues, the first [`WAITS_RECORDED_MAX`].
    pub waits: Vec<RecordedWait>,
    /// The conversations with agents, the first [`CONVERSATIONS_RECORDED_MAX`].
    pub conversations: Vec<RecordedConversation>,
    /// What the caller was asked, and has answered, the first [`super::SURVEYS_RECORDED_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surveys: Vec<RecordedSurvey>,
    /// The messages that the caller left, the first [`TAPES_RECORDED_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<RecordedTape>,
    /// The recordings of the call, the first [`TAPES_RECORDED_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recordings: Vec<RecordedTape>,
    /// Messages and recordings that could not be written, not to their end, or not be kept.
    #[serde(skip_serializing_if = "is_none")]
    pub tapes_failed: u32,
    /// The audio, when it was open.
    pub audio: Option<RecordedAudio>,
}

fn is_none(count: &u32) -> bool {
    *count == 0
}

/// A message that the caller left, or a recording of the call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedTape {
    /// Its name, as the API has it.
    pub id: String,
    /// The mailbox, of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<Arc<str>>,
    /// Its length in seconds.
    pub duration_seconds: f64,
}

/// A step of a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedStep {
    /// The flow.
    pub flow: Arc<str>,
    /// The step.
    pub step: Arc<str>,
    /// When it was entered, in seconds from the INVITE.
    pub entered_seconds: f64,
    /// How it was left. Of a choice only that it was one: the step that follows tells which, and no record tells a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Arc<str>>,
}

/// A caller's conversation with an agent: a segment that is complete when the next begins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedConversation {
    /// The agent's extension.
    pub agent: Arc<str>,
    /// The queue that brought them together; absent where one dialled the other, or was passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Arc<str>>,
    /// The extension of the agent who passed the caller on, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transferred_by: Option<Arc<str>>,
    /// The wait before it, from the place time, in seconds.
    pub waited_seconds: f64,
    /// When it began, in seconds from the INVITE.
    pub began_seconds: f64,
    /// In conversation, in seconds.
    pub talk_seconds: f64,
    /// Held by either side, in seconds.
    pub hold_seconds: f64,
    /// Who or what ended it: `caller`, `agent`, `transferred` or `broken`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<&'static str>,
}

/// A caller's wait in a queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedWait {
    /// The queue.
    pub queue: Arc<str>,
    /// When they entered it (or were back at their place), in seconds from the INVITE.
    pub entered_seconds: f64,
    /// How it ended: `answered`, `abandoned`, ...; none where the place is kept and goes on without this call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// The wait since they entered, in seconds, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<f64>,
}

/// Keys by how they came; never which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecordedDigits {
    /// RFC 4733.
    pub rtp: u32,
    /// SIP INFO.
    pub info: u32,
    /// Tones in the audio.
    pub inband: u32,
}

/// What was measured of the audio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RecordedAudio {
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets received.
    pub packets_received: u64,
    /// The caller's packets that never arrived.
    pub packets_lost: u64,
    /// Jitter of the caller's audio in milliseconds.
    pub jitter_ms: f64,
    /// Share of our packets that the caller's side reported lost, 0 to 1.
    pub remote_loss: Option<f64>,
    /// Jitter that the caller's side reported, in milliseconds.
    pub remote_jitter_ms: Option<f64>,
    /// Round trip in milliseconds.
    pub round_trip_ms: Option<f64>,
}

/// The records of the calls in progress. Bounded by the calls in progress.
#[derive(Debug, Default)]
pub struct Records {
    open: BTreeMap<CallId, Open>,
    /// When some are to be written down as they stand.
    so_far_at: Option<Moment>,
    /// Not before this.
    so_far_rests: Moment,
    /// Of them this was the last; those after it come first.
    so_far_last: Option<CallId>,
}

#[derive(Debug)]
struct Open {
    since: Moment,
    record: Box<CallRecord>,
    /// When it is to be written down how far it has come: nothing has changed since it was, if it is not.
    due: Option<Moment>,
    /// Not before this.
    rests_until: Moment,
}

impl Records {
    /// Takes an entry; the record of a call that it ended comes back. `calendar` tells the time of day.
    pub fn fold(&mut self, entry: &JournalEntry, calendar: Calendar) -> Option<Box<CallRecord>> {
        let call = entry.call?;
        match &entry.event {
            JournalEvent::Offered(offered) => {
                self.begin(call, entry.at, begun(call, offered, entry.at, calendar));
                None
            }
            JournalEvent::Dialled(dialled) => {
                self.begin(call, entry.at, dialled_record(call, dialled, entry.at, calendar));
                None
            }
            JournalEvent::Ended(ended) => {
                let mut open = self.open.remove(&call)?;
                open.end(ended);
                Some(open.record)
            }
            event => {
                if let Some(open) = self.open.get_mut(&call) {
                    open.note(entry.at, event);
                    let due = *open.due.get_or_insert(open.rests_until.max(entry.at));
                    self.wake_by(due);
                }
                None
            }
        }
    }

    fn begin(&mut self, call: CallId, at: Moment, record: Box<CallRecord>) {
        let due = at + SO_FAR_AFTER;
        self.open.insert(call, Open { since: at, record, due: Some(due), rests_until: due });
        self.wake_by(due);
    }

    fn wake_by(&mut self, at: Moment) {
        let at = at.max(self.so_far_rests);
        self.so_far_at = Some(self.so_far_at.map_or(at, |before| before.min(at)));
    }

    /// When [`Records::so_far`] is to be asked next.
    pub fn so_far_due(&self) -> Option<Moment> {
        self.so_far_at
    }

    /// How far some of those calls have come that have gone on for [`SO_FAR_AFTER`], and of which something has changed since
    /// they were given here, as long ago at least; `now` is when they are. Others may be due soon after.
    pub fn so_far(&mut self, now: Moment) -> Vec<CallRecord> {
        if self.so_far_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let (last, is_due) = (self.so_far_last.unwrap_or(CallId(0)), |(_, open): &(&CallId, &Open)| {
            open.due.is_some_and(|due| due <= now)
        });
        let in_turn = self.open.range((Bound::Excluded(last), Bound::Unbounded)).chain(self.open.range(..=last));
        let calls: Vec<CallId> = in_turn.filter(is_due).map(|(call, _)| *call).take(SO_FAR_AT_ONCE).collect();
        let mut given = Vec::with_capacity(calls.len());
        for call in calls {
            self.so_far_last = Some(call);
            let Some(open) = self.open.get_mut(&call) else { continue };
            (open.due, open.rests_until) = (None, now + SO_FAR_AFTER);
            let duration_seconds = now.since(open.since).as_secs_f64();
            given.push(CallRecord { duration_seconds, ..(*open.record).clone() });
        }
        let next = self.open.values().filter_map(|open| open.due).min();
        self.so_far_rests = now + SO_FAR_PAUSE;
        self.so_far_at = next.map(|next| next.max(self.so_far_rests));
        given
    }

    /// How many calls are in progress.
    pub fn open(&self) -> usize {
        self.open.len()
    }
}

fn dialled_record(call: CallId, dialled: &Dialled, at: Moment, calendar: Calendar) -> Box<CallRecord> {
    Box::new(CallRecord {
        direction: "outbound",
        caller: dialled.party.number.reveal().to_owned(),
        caller_name: dialled.party.name.clone(),
        dialled: dialled.shown.clone(),
        callback_of: dialled.callback_of.map(|call| call.to_string()),
        trunk: dialled.trunk.clone(),
        ..blank(call, at, calendar)
    })
}

fn begun(call: CallId, offered: &Offered, at: Moment, calendar: Calendar) -> Box<CallRecord> {
    Box::new(CallRecord {
        sip_call_id: offered.sip_call_id.clone(),
        caller: offered.caller.number.reveal().to_owned(),
        caller_name: offered.caller.name.clone(),
        dialled: offered.dialled.clone(),
        flow: offered.flow.clone(),
        source: Some(offered.source),
        transport: Some(offered.transport.to_string()),
        ..blank(call, at, calendar)
    })
}

/// The record of a call of which nothing is known but when it began.
pub fn blank(call: CallId, at: Moment, calendar: Calendar) -> CallRecord {
    CallRecord {
        id: call.to_string(),
        direction: "inbound",
        sip_call_id: String::new(),
        caller: String::new(),
        caller_name: None,
        dialled: String::new(),
        callback_of: None,
        trunk: None,
        flow: None,
        source: None,
        transport: None,
        started: calendar.time_of(at).to_string(),
        duration_seconds: 0.0,
        outcome: Outcome::Failed.label(),
        cause: "",
        codec: None,
        steps: Vec::new(),
        steps_entered: 0,
        digits: RecordedDigits::default(),
        holds: 0,
        prompts_missing: 0,
        tapes_failed: 0,
        waits: Vec::new(),
        conversations: Vec::new(),
        surveys: Vec::new(),
        messages: Vec::new(),
        recordings: Vec::new(),
        audio: None,
    }
}

impl Open {
    fn note_queue(&mut self, at: Moment, event: &QueueEvent) {
        let waits = &mut self.record.waits;
        let has_room = waits.len() < WAITS_RECORDED_MAX;
        match event {
            QueueEvent::Entered { queue, .. } if has_room => waits.push(RecordedWait {
                queue: queue.clone(),
                entered_seconds: at.since(self.since).as_secs_f64(),
                outcome: None,
                wait_seconds: None,
            }),
            QueueEvent::Left { queue, outcome, wait, .. } => {
                let open = waits.iter_mut().rev().find(|open| open.queue == *queue && open.outcome.is_none());
                let wait = Some(wait.as_secs_f64());
                match open {
                    Some(open) => (open.outcome, open.wait_seconds) = (Some(*outcome), wait),
                    // They had their place from an earlier call.
                    None if has_room => waits.push(RecordedWait {
                        queue: queue.clone(),
                        entered_seconds: 0.0,
                        outcome: Some(*outcome),
                        wait_seconds: wait,
                    }),
                    None => {}
                }
            }
            _ => {}
        }
    }

    fn note_tape(&mut self, event: &TapeEvent) {
        if let TapeEvent::Failed { .. } = event {
            self.record.tapes_failed = self.record.tapes_failed.saturating_add(1);
        }
        let (tapes, id, mailbox, report) = match event {
            TapeEvent::MessageLeft { mailbox, name, report } => {
                (&mut self.record.messages, name, Some(mailbox.clone()), report)
            }
            TapeEvent::RecordingEnded { name, report } if !report.empty => {
                (&mut self.record.recordings, name, None, report)
            }
            _ => return,
        };
        if tapes.len() < TAPES_RECORDED_MAX {
            tapes.push(RecordedTape { id: id.clone(), mailbox, duration_seconds: report.length.as_secs_f64() });
        }
    }

    fn note(&mut self, at: Moment, event: &JournalEvent) {
        let record = &mut self.record;
        match event {
            JournalEvent::Answered { codec, .. } => record.codec = codec.map(Codec::encoding),
            JournalEvent::AudioChanged { codec } => record.codec = Some(codec.encoding()),
            JournalEvent::StepEntered(StepName { flow, step }) => {
                record.steps_entered += 1;
                if record.steps.len() < STEPS_RECORDED_MAX {
                    record.steps.push(RecordedStep {
                        flow: flow.clone(),
                        step: step.clone(),
                        entered_seconds: at.since(self.since).as_secs_f64(),
                        exit: None,
                    });
                }
            }
            JournalEvent::StepLeft { step, exit } => {
                let left = record.steps.iter_mut().rev().find(|recorded| {
                    recorded.exit.is_none() && recorded.step == step.step && recorded.flow == step.flow
                });
                if let Some(left) = left {
                    left.exit = Some(shown_exit(exit).into());
                }
            }
            JournalEvent::Digit { source } => {
                let count = match source {
                    DigitSource::Rtp => &mut record.digits.rtp,
                    DigitSource::Info => &mut record.digits.info,
                    DigitSource::Inband => &mut record.digits.inband,
                };
                *count = count.saturating_add(1);
            }
            JournalEvent::Joined(joined) if record.conversations.len() < CONVERSATIONS_RECORDED_MAX => {
                record.conversations.push(RecordedConversation {
                    agent: joined.agent.clone(),
                    queue: joined.queue.clone(),
                    transferred_by: joined.from.clone(),
                    waited_seconds: joined.waited.as_secs_f64(),
                    began_seconds: at.since(self.since).as_secs_f64(),
                    talk_seconds: 0.0,
                    hold_seconds: 0.0,
                    ended_by: None,
                });
            }
            JournalEvent::Parted(parted) => {
                let open = record.conversations.last_mut().filter(|last| last.ended_by.is_none());
                if let Some(last) = open {
                    last.talk_seconds = parted.talk.as_secs_f64();
                    last.hold_seconds = parted.hold.as_secs_f64();
                    last.ended_by = Some(parted.by);
                }
            }
            JournalEvent::Queue(event) => self.note_queue(at, event),
            JournalEvent::Tape(event) => self.note_tape(event),
            JournalEvent::Survey(event) => {
                let began = at.since(self.since);
                RecordedSurvey::note(&mut record.surveys, began, event);
            }
            JournalEvent::Held => record.holds = record.holds.saturating_add(1),
            JournalEvent::PromptMissing { .. } => {
                record.prompts_missing = record.prompts_missing.saturating_add(1);
            }
            _ => {}
        }
    }

    fn end(&mut self, ended: &Ended) {
        let record = &mut self.record;
        record.duration_seconds = ended.duration.as_secs_f64();
        record.outcome = ended.outcome.label();
        record.cause = cause(ended.cause);
        record.audio = ended.report.map(|report| RecordedAudio {
            packets_sent: report.packets_sent,
            packets_received: report.packets_received,
            packets_lost: report.packets_lost,
            jitter_ms: report.jitter_ms,
            remote_loss: report.remote_loss,
            remote_jitter_ms: report.remote_jitter_ms,
            round_trip_ms: report.round_trip_ms,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::journal::{SurveyEvent, SurveyNews};
    use crate::telephony::{Caller, Cause, PhoneNumber, StreamReport, TransportKind};

    fn offered() -> JournalEvent {
        JournalEvent::Offered(Box::new(Offered {
            caller: Caller { number: PhoneNumber::new("+442079460123"), name: None },
            dialled: "1000".into(),
            flow: Some("main".into()),
            source: "192.0.2.7:5060".parse().expect("an address"),
            transport: TransportKind::Udp,
            sip_call_id: "a@b".into(),
        }))
    }

    fn step(name: &str) -> StepName {
        StepName { flow: "main".into(), step: name.into() }
    }

    #[test]
    fn the_record_of_a_call_is_complete_when_it_ends() {
        let calendar = Calendar::starting_at("2026-12-18T17:29:00Z".parse().expect("a time"));
        let mut records = Records::default();
        let ended = Ended {
            outcome: Outcome::HungUp,
            cause: Cause::RemoteHungUp,
            duration: Duration::from_secs(9),
            report: Some(StreamReport { packets_lost: 3, jitter_ms: 1.5, ..StreamReport::default() }),
        };
        let events = [
            offered(),
            JournalEvent::Answered { codec: Some(Codec::Pcma), port: 16384 },
            JournalEvent::StepEntered(step("welcome")),
            JournalEvent::StepLeft { step: step("welcome"), exit: "next".into() },
            JournalEvent::StepEntered(step("main")),
            JournalEvent::Digit { source: DigitSource::Info },
            JournalEvent::Held,
            JournalEvent::Ended(Box::new(ended)),
        ];
        let mut complete = None;
        for (second, event) in events.into_iter().enumerate() {
            assert!(complete.is_none());
            let at = Moment::from_millis(second as u64 * 1000);
            complete = records.fold(&JournalEntry { at, call: Some(CallId(1)), event }, calendar);
        }
        let record = serde_json::to_value(complete.expect("the call has ended")).expect("it is plain data");
        assert_eq!(records.open(), 0);
        for (pointer, expected) in [
            ("/id", serde_json::json!("c1")),
            ("/started", serde_json::json!("2026-12-18T17:29:00Z")),
            ("/caller", serde_json::json!("+442079460123")),
            ("/outcome", serde_json::json!("hung_up")),
            ("/codec", serde_json::json!("PCMA")),
            ("/steps/0/exit", serde_json::json!("next")),
            ("/steps/1/entered_seconds", serde_json::json!(4.0)),
            ("/digits/info", serde_json::json!(1)),
            ("/holds", serde_json::json!(1)),
            ("/audio/packets_lost", serde_json::json!(3)),
            ("/audio/jitter_ms", serde_json::json!(1.5)),
        ] {
            assert_eq!(record.pointer(pointer), Some(&expected), "{pointer} of {record}");
        }
    }

    #[test]
    fn long_calls_are_given_as_they_stand_once_for_each_change() {
        let calendar = Calendar::starting_at(jiff::Timestamp::UNIX_EPOCH);
        let mut records = Records::default();
        let at = Moment::from_millis;
        let fold = |records: &mut Records, call, ms, event| {
            drop(records.fold(&JournalEntry { at: at(ms), call: Some(CallId(call)), event }, calendar));
        };
        let given = |records: &mut Records, ms| -> Vec<(String, f64, u32)> {
            let given = records.so_far(at(ms));
            given.into_iter().map(|record| (record.id, record.duration_seconds, record.steps_entered)).collect()
        };
        assert_eq!(records.so_far_due(), None);
        fold(&mut records, 1, 0, offered());
        fold(&mut records, 1, 100, JournalEvent::StepEntered(step("welcome")));
        fold(&mut records, 2, 2_000, offered());
        assert_eq!(records.so_far_due(), Some(at(5_000)));
        assert_eq!(given(&mut records, 4_999), []);
        assert_eq!(given(&mut records, 5_000), [("c1".into(), 5.0, 1)]);
        assert_eq!(records.so_far_due(), Some(at(7_000)), "the other is too young");
        let ended = Ended {
            outcome: Outcome::HungUp,
            cause: Cause::RemoteHungUp,
            duration: Duration::from_secs(4),
            report: None,
        };
        fold(&mut records, 2, 6_000, JournalEvent::Ended(Box::new(ended)));
        assert_eq!(given(&mut records, 10_000), [], "nothing has changed");
        assert_eq!(records.so_far_due(), None, "and nobody is woken for nothing");
        fold(&mut records, 1, 60_000, JournalEvent::StepEntered(step("main")));
        assert_eq!(records.so_far_due(), Some(at(60_000)));
        assert_eq!(given(&mut records, 60_001), [("c1".into(), 60.001, 2)]);
        fold(&mut records, 1, 60_002, JournalEvent::StepEntered(step("main")));
        assert_eq!(records.so_far_due(), Some(at(65_001)), "no more often than every 5 s");
        assert_eq!(given(&mut records, 65_001), [("c1".into(), 65.001, 3)]);
        assert_eq!(records.so_far_due(), None);
    }

    #[test]
    fn many_calls_are_given_in_turn_and_not_at_once() {
        let calendar = Calendar::starting_at(jiff::Timestamp::UNIX_EPOCH);
        let mut records = Records::default();
        for call in 1..=100 {
            records.fold(&JournalEntry { at: Moment::ZERO, call: Some(CallId(call)), event: offered() }, calendar);
        }
        let mut given = Vec::new();
        let mut rounds = Vec::new();
        while let Some(due) = records.so_far_due() {
            let some: Vec<String> = records.so_far(due).into_iter().map(|record| record.id).collect();
            rounds.push((due, some.len()));
            given.extend(some);
        }
        let times = [5_000, 5_100, 5_200, 5_300].map(Moment::from_millis);
        assert_eq!(rounds, times.into_iter().zip([32, 32, 32, 4]).collect::<Vec<_>>());
        assert_eq!(given, (1..=100).map(|call| format!("c{call}")).collect::<Vec<_>>());
        // Who changes all the time keeps nobody from their turn.
        let mut busy = |now: Moment, calls: std::ops::RangeInclusive<u64>| {
            for call in calls {
                let event = JournalEvent::StepEntered(step("main"));
                records.fold(&JournalEntry { at: now, call: Some(CallId(call)), event }, calendar);
            }
            records.so_far(now).into_iter().map(|record| record.id).collect::<Vec<_>>()
        };
        assert_eq!(busy(Moment::from_millis(20_000), 1..=40).len(), 32);
        assert_eq!(busy(Moment::from_millis(20_050), 1..=40), [""; 0], "what happens meanwhile brings no turn nearer");
        assert_eq!(
            busy(Moment::from_millis(26_000), 1..=40)[..8],
            (33..=40).map(|call| format!("c{call}")).collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_callers_answer_is_recorded_with_whom_they_talked_to() {
        let calendar = Calendar::starting_at(jiff::Timestamp::UNIX_EPOCH);
        let mut records = Records::default();
        let survey = |news| {
            let (queue, agent) = (Some("support".into()), Some("1001".into()));
            JournalEvent::Survey(Box::new(SurveyEvent { step: step("how"), queue, agent, news }))
        };
        let answered =
            |question: &str, score| survey(SurveyNews::Answered { question: question.into(), scale: "csat", score });
        let ended = Ended {
            outcome: Outcome::HungUp,
            cause: Cause::RemoteHungUp,
            duration: Duration::from_secs(9),
            report: None,
        };
        let events = [
            offered(),
            survey(SurveyNews::Offered),
            answered("helped", 4),
            answered("again", 1),
            survey(SurveyNews::Ended { outcome: "partial" }),
            survey(SurveyNews::Offered),
            survey(SurveyNews::Ended { outcome: "unanswered" }),
            JournalEvent::Ended(Box::new(ended)),
        ];
        let mut fold = |event| records.fold(&JournalEntry { at: Moment::ZERO, call: Some(CallId(1)), event }, calendar);
        let record = events.into_iter().filter_map(&mut fold).last().expect("the call has ended");
        let told = serde_json::to_value(&record.surveys).expect("it is plain data");
        let common = serde_json::json!({
            "flow": "main", "step": "how", "queue": "support", "agent": "1001", "began_seconds": 0.0,
            "outcome": "partial", "answers": {"again": 1, "helped": 4},
        });
        assert_eq!(told[0], common);
        assert_eq!((&told[1]["outcome"], &told[1]["answers"]), (&"unanswered".into(), &serde_json::json!({})));
        let without = serde_json::to_value(blank(CallId(1), Moment::ZERO, calendar)).expect("it is plain data");
        assert!(without.get("surveys").is_none(), "who was asked nothing has no word of it");
    }

    #[test]
    fn a_walk_without_end_does_not_fill_the_memory() {
        let calendar = Calendar::starting_at(jiff::Timestamp::UNIX_EPOCH);
        let mut records = Records::default();
        let entry = |event| JournalEntry { at: Moment::ZERO, call: Some(CallId(1)), event };
        records.fold(&entry(offered()), calendar);
        for _ in 0..10 * STEPS_RECORDED_MAX {
            records.fold(&entry(JournalEvent::StepEntered(step("main"))), calendar);
        }
        let open = &records.open[&CallId(1)].record;
        assert_eq!((open.steps.len(), open.steps_entered as usize), (STEPS_RECORDED_MAX, 10 * STEPS_RECORDED_MAX));
    }
}
