//! What is recorded of a call: a message that the caller leaves, or the whole of it with their consent.

use std::sync::Arc;
use std::time::Duration;

use super::{CALL_MAX, Call, Phase};
use crate::flow::SessionInput;
use crate::journal::{JournalEvent, TapeEvent};
use crate::switchboard::{RecordingWish, Turn};
use crate::telephony::{Clip, LegId, MediaCommand, Sides, TapeEnd, TapeId, TapeKind, TapeLabel, TapeOrder, TapeReport};

/// A message that a caller leaves.
#[derive(Debug)]
pub(super) struct Taking {
    tape: TapeId,
    mailbox: Arc<str>,
    /// How it has ended, when it has.
    report: Option<TapeReport>,
}

/// A recording of the call.
#[derive(Debug)]
pub(super) struct Recording {
    tape: TapeId,
    sides: Sides,
    /// The leg whose two sides it has: the caller's, wherever that goes.
    leg: LegId,
    /// Somebody wants silence on it.
    paused: bool,
    /// The caller keys a secret.
    secret: bool,
}

impl Recording {
    fn is_muted(&self) -> bool {
        self.paused || self.secret
    }
}

/// What a message may be.
pub(super) struct MessageOrder {
    pub(super) mailbox: Arc<str>,
    pub(super) longest: Duration,
    pub(super) shortest: Duration,
    pub(super) silence: Duration,
    pub(super) mail: Vec<Arc<str>>,
}

impl Call {
    /// Whether the call, or what is said in it, is on this tape.
    pub(in crate::switchboard) fn has_tape(&self, tape: TapeId) -> bool {
        self.taking.as_ref().is_some_and(|taking| taking.tape == tape)
            || self.recording.as_ref().is_some_and(|recording| recording.tape == tape)
            || self.left == Some(tape)
    }

    /// Whether the call is recorded.
    pub(in crate::switchboard) fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    pub(super) fn take_message(&mut self, turn: &mut Turn<'_>, order: MessageOrder) {
        // A leg has one tape at a time. What is recorded of the call goes on after the message, on another.
        self.settle_message(turn, true);
        let MessageOrder { mailbox, longest, shortest, silence, mail } = order;
        let tape = turn.tape();
        let label = TapeLabel { mailbox: Some(mailbox.clone()), mail, ..self.label(turn) };
        let order = TapeOrder {
            tape,
            kind: TapeKind::Message,
            tone: true,
            sides: Sides::Caller,
            longest,
            silence: Some(silence),
            shortest,
            folder: format!("voicemail/{mailbox}").into(),
            label,
        };
        turn.journal(Some(self.id), tape_event(TapeEvent::MessageBegan { mailbox: mailbox.clone() }));
        (self.taking, self.left) = (Some(Taking { tape, mailbox, report: None }), None);
        turn.media(MediaCommand::Record { leg: self.leg.id, order: Box::new(order) });
    }

    pub(super) fn end_message(&self, turn: &mut Turn<'_>) {
        if let Some(Taking { tape, .. }) = self.taking {
            turn.media(MediaCommand::EndTape { leg: self.leg.id, tape });
        }
    }

    pub(super) fn hear_message(&self, turn: &mut Turn<'_>) {
        if let Some(Taking { tape, .. }) = self.taking {
            turn.media(MediaCommand::ReadTape { leg: self.leg.id, tape, folder: None });
        }
    }

    /// The message is kept or forgotten, if there is one.
    pub(super) fn settle_message(&mut self, turn: &mut Turn<'_>, keep: bool) {
        let Some(taking) = self.taking.take() else { return };
        let (leg, tape) = (self.leg.id, taking.tape);
        let keep = keep && taking.report.is_none_or(|report| !report.empty);
        self.tell_message(turn, &taking, keep);
        self.left = keep.then_some(tape);
        turn.media(match keep {
            true => MediaCommand::KeepTape { leg, tape },
            false => MediaCommand::DropTape { leg, tape },
        });
        self.record_again(turn);
    }

    fn tell_message(&self, turn: &mut Turn<'_>, taking: &Taking, keep: bool) {
        let mailbox = taking.mailbox.clone();
        let event = match taking.report {
            Some(report) if keep => {
                TapeEvent::MessageLeft { mailbox, name: TapeKind::Message.name(taking.tape), report }
            }
            Some(report) if report.empty => TapeEvent::MessageEmpty { mailbox },
            Some(_) => TapeEvent::MessageDropped { mailbox },
            None => return,
        };
        turn.journal(Some(self.id), tape_event(event));
    }

    /// The caller goes: what they have said stays, as the reactor sees to.
    pub(super) fn leave_message(&mut self, turn: &mut Turn<'_>) {
        if let Some(taking) = self.taking.take_if(|taking| taking.report.is_some()) {
            self.left = Some(taking.tape);
            self.tell_message(turn, &taking, taking.report.is_some_and(|report| !report.empty));
        }
    }

    /// What the caller wants to hear is here; `None` when it cannot be read.
    pub(in crate::switchboard) fn tape_read(&mut self, turn: &mut Turn<'_>, tape: TapeId, clip: Option<Arc<Clip>>) {
        let Phase::Walking { session, playing } = &mut self.phase else { return self.mailbox_read(turn, tape, clip) };
        if !session.awaits_message() || self.taking.as_ref().is_none_or(|taking| taking.tape != tape) {
            return;
        }
        let plays = clip.is_some();
        if let Some(clip) = clip {
            let playback = turn.playback();
            *playing = Some(playback);
            let (leg, clips) = (self.leg.id, vec![clip]);
            turn.journal(Some(self.id), JournalEvent::Playing { playback, clips: 1 });
            turn.media(MediaCommand::Play { leg, playback, clips, repeat: false });
        }
        self.walk(turn, SessionInput::MessageRead(plays));
    }

    /// A tape has ended.
    pub(in crate::switchboard) fn tape_ended(&mut self, turn: &mut Turn<'_>, tape: TapeId, report: TapeReport) {
        if self.recording.as_ref().is_some_and(|recording| recording.tape == tape) {
            // One that makes room for a message goes on after it.
            if self.taking.is_none() || report.end != TapeEnd::Closed {
                self.recording = None;
            }
            let name = TapeKind::Conversation.name(tape);
            return turn.journal(Some(self.id), tape_event(TapeEvent::RecordingEnded { name, report }));
        }
        let Some(taking) = self.taking.as_mut().filter(|taking| taking.tape == tape) else { return };
        taking.report = Some(report);
        if matches!(self.phase, Phase::Walking { .. }) && report.end != TapeEnd::Closed {
            return self.walk(turn, SessionInput::MessageEnded(report));
        }
        self.leave_message(turn);
    }

    /// A tape cannot be written.
    pub(in crate::switchboard) fn tape_failed(&mut self, turn: &mut Turn<'_>, tape: TapeId, reason: String) {
        if let Some(recording) = self.recording.take_if(|recording| recording.tape == tape) {
            let Recording { leg, .. } = recording;
            self.tell_failure(turn, (tape, TapeKind::Conversation), true, reason);
            return turn.media(MediaCommand::EndTape { leg, tape });
        }
        let running = self.taking.as_ref().is_some_and(|taking| taking.tape == tape);
        if running || self.left.take_if(|left| *left == tape).is_some() {
            self.tell_failure(turn, (tape, TapeKind::Message), running, reason);
            self.walk(turn, SessionInput::MessageLost { kept: !running });
        }
    }

    fn tell_failure(&self, turn: &mut Turn<'_>, (tape, kind): (TapeId, TapeKind), running: bool, reason: String) {
        turn.journal(Some(self.id), tape_event(TapeEvent::Failed { kind, name: kind.name(tape), running, reason }));
    }

    /// The caller has agreed.
    pub(super) fn start_recording(&mut self, turn: &mut Turn<'_>, sides: Sides) {
        if self.recording.is_some() {
            return;
        }
        let tape = turn.tape();
        let leg = self.leg.id;
        let day = turn.calendar.time_of(turn.now).strftime("%Y-%m-%d");
        let order = TapeOrder {
            tape,
            kind: TapeKind::Conversation,
            tone: false,
            sides,
            longest: CALL_MAX,
            silence: None,
            shortest: Duration::ZERO,
            folder: format!("recordings/{day}").into(),
            label: self.label(turn),
        };
        self.recording = Some(Recording { tape, sides, leg, paused: false, secret: false });
        let name = TapeKind::Conversation.name(tape);
        turn.journal(Some(self.id), tape_event(TapeEvent::RecordingBegan { name }));
        turn.media(MediaCommand::Record { leg, order: Box::new(order) });
    }

    pub(super) fn stop_recording(&mut self, turn: &mut Turn<'_>) {
        if let Some(Recording { tape, leg, .. }) = self.recording {
            turn.media(MediaCommand::EndTape { leg, tape });
        }
    }

    /// What was recorded made room for a message, and goes on.
    fn record_again(&mut self, turn: &mut Turn<'_>) {
        if let Some(Recording { sides, paused, .. }) = self.recording.take() {
            self.start_recording(turn, sides);
            self.pause_recording(turn, paused, "flow");
        }
    }

    /// Silence on the recording, or no more; nothing where there is none. Tells whether there is one.
    pub(in crate::switchboard) fn pause_recording(&mut self, turn: &mut Turn<'_>, paused: bool, by: &str) -> bool {
        let Some(recording) = &mut self.recording else { return false };
        if recording.paused == paused {
            return true;
        }
        let before = recording.is_muted();
        recording.paused = paused;
        let muted = recording.is_muted();
        let (leg, tape) = (recording.leg, recording.tape);
        if before != muted {
            turn.media(MediaCommand::MuteTape { leg, tape, muted });
        }
        turn.journal(Some(self.id), tape_event(TapeEvent::RecordingPaused { paused, by: by.into() }));
        true
    }

    /// An operator or an agent wants something of the recording.
    pub(in crate::switchboard) fn wish_recording(&mut self, turn: &mut Turn<'_>, wish: RecordingWish, by: &str) {
        match wish {
            RecordingWish::Pause => drop(self.pause_recording(turn, true, by)),
            RecordingWish::Resume => drop(self.pause_recording(turn, false, by)),
            RecordingWish::Stop => self.stop_recording(turn),
        }
    }

    /// While the caller keys a secret, silence is recorded.
    pub(super) fn mind_secret(&mut self, turn: &mut Turn<'_>) {
        let Some(recording) = &mut self.recording else { return };
        let secret = match &self.phase {
            Phase::Walking { session, .. } => session.asks_secret(),
            _ => false,
        };
        if recording.secret == secret {
            return;
        }
        let before = recording.is_muted();
        recording.secret = secret;
        if before != recording.is_muted() {
            let (leg, tape, muted) = (recording.leg, recording.tape, recording.is_muted());
            turn.media(MediaCommand::MuteTape { leg, tape, muted });
        }
    }

    fn label(&self, turn: &Turn<'_>) -> TapeLabel {
        let (language, dialled) = match &self.phase {
            Phase::Walking { session, .. } => (session.language().clone(), session.dialled().to_owned()),
            _ => (Arc::from(""), String::new()),
        };
        TapeLabel {
            mailbox: None,
            call: self.id.to_string(),
            caller: self.caller.number.clone(),
            caller_name: self.caller.name.clone(),
            dialled,
            started: format!("{:.3}", turn.calendar.time_of(turn.now)),
            language,
            mail: Vec::new(),
        }
    }
}

fn tape_event(event: TapeEvent) -> JournalEvent {
    JournalEvent::Tape(Box::new(event))
}
