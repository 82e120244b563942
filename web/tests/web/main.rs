//! The pages and the API as a service on a real console in a folder of its own, asked by HTTP without a network.

// clippy.toml allows these in test functions; the functions that tests share are none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod api;
mod catalogue;
mod guard;
mod html;
mod journey;
mod live;
mod matrix;
mod screens;
mod site;
mod vendor;
