//! Callers who are called back, step by step: what the switchboard wants done after each input.

use std::time::Duration;

use helpline::acd::Mode;
use helpline::journal::{JournalEvent, QueueEvent};
use helpline::switchboard::{Input, OperatorCommand, Output};
use helpline::telephony::{
    Cause, Digit, DigitSource, Direction, LegId, MediaEvent, SipCommand, SipEvent, StreamReport,
};

use crate::phone;
use crate::scenarios::{LEG, Rig};

const FIRST: LegId = LegId::outbound(1);
const SECOND: LegId = LegId::outbound(2);

impl Rig {
    /// A caller who has hung up with a place in `support` (3, agent first) or `sales` (4, caller first), where 1003 is ready.
    fn to_be_called_back(queue: char) -> Rig {
        let mut rig = Rig::in_menu();
        if queue == '4' {
            rig.sip(SipEvent::AgentReachable { extension: "1003".into() });
        }
        rig.key(queue, DigitSource::Rtp);
        rig.heard();
        rig.key('2', DigitSource::Rtp);
        rig.key('1', DigitSource::Rtp);
        assert!(rig.wanted().contains("play 1100"), "{}", rig.wanted());
        assert_eq!(rig.told_of_queue(), ["counted to_callback", "callback wanted"]);
        if queue == '4' {
            // The phone that rang for them rings no more.
            assert!(rig.wanted().contains("hang up LocalHungUp"), "{}", rig.wanted());
            rig.is_over(FIRST, Cause::LocalHungUp);
        }
        rig.heard();
        rig.wait(Duration::from_millis(200));
        rig.check("hang up LocalHungUp");
        rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::LocalHungUp });
        rig.media(MediaEvent::Closed { leg: LEG, report: StreamReport::default() });
        rig
    }

    /// One for whom 1002 has picked up, and who is being called.
    fn being_called() -> Rig {
        let mut rig = Rig::to_be_called_back('3');
        rig.sip(SipEvent::AgentReachable { extension: "1002".into() });
        rig.wait(Duration::from_secs(7));
        rig.check("open, dial 1002");
        rig.picks_up(FIRST);
        rig.check("change SendReceive, open, call +442079460123 by carrier, play 1100");
        rig
    }

    fn picks_up(&mut self, leg: LegId) {
        self.sip(SipEvent::Answered { leg, answer: phone::description(Direction::SendReceive), local: phone::LOCAL });
    }

    fn is_over(&mut self, leg: LegId, cause: Cause) {
        self.sip(SipEvent::Ended { leg, cause });
        self.media(MediaEvent::Closed { leg, report: StreamReport::default() });
    }

    /// What the journal says of the queue.
    fn told_of_queue(&self) -> Vec<String> {
        let events = self.out.iter().filter_map(|output| match output {
            Output::Journal(entry) => match &entry.event {
                JournalEvent::Queue(event) => Some(&**event),
                _ => None,
            },
            _ => None,
        });
        events
            .filter_map(|event| match event {
                QueueEvent::CallbackWanted => Some("callback wanted".to_owned()),
                QueueEvent::CalledBack { attempt, answered } => Some(format!("called {attempt}: {answered}")),
                QueueEvent::Counted { event, .. } => Some(format!("counted {event}")),
                QueueEvent::Left { outcome, .. } => Some(format!("left {outcome}")),
                QueueEvent::CameBack => Some("came back".to_owned()),
                _ => None,
            })
            .collect()
    }

    fn waits_to_be_called(&mut self, queue: &str) -> bool {
        let view = self.switchboard.view(self.now);
        let queue = view.queues.iter().find(|found| &*found.name == queue).expect("it is there");
        queue.places.iter().any(|place| place.snapshot.mode == Mode::Callback)
    }
}

#[test]
fn the_agent_hears_why_and_is_joined_to_the_caller_at_once() {
    let mut rig = Rig::being_called();
    rig.media(MediaEvent::PlaybackFinished { leg: FIRST, playback: rig.playback.expect("words play") });
    rig.check("music");
    rig.picks_up(SECOND);
    assert!(rig.wanted().ends_with("bridge out2 out1"), "{}", rig.wanted());
    assert_eq!(rig.told_of_queue(), ["called 1: true", "left callback"]);
    // The agent hangs up: the caller is asked how it was, as after any conversation.
    rig.sip(SipEvent::Ended { leg: FIRST, cause: Cause::RemoteHungUp });
    rig.check("close, unbridge out2, play 3000");
    for (key, wanted) in [(Digit::STAR, "play 1800"), (Digit::STAR, "play 6400")] {
        rig.sip(SipEvent::Digit { leg: SECOND, digit: key });
        rig.check(wanted);
    }
}

#[test]
fn the_phone_is_told_that_it_is_a_callback() {
    let mut rig = Rig::to_be_called_back('3');
    rig.sip(SipEvent::AgentReachable { extension: "1002".into() });
    rig.wait(Duration::from_secs(7));
    let dialled = rig.out.iter().find_map(|output| match output {
        Output::Sip(SipCommand::DialAgent { caller, headers, .. }) => Some((caller, headers)),
        _ => None,
    });
    let (caller, headers) = dialled.expect("the phone is dialled");
    assert_eq!(caller.name.as_deref(), Some("+442079460123 (support, call back)"));
    assert_eq!(caller.number.reveal(), "+442079460123");
    for (name, value) in [("X-Helpline-Callback", "1"), ("X-Helpline-Queue", "support")] {
        assert!(headers.iter().any(|header| header == (name, value)), "{name}: {value} is not in {headers:?}");
    }
    let subject = headers.iter().find(|(name, _)| *name == "Subject").expect("there is one").1;
    assert!(subject.starts_with("support, call back, waited 0:0"), "{subject}");
}

#[test]
fn an_agent_who_hangs_up_first_ends_the_attempt_and_the_place_stays() {
    let mut rig = Rig::being_called();
    rig.is_over(FIRST, Cause::RemoteHungUp);
    rig.sip(SipEvent::Ended { leg: SECOND, cause: Cause::NoAnswer });
    assert!(rig.waits_to_be_called("support"));
    // Nobody is called before an agent is there.
    rig.wait(Duration::from_secs(4));
    assert!(!rig.wanted().contains("call +44"), "{}", rig.wanted());
}

#[test]
fn an_agent_whose_line_is_lost_first_ends_the_attempt_before_anybody_answers() {
    let mut rig = Rig::being_called();
    rig.media(MediaEvent::Silent { leg: FIRST });
    assert_eq!(rig.wanted(), "hang up MediaLost, hang up NoAnswer");
    assert!(rig.waits_to_be_called("support"));
    // Their answer crosses our CANCEL.
    rig.picks_up(SECOND);
    rig.check("");
}

#[test]
fn what_befalls_the_phone_before_anybody_is_called_is_told_of_no_call() {
    let mut rig = Rig::to_be_called_back('3');
    rig.sip(SipEvent::AgentReachable { extension: "1002".into() });
    rig.wait(Duration::from_secs(7));
    rig.check("open, dial 1002");
    rig.media(MediaEvent::Failed { leg: FIRST, reason: "in use".into() });
    let failed = rig.out.iter().find_map(|output| match output {
        Output::Journal(entry) if matches!(entry.event, JournalEvent::AgentLegFailed { .. }) => Some(entry.call),
        _ => None,
    });
    assert_eq!(failed, Some(None));
    assert!(rig.waits_to_be_called("support"));
}

#[test]
fn a_caller_who_does_not_answer_is_called_again_and_not_for_ever() {
    let mut rig = Rig::being_called();
    rig.wait(Duration::from_secs(30));
    assert_eq!(rig.told_of_queue(), ["called 1: false"]);
    assert_eq!(rig.wanted(), "hang up NoAnswer, hang up LocalHungUp");
    rig.is_over(SECOND, Cause::NoAnswer);
    rig.is_over(FIRST, Cause::LocalHungUp);
    // The gap of the house is a minute, and there are two tries.
    rig.wait(Duration::from_secs(59));
    assert_eq!(rig.wanted(), "");
    rig.wait(Duration::from_secs(1));
    rig.check("open, dial 1002");
    let (agent, caller) = (LegId::outbound(3), LegId::outbound(4));
    rig.picks_up(agent);
    rig.sip(SipEvent::Ended { leg: caller, cause: Cause::RefusedBy(486) });
    assert_eq!(rig.told_of_queue(), ["called 2: false", "left failed"]);
    assert!(rig.wanted().contains("hang up LocalHungUp"), "{}", rig.wanted());
    assert!(!rig.waits_to_be_called("support"));
}

#[test]
fn a_trunk_that_fails_costs_the_caller_no_attempt() {
    let mut rig = Rig::being_called();
    for (count, cause) in [Cause::RefusedBy(503), Cause::TransportFailed, Cause::RefusedBy(403)].into_iter().enumerate()
    {
        let (agent, caller) = (LegId::outbound(2 * count as u64 + 1), LegId::outbound(2 * count as u64 + 2));
        rig.sip(SipEvent::Ended { leg: caller, cause });
        assert_eq!(rig.told_of_queue(), [""; 0], "{cause:?}");
        assert!(rig.waits_to_be_called("support"), "{cause:?}");
        rig.media(MediaEvent::Closed { leg: caller, report: StreamReport::default() });
        rig.is_over(agent, Cause::LocalHungUp);
        rig.wait(Duration::from_secs(60));
        rig.check("open, dial 1002");
        rig.picks_up(LegId::outbound(2 * count as u64 + 3));
    }
}

#[test]
fn who_is_called_first_waits_at_their_place() {
    let mut rig = Rig::to_be_called_back('4');
    rig.wait(Duration::from_secs(7));
    rig.check("open, call +442079460123 by carrier");
    rig.picks_up(SECOND);
    assert_eq!(rig.wanted(), "change SendReceive, play 1300, open, dial 1003");
    assert_eq!(rig.told_of_queue(), ["called 1: true"]);
    rig.media(MediaEvent::PlaybackFinished { leg: SECOND, playback: rig.playback.expect("words play") });
    rig.check("music");
    // In this house agents hear about the caller first.
    rig.picks_up(LegId::outbound(3));
    rig.check("change SendReceive, play 1200");
    rig.media(MediaEvent::PlaybackFinished { leg: LegId::outbound(3), playback: rig.playback.expect("it plays") });
    rig.check("bridge out2 out3");
    assert_eq!(rig.told_of_queue(), ["left callback"]);
}

#[test]
fn who_dials_in_again_has_their_place_and_is_not_called() {
    let mut rig = Rig::to_be_called_back('4');
    rig.wait(Duration::from_secs(7));
    rig.check("open, call +442079460123 by carrier");
    let again = LegId::inbound(2);
    rig.call(again, crate::house::NUMBER);
    rig.sip(SipEvent::Confirmed { leg: again, answer: None });
    rig.media(MediaEvent::PlaybackFinished { leg: again, playback: rig.playback.expect("the welcome plays") });
    rig.sip(SipEvent::Digit { leg: again, digit: Digit::from_char('4').expect("a key") });
    assert!(rig.told_of_queue().contains(&"came back".to_owned()), "{:?}", rig.told_of_queue());
    assert!(rig.wanted().contains("hang up NoAnswer"), "{}", rig.wanted());
    assert!(!rig.waits_to_be_called("sales"));
    // Their answer crosses our CANCEL.
    rig.picks_up(SECOND);
    rig.check("");
}

#[test]
fn a_place_is_booked_without_waiting_on_the_line() {
    let mut rig = Rig::in_menu();
    rig.key('5', DigitSource::Rtp);
    rig.check("play 1100");
    rig.key('1', DigitSource::Rtp);
    assert_eq!(rig.told_of_queue(), ["counted to_callback", "callback wanted"]);
    rig.check("stop, play 1100");
    rig.heard();
    // The flow goes on with what follows the step.
    rig.check("play 6400");
    assert!(rig.waits_to_be_called("support"));
    // While the caller is on the line nobody's phone rings for them.
    rig.sip(SipEvent::AgentReachable { extension: "1002".into() });
    rig.wait(Duration::from_secs(6));
    assert!(!rig.wanted().contains("dial"), "{}", rig.wanted());
}

#[test]
fn nobody_is_called_back_while_helpline_closes_down() {
    let mut rig = Rig::to_be_called_back('3');
    rig.give(Input::Operator(OperatorCommand::Drain));
    rig.sip(SipEvent::AgentReachable { extension: "1002".into() });
    rig.wait(Duration::from_secs(29));
    assert!(!rig.wanted().contains("dial"), "{}", rig.wanted());
    assert!(rig.waits_to_be_called("support"));
}
