//! Real softphones as agents: they register, take queued calls, and are heard by the right caller.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use helpline::media::prompts;
use helpline::telephony::Codec;

use crate::server::Server;
use crate::softphone::Softphone;
use crate::wave;

const FLOW: &str = "\
flow: main
numbers: [1000]
start: agent
steps:
  agent: {queue: support}
agents:
  1001: {name: Ada, password: secret}
  1002: {name: Grace, password: other}
queues:
  support: {agents: [1001, 1002], wrap_up: 2s}
";

/// How a caller's and two agents' voices sound, in hertz.
const CALLER: f64 = 900.0;
const ADA: f64 = 500.0;
const GRACE: f64 = 700.0;

fn ready(count: u32) -> (&'static str, f64) {
    ("helpline_queue_agents{queue=\"support\",state=\"ready\"}", f64::from(count))
}

/// A server with the queue, whose flow lies in `folder`.
fn server(folder: &Path) -> Server {
    fs::write(folder.join("main.yaml"), FLOW).expect("the flow is written");
    Server::with_flows(folder, "")
}

/// A caller who says the tone of the caller, and holds the line so long.
fn dial(server: &Server, folder: &Path, hold: &str) -> Child {
    let voice = folder.join("caller.wav");
    let step = CALLER * std::f64::consts::TAU / 8_000.0;
    let tone: Vec<i16> = (0..240_000).map(|n| ((f64::from(n) * step).sin() * 2_000.0) as i16).collect();
    prompts::write_wav(&voice, &tone).expect("the voice is written");
    Command::new(env!("CARGO_BIN_EXE_helpline"))
        .args(["dial", &format!("sip:1000@127.0.0.1:{}", server.sip_port), "--hold", hold])
        .arg("--play")
        .arg(&voice)
        .arg("--record")
        .arg(folder.join("heard.wav"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the caller dials")
}

fn called(caller: Child) -> Output {
    let output = caller.wait_with_output().expect("the caller ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    output
}

/// The share of `heard`'s energy that lies at `hertz`, of the part that is not silent.
fn share(heard: &[i16], hertz: f64) -> f64 {
    let mut at = 0.0;
    let mut all = 0.0;
    for block in heard.chunks_exact(800) {
        let energy: f64 = block.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        // Goertzel's algorithm; 800 samples make bins of 10 Hz.
        let coefficient = 2.0 * (hertz * std::f64::consts::TAU / 8_000.0).cos();
        let (mut one, mut two) = (0.0, 0.0);
        for sample in block {
            (one, two) = (f64::from(*sample) + coefficient * one - two, one);
        }
        at += (one * one + two * two - coefficient * one * two) * 2.0 / 800.0;
        all += energy;
    }
    if all == 0.0 { 0.0 } else { at / all }
}

/// `heard` is a tone for at least so many seconds, and nothing else is louder.
pub fn expect_tone(who: &str, heard: &[i16], hertz: f64, seconds: f64) {
    let loud = heard.iter().filter(|sample| sample.unsigned_abs() > 300).count() as f64 / 8_000.0;
    assert!(loud > seconds * 0.8, "{who} heard {loud:.1} s of anything, not {seconds} s");
    let share = share(heard, hertz);
    assert!(share > 0.9, "{who} heard {hertz} Hz in {:.0} % of what they heard", share * 100.0);
}

#[test]
fn caller_and_agent_hear_each_other() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = server(folder.path());
        let ada = Softphone::agent(&server, "1001", "secret", codec, ADA);
        let (series, count) = ready(1);
        server.expect_metric(series, count);
        called(dial(&server, folder.path(), "5s"));
        server.expect_metric("helpline_queue_left_total{outcome=\"answered\",queue=\"support\"}", 1.0);
        server.expect_metric("helpline_handle_seconds_count{phase=\"talk\",queue=\"support\"}", 1.0);
        server.expect_metric(series, count);
        expect_tone("the caller", &wave::samples(&folder.path().join("heard.wav")), ADA, 4.5);
        expect_tone("the agent", &ada.quit(), CALLER, 4.5);
        server.expect_quiet();
    }
}

#[test]
fn who_waits_is_connected_when_an_agent_comes_and_goes_on_when_they_hang_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = server(folder.path());
    let caller = dial(&server, folder.path(), "60s");
    server.expect_metric("helpline_queue_callers_waiting{queue=\"support\"}", 1.0);
    assert!(server.metric("helpline_queue_position_wait_seconds{position=\"1\",queue=\"support\"}") > 0.0);
    let mut grace = Softphone::agent(&server, "1002", "other", Codec::Pcmu, GRACE);
    server.expect_metric("helpline_queue_agents{queue=\"support\",state=\"talking\"}", 1.0);
    server.expect_metric("helpline_queue_callers_waiting{queue=\"support\"}", 0.0);
    sleep(Duration::from_secs(3));
    // The agent hangs up first: the flow goes on for the caller, and ends.
    grace.command("hangup", "");
    server.expect_metric("helpline_calls_total{outcome=\"completed\"}", 1.0);
    called(caller);
    let heard = wave::samples(&folder.path().join("heard.wav"));
    assert!(share(&heard, GRACE) > 0.3, "the caller heard {:.2} of the agent", share(&heard, GRACE));
    expect_tone("the agent", &grace.quit(), CALLER, 2.5);
    server.expect_quiet();
}

#[test]
fn a_wrong_password_makes_no_agent() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = server(folder.path());
    let phone = Softphone::agent(&server, "1001", "guessed", Codec::Pcmu, ADA);
    server.expect_metric("helpline_sip_rejected_total{reason=\"wrong_password\"}", 1.0);
    assert_eq!(server.metric(ready(0).0), 0.0);
    called(dial(&server, folder.path(), "2s"));
    server.expect_metric("helpline_queue_left_total{outcome=\"short_abandoned\",queue=\"support\"}", 1.0);
    assert!(phone.log().contains("403"), "{}", phone.log());
    server.expect_quiet();
}
