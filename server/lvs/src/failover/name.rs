//! How clusters and directors are named in a beat: by a short fixed-length word, so that a beat is one small packet.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The first 16 bytes of the SHA-256 digest of an id that the console gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub [u8; 16]);

impl Name {
    /// The word for an id.
    pub fn of(id: &str) -> Self {
        let mut name = [0; 16];
        for (byte, digest) in name.iter_mut().zip(Sha256::digest(id)) {
            *byte = digest;
        }
        Name(name)
    }
}

impl fmt::Display for Name {
    /// The first eight digits, enough to tell two apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
