//! No bytes make the reader panic; what is read prints to a message that is read as the same; and a stream of anything
//! is cut the same way however it is read.

use helpline::sip::message::{
    Fault, Framed, Framer, HEADER_LINES_MAX, HeaderName, MESSAGE_BYTES_MAX, Message, NameAddr, Request, Via,
    reason_phrase,
};

/// The stream's limit here, low enough to be met.
const STREAM_LIMIT: usize = 4_096;

pub fn run(data: &[u8]) {
    match Message::parse(data) {
        Ok(message) => {
            ask_for_everything(&message);
            print_and_read_again(message);
        }
        Err(Fault::BadRequest { request, status, .. }) => {
            assert!(matches!(status, 400 | 505 | 513));
            answer(&request, status);
        }
        Err(_) => {}
    }
    assert_eq!(cut(data, data.len().max(1)), cut(data, 3));
}

fn ask_for_everything(message: &Message) {
    let headers = message.headers();
    // Checked when it was read.
    let (via, from, to) = (headers.via().expect("Via"), headers.from().expect("From"), headers.to().expect("To"));
    assert_eq!(Via::parse(&via.to_string()).as_ref(), Ok(&via));
    for address in [from, to] {
        // CR and LF are in no display name, so that what is printed is what was read.
        assert_eq!(NameAddr::parse(&address.to_string(), "address").as_ref(), Ok(&address));
        assert!(address.uri.matches(&address.uri));
    }
    headers.call_id().expect("Call-ID");
    headers.cseq().expect("CSeq");
    headers.content_length().expect("Content-Length");
    let _ = (headers.contacts(), headers.routes(&HeaderName::Route), headers.routes(&HeaderName::RecordRoute));
    let _ = (headers.session_expires(), headers.min_se(), headers.rack(), headers.rseq(), headers.retry_after());
    let _ = (headers.max_forwards(), headers.expires(), headers.content_type(), headers.address(&HeaderName::ReferTo));
    let _ = headers.option_tags(&HeaderName::Supported);
    if let Message::Request(request) = message {
        answer(request, 200);
        let _ = request.uri.user_decoded();
    }
}

fn answer(request: &Request, status: u16) {
    let mut printed = Vec::new();
    request.response(status).to_bytes(&mut printed);
    assert!(printed.ends_with(b"Content-Length: 0\r\n\r\n"));
}

fn print_and_read_again(message: Message) {
    let mut printed = Vec::new();
    message.to_bytes(&mut printed);
    // Names are printed in full, and Content-Length is added: both may take it over a limit.
    if printed.len() > MESSAGE_BYTES_MAX || message.headers().len() >= HEADER_LINES_MAX {
        return;
    }
    let again = Message::parse(&printed).expect("what was printed is read");
    assert_eq!(comparable(again), comparable(message));
}

fn comparable(mut message: Message) -> Message {
    match &mut message {
        Message::Request(request) => {
            request.headers.remove(&HeaderName::ContentLength);
        }
        Message::Response(response) => {
            response.headers.remove(&HeaderName::ContentLength);
            if response.reason.is_empty() {
                response.reason = reason_phrase(response.status).to_owned();
            }
        }
    }
    message
}

fn cut(data: &[u8], step: usize) -> Vec<Framed> {
    let mut framer = Framer::new(STREAM_LIMIT);
    let mut pieces = Vec::new();
    for piece in data.chunks(step) {
        framer.push(piece);
        pieces.extend(&mut framer);
    }
    pieces
}
