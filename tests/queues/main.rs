//! Queues and agents in virtual time: random days from seeds, and the honesty of what waiting callers are told.
//!
//! `SEED=7 cargo test --test queues` repeats one; `SEEDS=200 CALLS=1000000 cargo test --release --test queues` soaks.

mod calibration;
mod death;
mod model;
mod world;

use std::collections::BTreeMap;

use world::World;

/// A number from the environment.
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a whole number")))
}

/// The seeds to run: one of them, or as many as wanted.
pub fn seeds(usual: u64) -> Vec<u64> {
    match number("SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SEEDS").unwrap_or(usual)).collect(),
    }
}

#[test]
fn random_days_keep_every_promise() {
    let seeds = seeds(24);
    let calls = number("CALLS").unwrap_or(24 * 150).div_ceil(seeds.len() as u64);
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    let mut inputs = 0;
    for seed in &seeds {
        println!("SEED={seed}");
        let mut world = World::new(*seed, calls, 1);
        world.run();
        inputs += world.inputs;
        for (what, count) in &world.told {
            *told.entry(what).or_default() += count;
        }
    }
    println!("{inputs} inputs: {told:#?}");
    if seeds.len() >= 24 {
        for what in [
            "answered",
            "abandoned",
            "short_abandoned",
            "timed_out",
            "overflowed",
            "no_agents",
            "left_by_key",
            "callback",
            "failed",
            "late accept",
            "withdrawn",
            "released",
            "callback cancelled",
            "announced",
            "wait spoken",
        ] {
            assert!(told.contains_key(what), "no day had anything {what}: {told:?}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_journal() {
    for seed in seeds(3).into_iter().take(3) {
        let journal = |seed| World::new(seed, 60, 1).run();
        assert_eq!(journal(seed), journal(seed), "SEED={seed}");
        assert_ne!(journal(seed), journal(seed + 1_000), "SEED={seed}");
    }
}

#[test]
fn a_process_that_dies_takes_no_place_with_it() {
    let seeds = seeds(24);
    let calls = number("CALLS").unwrap_or(24 * 100).div_ceil(seeds.len() as u64);
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in &seeds {
        println!("SEED={seed}");
        let mut world = World::mortal(*seed, calls);
        world.run();
        for (what, count) in &world.told {
            *told.entry(what).or_default() += count;
        }
    }
    println!("{told:#?}");
    if seeds.len() >= 24 {
        for what in ["died", "kept on the line", "kept to be called", "kept wrap-up", "kept pause", "kept by name"] {
            assert!(told.contains_key(what), "no day had anything {what}: {told:?}");
        }
    }
}
