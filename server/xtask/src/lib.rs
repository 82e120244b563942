//! The project's own tasks, run as `cargo xtask …`: the lab, the demo, the tests, the measurements and the package.
//!
//! Never part of the product: nothing depends on this crate but its own tests. Called by developers and `.ci/run`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks on its terminal")]

pub mod bench;
pub mod demo;
pub mod guest;
pub mod lab;
pub mod lanes;
pub mod native;
pub mod package;
pub mod programs;
pub mod stop;
pub mod system;
pub mod test;
