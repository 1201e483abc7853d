//! The step `transfer` with real telephones: an agent's softphone, a number by way of a trunk, and a SIP address.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use helpline::telephony::Codec;

use crate::house::{ADA, CALLER, Caller, expect_heard, expect_music};
use crate::patience::patiently;
use crate::rogue::{Answer, Rogue, Step};
use crate::server::Server;
use crate::softphone::{Answering, Softphone};
use crate::wave::Sound::{Other, Silence, Tone};
use crate::wave::{self, Passage};

const RINGS: Step = Step::Invite(Answer::plain(180));
const ANSWERS: Step = Step::Invite(Answer::described(200, "sendrecv"));
const ACK: Step = Step::Wants("ACK");
const OK: Step = Step::Last(Answer::plain(200));
const GOES: Step = Step::Wants("BYE");
const STOPPED: [Step; 4] = [Step::Wants("CANCEL"), OK, Step::Invite(Answer::plain(487)), ACK];

/// A number that the trunk may call.
const NUMBER: &str = "02079460000";

/// A flow that passes everybody on, and tells by its steps what has become of it.
fn flow(to: &str, more: &str) -> String {
    format!(
        "flow: main\nnumbers: [1000]\nstart: pass\nsteps:\n  \
         pass: {{transfer: {to}, ring: 9s, busy: taken, no_answer: silent, failed: broken, next: choose{more}}}\n  \
         taken: {{say: Taken., next: choose}}\n  silent: {{say: Silent., next: choose}}\n  \
         broken: {{say: Broken., next: choose}}\n  \
         choose: {{menu: You are back., choices: {{1: For one -> one, 2: For two -> two}}}}\n  \
         one: {{hangup: One.}}\n  two: {{hangup: Two.}}\n\
         agents: {{1001: {{name: Ada, password: secret}}}}\n"
    )
}

/// A server whose only flow passes callers on.
struct Line {
    server: Server,
    _flows: tempfile::TempDir,
}

impl Line {
    fn with(to: &str, more: &str, sip: &str) -> Line {
        let flows = tempfile::tempdir().expect("a folder");
        fs::write(flows.path().join("main.yaml"), flow(to, more)).expect("the flow is written");
        Line { server: Server::with_sip(flows.path(), sip, ""), _flows: flows }
    }

    /// To a number, by way of this carrier.
    fn by(carrier: &Rogue, more: &str) -> Line {
        let trunk = format!(", trunks: {{carrier: {{host: \"udp://127.0.0.1:{}\", dial: [\"020\"]}}}}", carrier.port);
        let line = Line::with(&format!("\"{NUMBER}\""), more, &trunk);
        line.server.expect_metric("helpline_trunk_up{trunk=\"carrier\"}", 1.0);
        line
    }

    /// How often callers were in a step.
    fn entered(&self, step: &str) -> f64 {
        self.server.metric(&format!("helpline_flow_step_entries_total{{flow=\"main\",step=\"{step}\"}}"))
    }

    fn expect_entered(&self, step: &str, count: f64) {
        self.server.expect(&format!("how often callers came to {step}"), || self.entered(step), &count);
    }

    fn call(&self, hold: &str, more: &[&str]) -> Caller {
        Caller::at(&self.server, CALLER, hold, more)
    }
}

/// What a telephone heard, but for silence.
fn heard(rogue: &Rogue) -> Vec<Passage> {
    let all = wave::passages(&rogue.ear.samples(), &[CALLER, ADA], 0.1);
    all.into_iter().filter(|passage| passage.sound != Silence).collect()
}

/// The last part of what a caller heard, the rest being `Please hold` and music.
fn expect_music_then(said: &[i16], hertz: f64) {
    let told = expect_heard("the caller", said, &[(Other, 0.5..9.0), (Tone(hertz), 1.5..6.0)]);
    expect_music("the caller", said, told[0]);
}

#[test]
fn a_caller_is_passed_on_to_a_number_by_a_trunk_and_hears_music_until_it_is_answered() {
    patiently(|| {
        let steps = [RINGS, Step::Pause(5_000), ANSWERS, ACK, GOES, OK];
        let carrier = Rogue::listen(&steps, Some(ADA), &[]);
        let mut line = Line::by(&carrier, "");
        let caller = line.call("60s", &["--from", "+442079460123"]);
        line.server.expect("what the caller can hear", || heard(&carrier).is_empty(), &false);
        sleep(Duration::from_secs(3));
        let said = caller.hang_up();
        carrier.expect_done_at(&line.server, 1);
        expect_music_then(&said, ADA);
        let told = heard(&carrier);
        assert!(told.iter().all(|passage| passage.sound == Tone(CALLER)), "the other heard {told:?}");
        // The network is asked for the number, and shown the one that the caller had dialled; of the caller it is told nothing.
        let invite = carrier.invite();
        assert!(invite.starts_with(&format!("INVITE sip:{NUMBER}@")), "{invite}");
        assert!(invite.contains("<sip:1000@") && !invite.contains("2079460123"), "{invite}");
        assert!(!invite.contains("X-Helpline"), "{invite}");
        line.server.expect_quiet();
    });
}

#[test]
fn a_caller_whom_nobody_takes_goes_on_in_the_flow_as_the_step_says() {
    patiently(|| {
        let no_answer = [&[RINGS][..], &STOPPED].concat();
        let cases: [(&[Step], &str); 5] = [
            (&[RINGS, Step::Invite(Answer::plain(486)), ACK], "taken"),
            (&[Step::Invite(Answer::plain(603)), ACK], "taken"),
            (&no_answer, "silent"),
            (&[Step::Invite(Answer::plain(480)), ACK], "silent"),
            (&[Step::Invite(Answer::plain(500)), ACK], "broken"),
        ];
        for (steps, step) in cases {
            let carrier = Rogue::listen(steps, Some(ADA), &[]);
            let mut line = Line::by(&carrier, "");
            // Keys that are pressed while the other telephone rings were meant for nobody.
            let keys: &[&str] = if steps.len() > 4 { &["--keys", ",,2"] } else { &[] };
            let caller = line.call("60s", keys);
            carrier.expect_done_at(&line.server, 1);
            line.expect_entered(step, 1.0);
            line.expect_entered("choose", 1.0);
            sleep(Duration::from_secs(1));
            assert_eq!((line.entered("one"), line.entered("two")), (0.0, 0.0), "{step}");
            let told = wave::passages(&caller.hang_up(), &[ADA], 0.1);
            assert!(told.iter().all(|passage| passage.sound != Tone(ADA)), "{step}: the caller heard {told:?}");
            assert_eq!(carrier.came("INVITE"), 1, "{step}");
            line.server.expect_quiet();
        }
    });
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_takes_the_call_with_them() {
    patiently(|| {
        let late = [Step::Wants("CANCEL"), OK, ANSWERS, ACK, GOES, OK];
        for end in [&STOPPED[..], &late] {
            let carrier = Rogue::listen(&[&[RINGS], end].concat(), Some(ADA), &[]);
            let mut line = Line::by(&carrier, "");
            line.call("2s", &[]).heard();
            carrier.expect_done_at(&line.server, 1);
            assert!(heard(&carrier).is_empty(), "the other heard {:?}", heard(&carrier));
            assert_eq!(line.entered("choose"), 0.0);
            line.server.expect_quiet();
        }
    });
}

#[test]
fn keys_go_to_who_was_called_and_the_caller_goes_on_when_they_hang_up() {
    patiently(|| {
        let steps = [ANSWERS, ACK, Step::Pause(6_000), Step::Asks("BYE", None), Step::WantsReply(200)];
        let carrier = Rogue::listen(&steps, Some(ADA), &[]);
        let mut line = Line::by(&carrier, "");
        let caller = line.call("60s", &["--keys", ",,7,3"]);
        line.server.expect("the keys that were heard", || carrier.ear.keys(), &vec![7, 3]);
        line.expect_entered("choose", 1.0);
        caller.hang_up();
        assert_eq!((line.entered("one"), line.entered("two")), (0.0, 0.0));
        carrier.expect_done_at(&line.server, 1);
        line.server.expect_quiet();
    });
}

#[test]
fn who_is_passed_on_to_a_sip_address_is_announced_there() {
    patiently(|| {
        let steps = [RINGS, Step::Pause(5_000), ANSWERS, ACK, GOES, OK];
        let reception = Rogue::listen(&steps, Some(ADA), &[]);
        // What is announced is made of recordings that there are.
        let more = ", announce: '{caller.number|digits}'";
        let mut line = Line::with(&format!("\"sip:reception@127.0.0.1:{}\"", reception.port), more, "");
        let caller = line.call("60s", &["--from", "2079"]);
        let talks = || heard(&reception).iter().any(|passage| passage.sound == Tone(CALLER));
        line.server.expect("whether they talk", talks, &true);
        sleep(Duration::from_secs(3));
        expect_music_then(&caller.hang_up(), ADA);
        reception.expect_done_at(&line.server, 1);
        let told: Vec<Passage> = wave::passages(&reception.ear.samples(), &[CALLER, ADA], 0.4);
        let first = told.iter().position(|passage| passage.sound == Tone(CALLER)).expect("they talked");
        assert!(told[..first].iter().any(|passage| passage.sound == Other), "nothing was announced: {told:?}");
        assert!(told[first..].iter().all(|passage| passage.sound != Other), "it was announced too late: {told:?}");
        assert!(reception.invite().starts_with("INVITE sip:reception@"), "{}", reception.invite());
        line.server.expect_quiet();
    });
}

#[test]
fn a_caller_is_passed_on_to_an_agents_softphone_unless_it_is_busy_or_gone() {
    patiently(|| {
        let mut line = Line::with("1001", "", "");
        // Nobody is there.
        line.call("60s", &[]).hang_up_after(&line.server, || line.entered("broken"), 1.0);
        let mut ada = Softphone::agent(&line.server, ("1001", "secret"), Codec::Pcma, ADA, Answering::Auto);
        line.server.expect_agent("1001", "ready");
        let caller = line.call("60s", &[]);
        line.server.expect_agent("1001", "talking");
        // While they talk, another caller finds the line taken.
        line.call("60s", &[]).hang_up_after(&line.server, || line.entered("taken"), 1.0);
        sleep(Duration::from_secs(2));
        ada.command("hangup", "");
        // Those who were not passed on came to the menu as well.
        line.expect_entered("choose", 3.0);
        let said = caller.hang_up();
        let told: Vec<Passage> = wave::passages(&said, &[ADA], 0.4);
        assert!(told.iter().any(|passage| passage.sound == Tone(ADA) && passage.seconds() > 1.5), "{told:?}");
        let told = wave::passages(&ada.quit(), &[CALLER], 0.4);
        assert!(told.iter().any(|passage| passage.sound == Tone(CALLER) && passage.seconds() > 1.5), "{told:?}");
        line.server.expect_quiet();
    });
}

#[test]
fn a_number_that_no_trunk_may_call_is_refused_before_anybody_calls() {
    let folder = tempfile::tempdir().expect("a folder");
    let flows = folder.path().join("flows");
    fs::create_dir(&flows).expect("a folder for flows");
    let settings = folder.path().join("helpline.yaml");
    let text = "helpline: 1\nsip: {trunks: {carrier: {host: \"udp://127.0.0.1:9\", dial: [\"020\"]}}}\nflows: flows\n";
    fs::write(&settings, text).expect("the settings are written");
    for (number, refused) in [(NUMBER, false), ("09001234567", true), ("+12025550123", true)] {
        fs::write(flows.join("main.yaml"), flow(&format!("\"{number}\""), "")).expect("the flow is written");
        let check = Command::new(env!("CARGO_BIN_EXE_helpline"))
            .args(["check", "--config"])
            .arg(&settings)
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&check.stderr).into_owned() + &String::from_utf8_lossy(&check.stdout);
        assert_eq!((said.contains("HL1002"), check.status.success()), (refused, !refused), "{number}: {said}");
    }
}
