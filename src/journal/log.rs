//! The journal as log lines: calls at INFO, decisions at DEBUG, what should wake someone at WARN. Callers' numbers are
//! masked by their type and keys are never in an entry.

use tracing::{debug, info, trace, warn};

use super::{JournalEntry, JournalEvent, cause, digit_source};
use crate::telephony::{CallId, Codec};

/// Writes the line of `entry`.
pub fn log(entry: &JournalEntry) {
    let call = Shown(entry.call);
    match &entry.event {
        JournalEvent::Offered(offered) => info!(
            %call,
            caller = %offered.caller.number,
            dialled = ?offered.dialled,
            flow = offered.flow.as_deref(),
            source = %offered.source,
            transport = %offered.transport,
            sip_call_id = ?offered.sip_call_id,
            "a call came in"
        ),
        JournalEvent::Refused { offered, reason, status } => info!(
            caller = %offered.caller.number,
            dialled = ?offered.dialled,
            source = %offered.source,
            sip_call_id = ?offered.sip_call_id,
            reason = reason.label(),
            status,
            "a call was refused"
        ),
        JournalEvent::Answered { codec, port } => {
            debug!(%call, codec = codec.map(Codec::encoding), port, "answered");
        }
        JournalEvent::Began => debug!(%call, "the flow begins"),
        JournalEvent::StepEntered(name) => debug!(%call, flow = %name.flow, step = %name.step, "step entered"),
        // Which choice it was would be the key.
        JournalEvent::StepLeft { step, exit } => {
            let exit = exit.split(' ').next();
            debug!(%call, flow = %step.flow, step = %step.step, exit, "step left");
        }
        JournalEvent::Playing { playback, clips } => trace!(%call, playback = playback.0, clips, "playing"),
        JournalEvent::Digit { source } => debug!(%call, source = digit_source(*source), "a key was pressed"),
        JournalEvent::DigitRepeated { source } => {
            debug!(%call, source = digit_source(*source), "a key that had come another way was dropped");
        }
        JournalEvent::PromptMissing { step, language, prompt } => debug!(
            %call,
            flow = %step.flow,
            step = %step.step,
            %language,
            prompt = prompt.as_deref(),
            "a recording is missing"
        ),
        JournalEvent::RanAway(name) => warn!(
            %call,
            flow = %name.flow,
            step = %name.step,
            "the flow went in circles without the caller's input and was ended"
        ),
        JournalEvent::Held => debug!(%call, "the caller put us on hold"),
        JournalEvent::Resumed => debug!(%call, "the caller is back from hold"),
        JournalEvent::AudioChanged { codec } => debug!(%call, codec = codec.encoding(), "the audio was agreed anew"),
        JournalEvent::ChangeRefused { status } => debug!(%call, status, "a change of the audio was refused"),
        JournalEvent::AudioFailed { reason } => warn!(%call, %reason, "the audio could not be opened"),
        JournalEvent::Ended(ended) => {
            let report = ended.report.unwrap_or_default();
            info!(
                %call,
                outcome = ended.outcome.label(),
                cause = cause(ended.cause),
                seconds = ended.duration.as_secs_f64(),
                packets_sent = report.packets_sent,
                packets_received = report.packets_received,
                packets_lost = report.packets_lost,
                jitter_ms = report.jitter_ms,
                remote_loss = report.remote_loss,
                "call ended"
            );
        }
        JournalEvent::Sip(tally) => trace!(retransmissions = tally.retransmissions, "sip tally"),
        JournalEvent::Media(tally) => trace!(sent = tally.packets_sent, dropped = tally.dropped, "media tally"),
        JournalEvent::Draining { calls, time } => {
            info!(calls, seconds = time.as_secs(), "closing down: no new calls, those in progress may end");
        }
        JournalEvent::Revised { revision } => info!(revision, "new calls follow the flows as they are now"),
    }
}

struct Shown(Option<CallId>);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(call) => call.fmt(f),
            None => f.write_str("-"),
        }
    }
}
