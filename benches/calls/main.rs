//! The figures of the running server: what a call costs in CPU and memory, how evenly it sends, how soon it answers.
//!
//! `cargo bench --bench calls` starts the release binary as `helpline serve` on one core and loads it from the other with
//! `helpline dial`; the server's CPU time and memory are the operating system's. A bare loop that only moves the same
//! packets on as many sockets is measured before and after, with the same generator. `-- --write` writes
//! benches/REPORT.md, and `-- audio`, `-- setups` or `-- keys` measure that part alone. Takes about four minutes, and wants a
//! machine that does nothing else.

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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(port) = arguments.strip_prefix(&[bare::ARGUMENT.to_owned()]) {
        bare::run(port.first().and_then(|port| port.parse().ok()).expect("a port"));
        return;
    }
    // Cargo itself adds `--bench`.
    let (options, named): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|argument| argument.starts_with("--"));
    if let Some(unknown) = named.iter().find(|name| !measure::PARTS.contains(name)) {
        eprintln!("`{unknown}` is no part of it: {} are", measure::PARTS.join(", "));
        std::process::exit(2);
    }
    let figures = measure::parts(&named);
    println!("{figures}");
    if options.contains(&"--write") {
        section::put(&figures.report());
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("The figures are measured on Linux, whose /proc tells the server's CPU time and memory.");
}
