//! The `helpline` command.

fn main() {}
