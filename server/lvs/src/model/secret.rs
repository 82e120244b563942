//! Texts that must not be shown: passwords that a configuration has to carry.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Cluster;

/// What stands in an API answer or a form in place of a secret; sent back, it means "as before".
pub const MASK: &str = "********";

/// A password. Its `Debug` says nothing; it is serialised in full, for files, revisions and agents only.
///
/// What people and programs see goes through [`Cluster::masked`].
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for what has to use it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is only the mask.
    pub fn is_masked(&self) -> bool {
        self.0 == MASK
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Cluster {
    /// The same with every secret masked, for API answers, pages and logs.
    pub fn masked(mut self) -> Self {
        for instance in self.redundancy.protocol.instances_mut() {
            if let Some(password) = &mut instance.password {
                *password = Secret::new(MASK);
            }
        }
        self
    }

    /// The same with every mask replaced by what stood in its place before. A mask that nothing stood behind stays
    /// and is refused by the rules.
    pub fn unmasked(mut self, before: &Cluster) -> Self {
        let known = before.redundancy.protocol.instances();
        for instance in self.redundancy.protocol.instances_mut() {
            let old = known.iter().find(|old| old.name == instance.name);
            let secret = old.and_then(|old| old.password.clone());
            if let (Some(password), Some(secret)) = (&mut instance.password, secret)
                && password.is_masked()
            {
                *password = secret;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("1111")), "Secret(…)");
    }
}
