//! Agents pass callers on with real softphones: blind, after a word with a colleague, and back to a queue.

use std::thread::sleep;
use std::time::Duration;

use helpline::telephony::Codec;

use crate::agents::{ready, seconds};
use crate::capture::Capture;
use crate::house::{ADA, CALLER, Caller, GRACE, House, expect_heard, expect_music};
use crate::patience::patiently;
use crate::phone::{ADA_IS, GRACE_IS, MAKERS, Maker, Phone};
use crate::pjsip::{Options, Pjsip};
use crate::wave::Sound::{Other, Tone};
use crate::wave::passages;

/// The address of a number or an extension of the house.
fn uri(house: &House, number: &str) -> String {
    format!("sip:{number}@127.0.0.1:{}", house.server.sip_port)
}

/// Every conversation of the only call: its agents in order.
fn agents(record: &serde_json::Value) -> Vec<&str> {
    let conversations = record["conversations"].as_array().expect("a list");
    conversations.iter().map(|conversation| conversation["agent"].as_str().expect("an extension")).collect()
}

#[test]
fn a_caller_who_is_passed_on_hears_music_and_then_the_colleague() {
    patiently(|| {
        for maker in MAKERS {
            let mut house = House::with("wrap_up: 1s, strategy: linear");
            let capture = Capture::start(&house.server);
            let mut ada = Phone::new(maker, &house.server, ADA_IS, Codec::Pcmu, ADA);
            let grace = Phone::new(Maker::Pjsip, &house.server, GRACE_IS, Codec::Pcma, GRACE);
            ready(&house, "1001");
            ready(&house, "1002");
            let caller = Caller::dial(&house, CALLER, "60s");
            house.server.expect_agent("1001", "talking");
            sleep(Duration::from_secs(2));
            ada.transfer(&uri(&house, "1002"));
            house.server.expect_agent("1002", "talking");
            ready(&house, "1001");
            sleep(Duration::from_secs(2));
            let heard = caller.hang_up();
            let told: Vec<_> = passages(&heard, &[ADA, GRACE], 0.4).iter().map(|passage| passage.sound).collect();
            assert!(told.first() == Some(&Tone(ADA)) && told.last() == Some(&Tone(GRACE)), "{maker:?}: {told:?}");
            let record = house.server.record();
            assert_eq!(agents(&record), ["1001", "1002"], "{record}");
            assert!(seconds(&record, 0, "talk_seconds") > 1.5 && seconds(&record, 1, "talk_seconds") > 1.5, "{record}");
            // Ada hears nobody any more, and Grace only the caller.
            let heard = passages(&grace.quit(), &[CALLER], 0.4);
            assert!(heard.iter().all(|passage| passage.sound != Other), "Grace heard {heard:?}");
            drop(ada);
            house.server.expect_quiet();
            let gaps = capture.end().gaps(3);
            assert!(gaps.iter().all(Vec::is_empty), "{maker:?}: no audio was sent for a while: {gaps:?}");
        }
    });
}

#[test]
fn an_agent_asks_a_colleague_before_passing_the_caller_on() {
    patiently(|| {
        let mut house = House::with("wrap_up: 1s, strategy: linear");
        let capture = Capture::start(&house.server);
        let options = Options { answers: &[180, 200], ..Options::default() };
        let mut ada = Pjsip::agent(&house.server, ADA_IS, Codec::Pcmu, ADA, &options);
        let grace = Phone::new(Maker::Pjsip, &house.server, GRACE_IS, Codec::Pcmu, GRACE);
        ready(&house, "1001");
        ready(&house, "1002");
        let caller = Caller::dial(&house, CALLER, "60s");
        house.server.expect_agent("1001", "talking");
        sleep(Duration::from_secs(2));
        ada.order("hold");
        house.server.expect_agent("1001", "holding");
        ada.order(&format!("call {}", uri(&house, "1002")));
        ada.expect("state 1 CONFIRMED", 1);
        sleep(Duration::from_secs(2));
        ada.order("use 0");
        ada.order("attended 1");
        ada.expect("transferring 0 200", 1);
        ready(&house, "1001");
        sleep(Duration::from_secs(2));
        let heard = caller.hang_up();
        let told =
            expect_heard("the caller", &heard, &[(Tone(ADA), 1.2..4.0), (Other, 1.8..6.0), (Tone(GRACE), 1.5..6.0)]);
        expect_music("the caller", &heard, told[1]);
        // Grace hears Ada, who asks, and then the caller.
        expect_heard("Grace", &grace.quit(), &[(Tone(ADA), 1.2..4.0), (Tone(CALLER), 1.5..6.0)]);
        drop(ada);
        house.server.expect_quiet();
        let gaps = capture.end().gaps(4);
        assert!(gaps[0].is_empty(), "the caller was sent no audio for a while: {:?}", gaps[0]);
    });
}

#[test]
fn a_caller_who_is_sent_back_to_the_queue_waits_for_another_agent() {
    patiently(|| {
        for maker in MAKERS {
            let mut house = House::with("wrap_up: 30s, strategy: linear");
            let mut ada = Phone::new(maker, &house.server, ADA_IS, Codec::Pcmu, ADA);
            ready(&house, "1001");
            let caller = Caller::dial(&house, CALLER, "60s");
            house.server.expect_agent("1001", "talking");
            sleep(Duration::from_secs(2));
            ada.transfer(&uri(&house, "support"));
            house.expect_waiting(1);
            house.server.expect_agent("1001", "wrap_up");
            sleep(Duration::from_secs(4));
            let grace = Phone::new(Maker::Pjsip, &house.server, GRACE_IS, Codec::Pcmu, GRACE);
            house.server.expect_agent("1002", "talking");
            sleep(Duration::from_secs(2));
            let heard = caller.hang_up();
            let parts = [(Tone(ADA), 1.2..4.0), (Other, 3.5..9.0), (Tone(GRACE), 1.5..4.0)];
            let told = expect_heard("the caller", &heard, &parts);
            expect_music("the caller", &heard, told[1]);
            assert_eq!(agents(&house.server.record()), ["1001", "1002"]);
            drop((ada, grace));
            house.server.expect_quiet();
        }
    });
}

#[test]
fn a_transfer_to_nobody_leaves_the_call_as_it_is() {
    patiently(|| {
        let mut house = House::with("wrap_up: 1s");
        let options = Options { answers: &[200], ..Options::default() };
        let mut ada = Pjsip::agent(&house.server, ADA_IS, Codec::Pcmu, ADA, &options);
        ready(&house, "1001");
        let caller = Caller::dial(&house, CALLER, "60s");
        house.server.expect_agent("1001", "talking");
        sleep(Duration::from_secs(1));
        for (number, status) in [("7777", 404), ("1001", 486)] {
            ada.order(&format!("transfer {}", uri(&house, number)));
            ada.expect(&format!("transferring 0 {status}"), 1);
            sleep(Duration::from_secs(1));
            assert_eq!(house.server.agent("1001"), "talking");
        }
        expect_heard("the caller", &caller.hang_up(), &[(Tone(ADA), 2.5..6.0)]);
        ada.quit();
        house.server.expect_quiet();
    });
}

#[test]
fn a_colleague_takes_the_caller_over_after_a_word_from_phone_to_phone() {
    patiently(|| {
        let mut house = House::with("wrap_up: 1s, strategy: linear");
        let options = Options { answers: &[180, 200], ..Options::default() };
        let mut ada = Pjsip::agent(&house.server, ADA_IS, Codec::Pcmu, ADA, &options);
        let grace = Pjsip::agent(&house.server, GRACE_IS, Codec::Pcmu, GRACE, &options);
        ready(&house, "1001");
        ready(&house, "1002");
        let caller = Caller::dial(&house, CALLER, "60s");
        house.server.expect_agent("1001", "talking");
        sleep(Duration::from_secs(2));
        ada.order("hold");
        house.server.expect_agent("1001", "holding");
        // Helpline hears nothing of this call: it is from the one phone to the other.
        ada.order(&format!("call sip:1002@127.0.0.1:{}", grace.port));
        ada.expect("state 1 CONFIRMED", 1);
        sleep(Duration::from_secs(1));
        // Ada asks Grace's phone to take the place of hers in the call with the caller: INVITE with Replaces.
        ada.order("attended 0");
        grace.expect("asked 0", 1);
        house.server.expect_agent("1002", "talking");
        ada.expect("state 0 DISCONNECTED", 1);
        ada.order("use 1");
        ada.order("hangup");
        ready(&house, "1001");
        sleep(Duration::from_secs(2));
        let heard = caller.hang_up();
        let told =
            expect_heard("the caller", &heard, &[(Tone(ADA), 1.2..4.0), (Other, 0.8..6.0), (Tone(GRACE), 1.5..4.0)]);
        expect_music("the caller", &heard, told[1]);
        let record = house.server.record();
        assert_eq!(agents(&record), ["1001", "1002"], "{record}");
        let heard = passages(&grace.quit(), &[ADA, CALLER], 0.4);
        assert!(heard.last().is_some_and(|last| last.sound == Tone(CALLER)), "Grace heard {heard:?}");
        drop(ada);
        house.server.expect_quiet();
    });
}

#[test]
fn those_with_whom_an_agent_has_two_calls_are_joined_without_a_gap_wherever_their_audio_is() {
    patiently(|| {
        let mut house = House::with("wrap_up: 1s, strategy: linear");
        assert!(house.server.media_threads() >= 2, "this test needs two processors, for two media threads");
        let capture = Capture::start(&house.server);
        let options = Options { answers: &[180, 200], ..Options::default() };
        let mut ada = Pjsip::agent(&house.server, ADA_IS, Codec::Pcmu, ADA, &options);
        ready(&house, "1001");
        // The caller and Ada are on one media thread, and the colleague who calls her begins on another.
        let caller = Caller::dial(&house, CALLER, "60s");
        house.server.expect_agent("1001", "talking");
        let mut grace = Pjsip::agent(&house.server, GRACE_IS, Codec::Pcma, GRACE, &options);
        ready(&house, "1002");
        grace.order(&format!("call {}", uri(&house, "1001")));
        grace.expect("state 0 CONFIRMED", 1);
        ada.expect("state 1 CONFIRMED", 1);
        sleep(Duration::from_secs(2));
        ada.order("use 0");
        ada.order("attended 1");
        ada.expect("transferring 0 200", 1);
        ready(&house, "1001");
        sleep(Duration::from_secs(3));
        let heard = caller.hang_up();
        let told: Vec<_> = passages(&heard, &[ADA, GRACE], 0.4);
        let last = told.last().expect("something was heard");
        assert!(last.sound == Tone(GRACE) && last.seconds() > 2.0, "the caller heard {told:?}");
        let told: Vec<_> = passages(&grace.quit(), &[ADA, CALLER], 0.4);
        let last = told.iter().rfind(|passage| passage.sound == Tone(CALLER)).expect("Grace hears the caller");
        assert!(last.seconds() > 2.0 && told.iter().any(|passage| passage.sound == Tone(ADA)), "Grace heard {told:?}");
        drop(ada);
        house.server.expect_quiet();
        let gaps = capture.end().gaps(4);
        assert!(gaps.iter().all(Vec::is_empty), "no audio was sent for a while: {gaps:?}");
    });
}
