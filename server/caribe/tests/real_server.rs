//! `caribe real-server` as an operator calls it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_caribe"));
    command.arg("real-server").args(words);
    command
}

fn run(words: &[&str]) -> Output {
    command(words).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Ended with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn answer(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn the_load_agent_says_its_share_and_what_it_is_told() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let data = data.to_str().unwrap();
    let words = ["serve", "--data", data, "--line", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    let mut child = command(&words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let _running = Running(child);
    let line = lines.next().unwrap().strip_prefix("line ").unwrap().to_owned();
    let url = lines.next().unwrap();
    let http = url.strip_prefix("http http://").unwrap().trim_end_matches('/').to_owned();

    let said = answer(&line, "");
    assert!(said.starts_with("up ready ") && said.ends_with("%\n"), "{said:?}");
    // What HAProxy sends first (agent-send) changes nothing, and does not cost it the answer.
    assert!(answer(&line, &"x".repeat(5_000)).starts_with("up ready "));
    let get = |path: &str| answer(&http, &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    let said = get("/");
    assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("\"state\":\"ready\""), "{said}");
    assert!(said.contains("\"share\":") && said.contains("\"load\":"), "{said}");
    assert!(get("/etc/passwd").starts_with("HTTP/1.1 404 "));
    assert!(
        answer(&http, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").starts_with("HTTP/1.1 405 ")
    );
    assert!(answer(&http, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));

    let drained = run(&["drain", "--data", data, "--reason", "new\ndisk"]);
    assert_eq!((drained.status.code(), text(&drained.stdout)), (Some(0), "drain # new disk\n".to_owned()));
    assert!(answer(&line, "").starts_with("up drain "));
    assert!(get("/").contains("\"reason\":\"new disk\""));
    assert!(text(&run(&["status", "--data", data]).stdout).contains("\"state\":\"drain\""));
    run(&["maint", "--data", data]);
    assert!(answer(&line, "").starts_with("up maint "));
    // A program may write the file as well.
    std::fs::write(Path::new(data).join("state"), "ready\n").unwrap();
    assert!(answer(&line, "").starts_with("up ready "));
    std::fs::write(Path::new(data).join("state"), "of\n").unwrap();
    let said = answer(&line, "");
    assert!(said.starts_with("up ") && !said.contains("ready"), "{said:?}");
    let status = run(&["status", "--data", data]);
    assert!(status.status.code() == Some(1) && text(&status.stderr).contains("drain or maint"));
}

#[test]
fn wrong_limits_are_named() {
    for (words, named) in [
        (["--full-load", "nan"], "no load average"),
        (["--full-load", "5"], "--least-load"),
        (["--least-load", "-1"], ""),
        (["--least", "101"], "101"),
    ] {
        let output = run(&[&["status", "--data", "/nonexistent"][..], &words].concat());
        assert!(matches!(output.status.code(), Some(1 | 2)), "{words:?}");
        assert!(text(&output.stderr).contains(named), "{}", text(&output.stderr));
    }
}

#[test]
fn a_set_up_is_printed_for_other_means() {
    let tunnel = ["setup", "--mode", "tunnel", "--vip", "192.0.2.250,2001:db8::250", "--print"];
    for undo in [&[][..], &["--undo"]] {
        let script = run(&[&tunnel[..], &["script"], undo].concat());
        assert_eq!(script.status.code(), Some(0), "{}", text(&script.stderr));
        assert!(text(&script.stdout).contains("192.0.2.250/32 dev tunl0"));
        let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(&script.stdout).unwrap();
        assert!(shell.wait().unwrap().success(), "{}", text(&script.stdout));
    }
    let files = text(&run(&[&tunnel[..], &["networkd"]].concat()).stdout);
    assert_eq!(files.matches("### /etc/").count(), 4, "{files}");
    let gone = text(&run(&[&tunnel[..], &["networkd", "--undo"]].concat()).stdout);
    assert!(gone.lines().count() == 4 && gone.lines().all(|line| line.starts_with("rm /etc/")), "{gone}");
    for wrong in [
        &["setup"][..],
        &["setup", "--mode", "direct"],
        &["setup", "--vip", "192.0.2.1"],
        &["setup", "--print", "script"],
        &["setup", "--mode", "direct", "--vip", "x; reboot", "--print", "script"],
        &["setup", "--mode", "direct", "--vip", "192.0.2.1", "--encapsulation", "gre", "--print", "script"],
        &["setup", "--mode", "tunnel", "--vip", "192.0.2.1", "--gue-port", "6080", "--print", "script"],
        &["setup", "--mode", "tunnel", "--vip", "192.0.2.1", "--encapsulation", "gue", "--gue-port", "0"],
        &["setup", "--settings", "--mode", "direct", "--vip", "192.0.2.1"],
    ] {
        let output = run(&[wrong, &["--data", "/nonexistent"]].concat());
        assert!(matches!(output.status.code(), Some(1 | 2)), "{wrong:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{wrong:?}");
    }
}

#[test]
fn tunnels_of_every_kind_are_printed_for_other_means() {
    let words = |more: &[&'static str]| {
        let base = ["setup", "--mode", "tunnel", "--vip", "192.0.2.250", "--print", "script"];
        let output = run(&[&base[..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(&output.stdout).unwrap();
        assert!(shell.wait().unwrap().success(), "{}", text(&output.stdout));
        text(&output.stdout)
    };
    let gre = words(&["--encapsulation", "gre"]);
    assert!(gre.contains("modprobe ip_gre") && gre.contains("dev gre0"), "{gre}");
    let gue = words(&["--encapsulation", "gue"]);
    assert!(gue.contains("ip fou add port 6080 gue") && gue.contains("dev tunl0"), "{gue}");
    let gue = words(&["--encapsulation", "gue", "--gue-port", "5555", "--undo"]);
    assert!(gue.contains("ip fou del port 5555"), "{gue}");
}

#[test]
fn the_settings_file_says_what_is_set_up() {
    let place = tempfile::tempdir().unwrap();
    let (file, data) = (place.path().join("caribe.toml"), place.path().join("data"));
    let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
    let with = |section: &str, more: &[&str]| {
        std::fs::write(file, format!("[real_server]\ndata = {data:?}\n{section}")).unwrap();
        run(&[&["--config", file, "setup", "--settings"], more].concat())
    };
    let tunnel = "mode = \"tunnel\"\nvips = [\"192.0.2.250\"]\nencapsulation = \"gue\"\ngue_port = 5555\n";
    let said = text(&with(tunnel, &["--print", "script"]).stdout);
    assert!(said.contains("ip fou add port 5555 gue") && said.contains("192.0.2.250/32 dev tunl0"), "{said}");
    let direct = "mode = \"direct\"\nvips = [\"192.0.2.250\"]\n";
    let said = with(direct, &["--dry-run"]);
    assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
    assert!(text(&said.stdout).contains("ip addr add 192.0.2.250/32 dev lo\n"), "{}", text(&said.stdout));
    // With nothing said there is nothing to do, and nobody needs a right for that; with direct routing no module.
    for (section, more) in [("", &[][..]), ("", &["--modules"]), (direct, &["--modules"])] {
        let said = with(section, more);
        assert_eq!(text(&said.stdout), "nothing to do\n", "{}", text(&said.stderr));
    }
    for (wrong, named) in [
        ("mode = \"direct\"\n", "vips"),
        ("vips = [\"192.0.2.250\"]\n", "mode"),
        ("mode = \"nat\"\nvips = [\"192.0.2.250\"]\n", "nat"),
        ("mode = \"direct\"\nvips = [\"192.0.2.999\"]\n", "vips"),
    ] {
        let said = with(wrong, &["--dry-run"]);
        assert!(matches!(said.status.code(), Some(1 | 2)), "{wrong}");
        assert!(text(&said.stderr).contains(named), "{wrong}: {}", text(&said.stderr));
    }
}
