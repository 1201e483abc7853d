//! Calls that ask web services, and callers who are known when they call again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::death::becomes;
use super::line::Line;
use super::phone::Phone;

/// A service that knows every number but those of paths that begin with `/slow`: there it says nothing.
fn serve() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let (told, tells) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let told = told.clone();
            thread::spawn(move || answer(stream.expect("somebody connects"), &told));
        }
    });
    (port, tells)
}

fn answer(mut stream: TcpStream, told: &std::sync::mpsc::Sender<String>) {
    let (mut request, mut piece) = (String::new(), [0; 1024]);
    while !request.contains("\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => request += &String::from_utf8_lossy(&piece[..count]),
            _ => return,
        }
    }
    let slow = request.starts_with("GET /slow");
    // The test may be over.
    let _ = told.send(request);
    if slow {
        let _ = stream.read(&mut piece);
        let _ = told.send("gone".to_owned());
        return;
    }
    let body = r#"{"status": "sent", "tier": 3}"#;
    let _ = write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}

fn flow(port: u16, path: &str) -> String {
    format!(
        "
flow: main
numbers: [1000]
time_zone: UTC
start: look
steps:
  look:
    lookup: orders/{path}{{caller.number}}
    save: order
    found: gate
    not_found: lost
    failed: lost
  gate: {{when: order.status is 'sent' and caller.calls_today is 1, then: first, otherwise: later}}
  first: {{menu: One?, choices: {{1: Well -> first}}}}
  later: {{when: caller.calls_today is 2 and caller.last_call is known, then: second, otherwise: third}}
  second: {{queue: support, priority: '{{order.tier}}'}}
  third: {{menu: Three?, choices: {{1: Well -> third}}}}
  lost: {{menu: Lost?, choices: {{1: Well -> lost}}}}
queues: {{support: {{agents: [1001]}}}}
agents: {{1001: {{name: Ada}}}}
connectors:
  orders:
    url: http://127.0.0.1:{port}/
    private: true
    timeout: 1s
    headers: {{Authorization: Bearer s3cret}}
    fields: {{status: [sent, paid], tier: number}}
"
    )
}

#[test]
fn a_service_is_asked_and_the_caller_is_known_when_they_call_again() {
    let (port, asked) = serve();
    let mut line = Line::start_with(&flow(port, ""));
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.breathe();
    let request = asked.recv().expect("the service is asked");
    assert!(request.starts_with("GET /%2B442079460123 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer s3cret\r\n"), "{request}");
    line.counts("helpline_flow_step_entries_total{flow=\"main\",step=\"first\"} 1");
    line.counts("helpline_lookups_total{connector=\"orders\",outcome=\"found\"} 1");
    line.counts("helpline_lookup_seconds_count{connector=\"orders\"} 1");
    phone.hang_up();

    let mut again = Phone::udp(line.udp);
    assert_eq!(again.dial("1000").status(), 200);
    again.breathe();
    becomes(&line, "/api/v1/queues/support", |queue| queue["callers_waiting"] == 1);
    let calls = line.json("/api/v1/calls");
    let id = calls["items"][0]["id"].as_str().expect("one call is in progress").to_owned();
    let story = line.json(&format!("/api/v1/calls/{id}"));
    let events = story["events"].as_array().expect("a list");
    let event =
        |name: &str| events.iter().find(|event| event["event"] == name).unwrap_or(&serde_json::Value::Null).clone();
    let lookup = event("looked_up");
    assert_eq!((&lookup["connector"], &lookup["outcome"]), (&"orders".into(), &"found".into()), "{story:#}");
    assert_eq!(event("queue_entered")["priority"], 3, "{story:#}");
    again.hang_up();
    becomes(&line, "/api/v1/records", |records| records["items"].as_array().map(Vec::len) == Some(2));
    // What is kept by now is kept together.
    line.put("/api/v1/agents/1001/state", r#"{"state": "paused", "reason": "lunch"}"#);
    thread::sleep(Duration::from_millis(500));
    line.die_and_rise();

    let mut third = Phone::udp(line.udp);
    assert_eq!(third.dial("1000").status(), 200);
    third.breathe();
    line.counts("helpline_flow_step_entries_total{flow=\"main\",step=\"third\"} 1");
    third.hang_up();
}

#[test]
fn who_hangs_up_while_a_service_thinks_is_asked_for_no_more() {
    let (port, asked) = serve();
    let line = Line::start_with(&flow(port, "slow/"));
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.breathe();
    assert!(asked.recv().expect("the service is asked").starts_with("GET /slow/"));
    phone.hang_up();
    assert_eq!(asked.recv().as_deref(), Ok("gone"));
    line.counts("helpline_lookups_total{connector=\"orders\",outcome=\"cancelled\"} 1");
    line.counts("helpline_flow_step_exits_total{exit=\"caller_hung_up\",flow=\"main\",step=\"look\"} 1");
    // A slow service is given up, and the caller goes on.
    let mut patient = Phone::udp(line.udp);
    assert_eq!(patient.dial("1000").status(), 200);
    patient.breathe();
    assert!(asked.recv().expect("the service is asked").starts_with("GET /slow/"));
    line.counts("helpline_lookups_total{connector=\"orders\",outcome=\"timed_out\"} 1");
    line.counts("helpline_flow_step_entries_total{flow=\"main\",step=\"lost\"} 1");
    patient.hang_up();
}
