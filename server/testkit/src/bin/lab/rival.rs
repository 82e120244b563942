//! The real keepalived in a director's place: its file, written here so that it can be wrong on purpose, and its
//! processes.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use testkit::caribe::last_lines;
use testkit::process::Background;
use testkit::wait::{self, Seen};

use crate::network::{self, Director, Servers, VIP, six};
use crate::stage::{PATIENCE, Stage};

/// The address that real servers behind NAT answer through.
pub(crate) const NAT_ROUTER: &str = "10.0.0.254";

/// What one keepalived is to speak.
#[derive(Clone, Debug)]
pub(crate) struct Rival {
    pub(crate) priority: u8,
    pub(crate) version: u8,
    /// Seconds, as its file has them.
    pub(crate) interval: &'static str,
    pub(crate) password: Option<&'static str>,
    pub(crate) unicast: bool,
    /// Of the router of the virtual address; the other one's is one more.
    pub(crate) id: u8,
    /// One more address in each router.
    pub(crate) more: bool,
    pub(crate) preempt: bool,
    /// The addresses of [`six`] in place of the others.
    pub(crate) six: bool,
}

impl Rival {
    /// Version 2 with a password and otherwise keepalived's defaults.
    pub(crate) fn ordinary(priority: u8) -> Rival {
        Rival {
            priority,
            version: 2,
            interval: "1",
            password: Some("1111"),
            unicast: false,
            id: 51,
            more: false,
            preempt: true,
            six: false,
        }
    }

    /// The file for one of the directors.
    fn file(&self, own: &Director, partner: &Director) -> String {
        let mut text = format!("global_defs {{\n router_id {}\n}}\n", own.name);
        let _ = write!(text, "vrrp_sync_group both {{\n group {{\n  outside\n  inside\n }}\n}}\n");
        let more = |address: &str| if self.more { format!("\n  {address}") } else { String::new() };
        let (outside, inside, ends) = if self.six {
            let ends = [own, partner].map(six::ends);
            (format!("{}/64", six::VIP), format!("{}/64", six::NAT_ROUTER), ends)
        } else {
            let outside = format!("{VIP}/24{}", more("192.168.1.251/24"));
            let inside = format!("{NAT_ROUTER}/16{}", more("10.0.0.253/16"));
            (outside, inside, [own, partner].map(ends))
        };
        for (name, interface, id, addresses, ends) in [
            ("outside", "eth0", self.id, outside, ends.map(|end| end.0)),
            ("inside", "eth1", self.id + 1, inside, ends.map(|end| end.1)),
        ] {
            let _ = write!(
                text,
                "vrrp_instance {name} {{\n state BACKUP\n interface {interface}\n virtual_router_id {id}\n \
                 priority {}\n advert_int {}\n version {}\n",
                self.priority, self.interval, self.version
            );
            if !self.preempt {
                text.push_str(" nopreempt\n");
            }
            if let Some(password) = self.password {
                let _ = write!(text, " authentication {{\n  auth_type PASS\n  auth_pass {password}\n }}\n");
            }
            if self.unicast {
                let [own, partner] = ends;
                let _ = write!(text, " unicast_src_ip {own}\n unicast_peer {{\n  {partner}\n }}\n");
            }
            let _ = write!(text, " virtual_ipaddress {{\n  {addresses}\n }}\n}}\n");
        }
        let (vip, servers) = if self.six {
            (six::VIP.to_owned(), six::SERVERS.map(str::to_owned))
        } else {
            (VIP.to_string(), Servers::Nat.addresses().map(|address| address.to_string()))
        };
        let _ = write!(text, "virtual_server {vip} 80 {{\n lb_algo rr\n lb_kind NAT\n protocol TCP\n");
        for server in servers {
            let _ = write!(text, " real_server {server} 80 {{\n  weight 1\n }}\n");
        }
        text.push_str("}\n");
        text
    }

    /// Starts it on a director.
    pub(crate) fn start(&self, stage: &Stage, own: &Director, partner: &Director) -> Result<Background> {
        let file = stage.keep(&format!("keepalived-{}.conf", own.name), &self.file(own, partner))?;
        let folder = stage.data(&format!("keepalived-{}", own.name));
        // A number in an old file could be another process by now, and keepalived would not start.
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        // What an earlier one said is not what this one says.
        if log(stage, own).exists() {
            std::fs::remove_file(log(stage, own))?;
        }
        let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let mut command = network::within(own.namespace, &["keepalived", "--dont-fork", "--log-console"]);
        command.args(["--no-syslog", "--log-detail", "--use-file"]).arg(&file);
        command.args([
            "--pid",
            &at("main.pid"),
            "--vrrp_pid",
            &at("vrrp.pid"),
            "--checkers_pid",
            &at("check.pid"),
        ]);
        Background::start(&format!("keepalived of {}", own.name), command, &log(stage, own))
            .with_context(|| format!("keepalived of {}", own.name))
    }

    /// Its processes: the parent and its children.
    pub(crate) fn processes(stage: &Stage, own: &Director) -> Vec<u32> {
        let folder = stage.data(&format!("keepalived-{}", own.name));
        let id = |name: &str| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok();
        ["main.pid", "vrrp.pid", "check.pid"].into_iter().filter_map(id).collect()
    }
}

/// A director's public and private address.
fn ends(director: &Director) -> (&'static str, &'static str) {
    if director.namespace == "d1" { ("192.168.1.10", "10.0.0.10") } else { ("192.168.1.20", "10.0.0.20") }
}

/// Waits until it says that it is a backup.
pub(crate) fn backup(stage: &Stage, rival: &Background, own: &Director) -> Result<()> {
    wait::until(&format!("keepalived of {} is backup", own.name), PATIENCE, || {
        let said = rival.lines().join("\n") + &last_lines(&log(stage, own), 200);
        Ok(if said.contains("Entering BACKUP STATE") { Seen::Yes(()) } else { Seen::not_yet("it is not") })
    })
}

/// Ends it as an operator would: it gives the addresses up first.
pub(crate) fn stop(rival: Background) -> Result<()> {
    rival.stop(PATIENCE).map(|_| ())
}

pub(crate) fn log(stage: &Stage, director: &Director) -> PathBuf {
    stage.log(&format!("keepalived-{}", director.name))
}
