//! benches/REPORT.md: each bench writes its section, and those of the others stay.

use std::fs;
use std::path::Path;

/// Puts a section, which begins with its heading (`# ...`), in place of the last one of that heading, or at the end.
pub fn put(section: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/REPORT.md");
    let report = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&path, with(&report, section)).expect("the report is written");
    println!("written to {}", path.display());
}

/// The report with this section in it.
fn with(report: &str, section: &str) -> String {
    let heading = section.lines().next().unwrap_or_default();
    let mut sections: Vec<&str> = Vec::new();
    let mut rest = report;
    while !rest.is_empty() {
        let end = rest.find("\n# ").map_or(rest.len(), |at| at + 1);
        sections.push(rest[..end].trim_end());
        rest = &rest[end..];
    }
    match sections.iter_mut().find(|other| other.lines().next() == Some(heading)) {
        Some(old) => *old = section.trim_end(),
        None => sections.push(section.trim_end()),
    }
    sections.join("\n\n") + "\n"
}
