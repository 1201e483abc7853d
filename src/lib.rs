//! Helpline: a phone-support line over SIP.
//!
//! The rooms and who may import whom are in ARCHITECTURE.md, and `tests/architecture.rs` holds them to it.

pub mod acd;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connectors;
pub mod flow;
pub mod http;
pub mod journal;
pub mod media;
pub mod metrics;
pub mod rehearsal;
pub mod server;
pub mod sip;
pub mod store;
pub mod switchboard;
pub mod telephony;
