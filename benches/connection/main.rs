//! The figures of callers and agents on the running server: how soon they hear each other, what the bridge adds to the
//! way from mouth to ear, and what a bridged pair and a caller on hold music cost.
//!
//! `cargo bench --bench connection` starts the release binary as `helpline serve` on one core; a bank of telephones on the
//! others registers as agents, dials, and listens. The server's CPU time is the operating system's. `-- --write` writes
//! the table into benches/REPORT.md.
//! `-- connection`, `-- bridge`, `-- pairs` or `-- music` measure that part alone. Takes about two minutes, and wants a
//! machine that does nothing else.

#[cfg(target_os = "linux")]
#[path = "../shared/arguments.rs"]
mod arguments;
#[cfg(target_os = "linux")]
mod bank;
#[cfg(target_os = "linux")]
#[path = "../calls/machine.rs"]
mod machine;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
#[path = "../shared/section.rs"]
mod section;
#[cfg(target_os = "linux")]
#[path = "../shared/table.rs"]
mod table;

#[cfg(target_os = "linux")]
fn main() {
    let (named, write) = arguments::parts_of(&measure::PARTS);
    let table = measure::parts(&named.iter().map(String::as_str).collect::<Vec<_>>());
    println!("{}", table.text());
    if write {
        section::put(&table.text());
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("The figures are measured on Linux, whose /proc tells the server's CPU time.");
}
