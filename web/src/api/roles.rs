//! `GET /api/v1/roles`: the roles, the least first, and what each permits over the API. Made of the table of routes.

use axum::extract::State;
use axum::response::Response;
use console::Role;
use schemars::JsonSchema;
use serde::Serialize;

use super::accounts::RoleShape;
use super::request::{listed, ok};
use crate::App;
use crate::error::Error;
use crate::routes::Needs;
use crate::visit::Member;

/// A role and what it permits.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RolePermits")]
pub(super) struct RoleLine {
    name: RoleShape,
    /// In the language asked for.
    about: String,
    /// Names of the operations that it is enough for (`operationId`).
    operations: Vec<&'static str>,
}

/// `GET /roles`
pub(super) async fn list(member: Member, State(app): State<App>) -> Result<Response, Error> {
    let document = app.document.get().ok_or_else(|| Error::internal("the API is not described"))?;
    let permitted = |role: Role| {
        let enough = move |needs: Needs| match needs {
            Needs::Nothing => true,
            Needs::Role(least) => role >= least,
            Needs::Person | Needs::Agent => false,
        };
        document.routes.iter().filter(move |route| enough(route.needs)).map(|route| route.operation.id)
    };
    let line = |role: Role| RoleLine {
        name: role.into(),
        about: member.language().say(format!("api-role-{role}")).to_string(),
        operations: permitted(role).collect(),
    };
    let items = Role::ALL.into_iter().map(|role| (role.to_string(), line(role))).collect();
    Ok(ok(listed(&member.visit, items)?))
}
