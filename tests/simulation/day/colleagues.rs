//! Agents who call colleagues, queues and flows, and who transfer whomever they talk to, rightly and wrongly, at every
//! moment.

use helpline::journal::JournalEvent;
use helpline::switchboard::Input;
use helpline::telephony::{DigitSource, Direction, LegId, SipCommand, SipEvent, Transfer};

use super::{Act, Happening, SipLeg, Tally, World};
use crate::house::{self, NUMBER};
use crate::phone;

/// Whereto agents dial and transfer.
const TARGETS: [&str; 9] = ["1001", "1002", "1003", "1004", "support", "sales;priority=2", "sales", NUMBER, "4711"];

/// Why a transfer may be refused: by what people are and do, never by where their audio is.
const REASONS: [&str; 9] = [
    "only agents transfer calls",
    "there is nobody to pass on",
    "another transfer is under way",
    "there is no such extension, queue or number",
    "the agent is busy",
    "the other call is another agent's",
    "it names no conversation of an agent's",
    "the two cannot be joined",
    "no RTP port is free",
];

impl World {
    /// An agent dials, or wants to take over what some leg has; and then the next one.
    pub(super) fn colleague_dials(&mut self) {
        if self.callers_left == 0 {
            return;
        }
        let pause = self.random.u64(0..self.colleagues_pause);
        self.plan(pause, Happening::Colleague);
        let extension = *self.random.choice(&house::AGENTS).expect("there are four");
        self.dialled += 1;
        let leg = LegId::inbound(self.dialled);
        let with_offer = self.random.u8(0..4) > 0;
        let target = *self.random.choice(&TARGETS).expect("there are some");
        let target = target.split(';').next().unwrap_or(target);
        let mut invite = phone::invite(leg, target, with_offer.then(|| phone::description(Direction::SendReceive)));
        invite.agent = Some(extension.to_owned());
        if self.random.u8(0..8) == 0 {
            invite.replaces = self.some_leg(None);
            // A stranger may try, too.
            invite.agent = invite.agent.filter(|_| self.random.u8(0..4) > 0);
        }
        let known = SipLeg {
            with_offer,
            answered: false,
            acknowledged: false,
            offered: false,
            owes_answer: false,
            source: DigitSource::Rtp,
            agent: Some(extension),
        };
        self.sip.insert(leg, known);
        self.tell(Input::Sip(SipEvent::Incoming(Box::new(invite))));
        if self.random.u8(0..6) == 0 {
            let when = self.random.u64(0..15_000);
            self.plan(when, Happening::Act(leg, Act::Cancel));
        }
    }

    /// An agent's own call was answered: what they do then.
    pub(super) fn live_as_agent(&mut self, leg: LegId) {
        let mut at = self.random.u64(1..100);
        self.plan(at, Happening::Act(leg, Act::Acknowledge));
        for _ in 0..self.random.u8(0..5) {
            at += self.random.u64(0..12_000);
            let act = match self.random.u8(0..8) {
                0 => Act::Hold(Direction::SendOnly),
                1 => Act::Resume,
                2 => Act::Press,
                3 => Act::AskForOffer,
                _ => Act::Refer,
            };
            self.plan(at, Happening::Act(leg, act));
        }
        at += self.random.u64(0..60_000);
        let last = if self.random.u8(0..15) == 0 { Act::FallSilent } else { Act::HangUp };
        self.plan(at, Happening::Act(leg, last));
    }

    /// Whoever is at this leg wants its call to go elsewhere. `sip` tells one such wish at a time.
    pub(super) fn refers(&mut self, leg: LegId) {
        if !self.stands(leg) || !self.referring.insert(leg) {
            return;
        }
        let attended = self.random.bool();
        let whose = self.agent_at(leg).filter(|_| self.random.u8(0..8) > 0);
        let replaces = if attended { self.some_leg(whose).filter(|other| *other != leg) } else { None };
        let target = (*self.random.choice(&TARGETS).expect("there are some")).to_owned();
        let uri = format!("sip:{target}@192.0.2.1");
        self.tell(Input::Sip(SipEvent::TransferAsked {
            leg,
            transfer: Transfer { target, uri, replaces, referred_by: None },
        }));
        // Some phones hang up as soon as the transfer is accepted, or sooner.
        if self.random.u8(0..4) == 0 {
            let when = self.random.u64(0..400);
            let hang_up = match self.sip.contains_key(&leg) {
                true => Happening::Act(leg, Act::HangUp),
                false => Happening::AgentActs(leg, super::agents::AgentAct::HangUp),
            };
            self.plan(when, hang_up);
        }
    }

    /// One of the legs that there are; of the agent `whose`, if one is named.
    fn some_leg(&mut self, whose: Option<&'static str>) -> Option<LegId> {
        let mut legs: Vec<LegId> = self.sip.keys().chain(self.phones.keys()).copied().collect();
        legs.retain(|leg| whose.is_none() || self.agent_at(*leg) == whose);
        self.random.choice(&legs).copied()
    }

    fn agent_at(&self, leg: LegId) -> Option<&'static str> {
        self.sip.get(&leg).and_then(|known| known.agent).or_else(|| Some(self.phones.get(&leg)?.extension()))
    }

    fn stands(&self, leg: LegId) -> bool {
        let answered = self.phones.get(&leg).is_some_and(|phone| phone.talks());
        answered || self.sip.get(&leg).is_some_and(|known| known.acknowledged)
    }

    /// The transfers of `input` are answered in the same step: there is no other moment for it.
    pub(super) fn wish_of(&self, input: &Input) -> Option<LegId> {
        match input {
            Input::Sip(SipEvent::TransferAsked { leg, .. }) => Some(*leg),
            _ => None,
        }
    }

    pub(super) fn is_told_of_transfer(&mut self, leg: LegId, status: u16) {
        assert!((100..700).contains(&status));
        // What comes late, or twice, is ignored by `sip`; a final status ends the matter.
        let known = self.referring.contains(&leg) || !self.stands(leg) || self.faults;
        assert!(known, "{leg} is told {status} of a transfer for which it never asked");
        if status >= 200 {
            self.referring.remove(&leg);
        }
    }

    /// No colleague's phone is rung, and no transfer accepted, for who is no agent.
    pub(super) fn rings(&self, leg: LegId) {
        if let Some(known) = self.sip.get(&leg) {
            assert!(known.agent.is_some(), "{leg} is no agent, and a phone rings for it");
            assert!(!known.answered || self.faults, "{leg} is told of ringing after the answer");
        }
    }
}

pub(super) fn assert_answered(leg: LegId, told: &[SipCommand]) {
    let answered = told.iter().any(|command| match command {
        SipCommand::TransferProgress { leg: named, .. } => *named == leg,
        _ => false,
    });
    assert!(answered, "the REFER of {leg} is not answered: {told:?}");
}

impl Tally {
    pub(super) fn count_transfer(&mut self, event: &JournalEvent) {
        match event {
            JournalEvent::Transfer(asked) => {
                assert_eq!(asked.why.is_some(), asked.status >= 300, "{asked:?}");
                assert!(asked.why.is_none_or(|why| REASONS.contains(&why)), "{asked:?}");
                let made = if asked.status < 300 { "made" } else { "refused" };
                *self.transfers.entry((asked.kind, made)).or_default() += 1;
            }
            JournalEvent::Dialling { .. } => self.dialling += 1,
            JournalEvent::NotReached { .. } => self.not_reached += 1,
            _ => {}
        }
    }
}
