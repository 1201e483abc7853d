//! The figures of the running server: what a call costs in CPU and memory, how evenly it sends, how soon it answers.
//!
//! `cargo bench --bench calls` starts the release binary as `helpline serve` on one core and loads it from the other with
//! `helpline dial`; the server's CPU time and memory are the operating system's. A bare loop that only moves the same
//! packets on as many sockets is measured before and after, with the same generator. `-- --write` writes
//! benches/REPORT.md, and `-- audio`, `-- setups` or `-- keys` measure that part alone. Takes about four minutes, and wants a
//! machine that does nothing else.

#[cfg(target_os = "linux")]
#[path = "../shared/arguments.rs"]
mod arguments;
#[cfg(target_os = "linux")]
mod bare;
#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
#[path = "../shared/section.rs"]
mod section;

#[cfg(target_os = "linux")]
fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if let Some(port) = given.strip_prefix(&[bare::ARGUMENT.to_owned()]) {
        bare::run(port.first().and_then(|port| port.parse().ok()).expect("a port"));
        return;
    }
    let (named, write) = arguments::parts_of(&measure::PARTS);
    let figures = measure::parts(&named.iter().map(String::as_str).collect::<Vec<_>>());
    println!("{figures}");
    if write {
        section::put(&figures.report());
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("The figures are measured on Linux, whose /proc tells the server's CPU time and memory.");
}
