//! Whether a pushed target is taken: pure rules over the message and what is held. Nothing here writes anything.
//!
//! The order is: readable → meant for this director → digest fits → not older than what is held → valid. The
//! listener and `fetch` ask here first, without the reconcile thread; that thread asks [`against`] once more, because
//! another target may have come in between.

use lvs::failover::Keyring;
use lvs::finding::Finding;
use lvs::model::{Seat, ValidCluster};
use lvs::wire::{Digest, HeartbeatKeys, Refusal, Target};

/// A target that keeps every rule, with the bytes that are to be stored for it.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) held: Held,
    /// Taken even where something newer is held.
    pub(crate) force: bool,
    /// Held on trial for so many seconds; none where it is to stay.
    pub(crate) trial: Option<u32>,
    /// `target.json`.
    pub(crate) bytes: Vec<u8>,
}

/// The configuration this director holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) revision: u64,
    pub(crate) digest: Digest,
    /// Where this director sits; none where the cluster does not name it (any more).
    pub(crate) seat: Option<Seat>,
    pub(crate) cluster: ValidCluster,
    /// The console's id of the cluster.
    pub(crate) cluster_id: String,
    /// This director's name in it.
    pub(crate) director: String,
    /// What beats are authenticated with.
    pub(crate) keys: Option<Keyring>,
}

/// What is held, as far as the rules need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) revision: u64,
    pub(crate) digest: Digest,
}

/// How an acceptable target relates to what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Novelty {
    /// To be stored and made true.
    New,
    /// Held already; only made true.
    Same,
}

impl Held {
    /// The number and digest of what is held.
    pub(crate) fn mark(&self) -> Mark {
        Mark { revision: self.revision, digest: self.digest.clone() }
    }
}

/// Reads a message.
pub(crate) fn read(body: &[u8]) -> Result<Target, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Malformed { detail: error.to_string() })
}

/// Whether `offered` may follow what is held.
pub(crate) fn against(held: Option<&Mark>, offered: &Mark, force: bool) -> Result<Novelty, Refusal> {
    let Some(held) = held else { return Ok(Novelty::New) };
    if held == offered {
        return Ok(Novelty::Same);
    }
    if force {
        return Ok(Novelty::New);
    }
    if offered.revision < held.revision {
        return Err(Refusal::OlderRevision { offered: offered.revision, held: held.revision });
    }
    if offered.revision == held.revision {
        return Err(Refusal::OtherContent { revision: held.revision });
    }
    Ok(Novelty::New)
}

/// The errors among what was found, as a refusal.
pub(crate) fn invalid(findings: &[Finding]) -> Refusal {
    Refusal::Invalid { findings: findings.iter().filter(|f| is_error(f)).map(Finding::to_string).collect() }
}

/// Applies every rule that needs no kernel and no disk.
pub(crate) fn check(mut target: Target, director_id: &str, held: Option<&Mark>) -> Result<Accepted, Refusal> {
    if target.director_id != director_id {
        return Err(Refusal::WrongDirector { meant: target.director_id, this: director_id.to_owned() });
    }
    if Digest::of(&target.cluster) != target.digest {
        return Err(Refusal::Digest);
    }
    let mark = Mark { revision: target.revision, digest: target.digest.clone() };
    against(held, &mark, target.force)?;
    // Force belongs to one push, not to what is held afterwards.
    let force = std::mem::take(&mut target.force);
    // What is known of a trial has a file of its own.
    let trial = target.provisional.take().map(|provisional| provisional.seconds);
    let bytes =
        serde_json::to_vec(&target).map_err(|error| Refusal::Malformed { detail: error.to_string() })?;
    let seat = target.cluster.directors.iter().find(|d| d.name == target.director).map(|d| d.seat);
    let cluster = target.cluster.validate().map_err(|findings| invalid(&findings))?;
    let keys = target.heartbeat.as_ref().and_then(HeartbeatKeys::ring);
    let held = Held {
        revision: mark.revision,
        digest: mark.digest,
        seat,
        cluster,
        cluster_id: target.cluster_id,
        director: target.director,
        keys,
    };
    Ok(Accepted { held, force, trial, bytes })
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == lvs::Severity::Error
}

#[cfg(test)]
mod tests {
    use super::*;
    use lvs::Cluster;

    fn target(revision: u64, name: &str) -> Target {
        let cluster = Cluster { name: name.to_owned(), ..Cluster::default() };
        Target {
            cluster_id: "c_1".to_owned(),
            director_id: "d_1".to_owned(),
            director: "a".to_owned(),
            revision,
            digest: Digest::of(&cluster),
            force: false,
            heartbeat: None,
            provisional: None,
            cluster,
        }
    }

    fn mark(revision: u64, name: &str) -> Mark {
        let target = target(revision, name);
        Mark { revision, digest: target.digest }
    }

    #[test]
    fn revisions_only_go_forward() {
        let held = mark(7, "web");
        let asked = |revision, name, force| against(Some(&held), &mark(revision, name), force);
        assert_eq!(asked(8, "other", false), Ok(Novelty::New));
        assert_eq!(
            asked(8, "web", false),
            Ok(Novelty::New),
            "same content under a new number is a new revision"
        );
        assert_eq!(asked(7, "web", false), Ok(Novelty::Same));
        assert_eq!(asked(7, "other", false), Err(Refusal::OtherContent { revision: 7 }));
        assert_eq!(asked(6, "web", false), Err(Refusal::OlderRevision { offered: 6, held: 7 }));
        assert_eq!(asked(7, "other", true), Ok(Novelty::New));
        assert_eq!(asked(6, "web", true), Ok(Novelty::New));
        assert_eq!(against(None, &mark(0, "web"), false), Ok(Novelty::New));
    }

    #[test]
    fn another_directors_target_and_a_wrong_digest_are_refused() {
        let refused = check(target(1, "web"), "d_2", None).map(|_| ()).unwrap_err();
        assert_eq!(refused, Refusal::WrongDirector { meant: "d_1".into(), this: "d_2".into() });
        let mut tampered = target(1, "web");
        tampered.cluster.name = "changed".into();
        assert_eq!(check(tampered, "d_1", None).map(|_| ()).unwrap_err(), Refusal::Digest);
    }

    #[test]
    fn rubbish_is_malformed() {
        for body in [b"".as_slice(), b"{", b"[]", b"{\"revision\":-1}", &[0xff, 0xfe]] {
            assert!(matches!(read(body), Err(Refusal::Malformed { .. })));
        }
    }
}
