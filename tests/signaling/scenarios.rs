//! Scenarios of RFC 3261 and its extensions.

use helpline::clock::Moment;
use helpline::sip::{Output, Peer, Settings, UserAgent};
use helpline::telephony::{SipEvent, TransportKind};

use crate::play::{check, check_tcp, check_with};

/// A call that stands, to begin other scenarios with.
const CALL: &str = "
    -> INVITE offer
    * incoming 1000 from +442079460123 sdp
    ! answer
    <- 200 sdp
    -> ACK
    * confirmed
";

fn in_call(rest: &str) {
    check(&format!("{CALL}{rest}"));
    check_tcp(&format!("{CALL}{rest}"));
}

#[test]
fn a_call_from_invite_to_bye() {
    check(
        "
        -> INVITE offer
        * incoming 1000 from +442079460123 sdp
        ! ring
        <- 180 | Contact: <sip:192.0.2.1:5060> | ;tag=in1-
        ! answer
        <- 200 sdp | Contact: <sip:192.0.2.1:5060> | Allow: INVITE, ACK, BYE | Supported: 100rel, timer | Server: Helpline/
        -> ACK
        * confirmed
        -> BYE in
        <- 200
        * ended RemoteHungUp
        tally INVITE 200 1
        tally BYE 200 1
        tally ACK 0 1
        ",
    );
    in_call("-> BYE in | Reason: Q.850;cause=16, SIP;cause=408\n <- 200\n * ended LineLost");
    in_call("-> BYE in | Reason: Q.850;cause=16;text=\"Normal call clearing\"\n <- 200\n * ended RemoteHungUp");
    in_call("! hangup\n * ended LocalHungUp\n <- BYE | ;tag=phone | CSeq: 1 BYE\n -> 200\n <- none");
}

#[test]
fn an_invite_without_offer() {
    check(
        "
        -> INVITE
        * incoming 1000 from +442079460123
        ! answer
        <- 200 sdp
        -> ACK offer
        * confirmed sdp
        -> BYE in
        <- 200
        * ended RemoteHungUp
        ",
    );
}

#[test]
fn retransmissions_are_taken_once() {
    check(
        "
        -> INVITE offer
        * incoming
        -> INVITE offer again
        <- 100
        -> INVITE offer again
        <- 100
        ! ring
        <- 180
        -> INVITE offer again
        <- 180
        ! answer
        <- 200 sdp
        -> INVITE offer again
        <- none
        -> ACK
        -> ACK
        * confirmed
        -> BYE in
        <- 200
        * ended RemoteHungUp
        -> BYE in again
        <- 200
        * none
        ",
    );
}

#[test]
fn trying_after_200_ms() {
    check(
        "-> INVITE offer\n * incoming\n wait 199\n <- none\n wait 1\n <- 100 | no ;tag=in\n ! reject 404\n <- 404\n * ended Refused\n -> ACK refused",
    );
}

#[test]
fn a_200_is_repeated_until_its_ack_or_given_up() {
    check(
        "
        -> INVITE offer
        * incoming
        ! answer
        <- 200 sdp
        wait 499
        <- none
        wait 1
        <- 200 sdp
        wait 1000
        <- 200 sdp
        wait 2000
        <- 200 sdp
        wait 4000
        <- 200 sdp
        wait 4000
        <- 200 sdp
        -> ACK
        * confirmed
        wait 60000
        <- none
        ",
    );
    let repeated = "<- 200 sdp\n".repeat(11);
    check(&format!(
        "-> INVITE offer\n * incoming\n ! answer\n wait 31999\n {repeated} * none\n wait 1\n <- BYE\n * ended NotAcknowledged\n -> 200"
    ));
    // On a stream too: it may be UDP behind the next hop (section 13.3.1.4).
    check_tcp("-> INVITE offer\n * incoming\n ! answer\n <- 200 sdp\n wait 500\n <- 200 sdp\n -> ACK\n * confirmed");
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    check(
        "
        -> INVITE offer
        * incoming
        ! reject 488
        <- 488 | Warning: 305 helpline \"no 'codec'\"
        * ended Refused
        wait 500
        <- 488
        wait 1000
        <- 488
        -> ACK refused
        wait 2000
        <- none
        -> INVITE offer again
        <- none
        ",
    );
    check_tcp("-> INVITE offer\n * incoming\n ! reject 404\n <- 404\n * ended Refused\n wait 40000\n <- none");
}

#[test]
fn cancel() {
    check(
        "
        -> INVITE offer
        * incoming
        ! ring
        <- 180
        -> CANCEL
        <- 200 cancel
        <- 487
        * ended Cancelled
        -> CANCEL
        <- 200 cancel
        -> ACK refused
        ! answer
        <- none
        * none
        ",
    );
    // It crosses the 200: the call goes on.
    check(
        "-> INVITE offer\n * incoming\n ! answer\n <- 200 sdp\n -> CANCEL\n <- 200 cancel\n -> ACK\n * confirmed\n -> BYE in\n <- 200\n * ended RemoteHungUp",
    );
    check("-> CANCEL branch=z9hG4bK-none cseq=7\n <- 481 cancel");
}

#[test]
fn bye_before_the_answer() {
    check(
        "-> INVITE offer\n * incoming\n ! ring\n <- 180\n -> BYE in\n <- 200\n <- 487\n * ended Cancelled\n -> ACK refused",
    );
}

#[test]
fn hanging_up_is_right_in_every_state() {
    check("-> INVITE offer\n * incoming\n ! hangup\n <- 480\n * ended LocalHungUp\n -> ACK refused");
    // No BYE before the ACK (section 15).
    check(
        "
        -> INVITE offer
        * incoming
        ! answer
        <- 200 sdp
        ! hangup
        * ended LocalHungUp
        ! hangup
        wait 500
        <- 200 sdp
        -> INFO in body=Signal=5 | Content-Type: application/dtmf-relay
        <- 481
        -> ACK
        <- BYE
        -> 200
        * none
        ",
    );
    let repeated = "<- 200 sdp\n".repeat(11);
    check(&format!(
        "-> INVITE offer\n * incoming\n ! answer\n ! hangup\n * ended LocalHungUp\n wait 32000\n {repeated} <- BYE\n -> 200"
    ));
    // Both hang up at once.
    in_call("! hangup\n * ended LocalHungUp\n <- BYE\n -> BYE in\n <- 200\n -> 200\n * none\n -> BYE in\n <- 481");
    in_call("! reject 404\n * ended Refused\n <- BYE\n -> 200");
    check("! hangup\n ! answer\n ! ring\n ! accept\n ! reject 404\n <- none\n * none");
}

#[test]
fn refusals_outside_of_dialogs() {
    for (request, response) in [
        ("REGISTER", "405 | Allow: INVITE"),
        ("SUBSCRIBE", "405 | Allow: INVITE"),
        ("NEWMETHOD", "405"),
        ("INVITE offer uri=http://example.com", "416"),
        ("INVITE offer | Require: sec-agree, 100rel, gruu", "420 | Unsupported: sec-agree, gruu"),
        ("BYE", "481"),
        ("BYE totag=unknown", "481"),
        ("INVITE offer totag=in1-0123456789abcdef", "481"),
        ("INFO totag=x", "481"),
        ("UPDATE offer", "481"),
        ("PRACK | RAck: 1 1 INVITE", "481"),
        ("INVITE body=<x/> | Content-Type: text/xml", "415 | Accept: application/sdp"),
        ("INVITE offer | Content-Encoding: gzip", "415 | Accept-Encoding: identity"),
        ("INVITE body=nonsense | Content-Type: application/sdp", "400 | session description"),
        ("INVITE offer | Max-Forwards: 0", "483 Too Many Hops"),
        ("INVITE offer uri=tel:+442079460000 | Max-Forwards: 0", "483"),
        ("INVITE offer | Supported: timer | Session-Expires: 30", "422 | Min-SE: 90"),
        ("INVITE offer | Contact: nonsense", "400"),
        ("INVITE offer | Contact: *", "400 Bad Contact"),
        ("OPTIONS", "200 | Allow: INVITE | Accept: application/sdp | Supported: 100rel, timer"),
        ("OPTIONS uri=sip:1@203.0.113.9 | Max-Forwards: 0", "200"),
    ] {
        check(&format!("-> {request}\n <- {response}\n wait 200\n -> ACK refused\n * none"));
    }
    check(
        "-> INVITE offer uri=tel:+442079460000 | Max-Forwards: 1\n * incoming +442079460000\n ! reject 404\n <- 404\n * ended Refused\n -> ACK refused",
    );
    check(
        "-> INVITE offer uri=sip:%31%30~x@192.0.2.1\n * incoming 10~x\n ! reject 404\n <- 404\n * ended Refused\n -> ACK refused",
    );
    check(
        "-> INVITE offer uri=sip:%2B44%31@192.0.2.1\n * incoming +441\n ! reject 404\n <- 404\n * ended Refused\n -> ACK refused",
    );
    for uri in ["tel:+44-20-7946.0000", "tel:+44(20)79460000;isub=1", "sip:+44-20-7946-0000@192.0.2.1;user=phone"] {
        check(&format!(
            "-> INVITE offer uri={uri}\n * incoming +442079460000\n ! reject 404\n <- 404\n * ended Refused\n -> ACK refused"
        ));
    }
    check(
        "-> INVITE offer uri=sip:a.b-c@192.0.2.1\n * incoming a.b-c\n ! reject 404\n <- 404\n * ended Refused\n -> ACK refused",
    );
    check("-> INVITE offer uri=sip:192.0.2.1\n * incoming \n ! reject 404\n <- 404\n * ended Refused\n -> ACK refused");
}

#[test]
fn what_is_no_request_of_anyones_is_counted() {
    check("-> raw | \\n\\n\n <- none\n tally not_sip 0");
    check("-> raw | hello there\\n\\n\n <- none\n tally not_sip 1");
    check("-> raw | SIP/2.0 200 OK\\n\\n\n <- none\n tally malformed 1");
    check("-> INVITE offer | User-Agent: friendly-scanner\n <- none\n tally scanner 1");
    check("-> ACK totag=unknown\n <- none\n tally ACK 0 1");
    check(
        "-> raw | OPTIONS sip:a@b SIP/7.0\\nVia: SIP/2.0/UDP c;branch=z9hG4bKx\\nFrom: <sip:c@d>;tag=1\\nTo: <sip:a@b>\\nCall-ID: 1\\nCSeq: 1 OPTIONS\\n\\n
        <- 505",
    );
}

#[test]
fn a_request_by_two_ways_is_merged() {
    check(
        "
        -> INVITE offer
        * incoming
        -> INVITE offer again branch=z9hG4bK-other-way
        <- 482
        -> ACK refused branch=z9hG4bK-other-way
        ! reject 404
        <- 404
        * ended Refused
        -> ACK refused
        * none
        ",
    );
}

#[test]
fn keys_by_info() {
    in_call(
        r"
        -> INFO in body=Signal=5\nDuration=160\n | Content-Type: application/dtmf-relay
        <- 200
        * digit 5
        -> INFO in body=Signal=~*\n | Content-Type: application/dtmf-relay
        <- 200
        * digit *
        -> INFO in body=11 | Content-Type: application/dtmf
        <- 200
        * digit #
        -> INFO in body=Signal=hf | Content-Type: application/dtmf-relay
        <- 200
        -> INFO in
        <- 200
        -> INFO in body=Signal=x | Content-Type: application/dtmf-relay
        <- 400
        -> INFO in body=5 | Content-Type: text/plain
        <- 415 | Accept: application/dtmf-relay, application/dtmf
        -> INFO in body=5 | Content-Type: application/dtmf | Info-Package: keys
        <- 469 | Recv-Info:
        * none
        ",
    );
    check(&format!(
        "{CALL}
        -> INFO in body=5 | Content-Type: application/dtmf
        <- 200
        * digit 5
        -> INFO in again body=5 | Content-Type: application/dtmf
        <- 200
        * none
        "
    ));
}

#[test]
fn changes() {
    in_call("-> INVITE in offer\n * offered sdp\n ! accept\n <- 200 sdp\n -> ACK\n * none\n <- none");
    in_call("-> INVITE in\n * offered\n ! accept\n <- 200 sdp\n -> ACK offer\n * confirmed sdp");
    in_call("-> UPDATE in offer\n * offered sdp\n ! accept\n <- 200 sdp\n wait 60000\n <- none");
    in_call("-> UPDATE in\n <- 200 | no application/sdp\n * none");
    in_call(
        "-> INVITE in offer\n * offered sdp\n ! refuse 488\n <- 488\n -> ACK refused\n -> BYE in\n <- 200\n * ended RemoteHungUp",
    );
    in_call(
        "-> INVITE in offer\n * offered sdp\n -> CANCEL\n <- 200 cancel\n <- 487\n -> ACK refused\n ! accept\n <- none\n * none",
    );
    // Overlapping, and with our own offer under way.
    in_call(
        "-> INVITE in offer\n * offered sdp\n -> INVITE in offer\n <- 500 | Retry-After: \n -> ACK refused\n ! accept\n <- 200 sdp\n -> ACK cseq=2",
    );
    in_call(
        "-> INVITE in\n * offered\n ! accept\n <- 200 sdp\n -> UPDATE in offer\n <- 491\n -> ACK offer\n * confirmed sdp",
    );
    check(
        "-> INVITE offer\n * incoming\n ! ring\n <- 180\n -> UPDATE in offer\n <- 500 | Retry-After: \n ! answer\n <- 200 sdp\n -> ACK\n * confirmed",
    );
    // BYE while a change waits.
    in_call(
        "-> INVITE in offer\n * offered sdp\n -> BYE in\n <- 200\n <- 487\n * ended RemoteHungUp\n -> ACK refused cseq=2",
    );
    // The switchboard never answers.
    check(&format!("{CALL}-> UPDATE in offer\n * offered sdp\n wait 31999\n <- none\n wait 1\n <- 500"));
    // The ACK is lost, and the next request says that the 200 has come.
    check(
        "-> INVITE offer\n * incoming\n ! answer\n <- 200 sdp\n -> INVITE in offer\n * confirmed\n * offered sdp\n ! accept\n <- 200 sdp\n -> ACK",
    );
}

#[test]
fn a_lower_cseq_is_refused() {
    in_call("-> INFO in cseq=1\n <- 500\n -> BYE in\n <- 200\n * ended RemoteHungUp");
    in_call(
        "-> OPTIONS in cseq=9\n <- 200 | ;tag=in1-\n -> BYE in cseq=8\n <- 500\n -> BYE in cseq=10\n <- 200\n * ended RemoteHungUp",
    );
}

#[test]
fn reliable_ringing() {
    check(
        "
        -> INVITE offer | Require: 100rel
        * incoming
        ! answer
        <- 180 | Require: 100rel | RSeq: 
        wait 500
        <- 180
        wait 1000
        <- 180
        -> PRACK in | RAck: 1 {cseq} INVITE
        <- 481
        -> PRACK in | RAck: {rseq} {cseq} INVITE
        <- 200
        <- 200 sdp
        -> ACK
        * confirmed
        -> PRACK in | RAck: {rseq} {cseq} INVITE
        <- 481
        ",
    );
    // Rung first, then answered once acknowledged.
    check(
        "-> INVITE offer | Require: 100rel\n * incoming\n ! ring\n <- 180 | RSeq: \n -> PRACK in | RAck: {rseq} {cseq} INVITE\n <- 200\n <- none\n ! answer\n <- 200 sdp\n -> ACK\n * confirmed",
    );
    // Without an offer, ours goes with the 180, and the answer comes with the PRACK.
    check(
        "-> INVITE | Require: 100rel\n * incoming\n ! ring\n <- none\n ! answer\n <- 180 sdp | RSeq: \n -> PRACK in offer | RAck: {rseq} {cseq} INVITE\n <- 200\n <- 200\n -> ACK\n * confirmed sdp",
    );
    let repeated = "<- 180\n".repeat(7);
    check(&format!(
        "-> INVITE offer | Require: 100rel\n * incoming\n ! answer\n wait 31999\n {repeated} <- none\n wait 1\n <- 504\n * ended NotAcknowledged\n -> ACK refused"
    ));
    // The switchboard hears no audio and gives up a little sooner.
    let repeated = "<- 180\n".repeat(6);
    check(&format!(
        "-> INVITE offer | Require: 100rel\n * incoming\n ! answer\n wait 30000\n {repeated} ! unheard\n <- 504\n * ended NotAcknowledged\n -> ACK refused"
    ));
    check(
        "-> INVITE offer | Supported: 100rel\n * incoming\n ! ring\n <- 180 | no RSeq\n ! answer\n <- 200 sdp\n -> ACK\n * confirmed",
    );
}

/// A call with session timers, answered with what `response` says, and what follows.
fn answered(headers: &str, response: &str, rest: &str) {
    check(&format!(
        "-> INVITE offer | {headers}\n * incoming\n ! answer\n <- 200 sdp | {response}\n -> ACK\n * confirmed\n {rest}"
    ));
}

#[test]
fn session_timers() {
    // The caller refreshes, or not.
    answered(
        "Supported: timer | Session-Expires: 90;refresher=uac",
        "Session-Expires: 90;refresher=uac | Require: timer",
        "wait 59999\n <- none\n wait 1\n <- BYE\n * ended SessionExpired\n -> 200",
    );
    answered(
        "Supported: timer",
        "Session-Expires: 1800;refresher=uac | Require: timer",
        "wait 1700000\n -> UPDATE in | Supported: timer | Session-Expires: 1800;refresher=uac
        <- 200 | Session-Expires: 1800;refresher=uac\n wait 1767999\n <- none\n wait 1\n <- BYE\n * ended SessionExpired\n -> 200",
    );
    // We refresh: by UPDATE where it is allowed, else by re-INVITE.
    answered(
        "Allow: INVITE, UPDATE | Session-Expires: 90",
        "Session-Expires: 90;refresher=uas | no Require",
        "wait 45000\n <- UPDATE | Session-Expires: 90;refresher=uac | no application/sdp
        -> 200 | Session-Expires: 90;refresher=uac\n wait 45000\n <- UPDATE\n -> 481\n <- BYE\n * ended DialogLost\n -> 200",
    );
    answered(
        "Session-Expires: 90",
        "Session-Expires: 90;refresher=uas",
        "wait 45000\n <- INVITE sdp\n -> 200 answer\n <- ACK\n * confirmed sdp\n -> 200 answer\n <- ACK
        wait 45000\n <- INVITE sdp\n -> 491\n <- ACK\n wait 2000\n <- INVITE sdp\n -> 408\n <- ACK\n <- BYE\n * ended DialogLost\n -> 200",
    );
}

#[test]
fn refreshes_that_are_refused() {
    // Refused again and again, by longer and longer: it expires.
    answered(
        "Allow: UPDATE | Session-Expires: 90",
        "refresher=uas",
        "
        wait 45000
        <- UPDATE
        -> 405
        wait 0
        <- INVITE sdp
        -> 500
        <- ACK
        wait 22500
        <- INVITE sdp
        -> 422 | Min-SE: 120
        <- ACK
        wait 5000
        <- INVITE sdp | Session-Expires: 120
        -> 500
        <- ACK
        wait 8750
        <- INVITE sdp
        -> 200 answer
        <- ACK
        * confirmed sdp
        ",
    );
    answered(
        "Allow: UPDATE | Session-Expires: 90",
        "refresher=uas",
        "
        wait 45000
        <- UPDATE
        -> 500
        wait 22500
        <- UPDATE
        -> 100
        wait 22500
        <- UPDATE
        <- UPDATE
        <- UPDATE
        <- UPDATE
        <- UPDATE
        <- BYE
        * ended SessionExpired
        -> 200
        ",
    );
    // No answer at all: ten copies, then the end.
    let copies = "<- UPDATE\n".repeat(11);
    answered(
        "Allow: UPDATE | Session-Expires: 300",
        "refresher=uas",
        &format!("wait 150000\n wait 32000\n {copies} <- BYE\n * ended DialogLost\n -> 200"),
    );
}

#[test]
fn routes() {
    let called = |headers: &str, rest: &str| {
        check(&format!(
            "-> INVITE offer | {headers}\n * incoming\n ! answer\n <- 200 sdp | Record-Route: \n -> ACK\n * confirmed\n ! hangup\n * ended LocalHungUp\n {rest}\n -> 200"
        ));
    };
    called(
        "Record-Route: <sip:203.0.113.1;lr>, <sip:203.0.113.2;lr>",
        "<- BYE to=203.0.113.1:5060 | BYE sip:caller@198.51.100.7:5060 SIP/2.0 | Route: <sip:203.0.113.1;lr> | Route: <sip:203.0.113.2;lr>",
    );
    called(
        "Record-Route: <sip:203.0.113.1>\r\nRecord-Route: <sip:203.0.113.2;lr>".replace("\r\n", " | ").as_str(),
        "<- BYE to=203.0.113.1:5060 | BYE sip:203.0.113.1 SIP/2.0 | Route: <sip:203.0.113.2;lr> | Route: <sip:caller@198.51.100.7:5060>",
    );
}

#[test]
fn draining_and_full() {
    check(&format!(
        "{CALL}! drain\n -> INVITE offer call=second\n <- 503 | Retry-After: 30\n -> ACK refused call=second\n -> OPTIONS call=third\n <- 503\n -> OPTIONS in\n <- 200\n -> BYE in\n <- 200\n * ended RemoteHungUp\n tally draining 1"
    ));
    let one = Settings { calls: 1, ..Settings::default() };
    check_with(
        &format!(
            "{CALL}-> INVITE offer call=second\n <- 503 | Retry-After: \n -> BYE in\n <- 200\n * ended RemoteHungUp\n tally full 1"
        ),
        TransportKind::Udp,
        one,
    );
    let slow = Settings { calls_per_second: 1, ..Settings::default() };
    check_with(
        "-> INVITE offer\n * incoming\n ! reject 404\n <- 404\n * ended Refused\n -> ACK refused\n -> INVITE offer call=second\n <- 503\n -> INVITE offer again call=second\n <- 503\n wait 1000\n -> INVITE offer call=third tag=z\n * incoming\n tally rate 2\n ! hangup\n <- 100\n <- 480\n * ended LocalHungUp\n -> ACK refused call=third tag=z",
        TransportKind::Udp,
        slow,
    );
}

#[test]
fn who_never_acknowledges_holds_a_share_of_the_calls_at_most() {
    let mut agent = UserAgent::new(Settings { calls: 80, ..Settings::default() }, 1);
    let mut calls = 0;
    let mut invite = |from: &str| {
        calls += 1;
        let text = format!(
            "INVITE sip:1000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {from}:5060;branch=z9hG4bK{calls}\r\nMax-Forwards: 70\r\n\
             From: <sip:a@{from}>;tag={calls}\r\nTo: <sip:1000@192.0.2.1>\r\nCall-ID: {calls}@x\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:a@{from}>\r\nContent-Length: 0\r\n\r\n"
        );
        let peer = Peer {
            transport: TransportKind::Udp,
            local: "192.0.2.1:5060".parse().expect("an address"),
            remote: format!("{from}:5060").parse().expect("an address"),
            connection: None,
        };
        let mut out = Vec::new();
        agent.receive(Moment::from_millis(1_000), peer, text.as_bytes(), &mut out);
        agent.assert_consistent();
        out.iter().any(|output| matches!(output, Output::Event(SipEvent::Incoming(_))))
    };
    // Of 80 calls 20 may be on their way from one source, and others come all the same.
    let taken = (0..50).filter(|_| invite("198.51.100.7")).count();
    assert_eq!(taken, 20);
    assert!(invite("198.51.100.8"));
}

#[test]
fn rfc_2543_elements() {
    check(
        "
        -> INVITE offer branch=1
        * incoming
        -> INVITE offer branch=1 again
        <- 100
        ! reject 486
        <- 486
        * ended Refused
        -> ACK refused branch=1
        wait 5000
        <- none
        ",
    );
}

#[test]
fn dialling() {
    const DIAL: &str = "! dial sip:1001@198.51.100.7:5060\n <- INVITE sdp | From: \"Help \\\"line\\\"\" <sip:2000@192.0.2.1>;tag=out1- | Supported: timer\n";
    let dialled = |rest: &str| check(&format!("{DIAL}{rest}"));
    dialled(
        "-> 100\n -> 180\n * ringing\n -> 180\n -> 200 answer\n <- ACK | ACK sip:callee@198.51.100.7:5060\n * answered\n ! hangup\n <- BYE\n * ended LocalHungUp\n -> 200",
    );
    dialled(
        "-> 183 answer\n * ringing sdp\n -> 200\n <- ACK\n * answered\n -> BYE in totag=x\n <- 481\n -> BYE in\n <- 200\n * ended RemoteHungUp",
    );
    dialled(
        "-> 200 answer\n <- ACK\n * answered\n -> 200 answer\n <- ACK\n wait 20000\n -> 200 answer\n <- ACK\n * none",
    );
    dialled("-> 200\n <- ACK\n <- BYE\n * ended MediaFailed\n -> 200");
    dialled("-> 486\n <- ACK\n * ended RefusedBy(486)\n -> 486\n <- ACK\n * none");
    dialled(
        "-> 422 | Min-SE: 3600\n <- ACK\n <- INVITE sdp | Session-Expires: 3600 | CSeq: 2 INVITE\n -> 302\n <- ACK\n * ended RefusedBy(302)",
    );
    // Another branch of a fork has answered too.
    dialled(
        "-> 200 answer tag=one\n <- ACK | ;tag=one\n * answered\n -> 200 answer tag=two\n <- ACK | ;tag=two\n <- BYE | ;tag=two\n -> 200\n * none",
    );
    // No answer: A doubles, B ends.
    let copies = "<- INVITE sdp\n".repeat(6);
    dialled(&format!("wait 31999\n {copies} <- none\n wait 1\n * ended NoAnswer"));
    // Hanging up: CANCEL waits for a provisional response.
    let copies = "<- CANCEL\n".repeat(10);
    dialled(&format!(
        "-> 180\n * ringing\n ! hangup\n <- CANCEL | CSeq: 1 CANCEL\n * ended LocalHungUp\n -> 487\n <- ACK\n wait 32000\n {copies}"
    ));
}

#[test]
fn cancelling_what_was_dialled() {
    const DIAL: &str = "! dial sip:1001@198.51.100.7:5060\n <- INVITE sdp\n";
    let copies = "<- CANCEL\n".repeat(10);
    check(&format!(
        "{DIAL}! hangup\n * ended LocalHungUp\n <- none\n -> 100\n <- CANCEL\n -> 180\n <- none\n -> 200 answer\n <- ACK\n <- BYE\n -> 200\n wait 32000\n {copies}"
    ));
    check("! dial sip:1001@nowhere.example\n * ended TransportFailed");
    check("! dial mailto:a@b\n * ended TransportFailed");
}

#[test]
fn a_held_call_on_an_outbound_leg() {
    check(
        "
        ! dial sip:1001@198.51.100.7:5060;transport=tcp
        <- INVITE sdp | Via: SIP/2.0/TCP 192.0.2.1:5060 | Contact: <sip:192.0.2.1:5060;transport=tcp>
        -> 200 answer | Record-Route: <sip:203.0.113.2;lr>, <sip:203.0.113.1;lr>
        <- ACK to=203.0.113.1:5060 | Route: <sip:203.0.113.1;lr>
        * answered
        -> INVITE in offer
        * offered sdp
        ! accept
        <- 200 sdp
        -> ACK
        -> INFO in body=# | Content-Type: application/dtmf
        <- 200
        * digit #
        -> BYE in
        <- 200
        * ended RemoteHungUp
        ",
    );
}

#[test]
fn where_responses_and_requests_go() {
    let called = |via: &str, headers: &str, answered: &str, ended: &str| {
        check(&format!(
            "
            -> INVITE offer via={via} | {headers}
            * incoming
            ! answer
            <- 200 sdp {answered}
            -> ACK via={via}
            * confirmed
            ! hangup
            * ended LocalHungUp
            <- BYE {ended}
            -> 200
            "
        ));
    };
    // RFC 3261 section 18.2: the port of sent-by, unless rport asks for the source's (RFC 3581).
    called("198.51.100.7:5070", "Subject: y", "to=198.51.100.7:5070 | no received", "");
    called("198.51.100.7", "Subject: y", "| no received", "");
    called("phone.example:5070", "Subject: y", "to=198.51.100.7:5070 | received=198.51.100.7", "");
    called("198.51.100.7:5070;rport", "Subject: y", "| rport=5060 | received=198.51.100.7", "");
    // Behind a NAT: the Contact is of no use to us.
    called(
        "10.0.0.5:5070;rport",
        "Contact: <sip:c@10.0.0.5:5070>",
        "| received=198.51.100.7",
        "| BYE sip:c@10.0.0.5:5070",
    );
    called("10.0.0.5:5070;rport", "Contact: <sip:c@203.0.113.8>", "| rport=5060", "to=203.0.113.8:5060");
    // A name that only DNS knows: back to where the INVITE came from.
    called(
        "198.51.100.7;rport",
        "Contact: <sip:c@phone.example:5080>",
        "| rport=5060",
        "| BYE sip:c@phone.example:5080",
    );
    called("198.51.100.7;rport", "Contact: <sip:c@x;maddr=203.0.113.8>", "| rport=5060", "to=203.0.113.8:5060");
    // Another address after a re-INVITE (target refresh, section 12.2).
    check(&format!(
        "{CALL}-> UPDATE in | Contact: <sip:moved@203.0.113.9:5090>\n <- 200\n ! hangup\n * ended LocalHungUp\n <- BYE to=203.0.113.9:5090 | BYE sip:moved@203.0.113.9:5090\n -> 200"
    ));
}
