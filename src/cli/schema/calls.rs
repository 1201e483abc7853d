//! The schema of call tests.

use serde_json::{Value, json};

use super::shape::{
    Draft, any_of, length, number, one_or_more, or_nothing, pattern, text, with_examples, with_required, words,
};
use crate::flow::document::keys::{self, MOST_CALLS};

/// `tests:`, a list.
pub(super) fn tests(draft: &mut Draft) -> Value {
    let act = act(draft);
    let world = World::of(draft);
    let caller = draft.table(
        "caller of a call test",
        vec![
            ("name", "The name that comes with the call.", text(&["Ms Jones"])),
            ("calls_today", "How often they have called today, this call included.", number(1, MOST_CALLS, 1)),
            ("last_call", "When they called last, before this call.", text(&["2026-12-17 09:30"])),
            ("last_agent", "The extension of the agent who talked to them last.", text(&["1001"])),
        ],
    );
    let test = draft.table(
        "call test",
        vec![
            ("test", "What the test is called.", text(&["billing at closing time"])),
            (
                "at",
                "When the call begins, in the flow's zone; without it on a Monday morning at ten.",
                text(&["2026-12-18 17:29", "fri 17:29"]),
            ),
            (
                "from",
                "The number that calls, or `withheld`.",
                pattern(r"^(\+?[0-9]{1,32}|withheld|anonymous)$", &["+442079460123"]),
            ),
            ("caller", "Who calls, and what is known of them from earlier calls.", caller),
            ("number", "The number that is dialled.", text(&["1000"])),
            ("flow", "The flow that answers; else the one in the same file.", text(&["main"])),
            ("start", "The step where the call begins; else where the flow does.", text(&["main"])),
            ("language", "The language that the caller speaks.", super::shape::named("language")),
            (
                "values",
                "Values that are set when the call begins.",
                json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } }),
            ),
            ("agents", "What agents do: by extension, or all of them. Who is not named is ready.", world.agents),
            (
                "telephones",
                "What telephones do to which steps pass callers on, by number or address. Who is not named answers.",
                world.telephones,
            ),
            (
                "handle_time",
                "How long agents have been busy with each call of a queue of late, so that waits can be estimated.",
                json!({ "type": "object", "additionalProperties": length("6m") }),
            ),
            ("waiting", "How many callers wait in a queue already.", world.waiting),
            ("hours", "Hours that somebody has switched by hand.", world.hours),
            (
                "lookups",
                "What web services answer: fields, `not_found` or `failed`, by connector or `connector/path`.",
                lookups(),
            ),
            ("call", "What happens in the call, and what is to come of it.", json!({ "type": "array", "items": act })),
        ],
    );
    json!({ "type": "array", "items": with_required(test, &["test", "call"]) })
}

fn lookups() -> Value {
    let told = pattern("^(not[_ ]found|failed)( after [0-9dhms]+)?$", &["not_found", "failed", "failed after 3s"]);
    let fields = json!({ "type": "object", "examples": [{ "status": "sent", "after": "2s" }] });
    json!({ "type": "object", "additionalProperties": any_of(vec![told, fields, json!({ "type": "array" })]) })
}

/// What a test may say of the world.
struct World {
    agents: Value,
    telephones: Value,
    waiting: Value,
    hours: Value,
}

impl World {
    fn of(draft: &mut Draft) -> World {
        let habit = with_examples(json!({ "type": "string" }), &keys::words_of("habit"));
        let habits = one_or_more(habit);
        let taken = one_or_more(with_examples(json!({ "type": "string" }), &keys::words_of("telephone")));
        let wish = draft.table(
            "waiting",
            vec![
                ("callers", "How many.", number(0, 1_000, 1)),
                ("skill", "What they want an agent to know.", one_or_more(text(&["billing"]))),
                ("priority", "How urgent they are.", number(0, 9, 0)),
            ],
        );
        World {
            agents: any_of(vec![
                json!({ "type": "object", "additionalProperties": habits }),
                with_examples(json!({ "type": "string" }), &keys::words_of("habit")),
            ]),
            telephones: json!({ "type": "object", "additionalProperties": taken }),
            waiting: json!({ "type": "object", "additionalProperties": any_of(vec![number(0, 1_000, 1), wish]) }),
            hours: json!({ "type": "object", "additionalProperties": words(["open", "closed", "as written"]) }),
        }
    }
}

fn act(draft: &mut Draft) -> Value {
    let heard = || text(&["welcome", "you are number 5"]);
    let hear = draft.table(
        "hear",
        vec![("step", "A step.", text(&["welcome"])), ("words", "Words, wherever they are said.", heard())],
    );
    let places = one_or_more(json!({ "type": ["integer", "string"] }));
    let extension = || text(&["1001"]);
    let expect = draft.table(
        "expect",
        vec![
            ("queue", "The queue in which the caller waits, or `none`.", text(&["support"])),
            ("skill", "The skill that is wanted of the agent, or `none`.", one_or_more(text(&["billing"]))),
            ("priority", "The priority of the place.", number(0, 9, 0)),
            ("place", "The true place in line.", number(1, 1_001, 1)),
            ("agent", "The agent to whom the caller talks, or `any`.", extension()),
            (
                "transferred",
                "Whom a step has passed the caller on to, and who answered: an extension, a number or an address, or `any`.",
                text(&["1001", "+442079460000"]),
            ),
            ("recorded", "Whether the call is recorded, or was.", json!({ "type": "boolean" })),
            ("step", "The step in which the caller is.", text(&["main"])),
            ("language", "The language that is spoken.", super::shape::named("language")),
            ("value", "Values that were keyed or set; nothing for one that is not set.", json!({ "type": "object" })),
            (
                "survey",
                "Answers to the questions of surveys; nothing for one that is not answered.",
                with_examples(json!({ "type": "object" }), &["helped: 4"]),
            ),
            ("outcome", "How the wait or the call has ended.", words(keys::words_of("outcome"))),
            ("spoken", "The places that were spoken so far.", places.clone()),
        ],
    );
    let world = World::of(draft);
    let changed = json!({
        "type": "object",
        "additionalProperties": { "type": ["string", "number"] },
        "examples": [{ "helpline_queue_entered_total{queue=\"support\"}": "+1" }],
    });
    let table = draft.table(
        "act",
        vec![
            (
                "hear",
                "The caller hears this step, or these words, sooner or later.",
                any_of(vec![heard(), hear.clone()]),
            ),
            ("never_hear", "The caller hears this neither before nor after.", any_of(vec![heard(), hear])),
            ("press", "The caller presses these keys, as soon as keys are awaited.", text(&["2", "1234#", "hash"])),
            ("wait", "Time passes, up to 24 h.", length("25s")),
            ("answered", "This agent has answered, or `any`.", or_nothing(extension())),
            ("expect", "All of these hold, sooner or later.", expect),
            ("spoken", "The places that were spoken so far: `[5, 4, 4, 2]`.", places),
            ("metrics", "By how much metrics have changed since the call began.", changed),
            ("agents", "What agents do from now on.", world.agents),
            ("telephones", "What telephones do from now on to which steps pass callers on.", world.telephones),
            ("waiting", "So many more callers wait in a queue.", world.waiting),
            ("hours", "Hours are switched by hand.", world.hours),
            ("lookups", "What web services answer from now on.", lookups()),
            ("within", "How long it is waited for; 3 minutes else.", length("10m")),
        ],
    );
    let alone = words([keys::words_of("act"), vec!["answered"]].concat());
    any_of(vec![alone, table])
}
