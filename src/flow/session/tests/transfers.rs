//! `transfer`: another telephone rings, the two talk, and the flow goes on.

use super::walks::check;

const FLOW: &str = "\
flow: main
numbers: [1000]
start: pass
steps:
  pass: {transfer: 1001, ring: 20s, announce: A caller from the shop., busy: engaged, otherwise: sorry, next: after}
  after: {transfer: 1001}
  engaged: {say: They are busy., next: bare}
  sorry: {hangup: Nobody answers.}
  bare: {transfer: 1002}
agents: {1001: {name: Ada}, 1002: {name: Grace}}
queues: {support: {agents: [1001, 1002]}}
";

const RINGS: &str = "rings 1001 for 20s who hears A caller from the shop.
        says Please hold while I find somebody to help you.";

fn walk(script: &str) {
    check(FLOW, &script.replace("RINGS", RINGS));
}

#[test]
fn after_the_conversation_the_flow_goes_on() {
    walk(
        "RINGS
        > .
        > connected
        > 1
        > done
        pass: answered
        rings 1001 for 30s
        says Please hold while I find somebody to help you.
        > connected
        falls silent
        > done
        after: answered
        says Thank you for calling. Goodbye.
        > .
        hangs up",
    );
}

#[test]
fn each_failure_has_its_way_and_the_last_one_a_word() {
    walk(
        "RINGS
        > untransferred no_answer
        pass: no_answer
        says Nobody answers.
        > .
        sorry: hangup
        hangs up",
    );
    walk(
        "RINGS
        > .
        > untransferred busy
        pass: busy
        says They are busy.
        > .
        engaged: next
        rings 1002 for 30s
        says Please hold while I find somebody to help you.
        > untransferred failed
        bare: failed
        says I am sorry, nobody can take your call at the moment. Thank you for calling. Goodbye.
        > .
        hangs up",
    );
}

#[test]
fn who_talks_can_be_sent_into_a_queue_or_hang_up() {
    walk(
        "RINGS
        > connected
        falls silent
        > sent support
        pass: answered
        > connected
        > done
        rings 1001 for 30s
        says Please hold while I find somebody to help you.
        > gone
        after: caller_hung_up",
    );
}
