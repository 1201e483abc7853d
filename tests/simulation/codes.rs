//! Agents who dial codes, and the whisper before a caller, step by step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use helpline::acd::{AgentState, Presence};
use helpline::flow::hours::Range;
use helpline::flow::{AgentCode, FlowSet, Hours};
use helpline::journal::{JournalEvent, Outcome};
use helpline::switchboard::{Fact, Input, Kept, KeptSwitch, Output, Revision, Switchboard};
use helpline::telephony::{
    Cause, Digit, DigitSource, Direction, LegId, MediaEvent, PlaybackId, SipEvent, StreamReport,
};

use crate::house;
use crate::phone;
use crate::scenarios::{LEG, Rig};

const AGENT: LegId = LegId::outbound(1);
const OTHER: LegId = LegId::outbound(2);
/// The leg by which an agent dials a code.
const DIALS: LegId = LegId::inbound(9);

impl Rig {
    /// What an agent hears who dials `code`, as its length tells: each phrase is 700 ms, a number 300, "lunch" 800. The
    /// call is heard to its end.
    fn hears_code(&mut self, extension: &str, code: &str) -> String {
        self.agent_dials(DIALS, extension, code);
        let wanted = self.wanted();
        assert!(wanted.ends_with("open, answer"), "{wanted}");
        self.sip(SipEvent::Confirmed { leg: DIALS, answer: None });
        let heard = self.wanted();
        let playback = self.playback.take().expect("it is spoken");
        self.media(MediaEvent::PlaybackFinished { leg: DIALS, playback });
        self.check("");
        self.wait(Duration::from_millis(200));
        self.check("hang up LocalHungUp");
        self.sip(SipEvent::Ended { leg: DIALS, cause: Cause::LocalHungUp });
        self.media(MediaEvent::Closed { leg: DIALS, report: StreamReport::default() });
        heard
    }

    fn standing(&self, extension: &str) -> (AgentState, Presence) {
        let view = self.switchboard.view(self.now);
        let agent = view.agents.iter().find(|agent| &*agent.extension == extension).expect("there is one");
        (agent.snapshot.state, agent.snapshot.presence.clone())
    }

    /// A caller in `sales`, where who picks up hears about them: 1003's telephone rings.
    fn ringing_in_sales() -> Rig {
        let mut rig = Rig::in_menu();
        rig.register("1003");
        rig.key('4', DigitSource::Rtp);
        rig.check("play 900, open, dial 1003");
        rig.heard();
        rig
    }

    /// 1003 has picked up.
    fn whispered() -> (Rig, PlaybackId) {
        let mut rig = Rig::ringing_in_sales();
        rig.wait(Duration::from_secs(2));
        rig.sip(SipEvent::Answered {
            leg: AGENT,
            answer: phone::description(Direction::SendReceive),
            local: phone::LOCAL,
        });
        // "Sales." "Waited less than a minute."
        rig.check("change SendReceive, play 1200");
        let playback = rig.playback.take().expect("it plays");
        assert_eq!(rig.left(), None, "who is told about is not answered yet");
        (rig, playback)
    }

    fn joined(&self) -> Option<u128> {
        self.out.iter().find_map(|output| match output {
            Output::Journal(entry) => match &entry.event {
                JournalEvent::Joined(joined) => Some(joined.waited.as_millis()),
                _ => None,
            },
            _ => None,
        })
    }
}

#[test]
fn a_code_is_done_and_confirmed() {
    let mut rig = Rig::new(|_| {});
    rig.register("1001");
    assert_eq!(rig.standing("1001").0, AgentState::Ready);
    assert_eq!(rig.hears_code("1001", "*121"), "play 800");
    assert_eq!(rig.standing("1001").0, AgentState::Paused);
    assert_eq!(rig.ended(), Some((Outcome::Completed, Cause::LocalHungUp)));
    // "You are paused: lunch." "Nothing has changed."
    assert_eq!(rig.hears_code("1001", "*121"), "play 1500");
    // A reason that is not recorded, and none at all: "You are paused."
    assert_eq!(rig.hears_code("1001", "*122"), "play 700");
    assert_eq!(rig.hears_code("1001", "*12"), "play 700");
    assert_eq!(rig.hears_code("1001", "*11"), "play 700");
    assert_eq!(rig.standing("1001").0, AgentState::Ready);
    assert_eq!(rig.hears_code("1001", "*13"), "play 700");
    assert_eq!(rig.standing("1001").0, AgentState::LoggedOut);
    // Registering again does not log in who has logged out.
    rig.register("1001");
    assert_eq!(rig.standing("1001").0, AgentState::LoggedOut);
    // "You are logged out." "To take calls, dial" star one one.
    assert_eq!(rig.hears_code("1001", "*19"), "play 2600");
    // "There is no wrap-up now." "You are logged out."
    assert_eq!(rig.hears_code("1001", "*14"), "play 1400");
}

#[test]
fn hours_are_closed_until_midnight_by_a_code_and_after_a_restart() {
    let mut rig = Rig::new(|_| {});
    rig.register("1001");
    // "There are no such opening hours."
    assert_eq!(rig.hears_code("1001", "*20"), "play 700");
    let week = std::array::from_fn(|_| vec![Range { from: 0, to: 24 * 60 }]);
    let hours = |name: &str, zone: &str| Hours {
        name: name.into(),
        zone: jiff::tz::TimeZone::get(zone).expect("there is one"),
        week: week.clone(),
        days: BTreeMap::new(),
    };
    let revision = house::revision(0);
    let mut flows = FlowSet::clone(&revision.flows);
    flows.hours = vec![hours("office", "Asia/Tokyo"), hours("shop", "UTC")];
    let shop = || Some("shop".into());
    flows.codes.codes.insert("*212".into(), AgentCode::AsWritten(shop()));
    let revision = Arc::new(Revision { flows: Arc::new(flows), ..revision });
    rig.give(Input::Revision(revision.clone()));

    let switches = |rig: &mut Rig| {
        let wall = house::calendar().time_of(rig.now);
        let switches = rig.switchboard.snapshot(rig.now).switches;
        ["office", "shop"].map(|name| switches.of(name, wall).map(|switch| (switch.open, switch.until.to_string())))
    };
    assert_eq!(rig.hears_code("1001", "*20"), "play 700");
    let closed = |until: &str| Some((false, until.to_owned()));
    let both = [closed("2026-12-18T15:00:00Z"), closed("2026-12-19T00:00:00Z")];
    assert_eq!(switches(&mut rig), both, "until midnight in the zone of each");
    let journalled = |rig: &Rig| {
        let told = |output: &Output| match output {
            Output::Journal(entry) => match &entry.event {
                JournalEvent::HoursSwitched(switched) => Some((switched.hours.to_string(), switched.by.to_string())),
                _ => None,
            },
            _ => None,
        };
        rig.out.iter().filter_map(told).collect::<Vec<_>>()
    };
    // Already so: "Closed for the rest of the day." "Nothing has changed."
    assert_eq!(rig.hears_code("1001", "*20"), "play 1400");

    let facts = rig.switchboard.keep_now(rig.now);
    let kept: Vec<KeptSwitch> = facts
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Hours { kept, .. } => kept,
            _ => None,
        })
        .collect();
    assert_eq!(kept.len(), 2);
    // Another process goes on with it, and forgets what is over by then.
    let kept = Kept { switches: kept, ..Kept::default() };
    let calendar = house::calendar();
    let later = rig.now + Duration::from_secs(10 * 3_600);
    for (now, expected) in [(rig.now, 2), (later, 1)] {
        let random = fastrand::Rng::with_seed(1);
        let (mut again, _, _) =
            Switchboard::restored(now, &kept, house::settings(), calendar, revision.clone(), random);
        assert_eq!(again.snapshot(now).switches.0.len(), expected);
        let forgotten = again.keep_now(now).into_iter().filter(|fact| matches!(fact, Fact::Hours { kept: None, .. }));
        assert_eq!(forgotten.count(), 2 - expected);
    }

    // One of them by itself, as it is written.
    rig.agent_dials(DIALS, "1001", "*212");
    assert_eq!(journalled(&rig), [("shop".to_owned(), "1001".to_owned())]);
    assert_eq!(switches(&mut rig)[1], None);
    assert!(switches(&mut rig)[0].is_some());
}

#[test]
fn who_is_no_agent_is_told_that_there_is_no_such_number() {
    let mut rig = Rig::new(|_| {});
    for code in ["*11", "*121", "*19"] {
        rig.call(LEG, code);
        rig.check("reject 404");
    }
    rig.agent_dials(LEG, "1001", "*99");
    rig.check("reject 404");
    rig.agent_dials(LEG, "4711", "*11");
    rig.check("reject 404");
}

#[test]
fn who_becomes_ready_hears_so_before_their_telephone_rings() {
    let mut rig = Rig::in_menu();
    rig.register("1002");
    rig.hears_code("1002", "*12");
    rig.key('3', DigitSource::Rtp);
    rig.check("play 900");
    rig.playback = None;
    rig.agent_dials(DIALS, "1002", "*11");
    rig.check("open, answer");
    rig.sip(SipEvent::Confirmed { leg: DIALS, answer: None });
    rig.check("play 700");
    assert_eq!(rig.standing("1002").0, AgentState::Ready);
    rig.sip(SipEvent::Ended { leg: DIALS, cause: Cause::RemoteHungUp });
    rig.check("close, open, dial 1002");
}

#[test]
fn a_pause_in_a_call_holds_after_it() {
    let mut rig = Rig::in_menu();
    rig.key('3', DigitSource::Rtp);
    rig.heard();
    rig.register("1002");
    rig.sip(SipEvent::Answered { leg: AGENT, answer: phone::description(Direction::SendReceive), local: phone::LOCAL });
    // "When your call is over:" "You are paused: lunch."
    assert_eq!(rig.hears_code("1002", "*121"), "play 1500");
    let (state, presence) = rig.standing("1002");
    assert_eq!(state, AgentState::Talking);
    assert!(matches!(presence, Presence::Paused(_)));
    rig.sip(SipEvent::Ended { leg: AGENT, cause: Cause::RemoteHungUp });
    assert_eq!(rig.standing("1002").0, AgentState::WrapUp);
    // "Your wrap-up goes on." seventy-five "more seconds."
    assert_eq!(rig.hears_code("1002", "*15"), "play 1700");
    // "Your wrap-up is over." "You are paused: lunch."
    assert_eq!(rig.hears_code("1002", "*14"), "play 1500");
    assert_eq!(rig.standing("1002").0, AgentState::Paused);
}

#[test]
fn who_hangs_up_early_has_been_obeyed_all_the_same() {
    let mut rig = Rig::new(|_| {});
    rig.register("1001");
    rig.agent_dials(DIALS, "1001", "*12");
    rig.check("open, answer");
    rig.sip(SipEvent::Ended { leg: DIALS, cause: Cause::Cancelled });
    rig.check("close");
    assert_eq!(rig.standing("1001").0, AgentState::Paused);
    // And whose ACK never comes is hung up on.
    rig.media(MediaEvent::Closed { leg: DIALS, report: StreamReport::default() });
    rig.agent_dials(DIALS, "1001", "*11");
    rig.wait(Duration::from_secs(40));
    rig.check("hang up NotAcknowledged");
    assert_eq!(rig.standing("1001").0, AgentState::Ready);
}

#[test]
fn a_whisper_ends_in_the_bridge_and_the_wait_with_it() {
    let (mut rig, playback) = Rig::whispered();
    rig.now += Duration::from_millis(1_200);
    rig.media(MediaEvent::PlaybackFinished { leg: AGENT, playback });
    rig.check("bridge in1 out1");
    assert_eq!((rig.left(), rig.joined()), (Some("answered"), Some(3_200)));
    // A key is for the caller from now on, and a late end of the playback means nothing.
    rig.media(MediaEvent::PlaybackFinished { leg: AGENT, playback });
    rig.media(MediaEvent::Digit { leg: AGENT, digit: Digit::STAR, source: DigitSource::Rtp });
    rig.check("");
}

#[test]
fn any_key_ends_a_whisper() {
    let (mut rig, _) = Rig::whispered();
    rig.media(MediaEvent::Digit { leg: AGENT, digit: Digit::STAR, source: DigitSource::Rtp });
    rig.check("bridge in1 out1");
    let (mut rig, _) = Rig::whispered();
    rig.sip(SipEvent::Digit { leg: AGENT, digit: Digit::HASH });
    rig.check("bridge in1 out1");
}

#[test]
fn a_caller_who_hangs_up_during_the_whisper_ends_the_agents_leg() {
    let (mut rig, playback) = Rig::whispered();
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::RemoteHungUp });
    rig.check("stop, close, hang up LocalHungUp");
    assert_eq!(rig.left(), Some("short_abandoned"));
    rig.media(MediaEvent::PlaybackFinished { leg: AGENT, playback });
    rig.check("");
    rig.sip(SipEvent::Ended { leg: AGENT, cause: Cause::LocalHungUp });
    rig.check("close");
    assert_eq!(rig.standing("1003").0, AgentState::Ready, "nothing was missed, and there is nothing to wrap up");
}

#[test]
fn an_agent_who_hangs_up_during_the_whisper_leaves_the_caller_at_their_place() {
    let (mut rig, _) = Rig::whispered();
    rig.sip(SipEvent::Ended { leg: AGENT, cause: Cause::RemoteHungUp });
    rig.check("close");
    assert_eq!(rig.left(), None);
    let place = rig.switchboard.view(rig.now).queues[1].places[0].snapshot;
    assert_eq!((place.position, place.wait), (1, Duration::from_secs(2)));
    // The agent rests, and the next telephone rings at once.
    rig.register("1004");
    rig.check("open, dial 1004");
    rig.sip(SipEvent::Answered { leg: OTHER, answer: phone::description(Direction::SendReceive), local: phone::LOCAL });
    rig.check("change SendReceive, play 1200");
}

#[test]
fn an_agents_line_that_is_lost_during_the_whisper_keeps_nobody_waiting() {
    let (mut rig, _) = Rig::whispered();
    rig.register("1004");
    rig.check("");
    rig.media(MediaEvent::Silent { leg: AGENT });
    rig.check("hang up MediaLost, open, dial 1004");
    assert_eq!(rig.left(), None);
}

#[test]
fn a_whisper_whose_end_is_never_told_ends_all_the_same() {
    let (mut rig, _) = Rig::whispered();
    rig.wait(Duration::from_millis(3_199));
    rig.check("");
    rig.wait(Duration::from_millis(1));
    rig.check("bridge in1 out1");
}

#[test]
fn a_telephone_may_hold_during_the_whisper() {
    let (mut rig, playback) = Rig::whispered();
    rig.sip(SipEvent::Offered { leg: AGENT, offer: Some(phone::description(Direction::SendOnly)) });
    rig.check("accept v2, change ReceiveOnly");
    rig.media(MediaEvent::PlaybackFinished { leg: AGENT, playback });
    rig.check("bridge in1 out1, music");
}
