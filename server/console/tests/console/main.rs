//! The console on a real database in a folder of its own, with a clock the test holds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]

mod accounts;
mod adoption;
#[path = "../agent/mod.rs"]
mod agent;
mod alerts;
mod approval;
mod authenticator;
mod clusters;
mod directors;
mod orders;
mod passkeys;
mod place;
mod second_factor;
mod software_key;
mod support;
