//! A call in which an agent hears their messages.

use std::sync::Arc;

use super::{Call, LINGER, Phase};
use crate::flow::mailbox::{Listening, MailboxAct, MailboxInput, Message, MessageTalk};
use crate::journal::{JournalEvent, TapeEvent};
use crate::switchboard::{MailboxOrder, Output, Turn};
use crate::telephony::{Clip, Digit, KeptTape, MediaCommand, PlaybackId, TapeId};

/// An agent who hears their messages.
#[derive(Debug)]
pub(super) struct Hears {
    listening: Listening,
    playing: Option<PlaybackId>,
    /// The message that is being read.
    reading: Option<TapeId>,
}

impl Hears {
    pub(super) fn listening(&self) -> &Listening {
        &self.listening
    }

    pub(super) fn finishes(&self, playback: PlaybackId) -> bool {
        self.playing == Some(playback)
    }
}

impl Call {
    /// The agent has been answered: their messages are looked for.
    pub(super) fn begin_messages(&mut self, turn: &mut Turn<'_>) {
        let Some(party) = self.leg.agent.clone() else { return };
        let mailboxes = self.revision.flows.mailboxes_of(&party.extension);
        turn.out.push(Output::Mailbox(Box::new(MailboxOrder::List { call: self.id, mailboxes })));
        let listening = Listening::begin(self.leg.hold.flow_time(turn.now));
        self.phase = Phase::Hearing(Box::new(Hears { listening, playing: None, reading: None }));
    }

    /// The messages that wait are known, or cannot be.
    pub(in crate::switchboard) fn messages_listed(&mut self, turn: &mut Turn<'_>, messages: Option<Vec<Message>>) {
        self.hear_on(turn, MailboxInput::Listed(messages));
    }

    pub(super) fn mailbox_key(&mut self, turn: &mut Turn<'_>, digit: Digit) {
        self.hear_on(turn, MailboxInput::Key(digit));
    }

    /// What was said or played has been heard.
    pub(super) fn mailbox_heard(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Hearing(hears) = &mut self.phase {
            hears.playing = None;
        }
        self.hear_on(turn, MailboxInput::Finished);
    }

    pub(super) fn mailbox_expired(&mut self, turn: &mut Turn<'_>) {
        self.hear_on(turn, MailboxInput::Expired);
    }

    /// A message has been read, or cannot be; one that nobody waits for any more is not played.
    pub(super) fn mailbox_read(&mut self, turn: &mut Turn<'_>, tape: TapeId, clip: Option<Arc<Clip>>) {
        let Phase::Hearing(hears) = &mut self.phase else { return };
        if hears.reading.take_if(|reading| *reading == tape).is_none() {
            return;
        }
        let plays = clip.is_some();
        if let Some(clip) = clip {
            self.play_clips(turn, vec![clip]);
        }
        self.hear_on(turn, MailboxInput::Read(plays));
    }

    fn hear_on(&mut self, turn: &mut Turn<'_>, input: MailboxInput) {
        let mut input = Some(input);
        while let Some(next) = input.take() {
            let Phase::Hearing(hears) = &mut self.phase else { return };
            for act in hears.listening.handle(self.leg.hold.flow_time(turn.now), next) {
                match act {
                    MailboxAct::Say(talks) => {
                        if !self.tell_messages(turn, &talks) {
                            // What has no recording is heard at once.
                            input = Some(MailboxInput::Finished);
                        }
                    }
                    MailboxAct::Play(tape) => self.read_message(turn, &tape),
                    MailboxAct::Heard(tape) => self.settle_heard(turn, *tape, false),
                    MailboxAct::Delete(tape) => self.settle_heard(turn, *tape, true),
                    MailboxAct::HangUp => {
                        self.be_quiet(turn);
                        self.phase = Phase::Lingering { until: turn.now + LINGER };
                        return;
                    }
                }
            }
        }
    }

    /// Whether there is anything to be heard of this.
    fn tell_messages(&mut self, turn: &mut Turn<'_>, talks: &[MessageTalk]) -> bool {
        let flows = &self.revision.flows;
        let extension = self.leg.agent.as_ref().map(|party| &party.extension);
        let agent = flows.agents.iter().find(|agent| Some(&agent.extension) == extension);
        let wall = turn.calendar.time_of(turn.now);
        let mut clips = Vec::new();
        if let Some(agent) = agent {
            let found = |name: &str| {
                let prompt = flows.find_prompt(&agent.language, name)?;
                self.revision.clips.get(prompt.0 as usize)?.clone()
            };
            for talk in talks {
                let names = talk.recordings(flows, &agent.language, wall, |name| found(name).is_some());
                clips.extend(names.iter().filter_map(|name| found(name)));
            }
        }
        self.be_quiet(turn);
        let any = !clips.is_empty();
        if any {
            self.play_clips(turn, clips);
        }
        any
    }

    fn read_message(&mut self, turn: &mut Turn<'_>, tape: &KeptTape) {
        self.be_quiet(turn);
        let Some(id) = tape.kind.tape(&tape.name) else { return };
        if let Phase::Hearing(hears) = &mut self.phase {
            hears.reading = Some(id);
        }
        let command = MediaCommand::ReadTape { leg: self.leg.id, tape: id, folder: Some(tape.folder.clone()) };
        turn.media(command);
    }

    /// A message was heard, or is to go.
    fn settle_heard(&mut self, turn: &mut Turn<'_>, tape: KeptTape, delete: bool) {
        let (name, mailbox) = (tape.name.clone(), tape.label.mailbox.clone().unwrap_or_default());
        let (event, order) = match delete {
            true => (TapeEvent::MessageDeleted { mailbox, name }, MailboxOrder::Delete(tape)),
            false => (TapeEvent::MessageHeard { mailbox, name }, MailboxOrder::Heard(tape)),
        };
        turn.journal(Some(self.id), JournalEvent::Tape(Box::new(event)));
        turn.out.push(Output::Mailbox(Box::new(order)));
    }

    fn play_clips(&mut self, turn: &mut Turn<'_>, clips: Vec<Arc<Clip>>) {
        let Phase::Hearing(hears) = &mut self.phase else { return };
        let playback = turn.playback();
        hears.playing = Some(playback);
        turn.journal(Some(self.id), JournalEvent::Playing { playback, clips: clips.len() });
        turn.media(MediaCommand::Play { leg: self.leg.id, playback, clips, repeat: false });
    }

    /// Whatever is heard ends, and what is being read is not wanted any more.
    fn be_quiet(&mut self, turn: &mut Turn<'_>) {
        let Phase::Hearing(hears) = &mut self.phase else { return };
        hears.reading = None;
        if hears.playing.take().is_some() {
            turn.media(MediaCommand::Stop { leg: self.leg.id });
        }
    }
}
