//! Whole calls to the program itself, over real sockets on the loopback.

mod agreement;
mod death;
mod line;
mod phone;
#[path = "../interop/ports.rs"]
mod ports;
mod reload;
mod services;
mod tapes;

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use line::{FLOW, Line};
use phone::Phone;

#[test]
fn a_caller_hears_presses_and_hangs_up_over_udp() {
    let line = Line::start();
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.hears(400.0);
    phone.hears(550.0);
    phone.press('1');
    phone.hears(1_000.0);
    for key in "1234".chars() {
        phone.press(key);
    }
    phone.hears(1_400.0);
    phone.hang_up();
    line.counts("helpline_calls_total{outcome=\"hung_up\"} 1");
    line.counts("helpline_calls_active 0");
    line.counts("helpline_call_setup_seconds_count 1");
    line.counts("helpline_dtmf_digits_total{source=\"rtp\"} 5");
    line.counts("helpline_flow_step_entries_total{flow=\"main\",step=\"told\"} 1");
    line.counts("helpline_flow_step_exits_total{exit=\"choice 1\",flow=\"main\",step=\"main\"} 1");
    line.counts("helpline_sip_requests_total{code=\"200\",method=\"INVITE\"} 1");
    line.counts("helpline_sip_requests_total{code=\"200\",method=\"BYE\"} 1");
}

#[test]
fn a_caller_hears_all_and_is_hung_up_on_over_tcp() {
    let line = Line::start();
    let mut phone = Phone::tcp(line.tcp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.hears(550.0);
    phone.info('2');
    phone.hears(2_000.0);
    phone.is_hung_up_on();
    line.counts("helpline_calls_total{outcome=\"completed\"} 1");
    line.counts("helpline_dtmf_digits_total{source=\"info\"} 1");
    let mut record = line.records();
    for _ in 0..200 {
        if !record.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
        record = line.records();
    }
    let record: serde_json::Value = serde_json::from_str(&record).expect("one record");
    assert_eq!(record["caller"], "+442079460123");
    assert_eq!(record["outcome"], "completed");
    assert_eq!((&record["steps"][1]["exit"], &record["steps"][2]["step"]), (&"choice".into(), &"bye".into()));
    assert!(record["audio"]["packets_sent"].as_u64() > Some(10), "{record}");
    assert!(record["audio"]["packets_received"].as_u64() > Some(10), "{record}");
}

#[test]
fn hold_is_silent_and_resume_is_not() {
    let line = Line::start();
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.hears(400.0);
    assert_eq!(phone.invite("inactive").status(), 200);
    // What was under way when the hold was agreed.
    phone.hears_anything(Duration::from_millis(60));
    assert!(!phone.hears_anything(Duration::from_millis(400)));
    assert_eq!(phone.invite("sendrecv").status(), 200);
    phone.hears(550.0);
    phone.hang_up();
    line.counts("helpline_calls_total{outcome=\"hung_up\"} 1");
}

#[test]
fn a_telephone_whose_words_nobody_reads_any_more_hangs_up() {
    let line = Line::start();
    // As behind `2>&1 | head -1`.
    let mut dial = Command::new(env!("CARGO_BIN_EXE_helpline"))
        .args(["dial", &format!("sip:1000@{}", line.udp), "--hold", "60s", "--keys", ",1,1"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("helpline starts");
    let mut said = String::new();
    let mut reader = BufReader::new(dial.stderr.take().expect("it is piped"));
    reader.read_line(&mut said).expect("it says something");
    assert_eq!(said, "answered\n");
    drop(reader);
    assert_eq!(dial.wait().expect("it was started").code(), Some(0));
    line.counts("helpline_calls_total{outcome=\"hung_up\"} 1");
    line.counts("helpline_sip_requests_total{code=\"200\",method=\"BYE\"} 1");
}

#[test]
fn a_number_that_nobody_defined_is_not_found() {
    let line = Line::start();
    assert_eq!(Phone::udp(line.udp).dial("4711").status(), 404);
    line.counts("helpline_calls_total{outcome=\"refused\"} 1");
    line.counts("helpline_sip_rejected_total{reason=\"no_such_number\"} 1");
}

#[test]
fn a_drain_takes_no_new_calls_and_waits_for_those_in_progress() {
    let mut line = Line::start();
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.hears(550.0);
    assert_eq!(line.get("/readyz").0, 200);
    line.signal("TERM");
    line.drains();
    let refused = Phone::udp(line.udp).dial("1000");
    assert_eq!(refused.status(), 503);
    assert!(refused.header("Retry-After").is_some());
    assert_eq!(line.get("/healthz").0, 200);
    phone.press('1');
    phone.hears(1_000.0);
    assert!(line.is_running());
    phone.hang_up();
    assert!(line.wait().success());
    assert!(line.records().contains("\"hung_up\""));
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut line = Line::start();
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial("1000").status(), 200);
    phone.hears(400.0);
    line.signal("INT");
    line.drains();
    line.signal("INT");
    phone.is_hung_up_on();
    assert!(line.wait().success());
    assert!(line.records().contains("\"drained\""), "{}", line.records());
}

#[test]
fn a_reload_takes_a_good_set_and_keeps_it_from_a_bad_one() {
    let line = Line::start();
    line.write_flow(&FLOW.replace("next: main", "next: mian"));
    line.signal("HUP");
    line.counts("helpline_config_reloads_total{result=\"bad\"} 1");
    assert_eq!(Phone::udp(line.udp).dial("1000").status(), 200);
    line.write_flow(&FLOW.replace("[1000]", "[2000]"));
    line.signal("HUP");
    line.counts("helpline_config_reloads_total{result=\"good\"} 1");
    assert_eq!(Phone::udp(line.udp).dial("1000").status(), 404);
    assert_eq!(Phone::udp(line.udp).dial("2000").status(), 200);
}

fn helpline(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_helpline")).args(arguments).output().expect("helpline starts")
}

#[test]
fn the_exit_status_tells_what_was_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let _media = line::write_installation(folder.path());
    let config = folder.path().join("helpline.yaml");
    let config = config.to_str().expect("a plain path");
    let check = |arguments: &[&str], status: i32, told: &str| {
        let output = helpline(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
        assert!(text.contains(told), "{arguments:?}: {text}");
    };
    check(&["check", "--config", config], 0, "");
    check(&["sevre"], 2, "serve");
    check(&["serve", "--config", config, "--log-level", "a=b=c"], 3, "log filter");

    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("it is bound").port();
    let busy = format!("sip: {{listen: [\"udp://127.0.0.1:{port}\"]}}\nhttp: {{listen: \"127.0.0.1:0\"}}\n");
    std::fs::write(config, busy).expect("it can be written");
    check(&["serve", "--config", config], 3, &port.to_string());

    std::fs::write(folder.path().join("flows/main.yaml"), FLOW.replace("next: main", "next: mian"))
        .expect("it can be written");
    check(&["serve", "--config", config], 1, "mian");
}
