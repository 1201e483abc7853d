//! Messages and recordings when the process dies and when the disk takes no more: what was said until then is there, and
//! the caller is told.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::death::becomes;
use super::line::Line;
use super::phone::Phone;

const FLOW: &str = "
flow: main
numbers: [1000]
languages: [en]
time_zone: UTC
start: START
steps:
  message: {voicemail: support, silence: 10s, failed: told, next: bye}
  told: {say: We are sorry., next: bye}
  consent: {record: {consent: announce}, next: help}
  help: {queue: support, next: bye}
  hours: {hours: office, open: bye, closed: told}
  bye: {hangup: Goodbye.}
hours: {office: {mon-sun: 00:00-24:00}}
agents: {1001: {name: Ada}}
queues: {support: {agents: [1001]}}
";

/// The tone before a message, in hertz.
const TONE: f64 = 1_000.0;
/// The recording of `told`.
const TOLD: f64 = 1_400.0;
/// The recording that tells of a recording.
const ANNOUNCED: f64 = 600.0;

fn starting_at(step: &str) -> String {
    FLOW.replace("START", step)
}

/// For how long somebody speaks on a file, on either side.
fn spoken(file: &Path) -> Duration {
    let mut reader = hound::WavReader::open(file).expect("it is a WAV file");
    let loud = reader.samples::<i16>().filter(|sample| sample.as_ref().expect("a sample").unsigned_abs() > 5_000);
    Duration::from_secs_f64(loud.count() as f64 / 8_000.0)
}

/// The only tape that is listed, and how long somebody speaks on it.
#[track_caller]
fn only(line: &Line, list: &str) -> Duration {
    let path = format!("/api/v1/{list}");
    let is_there = |page: &serde_json::Value| page["items"].as_array().is_some_and(|all| all.len() == 1);
    // A database that could not be written is tried again after ten seconds.
    for _ in 0..200 {
        if is_there(&line.json(&path)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let listed = line.json(&path);
    assert!(is_there(&listed), "{list}: {listed:#}");
    let item = &listed["items"][0];
    let (name, started) = (item["id"].as_str().expect("a name"), item["started"].as_str().expect("a time"));
    let folder = if list == "recordings" { format!("recordings/{}", &started[..10]) } else { list.to_owned() };
    spoken(&line.folder.path().join(format!("data/{folder}/{name}.wav")))
}

#[test]
fn what_was_said_until_a_kill_is_there_after_it() {
    for (start, heard, list) in [("message", TONE, "voicemail/support"), ("consent", ANNOUNCED, "recordings")] {
        let mut line = Line::start_with(&starting_at(start));
        let mut caller = Phone::udp(line.udp);
        assert_eq!(caller.dial("1000").status(), 200);
        caller.hears(heard);
        caller.says_nothing(Duration::from_millis(500));
        caller.says(Duration::from_secs(4));
        line.die_and_rise();
        let kept = only(&line, list);
        // But for the half second that was not written yet, and what was still on its way.
        let range = Duration::from_millis(2_500)..=Duration::from_millis(4_000);
        assert!(range.contains(&kept), "{list}: {kept:?} of 4 s");
    }
}

#[test]
fn a_caller_whose_message_cannot_be_kept_is_told_and_goes_on() {
    let line = Line::start_with(&starting_at("message"));
    let folder = line.folder.path().join("data/voicemail");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("support"), "no folder").expect("a file");
    let mut caller = Phone::udp(line.udp);
    assert_eq!(caller.dial("1000").status(), 200);
    caller.hears(TOLD);
    caller.is_hung_up_on();
    line.counts("helpline_tape_failures_total{kind=\"message\"} 1");
    let records = becomes(&line, "/api/v1/records", |page| page["items"][0]["outcome"] == "completed");
    assert_eq!(records["items"][0]["tapes_failed"], 1, "{records:#}");
    assert_eq!(line.json("/api/v1/voicemail/support")["items"], serde_json::json!([]));
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_message_leaves_what_was_said_before() {
    let line = Line::start_on_small_disk(&starting_at("message"));
    let mut caller = Phone::udp(line.udp);
    assert_eq!(caller.dial("1000").status(), 200);
    caller.hears(TONE);
    caller.says_nothing(Duration::from_millis(500));
    caller.says(Duration::from_secs(3));
    // Nothing is written any more, neither of the message nor in the database.
    line.limit_files("40000");
    caller.says(Duration::from_secs(2));
    caller.hears(TOLD);
    caller.is_hung_up_on();
    line.counts("helpline_tape_failures_total{kind=\"message\"} 1");
    line.limit_files("unlimited");
    let kept = only(&line, "voicemail/support");
    let range = Duration::from_millis(1_500)..=Duration::from_millis(4_000);
    assert!(range.contains(&kept), "{kept:?} of 3 s");
    let records = becomes(&line, "/api/v1/records", |page| page["items"][0]["outcome"] == "completed");
    assert_eq!(records["items"][0]["tapes_failed"], 1, "{records:#}");
}

#[test]
fn hours_that_were_switched_stay_so_after_a_kill() {
    let mut line = Line::start_with(&starting_at("hours"));
    becomes(&line, "/api/v1/hours/office", |hours| hours["open"] == true);
    line.put("/api/v1/hours/office/state", r#"{"state": "closed", "until": "2199-01-01T00:00:00Z"}"#);
    std::thread::sleep(Duration::from_secs(2));
    line.die_and_rise();
    let office = becomes(&line, "/api/v1/hours/office", |hours| hours["open"] == false);
    assert_eq!(office["switched_until"], "2199-01-01T00:00:00Z", "{office:#}");
}
