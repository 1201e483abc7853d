//! What a decision of the distributor costs with 10,000 callers waiting and 1,000 agents, input by input.
//! `cargo bench --bench distributor`; `CALLERS`, `AGENTS` and `ROUNDS` change the size.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use helpline::acd::*;
use helpline::clock::Moment;

const QUEUES: u16 = 10;

fn main() {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (callers, agents, rounds) = (number("CALLERS", 10_000), number("AGENTS", 1_000), number("ROUNDS", 20_000));
    for strategy in [Strategy::LongestIdle, Strategy::RoundRobin, Strategy::Random] {
        for queues in [1, QUEUES] {
            println!("\n{strategy:?}, {callers} callers, {agents} agents, {queues} queues an agent");
            Floor::new(strategy, queues, callers, agents).measure(rounds);
        }
    }
}

struct Floor {
    distributor: Distributor,
    now: Moment,
    next: u64,
    queues: u16,
    agents: u32,
    random: fastrand::Rng,
    out: Vec<Output>,
    costs: BTreeMap<&'static str, Vec<u32>>,
}

impl Floor {
    fn new(strategy: Strategy, queues: u16, callers: u64, agents: u64) -> Floor {
        let settings = Settings {
            queues: (0..queues)
                .map(|queue| QueueSettings {
                    strategy,
                    members: (0..agents as u32)
                        .map(|agent| Member { agent: AgentId(agent), tier: (agent % 3) as u8 })
                        .collect(),
                    callers_max: 100_000,
                    wait_max: Duration::from_secs(100_000),
                    ..QueueSettings::new(QueueId(queue))
                })
                .collect(),
            agents: (0..agents as u32)
                .map(|agent| AgentSettings { agent: AgentId(agent), skills: skills(u64::from(agent)) })
                .collect(),
        };
        let mut floor = Floor {
            distributor: Distributor::new(settings, fastrand::Rng::with_seed(1)),
            now: Moment::from_millis(1_000),
            next: 0,
            queues,
            agents: agents as u32,
            random: fastrand::Rng::with_seed(2),
            out: Vec::new(),
            costs: BTreeMap::new(),
        };
        for agent in (0..floor.agents).map(AgentId) {
            floor.tell("warm", Input::AgentReachable { agent });
            floor.tell("warm", Input::Agent { agent, command: AgentCommand::Ready });
        }
        for caller in 0..callers {
            // The first meet a floor of ready agents, the others none.
            floor.enter(if caller < agents { "caller meets the ready" } else { "warm" });
        }
        floor.costs.retain(|what, _| *what == "caller meets the ready");
        floor
    }

    fn tell(&mut self, what: &'static str, input: Input) {
        self.now += Duration::from_micros(700);
        // What is due is timed apart from the decision.
        while let Some(due) = self.distributor.deadline().filter(|due| *due <= self.now) {
            self.time("deadline", due, Input::Expired);
            self.obey();
        }
        self.time(what, self.now, input);
        self.obey();
    }

    fn time(&mut self, what: &'static str, now: Moment, input: Input) {
        self.out.clear();
        let began = Instant::now();
        self.distributor.handle(now, input, &mut self.out);
        let took = began.elapsed().as_nanos() as u32;
        self.costs.entry(what).or_default().push(took);
    }

    /// Announcements end, so that they come again.
    fn obey(&mut self) {
        for output in std::mem::take(&mut self.out) {
            if let Output::Announce { entry, .. } = output {
                self.time("announcement finished", self.now, Input::AnnouncementFinished { entry });
            }
        }
    }

    fn enter(&mut self, what: &'static str) {
        let entry = EntryId(self.next);
        self.next += 1;
        let wants = Wants { at_first: skills(self.next % 7), later: Vec::new() };
        let priority = Priority(self.random.u8(..3));
        let queue = QueueId(self.random.u16(..self.queues));
        let label = CallerLabel(self.next);
        self.tell(
            what,
            Input::CallerEntered(Entering {
                entry,
                queue,
                priority,
                wants,
                place_time: None,
                label,
                told: Told::default(),
                callback: false,
            }),
        );
    }

    fn measure(&mut self, rounds: u64) {
        let mut rings: BTreeMap<AgentId, (OfferId, EntryId)> = BTreeMap::new();
        for round in 0..rounds {
            self.enter("caller enters");
            let gone = EntryId(self.random.u64(..self.next));
            self.tell("caller leaves", Input::CallerLeft { entry: gone, why: Leaving::Abandoned });
            let agent = AgentId((round % u64::from(self.agents)) as u32);
            let snapshot = self.distributor.agent(self.now, agent).expect("it is there");
            if let (AgentState::Ringing, Some(entry)) = (snapshot.state, snapshot.entry)
                && let Some((offer, _)) = rings.remove(&agent).filter(|(_, rung)| *rung == entry)
            {
                self.tell("agent accepts", Input::OfferAccepted { offer });
                self.tell("bridged", Input::Bridged { entry });
                self.tell("agent's leg ends", Input::AgentLegEnded { agent });
            }
            self.now += Duration::from_micros(1);
            self.out.clear();
            let began = Instant::now();
            let command = AgentCommand::Ready;
            self.distributor.handle(self.now, Input::Agent { agent, command }, &mut self.out);
            let took = began.elapsed().as_nanos() as u32;
            self.costs.entry("agent is ready").or_default().push(took);
            for output in &self.out {
                if let Output::Offer { offer, agent, entry, .. } = output {
                    rings.insert(*agent, (*offer, *entry));
                }
            }
            let began = Instant::now();
            std::hint::black_box(self.distributor.position(EntryId(self.next - 1)));
            self.costs.entry("(position)").or_default().push(began.elapsed().as_nanos() as u32);
        }
        let waiting: usize = (0..self.queues)
            .map(|q| self.distributor.queue(self.now, QueueId(q)).map_or(0, |q| q.callers_waiting))
            .sum();
        println!("{waiting} wait at the end; µs an input:");
        for (what, costs) in &mut self.costs {
            costs.sort_unstable();
            let at = |share: f64| f64::from(costs[((costs.len() - 1) as f64 * share) as usize]) / 1e3;
            println!(
                "{what:24} {:8} times  p50 {:7.2}  p99 {:7.2}  p99.9 {:7.2}  max {:8.2}",
                costs.len(),
                at(0.5),
                at(0.99),
                at(0.999),
                at(1.0)
            );
        }
    }
}

/// One of seven things to know, or to want.
fn skills(number: u64) -> Skills {
    match number % 7 {
        0 => Skills::default(),
        own => Skills::new([(SkillId(own as u16), 1), (SkillId(7), 1 + (own % 3) as u8)]),
    }
}
