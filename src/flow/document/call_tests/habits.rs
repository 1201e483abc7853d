//! What agents do, in an operator's words: `busy for 6m`, `logged out`, `ready after 90s, answers after 3s`.

use std::time::Duration;

use crate::flow::call_test::Habit;
use crate::flow::document::scalar;

/// The longest time that can be written in a test.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// How a habit begins, the word before its length of time if it takes one, and what it is without and with one.
type Phrase = (&'static str, Option<Habit>, Option<(&'static str, fn(Duration) -> Habit)>);

const PHRASES: [Phrase; 9] = [
    ("ready", Some(Habit::Ready), Some(("after", Habit::ReadyAfter))),
    ("busy", None, Some(("for", Habit::Busy))),
    ("logged out", Some(Habit::LoggedOut), None),
    ("paused", Some(Habit::Paused), None),
    ("unreachable", Some(Habit::Unreachable), None),
    ("answers", None, Some(("after", Habit::AnswersAfter))),
    ("misses calls", Some(Habit::Misses), None),
    ("refuses calls", Some(Habit::Refuses), None),
    ("talks", None, Some(("for", Habit::TalksFor))),
];

/// Every phrase, as an example of it.
pub(crate) const EXAMPLES: [&str; 10] = [
    "ready",
    "ready after 90s",
    "busy for 6m",
    "logged out",
    "paused",
    "unreachable",
    "answers after 3s",
    "misses calls",
    "refuses calls",
    "talks for 2m",
];

/// What telephones outside of the house do, as examples of it.
pub(crate) const TELEPHONE_EXAMPLES: [&str; 6] =
    ["busy", "unreachable", "answers after 3s", "misses calls", "refuses calls", "talks for 2m"];

/// The habit of one phrase.
pub(super) fn habit(text: &str) -> Option<Habit> {
    let words = text.replace('_', " ").to_lowercase();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    PHRASES.iter().find_map(|(begins, alone, timed)| {
        let first = begins.split(' ').next().unwrap_or(begins);
        if words == *begins || words == first && alone.is_some() && *begins != "logged out" {
            return *alone;
        }
        let (before, of) = (*timed)?;
        let rest = words.strip_prefix(begins)?.strip_prefix(' ')?;
        let length = scalar::duration(rest.strip_prefix(before).unwrap_or(rest).trim())?;
        (length <= LONGEST).then(|| of(length))
    })
}

/// Phrases joined by commas; the first that is none otherwise.
///
/// # Errors
/// The phrase that is no habit.
pub fn habits(text: &str) -> Result<Vec<Habit>, &str> {
    text.split(',').map(|phrase| habit(phrase).ok_or(phrase.trim())).collect()
}

/// The same of a telephone outside of the house, which is nobody's at work.
///
/// # Errors
/// The phrase that is nothing a telephone does.
pub fn telephone_habits(text: &str) -> Result<Vec<Habit>, &str> {
    let of_telephone = |phrase: &str| match phrase.trim() {
        "busy" => Some(Habit::Refuses),
        phrase => habit(phrase).filter(|habit| habit.is_of_telephone() || *habit == Habit::Unreachable),
    };
    text.split(',').map(|phrase| of_telephone(phrase).ok_or(phrase.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_understood() {
        for example in EXAMPLES {
            assert!(habit(example).is_some(), "{example}");
        }
        for example in TELEPHONE_EXAMPLES {
            assert!(telephone_habits(example).is_ok(), "{example}");
        }
        assert_eq!(
            telephone_habits("busy, talks for 1m"),
            Ok(vec![Habit::Refuses, Habit::TalksFor(Duration::from_secs(60))])
        );
        assert_eq!(telephone_habits("answers after 3s, logged out"), Err("logged out"));
    }

    #[test]
    fn phrases_are_understood_as_they_are_said() {
        let seconds = Duration::from_secs;
        for (text, expected) in [
            ("busy for 6m", Ok(vec![Habit::Busy(seconds(360))])),
            ("busy 6m", Ok(vec![Habit::Busy(seconds(360))])),
            ("logged_out", Ok(vec![Habit::LoggedOut])),
            ("misses", Ok(vec![Habit::Misses])),
            (
                "Ready after 90s,  answers after 0s",
                Ok(vec![Habit::ReadyAfter(seconds(90)), Habit::AnswersAfter(seconds(0))]),
            ),
            ("busy", Err("busy")),
            ("busy for ever", Err("busy for ever")),
            ("logged", Err("logged")),
            ("ready, asleep", Err("asleep")),
            ("talks for 25h", Err("talks for 25h")),
            ("", Err("")),
        ] {
            assert_eq!(habits(text), expected, "{text}");
        }
    }
}
