//! `helpline prompts`: the recordings that the flows ask for, where each is to be put, the script for who records them, and
//! drafts until then.

mod render;
mod script;
mod sheet;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::listing::{Format, Secrets, flows_or_errors, print};
use super::report;
use crate::config::{Installation, TextToSpeech};
use crate::flow::document::diagnostic::{listed, shortened};
use crate::flow::{FlowSet, Prompt};
use crate::media::prompts::{DRAFTS, Library, PromptFault, draft_path, draft_text, inspect, recording_path};
use script::Script;

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
    /// The script for the voice talent: what is to be recorded, under which name, and how
    Sheet(SheetArguments),
    /// Speaks drafts of what is missing, by a text-to-speech program
    Render(RenderArguments),
    /// Says that the recordings are right as they are: from now on they count as made of the present texts
    Accept(AcceptArguments),
}

/// What `helpline prompts list` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArguments {
    /// How the list is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What `helpline prompts sheet` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct SheetArguments {
    /// How the sheet is written
    #[arg(long, value_enum, default_value_t = sheet::Format::Human)]
    pub format: sheet::Format,
    /// Of this language alone
    #[arg(long)]
    pub language: Option<String>,
    /// What is recorded already as well
    #[arg(long)]
    pub all: bool,
}

/// What `helpline prompts accept` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct AcceptArguments {
    /// These alone, by language and name: en/main/welcome
    #[arg(value_name = "RECORDING")]
    pub names: Vec<String>,
}

/// What `helpline prompts render` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct RenderArguments {
    /// Of this language alone
    #[arg(long)]
    pub language: Option<String>,
    /// Drafts that are there as well: another voice has been chosen
    #[arg(long)]
    pub again: bool,
}

/// Does it for the installation in `config`; the exit status is 1 when the flows have errors, or a draft could not be made.
///
/// # Errors
/// The list or the script could not be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let Some((flows, installation)) = flows_or_errors(Installation::load(config), Secrets::Spared)? else {
        return Ok(ExitCode::from(1));
    };
    let folder = &installation.prompts;
    let items = items(&flows, folder);
    if let Some(wrong) = arguments.act.language().and_then(|language| unspoken(&items, language)) {
        return report::wrong_usage(&wrong);
    }
    match &arguments.act {
        Act::List(list) => {
            print(&match list.format {
                Format::Human => human(&items),
                Format::Json => format!("{:#}\n", json!({ "items": items.iter().map(as_json).collect::<Vec<_>>() })),
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Act::Sheet(sheet) => hand_out(&flows, &items, folder, sheet),
        Act::Accept(accept) => accepted(&items, folder, accept),
        Act::Render(render) => drafts(&flows, &items, folder, render, &installation.text_to_speech),
    }
}

impl Act {
    /// The language of which alone it is asked.
    fn language(&self) -> Option<&str> {
        match self {
            Act::Sheet(sheet) => sheet.language.as_deref(),
            Act::Render(render) => render.language.as_deref(),
            Act::List(_) | Act::Accept(_) => None,
        }
    }
}

/// What is told of a language in which nothing is said.
fn unspoken(items: &[Item<'_>], language: &str) -> Option<String> {
    let spoken: BTreeSet<&str> = items.iter().map(|item| &*item.prompt.language).collect();
    let told = || format!("nothing is said in `{}`: there is {}", shortened(language), listed(spoken.iter().copied()));
    (!spoken.contains(language)).then(told)
}

/// Prints the sheet, and notes what was on it.
fn hand_out(
    flows: &FlowSet,
    items: &[Item<'_>],
    folder: &Path,
    arguments: &SheetArguments,
) -> anyhow::Result<ExitCode> {
    let chosen = |item: &&Item<'_>| {
        let language = arguments.language.as_ref().is_none_or(|language| **language == *item.prompt.language);
        language && (arguments.all || item.state != State::Recorded)
    };
    let chosen: Vec<&Item<'_>> = items.iter().filter(chosen).collect();
    print(&sheet::written(flows, &chosen, arguments.format))?;
    let mut script = Script::read(folder);
    for item in &chosen {
        let file = recording_path(folder, &item.prompt.language, &item.prompt.name);
        script.hand_out(&item.line(), &file, &item.prompt.text);
    }
    if let Err(error) = script.keep(folder).and_then(|()| io::stdout().flush()) {
        let told = format!("what was handed out is not noted, so a change of the script will not be known: {error}\n");
        report::unless_closed(io::stderr().lock().write_all(told.as_bytes()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Notes that recordings speak the present texts.
fn accepted(items: &[Item<'_>], folder: &Path, arguments: &AcceptArguments) -> anyhow::Result<ExitCode> {
    let is_there = |item: &&Item<'_>| !matches!(item.state, State::Missing | State::Draft(_));
    let named = |item: &&Item<'_>| arguments.names.is_empty() || arguments.names.contains(&item.line());
    if let Some(unknown) =
        arguments.names.iter().find(|name| !items.iter().filter(is_there).any(|item| item.line() == **name))
    {
        let wrong = format!("there is no recording `{unknown}`: `helpline prompts list --format json` names them");
        return report::wrong_usage(&wrong);
    }
    let mut script = Script::read(folder);
    let mut count = 0;
    for item in items.iter().filter(is_there).filter(named) {
        let file = recording_path(folder, &item.prompt.language, &item.prompt.name);
        script.accept(&item.line(), &file, &item.prompt.text);
        count += 1;
    }
    script.keep(folder)?;
    let told = if count == 1 { "1 recording accepted\n".to_owned() } else { format!("{count} recordings accepted\n") };
    report::unless_closed(io::stderr().lock().write_all(told.as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}

/// Recordings that callers hear, and that ought to be made anew: their files, and why.
pub(super) fn weak<'a>(flows: &'a FlowSet, folder: &Path, library: &Library) -> Vec<(&'a Prompt, String, Weakness)> {
    let weakness = |item: Item<'a>| {
        let weakness = match item.state {
            State::TooQuiet => Weakness::TooQuiet,
            State::Clipped => Weakness::Clipped,
            State::Changed(spoken) => Weakness::Changed(spoken),
            _ => return None,
        };
        Some((item.prompt, item.file, weakness))
    };
    items_in(flows, folder, library).into_iter().filter_map(weakness).collect()
}

/// What a recording that is heard lacks.
pub(super) enum Weakness {
    /// It cannot be brought to the loudness of the others.
    TooQuiet,
    /// It was recorded too loud.
    Clipped,
    /// It speaks another text, which this is.
    Changed(String),
}

/// Makes the drafts that are missing, or speak another text than the flows have now.
fn drafts(
    flows: &FlowSet,
    items: &[Item<'_>],
    folder: &Path,
    arguments: &RenderArguments,
    speaker: &TextToSpeech,
) -> anyhow::Result<ExitCode> {
    let (mut wanted, mut untold) = (Vec::new(), 0);
    for item in items {
        let prompt = item.prompt;
        if arguments.language.as_ref().is_some_and(|language| **language != *prompt.language) {
            continue;
        }
        let draft = draft_text(&draft_path(folder, &prompt.language, &prompt.name));
        let is_due = match &item.state {
            State::Missing | State::WrongFormat(_) => draft.is_none_or(|draft| draft != *prompt.text),
            State::Draft(current) => !current,
            State::Recorded | State::Changed(_) | State::TooQuiet | State::Clipped => false,
        };
        let again = arguments.again && matches!(item.state, State::Draft(_));
        if !is_due && !again {
            continue;
        }
        // The words of a phrase are English in a language that has none of its own.
        let foreign = flows.languages.lacks_text(&prompt.language, &prompt.name);
        match prompt.text.is_empty() || foreign {
            true => untold += 1,
            false => wanted.push(prompt),
        }
    }
    let (made, failures) = render::render(folder, &wanted, speaker);
    let flows = if flows.flows.len() == 1 { "flow" } else { "flows" };
    let mut told = render::told(&failures);
    told.push_str(&match (made, failures.len()) {
        (0, 0) => format!("every text of the {flows} can be heard already\n"),
        (1, 0) => format!("1 draft made, below {}\n", folder.join(DRAFTS).display()),
        (made, 0) => format!("{made} drafts made, below {}\n", folder.join(DRAFTS).display()),
        (made, failed) => format!("{made} drafts made, {failed} not\n"),
    });
    if untold > 0 {
        told.push_str(&format!("{untold} more have no words that could be spoken: recordings by name, and phrases of a language without rules\n"));
    }
    report::unless_closed(io::stderr().lock().write_all(told.as_bytes()))?;
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A recording and its file.
struct Item<'a> {
    prompt: &'a Prompt,
    file: String,
    state: State,
}

impl Item<'_> {
    /// As the script names it.
    fn line(&self) -> String {
        format!("{}/{}", self.prompt.language, self.prompt.name)
    }
}

/// Whether there is something to be heard.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Recorded,
    /// A program speaks until somebody has recorded it; whether it speaks the present text.
    Draft(bool),
    Missing,
    /// There is a file that cannot be used.
    WrongFormat(PromptFault),
    /// It cannot be brought to the loudness of the others.
    TooQuiet,
    /// It was recorded too loud.
    Clipped,
    /// It was recorded from another text, which this is.
    Changed(String),
}

impl State {
    fn word(&self) -> &'static str {
        match self {
            State::Recorded => "recorded",
            State::Draft(_) => "draft",
            State::Missing => "missing",
            State::WrongFormat(_) => "wrong format",
            State::TooQuiet => "too quiet",
            State::Clipped => "clipped",
            State::Changed(_) => "script changed since",
        }
    }
}

fn items<'a>(flows: &'a FlowSet, folder: &Path) -> Vec<Item<'a>> {
    items_in(flows, folder, &Library::load(folder, &flows.wanted_recordings()))
}

fn items_in<'a>(flows: &'a FlowSet, folder: &Path, library: &Library) -> Vec<Item<'a>> {
    let script = Script::read(folder);
    let item = |(place, prompt): (usize, &'a Prompt)| {
        let file = recording_path(folder, &prompt.language, &prompt.name);
        let fault = library.faults.iter().find(|(path, _)| *path == file).map(|(_, fault)| fault.clone());
        let mut item = Item { prompt, state: State::Recorded, file: file.display().to_string() };
        item.state = if let Some(fault) = fault {
            State::WrongFormat(fault)
        } else if library.drafts.contains(&place) {
            let draft = draft_path(folder, &prompt.language, &prompt.name);
            item.file = draft.display().to_string();
            State::Draft(draft_text(&draft).as_deref() == Some(&*prompt.text))
        } else if library.clips[place].is_none() {
            State::Missing
        } else {
            let facts = inspect(&file);
            let spoken = script.spoken(&item.line(), &file).filter(|spoken| **spoken != *prompt.text);
            match facts {
                _ if spoken.is_some() => State::Changed(spoken.unwrap_or_default().to_owned()),
                Ok(facts) if facts.is_too_quiet() => State::TooQuiet,
                Ok(facts) if facts.is_clipped() => State::Clipped,
                _ => State::Recorded,
            }
        };
        item
    };
    flows.prompts.iter().enumerate().map(item).collect()
}

fn as_json(item: &Item<'_>) -> Value {
    json!({
        "name": &*item.prompt.name,
        "language": &*item.prompt.language,
        "text": &*item.prompt.text,
        "file": item.file,
        "state": item.state.word(),
        "fault": if let State::WrongFormat(fault) = &item.state { Some(fault.to_string()) } else { None },
        "spoken": if let State::Changed(spoken) = &item.state { Some(spoken) } else { None },
        "stale": matches!(item.state, State::Draft(false)),
    })
}

fn human(items: &[Item<'_>]) -> String {
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let files = width(&mut items.iter().map(|item| item.file.chars().count()));
    let states = width(&mut items.iter().map(|item| item.state.word().len()));
    let mut text = String::new();
    for item in items {
        let line = format!("{:states$}  {:files$}  {}", item.state.word(), item.file, item.prompt.text);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let count = |wanted: &dyn Fn(&State) -> bool| items.iter().filter(|item| wanted(&item.state)).count();
    text.push_str(&format!("{} recordings, {} missing", items.len(), count(&|state| *state == State::Missing)));
    let more: [(usize, &str); 5] = [
        (count(&|state| matches!(state, State::Draft(_))), "drafts"),
        (count(&|state| matches!(state, State::Changed(_))), "whose script has changed since"),
        (count(&|state| *state == State::TooQuiet), "too quiet"),
        (count(&|state| *state == State::Clipped), "clipped"),
        (count(&|state| matches!(state, State::WrongFormat(_))), "that cannot be used (`helpline check` says why)"),
    ];
    for (count, what) in more.iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {count} {what}"));
    }
    match count(&|state| *state == State::Draft(false)) {
        0 => text.push('\n'),
        stale => {
            text.push_str(&format!("\n{stale} drafts speak an older text: `helpline prompts render` makes them anew\n"))
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::flow::document::{self, Known, Source};
    use crate::media::prompts::{keep_draft, write_wav};

    fn flows(greeting: &str) -> FlowSet {
        let text = format!(
            "flow: main\nnumbers: [any]\nstart: a\nsteps:\n  a: {{say: {greeting}, next: b}}\n  b: {{say: B., next: c}}\n  \
             c: {{say: C., next: d}}\n  d: {{say: D., next: e}}\n  e: {{hangup: Bye.}}\n"
        );
        let sources = [Source { file: "main.yaml".to_owned(), text }];
        document::read(&sources, &Known::of(&BTreeSet::new())).flows.expect("it has no errors")
    }

    fn states(flows: &FlowSet, folder: &Path) -> Vec<(String, &'static str)> {
        let ours = |item: &Item<'_>| item.prompt.name.starts_with("main/");
        items(flows, folder)
            .iter()
            .filter(|item| ours(item))
            .map(|item| (item.prompt.name.to_string(), item.state.word()))
            .collect()
    }

    #[test]
    fn every_recording_has_a_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let file = |name: &str| recording_path(folder, "en", name);
        fs::create_dir_all(folder.join("en/main")).expect("a folder");
        let voice =
            |level: i16| (0..16_000).map(|n| if n / 40 % 2 == 0 { level } else { -level }).collect::<Vec<i16>>();
        write_wav(&file("main/a"), &voice(6_000)).expect("written");
        write_wav(&file("main/b"), &voice(3)).expect("written");
        write_wav(&file("main/c"), &voice(32_767)).expect("written");
        fs::write(file("main/d"), "no recording").expect("written");
        let spoken = fs::read(file("main/a")).expect("it is there");
        keep_draft(&draft_path(folder, "en", "main/e"), &spoken, "Bye.").expect("kept");
        let first = flows("Hello.");
        let expected = [("a", "recorded"), ("b", "too quiet"), ("c", "clipped"), ("d", "wrong format"), ("e", "draft")];
        assert_eq!(states(&first, folder), expected.map(|(name, state)| (format!("main/{name}"), state)));
        // The sheet is handed out, and then the text changes.
        let all = SheetArguments { format: sheet::Format::Json, language: None, all: true };
        hand_out(&first, &items(&first, folder), folder, &all).expect("it is printed");
        assert_eq!(states(&first, folder)[0].1, "recorded");
        let second = flows("Welcome.");
        assert_eq!(states(&second, folder)[0].1, "script changed since");
        accepted(&items(&second, folder), folder, &AcceptArguments { names: vec!["en/main/a".to_owned()] })
            .expect("noted");
        assert_eq!(states(&second, folder)[0].1, "recorded");
        assert_eq!(unspoken(&items(&second, folder), "en"), None);
        let wrong = unspoken(&items(&second, folder), "fr");
        assert_eq!(wrong.as_deref(), Some("nothing is said in `fr`: there is `en`"));
        let third = flows("Good day.");
        assert_eq!(states(&third, folder)[0].1, "script changed since");
        let weak: Vec<_> = weak(&third, folder, &Library::load(folder, &third.wanted_recordings()))
            .iter()
            .map(|(.., weakness)| matches!(weakness, Weakness::Changed(_)))
            .collect();
        assert_eq!(weak, [true, false, false]);
        // A recording comes before its draft, and a draft of a broken recording is heard.
        keep_draft(&draft_path(folder, "en", "main/a"), &spoken, "Welcome.").expect("kept");
        assert_eq!(states(&third, folder)[0].1, "script changed since");
        fs::remove_file(file("main/a")).expect("it was there");
        assert_eq!(states(&second, folder)[0].1, "draft");
        let wanted = second.wanted_recordings();
        let library = Library::load(folder, &wanted);
        assert!(
            wanted
                .iter()
                .zip(&library.clips)
                .all(|((_, name), clip)| clip.is_some() == (name.starts_with("main/") && &**name != "main/d"))
        );
    }

    #[test]
    fn sheets_are_written_in_every_form() {
        let set = flows("\"Say \\\"a, b\\\" <now>\"");
        let folder = tempfile::tempdir().expect("a folder");
        let items = items(&set, folder.path());
        let chosen: Vec<&Item<'_>> = items.iter().collect();
        let human = sheet::written(&set, &chosen, sheet::Format::Human);
        assert!(human.contains("main, a\n") && human.contains("“Say \"a, b\" <now>”"), "{human}");
        let csv = sheet::written(&set, &chosen, sheet::Format::Csv);
        assert!(csv.contains("\"Say \"\"a, b\"\" <now>\""), "{csv}");
        let html = sheet::written(&set, &chosen, sheet::Format::Html);
        assert!(html.contains("Say &quot;a, b&quot; &lt;now&gt;"), "{html}");
        let json: Value =
            serde_json::from_str(&sheet::written(&set, &chosen, sheet::Format::Json)).expect("it is JSON");
        assert_eq!(json["items"].as_array().map(Vec::len), Some(set.prompts.len()));
        assert_eq!(sheet::written(&set, &[], sheet::Format::Human), "nothing to record\n");
    }
}
