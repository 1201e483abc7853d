//! The small things that are written in one word: lengths of time, numbers, keys, names.

use std::time::Duration;

use crate::flow::Value;
use crate::telephony::Digit;

/// Longest name of a flow, a step or a value, in characters.
pub const MAX_NAME: usize = 64;
/// Most keys of one choice.
pub const MAX_CHOICE_KEYS: usize = 8;
/// Most digits that a question can ask for.
pub const MAX_DIGITS: u8 = 64;

/// `20s`, `5m`, `1h30m`, `1m30s`, `500ms`: whole numbers with units, largest first.
pub fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = text.trim();
    let mut millis = 0_u64;
    let mut next_unit = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: u64 = rest[..digits].parse().ok()?;
        let letters = rest[digits..].len() - rest[digits..].trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let name = &rest[digits..digits + letters];
        let unit = next_unit + UNITS[next_unit..].iter().position(|(unit, _)| *unit == name)?;
        millis = millis.checked_add(count.checked_mul(UNITS[unit].1)?)?;
        next_unit = unit + 1;
        rest = &rest[digits + letters..];
    }
    Some(Duration::from_millis(millis))
}

/// A duration as it would be written.
pub fn written_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0 => "0s".to_owned(),
        _ if !millis.is_multiple_of(1000) => format!("{millis}ms"),
        _ if !millis.is_multiple_of(60_000) => format!("{}s", millis / 1000),
        _ if !millis.is_multiple_of(3_600_000) => format!("{}m", millis / 60_000),
        _ => format!("{}h", millis / 3_600_000),
    }
}

/// `6-8` or `4`: fewest and most digits, 1 to [`MAX_DIGITS`].
pub fn digit_range(text: &str) -> Option<(u8, u8)> {
    let number = |text: &str| {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse::<u8>().ok())?
    };
    let (shortest, longest) = match text.split_once('-') {
        Some((shortest, longest)) => (number(shortest)?, number(longest)?),
        None => (number(text)?, number(text)?),
    };
    (1 <= shortest && shortest <= longest && longest <= MAX_DIGITS).then_some((shortest, longest))
}

/// `true` or `false`, in the spellings of YAML 1.2.
pub fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A decimal number: `12`, `-3`, `24.50`; not `08`, `+4`, `1e3` or `1_000`, which are text.
pub fn number(text: &str) -> Option<Value> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    let numerals = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = if rest.contains('.') { fraction } else { "" };
    if !numerals(whole) || rest.contains('.') && !numerals(fraction) || fraction.len() > 9 {
        return None;
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    let units: i64 = format!("{}{whole}{fraction}", if negative { "-" } else { "" }).parse().ok()?;
    Some(Value::Number { units, places: u8::try_from(fraction.len()).expect("at most 9 were let through") })
}

/// The keys of a choice: `1`, `42`, `star`, `hash`, `*`, `#`, `A`.
pub fn keys(text: &str) -> Option<Vec<Digit>> {
    match text.to_ascii_lowercase().as_str() {
        "star" => return Some(vec![Digit::STAR]),
        "hash" | "pound" => return Some(vec![Digit::HASH]),
        _ => {}
    }
    let keys: Option<Vec<Digit>> = text.chars().map(|character| Digit::from_char(character).ok()).collect();
    keys.filter(|keys| (1..=MAX_CHOICE_KEYS).contains(&keys.len()))
}

/// The keys as they stand in the name of a recording: `1`, `42`, `star`, `hash`, `star_5`.
pub fn keys_in_name(keys: &[Digit]) -> String {
    let mut name = String::new();
    let mut after_word = false;
    for key in keys {
        let word = match *key {
            Digit::STAR => Some("star"),
            Digit::HASH => Some("hash"),
            _ => None,
        };
        if !name.is_empty() && (after_word || word.is_some()) {
            name.push('_');
        }
        match word {
            Some(word) => name.push_str(word),
            None => name.push(key.as_char()),
        }
        after_word = word.is_some();
    }
    name
}

/// Whether `text` can name a flow, a step or a file: letters, digits, `_` and `-`, as a letter or digit first.
pub fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Whether `text` can name a value: letters, digits and `_`, a letter first.
pub fn is_value_name(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The nearest text that is a name: `opening hours` becomes `opening_hours`.
pub fn as_name(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("_").to_lowercase().chars().take(MAX_NAME).collect()
}

/// Whether `text` is a language's code: `en`, `pt-BR`.
pub fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or("");
    (2..=3).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_lowercase())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether `text` is the name of a recording: names joined by `/`, dots within them.
pub fn is_recording(text: &str) -> bool {
    text.len() <= 200
        && text.split('/').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        })
}

/// What callers dial: a number, with a plus or not, or the user part of an address such as `support`.
pub fn is_dialled(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() || text.len() > MAX_NAME {
        return false;
    }
    let number = rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    let word = !text.starts_with('+')
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    number || word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text: &str, millis: Option<u64>| {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        };
        check("20s", Some(20_000));
        check("5m", Some(300_000));
        check("1h30m", Some(5_400_000));
        check("400d", Some(34_560_000_000));
        check("500ms", Some(500));
        check("1m500ms", Some(60_500));
        check("0s", Some(0));
        for wrong in [
            "",
            "5",
            "s",
            "30m1h",
            "5s5s",
            "5 s",
            "-5s",
            "1.5s",
            "5sec",
            "99999999999999999999s",
            "9999999999999999999h",
        ] {
            check(wrong, None);
        }
        assert_eq!(written_duration(Duration::from_secs(90)), "90s");
        assert_eq!(written_duration(Duration::from_secs(600)), "10m");
    }

    #[test]
    fn digit_ranges() {
        let check = |text: &str, expected: Option<(u8, u8)>| assert_eq!(digit_range(text), expected, "{text}");
        check("6-8", Some((6, 8)));
        check("4", Some((4, 4)));
        check("1 - 64", Some((1, 64)));
        for wrong in ["0", "8-6", "1-65", "", "-", "6-", "-6", "+4", "six", "6-8-9", "300"] {
            check(wrong, None);
        }
    }

    #[test]
    fn numbers_and_texts() {
        let check = |text: &str, expected: Option<(i64, u8)>| {
            let expected = expected.map(|(units, places)| Value::Number { units, places });
            assert!(number(text) == expected, "{text}");
        };
        check("24.50", Some((2450, 2)));
        check("-3", Some((-3, 0)));
        check("0", Some((0, 0)));
        check("0.5", Some((5, 1)));
        for wrong in ["08", "+44", "1e3", "1_000", "0x10", "1.", ".5", "", "-", "1.1234567890", "9223372036854775808"] {
            check(wrong, None);
        }
    }

    #[test]
    fn keys_have_names() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(keys(text).map(|keys| keys_in_name(&keys)).as_deref(), expected, "{text}");
        };
        check("1", Some("1"));
        check("42", Some("42"));
        check("star", Some("star"));
        check("#", Some("hash"));
        check("*5", Some("star_5"));
        check("**", Some("star_star"));
        check("a", Some("A"));
        for wrong in ["", "x", "one", "123456789", "-1"] {
            check(wrong, None);
        }
    }

    #[test]
    fn names() {
        assert!(
            is_name("opening_hours") && is_name("1st") && !is_name("opening hours") && !is_name("") && !is_name("a.b")
        );
        assert!(
            is_language("en")
                && is_language("pt-BR")
                && is_language("no")
                && !is_language("EN")
                && !is_language("english")
        );
        assert!(is_recording("main/jingle") && !is_recording("../x") && !is_recording("/x") && !is_recording("a//b"));
        assert!(is_dialled("+442079460000") && is_dialled("1000") && is_dialled("support"));
        assert!(!is_dialled("+44 20") && !is_dialled("+") && !is_dialled("") && !is_dialled("+support"));
        assert_eq!(as_name("Opening hours!"), "opening_hours");
    }
}
