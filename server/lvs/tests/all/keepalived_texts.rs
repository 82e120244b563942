//! Small keepalived.conf texts and what is said of them: conditions, groups, built-in variables, strict mode, pieces of
//! files, and what of them a written file has again. Called by nobody; what two nodes say is in `keepalived_pairs`.

use std::collections::BTreeMap;

use lvs::Cluster;
use lvs::format::{FileKind, Options, Outcome, Source, detect, keepalived, read_sources};
use lvs::model::{Forwarding, Question};

/// The findings as `FILE:LINE CODE`.
pub(crate) fn said(outcome: &Outcome) -> Vec<String> {
    let line = |finding: &lvs::Finding| finding.to_string().split(':').next().unwrap_or("").to_owned();
    outcome
        .findings
        .iter()
        .map(|(file, finding)| format!("{}:{} {}", outcome.file(*file), line(finding), finding.code.as_str()))
        .collect()
}

fn read(text: &str) -> Outcome {
    keepalived::read(&[Source { name: "x", text }], None)
}

/// Whether a finding of this code is at this line.
fn has(outcome: &Outcome, line: u32, code: &str) -> bool {
    said(outcome).contains(&format!("x:{line} {code}"))
}

fn has_code(outcome: &Outcome, code: &str) -> bool {
    outcome.findings.iter().any(|(_, finding)| finding.code.as_str() == code)
}

fn strict(text: &str) -> Outcome {
    let options = Options { kind: Some(FileKind::Keepalived), strict: true, ..Options::default() };
    read_sources(&[Source { name: "x", text }], &options)
}

/// Names of the instances that the primary and the backup have together.
fn instances(cluster: &Cluster) -> Vec<String> {
    cluster.redundancy.protocol.instances().iter().map(|router| router.name.clone()).collect()
}

fn instance(head: &str, id: u8, body: &str) -> String {
    format!(
        "{head} {{\n interface eth0\n virtual_router_id {id}\n priority 100\n{body} virtual_ipaddress {{\n  192.0.2.{id}\n }}\n}}\n"
    )
}

fn service(body: &str, server: &str) -> String {
    format!(
        "virtual_server 192.0.2.1 80 {{\n lb_algo rr\n lb_kind DR\n protocol TCP\n{body} real_server 10.0.0.1 80 {{\n{server} }}\n}}\n"
    )
}

#[test]
fn a_block_follows_the_condition_of_its_head() {
    // Line 1 is the head of the block that only `a` has; the partner, which nothing names, has B alone.
    for head in ["@a vrrp_instance A", "@a vrrp_instance A\n", "  @a   vrrp_instance A"] {
        let text = instance(head, 51, "") + &instance("vrrp_instance B", 52, "");
        let outcome = read(&text);
        let cluster = outcome.cluster.as_ref().unwrap_or_else(|| panic!("{:?}", said(&outcome)));
        assert!(has(&outcome, 1, "keepalived-condition-block"), "{:?}", said(&outcome));
        assert!(!has_code(&outcome, "brace-stray") && !has_code(&outcome, "keepalived-unknown"));
        assert_eq!(instances(cluster), ["A", "B"]);
        // A is missing on the other node.
        assert!(has_code(&outcome, "keepalived-instance-only"), "{:?}", said(&outcome));
        assert!(strict(&text).has_errors());
    }
    // The other way round.
    let text = instance("@^a vrrp_instance A", 51, "") + &instance("vrrp_instance B", 52, "");
    let outcome = read(&text);
    assert!(has(&outcome, 1, "keepalived-condition-block") && has_code(&outcome, "keepalived-instance-only"));
    // Inside a block, and on one line.
    let text = service(
        "@a real_server 10.0.0.7 80 {\n  weight 3\n }\n@a real_server 10.0.0.8 80 { weight 2 }\n",
        "",
    );
    let outcome = read(&text);
    assert!(has(&outcome, 5, "keepalived-condition-block"), "{:?}", said(&outcome));
    let cluster = outcome.cluster.unwrap();
    assert_eq!(cluster.virtual_servers[0].real_servers.len(), 3);
    assert_eq!(cluster.virtual_servers.len(), 1);
}

#[test]
fn blocks_that_keepalived_reads_well_under_conditions_are_left_alone() {
    let inner = " interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n  192.0.2.1\n }\n";
    let all_lines = format!("vrrp_instance A {{\n{inner}}}\n").replace("\n", "\n@a ");
    let alternatives = [
        format!("@a {}", all_lines.trim_end_matches("@a ")) + &instance("vrrp_instance B", 52, ""),
        format!("@a vrrp_instance A {{\n@b vrrp_instance B {{\n# remark\n\n{inner}}}\n"),
        format!("@a vrrp_instance A\n@b vrrp_instance B\n{{\n{inner}}}\n"),
        format!(
            "@a vrrp_instance A {{\n@a  state MASTER\n@b vrrp_instance A {{\n@b  state BACKUP\n{inner}}}\n"
        ),
        format!("@a vrrp_instance A {{\n@^a vrrp_instance A {{\n{inner}}}\n") + &service("", ""),
    ];
    for text in alternatives {
        let outcome = read(&text);
        let codes = said(&outcome);
        assert!(outcome.is_usable(), "{text}: {codes:?}");
        for code in ["keepalived-condition-block", "brace-missing", "brace-stray", "keepalived-brace-alone"] {
            assert!(!has_code(&outcome, code), "{text}: {codes:?}");
        }
        assert_eq!(detect(&text), Some(FileKind::Keepalived), "{text}");
    }
}

#[test]
fn an_exclamation_mark_behind_the_sign_of_a_condition_begins_a_comment() {
    let text =
        instance("vrrp_instance A", 51, " @!a advert_int 2\n") + &instance("@!a vrrp_instance B", 52, "");
    let outcome = read(&text);
    assert!(has(&outcome, 5, "keepalived-condition-bang"), "{:?}", said(&outcome));
    assert!(has(&outcome, 10, "keepalived-condition-bang"), "{:?}", said(&outcome));
    let cluster = outcome.cluster.unwrap();
    // No node has these lines, and nobody is called `!a`.
    assert_eq!((instances(&cluster), cluster.directors.len()), (vec!["A".to_owned()], 1));
    assert_eq!(cluster.redundancy.interval_ms, 1_000);
}

#[test]
fn a_block_under_a_condition_that_never_ends_is_said() {
    let outcome = read(&(instance("vrrp_instance A", 51, "") + "@b vrrp_instance B {\n interface eth0\n"));
    assert!(has(&outcome, 9, "brace-missing"), "{:?}", said(&outcome));
}

#[test]
fn what_a_sync_group_tracks_is_read() {
    let group = |body: &str| {
        instance("vrrp_instance A", 51, " dont_track_primary\n")
            + &instance("vrrp_instance B", 52, "")
            + &format!("vrrp_sync_group G {{\n group {{\n  A\n  B\n }}\n{body}}}\n")
    };
    // 17 lines stand before the group, its own words begin at line 23.
    let outcome =
        read(&group(" track_interface {\n  eth0\n  eth9\n  eth0 weight 5\n }\n track_script {\n  s\n }\n"));
    for (line, code) in [
        (25, "keepalived-track-interface"),
        (26, "keepalived-track-weight"),
        (26, "keepalived-track-again"),
        (29, "keepalived-track-script-unknown"),
        // B tracks it by itself.
        (24, "keepalived-track-group"),
    ] {
        assert!(has(&outcome, line, code), "{line} {code}: {:?}", said(&outcome));
    }
    let cluster = outcome.cluster.unwrap();
    assert!(cluster.redundancy.monitor_links);
    assert!(cluster.kept["keepalived:vrrp_sync_group G/track_interface"].contains("eth9"));
    // What is watched anyway is not put aside.
    let text = group(" track_interface {\n  eth0\n }\n");
    assert!(strict(&text).has_errors());
    let outcome = read(&text);
    assert!(!has_code(&outcome, "keepalived-track") && !has_code(&outcome, "keepalived-track-interface"));
    assert!(outcome.cluster.unwrap().kept.keys().all(|key| !key.contains("track_interface")));
}

#[test]
fn track_groups_are_told_and_their_names_checked() {
    let text = "track_group T {\n group {\n  A\n }\n}\ntrack_group T {\n group {\n }\n}\n".to_owned()
        + "static_ipaddress {\n 192.0.2.9 dev lo track_group T\n 192.0.2.8 dev lo track_group U\n}\n"
        + &instance("vrrp_instance A", 51, "");
    let outcome = read(&text);
    assert!(has(&outcome, 1, "keepalived-track") && has(&outcome, 6, "keepalived-name-again"));
    assert!(has(&outcome, 12, "keepalived-track-unknown"), "{:?}", said(&outcome));
    assert!(!has(&outcome, 11, "keepalived-track-unknown"));
    let export = keepalived::write(&outcome.cluster.unwrap()).unwrap();
    assert!(export.files.iter().all(|file| !file.text.contains("\n    192.0.2.9 dev lo")));
}

#[test]
fn findings_of_included_files_name_the_file_and_line() {
    let main = "include conf.d/*.conf\n";
    let part = service("", "  weight -1\n");
    let folder: BTreeMap<_, _> = [("conf.d/web.conf".to_owned(), part.clone())].into();
    let expected = "conf.d/web.conf:6 keepalived-range".to_owned();
    for strict in [false, true] {
        let options = Options { strict, folder: Some(&folder), ..Options::default() };
        let outcome = read_sources(&[Source { name: "keepalived.conf", text: main }], &options);
        assert!(said(&outcome).contains(&expected), "{:?}", said(&outcome));
        assert_eq!(outcome.has_errors(), strict);
        // The same file beside the main one, in either order, is a part of it and no second node.
        let given = [("keepalived.conf", main), ("conf.d/web.conf", part.as_str())];
        for order in [[0, 1], [1, 0]] {
            let sources = order.map(|index: usize| Source { name: given[index].0, text: given[index].1 });
            let outcome = read_sources(&sources, &Options { strict, ..Options::default() });
            assert!(said(&outcome).contains(&expected), "{:?}", said(&outcome));
            assert!(outcome.cluster.is_none_or(|cluster| cluster.directors.len() == 1));
        }
    }
}

#[test]
fn a_sorry_servers_method_counts_behind_the_sorry_server_only() {
    for (body, line, forwarding) in [
        (" sorry_server_lvs_method NAT\n sorry_server 10.0.0.9 80\n", Some(5), None),
        (" sorry_server 10.0.0.9 80\n sorry_server_lvs_method NAT\n", None, Some(Forwarding::Nat)),
        (" sorry_server_lvs_method NAT\n", Some(5), None),
    ] {
        let outcome = read(&service(body, ""));
        match line {
            Some(line) => assert!(has(&outcome, line, "keepalived-needs"), "{:?}", said(&outcome)),
            None => assert!(!has_code(&outcome, "keepalived-needs")),
        }
        let cluster = outcome.cluster.unwrap();
        let sorry = &cluster.virtual_servers[0].sorry_server;
        assert_eq!(sorry.as_ref().and_then(|sorry| sorry.forwarding), forwarding, "{body}");
    }
}

#[test]
fn built_in_variables_are_seen_in_quotes_too() {
    let check = |words: &str| service("", &format!("  MISC_CHECK {{\n   misc_path {words}\n  }}\n"));
    let misc = |outcome: &Outcome| {
        let cluster = outcome.cluster.as_ref().unwrap_or_else(|| panic!("{:?}", said(outcome)));
        let service = &cluster.virtual_servers[0];
        let monitor = service.real_servers[0].monitor.as_ref().unwrap_or(&service.monitor);
        serde_json::to_string(&monitor.checks).unwrap()
    };
    let outcome = read(&check("\"/bin/x ${_HASH}1 ${_BANG}\""));
    assert!(misc(&outcome).contains("#1") && misc(&outcome).contains('!'), "{}", misc(&outcome));
    assert!(!has_code(&outcome, "keepalived-variable-built-in"));
    // The name of a node is known where conditions name it.
    let outcome = read(&(check("\"/bin/x ${_INSTANCE}\"") + "@lb1 global_defs { router_id ${_INSTANCE} }\n"));
    assert!(misc(&outcome).contains("lb1"), "{}", misc(&outcome));
    for words in ["\"/bin/x ${_INSTANCE}\"", "\"${_PWD}/x\"", "\"/bin/x ${_RANDOM 1 9}\""] {
        let outcome = read(&check(words));
        assert!(has(&outcome, 7, "keepalived-variable-built-in"), "{words}: {:?}", said(&outcome));
    }
    // A shell's variable is none of ours.
    assert!(!has_code(&read(&check("\"/bin/x ${HOME}\"")), "keepalived-variable-unknown"));
}

#[test]
fn consequences_of_strict_mode_are_told() {
    let both = |body: &str| {
        [
            ("global_defs {\n vrrp_strict\n}\n".to_owned() + &instance("vrrp_instance A", 51, body), 3),
            (instance("vrrp_instance A", 51, &format!(" strict_mode on\n{body}")), 1),
        ]
    };
    for (body, offset, code) in [
        (" state MASTER\n", 5, "keepalived-strict-state"),
        (" preempt_delay 5\n", 5, "keepalived-preempt-delay-off"),
        (" accept\n", 5, "keepalived-strict-accept"),
        (" authentication {\n  auth_type PASS\n  auth_pass x\n }\n", 7, "keepalived-password-unused"),
    ] {
        for (text, before) in both(body) {
            let outcome = read(&text);
            assert!(has(&outcome, offset + before, code), "{code}: {:?}", said(&outcome));
            assert!(has_code(&outcome, "keepalived-strict"), "{:?}", said(&outcome));
            assert!(strict(&text).has_errors(), "{text}");
        }
        let outcome = read(&instance("vrrp_instance A", 51, body));
        assert!(!has_code(&outcome, code) && !has_code(&outcome, "keepalived-strict"));
    }
    // No word behind it switches it off for keepalived.
    let outcome =
        read(&("global_defs {\n vrrp_strict off\n}\n".to_owned() + &instance("vrrp_instance A", 51, "")));
    assert!(has(&outcome, 2, "extra-words") && has(&outcome, 2, "keepalived-strict"));
    let six = instance("vrrp_instance A", 51, " strict_mode\n").replace("192.0.2.51", "2001:db8::1");
    assert!(has(&read(&six), 7, "keepalived-strict-ipv6"));
}

#[test]
fn flags_of_the_hashing_schedulers_go_forth_and_back() {
    for (scheduler, flags) in [("sh", "sh-port\n sh-fallback"), ("mh", "mh-fallback\n mh-port")] {
        let text = service("", "").replace("lb_algo rr", &format!("lb_algo {scheduler}\n {flags}"));
        let outcome = read(&text);
        let cluster = outcome.cluster.unwrap();
        assert_eq!(cluster.virtual_servers[0].scheduler_flags.len(), 2);
        let export = keepalived::write(&cluster).unwrap();
        for flag in flags.split("\n ") {
            assert!(export.files[0].text.contains(&format!("\n    {flag}\n")), "{}", export.files[0].text);
        }
        let again = read(&export.files[0].text).cluster.unwrap();
        assert_eq!(again.virtual_servers[0].scheduler_flags, cluster.virtual_servers[0].scheduler_flags);
    }
}

#[test]
fn a_regular_expression_that_fits_everything_is_told() {
    let page = |words: &str| {
        service("", &format!("  HTTP_GET {{\n   url {{\n    path /\n    {words}\n   }}\n  }}\n"))
    };
    for (words, told) in
        [("regex \"\"", true), ("regex \"a*\"", true), ("regex \"a|\"", true), ("regex \"a+\"", false)]
    {
        for options in ["", "\n    regex_options caseless", "\n    regex_no_match"] {
            let outcome = read(&page(&format!("{words}{options}")));
            let found = has(&outcome, 9, "keepalived-regex-none");
            assert_eq!(found, told, "{words}: {:?}", said(&outcome));
            assert!(outcome.is_usable(), "{words}: {:?}", said(&outcome));
        }
    }
    let cluster = read(&page("regex \"\"")).cluster.unwrap();
    let service = &cluster.virtual_servers[0];
    let monitor = service.real_servers[0].monitor.as_ref().unwrap_or(&service.monitor);
    let Question::Http(http) = &monitor.checks[0].question else { panic!("{:?}", monitor.checks) };
    assert_eq!(http.body, None);
}

#[test]
fn a_table_of_ipvsadm_is_no_keepalived_conf() {
    for text in [
        "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1\n",
        "# ipvsadm-restore < this\n-A -t 192.0.2.1:http -s wlc -p 360\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -g\n",
        "-A -f 5 -s rr\n-a -f 5 -r 10.0.0.1:0 -i -w 1\n",
    ] {
        assert_eq!(detect(text), Some(FileKind::Ipvsadm), "{text}");
        let read =
            |kind, name| read_sources(&[Source { name, text }], &Options { kind, ..Options::default() });
        assert!(read(None, "keepalived.conf").is_usable(), "{text}");
        for kind in [FileKind::Keepalived, FileKind::KeepalivedPaste] {
            let outcome = read(Some(kind), "keepalived.conf");
            assert_eq!(said(&outcome), ["keepalived.conf:1 file-other-kind"]);
            let (_, finding) = &outcome.findings[0];
            assert_eq!(finding.suggestion.as_deref(), Some("--from ipvsadm"));
        }
    }
}

#[test]
fn words_that_are_not_written_again_are_said() {
    let text = "global_defs {\n vrrp_strict\n smtp_server 192.0.2.25\n nb_get_retry 3\n}\n".to_owned()
        + &instance("vrrp_instance A", 51, " garp_master_delay 7\n notify_fault \"/bin/x y\"\n nonsense 5\n")
        + &service(" nat_mask 255.255.255.0\n", "  wrong 5\n  notify_up /bin/up\n");
    let cluster = read(&text).cluster.unwrap();
    let export = keepalived::write(&cluster).unwrap();
    let lost: Vec<_> = export
        .findings
        .iter()
        .filter(|finding| finding.code.as_str() == "export-keepalived-kept")
        .map(|finding| finding.args[0].1.as_str())
        .collect();
    // Whatever is kept is in the file, or it is said that it is not.
    let all = cluster.kept.keys().chain(cluster.virtual_servers[0].kept.keys());
    for key in all.chain(cluster.virtual_servers[0].real_servers[0].kept.keys()) {
        let path = key.strip_prefix("keepalived:").unwrap();
        let word = path.rsplit('/').next().unwrap();
        let written = export.files[0].text.lines().any(|line| line.trim_start().starts_with(word));
        assert_ne!(written, lost.contains(&path), "{path}: {lost:?}\n{}", export.files[0].text);
    }
    for word in ["global_defs/vrrp_strict", "nat_mask", "wrong", "vrrp_instance A/nonsense"] {
        assert!(lost.contains(&word), "{word}: {lost:?}");
    }
}

/// Lines that keepalived reads well on every node are read here, with each node's own, wherever conditions stand.
#[test]
fn conditions_on_any_lines_of_a_block_give_each_node_its_own() {
    let lines = |names: [&str; 2], priority: [u8; 2]| {
        let head = |id: &str, index: usize| format!("@{id} vrrp_instance {} {{\n", names[index]);
        let mut text = head("lb1", 0) + &head("lb2", 1);
        text += " interface eth0\n virtual_router_id 51\n";
        text += &format!("@lb1 priority {}\n@lb2 priority {}\n", priority[0], priority[1]);
        text += "@lb1 track_interface {\n@lb1  eth1\n@lb1 }\n@^lb1 track_interface {\n@^lb1  eth2\n@^lb1 }\n";
        text + "@lb1 virtual_ipaddress {\n@lb2 virtual_ipaddress {\n  192.0.2.1\n }\n}\n" + &service("", "")
    };
    for (names, priority) in [(["V", "V"], [150, 100]), (["V", "V"], [100, 150]), (["V", "W"], [150, 100])] {
        let text = lines(names, priority);
        let outcome = read(&text);
        let cluster = outcome.cluster.as_ref().unwrap_or_else(|| panic!("{text}{:?}", said(&outcome)));
        assert_eq!(cluster.directors.len(), 2, "{:?}", said(&outcome));
        assert_eq!(cluster.directors[0].name, if priority[0] > priority[1] { "lb1" } else { "lb2" });
        let vrrp = cluster.redundancy.protocol.instances();
        assert_eq!(
            (vrrp.len(), vrrp[0].priority.primary.get(), vrrp[0].priority.backup.get()),
            (1, 150, 100)
        );
        assert_eq!(cluster.virtual_servers.len(), 1);
        for code in ["keepalived-condition-block", "brace-missing", "brace-stray", "keepalived-unknown"] {
            assert!(!has_code(&outcome, code), "{text}{:?}", said(&outcome));
        }
        // A post with the same text says the same.
        let pasted = keepalived::read_paste(&Source { name: "x", text: &text });
        assert_eq!(pasted.candidates.len(), 2, "{:?}", said(&pasted));
    }
}
