//! `helpline graph`: a flow as a picture that a manager understands, in Mermaid's or Graphviz' words, or drawn as SVG.

mod heat;
mod layout;
mod picture;
mod svg;
mod text;

use std::path::Path;
use std::process::ExitCode;

use anyhow::anyhow;

use super::listing::{Secrets, print, read_or_errors};
use super::report;
use crate::config::Installation;
use crate::flow::document::Source;
use crate::flow::document::diagnostic::{listed, nearest};
use crate::flow::graph::Graph;
use crate::flow::{FlowIndex, FlowSet};
use heat::Heat;

/// What `helpline graph` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The flow; it can be left away where there is only one
    pub flow: Option<String>,
    /// How the picture is written
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    pub format: Format,
    /// How many callers took each way: metrics in a file, or of a running server such as http://127.0.0.1:8080
    #[arg(long, value_name = "FILE|URL")]
    pub heat: Option<String>,
}

/// How a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A flowchart of Mermaid, as GitHub and many wikis draw it
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture that every browser shows
    Svg,
}

/// Draws a flow of the installation in `config`; the exit status is 1 when the flows have errors.
///
/// # Errors
/// There is no such flow, the counts cannot be read, or the picture could not be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let Some((flows, installation, sources)) = read_or_errors(Installation::load(config), Secrets::Spared)? else {
        return Ok(ExitCode::from(1));
    };
    let flow = match named(&flows, arguments.flow.as_deref()) {
        Ok(flow) => flow,
        Err(wrong) => return report::wrong_usage(&wrong.to_string()),
    };
    let heat = match &arguments.heat {
        Some(from) => Some(Heat::read(from, installation.http.token.as_deref())?),
        None => None,
    };
    print(&drawn(&flows, flow, &sources, heat.as_ref(), arguments.format))?;
    Ok(ExitCode::SUCCESS)
}

fn named(flows: &FlowSet, name: Option<&str>) -> anyhow::Result<FlowIndex> {
    let names = || flows.flows.iter().map(|flow| &*flow.name);
    let index = |position: usize| FlowIndex(u16::try_from(position).expect("flows are limited"));
    let Some(name) = name else {
        return match flows.flows.len() {
            1 => Ok(index(0)),
            0 => Err(anyhow!("there is no flow")),
            _ => Err(anyhow!("there are several flows: name {}", listed(names()))),
        };
    };
    names().position(|flow| flow == name).map(index).ok_or_else(|| match nearest(name, names()) {
        Some(near) => anyhow!("no flow named `{name}`; did you mean `{near}`?"),
        None => anyhow!("no flow named `{name}`; there is {}", listed(names())),
    })
}

fn drawn(flows: &FlowSet, flow: FlowIndex, sources: &[Source], heat: Option<&Heat>, format: Format) -> String {
    let graph = Graph::of(flows);
    let picture = picture::picture(flows, &graph, flow, sources, heat);
    match format {
        Format::Mermaid => text::mermaid(&picture),
        Format::Dot => text::dot(&picture),
        Format::Svg => svg::svg(&picture),
    }
}

#[cfg(test)]
mod tests;
