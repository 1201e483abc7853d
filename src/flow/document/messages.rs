//! The steps `voicemail` and `record`.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::codes;
use super::diagnostic::shortened;
use super::flow::FlowReader;
use super::tree::{Content, Entry, Node};
use super::words::Said;
use crate::flow::{Consent, Record, Speech, StepIndex, StepKind, Target, Voicemail};
use crate::telephony::Sides;

/// What the table of `record` has.
pub(super) const RECORD_KEYS: [&str; 4] = ["consent", "prompt", "channels", "refused"];
/// What stands in place of the table.
pub(super) const RECORD_WORDS: [&str; 3] = ["stop", "pause", "resume"];
/// How the caller agrees.
pub(super) const CONSENTS: [(&str, Consent); 2] = [("ask", Consent::Ask), ("announce", Consent::Announce)];
/// How both sides are on the recording.
pub(super) const CHANNELS: [(&str, Sides); 2] = [("stereo", Sides::Stereo), ("mixed", Sides::Mixed)];

/// How long a message may be at most.
const LONGEST: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(1_800);
/// How long it must be at least.
const SHORTEST: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
/// After how much silence it ends.
const SILENCE: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(60);
/// The longest address of mail (RFC 5321 section 4.5.3.1.3).
const ADDRESS_MAX: usize = 254;

impl FlowReader<'_, '_> {
    pub(super) fn voicemail(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let greeting = step.value.find("greeting").and_then(|entry| self.step_speech(index, step, entry, ".greeting"));
        let mut length = |key: &str, limits: RangeInclusive<Duration>, usual: Duration| {
            step.value.find(key).and_then(|entry| self.section().length(entry, limits)).unwrap_or(usual)
        };
        let longest = length("longest", LONGEST, Voicemail::LONGEST);
        let shortest = length("shortest", SHORTEST, Voicemail::SHORTEST);
        let silence = length("silence", SILENCE, Voicemail::SILENCE);
        self.tell_lengths(step, longest, shortest, silence);
        let review = self.truth_of(&step.value, "review");
        let mail = step.value.find("mail").map(|entry| self.mail(entry)).unwrap_or_default();
        let who = format!("callers whose message in `{}` cannot be kept", step.key);
        let failed = self.target_of(&step.value, "failed", &who);
        let mailbox = self.mailbox(entry, !mail.is_empty())?;
        Some(StepKind::Voicemail(Box::new(Voicemail {
            mailbox,
            greeting,
            longest,
            shortest,
            silence,
            review,
            mail,
            failed,
        })))
    }

    fn tell_lengths(&mut self, step: &Entry, longest: Duration, shortest: Duration, silence: Duration) {
        let place = |key: &str| step.value.find(key).map(Entry::place);
        if shortest >= longest {
            let Some(at) = place("shortest").or_else(|| place("longest")) else { return };
            let fault = self.page.error(codes::MESSAGE_LENGTH, at, "`shortest` is not shorter than `longest`");
            let fault = fault.remedy("leave `shortest` away, or let messages be longer");
            self.fault(fault.consequence("every message would be too short, and none would be kept"));
        } else if silence >= longest {
            let Some(at) = place("silence").or_else(|| place("longest")) else { return };
            let fault = self.page.warning(codes::MESSAGE_LENGTH, at, "`silence` is not shorter than `longest`");
            let fault = fault.remedy("let the silence that ends a message be shorter");
            self.fault(fault.consequence("callers who say nothing more would wait until the message is full"));
        }
    }

    /// The mailbox: a queue, whose agents hear it, or an agent.
    fn mailbox(&mut self, entry: &Entry, is_mailed: bool) -> Option<Arc<str>> {
        let name = self.text_of(entry, "the name of a queue or the extension of an agent")?;
        if let Some(queue) = self.reader.queues.mailbox(name) {
            let (unheard, found) = (queue.agents.is_empty() && !is_mailed, queue.name.clone());
            if unheard {
                let message = format!("nobody hears the messages for `{}`: the queue has no agents", shortened(name));
                let fault = self.page.warning(codes::UNHEARD_MAILBOX, entry.value.span, message);
                self.fault(fault.remedy("give the queue agents, or write `mail: ...`"));
            }
            return Some(found);
        }
        if let Some(agent) = self.reader.agents.find(name) {
            return Some(agent.extension.clone());
        }
        if !self.reader.faults.are_full() {
            let names: Vec<String> = {
                let queues = self.reader.queues.specs.iter().map(|queue| queue.name.to_string());
                let agents = self.reader.agents.specs.iter().map(|agent| agent.extension.to_string());
                queues.chain(agents).collect()
            };
            let message = format!("no mailbox is named `{}`", shortened(name));
            let fault = self.page.error(codes::NO_SUCH_MAILBOX, entry.value.span, message);
            let fault = fault.meant(name, names.iter().map(String::as_str));
            let fault = fault.or_remedy("a mailbox has the name of a queue, or the extension of an agent");
            self.fault(fault.consequence("nobody would hear what callers say"));
        }
        None
    }

    /// `mail: support@example.com`, or a list.
    fn mail(&mut self, entry: &Entry) -> Vec<Arc<str>> {
        let nodes = match &entry.value.content {
            Content::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        let mut addresses: Vec<Arc<str>> = Vec::new();
        for node in nodes {
            let Some(text) = node.text() else {
                self.wrong_shape(entry, "an address of mail, or a list of them");
                continue;
            };
            if !is_mail_address(text) {
                let message = format!("`{}` is not an address of mail", shortened(text));
                let fault = self.page.error(codes::MAIL_ADDRESS, node.span, message);
                self.fault(fault.remedy("write it like `support@example.com`"));
            } else if addresses.len() == Voicemail::MOST_MAIL {
                let message = format!("a message is mailed to at most {} addresses", Voicemail::MOST_MAIL);
                let fault = self.page.error(codes::TOO_LARGE, entry.key_span, message);
                self.fault(fault);
                break;
            } else if !addresses.iter().any(|known| **known == *text) {
                addresses.push(text.into());
            }
        }
        if !addresses.is_empty() && !self.reader.known.mails {
            let message = "messages are to be mailed, and there is no `mail` in the installation file";
            let fault = self.page.warning(codes::NO_MAIL_SERVER, entry.place(), message);
            let fault =
                fault.remedy("write `mail: {server: smtp://mail.example.com, from: helpline@example.com}` there");
            self.fault(fault.consequence("messages would be kept, and not mailed"));
        }
        addresses
    }

    pub(super) fn record(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let record = match &entry.value.content {
            Content::Table(entries) => {
                self.section().tell_unknown(entries, &RECORD_KEYS, "`record`");
                self.begin_recording(index, step, entry)?
            }
            Content::Nothing => self.recording_without_consent(entry, None, Sides::Stereo, None),
            _ => match entry.value.text() {
                Some("stop") => Record::Stop,
                Some("pause") => Record::Pause,
                Some("resume") => Record::Resume,
                Some("start") => self.recording_without_consent(entry, None, Sides::Stereo, None),
                Some(other) => {
                    let message =
                        format!("`record` is a table, or `stop`, `pause` or `resume`, and not `{}`", shortened(other));
                    let fault = self.page.error(codes::WRONG_WORD, entry.value.span, message);
                    let fault = fault.meant(other, RECORD_WORDS);
                    self.fault(fault.or_remedy("write `record: {consent: ask}` to begin"));
                    return None;
                }
                None => {
                    self.wrong_shape(entry, "a table such as `{consent: ask}`, or `stop`, `pause` or `resume`");
                    return None;
                }
            },
        };
        if !matches!(record, Record::Start { .. }) {
            let message = "no step begins a recording";
            let fault = self.page.warning(codes::NOT_RECORDED, entry.value.span, message);
            let fault = fault.remedy("begin one before: `record: {consent: ask}`");
            self.reader.steered.push(fault.consequence("this would do nothing"));
        }
        Some(StepKind::Record(Box::new(record)))
    }

    fn begin_recording(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<Record> {
        self.reader.records = true;
        let table: &Node = &entry.value;
        let prompt = table.find("prompt").and_then(|prompt| {
            let recording = format!("{}/{}", self.outline.name, step.key);
            let said = Said { recording, step: Some(index), place: &step.key, keys: None, key: "prompt" };
            self.speech(prompt, &said)
        });
        let sides = table.find("channels").and_then(|entry| self.section().word(entry, &CHANNELS));
        let who = format!("callers who do not agree to be recorded in `{}`", step.key);
        let refused = self.target_of(table, "refused", &who);
        let Some(consent) = table.find("consent") else {
            return Some(self.recording_without_consent(entry, prompt, sides.unwrap_or(Sides::Stereo), refused));
        };
        let consent = self.section().word(consent, &CONSENTS)?;
        Some(Record::Start { consent, prompt, sides: sides.unwrap_or(Sides::Stereo), refused })
    }

    /// What is told where nobody is asked; from there on callers go as those who are.
    fn recording_without_consent(
        &mut self,
        entry: &Entry,
        prompt: Option<Speech>,
        sides: Sides,
        refused: Option<Target>,
    ) -> Record {
        self.reader.records = true;
        let message = "nobody asks the caller, or tells them, that they are recorded";
        let fault = self.page.error(codes::NO_CONSENT, entry.key_span, message);
        let fault = fault.remedy("write `record: {consent: ask}`, or `{consent: announce}` where the law allows that");
        self.fault(fault.consequence("callers would be recorded without their consent"));
        Record::Start { consent: Consent::Ask, prompt, sides, refused }
    }
}

/// Whether mail could be sent there: something, an @, and a name with letters, digits, hyphens and dots (RFC 5321 section
/// 4.1.2, without quoted names and addresses by number).
pub(crate) fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_fits = !local.is_empty()
        && local.len() <= 64
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    local_fits && text.len() <= ADDRESS_MAX && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_mail_are_told_from_others() {
        for right in ["support@example.com", "a.b+c@localhost", "x@sub-domain.example.org"] {
            assert!(is_mail_address(right), "{right}");
        }
        for wrong in ["support", "@example.com", "a@", "a b@example.com", "a@b..c", "a@-b.c", "a@b\r\nBcc: c@d", ".a@b"]
        {
            assert!(!is_mail_address(wrong), "{wrong}");
        }
    }
}
