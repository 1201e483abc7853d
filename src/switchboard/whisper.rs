//! The whisper: an agent who has picked up for a queue hears whose caller it is and how long they have waited, while the
//! caller still hears music. The offer is won then; the bridge, and with it the wait, ends when all is said.

use super::codes::spoken;
use super::{Output, Switchboard};
use crate::acd::{AgentId, EntryId};
use crate::clock::Moment;
use crate::flow::agent_talk::AgentTalk;
use crate::telephony::LegId;

impl Switchboard {
    /// Tells an agent who has picked up about the caller, where the queue is set up so. Tells whether they hear anything.
    pub(super) fn whisper(&mut self, now: Moment, entry: EntryId, agent: AgentId, out: &mut Vec<Output>) -> bool {
        let Some(leg) = self.queues.lines.get(&agent).copied() else { return false };
        // Who has just picked up is still among those that ring. Who waited on the line for a callback knows for whom.
        if !self.queues.ringing.values().any(|ringing| *ringing == leg) {
            return false;
        }
        let call = self.queues.book.get(&entry).and_then(|booked| self.calls.get(&booked.call?));
        let Some(queue) = call
            .filter(|call| call.entry() == Some(entry))
            .and_then(|call| call.place())
            .map(|place| place.queue.clone())
        else {
            return false;
        };
        let revision = self.revision.clone();
        if !revision.flows.queues.iter().any(|spec| spec.name == queue && spec.whisper) {
            return false;
        }
        let talk = AgentTalk::Whisper { queue, waited: self.queues.waited(now, entry) };
        let clips = revision.clips_of(&spoken(&revision, &self.queues.extension(agent), &[talk]));
        let mut hears = false;
        self.with_agent_leg(now, leg, out, |leg, turn| hears = leg.whisper(turn, clips));
        if hears {
            self.queues.whispers.insert(entry, (agent, leg));
        }
        hears
    }

    /// The agent knows what they are to know: they are joined to the caller.
    pub(super) fn whispered(&mut self, now: Moment, leg: LegId, out: &mut Vec<Output>) {
        let found = self.queues.whispers.iter().find(|(_, (_, whispering))| *whispering == leg);
        let Some((entry, agent)) = found.map(|(entry, (agent, _))| (*entry, *agent)) else { return };
        self.queues.whispers.remove(&entry);
        self.connect(now, entry, agent, out);
    }

    /// The agent's leg ends before they are joined.
    pub(super) fn stop_whispering(&mut self, agent: AgentId) {
        self.queues.whispers.retain(|_, (whispering, _)| *whispering != agent);
    }
}
