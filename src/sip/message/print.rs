//! Messages to bytes.

use std::io::Write as _;

use super::{Message, Request, Response, reason_phrase};

impl Message {
    /// Adds the message to `out`, with the Content-Length that its body has.
    pub fn to_bytes(&self, out: &mut Vec<u8>) {
        match self {
            Message::Request(request) => request.to_bytes(out),
            Message::Response(response) => response.to_bytes(out),
        }
    }
}

impl Request {
    /// Adds the request to `out`, with the Content-Length that its body has.
    pub fn to_bytes(&self, out: &mut Vec<u8>) {
        out.reserve(self.headers.printed_length() + self.body.len() + 160);
        // A vector takes all that is written to it.
        let _ = write!(out, "{} {} SIP/2.0\r\n", self.method, self.uri);
        self.headers.print(out);
        print_body(&self.body, out);
    }
}

impl Response {
    /// Adds the response to `out`, with the Content-Length that its body has.
    pub fn to_bytes(&self, out: &mut Vec<u8>) {
        out.reserve(self.headers.printed_length() + self.body.len() + 80);
        let _ = write!(out, "SIP/2.0 {} ", self.status);
        if self.reason.is_empty() {
            out.extend_from_slice(reason_phrase(self.status).as_bytes());
        } else {
            out.extend(self.reason.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
        }
        out.extend_from_slice(b"\r\n");
        self.headers.print(out);
        print_body(&self.body, out);
    }
}

fn print_body(body: &[u8], out: &mut Vec<u8>) {
    let _ = write!(out, "Content-Length: {}\r\n\r\n", body.len());
    out.extend_from_slice(body);
}
