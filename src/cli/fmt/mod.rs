//! `helpline fmt`: writes files in their canonical form, with their comments, and never anything that means something else.

mod difference;
mod page;
mod write;

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::listing::print;
use super::report;
use crate::config::{Installation, read_flow_files};
use crate::flow::document::tree::{self, Content, MAX_FILE_BYTES, Node};
use crate::flow::document::{Diagnostic, Faults, Page, Source};

/// What `helpline fmt` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Files, and folders of them; `-` takes standard input and prints. Without any, the flow files and the installation file
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Only tells what would change; the exit status is 1 when anything would
    #[arg(long)]
    pub check: bool,
}

/// Why a file has no canonical form.
#[derive(Clone, Debug)]
pub enum Unformed {
    /// It cannot be read; these are its faults.
    Unreadable(Vec<Diagnostic>),
    /// It would mean something else: it uses YAML in a way that is not foreseen here.
    Unsafe,
}

/// The canonical form of a file.
///
/// # Errors
/// It cannot be read, or could not be written without a change of what it means.
pub fn formed(source: &Source) -> Result<String, Unformed> {
    // The marks that some editors of Windows make.
    let bare = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text).replace("\r\n", "\n");
    let plain = Source { file: source.file.clone(), text: bare };
    let before = read(&plain).map_err(Unformed::Unreadable)?;
    let text = page::read(&plain.text).map(|page| write::written(&page)).ok_or(Unformed::Unsafe)?;
    let after = Source { file: source.file.clone(), text };
    match read(&after) {
        Ok(after_tree) if same(&before, &after_tree) => Ok(after.text),
        _ => Err(Unformed::Unsafe),
    }
}

/// The tree of a file; its faults where it has any.
fn read(source: &Source) -> Result<Node, Vec<Diagnostic>> {
    let mut faults = Faults::default();
    let page = Page::new(source);
    let tree = tree::read(&page, &mut faults);
    let has_errors = faults.has_errors();
    tree.filter(|_| !has_errors).ok_or_else(|| faults.in_order(std::slice::from_ref(source)))
}

/// Whether two nodes mean the same, wherever they stand: the keys of a table may stand in another order, and quotes count where
/// they make a text of what would be none.
fn same(left: &Node, right: &Node) -> bool {
    match (&left.content, &right.content) {
        (Content::Nothing, Content::Nothing) => true,
        (Content::Text { text: left, quoted }, Content::Text { text: right, quoted: other }) => {
            left == right && (quoted == other || !write::is_value(left))
        }
        (Content::List(left), Content::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Content::Table(entries), Content::Table(others)) => {
            let found = |key: &str| others.iter().find(|other| other.key == key);
            entries.len() == others.len()
                && entries.iter().all(|entry| found(&entry.key).is_some_and(|other| same(&entry.value, &other.value)))
        }
        _ => false,
    }
}

/// Writes, or with `--check` tells; the exit status is 1 when a file cannot be read, or would change.
///
/// # Errors
/// A file could not be written, or the report.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    if arguments.files.iter().any(|file| file.as_os_str() == "-") {
        return standard_input(arguments.check);
    }
    let (sources, mut unread) = sources(arguments, config);
    let files = sources.len();
    let (mut changed, mut told) = (0, String::new());
    for source in &sources {
        match formed(source) {
            Ok(text) if text == source.text => {}
            Ok(text) => {
                changed += 1;
                if arguments.check {
                    told.push_str(&difference::told(&source.file, &source.text, &text));
                } else {
                    replace(Path::new(&source.file), &text)
                        .map_err(|error| anyhow::anyhow!("`{}` cannot be written: {error}", source.file))?;
                    told.push_str(&format!("{}\n", source.file));
                }
            }
            Err(unformed) => unread.push(complaint(source, unformed)),
        }
    }
    print(&told)?;
    let what = match (changed, arguments.check) {
        (0, _) => "nothing to change".to_owned(),
        (1, true) => "1 file would change".to_owned(),
        (many, true) => format!("{many} files would change"),
        (1, false) => "1 file written anew".to_owned(),
        (many, false) => format!("{many} files written anew"),
    };
    let of = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    let refused = match unread.len() {
        0 => String::new(),
        1 => ", 1 left as it is".to_owned(),
        many => format!(", {many} left as they are"),
    };
    let summary = format!("{}{what}{refused} of {of}\n", unread.concat());
    report::unless_closed(io::stderr().lock().write_all(summary.as_bytes()))?;
    let wrong = !unread.is_empty() || arguments.check && changed > 0;
    Ok(if wrong { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The files that are meant, and what is told of those that cannot be read.
fn sources(arguments: &Arguments, config: &Path) -> (Vec<Source>, Vec<String>) {
    let (mut sources, mut unread) = (Vec::new(), Vec::new());
    let mut folder = |folder: &Path, sources: &mut Vec<Source>| {
        let found = read_flow_files(folder);
        sources.extend(found.sources);
        unread.extend(found.diagnostics.iter().map(|fault| report::one_for_people(fault, None, false) + "\n\n"));
    };
    if arguments.files.is_empty() {
        let loaded = Installation::load(config);
        sources.extend(loaded.sources);
        folder(&loaded.installation.flows, &mut sources);
        return (sources, unread);
    }
    let mut wrong = Vec::new();
    for path in &arguments.files {
        if path.is_dir() {
            folder(path, &mut sources);
            continue;
        }
        let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX) + 1;
        let mut text = String::new();
        match fs::File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text)) {
            Ok(_) => sources.push(Source { file: path.display().to_string(), text }),
            Err(error) => wrong.push(format!("`{}` cannot be read: {error}\n", path.display())),
        }
    }
    unread.extend(wrong);
    (sources, unread)
}

fn complaint(source: &Source, unformed: Unformed) -> String {
    match unformed {
        Unformed::Unreadable(faults) => {
            faults.iter().map(|fault| report::one_for_people(fault, Some(source), false) + "\n\n").collect()
        }
        Unformed::Unsafe => format!(
            "`{}` is left as it is: it is written in a way whose canonical form could mean something else\n",
            source.file
        ),
    }
}

/// From standard input to standard output, for editors.
fn standard_input(check: bool) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX) + 1;
    io::stdin().lock().take(limit).read_to_string(&mut text)?;
    let source = Source { file: "standard input".to_owned(), text };
    match formed(&source) {
        Ok(text) if check => {
            print(&difference::told(&source.file, &source.text, &text))?;
            Ok(if text == source.text { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        Ok(text) => {
            print(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(unformed) => {
            report::unless_closed(io::stderr().lock().write_all(complaint(&source, unformed).as_bytes()))?;
            Ok(ExitCode::from(1))
        }
    }
}

/// Puts a text in the place of a file in one act: after a crash there is the old file or the new one. The mode stays, and a
/// symbolic link still leads to the file.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = file.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = (|| {
        let mut new = fs::File::create(&beside)?;
        new.write_all(text.as_bytes())?;
        new.set_permissions(fs::metadata(&file)?.permissions())?;
        new.sync_all()?;
        fs::rename(&beside, &file)
    })();
    if written.is_err() {
        // The failure is told, not what it left behind.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests;
