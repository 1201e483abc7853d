//! What is sent: fixed texts with values between them. A value can stand in its place and do nothing else there.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::flow::Value;

/// Longest URL that is asked, in octets.
pub const MAX_URL: usize = 4_000;
/// Longest value that is sent, in octets.
pub const MAX_TEXT_VALUE: usize = 1_000;

/// A text with values in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextTemplate(pub Vec<TextPart>);

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// As it is.
    Fixed(Arc<str>),
    /// The value of this name.
    Value(Arc<str>),
}

/// JSON with values in it.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonTemplate {
    /// As it is.
    Fixed(Json),
    /// The value of this name, as a number, a truth or a text.
    Value(Arc<str>),
    /// A text.
    Text(TextTemplate),
    /// A list.
    List(Vec<JsonTemplate>),
    /// A table.
    Table(Vec<(String, JsonTemplate)>),
}

/// Why nothing can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unrendered {
    /// The value of this name is not known, or empty.
    Unknown(Arc<str>),
    /// It cannot stand there, or is too long.
    Unfit(Arc<str>),
}

impl Unrendered {
    /// The value's name.
    pub fn value(&self) -> &Arc<str> {
        match self {
            Unrendered::Unknown(name) | Unrendered::Unfit(name) => name,
        }
    }
}

/// What a call knows, by name.
pub(in crate::flow) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Value>;

impl TextTemplate {
    /// A text without values.
    pub fn fixed(text: &str) -> TextTemplate {
        TextTemplate(vec![TextPart::Fixed(text.into())])
    }

    /// The names of the values in it.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().filter_map(|part| match part {
            TextPart::Value(name) => Some(name),
            TextPart::Fixed(_) => None,
        })
    }

    /// Whether a query begins in it.
    pub(in crate::flow) fn has_query(&self) -> bool {
        self.0.iter().any(|part| matches!(part, TextPart::Fixed(text) if text.contains('?')))
    }

    /// As a part of a URL: of a value only letters, digits, `-`, `.`, `_` and `~` stand as they are (RFC 3986 section 2.3), and none
    /// makes a segment of the path that leads elsewhere.
    pub(in crate::flow) fn render_url(&self, values: Lookup<'_>, url: &mut String) -> Result<(), Unrendered> {
        for part in &self.0 {
            match part {
                TextPart::Fixed(text) => url.push_str(text),
                TextPart::Value(name) => {
                    let text = text_of(name, values)?;
                    if is_dots(&text) {
                        return Err(Unrendered::Unfit(name.clone()));
                    }
                    text.bytes().for_each(|byte| push_encoded(url, byte));
                }
            }
            if url.len() > MAX_URL {
                let longest = self.names().last().cloned().unwrap_or_else(|| Arc::from(""));
                return Err(Unrendered::Unfit(longest));
            }
        }
        // Two values side by side may make what neither is.
        let path = url.split(['?', '#']).next().unwrap_or(url);
        match path.split('/').any(is_dots) {
            true => Err(Unrendered::Unfit(self.names().last().cloned().unwrap_or_else(|| Arc::from("")))),
            false => Ok(()),
        }
    }

    fn render(&self, values: Lookup<'_>) -> Result<String, Unrendered> {
        let mut rendered = String::new();
        for part in &self.0 {
            match part {
                TextPart::Fixed(text) => rendered.push_str(text),
                TextPart::Value(name) => rendered.push_str(&text_of(name, values)?),
            }
        }
        Ok(rendered)
    }
}

impl JsonTemplate {
    /// Each name of a value in it.
    pub fn each_name(&self, tell: &mut dyn FnMut(&Arc<str>)) {
        match self {
            JsonTemplate::Fixed(_) => {}
            JsonTemplate::Value(name) => tell(name),
            JsonTemplate::Text(text) => text.names().for_each(tell),
            JsonTemplate::List(items) => items.iter().for_each(|item| item.each_name(tell)),
            JsonTemplate::Table(entries) => entries.iter().for_each(|(_, item)| item.each_name(tell)),
        }
    }

    /// As JSON, which is written from a tree: no value can be more than a text in it.
    pub(in crate::flow) fn render(&self, values: Lookup<'_>) -> Result<Json, Unrendered> {
        Ok(match self {
            JsonTemplate::Fixed(json) => json.clone(),
            JsonTemplate::Value(name) => match values(name) {
                Some(Value::Truth(truth)) => Json::Bool(truth),
                Some(number @ Value::Number { .. }) => {
                    let written = number.written().unwrap_or_default();
                    serde_json::from_str(&written).unwrap_or(Json::String(written))
                }
                _ => Json::String(text_of(name, values)?),
            },
            JsonTemplate::Text(text) => Json::String(text.render(values)?),
            JsonTemplate::List(items) => {
                Json::Array(items.iter().map(|item| item.render(values)).collect::<Result<_, _>>()?)
            }
            JsonTemplate::Table(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), item.render(values)?)))
                    .collect::<Result<_, Unrendered>>()?,
            ),
        })
    }
}

/// A value as it is sent; a secret is sent, since that is what some are for.
fn text_of(name: &Arc<str>, values: Lookup<'_>) -> Result<String, Unrendered> {
    let text = match values(name) {
        Some(Value::Secret(text)) => text,
        Some(value) => value.written().unwrap_or_default(),
        None => return Err(Unrendered::Unknown(name.clone())),
    };
    match text.len() {
        0 => Err(Unrendered::Unknown(name.clone())),
        1..=MAX_TEXT_VALUE => Ok(text),
        _ => Err(Unrendered::Unfit(name.clone())),
    }
}

/// A segment that leads to itself or upwards, however it is written (WHATWG URL, "single-dot" and "double-dot path segment").
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

fn push_encoded(url: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        url.push(char::from(byte));
    } else {
        url.push('%');
        url.push(char::from(HEX[usize::from(byte >> 4)]));
        url.push(char::from(HEX[usize::from(byte & 15)]));
    }
}
