//! Channels: made, changed, removed, tried. Needs Admin; secrets go in and never come out.

use super::{AlertChannel, AlertError, ChannelSettings, WrongAlert, read, written};
use crate::{Actor, Console, Missing, Role, Thing, secret};

/// What secrets of channels are sealed for.
pub(super) const PURPOSE: &str = "alert channel";

/// What becomes of the secret of a channel that is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewSecret {
    /// It stays as it is.
    Keep,
    /// There is none from now on.
    Remove,
    /// It becomes this one.
    Set(String),
}

fn channel(row: store::AlertChannel) -> Result<AlertChannel, AlertError> {
    let settings: ChannelSettings = read(&row.content)?;
    Ok(AlertChannel { id: row.id, settings, has_secret: row.secret.is_some() })
}

fn missing(key: &str) -> AlertError {
    AlertError::Missing(Missing::new(Thing::AlertChannel, key))
}

impl Console {
    /// All channels, by name, without their secrets.
    pub async fn alert_channels(&self) -> Result<Vec<AlertChannel>, AlertError> {
        let rows = self.inner.store.read().await?.alert_channels().await?;
        rows.into_iter().map(channel).collect()
    }

    /// One channel, by id or name.
    pub async fn alert_channel(&self, key: &str) -> Result<AlertChannel, AlertError> {
        let all = self.alert_channels().await?;
        all.into_iter().find(|one| one.id == key || one.settings.name == key).ok_or_else(|| missing(key))
    }

    /// Makes a channel; only looks whether it could be made where `rehearse` is set. Needs Admin.
    pub async fn create_alert_channel(
        &self,
        actor: &Actor,
        settings: ChannelSettings,
        secret: NewSecret,
        rehearse: bool,
    ) -> Result<AlertChannel, AlertError> {
        self.put_channel(actor, None, settings, secret, rehearse).await
    }

    /// Changes a channel, by id or name; only looks whether it could be where `rehearse` is set. Needs Admin.
    pub async fn change_alert_channel(
        &self,
        actor: &Actor,
        key: &str,
        settings: ChannelSettings,
        secret: NewSecret,
        rehearse: bool,
    ) -> Result<AlertChannel, AlertError> {
        self.put_channel(actor, Some(key), settings, secret, rehearse).await
    }

    async fn put_channel(
        &self,
        actor: &Actor,
        key: Option<&str>,
        mut settings: ChannelSettings,
        secret: NewSecret,
        rehearse: bool,
    ) -> Result<AlertChannel, AlertError> {
        actor.require(Role::Admin)?;
        settings.name = settings.name.trim().to_owned();
        let mut tx = self.inner.store.write().await?;
        let all = tx.alert_channels().await?;
        let known = |key: &str| all.iter().find(|one| one.id == key || one.name == key);
        let old = key.map(|key| known(key).ok_or_else(|| missing(key))).transpose()?;
        let id = old.map_or_else(|| secret::id("ch_"), |old| Ok(old.id.clone()))?;
        let secret = match secret {
            NewSecret::Keep => old.and_then(|old| old.secret.clone()),
            NewSecret::Remove => None,
            NewSecret::Set(secret) => {
                Some(self.inner.vault.seal(PURPOSE, &id, secret.as_bytes()).map_err(AlertError::Failed)?)
            }
        };
        let mut wrong = settings.check(secret.is_some());
        if let Some(old) = old
            && read::<ChannelSettings>(&old.content)?.way.as_str() != settings.way.as_str()
        {
            wrong.push(("way", WrongAlert::Kind));
        }
        let is_taken = |one: &store::AlertChannel| one.name.to_lowercase() == settings.name.to_lowercase();
        if all.iter().any(|one| one.id != id && is_taken(one)) {
            wrong.push(("name", WrongAlert::Taken));
        }
        if !wrong.is_empty() {
            return Err(AlertError::Invalid(wrong));
        }
        let action = if old.is_some() { "alert.channel.change" } else { "alert.channel.create" };
        let content = written(&settings)?;
        let row = store::AlertChannel { id, name: settings.name.clone(), content, secret };
        if !rehearse {
            tx.put_alert_channel(&row).await?;
            self.audit_row(&mut tx, actor, action, &row.name, settings.way.as_str()).await?;
            tx.commit().await?;
        }
        channel(row)
    }

    /// Removes a channel, by id or name, with its part of the delivery log; only looks whether it could be where `rehearse`
    /// is set. Needs Admin.
    pub async fn delete_alert_channel(
        &self,
        actor: &Actor,
        key: &str,
        rehearse: bool,
    ) -> Result<(), AlertError> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.write().await?;
        let all = tx.alert_channels().await?;
        let row = all.into_iter().find(|one| one.id == key || one.name == key).ok_or_else(|| missing(key))?;
        let users: Vec<String> = tx
            .alert_rules()
            .await?
            .into_iter()
            .filter(|rule| rule.channel == row.id)
            .map(|rule| rule.name)
            .collect();
        if !users.is_empty() {
            return Err(AlertError::InUse(users));
        }
        if rehearse {
            return Ok(());
        }
        tx.delete_alert_channel(&row.id).await?;
        self.audit_row(&mut tx, actor, "alert.channel.delete", &row.name, "").await?;
        Ok(tx.commit().await?)
    }
}
