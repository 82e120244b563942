//! Two contents side by side, in words: objects are matched by identity, fields by their JSON path.

use std::collections::{BTreeMap, BTreeSet};

use lvs::Cluster;
use lvs::model::{Director, Id, MASK, RealServer, VirtualServer};
use serde::Serialize;
use serde_json::Value;

use super::{ChangeKind, ChangeLine, Object};

/// What is different in `after`, in the order of the pages: cluster, global, redundancy, directors, virtual servers.
/// Of a password only is said that it is another one.
pub(super) fn compare(before: &Cluster, after: &Cluster) -> Vec<ChangeLine> {
    let mut lines = Vec::new();
    let passwords = other_passwords(before, after);
    let (before, after) = (&before.clone().masked(), &after.clone().masked());
    if before.name != after.name {
        let field = ChangeKind::Field {
            field: "name".to_owned(),
            before: Some(before.name.clone()).filter(|n| !n.is_empty()),
            after: Some(after.name.clone()),
        };
        lines.push(ChangeLine { object: Object::Cluster, name: String::new(), change: field });
    }
    fields(&mut lines, Object::Global, "", &before.global, &after.global);
    fields(&mut lines, Object::Redundancy, "", &before.redundancy, &after.redundancy);
    lines.extend(passwords);
    objects(&mut lines, Object::Director, &directors(before), &directors(after), &[]);
    let (had, has) = (servers(before), servers(after));
    objects(&mut lines, Object::VirtualServer, &had, &has, &["id", "real_servers"]);
    let stay: BTreeSet<&str> = has.iter().map(|v| v.id.as_str()).collect();
    let (had, has) = (real_servers(before, &stay), real_servers(after, &stay));
    objects(&mut lines, Object::RealServer, &had, &has, &["id"]);
    lines
}

/// A line for each VRRP instance whose password is another one than before; masked, both would look the same.
fn other_passwords(before: &Cluster, after: &Cluster) -> Vec<ChangeLine> {
    let known = before.redundancy.protocol.instances();
    let instances = after.redundancy.protocol.instances().iter().enumerate();
    instances
        .filter(|(index, now)| {
            let then = known.get(*index).and_then(|then| then.password.as_ref());
            then.zip(now.password.as_ref()).is_some_and(|(then, now)| then != now)
        })
        .map(|(index, _)| ChangeLine {
            object: Object::Redundancy,
            name: String::new(),
            change: ChangeKind::Field {
                field: format!("protocol.instances.{index}.password"),
                before: Some(MASK.to_owned()),
                after: Some(MASK.to_owned()),
            },
        })
        .collect()
}

/// An object with what it is matched by and called.
struct Named<'a, T> {
    id: String,
    name: String,
    object: &'a T,
}

fn key(id: &Id, name: &str) -> String {
    if id.is_unset() { format!("name {name}") } else { id.0.clone() }
}

fn directors(content: &Cluster) -> Vec<Named<'_, Director>> {
    let directors = content.directors.iter();
    directors.map(|d| Named { id: d.name.clone(), name: d.name.clone(), object: d }).collect()
}

fn servers(content: &Cluster) -> Vec<Named<'_, VirtualServer>> {
    let servers = content.virtual_servers.iter();
    servers.map(|v| Named { id: key(&v.id, &v.name), name: v.name.clone(), object: v }).collect()
}

/// Real servers of the virtual servers that stay: where one comes or goes as a whole, its line says enough.
fn real_servers<'a>(content: &'a Cluster, stay: &BTreeSet<&str>) -> Vec<Named<'a, RealServer>> {
    let mut all = Vec::new();
    for v in &content.virtual_servers {
        let owner = key(&v.id, &v.name);
        if !stay.contains(owner.as_str()) {
            continue;
        }
        all.extend(v.real_servers.iter().map(|r| Named {
            id: format!("{owner} {}", key(&r.id, &r.name)),
            name: format!("{} / {}", v.name, r.name),
            object: r,
        }));
    }
    all
}

/// `without` names members that do not count. Only objects that differ are taken apart: most of a large content does
/// not.
fn objects<T: Serialize + PartialEq>(
    lines: &mut Vec<ChangeLine>,
    object: Object,
    before: &[Named<'_, T>],
    after: &[Named<'_, T>],
    without: &[&str],
) {
    let had: BTreeMap<&str, &T> = before.iter().map(|o| (o.id.as_str(), o.object)).collect();
    let has: BTreeSet<&str> = after.iter().map(|o| o.id.as_str()).collect();
    for gone in before.iter().filter(|o| !has.contains(o.id.as_str())) {
        lines.push(ChangeLine { object, name: gone.name.clone(), change: ChangeKind::Removed });
    }
    let value = |object: &T| {
        let mut value = serde_json::to_value(object).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.retain(|member, _| !without.contains(&member.as_str()));
        }
        value
    };
    for now in after {
        match had.get(now.id.as_str()) {
            None => lines.push(ChangeLine { object, name: now.name.clone(), change: ChangeKind::Added }),
            Some(then) if *then == now.object => {}
            Some(then) => fields(lines, object, &now.name, &value(then), &value(now.object)),
        }
    }
}

fn fields<T: Serialize>(lines: &mut Vec<ChangeLine>, object: Object, name: &str, before: &T, after: &T) {
    let leaves = |value: &T| {
        let mut all = BTreeMap::new();
        flatten(&serde_json::to_value(value).unwrap_or_default(), String::new(), &mut all);
        all
    };
    let (had, has) = (leaves(before), leaves(after));
    let mut paths: Vec<&String> = had.keys().chain(has.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths.into_iter().filter(|path| had.get(*path) != has.get(*path)) {
        let change = ChangeKind::Field {
            field: path.clone(),
            before: had.get(path).cloned(),
            after: has.get(path).cloned(),
        };
        lines.push(ChangeLine { object, name: name.to_owned(), change });
    }
}

fn flatten(value: &Value, path: String, all: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(value, path, all);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                flatten(item, format!("{path}.{index}"), all);
            }
        }
        Value::Array(items) => {
            let words: Vec<String> = items.iter().map(word).collect();
            all.insert(path, words.join(", "));
        }
        leaf => {
            all.insert(path, word(leaf));
        }
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(value: serde_json::Value) -> Cluster {
        serde_json::from_value(value).unwrap()
    }

    fn text(before: &Cluster, after: &Cluster) -> Vec<String> {
        compare(before, after)
            .into_iter()
            .map(|line| {
                let what = match line.change {
                    ChangeKind::Added => "added".to_owned(),
                    ChangeKind::Removed => "removed".to_owned(),
                    ChangeKind::Field { field, before, after } => {
                        format!("{field} {} -> {}", before.unwrap_or("-".into()), after.unwrap_or("-".into()))
                    }
                };
                format!("{:?} {:?} {what}", line.object, line.name)
            })
            .collect()
    }

    #[test]
    fn differences_are_said_object_by_object_and_field_by_field() {
        let before = cluster(serde_json::json!({
            "name": "web",
            "directors": [{ "name": "director-a", "seat": "primary", "public": "192.0.2.10" }],
            "virtual_servers": [
                { "id": "vs_1", "name": "http", "vip": { "address": "192.0.2.1" }, "real_servers": [
                    { "id": "rs_1", "name": "one", "address": "10.0.0.1" },
                    { "id": "rs_2", "name": "two", "address": "10.0.0.2" },
                ] },
                { "id": "vs_2", "name": "ftp", "port": 21, "real_servers": [
                    { "id": "rs_3", "name": "one", "address": "10.0.0.1" },
                ] },
            ],
        }));
        let after = cluster(serde_json::json!({
            "name": "web",
            "global": { "timeouts": { "tcp": 300 } },
            "directors": [
                { "name": "director-a", "seat": "primary", "public": "192.0.2.11" },
                { "name": "director-b", "seat": "backup", "public": "192.0.2.12" },
            ],
            "virtual_servers": [
                { "id": "vs_1", "name": "www", "scheduler": "rr", "vip": { "address": "192.0.2.1", "prefix": 24 },
                  "real_servers": [
                    { "id": "rs_1", "name": "one", "address": "10.0.0.1", "weight": 5 },
                    { "id": "rs_4", "name": "three", "address": "10.0.0.3" },
                ] },
            ],
        }));
        assert_eq!(
            text(&before, &after),
            [
                "Global \"\" timeouts.tcp - -> 300",
                "Director \"director-a\" public 192.0.2.10 -> 192.0.2.11",
                "Director \"director-b\" added",
                "VirtualServer \"ftp\" removed",
                "VirtualServer \"www\" name http -> www",
                "VirtualServer \"www\" scheduler wlc -> rr",
                "VirtualServer \"www\" vip.prefix - -> 24",
                "RealServer \"http / two\" removed",
                "RealServer \"www / one\" weight 1 -> 5",
                "RealServer \"www / three\" added",
            ]
        );
        assert_eq!(text(&after, &after), [""; 0]);
    }

    #[test]
    fn a_password_is_said_to_differ_and_not_shown() {
        let with = |password: &str| {
            cluster(serde_json::json!({
                "name": "web",
                "redundancy": { "protocol": { "kind": "vrrp", "instances": [{
                    "name": "VI_1", "interface": "eth0", "virtual_router_id": 51,
                    "priority": { "primary": 150, "backup": 100 }, "password": password,
                    "addresses": ["192.0.2.1", "192.0.2.2"],
                }] } },
            }))
        };
        let said = text(&with("oldpass1"), &with("newpass2"));
        assert_eq!(said, ["Redundancy \"\" protocol.instances.0.password ******** -> ********"]);
        let said = text(&Cluster { name: "web".into(), ..Cluster::default() }, &with("newpass2")).join("\n");
        assert!(said.contains("protocol.instances.0.addresses - -> 192.0.2.1, 192.0.2.2"), "{said}");
        assert!(said.contains("password - -> ********") && !said.contains("newpass2"), "{said}");
        assert_eq!(text(&with("same"), &with("same")), [""; 0]);
    }
}
