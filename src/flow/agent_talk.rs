//! What Helpline says to agents: the answers to their codes, and the whisper before a caller.

use std::sync::Arc;
use std::time::Duration;

use super::speech::{self, Languages, Measured};

/// The folder of the phrases for agents.
const FOLDER: &str = "phrases/agent/";
/// Beginnings of sentences in which a number follows: a language without rules for numbers has none.
const BEFORE_NUMBERS: [&str; 3] = ["waited", "caller_has_waited", "next_in"];
/// Up to here lengths of time are told in seconds, above in minutes.
const IN_SECONDS_MAX: u64 = 120;
/// More agents than these are told as many.
pub const AGENTS_TOLD_MAX: u32 = 10;

/// Whether a number follows a phrase.
pub(super) fn precedes_number(name: &str) -> bool {
    name.strip_prefix(FOLDER).is_some_and(|part| BEFORE_NUMBERS.contains(&part))
}

/// Where the recordings lie in which agents hear why they are paused.
pub(super) const PAUSES: &str = "phrases/pause/";
/// The recording that tells no reason.
pub(super) const PAUSED: &str = "phrases/agent/paused";

/// The recording in which an agent hears that they are paused for `reason`.
pub(super) fn pause_recording(reason: &str) -> String {
    format!("{PAUSES}{reason}")
}

/// Its text, where the language has none for a reason that the operator made up: after what is said without one.
pub(super) fn pause_text(paused: &str, reason: &str) -> String {
    format!("{}: {}.", paused.trim_end_matches(['.', '。', '।']), reason.replace(['_', '-'], " "))
}

/// The recording of the name of hours that agents can switch apart from the others, and its text.
pub(super) fn hours_recording(hours: &str) -> (String, String) {
    (format!("phrases/hours/{hours}"), format!("{}:", hours.replace(['_', '-'], " ")))
}

/// One thing that an agent is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentTalk {
    /// "You are ready."
    Ready,
    /// "You are logged out."
    LoggedOut,
    /// "You are paused.", with the reason where it is one that agents can dial.
    Paused(Option<Arc<str>>),
    /// "You are paused, because calls rang and nobody answered."
    PausedByMisses,
    /// "Your wrap-up is over."
    WrapUpOver,
    /// "There is no wrap-up at the moment."
    NoWrapUp,
    /// "Your wrap-up goes on.", and how long.
    WrapUp(Duration),
    /// "Nothing has changed."
    NothingChanged,
    /// "When your call is over:", before what is so then.
    AfterTheCall,
    /// "You are in a call."
    InCall,
    /// "Your telephone rings for a caller."
    Ringing,
    /// "Your telephone is not registered, or does not reply."
    Unreachable,
    /// "A call rang and was not answered.", and when the next can come.
    Missed(Duration),
    /// "You serve no queue."
    NoQueue,
    /// "Nobody is waiting."
    NobodyWaits,
    /// "The next caller is for you."
    NextIsYours,
    /// "... agents are before you."
    AgentsBefore(u32),
    /// "Callers are waiting, but they ask for skills that you do not have."
    SkillsLack,
    /// "Callers are waiting, and other telephones ring for them."
    OthersRing,
    /// "Callers are waiting to be called back later."
    CallbacksLater,
    /// "To take calls, dial ...".
    ToTakeCalls(Arc<str>),
    /// "To end it, dial ...".
    ToEndIt(Arc<str>),
    /// "The recording is paused."
    RecordingPaused,
    /// "The recording goes on."
    RecordingResumed,
    /// "Your call is not being recorded."
    NotRecorded,
    /// "Closed until midnight.", with the name of the hours where it is recorded.
    ClosedToday(Option<Arc<str>>),
    /// "The opening hours are as usual again.", likewise.
    HoursAsWritten(Option<Arc<str>>),
    /// "There are no opening hours that could be switched."
    NoHours,
    /// "Support", "Waited two minutes."
    Whisper {
        /// The queue.
        queue: Arc<str>,
        /// Since the time of the caller's place.
        waited: Duration,
    },
}

/// The recordings in which `talk` is said in `language`, by their names; `exists` tells whether there is one. What a
/// language has no rules for is left out.
pub fn recordings(
    languages: &Languages,
    language: &str,
    talk: &AgentTalk,
    exists: impl Fn(&str) -> bool,
) -> Vec<String> {
    let phrase = |name: &str| vec![format!("{FOLDER}{name}")];
    let with = |name: &str, number: Option<Vec<String>>| match number {
        Some(number) => phrase(name).into_iter().chain(number).collect(),
        None => Vec::new(),
    };
    let of_hours = |hours: &Option<Arc<str>>, name: &str| {
        let named = hours.as_ref().map(|hours| hours_recording(hours).0).filter(|name| exists(name));
        named.into_iter().chain(phrase(name)).collect()
    };
    let dial = |name: &str, code: &str| phrase(name).into_iter().chain(speech::keys(code)).collect();
    match talk {
        AgentTalk::Ready => phrase("ready"),
        AgentTalk::LoggedOut => phrase("logged_out"),
        AgentTalk::Paused(reason) => {
            let named = reason.as_ref().map(|reason| pause_recording(reason));
            named.filter(|name| exists(name)).map_or_else(|| phrase("paused"), |name| vec![name])
        }
        AgentTalk::PausedByMisses => phrase("paused_by_misses"),
        AgentTalk::WrapUpOver => phrase("wrap_up_over"),
        AgentTalk::NoWrapUp => phrase("no_wrap_up"),
        AgentTalk::WrapUp(left) => {
            let (number, unit) = in_seconds_or_minutes(*left, Measured::MoreSeconds, Measured::MoreMinutes);
            let more = languages.measured(language, number, unit).unwrap_or_default();
            phrase("wrap_up_goes_on").into_iter().chain(more).collect()
        }
        AgentTalk::NothingChanged => phrase("nothing_changed"),
        AgentTalk::AfterTheCall => phrase("after_the_call"),
        AgentTalk::InCall => phrase("in_call"),
        AgentTalk::Ringing => phrase("ringing"),
        AgentTalk::Unreachable => phrase("unreachable"),
        AgentTalk::Missed(left) => {
            let (number, unit) = in_seconds_or_minutes(*left, Measured::Seconds, Measured::Minutes);
            let next = with("next_in", languages.measured(language, number, unit));
            phrase("missed").into_iter().chain(next).collect()
        }
        AgentTalk::NoQueue => phrase("no_queue"),
        AgentTalk::NobodyWaits => phrase("nobody_waits"),
        AgentTalk::NextIsYours => phrase("next_is_yours"),
        AgentTalk::AgentsBefore(agents) if *agents > AGENTS_TOLD_MAX => phrase("many_before"),
        AgentTalk::AgentsBefore(agents) => {
            languages.measured(language, u64::from(*agents), Measured::AgentsBefore).unwrap_or_default()
        }
        AgentTalk::SkillsLack => phrase("skills_lack"),
        AgentTalk::OthersRing => phrase("others_ring"),
        AgentTalk::CallbacksLater => phrase("callbacks_later"),
        AgentTalk::RecordingPaused => phrase("recording_paused"),
        AgentTalk::RecordingResumed => phrase("recording_resumed"),
        AgentTalk::NotRecorded => phrase("not_recorded"),
        AgentTalk::ClosedToday(hours) => of_hours(hours, "closed_today"),
        AgentTalk::HoursAsWritten(hours) => of_hours(hours, "hours_as_written"),
        AgentTalk::NoHours => phrase("no_hours"),
        AgentTalk::ToTakeCalls(code) => dial("to_take_calls", code),
        AgentTalk::ToEndIt(code) => dial("to_end_it", code),
        AgentTalk::Whisper { queue, waited } => whisper((languages, language), queue, *waited, exists),
    }
}

/// "Support. Waited two minutes." or, where the queue's name is not recorded, "A caller has waited two minutes."
fn whisper(
    (languages, language): (&Languages, &str),
    queue: &str,
    waited: Duration,
    exists: impl Fn(&str) -> bool,
) -> Vec<String> {
    let named = Some(format!("queues/{queue}")).filter(|name| exists(name));
    let (short, long) = match named {
        Some(_) => ("waited_less", "waited"),
        None => ("caller_has_waited_less", "caller_has_waited"),
    };
    let minutes = waited.as_secs() / 60;
    let wait = match minutes {
        0 => vec![format!("{FOLDER}{short}")],
        _ => match languages.measured(language, minutes, Measured::Minutes) {
            Some(number) => std::iter::once(format!("{FOLDER}{long}")).chain(number).collect(),
            None => Vec::new(),
        },
    };
    named.into_iter().chain(wait).collect()
}

/// A length of time that is still to come, rounded up.
fn in_seconds_or_minutes(length: Duration, seconds: Measured, minutes: Measured) -> (u64, Measured) {
    let whole = length.as_millis().div_ceil(1000).max(1);
    let whole = u64::try_from(whole).unwrap_or(u64::MAX);
    if whole <= IN_SECONDS_MAX { (whole, seconds) } else { (whole.div_ceil(60), minutes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: &str, talk: &AgentTalk, expected: &str) {
        let exists = |name: &str| ["phrases/pause/lunch", "phrases/hours/office", "queues/support"].contains(&name);
        let languages = Languages::built_in();
        let names = recordings(&languages, language, talk, exists);
        let short: Vec<&str> = names.iter().map(|name| name.trim_start_matches("phrases/")).collect();
        assert_eq!(short.join(" "), expected, "{talk:?} in {language}");
        if language != "fi" {
            let known = languages.phrases(language);
            let unknown = names.iter().find(|name| !exists(name) && !known.iter().any(|(phrase, _)| phrase == *name));
            assert_eq!(unknown, None, "{talk:?} is said in a phrase that there is not");
        }
    }

    #[test]
    fn lengths_of_time_are_told_in_seconds_and_then_in_minutes() {
        let seconds = Duration::from_secs;
        for (left, expected) in [
            (seconds(0), "agent/wrap_up_goes_on number/1 agent/more_second"),
            (Duration::from_millis(14_100), "agent/wrap_up_goes_on number/15 agent/more_seconds"),
            (seconds(120), "agent/wrap_up_goes_on number/1 number/hundred number/and number/20 agent/more_seconds"),
            (seconds(121), "agent/wrap_up_goes_on number/3 agent/more_minutes"),
        ] {
            check("en", &AgentTalk::WrapUp(left), expected);
        }
        check("en", &AgentTalk::Missed(seconds(5)), "agent/missed agent/next_in number/5 agent/seconds");
        check("en", &AgentTalk::Missed(seconds(1)), "agent/missed agent/next_in number/1 agent/second");
        check("es", &AgentTalk::Missed(seconds(1)), "agent/missed agent/next_in number/1_un agent/second");
        check("fi", &AgentTalk::Missed(seconds(5)), "agent/missed");
        check("fi", &AgentTalk::WrapUp(seconds(5)), "agent/wrap_up_goes_on");
    }

    #[test]
    fn a_whisper_names_the_queue_where_it_is_recorded() {
        let whisper = |queue: &str, seconds: u64| AgentTalk::Whisper {
            queue: queue.into(),
            waited: Duration::from_secs(seconds),
        };
        check("en", &whisper("support", 59), "queues/support agent/waited_less");
        check("en", &whisper("support", 60), "queues/support agent/waited number/1 queue/minute");
        check("en", &whisper("support", 150), "queues/support agent/waited number/2 queue/minutes");
        check("en", &whisper("sales", 10), "agent/caller_has_waited_less");
        check("en", &whisper("sales", 3600), "agent/caller_has_waited number/60 queue/minutes");
        check("fi", &whisper("support", 150), "queues/support");
    }

    #[test]
    fn codes_are_told_key_by_key() {
        check("en", &AgentTalk::ToTakeCalls("*11".into()), "agent/to_take_calls digit/star digit/1 digit/1");
        check("es", &AgentTalk::ToEndIt("#4".into()), "agent/to_end_it digit/hash digit/4");
    }

    #[test]
    fn every_sentence_is_a_phrase() {
        let reason = |reason: &str| AgentTalk::Paused(Some(reason.into()));
        check("en", &reason("lunch"), "pause/lunch");
        check("en", &reason("golf"), "agent/paused");
        check("en", &AgentTalk::ClosedToday(Some("office".into())), "hours/office agent/closed_today");
        check("en", &AgentTalk::AgentsBefore(1), "number/1 agent/agent_before");
        check("en", &AgentTalk::AgentsBefore(7), "number/7 agent/agents_before");
        check("en", &AgentTalk::AgentsBefore(11), "agent/many_before");
        for (talk, expected) in [
            (AgentTalk::Ready, "ready"),
            (AgentTalk::LoggedOut, "logged_out"),
            (AgentTalk::Paused(None), "paused"),
            (AgentTalk::PausedByMisses, "paused_by_misses"),
            (AgentTalk::WrapUpOver, "wrap_up_over"),
            (AgentTalk::NoWrapUp, "no_wrap_up"),
            (AgentTalk::NothingChanged, "nothing_changed"),
            (AgentTalk::AfterTheCall, "after_the_call"),
            (AgentTalk::InCall, "in_call"),
            (AgentTalk::Ringing, "ringing"),
            (AgentTalk::Unreachable, "unreachable"),
            (AgentTalk::NoQueue, "no_queue"),
            (AgentTalk::NobodyWaits, "nobody_waits"),
            (AgentTalk::NextIsYours, "next_is_yours"),
            (AgentTalk::SkillsLack, "skills_lack"),
            (AgentTalk::OthersRing, "others_ring"),
            (AgentTalk::CallbacksLater, "callbacks_later"),
            (AgentTalk::ClosedToday(None), "closed_today"),
            (AgentTalk::HoursAsWritten(Some("shop".into())), "hours_as_written"),
            (AgentTalk::NoHours, "no_hours"),
        ] {
            check("en", &talk, &format!("agent/{expected}"));
        }
    }
}
