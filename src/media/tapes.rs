//! The shell that writes tapes: a thread of its own, which reactors hand blocks of audio to, so that no tick ever waits for
//! a disk. When it cannot write as fast as callers speak, what does not fit is silence on the tape, and counted.
//!
//! A tape is `NAME.part.wav` with `NAME.json`, what is to be known of it, beside it, until it is kept: then it is on the
//! disk, and called `NAME.wav`. Its header is true after every block, so that a tape can be played whatever has happened;
//! [`recover`] gives those that a dead process has left their names.

mod file;
mod recovery;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::telephony::{KeptTape, LegId, MediaEvent, TapeId, TapeKind, TapeOrder, TapeReport};

use super::recorder::Block;
use file::TapeFile;
pub use file::{Beside, PART, clip_of};
pub use recovery::recover;

/// Jobs that may be on their way to the thread; a reactor keeps the others until there is room.
const JOBS: usize = 4_096;
/// Blocks that are made for each tape: of 3 s, the two that are being filled included.
const BLOCKS_EACH: usize = 6;
/// Blocks that are kept when no tape needs them.
const BLOCKS_KEPT: usize = 12;

/// What the thread tells.
#[derive(Debug)]
pub enum TapeNews {
    /// For the switchboard.
    Event(MediaEvent),
    /// A tape was kept.
    Kept(Box<KeptTape>),
}

/// What the thread is told.
pub(super) enum Job {
    Open(LegId, Box<TapeOrder>),
    /// Audio of a tape, and whose block it is.
    Block(TapeId, usize, Box<Block>),
    /// All of it has come.
    Close(TapeId, TapeReport),
    Keep(TapeId),
    Drop(TapeId),
    Read(LegId, TapeId, Option<Arc<str>>),
    Stop,
}

impl Job {
    /// The tape that it is about.
    fn tape(&self) -> Option<TapeId> {
        match self {
            Job::Open(_, order) => Some(order.tape),
            Job::Block(tape, ..) | Job::Close(tape, _) | Job::Keep(tape) | Job::Drop(tape) | Job::Read(_, tape, _) => {
                Some(*tape)
            }
            Job::Stop => None,
        }
    }
}

fn blocks(jobs: &[Job]) -> usize {
    jobs.iter().filter(|job| matches!(job, Job::Block(..))).count()
}

/// The thread; dropping it writes all that waits.
pub struct Tapes {
    jobs: SyncSender<Job>,
    thread: Option<JoinHandle<()>>,
}

impl Tapes {
    /// Starts the thread, which writes below `folder` and tells `sink`, on its own thread, what comes of it; and a deck
    /// for each of so many reactors.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        folder: PathBuf,
        reactors: usize,
        sink: impl FnMut(TapeNews) + Send + 'static,
    ) -> io::Result<(Tapes, Vec<Deck>)> {
        let (jobs, orders) = mpsc::sync_channel(JOBS);
        let mut decks = Vec::new();
        let mut back = Vec::new();
        for index in 0..reactors {
            let (give, returned) = mpsc::channel();
            back.push(give);
            decks.push(Deck {
                index,
                jobs: jobs.clone(),
                returned,
                pool: Vec::new(),
                made: 0,
                tapes: 0,
                backlog: VecDeque::new(),
            });
        }
        let writer = Writer { folder, back, open: HashMap::new(), sink };
        let thread = thread::Builder::new().name("tapes".into()).spawn(move || writer.run(&orders))?;
        Ok((Tapes { jobs, thread: Some(thread) }, decks))
    }
}

impl Drop for Tapes {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // An error says that the thread is gone.
            let _ = self.jobs.send(Job::Stop);
            if thread.join().is_err() {
                tracing::warn!("the thread that writes tapes panicked");
            }
        }
    }
}

/// A reactor's side: blocks to fill, and the way to the thread. It never waits.
pub struct Deck {
    index: usize,
    jobs: SyncSender<Job>,
    returned: Receiver<Box<Block>>,
    pool: Vec<Box<Block>>,
    /// Blocks that there are, here and elsewhere.
    made: usize,
    /// Tapes that run.
    tapes: usize,
    /// What the thread has no room for yet. Blocks are counted and orders are few, so that it is bounded.
    backlog: VecDeque<Job>,
}

impl Deck {
    /// A tape is to be written: makes the blocks that it will need.
    pub(super) fn open(&mut self, leg: LegId, order: Box<TapeOrder>) {
        self.tapes += 1;
        self.make_blocks();
        self.tell(Job::Open(leg, order));
    }

    /// A tape goes on at another reactor's deck, with so many blocks, if it still runs: what the thread has not heard of it
    /// yet goes with it, so that it hears all in order.
    pub(super) fn hand_over(&mut self, tape: TapeId, held: Option<usize>) -> Vec<Job> {
        let (jobs, rest): (Vec<Job>, Vec<Job>) = self.backlog.drain(..).partition(|job| job.tape() == Some(tape));
        self.backlog = rest.into();
        self.tapes = self.tapes.saturating_sub(held.map_or(0, |_| 1));
        self.made = self.made.saturating_sub(held.unwrap_or(0) + blocks(&jobs));
        self.make_blocks();
        self.forget_blocks();
        jobs
    }

    /// And goes on here. From now on the blocks that go with it are this deck's.
    pub(super) fn take_over(&mut self, jobs: Vec<Job>, held: Option<usize>) {
        self.tapes += held.map_or(0, |_| 1);
        self.made += held.unwrap_or(0) + blocks(&jobs);
        self.make_blocks();
        for job in jobs {
            self.tell(match job {
                Job::Block(tape, _, block) => Job::Block(tape, self.index, block),
                job => job,
            });
        }
    }

    /// As many as the tapes that run need, and room for all of them, so that a tick allocates nothing.
    fn make_blocks(&mut self) {
        while self.made < self.tapes * BLOCKS_EACH {
            self.made += 1;
            self.pool.push(Block::boxed());
        }
        self.backlog.reserve(self.made + 4 * self.tapes);
        self.pool.reserve(self.made);
    }

    /// Hands over a block of a tape.
    pub(super) fn write(&mut self, tape: TapeId, block: Box<Block>) {
        self.tell(Job::Block(tape, self.index, block));
    }

    /// A block to fill, while there is one.
    pub(super) fn block(&mut self) -> Option<Box<Block>> {
        if self.pool.is_empty() {
            self.pool.extend(self.returned.try_iter());
        }
        self.pool.pop()
    }

    /// A block that was not needed.
    pub(super) fn give_back(&mut self, block: Box<Block>) {
        self.pool.push(block);
    }

    /// All of a tape has been handed over.
    pub(super) fn close(&mut self, tape: TapeId, report: TapeReport) {
        self.tapes = self.tapes.saturating_sub(1);
        self.tell(Job::Close(tape, report));
        self.forget_blocks();
    }

    /// Blocks that no tape will need.
    fn forget_blocks(&mut self) {
        self.pool.extend(self.returned.try_iter());
        let wanted = (self.tapes * BLOCKS_EACH).max(BLOCKS_KEPT);
        while self.made > wanted && self.pool.pop().is_some() {
            self.made -= 1;
        }
    }

    pub(super) fn tell(&mut self, job: Job) {
        self.backlog.push_back(job);
        self.flush();
    }

    /// Hands over what has waited.
    pub(super) fn flush(&mut self) {
        while let Some(job) = self.backlog.pop_front() {
            if let Err(TrySendError::Full(job)) = self.jobs.try_send(job) {
                return self.backlog.push_front(job);
            }
        }
    }
}

/// What the thread owns.
struct Writer<S> {
    folder: PathBuf,
    back: Vec<Sender<Box<Block>>>,
    open: HashMap<TapeId, Open>,
    sink: S,
}

/// A tape that is not kept yet.
struct Open {
    leg: LegId,
    order: Box<TapeOrder>,
    /// `None` when it cannot be written.
    file: Option<TapeFile>,
}

impl<S: FnMut(TapeNews)> Writer<S> {
    fn run(mut self, orders: &Receiver<Job>) {
        while let Ok(job) = orders.recv() {
            match job {
                Job::Open(leg, order) => self.begin(leg, order),
                Job::Block(tape, deck, block) => self.write(tape, deck, block),
                Job::Close(tape, report) => self.close(tape, report),
                Job::Keep(tape) => self.keep(tape),
                Job::Drop(tape) => self.forget(tape),
                Job::Read(leg, tape, folder) => self.read(leg, tape, folder),
                Job::Stop => return,
            }
        }
    }

    fn begin(&mut self, leg: LegId, order: Box<TapeOrder>) {
        let file = TapeFile::create(&self.folder, &order);
        let tape = order.tape;
        let open = Open { leg, order, file: None };
        let open = self.open.entry(tape).insert_entry(open).into_mut();
        match file {
            Ok(file) => open.file = Some(file),
            Err(reason) => fail(&mut self.sink, leg, &open.order, &reason),
        }
    }

    fn write(&mut self, tape: TapeId, deck: usize, block: Box<Block>) {
        if let Some(open) = self.open.get_mut(&tape)
            && let Some(file) = &mut open.file
            && !file.is_broken()
            && let Err(reason) = file.write(&block)
        {
            fail(&mut self.sink, open.leg, &open.order, &reason);
        }
        // A reactor that has ended wants none.
        let _ = self.back[deck].send(block);
    }

    fn close(&mut self, tape: TapeId, report: TapeReport) {
        if let Some(Open { leg, order, file: Some(file) }) = self.open.get_mut(&tape)
            && !file.is_broken()
            && let Err(reason) = file.end_at(report.length)
        {
            fail(&mut self.sink, *leg, order, &reason);
        }
    }

    fn keep(&mut self, tape: TapeId) {
        let Some(Open { leg, order, file }) = self.open.remove(&tape) else { return };
        let Some(file) = file else { return };
        let length = file.length();
        if length < order.shortest.min(Duration::from_millis(100)) || length.is_zero() {
            return file.remove();
        }
        match file.keep() {
            Ok(octets) => {
                let TapeOrder { kind, folder, label, .. } = *order;
                let kept = KeptTape { name: kind.name(tape), kind, folder, label, length, octets };
                (self.sink)(TapeNews::Kept(Box::new(kept)));
            }
            Err(reason) => fail(&mut self.sink, leg, &order, &reason),
        }
    }

    fn forget(&mut self, tape: TapeId) {
        if let Some(Open { file: Some(file), .. }) = self.open.remove(&tape) {
            file.remove();
        }
    }

    fn read(&mut self, leg: LegId, tape: TapeId, folder: Option<Arc<str>>) {
        let clip = match (self.open.get(&tape), folder) {
            (Some(Open { file: Some(file), .. }), _) => clip_of(file.path()).ok(),
            (_, Some(folder)) => {
                let name = TapeKind::Message.name(tape);
                clip_of(&self.folder.join(&*folder).join(format!("{name}.wav"))).ok()
            }
            _ => None,
        };
        let clip = clip.map(Arc::new);
        (self.sink)(TapeNews::Event(MediaEvent::TapeRead { leg, tape, clip }));
    }
}

fn fail(sink: &mut impl FnMut(TapeNews), leg: LegId, order: &TapeOrder, reason: &io::Error) {
    let TapeOrder { tape, kind, .. } = *order;
    sink(TapeNews::Event(MediaEvent::TapeFailed { leg, tape, kind, reason: reason.to_string() }));
}
