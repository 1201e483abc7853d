//! Agents' own calls, transfers, and calls that take another's place, step by step.

use std::time::Duration;

use helpline::acd::AgentState;
use helpline::journal::{JournalEvent, Outcome, QueueEvent, SurveyNews, Transfer as Asked};
use helpline::switchboard::{Input, OperatorCommand, Output};
use helpline::telephony::{
    Cause, Digit, DigitSource, Direction, LegId, MediaEvent, PhoneNumber, SipEvent, StreamReport, Transfer,
};

use crate::house;
use crate::phone;
use crate::scenarios::{LEG, Rig};

/// The leg of the agent who answered the caller at [`LEG`].
pub const AGENT: LegId = LegId::outbound(1);
/// A call of an agent's own, beside or without a caller.
pub const OWN: LegId = LegId::inbound(2);

pub fn out(count: u64) -> LegId {
    LegId::outbound(count)
}

impl Rig {
    /// `extension` dials.
    pub fn dials(&mut self, leg: LegId, extension: &str, dialled: &str) {
        let offer = Some(phone::description(Direction::SendReceive));
        let mut invite = phone::invite(leg, dialled, offer);
        invite.agent = Some(extension.to_owned());
        invite.caller.number = PhoneNumber::new(extension);
        self.sip(SipEvent::Incoming(Box::new(invite)));
    }

    pub fn answers(&mut self, leg: LegId) {
        self.sip(SipEvent::Answered { leg, answer: phone::description(Direction::SendReceive), local: phone::LOCAL });
    }

    pub fn confirms(&mut self, leg: LegId) {
        self.sip(SipEvent::Confirmed { leg, answer: None });
    }

    /// `sip` has ended the leg, and the media its audio.
    pub fn is_gone(&mut self, leg: LegId, cause: Cause) {
        self.sip(SipEvent::Ended { leg, cause });
        self.media(MediaEvent::Closed { leg, report: StreamReport::default() });
    }

    pub fn refers(&mut self, leg: LegId, target: &str) {
        let uri = format!("sip:{target}@192.0.2.1");
        let transfer = Transfer { target: target.into(), uri, replaces: None, referred_by: None };
        self.sip(SipEvent::TransferAsked { leg, transfer });
    }

    pub fn joins(&mut self, leg: LegId, other: LegId) {
        let transfer =
            Transfer { target: "x".into(), uri: "sip:x@192.0.2.1".into(), replaces: Some(other), referred_by: None };
        self.sip(SipEvent::TransferAsked { leg, transfer });
    }

    pub fn takes_over(&mut self, leg: LegId, extension: Option<&str>, replaced: LegId) {
        let mut invite = phone::invite(leg, "x", Some(phone::description(Direction::SendReceive)));
        invite.agent = extension.map(str::to_owned);
        invite.replaces = Some(replaced);
        self.sip(SipEvent::Incoming(Box::new(invite)));
    }

    /// A caller who talks to 1002, whom `support` gave them.
    pub fn served() -> Rig {
        let mut rig = Rig::in_menu();
        rig.key('3', DigitSource::Rtp);
        rig.heard();
        rig.now += Duration::from_secs(10);
        rig.sip(SipEvent::AgentReachable { extension: "1002".into() });
        rig.answers(AGENT);
        rig.check("change SendReceive, bridge in1 out1");
        rig
    }

    /// One who is held, while 1002 talks to a colleague, 1003.
    pub fn consulted() -> Rig {
        let mut rig = Rig::served();
        rig.now += Duration::from_secs(5);
        rig.sip(SipEvent::Offered { leg: AGENT, offer: Some(phone::description(Direction::SendOnly)) });
        rig.dials(OWN, "1002", "1003");
        rig.check("open, dial 1003");
        rig.answers(out(2));
        rig.check("change SendReceive, open, answer, bridge in2 out2");
        rig.confirms(OWN);
        rig.now += Duration::from_secs(20);
        rig
    }

    pub fn state(&self, extension: &str) -> AgentState {
        let view = self.switchboard.view(self.now);
        let agent = view.agents.iter().find(|agent| &*agent.extension == extension).expect("an agent of the house");
        agent.snapshot.state
    }

    pub fn events(&self) -> impl Iterator<Item = &JournalEvent> {
        self.out.iter().filter_map(|output| match output {
            Output::Journal(entry) => Some(&entry.event),
            _ => None,
        })
    }

    /// With whom, seconds of talk, and how it ended, of the conversations that ended.
    pub fn segments(&self) -> Vec<(String, u64, &'static str)> {
        let parted = self.events().filter_map(|event| match event {
            JournalEvent::Parted(parted) => Some((parted.agent.to_string(), parted.talk.as_secs(), parted.by)),
            _ => None,
        });
        parted.collect()
    }

    /// With whom the conversations that began are, and by whom the caller was passed on.
    pub fn begun(&self) -> Vec<(String, Option<String>)> {
        let joined = self.events().filter_map(|event| match event {
            JournalEvent::Joined(joined) => {
                Some((joined.agent.to_string(), joined.from.as_ref().map(ToString::to_string)))
            }
            _ => None,
        });
        joined.collect()
    }

    /// Of which queue and which agent the caller is asked how it was.
    pub fn surveyed(&self) -> Vec<(Option<String>, Option<String>)> {
        let offered = self.events().filter_map(|event| match event {
            JournalEvent::Survey(event) if event.news == SurveyNews::Offered => {
                Some((event.queue.as_deref().map(str::to_owned), event.agent.as_deref().map(str::to_owned)))
            }
            _ => None,
        });
        offered.collect()
    }

    pub fn asked(&self) -> Option<&Asked> {
        self.events().find_map(|event| match event {
            JournalEvent::Transfer(asked) => Some(&**asked),
            _ => None,
        })
    }

    #[track_caller]
    pub fn is_refused(&self, status: u16) {
        let asked = self.asked().expect("a transfer was asked for");
        assert_eq!((asked.status, asked.why.is_some()), (status, true), "{asked:?}");
    }

    /// Queue, priority and what was brought along, in seconds, of who has entered one.
    pub fn entered(&self) -> Option<(String, u8, u64)> {
        self.events().find_map(|event| match event {
            JournalEvent::Queue(event) => match &**event {
                QueueEvent::Entered { queue, priority, brought } => {
                    Some((queue.to_string(), *priority, brought.as_secs()))
                }
                _ => None,
            },
            _ => None,
        })
    }
}

#[test]
fn a_blind_transfer_is_told_of_and_made_when_the_other_answers() {
    let mut rig = Rig::served();
    rig.now += Duration::from_secs(7);
    rig.refers(AGENT, "1003");
    rig.check("open, dial 1003, progress out1 100, music");
    rig.sip(SipEvent::Ringing { leg: out(2), early: None });
    rig.check("progress out1 180");
    rig.now += Duration::from_secs(3);
    rig.answers(out(2));
    rig.check("change SendReceive, progress out1 200, unbridge in1, bridge in1 out2, hang up LocalHungUp");
    assert_eq!(rig.segments(), [("1002".to_owned(), 10, "transferred")]);
    assert_eq!(rig.begun(), [("1003".to_owned(), Some("1002".to_owned()))]);
    assert_eq!((rig.state("1002"), rig.state("1003")), (AgentState::Talking, AgentState::Talking));
    rig.is_gone(AGENT, Cause::LocalHungUp);
    assert_eq!(rig.state("1002"), AgentState::WrapUp);
    // The caller is asked how it was, as after any conversation of the queue that they came from.
    rig.sip(SipEvent::Ended { leg: out(2), cause: Cause::RemoteHungUp });
    rig.check("close, unbridge in1, play 3000");
    assert_eq!(rig.surveyed(), [(Some("support".into()), Some("1003".into()))]);
}

#[test]
fn a_blind_transfer_that_fails_leaves_the_caller_with_the_agent() {
    let mut rig = Rig::served();
    rig.refers(AGENT, "1003");
    rig.sip(SipEvent::Ended { leg: out(2), cause: Cause::RefusedBy(486) });
    rig.check("close, progress out1 486, stop");
    // Once more, of a caller who is held: they hear their music on.
    rig.sip(SipEvent::Offered { leg: AGENT, offer: Some(phone::description(Direction::SendOnly)) });
    rig.check("accept v2, change ReceiveOnly, music");
    rig.refers(AGENT, "1003");
    rig.check("open, dial 1003, progress out1 100");
    rig.wait(Duration::from_secs(60));
    rig.check("hang up NoAnswer, progress out1 480");
    assert_eq!(rig.segments(), []);
}

#[test]
fn who_transfers_and_hangs_up_leaves_nobody_in_the_lurch() {
    let mut rig = Rig::served();
    rig.now += Duration::from_secs(30);
    rig.refers(AGENT, "1003");
    rig.is_gone(AGENT, Cause::RemoteHungUp);
    assert_eq!(rig.state("1002"), AgentState::WrapUp);
    rig.now += Duration::from_secs(2);
    rig.sip(SipEvent::Ended { leg: out(2), cause: Cause::RefusedBy(480) });
    rig.check("close, music");
    // Back to where they came from, with the time that they had waited.
    assert_eq!(rig.entered(), Some(("support".to_owned(), 0, 42)));
    // Once more, and the other answers.
    let mut rig = Rig::served();
    rig.refers(AGENT, "1003");
    rig.is_gone(AGENT, Cause::RemoteHungUp);
    rig.answers(out(2));
    rig.check("change SendReceive, bridge in1 out2");
    assert_eq!(rig.begun(), [("1003".to_owned(), Some("1002".to_owned()))]);
}

#[test]
fn a_caller_who_hangs_up_ends_the_ringing() {
    let mut rig = Rig::served();
    rig.refers(AGENT, "1003");
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::RemoteHungUp });
    rig.check("unbridge in1, progress out1 487, close, hang up LocalHungUp, hang up LocalHungUp");
    let mut rig = Rig::served();
    rig.refers(AGENT, "1003");
    rig.is_gone(AGENT, Cause::RemoteHungUp);
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::RemoteHungUp });
    rig.check("close, hang up LocalHungUp");
}

#[test]
fn a_caller_is_sent_to_a_queue_with_their_place_time() {
    let mut rig = Rig::served();
    rig.now += Duration::from_secs(5);
    rig.refers(AGENT, "support;priority=2");
    rig.check("progress out1 200, unbridge in1, music, hang up LocalHungUp");
    assert_eq!(rig.entered(), Some(("support".to_owned(), 2, 15)));
    assert_eq!(rig.segments(), [("1002".to_owned(), 5, "transferred")]);
    // Another queue, and the priority that they had.
    let mut rig = Rig::served();
    rig.sip(SipEvent::AgentReachable { extension: "1003".into() });
    rig.refers(AGENT, "sales");
    assert_eq!(rig.entered(), Some(("sales".to_owned(), 0, 10)));
    rig.answers(out(2));
    // Who picks up in `sales` hears about the caller, until they press a key.
    rig.sip(SipEvent::Digit { leg: out(2), digit: Digit::STAR });
    rig.is_gone(AGENT, Cause::LocalHungUp);
    // What follows the step that had led to the first agent follows this conversation too.
    rig.sip(SipEvent::Ended { leg: out(2), cause: Cause::RemoteHungUp });
    rig.check("close, unbridge in1, play 6400");
}

#[test]
fn a_caller_is_sent_to_a_flow() {
    let mut rig = Rig::served();
    rig.refers(AGENT, house::NUMBER);
    rig.check("progress out1 200, unbridge in1, play 2000, hang up LocalHungUp");
}

#[test]
fn what_cannot_be_transferred_stays_as_it_is() {
    for (target, status) in [("1009", 404), ("+442079460000", 404), ("1002", 486)] {
        let mut rig = Rig::served();
        rig.refers(AGENT, target);
        rig.check(&format!("progress out1 {status}"));
        rig.is_refused(status);
    }
    // A caller has nothing to transfer, and no agent what is in a flow.
    let mut rig = Rig::served();
    rig.refers(LEG, "1003");
    rig.check("progress in1 603");
    rig.dials(OWN, "1003", house::NUMBER);
    rig.confirms(OWN);
    rig.refers(OWN, "1001");
    rig.check("progress in2 603");
    // Two at once.
    let mut rig = Rig::served();
    rig.refers(AGENT, "1003");
    rig.refers(AGENT, "1001");
    rig.check("progress out1 491");
    rig.joins(AGENT, out(2));
    rig.is_refused(603);
}

#[test]
fn an_agent_passes_on_the_colleague_whom_they_called() {
    let mut rig = Rig::idle();
    rig.dials(LEG, "1001", "1003");
    rig.answers(AGENT);
    rig.confirms(LEG);
    rig.now += Duration::from_secs(4);
    rig.refers(LEG, "1004");
    rig.check("open, dial 1004, progress in1 100, music");
    rig.answers(out(2));
    rig.check("change SendReceive, progress in1 200, unbridge out1, bridge out1 out2, hang up LocalHungUp");
    assert_eq!(rig.segments(), [("1003".to_owned(), 4, "transferred")]);
    assert_eq!(rig.begun(), [("1004".to_owned(), Some("1001".to_owned()))]);
    rig.is_gone(LEG, Cause::LocalHungUp);
    assert_eq!(rig.state("1001"), AgentState::LoggedOut);
    rig.sip(SipEvent::Ended { leg: AGENT, cause: Cause::RemoteHungUp });
    rig.check("unbridge out1, close, hang up LocalHungUp");
    rig.is_gone(out(2), Cause::LocalHungUp);
    rig.media(MediaEvent::Closed { leg: AGENT, report: StreamReport::default() });
    assert_eq!(rig.switchboard.snapshot(rig.now).calls, 0);
}

#[test]
fn those_whom_an_agent_called_wait_in_a_queue_or_walk_a_flow() {
    for (target, wanted) in [
        ("sales", "progress in1 200, unbridge out1, play 900, hang up LocalHungUp"),
        (house::NUMBER, "progress in1 200, unbridge out1, play 2000, hang up LocalHungUp"),
    ] {
        let mut rig = Rig::idle();
        rig.dials(LEG, "1001", "1003");
        rig.answers(AGENT);
        rig.confirms(LEG);
        rig.sip(SipEvent::AgentReachable { extension: "1004".into() });
        rig.sip(SipEvent::Offered { leg: AGENT, offer: Some(phone::description(Direction::SendReceive)) });
        rig.refers(LEG, target);
        assert!(rig.wanted().starts_with(wanted), "{}", rig.wanted());
        rig.is_gone(LEG, Cause::LocalHungUp);
    }
}

#[test]
fn an_attended_transfer_joins_the_far_ends() {
    for (by, other) in [(AGENT, OWN), (OWN, AGENT)] {
        let mut rig = Rig::consulted();
        rig.joins(by, other);
        let told = if by == AGENT { "out1" } else { "in2" };
        rig.check(&format!(
            "progress {told} 200, unbridge in2, hang up LocalHungUp, unbridge in1, move out2 from 1 to 0, \
             bridge in1 out2, hang up LocalHungUp"
        ));
        assert_eq!(rig.segments(), [("1003".to_owned(), 20, "transferred"), ("1002".to_owned(), 5, "transferred")]);
        assert_eq!(rig.begun(), [("1003".to_owned(), Some("1002".to_owned()))]);
        // The wrap-up begins with the end of the last leg.
        rig.is_gone(AGENT, Cause::LocalHungUp);
        assert_eq!(rig.state("1002"), AgentState::Talking);
        rig.is_gone(OWN, Cause::LocalHungUp);
        assert_eq!(rig.ended(), Some((Outcome::Transferred, Cause::LocalHungUp)));
        assert_eq!((rig.state("1002"), rig.state("1003")), (AgentState::WrapUp, AgentState::Talking));
        // Their line is lost: the caller waits again.
        rig.now += Duration::from_secs(1);
        rig.media(MediaEvent::Silent { leg: out(2) });
        assert_eq!(rig.entered(), Some(("support".to_owned(), 0, 36)));
    }
}

#[test]
fn who_is_asked_while_the_phone_still_rings_is_rung_for_the_caller() {
    let mut rig = Rig::served();
    rig.dials(OWN, "1002", "1003");
    rig.sip(SipEvent::Ringing { leg: out(2), early: None });
    rig.joins(AGENT, OWN);
    rig.check("reject 487, progress out1 100, music");
    rig.answers(out(2));
    rig.check("change SendReceive, progress out1 200, unbridge in1, move out2 from 1 to 0, bridge in1 out2, hang up LocalHungUp");
    rig.is_gone(OWN, Cause::Refused);
}

#[test]
fn the_caller_takes_the_place_where_the_agent_waits_or_listens() {
    let mut rig = Rig::served();
    rig.dials(OWN, "1002", "sales");
    rig.confirms(OWN);
    rig.now += Duration::from_secs(6);
    rig.joins(AGENT, OWN);
    let view = rig.switchboard.view(rig.now);
    assert_eq!(rig.asked().map(|asked| asked.status), Some(200), "{:?} {view:?}", rig.out);
}

/// What is done for one caller only begins again for the one who takes the place: the agent has agreed to nothing for them.
#[test]
fn what_was_begun_for_the_agent_begins_again_for_the_caller() {
    // What the agent presses in the menu, what they hear of it, and what begins then.
    for (keys, at_the_tone, begins) in [
        ("0", false, "ask no more 1, hang up LocalHungUp, unbridge in1, ask orders 2, hang up LocalHungUp"),
        ("6", true, "hang up LocalHungUp, unbridge in1, play 2300, hang up LocalHungUp"),
        ("7", false, "stop, hang up LocalHungUp, unbridge in1, play 1500, hang up LocalHungUp"),
        ("71", false, "stop, hang up LocalHungUp, unbridge in1, play 1500, hang up LocalHungUp"),
        ("5", false, "stop, hang up LocalHungUp, unbridge in1, play 1100, hang up LocalHungUp"),
    ] {
        let mut rig = Rig::served();
        rig.dials(OWN, "1002", house::NUMBER);
        rig.confirms(OWN);
        let heard = |rig: &mut Rig| {
            let playback = rig.playback.take().expect("something plays");
            rig.media(MediaEvent::PlaybackFinished { leg: OWN, playback });
        };
        heard(&mut rig);
        for key in keys.chars() {
            let digit = Digit::from_char(key).expect("a key");
            rig.media(MediaEvent::Digit { leg: OWN, digit, source: DigitSource::Rtp });
        }
        if at_the_tone {
            heard(&mut rig);
            assert!(rig.wanted().contains("record"), "{}", rig.wanted());
        }
        rig.now += Duration::from_secs(1);
        rig.joins(AGENT, OWN);
        assert_eq!(rig.asked().map(|asked| asked.status), Some(200), "{keys}");
        rig.check(&format!("progress out1 200, {begins}"));
        rig.is_gone(OWN, Cause::LocalHungUp);
        if keys == "5" {
            // The agent's extension is no number to call back; the caller's is.
            rig.key('1', DigitSource::Rtp);
            assert_eq!(rig.entered(), Some(("support".to_owned(), 0, 0)), "{:?}", rig.out);
        }
    }
}

#[test]
fn the_caller_takes_the_place_about_which_a_colleague_is_being_told() {
    let mut rig = Rig::served();
    rig.sip(SipEvent::AgentReachable { extension: "1003".into() });
    rig.dials(OWN, "1002", "sales");
    rig.confirms(OWN);
    assert!(rig.wanted().ends_with("open, dial 1003"), "{}", rig.wanted());
    rig.now += Duration::from_secs(2);
    rig.answers(out(2));
    // "Sales." "Waited less than a minute."
    rig.check("change SendReceive, play 1200");
    let playback = rig.playback.expect("it plays");
    rig.joins(AGENT, OWN);
    assert_eq!(rig.asked().map(|asked| asked.status), Some(200));
    rig.is_gone(OWN, Cause::LocalHungUp);
    rig.media(MediaEvent::PlaybackFinished { leg: out(2), playback });
    rig.check("move out2 from 1 to 0, bridge in1 out2");
    assert_eq!(rig.begun(), [("1003".to_owned(), None)]);
}

#[test]
fn a_colleague_who_called_the_agent_is_joined_to_their_caller() {
    let mut rig = Rig::served();
    rig.dials(OWN, "1003", "1002");
    rig.check("open, dial 1002");
    rig.answers(out(2));
    rig.confirms(OWN);
    rig.now += Duration::from_secs(2);
    rig.joins(AGENT, out(2));
    rig.check(
        "progress out1 200, unbridge in2, unbridge in1, move in2 from 1 to 0, bridge in1 in2, hang up LocalHungUp, \
         hang up LocalHungUp",
    );
    assert_eq!(rig.ended().map(|(outcome, _)| outcome), Some(Outcome::Transferred));
    rig.is_gone(out(2), Cause::LocalHungUp);
    rig.is_gone(AGENT, Cause::LocalHungUp);
    rig.sip(SipEvent::Ended { leg: OWN, cause: Cause::RemoteHungUp });
    rig.check("close, unbridge in1, play 3000");
    assert_eq!(rig.surveyed(), [(Some("support".into()), Some("1003".into()))]);
    rig.media(MediaEvent::Closed { leg: OWN, report: StreamReport::default() });
    assert_eq!(rig.state("1003"), AgentState::LoggedOut);
}

#[test]
fn two_whom_an_agent_called_are_joined() {
    let mut rig = Rig::idle();
    rig.dials(LEG, "1001", "1003");
    rig.answers(AGENT);
    rig.confirms(LEG);
    rig.dials(OWN, "1001", "1004");
    rig.answers(out(2));
    rig.confirms(OWN);
    rig.joins(OWN, LEG);
    rig.is_gone(LEG, Cause::LocalHungUp);
    rig.is_gone(OWN, Cause::LocalHungUp);
    assert_eq!(rig.state("1001"), AgentState::LoggedOut);
    assert_eq!((rig.state("1003"), rig.state("1004")), (AgentState::Talking, AgentState::Talking));
}

#[test]
fn an_agent_takes_over_a_conversation_by_an_invite() {
    let mut rig = Rig::served();
    rig.now += Duration::from_secs(3);
    rig.takes_over(OWN, Some("1003"), AGENT);
    rig.check("open, answer, unbridge in1, bridge in1 in2, hang up LocalHungUp");
    assert_eq!(rig.begun(), [("1003".to_owned(), Some("1002".to_owned()))]);
    rig.confirms(OWN);
    rig.is_gone(AGENT, Cause::LocalHungUp);
    assert_eq!((rig.state("1002"), rig.state("1003")), (AgentState::WrapUp, AgentState::Talking));
    // Nobody else may, and not what is no conversation.
    let again = LegId::inbound(3);
    rig.takes_over(again, None, OWN);
    rig.check("reject 403");
    rig.takes_over(again, Some("1001"), LEG);
    rig.check("reject 481");
    // Nor anybody when no port is free: they may try again when one is.
    for other in (10..60).map(LegId::inbound) {
        rig.call(other, house::NUMBER);
        rig.is_gone(other, Cause::Cancelled);
    }
    rig.takes_over(again, Some("1001"), OWN);
    assert!(rig.wanted().starts_with("reject 503 after "), "{}", rig.wanted());
}

#[test]
fn a_drain_ends_a_transfer_that_is_under_way() {
    let mut rig = Rig::served();
    rig.refers(AGENT, "1003");
    rig.sip(SipEvent::Incoming(Box::new(phone::invite(OWN, house::NUMBER, None))));
    rig.operate(OperatorCommand::Drain);
    rig.check("drain");
    rig.wait(Duration::from_secs(30));
    let wanted = rig.wanted();
    assert_eq!(wanted.matches("hang up").count(), 4, "{wanted}");
}

impl Rig {
    pub fn operate(&mut self, command: OperatorCommand) {
        self.give(Input::Operator(command));
    }
}
