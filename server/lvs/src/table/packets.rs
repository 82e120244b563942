//! What the one nftables table of ours holds: marks on the way in, masquerading on the way out.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::model::{MarkedTraffic, Masquerade};
use crate::table::Family;

/// The table's name, of the family `inet`. Whatever stands in a table of this name is ours.
pub const PACKET_TABLE: &str = "caribe";

/// A rule of that table. Its text is in nft's words, and is what an observation finds it by: the kernel keeps it with the
/// rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PacketRule {
    /// Packets of a service by mark get it before they are routed.
    Mark {
        /// The mark.
        mark: NonZeroU32,
        /// Which packets.
        traffic: MarkedTraffic,
    },
    /// Packets leave with the address of the interface they leave by.
    Masquerade(Masquerade),
}

/// All that the table should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct PacketRules(pub BTreeSet<PacketRule>);

impl PacketRules {
    /// Whether no table is wanted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rules' texts in the order in which the table holds them: marks, then masquerading.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl fmt::Display for PacketRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |family| if family == Family::Ipv4 { "ip" } else { "ip6" };
        match self {
            PacketRule::Mark { mark, traffic } => {
                write!(f, "{} daddr {} ", word(traffic.family()), traffic.address)?;
                write!(f, "{} dport {}", traffic.protocol, traffic.port)?;
                if traffic.last_port() != traffic.port {
                    write!(f, "-{}", traffic.last_port())?;
                }
                write!(f, " meta mark set {mark}")
            }
            PacketRule::Masquerade(Masquerade { source, device }) => {
                let word = word(Family::of(source.addr()));
                write!(f, "{word} saddr {source} {word} daddr != {source} ")?;
                if let Some(device) = device {
                    write!(f, "oifname {} ", device.interface())?;
                }
                f.write_str("masquerade")
            }
        }
    }
}

/// The table as `nft -f` reads it, on one line.
impl fmt::Display for PacketRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (marks, leaving): (Vec<&PacketRule>, Vec<&PacketRule>) =
            self.0.iter().partition(|rule| matches!(rule, PacketRule::Mark { .. }));
        write!(f, "table inet {PACKET_TABLE} {{")?;
        let chains = [
            (marks, "marks", "type filter hook prerouting priority mangle"),
            (leaving, "outwards", "type nat hook postrouting priority srcnat"),
        ];
        for (rules, name, base) in chains.into_iter().filter(|(rules, ..)| !rules.is_empty()) {
            write!(f, " chain {name} {{ {base};")?;
            for rule in rules {
                write!(f, " {rule};")?;
            }
            f.write_str(" }")?;
        }
        f.write_str(" }")
    }
}
