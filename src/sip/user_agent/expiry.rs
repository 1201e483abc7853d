//! Deadlines of legs, and requests of ours that nobody answered.

use super::UserAgent;
use super::answer::Refused;
use super::leg::{Closing, Reliability, State};
use crate::clock::Moment;
use crate::sip::message::Response;
use crate::sip::peer::Output;
use crate::sip::transaction::{ClientId, Errand, Purpose, Reply};
use crate::telephony::{Cause, LegId};

impl UserAgent {
    pub(super) fn expire_leg(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.due = None;
        let is_due = |moment: Option<Moment>| moment.is_some_and(|moment| moment <= now);
        let early_trying = matches!(&leg.state, State::Early(early) if is_due(early.trying));
        let change = leg.change.as_ref().map(|change| (is_due(change.trying), change.until <= now));
        let session = leg.is_live() && leg.session.as_ref().is_some_and(|session| session.next <= now);
        if early_trying || change.is_some_and(|(trying, _)| trying) {
            self.say_trying(now, id, out);
        }
        if change.is_some_and(|(_, given_up)| given_up) {
            self.finish_change(now, id, Refused::status(500), out);
        }
        self.repeat(now, id, out);
        if self.legs.get(&id).and_then(|leg| leg.transfer.as_ref()).is_some_and(|transfer| transfer.until <= now) {
            self.transfer_due(now, id, out);
        }
        if session {
            self.session_due(now, id, out);
        }
        self.settle(id);
    }

    /// Repeats what is not acknowledged, or gives it up.
    fn repeat(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let t2 = self.settings.timers.t2;
        let (resend, until, bytes, peer, limit) = match &mut leg.state {
            State::Confirmed(Some(sent)) | State::Closing(Closing::AwaitAck(sent)) => {
                (&mut sent.resend, sent.until, &sent.bytes, sent.peer, Some(t2))
            }
            State::Early(early) => match &mut early.reliability {
                Reliability::Unacknowledged { resend, until, bytes, peer, .. } => {
                    (resend, *until, &*bytes, *peer, None)
                }
                _ => return,
            },
            _ => return,
        };
        if until <= now {
            return self.never_acknowledged(now, id, out);
        }
        if resend.0 <= now {
            out.push(Output::Transmit { peer, bytes: bytes.clone() });
            self.layer.tally.retransmissions += 1;
            resend.1 = limit.map_or(resend.1 * 2, |limit| (resend.1 * 2).min(limit));
            resend.0 = now + resend.1;
        }
    }

    fn never_acknowledged(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        match self.legs.get(&id).map(|leg| &leg.state) {
            Some(State::Early(_)) => self.refuse_invite(now, id, Refused::status(504), Cause::NotAcknowledged, out),
            Some(State::Closing(_)) => self.bye_at_last(now, id, out),
            _ => {
                let rest = self.send_bye(now, id, out);
                self.end_leg(now, id, Cause::NotAcknowledged, rest, out);
            }
        }
    }

    /// A response to a request of ours.
    pub(super) fn replied(
        &mut self,
        now: Moment,
        (id, errand): (ClientId, Errand),
        response: &Response,
        out: &mut Vec<Output>,
    ) {
        let (leg, purpose) = match errand {
            Errand::Leg(leg, purpose) => (leg, purpose),
            Errand::Probe(binding) => return self.probe_replied(now, binding, id, response.status, out),
            Errand::Trunk(trunk) => return self.trunk_replied(now, trunk, id, response, out),
            Errand::Subscription(own) => return self.messages_told(now, own, id, response.status, out),
            Errand::Lamp(binding) => return self.lamp_replied(now, binding, id, response.status, out),
        };
        let reply = Reply { id, leg, purpose };
        match purpose {
            Purpose::Dial => self.dial_replied(now, reply, response, out),
            Purpose::Refresh => self.refresh_replied(now, reply, response, out),
            Purpose::Bye if response.status >= 200 => self.drop_leg(leg),
            Purpose::Notify if response.status >= 300 => self.forget_transfer(leg),
            Purpose::Bye | Purpose::Cancel | Purpose::Stray | Purpose::Notify | Purpose::Key => {}
        }
    }

    /// No response came in time, which is as if 408 had (RFC 3261 section 8.1.3.1).
    pub(super) fn unanswered(&mut self, now: Moment, (id, errand): (ClientId, Errand), out: &mut Vec<Output>) {
        match errand {
            Errand::Leg(leg, purpose) => {
                self.failed(now, Reply { id, leg, purpose }, Cause::NoAnswer, Cause::DialogLost, out);
            }
            Errand::Probe(binding) => self.probe_failed(now, binding, id, out),
            Errand::Trunk(trunk) => self.trunk_unanswered(now, trunk, id, out),
            Errand::Subscription(own) => self.messages_told(now, own, id, 408, out),
            Errand::Lamp(binding) => self.lamp_replied(now, binding, id, 408, out),
        }
    }

    /// The request could not be sent.
    pub(super) fn unreachable(&mut self, now: Moment, (id, errand): (ClientId, Errand), out: &mut Vec<Output>) {
        match errand {
            Errand::Leg(leg, purpose) => {
                let cause = Cause::TransportFailed;
                self.failed(now, Reply { id, leg, purpose }, cause, cause, out);
            }
            Errand::Probe(binding) => self.probe_failed(now, binding, id, out),
            Errand::Trunk(trunk) => self.trunk_unanswered(now, trunk, id, out),
            Errand::Subscription(own) => self.messages_told(now, own, id, 408, out),
            Errand::Lamp(binding) => self.lamp_replied(now, binding, id, 408, out),
        }
    }

    fn failed(&mut self, now: Moment, reply: Reply, dialled: Cause, refreshed: Cause, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&reply.leg) else { return };
        match reply.purpose {
            Purpose::Dial => self.branch_failed(now, reply, dialled, out),
            Purpose::Bye => self.drop_leg(reply.leg),
            Purpose::Refresh if leg.refresh == Some(reply.id) => {
                leg.refresh = None;
                if leg.is_live() {
                    let rest = self.send_bye(now, reply.leg, out);
                    self.end_leg(now, reply.leg, refreshed, rest, out);
                }
            }
            Purpose::Notify => self.forget_transfer(reply.leg),
            Purpose::Refresh | Purpose::Cancel | Purpose::Stray | Purpose::Key => {}
        }
    }
}
