//! Every setting of how two directors speak is changed under traffic, while the push to one of them fails: never two
//! owners, no request lost, and the difference is named.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::process;
use testkit::wait::{self, Seen};

use crate::network::{self, DIRECTORS, Director, Servers, VIP};
use crate::pair::{EVERY, concerned, owner, settled, sole_owner, virtual_router};
use crate::rival::NAT_ROUTER;
use crate::stage::{CLUSTER, PATIENCE, Stage, no_failure};

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
    let differs = json!("other-revision");
    let vrrp = json!({ "kind": "vrrp", "version": 3, "instances": [
        virtual_router("outside", "eth0", 51, &VIP.to_string()),
        virtual_router("inside", "eth1", 52, NAT_ROUTER),
    ] });
    let changes: [(&str, &[(&str, Value)]); 10] = [
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
        ("VRRP", &[("/redundancy/protocol", vrrp.clone()), ("/redundancy/interval_ms", json!(200))]),
        ("heartbeat again", &[("/redundancy/protocol", json!({ "kind": "heartbeat" }))]),
        ("the beat of Piranha", &[("/redundancy/protocol", json!({ "kind": "pulse" }))]),
        ("heartbeat at last", &[("/redundancy/protocol", json!({ "kind": "heartbeat" }))]),
        ("VRRP to the end", &[("/redundancy/protocol", vrrp)]),
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
        concerned(&api, got, &differs)?;
        sole_owner(first, second, what)?;
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
    // The end of all of it, which the active one does not learn of at first.
    *content.pointer_mut("/redundancy/enabled").context("enabled")? = json!(false);
    apart(first, true)?;
    traffic.forget();
    api.make_it_so(CLUSTER, &content)?;
    concerned(&api, second, &differs)?;
    sole_owner(first, second, "redundancy off")?;
    apart(first, false)?;
    for director in &DIRECTORS {
        stage.wait_in_sync(&api, director)?;
        silent(&api, director)?;
    }
    sole_owner(first, second, "redundancy off on both")?;
    no_failure(&traffic.tally().failed)?;
    stage.say("redundancy is off under VRRP, too: both have ended, the primary holds the addresses");
    drop(agents);
    Ok(())
}

/// Waits until a director speaks with nobody.
fn silent(api: &Api, director: &Director) -> Result<()> {
    wait::until(&format!("{} speaks with nobody", director.name), PATIENCE, || {
        let shown = api.director(CLUSTER, director.name)?;
        let heartbeat = shown.pointer("/live/status/heartbeat").cloned().unwrap_or_default();
        Ok(if heartbeat.is_null() { Seen::Yes(()) } else { Seen::not_yet(heartbeat.to_string()) })
    })
}

fn apart(director: &Director, apart: bool) -> Result<()> {
    if apart {
        return network::rules(director.namespace, RULES);
    }
    let words = ["nft", "delete", "table", "inet", "apart"];
    process::run(network::within(director.namespace, &words)).map(drop)
}
