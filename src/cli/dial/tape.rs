//! What is heard, kept for a WAV file: every packet at the place that its timestamp tells.

use crate::media::codecs;
use crate::media::rtp::Header;
use crate::telephony::Codec;

/// Samples kept at most: an hour.
const SAMPLES_MAX: usize = 3_600 * 8_000;
/// A step in timestamps beyond this is a clock that was set, and what follows is joined on: 10 s.
const STEP_MAX: usize = 80_000;

/// A recording in the making, 8,000 samples a second.
#[derive(Debug, Default)]
pub struct Tape {
    samples: Vec<i16>,
    /// The stream, and the timestamp that stands for its `start`.
    stream: Option<(u32, u32, usize)>,
}

impl Tape {
    /// Lays an audio packet where it belongs; what was lost stays silent.
    pub fn receive(&mut self, header: &Header, codec: Codec, payload: &[u8]) {
        let place = match self.stream {
            Some((ssrc, origin, start)) if ssrc == header.ssrc => {
                let place = i64::from(header.timestamp.wrapping_sub(origin) as i32) + start as i64;
                usize::try_from(place).ok().filter(|place| *place <= self.samples.len() + STEP_MAX)
            }
            _ => None,
        };
        let place = place.unwrap_or_else(|| {
            self.stream = Some((header.ssrc, header.timestamp, self.samples.len()));
            self.samples.len()
        });
        let end = place + payload.len();
        if end > SAMPLES_MAX {
            return;
        }
        if end > self.samples.len() {
            self.samples.resize(end, 0);
        }
        for (sample, byte) in self.samples[place..end].iter_mut().zip(payload) {
            *sample = codecs::decode(codec, *byte);
        }
    }

    /// All of it.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_lie_where_their_timestamps_tell() {
        let check = |packets: &[(u32, u32, u8)], expected: &str| {
            let mut tape = Tape::default();
            for (ssrc, timestamp, byte) in packets {
                let header = Header { marker: false, payload_type: 0, sequence: 0, timestamp: *timestamp, ssrc: *ssrc };
                tape.receive(&header, Codec::Pcmu, &[*byte; 2]);
            }
            let shown: String = tape.samples().iter().map(|sample| if *sample == 0 { '.' } else { 'x' }).collect();
            assert_eq!(shown, expected, "{packets:?}");
        };
        check(&[], "");
        check(&[(1, 10, 0), (1, 12, 0)], "xxxx");
        check(&[(1, 10, 0), (1, 14, 0)], "xx..xx");
        check(&[(1, 10, 0), (1, 14, 0), (1, 12, 0)], "xxxxxx");
        check(&[(1, u32::MAX - 1, 0), (1, 2, 0)], "xx..xx");
        check(&[(1, 10, 0), (1, 10_000_000, 0), (1, 10_000_002, 255)], "xxxx..");
        check(&[(1, 10, 0), (2, 90, 0), (2, 94, 0)], "xxxx..xx");
        check(&[(1, 10, 0), (1, 2, 0)], "xxxx");
    }
}
