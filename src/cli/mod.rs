//! The command line: one file a command.

pub mod check;
pub mod prompts;
pub mod report;
mod terminal;
pub mod r#try;
