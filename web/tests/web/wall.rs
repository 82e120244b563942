//! The wall view, the list of problems, the overview, help and the console's own settings.

use axum::body::Body;
use console::{Actor, Retention, Role};
use lvs::wire::State;
use tower::ServiceExt as _;

use crate::html::check;
use crate::live::read_until;
use crate::orders::furnished;
use crate::screens::keep;

#[tokio::test]
async fn the_wall_shows_a_cluster_without_any_control_and_moves() {
    let (site, id, agent) = furnished().await;
    agent.report(|inside| inside.status.state = State::Active).await;
    let mut viewer = site.member(Role::Viewer).await;
    let page = viewer.get(&format!("/clusters/{id}/wall")).await.is(200).body;
    check("wall", &page);
    keep("wall-live.en", &page);
    for control in ["<form", "<a ", "<button", "<input", "/logout", "/login"] {
        assert!(!page.contains(control), "{control}: {page}");
    }
    assert!(page.contains("None known.") && page.contains(">web</h1>"), "{page}");
    let request = viewer.request("GET", &format!("/clusters/{id}/live?wall=on")).body(Body::empty()).unwrap();
    let mut stream = site.router.clone().oneshot(request).await.unwrap().into_body().into_data_stream();
    let mut seen = String::new();
    read_until(&mut stream, &mut seen, "#wall-now").await;
    assert!(!seen.contains("#live-verdict"), "nothing of another page: {seen}");
    agent.report(|inside| inside.status.state = State::Standby).await;
    read_until(&mut stream, &mut seen, "no client is answered").await;
}

#[tokio::test]
async fn problems_are_listed_with_the_page_that_helps_and_counted_in_the_overview() {
    let (site, id, agent) = furnished().await;
    agent.report(|inside| inside.status.state = State::Active).await;
    let mut viewer = site.member(Role::Viewer).await;
    let sound = viewer.get(&format!("/clusters/{id}")).await.is(200).body;
    assert!(!sound.contains("problems-heading"), "{sound}");
    agent
        .report(|inside| {
            inside.status.state = State::Standby;
            inside.status.certificate_ends_s = jiff::Timestamp::now().as_second() + 86_400;
        })
        .await;
    let page = viewer.get(&format!("/clusters/{id}")).await.is(200).body;
    check("problems", &page);
    keep("monitoring-problems.en", &page);
    assert!(page.contains("No director is active: no client is answered."), "{page}");
    assert!(
        page.contains(&format!("href=\"/clusters/{id}/directors/d1\">The certificate of director d1 ends"))
    );
    let overview = viewer.get("/").await.is(200).body;
    check("overview", &overview);
    keep("clusters-problems.en", &overview);
    assert!(overview.contains("data-label=\"Problems\">2</td>"), "{overview}");
    assert!(overview.contains("class=\"sentence\" data-tone=\"bad\""), "{overview}");
    let mut chinese = site.member(Role::Operator).await;
    chinese.language = "zh-CN";
    assert!(chinese.get("/").await.is(200).body.contains("data-label=\"问题\">2</td>"));
}

#[tokio::test]
async fn how_long_samples_are_kept_is_set_by_administrators() {
    let site = crate::site::Site::new().await;
    let mut admin = site.member(Role::Admin).await;
    let page = admin.get("/admin/settings").await.is(200).body;
    let shown = crate::html::form_values(&page, "/admin/settings");
    assert_eq!(
        shown,
        [("minute_days", "14"), ("coarse_days", "90")].map(|(n, v)| (n.to_owned(), v.to_owned()))
    );
    let wrong =
        |minute: &'static str, coarse: &'static str| [("minute_days", minute), ("coarse_days", coarse)];
    for (minute, coarse, field) in
        [("0", "90", "minute_days"), ("14", "x", "coarse_days"), ("30", "20", "coarse_days")]
    {
        let again = admin.post("/admin/settings", &wrong(minute, coarse)).await.is(422).body;
        check("settings-wrong", &again);
        assert!(again.contains(&format!("id=\"{field}-said-1\"")), "{minute} {coarse}: {again}");
        assert!(again.contains(&format!("value=\"{minute}\"")), "what was typed is still there");
    }
    assert_eq!(site.console.retention().await.unwrap(), Retention::default());
    admin.post("/admin/settings", &wrong("7", "30")).await.is(303);
    assert_eq!(site.console.retention().await.unwrap(), Retention::new(7, 30).unwrap());
    let log = site.console.audit(&Actor::local(), None, None, 1).await.unwrap();
    assert_eq!((log[0].action.as_str(), log[0].detail.as_str()), ("settings.retention", "14 90 -> 7 30"));
    site.member(Role::Approver).await.get("/admin/settings").await.is(403);
}

#[tokio::test]
async fn the_search_key_is_switched_off_where_somebody_does_not_want_it() {
    let site = crate::site::Site::new().await;
    let mut viewer = site.member(Role::Viewer).await;
    let help = viewer.get("/help").await.is(200).body;
    assert!(help.contains("<kbd>/</kbd>") && !help.contains("data-keys"), "{help}");
    viewer.post("/look", &[("keys", "off"), ("back", "/help")]).await.is(303);
    assert!(viewer.get("/help").await.is(200).body.contains("<body data-keys=\"off\""));
    // Another choice leaves it as it is.
    viewer.post("/look", &[("theme", "dark"), ("back", "/help")]).await.is(303);
    let dark = viewer.get("/help").await.is(200).body;
    assert!(dark.contains("data-keys=\"off\"") && dark.contains("data-theme=\"dark\""));
    viewer.post("/look", &[("keys", "on"), ("back", "/help")]).await.is(303);
    assert!(!viewer.get("/help").await.is(200).body.contains("data-keys"));
}
