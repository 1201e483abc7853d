//! A day of callers in virtual time: they press, wait, hold and hang up at every moment, while events come late, twice,
//! or name what is gone. The fakes of `sip` and `media` keep their contracts and hold the switchboard to its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use helpline::clock::Moment;
use helpline::flow::session::exits;
use helpline::journal::{CallState, JournalEvent, Outcome, Records, Stories};
use helpline::switchboard::{Input, OperatorCommand, Output, Settings, Switchboard};
use helpline::telephony::{CallId, Cause, Direction, LegId, PlaybackId, SipCommand, SipEvent, TapeEnd, TapeId};

use super::house;
use super::phone;

mod agents;
mod audio;
mod callers;
mod colleagues;
mod death;
mod lookups;
mod parties;
mod surveys;
mod tally;
mod tapes;

use agents::{AgentAct, AgentPhone};
use audio::MediaLeg;
use callers::{Act, SipLeg};
use tally::Tally;

/// What happens outside the switchboard.
#[derive(Clone, Debug)]
enum Happening {
    /// The next caller dials.
    Dial,
    /// The caller's side does something, if its leg is still there.
    Act(LegId, Act),
    /// An event reaches the switchboard.
    Tell(Input),
    /// A reactor comes to the end of a playback, unless it was stopped or changed since.
    Played(LegId, PlaybackId),
    /// A tape ends by itself, if it still runs.
    TapeEnds(LegId, TapeId, TapeEnd),
    /// A reactor has closed a leg.
    Shut(LegId),
    /// An agent's phone does something, if its leg is still there.
    AgentActs(LegId, AgentAct),
    /// The next agent calls somebody.
    Colleague,
    /// An agent's phone comes or goes.
    Shift(&'static str),
}

struct World {
    switchboard: Switchboard,
    settings: Settings,
    random: fastrand::Rng,
    now: Moment,
    agenda: BTreeMap<(Moment, u64), Happening>,
    planned: u64,
    callers_left: u32,
    dialled: u64,
    sip: BTreeMap<LegId, SipLeg>,
    media: BTreeMap<LegId, MediaLeg>,
    phones: BTreeMap<LegId, AgentPhone>,
    registered: BTreeSet<&'static str>,
    /// How many phones each agent has, as the switchboard was told.
    phones_told: BTreeMap<String, usize>,
    /// Legs whose transfer is not told to its end.
    referring: BTreeSet<LegId>,
    port_free_at: BTreeMap<u16, Moment>,
    records: Records,
    stories: Stories,
    disk: death::Disk,
    tapes: tapes::Book,
    surveys: surveys::Book,
    /// What a web service was asked and has not answered.
    asked: BTreeSet<(CallId, u32)>,
    tally: Tally,
    /// The longest time between two calls of agents' own, in milliseconds.
    colleagues_pause: u64,
    /// Of every step, by its name.
    exits: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    faults: bool,
    /// Now and then the house is begun anew from what was kept, beside the one that goes on.
    rises: bool,
}

impl World {
    fn new(seed: u64, callers: u32, faults: bool) -> World {
        World::with(house::settings(), seed, callers, faults)
    }

    fn with(settings: Settings, seed: u64, callers: u32, faults: bool) -> World {
        let mut world = World {
            switchboard: house::switchboard(settings.clone(), seed),
            settings,
            random: fastrand::Rng::with_seed(seed),
            now: Moment::ZERO,
            agenda: BTreeMap::new(),
            planned: 0,
            callers_left: callers,
            dialled: 0,
            sip: BTreeMap::new(),
            media: BTreeMap::new(),
            phones: BTreeMap::new(),
            registered: BTreeSet::new(),
            phones_told: BTreeMap::new(),
            referring: BTreeSet::new(),
            port_free_at: BTreeMap::new(),
            records: Records::default(),
            stories: Stories::default(),
            disk: death::Disk::default(),
            tapes: tapes::Book::default(),
            surveys: surveys::Book::default(),
            asked: BTreeSet::new(),
            tally: Tally::default(),
            colleagues_pause: 40_000,
            exits: {
                let flows = house::revision(0).flows;
                let steps = flows.flows[0].steps.iter();
                steps.map(|step| (step.name.clone(), exits(&flows, &flows.flows[0], step))).collect()
            },
            faults,
            rises: true,
        };
        for extension in house::AGENTS {
            world.plan(0, Happening::Shift(extension));
        }
        world.plan(1, Happening::Dial);
        world.plan(1, Happening::Colleague);
        world
    }

    fn plan(&mut self, after_ms: u64, happening: Happening) {
        self.planned += 1;
        self.agenda.insert((self.now + Duration::from_millis(after_ms), self.planned), happening);
    }

    /// An event on its way: at once and in order; with faults, sometimes once more and much later.
    fn tell(&mut self, input: Input) {
        // `sip` never names two calls alike, so a call is never told twice.
        let repeatable = !matches!(
            input,
            Input::Sip(
                SipEvent::Incoming(_)
                    | SipEvent::AgentReachable { .. }
                    | SipEvent::AgentUnreachable { .. }
                    | SipEvent::PhonesRegistered { .. }
            )
        );
        if self.faults && repeatable && self.random.u8(..) < 12 {
            let late = self.random.u64(1..60_000);
            self.plan(late, Happening::Tell(input.clone()));
        }
        self.plan(1, Happening::Tell(input));
    }

    fn run(&mut self) {
        loop {
            let next = self.agenda.first_key_value().map(|((moment, _), _)| *moment);
            let deadline = self.switchboard.deadline();
            match (next, deadline) {
                (None, None) => break,
                (next, Some(deadline)) if next.is_none_or(|next| deadline < next) => {
                    self.now = self.now.max(deadline);
                    self.give(Input::Expired);
                }
                _ => {
                    let ((moment, _), happening) = self.agenda.pop_first().expect("one is planned");
                    self.now = self.now.max(moment);
                    self.happen(happening);
                }
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Dial => self.dial(),
            Happening::Act(leg, act) => self.act(leg, act),
            Happening::Tell(input) => self.give(input),
            Happening::Played(leg, playback) => self.played(leg, playback),
            Happening::AgentActs(leg, act) => self.agent_acts(leg, act),
            Happening::Colleague => self.colleague_dials(),
            Happening::Shift(extension) => self.shift(extension),
            Happening::TapeEnds(leg, tape, end) => self.tape_ends(leg, tape, end),
            Happening::Shut(leg) => self.shut(leg),
        }
    }

    /// The switchboard takes an input; its promises and those of what it wants are checked.
    fn give(&mut self, input: Input) {
        self.tally.inputs += 1;
        let expired = matches!(input, Input::Expired);
        if let Input::Sip(SipEvent::PhonesRegistered { extension, phones }) = &input {
            self.phones_told.insert(extension.clone(), phones.len());
        }
        if let Input::Answered(answered) = &input {
            self.asked.remove(&(answered.call, answered.lookup));
        }
        let (picked_up, wish) = (self.picked_up(&input), self.wish_of(&input));
        let out = self.switchboard.handle(self.now, input);
        let mut touched = BTreeSet::new();
        if let Some(leg) = picked_up {
            agents::assert_heard_or_hung_up(leg, &out);
        }
        if let Some(leg) = wish {
            let told = out.iter().filter_map(|output| match output {
                Output::Sip(command) => Some(command.clone()),
                _ => None,
            });
            colleagues::assert_answered(leg, &told.collect::<Vec<_>>());
        }
        self.switchboard.assert_consistent();
        let idle_until = self.switchboard.deadline().unwrap_or(self.now + Duration::from_secs(1));
        assert!(if expired { idle_until > self.now } else { idle_until >= self.now }, "a deadline is left in the past");
        for output in out {
            match output {
                Output::Sip(command) => self.signal(command),
                Output::Media { reactor, command } => self.play(reactor, command),
                Output::HandOver { leg, from, to } => self.hand_over(leg, from, to),
                Output::Mailbox(order) => self.order_messages(*order),
                Output::Ask(ask) => self.ask(&ask),
                Output::CancelAsk { call, lookup } => self.ask_no_more(call, lookup),
                Output::Journal(entry) => {
                    assert_eq!(entry.at, self.now);
                    let record = self.records.fold(&entry, house::calendar());
                    let ended = matches!(entry.event, JournalEvent::Ended(_));
                    assert_eq!(record.is_some(), ended, "a call is recorded exactly when it ends");
                    self.surveys.told(entry.call, &entry.event);
                    if let (Some(record), Some(call)) = (record, entry.call) {
                        self.surveys.assert_recorded(call, &record);
                    }
                    self.count(entry.call, &entry.event);
                    touched.extend(entry.call);
                    self.stories.fold(entry);
                }
            }
        }
        touched.into_iter().for_each(|call| self.assert_told(call));
        self.disk.take(self.switchboard.keep(self.now));
        if self.rises && self.tally.inputs.is_multiple_of(1_499) {
            self.rise();
        }
    }

    /// What the journal says of a call is what the switchboard knows: whoever waits has a place, and nobody else.
    fn assert_told(&self, call: CallId) {
        let story = self.stories.find(call).expect("it was told to begin");
        let place = self.switchboard.place(call);
        let known = place.as_ref().map(|place| &place.queue);
        let promised = self.switchboard.is_promised(call);
        match story.state {
            CallState::Waiting if promised => assert_eq!(known, None, "{call} is told about, and stands in line"),
            CallState::Waiting => assert_eq!(known, story.queue.as_ref().or(known), "{call} waits"),
            state => assert_eq!(known, None, "{call} is {state:?}: {:?}", story.events().last()),
        }
        let waits = place.is_some() || promised;
        assert_eq!(
            story.state == CallState::Waiting,
            waits,
            "{call} waits without a place, or has one and does not wait"
        );
        let open = self.tally.open.contains(&call);
        assert_eq!(story.state != CallState::Ended, open, "{call} is {:?}", story.state);
    }

    fn signal(&mut self, command: SipCommand) {
        match command {
            SipCommand::Answer { leg, description } => {
                let Some(known) = self.sip.get_mut(&leg) else { return };
                assert!(!std::mem::replace(&mut known.answered, true), "{leg} is answered twice");
                assert!(description.media.iter().any(|media| media.port != 0), "{leg} is answered without audio");
                self.live(leg);
            }
            SipCommand::Reject { leg, refusal } => {
                assert!((400..700).contains(&refusal.status));
                assert_eq!(refusal.status == 503, refusal.retry_after.is_some(), "{refusal:?}");
                if self.sip.get(&leg).is_some_and(|known| !known.answered) {
                    self.over(leg, Cause::Refused);
                }
            }
            SipCommand::AcceptChange { leg, .. } | SipCommand::RefuseChange { leg, .. }
                if self.phones.contains_key(&leg) =>
            {
                self.agent_is_answered(leg);
            }
            SipCommand::AcceptChange { leg, .. } => {
                let Some(known) = self.sip.get_mut(&leg) else { return };
                assert!(std::mem::take(&mut known.offered) || self.faults, "{leg} accepts what nobody offered");
                if std::mem::take(&mut known.owes_answer) {
                    let answer = Some(phone::description(Direction::SendReceive));
                    self.tell(Input::Sip(SipEvent::Confirmed { leg, answer }));
                }
            }
            SipCommand::RefuseChange { leg, .. } => {
                let Some(known) = self.sip.get_mut(&leg) else { return };
                assert!(std::mem::take(&mut known.offered) || self.faults, "{leg} refuses what nobody offered");
                known.owes_answer = false;
            }
            SipCommand::HangUp { leg, cause } if self.sip.contains_key(&leg) && leg.is_outbound() => {
                self.party_is_hung_up(leg, cause);
            }
            SipCommand::HangUp { leg, .. } if leg.is_outbound() => self.agent_is_hung_up(leg),
            SipCommand::DialTrunk { leg, trunk, number, .. } => self.party_is_called(leg, &trunk, number.reveal()),
            SipCommand::HangUp { leg, cause } => self.over(leg, cause),
            SipCommand::DialAgent { leg, extension, offer, headers, .. } => {
                self.agent_is_dialled(leg, &extension, &offer, &headers);
            }
            SipCommand::Drain
            | SipCommand::SendDigit { .. }
            | SipCommand::SetAgents(_)
            | SipCommand::RestorePhones(_)
            | SipCommand::SetMessages { .. }
            | SipCommand::SetTrunks(_) => {}
            SipCommand::Ring { leg } => self.rings(leg),
            SipCommand::TransferProgress { leg, status } => self.is_told_of_transfer(leg, status),
            SipCommand::Dial { .. } => panic!("nobody wished {command:?}"),
        }
    }

    /// The house as it was before the first caller.
    fn assert_restored(&mut self) {
        assert_eq!(self.tally.offered, self.tally.ended, "a call never ended");
        assert_eq!(self.tally.entered, self.tally.left, "a step was never left");
        assert_eq!(self.records.open(), 0, "a record was never completed");
        assert!(self.sip.is_empty(), "legs are left: {:?}", self.sip);
        assert!(self.media.is_empty(), "audio is left: {:?}", self.media);
        assert!(self.phones.is_empty(), "agents' legs are left: {:?}", self.phones);
        assert!(self.asked.is_empty(), "a service is asked for nobody: {:?}", self.asked);
        assert_eq!(self.tally.asked, self.tally.looked_up.values().sum::<u32>(), "a lookup has no end, or two");
        self.tapes.assert_kept(self.faults);
        assert_eq!(self.tally.joined, self.tally.parted.values().sum::<u32>(), "a conversation never ended");
        assert_eq!(self.tally.queued, self.tally.unqueued.values().sum::<u32>(), "a caller waits for ever");
        let after_rest = self.now + Duration::from_secs(60);
        let snapshot = self.switchboard.snapshot(after_rest);
        assert_eq!((snapshot.calls, snapshot.agent_legs, snapshot.ports_free), (0, 0, 40), "a port did not come back");
    }
}

/// Prints the seed of a run that fails, and nothing else.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat with SEED={} cargo test --test simulation", self.0);
        }
    }
}

/// The seeds to run: one of them, or as many as wanted.
fn seeds(usual: u64) -> Vec<u64> {
    let number = |name| std::env::var(name).ok().map(|value| value.parse().expect("a whole number"));
    match number("SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("SEEDS").unwrap_or(usual)).collect(),
    }
}

fn check_day(seed: u64, callers: u32, faults: bool) -> Tally {
    let printed = Seed(seed);
    let mut world = World::new(seed, callers, faults);
    world.run();
    world.assert_restored();
    drop(printed);
    world.tally.tapes = world.tapes.count();
    world.tally.surveys = world.surveys.count();
    world.tally
}

#[test]
fn a_day_of_callers_leaves_the_house_as_it_was() {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut transfers: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut called_back = Vec::new();
    let mut tapes: BTreeSet<(&str, u32)> = BTreeSet::new();
    let mut surveys: BTreeSet<&str> = BTreeSet::new();
    let mut looked_up: BTreeSet<&str> = BTreeSet::new();
    let mut passed_on: BTreeSet<(Arc<str>, Arc<str>)> = BTreeSet::new();
    for seed in seeds(6) {
        let tally = check_day(seed, 1_000, false);
        // A day on which nothing of interest happens proves nothing.
        for outcome in [Outcome::Completed, Outcome::HungUp, Outcome::Failed, Outcome::Cancelled] {
            assert!(tally.outcomes.contains_key(&outcome), "no call was {outcome:?} on day {seed}: {tally:?}");
        }
        assert!(tally.places_kept > 0, "day {seed}: {tally:?}");
        assert!(tally.refused > 20 && tally.keys > 500 && tally.holds > 50, "day {seed}: {tally:?}");
        assert!(tally.called_back > 0, "day {seed}: {tally:?}");
        surveys.extend(tally.surveys.keys());
        tapes.extend(tally.tapes.iter().map(|(word, count)| (*word, *count)));
        called_back.push(tally.called_back);
        assert!(tally.dialling > 20 && tally.not_reached > 5, "day {seed}: {tally:?}");
        transfers.extend(tally.transfers.keys());
        looked_up.extend(tally.looked_up.keys());
        passed_on.extend(tally.passed_on.keys().cloned());
        assert!(tally.joined > 50 && tally.agent_holds > 20 && tally.announced > 50, "day {seed}: {tally:?}");
        assert!(tally.whispers > 10 && tally.codes.values().sum::<u32>() > 20, "day {seed}: {tally:?}");
        seen.extend(tally.codes.keys());
        seen.extend(tally.offers.keys().chain(tally.unqueued.keys()).chain(tally.parted.keys()));
    }
    let often = called_back.iter().sum::<u32>() as usize > 20 * called_back.len();
    assert!(often || std::env::var("SEED").is_ok(), "too few are called back on these days: {called_back:?}");
    let offers = ["accepted", "busy", "declined", "failed", "no_answer", "withdrawn"];
    let outcomes = ["answered", "abandoned", "short_abandoned", "left_by_key", "no_agents", "overflowed", "timed_out"];
    let outcomes = outcomes.into_iter().chain(["callback", "failed"]);
    let codes = ["ready", "pause", "log_out", "end_wrap_up", "extend_wrap_up", "why"];
    for word in offers.into_iter().chain(outcomes).chain(["caller", "agent", "broken", "transferred"]).chain(codes) {
        assert!(seen.contains(word) || std::env::var("SEED").is_ok(), "{word} is in none of these days: {seen:?}");
    }
    for word in ["left", "hung_up", "empty", "dropped", "failed", "recorded", "muted", "read"] {
        let seen = tapes.iter().any(|(other, _)| *other == word);
        assert!(seen || std::env::var("SEED").is_ok(), "no tape was {word}: {tapes:?}");
    }
    let asked = ["after_a_queue", "as_a_step", "answered", "ten", "complete", "partial", "refused", "unanswered"];
    for word in asked {
        assert!(surveys.contains(word) || std::env::var("SEED").is_ok(), "no survey was {word}: {surveys:?}");
    }
    for outcome in ["found", "not_found", "unreachable", "refused", "timed_out", "cancelled"] {
        assert!(looked_up.contains(outcome) || std::env::var("SEED").is_ok(), "no lookup was {outcome}: {looked_up:?}");
    }
    for exit in ["answered", "busy", "no_answer", "failed", "caller_hung_up"] {
        for step in ["pass", "out"] {
            let left = passed_on.iter().any(|(name, by)| (&**name, &**by) == (step, exit));
            assert!(left || std::env::var("SEED").is_ok(), "nobody left `{step}` by {exit}: {passed_on:?}");
        }
    }
    for kind in ["blind", "attended", "replaces"].into_iter().flat_map(|kind| [(kind, "made"), (kind, "refused")]) {
        assert!(transfers.contains(&kind) || std::env::var("SEED").is_ok(), "{kind:?} is in none: {transfers:?}");
    }
}

/// Where the audio of whom an agent talks to has begun is no reason to refuse a transfer ([`colleagues`] knows all reasons).
#[test]
fn on_a_day_of_agents_who_call_each_other_whoever_is_to_be_joined_is() {
    let (mut moved, mut joined) = (0, 0);
    for seed in seeds(6) {
        let printed = Seed(seed);
        let settings = Settings { reactors: 2 + (seed % 3) as usize, ..house::settings() };
        let mut world = World::with(settings, seed, 400, seed % 2 == 0);
        world.colleagues_pause = 4_000;
        world.run();
        world.assert_restored();
        let Tally { handed_over, ref transfers, .. } = world.tally;
        joined += transfers.get(&("attended", "made")).copied().unwrap_or_default();
        moved += handed_over;
        drop(printed);
    }
    let enough = joined > 60 && moved > 5;
    assert!(
        enough || std::env::var("SEED").is_ok(),
        "only {joined} attended transfers were made, and {moved} legs moved"
    );
}

#[test]
fn a_day_on_which_events_come_twice_and_late_leaves_the_house_as_it_was() {
    for seed in seeds(6) {
        let tally = check_day(seed, 1_000, true);
        assert!(tally.offered > 500, "day {seed}: {tally:?}");
    }
}

#[test]
fn a_drain_at_any_moment_ends_every_call() {
    for seed in seeds(40) {
        let printed = Seed(seed);
        let mut world = World::new(seed, 150, true);
        let when = world.random.u64(0..2_000_000);
        world.plan(when, Happening::Tell(Input::Operator(OperatorCommand::Drain)));
        let reload = world.random.u64(0..2_000_000);
        world.plan(reload, Happening::Tell(Input::Revision(Arc::new(house::revision(1)))));
        world.run();
        world.assert_restored();
        drop(printed);
    }
}

#[test]
fn reloads_at_any_moment_strand_nobody_whatever_they_take_away() {
    for seed in seeds(40) {
        let printed = Seed(seed);
        let mut world = World::new(seed, 150, true);
        // What is kept of a queue that is gone has nowhere to go.
        world.rises = false;
        for number in 1..=12 {
            let when = world.random.u64(0..2_000_000);
            world.plan(when, Happening::Tell(Input::Revision(Arc::new(house::changed(number)))));
        }
        world.run();
        world.assert_restored();
        drop(printed);
    }
}

#[test]
fn the_same_seed_is_the_same_day() {
    let first = check_day(3, 300, true);
    let second = check_day(3, 300, true);
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
}
