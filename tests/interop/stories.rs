//! The API tells of a real call with a real softphone, and ends it.

use helpline::telephony::Codec;

use crate::house::{ADA, CALLER, Caller, House};
use crate::patience::patiently;
use crate::softphone::{Answering, Softphone};

#[test]
fn a_call_is_seen_told_and_hung_up() {
    patiently(|| {
        let house = House::with("wrap_up: 2s");
        let server = &house.server;
        let caller = Caller::dial_from(&house, "+442079460123", CALLER, "60s");
        house.expect_waiting(1);
        let waiting = server.api("calls")["items"][0].clone();
        assert_eq!((&waiting["state"], &waiting["position"]), (&"waiting".into(), &1.into()), "{waiting:#}");
        assert_eq!(
            (&waiting["caller"], &waiting["queue"]),
            (&"+442079460123".into(), &"support".into()),
            "{waiting:#}"
        );
        let id = waiting["id"].as_str().expect("a name").to_owned();
        let story = format!("calls/{id}");
        let state = || server.api(&story)["state"].as_str().map(str::to_owned);
        let _ada = Softphone::agent(server, ("1001", "secret"), Codec::Pcmu, ADA, Answering::Auto);
        server.expect("the call's state", state, &Some("talking".to_owned()));
        let told = server.api(&story);
        assert_eq!((&told["agent"], &told["legs"][1]["agent"]), (&"1001".into(), &"1001".into()), "{told:#}");
        assert!(server.send("DELETE", &format!("/api/v1/{story}")).starts_with("HTTP/1.1 204 "));
        caller.heard();
        server.expect("the call's state", state, &Some("ended".to_owned()));
        let told = server.api(&story);
        assert_eq!(told["outcome"], "operator", "{told:#}");
        let kinds: Vec<&str> = told["events"]
            .as_array()
            .expect("events")
            .iter()
            .map(|event| event["event"].as_str().expect("a kind"))
            .filter(|kind| !["playing", "service_level", "audio_changed", "place_spoken"].contains(kind))
            .collect();
        let expected = ["offered", "answered", "began", "step_entered", "queue_entered", "agent_offered"];
        assert_eq!(kinds[..expected.len()], expected, "{told:#}");
        for kind in ["agent_offer_ended", "queue_left", "joined", "hung_up", "parted", "ended"] {
            assert_eq!(kinds.iter().filter(|one| **one == kind).count(), 1, "{kind} in {told:#}");
        }
        assert!(told["legs"][1]["talk"].as_f64().expect("a time") >= 0.0 && told["legs"][1]["ended_by"].is_string());
        assert!(server.api("calls")["items"].as_array().expect("a list").is_empty());
        assert!(server.send("DELETE", &format!("/api/v1/{story}")).starts_with("HTTP/1.1 404 "));
    });
}
