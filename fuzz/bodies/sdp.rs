//! No bytes make the reader panic; what is read prints to the same description; and whatever is offered is refused or
//! answered with as many lines, of which one is taken.

use helpline::sip::sdp;
use helpline::telephony::{Codec, InbandDigits, LocalMedia, SessionDescription, accept_answer, answer};

pub fn run(data: &[u8]) {
    let Ok(read) = sdp::parse(data) else {
        return;
    };
    let printed = sdp::print(&read);
    let again = sdp::parse(printed.as_bytes()).expect("what was printed is read");
    assert_eq!(sdp::print(&again), printed);
    for address in ["192.0.2.1", "2001:db8::1"] {
        negotiate(&read, address);
    }
}

fn negotiate(read: &SessionDescription, address: &str) {
    let local = LocalMedia {
        address: address.parse().expect("an address"),
        port: 16_384,
        session_id: 1,
        version: 1,
        codecs: &[Codec::Pcma, Codec::Pcmu],
        inband_digits: InbandDigits::Auto,
    };
    let _ = accept_answer(read, &local);
    let Ok(agreed) = answer(read, &local) else {
        return;
    };
    assert_eq!(agreed.description.media.len(), read.media.len());
    assert_eq!(agreed.description.media.iter().filter(|line| line.port != 0).count(), 1);
    assert!(matches!(agreed.plan.packet_ms, 10 | 20 | 40 | 60));
    let printed = sdp::print(&agreed.description);
    let answered = sdp::parse(printed.as_bytes()).expect("our answer is read");
    assert_eq!(answered.media.len(), read.media.len());
}
