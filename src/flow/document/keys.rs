//! Every table of keys that the reader of flow files goes by, for the schema of editors and for the canonical order.

use super::language::{self, rules};
use super::{
    agents, call_tests, connectors, duty, fields, flow, hours, lookup, menu, messages, outline, queues, steps, survey,
    words,
};
use crate::flow::connector::Method;
use crate::flow::speech::{BUILT_IN, CATEGORIES};

pub use call_tests::history::MOST_CALLS;

/// The keys that something has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTable {
    /// Whose keys they are: "a queue", "step menu".
    pub owner: String,
    /// The keys, in the order in which they are best written.
    pub keys: Vec<&'static str>,
}

impl KeyTable {
    /// The keys of `owner`.
    pub fn new(owner: impl Into<String>, keys: &[&'static str]) -> KeyTable {
        KeyTable { owner: owner.into(), keys: keys.to_vec() }
    }
}

/// The tables of flow files. Of a step there is one for each kind, `step menu`, which the kind's own key begins.
pub fn tables() -> Vec<KeyTable> {
    let mut tables = vec![
        KeyTable::new("file", &outline::FILE_KEYS),
        KeyTable::new("choice", &menu::CHOICE_KEYS),
        KeyTable::new("queue", &queues::KEYS),
        KeyTable::new("announce", &queues::ANNOUNCE_KEYS),
        KeyTable::new("callback", &queues::CALLBACK_KEYS),
        KeyTable::new("music", &queues::MUSIC_KEYS),
        KeyTable::new("while_waiting", &queues::WHILE_WAITING_KEYS),
        KeyTable::new("when_full", &queues::FULL_KEYS),
        KeyTable::new("when_too_long", &queues::TOO_LONG_KEYS),
        KeyTable::new("when_no_agents", &queues::NO_AGENTS_KEYS),
        KeyTable::new("record", &messages::RECORD_KEYS),
        KeyTable::new("survey question", &survey::QUESTION_KEYS),
        KeyTable::new("missed", &duty::MISSED_KEYS),
        KeyTable::new("agent", &agents::KEYS),
        KeyTable::new("hours", &hours::SETTINGS),
        KeyTable::new("call test", &call_tests::KEYS),
        KeyTable::new("caller of a call test", &call_tests::history::KEYS),
        KeyTable::new("waiting", &call_tests::world::WAITING_KEYS),
        KeyTable::new("act", &call_tests::acts::ACT_KEYS),
        KeyTable::new("hear", &call_tests::acts::HEAR_KEYS),
        KeyTable::new("expect", &call_tests::acts::EXPECT_KEYS),
        KeyTable::new("connector", &connectors::KEYS),
        KeyTable::new("breaker", &connectors::BREAKER_KEYS),
        KeyTable::new("header", &connectors::HEADER_KEYS),
        KeyTable::new("field", &fields::KEYS),
        KeyTable::new("way", &lookup::WAY_KEYS),
    ];
    for kind in &steps::KINDS {
        tables.push(KeyTable::new(format!("step {}", kind.key), &[&[kind.key], kind.settings].concat()));
    }
    tables
}

/// The tables of language files; the names of rules and phrases, numbers and minutes are free.
pub fn language_tables() -> Vec<KeyTable> {
    let mut tables = vec![
        KeyTable::new("language", &language::KEYS),
        KeyTable::new("money", &rules::MONEY_KEYS),
        KeyTable::new("currency", &rules::CURRENCY_KEYS),
        KeyTable::new("day", &rules::DAY_KEYS),
        KeyTable::new("day_time", &rules::DAY_TIME_KEYS),
        KeyTable::new("queue", &rules::QUEUE_KEYS),
    ];
    tables.extend(["plurals", "counted"].map(|part| KeyTable::new(part, &CATEGORIES)));
    tables
}

/// The kinds of steps, each the key that names it.
pub fn step_kinds() -> impl Iterator<Item = &'static str> {
    steps::KINDS.iter().map(|kind| kind.key)
}

/// The words that a setting takes: `strategy` of a queue, `order` of a callback, `method` of a connector, `type` of a field, `currency` of a flow, `scale` of a question, `like`, `category` and `key` of a language, `format` of a
/// placeholder, `target` where no step is named, `act`, `outcome` and `habit` of call tests.
pub fn words_of(setting: &str) -> Vec<&'static str> {
    match setting {
        "strategy" => queues::STRATEGIES.iter().map(|(name, _)| *name).collect(),
        "order" => queues::ORDERS.iter().map(|(name, _)| *name).collect(),
        "currency" => flow::CURRENCIES.iter().map(|(name, _)| *name).collect(),
        "format" => words::FORMATS.iter().map(|(name, _)| *name).collect(),
        "like" => BUILT_IN.iter().map(|(tag, _)| *tag).collect(),
        "category" => CATEGORIES.to_vec(),
        "key" => language::TOLD_KEYS.to_vec(),
        "method" => Method::ALL.iter().map(|(name, _)| *name).collect(),
        "type" => fields::KINDS.to_vec(),
        "target" => outline::TARGET_WORDS.to_vec(),
        "consent" => messages::CONSENTS.iter().map(|(name, _)| *name).collect(),
        "channels" => messages::CHANNELS.iter().map(|(name, _)| *name).collect(),
        "scale" => survey::SCALES.iter().map(|(name, _)| *name).collect(),
        "record" => messages::RECORD_WORDS.to_vec(),
        "act" => call_tests::acts::ALONE.iter().map(|(name, _)| *name).collect(),
        "outcome" => call_tests::acts::OUTCOMES.to_vec(),
        "habit" => call_tests::HABIT_EXAMPLES.to_vec(),
        "telephone" => call_tests::TELEPHONE_EXAMPLES.to_vec(),
        _ => Vec::new(),
    }
}
