//! Agents' phones: they answer, refuse, ring in vain, answer too late, hold, disappear and come back; and what the
//! switchboard owes them and their callers is checked.

use std::time::Duration;

use helpline::acd::AgentCommand;
use helpline::journal::{JournalEvent, QueueEvent};
use helpline::switchboard::{CALL_MAX, Input, OperatorCommand, Output};
use helpline::telephony::{
    CallHeaders, Cause, Digit, DigitSource, Direction, Incoming, LegId, MediaCommand, MediaEvent, RegisteredPhone,
    SessionDescription, SipCommand, SipEvent, TransportKind, Unreachable,
};

use super::{Act, Happening, Tally, World};
use crate::house;
use crate::phone;

/// A leg of an agent's phone, as `sip` sees it.
#[derive(Debug)]
pub(super) struct AgentPhone {
    extension: &'static str,
    stage: Stage,
    /// A change awaits its reply.
    offered: bool,
}

impl AgentPhone {
    pub(super) fn extension(&self) -> &'static str {
        self.extension
    }

    pub(super) fn talks(&self) -> bool {
        self.stage == Stage::Talking
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Ringing,
    Talking,
    /// The switchboard has hung up.
    Ending,
}

/// What an agent's phone does.
#[derive(Clone, Copy, Debug)]
pub(super) enum AgentAct {
    Answer,
    Refuse(Cause),
    Hold(Direction),
    HangUp,
    /// It transfers whom it talks to, or tries to.
    Refer,
    /// No audio comes any more.
    FallSilent,
    /// `sip` has lost the dialog, or the BYE was answered.
    Over(Cause),
    OfferNothing,
    /// A key: whoever hears about a caller hears them at once then.
    Press,
}

/// The number of the last registration of every phone.
pub const PHONE_CSEQ: u32 = 7;

fn registered_phone() -> RegisteredPhone {
    RegisteredPhone {
        contact: "<sip:phone@192.0.2.7>".to_owned(),
        path: Vec::new(),
        transport: TransportKind::Udp,
        local: ([192, 0, 2, 1], 5060).into(),
        remote: ([192, 0, 2, 7], 5060).into(),
        call_id: "phone".to_owned(),
        cseq: PHONE_CSEQ,
        answers: true,
        expires_in: Duration::from_secs(300),
    }
}

/// Codes that agents dial, one of which is none.
const CODES: [&str; 12] = ["*11", "*11", "*12", "*121", "*13", "*14", "*15", "*19", "*20", "*97", "*97", "*99"];

impl World {
    /// Sometimes it is an agent who dials: a code, or the number.
    pub(super) fn is_an_agent(&mut self, invite: &mut Incoming) {
        if self.random.u8(0..12) == 0 {
            invite.agent = Some((*self.random.choice(&house::AGENTS).expect("there are four")).into());
            invite.dialled = (*self.random.choice(&CODES).expect("there are some")).into();
        } else if self.random.u8(0..60) == 0 {
            invite.dialled = "*11".into();
        }
    }

    /// An agent's phone registers, or is gone; as long as callers come.
    pub(super) fn shift(&mut self, extension: &'static str) {
        let named = extension.to_owned();
        if self.registered.remove(extension) {
            self.tell(Input::Sip(SipEvent::AgentUnreachable { extension: named.clone(), why: Unreachable::Silent }));
            self.tell(Input::Sip(SipEvent::PhonesRegistered { extension: named, phones: Vec::new() }));
        } else {
            self.registered.insert(extension);
            self.tell(Input::Sip(SipEvent::AgentReachable { extension: named.clone() }));
            self.tell(Input::Sip(SipEvent::PhonesRegistered { extension: named, phones: vec![registered_phone()] }));
        }
        let command = match self.random.u8(0..14) {
            0 => AgentCommand::Pause("lunch".into()),
            1 => AgentCommand::LogOut,
            2 => AgentCommand::EndWrapUp,
            3 => AgentCommand::ExtendWrapUp(Duration::from_secs(30)),
            _ => AgentCommand::Ready,
        };
        let wish = OperatorCommand::Agent { extension: extension.into(), command };
        let when = self.random.u64(0..200_000);
        self.plan(when, Happening::Tell(Input::Operator(wish)));
        if self.callers_left > 0 {
            let stays = self.registered.contains(extension);
            let length = if stays { self.random.u64(0..900_000) } else { self.random.u64(0..300_000) };
            self.plan(length, Happening::Shift(extension));
        }
    }

    /// A caller who chooses a queue and waits, more or less patiently.
    pub(super) fn want_an_agent(&mut self, leg: LegId, ready: u64) {
        let queue = ['4', '3', '3', '4', '3', '5', '0'][self.random.usize(0..7)];
        let mut at = ready + self.random.u64(2_500..6_000);
        self.plan(at, Happening::Act(leg, Act::PressKey(queue)));
        if self.random.u8(0..4) == 0 {
            // To be called back: on the caller's own number, or on another.
            let keys = if self.random.bool() { "21" } else { "22#12" };
            for key in keys.chars() {
                at += self.random.u64(100..9_000);
                self.plan(at, Happening::Act(leg, Act::PressKey(key)));
            }
        }
        for _ in 0..self.random.u8(0..4) {
            at += self.random.u64(0..60_000);
            let act = match self.random.u8(0..5) {
                0 => Act::Hold(Direction::SendOnly),
                1 | 2 => Act::Resume,
                3 => Act::Press,
                _ => Act::AskForOffer,
            };
            self.plan(at, Happening::Act(leg, act));
        }
        at += self.random.u64(0..500_000);
        let last = if self.random.u8(0..8) == 0 { Act::FallSilent } else { Act::HangUp };
        if self.random.u8(0..5) > 0 {
            self.plan(at, Happening::Act(leg, last));
        }
    }

    pub(super) fn agent_is_dialled(
        &mut self,
        leg: LegId,
        extension: &str,
        offer: &SessionDescription,
        headers: &CallHeaders,
    ) {
        assert!(leg.is_outbound() && self.media.contains_key(&leg) || self.faults || offer.media.len() == 1);
        let offer = headers.iter().any(|(name, _)| name == "X-Helpline-Wait");
        let told = headers.iter().any(|(name, _)| name == "X-Helpline-Queue");
        assert!(told || !offer, "the phone is not told the queue");
        let extension = house::AGENTS.into_iter().find(|known| *known == extension).expect("an agent of the house");
        // A colleague may call whoever talks; a queue may not.
        let busy = self.phones.values().find(|phone| phone.extension == extension && phone.stage != Stage::Ending);
        let calls = self.sip.values().find(|known| known.agent == Some(extension) && known.answered);
        assert!(!offer || busy.is_none(), "{extension} is offered a caller and has a call: {busy:?}");
        assert!(!offer || calls.is_none() || self.faults, "{extension} is offered a caller in a call: {calls:?}");
        let before = self.phones.insert(leg, AgentPhone { extension, stage: Stage::Ringing, offered: false });
        assert!(before.is_none(), "{leg} is dialled twice");
        if !self.registered.contains(extension) {
            return self.plan(1, Happening::AgentActs(leg, AgentAct::Refuse(Cause::RefusedBy(480))));
        }
        let pause = self.random.u64(100..15_000);
        match self.random.u8(0..20) {
            0 => self.plan(pause, Happening::AgentActs(leg, AgentAct::Refuse(Cause::RefusedBy(486)))),
            1 => self.plan(pause, Happening::AgentActs(leg, AgentAct::Refuse(Cause::RefusedBy(603)))),
            2 => self.plan(pause, Happening::AgentActs(leg, AgentAct::Refuse(Cause::RefusedBy(302)))),
            3 => self.plan(pause, Happening::AgentActs(leg, AgentAct::Refuse(Cause::TransportFailed))),
            // It rings in vain, ...
            4 | 5 => {}
            // ... or is answered at the very moment at which it is given up.
            6 => self.plan(19_999 + self.now.as_micros() % 3, Happening::AgentActs(leg, AgentAct::Answer)),
            _ => self.plan(pause, Happening::AgentActs(leg, AgentAct::Answer)),
        }
    }

    pub(super) fn agent_acts(&mut self, leg: LegId, act: AgentAct) {
        let Some(phone) = self.phones.get_mut(&leg) else { return };
        match (act, phone.stage) {
            (AgentAct::Answer, Stage::Ringing) => {
                phone.stage = Stage::Talking;
                let answer = match self.random.u8(0..30) {
                    0 => phone::video(),
                    1 => phone::description(Direction::SendOnly),
                    _ => phone::description(Direction::SendReceive),
                };
                self.tell(Input::Sip(SipEvent::Answered { leg, answer, local: phone::LOCAL }));
                self.talk(leg);
            }
            (AgentAct::Refuse(cause), Stage::Ringing)
            | (AgentAct::Over(cause), Stage::Talking | Stage::Ending | Stage::Ringing) => {
                self.phones.remove(&leg);
                self.tell(Input::Sip(SipEvent::Ended { leg, cause }));
            }
            (AgentAct::HangUp, Stage::Talking) => {
                self.phones.remove(&leg);
                self.tell(Input::Sip(SipEvent::Ended { leg, cause: Cause::RemoteHungUp }));
            }
            (AgentAct::Refer, Stage::Talking) => self.refers(leg),
            (AgentAct::FallSilent, Stage::Talking) => self.tell(Input::Media(MediaEvent::Silent { leg })),
            (AgentAct::Press, Stage::Talking) => {
                let digit = Digit::from_char('5').expect("a key");
                if self.random.bool() {
                    self.tell(Input::Sip(SipEvent::Digit { leg, digit }));
                } else if self.media.contains_key(&leg) {
                    self.tell(Input::Media(MediaEvent::Digit { leg, digit, source: DigitSource::Rtp }));
                }
            }
            (AgentAct::Hold(direction), Stage::Talking) if !phone.offered => {
                phone.offered = true;
                let offer = Some(phone::description(direction));
                self.tell(Input::Sip(SipEvent::Offered { leg, offer }));
            }
            (AgentAct::OfferNothing, Stage::Talking) if !phone.offered => {
                phone.offered = true;
                self.tell(Input::Sip(SipEvent::Offered { leg, offer: Some(phone::video()) }));
            }
            _ => {}
        }
    }

    /// Plans a conversation.
    fn talk(&mut self, leg: LegId) {
        let mut at = 0;
        // Some press a key while they hear about the caller, and some have had enough by then.
        match self.random.u8(0..8) {
            0 => {
                let soon = self.random.u64(1..1_500);
                self.plan(soon, Happening::AgentActs(leg, AgentAct::Press));
            }
            1 => {
                let soon = self.random.u64(1..1_500);
                let ends = *self.random.choice(&[AgentAct::HangUp, AgentAct::FallSilent]).expect("there are two");
                self.plan(soon, Happening::AgentActs(leg, ends));
            }
            _ => {}
        }
        for _ in 0..self.random.u8(0..4) {
            at += self.random.u64(1..30_000);
            let act = match self.random.u8(0..9) {
                0 => AgentAct::OfferNothing,
                6.. => AgentAct::Refer,
                1 => AgentAct::Hold(Direction::Inactive),
                2 | 3 => AgentAct::Hold(Direction::SendOnly),
                _ => AgentAct::Hold(Direction::SendReceive),
            };
            self.plan(at, Happening::AgentActs(leg, act));
        }
        at += self.random.u64(1..90_000);
        let last = match self.random.u8(0..20) {
            0 => AgentAct::FallSilent,
            1 => AgentAct::Over(Cause::DialogLost),
            // The caller hangs up first.
            2..=5 => return,
            _ => AgentAct::HangUp,
        };
        self.plan(at, Happening::AgentActs(leg, last));
    }

    /// CANCEL or BYE. An answer may be on its way already; who has disappeared never answers the BYE.
    pub(super) fn agent_is_hung_up(&mut self, leg: LegId) {
        let Some(phone) = self.phones.get_mut(&leg) else { return };
        let rang = phone.stage == Stage::Ringing;
        phone.stage = Stage::Ending;
        if rang && self.random.u8(0..4) == 0 {
            self.tell(Input::Sip(SipEvent::Answered {
                leg,
                answer: phone::description(Direction::SendReceive),
                local: phone::LOCAL,
            }));
        }
        let answer = if self.random.u8(0..10) == 0 { 32_000 } else { self.random.u64(1..200) };
        self.plan(answer, Happening::AgentActs(leg, AgentAct::Over(Cause::LocalHungUp)));
    }

    pub(super) fn agent_is_answered(&mut self, leg: LegId) {
        if let Some(phone) = self.phones.get_mut(&leg) {
            assert!(std::mem::take(&mut phone.offered) || self.faults, "{leg} is answered what it never asked");
        }
    }

    /// The agent's leg that this input answers, while it still rings.
    pub(super) fn picked_up(&self, input: &Input) -> Option<LegId> {
        match input {
            Input::Sip(SipEvent::Answered { leg, .. }) => {
                self.phones.get(leg).filter(|phone| phone.stage == Stage::Talking).map(|_| *leg)
            }
            _ => None,
        }
        .filter(|_| !self.faults)
    }
}

/// Who picks up hears the caller with the next frame, or why they are called, or is let go: nobody answers to silence.
pub(super) fn assert_heard_or_hung_up(leg: LegId, out: &[Output]) {
    let done = out.iter().any(|output| match output {
        Output::Media { command: MediaCommand::Bridge { with, .. }, .. } => *with == leg,
        Output::Media {
            command: MediaCommand::Play { leg: hears, .. } | MediaCommand::Music { leg: hears, .. },
            ..
        } => *hears == leg,
        Output::Sip(SipCommand::HangUp { leg: ended, .. }) => *ended == leg,
        _ => false,
    });
    assert!(done, "{leg} has picked up and hears nobody: {out:?}");
}

impl Tally {
    pub(super) fn count_waiting(&mut self, event: &JournalEvent) {
        match event {
            JournalEvent::Joined(joined) => {
                self.joined += 1;
                // Who is sent back to a queue brings the time of their place, and so that of their conversation; and may be
                // called back after it.
                assert!(joined.waited < 2 * CALL_MAX, "{joined:?}");
            }
            JournalEvent::Parted(parted) => *self.parted.entry(parted.by).or_default() += 1,
            JournalEvent::AgentHeld { holding: true } => self.agent_holds += 1,
            JournalEvent::AgentAsks { code, .. } => *self.codes.entry(code).or_default() += 1,
            JournalEvent::Transfer(_) | JournalEvent::Dialling { .. } | JournalEvent::NotReached { .. } => {
                self.count_transfer(event);
            }
            JournalEvent::Queue(event) => match &**event {
                QueueEvent::Entered { .. } => self.queued += 1,
                QueueEvent::Left { outcome, .. } => *self.unqueued.entry(outcome).or_default() += 1,
                QueueEvent::OfferEnded { result, .. } => *self.offers.entry(result).or_default() += 1,
                QueueEvent::SpokenPlace { .. } => self.announced += 1,
                QueueEvent::CameBack => self.came_back += 1,
                _ => {}
            },
            _ => {}
        }
    }
}
