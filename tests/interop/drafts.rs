//! Drafts that espeak-ng speaks: listed, checked, heard, and passed over when somebody has recorded them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const FLOW: &str = "\
flow: main
numbers: [any]
languages: [en, es]
start: a
steps:
  a: {say: {en: \"Thank you for calling.\", es: \"Gracias por llamar.\"}, next: b}
  b: {hangup: {en: Goodbye., es: Adiós.}}
";

fn helpline(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_helpline"))
        .args(["--config", folder.join("helpline.yaml").to_str().expect("a path")])
        .args(arguments)
        .output()
        .expect("helpline runs")
}

fn states(folder: &Path) -> Vec<(String, String)> {
    let output = helpline(folder, &["prompts", "list", "--format", "json"]);
    let list: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let items = list["items"].as_array().expect("a list").iter();
    let ours = items.filter(|item| word(&item["name"]).starts_with("main/"));
    ours.map(|item| (format!("{}/{}", word(&item["language"]), word(&item["name"])), word(&item["state"]))).collect()
}

#[test]
fn drafts_are_spoken_by_espeak() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::create_dir_all(folder.join("flows")).expect("a folder");
    fs::write(folder.join("flows/main.yaml"), FLOW).expect("written");
    let rendered = helpline(folder, &["prompts", "render"]);
    let told = String::from_utf8_lossy(&rendered.stderr).into_owned();
    assert!(rendered.status.success(), "{told} (Debian: espeak-ng)");
    let all: Vec<(String, String)> =
        ["en/main/a", "es/main/a", "en/main/b", "es/main/b"].map(|name| (name.to_owned(), "draft".to_owned())).to_vec();
    let mut found = states(folder);
    found.sort();
    let mut expected = all.clone();
    expected.sort();
    assert_eq!(found, expected);
    let checked = helpline(folder, &["check"]);
    let report = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && report.contains("HL1701") && !report.contains("HL0301"), "{report}");
    // The voices differ, and there is one.
    let samples = |path: &str| length_of_samples(&fs::read(folder.join(path)).expect("the draft is there"));
    let (english, spanish) = (samples("prompts/drafts/en/main/a.wav"), samples("prompts/drafts/es/main/a.wav"));
    assert!(english > 8_000 && spanish > 8_000 && english != spanish, "{english} and {spanish} octets");
    let again = helpline(folder, &["prompts", "render"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("can be heard already"));
    // A changed text is spoken anew, a recording is left alone.
    fs::write(folder.join("flows/main.yaml"), FLOW.replace("Thank you for calling.", "Hello.")).expect("written");
    fs::create_dir_all(folder.join("prompts/en/main")).expect("a folder");
    fs::copy(folder.join("prompts/drafts/es/main/a.wav"), folder.join("prompts/en/main/b.wav")).expect("copied");
    let changed = helpline(folder, &["prompts", "render"]);
    assert!(
        String::from_utf8_lossy(&changed.stderr).contains("1 draft made"),
        "{}",
        String::from_utf8_lossy(&changed.stderr)
    );
    assert!(states(folder).contains(&("en/main/b".to_owned(), "recorded".to_owned())));
    let refused = fs::write(
        folder.join("helpline.yaml"),
        "text_to_speech: {command: [espeak-ng, -v, nonsense, -w, \"{file}\", x]}\n",
    );
    refused.expect("written");
    let failed = helpline(folder, &["prompts", "render", "--again"]);
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(failed.status.code() == Some(1) && told.contains("`espeak-ng` ended with status"), "{told}");
}

/// The octets of samples in a WAV file.
fn length_of_samples(wav: &[u8]) -> usize {
    let data = wav.windows(4).position(|name| name == b"data").expect("it has samples");
    u32::from_le_bytes(wav[data + 4..data + 8].try_into().expect("four octets")) as usize
}
