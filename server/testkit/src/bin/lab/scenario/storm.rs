//! What must not disturb a pair: forged packets by the hundred thousand, and two hundred virtual addresses.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::process;

use crate::network::{self, DIRECTORS, Director, Servers};
use crate::pair::{EVERY, Figures, cut, one_owner, owner, runs, settled, state};
use crate::stage::{CLUSTER, PATIENCE, Stage, no_failure};

const LIMIT: Duration = Duration::from_millis(200);
/// The longest a client may wait when the active director is cut off.
const LONGEST: u64 = 3_000;
const SECONDS: u64 = 10;
/// Virtual addresses beside scenario A's own.
const MANY: u8 = 200;

/// A flood that begins like beats, from the partner's own address and from a stranger's.
pub(crate) fn flood() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let (_console, api, agents) = stage.cluster(&stage.pair(Servers::Nat, false)?)?;
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    settled(&api, second)?;
    let mut traffic = stage.traffic(EVERY)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    traffic.forget();
    let before = [epoch(&api, first)?, epoch(&api, second)?];
    for (from, to, victim) in [
        ("d1", "192.168.1.20:539", second),
        ("router", "192.168.1.20:539", second),
        ("d2", "192.168.1.10:539", first),
    ] {
        let used = processor_ms(victim.namespace)?;
        let words = ["flood", to, "100000", &SECONDS.to_string()];
        let sent = process::run(stage.lab(from, &words))?;
        let used = processor_ms(victim.namespace)?.saturating_sub(used);
        stage.say(&format!(
            "flood from {from} to {}: {} packets in {SECONDS} s; its agent used {used} ms of processor time",
            victim.name,
            sent.trim()
        ));
        let states = (state(&api, first)?, state(&api, second)?);
        if states != ("active".to_owned(), "standby".to_owned()) {
            bail!("the flood changed the states to {states:?}");
        }
        // The agent has threads besides the one that is flooded; one processor is the bound.
        if used > SECONDS * 1_100 {
            bail!("the agent used {used} ms in {SECONDS} s");
        }
    }
    settled(&api, second)?;
    if before != [epoch(&api, first)?, epoch(&api, second)?] {
        bail!("somebody claimed meanwhile");
    }
    no_failure(&traffic.tally().failed)?;
    let tally = traffic.tally();
    stage.say(&format!(
        "{} requests served meanwhile, the longest wait was {} ms",
        tally.answers(),
        tally.gap_ms
    ));
    drop(agents);
    Ok(())
}

/// Two hundred addresses change hands.
pub(crate) fn many() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    network::ip(Some("router"), &["route add 192.168.2.0/24 dev pub0".to_owned()])?;
    let mut content = stage.pair(Servers::Nat, false)?;
    add_many(&mut content)?;
    let (_console, api, agents) = stage.cluster(&content)?;
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    let mut figures = Figures::default();
    let mut traffic = stage.traffic_to(&format!("192.168.2.{MANY}:80"), EVERY, LIMIT)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    for _ in 0..runs() {
        for (active, standby) in [(first, second), (second, first)] {
            settled(&api, standby)?;
            traffic.forget();
            cut(active, true)?;
            one_owner(standby)?;
            figures.note(
                &stage,
                &mut traffic,
                "one of 200 addresses, the active director cut off",
                LONGEST,
            )?;
            cut(active, false)?;
            owner(&api, standby, active)?;
        }
    }
    figures.show(&stage);
    drop(agents);
    Ok(())
}

/// Gives a cluster two hundred more virtual servers, each with an address of its own.
pub(super) fn add_many(content: &mut Value) -> Result<()> {
    let servers =
        content.pointer_mut("/virtual_servers").and_then(Value::as_array_mut).context("services")?;
    let pattern = servers.first().cloned().context("a service")?;
    for number in 1..=MANY {
        let mut server = pattern.clone();
        let fields = server.as_object_mut().context("a service is an object")?;
        fields.insert("name".to_owned(), json!(format!("many-{number}")));
        fields
            .insert("vip".to_owned(), json!({ "address": format!("192.168.2.{number}"), "device": "eth0" }));
        servers.push(server);
    }
    Ok(())
}

fn epoch(api: &Api, director: &Director) -> Result<u64> {
    api::number(&api.director(CLUSTER, director.name)?, "/live/status/heartbeat/epoch")
}

/// Processor time of the agent in this namespace so far, milliseconds (`/proc/PID/stat`, in hundredths of a second).
fn processor_ms(namespace: &str) -> Result<u64> {
    let pids = process::run(process::command(["ip", "netns", "pids", namespace]))?;
    let mut all = 0;
    for pid in pids.split_whitespace() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let Some((name, rest)) = stat.rsplit_once(") ") else { continue };
        if name.ends_with("(caribe") {
            let fields: Vec<u64> = rest.split_whitespace().map(|word| word.parse().unwrap_or(0)).collect();
            all += (fields.get(11).unwrap_or(&0) + fields.get(12).unwrap_or(&0)) * 10;
        }
    }
    Ok(all)
}
