//! What an export refuses, what it keeps as comments, and what it gives back.

use super::*;
use crate::model::{
    CommandLine, ConnectionSync, Matching, Monitor, PriorityPair, Question, RealServer, RedundancyProtocol,
    Secret, VirtualServer, Vrrp, VrrpInstance, VrrpVersion, Weight,
};

fn scenario() -> Cluster {
    crate::format::lvs_cf::read(include_str!("../../../../../testkit/fixtures/scenario-a.cf"))
        .cluster
        .unwrap()
}

/// The scenario with two virtual routers of VRRP.
fn with_vrrp(cluster: &mut Cluster, change: impl FnOnce(&mut Vrrp)) {
    let instance = |name: &str, id: u8, address: &str| VrrpInstance {
        name: name.into(),
        interface: "eth0".parse().unwrap(),
        virtual_router_id: id.try_into().unwrap(),
        priority: PriorityPair { primary: 150.try_into().unwrap(), backup: 100.try_into().unwrap() },
        password: Some(Secret::new("1111")),
        unicast: false,
        addresses: vec![address.parse().unwrap()],
    };
    let instances = vec![instance("VI_1", 51, "192.168.1.250"), instance("VI_2", 52, "10.0.0.254")];
    let mut vrrp = Vrrp { version: VrrpVersion::V2, instances };
    change(&mut vrrp);
    cluster.redundancy.protocol = RedundancyProtocol::Vrrp(vrrp);
}

#[test]
fn what_keepalived_cannot_express_is_refused_by_name() {
    fn on(change: impl FnOnce(&mut VirtualServer) + 'static) -> Box<dyn FnOnce(&mut Cluster)> {
        Box::new(|cluster| change(&mut cluster.virtual_servers[0]))
    }
    fn check(question: Question) -> Box<dyn FnOnce(&mut Cluster)> {
        on(|server| server.monitor.checks = vec![question.into()])
    }
    fn vrrp(change: impl FnOnce(&mut Vrrp) + 'static) -> Box<dyn FnOnce(&mut Cluster)> {
        Box::new(|cluster| with_vrrp(cluster, change))
    }
    let udp = |send: Option<&str>, expect: Option<&str>, reply_needed| Question::Udp {
        send: send.map(str::to_owned),
        expect: expect.map(str::to_owned),
        reply_needed,
    };
    let at = |field: &str| format!("/virtual_servers/0/monitor/checks/0{field}");
    type Case = (Box<dyn FnOnce(&mut Cluster)>, String, &'static str);
    let cases: [Case; 15] = [
        (
            check(Question::SendExpect {
                send: Some("PING".into()),
                expect: Some("+PONG".into()),
                matching: Matching::Prefix,
            }),
            at(""),
            "export-keepalived-send-expect",
        ),
        (
            check(Question::Program {
                command: CommandLine::new(["/bin/x"]),
                expect: None,
                send: None,
                regex: false,
            }),
            at(""),
            "export-keepalived-program",
        ),
        (check(udp(Some("00FF"), None, false)), at("/send"), "export-keepalived-byte"),
        (check(udp(None, Some("ff"), true)), at("/expect"), "export-keepalived-byte"),
        (check(udp(None, Some("00"), false)), at("/reply_needed"), "export-keepalived-silence"),
        (
            check(Question::Command { command: CommandLine::new(["/bin/x", "'a"]), weight: false }),
            at("/command"),
            "export-keepalived-value",
        ),
        (
            check(Question::Command {
                command: CommandLine::new(["/bin/x", &"a".repeat(1_000)]),
                weight: false,
            }),
            at("/command"),
            "export-keepalived-line",
        ),
        (
            check(Question::Http(crate::model::HttpCheck { path: "/\"".into(), ..Default::default() })),
            at("/path"),
            "export-keepalived-value",
        ),
        (
            on(|server| server.real_servers.iter_mut().for_each(|real| real.weight = Weight(0))),
            "/virtual_servers/0/real_servers".into(),
            "export-keepalived-weights",
        ),
        (
            Box::new(|c| c.redundancy.sync = ConnectionSync { enabled: true, ..Default::default() }),
            "/redundancy/sync/interface".into(),
            "export-keepalived-sync-interface",
        ),
        (
            vrrp(|vrrp| vrrp.instances[0].priority.primary = 255.try_into().unwrap()),
            "/redundancy/protocol/instances".into(),
            "export-keepalived-owners",
        ),
        (
            vrrp(|vrrp| vrrp.instances[1].password = Some(Secret::new("a\"b"))),
            "/redundancy/protocol/instances/1/password".into(),
            "export-keepalived-secret",
        ),
        (
            vrrp(|vrrp| vrrp.instances[1].password = Some(Secret::new(crate::model::MASK))),
            "/redundancy/protocol/instances/1/password".into(),
            "secret-masked",
        ),
        (
            vrrp(|vrrp| {
                vrrp.instances[1].unicast = true;
                vrrp.instances[1].addresses = vec!["2001:db8::1".parse().unwrap()];
            }),
            "/directors/0/public".into(),
            "export-keepalived-unicast",
        ),
        (on(|server| server.port = 0), "/virtual_servers/0/port".into(), "port-zero"),
    ];
    for (change, pointer, code) in cases {
        let mut cluster = scenario();
        change(&mut cluster);
        let refused = write(&cluster).expect_err("written");
        let refused: Vec<_> = refused.iter().map(|f| (f.pointer().unwrap(), f.code.as_str())).collect();
        assert!(refused.contains(&(&pointer, code)), "{pointer} {code}: {refused:?}");
    }
}

#[test]
fn a_password_that_cannot_be_written_is_not_shown() {
    let mut cluster = scenario();
    with_vrrp(&mut cluster, |vrrp| vrrp.instances[0].password = Some(Secret::new("s3\"cret")));
    let refused = write(&cluster).expect_err("written");
    assert!(!format!("{refused:?}").contains("cret\\\""), "{refused:?}");
}

#[test]
fn what_is_off_is_never_refused() {
    let mut cluster = scenario();
    let server = &mut cluster.virtual_servers[0];
    let program =
        Question::Program { command: CommandLine::new(["/x"]), expect: None, send: None, regex: false };
    let own = Monitor { checks: vec![program.into()], ..Monitor::default() };
    let mut off: RealServer = server.real_servers[0].clone();
    (off.name, off.address) = ("off".into(), "10.0.0.7".parse().unwrap());
    (off.active, off.monitor) = (false, Some(own));
    server.real_servers.push(off);
    let export = write(&cluster).unwrap();
    assert!(export.files[0].text.contains("\n#     real_server 10.0.0.7 80 {\n"), "{}", export.files[0].text);
    cluster.virtual_servers[0].active = false;
    let export = write(&cluster).unwrap();
    assert!(!export.files[0].text.contains("\nvirtual_server"), "{}", export.files[0].text);
    assert!(export.findings.iter().any(|f| f.code == Code::ExportKeepalivedInactive));
}

#[test]
fn what_was_put_aside_goes_back_to_its_place() {
    let mut cluster = scenario();
    with_vrrp(&mut cluster, |_| {});
    cluster.redundancy.monitor_links = true;
    for (key, text) in [
        ("global_defs/smtp_server", "smtp_server 192.0.2.25"),
        ("global_defs/notification_email", "notification_email {\n  ops@shop.example\n}"),
        ("vrrp_instance VI_1/garp_master_refresh", "garp_master_refresh 60"),
        ("vrrp_instance VI_1/track_script", "track_script {\n    chk\n}"),
        ("vrrp_instance VI_1/notify_fault", "notify_fault \"/bin/notify fault\""),
        (
            "vrrp_instance VI_1/virtual_ipaddress",
            "virtual_ipaddress {\n192.168.1.250/24 dev eth0 scope link\n}",
        ),
        ("vrrp_sync_group G/smtp_alert", "smtp_alert"),
        ("vrrp_script chk", "vrrp_script chk {\n    script \"/bin/chk\"\n    interval 2\n}"),
    ] {
        cluster.kept.insert(format!("keepalived:{key}"), text.into());
    }
    let server = &mut cluster.virtual_servers[0];
    server.kept.insert("keepalived:ha_suspend".into(), "ha_suspend".into());
    server.real_servers[0].kept.insert("keepalived:notify_up".into(), "notify_up /bin/up".into());
    let text = &write(&cluster).unwrap().files[0].text;
    for part in [
        "dynamic_interfaces\n    notification_email {\n        ops@shop.example\n    }\n    smtp_server 192.0.2.25\n",
        "    script_user root\n    enable_script_security\n}\n",
        "vrrp_sync_group G {\n    group {\n        VI_1\n        VI_2\n    }\n    smtp_alert\n}\n",
        "    garp_master_refresh 60\n    notify_fault \"/bin/notify fault\"\n    track_script {\n        chk\n    }\n    virtual_ipaddress {\n        192.168.1.250/24 dev eth0 scope link\n    }\n}\n",
        "    ha_suspend\n    real_server 10.0.0.100 80 {\n",
        "        notify_up /bin/up\n    }\n",
        "vrrp_script chk {\n    script \"/bin/chk\"\n    interval 2\n}\n",
    ] {
        assert!(text.contains(part), "{part}\nin\n{text}");
    }
}

#[test]
fn what_was_put_aside_cannot_break_out_of_its_place() {
    let mut cluster = scenario();
    for (key, text) in [
        ("global_defs/smtp_server", "smtp_server 192.0.2.25\n}\nvirtual_server 203.0.113.9 80 {"),
        ("global_defs/x", "router_id 203.0.113.9"),
        ("global_defs/y", "colour 203.0.113.9"),
        ("global_defs/z", "$A=203.0.113.9"),
        ("global_defs/include", "include /etc/203.0.113.9"),
        ("vrrp_instance gone/garp_master_delay", "garp_master_delay 1 # 203.0.113.9"),
        ("vrrp_script", "vrrp_script {\n\"203.0.113.9"),
        ("vrrp_script\n203.0.113.9", "x"),
        ("static_routes", "static_routes {\n203.0.113.9\n}\n}"),
        ("auth", "authentication {\nauth_pass ********\n203.0.113.9\n}"),
    ] {
        cluster.kept.insert(format!("keepalived:{key}"), text.into());
    }
    cluster.kept.insert("debug_level".into(), "NONE\n203.0.113.9".into());
    let server = &mut cluster.virtual_servers[0];
    server.kept.insert("keepalived:ha_suspend".into(), "ha_suspend\n}\n203.0.113.9 {".into());
    server.kept.insert("keepalived:weight".into(), "lvs_sched 203.0.113.9".into());
    let real = &mut server.real_servers[0];
    real.kept.insert("keepalived:x".into(), "}\n}\nreal_server 203.0.113.9 80 {\nweight 1".into());
    for file in write(&cluster).unwrap().files {
        let lines = file.text.lines().filter(|line| line.contains("203.0.113.9"));
        assert_eq!(lines.clone().count(), 14, "{}", file.text);
        assert!(lines.clone().all(|line| line.trim_start().starts_with("# ")), "{}", file.text);
    }
}
