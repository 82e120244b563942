//! The IPVS family: requests for services, real servers, timeouts and information, and the decoding of its answers.
//!
//! Everything is in the machine's byte order except ports and IPv4 masks. Rows that this crate's types cannot express
//! (services of other protocols, unknown tunnels) decode to nothing: they can only be foreign.

mod daemon;
mod server;
mod service;

use lvs::counters::Totals;
use lvs::model::Timeouts;
use lvs::table::{KernelTimeouts, ServerKey, ServerRow, ServiceKey, ServiceRow};

use super::attribute::{Attribute, Attributes};
use super::message::{GENERIC_HEADER, Message};
use super::{Malformed, take};

pub use daemon::{daemons, decode_daemon, start_daemon, stop_daemon};
pub use server::DumpedServer;
pub use service::DumpedService;

/// The family's name.
pub const FAMILY: &str = "IPVS";

/// Kernel numbers of commands (`IPVS_CMD_*`).
mod command {
    pub(super) const NEW_SERVICE: u8 = 1;
    pub(super) const SET_SERVICE: u8 = 2;
    pub(super) const DEL_SERVICE: u8 = 3;
    pub(super) const GET_SERVICE: u8 = 4;
    pub(super) const NEW_DEST: u8 = 5;
    pub(super) const SET_DEST: u8 = 6;
    pub(super) const DEL_DEST: u8 = 7;
    pub(super) const GET_DEST: u8 = 8;
    pub(super) const NEW_DAEMON: u8 = 9;
    pub(super) const DEL_DAEMON: u8 = 10;
    pub(super) const GET_DAEMON: u8 = 11;
    pub(super) const SET_CONFIG: u8 = 12;
    pub(super) const GET_CONFIG: u8 = 13;
    pub(super) const GET_INFO: u8 = 15;
}

/// First-level attributes (`IPVS_CMD_ATTR_*`).
mod top {
    pub(super) const SERVICE: u16 = 1;
    pub(super) const DEST: u16 = 2;
    pub(super) const DAEMON: u16 = 3;
    pub(super) const TIMEOUT_TCP: u16 = 4;
    pub(super) const TIMEOUT_TCP_FIN: u16 = 5;
    pub(super) const TIMEOUT_UDP: u16 = 6;
}

/// What the kernel says about its IPVS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// `1.2.1` is 0x010201.
    pub version: u32,
    /// Buckets of the connection table.
    pub connection_table_size: u32,
}

/// A change of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceChange<'a> {
    /// Add it without real servers.
    Add(&'a ServiceRow),
    /// Change it in place.
    Set(&'a ServiceRow),
    /// Remove it with its real servers.
    Remove,
}

/// A change of one real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerChange<'a> {
    /// Add it.
    Add(&'a ServerRow),
    /// Change it in place.
    Set(&'a ServerRow),
    /// Remove it.
    Remove,
}

/// The request that changes a service.
pub fn change_service(family: u16, key: &ServiceKey, change: ServiceChange<'_>) -> Message {
    let (command, row) = match change {
        ServiceChange::Add(row) => (command::NEW_SERVICE, Some(row)),
        ServiceChange::Set(row) => (command::SET_SERVICE, Some(row)),
        ServiceChange::Remove => (command::DEL_SERVICE, None),
    };
    let mut message = Message::generic(family, command, 0);
    message.nest(top::SERVICE, |message| {
        service::put_key(message, key);
        if let Some(row) = row {
            service::put_row(message, key, row);
        }
    });
    message
}

/// The request that changes a real server.
pub fn change_server(
    family: u16,
    service: &ServiceKey,
    key: &ServerKey,
    change: ServerChange<'_>,
) -> Message {
    let (command, row) = match change {
        ServerChange::Add(row) => (command::NEW_DEST, Some(row)),
        ServerChange::Set(row) => (command::SET_DEST, Some(row)),
        ServerChange::Remove => (command::DEL_DEST, None),
    };
    let mut message = Message::generic(family, command, 0);
    message.nest(top::SERVICE, |message| service::put_key(message, service));
    message.nest(top::DEST, |message| {
        server::put_key(message, key);
        if let Some(row) = row {
            server::put_row(message, row);
        }
    });
    message
}

/// Asks for all services.
pub fn services(family: u16) -> Message {
    Message::generic(family, command::GET_SERVICE, libc::NLM_F_DUMP)
}

/// Asks for the real servers of one service. For an unknown service the kernel answers success and nothing.
pub fn servers(family: u16, service: &ServiceKey) -> Message {
    let mut message = Message::generic(family, command::GET_DEST, libc::NLM_F_DUMP);
    message.nest(top::SERVICE, |message| service::put_key(message, service));
    message
}

/// Sets those session timeouts that are given; the kernel leaves the others alone.
pub fn set_timeouts(family: u16, timeouts: &Timeouts) -> Message {
    let mut message = Message::generic(family, command::SET_CONFIG, 0);
    let given = [
        (top::TIMEOUT_TCP, timeouts.tcp),
        (top::TIMEOUT_TCP_FIN, timeouts.tcpfin),
        (top::TIMEOUT_UDP, timeouts.udp),
    ];
    for (kind, value) in given {
        if let Some(value) = value {
            message.put_u32(kind, value);
        }
    }
    message
}

/// Asks for the session timeouts.
pub fn timeouts(family: u16) -> Message {
    Message::generic(family, command::GET_CONFIG, 0)
}

/// Asks for the version and size of the kernel's IPVS.
pub fn info(family: u16) -> Message {
    Message::generic(family, command::GET_INFO, 0)
}

/// The attributes behind the generic header.
fn body(mut payload: &[u8]) -> Result<Attributes<'_>, Malformed> {
    take(&mut payload, GENERIC_HEADER)?;
    Ok(Attributes::new(payload))
}

/// The first attribute of this type.
fn find(attributes: Attributes<'_>, kind: u16) -> Result<Option<Attribute<'_>>, Malformed> {
    for attribute in attributes {
        let attribute = attribute?;
        if attribute.kind == kind {
            return Ok(Some(attribute));
        }
    }
    Ok(None)
}

/// A service of a dump; none for one that our types cannot express.
pub fn decode_service(payload: &[u8]) -> Result<Option<DumpedService>, Malformed> {
    let service = find(body(payload)?, top::SERVICE)?.ok_or(Malformed)?;
    service::decode(service.nested())
}

/// A real server of a dump of a service's servers; none for one that our types cannot express.
pub fn decode_server(payload: &[u8], service: &ServiceKey) -> Result<Option<DumpedServer>, Malformed> {
    let server = find(body(payload)?, top::DEST)?.ok_or(Malformed)?;
    server::decode(server.nested(), service)
}

/// The session timeouts.
pub fn decode_timeouts(payload: &[u8]) -> Result<KernelTimeouts, Malformed> {
    let mut timeouts = KernelTimeouts::default();
    for attribute in body(payload)? {
        let attribute = attribute?;
        match attribute.kind {
            top::TIMEOUT_TCP => timeouts.tcp = attribute.u32()?,
            top::TIMEOUT_TCP_FIN => timeouts.tcpfin = attribute.u32()?,
            top::TIMEOUT_UDP => timeouts.udp = attribute.u32()?,
            _ => {}
        }
    }
    Ok(timeouts)
}

/// Version and size (`IPVS_INFO_ATTR_*`).
pub fn decode_info(payload: &[u8]) -> Result<Info, Malformed> {
    let mut info = Info::default();
    for attribute in body(payload)? {
        let attribute = attribute?;
        match attribute.kind {
            1 => info.version = attribute.u32()?,
            2 => info.connection_table_size = attribute.u32()?,
            _ => {}
        }
    }
    Ok(info)
}

/// Totals (`IPVS_STATS_ATTR_*`); from the 64-bit set, or from the older one whose packet counts are 32 bits wide.
fn decode_totals(attributes: Attributes<'_>) -> Result<Totals, Malformed> {
    let mut totals = Totals::default();
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            1 => totals.connections = attribute.number()?,
            2 => totals.in_packets = attribute.number()?,
            3 => totals.out_packets = attribute.number()?,
            4 => totals.in_bytes = attribute.number()?,
            5 => totals.out_bytes = attribute.number()?,
            // 6 to 10 are rates, which the console derives itself; 11 is padding.
            _ => {}
        }
    }
    Ok(totals)
}
