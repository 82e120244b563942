//! `caribe serve --agent` on a director: the agent is a process of its own. It outlives a killed console and an ordinary
//! end of one, is found again by the next, and is started again when it is the one that died.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use testkit::caribe::Agent;
use testkit::process::{self, Signal};
use testkit::traffic::Traffic;
use testkit::wait::{self, Seen};

use super::nat::TABLE;
use crate::network::{DIRECTORS, Servers};
use crate::stage::{CLUSTER, PATIENCE, Stage, no_failure, writes};

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let [primary, backup] = &DIRECTORS;
    let data = stage.data("embedded-agent");
    let settings =
        format!("[agent]\ndata = {:?}\nlisten = \"{}\"\n", data.to_string_lossy(), primary.agent());
    let settings = stage.keep("caribe.toml", &settings)?;

    let console = stage.console_with_agent(primary, &settings)?;
    let waiting = the_agent(&data)?;
    // Killed before it has said so, it would have started one that nobody counts.
    wait::until("the console says that it started it", PATIENCE, || {
        Ok(if started(&stage)? == 1 { Seen::Yes(()) } else { Seen::not_yet("it has not") })
    })?;
    stage.say("it started its agent, which waits for its director to join");
    let again = console.again();
    console.kill()?;
    let console = again()?;
    // The next console has looked for an agent when it has answered this.
    let token = console.token("lab", &[])?;
    let api = console.api(&token)?;
    api.make_it_so(CLUSTER, &stage.scenario_a_apart(Servers::Nat)?)?;
    same(&data, waiting, "a console killed before the director joined")?;

    let made = api.join_token(CLUSTER, primary.name, &primary.agent().to_string())?;
    let program = stage.caribe(primary.namespace);
    let joined =
        Agent::join(&program, &data, &console.url(), &made.token, &console.fingerprint, primary.agent())?;
    if !joined.status.success() {
        bail!("{} could not join: {}", primary.name, joined.said());
    }
    let _agent_of_backup = stage.join(&console, &api, backup)?;
    for director in &DIRECTORS {
        stage.wait_in_sync(&api, director)?;
    }
    stage.wait_for_table(primary, TABLE)?;
    same(&data, waiting, "joining")?;
    let started = started(&stage)?;
    if started != 1 {
        bail!("an agent was started {started} times");
    }
    let mut traffic = stage.traffic(Duration::from_millis(20))?;
    traffic.wait_for_answers(20, PATIENCE)?;
    no_failure(&traffic.tally().failed)?;

    let (_, before) = stage.settled(&api, primary)?;
    let again = console.again();
    console.kill()?;
    stage.say("kill -9 of the console");
    served(&stage, &mut traffic, "while the console is gone")?;
    same(&data, waiting, "the console's death")?;
    let console = again()?;
    let shown = stage.wait_in_sync(&api, primary)?;
    same(&data, waiting, "the console's return")?;
    if writes(&shown)? != before {
        bail!("{} writes to the kernel before the console died, {} after", before, writes(&shown)?);
    }
    stage.say("the next console shows the same agent in sync, which has written nothing more");

    process::send(Signal::KILL, waiting)?;
    stage.say("kill -9 of the agent");
    let second = wait::until("another agent", PATIENCE, || match the_agent(&data)? {
        id if id == waiting => Ok(Seen::not_yet("the killed one is still there")),
        id => Ok(Seen::Yes(id)),
    })?;
    let shown = stage.wait_in_sync(&api, primary)?;
    if writes(&shown)? != 0 {
        bail!("the agent that was started again has written {} times", writes(&shown)?);
    }
    served(&stage, &mut traffic, "through the agent's restart by the console")?;

    let status = console.stop()?;
    stage.say(&format!("console told to end: {status}"));
    served(&stage, &mut traffic, "after an ordinary end of the console")?;
    same(&data, second, "an ordinary end of the console")?;
    process::send(Signal::TERM, second)?;
    wait::until("the end of the agent", PATIENCE, || {
        let left = agents(&data)?;
        Ok(if left.is_empty() { Seen::Yes(()) } else { Seen::not_yet(format!("{left:?} still run")) })
    })?;
    served(&stage, &mut traffic, "after an ordinary end of the agent")?;
    stage.wait_for_table(primary, TABLE)
}

/// How often the consoles have started an agent.
fn started(stage: &Stage) -> Result<usize> {
    Ok(std::fs::read_to_string(stage.log("console"))?.matches("agent started").count())
}

fn served(stage: &Stage, traffic: &mut Traffic, when: &str) -> Result<()> {
    let before = traffic.tally().answers();
    traffic.wait_for_answers(before + 50, PATIENCE)?;
    no_failure(&traffic.tally().failed)?;
    stage.say(&format!("{when}: {} more requests answered, none failed", traffic.tally().answers() - before));
    Ok(())
}

/// The one agent on that folder; waits for it to start.
fn the_agent(data: &Path) -> Result<u32> {
    wait::until("one agent", PATIENCE, || {
        Ok(match agents(data)?.as_slice() {
            [one] => Seen::Yes(*one),
            others => Seen::not_yet(format!("there are {others:?}")),
        })
    })
}

/// Fails unless the one agent is still that process.
fn same(data: &Path, id: u32, after: &str) -> Result<()> {
    match agents(data)?.as_slice() {
        [one] if *one == id => Ok(()),
        others => bail!("after {after} the agent is not process {id} alone, there are {others:?}"),
    }
}

/// Process ids of the agents on that folder, by their command lines (`caribe agent --data DATA …`).
fn agents(data: &Path) -> Result<Vec<u32>> {
    let data = data.to_string_lossy();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(id) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // It may have ended in the meantime; a zombie has no command line.
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        let mut words = line.split('\0').skip(1);
        if words.next() == Some("agent") && words.any(|word| word == data) {
            found.push(id);
        }
    }
    Ok(found)
}
