//! A YAML file as a tree in which every text knows its place. All texts stay as they are written: what a text means is
//! decided where it is read, so `no` is a word, `+44` keeps its plus and `08` its zero.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span as Place};

use super::codes;
use super::diagnostic::{Diagnostic, Faults, Page, Span, shortened};
use super::syntax;

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;
/// Deepest nesting of tables and lists.
pub const MAX_DEPTH: usize = 24;
/// Most texts, lists and tables in a file, those that aliases repeat included.
pub const MAX_NODES: usize = 50_000;

/// A text, a list or a table, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub content: Content,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing, `~` or `null`.
    Nothing,
    /// A text, a number or a truth: as it is written, escapes and folds undone.
    Text {
        /// The text.
        text: String,
        /// It stands in quotes or in a block, so that it can be nothing but text.
        quoted: bool,
    },
    /// `[a, b]`.
    List(Vec<Node>),
    /// `{a: b}`; a key that stands twice is in it once.
    Table(Vec<Entry>),
}

/// A key and what stands after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// What stands after it.
    pub value: Node,
}

impl Entry {
    /// Where the value stands, or the key of an empty value.
    pub fn place(&self) -> Span {
        if self.value.span.start == self.value.span.end { self.key_span } else { self.value.span }
    }
}

impl Node {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text, if it is one without quotes.
    pub fn plain(&self) -> Option<&str> {
        match &self.content {
            Content::Text { text, quoted: false } => Some(text),
            _ => None,
        }
    }

    /// The entries, if it is a table.
    pub fn table(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Table(entries) => Some(entries),
            _ => None,
        }
    }

    /// Whether nothing stands here.
    pub fn is_nothing(&self) -> bool {
        self.content == Content::Nothing
    }

    /// The value of a key.
    pub fn find(&self, key: &str) -> Option<&Entry> {
        self.table()?.iter().find(|entry| entry.key == key)
    }

    /// "a text", "a list", "a table" or "nothing".
    pub fn described(&self) -> &'static str {
        match &self.content {
            Content::Nothing => "nothing",
            Content::Text { .. } => "a text",
            Content::List(items) if items.is_empty() => "an empty list",
            Content::List(_) => "a list",
            Content::Table(entries) if entries.is_empty() => "an empty table",
            Content::Table(_) => "a table",
        }
    }

    fn size(&self) -> usize {
        1 + match &self.content {
            Content::List(items) => items.iter().map(Node::size).sum(),
            Content::Table(entries) => entries.iter().map(|entry| entry.value.size() + 1).sum(),
            // A long text weighs more: what repeats it must not fill the memory.
            Content::Text { text, .. } => text.len() / 64,
            Content::Nothing => 0,
        }
    }

    fn depth(&self) -> usize {
        1 + match &self.content {
            Content::List(items) => items.iter().map(Node::depth).max().unwrap_or(0),
            Content::Table(entries) => entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// Reads a file into a tree. `None`, with the fault told, when it cannot be read; a file of nothing but comments is
/// [`Content::Nothing`].
pub fn read(page: &Page<'_>, faults: &mut Faults) -> Option<Node> {
    let text = page.text();
    if text.len() > MAX_FILE_BYTES {
        let message = format!("this file is larger than {} KiB", MAX_FILE_BYTES / 1024);
        faults.push(page.error(codes::TOO_LARGE, Span::default(), message));
        return None;
    }
    let mut growth = Growth::default();
    match growth.grow(page, faults) {
        Ok(()) => {
            syntax::tell_tabs(page, &growth.texts, faults);
            syntax::tell_commented_keys(page, &growth.texts, faults);
            syntax::tell_cut_texts(page, &growth.texts, faults);
            syntax::tell_odd_spaces(page, &growth.texts, faults);
            let unused = growth.anchors.iter().filter(|(anchor, _)| !growth.repeated.contains(anchor));
            unused.for_each(|(_, node)| syntax::tell_anchor(page, node, faults));
            Some(growth.root.unwrap_or(Node { span: Span::default(), content: Content::Nothing }))
        }
        Err(fault) => {
            // A tab, or a space that is none, is what most of these come from: then it is told, and not what followed.
            if !syntax::tell_indenting_tabs(page, faults) && !syntax::tell_indenting_spaces(page, faults) {
                faults.push(*fault);
            }
            None
        }
    }
}

/// A list or table that is still being read.
struct Open {
    start: usize,
    anchor: usize,
    content: OpenContent,
}

enum OpenContent {
    List(Vec<Node>),
    Table {
        entries: Vec<Entry>,
        seen: BTreeMap<String, Span>,
        key: Option<(String, Span)>,
        /// It is written in braces.
        braces: bool,
    },
}

impl OpenContent {
    fn empty_table(braces: bool) -> OpenContent {
        OpenContent::Table { entries: Vec::new(), seen: BTreeMap::new(), key: None, braces }
    }
}

#[derive(Default)]
struct Growth {
    root: Option<Node>,
    open: Vec<Open>,
    /// What aliases repeat, by the number of the anchor.
    anchors: BTreeMap<usize, Node>,
    /// The anchors that an alias has named.
    repeated: BTreeSet<usize>,
    nodes: usize,
    /// Where texts stand that may hold any character.
    texts: Vec<Span>,
}

impl Growth {
    fn grow(&mut self, page: &Page<'_>, faults: &mut Faults) -> Result<(), Box<Diagnostic>> {
        let mut options = Options::default();
        options.set_emit_comments(false);
        options.flow_nesting_limit = MAX_DEPTH + 1;
        options.block_nesting_limit = MAX_DEPTH + 1;
        let mut documents = 0;
        for event in Parser::new_from_str_with_options(page.text(), options) {
            let (event, place) = event.map_err(|error: ScanError| Box::new(syntax::told(page, &error)))?;
            let span = span_of(&place);
            if let Some(tag) = event.tag() {
                faults.push(
                    page.error(
                        codes::TAG,
                        place.tag_span().map_or(span, |tag| span_of(&tag)),
                        format!("`{}` is not used here", tag.original()),
                    )
                    .remedy("write the value without it; quotes make a text of a number"),
                );
            }
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        let fault = page.error(codes::SYNTAX, span, "`---` begins a second document in this file");
                        return Err(Box::new(fault.remedy("put it into a file of its own")));
                    }
                }
                Event::Scalar(text, style, anchor, _) => {
                    let node = self.scalar(page, text, style, span);
                    syntax::tell_quotation_marks(page, &node, faults);
                    self.add(page, faults, node, anchor)?;
                }
                Event::SequenceStart(_, anchor, _) => {
                    self.begin(page, span, anchor, OpenContent::List(Vec::new()))?;
                }
                Event::MappingStart(_, anchor, _) => {
                    let braces = page.text().get(span.start..).is_some_and(|rest| rest.starts_with('{'));
                    self.begin(page, span, anchor, OpenContent::empty_table(braces))?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(page, faults, span)?,
                Event::Alias(target) => {
                    let Some(repeated) = self.anchors.get(&target) else {
                        let fault = page.error(codes::SYNTAX, span, "this stands inside what it repeats");
                        return Err(Box::new(fault));
                    };
                    self.repeated.insert(target);
                    self.nodes += repeated.size();
                    let node = repeated.clone();
                    if self.open.len() + node.depth() > MAX_DEPTH {
                        return Err(Box::new(too_deep(page, span)));
                    }
                    self.add(page, faults, node, 0)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn scalar(&mut self, page: &Page<'_>, text: Cow<'_, str>, style: ScalarStyle, span: Span) -> Node {
        let quoted = style != ScalarStyle::Plain;
        let span = trimmed(page, span);
        if span.start < span.end {
            self.texts.push(span);
        }
        let content = match text.as_ref() {
            "" | "~" | "null" | "Null" | "NULL" if !quoted => Content::Nothing,
            _ => Content::Text { text: text.into_owned(), quoted },
        };
        Node { span, content }
    }

    fn begin(
        &mut self,
        page: &Page<'_>,
        span: Span,
        anchor: usize,
        content: OpenContent,
    ) -> Result<(), Box<Diagnostic>> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Box::new(too_deep(page, span)));
        }
        self.open.push(Open { start: span.start, anchor, content });
        Ok(())
    }

    fn end(&mut self, page: &Page<'_>, faults: &mut Faults, span: Span) -> Result<(), Box<Diagnostic>> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let content = match open.content {
            OpenContent::List(items) => Content::List(items),
            OpenContent::Table { entries, .. } => Content::Table(entries),
        };
        let span = trimmed(page, Span::new(open.start, span.end));
        self.add(page, faults, Node { span, content }, open.anchor)
    }

    /// Puts a whole node where it belongs.
    fn add(&mut self, page: &Page<'_>, faults: &mut Faults, node: Node, anchor: usize) -> Result<(), Box<Diagnostic>> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = "this file says too much: repetitions by `*` count in full";
            return Err(Box::new(page.error(codes::TOO_LARGE, node.span, message)));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.content {
            OpenContent::List(items) => items.push(node),
            OpenContent::Table { entries, seen, key, braces } => match key.take() {
                None => *key = Some(key_of(page, faults, node)),
                Some((text, key_span))
                    if *braces && syntax::tell_comma(page, entries, (&text, key_span), &node, faults) => {}
                Some((text, key_span)) => match seen.get(&text) {
                    Some(first) => {
                        let (line, _) = page.line_and_column(first.start);
                        faults.push(
                            page.error(
                                codes::DUPLICATE_KEY,
                                key_span,
                                format!("`{}` stands here twice", shortened(&text)),
                            )
                            .label(format!("the first is in line {line}")),
                        );
                    }
                    None => {
                        seen.insert(text.clone(), key_span);
                        entries.push(Entry { key: text, key_span, value: node });
                    }
                },
            },
        }
        Ok(())
    }
}

fn key_of(page: &Page<'_>, faults: &mut Faults, node: Node) -> (String, Span) {
    match node.content {
        Content::Text { text, .. } => (text, node.span),
        Content::Nothing => (page.at(node.span).to_owned(), node.span),
        Content::List(_) | Content::Table(_) => {
            let message = format!("a key is a word, and this is {}", node.described());
            faults.push(page.error(codes::WRONG_SHAPE, node.span, message));
            (page.at(node.span).to_owned(), node.span)
        }
    }
}

fn too_deep(page: &Page<'_>, span: Span) -> Diagnostic {
    page.error(codes::TOO_LARGE, span, format!("tables and lists stand here more than {MAX_DEPTH} deep"))
}

fn span_of(place: &Place) -> Span {
    let byte = |mark: &serde_saphyr::granit_parser::Marker| mark.byte_offset().unwrap_or(0);
    Span::new(byte(&place.start), byte(&place.end))
}

/// Without the white space and comments that the parser counts to the end of a block.
fn trimmed(page: &Page<'_>, span: Span) -> Span {
    let text = page.at(span);
    Span::new(span.start, span.start + text.trim_end().len())
}
