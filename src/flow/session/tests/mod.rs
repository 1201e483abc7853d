//! Walks through flows, as data and at random.

mod flows;
mod random;
mod walks;
