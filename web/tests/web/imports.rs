//! Imports by page and API: several files, strict reading, candidates, the plan, the fail-over time, Caribe's timers.

use console::{Actor, Role};
use lvs::Cluster;
use lvs::model::RedundancyProtocol;
use serde_json::{Value, json};

use crate::html::{check, form_values};
use crate::screens::keep;
use crate::site::{Answer, Browser, SCENARIO_A, Site};

/// One node of a keepalived pair.
fn node(state: &str, priority: u8) -> String {
    format!(
        "vrrp_instance VI_1 {{
    state {state}
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    authentication {{
        auth_type PASS
        auth_pass hide-me
    }}
    virtual_ipaddress {{
        192.0.2.100/24 dev eth0
    }}
}}

virtual_server 192.0.2.100 80 {{
    delay_loop 6
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 10.0.0.1 80 {{
        weight 1
        TCP_CHECK {{
            connect_timeout 3
        }}
    }}
}}
"
    )
}

/// Sends the files as an upload, with the other fields of the form.
async fn upload(browser: &mut Browser<'_>, files: &[(&str, &[u8])], fields: &[(&str, &str)]) -> Answer {
    browser.get("/import").await.is(200);
    let mut body: Vec<u8> = Vec::new();
    let token = browser.csrf.clone();
    for (name, value) in [("csrf", token.as_str())].iter().chain(fields) {
        body.extend(
            format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    for (name, bytes) in files {
        let head =
            format!("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend(head.bytes());
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--XX--\r\n");
    let request = browser
        .request("POST", "/import")
        .header("content-type", "multipart/form-data; boundary=XX")
        .body(axum::body::Body::from(body))
        .unwrap();
    browser.send(request).await
}

/// Presses a button of the import page as it is shown.
async fn press(browser: &mut Browser<'_>, page: &str, changes: &[(&str, &str)]) -> Answer {
    let mut fields = form_values(page, "/import");
    for (name, value) in changes {
        fields.retain(|(n, _)| n != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.post("/import", &fields).await
}

/// The draft of the person that an import led to.
async fn drafted(site: &Site, answer: &Answer) -> Cluster {
    let id = answer.location().split('/').nth(2).unwrap();
    let editor =
        Actor { name: "user-editor".to_owned(), kind: console::ActorKind::Account, ..Actor::local() };
    site.console.view(&editor, id).await.unwrap().content
}

#[tokio::test]
async fn two_nodes_of_keepalived_become_one_cluster() {
    let site = Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    let (a, b) = (node("MASTER", 150), node("BACKUP", 100));
    let files = [("a.conf", a.as_bytes()), ("b.conf", b.as_bytes())];
    let page = upload(&mut editor, &files, &[("kind", "auto"), ("action", "check")]).await.is(200);
    check("two nodes", &page.body);
    keep("import-two.en", &page.body);
    assert!(
        page.body.contains("keepalived: one virtual server, one real server, 2 directors"),
        "{}",
        page.body
    );
    // Three advertisements and the skew of priority 100.
    assert!(page.body.contains("at worst 3.61."), "{}", page.body);
    assert!(page.body.contains("at worst 0.5 seconds"), "{}", page.body);
    // The plan for both directors, before anything is saved.
    assert!(page.body.contains("-A -t 192.0.2.100:80 -s rr"), "{}", page.body);
    assert!(site.console.clusters().await.unwrap().is_empty());
    // Each file is shown under its name, and can be corrected.
    for part in ["a.conf, line by line", "b.conf, line by line", "name=\"files.1.text\""] {
        assert!(page.body.contains(part), "{part}");
    }

    let as_given = press(&mut editor, &page.body, &[("action", "draft"), ("name", "given")]).await.is(303);
    let given = drafted(&site, &as_given).await;
    let RedundancyProtocol::Vrrp(vrrp) = &given.redundancy.protocol else { panic!("no VRRP") };
    assert_eq!(vrrp.instances[0].password.as_ref().unwrap().reveal(), "hide-me");
    assert_eq!(given.directors.len(), 2);
    let ours =
        press(&mut editor, &page.body, &[("action", "draft-defaults"), ("name", "ours")]).await.is(303);
    let ours = drafted(&site, &ours).await;
    assert_eq!(ours.redundancy.protocol, RedundancyProtocol::Heartbeat);
    assert_eq!((ours.redundancy.interval_ms, ours.redundancy.deadtime_ms), (100, 500));
    assert_eq!(
        Cluster { name: given.name.clone(), redundancy: given.redundancy.clone(), ..ours }
            .virtual_servers
            .len(),
        1
    );

    // The same later, on the page of the draft.
    let base = as_given.location().strip_suffix("/changes?done=imported").unwrap().to_owned();
    let page = editor.get(&format!("{base}/redundancy")).await.is(200);
    check("redundancy with VRRP", &page.body);
    keep("redundancy-vrrp.en", &page.body);
    assert!(page.body.contains("3.61") && !page.body.contains("hide-me"));
    editor.post(&format!("{base}/redundancy/timers"), &[]).await.is(303);
    assert_eq!(drafted(&site, &as_given).await.redundancy.protocol, RedundancyProtocol::Heartbeat);
    assert!(!editor.get(&format!("{base}/redundancy")).await.body.contains("/redundancy/timers\""));
}

#[tokio::test]
async fn findings_and_lines_lead_to_each_other() {
    let site = Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    let text = "primary = 192.0.2.1\nkeepalive = 6 # seconds\n\u{a0}rsh_command = none\n";
    for language in ["en", "zh-CN"] {
        editor.language = language;
        let page = editor.post("/import", &[("files.0.text", text), ("action", "check")]).await.is(200);
        check("findings", &page.body);
        keep(&format!("import-findings.{language}"), &page.body);
        assert!(page.body.contains("<a href=\"#file-0-line-2\">"), "{}", page.body);
        assert!(page.body.contains("href=\"#finding-1\""));
    }
    // Strict: what the original refused is an error, and the page keeps the choice.
    editor.language = "en";
    let strict = [("files.0.text", text), ("strict", "on"), ("action", "draft")];
    let page = editor.post("/import", &strict).await.is(422);
    check("strict", &page.body);
    keep("import-strict.en", &page.body);
    assert!(page.body.contains("The file cannot be used as it is"));
    assert!(form_values(&page.body, "/import").contains(&("strict".to_owned(), "on".to_owned())));
    assert!(site.console.clusters().await.unwrap().is_empty());

    // A long file is shown around its findings only.
    let long = format!("{SCENARIO_A}{}keepalive = 6 # x\n", "# nothing\n".repeat(5_000));
    let page = editor.post("/import", &[("files.0.text", &long), ("action", "check")]).await.is(200);
    check("long", &page.body);
    keep("import-long.en", &page.body);
    assert!(page.body.contains("class=\"gap\"") && !page.body.contains("id=\"file-0-line-2500\""));
}

#[tokio::test]
async fn texts_are_added_removed_and_read_as_they_came() {
    let site = Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    let page = editor.get("/import").await.is(200);
    let page =
        press(&mut editor, &page.body, &[("files.0.text", "one"), ("action", "add.files")]).await.is(200);
    check("another text", &page.body);
    let page = press(&mut editor, &page.body, &[("files.1.text", "two"), ("action", "remove.files.0")])
        .await
        .is(200);
    assert!(form_values(&page.body, "/import").contains(&("files.0.text".to_owned(), "two".to_owned())));
    let page = editor.post("/import", &[("files.0.text", " "), ("action", "check")]).await.is(422);
    assert!(page.body.contains("id=\"files.0.text-said-1\""));
    editor.post("/import", &[("files.0.text", SCENARIO_A), ("kind", "toml")]).await.is(422);

    // CR LF and Latin-1 of an uploaded file are said, and CR LF still when its text comes back from the box.
    let mut file = SCENARIO_A.replace('\n', "\r\n").into_bytes();
    file.extend(b"# K\xf6ln\r\n");
    let page = upload(&mut editor, &[("lvs.cf", &file)], &[("action", "check")]).await.is(200);
    for said in ["CR LF", "Latin-1", "Köln"] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    let again = press(&mut editor, &page.body, &[("action", "check")]).await.is(200);
    assert!(again.body.contains("CR LF"));
}

#[tokio::test]
async fn of_several_clusters_in_a_text_one_is_chosen() {
    let site = Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    let post =
        format!("My first one:\n\n{}\nand the second:\n\n{}\n", node("MASTER", 150), node("BACKUP", 100));
    let robot = site.robot(Role::Editor).await;
    let body = json!({ "text": post, "kind": "keepalived-paste" });
    let read = robot.post("/imports?dry_run=true", body.clone()).await.is(200).json();
    let names: Vec<&str> =
        read["candidates"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert!(names.len() > 1 && read["cluster"].is_null(), "{read}");
    assert!(!read.to_string().contains("hide-me"));
    let refused = robot.post("/imports", body.clone()).await.is(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/candidate");
    let mut chosen = body;
    chosen["candidate"] = json!(names[1]);
    let made = robot.post("/imports", chosen).await.is(201).json();
    assert!(!made.to_string().contains("hide-me") && made["failover"].is_null() != made["draft"].is_null());

    let fields = [("files.0.text", post.as_str()), ("kind", "keepalived-paste"), ("action", "check")];
    let page = editor.post("/import", &fields).await.is(200);
    check("candidates", &page.body);
    keep("import-candidates.en", &page.body);
    let other = press(&mut editor, &page.body, &[("candidate", names[1]), ("action", "check")]).await.is(200);
    assert!(form_values(&other.body, "/import").contains(&("candidate".to_owned(), names[1].to_owned())));
    let taken = press(&mut editor, &other.body, &[("action", "draft"), ("name", "second")]).await.is(303);
    assert_eq!(drafted(&site, &taken).await.name, "second");
}

#[tokio::test]
async fn the_api_reads_several_files_and_says_where_errors_are() {
    let site = Site::new().await;
    let robot = site.robot(Role::Editor).await;
    let files = json!([
        { "name": "a.conf", "text": node("MASTER", 150) }, { "name": "b.conf", "text": node("BACKUP", 100) },
    ]);
    let dry = robot.post("/imports?dry_run=true", json!({ "files": files })).await.is(200).json();
    assert_eq!((&dry["kind"], &dry["failover"]["worst_ms"]), (&json!("keepalived"), &json!(3610)));
    assert_eq!(dry["failover_default_timers"]["worst_ms"], 500);
    assert_eq!(dry["cluster"]["redundancy"]["protocol"]["instances"][0]["password"], lvs::model::MASK);
    assert_eq!(dry["plan"]["directors"].as_array().map(Vec::len), Some(2), "{dry}");
    assert!(dry["findings"].as_array().unwrap().iter().all(|f| f["file"].is_string()));
    let made = robot.post("/imports", json!({ "files": files, "default_timers": true })).await.is(201).json();
    assert_eq!(
        (&made["failover"]["worst_ms"], &made["draft"]["content"]["redundancy"]["protocol"]["kind"]),
        (&json!(500), &json!("heartbeat"))
    );

    // A file that another one includes is a part of that one.
    let whole = node("MASTER", 150) + "include conf.d/*.conf\n";
    let part = "virtual_server 192.0.2.100 443 {\n protocol TCP\n real_server 10.0.0.1 443 {\n }\n}\n";
    let files_with_part = json!([
        { "name": "a.conf", "text": whole }, { "name": "b.conf", "text": node("BACKUP", 100) },
        { "name": "web.conf", "text": part },
    ]);
    let dry = robot.post("/imports?dry_run=true", json!({ "files": files_with_part })).await.is(200).json();
    assert_eq!(dry["cluster"]["virtual_servers"].as_array().map(Vec::len), Some(2), "{dry}");
    assert_eq!(dry["plan"]["directors"].as_array().map(Vec::len), Some(2), "{dry}");

    let strict = json!({ "text": "primary = 192.0.2.1\nkeepalive = 6 # s\n", "strict": true });
    let refused = robot.post("/imports", strict).await.is(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/text");
    assert!(refused["errors"][0]["message"].as_str().unwrap().starts_with("2:"), "{refused}");
    for wrong in [json!({}), json!({ "files": [] }), json!({ "text": "x", "files": files })] {
        let refused: Value = robot.post("/imports", wrong).await.is(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/files");
    }
}
