//! REDUNDANCY: what the directors speak with each other, when one takes over, and what moves with it.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU8;

use lvs::Cluster;
use lvs::model::{
    ConnectionSync, PriorityPair, Redundancy, RedundancyProtocol, Secret, Vip, Vrrp, VrrpInstance,
    VrrpVersion,
};

use super::{Bound, Reader, Row, rows};
use crate::fields::Fields;

const INSTANCES: &str = "protocol.instances";

/// REDUNDANCY without the backup director's addresses.
///
/// A password is never among the texts: a blank field keeps the one of the instance that the row began as (`was`).
pub(crate) enum RedundancyForm {}

impl Bound for RedundancyForm {
    type Object = Redundancy;

    const KNOWN: &'static [&'static str] = &[
        "enabled",
        "public",
        "private",
        "protocol.kind",
        "protocol.version",
        "protocol.instances",
        "protocol.instances.*.name",
        "protocol.instances.*.interface",
        "protocol.instances.*.virtual_router_id",
        "protocol.instances.*.priority.primary",
        "protocol.instances.*.priority.backup",
        "protocol.instances.*.password",
        "protocol.instances.*.unicast",
        "protocol.instances.*.addresses",
        "interval_ms",
        "deadtime_ms",
        "heartbeat_port",
        "preempt",
        "preempt_delay_s",
        "monitor_links",
        "gateway",
        "witness",
        "addresses",
        "addresses.*.address",
        "addresses.*.prefix",
        "addresses.*.device",
        "sync.enabled",
        "sync.interface",
        "sync.id",
        "active_cmd",
        "inactive_cmd",
    ];

    fn texts(redundancy: &Redundancy) -> Fields {
        let version = match &redundancy.protocol {
            RedundancyProtocol::Heartbeat | RedundancyProtocol::Pulse => VrrpVersion::default(),
            RedundancyProtocol::Vrrp(vrrp) => vrrp.version,
        };
        let fields = Fields::default()
            .with_tick("enabled", redundancy.enabled)
            .with("protocol.kind", redundancy.protocol.as_str())
            .with("protocol.version", u8::from(version))
            .with("interval_ms", redundancy.interval_ms)
            .with("deadtime_ms", redundancy.deadtime_ms)
            .with("heartbeat_port", redundancy.heartbeat_port)
            .with_tick("preempt", redundancy.preempt)
            .with("preempt_delay_s", redundancy.preempt_delay_s)
            .with_tick("monitor_links", redundancy.monitor_links)
            .with_some("gateway", redundancy.gateway)
            .with_tick("witness", redundancy.witness)
            .with_tick("sync.enabled", redundancy.sync.enabled)
            .with_some("sync.interface", redundancy.sync.interface.as_ref())
            .with("sync.id", redundancy.sync.id)
            .with_some("active_cmd", redundancy.active_cmd.as_ref())
            .with_some("inactive_cmd", redundancy.inactive_cmd.as_ref());
        let fields = redundancy.protocol.instances().iter().fold(fields, RedundancyForm::with_instance);
        redundancy
            .addresses
            .iter()
            .fold(fields, |fields, vip| RedundancyForm::with_address(fields, Some(vip)))
    }

    fn read(reader: &mut Reader<'_>, old: Redundancy) -> Redundancy {
        Redundancy {
            enabled: reader.ticked("enabled"),
            protocol: protocol(reader, &old.protocol),
            heartbeat_port: reader.needed_number("heartbeat_port", old.heartbeat_port),
            interval_ms: reader.needed_number("interval_ms", old.interval_ms),
            deadtime_ms: reader.needed_number("deadtime_ms", old.deadtime_ms),
            preempt: reader.ticked("preempt"),
            preempt_delay_s: reader.number("preempt_delay_s", Some(old.preempt_delay_s)).unwrap_or(0),
            monitor_links: reader.ticked("monitor_links"),
            gateway: reader.address("gateway", old.gateway),
            witness: reader.ticked("witness"),
            addresses: reader.rows("addresses").iter().map(|row| further(reader, row)).collect(),
            sync: ConnectionSync {
                enabled: reader.ticked("sync.enabled"),
                interface: reader.device("sync.interface", old.sync.interface.clone()),
                id: reader.needed_number("sync.id", old.sync.id),
            },
            active_cmd: reader.filled("active_cmd"),
            inactive_cmd: reader.filled("inactive_cmd"),
        }
    }
}

impl RedundancyForm {
    /// The parts of the form that have rows.
    pub(crate) const PARTS: [&'static str; 2] = [INSTANCES, "addresses"];

    /// The fields with one more instance at the end.
    pub(crate) fn with_instance(fields: Fields, instance: &VrrpInstance) -> Fields {
        let row = Row::new(INSTANCES, rows::of(&fields, INSTANCES).len());
        let addresses: Vec<String> = instance.addresses.iter().map(ToString::to_string).collect();
        fields
            .with(&row.name("was"), &instance.name)
            .with(&row.name("name"), &instance.name)
            .with(&row.name("interface"), &instance.interface)
            .with(&row.name("virtual_router_id"), instance.virtual_router_id)
            .with(&row.name("priority.primary"), instance.priority.primary)
            .with(&row.name("priority.backup"), instance.priority.backup)
            .with_some(&row.name("has_password"), instance.password.as_ref().map(|_| "yes"))
            .with_tick(&row.name("unicast"), instance.unicast)
            .with(&row.name("addresses"), addresses.join("\n"))
    }

    /// The fields with one more further address at the end; a blank one where none is given.
    pub(crate) fn with_address(fields: Fields, vip: Option<&Vip>) -> Fields {
        let row = Row::new("addresses", rows::of(&fields, "addresses").len());
        fields
            .with(&row.name("address"), vip.map(|v| v.address.to_string()).unwrap_or_default())
            .with_some(&row.name("prefix"), vip.and_then(|v| v.prefix))
            .with_some(&row.name("device"), vip.and_then(|v| v.device.as_ref()))
    }

    /// The fields without rows of further addresses in which nothing was typed.
    pub(crate) fn without_blank_rows(fields: Fields) -> Fields {
        let blank = |row: &Row| {
            ["address", "prefix", "device"].iter().all(|f| fields.get(&row.name(f)).trim().is_empty())
        };
        match rows::of(&fields, "addresses").iter().rev().find(|row| blank(row)) {
            Some(row) => {
                let gone = row.number;
                RedundancyForm::without_blank_rows(rows::arranged(fields, "addresses", Some(gone)))
            }
            None => fields,
        }
    }

    /// A form that is shown again forgets the passwords typed into it, and says so; it knows which rows have one.
    pub(crate) fn without_passwords(fields: Fields, known: &RedundancyProtocol) -> (Fields, Vec<String>) {
        let mut forgotten = Vec::new();
        let mut fields = fields;
        for row in rows::of(&fields, INSTANCES) {
            let field = row.name("password");
            if !fields.get(&field).is_empty() {
                fields = fields.replaced(&field, "");
                forgotten.push(field);
            }
            let was = fields.get(&row.name("was")).to_owned();
            let has = known.instances().iter().any(|i| i.name == was && i.password.is_some());
            fields = fields.replaced(&row.name("has_password"), if has { "yes" } else { "" });
        }
        (fields, forgotten)
    }
}

fn protocol(reader: &mut Reader<'_>, old: &RedundancyProtocol) -> RedundancyProtocol {
    let kinds = [("heartbeat", "heartbeat"), ("vrrp", "vrrp"), ("pulse", "pulse")];
    match reader.choice("protocol.kind", &kinds, "heartbeat") {
        "vrrp" => {}
        "pulse" => return RedundancyProtocol::Pulse,
        _ => return RedundancyProtocol::Heartbeat,
    }
    let versions = [("2", VrrpVersion::V2), ("3", VrrpVersion::V3)];
    let version = reader.choice("protocol.version", &versions, VrrpVersion::default());
    let rows = reader.rows(INSTANCES);
    let instances = rows.iter().filter_map(|row| instance(reader, row, old)).collect();
    RedundancyProtocol::Vrrp(Vrrp { version, instances })
}

/// The instance of a row. What could not be read is said at its field, and something stands in its place.
fn instance(reader: &mut Reader<'_>, row: &Row, old: &RedundancyProtocol) -> Option<VrrpInstance> {
    let interface = reader.device(&row.name("interface"), None);
    if interface.is_none() && reader.text(&row.name("interface")).is_empty() {
        reader.wrong(&row.name("interface"), "wrong-missing");
    }
    let least = NonZeroU8::MIN;
    let virtual_router_id = reader.needed_number(&row.name("virtual_router_id"), least);
    let primary = reader.needed_number(&row.name("priority.primary"), least);
    let backup = reader.needed_number(&row.name("priority.backup"), least);
    let addresses = reader.addresses(&row.name("addresses"), Vec::new());
    let was = reader.text(&row.name("was"));
    let before = old.instances().iter().find(|instance| instance.name == was);
    let typed = Some(reader.raw(&row.name("password"))).filter(|text| !text.is_empty());
    let password = match typed {
        Some(text) => Some(Secret::new(text)),
        None if reader.ticked(&row.name("no_password")) => None,
        None => before.and_then(|instance| instance.password.clone()),
    };
    Some(VrrpInstance {
        name: reader.text(&row.name("name")).to_owned(),
        interface: interface.or_else(|| "lo".parse().ok())?,
        virtual_router_id,
        priority: PriorityPair { primary, backup },
        password,
        unicast: reader.ticked(&row.name("unicast")),
        addresses,
    })
}

fn further(reader: &mut Reader<'_>, row: &Row) -> Vip {
    Vip {
        address: reader.needed_address(&row.name("address"), IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        prefix: reader.prefix(&row.name("prefix"), None),
        device: reader.device(&row.name("device"), None),
    }
}

/// A virtual router that nobody has described yet: the first free name and id, the cluster's addresses that no other
/// instance has, and the interface of the first of them.
pub(crate) fn blank_instance(cluster: &Cluster, taken: &[VrrpInstance]) -> Option<VrrpInstance> {
    let names: Vec<String> = (1..=255).map(|n| format!("VI_{n}")).collect();
    let name = names.iter().find(|name| taken.iter().all(|other| other.name != **name))?;
    let ids = (51..=255).chain(1..=50).filter_map(NonZeroU8::new);
    let id = ids.into_iter().find(|id| taken.iter().all(|other| other.virtual_router_id != *id))?;
    let vips = cluster.virtual_servers.iter().filter(|s| s.active).filter_map(|s| s.vip.as_ref());
    let router = cluster.global.nat_router.iter().map(|r| (r.address, Some(r.device.clone())));
    let floating = vips.chain(&cluster.redundancy.addresses).map(|vip| (vip.address, vip.device.clone()));
    let mut addresses: Vec<IpAddr> = Vec::new();
    let mut interface = None;
    for (address, device) in floating.chain(router) {
        let elsewhere = taken.iter().any(|other| other.addresses.contains(&address));
        let family = addresses.first().is_none_or(|first| first.is_ipv4() == address.is_ipv4());
        let Some(device) = device.filter(|_| family && !elsewhere && !addresses.contains(&address)) else {
            continue;
        };
        interface = interface.or_else(|| device.interface().parse().ok());
        addresses.push(address);
    }
    Some(VrrpInstance {
        name: name.clone(),
        interface: interface.or_else(|| "eth0".parse().ok())?,
        virtual_router_id: id,
        priority: PriorityPair { primary: NonZeroU8::new(150)?, backup: NonZeroU8::new(100)? },
        password: None,
        unicast: false,
        addresses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;

    fn spoken() -> Redundancy {
        serde_json::from_value(serde_json::json!({
            "enabled": true, "interval_ms": 1000, "preempt": true, "preempt_delay_s": 60,
            "protocol": { "kind": "vrrp", "version": 3, "instances": [
                { "name": "VI_1", "interface": "eth0", "virtual_router_id": 51,
                  "priority": { "primary": 150, "backup": 100 }, "password": "hidden",
                  "unicast": true, "addresses": ["192.0.2.1", "192.0.2.2"] },
                { "name": "VI_6", "interface": "eth0", "virtual_router_id": 51,
                  "priority": { "primary": 150, "backup": 100 }, "addresses": ["2001:db8::1"] },
            ] },
            "addresses": [{ "address": "10.0.0.254", "prefix": 24, "device": "eth1" }],
            "sync": { "enabled": true, "interface": "eth1", "id": 7 },
            "gateway": "192.0.2.254", "witness": true,
        }))
        .unwrap()
    }

    fn read(fields: &Fields, old: Redundancy) -> (Redundancy, bool) {
        let mut reader = Reader::new(RedundancyForm::KNOWN, fields, Locale::default());
        let read = RedundancyForm::read(&mut reader, old);
        (read, reader.finish().failed())
    }

    #[test]
    fn all_comes_back_as_it_was_and_a_password_is_not_in_the_form() {
        let redundancy = spoken();
        let fields = RedundancyForm::texts(&redundancy);
        assert!(!format!("{fields:?}").contains("hidden"));
        assert_eq!(read(&fields, redundancy.clone()), (redundancy.clone(), false));
        // Another name keeps it, a typed one replaces it, a tick takes it away.
        let renamed = fields.clone().replaced("protocol.instances.0.name", "outside");
        let password = |fields: &Fields| {
            let (read, _) = read(fields, redundancy.clone());
            read.protocol.instances()[0].password.clone().map(|secret| secret.reveal().to_owned())
        };
        assert_eq!(password(&renamed).as_deref(), Some("hidden"));
        assert_eq!(
            password(&renamed.clone().with("protocol.instances.0.password", "other")).as_deref(),
            Some("other")
        );
        assert_eq!(password(&renamed.with("protocol.instances.0.no_password", "on")), None);
    }

    #[test]
    fn a_form_shown_again_forgets_typed_passwords_and_says_so() {
        let redundancy = spoken();
        let fields = RedundancyForm::texts(&redundancy).with("protocol.instances.1.password", "typed");
        let (fields, forgotten) = RedundancyForm::without_passwords(fields, &redundancy.protocol);
        assert_eq!(forgotten, ["protocol.instances.1.password"]);
        assert!(!format!("{fields:?}").contains("typed"));
        assert_eq!(fields.get("protocol.instances.0.has_password"), "yes");
        assert_eq!(fields.get("protocol.instances.1.has_password"), "");
    }

    #[test]
    fn a_new_instance_takes_what_no_other_has() {
        let cluster: Cluster = serde_json::from_value(serde_json::json!({
            "name": "c",
            "global": { "nat_router": { "address": "10.0.0.1", "device": "eth1" } },
            "virtual_servers": [
                { "name": "a", "vip": { "address": "192.0.2.1", "device": "eth0:1" } },
                { "name": "b", "vip": { "address": "2001:db8::1", "device": "eth0" } },
                { "name": "c", "vip": { "address": "192.0.2.9" } },
            ],
        }))
        .unwrap();
        let first = blank_instance(&cluster, &[]).unwrap();
        assert_eq!((first.name.as_str(), first.interface.as_str()), ("VI_1", "eth0"));
        assert_eq!(first.addresses, ["192.0.2.1".parse::<IpAddr>().unwrap(), "10.0.0.1".parse().unwrap()]);
        let second = blank_instance(&cluster, &[first]).unwrap();
        assert_eq!((second.name.as_str(), second.virtual_router_id.get()), ("VI_2", 52));
        assert_eq!(second.addresses, ["2001:db8::1".parse::<IpAddr>().unwrap()]);
        let all = [&second, &second].map(Clone::clone);
        assert!(blank_instance(&Cluster::default(), &all).unwrap().addresses.is_empty());
    }

    #[test]
    fn a_heartbeat_has_no_instances_and_a_blank_row_is_no_address() {
        let fields = RedundancyForm::texts(&spoken()).replaced("protocol.kind", "heartbeat");
        let fields = RedundancyForm::with_address(RedundancyForm::with_address(fields, None), None);
        let fields = RedundancyForm::without_blank_rows(fields);
        let (redundancy, failed) = read(&fields, spoken());
        assert_eq!(
            (redundancy.protocol, redundancy.addresses.len(), failed),
            (RedundancyProtocol::Heartbeat, 1, false)
        );
        let legacy = fields.clone().replaced("protocol.kind", "pulse");
        assert_eq!(read(&legacy, spoken()).0.protocol, RedundancyProtocol::Pulse);
        let lone = fields.with("addresses.1.device", "eth3");
        assert!(read(&lone, spoken()).1);
    }
}
