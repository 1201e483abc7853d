//! Recordings that were loaded before: a reload decodes only what has changed, and what has not is in memory once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use super::draft::draft_path;
use super::resample::Converter;
use super::{Kind, Library, MUSIC_DEPTH_MAX, Music, PromptFault, find_wavs, load_with, recording_path};
use crate::telephony::Clip;

/// Threads that load, at most.
const LOADERS_MAX: usize = 8;

/// What was loaded, by file.
#[derive(Debug, Default)]
pub struct Shelf {
    loaded: BTreeMap<(PathBuf, Kind), Book>,
    /// Asked for since the last [`Shelf::tidy`].
    wanted: BTreeSet<(PathBuf, Kind)>,
    /// Those of them that are heard, by the path that was asked for.
    heard: BTreeMap<PathBuf, Heard>,
    /// The files that are read in place of others.
    instead: BTreeMap<PathBuf, PathBuf>,
}

type Loaded = Result<Arc<Clip>, PromptFault>;

/// A file with a recording that is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The file that was read.
    pub file: PathBuf,
    /// What is in it, as [`print_of`] has it.
    pub print: Arc<str>,
}

/// By which the same octets are known: SHA-256, in hexadecimal.
pub fn print_of(octets: &[u8]) -> Arc<str> {
    Sha256::digest(octets).iter().map(|octet| format!("{octet:02x}")).collect::<String>().into()
}

/// What was loaded of a file.
#[derive(Clone, Debug)]
struct Book {
    stamp: Stamp,
    loaded: Loaded,
    /// Empty where it cannot be read.
    print: Arc<str>,
}

/// By what a file is known to be the same as it was. The system's time of change comes with every write, also of one that
/// sets the time of the file back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Stamp {
        Stamp {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

impl Shelf {
    /// Loads `<folder>/<language>/<name>.wav` for each language and name that is wanted, or its draft where there is no
    /// recording that can be used.
    pub fn library(&mut self, folder: &Path, wanted: &[(Arc<str>, Arc<str>)]) -> Library {
        let paths: Vec<PathBuf> =
            wanted.iter().map(|(language, name)| recording_path(folder, language, name)).collect();
        let mut library = Library::default();
        let recorded = self.load_all(&paths, Kind::Prompt);
        let lacking: Vec<usize> = (0..paths.len()).filter(|place| !matches!(recorded[*place], Some(Ok(_)))).collect();
        let draft = |place: &usize| draft_path(folder, &wanted[*place].0, &wanted[*place].1);
        let draft_paths: Vec<PathBuf> = lacking.iter().map(draft).collect();
        let mut drafts: BTreeMap<usize, Loaded> = BTreeMap::new();
        for (number, draft) in self.load_all(&draft_paths, Kind::Prompt).into_iter().enumerate() {
            drafts.extend(draft.map(|draft| (lacking[number], draft)));
        }
        for (place, result) in recorded.into_iter().enumerate() {
            let nothing_there = result.is_none();
            library.clips.push(match result {
                Some(Ok(clip)) => Some(clip),
                other => {
                    library.faults.extend(other.and_then(Result::err).map(|fault| (paths[place].clone(), fault)));
                    match drafts.remove(&place) {
                        Some(Ok(clip)) => {
                            library.drafts.push(place);
                            Some(clip)
                        }
                        Some(Err(fault)) => {
                            library.faults.push((draft_path(folder, &wanted[place].0, &wanted[place].1), fault));
                            None
                        }
                        None => {
                            if nothing_there {
                                library.missing.push(place);
                            }
                            None
                        }
                    }
                }
            });
        }
        library
    }

    /// Loads every WAV below `<folder>/music/`, or below `<folder>/music/<name>/`. A folder that is not there holds none.
    pub fn music(&mut self, folder: &Path, name: Option<&str>) -> Music {
        let mut below = folder.join("music");
        below.extend(name);
        let mut paths = Vec::new();
        find_wavs(&below, MUSIC_DEPTH_MAX, &mut paths);
        // What is read instead need not be there.
        paths.extend(self.instead.keys().filter(|path| path.starts_with(&below)).cloned());
        paths.sort();
        paths.dedup();
        let mut music = Music::default();
        for (path, result) in paths.iter().zip(self.load_all(&paths, Kind::Music)) {
            match result {
                Some(Ok(clip)) => music.clips.push(clip),
                Some(Err(fault)) => music.faults.push((path.clone(), fault)),
                None => {}
            }
        }
        music
    }

    /// From now on, other files are read in place of these.
    pub fn read_instead(&mut self, instead: BTreeMap<PathBuf, PathBuf>) {
        self.instead = instead;
    }

    /// What was asked for since the last [`Shelf::tidy`] and is heard, by the path that was asked for.
    pub fn heard(&self) -> &BTreeMap<PathBuf, Heard> {
        &self.heard
    }

    /// Lets go of what nobody has asked for since the last time.
    pub fn tidy(&mut self) {
        self.heard.clear();
        let wanted = std::mem::take(&mut self.wanted);
        self.loaded.retain(|name, _| wanted.contains(name));
    }

    /// Loads files side by side; nothing for one that is not there.
    fn load_all(&mut self, paths: &[PathBuf], kind: Kind) -> Vec<Option<Loaded>> {
        let (known, instead) = (&self.loaded, &self.instead);
        let file = |path: &PathBuf| instead.get(path).unwrap_or(path).clone();
        let next = AtomicUsize::new(0);
        let load_some = || {
            let mut converter = None;
            let mut loaded = Vec::new();
            while let Some((place, path)) = {
                let place = next.fetch_add(1, Ordering::Relaxed);
                paths.get(place).map(|path| (place, file(path)))
            } {
                // What is there and may not be looked at is told of when it is loaded.
                let stamp = match fs::metadata(&path) {
                    Ok(file) => Some(Stamp::of(&file)),
                    Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(_) => None,
                };
                let before = known.get(&(path.clone(), kind)).filter(|before| Some(before.stamp) == stamp);
                let (result, print) = match before {
                    Some(before) => (before.loaded.clone(), before.print.clone()),
                    None => {
                        let clip = load_with(converter.get_or_insert_with(Converter::new), &path, kind).map(Arc::new);
                        let print = fs::read(&path).map(|octets| print_of(&octets));
                        (clip, print.unwrap_or_else(|_| Arc::from("")))
                    }
                };
                loaded.push((place, stamp, result, print));
            }
            loaded
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(LOADERS_MAX).min(paths.len());
        let all: Vec<(usize, Option<Stamp>, Loaded, Arc<str>)> = std::thread::scope(|scope| {
            let loaders: Vec<_> = (0..threads).map(|_| scope.spawn(load_some)).collect();
            let join = |loader: std::thread::ScopedJoinHandle<'_, Vec<_>>| {
                loader.join().expect("loading reports its faults as values")
            };
            loaders.into_iter().flat_map(join).collect()
        });
        let mut results: Vec<Option<Loaded>> = paths.iter().map(|_| None).collect();
        for (place, stamp, result, print) in all {
            let file = self.instead.get(&paths[place]).unwrap_or(&paths[place]).clone();
            if let Some(stamp) = stamp {
                let name = (file.clone(), kind);
                self.loaded.insert(name.clone(), Book { stamp, loaded: result.clone(), print: print.clone() });
                self.wanted.insert(name);
            }
            if result.is_ok() && !print.is_empty() {
                self.heard.insert(paths[place].clone(), Heard { file, print });
            }
            results[place] = Some(result);
        }
        results
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::media::prompts::write_wav;

    #[test]
    fn what_has_not_changed_is_the_same_clip() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("en/main")).expect("a folder");
        let path = folder.path().join("en/main/hello.wav");
        let write = |level: i16| write_wav(&path, &[level, -level].repeat(4_000)).expect("it is written");
        let wanted: [(Arc<str>, Arc<str>); 2] = [("en".into(), "main/hello".into()), ("en".into(), "main/gone".into())];
        let mut shelf = Shelf::default();
        let load = |shelf: &mut Shelf| shelf.library(folder.path(), &wanted).clips;
        write(8_000);
        let first = load(&mut shelf);
        let again = load(&mut shelf);
        assert!(
            first[1].is_none() && Arc::ptr_eq(first[0].as_ref().expect("it is there"), again[0].as_ref().expect("so"))
        );
        fs::remove_file(&path).expect("it was there");
        write(9_000);
        let other = load(&mut shelf);
        assert!(!Arc::ptr_eq(first[0].as_ref().expect("it is there"), other[0].as_ref().expect("so")));
        fs::remove_file(&path).expect("it was there");
        assert!(load(&mut shelf)[0].is_none());
        shelf.tidy();
        shelf.tidy();
        assert!(shelf.loaded.is_empty());
    }
}
