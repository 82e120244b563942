//! Signing in through the provider: out to it, and back. Both are plain links; nothing of it needs a script.
//!
//! What lies between is under a cookie of its own, which is `Lax` so that it comes back from another site; the session's is
//! `Strict`, and is not sent on the way that begins there. So the way back ends with a page that leads on by itself.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum_extra::extract::CookieJar;
use console::{SignIn, SignOnAnswer, SignOnError};

use super::entry::{keep, local, login_page};
use super::login_code::{HALF, KEPT, code_path};
use crate::App;
use crate::error::Error;
use crate::guard::COOKIE;
use crate::page::{Page, see_other, show};
use crate::visit::Visit;

/// The cookie between out and back.
const FLOW: &str = "__Host-caribe-flow";
/// Seconds it is kept; the console's record ends by itself.
const LIFE: u32 = 10 * 60;

#[derive(Template)]
#[template(path = "sign_on_done.html")]
struct DonePage {
    p: Page,
    next: String,
}

/// The address of the button: it leads to `next` afterwards. `again`: the provider asks once more who it is.
pub(super) fn button(next: &str, again: bool) -> String {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/login/sso?next={next}{}", if again { "&again=1" } else { "" })
}

/// Keeps the cookie between out and back, or ends it where `seconds` is 0.
fn keep_flow(response: &mut Response, value: &str, seconds: u32) {
    let cookie = format!("{FLOW}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// `GET /login/sso`: out to the provider.
pub(super) async fn begin(visit: Visit, headers: HeaderMap) -> Result<Response, Error> {
    let (next, again) = (local(visit.query.get("next")), visit.query.get("again") == "1");
    // The provider sends people back to one address; a cookie of another name of this console would not come along.
    let here = visit.query.get("here") == "1";
    if !here
        && let Some(address) = visit.console.sign_on_address().await?
        && visit.host.as_deref().is_some_and(|host| Some(host) != address.strip_prefix("https://"))
    {
        return Ok(see_other(&format!("{address}{}&here=1", button(next, again))));
    }
    let cookie = crate::guard::cookie(&headers).unwrap_or_default();
    let caller = visit.caller.as_ref().filter(|_| again).map(|caller| (&caller.actor, cookie.as_str()));
    match visit.console.begin_sign_on(next, caller, visit.from).await {
        Ok(begun) => {
            let mut response = see_other(&begun.location);
            keep_flow(&mut response, &begun.cookie, LIFE);
            Ok(response)
        }
        Err(error) => refused(&visit, next, error).await,
    }
}

/// `GET /login/sso/callback`: back from the provider.
pub(super) async fn finish(State(_): State<App>, visit: Visit, jar: CookieJar) -> Result<Response, Error> {
    let cookie = jar.get(FLOW).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    let answer = SignOnAnswer {
        state: visit.query.get("state"),
        code: visit.query.get("code"),
        error: visit.query.get("error"),
        issuer: visit.query.get("iss"),
    };
    let (sign_in, next) = match visit.console.finish_sign_on(answer, &cookie, visit.from).await {
        Ok(done) => done,
        Err(error) => {
            let mut response = refused(&visit, "/", error).await?;
            keep_flow(&mut response, "", 0);
            return Ok(response);
        }
    };
    let next = local(&next).to_owned();
    let next = match &sign_in {
        SignIn::Whole(_) => next,
        SignIn::Half(_) => code_path(&next),
    };
    let p = Page::new(&visit, visit.locale.say("sign-on-done")).narrow();
    let mut response = show(StatusCode::OK, &DonePage { p, next: next.clone() })?;
    if let Ok(value) = HeaderValue::from_str(&format!("0; url={next}")) {
        response.headers_mut().insert(header::REFRESH, value);
    }
    match &sign_in {
        SignIn::Whole(session) => keep(&mut response, COOKIE, &session.cookie, None),
        SignIn::Half(half) => keep(&mut response, HALF, &half.cookie, Some(KEPT)),
    }
    keep_flow(&mut response, "", 0);
    Ok(response)
}

/// The login page, with what is to be said; passwords still work.
async fn refused(visit: &Visit, next: &str, error: SignOnError) -> Result<Response, Error> {
    let (status, key) = match error {
        SignOnError::Off => (StatusCode::NOT_FOUND, "wrong-sign-on-off"),
        SignOnError::Unreachable => (StatusCode::BAD_GATEWAY, "wrong-sign-on-unreachable"),
        SignOnError::Over => (StatusCode::UNPROCESSABLE_ENTITY, "wrong-sign-on-over"),
        SignOnError::Refused => (StatusCode::FORBIDDEN, "wrong-sign-on-refused"),
        SignOnError::Failed(failure) => return Err(failure.into()),
    };
    let said = visit.locale.say(key).to_string();
    login_page(visit, status, String::new(), next.to_owned(), Some(said)).await
}
