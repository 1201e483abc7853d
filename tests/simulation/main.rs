//! The switchboard with real flows in virtual time: single calls step by step, and whole days from a seed.

mod callbacks;
mod codes;
mod day;
mod heard;
mod house;
mod mailbox;
mod own_calls;
mod phone;
mod scenarios;
mod transfers;
mod waiting;
