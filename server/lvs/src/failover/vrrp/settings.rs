//! What a cluster's configuration says about one director's virtual routers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::super::outside::Asks;
use super::advert::password;
use super::{Router, Settings};
use crate::model::{Cluster, RedundancyProtocol, VrrpVersion};

/// The shortest life of the virtual addresses.
const LEASE: Duration = Duration::from_secs(2);

impl Settings {
    /// The settings of one director; none where it is not in the cluster or VRRP is not spoken.
    ///
    /// Sources are unspecified addresses: which address advertisements come from is known where they are sent.
    pub fn of(cluster: &Cluster, director: &str) -> Option<Settings> {
        let redundancy = &cluster.redundancy;
        let RedundancyProtocol::Vrrp(vrrp) = &redundancy.protocol else { return None };
        let own = cluster.directors.iter().find(|each| each.name == director)?;
        let interval = Duration::from_millis(u64::from(redundancy.interval_ms));
        let routers: Vec<Router> = vrrp
            .instances
            .iter()
            .map(|instance| {
                let ipv4 = instance.addresses.first().is_none_or(IpAddr::is_ipv4);
                let secret = instance.password.as_ref().filter(|_| ipv4 && vrrp.version == VrrpVersion::V2);
                Router {
                    virtual_router_id: instance.virtual_router_id.get(),
                    priority: instance.priority.of(own.seat).get(),
                    source: if ipv4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() },
                    addresses: instance.addresses.clone(),
                    password: secret.map(|secret| password(secret.reveal())),
                }
            })
            .collect();
        let has_partner = redundancy.enabled && cluster.directors.len() > 1;
        (!routers.is_empty()).then(|| Settings {
            version: vrrp.version,
            interval,
            preempt: redundancy.preempt.then(|| Duration::from_secs(u64::from(redundancy.preempt_delay_s))),
            lease: has_partner.then(|| lease(interval)),
            asks: if has_partner { Asks::of(redundancy) } else { Asks::default() },
            routers,
        })
    }
}

/// How long a kernel keeps the addresses of a director that no longer renews them: until every partner has taken over,
/// which the lowest priority does after four intervals, or three and a second with version 2.
fn lease(interval: Duration) -> Duration {
    let needed = interval * 3 + interval.max(Duration::from_secs(1)) + interval;
    LEASE.max(Duration::from_secs(u64::try_from(needed.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)))
}
