//! What is said is what an independent program says, num2words of PyPI: tests/data/languages/spoken/make.py wrote it down.

use super::*;

const SPOKEN: [(&str, &str); 3] = [
    ("en", include_str!("../../../../tests/data/languages/spoken/en.txt")),
    ("es", include_str!("../../../../tests/data/languages/spoken/es.txt")),
    ("de", include_str!("../../../../tests/data/languages/spoken/de.txt")),
];

/// Helpline joins recordings: hyphens are not heard, nor the spaces within a German number.
fn heard(language: &str, kind: &str, text: &str) -> String {
    let text = text.replace('-', " ");
    match (language, kind) {
        ("de", "number" | "date") => text.replace(' ', ""),
        _ => text,
    }
}

#[test]
fn numbers_and_dates_are_said_as_another_program_says_them() {
    let mut languages = with_german();
    let ordinal = SpokenAs::Ruled(languages.name_rules("ordinal"));
    let date = SpokenAs::Ruled(languages.name_rules("day_of_month"));
    let year = SpokenAs::Ruled(languages.name_rules("year"));
    let mut differing = Vec::new();
    for (language, spoken) in SPOKEN {
        let mut compared = 0;
        for line in spoken.lines() {
            let mut parts = line.splitn(3, ' ');
            let (Some(kind), Some(value), Some(expected)) = (parts.next(), parts.next(), parts.next()) else {
                panic!("{line} is no line of make.py");
            };
            let format = match kind {
                "number" => SpokenAs::Number,
                "ordinal" => ordinal,
                "date" => date,
                "year" => year,
                "day" => SpokenAs::Day,
                _ => panic!("nothing is said as {kind}"),
            };
            let said = said_in(&languages, language, value, format, false).expect("all can be said");
            // Of another year the year is told; the program was not asked for it.
            let said = said.strip_suffix(" twenty twenty-seven").unwrap_or(&said);
            let said = said.strip_suffix(" de dos mil veintisiete").unwrap_or(said);
            let said = said.strip_suffix(" zwei tausend sieben und zwanzig").unwrap_or(said);
            let said = heard(language, kind, said);
            if said != expected {
                differing.push(format!("{language} {kind} {value}: {said}, and the other says {expected}"));
            }
            compared += 1;
        }
        assert!(compared > 900, "only {compared} were compared in {language}");
    }
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing[..differing.len().min(40)].join("\n"));
}
