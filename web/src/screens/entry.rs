//! The way in and out: first account, login, logout; and the choice of language and theme.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum_extra::extract::CookieJar;
use console::{LoginError, NewSession, SetupError};

use super::login_code::entered;
use super::login_passkey::Offer;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::guard::COOKIE;
use crate::locale::{Locale, Zone};
use crate::page::{Page, see_other, show};
use crate::text::Language;
use crate::visit::{LOOK_COOKIE, Look, Theme, Visit};

const SETUP_FIELDS: &[&str] = &["code", "user", "password", "again"];

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    p: Page,
    form: Form,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    p: Page,
    user: String,
    next: String,
    wrong: Option<String>,
    /// Of signing in with a passkey; none where nobody has one.
    offer: Option<Offer>,
    /// Words and address of the button that leads to the provider.
    provider: Option<(String, String)>,
}

/// `GET /setup`: only while nobody can log in.
pub(super) async fn setup_form(visit: Visit) -> Result<Response, Error> {
    if visit.console.has_accounts().await? {
        return Ok(see_other("/login"));
    }
    // The printed address may carry the code, so that it need not be typed.
    let fields = Fields::default().with("code", visit.query.get("code"));
    let p = Page::new(&visit, visit.locale.say("setup-title")).narrow();
    show(StatusCode::OK, &SetupPage { p, form: Form::new(SETUP_FIELDS, fields) })
}

/// `POST /setup`: the code, then the first account, which may do everything.
pub(super) async fn setup(visit: Visit, Sent(fields): Sent) -> Result<Response, Error> {
    let locale = visit.locale;
    let mut form = Form::new(SETUP_FIELDS, (*fields).clone());
    if fields.get("password") != fields.get("again") {
        form.error("again", locale.say("wrong-password-again"));
    } else {
        let (code, user) = (fields.get("code").trim(), fields.get("user").trim());
        match visit.console.setup(code, user, fields.get("password"), visit.from).await {
            Ok(session) => return Ok(begin(&session, "/")),
            Err(SetupError::Done) => return Ok(see_other("/login")),
            Err(SetupError::Failed(failure)) => return Err(failure.into()),
            Err(SetupError::Wrong) => form.error("code", locale.say("wrong-setup-code")),
            Err(SetupError::Wait { seconds }) => {
                form.error("code", locale.say("wrong-wait").with("seconds", seconds));
            }
            Err(SetupError::Name(name)) => form.error("user", name_error(locale, &name)),
            Err(SetupError::Password(password)) => form.error("password", password_error(locale, password)),
        }
    }
    let p = Page::new(&visit, locale.say("setup-title")).narrow();
    show(StatusCode::UNPROCESSABLE_ENTITY, &SetupPage { p, form })
}

pub(super) fn name_error(locale: Locale, error: &console::NameError) -> String {
    match error {
        console::NameError::Characters => locale.say("wrong-user-characters"),
        console::NameError::Taken => locale.say("wrong-user-taken"),
    }
    .to_string()
}

pub(super) fn password_error(locale: Locale, error: console::PasswordError) -> String {
    use console::PasswordError as P;
    match error {
        P::TooShort => locale.say("wrong-password-short"),
        P::TooLong => locale.say("wrong-password-long"),
        P::Common => locale.say("wrong-password-common"),
        P::Context => locale.say("wrong-password-context"),
    }
    .to_string()
}

/// `GET /login`.
pub(super) async fn login_form(visit: Visit) -> Result<Response, Error> {
    if !visit.console.has_accounts().await? {
        return Ok(see_other("/setup"));
    }
    if visit.caller.is_some() {
        return Ok(see_other("/"));
    }
    let next = local(visit.query.get("next")).to_owned();
    login_page(&visit, StatusCode::OK, String::new(), next, None).await
}

pub(super) async fn login_page(
    visit: &Visit,
    status: StatusCode,
    user: String,
    next: String,
    wrong: Option<String>,
) -> Result<Response, Error> {
    let p = Page::new(visit, visit.locale.say("login-title")).narrow();
    let offer = Offer::at_login(visit).await?;
    let words = |name: String| match name.is_empty() {
        true => visit.locale.say("sign-on-button").to_string(),
        false => name,
    };
    let provider = visit.console.sign_on_button().await?;
    let provider = provider.map(|name| (words(name), super::sign_on::button(&next, false)));
    show(status, &LoginPage { p, user, next, wrong, offer, provider })
}

/// `POST /login`.
pub(super) async fn login(visit: Visit, Sent(fields): Sent) -> Result<Response, Error> {
    let locale = visit.locale;
    let (user, next) = (fields.get("user").trim().to_owned(), local(fields.get("next")).to_owned());
    let (status, wrong) = match visit.console.login(&user, fields.get("password"), visit.from).await {
        Ok(sign_in) => return Ok(entered(&sign_in, &next)),
        Err(LoginError::Failed(failure)) => return Err(failure.into()),
        Err(LoginError::Wrong) => (StatusCode::UNPROCESSABLE_ENTITY, locale.say("wrong-login")),
        Err(LoginError::Wait { seconds }) => {
            (StatusCode::TOO_MANY_REQUESTS, locale.say("wrong-wait").with("seconds", seconds))
        }
    };
    login_page(&visit, status, user, next, Some(wrong.to_string())).await
}

/// `POST /logout`.
pub(super) async fn logout(visit: Visit, jar: CookieJar) -> Result<Response, Error> {
    if let Some(cookie) = jar.get(COOKIE) {
        visit.console.logout(cookie.value()).await?;
    }
    let mut response = see_other("/login");
    keep(&mut response, COOKIE, "", Some(0));
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    Ok(response)
}

/// `POST /look`: language, theme, keys and time zone of this browser, and the language of the account where somebody is
/// logged in. A browser without scripts does not say which zone is its own: it is shown the list.
pub(super) async fn look(visit: Visit, Sent(fields): Sent) -> Result<Response, Error> {
    if fields.get("zone") == "local" {
        return Ok(see_other("/me#zone"));
    }
    let chosen = Language::from_tag(fields.get("language"));
    if let (Some(language), Some(caller)) = (chosen, &visit.caller) {
        visit.console.set_language(&caller.actor, language.tag()).await?;
    }
    let before = visit.look;
    let look = Look {
        theme: Theme::from_word(fields.get("theme")).unwrap_or(before.theme),
        language: Some(chosen.unwrap_or(visit.locale.language)),
        keys: match fields.get("keys") {
            "on" => true,
            "off" => false,
            _ => before.keys,
        },
        zone: Zone::from_name(fields.get("zone")).unwrap_or(before.zone),
    };
    let mut response = see_other(local(fields.get("back")));
    keep(&mut response, LOOK_COOKIE, &look.write(), Some(365 * 24 * 3600));
    Ok(response)
}

/// A cookie of this host only: `__Host-` wants Secure, Path=/ and no Domain. Without `seconds` it ends with the browser.
pub(super) fn keep(response: &mut Response, name: &str, value: &str, seconds: Option<u32>) {
    let age = seconds.map(|s| format!("; Max-Age={s}")).unwrap_or_default();
    let cookie = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

pub(super) fn begin(session: &NewSession, next: &str) -> Response {
    let mut response = see_other(next);
    keep(&mut response, COOKIE, &session.cookie, None);
    response
}

/// A path of this console, or `/`: never another host (`//host`, `/\host`), never a control character.
pub(super) fn local(path: &str) -> &str {
    let plain = path.starts_with('/') && !path.starts_with("//") && path.len() <= 512;
    if plain && !path.chars().any(|c| c == '\\' || c.is_control()) { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn a_login_leads_nowhere_else() {
        assert_eq!(local("/clusters/cl_1/changes"), "/clusters/cl_1/changes");
        for elsewhere in
            ["", "https://example.org/", "//example.org", "/\\example.org", "/\n/example.org", "x"]
        {
            assert_eq!(local(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
