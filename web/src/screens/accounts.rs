//! ACCOUNTS: who may sign in and do what; one-time codes for passwords. For administrators.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{AccountError, AccountInfo, NewPasswordCode, PasskeyInfo, PasswordCodeError, Role};

use super::entry::{name_error, password_error};
use super::login_code::entered;
use super::objects::Confirm;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::page::{Page, keep_address, see_other, show};
use crate::visit::{Member, Visit};

const NEW: &[&str] = &["name", "role"];
const CHANGE: &[&str] = &["role", "disabled"];
const CODE: &[&str] = &["code", "password", "again"];

#[derive(Template)]
#[template(path = "accounts.html")]
struct ListPage {
    p: Page,
    rows: Vec<AccountInfo>,
    form: Form,
}

#[derive(Template)]
#[template(path = "account.html")]
struct OnePage {
    p: Page,
    account: AccountInfo,
    passkeys: Vec<PasskeyInfo>,
    /// Whether it is the one of whoever asks.
    own: bool,
    form: Form,
}

#[derive(Template)]
#[template(path = "password_code.html")]
struct CodePage {
    p: Page,
    made: NewPasswordCode,
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    p: Page,
    form: Form,
}

fn roles() -> [Role; 5] {
    Role::ALL
}

impl ListPage {
    fn roles(&self) -> [Role; 5] {
        roles()
    }
}

impl OnePage {
    fn roles(&self) -> [Role; 5] {
        roles()
    }
}

async fn list_page(member: &Member, status: StatusCode, form: Form) -> Result<Response, Error> {
    let rows = member.console().accounts(&member.actor).await?;
    let p = Page::new(&member.visit, member.locale().say("accounts-title"));
    show(status, &ListPage { p, rows, form })
}

/// `GET /admin/accounts`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let fields = Fields::default().with("role", Role::Viewer);
    list_page(&member, StatusCode::OK, Form::new(NEW, fields)).await
}

/// The page that shows a code, once.
fn code_page(member: &Member, made: NewPasswordCode) -> Result<Response, Error> {
    let title = member.locale().say("code-title").with("name", &made.account);
    let p = Page::new(&member.visit, title);
    Ok(keep_address(show(StatusCode::OK, &CodePage { p, made })?))
}

/// What stands in the way of a change, said at its field; failures of ours go on.
fn said(member: &Member, form: &mut Form, error: AccountError) -> Result<(), Error> {
    let locale = member.locale();
    match error {
        AccountError::Name(name) => form.error("name", name_error(locale, &name)),
        AccountError::LastAdmin => form.error("role", locale.say("wrong-last-admin")),
        other => return Err(console::Error::from(other).into()),
    }
    Ok(())
}

/// `POST /admin/accounts`
pub(super) async fn add(member: Member, Sent(fields): Sent) -> Result<Response, Error> {
    let mut form = Form::new(NEW, (*fields).clone());
    let name = fields.get("name").trim();
    let Ok(role) = fields.get("role").parse::<Role>() else {
        form.error("role", member.locale().say("wrong-role"));
        return list_page(&member, StatusCode::UNPROCESSABLE_ENTITY, form).await;
    };
    match member.console().create_account(&member.actor, name, role).await {
        Ok(made) => code_page(&member, made),
        Err(error) => {
            said(&member, &mut form, error)?;
            list_page(&member, StatusCode::UNPROCESSABLE_ENTITY, form).await
        }
    }
}

async fn one_page(
    member: &Member,
    name: &str,
    status: StatusCode,
    form: Option<Form>,
) -> Result<Response, Error> {
    let account = member.console().account(&member.actor, name).await?;
    let now = Fields::default().with("role", account.role).with_tick("disabled", account.disabled);
    let p = Page::new(&member.visit, member.locale().say("account-title").with("name", &account.name));
    let own = account.name.eq_ignore_ascii_case(&member.actor.name);
    let passkeys =
        member.console().passkeys(&member.actor, &account.name).await.map_err(console::Error::from)?;
    let form = form.unwrap_or_else(|| Form::new(CHANGE, now));
    show(status, &OnePage { p, account, passkeys, own, form })
}

/// `GET /admin/accounts/{account}`
pub(super) async fn form(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    one_page(&member, &name, StatusCode::OK, None).await
}

/// `POST /admin/accounts/{account}`
pub(super) async fn save(
    member: Member,
    Path(name): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let mut form = Form::new(CHANGE, (*fields).clone());
    let account = member.console().account(&member.actor, &name).await?;
    let Ok(role) = fields.get("role").parse::<Role>() else {
        form.error("role", member.locale().say("wrong-role"));
        return one_page(&member, &name, StatusCode::UNPROCESSABLE_ENTITY, Some(form)).await;
    };
    let disabled = fields.ticked("disabled");
    let console = member.console();
    match console.change_account(&member.actor, &account.name, Some(role), Some(disabled)).await {
        Ok(()) => Ok(see_other("/admin/accounts?done=account-saved")),
        Err(error) => {
            said(&member, &mut form, error)?;
            one_page(&member, &name, StatusCode::UNPROCESSABLE_ENTITY, Some(form)).await
        }
    }
}

/// `POST /admin/accounts/{account}/reset`
pub(super) async fn reset(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    match member.console().reset_password(&member.actor, &name).await {
        Ok(made) => code_page(&member, made),
        Err(error) => {
            let account = member.console().account(&member.actor, &name).await?;
            let mut form = Form::new(CHANGE, Fields::default().with("role", account.role));
            said(&member, &mut form, error)?;
            one_page(&member, &name, StatusCode::UNPROCESSABLE_ENTITY, Some(form)).await
        }
    }
}

/// `GET /admin/accounts/{account}/delete`
pub(super) async fn delete_form(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    let account = member.console().account(&member.actor, &name).await?;
    let locale = member.locale();
    Confirm {
        p: Page::new(&member.visit, locale.say("account-delete-title").with("name", &account.name)),
        question: locale.say("account-delete-question").with("name", &account.name).to_string(),
        consequence: locale.say("account-delete-consequence").to_string(),
        button: locale.say("delete").to_string(),
        action: format!("/admin/accounts/{}/delete", account.name),
        back: format!("/admin/accounts/{}", account.name),
    }
    .page()
}

/// `POST /admin/accounts/{account}/delete`
pub(super) async fn delete(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    match member.console().delete_account(&member.actor, &name).await {
        Ok(()) => Ok(see_other("/admin/accounts?done=account-deleted")),
        Err(AccountError::LastAdmin) => {
            let mut form = Form::new(CHANGE, Fields::default().with("role", Role::Admin));
            form.error("role", member.locale().say("wrong-last-admin"));
            one_page(&member, &name, StatusCode::UNPROCESSABLE_ENTITY, Some(form)).await
        }
        Err(error) => Err(console::Error::from(error).into()),
    }
}

fn password_page(visit: &Visit, status: StatusCode, form: Form) -> Result<Response, Error> {
    let p = Page::new(visit, visit.locale.say("password-title")).narrow();
    show(status, &PasswordPage { p, form })
}

/// `GET /password`: where a one-time code is used.
pub(super) async fn password_form(visit: Visit) -> Result<Response, Error> {
    password_page(&visit, StatusCode::OK, Form::new(CODE, Fields::default()))
}

/// `POST /password`
pub(super) async fn password(visit: Visit, Sent(fields): Sent) -> Result<Response, Error> {
    let locale = visit.locale;
    let mut form = Form::new(CODE, (*fields).clone());
    if fields.get("password") != fields.get("again") {
        form.error("again", locale.say("wrong-password-again"));
        return password_page(&visit, StatusCode::UNPROCESSABLE_ENTITY, form);
    }
    let new = fields.get("password");
    match visit.console.use_password_code(fields.get("code"), new, visit.from).await {
        Ok(sign_in) => return Ok(entered(&sign_in, "/")),
        Err(PasswordCodeError::Failed(failure)) => return Err(failure.into()),
        Err(PasswordCodeError::Wrong) => form.error("code", locale.say("wrong-password-code")),
        Err(PasswordCodeError::Wait { seconds }) => {
            form.error("code", locale.say("wrong-wait").with("seconds", seconds));
        }
        Err(PasswordCodeError::Password(error)) => form.error("password", password_error(locale, error)),
    }
    password_page(&visit, StatusCode::UNPROCESSABLE_ENTITY, form)
}
