//! The schema of steps: one table for each kind.

use serde_json::{Value, json};

use super::shape::{
    Draft, Key, any_of, length, named, number, one_or_more, or_nothing, pattern, text, truth, with_examples,
    with_required,
};
use crate::flow::document::keys;

/// What a step may be: exactly one of its kinds.
pub(super) fn step(draft: &mut Draft) -> Value {
    let mut kinds = Vec::new();
    for kind in keys::step_kinds() {
        let Some((title, keys)) = described(kind) else {
            draft.lacks.push(format!(
                "the reader knows the step `{kind}`, and the schema does not: describe it and its keys in \
                 src/cli/schema/steps.rs, in `described`"
            ));
            kinds.push(json!({ "type": "object", "required": [kind] }));
            continue;
        };
        let mut table = with_required(draft.table(&format!("step {kind}"), keys), &[kind]);
        table["title"] = json!(kind);
        table["description"] = json!(title);
        kinds.push(table);
    }
    any_of(kinds)
}

fn next() -> Key {
    ("next", "The step that follows. Without it the caller hears goodbye and the call ends.", named("target"))
}

fn must_hear() -> Key {
    ("must_hear", "No key cuts it short.", truth())
}

/// Tries and what is said, of menus and questions.
fn patience() -> Vec<Key> {
    vec![
        ("first_key", "How long to wait for the first key after the last word.", length("5s")),
        ("between_keys", "How long to wait between keys.", length("4s")),
        ("tries", "How often to ask in all, counted apart for no key and for a wrong one.", number(1, 20, 3)),
        ("no_input", "What is said when no key came; else a phrase of the language.", named("speech")),
        ("no_match", "What is said when the keys fit nothing; else a phrase of the language.", named("speech")),
        (
            "otherwise",
            "Where to go when the tries are used up; else where key 0 of `always` leads, else goodbye.",
            named("target"),
        ),
    ]
}

/// What a step asks of a queue.
fn asked() -> Vec<Key> {
    let skill = || pattern(r"^([A-Za-z0-9][A-Za-z0-9_-]*| *\{[^{}|]+\} *)$", &["billing"]);
    vec![
        ("skill", "What the agent must know; a list where they must know all of it.", one_or_more(skill())),
        ("skills", "What the agent must know: all of it.", one_or_more(skill())),
        (
            "priority",
            "How urgent: a greater number goes first; `\"{name}\"` is a value.",
            any_of(vec![number(0, 9, 0), pattern(r"^ *\{[^{}|]+\} *$", &["{customer.tier}"])]),
        ),
    ]
}

/// What an editor says of a kind of step, and its keys.
fn described(kind: &str) -> Option<(&'static str, Vec<Key>)> {
    let join = |parts: Vec<Vec<Key>>| parts.into_iter().flatten().collect::<Vec<Key>>();
    Some(match kind {
        "say" => (
            "Speaks, and goes on.",
            vec![("say", "What is said. `{name|format}` speaks a value.", named("speech")), must_hear(), next()],
        ),
        "play" => (
            "Plays a recording, and goes on.",
            vec![
                (
                    "play",
                    "A recording by its name below the folder of the language, without `.wav`.",
                    pattern("^[A-Za-z0-9][A-Za-z0-9_./-]*$", &["music/summer"]),
                ),
                must_hear(),
                next(),
            ],
        ),
        "menu" => (
            "Offers choices, each with its key.",
            join(vec![
                vec![
                    ("menu", "The question; nothing where the choices say enough.", or_nothing(named("speech"))),
                    ("choices", "The choices by their keys: `2: For billing -> billing`.", named("choices")),
                    must_hear(),
                ],
                patience(),
            ]),
        ),
        "collect" => ("Asks for digits, and keeps them.", join(vec![collect(), patience(), vec![must_hear(), next()]])),
        "set" => (
            "Gives values names.",
            vec![
                (
                    "set",
                    "Names and their values: a text, a decimal number, `true` or `false`. In quotes everything is text.",
                    json!({
                        "type": "object",
                        "propertyNames": { "pattern": "^[A-Za-z][A-Za-z0-9_]*$" },
                        "additionalProperties": { "type": ["string", "number", "boolean"] },
                        "minProperties": 1,
                    }),
                ),
                next(),
            ],
        ),
        "voicemail" => (
            "Takes a message for a queue or an agent.",
            vec![
                (
                    "voicemail",
                    "The mailbox: a queue, whose agents hear the message, or an agent's extension.",
                    text(&["support"]),
                ),
                ("greeting", "What is said before the tone; else a phrase of the language.", named("speech")),
                ("longest", "A message ends when it is so long.", length("3m")),
                ("shortest", "What is shorter is no message.", length("3s")),
                ("silence", "A message ends when nothing was said for so long.", length("10s")),
                ("review", "The caller may hear the message, and record another in its place.", truth()),
                (
                    "mail",
                    "To whom each message is mailed, as a WAV file: one address or several.",
                    one_or_more(text(&["support@example.com"])),
                ),
                (
                    "failed",
                    "Where callers go whose message cannot be kept; else where key 0 of `always` leads, else `next`.",
                    named("target"),
                ),
                next(),
            ],
        ),
        "record" => (
            "Records the call with the caller's consent, or no more.",
            vec![
                (
                    "record",
                    "How the caller is asked; or `stop`, `pause` and `resume`.",
                    any_of(vec![named("record"), json!({ "enum": keys::words_of("record") })]),
                ),
                next(),
            ],
        ),
        "survey" => (
            "Asks callers what they think: by one key, or two for a ten. Star leaves a question out.",
            vec![
                (
                    "survey",
                    "The questions by name, or `csat` (1 to 5) or `nps` (0 to 10) for the language's own.",
                    any_of(vec![json!({ "enum": keys::words_of("scale") }), named("survey")]),
                ),
                ("thanks", "What is said to who has answered; else a phrase of the language.", named("speech")),
                next(),
            ],
        ),
        "when" => (
            "Leads one way or the other.",
            vec![
                ("when", "The condition, such as `tier is 'gold' and total >= 100`.", named("condition")),
                ("then", "The way when it holds.", named("target")),
                ("otherwise", "The way when it does not; without it, `next`.", named("target")),
                next(),
            ],
        ),
        "hours" => (
            "Leads one way while hours are open and another while they are closed.",
            vec![
                ("hours", "The name of hours, as they stand below `hours:`.", text(&["office"])),
                ("open", "The way while they are open; without it, `next`.", named("target")),
                ("closed", "The way while they are closed; without it, `next`.", named("target")),
                next(),
            ],
        ),
        "lookup" => (
            "Asks a web service; the fields of its answer become values.",
            vec![
                (
                    "lookup",
                    "A connector, and what stands behind its URL: `orders/{order_number}`.",
                    pattern("^[A-Za-z0-9][A-Za-z0-9_-]*([/?].*)?$", &["orders/{order_number}"]),
                ),
                (
                    "save",
                    "The name of the answer: its field `status` is then `order.status`.",
                    pattern("^[A-Za-z][A-Za-z0-9_]*$", &["order"]),
                ),
                ("found", "The way when there is an answer; without it, `next`.", named("way")),
                ("not_found", "The way when the service knows nothing; without it, that of `failed`.", named("way")),
                (
                    "failed",
                    "The way when the service cannot be asked; without it, key 0's in `always`, else goodbye.",
                    named("way"),
                ),
                next(),
            ],
        ),
        "language" => (
            "From now on the caller hears this language.",
            vec![("language", "One of the flow's `languages`.", named("language")), next()],
        ),
        "flow" => (
            "Walks another flow, and comes back to `next` when that one ends.",
            vec![("flow", "The name of the other flow.", text(&[])), next()],
        ),
        "queue" => (
            "The caller waits for an agent; `next` is where they go after the conversation.",
            join(vec![
                vec![("queue", "The queue, as it stands below `queues:`.", text(&["support"]))],
                asked(),
                vec![
                    (
                        "prefer",
                        "For so long only the agent who talked to the caller last will do, if they are at work.",
                        pattern("^ *last_agent +for +[0-9dhms]+ *$", &["last_agent for 30s"]),
                    ),
                    next(),
                ],
            ]),
        ),
        "callback" => (
            "Takes a place in a queue without waiting on the line: the caller is called back.",
            join(vec![
                vec![("callback", "The queue, as it stands below `queues:`.", text(&["support"]))],
                asked(),
                vec![
                    ("otherwise", "Where callers go who are not called back; without it, `next`.", named("target")),
                    next(),
                ],
            ]),
        ),
        "transfer" => (
            "Passes the caller on to somebody outside of every queue; `next` is where they go after the conversation.",
            vec![
                (
                    "transfer",
                    "An agent's extension, a number that a trunk may call, or a SIP address.",
                    text(&["1001", "+442079460000", "sip:reception@192.0.2.7"]),
                ),
                ("ring", "How long the other telephone rings, 5 s to 3 min.", length("30s")),
                ("announce", "What the other hears before the caller; any key ends it.", named("speech")),
                (
                    "busy",
                    "Where callers go when the other is busy or declines; without it, `otherwise`.",
                    named("target"),
                ),
                ("no_answer", "Where they go when nobody answers; without it, `otherwise`.", named("target")),
                ("failed", "Where they go when the other cannot be reached; without it, `otherwise`.", named("target")),
                ("otherwise", "Where callers go who are not connected; without it, `next`.", named("target")),
                next(),
            ],
        ),
        "hangup" => (
            "Says the last words and ends the call.",
            vec![("hangup", "The last words; nothing for the language's own.", or_nothing(named("speech")))],
        ),
        _ => return None,
    })
}

fn collect() -> Vec<Key> {
    vec![
        ("collect", "The question.", named("speech")),
        (
            "digits",
            "How many: `4`, or fewest and most, `6-8`. The answer is complete at once when the most are reached.",
            with_examples(
                json!({ "type": ["integer", "string"], "pattern": "^ *[0-9]+ *(- *[0-9]+ *)?$", "patternErrorMessage": "Write a number of digits such as `4` or `6-8`.", "minimum": 1, "maximum": 64 }),
                &["6-8", "4"],
            ),
        ),
        ("save", "The name of the value that keeps them.", pattern("^[A-Za-z][A-Za-z0-9_]*$", &["order_number"])),
        (
            "end_key",
            "The key that ends the answer.",
            json!({ "enum": ["hash", "star", "none", "#", "*"], "default": "hash" }),
        ),
        (
            "confirm",
            "Reads the answer back and asks: 1 for right, 2 to enter it again. `number` reads it as a number.",
            json!({ "enum": [false, true, "digits", "number"], "default": false }),
        ),
        ("secret", "The answer is never spoken, shown or logged.", truth()),
    ]
}
