//! `caribe serve`: the console with its listener.
//!
//! One port serves browsers, the API and agents. Which certificate a peer is shown, and whether it is asked for one,
//! depends only on whether it offers the protocol name of agents in its first message.

use std::sync::Arc;

use anyhow::Context;
use axum::http::Extensions;
use console::Console;
use lvs::wire::AGENT_ALPN;
use rustls::server::ClientHello;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::settings::Settings;
use crate::{cli, embedded, listen, signals};

/// Serves until told to stop.
pub(crate) async fn run(arguments: cli::Serve, settings: Settings) -> anyhow::Result<()> {
    let data = arguments.data.unwrap_or(settings.serve.data);
    let address = arguments.listen.unwrap_or(settings.serve.listen);
    let mut host_names = settings.serve.names;
    host_names.extend(arguments.names);

    let console = Console::open(console::Settings { data, host_names }).await?;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let (web, agents) = (console.pki().web_server_config()?, console.pki().agent_server_config()?);
    let choose = move |hello: &ClientHello<'_>| {
        let agent = hello.alpn().is_some_and(|mut names| names.any(|name| name == AGENT_ALPN));
        Arc::clone(if agent { &agents } else { &web })
    };
    let service = listen::Service { choose: Arc::new(choose), mark, router: web::router(console.clone()) };

    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(listen::serve(listener, service, stopped));
    console.start();
    println!("listening https://{address}");
    println!("fingerprint {}", console.pki().ca_fingerprint());
    println!("browser-certificate {}", console.pki().web_fingerprint());
    let codes = tokio::spawn(print_setup_codes(console.setup_codes()));
    let embedded =
        (arguments.agent || settings.serve.agent).then(|| tokio::spawn(embedded::keep(settings.agent)));

    signals::stop().await?;
    tracing::info!("stopping");
    stop.send_replace(true);
    codes.abort();
    if let Some(embedded) = embedded {
        embedded.abort();
    }
    console.stop().await;
    serving.await?;
    Ok(())
}

/// Marks requests of agents, so that the agents' endpoints answer nobody else.
fn mark(extensions: &mut Extensions, alpn: Option<&[u8]>) {
    if alpn == Some(AGENT_ALPN) {
        extensions.insert(web::AgentConnection);
    }
}

/// Prints the one-time code of the first account, again whenever it was renewed; ends once an account exists.
async fn print_setup_codes(mut codes: watch::Receiver<Option<String>>) {
    loop {
        if let Some(code) = codes.borrow_and_update().as_deref() {
            println!("setup-code {code}");
        }
        if codes.changed().await.is_err() {
            return;
        }
    }
}
