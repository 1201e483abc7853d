//! `helpline explain`: the long story of a code, or the list of them all.

use std::io;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::listing::{Format, print};
use crate::flow::document::diagnostic::{nearest, shortened};
use crate::flow::document::explanation::{Example, Explanation};
use crate::flow::document::{Code, codes};

/// Wrong usage, as the command line has it.
const WRONG_USAGE: u8 = 2;

/// What `helpline explain` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The code, such as HL0207; without one, all are listed
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Explains a code; the exit status is 2 when there is none of this name.
///
/// # Errors
/// The text could not be written.
pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let Some(name) = &arguments.code else {
        print(&match arguments.format {
            Format::Human => list(),
            Format::Json => {
                let all: Vec<Value> = codes::ALL.iter().map(|code| as_json(*code)).collect();
                format!("{:#}\n", json!({ "items": all }))
            }
        })?;
        return Ok(ExitCode::SUCCESS);
    };
    let Some(code) = find(name) else {
        eprintln!("helpline: {}", unknown(name));
        return Ok(ExitCode::from(WRONG_USAGE));
    };
    print(&match arguments.format {
        Format::Human => written(code),
        Format::Json => format!("{:#}\n", as_json(code)),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// `HL0207`, `hl0207`, `0207`, `[HL0207]`, `207`.
fn find(name: &str) -> Option<Code> {
    let bare = name.trim().trim_matches(['[', ']']).to_ascii_uppercase();
    let digits = bare.strip_prefix("HL").unwrap_or(&bare);
    codes::ALL.iter().copied().find(|code| code.id[2..] == format!("{digits:0>4}"))
}

fn unknown(name: &str) -> String {
    let bare = name.trim().to_ascii_uppercase();
    match nearest(&bare, codes::ALL.iter().map(|code| code.id)) {
        Some(near) => format!("no fault has the code `{}`; did you mean `{near}`?", shortened(name)),
        None => format!("no fault has the code `{}`; `helpline explain` lists them all", shortened(name)),
    }
}

fn list() -> String {
    let mut text = String::new();
    for code in codes::ALL {
        text.push_str(&format!("{code}  {}\n", code.title));
    }
    text + &format!("{} codes; `helpline explain CODE` tells more of one\n", codes::ALL.len())
}

/// The page as it is read in a terminal.
fn written(code: Code) -> String {
    let explanation = Explanation::of(code);
    let mut text = format!("{code}: {}\n\n{}\n", explanation.title, wrapped(explanation.text));
    for (heading, example) in [("Wrong", explanation.wrong), ("Right", explanation.right)] {
        let Some(Example { file, text: example }) = example else { continue };
        let heading = if file.is_empty() { format!("{heading}:") } else { format!("{heading}, in {file}:") };
        text.push_str(&format!("\n{heading}\n\n"));
        for line in example.lines() {
            let line = line.strip_prefix("%%% ").map_or_else(|| line.to_owned(), |file| format!("# in {file}:"));
            text.push_str(format!("    {line}").trim_end());
            text.push('\n');
        }
    }
    text + &format!("\nRead on: {}\n", explanation.read_on)
}

/// Paragraphs in lines of at most 80 characters.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 80;
    let paragraph = |text: &str| {
        let (mut lines, mut line) = (Vec::new(), String::new());
        for word in text.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
        lines.join("\n")
    };
    text.split("\n\n").map(paragraph).collect::<Vec<_>>().join("\n\n")
}

fn as_json(code: Code) -> Value {
    let explanation = Explanation::of(code);
    json!({
        "code": code.id,
        "title": code.title,
        "text": explanation.text,
        "wrong": explanation.wrong.map(|example| example.text),
        "right": explanation.right.map(|example| example.text),
        "read_on": explanation.read_on,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_however_they_are_written() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(find(name).map(|code| code.id), expected, "{name}");
        };
        check("HL0207", Some("HL0207"));
        check("hl0207", Some("HL0207"));
        check("[HL0207]", Some("HL0207"));
        check("207", Some("HL0207"));
        check("HL9999", None);
        check("", None);
        check("ü", None);
        assert!(unknown("HL0299").contains("did you mean `HL02"), "{}", unknown("HL0299"));
        assert!(unknown("biling").contains("lists them all"));
    }

    #[test]
    fn a_page_is_read_in_a_terminal() {
        let page = written(codes::NO_SUCH_STEP);
        assert!(page.starts_with("HL0207: No step has this name\n\nA step or a choice leads"), "{page}");
        assert!(page.contains("\nWrong:\n\n    flow: main\n") && page.contains("\nRight:\n"), "{page}");
        assert!(page.ends_with("Read on: docs/flows.md, \"Where a step leads\"\n"), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 110), "{page}");
        assert_eq!(list().lines().count(), codes::ALL.len() + 1);
    }
}
