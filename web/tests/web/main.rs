//! The pages and the API as a service on a real console in a folder of its own, asked by HTTP without a network.

// clippy.toml allows these in test functions; the functions that tests share are none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accounts;
mod adoption;
#[path = "../../../server/console/tests/agent/mod.rs"]
#[allow(unreachable_pub)]
mod agent;
mod alerts;
mod api;
mod approval;
#[path = "../../../server/console/tests/console/authenticator.rs"]
#[allow(unreachable_pub, dead_code)]
mod authenticator;
mod catalogue;
mod conventions;
mod director_orders;
mod events;
mod exports;
mod fuzz;
mod guard;
mod html;
mod imports;
mod journey;
mod leftover;
mod live;
mod matrix;
mod metrics;
mod openapi;
mod operations;
mod orders;
mod passkeys;
mod provider;
mod refusals;
mod revisions;
mod screens;
mod search;
mod second_factor;
mod secrets;
mod settings;
mod sign_on;
mod site;
#[path = "../../../server/console/tests/console/software_key.rs"]
#[allow(unreachable_pub, dead_code)]
mod software_key;
mod state;
mod support;
mod traffic;
mod trials;
mod vendor;
mod wall;
