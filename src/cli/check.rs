//! `helpline check`: reads everything that `serve` would read and tells every fault and warning at once.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::listening;
use super::listing::print;
use super::prompts::Weakness;
use super::report::{self, Format};
use crate::config::{self, Installation};
use crate::flow::document::diagnostic::shortened;
use crate::flow::document::{self, Code, Diagnostic, Severity, codes, scalar};
use crate::flow::graph::StepId;
use crate::flow::place::Place;
use crate::flow::{FlowSet, Prompt, PromptId, QueueIndex};
use crate::media::prompts::{Library, draft_path, recording_path};

/// What `helpline check` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Tells instead how long callers listen before each choice, and how many keys lead to each step
    #[arg(long)]
    pub listening: bool,
}

/// Checks the installation in `config`; the exit status is 1 when there are errors.
///
/// # Errors
/// The report could not be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let loaded = Installation::load(config);
    let (reading, flow_sources) = config::load_flows(&loaded.installation);
    let mut sources = loaded.sources;
    sources.extend(flow_sources);
    let mut diagnostics = loaded.diagnostics;
    diagnostics.extend(reading.diagnostics);
    if let Some(flows) = reading.flows.as_ref().or(reading.faulty.as_ref()) {
        let folder = &loaded.installation.prompts;
        let wanted = flows.wanted_recordings();
        let library = Library::load(folder, &wanted);
        let lengths = lengths(&library);
        diagnostics.extend(unusable_recordings(flows, folder, library));
        let lengths = |prompt: PromptId| lengths[prompt.0 as usize];
        let listening = document::listening(flows, &lengths);
        if arguments.listening && !report::has_errors(&diagnostics) {
            print(&match arguments.format {
                Format::Json => format!("{:#}\n", listening::as_json(flows, &listening)),
                Format::Human | Format::Github | Format::Junit => listening::human(flows, &listening),
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        diagnostics.extend(document::tell_listening(flows, &listening, &lengths));
    }

    let colour = report::colour_on_stdout();
    let text = report::written(&diagnostics, &sources, arguments.format, colour);
    let mut stdout = io::stdout().lock();
    report::unless_closed(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))?;
    Ok(if report::has_errors(&diagnostics) { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// How long each recording is, in the order of the prompts; nothing where there is none.
fn lengths(library: &Library) -> Vec<Option<Duration>> {
    library.clips.iter().map(|clip| clip.as_ref().map(|clip| clip.duration())).collect()
}

/// Recordings that are there, and that callers would not hear all the same; and drafts, which they hear instead.
fn unusable_recordings(flows: &FlowSet, folder: &Path, library: Library) -> Vec<Diagnostic> {
    let weak = super::prompts::weak(flows, folder, &library);
    let drafts = library.drafts.iter().map(|place| flows.prompts[*place].language.clone());
    let mut by_language: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    drafts.for_each(|language| *by_language.entry(language).or_default() += 1);
    let told = |(path, fault): (PathBuf, _)| {
        let is_this = |prompt: &&Prompt| {
            [recording_path, draft_path].iter().any(|file| file(folder, &prompt.language, &prompt.name) == path)
        };
        let prompt = flows.prompts.iter().find(is_this);
        let shown = path.display().to_string();
        let message = format!("`{shown}` {fault}");
        let fault = warning(flows, prompt, &shown, codes::UNUSABLE_RECORDING, message);
        fault
            .remedy("save it as a WAV file of plain samples: 8 to 48 kHz, 8 to 32 bits, mono or stereo")
            .consequence("callers would hear a draft in its place or, without one, nothing, and the flow would go on")
    };
    let faults = library.faults.into_iter().map(told);
    let reminded = by_language.into_iter().map(|(language, count)| {
        let message = match count {
            1 => format!("1 recording of `{language}` is a draft"),
            many => format!("{many} recordings of `{language}` are drafts"),
        };
        Diagnostic::of_file(codes::DRAFTS, Severity::Warning, "", message)
            .remedy("`helpline prompts sheet` is the script for who records them")
            .consequence("callers would hear a machine's voice there")
    });
    let weak = weak.into_iter().map(|(prompt, shown, weakness)| {
        let warning = |code, message: String| warning(flows, Some(prompt), &shown, code, message);
        match weakness {
            Weakness::TooQuiet => warning(codes::QUIET_RECORDING, format!("`{shown}` is too quiet"))
                .remedy("record it again, closer to the microphone")
                .consequence("callers would strain to hear it"),
            Weakness::Clipped => warning(codes::CLIPPED_RECORDING, format!("`{shown}` was recorded too loud"))
                .remedy("record it again, with the needle well below the red")
                .consequence("callers would hear it crackle"),
            Weakness::Changed(spoken) => {
                warning(codes::OLD_RECORDING, format!("`{shown}` was recorded from another text"))
                    .remedy("record it again, or say that it is right: `helpline prompts accept`")
                    .consequence(format!("callers would hear “{}”", shortened(&spoken)))
            }
        }
    });
    faults.chain(weak).chain(reminded).collect()
}

/// A warning about a recording, at the text that it speaks; of a phrase, which no file of flows holds, at the recording.
fn warning(flows: &FlowSet, prompt: Option<&Prompt>, file: &str, code: Code, message: String) -> Diagnostic {
    match prompt.and_then(|prompt| text_of(flows, prompt)) {
        Some(place) => Diagnostic::at(place, code, Severity::Warning, message),
        None => Diagnostic::of_file(code, Severity::Warning, file, message),
    }
}

/// Where the text stands that a recording speaks.
fn text_of<'a>(flows: &'a FlowSet, prompt: &Prompt) -> Option<&'a Place> {
    let (folder, name) = prompt.name.split_once('/').unwrap_or(("", &prompt.name));
    let (owner, part) = name.split_once('.').unwrap_or((name, ""));
    let choice = scalar::keys(part).map(|_| format!("choice {part}"));
    let part = choice.as_deref().unwrap_or(part);
    let Some((flow, step)) = prompt.step else {
        let place = flows.queues.iter().position(|queue| folder == "queues" && *queue.name == *owner)?;
        let queue = QueueIndex(u16::try_from(place).ok()?);
        return flows.places.queue_setting(queue, part).or_else(|| flows.places.queue(queue));
    };
    let at = StepId { flow, step };
    let own = ["say", "play", "menu", "collect", "hangup", "prompt"];
    let own = own.into_iter().filter(|_| part.is_empty() || part.starts_with("part"));
    let mut places = [part].into_iter().chain(own).filter_map(|setting| flows.places.setting(at, setting));
    places.next().or_else(|| flows.places.step(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Installation;

    #[test]
    fn a_recording_that_cannot_be_used_is_told() {
        let folder = std::env::temp_dir().join(format!("helpline-check-{}", std::process::id()));
        let (flows, voice) = (folder.join("flows"), folder.join("prompts/en/main"));
        std::fs::create_dir_all(&flows).and_then(|()| std::fs::create_dir_all(&voice)).expect("a folder to write in");
        let flow =
            "flow: main\nnumbers: [any]\nstart: a\nsteps:\n  a:\n    say: Hello.\n    next: b\n  b: {hangup: Bye.}\n";
        std::fs::write(flows.join("main.yaml"), flow).expect("written");
        std::fs::write(voice.join("a.wav"), "This is no recording.").expect("written");
        crate::media::prompts::write_wav(&voice.join("b.wav"), &[4_000, -4_000].repeat(4_000)).expect("written");
        let installation = Installation {
            flows,
            prompts: folder.join("prompts"),
            ..Installation::load(Path::new("no/file")).installation
        };
        let read = config::load_flows(&installation).0.flows.expect("it has no errors");
        let library = Library::load(&installation.prompts, &read.wanted_recordings());
        let told = unusable_recordings(&read, &installation.prompts, library);
        std::fs::remove_dir_all(&folder).expect("it is ours");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].message.ends_with("a.wav` is not a WAV file"), "{told:?}");
        assert_eq!(told[0].severity, Severity::Warning);
        assert_eq!((told[0].line, told[0].column), (6, 10), "at the text that it speaks");
        assert!(told[0].file.ends_with("main.yaml") && told[0].remedy.is_some(), "{told:?}");
    }

    #[test]
    fn a_recording_is_told_of_where_its_text_stands() {
        let text = "\
flow: main
numbers: [any]
start: a
steps:
  a: {say: Hello., next: b}
  b:
    menu: Well?
    choices:
      12: To wait -> q
    no_match: That is none.
  q: {queue: s, next: v}
  v: {voicemail: s, greeting: Speak., next: r}
  r: {record: {consent: ask, prompt: Do you mind?}, next: t}
  t:
    hangup: It is {now|day} today.
time_zone: UTC
queues:
  s:
    agents: [1001]
    while_waiting: {choices: {1: To leave a message -> v}}
agents: {1001: {name: Ada}}
";
        let source = document::Source { file: "main.yaml".to_owned(), text: text.to_owned() };
        let nothing = std::collections::BTreeSet::new();
        let reading = document::read(&[source], &document::Known::of(&nothing));
        let flows = reading.flows.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics));
        let at = |name: &str| {
            let prompt = flows.prompts.iter().find(|prompt| *prompt.name == *name);
            let place = text_of(&flows, prompt.unwrap_or_else(|| panic!("there is no {name}")))?;
            Some(&text[place.start as usize..place.end as usize])
        };
        for (name, expected) in [
            ("main/a", Some("Hello.")),
            ("main/b", Some("Well?")),
            ("main/b.12", Some("12")),
            ("main/b.no_match", Some("That is none.")),
            ("main/v.greeting", Some("Speak.")),
            ("main/r", Some("r")),
            ("main/t.part1", Some("It is {now|day} today.")),
            ("queues/s.1", Some("1")),
            ("phrases/collect/confirm", None),
        ] {
            assert_eq!(at(name), expected, "{name}");
        }
    }
}
