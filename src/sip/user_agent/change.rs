//! Re-INVITE and UPDATE of the other side's: hold, resume, another address or codec, or only a sign of life.

use super::UserAgent;
use super::answer::{self, Refused};
use super::incoming::{TRYING_AFTER, say_info_packages, takes_update};
use super::leg::{Change, State, Unacknowledged};
use super::receive::Arrival;
use super::session_timer::{self, Granted};
use crate::clock::Moment;
use crate::sip::dialog;
use crate::sip::message::{HeaderName, Method};
use crate::sip::peer::Output;
use crate::sip::sdp;
use crate::telephony::{LegId, Refusal, SessionDescription, SipEvent};

/// Retry-After of a 500 to overlapping requests: 0 to 10 s (RFC 3261 section 14.2).
const RETRY_AFTER_OVERLAP_MAX_S: u64 = 10;

impl UserAgent {
    pub(super) fn change(&mut self, now: Moment, id: LegId, arrival: Arrival, out: &mut Vec<Output>) {
        let headers = &arrival.request.headers;
        let invite = arrival.request.method == Method::Invite;
        let offer =
            answer::check_accept(headers).and_then(|()| answer::session_description(headers, &arrival.request.body));
        let granted = session_timer::grant(headers, &self.settings);
        let (offer, granted) = match (offer, granted) {
            (Ok(offer), Ok(granted)) => (offer, granted),
            (Err(refused), _) | (_, Err(refused)) => return self.refuse(now, &arrival, refused, out),
        };
        if let Err(refused) = self.check_overlap(id, invite, offer.is_some()) {
            return self.refuse(now, &arrival, refused, out);
        }
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if headers.contains(&HeaderName::Allow) {
            leg.takes_update = takes_update(headers);
        }
        if !invite && offer.is_none() {
            return self.refreshed(now, id, &arrival, granted, out);
        }
        if let State::Confirmed(waiting @ Some(_)) = &mut leg.state
            && let Some(sent) = waiting.take()
            && sent.initial
        {
            // Who goes on has heard our 200, though the ACK was lost or is late.
            out.push(Output::Event(SipEvent::Confirmed { leg: id, answer: sent.answer }));
        }
        self.layer.belongs_to(arrival.id, id);
        leg.change = Some(Box::new(Change {
            id: arrival.id,
            invite,
            offerless: offer.is_none(),
            trying: invite.then(|| now + TRYING_AFTER),
            until: now + self.settings.timers.give_up(),
            granted,
            request: arrival.request,
        }));
        out.push(Output::Event(SipEvent::Offered { leg: id, offer }));
    }

    /// Whether a further offer, or a further INVITE, may come now (RFC 3261 section 14.2, RFC 3311 section 5.2).
    fn check_overlap(&mut self, id: LegId, invite: bool, offer: bool) -> Result<(), Refused> {
        let Some(leg) = self.legs.get(&id) else { return Err(Refused::status(481)) };
        let overlap = |rng: &mut fastrand::Rng| {
            let seconds = rng.u64(..=RETRY_AFTER_OVERLAP_MAX_S);
            Err(Refused::status(500).because("Overlapping request").with(HeaderName::RetryAfter, seconds.to_string()))
        };
        if !invite && !offer {
            return Ok(());
        }
        match &leg.state {
            _ if leg.change.is_some() => overlap(&mut self.rng),
            State::Early(_) | State::Dialling(_) => overlap(&mut self.rng),
            // Our own offer is on its way.
            State::Confirmed(Some(sent)) if sent.offered => Err(Refused::status(491)),
            _ if leg.refresh.is_some_and(|refresh| self.layer.is_invite(refresh)) => Err(Refused::status(491)),
            _ => Ok(()),
        }
    }

    /// An UPDATE without an offer: a new target, and the session lives on.
    fn refreshed(
        &mut self,
        now: Moment,
        id: LegId,
        arrival: &Arrival,
        granted: Option<Granted>,
        out: &mut Vec<Output>,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.dialog.refresh_target(&arrival.request.headers);
        leg.dialog.heard(&arrival.via, arrival.from);
        let mut response = answer::respond(&arrival.request, 200, "", &self.settings.product);
        let peer = leg.dialog.peer;
        answer::say_abilities(&mut response.headers, &dialog::contact(peer.transport, peer.local));
        if let Some(granted) = granted {
            granted.write(&mut response.headers);
            if matches!(leg.state, State::Confirmed(_)) {
                leg.session = Some(granted.session(now));
            }
        }
        self.layer.respond(now, arrival.id, &response, out);
    }

    /// The switchboard agrees: 200 with its description.
    pub(super) fn accept_change(
        &mut self,
        now: Moment,
        id: LegId,
        description: &SessionDescription,
        out: &mut Vec<Output>,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(change) = leg.change.take() else { return };
        leg.dialog.refresh_target(&change.request.headers);
        leg.described = sdp::print(&answer::at_home(description, leg.dialog.peer.local.ip()));
        let mut response = answer::respond(&change.request, 200, &leg.dialog.local_tag, &self.settings.product);
        let peer = leg.dialog.peer;
        answer::say_abilities(&mut response.headers, &dialog::contact(peer.transport, peer.local));
        say_info_packages(&change.request.headers, &mut response.headers);
        // Without Session-Expires the session is no longer limited (RFC 4028 section 9).
        leg.session = change.granted.map(|granted| {
            granted.write(&mut response.headers);
            granted.session(now)
        });
        answer::describe(&mut response.headers, &mut response.body, &leg.described);
        let sent = self.layer.respond(now, change.id, &response, out);
        if change.invite {
            let cseq = change.request.headers.cseq().map_or(0, |(number, _)| number);
            let timers = self.settings.timers;
            leg.state = State::Confirmed(sent.map(|(peer, bytes)| {
                Box::new(Unacknowledged {
                    bytes,
                    peer,
                    cseq,
                    resend: (now + timers.t1, timers.t1),
                    until: now + timers.give_up(),
                    offered: change.offerless,
                    initial: false,
                    answer: None,
                })
            }));
        }
        self.settle(id);
    }

    /// The switchboard refuses: all stays as it was.
    pub(super) fn refuse_change(&mut self, now: Moment, id: LegId, refusal: &Refusal, out: &mut Vec<Output>) {
        self.finish_change(now, id, Refused::from_switchboard(refusal), out);
    }

    /// The other side has cancelled its re-INVITE.
    pub(super) fn withdraw_change(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        self.finish_change(now, id, Refused::status(487), out);
    }

    pub(super) fn finish_change(&mut self, now: Moment, id: LegId, refused: Refused, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if let Some(change) = leg.change.take() {
            let response = refused.response(&change.request, &leg.dialog.local_tag, &self.settings.product);
            self.layer.respond(now, change.id, &response, out);
        }
        self.settle(id);
    }
}
