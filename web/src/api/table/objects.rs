//! The routes of virtual servers and real servers, and of orders for them. Called by the table alone.

use console::NewOrder;
use lvs::model::{RealServer, VirtualServer};

use super::Table;
use crate::api::operation::{SERVICE, VIEW, op};
use crate::api::request::Rehearsal;
use crate::api::schema::{List, With};
use crate::api::shape::PlanShape;
use crate::api::virtual_servers::{Removed, Written};
use crate::api::{health, observed, orders, real_servers, trying, virtual_servers};
use crate::routes::{Approver, Editor, Operator, Viewer};

const SERVERS: &str = "/api/v1/clusters/{cluster}/virtual-servers";
const SERVER: &str = "/api/v1/clusters/{cluster}/virtual-servers/{server}";
const REALS: &str = "/api/v1/clusters/{cluster}/virtual-servers/{server}/real-servers";
const REAL: &str = "/api/v1/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}";
const REAL_HEALTH: &str = "/api/v1/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/health";
const REAL_CHECK: &str = "/api/v1/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/check-now";
const REAL_ORDERS: &str = "/api/v1/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/orders";
type ServerWritten = With<VirtualServer, Written>;
type RealWritten = With<RealServer, Written>;

pub(super) fn of_objects(table: Table) -> Table {
    table
        .get::<Viewer, _, _>(
            SERVERS,
            op("virtual-servers", "listVirtualServers")
                .query(&[VIEW])
                .paged()
                .gives::<List<VirtualServer>>()
                .tagged(),
            virtual_servers::list,
        )
        .post::<Editor, _, _>(
            SERVERS,
            op("virtual-servers", "createVirtualServer")
                .takes_back::<VirtualServer>(virtual_servers::READ_ONLY)
                .activates()
                .makes::<ServerWritten>()
                .tagged()
                .rehearses::<PlanShape>(),
            virtual_servers::create,
        )
        .get::<Viewer, _, _>(
            SERVER,
            op("virtual-servers", "getVirtualServer").query(&[VIEW]).gives::<VirtualServer>().tagged(),
            virtual_servers::one,
        )
        .put::<Editor, _, _>(
            SERVER,
            op("virtual-servers", "replaceVirtualServer")
                .takes_back::<VirtualServer>(virtual_servers::READ_ONLY)
                .if_match()
                .activates()
                .gives::<ServerWritten>()
                .tagged()
                .rehearses::<PlanShape>(),
            virtual_servers::replace,
        )
        .patch::<Editor, _, _>(
            SERVER,
            op("virtual-servers", "patchVirtualServer")
                .patches::<VirtualServer>(virtual_servers::READ_ONLY)
                .if_match()
                .activates()
                .gives::<ServerWritten>()
                .tagged()
                .rehearses::<PlanShape>(),
            virtual_servers::merge,
        )
        .delete::<Editor, _, _>(
            SERVER,
            op("virtual-servers", "deleteVirtualServer")
                .if_match()
                .activates()
                .gives_nothing()
                .gives::<Removed>()
                .rehearses::<PlanShape>(),
            virtual_servers::delete,
        )
        .get::<Viewer, _, _>(
            REALS,
            op("real-servers", "listRealServers").query(&[VIEW]).paged().gives::<List<RealServer>>().tagged(),
            real_servers::list,
        )
        .post::<Editor, _, _>(
            REALS,
            op("real-servers", "createRealServer")
                .takes_back::<RealServer>(virtual_servers::READ_ONLY)
                .activates()
                .makes::<RealWritten>()
                .tagged()
                .rehearses::<PlanShape>(),
            real_servers::create,
        )
        .get::<Viewer, _, _>(
            REAL,
            op("real-servers", "getRealServer").query(&[VIEW]).gives::<RealServer>().tagged(),
            real_servers::one,
        )
        .get::<Viewer, _, _>(
            REAL_HEALTH,
            op("runtime", "getHealth").query(&[VIEW]).gives::<health::Health>(),
            health::one,
        )
        .post::<Operator, _, _>(
            REAL_CHECK,
            op("runtime", "checkNow").gives::<health::AskedAll>().rehearses::<Rehearsal>(),
            health::check_now,
        )
        .put::<Editor, _, _>(
            REAL,
            op("real-servers", "replaceRealServer")
                .takes_back::<RealServer>(virtual_servers::READ_ONLY)
                .if_match()
                .activates()
                .gives::<RealWritten>()
                .tagged()
                .rehearses::<PlanShape>(),
            real_servers::replace,
        )
        .patch::<Editor, _, _>(
            REAL,
            op("real-servers", "patchRealServer")
                .patches::<RealServer>(virtual_servers::READ_ONLY)
                .if_match()
                .activates()
                .gives::<RealWritten>()
                .tagged()
                .rehearses::<PlanShape>(),
            real_servers::merge,
        )
        .delete::<Editor, _, _>(
            REAL,
            op("real-servers", "deleteRealServer")
                .if_match()
                .activates()
                .gives_nothing()
                .gives::<Removed>()
                .rehearses::<PlanShape>(),
            real_servers::delete,
        )
        .post::<Operator, _, _>(
            REAL_ORDERS,
            op("runtime", "orderRealServer")
                .takes::<NewOrder>()
                .gives::<orders::GivenShape>()
                .partly()
                .rehearses::<Rehearsal>(),
            orders::server,
        )
        .post::<Operator, _, _>(
            "/api/v1/clusters/{cluster}/machines/{address}/orders",
            op("runtime", "orderMachine")
                .takes::<NewOrder>()
                .gives::<orders::GivenShape>()
                .partly()
                .rehearses::<Rehearsal>(),
            orders::machine,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/vips",
            op("runtime", "listVips").paged().gives::<List<observed::VipShape>>(),
            observed::vips,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/probes",
            op("runtime", "listProbes").query(&[SERVICE]).paged().gives::<List<observed::ProbeShape>>(),
            observed::probes,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/problems",
            op("runtime", "listProblems").paged().gives::<List<observed::ProblemLine>>(),
            observed::wrong,
        )
        .post::<Approver, _, _>(
            "/api/v1/clusters/{cluster}/checks/try",
            op("runtime", "tryCheck")
                .takes::<trying::Trial>()
                .gives::<health::AskedAll>()
                .rehearses::<Rehearsal>(),
            trying::once,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/orders",
            op("runtime", "listOrders").paged().gives::<With<List<orders::OrderLine>, orders::OrdersMore>>(),
            orders::list,
        )
}
