//! Compares structures field by field and says what is different. Knows no field; `compare` does.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::reader::{Origin, Origins, Reader};
use super::syntax_notes::excerpt;
use crate::finding::Code;

/// What is compared, and where it stands.
pub(super) struct Differences<'r, 'c, 't> {
    /// Takes the findings.
    pub(super) reader: &'r mut Reader<'c>,
    /// Of the partner's text.
    pub(super) origins: &'t Origins,
    /// Where nothing better is known.
    pub(super) otherwise: Option<Origin>,
    /// What the fields belong to.
    pub(super) of: &'t str,
    /// The text that counts.
    pub(super) file: &'t str,
}

impl Differences<'_, '_, '_> {
    /// Compares what stands at a pointer of both clusters, and is called `field`.
    pub(super) fn compare<T: Serialize>(&mut self, pointer: &str, field: &str, own: &T, other: &T) {
        let (Ok(own), Ok(other)) = (serde_json::to_value(own), serde_json::to_value(other)) else { return };
        self.values(pointer, field, &own, &other);
    }

    fn values(&mut self, pointer: &str, field: &str, own: &Value, other: &Value) {
        if own == other {
            return;
        }
        let mut each = |key: &str, own: Option<&Value>, other: Option<&Value>| {
            let inner = if field.is_empty() { key.to_owned() } else { format!("{field} {key}") };
            let value = |value: Option<&Value>| value.cloned().unwrap_or(Value::Null);
            self.values(&format!("{pointer}/{key}"), &inner, &value(own), &value(other));
        };
        match (own, other) {
            (Value::Object(one), Value::Object(two)) => {
                for key in one.keys().chain(two.keys().filter(|key| !one.contains_key(*key))) {
                    each(key, one.get(key), two.get(key));
                }
            }
            (Value::Object(one), Value::Null) => {
                one.iter().for_each(|(key, value)| each(key, Some(value), None))
            }
            (Value::Null, Value::Object(two)) => {
                two.iter().for_each(|(key, value)| each(key, None, Some(value)))
            }
            (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
                for (index, (one, two)) in one.iter().zip(two).enumerate() {
                    each(&index.to_string(), Some(one), Some(two));
                }
            }
            _ => {
                let Some(origin) = self.origins.find(pointer).or(self.otherwise) else { return };
                self.reader
                    .warn(origin, Code::KeepalivedNodesDiffer)
                    .with("field", field)
                    .with("of", excerpt(self.of))
                    .with("value", Shown(other))
                    .with("taken", Shown(own))
                    .with("file", self.file);
            }
        }
    }
}

/// A value in a sentence.
struct Shown<'v>(&'v Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("none"),
            Value::Bool(true) => f.write_str("on"),
            Value::Bool(false) => f.write_str("off"),
            Value::String(text) => f.write_str(&excerpt(text)),
            other => f.write_str(&excerpt(&other.to_string())),
        }
    }
}
