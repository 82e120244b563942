//! How far beats are apart on the wire, where they arrive.
//!
//! Never takes part itself. Called by scenarios that see to it that nothing delays a beat.

use anyhow::{Result, ensure};
use testkit::process;

use crate::network::{self, Director};

/// Milliseconds between beats, the shortest first.
pub(crate) struct Gaps(Vec<f64>);

impl Gaps {
    /// Of so many beats as they arrive at a director.
    pub(crate) fn heard(director: &Director, beats: usize) -> Result<Gaps> {
        let count = beats.to_string();
        let words = ["tcpdump", "-Z", "root", "-n", "-tt", "-q", "-i", "eth0", "-c", &count];
        let filter = ["udp", "and", "dst", "port", "539", "and", "inbound"];
        let said = process::run(network::within(director.namespace, &[&words[..], &filter[..]].concat()))?;
        let moments: Vec<f64> =
            said.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
        ensure!(moments.len() * 6 >= beats * 5, "only {} of {beats} beats were seen", moments.len());
        let mut gaps: Vec<f64> =
            moments.iter().zip(moments.iter().skip(1)).map(|(one, next)| (next - one) * 1000.0).collect();
        gaps.sort_by(f64::total_cmp);
        Ok(Gaps(gaps))
    }

    /// What this share of them does not exceed, in per cent.
    pub(crate) fn at(&self, percent: usize) -> f64 {
        let place = self.0.len() * percent / 100;
        self.0.get(place.min(self.0.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// In words.
    pub(crate) fn told(&self) -> String {
        let [median, p99, most] = [50, 99, 100].map(|percent| self.at(percent));
        format!("median {median:.1} ms apart, p99 {p99:.1} ms, at most {most:.1} ms")
    }
}
