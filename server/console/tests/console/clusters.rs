//! Drafts, their rules, what a preview says, and activation.

use console::{
    ActivateError, Basis, ChangeError, ChangeKind, Edit, Object, PushOutcome, Rebasing, Role, Thing,
};
use lvs::format::FileKind;
use lvs::model::{GlobalSettings, Id, Side};

use crate::place::{Place, actor, admin, web};

pub(crate) async fn with_web() -> Place {
    let place = Place::new().await;
    let alice = admin("alice");
    place.console.create_cluster(&alice, web()).await.unwrap();
    place.console.activate(&alice, "web", "first").await.unwrap();
    place
}

/// A change of one real server's weight.
pub(crate) async fn weight(place: &Place, who: &str, weight: u16) -> Result<console::Changed, ChangeError> {
    let view = place.console.view(&admin(who), "web").await.unwrap();
    let mut server = view.content.virtual_servers[0].real_servers[0].clone();
    server.weight = lvs::model::Weight(weight);
    let edit =
        Edit::PutRealServer { virtual_server: Id("http".to_owned()), id: Some(Id("one".to_owned())), server };
    place.console.change(&admin(who), "web", edit, None).await
}

#[tokio::test]
async fn a_file_becomes_a_draft_and_the_draft_the_running_revision() {
    let place = Place::new().await;
    let console = &place.console;
    let alice = admin("alice");
    let draft = console.import(&alice, None, web()).await.unwrap();
    assert!(draft.cluster_id.starts_with("cl_"));
    let http = &draft.content.virtual_servers[0];
    assert!(http.id.0.starts_with("vs_") && http.real_servers[1].id.0.starts_with("rs_"));
    let list = console.clusters().await.unwrap();
    assert_eq!(
        (list[0].name.as_str(), list[0].running, &list[0].drafts[..]),
        ("web", None, &["account/alice".to_owned()][..])
    );
    assert_eq!(
        console.view(&admin("bob"), "web").await.unwrap().content.virtual_servers.len(),
        0,
        "bob sees no draft of alice's"
    );

    let done = console.activate(&alice, &draft.cluster_id, "  imported  ").await.unwrap();
    assert_eq!(done.revision, 1);
    assert!(done.results.iter().all(|r| r.outcome == PushOutcome::NotEnrolled));
    let order: Vec<&str> = done.results.iter().map(|r| r.director.as_str()).collect();
    assert_eq!(order, ["director-b", "director-a"], "the backup seat first");
    let running = console.cluster("web").await.unwrap().running.unwrap();
    assert_eq!((running.summary.number, running.summary.parent), (1, None));
    assert_eq!(
        (running.summary.author.as_str(), running.summary.message.as_str()),
        ("account/alice", "imported")
    );
    assert_eq!(running.content, draft.content);
    assert!(console.draft(&alice, "web").await.unwrap().is_none());
    let live = console.live("web").await.unwrap();
    assert_eq!(live.running, Some(1));
    assert_eq!(live.directors.len(), 2);
}

#[tokio::test]
async fn a_parent_that_moved_is_a_conflict_that_names_who_moved_it() {
    let place = with_web().await;
    let console = &place.console;
    weight(&place, "alice", 2).await.unwrap();
    weight(&place, "bob", 3).await.unwrap();
    console.activate(&admin("bob"), "web", "").await.unwrap();
    let preview = console.preview(&admin("alice"), "web").await.unwrap();
    assert_eq!(preview.conflict.map(|r| (r.number, r.author)), Some((2, "account/bob".to_owned())));
    match console.activate(&admin("alice"), "web", "").await {
        Err(ActivateError::Conflict { by, revision }) => {
            assert_eq!((by.as_str(), revision), ("account/bob", 2))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(console.revisions("web").await.unwrap().len(), 2, "nothing was made");
    // Both changed the same weight: nothing is undone silently, and nothing changes until somebody chooses.
    let rebase = console.rebase(&admin("alice"), "web").await.unwrap().expect("the parent has moved");
    assert_eq!((rebase.base, rebase.running.number, rebase.conflicts.len()), (Some(1), 2, 1));
    let place_of = rebase.conflicts[0].place.clone();
    let choose = |side, onto| Rebasing {
        onto: Some(onto),
        if_match: Some(rebase.etag.clone()),
        choices: [(place_of.clone(), side)].into(),
    };
    for how in [Rebasing::default(), choose(Side::Mine, 1)] {
        match console.rebase_draft(&admin("alice"), "web", &how).await {
            Err(ChangeError::Unmerged(again)) => assert_eq!(again.conflicts.len(), 1),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(console.draft(&admin("alice"), "web").await.unwrap().unwrap().base, Some(1));
    let draft = console.rebase_draft(&admin("alice"), "web", &choose(Side::Mine, 2)).await.unwrap();
    assert_eq!(draft.base, Some(2));
    assert!(console.rebase(&admin("alice"), "web").await.unwrap().is_none());
    let done = console.activate(&admin("alice"), "web", "").await.unwrap();
    assert_eq!(done.revision, 3);
    assert_eq!(console.revision("web", 3).await.unwrap().summary.parent, Some(2));
    let weights = |n| async move {
        console.revision("web", n).await.unwrap().content.virtual_servers[0].real_servers[0].weight.0
    };
    assert_eq!((weights(1).await, weights(2).await, weights(3).await), (1, 3, 2), "revisions never change");
}

#[tokio::test]
async fn two_activations_at_once_make_one_revision() {
    let place = with_web().await;
    weight(&place, "alice", 2).await.unwrap();
    weight(&place, "bob", 3).await.unwrap();
    let (alice, bob) = (admin("alice"), admin("bob"));
    let (one, other) =
        tokio::join!(place.console.activate(&alice, "web", ""), place.console.activate(&bob, "web", ""));
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1, "{one:?} {other:?}");
    let lost = if one.is_ok() { other } else { one };
    assert!(matches!(lost, Err(ActivateError::Conflict { revision: 2, .. })), "{lost:?}");
}

#[tokio::test]
async fn a_draft_that_changes_nothing_is_said_to_and_goes() {
    let place = with_web().await;
    weight(&place, "alice", 1).await.unwrap();
    assert!(!place.console.view(&admin("alice"), "web").await.unwrap().draft, "nothing was changed");
    weight(&place, "alice", 2).await.unwrap();
    weight(&place, "alice", 1).await.unwrap();
    let nothing = place.console.activate(&admin("alice"), "web", "").await;
    assert!(matches!(nothing, Err(ActivateError::Nothing)), "{nothing:?}");
    let missing = place.console.activate(&admin("alice"), "web", "").await;
    assert!(matches!(missing, Err(ActivateError::Missing(m)) if m.thing == Thing::Draft));
}

#[tokio::test]
async fn an_edit_is_held_to_the_tag_it_was_made_from() {
    let place = with_web().await;
    let console = &place.console;
    let alice = admin("alice");
    let seen = console.view(&alice, "web").await.unwrap();
    assert!(!seen.draft);
    let edit = |tcp| {
        Edit::Global(GlobalSettings {
            timeouts: lvs::model::Timeouts { tcp: Some(tcp), ..Default::default() },
            ..GlobalSettings::default()
        })
    };
    let changed = console.change(&alice, "web", edit(300), Some(&seen.etag)).await.unwrap();
    assert_ne!(changed.draft.etag, seen.etag);
    match console.change(&alice, "web", edit(400), Some(&seen.etag)).await {
        Err(ChangeError::Stale { etag, by }) => {
            assert_eq!(etag, changed.draft.etag);
            assert_eq!(by.as_deref(), Some("account/alice"), "who changed it is said");
        }
        other => panic!("{other:?}"),
    }
    let now = console.view(&alice, "web").await.unwrap();
    assert_eq!((now.draft, now.etag, now.content.global.timeouts.tcp), (true, changed.draft.etag, Some(300)));
}

#[tokio::test]
async fn an_edit_is_refused_for_errors_it_writes_and_not_for_others() {
    let place = with_web().await;
    let console = &place.console;
    let alice = admin("alice");
    let mut server = console.view(&alice, "web").await.unwrap().content.virtual_servers[0].clone();
    server.name = String::new();
    let refused = console
        .change(&alice, "web", Edit::PutVirtualServer { id: Some(server.id.clone()), server }, None)
        .await;
    match refused {
        Err(ChangeError::Invalid(findings)) => {
            assert!(findings.iter().any(|f| f.pointer() == Some("/virtual_servers/0/name")), "{findings:?}");
        }
        other => panic!("{other:?}"),
    }
    assert!(console.draft(&alice, "web").await.unwrap().is_none(), "nothing was written");

    // Without its primary director the cluster is not valid; the edit passes, activation does not.
    let removed =
        console.change(&alice, "web", Edit::RemoveDirector("director-a".to_owned()), None).await.unwrap();
    assert!(lvs::finding::has_errors(&removed.draft.findings), "{:?}", removed.draft.findings);
    let renamed = console.change(&alice, "web", Edit::Name("web-2".to_owned()), None).await.unwrap();
    assert_eq!(renamed.draft.content.name, "web-2");
    let preview = console.preview(&alice, "web").await.unwrap();
    assert!(preview.directors.is_empty() && lvs::finding::has_errors(&preview.findings));
    let invalid = console.activate(&alice, "web", "").await;
    assert!(matches!(invalid, Err(ActivateError::Invalid(_))), "{invalid:?}");
    assert_eq!(console.cluster("web").await.unwrap().running.unwrap().summary.number, 1);
}

#[tokio::test]
async fn a_name_belongs_to_one_cluster() {
    let place = with_web().await;
    let console = &place.console;
    let alice = admin("alice");
    let taken = console.create_cluster(&alice, web()).await;
    assert!(matches!(&taken, Err(ChangeError::Invalid(f)) if f[0].pointer() == Some("/name")), "{taken:?}");
    let mail = lvs::Cluster { name: "mail".to_owned(), ..web() };
    console.create_cluster(&alice, mail).await.unwrap();
    let taken = console.change(&alice, "mail", Edit::Name("web".to_owned()), None).await;
    assert!(matches!(taken, Err(ChangeError::Invalid(_))), "{taken:?}");
    // A cluster that never ran is called what its draft says; one that runs, when that is activated.
    console.change(&alice, "mail", Edit::Name("post".to_owned()), None).await.unwrap();
    assert!(console.cluster("post").await.is_ok() && console.cluster("mail").await.is_err());
    console.change(&alice, "web", Edit::Name("www".to_owned()), None).await.unwrap();
    assert!(console.cluster("www").await.is_err());
    console.activate(&alice, "web", "").await.unwrap();
    assert!(console.cluster("www").await.is_ok());
}

#[tokio::test]
async fn a_preview_shows_changes_in_words_and_the_kernel_s_steps() {
    let place = with_web().await;
    let console = &place.console;
    weight(&place, "alice", 5).await.unwrap();
    let preview = console.preview(&admin("alice"), "web").await.unwrap();
    assert_eq!((preview.base, preview.running), (Some(1), Some(1)));
    assert_eq!(preview.changes.len(), 1);
    assert_eq!(
        (preview.changes[0].object, preview.changes[0].name.as_str()),
        (Object::RealServer, "http / one")
    );
    let change = ChangeKind::Field {
        field: "weight".to_owned(),
        before: Some("1".to_owned()),
        after: Some("5".to_owned()),
    };
    assert_eq!(preview.changes[0].change, change);
    assert_eq!(
        preview.directors.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(),
        ["director-b", "director-a"]
    );
    let [standby, active] = &preview.directors[..] else { panic!("{:?}", preview.directors) };
    assert!(standby.basis == Basis::Unknown && !standby.connected, "never connected, and said so");
    // Against an empty kernel: everything is to be added, the address only on the primary seat.
    assert!(active.steps.iter().any(|s| s.starts_with("-A -t 192.0.2.10:80")), "{:?}", active.steps);
    assert!(
        active.steps.iter().any(|s| s.contains("10.0.0.11:80") && s.ends_with("-w 5")),
        "{:?}",
        active.steps
    );
    assert!(
        active.steps.iter().any(|s| s.starts_with("ip addr add 192.0.2.10/32 dev eth0")),
        "{:?}",
        active.steps
    );
    assert!(!standby.steps.iter().any(|s| s.starts_with("ip addr")), "{:?}", standby.steps);

    let mut whole = console.cluster("web").await.unwrap().running.unwrap().content;
    whole.virtual_servers.clear();
    let dry = console.preview_of(&admin("bob"), "web", whole).await.unwrap();
    assert!(matches!(dry.changes[..], [ref line] if line.change == ChangeKind::Removed));
    assert!(console.draft(&admin("bob"), "web").await.unwrap().is_none(), "nothing was written");
}

#[tokio::test]
async fn roles_are_asked_for_where_something_changes() {
    let place = with_web().await;
    let console = &place.console;
    let viewer = actor("viewer", Role::Operator);
    let refused = console.change(&viewer, "web", Edit::Name("x".to_owned()), None).await;
    assert!(matches!(refused, Err(ChangeError::Forbidden { needs: Role::Editor })), "{refused:?}");
    let editor = actor("editor", Role::Editor);
    console.change(&editor, "web", Edit::Redundancy(Default::default()), None).await.unwrap();
    let refused = console.activate(&editor, "web", "").await;
    assert!(matches!(refused, Err(ActivateError::Forbidden { needs: Role::Approver })), "{refused:?}");
    assert!(console.delete_cluster(&actor("approver", Role::Approver), "web").await.is_err());
    assert!(console.audit(&editor, None, None, 10).await.is_err());
    assert!(console.cluster("web").await.is_ok());
}

#[tokio::test]
async fn every_change_is_in_the_audit_log_with_its_digests() {
    let place = with_web().await;
    let console = &place.console;
    let root = admin("root");
    weight(&place, "alice", 2).await.unwrap();
    console.activate(&admin("alice"), "web", "heavier").await.unwrap();
    let rows = console.audit(&root, Some("web"), None, 100).await.unwrap();
    let actions: Vec<&str> = rows.iter().rev().map(|r| r.action.as_str()).collect();
    assert_eq!(actions, ["cluster.create", "revision.activate", "draft.change", "revision.activate"]);
    let last = &rows[0];
    assert_eq!((last.actor.as_str(), last.source.as_str()), ("account/alice", "192.0.2.99"));
    assert_eq!(last.detail, "revision 2: heavier");
    let digest = |n| async move { console.revision("web", n).await.unwrap().summary.digest.0 };
    assert_eq!((last.before.clone(), last.after.clone()), (Some(digest(1).await), Some(digest(2).await)));
    let id = console.cluster("web").await.unwrap().id;
    console.delete_cluster(&root, "web").await.unwrap();
    assert!(console.cluster("web").await.is_err());
    let rows = console.audit(&root, Some(&id), None, 1).await.unwrap();
    assert_eq!(rows[0].action, "cluster.delete");
    assert_eq!(console.audit_break(&root).await.unwrap(), None);
}

#[test]
fn files_are_read_as_the_check_command_reads_them() {
    let text = "-A -t 192.0.2.10:80 -s rr\n-a -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 1\n";
    let reading = console::read_file(text, None);
    assert_eq!(reading.kind, Some(FileKind::Ipvsadm));
    let direct = lvs::format::read(text, FileKind::Ipvsadm);
    assert_eq!((reading.cluster, reading.findings), (direct.cluster, direct.findings));
    assert_eq!(console::read_file("serial_no = 1\n", None).kind, Some(FileKind::LvsCf));
}
