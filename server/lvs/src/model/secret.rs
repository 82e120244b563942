//! Texts that must not be shown: passwords that a configuration has to carry.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cluster, Id, Question, TlsOptions};

/// What stands in an API answer or a form in place of a secret; sent back, it means "as before".
pub const MASK: &str = "********";

/// A password. Its `Debug` says nothing; it is serialised in full, for files, revisions and agents only.
///
/// What people and programs see goes through [`Cluster::masked`].
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
        for secret in check_secrets(&mut self).into_values() {
            *secret = Secret::new(MASK);
        }
        self
    }

    /// Every secret in it, for who must not show any of them.
    pub fn secrets(&self) -> Vec<Secret> {
        let mut cluster = self.clone();
        let passwords = self.redundancy.protocol.instances().iter().filter_map(|one| one.password.clone());
        passwords.chain(check_secrets(&mut cluster).into_values().map(|secret| secret.clone())).collect()
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
        let mut before = before.clone();
        let mut known = check_secrets(&mut before);
        for (place, secret) in check_secrets(&mut self) {
            if secret.is_masked()
                && let Some(old) = known.remove(&place)
            {
                *secret = old.clone();
            }
        }
        self
    }
}

/// A secret's place: the virtual server and real server by id, else by name; the check by its order; the field.
type Place = (String, Option<String>, usize, &'static str);

/// All secrets of checks by their places.
fn check_secrets(cluster: &mut Cluster) -> BTreeMap<Place, &mut Secret> {
    let mut found = BTreeMap::new();
    let called = |id: &Id, name: &str| if id.is_unset() { format!("name {name}") } else { id.0.clone() };
    for server in &mut cluster.virtual_servers {
        let service = called(&server.id, &server.name);
        let own = server.real_servers.iter_mut().filter_map(|real| {
            let name = called(&real.id, &real.name);
            Some((Some(name), real.monitor.as_mut()?))
        });
        for (real, monitor) in own.chain([(None, &mut server.monitor)]) {
            for (index, check) in monitor.checks.iter_mut().enumerate() {
                for (field, secret) in secrets(&mut check.question) {
                    found.insert((service.clone(), real.clone(), index, field), secret);
                }
            }
        }
    }
    found
}

/// The secrets of one question.
fn secrets(question: &mut Question) -> Vec<(&'static str, &mut Secret)> {
    fn key(tls: &mut TlsOptions) -> Option<(&'static str, &mut Secret)> {
        tls.identity.as_mut().map(|identity| ("key", &mut identity.key))
    }
    match question {
        Question::Http(http) => {
            let authorization = http.authorization.as_mut().map(|secret| ("authorization", secret));
            authorization.into_iter().chain(http.tls.as_mut().and_then(key)).collect()
        }
        Question::Tls { tls } => key(tls).into_iter().collect(),
        Question::Redis { password: Some(password), .. } => vec![("password", password)],
        _ => Vec::new(),
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
