//! Search on its page, from the bar of every page and through the API; the topology of what was found.

use console::{Actor, Edit, Role};

use crate::orders::furnished;

#[tokio::test]
async fn everything_is_found_by_name_or_address_and_leads_to_its_page() {
    let (site, id, _agent) = furnished().await;
    let mut admin = site.member(Role::Admin).await;
    for (question, word, path) in [
        ("web", "Cluster", format!("/clusters/{id}\"")),
        ("WWW", "Virtual server", "/virtual-servers/vs_".to_owned()),
        ("192.0.2.1", "Virtual server", "/virtual-servers/vs_".to_owned()),
        ("10.0.0.2", "Real server", "/state\"".to_owned()),
        ("10.0.0.2", "Machine", "/machines#machine-10-0-0-2".to_owned()),
        ("d1", "Director", "/directors/d1".to_owned()),
        ("1", "Revision", "/revisions/1".to_owned()),
        ("user-adm", "Account", "/admin/accounts/user-admin".to_owned()),
    ] {
        let page = admin.get(&format!("/search?q={question}")).await.is(200).body;
        let found = page.split("<main").nth(1).unwrap();
        assert!(found.contains(&format!(">{word}</td>")) && found.contains(&path), "{question}: {found}");
        // Where it leads there is a page.
        for link in found.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            admin.get(link.split('#').next().unwrap()).await.is(200);
        }
    }
    let page = admin.get("/search?q=two+10.0.0.2").await.is(200).body;
    assert!(page.contains("10.0.0.2:80 · www"), "{page}");
    assert!(page.contains("data-find"), "the field is in the bar of every page");

    // What a viewer may not see is not found; what only another's draft holds neither.
    let mut viewer = site.member(Role::Viewer).await;
    let page = viewer.get("/search?q=user-adm").await.is(200).body;
    assert!(page.contains("Nothing here is called"), "{page}");
    let mut content = site.console.view(&Actor::local(), &id).await.unwrap().content;
    content.virtual_servers[0].name = "only-in-a-draft".to_owned();
    content.virtual_servers[0].id = lvs::model::Id::default();
    site.console.change(&Actor::local(), &id, Edit::Replace(content), None).await.unwrap();
    let page = viewer.get("/search?q=only-in-a-draft").await.is(200).body;
    assert!(page.contains("Nothing here is called"), "{page}");

    let robot = site.robot(Role::Viewer).await;
    let found = robot.get("/search?q=10.0.0.1").await.is(200).json();
    assert_eq!((&found["items"][0]["kind"], &found["more"]), (&"real-server".into(), &0.into()), "{found}");
    assert_eq!(robot.get("/search").await.is(200).json()["items"], serde_json::json!([]));
}

#[tokio::test]
async fn the_picture_of_a_cluster_names_every_part_and_links_to_it() {
    let (site, id, _agent) = furnished().await;
    let mut viewer = site.member(Role::Viewer).await;
    let page = viewer.get(&format!("/clusters/{id}/topology")).await.is(200).body;
    crate::html::check("topology", &page);
    crate::screens::keep("topology-live.en", &page);
    for part in
        ["<title>www</title>", "<title>d1</title>", "<title>one</title>", "<title>two</title>", "10.0.0.1 ·"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("hx-trigger=\"every 5s\""));
    assert!(
        !viewer.get(&format!("/clusters/{id}/topology?live=off")).await.is(200).body.contains("hx-trigger")
    );
}
