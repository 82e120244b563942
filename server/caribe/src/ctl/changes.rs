//! `apply`, `diff`, `plan`, `activate` and what follows: how a configuration becomes what runs.

use anyhow::{Context as _, Result};
use hyper::Method;
use serde_json::{Value, json};

use super::client::{Client, Refused, part};
use super::show::{self, at, items, row, table};
use super::tree;
use super::words::{Apply, Wanted};
use super::{Done, Shown, cluster_path};

/// A wish, and the cluster as the console knows it, where it does.
struct Read {
    cluster: String,
    wish: Value,
    etag: Option<String>,
    known: bool,
}

async fn read(client: &Client, wanted: &Wanted) -> Result<Read> {
    let mut wish = tree::read(&wanted.path)?;
    if let (Some(name), Some(members)) = (&wanted.cluster, wish.as_object_mut()) {
        members.entry("name").or_insert_with(|| name.clone().into());
    }
    let name = wish.get("name").and_then(Value::as_str);
    let cluster = wanted.cluster.as_deref().or(name).filter(|name| !name.is_empty());
    let cluster = cluster
        .with_context(|| format!("{}: no name of a cluster; say --cluster NAME", wanted.path.display()))?
        .to_owned();
    match client.get(&cluster_path(&cluster)).await {
        Ok(answer) => {
            tree::in_order_of(&mut wish, &answer.body);
            Ok(Read { cluster, wish, etag: answer.etag, known: true })
        }
        Err(error) if error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == 404) => {
            Ok(Read { cluster, wish, etag: None, known: false })
        }
        Err(error) => Err(error),
    }
}

/// Makes it so. What somebody else changed between the look and the change is not overwritten.
pub(super) async fn apply(client: &Client, asked: &Apply) -> Result<Done> {
    let read = read(client, &asked.wanted).await?;
    let message = part(&asked.message);
    let answer = if read.known {
        let path = format!("{}?message={message}", cluster_path(&read.cluster));
        client.ask(Method::PUT, &path, read.etag.as_deref(), Some(&read.wish)).await?
    } else {
        client.post(&format!("/clusters?activate=true&message={message}"), &read.wish).await?
    };
    let body = answer.body;
    match body.get("activation").filter(|activation| !activation.is_null()) {
        Some(activation) => {
            let activation = activation.clone();
            Ok(activated(activation))
        }
        None => Ok(Done::all(json!({ "changed": false }), "nothing changed\n".to_owned())),
    }
}

fn activated(activation: Value) -> Done {
    let text = show::activation(&activation);
    match activation.get("state").and_then(Value::as_str) {
        Some("complete") => Done::all(activation, text),
        _ => Done::partly(activation, text),
    }
}

pub(super) async fn diff(client: &Client, wanted: &Wanted) -> Result<Done> {
    let read = read(client, wanted).await?;
    if !read.known {
        let text = format!("+ cluster {}: the console does not know it yet\n", read.cluster);
        return Ok(Done::partly(json!({ "exists": false }), text));
    }
    let path = format!("{}?dry_run=true", cluster_path(&read.cluster));
    let plan = client.ask(Method::PUT, &path, read.etag.as_deref(), Some(&read.wish)).await?.body;
    Ok(planned(plan, false))
}

/// A plan; one that is shown for its own sake is complete whatever it says.
fn planned(plan: Value, own: bool) -> Done {
    let text = show::plan(&plan);
    match own || !show::differs(&plan) {
        true => Done::all(plan, text),
        false => Done::partly(plan, text),
    }
}

pub(super) async fn plan(client: &Client, cluster: &str, of: Option<&str>) -> Result<Done> {
    let path = draft_path(cluster, of)?;
    let draft = client.get(&path).await?;
    let mut done = planned(draft.body.get("plan").cloned().unwrap_or_default(), true);
    if let (Shown::Text(text), Some(_), Some(tag)) = (&mut done.text, of, draft.etag) {
        text.push_str(&format!("tag {}\n", tag.trim_matches('"')));
    }
    Ok(done)
}

/// The draft of whoever; one's own where nobody is named.
fn draft_path(cluster: &str, of: Option<&str>) -> Result<String> {
    let path = cluster_path(cluster);
    let Some(owner) = of else { return Ok(format!("{path}/draft")) };
    let (kind, name) = owner.split_once('/').with_context(|| {
        format!("{owner:?} is no owner of a draft; one is called account/NAME or token/NAME")
    })?;
    Ok(format!("{path}/drafts/{}/{}", part(kind), part(name)))
}

pub(super) async fn drafts(client: &Client, cluster: &str) -> Result<Done> {
    let body = client.get(&format!("{}/drafts", cluster_path(cluster))).await?.body;
    let mut rows = vec![row(["OWNER", "CHANGED", "ERRORS", "ASKED", "REASON"])];
    for draft in items(&body, "/items") {
        rows.push(vec![
            at(draft, "/owner"),
            at(draft, "/changed"),
            at(draft, "/errors"),
            at(draft, "/asked/at"),
            at(draft, "/asked/message"),
        ]);
    }
    Ok(Done::all(body, table(&rows)))
}

pub(super) async fn ask(client: &Client, cluster: &str, message: &str) -> Result<Done> {
    let path = cluster_path(cluster);
    let draft = client.get(&format!("{path}/draft")).await?;
    let body = json!({ "message": message });
    let path = format!("{path}/draft/request");
    let done = client.ask(Method::POST, &path, draft.etag.as_deref(), Some(&body)).await?;
    Ok(Done::all(done.body, "the draft waits for somebody else to activate it\n".to_owned()))
}

pub(super) async fn activate(
    client: &Client,
    cluster: &str,
    theirs: Option<(&str, &str)>,
    message: &str,
    keep_within: Option<u32>,
) -> Result<Done> {
    let path = draft_path(cluster, theirs.map(|(owner, _)| owner))?;
    let tag = match theirs {
        Some((_, tag)) => Some(format!("\"{tag}\"")),
        // Only what was there a moment ago: a draft is its owner's alone, but a token may be used twice at once.
        None => client.get(&path).await?.etag,
    };
    let mut body = json!({ "message": message });
    if let (Some(seconds), Some(body)) = (keep_within, body.as_object_mut()) {
        body.insert("keep_s".to_owned(), seconds.into());
    }
    let path = format!("{path}/activate");
    let done = client.ask(Method::POST, &path, tag.as_deref(), Some(&body)).await?;
    Ok(activated(done.body))
}

pub(super) async fn discard(client: &Client, cluster: &str) -> Result<Done> {
    let path = format!("{}/draft", cluster_path(cluster));
    let draft = client.get(&path).await?;
    let done = client.ask(Method::DELETE, &path, draft.etag.as_deref(), None).await?;
    Ok(Done::all(done.body, "the draft is gone\n".to_owned()))
}

/// Keeps or undoes what runs on trial.
pub(super) async fn trial(client: &Client, cluster: &str, what: &str) -> Result<Done> {
    let path = cluster_path(cluster);
    let status = client.get(&format!("{path}/status")).await?.body;
    let revision = status
        .pointer("/provisional/revision")
        .and_then(Value::as_u64)
        .context("nothing runs on trial here")?;
    let path = format!("{path}/revisions/{revision}/{what}");
    Ok(activated(client.post(&path, &json!({})).await?.body))
}

pub(super) async fn revisions(client: &Client, cluster: &str) -> Result<Done> {
    let body = client.get(&format!("{}/revisions", cluster_path(cluster))).await?.body;
    let mut rows = vec![row(["REVISION", "CREATED", "BY", "MESSAGE"])];
    for revision in items(&body, "/items") {
        rows.push(vec![
            at(revision, "/number"),
            at(revision, "/created"),
            at(revision, "/author"),
            at(revision, "/message"),
        ]);
    }
    Ok(Done::all(body, table(&rows)))
}

pub(super) async fn rollback(client: &Client, cluster: &str, revision: u64, message: &str) -> Result<Done> {
    let path = format!("{}/revisions/{revision}/restore", cluster_path(cluster));
    let body = json!({ "activate": true, "message": message });
    Ok(activated(client.post(&path, &body).await?.body))
}
