//! The command line: one file a command.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub mod agents;
pub mod check;
pub mod completions;
pub mod dial;
pub mod diff;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod hours;
mod listening;
pub mod listing;
mod log_line;
pub mod prompts;
mod reading;
mod recorded;
pub mod reload;
pub mod report;
mod running;
pub mod schema;
pub mod serve;
mod terminal;
pub mod test;
pub mod r#try;

/// The exit status of a command that could not run; 0 is fine, 1 says that faults were found, 2 is wrong usage.
const COULD_NOT_RUN: u8 = 3;

/// A phone-support line over SIP: answers at once, written in a page of YAML.
#[derive(Debug, Parser)]
#[command(name = "helpline", version, propagate_version = true, arg_required_else_help = true)]
struct CommandLine {
    /// The installation file; it may be absent [default: helpline.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answers calls. Ctrl-C or SIGTERM lets calls in progress end, a second one ends at once; SIGHUP reads the flows again
    Serve(serve::Arguments),
    /// Reads everything that `serve` would read, and tells every fault and warning at once
    Check(check::Arguments),
    /// A telephone in the terminal: shows what a caller would hear, and takes keys
    Try(r#try::Arguments),
    /// Plays the call tests of the flow files in virtual time
    Test(test::Arguments),
    /// Places calls from the terminal: one by hand, or many as a load
    Dial(dial::Arguments),
    /// Who answers, what they are doing, and on request their softphones' passwords
    Agents(agents::Arguments),
    /// Whether hours are open at a time, why, and when that changes; or the calendar of a year
    Hours(hours::Arguments),
    /// The long story of a fault's code; without one, the list of all
    Explain(explain::Arguments),
    /// What has to be recorded, and what is there
    Prompts(prompts::Arguments),
    /// Writes the files in their canonical form, comments kept; `--check` only tells
    Fmt(fmt::Arguments),
    /// A flow as a picture: Mermaid, DOT or SVG, on request with how many callers took each way
    Graph(graph::Arguments),
    /// What changed flow files mean to callers, in words, and how many callers are there now
    Diff(diff::Arguments),
    /// Lets the running server read flows and recordings again, and tells what callers will notice
    Reload(reload::Arguments),
    /// Lets the running server go back to an earlier revision of the flows
    Rollback(reload::BackArguments),
    /// The JSON Schema of the files, by which editors complete and underline
    Schema(schema::Arguments),
    /// What a shell reads to complete commands, options and file names
    Completions(completions::Arguments),
}

/// Runs the command line of the process.
pub fn main() -> ExitCode {
    // Wrong usage ends here, with status 2.
    let CommandLine { config, command } = CommandLine::parse();
    if let Some(named) = config.as_ref().filter(|named| !named.exists()) {
        eprintln!("helpline: there is no file `{}`: the defaults stand", named.display());
    }
    let config = config.unwrap_or_else(|| PathBuf::from("helpline.yaml"));
    let outcome = match command {
        Command::Serve(arguments) => serve::run(&arguments, &config),
        Command::Check(arguments) => check::run(&arguments, &config),
        Command::Try(arguments) => r#try::run(&arguments, &config),
        Command::Test(arguments) => test::run(&arguments, &config),
        Command::Dial(arguments) => Ok(dial::run(&arguments)),
        Command::Agents(arguments) => agents::run(&arguments, &config),
        Command::Hours(arguments) => hours::run(&arguments, &config),
        Command::Explain(arguments) => explain::run(&arguments).map_err(Into::into),
        Command::Prompts(arguments) => prompts::run(&arguments, &config),
        Command::Fmt(arguments) => fmt::run(&arguments, &config),
        Command::Graph(arguments) => graph::run(&arguments, &config),
        Command::Diff(arguments) => diff::run(&arguments, &config),
        Command::Reload(arguments) => reload::run(&arguments, &config),
        Command::Rollback(arguments) => reload::run_back(&arguments, &config),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, CommandLine::command()),
    };
    outcome.unwrap_or_else(|reason| {
        eprintln!("helpline: {}", without_numbers(&format!("{reason:#}")));
        ExitCode::from(COULD_NOT_RUN)
    })
}

/// What the system says of a fault, without the number that it has for it: the words tell the same.
fn without_numbers(told: &str) -> String {
    let mut parts = told.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| match part.split_once(')') {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => text + rest,
        _ => text + " (os error " + part,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_the_system_are_told_in_words() {
        let check = |told: &str, expected: &str| assert_eq!(without_numbers(told), expected);
        check("`a.xml` cannot be written: Is a directory (os error 21)", "`a.xml` cannot be written: Is a directory");
        check("a (os error 2), b (os error 13).", "a, b.");
        check("nothing of the kind", "nothing of the kind");
        check("(os error x) and (os error 7", "(os error x) and (os error 7");
    }

    #[test]
    fn the_command_line_holds_together() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn wrong_numbers_are_told_in_words() {
        for (arguments, told) in [
            (&["helpline", "test", "--seed", "x"][..], "a seed is a whole number, such as 7"),
            (&["helpline", "hours", "--year", "99999"], "a year is a number, 1 to 9998"),
            (&["helpline", "dial", "sip:a@b", "--calls", "0"], "a number of calls is whole, from 1 to 10000000"),
            (&["helpline", "dial", "sip:a@b", "--calls", "many"], "a number of calls is whole, from 1 to 10000000"),
        ] {
            let wrong = CommandLine::try_parse_from(arguments).expect_err("it is wrong");
            assert!(wrong.to_string().contains(told) && wrong.exit_code() == 2, "{arguments:?}: {wrong}");
        }
    }

    #[test]
    fn the_installation_can_be_named_anywhere() {
        for arguments in [["helpline", "--config", "a.yaml", "check"], ["helpline", "check", "--config", "a.yaml"]] {
            let read = CommandLine::try_parse_from(arguments).expect("it is right");
            assert_eq!(read.config, Some(PathBuf::from("a.yaml")), "{arguments:?}");
        }
    }
}
