//! The committed corpora, through the same bodies as the fuzz targets, as they are and with seeded damage.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../fuzz/bodies/rtcp.rs"]
mod rtcp;
#[path = "../fuzz/bodies/rtp.rs"]
mod rtp;
#[path = "../fuzz/bodies/sdp.rs"]
mod sdp;
#[path = "../fuzz/bodies/sip_message.rs"]
mod sip_message;
#[path = "../fuzz/bodies/wav.rs"]
mod wav;

/// How many damaged copies of each file are tried.
const DAMAGED_COPIES: usize = 200;

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the corpus is readable").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// Cuts out, repeats or replaces a few bytes, or puts in what means something to the readers.
fn damage(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) {
    const MEANINGFUL: [&[u8]; 16] =
        [b"\r\n", b"\n", b"\r", b"\r\n ", b";", b",", b":", b"\"", b"\\", b"<", b">", b"@", b"%", b"=", b"\xff", b"\0"];
    for _ in 0..random.usize(1..4) {
        let start = random.usize(0..=bytes.len());
        let end = (start + random.usize(0..12)).min(bytes.len());
        match random.u8(0..4) {
            0 => drop(bytes.drain(start..end)),
            1 => {
                let repeated = bytes[start..end].to_vec();
                bytes.splice(start..start, repeated);
            }
            2 => drop(bytes.splice(start..start, MEANINGFUL[random.usize(0..MEANINGFUL.len())].iter().copied())),
            _ => bytes[start..end].iter_mut().for_each(|byte| *byte = random.u8(..)),
        }
    }
}

fn replay(folders: &[&str], run: fn(&[u8])) {
    let seed = seed();
    println!("SEED={seed}");
    for file in folders.iter().flat_map(|folder| files(folder)) {
        println!("{}", file.display());
        let whole = fs::read(&file).expect("the file is readable");
        run(&whole);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..DAMAGED_COPIES {
            let mut bytes = whole.clone();
            damage(&mut bytes, &mut random);
            run(&bytes);
        }
    }
}

#[test]
fn sip_messages() {
    replay(&["fuzz/corpus/sip_message", "tests/data/torture"], sip_message::run);
}

#[test]
fn session_descriptions() {
    replay(&["fuzz/corpus/sdp"], sdp::run);
}

#[test]
fn audio_packets() {
    replay(&["fuzz/corpus/rtp"], rtp::run);
}

#[test]
fn control_packets() {
    replay(&["fuzz/corpus/rtcp"], rtcp::run);
}

#[test]
fn recordings() {
    replay(&["fuzz/corpus/wav"], wav::run);
}
