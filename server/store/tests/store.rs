//! The store on real SQLite files: every constraint has its name, migrations apply and are recorded, two writers
//! wait for each other, and the audit log notices when it is touched.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod passkeys;
mod schema;

use std::sync::Arc;

use schema::{BREAKING, BY_FUNCTION, DANGLING};
use sqlx::{ConnectOptions, Connection, Row};
use store::{
    AlertChannel, AlertRule, ApiToken, Certificate, Director, Draft, Error, HalfLogin, JoinToken, NewAccount,
    NewAudit, Push, RevisionHead, Session, Store,
};

const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const PASSWORD: &str = "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ$aGFzaA";

async fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("caribe.db")).await.unwrap()
}

async fn plain(folder: &tempfile::TempDir) -> sqlx::SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.path().join("caribe.db"))
        .foreign_keys(true)
        .connect()
        .await
        .unwrap()
}

fn head(number: u64, parent: Option<u64>) -> RevisionHead {
    RevisionHead {
        number,
        parent,
        digest: HASH.to_owned(),
        author: "account/alice".to_owned(),
        approver: None,
        message: String::new(),
        created: 1,
    }
}

fn cluster(name: &str) -> lvs::Cluster {
    lvs::Cluster { name: name.to_owned(), ..lvs::Cluster::default() }
}

fn director(id: &str, name: &str) -> Director {
    Director { id: id.to_owned(), cluster: "cl_1".to_owned(), name: name.to_owned(), dial: None, created: 1 }
}

fn session(hash: &str) -> Session {
    Session {
        hash: hash.to_owned(),
        account: "alice".to_owned(),
        source: "192.0.2.9".to_owned(),
        created: 10,
        seen: 10,
        expires: 20,
    }
}

fn token(name: &str, prefix: &str) -> ApiToken {
    ApiToken {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
        hash: HASH.to_owned(),
        owner: Some("alice".to_owned()),
        role: "editor".to_owned(),
        created: 10,
        expires: 20,
        last_used: None,
        cluster: None,
    }
}

/// A store with one of everything.
fn channel(id: &str, name: &str) -> AlertChannel {
    AlertChannel { id: id.to_owned(), name: name.to_owned(), content: "{}".to_owned(), secret: None }
}

fn rule(id: &str, name: &str) -> AlertRule {
    let (channel, content) = ("ch_1".to_owned(), "{}".to_owned());
    AlertRule { id: id.to_owned(), name: name.to_owned(), channel, cluster: None, content }
}

async fn filled(folder: &tempfile::TempDir) -> Store {
    let store = open(folder).await;
    let mut tx = store.write().await.unwrap();
    tx.installation("installation-1", 1).await.unwrap();
    tx.insert_cluster("cl_1", "web", 1).await.unwrap();
    tx.insert_revision("cl_1", &head(1, None), &Arc::new(cluster("web"))).await.unwrap();
    tx.insert_revision("cl_1", &head(2, Some(1)), &Arc::new(cluster("web"))).await.unwrap();
    tx.put_draft(
        "cl_1",
        "account/alice",
        &Draft { base: Some(2), content: cluster("web"), changed: 1, asked: None },
    )
    .await
    .unwrap();
    tx.insert_director(&director("dir_1", "director-a")).await.unwrap();
    tx.insert_certificate(&Certificate {
        serial: "01".to_owned(),
        director: "dir_1".to_owned(),
        issued: 1,
        ends: 2,
        revoked: None,
    })
    .await
    .unwrap();
    tx.insert_join_token(&JoinToken {
        hash: "t1".to_owned(),
        director: "dir_1".to_owned(),
        issued: 1,
        expires: 100,
        used: None,
    })
    .await
    .unwrap();
    let push = Push { revision: 2, outcome: "applied".to_owned(), detail: String::new(), at: 1 };
    tx.put_push("dir_1", &push).await.unwrap();
    tx.insert_account(NewAccount { name: "alice", password: PASSWORD, role: "admin" }, 1).await.unwrap();
    tx.insert_session(&session(HASH)).await.unwrap();
    tx.insert_api_token(&token("ci", "p1")).await.unwrap();
    tx.put_alert_channel(&channel("ch_1", "mail")).await.unwrap();
    tx.put_alert_rule(&rule("ru_1", "all")).await.unwrap();
    tx.audit(&NewAudit {
        at: 1,
        actor: "local/local",
        action: "test.fill",
        subject: "all",
        ..NewAudit::default()
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    store
}

/// What one statement, each in its own transaction, is refused with.
macro_rules! refused {
    ($store:expr, $tx:ident => $statement:expr) => {{
        let mut $tx = $store.write().await.unwrap();
        match $statement.await {
            Err(Error::Constraint(name)) => name,
            Err(Error::Reference) => "reference".to_owned(),
            Err(other) => panic!("unexpected: {other}"),
            Ok(_) => match $tx.commit().await {
                Err(Error::Reference) => "reference".to_owned(),
                other => panic!("not refused: {other:?}"),
            },
        }
    }};
}

#[tokio::test]
async fn constraints_reach_the_caller_by_name_through_the_functions() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder).await;
    let long = "x".repeat(65);
    assert_eq!(refused!(store, tx => tx.insert_cluster("cl_2", "web", 1)), "cluster_name_unique");
    assert_eq!(refused!(store, tx => tx.insert_cluster("cl_1", "other", 1)), "cluster_primary");
    assert_eq!(refused!(store, tx => tx.insert_cluster("cl_2", "", 1)), "cluster_name_length");
    assert_eq!(refused!(store, tx => tx.insert_cluster("cl_2", &long, 1)), "cluster_name_length");
    let content = Arc::new(cluster("web"));
    assert_eq!(
        refused!(store, tx => tx.insert_revision("cl_1", &head(2, Some(1)), &content)),
        "revision_primary"
    );
    assert_eq!(
        refused!(store, tx => tx.insert_revision("cl_1", &head(0, None), &content)),
        "revision_number_positive"
    );
    assert_eq!(
        refused!(store, tx => tx.insert_revision("cl_1", &head(3, Some(3)), &content)),
        "revision_parent_older"
    );
    assert_eq!(refused!(store, tx => tx.insert_revision("nowhere", &head(1, None), &content)), "reference");
    assert_eq!(
        refused!(store, tx => tx.insert_director(&director("dir_2", "director-a"))),
        "director_name_unique"
    );
    assert_eq!(refused!(store, tx => tx.insert_director(&director("dir_1", "other"))), "director_primary");
    let account = NewAccount { name: "ALICE", password: PASSWORD, role: "viewer" };
    assert_eq!(refused!(store, tx => tx.insert_account(account, 1)), "account_name_unique");
    let account = NewAccount { name: "bob", password: "hunter2", role: "viewer" };
    assert_eq!(refused!(store, tx => tx.insert_account(account, 1)), "account_password_argon2id");
    let account = NewAccount { name: "bob", password: PASSWORD, role: "god" };
    assert_eq!(refused!(store, tx => tx.insert_account(account, 1)), "account_role_known");
    assert_eq!(refused!(store, tx => tx.insert_session(&session(HASH))), "session_primary");
    assert_eq!(refused!(store, tx => tx.insert_session(&session("short"))), "session_hash_sha256");
    assert_eq!(refused!(store, tx => tx.insert_api_token(&token("ci", "p2"))), "api_token_name_unique");
    assert_eq!(refused!(store, tx => tx.insert_api_token(&token("cd", "p1"))), "api_token_prefix_unique");
    let taken = channel("ch_2", "MAIL");
    assert_eq!(refused!(store, tx => tx.put_alert_channel(&taken)), "alert_channel_name_unique");
    assert_eq!(refused!(store, tx => tx.put_alert_rule(&rule("ru_2", "ALL"))), "alert_rule_name_unique");
    assert_eq!(refused!(store, tx => tx.delete_alert_channel("ch_1")), "reference", "a rule uses it");
    let push = Push { revision: 2, outcome: "fine".to_owned(), detail: String::new(), at: 1 };
    assert_eq!(refused!(store, tx => tx.put_push("dir_1", &push)), "push_result_outcome_known");
    let key = store::HeartbeatKey { number: 1, secret: HASH.to_owned(), created: 1, sending: true };
    let mut tx = store.write().await.unwrap();
    tx.insert_heartbeat_key("cl_1", &key).await.unwrap();
    assert_eq!(tx.heartbeat_keys("cl_1").await.unwrap(), std::slice::from_ref(&key));
    let next = store::HeartbeatKey { number: 2, sending: false, ..key.clone() };
    tx.insert_heartbeat_key("cl_1", &next).await.unwrap();
    assert_eq!(tx.heartbeat_keys("cl_1").await.unwrap(), [next.clone(), key.clone()]);
    tx.send_with_heartbeat_key("cl_1", 2, 1).await.unwrap();
    let sent = store::HeartbeatKey { sending: true, ..next };
    assert_eq!(tx.heartbeat_keys("cl_1").await.unwrap(), [sent.clone(), key.clone()]);
    tx.send_with_heartbeat_key("cl_1", 2, 2).await.unwrap();
    assert_eq!(tx.heartbeat_keys("cl_1").await.unwrap(), [sent]);
    tx.insert_heartbeat_key("cl_1", &key).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(refused!(store, tx => tx.insert_heartbeat_key("cl_1", &key)), "heartbeat_key_primary");
    let mut tx = store.write().await.unwrap();
    let mut orders = tx.orders("cl_1").await.unwrap();
    assert_eq!(orders.serial, 0, "none was ever given");
    for serial in [1, 2] {
        orders.serial = serial;
        tx.put_orders("cl_1", &orders, 1).await.unwrap();
        assert_eq!(tx.orders("cl_1").await.unwrap(), orders);
    }
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    let what = lvs::journal::Happening::LeaseRenewed;
    let new = store::NewEvent {
        cluster: "cl_1",
        director: Some("a"),
        source: Some(("dir_1", 5)),
        at_ms: 1_000,
        received: 1,
        what: &what,
    };
    assert_eq!(tx.insert_event(&new).await.unwrap().unwrap().what, what);
    assert_eq!(tx.insert_event(&new).await.unwrap(), None, "an entry told twice is kept once");
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn every_named_constraint_of_the_schema_is_provoked() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder).await;
    let mut plain = plain(&folder).await;
    for (name, statement) in BREAKING {
        let error = sqlx::query(*statement).execute(&mut plain).await.expect_err(name);
        match Error::from(error) {
            Error::Constraint(found) => assert_eq!(found, *name, "{statement}"),
            other => panic!("{name}: {other}"),
        }
    }
    for (name, statement) in DANGLING {
        let error = sqlx::query(*statement).execute(&mut plain).await.expect_err(name);
        assert!(matches!(Error::from(error), Error::Reference), "{name}");
    }
    // The schema has no constraint that none of these lists names.
    let schema: Vec<String> = sqlx::query("select sql from sqlite_schema where sql is not null")
        .fetch_all(&mut plain)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let schema = schema.join("\n");
    let mut seen = 0;
    let words = schema.replace("CHECK constraint failed", "");
    for rest in words.split(" constraint ").skip(1) {
        let name = rest.split_whitespace().next().unwrap();
        let known = BREAKING.iter().chain(DANGLING).any(|(n, _)| *n == name) || BY_FUNCTION.contains(&name);
        assert!(known, "constraint {name} is provoked by no test");
        seen += 1;
    }
    assert!(seen > 40, "only {seen} constraints found in the schema");
    store.close().await;
}

#[tokio::test]
async fn migrations_apply_from_empty_are_recorded_and_applied_once() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).await.close().await;
    let store = open(&folder).await;
    let mut plain = plain(&folder).await;
    let rows = sqlx::query("select version, success from _sqlx_migrations order by version")
        .fetch_all(&mut plain)
        .await
        .unwrap();
    let files = std::fs::read_dir("../../migrations")
        .unwrap()
        .filter(|f| f.as_ref().unwrap().path().extension().is_some_and(|e| e == "sql"))
        .count();
    assert_eq!(rows.len(), files);
    assert!(rows.iter().all(|row| row.get::<bool, _>("success")));
    let mode: String = sqlx::query_scalar("pragma journal_mode").fetch_one(&mut plain).await.unwrap();
    assert_eq!(mode, "wal");
    let loose: Vec<String> = sqlx::query_scalar(
        "select name from pragma_table_list where type = 'table' and strict = 0
         and name not like 'sqlite_%' and name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut plain)
    .await
    .unwrap();
    assert!(loose.is_empty(), "not strict: {loose:?}");
    store.close().await;
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).await.close().await;
    let mut plain = plain(&folder).await;
    sqlx::query("update _sqlx_migrations set checksum = x'00'").execute(&mut plain).await.unwrap();
    plain.close().await.unwrap();
    let refused = Store::open(&folder.path().join("caribe.db")).await;
    assert!(matches!(refused, Err(Error::Migration(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_wait_for_each_other_and_both_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let one = open(&folder).await;
    // As another process would: its own pool on the same file.
    let other = open(&folder).await;
    let mut tasks = Vec::new();
    for round in 0..40 {
        let store = if round % 2 == 0 { one.clone() } else { other.clone() };
        tasks.push(tokio::spawn(async move {
            let mut tx = store.write().await?;
            let subject = round.to_string();
            tx.audit(&NewAudit {
                at: round,
                actor: "test",
                action: "count",
                subject: &subject,
                ..NewAudit::default()
            })
            .await?;
            tx.commit().await
        }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut tx = one.read().await.unwrap();
    assert_eq!(tx.audit_rows(None, None, 500).await.unwrap().len(), 40);
    assert_eq!(tx.audit_break().await.unwrap(), None);
}

#[tokio::test]
async fn readers_cannot_write_and_a_dropped_transaction_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let mut tx = store.read().await.unwrap();
    assert!(tx.insert_cluster("cl_1", "web", 1).await.is_err());
    drop(tx);
    let mut tx = store.write().await.unwrap();
    tx.insert_cluster("cl_1", "web", 1).await.unwrap();
    drop(tx);
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.clusters().await.unwrap(), []);
}

#[tokio::test]
async fn the_audit_log_notices_a_changed_row() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder).await;
    for n in 2..6 {
        let mut tx = store.write().await.unwrap();
        tx.audit(&NewAudit { at: n, actor: "test", action: "x", subject: "y", ..NewAudit::default() })
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(store.read().await.unwrap().audit_break().await.unwrap(), None);
    let mut plain = plain(&folder).await;
    sqlx::query("drop trigger audit_append_only_update").execute(&mut plain).await.unwrap();
    sqlx::query("update audit set actor = 'somebody else' where number = 3")
        .execute(&mut plain)
        .await
        .unwrap();
    assert_eq!(store.read().await.unwrap().audit_break().await.unwrap(), Some(3));
}

#[tokio::test]
async fn content_comes_back_as_it_was_and_deleting_a_cluster_takes_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder).await;
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.newest_revision("cl_1").await.unwrap().unwrap().content.as_ref(), &cluster("web"));
    assert_eq!(tx.newest_head("cl_1").await.unwrap().unwrap().number, 2);
    assert_eq!(tx.revisions("cl_1").await.unwrap().iter().map(|r| r.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(tx.draft_owners("cl_1").await.unwrap(), [("account/alice".to_owned(), false)]);
    assert_eq!(tx.cluster("web").await.unwrap(), tx.cluster("cl_1").await.unwrap());
    assert_eq!(tx.last_push("dir_1").await.unwrap().unwrap().outcome, "applied");
    assert!(tx.account("Alice").await.unwrap().is_some(), "names are the same in any case");
    tx.delete_cluster("cl_1").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.cluster("cl_1").await.unwrap(), None);
    assert_eq!(tx.directors(None).await.unwrap(), []);
    assert_eq!(tx.certificate("01").await.unwrap(), None);
    assert_eq!(tx.audit_rows(None, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_factor_is_kept_with_its_codes_and_goes_with_its_account() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder).await;
    let mut tx = store.write().await.unwrap();
    let half = HalfLogin { hash: HASH.to_owned(), account: "alice".to_owned(), expires: 20 };
    tx.put_second_factor("alice", &[1; 60], 5).await.unwrap();
    assert_eq!(tx.second_factors().await.unwrap(), [""; 0], "not confirmed");
    tx.note_second_factor("Alice", 7, 2).await.unwrap();
    tx.confirm_second_factor("Alice", 6).await.unwrap();
    let kept = tx.second_factor("ALICE").await.unwrap().unwrap();
    assert_eq!((kept.step, kept.failures, kept.confirmed, kept.sealed.len()), (7, 2, Some(6), 60));
    assert!(!format!("{kept:?}").contains("sealed"), "{kept:?}");
    assert_eq!(tx.second_factors().await.unwrap(), ["alice"]);
    let codes: Vec<String> = ["a", "b"].map(|letter| letter.repeat(64)).into();
    tx.put_recovery_codes("alice", &codes).await.unwrap();
    assert!(tx.use_recovery_code("Alice", &codes[0]).await.unwrap());
    assert!(!tx.use_recovery_code("alice", &codes[0]).await.unwrap(), "once");
    assert_eq!(tx.recovery_codes("alice").await.unwrap(), 1);
    // Another one begins anew.
    tx.put_second_factor("alice", &[2; 60], 8).await.unwrap();
    assert_eq!(tx.recovery_codes("alice").await.unwrap(), 0);
    assert_eq!(tx.second_factor("alice").await.unwrap().unwrap().step, 0);

    tx.insert_half_login(&half, 10).await.unwrap();
    assert_eq!(tx.half_login(HASH).await.unwrap(), Some(half.clone()));
    let next = HalfLogin { hash: "b".repeat(64), expires: 40, ..half.clone() };
    tx.insert_half_login(&next, 20).await.unwrap();
    assert_eq!(tx.half_login(HASH).await.unwrap(), None, "those that are over are swept");
    tx.insert_session(&session(&"c".repeat(64))).await.unwrap();
    assert_eq!(tx.delete_sessions_but("alice", HASH).await.unwrap(), 1);
    assert!(tx.session(HASH).await.unwrap().is_some());
    assert_eq!(tx.half_login(&next.hash).await.unwrap(), None);
    tx.insert_half_login(&next, 20).await.unwrap();
    tx.delete_sessions_of("alice").await.unwrap();
    assert_eq!(tx.half_login(&next.hash).await.unwrap(), None);

    tx.insert_half_login(&next, 20).await.unwrap();
    tx.put_recovery_codes("alice", &codes).await.unwrap();
    tx.delete_account("alice").await.unwrap();
    assert_eq!(tx.second_factor("alice").await.unwrap(), None);
    assert_eq!(tx.recovery_codes("alice").await.unwrap(), 0);
    assert_eq!(tx.half_login(&next.hash).await.unwrap(), None);
}

#[tokio::test]
async fn a_token_is_used_once_and_not_after_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder).await;
    let mut tx = store.write().await.unwrap();
    assert!(!tx.use_join_token("t1", 100).await.unwrap(), "expired");
    assert!(tx.use_join_token("t1", 99).await.unwrap());
    assert!(!tx.use_join_token("t1", 99).await.unwrap(), "used");
}
