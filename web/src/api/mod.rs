//! The REST API, `/api/v1/…`: the same functions of the console as the pages, for automation.

pub(crate) mod problem;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
}

/// An entity tag as headers carry it.
pub(crate) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}
