//! Rules for how directors watch each other.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU8;

use super::addresses::{self, Use};
use super::words::{self, Seen};
use crate::finding::{Code, Finding, Findings};
use crate::model::{Cluster, CommandLine, Redundancy, RedundancyProtocol, Vip, Vrrp, VrrpVersion};
use crate::table::Family;

/// Shortest time between two beats, milliseconds; below it scheduling noise looks like death.
pub const INTERVAL_MINIMUM_MS: u32 = 10;
/// Longest time between two beats, milliseconds.
pub const INTERVAL_MAXIMUM_MS: u32 = 60_000;
/// Longest deadtime, milliseconds.
pub const DEADTIME_MAXIMUM_MS: u32 = 600_000;
/// Longest wait before addresses are taken back, seconds; keepalived's own bound.
pub const PREEMPT_DELAY_MAXIMUM_S: u32 = 1_000;
/// What two TLS handshakes, from the director to the console and on to its partner, may take where either is far away or
/// busy, milliseconds.
const WITNESS_NEEDS_MS: u32 = 500;
/// Longest advertisement interval of VRRP version 3, milliseconds: 12 bits of hundredths of a second.
const VRRP_3_INTERVAL_MAXIMUM_MS: u32 = 40_950;

/// All rules of the redundancy settings.
pub(super) fn check(findings: &mut Findings, cluster: &Cluster) {
    let redundancy = &cluster.redundancy;
    if redundancy.enabled && cluster.directors.len() < 2 {
        findings.push(Finding::field("/redundancy/enabled", Code::RedundancyAlone));
    }
    if redundancy.heartbeat_port == 0 {
        findings.push(Finding::field("/redundancy/heartbeat_port", Code::HeartbeatPort));
    }
    let (interval, deadtime) = (redundancy.interval_ms, redundancy.deadtime_ms);
    if !(INTERVAL_MINIMUM_MS..=INTERVAL_MAXIMUM_MS).contains(&interval) {
        findings.push(
            Finding::field("/redundancy/interval_ms", Code::HeartbeatInterval)
                .with("value", interval)
                .with("minimum", INTERVAL_MINIMUM_MS)
                .with("maximum", INTERVAL_MAXIMUM_MS),
        );
    }
    match &redundancy.protocol {
        RedundancyProtocol::Heartbeat => deadtime_fits(findings, interval, deadtime),
        RedundancyProtocol::Vrrp(vrrp) => self::vrrp(findings, vrrp, interval),
        RedundancyProtocol::Pulse => {
            deadtime_fits(findings, interval, deadtime);
            findings.push(Finding::field("/redundancy/protocol", Code::PulseInsecure).warning());
        }
    }
    if redundancy.preempt_delay_s > PREEMPT_DELAY_MAXIMUM_S {
        findings.push(
            Finding::field("/redundancy/preempt_delay_s", Code::PreemptDelay)
                .with("maximum", PREEMPT_DELAY_MAXIMUM_S)
                .with("value", redundancy.preempt_delay_s),
        );
    }
    if let Some(address) = redundancy.gateway {
        gateway(findings, cluster, address);
    }
    if redundancy.witness {
        witness(findings, redundancy);
    }
    for (index, further) in redundancy.addresses.iter().enumerate() {
        floating(findings, format!("/redundancy/addresses/{index}"), cluster, further);
    }
    if redundancy.sync.enabled && !redundancy.enabled {
        findings.push(Finding::field("/redundancy/sync/enabled", Code::SyncAlone).warning());
    }
    for (field, command) in
        [("active_cmd", &redundancy.active_cmd), ("inactive_cmd", &redundancy.inactive_cmd)]
    {
        if let Some(command) = command {
            words::command(findings, &format!("/redundancy/{field}"), &CommandLine::plain(command));
        }
    }
}

fn deadtime_fits(findings: &mut Findings, interval: u32, deadtime: u32) {
    let three = interval.saturating_mul(3);
    let pointer = "/redundancy/deadtime_ms";
    if deadtime > DEADTIME_MAXIMUM_MS {
        findings.push(
            Finding::field(pointer, Code::DeadtimeRange)
                .with("value", deadtime)
                .with("maximum", DEADTIME_MAXIMUM_MS),
        );
    } else if deadtime < interval {
        findings.push(
            Finding::field(pointer, Code::DeadtimeTooShort)
                .with("deadtime", deadtime)
                .with("interval", interval)
                .suggest(three.to_string()),
        );
    } else if deadtime < three {
        findings.push(
            Finding::field(pointer, Code::DeadtimeShort)
                .with("deadtime", deadtime)
                .with("interval", interval)
                .with("used", three)
                .suggest(three.to_string())
                .warning(),
        );
    }
}

/// The console is asked from the second missed beat on, and no claim waits for it.
fn witness(findings: &mut Findings, redundancy: &Redundancy) {
    let pointer = "/redundancy/witness";
    if !redundancy.enabled {
        findings.push(Finding::field(pointer, Code::WitnessAlone).warning());
        return;
    }
    let interval = redundancy.interval_ms;
    let three = interval.saturating_mul(3);
    let silence = match redundancy.protocol {
        RedundancyProtocol::Vrrp(_) => three,
        RedundancyProtocol::Heartbeat | RedundancyProtocol::Pulse => redundancy.deadtime_ms.max(three),
    };
    let left = silence.saturating_sub(interval.saturating_mul(2));
    if left < WITNESS_NEEDS_MS {
        findings.push(
            Finding::field(pointer, Code::WitnessLate)
                .with("left", left)
                .with("needed", WITNESS_NEEDS_MS)
                .warning(),
        );
    }
}

/// Somebody else's address, on a network that a director can be told to ask on.
fn gateway(findings: &mut Findings, cluster: &Cluster, address: IpAddr) {
    let pointer = "/redundancy/gateway";
    addresses::usable(findings, pointer, address, Use::Router);
    let says = |code| Finding::field(pointer, code).with("address", address);
    if matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
        findings.push(says(Code::GatewayLinkLocal));
    }
    let redundancy = &cluster.redundancy;
    let vips = cluster.virtual_servers.iter().filter_map(|server| server.vip.as_ref());
    let router = cluster.global.nat_router.iter().map(|router| router.address);
    let mut floating = vips.chain(&redundancy.addresses).map(|vip| vip.address).chain(router);
    let instances = redundancy.protocol.instances();
    let advertised = instances.iter().any(|instance| instance.addresses.contains(&address));
    if advertised || floating.any(|own| own == address) || addresses::owner(cluster, address).is_some() {
        findings.push(says(Code::GatewayOwn));
    } else if !redundancy.enabled {
        findings.push(says(Code::GatewayAlone).warning());
    }
}

fn floating(findings: &mut Findings, pointer: String, cluster: &Cluster, vip: &Vip) {
    let address = format!("{pointer}/address");
    addresses::usable(findings, &address, vip.address, Use::Virtual);
    addresses::movable(findings, address, cluster, vip.address);
    addresses::prefix(findings, format!("{pointer}/prefix"), vip.prefix, Family::of(vip.address));
    let field = format!("{pointer}/device");
    match &vip.device {
        Some(device) => addresses::label_family(findings, field, device, vip.address),
        None => {
            findings.push(Finding::field(field, Code::AddressDeviceMissing).with("address", vip.address));
        }
    }
}

fn vrrp(findings: &mut Findings, vrrp: &Vrrp, interval: u32) {
    let pointer = "/redundancy/protocol/instances";
    if vrrp.instances.is_empty() {
        findings.push(Finding::field(pointer, Code::VrrpInstanceMissing));
    }
    let off = match vrrp.version {
        VrrpVersion::V2 => !interval.is_multiple_of(1_000),
        VrrpVersion::V3 => !interval.is_multiple_of(10) || interval > VRRP_3_INTERVAL_MAXIMUM_MS,
    };
    if off {
        findings.push(
            Finding::field("/redundancy/interval_ms", Code::VrrpInterval)
                .with("value", interval)
                .with("version", u8::from(vrrp.version)),
        );
    }
    let mut names = Seen::default();
    let mut taken: BTreeMap<(&str, Family, NonZeroU8), &str> = BTreeMap::new();
    for (index, instance) in vrrp.instances.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        words::name(findings, &format!("{pointer}/name"), &instance.name);
        names.name(findings, format!("{pointer}/name"), &instance.name);
        let family = instance.addresses.first().copied().map_or(Family::Ipv4, Family::of);
        let key = (instance.interface.interface(), family, instance.virtual_router_id);
        if let Some(other) = taken.get(&key) {
            findings.push(
                Finding::field(format!("{pointer}/virtual_router_id"), Code::VrrpIdTaken)
                    .with("id", instance.virtual_router_id)
                    .with("other", other),
            );
        } else {
            taken.insert(key, &instance.name);
        }
        if let Some(other) = instance.addresses.iter().find(|address| Family::of(**address) != family) {
            findings.push(
                Finding::field(format!("{pointer}/addresses"), Code::VrrpFamilies).with("address", other),
            );
        }
        if instance.addresses.is_empty() {
            findings.push(Finding::field(format!("{pointer}/addresses"), Code::VrrpAddresses));
        }
        let priority = instance.priority;
        if priority.primary <= priority.backup {
            findings.push(
                Finding::field(format!("{pointer}/priority"), Code::VrrpPriority)
                    .with("primary", priority.primary)
                    .with("backup", priority.backup)
                    .warning(),
            );
        }
        let Some(password) = &instance.password else { continue };
        let field = format!("{pointer}/password");
        if password.is_masked() {
            findings.push(Finding::field(field, Code::SecretMasked));
        } else if password.reveal().is_empty() || password.reveal().len() > 8 {
            findings.push(Finding::field(field, Code::VrrpPassword).with("length", password.reveal().len()));
        } else if vrrp.version == VrrpVersion::V3 {
            findings.push(Finding::field(field, Code::VrrpPasswordUnused).warning());
        }
    }
}
