//! `helpline serve`: answers calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tracing::field::Field;
use tracing::warn;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use super::report;
use crate::config::{self, Installation};
use crate::flow::FlowSet;
use crate::flow::document::{Diagnostic, Source};
use crate::media::prompts::{self, Library};
use crate::server::passwords::Passwords;
use crate::server::spool::{Spool, SpoolThread};
use crate::server::{self, Loaded, Setup};
use crate::sip::transport::Listener;
use crate::store::Retention;

/// What `helpline serve` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// How log lines are written to standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,
    /// What is logged, such as `info`, `debug` or `helpline::sip=trace`
    #[arg(long, value_name = "FILTER", env = "HELPLINE_LOG", default_value = "info")]
    pub log_level: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Everything in `helpline.yaml` and `flows` was read; this is what can be wrong with it.
struct Faulty(String);

/// Answers calls until it is told to end; the exit status is 1 when the files have errors.
///
/// # Errors
/// It could not run.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let _log = start_log(arguments)?;
    let loaded = Installation::load(config);
    let installation = loaded.installation.clone();
    let flows = match read_flows(&installation, loaded.diagnostics, loaded.sources, report_warnings) {
        Ok(flows) => flows,
        Err(Faulty(text)) => {
            report::unless_closed(io::stderr().lock().write_all(text.as_bytes()))?;
            return Ok(ExitCode::from(1));
        }
    };
    let first = with_recordings(flows, &installation)?;
    // A reload takes new flows and recordings; addresses and limits are those of the start.
    let file = config.to_owned();
    let begun = installation.clone();
    let reader = move || reload(&file, &begun);
    server::run(setup(installation), first, Arc::new(reader))?;
    Ok(ExitCode::SUCCESS)
}

fn setup(installation: Installation) -> Setup {
    let Installation { sip, media, http, limits, data, records, tapes, mail, drain, .. } = installation;
    Setup {
        listen: sip
            .listen
            .iter()
            .map(|listen| Listener { transport: listen.transport, address: listen.address })
            .collect(),
        advertise: sip.advertise,
        ports: media.ports,
        codecs: media.codecs,
        inband_digits: media.inband_digits,
        http: http.listen,
        http_address: http.address(),
        token: http.token,
        calls: limits.calls as usize,
        calls_per_second: limits.calls_per_second,
        realm: sip.realm,
        data,
        retention: Retention { records: records.keep, size_max: u64::from(records.size_mb) * 1024 * 1024 },
        tapes,
        mail,
        drain,
    }
}

fn reload(file: &Path, begun: &Installation) -> anyhow::Result<Loaded> {
    let loaded = Installation::load(file);
    let read = read_flows(&loaded.installation, loaded.diagnostics, loaded.sources, |_| {});
    match read {
        Ok(flows) => {
            let settings = settings_of_the_start(begun, &loaded.installation);
            if !settings.is_empty() {
                warn!(settings = settings.join(", "), "these settings have changed and count after a restart");
            }
            with_recordings(flows, &loaded.installation)
        }
        Err(Faulty(text)) => anyhow::bail!("they have faults\n{text}"),
    }
}

/// The settings that have changed since the start and that a reload does not take over.
fn settings_of_the_start(begun: &Installation, now: &Installation) -> Vec<&'static str> {
    let changed = [
        ("sip.listen", begun.sip.listen != now.sip.listen),
        ("sip.advertise", begun.sip.advertise != now.sip.advertise),
        ("sip.realm", begun.sip.realm != now.sip.realm),
        ("media", begun.media != now.media),
        ("http", begun.http != now.http),
        ("limits", begun.limits != now.limits),
        ("drain", begun.drain != now.drain),
        ("data", begun.data != now.data),
        ("records", begun.records != now.records),
        ("mail", begun.mail != now.mail),
        ("voicemail", begun.tapes.messages != now.tapes.messages),
        ("recordings", begun.tapes.recordings != now.tapes.recordings),
    ];
    changed.into_iter().filter_map(|(name, changed)| changed.then_some(name)).collect()
}

/// Reads the flows; the error is the report of all faults, as `check` would print it. `heed` is given the same report when
/// there are only warnings.
fn read_flows(
    installation: &Installation,
    mut diagnostics: Vec<Diagnostic>,
    mut sources: Vec<Source>,
    heed: impl FnOnce(&str),
) -> Result<Arc<FlowSet>, Faulty> {
    let (reading, flow_sources) = config::load_flows(installation);
    sources.extend(flow_sources);
    diagnostics.extend(reading.diagnostics);
    let report = || report::written(&diagnostics, &sources, report::Format::Human, colour_on_stderr());
    match reading.flows {
        Some(flows) if !report::has_errors(&diagnostics) => {
            if !diagnostics.is_empty() {
                heed(&report());
            }
            Ok(Arc::new(flows))
        }
        _ => Err(Faulty(report())),
    }
}

fn report_warnings(text: &str) {
    // Standard error that is closed is no reason not to answer calls.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Every recording that the flows can ask for and all hold music, decoded, and the agents' passwords. A recording that is
/// missing or faulty is not heard; the flow goes on.
fn with_recordings(flows: Arc<FlowSet>, installation: &Installation) -> anyhow::Result<Loaded> {
    let folder = &installation.prompts;
    let library = Library::load(folder, &flows.wanted_recordings());
    for (path, fault) in &library.faults {
        warn!(file = %path.display(), "a recording {fault}");
    }
    let named: BTreeSet<Option<Arc<str>>> = flows.queues.iter().map(|queue| queue.music.clone()).collect();
    let mut music = BTreeMap::new();
    for name in named {
        let found = prompts::music(folder, name.as_deref());
        for (path, fault) in &found.faults {
            warn!(file = %path.display(), "hold music {fault}");
        }
        music.insert(name, found.clips);
    }
    let accounts = Passwords::read(&installation.data)
        .and_then(|mut passwords| passwords.accounts(&flows.agents))
        .context("the passwords of agents cannot be kept")?;
    let trunks = installation.sip.trunks.clone();
    Ok(Loaded { flows, clips: library.clips, music, accounts, trunks })
}

fn start_log(arguments: &Arguments) -> anyhow::Result<SpoolThread> {
    let filter = EnvFilter::try_new(&arguments.log_level)
        .with_context(|| format!("`{}` is no log filter", arguments.log_level))?;
    let (spool, thread) = Spool::start("log", io::stderr()).context("the log cannot be written")?;
    let colour = colour_on_stderr();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(spool);
    match arguments.log {
        LogFormat::Text if colour => log.with_target(false).init(),
        // The same text, at a third of the cost: the other formats every colour that is none.
        LogFormat::Text => log.with_target(false).fmt_fields(debug_fn(write_field).delimited(" ")).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(thread)
}

fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        name => write!(writer, "{name}={value:?}"),
    }
}

/// Colour only on a terminal and never with `NO_COLOR` (<https://no-color.org>).
fn colour_on_stderr() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Installation {
        let source = Source { file: "helpline.yaml".to_owned(), text: text.to_owned() };
        let (installation, faults) = Installation::read(&source, &|_| None, &|_| Err("it is not there".to_owned()));
        assert!(!report::has_errors(&faults), "{faults:?}");
        installation
    }

    #[test]
    fn a_reload_tells_what_counts_after_a_restart_only() {
        let scenarios: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("flows: elsewhere\nprompts: elsewhere\ncodes: off\n", &[]),
            ("sip: {trunks: {carrier: {host: 192.0.2.1, dial: [\"0\"]}}}\n", &[]),
            ("sip: {listen: [\"udp://127.0.0.1:5070\"], realm: acme}\n", &["sip.listen", "sip.realm"]),
            ("sip: {advertise: 192.0.2.1}\n", &["sip.advertise"]),
            ("media: {codecs: [pcma]}\nhttp: {listen: \"127.0.0.1:8081\"}\n", &["media", "http"]),
            ("limits: {calls: 900}\ndrain: 1m\n", &["limits", "drain"]),
            ("data: elsewhere\nrecords: {keep: 30d}\n", &["data", "records"]),
        ];
        for (text, expected) in scenarios {
            let now = read(&format!("helpline: 1\n{text}"));
            assert_eq!(settings_of_the_start(&read("helpline: 1\n"), &now), expected, "{text}");
        }
    }
}
