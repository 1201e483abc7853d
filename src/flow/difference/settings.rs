//! What of a step is neither said nor a way out, and still changes what callers meet.

use std::time::Duration;

use crate::flow::connector::{TextPart, TextTemplate};
use crate::flow::{Condition, Connector, FlowSet, Patience, QueueWish, Record, StepKind, Value};

/// A setting by what it is called to people, and as people write it.
pub(super) type Setting = (&'static str, String);

/// The settings of a step. Two steps of one kind have the same of them, in the same order.
pub(super) fn settings(set: &FlowSet, kind: &StepKind) -> Vec<Setting> {
    match kind {
        StepKind::Menu(menu) => patience(&menu.patience),
        StepKind::Collect(collect) => {
            let mut settings = patience(&collect.patience);
            settings.push(("the answer", format!("{} to {} digits", collect.shortest, collect.longest)));
            settings.push(("the answer's name", collect.save.to_string()));
            settings.push(("reading back", if collect.confirm { "on" } else { "off" }.to_owned()));
            settings
        }
        StepKind::Set(values) => {
            let value = |value: &Value| value.written().unwrap_or_else(|| "a secret".to_owned());
            let values: Vec<String> = values.iter().map(|(name, set)| format!("{name} {}", value(set))).collect();
            vec![("what is set", values.join(", "))]
        }
        StepKind::Hours { hours, .. } => vec![("the hours", set.hours[usize::from(hours.0)].name.to_string())],
        StepKind::Lookup(lookup) => {
            let asked = format!("{}{}", set.connector(lookup.connector).name, template(&lookup.path));
            vec![("the lookup", asked), ("the answer's name", lookup.save.as_deref().unwrap_or("none").to_owned())]
        }
        StepKind::Queue { skills, priority, wish, .. } | StepKind::Callback { skills, priority, wish, .. } => {
            wishes(skills, *priority, wish)
        }
        StepKind::Voicemail(voicemail) => vec![
            ("the mailbox", voicemail.mailbox.to_string()),
            ("the longest message", seconds(voicemail.longest)),
            ("the shortest message", seconds(voicemail.shortest)),
            ("the silence that ends a message", seconds(voicemail.silence)),
            ("the review", if voicemail.review { "on" } else { "off" }.to_owned()),
            ("mail", or_nobody(voicemail.mail.join(", "))),
        ],
        StepKind::Record(record) => vec![match &**record {
            Record::Start { consent, sides, .. } => {
                ("the recording", super::lower(consent) + ", " + &super::lower(sides))
            }
            Record::Stop => ("the recording", "stopped".to_owned()),
            Record::Pause => ("the recording", "paused".to_owned()),
            Record::Resume => ("the recording", "resumed".to_owned()),
        }],
        StepKind::Transfer(transfer) => {
            vec![("the transfer", transfer.to.name().to_string()), ("ring", seconds(transfer.ring))]
        }
        StepKind::Say { .. }
        | StepKind::Play { .. }
        | StepKind::When { .. }
        | StepKind::Language(_)
        | StepKind::Flow(_)
        | StepKind::Survey(_)
        | StepKind::HangUp { .. } => Vec::new(),
    }
}

/// The condition of a `when`.
pub(super) fn condition(kind: &StepKind) -> Option<&Condition> {
    match kind {
        StepKind::When { condition, .. } => Some(condition),
        _ => None,
    }
}

/// The settings of a web service, but for what secrets may stand in.
pub(super) fn of_service(connector: &Connector) -> Vec<Setting> {
    let fields: Vec<&str> = connector.fields.iter().map(|field| &*field.name).collect();
    vec![
        ("the method", connector.method.name().to_owned()),
        ("timeout", seconds(connector.timeout)),
        ("the fields", if fields.is_empty() { "none".to_owned() } else { fields.join(", ") }),
    ]
}

fn patience(patience: &Patience) -> Vec<Setting> {
    vec![
        ("the wait for the first key", seconds(patience.first_key)),
        ("the wait between keys", seconds(patience.between_keys)),
        ("tries", patience.tries.to_string()),
    ]
}

fn wishes(skills: &[std::sync::Arc<str>], priority: u8, wish: &QueueWish) -> Vec<Setting> {
    let named = wish.skills_of.iter().map(|name| format!("{{{name}}}"));
    let skills: Vec<String> = skills.iter().map(ToString::to_string).chain(named).collect();
    let priority = wish.priority_of.as_ref().map_or_else(|| priority.to_string(), |name| format!("{{{name}}}"));
    let last = wish.last_agent_for.map_or_else(|| "no time".to_owned(), seconds);
    vec![
        ("the skills wanted", if skills.is_empty() { "none".to_owned() } else { skills.join(", ") }),
        ("the priority", priority),
        ("the wait for the last agent", last),
    ]
}

fn template(template: &TextTemplate) -> String {
    let part = |part: &TextPart| match part {
        TextPart::Fixed(text) => text.to_string(),
        TextPart::Value(name) => format!("{{{name}}}"),
    };
    template.0.iter().map(part).collect()
}

fn or_nobody(names: String) -> String {
    if names.is_empty() { "to nobody".to_owned() } else { format!("to {names}") }
}

/// As flow files write a time.
pub(super) fn seconds(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        millis => format!("{}ms", u64::from(millis) + 1_000 * time.as_secs()),
    }
}
