//! The agent as a whole: on a kernel in memory, a folder of its own, and real connections over the loopback.

// The helpers of tests may fail like tests do; clippy only knows functions marked as tests.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod announcing;
mod authority;
mod checking;
mod converging;
mod drifting;
mod folder;
mod heartbeat;
mod joining;
mod lacking;
mod measuring;
mod mutual;
mod pair;
mod preparing;
mod pushing;
mod streaming;
mod tls;
mod trying;
mod world;
