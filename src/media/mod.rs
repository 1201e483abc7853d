//! Audio: RTP in and out at its own pace, recordings, and keys heard in either.

pub mod codecs;
pub mod dtmf;
pub mod prompts;
