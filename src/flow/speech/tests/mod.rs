//! What is said is understood: phrases are read back by a second, slower road.

mod faults;
mod independent;
mod page;
mod understood;

use super::*;
use crate::flow::document::{self, Known, Source};

/// A Friday.
const NOW: &str = "2026-12-18T17:30:00Z";

fn setting(time_zone: &TimeZone) -> Setting<'_> {
    Setting { wall: NOW.parse().expect("a time"), time_zone, currency: Some(Currency::Gbp), near_days: true }
}

fn text_of(phrases: &Phrases) -> String {
    words(&Languages::built_in(), "en", phrases)
}

/// The languages that are built in, and German as an operator would add it.
fn with_german() -> Languages {
    let text = include_str!("../../../../tests/data/languages/de/language.yaml").to_owned();
    let languages = [Source { file: "prompts/de/language.yaml".to_owned(), text }];
    let flow = "flow: main\nnumbers: [any]\nlanguages: [de]\nstart: a\nsteps:\n  a: {say: Hallo.}\n".to_owned();
    let flow = [Source { file: "flow.yaml".to_owned(), text: flow }];
    let prompts = std::collections::BTreeSet::new();
    let reading = document::read(&flow, &Known { languages: &languages, ..Known::of(&prompts) });
    let flows = reading.flows.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics));
    Languages::clone(&flows.languages)
}

/// What is said, with a space between any two phrases.
fn words(languages: &Languages, language: &str, phrases: &Phrases) -> String {
    let known = languages.phrases(language);
    let words: Vec<&str> = phrases
        .names()
        .map(|name| {
            let found = known.iter().find(|(phrase, _)| phrase.strip_prefix("phrases/") == Some(name));
            found.map(|(_, text)| text.as_str()).unwrap_or_else(|| panic!("no phrase is called {name} in {language}"))
        })
        .collect();
    words.join(" ")
}

/// A value as these languages say it.
fn said_in(languages: &Languages, language: &str, value: &str, format: SpokenAs, near_days: bool) -> Option<String> {
    let zone = TimeZone::get("Europe/London").expect("a zone");
    let setting = Setting { near_days, ..setting(&zone) };
    let phrases = languages.speak(language, &Value::Text(value.into()), format, &setting)?;
    Some(words(languages, language, &phrases))
}

fn english() -> &'static [(String, String)] {
    static PHRASES: std::sync::OnceLock<Vec<(String, String)>> = std::sync::OnceLock::new();
    PHRASES.get_or_init(|| Languages::built_in().phrases("en"))
}

fn speak(language: &str, value: &Value, format: SpokenAs, setting: &Setting<'_>) -> Option<Phrases> {
    Languages::built_in().speak(language, value, format, setting)
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
            ("9:00", Some("nine A M")),
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
        SpokenAs::Duration,
        SpokenAs::Ruled(RulesName(0)),
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
    assert!(!Languages::built_in().phrases("xx").iter().any(|(name, _)| name.starts_with("phrases/number/")));
}

#[test]
fn today_is_told_by_its_name_where_it_is_asked_for() {
    let zone = TimeZone::UTC;
    let setting = Setting { near_days: false, ..setting(&zone) };
    let now = Value::Time(NOW.parse().expect("a time"));
    let phrases = speak("en", &now, SpokenAs::Day, &setting).expect("a day");
    assert_eq!(text_of(&phrases), "Friday the eighteenth of December");
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
                let (hour, minutes) = clock.split_once(' ').unwrap_or((clock, "zero"));
                let minutes = understood::number("en", minutes.strip_prefix("oh ").unwrap_or(minutes));
                understood::number("en", hour) % 12 * 60 + minutes + if half == " P M" { 12 * 60 } else { 0 }
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

/// What people say in Spain.
#[test]
fn spanish_is_said_as_people_say_it() {
    let mut languages = Languages::clone(&Languages::built_in());
    let mut by = |name: &str| SpokenAs::Ruled(languages.name_rules(name));
    let [ordinal, minutes, feminine] = [by("ordinal"), by("minutes"), by("feminine")];
    for (value, format, expected) in [
        ("0042", SpokenAs::Digits, "cero cero cuatro dos"),
        ("+34*#", SpokenAs::Digits, "más tres cuatro asterisco almohadilla"),
        ("100", SpokenAs::Number, "cien"),
        ("-3.05", SpokenAs::Number, "menos tres coma cero cinco"),
        ("21000", SpokenAs::Number, "veintiún mil"),
        ("1101", SpokenAs::Number, "mil ciento uno"),
        ("31021", SpokenAs::Number, "treinta y un mil veintiuno"),
        ("2000000", SpokenAs::Number, "dos millones"),
        ("24.5", SpokenAs::Money, "veinticuatro libras con cincuenta peniques"),
        ("1", SpokenAs::Money, "una libra"),
        ("221", SpokenAs::Money, "doscientas veintiuna libras"),
        ("21 EUR", SpokenAs::Money, "veintiún euros"),
        ("1000000 EUR", SpokenAs::Money, "un millón de euros"),
        ("1.01 EUR", SpokenAs::Money, "un euro con un céntimo"),
        ("2.50 USD", SpokenAs::Money, "dos dólares con cincuenta centavos"),
        ("0", SpokenAs::Money, "cero libras"),
        ("today", SpokenAs::Day, "hoy"),
        ("tomorrow", SpokenAs::Day, "mañana"),
        ("2026-12-24", SpokenAs::Day, "el jueves veinticuatro de diciembre"),
        ("2027-03-01", SpokenAs::Day, "el lunes primero de marzo de dos mil veintisiete"),
        ("13:00", SpokenAs::Time, "la una de la tarde"),
        ("09:00", SpokenAs::Time, "las nueve de la mañana"),
        ("17:30", SpokenAs::Time, "las cinco y media de la tarde"),
        ("17:15", SpokenAs::Time, "las cinco y cuarto de la tarde"),
        ("17:45", SpokenAs::Time, "las cinco y cuarenta y cinco de la tarde"),
        ("00:00", SpokenAs::Time, "las doce de la noche"),
        ("12:00", SpokenAs::Time, "las doce del mediodía"),
        ("03:05", SpokenAs::Time, "las tres y cinco de la madrugada"),
        ("21:10", SpokenAs::Time, "las nueve y diez de la noche"),
        ("2026-12-21T09:00:00Z", SpokenAs::DayTime, "el lunes veintiuno de diciembre a las nueve de la mañana"),
        ("90", SpokenAs::Duration, "un minuto y treinta segundos"),
        ("1h30m", SpokenAs::Duration, "una hora y treinta minutos"),
        ("2d", SpokenAs::Duration, "dos días"),
        ("21h1s", SpokenAs::Duration, "veintiuna horas"),
        ("3", ordinal, "tercero"),
        ("1", minutes, "un minuto"),
        ("1000000", minutes, "un millón de minutos"),
        ("231", feminine, "doscientas treinta y una"),
    ] {
        assert_eq!(said_in(&languages, "es", value, format, true).as_deref(), Some(expected), "{value} as {format:?}");
    }
    assert_eq!(
        said_in(&languages, "es", "today", SpokenAs::Day, false).as_deref(),
        Some("viernes dieciocho de diciembre"),
        "after \"hoy es\""
    );
    let place = |place| words(&languages, "es", &languages.place("es", place).expect("a place is said"));
    assert_eq!(place(SpokenPlace::Number(3)), "Usted es el número tres de la cola.");
    assert_eq!(place(SpokenPlace::Next), "Usted es el siguiente en la cola.");
    let wait = |minutes| words(&languages, "es", &languages.wait("es", minutes).expect("a wait is said"));
    assert_eq!(wait(SpokenWaitMinutes::Minutes(1)), "La espera será de aproximadamente un minuto.");
    assert_eq!(wait(SpokenWaitMinutes::Minutes(15)), "La espera será de aproximadamente quince minutos.");
}

#[test]
fn counted_things_and_lengths_are_said_in_english() {
    let mut languages = Languages::clone(&Languages::built_in());
    let mut by = |name: &str| SpokenAs::Ruled(languages.name_rules(name));
    let [ordinal, minutes, unknown] = [by("ordinal"), by("minutes"), by("parsecs")];
    for (value, format, expected) in [
        ("3", ordinal, "third"),
        ("21", ordinal, "twenty first"),
        ("100", ordinal, "one hundredth"),
        ("1112", ordinal, "one thousand one hundred and twelfth"),
        ("1", minutes, "one minute"),
        ("05", minutes, "five minutes"),
        // What rules cannot say is told as a number.
        ("2.5", minutes, "two point five"),
        ("7", unknown, "seven"),
        ("3600", SpokenAs::Duration, "one hour"),
        ("90061", SpokenAs::Duration, "one day and one hour"),
        ("59", SpokenAs::Duration, "fifty-nine seconds"),
        ("0", SpokenAs::Duration, "zero seconds"),
        ("61m", SpokenAs::Duration, "one hour and one minute"),
    ] {
        assert_eq!(said_in(&languages, "en", value, format, true).as_deref(), Some(expected), "{value} as {format:?}");
    }
    for wrong in ["-5", "soon", ""] {
        assert_eq!(said_in(&languages, "en", wrong, SpokenAs::Duration, true), None, "{wrong}");
    }
}

#[test]
fn german_is_said_by_its_file_alone() {
    let languages = with_german();
    for (value, format, expected) in [
        ("21", SpokenAs::Number, "ein und zwanzig"),
        ("1", SpokenAs::Number, "eins"),
        ("17", SpokenAs::Number, "sieb zehn"),
        ("101", SpokenAs::Number, "ein hundert eins"),
        ("1", SpokenAs::Money, "ein Pfund"),
        ("21.01 EUR", SpokenAs::Money, "ein und zwanzig Euro und ein Cent"),
        ("17:30", SpokenAs::Time, "sieb zehn Uhr drei ßig"),
        ("2026-12-24", SpokenAs::Day, "Donnerstag der vierundzwanzigste Dezember"),
        ("1999-01-03", SpokenAs::Day, "Sonntag der dritte Januar neun zehn hundert neun und neunzig"),
        ("1h1m", SpokenAs::Duration, "eine Stunde und eine Minute"),
    ] {
        let expected = expected.replace("drei ßig", "dreißig");
        assert_eq!(said_in(&languages, "de", value, format, true), Some(expected), "{value} as {format:?}");
    }
    // Near days and the others stay what they were.
    assert_eq!(said_in(&languages, "en", "21", SpokenAs::Number, true).as_deref(), Some("twenty-one"));
}

/// Nothing built in lacks anything that is told to operators of their own files.
#[test]
fn the_languages_that_are_built_in_are_whole() {
    let prompts = std::collections::BTreeSet::new();
    for (tag, text) in BUILT_IN {
        let languages = [Source { file: format!("prompts/{tag}/language.yaml"), text: text.to_owned() }];
        let reading = document::read(&[], &Known { languages: &languages, ..Known::of(&prompts) });
        let faults: Vec<_> = reading.diagnostics.iter().filter(|fault| !fault.file.is_empty()).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}
