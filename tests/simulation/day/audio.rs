//! What reactors do, as their contract says, and what they hold the switchboard to.

use std::time::Duration;

use helpline::switchboard::{Input, REST};
use helpline::telephony::{LegId, MediaCommand, MediaEvent, PlaybackId, StreamReport};

use super::{Happening, World, tapes};

/// A leg as a reactor sees it.
#[derive(Debug)]
pub(super) struct MediaLeg {
    pub(super) port: u16,
    pub(super) reactor: usize,
    pub(super) playing: Option<PlaybackId>,
    pub(super) with: Option<LegId>,
    pub(super) tape: Option<tapes::Tape>,
}

impl World {
    pub(super) fn play(&mut self, reactor: usize, command: MediaCommand) {
        if let Some(open) = self.media.get(&command.leg()) {
            assert_eq!(open.reactor, reactor, "a reactor is told of a leg that another has");
        }
        match command {
            MediaCommand::Open { leg, port, plan } => self.open(reactor, leg, port, plan.remote.is_some()),
            MediaCommand::Change { .. } => {}
            MediaCommand::Bridge { leg, with } => self.bridge(leg, with),
            MediaCommand::Unbridge { leg } => {
                if let Some(open) = self.media.get_mut(&leg)
                    && let Some(with) = open.with.take()
                {
                    self.media.get_mut(&with).expect("a bridge has two ends").with = None;
                }
                self.opine(leg);
            }
            MediaCommand::Music { leg, clips, .. } => {
                assert!(!clips.is_empty());
                if let Some(open) = self.media.get_mut(&leg) {
                    open.playing = None;
                }
            }
            MediaCommand::Play { leg, playback, clips, .. } => {
                assert!(!clips.is_empty());
                let Some(open) = self.media.get_mut(&leg) else { return };
                open.playing = Some(playback);
                self.tally.whispers += u32::from(leg.is_outbound());
                let length: u128 = clips.iter().map(|clip| clip.duration().as_millis()).sum();
                self.plan(length as u64, Happening::Played(leg, playback));
            }
            MediaCommand::Press { leg, .. } => {
                assert!(self.media.get(&leg).is_none_or(|open| open.with.is_some()), "{leg} hears a key of nobody");
            }
            MediaCommand::Stop { leg } => {
                if let Some(open) = self.media.get_mut(&leg) {
                    open.playing = None;
                }
            }
            MediaCommand::Record { .. }
            | MediaCommand::EndTape { .. }
            | MediaCommand::KeepTape { .. }
            | MediaCommand::DropTape { .. }
            | MediaCommand::MuteTape { .. }
            | MediaCommand::ReadTape { .. } => self.tape(command),
            MediaCommand::Close { leg } => {
                let tick = self.random.u64(0..20);
                self.plan(tick, Happening::Shut(leg));
            }
        }
    }

    /// A leg goes to another reactor: whom it was bridged with is alone.
    pub(super) fn hand_over(&mut self, leg: LegId, from: usize, to: usize) {
        assert!(from != to && to < self.settings.reactors, "{leg} goes from {from} to {to}");
        self.tally.handed_over += 1;
        // A port that could not be opened: its `Failed` is on the way.
        let Some(open) = self.media.get_mut(&leg) else { return };
        assert_eq!(std::mem::replace(&mut open.reactor, to), from, "{leg} is handed over by who has it not");
        if let Some(with) = open.with.take() {
            self.media.get_mut(&with).expect("a bridge has two ends").with = None;
        }
    }

    fn open(&mut self, reactor: usize, leg: LegId, port: u16, remote_known: bool) {
        assert!(reactor < self.settings.reactors && self.settings.ports.contains(&port));
        assert!(self.media.values().all(|open| open.port != port), "port {port} is given to two");
        if let Some(free_at) = self.port_free_at.get(&port) {
            assert!(self.now.since(*free_at) >= REST - Duration::from_millis(1), "port {port} had no rest");
        }
        if let Some(known) = self.sip.get(&leg) {
            assert_eq!(known.with_offer, remote_known, "{leg}");
        }
        if self.random.u8(0..60) == 0 {
            return self.tell(Input::Media(MediaEvent::Failed { leg, reason: "in use".into() }));
        }
        let before = self.media.insert(leg, MediaLeg { port, reactor, playing: None, with: None, tape: None });
        assert!(before.is_none(), "{leg} is opened twice");
    }

    pub(super) fn played(&mut self, leg: LegId, playback: PlaybackId) {
        if let Some(open) = self.media.get_mut(&leg)
            && open.playing == Some(playback)
        {
            open.playing = None;
            self.tell(Input::Media(MediaEvent::PlaybackFinished { leg, playback }));
        }
    }

    pub(super) fn shut(&mut self, leg: LegId) {
        self.let_go_of_tape(leg);
        if let Some(open) = self.media.remove(&leg) {
            self.part(&open);
            self.port_free_at.insert(open.port, self.now);
            let report = StreamReport::default();
            self.tell(Input::Media(MediaEvent::Closed { leg, report }));
        }
    }

    /// Two legs hear each other: both are open, on one reactor, alone so far, and both sides have picked up.
    fn bridge(&mut self, leg: LegId, with: LegId) {
        let (Some(one), Some(other)) = (self.media.get(&leg), self.media.get(&with)) else {
            // A port that could not be opened: its `Failed` is on the way.
            return;
        };
        assert_eq!(one.reactor, other.reactor, "{leg} and {with} are on two reactors");
        assert_eq!((one.with, other.with), (None, None), "{leg} or {with} is bridged already");
        let there = self.sip.get(&leg).is_none_or(|known| known.acknowledged || known.agent.is_some() || self.faults);
        assert!(there, "{leg} is not there yet");
        if let Some(phone) = self.phones.get(&with) {
            assert!(phone.talks(), "{with} has not picked up");
        }
        for (end, to) in [(leg, with), (with, leg)] {
            let open = self.media.get_mut(&end).expect("it is open");
            (open.with, open.playing) = (Some(to), None);
        }
    }

    /// A leg is closed: whom it was bridged with is alone.
    fn part(&mut self, closed: &MediaLeg) {
        if let Some(with) = closed.with
            && let Some(other) = self.media.get_mut(&with)
        {
            other.with = None;
        }
    }
}
