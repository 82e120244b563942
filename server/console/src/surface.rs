//! The functions still on their way into their modules; each answers with a failure until it is there.

use std::net::SocketAddr;

use lvs::Cluster;
use lvs::wire::{Credentials, JoinRequest, Refusal, RenewRequest, Target};
use rustls::pki_types::CertificateDer;

use crate::*;

fn later<T>() -> Result<T, Failure> {
    Err(Failure::Internal("this part of the console is not there yet".to_owned()))
}

#[allow(unused_variables, missing_docs, clippy::unused_async)]
impl Console {
    pub async fn clusters(&self) -> Result<Vec<ClusterSummary>, Failure> {
        later()
    }
    pub async fn cluster(&self, cluster: &str) -> Result<ClusterView, Error> {
        Ok(later()?)
    }
    pub async fn create_cluster(&self, actor: &Actor, content: Cluster) -> Result<Draft, ChangeError> {
        Ok(later()?)
    }
    pub async fn delete_cluster(&self, actor: &Actor, cluster: &str) -> Result<(), Error> {
        Ok(later()?)
    }
    pub async fn import(
        &self,
        actor: &Actor,
        cluster: Option<&str>,
        content: Cluster,
    ) -> Result<Draft, ChangeError> {
        Ok(later()?)
    }
    pub async fn draft(&self, actor: &Actor, cluster: &str) -> Result<Option<Draft>, Error> {
        Ok(later()?)
    }
    pub async fn discard_draft(&self, actor: &Actor, cluster: &str) -> Result<(), Error> {
        Ok(later()?)
    }
    /// After a conflict: keep the draft's content, begun anew from what runs now.
    pub async fn rebase_draft(&self, actor: &Actor, cluster: &str) -> Result<Draft, ChangeError> {
        Ok(later()?)
    }
    pub async fn view(&self, actor: &Actor, cluster: &str) -> Result<View, Error> {
        Ok(later()?)
    }
    pub async fn change(
        &self,
        actor: &Actor,
        cluster: &str,
        edit: Edit,
        if_match: Option<&str>,
    ) -> Result<Changed, ChangeError> {
        Ok(later()?)
    }
    /// Of the caller's draft.
    pub async fn preview(&self, actor: &Actor, cluster: &str) -> Result<Preview, Error> {
        Ok(later()?)
    }
    /// Of any content (`?dry_run=true`); nothing is written.
    pub async fn preview_of(&self, actor: &Actor, cluster: &str, content: Cluster) -> Result<Preview, Error> {
        Ok(later()?)
    }
    pub async fn activate(
        &self,
        actor: &Actor,
        cluster: &str,
        message: &str,
    ) -> Result<Activation, ActivateError> {
        Ok(later()?)
    }
    /// Newest first.
    pub async fn revisions(&self, cluster: &str) -> Result<Vec<RevisionSummary>, Error> {
        Ok(later()?)
    }
    pub async fn revision(&self, cluster: &str, number: u64) -> Result<Revision, Error> {
        Ok(later()?)
    }

    /// Configured ones (running, then the actor's draft), then enrolled ones that are no longer configured.
    pub async fn directors(&self, actor: &Actor, cluster: &str) -> Result<Vec<DirectorView>, Error> {
        Ok(later()?)
    }
    /// `director` is a name of the running revision or of the actor's draft. Needs Admin.
    pub async fn join_token(
        &self,
        actor: &Actor,
        cluster: &str,
        director: &str,
        dial: Option<&str>,
    ) -> Result<JoinToken, Error> {
        Ok(later()?)
    }
    pub async fn set_dial(
        &self,
        actor: &Actor,
        cluster: &str,
        director: &str,
        dial: &str,
    ) -> Result<(), Error> {
        Ok(later()?)
    }
    /// All certificates of the director end at once.
    pub async fn revoke(&self, actor: &Actor, cluster: &str, director: &str) -> Result<(), Error> {
        Ok(later()?)
    }
    /// Pushes the running revision again. Needs Approver.
    pub async fn repush(&self, actor: &Actor, cluster: &str, director: &str) -> Result<PushResult, Error> {
        Ok(later()?)
    }
    pub async fn join(&self, request: JoinRequest, peer: SocketAddr) -> Result<Credentials, Refusal> {
        later().map_err(|_| Refusal::Failed { detail: String::new() })
    }
    /// `certificate` is the peer's own (first of the chain).
    pub async fn renew(
        &self,
        certificate: &CertificateDer<'_>,
        request: RenewRequest,
        peer: SocketAddr,
    ) -> Result<Credentials, Refusal> {
        later().map_err(|_| Refusal::Failed { detail: String::new() })
    }
    pub async fn target_for(
        &self,
        certificate: &CertificateDer<'_>,
        peer: SocketAddr,
    ) -> Result<Target, Refusal> {
        later().map_err(|_| Refusal::Failed { detail: String::new() })
    }

    pub async fn live(&self, cluster: &str) -> Result<LiveCluster, Error> {
        Ok(later()?)
    }
    /// Ticks when anything live changed.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }
}

/// Reads a file; pure, the same as `caribe check`.
pub fn read_file(text: &str, kind: FileKind) -> Reading {
    let _ = text;
    Reading { cluster: None, findings: Vec::new(), kind }
}
