//! `helpline diff`: what a change of the flow files means to callers, before it is in use.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::listing::{Format, print};
use super::running::ask;
use super::{COULD_NOT_RUN, report};
use crate::config::{self, HttpSettings, Installation};
use crate::flow::FlowSet;
use crate::flow::difference::{Change, differences};
use crate::server::revisions::Revisions;

/// What `helpline diff` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// What callers meet now: a folder of flow files, or the number of a revision that is kept; without it, the revision in use
    #[arg(value_name = "OLD")]
    pub old: Option<String>,
    /// What they would meet: likewise; without it, the flow files of the installation
    #[arg(value_name = "NEW")]
    pub new: Option<String>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Callers by the flow and the step that they are in.
type Callers = BTreeMap<(String, String), usize>;

/// Tells what `new` means to those who meet `old`, and how many callers are concerned at this moment where a server runs. The
/// exit status is 1 when one of the two has errors, 2 for a revision or a folder that is not there.
///
/// # Errors
/// What is told could not be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let loaded = Installation::load(config);
    if loaded.has_errors() {
        let text = report::written(&loaded.diagnostics, &loaded.sources, report::Format::Human, false);
        report::unless_closed(io::stderr().lock().write_all(text.as_bytes()))?;
        return Ok(ExitCode::from(1));
    }
    let installation = loaded.installation;
    let revisions = Revisions::below(&installation.data);
    let (old, new) = match (folder(arguments.old.as_deref(), &revisions), folder(arguments.new.as_deref(), &revisions))
    {
        (Ok(Some(old)), Ok(new)) => (old, new.unwrap_or_else(|| installation.flows.clone())),
        (Ok(None), Ok(new)) => match revisions.list() {
            Ok(kept) if !kept.is_empty() => {
                (revisions.flows(kept[0].number), new.unwrap_or_else(|| installation.flows.clone()))
            }
            Ok(_) => {
                eprintln!(
                    "helpline: no revision is kept yet in {}: `helpline serve` keeps what it uses; or name a folder to \
                     compare with",
                    installation.data.display()
                );
                return Ok(ExitCode::from(COULD_NOT_RUN));
            }
            Err(reason) => anyhow::bail!("the revisions that are kept cannot be read: {reason}"),
        },
        (Err(why), _) | (_, Err(why)) => {
            eprintln!("helpline: {why}");
            return Ok(ExitCode::from(2));
        }
    };
    let (Some(before), Some(after)) = (flows_in(&installation, &old)?, flows_in(&installation, &new)?) else {
        return Ok(ExitCode::from(1));
    };
    let changes = differences(&before, &after);
    let callers = callers(&installation.http);
    let text = match arguments.format {
        Format::Human => human(&changes, callers.as_ref()),
        Format::Json => format!("{:#}\n", as_json(&changes, callers.as_ref())),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The folder that is meant; the error finishes a line.
fn folder(named: Option<&str>, revisions: &Revisions) -> Result<Option<PathBuf>, String> {
    let Some(named) = named else { return Ok(None) };
    if let Ok(number) = named.parse::<u32>()
        && !Path::new(named).is_dir()
    {
        let flows = revisions.flows(number);
        return match flows.is_dir() {
            true => Ok(Some(flows)),
            false => Err(format!("revision {number} is not kept: see `helpline rollback --list`")),
        };
    }
    match Path::new(named).is_dir() {
        true => Ok(Some(named.into())),
        false => Err(format!("`{named}` is neither a folder nor the number of a revision")),
    }
}

/// The flows in a folder; `None` when they have errors, which have been told then.
fn flows_in(installation: &Installation, folder: &Path) -> io::Result<Option<FlowSet>> {
    let (reading, sources) = config::check_flows(installation, config::read_flow_files(folder));
    if reading.flows.is_none() {
        let text = report::written(&reading.diagnostics, &sources, report::Format::Human, false);
        report::unless_closed(io::stderr().lock().write_all(text.as_bytes()))?;
    }
    Ok(reading.flows)
}

/// Where callers are at this moment; `None` when no server tells.
fn callers(http: &HttpSettings) -> Option<Callers> {
    let mut callers = Callers::new();
    let mut path = "/api/v1/calls?limit=500".to_owned();
    loop {
        let part = ask(http, &path).ok()?;
        for call in part.get("items")?.as_array()? {
            let text = |key: &str| Some(call.get(key)?.as_str()?.to_owned());
            if let Some(at) = text("flow").zip(text("step")) {
                *callers.entry(at).or_default() += 1;
            }
        }
        match part.get("next").and_then(Value::as_str) {
            Some(next) => path = next.to_owned(),
            None => return Some(callers),
        }
    }
}

fn at(change: &Change, callers: Option<&Callers>) -> Option<usize> {
    let (flow, step) = change.at.as_ref()?;
    Some(callers?.get(&(flow.to_string(), step.to_string())).copied().unwrap_or_default())
}

fn human(changes: &[Change], callers: Option<&Callers>) -> String {
    let mut text = String::new();
    for change in changes {
        let now = match at(change, callers) {
            None | Some(0) => String::new(),
            Some(1) => "; 1 caller is there now".to_owned(),
            Some(count) => format!("; {count} callers are there now"),
        };
        text += &format!("- {}{now}\n", change.text);
    }
    let total: usize = callers.map_or(0, |callers| callers.values().sum());
    text += &match changes.len() {
        0 => "callers will notice no change of the flows".to_owned(),
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    text += &match total {
        0 => "\n".to_owned(),
        1 => "; the 1 call in progress goes on as it began\n".to_owned(),
        _ => format!("; the {total} calls in progress go on as they began\n"),
    };
    text
}

fn as_json(changes: &[Change], callers: Option<&Callers>) -> Value {
    let item = |change: &Change| {
        let (flow, step) = change.at.as_ref().map(|(flow, step)| (&**flow, &**step)).unzip();
        json!({"text": change.text, "flow": flow, "step": step, "callers_now": at(change, callers)})
    };
    json!({ "items": changes.iter().map(item).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_who_are_concerned_are_counted() {
        let change = |text: &str, at: Option<(&str, &str)>| Change {
            text: text.to_owned(),
            at: at.map(|(flow, step)| (flow.into(), step.into())),
        };
        let changes = [
            change(
                "callers pressing 2 in `main` will now reach `billing` instead of `support`",
                Some(("main", "main")),
            ),
            change("the queue `sales` is new", None),
        ];
        let callers =
            Callers::from([(("main".to_owned(), "main".to_owned()), 3), (("main".to_owned(), "x".to_owned()), 1)]);
        assert_eq!(
            human(&changes, Some(&callers)),
            "- callers pressing 2 in `main` will now reach `billing` instead of `support`; 3 callers are there now\n\
             - the queue `sales` is new\n2 changes; the 4 calls in progress go on as they began\n"
        );
        assert_eq!(human(&[], None), "callers will notice no change of the flows\n");
        assert_eq!(as_json(&changes, Some(&callers))["items"][0]["callers_now"], 3);
        assert_eq!(as_json(&changes, None)["items"][0]["callers_now"], Value::Null);
    }
}
