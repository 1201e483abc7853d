//! Whether the spoken wait is honest: on simulated queues three of five real waits lie inside the band that stands
//! behind the spoken figure, and nobody is ever told a longer wait than what is left of the last.

use std::collections::BTreeMap;
use std::time::Duration;

use helpline::acd::*;
use helpline::clock::Moment;

/// How long calls take.
#[derive(Clone, Copy, Debug)]
enum Handle {
    /// M/M/s.
    Exponential,
    /// With this deviation of the logarithm.
    Lognormal(f64),
}

impl Handle {
    /// A time whose mean is `mean` seconds.
    fn draw(self, random: &mut fastrand::Rng, mean: f64) -> f64 {
        match self {
            Handle::Exponential => -mean * (1.0 - random.f64()).ln(),
            Handle::Lognormal(deviation) => {
                let normal =
                    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (2.0 * std::f64::consts::PI * random.f64()).cos();
                mean * (deviation * normal - deviation * deviation / 2.0).exp()
            }
        }
    }
}

#[derive(Debug, Default)]
struct Told {
    /// Of spoken waits whose callers were answered: inside, below and above the band.
    inside: u64,
    below: u64,
    above: u64,
    /// Answered no later than the minutes that were said.
    kept: u64,
}

impl Told {
    /// A caller's wait counts once: that from the first figure they were told.
    fn answered(&mut self, now: Moment, spoken: Vec<(Moment, Band, SpokenWait)>) {
        let Some((at, band, wait)) = spoken.into_iter().next() else { return };
        let real = (now - at).as_secs_f64();
        match (real < band.low_seconds, real > band.high_seconds) {
            (true, _) => self.below += 1,
            (_, true) => self.above += 1,
            _ => self.inside += 1,
        }
        self.kept += u64::from(wait.promise().is_none_or(|most| now - at <= most));
    }
}

/// What is left of the wait that was told never grows, but for the one minute that may always be said.
pub fn assert_no_longer(last: (Moment, SpokenWait), new: (Moment, SpokenWait)) {
    let minutes = |wait| if let SpokenWait::Minutes(minutes) = wait { minutes } else { u32::MAX };
    let (before, after) = (minutes(last.1), minutes(new.1));
    assert!(after <= before, "{last:?}, then {new:?}");
    if after > 1 && before < u32::MAX {
        let end = |at: Moment, minutes: u32| at + Duration::from_secs(60 * u64::from(minutes));
        assert!(end(new.0, after) <= end(last.0, before), "{last:?}, then {new:?}");
    }
}

/// A queue of agents who never leave.
fn settings(agents: u32) -> Settings {
    let members = (0..agents).map(|agent| Member { agent: AgentId(agent), tier: 0 }).collect();
    let queue = QueueSettings {
        members,
        wrap_up: Duration::ZERO,
        wait_max: Duration::from_secs(86_400),
        callers_max: 10_000,
        ..QueueSettings::new(QueueId(0))
    };
    let agent = |agent| AgentSettings { agent: AgentId(agent), skills: Skills::default() };
    Settings { queues: vec![queue], agents: (0..agents).map(agent).collect() }
}

/// A queue with `agents` that is offered `load` of what they can do, for `calls` calls.
fn run(seed: u64, agents: u32, load: f64, handle: Handle, calls: u64) -> Told {
    const MEAN: f64 = 180.0;
    let mut random = fastrand::Rng::with_seed(seed);
    let queue = QueueId(0);
    let mut distributor = Distributor::new(settings(agents), fastrand::Rng::with_seed(seed));
    let mut events: BTreeMap<(Moment, u64), Input> = BTreeMap::new();
    let (mut now, mut sequence, mut entries) = (Moment::ZERO, 0, 0);
    for agent in (0..agents).map(AgentId) {
        distributor.handle(now, Input::AgentReachable { agent }, &mut Vec::new());
        distributor.handle(now, Input::Agent { agent, command: AgentCommand::Ready }, &mut Vec::new());
    }
    let mut arrival = Some(now);
    let mut spoken: BTreeMap<EntryId, Vec<(Moment, Band, SpokenWait)>> = BTreeMap::new();
    let mut told = Told::default();
    loop {
        let event = events.keys().next().map(|(moment, _)| *moment);
        let Some(next) = event.into_iter().chain(arrival).chain(distributor.deadline()).min() else { break };
        now = now.max(next);
        let input = if arrival == Some(next) {
            entries += 1;
            let gap = -MEAN / (f64::from(agents) * load) * (1.0 - random.f64()).ln();
            arrival = (entries < calls).then(|| now + Duration::from_secs_f64(gap));
            Input::CallerEntered(Entering {
                entry: EntryId(entries),
                queue,
                priority: Priority(0),
                wants: Wants::default(),
                place_time: None,
                label: CallerLabel(entries),
                callback: false,
                told: helpline::acd::Told::default(),
            })
        } else if event == Some(next) {
            events.pop_first().expect("it was seen").1
        } else {
            Input::Expired
        };
        let mut todo = vec![input];
        while let Some(input) = todo.pop() {
            let mut out = Vec::new();
            distributor.handle(now, input, &mut out);
            for output in out {
                let mut later = |seconds: f64, input| {
                    sequence += 1;
                    events.insert((now + Duration::from_secs_f64(seconds), sequence), input);
                };
                match output {
                    Output::Offer { offer, .. } => todo.push(Input::OfferAccepted { offer }),
                    Output::Connect { entry, agent } => {
                        todo.push(Input::Bridged { entry });
                        later(handle.draw(&mut random, MEAN), Input::AgentLegEnded { agent });
                    }
                    Output::Announce { entry, .. } => later(5.0, Input::AnnouncementFinished { entry }),
                    Output::Note(Note::SpokenWait { entry, band, spoken: wait, .. }) => {
                        let said = spoken.entry(entry).or_default();
                        if let Some((at, _, last)) = said.last() {
                            assert_no_longer((*at, *last), (now, wait));
                        }
                        said.push((now, band, wait));
                    }
                    Output::Note(Note::Ended { entry, outcome, .. }) => {
                        assert_eq!(outcome, Outcome::Answered);
                        told.answered(now, spoken.remove(&entry).unwrap_or_default());
                    }
                    _ => {}
                }
            }
        }
    }
    told
}

#[test]
fn three_of_five_waits_lie_in_the_band() {
    let calls = super::number("CALIBRATION").unwrap_or(16_000);
    for (agents, load, handle) in [
        (3, 0.85, Handle::Exponential),
        (5, 0.85, Handle::Exponential),
        (5, 0.9, Handle::Exponential),
        (20, 0.95, Handle::Exponential),
        (50, 0.97, Handle::Exponential),
        (5, 0.9, Handle::Lognormal(0.83)),
        (20, 0.95, Handle::Lognormal(0.9)),
    ] {
        let mut sum = Told::default();
        let seeds = super::number("SEED").map_or(vec![1, 2, 3, 4], |seed| vec![seed]);
        for seed in seeds {
            // Many agents pass through fewer busy times in as many calls.
            let calls = calls / 4 * u64::from(1 + agents / 25);
            let told = run(seed, agents, load, handle, calls);
            sum.inside += told.inside;
            sum.below += told.below;
            sum.above += told.above;
            sum.kept += told.kept;
        }
        let all = sum.inside + sum.below + sum.above;
        let share = |part: u64| part as f64 / all as f64;
        println!(
            "{agents:3} agents, load {load}, {handle:?}: {all} waits spoken, {:.3} inside, {:.3} shorter, {:.3} longer, {:.3} kept",
            share(sum.inside),
            share(sum.below),
            share(sum.above),
            share(sum.kept)
        );
        assert!(all > 500, "too few were spoken to judge: {all}");
        assert!((0.55..=0.65).contains(&share(sum.inside)), "{agents} {load} {handle:?}: {}", share(sum.inside));
    }
}
