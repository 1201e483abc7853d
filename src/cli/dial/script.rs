//! What a caller keys and when, as `--keys` tells it.

use std::sync::Arc;
use std::time::Duration;

use crate::telephony::Digit;

/// How long a comma waits.
pub const PAUSE: Duration = Duration::from_secs(1);
/// From one key to the next: 100 ms of tone, and the silence that ITU-T Q.24 wants between two with some to spare.
pub const KEY_SPACING: Duration = Duration::from_millis(200);
/// Characters in a script, at most.
pub const SCRIPT_CHARACTERS_MAX: usize = 1_000;

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// How long after the answer.
    pub after: Duration,
    /// Which.
    pub digit: Digit,
}

/// Why a text is no script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptFault {
    /// Neither a key nor a pause.
    #[error("`{0}` is no key: 0 to 9, *, #, A to D and the comma (a pause of a second) are, as in `,,1,123456#`")]
    NoKey(char),
    /// More than [`SCRIPT_CHARACTERS_MAX`].
    #[error("the script is longer than {SCRIPT_CHARACTERS_MAX} characters")]
    TooLong,
}

/// Reads a script; blanks between keys mean nothing.
///
/// # Errors
/// `NoKey` for the first character that is none, `TooLong`.
pub fn parse(text: &str) -> Result<Arc<[Press]>, ScriptFault> {
    if text.chars().count() > SCRIPT_CHARACTERS_MAX {
        return Err(ScriptFault::TooLong);
    }
    let mut after = Duration::ZERO;
    let mut presses = Vec::new();
    for character in text.chars().filter(|character| !character.is_whitespace()) {
        if character == ',' {
            after += PAUSE;
            continue;
        }
        let digit = Digit::from_char(character).map_err(|_| ScriptFault::NoKey(character))?;
        presses.push(Press { after, digit });
        after += KEY_SPACING;
    }
    Ok(presses.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_wait_and_keys_keep_their_distance() {
        let check = |text: &str, expected: &[(u64, char)]| {
            let told: Vec<(u64, char)> = parse(text)
                .expect("a script")
                .iter()
                .map(|press| (press.after.as_millis() as u64, press.digit.as_char()))
                .collect();
            assert_eq!(told, expected, "{text}");
        };
        check("", &[]);
        check(",,", &[]);
        check("2", &[(0, '2')]);
        check(",,1", &[(2_000, '1')]);
        check("2,123#", &[(0, '2'), (1_200, '1'), (1_400, '2'), (1_600, '3'), (1_800, '#')]);
        check("* a", &[(0, '*'), (200, 'A')]);
    }

    #[test]
    fn what_is_no_key_is_named() {
        assert_eq!(parse("1;2"), Err(ScriptFault::NoKey(';')));
        assert_eq!(parse(&",".repeat(SCRIPT_CHARACTERS_MAX + 1)), Err(ScriptFault::TooLong));
        assert!(parse(&",".repeat(SCRIPT_CHARACTERS_MAX)).is_ok());
    }
}
