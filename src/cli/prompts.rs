//! `helpline prompts`: the recordings that the flows ask for, and where each is to be put.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use super::listing::{Format, flows_or_errors, print};
use crate::config::Installation;
use crate::flow::{FlowSet, Prompt};
use crate::media::prompts::{Library, PromptFault, recording_path};
use crate::telephony::Clip;

/// What `helpline prompts` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub act: Act,
}

/// What `helpline prompts` does.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Act {
    /// Lists every recording: its text, its file, and whether it is recorded and can be used
    List(ListArguments),
}

/// What `helpline prompts list` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArguments {
    /// How the list is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Lists the recordings of the installation in `config`; the exit status is 1 when the flows have errors.
///
/// # Errors
/// The list could not be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let Act::List(list) = &arguments.act;
    let Some((flows, installation)) = flows_or_errors(Installation::load(config))? else {
        return Ok(ExitCode::from(1));
    };
    let items = items(&flows, &installation.prompts);
    let text = match list.format {
        Format::Human => human(&items),
        Format::Json => format!("{:#}\n", json!({ "items": items.iter().map(as_json).collect::<Vec<_>>() })),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A recording and its file.
struct Item<'a> {
    prompt: &'a Prompt,
    file: String,
    state: State,
}

/// Whether there is something to be heard.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Recorded,
    Missing,
    /// There is a file that cannot be used.
    WrongFormat(PromptFault),
}

fn items<'a>(flows: &'a FlowSet, folder: &Path) -> Vec<Item<'a>> {
    let library = Library::load(folder, &flows.wanted_recordings());
    let item = |(prompt, clip): (&'a Prompt, &Option<Arc<Clip>>)| {
        let file = recording_path(folder, &prompt.language, &prompt.name);
        let fault = library.faults.iter().find(|(path, _)| *path == file).map(|(_, fault)| fault.clone());
        let state = match (fault, clip) {
            (Some(fault), _) => State::WrongFormat(fault),
            (None, Some(_)) => State::Recorded,
            (None, None) => State::Missing,
        };
        Item { prompt, state, file: file.display().to_string() }
    };
    flows.prompts.iter().zip(&library.clips).map(item).collect()
}

fn as_json(item: &Item<'_>) -> Value {
    json!({
        "name": &*item.prompt.name,
        "language": &*item.prompt.language,
        "text": &*item.prompt.text,
        "file": item.file,
        "state": state(item),
        "fault": if let State::WrongFormat(fault) = &item.state { Some(fault.to_string()) } else { None },
    })
}

fn state(item: &Item<'_>) -> &'static str {
    match item.state {
        State::Recorded => "recorded",
        State::Missing => "missing",
        State::WrongFormat(_) => "wrong format",
    }
}

fn human(items: &[Item<'_>]) -> String {
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let files = width(&mut items.iter().map(|item| item.file.chars().count()));
    let states = width(&mut items.iter().map(|item| state(item).len()));
    let mut text = String::new();
    for item in items {
        let line = format!("{:states$}  {:files$}  {}", state(item), item.file, item.prompt.text);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let count = |wanted: &dyn Fn(&State) -> bool| items.iter().filter(|item| wanted(&item.state)).count();
    text.push_str(&format!("{} recordings, {} missing", items.len(), count(&|state| *state == State::Missing)));
    match count(&|state| matches!(state, State::WrongFormat(_))) {
        0 => text.push('\n'),
        unusable => text.push_str(&format!(", {unusable} that cannot be used (`helpline check` says why)\n")),
    }
    text
}
