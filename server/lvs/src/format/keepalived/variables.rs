//! `$NAME=value`, and where `$NAME` or `${NAME}` is replaced by it.
//!
//! Values are replaced when they are used, not when they are defined. Called by `syntax`, which puts the value in and
//! looks again, so that values may use each other.

use std::collections::BTreeMap;
use std::rc::Rc;

/// Definitions kept; more are not sensible.
pub(super) const MOST: usize = 10_000;

/// The definitions so far.
#[derive(Debug, Default)]
pub(super) struct Variables {
    values: BTreeMap<String, Rc<[String]>>,
}

/// The use of a defined variable in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// Byte offset of its `$`.
    pub(super) start: usize,
    /// Byte offset behind it.
    pub(super) end: usize,
    /// The lines of its value; at least one.
    pub(super) lines: Rc<[String]>,
}

/// The name that a line without indentation defines, and the byte offset of the value.
pub(super) fn definition(line: &str) -> Option<(&str, usize)> {
    let name = name(line.strip_prefix('$')?)?;
    let value = 1 + name.len();
    line.get(value..)?.starts_with('=').then_some((name, value + 1))
}

/// A definition with a blank before its `=`, which keepalived does not take for one: the name and what follows.
pub(super) fn blank_definition(line: &str) -> Option<(&str, &str)> {
    let behind = line.strip_prefix('$')?;
    let name = name(behind)?;
    let value = behind.get(name.len()..)?.trim_start().strip_prefix('=')?;
    Some((name, value.trim()))
}

/// The name at the beginning of a text.
fn name(text: &str) -> Option<&str> {
    let length = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let name = text.get(..length)?;
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}

/// The name that is used at a `$`, and the byte length of the whole.
fn used(text: &str) -> Option<(&str, usize)> {
    let behind = text.strip_prefix('$')?;
    if let Some(inner) = behind.strip_prefix('{') {
        let name = name(inner)?;
        return inner.get(name.len()..)?.starts_with('}').then_some((name, name.len() + 3));
    }
    let name = name(behind)?;
    let ends = behind.get(name.len()..)?.chars().next().is_none_or(char::is_whitespace);
    ends.then_some((name, name.len() + 1))
}

impl Variables {
    /// What keepalived itself defines for a node: the name by which conditions know it.
    pub(super) fn of_node(node: Option<&str>) -> Self {
        let mut variables = Variables::default();
        if let Some(node) = node {
            variables.define("_INSTANCE", vec![node.to_owned()]);
        }
        variables
    }

    /// Defines a variable, or gives it another value. False where there are too many already.
    pub(super) fn define(&mut self, name: &str, lines: Vec<String>) -> bool {
        let lines = if lines.is_empty() { vec![String::new()] } else { lines };
        let room = self.values.len() < MOST || self.values.contains_key(name);
        if room {
            self.values.insert(name.to_owned(), lines.into());
        }
        room
    }

    /// The first use of a defined variable.
    pub(super) fn find(&self, text: &str) -> Option<Use> {
        if self.values.is_empty() {
            return None;
        }
        text.match_indices('$').find_map(|(start, _)| {
            let (name, length) = used(text.get(start..)?)?;
            let lines = Rc::clone(self.values.get(name)?);
            Some(Use { start, end: start + length, lines })
        })
    }

    /// The first `${NAME}` that nothing is defined for, and where it is. In quotes only those that keepalived itself
    /// defines count: the others are a shell's.
    pub(super) fn unknown<'a>(&self, text: &'a str) -> Option<(usize, &'a str)> {
        let mut quoted = false;
        text.char_indices().find_map(|(start, c)| {
            quoted ^= c == '"';
            if c != '$' {
                return None;
            }
            let rest = text.get(start..)?;
            let name = name(rest.strip_prefix("${")?)?;
            let literal = matches!(name, "_HASH" | "_BANG");
            let counts = !quoted || matches!(name, "_PWD" | "_INSTANCE" | "_RANDOM" | "_ENV");
            (counts && !literal && !self.values.contains_key(name)).then_some((start, name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_braces_ends_at_a_blank() {
        let mut variables = Variables::default();
        assert!(variables.define("A", vec!["1".to_owned()]));
        for (text, found) in [
            ("x $A", Some((2, 4))),
            ("$A y", Some((0, 2))),
            ("x$A", Some((1, 3))),
            ("$A.5", None),
            ("$A-x", None),
            ("$AB", None),
            ("${A}.5", Some((0, 4))),
            ("${A B}", None),
            ("${B}${A}", Some((4, 8))),
            ("$$A", Some((1, 3))),
        ] {
            assert_eq!(variables.find(text).map(|used| (used.start, used.end)), found, "{text}");
        }
    }

    #[test]
    fn a_definition_has_no_blank_before_its_equals_sign() {
        assert_eq!(definition("$A=1 2"), Some(("A", 3)));
        assert_eq!(definition("$_a9=\\"), Some(("_a9", 5)));
        for text in ["$A =1", "$9=1", "$=1", "A=1", "$A", "$A-B=1"] {
            assert_eq!(definition(text), None, "{text}");
        }
        assert_eq!(blank_definition("$A = 1 "), Some(("A", "1")));
        assert_eq!(blank_definition("$A.5 = 1"), None);
    }
}
