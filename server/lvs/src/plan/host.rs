//! What a cluster needs of the directors themselves: kernel parameters and packet rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::health::EXPIRE_QUIESCENT;
use crate::model::{Cluster, Forwarding, VirtualServer};
use crate::table::{
    CONNTRACK, EXPIRE_NODEST, FORWARD_IPV4, FORWARD_IPV6, Family, PacketRule, PacketRules, REDIRECTS,
};

/// Kernel parameters that a director of this cluster is prepared with, whether it is active or not.
pub(super) fn parameters(cluster: &Cluster) -> BTreeMap<String, String> {
    let host = &cluster.global.host;
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    let mut put = |name: &str, value: bool| drop(wanted.insert(name.to_owned(), u8::from(value).to_string()));
    if host.prepare {
        let families = forwarded(cluster);
        if families.contains(&Family::Ipv4) {
            put(FORWARD_IPV4, true);
            REDIRECTS.into_iter().for_each(|name| put(name, false));
        }
        if families.contains(&Family::Ipv6) {
            put(FORWARD_IPV6, true);
        }
    }
    let settings = [
        (EXPIRE_NODEST, host.expire_nodest_conn),
        (EXPIRE_QUIESCENT, host.expire_quiescent_template),
        (CONNTRACK, host.conntrack),
    ];
    settings.into_iter().for_each(|(name, value)| value.into_iter().for_each(|value| put(name, value)));
    wanted
}

/// The families of packets that pass through the director: to real servers behind translation and back, by the NAT router
/// address, or outwards masqueraded.
pub(crate) fn forwarded(cluster: &Cluster) -> BTreeSet<Family> {
    let global = &cluster.global;
    let translates = |server: &&VirtualServer| {
        let sorry = server.sorry_server.iter().map(|sorry| sorry.forwarding_in(global));
        let active = server.real_servers.iter().filter(|real| real.active);
        active.map(|real| real.forwarding_in(global)).chain(sorry).any(|how| how == Forwarding::Nat)
    };
    let active = cluster.virtual_servers.iter().filter(|server| server.active);
    let services = active.filter(translates).map(VirtualServer::family);
    let router = global.nat_router.iter().map(|router| Family::of(router.address));
    let outwards = global.host.masquerade.iter().map(|leaving| Family::of(leaving.source.addr()));
    services.chain(router).chain(outwards).collect()
}

/// The rules of our nftables table, whether the director is active or not.
pub(super) fn packets(cluster: &Cluster) -> PacketRules {
    let active = cluster.virtual_servers.iter().filter(|server| server.active);
    let marks =
        active.filter_map(|server| Some((server.mark?, &server.marked))).flat_map(|(mark, marked)| {
            marked.iter().map(move |traffic| PacketRule::Mark { mark, traffic: *traffic })
        });
    let leaving = cluster.global.host.masquerade.iter().cloned().map(PacketRule::Masquerade);
    PacketRules(marks.chain(leaving).collect())
}
