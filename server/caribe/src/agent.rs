//! `caribe agent` and `caribe agent join`: the director's half with its listener.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use director::{Agent, OpenError};
use rustls::server::ClientHello;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::{cli, listen, settings, signals};

/// How often a director that has not joined yet looks whether it has.
const LOOK: Duration = Duration::from_secs(1);

/// Runs the agent until told to stop; waits first until this director has joined a console.
pub(crate) async fn run(
    place: cli::AgentPlace,
    release: bool,
    settings: settings::Agent,
) -> anyhow::Result<()> {
    let data = place.data.unwrap_or(settings.data);
    let address = place.listen.unwrap_or(settings.listen);
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let settings = director::Settings { data, listen: address };
    let agent = tokio::select! {
        agent = open(settings) => agent?,
        stop = signals::stop() => return Ok(stop?),
    };

    let tls = agent.server_config()?;
    agent.start_here()?;
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

/// Opens the agent, waiting for this director to join where it has not: units start before people do.
async fn open(settings: director::Settings) -> anyhow::Result<Agent> {
    let mut said = false;
    loop {
        match Agent::open(settings.clone()) {
            Err(waiting @ OpenError::NotJoined(_)) if !said => {
                println!("waiting: {waiting}");
                said = true;
            }
            Err(OpenError::NotJoined(_)) => {}
            opened => return Ok(opened?),
        }
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
    std::io::stdin().read_line(&mut line).context("cannot read the token from standard input")?;
    Ok(line)
}
