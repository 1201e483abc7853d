//! Keys that we send: INFO with `application/dtmf-relay`, the form that every telephone system takes.

use super::UserAgent;
use super::leg::State;
use crate::clock::Moment;
use crate::sip::message::{HeaderName, Method};
use crate::sip::peer::Output;
use crate::sip::transaction::Purpose;
use crate::telephony::{Digit, LegId};

/// How long a key is said to have been down, in milliseconds.
const DURATION_MS: u32 = 100;

impl UserAgent {
    /// Tells the other side of a key, on a leg that stands.
    pub(super) fn send_digit(&mut self, now: Moment, id: LegId, digit: Digit, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| matches!(leg.state, State::Confirmed(_))) else { return };
        let mut request = leg.dialog.request(Method::Info, None, &self.settings);
        request.headers.push(HeaderName::ContentType, "application/dtmf-relay");
        request.body = format!("Signal={digit}\r\nDuration={DURATION_MS}\r\n").into_bytes();
        let peer = leg.dialog.next_hop(&self.settings);
        self.layer.begin_client(now, request, peer, (id, Purpose::Key), out);
    }
}
