//! Drafts that somebody else activates, and the rule that only somebody else may.

use console::{Activate, ActivateError, Actor, Edit, Role, Theirs, TokenRequest};
use lvs::model::GlobalSettings;

use crate::clusters::{weight, with_web};
use crate::place::{Place, actor, admin};

fn theirs<'a>(owner: &'a str, etag: &'a str) -> Activate<'a> {
    Activate { theirs: Some(Theirs { owner, etag }), ..Activate::default() }
}

async fn four_eyes(place: &Place, who: &str, on: bool) {
    let view = place.console.view(&admin(who), "web").await.unwrap();
    let global = GlobalSettings { four_eyes: on, ..view.content.global };
    place.console.change(&admin(who), "web", Edit::Global(global), None).await.unwrap();
}

#[tokio::test]
async fn an_editor_asks_and_an_approver_activates_what_was_looked_at() {
    let place = with_web().await;
    let console = &place.console;
    let alice = actor("alice", Role::Editor);
    let bob = actor("bob", Role::Approver);
    assert!(matches!(console.ask_to_activate(&alice, "web", "", None).await, Err(ActivateError::Missing(_))));
    weight(&place, "alice", 3).await.unwrap();
    let asked = console.ask_to_activate(&alice, "web", " more for one ", None).await.unwrap();
    assert_eq!(asked.asked.as_ref().unwrap().message, "more for one");
    assert_eq!(console.cluster("web").await.unwrap().asking, ["account/alice"]);
    assert!(matches!(
        console.activate_as(&alice, "web", theirs("account/alice", &asked.etag)).await,
        Err(ActivateError::Forbidden { .. })
    ));

    // A further change takes the request back, and what was looked at is not what would run.
    let seen = console.draft_of("web", "account/alice").await.unwrap().unwrap().etag;
    weight(&place, "alice", 4).await.unwrap();
    assert!(console.cluster("web").await.unwrap().asking.is_empty());
    let refused = console.activate_as(&bob, "web", theirs("account/alice", &seen)).await;
    let Err(ActivateError::Stale { etag, by }) = refused else { panic!("{refused:?}") };
    assert_eq!(by, "account/alice");
    assert!(matches!(
        console.ask_to_activate(&alice, "web", "", Some(&seen)).await,
        Err(ActivateError::Stale { .. })
    ));
    console.ask_to_activate(&alice, "web", "four", Some(&etag)).await.unwrap();
    let list = console.drafts("web").await.unwrap();
    assert_eq!((list.len(), list[0].owner.as_str()), (1, "account/alice"));

    let done = console.activate_as(&bob, "web", theirs("account/alice", &etag)).await.unwrap();
    let running = console.cluster("web").await.unwrap().running.unwrap();
    assert_eq!(running.content.virtual_servers[0].real_servers[0].weight.0, 4);
    let said = &running.summary;
    assert_eq!((done.revision, said.number), (2, 2));
    assert_eq!((said.author.as_str(), said.approver.as_deref()), ("account/alice", Some("account/bob")));
    assert_eq!(said.message, "four", "the reason that was given with the request");
    assert!(console.drafts("web").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_request_is_taken_back_and_what_nobody_could_activate_is_not_asked_for() {
    let place = with_web().await;
    let console = &place.console;
    let alice = admin("alice");
    weight(&place, "alice", 3).await.unwrap();
    console.ask_to_activate(&alice, "web", "", None).await.unwrap();
    let draft = console.withdraw_request(&alice, "web", None).await.unwrap();
    assert!(draft.asked.is_none() && console.draft(&alice, "web").await.unwrap().is_some());
    // Somebody else activates meanwhile.
    weight(&place, "bob", 9).await.unwrap();
    console.activate(&admin("bob"), "web", "").await.unwrap();
    let refused = console.ask_to_activate(&alice, "web", "", None).await;
    assert!(matches!(refused, Err(ActivateError::Conflict { .. })), "{refused:?}");
    weight(&place, "carol", 9).await.unwrap();
    let refused = console.ask_to_activate(&admin("carol"), "web", "", None).await;
    assert!(matches!(refused, Err(ActivateError::Missing(_))), "{refused:?}");
    let kinds: Vec<String> =
        console.audit(&alice, None, None, 100).await.unwrap().into_iter().map(|entry| entry.action).collect();
    assert!(
        kinds.iter().any(|k| k == "draft.ask") && kinds.iter().any(|k| k == "draft.withdraw"),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn under_four_eyes_nobody_activates_a_draft_of_their_own_not_even_by_a_token() {
    let place = with_web().await;
    let console = &place.console;
    for name in ["alice", "bob"] {
        let password = "correct horse battery";
        console.set_password(&Actor::local(), name, password, Role::Admin).await.unwrap();
    }
    // Switched on by one person: what runs does not ask for two yet.
    four_eyes(&place, "alice", true).await;
    console.activate(&admin("alice"), "web", "two from now on").await.unwrap();
    // Switched off by two only.
    four_eyes(&place, "alice", false).await;
    let refused = console.activate(&admin("alice"), "web", "").await;
    assert!(matches!(refused, Err(ActivateError::FourEyes)), "{refused:?}");

    // A token is its owner, in either direction.
    let request = TokenRequest { name: "ci", role: Role::Approver, expires: None, cluster: None };
    let made = console.create_token_for(&admin("alice"), request).await.unwrap();
    let token = console.bearer(&made.secret).await.unwrap().unwrap();
    let etag = console.draft(&admin("alice"), "web").await.unwrap().unwrap().etag;
    let refused = console.activate_as(&token, "web", theirs("account/alice", &etag)).await;
    assert!(matches!(refused, Err(ActivateError::FourEyes)), "{refused:?}");
    let view = console.view(&token, "web").await.unwrap();
    let edit = Edit::Global(GlobalSettings { four_eyes: false, ..view.content.global });
    let own = console.change(&token, "web", edit, None).await.unwrap().draft.etag;
    for (who, how) in [(&token, Activate::default()), (&admin("alice"), theirs("token/ci", &own))] {
        let refused = console.activate_as(who, "web", how).await;
        assert!(matches!(refused, Err(ActivateError::FourEyes)), "{who:?}: {refused:?}");
    }
    // What a token left is gone with it: nobody of the same name goes on with it.
    console.delete_token(&admin("alice"), "ci").await.unwrap();
    assert!(console.draft_of("web", "token/ci").await.unwrap().is_none());

    let done = console.activate_as(&admin("bob"), "web", theirs("account/alice", &etag)).await.unwrap();
    assert_eq!(done.revision, 3);
    assert!(!console.cluster("web").await.unwrap().running.unwrap().content.global.four_eyes);
}
