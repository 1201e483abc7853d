//! `callback`: the number is asked for, read back and confirmed, and the queue has the last word.

use super::walks::check;

const FLOW: &str = "\
flow: main
numbers: [1000]
start: call_me
always: {0: other}
steps:
  call_me: {callback: support, otherwise: other, next: after}
  after: {hangup: Until then.}
  other: {hangup: As you like.}
agents: {1001: {name: Ada}}
queues: {support: {agents: [1001]}}
";

const OWN: &str = "says We will call you back on plus four four two zero seven nine four six zero one two three";
const RIGHT: &str = "If that is right, press one. To enter it again, press two.";
const ASK: &str = "Please enter the number on which we can call you, then press hash.";

fn walk(script: &str) {
    check(FLOW, &script.replace("OWN", OWN).replace("RIGHT", RIGHT).replace("ASK", ASK));
}

#[test]
fn the_own_number_is_confirmed() {
    walk(
        "OWN RIGHT
        > .
        > 1
        asks support to call +442079460123 back
        > booked
        says Thank you. You have a place in line, and we will call you when it is your turn.
        > .
        call_me: callback
        says Until then.
        > .
        after: hangup
        hangs up",
    );
    // While it is being read already; and the queue may be full.
    walk(
        "OWN RIGHT
        > 1
        asks support to call +442079460123 back
        falls silent
        > not booked
        says I am sorry, we cannot call you back at the moment.
        > .
        call_me: full
        says As you like.",
    );
}

#[test]
fn another_number_is_asked_for_until_it_can_be_called() {
    walk(
        "OWN RIGHT
        > 2
        says ASK
        > 2125550123#
        falls silent
        says I am sorry, we cannot call that number. ASK
        > 12
        falls silent
        > 3
        > #
        says We will call you back on one two three RIGHT
        > 3
        > 1
        asks support to call 123 back
        falls silent",
    );
}

#[test]
fn who_says_nothing_is_not_called() {
    walk(
        "OWN RIGHT
        > .
        > ~
        OWN RIGHT
        > .
        > ~
        OWN RIGHT
        > .
        > ~
        call_me: no_input
        says As you like.",
    );
    walk(
        "OWN RIGHT
        > .
        > 0
        call_me: always 0
        says As you like.",
    );
    walk("OWN RIGHT\n> gone\ncall_me: caller_hung_up");
}
