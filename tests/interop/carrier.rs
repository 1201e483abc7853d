//! SIPp as a trunk that misbehaves: a caller who is to be called back is never forgotten, never called too often, and never
//! charged for what is the trunk's fault.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::callback::{CALLED, flow, is_promised_a_call};
use crate::house::ADA;
use crate::patience::patiently;
use crate::phone::ADA_IS;
use crate::rogue::{Answer, Rogue, Step};
use crate::server::Server;
use crate::softphone::{Answering, Softphone};
use crate::wave;
use helpline::telephony::Codec;

const RINGS: Step = Step::Invite(Answer::plain(180));
const ANSWERS: Step = Step::Invite(Answer::described(200, "sendrecv"));
const ACK: Step = Step::Wants("ACK");
const OK: Step = Step::Last(Answer::plain(200));

/// A house with a trunk that does these steps for each call, and a caller who waits to be called back by it.
struct Line {
    carrier: Rogue,
    server: Server,
    ada: Softphone,
    _flows: tempfile::TempDir,
}

impl Line {
    /// `callback` are the settings of the queue's `callback`.
    fn with(steps: &[Step], callback: &str) -> Line {
        let carrier = Rogue::listen(steps, Some(CALLED), &[]);
        let flows = tempfile::tempdir().expect("a folder");
        fs::write(flows.path().join("main.yaml"), flow(&format!("{{{callback}}}"))).expect("the flow is written");
        let trunk = format!(", trunks: {{carrier: {{host: \"udp://127.0.0.1:{}\", dial: [\"020\"]}}}}", carrier.port);
        let server = Server::with_sip(flows.path(), &trunk, "");
        server.expect_metric("helpline_trunk_up{trunk=\"carrier\"}", 1.0);
        is_promised_a_call(&server, ",1,02079460123#,,1");
        let ada = Softphone::agent(&server, ADA_IS, Codec::Pcmu, ADA, Answering::Auto);
        Line { carrier, server, ada, _flows: flows }
    }

    fn waiting(&self) -> f64 {
        self.server.metric("helpline_queue_callbacks_waiting{queue=\"support\"}")
    }

    fn left(&self, outcome: &str) -> f64 {
        self.server.metric(&format!("helpline_queue_left_total{{outcome=\"{outcome}\",queue=\"support\"}}"))
    }
}

#[test]
fn a_line_that_is_busy_is_called_as_often_as_was_said_and_no_more() {
    patiently(|| {
        for order in ["agent_first", "caller_first"] {
            let steps = [Step::Invite(Answer::plain(486)), ACK];
            let mut line = Line::with(&steps, &format!("order: {order}, tries: 2, gap: 10s"));
            line.carrier.expect_done_at(&line.server, 2);
            line.server.expect("who waits to be called back", || line.waiting(), &0.0);
            assert_eq!(line.left("failed"), 1.0, "{order}");
            sleep(Duration::from_secs(2));
            assert_eq!(line.carrier.came("INVITE"), 2, "{order}");
            line.server.expect_agent("1001", "ready");
            line.server.expect_quiet();
        }
    });
}

#[test]
fn a_trunk_that_has_no_room_costs_the_caller_no_attempt() {
    patiently(|| {
        // One attempt is all they have, and they keep it.
        let steps = [Step::Invite(Answer::plain(503)), ACK];
        let mut line = Line::with(&steps, "order: caller_first, tries: 1, gap: 10s");
        line.carrier.expect_done_at(&line.server, 3);
        assert_eq!((line.waiting(), line.left("failed")), (1.0, 0.0));
        line.server.expect_quiet();
    });
}

#[test]
fn who_does_not_answer_is_let_go_after_the_grace_and_a_late_answer_is_ended() {
    patiently(|| {
        // It rings and rings; and it is picked up in the very moment in which it is to stop.
        let rings = [RINGS, Step::Wants("CANCEL"), OK, Step::Invite(Answer::plain(487)), ACK];
        let late = [RINGS, Step::Wants("CANCEL"), OK, ANSWERS, ACK, Step::Wants("BYE"), OK];
        for steps in [&rings[..], &late[..]] {
            let mut line = Line::with(steps, "order: caller_first, grace: 10s, tries: 1");
            line.carrier.expect_done_at(&line.server, 1);
            line.server.expect("who waits to be called back", || line.waiting(), &0.0);
            assert_eq!((line.left("failed"), line.carrier.came("INVITE")), (1.0, 1));
            let heard = wave::passages(&line.carrier.ear.samples(), &[ADA], 0.1);
            assert!(heard.iter().all(|passage| passage.sound == wave::Sound::Silence), "they heard {heard:?}");
            line.server.expect_agent("1001", "ready");
            line.server.expect_quiet();
        }
    });
}

#[test]
fn a_trunk_that_says_nothing_at_all_costs_the_caller_no_attempt_and_keeps_nobody() {
    patiently(|| {
        // The INVITE is never answered; SIPp takes its repetitions for what they are.
        let mut line = Line::with(&[Step::Pause(45_000)], "order: caller_first, grace: 10s, tries: 2, gap: 10s");
        line.server.expect("how often it was tried", || line.carrier.came("INVITE") >= 1, &true);
        line.server.expect_metric("helpline_calls_active", 0.0);
        line.server.expect_agent("1001", "ready");
        line.server.expect_quiet();
    });
}

#[test]
fn the_caller_who_is_called_first_waits_for_the_agent_and_both_hear_each_other() {
    patiently(|| {
        let steps = [RINGS, ANSWERS, ACK, Step::Wants("BYE"), OK];
        let mut line = Line::with(&steps, "order: caller_first");
        line.server.expect_agent("1001", "talking");
        sleep(Duration::from_secs(3));
        line.ada.command("hangup", "");
        line.carrier.expect_done_at(&line.server, 1);
        line.server.expect("who waits to be called back", || line.waiting(), &0.0);
        let heard = wave::passages(&line.carrier.ear.samples(), &[ADA, CALLED], 0.4);
        assert!(
            heard.iter().any(|passage| passage.sound == wave::Sound::Tone(ADA) && passage.seconds() > 2.0),
            "{heard:?}"
        );
        let heard = wave::passages(&line.ada.quit(), &[ADA, CALLED], 0.4);
        let called = wave::Sound::Tone(CALLED);
        assert!(heard.iter().any(|passage| passage.sound == called && passage.seconds() > 2.0), "{heard:?}");
        line.server.expect_quiet();
    });
}
