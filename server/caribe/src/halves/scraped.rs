//! The files of `monitoring/` in a real Prometheus that scrapes a console and its directors: each of the dashboard's
//! queries finds data, and each alert can be evaluated, is silent while all is well and speaks when it is not.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use lvs::counters::Totals;
use tokio::net::TcpListener;

use super::{CLUSTER, Member, Place, eventually};
use crate::{agent, listen};

const CONFIG: &str = include_str!("../../../../monitoring/prometheus.yml");
const RULES: &str = include_str!("../../../../monitoring/caribe.rules.yml");
const DASHBOARD: &str = include_str!("../../../../monitoring/grafana-dashboard.json");
/// What is true of kernels in memory, where no director hears the other.
const AS_IN_MEMORY: &[&str] = &["CaribeHeartbeatConcern", "CaribeFailover"];

/// A Prometheus of its own; ends with the test.
struct Prometheus {
    program: Child,
    url: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Prometheus {
    /// Starts it in that folder, where its files are.
    fn start(folder: &std::path::Path) -> Prometheus {
        let mut program = Command::new("prometheus")
            .current_dir(folder)
            .args([
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--web.listen-address=127.0.0.1:0",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(program.stderr.take().unwrap());
        let mut before = String::new();
        let mut lines = said.lines().map(Result::unwrap);
        let address = lines.by_ref().find_map(|line| {
            writeln!(before, "{line}").unwrap();
            let (_, address) = line.split_once("msg=\"Listening on\" address=")?;
            Some(address.to_owned())
        });
        // Nobody else reads what it says; it must not wait for that.
        std::thread::spawn(move || lines.count());
        let address = address.unwrap_or_else(|| panic!("prometheus does not listen:\n{before}"));
        Prometheus { program, url: format!("http://{address}") }
    }

    /// The lines that a query is answered with; one that cannot be evaluated fails the test.
    fn asks(&self, query: &str) -> Vec<String> {
        let output = Command::new("promtool").args(["query", "instant", &self.url, query]).output().unwrap();
        assert!(output.status.success(), "{query}: {output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        said.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

/// Replaces what an example says by what is so here.
fn put(text: &mut String, example: &str, here: &str) {
    assert!(text.contains(example), "{example} is not in\n{text}");
    *text = text.replace(example, here);
}

/// Serves a director's own metrics; where, and the token.
async fn metrics(place: &Place, member: &Member) -> (SocketAddr, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = agent::metrics_service(&member.agent).unwrap();
    tokio::spawn(listen::serve(listener, service, place.stop.subscribe()));
    let token = std::fs::read_to_string(place.folder.path().join(member.name).join("metrics-token")).unwrap();
    (address, token)
}

/// The alerts and their expressions.
fn alerts() -> Vec<(&'static str, &'static str)> {
    let after = |word: &'static str| {
        RULES
            .lines()
            .filter_map(move |line| Some(line.trim_start_matches([' ', '-']).strip_prefix(word)?.trim()))
    };
    let found: Vec<_> = after("alert:").zip(after("expr:")).collect();
    assert_eq!(found.len(), RULES.matches("- alert:").count());
    found
}

/// The queries of the dashboard's panels, with its variables filled in.
fn queries() -> Vec<String> {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let targets = |panel: &serde_json::Value| panel["targets"].as_array().unwrap().clone();
    let panels = dashboard["panels"].as_array().unwrap();
    let texts = panels.iter().flat_map(targets).map(|target| target["expr"].as_str().unwrap().to_owned());
    texts.map(|text| text.replace("$cluster", ".*").replace("$__rate_interval", "15s")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_draws_the_dashboard_and_raises_the_alerts() {
    if Command::new("prometheus").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "prometheus is not installed");
        eprintln!("SKIPPED: prometheus is not installed, so nothing was scraped");
        return;
    }
    let place = Place::new().await;
    let mut members = place.pair().await;
    members[0]
        .kernel
        .set_totals("tcp 192.0.2.10:80".parse().unwrap(), Totals { connections: 77, ..Totals::default() });
    let folder = tempfile::tempdir().unwrap();
    let (first, token) = metrics(&place, &members[0]).await;
    let mut config = CONFIG.to_owned();
    put(&mut config, "scrape_interval: 15s", "scrape_interval: 1s");
    put(&mut config, "console.example.net:3636", &format!("localhost:{}", place.address.port()));
    put(&mut config, "lb1.example.net:3638, lb2.example.net:3638", &first.to_string());
    std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    std::fs::write(folder.path().join("caribe.rules.yml"), RULES).unwrap();
    std::fs::write(folder.path().join("console.token"), &place.token).unwrap();
    std::fs::write(folder.path().join("director.token"), token).unwrap();
    let certificate = place.folder.path().join("console/pki/web.pem");
    std::fs::copy(certificate, folder.path().join("console.pem")).unwrap();
    let prometheus = Prometheus::start(folder.path());

    eventually("both jobs are scraped", async || prometheus.asks("up == 1").len() == 2).await;
    for query in queries() {
        eventually(&query, async || !prometheus.asks(&query).is_empty()).await;
    }
    let own = "caribe_service_connections_total{job=\"caribe-directors\"} == 77";
    eventually(own, async || prometheus.asks(own).len() == 1).await;
    let raised = || -> Vec<&str> {
        let speaks = |(_, query): &(&str, &str)| !prometheus.asks(query).is_empty();
        let found = alerts().into_iter().filter(speaks).map(|(name, _)| name);
        found.filter(|name| !AS_IN_MEMORY.contains(name)).collect()
    };
    eventually("no alert while all is well", async || raised().is_empty()).await;

    // One director is gone, and the only real server of the other takes no connections.
    members.pop().unwrap().agent.stop(false).await;
    let order = serde_json::json!({ "instruction": "draining", "reason": "kernel update" });
    let orders = format!("/clusters/{CLUSTER}/virtual-servers/http/real-servers/one/orders");
    place.api("POST", &orders, Some(&order)).await;
    let expected = ["CaribeDirectorUnreachable", "CaribeServiceWithoutServers"];
    eventually("both are told", async || raised() == expected).await;
    place.end(members).await;
}
