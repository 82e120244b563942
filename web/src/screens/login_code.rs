//! The second step of the login: a code, after a right password, where the account has a second factor; or a passkey
//! (`login_passkey`).
//!
//! What lies between the steps is under a cookie of its own and is no session.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use console::{AwaitedProof, SecondFactorError, SignIn};

use super::entry::{begin, keep, local, login_page};
use super::login_passkey::Offer;
use super::second_factor::said;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::page::{Page, see_other, show};
use crate::visit::Visit;

/// The cookie between the steps.
pub(super) const HALF: &str = "__Host-caribe-half";
/// Seconds it is kept; the console's record ends by itself.
pub(super) const KEPT: u32 = 5 * 60;
const FIELDS: &[&str] = &["code"];

#[derive(Template)]
#[template(path = "login_code.html")]
struct CodePage {
    p: Page,
    next: String,
    waits: AwaitedProof,
    offer: Offer,
    form: Form,
}

/// What follows a right password: the session, or the question for a code.
pub(super) fn entered(sign_in: &SignIn, next: &str) -> Response {
    match sign_in {
        SignIn::Whole(session) => begin(session, next),
        SignIn::Half(half) => {
            let mut response = see_other(&code_path(next));
            keep(&mut response, HALF, &half.cookie, Some(KEPT));
            response
        }
    }
}

/// The cookie of a login whose password was right.
pub(super) fn half_of(jar: &CookieJar) -> String {
    jar.get(HALF).map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}

async fn page(
    visit: &Visit,
    half: &str,
    status: StatusCode,
    next: &str,
    form: Form,
) -> Result<Response, Error> {
    let Some(waits) = visit.console.awaits_code(half).await? else { return Ok(see_other("/login")) };
    let title = if waits.app { "login-code-title" } else { "login-passkey-title" };
    let p = Page::new(visit, visit.locale.say(title)).narrow();
    let offer = Offer::of(visit);
    show(status, &CodePage { p, next: next.to_owned(), waits, offer, form })
}

/// The page once more, with what was wrong about a passkey.
pub(super) async fn code_page(
    visit: &Visit,
    half: &str,
    status: StatusCode,
    next: &str,
    wrong: Option<String>,
) -> Result<Response, Error> {
    let mut form = Form::new(FIELDS, Fields::default());
    if let Some(wrong) = wrong {
        form.error("", wrong);
    }
    page(visit, half, status, next, form).await
}

/// The page that asks for a code, and leads to `next` then.
pub(super) fn code_path(next: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/login/code?next={next}")
}

/// `GET /login/code`
pub(super) async fn form(visit: Visit, jar: CookieJar) -> Result<Response, Error> {
    code_page(&visit, &half_of(&jar), StatusCode::OK, local(visit.query.get("next")), None).await
}

/// `POST /login/code`
pub(super) async fn finish(visit: Visit, jar: CookieJar, Sent(fields): Sent) -> Result<Response, Error> {
    let half = half_of(&jar);
    let next = local(fields.get("next"));
    let refused = match visit.console.finish_login(&half, fields.get("code"), visit.from).await {
        Ok((session, left)) => {
            // Whoever used a recovery code is told how many are left, and where to get others.
            let next = if left.is_some() { "/me/second-factor?done=recovery-used" } else { next };
            let mut response = begin(&session, next);
            keep(&mut response, HALF, "", Some(0));
            return Ok(response);
        }
        Err(error) => error,
    };
    let status = match refused {
        SecondFactorError::Wait { .. } => StatusCode::TOO_MANY_REQUESTS,
        SecondFactorError::Over => {
            let wrong = visit.locale.say("wrong-login-over").to_string();
            return login_page(
                &visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                String::new(),
                next.to_owned(),
                Some(wrong),
            )
            .await;
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut form = Form::new(FIELDS, Fields::default());
    said(visit.locale, &mut form, refused)?;
    page(&visit, &half, status, next, form).await
}
