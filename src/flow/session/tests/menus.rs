//! Menus: keys, silence, and what was typed ahead.

use super::super::MOST_KEYS_AHEAD;
use super::walks::{Walk, check, read};

const MAIN: &str = "\
flow: main
numbers: [1000]
start: welcome
always: {0: person, star: back, hash: again}
steps:
  welcome: {say: Welcome., next: main}
  main:
    menu: How can we help?
    choices:
      1: To order -> order
      2: To talk -> person
  order:
    menu: What would you like?
    choices:
      1: For tea -> tea
      42: For coffee -> coffee
      4: For water -> water
    otherwise: water
  tea: {say: Tea., next: main}
  coffee: {say: Coffee.}
  water: {hangup: Just water then.}
  person: {say: Nobody is here., next: again}
";

/// What the menus of [`MAIN`] say.
const TO_MAIN: &str = "says How can we help? To order, press one. To talk, press two.";
const TO_ORDER: &str =
    "says What would you like? For tea, press one. For coffee, press four two. For water, press four.";

/// As [`check`], from the menu `main` on.
fn check_main(script: &str) {
    let script = script.replace("ORDER", TO_ORDER).replace("MAIN", TO_MAIN);
    check(MAIN, &format!("says Welcome.\n> .\nwelcome: next\n{TO_MAIN}\n{script}"));
}

#[test]
fn keys_lead_through_menus() {
    check_main("> 1\nmain: choice 1\nORDER\n> .\n> 1\norder: choice 1\nsays Tea.\n> gone\ntea: caller_hung_up");
    // Silence falls with the first key that could mean two choices; the second one decides.
    check_main("> 1\nmain: choice 1\nORDER\n> 4\nfalls silent\n> 2\norder: choice 42\nsays Coffee.");
    check_main(
        "> 1\nmain: choice 1\nORDER\n> .\n> 4\n> wait 3s\n> wait 1s\norder: choice 4\nsays Just water then.
        > .\nwater: hangup\nhangs up",
    );
}

#[test]
fn a_step_with_nothing_after_it_says_goodbye() {
    check_main(
        "> 1\nmain: choice 1\nORDER\n> 42\nfalls silent\norder: choice 42\nsays Coffee.
        > .\ncoffee: next\nsays Thank you for calling. Goodbye.\n> 1234\n> .\nhangs up\n> 1\n> .",
    );
}

#[test]
fn keys_typed_ahead_skip_what_is_known() {
    check(MAIN, "says Welcome.\n> 1\nwelcome: next\nmain: choice 1\nORDER".replace("ORDER", TO_ORDER).as_str());
    // Two menus and the words between them are skipped; the third menu is heard.
    check(
        MAIN,
        &format!(
            "says Welcome.\n> 1\nwelcome: next\nmain: choice 1\n{TO_ORDER}\n> 12\norder: choice 1\nsays Tea.
            tea: next\nmain: choice 2\nsays Nobody is here.\n> .\nperson: next\n{TO_MAIN}"
        ),
    );
}

#[test]
fn keys_that_work_everywhere() {
    check_main("> 0\nmain: always 0\nsays Nobody is here.\n> .\nperson: next\nMAIN");
    check_main("> #\nmain: always hash\nMAIN");
    // Back at the first menu is the first menu.
    check_main("> *\nmain: always star\nMAIN\n> 1\nmain: choice 1\nORDER\n> *\norder: always star\nMAIN");
}

#[test]
fn what_does_not_fit_is_said_three_times() {
    let wrong = "says Sorry, that is not one of the choices.";
    let again = TO_MAIN.replace("says", wrong);
    check_main(&format!("> 9\n{again}\n> 8\n{again}\n> 7\nmain: no_match\nsays Nobody is here."));
    // `otherwise` comes before key 0.
    let again = TO_ORDER.replace("says", wrong);
    check_main(&format!(
        "> 1\nmain: choice 1\nORDER\n> .\n> 9\n{again}\n> 47\nfalls silent\n{again}\n> 9\norder: no_match\nsays Just water then."
    ));
    // What was typed after the wrong key was meant for something else, and is forgotten.
    check(MAIN, &format!("says Welcome.\n> 9\nwelcome: next\n{}", TO_MAIN.replace("says", wrong)));
}

#[test]
fn silence_is_answered_three_times_and_counted_apart() {
    let again = TO_MAIN.replace("says", "says Sorry, I did not hear a key.");
    let wrong = TO_MAIN.replace("says", "says Sorry, that is not one of the choices.");
    check_main(&format!(
        "> .\n> wait 4900ms\n> wait 100ms\n{again}\n> .\n> ~\n{again}\n> 9\n{wrong}\n> .\n> ~\nmain: no_input\nsays Nobody is here."
    ));
}

const LISTEN: &str = "\
flow: main
numbers: [1000]
start: notice
steps:
  notice: {say: This is recorded., must_hear: true, next: ask}
  ask:
    menu: Mind the gap.
    must_hear: true
    choices:
      1: To go on -> done
  done: {hangup: }
";

#[test]
fn what_must_be_heard_is_heard() {
    check(
        LISTEN,
        "says This is recorded.
        > 1
        > .
        notice: next
        says Mind the gap.
        > .
        ask: choice 1
        done: hangup
        hangs up",
    );
    check(
        LISTEN,
        "says This is recorded.
        > .
        notice: next
        says Mind the gap.
        > .
        says To go on, press one.
        > 1
        ask: choice 1
        done: hangup
        hangs up",
    );
}

#[test]
fn keys_after_one_that_does_not_fit_are_forgotten() {
    check(
        LISTEN,
        "says This is recorded.
        > 71
        > .
        notice: next
        says Mind the gap.
        > .
        says Sorry, that is not one of the choices. Mind the gap.
        > .
        says To go on, press one.",
    );
}

#[test]
fn no_number_of_keys_is_too_many() {
    let mut walk = Walk::start(read(LISTEN));
    walk.follow(&"7".repeat(1_000));
    assert_eq!(walk.session.ahead.len(), MOST_KEYS_AHEAD);
    walk.follow(".");
    walk.follow(".");
    let last = walk.written.last().map(String::as_str);
    assert_eq!(last, Some("says Sorry, that is not one of the choices. Mind the gap."));
}
