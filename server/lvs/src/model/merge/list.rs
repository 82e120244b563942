//! Lists whose rows have an identity: which row is which, what becomes of each, and in which order they stand.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{At, Disagreement, MergedObject, Merger, Side, Sides, Spot};

/// The rows of one side by their keys, and the keys in their order.
struct Rows<'a> {
    order: Vec<String>,
    at: BTreeMap<String, usize>,
    rows: &'a [Value],
}

impl<'a> Rows<'a> {
    /// None where the rows are no objects, or there is something else than a list. A list that is not there is empty.
    fn of(side: At<'a>) -> Option<Self> {
        let rows = match side.value {
            None => &[][..],
            Some(value) => value.as_array()?.as_slice(),
        };
        if !rows.iter().all(Value::is_object) {
            return None;
        }
        let mut taken = BTreeSet::new();
        let order: Vec<String> = rows.iter().map(|row| key(row, &mut taken)).collect();
        Some(Rows { at: Self::places(&order), order, rows })
    }

    fn places(order: &[String]) -> BTreeMap<String, usize> {
        order.iter().enumerate().map(|(index, key)| (key.clone(), index)).collect()
    }

    /// A director of another name that sits where one of `base` sat who is gone is the same one, renamed.
    fn renamed(mut self, base: &Rows<'_>) -> Self {
        let seat = |rows: &[Value], index: usize| rows.get(index).and_then(|row| row.get("seat")).cloned();
        let mut gone: Vec<(Option<Value>, &String)> = base
            .at
            .iter()
            .filter(|(key, _)| !self.at.contains_key(*key))
            .map(|(key, index)| (seat(base.rows, *index), key))
            .collect();
        for (index, key) in self.order.iter_mut().enumerate() {
            if base.at.contains_key(key) {
                continue;
            }
            let sits = seat(self.rows, index);
            if let Some(found) = gone.iter().position(|(sat, _)| *sat == sits) {
                key.clone_from(gone.remove(found).1);
            }
        }
        self.at = Self::places(&self.order);
        self
    }

    fn name(&self, key: &str) -> Option<&'a str> {
        self.rows.get(*self.at.get(key)?)?.get("name")?.as_str()
    }

    /// The keys that are in `of`, in this side's order.
    fn only<'k>(&'k self, of: &BTreeSet<&String>) -> Vec<&'k String> {
        self.order.iter().filter(|key| of.contains(key)).collect()
    }

    fn names(&self, keys: &[&String]) -> Value {
        keys.iter().map(|key| Value::from(self.name(key).unwrap_or(key))).collect()
    }
}

/// What finds a row again: its id, else its name, else its address; all of it where it is a source of packets or marked
/// traffic. Rows alike get numbers.
fn key(row: &Value, taken: &mut BTreeSet<String>) -> String {
    let text = |name: &str| row.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let plain = match (text("source"), text("protocol"), row.get("port")) {
        (Some(source), ..) => {
            [Some(source), text("device")].into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
        (None, Some(protocol), Some(port)) if row.get("id").is_none() => {
            format!("{protocol} {} {port}", text("address").unwrap_or_default())
        }
        _ => text("id").or_else(|| text("name")).or_else(|| text("address")).unwrap_or_default().to_owned(),
    };
    let mut key = plain.clone();
    let mut number = 2;
    while !taken.insert(key.clone()) {
        key = format!("{plain}#{number}");
        number += 1;
    }
    key
}

/// Lists of these names have rows with an identity.
fn is_keyed(name: &str) -> bool {
    matches!(
        name,
        "directors"
            | "virtual_servers"
            | "real_servers"
            | "instances"
            | "addresses"
            | "masquerade"
            | "marked"
    )
}

impl Spot {
    /// A row of a list; servers and directors are objects with pages of their own.
    fn row(&self, list: &str, key: &str, name: &str) -> Self {
        let step = self.step(key);
        let object = match (list, &self.object) {
            ("directors", _) => MergedObject::Director(name.to_owned()),
            ("virtual_servers", _) => MergedObject::VirtualServer(name.to_owned()),
            ("real_servers", MergedObject::VirtualServer(owner)) => {
                MergedObject::RealServer(owner.clone(), name.to_owned())
            }
            _ => return step,
        };
        Spot { object, field: String::new(), ..step }
    }
}

impl Merger<'_> {
    /// The list at this place; none where it is no list of rows with an identity.
    pub(super) fn list(&mut self, sides: Sides<'_>, spot: &Spot, name: &str) -> Option<Value> {
        if !is_keyed(name) {
            return None;
        }
        let (base, theirs, mine) = (Rows::of(sides.base)?, Rows::of(sides.theirs)?, Rows::of(sides.mine)?);
        let (theirs, mine) = match name {
            "directors" => (theirs.renamed(&base), mine.renamed(&base)),
            _ => (theirs, mine),
        };
        let mut rows: BTreeMap<&String, Value> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for key in theirs.order.iter().chain(&mine.order).chain(&base.order).filter(|key| seen.insert(*key)) {
            let at = Sides {
                base: sides.base.index(base.at.get(key).copied()),
                theirs: sides.theirs.index(theirs.at.get(key).copied()),
                mine: sides.mine.index(mine.at.get(key).copied()),
            };
            let called = theirs.name(key).or_else(|| mine.name(key)).or_else(|| base.name(key));
            if let Some(row) = self.node(at, &spot.row(name, key, called.unwrap_or(key))) {
                rows.insert(key, row);
            }
        }
        let order = self.order(spot, &base, &theirs, &mine);
        Some(order.into_iter().filter_map(|key| rows.remove(key)).collect())
    }

    /// The keys of all rows in the order in which they stand: that of the side that changed it. What only the other
    /// side has follows what it follows there.
    fn order<'k>(
        &mut self,
        spot: &Spot,
        base: &Rows<'_>,
        theirs: &'k Rows<'_>,
        mine: &'k Rows<'_>,
    ) -> Vec<&'k String> {
        let common: BTreeSet<&String> = base
            .order
            .iter()
            .filter(|key| theirs.at.contains_key(*key) && mine.at.contains_key(*key))
            .collect();
        let [was, theirs_now, mine_now] = [base, theirs, mine].map(|rows| rows.only(&common));
        let first = if theirs_now == mine_now || was == mine_now {
            Side::Theirs
        } else if was == theirs_now {
            Side::Mine
        } else {
            let names = [base.names(&was), theirs.names(&theirs_now), mine.names(&mine_now)].map(Some);
            self.choose(spot, Disagreement::Order, names)
        };
        let (first, second) = match first {
            Side::Theirs => (theirs, mine),
            Side::Mine => (mine, theirs),
        };
        let mut order: Vec<&String> = first.order.iter().collect();
        let mut before: Option<&String> = None;
        for key in &second.order {
            if !first.at.contains_key(key) {
                let after = before.and_then(|before| order.iter().position(|there| *there == before));
                let mut index = after.map_or(0, |after| after + 1);
                while order.get(index).is_some_and(|there| !second.at.contains_key(*there)) {
                    index += 1;
                }
                order.insert(index, key);
            }
            before = Some(key);
        }
        order
    }
}
