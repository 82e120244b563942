//! Where the time comes from; tests bring their own.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// A source of milliseconds since 1970; most of the console counts in seconds.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Clock(Arc::new(|| Timestamp::now().as_millisecond()))
    }

    /// Any other, of seconds since 1970.
    pub fn from_fn(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Clock(Arc::new(move || now().saturating_mul(1000)))
    }

    pub(crate) fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A stored time as callers get it; times outside jiff's range (years beyond 9999) become its ends.
pub(crate) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_their_milliseconds_and_all_else_counts_seconds() {
        let clock = Clock(Arc::new(|| 1_234_567));
        assert_eq!((clock.now(), clock.now_ms()), (1_234, 1_234_567));
        assert_eq!(Clock::from_fn(|| 7).now_ms(), 7_000);
    }
}
