//! Checks, VRRP instances and further addresses: rows are added and removed by buttons of plain forms, and nothing
//! that a form does not show is lost by it.

use console::{Actor, Role};
use lvs::Cluster;
use serde_json::{Value, json};

use crate::html::{check, form_values};
use crate::screens::keep;
use crate::site::{Answer, Browser, Site};

/// A cluster that has something of everything, as the API gives it.
fn everything() -> Value {
    json!({
        "name": "all",
        "directors": [
            { "name": "director-a", "seat": "primary", "public": "192.0.2.10", "private": "10.0.0.10" },
            { "name": "director-b", "seat": "backup", "public": "192.0.2.11", "private": "10.0.0.11" },
        ],
        "global": { "forwarding": "direct", "timeouts": { "tcp": 900 }, "drift": "hold",
            "host": { "prepare": true, "expire_nodest_conn": true, "expire_quiescent_template": false, "conntrack": true,
                      "masquerade": [{ "source": "10.0.0.0/24", "device": "eth0" }, { "source": "2001:db8::/64" }] },
        },
        "redundancy": {
            "enabled": true, "interval_ms": 1000, "deadtime_ms": 3500, "heartbeat_port": 539,
            "preempt": true, "preempt_delay_s": 60, "monitor_links": true,
            "gateway": "192.0.2.1", "witness": true,
            "protocol": { "kind": "vrrp", "version": 2, "instances": [
                { "name": "VI_1", "interface": "eth0", "virtual_router_id": 51,
                  "priority": { "primary": 150, "backup": 100 }, "password": "hidden", "unicast": true,
                  "addresses": ["192.0.2.100", "192.0.2.101"] },
                { "name": "VI_2", "interface": "eth1", "virtual_router_id": 52,
                  "priority": { "primary": 150, "backup": 100 }, "unicast": false, "addresses": ["10.0.0.254"] },
            ] },
            "addresses": [{ "address": "10.0.0.254", "prefix": 24, "device": "eth1" }],
            "sync": { "enabled": true, "interface": "eth1", "id": 7 },
        },
        "virtual_servers": [{
            "name": "http", "port": 80, "vip": { "address": "192.0.2.100", "device": "eth0" }, "mark": 7,
            "marked": [{ "address": "192.0.2.100", "protocol": "tcp", "port": 80 },
                       { "address": "192.0.2.100", "protocol": "udp", "port": 5000, "last": 5100 }],
            "monitor": {
                "checks": [
                    { "kind": "http", "tls": { "verify": false }, "path": "/up?a=1&b=2", "host": "www.example.com",
                      "version": "1.0", "status": ["200", "301-302"], "body": { "text": " ok$", "regex": true, "absent": true } },
                    { "kind": "send-expect", "send": "GET / HTTP/1.0\\r\\n\\r\\n", "expect": " HTTP" },
                    { "kind": "command", "command": ["/usr/bin/probe", "-4", "a b"] },
                    { "kind": "dns", "name": "example.com", "record": "AAAA" },
                    { "kind": "udp", "send": "00ff", "expect": "0X", "reply_needed": true },
                    { "kind": "smtp", "helo": "lb.example.com" }, { "kind": "ping" },
                ],
                "port": 8080, "interval_ms": 5000, "timeout_ms": 3000, "fall": 4, "rise": 2,
                "retry_delay_ms": 1500, "reentry_s": 30, "start": "up",
                "load_monitor": { "kind": "program", "command": ["uptime"], "minimum_percent": 100,
                                  "maximum_percent": 1000, "interval_ms": 20000 },
            },
            "real_servers": [
                { "name": "one", "address": "10.0.0.100" },
                { "name": "two", "address": "10.0.0.101",
                  "monitor": { "checks": [{ "kind": "connect" }, { "kind": "ping" }], "interval_ms": 700,
                               "timeout_ms": 600, "reentry_s": 5, "fall": 3 } },
            ],
        }],
    })
}

async fn furnished(site: &Site) -> String {
    let cluster: Cluster = serde_json::from_value(everything()).unwrap();
    let id = site.console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "all of it").await.unwrap();
    id
}

/// The content an editor sees, in full.
async fn content(site: &Site, id: &str) -> Cluster {
    let editor = Actor { name: "user-editor".to_owned(), role: Role::Editor, ..Actor::local() };
    let editor = Actor { kind: console::ActorKind::Account, ..editor };
    site.console.view(&editor, id).await.unwrap().content
}

/// Presses a button of the page's form, with some fields changed.
async fn press(browser: &mut Browser<'_>, page: &str, path: &str, changes: &[(&str, &str)]) -> Answer {
    let mut fields = form_values(page, path);
    for (name, value) in changes {
        fields.retain(|(n, _)| n != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.post(path, &fields).await
}

#[tokio::test]
async fn accepting_every_page_as_it_is_changes_nothing() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let before = content(&site, &id).await;
    let server = before.virtual_servers[0].id.0.clone();
    let base = format!("/clusters/{id}");
    let service = format!("{base}/virtual-servers/{server}");
    let mut pages = vec![
        format!("{base}/global"),
        format!("{base}/redundancy"),
        service.clone(),
        format!("{service}/scripts"),
        format!("{base}/directors/director-a"),
    ];
    for real in &before.virtual_servers[0].real_servers {
        pages.push(format!("{service}/real-servers/{}", real.id));
        pages.push(format!("{service}/real-servers/{}/scripts", real.id));
    }
    let mut editor = site.member(Role::Editor).await;
    for path in pages {
        editor.fill(&path, &[]).await.is(303);
        assert_eq!(content(&site, &id).await, before, "{path}");
    }
    assert!(before.redundancy.protocol.instances()[0].password.is_some());
}

#[tokio::test]
async fn the_api_writes_and_reads_every_setting() {
    let site = Site::new().await;
    let robot = site.robot(Role::Editor).await;
    let made = robot.post("/clusters", everything()).await.is(201).json();
    let id = made["id"].as_str().unwrap();
    let mut read = robot.get(&format!("/clusters/{id}")).await.is(200).json();
    let mut sent: Cluster = serde_json::from_value(everything()).unwrap();
    for member in ["id", "running_revision", "draft"] {
        read.as_object_mut().unwrap().remove(member);
    }
    let mut read: Cluster = serde_json::from_value(read).unwrap();
    sent = sent.masked();
    for server in &mut read.virtual_servers {
        server.id = Default::default();
        server.real_servers.iter_mut().for_each(|real| real.id = Default::default());
    }
    assert_eq!(read, sent);
    let service = format!("/clusters/{id}/virtual-servers/http");
    let patch = json!({ "monitor": { "checks": [{ "kind": "ping" }], "fall": 0 } });
    let wrong = robot.ask("PATCH", &service, Some("*"), Some(patch)).await.is(422).json();
    assert_eq!(wrong["errors"][0]["pointer"], "/monitor/fall");
    let own = json!({ "monitor": null });
    let real = robot.ask("PATCH", &format!("{service}/real-servers/two"), Some("*"), Some(own)).await;
    assert!(real.is(200).json().get("monitor").is_none());
}

#[tokio::test]
async fn checks_are_added_and_removed_without_scripts() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let before = content(&site, &id).await;
    let service = format!("/clusters/{id}/virtual-servers/{}", before.virtual_servers[0].id);
    let path = format!("{service}/scripts");
    let mut editor = site.member(Role::Editor).await;

    // One more row, one less, and what was typed stays; nothing is saved before Accept.
    let page = editor.get(&path).await.is(200);
    let page =
        press(&mut editor, &page.body, &path, &[("fall", "9"), ("action", "add.checks")]).await.is(200);
    check("a check more", &page.body);
    keep("scripts-more.en", &page.body);
    assert!(page.body.contains("name=\"checks.7.kind\"") && page.body.contains("value=\"9\""));
    let page = press(&mut editor, &page.body, &path, &[("action", "remove.checks.0")]).await.is(200);
    check("a check less", &page.body);
    assert!(!page.body.contains("name=\"checks.7.kind\"") && !page.body.contains("/up?a=1"));
    assert_eq!(content(&site, &id).await, before);

    // A wrong one is told at its row.
    let wrong = [("checks.6.kind", "http"), ("checks.6.path", "up"), ("checks.6.status", "20")];
    let refused = press(&mut editor, &page.body, &path, &wrong).await.is(422);
    check("a wrong check", &refused.body);
    keep("scripts-wrong.en", &refused.body);
    assert!(refused.body.contains("id=\"checks.6.status-said-1\""), "{}", refused.body);
    let refused = press(&mut editor, &page.body, &path, &wrong[..2]).await.is(422);
    assert!(refused.body.contains("id=\"checks.6.path-said-1\""), "{}", refused.body);
    press(&mut editor, &page.body, &path, &[("checks.6.kind", "http"), ("checks.6.path", "/ok")])
        .await
        .is(303);
    let now = content(&site, &id).await.virtual_servers[0].monitor.clone();
    assert_eq!((now.checks.len(), now.fall, now.interval_ms, now.reentry_s), (7, 9, 5000, 30));
    assert_eq!(now.checks[..6], before.virtual_servers[0].monitor.checks[1..]);

    // None at all is said, and possible.
    let page = editor.get(&path).await.is(200);
    let bare: Vec<(String, String)> =
        form_values(&page.body, &path).into_iter().filter(|(n, _)| !n.starts_with("checks.")).collect();
    let bare: Vec<(&str, &str)> = bare.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    editor.post(&path, &bare).await.is(303);
    assert!(editor.get(&path).await.body.contains("No check"));
}

#[tokio::test]
async fn a_real_server_gets_checks_of_its_own_and_loses_them_again() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let server = content(&site, &id).await.virtual_servers[0].clone();
    let path = format!(
        "/clusters/{id}/virtual-servers/{}/real-servers/{}/scripts",
        server.id, server.real_servers[0].id
    );
    let mut editor = site.member(Role::Editor).await;
    editor
        .fill(&path, &[("own", "own"), ("interval_ms", "250"), ("load_monitor.kind", "none")])
        .await
        .is(303);
    let own = content(&site, &id).await.virtual_servers[0].real_servers[0].monitor.clone().unwrap();
    assert_eq!(own.checks, server.monitor.checks, "own checks begin as those of the virtual server");
    assert_eq!((own.interval_ms, own.fall), (250, 4));
    let wrong = editor.fill(&path, &[("interval_ms", "5"), ("rise", "x")]).await.is(422);
    check("wrong own checks", &wrong.body);
    keep("own-scripts-wrong.en", &wrong.body);
    assert!(wrong.body.contains("id=\"interval_ms-said-1\"") && wrong.body.contains("id=\"rise-said-1\""));
    editor.fill(&path, &[("own", "service")]).await.is(303);
    assert_eq!(content(&site, &id).await.virtual_servers[0].real_servers[0].monitor, None);
}

#[tokio::test]
async fn vrrp_instances_and_further_addresses_are_rows_too() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let before = content(&site, &id).await;
    let path = format!("/clusters/{id}/redundancy");
    let mut editor = site.member(Role::Editor).await;
    let page = editor.get(&path).await.is(200);
    let typed = [("protocol.instances.1.password", "typed-pw"), ("action", "add.protocol.instances")];
    let page = press(&mut editor, &page.body, &path, &typed).await.is(200);
    check("an instance more", &page.body);
    keep("redundancy-more.en", &page.body);
    assert!(page.body.contains("value=\"VI_3\"") && !page.body.contains("typed-pw"));
    assert!(page.body.contains("id=\"protocol.instances.1.password-said-1\""), "what is forgotten is said");
    let page = press(&mut editor, &page.body, &path, &[("action", "add.addresses")]).await.is(200);
    check("an address more", &page.body);
    assert_eq!(content(&site, &id).await, before);

    let wrong = [
        ("protocol.instances.2.virtual_router_id", "300"),
        ("protocol.instances.2.addresses", "192.0.2.102\nnowhere"),
        ("addresses.1.device", "eth9"),
    ];
    let refused = press(&mut editor, &page.body, &path, &wrong).await.is(422);
    check("wrong rows", &refused.body);
    keep("redundancy-wrong.en", &refused.body);
    for field in
        ["protocol.instances.2.virtual_router_id", "protocol.instances.2.addresses", "addresses.1.address"]
    {
        assert!(refused.body.contains(&format!("id=\"{field}-said-1\"")), "{field}: {}", refused.body);
    }
    let right = [
        ("protocol.instances.2.interface", "eth2"),
        ("protocol.instances.2.addresses", "2001:db8::7, 2001:db8::8"),
        ("protocol.instances.0.no_password", "on"),
        ("protocol.instances.1.password", "12345678"),
    ];
    press(&mut editor, &page.body, &path, &right).await.is(303);
    let now = content(&site, &id).await.redundancy;
    let passwords: Vec<Option<String>> = now
        .protocol
        .instances()
        .iter()
        .map(|i| i.password.as_ref().map(|secret| secret.reveal().to_owned()))
        .collect();
    assert_eq!(passwords, [None, Some("12345678".to_owned()), None]);
    assert_eq!(now.protocol.instances()[2].addresses.len(), 2);
    assert_eq!(now.addresses, before.redundancy.addresses, "a row left blank is none");

    // A rule that is broken is said at its field, and nothing is saved, the backup director's addresses included.
    let broken = [("interval_ms", "1500"), ("private", "10.0.0.99"), ("protocol.instances.1.addresses", "")];
    let refused = editor.fill(&path, &broken).await.is(422);
    check("broken rules", &refused.body);
    for field in ["interval_ms", "protocol.instances.1.addresses"] {
        assert!(refused.body.contains(&format!("id=\"{field}-said-1\"")), "{field}: {}", refused.body);
    }
    assert!(!refused.body.contains("12345678"));
    assert_eq!(content(&site, &id).await.directors, before.directors);
    let alone = editor.fill(&path, &[("public", ""), ("private", "")]).await.is(422);
    assert!(alone.body.contains("id=\"enabled-said-1\""));
    assert_eq!(content(&site, &id).await.directors, before.directors);
}

#[tokio::test]
async fn a_new_heartbeat_key_waits_for_directors_that_do_not_accept_it_yet() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut operator = site.member(Role::Operator).await;
    let path = format!("/clusters/{id}/redundancy");
    let page = operator.get(&path).await.is(200).body;
    assert!(!page.contains("redundancy/key"), "VRRP has no key");
    let mut cluster: Cluster = serde_json::from_value(everything()).unwrap();
    cluster.name = "beating".to_owned();
    cluster.redundancy.protocol = lvs::model::RedundancyProtocol::Heartbeat;
    let id = site.console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "beats").await.unwrap();
    let path = format!("/clusters/{id}/redundancy");
    let page = operator.get(&path).await.is(200).body;
    assert!(page.contains("redundancy/key"));
    // No director has joined: the first time makes the first key of all.
    for _ in 0..3 {
        let answer = operator.fill_in(&page, &format!("{path}/key"), &[]).await.is(409);
        check("a key that waits", &answer.body);
        assert!(answer.body.contains("director-b does not accept the new key yet"), "{}", answer.body);
    }
    let audit = site.console.audit(&Actor::local(), None, None, 100).await.unwrap();
    let changes: Vec<_> = audit.iter().filter(|entry| entry.action == "cluster.heartbeat-key").collect();
    let keys: Vec<&str> = changes.iter().map(|entry| entry.detail.as_str()).collect();
    assert_eq!(keys, ["2", "2", "1"], "a key that waits is tried again");
}
