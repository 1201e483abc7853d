//! What operators are told of their faults: each file of tests/data/faults has faults planted in it, and beside it stands the
//! report, word for word as `helpline check` prints it. `UPDATE_EXPECTED=1 cargo test --test diagnostics` writes the reports anew;
//! read them then as an operator would.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use helpline::cli::report::{self, Format};
use helpline::config::{self, Installation};
use helpline::flow::document::explanation::{Example, Explanation};
use helpline::flow::document::{self, Code, Diagnostic, Known, Severity, Source, codes};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/faults")
}

/// A file may stand for several: `%%% other.yaml` begins the next.
fn sources(name: &str, text: &str) -> Vec<Source> {
    let mut sources = vec![Source { file: name.to_owned(), text: String::new() }];
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("%%% ") {
            Some(file) => sources.push(Source { file: file.trim().to_owned(), text: String::new() }),
            None => sources.last_mut().expect("there is one").text.push_str(line),
        }
    }
    sources
}

/// The faults of a file and the files that it stands for; that every recording is missing is told only where the file is about
/// that.
fn faults_of(name: &str, text: &str) -> (Vec<Diagnostic>, Vec<Source>) {
    if name.starts_with("helpline") {
        let source = Source { file: name.to_owned(), text: text.to_owned() };
        let environment = |name: &str| (name == "KNOWN").then(|| "secret".to_owned());
        let (_, faults) = Installation::read(&source, &environment, &|_| Err("it is not there".to_owned()));
        return (faults, vec![source]);
    }
    let sources = sources(name, text);
    let prompts = BTreeSet::new();
    let (languages, flows): (Vec<_>, Vec<_>) =
        sources.iter().cloned().partition(|source| source.file.ends_with(&format!("/{}", document::LANGUAGE_FILE)));
    let today = jiff::civil::date(2026, 11, 22);
    let mails = !name.ends_with("mail.yaml");
    let known = Known { today, mails, languages: &languages, ..Known::of(&prompts) };
    let mut faults = document::read(&flows, &known).diagnostics;
    if !name.starts_with("recording_missing") {
        faults.retain(|fault| fault.code != codes::NO_RECORDING && fault.code != codes::NO_PHRASES);
    }
    (faults, sources)
}

fn report_on(name: &str, text: &str) -> String {
    let (faults, sources) = faults_of(name, text);
    report::written(&faults, &sources, Format::Human, false)
}

#[test]
fn faults_are_told_as_written() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut differing = Vec::new();
    let mut names = BTreeSet::new();
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder()).expect("the folder is there").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(path).expect("the file is readable");
        let found = report_on(&name, &text);
        let expected = path.with_extension("txt");
        if update {
            fs::write(&expected, &found).expect("the report can be written");
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            differing.push(format!("{}:\n{found}", expected.display()));
        }
        names.insert(name);
    }
    assert!(names.len() > 30, "only {} files were found", names.len());
    assert!(differing.is_empty(), "these reports differ from what stands there:\n\n{}", differing.join("\n"));
}

/// A code that no file plants could say anything.
#[test]
fn every_code_is_planted() {
    let mut reports = String::new();
    for entry in fs::read_dir(folder()).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            reports.push_str(&fs::read_to_string(path).expect("the report is readable"));
        }
    }
    // It takes more faults than a page holds: src/flow/document/tests.rs plants them. Recordings are no pages at all: theirs
    // are planted in src/cli.
    let missing: Vec<_> = codes::ALL
        .iter()
        .filter(|code| !WITHOUT_EXAMPLE.contains(code) && !reports.contains(&format!("[{code}]")))
        .collect();
    assert!(missing.is_empty(), "no file in tests/data/faults plants {missing:?}");
}

/// Codes that no file alone can give: more faults than fit on a page, and whatever is about recordings.
const WITHOUT_EXAMPLE: [Code; 17] = [
    // They are told when call tests are played: tests/calls.rs.
    codes::NOT_HEARD,
    codes::HEARD,
    codes::UNEXPECTED,
    codes::CALL_OVER,
    codes::NOT_POSSIBLE,
    codes::METRIC,
    codes::NOT_WALKED,
    codes::DRAFTS,
    codes::TOO_MANY_FAULTS,
    codes::NO_RECORDING,
    codes::NO_PHRASES,
    codes::UNUSABLE_RECORDING,
    codes::CLIPPED_RECORDING,
    codes::QUIET_RECORDING,
    codes::OLD_RECORDING,
    codes::LONG_LISTENING,
    codes::LONG_ANNOUNCEMENT,
];

/// Every code has its long text, the wrong example gives the code, and the right one neither gives it nor any error.
#[test]
fn every_code_is_explained_truly() {
    let mut wrong = Vec::new();
    for code in codes::ALL {
        let explanation = Explanation::of(*code);
        if !code.page().starts_with(&format!("# {code}: {}\n", code.title)) {
            wrong.push(format!("{code}: its page begins with another title than `{}`", code.title));
        }
        if explanation.text.len() < 80
            || !explanation.text.contains("\n\n")
            || !explanation.read_on.starts_with("docs/")
        {
            wrong.push(format!("{code}: its page lacks what it is, what callers meet, or where to read on"));
        }
        let faults = |example: &Example| {
            let name = if example.file.is_empty() { "main.yaml" } else { example.file };
            faults_of(name, example.text).0
        };
        match (&explanation.wrong, &explanation.right) {
            (None, None) if WITHOUT_EXAMPLE.contains(code) => {}
            // Music is files: its absence is shown, and its presence is not written.
            (Some(example), None) if *code == codes::NO_MUSIC => {
                assert!(faults(example).iter().any(|fault| fault.code == *code));
            }
            (Some(bad), Some(good)) => {
                if faults(bad).iter().all(|fault| fault.code != *code) {
                    wrong.push(format!("{code}: the wrong example gives {:?}", faults(bad)));
                }
                let left: Vec<_> = faults(good)
                    .into_iter()
                    .filter(|fault| fault.code == *code || fault.severity == Severity::Error)
                    .collect();
                if !left.is_empty() {
                    wrong.push(format!("{code}: the right example still gives {left:?}"));
                }
            }
            _ => wrong.push(format!("{code}: an example is missing")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One file a code: what an operator sees of the code's own wrong example, word for word.
#[test]
fn every_code_is_told_as_written() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/codes");
    let mut differing = Vec::new();
    for code in codes::ALL {
        let Some(example) = Explanation::of(*code).wrong else {
            assert!(WITHOUT_EXAMPLE.contains(code), "{code} has no example");
            continue;
        };
        let found = report_on(if example.file.is_empty() { "main.yaml" } else { example.file }, example.text);
        let expected = folder.join(format!("{code}.txt"));
        if update {
            fs::create_dir_all(&folder).and_then(|()| fs::write(&expected, &found)).expect("the report can be written");
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            differing.push(format!("{}:\n{found}", expected.display()));
        }
    }
    assert!(differing.is_empty(), "these reports differ from what stands there:\n\n{}", differing.join("\n"));
}

/// An operator reads these: no word of a programming language or of a library may be among them.
#[test]
fn no_report_speaks_of_programming() {
    const WORDS: [&str; 16] = [
        "u8",
        "u16",
        "u32",
        "i64",
        "f64",
        "usize",
        "variant",
        "missing field",
        "scalar",
        "mapping",
        "sequence",
        "deserial",
        "serde",
        "None",
        "Some(",
        "EOF",
    ];
    for entry in fs::read_dir(folder()).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let report = fs::read_to_string(&path).expect("the report is readable");
        for word in WORDS {
            assert!(!report.contains(word), "{} says {word}", path.display());
        }
    }
}

#[test]
fn the_flows_of_this_repository_have_no_fault() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installation =
        Installation { flows: root.join("flows"), prompts: root.join("prompts"), ..Installation::default() };
    let (reading, sources) = config::load_flows(&installation);
    let report = report::written(&reading.diagnostics, &sources, Format::Human, false);
    let flows = reading.flows.unwrap_or_else(|| panic!("{report}"));
    // Which phrases are recorded is the matter of prompts/; every other warning is the flow's.
    let others = reading.diagnostics.iter().filter(|fault| fault.code != codes::NO_PHRASES);
    assert_eq!(others.count(), 0, "{report}");
    assert_eq!(flows.flows.len(), 1);
    assert!(flows.any.is_some() && flows.for_number("1000").is_some());
}

/// The page for operators lists every code, and its examples are right.
#[test]
fn the_page_for_operators_is_true() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/flows.md")).expect("the page is there");
    for code in codes::ALL {
        let row = format!("| {code} | {} |", code.title);
        assert!(page.contains(&row), "docs/flows.md lacks the row {row}");
    }
    let example =
        page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("it begins with a flow");
    let source = Source { file: "first.yaml".to_owned(), text: example.to_owned() };
    let prompts = BTreeSet::new();
    let reading = document::read(&[source], &Known { today: jiff::civil::date(2026, 11, 22), ..Known::of(&prompts) });
    assert!(reading.flows.is_some(), "{:#?}", reading.diagnostics);
}
