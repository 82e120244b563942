//! TOKENS: what automation may do, until when, and where. For administrators.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{AccountError, NewToken, Role, TokenInfo, TokenRequest};

use super::entry::name_error;
use super::objects::Confirm;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::page::{Page, keep_address, see_other, show};
use crate::visit::Member;

const NEW: &[&str] = &["name", "role", "days", "cluster"];
/// Days a token may last at most; nobody looks at one that lasts for ever.
const MOST_DAYS: i64 = 730;

/// A token as it is listed.
struct Row {
    token: TokenInfo,
    /// Name of the only cluster it reaches.
    cluster: Option<String>,
    over: bool,
    /// How its secret begins.
    begins: String,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct ListPage {
    p: Page,
    rows: Vec<Row>,
    /// Id and name.
    clusters: Vec<(String, String)>,
    form: Form,
}

impl ListPage {
    fn roles(&self) -> [Role; 5] {
        Role::ALL
    }
}

#[derive(Template)]
#[template(path = "token_made.html")]
struct MadePage {
    p: Page,
    made: NewToken,
}

async fn page(member: &Member, status: StatusCode, form: Form) -> Result<Response, Error> {
    let console = member.console();
    let clusters: Vec<(String, String)> =
        console.clusters().await?.into_iter().map(|cluster| (cluster.id, cluster.name)).collect();
    let now = jiff::Timestamp::now();
    let rows = console
        .tokens(&member.actor)
        .await?
        .into_iter()
        .map(|token| Row {
            cluster: token.cluster.as_ref().map(|id| {
                let named = clusters.iter().find(|(known, _)| known == id);
                named.map_or_else(|| id.clone(), |(_, name)| name.clone())
            }),
            over: token.expires <= now,
            begins: format!("caribe_{}_", token.prefix),
            token,
        })
        .collect();
    let p = Page::new(&member.visit, member.locale().say("tokens-title"));
    show(status, &ListPage { p, rows, clusters, form })
}

/// `GET /admin/tokens`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let fields = Fields::default().with("role", Role::Viewer).with("days", 90);
    page(&member, StatusCode::OK, Form::new(NEW, fields)).await
}

/// `POST /admin/tokens`
pub(super) async fn add(member: Member, Sent(fields): Sent) -> Result<Response, Error> {
    let locale = member.locale();
    let mut form = Form::new(NEW, (*fields).clone());
    let role = fields.get("role").parse::<Role>();
    if role.is_err() {
        form.error("role", locale.say("wrong-role"));
    }
    let days = fields.get("days").trim().parse::<i64>().ok().filter(|days| (1..=MOST_DAYS).contains(days));
    if days.is_none() {
        form.error("days", locale.say("wrong-days").with("most", MOST_DAYS));
    }
    if let (Ok(role), Some(days)) = (role, days) {
        let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(days * 24);
        let request = TokenRequest {
            name: fields.get("name").trim(),
            role,
            expires: Some(expires),
            cluster: fields.filled("cluster"),
        };
        match member.console().create_token_for(&member.actor, request).await {
            Ok(made) => {
                let p =
                    Page::new(&member.visit, locale.say("token-made-title").with("name", &made.info.name));
                return Ok(keep_address(show(StatusCode::OK, &MadePage { p, made })?));
            }
            Err(AccountError::Name(error)) => form.error("name", name_error(locale, &error)),
            Err(other) => return Err(console::Error::from(other).into()),
        }
    }
    page(&member, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// `GET /admin/tokens/{token}/delete`
pub(super) async fn delete_form(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let all = member.console().tokens(&member.actor).await?;
    let token = all.into_iter().find(|token| token.name == name).ok_or(Error::NotFound)?;
    Confirm {
        p: Page::new(&member.visit, locale.say("token-delete-title").with("name", &token.name)),
        question: locale.say("token-delete-question").with("name", &token.name).to_string(),
        consequence: locale.say("token-delete-consequence").to_string(),
        button: locale.say("delete").to_string(),
        action: format!("/admin/tokens/{}/delete", token.name),
        back: "/admin/tokens".to_owned(),
    }
    .page()
}

/// `POST /admin/tokens/{token}/delete`
pub(super) async fn delete(member: Member, Path(name): Path<String>) -> Result<Response, Error> {
    member.console().delete_token(&member.actor, &name).await?;
    Ok(see_other("/admin/tokens?done=token-deleted"))
}
