//! `helpline prompts render`: drafts of what is missing, spoken by a program, until somebody has recorded it.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::TextToSpeech;
use crate::flow::Prompt;
use crate::media::prompts::{draft_path, keep_draft};

/// How much of what a program says of its failure is told, and how large a recording may be.
const COMPLAINT_MAX: usize = 600;
const SPOKEN_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How often it is looked whether a program is done.
const GLANCE: Duration = Duration::from_millis(10);
/// So many run at once where nothing is written.
const AT_ONCE_USUAL: usize = 4;
/// Failures that are told.
const FAILURES_TOLD: usize = 5;

/// Why a draft was not made; the text goes on after the recording's name.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mute {
    #[error(
        "`{0}` cannot be run: {1} (install Debian's espeak-ng, or name another `command` below `text_to_speech` in helpline.yaml)"
    )]
    NotThere(String, io::Error),
    #[error("`{0}` took longer than {1} s")]
    TooSlow(String, u64),
    #[error("`{0}` ended with {1}{2}")]
    Failed(String, String, String),
    #[error("what `{0}` has spoken {1}")]
    Unusable(String, String),
    #[error("there is no room to work in: {0}")]
    NoRoom(#[from] io::Error),
}

/// Makes the drafts of `prompts`: how many were made, and what went wrong.
pub(super) fn render(folder: &Path, prompts: &[&Prompt], speech: &TextToSpeech) -> (usize, Vec<(String, Mute)>) {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    let processors = thread::available_parallelism().map_or(1, usize::from).min(AT_ONCE_USUAL);
    let at_once = speech.at_once.map_or(processors, |many| many as usize).min(prompts.len());
    let shows_progress = io::stderr().is_terminal();
    let give_up = AtomicUsize::new(0);
    let work = || {
        while let Some(prompt) = prompts.get(next.fetch_add(1, Ordering::Relaxed)) {
            // A program that is not there will not be there for the next one.
            if give_up.load(Ordering::Relaxed) > 0 {
                break;
            }
            let path = draft_path(folder, &prompt.language, &prompt.name);
            if let Err(why) = draft(&path, prompt, speech) {
                give_up.fetch_add(usize::from(matches!(why, Mute::NotThere(..))), Ordering::Relaxed);
                let name = format!("{}/{}", prompt.language, prompt.name);
                failures.lock().unwrap_or_else(PoisonError::into_inner).push((name, why));
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if shows_progress {
                // Progress that nobody sees is no failure.
                let _ = write!(io::stderr().lock(), "\r\u{1b}[K{done} of {} drafts: {}", prompts.len(), prompt.name);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(work);
        }
    });
    if shows_progress && !prompts.is_empty() {
        let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
    }
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by(|left, right| left.0.cmp(&right.0));
    (done.into_inner() - failures.len(), failures)
}

/// What went wrong, in words.
pub(super) fn told(failures: &[(String, Mute)]) -> String {
    let mut text = String::new();
    for (name, why) in failures.iter().take(FAILURES_TOLD) {
        text.push_str(&format!("no draft of `{name}`: {why}\n"));
    }
    if failures.len() > FAILURES_TOLD {
        text.push_str(&format!("... and {} more\n", failures.len() - FAILURES_TOLD));
    }
    text
}

fn draft(path: &Path, prompt: &Prompt, speech: &TextToSpeech) -> Result<(), Mute> {
    let room = Room::new(path)?;
    let spoken = speak(&room.0, prompt, speech)?;
    keep_draft(path, &spoken, &prompt.text).map_err(|why| Mute::Unusable(speech.command[0].clone(), why.to_string()))
}

/// A file of its own for the program to write to, gone when the work is done.
struct Room(PathBuf);

impl Room {
    fn new(path: &Path) -> io::Result<Room> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        Ok(Room(folder.join(format!(".draft.{}.{number}.wav", std::process::id()))))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs the program: what it has spoken.
fn speak(file: &Path, prompt: &Prompt, speech: &TextToSpeech) -> Result<Vec<u8>, Mute> {
    let voice = speech.voice(&prompt.language);
    let has = |wanted: &str| speech.command.iter().any(|word| word.contains(wanted));
    let (takes_text, takes_file) = (has("{text}"), has("{file}"));
    let words: Vec<String> = speech
        .command
        .iter()
        .map(|word| {
            filled(
                word,
                &[
                    ("{file}", &file.to_string_lossy()),
                    ("{voice}", &voice),
                    ("{language}", &prompt.language),
                    ("{text}", &prompt.text),
                ],
            )
        })
        .collect();
    let program = speech.command[0].clone();
    // What it says goes into files, so that no pipe can fill up.
    let (mut out, mut complaint) = (unnamed(file, "out")?, unnamed(file, "err")?);
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(if takes_text { Stdio::null() } else { Stdio::from(text_file(file, &prompt.text)?) })
        .stdout(if takes_file { Stdio::null() } else { Stdio::from(out.try_clone()?) })
        .stderr(Stdio::from(complaint.try_clone()?))
        .spawn()
        .map_err(|error| Mute::NotThere(program.clone(), error))?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > speech.timeout {
            // It may have ended meanwhile.
            let _ = child.kill();
            child.wait()?;
            return Err(Mute::TooSlow(program, speech.timeout.as_secs()));
        }
        thread::sleep(GLANCE);
    };
    if !status.success() {
        let mut said = Vec::new();
        complaint.rewind()?;
        complaint.take(COMPLAINT_MAX as u64).read_to_end(&mut said)?;
        let said: String =
            String::from_utf8_lossy(&said).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let said = if said.trim().is_empty() { String::new() } else { format!(": {}", said.trim()) };
        let how = status.code().map_or("a signal".to_owned(), |code| format!("status {code}"));
        return Err(Mute::Failed(program, how, said));
    }
    let mut spoken = Vec::new();
    if takes_file {
        let unusable = |error: io::Error| Mute::Unusable(program.clone(), format!("cannot be read: {error}"));
        File::open(file).map_err(unusable)?.take(SPOKEN_BYTES_MAX).read_to_end(&mut spoken)?;
    } else {
        out.rewind()?;
        out.take(SPOKEN_BYTES_MAX).read_to_end(&mut spoken)?;
    }
    Ok(spoken)
}

/// The word with what its names stand for; what stands in a text is not looked at again.
fn filled(word: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = word;
    while let Some((at, (name, value))) =
        values.iter().filter_map(|value| Some((rest.find(value.0)?, value))).min_by_key(|(at, _)| *at)
    {
        filled.push_str(&rest[..at]);
        filled.push_str(value);
        rest = &rest[at + name.len()..];
    }
    filled + rest
}

/// A file that has no name any more: it goes when it is closed.
fn unnamed(beside: &Path, what: &str) -> io::Result<File> {
    let path = beside.with_extension(what);
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn text_file(beside: &Path, text: &str) -> io::Result<File> {
    let mut file = unnamed(beside, "in")?;
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::media::prompts::{draft_text, write_wav};

    fn prompt(text: &str) -> Prompt {
        Prompt { name: Arc::from("main/a"), language: Arc::from("en"), text: Arc::from(text), step: None }
    }

    fn shell(script: &str) -> TextToSpeech {
        let command = ["sh", "-c", script, "speaker", "{text}", "{file}", "{voice}"];
        TextToSpeech {
            command: command.map(str::to_owned).to_vec(),
            timeout: Duration::from_secs(1),
            ..TextToSpeech::default()
        }
    }

    #[test]
    fn whatever_a_program_does_is_a_draft_or_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let sound = folder.path().join("sound");
        write_wav(&sound, &[900, -900].repeat(800)).expect("written");
        let run = |speech: &TextToSpeech| {
            let text = prompt("It's \"so\"; $(rm) {file}");
            render(folder.path(), &[&text], speech)
        };
        let path = draft_path(folder.path(), "en", "main/a");
        let (made, failures) = run(&shell(&format!("cp {} \"$2\"", sound.display())));
        assert_eq!((made, failures.len()), (1, 0), "{failures:?}");
        assert_eq!(draft_text(&path).as_deref(), Some("It's \"so\"; $(rm) {file}"));
        let mut piped = shell("");
        piped.command = ["sh", "-c", &format!("grep -q so && cat {}", sound.display())].map(str::to_owned).to_vec();
        assert_eq!(run(&piped).0, 1, "the text comes on standard input, the recording on standard output");
        for (script, why) in [
            ("echo no such voice >&2; exit 3", "`sh` ended with status 3: no such voice"),
            ("sleep 5", "took longer than 1 s"),
            ("echo hello > \"$2\"", "is not a WAV file"),
            ("true", "cannot be read"),
            ("kill -9 $$", "a signal"),
        ] {
            let (made, failures) = run(&shell(script));
            assert_eq!(made, 0);
            assert!(failures[0].1.to_string().contains(why), "{} and not {why}", failures[0].1);
        }
        let (made, failures) =
            run(&TextToSpeech { command: vec!["no-such-program".to_owned()], ..TextToSpeech::default() });
        assert!(made == 0 && told(&failures).contains("install Debian's espeak-ng"), "{failures:?}");
        let left: Vec<_> = std::fs::read_dir(path.parent().expect("a folder")).expect("it is there").collect();
        assert_eq!(left.len(), 1, "nothing but the draft is left: {left:?}");
    }

    #[test]
    fn names_are_filled_in_once() {
        assert_eq!(filled("-v{voice}:{text}", &[("{text}", "{voice}"), ("{voice}", "en")]), "-ven:{voice}");
    }
}
