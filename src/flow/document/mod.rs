//! Flow files as they are written, and the reading of them into a checked set with every fault told at once.
//!
//! The way of a file: [`tree`] makes a tree of it in which every text knows its place; `outline` finds the names that others
//! may use; `values` finds what steps set; `flow`, `steps` and `menu` read each flow against these; `words` cuts what
//! is said into recordings and values. Nothing is guessed silently, and nothing is fatal before the end: what cannot be
//! understood is told, and reading goes on. Operators find the language in docs/flows.md.

mod agents;
mod analysis;
pub(crate) mod call_tests;
pub mod codes;
mod connectors;
pub mod diagnostic;
mod duty;
pub mod environment;
mod errors;
pub mod explanation;
mod fields;
mod flow;
mod hours;
pub mod keys;
mod language;
mod lookup;
mod menu;
mod messages;
mod outline;
mod placed;
mod queues;
mod recordings;
mod rounds;
pub mod scalar;
mod section;
mod steps;
mod survey;
mod syntax;
mod template;
mod transfer;
pub mod tree;
mod values;
mod wishes;
mod words;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

pub use analysis::{
    CHARACTERS_A_SECOND, HeardMenu, HeardStep, LONGEST_MENU, LONGEST_WAY, Lengths, Listening, VALUE, listening,
    tell_listening,
};
pub use codes::Code;
pub use diagnostic::{Diagnostic, Faults, Page, Severity, Source, Span};
pub use language::{LANGUAGE_FILE, built_in_language};
pub(crate) use messages::is_mail_address;

use self::agents::Agents;
use self::analysis::SentSecret;
use self::connectors::ConnectorBook;
use self::flow::FlowReader;
use self::hours::HoursBook;
use self::outline::Outline;
use self::queues::Queues;
use self::recordings::Recordings;
use self::values::Values;
use super::call_test::CallTest;
use super::{AgentCodes, FlowIndex, FlowSet, Languages};
use crate::telephony::DialPlan;

/// What is known beside the files themselves.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The recordings that exist, as paths below the folder of recordings: `en/main/welcome.wav`.
    pub prompts: &'a BTreeSet<String>,
    /// The folder of recordings, as it is shown.
    pub folder: &'a str,
    /// The day on which they are read: holidays before it are over.
    pub today: jiff::civil::Date,
    /// The codes that agents dial: nothing else may be reached by them.
    pub codes: &'a AgentCodes,
    /// The files of languages, each in a folder with the language's name.
    pub languages: &'a [Source],
    /// The environment variables, for `${NAME}` in passwords.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Which numbers may be called back.
    pub dial_plan: &'a DialPlan,
    /// Whether messages can be mailed.
    pub mails: bool,
    /// What stands in a file that holds a secret; the error finishes a sentence.
    pub secret: ReadSecret<'a>,
}

/// The way to the files of secrets.
pub type ReadSecret<'a> = &'a dyn Fn(&Path) -> Result<String, String>;

// Variables may be secrets.
impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known")
            .field("prompts", &self.prompts)
            .field("folder", &self.folder)
            .field("codes", &self.codes)
            .finish_non_exhaustive()
    }
}

/// What nothing is known of.
static NO_CODES: LazyLock<AgentCodes> = LazyLock::new(AgentCodes::default);
static NO_DIAL_PLAN: LazyLock<DialPlan> = LazyLock::new(DialPlan::default);

impl<'a> Known<'a> {
    /// Beside these recordings nothing but what every installation has: the usual codes, no variable, nobody who can be
    /// called back, and a day on which no holiday is over.
    pub fn of(prompts: &'a BTreeSet<String>) -> Known<'a> {
        Known {
            prompts,
            folder: "prompts",
            today: jiff::civil::Date::MIN,
            codes: &NO_CODES,
            languages: &[],
            environment: &|_| None,
            dial_plan: &NO_DIAL_PLAN,
            mails: true,
            secret: &|_| Err("it is not there".to_owned()),
        }
    }

    /// Whether there is something to be heard: a recording, or a draft of one.
    fn has(&self, language: &str, name: &str) -> bool {
        self.prompts.contains(&format!("{language}/{name}.wav"))
            || self.prompts.contains(&format!("drafts/{language}/{name}.wav"))
    }
}

/// What came of reading.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The flows; `None` when there is any error.
    pub flows: Option<FlowSet>,
    /// The flows where there are errors and all the ways of callers are known in spite of them: what is told of ways and
    /// recordings holds when the errors are mended.
    pub faulty: Option<FlowSet>,
    /// Every fault and warning, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The call tests, in the order of the files.
    pub tests: Vec<CallTest>,
}

impl Reading {
    /// Whether there is any error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Reads flow files, all of them, and tells every fault of them.
pub fn read(sources: &[Source], known: &Known<'_>) -> Reading {
    let mut faults = Faults::default();
    let pages: Vec<Page<'_>> = sources.iter().map(Page::new).collect();
    let trees: Vec<_> = pages.iter().map(|page| tree::read(page, &mut faults)).collect();
    let outlines = outline::outlines(&pages, &trees, &mut faults);
    let agents = Agents::read(&pages, &trees, &outlines, known, &mut faults);
    let hours = HoursBook::read(&pages, &trees, known.today, &mut faults);
    let connectors = ConnectorBook::read(&pages, &trees, known, &mut faults);
    let queues = Queues::read(&pages, &trees, &agents, known.prompts, &mut faults);
    let languages = language::read_languages(known.languages, &mut faults);
    let all_read = trees.iter().all(Option::is_some);

    let mut reader = Reader {
        pages: &pages,
        outlines: &outlines,
        known,
        values: Values::collect(&outlines, hours, connectors, queues.in_order()),
        recordings: Recordings::default(),
        languages,
        agents,
        queues,
        steered: Vec::new(),
        sent_secrets: Vec::new(),
        records: false,
        outdone: Vec::new(),
        guessed: 0,
        faults,
    };
    let flows = reader.flows(all_read);
    // Where something is missing, what is left looks wrong in many places.
    let sent = std::mem::take(&mut reader.sent_secrets);
    let is_whole = all_read && errors::leave_ways(&reader.faults, reader.guessed);
    if is_whole {
        analysis::tell(&flows, &reader.outdone, sent, &mut reader.faults);
    } else {
        reader.faults.extend(sent.into_iter().map(|sent| sent.fault));
    }
    let mut faults = reader.faults;
    let tests = call_tests::read(&pages, &trees, &outlines, &flows, &mut faults);
    let diagnostics = faults.in_order(sources);
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let (flows, faulty) = match failed {
        false => (Some(flows), None),
        true => (None, is_whole.then_some(flows)),
    };
    Reading { flows, faulty, diagnostics, tests }
}

/// What the reading of every flow shares.
struct Reader<'a> {
    pages: &'a [Page<'a>],
    outlines: &'a [Outline<'a>],
    known: &'a Known<'a>,
    values: Values,
    recordings: Recordings,
    languages: Languages,
    agents: Agents,
    queues: Queues<'a>,
    /// Secrets that are sent where others read them.
    sent_secrets: Vec<SentSecret>,
    /// Steps that steer a recording.
    steered: Vec<Diagnostic>,
    /// Some step begins one.
    records: bool,
    /// Flows of which another answers a number.
    outdone: Vec<FlowIndex>,
    /// Names of steps that there are not, and that were taken for the one that is probably meant.
    guessed: usize,
    faults: Faults,
}

impl Reader<'_> {
    /// Reads every flow; `all_read` tells whether every file could be: otherwise what a file lacks may stand in another.
    fn flows(&mut self, all_read: bool) -> FlowSet {
        let mut set = FlowSet::default();
        for (position, outline) in self.outlines.iter().enumerate() {
            let index = FlowIndex(u16::try_from(position).expect("flows are limited"));
            let flow = FlowReader::new(self, outline, index).read(&mut set);
            set.flows.push(flow);
            let page = &self.pages[outline.page];
            set.places.flows.push(placed::flow(page, &page.file, outline));
        }
        set.places.queues = self.queues.places(self.pages);
        set.queues = self.finish_queues();
        self.tell_sent();
        let mut languages: Vec<_> =
            self.outlines.iter().flat_map(|outline| outline.languages.iter().cloned()).collect();
        languages.sort();
        languages.dedup();
        self.recordings.add_phrases(
            &self.languages,
            &languages,
            &self.agents.languages(),
            self.known,
            &mut self.faults,
        );
        self.note_names();
        if all_read {
            self.values.tell_unused(self.pages, &mut self.faults);
            self.values.hours.tell_unused(self.pages, &mut self.faults);
            if !self.records {
                std::mem::take(&mut self.steered).into_iter().for_each(|fault| self.faults.push(fault));
            }
            self.values.connectors.tell_unused(self.pages, &mut self.faults);
            self.tell_unreachable(&set);
            queues::tell_agents(&self.agents, &set, self.pages, &mut self.faults);
            self.tell_codes(&set.numbers);
            self.tell_switched_hours();
            self.tell_rounds(&set);
        }
        let places = self.values.watched().filter_map(|place| u16::try_from(place).ok());
        set.watched = places.map(crate::flow::QueueIndex).collect();
        set.connectors = std::mem::take(&mut self.values.connectors.connectors);
        set.hours = std::mem::take(&mut self.values.hours.hours);
        set.agents = std::mem::take(&mut self.agents).specs;
        set.dial_plan = self.known.dial_plan.clone();
        set.codes = self.known.codes.clone();
        set.languages = std::mem::take(&mut self.languages).into();
        let recordings = std::mem::take(&mut self.recordings);
        set.prompts = recordings.prompts;
        set.prompt_index = recordings.index;
        set
    }

    fn tell_unreachable(&mut self, set: &FlowSet) {
        let fault = match self.outlines.first() {
            _ if set.any.is_some() || !set.numbers.is_empty() => return,
            // Of numbers that are none that is told already.
            Some(_) if self.faults.has_error(codes::NOT_A_NUMBER) => return,
            // What was told of the files may be why there is none.
            None if self.faults.has_errors() => return,
            Some(outline) => {
                let message = "no flow has `numbers`";
                self.pages[outline.page].error(codes::NO_FLOW, outline.name_span, message)
            }
            None => Diagnostic::of_file(codes::NO_FLOW, Severity::Error, "", "there is no flow in any file"),
        };
        self.faults.push(
            fault
                .remedy("give a flow the numbers that it answers: `numbers: [any]`")
                .consequence("every caller would be told that the number does not exist"),
        );
    }
}

#[cfg(test)]
mod tests;
