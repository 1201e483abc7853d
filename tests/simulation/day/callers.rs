//! What callers do, rightly and wrongly: they dial, press, hold, transfer and hang up at every moment.

use helpline::switchboard::Input;
use helpline::telephony::{Cause, Digit, DigitSource, Direction, LegId, MediaEvent, PhoneNumber, SipEvent};

use super::{Happening, World};
use crate::house::NUMBER;
use crate::phone;

#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Acknowledge,
    Press,
    PressKey(char),
    HangUp,
    Cancel,
    Hold(Direction),
    Resume,
    AskForOffer,
    OfferNothing,
    FallSilent,
    /// Somebody transfers, or tries to.
    Refer,
    /// `sip` gives up on a 200.
    GiveUp,
    /// Who is called back picks up.
    PickUp,
    /// Or does not.
    Refuse(Cause),
}

/// A leg as `sip` sees it.
#[derive(Debug)]
pub(super) struct SipLeg {
    pub(super) with_offer: bool,
    pub(super) answered: bool,
    pub(super) acknowledged: bool,
    /// A change awaits its reply.
    pub(super) offered: bool,
    /// A change without an offer awaits its answer.
    pub(super) owes_answer: bool,
    pub(super) source: DigitSource,
    /// The agent who calls, when it is one.
    pub(super) agent: Option<&'static str>,
}

impl World {
    /// The next caller, with all that they are going to do.
    pub(super) fn dial(&mut self) {
        if self.callers_left == 0 {
            return;
        }
        self.callers_left -= 1;
        self.dialled += 1;
        let leg = LegId::inbound(self.dialled);
        // Quiet hours and busy ones: in these the house is full.
        let pause = if self.dialled % 200 < 100 { self.random.u64(0..60_000) } else { self.random.u64(0..600) };
        self.plan(pause, Happening::Dial);

        let with_offer = self.random.u8(0..4) > 0;
        let mut invite = phone::invite(leg, NUMBER, with_offer.then(|| phone::description(Direction::SendReceive)));
        match self.random.u8(0..40) {
            0 => invite.dialled = "4711".into(),
            1 => invite.offer = Some(phone::video()),
            2 => invite.offer = Some(phone::description(Direction::SendOnly)),
            _ => {}
        }
        invite.caller.number = PhoneNumber::new(match self.dialled % 31 {
            0 => String::new(),
            1 => "12025550123".to_owned(),
            caller => format!("+4420794601{caller:02}"),
        });
        self.is_an_agent(&mut invite);
        let with_offer = invite.offer.is_some();
        let source =
            *self.random.choice(&[DigitSource::Rtp, DigitSource::Info, DigitSource::Inband]).expect("there are three");
        let known = SipLeg {
            with_offer,
            answered: false,
            acknowledged: false,
            offered: false,
            owes_answer: false,
            source,
            agent: None,
        };
        self.sip.insert(leg, known);
        self.tell(Input::Sip(SipEvent::Incoming(Box::new(invite))));
        if self.random.u8(0..30) == 0 {
            // Before the switchboard knows of the call, or when its 200 is on the way.
            let when = self.random.u64(0..3);
            self.plan(when, Happening::Act(leg, Act::Cancel));
        }
    }

    /// Called when our 200 has come: plans the caller's whole life.
    pub(super) fn live(&mut self, leg: LegId) {
        if self.sip.get(&leg).is_some_and(|known| known.agent.is_some()) {
            return self.live_as_agent(leg);
        }
        if self.random.u8(0..30) == 0 {
            return self.plan(32_000, Happening::Act(leg, Act::GiveUp));
        }
        let round_trip = self.random.u64(1..400);
        self.plan(round_trip, Happening::Act(leg, Act::Acknowledge));
        let mut at = round_trip;
        if self.random.u8(0..3) > 0 {
            return self.want_an_agent(leg, round_trip);
        }
        for _ in 0..self.random.u64(0..25) {
            at += self.random.u64(0..6_000);
            let act = match self.random.u8(0..30) {
                6 => Act::Refer,
                0 => Act::Hold(Direction::SendOnly),
                1 => Act::Hold(Direction::Inactive),
                2 | 3 => Act::Resume,
                4 => Act::AskForOffer,
                5 => Act::OfferNothing,
                _ => Act::Press,
            };
            self.plan(at, Happening::Act(leg, act));
        }
        at += self.random.u64(0..120_000);
        let last = if self.random.u8(0..20) == 0 { Act::FallSilent } else { Act::HangUp };
        // Some wait until the line itself has had enough.
        if self.random.u8(0..5) > 0 {
            self.plan(at, Happening::Act(leg, last));
        }
    }

    pub(super) fn act(&mut self, leg: LegId, act: Act) {
        let Some(known) = self.sip.get_mut(&leg) else { return };
        let answer = || Some(phone::description(Direction::SendReceive));
        match act {
            Act::Acknowledge => {
                known.acknowledged = true;
                let answer = if known.with_offer { None } else { answer() };
                self.tell(Input::Sip(SipEvent::Confirmed { leg, answer }));
            }
            Act::Press | Act::PressKey(_) => {
                let digit = match act {
                    Act::PressKey(key) => Digit::from_char(key).expect("a key"),
                    _ => Digit::ALL[self.random.usize(0..12)],
                };
                match known.source {
                    DigitSource::Info => self.tell(Input::Sip(SipEvent::Digit { leg, digit })),
                    source if self.media.contains_key(&leg) => {
                        self.tell(Input::Media(MediaEvent::Digit { leg, digit, source }));
                    }
                    _ => {}
                }
            }
            Act::HangUp => {
                let lost = self.random.u8(0..10) == 0;
                self.over(leg, if lost { Cause::LineLost } else { Cause::RemoteHungUp });
            }
            Act::PickUp => self.party_picks_up(leg),
            Act::Refuse(cause) if !known.acknowledged => self.over(leg, cause),
            Act::Cancel if !known.answered => self.over(leg, Cause::Cancelled),
            Act::GiveUp => self.over(leg, Cause::NotAcknowledged),
            Act::Hold(direction) => self.change(leg, Some(direction)),
            Act::Resume => self.change(leg, Some(Direction::SendReceive)),
            Act::AskForOffer => self.change(leg, None),
            Act::OfferNothing if known.acknowledged && !known.offered && !known.owes_answer => {
                known.offered = true;
                self.tell(Input::Sip(SipEvent::Offered { leg, offer: Some(phone::video()) }));
            }
            Act::Refer => self.refers(leg),
            Act::FallSilent => self.tell(Input::Media(MediaEvent::Silent { leg })),
            Act::Cancel | Act::OfferNothing | Act::Refuse(_) => {}
        }
    }

    pub(super) fn change(&mut self, leg: LegId, direction: Option<Direction>) {
        let Some(known) = self.sip.get_mut(&leg) else { return };
        // RFC 3261 section 14: one change at a time.
        if !known.acknowledged || known.offered || known.owes_answer {
            return;
        }
        known.offered = true;
        known.owes_answer = direction.is_none();
        self.tell(Input::Sip(SipEvent::Offered { leg, offer: direction.map(phone::description) }));
    }

    pub(super) fn over(&mut self, leg: LegId, cause: Cause) {
        if self.sip.remove(&leg).is_some() {
            self.tell(Input::Sip(SipEvent::Ended { leg, cause }));
        }
    }
}
