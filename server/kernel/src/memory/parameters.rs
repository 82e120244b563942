//! The kernel parameters that exist on every machine and every interface.

use std::collections::BTreeMap;

use crate::error::Errno;

/// Parameters of the whole machine, with the kernel's defaults.
const MACHINE: [(&str, &str); 8] = [
    ("net.ipv4.ip_forward", "0"),
    ("net.ipv4.ip_nonlocal_bind", "0"),
    ("net.ipv4.vs.backup_only", "0"),
    ("net.ipv4.vs.conntrack", "0"),
    ("net.ipv4.vs.drop_entry", "0"),
    ("net.ipv4.vs.expire_nodest_conn", "0"),
    ("net.ipv4.vs.expire_quiescent_template", "0"),
    ("net.ipv4.vs.conn_reuse_mode", "1"),
];

/// Parameters of each interface (`net.FAMILY.conf.INTERFACE.NAME`).
const INTERFACE: [(&str, &str, &str); 8] = [
    ("ipv4", "arp_announce", "0"),
    ("ipv4", "arp_ignore", "0"),
    ("ipv4", "forwarding", "0"),
    ("ipv4", "promote_secondaries", "0"),
    ("ipv4", "rp_filter", "0"),
    ("ipv4", "send_redirects", "1"),
    ("ipv6", "disable_ipv6", "0"),
    ("ipv6", "forwarding", "0"),
];

/// A fresh machine's.
pub(super) fn usual() -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> =
        MACHINE.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    for everywhere in ["all", "default"] {
        add_interface(&mut parameters, everywhere);
    }
    parameters
}

fn name(family: &str, interface: &str, leaf: &str) -> String {
    format!("net.{family}.conf.{interface}.{leaf}")
}

/// Adds an interface's parameters; those there already keep their values.
pub(super) fn add_interface(parameters: &mut BTreeMap<String, String>, interface: &str) {
    for (family, leaf, value) in INTERFACE {
        parameters.entry(name(family, interface, leaf)).or_insert_with(|| value.to_owned());
    }
}

/// Removes an interface's parameters.
pub(super) fn remove_interface(parameters: &mut BTreeMap<String, String>, interface: &str) {
    for (family, leaf, _) in INTERFACE {
        parameters.remove(&name(family, interface, leaf));
    }
}

/// Writes a parameter. All that are modelled here are whole numbers.
pub(super) fn write(parameters: &mut BTreeMap<String, String>, name: &str, value: &str) -> Result<(), Errno> {
    let there = parameters.get_mut(name).ok_or(Errno(libc::ENOENT))?;
    let number: i64 = value.trim().parse().map_err(|_| Errno(libc::EINVAL))?;
    *there = number.to_string();
    Ok(())
}

/// Whether a secondary is promoted when its primary goes: on for the interface or for all of them.
pub(super) fn promotes(parameters: &BTreeMap<String, String>, interface: &str) -> bool {
    ["all", interface].into_iter().any(|scope| {
        parameters.get(&name("ipv4", scope, "promote_secondaries")).is_some_and(|value| value != "0")
    })
}
