//! Scenario D, set up through the console alone from the script that set it up by hand: forwarding, redirects and
//! masquerading come with the cluster, are shown before, kept right, and go with it. Then http and https by one mark.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::process::{self, Background};
use testkit::traffic::{LIMIT, Tally, Traffic};
use testkit::wait;

use crate::network::{self, DIRECTORS, Director, Servers, ip, within};
use crate::stage::{CLUSTER, PATIENCE, Stage, no_failure, writes};

/// What set the director up before. Its service is on the director's own address.
const SCRIPT: &str = r#"#!/bin/bash
VIP=192.168.1.10
case "$1" in
start)
    echo 1 > /proc/sys/net/ipv4/ip_forward
    echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects
    echo 0 > /proc/sys/net/ipv4/conf/default/send_redirects
    echo 0 > /proc/sys/net/ipv4/conf/eth0/send_redirects
    iptables -t nat -F
    iptables -t nat -A POSTROUTING -s 10.0.0.0/16 -j MASQUERADE
    ipvsadm -C
    ipvsadm -A -t $VIP:80 -s wrr -p 120
    ipvsadm -a -t $VIP:80 -r 10.0.0.100:80 -m -w 1
    ipvsadm -a -t $VIP:80 -r 10.0.0.200:80 -m -w 1
    ;;
esac
"#;

const TABLE: &str = "\
-A -t 192.168.1.10:80 -s wrr -p 120
-a -t 192.168.1.10:80 -r 10.0.0.100:80 -m -w 1
-a -t 192.168.1.10:80 -r 10.0.0.200:80 -m -w 1
";

/// The same servers behind a mark, which keeps the ports.
const BY_MARK: &str = "\
-A -f 7 -s rr -p 300
-a -f 7 -r 10.0.0.100:0 -m -w 1
-a -f 7 -r 10.0.0.200:0 -m -w 1
";

/// What the director is prepared with.
const PARAMETERS: [(&str, &str); 6] = [
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.default.send_redirects", "0"),
    ("net.ipv4.conf.eth0.send_redirects", "0"),
    ("net.ipv4.conf.eth1.send_redirects", "0"),
    ("net.ipv4.conf.mgt0.send_redirects", "0"),
];

/// Somebody else's table, with a chain at the same hook as ours.
const FOREIGN: &str = "\
table ip nat {
 chain POSTROUTING {
  type nat hook postrouting priority 100;
  ip saddr 198.51.100.0/24 masquerade
 }
}
";

/// Counts, in the client, what arrives masqueraded and what does not.
const COUNTS: &str = "\
table inet lab {
 counter masqueraded { }
 counter inside { }
 chain arriving {
  type filter hook input priority 0;
  ip saddr 192.168.1.10 tcp dport 8080 counter name masqueraded
  ip saddr 10.0.0.0/16 counter name inside
 }
}
";

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let [director, _] = &DIRECTORS;
    // As it was installed; the real servers' gateway is the director's own address.
    process::run(within(director.namespace, &["sysctl", "-q", "-w", "net.ipv4.ip_forward=0"]))?;
    for server in ["rs1", "rs2"] {
        ip(Some(server), &["route replace default via 10.0.0.10".to_owned()])?;
    }
    network::rules(director.namespace, FOREIGN)?;
    network::rules("client", COUNTS)?;
    let before = (parameters(director)?, tables(director)?);

    let (console, api) = stage.console()?;
    let imported = api.call("POST", "/imports", Some(&json!({ "text": SCRIPT, "name": CLUSTER })))?;
    let host = imported.pointer("/draft/content/global/host").cloned().unwrap_or_default();
    if host != json!({ "prepare": true, "masquerade": [{ "source": "10.0.0.0/16" }] }) {
        bail!("the import says {host} of the host: {imported}");
    }
    let place =
        json!({ "name": director.name, "seat": "primary", "public": "192.168.1.10", "private": "10.0.0.10" });
    api.call("POST", &format!("/clusters/{CLUSTER}/directors"), Some(&place))?;
    let agent = stage.join(&console, &api, director)?;
    previewed(&stage, &api)?;
    stage.wait_in_sync(&api, director)?;
    stage.wait_for_table(director, TABLE)?;
    prepared(director)?;
    serves(&stage)?;
    outwards(&stage)?;

    agent.kill()?;
    let agent = stage.agent(director)?;
    let shown = stage.wait_in_sync(&api, director)?;
    if writes(&shown)? != 0 {
        bail!("the restarted agent has written {} times", writes(&shown)?);
    }
    stage.say("the agent was killed and started again, and has written nothing");
    repaired(&stage, &api, director)?;
    by_mark(&stage, &api, director)?;

    let bare = json!({ "name": CLUSTER, "directors": [place] });
    api.make_it_so(CLUSTER, &bare)?;
    stage.wait_in_sync(&api, director)?;
    let after = (parameters(director)?, tables(director)?);
    if after != before {
        bail!("before: {before:?}\nafter: {after:?}");
    }
    stage.say("after removal every parameter is what it was, our table is gone, the foreign one untouched");
    agent.kill()
}

/// The parameters that a director may be prepared with, as they are.
fn parameters(director: &Director) -> Result<Vec<String>> {
    let mut words = vec!["sysctl"];
    words.extend(PARAMETERS.iter().map(|(name, _)| *name));
    Ok(process::run(within(director.namespace, &words))?.lines().map(str::to_owned).collect())
}

fn tables(director: &Director) -> Result<String> {
    process::run(within(director.namespace, &["nft", "list", "ruleset"]))
}

/// Activates the draft; what was shown before is what was done.
fn previewed(stage: &Stage, api: &Api) -> Result<()> {
    let steps = |answer: &Value, pointer: &str| {
        answer
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .with_context(|| format!("no {pointer} in {answer}"))
    };
    let content = api.get(&format!("/clusters/{CLUSTER}"))?;
    let plan = wait::until("a preview against what the director reported", PATIENCE, || {
        let plan = api.call("PUT", &format!("/clusters/{CLUSTER}?dry_run=true"), Some(&content))?;
        let shown = steps(&plan, "/directors/0/steps")?;
        let exact =
            shown.iter().any(|step| step.as_str().is_some_and(|step| step.contains("eth1.send_redirects")));
        Ok(if exact { wait::Seen::Yes(shown) } else { wait::Seen::not_yet(format!("{shown:?}")) })
    })?;
    let done = api.call("POST", &format!("/clusters/{CLUSTER}/draft/activate"), None)?;
    let done = steps(&done, "/results/0/steps")?;
    if done != plan {
        bail!("shown: {plan:?}\ndone: {done:?}");
    }
    stage.say(&format!("shown before, and done: {done:?}"));
    Ok(())
}

/// The kernel as sysctl and nft see it.
fn prepared(director: &Director) -> Result<()> {
    let found = parameters(director)?;
    for (name, value) in PARAMETERS {
        let line = format!("{name} = {value}");
        if !found.contains(&line) {
            bail!("{line} is missing in {found:?}");
        }
    }
    let rules = tables(director)?;
    for words in
        ["table inet caribe", "ip saddr 10.0.0.0/16 ip daddr != 10.0.0.0/16 masquerade", "198.51.100.0/24"]
    {
        if !rules.contains(words) {
            bail!("{words} is missing in\n{rules}");
        }
    }
    Ok(())
}

fn serves(stage: &Stage) -> Result<()> {
    let mut traffic = stage.traffic_to("192.168.1.10:80", Duration::ZERO, LIMIT)?;
    traffic.wait_for_answers(60, PATIENCE)?;
    let tally = traffic.tally();
    no_failure(&tally.failed)?;
    if tally.served.len() != 1 {
        bail!("one client of a persistent service was served by {:?}", tally.served);
    }
    stage.say(&format!("a client is served through NAT: {:?}, none failed", tally.served));
    Ok(())
}

/// A real server reaches a machine outside, which sees the director's address alone.
fn outwards(stage: &Stage) -> Result<()> {
    let mut outside = Background::start(
        "outside",
        stage.lab("client", &["http-server", "0.0.0.0:8080", "outside"]),
        &stage.log("outside"),
    )?;
    outside.wait_for_word("listening", PATIENCE)?;
    let command = stage.lab("rs1", &["traffic", "172.16.0.2:8080", "20", "2000"]);
    let mut traffic = Traffic::start("rs1-outwards", command, &stage.log("rs1-outwards"))?;
    traffic.wait_for_answers(20, PATIENCE)?;
    no_failure(&traffic.tally().failed)?;
    drop(traffic);
    let counted = process::run(within("client", &["nft", "-j", "list", "counters"]))?;
    let counted: Value = serde_json::from_str(&counted)?;
    let objects = counted.pointer("/nftables").and_then(Value::as_array).context("nft listed nothing")?;
    let packets = |name: &str| {
        let counters = objects.iter().filter_map(|object| object.get("counter"));
        let mut named = counters.filter(|counter| counter.get("name").and_then(Value::as_str) == Some(name));
        named
            .next()
            .and_then(|counter| counter.get("packets")?.as_u64())
            .with_context(|| format!("no counter {name}"))
    };
    let (masqueraded, inside) = (packets("masqueraded")?, packets("inside")?);
    if masqueraded < 60 || inside != 0 {
        bail!("from the director's address {masqueraded} packets, from the inside {inside}");
    }
    stage.say(&format!(
        "a real server reaches outside: {masqueraded} packets from 192.168.1.10, none from 10.0.0.0/16"
    ));
    outside.kill()
}

/// Somebody deletes our table, then changes a parameter.
fn repaired(stage: &Stage, api: &Api, director: &Director) -> Result<()> {
    for words in [&["nft", "delete table inet caribe"][..], &["sysctl", "-q", "-w", "net.ipv4.ip_forward=0"]]
    {
        process::run(within(director.namespace, words))?;
        wait::until_true("the repair", PATIENCE, || Ok(prepared(director).is_ok()))?;
    }
    let told = wait::until("the repairs to be told of", PATIENCE, || {
        let shown = api.director(CLUSTER, director.name)?;
        let repaired = shown.pointer("/live/status/repaired").cloned().unwrap_or_default();
        let rows = repaired.to_string();
        let both = rows.contains("\"packet rules\"") && rows.contains("\"net.ipv4.ip_forward\"");
        Ok(if both { wait::Seen::Yes(repaired) } else { wait::Seen::not_yet(rows) })
    })?;
    stage.say(&format!("a deleted table and a changed parameter were put right, and told of: {told}"));
    stage.wait_in_sync(api, director).map(drop)
}

/// One service for two ports: a client has one real server for both.
fn by_mark(stage: &Stage, api: &Api, director: &Director) -> Result<()> {
    let mut servers = Vec::new();
    for name in ["rs1", "rs2"] {
        let command = stage.lab(name, &["http-server", "0.0.0.0:443", name]);
        let mut server =
            Background::start(&format!("{name}-tls"), command, &stage.log(&format!("{name}-tls")))?;
        server.wait_for_word("listening", PATIENCE)?;
        servers.push(server);
    }
    let mut content = api.get(&format!("/clusters/{CLUSTER}"))?;
    let real = |name: &str, address: &str| json!({ "name": name, "address": address });
    let server = json!({
        "name": "shop", "port": 0, "scheduler": "rr", "mark": 7, "persistence": { "timeout_s": 300 },
        "vip": { "address": "192.168.1.250", "prefix": 24, "device": "eth0" }, "monitor": { "port": 80 },
        "marked": [{ "address": "192.168.1.250", "port": 80 }, { "address": "192.168.1.250", "port": 443 }],
        "real_servers": [real("one", "10.0.0.100"), real("two", "10.0.0.200")],
    });
    *content.pointer_mut("/virtual_servers").context("no virtual servers")? = json!([server]);
    let done = api.make_it_so(CLUSTER, &content)?;
    stage.wait_in_sync(api, director)?;
    // A new real server is used from its first good check on.
    stage.wait_for_table(director, BY_MARK)?;
    stage.say(&format!("http and https by one mark: {done}"));
    let mut served = Vec::new();
    for port in [80, 443, 80] {
        let mut traffic = stage.traffic_to(&format!("192.168.1.250:{port}"), Duration::ZERO, LIMIT)?;
        traffic.wait_for_answers(20, PATIENCE)?;
        let Tally { served: by, failed, .. } = traffic.tally().clone();
        no_failure(&failed)?;
        served.push(by.into_keys().collect::<Vec<_>>());
    }
    if served.iter().any(|by| by.len() != 1 || Some(by) != served.first()) {
        bail!("one client has several real servers: {served:?}");
    }
    stage.say(&format!("a client has the same real server for both ports: {served:?}"));
    servers.into_iter().try_for_each(Background::kill)
}
