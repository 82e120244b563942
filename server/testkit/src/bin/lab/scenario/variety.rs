//! Scenario G: every kind of tunnel carries traffic, every scheduler is in the kernel and serves, NAT changes ports, and
//! where a port cannot be changed that is said before anything happens.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::process::{self, Background};
use testkit::traffic::LIMIT;

use super::data_path;
use super::forwarding::{replies_bypass, run_script};
use crate::network::{DIRECTORS, Servers, VIP, within};
use crate::stage::{CLUSTER, PATIENCE, Stage, no_failure};

/// Where the real servers take packets in UDP (GUE).
const GUE_PORT: u16 = 6080;

/// As `ipvsadm` calls them; each gets a port of its own, beginning here.
const SCHEDULERS: [&str; 14] =
    ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"];
const FIRST_PORT: u16 = 8000;
/// What one client must get of each; those that hash or fill up may take one real server.
const BY_TURNS: [&str; 2] = ["rr", "wrr"];

/// IP-in-IP, GUE and GRE, each with a virtual address of its own.
pub(crate) fn tunnels() -> Result<()> {
    let stage = Stage::set(Servers::Tunnel, None)?;
    let addresses = [VIP.to_string(), "192.168.1.251".to_owned(), "192.168.1.252".to_owned()];
    let [_, gue, gre] = &addresses;
    let port = GUE_PORT.to_string();
    // IP-in-IP the network has from the beginning.
    let ends: [(&str, &[&str]); 2] = [
        ("gue", &["--vip", gue, "--encapsulation", "gue", "--gue-port", &port]),
        ("gre", &["--vip", gre, "--encapsulation", "gre"]),
    ];
    for (kind, words) in ends {
        let words = [&["real-server", "setup", "--mode", "tunnel"][..], words].concat();
        let data = stage.data(&format!("rs1-{kind}")).to_string_lossy().into_owned();
        let said = stage.caribe("rs1").run(&[&words[..], &["--data", &data]].concat(), "")?;
        stage.say(&format!("rs1 is set up for {kind}: {}", said.trim().replace('\n', "; ")));
        run_script(&stage, &[&words[..], &["--print", "script"]].concat())?;
        stage.say(&format!("rs2 is set up for {kind} by the script"));
    }
    let mut content = stage.scenario_a(Servers::Tunnel)?;
    let kinds =
        [json!({ "kind": "ipip" }), json!({ "kind": "gue", "port": GUE_PORT }), json!({ "kind": "gre" })];
    let first = content.pointer("/virtual_servers/0").cloned().context("a virtual server")?;
    let mut services = Vec::new();
    for (label, (address, tunnel)) in addresses.iter().zip(&kinds).enumerate() {
        let mut service = first.clone();
        put(&mut service, "/name", address.as_str().into())?;
        put(&mut service, "/vip/address", address.as_str().into())?;
        put(&mut service, "/vip/device", format!("eth0:{}", label + 1).into())?;
        for server in service.pointer_mut("/real_servers").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let server = server.as_object_mut().context("a real server")?;
            server.insert("forwarding".to_owned(), json!({ "tunnel": tunnel }));
        }
        services.push(service);
    }
    put(&mut content, "/virtual_servers", services.into())?;
    let (_console, api, _agents) = stage.cluster(&content)?;
    let words = [
        "--tun-type ipip",
        &format!("--tun-type gue --tun-port {GUE_PORT} --tun-nocsum"),
        "--tun-type gre --tun-nocsum",
    ];
    let mut table = String::new();
    for (address, words) in addresses.iter().zip(words) {
        table.push_str(&format!("-A -t {address}:80 -s wlc\n"));
        for server in Servers::Tunnel.addresses() {
            table.push_str(&format!("-a -t {address}:80 -r {server}:80 -i -w 1 {words}\n"));
        }
    }
    for director in &DIRECTORS {
        stage.wait_for_table(director, &table)?;
    }
    for address in &addresses {
        stage.both_serve_at(&format!("{address}:80"), 30)?;
    }
    replies_bypass(&stage)?;
    for service in 0..kinds.len() {
        put(&mut content, &format!("/virtual_servers/{service}/monitor"), data_path::asked())?;
    }
    api.make_it_so(CLUSTER, &content)?;
    for (director, place) in
        DIRECTORS.iter().flat_map(|director| (0..kinds.len() * 2).map(move |place| (director, place)))
    {
        data_path::seen(&api, director.name, place, "up", data_path::ANSWERED)?;
    }
    stage.say("every real server answers both directors through each tunnel");
    for (kind, words) in ends {
        let data = stage.data(&format!("rs1-{kind}")).to_string_lossy().into_owned();
        stage.caribe("rs1").run(&["real-server", "setup", "--undo", "--data", &data], "")?;
        let script =
            [&["real-server", "setup", "--mode", "tunnel"][..], words, &["--print", "script", "--undo"]];
        run_script(&stage, &script.concat())?;
    }
    // The ends of GUE and GRE are gone, that of IP-in-IP is there.
    for (place, (verdict, words)) in
        [("up", data_path::ANSWERED), ("down", &["data-path"]), ("down", &["data-path"])].iter().enumerate()
    {
        for director in &DIRECTORS {
            data_path::seen(&api, director.name, place * 2, verdict, words)?;
        }
    }
    for server in ["rs1", "rs2"] {
        let ports = process::run(within(server, &["ip", "fou", "show"]))?;
        ensure!(ports.trim().is_empty(), "{server} still listens: {ports}");
        let up = process::run(within(server, &["ip", "-o", "link", "show", "up"]))?;
        ensure!(!up.contains("gre0"), "{server}: {up}");
    }
    stage.say("both real servers take no GUE and no GRE any more");
    Ok(())
}

/// All schedulers, real servers with ports of their own, and what is refused.
pub(crate) fn schedulers() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let _others = [other_port(&stage, "rs1", 8081)?, other_port(&stage, "rs2", 8082)?];
    let mut content = stage.scenario_a(Servers::Nat)?;
    let first = content.pointer("/virtual_servers/0").cloned().context("a virtual server")?;
    let offered = offered(&stage)?;
    let mut services = Vec::new();
    let mut table = String::new();
    for &(port, scheduler) in &offered {
        let mut service = first.clone();
        put(&mut service, "/name", scheduler.into())?;
        put(&mut service, "/port", port.into())?;
        put(&mut service, "/scheduler", scheduler.into())?;
        ports(&mut service, [80, 80])?;
        services.push(service);
        table.push_str(&format!("-A -t {VIP}:{port} -s {scheduler}\n"));
        for server in Servers::Nat.addresses() {
            table.push_str(&format!("-a -t {VIP}:{port} -r {server}:80 -m -w 1\n"));
        }
    }
    let mut apart = first.clone();
    put(&mut apart, "/name", "apart".into())?;
    put(&mut apart, "/scheduler", "rr".into())?;
    ports(&mut apart, [8081, 8082])?;
    services.push(apart);
    let [one, other] = Servers::Nat.addresses();
    table.push_str(&format!(
        "-A -t {VIP}:80 -s rr\n-a -t {VIP}:80 -r {one}:8081 -m -w 1\n-a -t {VIP}:80 -r {other}:8082 -m -w 1\n"
    ));
    put(&mut content, "/virtual_servers", services.into())?;
    let (_console, api, _agents) = stage.cluster(&content)?;
    for director in &DIRECTORS {
        stage.wait_for_table(director, &table)?;
    }
    for &(port, scheduler) in &offered {
        let to = format!("{VIP}:{port}");
        if BY_TURNS.contains(&scheduler) {
            stage.both_serve_at(&to, 20)?;
            continue;
        }
        let mut traffic = stage.traffic_to(&to, Duration::ZERO, LIMIT)?;
        traffic.wait_for_answers(10, PATIENCE)?;
        let tally = traffic.tally();
        no_failure(&tally.failed)?;
        stage.say(&format!("{scheduler}: {:?}", tally.served));
    }
    stage.both_serve(20)?;
    stage.say("real servers on ports of their own serve behind one port");
    refused(&stage, &api, &content)
}

/// The schedulers that this kernel was built with, each with its port. Distributions leave some of the newest out.
fn offered(stage: &Stage) -> Result<Vec<(u16, &'static str)>> {
    let mut offered = Vec::new();
    for (port, scheduler) in (FIRST_PORT..).zip(SCHEDULERS) {
        let asked = process::command(["modprobe", "--dry-run", "--quiet", &format!("ip_vs_{scheduler}")]);
        if process::finish(asked, b"")?.status.success() {
            offered.push((port, scheduler));
        } else {
            stage.say(&format!("NOT TRIED: this kernel has no scheduler {scheduler}"));
        }
    }
    ensure!(offered.len() >= 12, "this kernel has only {offered:?}");
    Ok(offered)
}

/// Direct routing and tunnels cannot change a port: said at the field, and nothing is changed.
fn refused(stage: &Stage, api: &Api, content: &Value) -> Result<()> {
    let path = format!("/clusters/{CLUSTER}");
    let before = api.get(&path)?;
    for forwarding in [json!("direct"), json!({ "tunnel": { "kind": "ipip" } })] {
        let mut content = content.clone();
        put(&mut content, "/global/forwarding", forwarding.clone())?;
        let answer = api.ask("PUT", &path, &[("if-match", "*")], Some(&content))?;
        let said = answer.text();
        ensure!(answer.status == 422, "{forwarding} with other ports: {} {said}", answer.status);
        let problem: Value = serde_json::from_str(&said)?;
        let errors = problem.pointer("/errors").and_then(Value::as_array).cloned().unwrap_or_default();
        let of_port = |error: &&Value| {
            let pointer = error.pointer("/pointer").and_then(Value::as_str).unwrap_or_default();
            pointer.ends_with("/port")
        };
        let error = errors.iter().find(of_port).with_context(|| format!("no error at a port: {said}"))?;
        stage.say(&format!("{forwarding} with another port is refused: {error}"));
    }
    if api.get(&path)? != before {
        bail!("what was refused changed something");
    }
    Ok(())
}

/// One more server of a machine, on another port.
fn other_port(stage: &Stage, server: &'static str, port: u16) -> Result<Background> {
    let command = stage.lab(server, &["http-server", &format!("0.0.0.0:{port}"), server]);
    let mut running = Background::start(server, command, &stage.log(&format!("{server}-{port}")))?;
    running.wait_for_word("listening", PATIENCE)?;
    Ok(running)
}

/// Gives both real servers of a service their ports.
fn ports(service: &mut Value, ports: [u16; 2]) -> Result<()> {
    let servers =
        service.pointer_mut("/real_servers").and_then(Value::as_array_mut).context("real servers")?;
    for (server, port) in servers.iter_mut().zip(ports) {
        server.as_object_mut().context("a real server")?.insert("port".to_owned(), port.into());
    }
    Ok(())
}

fn put(object: &mut Value, pointer: &str, value: Value) -> Result<()> {
    *object.pointer_mut(pointer).with_context(|| format!("no {pointer}"))? = value;
    Ok(())
}
