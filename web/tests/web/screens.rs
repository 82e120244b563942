//! Every page in both languages, as strict HTML; forms keep what was typed and say what is wrong where it is wrong.
//!
//! With `CARIBE_PAGES=FOLDER` every page that is looked at here is also written there, for people to look at.

use console::{Actor, Role};

use crate::html::check;
use crate::journey::href;
use crate::site::{Browser, SCENARIO_A, Site};

/// Writes a page down for people to look at, where that is asked for.
pub(crate) fn keep(name: &str, body: &str) {
    if let Some(folder) = std::env::var_os("CARIBE_PAGES") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), body).unwrap();
    }
}

async fn furnished(site: &Site) -> String {
    let cluster = console::read_file(SCENARIO_A, None).cluster.unwrap();
    let id = site.console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "from Piranha").await.unwrap();
    id
}

/// The paths of all pages about a cluster that has a virtual server with a real server.
async fn pages(admin: &mut Browser<'_>, id: &str) -> Vec<(String, String)> {
    let base = format!("/clusters/{id}");
    let list = admin.get(&format!("{base}/virtual-servers")).await.is(200);
    let server = href(&list.body, "/virtual-servers/vs_");
    let reals = admin.get(&format!("{server}/real-servers")).await.is(200);
    let real = href(&reals.body, "/real-servers/rs_");
    let named = |name: &str, path: String| (name.to_owned(), path);
    vec![
        named("clusters", "/".to_owned()),
        named("cluster-new", "/clusters/new".to_owned()),
        named("import", "/import".to_owned()),
        named("monitoring", base.clone()),
        named("monitoring-paused", format!("{base}?live=off")),
        named("help", "/help".to_owned()),
        named("settings", "/admin/settings".to_owned()),
        named("wall", format!("{base}/wall")),
        named("search", "/search".to_owned()),
        named("search-found", "/search?q=10.0.0".to_owned()),
        named("search-nothing", "/search?q=%3Cb%3Enothing".to_owned()),
        named("topology", format!("{base}/topology")),
        named("traffic", format!("{base}/traffic")),
        named("traffic-week", format!("{base}/traffic?range=7d&live=off")),
        named("traffic-of", format!("{server}/traffic?from=2026-01-01T00:00&until=2026-01-02T00:00")),
        named("cluster-delete", format!("{base}/delete")),
        named("global", format!("{base}/global")),
        named("redundancy", format!("{base}/redundancy")),
        named("virtual-servers", format!("{base}/virtual-servers?done=saved")),
        named("virtual-server-new", format!("{base}/virtual-servers/new")),
        named("virtual-server", server.clone()),
        named("virtual-server-delete", format!("{server}/delete")),
        named("scripts", format!("{server}/scripts")),
        named("real-server-scripts", format!("{real}/scripts")),
        named("real-servers", format!("{server}/real-servers")),
        named("real-server-new", format!("{server}/real-servers/new")),
        named("real-server", real.clone()),
        named("real-server-state", format!("{real}/state")),
        named("machines", format!("{base}/machines")),
        named("real-server-delete", format!("{real}/delete")),
        named("directors", format!("{base}/directors")),
        named("director", format!("{base}/directors/director-a")),
        named("director-new", format!("{base}/directors/new")),
        named("director-delete", format!("{base}/directors/director-b/delete")),
        named("director-revoke", format!("{base}/directors/director-a/revoke")),
        named("changes", format!("{base}/changes")),
        named("changes-discard", format!("{base}/changes/discard")),
        named("revisions", format!("{base}/revisions")),
        named("revision", format!("{base}/revisions/1")),
        named("revision-compare", format!("{base}/revisions/compare?to=1")),
        named("revision-restore", format!("{base}/revisions/1/restore")),
        named("exports", format!("{base}/exports")),
        named("exports-of-revision", format!("{base}/exports?revision=1")),
        named("me", "/me".to_owned()),
        named("second-factor", "/me/second-factor".to_owned()),
        named("passkeys", "/me/passkeys".to_owned()),
        named("settings", "/admin/settings".to_owned()),
        named("accounts", "/admin/accounts".to_owned()),
        named("account", "/admin/accounts/user-admin".to_owned()),
        named("account-delete", "/admin/accounts/user-admin/delete".to_owned()),
        named("tokens", "/admin/tokens".to_owned()),
        named("audit", "/admin/audit?check=on".to_owned()),
        named("password", "/password".to_owned()),
        named("nowhere", "/nowhere".to_owned()),
    ]
}

#[tokio::test]
async fn every_page_is_well_formed_in_both_languages() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut admin = site.member(Role::Admin).await;
    let all = pages(&mut admin, &id).await;
    // A draft with a warning, an edit and a removal in it.
    let server = all.iter().find(|(name, _)| name == "virtual-server").unwrap().1.clone();
    admin.fill(&server, &[("vip.device", ""), ("persistence.timeout_s", "300")]).await.is(303);
    for (language, title) in [("en", "VIRTUAL SERVERS"), ("zh-CN", "虚拟服务器")] {
        admin.language = if language == "en" { "en-GB,en;q=0.9" } else { "zh-CN,zh;q=0.9,en;q=0.1" };
        for (name, path) in &all {
            let page = admin.get(path).await;
            assert_eq!(page.status.as_u16(), if name == "nowhere" { 404 } else { 200 }, "{path}");
            check(&format!("{name} ({language})"), &page.body);
            assert!(page.body.contains(&format!("<html lang=\"{language}\"")), "{path}");
            assert!(page.body.contains(title) || !page.body.contains("class=\"tabs\""), "{path}");
            keep(&format!("{name}.{language}"), &page.body);
        }
    }
}

/// Every call that a page names is a route of the API.
#[tokio::test]
async fn pages_name_calls_that_the_api_has() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut admin = site.member(Role::Admin).await;
    let table = web::route_table(site.console.clone());
    let is_route = |method: &str, path: &str| {
        let path: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
        table.iter().any(|route| {
            let parts: Vec<&str> = route.path.split('/').collect();
            let fits = |(part, there): (&&str, &&str)| part.starts_with('{') || part == there;
            route.method == method && parts.len() == path.len() && parts.iter().zip(&path).all(fits)
        })
    };
    let mut named = 0;
    for (name, path) in pages(&mut admin, &id).await {
        let body = admin.get(&path).await.body;
        let Some(calls) = body.split("<details class=\"api\">").nth(1) else { continue };
        for call in calls.split("<li><code>").skip(1) {
            let (method, path) = call.split("</code>").next().unwrap().split_once(' ').unwrap();
            assert!(is_route(method, path), "{name}: {method} {path}");
            named += 1;
        }
    }
    assert!(named > 60, "only {named} calls");
}

#[tokio::test]
async fn a_viewer_sees_everything_and_no_button_that_would_be_refused() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut admin = site.member(Role::Admin).await;
    let all = pages(&mut admin, &id).await;
    let mut viewer = site.member(Role::Viewer).await;
    for (name, path) in &all {
        let page = viewer.get(path).await;
        check(&format!("{name} for a viewer"), &page.body);
        if page.status != 200 {
            assert!([403, 404].contains(&page.status.as_u16()), "{path}: {}", page.status);
            continue;
        }
        let posts: Vec<&str> =
            page.body.split("<form").skip(1).filter(|f| f.contains("method=\"post\"")).collect();
        for form in posts {
            let form = form.split("</form>").next().unwrap();
            let own = ["/look\"", "/logout\"", "/me/", "/password\""];
            let harmless = own.iter().any(|path| form.contains(&format!("action=\"{path}")));
            assert!(harmless || !form.contains("<button"), "{path}: {form}");
        }
        for word in ["/new\"", "/delete\"", "/revoke\"", "/discard\""] {
            assert!(!page.body.contains(&format!("{id}{word}")), "{path}: {word}");
        }
    }
}

#[tokio::test]
async fn every_field_of_a_virtual_server_comes_back_as_it_was_typed() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut editor = site.member(Role::Editor).await;
    let typed = [
        ("name", "dns over udp"),
        ("port", "53"),
        ("protocol", "udp"),
        ("vip.address", "2001:db8::53"),
        ("vip.prefix", "64"),
        ("vip.device", "eth0"),
        ("sorry_server.address", "2001:db8::99"),
        ("sorry_server.port", "53"),
        ("monitor.reentry_s", "30"),
        ("monitor.interval_ms", "5000"),
        ("monitor.timeout_ms", "4000"),
        ("monitor.load_monitor.kind", "program"),
        ("monitor.load_monitor.command", "uptime"),
        ("quorum.weight", "3"),
        ("quorum.hysteresis", "1"),
        ("sorry_server.check", "connect"),
        ("quiesce", "on"),
        ("scheduler", "sh"),
        ("scheduler_flags", "port"),
        ("persistence.timeout_s", "600"),
        ("persistence.prefix", "48"),
        ("one_packet", "on"),
        ("active", "on"),
    ];
    let answer = editor.fill(&format!("/clusters/{id}/virtual-servers/new"), &typed).await.is(303);
    let server = answer.location().strip_suffix("/real-servers?done=added").unwrap().to_owned();
    let page = editor.get(&server).await.is(200);
    let shown = crate::html::form_values(&page.body, &server);
    for (name, value) in typed {
        assert!(shown.iter().any(|(n, v)| n == name && v == value), "{name}={value}: {shown:?}");
    }
    let real = [
        ("name", "far away"),
        ("address", "2001:db8:1::7"),
        ("weight", "20"),
        ("forwarding", "tunnel"),
        ("forwarding.tunnel.kind", "gue"),
        ("forwarding.tunnel.port", "6080"),
        ("forwarding.tunnel.checksum", "full"),
        ("limit.upper", "1000"),
        ("limit.lower", "800"),
    ];
    editor.fill(&format!("{server}/real-servers/new"), &real).await.is(303);
    let list = editor.get(&format!("{server}/real-servers")).await.is(200);
    let path = href(&list.body, "/real-servers/rs_");
    let shown = crate::html::form_values(&editor.get(&path).await.is(200).body, &path);
    for (name, value) in real {
        assert!(shown.iter().any(|(n, v)| n == name && v == value), "{name}={value}: {shown:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut editor = site.member(Role::Editor).await;
    let path = format!("/clusters/{id}/virtual-servers/new");
    let typed = [
        ("name", "  "),
        ("port", "eighty"),
        ("vip.address", "192.0.2.300"),
        ("vip.prefix", "255.0.255.0"),
        ("vip.device", "this-name-is-too-long"),
        ("persistence.timeout_s", "99999999"),
        ("scheduler", "wlc"),
    ];
    for (language, number) in [("en", "not a whole number"), ("zh-CN", "不是此处可用的整数")] {
        editor.language = language;
        let page = editor.fill(&path, &typed).await.is(422);
        check(&format!("refused ({language})"), &page.body);
        keep(&format!("virtual-server-refused.{language}"), &page.body);
        let at = |field: &str| {
            let start = page
                .body
                .find(&format!("id=\"{field}-said-1\""))
                .unwrap_or_else(|| panic!("nothing at {field}"));
            page.body[start..].split("</p>").next().unwrap().to_owned()
        };
        assert!(at("port").contains(number));
        for field in ["name", "vip.address", "vip.prefix", "vip.device", "persistence.timeout_s"] {
            at(field);
        }
        let shown = crate::html::form_values(&page.body, &path);
        for (name, value) in typed {
            assert!(shown.iter().any(|(n, v)| n == name && v == value), "{name}={value}: {shown:?}");
        }
        assert!(page.body.contains("aria-invalid=\"true\"") && page.body.contains("role=\"alert\""));
    }
    let servers = site.console.view(&Actor::local(), &id).await.unwrap().content.virtual_servers.len();
    assert_eq!(servers, 1);
}

#[tokio::test]
async fn the_settings_pages_save_both_of_their_parts() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut editor = site.member(Role::Editor).await;
    let global = format!("/clusters/{id}/global");
    let typed = [("public", "192.168.1.11"), ("timeouts.tcp", "900"), ("nat_router.prefix", "255.255.0.0")];
    editor.fill(&global, &typed).await.is(303);
    let redundancy = format!("/clusters/{id}/redundancy");
    editor
        .fill(&redundancy, &[("private", "10.0.0.21"), ("interval_ms", "200"), ("deadtime_ms", "1000")])
        .await
        .is(303);
    let rows = site.console.audit(&Actor::local(), Some(&id), None, 20).await.unwrap();
    let changes = rows.iter().filter(|row| row.action == "draft.change" && row.actor.contains("editor"));
    assert_eq!(changes.count(), 2, "each page is saved as one change");
    let page = editor.get(&format!("/clusters/{id}/changes")).await.is(200);
    for part in ["192.168.1.11", "10.0.0.21", "900"] {
        assert!(page.body.contains(part), "{part}");
    }
    // Redundancy without a backup director is refused at its field, and keeps the rest.
    let page = editor.fill(&redundancy, &[("public", ""), ("private", ""), ("interval_ms", "250")]).await;
    assert!([303, 422].contains(&page.status.as_u16()));
    let wrong = editor.fill(&global, &[("public", "nowhere")]).await.is(422);
    check("global refused", &wrong.body);
    assert!(wrong.body.contains("id=\"public-said-1\"") && wrong.body.contains("value=\"nowhere\""));
    // An address that no director can have: nothing of the page is saved.
    let typed = [("public", "224.0.0.1"), ("timeouts.tcp", "901")];
    let wrong = editor.fill(&global, &typed).await.is(422);
    assert!(wrong.body.contains("id=\"public-said-1\"") && wrong.body.contains("value=\"901\""));
    assert!(!editor.get(&global).await.is(200).body.contains("value=\"901\""));
}

#[tokio::test]
async fn a_form_that_was_opened_before_another_change_is_kept() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut editor = site.member(Role::Editor).await;
    let path = format!("/clusters/{id}/global");
    let page = editor.get(&path).await.is(200);
    let mut fields = crate::html::form_values(&page.body, &path);
    editor
        .fill(&format!("/clusters/{id}/redundancy"), &[("interval_ms", "300"), ("deadtime_ms", "2000")])
        .await
        .is(303);
    fields.retain(|(n, _)| n != "timeouts.udp");
    fields.push(("timeouts.udp".to_owned(), "77".to_owned()));
    let sent: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let page = editor.post(&path, &sent).await.is(409);
    check("stale", &page.body);
    assert!(page.body.contains("value=\"77\""));
    // Accepting the page as it is now takes it.
    let again = crate::html::form_values(&page.body, &path);
    let sent: Vec<(&str, &str)> = again.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    editor.post(&path, &sent).await.is(303);
}

#[tokio::test]
async fn an_import_says_what_is_wrong_beside_the_line() {
    let site = Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    let text = "primary = 192.0.2.1\nkeepalive = 6 # seconds\nvirtual p {\n active = 1\n address = www.example.com eth0:1\n}\n";
    for language in ["en", "zh-CN"] {
        editor.language = language;
        let page = editor.post("/import", &[("files.0.text", text), ("action", "draft")]).await.is(422);
        check("import refused", &page.body);
        keep(&format!("import-refused.{language}"), &page.body);
        let line = page.body.split("id=\"file-0-line-5\"").nth(1).unwrap().split("</li>").next().unwrap();
        assert!(line.contains("www.example.com") && line.contains("#i-bad"), "{line}");
        let line = page.body.split("id=\"file-0-line-2\"").nth(1).unwrap().split("</li>").next().unwrap();
        assert!(line.contains("#i-warn"), "{line}");
    }
    let page = editor.post("/import", &[("files.0.text", SCENARIO_A), ("action", "check")]).await.is(200);
    keep("import-found.en", &page.body);

    // The same as an upload.
    let boundary = "XX";
    let token = editor.csrf.clone();
    let part = |name: &str, file: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let body = [
        part("csrf", "", &token),
        part("files.0.text", "", ""),
        part("file", "; filename=\"lvs.cf\"", SCENARIO_A),
        part("name", "", "uploaded"),
        part("action", "", "draft"),
        format!("--{boundary}--\r\n"),
    ]
    .concat();
    let request = editor
        .request("POST", "/import")
        .header("content-type", format!("multipart/form-data; boundary={boundary}"))
        .body(axum::body::Body::from(body))
        .unwrap();
    editor.send(request).await.is(303);
    assert_eq!(site.console.clusters().await.unwrap()[0].name, "uploaded");
}

#[tokio::test]
async fn language_and_theme_stay_chosen() {
    let site = Site::new().await;
    site.member(Role::Viewer).await;
    let mut stranger = Browser::new(&site);
    stranger.language = "zh-CN";
    assert!(stranger.get("/login").await.body.contains("<html lang=\"zh-CN\">"));
    let chosen = [("language", "en"), ("back", "/login")];
    assert_eq!(stranger.post("/look", &chosen).await.is(303).location(), "/login");
    assert!(stranger.get("/login").await.body.contains("<html lang=\"en\">"));
    stranger.post("/look", &[("theme", "dark"), ("back", "https://example.org/")]).await.is(303);
    assert!(stranger.get("/login").await.body.contains("<html lang=\"en\" data-theme=\"dark\">"));

    // With an account the choice belongs to the account, on any machine.
    let mut viewer = site.member(Role::Viewer).await;
    viewer.post("/look", &[("language", "zh-CN"), ("back", "/")]).await.is(303);
    let mut elsewhere = site.member(Role::Viewer).await;
    assert!(elsewhere.get("/").await.is(200).body.contains("<html lang=\"zh-CN\">"));
}

#[tokio::test]
async fn times_are_told_in_the_zone_that_a_browser_chose() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut viewer = site.member(Role::Viewer).await;
    let revisions = format!("/clusters/{id}/revisions");
    let page = viewer.get(&revisions).await.is(200).body;
    assert!(page.contains(" UTC</time>") && page.contains("data-zone"), "{page}");
    // Without scripts the browser's own zone is not known: it is chosen from a list.
    let local = [("zone", "local"), ("back", revisions.as_str())];
    assert_eq!(viewer.post("/look", &local).await.is(303).location(), "/me#zone");
    let me = viewer.get("/me").await.is(200).body;
    check("me", &me);
    assert!(me.contains("<option value=\"UTC\" selected>UTC</option>"), "{me}");
    assert!(me.contains("<option value=\"Asia/Shanghai\">Asia/Shanghai</option>"));
    // A zone that has no summer time, so that its distance is known.
    let chosen = [("zone", "Asia/Shanghai"), ("back", revisions.as_str())];
    assert_eq!(viewer.post("/look", &chosen).await.is(303).location(), revisions);
    let page = viewer.get(&revisions).await.is(200).body;
    assert!(page.contains(" +08:00</time>") && !page.contains(" UTC</time>"), "{page}");
    assert!(page.contains("aria-pressed=\"true\">Asia/Shanghai</button>"), "{page}");
    // Another choice leaves it, and nonsense does not change it.
    viewer.post("/look", &[("theme", "dark"), ("zone", "Moon/Crater"), ("back", "/")]).await.is(303);
    assert!(viewer.get(&revisions).await.body.contains(" +08:00</time>"));
    // A form says the clocks of that zone; the address of a file is the same for everybody.
    let from = format!("/clusters/{id}/traffic?from=2026-11-21T08:30&until=2026-11-21T09:00");
    let traffic = viewer.get(&from).await.is(200).body;
    assert!(
        traffic.contains("traffic.csv?from=2026-11-21T00:30:00Z&#38;until=2026-11-21T01:00:00Z"),
        "{traffic}"
    );
    assert!(traffic.contains("value=\"2026-11-21T08:30\"") && traffic.contains("From (Asia/Shanghai)"));
    viewer.post("/look", &[("zone", "UTC"), ("back", "/")]).await.is(303);
    assert!(viewer.get(&revisions).await.body.contains(" UTC</time>"));
}

#[tokio::test]
async fn switching_deleting_and_discarding_go_through_the_draft() {
    let site = Site::new().await;
    let id = furnished(&site).await;
    let mut admin = site.member(Role::Admin).await;
    let base = format!("/clusters/{id}");
    let list = admin.get(&format!("{base}/virtual-servers")).await.is(200);
    let server = href(&list.body, "/virtual-servers/vs_");
    admin.post(&format!("{server}/active"), &[("active", "no")]).await.is(303);
    assert!(admin.get(&format!("{base}/virtual-servers")).await.body.contains("#i-stopped"));
    admin.post(&format!("{server}/delete"), &[]).await.is(303);
    assert!(admin.get(&format!("{base}/virtual-servers")).await.body.contains("No virtual server yet."));
    assert!(admin.get(&base).await.body.contains("tcp 192.168.1.250:80"), "what runs is untouched");
    admin.get(&server).await.is(404);
    admin.post(&format!("{base}/changes/discard"), &[]).await.is(303);
    admin.get(&server).await.is(200);
    // The last activation made no second revision.
    admin.post(&format!("{base}/changes/activate"), &[]).await.is(404);
    admin.post(&format!("{base}/directors/director-b/delete"), &[]).await.is(303);
    admin.post(&format!("{base}/delete"), &[]).await.is(303);
    admin.get(&base).await.is(404);
}
