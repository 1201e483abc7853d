//! Which of the ready agents is offered a caller: skills filter, tier and skill rank, the strategy chooses among equals.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::ids::AgentId;
use super::settings::Strategy;
use super::skill::Skills;
use crate::clock::Moment;

/// Where a ready agent stands among those of a queue. The order of these is that in which the strategy prefers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) tier: u8,
    /// What the strategy compares; the less the better.
    pub(super) merit: u64,
    /// The agent's place among the members.
    pub(super) order: u32,
    pub(super) agent: AgentId,
}

/// The ready agents of a queue, with what they know.
pub(super) type Ready = BTreeMap<Rank, Arc<Skills>>;

/// What the strategies look at in one agent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) idle_since: Moment,
    pub(super) calls: u64,
    pub(super) talk: Duration,
}

impl Strategy {
    /// The less the better.
    pub(super) fn merit(self, record: &Record) -> u64 {
        match self {
            Strategy::LongestIdle => record.idle_since.as_micros(),
            Strategy::FewestCalls => record.calls,
            Strategy::LeastTalkTime => u64::try_from(record.talk.as_micros()).unwrap_or(u64::MAX),
            Strategy::RoundRobin | Strategy::Random | Strategy::RingAll | Strategy::Linear => 0,
        }
    }

    /// The one who is offered a caller who wants `wanted`. `last` is the order of the member who was offered one last.
    pub(super) fn choose(
        self,
        ready: &Ready,
        wanted: &Skills,
        last: Option<u32>,
        random: &mut fastrand::Rng,
        allowed: impl Fn(AgentId) -> bool,
    ) -> Option<Rank> {
        let mut best: Option<(Reverse<u32>, bool, Rank)> = None;
        let mut equals = 0;
        for (rank, skills) in ready {
            if best.as_ref().is_some_and(|(_, _, best)| rank.tier > best.tier) {
                break;
            }
            let Some(fit) = skills.fit(wanted) else { continue };
            if !allowed(rank.agent) {
                continue;
            }
            // In a round, those up to the last wait until it begins again.
            let later = self == Strategy::RoundRobin && last.is_some_and(|last| rank.order <= last);
            let merit = (Reverse(fit), later);
            let so_far = best.map(|(fit, later, _)| (fit, later));
            if so_far.is_none_or(|so_far| merit < so_far) {
                best = Some((Reverse(fit), later, *rank));
                equals = 1;
            } else if self == Strategy::Random && so_far == Some(merit) {
                equals += 1;
                if random.u32(..equals) == 0 {
                    best = Some((Reverse(fit), later, *rank));
                }
            }
            if wanted.is_empty() && !later && self != Strategy::Random {
                break; // nobody fits better
            }
        }
        best.map(|(_, _, rank)| rank)
    }
}
