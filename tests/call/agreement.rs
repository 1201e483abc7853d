//! A call test comes true in virtual time and at a real telephone alike: the same steps, left in the same ways, and the same end.

use std::collections::BTreeSet;
use std::time::Duration;

use helpline::flow::call_test::{CallTest, Deed, Heard};
use helpline::flow::document::{self, Known, Source};
use helpline::journal::shown_exit;
use helpline::rehearsal::{House, What, play};

use crate::line::{FLOW, Line, TONES};
use crate::phone::Phone;

const TESTS: &str = "
tests:
  - test: a number is entered
    call:
      - hear: welcome
      - hear: main
      - press: 1
      - hear: ask
      - press: 1234
      - hear: told
      - hear: bye
      - goodbye
  - test: a caller hangs up
    call: [hear: main, press: 1, hear: ask, hang up]
  - test: a key ahead
    call: [hear: main, press: 2, hear: bye, goodbye]
";

/// The steps of a call with how each was left, and how the call ended.
type Walk = (Vec<(String, String)>, String);

fn in_virtual_time(house: &House, test: &CallTest) -> Walk {
    let performance = play(house, test, 1);
    assert_eq!(performance.failure, None, "{}", test.name);
    let left = performance.told.iter().filter_map(|told| match &told.what {
        What::Left(step, exit) => Some((step.step.to_string(), shown_exit(exit).to_owned())),
        _ => None,
    });
    let outcome = performance.told.iter().find_map(|told| match told.what {
        What::Over(outcome) => Some(outcome.to_owned()),
        _ => None,
    });
    (left.collect(), outcome.expect("the call is over"))
}

fn at_a_telephone(house: &House, test: &CallTest) -> Walk {
    let line = Line::start();
    let mut phone = Phone::udp(line.udp);
    assert_eq!(phone.dial(&test.dialled).status(), 200);
    for act in &test.script {
        match &act.deed {
            Deed::Hear(Heard::Step(flow, step)) => {
                let name = house.step_name(*flow, *step);
                let recording = format!("{}/{}", name.flow, name.step);
                let (_, hertz) = TONES.iter().find(|(known, _)| *known == recording).expect("every step has a tone");
                phone.hears(*hertz);
            }
            Deed::Press(keys) => keys.iter().for_each(|key| phone.press(key.as_char())),
            Deed::HangUp => phone.hang_up(),
            Deed::Goodbye => phone.is_hung_up_on(),
            other => panic!("no telephone does {other:?}"),
        }
    }
    let mut records = line.records();
    for _ in 0..200 {
        if !records.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
        records = line.records();
    }
    let record: serde_json::Value = serde_json::from_str(&records).expect("one record");
    let text = |value: &serde_json::Value| shown_exit(value.as_str().expect("a text")).to_owned();
    let steps = record["steps"].as_array().expect("steps").iter();
    (steps.map(|step| (text(&step["step"]), text(&step["exit"]))).collect(), text(&record["outcome"]))
}

#[test]
fn call_tests_and_the_server_agree() {
    let sources = [("main.yaml", FLOW), ("tests.yaml", TESTS)]
        .map(|(file, text)| Source { file: file.into(), text: text.into() });
    let reading = document::read(&sources, &Known::of(&BTreeSet::new()));
    let flows = reading.flows.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics));
    let house = House::of_tests(&flows, &reading.tests, &|_| Some(Duration::from_millis(400)));
    assert_eq!(reading.tests.len(), 3);
    for test in &reading.tests {
        assert_eq!(in_virtual_time(&house, test), at_a_telephone(&house, test), "{}", test.name);
    }
}
