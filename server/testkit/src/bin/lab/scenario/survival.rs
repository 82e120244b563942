//! Traffic does not depend on our processes: the agent is killed, the console stopped, both come back, and no kernel
//! row is written again.

use std::time::Duration;

use anyhow::{Result, bail};
use testkit::traffic::Traffic;

use super::nat::TABLE;
use crate::network::{DIRECTORS, Servers};
use crate::stage::{PATIENCE, Stage, no_failure, writes};

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let (console, api, agents) = stage.cluster(&stage.scenario_a_apart(Servers::Nat)?)?;
    let [primary, backup] = &DIRECTORS;
    let [agent, _agent_of_backup] = agents;
    stage.wait_for_table(primary, TABLE)?;

    let mut traffic = stage.traffic(Duration::from_millis(20))?;
    traffic.wait_for_answers(20, PATIENCE)?;
    no_failure(&traffic.tally().failed)?;

    agent.kill()?;
    stage.say("kill -9 of the primary's agent");
    served(&stage, &mut traffic, "while the agent is gone")?;
    stage.wait_for_table(primary, TABLE)?;

    let agent = stage.agent(primary)?;
    let shown = stage.wait_in_sync(&api, primary)?;
    no_writes(&stage, "the restarted agent", &shown)?;
    served(&stage, &mut traffic, "through the agent's restart")?;

    console.stop().map(drop)?;
    stage.say("console stopped");
    served(&stage, &mut traffic, "while the console is gone")?;
    agent.kill()?;
    let agent = stage.agent(primary)?;
    served(&stage, &mut traffic, "with an agent that started from its own file")?;
    stage.wait_for_table(primary, TABLE)?;

    // The same folder: the same certificates and tokens.
    let _console = stage.start_console("console", 3636)?;
    for director in [primary, backup] {
        let shown = stage.wait_in_sync(&api, director)?;
        if director == primary {
            no_writes(&stage, "the agent that started without a console", &shown)?;
        }
    }
    stage.say("the console is back and shows both in sync");
    served(&stage, &mut traffic, "after the console's return")?;
    stage.wait_for_table(primary, TABLE)?;

    let status = agent.stop()?;
    stage.say(&format!("agent told to end: {status}"));
    served(&stage, &mut traffic, "after an ordinary end of the agent")?;
    stage.wait_for_table(primary, TABLE)
}

fn served(stage: &Stage, traffic: &mut Traffic, when: &str) -> Result<()> {
    let before = traffic.tally().answers();
    traffic.wait_for_answers(before + 50, PATIENCE)?;
    let tally = traffic.tally();
    no_failure(&tally.failed)?;
    stage.say(&format!("{when}: {} more requests answered, none failed", tally.answers() - before));
    Ok(())
}

fn no_writes(stage: &Stage, who: &str, shown: &serde_json::Value) -> Result<()> {
    match writes(shown)? {
        0 => {
            stage.say(&format!("{who} has written nothing to the kernel"));
            Ok(())
        }
        count => bail!("{who} has written to the kernel {count} times"),
    }
}
