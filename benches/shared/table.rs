//! The figures beside their limits, for the terminal and for benches/REPORT.md.

/// What was measured.
pub struct Table {
    /// What the section is about, and the bench that writes it.
    of: (&'static str, &'static str),
    machine: String,
    load: String,
    rows: Vec<(&'static str, &'static str, String, &'static str)>,
    notes: Vec<String>,
}

impl Table {
    /// An empty one for `# Figures of <what>`, which `cargo bench --bench <bench>` writes.
    pub fn new(what: &'static str, bench: &'static str, machine: String, load: String) -> Table {
        Table { of: (what, bench), machine, load, rows: Vec::new(), notes: Vec::new() }
    }

    /// A figure with its limit, and whether that was kept.
    pub fn row(&mut self, figure: &'static str, limit: &'static str, measured: String, kept: bool) {
        self.rows.push((figure, limit, measured, if kept { "ok" } else { "MISSED" }));
    }

    /// A figure that has no limit.
    pub fn figure(&mut self, figure: &'static str, measured: String) {
        self.rows.push((figure, "", measured, ""));
    }

    /// A remark below the table.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// The section.
    pub fn text(&self) -> String {
        let (what, bench) = self.of;
        let mut text = format!(
            "# Figures of {what}\n\nWritten by `cargo bench --bench {bench} -- --write` on {}.\n\n- Machine: {}.\n- Load averages \
             at the start: {}. The server runs on one core, the telephones on the others.\n\n| figure | limit | measured | |\n\
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
}
