//! Asking the console for this director's target: at start, and again for as long as nothing was ever received.
//!
//! Pushing is the console's work; this only shortens the wait of a director that starts while the console is up, or
//! that has nothing yet. What comes is held to the same rules as a push.

use std::sync::Arc;

use hyper::Method;
use lvs::wire::{Refusal, Target};

use crate::agent::Shared;
use crate::dial::{self, Address, DialError};
use crate::listener::BODY_LIMIT;
use crate::renew::console_tls;
use crate::trust::TlsError;

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Console(#[from] DialError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("refused here: {0}")]
    Here(#[source] Refusal),
}

/// Fetches until the console has answered and a target is held.
pub(crate) async fn run(shared: Arc<Shared>) {
    let first = shared.rhythm.fetch;
    let (mut wait, mut last_error) = (first, String::new());
    loop {
        let result = once(&shared).await;
        let answered = match &result {
            Ok(()) => true,
            Err(error) => {
                let words = dial::in_words(error);
                if words != last_error {
                    tracing::info!(reason = %words, "no configuration fetched");
                }
                last_error = words;
                matches!(error, FetchError::Here(_) | FetchError::Console(DialError::Refused(_)))
            }
        };
        if answered && shared.board.status().revision.is_some() {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2).min(first.saturating_mul(10));
    }
}

async fn once(shared: &Shared) -> Result<(), FetchError> {
    let address = Address::parse(&shared.identity.console)?;
    let tls = console_tls(shared)?;
    let target: Target =
        dial::request(&address, tls, Method::GET, "/agent/v1/target", None::<&()>, BODY_LIMIT).await?;
    let revision = target.revision;
    let applied = shared.offer(target).await.map_err(FetchError::Here)?;
    tracing::info!(revision, in_sync = applied.in_sync, took_ms = applied.took_ms, "configuration fetched");
    Ok(())
}
