//! Clusters.
mod types;
pub use types::*;
