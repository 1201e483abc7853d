//! What was done by hand, as a call test to be pasted into a flow file.

use std::fmt::Write as _;

use jiff::Zoned;

use crate::journal::StepName;
use crate::rehearsal::{House, What, sentence};

/// How changes of the world begin.
const WORLD: [&str; 6] = ["agents: ", "telephones: ", "waiting: ", "handle_time: ", "hours: ", "lookups: "];

/// What was done in a call, and what came of it.
#[derive(Default)]
pub(super) struct Notebook {
    from: String,
    dialled: String,
    at: String,
    language: Option<String>,
    /// How the world stood when the call began.
    world: Vec<String>,
    acts: Vec<String>,
    /// Keys that were pressed one after another.
    keys: String,
    /// The step that was heard last.
    heard: Option<StepName>,
}

impl Notebook {
    /// A new call. What was said of the world before holds for it too.
    pub(super) fn begin(&mut self, from: &str, dialled: &str, at: &Zoned) {
        from.clone_into(&mut self.from);
        dialled.clone_into(&mut self.dialled);
        self.at = at.strftime("%Y-%m-%d %H:%M").to_string();
        let before = std::mem::take(&mut self.acts);
        self.world.extend(before.into_iter().filter(|act| WORLD.iter().any(|kind| act.starts_with(kind))));
        self.keys.clear();
        self.heard = None;
    }

    /// The world was changed: `agents: {1001: ready}`. Before anything was done by the caller it was so from the start.
    pub(super) fn change(&mut self, change: String) {
        self.flush();
        if self.acts.iter().any(|act| !act.starts_with("hear:")) {
            self.acts.push(change);
        } else {
            self.world.retain(|known| known != &change);
            self.world.push(change);
        }
    }

    /// The next call speaks this.
    pub(super) fn language(&mut self, language: &str) {
        self.language = Some(language.to_owned());
    }

    /// Time has passed because somebody wanted it to.
    pub(super) fn wait(&mut self, length: &str) {
        self.flush();
        self.acts.push(format!("wait: {length}"));
    }

    /// Something that a test cannot do.
    pub(super) fn remark(&mut self, remark: &str) {
        self.flush();
        self.acts.push(format!("# {remark}"));
    }

    /// Something was done.
    pub(super) fn act(&mut self, act: &str) {
        self.flush();
        self.acts.push(act.to_owned());
    }

    /// Something happened to the caller.
    pub(super) fn note(&mut self, house: &House, what: &What) {
        if let What::Keyed(key) = what {
            self.keys.push(key.as_char());
            self.heard = None;
            return;
        }
        let act = match what {
            What::Said { step, prompts } if *step == self.heard || step.is_none() => {
                let said = sentence(prompts.iter().map(|prompt| house.flows().prompt(*prompt)));
                Some(format!("hear: {}", quoted(&said)))
            }
            What::Said { step: Some(step), .. } => {
                self.heard = Some(step.clone());
                let own = house.find_step(step).is_some();
                own.then(|| format!("hear: {}/{}", step.flow, step.step))
            }
            What::Silence(_) => {
                self.heard = None;
                Some("say nothing".to_owned())
            }
            What::Queued(queue) => Some(format!("expect: {{queue: {queue}}}")),
            What::Talks(called) => Some(format!("answered: {}", quoted(called))),
            What::PicksUp => Some("pick up".to_owned()),
            What::HangsUp => Some("hang up".to_owned()),
            What::HungUpOn => Some("goodbye".to_owned()),
            _ => None,
        };
        if let Some(act) = act {
            self.flush();
            self.acts.push(act);
        }
    }

    fn flush(&mut self) {
        if !self.keys.is_empty() {
            self.acts.push(format!("press: {}", quoted(&std::mem::take(&mut self.keys))));
        }
    }

    /// The call test.
    pub(super) fn written(&mut self) -> String {
        self.flush();
        let mut text = String::from("tests:\n  - test: what this is about\n");
        let _ = writeln!(text, "    at: {}", self.at);
        if self.from != crate::flow::call_test::CALLER {
            let _ = writeln!(text, "    from: {}", quoted(&self.from));
        }
        let _ = writeln!(text, "    number: {}", quoted(&self.dialled));
        if let Some(language) = &self.language {
            let _ = writeln!(text, "    language: {language}");
        }
        for change in joined(&self.world) {
            let _ = writeln!(text, "    {change}");
        }
        text.push_str("    call:\n");
        for act in &self.acts {
            match act.strip_prefix('#') {
                Some(remark) => drop(writeln!(text, "      #{remark}")),
                None => drop(writeln!(text, "      - {act}")),
            }
        }
        text
    }
}

/// Changes of the same kind in one entry: `agents: {1001: ready}` and `agents: {1002: paused}` are `agents: {1001: ready, 1002:
/// paused}`; of two about the same the later stands.
fn joined(changes: &[String]) -> Vec<String> {
    let mut kinds: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
    for change in changes {
        let Some((kind, rest)) = change.split_once(": {") else { continue };
        let place = kinds.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            kinds.push((kind, Vec::new()));
            kinds.len() - 1
        });
        for entry in rest.trim_end_matches('}').split("; ") {
            let Some((name, value)) = entry.split_once(": ") else { continue };
            kinds[place].1.retain(|(known, _)| *known != name);
            kinds[place].1.push((name, value));
        }
    }
    let written = |(kind, entries): &(&str, Vec<(&str, &str)>)| {
        let entries: Vec<String> = entries.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{kind}: {{{}}}", entries.join(", "))
    };
    kinds.iter().map(written).collect()
}

/// As YAML wants it: in quotes where it could be something else.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_alphanumeric() || " _-./'?!".contains(c))
        && !text.ends_with(' ');
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}
