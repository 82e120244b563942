//! Secrets that the database has to give back: sealed with a key that lies beside the other keys and not in it.
//!
//! Each is encrypted and authenticated with XChaCha20-Poly1305, a nonce of its own in front, and bound to what it is and
//! whose, so that none can stand in for another. What never has to be given back (passwords, tokens, codes) is hashed
//! instead. The key goes into backups with the other keys. It never writes to the database. Called by `accounts` and
//! `alerts`.

use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305};

use crate::pki::disk;
use crate::{Failure, secret};

/// The key's file within the folder of keys: 64 hexadecimal digits.
const FILE: &str = "secrets.key";
/// Bytes of a nonce.
const NONCE: usize = 24;

/// What opens and closes sealed secrets.
pub(crate) struct Vault(XChaCha20Poly1305);

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

/// What a sealed secret is bound to.
fn bound(purpose: &str, owner: &str) -> Vec<u8> {
    [purpose.as_bytes(), &[0], owner.to_lowercase().as_bytes()].concat()
}

impl Vault {
    /// Reads the key of a folder of keys, and makes one where there is none.
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let text = match disk::read(&path)? {
            Some(text) => text,
            None => {
                let text = hex::encode(secret::random::<32>()?);
                disk::write(&path, text.as_bytes())?;
                text
            }
        };
        let mut key = Key::default();
        hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
            let place = path.display();
            Failure::Internal(format!(
                "{place}: expected 64 hexadecimal digits, the key of secrets in the database; put the file of a backup there, \
                 or take it away: a new one is made, and second factors have to be set up again"
            ))
        })?;
        Ok(Vault(XChaCha20Poly1305::new(&key)))
    }

    /// Seals a secret of somebody (in any case of letters) for a purpose.
    pub(crate) fn seal(&self, purpose: &str, owner: &str, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        let nonce = secret::random::<NONCE>()?;
        let payload = Payload { msg: plain, aad: &bound(purpose, owner) };
        let sealed = self.0.encrypt(&nonce.into(), payload);
        let sealed = sealed.map_err(|_| Failure::Internal("a secret could not be sealed".to_owned()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed; none where it was changed, is another's, or was sealed with another key.
    pub(crate) fn open_sealed(&self, purpose: &str, owner: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: &bound(purpose, owner) };
        self.0.decrypt(&(*nonce).into(), payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_sealed_is_opened_by_the_same_key_for_the_same_thing_alone() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let sealed = vault.seal("test", "Alice", b"the secret").unwrap();
        assert!(!sealed.windows(6).any(|piece| piece == b"secret"));
        assert_ne!(sealed, vault.seal("test", "Alice", b"the secret").unwrap());
        let again = Vault::open(folder.path()).unwrap();
        assert_eq!(again.open_sealed("test", "alice", &sealed).as_deref(), Some(b"the secret".as_slice()));
        assert_eq!(again.open_sealed("test", "bob", &sealed), None);
        assert_eq!(again.open_sealed("tes", "talice", &sealed), None);
        assert_eq!(again.open_sealed("test", "alice", sealed.get(..20).unwrap()), None);
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(again.open_sealed("test", "alice", &changed), None);
        let elsewhere = tempfile::tempdir().unwrap();
        assert_eq!(Vault::open(elsewhere.path()).unwrap().open_sealed("test", "alice", &sealed), None);
    }

    #[test]
    fn the_key_is_for_us_alone_and_a_broken_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        Vault::open(folder.path()).unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "no key").unwrap();
        let said = Vault::open(folder.path()).unwrap_err().to_string();
        assert!(said.contains("secrets.key: expected 64 hexadecimal digits"), "{said}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "no key", "left as it is");
    }
}
