//! The canonical form of a file: two spaces a level, a line as long as it may be, quotes where they are needed, comments in
//! line, and the keys of a step in the order of the documentation.

use std::collections::BTreeSet;

use super::page::{Content, Group, Member, Node, Note, Page};
use crate::flow::document::keys::{self, KeyTable};
use crate::flow::document::scalar;

/// Longest line.
const WIDTH: usize = 120;
/// Comments at the end of lines stand in one column, unless a line is longer than this.
const ALIGNED_MAX: usize = 64;

/// A line and the comment at its end.
struct Line {
    text: String,
    beside: Option<String>,
    /// A blank line goes before it.
    blank: bool,
    /// It belongs to a text, and is as it is.
    verbatim: bool,
}

/// The file in its canonical form.
pub(super) fn written(page: &Page) -> String {
    let mut writer = Writer { page, tables: keys::tables(), lines: Vec::new(), hoisted: BTreeSet::new() };
    writer.notes(&page.notes, 0);
    if let Some(root) = &page.root {
        match &root.content {
            Content::Group(group) if !writer.is_inline(*group, 0) => {
                if let Some(anchor) = &root.anchor {
                    writer.push(format!("&{anchor}"), None, false);
                }
                writer.group(*group, 0);
            }
            Content::Nothing => {}
            _ => {
                let text = writer.inline(root, false);
                writer.push(text, None, false);
                if let Content::Group(group) = root.content {
                    let tail = page.groups[group].tail.clone();
                    writer.notes(&tail, 0);
                }
            }
        }
    }
    aligned(writer.lines)
}

struct Writer<'a> {
    page: &'a Page,
    tables: Vec<KeyTable>,
    lines: Vec<Line>,
    /// Members whose comments stand above the item that they begin.
    hoisted: BTreeSet<usize>,
}

impl Writer<'_> {
    fn push(&mut self, text: String, beside: Option<String>, blank: bool) {
        self.lines.push(Line { text, beside, blank, verbatim: false });
    }

    fn notes(&mut self, notes: &[Note], indent: usize) {
        for note in notes {
            self.push(format!("{:indent$}{}", "", note.text), None, note.blank);
        }
    }

    /// A list or table in a block.
    fn group(&mut self, number: usize, indent: usize) {
        let group = &self.page.groups[number];
        let first_line = self.lines.len();
        for member in self.in_order(group) {
            match &self.page.members[member].key {
                Some(_) => self.entry(member, indent),
                None => self.item(member, indent),
            }
        }
        // No blank line follows the key that a block belongs to.
        if let Some(line) = self.lines.get_mut(first_line) {
            line.blank = false;
        }
        self.notes(&group.tail, indent);
    }

    fn entry(&mut self, number: usize, indent: usize) {
        let member = &self.page.members[number];
        if !self.hoisted.contains(&number) {
            self.notes(&member.before, indent);
        }
        let key = member.key.as_ref().map_or(String::new(), |key| self.inline(key, false));
        self.value(format!("{:indent$}{key}:", ""), member, indent);
    }

    fn item(&mut self, number: usize, indent: usize) {
        if !self.hoisted.contains(&number) {
            self.hoist(number, indent);
        }
        let member = &self.page.members[number];
        let dash = format!("{:indent$}-", "");
        match &member.value.content {
            // The first entry of a table stands beside the dash.
            Content::Group(group) if self.stands_beside_dash(*group, member, indent) => {
                let first_line = self.lines.len();
                self.group(*group, indent + 2);
                if let Some(line) = self.lines.get_mut(first_line) {
                    line.text.replace_range(indent..=indent, "-");
                    line.blank = member.blank;
                }
            }
            Content::Nothing => self.push(format!("{dash} ~"), member.beside.clone(), member.blank),
            _ => self.value(dash, member, indent),
        }
    }

    /// Writes the comments of an item, and those of what it begins with, which would otherwise stand after the dash.
    fn hoist(&mut self, number: usize, indent: usize) {
        let mut next = Some(number);
        while let Some(number) = next {
            let member = &self.page.members[number];
            self.hoisted.insert(number);
            self.notes(&member.before, indent);
            next = match member.value.content {
                Content::Group(group) if member.key.is_none() && !self.is_inline(group, indent + 2) => {
                    if let Some(beside) = &member.beside {
                        self.push(format!("{:indent$}{beside}", ""), None, false);
                    }
                    self.in_order(&self.page.groups[group]).first().copied()
                }
                _ => None,
            };
        }
    }

    fn stands_beside_dash(&self, group: usize, member: &Member, indent: usize) -> bool {
        self.page.groups[group].is_table && member.value.anchor.is_none() && !self.is_inline(group, indent + 2)
    }

    /// What stands after a key or a dash, `head`.
    fn value(&mut self, head: String, member: &Member, indent: usize) {
        let hoisted = match member.value.content {
            Content::Group(group) => member.key.is_none() && !self.is_inline(group, indent + 2),
            _ => false,
        };
        let (beside, blank) = (member.beside.clone().filter(|_| !hoisted), member.blank);
        let anchor = member.value.anchor.as_ref().map_or(String::new(), |anchor| format!(" &{anchor}"));
        match &member.value.content {
            Content::Nothing => self.push(format!("{head}{anchor}"), beside, blank),
            Content::Repeated(_) => self.push(format!("{head} {}", self.inline(&member.value, false)), beside, blank),
            Content::Text(text, quoted) => {
                let head = format!("{head}{anchor}");
                self.text(&head, text, *quoted, indent, (beside, blank));
            }
            Content::Group(group) => {
                if self.is_inline(*group, head.chars().count() + anchor.len() + 1) {
                    self.push(format!("{head} {}", self.inline(&member.value, false)), beside, blank);
                    let tail = self.page.groups[*group].tail.clone();
                    self.notes(&tail, indent + 2);
                } else {
                    self.push(format!("{head}{anchor}"), beside, blank);
                    self.group(*group, indent + 2);
                }
            }
        }
    }

    fn text(&mut self, head: &str, text: &str, quoted: bool, indent: usize, (beside, blank): (Option<String>, bool)) {
        let indent = indent + 2;
        if let Some((header, lines)) = literal(text) {
            self.push(format!("{head} {header}"), beside, blank);
            for line in lines {
                let text = if line.is_empty() { String::new() } else { format!("{:indent$}{line}", "") };
                self.lines.push(Line { text, beside: None, blank: false, verbatim: true });
            }
            return;
        }
        let inline = shown(text, quoted, false);
        if head.chars().count() + 1 + inline.chars().count() <= WIDTH || !can_fold(text) || is_typed(text) {
            return self.push(format!("{head} {inline}"), beside, blank);
        }
        self.push(format!("{head} >-"), beside, blank);
        let mut line = String::new();
        let mut lines = Vec::new();
        for word in text.split(' ') {
            if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
        for line in lines {
            let text = format!("{:indent$}{line}", "");
            self.lines.push(Line { text, beside: None, blank: false, verbatim: true });
        }
    }

    /// Whether a list or table is written in one line: it was, and there is room from column `used` on.
    fn is_inline(&self, group: usize, used: usize) -> bool {
        let group = &self.page.groups[group];
        if group.members.is_empty() {
            return true;
        }
        // `[press: 1]` is a table without braces as long as it stands in brackets.
        if !group.flow || group.is_pair || self.is_commented(group) {
            return false;
        }
        let mut text = String::new();
        self.flow(group, &mut text);
        used + text.chars().count() <= WIDTH && !text.contains('\n')
    }

    /// Whether comments stand anywhere in it.
    fn is_commented(&self, group: &Group) -> bool {
        group.commented
            || !group.tail.is_empty()
            || group.members.iter().any(|member| {
                let member = &self.page.members[*member];
                let inner = match member.value.content {
                    Content::Group(inner) => self.is_commented(&self.page.groups[inner]),
                    _ => false,
                };
                inner || !member.before.is_empty() || member.beside.is_some()
            })
    }

    /// A node in one line.
    fn inline(&self, node: &Node, in_flow: bool) -> String {
        let anchor = node.anchor.as_ref().map_or(String::new(), |anchor| format!("&{anchor} "));
        match &node.content {
            Content::Text(text, quoted) => anchor + &shown(text, *quoted, in_flow),
            Content::Nothing => anchor.trim_end().to_owned(),
            Content::Repeated(name) => format!("*{name}"),
            Content::Group(group) => {
                let mut text = anchor;
                self.flow(&self.page.groups[*group], &mut text);
                text
            }
        }
    }

    fn flow(&self, group: &Group, text: &mut String) {
        let (open, close) = match group.is_table {
            true if group.is_pair => ("", ""),
            true => ("{", "}"),
            false => ("[", "]"),
        };
        text.push_str(open);
        for (number, member) in self.in_order(group).into_iter().enumerate() {
            let member = &self.page.members[member];
            if number > 0 {
                text.push_str(", ");
            }
            if let Some(key) = &member.key {
                let key_text = self.inline(key, true);
                text.push_str(&key_text);
                // After a repetition a colon would belong to its name.
                text.push_str(if matches!(key.content, Content::Repeated(_)) { " : " } else { ": " });
            }
            match (&member.value.content, &member.key) {
                (Content::Nothing, None) => text.push('~'),
                _ => text.push_str(&self.inline(&member.value, true)),
            }
        }
        text.push_str(close);
    }

    /// The members as they are best read: the keys of a step and of a choice have their order, all others keep theirs.
    fn in_order(&self, group: &Group) -> Vec<usize> {
        let mut members = group.members.clone();
        if !group.is_table || self.page.repeats {
            return members;
        }
        let key = |member: &usize| match self.page.members[*member].key.as_ref().map(|key| &key.content) {
            Some(Content::Text(text, _)) => text.as_str(),
            _ => "",
        };
        let path: Vec<&str> = self.path_of(group);
        let owner = match path.as_slice() {
            ["steps", _] => keys::step_kinds()
                .find(|kind| members.iter().any(|member| key(member) == *kind))
                .map(|kind| format!("step {kind}")),
            ["steps", _, "choices", _] | ["queues", _, "while_waiting", "choices", _] => Some("choice".to_owned()),
            _ => None,
        };
        let table = owner.and_then(|owner| self.tables.iter().find(|table| table.owner == owner));
        if let Some(table) = table {
            // Where a step leads is read last.
            let rank = |member: &usize| {
                let known = table.keys.iter().position(|known| *known == key(member));
                (key(member) == "next", known.unwrap_or(usize::MAX))
            };
            members.sort_by_key(rank);
        }
        members
    }

    /// The keys that lead to a group.
    fn path_of(&self, group: &Group) -> Vec<&str> {
        let mut path = Vec::new();
        let mut at = self.page.owner(group);
        while let Some(member) = at {
            path.push(match member.key.as_ref().map(|key| &key.content) {
                Some(Content::Text(text, _)) => text.as_str(),
                _ => "",
            });
            at = self.page.owner(self.page.group_of(member));
        }
        path.reverse();
        path
    }
}

/// A text in one line, in quotes where it needs them, or where without them other programs would take it for something
/// else than a text.
fn shown(text: &str, quoted: bool, in_flow: bool) -> String {
    if is_plain(text, in_flow) && !(quoted && is_typed(text)) {
        return text.to_owned();
    }
    let needs_escapes = text.chars().any(|c| c.is_control() || is_unprintable(c));
    if !needs_escapes && text.contains(['"', '\\']) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut shown = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => shown.push_str("\\\""),
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if c.is_control() || is_unprintable(c) => {
                let code = u32::from(c);
                shown.push_str(&if code > 0xffff { format!("\\U{code:08x}") } else { format!("\\u{code:04x}") });
            }
            c => shown.push(c),
        }
    }
    shown.push('"');
    shown
}

/// What breaks lines or cannot be seen.
fn is_unprintable(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A text that without quotes could be taken for a number, a truth, a date or nothing: its quotes are meant.
fn is_typed(text: &str) -> bool {
    is_value(text) || !text.starts_with(char::is_alphabetic)
}

/// A text that the reader itself takes for something else where it stands without quotes.
pub(super) fn is_value(text: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "never"];
    scalar::number(text).is_some() || WORDS.contains(&text.to_lowercase().as_str())
}

/// Whether a text can stand without quotes.
fn is_plain(text: &str, in_flow: bool) -> bool {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return false };
    let second = letters.next();
    let may_begin = match first {
        ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => false,
        '-' | '?' | ':' => {
            second.is_some_and(|second| !second.is_whitespace() && !matches!(second, ',' | '[' | ']' | '{' | '}' | ':'))
        }
        c => !c.is_whitespace(),
    };
    may_begin
        && !matches!(text, "~" | "null" | "Null" | "NULL")
        && !text.ends_with(char::is_whitespace)
        && !text.ends_with(':')
        && !text.contains(": ")
        && !text.contains(":\t")
        && !text.contains(" #")
        && !text.contains("\t#")
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !text.chars().any(|c| c.is_control() || is_unprintable(c))
        && !(in_flow && (text.contains([',', '[', ']', '{', '}']) || text.contains("::")))
}

/// Whether a text can be broken between words and be the same.
fn can_fold(text: &str) -> bool {
    text.contains(' ')
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
        && !text.contains("  ")
        && !text.chars().any(|c| c.is_control() || is_unprintable(c))
}

/// The header and the lines of a text of several lines, where it can be written so.
fn literal(text: &str) -> Option<(&'static str, Vec<&str>)> {
    let (header, body) = match text.strip_suffix('\n') {
        Some(body) => ("|", body),
        None => ("|-", text),
    };
    let sound = body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with(['\n', ' ', '\t'])
        && !body.chars().any(|c| c.is_control() && c != '\n' || is_unprintable(c))
        && body.split('\n').all(|line| line.trim_end() == line);
    sound.then(|| (header, body.split('\n').collect()))
}

/// The lines, with the comments at their ends in line: those that no blank line parts stand in one column.
fn aligned(mut lines: Vec<Line>) -> String {
    let mut text = String::new();
    if let Some(first) = lines.first_mut() {
        first.blank = false;
    }
    let mut start = 0;
    while start < lines.len() {
        let length = lines[start + 1..].iter().take_while(|line| !line.blank).count() + 1;
        let paragraph = &lines[start..start + length];
        let width = |line: &Line| line.text.chars().count();
        let commented = paragraph.iter().filter(|line| line.beside.is_some());
        let column = commented.map(width).filter(|width| *width <= ALIGNED_MAX).max().unwrap_or(0);
        for line in paragraph {
            if line.blank {
                text.push('\n');
            }
            text.push_str(if line.verbatim { &line.text } else { line.text.trim_end() });
            if let Some(comment) = &line.beside {
                let gap = column.saturating_sub(width(line)) + 2;
                text.push_str(&" ".repeat(gap));
                text.push_str(comment);
            }
            text.push('\n');
        }
        start += length;
    }
    text
}
