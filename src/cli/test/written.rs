//! The reports of call tests: for people, for programs, for GitHub.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Outcome, Played};
use crate::cli::report;
use crate::flow::call_test::CallTest;
use crate::flow::document::Diagnostic;
use crate::journal::StepName;
use crate::rehearsal::{Coverage, Missing, written_walk};

/// A line for each test, with what went otherwise below it; then what no test walks; then the summary.
pub(super) fn human(outcome: &Outcome<'_>, colour: bool) -> String {
    let paint = |code: &str, text: &str| match colour {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    let mut text = String::new();
    for (test, played) in outcome.each() {
        let performance = &played.performance;
        match &performance.failure {
            None => {
                let _ = writeln!(text, "{}  {} ({})", paint("32", "ok  "), test.name, length(played));
            }
            Some(failure) => {
                let _ = writeln!(text, "{}  {} ({})\n", paint("1;31", "FAIL"), test.name, length(played));
                let source = outcome.sources.iter().find(|source| source.file == *failure.place.file);
                let told = report::one_for_people(&failure.diagnostic(), source, colour);
                let _ = writeln!(text, "{told}\n\n  the walk so far:\n{}", walk(outcome, played));
            }
        }
    }
    if let Some(coverage) = &outcome.coverage
        && !coverage.is_whole()
    {
        let _ = writeln!(text, "\nno call test walks:");
        for missing in &coverage.missing {
            let place = place_of(outcome, missing).map_or_else(String::new, |place| format!("  {place}"));
            let _ = writeln!(text, "  {:<40}{place}", not_walked(outcome, missing));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{}", summary(outcome));
    text
}

/// "12 call tests passed, 1 failed; walked: 11 of 11 steps, 9 of 9 choices, 14 of 16 other ways".
fn summary(outcome: &Outcome<'_>) -> String {
    let (all, failed) = (outcome.tests.len(), outcome.failed());
    let tests = match all {
        0 => "there are no call tests".to_owned(),
        1 => "1 call test".to_owned(),
        _ => format!("{all} call tests"),
    };
    let ended = match (all, failed) {
        (0, _) => String::new(),
        (_, 0) => ": all passed".to_owned(),
        (_, failed) => format!(": {} passed, {failed} failed", all - failed),
    };
    let walked = outcome.coverage.as_ref().map_or_else(String::new, |coverage| {
        let Coverage { steps, choices, ways, .. } = coverage;
        format!(
            "; walked: {} of {} steps, {} of {} choices, {} of {} other ways",
            steps.0, steps.1, choices.0, choices.1, ways.0, ways.1
        )
    });
    format!("{tests}{ended}{walked}")
}

/// How long the call took, in its own time.
fn length(played: &Played) -> String {
    let seconds = played.performance.length.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// What happened to the caller, with the places in the flow files.
pub(super) fn walk(outcome: &Outcome<'_>, played: &Played) -> String {
    let place_of = |name: &StepName| {
        let place = outcome.flows.places.step(outcome.house.find_step(name)?)?;
        Some(format!("{}:{}", place.file, place.line))
    };
    written_walk(outcome.house, &played.performance.told, played.performance.began, &place_of)
}

fn not_walked(outcome: &Outcome<'_>, missing: &Missing) -> String {
    let flow = outcome.flows.flow(missing.step.flow);
    let step = &flow.step(missing.step.step).name;
    match &missing.exit {
        Some((exit, _)) if exit.starts_with("always ") => format!("{} by {exit}, in any menu", flow.name),
        Some((exit, _)) => format!("{}/{step} by {exit}", flow.name),
        None => format!("{}/{step}", flow.name),
    }
}

fn place_of(outcome: &Outcome<'_>, missing: &Missing) -> Option<crate::flow::place::Place> {
    let exit = missing.exit.as_ref().and_then(|(_, place)| place.clone());
    exit.or_else(|| outcome.flows.places.step(missing.step).cloned())
}

fn faults(outcome: &Outcome<'_>) -> Vec<Diagnostic> {
    let failures = outcome.each().filter_map(|(test, played)| {
        let failure = played.performance.failure.as_ref()?;
        let told = failure.diagnostic();
        let message = format!("{}: {}", test.name, told.message);
        Some(Diagnostic { message, ..told })
    });
    let missing = outcome.coverage.iter().flat_map(|coverage| &coverage.missing);
    let missing = missing.map(|missing| {
        missing.diagnostic(
            place_of(outcome, missing).as_ref(),
            format!("no call test walks {}", not_walked(outcome, missing)),
        )
    });
    failures.chain(missing).collect()
}

/// Annotations at the places in the files.
pub(super) fn github(outcome: &Outcome<'_>) -> String {
    report::written(&faults(outcome), outcome.sources, report::Format::Github, false)
}

/// `{"items": [...], "passed": 1, "failed": 0, "coverage": {...}}`.
pub(super) fn json(outcome: &Outcome<'_>) -> String {
    let items: Vec<Value> = outcome.each().map(|(test, played)| one(outcome, test, played)).collect();
    let failed = outcome.failed();
    let figures = |(walked, all): (usize, usize)| json!({ "walked": walked, "all": all });
    let coverage = outcome.coverage.as_ref().map(|coverage| {
        let missing = coverage.missing.iter().map(|missing| {
            let flow = outcome.flows.flow(missing.step.flow);
            let place = place_of(outcome, missing);
            json!({
                "flow": flow.name,
                "step": flow.step(missing.step.step).name,
                "exit": missing.exit.as_ref().map(|(exit, _)| exit),
                "file": place.as_ref().map(|place| &place.file),
                "line": place.as_ref().map(|place| place.line),
            })
        });
        json!({
            "steps": figures(coverage.steps),
            "choices": figures(coverage.choices),
            "other_ways": figures(coverage.ways),
            "missing": missing.collect::<Vec<_>>(),
        })
    });
    let report = json!({
        "items": items,
        "passed": outcome.tests.len() - failed,
        "failed": failed,
        "coverage": coverage,
    });
    format!("{report:#}\n")
}

fn one(outcome: &Outcome<'_>, test: &CallTest, played: &Played) -> Value {
    let failure = played.performance.failure.as_ref().map(|failure| {
        json!({
            "code": failure.code.id,
            "file": failure.place.file,
            "line": failure.place.line,
            "column": failure.place.column,
            "message": failure.message,
            "expected": failure.expected,
            "remedy": failure.remedy,
            "walk": walk(outcome, played).lines().map(str::trim_end).collect::<Vec<_>>(),
        })
    });
    json!({
        "name": test.name,
        "file": test.place.file,
        "line": test.place.line,
        "passed": failure.is_none(),
        "call_seconds": played.performance.length.as_secs_f64(),
        "failure": failure,
    })
}
