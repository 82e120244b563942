//! The configuration a director is given, and what it did with it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::failover::{Key, Keyring};
use crate::model::{Cluster, MASK, Secret};

/// SHA-256 of a cluster's canonical JSON, in hex: two revisions with the same digest say the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Digest(pub String);

impl Digest {
    /// The digest of a cluster's content.
    pub fn of(cluster: &Cluster) -> Self {
        // A value of plain maps, strings and numbers always serialises; an empty text would only make digests differ.
        let text = serde_json::to_vec(cluster).unwrap_or_default();
        Digest(hex::encode(Sha256::digest(&text)))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `PUT /v1/target`: the whole configuration a director is to make true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// The console's id of the cluster.
    pub cluster_id: String,
    /// The director this is meant for; an agent refuses what is meant for another.
    pub director_id: String,
    /// Name of that director within `cluster.directors`; says which seat it sits in.
    pub director: String,
    /// Revision number, rising per cluster.
    pub revision: u64,
    /// Digest of `cluster`; the agent computes it again.
    pub digest: Digest,
    /// Take it even where the agent holds a newer revision.
    #[serde(default)]
    pub force: bool,
    /// What beats between the directors are authenticated with; none where the console does not know of that yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<HeartbeatKeys>,
    /// Hold it on trial: go back to what was held before unless it comes again without this in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisional: Option<Provisional>,
    /// The content.
    pub cluster: Cluster,
}

impl Target {
    /// The same with every secret masked, for people.
    pub fn masked(mut self) -> Self {
        for key in self.heartbeat.iter_mut().flat_map(HeartbeatKeys::all_mut) {
            key.secret = Secret::new(MASK);
        }
        Target { cluster: self.cluster.masked(), ..self }
    }

    /// Every secret in it, for who must not show any of them.
    pub fn secrets(&self) -> Vec<Secret> {
        let keys =
            self.heartbeat.iter().flat_map(|keys| std::iter::once(&keys.sending).chain(&keys.accepted));
        keys.map(|key| key.secret.clone()).chain(self.cluster.secrets()).collect()
    }
}

/// How long a configuration is held on trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Provisional {
    /// Seconds from receiving it.
    pub seconds: u32,
}

/// The keys of a cluster's heartbeat, made by the console and known to its directors alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeartbeatKeys {
    /// The one that beats are sent with.
    pub sending: HeartbeatKey,
    /// Others that are accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<HeartbeatKey>,
}

/// A key of the heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeartbeatKey {
    /// Names it on the wire.
    pub id: u16,
    /// 32 random bytes as 64 hexadecimal digits.
    pub secret: Secret,
}

impl HeartbeatKeys {
    fn all_mut(&mut self) -> impl Iterator<Item = &mut HeartbeatKey> {
        std::iter::once(&mut self.sending).chain(&mut self.accepted)
    }

    /// The keys as they are used; none where a secret is not what it should be.
    pub fn ring(&self) -> Option<Keyring> {
        let key = |key: &HeartbeatKey| {
            let bytes = hex::decode(key.secret.reveal()).ok()?;
            Some(Key::new(key.id, <[u8; 32]>::try_from(bytes).ok()?))
        };
        let accepted = self.accepted.iter().map(key).collect::<Option<_>>()?;
        Some(Keyring::new(key(&self.sending)?, accepted))
    }
}

/// What an agent did with a target (200).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Applied {
    /// The revision it now holds.
    pub revision: u64,
    /// Its digest.
    pub digest: Digest,
    /// Whether the kernel now holds all of it.
    pub in_sync: bool,
    /// Steps done, as text.
    pub steps: Vec<String>,
    /// Steps that failed, with the kernel's reason; tried again by the agent's loop.
    #[serde(default)]
    pub failures: Vec<StepFailure>,
    /// Milliseconds from receiving to answering.
    pub took_ms: u64,
}

/// A step the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepFailure {
    /// The step, as text.
    pub step: String,
    /// Why.
    pub reason: String,
}
