//! What `helpline graph` draws, read by the programs that it is written for: Mermaid, Graphviz, and a reader of XML.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::editor::node;

/// Names and texts that mean something else to each of the programs.
const HOSTILE: &str = r##"
flow: end
numbers: [any]
start: end
steps:
  end: {say: "Say \"#1; <b>bold</b> & `code` --> |x| \\ [a] {{b}} %% c", next: graph}
  graph: {menu: subgraph, choices: {1: "click \"me\" -> a-b", 2: style -> a_b, hash: "]) x -> end"}}
  a-b: {say: Größe 日本 – ok?, next: a_b}
  a_b: {hangup: "class;"}
"##;

fn graph(folder: &Path, format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_helpline"))
        .args(["--config", folder.join("helpline.yaml").to_str().expect("a path"), "graph", "--format", format])
        .output()
        .expect("helpline runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

fn piped(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} runs (Debian: graphviz, python3): {error}"));
    child.stdin.take().expect("it was asked for").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program} refuses\n{input}");
    String::from_utf8(output.stdout).expect("it prints text")
}

#[test]
fn pictures_are_understood() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("flows")).expect("a folder");
    fs::write(folder.path().join("flows/hostile.yaml"), HOSTILE.replace("{{b}}", "")).expect("written");
    let (hostile, own) = (folder.path().to_owned(), Path::new(env!("CARGO_MANIFEST_DIR")).to_owned());
    for (place, boxes, words) in [(&hostile, 5, "Größe 日本 – ok?"), (&own, 12, "How can we help you?")] {
        let mermaid = graph(place, "mermaid");
        let parsed: Value =
            serde_json::from_str(&node("mermaid.mjs", &json!([mermaid]).to_string())).expect("it prints JSON");
        let found = parsed[0]["boxes"].as_array().unwrap_or_else(|| panic!("{}\n{mermaid}", parsed[0]["error"]));
        assert!(found.len() >= boxes, "{found:?}");
        assert!(found.iter().any(|text| text.as_str().is_some_and(|text| text.contains(words))), "{found:?}");

        let plain = piped("dot", &["-Tplain"], &graph(place, "dot"));
        let count = |kind: &str| plain.lines().filter(|line| line.starts_with(kind)).count();
        assert!(count("node ") >= boxes && count("edge ") + 1 >= boxes, "{plain}");

        let read = "import sys, xml.dom.minidom as x; d = x.parse(sys.stdin.buffer); print(len(d.getElementsByTagName('rect')))";
        let rects: usize = piped("python3", &["-c", read], &graph(place, "svg")).trim().parse().expect("a number");
        assert!(rects > boxes);
    }
}
