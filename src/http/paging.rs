//! Lists in parts: `?limit=100&after=NAME`, and the address of the part that follows.

use axum::Json;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::problem;

/// A part has so many items unless fewer are asked for, ...
pub(super) const PAGE_USUAL: usize = 100;
/// ... or more, up to this.
pub(super) const PAGE_MAX: usize = 500;

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// As many items.
    pub(super) limit: usize,
    /// Those after this one, by the name that the list's order goes by.
    pub(super) after: Option<String>,
}

impl Page {
    /// Reads the query of an address. Names need no escapes: they are of letters, digits and `-`.
    pub(super) fn of(uri: &Uri) -> Result<Page, Box<Response>> {
        let mut page = Page { limit: PAGE_USUAL, after: None };
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("limit", count) => match count.parse() {
                    Ok(count @ 1..=PAGE_MAX) => page.limit = count,
                    _ => return refused(&format!("`limit` is a number from 1 to {PAGE_MAX}")),
                },
                ("after", name) if !name.is_empty() => page.after = Some(name.to_owned()),
                _ => return refused("what can be asked of a list is `limit` and `after`, as in ?limit=100"),
            }
        }
        Ok(page)
    }

    /// The answer: these items, and the address of what follows the one called `last`, when more follow.
    pub(super) fn answer(&self, path: &str, items: Vec<Value>, last: Option<String>) -> Response {
        let next = last.map(|last| format!("{path}?limit={}&after={last}", self.limit));
        Json(json!({"items": items, "next": next})).into_response()
    }
}

fn refused(detail: &str) -> Result<Page, Box<Response>> {
    Err(Box::new(problem(StatusCode::BAD_REQUEST, detail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_asked_for() {
        let check = |query: &str, expected: Option<(usize, Option<&str>)>| {
            let uri: Uri = format!("/api/v1/calls{query}").parse().expect("an address");
            let page = Page::of(&uri).ok().map(|page| (page.limit, page.after));
            assert_eq!(page, expected.map(|(limit, after)| (limit, after.map(str::to_owned))), "{query}");
        };
        check("", Some((PAGE_USUAL, None)));
        check("?", Some((PAGE_USUAL, None)));
        check("?limit=1&after=c7", Some((1, Some("c7"))));
        check("?limit=500", Some((PAGE_MAX, None)));
        for wrong in ["?limit=0", "?limit=501", "?limit=-1", "?limit=x", "?limit", "?after=", "?page=2"] {
            check(wrong, None);
        }
    }
}
