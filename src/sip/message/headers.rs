//! The header fields of a message, in their order, as text.

use std::fmt;
use std::fmt::Write as _;

use super::grammar::List;
use super::{HeaderName, ParseFault, Via};

/// The header fields of a message: lines in their order, read by type only when somebody asks.
///
/// All values lie in one buffer, so that a message costs few allocations. What is replaced or removed stays in it until
/// the message goes: messages live for milliseconds.
#[derive(Clone, Default)]
pub struct Headers {
    text: String,
    fields: Vec<Field>,
    /// The topmost Via as it was read when the message was checked; gone as soon as any Via line changes.
    via: Option<Box<Via>>,
}

#[derive(Clone)]
struct Field {
    name: HeaderName,
    start: usize,
    end: usize,
    /// The value arrived as bytes that were no UTF-8: each character of it stands for one byte.
    latin1: bool,
}

impl Headers {
    /// None.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// None yet, with room for as many lines and bytes.
    pub(super) fn with_capacity(lines: usize, bytes: usize) -> Headers {
        Headers { text: String::with_capacity(bytes), fields: Vec::with_capacity(lines), via: None }
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The first line of a name.
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        self.fields.iter().find(|field| field.name == *name).map(|field| self.value(field))
    }

    /// All lines of a name, each as it stands.
    pub fn all(&self, name: &HeaderName) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |field| field.name == *name).map(|field| self.value(field))
    }

    /// All values of a name: its lines, split at the commas that separate values. Only for headers that are lists
    /// (RFC 3261 section 7.3.1): the comma of a Date or a digest challenge is another matter.
    pub fn values(&self, name: &HeaderName) -> impl Iterator<Item = &str> {
        self.all(name).flat_map(List::new)
    }

    /// Whether there is a line of this name.
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.fields.iter().any(|field| field.name == *name)
    }

    /// All lines with their names, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &str)> {
        self.fields.iter().map(|field| (&field.name, self.value(field)))
    }

    /// Adds a line at the end. Line breaks in the value become spaces: nobody's text can add a header of its own.
    pub fn push(&mut self, name: HeaderName, value: impl AsRef<str>) {
        let field = self.store(name, value.as_ref());
        self.fields.push(field);
    }

    /// Adds a line before all others.
    pub fn push_front(&mut self, name: HeaderName, value: impl AsRef<str>) {
        let field = self.store(name, value.as_ref());
        self.fields.insert(0, field);
    }

    /// The topmost Via, read; what [`Headers::check_via`] has read is not read again.
    pub fn via(&self) -> Result<Via, ParseFault> {
        match &self.via {
            Some(via) => Ok((**via).clone()),
            None => Via::parse(self.vias().next().ok_or(ParseFault { what: "Via" })?),
        }
    }

    /// The same, without keeping it for who asks next.
    pub fn take_via(&mut self) -> Result<Via, ParseFault> {
        self.via.take().map_or_else(|| self.via(), |via| Ok(*via))
    }

    /// Reads the topmost Via and keeps what was read: whoever asks for it next has it at once.
    pub(super) fn check_via(&mut self) -> Result<(), ParseFault> {
        self.via = Some(Box::new(self.via()?));
        Ok(())
    }

    /// Puts this line in the place of the first of its name and takes away the others; adds it at the end where there
    /// was none.
    pub fn set(&mut self, name: HeaderName, value: impl AsRef<str>) {
        let field = self.store(name, value.as_ref());
        match self.fields.iter().position(|other| other.name == field.name) {
            Some(place) => {
                let mut index = 0;
                self.fields.retain(|other| {
                    index += 1;
                    index <= place + 1 || other.name != field.name
                });
                self.fields[place] = field;
            }
            None => self.fields.push(field),
        }
    }

    /// Puts `via` in the place of the topmost, as the receiver of a request has to (RFC 3261 section 18.2.1); all others
    /// stay as they are. Adds it before all lines where there was none.
    pub fn set_topmost_via(&mut self, via: &Via) {
        self.via = None;
        let Some(place) = self.fields.iter().position(|field| field.name == HeaderName::Via) else {
            return self.push_front(HeaderName::Via, via.to_string());
        };
        // Most are no longer than this; one growth is dearer than the room.
        let mut line = String::with_capacity(160);
        // A string takes all that is written to it.
        let _ = write!(line, "{via}");
        for other in List::new(self.value(&self.fields[place])).skip(1) {
            line.push_str(", ");
            line.push_str(other);
        }
        self.fields[place] = self.store(HeaderName::Via, &line);
    }

    /// Takes away all lines of a name; whether there was one.
    pub fn remove(&mut self, name: &HeaderName) -> bool {
        self.via = None;
        let before = self.fields.len();
        self.fields.retain(|field| field.name != *name);
        self.fields.len() < before
    }

    /// Adds a line as it arrived, without blanks around the value and line breaks in it; bytes that are no UTF-8 are
    /// kept as Latin-1, so that they print back unchanged.
    pub(super) fn push_bytes(&mut self, name: HeaderName, value: &[u8]) {
        self.via = None;
        let start = self.text.len();
        let latin1 = match std::str::from_utf8(value) {
            Ok(value) => {
                self.text.push_str(value);
                false
            }
            Err(_) => {
                self.text.extend(value.iter().copied().map(char::from));
                true
            }
        };
        self.fields.push(Field { name, start, end: self.text.len(), latin1 });
    }

    /// Adds all lines of `names` that another message has, in its order and byte for byte.
    pub(super) fn copy_from(&mut self, other: &Headers, names: &[HeaderName]) {
        self.via = None;
        for field in other.fields.iter().filter(|field| names.contains(&field.name)) {
            let start = self.text.len();
            self.text.push_str(other.value(field));
            self.fields.push(Field { name: field.name.clone(), start, end: self.text.len(), latin1: field.latin1 });
        }
    }

    /// Prints all lines but Content-Length, which only the printer knows.
    pub(super) fn print(&self, out: &mut Vec<u8>) {
        for field in self.fields.iter().filter(|field| field.name != HeaderName::ContentLength) {
            out.extend_from_slice(field.name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            if field.latin1 {
                // By its making each character is below 256.
                out.extend(self.value(field).chars().map(|character| u8::try_from(character).unwrap_or(b'?')));
            } else {
                out.extend_from_slice(self.value(field).as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        }
    }

    /// About how many bytes [`Headers::print`] writes.
    pub(super) fn printed_length(&self) -> usize {
        self.fields.iter().map(|field| field.name.as_str().len() + field.end - field.start + 4).sum()
    }

    fn value(&self, field: &Field) -> &str {
        &self.text[field.start..field.end]
    }

    fn store(&mut self, name: HeaderName, value: &str) -> Field {
        if name == HeaderName::Via {
            self.via = None;
        }
        let start = self.text.len();
        if value.bytes().any(|byte| matches!(byte, b'\r' | b'\n')) {
            self.text
                .extend(value.chars().map(|character| if matches!(character, '\r' | '\n') { ' ' } else { character }));
        } else {
            self.text.push_str(value);
        }
        Field { name, start, end: self.text.len(), latin1: false }
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, value)| format!("{name}: {value}"))).finish()
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Headers) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(headers: &Headers) -> Vec<u8> {
        let mut out = Vec::new();
        headers.print(&mut out);
        out
    }

    #[test]
    fn lines_are_added_replaced_and_removed_in_their_order() {
        let mut headers = Headers::new();
        headers.push(HeaderName::Via, "one");
        headers.push(HeaderName::Supported, "a, b");
        headers.push(HeaderName::Supported, "c");
        headers.push_front(HeaderName::Via, "zero");
        headers.push(HeaderName::ContentLength, "7");
        assert_eq!(headers.len(), 5);
        assert_eq!(headers.get(&HeaderName::Via), Some("zero"));
        assert_eq!(headers.values(&HeaderName::Supported).collect::<Vec<_>>(), ["a", "b", "c"]);
        headers.set(HeaderName::Supported, "d");
        headers.set(HeaderName::Subject, "new");
        assert_eq!(printed(&headers), b"Via: zero\r\nVia: one\r\nSupported: d\r\nSubject: new\r\n");
        assert!(headers.remove(&HeaderName::Via) && !headers.remove(&HeaderName::Via));
        assert!(!headers.contains(&HeaderName::Via));
        headers.set(HeaderName::Supported, "e");
        assert_eq!(printed(&headers), b"Supported: e\r\nSubject: new\r\n");
    }

    #[test]
    fn the_topmost_via_is_replaced_in_its_place() {
        let via = Via::parse("SIP/2.0/UDP new").expect("well formed");
        let mut headers = Headers::new();
        headers.set_topmost_via(&via);
        headers.push(HeaderName::Subject, "s");
        headers.push(HeaderName::Via, "SIP/2.0/UDP last");
        assert_eq!(printed(&headers), b"Via: SIP/2.0/UDP new\r\nSubject: s\r\nVia: SIP/2.0/UDP last\r\n");
        headers.set(HeaderName::Via, "SIP/2.0/UDP a, SIP/2.0/UDP b,SIP/2.0/UDP c");
        headers.set_topmost_via(&via);
        let vias: Vec<&str> = headers.values(&HeaderName::Via).collect();
        assert_eq!(vias, ["SIP/2.0/UDP new", "SIP/2.0/UDP b", "SIP/2.0/UDP c"]);
    }

    #[test]
    fn nobody_adds_a_line_within_a_value() {
        let mut headers = Headers::new();
        headers.push(HeaderName::Subject, "a\r\nVia: b\nc");
        assert_eq!(printed(&headers), b"Subject: a  Via: b c\r\n");
    }

    #[test]
    fn bytes_that_are_no_utf_8_print_back_unchanged() {
        let mut headers = Headers::new();
        headers.push_bytes(HeaderName::Subject, b"Gr\xfc\xdfe \xc3\xbc");
        headers.push_bytes(HeaderName::From, "Grüße".as_bytes());
        assert_eq!(headers.get(&HeaderName::Subject), Some("Grüße Ã¼"));
        let expected = [b"Subject: Gr\xfc\xdfe \xc3\xbc\r\n".as_slice(), "From: Grüße\r\n".as_bytes()].concat();
        assert_eq!(printed(&headers), expected);
        let mut copy = Headers::new();
        copy.copy_from(&headers, &[HeaderName::From, HeaderName::Subject]);
        assert_eq!(printed(&copy), expected);
    }
}
