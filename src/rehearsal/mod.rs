//! Calls in virtual time: the very switchboard that serves callers, with phones and audio that know nothing but how long
//! things take. `helpline test` and `helpline try` play on this stage.

mod cast;
mod coverage;
mod expectation;
mod failure;
mod history;
mod house;
mod meter;
mod performance;
mod phone;
mod services;
mod stage;
mod tapes;
mod told;
mod walk;
mod words;

pub use coverage::{Coverage, Missing, Walked};
pub use failure::Failure;
pub use house::{House, Wish};
pub use performance::{Performance, play};
pub use stage::{BETWEEN_KEYS, Stage, Standing};
pub use told::{Told, What, sentence};
pub use walk::written as written_walk;
