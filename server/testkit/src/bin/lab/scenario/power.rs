//! A power cut of both directors, after which no beat arrives for 30 s: one of them serves long before that, and never
//! both.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testkit::process;

use crate::network::{self, DIRECTORS, Director, Servers};
use crate::pair::{EVERY, Figures, deaf, gone, holds, owner, runs, settled, state};
use crate::stage::{PATIENCE, Stage};

const LIMIT: Duration = Duration::from_millis(200);
const BLOCKED: Duration = Duration::from_secs(30);
/// The longest a client may wait: what a director listens after a boot, a look for the addresses, a slow machine.
const LONGEST: u64 = 29_000;
pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let (_console, api, mut agents) = stage.cluster(&stage.pair(Servers::Nat, false)?)?;
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    let mut figures = Figures::default();
    let mut traffic = stage.traffic_within(EVERY, LIMIT)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    for _ in 0..runs() {
        settled(&api, second)?;
        agents.into_iter().try_for_each(|agent| agent.kill())?;
        for director in &DIRECTORS {
            forget(&stage, director)?;
        }
        traffic.forget();
        for director in &DIRECTORS {
            deaf(director, true)?;
        }
        let began = Instant::now();
        agents = [stage.agent(first)?, stage.agent(second)?];
        let mut owned = None;
        while began.elapsed() < BLOCKED {
            let here = [holds(first)?, holds(second)?];
            if here == [true, true] {
                bail!("both hold the address {:.1} s after the boot", began.elapsed().as_secs_f32());
            }
            if owned.is_none() && here.contains(&true) {
                owned = Some(began.elapsed());
                stage.say(&format!("an owner after {:.1} s", began.elapsed().as_secs_f32()));
            }
        }
        let states = [state(&api, first)?, state(&api, second)?];
        stage.say(&format!("while no beat arrives: {states:?}"));
        if states.iter().filter(|state| *state == "active").count() != 1 || owned.is_none() {
            bail!("not one owner while no beat arrives: {states:?}, {owned:?}");
        }
        for director in &DIRECTORS {
            deaf(director, false)?;
        }
        let (active, standby) = if holds(first)? { (first, second) } else { (second, first) };
        owner(&api, active, standby)?;
        settled(&api, standby)?;
        figures.note(
            &stage,
            &mut traffic,
            "a power cut of both directors, beats blocked for 30 s",
            LONGEST,
        )?;
        if std::ptr::eq(active, second) {
            crate::pair::order(&api, second, "switch-over", true)?;
            owner(&api, first, second)?;
        }
    }
    figures.show(&stage);
    drop(agents);
    Ok(())
}

/// What a power cut leaves of a director's kernel and memory: nothing; of its disk: everything, written during another
/// boot.
fn forget(stage: &Stage, director: &Director) -> Result<()> {
    // Nobody renews the addresses' life any more.
    gone(director)?;
    process::run(network::within(director.namespace, &["ipvsadm", "-C"]))?;
    let file = stage.data(director.namespace).join("heartbeat.json");
    let mut page: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    *page.get_mut("boot").context("no boot is noted")? = json!("an earlier boot");
    std::fs::write(&file, serde_json::to_vec(&page)?)?;
    Ok(())
}
