//! The REST API, `/api/v1/…`: the same functions of the console as the pages, for automation.
//!
//! Callers prove themselves with bearer tokens only; cookies are not looked at. Bodies and answers are the model's
//! JSON; answers add read-only members, which writes may send back and which are passed over. Writes of small
//! objects change the caller's draft, and activate it with `?activate=true`. Everything that can be changed has an
//! entity tag, and a change of something that exists must name it (`If-Match`).

mod clusters;
mod directors;
mod drafts;
pub(crate) mod problem;
mod real_servers;
mod request;
mod shape;
mod status;
mod virtual_servers;

use crate::routes::{Admin, Approver, Editor, Public, Routes, Viewer};

/// Bytes of a whole cluster: 4 MiB, some ten thousand real servers with their ids and names.
const CLUSTER_LIMIT: usize = 4 * 1024 * 1024;

pub(crate) use request::quoted;

const CLUSTER: &str = "/api/v1/clusters/{cluster}";
const SERVERS: &str = "/api/v1/clusters/{cluster}/virtual-servers";
const SERVER: &str = "/api/v1/clusters/{cluster}/virtual-servers/{server}";
const REALS: &str = "/api/v1/clusters/{cluster}/virtual-servers/{server}/real-servers";
const REAL: &str = "/api/v1/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}";
const DIRECTORS: &str = "/api/v1/clusters/{cluster}/directors";
const DIRECTOR: &str = "/api/v1/clusters/{cluster}/directors/{director}";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get::<Public, _, _>("/api/v1", clusters::root)
        .get::<Viewer, _, _>("/api/v1/clusters", clusters::list)
        .get::<Viewer, _, _>(CLUSTER, clusters::one)
        .patch::<Editor, _, _>(CLUSTER, clusters::rename)
        .delete::<Admin, _, _>(CLUSTER, clusters::delete)
        .get::<Viewer, _, _>("/api/v1/clusters/{cluster}/status", status::status)
        .get::<Viewer, _, _>(SERVERS, virtual_servers::list)
        .post::<Editor, _, _>(SERVERS, virtual_servers::create)
        .get::<Viewer, _, _>(SERVER, virtual_servers::one)
        .put::<Editor, _, _>(SERVER, virtual_servers::replace)
        .patch::<Editor, _, _>(SERVER, virtual_servers::merge)
        .delete::<Editor, _, _>(SERVER, virtual_servers::delete)
        .get::<Viewer, _, _>(REALS, real_servers::list)
        .post::<Editor, _, _>(REALS, real_servers::create)
        .get::<Viewer, _, _>(REAL, real_servers::one)
        .put::<Editor, _, _>(REAL, real_servers::replace)
        .patch::<Editor, _, _>(REAL, real_servers::merge)
        .delete::<Editor, _, _>(REAL, real_servers::delete)
        .get::<Viewer, _, _>(DIRECTORS, directors::list)
        .post::<Editor, _, _>(DIRECTORS, directors::create)
        .get::<Viewer, _, _>(DIRECTOR, directors::one)
        .put::<Editor, _, _>(DIRECTOR, directors::replace)
        .patch::<Editor, _, _>(DIRECTOR, directors::merge)
        .delete::<Editor, _, _>(DIRECTOR, directors::delete)
        .post::<Admin, _, _>(
            "/api/v1/clusters/{cluster}/directors/{director}/join-token",
            directors::join_token,
        )
        .get::<Viewer, _, _>("/api/v1/clusters/{cluster}/draft", drafts::draft)
        .delete::<Editor, _, _>("/api/v1/clusters/{cluster}/draft", drafts::discard)
        .post::<Approver, _, _>("/api/v1/clusters/{cluster}/draft/activate", drafts::activate)
        .post::<Editor, _, _>("/api/v1/clusters/{cluster}/draft/rebase", drafts::rebase)
        .get::<Viewer, _, _>("/api/v1/clusters/{cluster}/revisions", drafts::revisions)
        .get::<Viewer, _, _>("/api/v1/clusters/{cluster}/revisions/{number}", drafts::revision)
        .limit(CLUSTER_LIMIT)
        .post::<Editor, _, _>("/api/v1/clusters", clusters::create)
        .put::<Approver, _, _>(CLUSTER, clusters::make_it_so)
        .post::<Editor, _, _>("/api/v1/imports", clusters::import_new)
        .post::<Editor, _, _>("/api/v1/clusters/{cluster}/imports", clusters::import_into)
}
