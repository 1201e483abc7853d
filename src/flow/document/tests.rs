//! The reading of flow files: what comes of right ones, and that nothing comes to grief over wrong ones. The reports on faults are
//! in tests/diagnostics.rs.

use super::*;
use crate::flow::{AgentCode, AgentCodes, Currency, Piece, Speech, SpokenAs, StepKind, Target, Value};
use crate::telephony::Digit;

fn reading(text: &str) -> Reading {
    let source = Source { file: "main.yaml".to_owned(), text: text.to_owned() };
    read(&[source], &Known::of(&BTreeSet::new()))
}

fn flows(text: &str) -> FlowSet {
    let reading = reading(text);
    reading.flows.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics))
}

/// What is said, as a line: recordings by name, values in braces.
fn said(set: &FlowSet, speech: &Speech, language: usize) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Prompt(id) => format!("{}={}", set.prompt(*id).name, set.prompt(*id).text),
        Piece::Value { name, format } => format!("{{{name} {format:?}}}"),
    };
    speech.by_language[language].iter().map(piece).collect::<Vec<_>>().join(" | ")
}

const WHOLE: &str = r#"
flow: main
numbers: ["+442079460000", +4420, 1000, 08, any]
languages: [en, no]
time_zone: Europe/London
currency: EUR
start: welcome
always:
  0: bye
  star: back
steps:
  welcome:
    say: {en: Welcome., no: Velkommen.}
    must_hear: true
    next: menu
  menu:
    menu: How can we help?
    first_key: 1m30s
    tries: 2
    no_input: I did not hear you.
    choices:
      1: For billing -> ask
      hash: "-> hangup"
      42:
        say: {en: For gold, no: For gull}
        go: tell
        when: tier is 'gold'
      "*": {go: again}
    otherwise: bye
  ask:
    collect: Your number?
    digits: 6-8
    end_key: star
    save: order
    confirm: number
    next: give
  give:
    set: {tier: gold, total: 24.50, arrives: tomorrow, count: "3", vip: true, zero: 08, phone: +44}
    next: choose
  choose: {when: vip and total > 3, then: tell, otherwise: hangup}
  tell:
    say: Order {order|digits} costs {total|money}, {total}. It is {tier} and arrives {arrives|day}!
    next: speak
  speak: {language: no, next: sub}
  sub: {flow: main, next: jingle}
  jingle: {play: music/summer.1, next: bye}
  pin: {collect: PIN?, save: pin, secret: true, end_key: none, next: bye}
  bye: {hangup: }
  used: {when: count is '3' and zero is '08' and phone is '+44' and pin is empty, then: bye}
"#;

#[test]
fn a_flow_is_read_as_it_is_written() {
    let set = flows(WHOLE);
    let flow = &set.flows[0];
    let numbers: Vec<&str> = set.numbers.keys().map(String::as_str).collect();
    assert_eq!(numbers, ["+4420", "+442079460000", "08", "1000"]);
    assert!(set.any.is_some());
    assert_eq!(flow.languages.iter().map(|code| &**code).collect::<Vec<_>>(), ["en", "no"]);
    assert_eq!(flow.currency, Some(Currency::Eur));
    assert_eq!(flow.time_zone.iana_name(), Some("Europe/London"));
    assert_eq!(flow.always.get(&Digit::STAR), Some(&Target::Back));
    let step = |name: &str| flow.steps.iter().find(|step| &*step.name == name).expect("the step is there");

    let StepKind::Say { speech, must_hear: true } = &step("welcome").kind else { panic!("welcome") };
    assert_eq!(said(&set, speech, 0), "main/welcome=Welcome.");
    assert_eq!(said(&set, speech, 1), "main/welcome=Velkommen.");

    let StepKind::Menu(menu) = &step("menu").kind else { panic!("menu") };
    assert_eq!(menu.patience.first_key.as_secs(), 90);
    assert_eq!((menu.patience.between_keys.as_secs(), menu.patience.tries), (4, 2));
    let no_input = menu.patience.no_input.as_ref().expect("it is written");
    assert_eq!(said(&set, no_input, 0), "main/menu.no_input=I did not hear you.");
    let lines: Vec<String> = menu
        .choices
        .iter()
        .map(|choice| choice.speech.as_ref().map_or("-".to_owned(), |speech| said(&set, speech, 0)))
        .collect();
    assert_eq!(lines, ["main/menu.1=For billing, press one.", "-", "main/menu.42=For gold, press four two.", "-"]);
    assert_eq!(menu.choices[1].target, Target::HangUp);
    assert!(menu.choices[2].when.is_some());
    assert_eq!((&menu.choices[3].keys, menu.choices[3].target), (&vec![Digit::STAR], Target::Again));

    let StepKind::Collect(ask) = &step("ask").kind else { panic!("ask") };
    assert_eq!((ask.shortest, ask.longest, ask.end_key), (6, 8, Some(Digit::STAR)));
    assert_eq!((ask.confirm, ask.confirm_as, ask.secret), (true, SpokenAs::Number, false));
    let StepKind::Collect(pin) = &step("pin").kind else { panic!("pin") };
    assert_eq!((pin.shortest, pin.longest, pin.end_key, pin.secret), (1, 64, None, true));

    let StepKind::Set(values) = &step("give").kind else { panic!("give") };
    let text = |text: &str| Value::Text(text.to_owned());
    let expected = [
        text("gold"),
        Value::Number { units: 2450, places: 2 },
        text("tomorrow"),
        text("3"),
        Value::Truth(true),
        text("08"),
        text("+44"),
    ];
    assert!(values.iter().map(|(_, value)| value).eq(expected.iter()));

    let StepKind::Say { speech, .. } = &step("tell").kind else { panic!("tell") };
    assert_eq!(
        said(&set, speech, 0),
        "main/tell.part1=Order | {order Digits} | main/tell.part2=costs | {total Money} | {total Number} | \
         main/tell.part3=. It is | {tier Word} | main/tell.part4=and arrives | {arrives Day}"
    );
    assert!(matches!(step("bye").kind, StepKind::HangUp { speech: None }));
    assert!(matches!(step("choose").kind, StepKind::When { otherwise: Some(Target::HangUp), .. }));

    let english: std::sync::Arc<str> = "en".into();
    for name in ["music/summer.1", "phrases/word/gold", "phrases/digit/7", "phrases/system/goodbye"] {
        assert!(set.find_prompt(&english, name).is_some(), "{name}");
    }
}

#[test]
fn files_of_other_systems_are_read() {
    let lines_of_windows = WHOLE.replace('\n', "\r\n");
    assert_eq!(flows(&lines_of_windows).flows[0].steps.len(), flows(WHOLE).flows[0].steps.len());
    assert_eq!(flows(&format!("\u{feff}{}", WHOLE.trim_start())).flows.len(), 1);

    // The place is right behind such a mark, too.
    let fault =
        &reading("\u{feff}flow: main\r\nnumbers: any\r\nstart: nowhere\r\nsteps: {a: {hangup: }}").diagnostics[0];
    assert_eq!((fault.line, fault.column, fault.span.end - fault.span.start), (3, 8, 7));
}

#[test]
fn repetitions_are_read() {
    let set = flows("flow: main\nnumbers: any\nstart: a\nsteps:\n  a: &step {hangup: Goodbye.}\n  b: *step\n");
    assert_eq!(set.flows[0].steps.len(), 2);
    assert!(matches!(set.flows[0].steps[1].kind, StepKind::HangUp { speech: Some(_) }));
}

#[test]
fn flows_know_each_other() {
    let source = |file: &str, text: &str| Source { file: file.to_owned(), text: text.to_owned() };
    let sources = [
        source(
            "a.yaml",
            "flow: a\nnumbers: [1]\nstart: x\nsteps: {x: {flow: b, next: y}, y: {say: 'It is {told|number}.'}}\n",
        ),
        source("b.yaml", "flow: b\nnumbers: [any]\nstart: x\nsteps: {x: {set: {told: 3}}}\n"),
        source("c.yaml", "# Nothing yet.\n"),
    ];
    let reading = read(&sources, &Known::of(&BTreeSet::new()));
    let set = reading.flows.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics));
    assert_eq!((set.for_number("1"), set.for_number("2")), (Some(FlowIndex(0)), Some(FlowIndex(1))));
    assert!(matches!(set.flows[0].steps[0].kind, StepKind::Flow(FlowIndex(1))));
}

#[test]
fn a_text_that_is_missing_is_heard_in_the_first_language() {
    let text = "flow: main\nnumbers: any\nlanguages: [en, es]\nstart: a\nsteps: {a: {hangup: Goodbye.}}\n";
    let set = flows(text);
    let StepKind::HangUp { speech: Some(speech) } = &set.flows[0].steps[0].kind else { panic!("a") };
    assert_eq!(speech.by_language[0], speech.by_language[1]);

    // A recording says it without a text.
    let prompts = BTreeSet::from(["es/main/a.wav".to_owned()]);
    let source = Source { file: "main.yaml".to_owned(), text: text.to_owned() };
    let reading = read(&[source], &Known::of(&prompts));
    assert!(!reading.diagnostics.iter().any(|fault| fault.code == codes::NOT_TRANSLATED));
    let set = reading.flows.expect("there is no error");
    let StepKind::HangUp { speech: Some(speech) } = &set.flows[0].steps[0].kind else { panic!("a") };
    assert_eq!(said(&set, speech, 1), "main/a=");
}

#[test]
fn the_flow_with_every_recording_has_no_warning() {
    let set = flows(WHOLE);
    let prompts: BTreeSet<String> =
        set.prompts.iter().map(|prompt| format!("{}/{}.wav", prompt.language, prompt.name)).collect();
    let source = Source { file: "main.yaml".to_owned(), text: WHOLE.to_owned() };
    let known = Known::of(&prompts);
    let told: Vec<Diagnostic> = read(&[source], &known).diagnostics;
    // A text for one language only, a star key of its own, and steps that nothing leads to, are there to be read.
    let meant = [codes::NOT_TRANSLATED, codes::SHADOWED_KEY, codes::UNREACHABLE];
    let others: Vec<&Diagnostic> = told.iter().filter(|fault| !meant.contains(&fault.code)).collect();
    assert!(others.is_empty(), "{others:#?}");
}

/// Wrong files are told, whatever is wrong: nothing panics, nothing takes long, and every place lies in the file.
/// What else is wrong can be told where every way is known in spite of the errors, and only there.
#[test]
fn ways_are_known_in_spite_of_errors_beside_them() {
    let with = |main: &str| {
        let reading = reading(&format!(
            "flow: main\nnumbers: [any]\nstart: main\nsteps:\n  main: {main}\n  bye: {{hangup: Goodbye.}}\n"
        ));
        assert!(reading.has_errors() && reading.flows.is_none(), "{:#?}", reading.diagnostics);
        reading.faulty.is_some()
    };
    for beside in [
        "{say: Hello., must_hear: yes, next: bye}",
        "{say: Hello., next: byee}",
        "{say: 'It is {nothing|digits}.', next: bye}",
        "{transfer: '+449', next: bye}",
        "{record: {prompt: You are recorded.}, next: bye}",
        "{menu: Yes?, first_key: 5, choices: {1: To end -> bye}}",
    ] {
        assert!(with(beside), "{beside}");
    }
    for missing in [
        "{say: Hello., next: elsewhere}",
        "{say: Hello., nxt: bye}",
        "{queue: support, next: bye}",
        "{say: Hello., menu: Yes?, next: bye}",
        "{menu: Yes?, choices: {1: To end}}",
        "{play: ../bye, next: bye}",
    ] {
        assert!(!with(missing), "{missing}");
    }
}

#[test]
fn no_file_comes_to_grief() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ": ",
        ":",
        "- ",
        "\n",
        "  ",
        "\t",
        "#",
        "\"",
        "'",
        "&a ",
        "*a",
        "!x ",
        "|",
        ">-\n",
        "->",
        "ü",
        "\u{feff}",
        "\r",
        "---\n",
        "~",
        "null",
        "0",
        "-",
        "when: ",
        "say: ",
        "choices: ",
        "{now|day}",
        "1: ",
        "steps:\n",
        "\\",
        ",",
        "%",
        "\0",
    ];
    for _ in 0..3000 {
        let mut text = WHOLE.to_owned();
        for _ in 0..random.usize(1..6) {
            let mut at = random.usize(..=text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match random.u8(..3) {
                0 => text.insert_str(at, random.choice(pieces).expect("some")),
                1 => text.truncate(at),
                _ => {
                    let mut end = (at + random.usize(..20)).min(text.len());
                    while !text.is_char_boundary(end) {
                        end -= 1;
                    }
                    text.replace_range(at..end.max(at), "");
                }
            }
        }
        let reading = reading(&text);
        assert_eq!(reading.flows.is_none(), reading.has_errors());
        for fault in &reading.diagnostics {
            assert!(fault.span.end <= text.len() && text.is_char_boundary(fault.span.start), "{fault:?} in {text}");
            assert!(text.is_char_boundary(fault.span.end), "{fault:?} in {text}");
            assert!(!fault.message.is_empty() && !fault.message.ends_with('.'), "{fault:?}");
        }
    }
}

/// Large files are refused or read in a moment, whatever they repeat.
#[test]
fn no_file_is_too_much() {
    let steps = |body: &str| format!("flow: main\nnumbers: any\nstart: a\nsteps:\n{body}");
    let many = |part: &dyn Fn(usize) -> String, count: usize| (0..count).map(part).collect::<String>();
    let check = |what: &str, text: String, expected: Option<Code>| {
        let reading = reading(&text);
        assert!(reading.diagnostics.len() <= 2 * diagnostic::MAX_DIAGNOSTICS + 2, "{what}");
        match expected {
            Some(code) => assert!(reading.diagnostics.iter().any(|fault| fault.code == code), "{what}"),
            None => assert!(reading.flows.is_some(), "{what}: {:#?}", reading.diagnostics),
        }
    };
    check("too many bytes", " ".repeat(tree::MAX_FILE_BYTES + 1), Some(codes::TOO_LARGE));
    check("deep", "[".repeat(1_000_000), Some(codes::TOO_LARGE));
    check("deep by lines", many(&|depth| format!("{}a:\n", " ".repeat(depth)), 1000), Some(codes::TOO_LARGE));
    check("many keys", many(&|key| format!("k{key}: 1\n"), 60_000), Some(codes::TOO_LARGE));
    check("many unknown keys", many(&|key| format!("k{key}: 1\n"), 20_000), Some(codes::TOO_MANY_FAULTS));
    check(
        "long repeated text",
        format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), "*a, ".repeat(10_000)),
        Some(codes::TOO_LARGE),
    );
    check("many aliases", format!("a: &a x\nb: [{}]\n", "*a, ".repeat(60_000)), Some(codes::TOO_LARGE));
    check("braces", steps(&format!("  a: {{say: '{}'}}\n", "{".repeat(900_000))), Some(codes::TOO_LARGE));
    check("tabs", format!("# {}\n{}", "#\t".repeat(200_000), "\t\n".repeat(100_000)), Some(codes::TAB));
    check(
        "dangling",
        steps(&many(&|step| format!("  a{step}: {{say: x, next: b{step}}}\n"), 9_000)),
        Some(codes::TOO_LARGE),
    );
    let choices = many(&|key| format!("      {key}: x -> a\n"), 12_000);
    check("choices", steps(&format!("  a:\n    menu: x\n    choices:\n{choices}")), Some(codes::TOO_LARGE));
    check(
        "two thousand steps",
        steps(&many(
            &|step| if step == 0 { "  a: {say: x}\n".into() } else { format!("  a{step}: {{say: x}}\n") },
            2000,
        )),
        None,
    );
}

#[test]
fn agents_hear_in_their_language_why_they_are_paused() {
    let text = "flow: main\nnumbers: [any]\nlanguages: [es]\nstart: a\nsteps:\n  a: {queue: support}\nagents:\n  1001: {name: Ada}\n\
                queues:\n  support: {agents: [1001]}\n";
    let codes = [("*1", "lunch"), ("*2", "curso_interno")];
    let codes = codes.map(|(dialled, reason)| (dialled.into(), AgentCode::Pause(Some(reason.into())))).into();
    let codes = AgentCodes { codes, ..AgentCodes::none() };
    let none = BTreeSet::new();
    let source = Source { file: "main.yaml".to_owned(), text: text.to_owned() };
    let set = read(&[source], &Known { codes: &codes, ..Known::of(&none) }).flows.expect("it has no errors");
    let pauses = set.prompts.iter().filter(|prompt| prompt.name.starts_with("phrases/pause/"));
    let told: Vec<_> = pauses.map(|prompt| format!("{}: {}", prompt.name, prompt.text)).collect();
    // A reason that the operator made up follows the language's own sentence; codes that are not there ask for no recording.
    assert_eq!(
        told,
        ["phrases/pause/lunch: Está en pausa: comida.", "phrases/pause/curso_interno: Está en pausa: curso interno."]
    );
}
