//! The figures beside their limits, as a table for the terminal and for benches/REPORT.md.

use std::fmt;

use serde_json::Value;

use super::machine::Memory;

/// What was measured.
pub struct Figures {
    machine: String,
    load: String,
    rows: Vec<Row>,
    notes: Vec<String>,
}

struct Row {
    figure: &'static str,
    limit: String,
    measured: String,
    /// Nothing for what has no limit.
    kept: Option<bool>,
}

impl Figures {
    /// None yet.
    pub fn new(machine: String, load: String) -> Figures {
        Figures { machine, load, rows: Vec::new(), notes: Vec::new() }
    }

    /// CPU a call, the bare loop's mean, and both of its runs; all in % of one processor.
    pub fn cpu(&mut self, percent: f64, bare: f64, (first, second): (f64, f64)) {
        self.row("CPU a call, of one core", "<= 0.05 %", format!("{percent:.4} %"), Some(percent <= 0.05));
        let ratio = percent / bare;
        self.row("CPU a call to the bare loop's", "<= 2.0 x", format!("{ratio:.2} x"), Some(ratio <= 2.0));
        self.note(format!("The bare loop took {first:.4} % before and {second:.4} % after the server's run."));
    }

    /// The packets of the calls that were watched, and those of the bare loop, which show the generator and the kernel.
    pub fn pacing(&mut self, report: &Value, bare: &Value) {
        let answered = whole(report, "/calls/answered");
        let (expected, received) = (whole(report, "/rtp/expected"), whole(report, "/rtp/received"));
        self.row("calls at once", "1000", answered.to_string(), Some(answered == 1_000));
        let delivered = format!("{received} of {expected}");
        self.row("packets delivered", "all", delivered, Some(expected > 0 && received == expected));
        let gaps = "/rtp/inter_arrival_ms";
        self.row("packet to packet p50", "", ms(number(report, gaps, "p50")), None);
        self.at_most("packet to packet p99", 21.5, number(report, gaps, "p99"));
        self.at_most("packet to packet p99.9", 25.0, number(report, gaps, "p99_9"));
        self.row("packet to packet max", "", ms(number(report, gaps, "max")), None);
        let of = |report: &Value, name: &str, share: &str| ms(number(report, name, share));
        self.note(format!(
            "The bare loop's packets came with p99 {}, p99.9 {}, max {}: what the machine itself does to pacing.",
            of(bare, gaps, "p99"),
            of(bare, gaps, "p99_9"),
            of(bare, gaps, "max"),
        ));
        let own = "/own_lateness_ms";
        let (late, longest) = (of(report, own, "p99"), of(report, own, "max"));
        self.note(format!("The generator was late at its own steps by p99 {late}, max {longest}."));
    }

    /// Calls set up and torn down: CPU of all and of those at 500 and at 1,500 a second while they came, and their reports.
    pub fn setups(&mut self, milliseconds: f64, while_they_came: [f64; 2], steady: &Value, fast: &Value) {
        let shown = format!("{milliseconds:.3} ms");
        self.row("CPU a call set up and torn down", "<= 0.2 ms", shown, Some(milliseconds <= 0.2));
        self.at_most("INVITE to 200 p99 at 500/s", 5.0, number(steady, "/setup_ms", "p99"));
        let shown = [("p50", "p50"), ("p99", "p99"), ("max", "max")]
            .map(|(name, share)| format!("{name} {}", ms(number(fast, "/setup_ms", share))));
        let repeated = |report: &Value| {
            let sent = whole(report, "/signalling/retransmissions_sent");
            sent + whole(report, "/signalling/retransmissions_received")
        };
        let seconds = fast.pointer("/seconds").and_then(Value::as_f64).unwrap_or_default();
        let clean = repeated(fast) == 0 && whole(fast, "/calls/failed") == 0;
        self.row("retransmissions at 1,500/s", "0", repeated(fast).to_string(), Some(clean));
        let (answered, failed) = (whole(fast, "/calls/answered"), whole(fast, "/calls/failed"));
        self.note(format!(
            "At 1,500 a second {answered} calls were answered and {failed} failed within {seconds:.1} s; INVITE to 200 {}.",
            shown.join(", ")
        ));
        let [at_500, at_1500] = while_they_came;
        self.note(format!(
            "Of that {at_500:.3} ms a call at 500 a second and {at_1500:.3} ms at 1,500 while they came; the rest is the end of \
             their transactions."
        ));
        let (failed, repeated) = (whole(steady, "/calls/failed"), repeated(steady));
        self.note(format!("At 500 a second {failed} calls failed, with {repeated} retransmissions."));
    }

    /// Memory: KiB a call that talks.
    pub fn memory(&mut self, per_call: f64) {
        self.row("memory a call", "<= 40 KiB", format!("{per_call:.1} KiB"), Some(per_call <= 40.0));
    }

    /// Memory before any calls were set up and torn down, after the first 200 of them, at the end of 12,000 more, when the
    /// transactions of those are forgotten, and the same after 11,000 more.
    pub fn forgotten(&mut self, [cold, settled, peak, warm, end]: [Memory; 5]) {
        // A twentieth is what an allocator's leftovers come to.
        let (start, left) = (settled.resident_kib, end.resident_kib);
        let back = left <= start + start / 20;
        let measured = format!("{left} KiB ({:+})", left as i64 - start as i64);
        self.row("memory after the calls", &format!("back to {start} KiB"), measured, Some(back));
        let told = |memory: Memory| format!("{} KiB ({} of it data)", memory.resident_kib, memory.own_kib);
        self.note(format!(
            "Memory: {} before any call was torn down at speed; {} after the first 200, which brought the code that a call \
             runs into memory, and 36 s: the row compares with this; {} at the end of 12,000 more, {} 36 s later; {} 36 s \
             after yet 11,000 more.",
            told(cold),
            told(settled),
            told(peak),
            told(warm),
            told(end),
        ));
    }

    /// The report of the callers who pressed keys.
    pub fn keys(&mut self, report: &Value) {
        let spread = "/keys/to_next_prompt_ms";
        self.row("key to next prompt p50", "", ms(number(report, spread, "p50")), None);
        self.at_most("key to next prompt p99", 45.0, number(report, spread, "p99"));
        let (pressed, marked) = (whole(report, "/keys/pressed"), whole(report, "/keys/prompts_by_marker"));
        let heard = whole(report, "/keys/prompts_by_sound");
        let followed = marked + heard;
        self.row("keys followed by a prompt", &pressed.to_string(), followed.to_string(), Some(followed == pressed));
        self.note(format!("Prompts were known by their marker {marked} times and by their sound {heard} times."));
    }

    /// benches/REPORT.md.
    pub fn report(&self) -> String {
        let mut text = format!(
            "# Figures of the running server\n\nWritten by `cargo bench --bench calls -- --write` on {}.\n\n- Machine: {}.\n- \
             Load averages at the start: {}. The server runs on one core, its generator on the others.\n- The server's CPU time is \
             the scheduler's (`/proc/<pid>/task/*/schedstat`), its memory is `VmRSS`; packets carry the kernel's receive \
             timestamps.\n- The bare loop sends and receives one packet a call and tick on as many sockets, and nothing else; it is \
             measured in the same run, with the same generator.\n\n| figure | limit | measured | |\n|---|---|---|---|\n",
            jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
            self.machine,
            self.load,
        );
        for row in &self.rows {
            text.push_str(&format!("| {} | {} | {} | {} |\n", row.figure, row.limit, row.measured, row.verdict()));
        }
        text.push('\n');
        self.notes.iter().for_each(|note| text.push_str(&format!("- {note}\n")));
        text
    }

    fn at_most(&mut self, figure: &'static str, limit: f64, measured: Option<f64>) {
        let kept = measured.is_some_and(|measured| measured <= limit);
        self.row(figure, &format!("<= {limit} ms"), ms(measured), Some(kept));
    }

    fn row(&mut self, figure: &'static str, limit: &str, measured: String, kept: Option<bool>) {
        self.rows.push(Row { figure, limit: limit.to_owned(), measured, kept });
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

impl Row {
    fn verdict(&self) -> &'static str {
        match self.kept {
            None => "",
            Some(true) => "ok",
            Some(false) => "MISSED",
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\nload averages at the start: {}\n", self.machine, self.load)?;
        writeln!(f, "{:<36}{:<22}{:<28}", "figure", "limit", "measured")?;
        for row in &self.rows {
            writeln!(f, "{:<36}{:<22}{:<28}{}", row.figure, row.limit, row.measured, row.verdict())?;
        }
        writeln!(f)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))?;
        let missed = self.rows.iter().filter(|row| row.kept == Some(false)).count();
        write!(f, "{missed} of {} limits missed", self.rows.iter().filter(|row| row.kept.is_some()).count())
    }
}

fn number(report: &Value, spread: &str, share: &str) -> Option<f64> {
    report.pointer(spread)?.get(share)?.as_f64()
}

fn whole(report: &Value, pointer: &str) -> u64 {
    report.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

fn ms(figure: Option<f64>) -> String {
    figure.map_or_else(|| "not measured".to_owned(), |figure| format!("{figure:.2} ms"))
}
