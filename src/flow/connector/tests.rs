//! Answers, as data: what they say, and what is told of those that say nothing of use.

use super::*;
use jiff::tz::TimeZone;

fn connector(fields: Vec<Field>) -> Connector {
    Connector {
        name: "orders".into(),
        method: Method::Get,
        url: TextTemplate::fixed("https://shop.example.com"),
        headers: vec![("authorization".into(), "Bearer s3cret".into())],
        body: None,
        timeout: Duration::from_secs(5),
        retries: 1,
        hosts: Vec::new(),
        private: false,
        authorities: None,
        at_once: 20,
        breaker: None,
        answer: Vec::new(),
        fields,
    }
}

fn field(kind: FieldKind) -> Field {
    Field { name: "x".into(), kind, path: vec!["x".into()], optional: false, secret: false }
}

/// What is read of `{"x": json}`: the value as it is written, or what is told of it.
fn check(kind: FieldKind, json: &str, expected: Result<&str, &str>) {
    let zone = TimeZone::get("Europe/London").expect("it exists");
    let body = format!("{{\"x\": {json}}}");
    let found = connector(vec![field(kind)]).read_answer(&body, &zone).map(|answer| match answer {
        LookupAnswer::Found(values) => values[0].1.written().expect("it is no secret"),
        other => other.label().to_owned(),
    });
    assert_eq!(found.as_deref().map_err(String::as_str), expected, "{body}");
}

#[test]
fn fields_are_read() {
    check(FieldKind::Text(Vec::new()), r#"" Zoë ""#, Ok("Zoë"));
    check(FieldKind::Text(Vec::new()), "12", Ok("12"));
    check(FieldKind::Text(vec!["sent".into(), "paid".into()]), r#""paid""#, Ok("paid"));
    check(FieldKind::Digits, r#""0042-11""#, Ok("004211"));
    check(FieldKind::Digits, "4711", Ok("4711"));
    check(FieldKind::Number, "24.50", Ok("24.5"));
    check(FieldKind::Number, r#""-007""#, Ok("-7"));
    check(FieldKind::Number, "0.1234567891", Ok("0.123456789"));
    check(FieldKind::Money, "24.5", Ok("24.5"));
    check(FieldKind::Money, r#""24.50 EUR""#, Ok("24.50 EUR"));
    check(FieldKind::Money, r#""$3""#, Ok("3 USD"));
    check(FieldKind::Money, r#"{"amount": "9.99", "currency": "gbp"}"#, Ok("9.99 GBP"));
    check(FieldKind::Date, r#""2026-12-24""#, Ok("2026-12-24"));
    check(FieldKind::Date, r#""2026-07-24T23:30:00Z""#, Ok("2026-07-25"));
    check(FieldKind::Date, r#""2026-12-24T10:00""#, Ok("2026-12-24"));
    check(FieldKind::Time, r#""2026-12-24T17:30:00+01:00""#, Ok("2026-12-24T16:30:00Z"));
    check(FieldKind::Time, r#""2026-07-24T17:30""#, Ok("2026-07-24T16:30:00Z"));
    check(FieldKind::Time, r#""9:30""#, Ok("09:30"));
    check(FieldKind::Bool, "false", Ok("false"));
    check(FieldKind::Bool, r#""yes""#, Ok("true"));
}

#[test]
fn what_is_something_else_is_told_without_what_it_says() {
    let told = |kind, json: &str, what: &str| {
        check(kind, json, Err(what));
    };
    told(FieldKind::Date, r#""24/12/2026""#, "its field `x` is not a date: it is a text like `99/99/9999`");
    told(FieldKind::Date, r#""2026-02-30""#, "its field `x` is not a date: it is a text like `9999-99-99`");
    told(
        FieldKind::Text(vec!["sent".into()]),
        r#""Mr Secret 42""#,
        "its field `x` is not one of its words: it is a text like `aa aaaaaa 99`",
    );
    told(FieldKind::Number, "true", "its field `x` is not a number: it is true or false");
    told(FieldKind::Number, "1e30", "its field `x` is not a number: it is a number like `9a+99`");
    told(FieldKind::Bool, "[1]", "its field `x` is not true or false: it is a list");
    told(
        FieldKind::Money,
        r#"{"amount": 1, "currency": "YEN"}"#,
        "its field `x` is not an amount of money: it is a table",
    );
    told(FieldKind::Digits, "-5", "its field `x` is not digits: it is a number like `-9`");
    told(FieldKind::Text(Vec::new()), "null", "it has no field `x`");
    told(FieldKind::Text(Vec::new()), r#""a\u0000b""#, "its field `x` is not a text: it is a text like `a a`");
    let long = format!("\"{}\"", "a".repeat(300));
    told(
        FieldKind::Text(Vec::new()),
        &long,
        "its field `x` is not a text: it is a text like `aaaaaaaaaaaaaaaaaaaaaaaa…`",
    );
}

#[test]
fn an_answer_is_empty_or_no_answer() {
    let zone = TimeZone::UTC;
    let bare = connector(Vec::new());
    for (body, expected) in [
        ("", Ok("not_found")),
        (" \n", Ok("not_found")),
        ("null", Ok("not_found")),
        ("{}", Ok("not_found")),
        ("[]", Ok("not_found")),
        ("\"\"", Ok("not_found")),
        ("{\"a\": 1}", Ok("found")),
        ("0", Ok("found")),
        ("{\"a\": ", Err("its JSON breaks off in line 1, column 6")),
        ("<html>", Err("it is no JSON in line 1, column 1")),
    ] {
        let found = bare.read_answer(body, &zone);
        let found = found.as_ref().map(LookupAnswer::label).map_err(String::as_str);
        assert_eq!(found, expected, "{body}");
    }
    let deep = "[".repeat(100_000);
    assert!(bare.read_answer(&deep, &zone).is_err(), "deep nesting is refused");
}

#[test]
fn a_record_stands_somewhere_and_fields_stand_in_it() {
    let path = |path: &str| path.split('.').map(Arc::from).collect::<Vec<Arc<str>>>();
    let mut fields = vec![field(FieldKind::Number), field(FieldKind::Digits)];
    (fields[0].name, fields[0].path) = ("total".into(), path("sum.gross"));
    (fields[1].name, fields[1].path, fields[1].optional, fields[1].secret) = ("pin".into(), path("pin"), true, true);
    let connector = Connector { answer: path("results.0"), ..connector(fields) };
    let read = |body: &str| connector.read_answer(body, &TimeZone::UTC);
    let found = read(r#"{"results": [{"sum": {"gross": 12}, "pin": "1234"}]}"#).expect("it can be read");
    let LookupAnswer::Found(values) = found else { panic!("it is found") };
    assert_eq!(values[0].1.written().as_deref(), Some("12"));
    assert!(matches!(&values[1].1, Value::Secret(pin) if pin == "1234"));
    let LookupAnswer::Found(values) = read(r#"{"results": [{"sum": {"gross": 12}}]}"#).expect("it can be read") else {
        panic!("it is found")
    };
    assert_eq!(values.len(), 1, "what is optional may be missing");
    assert_eq!(read(r#"{"results": []}"#), Ok(LookupAnswer::NotFound));
    assert_eq!(read(r#"{"other": 1}"#), Ok(LookupAnswer::NotFound));
    assert_eq!(read(r#"{"results": [{"pin": 1}]}"#), Err("it has no field `sum.gross`".to_owned()));
    assert_eq!(connector.example_answer(), r#"{"results":[{"pin":"4711","sum":{"gross":5}}]}"#);
    assert!(read(&connector.example_answer()).is_ok());
}

#[test]
fn hosts_are_named_and_near_ones_known() {
    for (pattern, host, fits) in [
        ("shop.example.com", "shop.example.com", true),
        ("Shop.Example.com", "shop.example.com", true),
        ("shop.example.com", "evil-shop.example.com", false),
        ("*.example.com", "shop.example.com", true),
        ("*.example.com", "a.b.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "evilexample.com", false),
        ("192.0.2.7", "192.0.2.7", true),
        ("[2001:db8::1]", "2001:db8::1", true),
    ] {
        let found = HostPattern::parse(pattern).expect("it is a host").fits(host);
        assert_eq!(found, fits, "{pattern} and {host}");
    }
    for wrong in ["", "*", "*.com/", "a b", "http://x", "*.", "a..b", "*.192.0.2.7"] {
        assert_eq!(HostPattern::parse(wrong), None, "{wrong}");
    }
    for (address, near) in [
        ("127.0.0.1", true),
        ("10.1.2.3", true),
        ("172.16.0.1", true),
        ("192.168.1.1", true),
        ("169.254.169.254", true),
        ("100.64.0.1", true),
        ("0.0.0.0", true),
        ("224.0.0.1", true),
        ("::1", true),
        ("fd00::1", true),
        ("fe80::1", true),
        ("::ffff:127.0.0.1", true),
        ("64:ff9b::7f00:1", true),
        ("8.8.8.8", false),
        ("100.128.0.1", false),
        ("2606:4700::1111", false),
    ] {
        assert_eq!(is_private(address.parse().expect("an address")), near, "{address}");
    }
}

#[test]
fn no_log_learns_a_secret() {
    let request = LookupRequest {
        lookup: 1,
        connector: ConnectorIndex(0),
        url: "https://x/4711".to_owned(),
        body: Some("4711".to_owned()),
        zone: TimeZone::UTC,
    };
    let printed = format!("{:?} {request:?}", connector(Vec::new()));
    assert!(!printed.contains("s3cret") && !printed.contains("4711"), "{printed}");
}
