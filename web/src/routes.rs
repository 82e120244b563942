//! The route table. Every route names the permission it needs as a type; without one it does not compile:
//!
//! ```compile_fail
//! # use web::routes::{Routes, Surface};
//! # fn table(routes: Routes) -> Routes {
//! // error[E0283]: type annotations needed
//! routes.get("/secrets", || async { "anybody could read this" })
//! # }
//! ```
//!
//! ```
//! # use web::routes::{Admin, Routes, Surface};
//! # fn table(routes: Routes) -> Routes {
//! routes.get::<Admin, _, _>("/secrets", || async { "only administrators read this" })
//! # }
//! ```
//!
//! The permission is enforced before the handler and before the body is read (`guard`), and written down beside the
//! path and method, so that a test can try every route with every method and role.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use console::Role;

use crate::App;
use crate::api::Operation;
use crate::guard::{Check, guard};

/// What a route asks of the one who calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: login, setup, health, static files.
    Nothing,
    /// A person, of any role, also one who has to set up a second factor before anything else.
    Person,
    /// A person or token of at least this role; no person who has to set up a second factor first.
    Role(Role),
    /// A connection that an agent opened (`caribe-agent/1`).
    Agent,
}

/// A permission, as a type for a route to name.
pub trait Permission: Send + Sync + 'static {
    /// What it asks.
    const NEEDS: Needs;
}

macro_rules! permissions {
    ($( #[$doc:meta] $name:ident = $needs:expr; )*) => { $(
        #[$doc]
        #[derive(Debug)]
        pub enum $name {}

        impl Permission for $name {
            const NEEDS: Needs = $needs;
        }
    )* };
}

permissions! {
    /// Anybody.
    Public = Needs::Nothing;
    /// Whoever has signed in: what concerns their own way in and out.
    Person = Needs::Person;
    /// May see everything but secrets.
    Viewer = Needs::Role(Role::Viewer);
    /// May give orders to running servers.
    Operator = Needs::Role(Role::Operator);
    /// May change drafts.
    Editor = Needs::Role(Role::Editor);
    /// May activate drafts.
    Approver = Needs::Role(Role::Approver);
    /// May do everything.
    Admin = Needs::Role(Role::Admin);
    /// A director's agent, on its own kind of connection.
    Agent = Needs::Agent;
}

/// How callers of a group of routes prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Browsers, by session cookie.
    Pages,
    /// Automation, by bearer token; cookies are not looked at.
    Api,
    /// Agents, by client certificate.
    Agents,
}

/// One line of the route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// How callers prove who they are.
    pub surface: Surface,
    /// The method; GET routes answer HEAD as well.
    pub method: Method,
    /// The path, with `{names}`.
    pub path: &'static str,
    /// What it asks.
    pub needs: Needs,
    /// The operation's name in the API's document; none for pages and agents.
    pub operation: Option<&'static str>,
}

/// Bytes a body may have where a route says nothing else: 1 MiB, many times the largest form.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Bytes of an imported file: 2 MiB, some ten thousand real servers.
pub const IMPORT_LIMIT: usize = 2 * 1024 * 1024;

/// Routes being put together.
pub struct Routes {
    surface: Surface,
    app: App,
    router: Router<App>,
    table: Vec<Route>,
    limit: usize,
    operation: Option<Arc<Operation>>,
}

impl Routes {
    pub(crate) fn new(surface: Surface, app: App) -> Self {
        Routes { surface, app, router: Router::new(), table: Vec::new(), limit: BODY_LIMIT, operation: None }
    }

    /// Bodies of the routes added from here on may have this many bytes.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Bytes that bodies of the routes added now may have.
    pub(crate) fn body_limit(&self) -> usize {
        self.limit
    }

    /// What the route added next takes and answers.
    #[must_use]
    pub(crate) fn described(mut self, operation: Arc<Operation>) -> Self {
        self.operation = Some(operation);
        self
    }

    /// A route for GET (and HEAD); it must change nothing.
    #[must_use]
    pub fn get<P: Permission, H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add::<P, H, T>(Method::GET, MethodFilter::GET, path, handler)
    }

    /// A route for POST.
    #[must_use]
    pub fn post<P: Permission, H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add::<P, H, T>(Method::POST, MethodFilter::POST, path, handler)
    }

    /// A route for PUT.
    #[must_use]
    pub fn put<P: Permission, H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add::<P, H, T>(Method::PUT, MethodFilter::PUT, path, handler)
    }

    /// A route for PATCH.
    #[must_use]
    pub fn patch<P: Permission, H: Handler<T, App>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
    ) -> Self {
        self.add::<P, H, T>(Method::PATCH, MethodFilter::PATCH, path, handler)
    }

    /// A route for DELETE.
    #[must_use]
    pub fn delete<P: Permission, H: Handler<T, App>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
    ) -> Self {
        self.add::<P, H, T>(Method::DELETE, MethodFilter::DELETE, path, handler)
    }

    fn add<P: Permission, H: Handler<T, App>, T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
    ) -> Self {
        let operation = self.operation.take();
        let name = operation.as_ref().map(|operation| operation.id);
        let check = Check {
            app: self.app.clone(),
            surface: self.surface,
            path,
            needs: P::NEEDS,
            limit: self.limit,
            operation,
        };
        let guarded = on(filter, handler).route_layer(axum::middleware::from_fn_with_state(check, guard));
        self.router = self.router.route(path, guarded);
        let (surface, needs) = (self.surface, P::NEEDS);
        self.table.push(Route { surface, method, path, needs, operation: name });
        self
    }

    pub(crate) fn finish(self) -> (Router<App>, Vec<Route>) {
        (self.router, self.table)
    }
}
