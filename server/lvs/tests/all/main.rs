//! The rules of the pure core, tried from outside. One program: each program of its own would be compiled and linked
//! with the whole library again.

// The helpers of tests may fail like tests do; clippy only knows functions marked as tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
// Files, the clock and the environment are the tests' own; the crate has none of them.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
#![allow(clippy::print_stderr, reason = "what is skipped, and what took long, is said")]

mod adopt;
mod connections;
mod convert;
mod drift;
mod failover_beat;
mod failover_pulse;
mod failover_rules;
mod failover_simulation;
mod failover_vrrp;
mod fixture;
mod health;
mod host;
mod hostile_texts;
mod ipvsadm;
mod ipvsadm_texts;
mod keepalived;
mod keepalived_export;
mod keepalived_pairs;
mod keepalived_strict;
mod keepalived_texts;
mod lvs_cf;
mod lvs_cf_edit;
mod lvs_cf_files;
mod lvs_cf_mutations;
mod lvs_cf_strict;
mod merge;
mod metrics;
mod plan_partner;
mod plan_properties;
mod plan_sync;
mod scenarios;
mod script_host;
mod validate_checks;
mod validate_cluster;
mod validate_services;
mod written_down;
