//! The directives outside every block: directors, redundancy, forwarding, session timeouts.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::finding::Code;
use crate::format::places::Spot;
use crate::model::{Cluster, Device, Director, Forwarding, NatRouter, SESSION_TIMEOUT_MAXIMUM_S, Seat};

use super::document::{Item, Setting};
use super::reader::{Reader, keep};
use super::typed::{MaskOf, Named};
use super::value::is_unset;
use super::vocabulary::Scope;

/// Seconds between beats where the file says nothing.
const KEEPALIVE_DEFAULT_S: u32 = 2;
/// Seconds of silence where the file says nothing.
const DEADTIME_DEFAULT_S: u32 = 5;
/// Interface of the connection sync where the file names none.
const SYNC_INTERFACE_DEFAULT: &str = "eth0";

/// Director made from `primary`.
pub(super) const PRIMARY_NAME: &str = "director-a";
/// Director made from `backup`.
pub(super) const BACKUP_NAME: &str = "director-b";

/// What can only be decided when all lines have been seen.
#[derive(Default)]
struct Globals {
    /// Where each directive was given last.
    given: BTreeMap<&'static str, Spot>,
    primary: Option<IpAddr>,
    primary_private: Option<IpAddr>,
    backup: Option<IpAddr>,
    backup_private: Option<IpAddr>,
    nat_router: Option<(IpAddr, Device)>,
    nat_mask: Option<u8>,
    keepalive_s: Option<u32>,
    deadtime_s: Option<u32>,
    fos: Option<Spot>,
}

/// Reads all settings outside of blocks into the cluster.
pub(super) fn read(reader: &mut Reader<'_>, items: &[Item<'_>], cluster: &mut Cluster) {
    cluster.redundancy.enabled = false;
    let mut globals = Globals::default();
    for item in items {
        let Item::Setting(setting) = item else { continue };
        let Some(word) = reader.word(Scope::Global, setting, &mut cluster.kept) else { continue };
        if let Some(before) = globals.given.insert(word, setting.spot()) {
            reader.warn(before, Code::WordRepeated).with("word", word).with("line", setting.line);
            cluster.kept.remove(word);
        }
        directive(reader, word, setting, cluster, &mut globals);
    }
    directors(reader, &globals, cluster);
    redundancy(reader, &globals, cluster);
    router(reader, &globals, cluster);
    if let Some(spot) = globals.fos {
        reader.warn(spot, Code::ServiceFos);
    }
    places(reader, &globals, cluster);
}

fn directive(
    reader: &mut Reader<'_>,
    word: &'static str,
    setting: &Setting<'_>,
    cluster: &mut Cluster,
    globals: &mut Globals,
) {
    let redundancy = &mut cluster.redundancy;
    match word {
        "primary" => globals.primary = reader.only_address(setting).filter(|address| !is_unset(*address)),
        "primary_private" => globals.primary_private = private(reader, setting),
        "backup" => globals.backup = reader.only_address(setting).filter(|address| !is_unset(*address)),
        "backup_private" => globals.backup_private = private(reader, setting),
        "backup_active" => redundancy.enabled = reader.boolean(setting).unwrap_or(false),
        "heartbeat_port" => {
            if let Some(port) = reader.port(setting, Named::Allowed) {
                redundancy.heartbeat_port = port;
            }
        }
        "keepalive" => globals.keepalive_s = reader.number(setting, 1, 60),
        "deadtime" => globals.deadtime_s = reader.number(setting, 1, 600),
        "monitor_links" => {
            redundancy.monitor_links = reader.any_number(setting).is_some_and(|value| value != 0);
        }
        "syncdaemon" => redundancy.sync.enabled = reader.boolean(setting).unwrap_or(false),
        "syncd_iface" => {
            redundancy.sync.interface = reader.value(setting).and_then(|word| reader.device(setting, word));
        }
        "syncd_id" => redundancy.sync.id = sync_id(reader, setting),
        "tcp_timeout" => cluster.global.timeouts.tcp = timeout(reader, setting),
        "tcpfin_timeout" => cluster.global.timeouts.tcpfin = timeout(reader, setting),
        "udp_timeout" => cluster.global.timeouts.udp = timeout(reader, setting),
        "network" => {
            let forwarding = reader.keyword(setting, &["nat", "direct", "tunnel"]);
            cluster.global.forwarding = forwarding.and_then(|word| word.parse().ok()).unwrap_or_default();
        }
        "nat_router" => globals.nat_router = nat_router(reader, setting),
        "nat_nmask" => globals.nat_mask = reader.mask(setting, MaskOf::Address),
        "active_cmd" => redundancy.active_cmd = reader.text(setting).map(|text| text.value),
        "inactive_cmd" => redundancy.inactive_cmd = reader.text(setting).map(|text| text.value),
        _ => kept(reader, word, setting, cluster, globals),
    }
}

/// Directives that nothing acts on. Those that meant nothing to the daemons either go without a word.
fn kept(
    reader: &mut Reader<'_>,
    word: &'static str,
    setting: &Setting<'_>,
    cluster: &mut Cluster,
    globals: &mut Globals,
) {
    match word {
        "serial_no" => _ = reader.any_number(setting),
        "heartbeat" | "sync" => _ = reader.boolean(setting),
        "service" => {
            let service = reader.keyword(setting, &["lvs", "fos"]);
            globals.fos = (service == Some("fos")).then(|| setting.spot());
        }
        // 0 is how a director behaves here anyway: a failed check never stops the others.
        "hard_shutdown" => {
            if reader.boolean(setting) == Some(true) {
                reader.warn(setting.spot(), Code::NotActedOn).with("word", word);
            }
        }
        "debug_level" | "rsh_command" => _ = reader.value(setting),
        _ => {
            if reader.value(setting).is_some() {
                reader.warn(setting.spot(), Code::NotActedOn).with("word", word);
            }
        }
    }
    let text = setting.kept_text();
    if !text.is_empty() {
        keep(&mut cluster.kept, word, text);
    }
}

/// A private address; the daemons refuse 0.0.0.0 here.
fn private(reader: &mut Reader<'_>, setting: &Setting<'_>) -> Option<IpAddr> {
    let address = reader.only_address(setting)?;
    if is_unset(address) {
        reader.error(setting.spot(), Code::AddressUnspecified).with("address", address);
        return None;
    }
    Some(address)
}

fn timeout(reader: &mut Reader<'_>, setting: &Setting<'_>) -> Option<u32> {
    reader.number(setting, 0, SESSION_TIMEOUT_MAXIMUM_S).filter(|seconds| *seconds != 0)
}

fn sync_id(reader: &mut Reader<'_>, setting: &Setting<'_>) -> u8 {
    let Some(value) = reader.any_number(setting) else { return 0 };
    // In range by construction.
    let id = u8::try_from(value.rem_euclid(256)).unwrap_or(0);
    if i64::from(id) != value {
        reader.warn(setting.spot(), Code::SyncIdReduced).with("text", value).with("value", id);
    }
    id
}

fn nat_router(reader: &mut Reader<'_>, setting: &Setting<'_>) -> Option<(IpAddr, Device)> {
    let values = reader.values(setting, 2);
    let address = reader.address(setting, values.first()?);
    match values.get(1) {
        Some(word) => address.zip(reader.device(setting, word)),
        None => {
            reader.error(setting.spot(), Code::DeviceNeeded).suggest(address.map(|a| format!("{a} eth1:1")));
            None
        }
    }
    .filter(|(address, _)| !is_unset(*address))
}

fn directors(reader: &mut Reader<'_>, globals: &Globals, cluster: &mut Cluster) {
    let at = |word| globals.given.get(word).copied();
    let mut backup = globals.backup;
    if let (Some(spot), Some(address)) = (at("backup"), backup)
        && globals.primary == Some(address)
    {
        reader.warn(spot, Code::PrimaryIsBackup);
        keep(&mut cluster.kept, "backup", address.to_string());
        if let Some(private) = globals.backup_private {
            keep(&mut cluster.kept, "backup_private", private.to_string());
        }
        backup = None;
    } else if let (Some(spot), Some(private)) = (at("backup_private"), globals.backup_private)
        && globals.primary_private.is_none()
    {
        // The daemons overwrite it with the public address.
        reader.warn(spot, Code::PrivateIgnored);
        keep(&mut cluster.kept, "backup_private", private.to_string());
    } else if let Some(spot) = at("primary_private")
        && globals.primary_private.is_some()
        && backup.is_some()
        && globals.backup_private.is_none()
    {
        reader.warn(spot, Code::PrivateMissing);
    }
    let director = |name: &str, seat, public, private| Director {
        name: name.to_owned(),
        seat,
        public: Some(public),
        private,
    };
    if let Some(public) = globals.primary {
        cluster.directors.push(director(PRIMARY_NAME, Seat::Primary, public, globals.primary_private));
    }
    if let Some(public) = backup {
        let private = globals.backup_private.filter(|_| globals.primary_private.is_some());
        cluster.directors.push(director(BACKUP_NAME, Seat::Backup, public, private));
    }
}

fn redundancy(reader: &mut Reader<'_>, globals: &Globals, cluster: &mut Cluster) {
    let redundancy = &mut cluster.redundancy;
    let milliseconds = |seconds: u32| seconds.saturating_mul(1000);
    redundancy.interval_ms = milliseconds(globals.keepalive_s.unwrap_or(KEEPALIVE_DEFAULT_S));
    redundancy.deadtime_ms = milliseconds(globals.deadtime_s.unwrap_or(DEADTIME_DEFAULT_S));
    if !globals.given.contains_key("deadtime")
        && redundancy.deadtime_ms < redundancy.interval_ms
        && let Some(spot) = globals.given.get("keepalive")
    {
        redundancy.deadtime_ms = redundancy.interval_ms.saturating_mul(3);
        let assumed = redundancy.deadtime_ms / 1000;
        reader
            .warn(*spot, Code::DeadtimeAssumed)
            .with("default", DEADTIME_DEFAULT_S)
            .with("assumed", assumed)
            .suggest(Some(format!("deadtime = {assumed}")));
    }
    if redundancy.enabled && !cluster.directors.iter().any(|director| director.seat == Seat::Backup) {
        redundancy.enabled = false;
        if let Some(spot) = globals.given.get("backup_active") {
            reader.warn(*spot, Code::BackupMissing);
        }
    }
    if redundancy.sync.enabled && redundancy.sync.interface.is_none() {
        redundancy.sync.interface = SYNC_INTERFACE_DEFAULT.parse().ok();
    }
}

fn router(reader: &mut Reader<'_>, globals: &Globals, cluster: &mut Cluster) {
    cluster.global.nat_router = globals.nat_router.clone().map(|(address, device)| NatRouter {
        address,
        device,
        prefix: globals.nat_mask,
    });
    if let (None, Some(length), Some(spot)) =
        (&cluster.global.nat_router, globals.nat_mask, globals.given.get("nat_nmask"))
    {
        // The old pages leave it in the file when the forwarding changes.
        let unused = !globals.given.contains_key("nat_router");
        if unused && cluster.global.forwarding == Forwarding::Nat {
            reader.warn(*spot, Code::MaskUnused).with("word", "nat_nmask");
        } else if unused {
            reader.warn(*spot, Code::NotActedOn).with("word", "nat_nmask");
        }
        keep(&mut cluster.kept, "nat_nmask", super::value::netmask(length).to_string());
    }
}

/// Which field of the cluster came from which line.
fn places(reader: &mut Reader<'_>, globals: &Globals, cluster: &Cluster) {
    for (index, director) in cluster.directors.iter().enumerate() {
        let (public, private) = match director.seat {
            Seat::Primary => ("primary", "primary_private"),
            Seat::Backup => ("backup", "backup_private"),
        };
        let pointer = format!("/directors/{index}");
        for (field, word) in [("", public), ("/public", public), ("/private", private)] {
            if let Some(spot) = globals.given.get(word) {
                reader.places.insert(format!("{pointer}{field}"), *spot);
            }
        }
    }
    for (pointer, word) in [
        ("/directors", "primary"),
        ("/redundancy", "backup_active"),
        ("/global/forwarding", "network"),
        ("/global/nat_router", "nat_router"),
        ("/global/nat_router/prefix", "nat_nmask"),
        ("/global/timeouts/tcp", "tcp_timeout"),
        ("/global/timeouts/tcpfin", "tcpfin_timeout"),
        ("/global/timeouts/udp", "udp_timeout"),
        ("/redundancy/enabled", "backup_active"),
        ("/redundancy/heartbeat_port", "heartbeat_port"),
        ("/redundancy/interval_ms", "keepalive"),
        ("/redundancy/deadtime_ms", "deadtime"),
        ("/redundancy/monitor_links", "monitor_links"),
        ("/redundancy/sync/enabled", "syncdaemon"),
        ("/redundancy/sync/interface", "syncd_iface"),
        ("/redundancy/sync/id", "syncd_id"),
        ("/redundancy/active_cmd", "active_cmd"),
        ("/redundancy/inactive_cmd", "inactive_cmd"),
    ] {
        if let Some(spot) = globals.given.get(word) {
            reader.places.insert(pointer.to_owned(), *spot);
        }
    }
}
