//! What directors ask of the console: to join, to renew, to fetch their target. Every refusal has a reason, is
//! logged, and is in the audit log; nothing is changed by one.

use std::net::SocketAddr;
use std::sync::Arc;

use lvs::wire::{Credentials, JoinRequest, Refusal, RenewRequest, Target};
use rustls::pki_types::CertificateDer;
use store::{Certificate, Tx};

use crate::audit::About;
use crate::pki::{Issued, Peer, RequestError};
use crate::{Console, Failure, secret};

/// A token has 32 characters; longer texts are not even hashed.
const TOKEN_LONGEST: usize = 128;

pub(super) fn failed(error: impl Into<Failure>) -> Refusal {
    let error: Failure = error.into();
    tracing::error!(%error, "a director's request failed here");
    Refusal::Failed { detail: "the console could not do this; its log says why".to_owned() }
}

fn token(detail: &str) -> Refusal {
    Refusal::Token { detail: detail.to_owned() }
}

pub(super) fn identity(detail: impl Into<String>) -> Refusal {
    Refusal::Identity { detail: detail.into() }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Failed(failure) => failed(failure),
            other => Refusal::Malformed { detail: other.to_string() },
        }
    }
}

impl Console {
    /// Gives a director its first certificate for a token: once, in time, bound to the director the token names.
    /// Certificates it had before (a replaced machine) end.
    pub async fn join(&self, request: JoinRequest, peer: SocketAddr) -> Result<Credentials, Refusal> {
        match self.try_join(&request, peer).await {
            Ok((credentials, cluster)) => {
                tracing::info!(director = %credentials.director, cluster = %cluster, %peer, version = %request.version, "director joined");
                self.refresh_links().await.map_err(failed)?;
                Ok(credentials)
            }
            Err(refusal) => Err(self.refused("director.join-refused", "nobody", peer, refusal).await),
        }
    }

    async fn try_join(
        &self,
        request: &JoinRequest,
        peer: SocketAddr,
    ) -> Result<(Credentials, String), Refusal> {
        if request.token.len() > TOKEN_LONGEST {
            return Err(token("unknown"));
        }
        let hash = secret::hash(request.token.trim());
        let now = self.now();
        let mut tx = self.inner.store.write().await.map_err(failed)?;
        let known = tx.join_token(&hash).await.map_err(failed)?.ok_or_else(|| token("unknown"))?;
        if known.used.is_some() {
            return Err(token("used"));
        }
        if known.expires <= now {
            return Err(token("expired"));
        }
        let director = tx.director(&known.director).await.map_err(failed)?.ok_or_else(|| token("unknown"))?;
        // Signed before the token is spent: a request that cannot be signed costs nothing.
        let issued = self.pki().issue_director(&request.csr, &director.id, now)?;
        if !tx.use_join_token(&hash, now).await.map_err(failed)? {
            return Err(token("used"));
        }
        tx.revoke_certificates(&director.id, now).await.map_err(failed)?;
        if director.dial.is_none() {
            let address = SocketAddr::new(peer.ip().to_canonical(), request.listen_port);
            tx.set_dial(&director.id, &address.to_string()).await.map_err(failed)?;
        }
        self.keep(&mut tx, "director.join", &director, &issued, peer).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        let cluster = director.cluster.clone();
        Ok((self.credentials(director, issued), cluster))
    }

    /// Gives a director its next certificate. `certificate` is the one the connection was made with (the first of the
    /// peer's chain, whose possession the handshake proved); it may have expired, but not been revoked.
    pub async fn renew(
        &self,
        certificate: &CertificateDer<'_>,
        request: RenewRequest,
        peer: SocketAddr,
    ) -> Result<Credentials, Refusal> {
        match self.try_renew(certificate, &request, peer).await {
            Ok(credentials) => {
                tracing::info!(director = %credentials.director, %peer, "certificate renewed");
                Ok(credentials)
            }
            Err(refusal) => Err(self.refused("director.renew-refused", "director", peer, refusal).await),
        }
    }

    async fn try_renew(
        &self,
        certificate: &CertificateDer<'_>,
        request: &RenewRequest,
        peer: SocketAddr,
    ) -> Result<Credentials, Refusal> {
        let mut tx = self.inner.store.write().await.map_err(failed)?;
        let (director, _) = self.known_peer(&mut tx, certificate).await?;
        let issued = self.pki().issue_director(&request.csr, &director.id, self.now())?;
        // The old one stays good until it ends: the answer may be lost on the way.
        self.keep(&mut tx, "director.renew", &director, &issued, peer).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(self.credentials(director, issued))
    }

    /// The running revision for the director that shows this certificate; for itself, and nobody else's.
    pub async fn target_for(
        &self,
        certificate: &CertificateDer<'_>,
        peer: SocketAddr,
    ) -> Result<Target, Refusal> {
        match self.try_target_for(certificate).await {
            // Nothing to refuse anybody for: there is just nothing yet.
            Ok(None) => {
                Err(Refusal::Failed { detail: "nothing has been activated for this director yet".to_owned() })
            }
            Ok(Some(target)) => Ok(target),
            // Not the director's fault, and not for ever.
            Err(refusal @ Refusal::Failed { .. }) => Err(refusal),
            Err(refusal) => Err(self.refused("director.target-refused", "director", peer, refusal).await),
        }
    }

    async fn try_target_for(&self, certificate: &CertificateDer<'_>) -> Result<Option<Target>, Refusal> {
        let mut tx = self.inner.store.read().await.map_err(failed)?;
        let (director, shown) = self.known_peer(&mut tx, certificate).await?;
        if shown.ends <= self.now() {
            return Err(identity(format!("the certificate with serial {} has expired", shown.serial)));
        }
        let running = tx.newest_revision(&director.cluster).await.map_err(failed)?;
        let trial = tx.provisional(&director.cluster).await.map_err(failed)?;
        if let (Some(trial), Some(running)) = (trial, &running)
            && trial.revision == running.head.number
        {
            // It is pushed to whoever can go back from it; the others get it once it is kept.
            let detail = format!("revision {} is on trial", trial.revision);
            return Err(Refusal::Failed { detail });
        }
        let running = running.filter(|r| r.content.directors.iter().any(|d| d.name == director.name));
        drop(tx);
        let heartbeat = self.heartbeat_keys(&director.cluster).await.map_err(failed)?;
        Ok(running.map(|running| Target {
            cluster_id: director.cluster,
            director_id: director.id,
            director: director.name,
            revision: running.head.number,
            digest: running.digest,
            force: false,
            heartbeat,
            provisional: None,
            cluster: Arc::unwrap_or_clone(running.content),
        }))
    }

    /// The director that a certificate belongs to, where it was made here and not ended since. Its own end is not
    /// looked at.
    pub(super) async fn known_peer(
        &self,
        tx: &mut Tx,
        certificate: &CertificateDer<'_>,
    ) -> Result<(store::Director, Peer), Refusal> {
        let shown = self.pki().peer(certificate).map_err(|e| identity(e.to_string()))?;
        let kept = tx.certificate(&shown.serial).await.map_err(failed)?;
        let kept = kept.ok_or_else(|| identity(format!("serial {} is not known here", shown.serial)))?;
        if kept.revoked.is_some() {
            return Err(identity(format!("the certificate with serial {} was revoked", shown.serial)));
        }
        if kept.director != shown.director_id {
            return Err(identity(format!("serial {} belongs to another director", shown.serial)));
        }
        let director = tx.director(&shown.director_id).await.map_err(failed)?;
        let director = director.ok_or_else(|| identity(format!("no director {}", shown.director_id)))?;
        Ok((director, shown))
    }

    async fn keep(
        &self,
        tx: &mut Tx,
        action: &str,
        director: &store::Director,
        issued: &Issued,
        peer: SocketAddr,
    ) -> Result<(), store::Error> {
        tx.insert_certificate(&Certificate {
            serial: issued.serial.clone(),
            director: director.id.clone(),
            issued: self.now(),
            ends: issued.ends,
            revoked: None,
        })
        .await?;
        let about = About {
            action,
            subject: &director.name,
            cluster: Some(&director.cluster),
            detail: &format!("serial {}", issued.serial),
            ..About::default()
        };
        self.audit_by(tx, &format!("director/{}", director.id), &peer.ip().to_string(), about).await
    }

    fn credentials(&self, director: store::Director, issued: Issued) -> Credentials {
        Credentials {
            installation: self.pki().installation().to_owned(),
            director_id: director.id,
            director: director.name,
            certificate: issued.pem,
            ca: self.pki().ca_pem().to_owned(),
        }
    }

    /// Logs and records a refusal. The log gets all of them; the database only as many as a person would make, so
    /// that nobody without a token can fill the disk.
    pub(super) async fn refused(
        &self,
        action: &str,
        actor: &str,
        peer: SocketAddr,
        refusal: Refusal,
    ) -> Refusal {
        tracing::warn!(action, %peer, reason = %refusal, "a director was refused");
        if matches!(refusal, Refusal::Failed { .. })
            || !self.inner.accounts.worth_a_row(action, peer.ip(), self.now())
        {
            return refusal;
        }
        let about = About { action, subject: "director", detail: &refusal.to_string(), ..About::default() };
        let recorded = async {
            let mut tx = self.inner.store.write().await?;
            self.audit_by(&mut tx, actor, &peer.ip().to_string(), about).await?;
            tx.commit().await
        };
        if let Err(error) = recorded.await {
            tracing::error!(%error, "the refusal could not be recorded");
        }
        refusal
    }
}
