//! The console's memory: the only SQL there is, behind plain functions.

#![forbid(unsafe_code)]

mod error;

pub use error::Error;
