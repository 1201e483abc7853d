//! `helpline reload` and `helpline rollback`: the running server reads its files again, or goes back to an earlier revision
//! of them.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::listing::{Format, print};
use super::running::{ask, post};
use super::{COULD_NOT_RUN, report};
use crate::config::{HttpSettings, Installation};

/// What `helpline reload` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// How what came of it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What `helpline rollback` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct BackArguments {
    /// The revision to go back to; without it, the one before the one in use
    #[arg(value_name = "REVISION", value_parser = revision_number)]
    pub revision: Option<u32>,
    /// Only list the revisions that are kept
    #[arg(long, conflicts_with = "revision")]
    pub list: bool,
    /// How what came of it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

fn revision_number(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "a revision is a number: `helpline rollback --list` shows those that are kept")
}

/// Has the running server read its files again; the exit status is 1 when they have faults and all stays as it was, 3
/// when no server answers.
///
/// # Errors
/// What came of it could not be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    want("/api/v1/reload", &json!({}), arguments.format, &http_of(config))
}

/// Has the running server go back to an earlier revision; the exit status is as of [`run`].
///
/// # Errors
/// What came of it could not be written.
pub fn run_back(arguments: &BackArguments, config: &Path) -> anyhow::Result<ExitCode> {
    let http = http_of(config);
    if arguments.list {
        return match ask(&http, "/api/v1/revisions") {
            Ok(kept) => {
                let text = match arguments.format {
                    Format::Human => revisions(&kept),
                    Format::Json => format!("{kept:#}\n"),
                };
                print(&text)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(why) => {
                eprintln!("helpline: {why}");
                Ok(ExitCode::from(COULD_NOT_RUN))
            }
        };
    }
    // Without a number the server knows which one was before.
    let body = arguments.revision.map_or(Value::Null, |revision| json!({ "revision": revision }));
    want("/api/v1/rollback", &body, arguments.format, &http)
}

/// Where the server listens. What is wrong elsewhere in the file is the server's to tell, with all other faults.
fn http_of(config: &Path) -> HttpSettings {
    Installation::load(config).installation.http
}

fn want(path: &str, body: &Value, format: Format, http: &HttpSettings) -> anyhow::Result<ExitCode> {
    let (status, answer) = match post(http, path, body) {
        Ok(answer) => answer,
        Err(why) => {
            eprintln!("helpline: {why}");
            return Ok(ExitCode::from(COULD_NOT_RUN));
        }
    };
    if format == Format::Json {
        print(&format!("{answer:#}\n"))?;
    }
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    match status {
        200 => {
            if format == Format::Human {
                print(&done(&answer))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        422 => {
            report::unless_closed(io::stderr().lock().write_all(text("report").as_bytes()))?;
            eprintln!("helpline: {}", text("detail"));
            Ok(ExitCode::from(1))
        }
        _ => {
            eprintln!("helpline: {}", text("detail"));
            Ok(ExitCode::from(if status == 404 { 1 } else { COULD_NOT_RUN }))
        }
    }
}

/// For people: what callers notice, what else they should know, and the revision in the last line.
fn done(answer: &Value) -> String {
    let texts = |key: &str| -> Vec<&str> {
        answer.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let mut lines: Vec<String> = texts("changes").iter().map(|change| format!("- {change}")).collect();
    if lines.is_empty() {
        lines.push("callers will notice no change of the flows".to_owned());
    }
    lines.extend(texts("notes").iter().map(|note| format!("note: {note}")));
    let warnings = answer.get("warnings").and_then(Value::as_array).map_or(0, Vec::len);
    if warnings > 0 {
        let warnings = if warnings == 1 { "1 warning".to_owned() } else { format!("{warnings} warnings") };
        lines.push(format!("{warnings}: see `helpline check`"));
    }
    let number = |key: &str| answer.get(key).and_then(Value::as_u64);
    let revision = number("revision").unwrap_or_default();
    lines.push(match number("back_to") {
        Some(back) => format!("new calls follow revision {revision}, which is revision {back} again"),
        None => format!("new calls follow revision {revision}"),
    });
    lines.join("\n") + "\n"
}

fn revisions(kept: &Value) -> String {
    let mut text = String::new();
    for item in kept.get("items").and_then(Value::as_array).into_iter().flatten() {
        let word = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
        let number = |key: &str| item.get(key).and_then(Value::as_u64);
        let mut line = format!("{:>6}  {}  {}", number("revision").unwrap_or_default(), word("since"), word("why"));
        if let Some(back) = number("back_to") {
            line += &format!(" to {back}");
        }
        if item.get("in_use").and_then(Value::as_bool) == Some(true) {
            line += "  (in use)";
        }
        text += &(line + "\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_told_line_by_line() {
        let answer = json!({
            "revision": 7, "back_to": 5, "changes": ["the flow `x` is gone"], "warnings": [{}], "notes": ["mind"],
        });
        assert_eq!(
            done(&answer),
            "- the flow `x` is gone\nnote: mind\n1 warning: see `helpline check`\n\
             new calls follow revision 7, which is revision 5 again\n"
        );
        let none = json!({"revision": 7, "back_to": null, "changes": [], "warnings": [], "notes": []});
        assert_eq!(done(&none), "callers will notice no change of the flows\nnew calls follow revision 7\n");
    }

    #[test]
    fn revisions_are_listed_the_newest_first() {
        let kept = json!({"items": [
            {"revision": 3, "since": "2026-01-01T00:00:00Z", "why": "rollback", "back_to": 1, "in_use": true},
            {"revision": 2, "since": "2025-12-31T00:00:00Z", "why": "watch", "back_to": null, "in_use": false},
        ]});
        assert_eq!(
            revisions(&kept),
            "     3  2026-01-01T00:00:00Z  rollback to 1  (in use)\n     2  2025-12-31T00:00:00Z  watch\n"
        );
    }
}
