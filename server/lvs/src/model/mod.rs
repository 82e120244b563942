//! Intent: what an administrator wants a cluster to be, in the field's words.
//!
//! These types say nothing of what a kernel holds (`table`) or has counted (`counters`). They are what the console
//! stores as a revision, what forms and the API edit, and what an agent is sent. [`Cluster`] may still be wrong;
//! [`ValidCluster`] cannot be: it only comes out of [`Cluster::validate`].

mod cluster;
mod device;
mod effective;
mod monitor;
mod redundancy;
mod scheduler;
mod secret;
mod service;
mod validate;

pub use cluster::{Cluster, Director, DriftPolicy, GlobalSettings, Id, NatRouter, Seat, Timeouts};
pub use device::{Device, DeviceError};
pub use monitor::{
    Check, DnsRecord, HttpCheck, HttpVersion, LoadMonitor, Monitor, StatusRange, StatusRangeError,
};
pub use redundancy::{
    ConnectionSync, PriorityPair, Redundancy, RedundancyProtocol, Vrrp, VrrpInstance, VrrpVersion,
};
pub use scheduler::{Scheduler, SchedulerFlag, SchedulerFlags, UnknownScheduler};
pub use secret::{MASK, Secret};
pub use service::{
    ConnectionLimit, Forwarding, Persistence, Protocol, RealServer, SorryServer, Tunnel, TunnelChecksum,
    TunnelKind, Vip, VirtualServer, Weight,
};
pub use validate::{
    CHECKS_MAXIMUM, DEADTIME_MAXIMUM_MS, INTERVAL_MAXIMUM_MS, INTERVAL_MINIMUM_MS,
    MONITOR_INTERVAL_MAXIMUM_MS, MONITOR_INTERVAL_MINIMUM_MS, MONITOR_TIMEOUT_MAXIMUM_MS, NAME_MAXIMUM,
    PERSISTENCE_MAXIMUM_S, PREEMPT_DELAY_MAXIMUM_S, REAL_SERVERS_TRIED, REENTRY_MAXIMUM_S,
    SESSION_TIMEOUT_MAXIMUM_S, TEXT_MAXIMUM, TRIES_MAXIMUM, ValidCluster,
};
