//! `caribe serve --agent`: keeps an agent running beside the console, as a process of its own.
//!
//! The agent outlives the console: it is started in a process group of its own, is never ended from here, and a console
//! that starts again finds it by the lock on its folder. It reads its own settings; nothing is passed to it but where
//! its folder and its port are.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::settings::Agent;

/// How often it is looked whether the agent still runs, and the shortest time between two starts.
const LOOK: Duration = Duration::from_secs(2);

/// Starts the agent where none runs on that folder, and again whenever it has ended.
pub(crate) async fn keep(settings: Agent) {
    loop {
        match director::in_use(&settings.data) {
            Ok(true) => {}
            Ok(false) => {
                if let Err(error) = start_and_wait(&settings).await {
                    tracing::error!(%error, "the embedded agent could not be started");
                }
            }
            Err(error) => tracing::error!(%error, "the embedded agent's folder cannot be used"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn start_and_wait(settings: &Agent) -> std::io::Result<()> {
    let mut agent = Command::new(std::env::current_exe()?)
        .arg("agent")
        .arg("--data")
        .arg(&settings.data)
        .arg("--listen")
        .arg(settings.listen.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .kill_on_drop(false)
        .spawn()?;
    tracing::info!(pid = agent.id(), "agent started");
    let status = agent.wait().await?;
    tracing::warn!(%status, "agent ended");
    Ok(())
}
