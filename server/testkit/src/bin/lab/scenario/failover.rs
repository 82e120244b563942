//! Two directors that watch each other, with default settings and a client that asks every 20 ms: the active one is cut
//! off, killed, stopped, told to hand over. Each time one of them serves, and the longest wait of the client is said.

use std::time::Duration;

use anyhow::{Result, bail};
use testkit::caribe::Agent;
use testkit::process::Signal;

use crate::network::{DIRECTORS, Servers};
use crate::pair::{EVERY, Figures, cables, cut, found_at, gone, one_owner, order, owner, runs, settled};
use crate::stage::{PATIENCE, Stage};

/// How long a request may take.
const LIMIT: Duration = Duration::from_millis(200);
/// The longest a client may wait when a director dies: the deadtime of 500 ms and a margin for an emulated machine.
const LONGEST: u64 = 2_000;
/// The same where it hands over: one request may be on its way, and is lost after its limit.
const PLANNED: u64 = 700;

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let content = stage.pair(Servers::Nat, false)?;
    let (_console, api, [mut a, b]) = stage.cluster(&content)?;
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    let mut figures = Figures::default();
    let mut traffic = stage.traffic_within(EVERY, LIMIT)?;
    traffic.wait_for_answers(50, PATIENCE)?;

    for _ in 0..runs() {
        // Planned: without connection sync, no more than what is on its way at that moment.
        settled(&api, second)?;
        traffic.forget();
        order(&api, first, "switch-over", false)?;
        owner(&api, second, first)?;
        figures.note(&stage, &mut traffic, "planned switch-over without sync", PLANNED)?;

        // The active one is cut off, as if its machine had died.
        settled(&api, first)?;
        traffic.forget();
        cut(second, true)?;
        one_owner(first)?;
        figures.note(&stage, &mut traffic, "the active director cut off", LONGEST)?;
        traffic.forget();
        cut(second, false)?;
        owner(&api, first, second)?;
        figures.note(&stage, &mut traffic, "the split healed", LONGEST)?;
        found_at(first)?;

        // Its agent is killed: its kernel keeps the address until the lease ends, and the partner takes over before.
        settled(&api, second)?;
        traffic.forget();
        a.kill()?;
        one_owner(second)?;
        gone(first)?;
        figures.note(&stage, &mut traffic, "kill -9 of the active agent", LONGEST)?;
        a = stage.agent(first)?;
        owner(&api, second, first)?;

        // It hangs, and goes on much later.
        settled(&api, first)?;
        traffic.forget();
        b.signal(Signal::STOP)?;
        one_owner(first)?;
        gone(second)?;
        figures.note(&stage, &mut traffic, "the active agent stopped (SIGSTOP)", LONGEST)?;
        traffic.forget();
        b.signal(Signal::CONT)?;
        owner(&api, first, second)?;
        figures.note(&stage, &mut traffic, "and continued", LONGEST)?;

        // An ordinary end hands over first.
        settled(&api, second)?;
        traffic.forget();
        end(a)?;
        one_owner(second)?;
        gone(first)?;
        figures.note(&stage, &mut traffic, "an ordinary end of the active agent", PLANNED)?;
        a = stage.agent(first)?;
        owner(&api, second, first)?;

        // A needed interface loses its carrier; the heartbeat goes on over the other one.
        settled(&api, first)?;
        traffic.forget();
        cables(second, &["eth0"], true)?;
        one_owner(first)?;
        figures.note(&stage, &mut traffic, "the active director's public interface down", LONGEST)?;
        cables(second, &["eth0"], false)?;
        owner(&api, first, second)?;
    }
    figures.show(&stage);
    drop((a, b));
    Ok(())
}

fn end(agent: Agent) -> Result<()> {
    let status = agent.stop()?;
    if status.success() { Ok(()) } else { bail!("the agent ended with {status}") }
}
