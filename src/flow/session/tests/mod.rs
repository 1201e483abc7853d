//! Walks through flows, as data and at random.

mod flows;
mod menus;
mod questions;
mod random;
mod spoken;
mod walks;
mod ways;
