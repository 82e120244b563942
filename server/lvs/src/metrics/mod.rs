//! Numbers for other programs' dashboards: what a director and its console know, in Prometheus' text format.
//!
//! Two sets of names: our own (`caribe_…`, [`director`]) and those that existing dashboards ask for
//! ([`compatible`]: node_exporter's and keepalived-exporter's, unchanged). The director's agent and the console call
//! these functions with what they hold; nothing is measured here.

mod compatible;
mod director;
mod text;

pub use compatible::{compatible, kernel_totals};
pub use director::{DirectorView, Tally, build, director};
pub use text::{Exposition, Kind, Metric};
