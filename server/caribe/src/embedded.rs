//! `caribe serve --agent`: keeps an agent running beside the console, as a process of its own.
//!
//! The agent outlives the console: it is started in a process group of its own, is never ended from here, and a console
//! that starts again finds it by the lock on its folder, or by its port while it waits to join. It reads its own settings; nothing is passed to it but where
//! its folder and its port are, and which programs it may run.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::settings::Agent;

/// How often it is looked whether the agent still runs, and the shortest time between two starts.
const LOOK: Duration = Duration::from_secs(2);
/// The longest time between two starts of an agent that ends soon every time.
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait before the next start: longer each time the agent ends soon, short again once it has run for a while.
#[derive(Debug, PartialEq, Eq)]
struct Pace {
    wait: Duration,
}

impl Pace {
    fn new() -> Self {
        Pace { wait: Duration::ZERO }
    }

    /// The agent has ended, after so long: the wait before its next start, and whether it is another than before.
    fn ended(&mut self, ran: Duration) -> (Duration, bool) {
        let next = if ran >= LONGEST { LOOK } else { (self.wait * 2).clamp(LOOK, LONGEST) };
        let changed = next != self.wait;
        self.wait = next;
        (next, changed)
    }
}

/// Starts the agent where none runs on that folder, and again whenever it has ended.
pub(crate) async fn keep(settings: Agent) {
    let mut pace = Pace::new();
    loop {
        let mut wait = LOOK;
        match director::in_use(&settings.data) {
            Ok(true) => {}
            Ok(false) if listens(settings.listen) => {}
            Ok(false) => {
                let begun = Instant::now();
                let ended = start_and_wait(&settings).await;
                let changed;
                (wait, changed) = pace.ended(begun.elapsed());
                if changed {
                    tell(&ended, wait);
                }
            }
            Err(error) => tracing::error!(%error, "the embedded agent's folder cannot be used"),
        }
        tokio::time::sleep(wait).await;
    }
}

/// Says how the agent ended; once for each length of the wait, since its own log says why every time.
fn tell(ended: &std::io::Result<std::process::ExitStatus>, wait: Duration) {
    let next_start_s = wait.as_secs();
    match ended {
        Ok(status) => {
            tracing::warn!(%status, next_start_s, "the embedded agent ended; it is started again after a wait that grows to 60 s");
        }
        Err(error) => tracing::error!(%error, next_start_s, "the embedded agent could not be started"),
    }
}

/// Whether somebody has the agent's port: an agent that waits for its director to join holds nothing else yet.
fn listens(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

async fn start_and_wait(settings: &Agent) -> std::io::Result<std::process::ExitStatus> {
    let mut agent = Command::new(std::env::current_exe()?)
        .arg("agent")
        .arg("--data")
        .arg(&settings.data)
        .arg("--listen")
        .arg(settings.listen.to_string())
        .args(settings.programs.iter().flat_map(|folder| [OsStr::new("--programs"), folder.as_os_str()]))
        .args(settings.programs_user.iter().flat_map(|user| ["--programs-user", user]))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .kill_on_drop(false)
        .spawn()?;
    tracing::info!(pid = agent.id(), "agent started");
    agent.wait().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_ends_at_once_is_started_ever_more_rarely_and_that_is_said_once_each() {
        let mut pace = Pace::new();
        let waits: Vec<_> = (0..8).map(|_| pace.ended(Duration::from_millis(50))).collect();
        let seconds: Vec<_> = waits.iter().map(|(wait, _)| wait.as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 16, 32, 60, 60, 60]);
        let said: Vec<_> = waits.iter().map(|(_, changed)| *changed).collect();
        assert_eq!(said, [true, true, true, true, true, true, false, false]);
        assert_eq!(pace.ended(Duration::from_secs(3600)), (LOOK, true), "one that ran is started again soon");
    }
}
