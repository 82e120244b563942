//! Live.
mod types;
pub use types::*;
