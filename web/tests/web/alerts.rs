//! The pages and the API of alerts: channels, rules, silences, a test that does not arrive, and what is said of it all.

use console::{Actor, Role};
use lvs::Cluster;
use serde_json::{Value, json};

use crate::html::check;
use crate::journey::href;
use crate::screens::keep;
use crate::site::{Browser, SCENARIO_A, Site};

async fn furnished(site: &Site) -> String {
    let cluster: Cluster = console::read_file(SCENARIO_A, None).cluster.unwrap();
    let id = site.console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "from Piranha").await.unwrap();
    id
}

/// Fields of a mail channel that can be taken.
const MAIL: [(&str, &str); 6] = [
    ("name", "night shift"),
    ("way.email.server", "127.0.0.1"),
    ("way.email.port", "9"),
    ("way.email.security", "none"),
    ("way.email.from", "Caribe <lb@example.com>"),
    ("way.email.to", "night@example.com\r\nteam@example.com"),
];

async fn looked_at(browser: &mut Browser<'_>, name: &str, path: &str) -> String {
    let page = browser.get(path).await.is(200);
    check(name, &page.body);
    keep(&format!("{name}.{}", browser.language), &page.body);
    page.body
}

#[tokio::test]
async fn an_administrator_says_who_is_told_what_without_scripts() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut admin = site.member(Role::Admin).await;
    for language in ["en", "zh-CN"] {
        admin.language = language;
        looked_at(&mut admin, "alerts-empty", "/alerts").await;
        looked_at(&mut admin, "alert-settings-empty", "/admin/alerts").await;
        looked_at(&mut admin, "alert-webhook-new", "/admin/alerts/channels/new/webhook").await;
        looked_at(&mut admin, "alert-email-new", "/admin/alerts/channels/new/email").await;
    }
    admin.language = "en";
    admin.get("/admin/alerts/channels/new/pigeon").await.is(404);
    // What cannot be taken is said at its field, and what was typed stays, but for the secret.
    let form = "/admin/alerts/channels/new/email";
    let wrong =
        [("name", "x"), ("way.email.port", "many"), ("way.email.to", "nobody"), ("secret", "hunter2hunter2")];
    let refused = admin.fill(form, &wrong).await.is(422);
    check("a wrong channel", &refused.body);
    keep("alert-email-wrong.en", &refused.body);
    for field in ["way.email.port", "way.email.server", "way.email.from", "way.email.to", "way.email.user"] {
        assert!(refused.body.contains(&format!("id=\"{field}-said-1\"")), "{field}: {}", refused.body);
    }
    assert!(!refused.body.contains("hunter2hunter2"));
    let made = admin.fill(form, &MAIL).await.is(303);
    let channel = made.location().split('?').next().unwrap().to_owned();
    let page = looked_at(&mut admin, "alert-email", &channel).await;
    assert!(page.contains("night@example.com") && page.contains("Caribe &#60;lb@example.com&#62;"), "{page}");
    // Nobody listens on that port: the test says so.
    let tested = admin.fill_in(&page, &format!("{channel}/test"), &[]).await.is(200);
    check("a test", &tested.body);
    keep("alert-tested.en", &tested.body);
    assert!(tested.body.contains("The test did not arrive"), "{}", tested.body);

    looked_at(&mut admin, "alert-rule-new", "/admin/alerts/rules/new").await;
    let refused =
        admin.fill("/admin/alerts/rules/new", &[("name", "all"), ("after_s", "soon")]).await.is(422);
    assert!(refused.body.contains("id=\"after_s-said-1\""), "{}", refused.body);
    let rule = [("name", "all"), ("cluster", id.as_str()), ("after_s", "45"), ("kinds", "drift")];
    admin.fill("/admin/alerts/rules/new", &rule).await.is(303);
    let page = looked_at(&mut admin, "alert-settings", "/admin/alerts").await;
    let place = href(&page, "/admin/alerts/rules/ru_");
    let rules = site.console.alert_rules().await.unwrap();
    assert_eq!(rules[0].settings.kinds, [console::ProblemKind::Drift]);
    assert_eq!((rules[0].settings.after_s, rules[0].settings.repeat_s), (45, 14_400));
    looked_at(&mut admin, "alert-rule", &place).await;
    admin.fill(&place, &[("repeat_s", "0")]).await.is(303);
    assert_eq!(site.console.alert_rules().await.unwrap()[0].settings.repeat_s, 0);
    // A channel in use stays.
    let confirm = looked_at(&mut admin, "alert-channel-delete", &format!("{channel}/delete")).await;
    let refused = admin.fill_in(&confirm, &format!("{channel}/delete"), &[]).await.is(422);
    assert!(refused.body.contains("rules use this channel: all"), "{}", refused.body);
    admin.fill(&format!("{place}/delete"), &[]).await.is(303);
    admin.fill(&format!("{channel}/delete"), &[]).await.is(303);
    assert!(site.console.alert_channels().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_operator_silences_and_a_viewer_reads() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut operator = site.member(Role::Operator).await;
    let page = operator.get(&format!("/alerts?cluster={id}&kind=drift&problem=drift+a")).await.is(200);
    check("a silence to be set", &page.body);
    let set = operator.fill_in(&page.body, "/alerts/silences", &[("reason", "new switches")]).await;
    assert_eq!(set.is(303).location(), "/alerts?done=silenced");
    let silences = site.console.alert_silences().await.unwrap();
    assert_eq!(silences[0].settings.problem.as_deref(), Some("drift a"));
    assert_eq!(silences[0].by, "account/user-operator");
    let page = looked_at(&mut operator, "alerts-silenced", "/alerts").await;
    assert!(page.contains("new switches"));
    let lone = [("cluster", ""), ("problem", "drift a"), ("hours", "4")];
    let refused = operator.fill_in(&page, "/alerts/silences", &lone).await.is(422);
    check("a wrong silence", &refused.body);
    assert!(refused.body.contains("id=\"cluster-said-1\""), "{}", refused.body);
    operator.fill_in(&page, &format!("/alerts/silences/{}/end", silences[0].id), &[]).await.is(303);
    assert!(site.console.alert_silences().await.unwrap().is_empty());
    operator.get("/admin/alerts").await.is(403);
    let mut viewer = site.member(Role::Viewer).await;
    let page = viewer.get("/alerts").await.is(200);
    assert!(!page.body.contains("/alerts/silences\""), "a viewer silences nobody");
}

fn channel() -> Value {
    json!({
        "name": "chat", "way": { "webhook": { "url": "https://chat.invalid/hooks/abc" } }, "secret": "hunter2hunter2",
    })
}

#[tokio::test]
async fn the_api_does_all_that_the_pages_do() {
    let site = Site::new().await;
    furnished(&site).await;
    let robot = site.robot(Role::Admin).await;
    robot.post("/alerts/channels?dry_run=true", channel()).await.is(200);
    assert!(site.console.alert_channels().await.unwrap().is_empty());
    let made = robot.post("/alerts/channels", channel()).await.is(201);
    assert!(!made.body.contains("hunter2"), "{}", made.body);
    let (tag, body) = (made.etag(), made.json());
    assert_eq!((body["language"].as_str(), body["has_secret"].as_bool()), (Some("en"), Some(true)));
    let path = format!("/alerts/channels/{}", body["id"].as_str().unwrap());
    assert_eq!(robot.get("/alerts/channels/chat").await.is(200).json(), body);
    // What was read can be sent back, and changes nothing; without the tag, or with an old one, nothing is done.
    robot.ask("PUT", &path, None, Some(body.clone())).await.is(428);
    robot.ask("PUT", &path, Some("\"old\""), Some(body.clone())).await.is(412);
    let same = robot.ask("PUT", &path, Some(&tag), Some(body.clone())).await.is(200).json();
    assert_eq!((same["changed"].as_bool(), same["has_secret"].as_bool()), (Some(false), Some(true)));
    let wrong = json!({ "name": "chat", "way": { "webhook": { "url": "chat" } } });
    let refused = robot.ask("PUT", &path, Some("*"), Some(wrong)).await.is(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/way/webhook/url");
    assert_eq!(refused["errors"][0]["code"], "url");
    let without = json!({ "name": "chat", "way": body["way"], "secret": "" });
    let now = robot.ask("PUT", &path, Some("*"), Some(without)).await.is(200).json();
    assert_eq!((now["changed"].as_bool(), now["has_secret"].as_bool()), (Some(true), Some(false)));

    let rule = json!({ "name": "all", "channel": "chat", "cluster": "nowhere", "kinds": ["drift"] });
    let refused = robot.post("/alerts/rules", rule).await.is(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/cluster");
    let unknown = json!({ "name": "all", "channel": "chat", "kinds": ["drifts"] });
    robot.post("/alerts/rules", unknown).await.is(422);
    let made = robot.post("/alerts/rules", json!({ "name": "all", "channel": "chat" })).await.is(201).json();
    assert_eq!((made["after_s"].as_u64(), made["active"].as_bool()), (Some(30), Some(true)));
    let place = format!("/alerts/rules/{}", made["id"].as_str().unwrap());
    let mut other = made.clone();
    other["active"] = json!(false);
    let now = robot.ask("PUT", &place, Some("*"), Some(other.clone())).await.is(200).json();
    assert_eq!((now["changed"].as_bool(), now["active"].as_bool()), (Some(true), Some(false)));
    other["channel"] = json!("chat");
    let same = robot.ask("PUT", &place, Some("*"), Some(other)).await.is(200).json();
    assert_eq!(same["changed"].as_bool(), Some(false), "a name in place of the id is no change");
    assert_eq!(robot.get("/alerts/rules").await.is(200).json()["items"].as_array().unwrap().len(), 1);
    robot.ask("DELETE", &path, Some("*"), None).await.is(422);

    let ends = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    let operator = site.robot(Role::Operator).await;
    operator.get("/alerts/channels").await.is(403);
    let silence =
        operator.post("/alerts/silences", json!({ "kind": "drift", "ends": ends })).await.is(201).json();
    assert_eq!(silence["by"], "token/token-operator");
    let id = silence["id"].as_str().unwrap().to_owned();
    assert_eq!(operator.get("/alerts/silences").await.is(200).json()["items"][0]["id"], silence["id"]);
    operator.ask("DELETE", &format!("/alerts/silences/{id}"), None, None).await.is(204);
    operator.ask("DELETE", &format!("/alerts/silences/{id}"), None, None).await.is(404);
    assert_eq!(operator.get("/alerts").await.is(200).json()["items"], json!([]));
    assert_eq!(operator.get("/alerts/messages").await.is(200).json()["items"], json!([]));
    robot.ask("DELETE", &place, Some("*"), None).await.is(204);
    robot.ask("DELETE", &path, Some("*"), None).await.is(204);
}
