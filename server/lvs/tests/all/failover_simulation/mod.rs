//! Two directors in thousands of bad worlds: loss, partitions, crashes, hangs, restarts, orders. After every step no
//! promise of `lvs::failover` may be broken.
//!
//! A world is its seed: `CARIBE_SEED=17 cargo test -p lvs --test failover_simulation one_world -- --nocapture` plays
//! one and tells what happens. More worlds with `PROPTEST_CASES`.

mod chance;
mod node;
mod storm;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use world::{Flaw, World};

/// Worlds of an ordinary run; a long one plays as many as `PROPTEST_CASES` says where that is more.
const WORLDS: u64 = 20_000;

fn worlds() -> u64 {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(0).max(WORLDS)
}

/// Plays so many worlds; what went wrong in some of them.
fn broken(worlds: u64, world: impl Fn(u64) -> World + Sync) -> String {
    let next = AtomicU64::new(0);
    let broken: Vec<String> = std::thread::scope(|scope| {
        let play = || {
            let mut broken = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= worlds || broken.len() > 3 {
                    return broken;
                }
                if let Err(why) = world(seed).play() {
                    broken.push(format!("seed {seed}: {why}"));
                }
            }
        };
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(play)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    broken.join("\n")
}

#[test]
fn no_world_breaks_a_promise() {
    let broken = broken(worlds(), |seed| World::new(seed, Flaw::None));
    assert!(broken.is_empty(), "{broken}");
}

/// Both directors boot while no beat can arrive: one of them owns, and never both.
#[test]
fn a_power_cut_with_blocked_ports_has_one_owner() {
    let broken = broken(worlds() / 4, |seed| World::after_a_power_cut(seed, Flaw::None));
    assert!(broken.is_empty(), "{broken}");
    let caught = (0..400).find_map(|seed| World::after_a_power_cut(seed, Flaw::LooksAway).play().err());
    assert!(caught.is_some_and(|caught| caught.contains("two owners")));
}

#[test]
fn one_world() {
    let seed = std::env::var("CARIBE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut world = World::new(seed, Flaw::None);
    let outcome = world.play();
    for line in &world.told {
        println!("{line}");
    }
    assert_eq!(outcome, Ok(()), "seed {seed}");
}

/// The promises are worth something only if breaking them is noticed.
#[test]
fn every_planted_flaw_is_caught() {
    for (flaw, expected) in [
        (Flaw::DeafToActive, "two owners"),
        (Flaw::NeverRecovers, "no owner"),
        (Flaw::ForgetsEpochs, "claimed twice"),
        (Flaw::ClaimsUnheard, "without listening"),
        (Flaw::Sleepwalks, "two owners"),
        (Flaw::KeepsAddresses, "kernels"),
        (Flaw::SeesNetwork, "cut off"),
    ] {
        let caught = (0..400).find_map(|seed| World::new(seed, flaw).play().err());
        let caught = caught.unwrap_or_else(|| panic!("{flaw:?} was not noticed"));
        assert!(caught.contains(expected), "{flaw:?} was noticed as: {caught}");
    }
}
