//! Values in what is said.

use super::walks::{Walk, check, read};

const SPOKEN: &str = "\
flow: main
numbers: [1000]
time_zone: Europe/London
currency: GBP
start: given
steps:
  given:
    set: {total: 24.50, arrives: tomorrow, open: '09:05'}
    next: told
  told:
    say: It arrives {arrives|day} and costs {total|money}.
    next: asked
  asked:
    collect: Which day?
    digits: 8
    save: wish
    next: wished
  wished:
    say: We open at {open|time} on {now|day}, for {wish|money}, says {caller.number|digits}.
";

#[test]
fn values_are_spoken() {
    check(
        SPOKEN,
        "given: next
        says It arrives tomorrow and costs twenty-four pounds and fifty pence
        > .
        told: next
        says Which day?
        > 00000001
        falls silent
        asked: next
        says We open at nine oh five A M on Friday the eighteenth of December , for one pound , says plus four four two zero seven nine four six zero one two three
        > .
        wished: next
        says Thank you for calling. Goodbye.",
    );
}

#[test]
fn what_cannot_be_said_is_left_out_and_noted() {
    let mut flows = read(SPOKEN);
    flows.prompt_index.retain(|(_, name), _| &**name != "phrases/money/pence" && &**name != "phrases/collect/no_input");
    let mut walk = Walk::start(flows);
    walk.follow(".");
    walk.follow(".");
    walk.follow("~");
    let expected = [
        "given: next",
        "told: unspeakable",
        "says It arrives tomorrow and costs",
        "told: next",
        "says Which day?",
        "asked: unspeakable",
        "says Which day?",
    ];
    assert_eq!(walk.written, expected);
}

#[test]
fn the_language_that_is_spoken_is_a_value() {
    check(
        "\
flow: main
numbers: [1000]
languages: [en, es]
start: before
steps:
  before: {when: language is 'en', then: change, otherwise: before}
  change: {language: es, next: after}
  after: {when: language is 'es', then: told, otherwise: before}
  told:
    hangup: {en: Bye., es: Adiós.}
",
        "before: then
        change: next
        after: then
        says Adiós.
        > .
        told: hangup
        hangs up",
    );
}
