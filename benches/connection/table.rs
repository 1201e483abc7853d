//! The figures beside their limits, for the terminal and for benches/REPORT.md.

use std::fs;
use std::path::Path;

/// What begins our part of the report; it goes on to the report's end.
const HEADING: &str = "# Figures of callers and agents";

/// What was measured.
pub struct Table {
    machine: String,
    load: String,
    rows: Vec<(&'static str, &'static str, String, &'static str)>,
    notes: Vec<String>,
}

impl Table {
    pub fn new(machine: String, load: String) -> Table {
        Table { machine, load, rows: Vec::new(), notes: Vec::new() }
    }

    /// A figure with its limit, and whether that was kept.
    pub fn row(&mut self, figure: &'static str, limit: &'static str, measured: String, kept: bool) {
        self.rows.push((figure, limit, measured, if kept { "ok" } else { "MISSED" }));
    }

    /// A figure that has no limit.
    pub fn figure(&mut self, figure: &'static str, measured: String) {
        self.rows.push((figure, "", measured, ""));
    }

    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "{HEADING}\n\nWritten by `cargo bench --bench connection -- --write` on {}.\n\n- Machine: {}.\n- Load averages at the \
             start: {}. The server runs on one core, the telephones on the others.\n\n| figure | limit | measured | |\n\
             |---|---|---|---|\n",
            jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
            self.machine,
            self.load,
        );
        for (figure, limit, measured, verdict) in &self.rows {
            text.push_str(&format!("| {figure} | {limit} | {measured} | {verdict} |\n"));
        }
        text.push('\n');
        self.notes.iter().for_each(|note| text.push_str(&format!("- {note}\n")));
        text
    }

    /// Puts the table at the end of the report, in place of the last one.
    pub fn write(&self, path: &Path) {
        let report = fs::read_to_string(path).unwrap_or_default();
        let others = report.find(HEADING).map_or(report.as_str(), |at| &report[..at]).trim_end();
        fs::write(path, format!("{others}\n\n{}", self.text())).expect("the report is written");
    }
}
