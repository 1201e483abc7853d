//! `helpline try`: a telephone in the terminal.

use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;

use super::listing::{Secrets, flows_or_errors};
use super::recorded;
use super::report;
use super::terminal::{Dialling, Look, Telephone};
use crate::config::Installation;
use crate::flow::document::call_tests::HANDLE_TIMES;
use crate::flow::document::diagnostic::{listed, nearest};
use crate::flow::document::scalar;
use crate::flow::{FlowIndex, FlowSet, Prompt, QueueIndex};
use crate::rehearsal::House;

/// What `helpline try` is told on the command line.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The flow to call, by its name or by a number that it answers; without it, the flow of the first number
    pub flow: Option<String>,
    /// The number that the call comes from, or `withheld`
    #[arg(long, value_name = "NUMBER", default_value = "+442079460123")]
    pub from: String,
    /// How long agents took for calls of this queue of late, such as `support=6m`: with it, waits are estimated and told
    #[arg(long, value_name = "QUEUE=TIME")]
    pub handle_time: Vec<String>,
    /// Show every step
    #[arg(long, short)]
    pub verbose: bool,
}

/// Calls a flow of the installation in `config` and prints what a caller hears, until the call or standard input ends. The
/// exit status is 1 when the files have errors, and 2 when there is no such flow or a line of a script is not understood.
///
/// # Errors
/// The terminal could not be read or written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let Some((flows, installation)) = flows_or_errors(Installation::load(config), Secrets::Spared)? else {
        return Ok(ExitCode::from(1));
    };
    let Some(entry) = entry(&flows, arguments.flow.as_deref()) else {
        eprintln!("{}", no_such_flow(&flows, arguments.flow.as_deref()));
        return Ok(ExitCode::from(2));
    };
    let handle_times = match handle_times(&flows, &arguments.handle_time) {
        Ok(times) => times,
        Err(told) => {
            eprintln!("helpline: {told}");
            return Ok(ExitCode::from(2));
        }
    };
    let folder = installation.prompts;
    let visit = Visit {
        entry,
        handle_times,
        from: &arguments.from,
        wall: Timestamp::now(),
        look: Look { colour: report::colour_on_stdout(), verbose: arguments.verbose },
        recordings: &|prompt| recorded::length(&folder, prompt),
        attended: io::stdin().is_terminal(),
    };
    let (mut input, mut output, mut complaints) = (io::stdin().lock(), io::stdout().lock(), io::stderr().lock());
    match converse(&flows, &visit, &mut input, &mut output, &mut complaints) {
        Ok(Ending::Fine) => Ok(ExitCode::SUCCESS),
        Ok(Ending::Misunderstood) => Ok(ExitCode::from(2)),
        Err(error) => {
            report::unless_closed(Err(error))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn no_such_flow(flows: &FlowSet, asked: Option<&str>) -> String {
    let names = || flows.flows.iter().map(|flow| &*flow.name);
    match asked {
        None => "there is no flow to call: write one below the folder of flows".to_owned(),
        Some(asked) => match nearest(asked, names()) {
            Some(meant) => {
                format!("no flow is called `{asked}`, and none answers that number: did you mean `{meant}`?")
            }
            None => format!("no flow is called `{asked}`, and none answers that number: there is {}", listed(names())),
        },
    }
}

/// `support=6m`, as often as there are queues; the error is for people.
fn handle_times(flows: &FlowSet, written: &[String]) -> Result<Vec<(QueueIndex, Duration)>, String> {
    let one = |text: &String| {
        let (name, time) = text.split_once('=').unwrap_or((text, ""));
        let names = || flows.queues.iter().map(|queue| &*queue.name);
        let Some(place) = names().position(|known| known == name) else {
            let meant = match nearest(name, names()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there is {}", listed(names())),
            };
            return Err(format!("there is no queue `{name}`: {meant}"));
        };
        let time = scalar::duration(time).filter(|time| HANDLE_TIMES.contains(time));
        let time = time.ok_or_else(|| format!("write `--handle-time {name}=6m`, from 1s to 2h"))?;
        Ok((QueueIndex(u16::try_from(place).unwrap_or(u16::MAX)), time))
    };
    written.iter().map(one).collect()
}

/// Which flow to call, and under which number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    flow: FlowIndex,
    dialled: String,
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Fine,
    /// A line was not understood, and nobody was there to write it better.
    Misunderstood,
}

/// The flow that `asked` means: a flow's name, a number that one answers, or nothing for the first there is.
fn entry(flows: &FlowSet, asked: Option<&str>) -> Option<Entry> {
    let number_of = |flow: FlowIndex| {
        let first = flows.numbers.iter().find(|(_, answered)| **answered == flow);
        first.map(|(number, _)| number.clone()).unwrap_or_default()
    };
    let flow = match asked {
        None => {
            let first = flows.numbers.values().next().copied().or(flows.any);
            first.or((!flows.flows.is_empty()).then_some(FlowIndex(0)))?
        }
        Some(asked) => {
            let named = flows.flows.iter().position(|flow| &*flow.name == asked);
            match named.and_then(|place| u16::try_from(place).ok()) {
                Some(place) => FlowIndex(place),
                None => {
                    // `any` answers every number, but a mistyped name is none.
                    let number = asked.chars().all(|character| character.is_ascii_digit() || "+*#".contains(character));
                    let answered = if number { flows.for_number(asked) } else { flows.numbers.get(asked).copied() };
                    return answered.map(|flow| Entry { flow, dialled: asked.to_owned() });
                }
            }
        }
    };
    Some(Entry { flow, dialled: number_of(flow) })
}

/// What a caller brings, and how the transcript looks.
struct Visit<'a> {
    entry: Entry,
    from: &'a str,
    handle_times: Vec<(QueueIndex, Duration)>,
    wall: Timestamp,
    look: Look,
    /// How long a recording is; nothing when there is none.
    recordings: &'a dyn Fn(&Prompt) -> Option<Duration>,
    /// Someone sits at the keyboard.
    attended: bool,
}

/// Calls, and follows the lines of `input` until the call or the input ends.
fn converse(
    flows: &FlowSet,
    visit: &Visit<'_>,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    complaints: &mut dyn Write,
) -> io::Result<Ending> {
    let mut flows = flows.clone();
    let mut dialled = visit.entry.dialled.clone();
    if flows.for_number(&dialled) != Some(visit.entry.flow) {
        // A flow that no number reaches is called by its name.
        dialled = flows.flow(visit.entry.flow).name.to_string();
        flows.numbers.insert(dialled.clone(), visit.entry.flow);
    }
    let house = House::new(&flows, [], visit.recordings);
    let call = Dialling {
        from: visit.from.to_owned(),
        dialled,
        zone: flows.flow(visit.entry.flow).time_zone.clone(),
        handle_times: visit.handle_times.clone(),
    };
    let mut telephone = Telephone::dial(&house, call, visit.wall, visit.look);
    if visit.attended {
        let clock = telephone.clock().strftime("%A, %-d %B %Y, %H:%M").to_string();
        writeln!(complaints, "It is {clock}. Type keys and press Enter; Enter alone waits; :help tells more.\n")?;
    }
    let mut ending = Ending::Fine;
    let mut line = Vec::new();
    while !telephone.is_over() {
        write!(output, "{}", telephone.take_printed())?;
        if visit.attended {
            write!(output, "> ")?;
        }
        output.flush()?;
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            if visit.attended {
                writeln!(output)?;
            }
            telephone.hang_up();
            break;
        }
        let line = String::from_utf8_lossy(&line);
        if !visit.attended {
            writeln!(output, "{}", format!("> {}", line.trim()).trim_end())?;
        }
        if let Err(misunderstood) = telephone.take_line(&line) {
            writeln!(complaints, "{misunderstood}")?;
            if !visit.attended {
                ending = Ending::Misunderstood;
            }
        }
    }
    write!(output, "{}", telephone.take_printed())?;
    output.flush()?;
    Ok(ending)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::flow::document::{self, Known, Source};

    const FLOW: &str = "\
flow: main
numbers: [1000, any]
start: welcome
steps:
  welcome: {say: Thank you for calling., next: main}
  main:
    menu: How can we help?
    choices:
      1: To order -> order
      2: For the time -> clock
    otherwise: nobody
  order: {collect: Please enter your number., digits: 6-8, confirm: true, save: number, next: ordered}
  ordered: {say: 'Order {number|digits} is on its way.', next: rules}
  rules: {say: These are the rules., must_hear: true, next: main}
  clock: {say: 'Today is {now|day}, and it is {now|time}.', next: main}
  nobody: {hangup: Nobody is here.}
";

    const QUEUE: &str = "\
flow: main
numbers: [1000]
start: main
steps:
  main: {menu: Yes?, choices: {1: For a person -> person}}
  person: {queue: support, next: after}
  after: {say: How was it?}
queues:
  support: {agents: [1001, 1002]}
agents: {1001: {name: Ada}, 1002: {name: Grace}}
";

    const PASSED_ON: &str = "\
flow: main
numbers: [1000]
start: main
steps:
  main: {menu: Yes?, choices: {1: For the reception -> pass}}
  pass: {transfer: \"sip:reception@192.0.2.7\", next: after}
  after: {menu: How was it?, choices: {1: For one -> bye}}
  bye: {hangup: Goodbye.}
";

    fn flows(text: &str) -> FlowSet {
        let source = Source { file: "main.yaml".into(), text: text.into() };
        let reading = document::read(&[source], &Known::of(&BTreeSet::new()));
        reading.flows.unwrap_or_else(|| panic!("the flow has faults: {:#?}", reading.diagnostics))
    }

    /// What is printed for `lines`, and how it ends, when every recording but those of `missing` exists.
    fn transcript(lines: &str, missing: &str, verbose: bool) -> (String, Ending) {
        transcript_of(FLOW, lines, missing, verbose)
    }

    fn transcript_of(flow: &str, lines: &str, missing: &str, verbose: bool) -> (String, Ending) {
        transcript_after(flow, &[], lines, missing, verbose)
    }

    fn transcript_after(flow: &str, handled: &[String], lines: &str, missing: &str, verbose: bool) -> (String, Ending) {
        let recordings = |prompt: &Prompt| {
            let recorded = missing.is_empty() || !prompt.name.starts_with(missing);
            recorded.then_some(Duration::from_secs(3))
        };
        let flows = flows(flow);
        let visit = Visit {
            entry: entry(&flows, None).expect("a flow answers"),
            from: "1001",
            handle_times: handle_times(&flows, handled).expect("they are right"),
            wall: "2026-12-18T17:29:00Z".parse().expect("a time"),
            look: Look { colour: false, verbose },
            recordings: &recordings,
            attended: false,
        };
        let (mut output, mut complaints) = (Vec::new(), Vec::new());
        let ending = converse(&flows, &visit, &mut lines.as_bytes(), &mut output, &mut complaints);
        let printed = [output, complaints].map(|printed| String::from_utf8(printed).expect("text"));
        (printed.concat(), ending.expect("nothing fails"))
    }

    const MENU: &str = "  How can we help? To order, press one. For the time, press two.";

    /// `expected` holds the whole transcript: MENU stands for the menu, and lines with `>` are typed.
    fn check(expected: &str, missing: &str, verbose: bool) {
        let expected = expected.replace("\n        ", "\n").replace("MENU", MENU).replace("MAIN", MENU.trim_start());
        let typed = expected.lines().filter_map(|line| line.strip_prefix('>'));
        let typed: String = typed.map(|line| format!("{}\n", line.trim())).collect();
        let (printed, _) = transcript(&typed, missing, verbose);
        assert_eq!(printed, expected);
    }

    #[test]
    fn a_caller_hears_the_line() {
        check(
            "  Thank you for calling.
        MENU
        > 2
          Today is Friday the eighteenth of December, and it is five twenty-nine P M.
        MENU
        > 1
          Please enter your number.
        > 123-4567
        [Silence: more keys can come.]
        > #
          You entered one two three four five six seven. If that is right, press one. To enter it again, press two.
        > 1
          Order one two three four five six seven is on its way.
          These are the rules.
        MENU
        > 1 123456# 1
          Please enter your number.
          You entered one two three four five six. If that is right, press one. To enter it again, press two.
          Order one two three four five six is on its way.
          These are the rules.
        MENU
        > :hangup
        [You hang up.]
        ",
            "",
            false,
        );
    }

    #[test]
    fn waits_are_told_where_handle_times_are() {
        let lines = ":agents 0\n:ahead 2\n1\n:agent 1001 busy for 20m\n:wait 25s\n:record\n";
        let (printed, _) = transcript_after(QUEUE, &["support=4m".to_owned()], lines, "", false);
        assert!(printed.contains("You are number three in line. You will wait about fifteen minutes."), "{printed}");
        assert!(printed.contains("    handle_time: {support: 4m}\n"), "{printed}");
        let (printed, _) = transcript_of(QUEUE, lines, "", false);
        assert!(printed.contains("You are number three in line.\n"), "{printed}");

        let flows = flows(QUEUE);
        for (written, told) in [
            ("suport=4m", "there is no queue `suport`: did you mean `support`?"),
            ("support", "write `--handle-time support=6m`, from 1s to 2h"),
            ("support=3h", "write `--handle-time support=6m`, from 1s to 2h"),
        ] {
            assert_eq!(handle_times(&flows, &[written.to_owned()]), Err(told.to_owned()));
        }
    }

    #[test]
    fn a_queue_is_waited_in() {
        let (printed, _) =
            transcript_of(QUEUE, ":agents 0\n:ahead 2\n1\n:wait 25s\n\n2\n:agents 2\n\n\n\n\n\n", "", false);
        let expected = "  Yes? For a person, press one.
> :agents 0
[0 agents are at work.]
> :ahead 2
[2 more callers wait in every queue.]
> 1
[You wait in the queue support.]
  Please hold while I find somebody to help you.
> :wait 25s
  You are number three in line.
>
  You are number three in line.
> 2
[That key means nothing here; you keep your place.]
> :agents 2
[2 agents are at work.]
>
  You are next in line.
>
  You are next in line.
>
[The telephone of Ada rings.]
>
[You talk with Ada.]
>
[Ada hangs up.]
  How was it?
  Thank you for calling. Goodbye.
[Helpline hangs up.]
";
        assert_eq!(printed, expected);
    }

    /// What `:record` prints comes true as a call test.
    #[test]
    fn what_was_done_by_hand_is_a_call_test() {
        for (flow, lines) in [
            (FLOW, "1\n1234567#\n1\n2\n\n:hangup\n"),
            (QUEUE, ":agents 0\n:ahead 2\n1\n:wait 25s\n:agent 1001 ready, answers after 3s\n\n\n\n:wait 3m\n\n\n\n\n"),
            (
                QUEUE,
                ":agent 1001 busy for 6m\n:agent 1002 refuses calls\n1\n:wait 90s\n:waiting support 2\n\n:hangup\n",
            ),
            (QUEUE, "1\n:answer\n:wait 20s\n:part\n"),
            // How the world was set up in an earlier call holds in this one.
            (
                QUEUE,
                ":time mon 10:00\n:agent 1001 busy for 6m\n:agent 1002 logged out\n:waiting support 4\n:call\n1\n:wait 90s\n:hangup\n",
            ),
            (PASSED_ON, ":telephone sip:reception@192.0.2.7 answers after 9s, talks for 8s\n1\n\n\n\n:hangup\n"),
            (PASSED_ON, "1\n:answer\n:wait 20s\n:part\n:hangup\n"),
        ] {
            // Whoever is at the end of a call cannot type any more: the record comes before the last line.
            let last = lines.trim_end().rfind('\n').map_or(0, |at| at + 1);
            for lines in
                [format!("{}:record\n", &lines[..last]), format!("{}:record\n{}", &lines[..last], &lines[last..])]
            {
                let (printed, _) = transcript_of(flow, &lines, "", false);
                let record = printed.split("> :record\n").nth(1).unwrap_or_else(|| panic!("{printed}"));
                let end = ["\n[", "\n>"].iter().filter_map(|mark| record.find(mark)).min().unwrap_or(record.len());
                let record = &record[..end];
                let sources = [("main.yaml", flow), ("tests.yaml", record)]
                    .map(|(file, text)| Source { file: file.to_owned(), text: text.to_owned() });
                let reading = document::read(&sources, &Known::of(&BTreeSet::new()));
                let flows = reading.flows.unwrap_or_else(|| panic!("{record}\n{:#?}", reading.diagnostics));
                let house = House::of_tests(&flows, &reading.tests, &|_| Some(Duration::from_secs(3)));
                let performance = crate::rehearsal::play(&house, &reading.tests[0], 1);
                assert_eq!(performance.failure, None, "{record}\n{printed}");
                assert!(reading.tests[0].script.len() > 2, "{record}");
            }
        }
    }

    #[test]
    fn the_house_is_in_the_operators_hands() {
        let lines = ":agent 1003 ready\n:agent 1001 asleep\n:hours office open\n:waiting sales 2\n:answer\n:part\n:pickup\n:language es\n";
        let (printed, ending) = transcript_of(QUEUE, lines, "", false);
        assert_eq!(ending, Ending::Misunderstood);
        for told in [
            "there is no agent `1003`: there is `1001` and `1002`",
            "no agent does `asleep`: they do `ready`",
            "there is no hours `office`: there is none",
            "there is no queue `sales`: there is `support`",
            "no agent's telephone rings for you",
            "you talk to nobody",
            "your telephone does not ring",
            "there is no language `es`: there is `en`",
        ] {
            assert!(printed.contains(told), "{told} is not in\n{printed}");
        }
        let lines =
            ":waiting support 2\n:agents 0\n1\n:where\n:agent 1002 ready, answers after 1s\n:call\n1\n:agents 2\n";
        let (printed, ending) = transcript_of(QUEUE, lines, "", false);
        assert_eq!(ending, Ending::Fine, "{printed}");
        assert!(printed.contains("  waiting   in support, number"), "{printed}");
        assert!(printed.contains("[You hang up.]\n  Yes? For a person, press one."), "{printed}");
    }

    const LOOKUP: &str = "\
flow: main
numbers: [1000]
start: order
steps:
  order: {collect: Your number?, digits: 1-8, save: number, next: status}
  status: {lookup: 'orders/{number}', save: order, found: told, not_found: {say: No such order., go: order}, failed: nobody}
  told: {say: 'It is {order.status}.', next: order}
  nobody: {hangup: Nobody is here.}
connectors:
  orders: {url: 'https://shop.example.com/o', fields: {status: [sent, paid]}}
";

    #[test]
    fn a_service_answers_as_the_operator_says() {
        let lines = "4711#\n\n:lookup orders not_found\n5#\n:lookup orders {\"status\": \"paid\"}\n6#\n:lookup orders failed\n7#\n";
        let (printed, _) = transcript_of(LOOKUP, lines, "", false);
        let expected = "  Your number?
> 4711#
[orders is asked GET https://shop.example.com/o/4711; answer with :lookup orders {\"status\":\"sent\"}]
>
[Silence for 1 s.]
  One moment, please, while I look that up.
> :lookup orders not_found
[orders answers from now on: not_found.]
  No such order.
  Your number?
> 5#
[orders is asked: not_found.]
  No such order.
  Your number?
> :lookup orders {\"status\": \"paid\"}
[orders answers from now on: found.]
> 6#
[orders is asked: found.]
  It is paid.
  Your number?
> :lookup orders failed
[orders answers from now on: unreachable.]
> 7#
[orders is asked: unreachable.]
  Nobody is here.
[Helpline hangs up.]
";
        assert_eq!(printed, expected);
        for (line, told) in [
            (":lookup shop found", "no connector is called `shop`: there are `orders`"),
            (
                ":lookup orders {\"status\": \"lost\"}",
                "orders cannot answer that: its field `status` is not one of its words",
            ),
            (":lookup orders", "orders answers from now on: not_found"),
        ] {
            let (printed, _) = transcript_of(LOOKUP, &format!("{line}\n"), "", false);
            assert!(printed.contains(told), "{line}: {printed}");
        }
    }

    #[test]
    fn time_is_jumped_over() {
        check(
            "  Thank you for calling.
        MENU
        >
        [Nothing is pressed for 5 s.]
          Sorry, I did not hear a key. MAIN
        > :time mon 18:05
        [It is Monday, 21 December 2026, 18:05.]
        > :wait 10s
        > :wait 1m
        [Nothing is pressed for 5 s.]
          Sorry, I did not hear a key. MAIN
        [Nothing is pressed for 5 s.]
          Nobody is here.
        [Helpline hangs up.]
        ",
            "",
            false,
        );
    }

    #[test]
    fn what_has_no_recording_is_told_apart_and_steps_are_shown() {
        check(
            "[-> main/welcome]
          Thank you for calling.
        [<- main/welcome by next]
        [-> main/main]
        MENU
        > 2
        [<- main/main by choice 2]
        [-> main/clock]
        [What is in parentheses has no recording.]
          Today is (Friday the eighteenth of December), and it is (five twenty-nine P M.)
        [<- main/clock by next]
        [-> main/main]
        MENU
        > :quit
        [<- main/main by caller_hung_up]
        [You hang up.]
        ",
            "phrases",
            true,
        );
    }

    #[test]
    fn a_line_that_is_not_understood_is_told_and_remembered() {
        for (line, told) in [
            ("1x", "`x` is no key"),
            (":agents few", "`few` is no number from 0 to 1000"),
            (":dance", "there is no `:dance`"),
            (":time 25:00", "`25:00` is no time"),
            (":time someday 09:00", "`someday 09:00` is no time"),
            (":time", "`` is no time"),
            (":wait 1y", "`1y` is no time to wait"),
            (":wait -3s", "`-3s` is no time to wait"),
            (":wait", "`` is no time to wait"),
        ] {
            let (printed, ending) = transcript(&format!("{line}\n"), "", false);
            assert!(printed.contains(told), "{line}: {printed}");
            assert_eq!(ending, Ending::Misunderstood, "{line}");
        }
        for line in ["", "1", ":help", ":time 9:00", ":time tomorrow 9:00", ":time 2027-01-01 00:00", ":wait 23h59m"] {
            let (printed, ending) = transcript(&format!("{line}\n"), "", false);
            assert_eq!(ending, Ending::Fine, "{line}: {printed}");
        }
        let (_, ending) = transcript("\u{fffd}\u{0}\n", "", false);
        assert_eq!(ending, Ending::Misunderstood);
    }

    #[test]
    fn a_flow_is_meant_by_name_or_number() {
        let flows = flows(FLOW);
        let check = |asked: Option<&str>, dialled: Option<&str>| {
            let found = entry(&flows, asked);
            assert_eq!(found.as_ref().map(|entry| entry.dialled.as_str()), dialled, "{asked:?}");
        };
        check(None, Some("1000"));
        check(Some("main"), Some("1000"));
        check(Some("+4420"), Some("+4420"));
        check(Some("mian"), None);
        assert!(no_such_flow(&flows, Some("mian")).ends_with("did you mean `main`?"));
        assert!(no_such_flow(&flows, Some("sales")).ends_with("there is `main`"));
        assert_eq!(entry(&FlowSet::default(), None), None);
    }
}
