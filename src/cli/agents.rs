//! `helpline agents`: who answers, what they are doing, why one of them gets no calls, and what their softphones have to
//! know.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Value, json};

use super::listing::{Format, Secrets, flows_or_errors, print};
use super::running::ask;
use super::{COULD_NOT_RUN, report};
use crate::config::{Installation, Loaded};
use crate::flow::document::diagnostic::nearest;
use crate::flow::{AgentCode, AgentSpec};
use crate::server::passwords::Passwords;

/// What `helpline agents` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to do; without it, all agents are listed
    #[command(subcommand)]
    pub act: Option<Act>,
    /// The list's own arguments
    #[command(flatten)]
    pub list: ListArguments,
}

/// What `helpline agents` does.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Act {
    /// Tells why an agent gets no calls, and what would change it
    Explain(ExplainArguments),
}

/// What the list takes.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArguments {
    /// Shows each agent's password: what to type into the softphone
    #[arg(long)]
    pub passwords: bool,
    /// How the list is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What `helpline agents explain` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct ExplainArguments {
    /// The agent's extension
    pub extension: String,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Lists the agents of the flows, or explains one. Their states are those of the server that runs with this
/// configuration. The exit status is 1 when the files have errors or there is no such agent, 3 when a server is needed
/// and none answers.
///
/// # Errors
/// The passwords cannot be had, or the answer cannot be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let loaded = Installation::load(config);
    match &arguments.act {
        None => list(&arguments.list, loaded),
        Some(Act::Explain(explained)) => explain(explained, loaded),
    }
}

fn list(arguments: &ListArguments, loaded: Loaded) -> anyhow::Result<ExitCode> {
    let Some((flows, installation)) = flows_or_errors(loaded, Secrets::Needed)? else { return Ok(ExitCode::from(1)) };
    let mut passwords = Passwords::read(&installation.data).context("the passwords of agents cannot be had")?;
    if arguments.passwords {
        passwords.accounts(&flows.agents).context("the passwords of agents cannot be kept")?;
    }
    let asked = ask(&installation.http, "/api/v1/agents");
    let states = asked.as_ref().map(states).unwrap_or_default();
    let password = |agent: &AgentSpec| arguments.passwords.then(|| passwords.of(agent).unwrap_or("-").to_owned());
    let text = match arguments.format {
        Format::Human => flows.agents.iter().map(|agent| line(agent, &states, password(agent))).collect(),
        Format::Json => {
            let items = flows.agents.iter().map(|agent| item(agent, &states, password(agent)));
            format!("{:#}\n", json!({ "items": items.collect::<Vec<_>>() }))
        }
    };
    print(&text)?;
    let count = flows.agents.len();
    let states_unknown = asked.err().map_or_else(String::new, |why| format!("; their states are not known: {why}"));
    eprintln!("{count} agent{}{states_unknown}", if count == 1 { "" } else { "s" });
    Ok(ExitCode::SUCCESS)
}

/// An agent's state, and the reason of a pause.
type States = BTreeMap<String, (String, Option<String>)>;

fn line(agent: &AgentSpec, states: &States, password: Option<String>) -> String {
    let state = match states.get(&*agent.extension) {
        Some((state, Some(reason))) => format!("{state} ({reason})"),
        Some((state, None)) => state.clone(),
        None => "-".to_owned(),
    };
    let line = format!("{:<12} {:<24} {state:<20} {}", agent.extension, agent.name, password.unwrap_or_default());
    format!("{}\n", line.trim_end())
}

fn item(agent: &AgentSpec, states: &States, password: Option<String>) -> Value {
    let (state, reason) = states.get(&*agent.extension).cloned().unzip();
    let mut item = json!({
        "extension": &*agent.extension,
        "name": &*agent.name,
        "state": state,
        "reason": reason.flatten(),
    });
    if let (Some(password), Some(item)) = (password, item.as_object_mut()) {
        item.insert("password".to_owned(), password.into());
    }
    item
}

fn states(list: &Value) -> States {
    let text = |item: &Value, key: &str| Some(item.get(key)?.as_str()?.to_owned());
    let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let state = |item: &Value| Some((text(item, "extension")?, (text(item, "state")?, text(item, "reason"))));
    items.iter().filter_map(state).collect()
}

/// Why an agent gets no calls.
fn explain(arguments: &ExplainArguments, loaded: Loaded) -> anyhow::Result<ExitCode> {
    if loaded.has_errors() {
        let text = report::written(&loaded.diagnostics, &loaded.sources, report::Format::Human, false);
        report::unless_closed(io::stderr().lock().write_all(text.as_bytes()))?;
        return Ok(ExitCode::from(1));
    }
    let installation = loaded.installation;
    let list = match ask(&installation.http, "/api/v1/agents") {
        Ok(list) => list,
        Err(why) => {
            eprintln!("helpline: why an agent gets no calls is only known while Helpline runs: {why}");
            return Ok(ExitCode::from(COULD_NOT_RUN));
        }
    };
    let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let wanted = arguments.extension.as_str();
    let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(agent) = items.iter().find(|item| text(item, "extension") == wanted) else {
        let extensions: Vec<String> = items.iter().map(|item| text(item, "extension")).collect();
        let near = nearest(wanted, extensions.iter().map(String::as_str));
        let meant = near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
        eprintln!("helpline: there is no agent of the extension `{wanted}`{meant}");
        return Ok(ExitCode::from(1));
    };
    let written = match arguments.format {
        Format::Json => format!("{agent:#}\n"),
        Format::Human => {
            let ready = installation.codes.code_of(&AgentCode::Ready).map(|code| &**code);
            explained(agent, ready)
        }
    };
    report::unless_closed(io::stdout().lock().write_all(written.as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}

/// The answer for people; `ready` is the code by which an agent becomes ready.
fn explained(agent: &Value, ready: Option<&str>) -> String {
    let text = |key: &str| agent.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut lines = vec![format!("{} ({}): {}", text("extension"), text("name"), text("state").replace('_', " "))];
    lines.push(text("explanation").to_owned());
    match text("afterwards") {
        "paused" => lines.push(format!("When that is over they will be paused: {}.", text("reason"))),
        "logged_out" => lines.push("When that is over they will be logged out.".to_owned()),
        _ => {}
    }
    let by_telephone = ready.filter(|_| text("remedy").contains("`ready`"));
    let by_telephone = by_telephone.map_or_else(String::new, |code| format!(" The agent can dial {code}."));
    lines.push(format!("{}{by_telephone}", text("remedy")));
    let queues: Vec<&str> =
        agent.get("queues").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if !queues.is_empty() {
        lines.push(format!("Queues: {}", queues.join(", ")));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_is_told_line_by_line() {
        let check = |agent: Value, expected: &str| assert_eq!(explained(&agent, Some("*11")), expected);
        check(
            json!({
                "extension": "1001", "name": "Ada", "state": "paused", "reason": "lunch", "afterwards": null,
                "explanation": "Paused for 5m: lunch.", "remedy": "Set the agent's state to `ready`.",
                "queues": ["support", "sales"],
            }),
            "1001 (Ada): paused\nPaused for 5m: lunch.\n\
             Set the agent's state to `ready`. The agent can dial *11.\nQueues: support, sales\n",
        );
        check(
            json!({
                "extension": "1002", "name": "Grace", "state": "wrap_up", "reason": "lunch", "afterwards": "paused",
                "explanation": "The wrap-up of the last call takes 9s more.", "remedy": null, "queues": [],
            }),
            "1002 (Grace): wrap up\nThe wrap-up of the last call takes 9s more.\n\
             When that is over they will be paused: lunch.\n",
        );
    }
}
