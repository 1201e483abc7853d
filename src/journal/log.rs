//! The journal as log lines: calls at INFO, decisions at DEBUG, what should wake someone at WARN. Callers' numbers are
//! masked by their type and keys are never in an entry.

use tracing::{debug, info, trace, warn};

use super::{
    JournalEntry, JournalEvent, QueueEvent, SurveyNews, SwitchedHours, TapeEvent, cause, digit_source, shown_exit,
    shown_prompt,
};
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
        JournalEvent::Dialled(dialled) => info!(
            %call,
            party = %dialled.party.number,
            queue = %dialled.queue,
            callback_of = %Shown(dialled.callback_of),
            trunk = dialled.trunk.as_deref(),
            attempt = dialled.attempt,
            "a caller is called back"
        ),
        JournalEvent::Trunk { trunk, down: None } => info!(%trunk, "the trunk takes calls"),
        JournalEvent::Trunk { trunk, down: Some(why) } => warn!(%trunk, %why, "the trunk takes no calls"),
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
        JournalEvent::StepLeft { step, exit } => {
            let exit = shown_exit(exit);
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
            prompt = prompt.as_deref().and_then(shown_prompt),
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
        JournalEvent::Queue(event) => log_queue(&call, event),
        JournalEvent::Joined(joined) => info!(
            %call,
            agent = %joined.agent,
            queue = joined.queue.as_deref(),
            from = joined.from.as_deref(),
            waited = joined.waited.as_secs_f64(),
            "caller and agent hear each other"
        ),
        JournalEvent::Dialling { agent } => info!(%call, %agent, "an agent's telephone is to ring"),
        JournalEvent::NotReached { agent, status } => info!(%call, %agent, status, "the agent was not reached"),
        JournalEvent::AgentAsks { agent, code, reason } => {
            info!(%call, %agent, code, reason = reason.as_deref(), "an agent has dialled a code");
        }
        JournalEvent::LookedUp(told) => {
            let (connector, outcome, took) = (&told.connector, told.outcome, told.took.as_secs_f64());
            match &told.why {
                None => debug!(%call, %connector, outcome, took, tries = told.tries, "a service was asked"),
                Some(why) => info!(%call, %connector, outcome, took, tries = told.tries, %why, "a lookup failed"),
            }
        }
        JournalEvent::Connector { name, rests: Some(rests) } => {
            warn!(connector = %name, seconds = rests.as_secs_f64(), "the service fails and is left alone for a while");
        }
        JournalEvent::Connector { name, rests: None } => info!(connector = %name, "the service answers again"),
        JournalEvent::Transfer(transfer) => info!(
            %call,
            by = %transfer.by,
            to = ?transfer.to,
            kind = transfer.kind,
            status = transfer.status,
            why = transfer.why,
            "a transfer was asked for"
        ),
        JournalEvent::Tape(event) => log_tape(&call, event),
        // What they think is in the record; the log tells no key.
        JournalEvent::Survey(event) => {
            let (flow, step, queue) = (&event.step.flow, &event.step.step, event.queue.as_deref());
            let agent = event.agent.as_deref();
            match &event.news {
                SurveyNews::Offered => {
                    debug!(%call, %flow, %step, queue, agent, "the caller is asked for their opinion")
                }
                SurveyNews::Answered { question, scale, score: _ } => {
                    debug!(%call, %flow, %step, %question, scale, "the caller has answered");
                }
                SurveyNews::Ended { outcome } => {
                    info!(%call, %flow, %step, queue, agent, outcome, "the survey is over")
                }
            }
        }
        JournalEvent::MessagesWaiting { mailbox, new, old } => debug!(%mailbox, new, old, "messages wait"),
        JournalEvent::AgentHeld { holding: true } => debug!(%call, "the agent put the caller on hold"),
        JournalEvent::AgentHeld { holding: false } => debug!(%call, "the agent is back from hold"),
        JournalEvent::Parted(parted) => info!(
            %call,
            agent = %parted.agent,
            queue = parted.queue.as_deref(),
            talk = parted.talk.as_secs_f64(),
            hold = parted.hold.as_secs_f64(),
            by = parted.by,
            "the conversation is over"
        ),
        JournalEvent::AgentLegFailed { agent, reason } => warn!(%call, %agent, %reason, "the agent's leg failed"),
        JournalEvent::AudioChanged { codec } => debug!(%call, codec = codec.encoding(), "the audio was agreed anew"),
        JournalEvent::ChangeRefused { status } => debug!(%call, status, "a change of the audio was refused"),
        JournalEvent::AudioFailed { reason } => warn!(%call, %reason, "the audio could not be opened"),
        JournalEvent::FlowEnded => debug!(%call, "the flow is at its end"),
        JournalEvent::HungUp { cause: why } => debug!(%call, cause = cause(*why), "Helpline hangs up"),
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
        JournalEvent::HoursSwitched(switched) => {
            let SwitchedHours { hours, state, by } = &**switched;
            match state {
                Some((open, until)) => info!(%hours, open, %until, %by, "the hours were switched by hand"),
                None => info!(%hours, %by, "the hours stand as they are written"),
            }
        }
        JournalEvent::Sip(tally) => trace!(retransmissions = tally.retransmissions, "sip tally"),
        JournalEvent::Media(tally) => trace!(sent = tally.packets_sent, dropped = tally.dropped, "media tally"),
        JournalEvent::Draining { calls, time } => {
            info!(calls, seconds = time.as_secs(), "closing down: no new calls, those in progress may end");
        }
        JournalEvent::Revised { revision } => info!(revision, "new calls follow the flows as they are now"),
    }
}

fn log_tape(call: &Shown, event: &TapeEvent) {
    match event {
        TapeEvent::MessageBegan { mailbox } => debug!(%call, %mailbox, "the caller leaves a message"),
        TapeEvent::MessageLeft { mailbox, name, report } => info!(
            %call,
            %mailbox,
            message = name,
            seconds = report.length.as_secs_f64(),
            end = report.end.word(),
            "a message was left"
        ),
        TapeEvent::MessageEmpty { mailbox } => debug!(%call, %mailbox, "nothing was said"),
        TapeEvent::MessageDropped { mailbox } => debug!(%call, %mailbox, "the caller wants to leave another message"),
        TapeEvent::RecordingBegan { name } => info!(%call, recording = name, "the call is recorded"),
        TapeEvent::RecordingPaused { paused: true, by } => info!(%call, %by, "the recording is paused"),
        TapeEvent::RecordingPaused { paused: false, by } => info!(%call, %by, "the recording goes on"),
        TapeEvent::RecordingEnded { name, report } => info!(
            %call,
            recording = name,
            seconds = report.length.as_secs_f64(),
            lost = report.lost.as_secs_f64(),
            "the call is recorded no more"
        ),
        TapeEvent::MessageHeard { mailbox, name } => info!(%call, %mailbox, message = name, "a message was heard"),
        TapeEvent::MessageDeleted { mailbox, name } => info!(%call, %mailbox, message = name, "a message is deleted"),
        TapeEvent::Failed { kind, name, reason, .. } => {
            let kind = kind.word();
            warn!(%call, name, %reason, "a {kind} could not be written");
        }
    }
}

fn log_queue(call: &Shown, event: &QueueEvent) {
    match event {
        QueueEvent::Entered { queue, priority, brought } => {
            info!(%call, %queue, priority, brought = brought.as_secs_f64(), "the caller waits");
        }
        QueueEvent::Left { queue, outcome, wait, agent, .. } => info!(
            %call,
            %queue,
            outcome,
            wait = wait.as_secs_f64(),
            agent = agent.as_deref(),
            "the caller waits no more"
        ),
        QueueEvent::Counted { queue, event } => trace!(%call, %queue, event, "counted for the service level"),
        QueueEvent::Offered { queue, agent } => debug!(%call, %queue, %agent, "the agent's telephone is to ring"),
        QueueEvent::OfferEnded { queue, agent, result } => {
            debug!(%call, %queue, %agent, result, "the agent's telephone rings no more");
        }
        QueueEvent::Handled { queue, agent, talk, hold, wrap_up } => debug!(
            %call,
            %queue,
            %agent,
            talk = talk.as_secs_f64(),
            hold = hold.as_secs_f64(),
            wrap_up = wrap_up.as_secs_f64(),
            "the agent has finished with the call"
        ),
        QueueEvent::AgentState { agent, from, spent, to, reason } => {
            info!(%agent, from, to, seconds = spent.as_secs_f64(), reason = reason.as_deref(), "agent's state");
        }
        QueueEvent::SpokenPlace { queue, position, spoken } => {
            debug!(%call, %queue, position, spoken, "the caller is told the place");
        }
        QueueEvent::SpokenWait {
            queue,
            ahead,
            available,
            servers,
            handle_seconds,
            samples,
            last_wait_seconds,
            abandon_share,
            expected_seconds,
            promised,
        } => debug!(
            %call,
            %queue,
            ahead,
            available,
            servers,
            handle_seconds,
            samples,
            last_wait_seconds,
            abandon_share,
            expected_seconds,
            promised = promised.map(|promised| promised.as_secs()),
            "the caller is told the wait"
        ),
        QueueEvent::Relaxed { stage } => debug!(%call, stage, "the caller takes more agents now"),
        QueueEvent::CallbackWanted => info!(%call, "the caller is to be called back, and keeps the place"),
        QueueEvent::CalledBack { attempt, answered } => info!(%call, attempt, answered, "called back"),
        QueueEvent::Dropped => info!(%call, "the caller's line was lost; the place is kept"),
        QueueEvent::PlaceTaken { queue } => {
            info!(%call, %queue, "the caller has the place of the agent who passed them on")
        }
        QueueEvent::CameBack => info!(%call, "the caller is back at the place"),
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
