//! MY ACCOUNT: another password, whether there is a second factor, the time zone of this browser, and the sessions one
//! has begun elsewhere.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use console::{AccountError, OwnProvider, OwnSession, SecondFactorState};

use super::entry::password_error;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::guard::cookie;
use crate::locale::Zone;
use crate::page::{Page, see_other, show};
use crate::visit::Member;

const PASSWORD: &[&str] = &["current", "password", "again"];

#[derive(Template)]
#[template(path = "me.html")]
struct MePage {
    p: Page,
    form: Form,
    sessions: Vec<OwnSession>,
    factor: SecondFactorState,
    /// The provider that the account signs in through; it has no password then.
    provider: Option<OwnProvider>,
}

impl MePage {
    fn zones(&self) -> &'static BTreeSet<String> {
        Zone::names()
    }
}

async fn page(
    member: &Member,
    headers: &HeaderMap,
    status: StatusCode,
    form: Form,
) -> Result<Response, Error> {
    let own = cookie(headers).unwrap_or_default();
    let sessions = member.console().own_sessions(&member.actor, &own).await?;
    let factor = member.console().second_factor(&member.actor).await?;
    let provider = member.console().own_provider(&member.actor, member.visit.from).await?;
    let p = Page::new(&member.visit, member.locale().say("me-title"));
    show(status, &MePage { p, form, sessions, factor, provider })
}

/// `GET /me`
pub(super) async fn show_me(member: Member, headers: HeaderMap) -> Result<Response, Error> {
    page(&member, &headers, StatusCode::OK, Form::new(PASSWORD, Fields::default())).await
}

/// `POST /me/password`
pub(super) async fn password(
    member: Member,
    headers: HeaderMap,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let locale = member.locale();
    let mut form = Form::new(PASSWORD, (*fields).clone());
    let own = cookie(&headers).unwrap_or_default();
    if fields.get("password") != fields.get("again") {
        form.error("again", locale.say("wrong-password-again"));
    } else {
        let (current, new) = (fields.get("current"), fields.get("password"));
        let console = member.console();
        match console.change_own_password(&member.actor, &own, current, new, member.visit.from).await {
            Ok(()) => return Ok(see_other("/me?done=password")),
            Err(AccountError::WrongPassword) => form.error("current", locale.say("wrong-current")),
            Err(AccountError::Wait { seconds }) => {
                form.error("current", locale.say("wrong-wait").with("seconds", seconds));
            }
            Err(AccountError::Password(error)) => form.error("password", password_error(locale, error)),
            Err(other) => return Err(console::Error::from(other).into()),
        }
    }
    page(&member, &headers, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// `POST /me/sessions/{session}`
pub(super) async fn end_session(member: Member, Path(session): Path<String>) -> Result<Response, Error> {
    member.console().end_own_session(&member.actor, &session).await?;
    Ok(see_other("/me?done=session-ended"))
}

/// `POST /me/sessions`
pub(super) async fn end_others(member: Member, headers: HeaderMap) -> Result<Response, Error> {
    let own = cookie(&headers).unwrap_or_default();
    member.console().end_other_sessions(&member.actor, &own).await?;
    Ok(see_other("/me?done=session-ended"))
}
