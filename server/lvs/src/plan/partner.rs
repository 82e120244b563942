//! A real server that is the partner itself: whether it may be sent new connections.
//!
//! With direct routing or a tunnel such a server has the virtual address, too. While its kernel schedules, what it is sent
//! does not end there: it may come straight back, and go round until its time to live ends. A standby's kernel does not
//! schedule; one that has not become a standby yet, or whose agent died while it was active, does.

use crate::health::{ServiceStanding, Standing, Standings};
use crate::model::{Forwarding, RealServer, Seat, ValidCluster, VirtualServer};
use crate::table::ServerKey;

/// `standings` with weight 0 for real servers that are the partner of the director in `seat`, known by its public and its
/// private address. The connections they have stay theirs, and so do persistent clients, unless the host ends that for
/// weight 0 (`expire_quiescent_template`). Where a service has no other server its partner goes on serving. None where
/// nothing differs.
pub fn without_partner(cluster: &ValidCluster, seat: Seat, standings: &Standings) -> Option<Standings> {
    let content = cluster.cluster();
    let others = content.directors.iter().filter(|director| director.seat != seat);
    let partner: Vec<_> = others.flat_map(|other| [other.public, other.private]).flatten().collect();
    let mut spared: Option<Standings> = None;
    for service in content.virtual_servers.iter().filter(|service| service.active) {
        let Some(key) = service.key() else { continue };
        let standing = standings.services.get(&key);
        let is_partner = |real: &RealServer| {
            !matches!(real.forwarding_in(&content.global), Forwarding::Nat) && partner.contains(&real.address)
        };
        let serving: Vec<_> =
            serving(service, standing).map(|(server, real)| (server, is_partner(real))).collect();
        if serving.iter().all(|(_, is_partner)| *is_partner) {
            continue;
        }
        for (server, _) in serving.into_iter().filter(|(_, is_partner)| *is_partner) {
            let spared = spared.get_or_insert_with(|| standings.clone());
            let standing = spared.services.entry(key).or_default();
            standing.servers.insert(server, Standing::In { weight: 0 });
        }
    }
    spared
}

/// The real servers that take new connections.
fn serving<'a>(
    service: &'a VirtualServer,
    standing: Option<&'a ServiceStanding>,
) -> impl Iterator<Item = (ServerKey, &'a RealServer)> {
    service.real_servers.iter().filter(|real| real.active).filter_map(move |real| {
        let key = service.server_key(real);
        let stands = standing.and_then(|standing| standing.servers.get(&key).copied());
        let serves = stands.map_or(real.weight.0 > 0, Standing::serves);
        serves.then_some((key, real))
    })
}
