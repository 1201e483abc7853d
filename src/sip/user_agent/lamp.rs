//! NOTIFYs that tell phones how many messages wait without having been asked: many a phone lights its lamp by those and never
//! subscribes. RFC 3842 knows only who has asked; so a phone that does not take them is told no more.

use super::UserAgent;
use super::register::NOT_THE_PHONE;
use super::subscribe::{self, EVENT};
use crate::clock::Moment;
use crate::sip::dialog::{self, Dialog};
use crate::sip::message::{HeaderName, Method, NameAddr, Uri};
use crate::sip::peer::Output;
use crate::sip::registrar::BindingId;
use crate::sip::transaction::{ClientId, Errand};

impl UserAgent {
    /// So many messages wait for an agent: those of the phones are told that have not asked.
    pub(super) fn light_lamps(&mut self, now: Moment, extension: &str, out: &mut Vec<Output>) {
        for id in self.registrar.of(extension) {
            self.light_lamp(now, id, out);
        }
    }

    /// Tells a phone what it was not told yet, unless it is told otherwise, is silent, or does not want to know.
    pub(super) fn light_lamp(&mut self, now: Moment, id: BindingId, out: &mut Vec<Output>) {
        let Some(binding) = self.registrar.get_mut(id) else { return };
        let Some(counts) = self.subscriptions.known_messages(&binding.extension) else { return };
        if binding.is_silent() || !binding.lamp.wants(counts) || self.subscriptions.has_asked(binding) {
            return;
        }
        let flow = binding.flow;
        let mut account = Uri::sip(flow.local.ip(), None);
        account.user = Some(binding.extension.clone());
        let tag = format!("{:016x}", self.rng.u64(..));
        let call_id = format!("{:032x}", self.rng.u128(..));
        let sender = NameAddr::new(account.clone()).with_tag(&tag);
        let target = dialog::Target {
            uri: Uri { headers: String::new(), ..binding.contact.uri.clone() },
            peer: flow,
            route: binding.path.clone(),
        };
        let mut request = Dialog::dialled(target, &sender, &call_id).request(Method::Notify, None, &self.settings);
        request.headers.push(HeaderName::Contact, dialog::contact(flow.transport, flow.local));
        request.headers.push(HeaderName::Event, EVENT);
        request.headers.push(HeaderName::SubscriptionState, "active");
        subscribe::summarise(&mut request, &account.to_string(), counts);
        if let Some(sent) = self.layer.begin_client(now, request, flow, Errand::Lamp(id), out) {
            binding.lamp.asks(sent, counts);
        }
    }

    /// It was answered, or will not be.
    pub(super) fn lamp_replied(
        &mut self,
        now: Moment,
        id: BindingId,
        request: ClientId,
        status: u16,
        out: &mut Vec<Output>,
    ) {
        let Some(binding) = self.registrar.get_mut(id) else { return };
        if status < 200 || !binding.lamp.awaits(request) {
            return;
        }
        match status {
            200..300 => {
                binding.lamp.told();
                // There may be news since.
                self.light_lamp(now, id, out);
            }
            // It is told when it answers again.
            500..600 | 408 => binding.lamp.missed(),
            status if NOT_THE_PHONE.contains(&status) => binding.lamp.missed(),
            _ => binding.lamp.refused(),
        }
    }
}
