//! The one keyed difference that all of planning is made of.

use std::collections::BTreeMap;

/// What has to happen to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<'a, K, V> {
    /// Wanted and missing.
    Add(&'a K, &'a V),
    /// Wanted and there, with other content.
    Set(&'a K, &'a V),
    /// There and not wanted.
    Remove(&'a K),
}

/// Compares two ordered maps by key; `same` says when two values need no change. Changes come in key order.
pub fn diff<'a, K: Ord, V, W>(
    want: &'a BTreeMap<K, V>,
    have: &'a BTreeMap<K, W>,
    same: impl Fn(&V, &W) -> bool,
) -> Vec<Change<'a, K, V>> {
    let mut changes: Vec<Change<'a, K, V>> = want
        .iter()
        .filter_map(|(key, value)| match have.get(key) {
            None => Some(Change::Add(key, value)),
            Some(there) if same(value, there) => None,
            Some(_) => Some(Change::Set(key, value)),
        })
        .collect();
    changes.extend(have.keys().filter(|key| !want.contains_key(key)).map(Change::Remove));
    changes
}
