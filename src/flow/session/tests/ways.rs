//! Ways through flows: circles, other flows, and back.

use super::super::{MOST_STEPS, SessionInput};
use super::walks::{Walk, check, read};

const CIRCLE: &str = "\
flow: main
numbers: [1000]
start: one
steps:
  one: {when: caller.number is empty, then: out, next: two}
  two: {say: Round and round., next: one}
  out: {hangup: }
";

#[test]
fn a_circle_is_left_politely() {
    let mut walk = Walk::start(read(CIRCLE));
    for _ in 0..50 {
        walk.input(SessionInput::PlaybackFinished);
    }
    let end = walk.written.split_off(walk.written.len() - 2);
    assert!(end[0].ends_with(": ran away"), "{end:?}");
    assert!(end[1].starts_with("says I am sorry, something has gone wrong"), "{end:?}");
    assert_eq!(walk.written.iter().filter(|line| line.ends_with(": next")).count(), usize::from(MOST_STEPS));
    walk.input(SessionInput::PlaybackFinished);
    assert_eq!(walk.written.last().map(String::as_str), Some("hangs up"));
}

const TWO_FLOWS: &str = "\
flow: main
numbers: [1000]
languages: [en, es]
start: ask
steps:
  ask:
    menu: {en: Yes?, es: Diga.}
    choices:
      1: {say: {en: More, es: Mas}, go: more}
      2: {say: {en: Spanish, es: Ingles}, go: spanish}
  spanish: {language: es, next: ask}
  more: {flow: other, next: ask}
---
flow: other
languages: [en]
start: ask_there
always: {star: back}
steps:
  ask_there:
    menu: There?
    choices:
      1: To end -> end
      2: To stop -> hangup
  end: {say: Done.}
";

#[test]
fn a_flow_comes_back_to_where_it_was_called() {
    check(
        TWO_FLOWS,
        "says Yes? More, press one. Spanish, press two.
        > 1
        ask: choice 1
        more: flow
        says There? To end, press one. To stop, press two.
        > 1
        ask_there: choice 1
        says Done.
        > .
        end: next
        says Yes? More, press one. Spanish, press two.
        > 1
        ask: choice 1
        more: flow
        says There? To end, press one. To stop, press two.
        > *
        ask_there: always star
        says Yes? More, press one. Spanish, press two.
        > 1
        ask: choice 1
        more: flow
        says There? To end, press one. To stop, press two.
        > 2
        ask_there: choice 2
        says Thank you for calling. Goodbye.
        > .
        hangs up",
    );
}
