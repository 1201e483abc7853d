//! `helpline dial`: a telephone for the terminal, and a generator of many calls at once.
//!
//! `load` is the shell: one thread with the sockets. [`caller`], [`ear`], [`mouth`], [`script`], [`statistics`] and
//! [`report`] are pure.

pub mod caller;
pub mod ear;
pub mod load;
pub mod mouth;
pub mod reader;
pub mod report;
pub mod script;
pub mod statistics;
pub mod tape;
pub mod target;
pub mod voice;
pub mod wire;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::media::codecs;
use crate::media::prompts;
use crate::telephony::{Clip, Codec, TransportKind};
use caller::{Ending, Plan};
use load::{KeysBy, Load, News, Order, Outcome};
use report::Report;
use script::Press;
use target::Target;

// What ends the process (the contract's section 1).
const FINE: u8 = 0;
const SOME_FAILED: u8 = 1;
const USAGE: u8 = 2;
const COULD_NOT_RUN: u8 = 3;

/// The longest call: a day.
const HOLD_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Files that one call needs open, and some for everything else: so many calls at once are asked of the system.
const FILES_BESIDE: u64 = 64;

/// Places calls from the terminal
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helpline dial sip:1000@127.0.0.1 --keys ',,1,123456#,,1' --hold 20s --record heard.wav
  helpline dial sip:1000@127.0.0.1 --calls 1000 --rate 50 --hold 60s --format json")]
pub struct Arguments {
    /// Whom to call, such as sip:1000@127.0.0.1 or sip:1000@pbx.example.com:5080;transport=tcp
    #[arg(value_name = "SIP-URI")]
    pub uri: String,
    /// Say this recording (WAV), once
    #[arg(long, value_name = "FILE")]
    pub play: Option<PathBuf>,
    /// Press these keys after the answer: 0 to 9, *, #, A to D, and a comma for a pause of a second
    #[arg(long, value_name = "KEYS", value_parser = script::parse, default_value = "")]
    pub keys: Arc<[Press]>,
    /// How keys are sent
    #[arg(long, value_enum, default_value = "rtp")]
    pub dtmf: KeysBy,
    /// Write what is heard to this WAV file; with --calls, what the first call hears
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// How long each call lasts after its answer, such as 20s, 500ms or 5m
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub hold: Duration,
    /// How many calls to place in all
    #[arg(long, value_name = "N", value_parser = number_of_calls, default_value = "1")]
    pub calls: u64,
    /// How many calls to begin a second
    #[arg(long, value_name = "R", value_parser = rate, default_value = "10")]
    pub rate: f64,
    /// How the signalling travels, unless the address says it
    #[arg(long, value_enum)]
    pub transport: Option<Transport>,
    /// The number that the call comes from; empty to withhold it
    #[arg(long, value_name = "NUMBER", default_value = "helpline-dial")]
    pub from: String,
    /// How the report is printed
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
}

/// How signalling travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Transport {
    /// Datagrams
    Udp,
    /// A stream
    Tcp,
}

/// How the report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table
    Human,
    /// One object
    Json,
}

/// Places the calls and prints the report.
pub fn run(arguments: &Arguments) -> ExitCode {
    match dial(arguments) {
        Ok(status) => ExitCode::from(status),
        Err(fault) => {
            say(&format!("error: {}\n", fault.text));
            ExitCode::from(fault.status)
        }
    }
}

struct Fault {
    status: u8,
    text: String,
}

fn could_not(text: String) -> Fault {
    Fault { status: COULD_NOT_RUN, text }
}

fn dial(arguments: &Arguments) -> Result<u8, Fault> {
    let order = order(arguments)?;
    if let Some(path) = &arguments.record {
        // Better now than after the call.
        prompts::write_wav(path, &[]).map_err(|fault| could_not(format!("{} {fault}", path.display())))?;
    }
    allow_files(order.calls);
    let stop = stop_at_signals();
    let mut screen = Screen::new(arguments, stop);
    let mut tell = |news: News<'_>| screen.tell(news);
    let load = match Load::open(&order, stop, &mut tell) {
        Ok(load) => load,
        Err(error) if nobody_listens(&error) => {
            let why = if error.kind() == io::ErrorKind::TimedOut { "no answer" } else { "connection refused" };
            return Err(Fault { status: SOME_FAILED, text: nobody(&order.target, why) });
        }
        Err(error) => return Err(could_not(format!("no socket could be opened: {error}"))),
    };
    let outcome = load.run();
    screen.clear();
    conclude(arguments, &order, &outcome)
}

fn conclude(arguments: &Arguments, order: &Order, outcome: &Outcome) -> Result<u8, Fault> {
    let report = Report::new(order, outcome);
    let printed = match arguments.format {
        Format::Human => report.to_string(),
        Format::Json => serde_json::to_string_pretty(&report).map_err(|error| could_not(error.to_string()))?,
    };
    // A table of nothing is no help to a person; and whoever closed the pipe wants no report.
    if arguments.format == Format::Json || report.calls.answered > 0 || !outcome.nobody_listens {
        let _ = writeln!(io::stdout(), "{printed}");
    }
    if let Some(path) = &arguments.record {
        let samples = outcome.tape.as_ref().map_or(&[][..], |tape| tape.samples());
        prompts::write_wav(path, samples).map_err(|fault| could_not(format!("{} {fault}", path.display())))?;
        say(&format!("{:.1} s of audio written to {}\n", samples.len() as f64 / 8_000.0, path.display()));
    }
    if outcome.nobody_listens {
        say(&format!("error: {}\n", nobody(&order.target, "connection refused")));
    }
    if let Some(trouble) = &outcome.trouble {
        return Err(could_not(trouble.clone()));
    }
    let failed = report.calls.failed > 0 || outcome.nobody_listens;
    Ok(if failed { SOME_FAILED } else { FINE })
}

fn order(arguments: &Arguments) -> Result<Order, Fault> {
    let wished = arguments.transport.map(|transport| match transport {
        Transport::Udp => TransportKind::Udp,
        Transport::Tcp => TransportKind::Tcp,
    });
    let target = Target::find(&arguments.uri, wished).map_err(|fault| {
        let status = if fault.is_usage() { USAGE } else { COULD_NOT_RUN };
        Fault { status, text: fault.to_string() }
    })?;
    let recording = arguments.play.as_deref().map(recording).transpose()?;
    Ok(Order {
        target,
        from: arguments.from.clone(),
        plan: Plan { hold: arguments.hold, keys: Arc::clone(&arguments.keys) },
        keys_by: arguments.dtmf,
        recording,
        calls: arguments.calls,
        rate: arguments.rate,
        record: arguments.record.is_some(),
    })
}

/// A recording as it is: neither levelled nor trimmed, for what is said may be a test.
fn recording(path: &Path) -> Result<Arc<Clip>, Fault> {
    let samples = prompts::read_8k(path).map_err(|fault| could_not(format!("{} {fault}", path.display())))?;
    let encoded = |codec| samples.iter().map(|sample| codecs::encode(codec, *sample)).collect();
    Ok(Arc::new(Clip { pcmu: encoded(Codec::Pcmu), pcma: encoded(Codec::Pcma) }))
}

fn nobody_listens(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut)
}

fn nobody(target: &Target, why: &str) -> String {
    format!("nobody listens at {} over {} ({why})", target.remote, target.transport)
}

/// Asks for as many open files as the calls want; where that is more than allowed, the call that cannot be opened tells.
#[cfg(target_os = "linux")]
fn allow_files(calls: u64) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let wanted = calls.saturating_add(FILES_BESIDE).min(hard);
        if wanted > soft {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn allow_files(_: u64) {
    let _ = FILES_BESIDE;
}

/// Counts the signals that ask for an end: the first hangs up, the second leaves at once.
fn stop_at_signals() -> &'static AtomicUsize {
    static STOP: AtomicUsize = AtomicUsize::new(0);
    thread::spawn(|| {
        // Without it Ctrl-C ends the program as it always does.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        runtime.block_on(async {
            loop {
                if asked_to_stop().await.is_err() {
                    break;
                }
                STOP.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
    &STOP
}

#[cfg(unix)]
async fn asked_to_stop() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Writes to standard error. Whether somebody still reads it.
fn say(text: &str) -> bool {
    let written = io::stderr().lock().write_all(text.as_bytes());
    !written.is_err_and(|reason| reason.kind() == io::ErrorKind::BrokenPipe)
}

/// What the person at the terminal sees while it runs, on standard error. When nobody reads it any more, as behind
/// `| head`, the calls are hung up as at the first Ctrl-C.
struct Screen {
    stop: &'static AtomicUsize,
    gone: bool,
    /// One call: every event is told.
    single: bool,
    /// Many: a line that is rewritten.
    progress: bool,
    calls: u64,
    shown: bool,
}

impl Screen {
    fn new(arguments: &Arguments, stop: &'static AtomicUsize) -> Screen {
        let single = arguments.calls == 1 && arguments.format == Format::Human;
        let progress = arguments.calls > 1 && io::stderr().is_terminal();
        Screen { stop, gone: false, single, progress, calls: arguments.calls, shown: false }
    }

    fn show(&mut self, text: &str) {
        if !say(text) && !std::mem::replace(&mut self.gone, true) {
            self.stop.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn tell(&mut self, news: News<'_>) {
        match news {
            News::Standing(standing) if self.progress => {
                self.show(&format!(
                    "\r\x1b[K{} s: {} of {} calls dialled, {} talking, {} failed",
                    standing.elapsed.as_secs(),
                    standing.dialled,
                    self.calls,
                    standing.talking,
                    standing.failed
                ));
                self.shown = true;
            }
            News::Ringing if self.single => self.show("ringing\n"),
            News::Answered if self.single => self.show("answered\n"),
            News::Tones if self.single => self.show("keys go as tones: the other side takes no telephone-events\n"),
            News::Pressed(digit) if self.single => self.show(&format!("key {digit}\n")),
            News::Over(ending) if self.single && *ending != Ending::Unreachable => self.show(&format!("{ending}\n")),
            _ => {}
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            self.show("\r\x1b[K");
        }
    }
}

/// `20s`, `500ms`, `5m`, `1h30m`; a number alone is in seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let fault = || format!("`{text}` is no time; write it as in 20s, 500ms, 5m or 1h30m");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(fault());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        let number: u32 = rest[..digits].parse().map_err(|_| fault())?;
        rest = &rest[digits..];
        let letters = rest.find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "" if total.is_zero() => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3_600),
            _ => return Err(fault()),
        };
        total = total.saturating_add(unit.saturating_mul(number));
        rest = &rest[letters..];
    }
    if total > HOLD_MAX { Err("a call lasts a day at most".to_owned()) } else { Ok(total) }
}

fn number_of_calls(text: &str) -> Result<u64, &'static str> {
    let number = text.parse().ok().filter(|number| (1..=10_000_000).contains(number));
    number.ok_or("a number of calls is whole, from 1 to 10000000")
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (0.001..=10_000.0).contains(&rate) {
        Ok(rate)
    } else {
        Err("a rate is 0.001 to 10000 calls a second".to_owned())
    }
}

#[cfg(test)]
mod tests;
