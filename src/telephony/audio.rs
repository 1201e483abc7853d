//! What the switchboard and `media` say to each other.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Digit, LegId, PlaybackId, TapeId, TapeKind, TapeOrder, TapeReport};

/// The media's pace: one frame of audio.
pub const TICK: Duration = Duration::from_millis(20);

/// A way of encoding speech at 8 kHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 µ-law, RFC 3551 payload type 0.
    Pcmu,
    /// G.711 A-law, RFC 3551 payload type 8.
    Pcma,
}

impl Codec {
    /// The static payload type of RFC 3551 section 6.
    pub const fn payload_type(self) -> u8 {
        match self {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
        }
    }

    /// The encoding name of `a=rtpmap`.
    pub const fn encoding(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }
}

/// Which way audio flows, as one side sees it (RFC 3264 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    SendReceive,
    /// This side only sends: it has put the other on hold.
    SendOnly,
    /// This side only receives.
    ReceiveOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether this side sends.
    pub const fn sends(self) -> bool {
        matches!(self, Direction::SendReceive | Direction::SendOnly)
    }

    /// Whether this side receives.
    pub const fn receives(self) -> bool {
        matches!(self, Direction::SendReceive | Direction::ReceiveOnly)
    }

    /// The same, as the other side sees it.
    pub const fn reversed(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::ReceiveOnly,
            Direction::ReceiveOnly => Direction::SendOnly,
            other => other,
        }
    }
}

/// All that `media` has to know of what was agreed for a leg's audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioPlan {
    /// Where to send RTP; `None` while the other side gave no usable address (`c=0.0.0.0`, RFC 3264 section 8.4): then
    /// it is learned from what arrives.
    pub remote: Option<SocketAddr>,
    /// Where to send RTCP; `None` as above.
    pub remote_rtcp: Option<SocketAddr>,
    /// The codec of both directions.
    pub codec: Codec,
    /// Its payload type, as the answerer chose it.
    pub payload_type: u8,
    /// The payload type of telephone-event at 8 kHz (RFC 4733), when agreed.
    pub telephone_event: Option<u8>,
    /// As Helpline sees it.
    pub direction: Direction,
    /// Milliseconds of audio in each packet that we send: 10, 20, 40 or 60.
    pub packet_ms: u8,
    /// Whether to look for tones in the audio.
    pub inband_digits: bool,
}

/// A recording, ready to send: the same audio in every codec, 8 samples a millisecond, one byte a sample. Its length is
/// exact, seldom a whole number of ticks: clips that follow one another are joined without a gap, and only the end of a
/// whole playback is filled up with silence.
#[derive(PartialEq, Eq)]
pub struct Clip {
    /// G.711 µ-law.
    pub pcmu: Box<[u8]>,
    /// G.711 A-law.
    pub pcma: Box<[u8]>,
}

impl Clip {
    /// The audio in `codec`.
    pub fn encoded(&self, codec: Codec) -> &[u8] {
        match codec {
            Codec::Pcmu => &self.pcmu,
            Codec::Pcma => &self.pcma,
        }
    }

    /// How long it plays.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.pcmu.len() as u64 * 125)
    }
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clip({:?})", self.duration())
    }
}

/// What the switchboard asks of a media reactor. Every command is total: one that names a leg that is gone does nothing.
#[derive(Clone, Debug)]
pub enum MediaCommand {
    /// Open the audio of a leg on our even `port` (RTCP on the one above).
    Open {
        /// The leg.
        leg: LegId,
        /// Our RTP port.
        port: u16,
        /// What was agreed, or, before an answer is known, offered (`remote` is `None` then).
        plan: AudioPlan,
    },
    /// The agreement has changed: hold, resume, another address or codec.
    Change {
        /// The leg.
        leg: LegId,
        /// The new agreement.
        plan: AudioPlan,
    },
    /// Play these clips one after another, in place of whatever is playing.
    Play {
        /// The leg.
        leg: LegId,
        /// The name of this playback.
        playback: PlaybackId,
        /// What to play; never empty.
        clips: Vec<Arc<Clip>>,
        /// Round and round, until stopped (hold music).
        repeat: bool,
    },
    /// Play hold music, round and round, in place of whatever is playing, until something takes its place. A leg that
    /// heard the same before goes on where it was.
    Music {
        /// The leg.
        leg: LegId,
        /// What to play, in this order; never empty.
        clips: Vec<Arc<Clip>>,
        /// All legs that hear these clips together are at the same moment of them.
        together: bool,
    },
    /// Fall silent: no `PlaybackFinished` follows.
    Stop {
        /// The leg.
        leg: LegId,
    },
    /// Let two legs hear each other from the next frame on, in place of whatever is playing to either. Both are on the same
    /// reactor. A leg that was bridged with another is parted from it first; a leg cannot be bridged with itself. `Play`
    /// to a bridged leg is heard by it instead of the other leg, until it ends or is stopped.
    Bridge {
        /// The leg.
        leg: LegId,
        /// The other leg.
        with: LegId,
    },
    /// Let a bridged leg hear a key that the other pressed otherwise than in its audio: as a telephone-event. Nothing
    /// where the leg is not bridged, or has agreed on none.
    Press {
        /// Who hears it.
        leg: LegId,
        /// The key.
        digit: Digit,
    },
    /// Part a leg from the one that it is bridged with: both hear silence. Closing a leg does the same.
    Unbridge {
        /// The leg: either of the two.
        leg: LegId,
    },
    /// Close the audio of a leg; `Closed` follows.
    Close {
        /// The leg.
        leg: LegId,
    },
    /// Record what is said. `TapeEnded` follows, whatever ends it, before `Closed`; `TapeFailed` where it cannot be
    /// written. A leg has one tape at a time: one that it had is ended and, if it holds anything, kept.
    Record {
        /// The leg.
        leg: LegId,
        /// What, and how.
        order: Box<TapeOrder>,
    },
    /// End a tape. It waits to be kept or dropped; when the leg is closed it is kept unless it is empty.
    EndTape {
        /// The leg.
        leg: LegId,
        /// The tape.
        tape: TapeId,
    },
    /// Keep a tape that has ended.
    KeepTape {
        /// The leg.
        leg: LegId,
        /// The tape.
        tape: TapeId,
    },
    /// Forget a tape, which is ended first if need be.
    DropTape {
        /// The leg.
        leg: LegId,
        /// The tape.
        tape: TapeId,
    },
    /// Silence in place of all that is said, while `muted`: the tape's time goes on.
    MuteTape {
        /// The leg.
        leg: LegId,
        /// The tape.
        tape: TapeId,
        /// Whether.
        muted: bool,
    },
    /// Read a tape that has ended, to be played: `TapeRead` follows.
    ReadTape {
        /// The leg.
        leg: LegId,
        /// The tape.
        tape: TapeId,
        /// The folder in which it was kept, for one that an earlier call left.
        folder: Option<Arc<str>>,
    },
}

impl MediaCommand {
    /// The leg that the command is about.
    pub fn leg(&self) -> LegId {
        match self {
            MediaCommand::Open { leg, .. }
            | MediaCommand::Change { leg, .. }
            | MediaCommand::Play { leg, .. }
            | MediaCommand::Music { leg, .. }
            | MediaCommand::Stop { leg }
            | MediaCommand::Bridge { leg, .. }
            | MediaCommand::Press { leg, .. }
            | MediaCommand::Unbridge { leg }
            | MediaCommand::Close { leg }
            | MediaCommand::Record { leg, .. }
            | MediaCommand::EndTape { leg, .. }
            | MediaCommand::KeepTape { leg, .. }
            | MediaCommand::DropTape { leg, .. }
            | MediaCommand::MuteTape { leg, .. }
            | MediaCommand::ReadTape { leg, .. } => *leg,
        }
    }
}

/// How a key press reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigitSource {
    /// RFC 4733 telephone-event.
    Rtp,
    /// SIP INFO.
    Info,
    /// Tones in the audio.
    Inband,
}

/// What a media reactor tells the switchboard.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaEvent {
    /// A key was pressed: told once a press, at its beginning.
    Digit {
        /// The leg.
        leg: LegId,
        /// The key.
        digit: Digit,
        /// Rtp or Inband.
        source: DigitSource,
    },
    /// The last frame of a playback was sent. Never told of one that was stopped, replaced or repeats.
    PlaybackFinished {
        /// The leg.
        leg: LegId,
        /// The playback.
        playback: PlaybackId,
    },
    /// Nothing arrived on a leg that should receive for the time allowed (30 s).
    Silent {
        /// The leg.
        leg: LegId,
    },
    /// The leg's port could not be opened, and its audio is closed; no `Closed` follows.
    Failed {
        /// The leg.
        leg: LegId,
        /// What the operating system said.
        reason: String,
    },
    /// The leg's audio is closed and its port free.
    Closed {
        /// The leg.
        leg: LegId,
        /// What was measured.
        report: StreamReport,
    },
    /// A tape has ended: told once of each that was begun.
    TapeEnded {
        /// The leg.
        leg: LegId,
        /// The tape.
        tape: TapeId,
        /// How.
        report: TapeReport,
    },
    /// A tape cannot be written, not all of it, or not be kept, be that told after it was closed. What was written is kept
    /// as if the tape had ended there.
    TapeFailed {
        /// The leg.
        leg: LegId,
        /// The tape.
        tape: TapeId,
        /// What it is of.
        kind: TapeKind,
        /// What the operating system said.
        reason: String,
    },
    /// What is on a tape; `None` when it cannot be read.
    TapeRead {
        /// The leg.
        leg: LegId,
        /// The tape.
        tape: TapeId,
        /// Its audio.
        clip: Option<Arc<Clip>>,
    },
    /// What a reactor did since its last tally; about once a second.
    Tally(MediaTally),
}

/// What was measured on one leg's audio (RFC 3550 sections 6.4 and A).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StreamReport {
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets received from the caller.
    pub packets_received: u64,
    /// Packets of the caller's that never arrived.
    pub packets_lost: u64,
    /// Interarrival jitter of the caller's audio, in milliseconds.
    pub jitter_ms: f64,
    /// Share of our packets that the caller's side reported lost in its last RTCP report, 0 to 1, when it sent one.
    pub remote_loss: Option<f64>,
    /// Jitter that the caller's side reported, in milliseconds, when it did.
    pub remote_jitter_ms: Option<f64>,
    /// Round trip of RTCP in milliseconds, when it could be measured.
    pub round_trip_ms: Option<f64>,
}

/// Counts of one reactor since its last tally.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MediaTally {
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets received from callers.
    pub packets_received: u64,
    /// Packets of callers' that never arrived.
    pub lost_inbound: u64,
    /// Packets that callers' sides reported lost.
    pub lost_outbound: u64,
    /// Packets dropped: malformed, or from a stranger.
    pub dropped: u64,
    /// Samples of audio that were recorded, of either side of a leg one.
    pub taped: u64,
    /// Of these, samples that could not be written in time: there is silence in their place.
    pub taped_lost: u64,
    /// Ticks by how late they began, counted by [`MediaTally::LATE_BOUNDS_MS`], the last for all beyond.
    pub ticks_late: [u64; 8],
    /// The sum of the lateness of those ticks, in microseconds.
    pub late_us_sum: u64,
}

impl MediaTally {
    /// Upper bounds, in milliseconds, of the first seven places of `ticks_late`.
    pub const LATE_BOUNDS_MS: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
}
