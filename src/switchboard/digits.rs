//! One press, one key: phones that tell a key two ways at once are taken at their first word.

use std::time::Duration;

use crate::clock::Moment;
use crate::telephony::{Digit, DigitSource};

/// The same key, heard as a tone so long before, is the same press.
const SAME_PRESS: Duration = Duration::from_secs(5);

/// Which way the keys of a leg come.
///
/// The first source owns the leg's keys, and what comes another way is a repetition. Tones are a guess, though: the
/// first key that is signalled takes the leg over from them, and counts unless it is the tone's own press. All of it holds
/// as long as telephone-events are agreed, or are not: whoever agrees otherwise in a re-INVITE is another phone, perhaps.
#[derive(Debug, Default)]
pub(super) struct DigitOwner {
    owner: Option<DigitSource>,
    last_tone: Option<(Moment, Digit)>,
    /// Whether telephone-events were agreed when the last key came.
    events: bool,
}

impl DigitOwner {
    /// Whether the key counts. `events`: whether telephone-events are agreed.
    pub(super) fn counts(&mut self, now: Moment, digit: Digit, source: DigitSource, events: bool) -> bool {
        if events != self.events {
            *self = DigitOwner { events, ..DigitOwner::default() };
        }
        let counts = match (self.owner, source) {
            (None, _) => true,
            (Some(owner), source) if owner == source => true,
            (Some(DigitSource::Inband), _) => {
                !self.last_tone.is_some_and(|(at, tone)| tone == digit && now.since(at) < SAME_PRESS)
            }
            (Some(_), _) => return false,
        };
        self.owner = Some(source);
        if source == DigitSource::Inband {
            self.last_tone = Some((now, digit));
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each press as (milliseconds, key, source letter), capital where telephone-events are agreed; those that count are
    /// listed after it.
    fn check(what: &str, presses: &[(u64, char, char)], expected: &str) {
        let mut owner = DigitOwner::default();
        let mut counted = String::new();
        for (millis, key, source) in presses {
            let events = source.is_ascii_uppercase();
            let source = match source.to_ascii_lowercase() {
                'r' => DigitSource::Rtp,
                'i' => DigitSource::Info,
                _ => DigitSource::Inband,
            };
            let digit = Digit::from_char(*key).expect("a key");
            if owner.counts(Moment::from_millis(*millis), digit, source, events) {
                counted.push(*key);
            }
        }
        assert_eq!(counted, expected, "{what}");
    }

    #[test]
    fn each_press_counts_once() {
        check("one way", &[(0, '1', 'r'), (50, '1', 'r'), (400, '2', 'r')], "112");
        check("RTP, then INFO", &[(0, '1', 'r'), (90, '1', 'i'), (900, '2', 'i'), (950, '2', 'r')], "12");
        check("INFO, then RTP", &[(0, '1', 'i'), (20, '1', 'r'), (500, '2', 'r'), (520, '2', 'i')], "12");
        check("a long press", &[(0, '5', 'r'), (9_000, '5', 'i')], "5");
        check("tones, then INFO", &[(0, '1', 't'), (90, '1', 'i'), (800, '2', 't'), (890, '2', 'i')], "12");
        check("a voice like a tone", &[(0, '3', 't'), (90, '1', 'i'), (800, '3', 't'), (890, '2', 'i')], "312");
        check("a voice like a tone, long ago", &[(0, '1', 't'), (60_000, '1', 'r'), (60_010, '1', 't')], "11");
        check(
            "telephone-events that are no longer agreed",
            &[(0, '1', 'R'), (900, '1', 't'), (1_500, '2', 't')],
            "112",
        );
        check("telephone-events that are agreed later", &[(0, '1', 't'), (900, '1', 'R'), (1_000, '1', 'T')], "11");
        check("INFO whatever is agreed", &[(0, '1', 'I'), (900, '2', 'i'), (910, '2', 't')], "12");
        check("tones alone", &[(0, '1', 't'), (200, '1', 't')], "11");
    }
}
