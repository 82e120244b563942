//! `/api/v1/accounts`, `/api/v1/tokens` and `/api/v1/audit`: for administrators.

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{AccountInfo, AuditEntry, NameError, NewPasswordCode, Role, TokenInfo, TokenRequest};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::request::{self, created, limit, listed, object, ok, rehearsed, tag_of, tagged, typed, wants};
use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::screens::audit::query;
use crate::visit::Member;

/// Rows in one answer where nothing else is asked for.
const LIMIT: u64 = 100;

fn etag(account: &AccountInfo) -> String {
    let (state, codes) = (if account.disabled { "disabled" } else { "enabled" }, account.second_factor);
    format!("{}-{}-{state}{}", account.name, account.role, if codes { "-second-factor" } else { "" })
}

/// Who asks.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Me")]
pub(super) struct MeShape {
    /// Of the account or token.
    name: String,
    /// `account` or `token`.
    kind: &'static str,
    role: RoleShape,
    /// The id of the only cluster that a token reaches; absent where it reaches all.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
}

/// `GET /me`
pub(super) async fn me(member: Member) -> Result<Response, Error> {
    let actor = &member.actor;
    let (kind, role) = (actor.kind.as_str(), actor.role.into());
    Ok(ok(MeShape { name: actor.name.clone(), kind, role, cluster: actor.cluster.clone() }))
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Role")]
pub(super) enum RoleShape {
    Viewer,
    Operator,
    Editor,
    Approver,
    Admin,
}

impl From<RoleShape> for Role {
    fn from(role: RoleShape) -> Self {
        match role {
            RoleShape::Viewer => Role::Viewer,
            RoleShape::Operator => Role::Operator,
            RoleShape::Editor => Role::Editor,
            RoleShape::Approver => Role::Approver,
            RoleShape::Admin => Role::Admin,
        }
    }
}

impl From<Role> for RoleShape {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => RoleShape::Viewer,
            Role::Operator => RoleShape::Operator,
            Role::Editor => RoleShape::Editor,
            Role::Approver => RoleShape::Approver,
            Role::Admin => RoleShape::Admin,
        }
    }
}

/// A person's account.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub(super) struct AccountShape {
    name: String,
    role: RoleShape,
    /// Whether signing in is refused.
    disabled: bool,
    /// The language its person chose.
    language: Option<String>,
    created: String,
    /// Sessions that are good now.
    sessions: usize,
    /// Whether signing in takes more than the password: a code, or a passkey.
    second_factor: bool,
    /// The provider that it signs in through (its name for itself); null where it has a password.
    provider: Option<String>,
}

fn account(account: &AccountInfo) -> AccountShape {
    AccountShape {
        name: account.name.clone(),
        role: account.role.into(),
        disabled: account.disabled,
        language: account.language.clone(),
        created: account.created.to_string(),
        sessions: account.sessions,
        second_factor: account.second_factor,
        provider: account.provider.clone(),
    }
}

/// A code that sets a password once; the only copy.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PasswordCode")]
pub(super) struct CodeShape {
    account: String,
    code: String,
    expires: String,
}

/// What the answer to a new account tells besides it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "New")]
pub(super) struct AccountMore {
    password_code: CodeShape,
}

fn code(made: &NewPasswordCode) -> CodeShape {
    CodeShape { account: made.account.clone(), code: made.code.clone(), expires: made.expires.to_string() }
}

fn failed(error: console::AccountError) -> Error {
    let (pointer, code) = match &error {
        console::AccountError::Name(NameError::Taken) => ("/name", "name-taken"),
        console::AccountError::Name(NameError::Characters) => ("/name", "wrong-name"),
        console::AccountError::Expired => ("/expires", "wrong-value"),
        _ => return console::Error::from(error).into(),
    };
    Error::Unprocessable(vec![FieldProblem {
        pointer: pointer.to_owned(),
        code: code.to_owned(),
        message: error.to_string(),
    }])
}

/// Whether a name can be given, which nobody has.
fn check_name(name: &str, taken: bool) -> Result<(), Error> {
    let taken = if taken { Err(NameError::Taken) } else { Ok(()) };
    console::check_name(name).and(taken).map_err(|error| failed(error.into()))
}

/// `GET /accounts`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let all = member.console().accounts(&member.actor).await?;
    let items = all.iter().map(|one| (one.name.clone(), account(one))).collect();
    Ok(ok(listed(&member.visit, items)?))
}

/// An account to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    name: String,
    role: RoleShape,
}

/// `POST /accounts`: `{"name", "role"}`; the answer holds the one-time code that sets its password.
pub(super) async fn create(
    member: Member,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let new: NewAccount = typed(Value::Object(object(&payload)?))?;
    let role = new.role.into();
    if wants(&member.visit, "dry_run") {
        let taken = member.console().account(&member.actor, &new.name).await.is_ok();
        check_name(&new.name, taken)?;
        return Ok(rehearsed());
    }
    let made = member.console().create_account(&member.actor, &new.name, role).await.map_err(failed)?;
    let one = member.console().account(&member.actor, &made.account).await?;
    let body = request::with(account(&one), AccountMore { password_code: code(&made) })?;
    Ok(created(&format!("/api/v1/accounts/{}", one.name), &etag(&one), body))
}

/// `GET /accounts/{account}`
pub(super) async fn one(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    let found = member.console().account(&member.actor, &name).await?;
    Ok(tagged(StatusCode::OK, &etag(&found), account(&found)))
}

/// What is to be other; what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AccountChange")]
pub(super) struct Change {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "RoleShape")]
    role: Option<RoleShape>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool")]
    disabled: Option<bool>,
}

/// What is there is a value: neither can be taken away, as null would ask for.
fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Whether a write changed anything.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Changed")]
pub(super) struct WasChanged {
    pub(super) changed: bool,
}

/// The account, where it is still the one the caller has seen.
async fn seen(member: &Member, name: &str, headers: &HeaderMap) -> Result<AccountInfo, Error> {
    let tag = tag_of(&member.visit, headers)?;
    let found = member.console().account(&member.actor, name).await?;
    match tag {
        Some(tag) if tag != etag(&found) => Err(Error::Stale { etag: etag(&found), by: None }),
        _ => Ok(found),
    }
}

/// `PATCH /accounts/{account}`: `{"role", "disabled"}`; what is absent stays.
pub(super) async fn change(
    member: Member,
    Path(name): Path<String>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let change: Change = typed(Value::Object(object(&payload)?))?;
    let role = change.role.map(Role::from);
    let found = seen(&member, &name, &headers).await?;
    if wants(&member.visit, "dry_run") {
        if role.is_some_and(|role| role != Role::Admin) || change.disabled == Some(true) {
            member.console().others_administer(&member.actor, &found.name).await.map_err(failed)?;
        }
        return Ok(rehearsed());
    }
    let changed = role.is_some_and(|role| role != found.role)
        || change.disabled.is_some_and(|disabled| disabled != found.disabled);
    let console = member.console();
    if changed {
        console.change_account(&member.actor, &found.name, role, change.disabled).await.map_err(failed)?;
    }
    let found = console.account(&member.actor, &found.name).await?;
    let body = request::with(account(&found), WasChanged { changed })?;
    Ok(tagged(StatusCode::OK, &etag(&found), body))
}

/// `DELETE /accounts/{account}`
pub(super) async fn delete(
    member: Member,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let found = seen(&member, &name, &headers).await?;
    if wants(&member.visit, "dry_run") {
        member.console().others_administer(&member.actor, &found.name).await.map_err(failed)?;
        return Ok(rehearsed());
    }
    member.console().delete_account(&member.actor, &found.name).await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE /accounts/{account}/second-factor`
pub(super) async fn remove_second_factor(
    member: Member,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    let found = member.console().account(&member.actor, &name).await?;
    if wants(&member.visit, "dry_run") {
        if !found.second_factor {
            return Err(console::Error::from(console::SecondFactorError::Off).into());
        }
        return Ok(rehearsed());
    }
    let removed = member.console().remove_second_factor(&member.actor, &found.name).await;
    removed.map_err(console::Error::from)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /accounts/{account}/password-code`: takes the password away; the code sets another, once, within a day.
pub(super) async fn reset(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        let found = member.console().account(&member.actor, &name).await?;
        member.console().others_administer(&member.actor, &found.name).await.map_err(failed)?;
        return Ok(rehearsed());
    }
    let made = member.console().reset_password(&member.actor, &name).await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(code(&made))).into_response())
}

/// An API token, without its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub(super) struct TokenShape {
    name: String,
    /// How its secret begins, to find it again in a file.
    prefix: String,
    role: RoleShape,
    owner: Option<String>,
    /// The only cluster (by id) that it reaches.
    cluster: Option<String>,
    expires: String,
    last_used: Option<String>,
}

/// What the answer to a new token tells besides it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WithSecret")]
pub(super) struct TokenMore {
    /// What goes after `Bearer `; the only copy.
    secret: String,
}

fn token(token: &TokenInfo) -> TokenShape {
    TokenShape {
        name: token.name.clone(),
        prefix: format!("caribe_{}_", token.prefix),
        role: token.role.into(),
        owner: token.owner.clone(),
        cluster: token.cluster.clone(),
        expires: token.expires.to_string(),
        last_used: token.last_used.map(|at| at.to_string()),
    }
}

/// `GET /tokens`
pub(super) async fn tokens(member: Member) -> Result<Response, Error> {
    let all = member.console().tokens(&member.actor).await?;
    let items = all.iter().map(|one| (one.name.clone(), token(one))).collect();
    Ok(ok(listed(&member.visit, items)?))
}

/// `GET /tokens/{token}`
pub(super) async fn one_token(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    Ok(ok(token(&found(&member, &name).await?)))
}

async fn found(member: &Member, name: &str) -> Result<TokenInfo, Error> {
    let all = member.console().tokens(&member.actor).await?;
    let missing = || console::Missing { thing: console::Thing::Token, name: name.to_owned() };
    all.into_iter().find(|one| one.name == name).ok_or_else(|| Error::Missing(missing()))
}

/// A token to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewToken")]
pub(super) struct NewTokenShape {
    name: String,
    /// What it may do, at most; never more than its owner.
    role: RoleShape,
    /// RFC 3339; 90 days where absent.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    expires: Option<Timestamp>,
    /// The only cluster that it reaches, by id or name.
    #[serde(default)]
    cluster: Option<String>,
}

/// `POST /tokens`: `{"name", "role", "expires", "cluster"}`; the answer holds the secret, which is not shown again.
pub(super) async fn create_token(
    member: Member,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let new: NewTokenShape = typed(Value::Object(object(&payload)?))?;
    let request = TokenRequest {
        name: &new.name,
        role: new.role.into(),
        expires: new.expires,
        cluster: new.cluster.as_deref(),
    };
    if wants(&member.visit, "dry_run") {
        check_name(&new.name, found(&member, &new.name).await.is_ok())?;
        if let Some(key) = request.cluster {
            member.console().cluster(key).await?;
        }
        return Ok(rehearsed());
    }
    let made = member.console().create_token_for(&member.actor, request).await.map_err(failed)?;
    let body = request::with(token(&made.info), TokenMore { secret: made.secret })?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// `DELETE /tokens/{token}`
pub(super) async fn delete_token(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        found(&member, &name).await?;
        return Ok(rehearsed());
    }
    member.console().delete_token(&member.actor, &name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A row of the audit log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditRow")]
pub(super) struct RowShape {
    number: i64,
    at: String,
    actor: String,
    /// The address it came from; empty for local commands.
    source: String,
    action: String,
    subject: String,
    cluster: Option<String>,
    /// Digest of what was before.
    before: Option<String>,
    /// Digest of what was after.
    after: Option<String>,
    detail: String,
    /// Of this row and the one before it.
    hash: String,
}

fn entry(row: AuditEntry) -> RowShape {
    RowShape {
        number: row.number,
        at: row.at.to_string(),
        actor: row.actor,
        source: row.source,
        action: row.action,
        subject: row.subject,
        cluster: row.cluster_id,
        before: row.before,
        after: row.after,
        detail: row.detail,
        hash: row.hash,
    }
}

/// Whether the audit log is as it was written.
#[derive(Serialize, JsonSchema)]
pub(super) struct AuditWhole {
    whole: bool,
    /// The first row that does not fit.
    first_broken: Option<i64>,
}

/// `GET /audit?cluster=&actor=&action=&before=&limit=`: the newest first; `next` is where older ones go on.
pub(super) async fn audit(member: Member) -> Result<Response, Error> {
    let limit = limit(&member.visit, LIMIT)?;
    let mut query = query(&member.visit)?;
    if let Some(cursor) = member.visit.query.filled("cursor") {
        let wrong = || Error::Malformed("cursor: the `next` of an earlier answer is expected".to_owned());
        query.before = Some(cursor.parse().map_err(|_| wrong())?);
    }
    let most = u32::try_from(limit).map_err(Error::internal)?;
    let rows = member.console().audit_log(&member.actor, &query, most).await?;
    // Of a cluster that is gone the rows stay; of one that never was there are none.
    if let Some(cluster) = query.cluster.as_ref().filter(|_| rows.is_empty())
        && member.console().cluster_id(cluster).await?.is_none()
    {
        let missing = console::Missing { thing: console::Thing::Cluster, name: cluster.clone() };
        return Err(Error::Missing(missing));
    }
    let next = rows.last().filter(|_| rows.len() == limit).map(|row| row.number.to_string());
    let items: Vec<RowShape> = rows.into_iter().map(entry).collect();
    Ok(ok(json!({ "items": items, "next": next })))
}

/// `GET /audit/check`: whether every row fits the one before it.
pub(super) async fn audit_check(member: Member) -> Result<Response, Error> {
    let broken = member.console().audit_break(&member.actor).await?;
    Ok(ok(AuditWhole { whole: broken.is_none(), first_broken: broken }))
}
