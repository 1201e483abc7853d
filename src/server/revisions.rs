//! The last revisions of the flow files and recordings, kept below the data folder: what was in use can be had again, also after
//! a restart.
//!
//! `revisions/<number>/flows/` holds the files as they were read, `revisions/<number>/revision.json` when and why, and
//! `revisions/<number>/recordings.json` which recordings were heard, by what is in them; that lies once in
//! `revisions/recordings/`, however many revisions have it. The newest one is the one in use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::flow::document::Source;
use crate::http;
use crate::media::prompts::{Heard, print_of};

/// So many are kept.
pub const REVISIONS_KEPT: usize = 10;
/// The folder below the data folder.
const FOLDER: &str = "revisions";
/// What is known of a revision.
const FACTS: &str = "revision.json";
/// The files of a revision.
const FLOWS: &str = "flows";
/// The recordings of a revision, and the folder with those of all.
const RECORDINGS: &str = "recordings";
/// The files that a rollback took the place of and no revision had.
const REPLACED: &str = "replaced";

/// Why a revision began to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Helpline started with it.
    Start,
    /// SIGHUP.
    Signal,
    /// Somebody asked over HTTP.
    Api,
    /// The files changed, and they are watched.
    Watch,
    /// Somebody wanted an earlier one back.
    Rollback,
}

impl Why {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Why::Start => "start",
            Why::Signal => "signal",
            Why::Api => "api",
            Why::Watch => "watch",
            Why::Rollback => "rollback",
        }
    }
}

/// What is known of a revision that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionFacts {
    /// One more than the one before.
    pub number: u32,
    /// When it began to be used.
    pub since: Timestamp,
    /// Why.
    pub why: Why,
    /// Of which earlier one it is the same, if it was gone back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<u32>,
    /// What stood in the installation file, as [`print_of`] has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
}

/// What a revision is made of.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The flow files.
    pub files: Files,
    /// The recordings that callers can hear.
    pub recordings: Recordings,
    /// What stands in the installation file, as [`print_of`] has it; `None` without one.
    pub settings: Option<Arc<str>>,
}

/// Recordings by their path below the folder of recordings, with `/` between its parts.
pub type Recordings = BTreeMap<String, Heard>;

/// What is in recordings, as [`print_of`] has it, by their path.
type Prints = BTreeMap<String, Arc<str>>;

/// Files by their path below the folder of flows, with `/` between its parts.
pub type Files = BTreeMap<String, String>;

/// The revisions that are kept.
#[derive(Clone, Debug)]
pub struct Revisions {
    folder: PathBuf,
}

impl Revisions {
    /// Those below a data folder, which need not be there yet.
    pub fn below(data: &Path) -> Revisions {
        Revisions { folder: data.join(FOLDER) }
    }

    /// All that are kept, the newest first. One that was not written whole is none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<RevisionFacts>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let Some(number) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let facts = fs::read(self.folder.join(&name).join(FACTS));
            let facts = facts.ok().and_then(|facts| serde_json::from_slice::<RevisionFacts>(&facts).ok());
            found.extend(facts.filter(|facts| facts.number == number));
        }
        found.sort_by_key(|facts| std::cmp::Reverse(facts.number));
        Ok(found)
    }

    /// What is known of a revision; `None` when it is not kept.
    pub fn facts(&self, number: u32) -> Option<RevisionFacts> {
        self.list().ok()?.into_iter().find(|kept| kept.number == number)
    }

    /// The folder with a revision's flow files.
    pub fn flows(&self, number: u32) -> PathBuf {
        self.folder.join(number.to_string()).join(FLOWS)
    }

    /// A revision's files.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn files(&self, number: u32) -> io::Result<Files> {
        let mut files = Files::new();
        read_below(&self.flows(number), "", &mut files)?;
        Ok(files)
    }

    /// Keeps what is used from now on: its number, which is that of the newest one when the files are the same. Those beyond
    /// [`REVISIONS_KEPT`] go. It is there whole or not at all, whenever the process dies. A new number is also beyond `after`:
    /// that of a revision which was in use and could not be kept.
    ///
    /// # Errors
    /// The disk is full, the folder may not be written, ...
    pub fn keep(
        &self,
        contents: &Contents,
        after: u32,
        since: Timestamp,
        why: Why,
        back_to: Option<u32>,
    ) -> io::Result<u32> {
        let kept = self.list()?;
        let newest = kept.first().map(|newest| newest.number);
        let prints: Prints =
            contents.recordings.iter().map(|(path, heard)| (path.clone(), heard.print.clone())).collect();
        if let Some(newest) = newest
            && back_to.is_none()
            && self.files(newest).is_ok_and(|same| same == contents.files)
            && self.recordings(newest).is_ok_and(|same| same == prints)
        {
            return Ok(newest);
        }
        let number = newest.unwrap_or(0).max(after).saturating_add(1);
        let settings = contents.settings.as_deref().map(str::to_owned);
        let facts = RevisionFacts { number, since, why, back_to, settings };
        // A name that is no number is none of ours yet.
        let unfinished = self.folder.join(format!("{number}.unfinished"));
        self.write(&unfinished, contents, (&facts, &prints)).inspect_err(|_| {
            // On a full disk it is in the way of what comes next; the reason that is told is the one above.
            let _ = remove_folder(&unfinished);
        })?;
        for old in kept.iter().skip(REVISIONS_KEPT - 1) {
            remove_folder(&self.folder.join(old.number.to_string()))?;
        }
        self.remove_unused_recordings()?;
        Ok(number)
    }

    /// What was in the recordings of a revision, by their paths; nothing of one that a version before this kept.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn recordings(&self, number: u32) -> io::Result<Prints> {
        match fs::read(self.folder.join(number.to_string()).join(format!("{RECORDINGS}.json"))) {
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => Ok(Prints::new()),
            text => Ok(serde_json::from_slice(&text?)?),
        }
    }

    /// The file with what is in a recording.
    pub fn recording(&self, print: &str) -> PathBuf {
        self.folder.join(RECORDINGS).join(format!("{print}.wav"))
    }

    /// Makes the recordings below `folder` these, which were read in place of what lies there: how many were others. What no
    /// revision has of what was there is put beside the revision `now`; others than these stay.
    ///
    /// # Errors
    /// The folder may not be written, ...; some may have been written then.
    pub fn put_recordings_back(&self, recordings: &Recordings, now: u32, folder: &Path) -> io::Result<usize> {
        let mut count = 0;
        for (path, heard) in recordings {
            let there = place(folder, path)?;
            match fs::read(&there) {
                Ok(octets) => {
                    let others = print_of(&octets);
                    if others == heard.print {
                        continue;
                    }
                    if !self.recording(&others).exists() {
                        let aside = self.folder.join(now.to_string()).join(REPLACED).join(RECORDINGS);
                        let aside = place(&aside, path)?;
                        write_whole(&aside, &octets)?;
                    }
                }
                Err(reason) if reason.kind() == io::ErrorKind::NotFound => {}
                Err(reason) => return Err(reason),
            }
            write_whole(&there, &fs::read(&heard.file)?)?;
            count += 1;
        }
        Ok(count)
    }

    /// Removes what no revision has any more.
    fn remove_unused_recordings(&self) -> io::Result<()> {
        let mut used = BTreeSet::new();
        for kept in self.list()? {
            used.extend(self.recordings(kept.number)?.into_values().map(|print| self.recording(&print)));
        }
        let entries = match fs::read_dir(self.folder.join(RECORDINGS)) {
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if !used.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn write(
        &self,
        unfinished: &Path,
        contents: &Contents,
        (facts, prints): (&RevisionFacts, &Prints),
    ) -> io::Result<()> {
        remove_folder(unfinished)?;
        write_below(&unfinished.join(FLOWS), &contents.files)?;
        for heard in contents.recordings.values() {
            self.keep_recording(heard)?;
        }
        let text = serde_json::to_vec_pretty(prints).expect("names can be written");
        fs::write(unfinished.join(format!("{RECORDINGS}.json")), text)?;
        let text = serde_json::to_vec_pretty(facts).expect("numbers and words can be written");
        fs::write(unfinished.join(FACTS), text)?;
        let folder = self.folder.join(facts.number.to_string());
        // What a process that died has left there, without facts.
        remove_folder(&folder)?;
        fs::rename(unfinished, folder)
    }

    fn keep_recording(&self, heard: &Heard) -> io::Result<()> {
        let place = self.recording(&heard.print);
        if place.exists() {
            return Ok(());
        }
        let octets = fs::read(&heard.file)?;
        if print_of(&octets) != heard.print {
            let file = heard.file.display();
            return Err(io::Error::other(format!("{file} was written meanwhile; reload when it is whole")));
        }
        write_whole(&place, &octets)
    }

    /// Puts files that a rollback takes the place of, and that no revision has, beside the revision that it made: where.
    ///
    /// # Errors
    /// The disk is full, ...
    pub fn put_aside(&self, number: u32, files: &Files) -> io::Result<PathBuf> {
        let folder = self.folder.join(number.to_string()).join(REPLACED);
        write_below(&folder, files)?;
        Ok(folder)
    }
}

/// The way for HTTP to list them.
pub fn listed(revisions: Revisions) -> http::ListRevisions {
    Arc::new(move || {
        let kept = revisions.list().map_err(|reason| reason.to_string())?;
        let shown = kept.into_iter().map(|kept| http::KeptRevision {
            number: kept.number,
            since: kept.since,
            why: kept.why.name(),
            back_to: kept.back_to,
        });
        Ok(shown.collect())
    })
}

/// The files that were read below `folder`, by their paths below it.
pub fn files_of(sources: &[Source], folder: &Path) -> Files {
    let below = |source: &Source| {
        let below = Path::new(&source.file).strip_prefix(folder).ok()?;
        let parts: Option<Vec<&str>> = below.components().map(|part| part.as_os_str().to_str()).collect();
        Some((parts?.join("/"), source.text.clone()))
    };
    sources.iter().filter_map(below).collect()
}

/// The recordings that are heard, by their paths below `folder`.
pub fn recordings_of(heard: &BTreeMap<PathBuf, Heard>, folder: &Path) -> Recordings {
    let below = |(path, heard): (&PathBuf, &Heard)| {
        let parts: Option<Vec<&str>> =
            path.strip_prefix(folder).ok()?.components().map(|part| part.as_os_str().to_str()).collect();
        Some((parts?.join("/"), heard.clone()))
    };
    heard.iter().filter_map(below).collect()
}

/// Makes the files below `folder` these: others that were read as flow files (`there`) go. Each is whole at every moment.
///
/// # Errors
/// The disk is full, the folder may not be written, ...; some files may have been written then.
pub fn restore(folder: &Path, there: &Files, wanted: &Files) -> io::Result<()> {
    for (path, text) in wanted {
        if there.get(path) != Some(text) {
            write_whole(&place(folder, path)?, text.as_bytes())?;
        }
    }
    for path in there.keys().filter(|path| !wanted.contains_key(*path)) {
        fs::remove_file(place(folder, path)?)?;
    }
    Ok(())
}

/// Where a file lies: never outside of `folder`.
fn place(folder: &Path, path: &str) -> io::Result<PathBuf> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside || path.is_empty() {
        return Err(io::Error::other(format!("`{path}` is no path below a folder")));
    }
    Ok(folder.join(path))
}

fn write_below(folder: &Path, files: &Files) -> io::Result<()> {
    // The files may hold passwords.
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    for (path, text) in files {
        let place = place(folder, path)?;
        place.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(place, text)?;
    }
    Ok(())
}

/// A hidden file is no flow file, so nobody reads it half.
fn write_whole(place: &Path, octets: &[u8]) -> io::Result<()> {
    let parent = place.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = parent.join(format!(".{name}.unfinished"));
    fs::write(&unfinished, octets)?;
    if let Ok(there) = fs::metadata(place) {
        fs::set_permissions(&unfinished, there.permissions())?;
    }
    fs::rename(&unfinished, place).inspect_err(|_| {
        // It is of no use to anybody; the reason that is told is the one above.
        let _ = fs::remove_file(&unfinished);
    })
}

fn read_below(folder: &Path, below: &str, files: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.file_type()?.is_dir() {
            read_below(&entry.path(), &path, files)?;
        } else {
            files.insert(path, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Files {
        Files::from([
            ("main.yaml".to_owned(), text.to_owned()),
            ("sales/day.yaml".to_owned(), "flow: day\n".to_owned()),
        ])
    }

    fn contents(text: &str) -> Contents {
        Contents { files: files(text), ..Contents::default() }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("it is a time")
    }

    #[test]
    fn the_last_ones_are_kept_and_the_same_is_no_new_one() {
        let data = tempfile::tempdir().expect("a folder");
        let revisions = Revisions::below(data.path());
        assert_eq!(revisions.list().expect("it is empty"), []);
        for number in 1..=12 {
            let text = format!("flow: main # {number}\n");
            for _ in 0..2 {
                let kept = revisions.keep(&contents(&text), 0, second(i64::from(number)), Why::Signal, None);
                assert_eq!(kept.expect("it is kept"), number);
            }
        }
        let numbers: Vec<u32> = revisions.list().expect("they are there").iter().map(|facts| facts.number).collect();
        assert_eq!(numbers, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
        assert_eq!(revisions.files(3).expect("it is there"), files("flow: main # 3\n"));
        assert!(revisions.files(2).is_err());
        let back = revisions.keep(&contents("flow: main # 12\n"), 0, second(13), Why::Rollback, Some(12));
        assert_eq!(back.expect("going back is always a revision"), 13);
        let newest = revisions.list().expect("they are there").swap_remove(0);
        assert_eq!(
            newest,
            RevisionFacts { number: 13, since: second(13), why: Why::Rollback, back_to: Some(12), settings: None }
        );
    }

    #[test]
    fn what_a_dying_process_left_is_no_revision() {
        let data = tempfile::tempdir().expect("a folder");
        let revisions = Revisions::below(data.path());
        revisions.keep(&contents("a"), 0, second(0), Why::Start, None).expect("it is kept");
        fs::create_dir_all(data.path().join("revisions/2.unfinished/flows")).expect("a folder");
        fs::create_dir_all(data.path().join("revisions/3/flows")).expect("a folder");
        fs::write(data.path().join("revisions/3/revision.json"), "{\"num").expect("half a file");
        assert_eq!(revisions.keep(&contents("b"), 0, second(1), Why::Api, None).expect("it is kept"), 2);
        assert_eq!(revisions.keep(&contents("c"), 0, second(2), Why::Api, None).expect("it is kept"), 3);
        assert_eq!(revisions.files(3).expect("it is there"), files("c"));
    }

    #[test]
    fn files_become_what_they_were() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut there = files("new");
        there.insert("later.yaml".to_owned(), "x".to_owned());
        write_below(folder.path(), &there).expect("they are written");
        fs::write(folder.path().join("notes.txt"), "mine").expect("it is written");
        let wanted = files("old");
        restore(folder.path(), &there, &wanted).expect("they are written");
        let mut found = Files::new();
        read_below(folder.path(), "", &mut found).expect("they are there");
        assert_eq!(found.remove("notes.txt").as_deref(), Some("mine"));
        assert_eq!(found, wanted);
        let outside = Files::from([("../main.yaml".to_owned(), String::new())]);
        assert!(restore(folder.path(), &Files::new(), &outside).is_err());
    }

    #[test]
    fn paths_are_those_below_the_folder_of_flows() {
        let source = |file: &str| Source { file: file.to_owned(), text: "x".to_owned() };
        let files = files_of(&[source("etc/flows/main.yaml"), source("etc/flows/a/b.yaml")], Path::new("etc/flows"));
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a/b.yaml", "main.yaml"]);
    }

    #[test]
    fn recordings_are_kept_once_and_put_back() {
        let data = tempfile::tempdir().expect("a folder");
        let prompts = tempfile::tempdir().expect("a folder");
        let revisions = Revisions::below(data.path());
        let path = |name: &str| prompts.path().join(name);
        let write = |name: &str, text: &str| {
            fs::create_dir_all(path(name).parent().expect("it has one")).expect("a folder");
            fs::write(path(name), text).expect("it is written");
        };
        let keep = |after: u32, names: &[&str]| {
            let heard = |name: &&str| {
                let print = print_of(&fs::read(path(name)).expect("it is there"));
                ((*name).to_owned(), Heard { file: path(name), print })
            };
            let contents = Contents { recordings: names.iter().map(heard).collect(), ..contents("flow: main") };
            revisions.keep(&contents, after, second(i64::from(after)), Why::Api, None)
        };
        let stored = || fs::read_dir(data.path().join("revisions/recordings")).expect("it is there").count();
        write("en/a.wav", "one");
        write("en/b.wav", "one");
        assert_eq!(keep(0, &["en/a.wav", "en/b.wav"]).expect("it is kept"), 1);
        assert_eq!((keep(0, &["en/a.wav", "en/b.wav"]).expect("it is the same"), stored()), (1, 1));
        write("en/a.wav", "two");
        assert_eq!((keep(1, &["en/a.wav"]).expect("it is kept"), stored()), (2, 2));
        let first: Recordings = revisions
            .recordings(1)
            .expect("they are known")
            .into_iter()
            .map(|(path, print)| (path, Heard { file: revisions.recording(&print), print }))
            .collect();
        // Never in use: it is put aside.
        write("en/a.wav", "three");
        fs::remove_file(path("en/b.wav")).expect("it was there");
        write("en/c.wav", "mine");
        assert_eq!(revisions.put_recordings_back(&first, 2, prompts.path()).expect("they are written"), 2);
        let read = |name: &str| fs::read_to_string(path(name)).expect("it is there");
        assert_eq!((read("en/a.wav"), read("en/b.wav"), read("en/c.wav")), ("one".into(), "one".into(), "mine".into()));
        let aside = data.path().join("revisions/2/replaced/recordings/en/a.wav");
        assert_eq!(fs::read_to_string(aside).expect("it was put aside"), "three");
        assert_eq!(revisions.put_recordings_back(&first, 2, prompts.path()).expect("nothing is to do"), 0);
        // What no revision has any more goes.
        for round in 2..=11 {
            write("en/a.wav", &format!("round {round}"));
            keep(round, &["en/a.wav"]).expect("it is kept");
        }
        assert_eq!(stored(), 10);
    }

    #[test]
    fn what_cannot_be_kept_leaves_nothing_and_its_number_is_not_given_again() {
        let data = tempfile::tempdir().expect("a folder");
        let revisions = Revisions::below(data.path());
        revisions.keep(&contents("a"), 0, second(0), Why::Start, None).expect("it is kept");
        let gone = Heard { file: data.path().join("gone.wav"), print: print_of(b"before") };
        let lacking = Contents { recordings: Recordings::from([("en/a.wav".to_owned(), gone)]), ..contents("b") };
        assert!(revisions.keep(&lacking, 1, second(1), Why::Api, None).is_err());
        assert!(!data.path().join("revisions/2.unfinished").exists());
        assert_eq!(revisions.list().expect("they are there").len(), 1);
        // It was in use as number 2.
        assert_eq!(revisions.keep(&contents("c"), 2, second(2), Why::Api, None).expect("it is kept"), 3);
    }
}
