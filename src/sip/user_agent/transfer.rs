//! Transfers: REFER (RFC 3515, with Referred-By of RFC 3892), the NOTIFYs that tell how it goes, and Replaces (RFC 3891).

use std::time::Duration;

use super::UserAgent;
use super::answer::{self, Refused};
use super::leg::{Leg, State};
use super::receive::Arrival;
use crate::clock::Moment;
use crate::sip::dialog;
use crate::sip::message::{HeaderName, Headers, Method, Request, Scheme, Uri, decoded, reason_phrase};
use crate::sip::peer::Output;
use crate::sip::transaction::{Errand, Purpose, ServerId};
use crate::telephony::{LegId, SipEvent, Transfer};

/// How long a REFER waits for the switchboard: half of what its sender waits (timer F).
const PATIENCE_IN_GIVE_UPS: u32 = 2;

/// How long a transfer may be under way; then its party is told that we no longer know.
const UNDER_WAY_MAX: Duration = Duration::from_secs(180);

/// A transfer that was asked for.
#[derive(Debug)]
pub(super) struct Transferring {
    state: Stage,
    pub(super) until: Moment,
}

#[derive(Debug)]
enum Stage {
    /// The REFER is not answered yet.
    Asked(Box<Request>, ServerId),
    /// It was accepted: a subscription, with the Event of its NOTIFYs, and the status that was told last. `None` where
    /// the party wants no NOTIFY (RFC 4488).
    Accepted(Option<String>, u16),
}

impl Transferring {
    /// The REFER's transaction, while it waits.
    pub(super) fn unanswered(&self) -> Option<ServerId> {
        match &self.state {
            Stage::Asked(_, id) => Some(*id),
            Stage::Accepted(..) => None,
        }
    }
}

/// What a Replaces says (RFC 3891 section 6.1), its tags as the other side sees them.
#[derive(Debug, PartialEq, Eq)]
struct Replaces {
    call_id: String,
    /// The tag of who is asked to replace: ours.
    to_tag: String,
    from_tag: String,
    early_only: bool,
}

impl Replaces {
    fn parse(text: &str) -> Option<Replaces> {
        let mut parts = text.split(';').map(str::trim);
        let call_id = parts.next().filter(|id| !id.is_empty())?.to_owned();
        let mut replaces = Replaces { call_id, to_tag: String::new(), from_tag: String::new(), early_only: false };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "to-tag" => replaces.to_tag = value.trim().to_owned(),
                "from-tag" => replaces.from_tag = value.trim().to_owned(),
                "early-only" => replaces.early_only = true,
                _ => {}
            }
        }
        (!replaces.to_tag.is_empty() && !replaces.from_tag.is_empty()).then_some(replaces)
    }
}

impl UserAgent {
    /// REFER within a dialog.
    pub(super) fn refer(&mut self, now: Moment, id: LegId, arrival: Arrival, out: &mut Vec<Output>) {
        let headers = &arrival.request.headers;
        let Some(leg) = self.legs.get(&id) else { return };
        if leg.transfer.is_some() {
            return self.refuse(now, &arrival, Refused::status(491), out);
        }
        if !matches!(leg.state, State::Confirmed(_)) {
            return self.refuse(now, &arrival, Refused::status(403).because("The call does not stand"), out);
        }
        let target = match headers.address(&HeaderName::ReferTo) {
            Ok(Some(target)) => target.uri,
            _ => return self.refuse(now, &arrival, Refused::status(400).because("Bad Refer-To"), out),
        };
        let invites = target.parameters.get("method").is_none_or(|method| method == "INVITE");
        if !invites || matches!(target.scheme, Scheme::Other(_)) {
            return self.refuse(now, &arrival, Refused::status(603), out);
        }
        let replaces = match replaces_in(&target) {
            None => None,
            Some(text) => {
                let named = Replaces::parse(&text).and_then(|replaces| self.leg_replaced(&replaces));
                // Of a call that is not ours we can replace nothing.
                let Some(named) = named.filter(|named| *named != id) else {
                    return self.refuse(now, &arrival, Refused::status(603).because("No such call to replace"), out);
                };
                Some(named)
            }
        };
        let referred_by = headers.address(&HeaderName::ReferredBy).ok().flatten();
        let transfer = Transfer {
            target: target.user_decoded().into_owned(),
            uri: target.to_string(),
            replaces,
            referred_by: referred_by.map(|party| party.uri.user_decoded().into_owned()),
        };
        let until = now + self.settings.timers.give_up() / PATIENCE_IN_GIVE_UPS;
        if let Some(leg) = self.legs.get_mut(&id) {
            let state = Stage::Asked(Box::new(arrival.request), arrival.id);
            leg.transfer = Some(Box::new(Transferring { state, until }));
        }
        out.push(Output::Event(SipEvent::TransferAsked { leg: id, transfer }));
        self.settle(id);
    }

    /// How the transfer goes: the answer to the REFER, and NOTIFYs.
    pub(super) fn transfer_progress(&mut self, now: Moment, id: LegId, status: u16, out: &mut Vec<Output>) {
        let status = status.clamp(100, 699);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(transfer) = &mut leg.transfer else { return };
        match &mut transfer.state {
            Stage::Asked(..) if status >= 300 => self.refuse_transfer(now, id, Refused::status(status), out),
            Stage::Asked(request, transaction) => {
                let silent =
                    request.headers.get(&refer_sub()).is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
                let mut response = answer::respond(request, 202, &leg.dialog.local_tag, &self.settings.product);
                let peer = leg.dialog.peer;
                response.headers.push(HeaderName::Contact, dialog::contact(peer.transport, peer.local));
                if silent {
                    response.headers.push(refer_sub(), "false");
                }
                // The first may go without an id, all others must have theirs (RFC 3515 section 2.4.6). It has one too: PJSIP
                // takes the second's for that of a first which had none, and is over.
                let number = request.headers.cseq().map_or(0, |(number, _)| number);
                let event = format!("refer;id={number}");
                let transaction = *transaction;
                transfer.state = Stage::Accepted((!silent).then_some(event), status);
                transfer.until = now + UNDER_WAY_MAX;
                self.layer.respond(now, transaction, &response, out);
                self.notify_transfer(now, id, status, None, out);
            }
            Stage::Accepted(_, last) if *last == status && status < 200 => {}
            Stage::Accepted(_, last) => {
                *last = status;
                self.notify_transfer(now, id, status, None, out);
            }
        }
        self.settle(id);
    }

    /// A NOTIFY with a status line as its body (RFC 3515 section 2.4.5). A final status, or a reason, ends the
    /// subscription.
    fn notify_transfer(&mut self, now: Moment, id: LegId, status: u16, reason: Option<&str>, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(Transferring { state: Stage::Accepted(event, _), until }) = leg.transfer.as_deref() else { return };
        let over = status >= 200 || reason.is_some();
        let state = if over {
            format!("terminated;reason={}", reason.unwrap_or("noresource"))
        } else {
            format!("active;expires={}", (*until - now).as_secs())
        };
        if let Some(event) = event.clone() {
            let mut request = leg.dialog.request(Method::Notify, None, &self.settings);
            let peer = leg.dialog.next_hop(&self.settings);
            request.headers.push(HeaderName::Contact, dialog::contact(peer.transport, peer.local));
            request.headers.push(HeaderName::Event, event);
            request.headers.push(HeaderName::SubscriptionState, state);
            request.headers.push(HeaderName::ContentType, "message/sipfrag;version=2.0");
            request.body = format!("SIP/2.0 {status} {}\r\n", reason_phrase(status)).into_bytes();
            // One that cannot be sent is as one that is lost: the party asks no more of us.
            let _ = self.layer.begin_client(now, request, peer, Errand::Leg(id, Purpose::Notify), out);
        }
        if over {
            leg.transfer = None;
        }
    }

    /// A REFER that the switchboard did not answer is refused; a transfer that takes too long is no longer told of.
    pub(super) fn transfer_due(&mut self, now: Moment, id: LegId, out: &mut Vec<Output>) {
        let last = match self.legs.get(&id).and_then(|leg| leg.transfer.as_ref()).map(|transfer| &transfer.state) {
            Some(Stage::Accepted(_, last)) => *last,
            Some(Stage::Asked(..)) => return self.refuse_transfer(now, id, Refused::status(603), out),
            None => return,
        };
        self.notify_transfer(now, id, last, Some("timeout"), out);
    }

    /// A final refusal of a REFER that waits. Does nothing to one that was accepted.
    pub(super) fn refuse_transfer(&mut self, now: Moment, id: LegId, refused: Refused, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if leg.transfer.as_ref().is_some_and(|transfer| transfer.unanswered().is_none()) {
            return;
        }
        if let Some(transfer) = leg.transfer.take()
            && let Stage::Asked(request, transaction) = transfer.state
        {
            let response = refused.response(&request, &leg.dialog.local_tag, &self.settings.product);
            self.layer.respond(now, transaction, &response, out);
        }
        self.settle(id);
    }

    /// The party no longer wants to hear of its transfer.
    pub(super) fn forget_transfer(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(&id)
            && leg.transfer.as_ref().is_some_and(|transfer| transfer.unanswered().is_none())
        {
            leg.transfer = None;
        }
        self.settle(id);
    }

    /// The leg that an INVITE wants to replace (RFC 3891 section 3).
    pub(super) fn replaced_by(&self, headers: &Headers) -> Result<Option<LegId>, Refused> {
        let Some(text) = headers.get(&HeaderName::Replaces) else { return Ok(None) };
        let replaces = Replaces::parse(text).ok_or_else(|| Refused::status(400).because("Bad Replaces"))?;
        let id = self.leg_replaced(&replaces).ok_or_else(|| Refused::status(481))?;
        match self.legs.get(&id).map(|leg| &leg.state) {
            Some(State::Confirmed(_)) if replaces.early_only => Err(Refused::status(486)),
            Some(State::Confirmed(_) | State::Dialling(_)) => Ok(Some(id)),
            Some(State::Closing(_)) => Err(Refused::status(603)),
            // An early dialog that the other side began cannot be replaced.
            Some(State::Early(_)) | None => Err(Refused::status(481)),
        }
    }

    fn leg_replaced(&self, replaces: &Replaces) -> Option<LegId> {
        let id = super::leg::leg_of_tag(&replaces.to_tag)?;
        let leg: &Leg = self.legs.get(&id)?;
        let dialog = &leg.dialog;
        // A phone that was only called so far is known by no tag yet.
        let remote = dialog.remote_tag == replaces.from_tag || matches!(leg.state, State::Dialling(_));
        (dialog.call_id == replaces.call_id && dialog.local_tag == replaces.to_tag && remote).then_some(id)
    }
}

/// Refer-Sub (RFC 4488).
fn refer_sub() -> HeaderName {
    HeaderName::Other("Refer-Sub".into())
}

/// The Replaces among the headers of a Refer-To's URI.
fn replaces_in(uri: &Uri) -> Option<String> {
    uri.headers.split('&').find_map(|header| {
        let (name, value) = header.split_once('=')?;
        name.eq_ignore_ascii_case("Replaces").then(|| decoded(value).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_is_read() {
        let check = |text: &str, expected: Option<(&str, &str, &str, bool)>| {
            let read = Replaces::parse(text);
            let shown = read
                .as_ref()
                .map(|one| (one.call_id.as_str(), one.to_tag.as_str(), one.from_tag.as_str(), one.early_only));
            assert_eq!(shown, expected, "{text}");
        };
        check("a@b;to-tag=1;from-tag=2", Some(("a@b", "1", "2", false)));
        check("a@b ; From-Tag = 2 ;early-only; to-tag=1;x=y", Some(("a@b", "1", "2", true)));
        for text in ["", ";to-tag=1;from-tag=2", "a@b", "a@b;to-tag=1", "a@b;to-tag=;from-tag=2"] {
            check(text, None);
        }
        let uri = Uri::parse("sip:x@y?A=b&replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2").expect("well formed");
        assert_eq!(replaces_in(&uri).as_deref(), Some("a@b;to-tag=1;from-tag=2"));
        assert_eq!(replaces_in(&Uri::parse("sip:x@y").expect("well formed")), None);
    }
}
