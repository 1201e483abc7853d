//! Real softphones as agents: they register, take queued calls, are heard by the right caller, hold, refuse and disappear.

use std::thread::sleep;
use std::time::Duration;

use helpline::telephony::Codec;
use serde_json::Value;

use crate::capture::{Capture, Gap};
use crate::house::{ADA, CALLER, Caller, GRACE, House, OTHER_CALLER, expect_heard, expect_music};
use crate::patience::patiently;
use crate::phone::{ADA_IS, GRACE_IS, MAKERS, Maker, Phone};
use crate::wave::Sound::{Other, Tone};

/// A field of a conversation in a record, in seconds.
pub fn seconds(record: &Value, conversation: usize, field: &str) -> f64 {
    let value = &record["conversations"][conversation][field];
    value.as_f64().unwrap_or_else(|| panic!("{field} is {value} in {record}"))
}

pub fn expect_about(what: &str, is: f64, expected: f64) {
    // The steps of a test are as exact as a busy machine lets them be.
    assert!((is - expected).abs() < 0.7, "{what} is {is:.2}, not about {expected}");
}

pub fn ready(house: &House, extension: &str) {
    house.server.expect_agent(extension, "ready");
}

#[test]
fn caller_and_agent_hear_each_other() {
    patiently(|| {
        for (maker, codec) in [
            (Maker::Baresip, Codec::Pcmu),
            (Maker::Baresip, Codec::Pcma),
            (Maker::Pjsip, Codec::Pcmu),
            (Maker::Pjsip, Codec::Pcma),
        ] {
            let mut house = House::with("wrap_up: 2s");
            let ada = Phone::new(maker, &house.server, ADA_IS, codec, ADA);
            ready(&house, "1001");
            let caller = Caller::dial(&house, CALLER, "5s");
            house.expect_left("answered", 1);
            let heard = caller.heard();
            house.server.expect_agent("1001", "wrap_up");
            ready(&house, "1001");
            assert_eq!(house.server.metric("helpline_handle_seconds_count{phase=\"talk\",queue=\"support\"}"), 1.0);
            expect_heard("the caller", &heard, &[(Tone(ADA), 4.0..5.5)]);
            expect_heard("the agent", &ada.quit(), &[(Tone(CALLER), 4.0..5.5)]);
            house.server.expect_quiet();
        }
    });
}

#[test]
fn everybody_hears_their_own_side_and_nobody_else() {
    patiently(|| {
        let mut house = House::with("wrap_up: 2s, strategy: linear");
        let ada = Phone::new(Maker::Pjsip, &house.server, ADA_IS, Codec::Pcma, ADA);
        let grace = Phone::new(Maker::Baresip, &house.server, GRACE_IS, Codec::Pcmu, GRACE);
        ready(&house, "1001");
        ready(&house, "1002");
        let first = Caller::dial_from(&house, "100", CALLER, "8s");
        house.expect_left("answered", 1);
        let second = Caller::dial_from(&house, "200", OTHER_CALLER, "8s");
        house.expect_left("answered", 2);
        expect_heard("the first caller", &first.heard(), &[(Tone(ADA), 6.5..8.5)]);
        expect_heard("the second caller", &second.heard(), &[(Tone(GRACE), 6.5..8.5)]);
        expect_heard("Ada", &ada.quit(), &[(Tone(CALLER), 6.5..8.5)]);
        expect_heard("Grace", &grace.quit(), &[(Tone(OTHER_CALLER), 6.5..8.5)]);
        house.server.expect_quiet();
    });
}

#[test]
fn who_waits_is_connected_when_an_agent_comes_and_goes_on_when_they_hang_up() {
    patiently(|| {
        for maker in MAKERS {
            let mut house = House::with("wrap_up: 2s");
            let caller = Caller::dial(&house, CALLER, "60s");
            house.expect_waiting(1);
            let waited = "helpline_queue_position_wait_seconds{position=\"1\",queue=\"support\"}";
            assert!(house.server.metric(waited) > 0.0);
            // Some words, and music.
            sleep(Duration::from_secs(4));
            let mut grace = Phone::new(maker, &house.server, GRACE_IS, Codec::Pcmu, GRACE);
            house.server.expect_agent("1002", "talking");
            house.expect_waiting(0);
            sleep(Duration::from_secs(3));
            // The agent hangs up first: the flow goes on for the caller, and ends.
            grace.order("hangup");
            house.server.expect_metric("helpline_calls_total{outcome=\"completed\"}", 1.0);
            let heard = caller.heard();
            // Music, Grace, goodbye.
            let told =
                expect_heard("the caller", &heard, &[(Other, 3.5..11.0), (Tone(GRACE), 2.5..5.0), (Other, 0.5..5.0)]);
            expect_music("the caller", &heard, told[0]);
            expect_heard("the agent", &grace.quit(), &[(Tone(CALLER), 2.5..5.0)]);
            house.server.expect_quiet();
        }
    });
}

#[test]
fn a_wrong_password_makes_no_agent() {
    patiently(|| {
        for maker in MAKERS {
            let mut house = House::with("wrap_up: 2s");
            let phone = Phone::new(maker, &house.server, ("1001", "guessed"), Codec::Pcmu, ADA);
            house.server.expect_metric("helpline_sip_rejected_total{reason=\"wrong_password\"}", 1.0);
            for status in ["401", "403"] {
                let series = format!("helpline_sip_requests_total{{code=\"{status}\",method=\"REGISTER\"}}");
                assert!(house.server.metric(&series) >= 1.0, "no {status}");
            }
            assert_eq!(house.server.agent("1001"), "logged_out");
            let caller = Caller::dial(&house, CALLER, "2s");
            caller.heard();
            house.expect_left("short_abandoned", 1);
            if let Phone::Pjsip(phone) = &phone {
                phone.expect("registration 403", 1);
            }
            assert!(phone.log().contains("403"), "{maker:?}: {}", phone.log());
            house.server.expect_quiet();
        }
    });
}

#[test]
fn an_agent_holds_and_the_caller_hears_music() {
    patiently(|| {
        for maker in MAKERS {
            let mut house = House::with("wrap_up: 2s");
            let mut ada = Phone::new(maker, &house.server, ADA_IS, Codec::Pcmu, ADA);
            ready(&house, "1001");
            let caller = Caller::dial(&house, CALLER, "60s");
            house.server.expect_agent("1001", "talking");
            sleep(Duration::from_secs(2));
            ada.order("hold");
            house.server.expect_agent("1001", "holding");
            sleep(Duration::from_secs(4));
            ada.order("resume");
            house.server.expect_agent("1001", "talking");
            sleep(Duration::from_secs(2));
            let heard = caller.hang_up();
            let parts = [(Tone(ADA), 1.2..4.0), (Other, 3.2..6.0), (Tone(ADA), 1.2..4.0)];
            let told = expect_heard("the caller", &heard, &parts);
            expect_music("the caller", &heard, told[1]);
            let record = house.server.record();
            expect_about("the hold", seconds(&record, 0, "hold_seconds"), told[1].seconds());
            expect_about("the talk", seconds(&record, 0, "talk_seconds"), told[0].seconds() + told[2].seconds());
            house.server.expect_metric("helpline_handle_seconds_count{phase=\"hold\",queue=\"support\"}", 1.0);
            // Of the agent's side only the caller may be heard.
            let heard: f64 = expect_heard_only(&ada.quit(), CALLER);
            // baresip's recorder hears nothing any more after a hold, although the packets come.
            let least = if matches!(maker, Maker::Baresip) { 1.2 } else { 3.0 };
            assert!(heard > least, "{maker:?} heard the caller for {heard:.1} s");
            house.server.expect_quiet();
        }
    });
}

/// Nothing but this tone was heard; for how many seconds in all.
pub fn expect_heard_only(heard: &[i16], hertz: f64) -> f64 {
    let passages = crate::wave::passages(heard, &[hertz], 0.4);
    assert!(!passages.iter().any(|passage| passage.sound == Other), "{passages:?} instead of {hertz} Hz alone");
    passages.iter().filter(|passage| passage.sound == Tone(hertz)).map(|passage| passage.seconds()).sum()
}

#[test]
fn who_does_not_answer_is_passed_over_rests_and_is_paused() {
    patiently(|| {
        for maker in MAKERS {
            let mut house = House::with("ring: 5s, wrap_up: 1s, strategy: linear");
            let ada = Phone::ringing(maker, &house.server, ADA_IS, ADA);
            let grace = Phone::new(Maker::Baresip, &house.server, GRACE_IS, Codec::Pcmu, GRACE);
            ready(&house, "1001");
            ready(&house, "1002");
            let first = Caller::dial_from(&house, "100", CALLER, "60s");
            house.server.expect_agent("1001", "ringing");
            assert_eq!(house.server.agent("1002"), "ready");
            house.expect_offers("1001", "no_answer", 1);
            house.server.expect_agent("1002", "talking");
            // Ada rests: although she is the only one left, nobody is offered to her for a while.
            let second = Caller::dial_from(&house, "200", OTHER_CALLER, "60s");
            house.expect_waiting(1);
            assert_eq!(house.server.agent("1001"), "ready");
            house.server.expect_agent("1001", "ringing");
            house.expect_offers("1001", "no_answer", 2);
            house.server.expect_agent("1001", "paused");
            let heard = first.hang_up();
            let told = expect_heard("the first caller", &heard, &[(Other, 4.0..6.5), (Tone(GRACE), 8.0..16.0)]);
            expect_music("the first caller", &heard, told[0]);
            house.expect_left("answered", 2);
            second.hang_up();
            let record = house.server.records().remove(0);
            assert_eq!(record["conversations"][0]["agent"], "1002");
            expect_about("the wait", seconds(&record, 0, "waited_seconds"), 5.0);
            drop(ada);
            drop(grace);
            house.server.expect_quiet();
        }
    });
}

#[test]
fn who_declines_or_is_busy_is_not_rung_again_at_once() {
    patiently(|| {
        for (maker, answer, result) in [
            (Maker::Pjsip, Some(603), "declined"),
            (Maker::Pjsip, Some(486), "busy"),
            // baresip's own way of not taking a call is 486.
            (Maker::Baresip, None, "busy"),
        ] {
            let mut house = House::with("wrap_up: 1s, strategy: linear");
            let mut ada = Phone::ringing(maker, &house.server, ADA_IS, ADA);
            ready(&house, "1001");
            let grace = Phone::new(Maker::Pjsip, &house.server, GRACE_IS, Codec::Pcmu, GRACE);
            ready(&house, "1002");
            let caller = Caller::dial(&house, CALLER, "3s");
            house.server.expect_agent("1001", "ringing");
            ada.order(&answer.map_or("hangup".to_owned(), |status| format!("answer {status}")));
            house.expect_offers("1001", result, 1);
            house.expect_left("answered", 1);
            let heard = caller.heard();
            let heard_last = *crate::wave::passages(&heard, &[GRACE], 0.4).last().expect("something was heard");
            assert!(heard_last.sound == Tone(GRACE), "{maker:?}, {result}: {heard_last:?}");
            assert_eq!(house.offers("1002", "accepted"), 1.0);
            assert_eq!(house.server.record()["conversations"][0]["agent"], "1002");
            grace.quit();
            house.server.expect_quiet();
        }
    });
}

#[test]
fn who_unregisters_is_offered_nothing() {
    patiently(|| {
        let mut house = House::with("wrap_up: 1s");
        let mut ada = Phone::new(Maker::Pjsip, &house.server, ADA_IS, Codec::Pcmu, ADA);
        ready(&house, "1001");
        ada.order("unregister");
        house.server.expect_agent("1001", "unreachable");
        let caller = Caller::dial(&house, CALLER, "60s");
        house.expect_waiting(1);
        sleep(Duration::from_secs(1));
        assert_eq!(house.server.metric_sum("helpline_agent_offers_total"), 0.0);
        // They are back: the caller has waited for them.
        ada.order("register");
        house.expect_left("answered", 1);
        sleep(Duration::from_secs(1));
        caller.hang_up();
        house.server.expect_quiet();
    });
}

#[test]
fn a_phone_that_is_gone_makes_its_agent_unreachable() {
    patiently(|| {
        for maker in MAKERS {
            let mut house = House::with("wrap_up: 1s");
            let mut ada = Phone::new(maker, &house.server, ADA_IS, Codec::Pcmu, ADA);
            let grace = Phone::new(maker, &house.server, GRACE_IS, Codec::Pcmu, GRACE);
            ready(&house, "1001");
            ready(&house, "1002");
            // The one's program is gone, the other's network: probes tell, long before their registrations are over.
            ada.kill();
            grace.freeze();
            house.server.expect_agent("1001", "unreachable");
            house.server.expect_agent("1002", "unreachable");
            let caller = Caller::dial(&house, CALLER, "1s");
            caller.heard();
            assert_eq!(house.server.metric_sum("helpline_agent_offers_total"), 0.0, "{maker:?}");
            grace.thaw();
            ready(&house, "1002");
            house.server.expect_quiet();
        }
    });
}

/// The agent disappears in the middle of a conversation: the caller waits again at their place, and goes to the other.
fn disappears(maker: Maker, disappear: impl FnOnce(&mut Phone)) {
    let mut house = House::with("ring: 5s, wrap_up: 1s, strategy: linear");
    let mut ada = Phone::new(maker, &house.server, ADA_IS, Codec::Pcmu, ADA);
    ready(&house, "1001");
    let caller = Caller::dial(&house, CALLER, "120s");
    house.server.expect_agent("1001", "talking");
    let grace = Phone::new(Maker::Pjsip, &house.server, GRACE_IS, Codec::Pcmu, GRACE);
    ready(&house, "1002");
    sleep(Duration::from_secs(2));
    disappear(&mut ada);
    house.server.expect_agent("1002", "talking");
    sleep(Duration::from_secs(2));
    let heard = caller.hang_up();
    let last = *crate::wave::passages(&heard, &[ADA, GRACE], 0.4).last().expect("something was heard");
    assert!(last.sound == Tone(GRACE), "{last:?}");
    let record = house.server.record();
    assert_eq!(record["conversations"][0]["ended_by"], "broken", "{record}");
    assert_eq!(record["conversations"][1]["agent"], "1002", "{record}");
    // The place is the old one: the wait counts from the first entry.
    let waited = seconds(&record, 1, "waited_seconds");
    assert!(waited > seconds(&record, 0, "talk_seconds"), "{record}");
    expect_heard_only(&grace.quit(), CALLER);
    assert_ne!(house.server.agent("1001"), "talking");
    drop(ada);
    house.server.expect_quiet();
}

#[test]
fn a_caller_whose_agent_is_killed_waits_again() {
    patiently(|| {
        disappears(Maker::Baresip, Phone::kill);
    });
}

#[test]
fn a_caller_whose_agents_network_is_cut_waits_again() {
    patiently(|| {
        disappears(Maker::Pjsip, |phone| phone.freeze());
    });
}

/// No packet of ours came later than 60 ms after the one before.
fn expect_no_gap(who: &str, gaps: &[Gap]) {
    assert!(gaps.is_empty(), "{who} was sent no audio for a while: {gaps:?}");
}

#[test]
fn audio_flows_without_a_gap_from_the_first_ring_through_hold_to_the_end() {
    patiently(|| {
        let mut house = House::with("wrap_up: 1s");
        let capture = Capture::start(&house.server);
        let caller = Caller::dial(&house, CALLER, "60s");
        house.expect_waiting(1);
        sleep(Duration::from_secs(4));
        // The phone registers when somebody waits: the caller goes from music to the agent, on hold, and back.
        let mut ada = Phone::new(Maker::Pjsip, &house.server, ADA_IS, Codec::Pcma, ADA);
        house.server.expect_agent("1001", "talking");
        sleep(Duration::from_secs(2));
        ada.order("hold");
        house.server.expect_agent("1001", "holding");
        sleep(Duration::from_secs(2));
        ada.order("resume");
        house.server.expect_agent("1001", "talking");
        sleep(Duration::from_secs(2));
        caller.hang_up();
        house.server.expect_quiet();
        let gaps = capture.end().gaps(2);
        expect_no_gap("the caller", &gaps[0]);
        // A phone that holds wants to hear nothing: that is one pause, as long as the hold.
        let pauses: Vec<f64> = gaps[1].iter().map(|gap| gap.length_ms).collect();
        assert!(matches!(pauses[..], [hold] if (1_800.0..4_000.0).contains(&hold)), "the agent was sent {:?}", gaps[1]);
    });
}
