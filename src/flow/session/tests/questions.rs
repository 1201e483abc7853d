//! Questions for digits: their ends, their confirmation, their secrets.

use super::walks::{Walk, check, read};
use crate::flow::Value;

const CODE: &str = "\
flow: main
numbers: [1000]
start: notice
steps:
  notice: {say: This is recorded., must_hear: true, next: code}
  code: {collect: Your code?, digits: 2, confirm: true, save: code, next: told}
  told: {say: 'Thank you, {code|digits}.', next: again}
";

#[test]
fn a_whole_answer_is_kept_while_words_must_be_heard() {
    // The end key after the longest answer belongs to it, also when it was typed ahead.
    check(
        CODE,
        "says This is recorded.
        > 12#1
        > .
        notice: next
        code: next
        says Thank you, one two
        > .
        told: next
        says Your code?
        > 345
        falls silent
        says You entered three four If that is right, press one. To enter it again, press two.
        says Sorry, that is not one of the choices. You entered three four If that is right, press one. To enter it again, press two.
        > 2
        says Your code?",
    );
}

const COLLECT: &str = "\
flow: main
numbers: [1000]
start: number
always: {star: back, 0: lost}
steps:
  number:
    collect: Which number?
    digits: 3-5
    confirm: true
    save: number
    next: pin
  pin:
    collect: Your code?
    digits: 4
    secret: true
    save: code
    next: told
  told:
    say: Your number {number|digits}.
    next: checked
  checked:
    when: code is '1234'
    then: bye
    otherwise: number
  bye: {hangup: Bye.}
  lost: {hangup: Lost.}
";

#[test]
fn digits_are_collected_and_confirmed() {
    let read_back = "says You entered one two three If that is right, press one. To enter it again, press two.";
    check(
        COLLECT,
        &format!(
            "says Which number?
            > 12
            falls silent
            > #
            says Sorry, that number is too short. Which number?
            > 123
            falls silent
            > ~
            {read_back}
            > 2
            says Which number?
            > 123#
            falls silent
            {read_back}
            > 1
            number: next
            says Your code?
            > 1234
            falls silent
            pin: next
            says Your number one two three
            > #
            > .
            told: next
            checked: then
            says Bye.
            > .
            bye: hangup
            hangs up"
        ),
    );
}

#[test]
fn an_answer_can_be_typed_ahead_with_its_confirmation() {
    check(
        COLLECT,
        "says Which number?\n> 123#1\nfalls silent\nsays You entered one two three If that is right, press one. To enter it again, press two.\nnumber: next\nsays Your code?",
    );
    // The longest answer is complete at once; the end key after it is part of it.
    check(
        COLLECT,
        "says Which number?
        > 12345
        falls silent
        says You entered one two three four five If that is right, press one. To enter it again, press two.
        > #
        > 1
        number: next
        says Your code?",
    );
}

#[test]
fn a_question_has_its_own_keys() {
    // Zero is a digit here, star leads back, and a key that means nothing changes nothing.
    check(COLLECT, "says Which number?\n> 0\nfalls silent\n> A\n> *\nnumber: always star\nsays Which number?");
    check(
        COLLECT,
        "says Which number?\n> .\n> ~\nsays Sorry, I did not hear any keys. Which number?\n> .\n> ~
        says Sorry, I did not hear any keys. Which number?\n> .\n> ~\nnumber: no_input\nsays Lost.",
    );
}

#[test]
fn a_session_keeps_secrets() {
    let mut walk = Walk::start(read(COLLECT));
    walk.follow("123#1");
    walk.follow("4711");
    let shown = format!("{:?} {}", walk.session, walk.written.join(" "));
    assert!(!shown.contains("4711") && !shown.contains("four seven one one"), "{shown}");
    let saved = walk.session.values.iter().find(|(name, _)| &**name == "code").map(|(_, value)| value);
    assert_eq!(saved, Some(&Value::Secret("4711".into())));
}
