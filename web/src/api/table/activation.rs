//! The routes of drafts, their activation, revisions and exports. Called by the table alone.

use super::Table;
use crate::api::operation::{FROM, REVISION, VIEW, op};
use crate::api::request::Rehearsal;
use crate::api::schema::{List, With};
use crate::api::shape::{
    ActivationShape, ComparisonShape, DraftLineShape, DraftShape, PlanShape, RebaseShape, RevisionShape,
};
use crate::api::{activations, approval, drafts, exports, revisions};
use crate::routes::{Approver, Editor, Viewer};

const DRAFT: &str = "/api/v1/clusters/{cluster}/draft";
const REQUEST: &str = "/api/v1/clusters/{cluster}/draft/request";
const REBASE: &str = "/api/v1/clusters/{cluster}/draft/rebase";
const REVISION_ONE: &str = "/api/v1/clusters/{cluster}/revisions/{number}";

/// Drafts that somebody else than their owner activates.
fn of_approval(table: Table) -> Table {
    table
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/drafts",
            op("drafts", "listDrafts").paged().gives::<List<DraftLineShape>>(),
            approval::list,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/drafts/{kind}/{owner}",
            op("drafts", "getDraftOf").gives::<With<DraftShape, drafts::Planned>>().tagged(),
            approval::one,
        )
        .post::<Approver, _, _>(
            "/api/v1/clusters/{cluster}/drafts/{kind}/{owner}/activate",
            op("drafts", "activateDraftOf")
                .may_take::<drafts::Activate>()
                .if_match()
                .conflicts()
                .gives::<ActivationShape>()
                .goes_on::<activations::TaskShape>()
                .rehearses::<PlanShape>(),
            approval::activate,
        )
        .post::<Editor, _, _>(
            REQUEST,
            op("drafts", "requestActivation")
                .may_take::<approval::Ask>()
                .may_match()
                .conflicts()
                .gives::<DraftShape>()
                .tagged()
                .rehearses::<PlanShape>(),
            approval::ask,
        )
        .delete::<Editor, _, _>(
            REQUEST,
            op("drafts", "withdrawRequest")
                .may_match()
                .gives::<DraftShape>()
                .tagged()
                .rehearses::<Rehearsal>(),
            approval::withdraw,
        )
}

pub(super) fn of_activation(table: Table) -> Table {
    of_approval(table)
        .get::<Viewer, _, _>(
            DRAFT,
            op("drafts", "getDraft").gives::<With<DraftShape, drafts::Planned>>().tagged(),
            drafts::draft,
        )
        .delete::<Editor, _, _>(
            DRAFT,
            op("drafts", "discardDraft").if_match().gives_nothing().rehearses::<Rehearsal>(),
            drafts::discard,
        )
        .post::<Approver, _, _>(
            "/api/v1/clusters/{cluster}/draft/activate",
            op("drafts", "activateDraft")
                .may_take::<drafts::Activate>()
                .may_match()
                .conflicts()
                .gives::<ActivationShape>()
                .goes_on::<activations::TaskShape>()
                .rehearses::<PlanShape>(),
            drafts::activate,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/activations",
            op("drafts", "listActivations").paged().gives::<List<activations::TaskShape>>(),
            activations::list,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/activations/{activation}",
            op("drafts", "getActivation").gives::<activations::TaskShape>(),
            activations::one,
        )
        .get::<Viewer, _, _>(
            REBASE,
            op("drafts", "getRebase").gives::<Option<RebaseShape>>().tagged(),
            drafts::rebase_needed,
        )
        .post::<Editor, _, _>(
            REBASE,
            op("drafts", "rebaseDraft")
                .may_take::<drafts::Rebase>()
                .may_match()
                .conflicts()
                .gives::<DraftShape>()
                .tagged()
                .rehearses::<Option<RebaseShape>>(),
            drafts::rebase,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/exports",
            op("exports", "listExports")
                .query(&[VIEW, REVISION])
                .paged()
                .gives::<List<exports::ExportLine>>(),
            exports::list,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/exports/{kind}",
            op("exports", "getExport").query(&[VIEW, REVISION]).gives::<exports::Exported>().refuses(),
            exports::one,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/revisions",
            op("revisions", "listRevisions").paged().gives::<List<RevisionShape>>(),
            revisions::list,
        )
        .get::<Viewer, _, _>(
            REVISION_ONE,
            op("revisions", "getRevision").gives::<With<RevisionShape, revisions::Content>>().tagged(),
            revisions::one,
        )
        .get::<Viewer, _, _>(
            "/api/v1/clusters/{cluster}/revisions/{number}/comparison",
            op("revisions", "compareRevision").query(&[FROM]).gives::<ComparisonShape>(),
            revisions::comparison,
        )
        .post::<Editor, _, _>(
            "/api/v1/clusters/{cluster}/revisions/{number}/restore",
            op("revisions", "restoreRevision")
                .partly()
                .may_take::<revisions::Restore>()
                .may_match()
                .conflicts()
                .gives::<DraftShape>()
                .tagged()
                .gives::<ActivationShape>()
                .rehearses::<PlanShape>(),
            revisions::restore,
        )
        .post::<Approver, _, _>(
            "/api/v1/clusters/{cluster}/revisions/{number}/keep",
            op("revisions", "keepRevision")
                .partly()
                .conflicts()
                .gives::<ActivationShape>()
                .rehearses::<Rehearsal>(),
            revisions::keep,
        )
        .post::<Approver, _, _>(
            "/api/v1/clusters/{cluster}/revisions/{number}/undo",
            op("revisions", "undoRevision")
                .partly()
                .conflicts()
                .gives::<ActivationShape>()
                .rehearses::<Rehearsal>(),
            revisions::undo,
        )
}
