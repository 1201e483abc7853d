//! Keeping a session alive (RFC 4028): our refreshes, and the end of what was not refreshed.

use std::time::Duration;

use super::UserAgent;
use super::answer::{self, ALLOW};
use super::leg::{Leg, State};
use super::session_timer::{self, Session};
use crate::clock::Moment;
use crate::sip::dialog;
use crate::sip::message::{HeaderName, Method, Response};
use crate::sip::peer::Output;
use crate::sip::transaction::{Errand, Purpose, Reply};
use crate::telephony::{Cause, LegId, SipEvent};

/// How soon a refresh is tried again when something else is under way.
const BUSY_RETRY: Duration = Duration::from_secs(1);
/// How soon a refresh that was refused is tried again, at the earliest.
const REFUSED_RETRY: Duration = Duration::from_secs(5);

impl UserAgent {
    /// The session must be refreshed, or is over.
    pub(super) fn session_due(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(session) = &mut leg.session else { return };
        if !session.ours || now >= session.expires {
            return self.hang_up(now, id, Cause::SessionExpired, out);
        }
        let busy = leg.change.is_some() || leg.refresh.is_some() || !matches!(leg.state, State::Confirmed(None));
        if busy {
            session.next = (now + BUSY_RETRY).min(session.expires);
        } else {
            session.next = session.expires;
            self.send_refresh(now, id, out);
        }
    }

    /// UPDATE where the other side takes it, else a re-INVITE with our description as it stands.
    fn send_refresh(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(session) = leg.session else { return };
        let method = if leg.takes_update { Method::Update } else { Method::Invite };
        let mut request = leg.dialog.request(method, None, &self.settings);
        let peer = leg.dialog.next_hop(&self.settings);
        request.headers.push(HeaderName::Contact, dialog::contact(peer.transport, peer.local));
        request.headers.push(HeaderName::Allow, ALLOW);
        request.headers.push(HeaderName::Supported, "timer");
        request.headers.push(HeaderName::SessionExpires, format!("{};refresher=uac", session.interval));
        request.headers.push(HeaderName::MinSe, session.interval.min(self.settings.min_se).to_string());
        if !leg.takes_update {
            answer::describe(&mut request.headers, &mut request.body, &leg.described);
        }
        leg.refresh = self.layer.begin_client(now, request, peer, Errand::Leg(id, Purpose::Refresh), out);
    }

    /// A response to our refresh.
    pub(super) fn refresh_replied(&mut self, now: Moment, reply: Reply, response: &Response, out: &mut Vec<Output>) {
        let awaited = self.legs.get(&reply.leg).is_some_and(|leg| leg.refresh == Some(reply.id));
        if !awaited {
            return self.acknowledge_stray(now, reply, response, false, out);
        }
        let Some(leg) = self.legs.get_mut(&reply.leg) else { return };
        if response.status < 200 {
            return;
        }
        leg.refresh = None;
        match response.status {
            ..=299 => self.refresh_accepted(now, reply, response, out),
            // RFC 4028 section 10: then too a BYE is sent.
            408 | 481 if leg.is_live() => {
                let rest = self.send_bye(now, reply.leg, out);
                self.end_leg(now, reply.leg, Cause::DialogLost, rest, out);
            }
            status => {
                let wait = glare_wait(reply.leg, &mut self.rng);
                retry(leg, now, status, response, wait);
            }
        }
        self.settle(reply.leg);
    }

    fn refresh_accepted(&mut self, now: Moment, reply: Reply, response: &Response, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&reply.leg) else { return };
        leg.dialog.refresh_target(&response.headers);
        if let Some(session) = leg.session {
            // One who forgets to say so still gets our refreshes.
            let renewed = session_timer::agreed(&response.headers, &self.settings, now);
            leg.session = Some(renewed.unwrap_or_else(|| Session::starting(now, session.interval, true)));
        }
        if !self.layer.is_invite(reply.id) {
            return;
        }
        let cseq = response.headers.cseq().map_or(0, |(number, _)| number);
        let ack = leg.dialog.request(Method::Ack, Some(cseq), &self.settings);
        let peer = leg.dialog.next_hop(&self.settings);
        let bytes = self.layer.send_ack(ack, peer, out);
        self.layer.keep_ack(reply.id, &leg.dialog.remote_tag, peer, bytes);
        let live = leg.is_live();
        let answer = answer::session_description(&response.headers, &response.body).ok().flatten();
        if live && answer.is_some() {
            out.push(Output::Event(SipEvent::Confirmed { leg: reply.leg, answer }));
        }
    }
}

/// How long to wait after 491: who made the Call-ID waits longer (RFC 3261 section 14.1).
fn glare_wait(leg: LegId, rng: &mut fastrand::Rng) -> Duration {
    let tens_of_ms = if leg.is_outbound() { rng.u64(210..=400) } else { rng.u64(0..=200) };
    Duration::from_millis(tens_of_ms * 10)
}

/// Plans the next try after a refusal; when none succeeds, the session expires.
fn retry(leg: &mut Leg, now: Moment, status: u16, response: &Response, glare_wait: Duration) {
    let Some(session) = &mut leg.session else { return };
    let wait = match status {
        491 => glare_wait,
        405 | 501 if leg.takes_update => {
            leg.takes_update = false;
            Duration::ZERO
        }
        422 => {
            let least = response.headers.min_se().ok().flatten().unwrap_or(0);
            session.interval = session.interval.max(least);
            REFUSED_RETRY
        }
        _ => (session.expires.since(now) / 2).max(REFUSED_RETRY),
    };
    session.next = (now + wait).min(session.expires);
}
