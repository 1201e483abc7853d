//! Brings each input to the call or the agent's leg that it is about.

use super::call::Call;
use super::{Alarm, Drain, OperatorCommand, Output, Switchboard, Turn, journal};
use crate::clock::Moment;
use crate::journal::{JournalEvent, Outcome};
use crate::telephony::{CallId, Cause, DigitSource, LegId, MediaEvent, SipCommand, SipEvent};

impl Switchboard {
    pub(super) fn signal(&mut self, now: Moment, event: SipEvent, out: &mut Vec<Output>) {
        if matches!(event, SipEvent::Incoming(_) | SipEvent::TransferAsked { .. }) {
            // What queues have to do by now comes first: no phone is rung for a colleague that is due to ring for a caller.
            self.run_errands(now, out);
        }
        match event {
            SipEvent::Incoming(incoming) => {
                if !self.legs.contains_key(&incoming.leg) && !self.is_agents(incoming.leg) {
                    self.incoming(now, *incoming, out);
                }
            }
            SipEvent::Confirmed { leg, answer } if self.is_agents(leg) => {
                self.with_agent_leg(now, leg, out, |leg, turn| leg.confirmed(turn, answer));
            }
            SipEvent::Confirmed { leg, answer } => {
                self.with_leg(now, leg, out, |call, turn| call.confirmed(turn, answer));
            }
            SipEvent::Offered { leg, offer } if self.is_agents(leg) => {
                self.with_agent_leg(now, leg, out, |leg, turn| leg.offered(turn, offer));
            }
            SipEvent::Offered { leg, offer } => self.with_leg(now, leg, out, |call, turn| call.offered(turn, offer)),
            SipEvent::Digit { leg, digit } if self.is_agents(leg) => {
                // Those in the audio go over the bridge by themselves.
                if let Some(call) = self.agent_legs.get(&leg).and_then(|leg| leg.joined_to()) {
                    self.with_call(now, call, out, |call, turn| call.hears_key(turn, digit));
                    self.agent_keys(now, leg, digit, out);
                } else {
                    self.with_agent_leg(now, leg, out, |leg, turn| leg.skip(turn));
                }
            }
            SipEvent::Digit { leg, digit } => {
                self.with_leg(now, leg, out, |call, turn| call.digit(turn, digit, DigitSource::Info));
            }
            SipEvent::Answered { leg, answer, local } if self.is_agents(leg) => {
                self.with_agent_leg(now, leg, out, |leg, turn| leg.answered(turn, &answer, local));
            }
            SipEvent::Answered { leg, answer, local } => {
                self.with_leg(now, leg, out, |call, turn| call.party_answered(turn, &answer, local));
            }
            SipEvent::Ended { leg, cause } if self.is_agents(leg) => {
                self.with_agent_leg(now, leg, out, |leg, turn| leg.ended(turn, cause));
            }
            SipEvent::Ended { leg, cause } => self.with_leg(now, leg, out, |call, turn| call.leg_ended(turn, cause)),
            SipEvent::TransferAsked { leg, transfer } => self.transfer_asked(now, leg, &transfer, out),
            SipEvent::AgentReachable { extension } => self.agent_reachable(now, &extension),
            SipEvent::AgentUnreachable { extension, .. } => self.agent_unreachable(now, &extension),
            SipEvent::PhonesRegistered { extension, phones } => self.keeping.phones_registered(now, &extension, phones),
            SipEvent::Ringing { leg, .. } => {
                self.with_agent_leg(now, leg, out, |leg, turn| leg.rings(turn));
            }
            SipEvent::TrunkUp { trunk } => out.push(journal(now, None, JournalEvent::Trunk { trunk, down: None })),
            SipEvent::TrunkDown { trunk, why } => {
                out.push(journal(now, None, JournalEvent::Trunk { trunk, down: Some(why) }));
            }
            SipEvent::Tally(tally) => out.push(journal(now, None, JournalEvent::Sip(tally))),
        }
    }

    pub(super) fn media(&mut self, now: Moment, event: MediaEvent, out: &mut Vec<Output>) {
        match event {
            MediaEvent::Digit { leg, digit, .. } if self.is_agents(leg) => {
                self.with_agent_leg(now, leg, out, |leg, turn| leg.skip(turn));
                self.agent_keys(now, leg, digit, out);
            }
            MediaEvent::Digit { leg, digit, source } => {
                self.with_leg(now, leg, out, |call, turn| call.digit(turn, digit, source));
            }
            MediaEvent::PlaybackFinished { leg, playback } if self.is_agents(leg) => {
                self.with_agent_leg(now, leg, out, |leg, turn| leg.playback_finished(turn, playback));
            }
            MediaEvent::PlaybackFinished { leg, playback } => {
                self.with_leg(now, leg, out, |call, turn| call.playback_finished(turn, playback));
            }
            MediaEvent::Silent { leg } if self.is_agents(leg) => {
                self.with_agent_leg(now, leg, out, |leg, turn| leg.lost(turn, Cause::MediaLost));
            }
            MediaEvent::Silent { leg } => {
                self.with_leg(now, leg, out, |call, turn| call.fell_silent(turn));
            }
            MediaEvent::Failed { leg, reason } if self.is_agents(leg) => {
                self.with_agent_leg(now, leg, out, |leg, turn| leg.audio_failed(turn, reason));
            }
            MediaEvent::Failed { leg, reason } => {
                self.with_leg(now, leg, out, |call, turn| call.audio_failed(turn, reason));
            }
            MediaEvent::Closed { leg, report } if self.is_agents(leg) => {
                self.with_agent_leg(now, leg, out, |leg, turn| leg.audio_closed(turn, report));
            }
            MediaEvent::Closed { leg, report } => {
                self.with_leg(now, leg, out, |call, turn| call.audio_closed(turn, report));
            }
            MediaEvent::TapeEnded { tape, report, .. } => {
                self.with_tape(now, tape, out, |call, turn| call.tape_ended(turn, tape, report));
            }
            MediaEvent::TapeFailed { tape, kind, reason, .. } => {
                self.tape_failed(now, (tape, kind), reason, out);
            }
            MediaEvent::TapeRead { leg, tape, clip } => {
                self.with_leg(now, leg, out, |call, turn| call.tape_read(turn, tape, clip));
            }
            MediaEvent::Tally(tally) => out.push(journal(now, None, JournalEvent::Media(Box::new(tally)))),
        }
    }

    pub(super) fn operate(&mut self, now: Moment, command: OperatorCommand, out: &mut Vec<Output>) {
        match command {
            OperatorCommand::Drain => {
                if self.drain.is_none() {
                    let time = self.settings.drain;
                    self.drain = Some(Drain { until: Some(now + time) });
                    out.push(Output::Sip(SipCommand::Drain));
                    self.postpone_all();
                    out.push(journal(now, None, JournalEvent::Draining { calls: self.calls.len(), time }));
                }
            }
            OperatorCommand::HangUp(call) => {
                self.with_call(now, call, out, |call, turn| {
                    call.hang_up(turn, Cause::LocalHungUp, Outcome::Operator);
                });
            }
            OperatorCommand::Recording { call, wish } => {
                self.with_call(now, call, out, |call, turn| call.wish_recording(turn, wish, "api"));
            }
            OperatorCommand::MessagesWaiting { mailbox, new, old } => {
                self.messages_waiting(now, mailbox, (new, old), out);
            }
            OperatorCommand::SwitchHours { name, switch } => {
                self.switch_hours(now, &name, switch, &"api".into(), out);
            }
            OperatorCommand::Agent { extension, command } => self.command_agent(now, &extension, command),
            OperatorCommand::HangUpAll => {
                if self.drain.is_none() {
                    out.push(Output::Sip(SipCommand::Drain));
                }
                self.drain = Some(Drain { until: None });
                let calls: Vec<CallId> = self.calls.keys().copied().collect();
                for call in calls {
                    self.with_call(now, call, out, |call, turn| call.hang_up(turn, Cause::Drained, Outcome::Drained));
                }
            }
        }
    }

    pub(super) fn expire(&mut self, now: Moment, out: &mut Vec<Output>) {
        if self.drain.and_then(|drain| drain.until).is_some_and(|until| until <= now) {
            self.operate(now, OperatorCommand::HangUpAll, out);
        }
        while let Some((moment, alarm)) = self.deadlines.first().copied()
            && moment <= now
        {
            match alarm {
                Alarm::Call(call) => self.with_call(now, call, out, |call, turn| call.expire(turn)),
                Alarm::AgentLeg(leg) => self.with_agent_leg(now, leg, out, |leg, turn| leg.expire(turn)),
            }
            let unmoved = self.deadlines.first() == Some(&(moment, alarm));
            assert!(!unmoved, "{alarm:?} does not act on its deadline");
        }
    }

    /// Whether a leg leads to an agent's phone.
    fn is_agents(&self, leg: LegId) -> bool {
        self.agent_legs.contains_key(&leg)
    }

    /// All that a part may use while it takes an input.
    pub(super) fn turn<'a>(&'a mut self, now: Moment, out: &'a mut Vec<Output>) -> Turn<'a> {
        if !self.watched.is_empty() {
            self.stand(now);
        }
        Turn {
            now,
            calendar: self.calendar,
            settings: &self.settings,
            switches: &self.switches,
            standings: &self.standings,
            playbacks: &mut self.playbacks,
            tapes: &mut self.tapes,
            entries: &mut self.entries,
            placement: &mut self.placement,
            errands: &mut self.errands,
            out,
        }
    }

    /// A leg is over: its port rests.
    pub(super) fn take_back(&mut self, now: Moment, leg: LegId, port: u16, sound: bool) {
        self.placement.forget(leg);
        if sound {
            self.ports.release(now, port);
        } else {
            self.ports.release_failed(now, port);
        }
    }

    /// The one place where what names a leg that is gone is ignored.
    fn with_leg(&mut self, now: Moment, leg: LegId, out: &mut Vec<Output>, act: impl FnOnce(&mut Call, &mut Turn<'_>)) {
        if let Some(call) = self.legs.get(&leg).copied() {
            self.with_call(now, call, out, act);
        }
    }

    /// Lets a call act; its deadline is kept in order, and what it owned comes back when it is over.
    pub(super) fn with_call(
        &mut self,
        now: Moment,
        id: CallId,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Call, &mut Turn<'_>),
    ) {
        let Some(mut call) = self.calls.remove(&id) else { return };
        let before = call.deadline();
        act(&mut call, &mut self.turn(now, out));
        let after = call.deadline();
        if let Some(over) = call.over() {
            self.take_back(now, call.leg(), call.port(), over.port_is_sound);
            self.deadlines.remove(&(before, Alarm::Call(id)));
            self.legs.remove(&call.leg());
            return;
        }
        if before != after {
            self.deadlines.remove(&(before, Alarm::Call(id)));
            self.deadlines.insert((after, Alarm::Call(id)));
        }
        self.calls.insert(id, call);
    }
}
