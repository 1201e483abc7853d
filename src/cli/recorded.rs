//! How long recordings are, for calls in virtual time.

use std::path::Path;
use std::time::Duration;

use crate::flow::Prompt;
use crate::media::prompts::recording_path;

/// How long a recording is; nothing when there is none that can be read.
pub(super) fn length(folder: &Path, prompt: &Prompt) -> Option<Duration> {
    let recording = hound::WavReader::open(recording_path(folder, &prompt.language, &prompt.name)).ok()?;
    let samples = f64::from(recording.duration());
    Duration::try_from_secs_f64(samples / f64::from(recording.spec().sample_rate)).ok()
}
