//! Single callers who wait for an agent, step by step: what the switchboard wants done after each input.

use std::sync::Arc;
use std::time::Duration;

use helpline::journal::{JournalEvent, QueueEvent};
use helpline::switchboard::{Input, OperatorCommand, Output};
use helpline::telephony::{
    CallId, Cause, DigitSource, Direction, LegId, MediaEvent, SipCommand, SipEvent, StreamReport,
};

use crate::house;
use crate::phone;
use crate::scenarios::{LEG, Rig};

const AGENT: LegId = LegId::outbound(1);

impl Rig {
    /// A caller in the queue `support`, who has heard that they wait. 1002 knows what they want to know.
    fn waiting() -> Rig {
        let mut rig = Rig::in_menu();
        rig.key('3', DigitSource::Rtp);
        rig.check("play 900");
        rig.heard();
        rig.check("music");
        rig
    }

    /// One for whom 1002 rings.
    fn ringing() -> Rig {
        let mut rig = Rig::waiting();
        rig.register("1002");
        rig.check("open, dial 1002");
        rig
    }

    /// One who talks to 1002.
    fn talking() -> Rig {
        let mut rig = Rig::ringing();
        rig.sip(SipEvent::Answered {
            leg: AGENT,
            answer: phone::description(Direction::SendReceive),
            local: phone::LOCAL,
        });
        rig.check("change SendReceive, bridge in1 out1");
        rig
    }

    pub fn register(&mut self, extension: &str) {
        self.sip(SipEvent::AgentReachable { extension: extension.into() });
    }

    fn agent_holds(&mut self, direction: Direction) {
        self.sip(SipEvent::Offered { leg: AGENT, offer: Some(phone::description(direction)) });
    }

    /// How the caller's place ended, if it did.
    pub fn left(&self) -> Option<&'static str> {
        self.out.iter().find_map(|output| match output {
            Output::Journal(entry) => match &entry.event {
                JournalEvent::Queue(event) => match &**event {
                    QueueEvent::Left { outcome, .. } => Some(*outcome),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        })
    }

    /// Talk and hold of the conversation that ended, in seconds, and by whom.
    fn parted(&self) -> Option<(u64, u64, &'static str)> {
        self.out.iter().find_map(|output| match output {
            Output::Journal(entry) => match &entry.event {
                JournalEvent::Parted(parted) => Some((parted.talk.as_secs(), parted.hold.as_secs(), parted.by)),
                _ => None,
            },
            _ => None,
        })
    }
}

#[test]
fn the_phone_is_told_who_calls_and_from_which_queue() {
    let rig = Rig::ringing();
    let dialled = rig.out.iter().find_map(|output| match output {
        Output::Sip(SipCommand::DialAgent { caller, headers, .. }) => Some((caller, headers)),
        _ => None,
    });
    let (caller, headers) = dialled.expect("the phone is dialled");
    assert_eq!(caller.name.as_deref(), Some("+442079460123 (support)"));
    assert_eq!(caller.number.reveal(), "+442079460123");
    for (name, value) in [
        ("P-Asserted-Identity", "\"+442079460123\" <sip:+442079460123@192.0.2.1>"),
        ("Subject", "support, waited 0:00"),
        ("X-Helpline-Queue", "support"),
        ("X-Helpline-Wait", "0"),
        ("X-Helpline-Call", "c1"),
    ] {
        assert!(headers.iter().any(|header| header == (name, value)), "{name}: {value} is not in {headers:?}");
    }
}

#[test]
fn an_answer_is_heard_at_once_whatever_plays() {
    let rig = Rig::talking();
    assert_eq!(rig.left(), Some("answered"));
    // During an announcement likewise.
    let mut rig = Rig::waiting();
    rig.wait(Duration::from_secs(20));
    rig.check("play 900");
    rig.register("1002");
    rig.sip(SipEvent::Answered { leg: AGENT, answer: phone::description(Direction::SendReceive), local: phone::LOCAL });
    rig.check("change SendReceive, bridge in1 out1");
}

#[test]
fn an_announcement_is_heard_and_music_goes_on() {
    let mut rig = Rig::waiting();
    rig.wait(Duration::from_millis(19_999));
    rig.check("");
    rig.wait(Duration::from_millis(1));
    rig.check("play 900");
    rig.heard();
    rig.check("music");
    rig.wait(Duration::from_millis(59_999));
    rig.check("");
    rig.wait(Duration::from_millis(1));
    rig.check("play 900");
}

#[test]
fn who_hangs_up_first_ends_it_for_the_other() {
    let mut rig = Rig::talking();
    rig.now += Duration::from_secs(5);
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::RemoteHungUp });
    rig.check("unbridge in1, close, hang up LocalHungUp");
    assert_eq!(rig.parted(), Some((5, 0, "caller")));
    rig.sip(SipEvent::Ended { leg: AGENT, cause: Cause::LocalHungUp });
    rig.check("close");

    let mut rig = Rig::talking();
    rig.now += Duration::from_secs(7);
    rig.sip(SipEvent::Ended { leg: AGENT, cause: Cause::RemoteHungUp });
    // The flow goes on: `support` asks how it was.
    rig.check("close, unbridge in1, play 3000");
    assert_eq!(rig.parted(), Some((7, 0, "agent")));

    for (command, by) in [(OperatorCommand::HangUp(CallId(1)), "operator"), (OperatorCommand::HangUpAll, "drained")] {
        let mut rig = Rig::talking();
        rig.now += Duration::from_secs(9);
        rig.give(Input::Operator(command));
        assert_eq!(rig.parted(), Some((9, 0, by)));
    }
}

#[test]
fn who_is_held_hears_music_and_the_time_is_told_apart() {
    let mut rig = Rig::talking();
    rig.now += Duration::from_secs(3);
    rig.agent_holds(Direction::SendOnly);
    rig.check("accept v2, change ReceiveOnly, music");
    rig.now += Duration::from_secs(4);
    rig.agent_holds(Direction::SendReceive);
    rig.check("accept v3, change SendReceive, stop");
    rig.now += Duration::from_secs(1);
    rig.reinvite(Direction::SendOnly);
    rig.check("accept v2, change ReceiveOnly, music");
    rig.now += Duration::from_secs(2);
    rig.reinvite(Direction::SendReceive);
    rig.check("accept v3, change SendReceive, stop");
    rig.sip(SipEvent::Ended { leg: AGENT, cause: Cause::RemoteHungUp });
    assert_eq!(rig.parted(), Some((4, 6, "agent")));
}

#[test]
fn a_lost_agent_is_made_up_for_by_another() {
    let mut rig = Rig::talking();
    rig.register("1004");
    rig.media(MediaEvent::Silent { leg: AGENT });
    rig.check("hang up MediaLost, unbridge in1, music, open, dial 1004");
    assert_eq!(rig.parted(), Some((0, 0, "broken")));
    let again = LegId::outbound(2);
    rig.sip(SipEvent::Answered { leg: again, answer: phone::description(Direction::SendReceive), local: phone::LOCAL });
    rig.check("change SendReceive, bridge in1 out2");
    rig.sip(SipEvent::Ended { leg: AGENT, cause: Cause::MediaLost });
    rig.check("close");
}

#[test]
fn a_phone_that_does_not_answer_is_let_go_and_the_place_stays() {
    let mut rig = Rig::ringing();
    rig.sip(SipEvent::Ended { leg: AGENT, cause: Cause::RefusedBy(486) });
    rig.check("close");
    rig.media(MediaEvent::Closed { leg: AGENT, report: StreamReport::default() });
    // 5 s later the same agent again, whose phone rings for 20 s.
    rig.wait(Duration::from_secs(5));
    rig.check("open, dial 1002");
    let again = LegId::outbound(2);
    rig.wait(Duration::from_secs(20));
    assert!(rig.wanted().contains("hang up LocalHungUp"), "{}", rig.wanted());
    assert_eq!(rig.left(), None);
    // Their answer crosses our CANCEL: nobody hears anything.
    rig.sip(SipEvent::Answered { leg: again, answer: phone::description(Direction::SendReceive), local: phone::LOCAL });
    rig.check("");
    rig.sip(SipEvent::Ended { leg: again, cause: Cause::LocalHungUp });
    rig.check("close");
}

#[test]
fn an_agent_who_answers_with_nothing_we_can_take_is_let_go() {
    let mut rig = Rig::ringing();
    rig.sip(SipEvent::Answered { leg: AGENT, answer: phone::video(), local: phone::LOCAL });
    rig.check("hang up MediaFailed");
    assert_eq!(rig.left(), None);
}

#[test]
fn keys_by_info_go_over_as_the_other_side_hears_them() {
    let five = helpline::telephony::Digit::from_char('5').expect("a key");
    let by_info = |formats: usize| {
        let mut rig = Rig::in_menu();
        rig.key('3', DigitSource::Info);
        rig.heard();
        rig.register("1002");
        let mut answer = phone::description(Direction::SendReceive);
        answer.media[0].formats.truncate(formats);
        rig.sip(SipEvent::Answered { leg: AGENT, answer, local: phone::LOCAL });
        rig
    };
    let mut rig = by_info(2);
    rig.sip(SipEvent::Digit { leg: LEG, digit: five });
    rig.check("press 5 out1");
    rig.sip(SipEvent::Digit { leg: AGENT, digit: five });
    rig.check("press 5 in1");
    // A phone without telephone-event has them by INFO.
    let mut rig = by_info(1);
    rig.sip(SipEvent::Digit { leg: LEG, digit: five });
    assert!(rig.wanted().starts_with("SendDigit { leg: "), "{}", rig.wanted());
}

#[test]
fn a_phone_of_another_family_is_bridged_with_the_caller() {
    let mut rig = Rig::ringing();
    let local = "2001:db8::1".parse().expect("an address");
    rig.sip(SipEvent::Answered { leg: AGENT, answer: phone::description_v6(Direction::SendReceive), local });
    rig.check("change SendReceive, bridge in1 out1");
    rig.sip(SipEvent::Offered { leg: AGENT, offer: Some(phone::description_v6(Direction::SendOnly)) });
    rig.check("accept v2, change ReceiveOnly, music");
    let described = rig.out.iter().find_map(|output| match output {
        Output::Sip(SipCommand::AcceptChange { description, .. }) => Some(description),
        _ => None,
    });
    assert_eq!(described.expect("it is answered").connection, Some(local));
}

#[test]
fn who_was_cut_off_has_the_place_back() {
    let mut rig = Rig::waiting();
    rig.wait(Duration::from_secs(10));
    rig.media(MediaEvent::Silent { leg: LEG });
    rig.check("stop, hang up MediaLost");
    has_the_place_back(rig, Cause::MediaLost);
    // Their network says so.
    let mut rig = Rig::waiting();
    rig.wait(Duration::from_secs(10));
    has_the_place_back(rig, Cause::LineLost);
}

/// The line ends so after ten seconds of waiting, and the caller dials again.
fn has_the_place_back(mut rig: Rig, cause: Cause) {
    rig.sip(SipEvent::Ended { leg: LEG, cause });
    rig.media(MediaEvent::Closed { leg: LEG, report: StreamReport::default() });
    rig.now += Duration::from_secs(30);
    let again = LegId::inbound(2);
    rig.call(again, crate::house::NUMBER);
    rig.sip(SipEvent::Confirmed { leg: again, answer: None });
    rig.media(MediaEvent::PlaybackFinished { leg: again, playback: rig.playback.expect("the welcome plays") });
    rig.sip(SipEvent::Digit { leg: again, digit: helpline::telephony::Digit::from_char('3').expect("a key") });
    let came_back = rig.out.iter().any(|output| {
        matches!(output, Output::Journal(entry) if matches!(&entry.event,
            JournalEvent::Queue(event) if **event == QueueEvent::CameBack))
    });
    assert!(came_back, "{:?}", rig.out);
    let view = rig.switchboard.view(rig.now);
    let place = view.queues.iter().find(|queue| &*queue.name == "support").expect("it is there").places[0];
    assert_eq!((place.snapshot.position, place.snapshot.wait.as_secs()), (1, 40));
}

#[test]
fn who_waits_in_a_queue_that_is_taken_away_is_still_served() {
    let mut rig = Rig::waiting();
    let mut revision = house::revision(1);
    let flows = Arc::get_mut(&mut revision.flows).expect("nobody else has it yet");
    flows.queues[0].name = "aid".into();
    flows.queues[0].agents = vec![("1003".into(), 1)];
    rig.revise(revision);
    // 1002 answered that queue before, and answers it for who is left in it.
    rig.register("1002");
    rig.check("open, dial 1002");
}

#[test]
fn an_agent_who_is_taken_away_finishes_the_call() {
    let mut rig = Rig::talking();
    rig.revise(house::changed(1));
    rig.now += Duration::from_secs(20);
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::RemoteHungUp });
    rig.check("unbridge in1, close, hang up LocalHungUp");
    assert_eq!(rig.parted(), Some((20, 0, "caller")));
}
