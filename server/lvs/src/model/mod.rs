//! Intent: what an administrator wants a cluster to be, in the field's words.
//!
//! These types say nothing of what a kernel holds (`table`) or has counted (`counters`). They are what the console
//! stores as a revision, what forms and the API edit, and what an agent is sent. [`Cluster`] may still be wrong;
//! [`ValidCluster`] cannot be: it only comes out of [`Cluster::validate`].

mod cluster;
mod device;
mod effective;
mod failover;
mod host;
mod merge;
mod monitor;
mod redundancy;
mod scheduler;
mod secret;
mod service;
mod validate;

pub use cluster::{Cluster, Director, DriftPolicy, GlobalSettings, Id, NatRouter, Seat, Timeouts};
pub use device::{Device, DeviceError};
pub use failover::FailoverTime;
pub use host::{HostSetup, HostTextError, MarkedTraffic, Masquerade};
pub use merge::{Choices, Conflict, Disagreement, Merged, MergedObject, Side, merge};
pub use monitor::{
    BodyMatch, Check, ClientIdentity, Combine, CommandLine, CommandLineError, Damping, DnsRecord, Header,
    HttpCheck, HttpMethod, HttpVersion, LOAD_INTERVAL_MS, LoadMonitor, LoadSource, Matching, Monitor,
    Pattern, Question, Quorum, Ramp, SlowStart, SorryCheck, Start, StatusRange, StatusRangeError, Times,
    TlsOptions,
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
    CHECKS_MAXIMUM, DAMPING_MAXIMUM_S, DEADTIME_MAXIMUM_MS, EXPIRY_MAXIMUM_DAYS, HEADERS_MAXIMUM,
    INTERVAL_MAXIMUM_MS, INTERVAL_MINIMUM_MS, LOAD_MAXIMUM_PERCENT, MARKED_MAXIMUM, MASQUERADES_MAXIMUM,
    MONITOR_INTERVAL_MAXIMUM_MS, MONITOR_INTERVAL_MINIMUM_MS, MONITOR_TIMEOUT_MAXIMUM_MS, NAME_MAXIMUM,
    PEM_MAXIMUM, PERSISTENCE_MAXIMUM_S, PREEMPT_DELAY_MAXIMUM_S, REAL_SERVERS_TRIED, REENTRY_MAXIMUM_S,
    SECRET_MAXIMUM, SESSION_TIMEOUT_MAXIMUM_S, SLOW_START_MAXIMUM_S, TEXT_MAXIMUM, TRIES_MAXIMUM,
    ValidCluster, WORDS_MAXIMUM,
};
pub(crate) use validate::{dots, is_domain, refuses};
