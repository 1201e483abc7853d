//! One caller's place in one queue: how they wait, what they have been told, and what happens to them next.

use std::cmp::Reverse;
use std::time::Duration;

use super::estimate::SpokenWait;
use super::ids::{AgentId, CallerLabel, EntryId, OfferId, QueueId};
use super::input::Entering;
use super::line::Place;
use super::output::SpokenPlace;
use super::settings::{ANNOUNCEMENT_MAX, CALLBACK_LONGEST, CallbackFirst, QueueSettings, Strategy};
use super::skill::{Skills, Wants};
use crate::clock::Moment;

/// How a caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// On the line, since they entered.
    Holding,
    /// Hung up, to be called back.
    Callback,
    /// On the line again.
    Resumed,
}

/// How far an entry has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Could be offered, or is.
    Waiting,
    /// Is called back no sooner than this.
    Resting { until: Moment },
    /// Is being called back, on behalf of an agent.
    Dialling { until: Moment, agent: AgentId, holds: Holds },
    /// An agent has accepted; the bridge is awaited. The agent's leg lives.
    Connecting { agent: AgentId },
    /// The line was lost.
    Dropped { at: Moment, until: Moment },
}

/// What an agent does while a caller is called back on their behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// They have picked up and wait for the caller.
    Line,
    /// They go on taking calls: it only keeps them from having more called back.
    Nothing,
}

/// Among whom an entry is found when an agent is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pool {
    /// Those who may be offered to an agent.
    Open,
    /// Those who are called before an agent is.
    ToCall,
}

/// What was said to a caller.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    /// S: the least position spoken yet.
    pub(super) position: Option<u32>,
    /// When the last announcement ended.
    pub(super) ended: Option<Moment>,
    /// When the last comfort message between announcements ended.
    pub(super) comforted: Option<Moment>,
    /// Since when something is being heard.
    pub(super) speaking: Option<Moment>,
    /// That is such a message.
    pub(super) aside: bool,
    /// The caller is in a menu.
    pub(super) menu: bool,
    /// The last wait that was spoken.
    pub(super) wait: Option<(Moment, SpokenWait)>,
    /// And the first.
    pub(super) first_wait: Option<(Moment, SpokenWait)>,
}

impl Said {
    /// What is being heard ends, or is cut short. Whether anything was.
    pub(super) fn hush(&mut self, now: Moment) -> bool {
        let spoke = self.speaking.take().is_some();
        match std::mem::take(&mut self.aside) {
            true => self.comforted = Some(now),
            false if spoke => self.ended = Some(now),
            false => {}
        }
        spoke
    }
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) queue: QueueId,
    pub(super) place: Place,
    pub(super) label: CallerLabel,
    /// The clock of the wait starts here.
    pub(super) entered: Moment,
    pub(super) mode: Mode,
    /// Since when in this mode.
    pub(super) mode_since: Moment,
    pub(super) stage: Stage,
    /// Which ring; several only with `ring_all`.
    pub(super) offers: Vec<OfferId>,
    /// Nobody else is rung before: nothing could be rung, by a fault on our side.
    pub(super) rests_until: Option<Moment>,
    pub(super) wants: Wants,
    pub(super) relaxed: usize,
    /// Whether they count already for the service level.
    pub(super) counted: bool,
    pub(super) said: Said,
    /// Attempts to call back that have failed.
    pub(super) tries: u32,
    /// Whether they are here because they were called back.
    pub(super) called_back: bool,
    /// How they stand in the line now, if they do.
    pub(super) in_line: Option<Mode>,
    /// Where they are filed now.
    pub(super) pool: Option<Pool>,
    pub(super) alarm: Option<Moment>,
}

impl Entry {
    pub(super) fn new(now: Moment, entering: Entering) -> Entry {
        let since = entering.place_time.map_or(now, |time| time.min(now));
        Entry {
            queue: entering.queue,
            place: Place { priority: Reverse(entering.priority), since, entry: entering.entry },
            label: entering.label,
            entered: now,
            mode: Mode::Holding,
            mode_since: now,
            stage: Stage::Waiting,
            offers: Vec::new(),
            rests_until: None,
            wants: entering.wants.bounded(),
            relaxed: 0,
            counted: false,
            said: Said { position: entering.told.position, wait: entering.told.wait, ..Said::default() },
            tries: 0,
            called_back: false,
            in_line: None,
            pool: None,
            alarm: None,
        }
    }

    pub(super) fn id(&self) -> EntryId {
        self.place.entry
    }

    pub(super) fn wanted(&self) -> &Skills {
        self.wants.stage(self.relaxed)
    }

    /// Whether they still wait, callbacks included (section 3.1).
    pub(super) fn waits(&self) -> bool {
        match self.stage {
            Stage::Waiting | Stage::Resting { .. } => true,
            Stage::Dialling { holds, .. } => holds == Holds::Nothing,
            Stage::Connecting { .. } | Stage::Dropped { .. } => false,
        }
    }

    /// Whether they wait and hear what is said.
    pub(super) fn listens(&self) -> bool {
        self.stage == Stage::Waiting && self.mode != Mode::Callback
    }

    /// Among whom they should be filed.
    pub(super) fn belongs(&self, settings: &QueueSettings) -> Option<Pool> {
        if self.stage != Stage::Waiting || self.rests_until.is_some() {
            return None;
        }
        if self.mode == Mode::Callback && self.offers.is_empty() && settings.callback.first == CallbackFirst::Caller {
            return Some(Pool::ToCall);
        }
        // With ring_all whoever becomes ready joins in the ringing for the first in line.
        (self.offers.is_empty() || settings.strategy == Strategy::RingAll).then_some(Pool::Open)
    }

    /// When the threshold has passed: an answer at the very threshold is within it.
    pub(super) fn late_at(&self, settings: &QueueSettings) -> Moment {
        self.entered + settings.service_goal.within + Duration::from_micros(1)
    }

    /// When they have waited too long: on the line, or to be called back.
    pub(super) fn gives_up_at(&self, settings: &QueueSettings) -> Option<Moment> {
        if !self.waits() {
            return None;
        }
        match self.mode {
            Mode::Holding | Mode::Resumed => Some(self.mode_since + settings.wait_max),
            Mode::Callback => {
                matches!(self.stage, Stage::Waiting | Stage::Resting { .. }).then(|| self.mode_since + CALLBACK_LONGEST)
            }
        }
    }

    /// When they want less.
    pub(super) fn relaxes_at(&self) -> Option<Moment> {
        let (after, _) = self.wants.later.get(self.relaxed)?;
        self.waits().then(|| self.place.since + *after)
    }

    /// When their stage is over by itself.
    pub(super) fn stage_ends_at(&self) -> Option<Moment> {
        match self.stage {
            Stage::Resting { until } | Stage::Dialling { until, .. } | Stage::Dropped { until, .. } => Some(until),
            Stage::Waiting | Stage::Connecting { .. } => None,
        }
    }

    /// When something is to be said to them at `position` (section 3.3), or an announcement must have ended.
    pub(super) fn speaks_at(&self, settings: &QueueSettings, position: impl FnOnce() -> u32) -> Option<Moment> {
        if let Some(speaking) = self.said.speaking {
            return Some(speaking + ANNOUNCEMENT_MAX);
        }
        if !self.listens() || self.said.menu || !self.offers.is_empty() {
            return None;
        }
        let announced = self.announces_at(settings, position);
        let last = self.said.ended.max(self.said.comforted);
        let comfort = settings.announce.comfort.map(|every| match last {
            Some(last) => last + every,
            None => self.mode_since + settings.announce.first_after,
        });
        match (announced, comfort) {
            (Some(announced), Some(comfort)) if comfort + settings.announce.gap > announced => Some(announced),
            (announced, comfort) => comfort.or(announced),
        }
    }

    /// When their place is to be said at `position`, or the wait.
    pub(super) fn announces_at(&self, settings: &QueueSettings, position: impl FnOnce() -> u32) -> Option<Moment> {
        let announce = &settings.announce;
        if !(announce.position || announce.wait) {
            return None;
        }
        let (Some(least), Some(ended)) = (self.said.position, self.said.ended) else {
            return Some(self.mode_since + announce.first_after);
        };
        // Those beyond the tenth hear the same words at each place.
        let improved = announce.position && least > 1 && audible(position()) < audible(least);
        Some(ended + if improved { announce.gap } else { announce.repeat })
    }

    /// The next of all these.
    pub(super) fn next_alarm(&self, settings: &QueueSettings, position: impl FnOnce() -> u32) -> Option<Moment> {
        let late = (!self.counted).then(|| self.late_at(settings));
        let speaks = self.speaks_at(settings, position);
        let own = [self.gives_up_at(settings), self.relaxes_at(), self.stage_ends_at(), self.rests_until];
        own.into_iter().chain([late, speaks]).flatten().min()
    }
}

/// What is heard of a position: beyond ten all are the same.
fn audible(position: u32) -> u32 {
    position.min(11)
}

impl SpokenPlace {
    /// The words for S.
    pub(super) fn of(position: u32) -> SpokenPlace {
        match position {
            0 | 1 => SpokenPlace::YouAreNext,
            2..=10 => SpokenPlace::Number(position as u8),
            _ => SpokenPlace::MoreThanTen,
        }
    }
}
