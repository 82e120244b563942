//! `caribe serve`: the console with its listener.
//!
//! One port serves browsers, the API and agents. Which certificate a peer is shown, and whether it is asked for one,
//! depends only on whether it offers the protocol name of agents in its first message.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use axum::http::Extensions;
use console::Console;
use lvs::wire::AGENT_ALPN;
use rustls::server::ClientHello;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::settings::Settings;
use crate::{backup, cli, embedded, listen, notify, signals};

/// Serves until told to stop.
pub(crate) async fn run(arguments: cli::Serve, settings: Settings) -> anyhow::Result<()> {
    let data = arguments.data.unwrap_or(settings.serve.data);
    let address = arguments.listen.unwrap_or(settings.serve.listen);
    let local_webhooks = settings.serve.local_webhooks;
    let mut host_names = settings.serve.names;
    host_names.extend(arguments.names);

    let named = host_names.first().cloned();
    let console = Console::open(console::Settings { data, host_names, local_webhooks }).await?;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    console.listens_on(address);
    if let Some(folder) = backup::folder(&settings.backup) {
        console.backs_up_into(folder);
    }
    let service = service(&console)?;

    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(listen::serve(listener, service, stopped));
    console.start();
    println!("listening https://{address}");
    println!("open {}", to_open(named.as_deref(), address));
    println!("fingerprint {}", console.pki().ca_fingerprint());
    println!("browser-certificate {}", console.pki().web_fingerprint());
    notify::ready(&format!("console at {}", to_open(named.as_deref(), address)));
    let watched = console.clone();
    let alive = tokio::spawn(notify::keep_alive(async move || watched.has_accounts().await.is_ok()));
    let codes = tokio::spawn(print_setup_codes(console.setup_codes()));
    let backups = tokio::spawn(backup::keep(console.clone(), settings.backup));
    let embedded =
        (arguments.agent || settings.serve.agent).then(|| tokio::spawn(embedded::keep(settings.agent)));

    signals::stop().await?;
    tracing::info!("stopping");
    notify::ending();
    alive.abort();
    stop.send_replace(true);
    codes.abort();
    backups.abort();
    if let Some(embedded) = embedded {
        embedded.abort();
    }
    console.stop().await;
    serving.await?;
    Ok(())
}

/// What a person types into a browser: the address it listens on may be that of no machine (`0.0.0.0`).
fn to_open(named: Option<&str>, address: SocketAddr) -> String {
    let host = match (named, address.ip()) {
        (Some(name), _) if name.parse::<Ipv6Addr>().is_ok() => format!("[{name}]"),
        (Some(name), _) => name.to_owned(),
        (None, ip) if ip.is_unspecified() => "localhost".to_owned(),
        (None, IpAddr::V6(ip)) => format!("[{ip}]"),
        (None, ip) => ip.to_string(),
    };
    format!("https://{host}:{}", address.port())
}

/// What the console's listener serves, to browsers and to agents.
pub(crate) fn service(console: &Console) -> anyhow::Result<listen::Service> {
    let (web, agents) = (console.pki().web_server_config()?, console.pki().agent_server_config()?);
    let choose = move |hello: &ClientHello<'_>| {
        let agent = hello.alpn().is_some_and(|mut names| names.any(|name| name == AGENT_ALPN));
        Arc::clone(if agent { &agents } else { &web })
    };
    Ok(listen::Service { choose: Arc::new(choose), mark, router: web::router(console.clone()) })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_an_address_that_can_be_opened() {
        let open = |named, address: &str| to_open(named, address.parse().unwrap());
        assert_eq!(open(Some("c.example"), "0.0.0.0:3636"), "https://c.example:3636");
        assert_eq!(open(Some("2001:db8::1"), "[::]:443"), "https://[2001:db8::1]:443");
        assert_eq!(open(None, "0.0.0.0:3636"), "https://localhost:3636");
        assert_eq!(open(None, "[::]:3636"), "https://localhost:3636");
        assert_eq!(open(None, "[::1]:3636"), "https://[::1]:3636");
        assert_eq!(open(None, "192.0.2.1:3636"), "https://192.0.2.1:3636");
    }
}
