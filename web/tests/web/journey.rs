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
    let page = newcomer.post("/import", &[("text", SCENARIO_A), ("action", "check")]).await.is(200);
    check("import", &page.body);
    assert!(page.body.contains("one virtual server, 2 real servers, 2 directors"), "{}", page.body);
    let taken = [("text", SCENARIO_A), ("action", "draft"), ("name", "shop")];
    let answer = newcomer.post("/import", &taken).await.is(303);
    let changes = answer.location().split('?').next().unwrap().to_owned();
    let page = newcomer.get(&changes).await.is(200);
    check("changes", &page.body);
    for step in ["-A -t 192.168.1.250:80 -s wlc", "-a -t 192.168.1.250:80 -r 10.0.0.100:80 -m -w 1"] {
        assert!(page.body.contains(step), "{step}: {}", page.body);
    }

    // Activation: no director has joined, and the page says so.
    let base = changes.strip_suffix("/changes").unwrap().to_owned();
    let answer = newcomer.post(&format!("{changes}/activate"), &[("message", "from Piranha")]).await.is(200);
    check("activated", &answer.body);
    assert!(
        answer.body.contains("Revision 1 is activated") && answer.body.contains("No agent has joined yet")
    );
    let page = newcomer.get(&base).await.is(200);
    assert!(page.body.contains("No director has joined yet.") && page.body.contains("tcp 192.168.1.250:80"));

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
    let imported = ada.post("/import", &[("text", SCENARIO_A), ("action", "draft")]).await.is(303);
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

    ada.post(&format!("{changes}/rebase"), &[]).await.is(303);
    ada.post(&format!("{changes}/activate"), &[]).await.is(200);
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
