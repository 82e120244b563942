//! Whether there is a partner to speak with, and how. Pure.

use std::net::SocketAddr;
use std::time::Duration;

use kernel::Path;
use lvs::failover::{Ids, Keyring, Settings, pulse};
use lvs::model::{Cluster, Redundancy, RedundancyProtocol, Seat};
use lvs::table::{AddressKey, DesiredAddress};
use std::collections::BTreeMap;

use super::links::Needed;
use super::routers::Spoken;
use super::scout::Grounds;
use crate::intake::Held;

/// How long a director listens after the machine has booted, or when the heartbeat has just been switched on and the
/// partner may not know yet; ended early by any beat.
pub(super) const LONG_LISTENING: Duration = Duration::from_secs(10);

/// A director's partner, as the configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partnership {
    pub(super) settings: Settings,
    /// What beats are authenticated with; the other protocols know no keys.
    pub(super) keys: Option<Keyring>,
    pub(super) paths: Vec<Path>,
    /// VRRP in the heartbeat's place.
    pub(super) vrrp: Option<Spoken>,
    /// Piranha's beat in the heartbeat's place.
    pub(super) pulse: Option<pulse::Settings>,
    /// What moves between the directors.
    pub(super) addresses: BTreeMap<AddressKey, DesiredAddress>,
    /// Where to look who holds the addresses.
    pub(super) grounds: Grounds,
    /// The interfaces it needs.
    pub(super) needed: Needed,
    /// Whether a heartbeat path has carrier.
    pub(super) carrier: bool,
}

/// What is held by a director that has nobody to speak with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alone {
    pub(super) revision: u64,
    pub(super) digest: [u8; 16],
    /// Its configured place; none where the cluster does not name it any more.
    pub(super) seat: Option<Seat>,
    /// Whether the cluster has another director all the same.
    pub(super) partner_stays: bool,
    /// How the partner is told, where what is spoken cannot tell it; none where it cannot be told at all.
    pub(super) told: Option<Box<Partnership>>,
}

impl Alone {
    pub(super) fn of(held: &Held) -> Alone {
        let cluster = held.cluster.cluster();
        let ids = Ids { cluster: &held.cluster_id, digest: &held.digest };
        let settings = Settings::of(cluster, ids, &held.director, held.revision);
        Alone {
            revision: held.revision,
            digest: settings.map(|settings| settings.digest).unwrap_or_default(),
            seat: held.seat,
            partner_stays: cluster.directors.len() > 1,
            told: told(held).map(Box::new),
        }
    }
}

/// The partnership of what is held; none where the seat alone decides: one director, redundancy off, no keys yet, an
/// address missing.
pub(crate) fn partnership(
    held: &Held,
    addresses: BTreeMap<AddressKey, DesiredAddress>,
) -> Option<Partnership> {
    let cluster = held.cluster.cluster();
    if cluster.redundancy.enabled { spoken(held, cluster, addresses) } else { None }
}

/// How the two would speak by heartbeat, had they anything else to say than that redundancy is off.
fn told(held: &Held) -> Option<Partnership> {
    let Cluster { directors, redundancy, .. } = held.cluster.cluster();
    let protocol = RedundancyProtocol::Heartbeat;
    let redundancy = Redundancy { enabled: true, protocol, ..redundancy.clone() };
    // Real servers would be asked who holds the addresses; nobody asks meanwhile.
    let cluster = Cluster { directors: directors.clone(), redundancy, ..Cluster::default() };
    spoken(held, &cluster, BTreeMap::new())
}

fn spoken(
    held: &Held,
    cluster: &Cluster,
    addresses: BTreeMap<AddressKey, DesiredAddress>,
) -> Option<Partnership> {
    let redundancy = &cluster.redundancy;
    let ids = Ids { cluster: &held.cluster_id, digest: &held.digest };
    let settings = Settings::of(cluster, ids, &held.director, held.revision)?;
    settings.partner?;
    let own = cluster.directors.iter().find(|each| each.name == held.director)?;
    let partner = cluster.directors.iter().find(|each| each.name != held.director)?;
    let pairs = [(own.public, partner.public), (own.private, partner.private)];
    let needed = Needed {
        own: pairs.iter().filter_map(|(own, _)| *own).collect(),
        interfaces: addresses.keys().map(|key| key.interface.clone()).collect(),
        watched: redundancy.monitor_links,
    };
    let grounds = Grounds::of(&addresses, &pairs, own.seat).within(cluster);
    let carrier = true;
    if matches!(redundancy.protocol, RedundancyProtocol::Vrrp(_)) {
        let vrrp = Some(Spoken::of(cluster, &held.director, addresses.keys())?);
        let (keys, pulse, paths) = (None, None, Vec::new());
        return Some(Partnership { settings, keys, paths, vrrp, pulse, addresses, grounds, needed, carrier });
    }
    let pulse = (redundancy.protocol == RedundancyProtocol::Pulse).then(|| pulse::Settings::of(&settings));
    let keys = if pulse.is_some() { None } else { Some(held.keys.clone()?) };
    let port = redundancy.heartbeat_port;
    let mut paths: Vec<Path> = Vec::new();
    for (local, partner) in pairs {
        let (Some(local), Some(partner)) = (local, partner) else { continue };
        let (local, partner) = (SocketAddr::new(local, port), SocketAddr::new(partner, port));
        // Piranha may send from any port.
        let path = Path { local, partner, any_port: pulse.is_some() };
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let vrrp = None;
    (!paths.is_empty()).then_some(Partnership {
        settings,
        keys,
        paths,
        vrrp,
        pulse,
        addresses,
        grounds,
        needed,
        carrier,
    })
}
