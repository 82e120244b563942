//! The pages of the rules of alerts: which problems are told where, after how long, and how often. For administrators.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{ProblemKind, RuleSettings};

use super::alerts::say_wrong;
use super::objects::Confirm;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::locale::Locale;
use crate::page::{Page, see_other, show};
use crate::visit::Member;

const RULE: &[&str] = &["name", "channel", "cluster", "kinds", "after_s", "repeat_s", "recovery", "active"];
/// Seconds between reminders that are offered; 0 is never.
const REPEATS: [u32; 7] = [0, 900, 3_600, 14_400, 43_200, 86_400, 604_800];

#[derive(Template)]
#[template(path = "alert_rule.html")]
struct RulePage {
    p: Page,
    form: Form,
    /// Id of the rule that is changed; none for a new one.
    id: Option<String>,
    /// Id and name.
    channels: Vec<(String, String)>,
    /// Id and name.
    clusters: Vec<(String, String)>,
    /// Seconds between reminders that can be chosen.
    repeats: Vec<u32>,
}

impl RulePage {
    fn kinds(&self) -> [ProblemKind; 10] {
        ProblemKind::ALL
    }

    fn action(&self) -> String {
        let id = self.id.as_deref().unwrap_or("new");
        format!("/admin/alerts/rules/{id}")
    }

    /// A span as people say it.
    fn span(&self, seconds: &u32) -> String {
        let locale = self.p.locale;
        match *seconds {
            0 => locale.say("alert-repeat-never").to_string(),
            whole if whole % 3_600 == 0 => locale.say("alert-hours").with("count", whole / 3_600).to_string(),
            whole if whole % 60 == 0 => locale.say("alert-minutes").with("count", whole / 60).to_string(),
            other => locale.say("alert-seconds").with("count", other).to_string(),
        }
    }
}

fn texts(rule: &RuleSettings) -> Fields {
    let mut fields = Fields::default()
        .with("name", &rule.name)
        .with("channel", &rule.channel)
        .with("cluster", rule.cluster.as_deref().unwrap_or_default())
        .with("after_s", rule.after_s)
        .with("repeat_s", rule.repeat_s);
    let ticks = [("recovery", rule.recovery), ("active", rule.active)];
    for (name, _) in ticks.into_iter().filter(|(_, on)| *on) {
        fields = fields.with(name, "on");
    }
    for kind in &rule.kinds {
        fields = fields.with("kinds", kind.as_str());
    }
    fields
}

/// What was typed; what is no text of its kind is said in the form.
fn typed(locale: Locale, fields: &Fields, form: &mut Form) -> RuleSettings {
    let seconds = |name: &str, form: &mut Form| match fields.get(name).trim().parse::<u32>() {
        Ok(seconds) => seconds,
        Err(_) => {
            form.error(name, locale.say("wrong-number"));
            0
        }
    };
    RuleSettings {
        name: fields.get("name").trim().to_owned(),
        channel: fields.get("channel").to_owned(),
        cluster: fields.filled("cluster").map(ToOwned::to_owned),
        kinds: ProblemKind::ALL.into_iter().filter(|kind| fields.contains("kinds", kind.as_str())).collect(),
        after_s: seconds("after_s", form),
        repeat_s: seconds("repeat_s", form),
        recovery: fields.ticked("recovery"),
        active: fields.ticked("active"),
    }
}

async fn page(
    member: &Member,
    status: StatusCode,
    id: Option<String>,
    form: Form,
) -> Result<Response, Error> {
    let (locale, console) = (member.locale(), member.console());
    let channels = console.alert_channels().await?;
    let title = match &id {
        Some(_) => locale.say("alert-rule-title").with("name", form.value("name")),
        None => locale.say("alert-rule-new"),
    };
    let mut repeats = REPEATS.to_vec();
    if let Ok(own) = form.value("repeat_s").parse::<u32>() {
        repeats.push(own);
        repeats.sort_unstable();
        repeats.dedup();
    }
    let page = RulePage {
        p: Page::new(&member.visit, title),
        form,
        id,
        channels: channels.into_iter().map(|one| (one.id, one.settings.name)).collect(),
        clusters: console.clusters().await?.into_iter().map(|one| (one.id, one.name)).collect(),
        repeats,
    };
    show(status, &page)
}

/// `GET /admin/alerts/rules/new`
pub(super) async fn new_form(member: Member) -> Result<Response, Error> {
    page(&member, StatusCode::OK, None, Form::new(RULE, texts(&RuleSettings::default()))).await
}

/// `GET /admin/alerts/rules/{rule}`
pub(super) async fn form(member: Member, Path(key): Path<String>) -> Result<Response, Error> {
    let rule = member.console().alert_rule(&key).await?;
    let form = Form::new(RULE, texts(&rule.settings));
    page(&member, StatusCode::OK, Some(rule.id), form).await
}

async fn put(member: Member, id: Option<String>, fields: &Fields) -> Result<Response, Error> {
    let (locale, console) = (member.locale(), member.console());
    let mut form = Form::new(RULE, fields.clone());
    let settings = typed(locale, fields, &mut form);
    let rehearse = form.failed();
    let put = match &id {
        Some(id) => console.change_alert_rule(&member.actor, id, settings, rehearse).await,
        None => console.create_alert_rule(&member.actor, settings, rehearse).await,
    };
    if let Err(error) = put {
        say_wrong(locale, &mut form, error)?;
    }
    if form.failed() {
        return page(&member, StatusCode::UNPROCESSABLE_ENTITY, id, form).await;
    }
    Ok(see_other("/admin/alerts?done=rule-saved"))
}

/// `POST /admin/alerts/rules/new`
pub(super) async fn add(member: Member, Sent(fields): Sent) -> Result<Response, Error> {
    put(member, None, &fields).await
}

/// `POST /admin/alerts/rules/{rule}`
pub(super) async fn save(
    member: Member,
    Path(key): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let rule = member.console().alert_rule(&key).await?;
    put(member, Some(rule.id), &fields).await
}

/// `GET /admin/alerts/rules/{rule}/delete`
pub(super) async fn delete_form(member: Member, Path(key): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let rule = member.console().alert_rule(&key).await?;
    let name = &rule.settings.name;
    Confirm {
        p: Page::new(&member.visit, locale.say("alert-rule-delete").with("name", name)),
        question: locale.say("alert-rule-delete-question").with("name", name).to_string(),
        consequence: locale.say("alert-rule-delete-consequence").to_string(),
        button: locale.say("delete").to_string(),
        action: format!("/admin/alerts/rules/{}/delete", rule.id),
        back: "/admin/alerts".to_owned(),
    }
    .page()
}

/// `POST /admin/alerts/rules/{rule}/delete`
pub(super) async fn delete(member: Member, Path(key): Path<String>) -> Result<Response, Error> {
    member.console().delete_alert_rule(&member.actor, &key).await?;
    Ok(see_other("/admin/alerts?done=rule-deleted"))
}
