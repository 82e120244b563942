//! `caribe check` and `caribe convert` as a user calls them: what they print where, and how they end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_caribe")).args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn given(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lvs/tests").join(path);
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_file_is_usable_or_not_or_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let good = given("lvs_cf/scenario-a/input.cf");
    let output = run(&["check", &good]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("usable; directors: 2, virtual servers: 1, real servers: 2"));
    let prose = file(folder.path(), "prose.txt", "hello world\n");
    for from in ["auto", "lvs.cf", "ipvsadm", "keepalived", "keepalived-paste"] {
        let output = run(&["check", &prose, "--from", from]);
        assert_eq!(output.status.code(), Some(1), "{from}");
        assert!(text(&output.stderr).starts_with(&format!("{prose}:1:1: error: ")), "{from}");
        assert_eq!(text(&output.stdout), "");
        assert!(text(&output.stderr).ends_with(&format!("\n{prose}: not usable: 1 error\n")), "{from}");
    }
    let accounts = "root:x:0:0:root:/root:/bin/sh\nbackup:x:34:34:backup:/var/backups:/usr/sbin/nologin\n";
    let passwd = file(folder.path(), "passwd", accounts);
    let output = run(&["check", &passwd]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines: Vec<_> = said.lines().collect();
    assert!(
        lines[0].contains("no configuration was recognised") && lines[0].ends_with("[file-unknown]"),
        "{said}"
    );
    assert!(lines[1].starts_with("    suggestion: ") && lines[1].contains("keepalived.conf"), "{said}");
    assert_eq!(lines[2], format!("{passwd}: not usable: 1 error"));
    assert_eq!(run(&["check", folder.path().join("none").to_str().unwrap()]).status.code(), Some(2));
    assert_eq!(run(&["check"]).status.code(), Some(2));
    assert_eq!(run(&["check", &good, "--from", "xml"]).status.code(), Some(2));
    assert_eq!(run(&["check", "-", "-"]).status.code(), Some(2));
    for files in
        [&[folder.path().to_str().unwrap()][..], &["/nowhere/lvs.cf"], &[good.as_str(), good.as_str()]]
    {
        let output = run(&[&["check", "--json"], files].concat());
        assert_eq!(output.status.code(), Some(2), "{files:?}");
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(object["cluster"], Value::Null);
        assert_eq!(
            (&object["findings"][0]["code"], &object["findings"][0]["file"]),
            (&"unread".into(), &files[0].into())
        );
    }
}

#[test]
fn several_files_are_the_nodes_of_one_keepalived_cluster_or_wrong_usage() {
    let nodes = [given("keepalived/scenario-f/node-1.conf"), given("keepalived/scenario-f/node-2.conf")];
    let output = run(&["check", "--json", &nodes[0], &nodes[1]]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["cluster"]["directors"].as_array().unwrap().len(), 2);
    assert_eq!(object["candidates"], Value::Array(Vec::new()));
    let files: Vec<_> =
        object["findings"].as_array().unwrap().iter().map(|f| f["file"].as_str().unwrap()).collect();
    assert!(nodes.iter().all(|node| files.contains(&node.as_str())), "{files:?}");
    let piranha = given("lvs_cf/scenario-a/input.cf");
    for files in [[&piranha, &piranha], [&nodes[0], &piranha]] {
        let output = run(&["check", files[0], files[1]]);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    }
    let pasted = run(&["check", "--from", "keepalived-paste", &nodes[0], &nodes[1]]);
    assert_eq!(pasted.status.code(), Some(2));
}

#[test]
fn strict_names_what_the_original_refuses_first() {
    let folder = tempfile::tempdir().unwrap();
    let lvs_cf = file(folder.path(), "lvs.cf", "primary = 192.0.2.1\nkeepalive = 6 # seconds\n");
    assert_eq!(run(&["check", &lvs_cf]).status.code(), Some(0));
    let output = run(&["check", "--strict", &lvs_cf]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    let first = said.lines().find(|line| line.contains(": error: ")).unwrap();
    assert!(first.starts_with(&format!("{lvs_cf}:2:")), "{said}");
    let rules = file(folder.path(), "rules", "-a -t 1.2.3.4:80 -r 1.1.1.1 -m\n-A -t 1.2.3.4:80\n");
    assert_eq!(run(&["check", &rules]).status.code(), Some(0));
    assert_eq!(run(&["check", "--strict", &rules]).status.code(), Some(1));
}

#[test]
fn a_keepalived_conf_includes_what_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let main = file(folder.path(), "keepalived.conf", "include conf.d/*.conf\n");
    let part = file(
        folder.path(),
        "conf.d/web.conf",
        "virtual_server 192.0.2.80 80 {\n  protocol TCP\n  real_server 10.0.0.1 80 {\n    weight 1\n  }\n}\n",
    );
    let output = run(&["check", "--json", &main]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["cluster"]["virtual_servers"].as_array().unwrap().len(), 1, "{object}");
    // Given by itself, it is read where it is included and is no node.
    for files in [[&main, &part], [&part, &main]] {
        let output = run(&["check", "--json", files[0], files[1]]);
        let both: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(both["cluster"], object["cluster"], "{both}");
    }
}

#[test]
fn a_configuration_is_written_as_another_kind_or_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let piranha = given("lvs_cf/scenario-a/input.cf");
    let output = run(&["convert", &piranha, "--to", "ipvsadm"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output.stdout)
            .starts_with("-A -t 192.168.1.250:80 -s wlc\n-a -t 192.168.1.250:80 -r 10.0.0.100:80")
    );
    assert!(text(&output.stderr).contains("[export-table-directors]"));
    assert!(text(&output.stderr).contains("not in it, named above"), "{}", text(&output.stderr));
    let pair = folder.path().join("pair");
    let output = run(&["convert", &piranha, "--to", "keepalived", "--output", pair.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut files: Vec<_> = fs::read_dir(&pair)
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(files.len(), 2);
    assert_eq!(run(&["check", &files[0], &files[1]]).status.code(), Some(0));
    let json = folder.path().join("cluster.json");
    let output = run(&["convert", &files[0], &files[1], "--to", "json", "-o", json.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let cluster: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(cluster["virtual_servers"][0]["port"], 80);
    // VRRP is nothing the old daemons speak.
    let output = run(&["convert", &files[0], &files[1], "--to", "lvs.cf"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""));
    assert!(text(&output.stderr).contains("[export-vrrp]"), "{}", text(&output.stderr));
}

#[test]
fn an_old_encoding_goes_out_as_it_came_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lvs.cf");
    let bytes = b"# K\xf6ln\nprimary = 192.0.2.1\nservice = lvs\n";
    fs::write(&path, bytes).unwrap();
    let output = run(&["convert", path.to_str().unwrap(), "--to", "lvs.cf"]);
    assert!(output.status.success() && output.stdout == bytes, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains(":1:4: warning: "), "{}", text(&output.stderr));
    let written = folder.path().join("written");
    let output = run(&["convert", path.to_str().unwrap(), "--to", "lvs.cf", "-o", written.to_str().unwrap()]);
    assert!(output.status.success() && fs::read(&written).unwrap() == bytes);
}

#[test]
fn of_several_pasted_configurations_one_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let node = |id: &str, priority: u8| {
        format!(
            "On {id}:\nglobal_defs {{\n  router_id {id}\n}}\nvrrp_instance VI {{\n  interface eth0\n  \
             virtual_router_id 51\n  priority {priority}\n  virtual_ipaddress {{\n    192.0.2.80\n  }}\n}}\n"
        )
    };
    let paste = file(folder.path(), "post.txt", &format!("{}{}", node("one", 100), node("two", 90)));
    let output = run(&["check", "--json", &paste]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<_> = object["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((output.status.code(), names.len()), (Some(0), 2), "{object}");
    let output = run(&["convert", &paste, "--to", "json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(names.iter().all(|name| text(&output.stderr).contains(name)));
    let output = run(&["convert", &paste, "--to", "json", "--candidate", &names[1]]);
    assert_eq!(output.status.code(), Some(0));
    let cluster: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(cluster["name"], names[1].as_str());
}
