//! A draft whose parent is no longer what runs: what both changed, to be chosen field by field.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{ChangeError, Object, Rebase, Rebasing};
use lvs::model::{Choices, Conflict, Disagreement, MergedObject, Side};
use serde_json::Value;

use super::changes::{self, Line, VALUE_SHOWN, in_words};
use super::field_names::field_name;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::locale::Locale;
use crate::page::{keep_address, see_other, short};
use crate::visit::Member;

/// Most differences of a row that are told; the rest is an ellipsis.
const DIFFERENCES: usize = 8;

/// What the page says of a parent that moved.
pub(super) struct Moved {
    pub(super) by: String,
    pub(super) number: u64,
    pub(super) at: String,
    pub(super) etag: String,
    pub(super) theirs: Vec<Line>,
    pub(super) choices: Vec<Choice>,
}

/// One conflict as a question.
pub(super) struct Choice {
    /// Name of the form's field.
    pub(super) name: String,
    pub(super) what: String,
    /// What both began from, where that says something.
    pub(super) base: Option<String>,
    pub(super) theirs: String,
    pub(super) mine: String,
    pub(super) chosen: Option<Side>,
}

impl Choice {
    pub(super) fn is(&self, side: &str) -> bool {
        self.chosen.is_some_and(|chosen| chosen.as_str() == side)
    }
}

impl Moved {
    pub(super) fn of(locale: Locale, rebase: &Rebase, chosen: &Choices) -> Self {
        let choice = |conflict: &Conflict| Choice {
            name: format!("choice.{}", conflict.place),
            what: place(locale, conflict),
            base: base(locale, conflict),
            theirs: said(locale, conflict, conflict.theirs.as_ref()),
            mine: said(locale, conflict, conflict.mine.as_ref()),
            chosen: chosen.get(&conflict.place).copied(),
        };
        Moved {
            by: short(&rebase.running.author).to_owned(),
            number: rebase.running.number,
            at: locale.moment(rebase.running.created),
            etag: rebase.etag.clone(),
            theirs: rebase.theirs.iter().map(|line| in_words(locale, line)).collect(),
            choices: rebase.conflicts.iter().map(choice).collect(),
        }
    }
}

/// Where a conflict is, in the names that people gave.
fn place(locale: Locale, conflict: &Conflict) -> String {
    let object = match &conflict.object {
        MergedObject::Cluster => locale.say("object-cluster"),
        MergedObject::Global => locale.say("tab-global"),
        MergedObject::Redundancy => locale.say("tab-redundancy"),
        MergedObject::Director(name) => locale.say("object-director").with("name", name),
        MergedObject::VirtualServer(name) => locale.say("object-virtual-server").with("name", name),
        MergedObject::RealServer(owner, name) => {
            locale.say("object-real-server").with("name", format!("{owner} / {name}"))
        }
    };
    match (conflict.about, conflict.field.as_str()) {
        (Disagreement::Order, list) => {
            locale.say("rebase-order").with("object", object).with("field", list).to_string()
        }
        (_, "") => object.to_string(),
        (_, field) => {
            let field = field_name(locale, kind(&conflict.object), field);
            locale.say("place-field").with("object", object).with("field", field).to_string()
        }
    }
}

fn kind(object: &MergedObject) -> Object {
    match object {
        MergedObject::Cluster => Object::Cluster,
        MergedObject::Global => Object::Global,
        MergedObject::Redundancy => Object::Redundancy,
        MergedObject::Director(_) => Object::Director,
        MergedObject::VirtualServer(_) => Object::VirtualServer,
        MergedObject::RealServer(..) => Object::RealServer,
    }
}

fn base(locale: Locale, conflict: &Conflict) -> Option<String> {
    match conflict.about {
        Disagreement::Row => None,
        Disagreement::Value | Disagreement::Order => Some(words(locale, conflict.base.as_ref())),
    }
}

/// What one side says: its value, or for a row that the other side removed what it changed in it.
fn said(locale: Locale, conflict: &Conflict, side: Option<&Value>) -> String {
    match (conflict.about, side) {
        (Disagreement::Row, None) => locale.say("rebase-removed").to_string(),
        (Disagreement::Row, Some(now)) => {
            locale.say("rebase-changed").with("fields", differences(conflict.base.as_ref(), now)).to_string()
        }
        (_, value) => words(locale, value),
    }
}

fn words(locale: Locale, value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return locale.say("value-unset").to_string(),
        Some(Value::String(text)) if text.is_empty() => return locale.say("value-unset").to_string(),
        Some(value) => leaves(value)
            .into_iter()
            .map(|(path, text)| together(&path, &text))
            .collect::<Vec<_>>()
            .join(", "),
    };
    shortened(&text)
}

fn shortened(text: &str) -> String {
    if text.chars().count() > VALUE_SHOWN {
        return text.chars().take(VALUE_SHOWN).chain(['…']).collect();
    }
    text.to_owned()
}

fn together(path: &str, text: &str) -> String {
    if path.is_empty() { text.to_owned() } else { format!("{path} {text}") }
}

/// `weight 1 → 5, active true → false`
fn differences(base: Option<&Value>, now: &Value) -> String {
    let (was, is) = (base.map(leaves).unwrap_or_default(), leaves(now));
    let paths: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let text =
        |map: &BTreeMap<String, String>, path: &str| map.get(path).map_or("–", String::as_str).to_owned();
    let mut told: Vec<String> = paths
        .into_iter()
        .filter(|path| was.get(*path) != is.get(*path))
        .map(|path| format!("{path} {} → {}", shortened(&text(&was, path)), shortened(&text(&is, path))))
        .collect();
    if told.len() > DIFFERENCES {
        told.truncate(DIFFERENCES);
        told.push("…".to_owned());
    }
    told.join(", ")
}

/// A value's parts by their paths; a list of words is one.
fn leaves(value: &Value) -> BTreeMap<String, String> {
    fn walk(value: &Value, path: String, all: &mut BTreeMap<String, String>) {
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match value {
            Value::Null => {}
            Value::Object(map) => map.iter().for_each(|(name, value)| walk(value, below(name), all)),
            Value::Array(rows) if rows.iter().any(Value::is_object) => {
                for (index, row) in rows.iter().enumerate() {
                    let named = row.get("name").and_then(Value::as_str).map(ToOwned::to_owned);
                    walk(row, below(&named.unwrap_or_else(|| (index + 1).to_string())), all);
                }
            }
            Value::Array(words) => {
                let words: Vec<String> = words.iter().map(word).collect();
                all.insert(path, words.join(", "));
            }
            leaf => drop(all.insert(path, word(leaf))),
        }
    }
    let mut all = BTreeMap::new();
    walk(value, String::new(), &mut all);
    all.retain(|path, _| path != "id" && !path.ends_with(".id"));
    all
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What the form chose; anything else than one of the two is no choice.
fn chosen(fields: &Fields) -> Choices {
    let side = |name: &str| match fields.get(name) {
        "mine" => Some(Side::Mine),
        "theirs" => Some(Side::Theirs),
        _ => None,
    };
    let choice = |name: &str| Some((name.strip_prefix("choice.")?.to_owned(), side(name)?));
    fields.names().filter_map(choice).collect()
}

/// `POST …/changes/rebase`: the draft and what was activated since, made one.
pub(super) async fn rebase(
    member: Member,
    Path(cluster): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let how = Rebasing {
        onto: fields.filled("onto").and_then(|number| number.parse().ok()),
        if_match: fields.filled("draft").map(ToOwned::to_owned),
        choices: chosen(&fields),
    };
    match member.console().rebase_draft(&member.actor, &cluster, &how).await {
        Ok(_) => Ok(see_other(&format!("/clusters/{cluster}/changes?done=rebased"))),
        // The page itself says what is left to be chosen, and keeps what was.
        Err(ChangeError::Unmerged(_)) => {
            let form = changes::Form { choices: how.choices, ..changes::Form::default() };
            Ok(keep_address(changes::page(&member, &cluster, StatusCode::CONFLICT, form).await?))
        }
        Err(other) => Err(other.into()),
    }
}
