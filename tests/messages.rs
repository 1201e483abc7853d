//! What Helpline prints: it reads it back as the same, and `rsip`, another reader, understands the same by it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use helpline::sip::message::{HeaderName, Host, Message, Method, NameAddr, Parameters, Request, Uri, Via};
use helpline::sip::sdp;
use helpline::telephony::{Direction, Format, MediaDescription, MediaKind, Origin, SessionDescription, Timing};
use proptest::prelude::*;
use rsip::headers::ToTypedHeader;
use rsip::prelude::{HeadersExt, UntypedHeader};

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9.!%*_+`'~-]{1,12}"
}

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,8}(\\.[a-z]{2,5})?".prop_map(|name| Host::Name(name.into())),
        any::<u32>().prop_map(|bits| Host::Address(IpAddr::V4(Ipv4Addr::from_bits(bits)))),
        any::<u128>().prop_map(|bits| Host::Address(IpAddr::V6(Ipv6Addr::from_bits(bits)))),
    ]
}

/// Parameters with values that need quotes and values that do not.
fn header_parameters() -> impl Strategy<Value = Parameters> {
    prop::collection::vec((token(), prop::option::of("[^\r\n]{0,12}")), 0..4).prop_map(|given| {
        let mut parameters = Parameters::new();
        for (name, value) in given {
            parameters.set(&name, value.as_deref());
        }
        parameters
    })
}

fn uri_parameters() -> impl Strategy<Value = Parameters> {
    prop::collection::vec((token(), prop::option::of(token())), 0..3).prop_map(|given| {
        let mut parameters = Parameters::new();
        for (name, value) in given {
            parameters.set(&name, value.as_deref());
        }
        parameters
    })
}

fn uri() -> impl Strategy<Value = Uri> {
    let user = prop::option::of("[A-Za-z0-9*+#&=$,;?/.!~'()_-]{1,12}");
    let port = prop::option::of(any::<u16>());
    (user, prop::option::of("[a-z0-9&=+$,]{0,5}"), host(), port, uri_parameters(), "([a-z]{1,5}=[a-z%20]{0,5})?")
        .prop_map(|(user, password, host, port, parameters, headers)| Uri {
            password: password.filter(|_| user.is_some()),
            user,
            parameters,
            headers,
            ..Uri::sip(host, port)
        })
}

fn name_addr() -> impl Strategy<Value = NameAddr> {
    (prop::option::of("[^\r\n]{1,20}"), uri(), header_parameters()).prop_map(|(display, uri, parameters)| NameAddr {
        display,
        uri,
        parameters,
    })
}

fn via() -> impl Strategy<Value = Via> {
    let branch = prop::option::of("z9hG4bK[A-Za-z0-9]{1,12}");
    let received = prop::option::of(any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))));
    let rport = prop::option::of(prop::option::of(any::<u16>()));
    ("UDP|TCP|TLS", host(), prop::option::of(any::<u16>()), branch, received, rport).prop_map(
        |(transport, host, port, branch, received, rport)| Via {
            transport,
            host,
            port,
            branch,
            received,
            rport,
            parameters: Parameters::new(),
        },
    )
}

prop_compose! {
    fn request()(
        method in prop_oneof![Just("INVITE".to_owned()), Just("BYE".to_owned()), token()],
        mut uri in uri(),
        vias in prop::collection::vec(via(), 1..4),
        from in name_addr(),
        to in name_addr(),
        contacts in prop::collection::vec(name_addr(), 0..3),
        call_id in "[!-~]{1,30}",
        number in 0_u32..1 << 31,
        subject in "[^\r\n]{0,40}",
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) -> Request {
        uri.headers = String::new();
        let mut request = Request::new(Method::from_token(&method), uri);
        let headers = &mut request.headers;
        for via in vias {
            headers.push(HeaderName::Via, via.to_string());
        }
        headers.push(HeaderName::From, from.with_tag("1").to_string());
        headers.push(HeaderName::To, to.to_string());
        headers.push(HeaderName::CallId, call_id);
        headers.push(HeaderName::CSeq, format!("{number} {method}"));
        for contact in contacts {
            headers.push(HeaderName::Contact, contact.to_string());
        }
        headers.push(HeaderName::Subject, subject.trim_ascii().trim_matches([' ', '\t']));
        request.body = body;
        request
    }
}

fn printed(request: &Request) -> Vec<u8> {
    let mut out = Vec::new();
    request.to_bytes(&mut out);
    out
}

proptest! {
    #[test]
    fn a_request_that_is_printed_is_read_back(request in request()) {
        let bytes = printed(&request);
        let mut read = match Message::parse(&bytes) {
            Ok(Message::Request(read)) => read,
            other => panic!("{other:?} of {}", String::from_utf8_lossy(&bytes)),
        };
        prop_assert_eq!(read.headers.content_length(), Ok(Some(request.body.len())));
        read.headers.remove(&HeaderName::ContentLength);
        prop_assert_eq!(read, request);
    }

    #[test]
    fn an_address_that_is_printed_is_read_back(address in name_addr()) {
        let text = address.to_string();
        let read = NameAddr::parse(&text, "address").unwrap_or_else(|fault| panic!("{fault}: {text}"));
        prop_assert_eq!(&read.uri, &address.uri);
        prop_assert!(read.uri.matches(&address.uri));
        prop_assert_eq!(&read.parameters, &address.parameters);
        prop_assert_eq!(read.display, address.display);
    }

    #[test]
    fn a_via_that_is_printed_is_read_back(via in via()) {
        prop_assert_eq!(Via::parse(&via.to_string()), Ok(via));
    }

    #[test]
    fn a_description_that_is_printed_is_read_back(description in description()) {
        let text = sdp::print(&description);
        prop_assert_eq!(sdp::parse(text.as_bytes()), Ok(description), "{}", text);
    }
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
    ]
}

prop_compose! {
    fn line()(
        port in 1_u16..,
        connection in prop::option::of(address()),
        rtcp_port in prop::option::of(1_u16..),
        direction in prop_oneof![
            Just(Direction::SendReceive), Just(Direction::SendOnly), Just(Direction::ReceiveOnly), Just(Direction::Inactive)
        ],
        ptime in prop::option::of(any::<u16>()),
        maxptime in prop::option::of(any::<u16>()),
        first in 96_u8..100,
        encodings in prop::collection::vec(("[a-zA-Z0-9-]{1,9}(/2)?", 1_u32..1_000_000, "([a-z0-9=;-]{1,9})?"), 1..5),
    ) -> MediaDescription {
        let formats = (first..).zip(encodings).map(|(payload_type, (encoding, clock_rate, parameters))| Format {
            token: payload_type.to_string(),
            payload_type: Some(payload_type),
            encoding,
            clock_rate,
            parameters,
        });
        MediaDescription {
            kind: MediaKind::Audio,
            port,
            protocol: "RTP/AVP".to_owned(),
            connection,
            rtcp_port: rtcp_port.filter(|rtcp_port| Some(*rtcp_port) != port.checked_add(1)),
            direction,
            ptime,
            maxptime,
            formats: formats.collect(),
        }
    }
}

prop_compose! {
    fn description()(
        session_id in any::<u64>(),
        version in any::<u64>(),
        connection in address(),
        (start, stop) in any::<(u64, u64)>(),
        media in prop::collection::vec(line(), 0..4),
    ) -> SessionDescription {
        let origin = Origin { username: "-".to_owned(), session_id, version, address: connection.to_string() };
        SessionDescription { origin, connection: Some(connection), timing: Timing { start, stop }, media }
    }
}

/// A request as `rsip` may read it: it knows neither every character nor every method.
fn plain_request(method: Method) -> Request {
    let uri = Uri::parse("sip:500@203.0.113.5:5070;transport=tcp").expect("well formed");
    let mut request = Request::new(method.clone(), uri);
    let headers = &mut request.headers;
    headers.push(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK77ef4c2312983.1");
    headers.push(HeaderName::Via, "SIP/2.0/TCP proxy.example.com;received=192.0.2.9;branch=z9hG4bK2");
    headers.push(HeaderName::RecordRoute, "<sip:proxy.example.com;lr>");
    headers.push(HeaderName::MaxForwards, "70");
    headers.push(HeaderName::From, "\"Ann Lee\" <sip:1001@example.com>;tag=5b1e");
    headers.push(HeaderName::To, "<sip:500@example.com>");
    headers.push(HeaderName::CallId, "6f2a9c41@192.0.2.1");
    headers.push(HeaderName::CSeq, format!("21057 {method}"));
    headers.push(HeaderName::Contact, "<sip:1001@192.0.2.1:5060>");
    headers.push(HeaderName::Supported, "replaces, timer");
    request.body = b"body".to_vec();
    request
}

#[test]
fn rsip_reads_our_requests() {
    for method in [Method::Invite, Method::Ack, Method::Bye, Method::Cancel, Method::Options, Method::Update] {
        let ours = plain_request(method);
        let theirs = rsip::Request::try_from(printed(&ours)).expect("rsip reads it");
        assert_eq!(theirs.method.to_string(), ours.method.as_str());
        // It prints transports in upper case.
        assert_eq!(theirs.uri.to_string().to_lowercase(), ours.uri.to_string());
        assert_eq!(theirs.body, ours.body);
        compare(&theirs, &ours.headers);
        let length = theirs.headers.iter().find_map(|header| match header {
            rsip::Header::ContentLength(length) => Some(length.value().to_owned()),
            _ => None,
        });
        assert_eq!(length.as_deref(), Some("4"));
    }
}

#[test]
fn rsip_reads_our_responses() {
    for status in [100, 180, 200, 486, 503] {
        let mut ours = plain_request(Method::Invite).response(status);
        let to = ours.headers.to().expect("well formed").with_tag("a7f0");
        ours.headers.set(HeaderName::To, to.to_string());
        let mut out = Vec::new();
        ours.to_bytes(&mut out);
        let theirs = rsip::Response::try_from(out).expect("rsip reads it");
        assert_eq!(u16::from(theirs.status_code.clone()), status);
        compare(&theirs, &ours.headers);
        let to = theirs.to_header().expect("To").typed().expect("well formed");
        assert_eq!(to.tag().map(ToString::to_string).as_deref(), Some("a7f0"));
    }
}

/// What both read of the same headers.
fn compare(theirs: &impl HeadersExt, ours: &helpline::sip::message::Headers) {
    let via = theirs.via_header().expect("Via").typed().expect("well formed");
    let our_via = ours.via().expect("Via");
    assert_eq!(via.branch().map(ToString::to_string), our_via.branch);
    assert_eq!(via.transport.to_string(), our_via.transport);
    assert_eq!(via.uri.host().to_string(), our_via.host.to_string());
    let from = theirs.from_header().expect("From").typed().expect("well formed");
    let our_from = ours.from().expect("From");
    assert_eq!(from.tag().map(ToString::to_string).as_deref(), our_from.tag());
    assert_eq!(from.uri.to_string(), our_from.uri.to_string());
    // It leaves the quotes on.
    assert_eq!(from.display_name.as_deref().map(|name| name.trim_matches('"')), our_from.display.as_deref());
    let cseq = theirs.cseq_header().expect("CSeq").typed().expect("well formed");
    let (number, method) = ours.cseq().expect("CSeq");
    assert_eq!((cseq.seq, cseq.method.to_string()), (number, method.to_string()));
    assert_eq!(theirs.call_id_header().expect("Call-ID").value(), ours.call_id().expect("Call-ID"));
}
