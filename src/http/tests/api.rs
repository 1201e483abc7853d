//! `/api/v1`: what is shown and what can be wanted.

use serde_json::{Value, json};

use super::{House, furnished};
use crate::acd::AgentCommand;
use crate::journal::Stories;
use crate::switchboard::OperatorCommand;
use crate::telephony::CallId;

/// What stands at these places of the answer to `GET path`.
fn check(path: &str, expected: &[(&str, Value)]) {
    let answer = House::furnished().ask(&format!("GET {path}"));
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let body = answer.json();
    for (pointer, value) in expected {
        assert_eq!(body.pointer(pointer), Some(value), "{pointer} of {path}: {body:#}");
    }
}

#[test]
fn calls_in_progress_are_listed() {
    check(
        "/api/v1/calls",
        &[
            ("/next", Value::Null),
            ("/items/0/id", json!("c7")),
            ("/items/0/caller", json!("+442079460123")),
            ("/items/0/dialled", json!("1000")),
            ("/items/0/flow", json!("main")),
            ("/items/0/state", json!("holding")),
            ("/items/0/agent", json!("1001")),
            ("/items/0/codec", json!("PCMA")),
            ("/items/0/source", json!("192.0.2.7:5060")),
            ("/items/0/position", Value::Null),
            ("/items/1/id", json!("c8")),
            ("/items/1/step", json!("main")),
            ("/items/1/state", json!("waiting")),
            ("/items/1/queue", json!("support")),
            ("/items/1/position", json!(1)),
        ],
    );
    check("/api/v1/calls?limit=1", &[("/items/0/id", json!("c7")), ("/next", json!("/api/v1/calls?limit=1&after=c7"))]);
    check("/api/v1/calls?limit=1&after=c7", &[("/items/0/id", json!("c8")), ("/next", Value::Null)]);
    check("/api/v1/calls?after=c8", &[("/items", json!([])), ("/next", Value::Null)]);
    for wrong in ["limit=0", "limit=501", "after=8", "after=c08", "state=waiting"] {
        let answer = House::furnished().ask(&format!("GET /api/v1/calls?{wrong}"));
        assert_eq!(answer.status, 400, "{wrong}");
    }
}

#[test]
fn a_story_tells_all() {
    check(
        "/api/v1/calls/c6",
        &[
            ("/state", json!("ended")),
            ("/outcome", json!("hung_up")),
            ("/cause", json!("remote_hung_up")),
            ("/duration", json!(9.0)),
            ("/legs/0/party", json!("caller")),
            ("/legs/0/talk", json!(2.0)),
            ("/legs/0/audio/packets_lost", json!(0)),
            ("/legs/1/agent", json!("1001")),
            ("/legs/1/talk", json!(2.0)),
            ("/legs/1/hold", json!(1.0)),
            ("/legs/1/ended_by", json!("caller")),
            ("/events/0/event", json!("offered")),
            ("/events/0/words", json!("A call from +442079460123 to 1000; the flow main answers")),
            ("/events/5/event", json!("step_left")),
            ("/events/5/exit", json!("choice")),
            ("/events/6/prompt", Value::Null),
            ("/events/7/priority", json!(2)),
            ("/events/8/event", json!("wait_spoken")),
            ("/events/8/after", json!(3.0)),
            ("/events/8/promised", json!(180.0)),
            (
                "/events/8/inputs",
                json!({"ahead": 2, "available": 0, "servers": 1.5, "handle": 90.0, "samples": 31,
                "last_wait": 140.0, "abandon_share": 0.1}),
            ),
            ("/events/11/event", json!("ended")),
            ("/events_left_out", json!(0)),
        ],
    );
    // The conversation goes on, held: what was talked stands, and the hold grows from second 26.
    check(
        "/api/v1/calls/c7",
        &[("/legs/1/talk", json!(10.0)), ("/legs/1/ended", Value::Null), ("/ended", Value::Null)],
    );
    for unknown in ["c5", "c08", "7", "c", "cc7", "c99999999999999999999"] {
        let answer = House::furnished().ask(&format!("GET /api/v1/calls/{unknown}"));
        assert_eq!((answer.status, answer.json()["status"].as_u64()), (404, Some(404)), "{unknown}");
        assert!(answer.body.contains("/api/v1/records"), "{unknown}: {}", answer.body);
    }
}

#[test]
fn no_story_tells_a_key() {
    // The key of c6 was a 5, which is in no other figure of its story.
    let answer = House::furnished().ask("GET /api/v1/calls/c6").json();
    for event in answer["events"].as_array().expect("a list") {
        let mut event = event.clone();
        for time in ["at", "after", "inputs"] {
            event[time] = Value::Null;
        }
        assert!(!event.to_string().contains('5'), "{event}");
    }
}

#[test]
fn a_call_is_hung_up() {
    let house = House::furnished();
    assert_eq!(house.ask("DELETE /api/v1/calls/c7").status, 204);
    assert_eq!(house.commands(), [OperatorCommand::HangUp(CallId(7))]);
    for gone in ["c6", "c5", "x"] {
        assert_eq!(house.ask(&format!("DELETE /api/v1/calls/{gone}")).status, 404, "{gone}");
    }
    assert_eq!(house.commands(), []);
}

#[test]
fn a_desk_that_does_not_answer_is_said_to_be_busy() {
    use super::*;
    let (_sender, receiver) = watch::channel(None);
    let clock = Clock::start();
    let http = start("127.0.0.1:0".parse().expect("an address"), idle(clock, receiver)).expect("a free port");
    let house = House { http, commands: Arc::default(), _snapshot: watch::channel(None).0 };
    for request in ["GET /api/v1/calls", "GET /api/v1/calls/c1", "DELETE /api/v1/calls/c1"] {
        let answer = house.ask(request);
        assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")), "{request}");
    }
}

#[test]
fn queues_and_agents_are_shown() {
    check(
        "/api/v1/queues",
        &[
            ("/next", Value::Null),
            ("/items/0/name", json!("support")),
            ("/items/0/longest_wait", json!(7.0)),
            ("/items/0/agents/paused", json!(1)),
            ("/items/0/service_level/goal_within", json!(20.0)),
            ("/items/0/service_level/ratio/abandons_against", Value::Null),
            ("/items/0/abandonment", Value::Null),
            ("/items/0/line/0/call", json!("c8")),
        ],
    );
    check("/api/v1/queues/support", &[("/entered", json!(0))]);
    check("/api/v1/agents", &[("/items/0/state", json!("paused"))]);
    check("/api/v1/agents/1001", &[("/reason", json!("missed")), ("/for", json!(5.0)), ("/occupancy", Value::Null)]);
    let house = House::new(None, Some(furnished()), Stories::default());
    for (path, detail) in [("queues/sales", "no queue"), ("agents/1002", "no agent")] {
        let answer = house.ask(&format!("GET /api/v1/{path}"));
        assert_eq!((answer.status, answer.header("Content-Type")), (404, Some("application/problem+json")), "{path}");
        assert!(answer.body.contains(detail), "{path}: {}", answer.body);
    }
}

#[test]
fn an_agents_state_is_set() {
    let house = House::furnished();
    let json_type = [("Content-Type", "application/json")];
    let long = format!(r#"{{"state": "paused", "reason": "{}"}}"#, "x".repeat(65));
    let huge = format!(r#"{{"state": "paused", "reason": "{}"}}"#, "x".repeat(20_000));
    for (extension, body, status) in [
        ("1001", r#"{"state": "ready"}"#, 204),
        ("1001", r#"{"state": "logged_out"}"#, 204),
        ("1001", r#"{"state": "paused", "reason": "lunch"}"#, 204),
        ("1001", r#"{"state": "paused"}"#, 204),
        ("1001", r#"{"state": "paused", "reason": " "}"#, 422),
        ("1001", r#"{"state": "talking"}"#, 422),
        ("1001", r#"{"state": "ready", "until": 3}"#, 422),
        ("1001", r#"{"state": 3}"#, 422),
        ("1001", r#"{}"#, 422),
        ("1001", "ready", 400),
        ("1001", r#"{"state": "ready""#, 400),
        ("1001", &long, 422),
        ("1001", &huge, 413),
        ("1002", r#"{"state": "ready"}"#, 404),
    ] {
        let answer = house.send(&format!("PUT /api/v1/agents/{extension}/state"), &json_type, body);
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        let commands = house.commands();
        assert_eq!(commands.len(), usize::from(status == 204), "{body}");
        if status != 204 {
            assert_eq!(answer.header("Content-Type"), Some("application/problem+json"), "{body}");
            assert_eq!(answer.json()["status"], json!(status));
        }
    }
    let answer =
        house.send("PUT /api/v1/agents/1001/state", &[("Content-Type", "text/plain")], r#"{"state": "ready"}"#);
    assert_eq!((answer.status, house.commands().len()), (415, 0));
    house.send("PUT /api/v1/agents/1001/state", &json_type, r#"{"state": "paused", "reason": " lunch "}"#);
    house.send("PUT /api/v1/agents/1001/state", &json_type, r#"{"state": "paused"}"#);
    let pause =
        |reason: &str| OperatorCommand::Agent { extension: "1001".into(), command: AgentCommand::Pause(reason.into()) };
    assert_eq!(house.commands(), [pause("lunch"), pause("paused")]);
}

#[test]
fn everything_is_read_again_and_earlier_revisions_are_had_back() {
    let house = House::furnished();
    let post = |path: &str, body: &str| {
        let answer = house.send(&format!("POST {path}"), &[], body);
        (answer.status, answer.json())
    };
    let (status, told) = post("/api/v1/reload", "");
    assert_eq!((status, &told["revision"], &told["back_to"]), (200, &json!(9), &json!(null)), "{told}");
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(1));
    // 8 was the way back to 6, so what was before is 5.
    let (status, told) = post("/api/v1/rollback", "");
    assert_eq!((status, &told["back_to"]), (200, &json!(5)));
    let (status, told) = post("/api/v1/rollback", "{\"revision\": 6}");
    assert_eq!((status, &told["faults"][0]["code"]), (422, &json!("HL0207")), "{told}");
    for (body, expected) in [("{\"revision\": 7}", 500), ("{\"revision\": 1}", 404), ("{\"back\": 1}", 400), ("5", 400)]
    {
        assert_eq!(post("/api/v1/rollback", body).0, expected, "{body}");
    }
    let kept = house.ask("GET /api/v1/revisions").json();
    assert_eq!((&kept["items"][0]["revision"], &kept["items"][0]["in_use"]), (&json!(8), &json!(true)), "{kept}");
    let flows = house.ask("GET /api/v1/flows").json();
    assert_eq!((&flows["items"][0]["name"], &flows["items"][0]["numbers"]), (&json!("main"), &json!(["1000"])));
    assert_eq!(house.ask("GET /api/v1/flows/main").json()["steps"], json!([]));
    assert_eq!(house.ask("GET /api/v1/flows/sales").status, 404);
    assert_eq!(house.ask("GET /api/v1/reload").status, 405);
}
