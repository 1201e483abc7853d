//! The `helpline` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    helpline::cli::main()
}
