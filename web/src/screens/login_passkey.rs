//! The login with a passkey: alone, or after the password in place of a code.
//!
//! What a browser was asked is bound to a cookie of its own, or to the one between password and code. Either is no
//! session.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum_extra::extract::CookieJar;
use console::PasskeyError;

use super::entry::{begin, keep, local, login_page};
use super::login_code::{HALF, code_page, half_of};
use super::passkeys::{no_place, no_question, place, place_of_form, question, said};
use crate::error::Error;
use crate::fields::Sent;
use crate::page::see_other;
use crate::visit::Visit;

/// The cookie between question and answer.
const ASKED: &str = "__Host-caribe-passkey";
/// Seconds it is kept; what the console was asked ends by itself.
const KEPT: u32 = 5 * 60;

/// What a page of the login says of passkeys.
pub(super) struct Offer {
    /// Why none can be used under this name; none where they can.
    pub(super) excuse: Option<String>,
}

impl Offer {
    /// For a request to this console.
    pub(super) fn of(visit: &Visit) -> Offer {
        let place = visit.console.passkey_place(visit.host.as_deref());
        Offer { excuse: place.err().map(|why| no_place(visit.locale, &why).to_string()) }
    }

    /// The same, where anybody has a passkey.
    pub(super) async fn at_login(visit: &Visit) -> Result<Option<Offer>, Error> {
        Ok(visit.console.has_passkeys().await?.then(|| Offer::of(visit)))
    }
}

/// `GET /login/passkey` and `GET /login/code/passkey`: a reload of what was said there leads to the login.
pub(super) async fn to_login() -> Response {
    see_other("/login")
}

/// `POST /login/passkey/begin`: what to ask the browser for, for the script.
pub(super) async fn ask(visit: Visit, headers: HeaderMap) -> Result<Response, Error> {
    let asked = place(&visit, &headers).and_then(|place| visit.console.ask_passkey(&place, visit.from));
    match asked {
        Ok(asked) => {
            let mut response = question(asked.options);
            keep(&mut response, ASKED, &asked.cookie, Some(KEPT));
            Ok(response)
        }
        Err(error) => no_question(visit.locale, error),
    }
}

/// `POST /login/passkey`: what the browser answered.
pub(super) async fn login(
    visit: Visit,
    jar: CookieJar,
    headers: HeaderMap,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let asked = jar.get(ASKED).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    let next = local(fields.get("next"));
    let entered = match place_of_form(&visit, &headers) {
        Ok(place) => visit.console.login_with_passkey(&asked, fields.get("answer"), &place, visit.from).await,
        Err(error) => Err(error),
    };
    let mut response = match entered {
        Ok(session) => begin(&session, next),
        Err(error) => {
            let (status, text) = said(visit.locale, error)?;
            login_page(&visit, status, String::new(), next.to_owned(), Some(text.to_string())).await?
        }
    };
    keep(&mut response, ASKED, "", Some(0));
    Ok(response)
}

/// `POST /login/code/passkey/begin`: what to ask the browser for after the password, for the script.
pub(super) async fn ask_second(visit: Visit, jar: CookieJar, headers: HeaderMap) -> Result<Response, Error> {
    let asked = match place(&visit, &headers) {
        Ok(place) => visit.console.ask_second_passkey(&half_of(&jar), &place, visit.from).await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(options) => Ok(question(options)),
        Err(error) => no_question(visit.locale, error),
    }
}

/// `POST /login/code/passkey`: what the browser answered.
pub(super) async fn finish(
    visit: Visit,
    jar: CookieJar,
    headers: HeaderMap,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let (half, next) = (half_of(&jar), local(fields.get("next")));
    let entered = match place_of_form(&visit, &headers) {
        Ok(place) => {
            let answer = fields.get("answer");
            visit.console.finish_login_with_passkey(&half, answer, &place, visit.from).await
        }
        Err(error) => Err(error),
    };
    match entered {
        Ok(session) => {
            let mut response = begin(&session, next);
            keep(&mut response, HALF, "", Some(0));
            Ok(response)
        }
        Err(PasskeyError::Over) if visit.console.awaits_code(&half).await?.is_none() => {
            let wrong = visit.locale.say("wrong-login-over").to_string();
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            login_page(&visit, status, String::new(), next.to_owned(), Some(wrong)).await
        }
        Err(error) => {
            let (status, text) = said(visit.locale, error)?;
            code_page(&visit, &half, status, next, Some(text.to_string())).await
        }
    }
}
