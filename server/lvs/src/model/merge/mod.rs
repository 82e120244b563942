//! Two people changed the same cluster: one content that holds both changes, and what they disagree about.
//!
//! A three-way merge: what both began from, what was activated since (*theirs*), and a draft (*mine*). Rows are found
//! again by identity (virtual and real servers by id, directors by name, addresses by themselves, checks by position);
//! everything below a row is compared field by field. A field that only one side changed is taken from that side. One
//! that both changed differently, and a row that one removed and the other changed, is a [`Conflict`]: theirs stands
//! until somebody chooses. Whether the result keeps the rules is not asked here; the caller validates it like any other
//! content. Called by the console when a draft's parent is no longer what runs.

mod list;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Cluster;

/// One of the two contents that are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The draft.
    Mine,
    /// What was activated since the draft was begun.
    Theirs,
}

impl Side {
    /// The word in the API and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Mine => "mine",
            Side::Theirs => "theirs",
        }
    }
}

/// For each conflict, by its place, whose content is taken.
pub type Choices = BTreeMap<String, Side>;

/// Two changes of one content, made one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Both changes; where they disagree what was chosen, else theirs.
    pub cluster: Cluster,
    /// What they disagree about, chosen or not, in the order of the content.
    pub conflicts: Vec<Conflict>,
}

impl Merged {
    /// Whether nothing is left to be chosen.
    pub fn is_settled(&self) -> bool {
        self.conflicts.iter().all(|conflict| conflict.chosen.is_some())
    }
}

/// Something that both sides changed, differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Names it: a JSON pointer (RFC 6901) with identities in place of indices
    /// (`/virtual_servers/vs_1/real_servers/rs_2/weight`).
    pub place: String,
    /// What kind of object it is in.
    pub object: MergedObject,
    /// The field within the object (`vip.address`); empty for the object itself.
    pub field: String,
    /// What they disagree about.
    pub about: Disagreement,
    /// What both began from; none where it was not there. Secrets are masked.
    pub base: Option<Value>,
    /// What was activated since; none where it was removed.
    pub theirs: Option<Value>,
    /// What the draft says; none where it was removed.
    pub mine: Option<Value>,
    /// What was chosen.
    pub chosen: Option<Side>,
}

/// What two sides disagree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Disagreement {
    /// A field's value.
    Value,
    /// Whether a row stays: one removed what the other changed.
    Row,
    /// The order of the rows of a list; the values are their names.
    Order,
}

/// An object that a conflict is in, by the names that people gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergedObject {
    /// The cluster itself.
    Cluster,
    /// GLOBAL SETTINGS.
    Global,
    /// REDUNDANCY.
    Redundancy,
    /// A director.
    Director(String),
    /// A virtual server.
    VirtualServer(String),
    /// A real server of a virtual server.
    RealServer(String, String),
}

/// Merges `theirs` and `mine`, which were both made from `base`.
pub fn merge(base: &Cluster, theirs: &Cluster, mine: &Cluster, choices: &Choices) -> Merged {
    let plain = [base, theirs, mine].map(|side| serde_json::to_value(side).unwrap_or_default());
    let shown =
        [base, theirs, mine].map(|side| serde_json::to_value(side.clone().masked()).unwrap_or_default());
    let [base_at, theirs_at, mine_at] = &plain;
    let [base_shown, theirs_shown, mine_shown] = &shown;
    let at = |value, shown| At { value: Some(value), shown: Some(shown) };
    let sides = Sides {
        base: at(base_at, base_shown),
        theirs: at(theirs_at, theirs_shown),
        mine: at(mine_at, mine_shown),
    };
    let mut merger = Merger { choices, conflicts: Vec::new() };
    let value = merger.node(sides, &Spot::root());
    match value.map(serde_json::from_value) {
        Some(Ok(cluster)) => Merged { cluster, conflicts: merger.conflicts },
        // Two kinds of a setting that do not fit together: nothing is put together that neither side has said.
        _ => {
            let chosen = choices.get("").copied();
            let cluster = if chosen == Some(Side::Mine) { mine } else { theirs };
            let conflict = Spot::root().conflict(Disagreement::Value, sides.shown(), chosen);
            Merged { cluster: cluster.clone(), conflicts: vec![conflict] }
        }
    }
}

/// A value, and how it may be shown.
#[derive(Clone, Copy)]
struct At<'a> {
    value: Option<&'a Value>,
    shown: Option<&'a Value>,
}

impl<'a> At<'a> {
    fn member(self, name: &str) -> Self {
        At { value: self.value.and_then(|v| v.get(name)), shown: self.shown.and_then(|v| v.get(name)) }
    }

    fn index(self, index: Option<usize>) -> Self {
        let of = |value: Option<&'a Value>| value.zip(index).and_then(|(value, index)| value.get(index));
        At { value: of(self.value), shown: of(self.shown) }
    }

    /// Its members; none where it is no object.
    fn members(self) -> Option<&'a Map<String, Value>> {
        self.value.and_then(Value::as_object)
    }
}

/// The same place in all three contents.
#[derive(Clone, Copy)]
struct Sides<'a> {
    base: At<'a>,
    theirs: At<'a>,
    mine: At<'a>,
}

impl<'a> Sides<'a> {
    fn each(self, of: impl Fn(At<'a>) -> At<'a>) -> Self {
        Sides { base: of(self.base), theirs: of(self.theirs), mine: of(self.mine) }
    }

    fn all(self) -> [At<'a>; 3] {
        [self.base, self.theirs, self.mine]
    }

    fn shown(self) -> [Option<Value>; 3] {
        self.all().map(|at| at.shown.cloned())
    }

    /// The members of all three where they are objects of the same kind: two kinds of a question, a protocol or a
    /// tunnel are one value each, because their fields do not fit together.
    fn objects(self, name: &str) -> Option<[&'a Map<String, Value>; 3]> {
        let [base, theirs, mine] = self.all().map(At::members);
        let (base, theirs, mine) = match (base, theirs?, mine?) {
            (Some(base), theirs, mine) => (base, theirs, mine),
            // What is left out where it says nothing.
            (None, theirs, mine) if matches!(name, "kept" | "host") && self.base.value.is_none() => {
                (&*EMPTY, theirs, mine)
            }
            _ => return None,
        };
        let kind = |map: &'a Map<String, Value>| map.get("kind");
        (kind(base) == kind(theirs) && kind(base) == kind(mine)).then_some([base, theirs, mine])
    }
}

static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

/// Where in the content the merge is, in identities and in words.
#[derive(Clone)]
struct Spot {
    place: String,
    object: MergedObject,
    field: String,
}

impl Spot {
    fn root() -> Self {
        Spot { place: String::new(), object: MergedObject::Cluster, field: String::new() }
    }

    fn step(&self, part: &str) -> Self {
        let escaped = part.replace('~', "~0").replace('/', "~1");
        let field = if self.field.is_empty() { part.to_owned() } else { format!("{}.{part}", self.field) };
        Spot { place: format!("{}/{escaped}", self.place), object: self.object.clone(), field }
    }

    /// A member of an object; two of the cluster's are pages of their own.
    fn member(&self, name: &str) -> Self {
        let step = self.step(name);
        match (self.place.as_str(), name) {
            ("", "global") => Spot { object: MergedObject::Global, field: String::new(), ..step },
            ("", "redundancy") => Spot { object: MergedObject::Redundancy, field: String::new(), ..step },
            _ => step,
        }
    }

    fn conflict(
        &self,
        about: Disagreement,
        [base, theirs, mine]: [Option<Value>; 3],
        chosen: Option<Side>,
    ) -> Conflict {
        let Spot { place, object, field } = self.clone();
        Conflict { place, object, field, about, base, theirs, mine, chosen }
    }
}

struct Merger<'c> {
    choices: &'c Choices,
    conflicts: Vec<Conflict>,
}

impl Merger<'_> {
    /// What is at this place in the result; none where nothing is.
    fn node(&mut self, sides: Sides<'_>, spot: &Spot) -> Option<Value> {
        let (base, theirs, mine) = (sides.base.value, sides.theirs.value, sides.mine.value);
        if theirs == mine || base == mine {
            return theirs.cloned();
        }
        if base == theirs {
            return mine.cloned();
        }
        let name = spot.place.rsplit('/').next().unwrap_or_default();
        if let Some(list) = self.list(sides, spot, name) {
            return Some(list);
        }
        if let Some(objects) = sides.objects(name) {
            let names: BTreeSet<&String> = objects.iter().flat_map(|map| map.keys()).collect();
            let member = |name: &String| {
                Some((name.clone(), self.node(sides.each(|at| at.member(name)), &spot.member(name))?))
            };
            return Some(Value::Object(names.into_iter().filter_map(member).collect()));
        }
        if let Some(length) = positions(sides) {
            let row =
                |index| self.node(sides.each(|at| at.index(Some(index))), &spot.step(&index.to_string()));
            return Some(Value::Array((0..length).filter_map(row).collect()));
        }
        let about = if spot.field.is_empty() && (theirs.is_none() || mine.is_none()) {
            Disagreement::Row
        } else {
            Disagreement::Value
        };
        match self.choose(spot, about, sides.shown()) {
            Side::Mine => mine.cloned(),
            Side::Theirs => theirs.cloned(),
        }
    }

    /// Notes a conflict; says which side stands.
    fn choose(&mut self, spot: &Spot, about: Disagreement, shown: [Option<Value>; 3]) -> Side {
        let chosen = self.choices.get(&spot.place).copied();
        self.conflicts.push(spot.conflict(about, shown, chosen));
        chosen.unwrap_or(Side::Theirs)
    }
}

/// How many rows there are, where all sides have as many and all are objects: such rows are found again by position.
/// Where a row came or went, positions say nothing, and the list is one value.
fn positions(sides: Sides<'_>) -> Option<usize> {
    let lists = sides.all().map(|at| {
        let rows = at.value.and_then(Value::as_array)?;
        rows.iter().all(Value::is_object).then_some(rows.len())
    });
    match lists {
        [Some(base), Some(theirs), Some(mine)] if base == theirs && base == mine => Some(base),
        _ => None,
    }
}
