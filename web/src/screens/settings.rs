//! SETTINGS: the console's own: how long samples are kept, where it listens, who it is, and of whom
//! a second factor is demanded.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Retention, Role};

use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::{Form, Reader};
use crate::page::{Page, see_other, show};
use crate::visit::Member;

/// The fields of the form.
const KNOWN: &[&str] = &["minute_days", "coarse_days"];

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    p: Page,
    form: Form,
    /// From which role on a second factor is demanded.
    least: Option<Role>,
    /// Whether people may sign in through a provider.
    sign_on: bool,
    /// Name and value, as they are.
    facts: Vec<(String, Vec<String>)>,
}

impl SettingsPage {
    fn roles(&self) -> [Role; 5] {
        Role::ALL
    }

    fn is_least(&self, role: &Role) -> bool {
        self.least.as_ref() == Some(role)
    }
}

async fn page(member: &Member, status: StatusCode, form: Form) -> Result<Response, Error> {
    let locale = member.locale();
    let console = member.console();
    let unknown = || vec![locale.say("settings-unknown").to_string()];
    let or_unknown = |values: Vec<String>| if values.is_empty() { unknown() } else { values };
    let fact = |key: &'static str, values: Vec<String>| (locale.say(key).to_string(), or_unknown(values));
    let backup = match console.last_backup().await? {
        Some(at) => vec![at.to_string()],
        None => vec![locale.say("settings-backup-never").to_string()],
    };
    let facts = vec![
        fact("settings-version", vec![env!("CARGO_PKG_VERSION").to_owned()]),
        fact(
            "settings-listens",
            console.listening().map(|address| address.to_string()).into_iter().collect(),
        ),
        fact("settings-names", console.names().to_vec()),
        fact("settings-installation", vec![console.pki().installation().to_owned()]),
        fact("settings-ca", vec![console.pki().ca_fingerprint()]),
        fact("settings-browser", vec![console.pki().web_fingerprint()]),
        fact("settings-zone", vec!["UTC".to_owned()]),
        (locale.say("settings-backup").to_string(), backup),
    ];
    let p = Page::new(&member.visit, locale.say("settings-title"));
    let least = console.second_factor_required().await?;
    let sign_on = console.sign_on_button().await?.is_some();
    show(status, &SettingsPage { p, form, least, sign_on, facts })
}

async fn kept(member: &Member) -> Result<Form, Error> {
    let kept = member.console().retention().await?;
    let fields =
        Fields::default().with("minute_days", kept.minute_days).with("coarse_days", kept.coarse_days);
    Ok(Form::new(KNOWN, fields))
}

/// `GET /admin/settings`
pub(super) async fn form(member: Member) -> Result<Response, Error> {
    page(&member, StatusCode::OK, kept(&member).await?).await
}

/// `POST /admin/settings/second-factor`
pub(super) async fn second_factor(member: Member, Sent(fields): Sent) -> Result<Response, Error> {
    let least = match fields.get("role") {
        "nobody" => None,
        word => Some(word.parse::<Role>().map_err(|error| Error::Malformed(error.to_string()))?),
    };
    member.console().require_second_factor(&member.actor, least).await?;
    Ok(see_other("/admin/settings?done=settings-saved"))
}

/// `POST /admin/settings`
pub(super) async fn save(member: Member, Sent(fields): Sent) -> Result<Response, Error> {
    let locale = member.locale();
    let mut form = Reader::new(KNOWN, &fields, locale).finish();
    let days = |name: &str| fields.get(name).trim().parse::<u32>().ok();
    let retention = match (days("minute_days"), days("coarse_days")) {
        (Some(minute), Some(coarse)) => Retention::new(minute, coarse).ok(),
        _ => None,
    };
    let Some(retention) = retention else {
        for name in KNOWN.iter().filter(|name| days(name).is_none_or(|days| !(1..=400).contains(&days))) {
            form.error(name, locale.say("wrong-retention"));
        }
        if !form.failed() {
            form.error("coarse_days", locale.say("wrong-retention-order"));
        }
        return page(&member, StatusCode::UNPROCESSABLE_ENTITY, form).await;
    };
    member.console().set_retention(&member.actor, retention).await?;
    Ok(see_other("/admin/settings?done=settings-saved"))
}
