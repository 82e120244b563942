//! The pages, one module each, in the order of the tabs. A screen asks the console, fills its template, and shows it;
//! after a form it leads to the page that shows the result (303), or shows the form again with what is wrong (422).

mod changes;
mod clusters;
pub(crate) mod directors;
mod enrolment;
mod entry;
mod global;
mod import;
pub(crate) mod monitoring;
pub(crate) mod objects;
mod real_servers;
mod redundancy;
mod revisions;
mod scripts;
mod virtual_servers;

use axum::response::Response;

use crate::page::{Tab, see_other};
use crate::routes::{Admin, Approver, Editor, IMPORT_LIMIT, Public, Routes, Viewer};
use crate::visit::Member;

/// The tabs of a cluster and their paths below it.
pub(crate) const TABS: [(Tab, &str); 7] = [
    (Tab::Monitoring, ""),
    (Tab::Global, "/global"),
    (Tab::Redundancy, "/redundancy"),
    (Tab::VirtualServers, "/virtual-servers"),
    (Tab::Directors, "/directors"),
    (Tab::Changes, "/changes"),
    (Tab::Revisions, "/revisions"),
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
        .post::<Public, _, _>("/look", entry::look)
        .post::<Viewer, _, _>("/logout", entry::logout)
        .get::<Viewer, _, _>("/", clusters::list)
        .get::<Editor, _, _>("/clusters/new", clusters::new_form)
        .post::<Editor, _, _>("/clusters/new", clusters::create)
        .get::<Admin, _, _>("/clusters/{cluster}/delete", clusters::delete_form)
        .post::<Admin, _, _>("/clusters/{cluster}/delete", clusters::delete)
        .get::<Viewer, _, _>("/clusters/{cluster}", monitoring::show)
        .get::<Viewer, _, _>("/clusters/{cluster}/live", crate::live::stream)
        .get::<Viewer, _, _>("/clusters/{cluster}/global", global::form)
        .post::<Editor, _, _>("/clusters/{cluster}/global", global::save)
        .get::<Viewer, _, _>("/clusters/{cluster}/redundancy", redundancy::form)
        .post::<Editor, _, _>("/clusters/{cluster}/redundancy", redundancy::save)
        .get::<Viewer, _, _>("/clusters/{cluster}/revisions", revisions::list)
        .get::<Viewer, _, _>("/clusters/{cluster}/revisions/{number}", revisions::one);
    let routes = servers(routes);
    let routes = directors_and_changes(routes);
    routes
        .limit(IMPORT_LIMIT)
        .get::<Editor, _, _>("/import", import::form)
        .post::<Editor, _, _>("/import", import::read)
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
        .post::<Editor, _, _>(
            "/clusters/{cluster}/virtual-servers/{server}/real-servers/{real}/active",
            real_servers::switch,
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
        .get::<Viewer, _, _>("/clusters/{cluster}/changes", changes::draft)
        .post::<Approver, _, _>("/clusters/{cluster}/changes/activate", changes::activate)
        .get::<Viewer, _, _>("/clusters/{cluster}/changes/activate", up)
        .post::<Editor, _, _>("/clusters/{cluster}/changes/rebase", changes::rebase)
        .get::<Editor, _, _>("/clusters/{cluster}/changes/discard", changes::discard_form)
        .post::<Editor, _, _>("/clusters/{cluster}/changes/discard", changes::discard)
}

/// The flags of hashing schedulers, with their catalogue keys; the third has no user today but is kept.
pub(crate) const FLAG_CHOICES: [(&str, &str); 3] =
    [("fallback", "flag-fallback"), ("port", "flag-port"), ("flag-3", "flag-3")];
