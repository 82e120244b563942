//! The director agent: makes one machine's kernel hold what its cluster's configuration says.
//!
//! It takes targets from the console over HTTPS, keeps the last good one on disk, and closes the gap between it and
//! the kernel again and again; it works on with the console gone and through its own restart. It decides nothing
//! that `lvs` can decide as a pure function, and knows no database, no page and no other console than its own.
//!
//! ```text
//!  console ──PUT──→ listener ─┐                       ┌→ announce thread ─→ ARP, NA
//!  console ←─GET─── fetch ────┤→ worker thread ───────┤
//!  kernel  ─events─ events ───┤  (owns the kernel:    └→ board ─→ status, stream
//!  real servers ←─→ nanny ────┘   reconcile, sampler)
//! ```
//!
//! The binary opens an [`Agent`], serves its router under its TLS settings, and starts and stops it.

#![forbid(unsafe_code)]

mod agent;
mod announce;
mod board;
mod certificate;
mod courier;
mod dial;
mod disk;
mod documents;
mod fetch;
mod goal;
mod identity;
mod intake;
mod join;
mod journal;
mod listener;
mod local;
mod metrics;
mod nanny;
pub mod real_server;
mod reconcile;
mod redundancy;
mod renew;
mod rhythm;
mod sampler;
mod stream;
mod support;
mod trial;
mod trust;
mod worker;

pub use agent::{Agent, OpenError, Settings, StartError};
pub use certificate::{CertificateError, Pin, PinError};
pub use dial::DialError;
pub use disk::{DiskError, LoadError, in_use};
pub use identity::{CredentialsError, Identity, KeyError};
pub use join::{JoinError, Joined, join};
pub use listener::BODY_LIMIT;
pub use local::{LocalAnswer, LocalError, LocalQuestion, ask};
pub use reconcile::Released;
pub use rhythm::Rhythm;
pub use support::{is_agent, support};
pub use trust::TlsError;

/// What stands in the way of a director's work on this machine, each in words with the next step: a kernel without IPVS,
/// a missing capability. Nothing where all is well.
pub fn preflight() -> Vec<String> {
    kernel::preflight().iter().map(ToString::to_string).collect()
}
