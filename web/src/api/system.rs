//! `/api/v1/system`: the console itself: what it is, its own settings, its backups. For administrators.

use axum::Json;
use axum::extract::Extension;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{BackupError, BackupThere, Retention, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accounts::{RoleShape, WasChanged};
use super::request::{self, listed, object, ok, patched, rehearsed, tag_of, tagged, wants};
use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::visit::Member;

/// What the console is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "System")]
pub(super) struct SystemShape {
    version: &'static str,
    /// Id of the installation, which is in every certificate it gives.
    installation: String,
    /// Of the internal CA's public key: `sha256:HEX`; directors compare it when they join.
    ca_fingerprint: String,
    /// Of the certificate that browsers and the API are shown.
    browser_fingerprint: String,
    /// Names and addresses it was given.
    names: Vec<String>,
    /// Address and port.
    listens: Option<String>,
    /// On the disk.
    database_bytes: u64,
    last_backup: Option<String>,
}

/// `GET /system`
pub(super) async fn system(member: Member) -> Result<Response, Error> {
    let console = member.console();
    Ok(ok(SystemShape {
        version: env!("CARGO_PKG_VERSION"),
        installation: console.pki().installation().to_owned(),
        ca_fingerprint: console.pki().ca_fingerprint(),
        browser_fingerprint: console.pki().web_fingerprint(),
        names: console.names().to_vec(),
        listens: console.listening().map(|address| address.to_string()),
        database_bytes: console.database_size(),
        last_backup: console.last_backup().await?.map(|at| at.to_string()),
    }))
}

/// The console's own settings.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Settings")]
pub(super) struct SettingsShape {
    /// Days that samples of a minute are kept, 1 to 400.
    minute_days: u32,
    /// Days that samples of ten minutes are kept, 1 to 400, not fewer than those of a minute.
    coarse_days: u32,
    /// From which role on everybody must have a second factor; null is of nobody.
    #[serde(default)]
    second_factor_from: Option<RoleShape>,
}

/// Members that only answers have.
pub(super) const READ_ONLY: &[&str] = &["changed"];

fn etag(settings: SettingsShape) -> String {
    let from = settings.second_factor_from.map_or("nobody", |role| Role::from(role).as_str());
    format!("settings-{}-{}-{from}", settings.minute_days, settings.coarse_days)
}

async fn current(member: &Member) -> Result<SettingsShape, Error> {
    let Retention { minute_days, coarse_days } = member.console().retention().await?;
    let second_factor_from = member.console().second_factor_required().await?.map(RoleShape::from);
    Ok(SettingsShape { minute_days, coarse_days, second_factor_from })
}

/// `GET /system/settings`
pub(super) async fn settings(member: Member) -> Result<Response, Error> {
    let settings = current(&member).await?;
    Ok(tagged(StatusCode::OK, &etag(settings), settings))
}

/// `PATCH /system/settings` (RFC 7396)
pub(super) async fn change(
    member: Member,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let before = current(&member).await?;
    if tag.is_some_and(|tag| tag != etag(before)) {
        return Err(Error::Stale { etag: etag(before), by: None });
    }
    let patch = request::without(object(&payload)?, READ_ONLY);
    let settings: SettingsShape = patched(&before, patch)?;
    let retention = Retention::new(settings.minute_days, settings.coarse_days).map_err(|error| {
        let pointer = if (1..=400).contains(&settings.minute_days) { "/coarse_days" } else { "/minute_days" };
        let (code, message) = ("retention".to_owned(), error.to_string());
        Error::Unprocessable(vec![FieldProblem { pointer: pointer.to_owned(), code, message }])
    })?;
    let changed = settings != before;
    if wants(&member.visit, "dry_run") {
        return Ok(rehearsed());
    }
    if (settings.minute_days, settings.coarse_days) != (before.minute_days, before.coarse_days) {
        member.console().set_retention(&member.actor, retention).await?;
    }
    if settings.second_factor_from != before.second_factor_from {
        let least = settings.second_factor_from.map(Role::from);
        member.console().require_second_factor(&member.actor, least).await?;
    }
    Ok(tagged(StatusCode::OK, &etag(settings), request::with(settings, WasChanged { changed })?))
}

/// A backup in the folder.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Backup")]
pub(super) struct BackupShape {
    /// Name of the file.
    name: String,
    bytes: u64,
    made: String,
}

fn shape(name: String, bytes: u64, made: jiff::Timestamp) -> BackupShape {
    BackupShape { name, bytes, made: made.to_string() }
}

/// An attempt that failed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BackupFailure")]
struct FailedShape {
    at: String,
    reason: String,
}

/// What the list of backups tells besides them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Made")]
pub(super) struct BackupsMore {
    /// Whether `[backup] folder` is set in the settings of `caribe serve`; without one only `caribe backup` makes any.
    folder_set: bool,
    /// When the last one was made, wherever it was put.
    last: Option<String>,
    /// The last attempt, where it failed.
    failed: Option<FailedShape>,
}

fn refused(error: BackupError) -> Error {
    match error {
        BackupError::Refused(error) => error.into(),
        BackupError::Failed(failure) => failure.into(),
        other => Error::Refused(other.to_string()),
    }
}

/// `GET /system/backups`: the newest first.
pub(super) async fn backups(member: Member) -> Result<Response, Error> {
    let console = member.console();
    // A folder that cannot be read is no reason to hide why nothing comes into it.
    let all = match console.backups(&member.actor).await {
        Err(BackupError::File { .. }) => Vec::new(),
        other => other.map_err(refused)?,
    };
    let more = BackupsMore {
        folder_set: console.backup_folder().is_some(),
        last: console.last_backup().await?.map(|at| at.to_string()),
        failed: console
            .last_backup_failure()
            .await?
            .map(|failed| FailedShape { at: failed.at.to_string(), reason: failed.reason }),
    };
    let items =
        all.into_iter().map(|BackupThere { name, size, at }| (name.clone(), shape(name, size, at))).collect();
    Ok(ok(request::with(listed(&member.visit, items)?, more)?))
}

/// `POST /system/backups`: makes one now, into the folder of the settings.
pub(super) async fn back_up(member: Member) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        return match member.console().backup_folder() {
            Some(_) => Ok(rehearsed()),
            None => Err(refused(BackupError::NoFolder)),
        };
    }
    let made = member.console().back_up_now(&member.actor).await.map_err(refused)?;
    let name = made.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((StatusCode::CREATED, Json(shape(name, made.size, made.at))).into_response())
}
