//! What a bench is asked for on its command line: parts of it by name, and `--write`.

/// The parts that are asked for, none for all of them, and whether the report is to be written. Anything else ends the program.
pub fn parts_of(parts: &[&str]) -> (Vec<String>, bool) {
    // Cargo itself adds `--bench`.
    let (options, named): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    if let Some(unknown) = named.iter().find(|name| !parts.contains(&name.as_str())) {
        eprintln!("`{unknown}` is no part of it: {} are", parts.join(", "));
        std::process::exit(2);
    }
    (named, options.iter().any(|option| option == "--write"))
}
