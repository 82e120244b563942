//! The IPVS table's rules, as the kernel has them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lvs::model::{Scheduler, Timeouts, Tunnel, TunnelKind};
use lvs::table::{
    Family, Forward, KernelTimeouts, ServerKey, ServerRow, Service, ServiceKey, ServiceRow, SyncRole,
    SyncRow, Table,
};

use crate::error::Errno;

/// The longest timeout the kernel counts, seconds: 2³¹−1 ticks at the fastest usual clock of 1000 a second.
const LONGEST_TIMEOUT: u32 = 2_147_483;
/// The largest weight: it is signed inside the kernel.
const LARGEST_WEIGHT: u32 = 0x7fff_ffff;

#[derive(Debug)]
pub(super) struct IpvsTable {
    pub(super) rows: Table,
    pub(super) timeouts: KernelTimeouts,
    pub(super) missing_schedulers: BTreeSet<String>,
    pub(super) sync: BTreeMap<SyncRole, SyncRow>,
}

impl Default for IpvsTable {
    fn default() -> Self {
        // The kernel's own: 15 and 2 and 5 minutes.
        let timeouts = KernelTimeouts { tcp: 900, tcpfin: 120, udp: 300 };
        IpvsTable {
            rows: Table::default(),
            timeouts,
            missing_schedulers: BTreeSet::new(),
            sync: BTreeMap::new(),
        }
    }
}

impl IpvsTable {
    pub(super) fn set_timeouts(&mut self, timeouts: &Timeouts) -> Result<(), Errno> {
        let given = [timeouts.tcp, timeouts.tcpfin, timeouts.udp];
        if given.into_iter().flatten().any(|seconds| seconds > LONGEST_TIMEOUT) {
            return Err(Errno(libc::EINVAL));
        }
        // 0 leaves a timeout as it is.
        let keep = |new: Option<u32>, old| new.filter(|seconds| *seconds != 0).unwrap_or(old);
        self.timeouts = KernelTimeouts {
            tcp: keep(timeouts.tcp, self.timeouts.tcp),
            tcpfin: keep(timeouts.tcpfin, self.timeouts.tcpfin),
            udp: keep(timeouts.udp, self.timeouts.udp),
        };
        Ok(())
    }

    fn service(&mut self, key: &ServiceKey) -> Result<&mut Service, Errno> {
        self.rows.services.get_mut(key).ok_or(Errno(libc::ESRCH))
    }

    fn check_service(&self, key: &ServiceKey, row: &ServiceRow) -> Result<(), Errno> {
        // The attribute holds 15 bytes and a NUL.
        if row.scheduler.len() > 15 {
            return Err(Errno(libc::ERANGE));
        }
        let known = row.scheduler.parse::<Scheduler>().is_ok();
        if !known || self.missing_schedulers.contains(&row.scheduler) {
            return Err(Errno(libc::ENOENT));
        }
        let prefix = row.persistence.map_or(128, |persist| persist.mask);
        if key.family() == Family::Ipv6 && !(1..=128).contains(&prefix) {
            return Err(Errno(libc::EINVAL));
        }
        Ok(())
    }

    pub(super) fn add_service(&mut self, key: ServiceKey, row: &ServiceRow) -> Result<(), Errno> {
        if self.rows.services.contains_key(&key) {
            return Err(Errno(libc::EEXIST));
        }
        self.check_service(&key, row)?;
        let service = Service { row: row.clone(), servers: Default::default() };
        self.rows.services.insert(key, service);
        Ok(())
    }

    pub(super) fn set_service(&mut self, key: &ServiceKey, row: &ServiceRow) -> Result<(), Errno> {
        self.service(key)?;
        self.check_service(key, row)?;
        self.service(key)?.row = row.clone();
        Ok(())
    }

    pub(super) fn remove_service(&mut self, key: &ServiceKey) -> Result<(), Errno> {
        self.rows.services.remove(key).map(|_| ()).ok_or(Errno(libc::ESRCH))
    }

    pub(super) fn add_server(
        &mut self,
        service: &ServiceKey,
        key: ServerKey,
        row: &ServerRow,
    ) -> Result<(), Errno> {
        let (mixed, syncing) = (Family::of(key.address) != service.family(), !self.sync.is_empty());
        let there = self.service(service)?;
        check_family(service, &key, row)?;
        check_numbers(row)?;
        if mixed && syncing {
            return Err(Errno(libc::EINVAL));
        }
        if there.servers.contains_key(&key) {
            return Err(Errno(libc::EEXIST));
        }
        if !is_unicast(key.address) {
            return Err(Errno(libc::EINVAL));
        }
        there.servers.insert(key, *row);
        Ok(())
    }

    /// The kernel tells what it chose for what was left to it.
    pub(super) fn start_sync(&mut self, role: SyncRole, row: &SyncRow) -> Result<(), Errno> {
        let mixed = |(key, service): (&ServiceKey, &Service)| {
            service.servers.keys().any(|server| Family::of(server.address) != key.family())
        };
        if self.rows.services.iter().any(mixed) {
            return Err(Errno(libc::EINVAL));
        }
        if self.sync.contains_key(&role) {
            return Err(Errno(libc::EEXIST));
        }
        let chosen = |wanted: u16, kernel: u16| if wanted == 0 { kernel } else { wanted };
        let there = SyncRow {
            maxlen: chosen(row.maxlen, 1472),
            group: row.group.or(Some(IpAddr::from([224, 0, 0, 81]))),
            port: chosen(row.port, 8848),
            ttl: row.ttl.max(1),
            ..row.clone()
        };
        self.sync.insert(role, there);
        Ok(())
    }

    pub(super) fn stop_sync(&mut self, role: SyncRole) -> Result<(), Errno> {
        self.sync.remove(&role).map(|_| ()).ok_or(Errno(libc::ESRCH))
    }

    pub(super) fn set_server(
        &mut self,
        service: &ServiceKey,
        key: &ServerKey,
        row: &ServerRow,
    ) -> Result<(), Errno> {
        let there = self.service(service)?;
        check_family(service, key, row)?;
        check_numbers(row)?;
        *there.servers.get_mut(key).ok_or(Errno(libc::ENOENT))? = *row;
        Ok(())
    }

    pub(super) fn remove_server(&mut self, service: &ServiceKey, key: &ServerKey) -> Result<(), Errno> {
        self.service(service)?.servers.remove(key).map(|_| ()).ok_or(Errno(libc::ENOENT))
    }
}

/// A server of the other family needs a tunnel.
fn check_family(service: &ServiceKey, key: &ServerKey, row: &ServerRow) -> Result<(), Errno> {
    let tunnel = matches!(row.forward, Forward::Tunnel(_));
    if Family::of(key.address) != service.family() && !tunnel { Err(Errno(libc::EINVAL)) } else { Ok(()) }
}

fn check_numbers(row: &ServerRow) -> Result<(), Errno> {
    if row.weight > LARGEST_WEIGHT || row.lower > row.upper {
        return Err(Errno(libc::ERANGE));
    }
    match row.forward {
        Forward::Tunnel(Tunnel { kind: TunnelKind::Gue, port: 0, .. }) => Err(Errno(libc::EINVAL)),
        _ => Ok(()),
    }
}

fn is_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast()),
        IpAddr::V6(v6) => !(v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local()),
    }
}
