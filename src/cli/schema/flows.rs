//! The schema of flow files.

use serde_json::{Value, json};

use super::shape::{
    Draft, any_of, documented, length, named, names, number, one_or_more, or_nothing, pattern, text, truth,
    with_examples, with_required, words,
};
use super::{calls, connectors, steps};
use crate::flow::Survey;
use crate::flow::document::keys;

/// What names look like: of flows, steps and queues.
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9_-]*$";
/// Of values and hours.
const VALUE_NAME: &str = "^[A-Za-z][A-Za-z0-9_]*$";
/// A telephone's keys.
const KEYS: &str = "^([0-9A-Da-d*#]{1,8}|star|hash|pound)$";
/// One key.
const KEY: &str = "^([0-9A-Da-d*#]|star|hash|pound)$";
/// `mon`, `mon-fri`, `sat, sun`, also with whole names.
const DAYS: &str = "^ *(mon|tue|wed|thu|fri|sat|sun)[a-z]*( *[-,] *(mon|tue|wed|thu|fri|sat|sun)[a-z]*)* *$";
/// `2026-12-25`.
const DATE: &str = "^ *[0-9]{4}-[0-9]{2}-[0-9]{2} *$";

/// The schema, and what it lacks beside the reader.
pub(super) fn schema() -> (Value, Vec<String>) {
    let mut draft = Draft::new(keys::tables());
    let mut root = file(&mut draft);
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!("A flow file of Helpline");
    root["description"] =
        json!("What callers hear and can do, in one file: a flow, and queues, agents and hours beside it.");
    root["definitions"] = json!({
        "target": target(),
        "speech": speech(),
        "condition": condition(),
        "language": pattern("^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", &["en", "es", "pt-BR"]),
        "length": super::length_of_time(),
        "choices": choices(&mut draft),
        "step": steps::step(&mut draft),
        "queue": queue(&mut draft),
        "agent": agent(&mut draft),
        "hours": hours(&mut draft),
        "times": times(),
        "record": record(&mut draft),
        "survey": survey(&mut draft),
        "connector": connectors::connector(&mut draft),
        "way": connectors::way(&mut draft),
    });
    draft.finish();
    (root, draft.lacks)
}

/// What is written of a recording that begins.
fn record(draft: &mut Draft) -> Value {
    let keys = vec![
        (
            "consent",
            "`ask`: the caller presses 1 to agree. `announce`: they hear that they are recorded, every word.",
            json!({ "enum": keys::words_of("consent") }),
        ),
        ("prompt", "What they are asked or told; else a phrase of the language.", named("speech")),
        (
            "channels",
            "`stereo` has the caller on the left and what they hear on the right, `mixed` both in one.",
            words(keys::words_of("channels")),
        ),
        ("refused", "Where callers go who do not agree; without it, `next`.", named("target")),
    ];
    with_required(draft.table("record", keys), &["consent"])
}

/// The questions of a survey.
fn survey(draft: &mut Draft) -> Value {
    let asked = || or_nothing(named("speech"));
    let mut question = draft.table(
        "survey question",
        vec![
            ("csat", "The question, answered from 1 to 5; nothing for the language's own.", asked()),
            ("nps", "The question, answered from 0 to 10; nothing for the language's own.", asked()),
        ],
    );
    (question["minProperties"], question["maxProperties"]) = (json!(1), json!(1));
    let question = any_of(vec![json!({ "enum": keys::words_of("scale") }), question]);
    let short = any_of(vec![question.clone(), asked()]);
    let mut questions = names(VALUE_NAME, question);
    questions["properties"] = json!({ "csat": short, "nps": short });
    (questions["minProperties"], questions["maxProperties"]) = (json!(1), json!(Survey::MOST_QUESTIONS));
    documented(&questions, "The questions by name: `helped: {csat: How well did we help you?}`.")
}

fn file(draft: &mut Draft) -> Value {
    let zone = text(&["Europe/London", "America/New_York", "UTC"]);
    let dialled = with_examples(
        json!({ "type": ["string", "integer"], "pattern": r"^(\+?[0-9*#]+|[A-Za-z][A-Za-z0-9._-]*)$" }),
        &["any", "+442079460000"],
    );
    let tests = calls::tests(draft);
    draft.table(
        "file",
        vec![
            ("flow", "The flow's name; also the folder of its recordings.", pattern(NAME, &["main"])),
            (
                "numbers",
                "What callers dial to reach it: numbers, or the user part of an address; `any` takes every number that no \
                 other flow takes.",
                or_nothing(one_or_more(dialled)),
            ),
            ("languages", "The languages it speaks; the first is the default.", one_or_more(named("language"))),
            ("time_zone", "Where days and times are told, as IANA names it.", zone),
            (
                "currency",
                "Of amounts of money that name none.",
                json!({ "enum": keys::words_of("currency") }),
            ),
            ("start", "The step where callers begin.", text(&["welcome"])),
            (
                "always",
                "Keys that work in every menu: `{0: person, star: back, hash: again}`.",
                or_nothing(names(KEY, named("target"))),
            ),
            ("steps", "The steps, by name. A step does exactly one thing.", names(NAME, named("step"))),
            ("queues", "Lines of callers, by name.", or_nothing(names(NAME, or_nothing(named("queue"))))),
            (
                "agents",
                "Who answers, by the extension as which their telephone registers.",
                or_nothing(names("^[A-Za-z0-9._-]{2,32}$", or_nothing(named("agent")))),
            ),
            ("hours", "When something is open, by name.", or_nothing(names(VALUE_NAME, named("hours")))),
            ("tests", "Call tests, which `helpline test` plays in virtual time.", or_nothing(tests)),
            ("connectors", "Web services that steps ask, by name.", or_nothing(names(NAME, named("connector")))),
        ],
    )
}

fn target() -> Value {
    json!({
        "description": "A step's name; or `again` (the beginning of the menu or question that the caller is in), `back` \
                        (the one before) or `hangup`; while waiting in a queue also `callback`.",
        "anyOf": [{ "enum": keys::words_of("target") }, { "type": ["string", "integer"], "pattern": NAME }],
    })
}

fn speech() -> Value {
    let formats = keys::words_of("format").join(", ");
    json!({
        "description": format!(
            "What is said: a text, or one for each language, `{{en: Hello., es: Hola.}}`. `{{name|format}}` speaks a value \
             as one of {formats}."
        ),
        "anyOf": [
            { "type": ["string", "number", "boolean"] },
            {
                "type": "object",
                "propertyNames": { "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$" },
                "additionalProperties": { "type": ["string", "number", "boolean"] },
                "minProperties": 1,
            },
        ],
    })
}

fn condition() -> Value {
    with_examples(
        json!({
            "type": "string",
            "description": "Compares values: `tier is 'gold'`, `total >= 100`, `hours.office`, joined by `and`, `or`, `not`.",
        }),
        &["hours.office", "tier is 'gold'"],
    )
}

fn choices(draft: &mut Draft) -> Value {
    let long = draft.table(
        "choice",
        vec![
            ("say", "Its text, announced with its key; without it the choice is not announced.", named("speech")),
            ("go", "Where it leads.", named("target")),
            ("when", "The choice is silent and dead while this does not hold.", named("condition")),
        ],
    );
    let short = json!({
        "type": "string",
        "pattern": "->",
        "patternErrorMessage": "Name the step after an arrow: `For billing -> billing`.",
        "description": "Its text, an arrow and where it leads: `For billing -> billing`.",
        "examples": ["For billing -> billing"],
    });
    let choice = any_of(vec![short, with_required(long, &["go"])]);
    let mut choices = names(KEYS, choice);
    choices["minProperties"] = json!(1);
    documented(
        &choices,
        "Choices by their keys: 0 to 9, `star`, `hash` or A to D; several keys make a longer one, such as 42.",
    )
}

fn queue(draft: &mut Draft) -> Value {
    let go = |text: &'static str| ("go", text, named("target"));
    let announce = draft.table(
        "announce",
        vec![
            ("position", "`place` tells \"you are number three in line\".", words(["place", "off"])),
            ("wait", "`auto` tells the estimated wait where enough is known.", words(["auto", "off"])),
            ("first_after", "From the beginning of the wait to the first announcement, up to 10 min.", length("20s")),
            ("repeat", "From the end of an announcement to the next, 20 s to 30 min.", length("60s")),
            ("comfort", "Messages that are said in turn between the announcements.", one_or_more(named("speech"))),
            ("comfort_every", "From the end of whatever was said to the next of these, 10 s to 30 min.", length("60s")),
        ],
    );
    let callback = draft.table(
        "callback",
        vec![
            (
                "order",
                "Who is called first: `agent_first` lets the caller meet somebody at once.",
                words(keys::words_of("order")),
            ),
            ("grace", "How long the caller's telephone rings, 10 s to 2 min.", length("30s")),
            ("tries", "How often they are called.", number(1, 10, 3)),
            ("gap", "From one attempt to the next, 10 s to 24 h.", length("10m")),
            (
                "dial",
                "The SIP address that is called instead of a trunk.",
                pattern(r"^sip:\{number\}@", &["sip:{number}@192.0.2.7"]),
            ),
        ],
    );
    let missed = draft.table(
        "missed",
        vec![
            ("rest", "How long nothing is offered to who missed an offer, 1 s to 10 min; it doubles.", length("5s")),
            ("longest_rest", "It grows no longer than this, up to 1 h.", length("60s")),
            (
                "pause_after",
                "So many misses in a row pause the agent.",
                any_of(vec![number(1, 100, 2), json!({ "enum": ["never"] })]),
            ),
        ],
    );
    let music = draft.table(
        "music",
        vec![
            ("name", "The folder below `prompts/music/`.", pattern(NAME, &["jazz"])),
            ("together", "All who wait hear the same moment of it, as of a radio.", truth()),
        ],
    );
    let waiting = draft.table("while_waiting", vec![("choices", "What callers can press.", named("choices"))]);
    let over = number(1, 100_000, 100);
    let full = draft.table("when_full", vec![("over", "Most callers.", over), go("Where others go.")]);
    let too_long = draft.table(
        "when_too_long",
        vec![("after", "The longest wait, 1 s to 24 h.", length("15m")), go("Where callers go then.")],
    );
    let no_agents = draft
        .table("when_no_agents", vec![go("Where callers go while no agent is logged in, reachable and not paused.")]);
    let strategies = words(keys::words_of("strategy"));
    draft.table(
        "queue",
        vec![
            (
                "agents",
                "Who answers, by extension. A number after an extension is its tier: `[1001, {1002: 2}]`.",
                ranked("An extension", 9),
            ),
            ("strategy", "Who of the ready agents is rung.", strategies),
            ("ring", "How long an agent's telephone rings, 1 s to 2 min.", length("20s")),
            ("wrap_up", "An agent's pause after a call, up to 30 min.", length("15s")),
            ("missed", "What happens to an agent who lets an offer ring in vain or refuses it.", or_nothing(missed)),
            (
                "whisper",
                "Who picks up hears the queue's name and the wait before the caller; a text is the name as it is spoken.",
                named("speech"),
            ),
            (
                "music",
                "The folder of hold music below `prompts/music/`; without it all the music there is.",
                any_of(vec![pattern(NAME, &["jazz"]), music]),
            ),
            ("announce", "What callers are told while they wait.", or_nothing(announce)),
            ("while_waiting", "What callers can press while they wait.", waiting),
            ("when_full", "Where callers go when the queue is full.", or_nothing(full)),
            ("when_too_long", "Where callers go who have waited for too long.", or_nothing(too_long)),
            ("when_no_agents", "Where callers go while nobody is there.", with_required(no_agents, &["go"])),
            (
                "survey",
                "The step to which callers go when an agent has hung up: a survey, or one that leads to it.",
                named("target"),
            ),
            (
                "service_level",
                "The goal, for reports.",
                pattern("^ *[0-9]+ *% *within *[0-9dhms]+ *$", &["80% within 20s"]),
            ),
            ("short_abandon", "Who hangs up sooner does not count as lost, up to 1 min.", length("5s")),
            ("resume_window", "Who was cut off and calls again within this has their place back, up to 1 h.", length("3m")),
            ("relax_after", "After so long a wait any agent will do, 5 s to 1 h.", length("2m")),
            (
                "alert_info",
                "How agents' telephones are told to ring for this queue (Alert-Info).",
                text(&["<urn:alert:source:internal>"]),
            ),
            ("callback", "How those who hung up and kept their place are called back.", or_nothing(callback)),
        ],
    )
}

/// `[1001, {1002: 2}]` or `{1001: 1, 1002: 2}`.
fn ranked(what: &str, most: u32) -> Value {
    let name = json!({ "type": ["string", "integer"], "description": what });
    let with_number = json!({
        "type": "object",
        "additionalProperties": { "type": ["integer", "null"], "minimum": 1, "maximum": most },
    });
    any_of(vec![
        json!({ "type": "array", "items": any_of(vec![name.clone(), with_number.clone()]) }),
        with_number,
        name,
    ])
}

fn agent(draft: &mut Draft) -> Value {
    draft.table(
        "agent",
        vec![
            ("name", "What they are called.", text(&["Ada"])),
            (
                "password",
                "The telephone's. `${NAME}` takes an environment variable; without a password one is generated.",
                text(&["${ADA_PASSWORD}"]),
            ),
            ("language", "In which Helpline speaks to them, one that a flow speaks.", named("language")),
            (
                "skills",
                "What they know, with levels from 1 to 9: `[billing, {spanish: 9}]`; without a number 5.",
                ranked("A skill", 9),
            ),
        ],
    )
}

fn hours(draft: &mut Draft) -> Value {
    let date = || pattern(DATE, &["2026-12-25"]);
    let dates = names(DATE, named("times"));
    let mut table = draft.table(
        "hours",
        vec![
            ("holidays", "Days that are closed all day.", or_nothing(one_or_more(date()))),
            ("except", "Days with times of their own: `{2026-12-24: 09:00-12:00}`.", or_nothing(dates)),
            ("time_zone", "Where the times are meant; else the flow's in the same file.", text(&["Europe/London"])),
        ],
    );
    table["patternProperties"] = json!({ DAYS: named("times") });
    for (day, times) in [("mon-fri", "09:00-17:30"), ("sat", "10:00-14:00"), ("sun", "closed")] {
        table["properties"][day] =
            documented(&named("times"), &format!("When it is open on these days, such as `{times}`."));
    }
    table
}

fn times() -> Value {
    let range = || {
        with_examples(
            json!({
                "type": "string",
                "patternErrorMessage": "Write times like `09:00-17:30`, or `closed`.",
                "pattern": "^ *([0-9]{1,2}:[0-9]{2} *- *[0-9]{1,2}:[0-9]{2}|closed)( *, *[0-9]{1,2}:[0-9]{2} *- *[0-9]{1,2}:[0-9]{2})* *$",
            }),
            &["09:00-17:30", "closed"],
        )
    };
    documented(
        &one_or_more(range()),
        "`09:00-17:30`, a list of several, or `closed`. What ends before it begins goes on into the next day.",
    )
}
