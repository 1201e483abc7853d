//! One call's story as JSON: its legs with their talk and hold, and every event with its time and words. Keys are not in
//! it, nor what would tell them.

mod survey;
mod tape;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::time;
use crate::clock::{Calendar, Moment};
use crate::journal::{Ended, JournalEvent, Origin, QueueEvent, Story, cause, digit_source, shown_exit, shown_prompt};
use crate::telephony::{Codec, StreamReport};

/// What a story adds to a call of the list.
pub(super) fn told(story: &Story, now: Moment, calendar: Calendar) -> Map<String, Value> {
    let end = story.events().last().and_then(|last| match &last.event {
        JournalEvent::Ended(ended) => Some((last.at, &**ended)),
        _ => None,
    });
    let mut told = Map::new();
    told.insert("sip_call_id".into(), json!(story.origin.offered().map(|offered| &offered.sip_call_id)));
    told.insert("ended".into(), json!(end.map(|(at, _)| time(calendar, at))));
    told.insert("outcome".into(), json!(end.map(|(_, ended)| ended.outcome.label())));
    told.insert("cause".into(), json!(end.map(|(_, ended)| cause(ended.cause))));
    told.insert("legs".into(), Value::Array(legs(story, end, now, calendar)));
    told.insert("events_left_out".into(), json!(story.left_out));
    told.insert("events".into(), Value::Array(events(story, calendar)));
    told
}

/// The caller's leg, and one for each conversation with an agent.
fn legs(story: &Story, end: Option<(Moment, &Ended)>, now: Moment, calendar: Calendar) -> Vec<Value> {
    let segments = segments(story, end.map_or(now, |(at, _)| at));
    let sum = |part: fn(&Segment) -> Duration| segments.iter().map(part).sum::<Duration>().as_secs_f64();
    let caller = json!({
        "party": "caller",
        "agent": null,
        "queue": null,
        "from": null,
        "began": time(calendar, story.began),
        "ended": end.map(|(at, _)| time(calendar, at)),
        "talk": sum(|segment| segment.talk),
        "hold": sum(|segment| segment.hold),
        "ended_by": end.map(|(_, ended)| cause(ended.cause)),
        "audio": end.and_then(|(_, ended)| ended.report).map(|report| audio(&report)),
    });
    let agents = segments.iter().map(|segment| {
        json!({
            "party": "agent",
            "agent": segment.agent,
            "queue": segment.queue,
            "from": segment.from,
            "began": time(calendar, segment.began),
            "ended": segment.ended.map(|at| time(calendar, at)),
            "talk": segment.talk.as_secs_f64(),
            "hold": segment.hold.as_secs_f64(),
            "ended_by": segment.by,
            "audio": null,
        })
    });
    std::iter::once(caller).chain(agents).collect()
}

fn audio(report: &StreamReport) -> Value {
    json!({
        "packets_sent": report.packets_sent,
        "packets_received": report.packets_received,
        "packets_lost": report.packets_lost,
        "jitter_ms": report.jitter_ms,
        "remote_loss": report.remote_loss,
        "remote_jitter_ms": report.remote_jitter_ms,
        "round_trip_ms": report.round_trip_ms,
    })
}

/// A conversation with an agent, so far.
struct Segment {
    agent: Arc<str>,
    queue: Option<Arc<str>>,
    from: Option<Arc<str>>,
    began: Moment,
    ended: Option<Moment>,
    talk: Duration,
    hold: Duration,
    by: Option<&'static str>,
}

/// The conversations of a story; one that goes on counts up to `now`.
fn segments(story: &Story, now: Moment) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let (mut caller_holds, mut agent_holds) = (false, false);
    let mut counted = story.began;
    for event in story.events() {
        let open = segments.last_mut().filter(|segment| segment.ended.is_none());
        if let Some(open) = open {
            count(open, event.at.since(counted), caller_holds || agent_holds);
            if let JournalEvent::Parted(parted) = &event.event {
                // What was counted on the spot is the truth.
                (open.talk, open.hold, open.by) = (parted.talk, parted.hold, Some(parted.by));
                open.ended = Some(event.at);
            }
        }
        counted = event.at;
        match &event.event {
            JournalEvent::Held => caller_holds = true,
            JournalEvent::Resumed => caller_holds = false,
            JournalEvent::AgentHeld { holding } => agent_holds = *holding,
            JournalEvent::Joined(joined) => {
                agent_holds = false;
                segments.push(Segment {
                    agent: joined.agent.clone(),
                    queue: joined.queue.clone(),
                    from: joined.from.clone(),
                    began: event.at,
                    ended: None,
                    talk: Duration::ZERO,
                    hold: Duration::ZERO,
                    by: None,
                });
            }
            _ => {}
        }
    }
    if let Some(open) = segments.last_mut().filter(|segment| segment.ended.is_none()) {
        count(open, now.since(counted), caller_holds || agent_holds);
    }
    segments
}

fn count(segment: &mut Segment, time: Duration, held: bool) {
    *(if held { &mut segment.hold } else { &mut segment.talk }) += time;
}

/// Every event with its time and words, from the call itself.
fn events(story: &Story, calendar: Calendar) -> Vec<Value> {
    let shown = |at: Moment, (kind, words, more): Told| {
        let mut event = Map::new();
        event.insert("at".into(), json!(time(calendar, at)));
        event.insert("after".into(), json!(at.since(story.began).as_secs_f64()));
        event.insert("event".into(), json!(kind));
        event.insert("words".into(), json!(words));
        if let Value::Object(more) = more {
            event.extend(more);
        }
        Value::Object(event)
    };
    let first = shown(story.began, began(&story.origin));
    // An agent who dials a code or a colleague is in no flow.
    let has_flow = story.origin.offered().is_none_or(|offered| offered.flow.is_some());
    let told = |event: &JournalEvent| match event {
        JournalEvent::Began if !has_flow => ("began", "The caller listens".to_owned(), Value::Null),
        event => tell(event),
    };
    std::iter::once(first).chain(story.events().map(|event| shown(event.at, told(&event.event)))).collect()
}

fn began(origin: &Origin) -> Told {
    let number = match origin.caller().number.reveal() {
        "" => "somebody who withholds their number",
        number => number,
    };
    let dialled = origin.dialled();
    match origin {
        Origin::Offered(offered) => {
            let flow = offered.flow.as_deref().map(|flow| format!("; the flow {flow} answers")).unwrap_or_default();
            let words = format!("A call from {number} to {dialled}{flow}");
            ("offered", words, json!({"dialled": dialled, "flow": offered.flow}))
        }
        Origin::Dialled(call) => (
            "dialled",
            format!("Attempt {} to call {number} back", call.attempt),
            json!({"queue": call.queue, "trunk": call.trunk, "attempt": call.attempt}),
        ),
    }
}

/// What kind of event, what happened, and its figures.
type Told = (&'static str, String, Value);

fn tell(event: &JournalEvent) -> Told {
    let plain = |kind, words: &str| (kind, words.to_owned(), Value::Null);
    match event {
        JournalEvent::Offered(_) => plain("offered", "Somebody calls"),
        JournalEvent::Dialled(_) => plain("dialled", "Somebody is called"),
        JournalEvent::Refused { reason, status, .. } => {
            ("refused", format!("Refused with {status}"), json!({"reason": reason.label(), "status": status}))
        }
        JournalEvent::Answered { codec, port } => {
            let codec = codec.map(Codec::encoding);
            ("answered", "Helpline answers".to_owned(), json!({"codec": codec, "port": port}))
        }
        JournalEvent::Began => plain("began", "The caller listens, and the flow begins"),
        JournalEvent::StepEntered(name) => (
            "step_entered",
            format!("Comes to the step {} of {}", name.step, name.flow),
            json!({"flow": name.flow, "step": name.step}),
        ),
        JournalEvent::StepLeft { step, exit } => (
            "step_left",
            format!("Leaves the step {}: {}", step.step, shown_exit(exit)),
            json!({"flow": step.flow, "step": step.step, "exit": shown_exit(exit)}),
        ),
        JournalEvent::Playing { clips, .. } => {
            let words = if *clips == 1 { "Hears a recording".to_owned() } else { format!("Hears {clips} recordings") };
            ("playing", words, json!({"recordings": clips}))
        }
        JournalEvent::Digit { source } => {
            ("digit", "Presses a key".to_owned(), json!({"source": digit_source(*source)}))
        }
        JournalEvent::DigitRepeated { source } => (
            "digit_repeated",
            "A key that had come another way is dropped".to_owned(),
            json!({"source": digit_source(*source)}),
        ),
        JournalEvent::PromptMissing { step, language, prompt } => (
            "prompt_missing",
            format!("Should have heard a recording in {} that is missing", step.step),
            json!({
                "flow": step.flow,
                "step": step.step,
                "language": language,
                "prompt": prompt.as_deref().and_then(shown_prompt),
            }),
        ),
        JournalEvent::RanAway(name) => (
            "ran_away",
            format!("The flow goes in circles at {} and is ended", name.step),
            json!({"flow": name.flow, "step": name.step}),
        ),
        JournalEvent::Held => plain("held", "The caller puts us on hold"),
        JournalEvent::Resumed => plain("resumed", "The caller is back from hold"),
        JournalEvent::Queue(event) => tell_queue(event),
        JournalEvent::Joined(joined) => (
            "joined",
            format!("Caller and agent {} hear each other", joined.agent),
            json!({
                "agent": joined.agent,
                "queue": joined.queue,
                "waited": joined.waited.as_secs_f64(),
                "from": joined.from,
            }),
        ),
        JournalEvent::LookedUp(lookup) => (
            "looked_up",
            match lookup.outcome {
                "found" => format!("{} has the answer", lookup.connector),
                "not_found" => format!("{} knows nothing of it", lookup.connector),
                "cancelled" => format!("The caller does not wait for {}", lookup.connector),
                _ => format!("{} could not be asked", lookup.connector),
            },
            json!({
                "connector": lookup.connector,
                "outcome": lookup.outcome,
                "took": lookup.took.as_secs_f64(),
                "tries": lookup.tries,
                "why": lookup.why,
            }),
        ),
        JournalEvent::Dialling { agent } => {
            ("dialling", format!("The phone of agent {agent} is to ring"), json!({"agent": agent}))
        }
        JournalEvent::NotReached { agent, status } => {
            ("not_reached", format!("Agent {agent} is not reached"), json!({"agent": agent, "status": status}))
        }
        JournalEvent::AgentAsks { agent, code, reason } => (
            "code",
            format!("Agent {agent} dials the code for {}", code.replace('_', " ")),
            json!({"agent": agent, "code": code, "reason": reason}),
        ),
        JournalEvent::Transfer(transfer) => (
            "transfer",
            match (transfer.status, &*transfer.by) {
                (300.., _) => format!("A transfer to {} is refused", transfer.to),
                (_, "") => format!("Is to be passed on to {}", transfer.to),
                (_, agent) => format!("Agent {agent} passes the caller on to {}", transfer.to),
            },
            json!({
                "by": transfer.by,
                "to": transfer.to,
                "kind": transfer.kind,
                "status": transfer.status,
                "why": transfer.why,
            }),
        ),
        JournalEvent::Tape(event) => tape::tell_tape(event),
        JournalEvent::Survey(event) => survey::tell_survey(event),
        JournalEvent::MessagesWaiting { .. } => plain("messages_waiting", "Messages wait"),
        JournalEvent::AgentHeld { holding: true } => plain("agent_held", "The agent puts the caller on hold"),
        JournalEvent::AgentHeld { holding: false } => plain("agent_resumed", "The agent is back from hold"),
        JournalEvent::Parted(parted) => (
            "parted",
            format!("The conversation with agent {} is over", parted.agent),
            json!({
                "agent": parted.agent,
                "queue": parted.queue,
                "talk": parted.talk.as_secs_f64(),
                "hold": parted.hold.as_secs_f64(),
                "by": parted.by,
            }),
        ),
        JournalEvent::AgentLegFailed { agent, reason } => (
            "agent_leg_failed",
            format!("The line to agent {agent} fails: {reason}"),
            json!({"agent": agent, "reason": reason}),
        ),
        JournalEvent::AudioChanged { codec } => {
            ("audio_changed", "The audio is agreed anew".to_owned(), json!({"codec": codec.encoding()}))
        }
        JournalEvent::ChangeRefused { status } => {
            ("change_refused", format!("A change of the audio is refused with {status}"), json!({"status": status}))
        }
        JournalEvent::AudioFailed { reason } => {
            ("audio_failed", format!("The audio cannot be opened: {reason}"), json!({"reason": reason}))
        }
        JournalEvent::FlowEnded => plain("flow_ended", "The flow is at its end"),
        JournalEvent::HungUp { cause: why } => {
            ("hung_up", "Helpline hangs up".to_owned(), json!({"cause": cause(*why)}))
        }
        JournalEvent::Ended(ended) => (
            "ended",
            format!("The call is over: {}", ended.outcome.label().replace('_', " ")),
            json!({
                "outcome": ended.outcome.label(),
                "cause": cause(ended.cause),
                "duration": ended.duration.as_secs_f64(),
            }),
        ),
        JournalEvent::Sip(_) | JournalEvent::Media(_) => plain("tally", "Figures were added up"),
        JournalEvent::Draining { .. } => plain("draining", "Helpline closes down"),
        JournalEvent::Trunk { trunk, down } => (
            "trunk",
            format!("The trunk {trunk} takes {}", if down.is_some() { "no calls" } else { "calls" }),
            json!({"trunk": trunk, "up": down.is_none()}),
        ),
        JournalEvent::HoursSwitched(switched) => {
            ("hours_switched", format!("{} switches hours", switched.by), json!({"hours": switched.hours}))
        }
        JournalEvent::Connector { name, .. } => {
            ("connector", format!("{name} fails, or answers again"), json!({"connector": name}))
        }
        JournalEvent::Revised { .. } => plain("revised", "New calls follow other flows"),
    }
}

fn tell_queue(event: &QueueEvent) -> Told {
    let plain = |kind, words: &str| (kind, words.to_owned(), Value::Null);
    match event {
        QueueEvent::Entered { queue, priority, brought } => (
            "queue_entered",
            format!("Enters the queue {queue}"),
            json!({"queue": queue, "priority": priority, "brought": brought.as_secs_f64()}),
        ),
        QueueEvent::Left { queue, outcome, wait, agent, promised } => (
            "queue_left",
            format!("Waits no more in {queue}: {}", outcome.replace('_', " ")),
            json!({
                "queue": queue,
                "outcome": outcome,
                "wait": wait.as_secs_f64(),
                "agent": agent,
                "promised": promised.map(|(promised, _)| promised.as_secs_f64()),
                "real": promised.map(|(_, real)| real.as_secs_f64()),
            }),
        ),
        QueueEvent::Counted { queue, event } => (
            "service_level",
            format!("Counts for the service level of {queue}: {}", event.replace('_', " ")),
            json!({"queue": queue, "counted": event}),
        ),
        QueueEvent::Offered { queue, agent } => {
            ("agent_offered", format!("The phone of agent {agent} is to ring"), json!({"queue": queue, "agent": agent}))
        }
        QueueEvent::OfferEnded { queue, agent, result } => (
            "agent_offer_ended",
            format!("The phone of agent {agent} rings no more: {}", result.replace('_', " ")),
            json!({"queue": queue, "agent": agent, "result": result}),
        ),
        QueueEvent::Handled { queue, agent, talk, hold, wrap_up } => (
            "handled",
            format!("Agent {agent} has finished with the call"),
            json!({
                "queue": queue,
                "agent": agent,
                "talk": talk.as_secs_f64(),
                "hold": hold.as_secs_f64(),
                "wrap_up": wrap_up.as_secs_f64(),
            }),
        ),
        QueueEvent::AgentState { agent, from, spent, to, reason } => (
            "agent_state",
            format!("Agent {agent} is {}", to.replace('_', " ")),
            json!({"agent": agent, "from": from, "spent": spent.as_secs_f64(), "to": to, "reason": reason}),
        ),
        QueueEvent::SpokenPlace { queue, position, spoken } => (
            "place_spoken",
            match spoken {
                0 => "Is told to wait, without a place".to_owned(),
                1 => "Is told that they are next".to_owned(),
                2..=10 => format!("Is told that they are number {spoken} in line"),
                _ => "Is told that more than ten are ahead".to_owned(),
            },
            json!({"queue": queue, "position": position, "spoken": spoken}),
        ),
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
        } => (
            "wait_spoken",
            match promised {
                Some(promised) => format!("Is told a wait of about {} minutes", promised.as_secs().div_ceil(60)),
                None => "Is told a wait of more than twenty minutes".to_owned(),
            },
            json!({
                "queue": queue,
                "expected": expected_seconds,
                "promised": promised.map(|promised| promised.as_secs_f64()),
                "inputs": {
                    "ahead": ahead,
                    "available": available,
                    "servers": servers,
                    "handle": handle_seconds,
                    "samples": samples,
                    "last_wait": last_wait_seconds,
                    "abandon_share": abandon_share,
                },
            }),
        ),
        QueueEvent::Relaxed { stage } => {
            ("skills_relaxed", "More agents will do from now on".to_owned(), json!({"stage": stage}))
        }
        QueueEvent::CallbackWanted => plain("callback_wanted", "Is to be called back, and keeps the place"),
        QueueEvent::CalledBack { attempt, answered } => (
            "called_back",
            format!("Attempt {attempt} to call back: {}", if *answered { "answered" } else { "not answered" }),
            json!({"attempt": attempt, "answered": answered}),
        ),
        QueueEvent::Dropped => plain("dropped", "The line is lost, and the place is kept for a while"),
        QueueEvent::PlaceTaken { queue } => (
            "place_taken",
            format!("Has the place in {queue} of the agent who passed them on"),
            json!({"queue": queue}),
        ),
        QueueEvent::CameBack => plain("came_back", "Is back at the place that they had"),
    }
}
