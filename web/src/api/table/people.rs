//! The routes of accounts, tokens and the audit log. Called by the table alone.

use super::Table;
use crate::api::accounts;
use crate::api::operation::{ACTION, ACTOR, BEFORE, CLUSTER as CLUSTER_QUERY, CURSOR, LIMIT, op};
use crate::api::passkeys;
use crate::api::request::Rehearsal;
use crate::api::schema::{List, With};
use crate::routes::{Admin, Viewer};

pub(super) fn of_people(table: Table) -> Table {
    table
        .get::<Viewer, _, _>("/api/v1/me", op("accounts", "getMe").gives::<accounts::MeShape>(), accounts::me)
        .get::<Admin, _, _>(
            "/api/v1/accounts",
            op("accounts", "listAccounts").paged().gives::<List<accounts::AccountShape>>(),
            accounts::list,
        )
        .post::<Admin, _, _>(
            "/api/v1/accounts",
            op("accounts", "createAccount")
                .takes::<accounts::NewAccount>()
                .makes::<With<accounts::AccountShape, accounts::AccountMore>>()
                .tagged()
                .secret()
                .rehearses::<Rehearsal>(),
            accounts::create,
        )
        .get::<Admin, _, _>(
            "/api/v1/accounts/{account}",
            op("accounts", "getAccount").gives::<accounts::AccountShape>().tagged(),
            accounts::one,
        )
        .patch::<Admin, _, _>(
            "/api/v1/accounts/{account}",
            op("accounts", "changeAccount")
                .takes::<accounts::Change>()
                .if_match()
                .gives::<With<accounts::AccountShape, accounts::WasChanged>>()
                .tagged()
                .rehearses::<Rehearsal>(),
            accounts::change,
        )
        .delete::<Admin, _, _>(
            "/api/v1/accounts/{account}",
            op("accounts", "deleteAccount").if_match().gives_nothing().rehearses::<Rehearsal>(),
            accounts::delete,
        )
        .post::<Admin, _, _>(
            "/api/v1/accounts/{account}/password-code",
            op("accounts", "createPasswordCode")
                .makes::<accounts::CodeShape>()
                .secret()
                .rehearses::<Rehearsal>(),
            accounts::reset,
        )
        .delete::<Admin, _, _>(
            "/api/v1/accounts/{account}/second-factor",
            op("accounts", "deleteSecondFactor").gives_nothing().rehearses::<Rehearsal>(),
            accounts::remove_second_factor,
        )
        .get::<Admin, _, _>(
            "/api/v1/accounts/{account}/passkeys",
            op("accounts", "listPasskeys").paged().gives::<List<passkeys::PasskeyShape>>(),
            passkeys::passkeys,
        )
        .delete::<Admin, _, _>(
            "/api/v1/accounts/{account}/passkeys/{passkey}",
            op("accounts", "deletePasskey").gives_nothing().rehearses::<Rehearsal>(),
            passkeys::remove_passkey,
        )
        .get::<Admin, _, _>(
            "/api/v1/tokens",
            op("tokens", "listTokens").paged().gives::<List<accounts::TokenShape>>(),
            accounts::tokens,
        )
        .post::<Admin, _, _>(
            "/api/v1/tokens",
            op("tokens", "createToken")
                .takes::<accounts::NewTokenShape>()
                .makes::<With<accounts::TokenShape, accounts::TokenMore>>()
                .secret()
                .rehearses::<Rehearsal>(),
            accounts::create_token,
        )
        .get::<Admin, _, _>(
            "/api/v1/tokens/{token}",
            op("tokens", "getToken").gives::<accounts::TokenShape>(),
            accounts::one_token,
        )
        .delete::<Admin, _, _>(
            "/api/v1/tokens/{token}",
            op("tokens", "deleteToken").gives_nothing().rehearses::<Rehearsal>(),
            accounts::delete_token,
        )
        .get::<Admin, _, _>(
            "/api/v1/audit",
            op("audit", "listAudit")
                .query(&[CLUSTER_QUERY, ACTOR, ACTION, BEFORE, LIMIT, CURSOR])
                .gives::<List<accounts::RowShape>>(),
            accounts::audit,
        )
        .get::<Admin, _, _>(
            "/api/v1/audit/check",
            op("audit", "checkAudit").gives::<accounts::AuditWhole>(),
            accounts::audit_check,
        )
}
