//! A YAML file with everything that is in it: values, how they are written, comments and blank lines, each where it belongs.

use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, StructureStyle};

use crate::flow::document::tree::MAX_DEPTH;

/// A text, a list, a table, or a repetition of one.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub content: Content,
    /// The name by which it is repeated elsewhere.
    pub anchor: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A text, and whether it stood in quotes or in a block.
    Text(String, bool),
    /// Nothing, `~` or `null`.
    Nothing,
    /// `*name`.
    Repeated(String),
    /// A list or a table, by its place in [`Page::groups`].
    Group(usize),
}

/// A comment on lines of its own, or nothing but its blank line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Note {
    /// With its `#`.
    pub text: String,
    /// A blank line stands above it.
    pub blank: bool,
}

/// An entry of a table, or an item of a list.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// `None` of an item.
    pub key: Option<Node>,
    pub value: Node,
    /// The comments above it.
    pub before: Vec<Note>,
    /// The comment at the end of its line.
    pub beside: Option<String>,
    /// A blank line stands above it.
    pub blank: bool,
    start: usize,
    column: usize,
    group: usize,
}

/// A list or a table.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub is_table: bool,
    /// It is written in braces or brackets.
    pub flow: bool,
    /// It stands in brackets without braces of its own: `[press: 1]`.
    pub is_pair: bool,
    /// Comments stand in it.
    pub commented: bool,
    /// Places in [`Page::members`].
    pub members: Vec<usize>,
    /// The comments below the last member.
    pub tail: Vec<Note>,
    /// The member whose value it is.
    owner: Option<usize>,
    start: usize,
    end: usize,
}

/// A file.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    pub root: Option<Node>,
    pub members: Vec<Member>,
    pub groups: Vec<Group>,
    /// The comments of a file that holds nothing else, or no table.
    pub notes: Vec<Note>,
    /// Whether anything is repeated by a name: then nothing changes its place.
    pub repeats: bool,
}

impl Page {
    /// The member whose value a group is.
    pub fn owner(&self, group: &Group) -> Option<&Member> {
        group.owner.map(|owner| &self.members[owner])
    }

    /// The group that a member stands in.
    pub fn group_of(&self, member: &Member) -> &Group {
        &self.groups[member.group]
    }
}

/// A key or a text that stands in a line, and what it belongs to.
struct Token {
    start: usize,
    end: usize,
    member: Option<usize>,
}

/// Reads a file that the reader of flow files has found to be well-formed; `None` where it has not.
pub(super) fn read(text: &str) -> Option<Page> {
    let mut reading =
        Reading { text, page: Page::default(), open: Vec::new(), tokens: Vec::new(), comments: Vec::new() };
    reading.parse()?;
    reading.tell_blanks();
    reading.attach();
    Some(reading.page)
}

struct Open {
    group: usize,
    anchor: Option<String>,
    /// Where its bracket stands among the tokens.
    token: Option<usize>,
    /// The key that waits for its value.
    key: Option<(Node, usize)>,
}

struct Reading<'a> {
    text: &'a str,
    page: Page,
    open: Vec<Open>,
    tokens: Vec<Token>,
    comments: Vec<(usize, usize)>,
}

fn bytes(span: &Span) -> (usize, usize) {
    (span.start.byte_offset().unwrap_or(0), span.end.byte_offset().unwrap_or(0))
}

impl Reading<'_> {
    fn parse(&mut self) -> Option<()> {
        let mut options = Options::default();
        options.set_emit_comments(true);
        options.emit_anchor_events = true;
        options.max_buffered_comment_events = usize::MAX;
        options.flow_nesting_limit = MAX_DEPTH + 1;
        options.block_nesting_limit = MAX_DEPTH + 1;
        let events: Result<Vec<(Event<'_>, Span)>, _> = Parser::new_from_str_with_options(self.text, options).collect();
        let events = events.ok()?;
        // Its name follows the start of what it names.
        let mut names: BTreeMap<usize, String> = BTreeMap::new();
        for (event, _) in &events {
            if let Event::Anchor(id, name) = event {
                names.insert(*id, name.clone().into_owned());
            }
        }
        let named = |id: usize| names.get(&id).cloned();
        for (event, span) in &events {
            let (start, end) = bytes(span);
            match event {
                Event::Comment(..) => self.comments.push((start, end)),
                Event::Scalar(text, style, anchor, _) => {
                    let quoted = *style != ScalarStyle::Plain;
                    let content = match text.as_ref() {
                        "" | "~" | "null" | "Null" | "NULL" if !quoted => Content::Nothing,
                        text => Content::Text(text.to_owned(), quoted),
                    };
                    // A block begins at its header, and ends with its last line that is not empty.
                    let header = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
                        .then(|| self.text.get(..=start).and_then(|before| before.rfind(['|', '>'])));
                    let start = header.flatten().unwrap_or(start);
                    let written = self.text.get(start..end).unwrap_or("");
                    self.leaf(Node { content, anchor: named(*anchor) }, start, start + written.trim_end().len());
                }
                Event::Alias(_) => {
                    let name = self.text.get(start..end)?.trim().trim_start_matches('*').to_owned();
                    self.page.repeats = true;
                    self.leaf(Node { content: Content::Repeated(name), anchor: None }, start, end);
                }
                Event::SequenceStart(style, anchor, _) => self.begin(false, *style, named(*anchor), start),
                Event::MappingStart(style, anchor, _) => self.begin(true, *style, named(*anchor), start),
                Event::SequenceEnd | Event::MappingEnd => {
                    let open = self.open.pop()?;
                    self.page.groups[open.group].end = end;
                    let node = Node { content: Content::Group(open.group), anchor: open.anchor };
                    let start = self.page.groups[open.group].start;
                    let member = self.put(node, start);
                    if let Some(token) = open.token {
                        self.tokens[token].member = member;
                    }
                }
                _ => {}
            }
        }
        self.page.repeats |= !names.is_empty();
        Some(())
    }

    fn begin(&mut self, is_table: bool, style: StructureStyle, anchor: Option<String>, start: usize) {
        let flow = style == StructureStyle::Flow;
        let is_pair = is_table && flow && !self.text.get(start..).is_some_and(|text| text.starts_with('{'));
        let group = Group {
            is_table,
            flow,
            is_pair,
            commented: false,
            members: Vec::new(),
            tail: Vec::new(),
            owner: None,
            start,
            end: start,
        };
        self.page.groups.push(group);
        let token = flow.then_some(self.tokens.len());
        if flow {
            self.tokens.push(Token { start, end: start + 1, member: None });
        }
        self.open.push(Open { group: self.page.groups.len() - 1, anchor, token, key: None });
    }

    fn leaf(&mut self, node: Node, start: usize, end: usize) {
        let token = self.tokens.len();
        if end > start {
            self.tokens.push(Token { start, end, member: None });
        }
        let member = self.put(node, start);
        if let Some(token) = self.tokens.get_mut(token) {
            token.member = member;
        }
    }

    /// Puts a node where it belongs; the member that it is part of or will be part of.
    fn put(&mut self, node: Node, start: usize) -> Option<usize> {
        let next = self.page.members.len();
        let Some(open) = self.open.last_mut() else {
            self.page.root = Some(node);
            return None;
        };
        let is_table = self.page.groups[open.group].is_table;
        let (key, start) = match open.key.take() {
            None if is_table => {
                // The member is made when its value is there; what stands in the key belongs to it already.
                let placeholder = Node { content: Content::Nothing, anchor: None };
                let group = open.group;
                self.page.members.push(Member {
                    key: None,
                    value: placeholder,
                    before: Vec::new(),
                    beside: None,
                    blank: false,
                    start,
                    column: 0,
                    group,
                });
                self.page.groups[group].members.push(next);
                if let Content::Group(inner) = node.content {
                    self.page.groups[inner].owner = Some(next);
                }
                open.key = Some((node, next));
                return Some(next);
            }
            Some((key, member)) => (Some((key, member)), start),
            None => (None, start),
        };
        let group = open.group;
        let member = match key {
            Some((key, member)) => {
                self.page.members[member].key = Some(key);
                self.page.members[member].value = node;
                member
            }
            None => {
                self.page.members.push(Member {
                    key: None,
                    value: node,
                    before: Vec::new(),
                    beside: None,
                    blank: false,
                    start,
                    column: 0,
                    group,
                });
                self.page.groups[group].members.push(next);
                next
            }
        };
        if let Content::Group(inner) = self.page.members[member].value.content {
            self.page.groups[inner].owner = Some(member);
        }
        Some(member)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// Whether a blank line stands above the line that holds `at`.
    fn has_blank_above(&self, at: usize) -> bool {
        let start = self.line_start(at);
        let Some(above_end) = start.checked_sub(1) else { return false };
        start > 0 && self.text[self.line_start(above_end)..above_end].trim().is_empty()
    }

    fn tell_blanks(&mut self) {
        for number in 0..self.page.members.len() {
            let member = &self.page.members[number];
            let begin = if member.key.is_some() { Some(member.start) } else { self.dash_of(number) };
            let begin = begin.unwrap_or(member.start);
            let line = self.line_start(begin);
            let blank = self.text[line..begin].trim().is_empty() && self.has_blank_above(begin);
            (self.page.members[number].column, self.page.members[number].blank) = (begin - line, blank);
        }
    }

    /// Where the dash of an item stands; nothing in brackets.
    fn dash_of(&self, number: usize) -> Option<usize> {
        let start = self.page.members[number].start;
        // The items that this one begins with have dashes of their own before the same place.
        let mut dashes = 1;
        let mut at = number;
        while let Content::Group(group) = self.page.members[at].value.content {
            let group = &self.page.groups[group];
            match group.members.first() {
                Some(first) if !group.is_table && !group.flow && self.page.members[*first].start == start => {
                    (at, dashes) = (*first, dashes + 1);
                }
                _ => break,
            }
        }
        let mut before = &self.text[..start];
        for _ in 0..dashes {
            before = before.trim_end();
            // The name by which it is repeated stands between.
            if let Some(name) = before.rfind(char::is_whitespace).filter(|name| before[name + 1..].starts_with('&')) {
                before = before[..name].trim_end();
            }
            before = before.strip_suffix('-')?;
        }
        Some(before.len())
    }

    /// Gives every comment to what it tells of.
    fn attach(&mut self) {
        for (start, end) in std::mem::take(&mut self.comments) {
            let text = self.text[start..end].trim_end().to_owned();
            let line = self.line_start(start);
            let (own_line, column) = (self.text[line..start].trim().is_empty(), start - line);
            let note = Note { text, blank: own_line && self.has_blank_above(start) };
            self.tell_commented(start);
            let after = self.tokens.partition_point(|token| token.start < start);
            let before = after.checked_sub(1).map(|token| &self.tokens[token]);
            let next = self.tokens.get(after).and_then(|token| token.member);
            match before.and_then(|token| Some((token.member?, token.end))) {
                Some((member, _)) if !own_line => {
                    let member = self.line_of(member, start);
                    let inner = match self.page.members[member].value.content {
                        Content::Group(group) if self.page.groups[group].flow => Some(group),
                        _ => None,
                    };
                    let member = &mut self.page.members[member];
                    match (&member.beside, inner) {
                        (None, _) => member.beside = Some(note.text),
                        (Some(_), Some(group)) => self.page.groups[group].tail.push(note),
                        (Some(_), None) => member.before.push(note),
                    }
                }
                before => match (before, next.map(|next| self.outermost(next))) {
                    (Some((member, _)), next) => match self.ended(member, column, next) {
                        Some(group) => self.page.groups[group].tail.push(note),
                        None => match next {
                            Some(next) => self.page.members[next].before.push(note),
                            None => self.at_the_end(note),
                        },
                    },
                    (None, Some(next)) => self.page.members[next].before.push(note),
                    (None, None) => self.at_the_end(note),
                },
            }
        }
    }

    fn at_the_end(&mut self, note: Note) {
        match self.page.root.as_ref().map(|root| &root.content) {
            Some(Content::Group(group)) => self.page.groups[*group].tail.push(note),
            _ => self.page.notes.push(note),
        }
    }

    /// Braces and brackets in which a comment stands cannot be one line.
    fn tell_commented(&mut self, at: usize) {
        for group in &mut self.page.groups {
            group.commented |= group.flow && group.start < at && at < group.end;
        }
    }

    /// The member whose line ends with a comment: that of the braces which are closed before it.
    fn line_of(&self, mut member: usize, comment: usize) -> usize {
        loop {
            let group = &self.page.groups[self.page.members[member].group];
            match group.owner {
                Some(owner) if group.flow && group.end <= comment => member = owner,
                _ => return member,
            }
        }
    }

    /// The member that begins where this one does: `- key: value` is an item first.
    fn outermost(&self, mut member: usize) -> usize {
        loop {
            let owner = self.page.groups[self.page.members[member].group].owner;
            match owner.filter(|owner| self.page.members[*owner].start == self.page.members[member].start) {
                Some(owner) => member = owner,
                None => return member,
            }
        }
    }

    /// The block that ends with `member`, which a comment further to the right than what follows belongs to.
    fn ended(&self, member: usize, column: usize, next: Option<usize>) -> Option<usize> {
        if next.is_some_and(|next| column <= self.page.members[next].column) {
            return None;
        }
        let mut group = self.page.members[member].group;
        loop {
            let this = &self.page.groups[group];
            let holds_next = next.is_some_and(|next| self.holds(group, next));
            if holds_next {
                return None;
            }
            let starts = this.members.first().map_or(0, |first| self.page.members[*first].column);
            if !this.flow && starts <= column {
                return Some(group);
            }
            match this.owner {
                Some(owner) => group = self.page.members[owner].group,
                None => return None,
            }
        }
    }

    fn holds(&self, group: usize, member: usize) -> bool {
        let mut at = Some(member);
        while let Some(member) = at {
            let above = self.page.members[member].group;
            if above == group {
                return true;
            }
            at = self.page.groups[above].owner;
        }
        false
    }
}
