//! How long it takes to read and check flow files: a large set, and files that were made to exhaust the reader.
//! `cargo bench --bench flows`, with `-- --write` to put the figures into benches/REPORT.md.

#[path = "shared/large.rs"]
mod large;
#[path = "shared/section.rs"]
mod section;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use helpline::config;
use helpline::flow::document::{self, Known, Source};

use large::{FLOWS, STEPS, large_set};

/// Rounds of which the median counts.
const ROUNDS: usize = 9;
const HEADING: &str = "# Figures of flow files";

/// A figure, its limit, and what was measured, in the unit that it names.
struct Figure {
    name: &'static str,
    limit: f64,
    measured: f64,
    unit: &'static str,
}

/// Writes something hostile into a folder of flows.
type Writer = fn(&Path);

fn main() -> ExitCode {
    let sources: Vec<Source> =
        large_set().into_iter().map(|(name, text)| Source { file: format!("{name}.yaml"), text }).collect();
    let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
    let prompts = BTreeSet::new();
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            timed(|| {
                let reading = document::read(&sources, &Known::of(&prompts));
                assert!(reading.flows.is_some(), "{:?}", reading.diagnostics.iter().find(|fault| fault.line > 0));
            })
        })
        .collect();
    times.sort();
    let folder = tempfile::tempdir().expect("a folder");
    let mut figures = vec![Figure {
        name: "a set of 10,000 steps, read and checked",
        limit: 300.0,
        measured: millis(times[ROUNDS / 2]),
        unit: "ms",
    }];
    let hostile: [(&str, Writer); 3] =
        [("an alias bomb", bomb), ("a file of 100 MB", huge), ("lists 100,000 deep", deep)];
    for (name, write) in hostile {
        let flows = folder.path().join(name.replace(' ', "_"));
        fs::create_dir_all(&flows).expect("a folder");
        write(&flows);
        let before = reset_peak();
        let time = timed(|| {
            let files = config::read_flow_files(&flows);
            let reading = document::read(&files.sources, &Known::of(&prompts));
            let refused = reading.has_errors() || files.diagnostics.iter().any(|fault| fault.code.id == "HL0108");
            assert!(refused, "{name} is refused");
        });
        figures.push(Figure { name, limit: 100.0, measured: millis(time), unit: "ms" });
        figures.push(Figure {
            name: "its memory",
            limit: 50.0,
            measured: peak().saturating_sub(before) as f64 / 1024.0,
            unit: "MiB",
        });
    }
    let table = written(&figures, bytes);
    println!("{table}");
    if std::env::args().any(|argument| argument == "--write") {
        section::put(&table);
    }
    ExitCode::from(u8::from(figures.iter().any(|figure| figure.measured > figure.limit)))
}

fn timed(act: impl FnOnce()) -> Duration {
    let began = Instant::now();
    act();
    began.elapsed()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn bomb(folder: &Path) {
    let mut text = String::from("flow: main\na0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        let _ = writeln!(text, "a{level}: &a{level} [{}]", [before.as_str(); 10].join(", "));
    }
    fs::write(folder.join("bomb.yaml"), text).expect("written");
}

fn huge(folder: &Path) {
    let mut file = std::io::BufWriter::new(fs::File::create(folder.join("huge.yaml")).expect("a file"));
    for _ in 0..100 {
        file.write_all(&vec![b'a'; 1_000_000]).expect("written");
    }
}

fn deep(folder: &Path) {
    fs::write(folder.join("deep.yaml"), format!("flow: {}", "[".repeat(100_000))).expect("written");
}

/// Forgets the highest memory so far (proc(5), `clear_refs`); what is in use now, in KiB.
fn reset_peak() -> u64 {
    let _ = fs::write("/proc/self/clear_refs", "5");
    status("VmRSS:")
}

fn peak() -> u64 {
    status("VmHWM:")
}

fn status(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn written(figures: &[Figure], bytes: usize) -> String {
    let mut text = format!(
        "{HEADING}\n\nWritten by `cargo bench --bench flows -- --write`.\n\n| figure | limit | measured | |\n|---|---|---|---|\n"
    );
    for figure in figures {
        let verdict = if figure.measured <= figure.limit { "ok" } else { "MISSED" };
        let _ = writeln!(
            text,
            "| {} | <= {} {} | {:.1} {} | {verdict} |",
            figure.name, figure.limit, figure.unit, figure.measured, figure.unit
        );
    }
    let _ = write!(
        text,
        "\n- The set is {FLOWS} flows of {STEPS} steps, {} KiB in all; the median of {ROUNDS} rounds, analyses included.\n",
        bytes / 1024
    );
    text
}
