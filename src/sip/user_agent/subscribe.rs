//! SUBSCRIBE to `message-summary`, and the NOTIFYs that tell phones how many messages wait (RFC 3842, RFC 6665).

use std::time::Duration;

use super::UserAgent;
use super::answer::{self, Refused, SUPPORTED};
use super::receive::{Arrival, check_require};
use crate::clock::Moment;
use crate::sip::dialog::{self, Dialog, tag_of};
use crate::sip::message::{HeaderName, Method, Request};
use crate::sip::peer::Output;
use crate::sip::subscriptions::{Subscription, SubscriptionId};
use crate::sip::transaction::{ClientId, Errand, response_peer};

/// The only event that phones may ask for (RFC 3842 section 3.1).
pub(super) const EVENT: &str = "message-summary";
/// What its NOTIFYs carry (section 3.5).
const CONTENT: &str = "application/simple-message-summary";
/// A phone that names no time is told for so long, in seconds (section 3.4), and none for longer.
const EXPIRES: u32 = 3_600;
/// A shorter time is answered with 423, in seconds.
const EXPIRES_MIN: u32 = 60;
/// Subscriptions of one agent; a further one takes the place of the oldest.
const EACH_MAX: usize = 8;

impl UserAgent {
    /// SUBSCRIBE outside of a dialog. Who has not proven to be an agent is answered without state.
    pub(super) fn subscribe(&mut self, now: Moment, arrival: Arrival, out: &mut Vec<Output>) {
        let source = arrival.from.remote.ip();
        if !self.guard.takes_claim(now, source) {
            return self.count_refused("claim_rate");
        }
        let request = &arrival.request;
        let proven = check_require(request, &[&SUPPORTED])
            .and_then(|()| check_event(request.headers.get(&HeaderName::Event)))
            .and_then(|()| self.authenticate(now, source, request));
        let extension = match proven {
            Ok(extension) => extension,
            Err(refused) => return self.refuse_without_state(arrival.from, arrival.request, refused, out),
        };
        let peer = response_peer(&arrival.via, arrival.from);
        self.layer.begin_server(arrival.id, &Method::Subscribe, peer, None);
        // A phone asks for its own, by its address or by the number that it would dial to hear them.
        let asked = request.headers.to().map(|to| to.uri.user_decoded().into_owned()).unwrap_or_default();
        if asked != extension && self.registrar.hashes(&asked).is_some() {
            return self.refuse(now, &arrival, Refused::status(403).because("Not your own messages"), out);
        }
        let seconds = match lasting(request.headers.expires().ok().flatten()) {
            Ok(seconds) => seconds,
            Err(refused) => return self.refuse(now, &arrival, refused, out),
        };
        let (id, tag) = self.subscriptions.next(&mut self.rng);
        let Some(dialog) = Dialog::from_invite(request, &arrival.via, arrival.from, &tag) else {
            return self.refuse(now, &arrival, Refused::status(400), out);
        };
        let account = request.headers.to().map(|to| to.uri.to_string()).unwrap_or_default();
        let expires = now + Duration::from_secs(u64::from(seconds));
        let mut subscription = Subscription::new(extension.clone(), dialog, account, expires);
        subscription.event_id = event_id(request.headers.get(&HeaderName::Event));
        let own = self.subscriptions.of(&extension);
        for old in own.iter().take((own.len() + 1).saturating_sub(EACH_MAX)) {
            self.end_subscription(now, *old, "deactivated", out);
        }
        self.subscriptions.insert(id, subscription, &mut self.layer.deadlines);
        self.accept_subscription(now, &arrival, &tag, seconds, out);
        self.tell_subscriber(now, id, seconds, out);
    }

    /// SUBSCRIBE within its dialog: it goes on, or ends.
    pub(super) fn subscribe_again(&mut self, now: Moment, arrival: Arrival, out: &mut Vec<Output>) {
        let headers = &arrival.request.headers;
        let tag = |name: &HeaderName| headers.get(name).and_then(tag_of).unwrap_or("");
        let (local, remote) = (tag(&HeaderName::To), tag(&HeaderName::From));
        let found = headers.call_id().ok().and_then(|call_id| self.subscriptions.find(call_id, local, remote));
        let Some((id, subscription)) = found.and_then(|id| Some((id, self.subscriptions.get_mut(id)?))) else {
            return self.refuse_without_state(arrival.from, arrival.request, Refused::status(481), out);
        };
        let peer = response_peer(&arrival.via, arrival.from);
        self.layer.begin_server(arrival.id, &Method::Subscribe, peer, None);
        let number = headers.cseq().map_or(0, |(number, _)| number);
        if subscription.dialog.remote_cseq.is_some_and(|last| number <= last) {
            return self.refuse(now, &arrival, Refused::status(500).because("CSeq is lower than before"), out);
        }
        let seconds = match check_event(headers.get(&HeaderName::Event))
            .and_then(|()| lasting(headers.expires().ok().flatten()))
        {
            Ok(seconds) => seconds,
            Err(refused) => return self.refuse(now, &arrival, refused, out),
        };
        subscription.dialog.remote_cseq = Some(number);
        subscription.dialog.heard(&arrival.via, arrival.from);
        subscription.dialog.refresh_target(headers);
        subscription.expires = now + Duration::from_secs(u64::from(seconds));
        let tag = subscription.dialog.local_tag.clone();
        self.subscriptions.settle(id, &mut self.layer.deadlines);
        self.accept_subscription(now, &arrival, &tag, seconds, out);
        self.tell_subscriber(now, id, seconds, out);
    }

    fn accept_subscription(&mut self, now: Moment, arrival: &Arrival, tag: &str, seconds: u32, out: &mut Vec<Output>) {
        let mut response = answer::respond(&arrival.request, 200, tag, &self.settings.product);
        let contact = dialog::contact(arrival.from.transport, arrival.from.local);
        response.headers.push(HeaderName::Contact, contact);
        response.headers.push(HeaderName::Expires, seconds.to_string());
        response.headers.push(HeaderName::AllowEvents, EVENT);
        self.layer.respond(now, arrival.id, &response, out);
    }

    /// Every SUBSCRIBE is answered by a NOTIFY, too (RFC 6665 section 4.2.1.2); one for no time with the last.
    fn tell_subscriber(&mut self, now: Moment, id: SubscriptionId, seconds: u32, out: &mut Vec<Output>) {
        if seconds == 0 {
            self.end_subscription(now, id, "timeout", out);
        } else {
            self.notify_messages(now, id, out);
        }
    }

    /// So many messages wait for an agent: the phones are told.
    pub(super) fn set_messages(&mut self, now: Moment, extension: &str, counts: (u32, u32), out: &mut Vec<Output>) {
        if self.subscriptions.set_messages(extension, counts) {
            for id in self.subscriptions.of(extension) {
                self.notify_messages(now, id, out);
            }
        }
        // A phone that registers may not know that there are none.
        self.light_lamps(now, extension, out);
    }

    /// Others are agents from now on.
    pub(super) fn end_orphaned_subscriptions(&mut self, now: Moment, out: &mut Vec<Output>) {
        let registrar = &self.registrar;
        let orphans = self.subscriptions.orphans(|extension| registrar.hashes(extension).is_some());
        self.subscriptions.forget_messages(|extension| registrar.hashes(extension).is_some());
        for id in orphans {
            self.end_subscription(now, id, "noresource", out);
        }
    }

    /// It was not refreshed.
    pub(super) fn subscription_due(&mut self, now: Moment, id: SubscriptionId, out: &mut Vec<Output>) {
        self.subscriptions.is_due(id);
        self.end_subscription(now, id, "timeout", out);
    }

    fn end_subscription(&mut self, now: Moment, id: SubscriptionId, reason: &str, out: &mut Vec<Output>) {
        if let Some(mut subscription) = self.subscriptions.remove(id, &mut self.layer.deadlines) {
            let state = format!("terminated;reason={reason}");
            self.send_messages(now, id, &mut subscription, &state, out);
        }
    }

    fn notify_messages(&mut self, now: Moment, id: SubscriptionId, out: &mut Vec<Output>) {
        let Some(mut subscription) = self.subscriptions.remove(id, &mut self.layer.deadlines) else { return };
        if subscription.notifying.is_some() {
            // One after another, so that none overtakes a later one.
            subscription.news = true;
        } else {
            let state = format!("active;expires={}", subscription.expires.since(now).as_secs());
            subscription.notifying = self.send_messages(now, id, &mut subscription, &state, out);
        }
        self.subscriptions.insert(id, subscription, &mut self.layer.deadlines);
    }

    fn send_messages(
        &mut self,
        now: Moment,
        id: SubscriptionId,
        subscription: &mut Subscription,
        state: &str,
        out: &mut Vec<Output>,
    ) -> Option<ClientId> {
        let counts = self.subscriptions.messages(&subscription.extension);
        let mut request = subscription.dialog.request(Method::Notify, None, &self.settings);
        let peer = subscription.dialog.next_hop(&self.settings);
        request.headers.push(HeaderName::Contact, dialog::contact(peer.transport, peer.local));
        request.headers.push(
            HeaderName::Event,
            match &subscription.event_id {
                Some(id) => format!("{EVENT};id={id}"),
                None => EVENT.to_owned(),
            },
        );
        request.headers.push(HeaderName::SubscriptionState, state);
        summarise(&mut request, &subscription.account, counts);
        self.layer.begin_client(now, request, peer, Errand::Subscription(id), out)
    }

    /// A NOTIFY was answered, or will not be: a phone that does not know of it is told no more.
    pub(super) fn messages_told(
        &mut self,
        now: Moment,
        id: SubscriptionId,
        request: ClientId,
        status: u16,
        out: &mut Vec<Output>,
    ) {
        let Some(subscription) = self.subscriptions.get_mut(id) else { return };
        if status < 200 || subscription.notifying != Some(request) {
            return;
        }
        subscription.notifying = None;
        if status >= 300 {
            self.subscriptions.remove(id, &mut self.layer.deadlines);
        } else if std::mem::take(&mut subscription.news) {
            self.notify_messages(now, id, out);
        }
    }
}

/// Writes how many messages wait, new and old, into a NOTIFY (RFC 3842 section 5.2).
pub(super) fn summarise(request: &mut Request, account: &str, (new, old): (u32, u32)) {
    request.headers.push(HeaderName::ContentType, CONTENT);
    let waiting = if new > 0 { "yes" } else { "no" };
    let lines = [
        format!("Messages-Waiting: {waiting}"),
        format!("Message-Account: {account}"),
        format!("Voice-Message: {new}/{old} (0/0)"),
    ];
    request.body = (lines.join("\r\n") + "\r\n").into_bytes();
}

/// 489 with what there is, for any other event (RFC 6665 section 4.2.1.1).
fn check_event(event: Option<&str>) -> Result<(), Refused> {
    let package = event.unwrap_or("").split(';').next().unwrap_or("").trim();
    if package.eq_ignore_ascii_case(EVENT) {
        return Ok(());
    }
    Err(Refused::status(489).with(HeaderName::AllowEvents, EVENT))
}

fn event_id(event: Option<&str>) -> Option<String> {
    event?.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim();
        let plain = !value.is_empty() && value.len() <= 64 && value.bytes().all(|byte| byte.is_ascii_graphic());
        (name.trim().eq_ignore_ascii_case("id") && plain).then(|| value.to_owned())
    })
}

/// For how many seconds it is told.
fn lasting(asked: Option<u32>) -> Result<u32, Refused> {
    match asked.unwrap_or(EXPIRES).min(EXPIRES) {
        1..EXPIRES_MIN => Err(Refused::status(423).with(HeaderName::MinExpires, EXPIRES_MIN.to_string())),
        seconds => Ok(seconds),
    }
}
