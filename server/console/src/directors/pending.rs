//! Join tokens that are not used yet: whom they are for, and ending one before its time.

use jiff::Timestamp;

use crate::audit::About;
use crate::clock::timestamp;
use crate::{Actor, Console, Error, Missing, Role, Thing};

/// A join token that is good and not used. The token itself is known to nobody any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingJoin {
    /// Id of the director that may join with it (`dir_…`); a director has one such token at most.
    pub director_id: String,
    /// Its name.
    pub director: String,
    /// Id of its cluster.
    pub cluster_id: String,
    /// The cluster's name.
    pub cluster: String,
    /// When it was made.
    pub issued: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
}

impl Console {
    /// All of them, by cluster and director. Needs Admin.
    pub async fn pending_joins(&self, actor: &Actor) -> Result<Vec<PendingJoin>, Error> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.read().await?;
        let clusters = tx.clusters().await?;
        let directors = tx.directors(None).await?;
        let mut pending = Vec::new();
        for token in tx.open_join_tokens(self.now()).await? {
            let Some(director) = directors.iter().find(|director| director.id == token.director) else {
                continue;
            };
            let Some(cluster) = clusters.iter().find(|cluster| cluster.id == director.cluster) else {
                continue;
            };
            pending.push(PendingJoin {
                director_id: director.id.clone(),
                director: director.name.clone(),
                cluster_id: cluster.id.clone(),
                cluster: cluster.name.clone(),
                issued: timestamp(token.issued),
                expires: timestamp(token.expires),
            });
        }
        pending.sort_by(|a, b| (&a.cluster, &a.director).cmp(&(&b.cluster, &b.director)));
        Ok(pending)
    }

    /// Ends the unused token of a director (by its id): nobody joins with it any more. Certificates stay good. Needs
    /// Admin.
    pub async fn end_pending_join(&self, actor: &Actor, director_id: &str) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.write().await?;
        let missing = || Error::from(Missing::new(Thing::Enrolment, director_id));
        let director = tx.director(director_id).await?.ok_or_else(missing)?;
        tx.open_join_token(&director.id, self.now()).await?.ok_or_else(missing)?;
        tx.end_join_tokens(&director.id).await?;
        let about = About {
            action: "director.token-end",
            subject: &director.name,
            cluster: Some(&director.cluster),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        Ok(tx.commit().await?)
    }
}
