//! What a director needs besides its configuration: a join token, the address to dial, the end of its certificates,
//! another push. None of it goes through a draft.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::PushOutcome;

use super::directors::{Joining, Shown, page, showing};
use super::objects::Confirm;
use crate::error::Error;
use crate::fields::Sent;
use crate::page::{Page, Tab, see_other};
use crate::visit::Member;

/// `POST …/directors/{director}/token`: shows the join command, once. No redirect: a token belongs into no address.
pub(super) async fn token(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let dial = fields.filled("dial");
    let made = match member.console().join_token(&member.actor, &cluster, &name, dial).await {
        Ok(made) => made,
        Err(console::Error::Refused(reason)) => return refused(&member, &cluster, &name, &reason).await,
        Err(other) => return Err(other.into()),
    };
    let host = reachable(member.visit.host.as_deref(), member.console().named());
    let local = is_local(&host);
    let view = member.console().view(&member.actor, &cluster).await?;
    let form = showing(&member, &view, &name).await?;
    let joining = Joining {
        command: made.command(&format!("https://{host}")),
        expires: member.locale().time_of_day(made.expires),
        fingerprint: made.fingerprint.clone(),
        local,
    };
    let shown = Shown { view: &view, name: Some(&name), joining: Some(joining), refused: None };
    page(&member, shown, StatusCode::OK, form).await
}

/// Whether only this machine has that address.
fn is_local(host: &str) -> bool {
    ["localhost", "127.", "[::1]"].iter().any(|local| host.starts_with(local))
}

/// Where a director reaches this console: as the browser does, or, where that says nothing to another machine, by the
/// console's own name.
fn reachable(host: Option<&str>, named: Option<&str>) -> String {
    let host = host.unwrap_or("localhost:3636");
    match named {
        Some(name) if is_local(host) && !is_local(name) => {
            let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| port.parse::<u16>().is_ok());
            let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
            format!("{name}:{}", port.unwrap_or("443"))
        }
        _ => host.to_owned(),
    }
}

/// The director's page with what was wrong about the address to dial.
async fn refused(member: &Member, cluster: &str, name: &str, reason: &str) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, cluster).await?;
    let mut form = showing(member, &view, name).await?;
    form.error("dial", member.locale().say("wrong-dial").with("reason", reason));
    let shown = Shown { view: &view, name: Some(name), joining: None, refused: None };
    page(member, shown, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// `POST …/directors/{director}/dial`
pub(super) async fn dial(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    match member.console().set_dial(&member.actor, &cluster, &name, fields.get("dial").trim()).await {
        Ok(()) => Ok(see_other(&format!("/clusters/{cluster}/directors/{name}?done=dial-saved"))),
        Err(console::Error::Refused(reason)) => refused(&member, &cluster, &name, &reason).await,
        Err(other) => Err(other.into()),
    }
}

/// `GET …/directors/{director}/revoke`
pub(super) async fn revoke_form(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
) -> Result<Response, Error> {
    let locale = member.locale();
    Confirm {
        p: Page::of_cluster(&member, &cluster, Tab::Directors, locale.say("revoke-title")).await?,
        question: locale.say("revoke-question").with("name", &name).to_string(),
        consequence: locale.say("revoke-consequence").to_string(),
        button: locale.say("revoke").to_string(),
        action: format!("/clusters/{cluster}/directors/{name}/revoke"),
        back: format!("/clusters/{cluster}/directors/{name}"),
    }
    .page()
}

/// `POST …/directors/{director}/revoke`
pub(super) async fn revoke(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
) -> Result<Response, Error> {
    member.console().revoke(&member.actor, &cluster, &name).await?;
    Ok(see_other(&format!("/clusters/{cluster}/directors/{name}?done=revoked")))
}

/// `POST …/directors/{director}/push`
pub(super) async fn push(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
) -> Result<Response, Error> {
    let result = member.console().repush(&member.actor, &cluster, &name).await?;
    let done = match result.outcome {
        PushOutcome::Applied { .. } => "pushed",
        _ => "not-pushed",
    };
    Ok(see_other(&format!("/clusters/{cluster}/directors/{name}?done={done}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_command_names_an_address_that_another_machine_can_reach() {
        assert_eq!(reachable(Some("192.0.2.1:3636"), Some("c.example")), "192.0.2.1:3636");
        assert_eq!(reachable(Some("localhost:3640"), Some("c.example")), "c.example:3640");
        assert_eq!(reachable(Some("[::1]:3636"), Some("2001:db8::1")), "[2001:db8::1]:3636");
        assert_eq!(reachable(Some("127.0.0.1"), Some("c.example")), "c.example:443");
        assert_eq!(reachable(Some("127.0.0.1:3636"), None), "127.0.0.1:3636");
        assert_eq!(reachable(None, Some("localhost")), "localhost:3636");
    }
}
