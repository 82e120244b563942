//! A table of 1,000 services with 10 real servers each: pushed whole, then one weight is changed. The times are set
//! beside those of `ipvsadm -R` in the same machine.

use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use testkit::process;

use crate::network::{self, DIRECTORS, Servers};
use crate::stage::{CLUSTER, Stage, table};

const SERVICES: u16 = 1000;
const SERVERS: u8 = 10;

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let small = stage.scenario_a(Servers::Nat)?;
    let (console, api, agents) = stage.cluster(&small)?;
    let [primary, _] = &DIRECTORS;

    let mut large = small;
    if let Some(servers) = large.pointer_mut("/virtual_servers") {
        *servers = services(SERVICES, SERVERS);
    }
    let begun = Instant::now();
    let activation = api.make_it_so(CLUSTER, &large)?;
    stage.say(&format!("activated {SERVICES} x {SERVERS} in {:.2} s", begun.elapsed().as_secs_f32()));
    stage.say(&format!("the push's own words: {}", brief(&activation)));
    let mut before = Vec::new();
    for director in &DIRECTORS {
        before.push(stage.settled(&api, director)?.1);
        let lines = table(director)?.lines().count();
        let wanted = usize::from(SERVICES) * (usize::from(SERVERS) + 1);
        if lines != wanted {
            bail!("{} holds {lines} rows, not {wanted}", director.name);
        }
    }
    stage.say(&format!("both kernels hold all of it after {:.2} s", begun.elapsed().as_secs_f32()));

    let begun = Instant::now();
    let path = format!("/clusters/{CLUSTER}/virtual-servers/s500/real-servers/r5");
    let mut server = api.get(&path)?;
    if let Some(object) = server.as_object_mut() {
        object.insert("weight".into(), json!(7));
    }
    api.call("PUT", &format!("{path}?activate=true"), Some(&server))?;
    stage.say(&format!("one weight activated in {:.2} s", begun.elapsed().as_secs_f32()));
    for (director, before) in DIRECTORS.iter().zip(before) {
        let (_, after) = stage.settled(&api, director)?;
        if after != before + 1 {
            bail!("{}: one weight was {} writes", director.name, after - before);
        }
        let text = table(director)?;
        if text.lines().filter(|line| line.ends_with("-w 7")).count() != 1 {
            bail!("{}: the new weight is not in its table", director.name);
        }
    }
    stage.say(&format!("one weight was one write on each, in {:.2} s", begun.elapsed().as_secs_f32()));

    let saved = table(primary)?;
    // Agents that count ten thousand rows a second hold the kernel's one lock for IPVS; the comparison is to be fair.
    for agent in agents {
        agent.kill()?;
    }
    console.stop().map(drop)?;
    network::ip(None, &["netns add compare".to_owned()])?;
    // The kernel refuses real servers that no interface leads to.
    process::run(process::command(["ip", "-n", "compare", "link", "set", "lo", "up"]))?;
    let begun = Instant::now();
    let finished = process::finish(network::within("compare", &["ipvsadm", "-R"]), saved.as_bytes())?;
    if !finished.status.success() {
        bail!("ipvsadm -R: {}", finished.said());
    }
    stage.say(&format!("ipvsadm -R loads the same table in {:.2} s", begun.elapsed().as_secs_f32()));
    Ok(())
}

/// Services on one address, by port.
pub(super) fn services(services: u16, servers: u8) -> Value {
    let one = |number: u16| {
        let servers: Vec<Value> = (1..=servers)
            .map(|server| json!({ "name": format!("r{server}"), "address": format!("10.1.{}.{server}", number % 250) }))
            .collect();
        json!({
            "name": format!("s{number}"),
            "vip": { "address": "192.168.1.250", "prefix": 24, "device": "eth0:1" },
            "port": 10_000 + number,
            "monitor": { "checks": [] },
            "real_servers": servers,
        })
    };
    (1..=services).map(one).collect()
}

/// What became of the pushes, in one line: each director with its state, its steps by number and the agent's own time.
fn brief(activation: &Value) -> String {
    let results = activation.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |result: &Value| {
        let text = |key: &str| result.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
        let count = |key: &str| result.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        let took = result.get("took_ms").and_then(Value::as_u64).unwrap_or_default();
        let reason = result.get("reason").and_then(Value::as_str).unwrap_or_default();
        format!(
            "{} {} ({} steps, {} failures, {took} ms in the agent) {reason}",
            text("director"),
            text("outcome"),
            count("steps"),
            count("failures"),
        )
    };
    results.iter().map(|result| one(result).trim_end().to_owned()).collect::<Vec<_>>().join("; ")
}
