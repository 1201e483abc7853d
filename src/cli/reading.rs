//! Everything that a server reads: the installation file, the flows, the recordings and the agents' passwords; at its start,
//! and again at each reload.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tracing::warn;

use super::report::{self, Format};
use crate::config::{self, FlowFiles, Installation};
use crate::flow::FlowSet;
use crate::flow::document::{Diagnostic, Source};
use crate::media::prompts::{Shelf, print_of};
use crate::server::Loaded;
use crate::server::passwords::Passwords;
use crate::server::reload::{Reading, Unusable, What};
use crate::server::revisions::{Contents, Recordings, Revisions, files_of, recordings_of};

/// Reads, and remembers what need not be read again.
pub(super) struct Reader {
    file: PathBuf,
    /// As it was at the start: addresses, limits and the data folder stay.
    begun: Installation,
    shelf: Mutex<Shelf>,
    colour: bool,
}

/// What was found at the start besides what calls need.
pub(super) struct First {
    /// What is read again at each reload.
    pub reading: Reading,
    /// The warnings, for people; empty when there are none.
    pub report: String,
}

impl Reader {
    /// Of the installation in `file`, which was read to be `begun`.
    pub(super) fn new(file: &Path, begun: Installation, colour: bool) -> Reader {
        Reader { file: file.to_owned(), begun, shelf: Mutex::default(), colour }
    }

    /// Reads at the start. `diagnostics` and `sources` are those of the installation file.
    ///
    /// # Errors
    /// There are faults, or something cannot be read.
    pub(super) fn first(&self, diagnostics: Vec<Diagnostic>, sources: Vec<Source>) -> Result<First, Unusable> {
        self.all(&self.begun, diagnostics, sources, What::Files)
    }

    /// Reads again.
    ///
    /// # Errors
    /// There are faults, or something cannot be read.
    pub(super) fn again(&self, what: What) -> Result<Reading, Unusable> {
        let loaded = config::Installation::load(&self.file);
        let later = settings_of_the_start(&self.begun, &loaded.installation);
        let first = self.all(&loaded.installation, loaded.diagnostics, loaded.sources, what)?;
        Ok(Reading { later, ..first.reading })
    }

    fn all(
        &self,
        installation: &Installation,
        mut diagnostics: Vec<Diagnostic>,
        mut sources: Vec<Source>,
        what: What,
    ) -> Result<First, Unusable> {
        let folder = &installation.flows;
        let settings = sources.first().map(|source| print_of(source.text.as_bytes()));
        let there = config::read_flow_files(folder);
        let there_files = files_of(&there.sources, folder);
        let revisions = Revisions::below(&self.begun.data);
        let (wanted, files, instead) = match what {
            What::Files => (there, there_files.clone(), BTreeMap::new()),
            What::Revision(number) => {
                let kept = revisions.flows(number);
                let wanted = config::read_flow_files(&kept);
                let files = files_of(&wanted.sources, &kept);
                let recordings = revisions.recordings(number).map_err(|reason| Unusable::Failed(reason.to_string()))?;
                let instead = recordings
                    .iter()
                    .map(|(path, print)| (installation.prompts.join(path), revisions.recording(print)))
                    .filter(|(_, kept)| kept.exists())
                    .collect();
                (wanted, files, instead)
            }
        };
        let flows = checked(installation, wanted, &mut diagnostics, &mut sources, self.colour)?;
        let report = match diagnostics.is_empty() {
            true => String::new(),
            false => report::written(&diagnostics, &sources, Format::Human, self.colour),
        };
        let (loaded, recordings) = self.with_recordings(flows, installation, instead)?;
        let reading = Reading {
            loaded,
            folder: folder.clone(),
            prompts: installation.prompts.clone(),
            contents: Contents { files, recordings, settings },
            there: there_files,
            warnings: diagnostics.iter().map(report::one_as_json).collect(),
            later: Vec::new(),
        };
        Ok(First { reading, report })
    }

    /// Every recording that the flows can ask for and all hold music, decoded, and the agents' passwords; and the files of
    /// those that are heard. Files are read in place of others where `instead` says so. A recording that
    /// is missing or faulty is not heard; the flow goes on.
    fn with_recordings(
        &self,
        flows: Arc<FlowSet>,
        installation: &Installation,
        instead: BTreeMap<PathBuf, PathBuf>,
    ) -> Result<(Loaded, Recordings), Unusable> {
        let folder = &installation.prompts;
        // What a reading that broke off has left is as good as any.
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.read_instead(instead);
        let library = shelf.library(folder, &flows.wanted_recordings());
        for (path, fault) in &library.faults {
            warn!(file = %path.display(), "a recording {fault}");
        }
        // Who is passed on or put on hold outside of every queue hears all of it.
        let named: BTreeSet<Option<Arc<str>>> =
            flows.queues.iter().map(|queue| queue.music.clone()).chain([None]).collect();
        let mut music = BTreeMap::new();
        for name in named {
            let found = shelf.music(folder, name.as_deref());
            for (path, fault) in &found.faults {
                warn!(file = %path.display(), "hold music {fault}");
            }
            music.insert(name, found.clips);
        }
        let recordings = recordings_of(shelf.heard(), folder);
        shelf.tidy();
        // The data folder is that of the start.
        let accounts = Passwords::read(&self.begun.data).and_then(|mut passwords| passwords.accounts(&flows.agents));
        let accounts =
            accounts.map_err(|reason| Unusable::Failed(format!("the passwords of agents cannot be kept: {reason}")))?;
        let trunks = installation.sip.trunks.clone();
        Ok((Loaded { flows, clips: library.clips, music, accounts, trunks }, recordings))
    }
}

/// The flows that stand in these files, when nothing is wrong with them and the installation.
fn checked(
    installation: &Installation,
    files: FlowFiles,
    diagnostics: &mut Vec<Diagnostic>,
    sources: &mut Vec<Source>,
    colour: bool,
) -> Result<Arc<FlowSet>, Unusable> {
    let (reading, flow_sources) = config::check_flows(installation, files);
    sources.extend(flow_sources);
    diagnostics.extend(reading.diagnostics);
    match reading.flows {
        Some(flows) if !report::has_errors(diagnostics) => Ok(Arc::new(flows)),
        _ => {
            let faults: Vec<Value> = diagnostics.iter().map(report::one_as_json).collect();
            Err(Unusable::Faulty { text: report::written(diagnostics, sources, Format::Human, colour), faults })
        }
    }
}

/// The settings that have changed since the start and that a reload does not take over.
fn settings_of_the_start(begun: &Installation, now: &Installation) -> Vec<&'static str> {
    let changed = [
        ("sip.listen", begun.sip.listen != now.sip.listen),
        ("sip.advertise", begun.sip.advertise != now.sip.advertise),
        ("sip.realm", begun.sip.realm != now.sip.realm),
        ("media", begun.media != now.media),
        ("http", begun.http != now.http),
        ("limits", begun.limits != now.limits),
        ("drain", begun.drain != now.drain),
        ("data", begun.data != now.data),
        ("records", begun.records != now.records),
        ("mail", begun.mail != now.mail),
        ("voicemail", begun.tapes.messages != now.tapes.messages),
        ("recordings", begun.tapes.recordings != now.tapes.recordings),
        ("watch", begun.watch != now.watch),
    ];
    changed.into_iter().filter_map(|(name, changed)| changed.then_some(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Installation {
        let source = Source { file: "helpline.yaml".to_owned(), text: text.to_owned() };
        let (installation, faults) = Installation::read(&source, &|_| None, &|_| Err("it is not there".to_owned()));
        assert!(!report::has_errors(&faults), "{faults:?}");
        installation
    }

    #[test]
    fn a_reload_tells_what_counts_after_a_restart_only() {
        let scenarios: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("flows: elsewhere\nprompts: elsewhere\ncodes: off\n", &[]),
            ("sip: {trunks: {carrier: {host: 192.0.2.1, dial: [\"0\"]}}}\n", &[]),
            ("sip: {listen: [\"udp://127.0.0.1:5070\"], realm: acme}\n", &["sip.listen", "sip.realm"]),
            ("sip: {advertise: 192.0.2.1}\n", &["sip.advertise"]),
            ("media: {codecs: [pcma]}\nhttp: {listen: \"127.0.0.1:8081\"}\n", &["media", "http"]),
            ("limits: {calls: 900}\ndrain: 1m\n", &["limits", "drain"]),
            ("data: elsewhere\nrecords: {keep: 30d}\nwatch: true\n", &["data", "records", "watch"]),
        ];
        for (text, expected) in scenarios {
            let now = read(&format!("helpline: 1\n{text}"));
            assert_eq!(settings_of_the_start(&read("helpline: 1\n"), &now), expected, "{text}");
        }
    }
}
