//! The command line: one file a command.

#[cfg(test)]
mod terminal;

