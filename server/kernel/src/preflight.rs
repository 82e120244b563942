//! Whether this process can do a director's work on this machine, asked before anything depends on it.
//!
//! It changes nothing but what [`LinuxKernel::open`] does as well: the module `ip_vs` is loaded where that is possible.
//! Called by the agent at its start and by the command that joins.

use crate::error::{Error, Kind};
use crate::linux::LinuxKernel;

/// Bits of the capabilities in `/proc/self/status` (capabilities(7)).
const CAPABILITIES: [(u32, &str, &str); 2] = [
    (12, "CAP_NET_ADMIN", "change IPVS and addresses"),
    (13, "CAP_NET_RAW", "announce virtual addresses and speak VRRP"),
];

/// What stands in the way, each with the next step; nothing where a director can work here.
pub fn preflight() -> Vec<Error> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut found = lacking(&status);
    // Without the right to ask, the kernel's answer says nothing that has not been said.
    let asked = LinuxKernel::open().and_then(|mut kernel| match found.is_empty() {
        true => kernel.info().map(drop),
        false => Ok(()),
    });
    found.extend(asked.err());
    found
}

/// The capabilities that the text of `/proc/self/status` does not name as effective; none where it names nothing.
fn lacking(status: &str) -> Vec<Error> {
    missing(status)
        .map(|(_, name, operation)| {
            let reason = format!("{name} is missing; run the agent as root, or give it this capability");
            Error::new(*operation, Kind::Denied, reason)
        })
        .collect()
}

/// Those that are missing of what a director needs.
fn missing(status: &str) -> impl Iterator<Item = &'static (u32, &'static str, &'static str)> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let held = line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    CAPABILITIES.iter().filter(move |(bit, ..)| held.is_some_and(|held| held & (1 << bit) == 0))
}

/// Their names.
pub(crate) fn missing_names(status: &str) -> Vec<String> {
    missing(status).map(|(_, name, _)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_capability_is_named_with_what_needs_it() {
        let said = |mask: &str| -> Vec<String> {
            lacking(&format!("Name:\tcaribe\nCapEff:\t{mask}\n")).iter().map(ToString::to_string).collect()
        };
        assert!(said("000001ffffffffff").is_empty());
        assert!(said("0000000000003000").is_empty());
        let admin = said("0000000000002000");
        assert!(admin.len() == 1 && admin[0].contains("CAP_NET_ADMIN"), "{admin:?}");
        assert!(admin[0].contains("as root"), "{admin:?}");
        assert_eq!(said("0000000000000000").len(), 2);
        assert!(lacking("").is_empty(), "a system without that file is not accused");
    }
}
