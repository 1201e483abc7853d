//! Plays recordings: one after another without a seam, in whichever codec is agreed at the moment. What is cut off in the
//! middle of a word fades out over 5 ms, below what follows it, since a hard cut is heard as a click.

use std::sync::Arc;

use crate::telephony::{Clip, Codec, PlaybackId};

use super::codecs;

/// What a leg is being played.
#[derive(Debug, Default)]
pub struct Player {
    playing: Option<Playing>,
    fading: Fading,
    /// Where hold music was left.
    left: Option<Left>,
}

/// A point of hold music.
#[derive(Debug)]
struct Left {
    recording: Arc<Clip>,
    /// Its place among the clips.
    clip: usize,
    sample: usize,
}

/// Samples over which something fades: 5 ms.
const FADE: usize = 40;

/// What would have been played next of a recording that was cut off.
#[derive(Debug)]
struct Fading {
    pcmu: [u8; FADE],
    length: u8,
    /// As many of them were played.
    played: u8,
}

impl Default for Fading {
    fn default() -> Fading {
        Fading { pcmu: [codecs::silence(Codec::Pcmu); FADE], length: 0, played: 0 }
    }
}

#[derive(Debug)]
struct Playing {
    /// `None`: hold music.
    playback: Option<PlaybackId>,
    clips: Vec<Arc<Clip>>,
    repeat: bool,
    /// Where it is follows from the time, once that is known.
    together: Option<Together>,
    /// Samples that have risen out of silence; [`FADE`] where it began at a beginning.
    risen: usize,
    /// The clip that plays.
    clip: usize,
    /// The next sample of it, the same in every codec.
    sample: usize,
}

impl Player {
    /// Plays `clips` in place of whatever is playing.
    pub fn play(&mut self, playback: PlaybackId, clips: Vec<Arc<Clip>>, repeat: bool) {
        self.cut_off();
        // Round and round nothing would never end.
        let repeat = repeat && clips.iter().any(|clip| !clip.pcmu.is_empty());
        let (playback, together) = (Some(playback), None);
        self.playing = Some(Playing { playback, clips, repeat, together, risen: FADE, clip: 0, sample: 0 });
    }

    /// Plays hold music in place of whatever is playing: where it was left, if it is the same, or, `together` with all
    /// others who hear it so, where these are.
    pub fn music(&mut self, clips: Vec<Arc<Clip>>, together: bool) {
        self.cut_off();
        let repeat = clips.iter().any(|clip| !clip.pcmu.is_empty());
        let left = self
            .left
            .take()
            .filter(|left| !together && clips.get(left.clip).is_some_and(|clip| Arc::ptr_eq(clip, &left.recording)));
        let (clip, sample) = left.map_or((0, 0), |left| (left.clip, left.sample));
        let risen = if (clip, sample) == (0, 0) { FADE } else { 0 };
        let together = together.then_some(Together::Sought);
        self.playing = Some(Playing { playback: None, clips, repeat, together, risen, clip, sample });
    }

    /// What is filled next begins at this sample of the common time; `follows` tells that it follows the last without a
    /// gap. Music that all hear together is sought there.
    #[inline]
    pub fn align(&mut self, time: u64, follows: bool) {
        if let Some(playing) = &mut self.playing
            && let Some(together) = playing.together
            && (together == Together::Sought || !follows)
        {
            playing.seek(time);
        }
    }

    /// Falls silent.
    pub fn stop(&mut self) {
        self.cut_off();
        self.playing = None;
    }

    fn cut_off(&mut self) {
        // Only what was heard can be heard to end: what was replaced before its first sample leaves no trace, and what
        // was fading before it goes on to.
        let Some(playing) = self.playing.take().filter(Playing::has_begun) else { return };
        if playing.playback.is_none()
            && let Some(recording) = playing.clips.get(playing.clip)
        {
            let (recording, clip, sample) = (recording.clone(), playing.clip, playing.sample);
            self.left = Some(Left { recording, clip, sample });
        }
        let rest = playing.clips.get(playing.clip).and_then(|clip| clip.pcmu.get(playing.sample..)).unwrap_or_default();
        let length = rest.len().min(FADE);
        self.fading.pcmu[..length].copy_from_slice(&rest[..length]);
        (self.fading.length, self.fading.played) = (length as u8, 0);
    }

    /// Whether anything is playing.
    #[inline]
    pub fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Adds to `payload` what fades of a recording that was cut off.
    #[inline]
    pub fn fade(&mut self, codec: Codec, payload: &mut [u8]) {
        self.fading.fill(codec, payload);
    }

    /// Fills `payload` with the next audio, and with silence where there is none. Tells the playback whose last sample
    /// is in it, once.
    pub fn fill(&mut self, codec: Codec, payload: &mut [u8]) -> Option<PlaybackId> {
        let mut filled = 0;
        if let Some(playing) = &mut self.playing {
            filled = playing.fill(codec, payload);
        }
        payload[filled..].fill(codecs::silence(codec));
        self.fade(codec, payload);
        let ended = self.playing.take_if(|playing| playing.clip >= playing.clips.len())?;
        ended.playback
    }
}

/// Whether music that is heard together is where the others are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Together {
    Sought,
    Found,
}

impl Fading {
    /// Adds what fades to what is in `payload`.
    fn fill(&mut self, codec: Codec, payload: &mut [u8]) {
        let (played, length) = (usize::from(self.played), usize::from(self.length));
        for (place, byte) in payload.iter_mut().take(length - played).enumerate() {
            let at = played + place;
            let faded = i32::from(codecs::decode(Codec::Pcmu, self.pcmu[at])) * (FADE - at) as i32 / (FADE + 1) as i32;
            let sum = i32::from(codecs::decode(codec, *byte)) + faded;
            *byte = codecs::encode(codec, sum.clamp(i16::MIN.into(), i16::MAX.into()) as i16);
            self.played += 1;
        }
    }
}

impl Playing {
    fn has_begun(&self) -> bool {
        self.clip > 0 || self.sample > 0
    }

    /// Goes to where all are at this sample of the common time.
    fn seek(&mut self, time: u64) {
        let length: u64 = self.clips.iter().map(|clip| clip.pcmu.len() as u64).sum();
        let mut rest = time.checked_rem(length).unwrap_or(0) as usize;
        self.clip = 0;
        while let Some(clip) = self.clips.get(self.clip).filter(|clip| clip.pcmu.len() <= rest) {
            rest -= clip.pcmu.len();
            self.clip += 1;
        }
        self.sample = rest;
        self.together = Some(Together::Found);
        self.risen = 0;
    }

    /// Copies what is left of the clips, as far as there is room, and goes past clips that are used up. What begins in the
    /// middle rises out of silence, since a hard beginning is heard as a click.
    fn fill(&mut self, codec: Codec, payload: &mut [u8]) -> usize {
        let filled = self.copy(codec, payload);
        for byte in payload[..filled].iter_mut().take(FADE - self.risen) {
            self.risen += 1;
            let sample = i32::from(codecs::decode(codec, *byte)) * self.risen as i32 / (FADE + 1) as i32;
            *byte = codecs::encode(codec, sample as i16);
        }
        filled
    }

    fn copy(&mut self, codec: Codec, payload: &mut [u8]) -> usize {
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
        // Nothing is left of the first to fade.
        player.play(PlaybackId(1), vec![clip(&[1, 2, 3, 4]), clip(&[])], false);
        player.playing.as_mut().expect("it plays").repeat = true;
        player.fill(Codec::Pcmu, &mut payload);
        player.play(PlaybackId(2), vec![clip(&[9, 9])], false);
        assert_eq!(player.fill(Codec::Pcmu, &mut payload), Some(PlaybackId(2)));
        assert_eq!(payload, [9, 9, 0xff, 0xff]);
        player.play(PlaybackId(3), vec![clip(&[9])], false);
        player.stop();
        assert_eq!(player.fill(Codec::Pcmu, &mut payload), None);
        assert_eq!(payload, [0xff; 4]);
    }

    /// What is heard from the third frame of 10 ms on when a loud tone is cut off after the second.
    fn cut(codec: Codec, cut: impl FnOnce(&mut Player)) -> Vec<i16> {
        let sample = |n: usize| (20_000.0 * (n as f64 * 0.35).cos()) as i16;
        let tone = |codec| (0..4_000).map(|n| codecs::encode(codec, sample(n))).collect();
        let loud = Arc::new(Clip { pcmu: tone(Codec::Pcmu), pcma: tone(Codec::Pcma) });
        let mut player = Player::default();
        player.play(PlaybackId(1), vec![loud], false);
        let mut payload = [0; 80];
        player.fill(codec, &mut payload);
        player.fill(codec, &mut payload);
        cut(&mut player);
        let mut heard = Vec::new();
        for _ in 0..3 {
            player.fill(codec, &mut payload);
            heard.extend(payload.map(|byte| codecs::decode(codec, byte)));
        }
        heard
    }

    /// The next frame of 40 samples.
    fn frame(player: &mut Player) -> [u8; FADE] {
        let mut payload = [0; FADE];
        assert_eq!(player.fill(Codec::Pcmu, &mut payload), None);
        payload
    }

    /// Clips of 100 samples each, every one another.
    fn tune(from: u8) -> Vec<Arc<Clip>> {
        [from, from + 50].into_iter().map(|from| clip(&(from..from + 100).collect::<Vec<u8>>())).collect()
    }

    #[test]
    fn music_goes_on_where_it_was_left() {
        let (music, other) = (tune(0), tune(1));
        let mut player = Player::default();
        player.music(music.clone(), false);
        let mut heard = 0;
        for _ in 0..3 {
            frame(&mut player);
            heard += FADE;
        }
        // An announcement, silence and the greeting of the next queue: the tune waits meanwhile.
        player.play(PlaybackId(1), vec![clip(&[1; 10])], false);
        player.fill(Codec::Pcmu, &mut [0; FADE]);
        player.stop();
        frame(&mut player);
        player.music(music.clone(), false);
        let at = player.playing.as_ref().map(|playing| (playing.clip, playing.sample));
        assert_eq!(at, Some((1, heard - 100)));
        // It rises from nothing, so that nothing clicks.
        let rising = frame(&mut player).map(|byte| codecs::decode(Codec::Pcmu, byte).unsigned_abs());
        let plain = music[1].pcmu[20..].iter().map(|byte| codecs::decode(Codec::Pcmu, *byte).unsigned_abs());
        assert!(rising[0] < 1_000 && rising.iter().zip(plain).all(|(rising, plain)| *rising <= plain), "{rising:?}");
        assert_eq!(frame(&mut player)[..], tune(0)[1].pcmu[60..100]);
        // Another tune begins at its beginning.
        player.music(other, false);
        assert_eq!(player.playing.as_ref().map(|playing| (playing.clip, playing.sample)), Some((0, 0)));
        player.music(Vec::new(), false);
        frame(&mut player);
    }

    #[test]
    fn together_all_hear_the_same_moment() {
        let music = tune(0);
        let sample = |time: u64| music[(time % 200 / 100) as usize].pcmu[(time % 100) as usize];
        let mut players = [Player::default(), Player::default(), Player::default()];
        let mut time = 12_345;
        for frame_number in 0..40 {
            for (number, player) in players.iter_mut().enumerate() {
                // They come one after another, one misses a while, and one hears something else meanwhile.
                let misses = number == 1 && (20..23).contains(&frame_number);
                if frame_number == number * 7 {
                    player.music(music.clone(), true);
                }
                if number == 2 && frame_number == 25 {
                    player.play(PlaybackId(1), vec![clip(&[9; 30])], false);
                }
                if number == 2 && frame_number == 28 {
                    player.music(music.clone(), true);
                }
                if misses || frame_number < number * 7 {
                    continue;
                }
                player.align(time, !(number == 1 && frame_number == 23));
                let mut heard = [0; FADE];
                player.fill(Codec::Pcmu, &mut heard);
                let risen = player.playing.as_ref().is_some_and(|playing| playing.together.is_some());
                let fresh = [number * 7, 23, 28].contains(&frame_number) || number == 2 && frame_number == 25;
                if risen && !fresh {
                    let expected: Vec<u8> = (time..time + FADE as u64).map(sample).collect();
                    assert_eq!(heard[..], expected, "player {number} in frame {frame_number}");
                }
            }
            time += FADE as u64;
        }
    }

    #[test]
    fn what_is_cut_off_fades() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let silence = codecs::decode(codec, codecs::silence(codec));
            let mut ends: Vec<Vec<i16>> = Vec::new();
            ends.push(cut(codec, Player::stop));
            ends.push(cut(codec, |player| player.play(PlaybackId(2), Vec::new(), false)));
            ends.push(cut(codec, |player| {
                player.stop();
                player.play(PlaybackId(2), vec![Arc::new(Clip { pcmu: [1; 99].into(), pcma: [1; 99].into() })], false);
                player.stop();
            }));
            for heard in ends {
                assert!(heard[0].unsigned_abs() > 10_000, "it goes on at first: {:?}", &heard[..FADE]);
                for (n, sample) in heard[..FADE].iter().enumerate() {
                    let most = 20_600 * (FADE - n) / FADE;
                    assert!(usize::from(sample.unsigned_abs()) <= most + 100, "{n}: {:?}", &heard[..FADE]);
                }
                assert!(heard[FADE - 1].abs() < 600 && heard[FADE..].iter().all(|sample| *sample == silence));
            }
        }
    }

    #[test]
    fn what_follows_is_heard_above_what_fades() {
        let quiet: Arc<Clip> = Arc::new(Clip { pcmu: [0xff; 800].into(), pcma: [0xd5; 800].into() });
        let replaced = cut(Codec::Pcmu, |player| player.play(PlaybackId(2), vec![quiet], false));
        assert_eq!(replaced, cut(Codec::Pcmu, Player::stop));
        let mut loud = vec![codecs::encode(Codec::Pcmu, 32_000); 200];
        loud[FADE..].fill(codecs::encode(Codec::Pcmu, 8_000));
        let loud = Arc::new(Clip { pcma: loud.clone().into(), pcmu: loud.into() });
        let heard = cut(Codec::Pcmu, |player| player.play(PlaybackId(2), vec![loud], false));
        assert!(heard[..FADE].iter().all(|sample| *sample > 10_000), "no sum goes round");
        assert!(heard[FADE..200].iter().all(|sample| (7_800..8_200).contains(sample)));
    }

    #[test]
    fn what_is_cut_off_fades_below_what_others_say() {
        let mut player = Player::default();
        player.play(PlaybackId(1), vec![clip(&[0x10; 400])], false);
        player.fill(Codec::Pcmu, &mut [0; 160]);
        player.stop();
        let silence = [codecs::silence(Codec::Pcmu); 160];
        let mut heard = silence;
        player.fade(Codec::Pcmu, &mut heard);
        assert!(heard[..FADE / 2] != silence[..FADE / 2] && heard[FADE..] == silence[FADE..]);
        heard = silence;
        player.fade(Codec::Pcmu, &mut heard);
        assert_eq!(heard, silence);
    }
}
