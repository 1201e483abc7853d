//! Agents' own calls: to colleagues, and to the house.

use std::time::Duration;

use helpline::acd::AgentState;
use helpline::journal::Outcome;
use helpline::telephony::{Cause, Digit, DigitSource, Direction, LegId, MediaEvent, SipEvent};

use crate::phone;
use crate::scenarios::{LEG, Rig};
use crate::transfers::{AGENT, OWN};

#[test]
fn an_agent_calls_a_colleague_and_neither_is_offered_a_caller() {
    let mut rig = Rig::idle();
    for extension in ["1001", "1003"] {
        rig.sip(SipEvent::AgentReachable { extension: extension.into() });
    }
    rig.dials(LEG, "1001", "1003");
    rig.check("open, dial 1003");
    assert_eq!((rig.state("1001"), rig.state("1003")), (AgentState::Talking, AgentState::Talking));
    rig.sip(SipEvent::Ringing { leg: AGENT, early: None });
    rig.check("ring in1");
    rig.answers(AGENT);
    rig.check("change SendReceive, open, answer, bridge in1 out1");
    assert_eq!(rig.begun(), [("1003".to_owned(), None)]);
    rig.confirms(LEG);
    rig.check("");
    rig.now += Duration::from_secs(9);
    rig.sip(SipEvent::Ended { leg: AGENT, cause: Cause::RemoteHungUp });
    rig.check("close, unbridge in1, hang up LocalHungUp");
    assert_eq!(rig.segments(), [("1003".to_owned(), 9, "agent")]);
    assert_eq!((rig.state("1001"), rig.state("1003")), (AgentState::Talking, AgentState::Ready));
    rig.is_gone(LEG, Cause::LocalHungUp);
    assert_eq!(rig.ended(), Some((Outcome::Completed, Cause::LocalHungUp)));
    assert_eq!(rig.state("1001"), AgentState::Ready);
}

#[test]
fn what_the_colleagues_phone_says_is_what_the_caller_is_told() {
    for (cause, status) in [
        (Cause::RefusedBy(486), 486),
        (Cause::RefusedBy(600), 486),
        (Cause::RefusedBy(603), 603),
        (Cause::RefusedBy(302), 603),
        (Cause::RefusedBy(480), 480),
        (Cause::RefusedBy(408), 480),
        (Cause::TransportFailed, 480),
    ] {
        let mut rig = Rig::idle();
        rig.dials(LEG, "1001", "1003");
        rig.sip(SipEvent::Ended { leg: AGENT, cause });
        rig.check(&format!("close, reject {status}"));
        rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::Refused });
        assert_eq!(rig.ended(), Some((Outcome::Refused, Cause::Refused)), "{cause:?}");
    }
    let mut rig = Rig::idle();
    rig.dials(LEG, "1001", "1003");
    rig.wait(Duration::from_secs(60));
    rig.check("hang up NoAnswer, reject 480");
    // An answer that nothing can be made of.
    let mut rig = Rig::idle();
    rig.dials(LEG, "1001", "1003");
    rig.sip(SipEvent::Answered { leg: AGENT, answer: phone::video(), local: phone::LOCAL });
    rig.check("hang up MediaFailed, reject 488");
    // Oneself.
    let mut rig = Rig::idle();
    rig.dials(LEG, "1001", "1001");
    rig.check("reject 486");
}

#[test]
fn who_gives_up_lets_the_other_phone_be_silent() {
    let mut rig = Rig::idle();
    rig.dials(LEG, "1001", "1003");
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::Cancelled });
    rig.check("hang up LocalHungUp");
    assert_eq!(rig.ended(), Some((Outcome::Cancelled, Cause::Cancelled)));
    // The answer crosses our CANCEL.
    rig.answers(AGENT);
    rig.check("");
    rig.is_gone(AGENT, Cause::LocalHungUp);
    assert_eq!(rig.state("1003"), AgentState::LoggedOut);
}

#[test]
fn nobody_but_agents_reaches_an_extension_or_a_queue_by_name() {
    for dialled in ["1003", "support"] {
        let mut rig = Rig::idle();
        rig.call(LEG, dialled);
        rig.check("reject 404");
    }
    let mut rig = Rig::idle();
    rig.dials(LEG, "1001", "support");
    rig.check("open, answer");
    rig.confirms(LEG);
    rig.check("play 900");
    assert_eq!(rig.entered(), Some(("support".to_owned(), 0, 0)));
    // An extension of nobody, and an agent of another house.
    let mut rig = Rig::idle();
    rig.dials(LEG, "1001", "1009");
    rig.check("reject 404");
    rig.dials(LEG, "1009", "1003");
    rig.check("reject 404");
}

#[test]
fn a_phone_that_rings_for_a_waiting_caller_is_not_taken_away() {
    let mut rig = Rig::in_menu();
    rig.key('3', DigitSource::Rtp);
    rig.sip(SipEvent::AgentReachable { extension: "1002".into() });
    rig.dials(OWN, "1001", "1002");
    rig.check("reject 486");
    assert_eq!(rig.state("1002"), AgentState::Ringing);
}

#[test]
fn a_colleague_who_dials_at_the_moment_of_an_offer_finds_the_phone_ringing() {
    let mut rig = Rig::served();
    rig.is_gone(AGENT, Cause::RemoteHungUp);
    let next = LegId::inbound(3);
    rig.call(next, "1000");
    rig.sip(SipEvent::Confirmed { leg: next, answer: None });
    rig.media(MediaEvent::PlaybackFinished { leg: next, playback: rig.playback.expect("the welcome plays") });
    rig.sip(SipEvent::Digit { leg: next, digit: Digit::from_char('3').expect("a key") });
    assert_eq!(rig.state("1002"), AgentState::WrapUp);
    // At this very moment the wrap-up ends.
    rig.now += Duration::from_secs(15);
    rig.dials(OWN, "1001", "1002");
    rig.check("open, dial 1002, reject 486");
}

#[test]
fn both_sides_of_a_direct_call_may_hold() {
    let mut rig = Rig::idle();
    rig.dials(LEG, "1001", "1003");
    rig.answers(AGENT);
    rig.confirms(LEG);
    rig.reinvite(Direction::SendOnly);
    rig.check("accept v2, change ReceiveOnly, music");
    rig.reinvite(Direction::SendReceive);
    rig.check("accept v3, change SendReceive, stop");
    rig.sip(SipEvent::Offered { leg: AGENT, offer: Some(phone::description(Direction::SendOnly)) });
    rig.check("accept v2, change ReceiveOnly, music");
}
