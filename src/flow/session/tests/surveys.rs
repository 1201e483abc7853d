//! `survey`: an opinion by a key or two, and nobody has to have one.

use super::walks::{Walk, check, read};

const FLOW: &str = "\
flow: main
numbers: [1000]
start: ask
always: {0: person, star: back, hash: again, 9: person}
steps:
  ask:
    menu: Yes?
    choices:
      1: To tell us -> how
      2: A person -> person
  how: {survey: {helped: {csat: How well did we help you?}, recommend: {nps: }}, next: after}
  after: {hangup: Until then.}
  person: {queue: support, next: after}
agents: {1001: {name: Ada}}
queues: {support: {agents: [1001], survey: how}}
";

const HELPED: &str = "How well did we help you? Press a key from one, the worst, to five, the best.";
const SKIP: &str = "To leave the question out, press star.";
const RECOMMEND: &str =
    "How likely are you to recommend us to others? Press a number from zero, not at all likely, to ten, very likely.";
const SORRY: &str = "I am sorry, that is not one of the answers.";

/// From the moment at which the survey begins.
#[track_caller]
fn survey(script: &str) {
    let beginning = "says Yes? To tell us, press one. A person, press two.
        > 1
        ask: choice 1
        how: offered
        says HELPED SKIP\n";
    walk(&(beginning.to_owned() + script));
}

#[track_caller]
fn walk(script: &str) {
    let script = script.replace("HELPED", HELPED).replace("SKIP", SKIP).replace("RECOMMEND", RECOMMEND);
    let script = script.replace("SORRY", SORRY).replace("THANKS", "Thank you for your opinion.");
    let script = script.replace("HOLD", "says Please hold while I find somebody to help you.");
    check(FLOW, &script);
}

#[test]
fn every_question_is_answered() {
    survey(
        "> 4
        how: helped is 4
        says RECOMMEND
        > .
        > 9
        how: recommend is 9
        how: complete
        says THANKS
        > .
        how: next
        says Until then.
        > .
        after: hangup
        hangs up",
    );
}

#[test]
fn a_one_may_become_a_ten() {
    let check = |keys: &str, comes: &str| {
        survey(&format!(
            "> 5
            how: helped is 5
            says RECOMMEND
            > 1
            falls silent
            {keys}
            {comes}
            how: complete
            says THANKS"
        ));
    };
    check("> 0", "how: recommend is 10");
    check("> #", "how: recommend is 1");
    check("> ~", "how: recommend is 1");
}

#[test]
fn a_one_followed_by_anything_else_is_no_answer() {
    survey(
        "> 3
        how: helped is 3
        says RECOMMEND
        > 1
        falls silent
        > 5
        says SORRY Press a number from zero, not at all likely, to ten, very likely. SKIP
        > 0
        how: recommend is 0
        how: complete
        says THANKS",
    );
}

#[test]
fn answers_are_typed_ahead_and_end_with_hash_or_without() {
    let check = |keys: &str, last: &str| {
        walk(&format!(
            "says Yes? To tell us, press one. A person, press two.
            > {keys}
            ask: choice 1
            how: offered
            says HELPED SKIP
            how: helped is 4
            says RECOMMEND
            {last}"
        ));
    };
    check("147", "how: recommend is 7\nhow: complete\nsays THANKS");
    // The hash that some press after each answer is not meant for what comes next.
    check("14#7#", "how: recommend is 7\nhow: complete\nsays THANKS");
}

#[test]
fn star_leaves_a_question_out() {
    survey(
        "> *
        says RECOMMEND
        > 8
        how: recommend is 8
        how: partial
        says THANKS",
    );
    survey(
        "> *
        says RECOMMEND
        > *
        how: refused
        how: refused
        says Until then.",
    );
}

#[test]
fn who_presses_nothing_is_not_pestered() {
    survey(
        "> .
        > ~
        says HELPED SKIP
        > .
        > ~
        says RECOMMEND
        > .
        > ~
        says RECOMMEND
        > .
        > ~
        how: unanswered
        how: no_input
        says Until then.",
    );
}

#[test]
fn who_presses_something_else_hears_what_is_possible_three_times_at_most() {
    survey(
        "> 7
        says SORRY Press a key from one, the worst, to five, the best. SKIP
        > 6
        says SORRY Press a key from one, the worst, to five, the best. SKIP
        > 8
        says RECOMMEND
        > 2
        how: recommend is 2
        how: partial
        says THANKS",
    );
}

#[test]
fn hash_says_the_question_again() {
    survey(
        "> #
        says HELPED SKIP
        > 1
        how: helped is 1
        says RECOMMEND",
    );
}

#[test]
fn zero_reaches_a_person_and_what_was_answered_counts() {
    survey(
        "> 0
        how: unanswered
        how: always 0
        waits in support for [] with priority 0
        HOLD",
    );
    survey(
        "> 4
        how: helped is 4
        says RECOMMEND
        > 0
        how: recommend is 0
        how: complete
        says THANKS",
    );
}

#[test]
fn who_hangs_up_in_the_middle_has_answered() {
    survey(
        "> 4
        how: helped is 4
        says RECOMMEND
        > gone
        how: partial
        how: caller_hung_up",
    );
}

#[test]
fn thanks_are_cut_short_and_the_key_counts_for_what_follows() {
    survey(
        "> 4
        how: helped is 4
        says RECOMMEND
        > 9
        how: recommend is 9
        how: complete
        says THANKS
        > 2
        how: next
        says Until then.",
    );
}

#[test]
fn when_the_agent_has_hung_up_the_caller_is_asked_and_only_once() {
    let flow = FLOW.replace("next: after}\n  after", "next: ask}\n  after");
    let mut walk = Walk::start(read(&flow));
    for line in ["2", "connected", "done", "3", "3", "."] {
        walk.follow(line);
    }
    let asked = |walk: &Walk| walk.written.iter().filter(|line| *line == "how: offered").count();
    assert_eq!(asked(&walk), 1, "{:#?}", walk.written);
    assert!(walk.written.contains(&"person: answered".to_owned()), "{:#?}", walk.written);
    for line in ["2", "connected", "done"] {
        walk.follow(line);
    }
    assert_eq!(asked(&walk), 1, "{:#?}", walk.written);
    assert_eq!(walk.written.last().map(String::as_str), Some("says Yes? To tell us, press one. A person, press two."));
}

#[test]
fn who_hangs_up_first_or_is_passed_on_is_not_asked() {
    let offered = |lines: &[&str]| {
        let mut walk = Walk::start(read(FLOW));
        lines.iter().for_each(|line| walk.follow(line));
        walk.written.iter().filter(|line| *line == "how: offered").count()
    };
    assert_eq!(offered(&["2", "connected", "gone"]), 0);
    assert_eq!(offered(&["2", "connected", "sent support"]), 0);
    assert_eq!(offered(&["2", "connected", "sent support", "connected", "done"]), 1);
    assert_eq!(offered(&["2", "connected", "again", "connected", "done"]), 1);
    assert_eq!(offered(&["2", "nobody"]), 0);
}

#[test]
fn keys_stay_out_of_prints() {
    let mut walk = Walk::start(read(FLOW));
    ["1", "4", "1"].iter().for_each(|line| walk.follow(line));
    let print = format!("{:?}", walk.session);
    assert!(print.contains("Surveying") && !print.contains("one") && !print.contains("answered"), "{print}");
}
