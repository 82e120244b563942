//! Passkeys in the database, and the recovery codes that go with the last second factor.

use store::Passkey;

use crate::filled;

#[tokio::test]
async fn passkeys_are_kept_and_the_last_second_factor_takes_the_codes_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder).await;
    let mut tx = store.write().await.unwrap();
    assert!(!tx.has_passkeys().await.unwrap());
    let passkey = |id: &str, made: i64| Passkey {
        id: id.to_owned(),
        account: "alice".to_owned(),
        name: format!("name of {id}"),
        host: "lb.example".to_owned(),
        credential: id.as_bytes().to_vec(),
        handle: vec![1; 64],
        fixed: vec![2; 40],
        state: vec![3; 7],
        made,
        used: None,
        suspect: None,
    };
    tx.insert_passkey(&passkey("pk_b", 2)).await.unwrap();
    tx.insert_passkey(&passkey("pk_a", 1)).await.unwrap();
    let kept = tx.passkeys_of("ALICE").await.unwrap();
    assert_eq!(kept, [passkey("pk_a", 1), passkey("pk_b", 2)]);
    assert!(!format!("{kept:?}").contains("credential"), "{kept:?}");
    assert!(tx.has_passkeys().await.unwrap());
    assert_eq!(tx.second_factors().await.unwrap(), ["alice"]);
    assert_eq!(tx.passkey_of_credential(b"pk_c").await.unwrap(), None);
    tx.note_passkey("pk_b", &[4; 7], 9).await.unwrap();
    tx.suspect_passkey("pk_b", 10).await.unwrap();
    let noted = tx.passkey_of_credential(b"pk_b").await.unwrap().unwrap();
    assert_eq!((noted.state, noted.used, noted.suspect), (vec![4; 7], Some(9), Some(10)));

    // Codes stay while there is an app or a passkey.
    let codes = ["a".repeat(64)];
    tx.put_recovery_codes("alice", &codes).await.unwrap();
    tx.put_second_factor("alice", &[1; 60], 5).await.unwrap();
    tx.confirm_second_factor("alice", 6).await.unwrap();
    assert_eq!(tx.second_factors().await.unwrap(), ["alice"], "once");
    assert!(!tx.delete_passkey("alice", "pk_c").await.unwrap());
    assert!(tx.delete_passkey("Alice", "pk_a").await.unwrap());
    assert_eq!(tx.delete_passkeys_of("alice").await.unwrap(), 1);
    assert_eq!(tx.recovery_codes("alice").await.unwrap(), 1);
    tx.insert_passkey(&passkey("pk_a", 1)).await.unwrap();
    assert!(tx.delete_second_factor("alice").await.unwrap());
    assert_eq!(tx.recovery_codes("alice").await.unwrap(), 1);
    assert!(tx.delete_passkey("alice", "pk_a").await.unwrap());
    assert_eq!(tx.recovery_codes("alice").await.unwrap(), 0);
    tx.insert_passkey(&passkey("pk_a", 1)).await.unwrap();
    tx.delete_account("alice").await.unwrap();
    assert!(!tx.has_passkeys().await.unwrap());
}
