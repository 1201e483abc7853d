//! Keys pressed by callers, each press told once: as telephone-events where the caller's side sends them, and as tones in
//! the audio where it does not.

pub mod event;
pub mod inband;
pub mod keypad;

use std::time::Duration;

use crate::clock::Moment;
use crate::media::{codecs, rtp};
use crate::telephony::{Codec, Digit, DigitSource};

use event::EventReceiver;
use inband::ToneDetector;

/// An event of the key that the tones told this shortly before is the same press.
const SAME_PRESS: Duration = Duration::from_millis(500);
/// Samples decoded at a time: 20 ms.
const FRAME: usize = 160;
/// A gap in the audio up to this is a lost packet, and tones go on across it: 20 ms.
const GAP_BRIDGED: u32 = 160;
/// Of a longer gap, this much is heard as silence, which ends any tone: 100 ms.
const GAP_HEARD: u32 = 800;
/// A step in timestamps beyond this, in samples, is the sender's clock being set: 10 s.
const STEP_MAX: u32 = 80_000;

/// One caller's keys. One owner: a caller's side that sends telephone-events is not listened to for tones any more, for
/// both would tell of the same press.
#[derive(Default)]
pub struct Keys {
    events: EventReceiver,
    sends_events: bool,
    /// Only where tones are listened for: it is large.
    tones: Option<Box<Tones>>,
}

struct Tones {
    detector: ToneDetector,
    /// The timestamp that follows the audio heard so far.
    next: Option<u32>,
    told: Option<(Digit, Moment)>,
}

impl Keys {
    /// Keys of which none was pressed; `inband`: whether tones in the audio count.
    pub fn new(inband: bool) -> Keys {
        let mut keys = Keys::default();
        keys.change(inband, true);
        keys
    }

    /// The agreement has changed: whether tones count, and whether telephone-events may come.
    pub fn change(&mut self, inband: bool, events: bool) {
        if inband != self.tones.is_some() {
            self.tones = inband.then(|| Box::new(Tones { detector: ToneDetector::new(), next: None, told: None }));
        }
        self.sends_events &= events;
    }

    /// The last press that was told by a telephone-event.
    pub fn pressed(&self) -> Option<event::Pressed> {
        self.events.pressed()
    }

    /// Whether a key that was told by its tones is still down.
    pub fn tone_is_down(&self) -> bool {
        self.tones.as_ref().is_some_and(|tones| tones.detector.is_down())
    }

    /// Hears a telephone-event packet.
    pub fn receive_event(
        &mut self,
        now: Moment,
        header: &rtp::Header,
        payload: &[u8],
        tell: &mut impl FnMut(Digit, DigitSource),
    ) {
        let told = self.tones.as_mut().and_then(|tones| tones.told.take_if(|_| !self.sends_events));
        let sends_events = &mut self.sends_events;
        self.events.receive(now, header, payload, &mut |digit| {
            let same_press =
                !*sends_events && told.is_some_and(|(heard, at)| heard == digit && now.since(at) <= SAME_PRESS);
            *sends_events = true;
            if !same_press {
                tell(digit, DigitSource::Rtp);
            }
        });
    }

    /// Hears audio, and looks for tones in it where they count.
    #[inline]
    pub fn receive_audio(
        &mut self,
        now: Moment,
        header: &rtp::Header,
        codec: Codec,
        payload: &[u8],
        tell: &mut impl FnMut(Digit, DigitSource),
    ) {
        if let Some(tones) = &mut self.tones
            && !self.sends_events
        {
            tones.hear(now, header.timestamp, codec, payload, tell);
        }
    }
}

impl Tones {
    fn hear(
        &mut self,
        now: Moment,
        timestamp: u32,
        codec: Codec,
        payload: &[u8],
        tell: &mut impl FnMut(Digit, DigitSource),
    ) {
        let step = timestamp.wrapping_sub(self.next.unwrap_or(timestamp));
        if step > u32::MAX - STEP_MAX {
            return; // late or doubled: its place has gone by
        }
        let mut told = None;
        if step > GAP_BRIDGED {
            let mut left = step.min(GAP_HEARD) as usize;
            while left > 0 {
                let length = left.min(FRAME);
                told = told.or(self.detector.hear(&[0; FRAME][..length]));
                left -= length;
            }
        }
        for coded in payload.chunks(FRAME) {
            let mut samples = [0; FRAME];
            for (sample, byte) in samples.iter_mut().zip(coded) {
                *sample = codecs::decode(codec, *byte);
            }
            told = told.or(self.detector.hear(&samples[..coded.len()]));
        }
        self.next = Some(timestamp.wrapping_add(payload.len() as u32));
        if let Some(digit) = told {
            self.told = Some((digit, now));
            tell(digit, DigitSource::Inband);
        }
    }
}
