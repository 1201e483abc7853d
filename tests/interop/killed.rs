//! `kill -9` and a new start, with real softphones that know nothing of it.

use std::thread::sleep;
use std::time::Duration;

use helpline::telephony::Codec;

use crate::agents::ready;
use crate::house::{ADA, CALLER, Caller, House, expect_heard};
use crate::patience::patiently;
use crate::phone::{ADA_IS, MAKERS, Phone};
use crate::wave::Sound::Tone;

#[test]
fn a_phone_gets_a_call_from_the_next_server_without_registering_again() {
    patiently(|| {
        for maker in MAKERS {
            let mut house = House::with("wrap_up: 1s");
            let ada = Phone::new(maker, &house.server, ADA_IS, Codec::Pcmu, ADA);
            ready(&house, "1001");
            // It is written by then.
            sleep(Duration::from_secs(1));
            house.server.die_and_rise(Duration::from_secs(1));
            ready(&house, "1001");
            let caller = Caller::dial(&house, CALLER, "60s");
            house.expect_left("answered", 1);
            sleep(Duration::from_secs(3));
            let heard = caller.hang_up();
            assert_eq!(registered(&house), 0.0, "{maker:?} was not to register meanwhile");
            expect_heard("the caller", &heard, &[(Tone(ADA), 2.2..5.0)]);
            expect_heard("the agent", &ada.quit(), &[(Tone(CALLER), 2.2..5.0)]);
            house.server.expect_quiet();
        }
    });
}

#[test]
fn a_phone_that_registers_with_what_it_knew_before_the_kill_goes_on() {
    patiently(|| {
        let mut house = House::with("wrap_up: 1s");
        let mut ada = crate::pjsip::Pjsip::agent(&house.server, ADA_IS, Codec::Pcmu, ADA, &Default::default());
        ready(&house, "1001");
        sleep(Duration::from_secs(1));
        house.server.die_and_rise(Duration::ZERO);
        // Its nonce is an earlier server's: it is told so, and proves who it is anew.
        ada.order("register");
        ada.expect("registration 200", 2);
        house.server.expect("how many registrations were taken", || registered(&house), &1.0);
        assert_eq!(house.server.metric("helpline_sip_rejected_total{reason=\"wrong_password\"}"), 0.0);
        ready(&house, "1001");
        house.server.expect_quiet();
    });
}

/// How many registrations the server has taken.
fn registered(house: &House) -> f64 {
    house.server.metric("helpline_sip_requests_total{code=\"200\",method=\"REGISTER\"}")
}
