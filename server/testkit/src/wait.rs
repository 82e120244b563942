//! Waiting for a condition, with a deadline and a reason. Never a fixed sleep instead of a condition.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Set while nobody wants to wait any more.
static GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// Ends all waits of this process with an error, or lets them wait again: for a person who interrupts a start, while
/// what was started still has to be ended in order.
pub fn give_up(now: bool) {
    GIVEN_UP.store(now, Ordering::Relaxed);
}

/// Whether waits are to end.
pub fn given_up() -> bool {
    GIVEN_UP.load(Ordering::Relaxed)
}

/// What one look at a condition saw.
pub enum Seen<T> {
    /// It holds.
    Yes(T),
    /// It does not hold yet; why not.
    NotYet(String),
}

impl<T> Seen<T> {
    /// Not yet, for a reason.
    pub fn not_yet(why: impl Display) -> Self {
        Seen::NotYet(why.to_string())
    }
}

/// Looks until the condition holds. An error of a look counts as "not yet", as programs start and networks settle;
/// after the deadline the last reason is in the error.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<Seen<T>>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        let why = match look() {
            Ok(Seen::Yes(value)) => return Ok(value),
            Ok(Seen::NotYet(why)) => why,
            Err(error) => format!("{error:#}"),
        };
        if given_up() {
            bail!("interrupted while waiting for {what}");
        }
        if Instant::now() >= deadline {
            bail!("waited {} s for {what}: {why}", limit.as_secs());
        }
        std::thread::sleep(LOOK);
    }
}

/// As [`until`], for a condition that is only true or false.
pub fn until_true(what: &str, limit: Duration, mut look: impl FnMut() -> Result<bool>) -> Result<()> {
    until(what, limit, || Ok(if look()? { Seen::Yes(()) } else { Seen::not_yet("not true yet") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reason_is_told() {
        let error = until::<()>("rain", Duration::from_millis(1), || Ok(Seen::not_yet("sun"))).unwrap_err();
        assert_eq!(error.to_string(), "waited 0 s for rain: sun");
    }

    #[test]
    fn errors_on_the_way_do_not_end_the_wait() {
        let mut looks = 0;
        let value = until("three", Duration::from_secs(5), || {
            looks += 1;
            if looks < 3 { bail!("only {looks}") } else { Ok(Seen::Yes(looks)) }
        });
        assert_eq!(value.unwrap(), 3);
    }
}
