//! Rules: made, changed, removed. Needs Admin.

use store::Tx;

use super::{AlertError, AlertRule, RuleSettings, WrongAlert, WrongAlerts, read, written};
use crate::{Actor, Console, Missing, Role, Thing, secret};

/// A rule of its row; the row's name, channel and cluster are the ones that count.
pub(super) fn rule(row: store::AlertRule) -> Result<AlertRule, crate::Failure> {
    let settings: RuleSettings = read(&row.content)?;
    let store::AlertRule { id, name, channel, cluster, .. } = row;
    Ok(AlertRule { id, settings: RuleSettings { name, channel, cluster, ..settings } })
}

fn missing(key: &str) -> AlertError {
    AlertError::Missing(Missing::new(Thing::AlertRule, key))
}

/// The same with ids in place of names, and what is wrong with it; `own`: the id of the rule itself.
async fn resolved(
    tx: &mut Tx,
    own: Option<&str>,
    mut settings: RuleSettings,
) -> Result<(RuleSettings, WrongAlerts), AlertError> {
    settings.name = settings.name.trim().to_owned();
    settings.kinds.sort();
    settings.kinds.dedup();
    let mut wrong = settings.check();
    let channels = tx.alert_channels().await?;
    let key = settings.channel.as_str();
    match channels.into_iter().find(|one| one.id == key || one.name == key) {
        Some(found) => settings.channel = found.id,
        None => wrong.push(("channel", WrongAlert::Channel)),
    }
    if let Some(key) = settings.cluster.as_deref() {
        match tx.cluster(key).await? {
            Some(found) => settings.cluster = Some(found.id),
            None => wrong.push(("cluster", WrongAlert::Cluster)),
        }
    }
    let same = |name: &str| name.to_lowercase() == settings.name.to_lowercase();
    if tx.alert_rules().await?.iter().any(|one| same(&one.name) && Some(one.id.as_str()) != own) {
        wrong.push(("name", WrongAlert::Taken));
    }
    Ok((settings, wrong))
}

impl Console {
    /// All rules, by name.
    pub async fn alert_rules(&self) -> Result<Vec<AlertRule>, AlertError> {
        let rows = self.inner.store.read().await?.alert_rules().await?;
        Ok(rows.into_iter().map(rule).collect::<Result<_, _>>()?)
    }

    /// One rule, by id or name.
    pub async fn alert_rule(&self, key: &str) -> Result<AlertRule, AlertError> {
        let all = self.alert_rules().await?;
        all.into_iter().find(|one| one.id == key || one.settings.name == key).ok_or_else(|| missing(key))
    }

    /// Makes a rule; only looks whether it could be made where `rehearse` is set. Needs Admin.
    pub async fn create_alert_rule(
        &self,
        actor: &Actor,
        settings: RuleSettings,
        rehearse: bool,
    ) -> Result<AlertRule, AlertError> {
        self.put_rule(actor, None, settings, rehearse).await
    }

    /// Changes a rule, by id or name; only looks whether it could be where `rehearse` is set. Needs Admin.
    pub async fn change_alert_rule(
        &self,
        actor: &Actor,
        key: &str,
        settings: RuleSettings,
        rehearse: bool,
    ) -> Result<AlertRule, AlertError> {
        let old = self.alert_rule(key).await?;
        self.put_rule(actor, Some(old.id), settings, rehearse).await
    }

    async fn put_rule(
        &self,
        actor: &Actor,
        own: Option<String>,
        settings: RuleSettings,
        rehearse: bool,
    ) -> Result<AlertRule, AlertError> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.write().await?;
        let (settings, wrong) = resolved(&mut tx, own.as_deref(), settings).await?;
        if !wrong.is_empty() {
            return Err(AlertError::Invalid(wrong));
        }
        let action = if own.is_some() { "alert.rule.change" } else { "alert.rule.create" };
        let id = own.map_or_else(|| secret::id("ru_"), Ok)?;
        let row = store::AlertRule {
            id: id.clone(),
            name: settings.name.clone(),
            channel: settings.channel.clone(),
            cluster: settings.cluster.clone(),
            content: written(&settings)?,
        };
        if !rehearse {
            tx.put_alert_rule(&row).await?;
            self.audit_row(&mut tx, actor, action, &row.name, &row.content).await?;
            tx.commit().await?;
        }
        Ok(AlertRule { id, settings })
    }

    /// Removes a rule, by id or name. Needs Admin.
    pub async fn delete_alert_rule(&self, actor: &Actor, key: &str) -> Result<(), AlertError> {
        actor.require(Role::Admin)?;
        let old = self.alert_rule(key).await?;
        let mut tx = self.inner.store.write().await?;
        tx.delete_alert_rule(&old.id).await?;
        self.audit_row(&mut tx, actor, "alert.rule.delete", &old.settings.name, "").await?;
        Ok(tx.commit().await?)
    }
}
