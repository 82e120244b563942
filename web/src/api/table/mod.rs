//! The routes of the API, each with its permission and with what it takes and answers.

mod activation;
mod alerts;
mod directors;
mod objects;
mod people;
mod support;
mod system;

use std::sync::Arc;

use axum::handler::Handler;
use axum::http::Method;
use lvs::Cluster;

use crate::App;
use crate::api::Operation;
use crate::api::operation::{
    BEFORE, CURSOR, DIRECTOR as DIRECTOR_QUERY, EVENT_KIND, LIMIT, MESSAGE, RANGE, SEARCH,
    SERVERS as SERVERS_QUERY, SERVICE, SEVERITY, SINCE, SPAN_FROM, SPAN_UNTIL, TOPICS, VIEW, WAIT, op,
};
use crate::api::request::Rehearsal;
use crate::api::schema::{List, With};
use crate::api::shape::PlanShape;
use crate::api::{clusters, events, imports, metrics, openapi, search, series, status, stream};
use crate::routes::{Admin, Approver, Editor, Needs, Permission, Public, Routes, Viewer};

/// Bytes of a whole cluster: 4 MiB, some ten thousand real servers with their ids and names.
const CLUSTER_LIMIT: usize = 4 * 1024 * 1024;

const CLUSTER: &str = "/api/v1/clusters/{cluster}";

type ClusterResource = With<Cluster, clusters::ClusterMore>;

/// A route with what it takes and answers.
#[derive(Clone, Debug)]
pub(crate) struct Documented {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    /// Bytes that its body may have.
    pub(crate) limit: usize,
    pub(crate) operation: Arc<Operation>,
}

/// Routes that none is added to without its description.
struct Table {
    routes: Routes,
    documented: Vec<Documented>,
}

macro_rules! methods {
    ($($name:ident $method:ident),*) => { $(
        fn $name<P: Permission, H: Handler<T, App>, T: 'static>(
            mut self,
            path: &'static str,
            operation: Operation,
            handler: H,
        ) -> Self {
            let operation = Arc::new(operation);
            self.documented.push(Documented {
                method: Method::$method,
                path,
                needs: P::NEEDS,
                limit: self.routes.body_limit(),
                operation: Arc::clone(&operation),
            });
            self.routes = self.routes.described(operation).$name::<P, H, T>(path, handler);
            self
        }
    )* };
}

impl Table {
    methods!(get GET, post POST, put PUT, patch PATCH, delete DELETE);
}

/// All routes of the API.
pub(crate) fn routes(routes: Routes) -> (Routes, Vec<Documented>) {
    let table = Table { routes, documented: Vec::new() };
    let table = objects::of_objects(of_clusters(table));
    let table = people::of_people(activation::of_activation(directors::of_directors(table)));
    let table = alerts::of_alerts(table);
    let table = system::of_system(table);
    let table = support::of_support(table);
    let table = of_whole_clusters(Table { routes: table.routes.limit(CLUSTER_LIMIT), ..table });
    (table.routes, table.documented)
}

fn of_clusters(table: Table) -> Table {
    let one = || op("clusters", "getCluster").query(&[VIEW]).gives::<ClusterResource>().tagged();
    table
        .get::<Public, _, _>("/api/v1", op("system", "getRoot").gives::<clusters::Root>(), clusters::root)
        .get::<Public, _, _>(
            "/api/v1/openapi.json",
            op("system", "getOpenapi").streams("application/json"),
            openapi::serve,
        )
        .get::<Viewer, _, _>(
            "/metrics",
            op("system", "getMetrics").query(&[SERVERS_QUERY]).streams("text/plain"),
            metrics::metrics,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters",
            op("clusters", "listClusters").paged().gives::<List<clusters::ClusterLine>>(),
            clusters::list,
        )
        .get::<Viewer, _, _>(CLUSTER, one(), clusters::one)
        .patch::<Editor, _, _>(
            CLUSTER,
            op("clusters", "patchCluster")
                .patches::<clusters::ClusterPatch>(clusters::READ_ONLY)
                .if_match()
                .activates()
                .gives::<ClusterResource>()
                .tagged()
                .rehearses::<PlanShape>(),
            clusters::rename,
        )
        .delete::<Admin, _, _>(
            CLUSTER,
            op("clusters", "deleteCluster").if_match().gives_nothing().rehearses::<Rehearsal>(),
            clusters::delete,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/status",
            op("runtime", "getStatus").gives::<status::Shape<'static>>(),
            status::status,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/events",
            op("runtime", "listEvents")
                .query(&[DIRECTOR_QUERY, EVENT_KIND, SEVERITY, BEFORE, LIMIT, CURSOR, SINCE, WAIT])
                .gives::<With<List<events::EventShape>, events::Poll>>(),
            events::list,
        )
        .get::<Viewer, _, _>(
            "/api/v1/search",
            op("system", "search").query(&[SEARCH]).gives::<search::SearchShape>(),
            search::search,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/series",
            op("runtime", "getSeries")
                .query(&[SERVICE, RANGE, SPAN_FROM, SPAN_UNTIL])
                .gives::<series::SeriesShape>(),
            series::series,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/stream",
            op("runtime", "streamCluster").query(&[TOPICS, SINCE]).streams("text/event-stream"),
            stream::stream,
        )
}

fn of_whole_clusters(table: Table) -> Table {
    let import = |id| {
        op("imports", id)
            .takes::<imports::Import>()
            .makes::<imports::Imported>()
            .tagged()
            .rehearses::<imports::ImportRead>()
    };
    table
        .post::<Editor, _, _>(
            "/api/v1/clusters",
            op("clusters", "createCluster")
                .takes_back::<Cluster>(clusters::READ_ONLY)
                .activates()
                .makes::<ClusterResource>()
                .tagged()
                .rehearses::<PlanShape>(),
            clusters::create,
        )
        .put::<Approver, _, _>(
            CLUSTER,
            op("clusters", "replaceCluster")
                .query(&[MESSAGE])
                .takes_back::<Cluster>(clusters::READ_ONLY)
                .if_match()
                .conflicts()
                .gives::<ClusterResource>()
                .tagged()
                .rehearses::<PlanShape>(),
            clusters::make_it_so,
        )
        .post::<Editor, _, _>("/api/v1/imports", import("import"), imports::create)
        .post::<Editor, _, _>("/api/v1/clusters/{cluster}/imports", import("importInto"), imports::replace)
}
