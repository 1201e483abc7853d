//! Single calls, step by step: what the switchboard wants done after each input.

use std::sync::Arc;
use std::time::Duration;

use helpline::clock::Moment;
use helpline::journal::{JournalEvent, Outcome};
use helpline::switchboard::{Input, MailboxOrder, OperatorCommand, Output, Revision, Settings, Switchboard};
use helpline::telephony::{
    CallId, Cause, Digit, DigitSource, Direction, Incoming, LegId, MediaCommand, MediaEvent, PlaybackId, SipCommand,
    SipEvent, StreamReport,
};

use super::house::{self, NUMBER};
use super::phone;

/// One switchboard with its clock and what it wanted last.
pub struct Rig {
    pub switchboard: Switchboard,
    pub now: Moment,
    pub out: Vec<Output>,
    pub playback: Option<PlaybackId>,
}

pub const LEG: LegId = LegId::inbound(1);

impl Rig {
    pub fn new(change: impl FnOnce(&mut Settings)) -> Rig {
        let mut settings = house::settings();
        change(&mut settings);
        let switchboard = house::switchboard(settings, 1);
        Rig { switchboard, now: Moment::ZERO, out: Vec::new(), playback: None }
    }

    /// Nobody has called yet.
    pub fn idle() -> Rig {
        Rig::new(|_| {})
    }

    /// A call that was answered and acknowledged.
    fn answered() -> Rig {
        let mut rig = Rig::new(|_| {});
        rig.call(LEG, NUMBER);
        rig.sip(SipEvent::Confirmed { leg: LEG, answer: None });
        rig
    }

    /// One whose caller has heard all of the menu and is expected to press a key.
    pub fn in_menu() -> Rig {
        let mut rig = Rig::answered();
        rig.heard();
        rig.heard();
        rig
    }

    pub fn give(&mut self, input: Input) {
        self.out = self.switchboard.handle(self.now, input);
        self.switchboard.assert_consistent();
        for output in &self.out {
            match output {
                Output::Media { command: MediaCommand::Play { playback, .. }, .. } => self.playback = Some(*playback),
                Output::Media { command: MediaCommand::Stop { .. } | MediaCommand::Music { .. }, .. } => {
                    self.playback = None;
                }
                _ => {}
            }
        }
    }

    pub fn sip(&mut self, event: SipEvent) {
        self.give(Input::Sip(event));
    }

    pub fn media(&mut self, event: MediaEvent) {
        self.give(Input::Media(event));
    }

    /// An agent dials, proven by digest.
    pub fn agent_dials(&mut self, leg: LegId, extension: &str, dialled: &str) {
        let offer = Some(phone::description(Direction::SendReceive));
        let invite = Incoming { agent: Some(extension.into()), ..phone::invite(leg, dialled, offer) };
        self.sip(SipEvent::Incoming(Box::new(invite)));
    }

    pub fn call(&mut self, leg: LegId, dialled: &str) {
        let offer = Some(phone::description(Direction::SendReceive));
        self.sip(SipEvent::Incoming(Box::new(phone::invite(leg, dialled, offer))));
    }

    pub fn heard(&mut self) {
        let playback = self.playback.take().expect("something plays");
        self.media(MediaEvent::PlaybackFinished { leg: LEG, playback });
    }

    pub fn key(&mut self, key: char, source: DigitSource) {
        let digit = Digit::from_char(key).expect("a key");
        match source {
            DigitSource::Info => self.sip(SipEvent::Digit { leg: LEG, digit }),
            source => self.media(MediaEvent::Digit { leg: LEG, digit, source }),
        }
    }

    pub fn reinvite(&mut self, direction: Direction) {
        self.sip(SipEvent::Offered { leg: LEG, offer: Some(phone::description(direction)) });
    }

    /// Lets time pass, acting on every deadline in it; what was wanted meanwhile is kept together.
    pub fn wait(&mut self, length: Duration) {
        let until = self.now + length;
        let mut all = Vec::new();
        while let Some(deadline) = self.switchboard.deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            self.give(Input::Expired);
            all.append(&mut self.out);
        }
        self.now = until;
        self.out = all;
    }

    /// What was wanted last, in short words.
    pub fn wanted(&self) -> String {
        let words: Vec<String> = self
            .out
            .iter()
            .filter_map(|output| match output {
                Output::Sip(SipCommand::Answer { .. }) => Some("answer".into()),
                Output::Sip(SipCommand::AcceptChange { description, .. }) => {
                    Some(format!("accept v{}", description.origin.version))
                }
                Output::Sip(SipCommand::RefuseChange { refusal, .. }) => Some(format!("refuse {}", refusal.status)),
                Output::Sip(SipCommand::Reject { refusal, .. }) => Some(format!(
                    "reject {}{}{}",
                    refusal.status,
                    refusal.retry_after.map_or(String::new(), |after| format!(" after {}", after.as_secs())),
                    if refusal.warning.is_some() { " with warning" } else { "" }
                )),
                Output::Sip(SipCommand::HangUp { cause, .. }) => Some(format!("hang up {cause:?}")),
                Output::Sip(SipCommand::Ring { leg }) => Some(format!("ring {leg}")),
                Output::Sip(SipCommand::TransferProgress { leg, status }) => Some(format!("progress {leg} {status}")),
                Output::Ask(ask) => Some(format!("ask {} {}", ask.connector.name, ask.request.lookup)),
                Output::CancelAsk { lookup, .. } => Some(format!("ask no more {lookup}")),
                Output::Sip(SipCommand::Drain) => Some("drain".into()),
                Output::Sip(SipCommand::DialAgent { extension, .. }) => Some(format!("dial {extension}")),
                Output::Sip(SipCommand::DialTrunk { trunk, number, .. }) => {
                    Some(format!("call {} by {trunk}", number.reveal()))
                }
                Output::Sip(SipCommand::SetTrunks(_)) => None,
                Output::Sip(other) => Some(format!("{other:?}")),
                Output::Media { command: MediaCommand::Open { .. }, .. } => Some("open".into()),
                Output::Media { command: MediaCommand::Change { plan, .. }, .. } => {
                    Some(format!("change {:?}", plan.direction))
                }
                Output::Media { command: MediaCommand::Music { .. }, .. } => Some("music".into()),
                Output::Media { command: MediaCommand::Play { clips, .. }, .. } => {
                    Some(format!("play {}", clips.iter().map(|clip| clip.duration().as_millis()).sum::<u128>()))
                }
                Output::Media { command: MediaCommand::Record { .. }, .. } => Some("record".into()),
                Output::Media { command: MediaCommand::EndTape { .. }, .. } => Some("end tape".into()),
                Output::Media { command: MediaCommand::KeepTape { .. }, .. } => Some("keep tape".into()),
                Output::Media { command: MediaCommand::DropTape { .. }, .. } => Some("drop tape".into()),
                Output::Media { command: MediaCommand::MuteTape { muted, .. }, .. } => Some(format!("mute {muted}")),
                Output::Media { command: MediaCommand::ReadTape { .. }, .. } => Some("read tape".into()),
                Output::Media { command: MediaCommand::Press { leg, digit }, .. } => {
                    Some(format!("press {digit} {leg}"))
                }
                Output::Media { command: MediaCommand::Stop { .. }, .. } => Some("stop".into()),
                Output::Media { command: MediaCommand::Close { .. }, .. } => Some("close".into()),
                Output::Media { command: MediaCommand::Bridge { leg, with }, .. } => {
                    Some(format!("bridge {leg} {with}"))
                }
                Output::HandOver { leg, from, to } => Some(format!("move {leg} from {from} to {to}")),
                Output::Media { command: MediaCommand::Unbridge { leg }, .. } => Some(format!("unbridge {leg}")),
                Output::Mailbox(order) => Some(match &**order {
                    MailboxOrder::List { mailboxes, .. } => format!("list {}", mailboxes.join(" ")),
                    MailboxOrder::Heard(tape) => format!("heard {}", tape.name),
                    MailboxOrder::Delete(tape) => format!("delete {}", tape.name),
                }),
                Output::Journal(_) => None,
            })
            .collect();
        words.join(", ")
    }

    pub fn ended(&self) -> Option<(Outcome, Cause)> {
        self.out.iter().find_map(|output| match output {
            Output::Journal(entry) => match &entry.event {
                JournalEvent::Ended(ended) => Some((ended.outcome, ended.cause)),
                _ => None,
            },
            _ => None,
        })
    }

    fn digits(&self) -> usize {
        let digit = |output: &&Output| matches!(output, Output::Journal(entry) if matches!(entry.event, JournalEvent::Digit { .. }));
        self.out.iter().filter(digit).count()
    }

    /// Takes other flows into use, which no call may notice: phones may register, or learn of messages, and no more.
    #[track_caller]
    pub fn revise(&mut self, revision: Revision) {
        self.give(Input::Revision(Arc::new(revision)));
        let told = |output: &&Output| {
            let quiet = matches!(
                output,
                Output::Journal(_)
                    | Output::Sip(SipCommand::SetAgents(_) | SipCommand::SetTrunks(_) | SipCommand::SetMessages { .. })
            );
            !quiet
        };
        assert_eq!(self.out.iter().filter(told).count(), 0, "{}", self.wanted());
    }

    #[track_caller]
    pub fn check(&self, expected: &str) {
        assert_eq!(self.wanted(), expected);
    }
}

#[test]
fn a_call_is_answered_in_one_step_and_begins_when_the_caller_is_ready() {
    let mut rig = Rig::new(|_| {});
    rig.call(LEG, NUMBER);
    rig.check("open, answer");
    rig.sip(SipEvent::Confirmed { leg: LEG, answer: None });
    rig.check("play 2000");
    rig.sip(SipEvent::Confirmed { leg: LEG, answer: None });
    rig.check("");
    rig.heard();
    rig.check("play 6400");
    rig.heard();
    rig.check("");
    rig.key('9', DigitSource::Rtp);
    rig.check("play 1000");
    rig.heard();
    rig.check("");
    rig.wait(Duration::from_millis(199));
    rig.check("");
    rig.wait(Duration::from_millis(1));
    rig.check("hang up LocalHungUp");
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::LocalHungUp });
    rig.check("close");
    rig.media(MediaEvent::Closed { leg: LEG, report: StreamReport::default() });
    assert_eq!(rig.ended(), Some((Outcome::Completed, Cause::LocalHungUp)));
    assert_eq!(rig.switchboard.snapshot(rig.now).calls, 0);
}

#[test]
fn an_invite_without_an_offer_is_offered_ours() {
    let mut rig = Rig::new(|_| {});
    rig.sip(SipEvent::Incoming(Box::new(phone::invite(LEG, NUMBER, None))));
    rig.check("open, answer");
    rig.sip(SipEvent::Confirmed { leg: LEG, answer: Some(phone::description(Direction::SendReceive)) });
    rig.check("change SendReceive, play 2000");

    for answer in [None, Some(phone::video())] {
        let mut rig = Rig::new(|_| {});
        rig.sip(SipEvent::Incoming(Box::new(phone::invite(LEG, NUMBER, None))));
        rig.sip(SipEvent::Confirmed { leg: LEG, answer });
        rig.check("hang up MediaFailed");
    }
}

#[test]
fn a_call_that_cannot_be_taken_is_refused_clearly() {
    let mut rig = Rig::new(|_| {});
    rig.call(LEG, "4711");
    rig.check("reject 404");
    rig.sip(SipEvent::Incoming(Box::new(phone::invite(LEG, NUMBER, Some(phone::video())))));
    rig.check("reject 488 with warning");
    rig.give(Input::Operator(OperatorCommand::Drain));
    rig.check("drain");
    rig.call(LEG, NUMBER);
    rig.check("reject 503 after 30");
    assert_eq!(rig.switchboard.snapshot(rig.now).ports_free, 40);

    let mut rig = Rig::new(|settings| settings.calls_max = 1);
    rig.call(LEG, NUMBER);
    rig.call(LegId::inbound(2), NUMBER);
    rig.check("reject 503 after 10");

    let mut rig = Rig::new(|settings| settings.ports = 20_000..=20_001);
    rig.call(LEG, NUMBER);
    rig.call(LegId::inbound(2), NUMBER);
    rig.check("reject 503 after 10");
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::Cancelled });
    rig.media(MediaEvent::Closed { leg: LEG, report: StreamReport::default() });
    rig.call(LegId::inbound(3), NUMBER);
    rig.check("reject 503 after 5");
    rig.now += Duration::from_secs(5);
    rig.call(LegId::inbound(4), NUMBER);
    rig.check("open, answer");
}

#[test]
fn a_key_stops_the_words_that_do_not_have_to_be_heard() {
    let mut rig = Rig::answered();
    rig.key('9', DigitSource::Rtp);
    rig.check("");
    rig.heard();
    rig.check("play 1000");

    let mut rig = Rig::answered();
    rig.heard();
    rig.key('1', DigitSource::Rtp);
    rig.check("play 3000");
}

#[test]
fn a_press_that_comes_two_ways_counts_once() {
    let mut rig = Rig::answered();
    rig.key('5', DigitSource::Rtp);
    assert_eq!(rig.digits(), 1);
    rig.key('5', DigitSource::Info);
    assert_eq!(rig.digits(), 0);
}

#[test]
fn a_late_playback_means_nothing() {
    let mut rig = Rig::answered();
    let first = rig.playback.expect("the welcome plays");
    rig.heard();
    rig.media(MediaEvent::PlaybackFinished { leg: LEG, playback: first });
    rig.check("");
    rig.media(MediaEvent::PlaybackFinished { leg: LegId::inbound(99), playback: first });
    rig.check("");
}

#[test]
fn a_recording_that_is_missing_stops_nobody() {
    let mut rig = Rig::in_menu();
    rig.key('2', DigitSource::Rtp);
    rig.check("play 6400");
    let missing = rig.out.iter().any(|output| {
        matches!(output, Output::Journal(entry) if matches!(&entry.event,
            JournalEvent::PromptMissing { step, .. } if &*step.step == "silent"))
    });
    assert!(missing, "{:?}", rig.out);
}

#[test]
fn nobody_is_hung_up_on_while_they_hold_us() {
    let mut rig = Rig::in_menu();
    rig.wait(Duration::from_secs(4));
    rig.check("");
    rig.reinvite(Direction::SendOnly);
    rig.check("accept v2, change ReceiveOnly");
    rig.wait(Duration::from_secs(1_800));
    rig.check("");
    rig.reinvite(Direction::SendReceive);
    rig.check("accept v3, change SendReceive");
    rig.wait(Duration::from_millis(999));
    rig.check("");
    rig.wait(Duration::from_millis(1));
    rig.check("play 7900");

    let mut rig = Rig::in_menu();
    rig.reinvite(Direction::Inactive);
    rig.wait(Duration::from_secs(3_600));
    rig.check("hang up LocalHungUp");
}

#[test]
fn a_description_that_is_the_same_keeps_its_version() {
    let mut rig = Rig::answered();
    rig.reinvite(Direction::SendReceive);
    rig.check("accept v1");
    rig.sip(SipEvent::Offered { leg: LEG, offer: None });
    rig.check("accept v2");
    rig.sip(SipEvent::Confirmed { leg: LEG, answer: Some(phone::description(Direction::SendReceive)) });
    rig.check("");
    rig.sip(SipEvent::Offered { leg: LEG, offer: Some(phone::video()) });
    rig.check("refuse 488");
    rig.key('1', DigitSource::Rtp);
    assert_eq!(rig.digits(), 1);
}

#[test]
fn audio_that_is_lost_or_never_came_ends_the_call() {
    let mut rig = Rig::answered();
    rig.media(MediaEvent::Silent { leg: LEG });
    rig.check("stop, hang up MediaLost");
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::MediaLost });
    rig.media(MediaEvent::Closed { leg: LEG, report: StreamReport::default() });
    assert_eq!(rig.ended(), Some((Outcome::Failed, Cause::MediaLost)));

    let mut rig = Rig::new(|_| {});
    rig.call(LEG, NUMBER);
    rig.media(MediaEvent::Failed { leg: LEG, reason: "in use".into() });
    rig.check("hang up MediaFailed");
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::MediaFailed });
    rig.check("");
    assert_eq!(rig.ended(), Some((Outcome::Failed, Cause::MediaFailed)));
    rig.now += Duration::from_secs(10);
    assert_eq!(rig.switchboard.snapshot(rig.now).ports_free, 39, "a port that failed rests for a minute");
}

#[test]
fn what_nobody_tells_the_deadlines_end() {
    let mut rig = Rig::new(|_| {});
    rig.call(LEG, NUMBER);
    rig.wait(Duration::from_secs(40));
    rig.check("hang up NotAcknowledged");
    rig.wait(Duration::from_secs(40));
    rig.check("close");
    rig.wait(Duration::from_secs(5));
    rig.check("");
    assert_eq!(rig.ended(), Some((Outcome::Failed, Cause::DialogLost)));
    assert_eq!(rig.switchboard.snapshot(rig.now).calls, 0);
}

#[test]
fn a_drain_lets_calls_end_and_then_ends_them() {
    let mut rig = Rig::in_menu();
    rig.give(Input::Operator(OperatorCommand::Drain));
    rig.check("drain");
    rig.give(Input::Operator(OperatorCommand::Drain));
    rig.check("");
    rig.key('1', DigitSource::Rtp);
    rig.check("play 3000");
    rig.wait(Duration::from_millis(29_999));
    rig.check("");
    rig.wait(Duration::from_millis(1));
    rig.check("stop, hang up Drained");
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::Drained });
    rig.media(MediaEvent::Closed { leg: LEG, report: StreamReport::default() });
    assert_eq!(rig.ended(), Some((Outcome::Drained, Cause::Drained)));

    let mut rig = Rig::in_menu();
    rig.give(Input::Operator(OperatorCommand::HangUpAll));
    rig.check("drain, hang up Drained");
}

#[test]
fn an_operator_hangs_up_one_call() {
    let mut rig = Rig::in_menu();
    rig.give(Input::Operator(OperatorCommand::HangUp(CallId(2))));
    rig.check("");
    rig.give(Input::Operator(OperatorCommand::HangUp(CallId(1))));
    rig.check("hang up LocalHungUp");
    rig.sip(SipEvent::Ended { leg: LEG, cause: Cause::LocalHungUp });
    rig.media(MediaEvent::Closed { leg: LEG, report: StreamReport::default() });
    assert_eq!(rig.ended(), Some((Outcome::Operator, Cause::LocalHungUp)));
}

#[test]
fn a_call_keeps_the_flows_with_which_it_began() {
    let mut rig = Rig::answered();
    rig.give(Input::Revision(Arc::new(house::revision(1))));
    rig.call(LegId::inbound(2), NUMBER);
    let flow = |rig: &Rig| {
        rig.out.iter().find_map(|output| match output {
            Output::Journal(entry) => match &entry.event {
                JournalEvent::Offered(offered) => offered.flow.clone(),
                JournalEvent::StepEntered(step) => Some(step.flow.clone()),
                _ => None,
            },
            _ => None,
        })
    };
    assert_eq!(flow(&rig).as_deref(), Some("main1"));
    rig.heard();
    assert_eq!(flow(&rig).as_deref(), Some("main0"));
}
