//! `/api/v1/accounts/{account}/passkeys`: for administrators. Passkeys are made on a page, by whoever they are for.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use console::PasskeyInfo;
use schemars::JsonSchema;
use serde::Serialize;

use super::request::{listed, ok, rehearsed, wants};
use crate::error::Error;
use crate::visit::Member;

/// A passkey; its key is of no use to anybody.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Passkey")]
pub(super) struct PasskeyShape {
    id: String,
    /// What its person calls it.
    name: String,
    /// The host name of the console that it is for.
    host: String,
    made: String,
    last_used: Option<String>,
    /// When its counter was last found to have gone back, as that of a copy does.
    suspect: Option<String>,
}

fn passkey(one: &PasskeyInfo) -> PasskeyShape {
    PasskeyShape {
        id: one.id.clone(),
        name: one.name.clone(),
        host: one.host.clone(),
        made: one.made.to_string(),
        last_used: one.used.map(|at| at.to_string()),
        suspect: one.suspect.map(|at| at.to_string()),
    }
}

/// `GET /accounts/{account}/passkeys`
pub(super) async fn passkeys(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    let all = member.console().passkeys(&member.actor, &name).await.map_err(console::Error::from)?;
    let items = all.iter().map(|one| (one.id.clone(), passkey(one))).collect();
    Ok(ok(listed(&member.visit, items)?))
}

/// `DELETE /accounts/{account}/passkeys/{passkey}`
pub(super) async fn remove_passkey(
    member: Member,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        let all = member.console().passkeys(&member.actor, &name).await.map_err(console::Error::from)?;
        if !all.iter().any(|one| one.id == id) {
            return Err(Error::Missing(console::Missing { thing: console::Thing::Passkey, name: id }));
        }
        return Ok(rehearsed());
    }
    let removed = member.console().remove_passkey(&member.actor, &name, &id).await;
    removed.map_err(console::Error::from)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
