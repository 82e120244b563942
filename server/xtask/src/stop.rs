//! Waiting for Ctrl-C (SIGINT) or SIGTERM. Called by the demo.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Set once one of the signals has come.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Takes the signals over, for the rest of the process.
    pub fn listen() -> Result<Stop> {
        let stop = Stop::default();
        let seen = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupt, mut terminate) = runtime.block_on(async {
            let interrupt = signal(SignalKind::interrupt()).context("cannot take over SIGINT")?;
            let terminate = signal(SignalKind::terminate()).context("cannot take over SIGTERM")?;
            anyhow::Ok((interrupt, terminate))
        })?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            seen.0.store(true, Ordering::Relaxed);
            // A start that is under way ends with an error, and what it has begun with it.
            testkit::wait::give_up(true);
        });
        Ok(stop)
    }

    /// Whether it is time to end.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
