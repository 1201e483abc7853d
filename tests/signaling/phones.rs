//! Agents' phones: registration, probes, calls to all of them, and transfers.

use std::time::Duration;

use helpline::clock::Moment;
use helpline::sip::digest::Algorithm;
use helpline::sip::{Output, Peer, Registration, Settings, UserAgent};
use helpline::telephony::{AgentAccount, AgentSecret, SipCommand, TransportKind};

use crate::play::{check, check_tcp, check_with};

/// One agent with one phone, which has answered its first probe.
const PHONE: &str = "
    ! agents 1001:secret 1002:other
    -> REGISTER to=1001
    <- 401
    -> REGISTER to=1001 auth=1001:secret
    <- 200
    * reachable 1001
    wait 1000
    <- OPTIONS
    -> 200
";

/// A second phone of the same agent, elsewhere.
const SECOND: &str = "
    at 198.51.100.8:5060
    -> REGISTER to=1001 auth=1001:secret nc=2 call=second via=198.51.100.8 | Contact: <sip:two@198.51.100.8>;q=1.0
    <- 200 to=198.51.100.8:5060
    wait 1000
    <- OPTIONS to=198.51.100.8:5060
    -> 200
";

fn with_phone(rest: &str) {
    check(&format!("{PHONE}{rest}"));
}

fn with_phones(rest: &str) {
    check(&format!("{PHONE}{SECOND}{rest}"));
}

#[test]
fn a_phone_registers_refreshes_and_leaves() {
    check(
        "
        ! agents 1001:secret
        -> REGISTER to=1001
        <- 401 | WWW-Authenticate: Digest realm=\"helpline\", nonce=\" | algorithm=SHA-256, qop=\"auth\" | algorithm=MD5, qop=\"auth\" | no stale
        -> REGISTER to=1001 auth=1001:secret | Expires: 600
        <- 200 | Contact: <sip:caller@198.51.100.7:5060>;expires=600 | Supported: path, outbound | no Require
        * reachable 1001
        wait 1000
        <- OPTIONS | OPTIONS sip:caller@198.51.100.7:5060 SIP/2.0 | From: <sip:helpline@192.0.2.1>
        -> 200
        -> REGISTER to=1001 auth=1001:secret nc=2 | Contact: <sip:caller@198.51.100.7:5060>;expires=120
        <- 200 | ;expires=120
        -> REGISTER to=1001 auth=1001:secret nc=3 query
        <- 200 | Contact: <sip:caller@198.51.100.7:5060>;expires=120
        -> REGISTER to=1001 auth=1001:secret nc=4 | Expires: 0
        <- 200 | no Contact
        * unreachable 1001 Unregistered
        ",
    );
    let md5 = PHONE.replace("auth=1001:secret", "auth=1001:secret md5");
    check(&md5);
    check_tcp(PHONE);
}

#[test]
fn intervals_have_limits() {
    let granted = |asked: &str, granted: &str| {
        check(&format!(
            "
            ! agents 1001:secret
            -> REGISTER to=1001
            <- 401
            -> REGISTER to=1001 auth=1001:secret | Contact: <sip:caller@198.51.100.7:5060>{asked}
            <- 200 | Contact: <sip:caller@198.51.100.7:5060>;expires={granted}
            * reachable 1001
            "
        ));
    };
    granted("", "300");
    granted(";expires=60", "60");
    granted(";expires=86400", "3600");
    granted(";expires=never", "300");
    check(
        "
        ! agents 1001:secret
        -> REGISTER to=1001
        <- 401
        -> REGISTER to=1001 auth=1001:secret | Expires: 59
        <- 423 | Min-Expires: 60
        ",
    );
    let registration = Registration { probe_every: Duration::from_secs(3_600), ..Registration::default() };
    check_with(
        &format!(
            "{PHONE}
            -> REGISTER to=1001 auth=1001:secret nc=2 | Expires: 60
            <- 200
            wait 59999
            * none
            wait 1
            * unreachable 1001 Expired
            <- none
            "
        ),
        TransportKind::Udp,
        Settings { registration, ..Settings::default() },
    );
}

#[test]
fn the_password_must_be_known() {
    for (account, to) in
        [("1001:wrong", "1001"), ("9999:secret", "9999"), ("1002:secret", "1002"), ("1001:other", "1002")]
    {
        check(&format!(
            "
            ! agents 1001:secret 1002:other
            -> REGISTER to={to}
            <- 401
            -> REGISTER to={to} auth={account}
            <- 403 | Forbidden | no WWW-Authenticate
            tally wrong_password 1
            "
        ));
    }
    // Who was wrong has understood the challenge, and may choose again.
    check(
        "
        ! agents 1001:secret
        -> REGISTER to=1001
        <- 401 | algorithm=SHA-256 | algorithm=MD5
        -> REGISTER to=1001 auth=1001:wrong
        <- 403
        -> REGISTER to=1001
        <- 401 | algorithm=SHA-256 | algorithm=MD5
        ",
    );
    // Another agent's address.
    check(
        "
        ! agents 1001:secret 1002:other
        -> REGISTER to=1002
        <- 401
        -> REGISTER to=1002 auth=1001:secret
        <- 403 | Not your own address
        ",
    );
    // By a hash function that is not offered.
    check_with(
        "
        ! agents 1001:secret
        -> REGISTER to=1001
        <- 401 | algorithm=SHA-256 | no MD5
        -> REGISTER to=1001 | Authorization: Digest username=\"1001\", realm=\"helpline\", nonce=\"1\", uri=\"sip:x\", response=\"00\", qop=auth, nc=00000001, cnonce=\"x\", algorithm=MD5
        <- 401 | algorithm=SHA-256 | no MD5
        ",
        TransportKind::Udp,
        Settings { digests: vec![Algorithm::Sha256], ..Settings::default() },
    );
    // Whoever guesses is stopped.
    check(&format!(
        "
        ! agents 1001:secret
        -> REGISTER to=1001
        <- 401
        {}
        -> REGISTER to=1001 auth=1001:secret
        <- 503 | Retry-After: 60
        wait 2000
        -> REGISTER to=1001 auth=1001:secret
        <- 200
        * reachable 1001
        ",
        "-> REGISTER to=1001 auth=1001:guess\n <- 403\n".repeat(30)
    ));
}

#[test]
fn nothing_can_be_said_twice() {
    // A copy of the same request is answered as before; the same credentials in another one are not believed.
    with_phone(
        "
        -> REGISTER to=1001 auth=1001:secret nc=2
        <- 200
        -> REGISTER to=1001 auth=1001:secret nc=2 again
        <- 200
        -> REGISTER to=1001 auth=1001:secret nc=2
        <- 401 | stale=true
        -> REGISTER to=1001 auth=1001:secret nc=1
        <- 200
        ",
    );
    check(
        "
        ! agents 1001:secret
        -> REGISTER to=1001
        <- 401
        wait 300001
        -> REGISTER to=1001 auth=1001:secret
        <- 401 | stale=true
        -> REGISTER to=1001 auth=1001:secret
        <- 200
        * reachable 1001
        ",
    );
    check(
        "
        ! agents 1001:secret
        -> REGISTER to=1001 | Authorization: Digest username=\"1001\", realm=\"helpline\", nonce=\"made-up\", uri=\"sip:1000@192.0.2.1\", response=\"00\", qop=auth, nc=00000001, cnonce=\"x\"
        <- 401 | no stale
        -> REGISTER to=1001 | Authorization: Digest username=\"1001\", realm=\"helpline\", nonce=\"made-up\", uri=\"sip:1000@192.0.2.1\", response=\"00\"
        <- 403 | Digest without qop=auth
        -> REGISTER to=1001 | Authorization: Basic MTAwMTpzZWNyZXQ=
        <- 401
        ",
    );
}

#[test]
fn order_and_form_of_registers() {
    with_phone(
        "
        -> REGISTER to=1001 auth=1001:secret nc=2 cseq=1
        <- 500 | Older than what is registered
        -> REGISTER to=1001 auth=1001:secret nc=3 cseq=2
        <- 500
        -> REGISTER to=1001 auth=1001:secret nc=4 cseq=1 call=restarted
        <- 200
        -> REGISTER to=1001 auth=1001:secret nc=5 | Contact: *
        <- 400
        -> REGISTER to=1001 auth=1001:secret nc=6 | Contact: * | Expires: 60
        <- 400
        -> REGISTER to=1001 auth=1001:secret nc=7 | Contact: *, <sip:a@198.51.100.7> | Expires: 0
        <- 400
        -> REGISTER to=1001 auth=1001:secret nc=8 | Contact: <mailto:a@b>
        <- 400
        -> REGISTER to=1001 auth=1001:secret nc=9 | Require: teleport
        <- 420 | Unsupported: teleport
        -> REGISTER to=1001 auth=1001:secret nc=9 call=star | Contact: * | Expires: 0
        <- 200 | no Contact
        * unreachable 1001 Unregistered
        ",
    );
}

#[test]
fn without_agents_there_is_no_registrar() {
    check("-> REGISTER to=1001\n <- 405 | no WWW-Authenticate");
}

#[test]
fn contacts_are_few_and_each_phone_has_one() {
    // A phone that was started again, at another port, and says who it is.
    let instance = "+sip.instance=\"<urn:uuid:1>\"";
    with_phone(&format!(
        "
        -> REGISTER to=1001 auth=1001:secret nc=2 call=a | Contact: <sip:a@198.51.100.7:6001>;{instance}
        <- 200 | Contact: <sip:caller@198.51.100.7:5060> | Contact: <sip:a@198.51.100.7:6001>
        -> REGISTER to=1001 auth=1001:secret nc=3 call=b | Contact: <sip:a@198.51.100.7:6002>;{instance}
        <- 200 | Contact: <sip:a@198.51.100.7:6002> | no :6001
        wait 1000
        <- OPTIONS to=198.51.100.7:6002
        -> 200
        ! agents 1002:other
        * unreachable 1001 Removed
        "
    ));
    // The sixth takes the place of the one that was heard least recently.
    let more: String = (2..=6)
        .map(|count| {
            format!(
                "-> REGISTER to=1001 auth=1001:secret nc={count} call=c{count} | Contact: <sip:a@198.51.100.7:600{count}>
                <- 200 | :600{count}
                wait 1000
                <- OPTIONS to=198.51.100.7:600{count}
                -> 200\n"
            )
        })
        .collect();
    with_phone(&format!(
        "{more} -> REGISTER to=1001 auth=1001:secret nc=7 query call=q\n <- 200 | :6002 | :6006 | no caller@"
    ));
}

#[test]
fn a_phone_that_does_not_answer_is_not_called() {
    with_phone(
        "
        await 33000
        <- OPTIONS
        wait 500
        <- OPTIONS
        wait 1000
        <- OPTIONS
        wait 2000
        <- OPTIONS
        * none
        wait 1500
        <- OPTIONS
        wait 4999
        <- OPTIONS
        <- OPTIONS
        <- OPTIONS
        * none
        wait 1
        * unreachable 1001 Silent
        ! dial-agent 1001
        * ended RefusedBy(480)
        # Its REGISTERs arrive: that does not show that it hears us.
        -> REGISTER to=1001 auth=1001:secret nc=2
        <- 200
        * none
        await 1000
        <- OPTIONS
        -> 486
        * reachable 1001
        ",
    );
    // A proxy that answers in its place.
    with_phone(
        "
        await 33000
        <- OPTIONS
        -> 408
        wait 0
        <- OPTIONS
        -> 430
        * unreachable 1001 Silent
        ",
    );
}

#[test]
fn phones_behind_a_nat() {
    // Over UDP: to where the REGISTER came from, and so for all that follows.
    let natted = "
        ! agents 1001:secret
        -> REGISTER to=1001 via=10.0.0.5;rport | Contact: <sip:ada@10.0.0.5:5060>
        <- 401 | rport=5060 | received=198.51.100.7
        -> REGISTER to=1001 auth=1001:secret via=10.0.0.5;rport | Contact: <sip:ada@10.0.0.5:5060>
        <- 200
        * reachable 1001
        wait 1000
        <- OPTIONS | OPTIONS sip:ada@10.0.0.5:5060
        -> 200
        ! dial-agent 1001
        <- INVITE sdp | INVITE sip:ada@10.0.0.5:5060
        -> 200 answer | Contact: <sip:ada@10.0.0.5:5060>
        <- ACK | ACK sip:ada@10.0.0.5:5060
        * answered
        ! hangup
        * ended LocalHungUp
        <- BYE | BYE sip:ada@10.0.0.5:5060
        -> 200
    ";
    check(natted);
    // An answer that crosses our CANCEL is found too.
    check(
        "
        ! agents 1001:secret
        -> REGISTER to=1001 via=10.0.0.5;rport | Contact: <sip:ada@10.0.0.5:5060>
        <- 401
        -> REGISTER to=1001 auth=1001:secret via=10.0.0.5;rport | Contact: <sip:ada@10.0.0.5:5060>
        <- 200
        * reachable 1001
        ! dial-agent 1001
        <- INVITE sdp
        ! hangup
        * ended LocalHungUp
        -> 200 answer | Contact: <sip:ada@10.0.0.5:5060>
        <- ACK
        <- BYE
        -> 200
        ",
    );
    // Over TCP: by the stream that stands, and when it breaks the phone is gone.
    let natted = natted.replace("@10.0.0.5:5060", "@10.0.0.5:5060;transport=tcp");
    check_tcp(&format!("{natted} lost\n * unreachable 1001 Disconnected"));
}

#[test]
fn a_stream_that_broke_is_opened_again_where_that_can_be() {
    check_tcp(
        "
        at 198.51.100.7:40000
        ! agents 1001:secret
        -> REGISTER to=1001
        <- 401
        -> REGISTER to=1001 auth=1001:secret
        <- 200
        * reachable 1001
        wait 1000
        <- OPTIONS to=198.51.100.7:40000
        -> 200
        lost
        wait 0
        <- OPTIONS
        -> 200
        * none
        ",
    );
}

#[test]
fn paths_and_flows_are_kept() {
    check(
        "
        ! agents 1001:secret
        -> REGISTER to=1001 | Path: <sip:edge.example;lr;ob> | Supported: path, outbound
        <- 401
        -> REGISTER to=1001 auth=1001:secret | Path: <sip:edge.example;lr;ob> | Supported: path, outbound | Contact: <sip:ada@10.0.0.5>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"
        <- 200 | Path: <sip:edge.example;lr;ob> | Require: outbound
        * reachable 1001
        wait 1000
        <- OPTIONS | Route: <sip:edge.example;lr;ob> | OPTIONS sip:ada@10.0.0.5 SIP/2.0
        -> 200
        ! dial-agent 1001
        <- INVITE sdp | Route: <sip:edge.example;lr;ob> | INVITE sip:ada@10.0.0.5
        -> 603
        <- ACK | Route: <sip:edge.example;lr;ob>
        * ended RefusedBy(603)
        ",
    );
    // The same flow from elsewhere: one binding.
    check(
        "
        ! agents 1001:secret
        -> REGISTER to=1001
        <- 401
        -> REGISTER to=1001 auth=1001:secret | Contact: <sip:ada@10.0.0.5>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"
        <- 200 | no Require
        * reachable 1001
        -> REGISTER to=1001 auth=1001:secret nc=2 call=b | Supported: outbound | Contact: <sip:ada@10.0.0.6>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"
        <- 200 | Require: outbound | Contact: <sip:ada@10.0.0.6> | no 10.0.0.5
        -> REGISTER to=1001 auth=1001:secret nc=3 call=c | Contact: <sip:ada@10.0.0.7>;reg-id=2;+sip.instance=\"<urn:uuid:1>\"
        <- 200 | 10.0.0.6 | 10.0.0.7
        ",
    );
}

#[test]
fn an_agent_with_one_phone_is_called() {
    with_phone(
        "
        ! dial-agent 1001
        <- INVITE sdp | INVITE sip:caller@198.51.100.7:5060 | From: \"Ada\" <sip:+442079460123@192.0.2.1> | X-Helpline-Queue: support
        -> 180
        * ringing
        -> 200 answer
        <- ACK
        * answered
        -> BYE in totag=unknown
        <- 481
        ",
    );
    with_phone("! dial-agent 1001\n <- INVITE sdp\n -> 486\n <- ACK\n * ended RefusedBy(486)");
    with_phone(
        "! dial-agent 1001\n <- INVITE sdp\n -> 302 | Contact: <sip:+900@198.51.100.9>\n <- ACK\n * ended RefusedBy(302)",
    );
    with_phone("! dial-agent 1002\n * ended RefusedBy(480)");
    with_phone("! dial-agent 7777\n * ended RefusedBy(480)");
}

#[test]
fn the_first_phone_that_answers_wins() {
    with_phones(
        "
        ! dial-agent 1001
        <- INVITE sdp
        <- INVITE sdp to=198.51.100.8:5060
        -> 180 of=1
        * ringing
        -> 180 of=2
        -> 200 of=2 answer tag=two | Contact: <sip:two@198.51.100.8>
        <- ACK to=198.51.100.8:5060
        <- CANCEL
        * answered
        -> 487 of=1
        <- ACK
        * none
        ",
    );
    // The loser answers all the same: ACK and BYE, never audio.
    with_phones(
        "
        ! dial-agent 1001
        <- INVITE sdp
        <- INVITE sdp to=198.51.100.8:5060
        -> 200 of=2 answer tag=two | Contact: <sip:two@198.51.100.8>
        <- ACK to=198.51.100.8:5060
        * answered
        -> 200 of=1 answer
        <- ACK
        <- BYE
        -> 200
        * none
        ",
    );
    // The loser has said nothing yet: the CANCEL waits for that.
    with_phones(
        "
        ! dial-agent 1001
        <- INVITE sdp
        <- INVITE sdp to=198.51.100.8:5060
        -> 200 of=2 answer tag=two | Contact: <sip:two@198.51.100.8>
        <- ACK to=198.51.100.8:5060
        * answered
        <- none
        -> 100 of=1
        <- CANCEL
        -> 487 of=1
        <- ACK
        ",
    );
}

#[test]
fn each_phone_is_told_the_address_by_which_it_reaches_us() {
    let elsewhere = SECOND.replace("at 198.51.100.8:5060", "at 198.51.100.8:5060 192.0.2.2:5060");
    check(&format!(
        "{PHONE}{elsewhere}
        ! dial-agent 1001
        <- INVITE sdp | c=IN IP4 192.0.2.1 | IN IP4 192.0.2.1 | Contact: <sip:192.0.2.1
        <- INVITE sdp to=198.51.100.8:5060 | c=IN IP4 192.0.2.2 | no IN IP4 192.0.2.1 | Contact: <sip:192.0.2.2
        -> 486 of=1
        <- ACK
        -> 200 of=2 answer tag=two | Contact: <sip:two@198.51.100.8>
        <- ACK to=198.51.100.8:5060
        * answered by 192.0.2.2
        "
    ));
    let v6 = SECOND
        .replace("at 198.51.100.8:5060", "at [2001:db8::8]:5060 [2001:db8::1]:5060")
        .replace("via=198.51.100.8", "via=[2001:db8::8]")
        .replace("198.51.100.8", "[2001:db8::8]");
    check(&format!(
        "{PHONE}{v6}
        ! dial-agent 1001
        <- INVITE sdp | c=IN IP4 192.0.2.1
        <- INVITE sdp to=[2001:db8::8]:5060 | c=IN IP6 2001:db8::1 | Contact: <sip:[2001:db8::1]
        -> 486 of=1
        <- ACK
        -> 200 of=2 answer tag=two | Contact: <sip:two@[2001:db8::8]>
        <- ACK to=[2001:db8::8]:5060
        * answered by 2001:db8::1
        "
    ));
}

#[test]
fn refusals_of_several_phones() {
    with_phones(
        "
        ! dial-agent 1001
        <- INVITE sdp
        <- INVITE sdp to=198.51.100.8:5060
        -> 486 of=1
        <- ACK
        * none
        -> 480 of=2 tag=two
        <- ACK to=198.51.100.8:5060
        * ended RefusedBy(486)
        ",
    );
    // 6xx speaks for all.
    with_phones(
        "
        ! dial-agent 1001
        <- INVITE sdp
        <- INVITE sdp to=198.51.100.8:5060
        -> 180 of=2 tag=two
        * ringing
        -> 603 of=1
        <- ACK
        * ended RefusedBy(603)
        <- CANCEL to=198.51.100.8:5060
        -> 487 of=2 tag=two
        <- ACK to=198.51.100.8:5060
        ",
    );
    with_phones(
        "
        ! dial-agent 1001
        <- INVITE sdp
        <- INVITE sdp to=198.51.100.8:5060
        -> 180 of=1
        * ringing
        ! hangup
        * ended LocalHungUp
        <- CANCEL
        -> 487 of=1
        <- ACK
        -> 100 of=2
        <- CANCEL to=198.51.100.8:5060
        -> 487 of=2 tag=two
        <- ACK to=198.51.100.8:5060
        ",
    );
}

#[test]
fn preferred_phones_ring_first() {
    let second = SECOND.replace("q=1.0", "q=0.5");
    check(&format!(
        "{PHONE}{second}
        ! dial-agent 1001
        <- INVITE sdp
        -> 486 of=1
        <- ACK
        <- INVITE sdp to=198.51.100.8:5060
        -> 422 of=2 tag=two | Min-SE: 3600
        <- ACK to=198.51.100.8:5060
        <- INVITE sdp to=198.51.100.8:5060 | Session-Expires: 3600 | X-Helpline-Queue: support
        -> 200 of=3 answer tag=two | Contact: <sip:two@198.51.100.8>
        <- ACK to=198.51.100.8:5060
        * answered
        "
    ));
}

#[test]
fn an_agent_who_calls_must_prove_it() {
    with_phone(
        "
        -> INVITE offer from=1001 uri=sip:1002@192.0.2.1
        <- 401
        -> ACK refused
        -> INVITE offer from=1001 uri=sip:1002@192.0.2.1 auth=1001:secret
        * incoming 1002 from 1001 sdp agent 1001
        ! reject 404
        <- 404
        * ended Refused
        -> ACK refused
        ",
    );
    // For another Request-URI, or by another agent.
    with_phone(
        "
        -> INVITE offer from=1001 uri=sip:1002@192.0.2.1
        <- 401
        -> ACK refused
        -> INVITE offer from=1001 uri=sip:+900@192.0.2.1 auth=1001:secret digest-uri=sip:1002@192.0.2.1
        <- 400
        -> ACK refused
        -> INVITE offer from=1001 uri=sip:1002@192.0.2.1 auth=1002:other
        <- 403
        -> ACK refused
        ",
    );
    // Everybody else calls as before, and is no agent.
    with_phone(
        "-> INVITE offer\n * incoming 1000 from +442079460123 sdp\n ! reject 404\n <- 404\n * ended Refused\n -> ACK refused",
    );
}

#[test]
fn spoiled_credentials_do_no_harm() {
    let peer = Peer {
        transport: TransportKind::Udp,
        local: "192.0.2.1:5060".parse().expect("an address"),
        remote: "198.51.100.7:5060".parse().expect("an address"),
        connection: None,
    };
    let mut agent = UserAgent::new(Settings::default(), 1);
    let secret = AgentSecret::Password("secret".to_owned());
    let accounts = vec![AgentAccount { extension: "1001".to_owned(), secret }];
    let mut out = Vec::new();
    agent.handle(Moment::ZERO, SipCommand::SetAgents(accounts), &mut out);
    let register = "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\nFrom: <sip:1001@x>;tag=1\r\n\
        To: <sip:1001@x>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nContact: <sip:1001@198.51.100.7>;q=0.5;expires=60;reg-id=1\r\n\
        Path: <sip:edge;lr>\r\nAuthorization: Digest username*=UTF-8''%31001, realm=\"helpline\", nonce=\"0000000000000001\
        000000000000d8a0cd21f7c5d43f8f09f931a390ab7a9330\", uri=\"sip:x\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"c\", \
        response=\"8ca523f5e9506fed4657c9700eebdbec\"\r\n\r\n";
    let mut rng = fastrand::Rng::with_seed(1);
    let mut answers = 0;
    for count in 0..20_000 {
        let mut bytes = register.as_bytes().to_vec();
        for _ in 0..rng.usize(..4) {
            let place = rng.usize(..bytes.len());
            match rng.u8(..3) {
                0 => bytes[place] = rng.u8(..),
                1 => drop(bytes.remove(place)),
                _ => bytes.insert(place, rng.choice(*b"\"\\,;=%*'<> ").expect("there are some")),
            }
        }
        out.clear();
        let now = Moment::from_millis(1_000 + count * 20);
        agent.receive(now, peer, &bytes, &mut out);
        agent.expire(now, &mut out);
        answers += out.iter().filter(|output| matches!(output, Output::Transmit { .. })).count();
        agent.assert_consistent();
        assert_eq!(agent.census().phones, 0, "nobody knew the password: {}", String::from_utf8_lossy(&bytes));
    }
    assert!(answers > 10_000, "{answers}");
}

#[test]
fn floods_are_cut_off() {
    check(&format!(
        "! agents 1001:secret\n {} -> REGISTER to=1001\n <- none\n tally claim_rate 1",
        "-> REGISTER to=1001\n <- 401\n".repeat(100)
    ));
}

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
}

#[test]
fn a_blind_transfer() {
    in_call(
        "
        -> REFER in | Refer-To: <sip:1002@192.0.2.1> | Referred-By: <sip:1001@192.0.2.1>
        * transfer 1002
        ! progress 100
        <- 202 | Contact: <sip:192.0.2.1:5060>
        <- NOTIFY | Event: refer;id= | Subscription-State: active;expires=180 | SIP/2.0 100 Trying | message/sipfrag
        -> 200
        ! progress 180
        <- NOTIFY | SIP/2.0 180 Ringing
        -> 200
        ! progress 180
        <- none
        ! progress 200
        <- NOTIFY | Subscription-State: terminated;reason=noresource | SIP/2.0 200 OK
        -> 200
        ! progress 200
        <- none
        ! hangup
        * ended LocalHungUp
        <- BYE
        -> 200
        ",
    );
    in_call(
        "-> REFER in | Refer-To: <sip:+900@x>\n * transfer +900\n ! progress 603\n <- 603\n -> BYE in\n <- 200\n * ended RemoteHungUp",
    );
    // Asked again, in the same dialog.
    in_call(
        "
        -> REFER in | Refer-To: sip:1002@192.0.2.1
        * transfer 1002
        ! progress 100
        <- 202
        <- NOTIFY | Event: refer;id=
        -> 200
        -> REFER in | Refer-To: sip:1003@192.0.2.1
        <- 491
        ! progress 486
        <- NOTIFY | SIP/2.0 486 Busy Here | terminated
        -> 200
        -> REFER in cseq=77 | Refer-To: sip:1003@192.0.2.1 | Refer-Sub: false
        * transfer 1003
        ! progress 200
        <- 202 | Refer-Sub: false
        <- none
        -> REFER in cseq=78 | Refer-To: sip:1003@192.0.2.1
        * transfer 1003
        ! progress 100
        <- 202
        <- NOTIFY | Event: refer;id=78
        -> 481
        ! progress 200
        <- none
        ",
    );
}

#[test]
fn transfers_that_go_wrong() {
    in_call("-> REFER in\n <- 400");
    in_call("-> REFER in | Refer-To: <mailto:a@b>\n <- 603");
    in_call("-> REFER in | Refer-To: <sip:a@b;method=BYE>\n <- 603");
    in_call("-> REFER in | Refer-To: <sip:a@b?Replaces=x%3Bto-tag%3Din7-1%3Bfrom-tag%3D2>\n <- 603 | No such call");
    // Nobody decides.
    in_call("-> REFER in | Refer-To: <sip:1002@b>\n * transfer 1002\n wait 16000\n <- 603\n ! progress 100\n <- none");
    // It takes for ever.
    in_call(
        "
        -> REFER in | Refer-To: <sip:1002@b>
        * transfer 1002
        ! progress 180
        <- 202
        <- NOTIFY
        -> 200
        wait 180000
        <- NOTIFY | terminated;reason=timeout | SIP/2.0 180
        -> 200
        ",
    );
    // The party is gone meanwhile.
    in_call(
        "-> REFER in | Refer-To: <sip:1002@b>\n * transfer 1002\n -> BYE in\n <- 200\n <- 487\n * ended RemoteHungUp",
    );
    check("-> REFER | Refer-To: <sip:1002@b>\n <- 481");
}

#[test]
fn taking_the_place_of_a_call() {
    in_call(
        "
        -> INVITE offer call=other tag=else cseq=1 | Replaces: scenario@198.51.100.7;to-tag=nonsense;from-tag=phone | Require: replaces
        <- 481
        -> ACK refused call=other
        -> INVITE offer call=other2 tag=else | Replaces: scenario@198.51.100.7;to-tag={localtag};from-tag=phone
        * incoming 1000 from +442079460123 sdp replaces in1
        ! reject 486
        <- 486
        * ended Refused
        -> ACK refused call=other2
        -> INVITE offer call=other3 tag=else | Replaces: scenario@198.51.100.7;to-tag={localtag};from-tag=phone;early-only
        <- 486
        -> ACK refused call=other3
        -> INVITE offer call=other4 tag=else | Replaces: nothing
        <- 400
        -> ACK refused call=other4
        -> BYE in
        <- 200
        * ended RemoteHungUp
        ",
    );
}

#[test]
fn settings_of_registration() {
    let registration = Registration { probe_every: Duration::from_secs(10), ..Registration::default() };
    let settings = Settings { registration, realm: "example.com".to_owned(), ..Settings::default() };
    check_with(
        &format!("{PHONE} await 11000\n <- OPTIONS\n -> 200").replace("<- 401", "<- 401 | realm=\"example.com\""),
        TransportKind::Udp,
        settings,
    );
}
