//! Asking somebody else to activate a draft, and doing so: pages and API.

use console::Role;
use serde_json::json;

use crate::html;
use crate::revisions::two_revisions;
use crate::site::Site;

#[tokio::test]
async fn an_editor_asks_on_the_page_and_an_approver_activates() {
    let site = Site::new().await;
    let id = two_revisions(&site).await;
    let changes = format!("/clusters/{id}/changes");
    let mut editor = site.member(Role::Editor).await;
    editor.fill(&format!("/clusters/{id}/global"), &[("timeouts.tcp", "777")]).await.is(303);
    let page = editor.get(&changes).await.is(200);
    html::check("changes of an editor", &page.body);
    assert!(page.body.contains("/changes/ask\"") && !page.body.contains("/changes/activate\""));
    editor.post(&format!("{changes}/activate"), &[]).await.is(403);
    let asked = editor.post(&format!("{changes}/ask"), &[("message", "longer <idle>")]).await.is(303);
    let page = editor.get(asked.location()).await.is(200);
    assert!(page.body.contains("waits for somebody else") && page.body.contains("longer &#60;idle&#62;"));
    assert!(page.body.contains("/changes/withdraw\""));

    let mut approver = site.member(Role::Approver).await;
    let bar = approver.get(&format!("/clusters/{id}")).await.is(200);
    assert!(bar.body.contains("user-editor asks for activation"), "{}", bar.body);
    for language in ["en", "zh-CN"] {
        approver.language = language;
        let list = approver.get(&changes).await.is(200);
        html::check("changes", &list.body);
        assert!(list.body.contains("/changes/account/user-editor\""));
        html::check("theirs", &approver.get(&format!("{changes}/account/user-editor")).await.is(200).body);
    }
    approver.language = "en";
    let theirs = format!("{changes}/account/user-editor");
    let page = approver.get(&theirs).await.is(200);
    assert!(page.body.contains("777") && page.body.contains("longer &#60;idle&#62;"));
    // It is changed while it is looked at: that is said, and nothing runs.
    editor.fill(&format!("/clusters/{id}/global"), &[("timeouts.tcp", "778")]).await.is(303);
    let etag = crate::site::hidden(&page.body, "draft").unwrap();
    let again = approver.post(&format!("{theirs}/activate"), &[("draft", &etag)]).await.is(409);
    html::check("theirs, changed", &again.body);
    assert!(again.body.contains("was changed after you had looked at it"));
    let etag = crate::site::hidden(&again.body, "draft").unwrap();
    let done = approver.post(&format!("{theirs}/activate"), &[("draft", &etag)]).await.is(200);
    assert!(done.body.contains("Revision 3 is activated"), "{}", done.body);
    let list = approver.get(&format!("/clusters/{id}/revisions")).await.is(200);
    assert!(list.body.contains("user-editor, activated by user-approver"), "{}", list.body);
    approver.get(&theirs).await.is(404);
}

#[tokio::test]
async fn four_eyes_hold_in_the_api_for_every_way_of_activating() {
    let site = Site::new().await;
    let id = two_revisions(&site).await;
    let robot = site.robot(Role::Approver).await;
    let cluster = format!("/clusters/{id}");
    let mut content = robot.get(&format!("{cluster}?view=running")).await.is(200).json();
    content["global"]["four_eyes"] = json!(true);
    robot.ask("PUT", &cluster, Some("*"), Some(content.clone())).await.is(200);
    content["global"]["timeouts"]["tcp"] = json!(700);
    let refused = robot.ask("PUT", &cluster, Some("*"), Some(content)).await.is(403).json();
    assert_eq!(refused["code"], json!("four-eyes"), "{refused}");
    robot.get(&format!("{cluster}/draft")).await.is(404);
    let timeouts = json!({ "global": { "timeouts": { "tcp": 700 } } });
    robot.ask("PATCH", &cluster, Some("*"), Some(timeouts)).await.is(200);
    let refused = robot.post(&format!("{cluster}/draft/activate"), json!({})).await.is(403).json();
    assert_eq!(refused["code"], json!("four-eyes"), "{refused}");

    // The draft is there, to be asked about, looked at and activated by somebody else.
    let asked = robot.post(&format!("{cluster}/draft/request"), json!({ "message": "longer" })).await.is(200);
    assert_eq!(asked.json()["asked"]["message"], json!("longer"));
    robot.ask("POST", &format!("{cluster}/draft/request"), Some("\"0-0\""), Some(json!({}))).await.is(412);
    let other = site.console.create_token(&console::Actor::local(), "second", Role::Approver, None).await;
    let other = crate::site::Robot { site: &site, token: other.unwrap().secret };
    let list = other.get(&format!("{cluster}/drafts")).await.is(200).json();
    let line = &list["items"][0];
    assert_eq!(
        (&line["owner"], &line["asked"]["message"]),
        (&json!("token/token-approver"), &json!("longer"))
    );
    let one = format!("{cluster}/drafts/token/token-approver");
    let seen = other.get(&one).await.is(200);
    assert_eq!(seen.json()["plan"]["changes"][0]["after"], json!("700"));
    assert_eq!(line["etag"], json!(seen.etag()));
    let activate = format!("{one}/activate");
    other.post(&activate, json!({})).await.is(428);
    other.ask("POST", &activate, Some("\"0-0\""), Some(json!({}))).await.is(412);
    let rehearsed = other.ask("POST", &format!("{activate}?dry_run=true"), Some(&seen.etag()), None).await;
    rehearsed.is(200);
    other.ask("POST", &activate, Some(&seen.etag()), Some(json!({}))).await.is(200);
    let newest = other.get(&format!("{cluster}/revisions/4")).await.is(200).json();
    assert_eq!(
        (&newest["author"], &newest["approver"], &newest["message"]),
        (&json!("token/token-approver"), &json!("token/second"), &json!("longer"))
    );
    robot.ask("DELETE", &format!("{cluster}/draft/request"), None, None).await.is(404);
    other.get(&one).await.is(404);
}
