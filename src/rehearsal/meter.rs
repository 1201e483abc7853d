//! Metrics as they change during a call test: the very ones of `/metrics`.

use std::collections::BTreeMap;

use crate::clock::{Clock, Moment};
use crate::flow::document::diagnostic::nearest;
use crate::journal::JournalEntry;
use crate::metrics::Metrics;
use crate::server::desk::standing;
use crate::switchboard::View;

/// Counts from the beginning of a call.
pub(super) struct Meter {
    metrics: Metrics,
    before: BTreeMap<String, f64>,
}

impl Meter {
    /// All counters at zero, and queues and agents as they stand in `view`.
    pub(super) fn start(view: &View) -> Meter {
        let mut meter = Meter { metrics: Metrics::new(Clock::start()), before: BTreeMap::new() };
        meter.stand(view);
        meter.before = meter.series();
        meter
    }

    pub(super) fn fold(&mut self, entry: &JournalEntry, now: Moment) {
        self.metrics.fold(entry, now);
    }

    pub(super) fn stand(&mut self, view: &View) {
        self.metrics.stand(standing(view));
    }

    /// By how much the series of `name` with these labels have changed, all of them together.
    ///
    /// # Errors
    /// The name that was probably meant, where there is no such metric.
    pub(super) fn change(&self, name: &str, labels: &[(String, String)]) -> Result<f64, Option<String>> {
        let exposed = self.metrics.exposition().text();
        let bare = ["_count", "_sum", "_bucket"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let names = || exposed.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        if !names().any(|known| known == name || known == bare) && !exposed.lines().any(|line| starts_with(line, name))
        {
            return Err(nearest(name, names()).map(str::to_owned));
        }
        let now = series_of(&exposed);
        let sum = |series: &BTreeMap<String, f64>| -> f64 {
            series
                .iter()
                .filter(|(series, _)| starts_with(series, name) && has(series, labels))
                .map(|(_, value)| value)
                .sum()
        };
        Ok(sum(&now) - sum(&self.before))
    }

    fn series(&self) -> BTreeMap<String, f64> {
        series_of(&self.metrics.exposition().text())
    }
}

/// Every series with its value.
fn series_of(exposed: &str) -> BTreeMap<String, f64> {
    let lines = exposed.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

fn starts_with(series: &str, name: &str) -> bool {
    series.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['{', ' ']))
}

fn has(series: &str, labels: &[(String, String)]) -> bool {
    labels.iter().all(|(name, value)| {
        let label = format!("{name}=\"{value}\"");
        series.contains(&format!("{{{label}")) || series.contains(&format!(",{label}"))
    })
}
