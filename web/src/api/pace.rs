//! How many requests a token may make: a bucket that fills at a steady rate and holds some in reserve.
//!
//! Counted by the token's name, in memory: after a restart every bucket is full. `guard` asks before a request is read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::error::Error;

/// What one token may ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Requests per second in the long run.
    pub per_second: f64,
    /// Requests at once after a pause.
    pub at_once: f64,
}

impl Default for Limits {
    /// More than any dashboard or tool asks, less than would keep others out.
    fn default() -> Self {
        Limits { per_second: 100.0, at_once: 1000.0 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// The buckets of all tokens.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    limits: Limits,
    buckets: Arc<Mutex<BTreeMap<String, Bucket>>>,
}

impl Pace {
    pub(crate) fn new(limits: Limits) -> Self {
        Pace { limits, buckets: Arc::default() }
    }

    /// Takes one request out of the token's bucket, or says when there will be one.
    pub(crate) fn take(&self, token: &str) -> Result<(), Error> {
        self.take_at(token, Instant::now())
    }

    fn take_at(&self, token: &str, now: Instant) -> Result<(), Error> {
        let Limits { per_second, at_once } = self.limits;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(token.to_owned()).or_insert(Bucket { left: at_once, at: now });
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        *bucket = Bucket { left: (bucket.left + passed * per_second).min(at_once), at: now };
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        let wait = ((1.0 - bucket.left) / per_second).ceil();
        // From 1 to a number of seconds that nobody configures; fits.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let wait_s = wait.clamp(1.0, 3600.0) as u64;
        Err(Error::TooMany { wait_s })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let pace = Pace::new(Limits { per_second: 0.5, at_once: 3.0 });
        let start = Instant::now();
        for _ in 0..3 {
            pace.take_at("ci", start).unwrap();
        }
        assert!(matches!(pace.take_at("ci", start), Err(Error::TooMany { wait_s: 2 })));
        pace.take_at("other", start).unwrap();
        pace.take_at("ci", start + Duration::from_secs(2)).unwrap();
        assert!(pace.take_at("ci", start + Duration::from_secs(3)).is_err());
        // A long pause fills it no further than it holds.
        let later = start + Duration::from_secs(3600);
        for _ in 0..3 {
            pace.take_at("ci", later).unwrap();
        }
        assert!(pace.take_at("ci", later).is_err());
    }
}
