//! Signalling: messages, transactions, dialogs, and the user agent that answers and dials.

pub mod message;
pub mod sdp;
