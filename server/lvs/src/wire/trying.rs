//! A check that is tried out: asked once of one address, beside all that is configured.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::finding::Findings;
use crate::model::{
    Cluster, Id, Monitor, Protocol, RealServer, Scheduler, ValidCluster, Vip, VirtualServer, Weight,
};

/// `POST /v1/check-try`: asks once what the monitor says; nothing of it is kept. Answered with
/// [`CheckedNow`](super::CheckedNow).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckTry {
    /// Whom.
    pub address: IpAddr,
    /// The port that the real server would have; a check's or the monitor's own port goes before.
    pub port: u16,
    /// Of the virtual server that the check would be for.
    #[serde(default)]
    pub protocol: Protocol,
    /// What is asked, and from where. There is no virtual address that could be asked through the data path.
    pub monitor: Monitor,
}

impl CheckTry {
    /// Where in [`cluster`](Self::cluster) its members are, the longest first, and what they are called here.
    pub const PLACES: [(&'static str, &'static str); 4] = [
        ("/virtual_servers/0/real_servers/0/address", "/address"),
        ("/virtual_servers/0/real_servers/0/port", "/port"),
        ("/virtual_servers/0/monitor", "/monitor"),
        ("/virtual_servers/0/port", "/port"),
    ];

    /// The least cluster that asks the same: one real server of one virtual server. The rules for checks are those of
    /// clusters.
    pub fn cluster(self) -> Cluster {
        // Addresses that are nobody's (RFC 5737, RFC 3849), and not the one that is asked.
        let [first, second] = match self.address {
            IpAddr::V4(_) => [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))),
            IpAddr::V6(_) => [1, 2].map(|last| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last))),
        };
        let address = if self.address == first { second } else { first };
        let real = RealServer {
            id: Id("rs_try".to_owned()),
            name: "try".to_owned(),
            address: self.address,
            port: None,
            active: true,
            weight: Weight::default(),
            forwarding: None,
            backup: false,
            quiesce: None,
            limit: None,
            monitor: None,
            kept: Default::default(),
        };
        let server = VirtualServer {
            id: Id("vs_try".to_owned()),
            name: "try".to_owned(),
            active: true,
            vip: Some(Vip { address, prefix: None, device: None }),
            mark: None,
            marked: Vec::new(),
            family: None,
            protocol: self.protocol,
            port: self.port,
            scheduler: Scheduler::default(),
            scheduler_flags: Default::default(),
            persistence: None,
            one_packet: false,
            quiesce: false,
            quorum: Default::default(),
            sorry_server: None,
            monitor: Monitor { data_path: false, ..self.monitor },
            real_servers: vec![real],
            kept: Default::default(),
        };
        Cluster { name: "try".to_owned(), virtual_servers: vec![server], ..Cluster::default() }
    }

    /// The same, where it keeps the rules.
    pub fn validate(self) -> Result<ValidCluster, Findings> {
        self.cluster().validate()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::Severity;

    fn told(value: serde_json::Value) -> Vec<String> {
        let asked: CheckTry = serde_json::from_value(value).unwrap();
        let findings = asked.validate().err().unwrap_or_default();
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| finding.pointer().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn what_is_tried_keeps_the_rules_of_what_is_configured() {
        let http = json!({ "checks": [{ "kind": "http", "path": "/up" }] });
        for address in ["10.0.0.1", "2001:db8::7", "192.0.2.1", "2001:db8::1"] {
            assert!(told(json!({ "address": address, "port": 80, "monitor": http })).is_empty(), "{address}");
        }
        let wrong = json!({ "checks": [{ "kind": "send-expect", "expect": "(", "matching": "regex" }] });
        assert_eq!(
            told(json!({ "address": "10.0.0.1", "port": 80, "monitor": wrong })),
            ["/virtual_servers/0/monitor/checks/0/expect"]
        );
        assert!(!told(json!({ "address": "0.0.0.0", "port": 80, "monitor": http })).is_empty());
    }
}
