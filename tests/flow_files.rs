//! The corpus of the fuzz target for flow files, replayed, and each fault's file with it, cut anywhere.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../fuzz/bodies/flow.rs"]
mod body;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn the_corpus_is_read_or_told() {
    let files = files("fuzz/corpus/flow");
    assert!(files.len() > 5);
    for file in files {
        body::run(&fs::read(file).expect("the file is readable"));
    }
}

#[test]
fn files_cut_anywhere_are_read_or_told() {
    for file in files("tests/data/faults") {
        let data = fs::read(&file).expect("the file is readable");
        for end in (0..data.len().min(400)).step_by(7) {
            body::run(&data[..end]);
        }
    }
}
