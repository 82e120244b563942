//! The agent's support bundle: what its folder and this machine's kernel tell a developer, without keys.
//!
//! It asks the running agent for its status, and reads files and kernel; it makes nothing, and changes nothing but what the
//! agent's start does as well: the module `ip_vs` is loaded where that is possible. What cannot be had is named as left out. Blocking; called by `caribe support-bundle`, also where no agent runs.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

use kernel::{Kernel, LinuxKernel};
use lvs::format::ipvsadm;
use lvs::plan::Ownership;
use lvs::preflight::obstacles;
use lvs::support::Bundle;
use lvs::table::{BACKUP_ONLY, HOST_PARAMETERS, Observed};
use lvs::wire::Target;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::disk::Folder;
use crate::identity::IDENTITY;
use crate::local::{LocalAnswer, LocalQuestion, ask};
use crate::trial::{Note, TRIAL};
use crate::{documents, journal, metrics};

/// Newest entries of the journal.
const NEWEST: usize = 500;
/// Files of ours that hold no secret, and are told as they are.
const PLAIN: [&str; 7] = [
    IDENTITY,
    documents::OWNERSHIP,
    documents::SETTLED,
    "checks.json",
    "orders.json",
    "heartbeat.json",
    "hooks.json",
];
/// What is never in it, and why.
const LEFT_OUT: [(&str, &str); 4] = [
    ("key.pem, cert.pem, ca.pem", "who has the key is this director"),
    (metrics::FILE, "the token that reads metrics"),
    (documents::BEFORE, "earlier configurations, with the keys of their heartbeats"),
    ("the log", "it is where the service manager keeps it: journalctl -u caribe-agent"),
];

/// Whether this is an agent's folder.
pub fn is_agent(data: &Path) -> bool {
    [IDENTITY, documents::TARGET, documents::OWNERSHIP, journal::FILE]
        .iter()
        .any(|file| data.join(file).is_file())
}

/// What the agent in this folder and its kernel can tell.
pub fn support(data: &Path) -> Bundle {
    let mut bundle = from_folder(data);
    match LinuxKernel::open() {
        Ok(mut kernel) => {
            if let Some(observed) = from_kernel(&mut kernel, data, &mut bundle) {
                balanced(&observed, &mut bundle);
            }
        }
        // A machine that lacks it is one that is asked about: the rest of it is told all the same.
        Err(error) => {
            bundle.leave_out("kernel/ipvs.txt, kernel/sync.json, kernel/timeouts.json", &error.to_string());
            match LinuxKernel::without_ipvs() {
                Ok(mut kernel) => drop(from_kernel(&mut kernel, data, &mut bundle)),
                Err(error) => bundle.leave_out("the rest of kernel/", &error.to_string()),
            }
        }
    }
    let found: Vec<String> = crate::preflight();
    bundle.text("preflight.txt", if found.is_empty() { "nothing\n".to_owned() } else { lines(found) });
    bundle
}

/// A file of the folder; none where it is not there or says something else, which is told.
fn read<T: DeserializeOwned>(folder: &Folder, name: &str, bundle: &mut Bundle) -> Option<T> {
    match folder.read_json(name, "") {
        Ok(found) => {
            if found.is_none() {
                bundle.leave_out(name, "there is none");
            }
            found
        }
        Err(error) => {
            bundle.leave_out(name, &error.to_string());
            None
        }
    }
}

fn from_folder(data: &Path) -> Bundle {
    let mut bundle = Bundle::default();
    for (what, why) in LEFT_OUT {
        bundle.leave_out(what, why);
    }
    match ask(data, LocalQuestion::Status) {
        Ok(LocalAnswer::Status(status)) => bundle.json("status.json", &status),
        Ok(_) => bundle.leave_out("status.json", "the agent answered something else"),
        Err(error) => bundle.leave_out("status.json", &error.to_string()),
    }
    let folder = match Folder::there(data) {
        Some(folder) => folder,
        None => {
            bundle.leave_out("the folder", "there is none");
            return bundle;
        }
    };
    // First all that has to be hidden, wherever it turns up.
    let earlier: Vec<Target> = folder.read_json(documents::BEFORE, "").ok().flatten().unwrap_or_default();
    let target: Option<Target> = read(&folder, documents::TARGET, &mut bundle);
    let trial: Option<Note> = read(&folder, TRIAL, &mut bundle);
    for held in earlier.iter().chain(&target).chain(trial.as_ref().map(|note| &note.before)) {
        held.secrets().iter().for_each(|secret| bundle.hide(secret));
    }
    if let Ok(Some(token)) = folder.read(metrics::FILE) {
        bundle.hide_text(&String::from_utf8_lossy(&token));
    }
    if let Some(target) = target {
        bundle.json(documents::TARGET, &target.masked());
    }
    if let Some(note) = trial {
        bundle.json(TRIAL, &Note { before: note.before.masked(), ..note });
    }
    for name in PLAIN {
        if let Some(value) = read::<Value>(&folder, name, &mut bundle) {
            bundle.json(name, &value);
        }
    }
    bundle.json("journal.json", &journal::newest(data, NEWEST));
    bundle
}

/// What the kernel's IPVS holds.
fn balanced(observed: &Observed, bundle: &mut Bundle) {
    bundle.text("kernel/ipvs.txt", ipvsadm::save(&observed.table));
    bundle.json("kernel/sync.json", &observed.sync);
    bundle.json("kernel/timeouts.json", &observed.timeouts);
}

/// What the kernel holds besides, in the words of ip and sysctl; it is returned as it was observed.
fn from_kernel(kernel: &mut impl Kernel, data: &Path, bundle: &mut Bundle) -> Option<Observed> {
    let folder = Folder::there(data);
    let owned: Option<Ownership> =
        folder.as_ref().and_then(|folder| folder.read_json(documents::OWNERSHIP, "").ok().flatten());
    let ours = owned.map(|owned| owned.parameters).unwrap_or_default().into_keys();
    let names: BTreeSet<String> =
        HOST_PARAMETERS.iter().chain([&BACKUP_ONLY]).map(|name| (*name).to_owned()).chain(ours).collect();
    let observed = match kernel.observe(&names) {
        Ok(observed) => observed,
        Err(error) => {
            bundle.leave_out("kernel/*", &error.to_string());
            return None;
        }
    };
    bundle.text("kernel/addresses.txt", addresses(&observed));
    bundle.text("kernel/links.txt", links(&observed));
    let values = observed.sysctls.iter().map(|(name, value)| format!("{name} = {value}"));
    bundle.text("kernel/sysctls.txt", lines(values));
    match &observed.packets {
        Some(rules) => bundle.text("kernel/packets.txt", lines(rules)),
        None => bundle.leave_out("kernel/packets.txt", "there is no table of ours"),
    }
    // What stands in the way of the configuration that is held; without one, of nothing.
    let held = folder.as_ref().and_then(documents::held_target).and_then(|held| held.cluster.validate().ok());
    if let Some(cluster) = held {
        bundle.json("obstacles.json", &obstacles(&cluster, &observed, &kernel.surroundings()));
    }
    Some(observed)
}

fn addresses(observed: &Observed) -> String {
    lines(observed.addresses.iter().map(|(key, row)| {
        let mut line = key.to_string();
        row.label.iter().for_each(|label| line.push_str(&format!(" label {label}")));
        row.valid_s.iter().for_each(|seconds| line.push_str(&format!(" valid {seconds} s")));
        for (is, word) in [(row.secondary, " secondary"), (row.tagged, " caribe")] {
            line.push_str(if is { word } else { "" });
        }
        line
    }))
}

fn links(observed: &Observed) -> String {
    lines(observed.links.iter().map(|(name, link)| {
        let mac: Vec<String> = link.mac.iter().map(|byte| format!("{byte:02x}")).collect();
        let on = |is, word| if is { word } else { "" };
        let words = [on(link.up, " up"), on(link.carrier, " carrier")].concat();
        format!("{}: {name}{words} {}", link.index, mac.join(":")).trim_end().to_owned()
    }))
}

fn lines(items: impl IntoIterator<Item = impl Display>) -> String {
    items.into_iter().map(|item| format!("{item}\n")).collect()
}

#[cfg(test)]
mod tests {
    use kernel::MemoryKernel;
    use lvs::plan::Step;
    use lvs::table::{AddressKey, DesiredAddress, Link};

    use super::*;

    #[test]
    fn the_kernel_is_told_in_words_that_an_operator_knows() {
        let place = tempfile::tempdir().unwrap();
        let mut kernel = MemoryKernel::new();
        kernel.set_link("eth0", Link { index: 2, up: true, carrier: true, mac: vec![2, 0, 0, 0, 0, 9] });
        kernel.set_parameter("net.ipv4.ip_forward", Some("1"));
        let key: AddressKey = "eth0 192.0.2.10/32".parse().unwrap();
        let label = DesiredAddress { label: Some("eth0:1".to_owned()) };
        let service = lvs::table::ServiceRow {
            scheduler: "wlc".to_owned(),
            flags: Default::default(),
            persistence: None,
            one_packet: false,
        };
        let add = Step::AddService { key: "tcp 192.0.2.10:80".parse().unwrap(), row: service };
        for result in kernel.apply(&[add, Step::AddAddress { key, row: label }]) {
            result.unwrap();
        }
        let mut bundle = Bundle::default();
        let observed = from_kernel(&mut kernel, place.path(), &mut bundle).unwrap();
        balanced(&observed, &mut bundle);
        let members = bundle.finish("Of a test.");
        let text = |name: &str| {
            let member = members.iter().find(|member| member.name == name).unwrap();
            String::from_utf8(member.content.clone()).unwrap()
        };
        assert_eq!(text("kernel/ipvs.txt"), "-A -t 192.0.2.10:80 -s wlc\n");
        assert!(text("kernel/addresses.txt").starts_with("eth0 192.0.2.10/32 label eth0:1"));
        assert!(text("kernel/links.txt").contains("2: eth0 up carrier 02:00:00:00:00:09\n"));
        assert!(text("kernel/sysctls.txt").contains("net.ipv4.ip_forward = 1\n"));
        assert!(text("MANIFEST").contains("kernel/packets.txt: there is no table of ours"));
    }

    #[test]
    fn a_folder_without_an_agent_is_none_and_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let nowhere = place.path().join("nowhere");
        assert!(!is_agent(&nowhere) && !is_agent(place.path()));
        let manifest = from_folder(&nowhere).finish("").remove(0);
        let said = String::from_utf8(manifest.content).unwrap();
        assert!(said.contains("status.json: no agent answers") && !nowhere.exists(), "{said}");
    }

    #[test]
    fn nothing_of_any_secret_in_the_folder_is_told() {
        let place = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
        let target = |sending: char, vrrp: &str| {
            serde_json::json!({
                "cluster_id": "cl_1", "director_id": "dir_1", "director": "one", "revision": 3, "digest": "d",
                "heartbeat": {
                    "sending": { "id": 1, "secret": String::from(sending).repeat(64) },
                    "accepted": [{ "id": 2, "secret": "e".repeat(64) }],
                },
                "cluster": {
                    "name": "shop", "directors": [{ "name": "one", "seat": "primary", "public": "192.0.2.2" }],
                    "redundancy": { "protocol": { "kind": "vrrp", "version": 2, "instances": [{
                        "name": "VI_1", "interface": "eth0", "virtual_router_id": 51, "password": vrrp,
                        "priority": { "primary": 150, "backup": 100 },
                    }] } },
                    "virtual_servers": [{
                        "name": "web", "port": 80, "vip": { "address": "192.0.2.10", "device": "eth0:1" },
                        "monitor": { "checks": [{ "kind": "redis", "password": "planted-redis" }] },
                    }],
                },
            })
        };
        let held = target('a', "vRRp-now");
        put(documents::TARGET, &held.to_string());
        put(documents::BEFORE, &serde_json::json!([target('b', "vRRp-old")]).to_string());
        let trial = serde_json::json!({
            "revision": 3, "digest": "d", "seconds": 60, "until_s": 1, "before": target('c', "vRRp-try"),
        });
        put(TRIAL, &trial.to_string());
        put(metrics::FILE, "planted-metrics-token\n");
        put("key.pem", "-----BEGIN PRIVATE KEY-----\nplantedkey\n-----END PRIVATE KEY-----\n");
        // What a program said of a server, with a password in it that nobody should have put there.
        put("checks.json", r#"{"at_ms":1,"memory":{"said":"AUTH planted-redis failed, vRRp-old"}}"#);
        put("orders.json", "{ broken");
        let mut bundle = from_folder(place.path());
        from_kernel(&mut MemoryKernel::new(), place.path(), &mut bundle);
        let members = bundle.finish("Of a test.");
        let keys = ["a", "b", "c", "e"].map(|digit| digit.repeat(64));
        let planted =
            ["vRRp-now", "vRRp-old", "vRRp-try", "planted-redis", "planted-metrics-token", "plantedkey"];
        for member in &members {
            let text = String::from_utf8(member.content.clone()).unwrap();
            for secret in planted.iter().copied().chain(keys.iter().map(String::as_str)) {
                assert!(!text.contains(secret), "{} holds {secret}", member.name);
            }
        }
        let text = |name: &str| {
            let member = members.iter().find(|member| member.name == name).unwrap();
            String::from_utf8(member.content.clone()).unwrap()
        };
        assert!(text(documents::TARGET).contains("192.0.2.10") && text(TRIAL).contains("192.0.2.10"));
        assert!(text("checks.json").contains("AUTH ******** failed, ********"));
        let manifest = text("MANIFEST");
        assert!(manifest.contains("orders.json") && manifest.contains("is unusable"), "{manifest}");
        assert!(is_agent(place.path()));
    }
}
