//! MY ACCOUNT → passkeys: those there are, another one, and one that goes.
//!
//! What a browser makes of a passkey comes back as a form, so that whatever is wrong with it is said by a page. Whoever
//! must set up a second factor before anything else (`Needs::Person`) reaches these pages.

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use console::{NoPasskeyPlace, OwnProvider, PasskeyError, PasskeyInfo, PasskeyPlace};

use super::objects::Confirm;
use super::second_factor::codes_page;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::guard::cookie;
use crate::locale::Locale;
use crate::page::{Page, see_other, show};
use crate::text::Message;
use crate::visit::{Member, Visit};

const NEW: &[&str] = &["name", "password"];
const REMOVE: &[&str] = &["password"];

#[derive(Template)]
#[template(path = "passkeys.html")]
struct PasskeysPage {
    p: Page,
    passkeys: Vec<PasskeyInfo>,
    /// The name under which the console is open now, or why none can be made here.
    here: Result<String, String>,
    form: Form,
    /// The provider that the account signs in through, in place of a password.
    provider: Option<OwnProvider>,
}

impl PasskeysPage {
    fn again(&self) -> String {
        super::sign_on::button("/me/passkeys", true)
    }

    fn is_here(&self, passkey: &PasskeyInfo) -> bool {
        self.here.as_ref().is_ok_and(|host| *host == passkey.host)
    }
}

#[derive(Template)]
#[template(path = "passkey.html")]
struct PasskeyPage {
    p: Page,
    passkey: PasskeyInfo,
    form: Form,
    /// The provider that the account signs in through, in place of a password.
    provider: Option<OwnProvider>,
}

impl PasskeyPage {
    fn again(&self) -> String {
        super::sign_on::button(&format!("/me/passkeys/{}", self.passkey.id), true)
    }
}

/// Why no passkey can be used under this name, and what to do.
pub(super) fn no_place(locale: Locale, why: &NoPasskeyPlace) -> Message {
    match why {
        NoPasskeyPlace::Address { name: Some(name) } => locale.say("passkey-by-name").with("name", name),
        NoPasskeyPlace::Address { name: None } => locale.say("passkey-by-address"),
        NoPasskeyPlace::Unknown { host, name } => {
            locale.say("passkey-unknown-name").with("host", host).with("name", name)
        }
        NoPasskeyPlace::Foreign => locale.say("passkey-foreign"),
    }
}

/// What a refusal is called where people read it, and its status; what has no words goes on.
pub(super) fn said(locale: Locale, error: PasskeyError) -> Result<(StatusCode, Message), Error> {
    use PasskeyError as P;
    let text = match error {
        P::WrongPassword => locale.say("wrong-current"),
        P::SignInAgain => locale.say("wrong-sign-in-again"),
        P::Name => locale.say("wrong-passkey-name"),
        P::NameTaken => locale.say("wrong-passkey-taken"),
        P::Full { most } => locale.say("wrong-passkey-full").with("most", most),
        P::Refused => locale.say("wrong-passkey"),
        P::Copied => locale.say("wrong-passkey-copied"),
        P::Over => locale.say("wrong-passkey-over"),
        P::Place(why) => no_place(locale, &why),
        P::Wait { seconds } => {
            let text = locale.say("wrong-wait").with("seconds", seconds);
            return Ok((StatusCode::TOO_MANY_REQUESTS, text));
        }
        other => return Err(console::Error::from(other).into()),
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, text))
}

/// The field of the page that a refusal is about; none is of the whole.
fn field(error: &PasskeyError) -> &'static str {
    match error {
        PasskeyError::WrongPassword | PasskeyError::SignInAgain | PasskeyError::Wait { .. } => "password",
        PasskeyError::Name | PasskeyError::NameTaken => "name",
        _ => "",
    }
}

/// Where the console is open: the name that the request was sent to, by a script of a page of that name.
pub(super) fn place(visit: &Visit, headers: &HeaderMap) -> Result<PasskeyPlace, PasskeyError> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    Ok(visit.console.passkey_place_of_page(visit.host.as_deref(), origin)?)
}

/// The same for a form: since pages send no referrer, browsers say of most forms that they come from `null`, and what
/// they were asked, by a script, is bound to a place already.
pub(super) fn place_of_form(visit: &Visit, headers: &HeaderMap) -> Result<PasskeyPlace, PasskeyError> {
    match headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()) {
        None | Some("null") => Ok(visit.console.passkey_place(visit.host.as_deref())?),
        Some(_) => place(visit, headers),
    }
}

/// What the script asks the browser for.
pub(super) fn question(options: String) -> Response {
    let mut response = options.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Why the script has nothing to ask.
pub(super) fn no_question(locale: Locale, error: PasskeyError) -> Result<Response, Error> {
    let (status, text) = said(locale, error)?;
    let body = serde_json::json!({ "wrong": text.to_string() });
    Ok((status, axum::Json(body)).into_response())
}

async fn page(member: &Member, status: StatusCode, form: Form) -> Result<Response, Error> {
    let passkeys = member.console().own_passkeys(&member.actor).await?;
    let here = match member.console().passkey_place(member.visit.host.as_deref()) {
        Ok(place) => Ok(place.host().to_owned()),
        Err(why) => Err(no_place(member.locale(), &why).to_string()),
    };
    let p = Page::new(&member.visit, member.locale().say("passkeys"));
    let provider = member.console().own_provider(&member.actor, member.visit.from).await?;
    show(status, &PasskeysPage { p, passkeys, here, form, provider })
}

/// `GET /me/passkeys`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    page(&member, StatusCode::OK, Form::new(NEW, Fields::default())).await
}

/// `POST /me/passkeys/begin`: what to ask the browser for, for the script.
pub(super) async fn begin(member: Member, headers: HeaderMap, Sent(fields): Sent) -> Result<Response, Error> {
    let (console, from) = (member.console(), member.visit.from);
    let own = cookie(&headers).unwrap_or_default();
    let begun = match place(&member.visit, &headers) {
        Ok(place) => {
            let typed = (fields.get("password"), fields.get("name"));
            console.begin_passkey(&member.actor, &own, typed, &place, from).await
        }
        Err(error) => Err(error),
    };
    match begun {
        Ok(options) => Ok(question(options)),
        Err(error) => no_question(member.locale(), error),
    }
}

/// `POST /me/passkeys`: what the browser made.
pub(super) async fn add(member: Member, headers: HeaderMap, Sent(fields): Sent) -> Result<Response, Error> {
    let (console, from) = (member.console(), member.visit.from);
    let own = cookie(&headers).unwrap_or_default();
    let made = match place_of_form(&member.visit, &headers) {
        Ok(place) => console.finish_passkey(&member.actor, &own, fields.get("answer"), &place, from).await,
        Err(error) => Err(error),
    };
    let error = match made {
        Ok(codes) if codes.is_empty() => return Ok(see_other("/me/passkeys?done=passkey-added")),
        Ok(codes) => return codes_page(&member, codes),
        Err(error) => error,
    };
    let mut form = Form::new(NEW, Fields::default().with("name", fields.get("name")));
    let at = field(&error);
    let (status, text) = said(member.locale(), error)?;
    form.error(at, text);
    page(&member, status, form).await
}

async fn one_page(member: &Member, id: &str, status: StatusCode, form: Form) -> Result<Response, Error> {
    let all = member.console().own_passkeys(&member.actor).await?;
    let Some(passkey) = all.into_iter().find(|passkey| passkey.id == id) else {
        return Ok(see_other("/me/passkeys"));
    };
    let p = Page::new(&member.visit, passkey.name.as_str());
    let provider = member.console().own_provider(&member.actor, member.visit.from).await?;
    show(status, &PasskeyPage { p, passkey, form, provider })
}

/// `GET /me/passkeys/{passkey}`
pub(super) async fn one(member: Member, Path(id): Path<String>) -> Result<Response, Error> {
    one_page(&member, &id, StatusCode::OK, Form::new(REMOVE, Fields::default())).await
}

/// `POST /me/passkeys/{passkey}`: removes it.
pub(super) async fn remove(
    member: Member,
    headers: HeaderMap,
    Path(id): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let own = cookie(&headers).unwrap_or_default();
    let (password, from) = (fields.get("password"), member.visit.from);
    let error = match member.console().remove_own_passkey(&member.actor, &own, &id, password, from).await {
        Ok(()) => return Ok(see_other("/me/passkeys?done=passkey-removed")),
        // Another window was quicker: the page says what is so now.
        Err(PasskeyError::Missing(_)) => return Ok(see_other("/me/passkeys")),
        Err(error) => error,
    };
    let mut form = Form::new(REMOVE, Fields::default());
    let at = field(&error);
    let (_, text) = said(member.locale(), error)?;
    form.error(at, text);
    one_page(&member, &id, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// `GET /admin/accounts/{account}/passkeys/{passkey}`
pub(super) async fn one_of_others(
    member: Member,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let account = member.console().account(&member.actor, &name).await?;
    let all = member.console().passkeys(&member.actor, &account.name).await.map_err(console::Error::from)?;
    let missing = || console::Missing { thing: console::Thing::Passkey, name: id.clone() };
    let passkey = all.into_iter().find(|passkey| passkey.id == id);
    let passkey = passkey.ok_or_else(|| Error::Missing(missing()))?;
    let locale = member.locale();
    let place = format!("/admin/accounts/{}", account.name);
    Confirm {
        p: Page::new(&member.visit, locale.say("passkey-title").with("name", &passkey.name)),
        question: locale
            .say("passkey-remove-question")
            .with("name", &passkey.name)
            .with("account", &account.name)
            .to_string(),
        consequence: locale.say("passkey-remove-consequence").to_string(),
        button: locale.say("passkey-remove").to_string(),
        action: format!("{place}/passkeys/{}", passkey.id),
        back: place,
    }
    .page()
}

/// `POST /admin/accounts/{account}/passkeys/{passkey}`: removes it.
pub(super) async fn remove_of_others(
    member: Member,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let account = member.console().account(&member.actor, &name).await?;
    match member.console().remove_passkey(&member.actor, &account.name, &id).await {
        Ok(()) => Ok(see_other(&format!("/admin/accounts/{}?done=passkey-removed", account.name))),
        Err(PasskeyError::Own) => Ok(see_other("/me/passkeys")),
        Err(error) => Err(console::Error::from(error).into()),
    }
}
