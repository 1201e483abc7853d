//! The reactor's thread: commands in, packets in and out, events out.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError};
use std::thread;
use std::time::Duration;
use std::vec::Drain;

use crate::clock::Moment;
use crate::media::rtcp;
use crate::media::stream::{PACKET_MAX, Stream, StreamEvent, Terms};
use crate::media::tapes::Deck;
use crate::telephony::{AudioPlan, LegId, MediaCommand, MediaEvent, MediaTally, TICK};

use super::legs::{Leg, Legs, SLOTS, Turn};
use super::passage::{Luggage, Passage};
use super::port::{Port, Reader};
use super::{Order, Settings, taping};

/// The length of a slot.
const SLOT_US: u64 = TICK.as_micros() as u64 / SLOTS as u64;
/// After a key, the leg's packet is held back for so many slots: the switchboard's time to answer.
const ANSWER_SLOTS: u64 = 2;
/// A leg's RTCP socket is read once in so many turns; the kernel's timestamps tell when its packets came.
const TURNS_PER_RTCP: u8 = 48;
/// Once in so many turns all that waits is read, however little is expected.
const TURNS_PER_LOOK: u8 = 4;
/// Up to this long the thread sleeps without an ear for commands, which then cost no wake-up: 4 ms. Where nothing else is
/// due sooner it wakes at whole multiples of this, as the main loop does when it is busy: waking costs more than most of
/// what is done then, and less where one wakes with another.
const DEAF: Duration = Duration::from_micros(2 * SLOT_US);
const TALLY_INTERVAL: Duration = Duration::from_secs(1);
/// After a leg was opened or closed, the thread looks for commands every [`DEAF`] for so long, however little there is to
/// do, without an ear for them: where calls come often, the next is near, and need not wake it.
const LINGER: Duration = Duration::from_millis(500);

pub(super) struct Line<S> {
    settings: Settings,
    terms: Terms,
    legs: Legs,
    passage: Passage,
    answers: Vec<Answer>,
    wire: Wire<S>,
    rng: fastrand::Rng,
    tally_at: Moment,
    /// The next slot, counted from the beginning of time.
    next: u64,
    /// Until when the thread looks for commands by itself.
    linger: Moment,
}

/// What serves each leg in turn: the packets' buffers, and what is told and counted meanwhile.
struct Wire<S> {
    reader: Reader,
    packet: Box<[u8; PACKET_MAX]>,
    control: [u8; rtcp::SENT_MAX],
    /// The way of tapes to who writes them.
    deck: Option<Deck>,
    sink: S,
    /// What the sink is told at the end of the turn.
    events: Vec<MediaEvent>,
    tally: MediaTally,
}

/// A packet that is held back, since a key was told that may change what is played.
struct Answer {
    leg: LegId,
    /// When it is sent.
    slot: u64,
    /// When it was due.
    at: Moment,
}

impl<S: FnMut(Drain<'_, MediaEvent>)> Line<S> {
    pub fn new(settings: Settings, deck: Option<Deck>, sink: S) -> Line<S> {
        Line {
            terms: settings.terms(),
            legs: Legs::new(),
            passage: Passage::default(),
            answers: Vec::new(),
            wire: Wire {
                reader: Reader::new(),
                packet: Box::new([0; PACKET_MAX]),
                control: [0; rtcp::SENT_MAX],
                deck,
                sink,
                events: Vec::new(),
                tally: MediaTally::default(),
            },
            rng: fastrand::Rng::with_seed(settings.seed),
            tally_at: Moment::ZERO,
            next: 0,
            linger: Moment::ZERO,
            settings,
        }
    }

    /// Runs until told to stop, or until nobody is left who could tell.
    pub fn run(mut self, orders: &Receiver<Order>) {
        while self.turn(orders).is_some() {}
        // Legs that have come meanwhile are closed with the others.
        while let Ok(order) = orders.try_recv() {
            if let Order::Arrive { leg, luggage } = order {
                let _ = self.arrive(leg, luggage);
            }
        }
        let ids: Vec<LegId> = self.legs.all().map(|leg| leg.id).collect();
        for id in ids {
            self.close(id);
        }
        self.tell_tally();
        self.wire.flush();
    }

    /// Obeys what waits, sleeps until something is due, and does it. `None`: the end.
    fn turn(&mut self, orders: &Receiver<Order>) -> Option<()> {
        if self.legs.is_empty() {
            self.await_leg(orders)?;
        }
        while let Ok(order) = orders.try_recv() {
            self.obey(order)?;
        }
        for (leg, to) in self.passage.take_leaving() {
            self.hand_over(leg, to);
        }
        self.wire.flush();
        if self.legs.is_empty() {
            return Some(());
        }
        let slot = self.next_busy();
        let at = Moment::from_micros(slot * SLOT_US);
        let now = self.settings.clock.now();
        if now >= at {
            self.run_slot(slot, at, now);
            self.wire.flush();
            self.next = slot + 1;
            return Some(());
        }
        match at - now {
            short if short <= DEAF => thread::sleep(short),
            _ if now < self.linger => thread::sleep(nap(now)),
            long => match orders.recv_timeout(long) {
                Ok(order) => self.obey(order)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            },
        }
        Some(())
    }

    /// Waits for a command while there is no leg, without an ear for it while the last leg's end is near.
    fn await_leg(&mut self, orders: &Receiver<Order>) -> Option<()> {
        let now = self.settings.clock.now();
        let order = if now < self.linger {
            thread::sleep(nap(now));
            match orders.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Empty) => return Some(()),
                Err(TryRecvError::Disconnected) => return None,
            }
        } else {
            self.tell_tally();
            self.wire.flush();
            orders.recv().ok()?
        };
        let now = self.settings.clock.now();
        self.next = now.as_micros() / SLOT_US + 1;
        self.linger = now + LINGER;
        self.obey(order)
    }

    /// The next slot with something to read or to send. After a stall of more than a tick, what was missed is missed:
    /// each leg has one turn, and its timestamps say how long the gap was.
    fn next_busy(&mut self) -> u64 {
        let present = self.settings.clock.now().as_micros() / SLOT_US;
        self.next = self.next.max((present + 1).saturating_sub(SLOTS as u64));
        let answer = self.answers.first().map_or(u64::MAX, |answer| answer.slot.max(self.next));
        (self.next..self.next + SLOTS as u64)
            .find(|slot| *slot == answer || !self.legs.is_empty_slot(in_tick(*slot)))
            .unwrap_or(self.next)
    }

    fn run_slot(&mut self, slot: u64, at: Moment, now: Moment) {
        self.count_lateness(now - at);
        let Line { legs, answers, wire, .. } = self;
        let due = answers.partition_point(|answer| answer.slot <= slot);
        for answer in answers.drain(..due) {
            if let Some(Turn { leg, with }) = legs.turn(answer.leg) {
                wire.send(leg, with, answer.at);
            }
        }
        wire.reader.set_now(now);
        legs.of_slot(in_tick(slot), |Turn { leg, with }| {
            let pressed = wire.read(leg);
            match with {
                // What either has said is sent to the other at once; a key means something to the other as well.
                Some(with) => {
                    wire.read(with);
                    wire.send(leg, Some(with), at);
                    wire.send(with, Some(leg), at);
                }
                None if pressed => answers.push(Answer { leg: leg.id, slot: slot + ANSWER_SLOTS, at }),
                None => wire.send(leg, None, at),
            }
        });
        if now >= self.tally_at {
            self.tally_at = now + TALLY_INTERVAL;
            self.tell_tally();
        }
    }

    fn count_lateness(&mut self, late: Duration) {
        let late_ms = late.as_secs_f64() * 1e3;
        let place = MediaTally::LATE_BOUNDS_MS.iter().position(|bound| late_ms <= *bound);
        self.wire.tally.ticks_late[place.unwrap_or(MediaTally::LATE_BOUNDS_MS.len())] += 1;
        self.wire.tally.late_us_sum += late.as_micros() as u64;
    }

    fn tell_tally(&mut self) {
        if let Some(deck) = &mut self.wire.deck {
            deck.flush();
        }
        for leg in self.legs.all() {
            self.wire.tally.lost_inbound += leg.stream.take_lost();
        }
        let tally = std::mem::take(&mut self.wire.tally);
        if tally != MediaTally::default() {
            self.wire.events.push(MediaEvent::Tally(tally));
        }
    }

    fn obey(&mut self, order: Order) -> Option<()> {
        match self.passage.admit(order) {
            Some(Order::Command(command)) => self.command(command),
            Some(Order::Await(leg)) => self.passage.await_leg(leg),
            Some(Order::HandOver { leg, to }) => self.hand_over(leg, to),
            Some(Order::Arrive { leg, luggage }) => self.arrive(leg, luggage)?,
            Some(Order::Stop) => return None,
            None => {}
        }
        Some(())
    }

    fn command(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Open { leg, port, plan } => self.open(leg, port, plan),
            MediaCommand::Change { leg, plan } => self.change(leg, plan),
            MediaCommand::Play { leg, playback, clips, repeat } => {
                if let Some(leg) = self.legs.find(leg) {
                    leg.stream.play(playback, clips, repeat);
                }
            }
            MediaCommand::Music { leg, clips, together } => {
                if let Some(leg) = self.legs.find(leg) {
                    leg.stream.music(clips, together);
                }
            }
            MediaCommand::Stop { leg } => {
                if let Some(leg) = self.legs.find(leg) {
                    leg.stream.stop();
                }
            }
            MediaCommand::Bridge { leg, with } => self.bridge(leg, with),
            MediaCommand::Press { leg, digit } => {
                if let Some(Turn { leg, with: Some(with) }) = self.legs.turn(leg)
                    && leg.stream.plan().telephone_event.is_some()
                    && let Some(voice) = with.stream.voice()
                {
                    voice.tap(digit);
                }
            }
            MediaCommand::Unbridge { leg } => self.legs.unbridge(leg),
            MediaCommand::Close { leg } => self.close(leg),
            MediaCommand::Record { .. }
            | MediaCommand::EndTape { .. }
            | MediaCommand::KeepTape { .. }
            | MediaCommand::DropTape { .. }
            | MediaCommand::MuteTape { .. }
            | MediaCommand::ReadTape { .. } => self.tape(command),
        }
    }

    /// A leg goes to another reactor, now or as soon as that has room.
    fn hand_over(&mut self, id: LegId, to: SyncSender<Order>) {
        // What was heard here is told before what will be heard there.
        self.wire.flush();
        let luggage = self.legs.remove(id).map(|mut leg| {
            let jobs = taping::pack(self.wire.deck.as_mut(), &mut leg);
            Box::new(Luggage { leg, jobs })
        });
        let (luggage, is_full) = match to.try_send(Order::Arrive { leg: id, luggage }) {
            Ok(()) => return self.linger = self.settings.clock.now() + LINGER,
            Err(TrySendError::Full(Order::Arrive { luggage, .. })) => (luggage, true),
            Err(TrySendError::Disconnected(Order::Arrive { luggage, .. })) => (luggage, false),
            Err(_) => return,
        };
        if let Some(luggage) = luggage {
            self.take_in(*luggage);
        }
        if is_full {
            self.passage.leave(id, to);
        }
    }

    /// A leg has come from another reactor: what has waited for it is done.
    fn arrive(&mut self, id: LegId, luggage: Option<Box<Luggage>>) -> Option<()> {
        if let Some(luggage) = luggage {
            self.take_in(*luggage);
        }
        self.passage.arrived(id).into_iter().try_for_each(|order| self.obey(order))
    }

    fn take_in(&mut self, Luggage { mut leg, jobs }: Luggage) {
        taping::unpack(self.wire.deck.as_mut(), &mut leg, jobs);
        self.legs.adopt(leg, self.next, |slot| Moment::from_micros(slot * SLOT_US));
        self.answers.reserve(self.legs.len().saturating_sub(self.answers.len()));
        self.linger = self.settings.clock.now() + LINGER;
    }

    /// What is wanted of a leg's tape.
    fn tape(&mut self, command: MediaCommand) {
        let Wire { deck, events, tally, .. } = &mut self.wire;
        let deck = deck.as_mut();
        if let MediaCommand::ReadTape { leg, tape, folder } = command {
            return taping::read(deck, leg, tape, folder, events);
        }
        let Some(leg) = self.legs.find(command.leg()) else { return };
        match command {
            MediaCommand::Record { order, .. } => taping::record(deck, leg, order, events, tally),
            MediaCommand::EndTape { tape, .. } => taping::end(deck, leg, tape, events, tally),
            MediaCommand::KeepTape { tape, .. } => taping::settle(deck, leg, tape, true, events, tally),
            MediaCommand::DropTape { tape, .. } => taping::settle(deck, leg, tape, false, events, tally),
            MediaCommand::MuteTape { tape, muted, .. } => leg.stream.mute(tape, muted),
            _ => {}
        }
    }

    fn open(&mut self, id: LegId, number: u16, plan: AudioPlan) {
        self.close(id);
        let address = self.settings.bind(plan.remote.map(|remote| remote.ip()));
        match Port::open(address, number) {
            Ok(port) => {
                self.linger = self.settings.clock.now() + LINGER;
                let now = Moment::from_micros(self.next * SLOT_US);
                let stream = Stream::new(now, plan, self.terms, self.rng.u64(..));
                self.legs.insert(id, number, address.is_ipv6(), port, stream);
                // Room for all legs to have a key pressed at once, so that a tick allocates nothing.
                self.answers.reserve(self.legs.len().saturating_sub(self.answers.len()));
            }
            Err(error) => self.wire.events.push(failed(id, number, &error)),
        }
    }

    fn change(&mut self, id: LegId, plan: AudioPlan) {
        let Some(leg) = self.legs.find(id) else { return };
        if let Some(remote) = plan.remote
            && remote.is_ipv6() != leg.is_v6
        {
            // The other family wants other sockets, on the same ports.
            let address = self.settings.bind(Some(remote.ip()));
            match Port::open(address, leg.number) {
                Ok(port) => {
                    leg.port = port;
                    leg.is_v6 = address.is_ipv6();
                }
                Err(error) => {
                    let failure = failed(id, leg.number, &error);
                    if let Some(mut leg) = self.legs.remove(id) {
                        self.wire.let_go(&mut leg);
                    }
                    self.wire.events.push(failure);
                    return;
                }
            }
        }
        leg.stream.change(self.settings.clock.now(), plan);
        self.legs.settle(id);
    }

    fn bridge(&mut self, id: LegId, with: LegId) {
        let next = self.next;
        self.legs.bridge(id, with, |place| {
            let slots = SLOTS as u64;
            let slot = next + (place as u64 + slots - next % slots) % slots;
            Moment::from_micros(slot * SLOT_US)
        });
    }

    fn close(&mut self, id: LegId) {
        let Some(mut leg) = self.legs.remove(id) else { return };
        self.wire.let_go(&mut leg);
        let now = self.settings.clock.now();
        if let Some(outgoing) = leg.stream.close(now, &mut self.wire.control) {
            let _ = leg.port.rtcp.send_to(&self.wire.control[..outgoing.length], outgoing.to);
        }
        self.wire.tally.lost_inbound += leg.stream.take_lost();
        let report = leg.stream.report();
        // The port is free before anybody is told so.
        drop(leg);
        self.wire.events.push(MediaEvent::Closed { leg: id, report });
        self.linger = now + LINGER;
    }
}

impl<S: FnMut(Drain<'_, MediaEvent>)> Wire<S> {
    /// A leg is gone: what it has said is kept.
    fn let_go(&mut self, leg: &mut Leg) {
        taping::let_go(self.deck.as_mut(), leg, &mut self.events, &mut self.tally);
    }

    /// Tells all that there is to tell.
    fn flush(&mut self) {
        if !self.events.is_empty() {
            (self.sink)(self.events.drain(..));
        }
    }

    /// Hears what has come for a leg. Whether a key was pressed, which is told at once: an answer is awaited.
    fn read(&mut self, leg: &mut Leg) -> bool {
        let Wire { reader, events, tally, .. } = self;
        let Leg { id, port, stream, reads, eager, .. } = leg;
        let mut pressed = false;
        let looks_for_all = *eager || *reads % TURNS_PER_LOOK == 0;
        let count = reader.read(&port.rtp, looks_for_all, |arrival, from, bytes| {
            let heard = stream.receive(arrival, from, bytes, &mut |event| {
                pressed |= matches!(event, StreamEvent::Digit(..));
                events.push(told(*id, event));
            });
            if heard {
                tally.packets_received += 1;
            } else {
                tally.dropped += 1;
            }
        });
        // After none there may be two, and a leg that sent several at once may do so again.
        *eager = count != 1;
        *reads += 1;
        if *reads >= TURNS_PER_RTCP {
            *reads = 0;
            reader.read(&port.rtcp, true, |arrival, from, bytes| match stream.receive_control(arrival, from, bytes) {
                Some(lost) => tally.lost_outbound += lost,
                None => tally.dropped += 1,
            });
        }
        if pressed {
            self.flush();
        }
        pressed
    }

    /// Sends the packet of a leg that is due `at` its slot's moment, with what the leg says that it is bridged `with`, and
    /// its report when one is due.
    fn send(&mut self, leg: &mut Leg, with: Option<&mut Leg>, at: Moment) {
        let Wire { events, tally, packet, control, deck, .. } = self;
        let Leg { id, port, stream, .. } = &mut *leg;
        let mut far = with.and_then(|with| with.stream.voice());
        let mut has_sent = false;
        // A send that fails is a lost packet, to the other side's RTCP as well as to us.
        let tell = &mut |event| events.push(told(*id, event));
        if let Some(outgoing) = stream.tick_bridged(at, far.as_deref_mut(), packet, tell) {
            tally.packets_sent += 1;
            let _ = port.rtp.send_to(&packet[..outgoing.length], outgoing.to);
            has_sent = true;
            // It is recorded before the end of a key is sent again in its place.
            if stream.recorder().is_some() {
                taping::turn(deck.as_mut(), leg, at, Some(&packet[..outgoing.length]), events, tally);
            }
            let Leg { port, stream, .. } = &mut *leg;
            if let Some(again) = far.and_then(|far| stream.tick_again(far, packet)) {
                tally.packets_sent += 1;
                let _ = port.rtp.send_to(&packet[..again.length], again.to);
            }
        }
        if !has_sent && leg.stream.recorder().is_some() {
            taping::turn(deck.as_mut(), leg, at, None, events, tally);
        }
        let Leg { port, stream, .. } = leg;
        if let Some(outgoing) = stream.tick_control(at, control) {
            let _ = port.rtcp.send_to(&control[..outgoing.length], outgoing.to);
        }
    }
}

fn told(leg: LegId, event: StreamEvent) -> MediaEvent {
    match event {
        StreamEvent::Digit(digit, source) => MediaEvent::Digit { leg, digit, source },
        StreamEvent::PlaybackFinished(playback) => MediaEvent::PlaybackFinished { leg, playback },
        StreamEvent::Silent => MediaEvent::Silent { leg },
    }
}

fn failed(leg: LegId, port: u16, error: &std::io::Error) -> MediaEvent {
    MediaEvent::Failed { leg, reason: format!("port {port}: {error}") }
}

/// How long to sleep where nothing is due soon.
fn nap(now: Moment) -> Duration {
    now.next_multiple(DEAF) - now
}

/// A slot's place in its tick.
fn in_tick(slot: u64) -> usize {
    (slot % SLOTS as u64) as usize
}
