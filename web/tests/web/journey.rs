//! The newcomer's whole way without scripts: setup, import, look at the plan, activate, let a director join.

use std::time::Duration;

use console::{Actor, Role};

use crate::html::check;
use crate::site::{Answer, Browser, PASSWORD, SCENARIO_A, Site};

#[tokio::test]
async fn from_an_empty_folder_to_a_running_revision() {
    let site = Site::new().await;
    let mut newcomer = Browser::new(&site);

    // Nobody can sign in, so every page leads to the setup.
    assert_eq!(newcomer.get("/").await.is(303).location(), "/setup");
    assert_eq!(newcomer.get("/login").await.is(303).location(), "/setup");
    let page = newcomer.get("/setup").await.is(200);
    check("setup", &page.body);

    // A wrong code keeps what was typed, except the secrets.
    let wrong = [("code", "wrong"), ("user", "ada"), ("password", PASSWORD), ("again", PASSWORD)];
    let answer = newcomer.post("/setup", &wrong).await.is(422);
    check("setup with a wrong code", &answer.body);
    assert!(answer.body.contains("value=\"ada\"") && !answer.body.contains(PASSWORD));

    let code = site.console.setup_code().expect("a code while no account exists");
    let short = [("code", code.as_str()), ("user", "ada"), ("password", "short"), ("again", "short")];
    patiently(&mut newcomer, "/setup", &short).await.is(422);
    let right = [("code", code.as_str()), ("user", "ada"), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(patiently(&mut newcomer, "/setup", &right).await.is(303).location(), "/");
    assert_eq!(newcomer.cookies.len(), 1);

    // One sentence and one button.
    let page = newcomer.get("/").await.is(200);
    assert!(page.body.contains("No cluster yet") && page.body.contains("href=\"/import\""));

    // The file is shown with what is to be said about it, then becomes a draft.
    let page = newcomer.post("/import", &[("files.0.text", SCENARIO_A), ("action", "check")]).await.is(200);
    check("import", &page.body);
    assert!(page.body.contains("one virtual server, 2 real servers, 2 directors"), "{}", page.body);
    let taken = [("files.0.text", SCENARIO_A), ("action", "draft"), ("name", "shop")];
    let answer = newcomer.post("/import", &taken).await.is(303);
    let changes = answer.location().split('?').next().unwrap().to_owned();
    let page = newcomer.get(&changes).await.is(200);
    check("changes", &page.body);
    for step in ["-A -t 192.168.1.250:80 -s wlc", "-a -t 192.168.1.250:80 -r 10.0.0.100:80 -m -w 1"] {
        assert!(page.body.contains(step), "{step}: {}", page.body);
    }

    assert!(page.body.contains("net.ipv4.ip_forward=1"), "NAT needs it: {}", page.body);
    let places = ["<h3>director-a", "<h3>director-b"].map(|director| page.body.find(director));
    assert!(places[0].is_some() && places[0] < places[1], "the primary comes first: {places:?}");

    // Activation: no director has joined, and the page says so.
    let base = changes.strip_suffix("/changes").unwrap().to_owned();
    let answer = newcomer.post(&format!("{changes}/activate"), &[("message", "from Piranha")]).await.is(200);
    check("activated", &answer.body);
    assert!(
        answer.body.contains("Revision 1 is activated") && answer.body.contains("No agent has joined yet")
    );
    let page = newcomer.get(&base).await.is(200);
    assert!(page.body.contains("No director has joined yet.") && page.body.contains("tcp 192.168.1.250:80"));
    assert!(page.body.contains("no director is known to hold it"), "{}", page.body);
    assert!(page.body.contains("balance connections that are open"), "wlc is explained: {}", page.body);
    let list = newcomer.get(&format!("{base}/virtual-servers")).await.is(200).body;
    assert!(list.contains("No director") && !list.contains("data-tone=\"good\""), "{list}");

    // The join command is shown once and carries a token of this director.
    let director = format!("{base}/directors/director-a");
    check("director", &newcomer.get(&director).await.is(200).body);
    let page = newcomer.post(&format!("{director}/token"), &[("dial", "")]).await.is(200);
    check("join command", &page.body);
    assert!(page.body.contains("caribe agent join https://console.example:3636 --token "), "{}", page.body);
    assert!(page.body.contains("--fingerprint sha256:"));
    assert!(!newcomer.get(&director).await.is(200).body.contains("--token "));

    newcomer.post("/logout", &[]).await.is(303);
    assert!(newcomer.cookies.is_empty());
    assert_eq!(
        newcomer.get(&base).await.is(303).location(),
        format!("/login?next={}", base.replace('/', "%2F"))
    );

    // Setup is over for good.
    assert_eq!(newcomer.get("/setup").await.is(303).location(), "/login");
    newcomer.post("/setup", &right).await.is(303);
    newcomer.post("/login", &[("user", "ada"), ("password", "not-the-password")]).await.is(422);
    let login = [("user", "ada"), ("password", PASSWORD), ("next", base.as_str())];
    assert_eq!(patiently(&mut newcomer, "/login", &login).await.is(303).location(), base);
}

#[tokio::test]
async fn two_people_change_the_same_cluster() {
    let site = Site::new().await;
    let mut ada = site.member(Role::Admin).await;
    let imported = ada.post("/import", &[("files.0.text", SCENARIO_A), ("action", "draft")]).await.is(303);
    let changes = imported.location().split('?').next().unwrap().to_owned();
    let base = changes.strip_suffix("/changes").unwrap().to_owned();
    ada.post(&format!("{changes}/activate"), &[]).await.is(200);

    // Both begin from revision 1.
    let mut li = site.member(Role::Approver).await;
    let list = ada.get(&format!("{base}/virtual-servers")).await.is(200);
    let server = href(&list.body, "/virtual-servers/vs_");
    ada.fill(&server, &[("persistence.timeout_s", "300")]).await.is(303);
    li.fill(&server, &[("scheduler", "rr")]).await.is(303);
    assert!(ada.get(&changes).await.is(200).body.contains("Draft by user-approver"));

    li.post(&format!("{changes}/activate"), &[("message", "by turns")]).await.is(200);
    let refused = ada.post(&format!("{changes}/activate"), &[("message", "sticky")]).await.is(409);
    check("conflict", &refused.body);
    assert!(refused.body.contains("Changed by user-approver: revision 2"), "{}", refused.body);
    assert!(refused.body.contains("value=\"sticky\""), "the message is kept");
    assert!(ada.get(&server).await.is(200).body.contains("value=\"300\""), "the draft is kept");

    // They changed different fields of one virtual server: both stay.
    assert!(
        refused.body.contains("Scheduling") && refused.body.contains("both fit together"),
        "{}",
        refused.body
    );
    ada.fill_in(&refused.body, &format!("{changes}/rebase"), &[]).await.is(303);
    ada.post(&format!("{changes}/activate"), &[]).await.is(200);
    let running = site.console.revision(base.rsplit('/').next().unwrap(), 3).await.unwrap().content;
    let merged = &running.virtual_servers[0];
    assert_eq!((merged.scheduler.as_str(), merged.persistence.unwrap().timeout_s), ("rr", 300));
    let revisions = ada.get(&format!("{base}/revisions")).await.is(200);
    check("revisions", &revisions.body);
    for number in 1..=3 {
        assert!(revisions.body.contains(&format!("/revisions/{number}\"")));
    }
    check("revision", &ada.get(&format!("{base}/revisions/2")).await.is(200).body);
    assert_eq!(site.console.revisions(base.rsplit('/').next().unwrap()).await.unwrap().len(), 3);
    let audit = site.console.audit(&Actor::local(), None, None, 100).await.unwrap();
    assert_eq!(audit.iter().filter(|row| row.action == "revision.activate").count(), 3);
}

#[tokio::test]
async fn two_people_change_the_same_field() {
    let site = Site::new().await;
    let mut ada = site.member(Role::Admin).await;
    let imported = ada.post("/import", &[("files.0.text", SCENARIO_A), ("action", "draft")]).await.is(303);
    let changes = imported.location().split('?').next().unwrap().to_owned();
    let base = changes.strip_suffix("/changes").unwrap().to_owned();
    ada.post(&format!("{changes}/activate"), &[]).await.is(200);
    let mut li = site.member(Role::Approver).await;
    let list = ada.get(&format!("{base}/virtual-servers")).await.is(200);
    let server = href(&list.body, "/virtual-servers/vs_");
    let reals = ada.get(&format!("{server}/real-servers")).await.is(200);
    let real = href(&reals.body, "/real-servers/rs_");
    li.fill(&real, &[("weight", "3")]).await.is(303);
    ada.fill(&real, &[("weight", "7"), ("limit.upper", "50")]).await.is(303);
    li.post(&format!("{changes}/activate"), &[]).await.is(200);

    let page = ada.get(&changes).await.is(200);
    check("rebase", &page.body);
    super::screens::keep("rebase", &page.body);
    for said in ["By user-approver: 3", "In your draft: 7", "It was: 1", "You both changed the same thing"] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    assert!(page.body.contains("disabled>Activate"), "nothing is activated before that is settled");
    let rebase = format!("{changes}/rebase");
    let again = ada.fill_in(&page.body, &rebase, &[("choice.", "")]).await.is(409);
    check("rebase, nothing chosen", &again.body);
    let name = crate::html::form_values(&page.body, &rebase)
        .into_iter()
        .find_map(|(name, _)| name.starts_with("choice.").then_some(name))
        .unwrap();
    // Somebody was quicker again: the choice was made for what no longer runs.
    li.fill(&server, &[("scheduler", "rr")]).await.is(303);
    li.post(&format!("{changes}/activate"), &[]).await.is(200);
    let late = ada.fill_in(&page.body, &rebase, &[(&name, "mine")]).await.is(409);
    assert!(late.body.contains("revision 3") && late.body.contains("checked"), "{}", late.body);
    ada.fill_in(&late.body, &rebase, &[(&name, "mine")]).await.is(303);
    let page = ada.get(&format!("{changes}?done=rebased")).await.is(200);
    assert!(page.body.contains("now holds their changes") && !page.body.contains("In your draft"));
    ada.post(&format!("{changes}/activate"), &[]).await.is(200);
    let cluster = base.rsplit('/').next().unwrap();
    let running = site.console.revision(cluster, 4).await.unwrap().content.virtual_servers.remove(0);
    let merged = &running.real_servers[0];
    assert_eq!((merged.weight.0, merged.limit.unwrap().upper), (7, 50));
    assert_eq!(running.scheduler.as_str(), "rr");

    // In Chinese as well.
    li.fill(&real, &[("weight", "30")]).await.is(303);
    ada.fill(&server, &[("name", "www")]).await.is(303);
    ada.post(&format!("{changes}/activate"), &[]).await.is(200);
    li.language = "zh-CN";
    let page = li.get(&changes).await.is(200);
    check("rebase in Chinese", &page.body);
    assert!(page.body.contains("可以合在一起"), "{}", page.body);
}

/// Sends the form until the console looks at it: after a wrong attempt it makes everybody wait.
async fn patiently(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let sent = async {
        loop {
            let answer = browser.post(path, fields).await;
            if !answer.body.contains("Too many attempts") {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), sent).await.expect("the wait ends")
}

/// The first link that begins like this, within its page.
pub(crate) fn href(body: &str, part: &str) -> String {
    let at = body.find(part).unwrap_or_else(|| panic!("no link with {part}"));
    let start = body[..at].rfind('"').unwrap() + 1;
    let end = at + body[at..].find('"').unwrap();
    body[start..end].to_owned()
}
