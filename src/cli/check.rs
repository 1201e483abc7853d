//! `helpline check`: reads everything that `serve` would read and tells every fault and warning at once.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::listening;
use super::listing::print;
use super::prompts::Weakness;
use super::report::{self, Format};
use crate::config::{self, Installation};
use crate::flow::document::diagnostic::shortened;
use crate::flow::document::{self, Diagnostic, Severity, codes};
use crate::flow::{FlowSet, PromptId};
use crate::media::prompts::Library;

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
    if let Some(flows) = &reading.flows {
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
    let told = |(path, fault): (std::path::PathBuf, _)| {
        let shown = path.display().to_string();
        let message = format!("`{shown}` {fault}");
        Diagnostic::of_file(codes::UNUSABLE_RECORDING, Severity::Warning, shown, message)
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
    let weak = weak.into_iter().map(|(shown, weakness)| {
        let warning = |code, message: String| Diagnostic::of_file(code, Severity::Warning, shown.as_str(), message);
        match weakness {
            Weakness::TooQuiet => warning(codes::QUIET_RECORDING, format!("`{shown}` is too quiet"))
                .consequence("callers would strain to hear it"),
            Weakness::Clipped => warning(codes::CLIPPED_RECORDING, format!("`{shown}` was recorded too loud"))
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
    }
}
