//! Which connections are sent when the addresses go to the partner, and in which order.
//!
//! The kernel's own daemon sends a connection at its third packet and then every fifty, up to two seconds late: those whose
//! handshake is not over, and those that moved a moment ago, are what the partner lacks. So what a packet belonged to last
//! goes first. What has long been idle comes last; the partner may have it, and it would be the same again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::{Connection, ConnectionState, Copied, Stage};
use crate::model::Protocol;
use crate::table::{Family, Forward, KernelTimeouts, ServerKey, Service, ServiceKey, Table};

/// A connection that one side has ended goes with the others only this many seconds after its last packet.
const CLOSING_S: u32 = 10;
const FTP: u16 = 21;
const FTP_DATA: u16 = 20;
/// Data connections of passive FTP have ports from here on.
const UNPRIVILEGED: u16 = 1024;

/// Takes in the table's connections one by one, and keeps those to be sent.
#[derive(Debug)]
pub struct Choice<'a> {
    table: &'a Table,
    timeouts: KernelTimeouts,
    helped: &'a BTreeSet<(u8, u16)>,
    most: usize,
    closing_s: u32,
    /// The services by mark that lead to an address.
    marked: BTreeMap<IpAddr, Vec<(u32, ServiceKey)>>,
    /// By seconds since the last packet, then by stage.
    ranked: BTreeMap<(u32, u8), Vec<Copied>>,
    kept: usize,
    left_out: u64,
}

/// What is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// In this order.
    pub copies: Vec<Copied>,
    /// How many were not taken: ended long ago, of no service that is known, or more than can be sent.
    pub left_out: u64,
}

impl<'a> Choice<'a> {
    /// Nothing yet. At most `most` are kept. `helped`: protocol and port of services whose packets a helper of the kernel
    /// rewrites (`/proc/net/ip_vs_app`).
    pub fn new(
        table: &'a Table,
        timeouts: KernelTimeouts,
        helped: &'a BTreeSet<(u8, u16)>,
        most: usize,
    ) -> Self {
        let mut marked: BTreeMap<IpAddr, Vec<(u32, ServiceKey)>> = BTreeMap::new();
        for (key, service) in &table.services {
            let ServiceKey::Mark { mark, .. } = key else { continue };
            let addresses: BTreeSet<IpAddr> = service.servers.keys().map(|server| server.address).collect();
            for address in addresses {
                marked.entry(address).or_default().push((mark.get(), *key));
            }
        }
        Choice {
            table,
            timeouts,
            helped,
            most,
            closing_s: CLOSING_S,
            marked,
            ranked: BTreeMap::new(),
            kept: 0,
            left_out: 0,
        }
    }

    /// Takes those that ended long ago as well: for a partner that has none, and counts what it gets.
    pub fn of_all(self) -> Self {
        Choice { closing_s: u32::MAX, ..self }
    }

    /// Takes in one entry.
    pub fn consider(&mut self, connection: Connection) {
        let Some((rank, copied)) = self.copied(connection) else {
            self.left_out += 1;
            return;
        };
        self.ranked.entry(rank).or_default().push(copied);
        self.kept += 1;
        if self.kept > self.most {
            self.drop_oldest();
        }
    }

    /// What is sent, what moved last first.
    pub fn finish(self) -> Chosen {
        Chosen { copies: self.ranked.into_values().flatten().collect(), left_out: self.left_out }
    }

    fn drop_oldest(&mut self) {
        let Some(mut oldest) = self.ranked.last_entry() else { return };
        oldest.get_mut().pop();
        if oldest.get().is_empty() {
            oldest.remove();
        }
        self.kept -= 1;
        self.left_out += 1;
    }

    fn copied(&self, connection: Connection) -> Option<((u32, u8), Copied)> {
        let families =
            [connection.client, connection.service, connection.server].map(|place| place.is_ipv4());
        if families.iter().any(|ipv4| *ipv4 != connection.client.is_ipv4()) {
            // The message has one family for all three.
            return None;
        }
        let (mark, service) = self.service(&connection)?;
        let forward = forward(service, connection.server)?;
        let (age_s, class, life_s) = match connection.state.stage() {
            None => {
                // Its whole life: a template that is used again is renewed by as much.
                let life_s = service.row.persistence?.timeout_s;
                (life_s.saturating_sub(connection.left_s), 1, life_s)
            }
            Some(stage) => {
                let age_s = connection.state.life_s(self.timeouts)?.saturating_sub(connection.left_s);
                if stage == Stage::Closing && age_s > self.closing_s {
                    return None;
                }
                if self.is_rewritten(&connection, forward, stage) {
                    return None;
                }
                let class = match stage {
                    Stage::Open | Stage::Opening => 0,
                    Stage::Closing => 2,
                };
                (age_s, class, connection.left_s)
            }
        };
        let copied = Copied { connection, forward, mark, life_s: life_s.max(1) };
        Some(((age_s, class), copied))
    }

    /// A helper of the kernel may have shifted the sequence numbers of the connection, which the table does not show; told
    /// without them, the partner would forget those that its daemon has received. Before its first packets there is nothing
    /// to shift.
    fn is_rewritten(&self, connection: &Connection, forward: Forward, stage: Stage) -> bool {
        stage != Stage::Opening
            && forward == Forward::Masquerade
            && self.helped.contains(&(connection.protocol, connection.service.port()))
    }

    /// The service that an entry came through, and its mark. The kernel looks in the same order, but for the mark, which
    /// comes first where there is one.
    fn service(&self, connection: &Connection) -> Option<(u32, &'a Service)> {
        let template = matches!(connection.state, ConnectionState::Template { .. });
        if template && connection.protocol == 0 {
            let mark = match connection.service.ip() {
                IpAddr::V4(ip) => u32::from(ip),
                IpAddr::V6(ip) => (u128::from(ip) >> 96) as u32,
            };
            let family = Family::of(connection.service.ip());
            let key = ServiceKey::Mark { mark: mark.try_into().ok()?, family };
            return Some((mark, self.table.services.get(&key)?));
        }
        let protocol =
            Protocol::ALL.into_iter().find(|protocol| protocol.number() == u16::from(connection.protocol))?;
        let (address, port) = (connection.service.ip(), connection.service.port());
        let by_address = |port| self.table.services.get(&ServiceKey::Address { protocol, address, port });
        let ftp = protocol == Protocol::Tcp && (port == 0 || port == FTP_DATA || port >= UNPRIVILEGED);
        let found = by_address(port).or_else(|| by_address(0));
        if let Some(service) = found.or_else(|| ftp.then(|| by_address(FTP)).flatten()) {
            return Some((0, service));
        }
        let candidates = self.marked.get(&connection.server.ip())?;
        let services =
            candidates.iter().filter_map(|(mark, key)| Some((*mark, self.table.services.get(key)?)));
        let mut fitting = services.filter(|(_, service)| {
            // Of a service by mark the server has the port that the client asked for, or one of its own.
            let key = |port| ServerKey { address: connection.server.ip(), port };
            let port = connection.server.port();
            port == connection.service.port() || service.servers.contains_key(&key(port))
        });
        let (mark, service) = fitting.next()?;
        match fitting.next() {
            None => Some((mark, service)),
            // The partner serves it without knowing its service; how packets get there must be the same in all of them.
            Some(second) => {
                let way = |service| forward(service, connection.server);
                let same =
                    std::iter::once(second).chain(fitting).all(|(_, other)| way(other) == way(service));
                same.then_some((0, service))
            }
        }
    }
}

/// How the service sends packets to this real server: one that was removed gets what all others have.
fn forward(service: &Service, server: SocketAddr) -> Option<Forward> {
    let key = ServerKey { address: server.ip(), port: server.port() };
    if let Some(row) = service.servers.get(&key) {
        return Some(row.forward);
    }
    let at_address: Vec<Forward> = service
        .servers
        .iter()
        .filter(|(key, _)| key.address == server.ip())
        .map(|(_, row)| row.forward)
        .collect();
    let any: Vec<Forward> = service.servers.values().map(|row| row.forward).collect();
    let ways = if at_address.is_empty() { any } else { at_address };
    let first = *ways.first()?;
    ways.iter().all(|way| *way == first).then_some(first)
}
