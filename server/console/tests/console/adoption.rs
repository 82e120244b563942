//! What directors hold becomes a draft: foreign rows, drift, and a configuration that only a director knows.

use std::collections::BTreeSet;

use console::{Basis, ChangeError, Edit, Error, PushOutcome, Role, Sync};
use lvs::Cluster;
use lvs::format::ipvsadm;
use lvs::model::{Director, DriftPolicy, Seat};
use lvs::plan::Row;
use lvs::table::{AddressKey, AddressRow, KernelTimeouts, Observed};
use lvs::wire::{Digest, Drift, Snapshot, State, Target};

use crate::agent::FakeAgent;
use crate::place::{Place, actor, admin, web};

const TABLE: &str = "\
-A -t 192.168.91.141:80 -s wrr -p 120
-a -t 192.168.91.141:80 -r 192.168.81.142:80 -m -w 1
-a -t 192.168.91.141:80 -r 192.168.81.143:80 -m -w 2
-A -f 7 -s rr
";

/// Scenario D: one director that was set up by hand.
fn by_hand() -> Snapshot {
    let address: AddressKey = "eth0 192.168.91.141/24".parse().unwrap();
    let observed = Observed {
        table: ipvsadm::read(TABLE).0.unwrap(),
        addresses: [(address, AddressRow::default())].into(),
        timeouts: KernelTimeouts { tcp: 900, tcpfin: 120, udp: 300 },
        ..Observed::default()
    };
    Snapshot { observed, ..Snapshot::default() }
}

fn rows(texts: &[&str]) -> BTreeSet<Row> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

const WEB: &str = "tcp 192.168.91.141:80";

#[tokio::test]
async fn a_running_kernel_becomes_a_draft_and_its_activation_changes_nothing() {
    let place = Place::new().await;
    let (console, alice) = (&place.console, admin("alice"));
    console.start();
    let public = Some("192.168.91.141".parse().unwrap());
    let director = Director { name: "d1".into(), seat: Seat::Primary, public, private: None };
    let content = Cluster { name: "nginx".into(), directors: vec![director], ..Cluster::default() };
    console.create_cluster(&alice, content).await.unwrap();
    let before = console.foreign(&alice, "nginx", "d1").await.unwrap();
    assert_eq!((before.basis, before.offers.len()), (Basis::Unknown, 0), "nobody has joined yet");
    let agent = FakeAgent::join(console, &alice, "nginx", "d1").await;
    agent.report(|inside| inside.snapshot = by_hand()).await;

    let foreign = console.foreign(&actor("victor", Role::Viewer), "nginx", "d1").await.unwrap();
    let offered: Vec<String> = foreign.offers.iter().map(|offer| offer.row.to_string()).collect();
    assert_eq!((foreign.basis, offered), (Basis::Live, vec![WEB.to_owned(), "fwmark 7".to_owned()]));
    let foreign = console.foreign(&alice, "nginx", "d1").await.unwrap();

    let refused = |error| matches!(error, ChangeError::Refused(_) | ChangeError::Invalid(_));
    for wrong in [rows(&[]), rows(&["tcp 192.0.2.1:1"]), rows(&[WEB, "tcp 192.0.2.1:1"])] {
        assert!(refused(console.adopt(&alice, "nginx", "d1", &wrong, None).await.unwrap_err()));
    }
    let stale = console.adopt(&alice, "nginx", "d1", &rows(&[WEB]), Some("other")).await;
    assert!(matches!(stale, Err(ChangeError::Stale { .. })));
    let may = actor("olga", Role::Operator);
    let forbidden = console.adopt(&may, "nginx", "d1", &rows(&[WEB]), None).await;
    assert!(matches!(forbidden, Err(ChangeError::Forbidden { needs: Role::Editor })));
    assert!(console.adopt(&alice, "nginx", "nobody", &rows(&[WEB]), None).await.is_err());

    let preview = console.adopt_preview(&alice, "nginx", "d1", &rows(&[WEB])).await.unwrap();
    assert_eq!(preview.directors[0].steps, Vec::<String>::new());
    assert_eq!(preview.directors[0].adopted, [WEB]);
    let untouched = console.draft(&alice, "nginx").await.unwrap().unwrap();
    assert!(untouched.content.virtual_servers.is_empty(), "a preview writes nothing");

    let done = console.adopt(&alice, "nginx", "d1", &rows(&[WEB]), Some(&foreign.etag)).await.unwrap();
    assert_eq!(done.taken, [WEB]);
    let server = &done.draft.content.virtual_servers[0];
    assert!(server.id.0.starts_with("vs_") && server.real_servers[0].id.0.starts_with("rs_"));
    let preview = console.preview(&alice, "nginx").await.unwrap();
    assert_eq!(
        (preview.directors[0].steps.len(), &preview.directors[0].foreign),
        (0, &vec!["fwmark 7".to_owned()])
    );
    let activation = console.activate(&alice, "nginx", "as it was").await.unwrap();
    assert!(matches!(activation.results[0].outcome, PushOutcome::Applied { in_sync: true, .. }));
    let asked = agent.asked();
    assert_eq!(
        (asked.len(), asked[0].0.as_str(), asked[0].1["force"].as_bool()),
        (1, "PUT /v1/target", Some(false))
    );
    place.console.stop().await;
}

#[tokio::test]
async fn drift_is_shown_repaired_on_demand_or_taken_over() {
    let place = Place::new().await;
    let (console, alice) = (&place.console, admin("alice"));
    console.start();
    let mut content = web();
    content.global.drift = DriftPolicy::Hold;
    content.directors.truncate(1);
    content.redundancy.enabled = false;
    console.create_cluster(&alice, content).await.unwrap();
    console.activate(&alice, "web", "").await.unwrap();
    let agent = FakeAgent::join(console, &alice, "web", "director-a").await;
    agent.pushed().await;
    agent.until("in sync", |live| live.sync == Sync::InSync).await;
    let drifted = |inside: &mut crate::agent::Inside| {
        let table = "-A -t 192.0.2.10:80 -s wlc\n-a -t 192.0.2.10:80 -r 10.0.0.11:80 -m -w 7\n";
        inside.snapshot.observed.table = ipvsadm::read(table).0.unwrap();
        inside.status.state = State::Active;
        inside.status.in_sync = false;
        inside.status.drift_count = 1;
        inside.status.drift = vec![Drift {
            row: "tcp 192.0.2.10:80".into(),
            found: vec!["-a -t 192.0.2.10:80 -r 10.0.0.11:80 -m -w 7".into()],
            repair: vec!["-e -t 192.0.2.10:80 -r 10.0.0.11:80 -m -w 1".into()],
            since_s: 1,
            repairs: 0,
            due_s: None,
        }];
    };
    let live = agent.report(drifted).await;
    assert_eq!(live.sync, Sync::Drifted { rows: 1, held: true });

    let chosen = rows(&["tcp 192.0.2.10:80"]);
    let viewer = console.repair(&actor("victor", Role::Viewer), "web", "director-a", &chosen).await;
    assert!(matches!(viewer, Err(Error::Forbidden { needs: Role::Operator })));
    let operator = actor("olga", Role::Operator);
    let repaired = console.repair(&operator, "web", "director-a", &chosen).await.unwrap();
    let PushOutcome::Applied { in_sync: true, steps, .. } = repaired.outcome else { panic!("{repaired:?}") };
    assert_eq!(steps, ["-e -t 192.0.2.10:80 -r 10.0.0.11:80 -m -w 1"]);
    let (what, body) = agent.asked().pop().unwrap();
    assert_eq!(
        (what.as_str(), &body),
        ("POST /v1/repair", &serde_json::json!({"rows": ["tcp 192.0.2.10:80"]}))
    );
    agent.until("no drift", |live| live.sync == Sync::InSync).await;

    agent.report(drifted).await;
    let taken = console.adopt(&alice, "web", "director-a", &chosen, None).await.unwrap();
    let http = &taken.draft.content.virtual_servers[0];
    let reals: Vec<_> = http.real_servers.iter().map(|r| (r.name.as_str(), r.active, r.weight.0)).collect();
    assert_eq!(reals, [("one", true, 7), ("two", false, 1)]);
    let audit = console.audit(&alice, Some("web"), None, 100).await.unwrap();
    for action in ["director.repair", "draft.adopt"] {
        assert!(audit.iter().any(|row| row.action == action), "{action}");
    }
    place.console.stop().await;
}

/// A console that was restored from an old copy meets a director that went on.
#[tokio::test]
async fn a_configuration_that_only_a_director_knows_can_be_taken_as_a_draft() {
    let place = Place::new().await;
    let (console, alice) = (&place.console, admin("alice"));
    console.start();
    console.create_cluster(&alice, web()).await.unwrap();
    console.activate(&alice, "web", "").await.unwrap();
    let agent = FakeAgent::join(console, &alice, "web", "director-a").await;
    agent.pushed().await;
    agent.until("in sync", |live| live.sync == Sync::InSync).await;
    let mut theirs = console.cluster("web").await.unwrap().running.unwrap().content;
    theirs.virtual_servers[0].name = "https".into();
    theirs.virtual_servers[0].port = 443;
    let digest = Digest::of(&theirs);
    agent
        .report(|inside| {
            let target = Target {
                revision: 9,
                digest: digest.clone(),
                cluster: theirs.clone(),
                ..inside.target.clone().unwrap()
            };
            (inside.status.revision, inside.status.digest) = (Some(9), Some(digest.clone()));
            inside.target = Some(target);
        })
        .await;
    agent.until("seen to be ahead", |live| live.sync == Sync::Ahead { held: 9 }).await;

    // Whatever is activated without a look at theirs is held back.
    let rename = Edit::Global(lvs::model::GlobalSettings { drift: DriftPolicy::Hold, ..Default::default() });
    console.change(&alice, "web", rename, None).await.unwrap();
    let activation = console.activate(&alice, "web", "").await.unwrap();
    assert_eq!(activation.revision, 10, "above every director's");
    let of_a = |results: &[console::PushResult]| {
        results.iter().find(|r| r.director == "director-a").unwrap().outcome.clone()
    };
    assert!(matches!(of_a(&activation.results), PushOutcome::Held { .. }), "{activation:?}");

    let refused = console.take_theirs(&actor("olga", Role::Operator), "web", "director-a").await;
    assert!(matches!(refused, Err(ChangeError::Forbidden { needs: Role::Editor })));
    assert!(matches!(console.take_theirs(&alice, "web", "director-b").await, Err(ChangeError::Missing(_))));
    let draft = console.take_theirs(&alice, "web", "director-a").await.unwrap();
    assert_eq!((draft.content, draft.base), (theirs.clone(), Some(10)));
    let edit = Edit::Global(lvs::model::GlobalSettings { drift: DriftPolicy::Hold, ..theirs.global.clone() });
    console.change(&alice, "web", edit, None).await.unwrap();
    let activation = console.activate(&alice, "web", "theirs, with a change").await.unwrap();
    assert_eq!(activation.revision, 11);
    assert!(matches!(of_a(&activation.results), PushOutcome::Applied { .. }), "{activation:?}");
    let (what, body) = agent.asked().pop().unwrap();
    assert_eq!(
        (what.as_str(), body["revision"].as_u64(), body["force"].as_bool()),
        ("PUT /v1/target", Some(11), Some(false))
    );
    assert_eq!(body["cluster"]["virtual_servers"][0]["name"], "https");
    place.console.stop().await;
}
