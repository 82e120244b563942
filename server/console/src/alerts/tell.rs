//! Asks each rule what it tells, and keeps the messages together with what was seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use store::{AlertState, NewAlertMessage, Tx};

use super::decide::{Now, Seen, Told, decide};
use super::types::Way;
use super::{
    AlertLetter, AlertLine, AlertRule, AlertText, AlertWords, ChannelSettings, read, rules, silences, written,
};
use crate::clock::timestamp;
use crate::problems::can_see;
use crate::{Console, Failure, LiveCluster, Problem, ProblemOf};

/// Seconds after the console's start in which nothing is told: its links have to be made first.
const PATIENCE_S: i64 = 20;

/// A cluster at this moment.
struct Scene {
    id: String,
    name: String,
    live: LiveCluster,
    problems: Vec<Problem>,
}

/// What a rule remembers of a cluster, by the problem's key.
type Memory = BTreeMap<String, Seen>;

impl Console {
    /// Tells what is to be told now. Called every two seconds.
    pub(crate) async fn tell_alerts(&self) -> Result<(), Failure> {
        let now = self.now();
        let Some(words) = self.inner.alerts.words.get().filter(|_| now >= self.inner.opened + PATIENCE_S)
        else {
            return Ok(());
        };
        let mut tx = self.inner.store.read().await?;
        let rules = tx.alert_rules().await?.into_iter().map(rules::rule).collect::<Result<Vec<_>, _>>()?;
        if rules.is_empty() {
            return Ok(());
        }
        let silences = silences::current(&mut tx, now).await?;
        let mut memories: BTreeMap<(String, String), Memory> = BTreeMap::new();
        for state in tx.alert_states().await? {
            let seen: Seen = read(&state.content)?;
            memories.entry((state.rule, state.cluster)).or_default().insert(state.problem, seen);
        }
        let scenes = self.scenes(&mut tx, now).await?;
        drop(tx);
        for scene in &scenes {
            for rule in &rules {
                let looks = rule.settings.active
                    && rule.settings.cluster.as_ref().is_none_or(|only| *only == scene.id);
                let place = (rule.id.clone(), scene.id.clone());
                let before = memories.remove(&place).unwrap_or_default();
                let mut memory = before.clone();
                let told = if looks {
                    let last = self.inner.alerts.last().get(&place).copied();
                    decide(
                        &rule.settings,
                        &mut memory,
                        &Now {
                            at: now,
                            problems: &scene.problems,
                            silenced: &|problem| {
                                silences.iter().any(|one| one.settings.covers(&scene.id, problem, now))
                            },
                            can_see: &|problem| can_see(&scene.live, problem),
                            last,
                        },
                    )
                } else {
                    memory.clear();
                    Told::default()
                };
                if memory != before || !told.is_empty() {
                    self.keep_told(rule, scene, &before, &memory, told, words, now).await?;
                }
            }
        }
        Ok(())
    }

    async fn scenes(&self, tx: &mut Tx, now: i64) -> Result<Vec<Scene>, Failure> {
        let mut scenes = Vec::new();
        for cluster in tx.clusters().await? {
            let live = self.inner.live.cluster(&cluster.id, now);
            let running = tx.newest_revision(&cluster.id).await?;
            let problems = running.as_ref().map(|running| crate::problems(&running.content, &live, now));
            let name = running.map_or(cluster.name, |running| running.content.name.clone());
            scenes.push(Scene { id: cluster.id, name, live, problems: problems.unwrap_or_default() });
        }
        Ok(scenes)
    }

    /// Keeps what changed in a rule's memory of a cluster, with the message, in one transaction.
    #[allow(clippy::too_many_arguments, reason = "what one round of one rule has come to; called once")]
    async fn keep_told(
        &self,
        rule: &AlertRule,
        scene: &Scene,
        before: &Memory,
        memory: &Memory,
        told: Told,
        words: &Arc<dyn AlertWords>,
        now: i64,
    ) -> Result<(), Failure> {
        let mut tx = self.inner.store.write().await?;
        // Rule or cluster may have been removed in the meantime.
        if !tx.alert_rules().await?.iter().any(|one| one.id == rule.id)
            || tx.cluster(&scene.id).await?.is_none()
        {
            return Ok(());
        }
        for problem in before.keys().filter(|key| !memory.contains_key(*key)) {
            tx.delete_alert_state(&rule.id, &scene.id, problem).await?;
        }
        for (problem, seen) in memory.iter().filter(|(key, seen)| before.get(*key) != Some(seen)) {
            let (rule, cluster) = (rule.id.clone(), scene.id.clone());
            let content = written(seen)?;
            tx.put_alert_state(&AlertState { rule, cluster, problem: problem.clone(), content }).await?;
        }
        let is_told = !told.is_empty();
        if is_told {
            let channels = tx.alert_channels().await?;
            if let Some(channel) = channels.iter().find(|one| one.id == rule.settings.channel) {
                let settings: ChannelSettings = read(&channel.content)?;
                let letter = self.letter(rule, scene, told, now);
                let text = words.letter(&settings.language, &letter);
                let body = match settings.way {
                    Way::Email(_) => text.body.clone(),
                    Way::Webhook(_) => posted(&settings.language, &letter, &text, words.as_ref())?,
                };
                tx.insert_alert_message(&NewAlertMessage {
                    at: now,
                    rule: Some(&rule.settings.name),
                    channel: &channel.id,
                    cluster: Some(&scene.id),
                    subject: &text.subject,
                    body: &body,
                    due: now,
                })
                .await?;
            }
        }
        tx.commit().await?;
        if is_told {
            self.inner.alerts.last().insert((rule.id.clone(), scene.id.clone()), now);
        }
        Ok(())
    }

    fn letter(&self, rule: &AlertRule, scene: &Scene, told: Told, now: i64) -> AlertLetter {
        let lines = |seen: Vec<Seen>| {
            let line = |one: Seen| AlertLine { problem: one.problem, since: timestamp(one.began) };
            seen.into_iter().map(line).collect::<Vec<_>>()
        };
        AlertLetter {
            rule: rule.settings.name.clone(),
            cluster: scene.name.clone(),
            cluster_id: scene.id.clone(),
            at: timestamp(now),
            begun: lines(told.begun),
            lasting: lines(told.lasting),
            over: lines(told.over),
            console: self.address(),
        }
    }

    /// Where people find this console; none where it was given no name.
    fn address(&self) -> Option<String> {
        let port = self.listening().map_or(3636, |address| address.port());
        self.named().map(|name| {
            let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
            format!("https://{name}:{port}")
        })
    }
}

/// What is posted: the numbers for programs, and one text for chats.
fn posted(
    language: &str,
    letter: &AlertLetter,
    text: &AlertText,
    words: &dyn AlertWords,
) -> Result<String, Failure> {
    let line = |state: &'static str, line: &AlertLine| {
        let mut value = json!({
            "state": state,
            "kind": line.problem.kind,
            "key": line.problem.key(),
            "critical": line.problem.kind.is_critical(),
            "since": line.since,
            "text": words.sentence(language, &line.problem),
        });
        if let Some(members) = value.as_object_mut() {
            match &line.problem.of {
                ProblemOf::Cluster => {}
                ProblemOf::Director(name) => {
                    members.insert("director".to_owned(), json!(name));
                }
                ProblemOf::Service(_, name) => {
                    members.insert("virtual_server".to_owned(), json!(name));
                }
                ProblemOf::Server { service, name, .. } => {
                    members.insert("virtual_server".to_owned(), json!(service));
                    members.insert("real_server".to_owned(), json!(name));
                }
            }
        }
        value
    };
    let mut problems: Vec<serde_json::Value> = letter.begun.iter().map(|one| line("begun", one)).collect();
    problems.extend(letter.lasting.iter().map(|one| line("lasting", one)));
    problems.extend(letter.over.iter().map(|one| line("over", one)));
    let url = letter.console.as_ref().map(|console| format!("{console}/clusters/{}", letter.cluster_id));
    written(&json!({
        "type": "caribe.alert",
        "timestamp": letter.at,
        "rule": letter.rule,
        "cluster": { "id": letter.cluster_id, "name": letter.cluster },
        "problems": problems,
        "text": text.body,
        "url": url,
    }))
}
