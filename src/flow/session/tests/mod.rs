//! Walks through flows, as data and at random.

mod callbacks;
mod flows;
mod hours;
mod lookups;
mod menus;
mod messages;
mod questions;
mod queues;
mod random;
mod spoken;
mod stranded;
mod surveys;
mod transfers;
mod walks;
mod ways;
mod wishes;
