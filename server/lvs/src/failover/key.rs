//! The cluster's keys: one that beats are sent with, and all those that are accepted, so that a key can be changed
//! while the directors go on hearing each other.
//!
//! Nothing here decides when a key is changed: the console hands out a ring in which the new key is accepted, and once
//! both directors have confirmed it, one in which it is sent.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Bytes of a tag.
pub(super) const TAG: usize = 32;

/// A secret of the cluster with the number that names it on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    id: u16,
    secret: [u8; 32],
}

impl Key {
    /// A key; the secret is 32 random bytes that the console drew.
    pub fn new(id: u16, secret: [u8; 32]) -> Self {
        Key { id, secret }
    }

    /// Its number.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// HMAC-SHA256 over `text` (RFC 2104).
    pub(super) fn tag(&self, text: &[u8]) -> [u8; TAG] {
        self.mac(text).map_or([0; TAG], |mac| mac.finalize().into_bytes().into())
    }

    /// Whether `tag` is the one over `text`, in a time that does not depend on where they differ.
    pub(super) fn fits(&self, text: &[u8], tag: &[u8]) -> bool {
        self.mac(text).is_some_and(|mac| mac.verify_slice(tag).is_ok())
    }

    fn mac(&self, text: &[u8]) -> Option<Hmac<Sha256>> {
        // HMAC takes keys of any length, so that this is always there.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        mac.update(text);
        Some(mac)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The keys of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    sending: Key,
    accepted: Vec<Key>,
}

impl Keyring {
    /// A ring that sends with `sending` and also accepts `accepted`.
    pub fn new(sending: Key, accepted: Vec<Key>) -> Self {
        Keyring { sending, accepted }
    }

    /// The one that beats are sent with.
    pub fn sending(&self) -> &Key {
        &self.sending
    }

    /// A ring of nothing but the key that beats are sent with.
    pub fn sending_alone(&self) -> Keyring {
        Keyring { sending: self.sending.clone(), accepted: Vec::new() }
    }

    /// Whether it accepts other keys, too.
    pub fn accepts_more(&self) -> bool {
        !self.accepted.is_empty()
    }

    /// The key of a number, if beats made with it are accepted.
    pub(super) fn find(&self, id: u16) -> Option<&Key> {
        std::iter::once(&self.sending).chain(&self.accepted).find(|key| key.id == id)
    }
}
