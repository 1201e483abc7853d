use std::collections::BTreeSet;

use super::*;
use crate::flow::document::{self, Known, Severity};
use crate::telephony::{DialPlan, TransportKind, Trunk};

/// The flow of the contract's section 3, as far as its call tests go.
const FLOW: &str = "\
flow: main
numbers: [\"+442079460000\", 1000]
languages: [en]
time_zone: Europe/London
start: welcome
always: {0: agent, star: back, hash: again}
steps:
  welcome:
    say: Thank you for calling Acme. This call may be recorded.
    must_hear: true
    next: open
  open:
    hours: office
    open: main
    closed: after_hours
  main:
    menu: How can we help?
    choices:
      1: To follow an order -> order
      2: For billing        -> billing
      3:
        say: For technical help
        go: technical
        when: hours.tech
  order:
    collect: Please enter your order number, then press hash.
    digits: 6-8
    save: order_number
    next: told
  told:
    say: Order {order_number|digits} is on its way.
    next: main
  billing:   {queue: support, skill: billing}
  technical: {queue: support, skill: technical, priority: 2}
  agent:     {queue: support}
  after_hours:
    menu: We are closed. We open {hours.office.next|day_time}.
    choices:
      1: To hear that again -> after_hours
      2: To end this call -> bye
  bye: {hangup: Goodbye.}
hours:
  office: {mon-fri: 09:00-17:30, sat: 10:00-14:00}
  tech:   {mon-fri: 08:00-20:00}
agents:
  1001: {name: Ada, skills: [billing, technical]}
  1002: {name: Grace}
queues:
  support:
    agents: [1001, 1002]
    announce: {position: place, wait: auto, first_after: 20s, repeat: 60s}
    when_full:      {over: 50, go: after_hours}
    when_too_long:  {after: 15m, go: after_hours}
    when_no_agents: {go: after_hours}
";

/// The contract's section 4, to the letter.
const CONTRACT: &str = "\
tests:
  - test: billing at closing time
    at: 2026-12-18 17:29
    call: [hear: welcome, hear: main, press: 2, expect: {queue: support, skill: billing}]
  - test: the place only improves
    agents: {1001: busy for 6m, 1002: logged out}
    waiting: {support: 4}
    call:
      - press: 2
      - wait: 25s
      - hear: you are number 5
      - wait: 2m
      - never_hear: you are number 6
";

/// Plays the tests of a text beside [`FLOW`]; the report for people.
pub(super) fn report_of(flow: &str, tests: &str, coverage: bool) -> (String, usize) {
    let sources = [("flows/main.yaml", flow), ("flows/tests.yaml", tests)]
        .map(|(file, text)| Source { file: file.to_owned(), text: text.to_owned() });
    let dial_plan = DialPlan::new(&[Trunk {
        name: "carrier".into(),
        transport: TransportKind::Udp,
        host: "192.0.2.9".to_owned(),
        port: 5060,
        from: Vec::new(),
        register: None,
        dial: vec!["+44".to_owned()],
    }]);
    let reading = document::read(&sources, &Known { dial_plan: &dial_plan, ..Known::of(&BTreeSet::new()) });
    let errors: Vec<_> = reading.diagnostics.iter().filter(|fault| fault.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let arguments = Arguments { coverage, ..plain() };
    let report = played(reading, &sources, &|_| None, &arguments, false).expect("no name was asked for");
    (report.text, report.failed)
}

fn plain() -> Arguments {
    Arguments { name: None, format: Format::Human, junit: None, coverage: false, seed: 1, colour: false }
}

#[track_caller]
fn passes(call: &str) {
    let (report, failed) = report_of(FLOW, &format!("tests:\n  - test: it\n{call}"), false);
    assert_eq!(failed, 0, "{report}");
}

#[track_caller]
fn fails(call: &str, told: &[&str]) {
    let (report, failed) = report_of(FLOW, &format!("tests:\n  - test: it\n{call}"), false);
    assert_eq!(failed, 1, "{report}");
    for told in told {
        assert!(report.contains(told), "`{told}` is not in\n{report}");
    }
}

#[test]
fn the_contract_runs_to_the_letter() {
    let (report, failed) = report_of(FLOW, CONTRACT, false);
    assert_eq!(failed, 0, "{report}");
    assert!(report.ends_with("2 call tests: all passed\n"), "{report}");
}

/// Callers are passed on to an agent, and from there to an address.
const PASSED_ON: &str = "\
flow: main
numbers: [1000]
start: agreed
steps:
  agreed: {record: {consent: announce, prompt: You are recorded.}, next: pass}
  pass: {transfer: 1001, busy: out, failed: lost, next: more}
  out:
    transfer: \"sip:reception@192.0.2.7\"
    ring: 20s
    busy: taken
    no_answer: silent
    failed: lost
    next: more
  taken: {say: They are busy., next: bye}
  silent: {say: They are not there., next: bye}
  lost: {say: There is no telephone., next: bye}
  more: {say: Was that all?, next: bye}
  bye: {hangup: Goodbye.}
agents: {1001: {name: Ada}}
queues: {support: {agents: [1001]}}
";

#[track_caller]
fn passed_on(call: &str) -> (String, usize) {
    report_of(PASSED_ON, &format!("tests:\n  - test: it\n{call}"), false)
}

#[test]
fn callers_are_passed_on_to_telephones_that_do_as_they_are_told() {
    let address = "\"sip:reception@192.0.2.7\"";
    for call in [
        "    call: [{answered: 1001}, {expect: {transferred: 1001, queue: none}}, agent hangs up, hear: more]\n"
            .to_owned(),
        "    agents: {1001: paused}\n    call: [{expect: {transferred: any}}]\n".to_owned(),
        // Nobody's telephone rings where they are not, whether they have left before the call or in it.
        "    agents: {1001: unreachable}\n    call: [hear: lost, goodbye]\n".to_owned(),
        "    agents: {1001: logged out}\n    call: [hear: lost, goodbye]\n".to_owned(),
        "    call: [hear: You are recorded, agents: {1001: logged out}, hear: lost, goodbye]\n".to_owned(),
        // Of whom nothing is said answers.
        format!(
            "    agents: {{1001: busy for 6m}}\n    call: [{{expect: {{transferred: {address}}}}}, wait: 3m, hear: more]\n"
        ),
        format!(
            "    agents: {{1001: refuses calls}}\n    call: [agent refuses, agent answers, {{answered: {address}}}]\n"
        ),
        format!("    agents: {{1001: busy for 6m}}\n    telephones: {{{address}: busy}}\n    call: [hear: taken]\n"),
        format!(
            "    agents: {{1001: busy for 6m}}\n    telephones: {{{address}: misses calls}}\n    call: [wait: 19s, never_hear: taken, hear: silent]\n"
        ),
        format!(
            "    agents: {{1001: busy for 6m}}\n    telephones: {{{address}: unreachable}}\n    call: [hear: lost]\n"
        ),
        format!(
            "    agents: {{1001: busy for 6m}}\n    call: [telephones: {{{address}: [answers after 9s, talks for 4s]}}, wait: 14s, hear: more]\n"
        ),
        "    call: [{answered: 1001}, {expect: {recorded: true}}]\n".to_owned(),
        "    start: pass\n    call: [{answered: 1001}, {expect: {recorded: false}}]\n".to_owned(),
    ] {
        let (report, failed) = passed_on(&call);
        assert_eq!(failed, 0, "{call}{report}");
    }
}

#[test]
fn the_telephones_of_the_page_do_what_it_says() {
    let flow = "\
flow: main
numbers: [1000]
start: welcome
steps:
  welcome: {say: Hello., next: reception}
  reception: {transfer: \"sip:reception@192.0.2.7\", no_answer: mobile, otherwise: bye}
  mobile: {transfer: \"+442079460000\", next: bye}
  bye: {hangup: Goodbye.}
";
    let page = include_str!("../../../docs/testing.md");
    let example = page.split("```yaml\n").find(|block| block.contains("    telephones: {")).expect("it has an example");
    let example = example.split("```").next().unwrap_or_default();
    let (report, failed) = report_of(flow, example, false);
    assert_eq!(failed, 0, "{report}");
    let (report, failed) = report_of(flow, &example.replace("misses calls", "busy"), false);
    assert!(failed == 1 && report.contains("the call was over"), "{report}");
    let (report, failed) = report_of(flow, &example.replace("[answers after 9s, talks for 30s]", "busy"), false);
    assert!(failed == 1 && report.contains("the call was over"), "{report}");
}

#[test]
fn who_was_passed_on_to_somebody_else_is_told_apart() {
    for (call, told) in [
        ("call: [{expect: {transferred: \"sip:reception@192.0.2.7\"}, within: 30s}]", "the caller talks to 1001 (Ada)"),
        ("call: [{answered: 1001}, {expect: {recorded: false}}]", "the call was recorded"),
        (
            "start: pass\n    call: [{answered: 1001}, {expect: {recorded: true}, within: 0s}]",
            "the call was not recorded",
        ),
        (
            "agents: {1001: busy for 6m}\n    call: [{expect: {transferred: 1001}, within: 30s}]",
            "the caller talks to sip:reception@192.0.2.7",
        ),
    ] {
        let (report, failed) = passed_on(&format!("    {call}\n"));
        assert!(failed == 1 && report.contains(told), "`{told}` is not in\n{report}");
    }
}

#[test]
fn a_place_that_would_get_worse_fails() {
    let worse = CONTRACT.replace("you are number 6", "you are number five");
    let (report, failed) = report_of(FLOW, &worse, false);
    assert_eq!(failed, 1, "{report}");
    assert!(report.contains("error[HL1552]: the caller heard \"You are number five in line.\""), "{report}");
}

#[test]
fn what_callers_do_comes_true() {
    for call in [
        "    call: [hear: main, say nothing, hear: I did not hear a key, press: 2, expect: {step: billing}]",
        "    call: [press: 1, press: 123456#, hear: order 1 2 3 4 5 6 is on its way, expect: {value: {order_number: 123456}}]",
        "    call: [press: 1, press: 123456#, hear: told, hear: order 123456, hear: main]",
        // Who has keyed all that they know waits for the line, as the line waits for more keys.
        "    call: [press: 1, press: 123456, hear: order 1 2 3 4 5 6 is on its way]",
        "    call: [press: 1, press: 123, say nothing, hear: that number is too short]",
        // What is counted is waited for like everything else.
        "    call:\n      - press: 2\n      - metrics: {'helpline_queue_left_total{outcome=answered}': +1, helpline_queue_callers_waiting: unchanged}",
        "    call: [press: 2, {metrics: {helpline_calls_total: +1}, within: 10m}]",
        "    call: [press: 2, answered: 1001, wait: 30s, agent hangs up, goodbye, expect: {outcome: answered}]",
        "    call: [press: 2, agent answers, answered, hang up, expect: {outcome: hung_up}]",
        "    call: [press: 3, expect: {queue: support, skill: technical, priority: 2}]",
        "    agents: logged out\n    call: [press: 2, expect: {step: after_hours, queue: none}, press: 2, goodbye]",
        "    agents: {1001: misses calls, 1002: answers after 2s}\n    call: [press: 0, answered: 1002]",
        "    agents: {1001: [ready after 90s, answers after 1s], 1002: logged out}\n    hours: {office: closed}\n    call: [hear: after_hours, hear: we open tomorrow]",
        "    at: sun 12:00\n    call: [hear: we are closed, expect: {step: after_hours}]",
        "    at: sun 12:00\n    hours: {office: open}\n    call: [hear: main]",
        "    start: told\n    values: {order_number: 4711}\n    call: [hear: order 4 7 1 1, hear: main]",
        "    agents: {1001: busy for 3m, 1002: logged out}\n    waiting: {support: 2}\n    call:\n      - press: 0\n      - wait: 7m\n      - spoken: [3, 3, 3, 2, 2, 2, next, 1, 1]\n      - expect: {place: 1}\n      - {answered: 1001, within: 10m}",
        "    agents: {1001: misses calls, 1002: logged out}\n    waiting: {support: 2}\n    call: [press: 0, expect: {place: 3}, hear: you are number 3]",
        "    agents: {1001: logged out, 1002: [ready, refuses calls]}\n    call:\n      - press: 0\n      - wait: 1s\n      - agents: {1001: ready}\n      - answered: 1001",
        "    call:\n      - press: 2\n      - metrics:\n          helpline_queue_entered_total{queue=\"support\"}: +1\n          helpline_queue_callers_waiting{queue=support}: 1\n          helpline_dtmf_digits_total: +1\n          helpline_flow_step_exits_total{step=main,exit=choice 2}: +1\n          helpline_calls_total: unchanged\n      - hang up\n      - metrics:\n          helpline_queue_left_total{outcome=short_abandoned}: +1\n          helpline_queue_wait_seconds_count: +1\n          helpline_queue_callers_waiting: unchanged",
    ] {
        passes(call);
    }
}

/// Somebody is called back by queues, and leaves messages with them.
const CALLED_BACK: &str = "\
flow: main
numbers: [1000]
time_zone: UTC
start: main
steps:
  main: {menu: Well?, choices: {1: To wait -> wait, 2: To be called back -> call_back, 3: To leave a message -> message}}
  wait: {queue: support, skill: billing, next: bye}
  call_back: {callback: support, skill: billing, priority: 3, next: bye}
  message: {voicemail: support, next: bye}
  bye: {hangup: Goodbye.}
agents: {1001: {name: Ada, skills: [billing]}}
queues:
  support: {agents: [1001], while_waiting: {choices: {1: To be called back -> callback}}}
";

#[track_caller]
fn called_back(call: &str) {
    let (report, failed) = report_of(CALLED_BACK, &format!("tests:\n  - test: it\n    {call}\n"), false);
    assert_eq!(failed, 0, "{report}");
}

#[test]
fn who_is_called_back_talks_to_the_agent_from_their_place() {
    called_back(
        "agents: {1001: busy for 3m}\n    call: [press: 1, press: 1, hear: call you back, press: 1, goodbye, pick up, answered: 1001, expect: {queue: support, skill: billing, priority: 0}, agent hangs up, goodbye]",
    );
    called_back(
        "call: [press: 2, hear: call you back, press: 1, goodbye, pick up, answered: 1001, expect: {queue: support, skill: billing, priority: 3}]",
    );
}

#[test]
fn who_leaves_a_message_speaks_until_they_fall_silent() {
    called_back("call: [press: 3, hear: message, wait: 20s, press: hash, hear: thank you, goodbye]");
    called_back("call: [press: 3, hear: message, wait: 20s, say nothing, hear: thank you, goodbye]");
    called_back("call: [press: 3, hear: after the tone, say nothing, {hear: I did not hear, within: 20s}]");
    // Whoever speaks and speaks is thanked in the end, too.
    called_back("call: [press: 3, hear: message, wait: 30s, hear: as long as it can be, goodbye]");
}

#[test]
fn what_one_path_answers_comes_before_what_all_do() {
    let flow = FLOW.replace("save: order_number\n    next: told", "save: order_number\n    next: status").replace(
        "  told:",
        "  status: {lookup: 'orders/{order_number}', save: order, found: told, failed: agent}\n  told:",
    ) + "connectors: {orders: {url: 'https://shop.example.com/o', fields: {status: [sent]}}}\n";
    for lookups in
        ["orders/123456: {status: sent, after: 1s}, orders: failed", "orders: failed, orders/123456: {status: sent}"]
    {
        let test = format!(
            "tests:\n  - test: it\n    lookups: {{{lookups}}}\n    call: [press: 1 123456#, hear: told, press: 1 654321#, expect: {{step: agent}}]\n"
        );
        let (report, failed) = report_of(&flow, &test, false);
        assert_eq!(failed, 0, "{report}");
    }
    // What is said later holds, of all paths.
    let test = "tests:\n  - test: it\n    lookups: {orders/123456: {status: sent}}\n    call: [lookups: {orders: failed}, press: 1 123456#, expect: {step: agent}]\n";
    let (report, failed) = report_of(&flow, test, false);
    assert_eq!(failed, 0, "{report}");
}

/// Who asks for a skill that nobody has waits for whoever learns it: that is for `check` to say.
#[test]
fn a_skill_that_only_a_step_knows_can_be_expected() {
    let flow = FLOW.replace("skills: [billing, technical]", "skills: [billing]");
    let call = "tests:\n  - test: it\n    call: [press: 3, expect: {queue: support, skill: technical}]\n";
    let (report, failed) = report_of(&flow, call, false);
    assert_eq!(failed, 0, "{report}");
}

#[test]
fn what_does_not_come_true_fails() {
    for (call, told) in [
        ("    call: [hear: told]", "this was not heard; the last words were \"How can we help?"),
        (
            "    call: [press: 9, hear: billing]",
            "this was not heard; the last words were \"Sorry, that is not one of the choices.",
        ),
        ("    call: [hear: main, never_hear: follow an order]", "the caller heard \"How can we help?"),
        (
            "    call: [never_hear: you are next, press: 0, agents: {1001: paused, 1002: paused}, wait: 1m]",
            "the caller heard \"You are next in line.\"",
        ),
        ("    call: [press: 2, hang up, press: 1]", "no key can be pressed any more"),
        ("    call: [hear: main, goodbye]", "the line waits for a key"),
        ("    call: [hear: main, agent answers]", "no agent's phone rings for the caller"),
        ("    call: [hear: main, agent hangs up]", "the caller talks to nobody"),
        ("    call: [hear: main, pick up]", "the caller is still on the line"),
        ("    call: [press: 2, {expect: {queue: none}, within: 3s}]", "the caller waits in the queue `support`"),
        ("    call: [press: 2, {answered: 1002, within: 10s}]", "the caller talks to 1001 (Ada)"),
        ("    call: [press: 0, {expect: {place: 2}, within: 10s}]", "the caller talks to 100"),
        ("    call: [press: 1 1234, expect: {value: {order_numbr: 1234}}]", "`order_numbr` is not set"),
        ("    call: [hear: main, expect: {language: en, step: welcome}]", "the caller is in the step `main`"),
        ("    call: [hear: main, expect: {outcome: answered}]", "no wait has ended, and the call goes on"),
        ("    call: [press: 0, spoken: [1]]", "no place was spoken"),
        // What is wrong is told, and not that it is over by then.
        ("    call: [press: 2, expect: {queue: support, priority: 3}]", "the priority is 0"),
        ("    call: [press: 2, expect: {queue: support, skill: technical}]", "`billing` is wanted of the agent"),
        (
            "    call: [press: 2, {expect: {queue: support, agent: 1002}, within: 30s}]",
            "the caller talks to 1001 (Ada)",
        ),
        (
            "    call: [press: 2, metrics: {helpline_queue_entered_total: +1, helpline_queue_callers_waiting: +2}]",
            "`helpline_queue_callers_waiting` has changed by +1",
        ),
        ("    call: [press: 2, say nothing]", "nobody waits for the caller any more"),
        ("    call:\n      - metrics: {helpline_calls_totl: +1}", "no metric is named `helpline_calls_totl`"),
        (
            "    call:\n      - press: 2\n      - metrics: {helpline_calls_active: +2}",
            "`helpline_calls_active` has changed by +1",
        ),
    ] {
        fails(call, &[told, "the walk so far:\n    0:00     calls +442079460000\n"]);
    }
}

#[test]
fn the_same_seed_has_the_same_end() {
    let flow = FLOW.replace("    agents: [1001, 1002]\n", "    agents: [1001, 1002]\n    strategy: random\n");
    let sources =
        [Source { file: "a.yaml".to_owned(), text: flow + "tests:\n  - test: it\n    call: [press: 0, answered]\n" }];
    let reading = document::read(&sources, &Known::of(&BTreeSet::new()));
    let flows = reading.flows.expect("it has no errors");
    let house = House::of_tests(&flows, &reading.tests, &|_| None);
    let mut answered = BTreeSet::new();
    for seed in 0..20 {
        let played = [play(&house, &reading.tests[0], seed), play(&house, &reading.tests[0], seed)];
        assert_eq!(played[0], played[1], "seed {seed}");
        assert_eq!(played[0].failure, None, "seed {seed}");
        answered.insert(format!("{:?}", played[0].told.last().map(|told| &told.what)));
    }
    assert_eq!(answered.len(), 2, "chance decides: {answered:?}");
}

#[test]
fn tests_are_chosen_by_their_names() {
    let tests = || {
        let sources = [("a.yaml", FLOW), ("b.yaml", CONTRACT)]
            .map(|(file, text)| Source { file: file.to_owned(), text: text.to_owned() });
        document::read(&sources, &Known::of(&BTreeSet::new())).tests
    };
    let names = |asked: Option<&str>| -> Result<Vec<String>, String> {
        Ok(chosen(tests(), asked)?.iter().map(|test| test.name.to_string()).collect())
    };
    assert_eq!(names(None).expect("all").len(), 2);
    assert_eq!(names(Some("Closing")).expect("one"), ["billing at closing time"]);
    assert_eq!(
        names(Some("the place onl improves")).expect_err("none"),
        "no call test has `the place onl improves` in its name: did you mean `the place only improves`?"
    );
}

/// No web service is asked: a test tells what it would answer, when, and to which question.
#[test]
fn web_services_answer_as_a_test_tells() {
    const SHOP: &str = "\
flow: main
numbers: [1000]
start: order
steps:
  order: {collect: Your number?, digits: 4, save: number, next: status}
  status: {lookup: 'orders/{number}', save: order, found: told, not_found: none, failed: person}
  told: {say: 'It is {order.status|word}.', next: order}
  none: {say: There is no such order., next: order}
  person: {queue: support, next: order}
connectors: {orders: {url: 'https://shop.example.com/api', timeout: 8s, fields: {status: [sent, delayed]}}}
queues: {support: {agents: [1001]}}
agents: {1001: {name: Ada}}
tests:
  - test: found
    lookups: {orders: not_found, orders/1234: {status: sent}}
    call: [press: 1234, hear: told, press: 4321, hear: there is no such order]
  - test: slow
    lookups: {orders: {status: sent, after: 5s}}
    call: [press: 1234, wait: 4s, expect: {step: status}, hear: told]
  - test: too slow
    lookups: {orders: {status: sent, after: 5m}}
    call: [press: 1234, expect: {step: person}]
  - test: gone
    call: [press: 1234, expect: {queue: support}]
  - test: gone in the middle
    lookups: {orders: {status: sent}}
    call: [press: 1234, hear: told, lookups: {orders: failed after 1s}, press: 1234, expect: {queue: support}]
";
    let (report, failed) = report_of(SHOP, "", false);
    assert_eq!(failed, 0, "{report}");
    assert!(report.ends_with("5 call tests: all passed\n"), "{report}");
}
