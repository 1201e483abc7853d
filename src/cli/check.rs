//! `helpline check`: reads everything that `serve` would read and tells every fault and warning at once.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::listening;
use super::listing::print;
use super::report::{self, Format};
use crate::config::{self, Installation};
use crate::flow::document::{self, Diagnostic, Severity, codes};
use crate::flow::{FlowSet, PromptId};
use crate::media::prompts::Library;
use crate::telephony::Clip;

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
        diagnostics.extend(unusable_recordings(flows, folder));
        let lengths = lengths(flows, folder);
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
fn lengths(flows: &FlowSet, folder: &Path) -> Vec<Option<Duration>> {
    const SAMPLES_A_SECOND: f64 = 8_000.0;
    let clips = Library::load(folder, &flows.wanted_recordings()).clips;
    let length = |clip: Arc<Clip>| Duration::from_secs_f64(clip.pcmu.len() as f64 / SAMPLES_A_SECOND);
    clips.into_iter().map(|clip| clip.map(length)).collect()
}

/// Recordings that are there, and that callers would not hear all the same.
fn unusable_recordings(flows: &FlowSet, folder: &Path) -> Vec<Diagnostic> {
    let faults = Library::load(folder, &flows.wanted_recordings()).faults;
    let told = |(path, fault): (std::path::PathBuf, _)| {
        let shown = path.display().to_string();
        let message = format!("`{shown}` {fault}");
        Diagnostic::of_file(codes::UNUSABLE_RECORDING, Severity::Warning, shown, message)
            .consequence("callers would hear nothing in its place, and the flow would go on")
    };
    faults.into_iter().map(told).collect()
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
        crate::media::prompts::write_wav(&voice.join("b.wav"), &[500; 800]).expect("written");
        let installation = Installation {
            flows,
            prompts: folder.join("prompts"),
            ..Installation::load(Path::new("no/file")).installation
        };
        let read = config::load_flows(&installation).0.flows.expect("it has no errors");
        let told = unusable_recordings(&read, &installation.prompts);
        std::fs::remove_dir_all(&folder).expect("it is ours");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].message.ends_with("a.wav` is not a WAV file"), "{told:?}");
        assert_eq!(told[0].severity, Severity::Warning);
    }
}
