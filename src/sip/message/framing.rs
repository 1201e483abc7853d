//! Cutting a stream into messages (RFC 3261 section 18.3, RFC 5626 section 4.4.1).

use super::HeaderName;
use super::grammar;

/// What a message over the limit is answered with.
const TOO_LONG: &str = "Message Too Large";

/// What a stream held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framed {
    /// One message with its body, for [`super::Message::parse`].
    Message(Vec<u8>),
    /// A double CRLF: the other side asks whether we are there, and wants one CRLF.
    KeepAlive,
    /// A single CRLF: the other side's answer to our double one.
    Pong,
    /// The headers, as far as they came, of a message that is not taken, and the answer that a request gets. What follows
    /// is the next message where the length of this one is known, else [`Framed::Broken`].
    Refused {
        /// The headers, for [`super::Message::parse`].
        head: Vec<u8>,
        /// 400 or 513.
        status: u16,
        /// The reason phrase.
        reason: &'static str,
    },
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
    /// How much of the body of a refused message is still to come.
    skip: usize,
    /// Why nothing can be cut after a refused message.
    doomed: Option<&'static str>,
    broken: bool,
}

/// Why the message at the front is not taken.
enum Unfit {
    /// What came is no SIP, and gets no answer.
    Unknown,
    /// Its headers, so many octets of them, tell no length.
    Unmeasured(usize, &'static str),
    /// Its headers are over the limit, without an end so far.
    Endless,
    /// Headers and body together are over the limit.
    TooLong { head: usize, body: usize },
}

impl Framer {
    /// For messages of at most `limit` bytes, headers and body together.
    pub fn new(limit: usize) -> Framer {
        Framer { limit, bytes: Vec::new(), told: 0, searched: 0, length: None, skip: 0, doomed: None, broken: false }
    }

    /// Takes what was read. Ask for all pieces before the next read, so that no more than one message and one read are
    /// held.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.broken {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            self.bytes.drain(..self.told);
            self.told = 0;
            self.bytes.extend_from_slice(&bytes[skipped..]);
        }
    }

    /// Whether all that was pushed was told: no message is half received.
    pub fn is_empty(&self) -> bool {
        self.rest().is_empty() && self.skip == 0
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
    fn measure(&mut self) -> Result<Option<usize>, Unfit> {
        let bytes = self.rest();
        if let [b'\r', ..] | [] = bytes {
            return if matches!(bytes.get(1), None | Some(b'\n')) { Ok(None) } else { Err(Unfit::Unknown) };
        }
        if !begins_like_sip(bytes) {
            return Err(Unfit::Unknown);
        }
        let head = head_length(bytes, self.searched.saturating_sub(3));
        if head.unwrap_or(bytes.len()) > self.limit {
            // Nothing beyond the limit counts, for how much of it has come is chance.
            return Err(if has_start_line(&bytes[..self.limit]) { Unfit::Endless } else { Unfit::Unknown });
        }
        let Some(head) = head else {
            self.searched = bytes.len();
            return Ok(None);
        };
        if !has_start_line(bytes) {
            return Err(Unfit::Unknown);
        }
        let body = content_length(&bytes[..head]).map_err(|reason| Unfit::Unmeasured(head, reason))?;
        match head.checked_add(body) {
            Some(length) if length <= self.limit => Ok(Some(length)),
            _ => Err(Unfit::TooLong { head, body }),
        }
    }

    /// Leaves out a message that is not taken. Its beginning may be answered: whoever sent it learns why.
    fn refuse(&mut self, unfit: &Unfit) -> Framed {
        let (head, status, reason) = match *unfit {
            Unfit::Unknown => return self.fail("not SIP"),
            Unfit::Unmeasured(head, reason) => {
                self.doomed = Some(reason);
                (self.rest()[..head].to_vec(), 400, reason)
            }
            Unfit::Endless => {
                self.doomed = Some(TOO_LONG);
                (whole_lines(&self.rest()[..self.limit]), 513, TOO_LONG)
            }
            Unfit::TooLong { head, body } => {
                let bytes = self.rest()[..head].to_vec();
                let there = body.min(self.rest().len() - head);
                self.told += head + there;
                self.skip = body - there;
                self.searched = 0;
                (bytes, 513, TOO_LONG)
            }
        };
        Framed::Refused { head, status, reason }
    }
}

impl Iterator for Framer {
    type Item = Framed;

    /// The next whole piece, if it is there.
    ///
    /// A CRLF at the end of what has come may be half of a double one: it is held until more comes.
    fn next(&mut self) -> Option<Framed> {
        if self.broken || self.skip > 0 {
            return None;
        }
        if let Some(reason) = self.doomed {
            return Some(self.fail(reason));
        }
        if self.length.is_none() {
            if let Some(line_breaks) = self.line_breaks() {
                return Some(line_breaks);
            }
            match self.measure() {
                Ok(length) => self.length = length,
                Err(unfit) => return Some(self.refuse(&unfit)),
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

/// The lines that are whole, with an empty one behind them.
fn whole_lines(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |position| position + 1);
    [&bytes[..end], b"\r\n"].concat()
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
        let value = std::str::from_utf8(&value).map_err(|_| "Bad Content-Length")?;
        let value = grammar::number::<usize>(value, "Content-Length").map_err(|_| "Bad Content-Length")?;
        if found.replace(value).is_some() {
            return Err("Several Content-Length");
        }
    }
    found.ok_or("Missing Content-Length")
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
        let check = |text: &str| assert_eq!(frames(&[text, OPTIONS]), [Framed::Broken("not SIP")], "{text}");
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        check("\u{16}\u{3}\u{1}\u{2}");
        check("\rOPTIONS");
        check(&format!("OPTIONS {}", "x".repeat(200)));
        check(&format!("OPTIONS {} SIP/2.0\r\n", "x".repeat(200)));
    }

    #[test]
    fn a_request_of_no_known_length_is_answered_before_the_stream_is_broken() {
        let check = |lengths: &str, reason: &'static str| {
            let head = format!("OPTIONS sip:a@b SIP/2.0\r\n{lengths}\r\n");
            let refused = Framed::Refused { head: head.clone().into_bytes(), status: 400, reason };
            assert_eq!(frames(&[&head, OPTIONS]), [refused, Framed::Broken(reason)], "{lengths}");
        };
        check("", "Missing Content-Length");
        check("Content-Length: -1\r\n", "Bad Content-Length");
        check("Content-Length: 1\r\nl: 2\r\n", "Several Content-Length");
        let line = "OPTIONS sip:a@b SIP/2.0\r\n";
        let refused = Framed::Refused { head: format!("{line}\r\n").into_bytes(), status: 513, reason: TOO_LONG };
        let endless = format!("{line}Subject: {}", "x".repeat(200));
        assert_eq!(frames(&[&endless, OPTIONS]), [refused, Framed::Broken(TOO_LONG)]);
    }

    #[test]
    fn a_message_that_is_too_long_is_left_out() {
        let head = "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 300\r\n\r\n";
        let refused = || Framed::Refused { head: head.into(), status: 513, reason: TOO_LONG };
        let body = "x".repeat(300);
        let stream = format!("{OPTIONS}{head}{body}{OPTIONS}\r\n\r\n");
        for cut in 0..stream.len() {
            let (first, second) = stream.split_at(cut);
            let expected = [message(OPTIONS), refused(), message(OPTIONS), Framed::KeepAlive];
            assert_eq!(frames(&[first, second]), expected, "cut at {cut}");
        }
        let mut framer = Framer::new(200);
        framer.push(head.as_bytes());
        assert_eq!(framer.next(), Some(refused()));
        assert!(!framer.is_empty(), "its body is still to come");
        framer.push(body.as_bytes());
        assert!(framer.is_empty());
        let absurd = "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 18446744073709551615\r\n\r\n";
        assert!(matches!(frames(&[absurd, OPTIONS])[..], [Framed::Refused { status: 513, .. }]));
    }

    #[test]
    fn a_length_may_be_folded() {
        let mut folded = Framer::new(200);
        folded.push(b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length:\r\n  2\r\n\r\nhi");
        assert!(matches!(folded.next(), Some(Framed::Message(_))));
        assert!(folded.is_empty());
    }
}
