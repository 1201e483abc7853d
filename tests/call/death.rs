//! `kill -9`: what must survive does.

use std::time::Duration;

use helpline::journal;

use super::line::Line;
use super::phone::Phone;

const FLOW: &str = "
flow: main
numbers: [1000]
languages: [en]
time_zone: UTC
start: help
steps:
  help:
    queue: support
    next: bye
  bye:
    hangup: Goodbye.
queues:
  support:
    agents: [1001, 1002]
agents:
  1001: {name: Ada, password: secret}
  1002: {name: Ben}
";

/// Asks until the answer is as it should be.
#[track_caller]
pub fn becomes(line: &Line, path: &str, fits: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
    let mut last = serde_json::Value::Null;
    for _ in 0..200 {
        last = line.json(path);
        if fits(&last) {
            return last;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{path} stays {last:#}");
}

#[test]
fn a_killed_server_begins_again_where_it_was() {
    let mut line = Line::start_with(FLOW);
    let mut brief = Phone::udp(line.udp);
    assert_eq!(brief.dial("1000").status(), 200);
    brief.breathe();
    becomes(&line, "/api/v1/queues/support", |queue| queue["callers_waiting"] == 1);
    brief.hang_up();
    becomes(&line, "/api/v1/records", |records| records["items"][0]["outcome"] == "hung_up");
    line.put("/api/v1/agents/1001/state", r#"{"state": "paused", "reason": "lunch"}"#);
    line.put("/api/v1/agents/1002/state", r#"{"state": "ready"}"#);
    line.put("/api/v1/agents/1002/state", r#"{"state": "logged_out"}"#);
    becomes(&line, "/api/v1/agents/1001", |agent| agent["reason"] == "lunch");
    let mut caller = Phone::udp(line.udp);
    assert_eq!(caller.dial("1000").status(), 200);
    caller.breathe();
    becomes(&line, "/api/v1/queues/support", |queue| queue["callers_waiting"] == 1);
    let dialled = std::time::Instant::now();
    // All has been written by then, and the wait is to be told from a new one.
    std::thread::sleep(Duration::from_secs(2));

    line.die_and_rise();
    let queue = becomes(&line, "/api/v1/queues/support", |queue| queue["entered"] == 2);
    assert_eq!((&queue["callers_waiting"], &queue["line"]), (&0.into(), &serde_json::json!([])), "the line was lost");
    assert_eq!(
        queue["left"]["abandoned"].as_u64().unwrap_or(0) + queue["left"]["short_abandoned"].as_u64().unwrap_or(0),
        1
    );
    assert_eq!(line.json("/api/v1/agents/1001")["reason"], "lunch");
    assert_eq!(line.json("/api/v1/agents/1002")["state"], "logged_out");
    let records = line.json("/api/v1/records");
    assert_eq!(records["items"].as_array().map(Vec::len), Some(1), "{records:#}");
    assert_eq!(records["items"][0]["waits"][0]["queue"], "support");

    let mut again = Phone::udp(line.udp);
    assert_eq!(again.dial("1000").status(), 200);
    again.breathe();
    let queue = becomes(&line, "/api/v1/queues/support", |queue| queue["callers_waiting"] == 1);
    let wait = queue["line"][0]["wait"].as_f64().expect("a number");
    let since = dialled.elapsed().as_secs_f64();
    assert!((since - 1.0..since + 1.0).contains(&wait), "they have waited {wait} s of {since} s");
    assert_eq!((&queue["line"][0]["mode"], &queue["entered"]), (&"resumed".into(), &2.into()), "it is the same place");
    again.hang_up();
    becomes(&line, "/api/v1/queues/support", |queue| queue["callers_waiting"] == 0);

    // Once more: nobody has the place twice.
    line.die_and_rise();
    let queue = becomes(&line, "/api/v1/queues/support", |queue| queue["entered"] == 2);
    let left =
        queue["left"]["abandoned"].as_u64().unwrap_or(0) + queue["left"]["short_abandoned"].as_u64().unwrap_or(0);
    assert_eq!(left, 2, "{queue:#}");
    let mut third = Phone::udp(line.udp);
    assert_eq!(third.dial("1000").status(), 200);
    third.breathe();
    let queue = becomes(&line, "/api/v1/queues/support", |queue| queue["callers_waiting"] == 1);
    assert_eq!((&queue["line"][0]["mode"], &queue["entered"]), (&"holding".into(), &3.into()));
}

#[test]
fn calls_that_a_death_cuts_off_are_on_record() {
    let mut line = Line::start_with(FLOW);
    let mut over = Phone::udp(line.udp);
    let mut waits = Phone::udp(line.udp);
    for phone in [&mut over, &mut waits] {
        assert_eq!(phone.dial("1000").status(), 200);
        phone.breathe();
    }
    becomes(&line, "/api/v1/queues/support", |queue| queue["callers_waiting"] == 2);
    // How far they have come is written by then.
    std::thread::sleep(2 * journal::SO_FAR_AFTER + Duration::from_secs(1));
    let records = line.json("/api/v1/records");
    assert_eq!(records["items"], serde_json::json!([]), "nobody is shown what is not over");
    over.hang_up();
    becomes(&line, "/api/v1/records", |records| records["items"].as_array().map(Vec::len) == Some(1));

    let calls = |line: &Line, query: &str| -> Vec<(String, String)> {
        let records = line.json(&format!("/api/v1/records{query}"));
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let items = records["items"].as_array().expect("a list").iter();
        items.map(|item| (text(&item["outcome"]), text(&item["cause"]))).collect()
    };
    let cut_off = ("failed".to_owned(), "process_lost".to_owned());
    let hung_up = ("hung_up".to_owned(), "remote_hung_up".to_owned());
    for _ in 0..2 {
        line.die_and_rise();
        assert_eq!(calls(&line, ""), [cut_off.clone(), hung_up.clone()], "the later call first");
        assert_eq!(calls(&line, "?outcome=failed&queue=support"), std::slice::from_ref(&cut_off));
    }
    let record = &line.json("/api/v1/records")["items"][0];
    let seconds = record["duration_seconds"].as_f64().expect("a number");
    assert!(seconds >= journal::SO_FAR_AFTER.as_secs_f64(), "{record:#}");
    assert_eq!((&record["steps"][0]["step"], &record["waits"][0]["queue"]), (&"help".into(), &"support".into()));
}

#[test]
fn a_phone_that_had_registered_rings_for_the_next_caller_after_a_kill() {
    let mut line = Line::start_with(FLOW);
    let mut ada = Phone::udp(line.udp);
    ada.register("1001", "secret");
    becomes(&line, "/api/v1/agents/1001", |agent| agent["state"] == "ready");
    // It is written by then.
    std::thread::sleep(Duration::from_secs(1));

    line.die_and_rise();
    becomes(&line, "/api/v1/agents/1001", |agent| agent["state"] == "ready");
    let probe = ada.is_asked("OPTIONS");
    ada.agree(&probe);
    let mut caller = Phone::udp(line.udp);
    assert_eq!(caller.dial("1000").status(), 200);
    caller.breathe();
    let invite = ada.is_asked("INVITE");
    assert!(
        invite.start.starts_with("INVITE sip:phone@127.0.0.1:"),
        "its Contact is as it registered: {}",
        invite.start
    );
    becomes(&line, "/api/v1/agents/1001", |agent| agent["state"] == "ringing");
    caller.hang_up();
}
