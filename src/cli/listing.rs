//! What the commands share that read the installation and list something of it.

use std::io::{self, Write};

use super::report;
use crate::config::{self, Installation, Loaded};
use crate::flow::FlowSet;
use crate::flow::document::{Reading, Source};

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// The flows of an installation, and the installation. `None` when either has errors: they have been told then, without the
/// warnings, which are `check`'s to tell.
///
/// # Errors
/// They could not be told.
pub(super) fn flows_or_errors(loaded: Loaded) -> io::Result<Option<(FlowSet, Installation)>> {
    Ok(read_or_errors(loaded)?.map(|(flows, installation, _)| (flows, installation)))
}

/// The same, with the flow files as they stand.
///
/// # Errors
/// They could not be told.
pub(super) fn read_or_errors(loaded: Loaded) -> io::Result<Option<(FlowSet, Installation, Vec<Source>)>> {
    let read = reading_or_errors(loaded)?;
    Ok(read.and_then(|(reading, sources, installation)| Some((reading.flows?, installation, sources))))
}

/// All that the flow files of an installation hold, the files, and the installation; `None` as above.
///
/// # Errors
/// They could not be told.
pub(super) fn reading_or_errors(loaded: Loaded) -> io::Result<Option<(Reading, Vec<Source>, Installation)>> {
    let Loaded { installation, diagnostics, mut sources } = loaded;
    let (reading, flow_sources) = config::load_flows(&installation);
    if reading.flows.is_some() && !report::has_errors(&diagnostics) {
        return Ok(Some((reading, flow_sources, installation)));
    }
    sources.extend(flow_sources);
    let faults = diagnostics.into_iter().chain(reading.diagnostics);
    let errors: Vec<_> = faults.filter(|fault| report::has_errors(std::slice::from_ref(fault))).collect();
    let text = report::written(&errors, &sources, report::Format::Human, false);
    report::unless_closed(io::stderr().lock().write_all(text.as_bytes()))?;
    Ok(None)
}

/// Puts a result on standard output.
///
/// # Errors
/// It could not be written.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    report::unless_closed(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}
