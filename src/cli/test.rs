//! `helpline test`: plays the call tests of the flow files, all processors at a time.

mod junit;
mod written;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::listing::{Secrets, print, reading_or_errors};
use super::{recorded, report};
use crate::config::Installation;
use crate::flow::call_test::CallTest;
use crate::flow::document::diagnostic::nearest;
use crate::flow::document::{Reading, Source};
use crate::flow::{FlowSet, Prompt};
use crate::rehearsal::{Coverage, House, Performance, Walked, play};

/// More processors than this are never needed.
const PLAYERS_MAX: usize = 64;

/// What `helpline test` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Play only the tests whose names have this in them
    pub name: Option<String>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Write a report for build servers into this file as well
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// List the steps, choices and other ways out that no test walks
    #[arg(long)]
    pub coverage: bool,
    /// Where chance is at work, such as in a queue's strategy `random`, the same seed has the same end
    #[arg(long, default_value_t = 1, value_parser = seed_number)]
    pub seed: u64,
    /// Whether the report for people is in colour; the terminal decides.
    #[arg(skip = report::colour_on_stdout())]
    pub colour: bool,
}

fn seed_number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "a seed is a whole number, such as 7")
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For programs
    Json,
    /// Annotations of GitHub's workflows
    Github,
    /// For build servers
    Junit,
}

/// Plays the call tests of the installation in `config`. The exit status is 1 when the files have errors or a test fails, and 2
/// when no test has the name.
///
/// # Errors
/// The report could not be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let Some((reading, sources, installation)) = reading_or_errors(Installation::load(config), Secrets::Spared)? else {
        return Ok(ExitCode::from(1));
    };
    let folder = installation.prompts;
    let shows_progress = arguments.format == Format::Human && io::stderr().is_terminal();
    let recordings = |prompt: &Prompt| recorded::length(&folder, prompt);
    let report = match played(reading, &sources, &recordings, arguments, shows_progress) {
        Ok(report) => report,
        Err(told) => {
            eprintln!("{told}");
            return Ok(ExitCode::from(2));
        }
    };
    if let Some(file) = &arguments.junit {
        std::fs::write(file, &report.junit).with_context(|| format!("`{}` cannot be written", file.display()))?;
    }
    print(&report.text)?;
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What came of call tests.
#[derive(Clone, Debug)]
pub struct Report {
    /// The report as it was asked for.
    pub text: String,
    /// The report for build servers.
    pub junit: String,
    /// How many tests failed.
    pub failed: usize,
}

/// Plays the call tests of a reading that has no errors. `recordings` tells how long each recording is.
///
/// # Errors
/// No test has the name that was asked for, in words.
pub fn played(
    reading: Reading,
    sources: &[Source],
    recordings: &dyn Fn(&Prompt) -> Option<Duration>,
    arguments: &Arguments,
    shows_progress: bool,
) -> Result<Report, String> {
    let flows = reading.flows.unwrap_or_default();
    let tests = chosen(reading.tests, arguments.name.as_deref())?;
    let house = House::of_tests(&flows, &tests, recordings);
    let results = play_all(&house, &tests, arguments.seed, shows_progress);
    let coverage = arguments.coverage.then(|| coverage(&flows, &results));
    let outcome = Outcome { house: &house, flows: &flows, tests: &tests, results: &results, sources, coverage };
    let junit = junit::report(&outcome);
    let text = match arguments.format {
        Format::Human => written::human(&outcome, arguments.colour),
        Format::Json => written::json(&outcome),
        Format::Github => written::github(&outcome),
        Format::Junit => junit.clone(),
    };
    Ok(Report { text, junit, failed: outcome.failed() })
}

/// A test that was played, and how long that took.
struct Played {
    performance: Performance,
    took: Duration,
}

/// All that reports tell of.
struct Outcome<'o> {
    house: &'o House,
    flows: &'o FlowSet,
    tests: &'o [CallTest],
    results: &'o [Played],
    sources: &'o [Source],
    coverage: Option<Coverage>,
}

impl Outcome<'_> {
    fn failed(&self) -> usize {
        self.results.iter().filter(|played| played.performance.failure.is_some()).count()
    }

    /// The tests with what came of them.
    fn each(&self) -> impl Iterator<Item = (&CallTest, &Played)> {
        self.tests.iter().zip(self.results)
    }
}

/// The tests whose names have `asked` in them.
fn chosen(tests: Vec<CallTest>, asked: Option<&str>) -> Result<Vec<CallTest>, String> {
    let Some(asked) = asked else { return Ok(tests) };
    let wanted = asked.to_lowercase();
    let (chosen, others): (Vec<CallTest>, Vec<CallTest>) =
        tests.into_iter().partition(|test| test.name.to_lowercase().contains(&wanted));
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    Err(match nearest(asked, others.iter().map(|test| &*test.name)) {
        Some(meant) => format!("no call test has `{asked}` in its name: did you mean `{meant}`?"),
        None if others.is_empty() => "there are no call tests: write some below `tests:` in a flow file".to_owned(),
        None => format!("no call test has `{asked}` in its name: there are {}", others.len()),
    })
}

/// Plays all tests. Each has a world of its own, so that it does not matter which is played when.
fn play_all(house: &House, tests: &[CallTest], seed: u64, shows_progress: bool) -> Vec<Played> {
    let players = std::thread::available_parallelism().map_or(1, usize::from).min(PLAYERS_MAX).min(tests.len().max(1));
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(tests.len())));
    std::thread::scope(|scope| {
        for _ in 0..players {
            scope.spawn(|| {
                while let Some((place, test)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    tests.get(place).map(|test| (place, test))
                } {
                    let begun = Instant::now();
                    let performance = play(house, test, seed);
                    let played = Played { performance, took: begun.elapsed() };
                    let mut results = results.lock().expect("a player that fails ends the program");
                    results.push((place, played));
                    if shows_progress {
                        eprint!("\r{} of {} call tests", results.len(), tests.len());
                    }
                }
            });
        }
    });
    if shows_progress {
        eprint!("\r\u{1b}[K");
        // What is left of a line is no reason to fail.
        let _ = io::stderr().flush();
    }
    let mut results = results.into_inner().expect("a player that fails ends the program");
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, played)| played).collect()
}

/// What all of them have walked together.
fn coverage(flows: &FlowSet, results: &[Played]) -> Coverage {
    let mut walked = Walked::default();
    results.iter().for_each(|played| walked.join(&played.performance.walked));
    Coverage::of(flows, &walked)
}

#[cfg(test)]
mod history;
#[cfg(test)]
mod tests;
