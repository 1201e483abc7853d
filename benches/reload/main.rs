//! The figures of a change under live calls: how long a reload takes and whether a call notices it; and what a lookup and a
//! recording cost.
//!
//! `cargo bench --bench reload` starts the release binary as `helpline serve` on one core and loads it from the others with
//! `helpline dial`. `-- --write` writes its section of benches/REPORT.md; `-- set`, `-- calls`, `-- lookups` or
//! `-- recording` measure that part alone. Takes about four minutes, and wants a machine that does nothing else.

#[cfg(target_os = "linux")]
#[path = "../shared/arguments.rs"]
mod arguments;
#[cfg(target_os = "linux")]
#[path = "../shared/large.rs"]
mod large;
#[cfg(target_os = "linux")]
#[path = "../calls/machine.rs"]
mod machine;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
#[path = "../calls/place.rs"]
mod place;
#[cfg(target_os = "linux")]
#[path = "../shared/section.rs"]
mod section;
#[cfg(target_os = "linux")]
#[path = "../shared/table.rs"]
mod table;
#[cfg(target_os = "linux")]
mod web;

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
