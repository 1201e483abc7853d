//! The tone after which a message is recorded.

use std::f32::consts::TAU;
use std::sync::{Arc, LazyLock};

use crate::telephony::{Clip, Codec, PlaybackId};

use super::codecs;

/// The tone's own playback: those of the switchboard are numbered from 1.
pub(super) const PLAYBACK: PlaybackId = PlaybackId(0);

/// Samples of the tone and of the silence before it: 0.4 s after 0.2 s.
const TONE: usize = 3_200;
const BEFORE: usize = 1_600;
/// Samples in which it rises and falls, so that it does not click: 10 ms.
const EDGE: usize = 80;
/// As answering machines have it, in hertz: no key has it, and every telephone carries it.
const HERTZ: f32 = 1_000.0;
/// About as loud as speech.
const AMPLITUDE: f32 = 5_000.0;

/// The tone, the same for everybody.
pub(super) fn clip() -> Arc<Clip> {
    static CLIP: LazyLock<Arc<Clip>> = LazyLock::new(|| {
        let samples: Vec<i16> = (0..BEFORE + TONE).map(sample).collect();
        let encoded = |codec| samples.iter().map(|sample| codecs::encode(codec, *sample)).collect();
        Arc::new(Clip { pcmu: encoded(Codec::Pcmu), pcma: encoded(Codec::Pcma) })
    });
    CLIP.clone()
}

fn sample(place: usize) -> i16 {
    let Some(place) = place.checked_sub(BEFORE) else { return 0 };
    let edge = (place.min(TONE - 1 - place) as f32 / EDGE as f32).min(1.0);
    ((TAU * HERTZ * place as f32 / 8_000.0).sin() * AMPLITUDE * edge) as i16
}
