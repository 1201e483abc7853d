//! Language files, `prompts/<language>/language.yaml`: phrases, and the rules by which values are joined from them. Operators
//! find the format in docs/languages.md.

pub(super) mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::codes;
use super::diagnostic::{Diagnostic, Faults, Page, Severity, Source, Span, listed, nearest, shortened};
use super::scalar;
use super::section::Section;
use super::tree::{self, Content, Entry, Node};
use crate::flow::speech::{self, BUILT_IN, ChoiceLine, Language, Languages, Measured, PluralRule, What};

/// Most phrases of a language.
const MOST_PHRASES: usize = 5_000;
/// Longest text of a phrase.
const LONGEST_TEXT: usize = 1_000;
/// The name of a language file.
pub const LANGUAGE_FILE: &str = "language.yaml";

/// What stands at the top of a language file.
pub(super) const KEYS: [&str; 16] = [
    "language", "like", "plurals", "choice", "keys", "numbers", "negative", "decimal", "counted", "duration", "money",
    "day", "time", "day_time", "queue", "phrases",
];

/// The keys of a telephone, as `keys` names them.
pub(super) const TOLD_KEYS: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "star", "hash"];

/// A language that is built in: `text` is its file.
pub fn built_in_language(tag: &str, text: &str) -> Language {
    let source = Source { file: format!("{tag}/{LANGUAGE_FILE}"), text: text.to_owned() };
    let page = Page::new(&source);
    let mut faults = Faults::default();
    read(&page, &[], &mut faults).expect("a language that is built in has been tested")
}

/// The languages that are built in, and those of `files`.
pub(super) fn read_languages(files: &[Source], faults: &mut Faults) -> Languages {
    let mut languages = Languages::clone(&Languages::built_in());
    for source in files {
        let page = Page::new(source);
        if let Some(language) = read(&page, Languages::sentences(), faults) {
            tell_lacks(&page, &language, faults);
            languages.add(language);
        }
    }
    languages
}

/// What Helpline says by itself, by the names of the phrases.
type Sentences = [(Arc<str>, Arc<str>)];

fn read(page: &Page<'_>, sentences: &Sentences, faults: &mut Faults) -> Option<Language> {
    let mut root = tree::read(page, faults)?;
    let mut section = Section { page, faults };
    let whole = Entry { key: LANGUAGE_FILE.to_owned(), key_span: Span::default(), value: root.clone() };
    section.table(&whole, "a table such as `language: de`")?;
    let parts = root.table().unwrap_or_default();
    section.tell_unknown(parts, &KEYS, "a language");
    let tag = tag(&mut section, &root)?;
    if let Some(like) = root.find("like") {
        match like.value.text().and_then(|like| BUILT_IN.iter().find(|(tag, _)| *tag == like)) {
            Some((tag, text)) => root = with_base(root, tag, text),
            None => {
                let known = || BUILT_IN.iter().map(|(tag, _)| *tag);
                let message = "a language can be like one that is built in";
                let fault = page.error(codes::LANGUAGE_TAG, like.place(), message);
                section.fault(fault.remedy(format!("write {}", listed(known()))));
            }
        }
    }
    let before = section.faults.errors();
    let mut language = Language { tag, ..Language::default() };
    phrases(&mut section, &root, &mut language);
    plurals(&mut section, &root, &mut language);
    choice(&mut section, &root, &mut language);
    rules::read(&mut section, &root, &mut language);
    let said = tell_unproven(&mut section, &language);
    // Where a rule could not be read, its phrases look as if nothing said them.
    if !sentences.is_empty() && section.faults.errors() == before {
        tell_unused(&mut section, &root, &|name| {
            said.contains(name) || sentences.iter().any(|(known, _)| &**known == name)
        });
    }
    Some(language)
}

/// The language's tag, which is its folder's name too.
fn tag(section: &mut Section<'_, '_>, root: &Node) -> Option<Arc<str>> {
    let file = &section.page.source.file;
    let folder = file.rsplit(['/', '\\']).nth(1).unwrap_or("").to_owned();
    let Some(entry) = root.find("language") else {
        let fault = section.page.error(codes::MISSING_KEY, Span::default(), "this file does not say its `language`");
        section.fault(fault.remedy(format!("write `language: {folder}`")));
        return None;
    };
    let tag = section.text(entry, "the code of a language")?;
    if !scalar::is_language(tag) {
        let fault = section.page.error(codes::LANGUAGE_CODE, entry.place(), "this is not the code of a language");
        section.fault(fault.remedy("codes look like `en`, `es` or `pt-BR`"));
        return None;
    }
    if tag != folder {
        let message = format!("this is the language `{tag}`, and its folder is `{}`", shortened(&folder));
        let fault = section.page.error(codes::LANGUAGE_TAG, entry.place(), message);
        section.fault(fault.remedy(format!("put the file into the folder `{tag}`, beside its recordings")));
    }
    Some(tag.into())
}

/// What a file leaves out is as in another language. Places in that one's file mean nothing here.
fn with_base(own: Node, tag: &str, text: &str) -> Node {
    let source = Source { file: tag.to_owned(), text: text.to_owned() };
    let base = tree::read(&Page::new(&source), &mut Faults::default()).expect("it is built in");
    let Content::Table(mut entries) = own.content else { return own };
    let Content::Table(of_base) = base.content else { unreachable!("it is built in") };
    for mut entry in of_base {
        match entries.iter_mut().find(|own| own.key == entry.key) {
            None => {
                forget_places(&mut entry);
                entries.push(entry);
            }
            Some(own) if matches!(entry.key.as_str(), "phrases" | "numbers" | "counted") => add_to(own, entry),
            Some(_) => {}
        }
    }
    Node { content: Content::Table(entries), span: own.span }
}

/// Adds the entries that `own` lacks, in the tables below them too.
fn add_to(own: &mut Entry, base: Entry) {
    let Content::Table(of_base) = base.value.content else { return };
    let Content::Table(entries) = &mut own.value.content else { return };
    for mut entry in of_base {
        match entries.iter_mut().find(|own| own.key == entry.key) {
            Some(own) if base.key == "phrases" => add_to(own, entry),
            Some(_) => {}
            None => {
                forget_places(&mut entry);
                entries.push(entry);
            }
        }
    }
}

fn forget_places(entry: &mut Entry) {
    fn of(node: &mut Node) {
        node.span = Span::default();
        match &mut node.content {
            Content::Table(entries) => entries.iter_mut().for_each(forget_places),
            Content::List(items) => items.iter_mut().for_each(of),
            Content::Text { .. } | Content::Nothing => {}
        }
    }
    entry.key_span = Span::default();
    of(&mut entry.value);
}

fn phrases(section: &mut Section<'_, '_>, root: &Node, language: &mut Language) {
    let Some(entry) = root.find("phrases") else { return };
    for folder in section.table(entry, "a table of folders and phrases").unwrap_or(&[]) {
        for phrase in section.table(folder, "a table of names and texts").unwrap_or(&[]) {
            let name = format!("{}/{}", folder.key, phrase.key);
            if !speech::is_phrase(&name) {
                let message = format!("`{}` cannot be the name of a phrase", shortened(&name));
                let fault = section.page.error(codes::NAME, phrase.key_span, message);
                let letters = "letters without accents, digits, `_` and `-` can stand in a name";
                section.fault(fault.label(letters));
                continue;
            }
            let Some(text) = words(section, phrase, "what is said") else { continue };
            let long = text.chars().count() > LONGEST_TEXT;
            if long || language.phrases.len() == MOST_PHRASES {
                let message = match long {
                    true => format!("a phrase has at most {LONGEST_TEXT} characters"),
                    false => format!("a language has at most {MOST_PHRASES} phrases"),
                };
                let fault = section.page.error(codes::TOO_LARGE, phrase.place(), message);
                section.fault(fault);
                continue;
            }
            language.phrases.insert(name.into(), text.into());
        }
    }
}

/// A text; of a word that YAML takes for nothing, such as the German zero, it is told.
fn words<'n>(section: &mut Section<'_, '_>, entry: &'n Entry, wanted: &str) -> Option<&'n str> {
    let written = section.page.at(entry.value.span);
    if entry.value.is_nothing() && !written.is_empty() {
        let message = format!("`{written}` without quotes is nothing at all in YAML");
        let fault = section.page.error(codes::WRONG_SHAPE, entry.value.span, message);
        section.fault(fault.remedy(format!("write `\"{written}\"`")));
        return None;
    }
    section.text(entry, wanted)
}

fn plurals(section: &mut Section<'_, '_>, root: &Node, language: &mut Language) {
    let Some(entry) = root.find("plurals") else { return };
    let categories = speech::CATEGORIES;
    let entries = section.table(entry, "a table of categories and rules").unwrap_or(&[]);
    section.tell_unknown(entries, &categories, "`plurals`");
    for rule in entries {
        let Some(category) = categories.iter().position(|name| *name == rule.key) else { continue };
        let Some(text) = section.text(rule, "a rule of CLDR such as `i = 1 and v = 0`") else { continue };
        match PluralRule::parse(text) {
            // The rest needs no rule; CLDR writes examples there.
            _ if category + 1 == categories.len() => {}
            Some(rule) => language.plurals.set(category, rule),
            None => {
                let message = format!("`{}` is not a plural rule of CLDR", shortened(text));
                let fault = section.page.error(codes::PLURAL_RULE, rule.place(), message);
                section.fault(fault.remedy("rules look like `i = 1 and v = 0`; CLDR lists them for every language"));
            }
        }
    }
}

/// `"{choice}, press {keys}."`, and how the keys are told.
fn choice(section: &mut Section<'_, '_>, root: &Node, language: &mut Language) {
    let digit = |name: &str| language.phrases.get(format!("digit/{name}").as_str()).map(ToString::to_string);
    let mut keys = TOLD_KEYS.map(|name| digit(name).unwrap_or_else(|| name.to_owned()));
    if let Some(entry) = root.find("keys") {
        let entries = section.table(entry, "a table of keys and how they are told").unwrap_or(&[]);
        section.tell_unknown(entries, &TOLD_KEYS, "`keys`");
        for entry in entries {
            let place = TOLD_KEYS.iter().position(|name| *name == entry.key);
            if let (Some(place), Some(text)) = (place, words(section, entry, "how the key is told")) {
                text.clone_into(&mut keys[place]);
            }
        }
    }
    let Some(entry) = root.find("choice") else { return };
    let Some(text) = section.text(entry, "a line such as `\"{choice}, press {keys}.\"`") else { return };
    let Some((press, end)) = text.strip_prefix("{choice}").and_then(|rest| rest.split_once("{keys}")) else {
        let message = "the line of a choice begins with `{choice}` and has `{keys}` in it";
        let fault = section.page.error(codes::SPEECH_RULE, entry.place(), message);
        return section.fault(fault.remedy("write it like `\"{choice}, press {keys}.\"`"));
    };
    language.choice = Some(ChoiceLine { press: press.to_owned(), end: end.to_owned(), keys });
}

/// Tells what a language promises and cannot say; the phrases that its rules say.
fn tell_unproven(section: &mut Section<'_, '_>, language: &Language) -> BTreeSet<String> {
    let (unproven, said) = speech::prove(language);
    // What one's own rules lack is told there, and not also where the rules of the language that this one is like ask for it.
    let own = |what: &What| unproven.iter().any(|fault| fault.what == *what && fault.span != Span::default());
    for fault in unproven.iter().filter(|fault| fault.span != Span::default() || !own(&fault.what)) {
        let told = match &fault.what {
            What::NoPhrase(name) => {
                let message = format!("no phrase is called `{}`", shortened(name));
                let told = section.page.error(codes::NO_SUCH_PHRASE, fault.span, message);
                let told = told.meant(name, language.phrases.keys().map(AsRef::as_ref));
                told.or_remedy("write its text below `phrases`")
            }
            What::NoRule(rules, number) => {
                let message = format!("the rules `{rules}` do not say {number}");
                let told = section.page.error(codes::UNSPEAKABLE_NUMBER, fault.span, message);
                told.remedy(format!("give them a rule that begins with {number} or less"))
            }
            What::Undivided => {
                let message = "this rule begins below 10 and divides by nothing: it has no `{times}` and no `{rest}`";
                let told = section.page.error(codes::SPEECH_RULE, fault.span, message);
                told.remedy("write what it divides by behind its number: `60/20`")
            }
            What::Circle(rules) => {
                let message = format!("this leads back to the rules `{rules}` with the same number, and never ends");
                section.page.error(codes::UNSPEAKABLE_NUMBER, fault.span, message)
            }
            What::TooMuch => {
                let message = "numbers would take too many phrases by this rule";
                section.page.error(codes::UNSPEAKABLE_NUMBER, fault.span, message)
            }
        };
        section.fault(told.consequence("callers would hear nothing in its place"));
    }
    said
}

/// Tells phrases that nothing says.
fn tell_unused(section: &mut Section<'_, '_>, root: &Node, said: &dyn Fn(&str) -> bool) {
    let folders = root.find("phrases").and_then(|entry| entry.value.table()).unwrap_or(&[]);
    let phrases = folders.iter().flat_map(|folder| {
        let own = folder.value.table().unwrap_or(&[]).iter().filter(|phrase| phrase.key_span != Span::default());
        own.map(|phrase| (format!("{}/{}", folder.key, phrase.key), phrase.key_span))
    });
    let written: BTreeMap<String, Span> = phrases.collect();
    let unwritten =
        || Languages::sentences().iter().map(|(name, _)| &**name).filter(|name| !written.contains_key(*name));
    for (name, place) in written.iter().filter(|(name, _)| speech::is_phrase(name) && !said(name)) {
        let message = format!("nothing says the phrase `{}`", shortened(name));
        let fault = section.page.warning(codes::UNUSED_PHRASE, *place, message);
        section.fault(match nearest(name, unwritten()) {
            Some(near) => fault.remedy(format!("did you mean `{near}`?")),
            None => fault.remedy("leave it out"),
        });
    }
}

/// Tells what Helpline says and a language has no words for.
fn tell_lacks(page: &Page<'_>, language: &Language, faults: &mut Faults) {
    const NAMED: usize = 3;
    let tag = &language.tag;
    let lacking = Languages::sentences().iter().map(|(name, _)| &**name);
    let lacking: Vec<&str> = lacking.filter(|name| !language.phrases.contains_key(*name)).collect();
    let mut warn = |code, message: String, remedy: &str, consequence: &str| {
        let fault = Diagnostic::of_file(code, Severity::Warning, page.source.file.clone(), message);
        faults.push(fault.remedy(remedy).consequence(consequence));
    };
    if !lacking.is_empty() {
        let named: Vec<String> = lacking.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
        let more = if lacking.len() > NAMED { " and others" } else { "" };
        let message = format!("{} phrases have no text in `{tag}`: {}{more}", lacking.len(), named.join(", "));
        let remedy = "`helpline prompts list` shows their texts in English";
        warn(codes::PHRASES_LACK, message, remedy, "their recordings could not be made from this file");
    }
    let parts = [
        ("numbers", language.sets.is_empty()),
        ("negative", language.negative.is_none()),
        ("decimal", language.decimal.is_none()),
        ("duration", language.duration.is_none()),
        ("money", language.money.is_none()),
        ("day", language.days.is_none()),
        ("time", language.times.is_none()),
        ("day_time", language.day_time.is_none()),
        ("queue", language.place.is_none() || language.wait.is_none()),
        ("choice", language.choice.is_none()),
    ];
    let mut missing: Vec<&str> = parts.iter().filter(|(_, lacks)| *lacks).map(|(name, _)| *name).collect();
    let counted = Measured::ALL.iter().any(|what| language.rules(what.rules()).is_none());
    missing.extend(counted.then_some("counted"));
    if !missing.is_empty() {
        let message = format!("`{tag}` has no whole {}", listed(missing).replace(" or ", " and "));
        let consequence = "flows that ask for it are refused, and what Helpline would say by itself is left out";
        warn(codes::RULES_LACK, message, "docs/languages.md tells what each says", consequence);
    }
}
