//! Those who are called back: they answer, at once or at the last moment, are busy, or are not there.

use helpline::switchboard::Input;
use helpline::telephony::{Cause, DigitSource, Direction, LegId, SipEvent};

use super::{Act, Happening, SipLeg, World};
use crate::phone;

impl World {
    pub(super) fn party_is_called(&mut self, leg: LegId, trunk: &str, number: &str) {
        assert_eq!(trunk, "carrier");
        assert!(number.starts_with("+44") || number.starts_with("+34"), "{number} may not be called");
        let known = SipLeg {
            with_offer: true,
            answered: true,
            acknowledged: false,
            offered: false,
            owes_answer: false,
            source: DigitSource::Rtp,
            agent: None,
        };
        assert!(self.sip.insert(leg, known).is_none(), "{leg} is dialled twice");
        let pause = self.random.u64(100..25_000);
        let act = match self.random.u8(0..12) {
            0 => Act::Refuse(Cause::RefusedBy(486)),
            1 => Act::Refuse(Cause::RefusedBy(503)),
            2 => Act::Refuse(Cause::TransportFailed),
            // It rings in vain, ...
            3 => return,
            // ... or is answered at the very moment at which it is given up.
            4 => return self.plan(29_998 + pause % 3, Happening::Act(leg, Act::PickUp)),
            _ => Act::PickUp,
        };
        self.plan(pause, Happening::Act(leg, act));
    }

    /// Plans what they do from then on.
    pub(super) fn party_picks_up(&mut self, leg: LegId) {
        let Some(known) = self.sip.get_mut(&leg) else { return };
        if std::mem::replace(&mut known.acknowledged, true) {
            return;
        }
        let answer = match self.random.u8(0..20) {
            0 => phone::video(),
            1 => phone::description(Direction::SendOnly),
            _ => phone::description(Direction::SendReceive),
        };
        self.tell(Input::Sip(SipEvent::Answered { leg, answer, local: phone::LOCAL }));
        let mut at = 0;
        for _ in 0..self.random.u8(0..3) {
            at += self.random.u64(0..30_000);
            let act = match self.random.u8(0..5) {
                0 => Act::Hold(Direction::SendOnly),
                1 => Act::Resume,
                2 => Act::OfferNothing,
                _ => Act::Press,
            };
            self.plan(at, Happening::Act(leg, act));
        }
        at += self.random.u64(0..120_000);
        let last = if self.random.u8(0..8) == 0 { Act::FallSilent } else { Act::HangUp };
        if self.random.u8(0..5) > 0 {
            self.plan(at, Happening::Act(leg, last));
        }
    }

    /// CANCEL or BYE. An answer may be on its way already.
    pub(super) fn party_is_hung_up(&mut self, leg: LegId, cause: Cause) {
        let rang = self.sip.get(&leg).is_some_and(|known| !known.acknowledged);
        if rang && self.random.u8(0..4) == 0 {
            self.tell(Input::Sip(SipEvent::Answered {
                leg,
                answer: phone::description(Direction::SendReceive),
                local: phone::LOCAL,
            }));
        }
        self.over(leg, cause);
    }
}
