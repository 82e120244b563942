//! Services (`IPVS_SVC_ATTR_*`).

use std::num::NonZeroU32;

use lvs::counters::Totals;
use lvs::model::{Protocol, SchedulerFlag};
use lvs::table::{Family, Persist, ServiceKey, ServiceRow};

use super::decode_totals;
use crate::wire::attribute::{Attribute, Attributes};
use crate::wire::message::Message;
use crate::wire::{Malformed, take_array};

const AF: u16 = 1;
const PROTOCOL: u16 = 2;
const ADDR: u16 = 3;
const PORT: u16 = 4;
const FWMARK: u16 = 5;
const SCHED_NAME: u16 = 6;
const FLAGS: u16 = 7;
const TIMEOUT: u16 = 8;
const NETMASK: u16 = 9;
const STATS: u16 = 10;
const STATS64: u16 = 12;

/// `IP_VS_SVC_F_PERSISTENT`.
const PERSISTENT: u32 = 0x1;
/// `IP_VS_SVC_F_ONEPACKET`.
const ONE_PACKET: u32 = 0x4;
/// Every flag that is configuration: persistent, one-packet and the three scheduler flags. 0x2 (`HASHED`) is the
/// kernel's own and shows in every dump.
const CONFIGURABLE: u32 = 0x3d;

/// A service as dumped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedService {
    /// Its key.
    pub key: ServiceKey,
    /// Its settings.
    pub row: ServiceRow,
    /// What it has counted.
    pub totals: Totals,
}

/// The kernel's number of an address family.
pub(super) fn family_number(family: Family) -> u16 {
    // Both are small positive constants that libc types as int.
    match family {
        Family::Ipv4 => libc::AF_INET as u16,
        Family::Ipv6 => libc::AF_INET6 as u16,
    }
}

/// The attributes that identify a service. One by mark has a family and the mark alone.
pub(super) fn put_key(message: &mut Message, key: &ServiceKey) {
    message.put_u16(AF, family_number(key.family()));
    match key {
        ServiceKey::Mark { mark, .. } => message.put_u32(FWMARK, mark.get()),
        ServiceKey::Address { protocol, address, port } => {
            message.put_u16(PROTOCOL, protocol.number());
            message.put_address(ADDR, *address);
            message.put_u16_be(PORT, *port);
        }
    }
}

/// The attributes of a service's settings. The mask is required even where there is no persistence.
pub(super) fn put_row(message: &mut Message, key: &ServiceKey, row: &ServiceRow) {
    let mut flags: u32 = row.flags.iter().map(|flag| flag.bit()).sum();
    if row.one_packet {
        flags |= ONE_PACKET;
    }
    if row.persistence.is_some() {
        flags |= PERSISTENT;
    }
    message.put_text(SCHED_NAME, &row.scheduler);
    let mut with_mask = [0; 8];
    with_mask[..4].copy_from_slice(&flags.to_ne_bytes());
    with_mask[4..].copy_from_slice(&CONFIGURABLE.to_ne_bytes());
    message.put(FLAGS, &with_mask);
    message.put_u32(TIMEOUT, row.persistence.map_or(0, |persist| persist.timeout_s));
    match key.family() {
        Family::Ipv4 => {
            let mask = row.persistence.map_or(u32::MAX, |persist| persist.mask);
            message.put(NETMASK, &mask.to_be_bytes());
        }
        Family::Ipv6 => message.put_u32(NETMASK, row.persistence.map_or(128, |persist| persist.mask)),
    }
}

/// Everything a dump says about a service, before it is made sense of: attributes may come in any order.
#[derive(Default)]
struct Raw<'a> {
    family: u16,
    protocol: Option<u16>,
    address: Option<Attribute<'a>>,
    port: u16,
    mark: u32,
    scheduler: &'a str,
    flags: u32,
    timeout: u32,
    netmask: Option<Attribute<'a>>,
    totals: Option<Totals>,
    old_totals: Totals,
}

/// Reads a service; none for one that is neither by a known protocol nor by mark.
pub(super) fn decode(attributes: Attributes<'_>) -> Result<Option<DumpedService>, Malformed> {
    let mut raw = Raw::default();
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            AF => raw.family = attribute.u16()?,
            PROTOCOL => raw.protocol = Some(attribute.u16()?),
            ADDR => raw.address = Some(attribute),
            PORT => raw.port = attribute.u16_be()?,
            FWMARK => raw.mark = attribute.u32()?,
            SCHED_NAME => raw.scheduler = attribute.text()?,
            FLAGS => raw.flags = u32::from_ne_bytes(take_array(&mut { attribute.value })?),
            TIMEOUT => raw.timeout = attribute.u32()?,
            NETMASK => raw.netmask = Some(attribute),
            STATS => raw.old_totals = decode_totals(attribute.nested())?,
            STATS64 => raw.totals = Some(decode_totals(attribute.nested())?),
            _ => {}
        }
    }
    raw.finish()
}

impl Raw<'_> {
    fn key(&self, family: Family) -> Result<Option<ServiceKey>, Malformed> {
        if let Some(mark) = NonZeroU32::new(self.mark) {
            return Ok(Some(ServiceKey::Mark { mark, family }));
        }
        let Some(protocol) = Protocol::ALL.into_iter().find(|p| Some(p.number()) == self.protocol) else {
            return Ok(None);
        };
        let address = self.address.ok_or(Malformed)?.address(self.family)?;
        Ok(Some(ServiceKey::Address { protocol, address, port: self.port }))
    }

    fn finish(self) -> Result<Option<DumpedService>, Malformed> {
        let family = match i32::from(self.family) {
            libc::AF_INET => Family::Ipv4,
            libc::AF_INET6 => Family::Ipv6,
            _ => return Err(Malformed),
        };
        let Some(key) = self.key(family)? else { return Ok(None) };
        let persistence = if self.flags & PERSISTENT == 0 {
            None
        } else {
            let netmask = self.netmask.ok_or(Malformed)?;
            let mask = match family {
                Family::Ipv4 => netmask.u32_be()?,
                Family::Ipv6 => netmask.u32()?,
            };
            Some(Persist { timeout_s: self.timeout, mask })
        };
        let row = ServiceRow {
            scheduler: self.scheduler.to_owned(),
            flags: SchedulerFlag::ALL.into_iter().filter(|flag| self.flags & flag.bit() != 0).collect(),
            persistence,
            one_packet: self.flags & ONE_PACKET != 0,
        };
        Ok(Some(DumpedService { key, row, totals: self.totals.unwrap_or(self.old_totals) }))
    }
}
