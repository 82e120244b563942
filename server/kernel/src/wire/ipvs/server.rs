//! Real servers (`IPVS_DEST_ATTR_*`).

use lvs::counters::{ServerCounters, Totals};
use lvs::model::{Tunnel, TunnelChecksum, TunnelKind};
use lvs::table::{Family, Forward, ServerKey, ServerRow, ServiceKey};

use super::decode_totals;
use super::service::family_number;
use crate::wire::Malformed;
use crate::wire::attribute::Attributes;
use crate::wire::message::Message;

const ADDR: u16 = 1;
const PORT: u16 = 2;
const FWD_METHOD: u16 = 3;
const WEIGHT: u16 = 4;
const U_THRESH: u16 = 5;
const L_THRESH: u16 = 6;
const ACTIVE_CONNS: u16 = 7;
const INACT_CONNS: u16 = 8;
const PERSIST_CONNS: u16 = 9;
const STATS: u16 = 10;
const ADDR_FAMILY: u16 = 11;
const STATS64: u16 = 12;
const TUN_TYPE: u16 = 13;
const TUN_PORT: u16 = 14;
const TUN_FLAGS: u16 = 15;

/// `IP_VS_CONN_F_FWD_MASK`.
const FORWARD_MASK: u32 = 0x7;

/// A real server as dumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpedServer {
    /// Its key.
    pub key: ServerKey,
    /// Its settings.
    pub row: ServerRow,
    /// What it has counted.
    pub counters: ServerCounters,
}

/// The attributes that identify a real server.
pub(super) fn put_key(message: &mut Message, key: &ServerKey) {
    message.put_address(ADDR, key.address);
    message.put_u16_be(PORT, key.port);
    message.put_u16(ADDR_FAMILY, family_number(Family::of(key.address)));
}

/// The attributes of a real server's settings; those of a tunnel only for a tunnel.
pub(super) fn put_row(message: &mut Message, row: &ServerRow) {
    let method = match row.forward {
        Forward::Masquerade => 0,
        Forward::Local => 1,
        Forward::Tunnel(_) => 2,
        Forward::Direct => 3,
        Forward::Bypass => 4,
    };
    message.put_u32(FWD_METHOD, method);
    message.put_u32(WEIGHT, row.weight);
    message.put_u32(U_THRESH, row.upper);
    message.put_u32(L_THRESH, row.lower);
    if let Forward::Tunnel(tunnel) = row.forward {
        let kind = match tunnel.kind {
            TunnelKind::Ipip => 0,
            TunnelKind::Gue => 1,
            TunnelKind::Gre => 2,
        };
        let checksum = match tunnel.checksum {
            TunnelChecksum::None => 0,
            TunnelChecksum::Full => 1,
            TunnelChecksum::Remote => 2,
        };
        message.put_u8(TUN_TYPE, kind);
        message.put_u16_be(TUN_PORT, tunnel.port);
        message.put_u16(TUN_FLAGS, checksum);
    }
}

fn tunnel(kind: u8, port: u16, flags: u16) -> Option<Tunnel> {
    let kind = match kind {
        0 => TunnelKind::Ipip,
        1 => TunnelKind::Gue,
        2 => TunnelKind::Gre,
        _ => return None,
    };
    let checksum = match flags {
        0 => TunnelChecksum::None,
        1 => TunnelChecksum::Full,
        2 => TunnelChecksum::Remote,
        _ => return None,
    };
    Some(Tunnel { kind, port, checksum })
}

/// Reads a real server of `service`, whose family it has where it names none (Linux before 3.18); none for a
/// forwarding method or tunnel that our types do not know.
pub(super) fn decode(
    attributes: Attributes<'_>,
    service: &ServiceKey,
) -> Result<Option<DumpedServer>, Malformed> {
    let mut family = family_number(service.family());
    let (mut address, mut port) = (None, 0);
    let (mut method, mut kind, mut tunnel_port, mut tunnel_flags) = (0, 0, 0, 0);
    let (mut weight, mut upper, mut lower) = (0, 0, 0);
    let mut counters = ServerCounters::default();
    let (mut totals, mut old_totals) = (None, Totals::default());
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            ADDR => address = Some(attribute),
            PORT => port = attribute.u16_be()?,
            FWD_METHOD => method = attribute.u32()? & FORWARD_MASK,
            WEIGHT => weight = attribute.u32()?,
            U_THRESH => upper = attribute.u32()?,
            L_THRESH => lower = attribute.u32()?,
            ACTIVE_CONNS => counters.active = attribute.u32()?,
            INACT_CONNS => counters.inactive = attribute.u32()?,
            PERSIST_CONNS => counters.persistent = attribute.u32()?,
            STATS => old_totals = decode_totals(attribute.nested())?,
            ADDR_FAMILY => family = attribute.u16()?,
            STATS64 => totals = Some(decode_totals(attribute.nested())?),
            TUN_TYPE => kind = attribute.u8()?,
            TUN_PORT => tunnel_port = attribute.u16_be()?,
            TUN_FLAGS => tunnel_flags = attribute.u16()?,
            _ => {}
        }
    }
    let address = address.ok_or(Malformed)?.address(family)?;
    counters.weight = weight;
    counters.totals = totals.unwrap_or(old_totals);
    let forward = match method {
        0 => Some(Forward::Masquerade),
        1 => Some(Forward::Local),
        2 => tunnel(kind, tunnel_port, tunnel_flags).map(Forward::Tunnel),
        3 => Some(Forward::Direct),
        4 => Some(Forward::Bypass),
        _ => None,
    };
    let key = ServerKey { address, port };
    Ok(forward.map(|forward| {
        let row = ServerRow { forward, weight, upper, lower };
        DumpedServer { key, row, counters }
    }))
}
