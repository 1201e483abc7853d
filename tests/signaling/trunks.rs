//! Trunks: registration and probes, calls by them with the proof of who we are, and calls from them.

use crate::play::check;

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"one\", algorithm=MD5, qop=\"auth\"";
const PROXY: &str = "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"two\", algorithm=SHA-256, qop=\"auth\"";

/// A trunk that has registered us.
fn registered(rest: &str) {
    check(&format!(
        "
        ! trunk user=acme:secret dial=+44,0
        <- none
        ! find 198.51.100.7
        await 1
        <- REGISTER | REGISTER sip:carrier.example SIP/2.0 | To: <sip:acme@carrier.example> | CSeq: 1 REGISTER | Contact: <sip:acme@192.0.2.1:5060> | Expires: 600 | no Authorization
        -> 401 | {CHALLENGE}
        <- REGISTER | CSeq: 2 REGISTER | Authorization: Digest username=\"acme\", realm=\"carrier\", nonce=\"one\", uri=\"sip:carrier.example\", algorithm=MD5, qop=auth, nc=00000001
        -> 200 | Contact: <sip:acme@192.0.2.1:5060>;expires=120
        * up carrier
        {rest}"
    ));
}

#[test]
fn a_registration_is_made_and_refreshed_before_it_ends() {
    registered(
        "
        wait 89000
        <- none
        await 2000
        <- REGISTER | CSeq: 3 REGISTER
        -> 200 | Expires: 60
        * none
        await 46000
        <- REGISTER | CSeq: 4 REGISTER
        -> 200
        ! drain
        <- REGISTER | Expires: 0
        -> 200
        wait 400000
        <- none
        * none
        ",
    );
}

#[test]
fn a_trunk_that_fails_is_tried_again_more_and_more_slowly() {
    registered(
        "
        await 100000
        <- REGISTER
        -> 503
        * down carrier Refused(503)
        wait 4900
        <- none
        await 6000
        <- REGISTER
        -> 500
        wait 9900
        <- none
        await 12000
        <- REGISTER
        -> 200
        * up carrier
        * none
        ",
    );
    // A trunk that says when to come again is believed, ...
    registered(
        "
        await 100000
        <- REGISTER
        -> 503 | Retry-After: 60 (maintenance)
        * down carrier Refused(503)
        wait 59000
        <- none
        await 20000
        <- REGISTER
        -> 200
        * up carrier
        ",
    );
    // ... and one that does not know our password is not asked for ever.
    check(&format!(
        "
        ! trunk user=acme:wrong
        ! find 198.51.100.7
        await 1
        <- REGISTER
        -> 401 | {CHALLENGE}
        <- REGISTER
        -> 401 | {CHALLENGE}
        * down carrier Unauthorized
        wait 4900
        <- none
        "
    ));
    check("! trunk user=acme:secret\n ! find\n * down carrier NotFound\n ! find\n * none\n wait 600000\n <- none");
}

#[test]
fn a_stale_nonce_is_answered_again_and_a_short_interval_made_longer() {
    registered(
        "
        await 100000
        <- REGISTER
        -> 401 | WWW-Authenticate: Digest realm=\"carrier\", nonce=\"three\", qop=\"auth\"
        <- REGISTER | nonce=\"three\"
        -> 401 | WWW-Authenticate: Digest realm=\"carrier\", nonce=\"four\", qop=\"auth\", stale=true
        <- REGISTER | nonce=\"four\" | no three
        -> 423 | Min-Expires: 1800
        await 1
        <- REGISTER | Expires: 1800
        -> 200
        * none
        ",
    );
    // One that is never content is not answered for ever.
    let stale = "-> 401 | WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n\", qop=\"auth\", stale=true\n";
    let asked = format!("<- REGISTER\n{stale}").repeat(5);
    check(&format!(
        "! trunk user=acme:secret\n! find 198.51.100.7\nawait 1\n{asked}* down carrier Unauthorized\n<- none"
    ));
}

#[test]
fn a_trunk_without_registration_is_asked_whether_it_is_there() {
    check(
        "
        ! trunk dial=+
        ! find 198.51.100.7
        await 1
        <- OPTIONS | OPTIONS sip:carrier.example SIP/2.0 | From: <sip:helpline@192.0.2.1>;tag=
        -> 404
        * up carrier
        wait 29000
        <- none
        await 2000
        <- OPTIONS
        # One that is lost is asked for again, before anybody is told.
        wait 4999
        <- OPTIONS
        <- OPTIONS
        <- OPTIONS
        * none
        await 10
        <- OPTIONS | CSeq: 3 OPTIONS
        -> 503
        * down carrier Refused(503)
        await 30000
        <- OPTIONS
        -> 200
        * up carrier
        ! trunk-lost
        * down carrier Silent
        wait 100000
        <- none
        ",
    );
}

#[test]
fn a_number_is_called_by_a_trunk_that_asks_who_calls() {
    registered(&format!(
        "
        ! dial-trunk +442079460123
        <- INVITE sdp | INVITE sip:+442079460123@carrier.example SIP/2.0 | From: <sip:+442079460000@carrier.example>;tag=out1- | CSeq: 1 INVITE | no Authorization
        -> 100
        -> 407 | {PROXY}
        <- ACK | CSeq: 1 ACK
        <- INVITE sdp | CSeq: 2 INVITE | Proxy-Authorization: Digest username=\"acme\", realm=\"carrier\", nonce=\"two\", uri=\"sip:+442079460123@carrier.example\", algorithm=SHA-256
        # A proxy asked, and now the one behind it does.
        -> 401 | {CHALLENGE}
        <- ACK
        <- INVITE sdp | CSeq: 3 INVITE | Proxy-Authorization: Digest | Authorization: Digest username=\"acme\"
        -> 180
        * ringing
        -> 200 answer
        <- ACK | CSeq: 3 ACK | Proxy-Authorization: Digest | Authorization: Digest
        * answered
        ! hangup
        * ended LocalHungUp
        <- BYE | CSeq: 4 BYE
        -> 407 | {PROXY}
        <- BYE | CSeq: 5 BYE | Proxy-Authorization: Digest
        -> 200
        <- none
        "
    ));
    // The answer is not believed.
    registered(&format!(
        "
        ! dial-trunk 02079460123
        <- INVITE sdp
        -> 407 | {PROXY}
        <- ACK
        <- INVITE sdp
        -> 407 | {PROXY}
        <- ACK
        * ended RefusedBy(407)
        <- none
        "
    ));
    // What we hang up while we are asked is not called once more.
    registered(&format!(
        "
        ! dial-trunk 02079460123
        <- INVITE sdp
        -> 100
        ! hangup
        <- CANCEL
        * ended LocalHungUp
        -> 407 | {PROXY}
        <- ACK
        wait 40000
        <- CANCEL
        <- CANCEL
        <- CANCEL
        <- CANCEL
        <- CANCEL
        <- CANCEL
        <- CANCEL
        <- CANCEL
        <- CANCEL
        <- CANCEL
        <- none
        "
    ));
}

#[test]
fn nothing_is_called_that_is_not_allowed() {
    for number in
        ["12025550123", "+1900555", "+44", "00442079460123@192.0.2.9", "+44;x=y", "sip:+442079460123", "%30123"]
    {
        registered(&format!("! dial-trunk {number}\n * ended RefusedBy(403)\n <- none"));
    }
    check("! dial-trunk +442079460123\n * ended RefusedBy(403)\n <- none");
    check(
        "! trunk\n ! find 198.51.100.7\n await 1\n <- OPTIONS\n -> 200\n * up carrier\n ! dial-trunk +442079460123\n * ended RefusedBy(403)\n <- none",
    );
    // One whose address is not known yet calls nobody either.
    check("! trunk dial=+\n ! dial-trunk +442079460123\n * ended TransportFailed\n <- none");
    // Where a trunk sends us elsewhere, nobody goes.
    registered(
        "
        ! dial-trunk +442079460123
        <- INVITE sdp
        -> 302 | Contact: <sip:+19005550123@192.0.2.9>
        <- ACK
        * ended RefusedBy(302)
        <- none
        ",
    );
}

#[test]
fn a_trunk_is_believed_who_calls() {
    let by = |from: &str, headers: &str, words: &str, incoming: &str| {
        check(&format!(
            "
            ! trunk user=acme:secret from={from}
            -> INVITE offer {words}{headers}
            * incoming {incoming}
            ! reject 486
            <- 486
            * ended Refused
            -> ACK refused
            "
        ));
    };
    let asserted = " | P-Asserted-Identity: \"Ada\" <sip:+442079460999@carrier.example>, <tel:+442079460999>";
    by("198.51.100.0/24", asserted, "", "1000 from +442079460999 sdp by carrier");
    by("198.51.100.0/24", &format!("{asserted} | Privacy: id"), "", "1000 from +442079460123 sdp by carrier");
    by(
        "198.51.100.0/24",
        "",
        "uri=sip:acme@192.0.2.1 to=+442079460000",
        "+442079460000 from +442079460123 sdp by carrier",
    );
    // Nobody else is.
    by("203.0.113.0/24", asserted, "", "1000 from +442079460123 sdp");
    by("203.0.113.0/24", "", "uri=sip:acme@192.0.2.1 to=+442079460000", "acme from +442079460123 sdp");
}
