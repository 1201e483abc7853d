//! Cutting a stream into messages (RFC 3261 section 18.3, RFC 5626 section 4.4.1).

use super::HeaderName;
use super::grammar;

/// What a stream held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framed {
    /// One message with its body, for [`super::Message::parse`].
    Message(Vec<u8>),
    /// A double CRLF: the other side asks whether we are there, and wants one CRLF.
    KeepAlive,
    /// A single CRLF: the other side's answer to our double one.
    Pong,
    /// The stream can no longer be cut, and is to be closed. Nothing else comes after this.
    Broken(&'static str),
}

/// Cuts a stream into messages, wherever its reads were cut: an iterator over what is whole so far, which goes on after
/// `None` when more was pushed.
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    bytes: Vec<u8>,
    /// How much of `bytes` was told.
    told: usize,
    /// How much of what is left is known to hold no end of headers.
    searched: usize,
    /// The whole length of the message at the front, once its headers are there.
    length: Option<usize>,
    broken: bool,
}

impl Framer {
    /// For messages of at most `limit` bytes, headers and body together.
    pub fn new(limit: usize) -> Framer {
        Framer { limit, bytes: Vec::new(), told: 0, searched: 0, length: None, broken: false }
    }

    /// Takes what was read. Ask for all pieces before the next read, so that no more than one message and one read are
    /// held.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.broken {
            self.bytes.drain(..self.told);
            self.told = 0;
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Whether all that was pushed was told: no message is half received.
    pub fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.told..]
    }

    fn fail(&mut self, reason: &'static str) -> Framed {
        *self = Framer { broken: true, ..Framer::new(self.limit) };
        Framed::Broken(reason)
    }

    /// What line breaks before a message mean.
    fn line_breaks(&mut self) -> Option<Framed> {
        let (length, framed) = match self.rest() {
            [b'\r', b'\n', b'\r', b'\n', ..] => (4, Framed::KeepAlive),
            [b'\r', b'\n', b'\r'] | [b'\r', b'\n'] | [b'\r'] => return None,
            [b'\r', b'\n', ..] => (2, Framed::Pong),
            // Lines that end with a bare LF may have one more behind the message.
            [b'\n', ..] => (1, Framed::Pong),
            _ => return None,
        };
        self.told += length;
        Some(framed)
    }

    /// The length of the message at the front, or nothing while its headers have not all come.
    fn measure(&mut self) -> Result<Option<usize>, &'static str> {
        let bytes = self.rest();
        if let [b'\r', ..] | [] = bytes {
            return if matches!(bytes.get(1), None | Some(b'\n')) { Ok(None) } else { Err("not SIP") };
        }
        if !begins_like_sip(bytes) {
            return Err("not SIP");
        }
        let head = head_length(bytes, self.searched.saturating_sub(3));
        if head.unwrap_or(bytes.len()) > self.limit {
            return Err("the message is over the limit");
        }
        let Some(head) = head else {
            self.searched = bytes.len();
            return Ok(None);
        };
        if !has_start_line(bytes) {
            return Err("not SIP");
        }
        let body = content_length(&bytes[..head])?;
        match head.checked_add(body) {
            Some(length) if length <= self.limit => Ok(Some(length)),
            _ => Err("the message is over the limit"),
        }
    }
}

impl Iterator for Framer {
    type Item = Framed;

    /// The next whole piece, if it is there.
    ///
    /// A CRLF at the end of what has come may be half of a double one: it is held until more comes.
    fn next(&mut self) -> Option<Framed> {
        if self.broken {
            return None;
        }
        if self.length.is_none() {
            if let Some(line_breaks) = self.line_breaks() {
                return Some(line_breaks);
            }
            match self.measure() {
                Ok(length) => self.length = length,
                Err(reason) => return Some(self.fail(reason)),
            }
        }
        let length = self.length?;
        let message = self.rest().get(..length)?.to_vec();
        self.told += length;
        self.searched = 0;
        self.length = None;
        Some(Framed::Message(message))
    }
}

/// The length of the headers with the empty line behind them, where it ends after `from`.
fn head_length(bytes: &[u8], from: usize) -> Option<usize> {
    let mut position = from;
    while let Some(found) = bytes.get(position..)?.iter().position(|byte| *byte == b'\n') {
        let after = position + found + 1;
        match bytes.get(after..) {
            Some([b'\n', ..]) => return Some(after + 1),
            Some([b'\r', b'\n', ..]) => return Some(after + 2),
            _ => position = after,
        }
    }
    None
}

/// Whether what has come may be the beginning of a message: a token with a blank behind it, or `SIP/`.
fn begins_like_sip(bytes: &[u8]) -> bool {
    let token = bytes.iter().take_while(|byte| grammar::is_token_byte(**byte)).count();
    token > 0 && matches!(bytes.get(token), None | Some(b' ' | b'\t' | b'/'))
}

/// Whether the first line is a request's or a response's.
fn has_start_line(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_response = line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"SIP/");
    is_response || line.windows(5).any(|window| window.eq_ignore_ascii_case(b" SIP/"))
}

/// Content-Length of a whole head. On a stream there has to be one, and one only (RFC 3261 section 20.14).
fn content_length(head: &[u8]) -> Result<usize, &'static str> {
    let mut found = None;
    let mut lines = head.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = line[..colon].trim_ascii_end();
        let is_length =
            name.eq_ignore_ascii_case(HeaderName::ContentLength.as_str().as_bytes()) || name.eq_ignore_ascii_case(b"l");
        if !is_length {
            continue;
        }
        let mut value = line[colon + 1..].trim_ascii().to_vec();
        while let Some(more) = lines.next_if(|line| matches!(line.first(), Some(b' ' | b'\t'))) {
            value.extend_from_slice(more.trim_ascii());
        }
        let value = std::str::from_utf8(&value).map_err(|_| "a bad Content-Length")?;
        let value = grammar::number::<usize>(value, "Content-Length").map_err(|_| "a bad Content-Length")?;
        if found.replace(value).is_some() {
            return Err("several Content-Lengths");
        }
    }
    found.ok_or("no Content-Length")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:a@b SIP/2.0\r\nl : 5\r\n\r\nhello";

    fn frames(pieces: &[&str]) -> Vec<Framed> {
        let mut framer = Framer::new(200);
        let mut found = Vec::new();
        for piece in pieces {
            framer.push(piece.as_bytes());
            found.extend(&mut framer);
        }
        found
    }

    fn message(text: &str) -> Framed {
        Framed::Message(text.as_bytes().to_vec())
    }

    #[test]
    fn messages_are_cut_wherever_the_reads_were() {
        let bare = OPTIONS.replace("\r\n", "\n");
        let two = format!("{OPTIONS}{bare}");
        for cut in 0..two.len() {
            let (first, second) = two.split_at(cut);
            assert_eq!(frames(&[first, second]), [message(OPTIONS), message(&bare)], "cut at {cut}");
        }
    }

    #[test]
    fn line_breaks_between_messages_have_their_meaning() {
        let check = |pieces: &[&str], expected: &[Framed]| assert_eq!(frames(pieces), expected, "{pieces:?}");
        check(&["\r\n\r\n"], &[Framed::KeepAlive]);
        check(&["\r", "\n", "\r", "\n"], &[Framed::KeepAlive]);
        check(&["\r\n"], &[]);
        check(&["\r\n", OPTIONS], &[Framed::Pong, message(OPTIONS)]);
        check(&["\r\n\r\n\r\n\r\n", OPTIONS], &[Framed::KeepAlive, Framed::KeepAlive, message(OPTIONS)]);
        check(&[OPTIONS, "\r\n\r\n", OPTIONS], &[message(OPTIONS), Framed::KeepAlive, message(OPTIONS)]);
    }

    #[test]
    fn a_stream_that_cannot_be_cut_is_broken_once() {
        let check = |text: &str, reason: &'static str| {
            assert_eq!(frames(&[text, OPTIONS]), [Framed::Broken(reason)], "{text}");
        };
        check("OPTIONS sip:a@b SIP/2.0\r\n\r\n", "no Content-Length");
        check("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n", "a bad Content-Length");
        check("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 1\r\nl: 2\r\n\r\n", "several Content-Lengths");
        check("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 300\r\n\r\n", "the message is over the limit");
        check(
            "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 18446744073709551615\r\n\r\n",
            "the message is over the limit",
        );
        check(&format!("OPTIONS sip:a@b SIP/2.0\r\nSubject: {}", "x".repeat(200)), "the message is over the limit");
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "not SIP");
        check("\u{16}\u{3}\u{1}\u{2}", "not SIP");
        check("\rOPTIONS", "not SIP");
        let mut folded = Framer::new(200);
        folded.push(b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length:\r\n  2\r\n\r\nhi");
        assert!(matches!(folded.next(), Some(Framed::Message(_))));
        assert!(folded.is_empty());
    }
}
