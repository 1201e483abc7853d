//! Agents by telephone, with real softphones: codes that are confirmed by voice, and the whisper.

use std::thread::sleep;
use std::time::Duration;

use helpline::media::dtmf::inband::ToneDetector;
use helpline::telephony::Codec;

use crate::agents::ready;
use crate::house::{ADA, CALLER, Caller, House, expect_heard, expect_music, expect_said};
use crate::patience::patiently;
use crate::phone::{ADA_IS, MAKERS, Phone};
use crate::wave::Sound::{Other, Tone};
use crate::wave::passages;

/// Dials a code, and waits until Helpline has said what there is to say and hung up.
fn dial(house: &House, phone: &mut Phone, code: &str) {
    let completed = "helpline_calls_total{outcome=\"completed\"}";
    let before = house.server.metric(completed);
    phone.call(&format!("sip:{code}@127.0.0.1:{}", house.server.sip_port));
    house.server.expect_metric(completed, before + 1.0);
    house.server.expect_metric("helpline_calls_active", 0.0);
}

#[test]
fn codes_are_done_and_confirmed_by_voice() {
    patiently(|| {
        // What is dialled, how the agent stands then, for what reason, and what they hear.
        let steps: [(&str, &str, Option<&str>, &[&str]); 6] = [
            ("*12", "paused", Some("paused"), &["agent/paused"]),
            ("*121", "paused", Some("lunch"), &["pause/lunch"]),
            ("*19", "paused", Some("lunch"), &["pause/lunch", "agent/to_take_calls"]),
            ("*11", "ready", None, &["agent/ready"]),
            ("*14", "ready", None, &["agent/no_wrap_up", "agent/ready"]),
            ("*13", "logged_out", None, &["agent/logged_out"]),
        ];
        for maker in MAKERS {
            for (code, state, reason, said) in steps {
                let mut house = House::with("wrap_up: 1s");
                let mut ada = Phone::new(maker, &house.server, ADA_IS, Codec::Pcmu, ADA);
                ready(&house, "1001");
                if code == "*19" {
                    dial(&house, &mut ada, "*121");
                }
                dial(&house, &mut ada, code);
                house.server.expect_agent("1001", state);
                let agent = house.server.api("agents/1001");
                assert_eq!(agent["reason"].as_str(), reason, "{maker:?} {code}: {agent:#}");
                expect_said(&format!("{maker:?} {code}: Ada"), &ada.quit(), said);
                house.server.expect_quiet();
            }
        }
    });
}

#[test]
fn a_paused_agent_gets_no_call_until_they_dial_that_they_are_ready() {
    patiently(|| {
        let mut house = House::with("wrap_up: 1s");
        let mut ada = Phone::new(MAKERS[0], &house.server, ADA_IS, Codec::Pcmu, ADA);
        ready(&house, "1001");
        dial(&house, &mut ada, "*12");
        let caller = Caller::dial(&house, CALLER, "60s");
        house.expect_waiting(1);
        sleep(Duration::from_secs(1));
        assert_eq!(house.server.metric_sum("helpline_agent_offers_total"), 0.0);
        ada.call(&format!("sip:*11@127.0.0.1:{}", house.server.sip_port));
        // The phone rings as soon as the agent has heard the answer.
        house.expect_left("answered", 1);
        sleep(Duration::from_secs(2));
        let heard = passages(&caller.hang_up(), &[ADA], 0.4);
        assert!(heard.last().is_some_and(|last| last.sound == Tone(ADA)), "{heard:?}");
        house.server.expect_quiet();
    });
}

#[test]
fn nobody_but_an_agent_can_dial_a_code() {
    patiently(|| {
        let mut house = House::with("wrap_up: 1s");
        let phone = Phone::new(MAKERS[1], &house.server, ("1001", "guessed"), Codec::Pcmu, ADA);
        house.server.expect_metric("helpline_sip_rejected_total{reason=\"wrong_password\"}", 1.0);
        let Phone::Pjsip(mut phone) = phone else { unreachable!("the second is PJSIP") };
        phone.order(&format!("call sip:*11@127.0.0.1:{}", house.server.sip_port));
        phone.expect("state 0 DISCONNECTED", 1);
        assert_eq!(house.server.agent("1001"), "logged_out");
        house.server.expect_quiet();
    });
}

#[test]
fn an_agent_hears_whose_caller_it_is_while_the_caller_hears_music() {
    patiently(|| {
        for maker in MAKERS {
            let mut house = House::with("whisper: true, wrap_up: 1s");
            let caller = Caller::dial(&house, CALLER, "60s");
            house.expect_waiting(1);
            // Some words, and music.
            sleep(Duration::from_secs(4));
            let ada = Phone::new(maker, &house.server, ADA_IS, Codec::Pcmu, ADA);
            house.expect_left("answered", 1);
            sleep(Duration::from_secs(2));
            let heard = caller.hang_up();
            let told = expect_heard("the caller", &heard, &[(Other, 4.0..30.0), (Tone(ADA), 1.2..4.0)]);
            expect_music("the caller", &heard, told[0]);
            let ada = ada.quit();
            expect_said("Ada", &ada, &["agent/caller_has_waited_less"]);
            // The caller is heard after the whisper, and not in it.
            expect_heard("Ada", &ada, &[(Other, 0.8..8.0), (Tone(CALLER), 1.2..4.0)]);
            house.server.expect_quiet();
        }
    });
}

#[test]
fn a_key_ends_the_whisper_and_the_caller_does_not_hear_it() {
    patiently(|| {
        for maker in MAKERS {
            let mut house = House::with("whisper: true, wrap_up: 1s");
            let mut ada = Phone::new(maker, &house.server, ADA_IS, Codec::Pcmu, ADA);
            ready(&house, "1001");
            let caller = Caller::dial(&house, CALLER, "60s");
            house.server.expect("whether the agent is told", || whispers(&house), &true);
            ada.press('5');
            house.expect_left("answered", 1);
            sleep(Duration::from_secs(2));
            let heard = caller.hang_up();
            let keys: Vec<_> = {
                let mut ear = ToneDetector::new();
                heard.chunks_exact(160).filter_map(|block| ear.hear(block)).collect()
            };
            assert!(keys.is_empty(), "{maker:?}: the caller heard the keys {keys:?}");
            let told = passages(&heard, &[ADA], 0.05);
            let joined = told.iter().position(|passage| passage.sound == Tone(ADA)).expect("the agent was heard");
            let after: f64 =
                told[joined..].iter().filter(|one| one.sound == Other).map(|passage| passage.seconds()).sum();
            assert!(after < 0.1, "{maker:?}: the caller heard {told:?}");
            let seconds = passages(&ada.quit(), &[CALLER], 0.2);
            let whisper: f64 = seconds.iter().filter(|one| one.sound == Other).map(|one| one.seconds()).sum();
            assert!(whisper < 1.5, "{maker:?}: the whisper went on for {whisper:.1} s");
            house.server.expect_quiet();
        }
    });
}

/// Whether the agent has picked up and the caller is not joined to them yet.
fn whispers(house: &House) -> bool {
    house.offers("1001", "accepted") == 1.0 && house.left("answered") == 0.0
}
