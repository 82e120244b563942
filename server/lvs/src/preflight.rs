//! What of a director's surroundings stands in the way of its cluster: said before somebody wonders why nothing arrives.
//!
//! Nothing here stops anything, and nothing of it is changed by Caribe: an accepting rule of ours could not overrule a
//! dropping one of somebody else's, so that is named instead. Pure; the agent's reconcile loop calls it, pages show it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::model::{Cluster, ValidCluster};
use crate::plan::forwarded;
use crate::table::{FORWARD_IPV4, FORWARD_IPV6, Family, Observed};

mod neighbours;

pub use neighbours::{Answering, Questions, answering, questions};

/// What the agent finds around itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Capabilities that it lacks.
    pub lacking: Vec<String>,
    /// Chains of others that drop what no rule of theirs accepts.
    pub dropping: Vec<DroppingChain>,
    /// A keepalived runs in the same network.
    pub keepalived: bool,
    /// Others who answer for addresses that were asked for.
    pub answering: BTreeSet<Answering>,
}

/// A base chain of somebody else's with the policy drop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DroppingChain {
    /// Family, table and chain as nft writes them: `ip filter INPUT`.
    pub chain: String,
    /// What it sees.
    pub hook: Hook,
}

/// Which packets a chain sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Hook {
    /// Those for the director itself: clients' on their way to IPVS, heartbeat, VRRP, the console's.
    Input,
    /// Those that pass through: to real servers behind NAT and back.
    Forward,
}

/// Something that stands in the way, or soon may.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Obstacle {
    /// The agent may not do part of its work.
    Capability {
        /// Which one it lacks.
        name: String,
    },
    /// Packets have to pass the director, and it does not forward them.
    NotForwarding {
        /// The kernel parameter that is 0.
        parameter: String,
    },
    /// The cluster names an interface that the director does not have.
    InterfaceMissing {
        /// Which.
        interface: String,
    },
    /// A chain drops what its own rules do not accept; those must let the cluster's packets pass.
    Dropping(DroppingChain),
    /// A keepalived runs here, too, and may hold the same addresses and services.
    Keepalived,
    /// Somebody else answers for a virtual address that this director holds: a real server that lacks its set-up for
    /// direct routing or tunnels, or a machine that was given the same address. Clients that believe it miss the director.
    Answering(Answering),
}

/// What stands in the way of this cluster on a director in these surroundings, in order.
pub fn obstacles(cluster: &ValidCluster, observed: &Observed, around: &Surroundings) -> BTreeSet<Obstacle> {
    let cluster = cluster.cluster();
    let mut found: BTreeSet<Obstacle> =
        around.lacking.iter().map(|name| Obstacle::Capability { name: name.clone() }).collect();
    let families = forwarded(cluster);
    let parameters = [(Family::Ipv4, FORWARD_IPV4), (Family::Ipv6, FORWARD_IPV6)];
    let off = parameters.into_iter().filter(|(family, name)| {
        families.contains(family) && observed.sysctls.get(*name).is_some_and(|value| value == "0")
    });
    if !cluster.global.host.prepare {
        found.extend(off.map(|(_, name)| Obstacle::NotForwarding { parameter: name.to_owned() }));
    }
    let missing = interfaces(cluster).into_iter().filter(|name| !observed.links.contains_key(name));
    found.extend(missing.map(|interface| Obstacle::InterfaceMissing { interface }));
    let concerns = |chain: &&DroppingChain| chain.hook == Hook::Input || !families.is_empty();
    found.extend(around.dropping.iter().filter(concerns).cloned().map(Obstacle::Dropping));
    if around.keepalived {
        found.insert(Obstacle::Keepalived);
    }
    let held = |address: IpAddr| observed.addresses.keys().any(|key| key.address == address);
    let answering = around.answering.iter().filter(|answer| held(answer.address));
    found.extend(answering.cloned().map(Obstacle::Answering));
    found
}

/// Every interface that the cluster names.
fn interfaces(cluster: &Cluster) -> BTreeSet<String> {
    let global = &cluster.global;
    let active = cluster.virtual_servers.iter().filter(|server| server.active);
    let vips = active.filter_map(|server| server.vip.as_ref()?.device.as_ref());
    let router = global.nat_router.iter().map(|router| &router.device);
    let further = cluster.redundancy.addresses.iter().filter_map(|vip| vip.device.as_ref());
    let leaving = global.host.masquerade.iter().filter_map(|leaving| leaving.device.as_ref());
    let sync = cluster.redundancy.sync.interface.iter().filter(|_| cluster.redundancy.sync.enabled);
    let all = vips.chain(router).chain(further).chain(leaving).chain(sync);
    all.map(|device| device.interface().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Link;

    fn cluster(prepare: bool) -> ValidCluster {
        let content = serde_json::json!({
            "name": "shop",
            "directors": [{ "name": "a", "seat": "primary", "public": "192.0.2.1" }],
            "global": { "host": { "prepare": prepare } },
            "virtual_servers": [{
                "name": "http", "port": 80, "vip": { "address": "192.0.2.100", "device": "eth0:1" },
                "real_servers": [{ "name": "one", "address": "10.0.0.1" }],
            }],
        });
        serde_json::from_value::<Cluster>(content).unwrap().validate().unwrap()
    }

    fn machine(links: &[&str], forwards: &str) -> Observed {
        let links = links.iter().map(|name| ((*name).to_owned(), Link::default())).collect();
        let sysctls = [(FORWARD_IPV4.to_owned(), forwards.to_owned())].into();
        Observed { links, sysctls, ..Observed::default() }
    }

    #[test]
    fn a_machine_without_obstacles_has_none() {
        let found = obstacles(&cluster(false), &machine(&["eth0"], "1"), &Surroundings::default());
        assert_eq!(found, BTreeSet::new());
    }

    #[test]
    fn forwarding_that_is_off_is_said_unless_it_is_prepared() {
        let off = |prepare| obstacles(&cluster(prepare), &machine(&["eth0"], "0"), &Surroundings::default());
        assert_eq!(off(false), [Obstacle::NotForwarding { parameter: FORWARD_IPV4.to_owned() }].into());
        assert_eq!(off(true), BTreeSet::new());
    }

    #[test]
    fn what_the_surroundings_have_is_named() {
        let chain = |hook| DroppingChain { chain: "ip filter X".to_owned(), hook };
        let around = Surroundings {
            lacking: vec!["CAP_NET_RAW".to_owned()],
            dropping: vec![chain(Hook::Input), chain(Hook::Forward)],
            keepalived: true,
            ..Surroundings::default()
        };
        let found = obstacles(&cluster(false), &machine(&["eth1"], "1"), &around);
        let words: Vec<String> = found.iter().map(|each| serde_json::to_string(each).unwrap()).collect();
        assert_eq!(
            words,
            [
                r#"{"kind":"capability","name":"CAP_NET_RAW"}"#,
                r#"{"kind":"interface-missing","interface":"eth0"}"#,
                r#"{"kind":"dropping","chain":"ip filter X","hook":"input"}"#,
                r#"{"kind":"dropping","chain":"ip filter X","hook":"forward"}"#,
                r#"{"kind":"keepalived"}"#,
            ]
        );
    }
}
