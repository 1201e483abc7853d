//! Plays recordings: one after another without a seam, in whichever codec is agreed at the moment.

use std::sync::Arc;

use crate::telephony::{Clip, Codec, PlaybackId};

use super::codecs;

/// What a leg is being played.
#[derive(Debug, Default)]
pub struct Player {
    playing: Option<Playing>,
}

#[derive(Debug)]
struct Playing {
    playback: PlaybackId,
    clips: Vec<Arc<Clip>>,
    repeat: bool,
    /// The clip that plays.
    clip: usize,
    /// The next sample of it, the same in every codec.
    sample: usize,
}

impl Player {
    /// Plays `clips` in place of whatever is playing.
    pub fn play(&mut self, playback: PlaybackId, clips: Vec<Arc<Clip>>, repeat: bool) {
        // Round and round nothing would never end.
        let repeat = repeat && clips.iter().any(|clip| !clip.pcmu.is_empty());
        self.playing = Some(Playing { playback, clips, repeat, clip: 0, sample: 0 });
    }

    /// Falls silent.
    pub fn stop(&mut self) {
        self.playing = None;
    }

    /// Whether anything is playing.
    #[inline]
    pub fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Fills `payload` with the next audio, and with silence where there is none. Tells the playback whose last sample
    /// is in it, once.
    pub fn fill(&mut self, codec: Codec, payload: &mut [u8]) -> Option<PlaybackId> {
        let mut filled = 0;
        if let Some(playing) = &mut self.playing {
            filled = playing.fill(codec, payload);
        }
        payload[filled..].fill(codecs::silence(codec));
        let ended = self.playing.take_if(|playing| playing.clip >= playing.clips.len())?;
        Some(ended.playback)
    }
}

impl Playing {
    /// Copies what is left of the clips, as far as there is room, and goes past clips that are used up.
    fn fill(&mut self, codec: Codec, payload: &mut [u8]) -> usize {
        let mut filled = 0;
        while let Some(clip) = self.clips.get(self.clip) {
            let audio = clip.encoded(codec);
            let rest = audio.get(self.sample..).unwrap_or_default();
            let length = rest.len().min(payload.len() - filled);
            payload[filled..][..length].copy_from_slice(&rest[..length]);
            filled += length;
            self.sample += length;
            if self.sample < audio.len() {
                break;
            }
            self.sample = 0;
            self.clip += 1;
            if self.repeat && self.clip == self.clips.len() {
                self.clip = 0;
            }
            if self.repeat && filled == payload.len() {
                break;
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(bytes: &[u8]) -> Arc<Clip> {
        let pcma = bytes.iter().map(|byte| byte + 100).collect();
        Arc::new(Clip { pcmu: bytes.into(), pcma })
    }

    /// Frames of four octets: what they hold, and after which one the playback is told.
    fn check(what: &str, clips: &[&[u8]], repeat: bool, frames: &[&[u8; 4]], ended: Option<usize>) {
        let mut player = Player::default();
        player.play(PlaybackId(7), clips.iter().map(|bytes| clip(bytes)).collect(), repeat);
        for (n, expected) in frames.iter().enumerate() {
            let mut payload = [0; 4];
            let told = player.fill(Codec::Pcmu, &mut payload);
            assert_eq!(&&payload, expected, "{what}, frame {n}");
            assert_eq!(told, (Some(n) == ended).then_some(PlaybackId(7)), "{what}, frame {n}");
        }
    }

    #[test]
    fn clips_are_joined() {
        let silence = &[0xff; 4];
        check("one", &[&[1, 2, 3, 4]], false, &[&[1, 2, 3, 4], silence], Some(0));
        check("two", &[&[1, 2, 3, 4], &[5, 6, 7, 8]], false, &[&[1, 2, 3, 4], &[5, 6, 7, 8], silence], Some(1));
        check(
            "over the frame",
            &[&[1, 2, 3], &[4, 5]],
            false,
            &[&[1, 2, 3, 4], &[5, 0xff, 0xff, 0xff], silence],
            Some(1),
        );
        check("many in a frame", &[&[1], &[2], &[3], &[4]], false, &[&[1, 2, 3, 4], silence], Some(0));
        check("round", &[&[1, 2, 3], &[4, 5]], true, &[&[1, 2, 3, 4], &[5, 1, 2, 3], &[4, 5, 1, 2]], None);
        check("nothing", &[], false, &[silence, silence], Some(0));
        check("nothing round and round", &[&[]], true, &[silence, silence], Some(0));
        check(
            "an empty one between",
            &[&[1, 2], &[], &[3, 4, 5]],
            false,
            &[&[1, 2, 3, 4], &[5, 0xff, 0xff, 0xff]],
            Some(1),
        );
    }

    #[test]
    fn another_codec_goes_on_at_the_same_sample() {
        let mut player = Player::default();
        player.play(PlaybackId(1), vec![clip(&[1, 2, 3, 4, 5, 6, 7, 8])], false);
        let mut payload = [0; 4];
        assert_eq!(player.fill(Codec::Pcmu, &mut payload), None);
        assert_eq!(player.fill(Codec::Pcma, &mut payload), Some(PlaybackId(1)));
        assert_eq!(payload, [105, 106, 107, 108]);
    }

    #[test]
    fn what_is_stopped_or_replaced_is_never_told() {
        let mut player = Player::default();
        let mut payload = [0; 4];
        player.play(PlaybackId(1), vec![clip(&[1, 2, 3, 4, 5])], false);
        player.fill(Codec::Pcmu, &mut payload);
        player.play(PlaybackId(2), vec![clip(&[9, 9])], false);
        assert_eq!(player.fill(Codec::Pcmu, &mut payload), Some(PlaybackId(2)));
        assert_eq!(payload, [9, 9, 0xff, 0xff]);
        player.play(PlaybackId(3), vec![clip(&[9])], false);
        player.stop();
        assert_eq!(player.fill(Codec::Pcmu, &mut payload), None);
        assert_eq!(payload, [0xff; 4]);
    }
}
