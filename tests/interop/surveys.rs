//! Real telephones: the agent hangs up, the caller stays and says by keys how it was; the record and the metrics tell it.

use std::fs;

use helpline::telephony::Codec;
use serde_json::json;

use crate::house::ADA;
use crate::patience::patiently;
use crate::phone::{ADA_IS, Maker, Phone};
use crate::server::Server;
use crate::softphone::Softphone;

const FLOW: &str = "
flow: main
numbers: [1000]
start: person
steps:
  person: {queue: support}
  how_was_it: {survey: {helped: csat, recommend: nps}}
agents: {1001: {name: Ada, password: secret}}
queues: {support: {agents: [1001], survey: how_was_it}}
";

fn server() -> (Server, tempfile::TempDir) {
    let flows = tempfile::tempdir().expect("a folder");
    fs::write(flows.path().join("main.yaml"), FLOW).expect("the flow is written");
    (Server::with_flows(flows.path(), ""), flows)
}

fn answers(question: &str, scale: &str, score: u8) -> String {
    format!(
        "helpline_survey_answers_total{{flow=\"main\",question=\"{question}\",queue=\"support\",scale=\"{scale}\",\
         score=\"{score}\",step=\"how_was_it\"}}"
    )
}

fn surveys(outcome: &str) -> String {
    format!("helpline_surveys_total{{flow=\"main\",outcome=\"{outcome}\",queue=\"support\",step=\"how_was_it\"}}")
}

/// A caller who talks to an agent, until the agent hangs up.
fn helped(server: &Server, maker: Maker) -> (Softphone, Phone) {
    let mut ada = Phone::new(maker, server, ADA_IS, Codec::Pcmu, ADA);
    server.expect_agent("1001", "ready");
    let mut caller = Softphone::caller(Codec::Pcmu, "udp");
    caller.dial(server, "1000", "udp");
    server.expect_agent("1001", "talking");
    ada.order("hangup");
    let step = || server.api("calls")["items"][0]["step"].clone();
    server.expect("the caller's step", step, &json!("how_was_it"));
    (caller, ada)
}

#[test]
fn who_stays_when_the_agent_has_hung_up_says_how_it_was() {
    patiently(|| {
        for maker in [Maker::Baresip, Maker::Pjsip] {
            let (mut server, _flows) = server();
            assert_eq!(server.metric(&answers("helped", "csat", 4)), 0.0, "it is there from the start");
            let (mut caller, ada) = helped(&server, maker);
            caller.press("4");
            server.expect_metric(&answers("helped", "csat", 4), 1.0);
            caller.press("10");
            server.expect_metric(&answers("recommend", "nps", 10), 1.0);
            server.expect_metric(&surveys("complete"), 1.0);
            // The flow says goodbye, and ends.
            let record = server.record();
            let survey = &record["surveys"][0];
            assert_eq!(survey["answers"], json!({"helped": 4, "recommend": 10}), "{record}");
            assert_eq!((&survey["queue"], &survey["agent"]), (&json!("support"), &json!("1001")), "{record}");
            assert_eq!((&survey["outcome"], &record["outcome"]), (&json!("complete"), &json!("completed")), "{record}");
            let story = server.api(&format!("calls/{}", record["id"].as_str().expect("a name")));
            let told: Vec<&str> = story["events"]
                .as_array()
                .expect("events")
                .iter()
                .filter_map(|event| event["event"].as_str().filter(|kind| kind.starts_with("survey")))
                .collect();
            assert_eq!(told, ["survey_offered", "survey_answered", "survey_answered", "survey_ended"]);
            drop(ada);
            server.expect_quiet();
        }
    });
}

#[test]
fn who_hangs_up_in_the_middle_has_answered_and_who_hangs_up_first_is_not_asked() {
    patiently(|| {
        let (mut server, _flows) = server();
        let (mut caller, ada) = helped(&server, Maker::Baresip);
        caller.press("2");
        server.expect_metric(&answers("helped", "csat", 2), 1.0);
        caller.hang_up(&server);
        server.expect_metric(&surveys("partial"), 1.0);
        let record = server.record();
        assert_eq!(record["surveys"][0]["answers"], json!({"helped": 2}), "{record}");

        server.expect_agent("1001", "ready");
        let mut caller = Softphone::caller(Codec::Pcmu, "udp");
        caller.dial(&server, "1000", "udp");
        server.expect_agent("1001", "talking");
        caller.hang_up(&server);
        server.expect("the number of records", || server.records().len(), &2);
        assert!(server.records()[1].get("surveys").is_none());
        assert_eq!(server.metric_sum("helpline_surveys_total"), 1.0);
        drop(ada);
        server.expect_quiet();
    });
}
