//! Why an agent gets no calls, in words: for programs one, for people a sentence and what would change it.

use std::time::Duration;

use crate::acd::{BEFORE_COUNTED_MAX, PauseReason, WhyNoCalls};
use crate::switchboard::{AgentView, PLAIN_PAUSE};

/// The word of the API.
pub(super) fn word(why: &WhyNoCalls) -> &'static str {
    match why {
        WhyNoCalls::LoggedOut => "logged_out",
        WhyNoCalls::Unreachable => "unreachable",
        WhyNoCalls::Paused => "paused",
        WhyNoCalls::Ringing => "ringing",
        WhyNoCalls::OnCall => "in_a_call",
        WhyNoCalls::DirectCall => "in_another_call",
        WhyNoCalls::WrapUp(_) => "wrap_up",
        WhyNoCalls::Resting(_) => "missed_an_offer",
        WhyNoCalls::Listening => "listening",
        WhyNoCalls::NoQueue => "no_queue",
        WhyNoCalls::SkillsLack(_) => "skills_lack",
        WhyNoCalls::OthersRing => "others_ring",
        WhyNoCalls::CallbacksLater => "callbacks_later",
        WhyNoCalls::NobodyWaits { before: Some(1..) } => "others_first",
        WhyNoCalls::NobodyWaits { .. } => "nobody_waits",
    }
}

fn paused(since: &str, reason: Option<&PauseReason>) -> String {
    match reason {
        // The code for a pause has no reason to tell.
        Some(PauseReason::Said(reason)) if &**reason == PLAIN_PAUSE => format!("Paused for {since}."),
        Some(PauseReason::Said(reason)) => format!("Paused for {since}: {reason}."),
        Some(PauseReason::Missed) => format!("Paused for {since}, because offers in a row were not answered."),
        None => format!("Paused for {since}."),
    }
}

/// The reason, as a sentence or two.
pub(super) fn reason(agent: &AgentView) -> String {
    let since = length(agent.snapshot.since);
    match &agent.snapshot.why {
        WhyNoCalls::LoggedOut => format!("Logged out for {since}."),
        WhyNoCalls::Unreachable => format!("The telephone has not been registered, or has not replied, for {since}."),
        WhyNoCalls::Paused => paused(&since, agent.snapshot.reason.as_ref()),
        WhyNoCalls::Ringing => format!("The telephone has been ringing for a caller for {since}."),
        WhyNoCalls::OnCall => format!("In a queue's call for {since}."),
        WhyNoCalls::DirectCall => format!("In a call of their own for {since}."),
        WhyNoCalls::WrapUp(left) => format!("The wrap-up of the last call takes {} more.", length(*left)),
        WhyNoCalls::Resting(left) => {
            format!("The last offer was not answered; the next can come in {}.", length(*left))
        }
        WhyNoCalls::Listening => {
            "They hear the answer to a code that they dialled, or their messages; no call is offered meanwhile."
                .to_owned()
        }
        WhyNoCalls::NoQueue => "They serve no queue.".to_owned(),
        WhyNoCalls::SkillsLack(_) if agent.lacking.is_empty() => {
            "Callers wait, and for a while each is kept for the agent whom they know.".to_owned()
        }
        WhyNoCalls::SkillsLack(_) => {
            format!("Callers wait, and ask for skills that this agent lacks: {}.", agent.lacking.join(", "))
        }
        WhyNoCalls::OthersRing => "Callers wait, and other agents' telephones ring for them.".to_owned(),
        WhyNoCalls::CallbacksLater => "Callers wait to be called back, and not yet.".to_owned(),
        WhyNoCalls::NobodyWaits { before } => {
            let first = match before {
                None => "Who of the ready agents gets the next call is left to chance.".to_owned(),
                Some(0) => "The next caller is for this agent.".to_owned(),
                Some(1) => "One ready agent comes first.".to_owned(),
                Some(many) if *many > BEFORE_COUNTED_MAX => {
                    format!("More than {BEFORE_COUNTED_MAX} ready agents come first.")
                }
                Some(few) => format!("{few} ready agents come first."),
            };
            format!("Nobody waits in a queue that they serve. {first}")
        }
    }
}

/// What would change it; nothing where time alone does.
pub(super) fn remedy(agent: &AgentView) -> Option<&'static str> {
    match &agent.snapshot.why {
        WhyNoCalls::LoggedOut | WhyNoCalls::Paused => Some("Set the agent's state to `ready`."),
        WhyNoCalls::Unreachable => Some("Let the telephone register; see its server, user name and password."),
        WhyNoCalls::WrapUp(_) => Some("Setting the agent's state to `ready` ends the wrap-up."),
        WhyNoCalls::Resting(_) => Some("Setting the agent's state to `ready` ends the rest."),
        WhyNoCalls::NoQueue => Some("Name the agent in a queue's `agents`."),
        WhyNoCalls::SkillsLack(_) if agent.lacking.is_empty() => None,
        WhyNoCalls::SkillsLack(_) => Some("Give the agent these `skills`, or the queue a `relax_after`."),
        WhyNoCalls::Ringing
        | WhyNoCalls::OnCall
        | WhyNoCalls::DirectCall
        | WhyNoCalls::Listening
        | WhyNoCalls::OthersRing
        | WhyNoCalls::CallbacksLater
        | WhyNoCalls::NobodyWaits { .. } => None,
    }
}

/// A length of time for people: `45s`, `3m 12s`, `2h 5m`.
fn length(length: Duration) -> String {
    let seconds = length.as_millis().div_ceil(1000);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_tells_its_reason_where_there_is_one() {
        let check = |reason: Option<PauseReason>, expected: &str| assert_eq!(paused("9s", reason.as_ref()), expected);
        check(None, "Paused for 9s.");
        check(Some(PauseReason::Said("lunch".into())), "Paused for 9s: lunch.");
        check(Some(PauseReason::Said(PLAIN_PAUSE.into())), "Paused for 9s.");
        check(Some(PauseReason::Missed), "Paused for 9s, because offers in a row were not answered.");
    }

    #[test]
    fn lengths_are_told_as_people_do() {
        let check = |millis: u64, expected: &str| assert_eq!(length(Duration::from_millis(millis)), expected);
        check(0, "0s");
        check(44_100, "45s");
        check(59_001, "1m");
        check(192_000, "3m 12s");
        check(3_600_000, "1h");
        check(7_530_000, "2h 5m");
    }
}
