//! Two contents side by side, in words: objects are matched by identity, fields by their JSON path.

use std::collections::BTreeMap;

use lvs::Cluster;
use serde::Serialize;
use serde_json::Value;

use super::{ChangeKind, ChangeLine, Object};

/// What is different in `after`, in the order of the pages: cluster, global, redundancy, directors, virtual servers.
pub(super) fn compare(before: &Cluster, after: &Cluster) -> Vec<ChangeLine> {
    let mut lines = Vec::new();
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
    objects(&mut lines, Object::Director, &before.directors, &after.directors, |d| {
        (d.name.clone(), d.name.clone())
    });
    let (had, has) = (servers(before), servers(after));
    objects(&mut lines, Object::VirtualServer, &had, &has, |v| (v.id.clone(), v.name.clone()));
    let (had, has) = (real_servers(before, after), real_servers(after, after));
    objects(&mut lines, Object::RealServer, &had, &has, |r| (r.id.clone(), r.name.clone()));
    lines
}

/// An object with what it is matched by and called, and the fields that count.
struct Named {
    id: String,
    name: String,
    value: Value,
}

impl Serialize for Named {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

fn key(id: &lvs::model::Id, name: &str) -> String {
    if id.is_unset() { format!("name {name}") } else { id.0.clone() }
}

fn servers(content: &Cluster) -> Vec<Named> {
    let without = |value: &lvs::model::VirtualServer| {
        let mut value = serde_json::to_value(value).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.remove("real_servers");
            map.remove("id");
        }
        value
    };
    content
        .virtual_servers
        .iter()
        .map(|v| Named { id: key(&v.id, &v.name), name: v.name.clone(), value: without(v) })
        .collect()
}

/// Real servers of virtual servers that `other` has too: where one comes or goes as a whole, its line says enough.
fn real_servers(content: &Cluster, after: &Cluster) -> Vec<Named> {
    let stays = |id: &str| after.virtual_servers.iter().any(|v| key(&v.id, &v.name) == id);
    let mut all = Vec::new();
    for v in &content.virtual_servers {
        let owner = key(&v.id, &v.name);
        if !stays(&owner) {
            continue;
        }
        for r in &v.real_servers {
            let mut value = serde_json::to_value(r).unwrap_or_default();
            if let Some(map) = value.as_object_mut() {
                map.remove("id");
            }
            let name = format!("{} / {}", v.name, r.name);
            all.push(Named { id: format!("{owner} {}", key(&r.id, &r.name)), name, value });
        }
    }
    all
}

fn objects<T: Serialize>(
    lines: &mut Vec<ChangeLine>,
    object: Object,
    before: &[T],
    after: &[T],
    names: impl Fn(&T) -> (String, String),
) {
    let had: BTreeMap<String, &T> = before.iter().map(|o| (names(o).0, o)).collect();
    let has: BTreeMap<String, &T> = after.iter().map(|o| (names(o).0, o)).collect();
    for gone in before.iter().filter(|o| !has.contains_key(&names(o).0)) {
        lines.push(ChangeLine { object, name: names(gone).1, change: ChangeKind::Removed });
    }
    for now in after {
        let (id, name) = names(now);
        match had.get(&id) {
            None => lines.push(ChangeLine { object, name, change: ChangeKind::Added }),
            Some(then) => fields(lines, object, &name, *then, now),
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
}
