//! Flow files and the installation file, from cargo-fuzz.

#![no_main]

#[path = "../bodies/flow.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));
