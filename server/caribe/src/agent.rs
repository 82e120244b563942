//! `caribe agent` and `caribe agent join`: the director's half with its listener.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use director::{Agent, OpenError};
use rustls::server::ClientHello;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::{cli, listen, notify, settings, signals};

/// How often a director that has not joined yet looks whether it has.
const LOOK: Duration = Duration::from_secs(1);

/// How long the command that joins may hold the folder after its identity is there; more than it waits for a console.
const JOINING: Duration = Duration::from_secs(60);

/// Runs the agent until told to stop; waits first until this director has joined a console.
pub(crate) async fn run(arguments: cli::Agent, settings: settings::Agent) -> anyhow::Result<()> {
    let cli::Agent { place, release, metrics, command: _ } = arguments;
    let data = place.data.unwrap_or(settings.data);
    let address = place.listen.unwrap_or(settings.listen);
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let metrics = match metrics.or(settings.metrics.0) {
        Some(address) => {
            let bound = TcpListener::bind(address).await;
            Some(bound.with_context(|| format!("cannot listen on {address} for metrics"))?)
        }
        None => None,
    };
    let programs = if place.programs.is_empty() { settings.programs } else { place.programs };
    let user = place.programs_user.or(settings.programs_user);
    let programs_user = user.filter(|user| !user.is_empty());
    let settings = director::Settings { data, listen: address, programs, programs_user };
    warn_of_this_machine();
    let agent = tokio::select! {
        agent = open(settings) => agent?,
        stop = signals::stop() => return Ok(stop?),
    };

    let service = service(&agent)?;
    agent.start_here()?;
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(listen::serve(listener, service, stopped));
    println!("listening https://{address}");
    notify::ready(&format!("director {}, listening on {address}", agent.identity().director));
    let watched = agent.clone();
    let alive = tokio::spawn(notify::keep_alive(async move || watched.answers().await));
    let scraped = match metrics {
        Some(listener) => {
            println!("metrics https://{}/metrics", listener.local_addr()?);
            let service = metrics_service(&agent)?;
            Some(tokio::spawn(listen::serve(listener, service, stop.subscribe())))
        }
        None => None,
    };

    signals::stop().await?;
    tracing::info!(release, "stopping");
    notify::ending();
    alive.abort();
    stop.send_replace(true);
    agent.stop(release).await;
    serving.await?;
    if let Some(scraped) = scraped {
        scraped.await?;
    }
    Ok(())
}

/// What the listener for monitoring systems serves.
pub(crate) fn metrics_service(agent: &Agent) -> anyhow::Result<listen::Service> {
    let tls = agent.metrics_config()?;
    Ok(listen::Service {
        choose: Arc::new(move |_: &ClientHello<'_>| Arc::clone(&tls)),
        mark: |_, _| {},
        router: agent.metrics_router()?,
    })
}

/// What an agent's listener serves, to the console.
pub(crate) fn service(agent: &Agent) -> anyhow::Result<listen::Service> {
    let tls = agent.server_config()?;
    Ok(listen::Service {
        choose: Arc::new(move |_: &ClientHello<'_>| Arc::clone(&tls)),
        mark: |_, _| {},
        router: agent.router(),
    })
}

/// Says at once what would keep this machine from being a director, rather than after somebody has let it join.
fn warn_of_this_machine() {
    for trouble in director::preflight() {
        eprintln!("caribe: this machine is not ready to be a director: {trouble}");
    }
}

/// Opens the agent, waiting for this director to join where it has not: units start before people do.
async fn open(settings: director::Settings) -> anyhow::Result<Agent> {
    let mut waited = None;
    loop {
        match Agent::open(settings.clone()) {
            Err(why) if waits(&why, &mut waited, Instant::now()) => {}
            opened => return Ok(opened?),
        }
        notify::alive();
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether to look again. `waited` is when this director was last seen without an identity.
fn waits(why: &OpenError, waited: &mut Option<Instant>, now: Instant) -> bool {
    match why {
        OpenError::NotJoined(_) => {
            if waited.replace(now).is_none() {
                println!("waiting: {why}");
                notify::ready("waiting for this director to join a console");
            }
            true
        }
        // The command that has just joined still has the folder, or somebody joins once more.
        OpenError::InUse(_) => waited.is_some_and(|last| now.duration_since(last) < JOINING),
        _ => false,
    }
}

/// Enrols this director at a console.
pub(crate) async fn join(join: cli::Join, settings: settings::Agent) -> anyhow::Result<()> {
    let data = join.place.data.unwrap_or(settings.data);
    let port = join.place.listen.unwrap_or(settings.listen).port();
    warn_of_this_machine();
    let token = if join.token == "-" { first_line()? } else { join.token };
    let joined = director::join(&data, &join.url, token.trim(), &join.fingerprint, port).await?;
    println!("joined as director {} of installation {}", joined.director, joined.installation);
    Ok(())
}

fn first_line() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read the token from standard input")?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_command_that_joins_does_not_end_an_agent_that_waits_for_it() {
        let (missing, taken) = (OpenError::NotJoined(PathBuf::new()), OpenError::InUse(PathBuf::new()));
        let start = Instant::now();
        let mut waited = None;
        assert!(!waits(&taken, &mut waited, start), "an agent that runs already is told at once");
        assert!(waits(&missing, &mut waited, start));
        assert!(waits(&missing, &mut waited, start + LOOK));
        assert!(waits(&taken, &mut waited, start + 2 * LOOK));
        assert!(!waits(&taken, &mut waited, start + LOOK + JOINING), "not for ever");
    }
}
