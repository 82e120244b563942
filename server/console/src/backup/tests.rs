//! Backups of real consoles, and what became of them elsewhere.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::{Clock, Settings};

const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

async fn open(data: &Path) -> Console {
    let settings = Settings { data: data.to_owned(), ..Settings::default() };
    Console::open_with_clock(settings, Clock::from_fn(|| 1_800_000_000)).await.unwrap()
}

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery").unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_console_goes_on_from_its_backup_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let console = open(&home.path().join("old")).await;
    console.set_password(&Actor::local(), "alice", "a long enough password", Role::Admin).await.unwrap();
    let content = serde_json::json!({ "name": "web", "directors": [
        { "name": "director-a", "seat": "primary", "public": "192.0.2.2" } ] });
    console.create_cluster(&Actor::local(), serde_json::from_value(content).unwrap()).await.unwrap();
    let file = home.path().join(backup_name(timestamp(1_800_000_000)));
    let made = console.back_up_at_cost(&Actor::local(), &file, &passphrase(), CHEAP).await.unwrap();
    assert_eq!(file.file_name().unwrap(), "caribe-console-20270115T080000Z.backup");
    assert_eq!(made.size, std::fs::metadata(&file).unwrap().len());
    // What happens after it is not in it.
    console.set_password(&Actor::local(), "bob", "a long enough password", Role::Viewer).await.unwrap();
    assert!(!names(&home.path().join("old")).iter().any(|name| name.starts_with("backup-")));

    let new = home.path().join("new");
    let contents = Contents::of(&file, &passphrase()).await.unwrap();
    assert_eq!(contents.accounts, ["alice"]);
    assert_eq!(contents.clusters, [("web".to_owned(), None, 0)]);
    assert_eq!(contents.ca_fingerprint, console.pki().ca_fingerprint());
    assert_eq!(
        names(home.path()),
        ["caribe-console-20270115T080000Z.backup", "old"],
        "looking leaves nothing"
    );
    drop(Restorable::open(&file, &passphrase(), &new).await.unwrap());
    assert_eq!(names(&new), [""; 0]);
    Restorable::open(&file, &passphrase(), &new).await.unwrap().restore().unwrap();
    assert_eq!(names(&new), ["caribe.db", "pki"]);
    let restored = open(&new).await;
    assert_eq!(restored.pki().ca_fingerprint(), console.pki().ca_fingerprint());
    assert_eq!(restored.clusters().await.unwrap().len(), 1);
    console.stop().await;
    restored.stop().await;
}

#[tokio::test]
async fn the_key_of_secrets_goes_along() {
    let home = tempfile::tempdir().unwrap();
    let console = open(&home.path().join("old")).await;
    let (password, from) = ("a long enough password", "192.0.2.1".parse().unwrap());
    console.set_password(&Actor::local(), "alice", password, Role::Admin).await.unwrap();
    let session = console.login("alice", password, from).await.unwrap().whole().unwrap();
    let alice = &session.info.actor;
    console.begin_second_factor(alice, password, from).await.unwrap();
    let factor = console.inner.store.read().await.unwrap().second_factor("alice").await.unwrap().unwrap();
    let key = console.inner.vault.open_sealed("second factor", "alice", &factor.sealed).unwrap();
    let code = |step: i64| crate::accounts::totp::code_at(&key, 1_800_000_000 + step * 30);
    console.confirm_second_factor(alice, &session.cookie, &code(0), from).await.unwrap();
    let file = home.path().join("a.backup");
    console.back_up_at_cost(&Actor::local(), &file, &passphrase(), CHEAP).await.unwrap();
    console.stop().await;

    let new = home.path().join("new");
    Restorable::open(&file, &passphrase(), &new).await.unwrap().restore().unwrap();
    let kept = |data: &Path| std::fs::read(data.join("pki/secrets.key")).unwrap();
    assert_eq!(kept(&new), kept(&home.path().join("old")));
    let restored = open(&new).await;
    let half = restored.login("alice", password, from).await.unwrap().half().unwrap();
    restored.finish_login(&half.cookie, &code(1), from).await.expect("the same codes are right");
    restored.stop().await;
}

#[tokio::test]
async fn what_cannot_be_opened_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("old");
    let console = open(&data).await;
    let file = home.path().join("a.backup");
    console.back_up_at_cost(&Actor::local(), &file, &passphrase(), CHEAP).await.unwrap();
    let again = console.back_up_at_cost(&Actor::local(), &file, &passphrase(), CHEAP).await.unwrap_err();
    assert!(again.to_string().contains("already"), "{again}");
    assert_eq!(names(home.path()), ["a.backup", "old"], "no part is left");

    let new = home.path().join("new");
    let occupied = Restorable::open(&file, &passphrase(), &data).await.unwrap_err();
    assert!(matches!(occupied, BackupError::Occupied(_)), "{occupied}");
    let other = Passphrase::new("some other passphrase").unwrap();
    let refused = Restorable::open(&file, &other, &new).await.unwrap_err();
    assert!(matches!(refused, BackupError::Passphrase(_)), "{refused}");
    let mut damaged = std::fs::read(&file).unwrap();
    let end = damaged.len() - 1;
    damaged[end] ^= 1;
    std::fs::write(home.path().join("damaged"), &damaged).unwrap();
    assert!(Restorable::open(&home.path().join("damaged"), &passphrase(), &new).await.is_err());
    std::fs::write(home.path().join("else"), b"something else").unwrap();
    let refused = Restorable::open(&home.path().join("else"), &passphrase(), &new).await.unwrap_err();
    assert!(matches!(refused, BackupError::NotOurs(_)), "{refused}");
    assert_eq!(names(&new), [""; 0]);
    assert!(matches!(Passphrase::new("too short"), Err(BackupError::Short)));
    console.stop().await;
}

#[tokio::test]
async fn only_an_administrator_makes_one_and_the_log_says_so() {
    let home = tempfile::tempdir().unwrap();
    let console = open(&home.path().join("old")).await;
    let approver = Actor { role: Role::Approver, ..Actor::local() };
    let file = home.path().join("a.backup");
    let refused = console.back_up_at_cost(&approver, &file, &passphrase(), CHEAP).await.unwrap_err();
    assert!(matches!(refused, BackupError::Refused(_)), "{refused}");
    assert!(!file.exists());
    console.back_up_at_cost(&Actor::local(), &file, &passphrase(), CHEAP).await.unwrap();
    let log = console.audit(&Actor::local(), None, None, 10).await.unwrap();
    assert!(log.iter().any(|entry| entry.action == "backup.make"), "{log:?}");
    assert_eq!(console.last_backup().await.unwrap(), Some(timestamp(1_800_000_000)));
    console.stop().await;
}

#[test]
fn a_passphrase_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passphrase");
    std::fs::write(&file, "correct horse battery\nand more\n").unwrap();
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&file, mode(0o640)).unwrap();
    assert!(Passphrase::from_file(&file).unwrap_err().to_string().contains("chmod 600"));
    std::fs::set_permissions(&file, mode(0o600)).unwrap();
    assert_eq!(Passphrase::from_file(&file).unwrap().0, "correct horse battery");
}

#[tokio::test]
async fn backups_go_into_their_folder_and_failures_are_remembered_until_one_succeeds() {
    let home = tempfile::tempdir().unwrap();
    let console = open(&home.path().join("console")).await;
    let local = Actor::local();
    assert!(matches!(console.back_up_now(&local).await, Err(BackupError::NoFolder)));
    assert_eq!(console.last_backup_failure().await.unwrap(), None, "nothing was to be done");
    let (folder, passphrase_file) = (home.path().join("backups"), home.path().join("passphrase"));
    console.backs_up_into(BackupFolder { folder: folder.clone(), passphrase_file: passphrase_file.clone() });
    console.back_up_now(&local).await.unwrap_err();
    let failed = console.last_backup_failure().await.unwrap().unwrap();
    assert_eq!(failed.at.as_second(), 1_800_000_000);
    assert!(failed.reason.contains("passphrase"), "{failed:?}");

    std::fs::write(&passphrase_file, "correct horse battery\n").unwrap();
    std::fs::set_permissions(&passphrase_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("notes.txt"), "not ours").unwrap();
    let made = console.back_up_now(&local).await.unwrap();
    assert_eq!(console.last_backup_failure().await.unwrap(), None);
    let there = console.backups(&local).await.unwrap();
    let name = "caribe-console-20270115T080000Z.backup".to_owned();
    assert_eq!(there, [BackupThere { name, size: made.size, at: made.at }]);
    let editor = Actor { role: Role::Approver, ..local };
    assert!(console.backups(&editor).await.is_err() && console.back_up_now(&editor).await.is_err());
    console.stop().await;
}
