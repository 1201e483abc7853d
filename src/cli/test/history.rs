//! Call tests of callers who have called before, and of queues whose waits can be estimated.

use super::tests::report_of;

const FLOW: &str = "\
flow: main
numbers: [1000]
time_zone: Europe/London
start: often
steps:
  often: {when: caller.calls_today >= 3, then: again_today, otherwise: met}
  again_today: {say: \"You have called {caller.calls_today} times today.\", next: support}
  met: {when: caller.last_agent is '1001', then: known, otherwise: named}
  known: {say: \"We last talked on {caller.last_call|day}.\", next: support}
  named: {when: caller.name is 'Ms Jones', then: hello, otherwise: wait}
  hello: {say: Hello again., next: wait}
  wait: {when: queue.support.estimated_wait > 5, then: long, otherwise: support}
  long: {say: \"It would take {queue.support.estimated_wait|minutes}.\", next: bye}
  support: {queue: support, prefer: last_agent for 30s, next: bye}
  bye: {hangup: Goodbye.}
agents: {1001: {name: Ada}, 1002: {name: Grace}}
queues: {support: {agents: [1002, 1001], strategy: linear}}
";

fn report(call: &str) -> (String, usize) {
    report_of(FLOW, &format!("tests:\n  - test: it\n    {call}\n"), false)
}

#[test]
fn callers_are_known_by_what_was_before() {
    for call in [
        "call: [never_hear: you have called, never_hear: we last talked, answered: 1002]",
        "caller: {calls_today: 2}\n    call: [{answered: 1002}, {never_hear: you have called}]",
        "caller: {calls_today: 3}\n    call: [hear: you have called three times today]",
        "caller: {calls_today: 32}\n    at: 2026-03-29 00:00\n    call: [hear: you have called thirty two times today]",
        "caller: {calls_today: 3, last_call: 2026-01-05 09:59}\n    call: [hear: you have called three times today]",
        // That call was the first of the day.
        "caller: {last_call: 2026-01-05 09:59, last_agent: 1001}\n    call: [hear: we last talked on today]",
        "caller: {last_agent: 1001}\n    call: [hear: we last talked on yesterday, answered: 1001]",
        "caller: {last_agent: 1001, last_call: 2025-12-24 16:00}\n    call: [hear: the twenty fourth of december]",
        "caller: {last_agent: 1002}\n    call: [{answered: 1002}, {never_hear: we last talked}]",
        "caller: {name: Ms Jones}\n    call: [hear: hello again]",
        "caller: {name: Ms Jones}\n    from: withheld\n    call: [hear: hello again]",
        // Each is forgotten after 400 days.
        "caller: {last_agent: 1001, last_call: 2024-11-30}\n    call: [{answered: 1002}, {never_hear: we last talked}]",
    ] {
        let (report, failed) = report(call);
        assert_eq!(failed, 0, "{call}\n{report}");
    }
    let (report, failed) = report("caller: {calls_today: 4}\n    call: [hear: three times]");
    assert!(failed == 1 && report.contains("You have called four times today."), "{report}");
}

#[test]
fn waits_are_estimated_from_how_long_calls_have_taken() {
    for call in [
        "agents: busy for 10m\n    waiting: {support: 5}\n    call: [{never_hear: it would take}, {hear: you are number six, within: 30s}, {never_hear: about}]",
        "agents: busy for 10m\n    waiting: {support: 5}\n    handle_time: {support: 6m}\n    call: [hear: it would take eighteen minutes]",
        "agents: busy for 10m\n    waiting: {support: 5}\n    handle_time: {support: 6m}\n    start: support\n    call: [hear: you will wait about twenty minutes]",
        "handle_time: {support: 2h}\n    call: [{answered: 1002}, {never_hear: it would take}]",
    ] {
        let (report, failed) = report(call);
        assert_eq!(failed, 0, "{call}\n{report}");
    }
}
