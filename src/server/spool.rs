//! Lines on their way to a file or a terminal: whoever writes one never waits for the disk, the pipe or the reader.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::warn;
use tracing_subscriber::fmt::MakeWriter;

/// As many lines may wait to be written; what comes beyond is counted and dropped.
pub const LINES_MAX: usize = 8_192;
/// Lines of so long a while are written together: a system call a while, not one a line. While they come more often than
/// this, putting one wakes nobody.
const PAUSE: Duration = Duration::from_millis(50);
/// As much is written at once.
const WRITE_MAX: usize = 256 * 1024;
/// Room for so much is kept between two writes.
const WRITE_KEPT: usize = 16 * 1024;

enum Item {
    Line(Vec<u8>),
    Finish,
}

/// Where lines are put.
#[derive(Clone)]
pub struct Spool {
    sender: SyncSender<Item>,
    lost: Arc<AtomicU64>,
}

/// The thread that writes what was put into a [`Spool`].
pub struct SpoolThread {
    spool: Spool,
    thread: Option<JoinHandle<()>>,
}

impl Spool {
    /// Starts a thread called `name` that writes to `sink`.
    pub fn start(name: &'static str, sink: impl Write + Send + 'static) -> io::Result<(Spool, SpoolThread)> {
        let (sender, receiver) = sync_channel(LINES_MAX);
        let spool = Spool { sender, lost: Arc::default() };
        let lost = spool.lost.clone();
        let thread = thread::Builder::new().name(name.into()).spawn(move || write_all(name, &receiver, &lost, sink))?;
        Ok((spool.clone(), SpoolThread { spool, thread: Some(thread) }))
    }

    /// Puts a line, its end included; drops it when too many wait.
    pub fn put(&self, line: Vec<u8>) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(Item::Line(line)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for SpoolThread {
    /// Writes what waits.
    fn drop(&mut self) {
        // Fails only when the thread has ended by itself.
        let _ = self.spool.sender.send(Item::Finish);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(name: &str, receiver: &Receiver<Item>, lost: &AtomicU64, mut sink: impl Write) {
    let mut buffer = Vec::new();
    let mut broken = false;
    let mut finished = false;
    while !finished {
        let mut item = receiver.recv().ok();
        loop {
            match item {
                Some(Item::Line(line)) => buffer.extend_from_slice(&line),
                Some(Item::Finish) => finished = true,
                None => break,
            }
            if finished || buffer.len() >= WRITE_MAX {
                break;
            }
            item = receiver.try_recv().ok();
        }
        let written = sink.write_all(&buffer).and_then(|()| sink.flush());
        buffer.clear();
        buffer.shrink_to(WRITE_KEPT);
        // Said once: where the log itself cannot be written, nobody reads this either.
        if let (Err(reason), false) = (written, broken) {
            broken = true;
            warn!(%name, %reason, "lines cannot be written");
        }
        let count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            warn!(%name, count, "lines were dropped: they came faster than they can be written");
        }
        if !finished {
            thread::sleep(PAUSE);
        }
    }
}

/// One line being formatted; it is put when it is whole.
pub struct Line<'a>(&'a Spool);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.put(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// `tracing-subscriber` formats a line whole and writes it with one call.
impl<'a> MakeWriter<'a> for Spool {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// A file that is appended to and, when it has grown, put aside once: it takes at most twice `size_max` of the disk.
pub struct RotatedFile {
    path: PathBuf,
    aside: PathBuf,
    file: File,
    size: u64,
    size_max: u64,
}

impl RotatedFile {
    /// Opens `folder/stem.extension`, readable by its owner only; the older half is `folder/stem.1.extension`.
    pub fn open(folder: &Path, stem: &str, extension: &str, size_max: u64) -> io::Result<RotatedFile> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{stem}.{extension}"));
        let aside = folder.join(format!("{stem}.1.{extension}"));
        let file = append(&path)?;
        let size = file.metadata()?.len();
        Ok(RotatedFile { path, aside, file, size, size_max })
    }
}

impl Write for RotatedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size > 0 && self.size + bytes.len() as u64 > self.size_max {
            fs::rename(&self.path, &self.aside)?;
            self.file = append(&self.path)?;
            self.size = 0;
        }
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_written_when_the_thread_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = RotatedFile::open(folder.path(), "records", "jsonl", 1 << 20).expect("it can be written");
        let (spool, thread) = Spool::start("test", file).expect("a thread");
        for number in 0..1_000 {
            spool.put(format!("{number}\n").into_bytes());
        }
        drop(thread);
        let text = fs::read_to_string(folder.path().join("records.jsonl")).expect("it is there");
        assert_eq!(text.lines().count(), 1_000);
        assert_eq!(text.lines().last(), Some("999"));
    }

    #[test]
    fn a_grown_file_is_put_aside_once() {
        let folder = tempfile::tempdir().expect("a folder");
        for round in 0..3 {
            let mut file = RotatedFile::open(folder.path(), "records", "jsonl", 10).expect("it can be written");
            for number in 0..4 {
                file.write_all(format!("{round}.{number}\n").as_bytes()).expect("it can be written");
            }
        }
        let read = |name| fs::read_to_string(folder.path().join(name)).expect("it is there");
        assert_eq!((read("records.1.jsonl"), read("records.jsonl")), ("2.0\n2.1\n".into(), "2.2\n2.3\n".into()));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }
}
