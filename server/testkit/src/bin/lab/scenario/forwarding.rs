//! Direct routing and tunnels: every real server serves, and its replies go to the client without the director.

use anyhow::{Context as _, Result, bail};
use testkit::process;

use crate::network::{self, DIRECTORS, Servers, VIP};
use crate::stage::Stage;

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
    let (_console, _api, _agents) = stage.cluster(&stage.scenario_a(servers)?)?;
    for director in &DIRECTORS {
        stage.wait_for_table(director, table)?;
    }
    replies_bypass(&stage)
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
    let finished = process::finish(network::within(namespace, &["nft", "-f", "-"]), rules.as_bytes())?;
    if !finished.status.success() {
        bail!("nft in {namespace}: {}", finished.said());
    }
    Ok(())
}

/// Requests and replies counted since [`count_frames`].
fn frames(namespace: &str) -> Result<(u64, u64)> {
    let text = process::run(network::within(namespace, &["nft", "-j", "list", "counters"]))?;
    let listed: serde_json::Value = serde_json::from_str(&text)?;
    let objects =
        listed.pointer("/nftables").and_then(serde_json::Value::as_array).context("nft listed nothing")?;
    let packets = |name: &str| {
        objects
            .iter()
            .filter_map(|object| object.get("counter"))
            .find(|counter| counter.get("name").and_then(serde_json::Value::as_str) == Some(name))
            .and_then(|counter| counter.get("packets")?.as_u64())
            .with_context(|| format!("nft listed no counter {name}"))
    };
    Ok((packets("requests")?, packets("replies")?))
}
