//! What the tests of whole programs are made of: a pinned HTTPS client, the console's API, traffic with a memory,
//! processes that end with their owner, and waiting with a deadline.
//!
//! Never part of the product, never linked with its crates: it sees Caribe only from outside, as a user does. Used
//! by the lab's program (`src/bin/lab`) and by `xtask`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "test programs talk on their terminal")]

pub mod api;
#[cfg(feature = "browser")]
pub mod browser;
pub mod caribe;
pub mod control;
pub mod http;
pub mod https;
pub mod process;
pub mod pump;
pub mod traffic;
pub mod wait;
