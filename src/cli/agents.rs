//! `helpline agents`: who answers, what they are doing, and what their softphones have to know.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::report;
use crate::config::{self, HttpSettings, Installation};
use crate::server::passwords::Passwords;

/// A server on this machine answers at once, or does not run.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// What `helpline agents` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Shows each agent's password: what to type into the softphone
    #[arg(long)]
    pub passwords: bool,
}

/// Lists the agents of the flows; their states are those of the server that runs with this configuration, if one does.
/// The exit status is 1 when the files have errors.
///
/// # Errors
/// The passwords cannot be had, or the list cannot be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let loaded = Installation::load(config);
    let installation = loaded.installation;
    let (reading, mut sources) = config::load_flows(&installation);
    sources.splice(0..0, loaded.sources);
    let diagnostics = [loaded.diagnostics, reading.diagnostics].concat();
    let Some(flows) = reading.flows.filter(|_| !report::has_errors(&diagnostics)) else {
        let text = report::written(&diagnostics, &sources, report::Format::Human, false);
        report::unless_closed(io::stderr().lock().write_all(text.as_bytes()))?;
        return Ok(ExitCode::from(1));
    };
    let mut passwords = Passwords::read(&installation.data).context("the passwords of agents cannot be had")?;
    if arguments.passwords {
        passwords.accounts(&flows.agents).context("the passwords of agents cannot be kept")?;
    }
    let states = states(&installation.http).unwrap_or_default();
    let mut text = String::new();
    for agent in &flows.agents {
        let state = states.get(&*agent.extension).map_or("-", String::as_str);
        text += &format!("{:<12} {:<24} {state:<12}", agent.extension, agent.name);
        if arguments.passwords {
            text += &format!(" {}", passwords.of(agent).unwrap_or("-"));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    report::unless_closed(io::stdout().lock().write_all(text.as_bytes()))?;
    let count = flows.agents.len();
    let summary = if states.is_empty() { "; no server runs here, so their states are not known" } else { "" };
    eprintln!("{count} agent{}{summary}", if count == 1 { "" } else { "s" });
    Ok(ExitCode::SUCCESS)
}

/// What the agents of a running server are doing, by extension.
fn states(http: &HttpSettings) -> Option<BTreeMap<String, String>> {
    let mut address = http.listen;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX).ok()?;
    stream.set_read_timeout(Some(ANSWER_MAX)).ok()?;
    let token = http.token.as_ref().map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    write!(stream, "GET /api/v1/agents HTTP/1.1\r\nHost: {address}\r\n{token}Connection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if !head.starts_with("HTTP/1.1 200") {
        return None;
    }
    let list: serde_json::Value = serde_json::from_str(body).ok()?;
    let items = list.get("items")?.as_array()?;
    let text = |item: &serde_json::Value, key: &str| Some(item.get(key)?.as_str()?.to_owned());
    Some(items.iter().filter_map(|item| Some((text(item, "extension")?, text(item, "state")?))).collect())
}
