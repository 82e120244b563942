//! Scenario D: a director that was set up by hand, with ipvsadm and ip, is taken over while it serves; then somebody
//! goes on changing rows by hand.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::process;
use testkit::traffic::{LIMIT, Traffic};
use testkit::wait::{self, Seen};

use crate::network::{DIRECTORS, Director, Servers, ip, within};
use crate::stage::{CLUSTER, PATIENCE, Stage, addresses, no_failure, table, writes};

/// What somebody typed into the director's shell, years ago. The service is on the director's own address.
const BY_HAND: &str = "\
-A -t 192.168.1.10:80 -s wrr -p 120
-a -t 192.168.1.10:80 -r 10.0.0.100:80 -m -w 1
-a -t 192.168.1.10:80 -r 10.0.0.200:80 -m -w 2
-A -u 192.168.1.10:53 -s rr
";

/// The rows that are taken over; the service on UDP stays whose it is.
const CHOSEN: [&str; 3] = ["tcp 192.168.1.10:80", "eth1 10.0.0.254/16", "session timeouts"];

/// Where clients go.
const SERVED: &str = "192.168.1.10:80";

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let [director, _] = &DIRECTORS;
    by_hand(director)?;
    let mut traffic = stage.traffic_to(SERVED, Duration::from_millis(20), LIMIT)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    stage.say("a director set up by hand serves");
    let before = (table(director)?, addresses(director.namespace)?);

    let (console, api) = stage.console()?;
    let content = json!({
        "name": CLUSTER,
        "directors": [{ "name": director.name, "seat": "primary", "public": "192.168.1.10", "private": "10.0.0.10" }],
    });
    api.call("POST", "/clusters", Some(&content))?;
    let _agent = stage.join(&console, &api, director)?;
    adopted(&stage, &api, director)?;
    served(&stage, &mut traffic, "through the adoption")?;
    if (table(director)?, addresses(director.namespace)?) != before {
        bail!("the adoption changed the kernel");
    }
    expect_writes(&stage, &api, director, 0)?;

    repaired(&stage, &api, director)?;
    expect_writes(&stage, &api, director, 1)?;
    held(&stage, &api, director, &mut traffic)?;
    taken_over(&stage, &api, director)?;
    expect_writes(&stage, &api, director, 1)?;
    repaired_on_demand(&stage, &api, director)?;
    expect_writes(&stage, &api, director, 2)?;
    served(&stage, &mut traffic, "until the end")?;
    if !table(director)?.contains("-A -u 192.168.1.10:53 -s rr") {
        bail!("the service that was not chosen is gone");
    }
    Ok(())
}

fn by_hand(director: &Director) -> Result<()> {
    ip(Some(director.namespace), &["addr add 10.0.0.254/16 dev eth1 label eth1:1".into()])?;
    let restored = process::finish(within(director.namespace, &["ipvsadm", "-R"]), BY_HAND.as_bytes())?;
    if !restored.status.success() {
        bail!("ipvsadm -R: {}", restored.said());
    }
    process::run(within(director.namespace, &["ipvsadm", "--set", "1200", "0", "0"])).map(drop)
}

/// Gives a real server another weight, behind Caribe's back.
fn reweigh(director: &Director, weight: &str) -> Result<()> {
    let words = ["ipvsadm", "-e", "-t", SERVED, "-r", "10.0.0.100:80", "-m", "-w", weight];
    process::run(within(director.namespace, &words)).map(drop)
}

fn weighs(director: &Director, weight: &str) -> Result<bool> {
    Ok(table(director)?.contains(&format!("-r 10.0.0.100:80 -m -w {weight}\n")))
}

/// From what runs to a revision that says the same.
fn adopted(stage: &Stage, api: &Api, director: &Director) -> Result<()> {
    let path = format!("/clusters/{CLUSTER}/directors/{}", director.name);
    let offered = wait::until("rows that are offered", PATIENCE, || {
        let foreign = api.get(&format!("{path}/foreign"))?;
        let items = foreign.pointer("/items").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(if items.is_empty() { Seen::not_yet("none") } else { Seen::Yes(items) })
    })?;
    let rows: Vec<&str> = offered.iter().filter_map(|item| item.get("row")?.as_str()).collect();
    if rows != [CHOSEN[0], "udp 192.168.1.10:53", CHOSEN[1], CHOSEN[2]] {
        bail!("offered are {rows:?}");
    }
    stage.say(&format!("offered row by row: {rows:?}"));
    let chosen = json!({ "rows": CHOSEN });
    let plan = api.call("POST", &format!("{path}/adopt?dry_run=true"), Some(&chosen))?;
    nothing_in(&plan, "/plan/directors/0/steps", "the preview")?;
    let draft = api.call("POST", &format!("{path}/adopt"), Some(&chosen))?;
    let router = api::text(&draft, "/content/global/nat_router/device")?;
    if router != "eth1:1" || api::number(&draft, "/content/global/timeouts/tcp")? != 1200 {
        bail!("the draft does not say what the kernel holds: {draft}");
    }
    let done = api.call("POST", &format!("/clusters/{CLUSTER}/draft/activate"), None)?;
    nothing_in(&done, "/results/0/steps", "the activation")?;
    stage.wait_in_sync(api, director)?;
    stage.say("adopted and activated: no step in preview or activation");
    Ok(())
}

fn nothing_in(answer: &Value, pointer: &str, what: &str) -> Result<()> {
    let steps = answer.pointer(pointer).and_then(Value::as_array);
    match steps.with_context(|| format!("{what} says nothing of steps: {answer}"))?.as_slice() {
        [] => Ok(()),
        steps => bail!("{what} has steps: {steps:?}"),
    }
}

/// What was changed is put right, but not at once.
fn repaired(stage: &Stage, api: &Api, director: &Director) -> Result<()> {
    let began = Instant::now();
    reweigh(director, "7")?;
    wait::until_true("the repair", PATIENCE, || weighs(director, "1"))?;
    let took = began.elapsed();
    if took < Duration::from_secs(1) {
        bail!("repaired after {took:?}, without a delay");
    }
    let shown = wait::until("the repair to be told of", PATIENCE, || {
        let shown = api.director(CLUSTER, director.name)?;
        let repaired = shown.pointer("/live/status/repaired/0").cloned();
        Ok(repaired.map_or_else(|| Seen::not_yet(&shown), Seen::Yes))
    })?;
    let row = api::text(&shown, "/row")?;
    if row != CHOSEN[0] {
        bail!("told of is the repair of {row}");
    }
    stage.say(&format!(
        "repair: put right {:.1} s after it was changed, and told of: {shown}",
        took.as_secs_f32()
    ));
    stage.wait_in_sync(api, director).map(drop)
}

/// Waits until the console shows the row as drift; returns it.
fn drift(api: &Api, director: &Director, weight: &str) -> Result<Value> {
    let line = format!("-a -t {SERVED} -r 10.0.0.100:80 -m -w {weight}");
    wait::until("drift that is shown", PATIENCE, || {
        let shown = api.director(CLUSTER, director.name)?;
        let drift = shown.pointer("/live/status/drift/0").cloned().unwrap_or_default();
        let found = drift.pointer("/found/0").and_then(Value::as_str) == Some(line.as_str());
        let word = shown.pointer("/live/sync").and_then(Value::as_str) == Some("drifted");
        Ok(if found && word { Seen::Yes(drift) } else { Seen::not_yet(shown) })
    })
}

/// Under the other policy it stays, for as long as nobody decides.
fn held(stage: &Stage, api: &Api, director: &Director, traffic: &mut Traffic) -> Result<()> {
    let mut content = api.get(&format!("/clusters/{CLUSTER}"))?;
    *content.pointer_mut("/global/drift").context("the cluster has no policy")? = "hold".into();
    let done = api.make_it_so(CLUSTER, &content)?;
    nothing_in(&done, "/results/0/steps", "the change of policy")?;
    stage.wait_in_sync(api, director)?;
    reweigh(director, "9")?;
    let shown = drift(api, director, "9")?;
    if shown.get("due_s").is_some_and(|due| !due.is_null()) {
        bail!("a repair is due although it is to be held: {shown}");
    }
    // Longer than two looks of the agent: nothing is repaired meanwhile.
    let before = traffic.tally().answers();
    let began = Instant::now();
    wait::until_true("two looks of the agent", PATIENCE, || Ok(began.elapsed() > Duration::from_secs(11)))?;
    traffic.wait_for_answers(before + 1, PATIENCE)?;
    if !weighs(director, "9")? {
        bail!("it was repaired although it is to be held");
    }
    stage.say(&format!("hold: shown, and left alone: {shown}"));
    Ok(())
}

/// What the kernel holds becomes what is wanted.
fn taken_over(stage: &Stage, api: &Api, director: &Director) -> Result<()> {
    let path = format!("/clusters/{CLUSTER}/directors/{}/adopt", director.name);
    api.call("POST", &path, Some(&json!({ "rows": [CHOSEN[0]] })))?;
    let done = api.call("POST", &format!("/clusters/{CLUSTER}/draft/activate"), None)?;
    nothing_in(&done, "/results/0/steps", "the activation of what was taken over")?;
    stage.wait_in_sync(api, director)?;
    if !weighs(director, "9")? {
        bail!("what was taken over was changed");
    }
    stage.say("taken over: in sync, and nothing written");
    Ok(())
}

fn repaired_on_demand(stage: &Stage, api: &Api, director: &Director) -> Result<()> {
    reweigh(director, "3")?;
    drift(api, director, "3")?;
    let path = format!("/clusters/{CLUSTER}/directors/{}/repair", director.name);
    let answer = api.call("POST", &path, Some(&json!({ "rows": [CHOSEN[0]] })))?;
    if !weighs(director, "9")? {
        bail!("asked for, and not repaired: {answer}");
    }
    stage.say(&format!("repaired on demand: {answer}"));
    stage.wait_in_sync(api, director).map(drop)
}

fn expect_writes(stage: &Stage, api: &Api, director: &Director, expected: u64) -> Result<()> {
    let seen = wait::until(&format!("{expected} writes"), PATIENCE, || {
        let count = writes(&api.director(CLUSTER, director.name)?)?;
        Ok(if count >= expected { Seen::Yes(count) } else { Seen::not_yet(count) })
    })?;
    if seen != expected {
        bail!("the agent has written to the kernel {seen} times, not {expected}");
    }
    stage.say(&format!("writes to the kernel so far: {seen}"));
    Ok(())
}

fn served(stage: &Stage, traffic: &mut Traffic, when: &str) -> Result<()> {
    let before = traffic.tally().answers();
    traffic.wait_for_answers(before + 50, PATIENCE)?;
    let tally = traffic.tally();
    no_failure(&tally.failed)?;
    stage.say(&format!("{when}: {} requests answered, none failed", tally.answers()));
    Ok(())
}
