//! EDIT VIRTUAL SERVER.

use lvs::model::{
    Forwarding, Persistence, Quorum, Scheduler, SchedulerFlag, SorryCheck, SorryServer, Vip, VirtualServer,
};
use lvs::table::Family;

use super::read::line_texts;
use super::{Bound, Reader, choices, policy};
use crate::fields::Fields;

/// A virtual server without its real servers and scripts, which have pages of their own.
pub(crate) enum VirtualServerForm {}

const FLAGS: [(SchedulerFlag, &str); 3] =
    [(SchedulerFlag::Fallback, "fallback"), (SchedulerFlag::Port, "port"), (SchedulerFlag::Flag3, "flag-3")];

impl Bound for VirtualServerForm {
    type Object = VirtualServer;

    const KNOWN: &'static [&'static str] = &[
        "name",
        "port",
        "protocol",
        "vip.address",
        "vip.prefix",
        "vip.device",
        "sorry_server.address",
        "sorry_server.port",
        "sorry_server.forwarding",
        "sorry_server.check",
        "mark",
        "marked",
        "family",
        "monitor.reentry_s",
        "monitor.interval_ms",
        "monitor.timeout_ms",
        "quiesce",
        "monitor.load_monitor.kind",
        "monitor.load_monitor.command",
        "monitor.load_monitor.port",
        "monitor.load_monitor.send",
        "monitor.load_monitor.path",
        "monitor.load_monitor.minimum_percent",
        "monitor.load_monitor.maximum_percent",
        "monitor.load_monitor.interval_ms",
        "quorum.weight",
        "quorum.hysteresis",
        "scheduler",
        "scheduler_flags",
        "persistence.timeout_s",
        "persistence.prefix",
        "one_packet",
        "active",
    ];

    fn texts(server: &VirtualServer) -> Fields {
        let vip = server.vip.as_ref();
        let persistence = server.persistence.as_ref();
        let sorry = server.sorry_server.as_ref();
        let fields = Fields::default()
            .with("name", &server.name)
            .with("port", server.port)
            .with("protocol", server.protocol)
            .with_some("vip.address", vip.map(|v| v.address))
            .with_some("vip.prefix", vip.and_then(|v| v.prefix))
            .with_some("vip.device", vip.and_then(|v| v.device.as_ref()))
            .with_some("sorry_server.address", sorry.map(|s| s.address))
            .with_some("sorry_server.port", sorry.and_then(|s| s.port))
            .with_some("mark", server.mark)
            .with("marked", line_texts(&server.marked))
            .with("family", server.family.map_or("", |f| if f == Family::Ipv4 { "ipv4" } else { "ipv6" }))
            .with("monitor.reentry_s", server.monitor.reentry_s)
            .with("monitor.interval_ms", server.monitor.interval_ms)
            .with("monitor.timeout_ms", server.monitor.timeout_ms)
            .with_tick("quiesce", server.quiesce)
            .with("quorum.weight", server.quorum.weight)
            .with("quorum.hysteresis", server.quorum.hysteresis)
            .with("sorry_server.forwarding", sorry.and_then(|s| s.forwarding).map_or("", Forwarding::as_str))
            .with("sorry_server.check", sorry.map(|s| s.check).unwrap_or_default().as_str())
            .with("scheduler", server.scheduler)
            .with_some("persistence.timeout_s", persistence.map(|p| p.timeout_s))
            .with_some("persistence.prefix", persistence.and_then(|p| p.prefix))
            .with_tick("one_packet", server.one_packet)
            .with_tick("active", server.active);
        let fields = policy::load_texts(fields, "monitor.", server.monitor.load_monitor.as_ref());
        FLAGS
            .iter()
            .filter(|(flag, _)| server.scheduler_flags.contains(flag))
            .fold(fields, |fields, (_, word)| fields.with("scheduler_flags", word))
    }

    fn read(reader: &mut Reader<'_>, old: VirtualServer) -> VirtualServer {
        let families = [("", None), ("ipv4", Some(Family::Ipv4)), ("ipv6", Some(Family::Ipv6))];
        let schedulers = Scheduler::ALL.map(|s| (s.as_str(), s));
        let mut monitor = old.monitor.clone();
        monitor.reentry_s = reader.needed_number("monitor.reentry_s", monitor.reentry_s);
        monitor.interval_ms = reader.needed_number("monitor.interval_ms", monitor.interval_ms);
        monitor.timeout_ms = reader.needed_number("monitor.timeout_ms", monitor.timeout_ms);
        monitor.load_monitor = policy::read_load(reader, "monitor.");
        VirtualServer {
            name: reader.text("name").to_owned(),
            active: reader.ticked("active"),
            vip: vip(reader, old.vip),
            mark: reader.mark("mark", old.mark),
            marked: reader.lines("marked", "wrong-marked", old.marked),
            family: reader.choice("family", &families, old.family),
            protocol: reader.choice("protocol", &choices::protocols(), old.protocol),
            port: reader.needed_number("port", old.port),
            scheduler: reader.choice("scheduler", &schedulers, old.scheduler),
            scheduler_flags: FLAGS
                .into_iter()
                .filter(|(_, word)| reader.contains("scheduler_flags", word))
                .map(|(flag, _)| flag)
                .collect(),
            persistence: persistence(reader, old.persistence),
            one_packet: reader.ticked("one_packet"),
            quiesce: reader.ticked("quiesce"),
            quorum: Quorum {
                weight: reader.needed_number("quorum.weight", old.quorum.weight),
                hysteresis: reader.needed_number("quorum.hysteresis", old.quorum.hysteresis),
            },
            sorry_server: sorry(reader, old.sorry_server),
            monitor,
            ..old
        }
    }
}

fn vip(reader: &mut Reader<'_>, old: Option<Vip>) -> Option<Vip> {
    let before = old.as_ref();
    let prefix = reader.prefix("vip.prefix", before.and_then(|v| v.prefix));
    let device = reader.device("vip.device", before.and_then(|v| v.device.clone()));
    let address = reader.address("vip.address", before.map(|v| v.address))?;
    Some(Vip { address, prefix, device })
}

fn persistence(reader: &mut Reader<'_>, old: Option<Persistence>) -> Option<Persistence> {
    let prefix = reader.prefix("persistence.prefix", old.and_then(|p| p.prefix));
    // Piranha's 0 meant off; a blank field means the same.
    let timeout_s = reader.number("persistence.timeout_s", old.map(|p| p.timeout_s)).filter(|s| *s != 0)?;
    Some(Persistence { timeout_s, prefix })
}

fn sorry(reader: &mut Reader<'_>, old: Option<SorryServer>) -> Option<SorryServer> {
    let before = old.as_ref();
    let port = reader.number("sorry_server.port", before.and_then(|s| s.port));
    let old_forwarding = before.and_then(|s| s.forwarding);
    let word = reader.text("sorry_server.forwarding");
    // A tunnel's details stay as they are.
    let forwarding = if word == old_forwarding.map_or("", Forwarding::as_str) {
        old_forwarding
    } else {
        word.parse().ok()
    };
    let checks = SorryCheck::ALL.map(|check| (check.as_str(), check));
    let check = reader.choice("sorry_server.check", &checks, before.map(|s| s.check).unwrap_or_default());
    let address = reader.address("sorry_server.address", before.map(|s| s.address))?;
    Some(SorryServer { address, port, forwarding, check })
}
