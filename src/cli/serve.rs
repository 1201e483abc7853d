//! `helpline serve`: answers calls.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use super::log_line::LogLine;
use super::reading::Reader;
use super::report;
use crate::config::Installation;
use crate::server::reload::Unusable;
use crate::server::spool::{Spool, SpoolThread};
use crate::server::{self, Setup};
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

/// Answers calls until it is told to end; the exit status is 1 when the files have errors.
///
/// # Errors
/// It could not run.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let _log = start_log(arguments)?;
    let loaded = Installation::load(config);
    let installation = loaded.installation;
    // A reload takes new flows and recordings; addresses and limits are those of the start.
    let reader = Reader::new(config, installation.clone(), colour_on_stderr());
    let first = match reader.first(loaded.diagnostics, loaded.sources) {
        Ok(first) => first,
        Err(Unusable::Faulty { text, .. }) => {
            report::unless_closed(io::stderr().lock().write_all(text.as_bytes()))?;
            return Ok(ExitCode::from(1));
        }
        Err(Unusable::Failed(reason)) => anyhow::bail!(reason),
    };
    // Standard error that is closed is no reason not to answer calls.
    let _ = io::stderr().lock().write_all(first.report.as_bytes());
    server::run(setup(installation, config), first.reading, Arc::new(move |what| reader.again(what)))?;
    Ok(ExitCode::SUCCESS)
}

fn setup(installation: Installation, config: &Path) -> Setup {
    let Installation { sip, media, http, limits, data, records, tapes, mail, drain, flows, prompts, watch, .. } =
        installation;
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
        watch: if watch { vec![config.to_owned(), flows, prompts] } else { Vec::new() },
    }
}

fn start_log(arguments: &Arguments) -> anyhow::Result<SpoolThread> {
    let filter = EnvFilter::try_new(&arguments.log_level)
        .with_context(|| format!("`{}` is no log filter", arguments.log_level))?;
    let (spool, thread) = Spool::start("log", io::stderr()).context("the log cannot be written")?;
    let colour = colour_on_stderr();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(spool);
    match arguments.log {
        LogFormat::Text if colour => log.with_target(false).init(),
        // The same text, at a fraction of the cost: the other formats every colour that is none.
        LogFormat::Text => log.fmt_fields(debug_fn(write_field).delimited(" ")).event_format(LogLine).init(),
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
