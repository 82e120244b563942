//! `caribe ctl`: the console's REST API as commands, for scripts, pipelines and people on a terminal.
//!
//! It decides nothing: every rule is the console's, every answer is shown as it came. It needs no folder of the console
//! and no right on this machine; who it is, the token says. Called by `main`.

mod changes;
mod client;
mod console;
mod directors;
mod files;
mod orders;
mod profile;
mod show;
mod status;
mod tree;
mod trust;
pub(crate) mod words;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use client::{Client, Refused, part};
use profile::{Profile, Profiles, ask_for_token, token_of_environment};
use show::{at, items, row, table};
use trust::Fingerprint;
use words::{Command, Ctl, Form, Place};

/// Differences, or not yet everywhere.
const INCOMPLETE: u8 = 3;

/// What a command brought.
struct Done {
    /// The API's answer, for `--output json`.
    body: Value,
    /// The same for people.
    text: Shown,
    /// Whether there is nothing left to wait for, and no difference.
    complete: bool,
}

/// What people are shown.
enum Shown {
    Text(String),
    /// It has been printed already.
    Nothing,
}

impl Done {
    fn all(body: Value, text: String) -> Done {
        Done { body, text: Shown::Text(text), complete: true }
    }

    fn partly(body: Value, text: String) -> Done {
        Done { body, text: Shown::Text(text), complete: false }
    }
}

/// Runs one command.
pub(crate) async fn run(asked: Ctl) -> Result<ExitCode> {
    let form = asked.place.output;
    let done = match asked.command {
        Command::Login { console } => login(&asked.place, &console).await?,
        Command::Logout => {
            if !Profiles::load()?.remove(&asked.place.profile)? {
                bail!("there is no profile {:?}", asked.place.profile);
            }
            Done::all(Value::Null, String::new())
        }
        command => {
            let client = connect(&asked.place)?;
            tokio::select! {
                done = answer(&client, command, form) => done?,
                // What waits or watches is ended by a person; nothing is half done by that.
                stopped = crate::signals::stop() => {
                    stopped?;
                    return Ok(ExitCode::from(130));
                }
            }
        }
    };
    let text = match (form, done.text) {
        (Form::Json, Shown::Text(_)) => format!("{:#}\n", done.body),
        (Form::Table, Shown::Text(text)) => text,
        (_, Shown::Nothing) => String::new(),
    };
    // A reader that has gone (`| head`) is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(if done.complete { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

/// Runs a command without profiles and environment; whether there is nothing left to wait for.
#[cfg(test)]
pub(crate) async fn run_as(asked: Ctl, url: &str, token: &str, certificate: &str) -> Result<bool> {
    let client = Client::new(url, token, Some(Fingerprint::parse(certificate)?))?;
    Ok(answer(&client, asked.command, asked.place.output).await?.complete)
}

async fn answer(client: &Client, command: Command, form: Form) -> Result<Done> {
    match command {
        // Done without a console, by `run`.
        Command::Login { .. } | Command::Logout => Ok(Done::all(Value::Null, String::new())),
        Command::Clusters => clusters(client).await,
        Command::Status { cluster } => status::once(client, &cluster).await,
        Command::Watch { cluster } => status::watch(client, &cluster, form).await,
        Command::Get { cluster, folder, running } => {
            files::get(client, &cluster, folder.as_deref(), running).await
        }
        Command::Apply(apply) => changes::apply(client, &apply).await,
        Command::Diff(wanted) => changes::diff(client, &wanted).await,
        Command::Plan { cluster, of } => changes::plan(client, &cluster, of.as_deref()).await,
        Command::Drafts { cluster } => changes::drafts(client, &cluster).await,
        Command::Ask { cluster, message } => changes::ask(client, &cluster, &message).await,
        Command::Activate { cluster, of, tag, message, keep_within } => {
            let theirs = of.as_deref().zip(tag.as_deref());
            changes::activate(client, &cluster, theirs, &message, keep_within).await
        }
        Command::Discard { cluster } => changes::discard(client, &cluster).await,
        Command::Keep { cluster } => changes::trial(client, &cluster, "keep").await,
        Command::Undo { cluster } => changes::trial(client, &cluster, "undo").await,
        Command::Revisions { cluster } => changes::revisions(client, &cluster).await,
        Command::Rollback { cluster, revision, message } => {
            changes::rollback(client, &cluster, revision, &message).await
        }
        Command::Drain(drain) => orders::drain(client, &drain).await,
        Command::Enable(target) => orders::server(client, &target, "enabled").await,
        Command::Disable(target) => orders::server(client, &target, "disabled").await,
        Command::SwitchOver { cluster, force } => orders::switch_over(client, &cluster, force).await,
        Command::Hold { cluster, director } => {
            orders::director(client, (&cluster, &director), "hold", false).await
        }
        Command::Resume { cluster, director } => {
            orders::director(client, (&cluster, &director), "resume", false).await
        }
        Command::Check { cluster, server } => orders::check(client, &cluster, &server).await,
        Command::Vips { cluster } => status::vips(client, &cluster).await,
        Command::HeartbeatKey { cluster } => directors::heartbeat_key(client, &cluster).await,
        Command::Join { cluster, director, dial } => {
            directors::join(client, (&cluster, &director), dial.as_deref()).await
        }
        Command::Enrollments => directors::enrollments(client).await,
        Command::EndEnrollment { cluster, director } => {
            directors::end_enrollment(client, (&cluster, &director)).await
        }
        Command::Revoke { cluster, director } => directors::revoke(client, (&cluster, &director)).await,
        Command::Audit { cluster, limit } => console::audit(client, cluster.as_deref(), limit).await,
        Command::Backup => console::backup(client).await,
        Command::Import(import) => files::import(client, &import).await,
        Command::Export { cluster, to, folder } => {
            files::export(client, &cluster, to, folder.as_deref()).await
        }
        Command::Events { cluster, follow } => status::events(client, &cluster, follow, form).await,
    }
}

/// The console that profile, environment and flags mean.
fn connect(place: &Place) -> Result<Client> {
    let profiles = match (&place.url, token_of_environment()) {
        // Enough said; a pipeline has no home.
        (Some(url), Some(token)) => {
            let certificate = place.certificate.as_deref().map(Fingerprint::parse).transpose()?;
            return Client::new(url, &token, certificate);
        }
        _ => Profiles::load()?,
    };
    let profile = profiles.get(&place.profile).with_context(|| {
        format!(
            "there is no profile {:?}; make it with `caribe ctl login https://CONSOLE:3636`, or set CARIBE_URL and \
             CARIBE_TOKEN",
            place.profile
        )
    })?;
    let certificate = place.certificate.as_deref().or(profile.certificate.as_deref());
    let token = token_of_environment().unwrap_or_else(|| profile.token.clone());
    let url = place.url.as_deref().unwrap_or(&profile.url);
    Client::new(url, &token, certificate.map(Fingerprint::parse).transpose()?)
}

/// Tries address, certificate and token, then remembers them.
async fn login(place: &Place, console: &str) -> Result<Done> {
    let mut profiles = Profiles::load()?;
    let token = ask_for_token()?;
    let mut certificate = place.certificate.as_deref().map(Fingerprint::parse).transpose()?;
    let mut client = Client::new(console, &token, certificate.clone())?;
    let mut tried = client.get("/clusters").await;
    if let (Err(error), None, Some(shown)) = (&tried, &certificate, client.shown_certificate())
        && error.downcast_ref::<Refused>().is_none()
    {
        let compared = compared(console, &shown, error)?;
        client = Client::new(console, &token, Some(compared.clone()))?;
        certificate = Some(compared);
        tried = client.get("/clusters").await;
    }
    let count = items(&tried?.body, "/items").count();
    let profile = Profile {
        url: client.url(),
        certificate: certificate.map(|certificate| certificate.as_str().to_owned()),
        token,
    };
    profiles.put(&place.profile, profile)?;
    let text = format!("logged in to {}; clusters: {count}\n", client.url());
    Ok(Done::all(json!({ "url": client.url(), "clusters": count }), text))
}

/// Has a person compare a certificate that no authority vouches for; an error where there is none.
fn compared(console: &str, shown: &Fingerprint, error: &anyhow::Error) -> Result<Fingerprint> {
    let how = "Compare it with what caribe serve prints behind the word browser-certificate";
    if !std::io::stdin().is_terminal() {
        bail!(
            "{}; {console} shows the certificate {}. {how}, then say --certificate {1}",
            crate::words::in_words(error),
            shown.as_str()
        );
    }
    eprintln!(
        "No authority of this machine vouches for {console}. It shows the certificate\n  {}",
        shown.as_str()
    );
    eprint!("{how}. Is it the same? (yes/no) ");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read the answer")?;
    match line.trim() {
        "yes" => Ok(shown.clone()),
        _ => bail!("the certificate was not confirmed; nothing was stored"),
    }
}

async fn clusters(client: &Client) -> Result<Done> {
    let body = client.get("/clusters").await?.body;
    let mut rows = vec![row(["NAME", "REVISION", "DIRECTORS", "VIRTUAL SERVERS", "DRAFTS"])];
    for cluster in items(&body, "/items") {
        let drafts = items(cluster, "/drafts").count();
        rows.push(vec![
            at(cluster, "/name"),
            at(cluster, "/running_revision"),
            at(cluster, "/director_count"),
            at(cluster, "/virtual_server_count"),
            drafts.to_string(),
        ]);
    }
    Ok(Done::all(body, table(&rows)))
}

fn cluster_path(cluster: &str) -> String {
    format!("/clusters/{}", part(cluster))
}
