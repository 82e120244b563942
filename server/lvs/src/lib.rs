//! What a cluster is, what a director's kernel should therefore hold, and how to get there: as pure values.
//!
//! Nothing here does I/O, reads a clock, draws a random number or keeps state between calls; every function is a
//! function of its arguments. The console's half and the agent's half of Caribe both use this crate, and meet only
//! in its types (`wire`).

#![forbid(unsafe_code)]

pub mod adopt;
pub mod connections;
pub mod counters;
pub mod drift;
pub mod failover;
pub mod finding;
pub mod format;
pub mod health;
pub mod journal;
pub mod metrics;
pub mod model;
pub mod plan;
pub mod preflight;
pub mod real_server;
pub mod series;
pub mod support;
pub mod table;
pub mod wire;

pub use finding::{Code, Finding, Findings, Severity};
pub use model::{Cluster, ValidCluster};
