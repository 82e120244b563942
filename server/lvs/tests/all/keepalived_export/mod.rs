//! Exported keepalived.conf files: as an operator reads them, and as the real keepalived does.

mod clusters;
use crate::fixture::keepalived as judge;
mod random;
mod read_again;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::fixture::random::config;
use crate::fixture::{ip, scenario_a, scenario_b, scenario_d};
use clusters::{everything, scenario_c};
use judge::keepalived;
use lvs::format::keepalived::{Export, write};
use lvs::model::{Cluster, Seat};
use proptest::prelude::*;

/// What keepalived says to a text; nothing where it has no objection.
fn objection(program: &Path, text: &str) -> Option<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = format!("{}/export-{}-{number}.conf", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&file, text).unwrap();
    let output = Command::new(program).args(["--config-test", "-f", &file]).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    (!output.status.success() || !said.trim().is_empty())
        .then(|| format!("{}: {said}\n{text}", output.status))
}

fn exported(cluster: &Cluster) -> Export {
    match write(cluster) {
        Ok(export) => export,
        Err(refused) => {
            let text: Vec<String> = refused.iter().map(ToString::to_string).collect();
            panic!("refused: {text:#?}")
        }
    }
}

fn codes(export: &Export) -> Vec<(&str, &'static str)> {
    export.findings.iter().map(|f| (f.pointer().unwrap(), f.code.as_str())).collect()
}

#[test]
fn a_nat_pair_reads_as_an_operator_would_have_written_it() {
    let export = exported(&scenario_a());
    let [primary, backup] = export.files.as_slice() else { panic!("{:?}", export.files) };
    assert_eq!(
        [(primary.name.as_str(), primary.seat), (backup.name.as_str(), backup.seat)],
        [("keepalived-director-a.conf", Seat::Primary), ("keepalived-director-b.conf", Seat::Backup)]
    );
    assert_eq!(primary.text, include_str!("scenario-a-primary.conf"));
    let differences: Vec<(&str, &str)> =
        primary.text.lines().zip(backup.text.lines()).filter(|(left, right)| left != right).collect();
    assert_eq!(
        differences,
        [
            ("# Director director-a, primary.", "# Director director-b, backup."),
            (
                "# Its address on the real servers' side is 10.0.0.10.",
                "# Its address on the real servers' side is 10.0.0.20."
            ),
            ("    router_id director-a", "    router_id director-b"),
            ("    priority 150", "    priority 100"),
            ("    unicast_src_ip 192.168.1.10", "    unicast_src_ip 192.168.1.20"),
            ("        192.168.1.20", "        192.168.1.10"),
        ]
    );
    assert_eq!(
        codes(&export),
        [
            ("/virtual_servers/0/monitor/reentry_s", "export-keepalived-reentry"),
            ("/virtual_servers/0/monitor/checks/0", "export-keepalived-web-request"),
            ("/redundancy/protocol", "export-keepalived-heartbeat"),
            ("/directors/0/private", "export-keepalived-private"),
            ("/directors/1/private", "export-keepalived-private"),
        ]
    );
}

#[test]
fn a_vrrp_pair_goes_out_as_it_came() {
    let export = exported(&scenario_c());
    assert_eq!(export.findings, []);
    let text = &export.files[0].text;
    for line in [
        "state BACKUP",
        "nopreempt",
        "virtual_router_id 51",
        "priority 100",
        "advert_int 1",
        "auth_pass 1111",
    ] {
        assert!(text.contains(&format!("    {line}\n")), "{line}:\n{text}");
    }
    assert!(!text.contains("alpha") && !text.contains("dont_track_primary"), "{text}");
    let mut cluster = scenario_c();
    cluster.redundancy.preempt = true;
    let export = exported(&cluster);
    assert!(export.files[0].text.contains("state MASTER") && export.files[1].text.contains("state BACKUP"));
}

#[test]
fn a_heartbeat_keeps_its_timers() {
    for (interval_ms, deadtime_ms, words, deadtime_differs) in [
        (6_000, 18_000, "version 2\n    advert_int 6\n", false),
        (100, 500, "version 3\n    advert_int 0.1\n    nopreempt\n    down_timer_adverts 5\n", false),
        (15, 60, "version 3\n    advert_int 0.02\n", false),
        (1_000, 3_500, "version 2\n    advert_int 1\n    nopreempt\n    down_timer_adverts 4\n", true),
        (60_000, 180_000, "version 2\n    advert_int 60\n", false),
        (10, 600_000, "version 3\n    advert_int 0.01\n    nopreempt\n    down_timer_adverts 100\n", true),
    ] {
        let mut cluster = scenario_a();
        cluster.redundancy.interval_ms = interval_ms;
        cluster.redundancy.deadtime_ms = deadtime_ms;
        let export = exported(&cluster);
        assert!(export.files[1].text.contains(words), "{words}:\n{}", export.files[1].text);
        let said = codes(&export).iter().any(|(_, code)| *code == "export-keepalived-deadtime");
        assert_eq!(said, deadtime_differs, "{interval_ms} {deadtime_ms}");
        let id = export.files[0].text.lines().find(|line| line.contains("virtual_router_id"));
        assert_eq!(id, Some("    virtual_router_id 250"));
    }
}

#[test]
fn without_redundancy_only_the_primary_holds_addresses() {
    let mut cluster = scenario_b();
    cluster.redundancy.enabled = false;
    let export = exported(&cluster);
    assert!(export.files[0].text.contains("192.168.1.250/24 dev eth0 label eth0:1"));
    assert!(!export.files[1].text.contains("vrrp_instance"));
    assert!(codes(&export).contains(&("/redundancy/enabled", "export-keepalived-standby")));
    let alone = exported(&scenario_d());
    assert_eq!(alone.files.len(), 1);
    assert_eq!(alone.files[0].name, "keepalived.conf");
    let mut nobody = scenario_d();
    nobody.directors.clear();
    nobody.virtual_servers[0].vip.as_mut().unwrap().device = None;
    let export = exported(&nobody);
    assert!(
        !export.files[0].text.contains("vrrp_instance") && export.files[0].text.contains("virtual_server")
    );
}

#[test]
fn keepalived_accepts_what_is_exported() {
    let Some(program) = keepalived() else { return };
    let mut alone = scenario_a();
    alone.directors.pop();
    alone.redundancy.enabled = false;
    let mut defaults = scenario_a();
    defaults.redundancy = defaults.redundancy.with_default_timers();
    let mut sorry_alone = scenario_b();
    let web = &mut sorry_alone.virtual_servers[0];
    web.sorry_server = Some(lvs::model::SorryServer {
        address: ip("192.168.1.99"),
        port: None,
        forwarding: None,
        check: Default::default(),
    });
    web.real_servers.iter_mut().for_each(|real| real.active = false);
    let clusters = [
        scenario_a(),
        scenario_b(),
        scenario_c(),
        scenario_d(),
        everything(),
        alone,
        defaults,
        sorry_alone,
        Cluster { name: "empty".into(), ..Cluster::default() },
    ];
    for cluster in clusters {
        for file in exported(&cluster).files {
            assert_eq!(objection(&program, &file.text), None, "{}", file.name);
        }
    }
}

#[test]
fn keepalived_accepts_random_clusters() {
    let Some(program) = keepalived() else { return };
    let given = config();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { given.cases } else { 96 };
    let (mut written, mut refused) = (0_u32, 0_u32);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases, ..given });
    let counts = std::cell::RefCell::new((&mut written, &mut refused));
    let result = runner.run(&random::cluster(), |cluster| {
        let mut counts = counts.borrow_mut();
        match write(&cluster) {
            Ok(export) => {
                *counts.0 += 1;
                prop_assert!(export.findings.iter().all(|f| f.severity == lvs::Severity::Warning));
                for file in export.files {
                    prop_assert_eq!(objection(&program, &file.text), None);
                }
            }
            Err(findings) => {
                *counts.1 += 1;
                prop_assert!(
                    findings.iter().all(|f| f.pointer().is_some() && f.severity == lvs::Severity::Error)
                );
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(written > refused / 2, "{written} were written, {refused} refused");
}

/// The clusters that the readers' examples lead to.
fn examples() -> Vec<(PathBuf, Cluster)> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = Vec::new();
    for kind in ["keepalived", "lvs_cf", "ipvsadm"] {
        for folder in std::fs::read_dir(tests.join(kind)).unwrap() {
            let file = folder.unwrap().path().join("cluster.json");
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            if let Ok(Some(cluster)) = serde_json::from_str::<Option<Cluster>>(&text) {
                found.push((file, cluster));
            }
        }
    }
    found.sort_by(|left, right| left.0.cmp(&right.0));
    found
}

#[test]
fn keepalived_accepts_what_the_examples_of_all_readers_become() {
    let Some(program) = keepalived() else { return };
    let (mut written, mut wrong) = (0, Vec::new());
    // Every word there is, in one instance: they contradict each other, and keepalived says so of the original, too.
    let sane = |file: &Path| !file.to_string_lossy().contains("vrrp-words");
    for (file, cluster) in examples().into_iter().filter(|(file, _)| sane(file)) {
        let Ok(export) = write(&cluster) else { continue };
        written += 1;
        for node in export.files {
            if let Some(objection) = objection(&program, &node.text) {
                wrong.push(format!("{}: {}", file.display(), objection));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(written > 20, "{written}");
}
