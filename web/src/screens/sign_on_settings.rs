//! SETTINGS → SINGLE SIGN-ON: the provider that people may sign in through, and what its groups may do here.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use console::{GroupRole, NewSecret, Role, SetSignOnError, SignOn, SignOnSettings};

use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::locale::Locale;
use crate::page::{Page, keep_address, see_other, show};
use crate::visit::Member;

const KNOWN: &[&str] = &[
    "enabled",
    "name",
    "issuer",
    "client_id",
    "secret",
    "scopes",
    "authorities",
    "name_claim",
    "groups_claim",
    "groups",
    "default_role",
    "second_factor",
    "address",
];
const PATH: &str = "/admin/settings/single-sign-on";
/// The word of the form for whoever is in no group with a role.
const NOBODY: &str = "refused";

#[derive(Template)]
#[template(path = "sign_on.html")]
struct SettingsPage {
    p: Page,
    form: Form,
    set: SignOn,
    /// What came of a question to the provider: tone and sentence.
    tried: Option<(&'static str, String)>,
}

impl SettingsPage {
    fn roles(&self) -> [Role; 5] {
        Role::ALL
    }
}

fn texts(settings: &SignOnSettings) -> Fields {
    let groups: Vec<String> =
        settings.groups.iter().map(|one| format!("{} = {}", one.group, one.role)).collect();
    Fields::default()
        .with_tick("enabled", settings.enabled)
        .with("name", &settings.name)
        .with("issuer", &settings.issuer)
        .with("client_id", &settings.client_id)
        .with("scopes", settings.scopes.join(" "))
        .with("authorities", settings.authorities.as_deref().unwrap_or_default())
        .with("name_claim", settings.name_claim.as_deref().unwrap_or_default())
        .with("groups_claim", &settings.groups_claim)
        .with("groups", groups.join("\n"))
        .with("default_role", settings.default_role.map_or(NOBODY, Role::as_str))
        .with_tick("second_factor", settings.second_factor)
        .with("address", settings.address.as_deref().unwrap_or_default())
}

/// One line: a group, an equals sign, a role. The group's name may hold equals signs.
fn group(line: &str) -> Option<GroupRole> {
    let (group, role) = line.rsplit_once('=')?;
    Some(GroupRole { group: group.trim().to_owned(), role: role.trim().to_lowercase().parse().ok()? })
}

/// What was typed; what is no text of its kind is said in the form.
fn typed(locale: Locale, fields: &Fields, form: &mut Form) -> (SignOnSettings, NewSecret) {
    let text = |name: &str| fields.get(name).trim().to_owned();
    let filled = |name: &str| fields.filled(name).map(ToOwned::to_owned);
    let lines = fields.get("groups").lines().map(str::trim).filter(|line| !line.is_empty());
    let groups: Option<Vec<GroupRole>> = lines.map(group).collect();
    if groups.is_none() {
        form.error("groups", locale.say("sign-on-wrong-line"));
    }
    let default_role = match fields.get("default_role") {
        NOBODY | "" => None,
        word => word.parse::<Role>().map_err(|_| form.error("default_role", locale.say("wrong-choice"))).ok(),
    };
    let secret = match fields.filled("secret") {
        _ if fields.ticked("no_secret") => NewSecret::Remove,
        Some(secret) => NewSecret::Set(secret.to_owned()),
        None => NewSecret::Keep,
    };
    let settings = SignOnSettings {
        enabled: fields.ticked("enabled"),
        name: text("name"),
        issuer: text("issuer"),
        client_id: text("client_id"),
        scopes: fields.get("scopes").split_whitespace().map(ToOwned::to_owned).collect(),
        authorities: filled("authorities"),
        name_claim: filled("name_claim"),
        groups_claim: text("groups_claim"),
        // Whoever mistyped a line is not told as well that there is none.
        default_role: default_role.or(if groups.is_none() { Some(Role::Viewer) } else { None }),
        groups: groups.unwrap_or_default(),
        second_factor: fields.ticked("second_factor"),
        address: filled("address"),
    };
    (settings, secret)
}

fn page(
    member: &Member,
    status: StatusCode,
    form: Form,
    set: SignOn,
    tried: Option<(&'static str, String)>,
) -> Result<Response, Error> {
    let p = Page::new(&member.visit, member.locale().say("sign-on-title"));
    show(status, &SettingsPage { p, form, set, tried })
}

async fn kept(member: &Member, tried: Option<(&'static str, String)>) -> Result<Response, Error> {
    let set = member.console().sign_on(&member.actor).await?;
    let form = Form::new(KNOWN, texts(&set.settings));
    page(member, StatusCode::OK, form, set, tried)
}

/// `GET /admin/settings/single-sign-on`
pub(super) async fn form(member: Member) -> Result<Response, Error> {
    kept(&member, None).await
}

/// `POST /admin/settings/single-sign-on`
pub(super) async fn save(member: Member, Sent(fields): Sent) -> Result<Response, Error> {
    let (locale, console) = (member.locale(), member.console());
    let mut form = Form::new(KNOWN, (*fields).clone());
    let (settings, secret) = typed(locale, &fields, &mut form);
    let rehearse = form.failed();
    match console.set_sign_on(&member.actor, settings, secret, rehearse).await {
        Ok(_) if !rehearse => return Ok(see_other(&format!("{PATH}?done=settings-saved"))),
        Ok(_) => {}
        Err(SetSignOnError::Invalid(wrong)) => {
            for (field, why) in wrong {
                form.error(field, locale.say(format!("sign-on-wrong-{}", why.as_str())));
            }
        }
        Err(other) => return Err(other.into()),
    }
    let set = console.sign_on(&member.actor).await?;
    page(&member, StatusCode::UNPROCESSABLE_ENTITY, form, set, None)
}

/// `POST /admin/settings/single-sign-on/test`
pub(super) async fn test(member: Member) -> Result<Response, Error> {
    let locale = member.locale();
    let tried = match member.console().try_sign_on(&member.actor).await? {
        Ok(()) => ("good", locale.say("sign-on-tried-good").to_string()),
        Err(reason) => ("bad", locale.say("sign-on-tried-bad").with("reason", reason).to_string()),
    };
    kept(&member, Some(tried)).await.map(keep_address)
}
