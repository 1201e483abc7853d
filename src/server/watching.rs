//! Watching the files: when the installation file, a flow or a recording changes, everything is read again.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::{info, warn};

use super::reload::Request;
use super::revisions::Why;

/// Programs write several files one after the other, and one file in several steps: what counts is what is there when
/// nothing has changed for so long ...
const QUIET: Duration = Duration::from_millis(500);
/// ... but no later than this after the first change.
const PATIENCE: Duration = Duration::from_secs(5);

/// The watch; it ends when this is dropped.
pub struct Watch {
    _watcher: RecommendedWatcher,
}

/// Watches files and folders, the folders with all that is below them; nothing when there are none. What cannot be
/// watched is told, and is no reason not to answer calls.
pub fn start(places: &[PathBuf], requests: tokio::sync::mpsc::Sender<Request>) -> Option<Watch> {
    if places.is_empty() {
        return None;
    }
    let (sender, changes) = mpsc::channel();
    let wanted: Vec<PathBuf> = places.iter().map(|place| absolute(place)).collect();
    let told = wanted.clone();
    let heed = move |event: notify::Result<Event>| match event {
        Ok(event) if matters(&event, &told) => {
            // Whoever listened has ended with the server.
            let _ = sender.send(());
        }
        Ok(_) => {}
        Err(reason) => warn!("files cannot be watched: {reason}"),
    };
    let watched = notify::recommended_watcher(heed).and_then(|mut watcher| {
        for place in &wanted {
            let (folder, how) = watched(place);
            watcher.watch(folder, how)?;
        }
        Ok(watcher)
    });
    let spawned = thread::Builder::new().name("watch".into()).spawn(move || follow(&changes, &requests));
    match (watched, spawned) {
        (Ok(watcher), Ok(_)) => {
            info!("files are watched: what changes is read at once");
            Some(Watch { _watcher: watcher })
        }
        (Err(reason), _) => {
            warn!("files cannot be watched: {reason}; `helpline reload` reads them");
            None
        }
        (_, Err(reason)) => {
            warn!(%reason, "files cannot be watched; `helpline reload` reads them");
            None
        }
    }
}

fn absolute(place: &Path) -> PathBuf {
    std::path::absolute(place).unwrap_or_else(|_| place.to_owned())
}

/// A file is watched by its folder: programs replace it by another of the same name.
fn watched(place: &Path) -> (&Path, RecursiveMode) {
    match place.parent() {
        Some(parent) if !place.is_dir() => (parent, RecursiveMode::NonRecursive),
        _ => (place, RecursiveMode::Recursive),
    }
}

/// Whether something that is read has changed: reading is no change, and hidden files are those of editors.
fn matters(event: &Event, places: &[PathBuf]) -> bool {
    let changes = match event.kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        EventKind::Access(_) | EventKind::Any | EventKind::Other => false,
    };
    let hidden = |below: &Path| {
        below.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."))
            || below.extension() == Some(OsStr::new("swp"))
    };
    let ours =
        |path: &PathBuf| places.iter().filter_map(|place| path.strip_prefix(place).ok()).any(|below| !hidden(below));
    changes && event.paths.iter().any(ours)
}

fn follow(changes: &Receiver<()>, requests: &tokio::sync::mpsc::Sender<Request>) {
    while changes.recv().is_ok() {
        let first = Instant::now();
        while first.elapsed() < PATIENCE && changes.recv_timeout(QUIET).is_ok() {}
        if requests.blocking_send(Request::unanswered(Why::Watch)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, CreateKind, DataChange, MetadataKind, RemoveKind, RenameMode};

    use super::*;

    #[test]
    fn only_what_is_read_matters() {
        let places = [PathBuf::from("/etc/helpline.yaml"), PathBuf::from("/etc/flows")];
        let check = |kind: EventKind, path: &str, expected: bool| {
            let event = Event::new(kind).add_path(path.into());
            assert_eq!(matters(&event, &places), expected, "{event:?}");
        };
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        check(written, "/etc/flows/main.yaml", true);
        check(written, "/etc/helpline.yaml", true);
        check(written, "/etc/passwd", false);
        check(written, "/etc/flows/.main.yaml.swp", false);
        check(written, "/etc/flows/.git/index", false);
        check(EventKind::Create(CreateKind::File), "/etc/flows/sales/a.yaml", true);
        check(EventKind::Remove(RemoveKind::File), "/etc/flows/a.yaml", true);
        check(EventKind::Modify(ModifyKind::Name(RenameMode::To)), "/etc/flows/a.yaml", true);
        check(EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)), "/etc/flows/a.yaml", false);
        check(EventKind::Access(AccessKind::Any), "/etc/flows/a.yaml", false);
    }
}
