//! A call's walk through its flow: what the session wants is played, noted or passed on.

use std::sync::Arc;
use std::time::Duration;

use super::tape::MessageOrder;
use super::{Beginning, Call, LINGER, Phase, Start};
use crate::acd::Leaving;
use crate::flow::{
    Action, CallFacts, FlowIndex, FlowNote, LookupFailure, PromptId, Session, SessionInput, StepIndex, StepKind,
    Switches,
};
use crate::journal::{JournalEvent, Outcome, StepName, SurveyEvent, SurveyNews};
use crate::switchboard::Turn;
use crate::switchboard::errand::Errand;
use crate::switchboard::sent::Sending;
use crate::telephony::{Cause, Clip, MediaCommand};

/// As often may a session be told at once that it had nothing to play; far more than its own limit of steps.
const UNHEARD_MAX: u32 = 1_000;

/// The reactor tells when a playback has ended; this is for the case that its word never comes, or that the agent holds us.
const TOLD_SPARE: Duration = Duration::from_secs(5);

impl Call {
    /// Starts the flow, once.
    pub(super) fn begin(&mut self, turn: &mut Turn<'_>) {
        let Phase::Answered { beginning, facts, .. } = &self.phase else { return };
        turn.journal(Some(self.id), JournalEvent::Began);
        match beginning {
            Beginning::Walk(start) => {
                let (start, facts) = (*start, CallFacts::clone(facts));
                self.begin_at(turn, start, facts);
            }
            Beginning::Tell(prompts) => {
                let clips = self.revision.clips_of(prompts);
                self.tell(turn, clips);
            }
            Beginning::Messages => self.begin_messages(turn),
        }
    }

    /// Says this, and then goodbye: without a recording at once.
    fn tell(&mut self, turn: &mut Turn<'_>, clips: Vec<Arc<Clip>>) {
        if clips.is_empty() {
            self.phase = Phase::Lingering { until: turn.now + LINGER };
            return;
        }
        let playback = turn.playback();
        let length: Duration = clips.iter().map(|clip| clip.duration()).sum();
        self.phase = Phase::Told { playing: playback, until: turn.now + length + TOLD_SPARE };
        turn.journal(Some(self.id), JournalEvent::Playing { playback, clips: clips.len() });
        turn.media(MediaCommand::Play { leg: self.leg.id, playback, clips, repeat: false });
    }

    /// Starts a walk.
    pub(super) fn begin_at(&mut self, turn: &mut Turn<'_>, start: Start, facts: CallFacts) {
        let wall = turn.calendar.time_of(turn.now);
        let time = self.leg.hold.flow_time(turn.now);
        let flows = self.revision.flows.clone();
        let facts = CallFacts { standings: turn.standings.clone(), ..facts };
        let (session, actions) = match start {
            Start::Flow(entry) => Session::start(flows, entry, facts, time, wall),
            Start::Queue(queue, priority) => Session::start_in_queue(flows, (queue, priority), facts, time, wall),
        };
        self.phase = Phase::Walking { session: Box::new(session), playing: None };
        self.act(turn, actions);
    }

    /// The walk, while there is one.
    pub(in crate::switchboard) fn session(&self) -> Option<&Session> {
        match &self.phase {
            Phase::Walking { session, .. } => Some(session),
            _ => None,
        }
    }

    pub(in crate::switchboard) fn walk(&mut self, turn: &mut Turn<'_>, input: SessionInput) {
        if let Phase::Walking { session, .. } = &mut self.phase {
            if !turn.standings.0.is_empty() {
                session.see_queues(turn.standings.clone());
            }
            let actions = session.handle(self.leg.hold.flow_time(turn.now), turn.calendar.time_of(turn.now), input);
            self.act(turn, actions);
        }
    }

    /// Hours were switched by hand.
    pub(in crate::switchboard) fn switch_hours(&mut self, switches: &Arc<Switches>) {
        match &mut self.phase {
            Phase::Answered { facts, .. } => facts.switches = switches.clone(),
            Phase::Walking { session, .. } => session.switch(switches.clone()),
            _ => {}
        }
    }

    /// Does what the session wants. A `Play` of which no recording exists is heard at once to its end.
    pub(super) fn act(&mut self, turn: &mut Turn<'_>, actions: Vec<Action>) {
        self.act_on_all(turn, actions);
        self.mind_line(turn);
        self.mind_secret(turn);
    }

    pub(super) fn act_on_all(&mut self, turn: &mut Turn<'_>, mut actions: Vec<Action>) {
        for _ in 0..UNHEARD_MAX {
            let mut unheard = false;
            for action in actions {
                match action {
                    Action::Play(prompts) => unheard = !self.play(turn, &prompts),
                    Action::PlayWhole(prompts) => unheard = !self.play_whole(turn, &prompts),
                    Action::StopPlaying => {
                        unheard = false;
                        self.stop_playing(turn);
                    }
                    Action::HangUp => return self.part(turn),
                    Action::Note(note) => self.note(turn, note),
                    Action::EnterQueue { queue, skills, priority, prefer } => {
                        self.enter_queue(turn, (queue, skills, priority), prefer);
                    }
                    Action::LeaveQueue { why } => self.leave_queue(turn, &why),
                    Action::BookCallback { queue, skills, priority, number } => {
                        self.book(turn, (queue, skills, priority), number);
                    }
                    Action::TakeMessage { mailbox, longest, shortest, silence, mail } => {
                        self.take_message(turn, MessageOrder { mailbox, longest, shortest, silence, mail });
                    }
                    Action::EndMessage => self.end_message(turn),
                    Action::HearMessage => self.hear_message(turn),
                    Action::KeepMessage => self.settle_message(turn, true),
                    Action::DropMessage => self.settle_message(turn, false),
                    Action::StartRecording { sides } => self.start_recording(turn, sides),
                    Action::StopRecording => self.stop_recording(turn),
                    Action::PauseRecording(paused) => drop(self.pause_recording(turn, paused, "flow")),
                    Action::Transfer { to, ring, announce } => {
                        let sending = Sending { to, ring, announce: self.revision.clips_of(&announce) };
                        turn.errand(Errand::Send { call: self.id, sending: Box::new(sending) });
                    }
                    Action::Lookup(request) => self.look_up(turn, *request),
                    Action::CancelLookup { lookup } => {
                        self.cancel_lookup(turn, lookup, LookupFailure::TimedOut.label())
                    }
                    Action::MenuOpened => self.in_menu(turn, true),
                    Action::MenuClosed => self.in_menu(turn, false),
                }
            }
            match &mut self.phase {
                Phase::Walking { session, .. } if unheard => {
                    let (time, wall) = (self.leg.hold.flow_time(turn.now), turn.calendar.time_of(turn.now));
                    actions = session.handle(time, wall, SessionInput::Unheard);
                }
                _ => return,
            }
        }
        self.hang_up(turn, Cause::LocalHungUp, Outcome::Failed);
    }

    /// Plays all of `prompts`; where one is missing nothing, and what is missing is told.
    fn play_whole(&mut self, turn: &mut Turn<'_>, prompts: &[PromptId]) -> bool {
        let missing = |prompt: &&PromptId| !matches!(self.revision.clips.get(prompt.0 as usize), Some(Some(_)));
        let missing: Vec<PromptId> = prompts.iter().filter(missing).copied().collect();
        if missing.is_empty() {
            return self.play(turn, prompts);
        }
        missing.into_iter().for_each(|prompt| self.miss(turn, prompt));
        self.stop_playing(turn);
        false
    }

    /// Plays what is there of `prompts`; tells whether anything was.
    fn play(&mut self, turn: &mut Turn<'_>, prompts: &[PromptId]) -> bool {
        let mut clips = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            match self.revision.clips.get(prompt.0 as usize) {
                Some(Some(clip)) => clips.push(clip.clone()),
                _ => self.miss(turn, *prompt),
            }
        }
        if clips.is_empty() {
            self.stop_playing(turn);
            return false;
        }
        let playback = turn.playback();
        self.music_ends();
        if let Phase::Walking { playing, .. } = &mut self.phase {
            *playing = Some(playback);
        }
        turn.journal(Some(self.id), JournalEvent::Playing { playback, clips: clips.len() });
        turn.media(MediaCommand::Play { leg: self.leg.id, playback, clips, repeat: false });
        true
    }

    pub(super) fn stop_playing(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Walking { playing, .. } = &mut self.phase
            && playing.take().is_some()
        {
            turn.media(MediaCommand::Stop { leg: self.leg.id });
        }
    }

    /// The flow is at its end.
    fn part(&mut self, turn: &mut Turn<'_>) {
        turn.journal(Some(self.id), JournalEvent::FlowEnded);
        self.leave_line(turn, Leaving::ByKey);
        self.phase = Phase::Lingering { until: turn.now + LINGER };
    }

    pub(super) fn leave_flow(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Walking { session, .. } = &mut self.phase {
            let actions = session.abandon();
            self.note_all(turn, actions);
        }
        self.leave_message(turn);
    }

    /// The notes among `actions`, where nothing else is to be done any more but to let go of what was asked.
    pub(super) fn note_all(&mut self, turn: &mut Turn<'_>, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Note(note) => self.note(turn, note),
                Action::CancelLookup { lookup } => self.cancel_lookup(turn, lookup, "cancelled"),
                _ => {}
            }
        }
    }

    fn note(&mut self, turn: &mut Turn<'_>, note: FlowNote) {
        let event = match note {
            FlowNote::StepEntered { flow, step } => {
                self.place = Some((flow, step));
                JournalEvent::StepEntered(self.name(flow, step))
            }
            FlowNote::StepLeft { flow, step, exit } => JournalEvent::StepLeft { step: self.name(flow, step), exit },
            FlowNote::Unspeakable { flow, step } => {
                let language = match &self.phase {
                    Phase::Walking { session, .. } => session.language(),
                    _ => &self.revision.flows.flow(flow).languages[0],
                };
                JournalEvent::PromptMissing { step: self.name(flow, step), language: language.clone(), prompt: None }
            }
            FlowNote::Unaskable { flow, step, value } => self.unaskable((flow, step), &value),
            FlowNote::SurveyOffered { flow, step } => self.surveyed((flow, step), SurveyNews::Offered),
            FlowNote::SurveyAnswered { flow, step, question, score } => {
                let StepKind::Survey(survey) = &self.revision.flows.flow(flow).step(step).kind else { return };
                let Some(question) = survey.questions.get(usize::from(question)) else { return };
                let (question, scale) = (question.name.clone(), question.scale.word());
                self.surveyed((flow, step), SurveyNews::Answered { question, scale, score })
            }
            FlowNote::SurveyEnded { flow, step, outcome } => {
                self.surveyed((flow, step), SurveyNews::Ended { outcome: outcome.word() })
            }
            FlowNote::RanAway { flow, step } => JournalEvent::RanAway(self.name(flow, step)),
        };
        turn.journal(Some(self.id), event);
    }

    /// With whom and from which queue the caller has talked before they were asked is a part of what they answer.
    fn surveyed(&self, (flow, step): (FlowIndex, StepIndex), news: SurveyNews) -> JournalEvent {
        let (agent, queue) = match &self.talked {
            Some(talked) => (Some(talked.agent.clone()), talked.queue.clone()),
            None => (None, None),
        };
        JournalEvent::Survey(Box::new(SurveyEvent { step: self.name(flow, step), queue, agent, news }))
    }

    fn miss(&self, turn: &mut Turn<'_>, prompt: PromptId) {
        let prompt = self.revision.flows.prompt(prompt);
        // A phrase belongs to no step; it is missed where the caller is.
        let Some((flow, step)) = prompt.step.or(self.place) else { return };
        let event = JournalEvent::PromptMissing {
            step: self.name(flow, step),
            language: prompt.language.clone(),
            prompt: Some(prompt.name.clone()),
        };
        turn.journal(Some(self.id), event);
    }

    fn name(&self, flow: FlowIndex, step: StepIndex) -> StepName {
        let flow = self.revision.flows.flow(flow);
        StepName { flow: flow.name.clone(), step: flow.step(step).name.clone() }
    }
}
