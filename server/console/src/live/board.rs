//! What is known of every director at this moment, in memory: written by the links, read by pages and pushes.

mod ordered;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lvs::model::Seat;
use lvs::wire::{Applied, Checks, Digest, Event, OrdersStatus, Snapshot, State, Status};
use tokio::sync::watch;

use super::rates::Samples;
use super::{LiveCluster, LiveCounters, LiveDirector, Sync};
use crate::clock::timestamp;

/// What the database knows of a cluster's revisions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The running revision.
    pub(crate) running: Option<u64>,
    /// Whether the running revision is on trial.
    pub(crate) on_trial: bool,
    /// Digest of every revision.
    pub(crate) digests: BTreeMap<u64, Digest>,
    /// The directors of the running revision, in configured order.
    pub(crate) directors: Vec<(String, Seat)>,
    /// Serial of its orders; 0 where none was ever given.
    pub(crate) orders: u64,
}

/// A director that has an identity, from the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Enrolled {
    pub(crate) id: String,
    pub(crate) cluster: String,
    pub(crate) name: String,
    pub(crate) dial: Option<String>,
}

#[derive(Debug)]
struct Entry {
    who: Enrolled,
    connected: bool,
    since: i64,
    last_error: Option<String>,
    status: Option<(Status, i64)>,
    snapshot: Option<(Arc<Snapshot>, i64)>,
    counters: Option<(Arc<LiveCounters>, i64)>,
    samples: Samples,
    checks: Option<(Arc<Checks>, i64)>,
    orders: Option<OrdersStatus>,
    /// The serial of orders that it has answered to on this connection.
    told: Option<u64>,
    /// The revision that it refused; not offered again by itself.
    refused: Option<u64>,
    /// Pushes in a row that did not arrive.
    unreached: u32,
}

#[derive(Debug, Default)]
struct Inside {
    clusters: BTreeMap<String, Known>,
    directors: BTreeMap<String, Entry>,
    /// Clusters that are being activated: their order of pushing is the activation's.
    activating: BTreeSet<String>,
}

/// The board.
#[derive(Debug)]
pub(crate) struct Board {
    inside: Mutex<Inside>,
    tick: watch::Sender<u64>,
}

impl Default for Board {
    fn default() -> Self {
        Board { inside: Mutex::default(), tick: watch::Sender::new(0) }
    }
}

/// How what a director holds compares to what runs. Pure.
fn sync(status: Option<&Status>, known: &Known) -> Sync {
    let Some(status) = status else { return Sync::Unknown };
    let Some(held) = status.revision else {
        return if known.running.is_some() { Sync::Behind { held: None } } else { Sync::Unknown };
    };
    let Some(running) = known.running.filter(|running| held <= *running) else { return Sync::Ahead { held } };
    if known.digests.get(&held) != status.digest.as_ref() {
        return Sync::OtherContent { held };
    }
    match (held == running, status.in_sync) {
        (true, true) => Sync::InSync,
        (true, false) if status.drift_count > 0 && status.failures.is_empty() => Sync::Drifted {
            rows: status.drift_count,
            held: status.drift.iter().any(|row| row.due_s.is_none()),
        },
        (true, false) => Sync::Applying,
        (false, _) => Sync::Behind { held: Some(held) },
    }
}

/// Whether a director holds on trial what was kept: nobody has told it yet. Pure.
fn unheard(status: Option<&Status>, known: &Known) -> bool {
    let held = status.filter(|status| status.provisional_until_s.is_some()).and_then(|s| s.revision);
    !known.on_trial && held.is_some() && held == known.running
}

/// Whether what runs may be given to that director: on trial only where it has something to go back to, and has not
/// gone back from it already. Pure.
fn may_try(status: Option<&Status>, known: &Known) -> bool {
    let undone = status.and_then(|status| status.undone.as_ref()).map(|undone| undone.revision);
    let holds = status.is_some_and(|status| status.revision.is_some());
    !known.on_trial || (holds && undone != known.running)
}

/// Ends an activation when it is dropped.
pub(crate) struct Activating<'a> {
    board: &'a Board,
    cluster: String,
}

impl Drop for Activating<'_> {
    fn drop(&mut self) {
        self.board.inside().activating.remove(&self.cluster);
        self.board.ticked();
    }
}

impl Board {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has everybody who waits look again.
    pub(crate) fn ticked(&self) {
        self.tick.send_modify(|n| *n = n.wrapping_add(1));
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.tick.subscribe()
    }

    /// Takes over what the database says; what was lived stays with directors that are still there.
    pub(crate) fn refresh(&self, clusters: BTreeMap<String, Known>, directors: Vec<Enrolled>, now: i64) {
        let mut inside = self.inside();
        inside.clusters = clusters;
        let mut before = std::mem::take(&mut inside.directors);
        for who in directors {
            let id = who.id.clone();
            let entry = match before.remove(&id) {
                Some(entry) => Entry { who, ..entry },
                None => Entry {
                    who,
                    connected: false,
                    since: now,
                    last_error: None,
                    status: None,
                    snapshot: None,
                    counters: None,
                    checks: None,
                    orders: None,
                    told: None,
                    samples: Samples::default(),
                    refused: None,
                    unreached: 0,
                },
            };
            inside.directors.insert(id, entry);
        }
        drop(inside);
        self.ticked();
    }

    /// No push by itself to this cluster until the answer is dropped.
    pub(crate) fn activating(&self, cluster: &str) -> Activating<'_> {
        self.inside().activating.insert(cluster.to_owned());
        Activating { board: self, cluster: cluster.to_owned() }
    }

    /// One event of a director's stream; `at` is milliseconds on a steady clock.
    pub(crate) fn event(&self, director: &str, event: Event, at: u64, now: i64) {
        let mut inside = self.inside();
        let Some(entry) = inside.directors.get_mut(director) else { return };
        match event {
            Event::Status(status) => {
                if !entry.connected {
                    entry.connected = true;
                    entry.since = now;
                    entry.last_error = None;
                    entry.refused = None;
                    entry.unreached = 0;
                    entry.told = None;
                }
                entry.status = Some((*status, now));
            }
            Event::Snapshot(snapshot) => entry.snapshot = Some((Arc::new(*snapshot), now)),
            Event::Counters(counters) => entry.counters = Some((entry.samples.take(at, counters), now)),
            Event::Counted(change) => {
                if let Some(counters) = entry.samples.follow(at, change) {
                    entry.counters = Some((counters, now));
                }
            }
            // Kept by the event log.
            Event::Journal(_) => return,
            Event::Checks(checks) => entry.checks = Some((Arc::new(*checks), now)),
            Event::Checked(change) => {
                if let Some((checks, at)) = &mut entry.checks {
                    change.apply(Arc::make_mut(checks));
                    *at = now;
                }
            }
            Event::Orders(orders) => entry.orders = Some(*orders),
            // Nothing to show, but time has passed: a push that waits for its turn may be due.
            Event::Alive => {}
        }
        drop(inside);
        self.ticked();
    }

    /// The stream ended, or could not be opened.
    pub(crate) fn lost(&self, director: &str, error: &str, now: i64) {
        let mut inside = self.inside();
        let Some(entry) = inside.directors.get_mut(director) else { return };
        if entry.connected {
            entry.connected = false;
            entry.since = now;
            entry.samples = Samples::default();
        }
        entry.last_error = Some(error.to_owned());
        drop(inside);
        self.ticked();
    }

    /// Cluster and name of a director that has an identity.
    pub(crate) fn name_of(&self, director: &str) -> Option<(String, String)> {
        let inside = self.inside();
        let who = &inside.directors.get(director)?.who;
        Some((who.cluster.clone(), who.name.clone()))
    }

    /// A push was taken: what the stream will say in a moment is known already.
    pub(crate) fn applied(&self, director: &str, applied: &Applied, on_trial: bool) {
        let mut inside = self.inside();
        let Some(entry) = inside.directors.get_mut(director) else { return };
        entry.refused = None;
        entry.unreached = 0;
        if let Some((status, _)) = &mut entry.status {
            status.revision = Some(applied.revision);
            status.digest = Some(applied.digest.clone());
            status.in_sync = applied.in_sync;
            if !on_trial {
                status.provisional_until_s = None;
            }
        }
        drop(inside);
        self.ticked();
    }

    /// A push was refused: the same revision is not offered again until the director comes back.
    pub(crate) fn refused(&self, director: &str, revision: u64) {
        if let Some(entry) = self.inside().directors.get_mut(director) {
            entry.refused = Some(revision);
        }
    }

    /// A push did not arrive.
    pub(crate) fn unreached(&self, director: &str) {
        if let Some(entry) = self.inside().directors.get_mut(director) {
            entry.unreached = entry.unreached.saturating_add(1);
        }
    }

    /// Whether this director is to be pushed to now, without anybody asking: it is there, behind, has not refused
    /// that revision, and is not active while another that is not active is still waiting for its first try.
    pub(crate) fn due(&self, director: &str) -> bool {
        let inside = self.inside();
        let behind = |entry: &Entry| {
            let known = inside.clusters.get(&entry.who.cluster);
            entry.connected
                && known.is_some_and(|known| {
                    let status = entry.status.as_ref().map(|(s, _)| s);
                    let behind = matches!(sync(status, known), Sync::Behind { .. });
                    (behind || unheard(status, known))
                        && may_try(status, known)
                        && entry.refused != known.running
                        && known.directors.iter().any(|(name, _)| *name == entry.who.name)
                })
        };
        let active = |entry: &Entry| entry.status.as_ref().is_some_and(|(s, _)| s.state == State::Active);
        let Some(entry) = inside.directors.get(director) else { return false };
        if inside.activating.contains(&entry.who.cluster) || !behind(entry) {
            return false;
        }
        let waits_for = |other: &Entry| {
            other.who.cluster == entry.who.cluster && !active(other) && behind(other) && other.unreached == 0
        };
        !active(entry) || !inside.directors.values().any(waits_for)
    }

    /// How what this director holds compares to what runs.
    pub(crate) fn sync(&self, director: &str) -> Sync {
        let inside = self.inside();
        let Some(entry) = inside.directors.get(director) else { return Sync::Unknown };
        inside
            .clusters
            .get(&entry.who.cluster)
            .map_or(Sync::Unknown, |known| sync(entry.status.as_ref().map(|(s, _)| s), known))
    }

    /// Whether what runs may be given to that director now.
    pub(crate) fn may_try(&self, director: &str) -> bool {
        let inside = self.inside();
        let Some(entry) = inside.directors.get(director) else { return true };
        let status = entry.status.as_ref().map(|(status, _)| status);
        // Whoever has never reported may hold anything; it refuses by itself what it cannot undo.
        status.is_none() || inside.clusters.get(&entry.who.cluster).is_none_or(|known| may_try(status, known))
    }

    /// Whether a director of that cluster has undone that revision by itself.
    pub(crate) fn was_undone(&self, cluster: &str, revision: u64) -> bool {
        let inside = self.inside();
        inside.directors.values().filter(|entry| entry.who.cluster == cluster).any(|entry| {
            let undone = entry.status.as_ref().and_then(|(status, _)| status.undone.as_ref());
            undone.is_some_and(|undone| undone.revision == revision)
        })
    }

    /// The digest of what this director said it holds.
    pub(crate) fn held_digest(&self, director: &str) -> Option<Digest> {
        let inside = self.inside();
        inside.directors.get(director)?.status.as_ref()?.0.digest.clone()
    }

    /// The highest revision that any director of the cluster said it holds.
    pub(crate) fn highest_held(&self, cluster: &str) -> Option<u64> {
        let inside = self.inside();
        let entries = inside.directors.values().filter(|e| e.who.cluster == cluster);
        entries.filter_map(|e| e.status.as_ref().and_then(|(s, _)| s.revision)).max()
    }

    /// A director by cluster and name.
    pub(crate) fn by_name(&self, cluster: &str, name: &str) -> Option<LiveDirector> {
        let inside = self.inside();
        let entry = inside.directors.values().find(|e| e.who.cluster == cluster && e.who.name == name)?;
        Some(live(entry, inside.clusters.get(cluster)))
    }

    /// A director by cluster and name, else by its id.
    pub(crate) fn by_key(&self, cluster: &str, key: &str) -> Option<LiveDirector> {
        let by_id = || {
            let inside = self.inside();
            let entry = inside.directors.get(key).filter(|entry| entry.who.cluster == cluster)?;
            Some(live(entry, inside.clusters.get(cluster)))
        };
        self.by_name(cluster, key).or_else(by_id)
    }

    /// Ids of all clusters.
    pub(crate) fn clusters(&self) -> Vec<String> {
        self.inside().clusters.keys().cloned().collect()
    }

    /// A cluster's directors; those that no agent has joined for are there too.
    pub(crate) fn cluster(&self, cluster: &str, now: i64) -> LiveCluster {
        let inside = self.inside();
        let known = inside.clusters.get(cluster).cloned().unwrap_or_default();
        let directors = known
            .directors
            .iter()
            .map(|(name, seat)| {
                let entry =
                    inside.directors.values().find(|e| e.who.cluster == cluster && e.who.name == *name);
                entry.map_or_else(
                    || LiveDirector::unjoined(name, *seat, timestamp(now)),
                    |entry| live(entry, Some(&known)),
                )
            })
            .collect();
        LiveCluster { running: known.running, directors }
    }
}

fn live(entry: &Entry, known: Option<&Known>) -> LiveDirector {
    let status = entry.status.as_ref().map(|(s, _)| s);
    let seat = known.and_then(|k| k.directors.iter().find(|(name, _)| *name == entry.who.name));
    LiveDirector {
        id: Some(entry.who.id.clone()),
        name: entry.who.name.clone(),
        seat: seat.map(|(_, seat)| *seat),
        connected: entry.connected,
        since: timestamp(entry.since),
        last_error: entry.last_error.clone(),
        sync: known.map_or(Sync::Unknown, |known| sync(status, known)),
        status: status.cloned(),
        status_at: entry.status.as_ref().map(|(_, at)| timestamp(*at)),
        snapshot: entry.snapshot.as_ref().map(|(s, _)| Arc::clone(s)),
        snapshot_at: entry.snapshot.as_ref().map(|(_, at)| timestamp(*at)),
        counters: entry.counters.as_ref().map(|(c, _)| Arc::clone(c)),
        counters_at: entry.counters.as_ref().map(|(_, at)| timestamp(*at)),
        checks: entry.checks.as_ref().map(|(checks, _)| Arc::clone(checks)),
        checks_at: entry.checks.as_ref().map(|(_, at)| timestamp(*at)),
        orders: entry.orders.clone(),
    }
}

#[cfg(test)]
mod tests;
