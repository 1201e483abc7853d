//! Ending legs: in whatever state one is, it ends once, and what is left of it says goodbye by itself.

use std::mem;

use super::UserAgent;
use super::answer::Refused;
use super::leg::{Closing, State};
use super::receive::RETRY_AFTER_DRAINING_S;
use crate::clock::Moment;
use crate::sip::message::Method;
use crate::sip::peer::Output;
use crate::sip::transaction::{Errand, Purpose};
use crate::telephony::{Cause, LegId, SipEvent};

impl UserAgent {
    /// BYE, CANCEL or a final response, as the leg's state wants.
    pub(super) fn hang_up(&mut self, now: Moment, id: LegId, cause: Cause, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        match mem::replace(&mut leg.state, State::Confirmed(None)) {
            State::Early(early) => {
                leg.state = State::Early(early);
                self.refuse_invite(now, id, refusal_for(cause), cause, out);
            }
            State::Dialling(dialling) => {
                for branch in &dialling.branches {
                    self.layer.cancel(now, branch.id, out);
                }
                self.end_leg(now, id, cause, Some(Closing::Dialling(dialling)), out);
            }
            State::Confirmed(None) => {
                let rest = self.send_bye(now, id, out);
                self.end_leg(now, id, cause, rest, out);
            }
            State::Confirmed(Some(sent)) => self.end_leg(now, id, cause, Some(Closing::AwaitAck(sent)), out),
            closing @ State::Closing(_) => leg.state = closing,
        }
    }

    /// Tells that a leg is over, and keeps `rest` of it or nothing. Does nothing to one that is over.
    pub(super) fn end_leg(
        &mut self,
        now: Moment,
        id: LegId,
        cause: Cause,
        rest: Option<Closing>,
        out: &mut Vec<Output>,
    ) {
        if !self.legs.get(&id).is_some_and(|leg| leg.is_live()) {
            return;
        }
        self.finish_change(now, id, Refused::status(487), out);
        self.refuse_transfer(now, id, Refused::status(487), out);
        match rest {
            None => self.drop_leg(id),
            Some(closing) => {
                if let Some(leg) = self.legs.get_mut(&id) {
                    leg.state = State::Closing(closing);
                    self.live -= 1;
                }
                self.settle(id);
            }
        }
        out.push(Output::Event(SipEvent::Ended { leg: id, cause }));
    }

    /// Sends BYE; what is left of the leg then waits for the answer.
    pub(super) fn send_bye(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) -> Option<Closing> {
        let leg = self.legs.get_mut(&id)?;
        let request = leg.dialog.request(Method::Bye, None, &self.settings);
        let peer = leg.dialog.next_hop(&self.settings);
        self.layer.begin_client(now, request, peer, Errand::Leg(id, Purpose::Bye), out).map(|_| Closing::Bye)
    }

    /// The BYE of a leg that ended before its 200 was acknowledged.
    pub(super) fn bye_at_last(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        match self.send_bye(now, id, out) {
            Some(closing) => {
                if let Some(leg) = self.legs.get_mut(&id) {
                    leg.state = State::Closing(closing);
                }
                self.settle(id);
            }
            None => self.drop_leg(id),
        }
    }
}

/// What a caller is told when the switchboard hangs up before it has answered.
fn refusal_for(cause: Cause) -> Refused {
    match cause {
        Cause::Drained => Refused::unavailable(RETRY_AFTER_DRAINING_S),
        Cause::MediaFailed | Cause::MediaLost | Cause::TransportFailed => Refused::status(500),
        // RFC 3262 section 3: so ends an INVITE whose reliable 180 nobody acknowledged.
        Cause::NotAcknowledged => Refused::status(504),
        _ => Refused::status(480),
    }
}
