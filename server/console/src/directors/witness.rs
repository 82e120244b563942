//! The console as a witness: a standby that does not hear its partner asks whether the console does.
//!
//! The console says what the partner answers at this moment, never what it remembers, and decides nothing. One on a
//! machine of the cluster is no witness; directors look at that themselves, and what only this side can see is looked at
//! here.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::Method;
use lvs::wire::{Refusal, Testimony, Witnessed};
use rustls::pki_types::CertificateDer;

use super::enrol::{failed, identity};
use crate::Console;
use crate::live::Said;

/// How long the partner has: a standby does not wait any longer.
const PATIENCE: Duration = Duration::from_millis(900);

impl Console {
    /// Asks the partner of the director with this certificate what it is, now.
    pub async fn witness(
        &self,
        certificate: &CertificateDer<'_>,
        peer: SocketAddr,
    ) -> Result<Witnessed, Refusal> {
        match self.try_witness(certificate, peer).await {
            Err(refusal @ Refusal::Identity { .. }) => {
                Err(self.refused("director.witness-refused", "director", peer, refusal).await)
            }
            other => other,
        }
    }

    async fn try_witness(
        &self,
        certificate: &CertificateDer<'_>,
        peer: SocketAddr,
    ) -> Result<Witnessed, Refusal> {
        let unknown = |detail: &str| Refusal::Failed { detail: detail.to_owned() };
        let mut tx = self.inner.store.read().await.map_err(failed)?;
        let (director, shown) = self.known_peer(&mut tx, certificate).await?;
        if shown.ends <= self.now() {
            return Err(identity(format!("the certificate with serial {} has expired", shown.serial)));
        }
        let running = tx.newest_revision(&director.cluster).await.map_err(failed)?;
        let running = running.ok_or_else(|| unknown("nothing runs in this cluster"))?;
        let partner = running.content.directors.iter().find(|each| each.name != director.name);
        let partner = partner.ok_or_else(|| unknown("this director has no partner"))?;
        let rows = tx.directors(Some(&director.cluster)).await.map_err(failed)?;
        drop(tx);
        let row = rows.into_iter().find(|row| row.name == partner.name);
        let row = row.ok_or_else(|| unknown("the partner has not joined"))?;
        let here = |address: &str| {
            address.parse::<SocketAddr>().is_ok_and(|address| address.ip().to_canonical().is_loopback())
        };
        if peer.ip().to_canonical().is_loopback() || row.dial.as_deref().is_some_and(here) {
            return Err(unknown("this console runs on a director of the cluster"));
        }
        let asked = self.ask::<Testimony>(&row, Method::GET, "/v1/testimony", Vec::new());
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(Said::Answer(partner))) => Ok(Witnessed { partner }),
            Ok(Ok(Said::Refused(reason))) => Err(Refusal::Failed { detail: reason }),
            Ok(Err(error)) => Err(Refusal::Failed { detail: error.to_string() }),
            Err(_) => Err(unknown("the partner does not answer in time")),
        }
    }
}
