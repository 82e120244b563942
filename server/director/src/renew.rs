//! The next certificate, asked for by itself at two thirds of the present one's lifetime.
//!
//! A failed try is repeated with a growing delay for as long as it takes: the console lets a key that has expired but
//! was not revoked renew. Key, name and CA stay the same; only the certificate is replaced.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::Method;
use lvs::wire::{Credentials, RenewRequest, director_uri};
use rustls::pki_types::UnixTime;

use crate::agent::Shared;
use crate::dial::{self, Address, DialError};
use crate::disk::{DiskError, LoadError};
use crate::identity::{self, CredentialsError, KeyError};
use crate::join::CREDENTIALS_LIMIT;
use crate::trust::{self, ConsoleVerifier, TlsError, Trust};

/// The clock may be set at any time: never sleep longer than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
const LONGEST_RETRY: Duration = Duration::from_secs(3600);

#[derive(Debug, thiserror::Error)]
enum RenewError {
    #[error(transparent)]
    Console(#[from] DialError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("interrupted")]
    Interrupted,
}

/// When a certificate is to be renewed, seconds since 1970.
fn due_s(begins_s: i64, ends_s: i64) -> i64 {
    begins_s.saturating_add(ends_s.saturating_sub(begins_s) / 3 * 2)
}

/// Renews for ever; ends with the agent.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut retry = shared.rhythm.renew;
    let mut last_error = String::new();
    loop {
        let certificate = shared.certificate.borrow().clone();
        let left_s = due_s(certificate.begins_s, certificate.ends_s).saturating_sub(now_s());
        if let Ok(left_s @ 1..) = u64::try_from(left_s) {
            tokio::time::sleep(Duration::from_secs(left_s).min(LONGEST_SLEEP)).await;
            continue;
        }
        match once(&shared).await {
            Ok(()) => {
                retry = shared.rhythm.renew;
                last_error.clear();
                // A console that gives certificates which are due at once must not be asked without a pause.
                tokio::time::sleep(shared.rhythm.renew).await;
            }
            Err(error) => {
                let words = dial::in_words(&error);
                if words != last_error {
                    tracing::warn!(serial = %certificate.serial, error = %words, "certificate not renewed; retrying");
                }
                last_error = words;
                tokio::time::sleep(retry).await;
                retry = retry.saturating_mul(2).min(LONGEST_RETRY);
            }
        }
    }
}

async fn once(shared: &Arc<Shared>) -> Result<(), RenewError> {
    let address = Address::parse(&shared.identity.console)?;
    let tls = console_tls(shared)?;
    let body = RenewRequest { csr: shared.key.request()? };
    let credentials: Credentials =
        dial::request(&address, tls, Method::POST, "/agent/v1/renew", Some(&body), CREDENTIALS_LIMIT).await?;
    let its = shared.clone();
    let stored = tokio::task::spawn_blocking(move || store(&its, &credentials));
    stored.await.map_err(|_| RenewError::Interrupted)?
}

fn store(shared: &Shared, credentials: &Credentials) -> Result<(), RenewError> {
    let ours = &shared.identity;
    if credentials.director_id != ours.director_id {
        return Err(CredentialsError::Name {
            got: vec![director_uri(&credentials.installation, &credentials.director_id)],
            expected: director_uri(&ours.installation, &ours.director_id),
        }
        .into());
    }
    let checked = identity::check(
        credentials,
        &shared.key,
        ours.fingerprint,
        &ours.console,
        &ours.installation,
        UnixTime::now(),
    )?;
    identity::store_renewed(&shared.folder, &checked)?;
    let certificate = identity::load_certificate(&shared.folder, &shared.key)?;
    shared.board.post(|status| status.certificate_ends_s = certificate.ends_s);
    tracing::info!(serial = %certificate.serial, ends_s = certificate.ends_s, "certificate renewed");
    shared.certificate.send_replace(certificate);
    Ok(())
}

/// TLS settings for dialling the console as this director.
pub(crate) fn console_tls(shared: &Shared) -> Result<rustls::ClientConfig, TlsError> {
    let trust =
        Trust::Authority { ca: shared.ca.clone(), installation: shared.identity.installation.clone() };
    let certified = shared.certificate.borrow().certified.clone();
    trust::client_config(ConsoleVerifier::new(trust), Some(certified))
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewal_is_due_at_two_thirds() {
        assert_eq!(due_s(1_000, 1_300), 1_200);
        assert_eq!(due_s(0, 90 * 86_400), 60 * 86_400);
        assert_eq!(due_s(i64::MIN, i64::MAX), i64::MIN + i64::MAX / 3 * 2, "nonsense does not overflow");
    }
}
