//! The console's support bundle as a download: what a developer needs, without secrets. What is in it belongs to `console`.
//! Called by the page SETTINGS and the API.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::error::Error;
use crate::visit::Member;

/// `GET /admin/settings/support-bundle` and `GET /api/v1/system/support-bundle`
pub(crate) async fn bundle(member: Member) -> Result<Response, Error> {
    let bundle = member.console().support_bundle(&member.actor).await?;
    tracing::info!(actor = member.actor.name, "a support bundle was taken out");
    let keep = format!("attachment; filename=\"{}\"", bundle.name);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/gzip")),
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(keep).map_err(Error::internal)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, bundle.archive).into_response())
}
