//! Reading everything again under live calls: by SIGHUP, over HTTP, by the commands and by watched files; and the way back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use helpline::media::prompts::write_wav;
use serde_json::{Value, json};

use super::death::becomes;
use super::line::{FLOW, Line, helpline};
use super::phone::Phone;

/// Where the flow file lies.
fn file(line: &Line) -> std::path::PathBuf {
    line.folder.path().join("flows/main.yaml")
}

/// Posts, and gives status and body.
fn post(line: &Line, path: &str, body: &str) -> (u16, Value) {
    let (status, answer) = line.send("POST", path, body);
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    (status, serde_json::from_str(body).unwrap_or_else(|reason| panic!("{path}: {reason}: {answer}")))
}

#[test]
fn a_call_goes_on_as_it_began_and_the_next_one_follows_the_new_flow() {
    let line = Line::start();
    let mut first = Phone::udp(line.udp);
    assert_eq!(first.dial("1000").status(), 200);
    first.hears(550.0);
    fs::write(file(&line), FLOW.replace("2: To end -> bye", "2: To end -> told")).expect("it can be written");
    let (status, told) = post(&line, "/api/v1/reload", "");
    assert_eq!((status, &told["revision"]), (200, &json!(2)), "{told}");
    assert_eq!(told["changes"], json!(["callers pressing 2 in `main` will now reach `told` instead of `bye`"]));
    first.press('2');
    first.hears(2_000.0);
    first.is_hung_up_on();
    let mut second = Phone::udp(line.udp);
    assert_eq!(second.dial("1000").status(), 200);
    second.hears(550.0);
    second.press('2');
    second.hears(1_400.0);
    second.hang_up();
    line.counts("helpline_config_reloads_total{result=\"good\"} 1");
}

#[test]
fn faults_change_nothing_and_are_told_where_they_are() {
    let line = Line::start();
    fs::write(file(&line), FLOW.replace("-> bye", "-> bie")).expect("it can be written");
    let (status, told) = post(&line, "/api/v1/reload", "");
    let fault = told["faults"].as_array().and_then(|faults| faults.iter().find(|fault| fault["severity"] == "error"));
    let fault = fault.unwrap_or_else(|| panic!("no error in {told}"));
    assert_eq!((status, &fault["code"], &fault["line"]), (422, &json!("HL0207"), &json!(15)), "{told}");
    line.counts("helpline_config_reloads_total{result=\"bad\"} 1");
    let asked = helpline(line.folder.path(), &["reload"]);
    assert_eq!(asked.status.code(), Some(1), "{asked:?}");
    let text = String::from_utf8_lossy(&asked.stderr);
    assert!(text.contains("error[HL0207]") && text.contains("did you mean `bye`?"), "{text}");
    line.counts("helpline_config_reloads_total{result=\"bad\"} 2");
    assert_eq!(line.json("/api/v1/flows")["items"][0]["revision"], 1);
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.hears(550.0);
    phone.hang_up();
}

#[test]
fn the_way_back_leads_through_revisions_and_loses_no_edit() {
    let mut line = Line::start();
    for words in ["One.", "Two."] {
        fs::write(file(&line), FLOW.replace("Welcome.", words)).expect("it can be written");
        let asked = helpline(line.folder.path(), &["reload"]);
        assert_eq!(asked.status.code(), Some(0), "{asked:?}");
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        assert!(said.contains(&format!("callers in `welcome` will now hear \"{words}\"")), "{said}");
    }
    // An edit that was never in use, and would be lost.
    fs::write(file(&line), FLOW.replace("Welcome.", "Half an edit")).expect("it can be written");
    let back = helpline(line.folder.path(), &["rollback"]);
    let said = String::from_utf8_lossy(&back.stdout).into_owned();
    assert_eq!(back.status.code(), Some(0), "{back:?}");
    assert!(said.ends_with("new calls follow revision 4, which is revision 2 again\n"), "{said}");
    assert_eq!(fs::read_to_string(file(&line)).expect("it is there"), FLOW.replace("Welcome.", "One."));
    let aside = line.folder.path().join("data/revisions/4/replaced/main.yaml");
    assert_eq!(fs::read_to_string(aside).expect("it was put aside"), FLOW.replace("Welcome.", "Half an edit"));
    assert!(said.contains("replaced"), "{said}");
    let back = helpline(line.folder.path(), &["rollback"]);
    assert!(String::from_utf8_lossy(&back.stdout).contains("which is revision 1 again"), "{back:?}");
    let back = helpline(line.folder.path(), &["rollback"]);
    assert_eq!((back.status.code(), back.stdout.len()), (Some(1), 0), "{back:?}");
    let back = helpline(line.folder.path(), &["rollback", "3"]);
    assert!(String::from_utf8_lossy(&back.stdout).contains("which is revision 3 again"), "{back:?}");
    // They are there after a death, and the same files are no new revision.
    line.die_and_rise();
    let list = helpline(line.folder.path(), &["rollback", "--list"]);
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert_eq!(list.lines().count(), 6, "{list}");
    assert!(list.starts_with("     6  ") && list.contains("rollback to 3  (in use)"), "{list}");
    assert_eq!(line.json("/api/v1/flows")["items"][0]["revision"], 6);
}

const QUEUES: &str = "
flow: main
numbers: [1000]
languages: [en]
time_zone: UTC
start: help
steps:
  help: {queue: support}
queues:
  support: {agents: [1001], ring: 17s}
agents:
  1001: {name: Ada, password: secret}
";

#[test]
fn who_waits_keeps_their_place_when_the_queue_is_renamed() {
    let mut line = Line::start_with(QUEUES);
    let mut caller = Phone::udp(line.udp);
    assert_eq!(caller.dial("1000").status(), 200);
    caller.breathe();
    becomes(&line, "/api/v1/queues/support", |queue| queue["callers_waiting"] == 1);
    let since = line.json("/api/v1/queues/support")["places"][0]["since"].clone();
    fs::write(file(&line), QUEUES.replace("support", "aid")).expect("it can be written");
    line.signal("HUP");
    let queue = becomes(&line, "/api/v1/queues/aid", |queue| queue["callers_waiting"] == 1);
    assert_eq!(queue["places"][0]["since"], since, "{queue}");
    assert_eq!(line.get("/api/v1/queues/support").0, 404);
    caller.breathe();
    let call = line.json("/api/v1/calls")["items"][0].clone();
    assert_eq!((&call["queue"], &call["position"]), (&json!("aid"), &json!(1)), "{call}");
    // What was kept under the old name is kept under the new one.
    std::thread::sleep(Duration::from_millis(600));
    line.die_and_rise();
    becomes(&line, "/api/v1/queues/aid", |queue| queue["entered"] == 1);
    let mut again = Phone::udp(line.udp);
    assert_eq!(again.dial("1000").status(), 200);
    again.breathe();
    becomes(&line, "/api/v1/queues/aid", |queue| queue["callers_waiting"] == 1);
}

#[test]
fn watched_files_are_read_when_they_change() {
    let line = Line::start_watching(FLOW);
    fs::write(file(&line), FLOW.replace("Welcome.", "Hello.")).expect("it can be written");
    becomes(&line, "/api/v1/flows", |flows| flows["items"][0]["revision"] == 2);
    // Another one replaces it, as editors do it.
    let other = line.folder.path().join("flows/.main.yaml.new");
    fs::write(&other, FLOW.replace("Welcome.", "Good day.")).expect("it can be written");
    fs::rename(&other, file(&line)).expect("it can be renamed");
    becomes(&line, "/api/v1/flows", |flows| flows["items"][0]["revision"] == 3);
    let kept = line.json("/api/v1/revisions");
    assert_eq!(kept["items"][0]["why"], "watch", "{kept}");
}

#[test]
fn what_a_change_means_is_told_before_it_is_in_use() {
    let line = Line::start();
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.hears(550.0);
    fs::write(file(&line), FLOW.replace("2: To end -> bye", "2: To end -> told")).expect("it can be written");
    let told = helpline(line.folder.path(), &["diff"]);
    assert_eq!(
        String::from_utf8_lossy(&told.stdout),
        "- callers pressing 2 in `main` will now reach `told` instead of `bye`; 1 caller is there now\n\
         1 change; the 1 call in progress goes on as it began\n",
        "{told:?}"
    );
    phone.hang_up();
    let same = helpline(line.folder.path(), &["diff", "none", "none"]);
    assert_eq!(same.status.code(), Some(2), "a folder that is not there: {same:?}");
    let flows = line.folder.path().join("flows");
    let flows = flows.to_str().expect("it is text");
    let same = helpline(line.folder.path(), &["diff", flows, flows]);
    assert!(String::from_utf8_lossy(&same.stdout).starts_with("callers will notice no change"), "{same:?}");
    let none = helpline(line.folder.path(), &["diff", "77"]);
    assert_eq!(none.status.code(), Some(2), "{none:?}");
    let none = helpline(Path::new("/nowhere"), &["reload"]);
    assert_ne!(none.status.code(), Some(0), "{none:?}");
    let odd = helpline(line.folder.path(), &["rollback", "last"]);
    assert!(
        String::from_utf8_lossy(&odd.stderr).contains("a revision is a number: `helpline rollback --list`"),
        "{odd:?}"
    );
}

/// Writes a tone of a second in place of a recording.
fn record(line: &Line, name: &str, hertz: f64) {
    let tone = |at: usize| ((at as f64 / 8_000.0 * hertz * std::f64::consts::TAU).sin() * 8_000.0) as i16;
    let samples: Vec<i16> = (0..8_000).map(tone).collect();
    let path = line.folder.path().join(format!("prompts/en/{name}.wav"));
    write_wav(&path, &samples).expect("it can be written");
}

#[test]
fn the_way_back_leads_to_what_callers_heard() {
    let line = Line::start();
    let settings = line.folder.path().join("helpline.yaml");
    record(&line, "main/main", 800.0);
    record(&line, "main/main.1", 800.0);
    record(&line, "main/main.2", 800.0);
    let (status, told) = post(&line, "/api/v1/reload", "");
    assert_eq!((status, &told["revision"]), (200, &json!(2)), "other recordings are another revision: {told}");
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.hears(800.0);
    phone.hang_up();
    // Never in use.
    record(&line, "main/main", 1_200.0);
    fs::write(&settings, fs::read_to_string(&settings).expect("it is there") + "drain: 10s\n").expect("it is written");
    let back = helpline(line.folder.path(), &["rollback"]);
    let said = String::from_utf8_lossy(&back.stdout).into_owned();
    assert_eq!(back.status.code(), Some(0), "{back:?}");
    assert!(said.contains("3 recordings in ") && said.contains(" are again what they were"), "{said}");
    assert!(said.contains("the installation file has changed since revision 1, and stays as it is"), "{said}");
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.hears(550.0);
    phone.hang_up();
    assert!(line.folder.path().join("data/revisions/3/replaced/recordings/en/main/main.wav").exists());
    // So it is in the files.
    let (_, told) = post(&line, "/api/v1/reload", "");
    assert_eq!(told["revision"], 3, "nothing has changed: {told}");
}

/// The codes of the errors in an answer.
fn errors(told: &Value) -> Vec<&str> {
    let faults = told["faults"].as_array().into_iter().flatten();
    faults.filter(|fault| fault["severity"] == "error").filter_map(|fault| fault["code"].as_str()).collect()
}

#[test]
fn files_that_cannot_be_read_change_nothing() {
    let line = Line::start();
    let folder = line.folder.path().join("flows");
    let aside = line.folder.path().join("elsewhere");
    // Somebody moves the folder away, and puts a file in its place.
    fs::rename(&folder, &aside).expect("it can be renamed");
    let (status, told) = post(&line, "/api/v1/reload", "");
    assert_eq!((status, errors(&told)), (422, vec!["HL0110"]), "{told}");
    fs::write(&folder, "flow: main").expect("it can be written");
    let (status, told) = post(&line, "/api/v1/reload", "");
    assert_eq!((status, errors(&told)), (422, vec!["HL0110"]), "{told}");
    fs::remove_file(&folder).expect("it is there");
    fs::rename(&aside, &folder).expect("it can be renamed");
    // A file that is gone when it is read looks like one that leads nowhere.
    std::os::unix::fs::symlink("nowhere", folder.join("other.yaml")).expect("it can be made");
    let (status, told) = post(&line, "/api/v1/reload", "");
    assert_eq!((status, errors(&told)), (422, vec!["HL0110"]), "{told}");
    assert!(
        told["report"].as_str().is_some_and(|report| report.contains("other.yaml` cannot be read: it is not there"))
    );
    line.counts("helpline_config_reloads_total{result=\"bad\"} 3");
    fs::remove_file(folder.join("other.yaml")).expect("it is there");
    let (status, told) = post(&line, "/api/v1/reload", "");
    assert_eq!((status, &told["revision"]), (200, &json!(1)), "{told}");
}

#[test]
fn a_revision_that_cannot_be_kept_is_used_all_the_same_and_told() {
    let line = Line::start();
    // Where the next one would be written there is something else, as on a disk that is full there is nothing.
    let unfinished = line.folder.path().join("data/revisions/2.unfinished");
    fs::write(&unfinished, "in the way").expect("it can be written");
    fs::write(file(&line), FLOW.replace("2: To end -> bye", "2: To end -> told")).expect("it can be written");
    let reload = helpline(line.folder.path(), &["reload"]);
    let said = String::from_utf8_lossy(&reload.stdout).into_owned();
    assert_eq!(reload.status.code(), Some(0), "{reload:?}");
    assert!(said.contains("note: this revision cannot be kept, and there will be no way back to it: "), "{said}");
    assert!(said.ends_with("new calls follow revision 2\n"), "{said}");
    let kept = line.json("/api/v1/revisions");
    assert_eq!(
        (kept["items"].as_array().map(Vec::len), &kept["items"][0]["in_use"]),
        (Some(1), &json!(false)),
        "{kept}"
    );
    // The way back leads to the last one that is kept, and numbers go on.
    fs::remove_file(&unfinished).expect("it is there");
    let back = helpline(line.folder.path(), &["rollback"]);
    let said = String::from_utf8_lossy(&back.stdout).into_owned();
    assert!(said.ends_with("new calls follow revision 3, which is revision 1 again\n"), "{back:?}");
    assert_eq!(fs::read_to_string(file(&line)).expect("it is there"), FLOW);
}

#[test]
fn a_storm_of_signals_is_one_reload_or_a_few() {
    let line = Line::start();
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    fs::write(file(&line), FLOW.replace("Welcome.", "Hello.")).expect("it can be written");
    for _ in 0..200 {
        line.signal("HUP");
    }
    becomes(&line, "/api/v1/flows", |flows| flows["items"][0]["revision"] == 2);
    phone.hears(550.0);
    phone.hang_up();
    // Whoever asks now waits for those before.
    let (status, told) = post(&line, "/api/v1/reload", "");
    assert_eq!((status, &told["revision"], &told["changes"]), (200, &json!(2), &json!([])), "{told}");
    line.counts("helpline_config_reloads_total{result=\"bad\"} 0");
}

#[test]
fn a_reload_while_helpline_closes_down_disturbs_nobody() {
    let mut line = Line::start();
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.hears(550.0);
    line.signal("TERM");
    line.drains();
    fs::write(file(&line), FLOW.replace("Welcome.", "Hello.")).expect("it can be written");
    let (status, told) = post(&line, "/api/v1/reload", "");
    assert_eq!((status, &told["revision"]), (200, &json!(2)), "{told}");
    assert_eq!(line.get("/readyz").0, 503);
    phone.press('2');
    phone.hears(2_000.0);
    phone.is_hung_up_on();
    assert!(line.wait().success());
    // It is what the next start finds.
    let kept = fs::read_to_string(line.folder.path().join("data/revisions/2/flows/main.yaml"));
    assert!(kept.expect("it was kept").contains("Hello."));
}

#[test]
fn a_file_that_is_half_written_while_it_is_watched_is_read_when_it_is_whole() {
    let line = Line::start_watching(FLOW);
    let text = FLOW.replace("Welcome.", "Hello.");
    // It breaks off within a name.
    let half = text.find("-> bye").expect("it is there") + 5;
    fs::write(file(&line), &text[..half]).expect("it can be written");
    line.counts("helpline_config_reloads_total{result=\"bad\"} 1");
    assert_eq!(line.json("/api/v1/flows")["items"][0]["revision"], 1);
    fs::write(file(&line), &text).expect("it can be written");
    becomes(&line, "/api/v1/flows", |flows| flows["items"][0]["revision"] == 2);
}
