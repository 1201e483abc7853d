//! The adaptive jitter buffer: packets of G.711 in, as the network delivers them; a steady flow of samples out.
//!
//! It is a ring of samples in which each packet has its place by its timestamp, so that order, length and doubles of
//! packets do not matter. Samples are taken at the pace of the clock; what the buffer decides is only how long after its
//! arrival a sample is taken. That follows the times at which packets of the last seconds would have been in time:
//! it grows at once, and shrinks only in quiet passages or by whole periods of the voice.

use crate::clock::Moment;
use crate::telephony::Codec;

use super::codecs;
use super::rtp::Header;

/// Samples that the ring holds: 512 ms, the past included.
const RING: usize = 4_096;
/// Of these, the past: what was taken already.
const PAST: usize = 1_024;
/// A packet with more samples is no audio of a telephone: 120 ms.
const PACKET_MAX: usize = 960;
/// Packets whose delays are remembered: 5 s of 20 ms each.
const WINDOW: usize = 256;
/// One in so many packets may come too late, if it is much later than the others.
const TOO_LATE_ONE_IN: usize = 64;
/// A packet is to be there so many samples before it is needed: 2 ms.
const GUARD: i32 = 16;
/// With less than this, the delay grows whatever is being said: 0.5 ms.
const GUARD_MIN: i32 = 4;
/// The delay shrinks when there is so much more to spare: 5 ms, so that it does not sway.
const SPARE: i32 = 40;
/// The greatest delay on account of jitter: 200 ms.
const DELAY_MAX: i32 = 1_600;
/// While fewer packets than this were heard, what was known of the jitter before counts as well.
const KNOWN_AFTER: usize = 16;
/// How often the delay is thought over: every 0.5 s.
const REVIEW_INTERVAL: u32 = 4_000;
/// How long to wait for a quiet passage before the voice itself is shortened: 1 s.
const PATIENCE: u32 = 8_000;
/// Between two cuts: 100 ms.
const CUT_INTERVAL: u32 = 800;
/// Samples over which a cut fades: 10 ms.
pub const FADE: usize = 80;
/// Periods of the voice that may be cut out, in samples.
const LAG_MIN: usize = 20;
const LAG_MAX: usize = 160;
/// How like each other the ends of a cut must be, as a correlation of 0 to 1.
const LIKENESS_MIN: f32 = 0.8;
/// A passage whose mean magnitude is below this is quiet: about -46 dB of the loudest.
const QUIET: i32 = 160;
/// A timestamp that is off by more than this, in samples, from what both the clock and the sequence say: a jump, 60 ms.
const JUMP: i32 = 480;

/// The jitter buffer of one direction.
pub struct JitterBuffer {
    codec: Codec,
    ring: [u8; RING],
    /// A bit a sample: whether it arrived.
    present: [u64; RING / 64],
    last: Option<Last>,
    /// The end of the newest audio; what is beyond it in the ring is of long ago.
    newest: u32,
    arrivals: [Arrival; WINDOW],
    heard: usize,
    /// What is known of the jitter from before: the delay that it wants beyond the least, in samples.
    jitter: i32,
    /// The next sample to take.
    position: u32,
    taken: Option<Taken>,
    review_at: u32,
    want: Want,
    /// Since when the delay is to shrink.
    shrinks_since: u32,
    /// Before this nothing more is cut.
    cut_after: u32,
    /// How many samples directly before the position were made up.
    made_up: u32,
}

/// The packet that is the furthest on in sequence.
#[derive(Clone, Copy)]
struct Last {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    length: u32,
    at: u32,
}

#[derive(Clone, Copy)]
struct Arrival {
    timestamp: u32,
    /// When it came less its timestamp: the network's delay, but for a constant.
    transit: u32,
}

/// The last time that samples were taken.
#[derive(Clone, Copy)]
struct Taken {
    at: u32,
    samples: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Nothing,
    /// … so many samples more of delay, and whether that may wait for a quiet passage.
    Grow {
        by: u32,
        may_wait: bool,
    },
    Shrink {
        by: u32,
    },
}

/// What to do before the next samples are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Audio was passed over, since nobody took it.
    pub skipped: bool,
    /// How the delay changes.
    pub change: Change,
}

/// How the delay changes at this point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Not at all.
    None,
    /// So many samples are to be made up.
    Insert(usize),
    /// After the next [`FADE`] samples, which are to fade into those that follow what is cut: the number of samples cut.
    Cut(usize),
}

/// What is next in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// So many samples that arrived.
    Heard(usize),
    /// So many that are missing.
    Missing(usize),
}

/// The time of `moment` in samples, and round.
fn samples(moment: Moment) -> u32 {
    (moment.as_micros() / 125) as u32
}

/// By how much `a` is ahead of `b`.
fn ahead(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b) as i32
}

impl JitterBuffer {
    /// An empty buffer. `jitter` is what is known of it already, in samples: of the delay beyond the least, nearly all
    /// packets have less.
    pub fn new(codec: Codec, jitter: u32) -> JitterBuffer {
        JitterBuffer {
            codec,
            ring: [codecs::silence(codec); RING],
            present: [0; RING / 64],
            last: None,
            newest: 0,
            arrivals: [Arrival { timestamp: 0, transit: 0 }; WINDOW],
            heard: 0,
            jitter: (jitter as i32).clamp(0, DELAY_MAX),
            position: 0,
            taken: None,
            review_at: 0,
            want: Want::Nothing,
            shrinks_since: 0,
            cut_after: 0,
            made_up: 0,
        }
    }

    /// The codec of what is in it.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The codec has changed: all that waits is forgotten.
    pub fn set_codec(&mut self, codec: Codec) {
        self.codec = codec;
        self.forget();
    }

    /// The timestamp of the next sample to take.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// How long after the arrival of the quickest packets their first samples are taken, in samples: what the buffer adds.
    pub fn delay(&self) -> Option<u32> {
        let taken = self.taken?;
        let next = taken.at.wrapping_add(taken.samples);
        let offset = next.wrapping_sub(self.position);
        let longest = self.known().iter().map(|arrival| ahead(offset, arrival.transit)).max()?;
        Some(longest.max(0) as u32)
    }

    /// Hears a packet.
    pub fn receive(&mut self, arrival: Moment, header: &Header, payload: &[u8]) {
        if payload.is_empty() || payload.len() > PACKET_MAX {
            return;
        }
        let at = samples(arrival);
        let Header { ssrc, sequence, timestamp, .. } = *header;
        let heard = Last { ssrc, sequence, timestamp, length: payload.len() as u32, at };
        match self.last {
            Some(last) if last.is_followed_by(&heard) => {
                if sequence.wrapping_sub(last.sequence) < 0x8000 {
                    self.last = Some(heard);
                }
            }
            _ => self.anchor(heard),
        }
        self.arrivals[self.heard % WINDOW] = Arrival { timestamp, transit: at.wrapping_sub(timestamp) };
        // The count goes round in such a way that a full window stays one.
        self.heard = if self.heard + 1 == 2 * WINDOW { WINDOW } else { self.heard + 1 };
        self.store(timestamp, payload);
        if let Some(taken) = self.taken.filter(|_| ahead(self.position, timestamp) > 0) {
            // Too late: that is thought over before anything else is taken.
            self.review_at = taken.at;
        }
    }

    /// Begins anew with a packet that has nothing to do with those before.
    fn anchor(&mut self, first: Last) {
        if let Some(jitter) = self.spread() {
            self.jitter = jitter;
        }
        self.forget();
        self.last = Some(first);
        self.newest = first.timestamp;
    }

    fn forget(&mut self) {
        self.ring.fill(codecs::silence(self.codec));
        self.present.fill(0);
        self.last = None;
        self.heard = 0;
        self.taken = None;
        self.want = Want::Nothing;
    }

    /// The delay beyond the least that the packets known want, in samples, once enough are known.
    fn spread(&self) -> Option<i32> {
        let reference = self.known().first()?.transit;
        let least = self.known().iter().map(|arrival| ahead(arrival.transit, reference)).min()?;
        let wanted = self.needed(reference, 0, 1);
        (self.known().len() >= KNOWN_AFTER).then_some((wanted - least).clamp(0, DELAY_MAX))
    }

    /// Puts a packet in its place.
    fn store(&mut self, timestamp: u32, payload: &[u8]) {
        let end = timestamp.wrapping_add(payload.len() as u32);
        let gap = ahead(timestamp, self.newest);
        if gap > 0 {
            self.clear(self.newest, (gap as usize).min(RING));
        }
        if ahead(end, self.newest) > 0 {
            self.newest = end;
        } else if ahead(self.newest, timestamp) > RING as i32 {
            return; // of long ago
        }
        let start = timestamp as usize % RING;
        let first = payload.len().min(RING - start);
        self.ring[start..start + first].copy_from_slice(&payload[..first]);
        self.ring[..payload.len() - first].copy_from_slice(&payload[first..]);
        self.mark(timestamp, payload.len(), true);
        // What waits for longer than the ring can hold is passed over.
        if self.taken.is_some() && ahead(self.newest, self.position) > (RING - PAST) as i32 {
            self.taken = None;
        }
    }

    /// Nothing has arrived there; what was made up in its place is kept.
    fn clear(&mut self, from: u32, length: usize) {
        self.mark(from, length, false);
        let made_up = if self.taken.is_some() { ahead(self.position, from).max(0) as usize } else { 0 };
        if made_up < length {
            let silence = codecs::silence(self.codec);
            self.write(from.wrapping_add(made_up as u32), length - made_up, std::iter::repeat(silence));
        }
    }

    fn write(&mut self, from: u32, length: usize, bytes: impl Iterator<Item = u8>) {
        let start = from as usize % RING;
        let first = length.min(RING - start);
        let (low, high) = self.ring.split_at_mut(start);
        for (place, byte) in high[..first].iter_mut().chain(&mut low[..length - first]).zip(bytes) {
            *place = byte;
        }
    }

    /// Sets the bits of `length` samples, a word at a time.
    fn mark(&mut self, from: u32, length: usize, arrived: bool) {
        let mut place = from as usize % RING;
        let mut left = length;
        while left > 0 {
            let bit = place % 64;
            let count = left.min(64 - bit);
            let mask = (u64::MAX >> (64 - count)) << bit;
            let word = &mut self.present[place / 64];
            *word = if arrived { *word | mask } else { *word & !mask };
            place = (place + count) % RING;
            left -= count;
        }
    }

    /// Prepares to take `frame` samples at `now`: at the pace of the clock, each frame's time after the one before.
    pub fn step(&mut self, now: Moment, frame: usize) -> Step {
        let at = samples(now);
        let mut step = Step { skipped: false, change: Change::None };
        if self.last.is_none() {
            return step;
        }
        if let Some(taken) = self.taken {
            let missed = ahead(at, taken.at.wrapping_add(taken.samples));
            let unit = frame.min(160) as i32;
            if missed > (RING - PAST) as i32 {
                self.taken = None;
            } else if missed >= unit / 2 {
                self.position = self.position.wrapping_add((((missed + unit / 2) / unit) * unit) as u32);
                self.made_up = 0;
                step.skipped = true;
            }
        }
        if self.taken.is_none() {
            self.made_up = 0;
            step.skipped = true;
            self.position = self.best(at, frame as u32, GUARD);
            self.review_at = at.wrapping_add(REVIEW_INTERVAL);
            self.want = Want::Nothing;
        } else if ahead(at, self.review_at) >= 0 {
            self.review(at, frame as u32);
        }
        self.taken = Some(Taken { at, samples: frame as u32 });
        step.change = match self.want {
            Want::Nothing => Change::None,
            Want::Grow { by, may_wait } => self.grow(at, frame, by, may_wait),
            Want::Shrink { by } => self.shrink(at, frame, by),
        };
        step
    }

    /// Thinks the delay over.
    fn review(&mut self, at: u32, frame: u32) {
        self.review_at = at.wrapping_add(REVIEW_INTERVAL);
        let short_of = |guard| ahead(self.position, self.best(at, frame, guard));
        let (urgent, short, spare) = (short_of(GUARD_MIN), short_of(GUARD), -short_of(GUARD + SPARE));
        let want = if short > 0 {
            Want::Grow { by: short as u32, may_wait: urgent <= 0 }
        } else if spare > 0 {
            if !matches!(self.want, Want::Shrink { .. }) {
                self.shrinks_since = at;
            }
            Want::Shrink { by: spare as u32 }
        } else {
            Want::Nothing
        };
        self.want = want;
    }

    /// The latest position at which nearly every packet would be there `guard` samples before it is needed, at frames'
    /// and packets' common beginnings: anywhere between, samples wait longer and packets are needed as early.
    fn best(&self, at: u32, frame: u32, guard: i32) -> u32 {
        let Some(last) = self.last else { return self.position };
        let common = common_divisor(last.length, frame);
        let reference = at.wrapping_sub(last.timestamp);
        (0..frame / common)
            .map(|place| {
                let origin = last.timestamp.wrapping_add(place * common);
                // A frame that begins at `origin` may be taken no earlier than `needed` samples after now.
                let needed = self.needed(reference, origin, frame) + guard + ahead(origin, last.timestamp);
                origin.wrapping_add_signed((-needed).div_euclid(frame as i32) * frame as i32)
            })
            .max_by_key(|position| ahead(*position, last.timestamp))
            .unwrap_or(last.timestamp)
    }

    /// How much later than `reference` less its timestamp frames must be taken for nearly all packets to be there, frames
    /// being cut at `origin`.
    fn needed(&self, reference: u32, origin: u32, frame: u32) -> i32 {
        let known = self.known();
        let mut lateness = [0; WINDOW];
        let mut least = i32::MAX;
        let is_new = known.len() < KNOWN_AFTER;
        let furthest = self.last.map_or(0, |last| frame - common_divisor(last.length, frame));
        for (place, arrival) in lateness.iter_mut().zip(known) {
            let transit = ahead(arrival.transit, reference);
            least = least.min(transit);
            // A packet is needed when the frame is taken in which it begins. At first not every place in a frame where
            // packets begin was seen.
            let after = || ahead(arrival.timestamp, origin).rem_euclid(frame as i32);
            let within = if is_new { furthest as i32 } else { after() };
            *place = transit.saturating_add(within);
        }
        let Some(highest) = known.len().checked_sub(1) else { return 0 };
        let excused = known.len() / TOO_LATE_ONE_IN;
        let (_, needed, _) = lateness[..known.len()].select_nth_unstable(highest - excused);
        let known_before = if is_new { least.saturating_add(self.jitter) } else { i32::MIN };
        (*needed).max(known_before).min(least.saturating_add(DELAY_MAX))
    }

    fn known(&self) -> &[Arrival] {
        &self.arrivals[..self.heard.min(WINDOW)]
    }

    /// Goes back, over what was made up since the last audio, in case that it has come meanwhile; and makes up the rest.
    fn grow(&mut self, at: u32, frame: usize, by: u32, may_wait: bool) -> Change {
        if may_wait && !self.is_quiet(frame) {
            return Change::None;
        }
        self.want = Want::Nothing;
        self.review_at = at;
        let back = by.min(self.made_up);
        self.position = self.position.wrapping_sub(back);
        self.made_up -= back;
        match by - back {
            0 => Change::None,
            rest => Change::Insert(frame.min(rest as usize)),
        }
    }

    /// Goes forward: where audio is missing, by a cut in a quiet passage, or by a period of the voice.
    fn shrink(&mut self, at: u32, frame: usize, by: u32) -> Change {
        if ahead(at, self.cut_after) < 0 {
            return Change::None;
        }
        let all = by as usize;
        if self.run_at(self.position, all) == Run::Missing(all) && ahead(self.newest, self.position) > by as i32 {
            self.position = self.position.wrapping_add(by);
            self.want = Want::Nothing;
            return Change::None;
        }
        let most = all.min(LAG_MAX);
        if self.run_at(self.position, frame + most) != Run::Heard(frame + most) {
            return Change::None;
        }
        let cut = if self.is_quiet(frame + most) {
            most
        } else if ahead(at, self.shrinks_since.wrapping_add(PATIENCE)) >= 0
            && let Some(period) = self.period(most)
        {
            period
        } else {
            return Change::None;
        };
        self.cut_after = at.wrapping_add(CUT_INTERVAL);
        self.want = if cut == all { Want::Nothing } else { Want::Shrink { by: by - cut as u32 } };
        Change::Cut(cut)
    }

    fn is_quiet(&self, length: usize) -> bool {
        let sum: i32 = (0..length).map(|n| i32::from(self.sample(self.position.wrapping_add(n as u32))).abs()).sum();
        sum <= QUIET * length as i32
    }

    /// A lag of up to `most` samples at which the audio goes on as it does here.
    fn period(&self, most: usize) -> Option<usize> {
        let mut next = [0.0_f32; FADE + LAG_MAX];
        for (n, sample) in next.iter_mut().enumerate() {
            *sample = f32::from(self.sample(self.position.wrapping_add(n as u32)));
        }
        let here = &next[..FADE];
        let energy = |samples: &[f32]| samples.iter().map(|sample| sample * sample).sum::<f32>() + 1.0;
        let mut best = (LIKENESS_MIN, None);
        for lag in LAG_MIN..=most {
            let there = &next[lag..lag + FADE];
            let product: f32 = here.iter().zip(there).map(|(a, b)| a * b).sum();
            let likeness = product / (energy(here) * energy(there)).sqrt();
            if likeness > best.0 {
                best = (likeness, Some(lag));
            }
        }
        best.1
    }

    fn sample(&self, timestamp: u32) -> i16 {
        codecs::decode(self.codec, self.ring[timestamp as usize % RING])
    }

    /// What is next, as far as `most` samples.
    #[inline]
    pub fn run(&self, most: usize) -> Run {
        self.run_at(self.position, most)
    }

    fn run_at(&self, from: u32, most: usize) -> Run {
        let known = ahead(self.newest, from);
        if self.taken.is_none() || known <= 0 || known > RING as i32 {
            return Run::Missing(most);
        }
        let within = most.min(known as usize);
        let word_at = |place: usize| self.present[place / 64] >> (place % 64);
        let start = from as usize % RING;
        let heard = word_at(start) & 1 != 0;
        let mut length = 0;
        while length < within {
            let place = (start + length) % RING;
            let word = if heard { !word_at(place) } else { word_at(place) };
            let valid = 64 - place % 64;
            let same = (word.trailing_zeros() as usize).min(valid);
            length += same;
            if same < valid {
                break;
            }
        }
        match (heard, length < within) {
            (true, _) => Run::Heard(length.min(within)),
            (false, true) => Run::Missing(length),
            // What is missing up to the newest is missing beyond it as well.
            (false, false) => Run::Missing(most),
        }
    }

    /// Copies the samples that begin `beyond` the next one, wherever they come from, and leaves the position.
    pub fn peek(&self, beyond: usize, out: &mut [u8]) {
        let start = self.position.wrapping_add(beyond as u32) as usize % RING;
        let first = out.len().min(RING - start);
        let (now, round) = out.split_at_mut(first);
        now.copy_from_slice(&self.ring[start..start + first]);
        round.copy_from_slice(&self.ring[..round.len()]);
    }

    /// Takes samples that were heard.
    #[inline]
    pub fn take(&mut self, out: &mut [u8]) {
        self.peek(0, out);
        self.advance(out.len());
    }

    /// Goes on by `length` samples.
    pub fn advance(&mut self, length: usize) {
        if self.taken.is_some() {
            self.position = self.position.wrapping_add(length as u32);
            self.made_up = 0;
        }
    }

    /// Goes on past samples that are missing, and remembers what was made up in their place.
    pub fn pass(&mut self, made_up: &[i16]) {
        if self.taken.is_some() {
            let codec = self.codec;
            self.write(self.position, made_up.len(), made_up.iter().map(|sample| codecs::encode(codec, *sample)));
            self.position = self.position.wrapping_add(made_up.len() as u32);
            self.made_up = (self.made_up + made_up.len() as u32).min(PAST as u32);
        }
    }

    /// What was taken last, up to the next sample.
    pub fn history(&self, out: &mut [i16]) {
        let start = self.position.wrapping_sub(out.len() as u32);
        for (n, sample) in out.iter_mut().enumerate() {
            *sample = self.sample(start.wrapping_add(n as u32));
        }
    }
}

impl Last {
    /// Whether `next` is of the same source and clock. A step in the timestamp that neither the sequence nor the time of
    /// arrival explains is a clock that was set.
    fn is_followed_by(&self, next: &Last) -> bool {
        if next.ssrc != self.ssrc {
            return false;
        }
        let step = ahead(next.timestamp, self.timestamp);
        let elapsed = ahead(next.at, self.at);
        let packets = i32::from(next.sequence.wrapping_sub(self.sequence) as i16);
        let length = self.length.max(next.length) as i32;
        let by_sequence = packets * self.length as i32;
        (step.saturating_sub(elapsed)).saturating_abs() <= JUMP
            || (step.saturating_sub(by_sequence)).saturating_abs() <= length
    }
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a.max(1) } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests;
