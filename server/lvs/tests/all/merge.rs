//! Two changes of one cluster made one: nothing is lost, nothing invented, and what both changed is said.

use std::collections::BTreeMap;

use crate::fixture::random;
use lvs::Cluster;
use lvs::model::{Choices, Disagreement, Id, Merged, MergedObject, Side, merge};
use proptest::prelude::*;
use serde_json::{Value, json};

fn cluster(value: Value) -> Cluster {
    serde_json::from_value(value).unwrap()
}

fn plain(base: &Cluster, theirs: &Cluster, mine: &Cluster) -> Merged {
    merge(base, theirs, mine, &Choices::new())
}

fn web() -> Cluster {
    cluster(json!({
        "name": "web",
        "directors": [
            { "name": "a", "seat": "primary", "public": "192.0.2.10" },
            { "name": "b", "seat": "backup", "public": "192.0.2.11" },
        ],
        "virtual_servers": [
            { "id": "vs_1", "name": "http", "vip": { "address": "192.0.2.1" },
              "monitor": { "checks": [{ "kind": "http", "path": "/" }, { "kind": "connect" }] },
              "real_servers": [
                { "id": "rs_1", "name": "one", "address": "10.0.0.1" },
                { "id": "rs_2", "name": "two", "address": "10.0.0.2" },
            ] },
            { "id": "vs_2", "name": "ftp", "port": 21, "vip": { "address": "192.0.2.1" } },
        ],
    }))
}

/// The content of `web` with JSON values put at pointers.
fn with(changes: &[(&str, Value)]) -> Cluster {
    let mut value = serde_json::to_value(web()).unwrap();
    for (pointer, new) in changes {
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        match value.pointer_mut(parent).unwrap() {
            Value::Object(map) => drop(map.insert(member.to_owned(), new.clone())),
            Value::Array(list) if member == "-" => list.push(new.clone()),
            Value::Array(list) if new.is_null() => drop(list.remove(member.parse().unwrap())),
            Value::Array(list) => list[member.parse::<usize>().unwrap()] = new.clone(),
            other => panic!("{other}"),
        }
    }
    cluster(value)
}

/// Conflicts as `place base theirs mine`.
fn told(merged: &Merged) -> Vec<String> {
    let word = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
    merged
        .conflicts
        .iter()
        .map(|c| format!("{} {} {} {}", c.place, word(&c.base), word(&c.theirs), word(&c.mine)))
        .collect()
}

#[test]
fn changes_of_different_fields_and_rows_are_both_there() {
    let theirs = with(&[
        ("/virtual_servers/0/scheduler", json!("rr")),
        ("/virtual_servers/0/real_servers/0/weight", json!(5)),
        ("/virtual_servers/1", Value::Null),
        ("/virtual_servers/0/monitor/checks/0/path", json!("/alive")),
        ("/directors/0/name", json!("director-a")),
    ]);
    let mine = with(&[
        ("/virtual_servers/0/persistence", json!({ "timeout_s": 300 })),
        ("/virtual_servers/0/real_servers/0/address", json!("10.0.0.9")),
        (
            "/virtual_servers/0/real_servers/-",
            json!({ "id": "rs_3", "name": "three", "address": "10.0.0.3" }),
        ),
        ("/virtual_servers/0/monitor/checks/0/timeout_ms", json!(700)),
        ("/directors/0/private", json!("10.0.0.100")),
    ]);
    let merged = plain(&web(), &theirs, &mine);
    assert_eq!(told(&merged), [""; 0]);
    let both = with(&[
        ("/virtual_servers/0/scheduler", json!("rr")),
        ("/virtual_servers/0/persistence", json!({ "timeout_s": 300 })),
        ("/virtual_servers/0/real_servers/0/weight", json!(5)),
        ("/virtual_servers/0/real_servers/0/address", json!("10.0.0.9")),
        (
            "/virtual_servers/0/real_servers/-",
            json!({ "id": "rs_3", "name": "three", "address": "10.0.0.3" }),
        ),
        ("/virtual_servers/0/monitor/checks/0/path", json!("/alive")),
        ("/virtual_servers/0/monitor/checks/0/timeout_ms", json!(700)),
        ("/virtual_servers/1", Value::Null),
        ("/directors/0/name", json!("director-a")),
        ("/directors/0/private", json!("10.0.0.100")),
    ]);
    assert_eq!(merged.cluster, both);
}

#[test]
fn the_same_field_changed_differently_is_a_conflict_with_all_three_values() {
    let theirs = with(&[("/virtual_servers/0/real_servers/1/weight", json!(3))]);
    let mine = with(&[("/virtual_servers/0/real_servers/1/weight", json!(7))]);
    let merged = plain(&web(), &theirs, &mine);
    assert_eq!(told(&merged), ["/virtual_servers/vs_1/real_servers/rs_2/weight 1 3 7"]);
    let conflict = &merged.conflicts[0];
    assert_eq!(conflict.object, MergedObject::RealServer("http".into(), "two".into()));
    assert_eq!((conflict.field.as_str(), conflict.about), ("weight", Disagreement::Value));
    assert!(!merged.is_settled());
    // Until somebody chooses, what runs stands.
    assert_eq!(merged.cluster, theirs);
    for (side, result) in [(Side::Mine, &mine), (Side::Theirs, &theirs)] {
        let chosen = [(conflict.place.clone(), side)].into();
        let merged = merge(&web(), &theirs, &mine, &chosen);
        assert!(merged.is_settled() && merged.cluster == *result, "{side:?}");
    }
}

#[test]
fn a_row_that_one_removed_and_the_other_changed_is_a_conflict() {
    let removed = with(&[("/virtual_servers/0", Value::Null)]);
    let changed = with(&[("/virtual_servers/0/real_servers/1/weight", json!(7))]);
    let merged = plain(&web(), &removed, &changed);
    let [conflict] = merged.conflicts.as_slice() else { panic!("{:?}", told(&merged)) };
    assert_eq!((conflict.place.as_str(), conflict.about), ("/virtual_servers/vs_1", Disagreement::Row));
    assert_eq!(conflict.object, MergedObject::VirtualServer("http".into()));
    assert!(conflict.theirs.is_none() && conflict.mine.is_some());
    assert_eq!(merged.cluster, removed);
    let mine = merge(&web(), &removed, &changed, &[(conflict.place.clone(), Side::Mine)].into());
    assert_eq!(mine.cluster, changed);
    // The other way round: what runs stands, which is the changed one.
    assert_eq!(plain(&web(), &changed, &removed).cluster, changed);
    // Removed by one, untouched by the other: gone.
    assert_eq!(plain(&web(), &web(), &removed).cluster, removed);
}

#[test]
fn two_kinds_of_a_question_are_not_put_together() {
    let path = "/virtual_servers/0/monitor/checks/0";
    let theirs = with(&[(&format!("{path}/status"), json!(["200-204"]))]);
    let mine = with(&[(path, json!({ "kind": "tls" }))]);
    let merged = plain(&web(), &theirs, &mine);
    assert_eq!(merged.conflicts.len(), 1);
    assert_eq!(merged.conflicts[0].place, "/virtual_servers/vs_1/monitor/checks/0");
    assert_eq!(merged.cluster, theirs);
    // A check more or less moves the others: the list is one value then.
    let theirs = with(&[(path, Value::Null)]);
    let mine = with(&[(&format!("{path}/path"), json!("/x"))]);
    let merged = plain(&web(), &theirs, &mine);
    assert_eq!(merged.conflicts[0].place, "/virtual_servers/vs_1/monitor/checks");
    let tunnel = |kind: &str| json!({ "tunnel": { "kind": kind } });
    let theirs = with(&[("/global/forwarding", tunnel("gre"))]);
    let mine = with(&[("/global/forwarding", tunnel("ipip"))]);
    let merged = plain(&web(), &theirs, &mine);
    let [conflict] = merged.conflicts.as_slice() else { panic!("{:?}", told(&merged)) };
    assert_eq!((conflict.place.as_str(), &conflict.object), ("/global/forwarding", &MergedObject::Global));
    assert_eq!(conflict.field, "forwarding");
}

#[test]
fn the_order_is_that_of_who_changed_it_and_a_conflict_where_both_did() {
    let names = |merged: &Merged| -> Vec<String> {
        merged.cluster.virtual_servers.iter().map(|v| v.name.clone()).collect()
    };
    let server = |id: &str| json!({ "id": id, "name": id, "port": 99 });
    let three = with(&[("/virtual_servers/-", server("vs_3"))]);
    let ordered = |ids: &[&str]| {
        let mut content = three.clone();
        content.virtual_servers = ids
            .iter()
            .map(|id| {
                let known = three.virtual_servers.iter().find(|v| v.id.0 == *id).cloned();
                known.unwrap_or_else(|| serde_json::from_value(server(id)).unwrap())
            })
            .collect();
        content
    };
    let mine = ordered(&["vs_3", "vs_1", "vs_2", "mine"]);
    let theirs = ordered(&["vs_1", "new", "vs_2", "vs_3", "theirs"]);
    assert_eq!(names(&plain(&three, &theirs, &mine)), ["vs_3", "theirs", "http", "new", "ftp", "mine"]);
    let theirs = ordered(&["vs_2", "vs_1", "vs_3"]);
    let merged = plain(&three, &theirs, &mine);
    assert_eq!(
        told(&merged),
        [r#"/virtual_servers ["http","ftp","vs_3"] ["ftp","http","vs_3"] ["vs_3","http","ftp"]"#]
    );
    assert_eq!(merged.conflicts[0].about, Disagreement::Order);
    assert_eq!(names(&merged), ["ftp", "mine", "http", "vs_3"]);
}

#[test]
fn a_password_in_a_conflict_is_not_shown_and_the_chosen_one_is_kept() {
    let vrrp = |password: &str| {
        with(&[(
            "/redundancy/protocol",
            json!({ "kind": "vrrp", "version": 2, "instances": [{
                "name": "VI_1", "interface": "eth0", "virtual_router_id": 51,
                "priority": { "primary": 150, "backup": 100 }, "password": password,
            }] }),
        )])
    };
    let merged = plain(&vrrp("first"), &vrrp("second"), &vrrp("third"));
    let mask = r#""********""#;
    assert_eq!(told(&merged), [format!("/redundancy/protocol/instances/VI_1/password {mask} {mask} {mask}")]);
    let chosen = [(merged.conflicts[0].place.clone(), Side::Mine)].into();
    assert_eq!(merge(&vrrp("first"), &vrrp("second"), &vrrp("third"), &chosen).cluster, vrrp("third"));
    // Two protocols are not put together either.
    let mut pulse = web();
    pulse.redundancy.protocol = lvs::model::RedundancyProtocol::Pulse;
    let merged = plain(&web(), &pulse, &vrrp("x"));
    assert_eq!(merged.conflicts[0].place, "/redundancy/protocol");
}

/// One change out of many, of a random place.
fn change(content: &mut Cluster, who: &str, (kind, at, value): (u8, usize, u8)) {
    if kind == 0 {
        let servers = &mut content.virtual_servers;
        let id = format!("vs_{who}_{at}_{value}_{}", servers.len());
        let new = json!({ "id": id, "name": id, "port": 1000 + u16::from(value), "vip": { "address": "192.0.2.7" } });
        return servers.insert(at % (servers.len() + 1), serde_json::from_value(new).unwrap());
    }
    match kind {
        1 => content.global.timeouts.tcp = Some(u32::from(value)),
        2 => content.global.drift = lvs::model::DriftPolicy::Hold,
        3 => content.redundancy.interval_ms = u32::from(value),
        4 => drop(content.kept.insert(format!("line {}", at % 2), value.to_string())),
        5 => content.directors[at % 2].name = format!("renamed by {who}"),
        6 => content.directors[at % 2].private = format!("10.1.0.{value}").parse().ok(),
        7 => content.virtual_servers.reverse(),
        _ => {}
    }
    let count = content.virtual_servers.len();
    if kind < 8 || count == 0 {
        return;
    }
    if kind == 8 {
        return drop(content.virtual_servers.remove(at % count));
    }
    let server = &mut content.virtual_servers[at % count];
    match kind {
        9 => server.port = u16::from(value) + 1,
        10 => server.name = format!("{who} {value}"),
        11 => server.sorry_server = None,
        12 => server.vip = None,
        13 => server.monitor.interval_ms = 1000 + u32::from(value),
        14 => server.monitor.checks.push(serde_json::from_value(json!({ "kind": "tls" })).unwrap()),
        15 => {
            server.monitor.checks =
                vec![serde_json::from_value(json!({ "kind": "http", "path": "/" })).unwrap()]
        }
        16 => {
            server.persistence =
                Some(lvs::model::Persistence { timeout_s: u32::from(value) + 1, prefix: None })
        }
        17 => {
            let id = format!("rs_{who}_{at}_{value}_{}", server.real_servers.len());
            let new = json!({ "id": id, "name": id, "address": format!("10.9.0.{value}") });
            let index = usize::from(value) % (server.real_servers.len() + 1);
            server.real_servers.insert(index, serde_json::from_value(new).unwrap());
        }
        _ => {}
    }
    let reals = server.real_servers.len();
    if kind < 18 || reals == 0 {
        return;
    }
    let index = usize::from(value) % reals;
    match kind {
        18 => drop(server.real_servers.remove(index)),
        19 => server.real_servers[index].weight.0 = u16::from(value),
        20 => server.real_servers[index].active = value.is_multiple_of(2),
        21 => server.real_servers[index].monitor = Some(Default::default()),
        _ => server.real_servers[index].forwarding = Some(lvs::model::Forwarding::Direct),
    }
}

/// What both began from, theirs and mine.
fn three() -> impl Strategy<Value = [Cluster; 3]> {
    let changes = || proptest::collection::vec((0..23_u8, any::<usize>(), any::<u8>()), 0..8);
    (random::cluster(), changes(), changes()).prop_map(|(valid, theirs, mine)| {
        let mut base = valid.into_cluster();
        for (n, server) in base.virtual_servers.iter_mut().enumerate() {
            server.id = Id(format!("vs_{n}"));
            for (m, real) in server.real_servers.iter_mut().enumerate() {
                real.id = Id(format!("rs_{n}_{m}"));
            }
        }
        let made = |who: &str, changes: Vec<(u8, usize, u8)>| {
            let mut content = base.clone();
            changes.into_iter().for_each(|one| change(&mut content, who, one));
            content
        };
        let (theirs, mine) = (made("t", theirs), made("m", mine));
        [base, theirs, mine]
    })
}

/// Every value by its place in identities; directors, which may be renamed, by the name of who sat there first.
fn leaves(content: &Cluster) -> BTreeMap<String, String> {
    fn walk(value: &Value, place: String, all: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    walk(value, format!("{place}/{name}"), all);
                }
            }
            Value::Array(rows) if !rows.is_empty() && rows.iter().all(Value::is_object) => {
                for (index, row) in rows.iter().enumerate() {
                    let seat = row.get("seat").map(|seat| if seat == "primary" { "a" } else { "b" });
                    let key = seat.or_else(|| row.get("id")?.as_str()).or_else(|| row.get("name")?.as_str());
                    walk(row, format!("{place}/{}", key.map_or(index.to_string(), str::to_owned)), all);
                }
            }
            // A list that one emptied and the other filled is both in turn.
            Value::Array(rows) if rows.is_empty() => {}
            leaf => drop(all.insert(place, leaf.to_string())),
        }
    }
    let mut all = BTreeMap::new();
    walk(&serde_json::to_value(content).unwrap(), String::new(), &mut all);
    all
}

fn within(place: &str, above: &str) -> bool {
    place.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

proptest! {
    #![proptest_config(random::config())]

    #[test]
    fn where_only_one_side_changed_something_its_content_is_the_result([base, theirs, mine] in three()) {
        for (result, expected) in [
            (plain(&base, &base, &mine), &mine),
            (plain(&base, &theirs, &base), &theirs),
            (plain(&base, &mine, &mine), &mine),
            (plain(&base, &base, &base), &base),
        ] {
            prop_assert!(result.conflicts.is_empty(), "{:?}", told(&result));
            prop_assert_eq!(&result.cluster, expected);
        }
    }

    #[test]
    fn nothing_is_lost_and_nothing_invented([base, theirs, mine] in three()) {
        let merged = plain(&base, &theirs, &mine);
        let at = |content: &Cluster| leaves(content);
        let (was, their, my, now) = (at(&base), at(&theirs), at(&mine), at(&merged.cluster));
        prop_assert!(merged.conflicts.iter().all(|c| !c.place.is_empty()), "{:?}", told(&merged));
        for (place, value) in &now {
            let known = their.get(place) == Some(value) || my.get(place) == Some(value);
            prop_assert!(known, "{place} {value} is nobody's");
        }
        let disputed = |place: &str| merged.conflicts.iter().any(|c| within(place, &c.place));
        for place in was.keys().chain(their.keys()).chain(my.keys()).filter(|place| !disputed(place)) {
            let (was, their, my, now) = (was.get(place), their.get(place), my.get(place), now.get(place));
            if was == their {
                prop_assert_eq!(now, my, "{} was changed by mine alone", place);
            } else if was == my {
                prop_assert_eq!(now, their, "{} was changed by theirs alone", place);
            } else {
                prop_assert_eq!(their, my, "{} was changed by both", place);
            }
        }
    }

    #[test]
    fn it_does_not_matter_who_was_first([base, theirs, mine] in three()) {
        let all = |merged: &Merged, side: Side| -> Choices {
            merged.conflicts.iter().map(|c| (c.place.clone(), side)).collect()
        };
        let (one, other) = (plain(&base, &theirs, &mine), plain(&base, &mine, &theirs));
        let (mine_of_one, theirs_of_other) = (all(&one, Side::Mine), all(&other, Side::Theirs));
        prop_assert_eq!(mine_of_one.keys().collect::<Vec<_>>(), theirs_of_other.keys().collect::<Vec<_>>());
        let one = merge(&base, &theirs, &mine, &mine_of_one);
        let other = merge(&base, &mine, &theirs, &theirs_of_other);
        prop_assert!(one.is_settled() && other.is_settled());
        // The rows that both added stand in another order.
        prop_assert_eq!(leaves(&one.cluster), leaves(&other.cluster));
    }
}
