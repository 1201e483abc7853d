//! `voicemail` and `record`: what callers say is kept, and nobody is recorded who has not heard and agreed.

use super::walks::check;

const FLOW: &str = "\
flow: main
numbers: [1000]
start: message
always: {0: other, star: other}
steps:
  message: {voicemail: support, greeting: Nobody is here., review: true, failed: sorry, next: after}
  after: {hangup: Until then.}
  other: {hangup: As you like.}
  sorry: {hangup: Call again.}
agents: {1001: {name: Ada}}
queues: {support: {agents: [1001]}}
";

const GREETING: &str = "Nobody is here. Please leave a message after the tone. When you have finished, press hash.";
const REVIEW: &str =
    "To leave your message as it is, press one. To hear it, press two. To record it again, press three.";
const KEPT: &str = "Thank you. Your message has been left.";
const NOTHING: &str = "I am sorry, I did not hear a message.";

#[track_caller]
fn walk(script: &str) {
    let script = script.replace("GREETING", GREETING).replace("REVIEW", REVIEW);
    let script = script.replace("KEPT", KEPT).replace("NOTHING", NOTHING);
    let instruction = GREETING.trim_start_matches("Nobody is here. ");
    check(FLOW, &script.replace("INSTRUCTION", instruction));
}

#[test]
fn a_message_is_left_by_hash_and_by_one() {
    walk(
        "says GREETING
        > .
        takes a message for support
        > #
        ends the message
        > said
        says REVIEW
        > 1
        keeps the message
        says KEPT
        > .
        message: next
        says Until then.
        > .
        after: hangup
        hangs up",
    );
}

#[test]
fn a_message_is_heard_and_said_again() {
    walk(
        "says GREETING
        > #
        takes a message for support
        falls silent
        > silent
        says REVIEW
        > .
        > 2
        plays the message
        > read
        > .
        says REVIEW
        > 3
        drops the message
        says INSTRUCTION
        > .
        takes a message for support
        > longest
        says Your message is as long as it can be. REVIEW
        > .
        > ~
        says REVIEW
        > .
        > ~
        keeps the message
        says KEPT
        > gone
        message: caller_hung_up",
    );
}

#[test]
fn who_says_nothing_is_told_so_and_goes_on_at_last() {
    walk(
        "says GREETING
        > .
        takes a message for support
        > nothing
        drops the message
        says NOTHING INSTRUCTION
        > .
        takes a message for support
        > nothing
        drops the message
        says NOTHING INSTRUCTION
        > .
        takes a message for support
        > nothing
        drops the message
        message: no_input
        says Until then.",
    );
}

#[test]
fn a_disk_that_is_full_leads_to_somebody() {
    walk(
        "says GREETING
        > .
        takes a message for support
        > lost
        ends the message
        keeps the message
        says I am sorry, we cannot take your message at the moment.
        > said
        > .
        message: failed
        says Call again.",
    );
    walk(
        "says GREETING
        > .
        takes a message for support
        > ~
        ends the message
        keeps the message
        says I am sorry, we cannot take your message at the moment.
        > .
        message: failed
        says Call again.",
    );
}

#[test]
fn what_was_said_is_kept_whatever_way_the_caller_takes() {
    walk(
        "says GREETING
        > 0
        message: always 0
        says As you like.",
    );
    walk(
        "says GREETING
        > .
        takes a message for support
        > 0
        > silent
        says REVIEW
        > 0
        keeps the message
        message: always 0
        says As you like.",
    );
    walk(
        "says GREETING
        > .
        takes a message for support
        > silent
        says REVIEW
        > .
        > 2
        plays the message
        > unreadable
        says I am sorry, your message cannot be played at the moment. REVIEW",
    );
}

const RECORD: &str = "\
flow: main
numbers: [1000]
start: welcome
always: {0: away}
steps:
  welcome: {say: Hello., next: consent}
  consent: {record: {consent: ask, refused: without}, next: once_more}
  once_more: {record: {consent: announce}, next: quiet}
  quiet: {record: pause, next: loud}
  loud: {record: resume, next: over}
  over: {record: stop, next: bye}
  bye: {hangup: Bye.}
  without: {record: {consent: ask, refused: away}, next: away}
  away: {hangup: As you like.}
";

const ASK: &str = "We would like to record this call.";
const YES_NO: &str = "If you agree, press one. If you do not, press two.";

#[track_caller]
fn record(script: &str) {
    check(RECORD, &script.replace("ASK", ASK).replace("YES_NO", YES_NO));
}

#[test]
fn no_key_goes_round_the_question() {
    // What was pressed before, and during the question, is no answer.
    record(
        "says Hello.
        > 1
        welcome: next
        says all of ASK
        > 11
        > 0
        > .
        says YES_NO
        > 1
        records the call
        consent: next
        once_more: next
        pauses the recording
        quiet: next
        resumes the recording
        loud: next
        records no more
        over: next
        says Bye.",
    );
}

#[test]
fn no_and_no_answer_are_no() {
    record(
        "says Hello.
        > .
        welcome: next
        says all of ASK
        > .
        says YES_NO
        > 2
        consent: refused
        without: refused
        says As you like.",
    );
    record(
        "says Hello.
        > .
        welcome: next
        says all of ASK
        > .
        says YES_NO
        > .
        > ~
        says all of ASK
        > .
        says YES_NO
        > .
        > ~
        says all of ASK
        > .
        says YES_NO
        > .
        > ~
        consent: refused
        says all of ASK",
    );
}

#[test]
fn a_question_that_is_not_heard_whole_records_nothing() {
    record(
        "says Hello.
        > .
        welcome: next
        says all of ASK
        > unheard
        consent: refused
        says all of ASK
        > unheard
        without: refused
        says As you like.",
    );
}

#[test]
fn an_announcement_is_heard_to_its_end() {
    check(
        "flow: main\nnumbers: [1000]\nstart: told\nsteps:\n  told: {record: {consent: announce, prompt: You are recorded.}, \
         next: bye}\n  bye: {hangup: Bye.}\n",
        "says all of You are recorded.
        > 1#0
        > .
        records the call
        told: next
        says Bye.",
    );
}
