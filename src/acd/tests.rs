//! Scenarios in virtual time: a script of what happens, and what the distributor wants done about it.

use std::time::Duration;

use super::*;

/// A distributor and a script for it: one line a thing that happens, told by `Stage::play`.
struct Scene {
    distributor: Distributor,
    now: Moment,
    offers: BTreeMap<AgentId, OfferId>,
    last_offers: BTreeMap<AgentId, OfferId>,
}

fn two_agents() -> QueueSettings {
    queue(&[(1, 0), (2, 0)])
}

fn queue(members: &[(u32, u8)]) -> QueueSettings {
    let members = members.iter().map(|(agent, tier)| Member { agent: AgentId(*agent), tier: *tier }).collect();
    QueueSettings { members, ..QueueSettings::new(QueueId(0)) }
}

fn agent(agent: u32, skills: &[(u16, u8)]) -> AgentSettings {
    let skills = Skills::new(skills.iter().map(|(skill, level)| (SkillId(*skill), *level)));
    AgentSettings { agent: AgentId(agent), skills }
}

fn settings(queues: Vec<QueueSettings>) -> Settings {
    Settings { queues, agents: (1..=4).map(|number| agent(number, &[])).collect() }
}

impl Scene {
    fn new(settings: Settings) -> Scene {
        Scene {
            distributor: Distributor::new(settings, fastrand::Rng::with_seed(1)),
            now: Moment::ZERO,
            offers: BTreeMap::new(),
            last_offers: BTreeMap::new(),
        }
    }

    /// Plays the script: `at seconds` and then what happens. Every deadline on the way comes in time.
    fn play(&mut self, script: &str) -> String {
        let mut told = String::new();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (at, rest) = line.split_once(' ').expect("a time and what happens");
            let at = Moment::ZERO + Duration::from_secs_f64(at.parse().expect("seconds"));
            while let Some(due) = self.distributor.deadline().filter(|due| *due <= at) {
                self.tell(due, Input::Expired, &mut told);
            }
            for input in self.read(rest) {
                self.tell(at, input, &mut told);
            }
        }
        told
    }

    fn read(&self, words: &str) -> Vec<Input> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap_or_else(|_| panic!("a number in {words:?}"));
        let entry = || EntryId(number(1));
        let agent = || AgentId(number(1) as u32);
        let command = |command| Input::Agent { agent: agent(), command };
        let left = |why| Input::CallerLeft { entry: entry(), why };
        vec![match words[0] {
            "wait" => Input::Expired,
            "enter" => Input::CallerEntered(self.entering(&words)),
            "abandon" => left(Leaving::Abandoned),
            "key" => left(Leaving::ByKey),
            "drop" => left(Leaving::Dropped),
            "resume" => Input::CallerResumed { entry: entry() },
            "callback" => Input::CallbackWanted { entry: entry() },
            "reached" => Input::CallbackAnswered { entry: entry() },
            "missed" => Input::CallbackFailed { entry: entry() },
            "bridge" => Input::Bridged { entry: entry() },
            "heard" => Input::AnnouncementFinished { entry: entry() },
            "menu" => Input::MenuOpened { entry: entry() },
            "music" => Input::MenuClosed { entry: entry() },
            "up" => return vec![Input::AgentReachable { agent: agent() }, command(AgentCommand::Ready)],
            "ready" => command(AgentCommand::Ready),
            "pause" => command(AgentCommand::Pause("tea".into())),
            "out" => command(AgentCommand::LogOut),
            "done" => command(AgentCommand::EndWrapUp),
            "more" => command(AgentCommand::ExtendWrapUp(Duration::from_secs(number(2)))),
            "gone" => Input::AgentUnreachable { agent: agent() },
            "back" => Input::AgentReachable { agent: agent() },
            "accept" => Input::OfferAccepted { offer: self.last_offers[&agent()] },
            "fault" => Input::OfferRefused { offer: self.offers[&agent()], reason: Refused::OurFault },
            "busy" => Input::OfferRefused { offer: self.offers[&agent()], reason: Refused::Busy },
            "hold" => Input::AgentHolds { agent: agent(), holding: true },
            "unhold" => Input::AgentHolds { agent: agent(), holding: false },
            "hang" => Input::AgentLegEnded { agent: agent() },
            "listen" => Input::AgentListens { agent: agent(), listening: true },
            "unlisten" => Input::AgentListens { agent: agent(), listening: false },
            "direct" => Input::DirectCallBegan { agent: agent() },
            "indirect" => Input::DirectCallEnded { agent: agent() },
            other => panic!("nothing is called {other}"),
        }]
    }

    /// `enter ENTRY [queue N] [priority N] [since SECONDS] [wants SKILL]`
    fn entering(&self, words: &[&str]) -> Entering {
        let of = |name: &str| {
            words.iter().position(|word| *word == name).map(|at| words[at + 1].parse::<u64>().expect("a number"))
        };
        let entry = words[1].parse().expect("a number");
        let wanted = of("wants").map(|skill| (SkillId(skill as u16), 1));
        let later = of("relaxes").map(|after| (Duration::from_secs(after), Skills::default()));
        Entering {
            entry: EntryId(entry),
            queue: QueueId(of("queue").unwrap_or(0) as u16),
            priority: Priority(of("priority").unwrap_or(0) as u8),
            wants: Wants { at_first: Skills::new(wanted), later: later.into_iter().collect() },
            place_time: of("since").map(|since| Moment::ZERO + Duration::from_secs(since)),
            label: CallerLabel(entry),
            callback: words.contains(&"callback"),
            told: Told::default(),
        }
    }

    fn tell(&mut self, at: Moment, input: Input, told: &mut String) {
        let mut out = Vec::new();
        self.now = at;
        self.distributor.handle(at, input, &mut out);
        self.distributor.assert_consistent();
        for output in out {
            match &output {
                Output::Offer { offer, agent, .. } => {
                    self.offers.insert(*agent, *offer);
                    self.last_offers.insert(*agent, *offer);
                }
                Output::Withdraw { agent, .. } => {
                    self.offers.remove(agent);
                }
                _ => {}
            }
            if let Some(words) = words(&output) {
                let seconds = at.as_micros() as f64 / 1e6;
                told.push_str(&format!("{seconds} {words}\n"));
            }
        }
    }

    fn state(&self, agent: u32) -> AgentState {
        self.distributor.agent(self.now, AgentId(agent)).expect("there is such an agent").state
    }

    fn figures(&self) -> QueueFigures {
        self.distributor.queue(self.now, QueueId(0)).expect("there is such a queue").figures
    }
}

fn words(output: &Output) -> Option<String> {
    Some(match output {
        Output::Offer { agent, entry, callback, .. } => {
            format!("offer {entry} to {agent}{}", if *callback { ", a callback" } else { "" })
        }
        Output::Withdraw { agent, .. } => format!("withdraw from {agent}"),
        Output::LateAccept { .. } => "late: hang up".into(),
        Output::Connect { entry, agent } => format!("connect {entry} to {agent}"),
        Output::Release { agent } => format!("release {agent}"),
        Output::CallBack { entry, agent, attempt, .. } => {
            let waits = agent.map(|agent| format!(" for {agent}")).unwrap_or_default();
            format!("call back {entry}{waits}, attempt {attempt}")
        }
        Output::CancelCallBack { entry } => format!("cancel the call to {entry}"),
        Output::Announce { entry, words } => {
            let place = match words.place {
                SpokenPlace::YouAreNext => "you are next".into(),
                SpokenPlace::Number(number) => format!("you are number {number} in line"),
                SpokenPlace::MoreThanTen => "there are more than ten callers ahead of you".into(),
                SpokenPlace::Comfort if words.aside => "aside".into(),
                SpokenPlace::Comfort => "thank you for waiting".into(),
            };
            let wait = match words.wait {
                Some(SpokenWait::Minutes(minutes)) => format!(", about {minutes} min"),
                Some(SpokenWait::MoreThanTwenty) => ", more than twenty minutes".into(),
                None => String::new(),
            };
            format!("{entry} hears: {place}{wait}")
        }
        Output::Ended { entry, outcome, go, .. } => {
            let go = go.map(|Target(target)| format!(", goes to {target}")).unwrap_or_default();
            format!("{entry} ended: {}{go}", outcome.name())
        }
        Output::Note(_) => return None,
    })
}

/// Plays a script against queues and compares all that is wanted, line by line.
fn check(settings: Settings, script: &str, expected: &str) -> Scene {
    let mut scene = Scene::new(settings);
    let told = scene.play(script);
    let expected: String =
        expected.lines().map(str::trim).filter(|l| !l.is_empty()).map(|l| format!("{l}\n")).collect();
    assert_eq!(told, expected, "\n--- told\n{told}--- expected\n{expected}");
    scene
}

mod agents;
mod callers;
mod duty;
