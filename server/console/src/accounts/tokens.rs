//! API tokens: `caribe_PREFIX_SECRET`. The prefix finds the row, the hash of the whole is compared; a token never
//! may more than its owner, and dies with them.

use jiff::Timestamp;
use store::ApiToken;

use super::{AccountError, NameError, NewToken, TokenInfo, TokenRequest, check_name, timestamp};
use crate::audit::About;
use crate::clusters::find;
use crate::{Actor, ActorKind, Console, Error, Failure, Missing, Role, Thing, secret};

/// Seconds a token lasts where nothing else is said.
const LIFE: i64 = 90 * 86_400;
/// The time of last use is written at most this often, seconds.
const TOUCH: i64 = 60;
/// Longer texts are no tokens of ours.
const LONGEST: usize = 128;

fn info(token: ApiToken) -> Result<TokenInfo, Failure> {
    Ok(TokenInfo {
        role: token.role.parse().map_err(|e| Failure::of("token", e))?,
        name: token.name,
        prefix: token.prefix,
        owner: token.owner,
        cluster: token.cluster,
        expires: timestamp(token.expires),
        last_used: token.last_used.map(timestamp),
    })
}

impl Console {
    /// Who a bearer token belongs to; none where it is unknown or expired, or its owner is gone or disabled.
    pub async fn bearer(&self, token: &str) -> Result<Option<Actor>, Failure> {
        let Some(prefix) = token.strip_prefix("caribe_").and_then(|rest| rest.split('_').next()) else {
            return Ok(None);
        };
        if token.len() > LONGEST {
            return Ok(None);
        }
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let Some(found) = tx.api_token(prefix).await? else { return Ok(None) };
        if !secret::same(&found.hash, &secret::hash(token)) || found.expires <= now {
            return Ok(None);
        }
        let mut role: Role = found.role.parse().map_err(|e| Failure::of("token", e))?;
        if let Some(owner) = &found.owner {
            let Some(owner) = tx.account(owner).await?.filter(|a| !a.disabled) else { return Ok(None) };
            role = role.min(owner.role.parse().map_err(|e| Failure::of("account", e))?);
        }
        drop(tx);
        if found.last_used.is_none_or(|used| used + TOUCH <= now) {
            self.used(self.touch_token(&found.name, now).await)?;
        }
        Ok(Some(Actor {
            name: found.name,
            kind: ActorKind::Token,
            role,
            source: None,
            cluster: found.cluster,
        }))
    }

    async fn touch_token(&self, name: &str, now: i64) -> Result<(), Failure> {
        let mut tx = self.inner.store.write().await?;
        tx.touch_api_token(name, now).await?;
        Ok(tx.commit().await?)
    }

    /// Makes a token that may at most `role`, good until `expires` (90 days where absent). Needs Admin.
    pub async fn create_token(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
        expires: Option<Timestamp>,
    ) -> Result<NewToken, AccountError> {
        self.create_token_for(actor, TokenRequest { name, role, expires, cluster: None }).await
    }

    /// The same, for one cluster (by id or name) alone where one is named. Needs Admin.
    pub async fn create_token_for(
        &self,
        actor: &Actor,
        request: TokenRequest<'_>,
    ) -> Result<NewToken, AccountError> {
        let TokenRequest { name, role, expires, cluster } = request;
        actor.require(Role::Admin.max(role))?;
        check_name(name)?;
        let now = self.now();
        let expires = expires.map_or(now + LIFE, Timestamp::as_second);
        if expires <= now {
            return Err(AccountError::Expired);
        }
        let prefix = hex::encode(secret::random::<5>()?);
        let whole = format!("caribe_{prefix}_{}", secret::token()?);
        let mut tx = self.inner.store.write().await?;
        let cluster = match cluster {
            Some(key) => Some(find(&mut tx, key).await?.id),
            None => None,
        };
        let owner = match actor.kind {
            ActorKind::Account => Some(actor.name.clone()),
            // A token that makes tokens makes them for whoever owns it.
            ActorKind::Token => {
                tx.api_tokens().await?.into_iter().find(|t| t.name == actor.name).and_then(|t| t.owner)
            }
            ActorKind::Local => None,
        };
        let token = ApiToken {
            name: name.to_owned(),
            prefix,
            hash: secret::hash(&whole),
            owner,
            role: role.as_str().to_owned(),
            created: now,
            expires,
            last_used: None,
            cluster,
        };
        match tx.insert_api_token(&token).await {
            Err(error) if error.is("api_token_name_unique") => return Err(NameError::Taken.into()),
            other => other?,
        }
        let about = About {
            action: "token.create",
            subject: name,
            cluster: token.cluster.as_deref(),
            detail: role.as_str(),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        Ok(NewToken { secret: whole, info: info(token)? })
    }

    /// All tokens, by name. Needs Admin.
    pub async fn tokens(&self, actor: &Actor) -> Result<Vec<TokenInfo>, Error> {
        actor.require(Role::Admin)?;
        let tokens = self.inner.store.read().await?.api_tokens().await?;
        Ok(tokens.into_iter().map(info).collect::<Result<_, _>>()?)
    }

    /// Ends a token. Needs Admin.
    pub async fn delete_token(&self, actor: &Actor, name: &str) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.write().await?;
        if !tx.delete_api_token(name).await? {
            return Err(Missing::new(Thing::Token, name).into());
        }
        self.audit_row(&mut tx, actor, "token.delete", name, "").await?;
        Ok(tx.commit().await?)
    }
}
