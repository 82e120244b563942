//! What the agent finds around itself: its capabilities, chains of others that drop, another VRRP program.
//!
//! Reads only; what cannot be read is left out.

use lvs::preflight::{DroppingChain, Hook, Surroundings};
use lvs::table::PACKET_TABLE;

use crate::linux::packets;
use crate::preflight::missing_names;
use crate::wire::nft;

/// All of it.
pub(crate) fn surroundings() -> Surroundings {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ours =
        |name: &str| [PACKET_TABLE, nft::TABLE].iter().any(|table| name.split(' ').next() == Some(table));
    let chains = packets::base_chains().into_iter().filter(|chain| chain.drops && !ours(&chain.name));
    let dropping = chains.filter_map(|chain| {
        let hook = match chain.hook {
            "input" => Hook::Input,
            "forward" => Hook::Forward,
            _ => return None,
        };
        Some(DroppingChain { chain: format!("{} {}", chain.family, chain.name), hook })
    });
    Surroundings {
        lacking: missing_names(&status),
        dropping: dropping.collect(),
        keepalived: runs("keepalived"),
        ..Surroundings::default()
    }
}

/// Whether a program of this name runs in the same network namespace.
fn runs(name: &str) -> bool {
    let here = std::fs::read_link("/proc/self/ns/net").ok();
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    processes.flatten().any(|process| {
        let path = process.path();
        let comm = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        comm.trim_end() == name && std::fs::read_link(path.join("ns/net")).ok() == here
    })
}
