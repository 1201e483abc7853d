//! A call's dealings with queues and agents: entering, hold music, announcements, the conversation, and what comes after.

use std::sync::Arc;
use std::time::Duration;

use super::{Call, Phase};
use crate::acd::{AgentId, Announcement, EntryId, Input, Leaving};
use crate::clock::Moment;
use crate::flow::difference::Renamed;
use crate::flow::{LeaveWhy, QueueIndex, SessionInput, Unqueued};
use crate::journal::{Joined, JournalEvent};
use crate::switchboard::Turn;
use crate::switchboard::callback::Asked;
use crate::switchboard::errand::Errand;
use crate::switchboard::queues::talk;
use crate::switchboard::waiting::{Conversation, Line, Place, Side, Waiting};
use crate::telephony::{CallId, Caller, Clip, LegId, MediaCommand, PhoneNumber, SipCommand};

/// Of a transfer whose caller has hung up meanwhile (487 Request Terminated).
pub(super) const GONE: u16 = 487;

/// Where somebody wants to wait: the queue, what the agent must know, and how urgent it is.
pub(super) type Wanted = (QueueIndex, Vec<Arc<str>>, u8);

/// Who is to be joined to a caller.
pub(in crate::switchboard) struct Joining {
    /// The agent's leg.
    pub(in crate::switchboard) leg: LegId,
    pub(in crate::switchboard) agent: AgentId,
    pub(in crate::switchboard) extension: Arc<str>,
    /// The time of the caller's place.
    pub(in crate::switchboard) since: Moment,
}

impl Call {
    pub(in crate::switchboard) fn id(&self) -> CallId {
        self.id
    }

    pub(in crate::switchboard) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The address by which the caller's side reaches us.
    pub(in crate::switchboard) fn address(&self) -> std::net::IpAddr {
        self.leg.audio.address()
    }

    /// As what they wait, if they do.
    pub(in crate::switchboard) fn entry(&self) -> Option<EntryId> {
        match &self.line {
            Line::Waiting(waiting) => Some(waiting.place.entry),
            Line::None | Line::Dialled(_) | Line::Sent { .. } | Line::Talking(_) | Line::Passed(_) => None,
        }
    }

    /// The place at which they wait, if they do.
    pub(in crate::switchboard) fn place(&self) -> Option<&Place> {
        match &self.line {
            Line::Waiting(waiting) => Some(&waiting.place),
            Line::None | Line::Dialled(_) | Line::Sent { .. } | Line::Talking(_) | Line::Passed(_) => None,
        }
    }

    /// Their queue may have another name now.
    pub(in crate::switchboard) fn rename(&mut self, renamed: &Renamed) {
        let place = match &mut self.line {
            Line::Waiting(waiting) => Some(&mut waiting.place),
            Line::Talking(conversation) => conversation.place.as_mut(),
            Line::Passed(passed) => passed.place.as_mut(),
            Line::None | Line::Dialled(_) | Line::Sent { .. } => None,
        };
        if let Some(place) = place {
            place.rename(renamed);
        }
    }

    /// What they keyed, and what the flow has set; no secrets.
    pub(in crate::switchboard) fn values(&self) -> Vec<(&str, String)> {
        match &self.phase {
            Phase::Walking { session, .. } => session.values().collect(),
            _ => Vec::new(),
        }
    }

    /// The queue whose place they had before they were answered or passed on, if any.
    pub(in crate::switchboard) fn came_from(&self) -> Option<Arc<str>> {
        let place = match &self.line {
            Line::Waiting(waiting) => Some(&waiting.place),
            Line::Talking(conversation) => conversation.place.as_ref(),
            Line::Passed(passed) => passed.place.as_ref(),
            Line::None | Line::Dialled(_) | Line::Sent { .. } => None,
        };
        place.map(|place| place.queue.clone())
    }

    /// The agent's leg that they talk to, if they do.
    pub(in crate::switchboard) fn talks_to(&self) -> Option<LegId> {
        match &self.line {
            Line::Talking(conversation) => Some(conversation.leg),
            Line::None | Line::Waiting(_) | Line::Dialled(_) | Line::Sent { .. } | Line::Passed(_) => None,
        }
    }

    pub(super) fn assert_line(&self, asks: bool, plays: bool) {
        let id = self.id;
        match &self.line {
            Line::None => assert!(plays != asks, "{id} hears something or waits for something, not both"),
            Line::Waiting(waiting) => {
                assert!(!(plays && asks), "{id} is asked while it hears something");
                assert!(!(plays && waiting.music), "{id} hears words and music at once");
                assert!(waiting.announcing.is_none() || plays, "{id} hears an announcement that does not play");
            }
            Line::Talking(_) | Line::Passed(_) => {
                assert!(!plays && !asks, "{id} talks to an agent and still hears or awaits something");
            }
            Line::Sent { music, .. } => {
                assert!(!asks, "{id} is asked for while somebody is rung");
                assert!(!(plays && *music), "{id} hears words and music at once");
            }
            Line::Dialled(_) => panic!("{id} walks a flow and has dialled somebody"),
        }
    }

    pub(super) fn enter_queue(&mut self, turn: &mut Turn<'_>, wanted: Wanted, prefer: Option<(Arc<str>, Duration)>) {
        self.leave_line(turn, Leaving::ByKey);
        let (queue, skills, priority) = wanted;
        let place = Place { prefer: prefer.map(Box::new), ..self.place_in(turn, queue, skills, priority) };
        self.wait(turn, place);
    }

    fn place_in(&mut self, turn: &mut Turn<'_>, queue: QueueIndex, skills: Vec<Arc<str>>, priority: u8) -> Place {
        let spec = self.revision.flows.queue(queue);
        let kept = self.kept.take().map(|kept| kept.place(turn.now, &spec.name));
        let (since, told) = kept.unwrap_or_default();
        Place {
            entry: turn.entry(),
            queue: spec.name.clone(),
            music: spec.music.clone(),
            together: spec.music_together,
            alert_info: spec.alert_info.clone(),
            skills,
            relax_after: spec.relax_after,
            prefer: None,
            priority,
            since,
            told,
            kept_for: spec.resume_window,
        }
    }

    pub(super) fn wait(&mut self, turn: &mut Turn<'_>, place: Place) {
        self.line = Line::Waiting(Waiting::new(turn.now, place.clone()));
        turn.errand(Errand::Enter { call: self.id, place });
    }

    /// The caller was here before, and has that place again.
    pub(in crate::switchboard) fn take_up(&mut self, entry: EntryId, since: Moment) {
        if let Line::Waiting(waiting) = &mut self.line {
            waiting.take_up(entry, since);
        }
    }

    pub(super) fn leave_queue(&mut self, turn: &mut Turn<'_>, why: &LeaveWhy) {
        if let (Line::Waiting(waiting), LeaveWhy::ByKey) = (&self.line, why) {
            self.kept = Some(waiting.kept_for_a_while(turn.now));
        }
        match why {
            LeaveWhy::ByKey => self.leave_line(turn, Leaving::ByKey),
            LeaveWhy::HungUp => self.leave_line(turn, Leaving::Abandoned),
            LeaveWhy::Callback { number } => self.keep_place(turn, number),
        }
    }

    /// The caller hangs up, and keeps the place.
    fn keep_place(&mut self, turn: &mut Turn<'_>, number: &PhoneNumber) {
        self.stop_music(turn);
        match std::mem::take(&mut self.line) {
            Line::Waiting(waiting) => {
                let asked = Box::new(self.asked(waiting.place, number.clone()));
                turn.errand(Errand::KeepPlace { call: self.id, asked });
            }
            other => self.line = other,
        }
    }

    /// The caller goes on in the flow, and is called back when it is their turn.
    pub(super) fn book(&mut self, turn: &mut Turn<'_>, (queue, skills, priority): Wanted, number: PhoneNumber) {
        let place = self.place_in(turn, queue, skills, priority);
        let asked = Box::new(self.asked(place, number));
        turn.errand(Errand::Book { call: self.id, asked });
    }

    fn asked(&self, place: Place, number: PhoneNumber) -> Asked {
        let (tongue, dialled) = match &self.phase {
            Phase::Walking { session, .. } => (session.tongue().clone(), session.dialled().to_owned()),
            _ => (Arc::from(""), String::new()),
        };
        Asked { place, caller: self.caller.clone(), number, dialled, tongue }
    }

    pub(super) fn in_menu(&mut self, turn: &mut Turn<'_>, open: bool) {
        if let Some(entry) = self.entry() {
            let input = if open { Input::MenuOpened { entry } } else { Input::MenuClosed { entry } };
            turn.errand(Errand::Distribute(input));
        }
    }

    /// Gives up the place or the conversation, if there is one.
    pub(super) fn leave_line(&mut self, turn: &mut Turn<'_>, why: Leaving) {
        self.leave_line_by(turn, why, if why == Leaving::Abandoned { "caller" } else { "broken" });
    }

    /// The same, with who or what has ended it.
    pub(super) fn leave_line_by(&mut self, turn: &mut Turn<'_>, why: Leaving, by: &'static str) {
        self.stop_music(turn);
        match std::mem::take(&mut self.line) {
            Line::None => {}
            Line::Waiting(waiting) => {
                turn.errand(Errand::Distribute(Input::CallerLeft { entry: waiting.place.entry, why }));
            }
            Line::Dialled(leg) | Line::Sent { leg, .. } => turn.errand(Errand::Release { leg }),
            Line::Talking(conversation) => {
                let (leg, target) = (conversation.leg, conversation.target);
                self.take_leave(turn, *conversation, by);
                if let Some(target) = target {
                    turn.sip(SipCommand::TransferProgress { leg, status: GONE });
                    turn.errand(Errand::Release { leg: target });
                }
                turn.errand(Errand::Release { leg });
            }
            Line::Passed(passed) => turn.errand(Errand::Release { leg: passed.target }),
        }
    }

    /// The distributor has taken the place away.
    pub(in crate::switchboard) fn unqueued(&mut self, turn: &mut Turn<'_>, why: Unqueued) {
        self.stop_music(turn);
        if let Line::Waiting(waiting) = &self.line {
            self.kept = Some(waiting.kept());
            self.line = Line::None;
            self.walk(turn, SessionInput::Unqueued(why));
        }
    }

    /// Says this to the waiting caller.
    pub(in crate::switchboard) fn announce(&mut self, turn: &mut Turn<'_>, words: Announcement) {
        let Line::Waiting(waiting) = &mut self.line else { return };
        waiting.place.told.hear(turn.now, words);
        let entry = waiting.place.entry;
        self.walk(turn, SessionInput::Announce(talk(words)));
        match (&mut self.line, &self.phase) {
            (Line::Waiting(waiting), Phase::Walking { playing: Some(playing), .. }) => {
                waiting.announcing = Some(*playing);
            }
            _ => turn.errand(Errand::Distribute(Input::AnnouncementFinished { entry })),
        }
    }

    /// Joins the caller to an agent who has picked up: what waits is cut off with the next frame. Tells whether the
    /// caller was still waiting.
    pub(in crate::switchboard) fn connect(&mut self, turn: &mut Turn<'_>, with: Joining) -> bool {
        let Phase::Walking { playing, .. } = &mut self.phase else { return false };
        let Line::Waiting(waiting) = std::mem::take(&mut self.line) else { return false };
        // The bridge takes the place of whatever plays.
        *playing = None;
        turn.bridge(self.leg.id, with.leg);
        let place = Place { since: Some(with.since), ..waiting.place };
        let joined = Joined {
            agent: with.extension.clone(),
            queue: Some(place.queue.clone()),
            waited: turn.now.since(with.since),
            from: None,
        };
        turn.journal(Some(self.id), JournalEvent::Joined(Box::new(joined)));
        let conversation = Conversation::new(turn.now, Some(place), with.leg, Some(with.agent), with.extension);
        self.line = Line::Talking(Box::new(conversation));
        self.walk(turn, SessionInput::Connected);
        if self.leg.hold.limit().is_some() {
            self.caller_holds(turn, true);
        }
        true
    }

    /// The agent is gone: the caller waits for the one to whom they were passed on, goes on in the flow, or waits again
    /// where the line was lost.
    pub(in crate::switchboard) fn agent_left(&mut self, turn: &mut Turn<'_>, leg: LegId, broken: bool) {
        match std::mem::take(&mut self.line) {
            Line::Talking(conversation) if conversation.leg == leg => {
                if let Some(target) = conversation.target {
                    let by = conversation.extension.clone();
                    let place = self.take_leave(turn, *conversation, "transferred");
                    return self.stay_passed(target, by, place);
                }
                let place = self.take_leave(turn, *conversation, if broken { "broken" } else { "agent" });
                self.go_on(turn, place, broken);
            }
            other => self.line = other,
        }
    }

    /// The caller's side holds the conversation, or is back: the agent hears music meanwhile.
    pub(super) fn caller_holds(&mut self, turn: &mut Turn<'_>, holds: bool) {
        let Line::Talking(conversation) = &mut self.line else { return };
        let (leg, agent) = (conversation.leg, conversation.agent);
        let news = conversation.follow(turn.now, Side::Caller, holds);
        let (name, _) = conversation.music();
        turn.errand(Errand::CallerHolds { leg, music: holds.then(|| self.music(name.as_ref())) });
        if let (Some(holding), Some(agent)) = (news, agent) {
            turn.errand(Errand::Distribute(Input::AgentHolds { agent, holding }));
        }
    }

    /// The agent's side holds the conversation, or is back: the caller hears music meanwhile.
    pub(in crate::switchboard) fn agent_holds(&mut self, turn: &mut Turn<'_>, leg: LegId, holds: bool) {
        let Line::Talking(conversation) = &mut self.line else { return };
        if conversation.leg != leg {
            return;
        }
        let agent = conversation.agent;
        let news = conversation.follow(turn.now, Side::Agent, holds);
        let (music, passed_on) = (conversation.music(), conversation.target.is_some());
        turn.journal(Some(self.id), JournalEvent::AgentHeld { holding: holds });
        // Who is being passed on hears music already, until that has come to an end.
        if !passed_on && holds {
            self.play_music(turn, music);
        } else if !passed_on {
            turn.media(MediaCommand::Stop { leg: self.leg.id });
        }
        if let (Some(holding), Some(agent)) = (news, agent) {
            turn.errand(Errand::Distribute(Input::AgentHolds { agent, holding }));
        }
    }

    /// While nothing is said to a waiting caller, they hear music; an announcement that plays no more is over.
    pub(in crate::switchboard) fn mind_line(&mut self, turn: &mut Turn<'_>) {
        let Phase::Walking { playing, .. } = &self.phase else { return };
        let playing = *playing;
        if matches!(self.line, Line::Sent { music: false, .. }) && playing.is_none() {
            let clips = self.music(None);
            if let Line::Sent { music, .. } = &mut self.line
                && !clips.is_empty()
            {
                *music = true;
                turn.media(MediaCommand::Music { leg: self.leg.id, clips, together: false });
            }
        }
        let Line::Waiting(waiting) = &mut self.line else { return };
        if waiting.announcing.is_some() && waiting.announcing != playing {
            waiting.announcing = None;
            turn.errand(Errand::Distribute(Input::AnnouncementFinished { entry: waiting.place.entry }));
        }
        if playing.is_some() || waiting.music {
            return;
        }
        let (name, together) = (waiting.place.music.clone(), waiting.place.together);
        let clips = self.music(name.as_ref());
        if let Line::Waiting(waiting) = &mut self.line
            && !clips.is_empty()
        {
            waiting.music = true;
            turn.media(MediaCommand::Music { leg: self.leg.id, clips, together });
        }
    }

    /// Words have taken the music's place.
    pub(super) fn music_ends(&mut self) {
        match &mut self.line {
            Line::Waiting(waiting) => waiting.music = false,
            Line::Sent { music, .. } => *music = false,
            Line::None | Line::Dialled(_) | Line::Talking(_) | Line::Passed(_) => {}
        }
    }

    pub(super) fn stop_music(&mut self, turn: &mut Turn<'_>) {
        let music = match &mut self.line {
            Line::Waiting(waiting) => &mut waiting.music,
            Line::Sent { music, .. } => music,
            Line::None | Line::Dialled(_) | Line::Talking(_) | Line::Passed(_) => return,
        };
        if std::mem::take(music) {
            turn.media(MediaCommand::Stop { leg: self.leg.id });
        }
    }

    /// Music in place of whoever the caller talks to.
    pub(super) fn play_music(&self, turn: &mut Turn<'_>, (name, together): (Option<Arc<str>>, bool)) {
        let clips = self.music(name.as_ref());
        if !clips.is_empty() {
            turn.media(MediaCommand::Music { leg: self.leg.id, clips, together });
        }
    }

    fn music(&self, name: Option<&Arc<str>>) -> Vec<Arc<Clip>> {
        self.revision.music.get(&name.cloned()).cloned().unwrap_or_default()
    }
}
