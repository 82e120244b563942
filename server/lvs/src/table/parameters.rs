//! Names of kernel parameters that prepare a director, and what stands for all interfaces.

use std::collections::BTreeMap;

use super::Observed;

/// Forwards IPv4 packets.
pub const FORWARD_IPV4: &str = "net.ipv4.ip_forward";
/// Forwards IPv6 packets.
pub const FORWARD_IPV6: &str = "net.ipv6.conf.all.forwarding";
/// Ends connections of real servers that are gone.
pub const EXPIRE_NODEST: &str = "net.ipv4.vs.expire_nodest_conn";
/// Netfilter follows balanced connections.
pub const CONNTRACK: &str = "net.ipv4.vs.conntrack";
/// Sends ICMP redirects: on where it is on for an interface or for all.
pub const REDIRECTS: [&str; 3] = [
    "net.ipv4.conf.all.send_redirects",
    "net.ipv4.conf.default.send_redirects",
    "net.ipv4.conf.*.send_redirects",
];

/// All that a director may be prepared with. Always looked at, so that a preview knows what is there.
pub const HOST_PARAMETERS: [&str; 8] = [
    FORWARD_IPV4,
    FORWARD_IPV6,
    EXPIRE_NODEST,
    crate::health::EXPIRE_QUIESCENT,
    CONNTRACK,
    REDIRECTS[0],
    REDIRECTS[1],
    REDIRECTS[2],
];

const ANY: &str = ".*.";

/// Whether a parameter's former value is remembered and put back.
pub fn is_host_parameter(name: &str) -> bool {
    HOST_PARAMETERS.iter().any(|known| match known.split_once(ANY) {
        None => *known == name,
        Some((before, after)) => {
            let inner = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            inner.is_some_and(|inner| inner.len() > 2 && inner.starts_with('.') && inner.ends_with('.'))
        }
    })
}

/// A name with `*` for the interface, as one name for each of these but the loopback; any other name as it is.
pub fn for_each_interface<'a>(name: &str, interfaces: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let Some((before, after)) = name.split_once(ANY) else { return vec![name.to_owned()] };
    let named = |interface: &String| format!("{before}.{}.{after}", interface.replace('.', "/"));
    interfaces.into_iter().filter(|interface| *interface != "lo").map(named).collect()
}

/// The parameters with a name for each interface that is there. Where none is known, `*` stands for all.
pub fn spelled_out(parameters: &BTreeMap<String, String>, observed: &Observed) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in parameters {
        if observed.links.is_empty() {
            all.insert(name.clone(), value.clone());
            continue;
        }
        for name in for_each_interface(name, observed.links.keys()) {
            all.entry(name).or_insert_with(|| value.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_every_interface_but_the_loopback() {
        let links = ["eth0.100".to_owned(), "lo".to_owned()];
        let names = for_each_interface(REDIRECTS[2], &links);
        assert_eq!(names, ["net.ipv4.conf.eth0/100.send_redirects"]);
        assert!(is_host_parameter(&names[0]));
        assert!(is_host_parameter(FORWARD_IPV4));
        for other in [
            "net.ipv4.conf.eth0.promote_secondaries",
            "net.ipv4.conf.send_redirects",
            "net.ipv4.vs.backup_only",
        ] {
            assert!(!is_host_parameter(other), "{other}");
        }
    }
}
