//! Signalling: messages, transactions, dialogs, and the user agent that answers and dials.
//!
//! ```text
//! bytes -> message -> transaction -> dialog -> user_agent -> SipEvent
//!                                                  ^ SipCommand
//! ```
//!
//! All of it is pure but `transport`, the shell with the sockets.

mod deadlines;
mod dialog;
pub mod digest;
mod fingerprint;
mod guard;
pub mod message;
mod peer;
mod registrar;
pub mod sdp;
mod settings;
mod stun;
mod subscriptions;
mod transaction;
pub mod transport;
mod trunk;
mod user_agent;

pub use peer::{ConnectionId, Output, Peer};
pub use settings::{Registration, Settings, Timers};
pub use user_agent::{Census, UserAgent};
