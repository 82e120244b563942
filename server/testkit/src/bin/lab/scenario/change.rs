//! Every setting of how two directors speak is changed under traffic, while the push to one of them fails: never two
//! owners, no request lost, and the difference is named.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::process;
use testkit::wait::{self, Seen};

use crate::network::{self, DIRECTORS, Director, Servers};
use crate::pair::{EVERY, holds, owner, settled};
use crate::stage::{CLUSTER, PATIENCE, Stage, no_failure};

/// Longer than any silence that the settings below allow, and than a lease.
const WATCHED: Duration = Duration::from_secs(6);
/// The agent cannot be reached by the console; its beats go on.
const RULES: &str = "table inet apart {
    chain in { type filter hook input priority 0; policy accept; tcp dport 3637 drop; }
}
";

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let mut content = stage.pair(Servers::Nat, false)?;
    let (_console, api, agents) = stage.cluster(&content)?;
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    settled(&api, second)?;
    let mut traffic = stage.traffic(EVERY)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    let changes: [(&str, &[(&str, Value)]); 5] = [
        ("port", &[("/redundancy/heartbeat_port", json!(600))]),
        ("faster", &[("/redundancy/interval_ms", json!(50)), ("/redundancy/deadtime_ms", json!(250))]),
        ("slower", &[("/redundancy/interval_ms", json!(400)), ("/redundancy/deadtime_ms", json!(1_600))]),
        ("one path less", &[("/directors/0/private", Value::Null), ("/directors/1/private", Value::Null)]),
        (
            "all at once",
            &[
                ("/redundancy/heartbeat_port", json!(539)),
                ("/redundancy/interval_ms", json!(100)),
                ("/redundancy/deadtime_ms", json!(500)),
                ("/redundancy/preempt", json!(true)),
            ],
        ),
    ];
    for (number, (what, edits)) in changes.iter().enumerate() {
        for (pointer, value) in *edits {
            let (parent, field) = pointer.rsplit_once('/').context("a pointer")?;
            let parent = content.pointer_mut(parent).and_then(Value::as_object_mut).context("an object")?;
            parent.insert(field.to_owned(), value.clone());
        }
        // By turns the active one and the standby miss it.
        let (missed, got) = if number % 2 == 0 { (first, second) } else { (second, first) };
        apart(missed, true)?;
        traffic.forget();
        api.make_it_so(CLUSTER, &content)?;
        named(&api, got)?;
        let began = Instant::now();
        while began.elapsed() < WATCHED {
            let here = [holds(first)?, holds(second)?];
            if here != [true, false] {
                bail!("{what}: {here:?} hold the address while {} has not got it", missed.name);
            }
        }
        apart(missed, false)?;
        stage.wait_in_sync(&api, missed)?;
        owner(&api, first, second)?;
        settled(&api, second)?;
        no_failure(&traffic.tally().failed).with_context(|| (*what).to_owned())?;
        let tally = traffic.tally();
        stage.say(&format!(
            "{what}: {} missed it for a while; one owner throughout, {} requests, the longest wait {} ms",
            missed.name,
            tally.answers(),
            tally.gap_ms
        ));
    }
    drop(agents);
    Ok(())
}

/// Waits until a director says that its partner holds another revision.
fn named(api: &Api, director: &Director) -> Result<()> {
    wait::until(&format!("{} names the difference", director.name), PATIENCE, || {
        let shown = api.director(CLUSTER, director.name)?;
        let concerns = shown.pointer("/live/status/heartbeat/concerns").cloned().unwrap_or_default();
        let there = concerns.as_array().is_some_and(|all| all.contains(&json!("other-revision")));
        Ok(if there { Seen::Yes(()) } else { Seen::not_yet(concerns.to_string()) })
    })
}

fn apart(director: &Director, apart: bool) -> Result<()> {
    if apart {
        let block = network::within(director.namespace, &["nft", "-f", "-"]);
        let finished = process::finish(block, RULES.as_bytes())?;
        ensure!(finished.status.success(), "nft: {}", finished.said());
        return Ok(());
    }
    let words = ["nft", "delete", "table", "inet", "apart"];
    process::run(network::within(director.namespace, &words)).map(drop)
}
