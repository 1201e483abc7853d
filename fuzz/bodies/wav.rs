//! A WAV file from anywhere: read or refused, never a panic, and no more memory than its own bytes account for.

use std::io::Cursor;

use helpline::media::prompts::{PromptFault, clip_from, decode_wav};

/// Reads `data` as a WAV file and, when it is a short one, makes a clip of it.
pub fn run(data: &[u8]) {
    match decode_wav(Cursor::new(data)) {
        Ok(recording) => {
            assert!(recording.samples.len() <= data.len(), "more samples than bytes");
            assert!(recording.samples.iter().all(|sample| sample.is_finite()), "a sample is no number");
            // A filter for an odd rate takes its time; a fuzzer has better things to do with long files.
            if recording.samples.len() <= 4_096 && recording.rate_hz % 1_000 == 0 {
                let clip = clip_from(Cursor::new(data)).expect("it was read before");
                assert_eq!(clip.pcmu.len(), clip.pcma.len());
            }
        }
        Err(PromptFault::Unwritable(_)) => unreachable!("nothing is written"),
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}
