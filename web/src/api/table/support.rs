//! The route of the support bundle. Called by the table alone.

use super::Table;
use crate::api::operation::op;
use crate::routes::Admin;
use crate::support;

pub(super) fn of_support(table: Table) -> Table {
    table.get::<Admin, _, _>(
        "/api/v1/system/support-bundle",
        op("system", "getSupportBundle").streams("application/gzip"),
        support::bundle,
    )
}
