//! The process could die after any input: what was kept by then makes a house in which nobody has lost a place.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use helpline::clock::Moment;
use helpline::switchboard::{
    Fact, Input, Kept, KeptAgent, KeptCaller, KeptPhone, KeptPlace, KeptQueue, KeptSwitch, Output, Switchboard,
    WallTime,
};
use helpline::telephony::SipCommand;

use super::World;
use super::agents::PHONE_CSEQ;
use crate::house;

/// What was kept, by its name.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    alive: Option<WallTime>,
    places: BTreeMap<u64, KeptPlace>,
    agents: BTreeMap<Arc<str>, KeptAgent>,
    queues: BTreeMap<Arc<str>, KeptQueue>,
    phones: BTreeMap<Arc<str>, Vec<KeptPhone>>,
    callers: BTreeMap<u64, KeptCaller>,
    switches: BTreeMap<Arc<str>, KeptSwitch>,
}

impl Disk {
    /// Takes facts that were told together.
    pub fn take(&mut self, facts: Vec<Fact>) {
        for fact in facts {
            match fact {
                Fact::Place { entry, kept } => replace(&mut self.places, entry, kept),
                Fact::Agent { extension, kept } => replace(&mut self.agents, extension, kept),
                Fact::Queue { name, kept } => replace(&mut self.queues, name, kept),
                Fact::Phones { extension, kept } if kept.is_empty() => drop(self.phones.remove(&extension)),
                Fact::Phones { extension, kept } => drop(self.phones.insert(extension, kept)),
                Fact::Caller { label, kept } => replace(&mut self.callers, label, kept),
                Fact::Hours { name, kept } => replace(&mut self.switches, name, kept.map(Box::new)),
                Fact::Alive(at) => self.alive = Some(at),
            }
        }
    }

    fn kept(&self) -> Kept {
        Kept {
            seed: 7,
            alive: self.alive,
            places: self.places.values().cloned().collect(),
            agents: self.agents.values().cloned().collect(),
            queues: self.queues.values().cloned().collect(),
            callers: self.callers.values().cloned().collect(),
            switches: self.switches.values().cloned().collect(),
            phones: self
                .phones
                .iter()
                .flat_map(|(extension, phones)| phones.iter().map(|phone| (extension.clone(), phone.clone())))
                .collect(),
        }
    }
}

fn replace<K: Ord, V>(all: &mut BTreeMap<K, V>, key: K, new: Option<Box<V>>) {
    match new {
        Some(new) => all.insert(key, *new),
        None => all.remove(&key),
    };
}

impl World {
    /// Begins the house anew from what was kept, beside the one that goes on.
    pub fn rise(&mut self) {
        self.disk.take(self.switchboard.keep_now(self.now));
        let died = self.disk.clone();
        let now = self.now + Duration::from_secs(self.random.u64(0..20));
        let random = fastrand::Rng::with_seed(self.random.u64(..));
        let revision = Arc::new(house::revision(0));
        let (mut risen, first, lost) =
            Switchboard::restored(now, &died.kept(), self.settings.clone(), house::calendar(), revision, random);
        risen.assert_consistent();
        assert_eq!(lost, 0, "the queues are the same");
        let restored = first.iter().find_map(|output| match output {
            Output::Sip(SipCommand::RestorePhones(phones)) => Some(phones.as_slice()),
            _ => None,
        });
        let restored = restored.unwrap_or_default().iter().map(|(extension, phone)| (extension.as_str(), phone.cseq));
        let registered = self.phones_told.iter().filter(|(_, count)| **count > 0);
        let registered = registered.map(|(extension, _)| (extension.as_str(), PHONE_CSEQ));
        assert!(restored.eq(registered), "who had a phone has another, or none");
        let mut again = Disk::default();
        again.take(risen.keep_now(now));
        assert!(again.places.keys().all(|entry| died.places.contains_key(entry)), "a place is there that was over");
        for (entry, place) in &died.places {
            let Some(found) = again.places.get(entry) else { continue };
            let mine = |place: &KeptPlace| (place.queue.clone(), place.label, place.priority, place.place_time);
            assert_eq!(mine(place), mine(found), "another has the place");
            assert_eq!((place.position, place.tries, &place.skills), (found.position, found.tries, &found.skills));
            self.tally.places_kept += 1;
        }
        assert!(died.agents.keys().eq(again.agents.keys()) && died.queues.keys().eq(again.queues.keys()));
        for (extension, agent) in &died.agents {
            let found = &again.agents[extension];
            let mine = |agent: &KeptAgent| (agent.presence.clone(), agent.signed_off, agent.misses, agent.calls);
            assert_eq!(mine(agent), mine(found), "{extension}");
        }
        let ended = |disk: &Disk| disk.queues.values().flat_map(|queue| queue.outcomes.values()).sum::<u64>();
        let there = |disk: &Disk| disk.places.len() as u64;
        assert_eq!(ended(&died) + there(&died), ended(&again) + there(&again), "a caller counts twice or not at all");
        self.run_dry(&mut risen, now);
    }

    /// Nobody comes back: the places of those who were on the line are given up, and nothing is left to do.
    fn run_dry(&self, risen: &mut Switchboard, mut now: Moment) {
        let end = now + Duration::from_secs(600);
        while let Some(deadline) = risen.deadline().filter(|deadline| *deadline <= end) {
            now = now.max(deadline);
            risen.handle(now, Input::Expired);
            risen.assert_consistent();
        }
        for queue in risen.view(end).queues {
            assert_eq!(queue.snapshot.callers_waiting, 0, "{}: somebody waits without a line", queue.name);
        }
    }
}
