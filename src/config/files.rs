//! Files and folders: what of them can be read is read, and what cannot is told like every other fault.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Installation, Loaded};
use crate::flow::document::diagnostic::shortened;
use crate::flow::document::tree::MAX_FILE_BYTES;
use crate::flow::document::{self, Diagnostic, Known, LANGUAGE_FILE, Reading, Severity, Source, codes};

/// Most flow files.
const MAX_FLOW_FILES: usize = 1000;
/// Most folders of recordings.
const MAX_LANGUAGES: usize = 200;
/// Most files below a folder.
const MAX_FILES: usize = 100_000;
/// Deepest nesting of folders.
const MAX_FOLDERS: usize = 16;
/// Largest file of a secret.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// What stands below the folder of flows.
#[derive(Clone, Debug, Default)]
pub struct FlowFiles {
    /// The files that could be read, in the order of their paths.
    pub sources: Vec<Source>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the installation file; an absent one is none.
pub(super) fn load_installation(file: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Loaded {
    let folder = file.parent().unwrap_or(Path::new(""));
    let shown = file.display().to_string();
    let text = match read_text(file, MAX_FILE_BYTES) {
        Ok(text) => text,
        Err(Unread::Absent) => {
            let installation = Installation::default().within(folder);
            return Loaded { installation, diagnostics: Vec::new(), sources: Vec::new() };
        }
        Err(unread) => {
            let diagnostics = vec![unread.told(&shown)];
            return Loaded { installation: Installation::default().within(folder), diagnostics, sources: Vec::new() };
        }
    };
    let source = Source { file: shown, text };
    let read_secret = |path: &Path| read_text(&folder.join(path), MAX_SECRET_BYTES).map_err(|unread| unread.why());
    let (installation, diagnostics) = Installation::read(&source, environment, &read_secret);
    Loaded { installation: installation.within(folder), diagnostics, sources: vec![source] }
}

/// Reads every `*.yaml` below the folder of flows, and checks them against the recordings that exist.
pub fn load_flows(installation: &Installation) -> (Reading, Vec<Source>) {
    check_flows(installation, read_flow_files(&installation.flows))
}

/// Checks flow files against the recordings that exist.
pub fn check_flows(installation: &Installation, files: FlowFiles) -> (Reading, Vec<Source>) {
    let prompts = recordings(&installation.prompts);
    let folder = installation.prompts.display().to_string();
    let languages = read_language_files(&installation.prompts);
    let mut reading = document::read(
        &files.sources,
        &Known {
            prompts: &prompts,
            folder: &folder,
            today: jiff::Zoned::now().date(),
            codes: &installation.codes,
            languages: &languages.sources,
            environment: &|name| std::env::var(name).ok(),
            dial_plan: &installation.sip.dial_plan(),
            mails: installation.mail.is_some(),
            secret: &|path| read_text(&installation.flows.join(path), MAX_SECRET_BYTES).map_err(|unread| unread.why()),
        },
    );
    if !files.diagnostics.is_empty() || !languages.diagnostics.is_empty() {
        let mut diagnostics = files.diagnostics;
        diagnostics.extend(languages.diagnostics);
        let folder_is_bad = files.sources.is_empty();
        // "There is no flow" follows from what could not be read.
        diagnostics.extend(
            std::mem::take(&mut reading.diagnostics).into_iter().filter(|fault| !(folder_is_bad && fault.line == 0)),
        );
        reading = Reading { diagnostics, ..reading };
        if reading.has_errors() {
            (reading.flows, reading.faulty) = (None, None);
        }
    }
    (reading, [files.sources, languages.sources].concat())
}

/// Reads the `language.yaml` of every folder of recordings that has one.
fn read_language_files(prompts: &Path) -> FlowFiles {
    let mut found = FlowFiles::default();
    // A folder that cannot be read has no recordings either, which is told where they are asked for.
    let mut folders: Vec<PathBuf> =
        fs::read_dir(prompts).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    folders.sort();
    for path in folders.into_iter().take(MAX_LANGUAGES).map(|folder| folder.join(LANGUAGE_FILE)) {
        match read_text(&path, MAX_FILE_BYTES) {
            Ok(text) => found.sources.push(Source { file: path.display().to_string(), text }),
            Err(Unread::Absent) => {}
            // The folder is a file.
            Err(Unread::Refused(error)) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(unread) => found.diagnostics.push(unread.told(&path.display().to_string())),
        }
    }
    found
}

/// Reads every `*.yaml` below `folder`, in the order of their paths.
pub fn read_flow_files(folder: &Path) -> FlowFiles {
    let mut found = FlowFiles::default();
    let mut paths = files_below(folder, &mut |path, error| {
        let unread = if error.kind() == io::ErrorKind::NotFound { Unread::Absent } else { Unread::Refused(error) };
        let told = unread.told(&path.display().to_string());
        found.diagnostics.push(match path == folder {
            true => told.remedy("the setting `flows` of the installation file names the folder of flow files"),
            false => told,
        });
    });
    for path in &paths {
        let like = |name: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(name));
        if !is_flow_file(path) && (like("yml") || like("yaml")) {
            let shown = path.display().to_string();
            let message = format!("`{shown}` is not read: the names of flow files end in `.yaml`");
            let told = Diagnostic::of_file(codes::UNREADABLE, Severity::Warning, &shown, message);
            let told = told.remedy(format!("name it `{}`", path.with_extension("yaml").display()));
            found.diagnostics.push(told.consequence("callers would meet nothing of what stands in it"));
        }
    }
    paths.retain(|path| is_flow_file(path));
    if paths.len() > MAX_FLOW_FILES {
        let message = format!("there are more than {MAX_FLOW_FILES} flow files");
        let shown = folder.display().to_string();
        found.diagnostics.push(Diagnostic::of_file(codes::TOO_LARGE, Severity::Error, shown, message));
    }
    for path in paths.into_iter().take(MAX_FLOW_FILES) {
        let shown = path.display().to_string();
        match read_text(&path, MAX_FILE_BYTES) {
            Ok(text) => found.sources.push(Source { file: shown, text }),
            Err(unread) => found.diagnostics.push(unread.told(&shown)),
        }
    }
    found
}

fn is_flow_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml")
}

/// Every WAV file below `folder`, as a path below it with `/` between its parts. What cannot be read is not there: then a
/// recording is missing, which is told where it is asked for.
fn recordings(folder: &Path) -> BTreeSet<String> {
    let paths = files_below(folder, &mut |_, _| {});
    let below = |path: &PathBuf| {
        let below = path.strip_prefix(folder).ok()?;
        let parts: Option<Vec<&str>> = below.components().map(|part| part.as_os_str().to_str()).collect();
        parts.map(|parts| parts.join("/"))
    };
    paths.iter().filter_map(below).filter(|path| path.ends_with(".wav")).collect()
}

/// The files below a folder, sorted.
fn files_below(folder: &Path, tell: &mut dyn FnMut(&Path, io::Error)) -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(folder, &mut Vec::new(), &mut files, tell);
    files
}

/// `above` are the folders that this one stands in, without their symbolic links.
fn walk(folder: &Path, above: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>, tell: &mut dyn FnMut(&Path, io::Error)) {
    let real = match fs::canonicalize(folder) {
        Ok(real) => real,
        Err(error) => return tell(folder, error),
    };
    if above.contains(&real) {
        return tell(folder, io::Error::other("it leads back to a folder that it stands in"));
    }
    if above.len() >= MAX_FOLDERS {
        return tell(folder, io::Error::other("folders stand in each other too deep"));
    }
    let entries: Result<Vec<PathBuf>, io::Error> =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return tell(folder, error),
    };
    entries.sort();
    above.push(real);
    for path in entries {
        // Hidden files are those of editors and version control.
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => walk(&path, above, files, tell),
            Ok(_) if files.len() < MAX_FILES => files.push(path),
            Ok(_) => break,
            Err(error) => tell(&path, error),
        }
    }
    above.pop();
}

/// Why a file was not read.
#[derive(Debug)]
enum Unread {
    Absent,
    TooLarge(usize),
    NotUtf8 { line: usize },
    Refused(io::Error),
}

impl Unread {
    fn why(&self) -> String {
        match self {
            Unread::Absent => "it is not there".to_owned(),
            Unread::TooLarge(limit) => format!("it is larger than {} KiB", limit / 1024),
            Unread::NotUtf8 { line } => format!("line {line} is not text in UTF-8"),
            Unread::Refused(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                "this program may not read it".to_owned()
            }
            // Without the system's number for it.
            Unread::Refused(error) => {
                let told = error.to_string();
                shortened(told.split(" (os error ").next().unwrap_or(&told))
            }
        }
    }

    fn told(&self, shown: &str) -> Diagnostic {
        let code = if matches!(self, Unread::TooLarge(_)) { codes::TOO_LARGE } else { codes::UNREADABLE };
        let told =
            Diagnostic::of_file(code, Severity::Error, shown, format!("`{shown}` cannot be read: {}", self.why()));
        match self {
            Unread::NotUtf8 { .. } => told.remedy("save the file in the encoding UTF-8"),
            _ => told,
        }
    }
}

/// Reads a text, and not more than `limit` bytes of it.
fn read_text(path: &Path, limit: usize) -> Result<String, Unread> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Unread::Absent,
        _ => Unread::Refused(error),
    };
    let metadata = fs::metadata(path).map_err(refused)?;
    if metadata.is_dir() {
        return Err(Unread::Refused(io::Error::other("it is a folder")));
    }
    // A pipe or a device could keep the program waiting for ever.
    if !metadata.is_file() {
        return Err(Unread::Refused(io::Error::other("it is no ordinary file")));
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(refused)?.take(most).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() > limit {
        return Err(Unread::TooLarge(limit));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        Unread::NotUtf8 { line: error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1 }
    })
}
