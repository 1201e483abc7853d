//! Why an agent gets no calls: the true reason at one moment.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Distributor;
use super::agent::{Agent, Membership, OnCall, Phase};
use super::ids::{AgentId, SkillId};
use super::output::AgentState;
use super::queue::Queue;
use super::settings::Strategy;
use crate::clock::Moment;

/// So many ready agents before one are counted; where there are more, the count stops one above.
pub const BEFORE_COUNTED_MAX: u32 = 10;
/// So many skills that lack are named.
pub const LACKING_TOLD_MAX: usize = 8;

/// Why an agent gets no calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNoCalls {
    /// Logged out.
    LoggedOut,
    /// The telephone is not registered or does not reply.
    Unreachable,
    /// Paused: see the reason.
    Paused,
    /// Their telephone rings for a caller.
    Ringing,
    /// They are in a queue's call.
    OnCall,
    /// They are in a call that no queue gave.
    DirectCall,
    /// Finishing the last call, for so long.
    WrapUp(Duration),
    /// An offer was missed: the next comes in so long at the earliest.
    Resting(Duration),
    /// They hear the answer to a code, or their messages: no offer could ring.
    Listening,
    /// They serve no queue.
    NoQueue,
    /// Callers wait, but all want what this agent lacks: these, the first [`LACKING_TOLD_MAX`].
    SkillsLack(Vec<SkillId>),
    /// Callers wait, and other agents' telephones ring for all of them.
    OthersRing,
    /// Those who wait are to be called back, and not yet.
    CallbacksLater,
    /// Nobody waits in a queue that they serve. So many ready agents of the queue where they are next come before them, up
    /// to [`BEFORE_COUNTED_MAX`] and one more for all beyond; `None` where that is left to chance.
    NobodyWaits {
        /// How many.
        before: Option<u32>,
    },
}

impl Distributor {
    pub(super) fn why_no_calls(&self, now: Moment, id: AgentId) -> Option<WhyNoCalls> {
        let agent = self.agents.get(&id)?;
        Some(match (agent.shown(), &agent.phase) {
            (AgentState::LoggedOut, _) => WhyNoCalls::LoggedOut,
            (AgentState::Unreachable, _) => WhyNoCalls::Unreachable,
            (AgentState::Paused, _) => WhyNoCalls::Paused,
            (_, Phase::WrapUp(wrap_up)) => WhyNoCalls::WrapUp(wrap_up.until - now),
            (_, Phase::Ringing { .. }) => WhyNoCalls::Ringing,
            (_, Phase::OnCall(OnCall { leg: Some(_), .. })) => WhyNoCalls::OnCall,
            (_, Phase::OnCall(_)) => WhyNoCalls::DirectCall,
            (_, Phase::Free) => match agent.rests_until {
                _ if agent.memberships.is_empty() => WhyNoCalls::NoQueue,
                _ if agent.listens > 0 => WhyNoCalls::Listening,
                Some(until) => WhyNoCalls::Resting(until - now),
                None => self.why_idle(agent),
            },
        })
    }

    /// Why who could take a call has none.
    fn why_idle(&self, agent: &Agent) -> WhyNoCalls {
        let own = || {
            agent.memberships.iter().filter_map(|membership| Some((membership, self.queues.get(&membership.queue)?)))
        };
        if own().all(|(_, queue)| queue.line.len() == 0) {
            let before = own().filter_map(|(membership, queue)| before(membership, queue)).min();
            return WhyNoCalls::NobodyWaits { before };
        }
        // Whoever is filed and fits would have been offered: who is found here wants something else.
        let wanted = own().flat_map(|(_, queue)| queue.wanting.keys());
        let lacking: BTreeSet<SkillId> = wanted.flat_map(|wanted| agent.skills.lacking(wanted)).collect();
        if !lacking.is_empty() {
            return WhyNoCalls::SkillsLack(lacking.into_iter().take(LACKING_TOLD_MAX).collect());
        }
        match own().any(|(_, queue)| queue.listeners > 0) {
            true => WhyNoCalls::OthersRing,
            false => WhyNoCalls::CallbacksLater,
        }
    }
}

/// How many ready agents of a queue would be offered the next caller before a member; `None` where that is left to chance,
/// or the member is not ready.
fn before(membership: &Membership, queue: &Queue) -> Option<u32> {
    let rank = membership.rank?;
    let most = BEFORE_COUNTED_MAX as usize + 1;
    let lower = || queue.ready.range(..rank).filter(|(other, _)| other.tier < rank.tier);
    let counted = match queue.settings.strategy {
        Strategy::RingAll => 0,
        Strategy::LongestIdle | Strategy::FewestCalls | Strategy::LeastTalkTime | Strategy::Linear => {
            queue.ready.range(..rank).take(most).count()
        }
        Strategy::RoundRobin => {
            let later = |order: u32| queue.last_offered.is_some_and(|last| order <= last);
            let key = |order: u32| (later(order), order);
            let peers =
                queue.ready.keys().filter(|other| other.tier == rank.tier && key(other.order) < key(rank.order));
            lower().take(most).count() + peers.take(most).count()
        }
        Strategy::Random => {
            if queue.ready.keys().filter(|other| other.tier == rank.tier).take(2).count() > 1 {
                return None;
            }
            lower().take(most).count()
        }
    };
    u32::try_from(counted.min(most)).ok()
}
