//! The console on this machine, by its own clock: from the start of the process to the first page, lists of a large
//! cluster, memory. Never needs a kernel with IPVS. Called by the bench.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::caribe::{Console, Program};
use testkit::https::Client;
use testkit::process::Background;

use super::figures::Figures;
use crate::demo::{Folder, SCENARIO_A, free_port, loopback, password};

const CLUSTER: &str = "bench";
const USER: &str = "bench";
/// How long a page may stay away.
const PATIENCE: Duration = Duration::from_secs(60);
/// After a start, before the memory is read.
const IDLE: Duration = Duration::from_secs(3);

/// Makes a console with a cluster of that many virtual servers, and starts it again and again.
pub(super) fn measure(caribe: &Path, services: u16, runs: u16, figures: &mut Figures) -> Result<()> {
    println!("The console with {services} virtual servers, {runs} starts, on this machine …");
    let folder = Folder::make()?;
    let program = Program { binary: caribe.to_owned(), namespace: None };
    let (data, log) = (folder.0.join("console"), folder.0.join("console.log"));
    let listen = loopback(free_port(0)?);
    let console = Console::start(&program, &data, listen, &log)?;
    let secret = password()?;
    console.account(USER, &secret)?;
    let token = console.token("bench", &[])?;
    let file = folder.0.join("lvs.cf");
    fs::write(&file, SCENARIO_A)?;
    let mut cluster = program.read_cluster(&file)?;
    *cluster.pointer_mut("/name").context("a name")? = CLUSTER.into();
    *cluster.pointer_mut("/virtual_servers").context("virtual servers")? = virtual_servers(services);
    console.api(&token)?.make_it_so(CLUSTER, &cluster)?;
    let client = console.client()?;
    ensure!(console.stop()?.success(), "the console did not end well");

    let words = ["serve", "--data", &data.to_string_lossy(), "--listen", &listen.to_string()];
    for _ in 0..runs {
        let begun = Instant::now();
        let console = Background::start("caribe serve", program.command(&words), &log)?;
        first_page(&client, begun)?;
        figures.add("console/first page ms", begun.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(IDLE);
        figures.add("console/memory KiB", resident_kib(console.id())?);
        let bearer = format!("Bearer {token}");
        let list = format!("/api/v1/clusters/{CLUSTER}/virtual-servers");
        timed(&client, &list, ("authorization", &bearer), "console/list API", figures)?;
        let cookie = sign_in(&client, &secret)?;
        let list = format!("/clusters/{CLUSTER}/virtual-servers");
        timed(&client, &list, ("cookie", &cookie), "console/list page", figures)?;
        figures.add("console/memory after lists KiB", resident_kib(console.id())?);
        ensure!(console.stop(PATIENCE)?.success(), "the console did not end well");
    }
    Ok(())
}

/// Asks until the page for signing in comes.
fn first_page(client: &Client, begun: Instant) -> Result<()> {
    while begun.elapsed() < PATIENCE {
        match client.request("GET", "/login", &[], b"") {
            Ok(answer) if answer.status == 200 => return Ok(()),
            Ok(answer) => bail!("GET /login: {}", answer.status),
            // Nobody listens yet.
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    bail!("no page within {} s", PATIENCE.as_secs())
}

fn timed(client: &Client, path: &str, header: (&str, &str), name: &str, figures: &mut Figures) -> Result<()> {
    let (answer, first) = client.timed(path, &[header])?;
    ensure!(answer.status == 200, "GET {path}: {}", answer.status);
    figures.add(&format!("{name} ms"), first.as_secs_f64() * 1e3);
    figures.add(&format!("{name} bytes"), answer.body.len() as f64);
    Ok(())
}

/// The session's cookie.
fn sign_in(client: &Client, secret: &str) -> Result<String> {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    // The password is of letters, digits and dashes.
    let form = format!("user={USER}&password={secret}&next=");
    let answer = client.request("POST", "/login", &headers, form.as_bytes())?;
    let cookie = answer.header("set-cookie").and_then(|line| line.split(';').next());
    cookie.map(str::to_owned).with_context(|| format!("signing in: {} without a cookie", answer.status))
}

fn resident_kib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Ten real servers each; none is ever asked for anything.
fn virtual_servers(services: u16) -> Value {
    let one = |number: u16| {
        let servers: Vec<Value> = (1..=10)
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
