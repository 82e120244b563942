//! Two directors that cannot hear each other though both are well: the console as witness, and a director that is cut off
//! from its gateway. Nobody claims what another one holds; whoever is really alone does.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::network::{DIRECTORS, Servers};
use crate::pair::{
    EVERY, Figures, checking, concerned, cut, deaf, one_owner, owner, settled, sole_owner, unplugged,
};
use crate::stage::{CLUSTER, PATIENCE, SERVERS, Stage};

const LIMIT: Duration = Duration::from_millis(200);
/// The longest a client may wait when the active director dies: whoever is asked does not answer, and that adds nothing.
const LONGEST: u64 = 2_500;
/// The same while nothing happens to the active director: what an emulated machine on a busy host leaves out.
const UNTOUCHED: u64 = 1_000;

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let mut content = stage.pair(Servers::Nat, false)?;
    let redundancy =
        content.pointer_mut("/redundancy").and_then(Value::as_object_mut).context("redundancy")?;
    redundancy.insert("witness".to_owned(), json!(true));
    // No claim waits for the witness: on a busy host an emulated machine takes half a second for the TLS of an answer.
    redundancy.extend([("interval_ms".to_owned(), json!(200)), ("deadtime_ms".to_owned(), json!(1_200))]);
    let (_console, api, [a, _b]) = stage.cluster(&content)?;
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    settled(&api, second)?;
    let mut figures = Figures::default();
    let mut traffic = stage.traffic(EVERY)?;
    traffic.wait_for_answers(50, PATIENCE)?;

    deaf(second, true)?;
    concerned(&api, second, &json!({ "not-claiming": "witness" }))?;
    sole_owner(first, second, "no beat")?;
    figures.unharmed(&stage, &mut traffic, "no beat: the console says who is alive", UNTOUCHED)?;
    deaf(second, false)?;
    owner(&api, first, second)?;
    settled(&api, second)?;

    // Whoever was served by the dead one asks again soon.
    traffic = stage.traffic_within(EVERY, LIMIT)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    traffic.forget();
    a.kill()?;
    cut(first, true)?;
    one_owner(second)?;
    figures.note(&stage, &mut traffic, "the active director dies, and its agent answers nobody", LONGEST)?;
    cut(first, false)?;
    let _a = stage.agent(first)?;
    owner(&api, second, first)?;
    settled(&api, first)?;

    let redundancy =
        content.pointer_mut("/redundancy").and_then(Value::as_object_mut).context("redundancy")?;
    redundancy.insert("witness".to_owned(), json!(false));
    redundancy.insert("gateway".to_owned(), json!("192.168.1.1"));
    api.make_it_so(CLUSTER, &content)?;
    for director in &DIRECTORS {
        stage.wait_in_sync(&api, director)?;
    }
    owner(&api, second, first)?;
    settled(&api, first)?;
    traffic = stage.traffic(EVERY)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    // Carrier stays: only the network behind the socket in the wall is gone.
    unplugged(first, true)?;
    concerned(&api, first, &json!({ "not-claiming": "isolated" }))?;
    sole_owner(second, first, "no gateway")?;
    figures.unharmed(&stage, &mut traffic, "the standby cut off from its gateway", UNTOUCHED)?;
    // No check of its means anything, and none took a server out: whoever takes over a moment after the network is back has
    // servers to send clients to.
    checking(&api, first, &[("/troubled/cut-off", SERVERS.len()), ("/up", SERVERS.len())])?;
    unplugged(first, false)?;
    owner(&api, second, first)?;
    settled(&api, first)?;

    traffic = stage.traffic_within(EVERY, LIMIT)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    traffic.forget();
    cut(second, true)?;
    one_owner(first)?;
    figures.note(
        &stage,
        &mut traffic,
        "the active director cut off, the gateway answers the standby",
        LONGEST,
    )?;
    figures.show(&stage);
    Ok(())
}
