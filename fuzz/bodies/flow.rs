//! Flow files and the installation file: whatever stands in them, they are read or told, and every place lies in the file.

use std::collections::BTreeSet;

use helpline::cli::report::{self, Format};
use helpline::config::Installation;
use helpline::flow::document::{self, Known, Source};

/// Reads `data` as both.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let sources = [Source { file: "main.yaml".to_owned(), text: text.to_owned() }];
    let prompts = BTreeSet::new();
    let reading =
        document::read(&sources, &Known { today: "2026-11-22".parse().expect("a date"), ..Known::of(&prompts) });
    assert_eq!(reading.flows.is_none(), reading.has_errors());
    let (installation, faults) = Installation::read(&sources[0], &|_| None, &|_| Err("it is not there".to_owned()));
    assert!(!installation.sip.listen.is_empty() && !installation.media.codecs.is_empty());
    assert!(installation.media.pairs() > 0);
    for diagnostics in [&reading.diagnostics, &faults] {
        for fault in diagnostics {
            assert!(text.get(fault.span.start..fault.span.end).is_some(), "{fault:?}");
        }
        for format in [Format::Human, Format::Json, Format::Github, Format::Junit] {
            assert!(report::written(diagnostics, &sources, format, false).ends_with('\n') || diagnostics.is_empty());
        }
    }
}
