//! The pages, one module each, in the order of the tabs. A screen asks the console, fills its template, and shows it;
//! after a form it leads to the page that shows the result (303), or shows the form again with what is wrong (422).

mod accounts;
mod adoption;
mod alert_channels;
mod alert_rules;
mod alerts;
mod approval;
pub(crate) mod audit;
mod changes;
mod clusters;
pub(crate) mod directors;
mod drift;
mod enrolment;
mod entry;
pub(crate) mod events;
mod exports;
mod field_names;
mod files;
mod global;
mod heartbeat;
mod help;
mod import;
mod login_code;
mod login_passkey;
pub(crate) mod machines;
mod me;
pub(crate) mod monitoring;
pub(crate) mod objects;
mod orders;
mod passkeys;
mod real_servers;
mod rebase;
mod redundancy;
mod revisions;
mod scripts;
pub(crate) mod search;
mod second_factor;
pub(crate) mod server_state;
mod settings;
mod sign_on;
mod sign_on_settings;
mod standing;
mod tokens;
mod topology;
mod traffic;
mod virtual_servers;
pub(crate) mod wall;

use axum::response::Response;

use crate::page::{Tab, see_other};
use crate::routes::{Admin, Approver, Editor, IMPORT_LIMIT, Operator, Person, Public, Routes, Viewer};
use crate::visit::Member;

/// The tabs of a cluster and their paths below it.
pub(crate) const TABS: [(Tab, &str); 8] = [
    (Tab::Monitoring, ""),
    (Tab::Global, "/global"),
    (Tab::Redundancy, "/redundancy"),
    (Tab::VirtualServers, "/virtual-servers"),
    (Tab::Directors, "/directors"),
    (Tab::Changes, "/changes"),
    (Tab::Revisions, "/revisions"),
    (Tab::Events, "/events"),
];

/// What administrators see besides clusters: path and catalogue key.
pub(crate) const ADMIN_TABS: [(&str, &str); 5] = [
    ("/admin/accounts", "accounts-title"),
    ("/admin/tokens", "tokens-title"),
    ("/admin/alerts", "alert-settings-title"),
    ("/admin/audit", "audit-title"),
    ("/admin/settings", "settings-title"),
];

impl Tab {
    /// Catalogue key of its name.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Tab::None => "product",
            Tab::Monitoring => "tab-monitoring",
            Tab::Global => "tab-global",
            Tab::Redundancy => "tab-redundancy",
            Tab::VirtualServers => "tab-virtual-servers",
            Tab::Directors => "tab-directors",
            Tab::Changes => "tab-changes",
            Tab::Revisions => "tab-revisions",
            Tab::Events => "tab-events",
        }
    }
}

/// Where the answer to a form was shown, a reload asks for a page: it gets the one the form was on.
async fn up(member: Member) -> Response {
    let path = member.visit.path.as_str();
    see_other(path.rsplit_once('/').map_or("/", |(above, _)| above))
}

pub(crate) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .get::<Public, _, _>("/setup", entry::setup_form)
        .post::<Public, _, _>("/setup", entry::setup)
        .get::<Public, _, _>("/login", entry::login_form)
        .post::<Public, _, _>("/login", entry::login)
        .get::<Public, _, _>("/login/sso", sign_on::begin)
        .get::<Public, _, _>("/login/sso/callback", sign_on::finish)
        .get::<Public, _, _>("/login/code", login_code::form)
        .post::<Public, _, _>("/login/code", login_code::finish)
        .post::<Public, _, _>("/login/code/passkey", login_passkey::finish)
        .get::<Public, _, _>("/login/code/passkey", login_passkey::to_login)
        .post::<Public, _, _>("/login/code/passkey/begin", login_passkey::ask_second)
        .post::<Public, _, _>("/login/passkey", login_passkey::login)
        .get::<Public, _, _>("/login/passkey", login_passkey::to_login)
        .post::<Public, _, _>("/login/passkey/begin", login_passkey::ask)
        .post::<Public, _, _>("/look", entry::look)
        .post::<Person, _, _>("/logout", entry::logout)
        .get::<Viewer, _, _>("/", clusters::list)
        .get::<Viewer, _, _>("/search", search::search)
        .get::<Viewer, _, _>("/help", help::help)
        .get::<Viewer, _, _>("/clusters/{cluster}/wall", wall::page)
        .get::<Editor, _, _>("/clusters/new", clusters::new_form)
        .post::<Editor, _, _>("/clusters/new", clusters::create)
        .get::<Admin, _, _>("/clusters/{cluster}/delete", clusters::delete_form)
        .post::<Admin, _, _>("/clusters/{cluster}/delete", clusters::delete)
        .get::<Viewer, _, _>("/clusters/{cluster}", monitoring::show)
        .get::<Viewer, _, _>("/clusters/{cluster}/live", crate::live::stream)
        .get::<Viewer, _, _>("/clusters/{cluster}/topology", topology::page)
        .get::<Viewer, _, _>("/clusters/{cluster}/traffic", traffic::of_cluster)
        .get::<Viewer, _, _>("/clusters/{cluster}/traffic.csv", traffic::file)
        .get::<Viewer, _, _>("/clusters/{cluster}/global", global::form)
        .post::<Editor, _, _>("/clusters/{cluster}/global", global::save)
        .get::<Viewer, _, _>("/clusters/{cluster}/redundancy", redundancy::form)
        .post::<Editor, _, _>("/clusters/{cluster}/redundancy", redundancy::save)
        .post::<Editor, _, _>("/clusters/{cluster}/redundancy/timers", redundancy::own_timers)
        .get::<Viewer, _, _>("/clusters/{cluster}/redundancy/timers", up)
        .post::<Operator, _, _>("/clusters/{cluster}/redundancy/key", redundancy::new_key)
        .get::<Viewer, _, _>("/clusters/{cluster}/redundancy/key", up)
        .get::<Viewer, _, _>("/clusters/{cluster}/exports", exports::page)
        .get::<Viewer, _, _>("/clusters/{cluster}/exports/{kind}/{name}", exports::file)
        .get::<Viewer, _, _>("/clusters/{cluster}/events", events::list)
        .get::<Viewer, _, _>("/clusters/{cluster}/events.csv", files::events)
        .get::<Viewer, _, _>("/clusters/{cluster}/table.csv", files::table)
        .get::<Viewer, _, _>("/clusters/{cluster}/revisions", revisions::list)
        .get::<Viewer, _, _>("/clusters/{cluster}/revisions/compare", revisions::compare)
        .get::<Viewer, _, _>("/clusters/{cluster}/revisions/{number}", revisions::one)
        .get::<Editor, _, _>("/clusters/{cluster}/revisions/{number}/restore", revisions::restore_form)
        .post::<Editor, _, _>("/clusters/{cluster}/revisions/{number}/restore", revisions::restore)
        .post::<Approver, _, _>("/clusters/{cluster}/revisions/{number}/keep", changes::keep)
        .get::<Viewer, _, _>("/clusters/{cluster}/revisions/{number}/keep", up)
        .post::<Approver, _, _>("/clusters/{cluster}/revisions/{number}/undo", changes::undo)
        .get::<Viewer, _, _>("/clusters/{cluster}/revisions/{number}/undo", up);
    let routes = people(routes);
    let routes = of_alerts(servers(routes));
    let routes = directors_and_changes(routes);
    routes
        .limit(IMPORT_LIMIT)
        .get::<Editor, _, _>("/import", import::form)
        .post::<Editor, _, _>("/import", import::read)
}

fn people(routes: Routes) -> Routes {
    routes
        .get::<Public, _, _>("/password", accounts::password_form)
        .post::<Public, _, _>("/password", accounts::password)
        .get::<Viewer, _, _>("/me", me::show_me)
        .post::<Viewer, _, _>("/me/password", me::password)
        .get::<Viewer, _, _>("/me/password", up)
        .post::<Viewer, _, _>("/me/sessions", me::end_others)
        .get::<Viewer, _, _>("/me/sessions", up)
        .post::<Viewer, _, _>("/me/sessions/{session}", me::end_session)
        .get::<Person, _, _>("/me/passkeys", passkeys::list)
        .post::<Person, _, _>("/me/passkeys", passkeys::add)
        .post::<Person, _, _>("/me/passkeys/begin", passkeys::begin)
        .get::<Person, _, _>("/me/passkeys/begin", up)
        .get::<Person, _, _>("/me/passkeys/{passkey}", passkeys::one)
        .post::<Person, _, _>("/me/passkeys/{passkey}", passkeys::remove)
        .get::<Person, _, _>("/me/second-factor", second_factor::state)
        .post::<Person, _, _>("/me/second-factor", second_factor::change)
        .post::<Person, _, _>("/me/second-factor/confirm", second_factor::confirm)
        .get::<Person, _, _>("/me/second-factor/confirm", up)
        .get::<Admin, _, _>("/admin/accounts", accounts::list)
        .post::<Admin, _, _>("/admin/accounts", accounts::add)
        .get::<Admin, _, _>("/admin/accounts/{account}", accounts::form)
        .post::<Admin, _, _>("/admin/accounts/{account}", accounts::save)
        .post::<Admin, _, _>("/admin/accounts/{account}/reset", accounts::reset)
        .get::<Admin, _, _>("/admin/accounts/{account}/reset", up)
        .post::<Admin, _, _>("/admin/accounts/{account}/second-factor", second_factor::remove)
        .get::<Admin, _, _>("/admin/accounts/{account}/second-factor", up)
        .get::<Admin, _, _>("/admin/accounts/{account}/passkeys/{passkey}", passkeys::one_of_others)
        .post::<Admin, _, _>("/admin/accounts/{account}/passkeys/{passkey}", passkeys::remove_of_others)
        .get::<Admin, _, _>("/admin/accounts/{account}/delete", accounts::delete_form)
        .post::<Admin, _, _>("/admin/accounts/{account}/delete", accounts::delete)
        .get::<Admin, _, _>("/admin/tokens", tokens::list)
        .post::<Admin, _, _>("/admin/tokens", tokens::add)
        .get::<Admin, _, _>("/admin/tokens/{token}/delete", tokens::delete_form)
        .post::<Admin, _, _>("/admin/tokens/{token}/delete", tokens::delete)
        .get::<Admin, _, _>("/admin/settings", settings::form)
        .post::<Admin, _, _>("/admin/settings", settings::save)
        .get::<Admin, _, _>("/admin/settings/support-bundle", crate::support::bundle)
        .post::<Admin, _, _>("/admin/settings/second-factor", settings::second_factor)
        .get::<Admin, _, _>("/admin/settings/second-factor", up)
        .get::<Admin, _, _>("/admin/settings/single-sign-on", sign_on_settings::form)
        .post::<Admin, _, _>("/admin/settings/single-sign-on", sign_on_settings::save)
        .post::<Admin, _, _>("/admin/settings/single-sign-on/test", sign_on_settings::test)
        .get::<Admin, _, _>("/admin/settings/single-sign-on/test", up)
        .get::<Admin, _, _>("/admin/audit", audit::list)
        .get::<Admin, _, _>("/admin/audit.csv", audit::file)
}

fn of_alerts(routes: Routes) -> Routes {
    routes
        .get::<Viewer, _, _>("/alerts", alerts::list)
        .post::<Operator, _, _>("/alerts/silences", alerts::silence)
        .get::<Viewer, _, _>("/alerts/silences", up)
        .post::<Operator, _, _>("/alerts/silences/{silence}/end", alerts::end)
        .get::<Admin, _, _>("/admin/alerts", alert_channels::list)
        .get::<Admin, _, _>("/admin/alerts/channels/new/{kind}", alert_channels::new_form)
        .post::<Admin, _, _>("/admin/alerts/channels/new/{kind}", alert_channels::add)
        .get::<Admin, _, _>("/admin/alerts/channels/{channel}", alert_channels::form)
        .post::<Admin, _, _>("/admin/alerts/channels/{channel}", alert_channels::save)
        .post::<Admin, _, _>("/admin/alerts/channels/{channel}/test", alert_channels::test)
        .get::<Admin, _, _>("/admin/alerts/channels/{channel}/test", up)
        .get::<Admin, _, _>("/admin/alerts/channels/{channel}/delete", alert_channels::delete_form)
        .post::<Admin, _, _>("/admin/alerts/channels/{channel}/delete", alert_channels::delete)
        .get::<Admin, _, _>("/admin/alerts/rules/new", alert_rules::new_form)
        .post::<Admin, _, _>("/admin/alerts/rules/new", alert_rules::add)
        .get::<Admin, _, _>("/admin/alerts/rules/{rule}", alert_rules::form)
        .post::<Admin, _, _>("/admin/alerts/rules/{rule}", alert_rules::save)
        .get::<Admin, _, _>("/admin/alerts/rules/{rule}/delete", alert_rules::delete_form)
        .post::<Admin, _, _>("/admin/alerts/rules/{rule}/delete", alert_rules::delete)
}

fn servers(routes: Routes) -> Routes {
    routes
        .get::<Viewer, _, _>("/clusters/{cluster}/virtual-servers", virtual_servers::list)
        .get::<Editor, _, _>("/clusters/{cluster}/virtual-servers/new", virtual_servers::new_form)
        .post::<Editor, _, _>("/clusters/{cluster}/virtual-servers/new", virtual_servers::add)
        .get::<Viewer, _, _>("/clusters/{cluster}/virtual-servers/{server}", virtual_servers::form)
        .post::<Editor, _, _>("/clusters/{cluster}/virtual-servers/{server}", virtual_servers::save)
        .post::<Editor, _, _>("/clusters/{cluster}/virtual-servers/{server}/active", virtual_servers::switch)
        .get::<Editor, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/delete",
            virtual_servers::delete_form,
        )
        .post::<Editor, _, _>("/clusters/{cluster}/virtual-servers/{server}/delete", virtual_servers::delete)
        .get::<Viewer, _, _>("/clusters/{cluster}/virtual-servers/{server}/scripts", scripts::form)
        .post::<Editor, _, _>("/clusters/{cluster}/virtual-servers/{server}/scripts", scripts::save)
        .get::<Viewer, _, _>("/clusters/{cluster}/virtual-servers/{server}/traffic", traffic::of_service)
        .get::<Viewer, _, _>("/clusters/{cluster}/virtual-servers/{server}/real-servers", real_servers::list)
        .get::<Editor, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/new",
            real_servers::new_form,
        )
        .post::<Editor, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/new",
            real_servers::add,
        )
        .get::<Viewer, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}",
            real_servers::form,
        )
        .post::<Editor, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}",
            real_servers::save,
        )
        .post::<Operator, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/orders",
            orders::give,
        )
        .get::<Viewer, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/state",
            server_state::show,
        )
        .post::<Operator, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/state/check",
            server_state::check,
        )
        .get::<Viewer, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/state/check",
            up,
        )
        .get::<Viewer, _, _>("/clusters/{cluster}/machines", machines::list)
        .post::<Operator, _, _>("/clusters/{cluster}/machines/{address}/orders", orders::give_machine)
        .post::<Editor, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/active",
            real_servers::switch,
        )
        .get::<Viewer, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/scripts",
            scripts::own_form,
        )
        .post::<Editor, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/scripts",
            scripts::own_save,
        )
        .get::<Editor, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/delete",
            real_servers::delete_form,
        )
        .post::<Editor, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/delete",
            real_servers::delete,
        )
}

fn directors_and_changes(routes: Routes) -> Routes {
    routes
        .get::<Viewer, _, _>("/clusters/{cluster}/directors", directors::list)
        .get::<Editor, _, _>("/clusters/{cluster}/directors/new", directors::new_form)
        .post::<Editor, _, _>("/clusters/{cluster}/directors/new", directors::add)
        .get::<Viewer, _, _>("/clusters/{cluster}/directors/{director}", directors::form)
        .post::<Editor, _, _>("/clusters/{cluster}/directors/{director}", directors::save)
        .get::<Editor, _, _>("/clusters/{cluster}/directors/{director}/delete", directors::delete_form)
        .post::<Editor, _, _>("/clusters/{cluster}/directors/{director}/delete", directors::delete)
        .post::<Admin, _, _>("/clusters/{cluster}/directors/{director}/token", enrolment::token)
        .get::<Viewer, _, _>("/clusters/{cluster}/directors/{director}/token", up)
        .post::<Admin, _, _>("/clusters/{cluster}/directors/{director}/dial", enrolment::dial)
        .get::<Viewer, _, _>("/clusters/{cluster}/directors/{director}/dial", up)
        .get::<Admin, _, _>("/clusters/{cluster}/directors/{director}/revoke", enrolment::revoke_form)
        .post::<Admin, _, _>("/clusters/{cluster}/directors/{director}/revoke", enrolment::revoke)
        .post::<Approver, _, _>("/clusters/{cluster}/directors/{director}/push", enrolment::push)
        .get::<Viewer, _, _>("/clusters/{cluster}/directors/{director}/adopt", adoption::page)
        .post::<Editor, _, _>("/clusters/{cluster}/directors/{director}/adopt", adoption::take)
        .post::<Operator, _, _>("/clusters/{cluster}/directors/{director}/order", heartbeat::order)
        .get::<Viewer, _, _>("/clusters/{cluster}/directors/{director}/order", up)
        .get::<Viewer, _, _>("/clusters/{cluster}/directors/{director}/drift", drift::page)
        .post::<Editor, _, _>("/clusters/{cluster}/directors/{director}/drift", drift::take_over)
        .post::<Operator, _, _>("/clusters/{cluster}/directors/{director}/drift/repair", drift::repair)
        .get::<Viewer, _, _>("/clusters/{cluster}/directors/{director}/drift/repair", up)
        .post::<Editor, _, _>("/clusters/{cluster}/directors/{director}/theirs", adoption::take_theirs)
        .get::<Viewer, _, _>("/clusters/{cluster}/directors/{director}/theirs", up)
        .get::<Viewer, _, _>("/clusters/{cluster}/changes", changes::draft)
        .post::<Approver, _, _>("/clusters/{cluster}/changes/activate", changes::activate)
        .get::<Viewer, _, _>("/clusters/{cluster}/changes/activate", up)
        .post::<Editor, _, _>("/clusters/{cluster}/changes/ask", approval::ask)
        .get::<Viewer, _, _>("/clusters/{cluster}/changes/ask", up)
        .post::<Editor, _, _>("/clusters/{cluster}/changes/withdraw", approval::withdraw)
        .get::<Viewer, _, _>("/clusters/{cluster}/changes/withdraw", up)
        .get::<Viewer, _, _>("/clusters/{cluster}/changes/{kind}/{owner}", approval::theirs)
        .post::<Approver, _, _>("/clusters/{cluster}/changes/{kind}/{owner}/activate", approval::activate)
        .get::<Viewer, _, _>("/clusters/{cluster}/changes/{kind}/{owner}/activate", up)
        .post::<Editor, _, _>("/clusters/{cluster}/changes/rebase", rebase::rebase)
        .get::<Viewer, _, _>("/clusters/{cluster}/changes/rebase", up)
        .get::<Editor, _, _>("/clusters/{cluster}/changes/discard", changes::discard_form)
        .post::<Editor, _, _>("/clusters/{cluster}/changes/discard", changes::discard)
}

/// The flags of hashing schedulers, with their catalogue keys; the third has no user today but is kept.
pub(crate) const FLAG_CHOICES: [(&str, &str); 3] =
    [("fallback", "flag-fallback"), ("port", "flag-port"), ("flag-3", "flag-3")];
