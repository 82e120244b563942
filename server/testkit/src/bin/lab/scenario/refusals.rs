//! Who may not do what: each wrong certificate, token and revision is refused with its reason, and afterwards both
//! directors hold what they held, with not one write more.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::caribe::{Agent, Console};
use testkit::https::{self, Client, Identity, Trust};
use testkit::process;
use testkit::wait::{self, Seen};

use super::nat::TABLE;
use crate::network::{DIRECTORS, Director, Servers};
use crate::stage::{CLUSTER, PATIENCE, Stage};

/// What agents offer in ALPN when they dial the console.
const AGENTS: &[u8] = b"caribe-agent/1";

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let (console, api, _agents) = stage.cluster(&stage.scenario_a(Servers::Nat)?)?;
    // A second revision, so that there is an older one.
    let path = format!("/clusters/{CLUSTER}/virtual-servers/web/real-servers/web-1");
    for weight in [2, 1] {
        let mut server = api.get(&path)?;
        set(&mut server, "weight", json!(weight));
        api.call("PUT", &format!("{path}?activate=true"), Some(&server))?;
    }
    let foreign = stage.start_console("foreign", 3737)?;
    let before = held(&stage, &api)?;

    agents_refuse(&stage, &console, &foreign)?;
    console_refuses(&stage, &console, &foreign)?;
    impostor(&stage, &api)?;
    tokens(&stage, &console, &api)?;

    let after = held(&stage, &api)?;
    if before != after {
        bail!("something changed: {before:?} before, {after:?} after");
    }
    stage.say(&format!("tables, revisions and counts of writes are what they were: {after:?}"));
    Ok(())
}

/// Revision and writes of both directors, whose tables must read as expected.
fn held(stage: &Stage, api: &Api) -> Result<Vec<(u64, u64)>> {
    let mut held = Vec::new();
    for director in &DIRECTORS {
        stage.wait_for_table(director, TABLE)?;
        held.push(stage.settled(api, director)?);
    }
    Ok(held)
}

/// A push by anybody but the console, and a push of the wrong thing by the console.
fn agents_refuse(stage: &Stage, console: &Console, foreign: &Console) -> Result<()> {
    let [a, b] = &DIRECTORS;
    let target: Value = serde_json::from_slice(&std::fs::read(stage.data(b.namespace).join("target.json"))?)?;
    let target = with_revision(&target, 1)?;
    let strangers = [
        ("no certificate", None),
        ("a foreign console's certificate", Some(console_identity(&foreign.data)?)),
        ("director A's certificate at B", Some(director_identity(stage, a)?)),
    ];
    for (who, identity) in strangers {
        let agent = Client::new(b.agent(), Trust::Anyone, None, identity)?;
        told(
            stage,
            &format!("push with {who}"),
            &agent,
            "PUT",
            "/v1/target",
            target.to_string().as_bytes(),
            None,
        )?;
        told(stage, &format!("status with {who}"), &agent, "GET", "/v1/status", b"", None)?;
    }
    let pushes = [
        ("an older revision", b, target.clone(), "older-revision"),
        ("another director's target", a, with_revision(&target, 99)?, "wrong-director"),
        ("content that the digest does not fit", b, with_weight(&with_revision(&target, 99)?)?, "digest"),
    ];
    for (what, director, target, reason) in pushes {
        let agent =
            Client::new(director.agent(), Trust::Anyone, None, Some(console_identity(&console.data)?))?;
        let body = target.to_string();
        told(stage, &format!("push of {what}"), &agent, "PUT", "/v1/target", body.as_bytes(), Some(reason))?;
    }
    Ok(())
}

/// Requests for a target by anybody but its director.
fn console_refuses(stage: &Stage, console: &Console, foreign: &Console) -> Result<()> {
    let [a, b] = &DIRECTORS;
    let strangers =
        [("no certificate", None), ("a foreign certificate", Some(console_identity(&foreign.data)?))];
    for (who, identity) in strangers {
        let client = Client::new(console.address, Trust::Anyone, Some(AGENTS), identity)?;
        told(
            stage,
            &format!("asking for a target with {who}"),
            &client,
            "GET",
            "/agent/v1/target",
            b"",
            None,
        )?;
    }
    // A browser's connection has no business there, whatever it shows.
    let browser = Client::new(console.address, Trust::Anyone, None, Some(director_identity(stage, a)?))?;
    told(stage, "asking for a target as a browser", &browser, "GET", "/agent/v1/target", b"", None)?;
    for director in [a, b] {
        let identity = Some(director_identity(stage, director)?);
        let client = Client::new(console.address, Trust::Anyone, Some(AGENTS), identity)?;
        let answer = client.request("GET", "/agent/v1/target", &[], b"")?;
        let target: Value = serde_json::from_slice(&answer.body).context("a director's own target")?;
        if api::text(&target, "/director")? != director.name {
            bail!("{} was given another director's target", director.name);
        }
    }
    stage.say("each director's certificate gets that director's target and no other");
    Ok(())
}

/// The console is led to A where B should be.
fn impostor(stage: &Stage, api: &Api) -> Result<()> {
    let [a, b] = &DIRECTORS;
    api.set_dial(CLUSTER, b.name, &a.agent().to_string())?;
    let why = wait::until("the console to notice that A is not B", PATIENCE, || {
        let shown = api.director(CLUSTER, b.name)?;
        let error = shown.pointer("/live/last_error").and_then(Value::as_str).unwrap_or_default();
        let connected = shown.pointer("/live/connected").and_then(Value::as_bool) == Some(true);
        Ok(if connected || error.is_empty() { Seen::not_yet(shown) } else { Seen::Yes(error.to_owned()) })
    })?;
    stage.say(&format!("dialling A for B: {why}"));
    api.set_dial(CLUSTER, b.name, &b.agent().to_string())?;
    stage.wait_in_sync(api, b).map(drop)
}

/// Join tokens: unknown, used, for the wrong console, expired.
fn tokens(stage: &Stage, console: &Console, api: &Api) -> Result<()> {
    let [_, b] = &DIRECTORS;
    let dial = SocketAddr::new(IpAddr::V4(b.management), 3999);
    let dials = b.agent().to_string();
    let data = stage.data("newcomer");
    let try_join = |token: &str, fingerprint: &str| -> Result<String> {
        std::fs::create_dir_all(&data)?;
        let joined =
            Agent::join(&stage.caribe(b.namespace), &data, &console.url(), token, fingerprint, dial)?;
        if joined.status.success() {
            bail!("the join went through");
        }
        if data.join("cert.pem").exists() {
            bail!("a refused join left a certificate");
        }
        Ok(joined.stderr.trim().to_owned())
    };
    let expect = |what: &str, word: &str, said: String| -> Result<()> {
        stage.say(&format!("join with {what}: {said}"));
        if said.contains(word) { Ok(()) } else { bail!("{word:?} is not in {said:?}") }
    };
    expect("an unknown token", "unknown", try_join("nobody-made-this-token", &console.fingerprint)?)?;

    let token = api.join_token(CLUSTER, b.name, &dials)?.token;
    let other = format!("sha256:{}", "0".repeat(64));
    expect("another console's fingerprint", "fingerprint", try_join(&token, &other)?)?;

    // Used where it is good, by a folder of its own, and then again.
    let used = stage.data("used");
    std::fs::create_dir_all(&used)?;
    let first =
        Agent::join(&stage.caribe(b.namespace), &used, &console.url(), &token, &console.fingerprint, dial)?;
    if !first.status.success() {
        bail!("the first use was refused: {}", first.said());
    }
    expect("a used token", "used", try_join(&token, &console.fingerprint)?)?;

    if std::env::var("CARIBE_LAB").is_ok_and(|lab| lab == "guest") {
        let token = api.join_token(CLUSTER, b.name, &dials)?.token;
        let later = SystemTime::now().duration_since(UNIX_EPOCH)? + Duration::from_secs(3600);
        process::run(process::command(["date", "-s", &format!("@{}", later.as_secs())]))?;
        expect("an expired token", "expired", try_join(&token, &console.fingerprint)?)?;
    } else {
        stage.say("SKIPPED: an expired token; only the guest's clock may be changed");
        if std::env::var_os("CI").is_some() {
            bail!("CI is set: a skipped test is a failure");
        }
    }
    Ok(())
}

/// The request must be refused: by the handshake, or with a reason (that contains `reason`, where given).
fn told(
    stage: &Stage,
    what: &str,
    client: &Client,
    method: &str,
    path: &str,
    body: &[u8],
    reason: Option<&str>,
) -> Result<()> {
    let answer = https::refused(client, method, path, body).with_context(|| what.to_owned())?;
    let said = answer.map_or("the handshake is refused".to_owned(), |a| format!("{} {}", a.status, a.text()));
    stage.say(&format!("{what}: {said}"));
    match reason {
        Some(reason) if !said.contains(&format!("\"{reason}\"")) => bail!("{reason:?} is not the reason"),
        _ => Ok(()),
    }
}

fn console_identity(data: &Path) -> Result<Identity> {
    Identity::read(&data.join("pki/console.pem"), &data.join("pki/console.key"))
}

fn director_identity(stage: &Stage, director: &Director) -> Result<Identity> {
    let data = stage.data(director.namespace);
    Identity::read(&data.join("cert.pem"), &data.join("key.pem"))
}

fn with_revision(target: &Value, revision: u64) -> Result<Value> {
    let mut target = target.clone();
    *target.pointer_mut("/revision").context("a target without a revision")? = json!(revision);
    Ok(target)
}

fn with_weight(target: &Value) -> Result<Value> {
    let mut target = target.clone();
    let weight = target.pointer_mut("/cluster/virtual_servers/0/real_servers/0/weight");
    *weight.context("a target without real servers")? = json!(77);
    Ok(target)
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}
