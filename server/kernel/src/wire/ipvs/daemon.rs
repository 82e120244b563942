//! Daemons of connection sync (`IPVS_DAEMON_ATTR_*`).

use std::net::IpAddr;

use lvs::table::{SyncRole, SyncRow};

use super::{body, command, find, top};
use crate::wire::Malformed;
use crate::wire::message::Message;

const STATE: u16 = 1;
const MCAST_IFN: u16 = 2;
const SYNC_ID: u16 = 3;
/// This and what follows since Linux 4.3; older kernels ignore them and tell none.
const SYNC_MAXLEN: u16 = 4;
const MCAST_GROUP: u16 = 5;
const MCAST_GROUP6: u16 = 6;
const MCAST_PORT: u16 = 7;
const MCAST_TTL: u16 = 8;

/// `IP_VS_STATE_MASTER`, `IP_VS_STATE_BACKUP`.
fn number(role: SyncRole) -> u32 {
    match role {
        SyncRole::Master => 1,
        SyncRole::Backup => 2,
    }
}

/// Asks for the running daemons.
pub fn daemons(family: u16) -> Message {
    Message::generic(family, command::GET_DAEMON, libc::NLM_F_DUMP)
}

/// The request that starts a daemon. What is 0 or absent is left to the kernel.
pub fn start_daemon(family: u16, role: SyncRole, row: &SyncRow) -> Message {
    let mut message = Message::generic(family, command::NEW_DAEMON, 0);
    message.nest(top::DAEMON, |message| {
        message.put_u32(STATE, number(role));
        message.put_text(MCAST_IFN, &row.interface);
        message.put_u32(SYNC_ID, row.id.into());
        if row.maxlen != 0 {
            message.put_u16(SYNC_MAXLEN, row.maxlen);
        }
        match row.group {
            Some(group @ IpAddr::V4(_)) => message.put_address(MCAST_GROUP, group),
            Some(group @ IpAddr::V6(_)) => message.put_address(MCAST_GROUP6, group),
            None => {}
        }
        if row.port != 0 {
            // In the machine's order, other than every other port of this family.
            message.put_u16(MCAST_PORT, row.port);
        }
        if row.ttl != 0 {
            message.put_u8(MCAST_TTL, row.ttl);
        }
    });
    message
}

/// The request that stops a daemon.
pub fn stop_daemon(family: u16, role: SyncRole) -> Message {
    let mut message = Message::generic(family, command::DEL_DAEMON, 0);
    message.nest(top::DAEMON, |message| message.put_u32(STATE, number(role)));
    message
}

/// A daemon of a dump; none for a role that our types do not know.
pub fn decode_daemon(payload: &[u8]) -> Result<Option<(SyncRole, SyncRow)>, Malformed> {
    let daemon = find(body(payload)?, top::DAEMON)?.ok_or(Malformed)?;
    let (mut state, mut row) = (0, SyncRow::default());
    for attribute in daemon.nested() {
        let attribute = attribute?;
        match attribute.kind {
            STATE => state = attribute.u32()?,
            MCAST_IFN => row.interface = attribute.text()?.to_owned(),
            // Eight bits count.
            SYNC_ID => row.id = (attribute.u32()? & 0xff) as u8,
            SYNC_MAXLEN => row.maxlen = attribute.u16()?,
            MCAST_GROUP => row.group = Some(attribute.ipv4()?),
            MCAST_GROUP6 => row.group = Some(attribute.ipv6()?),
            MCAST_PORT => row.port = attribute.u16()?,
            MCAST_TTL => row.ttl = attribute.u8()?,
            _ => {}
        }
    }
    let role = SyncRole::ALL.into_iter().find(|role| number(*role) == state);
    Ok(role.map(|role| (role, row)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::Replies;

    #[test]
    fn a_daemon_is_read_as_it_is_written() {
        let row = SyncRow {
            interface: "eth1".to_owned(),
            id: 7,
            maxlen: 1000,
            group: Some(IpAddr::from([224, 0, 0, 81])),
            port: 8848,
            ttl: 3,
        };
        for (role, row) in [
            (SyncRole::Master, row.clone()),
            (SyncRole::Backup, SyncRow { interface: "bond0.7".to_owned(), ..SyncRow::default() }),
        ] {
            let mut datagram = Vec::new();
            start_daemon(32, role, &row).write(&mut datagram, 1, 0);
            let reply = Replies::new(&datagram).next().unwrap().unwrap();
            assert_eq!(decode_daemon(reply.payload), Ok(Some((role, row))));
        }
    }
}
