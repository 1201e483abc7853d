//! The figures of a change under live calls: how long a reload takes and whether a call notices it; and what a lookup and a
//! recording cost.
//!
//! `cargo bench --bench reload` starts the release binary as `helpline serve` on one core and loads it from the others with
//! `helpline dial`. `-- --write` writes its section of benches/REPORT.md; `-- set`, `-- calls`, `-- lookups` or
//! `-- recording` measure that part alone. Takes about four minutes, and wants a machine that does nothing else.

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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Cargo itself adds `--bench`.
    let (options, named): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|argument| argument.starts_with("--"));
    if let Some(unknown) = named.iter().find(|name| !measure::PARTS.contains(name)) {
        eprintln!("`{unknown}` is no part of it: {} are", measure::PARTS.join(", "));
        std::process::exit(2);
    }
    let table = measure::parts(&named);
    println!("{}", table.text());
    if options.contains(&"--write") {
        section::put(&table.text());
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("The figures are measured on Linux, whose /proc tells the server's CPU time.");
}
