//! The offer/answer model of RFC 3264, for one audio stream.

use std::net::IpAddr;

use super::{AudioPlan, Codec, SessionDescription, Warning};

/// Whether tones are looked for in the audio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InbandDigits {
    /// Where no telephone-event was agreed.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// What our side brings to an offer or an answer.
#[derive(Clone, Debug)]
pub struct LocalMedia<'a> {
    /// The address that the other side reaches us by.
    pub address: IpAddr,
    /// Our even RTP port.
    pub port: u16,
    /// The `o=` line's session id: the same for the life of the dialog.
    pub session_id: u64,
    /// The `o=` line's version: one more with each description that differs from the last.
    pub version: u64,
    /// The codecs we take, most preferred first; never empty.
    pub codecs: &'a [Codec],
    /// As configured.
    pub inband_digits: InbandDigits,
}

/// The end of a successful negotiation.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreed {
    /// Our answer.
    pub description: SessionDescription,
    /// What `media` is to do.
    pub plan: AudioPlan,
}

/// Why nothing could be agreed: refused with 488 and this Warning (RFC 3261 section 21.4.26).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferRefused(pub Warning);

/// Answers `offer`: the first audio line that we can take is taken, all others are kept at port 0.
pub fn answer(offer: &SessionDescription, local: &LocalMedia<'_>) -> Result<Agreed, OfferRefused> {
    let _ = (offer, local);
    todo!("being written")
}

/// Our own offer.
pub fn offer(local: &LocalMedia<'_>) -> SessionDescription {
    let _ = local;
    todo!("being written")
}

/// What was agreed when `answer` came back to our [`offer`].
pub fn accept_answer(answer: &SessionDescription, local: &LocalMedia<'_>) -> Result<AudioPlan, OfferRefused> {
    let _ = (answer, local);
    todo!("being written")
}
