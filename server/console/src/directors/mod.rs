//! Directors.
mod types;
pub use types::*;
