//! The step `transfer`: to whom, for how long their telephone rings, what they hear first, and where callers go otherwise.

use std::sync::Arc;

use super::agents::is_extension;
use super::codes;
use super::diagnostic::shortened;
use super::flow::FlowReader;
use super::tree::Entry;
use crate::flow::{RING_RANGE, StepIndex, StepKind, TransferSpec, TransferTo};
use crate::telephony::is_number;

/// The longest address that is called.
const LONGEST_ADDRESS: usize = 200;

impl FlowReader<'_, '_> {
    pub(super) fn transfer(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let name = &step.key;
        let busy = self.target_of(&step.value, "busy", &format!("callers for whom `{name}` finds nobody free"));
        let no_answer = self.target_of(&step.value, "no_answer", &format!("callers whom nobody answers in `{name}`"));
        let failed = self.target_of(&step.value, "failed", &format!("callers for whom `{name}` reaches nobody"));
        let otherwise = self.target_of(&step.value, "otherwise", &format!("callers who are not connected in `{name}`"));
        let ring = step.value.find("ring").and_then(|ring| self.section().length(ring, RING_RANGE));
        let announce =
            step.value.find("announce").and_then(|announce| self.step_speech(index, step, announce, ".announce"));
        let text = self.text_of(entry, "an extension, a number or a SIP address")?;
        let to = self.transfer_to(text.trim(), entry);
        let ring = ring.unwrap_or(TransferSpec::RING);
        let spec = TransferSpec { to, ring, announce, busy, no_answer, failed, otherwise };
        Some(StepKind::Transfer(Box::new(spec)))
    }

    /// To whom this leads. An agent's extension comes first: it may look like a number. What is wrong is told, and taken for
    /// what it was probably meant to be.
    fn transfer_to(&mut self, text: &str, entry: &Entry) -> TransferTo {
        let place = entry.value.span;
        let to: Arc<str> = Arc::from(text);
        if self.reader.agents.find(text).is_some() {
            return TransferTo::Agent(to);
        }
        if text.starts_with("sip:") {
            if is_address(text) {
                return TransferTo::Address(to);
            }
            let message = format!("`{}` is no SIP address", shortened(text));
            let fault = self.page.error(codes::TRANSFER_TARGET, place, message);
            self.fault(fault.remedy(
                "write it like `\"sip:reception@192.0.2.7\"` or `\"sip:desk@example.com:5070;transport=tcp\"`",
            ));
            return TransferTo::Address(to);
        }
        let extensions: Vec<String> =
            self.reader.agents.specs.iter().map(|agent| agent.extension.to_string()).collect();
        let is_short = !text.starts_with('+') && text.len() <= 5;
        if is_number(text) && !is_short || is_number(text) && self.reader.known.dial_plan.trunk_for(text).is_some() {
            if self.reader.known.dial_plan.trunk_for(text).is_some() {
                return TransferTo::Number(to);
            }
            let message = format!("no trunk may call {}", shortened(text));
            let fault = self.page.error(codes::TRANSFER_NOT_ALLOWED, place, message);
            let remedy = if self.reader.known.dial_plan.is_empty() {
                "set up a trunk in helpline.yaml, with the numbers that it may call: `sip: {trunks: {carrier: {host: ..., dial: [\"+44\"]}}}`"
            } else {
                "let a trunk of helpline.yaml call it: `dial: [...]` names the beginnings of numbers"
            };
            self.fault(fault.remedy(remedy).consequence("callers would hear that nobody is available"));
            return TransferTo::Number(to);
        }
        let fault = if is_extension(text) {
            let message = format!("no agent has the extension `{}`", shortened(text));
            let fault = self.page.error(codes::NO_SUCH_AGENT_TO_TRANSFER, place, message);
            fault.meant(text, extensions.iter().map(String::as_str)).or_remedy("a transfer leads to an agent's extension, to a number such as `\"+442079460000\"`, or to a SIP address")
        } else {
            let message = format!("`{}` is neither an extension nor a number nor a SIP address", shortened(text));
            let fault = self.page.error(codes::TRANSFER_TARGET, place, message);
            fault.remedy("write it like `1001`, `\"+442079460000\"` or `\"sip:reception@192.0.2.7\"`")
        };
        self.fault(fault.consequence("callers would hear that nobody is available"));
        TransferTo::Agent(to)
    }
}

/// `sip:user@host:port;transport=tcp`, without headers: whoever writes it means one telephone.
fn is_address(text: &str) -> bool {
    let Some((user, host)) = text.strip_prefix("sip:").and_then(|rest| rest.split_once('@')) else { return false };
    let of = |text: &str, others: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c));
    text.len() <= LONGEST_ADDRESS
        && !user.is_empty()
        && of(user, "-._~+*!%")
        && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && of(host, "-._:;=[]")
}
