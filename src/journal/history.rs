//! How records of calls are asked for.

use jiff::Timestamp;

use super::Outcome;

/// As many records are on a page at most ...
pub const PAGE_MAX: usize = 500;
/// ... and so many unless something else is asked for.
pub const PAGE_USUAL: usize = 100;

/// Which records, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordQuery {
    /// Calls that began then or later ...
    pub from: Option<Timestamp>,
    /// ... and before this.
    pub to: Option<Timestamp>,
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// That were in this queue.
    pub queue: Option<String>,
    /// In which this agent spoke.
    pub agent: Option<String>,
    /// As many at once, 1 to [`PAGE_MAX`].
    pub limit: usize,
    /// Those after the page that ended with this [`RecordPage::next`]. Calls that have come since change nothing.
    pub before: Option<i64>,
}

/// A page of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordPage {
    /// Each as JSON.
    pub records: Vec<String>,
    /// Where the next page goes on; `None` after the last.
    pub next: Option<i64>,
}
