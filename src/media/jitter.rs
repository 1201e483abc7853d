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

mod arrivals;
mod ring;

use arrivals::Arrivals;
use ring::{RING, Ring};

/// Of the ring, the past: what was taken already.
const PAST: usize = 1_024;
/// A packet with more samples is no audio of a telephone: 120 ms.
const PACKET_MAX: usize = 960;
/// How long samples wait beyond what nearly all packets need, in samples.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A packet is to be there so long before it is needed.
    guard: i32,
    /// With less than this the delay grows, in a quiet passage ...
    least: i32,
    /// ... and with less than this whatever is being said.
    urgent: i32,
    /// It shrinks when there is so much more to spare than `guard`, so that it does not sway.
    spare: i32,
}

impl Patience {
    /// For people who talk to each other: 2 ms, and 5 ms to spare.
    pub const TALK: Patience = Patience { guard: 16, least: 16, urgent: 4, spare: 40 };
    /// For who writes down what was said, and may well wait: 120 ms, so that what comes late is there all the same and
    /// nothing is made up, cut or stretched for a network that sways by less.
    pub const TAPE: Patience = Patience { guard: 960, least: 320, urgent: 40, spare: 960 };
}
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
/// Packets that may be missing in a row without a doubt that it is the same flow: 2 s of 20 ms each.
const FOLLOWS_MAX: i32 = 100;
/// When for so long every packet has come after its time, the sender had paused without its timestamps: 100 ms. After a
/// stall of the network, what was held up comes all at once.
const PAUSED: i32 = 800;

/// The jitter buffer of one direction.
pub struct JitterBuffer {
    ring: Ring,
    arrivals: Arrivals,
    patience: Patience,
    last: Option<Last>,
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
    /// Since when every packet has come after all of its time.
    too_late_since: Option<u32>,
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
    pub fn new(codec: Codec, jitter: u32, patience: Patience) -> JitterBuffer {
        JitterBuffer {
            ring: Ring::new(codec, 0),
            arrivals: Arrivals::new(jitter),
            patience,
            last: None,
            position: 0,
            taken: None,
            review_at: 0,
            want: Want::Nothing,
            shrinks_since: 0,
            cut_after: 0,
            made_up: 0,
            too_late_since: None,
        }
    }

    /// The codec of what is in it.
    pub fn codec(&self) -> Codec {
        self.ring.codec()
    }

    /// The codec has changed: all that waits is forgotten.
    pub fn set_codec(&mut self, codec: Codec) {
        self.arrivals.clear();
        self.forget(codec, 0);
    }

    /// The timestamp of the next sample to take.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// How long after the arrival of the quickest packets their first samples are taken, in samples: what the buffer adds.
    pub fn delay(&self) -> Option<u32> {
        let taken = self.taken?;
        let next = taken.at.wrapping_add(taken.samples);
        self.arrivals.longest_wait(next.wrapping_sub(self.position))
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
            _ => {
                self.arrivals.clear();
                self.anchor(heard);
            }
        }
        if self.has_paused(&heard) {
            self.arrivals.restart();
            self.anchor(heard);
        }
        self.arrivals.push(timestamp, at);
        self.ring.store(timestamp, payload, self.taken.map(|_| self.position));
        // What waits for longer than the ring can hold is passed over.
        self.taken.take_if(|_| ahead(self.ring.newest(), self.position) > (RING - PAST) as i32);
        if let Some(taken) = self.taken.filter(|_| ahead(self.position, timestamp) > 0) {
            // Too late: that is thought over before anything else is taken.
            self.review_at = taken.at;
        }
    }

    /// Whether the sender went on after a pause as if there had been none, so that nothing would be in time any more.
    fn has_paused(&mut self, heard: &Last) -> bool {
        let end = heard.timestamp.wrapping_add(heard.length);
        if self.taken.is_none() || ahead(self.position, end) < 0 {
            self.too_late_since = None;
            return false;
        }
        let since = *self.too_late_since.get_or_insert(heard.at);
        ahead(heard.at, since) >= PAUSED
    }

    /// Begins anew with a packet that has nothing to do with those before.
    fn anchor(&mut self, first: Last) {
        self.forget(self.ring.codec(), first.timestamp);
        self.last = Some(first);
    }

    fn forget(&mut self, codec: Codec, newest: u32) {
        self.ring = Ring::new(codec, newest);
        self.last = None;
        self.taken = None;
        self.want = Want::Nothing;
        self.too_late_since = None;
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
            self.position = self.best(at, frame as u32, self.patience.guard);
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
        let Patience { guard, least, urgent, spare } = self.patience;
        let spare = -short_of(guard + spare);
        let want = if short_of(least) > 0 {
            Want::Grow { by: short_of(guard).max(1) as u32, may_wait: short_of(urgent) <= 0 }
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
                let needed = self.arrivals.needed(reference, origin, frame, last.length);
                let needed = needed + guard + ahead(origin, last.timestamp);
                origin.wrapping_add_signed((-needed).div_euclid(frame as i32) * frame as i32)
            })
            .max_by_key(|position| ahead(*position, last.timestamp))
            .unwrap_or(last.timestamp)
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
        if self.ring.run(self.position, all) == Run::Missing(all)
            && ahead(self.ring.newest(), self.position) > by as i32
        {
            self.position = self.position.wrapping_add(by);
            self.want = Want::Nothing;
            return Change::None;
        }
        let most = all.min(LAG_MAX);
        if self.ring.run(self.position, frame + most) != Run::Heard(frame + most) {
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
        let sum: i32 =
            (0..length).map(|n| i32::from(self.ring.sample(self.position.wrapping_add(n as u32))).abs()).sum();
        sum <= QUIET * length as i32
    }

    /// A lag of up to `most` samples at which the audio goes on as it does here.
    fn period(&self, most: usize) -> Option<usize> {
        let mut next = [0.0_f32; FADE + LAG_MAX];
        for (n, sample) in next.iter_mut().enumerate() {
            *sample = f32::from(self.ring.sample(self.position.wrapping_add(n as u32)));
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

    /// How many samples there are from the next one to the last that has arrived, those that are missing included.
    pub fn waiting(&self) -> usize {
        self.taken.map_or(0, |_| ahead(self.ring.newest(), self.position).max(0) as usize)
    }

    /// What is next, as far as `most` samples.
    #[inline]
    pub fn run(&self, most: usize) -> Run {
        if self.taken.is_none() { Run::Missing(most) } else { self.ring.run(self.position, most) }
    }

    /// Copies the samples that begin `beyond` the next one, wherever they come from, and leaves the position.
    pub fn peek(&self, beyond: usize, out: &mut [u8]) {
        self.ring.copy(self.position.wrapping_add(beyond as u32), out);
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
            let codec = self.ring.codec();
            self.ring.write(self.position, made_up.len(), made_up.iter().map(|sample| codecs::encode(codec, *sample)));
            self.position = self.position.wrapping_add(made_up.len() as u32);
            self.made_up = (self.made_up + made_up.len() as u32).min(PAST as u32);
        }
    }

    /// What was taken last, up to the next sample.
    pub fn history(&self, out: &mut [i16]) {
        let start = self.position.wrapping_sub(out.len() as u32);
        for (n, sample) in out.iter_mut().enumerate() {
            *sample = self.ring.sample(start.wrapping_add(n as u32));
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
        // Sequence numbers that are far apart explain nothing.
        let by_sequence = if packets.abs() <= FOLLOWS_MAX { packets * self.length as i32 } else { elapsed };
        (step.saturating_sub(elapsed)).saturating_abs() <= JUMP
            || (step.saturating_sub(by_sequence)).saturating_abs() <= length
    }
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a.max(1) } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests;
