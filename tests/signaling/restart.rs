//! Phones that had registered with a process that was killed: who comes after it calls them without waiting for them.

use helpline::sip::Settings;
use helpline::telephony::TransportKind;

use crate::play::check_with;

/// An agent's phone over UDP, which has answered its first probe.
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

fn play(transport: TransportKind, script: &str) {
    check_with(script, transport, Settings { secret: b"of the house".to_vec(), ..Settings::default() });
}

fn udp(rest: &str) {
    play(TransportKind::Udp, &format!("{PHONE}{rest}"));
}

#[test]
fn a_phone_is_called_without_having_registered_again() {
    udp("
        restart 2000
        * reachable 1001
        ! dial-agent 1001
        <- INVITE sdp
        -> 200 answer
        * answered
        <- ACK
        await 1000
        <- OPTIONS
        -> 200
        wait 10000
        ! hangup
        * ended LocalHungUp
        <- BYE
        -> 200
    ");
}

#[test]
fn its_next_registration_is_a_refresh_and_its_nonce_is_stale() {
    udp("
        restart 2000
        * reachable 1001
        await 1000
        <- OPTIONS
        -> 200
        -> REGISTER to=1001 auth=1001:secret nc=2
        <- 401 | stale=true
        -> REGISTER to=1001 auth=1001:secret
        <- 200 | Contact: <sip:caller@198.51.100.7:5060>;expires=300
        * none
        # What was sent before the restart and arrives after it is older than what is registered.
        -> REGISTER to=1001 auth=1001:secret nc=2 cseq=1
        <- 500
        -> REGISTER to=1001 auth=1001:secret nc=3 | Expires: 0
        <- 200 | no Contact
        * unreachable 1001 Unregistered
        restart 1000
        * none
        ! dial-agent 1001
        * ended RefusedBy(480)
    ");
}

#[test]
fn a_registration_that_has_ended_meanwhile_is_over() {
    udp("
        restart 299000
        * none
        ! dial-agent 1001
        * ended RefusedBy(480)
    ");
    udp("
        restart 290000
        * reachable 1001
        await 1000
        <- OPTIONS
        -> 200
        wait 9000
        * unreachable 1001 Expired
    ");
}

#[test]
fn a_phone_that_died_meanwhile_is_found_out() {
    udp("
        restart 2000
        * reachable 1001
        await 1000
        <- OPTIONS
        wait 500
        <- OPTIONS
        await 1000
        <- OPTIONS
        wait 2000
        <- OPTIONS
        wait 1500
        * unreachable 1001 Silent
        # It comes back, and so it does after one more restart.
        restart 1000
        * none
        await 1000
        <- OPTIONS
        -> 200
        * reachable 1001
    ");
}

#[test]
fn an_agent_who_is_no_more_has_no_phone() {
    udp("
        ! agents 1002:other
        * unreachable 1001 Removed
        restart 1000
        * none
        ! agents 1001:secret
        * none
    ");
}

#[test]
fn a_phone_behind_a_nat_is_reached_by_the_way_that_it_registered() {
    play(
        TransportKind::Udp,
        "
        at 203.0.113.9:31000
        ! agents 1001:secret
        -> REGISTER to=1001 via=10.0.0.5;rport | Contact: <sip:ada@10.0.0.5:5060>
        <- 401 to=203.0.113.9:31000
        -> REGISTER to=1001 auth=1001:secret via=10.0.0.5;rport | Contact: <sip:ada@10.0.0.5:5060> | Path: <sip:edge@203.0.113.9;lr>
        <- 200 to=203.0.113.9:31000
        * reachable 1001
        restart 1000
        * reachable 1001
        await 1000
        <- OPTIONS to=203.0.113.9:31000 | OPTIONS sip:ada@10.0.0.5:5060 SIP/2.0 | Route: <sip:edge@203.0.113.9;lr>
        -> 200
        ",
    );
}

#[test]
fn a_stream_is_opened_again_where_that_can_be() {
    let registers = |contact: &str, headers: &str| {
        format!(
            "
            at 198.51.100.7:40000
            ! agents 1001:secret
            -> REGISTER to=1001
            <- 401
            -> REGISTER to=1001 auth=1001:secret | Contact: <sip:ada@{contact};transport=tcp>{headers}
            <- 200
            * reachable 1001
            restart 1000
            "
        )
    };
    let reached = registers("198.51.100.7:5060", "");
    play(
        TransportKind::Tcp,
        &format!("{reached} * reachable 1001\n await 1000\n <- OPTIONS to=198.51.100.7:5060\n -> 200"),
    );
    let lost = "* none\n ! dial-agent 1001\n * ended RefusedBy(480)";
    let natted = registers("10.0.0.5:5060", "");
    play(TransportKind::Tcp, &format!("{natted}{lost}"));
    let flow = registers("198.51.100.7:5060", ";+sip.instance=\"<urn:uuid:1>\";reg-id=1");
    play(TransportKind::Tcp, &format!("{flow}{lost}"));
}
