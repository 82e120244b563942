//! `caribe ctl` as a user calls it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Console, answer};

fn piranha() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lvs/tests/lvs_cf/scenario-a/input.cf");
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn one_logs_in_by_a_certificate_that_was_compared() {
    let console = Console::start();
    let (code, _, err) = console.ctl(&["clusters"]);
    assert!(code == 1 && err.contains("caribe ctl login"), "{err}");

    let (code, _, err) = console.login(&[], &console.token);
    assert_eq!(code, 1, "nobody vouches for it, and nobody was asked");
    assert!(err.contains(&console.certificate) && err.contains("--certificate"), "{err}");
    let wrong = format!("sha256:{}", "0".repeat(64));
    let (code, _, err) = console.login(&["--certificate", &wrong], &console.token);
    assert!(code == 1 && err.contains(&console.certificate) && err.contains(&wrong), "{err}");
    let (code, _, err) = console.login(&["--certificate", &console.certificate], "crb_wrong");
    assert!(code == 1 && !err.contains("crb_wrong"), "{err}");
    assert!(!console.home.path().join(".config/caribe/ctl.toml").exists(), "nothing was stored");

    let (code, out, err) = console.login(&["--certificate", &console.certificate], &console.token);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("logged in to https://127.0.0.1:") && !out.contains(&console.token), "{out}");
    assert!(console.ends(0, &["clusters"]).starts_with("NAME"));
    console.ends(0, &["logout"]);
    console.ends(1, &["clusters"]);

    // A pipeline has an environment and no home.
    let mut command = console.command(&["clusters", "-o", "json"]);
    command.env_remove("HOME");
    command.envs([("CARIBE_URL", &console.url), ("CARIBE_TOKEN", &console.token)]);
    command.env("CARIBE_CERTIFICATE", &console.certificate);
    let (code, out, err) = answer(command.output().unwrap());
    assert_eq!(code, 0, "{err}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["items"], Value::Array(Vec::new()));
}

#[test]
fn a_cluster_lives_in_git_and_comes_back_from_there() {
    let console = Console::start();
    assert_eq!(console.login(&["--certificate", &console.certificate], &console.token).0, 0);

    let out = console.ends(0, &["import", &piranha(), "--name", "shop"]);
    assert!(out.contains("caribe ctl activate shop"), "{out}");
    let out = console.ends(0, &["plan", "shop"]);
    assert!(out.contains("+ virtual-server web") && out.contains("director-a (primary"), "{out}");
    // Activated, but no director has joined.
    let out = console.ends(3, &["activate", "shop", "-m", "from Piranha"]);
    assert!(out.starts_with("revision 1: partial") && out.contains("director-a: not-enrolled"), "{out}");
    assert!(console.ends(0, &["revisions", "shop"]).contains("from Piranha"));
    assert!(console.ends(0, &["clusters"]).contains("shop"));

    let out = console.ends(0, &["get", "shop", "--folder", "tree"]);
    assert!(out.contains("tree/cluster.toml") && out.contains("tree/directors/director-a.toml"), "{out}");
    assert_eq!(console.ends(0, &["get", "shop", "--folder", "tree"]), "", "nothing is written twice");
    console.ends(0, &["diff", "tree"]);
    assert_eq!(console.ends(0, &["apply", "tree"]), "nothing changed\n");

    let file = console.home.path().join("tree/virtual-servers/web.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("scheduler = \"wlc\""), "{text}");
    fs::write(&file, format!("# ask Eve\n{}", text.replace("\"wlc\"", "\"rr\" # by turns"))).unwrap();
    let out = console.ends(3, &["diff", "tree"]);
    assert!(out.contains("~ virtual-server web: scheduler wlc -> rr"), "{out}");
    let out = console.ends(3, &["apply", "tree", "-m", "by turns"]);
    assert!(out.starts_with("revision 2: partial"), "{out}");
    console.ends(0, &["get", "shop", "--folder", "tree"]);
    let now = fs::read_to_string(&file).unwrap();
    assert!(now.starts_with("# ask Eve\n") && now.contains("\"rr\" # by turns"), "{now}");
    console.ends(0, &["diff", "tree"]);

    console.ends(3, &["rollback", "shop", "1", "-m", "no, back"]);
    assert!(console.ends(0, &["get", "shop"]).contains("scheduler = \"wlc\""));
    console.ends(3, &["diff", "tree"]);

    // A wrong value is said with its place, and nothing changes.
    fs::write(&file, text.replace("port = 80", "port = 80000")).unwrap();
    let (code, _, err) = console.ctl(&["apply", "tree"]);
    assert!(code == 1 && err.contains("/virtual_servers/0/port: "), "{err}");
    assert!(console.ends(0, &["revisions", "shop"]).lines().nth(1).unwrap().starts_with("3 "));

    // Another console becomes the same from the same file.
    let other = Console::start();
    assert_eq!(other.login(&["--certificate", &other.certificate], &other.token).0, 0);
    let whole = console.ends(0, &["get", "shop"]);
    fs::write(other.home.path().join("shop.toml"), &whole).unwrap();
    assert!(other.ends(3, &["diff", "shop.toml"]).contains("does not know it yet"));
    other.ends(3, &["apply", "shop.toml"]);
    assert_eq!(other.ends(0, &["get", "shop"]), whole);

    let out = console.ends(0, &["export", "shop", "--to", "lvs.cf"]);
    assert!(out.contains("serial_no") && out.contains("virtual web {"), "{out}");
    console.ends(1, &["export", "shop", "--to", "keepalived"]);
    console.ends(0, &["export", "shop", "--to", "keepalived", "--folder", "ka"]);
    assert_eq!(fs::read_dir(console.home.path().join("ka")).unwrap().count(), 2);
}

#[test]
fn directors_join_and_leave_and_the_log_says_who_did_it() {
    let console = Console::start();
    assert_eq!(console.login(&["--certificate", &console.certificate], &console.token).0, 0);
    console.ends(0, &["import", &piranha(), "--name", "shop"]);
    console.ends(3, &["activate", "shop"]);

    let out = console.ends(0, &["vips", "shop"]);
    assert!(out.starts_with("ADDRESS") && out.contains("192.168.1.250") && out.contains("unknown"), "{out}");
    let out = console.ends(0, &["join", "shop", "director-a"]);
    assert!(out.starts_with("caribe agent join https://127.0.0.1:"), "{out}");
    let token = out.split_whitespace().nth(5).unwrap();
    let out = console.ends(0, &["enrollments"]);
    assert!(out.contains("shop") && out.contains("director-a") && !out.contains(token), "{out}");
    console.ends(1, &["end-enrollment", "shop", "director-b"]);
    console.ends(0, &["end-enrollment", "shop", "director-a"]);
    assert_eq!(console.ends(0, &["enrollments"]).lines().count(), 1, "only the head is left");
    console.ends(0, &["revoke", "shop", "director-a"]);
    console.ends(1, &["revoke", "shop", "nobody"]);
    // Nobody has joined: it is made, and waits to be accepted.
    let out = console.ends(3, &["heartbeat-key", "shop"]);
    assert!(out.starts_with("key ") && out.contains("director-a: not-enrolled"), "{out}");
    console.ends(3, &["check", "shop", "web/web-1"]);

    let out = console.ends(0, &["audit", "--cluster", "shop"]);
    let place = |what: &str| out.find(what).unwrap_or_else(|| panic!("{what}: {out}"));
    assert!(place("director.token ") < place("director.token-end") && !out.contains(token), "{out}");
    assert_eq!(console.ends(0, &["audit", "--limit", "2"]).lines().count(), 3);
    console.ends(2, &["audit", "--limit", "0"]);
    let (code, _, err) = console.ctl(&["backup"]);
    assert!(code == 1 && err.contains("[backup] folder"), "{err}");
}

#[test]
fn wrong_usage_ends_with_two_and_an_unknown_cluster_with_one() {
    let console = Console::start();
    assert_eq!(console.login(&["--certificate", &console.certificate], &console.token).0, 0);
    console.ends(2, &["apply"]);
    console.ends(2, &["drain", "shop", "web/web-1", "--cut"]);
    let (code, _, err) = console.ctl(&["status", "shop"]);
    assert!(code == 1 && err.contains("shop"), "{err}");
    let (code, _, err) = console.ctl(&["apply", "missing.toml"]);
    assert!(code == 1 && err.contains("missing.toml"), "{err}");
    fs::write(console.home.path().join("x.toml"), "port = \n").unwrap();
    let (code, _, err) = console.ctl(&["apply", "x.toml"]);
    assert!(code == 1 && err.contains("x.toml") && err.contains("line 1"), "{err}");
}
