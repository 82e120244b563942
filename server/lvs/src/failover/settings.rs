//! What a director's heartbeat is told before it begins, and when its configuration changes.

use std::time::Duration;

use super::name::Name;
use crate::model::{Cluster, Seat};
use crate::wire::Digest;

/// A director's side of the heartbeat, as its configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The cluster; beats of another one are not ours.
    pub cluster: Name,
    /// This director.
    pub director: Name,
    /// The other one; none where the cluster has one director, or redundancy is off.
    pub partner: Option<Name>,
    /// This director's configured place.
    pub seat: Seat,
    /// The higher of two that start together claims; 1 to 255.
    pub priority: u8,
    /// Time between two beats.
    pub interval: Duration,
    /// Silence after which the partner counts as dead. Never less than three of the sender's intervals counts.
    pub deadtime: Duration,
    /// Whether the preferred director asks for the addresses when it has been back for this long.
    pub preempt: Option<Duration>,
    /// Life of the virtual addresses in the kernel while a partner is heard; whole seconds.
    pub lease: Duration,
    /// Whether the console can be asked whether the partner is active.
    pub witness: bool,
    /// Whether a gateway is configured, so that being cut off can be told from a dead partner.
    pub gateway: bool,
    /// The revision this director holds; 0 before the first.
    pub revision: u64,
    /// First half of its digest.
    pub digest: [u8; 16],
}

/// What is heard with the configured place decides who is first when both start.
const PRIORITY: [(Seat, u8); 2] = [(Seat::Primary, 150), (Seat::Backup, 100)];
/// The shortest life of the virtual addresses.
const LEASE: Duration = Duration::from_secs(2);

/// How long the kernel keeps the addresses of a director that no longer renews them: until the partner has surely taken
/// over, and not much longer. Whole seconds.
fn lease(interval: Duration, deadtime: Duration) -> Duration {
    let needed = deadtime.max(interval * 3) + interval * 2;
    LEASE.max(Duration::from_secs(u64::try_from(needed.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)))
}

impl Settings {
    /// What a cluster's configuration says for one of its directors; none for a director it does not have.
    pub fn of(cluster: &Cluster, ids: Ids<'_>, director: &str, revision: u64) -> Option<Settings> {
        let own = cluster.directors.iter().find(|each| each.name == director)?;
        let partner = cluster.directors.iter().find(|each| each.name != director);
        let redundancy = &cluster.redundancy;
        let name = |director: &str| Name::of(&format!("{}/{director}", ids.cluster));
        let priority =
            PRIORITY.iter().find(|(seat, _)| *seat == own.seat).map_or(1, |(_, priority)| *priority);
        let interval = Duration::from_millis(u64::from(redundancy.interval_ms));
        let deadtime = Duration::from_millis(u64::from(redundancy.deadtime_ms));
        let mut digest = [0; 16];
        for (place, byte) in digest.iter_mut().zip(hex::decode(&ids.digest.0).unwrap_or_default()) {
            *place = byte;
        }
        Some(Settings {
            cluster: Name::of(ids.cluster),
            director: name(&own.name),
            partner: partner.filter(|_| redundancy.enabled).map(|partner| name(&partner.name)),
            seat: own.seat,
            priority,
            interval,
            deadtime,
            preempt: redundancy.preempt.then(|| Duration::from_secs(u64::from(redundancy.preempt_delay_s))),
            lease: lease(interval, deadtime),
            witness: redundancy.witness,
            gateway: redundancy.gateway.is_some(),
            revision,
            digest,
        })
    }
}

/// How the console names what a configuration is for.
#[derive(Clone, Copy, Debug)]
pub struct Ids<'a> {
    /// The cluster's id.
    pub cluster: &'a str,
    /// Digest of the revision.
    pub digest: &'a Digest,
}

/// How a director begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// A random number that no earlier start had; not 0.
    pub session: u64,
    /// The highest epoch that may have been used before: the end of the block that was reserved durably.
    pub floor: u64,
    /// How long to listen before claiming: the deadtime where the machine has been running, longer after a boot, when
    /// switches and routers may still be starting.
    pub listen: Duration,
    /// Whether the kernel was found holding the virtual addresses.
    pub holds: bool,
    /// Whether a heartbeat path has carrier, as far as anybody can tell. A long listening begins with the first one.
    pub carrier: bool,
}
