//! `helpline check`: reads everything that `serve` would read and tells every fault and warning at once.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::report::{self, Format};
use crate::config::{self, Installation};

/// What `helpline check` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Checks the installation in `config`; the exit status is 1 when there are errors.
///
/// # Errors
/// The report could not be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let loaded = Installation::load(config);
    let (reading, flow_sources) = config::load_flows(&loaded.installation);
    let mut sources = loaded.sources;
    sources.extend(flow_sources);
    let mut diagnostics = loaded.diagnostics;
    diagnostics.extend(reading.diagnostics);

    let colour = report::colour_on_stdout();
    let text = report::written(&diagnostics, &sources, arguments.format, colour);
    let mut stdout = io::stdout().lock();
    report::unless_closed(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))?;
    Ok(if report::has_errors(&diagnostics) { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
