//! The schema of language files.

use serde_json::{Value, json};

use super::shape::{Draft, Key, any_of, names, pattern, text, with_examples, with_required};
use crate::flow::document::keys;

/// The schema, and what it lacks beside the reader.
pub(super) fn schema() -> (Value, Vec<String>) {
    let mut draft = Draft::new(keys::language_tables());
    let language = language(&mut draft);
    let mut root = with_required(language, &["language"]);
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!("A language file of Helpline");
    root["description"] =
        json!("How a language is spoken: its phrases, and the rules by which values are joined from them.");
    draft.finish();
    (root, draft.lacks)
}

/// Phrases and values in their order.
fn said(example: &str) -> Value {
    with_examples(json!({ "type": "string" }), &[example])
}

fn language(draft: &mut Draft) -> Value {
    let rule = said("{times} number/hundred [{rest}]");
    let numbers = names("^[0-9]+(/[0-9]+)?$", rule);
    let plurals =
        draft.table("plurals", of_categories(&said("i = 1 and v = 0"), "The rule of CLDR for this category."));
    let counted =
        draft.table("counted", of_categories(&said("{number} unit/minutes"), "What is said of these numbers."));
    // Of keys that are numbers the language server knows no single ones.
    let keys = names(&format!("^({})$", keys::words_of("key").join("|")), text(&[]));
    let time = names("^(midnight|noon|[0-9]|[1-5][0-9])$", said("{hour|clock} {minute}"));
    let name = "^[A-Za-z][A-Za-z0-9_]*$";
    let parts = vec![
        (
            "language",
            "The code of the language, and the name of the folder.",
            pattern("^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", &["de"]),
        ),
        (
            "like",
            "A language that is built in, for whatever is left out here.",
            json!({ "enum": keys::words_of("like") }),
        ),
        ("plurals", "The plural rules of the Unicode CLDR; what no rule takes is `other`.", plurals),
        ("choice", "The line of a choice.", said("{choice}, press {keys}.")),
        ("keys", "How keys are called in that line; without it as the digits.", keys),
        ("numbers", "Sets of rules for whole numbers; `cardinal` says plain ones.", names(name, numbers)),
        ("negative", "A number below nought.", said("number/minus {number}")),
        ("decimal", "A number with a fraction.", said("{whole} number/point {decimals}")),
        ("counted", "Numbers with what is counted, by plural category.", names(name, counted)),
        ("duration", "Two units of a length of time.", said("{larger} number/and {smaller}")),
        ("money", "Amounts.", money(draft)),
        ("day", "Days.", days(draft)),
        ("time", "Times of day, by the minute of the hour from which on each rule holds.", time.clone()),
        ("day_time", "A day with a time.", day_time(draft, time)),
        ("queue", "What callers who wait are told.", queue(draft)),
        (
            "phrases",
            "The texts of all recordings, by folder and name.",
            names("^[A-Za-z0-9_-]+$", names("^[A-Za-z0-9_-]+$", json!({ "type": ["string", "number"] }))),
        ),
    ];
    draft.table("language", parts)
}

/// Keys that all take the same.
fn of_all(keys: Vec<&'static str>, shape: &Value, text: &'static str) -> Vec<Key> {
    keys.into_iter().map(|key| (key, text, shape.clone())).collect()
}

fn of_categories(shape: &Value, text: &'static str) -> Vec<Key> {
    of_all(keys::words_of("category"), shape, text)
}

fn money(draft: &mut Draft) -> Value {
    let parts = vec![
        ("units", "What whole ones are counted in, of `counted`.", text(&["pounds"])),
        ("hundredths", "What hundredths are counted in.", text(&["pence"])),
    ];
    let currency = draft.table("currency", parts);
    let currency = with_required(currency, &["units", "hundredths"]);
    let mut parts = of_all(keys::words_of("currency"), &currency, "In what amounts of this currency are counted.");
    parts.push(("both", "Whole ones and hundredths.", said("{units} money/and {hundredths}")));
    draft.table("money", parts)
}

fn days(draft: &mut Draft) -> Value {
    let date = || said("day/{weekday} date/{day} month/{month}");
    let parts = vec![
        ("yesterday", "Yesterday.", said("day/yesterday")),
        ("today", "Today.", said("day/today")),
        ("tomorrow", "Tomorrow.", said("day/tomorrow")),
        ("this_year", "A day of this year.", date()),
        ("other_year", "A day of another year.", said("day/{weekday} date/{day} month/{month} {year}")),
        ("today_is", "The day in \"today is ...\", where that differs.", date()),
    ];
    draft.table("day", parts)
}

fn day_time(draft: &mut Draft, time: Value) -> Value {
    let both = said("{day} time/at {time}");
    let parts =
        vec![("both", "The day and the time.", both.clone()), ("time", "Times as they are told beside a day.", time)];
    any_of(vec![both, draft.table("day_time", parts)])
}

fn queue(draft: &mut Draft) -> Value {
    let parts = vec![
        ("place", "The place in line.", said("queue/number {number} queue/in_line")),
        ("wait", "The wait in minutes.", said("queue/wait_about {number|last_minutes}")),
    ];
    draft.table("queue", parts)
}
