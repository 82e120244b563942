//! Changes in an lvs.cf touch the lines they are about and nothing else.

use crate::lvs_cf_files::{cases, difference, edit, imported, read, sayable};
use lvs::Severity;
use lvs::finding::Code;
use lvs::format::export::{ExportKind, export};
use lvs::format::lvs_cf;
use lvs::format::names::Names;
use lvs::format::{Options, Source, read_sources};
use lvs::model::{Cluster, Director, Persistence, RealServer, Scheduler, Seat, Vip, VirtualServer, Weight};

#[test]
fn an_untouched_file_stays_as_it_is_byte_for_byte() {
    let mut same = 0;
    for (path, text) in cases() {
        let Some(cluster) = read(&text) else {
            assert!(edit(&text, &Cluster::default()).is_err());
            continue;
        };
        assert_eq!(edit(&text, &cluster).as_deref(), Ok(text.as_str()), "{}", path.display());
        same += 1;
    }
    assert!(same > 40, "only {same} files can be read");
}

const FILE: &str = "\
# Shop of the company
serial_no = 3
primary = 192.0.2.1   
network=direct

my_own_word = kept
keepalive = 4 # seconds
deadtime = 12

# --- the shop ---
virtual shop {
\tactive = 1
\taddress = 192.0.2.80 eth0:1
\t# never change this port
\tport = 443
\tsend = 'HELO'
\todd line without meaning
\tserver web-a {
\t\taddress = 10.0.0.1
\t\tactive = 1
\t\tweight = 2 # twice as fast
\t}
\t# the slow one
\tserver web-b {
\t\taddress = 10.0.0.2
\t\tactive = 1
\t}
\t# end of servers
}
# --- mail ---
virtual mail {
\tactive = 1
\taddress = 192.0.2.81 eth0:2
\tport = 25
}
# bye
";

fn changed(text: &str, change: impl FnOnce(&mut Cluster)) -> (String, Vec<String>) {
    let mut cluster = read(text).unwrap();
    change(&mut cluster);
    let after = edit(text, &cluster).unwrap();
    assert_eq!(sayable(read(&after).unwrap()), sayable(cluster), "{after}");
    let lines = difference(text, &after);
    (after, lines)
}

#[test]
fn a_change_touches_its_lines_only() {
    let lines = |change: fn(&mut Cluster)| changed(FILE, change).1;
    fn shop(c: &mut Cluster) -> &mut VirtualServer {
        &mut c.virtual_servers[0]
    }
    assert_eq!(lines(|c| shop(c).port = 8443), ["-\tport = 443", "+\tport = 8443"]);
    // A comment behind a value is an error to the original; it moves above.
    assert_eq!(
        lines(|c| shop(c).real_servers[0].weight = Weight(5)),
        ["-\t\tweight = 2 # twice as fast", "+\t\t# twice as fast", "+\t\tweight = 5"]
    );
    assert_eq!(lines(|c| shop(c).real_servers[1].weight = Weight(3)), ["+\t\tweight = 3"]);
    assert_eq!(
        lines(|c| c.redundancy.interval_ms = 2_000),
        ["-keepalive = 4 # seconds", "+# seconds", "+keepalive = 2"]
    );
    assert_eq!(
        lines(|c| c.global.forwarding = lvs::model::Forwarding::Nat),
        ["-network=direct", "+network = nat"]
    );
    assert_eq!(lines(|c| c.global.timeouts.udp = Some(60)), ["+udp_timeout = 60"]);
    assert_eq!(
        lines(|c| shop(c).persistence = Some(Persistence { timeout_s: 300, prefix: Some(24) })),
        ["+\tpersistent = 300", "+\tpmask = 255.255.255.0"]
    );
    assert_eq!(lines(|c| shop(c).name = "store".into()), ["-virtual shop {", "+virtual store {"]);
    assert_eq!(
        lines(|c| shop(c).real_servers[1].name = "slow".into()),
        ["-\tserver web-b {", "+\tserver slow {"]
    );
    assert_eq!(
        lines(|c| {
            c.directors.push(Director {
                name: "b".into(),
                seat: Seat::Backup,
                public: "192.0.2.2".parse().ok(),
                private: None,
            });
        }),
        ["+backup = 192.0.2.2"]
    );
}

#[test]
fn blocks_come_and_go_with_their_comments() {
    let lines = |change: fn(&mut Cluster)| changed(FILE, change).1;
    let without = lines(|c| _ = c.virtual_servers[0].real_servers.remove(1));
    assert_eq!(
        without,
        ["-\t# the slow one", "-\tserver web-b {", "-\t\taddress = 10.0.0.2", "-\t\tactive = 1", "-\t}"]
    );
    let without = lines(|c| _ = c.virtual_servers.remove(0));
    assert_eq!((without[0].as_str(), without[1].as_str()), ("-# --- the shop ---", "-virtual shop {"));
    assert!(without.iter().all(|line| line.starts_with('-')), "{without:?}");
    assert_eq!(without.last().unwrap(), "-}");
    let with = lines(|c| {
        let real = RealServer {
            name: "web-c".into(),
            weight: Weight(7),
            ..c.virtual_servers[0].real_servers[1].clone()
        };
        let real = RealServer { address: "10.0.0.3".parse().unwrap(), ..real };
        c.virtual_servers[0].real_servers.insert(1, real);
    });
    assert_eq!(
        with,
        ["+\tserver web-c {", "+\t\taddress = 10.0.0.3", "+\t\tactive = 1", "+\t\tweight = 7", "+\t}"]
    );
    let (text, with) = changed(FILE, |c| {
        let mut server = c.virtual_servers[1].clone();
        server.name = "imap".into();
        server.port = 143;
        c.virtual_servers.push(server);
    });
    assert!(with.iter().all(|line| line.starts_with('+')), "{with:?}");
    assert!(text.ends_with("\tquiesce_server = 0\n}\n# bye\n"), "{text}");
    // Put into another order, each takes its comment along.
    let (text, _) = changed(FILE, |c| c.virtual_servers.swap(0, 1));
    let at = |what: &str| text.find(what).unwrap();
    assert!(at("# --- mail ---\nvirtual mail {") < at("# --- the shop ---\nvirtual shop {"), "{text}");
}

#[test]
fn files_without_their_braces_and_ends_take_blocks_too() {
    let head = "primary = 192.0.2.1\nvirtual a {\n active = 1\n address = 192.0.2.80 eth0:1\n port = 81";
    let server = "\n server s {\n  address = 10.0.0.1\n  active = 1";
    for text in [
        head.to_owned(),
        format!("{head}\n}}"),
        format!("{head}{server}"),
        format!("{head}{server}\n}}"),
        format!("{head}{server}\n}}}}\n"),
        format!("{head}{server}\n }}}} # both\n"),
        format!("{head}{server}\n }}\n}}").replace('\n', "\r\n"),
        format!("{head}{server}\n }}\n}}\n").replace('\n', "\r"),
        format!("{head}{server}\n }}\n}}\n").replace("a {", "a\n{").replace("s {", "s\n  {"),
        format!("\u{feff}{head}"),
    ] {
        let base = read(&text).unwrap();
        let server = |name: &str, port: u16| {
            let mut server = base.virtual_servers[0].clone();
            server.name = name.into();
            server.port = port;
            server
        };
        let real = |name: &str| RealServer {
            name: name.into(),
            address: format!("10.0.0.{}", name.len() + 7).parse().unwrap(),
            active: true,
            ..serde_json::from_str(r#"{"name":"x","address":"10.0.0.9"}"#).unwrap()
        };
        changed(&text, |c| c.virtual_servers.push(server("b", 82)));
        changed(&text, |c| c.virtual_servers.insert(0, server("b", 82)));
        changed(&text, |c| c.virtual_servers[0].real_servers.push(real("new")));
        changed(&text, |c| c.virtual_servers[0].real_servers.insert(0, real("new")));
        changed(&text, |c| c.virtual_servers[0].real_servers.clear());
        changed(&text, |c| c.virtual_servers[0].real_servers = vec![real("new"), real("newer")]);
        changed(&text, |c| c.virtual_servers.clear());
        changed(&text, |c| c.virtual_servers = vec![server("b", 82)]);
        changed(&text, |c| c.virtual_servers[0].quiesce = true);
        changed(&text, |c| c.virtual_servers[0].name = "other".into());
        changed(&text, |c| c.global.timeouts.tcp = Some(900));
        let (both, _) = changed(&text, |c| {
            c.virtual_servers.push(server("b", 82));
            c.virtual_servers[0].real_servers.push(real("new"));
        });
        let ends =
            |text: &str| ["\r\n", "\r", "\n"].into_iter().find(|end| text.contains(end)).unwrap().to_owned();
        assert_eq!(ends(&both), ends(&text));
        assert_eq!(both.contains('\n'), text.contains('\n'));
    }
}

#[test]
fn lines_that_depend_on_each_other_are_followed() {
    // A server above the line with the port has the port known there.
    let late = "primary = 192.0.2.1\nvirtual a {\n active = 1\n address = 192.0.2.80 eth0:1\n send = \"QUIT\"\n server s {\n  address = 10.0.0.1\n  active = 1\n }\n port = 8443\n}\n";
    assert_eq!(changed(late, |c| c.virtual_servers[0].real_servers[0].port = None).1, ["+  port = 8443"]);
    assert_eq!(changed(late, |c| c.virtual_servers[0].port = 80).1, ["- port = 8443", "+ port = 80"]);
    assert_eq!(changed(late, |c| c.virtual_servers[0].port = 81).1, ["- port = 8443", "+ port = 81"]);
    // Two addresses under one label: the second has none here, and says so once the first has another.
    let label = "primary = 192.0.2.1\nvirtual a {\n active = 1\n address = 192.0.2.80 eth0:1\n port = 81\n}\nvirtual b {\n active = 1\n address = 192.0.2.81 eth0:1\n port = 81\n}\n";
    assert_eq!(
        changed(label, |c| c.virtual_servers[0].vip.as_mut().unwrap().device = "eth0:7".parse().ok()).1,
        [
            "- address = 192.0.2.80 eth0:1",
            "+ address = 192.0.2.80 eth0:7",
            "- address = 192.0.2.81 eth0:1",
            "+ address = 192.0.2.81 eth0"
        ]
    );
    // Off port 80 the default check must be written out.
    let web = "primary = 192.0.2.1\nvirtual a {\n active = 1\n address = 192.0.2.80 eth0:1\n}\n";
    assert_eq!(
        changed(web, |c| c.virtual_servers[0].port = 8080).1,
        [
            "+ port = 8080",
            "+ send = \"GET / HTTP/1.0\\r\\n\\r\\n\"",
            "+ expect = \"HTTP\"",
            "+ use_regex = 0"
        ]
    );
    // A name that was counted on because of another of the same name stays what it was.
    let twice = "primary = 192.0.2.1\nvirtual a {\n port = 81\n}\nvirtual a {\n port = 82\n}\n";
    assert_eq!(
        changed(twice, |c| c.virtual_servers[0].name = "z".into()).1,
        ["-virtual a {", "+virtual z {", "-virtual a {", "+virtual a-2 {"]
    );
}

#[test]
fn masks_that_waited_do_not_become_those_of_what_comes() {
    let text = FILE
        .replace("\tport = 443\n", "\tport = 443\n\tpersistent = 0\n\tpmask = 255.255.255.0\n")
        .replace("\taddress = 192.0.2.81 eth0:2\n", "\tvip_nmask = 255.255.0.0\n\tfwmark = 7\n");
    let (_, lines) = changed(&text, |cluster| {
        cluster.virtual_servers[0].persistence = Some(Persistence { timeout_s: 300, prefix: None });
    });
    assert_eq!(lines, ["-\tpersistent = 0", "-\tpmask = 255.255.255.0", "+\tpersistent = 300"]);
    let address = "192.0.2.82".parse().unwrap();
    let (_, lines) = changed(&text, |cluster| {
        cluster.virtual_servers[1].vip = Some(Vip { address, prefix: None, device: "eth0:3".parse().ok() });
    });
    assert_eq!(lines, ["-\tvip_nmask = 255.255.0.0", "+\taddress = 192.0.2.82 eth0:3"]);
}

#[test]
fn a_name_that_was_looked_up_stays_in_the_file() {
    let text = "primary = lvs1.example.com\nvirtual a {\n active = 1\n address = shop.example.com eth0:1\n port = 81\n}\n";
    let mut names = Names::default();
    names.insert("lvs1.example.com", ["192.0.2.1".parse().unwrap()]);
    names.insert("shop.example.com", ["192.0.2.80".parse().unwrap()]);
    let mut cluster = lvs_cf::read_with(text, &names).cluster.unwrap();
    assert_eq!(lvs_cf::edit(text, &names, &cluster).unwrap(), text);
    cluster.virtual_servers[0].quiesce = true;
    let after = lvs_cf::edit(text, &names, &cluster).unwrap();
    assert_eq!(difference(text, &after), ["+ quiesce_server = 1"]);
}

#[test]
fn only_what_is_changed_must_be_sayable() {
    // The original refuses an address without a device. It stands there, so it stays.
    let text = "primary = 192.0.2.1\nvirtual a {\n active = 1\n address = 192.0.2.80\n port = 81\n}\n";
    assert_eq!(changed(text, |c| c.virtual_servers[0].quiesce = true).1, ["+ quiesce_server = 1"]);
    let refused = |change: fn(&mut VirtualServer)| {
        let mut cluster = read(text).unwrap();
        change(&mut cluster.virtual_servers[0]);
        edit(text, &cluster).unwrap_err()
    };
    assert_eq!(
        refused(|v| v.vip.as_mut().unwrap().address = "192.0.2.81".parse().unwrap()),
        ["export-device"]
    );
    assert_eq!(refused(|v| v.monitor.fall = 3), ["export-tries"]);
    assert_eq!(refused(|v| v.scheduler = Scheduler::Mh), ["export-scheduler"]);
    assert_eq!(refused(|v| v.name = "my'shop".into()), ["export-name"]);
    assert_eq!(edit("primary = 300.0.0.1\n", &Cluster::default()).unwrap_err()[0], "name-missing");
    let cluster = read(text).unwrap();
    assert_eq!(edit("primary = 300.0.0.1\n", &cluster).unwrap_err(), ["address-bad"]);
    assert_eq!(edit("", &cluster).unwrap_err(), ["file-empty"]);
}

/// Whether the daemons read a text without an error.
fn accepted(text: &str) -> bool {
    let findings = lvs_cf::read_strict(text, &Names::default()).findings;
    !findings.iter().any(|f| f.code.as_str().starts_with("original-") && f.severity == Severity::Error)
}

#[test]
fn what_goes_back_to_the_daemons_is_the_file_itself_or_repaired() {
    let (mut same, mut repaired, mut anew) = (0, 0, 0);
    for (path, text) in cases() {
        let Some(cluster) = imported(&text) else { continue };
        assert_eq!(lvs_cf::write(&cluster).as_ref(), Ok(&text), "{}", path.display());
        let as_it_was = |text: &str| {
            lvs_cf::left_out(&imported(text).unwrap()).iter().any(|f| f.code == Code::ExportAsItWas)
        };
        assert_eq!(as_it_was(&text), !accepted(&text), "{}", path.display());
        let Ok(after) = lvs_cf::for_daemons(&cluster) else {
            assert!(!accepted(&text) && lvs_cf::canonical(&cluster).is_err(), "{}", path.display());
            continue;
        };
        assert!(accepted(&after), "{}\n{after}", path.display());
        assert_eq!(read(&after).map(sayable), Some(sayable(cluster.clone())), "{}\n{after}", path.display());
        if accepted(&text) {
            assert_eq!(after, text, "{}", path.display());
            same += 1;
        } else if lvs_cf::canonical(&cluster).as_ref() == Ok(&after) {
            anew += 1;
        } else {
            repaired += 1;
        }
    }
    assert!(
        same > 40 && repaired > 20 && anew < repaired,
        "{same} the same, {repaired} repaired, {anew} anew"
    );
}

#[test]
fn a_repaired_file_keeps_what_the_daemons_can_read() {
    let cluster = imported(FILE).unwrap();
    let after = lvs_cf::for_daemons(&cluster).unwrap();
    assert_eq!(
        difference(FILE, &after),
        [
            "-network=direct",
            "+network = direct",
            "-my_own_word = kept",
            "-keepalive = 4 # seconds",
            "+# my_own_word = kept",
            "+# seconds",
            "+keepalive = 4",
            "-\todd line without meaning",
            "+\t# odd line without meaning",
            "-\t\tweight = 2 # twice as fast",
            "+\t\t# twice as fast",
            "+\t\tweight = 2",
        ]
    );
    let text = "primary = 192.0.2.1\r\nvirtual \"a\"\r\n{\r\n port=81\r\n server b{ # slow\r\n  Weight = 2\r\n }}\r\nfailover x {\r\n bad\r\n}\r\n";
    assert_eq!(
        lvs_cf::for_daemons(&imported(text).unwrap()).unwrap(),
        "primary = 192.0.2.1\nvirtual a {\n port = 81\n # slow\n server b {\n  weight = 2\n }\n }\n# failover x {\n # bad\n"
    );
}

#[test]
fn only_a_text_that_would_be_written_otherwise_is_kept() {
    // Without the comments that stand for words the daemons do not know.
    let with_comments = lvs_cf::canonical(&read(FILE).unwrap()).unwrap();
    let usual = lvs_cf::canonical(&read(&with_comments).unwrap()).unwrap();
    assert_eq!(imported(&usual), read(&usual));
    let kept = imported(FILE).unwrap().kept;
    assert_eq!(kept.get(lvs_cf::KEPT_TEXT).map(String::as_str), Some(FILE));
    assert!(!usual.contains("Shop of the company"), "{usual}");
    let long = format!("{FILE}{}", "# \n".repeat(400_000));
    let mut reading = lvs_cf::read(&long);
    lvs_cf::keep_text(&mut reading, &long);
    assert_eq!(reading.findings[0].code.as_str(), "file-layout");
    assert_eq!(reading.cluster, read(&long));
}

#[test]
fn a_file_comes_in_and_goes_out_by_the_ways_of_all_files() {
    let through = |text: &str, change: fn(&mut Cluster)| -> String {
        let options = Options { keep_text: true, ..Options::default() };
        let outcome = read_sources(&[Source { name: "lvs.cf", text }], &options);
        // What the console stores is JSON.
        let json = serde_json::to_string(&outcome.cluster.unwrap()).unwrap();
        let mut cluster = serde_json::from_str(&json).unwrap();
        change(&mut cluster);
        export(&cluster, ExportKind::LvsCf).unwrap().files.remove(0).text
    };
    let text = "# our shop\nprimary = 192.0.2.1\n\nvirtual shop {\n\tactive = 1\n\taddress = 192.0.2.80 eth0:1\n\t# keep\n\tport = 443\n}\n";
    assert_eq!(through(text, |_| ()), text);
    let changed = through(text, |c| {
        c.virtual_servers[0].port = 8443;
        c.virtual_servers[0].id.0 = "vs_1".into();
        c.name = "shop".into();
    });
    assert_eq!(difference(text, &changed), ["-\tport = 443", "+\tport = 8443"]);
}
