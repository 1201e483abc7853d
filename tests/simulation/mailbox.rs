//! An agent who hears messages by telephone, step by step.

use std::sync::Arc;
use std::time::Duration;

use helpline::acd::WhyNoCalls;
use helpline::switchboard::{Input, MailboxOrder, Output};
use helpline::telephony::{CallId, Cause, Clip, Digit, DigitSource, LegId, MediaEvent, SipEvent, TapeId};

use crate::house::message;
use crate::scenarios::Rig;

/// The leg by which the agent dials.
const DIALS: LegId = LegId::inbound(9);

fn clip(millis: usize) -> Option<Arc<Clip>> {
    let audio = vec![0x55; millis * 8].into_boxed_slice();
    Some(Arc::new(Clip { pcmu: audio.clone(), pcma: audio }))
}

impl Rig {
    /// 1001 has dialled the code, and their messages are looked for.
    fn asks_for_messages() -> (Rig, CallId) {
        let mut rig = Rig::idle();
        rig.register("1001");
        rig.agent_dials(DIALS, "1001", "*97");
        assert!(rig.wanted().ends_with("open, answer"), "{}", rig.wanted());
        rig.sip(SipEvent::Confirmed { leg: DIALS, answer: None });
        rig.check("list 1001 support sales");
        let asked = rig.out.iter().find_map(|output| match output {
            Output::Mailbox(order) => match &**order {
                MailboxOrder::List { call, .. } => Some(*call),
                _ => None,
            },
            _ => None,
        });
        (rig, asked.expect("they are listed"))
    }

    fn presses(&mut self, key: char) -> String {
        let digit = Digit::from_char(key).expect("a key");
        self.media(MediaEvent::Digit { leg: DIALS, digit, source: DigitSource::Rtp });
        self.wanted()
    }

    fn hears_all(&mut self) -> String {
        let playback = self.playback.take().expect("something plays");
        self.media(MediaEvent::PlaybackFinished { leg: DIALS, playback });
        self.wanted()
    }

    fn reads(&mut self, tape: u64, clip: Option<Arc<Clip>>) -> String {
        self.media(MediaEvent::TapeRead { leg: DIALS, tape: TapeId(tape), clip });
        self.wanted()
    }
}

#[test]
fn an_agent_hears_messages_and_deletes_one() {
    let (mut rig, call) = Rig::asks_for_messages();
    rig.give(Input::Messages { call, messages: Some(vec![message(7, "support", false), message(8, "support", true)]) });
    // "You have" one "new message." "You have" one "message that was heard before."
    rig.check("play 3400");
    // "First message," "from" 0 3 0 "Left": the house has no recordings for days.
    let about = rig.hears_all();
    assert!(about.starts_with("play "), "{about}");
    assert_eq!(rig.hears_all(), "read tape");
    assert_eq!(rig.reads(7, clip(2_000)), "play 2000");
    assert_eq!(rig.hears_all(), "heard m7, play 700");
    assert_eq!(rig.presses('3'), "stop, play 700");
    let deleted = rig.presses('3');
    assert!(deleted.starts_with("delete m7, stop, play ") || deleted.starts_with("stop, delete m7"), "{deleted}");
    assert_eq!(rig.presses('#'), "stop, read tape");
    // What belongs to an earlier wish is not played.
    assert_eq!(rig.reads(7, clip(2_000)), "");
    assert_eq!(rig.reads(8, None), "play 1400");
    assert_eq!(rig.presses('*'), "stop");
    rig.wait(Duration::from_millis(200));
    rig.check("hang up LocalHungUp");
    rig.sip(SipEvent::Ended { leg: DIALS, cause: Cause::LocalHungUp });
    rig.check("close");
}

#[test]
fn messages_that_cannot_be_listed_are_told_so() {
    let (mut rig, call) = Rig::asks_for_messages();
    rig.wait(Duration::from_secs(5));
    rig.check("play 700");
    // Too late.
    rig.give(Input::Messages { call, messages: Some(vec![message(7, "support", false)]) });
    rig.check("");
    assert_eq!(rig.hears_all(), "");
    rig.wait(Duration::from_millis(200));
    rig.check("hang up LocalHungUp");
    let (mut rig, call) = Rig::asks_for_messages();
    rig.give(Input::Messages { call, messages: None });
    rig.check("play 700");
}

#[test]
fn who_hears_messages_gets_no_caller_meanwhile() {
    let (mut rig, call) = Rig::asks_for_messages();
    rig.give(Input::Messages { call, messages: Some(vec![message(7, "support", false)]) });
    let view = rig.switchboard.view(rig.now);
    let agent = view.agents.iter().find(|agent| &*agent.extension == "1001").expect("there is one");
    assert_ne!(agent.snapshot.why, WhyNoCalls::NobodyWaits { before: Some(0) });
    rig.sip(SipEvent::Ended { leg: DIALS, cause: Cause::RemoteHungUp });
    rig.check("close");
}
