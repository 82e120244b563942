//! What a director's kernel holds besides what runs: pages and API, with an agent that reports it.

use console::{Actor, Role, Sync};
use lvs::Cluster;
use lvs::format::ipvsadm;
use lvs::model::{Director, Seat};
use lvs::table::{AddressKey, AddressRow, KernelTimeouts, Observed};
use lvs::wire::{Digest, Drift, Repaired, Snapshot, State, Target};
use serde_json::json;

use crate::agent::{FakeAgent, Inside};
use crate::site::Site;

const WEB: &str = "tcp 192.168.91.141:80";

/// A site with a started console and one director of a cluster that says nothing else; its agent has joined.
async fn furnished() -> (Site, String, FakeAgent) {
    let site = Site::new().await;
    site.console.start();
    let public = Some("192.168.91.141".parse().unwrap());
    let director = Director { name: "d1".into(), seat: Seat::Primary, public, private: None };
    let content = Cluster { name: "nginx".into(), directors: vec![director], ..Cluster::default() };
    let id = site.console.create_cluster(&Actor::local(), content).await.unwrap().cluster_id;
    let agent = FakeAgent::join(&site.console, &Actor::local(), &id, "d1").await;
    (site, id, agent)
}

fn by_hand(inside: &mut Inside) {
    let table = "\
-A -t 192.168.91.141:80 -s wrr -p 120
-a -t 192.168.91.141:80 -r 192.168.81.142:80 -m -w 1
-a -t 192.168.91.141:80 -r 192.168.81.143:80 -m -w 2
-A -f 7 -s rr
";
    let address: AddressKey = "eth0 192.168.91.141/24".parse().unwrap();
    let observed = Observed {
        table: ipvsadm::read(table).0.unwrap(),
        addresses: [(address, AddressRow::default())].into(),
        timeouts: KernelTimeouts { tcp: 900, tcpfin: 120, udp: 300 },
        ..Observed::default()
    };
    inside.snapshot = Snapshot { observed, ..Snapshot::default() };
    inside.status.foreign = inside.snapshot.observed.table.services.keys().copied().collect();
}

/// The cluster as the API knows it, active, with its director in sync.
async fn running(site: &Site, id: &str, agent: &FakeAgent) {
    let robot = site.robot(Role::Admin).await;
    let path = format!("/clusters/{id}/directors/d1/adopt?activate=true");
    // The token's draft begins with what runs, which is nothing: the director has to be named in it first.
    let director = json!({"name": "d1", "seat": "primary", "public": "192.168.91.141"});
    robot.post(&format!("/clusters/{id}/directors"), director).await.is(201);
    let answer = robot.post(&path, json!({"rows": [WEB]})).await.is(200);
    assert_eq!(answer.json()["activation"]["state"], "complete", "{}", answer.body);
    agent.pushed().await;
}

#[tokio::test]
async fn foreign_rows_are_offered_and_the_ticked_ones_become_a_draft() {
    let (site, id, agent) = furnished().await;
    let mut editor = site.member(Role::Editor).await;
    let page = format!("/clusters/{id}/directors/d1/adopt");
    // A draft is a person's own: the editor names the director as well.
    let fields = [("name", "d1"), ("seat", "primary"), ("public", "192.168.91.141")];
    editor.fill(&format!("/clusters/{id}/directors/new"), &fields).await.is(303);
    let empty = editor.get(&page).await.is(200);
    assert!(empty.body.contains("holds nothing that is not managed here"), "{}", empty.body);
    agent.report(by_hand).await;
    let director = editor.get(&format!("/clusters/{id}/directors/d1")).await.is(200);
    assert!(director.body.contains("2 services are not managed here") && director.body.contains(&page));
    let shown = editor.get(&page).await.is(200);
    for text in
        [WEB, "fwmark 7", "-a -t 192.168.91.141:80 -r 192.168.81.142:80 -m -w 1", "2 real servers, on eth0"]
    {
        assert!(shown.body.contains(text), "{text}: {}", shown.body);
    }
    let nothing = editor.post(&page, &[]).await.is(422);
    assert!(nothing.body.contains("Tick at least one row"));
    let done = editor.post(&page, &[("row", WEB)]).await.is(303);
    assert_eq!(done.location(), format!("/clusters/{id}/changes?done=adopted"));
    let changes = editor.get(&format!("/clusters/{id}/changes")).await.is(200);
    assert!(
        changes.body.contains("Its kernel holds this already") || changes.body.contains(WEB),
        "{}",
        changes.body
    );
    let servers = editor.get(&format!("/clusters/{id}/virtual-servers")).await.is(200);
    assert!(servers.body.contains(WEB) && !servers.body.contains("fwmark 7"));
    // Once it is in the draft, it is said to be; the rest is adopted with one button.
    let again = editor.get(&page).await.is(200);
    assert!(again.body.contains("Your draft has this service already"));
    editor.post(&page, &[("all", "on")]).await.is(303);
    let servers = editor.get(&format!("/clusters/{id}/virtual-servers")).await.is(200);
    assert!(servers.body.contains("fwmark 7"));
    let mut viewer = site.member(Role::Viewer).await;
    assert!(!viewer.get(&page).await.is(200).body.contains("Adopt the ticked"));
    viewer.post(&page, &[("row", WEB)]).await.is(403);
    let mut chinese = site.member(Role::Admin).await;
    chinese.language = "zh-CN";
    let shown = chinese.get(&page).await.is(200);
    assert!(!shown.body.contains('⟦'), "{}", shown.body);
    site.console.stop().await;
}

#[tokio::test]
async fn the_api_offers_previews_and_adopts() {
    let (site, id, agent) = furnished().await;
    agent.report(by_hand).await;
    let robot = site.robot(Role::Admin).await;
    let base = format!("/clusters/{id}/directors/d1");
    let foreign = robot.get(&format!("{base}/foreign")).await.is(200);
    let items = foreign.json()["items"].clone();
    assert_eq!(
        (items[0]["row"].as_str(), items[0]["becomes"]["kind"].as_str()),
        (Some(WEB), Some("virtual-server"))
    );
    assert_eq!((&items[0]["becomes"]["device"], &items[0]["changes"]), (&json!("eth0"), &json!([])));
    assert_eq!(foreign.json()["basis"], "live");
    let wrong = robot.post(&format!("{base}/adopt"), json!({"rows": ["nonsense"]})).await.is(422);
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/rows/0", "{}", wrong.body);
    robot.post(&format!("{base}/adopt"), json!({"rows": ["tcp 192.0.2.1:1"]})).await.is(422);
    let director = json!({"name": "d1", "seat": "primary", "public": "192.168.91.141"});
    robot.post(&format!("/clusters/{id}/directors"), director).await.is(201);
    let dry = robot.post(&format!("{base}/adopt?dry_run=true"), json!({"rows": [WEB]})).await.is(200);
    assert_eq!(dry.json()["plan"]["directors"][0]["steps"], json!([]));
    assert_eq!(dry.json()["plan"]["directors"][0]["adopted"], json!([WEB]));
    let stale =
        robot.ask("POST", &format!("{base}/adopt"), Some("\"other\""), Some(json!({"rows": [WEB]}))).await;
    stale.is(412);
    let done = robot.post(&format!("{base}/adopt?activate=true"), json!({"rows": [WEB]})).await.is(200);
    let done = done.json();
    assert_eq!((&done["taken"], &done["activation"]["state"]), (&json!([WEB]), &json!("complete")));
    assert_eq!(done["content"]["virtual_servers"][0]["scheduler"], "wrr");
    site.console.stop().await;
}

#[tokio::test]
async fn drift_is_shown_repaired_and_taken_over() {
    let (site, id, agent) = furnished().await;
    agent.report(by_hand).await;
    running(&site, &id, &agent).await;
    let page = format!("/clusters/{id}/directors/d1/drift");
    let drifted = |inside: &mut Inside| {
        let table = &mut inside.snapshot.observed.table;
        for server in table.services.get_mut(&WEB.parse().unwrap()).unwrap().servers.values_mut() {
            server.weight = 9;
        }
        inside.status.state = State::Active;
        inside.status.in_sync = false;
        inside.status.drift_count = 1;
        inside.status.drift = vec![Drift {
            row: WEB.into(),
            found: vec!["-a -t 192.168.91.141:80 -r 192.168.81.142:80 -m -w 9".into()],
            repair: vec!["-e -t 192.168.91.141:80 -r 192.168.81.142:80 -m -w 1".into()],
            since_s: 1_700_000_000,
            repairs: 2,
            due_s: None,
        }];
        let repaired =
            Repaired { row: "fwmark 9".into(), steps: vec!["-D -f 9".into()], at_s: 1, repairs: 1 };
        inside.status.repaired = vec![repaired];
    };
    agent.report(drifted).await;
    let mut editor = site.member(Role::Editor).await;
    let monitoring = editor.get(&format!("/clusters/{id}")).await.is(200);
    assert!(monitoring.body.contains("this stays until somebody decides"), "{}", monitoring.body);
    let director = editor.get(&format!("/clusters/{id}/directors/d1")).await.is(200);
    assert!(director.body.contains("One row was changed by something else"));
    let shown = editor.get(&page).await.is(200);
    let texts =
        ["-m -w 9", "-m -w 1", "2023-11-14 22:13:20 UTC", "held", "Repaired 2 times lately", "-D -f 9"];
    for text in texts {
        assert!(shown.body.contains(text), "{text}: {}", shown.body);
    }
    editor.post(&page, &[]).await.is(422);
    editor.post(&format!("{page}/repair"), &[]).await.is(422);
    let repaired = editor.post(&format!("{page}/repair"), &[("row", WEB)]).await.is(303);
    assert_eq!(repaired.location(), format!("{page}?done=repaired"));
    assert_eq!(agent.asked().pop().unwrap(), ("POST /v1/repair".to_owned(), json!({"rows": [WEB]})));
    agent.until("in sync", |live| live.sync == Sync::InSync).await;
    assert!(editor.get(&page).await.is(200).body.contains("holds what was activated"));

    agent.report(drifted).await;
    let taken = editor.post(&page, &[("row", WEB)]).await.is(303);
    assert_eq!(taken.location(), format!("/clusters/{id}/changes?done=adopted"));
    let changes = editor.get(&format!("/clusters/{id}/changes")).await.is(200);
    assert!(changes.body.contains("Weight"), "{}", changes.body);

    let robot = site.robot(Role::Operator).await;
    let status = robot.get(&format!("/clusters/{id}/directors/d1")).await.is(200).json();
    assert_eq!(
        (&status["live"]["sync"], &status["live"]["status"]["drift"][0]["row"]),
        (&json!("drifted"), &json!(WEB))
    );
    let answer = robot.post(&format!("/clusters/{id}/directors/d1/repair"), json!({})).await.is(200);
    assert_eq!(answer.json()["outcome"], "applied");
    assert_eq!(agent.asked().pop().unwrap().1, json!({"rows": []}), "all of them");
    site.console.stop().await;
}

#[tokio::test]
async fn a_director_with_an_unknown_configuration_waits_for_a_decision() {
    let (site, id, agent) = furnished().await;
    agent.report(by_hand).await;
    running(&site, &id, &agent).await;
    let mut theirs = site.console.cluster(&id).await.unwrap().running.unwrap().content;
    theirs.virtual_servers[0].name = "their name for it".into();
    let digest = Digest::of(&theirs);
    let ahead = |inside: &mut Inside| {
        let target = inside.target.clone().unwrap();
        inside.target =
            Some(Target { revision: 9, digest: digest.clone(), cluster: theirs.clone(), ..target });
        (inside.status.revision, inside.status.digest) = (Some(9), Some(digest.clone()));
    };
    agent.report(ahead).await;
    let mut approver = site.member(Role::Approver).await;
    let director = format!("/clusters/{id}/directors/d1");
    let shown = approver.get(&director).await.is(200);
    for text in
        ["revision 9, whose content this console does not know", "Take theirs as a draft", "Overwrite it"]
    {
        assert!(shown.body.contains(text), "{text}: {}", shown.body);
    }
    let taken = approver.post(&format!("{director}/theirs"), &[]).await.is(303);
    assert_eq!(taken.location(), format!("/clusters/{id}/changes?done=theirs"));
    let changes = approver.get(&format!("/clusters/{id}/changes")).await.is(200);
    assert!(changes.body.contains("their name for it"), "{}", changes.body);
    let activated =
        approver.post(&format!("/clusters/{id}/changes/activate"), &[("message", "theirs")]).await;
    assert!(activated.is(200).body.contains("10"));
    let (what, body) = agent.asked().pop().unwrap();
    assert_eq!(
        (what.as_str(), body["revision"].as_u64(), &body["force"]),
        ("PUT /v1/target", Some(10), &json!(false))
    );

    let robot = site.robot(Role::Approver).await;
    agent.report(ahead).await;
    agent.until("unknown again", |live| live.sync != Sync::InSync).await;
    let pushed = robot.ask("POST", &format!("{director}/push"), None, None).await;
    assert_eq!(pushed.is(200).json()["outcome"], "applied");
    assert_eq!(agent.asked().pop().unwrap().1["force"], json!(true));
    let theirs = robot.ask("POST", &format!("{director}/theirs"), None, None).await.is(200);
    assert_eq!(theirs.json()["content"]["name"], "nginx");
    site.console.stop().await;
}
