//! Reading everything again while calls go on: because a signal came, somebody asked over HTTP, or files have changed; or
//! going back to an earlier revision. One reading at a time, on a thread of its own; what is found faulty changes nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::desk::Wish;
use super::revisions::{Contents, Files, RevisionFacts, Revisions, Why, restore};
use super::{Loaded, know_flows};
use crate::flow::FlowSet;
use crate::flow::difference::differences;
use crate::http::{self, Reloaded};
use crate::metrics::Series;
use crate::switchboard::Revision;

/// As many wishes for a reload may wait; those that wait together are one.
pub const REQUESTS_MAX: usize = 8;

/// So many changes of a reload are logged.
const CHANGES_LOGGED: usize = 50;
/// How often it is looked whether calls still follow earlier revisions.
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The files as they are now.
    Files,
    /// The files as they were in a revision that is kept.
    Revision(u32),
}

/// All that was read, and found without an error.
pub struct Reading {
    /// What calls need of it.
    pub loaded: Loaded,
    /// The folder of the flow files.
    pub folder: PathBuf,
    /// The folder of the recordings.
    pub prompts: PathBuf,
    /// What was read.
    pub contents: Contents,
    /// The flow files that lie in the folder.
    pub there: Files,
    /// What is wrong all the same, each as `helpline check --format json` tells it.
    pub warnings: Vec<Value>,
    /// What counts after a restart only.
    pub later: Vec<&'static str>,
}

/// Why nothing can be made of it.
#[derive(Debug)]
pub enum Unusable {
    /// There are errors.
    Faulty {
        /// As `helpline check` prints them.
        text: String,
        /// As `helpline check --format json` tells them.
        faults: Vec<Value>,
    },
    /// Something could not be read or written.
    Failed(String),
}

/// Reads everything that calls need.
pub type Reader = Arc<dyn Fn(What) -> Result<Reading, Unusable> + Send + Sync>;

/// Somebody wants everything read again.
pub struct Request {
    /// Back to this revision, or what the files say now.
    pub what: What,
    /// Who wants it.
    pub why: Why,
    /// Who waits for what becomes of it.
    pub answer: Option<oneshot::Sender<Reloaded>>,
}

impl Request {
    /// What nobody waits for.
    pub fn unanswered(why: Why) -> Request {
        Request { what: What::Files, why, answer: None }
    }
}

/// The way for HTTP to ask for a reload, or for the way back to a revision.
pub fn on_request(requests: mpsc::Sender<Request>) -> http::Reload {
    Arc::new(move |back_to| {
        let what = back_to.map_or(What::Files, What::Revision);
        let why = if back_to.is_some() { Why::Rollback } else { Why::Api };
        let (answer, answered) = oneshot::channel();
        let asked = requests.try_send(Request { what, why, answer: Some(answer) }).is_ok();
        Box::pin(async move { if asked { answered.await.ok() } else { None } })
    })
}

/// What is needed to read everything again.
#[derive(Clone)]
pub struct Reloads {
    reader: Reader,
    revisions: Revisions,
    series: Series,
    /// The revision in use.
    number: u32,
    flows: Arc<FlowSet>,
}

impl Reloads {
    /// Keeps what was read at the start, and the number that it has.
    pub fn begin(reader: Reader, revisions: Revisions, series: Series, first: &Reading) -> Reloads {
        know_flows(&series, &first.loaded.flows);
        let mut reloads = Reloads { reader, revisions, series, number: 0, flows: first.loaded.flows.clone() };
        // It has been told in the log; here nobody waits for an answer.
        (reloads.number, _) = reloads.keep(&first.contents, Why::Start, None);
        reloads
    }

    /// The number of the revision in use.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Does what is wanted until nobody can want anything, or nobody heeds it. `in_use` is what was read at the start.
    pub async fn follow(
        mut self,
        mut in_use: Arc<Revision>,
        mut requests: mpsc::Receiver<Request>,
        wishes: mpsc::Sender<Wish>,
    ) {
        let mut waiting = Vec::new();
        let mut earlier = Vec::new();
        loop {
            tokio::select! {
                count = requests.recv_many(&mut waiting, REQUESTS_MAX) => if count == 0 { return },
                () = wishes.closed() => return,
                () = tokio::time::sleep(FORGET_EVERY), if !earlier.is_empty() => forget(&mut earlier),
            }
            while !waiting.is_empty() {
                // Whoever wants the files read wants them as they are now: one reading is enough for all of them.
                let first = waiting.remove(0);
                let mut together = vec![first.answer];
                while first.what == What::Files && waiting.first().is_some_and(|next| next.what == What::Files) {
                    together.push(waiting.remove(0).answer);
                }
                let mut reloads = self.clone();
                let done = tokio::task::spawn_blocking(move || {
                    let outcome = reloads.read(first.what, first.why);
                    tell(&outcome.1);
                    (reloads, outcome)
                });
                let (revision, told) = match done.await {
                    Ok((reloads, outcome)) => {
                        self = reloads;
                        outcome
                    }
                    Err(_) => {
                        let told = Reloaded::Failed("reading broke off".to_owned());
                        tell(&told);
                        (None, told)
                    }
                };
                if let Some(revision) = &revision {
                    earlier.push(std::mem::replace(&mut in_use, revision.clone()));
                }
                let wish = revision.map_or(Wish::Unrevised, Wish::Revise);
                if wishes.send(wish).await.is_err() {
                    return;
                }
                for answer in together.into_iter().flatten() {
                    // Whoever asked may be gone.
                    let _ = answer.send(told.clone());
                }
            }
        }
    }

    fn read(&mut self, what: What, why: Why) -> (Option<Arc<Revision>>, Reloaded) {
        let facts = match what {
            What::Files => None,
            What::Revision(number) => match self.revisions.facts(number) {
                Some(facts) => Some(facts),
                None => return (None, Reloaded::NotKept),
            },
        };
        // One that was a way back itself has the files of another.
        let back_to = facts.as_ref().map(|facts| facts.back_to.unwrap_or(facts.number));
        let reading = match (self.reader)(what) {
            Ok(reading) => reading,
            Err(Unusable::Faulty { text, faults }) => return (None, Reloaded::Faulty { text, faults }),
            Err(Unusable::Failed(reason)) => return (None, Reloaded::Failed(reason)),
        };
        let before = self.number;
        let (number, mut notes) = self.keep(&reading.contents, why, back_to);
        self.number = number;
        if let Some(facts) = facts {
            notes.extend(self.put_back(before, &facts, &reading));
        }
        if !reading.later.is_empty() {
            notes.push(format!("these settings have changed and count after a restart: {}", reading.later.join(", ")));
        }
        let flows = reading.loaded.flows.clone();
        know_flows(&self.series, &flows);
        let changes = differences(&self.flows, &flows);
        self.flows = flows;
        let told = Reloaded::Done {
            revision: self.number,
            back_to,
            changes: changes.into_iter().map(|change| change.text).collect(),
            warnings: reading.warnings,
            notes,
        };
        (Some(Arc::new(reading.loaded.revision(self.number))), told)
    }

    /// Keeps what is used from now on: its number, and what is to be told of it. Not to be able to is no reason not to use it.
    fn keep(&self, contents: &Contents, why: Why, back_to: Option<u32>) -> (u32, Vec<String>) {
        // Nobody reads more than seconds.
        let now = Timestamp::now();
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        match self.revisions.keep(contents, self.number, now, why, back_to) {
            Ok(number) => (number, Vec::new()),
            Err(reason) => {
                warn!(%reason, "this revision of the flows cannot be kept");
                let note = format!("this revision cannot be kept, and there will be no way back to it: {reason}");
                (self.number.saturating_add(1), vec![note])
            }
        }
    }

    /// Makes the flow files and the recordings what they were. What cannot be written is told; calls follow the earlier
    /// revision all the same.
    fn put_back(&self, before: u32, facts: &RevisionFacts, reading: &Reading) -> Vec<String> {
        let mut notes = Vec::new();
        let files = &reading.contents.files;
        let unsaved = !self.revisions.files(before).is_ok_and(|files| files == reading.there);
        let mut written = || -> io::Result<()> {
            if unsaved && reading.there != *files {
                let folder = self.revisions.put_aside(self.number, &reading.there)?;
                notes.push(format!("the files had changes that were never in use; they lie in {}", folder.display()));
            }
            restore(&reading.folder, &reading.there, files)
        };
        if let Err(reason) = written() {
            notes.push(not_put_back("files", &reading.folder, &reason));
        }
        match self.revisions.put_recordings_back(&reading.contents.recordings, self.number, &reading.prompts) {
            Ok(0) => {}
            Ok(1) => notes.push(format!("a recording in {} is again what it was", reading.prompts.display())),
            Ok(count) => {
                notes.push(format!("{count} recordings in {} are again what they were", reading.prompts.display()))
            }
            Err(reason) => notes.push(not_put_back("recordings", &reading.prompts, &reason)),
        }
        if facts.settings.is_some() && facts.settings.as_deref() != reading.contents.settings.as_deref() {
            notes
                .push(format!("the installation file has changed since revision {}, and stays as it is", facts.number));
        }
        notes
    }
}

fn not_put_back(what: &str, folder: &Path, reason: &io::Error) -> String {
    format!(
        "the {what} in {} could not be put back ({reason}): new calls follow the earlier revision until the next reload or \
         restart reads them again",
        folder.display()
    )
}

/// Lets go of the revisions that no call follows any more. Somebody else than the loops of calls is the last to hold them: to
/// free a large set takes its time.
fn forget(earlier: &mut Vec<Arc<Revision>>) {
    let last = |revision: &Arc<Revision>| Arc::strong_count(revision) == 1 && Arc::strong_count(&revision.flows) == 1;
    let over: Vec<Arc<Revision>> = earlier.extract_if(.., |revision| last(revision)).collect();
    if !over.is_empty() {
        drop(tokio::task::spawn_blocking(move || drop(over)));
    }
}

fn tell(told: &Reloaded) {
    match told {
        Reloaded::Done { revision, changes, notes, .. } => {
            info!(revision, changes = changes.len(), "the flows were read again");
            for change in changes.iter().take(CHANGES_LOGGED) {
                info!(revision, "{change}");
            }
            if let Some(more) = changes.len().checked_sub(CHANGES_LOGGED).filter(|more| *more > 0) {
                info!(revision, more, "there are more changes: `helpline diff` between the two revisions tells all");
            }
            for note in notes {
                warn!(revision, "{note}");
            }
        }
        Reloaded::Faulty { text, .. } => error!("the flows stay as they were: they have faults\n{text}"),
        Reloaded::Failed(reason) => error!("the flows stay as they were: {reason}"),
        Reloaded::NotKept => warn!("the flows stay as they were: the revision that was asked for is not kept"),
    }
}
