//! What is checked: virtual servers with one real server each, how that is asked, and what has to be said of it.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::distribution::Certificates;
use crate::network::{Servers, VIP};
use crate::stage::Stage;

/// The name that certificates have to have.
pub(in crate::scenario) const NAME: &str = "shop.example";
/// Every real server's weight.
const WEIGHT: u32 = 3;

/// Machines of real servers: those that are well, and those with faults.
pub(in crate::scenario) const WELL: &str = "10.0.0.100";
pub(super) const FAULTY: &str = "10.0.0.200";

/// What has to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum Says {
    /// It is up.
    Up,
    /// It is down: the class of failure, and the sentence.
    Down(&'static str, &'static str),
}

/// A virtual server.
pub(in crate::scenario) struct Case {
    pub(in crate::scenario) name: &'static str,
    /// Its port, which is its real server's, too, unless that is named.
    port: u16,
    udp: bool,
    address: &'static str,
    server_port: u16,
    check: Value,
    pub(in crate::scenario) says: Says,
}

impl Case {
    fn up(name: &'static str, port: u16, check: Value) -> Case {
        Case { name, port, udp: false, address: WELL, server_port: port, check, says: Says::Up }
    }

    fn down(
        name: &'static str,
        port: u16,
        check: Value,
        class: &'static str,
        sentence: &'static str,
    ) -> Case {
        Case { address: FAULTY, says: Says::Down(class, sentence), ..Case::up(name, port, check) }
    }

    fn on(self, address: &'static str, server_port: u16) -> Case {
        Case { address, server_port, ..self }
    }

    /// The real server's line in a table.
    pub(in crate::scenario) fn row(&self) -> String {
        let (protocol, Case { port, address, server_port, .. }) = (self.protocol(), self);
        format!("-a {protocol} {VIP}:{port} -r {address}:{server_port} -m -w {WEIGHT}")
    }

    fn service(&self) -> String {
        format!("-A {} {VIP}:{} -s rr", self.protocol(), self.port)
    }

    fn protocol(&self) -> &'static str {
        if self.udp { "-u" } else { "-t" }
    }

    fn virtual_server(&self) -> Value {
        json!({
            "name": self.name, "port": self.port, "protocol": if self.udp { "udp" } else { "tcp" },
            "scheduler": "rr", "vip": { "address": VIP.to_string(), "prefix": 24, "device": "eth0:1" },
            "monitor": {
                "checks": [self.check], "interval_ms": 2_000, "timeout_ms": 1_500, "fall": 2, "rise": 1,
                "retry_delay_ms": 250, "reentry_s": 0,
            },
            "real_servers": [{
                "name": "one", "address": self.address, "port": self.server_port, "weight": WEIGHT,
            }],
        })
    }
}

/// A page over TLS.
fn secure(verify: bool, authority: &str) -> Value {
    let tls = match verify {
        true => json!({ "name": NAME, "verify": true, "authorities": authority }),
        false => json!({ "name": NAME, "verify": false }),
    };
    json!({ "kind": "http", "host": NAME, "tls": tls })
}

/// Servers that are well, all on one machine; web servers, cache and name server of the distribution among them.
pub(in crate::scenario) fn well(certificates: &Certificates) -> Vec<Case> {
    let authority = certificates.authority.as_str();
    let page = json!({ "kind": "http", "body": { "text": "nginx" } });
    let name = json!({ "kind": "dns", "name": NAME, "record": "A", "answer": "192.0.2.7" });
    vec![
        Case::up("web", 81, page),
        Case::up("web-secure", 443, secure(true, authority)),
        Case::up("web-unverified", 9444, secure(false, authority)).on(WELL, 9443),
        Case::up("cache", 6379, json!({ "kind": "redis" })),
        Case { udp: true, ..Case::up("names", 53, name) },
        Case::up("connect", 80, json!({ "kind": "connect" })),
        Case::up("ping", 8000, json!({ "kind": "ping" })),
    ]
}

/// Those and what takes longer to start, and servers that are slow.
pub(super) fn slow() -> Vec<Case> {
    let patient = json!({ "kind": "smtp", "interval_ms": 7_000, "timeout_ms": 6_000 });
    vec![
        Case::up("database", 5432, json!({ "kind": "postgres" })),
        Case::up("mail-patient", 25, patient).on(FAULTY, 25),
        Case::up("resets-now-and-then", 8007, json!({ "kind": "http" })).on(FAULTY, 8007),
        Case::up(
            "lossy",
            8003,
            json!({ "kind": "http", "interval_ms": 1_000, "timeout_ms": 800, "fall": 10 }),
        )
        .on(FAULTY, 8003),
    ]
}

/// Servers that are down, each in a way of its own.
pub(super) fn faulty(certificates: &Certificates) -> Vec<Case> {
    let authority = certificates.authority.as_str();
    let page = || json!({ "kind": "http" });
    let total = "Its answer was not complete in time.";
    let down = Case::down;
    vec![
        down("other-name", 8443, secure(true, authority), "tls", "Its certificate is for another name.")
            .on(WELL, 8443),
        down(
            "self-signed",
            9443,
            secure(true, authority),
            "tls",
            "Nobody whom the director trusts has signed its certificate.",
        )
        .on(WELL, 9443),
        down("no-tls", 8444, secure(true, authority), "tls", "What answers there does not speak TLS.")
            .on(WELL, 81),
        down(
            "maintenance",
            8081,
            json!({ "kind": "http", "path": "/gone" }),
            "status",
            "It answered with status 503.",
        )
        .on(WELL, 81),
        down("mail-hasty", 2525, json!({ "kind": "smtp" }), "timed-out", total).on(FAULTY, 25),
        down("drips", 8001, page(), "timed-out", total),
        down("hangs", 8002, page(), "timed-out", "It took the connection and said nothing in time."),
        down("hangs-secure", 8102, secure(true, authority), "timed-out", "TLS was not agreed in time.")
            .on(FAULTY, 8002),
        down("resets", 8004, page(), "reset", "It reset the connection."),
        down("closed", 8005, page(), "refused", "It refuses connections: nobody listens there."),
        down("silent", 8006, page(), "timed-out", "No connection came about in time."),
        down(
            "ends-early",
            8008,
            page(),
            "closed-early",
            "It ended the connection before its answer was complete.",
        ),
    ]
}

/// A pair of directors with these virtual servers.
pub(in crate::scenario) fn content(stage: &Stage, cases: &[&Case]) -> Result<Value> {
    let mut content = stage.pair(Servers::Nat, false)?;
    let place = content.pointer_mut("/virtual_servers").context("virtual servers")?;
    *place = cases.iter().map(|case| case.virtual_server()).collect();
    Ok(content)
}

/// The table with the rows of some of them.
pub(in crate::scenario) fn table(cases: &[&Case], there: impl Fn(&Case) -> bool) -> String {
    let lines = cases.iter().flat_map(|case| [Some(case.service()), there(case).then(|| case.row())]);
    lines.flatten().map(|line| line + "\n").collect()
}
