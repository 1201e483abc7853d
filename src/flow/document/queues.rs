//! `queues:`: lines of callers. What a queue is by itself is read before the flows, which name it; where it leads and what it
//! says is read after them, when it is known which flow it belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Reader;
use super::agents::{Agents, MAX_AGENTS, ranked};
use super::codes;
use super::diagnostic::{Faults, Page, Span, listed, shortened};
use super::duty;
use super::flow::FlowReader;
use super::outline::bad_name;
use super::placed;
use super::scalar;
use super::section::Section;
use super::tree::{Content, Entry, Node};
use super::words::Said;
use crate::flow::place::Written;
use crate::flow::{
    CallbackOrder, CallbackSpec, FlowIndex, FlowSet, FlowTarget, QueueIndex, QueueSpec, QueueStrategy, Speech,
};

/// Most queues.
pub const MAX_QUEUES: usize = 1000;
/// Most callers in a queue.
pub const MOST_CALLERS: u32 = 100_000;
/// From the end of a comfort message to the next announcement at least, as the distributor keeps it.
const COMFORT_ROOM: Duration = seconds(20);
/// Most comfort messages of a queue.
const MOST_COMFORT: usize = 20;
/// The longest Alert-Info.
const LONGEST_ALERT: usize = 200;
/// The lowest tier of agents.
pub const LAST_TIER: u8 = 9;

pub(super) const KEYS: [&str; 19] = [
    "agents",
    "strategy",
    "ring",
    "wrap_up",
    "missed",
    "whisper",
    "music",
    "announce",
    "while_waiting",
    "when_full",
    "when_too_long",
    "when_no_agents",
    "survey",
    "service_level",
    "short_abandon",
    "resume_window",
    "relax_after",
    "alert_info",
    "callback",
];

pub(super) const ANNOUNCE_KEYS: [&str; 6] = ["position", "wait", "first_after", "repeat", "comfort", "comfort_every"];
pub(super) const CALLBACK_KEYS: [&str; 5] = ["order", "grace", "tries", "gap", "dial"];
pub(super) const MUSIC_KEYS: [&str; 2] = ["name", "together"];
pub(super) const WHILE_WAITING_KEYS: [&str; 1] = ["choices"];
pub(super) const FULL_KEYS: [&str; 2] = ["over", "go"];
pub(super) const TOO_LONG_KEYS: [&str; 2] = ["after", "go"];
pub(super) const NO_AGENTS_KEYS: [&str; 1] = ["go"];

pub(super) const ORDERS: [(&str, CallbackOrder); 2] =
    [("agent_first", CallbackOrder::AgentFirst), ("caller_first", CallbackOrder::CallerFirst)];
pub(super) const STRATEGIES: [(&str, QueueStrategy); 7] = [
    ("longest_idle", QueueStrategy::LongestIdle),
    ("round_robin", QueueStrategy::RoundRobin),
    ("fewest_calls", QueueStrategy::FewestCalls),
    ("least_talk_time", QueueStrategy::LeastTalkTime),
    ("random", QueueStrategy::Random),
    ("ring_all", QueueStrategy::RingAll),
    ("linear", QueueStrategy::Linear),
];

const NONE: Duration = Duration::ZERO;
const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
const HOUR: Duration = seconds(3600);

/// The queues of all files.
#[derive(Debug, Default)]
pub(super) struct Queues<'a> {
    pub specs: Vec<QueueSpec>,
    /// The file of each, and how it is written.
    pub written: Vec<(usize, &'a Entry)>,
    index: BTreeMap<&'a str, QueueIndex>,
    /// The flows whose steps send callers into each.
    users: Vec<BTreeSet<FlowIndex>>,
    /// Those that are somebody's mailbox: used without anybody who waits.
    mailboxes: BTreeSet<QueueIndex>,
    /// That there is no music at all is told once.
    silence_told: bool,
}

impl<'a> Queues<'a> {
    /// Reads what the queues of every file are by themselves.
    pub fn read(
        pages: &[Page<'a>],
        trees: &'a [Option<Node>],
        agents: &Agents,
        music: &BTreeSet<String>,
        faults: &mut Faults,
    ) -> Queues<'a> {
        let mut queues = Queues::default();
        for (index, (page, tree)) in pages.iter().zip(trees).enumerate() {
            let Some(entry) = tree.as_ref().and_then(|root| root.find("queues")) else { continue };
            let mut section = Section { page, faults };
            for queue in section.table(entry, "a table of names and queues").unwrap_or(&[]) {
                queues.add(pages, &mut section, (index, queue), agents, music);
            }
        }
        queues
    }

    fn add(
        &mut self,
        pages: &[Page<'_>],
        section: &mut Section<'_, '_>,
        (file, entry): (usize, &'a Entry),
        agents: &Agents,
        music: &BTreeSet<String>,
    ) {
        let (page, name) = (section.page, entry.key.as_str());
        if !scalar::is_name(name) {
            section.fault(bad_name(page, entry.key_span, "a queue", name));
        }
        if let Some(first) = self.index.get(name) {
            let (first_file, first) = self.written[usize::from(first.0)];
            let (line, _) = pages[first_file].line_and_column(first.key_span.start);
            let message = format!("there are two queues named `{}`", shortened(name));
            let fault = page.error(codes::DUPLICATE_QUEUE, entry.key_span, message);
            let fault = fault.label(format!("the first is in {}:{line}", pages[first_file].source.file));
            return section.fault(fault.remedy("give this one another name"));
        }
        if self.specs.len() == MAX_QUEUES {
            let message = format!("there are more than {MAX_QUEUES} queues");
            let fault = page.error(codes::TOO_LARGE, entry.key_span, message);
            return section.fault(fault);
        }
        self.index.insert(name, QueueIndex(u16::try_from(self.specs.len()).expect("queues are limited")));
        self.tell_silence(section, entry, music);
        self.specs.push(queue(section, entry, agents));
        self.written.push((file, entry));
        self.users.push(BTreeSet::new());
    }

    /// Tells where there is no music for a queue.
    fn tell_silence(&mut self, section: &mut Section<'_, '_>, queue: &Entry, music: &BTreeSet<String>) {
        let named = queue.value.find("music").and_then(|entry| entry.value.find("name").or(Some(entry)));
        let named = named.and_then(|entry| Some((entry.place(), entry.value.text()?)));
        let (folder, place) = match named {
            Some((place, name)) => (format!("music/{name}/"), place),
            None if self.silence_told => return,
            None => ("music/".to_owned(), queue.key_span),
        };
        if music.iter().any(|file| file.starts_with(&folder)) {
            return;
        }
        self.silence_told |= named.is_none();
        let message = format!("there is no WAV file below `{}`", shortened(folder.trim_end_matches('/')));
        let fault = section.page.warning(codes::NO_MUSIC, place, message);
        let fault = fault.consequence("callers would wait in silence between the announcements");
        let folders: BTreeSet<&str> =
            music.iter().filter_map(|file| Some(file.strip_prefix("music/")?.split_once('/')?.0)).collect();
        section.fault(match named {
            Some((_, name)) => fault.meant(name, folders),
            None => fault,
        });
    }

    /// The queue named `name`, for a step of `user`.
    pub fn name(&mut self, name: &str, user: FlowIndex) -> Option<QueueIndex> {
        let index = *self.index.get(name)?;
        self.users[usize::from(index.0)].insert(user);
        Some(index)
    }

    /// The queue named `name`, in which callers leave messages.
    pub fn mailbox(&mut self, name: &str) -> Option<&QueueSpec> {
        let index = *self.index.get(name)?;
        self.mailboxes.insert(index);
        Some(&self.specs[usize::from(index.0)])
    }

    /// Every name, in the order of their places.
    pub fn in_order(&self) -> impl Iterator<Item = &'a str> {
        self.written.iter().map(|(_, entry)| entry.key.as_str())
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.index.keys().copied()
    }

    /// Where each is written.
    pub fn places(&self, pages: &[Page<'_>]) -> Vec<Written> {
        self.written.iter().map(|(file, entry)| placed::queue(&pages[*file], &pages[*file].file, entry)).collect()
    }
}

impl<'a> Reader<'a> {
    /// Reads where the queues lead and what they say.
    pub fn finish_queues(&mut self) -> Vec<QueueSpec> {
        let mut specs = std::mem::take(&mut self.queues.specs);
        for (position, spec) in specs.iter_mut().enumerate() {
            let (file, entry) = self.queues.written[position];
            let users = std::mem::take(&mut self.queues.users[position]);
            let page = &self.pages[file];
            let index = QueueIndex(u16::try_from(position).expect("queues are limited"));
            if users.is_empty() && !self.queues.mailboxes.contains(&index) {
                let fault = page.warning(codes::UNUSED_QUEUE, entry.key_span, format!("no step uses `{}`", spec.name));
                let fault = fault.consequence("nobody would ever wait in it");
                self.faults.push(fault.remedy(format!("send callers there with a step: `queue: {}`", spec.name)));
            }
            let own = self.outlines.iter().position(|outline| outline.page == file);
            let own = own.map(|own| FlowIndex(u16::try_from(own).expect("flows are limited")));
            let only = (users.len() == 1).then(|| users.first().copied()).flatten();
            match own.or(only) {
                Some(home) => self.queue_at_home(spec, entry, file, home),
                None => self.tell_homeless(entry, file, users.len()),
            }
            let page = &self.pages[file];
            self.whispered_name(spec, entry, page);
        }
        specs
    }

    fn queue_at_home(&mut self, spec: &mut QueueSpec, entry: &'a Entry, file: usize, home: FlowIndex) {
        spec.home = Some(home);
        let outlines = self.outlines;
        let page = &self.pages[file];
        let calls_back = spec.callback.dial.is_some() || !self.known.dial_plan.is_empty();
        let mut reader = FlowReader::new(self, &outlines[usize::from(home.0)], home);
        (reader.page, reader.calls_back) = (page, calls_back);
        let mut target = |key: &str, who: &str| {
            let target = reader.target_of(&entry.value.find(key)?.value, "go", who)?;
            Some(FlowTarget { flow: home, target })
        };
        spec.full = target("when_full", &format!("callers for whom `{}` is full", spec.name));
        spec.too_long.1 = target("when_too_long", &format!("callers who have waited for too long in `{}`", spec.name));
        spec.no_agents = target("when_no_agents", &format!("callers for whom nobody is there in `{}`", spec.name));
        let who = format!("callers whom an agent of `{}` has helped", spec.name);
        spec.survey = reader.target_of(&entry.value, "survey", &who).map(|target| FlowTarget { flow: home, target });
        if let Some(comfort) = entry.value.find("announce").and_then(|announce| announce.value.find("comfort")) {
            spec.comfort = reader.comfort(entry, comfort);
            reader.tell_lacks(&shortened(&entry.key));
        }
        if let Some(choices) = entry.value.find("while_waiting").and_then(|menu| menu.value.find("choices")) {
            spec.while_waiting = reader.choices_while_waiting(entry, choices);
            reader.tell_lacks(&shortened(&entry.key));
        }
    }

    /// A queue's steps cannot be found without a flow.
    fn tell_homeless(&mut self, queue: &Entry, file: usize, users: usize) {
        let first = ["when_full", "when_too_long", "when_no_agents", "while_waiting"].into_iter().find_map(|key| {
            let entry = queue.value.find(key)?;
            entry.value.find("go").or_else(|| entry.value.find("choices"))
        });
        let first = first.or_else(|| queue.value.find("survey"));
        let first = first.or_else(|| queue.value.find("announce")?.value.find("comfort"));
        if let Some(place) = first.filter(|_| users > 1) {
            let message = format!("`{}` is used by {users} flows, and this could be meant of each", queue.key);
            let fault = self.pages[file].error(codes::WHOSE_STEP, place.key_span, message);
            self.faults.push(fault.remedy("write the queue into the file of the flow whose steps it means"));
        }
    }
}

impl FlowReader<'_, '_> {
    /// One text, or a list of them, each with a recording of its own.
    fn comfort(&mut self, queue: &Entry, comfort: &Entry) -> Vec<Speech> {
        let nodes = match &comfort.value.content {
            Content::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&comfort.value),
        };
        if nodes.len() > MOST_COMFORT {
            let message = format!("a queue has at most {MOST_COMFORT} comfort messages, and this has {}", nodes.len());
            let fault = self.page.error(codes::TOO_LARGE, comfort.key_span, message);
            self.fault(fault);
        }
        let nodes = nodes.iter().take(MOST_COMFORT).enumerate();
        nodes
            .filter_map(|(number, node)| {
                let recording = format!("queues/{}.comfort{}", queue.key, number + 1);
                let said = Said { recording, step: None, place: &queue.key, keys: None, key: "comfort" };
                self.speech(&Entry { value: node.clone(), ..comfort.clone() }, &said)
            })
            .collect()
    }
}

fn queue(section: &mut Section<'_, '_>, entry: &Entry, agents: &Agents) -> QueueSpec {
    let entries = section.table(entry, "a table such as `{agents: [1001]}`").unwrap_or(&[]);
    section.tell_unknown(entries, &KEYS, "a queue");
    let find = |key: &str| entry.value.find(key);
    let mut spec = QueueSpec::usual(&entry.key);
    spec.agents = members(section, entry, agents);
    if let Some(strategy) = find("strategy") {
        spec.strategy = section.word(strategy, &STRATEGIES).unwrap_or_default();
    }
    let mut length = |key: &str, limits: (Duration, Duration), into: &mut Duration| {
        *into = find(key).and_then(|entry| section.length(entry, limits.0..=limits.1)).unwrap_or(*into);
    };
    length("ring", (seconds(1), seconds(120)), &mut spec.ring);
    length("wrap_up", (NONE, seconds(1800)), &mut spec.wrap_up);
    length("short_abandon", (NONE, seconds(60)), &mut spec.short_abandon);
    length("resume_window", (NONE, HOUR), &mut spec.resume_window);
    spec.relax_after = find("relax_after").and_then(|entry| section.length(entry, seconds(5)..=HOUR));
    if let Some(missed) = find("missed") {
        duty::missed(section, missed, &mut spec);
    }
    spec.whisper = find("whisper").is_some_and(duty::whispers);
    if let Some(entry) = find("music") {
        music(section, entry, &mut spec);
    }
    spec.alert_info = find("alert_info").and_then(|entry| alert_info(section, entry));
    announce(section, find("announce"), &mut spec);
    if let Some(menu) = find("while_waiting") {
        let entries = section.table(menu, "a table with `choices`").unwrap_or(&[]);
        section.tell_unknown(entries, &WHILE_WAITING_KEYS, "`while_waiting`");
        if menu.value.find("choices").is_none() {
            let fault = section.page.error(codes::NO_CHOICES, menu.key_span, "`while_waiting` has no `choices`");
            section.fault(fault.remedy("leave it away, or offer something: `choices: {1: ... -> callback}`"));
        }
    }
    ways_out(section, entry, &mut spec);
    if let Some(entry) = find("callback") {
        callback(section, entry, &mut spec.callback);
    }
    if let Some(level) = find("service_level") {
        service_level(section, level, &mut spec);
    }
    spec
}

/// `[1001, {1002: 2}]` or `{1001: 1, 1002: 2}`: extensions, with their tiers.
fn members(section: &mut Section<'_, '_>, queue: &Entry, agents: &Agents) -> Vec<(Arc<str>, u8)> {
    let mut members: Vec<(Arc<str>, u8)> = Vec::new();
    let mut known = BTreeSet::new();
    let (place, written) = match queue.value.find("agents") {
        Some(entry) => {
            (entry.key_span, ranked(section, entry, "a list of extensions such as `[1001]`", u32::from(LAST_TIER)))
        }
        None => (queue.key_span, Vec::new()),
    };
    let none_written = written.is_empty();
    for (extension, span, tier) in written.into_iter().take(MAX_AGENTS) {
        match agents.find(extension) {
            Some(agent) if known.insert(extension) => members.push((agent.extension.clone(), tier.unwrap_or(1))),
            Some(_) => {
                let fault = section.page.error(codes::DUPLICATE_KEY, span, format!("`{extension}` stands here twice"));
                section.fault(fault);
            }
            None if section.faults.are_full() => {}
            None => {
                let message = format!("no agent has the extension `{}`", shortened(extension));
                let fault = section.page.error(codes::NO_SUCH_AGENT, span, message);
                let extensions = agents.specs.iter().map(|agent| &*agent.extension);
                if let Some(named) = agents.specs.iter().find(|agent| &*agent.name == extension) {
                    section.fault(fault.remedy(format!("write the extension: `{}`", named.extension)));
                    continue;
                }
                let remedy = format!("add the agent: `agents: {{{}: {{name: ...}}}}`", shortened(extension));
                section.fault(fault.meant(extension, extensions).or_remedy(&remedy));
            }
        }
    }
    if none_written {
        let message = format!("nobody answers `{}`", shortened(&queue.key));
        let fault = section.page.warning(codes::UNANSWERED_QUEUE, place, message);
        section.fault(fault.remedy("name agents: `agents: [1001]`").consequence("callers would wait for nobody"));
    }
    members
}

/// `jazz`, or `{name: jazz, together: true}`.
fn music(section: &mut Section<'_, '_>, entry: &Entry, spec: &mut QueueSpec) {
    let mut name = Some(entry);
    if let Content::Table(entries) = &entry.value.content {
        section.tell_unknown(entries, &MUSIC_KEYS, "`music`");
        name = entry.value.find("name");
        if let Some(together) = entry.value.find("together") {
            spec.music_together = section.truth(together).unwrap_or(false);
        }
    }
    let Some(entry) = name else { return };
    let Some(name) = section.text(entry, "the name of a folder below `music`") else { return };
    if scalar::is_name(name) {
        spec.music = Some(Arc::from(name));
    } else {
        section.fault(bad_name(section.page, entry.place(), "a folder of music", name));
    }
}

/// `<urn:alert:service:call-waiting>`, `<http://example.com/bell>;info=ring3`, or the address without brackets.
fn alert_info(section: &mut Section<'_, '_>, entry: &Entry) -> Option<Arc<str>> {
    let text = section.text(entry, "an address such as `<urn:alert:source:internal>`")?.trim();
    let (address, parameters) = match text.strip_prefix('<') {
        Some(rest) => rest.split_once('>').unwrap_or((rest, "none")),
        None => (text, ""),
    };
    let scheme = address.split_once(':').filter(|(scheme, rest)| {
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && !rest.is_empty()
    });
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte));
    let sound = scheme.is_some()
        && plain(address)
        && plain(parameters)
        && (parameters.is_empty() || parameters.starts_with(';'))
        && text.len() <= LONGEST_ALERT;
    if !sound {
        let message = format!("`{}` is no Alert-Info", shortened(text));
        let fault = section.page.error(codes::ALERT_INFO, entry.place(), message);
        section.fault(fault.remedy("write an address in angle brackets: `<urn:alert:source:internal>`"));
        return None;
    }
    Some(if text.starts_with('<') { Arc::from(text) } else { Arc::from(format!("<{text}>")) })
}

fn announce(section: &mut Section<'_, '_>, entry: Option<&Entry>, spec: &mut QueueSpec) {
    let Some(entry) = entry else { return };
    let entries = section.table(entry, "a table such as `{position: place, wait: auto}`").unwrap_or(&[]);
    section.tell_unknown(entries, &ANNOUNCE_KEYS, "`announce`");
    if let Some(position) = entry.value.find("position") {
        spec.position_announced = section.word(position, &[("place", true), ("off", false)]).unwrap_or(true);
    }
    if let Some(wait) = entry.value.find("wait") {
        spec.wait_announced = section.word(wait, &[("auto", true), ("off", false)]).unwrap_or(true);
    }
    if let Some(first) = entry.value.find("first_after") {
        spec.announce_first = section.length(first, NONE..=seconds(600)).unwrap_or(spec.announce_first);
    }
    if let Some(repeat) = entry.value.find("repeat") {
        spec.announce_repeat = section.length(repeat, seconds(20)..=seconds(1800)).unwrap_or(spec.announce_repeat);
    }
    if let Some(every) = entry.value.find("comfort_every") {
        spec.comfort_every = section.length(every, seconds(10)..=seconds(1800));
        tell_uncomforted(section, every, spec);
    }
}

/// Tells comfort messages that never find room between two announcements.
fn tell_uncomforted(section: &mut Section<'_, '_>, every: &Entry, spec: &QueueSpec) {
    let Some(comfort) = spec.comfort_every else { return };
    let least = comfort + COMFORT_ROOM;
    if (spec.position_announced || spec.wait_announced) && least > spec.announce_repeat {
        let repeat = scalar::written_duration(spec.announce_repeat);
        let message =
            format!("an announcement comes {repeat} after another, which leaves no room for comfort messages");
        let fault = section.page.warning(codes::NEVER_ANNOUNCED, every.place(), message);
        let least = scalar::written_duration(least);
        let fault = fault.remedy(format!("write `repeat: {least}` or more, or a shorter `comfort_every`"));
        section.fault(fault.consequence("callers would hear none between the announcements"));
    }
}

/// `when_full`, `when_too_long` and `when_no_agents`, without the steps that they name.
fn ways_out(section: &mut Section<'_, '_>, queue: &Entry, spec: &mut QueueSpec) {
    let ways: [(&str, Option<&str>, &[&str]); 3] = [
        ("when_full", Some("over"), &FULL_KEYS),
        ("when_too_long", Some("after"), &TOO_LONG_KEYS),
        ("when_no_agents", None, &NO_AGENTS_KEYS),
    ];
    for (key, limit, keys) in ways {
        let Some(entry) = queue.value.find(key) else { continue };
        let entries = section.table(entry, "a table such as `{go: step}`").unwrap_or(&[]);
        section.tell_unknown(entries, keys, &format!("`{key}`"));
        if entry.value.find("go").is_none() && (limit.is_none() || entries.is_empty()) {
            let fault = section.page.error(codes::MISSING_KEY, entry.key_span, format!("`{key}` leads nowhere"));
            section.fault(fault.remedy("name a step: `go: ...`"));
        }
        match limit.and_then(|limit| entry.value.find(limit)) {
            Some(over) if key == "when_full" => {
                spec.most_callers = section.number(over, 1..=MOST_CALLERS).unwrap_or(spec.most_callers);
            }
            Some(after) => {
                spec.too_long.0 = section.length(after, seconds(1)..=HOUR * 24).unwrap_or(spec.too_long.0);
            }
            None => {}
        }
    }
    let announces = spec.position_announced || spec.wait_announced || spec.comfort_every.is_some();
    if announces && spec.announce_first >= spec.too_long.0 {
        let place = queue.value.find("announce").and_then(|announce| announce.value.find("first_after"));
        let place = place.or_else(|| queue.value.find("when_too_long")).map_or(queue.key_span, Entry::place);
        let (first, wait) = (scalar::written_duration(spec.announce_first), scalar::written_duration(spec.too_long.0));
        let message = format!("the first announcement comes after {first}, and callers wait for {wait} at most");
        let fault = section.page.warning(codes::NEVER_ANNOUNCED, place, message);
        section.fault(fault.consequence("callers would never hear their place"));
    }
    if spec.ring > spec.too_long.0 {
        let place = queue.value.find("ring").or_else(|| queue.value.find("when_too_long"));
        let place = place.map_or(queue.key_span, Entry::place);
        let (ring, wait) = (scalar::written_duration(spec.ring), scalar::written_duration(spec.too_long.0));
        let message = format!("an agent's telephone rings for {ring}, and callers wait for {wait} at most");
        let fault = section.page.warning(codes::RING_TOO_LONG, place, message);
        section.fault(fault.consequence("callers would be sent away while the first telephone rings"));
    }
}

/// How those who hung up are called back.
fn callback(section: &mut Section<'_, '_>, entry: &Entry, spec: &mut CallbackSpec) {
    let entries = section.table(entry, "a table such as `{order: caller_first, tries: 2}`").unwrap_or(&[]);
    section.tell_unknown(entries, &CALLBACK_KEYS, "`callback`");
    let find = |key: &str| entry.value.find(key);
    if let Some(order) = find("order") {
        spec.order = section.word(order, &ORDERS).unwrap_or_default();
    }
    if let Some(grace) = find("grace") {
        spec.grace = section.length(grace, seconds(10)..=seconds(120)).unwrap_or(spec.grace);
    }
    if let Some(tries) = find("tries") {
        spec.tries = section.number(tries, 1..=10).unwrap_or(spec.tries);
    }
    if let Some(gap) = find("gap") {
        spec.gap = section.length(gap, seconds(10)..=HOUR * 24).unwrap_or(spec.gap);
    }
    let Some(dial) = find("dial") else { return };
    let Some(text) = section.text(dial, "an address such as `sip:{number}@192.0.2.7`") else { return };
    if is_callback_address(text) {
        spec.dial = Some(Arc::from(text));
    } else {
        let message = format!("`{}` is no address that could be called back", shortened(text));
        let fault = section.page.error(codes::CALLBACK_ADDRESS, dial.place(), message);
        section.fault(fault.remedy("write `sip:{number}@` and a host: `\"sip:{number}@192.0.2.7\"`"));
    }
}

/// `sip:{number}@host:port;transport=tcp`: the number stands for the user and for nothing else.
fn is_callback_address(text: &str) -> bool {
    let rest = text.strip_prefix("sip:").and_then(|rest| rest.strip_prefix(CallbackSpec::NUMBER)?.strip_prefix('@'));
    rest.is_some_and(|rest| {
        let known = |c: char| c.is_ascii_alphanumeric() || "-._:;=[]".contains(c);
        rest.len() <= 255
            && rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
            && rest.chars().all(known)
    })
}

/// `80% within 20s`.
fn service_level(section: &mut Section<'_, '_>, entry: &Entry, spec: &mut QueueSpec) {
    let Some(text) = section.text(entry, "a goal such as `80% within 20s`") else { return };
    let parts = text.split_once('%').and_then(|(per_cent, rest)| {
        let per_cent: u8 = per_cent.trim().parse().ok().filter(|per_cent| (1..=100).contains(per_cent))?;
        let within = scalar::duration(rest.trim().strip_prefix("within")?)?;
        (seconds(1)..=HOUR).contains(&within).then_some((per_cent, within))
    });
    match parts {
        Some((per_cent, within)) => (spec.service_per_cent, spec.service_within) = (per_cent, within),
        None => {
            let message = format!("`{}` is no service level", shortened(text));
            let fault = section.page.error(codes::SERVICE_LEVEL, entry.place(), message);
            section.fault(fault.remedy("write it like `80% within 20s`: 1 to 100, and 1s to 1h"));
        }
    }
}

/// Tells what agents and queues say of each other and of flows.
pub(super) fn tell_agents(agents: &Agents, set: &FlowSet, pages: &[Page<'_>], faults: &mut Faults) {
    let numbers = &set.numbers;
    let in_queues = set.queues.iter().flat_map(|queue| &queue.agents).map(|(agent, _)| &**agent);
    // Callers reach an agent to whom a step passes them on, too.
    let busy: BTreeSet<&str> = in_queues.chain(set.transferred_to()).collect();
    for (agent, (file, place)) in agents.specs.iter().zip(&agents.places) {
        let page = &pages[*file];
        if numbers.contains_key(&*agent.extension) {
            let message = format!("`{}` is also a number that a flow answers", agent.extension);
            let fault = page.error(codes::EXTENSION, *place, message).remedy("give the agent another extension");
            faults.push(fault.consequence("who dials it could reach only one of the two"));
        }
        if !busy.contains(&*agent.extension) {
            let message = format!("`{}` answers no queue", agent.extension);
            let fault = page.warning(codes::IDLE_AGENT, *place, message);
            faults.push(fault.remedy("name the agent in a queue's `agents`").consequence("no caller would reach them"));
        }
    }
}

/// What is told of a queue that does not exist.
pub(super) fn no_such_queue(page: &Page<'_>, name: &str, place: Span, queues: &Queues<'_>) -> super::Diagnostic {
    let fault = page.error(codes::NO_SUCH_QUEUE, place, format!("no queue named `{}`", shortened(name)));
    let names: Vec<&str> = queues.names().collect();
    let remedy = match names.is_empty() {
        true => format!("add it: `queues: {{{}: {{agents: [...]}}}}`", shortened(name)),
        false => format!("there is {}", listed(names.iter().copied().take(8))),
    };
    fault.meant(name, names).or_remedy(&remedy).consequence("callers would have nowhere to wait")
}
