//! What a service manager is told (sd_notify): ready, alive, ending. Says nothing where none asked, and never waits for one.
//! Called by `serve` and `agent`.

use std::time::Duration;

use sd_notify::NotifyState;

/// A sign of life is due several times within the manager's patience.
const SIGNS: u32 = 4;

/// Starting is over; `doing` is what `systemctl status` shows.
pub(crate) fn ready(doing: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(doing)]);
}

/// It is about to end, in order.
pub(crate) fn ending() {
    tell(&[NotifyState::Stopping]);
}

/// One sign of life; nothing where nobody watches.
pub(crate) fn alive() {
    if sd_notify::watchdog_enabled().is_some() {
        tell(&[NotifyState::Watchdog]);
    }
}

/// Gives a sign of life each time `lives` has returned true, for as long as the manager wants them. What never answers is
/// ended by the manager and started again.
pub(crate) async fn keep_alive(lives: impl AsyncFn() -> bool) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    loop {
        if lives().await {
            alive();
        }
        tokio::time::sleep(patience.checked_div(SIGNS).unwrap_or(Duration::from_secs(1))).await;
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
