//! Audio: RTP in and out at its own pace, recordings, and keys heard in either.
//!
//! `reactor` is the shell: threads with their sockets and a tick. All else is pure: a [`stream::Stream`] is one leg's
//! audio, told what arrives and when, and asked on every tick what to send.

pub mod bridge;
pub mod codecs;
pub mod concealment;
pub mod control;
pub mod dtmf;
pub mod jitter;
pub mod player;
pub mod prompts;
pub mod reactor;
pub mod reception;
pub mod recorder;
pub mod remote;
pub mod rtcp;
pub mod rtp;
pub mod stream;
pub mod tapes;
mod tone;

pub use reactor::{Reactor, Settings};
