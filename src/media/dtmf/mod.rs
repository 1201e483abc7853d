//! Keys pressed by callers, each press told once.

pub mod inband;
