//! The `helpline` command.

use std::process::ExitCode;

/// What a burst of calls took is given back to the system when it is over, which glibc's allocator does not do: one small
/// piece that lives on above keeps all below it. `.cargo/config.toml` sets it.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    helpline::cli::main()
}
