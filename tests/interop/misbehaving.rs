//! SIPp as an agent's telephone that misbehaves, or only uses what the RFCs allow: the caller is never worse off than
//! without it, and the agent is never stuck.

use std::thread::sleep;
use std::time::Duration;

use crate::house::{ADA, CALLER, Caller, House, expect_heard, expect_music};
use crate::patience::patiently;
use crate::rogue::{Answer, Rogue, Step};
use crate::wave::Sound::{Other, Silence, Tone};
use crate::wave::{self, Passage};

const RINGS: Step = Step::Invite(Answer::plain(180));
const ANSWERS: Step = Step::Invite(Answer::described(200, "sendrecv"));
const OK: Step = Step::Last(Answer::plain(200));

/// What the telephone heard, but for silence.
fn heard(rogue: &Rogue) -> Vec<Passage> {
    let all = wave::passages(&rogue.ear.samples(), &[CALLER, ADA], 0.1);
    all.into_iter().filter(|passage| passage.sound != Silence).collect()
}

/// A telephone with these steps takes a caller's call, which lasts for `hold` and is answered; all steps are done.
fn talks(steps: &[Step], hold: &str) -> (House, Rogue, Vec<i16>) {
    let house = House::with("wrap_up: 1s");
    let rogue = Rogue::register(&house, steps, Some(ADA));
    let caller = Caller::dial(&house, CALLER, hold);
    house.expect_left("answered", 1);
    let heard = caller.heard();
    rogue.expect_done(&house, 1);
    house.server.expect_agent("1001", "ready");
    (house, rogue, heard)
}

#[test]
fn an_answer_that_crosses_our_cancel_is_acknowledged_and_ended_and_nobody_hears_anything() {
    patiently(|| {
        // The agent picks up in the very moment in which the phone should stop ringing: because it rang for long enough, and
        // because the caller has hung up.
        let steps =
            [RINGS, Step::Wants("CANCEL"), ANSWERS, Step::WantsWith("ACK", "To", "tag=rogue"), Step::Wants("BYE"), OK];
        for hold in ["60s", "3s"] {
            let mut house = House::with("ring: 5s, wrap_up: 1s");
            let rogue = Rogue::register(&house, &steps, Some(ADA));
            let caller = Caller::dial(&house, CALLER, hold);
            house.server.expect_agent("1001", "ringing");
            rogue.expect_done(&house, 1);
            house.server.expect_agent("1001", "ready");
            let said = if hold == "60s" { caller.hang_up() } else { caller.heard() };
            let told = wave::passages(&said, &[ADA], 0.1);
            assert!(!told.iter().any(|passage| passage.sound == Tone(ADA)), "the caller heard {told:?}");
            assert!(heard(&rogue).is_empty(), "the agent heard {:?}", heard(&rogue));
            assert_eq!(house.left("answered"), 0.0);
            house.server.expect_quiet();
        }
    });
}

#[test]
fn an_answer_that_is_repeated_is_acknowledged_again() {
    patiently(|| {
        // Our ACK was lost, twice.
        let ack = Step::Wants("ACK");
        let steps = [ANSWERS, ack, ANSWERS, ack, ANSWERS, ack, Step::Wants("BYE"), OK];
        let mut house = House::with("wrap_up: 1s");
        // SIPp itself is not to answer what is repeated.
        let rogue = Rogue::with(&house, &steps, Some(ADA), &["-nr"]);
        let said = Caller::dial(&house, CALLER, "4s").heard();
        rogue.expect_done(&house, 1);
        assert_eq!(rogue.came("ACK"), 3);
        expect_heard("the caller", &said, &[(Tone(ADA), 3.0..4.2)]);
        assert!(heard(&rogue).iter().all(|passage| passage.sound == Tone(CALLER)), "{:?}", heard(&rogue));
        house.server.expect_quiet();
    });
}

#[test]
fn a_phone_that_never_answers_a_bye_keeps_nobody() {
    patiently(|| {
        // Nothing but repetitions come until the server gives up, 32 s after its BYE.
        let steps = [ANSWERS, Step::Wants("ACK"), Step::Wants("BYE")];
        let mut house = House::with("wrap_up: 1s");
        let rogue = Rogue::register(&house, &steps, Some(ADA));
        for call in 1..=2 {
            let caller = Caller::dial(&house, CALLER, "2s");
            house.expect_left("answered", call);
            caller.heard();
            house.server.expect_agent("1001", "ready");
        }
        rogue.expect_done(&house, 2);
        house.server.expect_quiet();
    });
}

#[test]
fn what_a_phone_refuses_is_told_apart_and_nobody_is_called_whom_it_names() {
    patiently(|| {
        let elsewhere = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        elsewhere.set_nonblocking(true).expect("set");
        let port = elsewhere.local_addr().expect("bound").port();
        let contact: &'static str = format!("Contact: <sip:pay@127.0.0.1:{port}>").leak();
        for (answer, result) in [
            (Answer::plain(486), "busy"),
            (Answer::plain(603), "declined"),
            (Answer::plain(302).with(contact), "declined"),
            (Answer::plain(500), "failed"),
        ] {
            let mut house = House::with("wrap_up: 1s");
            let rogue = Rogue::register(&house, &[RINGS, Step::Invite(answer), Step::Wants("ACK")], None);
            let caller = Caller::dial(&house, CALLER, "60s");
            house.expect_offers("1001", result, 1);
            rogue.expect_done(&house, 1);
            house.server.expect_agent("1001", "ready");
            // They rest before they are asked again.
            sleep(Duration::from_secs(2));
            assert_eq!((house.server.agent("1001").as_str(), rogue.came("INVITE")), ("ready", 1), "after {result}");
            house.expect_waiting(1);
            caller.hang_up();
            house.server.expect_quiet();
        }
        assert!(elsewhere.recv(&mut [0; 2_000]).is_err(), "somebody was called whom a phone named");
    });
}

#[test]
fn a_phone_may_take_its_time_before_it_rings() {
    patiently(|| {
        let steps =
            [Step::Pause(3_000), RINGS, Step::Pause(1_500), ANSWERS, Step::Wants("ACK"), Step::Wants("BYE"), OK];
        let (mut house, _rogue, said) = talks(&steps, "8s");
        expect_heard("the caller", &said, &[(Other, 3.5..6.0), (Tone(ADA), 2.0..4.5)]);
        house.server.expect_quiet();
    });
}

#[test]
fn ringing_in_two_places_is_one_call() {
    patiently(|| {
        let steps = [
            Step::Invite(Answer::plain(180).tagged("desk")),
            Step::Invite(Answer::plain(180).tagged("mobile")),
            Step::Pause(500),
            Step::Invite(Answer::described(200, "sendrecv").tagged("mobile")),
            Step::WantsWith("ACK", "To", "tag=mobile"),
            Step::WantsWith("BYE", "To", "tag=mobile"),
            OK,
        ];
        let (mut house, _rogue, said) = talks(&steps, "4s");
        expect_heard("the caller", &said, &[(Other, 0.3..1.5), (Tone(ADA), 2.0..4.0)]);
        house.server.expect_quiet();
    });
}

#[test]
fn what_a_phone_plays_while_it_rings_is_not_heard() {
    patiently(|| {
        let steps = [
            Step::Invite(Answer::described(183, "sendrecv")),
            Step::Pause(5_000),
            ANSWERS,
            Step::Wants("ACK"),
            Step::Wants("BYE"),
            OK,
        ];
        let mut house = House::with("wrap_up: 1s");
        let rogue = Rogue::register(&house, &steps, Some(ADA));
        let caller = Caller::dial(&house, CALLER, "8s");
        rogue.speak_early();
        house.expect_left("answered", 1);
        let said = caller.heard();
        rogue.expect_done(&house, 1);
        let told = expect_heard("the caller", &said, &[(Other, 4.3..6.0), (Tone(ADA), 2.0..3.5)]);
        expect_music("the caller", &said, told[0]);
        house.server.expect_quiet();
    });
}

/// The agent's phone holds and resumes by `method`.
fn holds_by(method: &'static str) {
    let ack: &[Step] = if method == "INVITE" { &[Step::Acks] } else { &[] };
    let mut steps = vec![Step::Invite(Answer::described(200, "sendrecv").with("Allow: INVITE, ACK, BYE, UPDATE"))];
    steps.extend([Step::Wants("ACK"), Step::Pause(2_000)]);
    for (direction, answered) in
        [("sendonly", "recvonly"), ("sendrecv", "sendrecv"), ("inactive", "inactive"), ("sendrecv", "sendrecv")]
    {
        steps.push(Step::Asks(method, Some(direction)));
        steps.push(Step::WantsReplyTo(200, answered));
        steps.extend(ack);
        steps.push(Step::Pause(2_000));
    }
    steps.extend([Step::Wants("BYE"), OK]);
    let (mut house, rogue, said) = talks(&steps, "11s");
    let second = 1.4..3.0;
    let talk = (Tone(ADA), second.clone());
    let music = (Other, second.clone());
    let told = expect_heard("the caller", &said, &[talk.clone(), music.clone(), talk.clone(), music, talk]);
    expect_music("the caller", &said, told[1]);
    expect_music("the caller", &said, told[3]);
    assert!(heard(&rogue).iter().all(|passage| passage.sound == Tone(CALLER)), "{:?}", heard(&rogue));
    let record = house.server.record();
    let held = record["conversations"][0]["hold_seconds"].as_f64().expect("a number");
    assert!((3.5..5.0).contains(&held), "{held} s of hold in {record}");
    house.server.expect_quiet();
}

#[test]
fn a_phone_holds_by_invite() {
    patiently(|| {
        holds_by("INVITE");
    });
}

#[test]
fn a_phone_holds_by_update() {
    patiently(|| {
        holds_by("UPDATE");
    });
}

#[test]
fn changes_that_cross_are_refused_and_tried_again() {
    patiently(|| {
        // The phone wants our refreshes, and takes no UPDATE: after half of the interval our re-INVITE comes.
        let timer = "Session-Expires: 90;refresher=uac\nRequire: timer\nAllow: INVITE, ACK, CANCEL, BYE";
        let steps = [
            Step::Invite(Answer::described(200, "sendrecv").with(timer)),
            Step::Wants("ACK"),
            Step::WantsWith("INVITE", "Session-Expires", "90;refresher=uac"),
            // Its own wish crosses ours: both are refused.
            Step::Asks("INVITE", Some("sendonly")),
            Step::WantsReply(491),
            Step::AcksRefusal,
            Step::Invite(Answer::plain(491)),
            Step::Wants("ACK"),
            // Who made the Call-ID waits for 2.1 to 4 s.
            Step::WantsWith("INVITE", "Session-Expires", "90;refresher=uac"),
            Step::Invite(Answer::described(200, "sendrecv").with(timer)),
            Step::Wants("ACK"),
            Step::Wants("BYE"),
            OK,
        ];
        let (mut house, _rogue, said) = talks(&steps, "52s");
        expect_heard("the caller", &said, &[(Tone(ADA), 50.0..53.0)]);
        house.server.expect_quiet();
    });
}

#[test]
fn a_session_that_the_phone_does_not_refresh_is_over_and_the_caller_waits_again() {
    patiently(|| {
        let timer = "Session-Expires: 90;refresher=uas\nRequire: timer";
        let steps = [
            Step::Invite(Answer::described(200, "sendrecv").with(timer)),
            Step::Wants("ACK"),
            // Thirty seconds before the end (RFC 4028 section 10).
            Step::Wants("BYE"),
            OK,
        ];
        let mut house = House::with("wrap_up: 30s");
        let rogue = Rogue::register(&house, &steps, Some(ADA));
        let caller = Caller::dial(&house, CALLER, "120s");
        house.expect_left("answered", 1);
        rogue.expect_done(&house, 1);
        house.expect_waiting(1);
        caller.hang_up();
        let record = house.server.record();
        let conversation = &record["conversations"][0];
        assert_eq!(conversation["ended_by"], "broken", "{record}");
        assert!((58.0..62.0).contains(&conversation["talk_seconds"].as_f64().expect("a number")), "{record}");
        house.server.expect_quiet();
    });
}

#[test]
fn a_phone_that_falls_silent_is_given_up_and_the_caller_waits_again() {
    patiently(|| {
        let steps = [ANSWERS, Step::Wants("ACK"), Step::Wants("BYE"), OK];
        let mut house = House::with("wrap_up: 30s");
        let rogue = Rogue::register(&house, &steps, Some(ADA));
        let caller = Caller::dial(&house, CALLER, "120s");
        house.server.expect_agent("1001", "talking");
        sleep(Duration::from_secs(2));
        rogue.ear.speak(false);
        rogue.expect_done(&house, 1);
        house.expect_waiting(1);
        sleep(Duration::from_secs(3));
        let said = caller.hang_up();
        let told = wave::passages(&said, &[ADA], 0.4);
        assert!(told.first().is_some_and(|passage| passage.sound == Tone(ADA)), "{told:?}");
        assert!(told.last().is_some_and(|passage| passage.sound == Other), "{told:?}");
        let record = house.server.record();
        assert_eq!(record["conversations"][0]["ended_by"], "broken", "{record}");
        house.server.expect_quiet();
    });
}
