//! The live side: one link per enrolled director, the board of what they report, and pushes to them.
//!
//! The console dials; directors never send here by themselves what is shown. A page reads the board and asks nobody.
//! Links compare what a director holds with what runs and close the gap: a director that was away gets the newest
//! when it is back. One that holds something unknown is left alone until a person decides.

mod ask;
mod board;
mod dial;
mod link;
mod push;
mod rates;
mod types;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lvs::wire::Digest;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use ask::Said;
pub(crate) use board::Board;
use board::{Enrolled, Known};
pub(crate) use dial::DialError;
pub(crate) use link::wait;
pub(crate) use push::outcome;
pub use types::*;

use crate::clusters::find;
use crate::{Console, Error, Failure};

/// The tasks of one director's link; ended when dropped.
#[derive(Debug)]
struct Link {
    who: Enrolled,
    tasks: [JoinHandle<()>; 3],
}

impl Drop for Link {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

#[derive(Debug, Default)]
struct Inside {
    /// None until the console has started, and again after it stopped.
    running: Option<BTreeMap<String, Link>>,
    locks: BTreeMap<String, Arc<tokio::sync::Mutex<()>>>,
}

/// All links.
#[derive(Debug, Default)]
pub(crate) struct Links {
    inside: Mutex<Inside>,
    /// Refreshes one after the other: an older view of the database must not overwrite a newer one.
    refreshing: tokio::sync::Mutex<()>,
}

impl Links {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What makes pushes to one director wait for each other.
    pub(crate) fn lock_of(&self, director: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.inside().locks.entry(director.to_owned()).or_default())
    }
}

impl Console {
    /// Links may run from now on.
    pub(crate) fn open_links(&self) {
        self.inner.links.inside().running.get_or_insert_default();
    }

    /// Ends all links for good.
    pub(crate) fn close_links(&self) {
        self.inner.links.inside().running = None;
    }

    /// Brings board and links in line with the database. To be called after every change of clusters or directors.
    pub(crate) async fn refresh_links(&self) -> Result<(), Failure> {
        let _one = self.inner.links.refreshing.lock().await;
        let mut tx = self.inner.store.read().await?;
        let mut clusters = BTreeMap::new();
        for cluster in tx.clusters().await? {
            let mut known = Known {
                digests: tx
                    .revisions(&cluster.id)
                    .await?
                    .into_iter()
                    .map(|h| (h.number, Digest(h.digest)))
                    .collect(),
                orders: tx.orders(&cluster.id).await?.serial,
                ..Known::default()
            };
            let trial = tx.provisional(&cluster.id).await?;
            if let Some(running) = tx.newest_revision(&cluster.id).await? {
                known.on_trial = trial.is_some_and(|trial| trial.revision == running.head.number);
                known.running = Some(running.head.number);
                // As it is pushed; the stored one may come from a version that wrote fewer fields.
                known.digests.insert(running.head.number, running.digest);
                known.directors =
                    running.content.directors.iter().map(|d| (d.name.clone(), d.seat)).collect();
            }
            clusters.insert(cluster.id, known);
        }
        let mut enrolled = Vec::new();
        for row in tx.directors(None).await? {
            if tx.newest_certificate(&row.id).await?.is_some() {
                enrolled.push(Enrolled { id: row.id, cluster: row.cluster, name: row.name, dial: row.dial });
            }
        }
        drop(tx);
        self.inner.live.refresh(clusters, enrolled.clone(), self.now());
        let mut inside = self.inner.links.inside();
        let Some(running) = &mut inside.running else { return Ok(()) };
        running.retain(|_, link| enrolled.contains(&link.who));
        for who in enrolled {
            running.entry(who.id.clone()).or_insert_with(|| self.link(who));
        }
        Ok(())
    }

    fn link(&self, who: Enrolled) -> Link {
        let (reader, pusher, dialled, behind) = (self.clone(), self.clone(), who.clone(), who.clone());
        let (orderer, ordered) = (self.clone(), who.clone());
        let tasks = [
            tokio::spawn(async move { reader.keep_stream(dialled.id, dialled.dial).await }),
            tokio::spawn(async move { pusher.keep_pushed(behind.id, behind.cluster, behind.name).await }),
            tokio::spawn(
                async move { orderer.keep_ordered(ordered.id, ordered.cluster, ordered.name).await },
            ),
        ];
        Link { who, tasks }
    }

    /// A cluster's directors at this moment, from memory.
    pub async fn live(&self, cluster: &str) -> Result<LiveCluster, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        drop(tx);
        Ok(self.inner.live.cluster(&found.id, self.now()))
    }

    /// Ticks when anything live changed; several changes may be one tick.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.live.subscribe()
    }
}
