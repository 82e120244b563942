//! Taking a configuration out: every kind of file by page and API, refusals by name, passwords only for those who may
//! change them.

use console::{Actor, Role};
use lvs::Cluster;
use serde_json::json;

use crate::html::check;
use crate::site::{SCENARIO_A, Site};

/// A pair that speaks VRRP with a password, and a real server that an lvs.cf cannot say.
async fn furnished(site: &Site) -> String {
    let cluster: Cluster = serde_json::from_value(json!({
        "name": "pair",
        "directors": [
            { "name": "director-a", "seat": "primary", "public": "192.0.2.10" },
            { "name": "director-b", "seat": "backup", "public": "192.0.2.11" },
        ],
        "global": { "forwarding": "direct" },
        "redundancy": {
            "enabled": true, "interval_ms": 1000,
            "protocol": { "kind": "vrrp", "version": 2, "instances": [{
                "name": "VI_1", "interface": "eth0", "virtual_router_id": 51,
                "priority": { "primary": 150, "backup": 100 }, "password": "hide-me",
                "addresses": ["192.0.2.100"],
            }] },
        },
        "virtual_servers": [{
            "name": "http", "vip": { "address": "192.0.2.100", "prefix": 32, "device": "eth0" },
            "real_servers": [{ "name": "one", "address": "10.0.0.1" }],
        }],
    }))
    .unwrap();
    let id = site.console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "a pair").await.unwrap();
    id
}

#[tokio::test]
async fn a_file_says_again_what_was_brought() {
    let site = Site::new().await;
    let cluster = console::read_file(SCENARIO_A, None).cluster.unwrap();
    let id = site.console.create_cluster(&Actor::local(), cluster.clone()).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "from Piranha").await.unwrap();
    let mut viewer = site.member(Role::Viewer).await;
    let page = viewer.get(&format!("/clusters/{id}/exports")).await.is(200);
    check("exports", &page.body);
    let file = viewer.get(&format!("/clusters/{id}/exports/lvs.cf/lvs.cf?revision=1")).await.is(200);
    assert!(file.headers["content-disposition"].to_str().unwrap().contains("attachment"));
    let again = console::read_file(&file.body, None).cluster.unwrap();
    assert_eq!(again.virtual_servers.len(), cluster.virtual_servers.len());
    assert_eq!(again.redundancy, cluster.redundancy);
    let table = viewer.get(&format!("/clusters/{id}/exports/ipvsadm/ipvsadm.rules")).await.is(200);
    assert!(table.body.contains("-A -t 192.168.1.250:80 -s wlc"), "{}", table.body);
    for nowhere in ["exports/toml/x", "exports/lvs.cf/passwd", "exports?revision=9", "exports?revision=x"] {
        viewer.get(&format!("/clusters/{id}/{nowhere}")).await.is(404);
    }
}

#[tokio::test]
async fn a_password_leaves_only_with_those_who_may_change_it() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    for (role, clear) in [(Role::Viewer, false), (Role::Operator, false), (Role::Editor, true)] {
        let mut member = site.member(role).await;
        let page = member.get(&format!("/clusters/{id}/exports")).await.is(200);
        check("exports with a password", &page.body);
        crate::screens::keep(&format!("exports-{role}.en"), &page.body);
        assert!(!page.body.contains("hide-me"));
        assert_eq!(page.body.contains("contain VRRP passwords in the clear"), clear);
        let robot = site.robot(role).await;
        for kind in ["keepalived", "json"] {
            let export = robot.get(&format!("/clusters/{id}/exports/{kind}")).await.is(200);
            assert_eq!(export.body.contains("hide-me"), clear, "{role} {kind}: {}", export.body);
            assert_eq!(export.json()["secrets"], if clear { "clear" } else { "withheld" });
            for file in export.json()["files"].as_array().unwrap() {
                let path = format!("/clusters/{id}/exports/{kind}/{}", file["name"].as_str().unwrap());
                let text = member.get(&path).await.is(200);
                assert_eq!(text.body, file["text"], "the page and the API give the same");
            }
        }
    }
}

#[tokio::test]
async fn what_a_kind_cannot_express_is_refused_by_its_name() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let robot = site.robot(Role::Viewer).await;
    let path = format!("/clusters/{id}/exports");
    let kinds = robot.get(&path).await.is(200).json();
    let refused = |kind: &str| {
        let all = kinds["items"].as_array().unwrap().clone();
        all.into_iter().find(|item| item["kind"] == kind).unwrap()["refused"].as_array().unwrap().clone()
    };
    assert!(refused("keepalived").is_empty() && refused("json").is_empty());
    let pointers = refused("lvs.cf").iter().map(|f| f["pointer"].to_string()).collect::<Vec<_>>().join(" ");
    assert!(pointers.contains("/redundancy/protocol"), "{pointers}");
    let answer = robot.get(&format!("{path}/lvs.cf")).await.is(422).json();
    assert!(!answer["errors"].as_array().unwrap().is_empty());
    robot.get(&format!("{path}/toml")).await.is(404);
    let mut viewer = site.member(Role::Viewer).await;
    let page = viewer.get(&path).await.is(200);
    assert!(
        page.body.contains("Cannot be expressed") && page.body.contains("REDUNDANCY, protocol"),
        "{}",
        page.body
    );
}
