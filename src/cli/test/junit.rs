//! The report for build servers, in the XML that they all read: a suite for each file, a case for each call test.

use std::fmt::Write as _;
use std::time::Duration;

use super::written::walk;
use super::{Outcome, Played};
use crate::flow::call_test::CallTest;

/// The whole report.
pub(super) fn report(outcome: &Outcome<'_>) -> String {
    let mut files: Vec<&str> = outcome.tests.iter().map(|test| &*test.place.file).collect();
    files.dedup();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<(&CallTest, &Played)> = outcome.each().collect();
    let _ = writeln!(text, "<testsuites name=\"helpline\" {}>", figures(&all));
    for file in files {
        let of_file: Vec<(&CallTest, &Played)> =
            all.iter().filter(|(test, _)| *test.place.file == *file).copied().collect();
        let _ = writeln!(text, "  <testsuite name=\"{}\" {}>", escaped(file), figures(&of_file));
        for (test, played) in of_file {
            case(&mut text, outcome, test, played);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn figures(of: &[(&CallTest, &Played)]) -> String {
    let failed = of.iter().filter(|(_, played)| played.performance.failure.is_some()).count();
    let took: Duration = of.iter().map(|(_, played)| played.took).sum();
    format!("tests=\"{}\" failures=\"{failed}\" errors=\"0\" time=\"{:.3}\"", of.len(), took.as_secs_f64())
}

fn case(text: &mut String, outcome: &Outcome<'_>, test: &CallTest, played: &Played) {
    let _ = write!(
        text,
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.3}\"",
        escaped(&test.name),
        escaped(&test.place.file.replace(['/', '\\'], ".")),
        escaped(&test.place.file),
        test.place.line,
        played.took.as_secs_f64(),
    );
    let Some(failure) = &played.performance.failure else {
        text.push_str("/>\n");
        return;
    };
    let place = &failure.place;
    let told =
        format!("{place}: {}\n{}\n\nthe walk so far:\n{}", failure.message, failure.expected, walk(outcome, played));
    let _ = writeln!(
        text,
        ">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>",
        failure.code,
        escaped(&failure.message),
        escaped(&told),
    );
}

/// Text as it stands in XML; characters that XML does not have are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            character if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {}
            character => escaped.push(character),
        }
    }
    escaped
}
