//! Reading everything again while calls go on: because a signal came, somebody asked over HTTP, or files have changed; or
//! going back to an earlier revision. One reading at a time, on a thread of its own; what is found faulty changes nothing.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::Loaded;
use super::desk::Wish;
use super::revisions::{Files, Revisions, Why, restore};
use crate::flow::FlowSet;
use crate::flow::difference::differences;
use crate::http::{self, Reloaded};
use crate::switchboard::Revision;

/// As many wishes for a reload may wait; those that wait together are one.
pub const REQUESTS_MAX: usize = 8;

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
    /// The flow files that were read.
    pub files: Files,
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
    /// The revision in use.
    number: u32,
    flows: Arc<FlowSet>,
}

impl Reloads {
    /// Keeps what was read at the start, and the number that it has.
    pub fn begin(reader: Reader, revisions: Revisions, first: &Reading) -> Reloads {
        let mut reloads = Reloads { reader, revisions, number: 0, flows: first.loaded.flows.clone() };
        reloads.number = reloads.keep(&first.files, Why::Start, None);
        reloads
    }

    /// The number of the revision in use.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Does what is wanted until nobody can want anything, or nobody heeds it.
    pub async fn follow(mut self, mut requests: mpsc::Receiver<Request>, wishes: mpsc::Sender<Wish>) {
        let mut waiting = Vec::new();
        loop {
            tokio::select! {
                count = requests.recv_many(&mut waiting, REQUESTS_MAX) => if count == 0 { return },
                () = wishes.closed() => return,
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
                    (reloads, outcome)
                });
                let (revision, told) = match done.await {
                    Ok((reloads, outcome)) => {
                        self = reloads;
                        outcome
                    }
                    Err(_) => (None, Reloaded::Failed("reading broke off".to_owned())),
                };
                tell(&told);
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
        let back_to = match what {
            What::Files => None,
            What::Revision(number) => match self.revisions.original(number) {
                Some(original) => Some(original),
                None => return (None, Reloaded::NotKept),
            },
        };
        let reading = match (self.reader)(what) {
            Ok(reading) => reading,
            Err(Unusable::Faulty { text, faults }) => return (None, Reloaded::Faulty { text, faults }),
            Err(Unusable::Failed(reason)) => return (None, Reloaded::Failed(reason)),
        };
        let before = self.number;
        self.number = self.keep(&reading.files, why, back_to);
        let mut notes = Vec::new();
        if back_to.is_some() {
            notes.extend(self.put_back(before, &reading));
        }
        if !reading.later.is_empty() {
            notes.push(format!("these settings have changed and count after a restart: {}", reading.later.join(", ")));
        }
        let flows = reading.loaded.flows.clone();
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

    /// Keeps what is used from now on. Not to be able to is no reason not to use it.
    fn keep(&self, files: &Files, why: Why, back_to: Option<u32>) -> u32 {
        self.revisions.keep(files, Timestamp::now(), why, back_to).unwrap_or_else(|reason| {
            warn!(%reason, "this revision of the flows cannot be kept: there will be no way back to it");
            self.number.saturating_add(1)
        })
    }

    /// Makes the flow files what they were. What cannot be written is told; calls follow the earlier revision all the same.
    fn put_back(&self, before: u32, reading: &Reading) -> Vec<String> {
        let mut notes = Vec::new();
        let unsaved = !self.revisions.files(before).is_ok_and(|files| files == reading.there);
        let mut written = || -> io::Result<()> {
            if unsaved && reading.there != reading.files {
                let folder = self.revisions.put_aside(self.number, &reading.there)?;
                notes.push(format!("the files had changes that were never in use; they lie in {}", folder.display()));
            }
            restore(&reading.folder, &reading.there, &reading.files)
        };
        match written() {
            Ok(()) => notes,
            Err(reason) => vec![format!(
                "the files in {} could not be put back ({reason}): new calls follow the earlier revision until the next \
                 reload or restart reads the files again",
                reading.folder.display()
            )],
        }
    }
}

fn tell(told: &Reloaded) {
    match told {
        Reloaded::Done { revision, changes, notes, .. } => {
            info!(revision, changes = changes.len(), "the flows were read again");
            for change in changes {
                info!(revision, "{change}");
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
