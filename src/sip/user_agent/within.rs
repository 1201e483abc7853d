//! What comes inside a dialog: ACK, BYE, and INFO with a key.

use super::UserAgent;
use super::answer::{self, Refused};
use super::incoming::say_info_packages;
use super::leg::{Closing, State, Unacknowledged};
use super::receive::Arrival;
use crate::clock::Moment;
use crate::sip::message::{HeaderName, Method, Parameters, Request, Via};
use crate::sip::peer::Output;
use crate::telephony::{Cause, Digit, LegId, SipEvent};

impl UserAgent {
    pub(super) fn receive_ack(&mut self, now: Moment, request: &Request, via: &Via, out: &mut Vec<Output>) {
        self.layer.count_answer(Method::Ack.known_name(), 0);
        let refused = self.layer.server_id(request, via, &Method::Invite);
        if self.layer.acknowledge(now, refused) {
            return;
        }
        // Any other may be a repeated one, or that of a refusal without state: it has nothing to tell.
        let Some(id) = self.leg_of(request) else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let number = request.headers.cseq().map_or(0, |(number, _)| number);
        match &mut leg.state {
            State::Confirmed(waiting) if waiting.as_ref().is_some_and(|sent| sent.cseq == number) => {
                let sent = waiting.take();
                if let Some(sent) = sent {
                    tell_confirmed(id, *sent, request, out);
                }
            }
            State::Closing(Closing::AwaitAck(sent)) if sent.cseq == number => self.bye_at_last(now, id, out),
            _ => {}
        }
        self.settle(id);
    }

    pub(super) fn bye(&mut self, now: Moment, id: LegId, arrival: &Arrival, out: &mut Vec<Output>) {
        let response = answer::respond(&arrival.request, 200, "", &self.settings.product);
        self.layer.respond(now, arrival.id, &response, out);
        match self.legs.get(&id).map(|leg| &leg.state) {
            Some(State::Early(_)) => self.refuse_invite(now, id, Refused::status(487), Cause::Cancelled, out),
            // Both have hung up at once; ours still waits for its answer.
            Some(State::Closing(Closing::Bye)) | None => {}
            Some(State::Closing(_)) => self.drop_leg(id),
            Some(State::Dialling(_) | State::Confirmed(_)) => {
                self.end_leg(now, id, why_over(&arrival.request), None, out);
            }
        }
    }

    /// INFO: a key, in either of the two bodies in use, or nothing of ours (RFC 6086).
    pub(super) fn info(&mut self, now: Moment, id: LegId, arrival: &Arrival, out: &mut Vec<Output>) {
        let request = &arrival.request;
        if request.headers.contains(&HeaderName::InfoPackage) {
            let refused = Refused::status(469).with(HeaderName::RecvInfo, "");
            return self.refuse(now, arrival, refused, out);
        }
        let key = match request.headers.content_type() {
            _ if request.body.is_empty() => Key::Absent,
            Some(kind) if kind.is("application", "dtmf-relay") => relayed_key(&request.body),
            Some(kind) if kind.is("application", "dtmf") => key(&String::from_utf8_lossy(&request.body)),
            _ => return self.refuse(now, arrival, Refused::unsupported_info(), out),
        };
        if matches!(key, Key::Unknown) {
            return self.refuse(now, arrival, Refused::status(400).because("The body names no key"), out);
        }
        let mut response = answer::respond(request, 200, "", &self.settings.product);
        say_info_packages(&request.headers, &mut response.headers);
        self.layer.respond(now, arrival.id, &response, out);
        if let Key::Digit(digit) = key {
            out.push(Output::Event(SipEvent::Digit { leg: id, digit }));
        }
    }
}

fn tell_confirmed(leg: LegId, sent: Unacknowledged, ack: &Request, out: &mut Vec<Output>) {
    let answer =
        if sent.offered { answer::session_description(&ack.headers, &ack.body).ok().flatten() } else { sent.answer };
    if sent.initial || sent.offered {
        out.push(Output::Event(SipEvent::Confirmed { leg, answer }));
    }
}

/// Why a BYE came. A telephone network that has lost a caller says so for them (RFC 3326): nobody has hung up.
fn why_over(bye: &Request) -> Cause {
    let lost = bye.headers.values(&HeaderName::Reason).any(tells_of_a_loss);
    if lost { Cause::LineLost } else { Cause::RemoteHungUp }
}

/// Whether a value of Reason is one of a failure. Of the causes of ITU-T Q.850 these are 27 (out of order), the class of
/// resources that are missing or broken, 32 to 47, and 102 and 111 (a timer ran out, the protocol failed); 16 is who hangs
/// up, and 31 and 127 stand for anything.
fn tells_of_a_loss(reason: &str) -> bool {
    let (protocol, parameters) = reason.split_at(reason.find(';').unwrap_or(reason.len()));
    let Ok(parameters) = Parameters::parse(parameters, "a Reason") else { return false };
    let Some(Ok(cause)) = parameters.get("cause").map(str::parse::<u16>) else { return false };
    match protocol.trim() {
        protocol if protocol.eq_ignore_ascii_case("Q.850") => matches!(cause, 27 | 32..=47 | 102 | 111),
        protocol if protocol.eq_ignore_ascii_case("SIP") => matches!(cause, 408 | 500 | 502..=504),
        _ => false,
    }
}

/// What the body of an INFO says.
#[derive(Debug, PartialEq)]
enum Key {
    Digit(Digit),
    /// The hook was flashed, or there is no body: nothing to us.
    Absent,
    Unknown,
}

/// The `Signal=` line of `application/dtmf-relay`.
fn relayed_key(body: &[u8]) -> Key {
    let body = String::from_utf8_lossy(body);
    let signal = body.lines().find_map(|line| {
        let (name, value) = line.split_once(['=', ':'])?;
        name.trim().eq_ignore_ascii_case("signal").then_some(value)
    });
    signal.map_or(Key::Unknown, key)
}

/// A key by its character, or by its event code where that has two figures (RFC 4733 section 3.2).
fn key(text: &str) -> Key {
    let text = text.trim();
    if text.eq_ignore_ascii_case("hf") || text.eq_ignore_ascii_case("flash") || text == "!" {
        return Key::Absent;
    }
    let mut characters = text.chars();
    if let (Some(only), None) = (characters.next(), characters.next()) {
        return Digit::from_char(only).map_or(Key::Unknown, Key::Digit);
    }
    match text.parse::<u8>() {
        Ok(16) => Key::Absent,
        Ok(code) if text.len() == 2 => Digit::from_event(code).map_or(Key::Unknown, Key::Digit),
        _ => Key::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_says_that_it_has_lost_who_was_on_the_line() {
        for reason in
            ["Q.850;cause=38", "q.850 ; cause=41 ;text=\"Temporary failure\"", "SIP;cause=408", "SIP;cause=503"]
        {
            assert!(tells_of_a_loss(reason), "{reason}");
        }
        for reason in [
            "",
            "Q.850",
            "Q.850;cause=16;text=\"Normal call clearing\"",
            "Q.850;cause=31",
            "Q.850;cause=x",
            "Q.850;text=\"cause=38\"",
            "SIP;cause=200;text=\"Call completed elsewhere\"",
            "SIP;cause=38",
            "X.int;cause=38",
            ";cause=38",
            "Q.850;;",
        ] {
            assert!(!tells_of_a_loss(reason), "{reason}");
        }
    }

    #[test]
    fn keys_are_read_in_all_the_ways_that_phones_write_them() {
        let digit = |character| Key::Digit(Digit::from_char(character).expect("a key"));
        for (body, expected) in [
            ("Signal=5\r\nDuration=160\r\n", digit('5')),
            ("Signal= *\r\nDuration= 250\r\n", digit('*')),
            ("signal = 11\n", digit('#')),
            ("Signal=10", digit('*')),
            ("Duration=100\r\nSignal=d\r\n", digit('D')),
            ("Signal=16", Key::Absent),
            ("Signal=hf", Key::Absent),
            ("Signal=17", Key::Unknown),
            ("Signal=", Key::Unknown),
            ("5", Key::Unknown),
        ] {
            assert_eq!(relayed_key(body.as_bytes()), expected, "{body}");
        }
        for (body, expected) in [("5", digit('5')), ("#\r\n", digit('#')), ("10", digit('*')), ("55", Key::Unknown)] {
            assert_eq!(key(body), expected, "{body}");
        }
    }
}
