//! What runs beside requests: the setup code's renewal, the certificates', recording for charts, and alerts (the links
//! to directors are `live`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Console;

/// How often renewals are looked at.
const TEND: Duration = Duration::from_secs(2);
/// How often certificate files are read again, in rounds of [`TEND`]; those that are due are renewed in the next round.
const CERTIFICATES: u32 = 1800;

/// How often old events are forgotten, in rounds of [`TEND`]: hourly.
const FORGET: u32 = 1800;

/// The running tasks, and how they are told to end.
#[derive(Debug)]
pub(crate) struct Tasks {
    stop: watch::Sender<bool>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Tasks { stop: watch::Sender::new(false), running: Mutex::default() }
    }
}

impl Tasks {
    /// Becomes true when everything is to end.
    pub(crate) fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    pub(crate) fn keep(&self, task: JoinHandle<()>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|t| !t.is_finished());
        running.push(task);
    }
}

impl Console {
    pub(crate) fn start_tasks(&self) {
        self.open_links();
        let console = self.clone();
        self.inner.tasks.keep(tokio::spawn(async move { console.tend().await }));
        let console = self.clone();
        self.inner.tasks.keep(tokio::spawn(async move { console.record().await }));
        let console = self.clone();
        self.inner.tasks.keep(tokio::spawn(async move { console.send_alerts().await }));
    }

    pub(crate) async fn stop_tasks(&self) {
        self.inner.tasks.stop.send_replace(true);
        self.close_links();
        loop {
            let next = self.inner.tasks.running.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(task) = next else { return };
            let _ = task.await;
        }
    }

    async fn tend(&self) {
        let mut stopped = self.inner.tasks.stopped();
        let mut round = 0_u32;
        if let Err(error) = self.refresh_links().await {
            tracing::error!(%error, "the links to the directors could not be started");
        }
        loop {
            if let Err(error) = self.tend_setup().await {
                tracing::warn!(%error, "the setup code could not be renewed");
            }
            if let Err(error) = self.tend_trials().await {
                tracing::error!(%error, "a revision on trial could not be undone");
            }
            if let Err(error) = self.tell_alerts().await {
                tracing::error!(%error, "it could not be decided what alerts tell");
            }
            if (round.is_multiple_of(CERTIFICATES) || self.inner.pki.is_due(self.now()))
                && let Err(error) = self.inner.pki.renew(self.now())
            {
                tracing::error!(%error, "the console's certificates could not be renewed");
            }
            if round.is_multiple_of(FORGET)
                && let Err(error) = self.forget_events().await
            {
                tracing::warn!(%error, "old events could not be forgotten");
            }
            if round.is_multiple_of(FORGET)
                && let Err(error) = self.forget_series().await
            {
                tracing::warn!(%error, "old samples could not be forgotten");
            }
            if round.is_multiple_of(FORGET)
                && let Err(error) = self.forget_alerts().await
            {
                tracing::warn!(%error, "old messages of alerts could not be forgotten");
            }
            round = round.wrapping_add(1);
            tokio::select! {
                () = tokio::time::sleep(TEND) => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
        }
    }
}
