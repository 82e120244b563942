//! The agent as a whole: on a kernel in memory, a folder of its own, and real connections over the loopback.

// The helpers of tests may fail like tests do; clippy only knows functions marked as tests.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod announcing;
mod authority;
mod converging;
mod folder;
mod joining;
mod pushing;
mod streaming;
mod tls;
mod world;
