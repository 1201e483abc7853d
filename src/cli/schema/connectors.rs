//! The schema of connectors, and of the ways out of a lookup.

use serde_json::{Value, json};

use super::shape::{Draft, any_of, length, named, names, number, one_or_more, text, truth, with_required, words};
use crate::flow::document::keys;

/// A web service.
pub(super) fn connector(draft: &mut Draft) -> Value {
    let breaker = draft.table(
        "breaker",
        vec![
            ("failures", "After so many failures in a row it is left alone ...", number(1, 1000, 5)),
            ("rest", "... for so long, 1 s to 1 h.", length("30s")),
        ],
    );
    let file = draft.table(
        "header",
        vec![
            ("file", "The file that holds the secret.", text(&["/run/secrets/shop"])),
            ("prefix", "What stands before it.", json!({ "type": "string", "examples": ["Bearer "] })),
        ],
    );
    let header = any_of(vec![json!({ "type": ["string", "number", "boolean"] }), with_required(file, &["file"])]);
    let field = field(draft);
    let place = text(&["results.0"]);
    let connector = draft.table(
        "connector",
        vec![
            (
                "url",
                "Where the service is asked; values can stand behind the host.",
                json!({ "type": "string", "examples": ["https://shop.example.com/orders"] }),
            ),
            ("method", "How it is asked.", words(keys::words_of("method"))),
            ("headers", "What is sent besides, secrets as `${NAME}` or from a file.", names("^.+$", header)),
            ("body", "What is sent as JSON; `\"{name}\"` is a value.", json!(true)),
            ("timeout", "As long does a caller wait at most, all tries together, 100 ms to 60 s.", length("5s")),
            ("retries", "How often it is asked again when it cannot be reached.", number(0, 5, 1)),
            ("hosts", "Where it may redirect to besides its own host.", one_or_more(text(&["*.example.com"]))),
            ("private", "It is on this machine or in a private network.", truth()),
            (
                "ca",
                "A file with the certificates of the authorities that alone may vouch for it, in PEM.",
                text(&["/etc/helpline/ca.pem"]),
            ),
            ("at_once", "As many requests at once.", number(1, 1000, 20)),
            (
                "breaker",
                "When a service that fails is left alone; `off`: never.",
                any_of(vec![json!({ "enum": ["off"] }), breaker]),
            ),
            ("answer", "Where in the answer the record stands.", place),
            ("fields", "What is taken from the answer, by name.", names("^[A-Za-z][A-Za-z0-9_]*$", field)),
        ],
    );
    with_required(connector, &["url"])
}

fn field(draft: &mut Draft) -> Value {
    let kind = || words(keys::words_of("type"));
    let list = || json!({ "type": "array", "items": { "type": ["string", "number", "boolean"] }, "minItems": 1 });
    let long = draft.table(
        "field",
        vec![
            ("type", "What it is.", kind()),
            ("one_of", "The words that a text can be.", list()),
            ("from", "Where in the record it stands: keys and places in lists.", text(&["sum.gross"])),
            ("optional", "An answer may lack it.", truth()),
            ("secret", "It is never spoken, shown or logged.", truth()),
        ],
    );
    any_of(vec![kind(), list(), long])
}

/// `found: told`, or `not_found: {say: ..., go: order, at_most: 2}`.
pub(super) fn way(draft: &mut Draft) -> Value {
    let long = draft.table(
        "way",
        vec![
            ("say", "What is said before.", named("speech")),
            ("go", "Where it leads.", named("target")),
            ("at_most", "So often in one call; after that the way of `failed` is taken.", number(1, 100, 2)),
        ],
    );
    any_of(vec![named("target"), with_required(long, &["go"])])
}
