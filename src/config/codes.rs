//! `codes:`: what agents dial to steer their working day.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::settings::Reader;
use crate::flow::document::diagnostic::shortened;
use crate::flow::document::tree::{Content, Entry, Node};
use crate::flow::document::{codes, scalar};
use crate::flow::{AgentCode, AgentCodes, MAX_CODE, MAX_CODES};

pub(super) const KEYS: [&str; 14] = [
    "ready",
    "pause",
    "pauses",
    "log_out",
    "end_wrap_up",
    "extend_wrap_up",
    "why",
    "pause_recording",
    "resume_recording",
    "close_today",
    "as_written",
    "hours",
    "messages",
    "extend_by",
];
const SINGLE: [AgentCode; 11] = [
    AgentCode::Ready,
    AgentCode::Pause(None),
    AgentCode::LogOut,
    AgentCode::EndWrapUp,
    AgentCode::ExtendWrapUp,
    AgentCode::Why,
    AgentCode::PauseRecording,
    AgentCode::ResumeRecording,
    AgentCode::CloseToday(None),
    AgentCode::AsWritten(None),
    AgentCode::Messages,
];
/// The most keys that tell hours apart.
const MAX_SUFFIX: usize = 4;
/// By how much a wrap-up can be made longer at once.
const EXTEND_BY: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(1800);

/// A code, and where it is written; without a place it stands by itself.
struct Dialled<'n> {
    code: Arc<str>,
    asks: AgentCode,
    written: Option<&'n Entry>,
}

impl Reader<'_> {
    pub(super) fn codes(&mut self, root: &Node) -> AgentCodes {
        let usual = AgentCodes::default();
        let Some(entry) = root.find("codes") else { return usual };
        if entry.value.text() == Some("off") {
            return AgentCodes::none();
        }
        let Some(section) = self.section(root, "codes", &KEYS) else { return usual };
        let mut dialled = Vec::new();
        for asks in SINGLE {
            match section.find(asks.name()) {
                Some(entry) => {
                    dialled.extend(self.code(entry).map(|code| Dialled { code, asks, written: Some(entry) }))
                }
                None => dialled.extend(usual.code_of(&asks).cloned().map(|code| Dialled { code, asks, written: None })),
            }
        }
        match section.find("pauses") {
            Some(entry) => self.pauses(entry, &mut dialled),
            None => dialled.extend(usual.reasons().filter_map(|reason| {
                let asks = AgentCode::Pause(Some(reason.clone()));
                Some(Dialled { code: usual.code_of(&asks)?.clone(), asks, written: None })
            })),
        }
        if let Some(entry) = section.find("hours") {
            self.hours_apart(entry, &mut dialled);
        }
        let codes = self.told_apart(dialled);
        let extend_by = section.find("extend_by").and_then(|entry| self.extend_by(entry)).unwrap_or(usual.extend_by);
        AgentCodes { codes, extend_by }
    }

    /// `{lunch: "*121"}`: a code for each reason.
    fn pauses<'n>(&mut self, entry: &'n Entry, dialled: &mut Vec<Dialled<'n>>) {
        let entries = match &entry.value.content {
            Content::Table(entries) => entries.as_slice(),
            Content::Nothing => &[],
            _ => {
                let message =
                    format!("`pauses` takes a table of reasons and codes, and this is {}", entry.value.described());
                return self.error(codes::WRONG_SHAPE, entry, message, "write it like `{lunch: \"*121\"}`");
            }
        };
        if entries.len() > MAX_CODES {
            return self.error(codes::TOO_LARGE, entry, format!("there are more than {MAX_CODES} reasons"), "");
        }
        for entry in entries {
            if !scalar::is_name(&entry.key) {
                let message = format!("`{}` cannot be the name of a reason", shortened(&entry.key));
                let fault = self.page.error(codes::NAME, entry.key_span, message);
                let near = scalar::as_name(&entry.key);
                let named = scalar::is_name(&near);
                self.faults.push(if named { fault.remedy(format!("write `{near}`")) } else { fault });
            }
            if let Some(code) = self.code(entry) {
                let asks = AgentCode::Pause(Some(Arc::from(entry.key.as_str())));
                dialled.push(Dialled { code, asks, written: Some(entry) });
            }
        }
    }

    /// `{office: "1"}`: what is dialled after `close_today` and `as_written` for these hours alone.
    fn hours_apart<'n>(&mut self, entry: &'n Entry, dialled: &mut Vec<Dialled<'n>>) {
        let Content::Table(entries) = &entry.value.content else {
            let message = format!("`hours` takes a table of hours and keys, and this is {}", entry.value.described());
            return self.error(codes::WRONG_SHAPE, entry, message, "write it like `{office: \"1\"}`");
        };
        if entries.len() > MAX_CODES / 2 {
            let most = MAX_CODES / 2;
            return self.error(codes::TOO_LARGE, entry, format!("there are more than {most} hours"), "");
        }
        let all = |asks: &AgentCode| dialled.iter().find(|known| known.asks == *asks).map(|known| known.code.clone());
        let (close, as_written) = (all(&AgentCode::CloseToday(None)), all(&AgentCode::AsWritten(None)));
        for entry in entries {
            let Some(keys) = self.text(entry, "keys such as `\"1\"`") else { continue };
            if !(1..=MAX_SUFFIX).contains(&keys.len()) || !keys.bytes().all(|key| key.is_ascii_digit()) {
                let message = format!("`{}` cannot be dialled after a code", shortened(&keys));
                let remedy = format!("write 1 to {MAX_SUFFIX} of the keys 0 to 9, such as `\"1\"`");
                self.error(codes::AGENT_CODE, entry, message, &remedy);
                continue;
            }
            let hours: Arc<str> = Arc::from(entry.key.as_str());
            let switches = [
                (&close, AgentCode::CloseToday(Some(hours.clone()))),
                (&as_written, AgentCode::AsWritten(Some(hours))),
            ];
            for (code, asks) in switches {
                let Some(code) = code.as_ref().map(|code| format!("{code}{keys}")) else { continue };
                if code.len() > MAX_CODE {
                    let message = format!("`{code}` is longer than the {MAX_CODE} keys of a code");
                    self.error(codes::AGENT_CODE, entry, message, "write fewer keys");
                    continue;
                }
                dialled.push(Dialled { code: code.into(), asks, written: Some(entry) });
            }
        }
    }

    /// A code; nothing where it is `off` or none.
    fn code(&mut self, entry: &Entry) -> Option<Arc<str>> {
        let code = self.text(entry, "a code such as `\"*11\"`, or `off`")?;
        let keys = code.chars().all(|key| key.is_ascii_digit() || matches!(key, '*' | '#'));
        if keys && (2..=MAX_CODE).contains(&code.len()) {
            return Some(Arc::from(code));
        }
        if code != "off" {
            let message = format!("`{}` cannot be dialled as a code", shortened(&code));
            let remedy = format!("a code has 2 to {MAX_CODE} of the keys 0 to 9, `*` and `#`, such as `\"*11\"`");
            self.error(codes::AGENT_CODE, entry, message, &remedy);
        }
        None
    }

    /// What each code asks for; two of the same are told.
    fn told_apart(&mut self, dialled: Vec<Dialled<'_>>) -> BTreeMap<Arc<str>, AgentCode> {
        let mut known: BTreeMap<Arc<str>, (AgentCode, Option<&Entry>)> = BTreeMap::new();
        for Dialled { code, asks, written } in dialled {
            let Some((other, place)) = known.get(&code) else {
                known.insert(code, (asks, written));
                continue;
            };
            // Of a code that is written and one that stands by itself, the written one is told.
            let (entry, other) = match written {
                Some(entry) => (Some(entry), other),
                None => (*place, &asks),
            };
            let Some(entry) = entry else { continue };
            let (message, remedy) = match other {
                AgentCode::Pause(Some(reason)) => {
                    (format!("`{code}` is the code of the pause `{reason}` too"), "write another code".to_owned())
                }
                AgentCode::CloseToday(Some(hours)) | AgentCode::AsWritten(Some(hours)) => {
                    (format!("`{code}` switches the hours `{hours}` too"), "write other keys".to_owned())
                }
                other => {
                    let name = other.name();
                    (format!("`{code}` is the code of `{name}` too"), format!("write another code, or `{name}: off`"))
                }
            };
            let fault = self.page.error(codes::AGENT_CODE, entry.place(), message).remedy(remedy);
            self.faults.push(fault.consequence("an agent who dials it could get only one of the two"));
        }
        known.into_iter().map(|(code, (asks, _))| (code, asks)).collect()
    }

    fn extend_by(&mut self, entry: &Entry) -> Option<Duration> {
        let text = self.text(entry, "a length of time such as `1m`")?;
        let length = scalar::duration(&text).filter(|length| EXTEND_BY.contains(length));
        if length.is_none() {
            let message = format!("`{}` is no length of time from 10s to 30m", shortened(&text));
            self.error(codes::DURATION, entry, message, "write it like `30s` or `1m`");
        }
        length
    }
}
