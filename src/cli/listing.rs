//! What the commands share that read the installation and list something of it.

use std::io::{self, Write};

use super::report;
use crate::config::{self, Installation, Loaded};
use crate::flow::FlowSet;
use crate::flow::document::{Diagnostic, Reading, Source, codes};

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// Whether a command does its work without the secrets that the files take from the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    /// Not without all of them.
    Needed,
    /// A variable that is not set is told, and goes without: whoever tries a flow need not know the passwords.
    Spared,
}

/// The flows of an installation, and the installation. `None` when either has errors: they have been told then, without the
/// warnings, which are `check`'s to tell.
///
/// # Errors
/// They could not be told.
pub(super) fn flows_or_errors(loaded: Loaded, secrets: Secrets) -> io::Result<Option<(FlowSet, Installation)>> {
    Ok(read_or_errors(loaded, secrets)?.map(|(flows, installation, _)| (flows, installation)))
}

/// The same, with the flow files as they stand.
///
/// # Errors
/// They could not be told.
pub(super) fn read_or_errors(
    loaded: Loaded,
    secrets: Secrets,
) -> io::Result<Option<(FlowSet, Installation, Vec<Source>)>> {
    let read = reading_or_errors(loaded, secrets)?;
    Ok(read.and_then(|(reading, sources, installation)| Some((reading.flows?, installation, sources))))
}

/// All that the flow files of an installation hold, the files, and the installation; `None` as above.
///
/// # Errors
/// They could not be told.
pub(super) fn reading_or_errors(
    loaded: Loaded,
    secrets: Secrets,
) -> io::Result<Option<(Reading, Vec<Source>, Installation)>> {
    let Loaded { installation, diagnostics, mut sources } = loaded;
    let (mut reading, flow_sources) = config::load_flows(&installation);
    let faults = diagnostics.iter().chain(&reading.diagnostics);
    let errors: Vec<_> = faults.filter(|fault| report::has_errors(std::slice::from_ref(fault))).cloned().collect();
    let goes_without = |fault: &Diagnostic| secrets == Secrets::Spared && fault.code == codes::ENVIRONMENT;
    reading.flows = reading.flows.or_else(|| reading.faulty.take());
    if reading.flows.is_some() && errors.iter().all(goes_without) {
        for fault in errors {
            let told = format!("helpline: {}:{}: {}; `serve` needs it\n", fault.file, fault.line, fault.message);
            report::unless_closed(io::stderr().lock().write_all(told.as_bytes()))?;
        }
        return Ok(Some((reading, flow_sources, installation)));
    }
    sources.extend(flow_sources);
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn who_tries_a_flow_need_not_know_the_secrets() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
        fs::create_dir(folder.path().join("flows")).expect("a folder");
        write("helpline.yaml", "http: {token: \"${HELPLINE_TEST_NOT_SET}\"}\n");
        let flow = "flow: main
numbers: [any]
start: ask
steps:
  ask: {lookup: shop/1, found: person, not_found: person, failed: person}
  person: {queue: support}
agents:
  1001: {name: Ada, password: \"${HELPLINE_TEST_NOT_SET}\"}
queues:
  support: {agents: [1001]}
connectors:
  shop:
    url: https://shop.example.com
    headers: {Authorization: \"Bearer ${HELPLINE_TEST_NOT_SET}\"}
";
        write("flows/main.yaml", flow);
        let read = |secrets: Secrets| {
            let loaded = Installation::load(&folder.path().join("helpline.yaml"));
            flows_or_errors(loaded, secrets).expect("it can be told")
        };
        let (flows, _) = read(Secrets::Spared).expect("nothing else is wrong");
        assert!(flows.agents[0].password.is_none() && flows.connectors.len() == 1, "{flows:?}");
        assert!(read(Secrets::Needed).is_none());
        // Everything else is as wrong as ever.
        write("flows/main.yaml", &flow.replace("failed: person", "failed: persn"));
        assert!(read(Secrets::Spared).is_none());
    }
}
