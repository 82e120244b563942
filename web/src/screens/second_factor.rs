//! MY ACCOUNT → the second factor: an app set up, other recovery codes, the app switched off; and all of it taken from
//! somebody else by an administrator. Passkeys have pages of their own (`passkeys`).
//!
//! Secrets are shown in the answer to a form, once, and have no address of their own. Whoever must set one up before
//! anything else (`Needs::Person`) reaches these pages and no other.

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use console::{NewSecondFactor, OwnProvider, SecondFactorError, SecondFactorState};

use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::guard::cookie;
use crate::locale::Locale;
use crate::page::{Page, see_other, show};
use crate::qr::{Picture, picture};
use crate::visit::Member;

const PROOF: &[&str] = &["password", "code"];
const CONFIRM: &[&str] = &["code"];

#[derive(Template)]
#[template(path = "second_factor.html")]
struct StatePage {
    p: Page,
    state: SecondFactorState,
    /// Whether nothing else can be done before it is set up.
    demanded: bool,
    form: Form,
    /// The provider that the account signs in through, in place of a password.
    provider: Option<OwnProvider>,
}

impl StatePage {
    fn again(&self) -> String {
        super::sign_on::button("/me/second-factor", true)
    }
}

#[derive(Template)]
#[template(path = "second_factor_new.html")]
struct NewPage {
    p: Page,
    made: NewSecondFactor,
    picture: Option<Picture>,
    form: Form,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage {
    p: Page,
    codes: Vec<String>,
}

/// Says at its field what a code or password was refused for; what has no field goes on.
pub(super) fn said(locale: Locale, form: &mut Form, error: SecondFactorError) -> Result<(), Error> {
    use SecondFactorError as S;
    match error {
        S::WrongPassword => form.error("password", locale.say("wrong-current")),
        S::SignInAgain => form.error("password", locale.say("wrong-sign-in-again")),
        S::WrongCode => form.error("code", locale.say("wrong-second-factor")),
        S::Stopped => form.error("code", locale.say("wrong-second-factor-stopped")),
        S::Wait { seconds } => form.error("code", locale.say("wrong-wait").with("seconds", seconds)),
        other => return Err(console::Error::from(other).into()),
    }
    Ok(())
}

async fn page(member: &Member, status: StatusCode, form: Form) -> Result<Response, Error> {
    let state = member.console().second_factor(&member.actor).await?;
    let demanded = state.required && !state.is_on();
    let p = Page::new(&member.visit, member.locale().say("second-factor"));
    let provider = member.console().own_provider(&member.actor, member.visit.from).await?;
    show(status, &StatePage { p, state, demanded, form, provider })
}

fn new_page(
    member: &Member,
    status: StatusCode,
    made: NewSecondFactor,
    form: Form,
) -> Result<Response, Error> {
    let p = Page::new(&member.visit, member.locale().say("second-factor-new"));
    let picture = picture(&made.address);
    show(status, &NewPage { p, made, picture, form })
}

pub(super) fn codes_page(member: &Member, codes: Vec<String>) -> Result<Response, Error> {
    let p = Page::new(&member.visit, member.locale().say("recovery-codes"));
    show(StatusCode::OK, &CodesPage { p, codes })
}

/// `GET /me/second-factor`
pub(super) async fn state(member: Member) -> Result<Response, Error> {
    page(&member, StatusCode::OK, Form::new(PROOF, Fields::default())).await
}

/// `POST /me/second-factor`: begins to set one up, makes other recovery codes, or switches it off, as the button says.
pub(super) async fn change(
    member: Member,
    headers: HeaderMap,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let (console, actor, from) = (member.console(), &member.actor, member.visit.from);
    let (password, code) = (fields.get("password"), fields.get("code"));
    let refused = match fields.get("do") {
        "begin" => match console.begin_second_factor(actor, password, from).await {
            Ok(made) => {
                return new_page(&member, StatusCode::OK, made, Form::new(CONFIRM, Fields::default()));
            }
            Err(error) => error,
        },
        "codes" => match console.new_recovery_codes(actor, password, code, from).await {
            Ok(codes) => return codes_page(&member, codes),
            Err(error) => error,
        },
        "off" => {
            let own = cookie(&headers).unwrap_or_default();
            match console.end_second_factor(actor, &own, password, code, from).await {
                Ok(()) => return Ok(see_other("/me?done=second-factor-off")),
                Err(error) => error,
            }
        }
        _ => return Err(Error::Malformed("expected the field do to be begin, codes or off".to_owned())),
    };
    if matches!(refused, SecondFactorError::On | SecondFactorError::Over) {
        // Another window was quicker: the page says what is so now.
        return Ok(see_other("/me/second-factor"));
    }
    let mut form = Form::new(PROOF, Fields::default());
    said(member.locale(), &mut form, refused)?;
    page(&member, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// `POST /me/second-factor/confirm`
pub(super) async fn confirm(
    member: Member,
    headers: HeaderMap,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let (console, own) = (member.console(), cookie(&headers).unwrap_or_default());
    let code = fields.get("code");
    let refused = match console.confirm_second_factor(&member.actor, &own, code, member.visit.from).await {
        // Beside passkeys the codes that are there stay good.
        Ok(codes) if codes.is_empty() => return Ok(see_other("/me/second-factor?done=second-factor-on")),
        Ok(codes) => return codes_page(&member, codes),
        Err(error) => error,
    };
    let mut form = Form::new(CONFIRM, Fields::default());
    match console.begun_second_factor(&member.actor).await {
        Ok(made) if !matches!(refused, SecondFactorError::Over) => {
            said(member.locale(), &mut form, refused)?;
            new_page(&member, StatusCode::UNPROCESSABLE_ENTITY, made, form)
        }
        _ => {
            let mut form = Form::new(PROOF, Fields::default());
            form.error("password", member.locale().say("wrong-second-factor-over"));
            page(&member, StatusCode::UNPROCESSABLE_ENTITY, form).await
        }
    }
}

/// `POST /admin/accounts/{account}/second-factor`: takes it away.
pub(super) async fn remove(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    let account = member.console().account(&member.actor, &name).await?;
    match member.console().remove_second_factor(&member.actor, &account.name).await {
        Ok(()) | Err(SecondFactorError::Off) => {
            Ok(see_other(&format!("/admin/accounts/{}?done=second-factor-removed", account.name)))
        }
        Err(SecondFactorError::Own) => Ok(see_other("/me/second-factor")),
        Err(error) => Err(console::Error::from(error).into()),
    }
}
