//! What operators are told of call tests: each file of tests/data/calls is played, and beside it stands the report, word for word
//! as `helpline test` prints it. `UPDATE_EXPECTED=1 cargo test --test calls` writes the reports anew; read them then as an
//! operator would.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use helpline::cli::test::{Arguments, Format, Report, played};
use helpline::config::{self, Installation};
use helpline::flow::document::{self, Known, Source};

fn arguments(format: Format, coverage: bool) -> Arguments {
    Arguments { name: None, format, junit: None, coverage, seed: 1, colour: false }
}

fn report(file: &Path, arguments: &Arguments) -> Report {
    let name = file.file_name().expect("it has a name").to_string_lossy().into_owned();
    let text = fs::read_to_string(file).expect("the file is readable");
    let sources = [Source { file: name, text }];
    let reading = document::read(&sources, &Known::of(&BTreeSet::new()));
    assert!(!reading.has_errors(), "{:#?}", reading.diagnostics);
    played(reading, &sources, &|_| None, arguments, false).expect("all tests are asked for")
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/calls");
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn failures_are_told_as_written() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut differing = Vec::new();
    for file in files() {
        let coverage = file.file_stem().is_some_and(|name| name == "coverage");
        let found = report(&file, &arguments(Format::Human, coverage)).text;
        let expected = file.with_extension("txt");
        if update {
            fs::write(&expected, &found).expect("the report can be written");
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            differing.push(format!("{}:\n{found}", expected.display()));
        }
    }
    assert!(differing.is_empty(), "these reports differ from what stands there:\n\n{}", differing.join("\n"));
}

/// A test that should fail does: only those whose names end in "passes" come true, but for the file about coverage.
#[test]
fn what_should_fail_fails() {
    for file in files() {
        let json = report(&file, &arguments(Format::Json, false)).text;
        let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
        let coverage = file.file_stem().is_some_and(|name| name == "coverage");
        for test in json["items"].as_array().expect("a list") {
            let name = test["name"].as_str().expect("a name");
            assert_eq!(test["passed"], name.ends_with("passes") || coverage, "{name}: {test:#}");
        }
    }
}

#[test]
fn programs_see_the_same() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/calls/heard.yaml");
    let json: serde_json::Value =
        serde_json::from_str(&report(&file, &arguments(Format::Json, true)).text).expect("it is JSON");
    assert_eq!((&json["passed"], &json["failed"]), (&1.into(), &4.into()));
    let failure = &json["items"][1]["failure"];
    assert_eq!((&failure["code"], &failure["line"]), (&"HL1551".into(), &22.into()), "{failure:#}");
    assert!(failure["walk"].as_array().expect("a list").len() > 5, "{failure:#}");
    let steps = &json["coverage"]["steps"];
    assert_eq!((&steps["walked"], &steps["all"]), (&4.into(), &5.into()), "{:#}", json["coverage"]);
    let missing = &json["coverage"]["missing"];
    assert!(missing.as_array().expect("a list").iter().any(|missing| missing["step"] == "bye"), "{missing:#}");

    let github = report(&file, &arguments(Format::Github, true)).text;
    assert!(
        github.contains("::error file=heard.yaml,line=22,col=15,title=HL1551::a step that is not heard: "),
        "{github}"
    );
    assert!(github.contains(",title=HL1561::no call test walks main/bye"), "{github}");

    let report = report(&file, &arguments(Format::Human, false));
    let junit = report.junit;
    assert!(junit.starts_with(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"helpline\" tests=\"5\" failures=\"4\""
    ));
    assert!(
        junit.contains(
            "<testcase name=\"what is said passes\" classname=\"heard.yaml\" file=\"heard.yaml\" line=\"17\""
        ),
        "{junit}"
    );
    assert!(
        junit.contains("<failure type=\"HL1551\" message=\"this was not heard; the last words were &quot;"),
        "{junit}"
    );
    assert_eq!(report.failed, 4);
}

/// The repository's own flows pass their own tests, and every step and choice of them is walked.
#[test]
fn the_flows_of_this_repository_pass_their_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installation =
        Installation { flows: root.join("flows"), prompts: root.join("prompts"), ..Installation::default() };
    let (reading, sources) = config::load_flows(&installation);
    let report =
        played(reading, &sources, &|_| None, &arguments(Format::Human, true), false).expect("all are asked for");
    assert_eq!(report.failed, 0, "{}", report.text);
    assert!(!report.text.contains("no call test walks"), "{}", report.text);
}
