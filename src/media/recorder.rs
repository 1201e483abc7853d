//! What is recorded of a leg: what it says, evened out as over a bridge, and what it hears, cut into blocks for who writes
//! them. Silence stands where nothing is known, so that the tape is as long as it took.

mod level;

use std::time::Duration;

use crate::clock::Moment;
use crate::telephony::{Codec, Sides, TapeEnd, TapeId, TapeKind, TapeOrder, TapeReport};

use super::bridge::Voice;
use super::codecs;
use super::rtp::Header;
pub(super) use level::Level;

/// Samples of a block: half a second.
pub const BLOCK: usize = 4_000;
/// Samples of a frame, where no packet says how many: 20 ms.
const FRAME: usize = 160;
/// The longest packet, in samples: 60 ms.
const FRAME_MAX: usize = 480;
/// A turn that is so much later than the one before lasted has left a gap, in samples: 10 ms and a little.
const LATE: u64 = 88;
/// Of a message so much is heard before anything of it is written, in samples: 100 ms, a packet less than what is said waits
/// in the jitter buffer, so that no word is lost. The two sides of a conversation are to be abreast, and heard as they
/// would be over a bridge.
const HELD_BACK: u64 = 800;
/// Of what has arrived and is not written when a tape ends so much is taken, in samples: 400 ms.
const REST_MAX: usize = 3_200;
/// Of the silence that ends a tape so much is left, in samples: 1 s.
const SILENCE_LEFT: u64 = 8_000;
/// A conversation that is shorter holds nothing, in samples: 100 ms.
const CONVERSATION_LEAST: u64 = 800;

/// Half a second of a tape.
pub struct Block {
    /// The codec of both sides.
    pub codec: Codec,
    /// What the leg said.
    pub near: [u8; BLOCK],
    /// What it heard.
    pub far: [u8; BLOCK],
    /// As many samples are filled.
    pub length: usize,
    /// Samples before these that were lost.
    pub lost: u64,
}

impl Block {
    /// An empty one.
    pub fn boxed() -> Box<Block> {
        Box::new(Block { codec: Codec::Pcmu, near: [0; BLOCK], far: [0; BLOCK], length: 0, lost: 0 })
    }
}

/// The recording of one leg.
pub struct Recorder {
    tape: TapeId,
    kind: TapeKind,
    sides: Sides,
    codec: Codec,
    longest: u64,
    silence: Option<u64>,
    shortest: u64,
    voice: Voice,
    /// Samples that are still to be heard before the first is written.
    held_back: u64,
    level: Level,
    state: State,
    muted: bool,
    /// Samples so far.
    position: u64,
    /// Samples that could not be kept since the last block.
    lost: u64,
    lost_in_all: u64,
    /// Is being filled.
    block: Option<Box<Block>>,
    /// Follows it.
    spare: Option<Box<Block>>,
    /// Is to be written.
    full: Option<Box<Block>>,
}

enum State {
    /// The tone is heard before it begins.
    Tone,
    /// It runs since then; `None` until its first turn.
    Runs(Option<Moment>),
    /// It has ended, and waits to be kept or dropped.
    Ended(TapeReport),
}

fn voice(kind: TapeKind, codec: Codec, jitter: u32, seed: u64) -> Voice {
    match kind {
        TapeKind::Message => Voice::taped(codec, jitter, seed),
        TapeKind::Conversation => Voice::new(codec, jitter, seed),
    }
}

fn samples(length: Duration) -> u64 {
    (length.as_micros() / 125) as u64
}

impl Recorder {
    /// One that begins at once or, where the order says so, when the tone was heard. `jitter` is what is known of the
    /// leg's network, in samples.
    pub fn new(order: &TapeOrder, codec: Codec, jitter: u32, seed: u64) -> Recorder {
        Recorder {
            tape: order.tape,
            kind: order.kind,
            sides: order.sides,
            codec,
            longest: samples(order.longest),
            silence: order.silence.map(samples),
            shortest: samples(order.shortest),
            voice: voice(order.kind, codec, jitter, seed),
            held_back: if order.kind == TapeKind::Message { HELD_BACK } else { 0 },
            level: Level::default(),
            state: if order.tone { State::Tone } else { State::Runs(None) },
            muted: false,
            position: 0,
            lost: 0,
            lost_in_all: 0,
            block: None,
            spare: None,
            full: None,
        }
    }

    /// Its tape.
    pub fn tape(&self) -> TapeId {
        self.tape
    }

    /// What it is of.
    pub fn kind(&self) -> TapeKind {
        self.kind
    }

    /// Whether the tone has still to be heard.
    pub fn awaits_tone(&self) -> bool {
        matches!(self.state, State::Tone)
    }

    /// How it has ended, when it has.
    pub fn report(&self) -> Option<TapeReport> {
        match &self.state {
            State::Ended(report) => Some(*report),
            State::Tone | State::Runs(_) => None,
        }
    }

    /// The tone was heard, or is no longer.
    pub fn begin(&mut self) {
        if self.awaits_tone() {
            self.state = State::Runs(None);
        }
    }

    /// The leg's codec, by a new agreement. The tape's own stays as it is.
    pub fn set_codec(&mut self, codec: Codec) {
        self.voice.set_codec(codec);
    }

    /// Silence in place of all that is said, or no more: then nothing is heard that was said before.
    pub fn mute(&mut self, muted: bool, codec: Codec, jitter: u32, seed: u64) {
        if self.muted && !muted {
            self.voice = voice(self.kind, codec, jitter, seed);
        }
        self.muted = muted;
    }

    /// Hears a packet of audio.
    #[inline]
    pub fn receive(&mut self, arrival: Moment, header: &Header, payload: &[u8]) {
        self.voice.receive(arrival, header, payload, false);
    }

    /// Hears that no audio follows but noise.
    pub fn receive_noise(&mut self, header: &Header, payload: &[u8]) {
        self.voice.receive_noise(header, payload);
    }

    /// A turn of the leg at `now`, in which it was sent `far`, if it was sent audio. Tells how the tape has ended, when it
    /// has in this turn.
    pub fn turn(&mut self, now: Moment, far: Option<(Codec, &[u8])>) -> Option<TapeReport> {
        let State::Runs(since) = &mut self.state else { return None };
        let length = far.map_or(FRAME, |(_, far)| far.len().min(FRAME_MAX));
        if self.held_back > 0 {
            // Only so that the voice keeps its pace.
            self.voice.say(now, self.codec, &mut [0; FRAME_MAX][..length]);
            self.held_back = self.held_back.saturating_sub(length as u64);
            return None;
        }
        let due = samples(now.since(*since.get_or_insert(now)));
        if due < self.position && far.is_none() {
            return None;
        }
        if due > self.position + LATE {
            // A stall: what was said meanwhile is passed over by the jitter buffer, too.
            self.add_silence((due - self.position).min(self.longest.saturating_sub(self.position)));
        }
        let silence = codecs::silence(self.codec);
        let (mut near, mut heard) = ([silence; FRAME_MAX], [silence; FRAME_MAX]);
        self.voice.say(now, self.codec, &mut near[..length]);
        self.level.hear(self.codec, &near[..length]);
        if self.muted {
            near[..length].fill(silence);
        } else if let Some((codec, far)) = far
            && self.sides != Sides::Caller
        {
            for (heard, byte) in heard.iter_mut().zip(far) {
                *heard = codecs::transcode(codec, self.codec, *byte);
            }
        }
        self.add(&near[..length], &heard[..length]);
        let end = if self.position >= self.longest {
            TapeEnd::Longest
        } else if self.silence.is_some_and(|silence| self.level.silent() >= silence) {
            TapeEnd::Silence
        } else {
            return None;
        };
        self.end(end)
    }

    /// Ends the tape; `None` when it has ended before.
    pub fn end(&mut self, end: TapeEnd) -> Option<TapeReport> {
        if self.report().is_some() {
            return None;
        }
        if matches!(end, TapeEnd::Told | TapeEnd::Closed) && matches!(self.state, State::Runs(_)) && !self.muted {
            self.take_rest();
        }
        let trimmed = match end {
            TapeEnd::Silence => self.level.silent().saturating_sub(SILENCE_LEFT),
            _ => 0,
        };
        let length = self.position.saturating_sub(trimmed).min(self.longest);
        let empty = match self.kind {
            // Who hangs up cannot be asked to say it again: what they have said is kept however short it is.
            TapeKind::Message => {
                let short = end != TapeEnd::Closed && length < self.shortest;
                short || !self.level.has_speech()
            }
            TapeKind::Conversation => length < CONVERSATION_LEAST,
        };
        let duration = |samples: u64| Duration::from_micros(samples * 125);
        let report = TapeReport { end, length: duration(length), empty, lost: duration(self.lost_in_all) };
        self.state = State::Ended(report);
        Some(report)
    }

    /// What has arrived and is not heard yet.
    fn take_rest(&mut self) {
        let silence = [codecs::silence(self.codec); FRAME];
        for _ in 0..REST_MAX / FRAME {
            let mut rest = [0; FRAME];
            let length = self.voice.take_rest(self.codec, &mut rest);
            if length == 0 {
                return;
            }
            self.level.hear(self.codec, &rest[..length]);
            self.add(&rest[..length], &silence[..length]);
        }
    }

    fn add_silence(&mut self, count: u64) {
        let silence = [codecs::silence(self.codec); FRAME];
        let mut left = count;
        // What is longer than the spare block is told as a loss: who writes fills it up.
        if left > BLOCK as u64 {
            self.lose(left);
            self.position += left;
            self.level.hear_nothing(left);
            return;
        }
        while left > 0 {
            let length = (left as usize).min(FRAME);
            self.add(&silence[..length], &silence[..length]);
            left -= length as u64;
        }
        self.level.hear_nothing(count);
    }

    fn lose(&mut self, count: u64) {
        if let Some(block) = &mut self.block
            && block.length == 0
        {
            block.lost += count;
        } else {
            self.lost += count;
            // A block that has begun ends where the gap is.
            self.pass_on();
        }
        self.lost_in_all += count;
    }

    fn add(&mut self, near: &[u8], far: &[u8]) {
        self.position += near.len() as u64;
        let mut from = 0;
        while from < near.len() {
            if self.block.as_ref().is_some_and(|block| block.length == BLOCK) {
                self.pass_on();
            }
            let Some(block) = self.block.as_mut().filter(|block| block.length < BLOCK) else {
                let rest = (near.len() - from) as u64;
                self.lost += rest;
                self.lost_in_all += rest;
                return;
            };
            let length = (BLOCK - block.length).min(near.len() - from);
            let to = block.length..block.length + length;
            block.near[to.clone()].copy_from_slice(&near[from..from + length]);
            block.far[to].copy_from_slice(&far[from..from + length]);
            block.length += length;
            from += length;
            if block.length == BLOCK {
                self.pass_on();
            }
        }
    }

    /// The block that is filled is to be written, and the next one begins.
    fn pass_on(&mut self) {
        // Only one can wait here: who drives the leg takes it after each turn.
        if self.full.is_none() {
            self.full = self.block.take();
            if let Some(next) = self.spare.take() {
                self.put(next);
            }
        }
    }

    fn put(&mut self, mut block: Box<Block>) {
        block.codec = self.codec;
        block.length = 0;
        block.lost = std::mem::take(&mut self.lost);
        self.block = Some(block);
    }

    /// A block to be written, when there is one.
    pub fn take_full(&mut self) -> Option<Box<Block>> {
        self.full.take()
    }

    /// The blocks that it holds.
    pub fn blocks(&self) -> usize {
        [&self.block, &self.spare, &self.full].into_iter().flatten().count()
    }

    /// Whether it could use another block.
    pub fn wants_block(&self) -> bool {
        self.spare.is_none() && self.report().is_none()
    }

    /// Takes a block to be filled.
    pub fn give(&mut self, mut block: Box<Block>) {
        // Nothing of what it held before may be heard again.
        (block.length, block.lost) = (0, 0);
        if self.block.is_none() {
            self.put(block);
        } else {
            self.spare = Some(block);
        }
    }

    /// When it has ended: all its blocks, those with something in them first.
    pub fn take_all(&mut self) -> impl Iterator<Item = Box<Block>> {
        [self.full.take(), self.block.take(), self.spare.take()].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
