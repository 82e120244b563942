//! The support bundle tells much and gives nothing away: secrets of every kind are planted, and looked for in every file of it.

use std::collections::BTreeMap;
use std::io::Read as _;

use console::{Actor, Error, Role};
use flate2::read::GzDecoder;
use lvs::Cluster;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::agent::FakeAgent;
use crate::place::{Place, actor, admin, web};

const PASSWORD: &str = "planted account password";
const VRRP: &str = "vRRp77pw";
const HEADER: &str = "Bearer planted-check-header";
const REDIS: &str = "planted-redis-password";

/// The files of an archive, without the folder that all are in.
fn unpacked(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let (folder, name) = path.split_once('/').unwrap();
        assert!(folder.starts_with("caribe-support-console-"), "{path}");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(name.to_owned(), content);
    }
    files
}

fn holds(content: &[u8], secret: &str) -> bool {
    content.windows(secret.len()).any(|part| part == secret.as_bytes())
}

/// The lines of a PEM text that are its key.
fn lines_of(pem: &str) -> Vec<String> {
    pem.lines().filter(|line| line.len() > 20 && !line.starts_with('-')).map(str::to_owned).collect()
}

/// A cluster with a secret in every place that has one.
fn guarded(key: &rcgen::KeyPair) -> Cluster {
    let certificate = rcgen::CertificateParams::default().self_signed(key).unwrap();
    let cluster: Cluster = serde_json::from_value(json!({
        "name": "guarded",
        "directors": [
            { "name": "one", "seat": "primary", "public": "192.0.2.22", "private": "10.0.1.2" },
            { "name": "two", "seat": "backup", "public": "192.0.2.23", "private": "10.0.1.3" },
        ],
        "redundancy": { "enabled": true, "interval_ms": 1000, "deadtime_ms": 3500, "protocol": { "kind": "vrrp", "version": 2, "instances": [{
            "name": "VI_1", "interface": "eth0", "virtual_router_id": 51, "password": VRRP,
            "priority": { "primary": 150, "backup": 100 }, "addresses": ["192.0.2.30"],
        }] } },
        "virtual_servers": [{
            "name": "https", "port": 443, "vip": { "address": "192.0.2.30", "device": "eth0:1" },
            "monitor": { "checks": [
                { "kind": "http", "authorization": HEADER, "tls": {
                    "identity": { "certificate": certificate.pem(), "key": key.serialize_pem() },
                } },
                { "kind": "redis", "password": REDIS },
            ] },
            "real_servers": [{ "name": "one", "address": "10.0.1.11" }],
        }],
    }))
    .unwrap();
    let findings = cluster.findings();
    assert!(!lvs::finding::has_errors(&findings), "{findings:?}");
    cluster
}

#[tokio::test]
async fn nothing_of_any_secret_is_in_any_file_of_a_support_bundle() {
    let place = Place::new().await;
    let (console, alice) = (&place.console, admin("alice"));
    let setup = console.setup_codes().borrow().clone().unwrap();
    console.set_password(&Actor::local(), "alice", PASSWORD, Role::Admin).await.unwrap();
    let token = console.create_token(&alice, "ci", Role::Admin, None).await.unwrap().secret;
    let key = rcgen::KeyPair::generate().unwrap();
    console.create_cluster(&alice, web()).await.unwrap();
    console.activate(&alice, "web", "").await.unwrap();
    console.create_cluster(&alice, guarded(&key)).await.unwrap();
    // People put secrets where none belong.
    console.activate(&alice, "guarded", &format!("the new password is {REDIS}")).await.unwrap();
    console.start();
    let agent = FakeAgent::join(console, &alice, "web", "director-a").await;
    agent.pushed().await;
    let open = console.join_token(&alice, "web", "director-b", None).await.unwrap().token;

    let pushed = agent.asked();
    let target = pushed.iter().rev().find(|(what, _)| what.contains("/v1/target")).unwrap();
    let heartbeat = target.1.pointer("/heartbeat/sending/secret").and_then(Value::as_str).unwrap().to_owned();
    let sha = |text: &str| hex::encode(Sha256::digest(text));
    let mut planted: Vec<String> =
        [&setup, PASSWORD, VRRP, HEADER, REDIS, &token, &open, &heartbeat, "$argon2"]
            .map(str::to_owned)
            .to_vec();
    planted.extend([sha(&token), sha(&open), sha(&setup)]);
    planted.extend(lines_of(&key.serialize_pem()));
    let before = planted.len();
    for entry in std::fs::read_dir(place.folder.path().join("pki")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(path).unwrap();
        if text.contains("PRIVATE KEY") {
            planted.extend(lines_of(&text));
        }
    }
    assert!(planted.len() > before + 1, "keys of the CA and of the console");

    let bundle = console.support_bundle(&alice).await.unwrap();
    let files = unpacked(&bundle.archive);
    for (name, content) in &files {
        for secret in &planted {
            assert!(!holds(content, secret), "{name} holds {secret:?}");
        }
    }
    // That they were there to be found: the console's own folder holds those that are not hashed.
    let bytes = place.bytes();
    for secret in [VRRP, HEADER, REDIS, &heartbeat] {
        assert!(holds(&bytes, secret), "{secret} was not planted");
    }

    let json = |name: &str| -> Value { serde_json::from_slice(&files[name]).unwrap() };
    let told = |part: &str| {
        let mut names = files.keys().filter(|name| name.starts_with("clusters/") && name.ends_with(part));
        let found = names.find(|name| holds(&files[*name], "director-a")).unwrap();
        json(found)
    };
    assert_eq!(told("revision.json").pointer("/running/number"), Some(&json!(1)));
    assert_eq!(told("directors.json").pointer("/0/live/connected"), Some(&json!(true)));
    assert!(told("events.json").as_array().is_some_and(|events| !events.is_empty()));
    let rows = json("database.json");
    assert_eq!(rows.pointer("/rows/cluster"), Some(&json!(2)), "{rows}");
    assert!(
        rows["migrations"].as_array().is_some_and(|all| all.len() > 5) && rows["bytes"].as_u64() > Some(0)
    );
    assert!(json("audit.json").as_array().is_some_and(|all| all.len() > 5));
    let all: Vec<&Vec<u8>> = files.values().collect();
    assert!(
        all.iter().any(|content| holds(content, "the new password is ********")),
        "people's words are kept"
    );
    let manifest = String::from_utf8(files["MANIFEST"].clone()).unwrap();
    for name in files.keys().filter(|name| *name != "MANIFEST") {
        assert!(manifest.contains(&format!("  {name} (")), "{name} is not in\n{manifest}");
    }
    assert!(manifest.contains("pki/*: "), "{manifest}");
    console.stop().await;
}

#[tokio::test]
async fn only_an_administrator_gets_one() {
    let place = Place::new().await;
    for role in [Role::Viewer, Role::Operator, Role::Editor, Role::Approver] {
        let refused = place.console.support_bundle(&actor("eve", role)).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{role:?}: {refused:?}");
    }
}
