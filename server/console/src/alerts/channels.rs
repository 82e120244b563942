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

    /// Makes a channel. Needs Admin.
    pub async fn create_alert_channel(
        &self,
        actor: &Actor,
        settings: ChannelSettings,
        secret: NewSecret,
    ) -> Result<AlertChannel, AlertError> {
        actor.require(Role::Admin)?;
        let row = store::AlertChannel {
            id: secret::id("ch_")?,
            name: settings.name.trim().to_owned(),
            content: String::new(),
            secret: None,
        };
        self.put_channel(actor, "alert.channel.create", row, settings, secret).await
    }

    /// Changes a channel, by id or name. Needs Admin.
    pub async fn change_alert_channel(
        &self,
        actor: &Actor,
        key: &str,
        settings: ChannelSettings,
        secret: NewSecret,
    ) -> Result<AlertChannel, AlertError> {
        actor.require(Role::Admin)?;
        let all = self.inner.store.read().await?.alert_channels().await?;
        let row = all.into_iter().find(|one| one.id == key || one.name == key).ok_or_else(|| missing(key))?;
        let old: ChannelSettings = read(&row.content)?;
        if old.way.as_str() != settings.way.as_str() {
            return Err(AlertError::Invalid(vec![("way", WrongAlert::Kind)]));
        }
        self.put_channel(actor, "alert.channel.change", row, settings, secret).await
    }

    async fn put_channel(
        &self,
        actor: &Actor,
        action: &str,
        row: store::AlertChannel,
        mut settings: ChannelSettings,
        secret: NewSecret,
    ) -> Result<AlertChannel, AlertError> {
        settings.name = settings.name.trim().to_owned();
        let secret = match secret {
            NewSecret::Keep => row.secret,
            NewSecret::Remove => None,
            NewSecret::Set(secret) => {
                Some(self.inner.vault.seal(PURPOSE, &row.id, secret.as_bytes()).map_err(AlertError::Failed)?)
            }
        };
        let wrong = settings.check(secret.is_some());
        if !wrong.is_empty() {
            return Err(AlertError::Invalid(wrong));
        }
        let content = written(&settings)?;
        let row = store::AlertChannel { id: row.id, name: settings.name.clone(), content, secret };
        let mut tx = self.inner.store.write().await?;
        match tx.put_alert_channel(&row).await {
            Err(error) if error.is("alert_channel_name_unique") => {
                return Err(AlertError::Invalid(vec![("name", WrongAlert::Taken)]));
            }
            other => other?,
        }
        self.audit_row(&mut tx, actor, action, &row.name, settings.way.as_str()).await?;
        tx.commit().await?;
        channel(row)
    }

    /// Whether a channel would be taken, without making it. Needs Admin.
    pub async fn check_alert_channel(
        &self,
        actor: &Actor,
        key: Option<&str>,
        settings: &ChannelSettings,
        secret: &NewSecret,
    ) -> Result<(), AlertError> {
        actor.require(Role::Admin)?;
        let all = self.alert_channels().await?;
        let old = key.map(|key| all.iter().find(|one| one.id == key || one.settings.name == key));
        let had = old.flatten().is_some_and(|one| one.has_secret);
        let mut wrong = settings.check(match secret {
            NewSecret::Keep => had,
            NewSecret::Remove => false,
            NewSecret::Set(_) => true,
        });
        let same = |name: &str| name.to_lowercase() == settings.name.trim().to_lowercase();
        let own = old.flatten().map(|one| &one.id);
        if all.iter().any(|one| same(&one.settings.name) && Some(&one.id) != own) {
            wrong.push(("name", WrongAlert::Taken));
        }
        if wrong.is_empty() { Ok(()) } else { Err(AlertError::Invalid(wrong)) }
    }

    /// Removes a channel, by id or name, with its part of the delivery log. Needs Admin.
    pub async fn delete_alert_channel(&self, actor: &Actor, key: &str) -> Result<(), AlertError> {
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
        tx.delete_alert_channel(&row.id).await?;
        self.audit_row(&mut tx, actor, "alert.channel.delete", &row.name, "").await?;
        Ok(tx.commit().await?)
    }
}
