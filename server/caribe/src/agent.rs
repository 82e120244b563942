//! `caribe agent` and `caribe agent join`: the director's half with its listener.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use director::Agent;
use kernel::{LinuxAnnouncer, LinuxKernel};
use rustls::server::ClientHello;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::{cli, listen, settings, signals};

/// How often a director that has not joined yet looks whether it has.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps two agents from working on one folder: both would own the same rows of the kernel.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "held, not read: closing the file gives the lock back")] File);

impl Lock {
    /// Takes the lock of a folder, making the folder where it is not there; `None` where another process holds it.
    fn take(data: &Path) -> io::Result<Option<Self>> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data)?;
        let file = File::options().create(true).append(true).open(data.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether another process holds it.
    pub(crate) fn is_held(data: &Path) -> io::Result<bool> {
        Ok(Lock::take(data)?.is_none())
    }
}

/// Runs the agent until told to stop; waits first until this director has joined a console.
pub(crate) async fn run(place: cli::AgentPlace, release: bool, settings: settings::Agent) -> anyhow::Result<()> {
    let data = place.data.unwrap_or(settings.data);
    let address = place.listen.unwrap_or(settings.listen);
    let Some(_lock) = Lock::take(&data).with_context(|| data.display().to_string())? else {
        bail!("another agent already runs on {}", data.display());
    };
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;

    if !director::has_joined(&data) {
        println!("not joined: run `caribe agent join` with the command that the console's page shows");
        tokio::select! {
            () = joined(&data) => {}
            stop = signals::stop() => return Ok(stop?),
        }
    }
    let agent = Agent::open(director::Settings { data, listen: address })?;
    let tls = agent.server_config()?;
    agent.start(Box::new(LinuxKernel::open()?), Box::new(LinuxAnnouncer::open()?))?;
    let service = listen::Service {
        choose: Arc::new(move |_: &ClientHello<'_>| Arc::clone(&tls)),
        mark: |_, _| {},
        router: agent.router(),
    };
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(listen::serve(listener, service, stopped));
    println!("listening https://{address}");

    signals::stop().await?;
    tracing::info!(release, "stopping");
    stop.send_replace(true);
    agent.stop(release).await;
    serving.await?;
    Ok(())
}

async fn joined(data: &Path) {
    while !director::has_joined(data) {
        tokio::time::sleep(LOOK).await;
    }
}

/// Enrols this director at a console.
pub(crate) async fn join(join: cli::Join, settings: settings::Agent) -> anyhow::Result<()> {
    let data = join.place.data.unwrap_or(settings.data);
    let port = join.place.listen.unwrap_or(settings.listen).port();
    let token = if join.token == "-" { first_line()? } else { join.token };
    let joined = director::join(&data, &join.url, token.trim(), &join.fingerprint, port).await?;
    println!("joined as director {} of installation {}", joined.director, joined.installation);
    Ok(())
}

fn first_line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("cannot read the token from standard input")?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_has_one_agent() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("agent");
        let lock = Lock::take(&data).unwrap();
        assert!(lock.is_some());
        assert!(Lock::is_held(&data).unwrap());
        drop(lock);
        assert!(!Lock::is_held(&data).unwrap());
    }
}
