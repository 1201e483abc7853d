//! Walks as data: what a caller does (`>`) and what comes of it.
//!
//! `> 12` presses keys, `> .` lets what plays end, `> ~` lets the deadline come, `> wait 2s` lets time pass.

use std::collections::BTreeSet;

use super::super::*;
use crate::clock::Calendar;
use crate::flow::document::{self, Known, Source};
use crate::telephony::PhoneNumber;

/// A Friday.
const CALLED_AT: &str = "2026-12-18T17:29:00Z";

fn read(flow: &str) -> FlowSet {
    let sources: Vec<Source> = flow
        .split("\n---\n")
        .enumerate()
        .map(|(index, text)| Source { file: format!("flow{index}.yaml"), text: text.to_owned() })
        .collect();
    let reading = document::read(&sources, &Known { prompts: &BTreeSet::new(), folder: "prompts" });
    let faults: Vec<String> = reading.diagnostics.iter().map(|fault| fault.message.clone()).collect();
    reading.flows.unwrap_or_else(|| panic!("the flow has faults: {faults:#?}"))
}

/// A call that writes down what happens.
struct Walk {
    flows: Arc<FlowSet>,
    session: Session,
    now: Moment,
    written: Vec<String>,
}

impl Walk {
    fn start(flows: FlowSet) -> Walk {
        let flows = Arc::new(flows);
        let caller = Caller { number: PhoneNumber::new("+442079460123"), name: None };
        let facts = CallFacts { caller, dialled: "1000".into() };
        let entry = flows.for_number("1000").expect("a flow answers");
        let (session, actions) = Session::start(Arc::clone(&flows), entry, facts, Moment::ZERO, wall(Moment::ZERO));
        let mut walk = Walk { flows, session, now: Moment::ZERO, written: Vec::new() };
        walk.write(actions);
        walk
    }

    fn input(&mut self, input: SessionInput) {
        let actions = self.session.handle(self.now, wall(self.now), input);
        self.session.assert_consistent();
        self.write(actions);
    }

    fn write(&mut self, actions: Vec<Action>) {
        for action in actions {
            let line = match action {
                Action::Play(prompts) => {
                    let texts: Vec<&str> = prompts.iter().map(|prompt| &*self.flows.prompt(*prompt).text).collect();
                    format!("says {}", texts.join(" "))
                }
                Action::StopPlaying => "falls silent".to_owned(),
                Action::HangUp => "hangs up".to_owned(),
                Action::Note(FlowNote::StepEntered { .. }) => continue,
                Action::Note(FlowNote::StepLeft { flow, step, exit }) => format!("{}: {exit}", self.name(flow, step)),
                Action::Note(FlowNote::Unspeakable { flow, step }) => format!("{}: unspeakable", self.name(flow, step)),
                Action::Note(FlowNote::RanAway { flow, step }) => format!("{}: ran away", self.name(flow, step)),
            };
            self.written.push(line);
        }
    }

    fn name(&self, flow: FlowIndex, step: StepIndex) -> String {
        self.flows.flow(flow).step(step).name.to_string()
    }

    fn follow(&mut self, line: &str) {
        match line {
            "." => self.input(SessionInput::PlaybackFinished),
            "~" => {
                self.now = self.session.deadline().expect("a deadline to come");
                self.input(SessionInput::Expired);
            }
            "gone" => {
                let actions = self.session.abandon();
                self.write(actions);
            }
            _ => match line.strip_prefix("wait ") {
                Some(length) => {
                    let length: jiff::SignedDuration = length.parse().expect("a length of time");
                    self.now += length.unsigned_abs();
                    if self.session.deadline().is_some_and(|deadline| deadline <= self.now) {
                        self.input(SessionInput::Expired);
                    }
                }
                None => {
                    for key in line.chars() {
                        self.input(SessionInput::Digit(Digit::from_char(key).expect("a key")));
                    }
                }
            },
        }
    }
}

fn wall(now: Moment) -> Timestamp {
    Calendar::starting_at(CALLED_AT.parse().expect("a time")).time_of(now)
}

/// Follows the lines of `script` that begin with `>` and compares everything with the whole of it.
fn check(flow: &str, script: &str) {
    let expected: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut walk = Walk::start(read(flow));
    for line in &expected {
        if let Some(input) = line.strip_prefix("> ") {
            walk.written.push((*line).to_owned());
            walk.follow(input);
        }
    }
    assert_eq!(walk.written.join("\n"), expected.join("\n"), "for the script\n{}", expected.join("\n"));
}

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

const CIRCLE: &str = "\
flow: main
numbers: [1000]
start: one
steps:
  one: {set: {turn: 1}, next: two}
  two: {say: 'Round {turn|number}.', next: one}
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
fn no_number_of_keys_is_too_many() {
    let mut walk = Walk::start(read(LISTEN));
    walk.follow(&"7".repeat(1_000));
    assert_eq!(walk.session.ahead.len(), MOST_KEYS_AHEAD);
    walk.follow(".");
    walk.follow(".");
    let last = walk.written.last().map(String::as_str);
    assert_eq!(last, Some("says Sorry, that is not one of the choices. Mind the gap."));
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
