//! Holds the rooms to the table of ARCHITECTURE.md: who may import whom, what the pure rooms may not touch, and names
//! that say nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// A room, what it may import besides itself, and the files in it that are shells (they may do I/O).
struct Room {
    name: &'static str,
    may_import: &'static [&'static str],
    pure: bool,
    shells: &'static [&'static str],
}

const fn room(
    name: &'static str,
    may_import: &'static [&'static str],
    pure: bool,
    shells: &'static [&'static str],
) -> Room {
    Room { name, may_import, pure, shells }
}

const ALL: &[&str] = &[
    "clock",
    "telephony",
    "flow",
    "acd",
    "journal",
    "switchboard",
    "metrics",
    "rehearsal",
    "sip",
    "media",
    "connectors",
    "http",
    "store",
    "config",
    "server",
    "cli",
];

const ROOMS: &[Room] = &[
    room("clock", &[], false, &[]),
    room("telephony", &[], true, &[]),
    room("flow", &["clock", "telephony"], true, &[]),
    room("acd", &["clock", "telephony"], true, &[]),
    room("journal", &["clock", "telephony"], true, &[]),
    room("switchboard", &["clock", "telephony", "flow", "acd", "journal"], true, &[]),
    room("metrics", &["clock", "telephony", "journal"], false, &[]),
    room("sip", &["clock", "telephony"], true, &["mod.rs", "transport.rs", "transport/"]),
    room(
        "media",
        &["clock", "telephony"],
        true,
        &["mod.rs", "reactor.rs", "reactor/", "prompts.rs", "prompts/", "tapes.rs", "tapes/"],
    ),
    room("connectors", &["clock", "telephony", "flow", "switchboard"], false, &[]),
    room("http", &["clock", "telephony", "flow", "acd", "journal", "switchboard", "metrics"], false, &[]),
    room("store", &["clock", "telephony", "flow", "acd", "journal", "switchboard"], false, &[]),
    room("config", &["clock", "telephony", "flow", "acd", "journal"], false, &[]),
    room("rehearsal", &["clock", "telephony", "flow", "acd", "journal", "switchboard", "metrics", "server"], true, &[]),
    room("server", ALL, false, &[]),
    room("cli", ALL, false, &[]),
    room("main", ALL, false, &[]),
    room("lib", ALL, false, &[]),
];

/// What a pure room may not touch: I/O, clocks, locks, threads of control, and random order.
const IMPURE: &[&str] = &[
    "tokio",
    "std::net::UdpSocket",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::fs",
    "std::thread",
    "Mutex",
    "RwLock",
    "async ",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "HashMap",
    "HashSet",
    "socket2",
];

/// Words that name no thing.
const EMPTY_WORDS: &[&str] = &["manager", "handler", "service", "util", "utils", "helper", "helpers", "common", "misc"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder is readable").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code of a line, without its comment. Good enough for our own sources: no string of ours holds `//` before code.
fn code(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") {
        return "";
    }
    line.split(" // ").next().unwrap_or(line)
}

/// Every room named after `crate::` in a line, groups in braces included.
fn imports(line: &str) -> Vec<&str> {
    let mut rooms = Vec::new();
    for (position, _) in line.match_indices("crate::") {
        let rest = &line[position + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            for part in group.split_inclusive([',', '{', '}']) {
                let name = part.trim_matches(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
                if depth == 0 && !name.is_empty() {
                    rooms.push(name.split("::").next().unwrap_or(name));
                }
                depth += part.matches('{').count();
                depth = depth.saturating_sub(part.matches('}').count());
            }
        } else {
            rooms.push(rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or(""));
        }
    }
    rooms
}

/// The faults of one file, as `src/acd/mod.rs:58: acd may not import switchboard`.
fn faults(shown: &str, inside: &str, text: &str) -> Vec<String> {
    let name = inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs");
    let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
        return vec![format!("{shown}:1: no room is called {name}: give it a row in tests/architecture.rs")];
    };
    let within = inside.strip_prefix(name).unwrap_or("").trim_start_matches('/');
    let shell = room.shells.iter().any(|shell| within == *shell || (shell.ends_with('/') && within.starts_with(shell)));
    let mut found = Vec::new();
    let mut joined = String::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let line = code(line);
        if line.trim() == "#[cfg(test)]" {
            // Tests stand last in a file and may use what they need.
            break;
        }
        // An import group may run over several lines.
        joined.push_str(line);
        if line.trim_start().starts_with("use ") && !line.contains(';')
            || !joined.is_empty() && joined.len() > line.len() && !line.contains(';')
        {
            continue;
        }
        for imported in imports(&joined) {
            if ALL.contains(&imported) && imported != name && !room.may_import.contains(&imported) {
                found.push(format!("{shown}:{number}: {name} may not import {imported}"));
            }
        }
        joined.clear();
        if room.pure && !shell {
            for word in IMPURE {
                if line.contains(word) {
                    found.push(format!("{shown}:{number}: {name} is pure and may not use {}", word.trim()));
                }
            }
        }
        for keyword in ["struct ", "enum ", "trait ", "type ", "mod "] {
            if let Some(declared) = line.trim_start().trim_start_matches("pub ").strip_prefix(keyword) {
                let declared = declared.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("");
                if names_nothing(declared) {
                    found.push(format!("{shown}:{number}: {declared} names nothing: say what it is"));
                }
            }
        }
    }
    if inside.split(['/', '.']).any(names_nothing) {
        found.push(format!("{shown}:1: the file's name names nothing: say what is in it"));
    }
    found
}

fn names_nothing(name: &str) -> bool {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in name.chars() {
        if character == '_' || character.is_uppercase() {
            words.push(std::mem::take(&mut word));
        }
        if character != '_' {
            word.extend(character.to_lowercase());
        }
    }
    words.push(word);
    words.iter().any(|word| EMPTY_WORDS.contains(&word.as_str()))
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = root.join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    assert!(files.len() > 10, "the sources were not found below {}", source.display());
    let mut found = Vec::new();
    for file in &files {
        let inside = file.strip_prefix(&source).expect("it lies below src").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(file).expect("the file is readable");
        found.extend(faults(&format!("src/{inside}"), &inside, &text));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_fault_is_found() {
    let check = |inside: &str, text: &str, expected: &[&str]| {
        assert_eq!(faults(&format!("src/{inside}"), inside, text), expected, "{inside}: {text}");
    };
    check("acd/mod.rs", "use crate::switchboard::Call;\n", &["src/acd/mod.rs:1: acd may not import switchboard"]);
    check("acd/mod.rs", "use crate::clock::Moment;\n", &[]);
    check("flow/mod.rs", "\nuse crate::{clock, sip::Message};\n", &["src/flow/mod.rs:2: flow may not import sip"]);
    check(
        "media/rtp.rs",
        "use std::collections::HashMap;\n",
        &["src/media/rtp.rs:1: media is pure and may not use HashMap"],
    );
    check("media/reactor.rs", "use std::net::UdpSocket;\n", &[]);
    check("sip/transport.rs", "use tokio::net::UdpSocket;\n", &[]);
    check(
        "flow/mod.rs",
        "pub struct StepManager;\n",
        &["src/flow/mod.rs:1: StepManager names nothing: say what it is"],
    );
    check("flow/utils.rs", "\n", &["src/flow/utils.rs:1: the file's name names nothing: say what is in it"]);
    check("shed/mod.rs", "\n", &["src/shed/mod.rs:1: no room is called shed: give it a row in tests/architecture.rs"]);
    check("flow/mod.rs", "#[cfg(test)]\nuse crate::server::Server;\n", &[]);
}
