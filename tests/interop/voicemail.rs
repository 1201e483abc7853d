//! Messages and recordings against baresip: what is said is on the tape, sample by sample; the agent's phone shows that a
//! message waits; and what HTTP plays is the file.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use helpline::media::codecs;
use helpline::telephony::Codec;
use serde_json::{Value, json};

use crate::house::{ADA, CALLER};
use crate::patience::patiently;
use crate::phone::{ADA_IS, MAKERS, Phone};
use crate::pjsip::{Options, Pjsip};
use crate::server::Server;
use crate::softphone::{Answering, Softphone};
use crate::wave::{self, Passage, Sound};

const FLOW: &str = "
flow: main
numbers: [1000]
languages: [en]
start: consent
steps:
  consent: {record: {consent: announce}, next: person}
  person: {queue: support, next: message}
  message: {voicemail: support, greeting: Nobody is here., silence: 10s, next: bye}
  bye: {hangup: Goodbye.}
agents: {1001: {name: Ada, password: secret}}
queues: {support: {agents: [1001], when_no_agents: {go: message}}}
";

fn server(start: &str) -> (Server, tempfile::TempDir) {
    let flows = tempfile::tempdir().expect("a folder");
    fs::write(flows.path().join("main.yaml"), FLOW.replace("start: consent", start)).expect("the flow is written");
    (Server::with_flows(flows.path(), ""), flows)
}

/// The octets of an answer's body.
fn octets(server: &Server, path: &str, range: Option<&str>) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.http_address()).expect("it listens");
    let range = range.map(|range| format!("Range: {range}\r\n")).unwrap_or_default();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{range}\r\n").expect("it listens");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
    answer.split_off(head + 4)
}

fn put(server: &Server, path: &str, body: &str) {
    let mut stream = TcpStream::connect(server.http_address()).expect("it listens");
    let length = body.len();
    write!(
        stream,
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}

/// The only message, when it is there.
fn message(server: &Server) -> Value {
    let list = || server.api("voicemail/support")["items"].take();
    server.expect("the number of messages", || list().as_array().map(Vec::len), &Some(1));
    list()[0].take()
}

/// How many samples in a row differ at most from the caller's tone, as G.711 carries it, and where it begins.
fn longest_gap(heard: &[i16], hertz: f64, codec: Codec) -> (usize, usize) {
    let step = hertz * std::f64::consts::TAU / wave::RATE as f64;
    let tone: Vec<i16> = (0..wave::RATE)
        .map(|n| codecs::decode(codec, codecs::encode(codec, ((n as f64 * step).sin() * 2_000.0) as i16)))
        .collect();
    let period = tone.len();
    let begin = heard.iter().position(|sample| sample.abs() > 500).expect("somebody speaks");
    let window = &heard[begin + 400..begin + 1_200];
    let phase = (0..period)
        .min_by_key(|phase| {
            let at = |n: usize| tone[(n + phase) % period];
            window.iter().enumerate().map(|(n, sample)| u64::from(sample.abs_diff(at(n)))).sum::<u64>()
        })
        .expect("a second has samples");
    let (mut longest, mut run) = (0, 0);
    for (n, sample) in heard[begin + 400..].iter().enumerate() {
        let differs = sample.abs_diff(tone[(n + phase) % period]) > 8;
        run = if differs { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    (begin, longest)
}

#[test]
fn a_message_is_what_was_said_and_is_shown_on_the_phone() {
    patiently(|| {
        let (mut server, _flows) = server("start: message");
        let agent = Softphone::agent_with_messages(&server, ADA_IS);
        server.expect("the agent's phone", || agent.log().contains("Messages-Waiting: no"), &true);

        let mut caller = Softphone::caller(Codec::Pcmu, "udp");
        caller.dial(&server, "1000", "udp");
        // The greeting, the instruction and the tone, and then five seconds and more.
        sleep(Duration::from_secs(14));
        caller.press("#");
        server.expect_metric("helpline_voicemail_messages_total{mailbox=\"support\",outcome=\"left\"}", 1.0);
        caller.hang_up(&server);

        let message = message(&server);
        let seconds = message["duration"].as_f64().expect("a length");
        let path = message["audio"].as_str().expect("an address");
        let name = message["id"].as_str().expect("a name");
        let file = server.folder.path().join(format!("data/voicemail/support/{name}.wav"));
        let heard = wave::samples(&file);
        assert!((heard.len() as f64 / 8_000.0 - seconds).abs() < 0.001, "{} samples, {seconds} s", heard.len());
        assert!((3.0..12.0).contains(&seconds), "{seconds} s");
        let (begin, gap) = longest_gap(&heard, 300.0, Codec::Pcmu);
        assert!(begin < 1_600, "the caller is heard after {begin} samples");
        // Not one sample is missing or made up; where a value is between two of G.711's, baresip may choose the other one.
        assert!(gap <= 1, "{gap} samples in a row are not what was said");

        let stored = fs::read(&file).expect("it is there");
        assert_eq!(octets(&server, path, None), stored, "what is played is the file");
        assert_eq!(octets(&server, path, Some("bytes=44-1043")), stored[44..1_044]);

        let shows = |line: &str| agent.log().contains(line);
        server.expect("the agent's phone", || shows("Voice-Message: 1/0 (0/0)"), &true);
        put(&server, &format!("/api/v1/voicemail/support/{name}"), r#"{"heard": true}"#);
        server.expect("the agent's phone", || shows("Voice-Message: 0/1 (0/0)"), &true);
        server.send("DELETE", &format!("/api/v1/voicemail/support/{name}"));
        assert!(!file.exists());
        server.expect("messages", || server.api("voicemail/support")["items"].clone(), &json!([]));
        server.expect_quiet();
    });
}

/// A caller leaves a message of some seconds in the mailbox of support.
fn leave_message(server: &Server) -> Value {
    let mut caller = Softphone::caller_saying(Codec::Pcmu, "udp", CALLER);
    caller.dial(server, "1000", "udp");
    sleep(Duration::from_secs(14));
    caller.hang_up(server);
    message(server)
}

#[test]
fn a_phone_that_has_not_asked_is_told_of_messages() {
    patiently(|| {
        let (mut server, _flows) = server("start: message");
        let phone = Pjsip::agent(&server, ADA_IS, Codec::Pcmu, ADA, &Options::default());
        server.expect_agent("1001", "ready");
        let name = leave_message(&server)["id"].as_str().expect("a name").to_owned();
        phone.expect("messages 1/0", 1);
        put(&server, &format!("/api/v1/voicemail/support/{name}"), r#"{"heard": true}"#);
        phone.expect("messages 0/1", 1);
        server.send("DELETE", &format!("/api/v1/voicemail/support/{name}"));
        phone.expect("messages 0/0", 1);
        server.expect_quiet();
    });
}

#[test]
fn a_phone_that_takes_no_news_unasked_is_an_agents_phone_all_the_same() {
    patiently(|| {
        let (mut server, _flows) = server("start: message");
        let agent = Softphone::agent(&server, ADA_IS, Codec::Pcmu, ADA, Answering::Auto);
        server.expect_agent("1001", "ready");
        leave_message(&server);
        // It has been told by then, or has refused to be.
        sleep(Duration::from_secs(2));
        assert_eq!(server.agent("1001"), "ready", "{}", agent.log());
        server.expect_quiet();
    });
}

#[test]
fn an_agent_hears_a_message_by_telephone_and_deletes_it() {
    patiently(|| {
        for maker in MAKERS {
            let (mut server, _flows) = server("start: message");
            let lamp = Softphone::agent_with_messages(&server, ADA_IS);
            server.expect("the agent's lamp", || lamp.log().contains("Messages-Waiting: no"), &true);
            let seconds = leave_message(&server)["duration"].as_f64().expect("a length");
            let shows = |line: &str| lamp.log().contains(line);
            server.expect("the agent's lamp", || shows("Voice-Message: 1/0 (0/0)"), &true);

            let mut ada = Phone::new(maker, &server, ADA_IS, Codec::Pcmu, ADA);
            ada.call(&format!("sip:*97@127.0.0.1:{}", server.sip_port));
            // It is heard when it was played to its end, after words about it.
            server.expect("the agent's lamp", || shows("Voice-Message: 0/1 (0/0)"), &true);
            assert!(!message(&server)["heard"].is_null());
            for _ in 0..2 {
                ada.press('3');
                sleep(Duration::from_millis(500));
            }
            server.expect("messages", || server.api("voicemail/support")["items"].clone(), &json!([]));
            server.expect("the agent's lamp", || shows("Voice-Message: 0/0 (0/0)"), &true);
            server.expect_metric("helpline_calls_active", 0.0);
            let passages = wave::passages(&ada.quit(), &[CALLER], 0.4);
            let tone = |passage: &&Passage| passage.sound == Sound::Tone(CALLER);
            let heard: f64 = passages.iter().filter(tone).map(Passage::seconds).sum();
            assert!(
                (seconds - 1.0..=seconds + 0.2).contains(&heard),
                "{maker:?}: {heard} of {seconds} s: {passages:?}"
            );
            server.expect_quiet();
        }
    });
}

#[test]
fn who_hangs_up_has_left_their_message() {
    patiently(|| {
        let (mut server, _flows) = server("start: message");
        let mut caller = Softphone::caller(Codec::Pcma, "tcp");
        caller.dial(&server, "1000", "tcp");
        sleep(Duration::from_secs(14));
        caller.hang_up(&server);
        let message = message(&server);
        assert!(message["duration"].as_f64().is_some_and(|seconds| seconds > 3.0), "{message}");
        let record = server.record();
        assert_eq!(record["messages"][0]["id"], message["id"], "{record}");
        server.expect_quiet();
    });
}

#[test]
fn a_recorded_conversation_has_the_caller_on_the_left_and_the_agent_on_the_right() {
    patiently(|| {
        let (mut server, _flows) = server("start: consent");
        let agent = Softphone::agent(&server, ADA_IS, Codec::Pcmu, ADA, Answering::Auto);
        put(&server, "/api/v1/agents/1001/state", r#"{"state": "ready"}"#);
        server.expect_agent("1001", "ready");
        let mut caller = Softphone::caller_saying(Codec::Pcma, "udp", CALLER);
        caller.dial(&server, "1000", "udp");
        server.expect_agent("1001", "talking");
        sleep(Duration::from_secs(5));
        let call = server.api("calls")["items"][0]["id"].as_str().expect("a call").to_owned();
        put(&server, &format!("/api/v1/calls/{call}/recording"), r#"{"state": "paused"}"#);
        sleep(Duration::from_secs(3));
        put(&server, &format!("/api/v1/calls/{call}/recording"), r#"{"state": "recording"}"#);
        sleep(Duration::from_secs(3));
        caller.hang_up(&server);
        drop(agent);

        let list = || server.api("recordings")["items"].take();
        server.expect("the number of recordings", || list().as_array().map(Vec::len), &Some(1));
        let path = list()[0]["audio"].as_str().expect("an address").to_owned();
        let file = server.folder.path().join("heard.wav");
        fs::write(&file, octets(&server, &path, None)).expect("a file");
        let mut reader = hound::WavReader::open(&file).expect("it is a WAV file");
        assert_eq!(reader.spec().channels, 2);
        let both: Vec<i16> = reader.samples::<i16>().map(|sample| sample.expect("a sample")).collect();
        let side = |side: usize| -> Vec<i16> { both.iter().skip(side).step_by(2).copied().collect() };
        for (who, samples, hertz) in [("the caller", side(0), CALLER), ("the agent", side(1), ADA)] {
            let passages: Vec<Passage> = wave::passages(&samples, &[CALLER, ADA], 0.4);
            let tones: Vec<f64> = passages
                .iter()
                .filter(|passage| passage.sound == Sound::Tone(hertz))
                .map(|passage| passage.seconds())
                .collect();
            // Before the pause, and after it.
            let total: f64 = tones.iter().sum();
            assert!(tones.len() >= 2 && (6.0..20.0).contains(&total), "{who} is heard for {tones:?} s of {passages:?}");
            let pauses = passages.iter().filter(|passage| passage.sound == Sound::Silence && passage.seconds() > 2.5);
            assert!(pauses.count() >= 1, "{who} is heard in the pause: {passages:?}");
        }
        server.expect_quiet();
    });
}
