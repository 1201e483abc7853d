//! Steps that no other test here walks with a real telephone: `hours`, `when`, `set`, `flow` and `language`.

use std::fs;

use helpline::telephony::Codec;

use crate::house::expect_played;
use crate::patience::patiently;
use crate::server::Server;
use crate::sipp;
use crate::softphone::Softphone;

const MAIN: &str = "\
flow: main
numbers: [1000]
languages: [en, es]
time_zone: Europe/London
start: open
steps:
  open: {hours: never, open: lost, closed: sorted}
  sorted: {hours: always, open: known, closed: lost}
  known: {set: {tier: gold}, next: gold}
  gold: {when: tier is 'gold' and not hours.never, then: english, otherwise: lost}
  english: {play: phrases/agent/ready, next: aside}
  aside: {flow: aside, next: after}
  after: {play: phrases/agent/paused, next: end}
  end: {hangup: }
  lost: {hangup: }
hours:
  never: {mon-sun: closed}
  always: {mon-sun: 00:00-24:00}
";

const ASIDE: &str = "\
flow: aside
languages: [en, es]
start: spanish
steps:
  spanish: {language: es, next: word}
  word: {play: phrases/pause/lunch}
";

/// The steps in which a call has been that went the right way.
const WALKED: [(&str, &str); 9] = [
    ("main", "open"),
    ("main", "sorted"),
    ("main", "known"),
    ("main", "gold"),
    ("main", "english"),
    ("main", "aside"),
    ("aside", "spanish"),
    ("aside", "word"),
    ("main", "after"),
];

#[test]
fn a_call_goes_through_hours_conditions_other_flows_and_languages() {
    patiently(|| {
        let flows = tempfile::tempdir().expect("a folder");
        fs::write(flows.path().join("main.yaml"), MAIN).expect("the flow is written");
        fs::write(flows.path().join("aside.yaml"), ASIDE).expect("the flow is written");
        let mut server = Server::with_flows(flows.path(), "");
        let mut phone = Softphone::caller(Codec::Pcmu, "udp");
        phone.dial(&server, "1000", "udp");
        server.expect_metric("helpline_calls_total{outcome=\"completed\"}", 1.0);
        let heard = phone.quit();
        // The language of the other flow is the caller's from then on.
        expect_played(
            "the caller",
            &heard,
            &["en/phrases/agent/ready", "es/phrases/pause/lunch", "es/phrases/agent/paused"],
        );
        sipp::run(&server, "server_bye", 2, 2, &[]);
        server.expect_metric("helpline_calls_total{outcome=\"completed\"}", 3.0);
        for (flow, step) in WALKED {
            server.expect_metric(&format!("helpline_flow_step_entries_total{{flow=\"{flow}\",step=\"{step}\"}}"), 3.0);
        }
        assert_eq!(server.metric("helpline_flow_step_entries_total{flow=\"main\",step=\"lost\"}"), 0.0);
        server.expect_quiet();
    });
}
