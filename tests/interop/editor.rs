//! Helpline's schemas in the YAML language server that editors run: it completes, flags what is wrong, and flags nothing in the
//! examples that people read.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A program of tests/interop/editor, with what it reads; what it prints.
pub fn node(script: &str, input: &str) -> String {
    let folder = root().join("tests/interop/editor");
    assert!(
        folder.join("node_modules/.installed").exists(),
        "run tests/interop/editor/install (it needs Debian's npm)"
    );
    let mut child = Command::new("node")
        .arg(folder.join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs: install Debian's npm");
    child.stdin.take().expect("it was asked for").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{script} failed");
    String::from_utf8(output.stdout).expect("it prints text")
}

/// A document that an editor opens.
struct Opened {
    name: String,
    schema: &'static str,
    text: String,
    /// Where completion is asked for, by line and column from 0.
    complete: Option<(usize, usize)>,
}

/// What the language server told of each: (flags, offers).
fn opened(documents: &[Opened]) -> Vec<(Vec<String>, Vec<String>)> {
    let input: Vec<Value> = documents
        .iter()
        .enumerate()
        .map(|(number, document)| {
            let uri = format!("file://{}/flows/opened_{number}.yaml", root().display());
            let modeline = format!("# yaml-language-server: $schema=../deploy/schema/{}.json\n", document.schema);
            let complete =
                document.complete.map(|(line, character)| json!({ "line": line + 1, "character": character }));
            json!({ "uri": uri, "text": modeline + &document.text, "complete": complete })
        })
        .collect();
    let answer: Value = serde_json::from_str(&node("talk.cjs", &json!(input).to_string())).expect("it prints JSON");
    let words =
        |value: &Value, of: &dyn Fn(&Value) -> String| value.as_array().expect("a list").iter().map(of).collect();
    let flag = |flag: &Value| {
        let line = flag["line"].as_u64().expect("a line") - 1;
        format!("{line}: {}", flag["message"].as_str().expect("a message"))
    };
    let offer = |offer: &Value| offer.as_str().expect("a word").to_owned();
    let answers = answer.as_array().expect("one for each");
    assert_eq!(answers.len(), documents.len());
    answers.iter().map(|answer| (words(&answer["flags"], &flag), words(&answer["offers"], &offer))).collect()
}

fn flow(name: &str, text: &str, complete: Option<(usize, usize)>) -> Opened {
    Opened { name: name.to_owned(), schema: "flow", text: text.to_owned(), complete }
}

/// The YAML that a page shows, as files: a part of a file is put where it belongs.
fn examples(page: &str) -> Vec<Opened> {
    const INSTALLATION: [&str; 13] = [
        "helpline:",
        "sip:",
        "media:",
        "http:",
        "limits:",
        "codes:",
        "data:",
        "records:",
        "text_to_speech:",
        "mail:",
        "voicemail:",
        "recordings:",
        "watch:",
    ];
    let text = fs::read_to_string(root().join(page)).expect("the page is readable");
    let mut found = Vec::new();
    for (number, block) in text.split("```yaml\n").skip(1).enumerate() {
        let block = block.split("```").next().unwrap_or("");
        let first = block.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or("");
        let is_installation = INSTALLATION.iter().any(|key| first.starts_with(key));
        let schema = match is_installation {
            _ if page == "docs/languages.md" => "language",
            true => "helpline",
            false => "flow",
        };
        let above = match first.len() - first.trim_start().len() {
            0 => "",
            2 => "steps:\n",
            _ => "steps:\n  shown:\n",
        };
        // Other YAML than ours.
        if block.contains("services:") || block.contains("scrape_configs:") || block.contains("runs-on:") {
            continue;
        }
        found.push(Opened {
            name: format!("{page}, example {}", number + 1),
            schema,
            text: format!("{above}{block}"),
            complete: None,
        });
    }
    found
}

#[test]
fn examples_are_not_flagged() {
    let mut documents = Vec::new();
    for entry in fs::read_dir(root().join("docs")).expect("the folder is there") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            documents.extend(examples(&format!("docs/{name}")));
        }
    }
    assert!(documents.iter().any(|document| document.schema == "language"), "a page shows language files");
    documents.extend(examples("README.md"));
    assert!(documents.len() > 15, "{} examples", documents.len());
    let read = |path: &Path| fs::read_to_string(path).expect("the file is readable");
    for entry in fs::read_dir(root().join("flows")).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        documents.push(flow(&path.display().to_string(), &read(&path), None));
    }
    for file in [
        "src/flow/speech/languages/en.yaml",
        "src/flow/speech/languages/es.yaml",
        "tests/data/languages/de/language.yaml",
    ] {
        let text = read(&root().join(file));
        documents.push(Opened { name: file.to_owned(), schema: "language", text, complete: None });
    }
    let text = read(&root().join("deploy/helpline.yaml"));
    documents.push(Opened { name: "deploy/helpline.yaml".to_owned(), schema: "helpline", text, complete: None });
    for (document, (flags, _)) in documents.iter().zip(opened(&documents)) {
        assert!(flags.is_empty(), "{} is flagged: {flags:#?}\n{}", document.name, document.text);
    }
}

#[test]
fn faults_are_flagged() {
    let cases = [
        ("steps:\n  a:\n    sy: Hello\n", "3: Property sy is not allowed."),
        ("steps:\n  a:\n    say: Hello\n    nxt: b\n", "4: Property nxt is not allowed."),
        (
            "steps:\n  a:\n    menu: Hello\n    choices:\n      1: billing\n",
            "5: Name the step after an arrow: `For billing -> billing`.",
        ),
        (
            "steps:\n  a:\n    collect: x\n    digits: many\n    save: y\n",
            "4: Write a number of digits such as `4` or `6-8`.",
        ),
        ("queues:\n  s:\n    ring: 20\n", "3: Write the unit of this length of time: `20s`, `5m` or `1h30m`."),
        ("hours:\n  office: {mon-fri: nine to five}\n", "2: Write times like `09:00-17:30`, or `closed`."),
        ("flow: main\nnumber: [1000]\n", "2: Property number is not allowed."),
    ];
    let mut documents: Vec<Opened> = cases.iter().map(|(text, _)| flow(text, text, None)).collect();
    let of_languages = [
        ("language: de\nlikes: en\n", "2: Property likes is not allowed."),
        ("language: de\ncounted: {days: {on: unit/day}}\n", "2: Property on is not allowed."),
        ("like: en\n", "1: Missing property \"language\"."),
    ];
    documents.extend(of_languages.map(|(text, _)| Opened { schema: "language", ..flow(text, text, None) }));
    let cases = cases.into_iter().chain(of_languages);
    for ((text, expected), (flags, _)) in cases.zip(opened(&documents)) {
        assert!(flags.iter().any(|flag| flag == expected), "{text}\nwants {expected:?} and has {flags:#?}");
    }
}

#[test]
fn keys_and_words_are_offered() {
    let cases: [(&str, (usize, usize), &[&str]); 6] = [
        ("flow: main\n\n", (1, 0), &["steps", "queues", "always", "time_zone"]),
        ("steps:\n  a:\n    \n", (2, 4), &["say", "menu", "collect", "queue", "hangup"]),
        ("steps:\n  a:\n    menu: Hello\n    \n", (3, 4), &["choices", "first_key", "otherwise"]),
        ("steps:\n  a:\n    say: Hello\n    next: \n", (3, 10), &["again", "back", "hangup"]),
        ("queues:\n  s:\n    strategy: \n", (2, 14), &["longest_idle", "ring_all"]),
        ("queues:\n  s:\n    \n", (2, 4), &["agents", "announce", "when_no_agents"]),
    ];
    let documents: Vec<Opened> = cases.iter().map(|(text, at, _)| flow(text, text, Some(*at))).collect();
    for ((text, _, expected), (_, offers)) in cases.iter().zip(opened(&documents)) {
        for word in *expected {
            assert!(offers.iter().any(|offer| offer == word), "{text}\nwants `{word}` and has {offers:?}");
        }
    }
    // What a menu does not take is not offered in one.
    assert!(!opened(&documents[2..3])[0].1.iter().any(|offer| offer == "save"));
}
