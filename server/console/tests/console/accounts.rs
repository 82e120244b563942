//! The first account, signing in, sessions and tokens.

use console::{AccountError, Actor, LoginError, NameError, PasswordError, PasswordSet, Role, SetupError};

use crate::place::{Place, actor, address, admin};

const PASSWORD: &str = "violet harbour kettle";
const OTHER: &str = "seven green anchors";

async fn with_alice() -> Place {
    let place = Place::new().await;
    place.console.set_password(&Actor::local(), "alice", PASSWORD, Role::Editor).await.unwrap();
    place
}

#[tokio::test]
async fn the_setup_code_makes_one_administrator_once() {
    let place = Place::new().await;
    let console = &place.console;
    assert!(!console.has_accounts().await.unwrap());
    let mut codes = console.setup_codes();
    let code = console.setup_code().unwrap();
    assert_eq!(codes.borrow_and_update().as_deref(), Some(code.as_str()));
    assert!(code.len() >= 26, "128 bits");

    let wrong = console.setup("not the code", "alice", PASSWORD, address()).await;
    assert!(matches!(wrong, Err(SetupError::Wrong)), "{wrong:?}");
    place.pass(5);
    let weak = console.setup(&code, "alice", "password1234", address()).await;
    assert!(matches!(weak, Err(SetupError::Password(PasswordError::Common))), "{weak:?}");
    let named = console.setup(&code, "al ice", PASSWORD, address()).await;
    assert!(matches!(named, Err(SetupError::Name(NameError::Characters))), "{named:?}");

    // As people type it: in capitals, with blanks.
    let session =
        console.setup(&format!(" {} ", code.to_uppercase()), "alice", PASSWORD, address()).await.unwrap();
    assert_eq!(session.info.actor.role, Role::Admin);
    assert_eq!(console.session(&session.cookie).await.unwrap().unwrap().actor.name, "alice");
    assert!(console.has_accounts().await.unwrap());
    assert_eq!(console.setup_code(), None);
    assert!(codes.has_changed().unwrap() && codes.borrow().is_none());
    let over = console.setup(&code, "mallory", OTHER, address()).await;
    assert!(matches!(over, Err(SetupError::Done)), "{over:?}");
}

#[tokio::test]
async fn an_expired_setup_code_is_no_good_and_two_at_once_make_one_account() {
    let place = Place::new().await;
    let code = place.console.setup_code().unwrap();
    place.pass(30 * 60);
    let late = place.console.setup(&code, "alice", PASSWORD, address()).await;
    assert!(matches!(late, Err(SetupError::Wrong)), "{late:?}");

    let place = Place::new().await;
    let code = place.console.setup_code().unwrap();
    let (one, other) = tokio::join!(
        place.console.setup(&code, "alice", PASSWORD, "192.0.2.1".parse().unwrap()),
        place.console.setup(&code, "bob", OTHER, "192.0.2.2".parse().unwrap()),
    );
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1, "{one:?} {other:?}");
}

#[tokio::test]
async fn a_running_console_renews_its_setup_code_and_notices_an_account_made_elsewhere() {
    let place = Place::new().await;
    let mut codes = place.console.setup_codes();
    let first = codes.borrow_and_update().clone().unwrap();
    place.pass(30 * 60 + 1);
    place.console.start();
    let second = codes.wait_for(|c| c.as_deref() != Some(first.as_str())).await.unwrap().clone().unwrap();
    place.again().await.set_password(&Actor::local(), "alice", PASSWORD, Role::Admin).await.unwrap();
    let wait = codes.wait_for(Option::is_none);
    tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.unwrap().unwrap();
    let over = place.console.setup(&second, "mallory", OTHER, address()).await;
    assert!(matches!(over, Err(SetupError::Done)), "{over:?}");
    place.console.stop().await;
}

#[tokio::test]
async fn signing_in_needs_the_password_and_says_nothing_else() {
    let place = with_alice().await;
    let console = &place.console;
    for (user, password) in
        [("alice", OTHER), ("nobody", PASSWORD), ("", ""), ("alice", ""), ("a b", PASSWORD)]
    {
        let answer = console.login(user, password, address()).await;
        assert!(matches!(answer, Err(LoginError::Wrong)), "{user}: {answer:?}");
        place.pass(5);
    }
    let long = console.login("alice", &"x".repeat(1 << 20), address()).await;
    assert!(matches!(long, Err(LoginError::Wrong)));
    place.pass(60);
    // Names are the same in any case, as in the database.
    let session = console.login("Alice", PASSWORD, address()).await.unwrap().whole().unwrap();
    assert_eq!((session.info.actor.name.as_str(), session.info.actor.role), ("alice", Role::Editor));
    let refused = console.audit(&Actor::local(), None, None, 100).await.unwrap();
    let refused = refused.iter().filter(|row| row.action == "session.refused").count();
    assert_eq!(refused, 6);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_right_password_waits_too() {
    let place = with_alice().await;
    let wrong = place.console.login("alice", OTHER, address()).await;
    assert!(matches!(wrong, Err(LoginError::Wrong)));
    let early = place.console.login("alice", PASSWORD, "192.0.2.98".parse().unwrap()).await;
    assert!(matches!(early, Err(LoginError::Wait { seconds: 1 })), "{early:?}");
    place.pass(1);
    place.console.login("alice", PASSWORD, address()).await.unwrap();
    // A success starts anew.
    place.console.login("alice", PASSWORD, address()).await.unwrap();
}

#[tokio::test]
async fn sessions_end_by_idling_by_age_by_logout_and_with_a_new_password() {
    let place = with_alice().await;
    let console = &place.console;
    let login = || async { console.login("alice", PASSWORD, address()).await.unwrap().whole().unwrap() };

    let idle = login().await;
    place.pass(29 * 60);
    assert!(console.session(&idle.cookie).await.unwrap().is_some());
    place.pass(29 * 60);
    assert!(console.session(&idle.cookie).await.unwrap().is_some(), "use keeps it");
    place.pass(30 * 60);
    assert!(console.session(&idle.cookie).await.unwrap().is_none());

    let aged = login().await;
    for _ in 0..24 {
        place.pass(29 * 60);
        assert!(console.session(&aged.cookie).await.unwrap().is_some());
    }
    place.pass(25 * 60);
    assert!(console.session(&aged.cookie).await.unwrap().is_none(), "12 hours");

    let left = login().await;
    console.logout(&left.cookie).await.unwrap();
    assert!(console.session(&left.cookie).await.unwrap().is_none());

    let (one, two) = (login().await, login().await);
    assert_ne!(one.cookie, two.cookie);
    assert_ne!(one.info.csrf_token, two.info.csrf_token);
    assert_eq!(one.info.csrf_token, console.session(&one.cookie).await.unwrap().unwrap().csrf_token);
    let set = console.set_password(&Actor::local(), "alice", OTHER, Role::Viewer).await.unwrap();
    assert_eq!(set, PasswordSet::Changed);
    assert!(console.session(&two.cookie).await.unwrap().is_none());
    assert_eq!(
        console.login("alice", OTHER, address()).await.unwrap().whole().unwrap().info.actor.role,
        Role::Editor,
        "the role stays"
    );

    for cookie in ["", "x", &"a".repeat(43), &"é".repeat(43), &"a".repeat(1 << 20)] {
        assert!(console.session(cookie).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn tokens_act_for_their_owner_and_never_beyond() {
    let place = with_alice().await;
    let console = &place.console;
    console.set_password(&Actor::local(), "root", OTHER, Role::Admin).await.unwrap();
    let root = admin("root");
    let made = console.create_token(&root, "ci", Role::Editor, None).await.unwrap();
    assert_eq!(made.info.owner.as_deref(), Some("root"));
    let ci = console.bearer(&made.secret).await.unwrap().unwrap();
    assert_eq!((ci.name.as_str(), ci.role), ("ci", Role::Editor));
    let taken = console.create_token(&root, "ci", Role::Viewer, None).await;
    assert!(matches!(taken, Err(AccountError::Name(NameError::Taken))), "{taken:?}");
    let forbidden = console.create_token(&actor("alice", Role::Editor), "x", Role::Viewer, None).await;
    assert!(matches!(forbidden, Err(AccountError::Forbidden { needs: Role::Admin })), "{forbidden:?}");

    let half = &made.secret[..made.secret.len() - 1];
    let (prefix, _) = made.secret.rsplit_once('_').unwrap();
    for wrong in ["", "caribe_", half, prefix, &format!("{}x", made.secret), &made.secret.to_uppercase()] {
        assert!(console.bearer(wrong).await.unwrap().is_none(), "{wrong}");
    }
    place.pass(90 * 86_400);
    assert!(console.bearer(&made.secret).await.unwrap().is_none(), "90 days");
    let gone = console.create_token(&root, "old", Role::Viewer, Some(jiff::Timestamp::UNIX_EPOCH)).await;
    assert!(matches!(gone, Err(AccountError::Expired)), "{gone:?}");

    let local = console.create_token(&Actor::local(), "backup", Role::Viewer, None).await.unwrap();
    assert!(console.bearer(&local.secret).await.unwrap().is_some());
    console.delete_token(&root, "backup").await.unwrap();
    assert!(console.bearer(&local.secret).await.unwrap().is_none());
}

#[tokio::test]
async fn no_secret_is_on_disk() {
    let place = with_alice().await;
    let console = &place.console;
    let session = console.login("alice", PASSWORD, address()).await.unwrap().whole().unwrap();
    let token = console.create_token(&Actor::local(), "ci", Role::Viewer, None).await.unwrap();
    let _ = console.login("alice", "a wrong guess at it", address()).await;
    // A password typed into the user's field.
    let _ = console.login("violet harbour keys!", "x", address()).await;
    console.stop().await;
    let bytes = place.bytes();
    let found = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(found("alice") && found(&token.info.prefix));
    for secret in [
        PASSWORD,
        &session.cookie,
        &session.info.csrf_token,
        &token.secret,
        "a wrong guess at it",
        "violet harbour keys!",
    ] {
        assert!(!found(secret), "{secret}");
    }
}
