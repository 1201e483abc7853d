//! docs/languages.md is true: every language file that it shows is right, and says what the table below it tells.

use super::*;

const PAGE: &str = include_str!("../../../../docs/languages.md");

#[test]
fn what_the_page_shows_is_said() {
    let (mut files, mut told) = (0, 0);
    for block in PAGE.split("```yaml\n").skip(1) {
        let (text, below) = block.split_once("```\n").expect("the block ends");
        let tag = text.lines().find_map(|line| line.strip_prefix("language: ")).expect("it is a whole file");
        let mut languages = read(tag, text);
        for row in below.lines().filter(|line| line.starts_with("| `")) {
            let mut cells = row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`'));
            let (Some(value), Some(rules), Some(expected), None) =
                (cells.next(), cells.next(), cells.next(), cells.next())
            else {
                // Another table of the page.
                break;
            };
            let format = match rules {
                "number" => SpokenAs::Number,
                "money" => SpokenAs::Money,
                "time" => SpokenAs::Time,
                "duration" => SpokenAs::Duration,
                rules => SpokenAs::Ruled(languages.name_rules(rules)),
            };
            assert_eq!(said_in(&languages, tag, value, format, true).as_deref(), Some(expected), "{row}");
            told += 1;
        }
        files += 1;
    }
    assert!(files == 2 && told == 13, "{files} files that say {told} values");
}

/// The languages with that of a file, which has neither fault nor warning.
fn read(tag: &str, text: &str) -> Languages {
    let files = [Source { file: format!("prompts/{tag}/language.yaml"), text: text.to_owned() }];
    let flow = format!("flow: main\nnumbers: [any]\nlanguages: [{tag}]\nstart: a\nsteps:\n  a: {{hangup: Hallo.}}\n");
    let flow = [Source { file: "flow.yaml".to_owned(), text: flow }];
    let prompts = std::collections::BTreeSet::new();
    let reading = document::read(&flow, &Known { languages: &files, ..Known::of(&prompts) });
    let faults: Vec<_> = reading.diagnostics.iter().filter(|fault| fault.file.ends_with("language.yaml")).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    Languages::clone(&reading.flows.expect("it has no errors").languages)
}
