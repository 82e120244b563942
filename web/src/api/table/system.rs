//! The routes of the console itself: what it is, its settings and backups, roles, join tokens. Called by the table alone.

use console::SignOnSettings;

use super::Table;
use crate::api::operation::op;
use crate::api::request::Rehearsal;
use crate::api::schema::{List, With};
use crate::api::{accounts, enrolments, roles, sign_on, system};
use crate::routes::{Admin, Viewer};

const SETTINGS: &str = "/api/v1/system/settings";
const SIGN_ON: &str = "/api/v1/system/single-sign-on";
const BACKUPS: &str = "/api/v1/system/backups";

pub(super) fn of_system(table: Table) -> Table {
    of_sign_on(table)
        .get::<Viewer, _, _>(
            "/api/v1/roles",
            op("accounts", "listRoles").paged().gives::<List<roles::RoleLine>>(),
            roles::list,
        )
        .get::<Admin, _, _>(
            "/api/v1/enrollments",
            op("directors", "listEnrollments").paged().gives::<List<enrolments::EnrolmentShape>>(),
            enrolments::list,
        )
        .delete::<Admin, _, _>(
            "/api/v1/enrollments/{enrollment}",
            op("directors", "deleteEnrollment").gives_nothing().rehearses::<Rehearsal>(),
            enrolments::end,
        )
        .get::<Admin, _, _>(
            "/api/v1/system",
            op("system", "getSystem").gives::<system::SystemShape>(),
            system::system,
        )
        .get::<Admin, _, _>(
            SETTINGS,
            op("system", "getSettings").gives::<system::SettingsShape>().tagged(),
            system::settings,
        )
        .patch::<Admin, _, _>(
            SETTINGS,
            op("system", "patchSettings")
                .patches::<system::SettingsShape>(system::READ_ONLY)
                .if_match()
                .gives::<With<system::SettingsShape, accounts::WasChanged>>()
                .tagged()
                .rehearses::<Rehearsal>(),
            system::change,
        )
        .get::<Admin, _, _>(
            BACKUPS,
            op("system", "listBackups")
                .paged()
                .gives::<With<List<system::BackupShape>, system::BackupsMore>>(),
            system::backups,
        )
        .post::<Admin, _, _>(
            BACKUPS,
            op("system", "createBackup").makes::<system::BackupShape>().rehearses::<Rehearsal>(),
            system::back_up,
        )
}

fn of_sign_on(table: Table) -> Table {
    type SignOn = With<SignOnSettings, sign_on::More>;
    table
        .get::<Admin, _, _>(
            SIGN_ON,
            op("system", "getSingleSignOn").gives::<SignOn>().tagged(),
            sign_on::show,
        )
        .put::<Admin, _, _>(
            SIGN_ON,
            op("system", "replaceSingleSignOn")
                .takes_back::<With<SignOnSettings, sign_on::Secret>>(sign_on::READ_ONLY)
                .if_match()
                .gives::<With<SignOn, accounts::WasChanged>>()
                .tagged()
                .rehearses::<Rehearsal>(),
            sign_on::replace,
        )
        .post::<Admin, _, _>(
            "/api/v1/system/single-sign-on/test",
            op("system", "testSingleSignOn").gives::<sign_on::Tried>().rehearses::<Rehearsal>(),
            sign_on::test,
        )
}
