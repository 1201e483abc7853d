//! The figures of messages and recordings.

use prometheus::{Counter, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::registered;
use crate::journal::TapeEvent;
use crate::telephony::{MediaTally, TapeKind};

/// Samples a second.
const RATE: f64 = 8_000.0;
/// How a message went, as the label `outcome` has it.
pub(super) const MESSAGE_OUTCOMES: [&str; 3] = ["left", "empty", "dropped"];

pub(super) struct TapeMetrics {
    pub(super) messages: IntCounterVec,
    pub(super) waiting: IntGaugeVec,
    recordings: IntCounter,
    recordings_active: IntGauge,
    failures: IntCounterVec,
    seconds: Counter,
    lost: Counter,
    mail: IntCounterVec,
}

/// What became of a message that was mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailResult {
    /// The server took it.
    Sent,
    /// It did not, and is tried again.
    Failed,
    /// It is tried no more.
    GivenUp,
}

impl MailResult {
    const fn word(self) -> &'static str {
        match self {
            MailResult::Sent => "sent",
            MailResult::Failed => "failed",
            MailResult::GivenUp => "given_up",
        }
    }
}

/// Counts mail, from any thread.
#[derive(Clone)]
pub struct MailCounts(IntCounterVec);

impl MailCounts {
    /// Counts one try.
    pub fn count(&self, result: MailResult) {
        self.0.with_label_values(&[result.word()]).inc();
    }
}

impl TapeMetrics {
    pub(super) fn new(registry: &Registry) -> TapeMetrics {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels).expect("the name is right");
            registered(registry, counters)
        };
        let seconds =
            |name: &str, help: &str| registered(registry, Counter::new(name, help).expect("the name is right"));
        let metrics = TapeMetrics {
            messages: counters(
                "helpline_voicemail_messages_total",
                "Messages to a mailbox, by how they went.",
                &["mailbox", "outcome"],
            ),
            waiting: registered(
                registry,
                IntGaugeVec::new(
                    Opts::new("helpline_voicemail_waiting", "Messages in a mailbox, new or heard."),
                    &["mailbox", "state"],
                )
                .expect("the name is right"),
            ),
            recordings: registered(
                registry,
                IntCounter::new("helpline_recordings_total", "Recordings of calls that were begun.")
                    .expect("the name is right"),
            ),
            recordings_active: registered(
                registry,
                IntGauge::new("helpline_recordings_active", "Calls that are recorded now.").expect("the name is right"),
            ),
            failures: counters(
                "helpline_tape_failures_total",
                "Messages and recordings that could not be written, or not to their end.",
                &["kind"],
            ),
            seconds: seconds("helpline_tape_seconds_total", "Seconds of audio that were recorded."),
            lost: seconds(
                "helpline_tape_lost_seconds_total",
                "Seconds of audio that could not be written in time, with silence in their place.",
            ),
            mail: counters("helpline_voicemail_mail_total", "Tries to mail a message, by how they went.", &["result"]),
        };
        for kind in [TapeKind::Message, TapeKind::Conversation] {
            metrics.failures.with_label_values(&[kind.word()]);
        }
        for result in [MailResult::Sent, MailResult::Failed, MailResult::GivenUp] {
            metrics.mail.with_label_values(&[result.word()]);
        }
        metrics
    }

    pub(super) fn mail_counts(&self) -> MailCounts {
        MailCounts(self.mail.clone())
    }

    pub(super) fn wait(&self, mailbox: &str, new: u32, old: u32) {
        self.waiting.with_label_values(&[mailbox, "new"]).set(i64::from(new));
        self.waiting.with_label_values(&[mailbox, "heard"]).set(i64::from(old));
    }

    pub(super) fn count(&self, tally: &MediaTally) {
        self.seconds.inc_by(tally.taped as f64 / RATE);
        self.lost.inc_by(tally.taped_lost as f64 / RATE);
    }

    pub(super) fn fold(&self, event: &TapeEvent) {
        let count = |mailbox: &str, outcome: &str| self.messages.with_label_values(&[mailbox, outcome]).inc();
        match event {
            TapeEvent::MessageLeft { mailbox, .. } => count(mailbox, "left"),
            TapeEvent::MessageEmpty { mailbox } => count(mailbox, "empty"),
            TapeEvent::MessageDropped { mailbox } => count(mailbox, "dropped"),
            TapeEvent::RecordingBegan { .. } => {
                self.recordings.inc();
                self.recordings_active.inc();
            }
            TapeEvent::RecordingEnded { .. } => self.recordings_active.dec(),
            TapeEvent::Failed { kind, running, .. } => {
                self.failures.with_label_values(&[kind.word()]).inc();
                if *kind == TapeKind::Conversation && *running {
                    self.recordings_active.dec();
                }
            }
            TapeEvent::MessageBegan { .. }
            | TapeEvent::MessageHeard { .. }
            | TapeEvent::MessageDeleted { .. }
            | TapeEvent::RecordingPaused { .. } => {}
        }
    }
}
