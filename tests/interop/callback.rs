//! A callback through a provider of another make: Kamailio registers Helpline by digest and asks for the password at every
//! request, and baresip is who is called and the agent.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use helpline::telephony::Codec;

use crate::house::ADA;
use crate::kamailio;
use crate::patience::patiently;
use crate::phone::ADA_IS;
use crate::ports::free_port;
use crate::server::Server;
use crate::softphone::{Answering, Softphone};

/// How the called party's voice sounds, in hertz.
pub const CALLED: f64 = 900.0;

/// A house in which Ada is the only agent; `callback` are the settings of the queue's `callback`, a table.
pub fn flow(callback: &str) -> String {
    format!(
        "\
flow: main
numbers: [1000]
start: agent
steps:
  agent: {{queue: support}}
agents:
  1001: {{name: Ada, password: secret}}
queues:
  support:
    agents: [1001]
    wrap_up: 1s
    callback: {callback}
    while_waiting: {{choices: {{1: To be called back -> callback}}}}
"
    )
}

/// A caller who asks by these keys to be called back, and hangs up when that was promised.
pub fn is_promised_a_call(server: &Server, keys: &str) {
    let mut caller = Command::new(env!("CARGO_BIN_EXE_helpline"))
        .args(["dial", &format!("sip:1000@127.0.0.1:{}", server.sip_port), "--hold", "60s", "--keys", keys])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the caller dials");
    server.expect_metric("helpline_queue_callbacks_waiting{queue=\"support\"}", 1.0);
    caller.wait().expect("the line hangs up, having promised a call");
}

/// A caller asks to be called back, and is, with an agent at the other end.
fn called_back(transport: &str, callback: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (port, called) = (free_port(), free_port());
    let (_provider, log) = kamailio::provider(folder.path(), port, called);
    let mut phone = Softphone::called(called, Codec::Pcmu, CALLED);
    let flows = folder.path().join("flows");
    fs::create_dir(&flows).expect("a folder for flows");
    fs::write(flows.join("main.yaml"), flow(callback)).expect("the flow is written");
    let trunk = format!(
        ", trunks: {{carrier: {{host: \"{transport}://127.0.0.1:{port}\", register: {{user: acme, password: secret}}, \
         dial: [\"020\"]}}}}"
    );
    let mut server = Server::with_sip(&flows, &trunk, "");
    server.expect_metric("helpline_trunk_up{trunk=\"carrier\"}", 1.0);

    // The number of another country is refused, and the second one is right.
    is_promised_a_call(&server, ",1,0012025550#,,02079460123#,,1");
    let mut ada = Softphone::agent(&server, ADA_IS, Codec::Pcmu, ADA, Answering::Auto);
    server.expect_metric("helpline_queue_left_total{outcome=\"callback\",queue=\"support\"}", 1.0);
    sleep(Duration::from_secs(4));
    ada.command("hangup", "");
    server.expect_metric("helpline_queue_callbacks_waiting{queue=\"support\"}", 0.0);
    server.expect_quiet();
    phone.command("hangup", "");
    let said = fs::read_to_string(&log).unwrap_or_default();
    assert!(!said.contains("ERROR"), "{said}");
    expect_tone("the agent", &last(&ada.quit(), 3), CALLED, 2.5);
    expect_tone("the called party", &middle(&phone.quit()), ADA, 2.0);
    // All that we sent was believed: nothing ended by a refusal.
    assert_eq!(server.metric("helpline_calls_total{outcome=\"unanswered\"}"), 0.0);
    assert_eq!(server.metric("helpline_calls_total{outcome=\"failed\"}"), 0.0);
    // The writer's next transaction has them; the one that went out names the one that was promised a call.
    server.expect(
        "the directions of the calls",
        || directions(&server),
        &["inbound".to_owned(), "outbound".to_owned()].into(),
    );
}

/// Of the calls that are over, each once.
fn directions(server: &Server) -> BTreeSet<String> {
    server.records().iter().filter_map(|record| record["direction"].as_str().map(str::to_owned)).collect()
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
fn expect_tone(who: &str, heard: &[i16], hertz: f64, seconds: f64) {
    let loud = heard.iter().filter(|sample| sample.unsigned_abs() > 300).count() as f64 / 8_000.0;
    assert!(loud > seconds * 0.8, "{who} heard {loud:.1} s of anything, not {seconds} s");
    let share = share(heard, hertz);
    assert!(share > 0.9, "{who} heard {hertz} Hz in {:.0} % of what they heard", share * 100.0);
}

/// The last seconds of what was heard.
fn last(heard: &[i16], seconds: usize) -> Vec<i16> {
    heard[heard.len().saturating_sub(seconds * 8_000)..].to_vec()
}

/// Three seconds after what was said first, before the goodbye.
fn middle(heard: &[i16]) -> Vec<i16> {
    let begin = heard.iter().position(|sample| sample.unsigned_abs() > 300).unwrap_or(0);
    heard[begin..heard.len().min(begin + 3 * 8_000)].to_vec()
}

#[test]
fn a_caller_is_called_back_by_a_trunk_over_udp() {
    patiently(|| {
        called_back("udp", "{order: agent_first}");
    });
}

#[test]
fn a_caller_is_called_back_by_a_trunk_over_tcp() {
    patiently(|| {
        called_back("tcp", "{order: agent_first}");
    });
}
