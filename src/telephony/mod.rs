//! The words that all rooms share: data and arithmetic on it, no behaviour of any room.

mod agent;
mod audio;
mod cause;
mod description;
mod digit;
mod ids;
mod offer_answer;
mod party;
mod signal;
mod tape;
mod trunk;

pub use agent::{AgentAccount, AgentSecret, CallHeaders, HeaderRefused, RegisteredPhone, Unreachable};
pub use audio::{
    AudioPlan, Clip, Codec, DigitSource, Direction, MediaCommand, MediaEvent, MediaTally, StreamReport, TICK,
};
pub use cause::{Cause, Refusal, Warning};
pub use description::{Format, MediaDescription, MediaKind, Origin, SessionDescription, Timing};
pub use digit::{Digit, NotADigit};
pub use ids::{CallId, LegId, PlaybackId};
pub use offer_answer::{Agreed, InbandDigits, LocalMedia, OfferRefused, accept_answer, answer, offer};
pub use party::{Caller, PhoneNumber};
pub use signal::{Incoming, SipCommand, SipEvent, SipTally, Transfer, TransportKind, TrunkDown};
pub use tape::{KeptTape, Sides, TapeEnd, TapeId, TapeKind, TapeLabel, TapeOrder, TapeReport};
pub use trunk::{DialPlan, Login, NUMBER_DIGITS_MAX, NUMBER_DIGITS_MIN, Network, Trunk, is_number};
