//! The routes of directors. Called by the table alone.

use lvs::model::Director;
use lvs::wire::OrderRequest;

use super::Table;
use crate::api::operation::op;
use crate::api::request::Rehearsal;
use crate::api::schema::{List, With};
use crate::api::shape::{DraftShape, PlanShape, PushShape};
use crate::api::virtual_servers::{Removed, Written};
use crate::api::{adoption, directors, drafts, enrolments, heartbeat, orders};
use crate::routes::{Admin, Approver, Editor, Operator, Viewer};

const DIRECTORS: &str = "/api/v1/clusters/{cluster}/directors";
const DIRECTOR: &str = "/api/v1/clusters/{cluster}/directors/{director}";
const HEARTBEAT_KEY: &str = "/api/v1/clusters/{cluster}/heartbeat-key";
const JOIN_TOKEN: &str = "/api/v1/clusters/{cluster}/directors/{director}/join-token";
const FOREIGN: &str = "/api/v1/clusters/{cluster}/directors/{director}/foreign";
const ADOPT: &str = "/api/v1/clusters/{cluster}/directors/{director}/adopt";
const REPAIR: &str = "/api/v1/clusters/{cluster}/directors/{director}/repair";
const DIRECTOR_ORDERS: &str = "/api/v1/clusters/{cluster}/directors/{director}/orders";
const PUSH: &str = "/api/v1/clusters/{cluster}/directors/{director}/push";
const REVOKE: &str = "/api/v1/clusters/{cluster}/directors/{director}/revoke";
const THEIRS: &str = "/api/v1/clusters/{cluster}/directors/{director}/theirs";
type DirectorWritten = With<directors::DirectorShape, Written>;

pub(super) fn of_directors(table: Table) -> Table {
    table
        .get::<Viewer, _, _>(
            DIRECTORS,
            op("directors", "listDirectors").paged().gives::<List<directors::DirectorShape>>().tagged(),
            directors::list,
        )
        .post::<Editor, _, _>(
            DIRECTORS,
            op("directors", "createDirector")
                .takes_back::<Director>(directors::READ_ONLY)
                .activates()
                .makes::<DirectorWritten>()
                .tagged()
                .rehearses::<PlanShape>(),
            directors::create,
        )
        .get::<Viewer, _, _>(
            DIRECTOR,
            op("directors", "getDirector").gives::<directors::DirectorShape>().tagged(),
            directors::one,
        )
        .put::<Editor, _, _>(
            DIRECTOR,
            op("directors", "replaceDirector")
                .takes_back::<Director>(directors::READ_ONLY)
                .if_match()
                .activates()
                .gives::<DirectorWritten>()
                .tagged()
                .rehearses::<PlanShape>(),
            directors::replace,
        )
        .patch::<Editor, _, _>(
            DIRECTOR,
            op("directors", "patchDirector")
                .patches::<Director>(directors::READ_ONLY)
                .if_match()
                .activates()
                .gives::<DirectorWritten>()
                .tagged()
                .rehearses::<PlanShape>(),
            directors::merge,
        )
        .delete::<Editor, _, _>(
            DIRECTOR,
            op("directors", "deleteDirector")
                .if_match()
                .activates()
                .gives_nothing()
                .gives::<Removed>()
                .rehearses::<PlanShape>(),
            directors::delete,
        )
        .post::<Admin, _, _>(
            JOIN_TOKEN,
            op("directors", "createJoinToken")
                .may_take::<directors::Joining>()
                .makes::<directors::JoinTokenShape>()
                .secret()
                .rehearses::<Rehearsal>(),
            directors::join_token,
        )
        .get::<Viewer, _, _>(
            FOREIGN,
            op("directors", "listForeignRows")
                .paged()
                .gives::<With<List<adoption::OfferShape>, adoption::ForeignMore>>()
                .tagged()
                .refuses(),
            adoption::foreign,
        )
        .post::<Editor, _, _>(
            ADOPT,
            op("directors", "adoptRows")
                .may_take::<adoption::Chosen>()
                .may_match()
                .activates()
                .gives::<With<DraftShape, adoption::AdoptedMore>>()
                .tagged()
                .rehearses::<drafts::Planned>(),
            adoption::adopt,
        )
        .post::<Operator, _, _>(
            REPAIR,
            op("directors", "repairRows")
                .may_take::<adoption::Chosen>()
                .gives::<PushShape>()
                .rehearses::<Rehearsal>(),
            adoption::repair,
        )
        .post::<Operator, _, _>(
            DIRECTOR_ORDERS,
            op("runtime", "orderDirector")
                .takes::<OrderRequest>()
                .gives::<orders::OrderAnswer>()
                .partly()
                .rehearses::<Rehearsal>(),
            orders::give,
        )
        .post::<Operator, _, _>(
            HEARTBEAT_KEY,
            op("directors", "changeHeartbeatKey")
                .gives::<heartbeat::KeyChangeShape>()
                .rehearses::<Rehearsal>(),
            heartbeat::change,
        )
        .post::<Admin, _, _>(
            REVOKE,
            op("directors", "revokeDirector").gives_nothing().rehearses::<Rehearsal>(),
            enrolments::revoke,
        )
        .post::<Approver, _, _>(
            PUSH,
            op("directors", "pushRevision").gives::<PushShape>().rehearses::<Rehearsal>(),
            adoption::push,
        )
        .post::<Editor, _, _>(
            THEIRS,
            op("directors", "takeTheirs").gives::<DraftShape>().tagged().rehearses::<Rehearsal>(),
            adoption::theirs,
        )
}
