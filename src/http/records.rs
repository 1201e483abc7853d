//! `/api/v1/records`: the records of calls that are over, newest first, a page at a time.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::{View, problem};
use crate::journal::{Outcome, PAGE_MAX, PAGE_USUAL, RecordPage, RecordQuery};

/// The longest name of a queue or an agent that is looked for, in octets.
const NAME_MAX: usize = 128;

pub(super) async fn records(State(view): State<View>, RawQuery(text): RawQuery) -> Response {
    let query = match parsed(text.as_deref().unwrap_or("")) {
        Ok(query) => query,
        Err(detail) => return problem(StatusCode::BAD_REQUEST, &detail),
    };
    match (view.records)(query.clone()).await {
        Ok(page) => {
            let content_type = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, content_type)], written(&query, &page)).into_response()
        }
        Err(reason) => problem(StatusCode::SERVICE_UNAVAILABLE, &format!("the records cannot be read: {reason}")),
    }
}

/// The records are JSON already.
fn written(query: &RecordQuery, page: &RecordPage) -> String {
    let next = page.next.map_or("null".to_owned(), |next| format!("\"{}\"", address(query, next)));
    format!("{{\"items\":[{}],\"next\":{next}}}", page.records.join(","))
}

/// Of the next page.
fn address(query: &RecordQuery, next: i64) -> String {
    let RecordQuery { from, to, outcome, queue, agent, limit, before: _ } = query;
    let mut address = format!("/api/v1/records?limit={limit}");
    let from = from.map(|time| time.to_string());
    let to = to.map(|time| time.to_string());
    let outcome = outcome.map(|outcome| outcome.label().to_owned());
    for (name, value) in [("from", &from), ("to", &to), ("outcome", &outcome), ("queue", queue), ("agent", agent)] {
        if let Some(value) = value {
            address += &format!("&{name}={}", encoded(value));
        }
    }
    address + &format!("&after={next}")
}

/// What is asked for; an error names the parameter.
fn parsed(text: &str) -> Result<RecordQuery, String> {
    let mut query = RecordQuery { limit: PAGE_USUAL, ..RecordQuery::default() };
    let mut seen = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value).ok_or_else(|| format!("`{name}` is not percent-encoded text"))?;
        if seen.contains(&name) {
            return Err(format!("`{name}` stands there twice"));
        }
        seen.push(name);
        match name {
            "from" => query.from = Some(time(name, &value)?),
            "to" => query.to = Some(time(name, &value)?),
            "outcome" => query.outcome = Some(outcome(&value)?),
            "queue" => query.queue = Some(named(name, value)?),
            "agent" => query.agent = Some(named(name, value)?),
            "limit" => {
                let number = value.parse().ok().filter(|number| (1..=PAGE_MAX).contains(number));
                query.limit = number.ok_or_else(|| format!("`limit` is a number from 1 to {PAGE_MAX}"))?;
            }
            "after" => {
                let number = value.parse().ok().filter(|number: &i64| *number >= 0);
                query.before = Some(number.ok_or("`after` is what the `next` of another page says")?);
            }
            _ => {
                let shown: String = name.chars().take(NAME_MAX).collect();
                return Err(format!(
                    "there is no parameter `{shown}`; there are from, to, outcome, queue, agent, limit and after"
                ));
            }
        }
    }
    Ok(query)
}

fn time(name: &str, value: &str) -> Result<Timestamp, String> {
    value.parse().map_err(|_| format!("`{name}` is a time such as 2026-12-18T17:00:00Z (RFC 3339)"))
}

fn outcome(value: &str) -> Result<Outcome, String> {
    let known = Outcome::ALL.into_iter().find(|outcome| outcome.label() == value);
    known.ok_or_else(|| format!("`outcome` is one of {}", Outcome::ALL.map(Outcome::label).join(", ")))
}

fn named(name: &str, value: String) -> Result<String, String> {
    if value.is_empty() || value.len() > NAME_MAX {
        return Err(format!("`{name}` is a name of 1 to {NAME_MAX} characters"));
    }
    Ok(value)
}

/// RFC 3986 section 2.1; a plus is a space to forms, and the offset of a time to people, so only `%20` is a space here.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || (rest.next()? as char).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn encoded(text: &str) -> String {
    let mut address = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address += &format!("%{byte:02X}");
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_names_its_parameter() {
        for (text, fault) in [
            ("from=yesterday", "`from` is a time"),
            ("to=2026-13-01T00:00:00Z", "`to` is a time"),
            ("outcome=lost", "`outcome` is one of completed, hung_up"),
            ("limit=0", "`limit` is a number from 1 to 500"),
            ("limit=501", "`limit`"),
            ("limit=x", "`limit`"),
            ("queue=", "`queue` is a name"),
            ("agent=%ff", "`agent` is not percent-encoded"),
            ("after=-1", "`after` is what"),
            ("page=2", "no parameter `page`"),
            ("limit=1&limit=2", "`limit` stands there twice"),
        ] {
            let told = parsed(text).expect_err(text);
            assert!(told.contains(fault), "{text}: {told}");
        }
    }

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        let text = "from=2026-12-18T10:00:00+01:00&to=2026-12-19T00:00:00Z&outcome=failed&queue=second%20line&agent=1001&limit=7";
        let query = parsed(text).expect("it is right");
        assert_eq!(query.queue.as_deref(), Some("second line"));
        assert_eq!(query.from.map(|time| time.to_string()).as_deref(), Some("2026-12-18T09:00:00Z"));
        let page = RecordPage { records: vec!["{\"id\":\"c1\"}".into(), "{}".into()], next: Some(42) };
        let shown = written(&query, &page);
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("it is JSON");
        let next =
            shown["next"].as_str().expect("there is one").split_once('?').expect("it has parameters").1.to_owned();
        assert_eq!(parsed(&next).expect("we wrote it"), RecordQuery { before: Some(42), ..query.clone() });
        let last = written(&query, &RecordPage::default());
        assert_eq!(last, "{\"items\":[],\"next\":null}");
    }
}
