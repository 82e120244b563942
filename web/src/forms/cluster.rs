//! GLOBAL SETTINGS, directors, and the first settings of a new cluster.

use std::net::{IpAddr, Ipv4Addr};

use lvs::Cluster;
use lvs::model::{Director, DriftPolicy, GlobalSettings, HostSetup, NatRouter, Seat, Timeouts};

use super::read::{forwarding_texts, line_texts, switch_word};
use super::{Bound, Reader};
use crate::fields::Fields;

/// GLOBAL SETTINGS without the primary director's addresses.
pub(crate) enum GlobalForm {}

impl Bound for GlobalForm {
    type Object = GlobalSettings;

    const KNOWN: &'static [&'static str] = &[
        "public",
        "private",
        "forwarding",
        "forwarding.tunnel.kind",
        "forwarding.tunnel.port",
        "forwarding.tunnel.checksum",
        "nat_router.address",
        "nat_router.prefix",
        "nat_router.device",
        "timeouts.tcp",
        "timeouts.tcpfin",
        "timeouts.udp",
        "drift",
        "four_eyes",
        "host.prepare",
        "host.masquerade",
        "host.expire_nodest_conn",
        "host.expire_quiescent_template",
        "host.conntrack",
    ];

    fn texts(global: &GlobalSettings) -> Fields {
        let router = global.nat_router.as_ref();
        let fields = Fields::default()
            .with_some("nat_router.address", router.map(|r| r.address))
            .with_some("nat_router.prefix", router.and_then(|r| r.prefix))
            .with_some("nat_router.device", router.map(|r| r.device.as_str()))
            .with_some("timeouts.tcp", global.timeouts.tcp)
            .with_some("timeouts.tcpfin", global.timeouts.tcpfin)
            .with_some("timeouts.udp", global.timeouts.udp)
            .with("drift", global.drift.as_str())
            .with_tick("four_eyes", global.four_eyes)
            .with_tick("host.prepare", global.host.prepare)
            .with("host.masquerade", line_texts(&global.host.masquerade))
            .with("host.expire_nodest_conn", switch_word(global.host.expire_nodest_conn))
            .with("host.expire_quiescent_template", switch_word(global.host.expire_quiescent_template))
            .with("host.conntrack", switch_word(global.host.conntrack));
        forwarding_texts(fields, Some(global.forwarding))
    }

    fn read(reader: &mut Reader<'_>, old: GlobalSettings) -> GlobalSettings {
        if reader.text("forwarding").is_empty() {
            reader.wrong("forwarding", "wrong-choice");
        }
        GlobalSettings {
            forwarding: reader.forwarding(Some(old.forwarding)).unwrap_or(old.forwarding),
            nat_router: nat_router(reader, old.nat_router),
            timeouts: Timeouts {
                tcp: reader.number("timeouts.tcp", old.timeouts.tcp),
                tcpfin: reader.number("timeouts.tcpfin", old.timeouts.tcpfin),
                udp: reader.number("timeouts.udp", old.timeouts.udp),
            },
            host: host(reader, old.host),
            drift: reader.choice("drift", &DriftPolicy::ALL.map(|d| (d.as_str(), d)), old.drift),
            four_eyes: reader.ticked("four_eyes"),
        }
    }
}

fn host(reader: &mut Reader<'_>, old: HostSetup) -> HostSetup {
    let expire_quiescent = old.expire_quiescent_template;
    HostSetup {
        prepare: reader.ticked("host.prepare"),
        masquerade: reader.lines("host.masquerade", "wrong-masquerade", old.masquerade),
        expire_nodest_conn: reader.switch("host.expire_nodest_conn", old.expire_nodest_conn),
        expire_quiescent_template: reader.switch("host.expire_quiescent_template", expire_quiescent),
        conntrack: reader.switch("host.conntrack", old.conntrack),
    }
}

fn nat_router(reader: &mut Reader<'_>, old: Option<NatRouter>) -> Option<NatRouter> {
    let before = old.as_ref();
    let address = reader.address("nat_router.address", before.map(|r| r.address));
    let device = reader.device("nat_router.device", before.map(|r| r.device.clone()));
    let prefix = reader.prefix("nat_router.prefix", before.and_then(|r| r.prefix));
    match (address, device) {
        (Some(address), Some(device)) => Some(NatRouter { address, device, prefix }),
        (Some(_), None) => {
            reader.wrong("nat_router.device", "wrong-missing");
            old
        }
        (None, Some(_)) => {
            reader.wrong("nat_router.address", "wrong-missing");
            old
        }
        (None, None) => None,
    }
}

/// A director's place and addresses.
pub(crate) enum DirectorForm {}

impl Bound for DirectorForm {
    type Object = Director;

    const KNOWN: &'static [&'static str] = &["name", "seat", "public", "private", "dial"];

    fn texts(director: &Director) -> Fields {
        Fields::default()
            .with("name", &director.name)
            .with("seat", director.seat)
            .with_some("public", director.public)
            .with_some("private", director.private)
    }

    fn read(reader: &mut Reader<'_>, old: Director) -> Director {
        let seats = [("primary", Seat::Primary), ("backup", Seat::Backup)];
        Director {
            name: reader.text("name").to_owned(),
            seat: reader.choice("seat", &seats, old.seat),
            public: reader.address("public", old.public),
            private: reader.address("private", old.private),
        }
    }
}

/// A director nobody has described yet.
pub(crate) fn blank_director(name: &str, seat: Seat) -> Director {
    Director { name: name.to_owned(), seat, public: None, private: None }
}

/// A new cluster: its name, and where its directors are.
pub(crate) enum NewClusterForm {}

impl Bound for NewClusterForm {
    type Object = Cluster;

    const KNOWN: &'static [&'static str] = &["name", "primary", "backup"];

    fn texts(cluster: &Cluster) -> Fields {
        Fields::default().with("name", &cluster.name)
    }

    fn read(reader: &mut Reader<'_>, mut cluster: Cluster) -> Cluster {
        cluster.name = reader.text("name").to_owned();
        let unset = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let primary = reader.needed_address("primary", unset);
        cluster
            .directors
            .push(Director { public: Some(primary), ..blank_director("director-a", Seat::Primary) });
        if let Some(backup) = reader.address("backup", Some(unset)) {
            cluster
                .directors
                .push(Director { public: Some(backup), ..blank_director("director-b", Seat::Backup) });
            cluster.redundancy.enabled = true;
        }
        cluster
    }
}
