//! What a story says of messages and recordings.

use serde_json::json;

use super::Told;
use crate::journal::TapeEvent;

pub(super) fn tell_tape(event: &TapeEvent) -> Told {
    match event {
        TapeEvent::MessageBegan { mailbox } => {
            ("message_began", format!("Hears the tone of the mailbox {mailbox}"), json!({"mailbox": mailbox}))
        }
        TapeEvent::MessageLeft { mailbox, name, report } => (
            "message_left",
            format!("Leaves a message in the mailbox {mailbox}"),
            json!({
                "mailbox": mailbox,
                "message": name,
                "duration": report.length.as_secs_f64(),
                "end": report.end.word(),
                "lost": report.lost.as_secs_f64(),
            }),
        ),
        TapeEvent::MessageEmpty { mailbox } => {
            ("message_empty", "Says nothing after the tone".to_owned(), json!({"mailbox": mailbox}))
        }
        TapeEvent::MessageDropped { mailbox } => {
            ("message_dropped", "Wants to leave another message".to_owned(), json!({"mailbox": mailbox}))
        }
        TapeEvent::RecordingBegan { name } => {
            ("recording_began", "The call is recorded from here on".to_owned(), json!({"recording": name}))
        }
        TapeEvent::RecordingPaused { paused: true, by } => {
            ("recording_paused", "The recording is paused".to_owned(), json!({"by": by}))
        }
        TapeEvent::RecordingPaused { paused: false, by } => {
            ("recording_resumed", "The recording goes on".to_owned(), json!({"by": by}))
        }
        TapeEvent::RecordingEnded { name, report } => (
            "recording_ended",
            "The call is recorded no more".to_owned(),
            json!({
                "recording": name,
                "duration": report.length.as_secs_f64(),
                "lost": report.lost.as_secs_f64(),
            }),
        ),
        TapeEvent::MessageHeard { mailbox, name } => (
            "message_heard",
            format!("Hears a message of the mailbox {mailbox}"),
            json!({"mailbox": mailbox, "message": name}),
        ),
        TapeEvent::MessageDeleted { mailbox, name } => (
            "message_deleted",
            format!("Deletes a message of the mailbox {mailbox}"),
            json!({"mailbox": mailbox, "message": name}),
        ),
        TapeEvent::Failed { kind, name, reason, .. } => {
            let kind = kind.word();
            (
                "tape_failed",
                format!("The {kind} could not be written: {reason}"),
                json!({"kind": kind, kind: name, "reason": reason}),
            )
        }
    }
}
