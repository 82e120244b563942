//! Alerts: who is told what is wrong, by mail or webhook, when, and what came of it.
//!
//! What is wrong is decided in `problems`; when it is told in `decide`; `tell` runs that every two seconds for each rule
//! and cluster and keeps the messages in the database with what was seen, so that a restart neither forgets nor
//! repeats; `send` brings them out and tries again what did not arrive. The words are the pages': whoever renders them
//! gives them to [`Console::speak`], and nothing is told before. Pages and API call what is here.

mod channels;
mod decide;
pub(crate) mod outside;
mod rules;
mod send;
mod silences;
mod tell;
mod types;
mod wrong;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::timestamp;
use crate::{Console, Error, Failure, Problem};

pub use channels::NewSecret;
pub use types::*;
pub use wrong::{AlertError, WrongAlert, WrongAlerts};

/// Messages given at once, at most.
const AT_ONCE: u32 = 500;
/// Seconds that messages and ended silences are kept: 90 days.
const KEPT_S: i64 = 90 * 86_400;

/// A problem in a message.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertLine {
    /// What is (or was) wrong.
    pub problem: Problem,
    /// Since when.
    pub since: Timestamp,
}

/// What is to be said.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertLetter {
    /// The rule's name.
    pub rule: String,
    /// The cluster's name.
    pub cluster: String,
    /// The cluster's id.
    pub cluster_id: String,
    /// When it was decided.
    pub at: Timestamp,
    /// What has begun.
    pub begun: Vec<AlertLine>,
    /// What was told before and lasts.
    pub lasting: Vec<AlertLine>,
    /// What is over.
    pub over: Vec<AlertLine>,
    /// Where the console is, without a slash at the end; none where it has no name.
    pub console: Option<String>,
}

/// It in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertText {
    /// One line.
    pub subject: String,
    /// The whole, for mail.
    pub body: String,
}

/// Who puts alerts into words, in one of the languages of channels.
pub trait AlertWords: Send + Sync {
    /// A whole message.
    fn letter(&self, language: &str, letter: &AlertLetter) -> AlertText;
    /// One problem as a sentence.
    fn sentence(&self, language: &str, problem: &Problem) -> String;
    /// A message that only shows that the way is open, of the channel with that name.
    fn test(&self, language: &str, channel: &str) -> AlertText;
}

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertOutcome {
    /// It is to be sent, or sent again.
    Waiting,
    /// The mail server or web server took it.
    Sent,
    /// It was given up.
    Failed,
}

impl AlertOutcome {
    /// All of them.
    pub const ALL: [AlertOutcome; 3] = [AlertOutcome::Waiting, AlertOutcome::Sent, AlertOutcome::Failed];

    /// The word in the database, in answers and catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertOutcome::Waiting => "waiting",
            AlertOutcome::Sent => "sent",
            AlertOutcome::Failed => "failed",
        }
    }
}

/// A message of the delivery log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertMessage {
    /// Rising.
    pub number: i64,
    /// When it was decided.
    pub at: Timestamp,
    /// The rule's name; none for a test.
    pub rule: Option<String>,
    /// The channel's id.
    pub channel_id: String,
    /// The cluster's id; none for a test.
    pub cluster_id: Option<String>,
    /// One line.
    pub subject: String,
    /// What came of it.
    pub outcome: AlertOutcome,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    pub due: Option<Timestamp>,
    /// Why it did not arrive at the last attempt.
    pub error: Option<String>,
}

/// Something that is wrong, and who knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The cluster's id.
    pub cluster_id: String,
    /// Its name.
    pub cluster: String,
    /// What.
    pub problem: Problem,
    /// Since when, as far as that is known.
    pub since: Option<Timestamp>,
    /// When somebody was told last.
    pub told: Option<Timestamp>,
    /// Until when nobody is told.
    pub silenced_until: Option<Timestamp>,
}

/// What of alerts is in memory.
#[derive(Default)]
pub(crate) struct Alerts {
    words: OnceLock<Arc<dyn AlertWords>>,
    /// When each rule (by id) told something about each cluster (by id) last.
    last: Mutex<BTreeMap<(String, String), i64>>,
}

impl std::fmt::Debug for Alerts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alerts").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Alerts {
    fn last(&self) -> MutexGuard<'_, BTreeMap<(String, String), i64>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Content of a row.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::of("stored alerts", error))
}

fn written(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::of("alerts", error))
}

impl Console {
    /// Says who puts alerts into words; the first word counts. Nothing is told before.
    pub fn speak(&self, words: Arc<dyn AlertWords>) {
        let _ = self.inner.alerts.words.set(words);
    }

    /// All that is wrong in all clusters, by cluster, the worst first.
    pub async fn alerts(&self) -> Result<Vec<Alert>, Error> {
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let silences = silences::current(&mut tx, now).await?;
        let mut seen: BTreeMap<(String, String), decide::Seen> = BTreeMap::new();
        for state in tx.alert_states().await? {
            let one: decide::Seen = read(&state.content)?;
            let known = seen.entry((state.cluster, state.problem)).or_insert_with(|| one.clone());
            known.told = known.told.max(one.told);
            known.began = known.began.min(one.began);
        }
        let mut all = Vec::new();
        for cluster in tx.clusters().await? {
            let Some(running) = tx.newest_revision(&cluster.id).await? else { continue };
            let live = self.inner.live.cluster(&cluster.id, now);
            for problem in crate::problems(&running.content, &live, now) {
                let known = seen.get(&(cluster.id.clone(), problem.key()));
                let covering = silences.iter().filter(|one| one.settings.covers(&cluster.id, &problem, now));
                all.push(Alert {
                    cluster_id: cluster.id.clone(),
                    cluster: running.content.name.clone(),
                    since: problem.since_s().or(known.map(|one| one.began)).map(timestamp),
                    told: known.and_then(|one| one.told).map(timestamp),
                    silenced_until: covering.map(|one| one.settings.ends).max(),
                    problem,
                });
            }
        }
        Ok(all)
    }

    /// The delivery log with numbers below `before`, the newest first, so many at most (500).
    pub async fn alert_messages(&self, before: Option<i64>, limit: u32) -> Result<Vec<AlertMessage>, Error> {
        let mut tx = self.inner.store.read().await?;
        let rows = tx.alert_messages(before, limit.min(AT_ONCE)).await?;
        Ok(rows.into_iter().map(AlertMessage::from).collect())
    }

    /// How many messages of the delivery log have each outcome.
    pub async fn count_alert_messages(&self) -> Result<Vec<(AlertOutcome, i64)>, Failure> {
        let counted = self.inner.store.read().await?.count_alert_messages().await?;
        let of = |outcome: AlertOutcome| counted.iter().find(|(word, _)| word == outcome.as_str());
        Ok(AlertOutcome::ALL.map(|outcome| (outcome, of(outcome).map_or(0, |(_, count)| *count))).into())
    }

    /// Forgets messages and silences that are long over.
    pub(crate) async fn forget_alerts(&self) -> Result<(), Failure> {
        let mut tx = self.inner.store.write().await?;
        tx.forget_alerts(self.now() - KEPT_S).await?;
        Ok(tx.commit().await?)
    }
}

impl From<store::AlertMessage> for AlertMessage {
    fn from(row: store::AlertMessage) -> Self {
        let named = |outcome: &AlertOutcome| outcome.as_str() == row.outcome;
        AlertMessage {
            number: row.number,
            at: timestamp(row.at),
            outcome: AlertOutcome::ALL.into_iter().find(named).unwrap_or(AlertOutcome::Failed),
            rule: row.rule,
            channel_id: row.channel,
            cluster_id: row.cluster,
            subject: row.subject,
            attempts: row.attempts,
            due: row.due.map(timestamp),
            error: row.error,
        }
    }
}
