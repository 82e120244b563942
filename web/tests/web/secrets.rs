//! A password of the configuration is never shown, by no answer and no page, and a mask sent back keeps it.

use console::{Actor, Role};
use serde_json::json;

use crate::site::Site;

const PASSWORD: &str = "s3cr3t-7";

fn cluster() -> serde_json::Value {
    json!({
        "name": "pair",
        "directors": [
            { "name": "director-a", "seat": "primary", "public": "192.0.2.10" },
            { "name": "director-b", "seat": "backup", "public": "192.0.2.11" },
        ],
        "redundancy": {
            "enabled": true,
            "interval_ms": 1000,
            "protocol": { "kind": "vrrp", "version": 2, "instances": [{
                "name": "VI_1", "interface": "eth0", "virtual_router_id": 51,
                "priority": { "primary": 150, "backup": 100 }, "password": PASSWORD,
                "addresses": ["192.0.2.100"],
            }] },
        },
    })
}

/// What the console itself holds.
async fn held(site: &Site, id: &str) -> String {
    let running = site.console.cluster(id).await.unwrap().running.unwrap();
    running.content.redundancy.protocol.instances()[0].password.clone().unwrap().reveal().to_owned()
}

#[tokio::test]
async fn a_password_is_masked_wherever_it_is_read_and_kept_when_the_mask_comes_back() {
    let site = Site::new().await;
    let robot = site.robot(Role::Approver).await;
    let made = robot.post("/clusters?activate=true", cluster()).await.is(201);
    assert!(!made.body.contains(PASSWORD) && made.body.contains(lvs::model::MASK), "{}", made.body);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/clusters/{id}");

    // The whole, sent back as it was read with something else changed.
    let read = robot.get(&path).await.is(200);
    let mut whole = read.json();
    whole["redundancy"]["preempt"] = json!(true);
    let plan = robot.ask("PUT", &format!("{path}?dry_run=true"), None, Some(whole.clone())).await.is(200);
    assert!(!plan.body.contains(PASSWORD) && !plan.body.contains("password"), "{}", plan.body);
    let done = robot.ask("PUT", &path, Some(&read.etag()), Some(whole.clone())).await.is(200);
    assert!(!done.body.contains(PASSWORD));
    assert_eq!(held(&site, &id).await, PASSWORD);

    // A part, as a patch; another password is said to be another one, not which.
    let mut redundancy = whole["redundancy"].clone();
    redundancy["deadtime_ms"] = json!(4000);
    robot.ask("PATCH", &path, Some("*"), Some(json!({ "redundancy": redundancy }))).await.is(200);
    let draft = robot.get(&format!("{path}/draft")).await.is(200);
    assert!(!draft.body.contains(PASSWORD), "{}", draft.body);
    assert_eq!(draft.json()["plan"]["changes"].as_array().unwrap().len(), 1, "{}", draft.body);
    redundancy["protocol"]["instances"][0]["password"] = json!("0ther");
    robot.ask("PATCH", &path, Some("*"), Some(json!({ "redundancy": redundancy }))).await.is(200);
    let draft = robot.get(&format!("{path}/draft")).await.is(200);
    assert!(draft.body.contains("protocol.instances.0.password"), "{}", draft.body);
    assert!(!draft.body.contains(PASSWORD) && !draft.body.contains("0ther"), "{}", draft.body);
    robot.post(&format!("{path}/draft/activate"), json!({})).await.is(200);
    assert_eq!(held(&site, &id).await, "0ther");

    // A mask where nothing was known before is refused at its field.
    let mut unknown = cluster();
    unknown["name"] = json!("unknown");
    unknown["redundancy"]["protocol"]["instances"][0]["password"] = json!(lvs::model::MASK);
    let made = robot.post("/clusters", unknown).await.is(201).json();
    let other = made["id"].as_str().unwrap();
    let draft = robot.get(&format!("/clusters/{other}/draft")).await.is(200);
    assert!(draft.body.contains("secret-masked"), "{}", draft.body);

    // Pages, revisions and the audit log.
    let mut viewer = site.member(Role::Viewer).await;
    for page in ["", "/redundancy", "/changes", "/revisions/1", "/revisions/3"] {
        let shown = viewer.get(&format!("{path}{page}")).await.is(200);
        assert!(!shown.body.contains(PASSWORD) && !shown.body.contains("0ther"), "{page}: {}", shown.body);
    }
    let revision = robot.get(&format!("{path}/revisions/1")).await.is(200);
    assert!(!revision.body.contains(PASSWORD) && revision.body.contains(lvs::model::MASK));
    let audit = site.console.audit(&Actor::local(), None, None, 100).await.unwrap();
    assert!(!format!("{audit:?}").contains(PASSWORD) && !format!("{audit:?}").contains("0ther"));
}
