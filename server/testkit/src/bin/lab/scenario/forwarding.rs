//! Direct routing and tunnels: every real server serves, and its replies go to the client without the director. The real
//! servers are set up by `caribe real-server`: one by the program itself, the other by the script that it prints.

use anyhow::{Context as _, Result, bail, ensure};
use testkit::api::Api;
use testkit::process;
use testkit::wait::{self, Seen};

use super::data_path;
use crate::network::{self, DIRECTORS, Servers, VIP};
use crate::stage::{CLUSTER, PATIENCE, Stage, addresses};

pub(crate) fn direct() -> Result<()> {
    bypass(
        Servers::Direct,
        "-A -t 192.168.1.250:80 -s wlc
-a -t 192.168.1.250:80 -r 192.168.1.111:80 -g -w 1
-a -t 192.168.1.250:80 -r 192.168.1.222:80 -g -w 1
",
    )
}

pub(crate) fn tunnel() -> Result<()> {
    bypass(
        Servers::Tunnel,
        "-A -t 192.168.1.250:80 -s wlc
-a -t 192.168.1.250:80 -r 172.20.0.100:80 -i -w 1 --tun-type ipip
-a -t 192.168.1.250:80 -r 172.20.0.200:80 -i -w 1 --tun-type ipip
",
    )
}

fn bypass(servers: Servers, table: &str) -> Result<()> {
    let stage = Stage::set(servers, None)?;
    let (mode, interface) = match servers {
        Servers::Tunnel => ("tunnel", "tunl0"),
        Servers::Direct | Servers::Nat => ("direct", "lo"),
    };
    let before = ["rs1", "rs2"].map(|name| plain(name, interface).and_then(|()| seen(name)));
    set_up(&stage, mode)?;
    let content = stage.scenario_a(servers)?;
    let (_console, api, _agents) = stage.cluster(&content)?;
    for director in &DIRECTORS {
        stage.wait_for_table(director, table)?;
    }
    replies_bypass(&stage)?;
    data_path::show(&stage, &api, &content, table, interface)?;
    if servers == Servers::Direct {
        an_answer_is_told(&stage, &api)?;
    }
    undo(&stage, mode)?;
    for (name, before) in ["rs1", "rs2"].into_iter().zip(before) {
        let (before, now) = (before?, seen(name)?);
        ensure!(before == now, "{name} was\n{before}\nand is now\n{now}");
    }
    stage.say("both real servers are what they were before");
    Ok(())
}

/// A real server that begins to answer for the virtual address is named by the director that holds it, until it keeps
/// silent again.
fn an_answer_is_told(stage: &Stage, api: &Api) -> Result<()> {
    let [primary, _] = &DIRECTORS;
    let file = "/proc/sys/net/ipv4/conf/all/arp_ignore";
    let before = process::run(network::within("rs1", &["cat", file]))?;
    let set = |value: &str| {
        let setting = format!("net.ipv4.conf.all.arp_ignore={}", value.trim());
        process::run(network::within("rs1", &["sysctl", "-q", "-w", &setting])).map(drop)
    };
    let named = |wanted: bool| {
        let what = if wanted { "the answering real server is named" } else { "it is named no more" };
        wait::until(what, PATIENCE, || {
            let shown = api.director(CLUSTER, primary.name)?;
            let obstacles = shown.pointer("/live/status/obstacles").cloned().unwrap_or_default();
            let list = obstacles.as_array().map(Vec::as_slice).unwrap_or_default();
            let there = list.iter().any(|one| {
                one.get("kind") == Some(&"answering".into())
                    && one.get("machine") == Some(&"192.168.1.111".into())
            });
            Ok(if there == wanted { Seen::Yes(()) } else { Seen::not_yet(obstacles.to_string()) })
        })
    };
    set("0")?;
    named(true)?;
    set(&before)?;
    named(false)?;
    stage.say("a real server that answers for the virtual address is named until it keeps silent");
    Ok(())
}

/// A machine as it comes: without what the lab did for it, and with the strict filter that distributions set.
fn plain(name: &str, interface: &str) -> Result<()> {
    network::ip(Some(name), &[format!("addr del {VIP}/32 dev {interface}")])?;
    if interface == "tunl0" {
        network::ip(Some(name), &["link set tunl0 down".to_owned()])?;
    }
    let all = |leaf: &str, value: u8| format!("net.ipv4.conf.all.{leaf}={value}");
    let values = [all("arp_ignore", 0), all("arp_announce", 0), all("rp_filter", 1)];
    let mut command = network::within(name, &["sysctl", "-q", "-w"]);
    command.args(values);
    process::run(command).map(drop)
}

/// Addresses, parameters and the tunnel's end of a machine.
fn seen(name: &str) -> Result<String> {
    let mut seen = addresses(name)?.join("\n");
    for (of, leaf) in
        [("all", "arp_ignore"), ("all", "arp_announce"), ("all", "rp_filter"), ("tunl0", "rp_filter")]
    {
        let file = format!("/proc/sys/net/ipv4/conf/{of}/{leaf}");
        let value = process::run(network::within(name, &["sh", "-c", &format!("cat {file} || true")]))?;
        seen.push_str(&format!("\n{of} {leaf} {}", value.trim()));
    }
    let links = process::run(network::within(name, &["ip", "-o", "link", "show", "up"]))?;
    seen.push_str(if links.contains("tunl0") { "\ntunl0 is on" } else { "\ntunl0 is off" });
    Ok(seen)
}

/// Both real servers, each by its own means.
fn set_up(stage: &Stage, mode: &str) -> Result<()> {
    let vip = VIP.to_string();
    let words = ["real-server", "setup", "--mode", mode, "--vip", &vip];
    let data = stage.data("rs1").to_string_lossy().into_owned();
    let kept = ["--data", data.as_str()];
    let rs1 = stage.caribe("rs1");
    let shown = rs1.run(&[&words[..], &kept, &["--dry-run"]].concat(), "")?;
    let done = rs1.run(&[&words[..], &kept].concat(), "")?;
    let steps = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
    ensure!(steps(&shown) == steps(&done) && steps(&done) > 2, "shown:\n{shown}\ndone:\n{done}");
    let again = rs1.run(&[&words[..], &kept].concat(), "")?;
    ensure!(again == "nothing to do\n", "the second time: {again}");
    stage.say(&format!("rs1 is set up: {}", done.trim().replace('\n', "; ")));
    run_script(stage, &[&words[..], &["--print", "script"]].concat())?;
    stage.say("rs2 is set up by the script");
    Ok(())
}

fn undo(stage: &Stage, mode: &str) -> Result<()> {
    let data = stage.data("rs1").to_string_lossy().into_owned();
    let done = stage.caribe("rs1").run(&["real-server", "setup", "--undo", "--data", &data], "")?;
    stage.say(&format!("rs1 is undone: {}", done.trim().replace('\n', "; ")));
    let vip = VIP.to_string();
    run_script(stage, &["real-server", "setup", "--mode", mode, "--vip", &vip, "--print", "script", "--undo"])
}

/// Runs on rs2 what the program prints.
pub(super) fn run_script(stage: &Stage, words: &[&str]) -> Result<()> {
    std::fs::create_dir_all("/var/lib")?;
    let text = stage.caribe("rs2").run(words, "")?;
    // The guest's shell would take the `ip` in itself, which knows few tunnels.
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&folders).map(|folder| folder.join("ip"));
    let ip = places.find(|place| place.is_file()).context("no program ip in PATH")?;
    let text = format!("ip() {{ {} \"$@\"; }}\n{text}", ip.display());
    let file = stage.keep("real-server.sh", &text)?;
    process::run(network::within("rs2", &["sh", &file.to_string_lossy()])).map(drop)
}

/// Traffic, and a count of the frames on its ways.
pub(crate) fn replies_bypass(stage: &Stage) -> Result<()> {
    let [primary, backup] = &DIRECTORS;
    for (place, interfaces) in [
        (primary.namespace, &["eth0", "eth1"][..]),
        (backup.namespace, &["eth0", "eth1"]),
        ("router", &["pub0", "far0"]),
    ] {
        count_frames(place, interfaces)?;
    }
    stage.both_serve(60)?;
    let (requests, replies) = frames(primary.namespace)?;
    let (_, at_router) = frames("router")?;
    let (_, at_backup) = frames(backup.namespace)?;
    stage.say(&format!(
        "frames: requests into the primary {requests}; replies into the primary {replies}, into the backup \
         {at_backup}, into the router {at_router}"
    ));
    // 60 answered requests are at least a SYN and an ACK each, and as many frames back.
    if requests < 120 || at_router < 120 {
        bail!("the counters missed the traffic");
    }
    if replies != 0 || at_backup != 0 {
        bail!("replies passed a director");
    }
    Ok(())
}

/// Counts frames that are addressed to this machine and belong to the virtual address, before anything else sees them.
fn count_frames(namespace: &str, interfaces: &[&str]) -> Result<()> {
    let mut rules = String::from("table netdev lab {\n counter requests { }\n counter replies { }\n");
    for interface in interfaces {
        rules.push_str(&format!(
            " chain {interface} {{\n  type filter hook ingress device {interface} priority -500;\n  \
             meta pkttype host ip daddr {VIP} tcp dport 80 counter name requests\n  \
             meta pkttype host ip saddr {VIP} tcp sport 80 counter name replies\n }}\n"
        ));
    }
    rules.push_str("}\n");
    network::rules(namespace, &rules)
}

/// Requests and replies counted since [`count_frames`].
fn frames(namespace: &str) -> Result<(u64, u64)> {
    Ok((network::counted(namespace, "requests")?, network::counted(namespace, "replies")?))
}
