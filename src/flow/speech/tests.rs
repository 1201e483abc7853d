//! What is said is understood: phrases are read back by a second, slower road.

use super::*;

/// A Friday.
const NOW: &str = "2026-12-18T17:30:00Z";

fn setting(time_zone: &TimeZone) -> Setting<'_> {
    Setting { wall: NOW.parse().expect("a time"), time_zone, currency: Some(Currency::Gbp), near_days: true }
}

fn text_of(phrases: &Phrases) -> String {
    let known = english();
    let words: Vec<&str> = phrases
        .names()
        .map(|name| {
            let found = known.iter().find(|(phrase, _)| phrase.strip_prefix("phrases/") == Some(name));
            found.map(|(_, text)| text.as_str()).unwrap_or_else(|| panic!("no phrase is called {name}"))
        })
        .collect();
    words.join(" ")
}

fn english() -> &'static [(String, String)] {
    static PHRASES: std::sync::OnceLock<Vec<(String, String)>> = std::sync::OnceLock::new();
    PHRASES.get_or_init(|| phrases("en"))
}

fn said(value: &str, format: SpokenAs) -> Option<String> {
    let zone = TimeZone::get("Europe/London").expect("a zone");
    speak("en", &Value::Text(value.into()), format, &setting(&zone)).map(|phrases| text_of(&phrases))
}

#[test]
fn values_are_said_as_people_say_them() {
    let check = |format: SpokenAs, cases: &[(&str, Option<&str>)]| {
        for (value, expected) in cases {
            assert_eq!(said(value, format).as_deref(), *expected, "{value} as {format:?}");
        }
    };
    check(
        SpokenAs::Digits,
        &[
            ("0042", Some("zero zero four two")),
            ("+44 20-7", Some("plus four four two zero seven")),
            ("*#", Some("star hash")),
            ("", None),
            ("4x", None),
        ],
    );
    check(
        SpokenAs::Number,
        &[
            ("0", Some("zero")),
            ("0042", Some("forty-two")),
            ("105", Some("one hundred and five")),
            ("1205", Some("one thousand two hundred and five")),
            ("1005", Some("one thousand and five")),
            ("2000000", Some("two million")),
            (
                "999999999999",
                Some(
                    "nine hundred and ninety-nine billion nine hundred and ninety-nine million nine hundred and ninety-nine thousand nine hundred and ninety-nine",
                ),
            ),
            ("1000000000000", None),
            ("-3.05", Some("minus three point zero five")),
            ("-0", Some("zero")),
            ("2.", None),
            (".5", None),
            ("1e3", None),
            ("", None),
        ],
    );
    check(
        SpokenAs::Money,
        &[
            ("24.5", Some("twenty-four pounds and fifty pence")),
            ("1.01", Some("one pound and one penny")),
            ("0.99", Some("ninety-nine pence")),
            ("0", Some("zero pounds")),
            ("-5", Some("minus five pounds")),
            ("2.995", Some("three pounds")),
            ("1 EUR", Some("one euro")),
            ("USD 2.01", Some("two dollars and one cent")),
            ("$3", Some("three dollars")),
            ("€0.02", Some("two cents")),
            ("ten", None),
        ],
    );
    check(
        SpokenAs::Day,
        &[
            ("today", Some("today")),
            ("2026-12-19", Some("tomorrow")),
            ("yesterday", Some("yesterday")),
            ("2026-12-24", Some("Thursday the twenty-fourth of December")),
            ("2027-03-01", Some("Monday the first of March twenty twenty-seven")),
            ("2005-03-01", Some("Tuesday the first of March two thousand and five")),
            ("1999-12-31", Some("Friday the thirty-first of December nineteen ninety-nine")),
            ("1905-01-02", Some("Monday the second of January nineteen oh five")),
            ("2026-06-30T23:30:00Z", Some("Wednesday the first of July")),
            ("2026-02-30", None),
            ("soon", None),
        ],
    );
    check(
        SpokenAs::Time,
        &[
            ("9:00", Some("nine o'clock A M")),
            ("09:05", Some("nine oh five A M")),
            ("17:30", Some("five thirty P M")),
            ("00:00", Some("midnight")),
            ("12:00", Some("noon")),
            ("00:10", Some("twelve ten A M")),
            ("2026-07-01T17:30:00Z", Some("six thirty P M")),
            ("2026-07-01", None),
            ("24:00", None),
            ("now", Some("five thirty P M")),
        ],
    );
}

#[test]
fn what_cannot_be_said_is_nothing() {
    let zone = TimeZone::UTC;
    let formats = [
        SpokenAs::Digits,
        SpokenAs::Number,
        SpokenAs::Money,
        SpokenAs::Day,
        SpokenAs::Time,
        SpokenAs::DayTime,
        SpokenAs::Word,
    ];
    for format in formats {
        assert_eq!(speak("en", &Value::Secret("1234".into()), format, &setting(&zone)), None, "{format:?}");
    }
    assert_eq!(speak("xx", &Value::Text("5".into()), SpokenAs::Number, &setting(&zone)), None);
    assert!(speak("xx", &Value::Text("5".into()), SpokenAs::Digits, &setting(&zone)).is_some());
    assert!(speak("en-GB", &Value::Text("5".into()), SpokenAs::Number, &setting(&zone)).is_some());
    let without = Setting { currency: None, ..setting(&zone) };
    assert_eq!(speak("en", &Value::Text("5".into()), SpokenAs::Money, &without), None);
    assert!(speak("en", &Value::Text("5 EUR".into()), SpokenAs::Money, &without).is_some());
    assert!(phrases("xx").is_empty());
}

#[test]
fn today_is_told_by_its_name_where_it_is_asked_for() {
    let zone = TimeZone::UTC;
    let setting = Setting { near_days: false, ..setting(&zone) };
    let now = Value::Time(NOW.parse().expect("a time"));
    let phrases = speak("en", &now, SpokenAs::Day, &setting).expect("a day");
    assert_eq!(text_of(&phrases), "Friday the eighteenth of December");
}

/// Reads an English whole number: what was said comes back.
fn understood(text: &str) -> u64 {
    let words = english();
    let (mut total, mut group) = (0, 0);
    for word in text.split(' ') {
        match word {
            "and" => {}
            "hundred" => group *= 100,
            "thousand" | "million" | "billion" => {
                let size = match word {
                    "thousand" => 1_000,
                    "million" => 1_000_000,
                    _ => 1_000_000_000,
                };
                total += group * size;
                group = 0;
            }
            _ => {
                let (name, _) = words
                    .iter()
                    .find(|(name, text)| text == word && name.starts_with("phrases/number/"))
                    .unwrap_or_else(|| panic!("{word} is no number"));
                group += name["phrases/number/".len()..].parse::<u64>().expect("the name ends in the number");
            }
        }
    }
    total + group
}

#[test]
fn every_number_is_understood() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let sampled = (0..20_000).map(|_| random.u64(0..=1_000_000));
    let large: Vec<u64> = (0..12).flat_map(|power| [10_u64.pow(power) - 1, 10_u64.pow(power), LARGEST]).collect();
    for number in (0..2_000).chain(sampled).chain(large) {
        let text = said(&number.to_string(), SpokenAs::Number).expect("a number is said");
        assert_eq!(understood(&text), number, "{text}");
    }
}

#[test]
fn every_day_of_a_year_is_told_apart() {
    let zone = TimeZone::UTC;
    let setting = Setting { near_days: false, ..setting(&zone) };
    let mut told = std::collections::BTreeSet::new();
    let mut date = jiff::civil::date(2026, 1, 1);
    while date.year() == 2026 {
        let phrases = speak("en", &Value::Text(date.to_string()), SpokenAs::Day, &setting).expect("a day is said");
        let text = text_of(&phrases);
        let weekday = format!("{:?}", date.weekday());
        assert!(text.starts_with(&weekday), "{date}: {text}");
        assert!(text.ends_with(&date.strftime("%B").to_string()), "{date}: {text}");
        let day = phrases.names().find_map(|name| name.strip_prefix("date/")?.parse::<i8>().ok());
        assert_eq!(day, Some(date.day()), "{text}");
        assert!(told.insert(text));
        date = date.tomorrow().expect("there is a next day");
    }
    assert_eq!(told.len(), 365);
}

#[test]
fn every_minute_of_a_day_is_understood() {
    for minute in 0..24 * 60_u64 {
        let text = said(&format!("{:02}:{:02}", minute / 60, minute % 60), SpokenAs::Time).expect("a time is said");
        let back = match text.as_str() {
            "midnight" => 0,
            "noon" => 12 * 60,
            _ => {
                let (clock, half) = text.split_at(text.len() - 4);
                let (hour, minutes) = clock.split_once(' ').expect("an hour and something");
                let minutes = match minutes.strip_prefix("oh ").unwrap_or(minutes) {
                    "o'clock" => 0,
                    number => understood(number),
                };
                understood(hour) % 12 * 60 + minutes + if half == " P M" { 12 * 60 } else { 0 }
            }
        };
        assert_eq!(back, minute, "{text}");
    }
}

#[test]
fn no_phrase_is_written_twice() {
    let mut names: Vec<&str> = english().iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(english().iter().all(|(_, text)| !text.is_empty()));
}
