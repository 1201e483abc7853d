//! The command line: one file a command.

mod terminal;
pub mod r#try;
