//! `helpline prompts sheet`: the script for the voice talent.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Item, State};
use crate::flow::{FlowSet, Prompt, StepKind};

/// How a sheet is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, in the terminal
    Human,
    /// For spreadsheets (RFC 4180)
    Csv,
    /// A page to print
    Html,
    /// For programs
    Json,
}

/// A line of the script.
struct Line<'a> {
    prompt: &'a Prompt,
    file: &'a str,
    state: &'static str,
    seconds: u32,
    note: String,
    place: String,
}

/// The sheet of these recordings.
pub(super) fn written(flows: &FlowSet, items: &[&Item<'_>], format: Format) -> String {
    let mut lines: Vec<Line<'_>> = items
        .iter()
        .map(|item| Line {
            prompt: item.prompt,
            file: &item.file,
            state: item.state.word(),
            seconds: seconds(&item.prompt.text),
            note: note(flows, item),
            place: place(flows, item.prompt),
        })
        .collect();
    // A talent reads one language, and a flow as callers hear it.
    lines.sort_by_key(|line| (line.prompt.language.clone(), line.prompt.step.is_none(), line.prompt.step));
    match format {
        Format::Human => human(&lines),
        Format::Csv => csv(&lines),
        Format::Html => html(&lines),
        Format::Json => {
            let items: Vec<Value> = lines.iter().map(as_json).collect();
            format!("{:#}\n", json!({ "items": items }))
        }
    }
}

/// How long it takes to say, at 150 words a minute.
fn seconds(text: &str) -> u32 {
    let words = u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX);
    (words.saturating_mul(2) / 5).max(1)
}

fn place(flows: &FlowSet, prompt: &Prompt) -> String {
    match prompt.step {
        Some((flow, step)) => {
            let flow = flows.flow(flow);
            format!("{}, {}", flow.name, flow.step(step).name)
        }
        None => match prompt.name.split('/').next() {
            Some("queues") => "queues".to_owned(),
            _ => "phrases".to_owned(),
        },
    }
}

/// What a talent has to know beside the words.
fn note(flows: &FlowSet, item: &Item<'_>) -> String {
    let prompt = item.prompt;
    let mut notes: Vec<&str> = Vec::new();
    let file = prompt.name.rsplit('/').next().unwrap_or("");
    let kind = prompt.step.map(|(flow, step)| &flows.flow(flow).step(step).kind);
    let ending = file.rsplit_once('.').map(|(_, ending)| ending);
    match (kind, ending) {
        (_, Some(part)) if part.starts_with("part") => {
            notes.push("a part of a sentence: a number or a date is spoken beside it, so keep the voice level");
        }
        (_, Some("no_input" | "no_match")) => notes.push("patient and friendly: the caller could not know better"),
        (Some(StepKind::Menu(_)), Some(_)) => notes.push("one choice of a list: same pace and tone as its neighbours"),
        (Some(StepKind::Menu(_)), None) => notes.push("a question; the choices follow at once"),
        (Some(StepKind::Collect(_)), _) => notes.push("a request: clear and slow"),
        (Some(StepKind::HangUp { .. }), _) => notes.push("the last words: let the voice fall, warm"),
        (None, _) if prompt.name.starts_with("phrases/") => {
            notes.push("a building block: even voice, no pause before or after");
        }
        _ => notes.push("warm and calm"),
    }
    match &item.state {
        State::Changed(_) => notes.push("the text has changed since it was recorded"),
        State::TooQuiet => notes.push("was too quiet"),
        State::Clipped => notes.push("was too loud, and crackles"),
        State::WrongFormat(_) => notes.push("the file cannot be used"),
        State::Recorded | State::Draft(_) | State::Missing => {}
    }
    notes.join("; ")
}

fn human(lines: &[Line<'_>]) -> String {
    let mut text = String::new();
    let mut language = None;
    let mut place = String::new();
    for line in lines {
        if language != Some(&line.prompt.language) {
            language = Some(&line.prompt.language);
            let _ = writeln!(text, "== {} ==", line.prompt.language);
            place.clear();
        }
        if place != line.place {
            place.clone_from(&line.place);
            let _ = writeln!(text, "\n{place}");
        }
        let spoken = if line.prompt.text.is_empty() { "(a recording by name)" } else { &line.prompt.text };
        let _ = writeln!(
            text,
            "  {}\n    “{spoken}”\n    {}, about {} s; {}",
            line.file, line.state, line.seconds, line.note
        );
    }
    let all: u32 = lines.iter().map(|line| line.seconds).sum();
    let _ = match lines.len() {
        0 => writeln!(text, "nothing to record"),
        1 => writeln!(text, "\n1 recording, about {all} s"),
        many => writeln!(text, "\n{many} recordings, about {} min", all.div_ceil(60)),
    };
    text
}

fn csv(lines: &[Line<'_>]) -> String {
    let mut text = "language,place,file,text,seconds,state,note\r\n".to_owned();
    for line in lines {
        let seconds = line.seconds.to_string();
        let fields = [
            &line.prompt.language,
            line.place.as_str(),
            line.file,
            &line.prompt.text,
            &seconds,
            line.state,
            &line.note,
        ];
        let quoted: Vec<String> =
            fields.iter().map(|field| format!("\"{}\"", safe(field).replace('"', "\"\""))).collect();
        text.push_str(&quoted.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A spreadsheet takes what begins so for a formula.
fn safe(field: &str) -> String {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field.to_owned() }
}

fn html(lines: &[Line<'_>]) -> String {
    let mut text = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
        <meta name=\"viewport\" content=\"width=device-width\">\n<title>Script</title>\n<style>\n\
        :root { color-scheme: light dark; }\n\
        body { font: 16px/1.5 'Helvetica Neue', Arial, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }\n\
        h2 { margin: 2rem 0 .5rem; } table { border-collapse: collapse; width: 100%; }\n\
        td { border-top: 1px solid #8886; padding: .6rem .5rem; vertical-align: top; }\n\
        .text { font-size: 1.2rem; } .file, .note { font-size: .85rem; opacity: .75; } .file { font-family: monospace; }\n\
        td:first-child { width: 2rem; } @media print { tr { break-inside: avoid; } }\n</style>\n"
        .to_owned();
    let mut heading = String::new();
    for (number, line) in lines.iter().enumerate() {
        let here = format!("{} — {}", line.prompt.language, line.place);
        if here != heading {
            if !heading.is_empty() {
                text.push_str("</table>\n");
            }
            let _ = writeln!(text, "<h2>{}</h2>\n<table>", escaped(&here));
            heading = here;
        }
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td><div class=\"text\" lang=\"{}\">{}</div><div class=\"file\">{}</div>\
             <div class=\"note\">{}, about {} s; {}</div></td></tr>",
            number + 1,
            escaped(&line.prompt.language),
            escaped(&line.prompt.text),
            escaped(line.file),
            line.state,
            line.seconds,
            escaped(&line.note)
        );
    }
    text.push_str(if heading.is_empty() { "<p>Nothing to record.</p>\n</html>\n" } else { "</table>\n</html>\n" });
    text
}

fn as_json(line: &Line<'_>) -> Value {
    json!({
        "language": &*line.prompt.language,
        "place": line.place,
        "file": line.file,
        "text": &*line.prompt.text,
        "seconds": line.seconds,
        "state": line.state,
        "note": line.note,
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted() {
        assert_eq!(safe("=1+1"), "'=1+1");
        assert_eq!(safe("Hello"), "Hello");
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
        assert_eq!((seconds(""), seconds("one two three four five six seven eight nine ten")), (1, 4));
    }
}
