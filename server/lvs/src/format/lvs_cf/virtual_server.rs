//! The directives of `virtual` and `server` blocks.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;

use crate::finding::Code;
use crate::format::places::Spot;
use crate::model::{
    Cluster, CommandLine, Device, Forwarding, Id, LoadMonitor, MONITOR_TIMEOUT_MAXIMUM_MS, Monitor,
    Persistence, Protocol, Quorum, REENTRY_MAXIMUM_S, RealServer, Scheduler, SorryCheck, SorryServer, Vip,
    VirtualServer, Weight,
};

use super::check;
use super::document::{Block, Item, Kind, Setting, excerpt, phantoms};
use super::names::Taken;
use super::reader::{Reader, keep};
use super::typed::{MaskOf, Named};
use super::value::netmask;
use super::vocabulary::Scope;

/// Service port where the file says nothing.
const PORT_DEFAULT: u16 = 80;
/// Seconds for a check where the file says nothing.
const TIMEOUT_DEFAULT_S: u32 = 10;
/// Seconds a failed server must answer again where the file says nothing, or 0.
const REENTRY_DEFAULT_S: u32 = 180;
/// What stands for an address that is not given, as in the daemons.
const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What can only be decided when all lines of the block have been seen.
struct Lines {
    given: BTreeMap<&'static str, Spot>,
    address: Option<(IpAddr, Option<Device>)>,
    mask: Option<u8>,
    persistent_s: u32,
    client_mask: Option<u8>,
    check: check::Given,
    servers: Vec<ServerBlock>,
}

/// A real server whose port is still open.
struct ServerBlock {
    server: RealServer,
    spot: Spot,
    given: BTreeMap<&'static str, Spot>,
    /// The virtual server's port as known above the block, which the daemons let it inherit.
    inherited_port: u16,
}

/// Reads one `virtual` block into the cluster, whose global settings are complete.
pub(super) fn read(reader: &mut Reader<'_>, block: &Block<'_>, cluster: &mut Cluster, names: &mut Taken) {
    let mut server = VirtualServer {
        id: Id::default(),
        name: reader.name(block, Scope::Virtual, names),
        active: false,
        vip: None,
        mark: None,
        marked: Vec::new(),
        family: None,
        protocol: Protocol::default(),
        port: PORT_DEFAULT,
        scheduler: Scheduler::default(),
        scheduler_flags: Default::default(),
        persistence: None,
        one_packet: false,
        quiesce: false,
        quorum: Quorum::default(),
        sorry_server: None,
        monitor: Monitor::piranha(TIMEOUT_DEFAULT_S, REENTRY_DEFAULT_S),
        real_servers: Vec::new(),
        kept: BTreeMap::new(),
    };
    let mut lines = Lines {
        given: BTreeMap::new(),
        address: None,
        mask: None,
        persistent_s: 0,
        client_mask: None,
        check: check::Given::default(),
        servers: Vec::new(),
    };
    let mut server_names = Taken::default();
    let empty = phantoms(&block.items, Kind::Server);
    for (index, item) in block.items.iter().enumerate() {
        match item {
            Item::Trivia(_) => {}
            Item::Setting(setting) => {
                let Some(word) = reader.word(Scope::Virtual, setting, &mut server.kept) else { continue };
                if let Some(before) = lines.given.insert(word, setting.spot()) {
                    reader.warn(before, Code::WordRepeated).with("word", word).with("line", setting.line);
                    server.kept.remove(word);
                }
                directive(reader, word, setting, &mut server, &mut lines);
            }
            Item::Block(inner) if empty.contains(&index) => reader.phantom(inner),
            Item::Block(inner) if inner.kind == Kind::Server => {
                let real = real_server(reader, inner, &mut server_names, server.port, &mut server.kept);
                lines.servers.push(real);
            }
            Item::Block(inner) => super::keep_block(reader, inner, &mut server.kept),
        }
    }
    finish(reader, block, &mut server, lines, cluster);
    cluster.virtual_servers.push(server);
}

fn directive(
    reader: &mut Reader<'_>,
    word: &'static str,
    setting: &Setting<'_>,
    server: &mut VirtualServer,
    lines: &mut Lines,
) {
    match word {
        "active" => server.active = reader.boolean(setting).unwrap_or(false),
        "address" => lines.address = address(reader, setting),
        "vip_nmask" => lines.mask = reader.mask(setting, MaskOf::Address),
        "sorry_server" => {
            server.sorry_server =
                reader.only_address(setting).filter(|address| !address.is_unspecified()).map(|address| {
                    SorryServer { address, port: None, forwarding: None, check: SorryCheck::Never }
                });
        }
        "fwmark" => server.mark = reader.number(setting, 0, u32::MAX).and_then(NonZeroU32::new),
        "port" => {
            if let Some(port) = reader.port(setting, Named::Allowed) {
                server.port = port;
            }
        }
        "protocol" => server.protocol = protocol(reader, setting),
        "scheduler" => server.scheduler = scheduler(reader, setting),
        "persistent" => {
            // Not positive means off.
            let seconds = reader.number_up_to(setting, 0, i64::from(u32::MAX)).unwrap_or(0);
            lines.persistent_s = u32::try_from(seconds).unwrap_or(0);
        }
        "pmask" => lines.client_mask = reader.mask(setting, MaskOf::Clients).filter(|length| *length != 32),
        "timeout" => {
            // Both the period and the time for each step.
            let times = Monitor::piranha(timeout(reader, setting), server.monitor.reentry_s);
            server.monitor = Monitor { load_monitor: server.monitor.load_monitor.take(), ..times };
        }
        "reentry" => server.monitor.reentry_s = reentry(reader, setting),
        "quiesce_server" => server.quiesce = reader.boolean(setting).unwrap_or(false),
        "load_monitor" => server.monitor.load_monitor = load_monitor(reader, setting),
        "send" => lines.check.send = reader.text(setting),
        "expect" => lines.check.expect = reader.text(setting),
        "use_regex" => lines.check.regex = reader.boolean(setting).map(|value| (value, setting.spot())),
        "send_program" => lines.check.program = reader.text(setting),
        _ => {
            // client_monitor, master, dirs and the commands of failover services.
            let text = setting.kept_text();
            if !text.is_empty() {
                reader.warn(setting.spot(), Code::NotActedOn).with("word", word);
                keep(&mut server.kept, word, text);
            }
        }
    }
}

fn address(reader: &mut Reader<'_>, setting: &Setting<'_>) -> Option<(IpAddr, Option<Device>)> {
    let values = reader.values(setting, 2);
    let address = reader.address(setting, values.first()?);
    let device = match values.get(1) {
        Some(word) => reader.device(setting, word),
        None => None,
    };
    Some((address?, device))
}

fn protocol(reader: &mut Reader<'_>, setting: &Setting<'_>) -> Protocol {
    let found = reader.keyword(setting, &Protocol::ALL.map(Protocol::as_str));
    let protocol = Protocol::ALL.into_iter().find(|p| Some(p.as_str()) == found).unwrap_or_default();
    if protocol == Protocol::Sctp {
        reader.warn(setting.spot(), Code::KeywordNewer).with("word", "protocol").with("text", protocol);
    }
    protocol
}

fn scheduler(reader: &mut Reader<'_>, setting: &Setting<'_>) -> Scheduler {
    let found = reader.keyword(setting, &Scheduler::ALL.map(Scheduler::as_str));
    let scheduler: Scheduler = found.and_then(|word| word.parse().ok()).unwrap_or_default();
    if !super::write::OLD_SCHEDULERS.contains(&scheduler) {
        reader.warn(setting.spot(), Code::KeywordNewer).with("word", "scheduler").with("text", scheduler);
    }
    scheduler
}

/// The original divides by it, so 0 ends the checker.
fn timeout(reader: &mut Reader<'_>, setting: &Setting<'_>) -> u32 {
    let Some(value) = reader.number_up_to(setting, 1, i64::from(MONITOR_TIMEOUT_MAXIMUM_MS / 1000)) else {
        return TIMEOUT_DEFAULT_S;
    };
    match u32::try_from(value) {
        Ok(seconds) if seconds > 0 => seconds,
        _ => {
            reader
                .warn(setting.spot(), Code::TimeoutZero)
                .with("value", value)
                .with("assumed", TIMEOUT_DEFAULT_S);
            TIMEOUT_DEFAULT_S
        }
    }
}

fn reentry(reader: &mut Reader<'_>, setting: &Setting<'_>) -> u32 {
    let Some(value) = reader.number_up_to(setting, 1, i64::from(REENTRY_MAXIMUM_S)) else {
        return REENTRY_DEFAULT_S;
    };
    // 0 is replaced by the default; below that every success is enough.
    let seconds = if value == 0 { REENTRY_DEFAULT_S } else { u32::try_from(value).unwrap_or(0) };
    if i64::from(seconds) != value {
        reader.warn(setting.spot(), Code::ReentryDefault).with("value", value).with("assumed", seconds);
    }
    seconds
}

fn load_monitor(reader: &mut Reader<'_>, setting: &Setting<'_>) -> Option<LoadMonitor> {
    let text = reader.text(setting)?.value;
    let command = CommandLine::plain(&text);
    if text == "none" || command.program().is_none() {
        return None;
    }
    reader.warn(setting.spot(), Code::LoadMonitorKept).with("text", excerpt(&text));
    Some(LoadMonitor::piranha(command))
}

fn real_server(
    reader: &mut Reader<'_>,
    block: &Block<'_>,
    names: &mut Taken,
    inherited_port: u16,
    kept: &mut BTreeMap<String, String>,
) -> ServerBlock {
    let mut server = RealServer {
        id: Id::default(),
        name: reader.name(block, Scope::Server, names),
        address: NO_ADDRESS,
        port: None,
        active: false,
        weight: Weight::default(),
        forwarding: None,
        backup: false,
        quiesce: None,
        limit: None,
        monitor: None,
        kept: BTreeMap::new(),
    };
    let mut given = BTreeMap::new();
    let mut aside = BTreeMap::new();
    // An address that was given but could not be read has been spoken about already.
    let mut address_given = false;
    for item in &block.items {
        let setting = match item {
            Item::Trivia(_) => continue,
            Item::Block(inner) => {
                super::keep_block(reader, inner, kept);
                continue;
            }
            Item::Setting(setting) => setting,
        };
        let Some(word) = reader.word(Scope::Server, setting, &mut aside) else { continue };
        if let Some(before) = given.insert(word, setting.spot()) {
            reader.warn(before, Code::WordRepeated).with("word", word).with("line", setting.line);
        }
        match word {
            "address" => {
                address_given = !setting.values.is_empty();
                server.address = reader.only_address(setting).unwrap_or(NO_ADDRESS);
            }
            "active" => server.active = reader.boolean(setting).unwrap_or(false),
            "port" => server.port = reader.port(setting, Named::Refused),
            "weight" => server.weight = weight(reader, setting),
            _ => {}
        }
    }
    for (word, text) in aside {
        keep(kept, &format!("server {}: {word}", server.name), text);
    }
    if server.active && !address_given {
        reader.error(block.spot(), Code::AddressMissing).with("name", &server.name);
    }
    ServerBlock { server, spot: block.spot(), given, inherited_port }
}

/// 0 and less act as 1: the checker starts with one and doubles up to the weight.
fn weight(reader: &mut Reader<'_>, setting: &Setting<'_>) -> Weight {
    let Some(value) = reader.number_up_to(setting, 1, i64::from(u16::MAX)) else {
        return Weight::default();
    };
    match u16::try_from(value) {
        Ok(weight) if weight > 0 => Weight(weight),
        _ => {
            reader.warn(setting.spot(), Code::WeightAsOne).with("value", value).suggest(Some(1));
            Weight(1)
        }
    }
}

/// Puts together what the lines of a block say, and notes which field came from which line.
fn finish(
    reader: &mut Reader<'_>,
    block: &Block<'_>,
    server: &mut VirtualServer,
    mut lines: Lines,
    cluster: &Cluster,
) {
    let spot_of = |word| lines.given.get(word).copied().unwrap_or(block.spot());
    let address_unread = lines.address.is_none() && lines.given.contains_key("address");
    let given = lines.address.take();
    let given =
        given.map(|given| overwritten(reader, spot_of("address"), server.active, &lines.servers, given));
    match given {
        Some((address, device)) => server.vip = Some(Vip { address, prefix: lines.mask, device }),
        None => {
            if server.mark.is_none() {
                server.vip = Some(Vip { address: NO_ADDRESS, prefix: lines.mask, device: None });
                if server.active && !address_unread {
                    reader.error(block.spot(), Code::AddressMissing).with("name", &server.name);
                }
            } else if let Some(length) = lines.mask {
                reader.warn(spot_of("vip_nmask"), Code::MaskUnused).with("word", "vip_nmask");
                keep(&mut server.kept, "vip_nmask", netmask(length).to_string());
            }
        }
    }
    if lines.persistent_s > 0 {
        server.persistence = Some(Persistence { timeout_s: lines.persistent_s, prefix: lines.client_mask });
    } else if let Some(length) = lines.client_mask {
        // Without persistence it means nothing, to the daemons neither.
        keep(&mut server.kept, "pmask", netmask(length).to_string());
    }
    let place = spot_of("port");
    let regex = lines.check.regex;
    let question = check::read(reader, std::mem::take(&mut lines.check), server.protocol, server.port, place);
    if question.is_program() && matches!(regex, Some((true, _))) {
        keep(&mut server.kept, "use_regex", "1".to_owned());
    }
    server.monitor.checks = vec![question.into()];
    let pointer = format!("/virtual_servers/{}", cluster.virtual_servers.len());
    reader.places.insert(pointer.clone(), block.spot());
    for (field, word) in FIELDS {
        if let Some(spot) = lines.given.get(word) {
            reader.places.insert(format!("{pointer}/{field}"), *spot);
        }
    }
    for (index, real) in std::mem::take(&mut lines.servers).into_iter().enumerate() {
        let pointer = format!("{pointer}/real_servers/{index}");
        reader.places.insert(pointer.clone(), real.spot);
        for (word, spot) in &real.given {
            reader.places.insert(format!("{pointer}/{word}"), *spot);
        }
        let real = settle_port(reader, real, server, spot_of("port"), cluster.global.forwarding);
        server.real_servers.push(real);
    }
}

/// An address without a device, and what the old pages make of it: a blank line behind the last real server puts
/// that server's address there. No virtual address can be that of a server behind it.
fn overwritten(
    reader: &mut Reader<'_>,
    spot: Spot,
    active: bool,
    servers: &[ServerBlock],
    given: (IpAddr, Option<Device>),
) -> (IpAddr, Option<Device>) {
    let (address, None) = given else { return given };
    let same = |real: &&ServerBlock| real.server.address == address && !address.is_unspecified();
    let Some(real) = servers.iter().find(same) else {
        reader.warn(spot, Code::DeviceMissing);
        return given;
    };
    let said =
        if active { reader.error(spot, Code::GuiAddress) } else { reader.warn(spot, Code::GuiAddress) };
    said.with("address", address).with("name", &real.server.name);
    (NO_ADDRESS, None)
}

/// Which line says what, by field of the virtual server.
const FIELDS: [(&str, &str); 18] = [
    ("active", "active"),
    ("vip", "address"),
    ("vip/prefix", "vip_nmask"),
    ("mark", "fwmark"),
    ("protocol", "protocol"),
    ("port", "port"),
    ("scheduler", "scheduler"),
    ("persistence", "persistent"),
    ("persistence/prefix", "pmask"),
    ("quiesce", "quiesce_server"),
    ("sorry_server", "sorry_server"),
    ("monitor/timeout_ms", "timeout"),
    ("monitor/reentry_s", "reentry"),
    ("monitor/load_monitor", "load_monitor"),
    ("monitor/checks/0/send", "send"),
    ("monitor/checks/0/expect", "expect"),
    ("monitor/checks/0/regex", "use_regex"),
    ("monitor/checks/0/command", "send_program"),
];

/// Which port a real server has: its own, the virtual server's, or the one that was known above its block.
fn settle_port(
    reader: &mut Reader<'_>,
    block: ServerBlock,
    virtual_server: &VirtualServer,
    port_spot: Spot,
    forwarding: Forwarding,
) -> RealServer {
    let ServerBlock { mut server, spot, given, inherited_port } = block;
    let wanted = virtual_server.port;
    if server.port.is_none() && inherited_port != wanted {
        server.port = Some(inherited_port);
        reader
            .warn(spot, Code::PortAfterServer)
            .with("server", &server.name)
            .with("port", wanted)
            .with("value", inherited_port)
            .suggest(Some(format!("port = {wanted} in line {}, above the server", port_spot.line)));
    }
    if let Some(port) = server.port.filter(|port| *port != wanted && forwarding != Forwarding::Nat) {
        let spot = given.get("port").copied().unwrap_or(spot);
        reader.warn(spot, Code::PortNoEffect).with("value", port).with("server", &server.name);
        server.port = None;
    }
    server
}
