//! How many callers took each way: the counters of the metrics, of a running server or of a file.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::ToSocketAddrs;

use crate::cli::running::fetched;

/// Largest file or answer that is read.
const HEAT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Callers by flow, step and way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heat {
    entries: BTreeMap<(String, String), u64>,
    exits: BTreeMap<(String, String, String), u64>,
}

/// Why there are no counts.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cold {
    #[error("`{0}` cannot be read: {1}")]
    Unreadable(String, io::Error),
    #[error("nothing answers at `{0}`: {1}")]
    Silent(String, io::Error),
    #[error("`{0}` answers with status {1}")]
    Refused(String, String),
    #[error("`{0}` is read over http only: save it (`curl -o metrics.txt {0}`) and name the file")]
    Encrypted(String),
    #[error("there is no `helpline_flow_step_entries_total` in `{0}`: it holds no metrics of Helpline")]
    NoCounts(String),
}

impl Heat {
    /// Reads the metrics of a file, or of `http://host:port`, `/metrics` being meant where no path is written.
    pub fn read(from: &str, token: Option<&str>) -> Result<Heat, Cold> {
        let text = match from.strip_prefix("http://") {
            Some(rest) => fetch(from, rest, token)?,
            None if from.starts_with("https://") => return Err(Cold::Encrypted(from.to_owned())),
            None => {
                let mut text = String::new();
                let file = std::fs::File::open(from).map_err(|error| Cold::Unreadable(from.to_owned(), error))?;
                let read = file.take(HEAT_BYTES_MAX).read_to_string(&mut text);
                read.map_err(|error| Cold::Unreadable(from.to_owned(), error))?;
                text
            }
        };
        let heat = Heat::parse(&text);
        if heat.entries.is_empty() && heat.exits.is_empty() { Err(Cold::NoCounts(from.to_owned())) } else { Ok(heat) }
    }

    /// The counters in a page of metrics; whatever else stands there is passed over.
    pub fn parse(text: &str) -> Heat {
        let mut heat = Heat::default();
        for line in text.lines() {
            let Some((name, rest)) = line.split_once('{') else { continue };
            let Some((labels, value)) = rest.rsplit_once('}') else { continue };
            let labels = labels_of(labels);
            let of = |name: &str| labels.get(name).cloned().unwrap_or_default();
            let value = value.split_whitespace().next().and_then(|value| value.parse::<f64>().ok());
            // Counters are whole; a file of another program may hold anything.
            let Some(value) = value.filter(|value| (0.0..1e15).contains(value)) else { continue };
            let value = value as u64;
            match name {
                "helpline_flow_step_entries_total" => {
                    *heat.entries.entry((of("flow"), of("step"))).or_default() += value;
                }
                "helpline_flow_step_exits_total" => {
                    *heat.exits.entry((of("flow"), of("step"), of("exit"))).or_default() += value;
                }
                _ => {}
            }
        }
        heat
    }

    /// How many callers came to a step.
    pub fn entries(&self, flow: &str, step: &str) -> Option<u64> {
        self.entries.get(&(flow.to_owned(), step.to_owned())).copied()
    }

    /// How many of them left it in this way.
    pub fn exits(&self, flow: &str, step: &str, exit: &str) -> Option<u64> {
        self.exits.get(&(flow.to_owned(), step.to_owned(), exit.to_owned())).copied()
    }
}

/// `flow="main",step="welcome"`, with the escapes of Prometheus' text format.
fn labels_of(text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut characters = after.char_indices();
        let mut end = after.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, other)) => value.push(other),
                    None => {}
                },
                other => value.push(other),
            }
        }
        labels.insert(name.trim_matches([',', ' ']).to_owned(), value);
        rest = &after[end..];
    }
    labels
}

fn fetch(url: &str, rest: &str, token: Option<&str>) -> Result<String, Cold> {
    let silent = |error: io::Error| Cold::Silent(url.to_owned(), error);
    let (host, path) =
        rest.split_once('/').map_or((rest, "/metrics".to_owned()), |(host, path)| (host, format!("/{path}")));
    let path = if path == "/" { "/metrics".to_owned() } else { path };
    let host =
        if host.rsplit(']').next().unwrap_or(host).contains(':') { host.to_owned() } else { format!("{host}:80") };
    let address = host.to_socket_addrs().map_err(silent)?.next();
    let address = address.ok_or_else(|| silent(io::Error::other("the name has no address")))?;
    let answer = fetched(address, token, &path).map_err(silent)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        status => Err(Cold::Refused(url.to_owned(), status.unwrap_or("none").to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read() {
        let heat = Heat::parse(
            "# HELP x\nhelpline_flow_step_entries_total{flow=\"main\",step=\"a\"} 12\n\
             helpline_flow_step_exits_total{exit=\"choice 1\",flow=\"main\",step=\"a\"} 7\n\
             helpline_flow_step_exits_total{exit=\"a\\\"}b\",flow=\"main\",step=\"a\"} 1e1\n\
             helpline_flow_step_exits_total{exit=\"no\",flow=\"main\"} NaN\nother{a=\"b\"} 3\nhelpline_calls_active 2\n",
        );
        assert_eq!(heat.entries("main", "a"), Some(12));
        assert_eq!(heat.exits("main", "a", "choice 1"), Some(7));
        assert_eq!(heat.exits("main", "a", "a\"}b"), Some(10));
        assert_eq!((heat.entries("main", "b"), heat.exits("main", "a", "no")), (None, None));
    }

    #[test]
    fn what_holds_no_counts_is_told() {
        let why = |from: &str| Heat::read(from, None).expect_err("there are none").to_string();
        assert!(why("no/such/file").starts_with("`no/such/file` cannot be read"));
        assert!(why("https://example.com/metrics").contains("curl"));
        assert!(why("Cargo.toml").contains("holds no metrics"));
        let free =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        assert!(why(&format!("http://{free}")).starts_with("nothing answers at"));
    }
}
