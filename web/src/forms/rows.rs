//! Repeated parts of a form: `checks.0.kind`, `checks.1.kind`, …, and the buttons that add and remove them.
//!
//! A page without scripts sends the whole form with the button that was pressed; the rows are arranged anew and the
//! form is shown again. Nothing is saved by that.

use std::collections::BTreeSet;

use crate::fields::Fields;

/// One row of a repeated part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    part: String,
    pub(crate) number: usize,
}

impl Row {
    pub(crate) fn new(part: &str, number: usize) -> Self {
        Row { part: part.to_owned(), number }
    }

    /// All rows of a part.
    pub(crate) fn all(fields: &Fields, part: &str) -> Vec<Row> {
        of(fields, part)
    }

    /// The row that would come after the last one.
    pub(crate) fn after(fields: &Fields, part: &str) -> Row {
        Row::new(part, numbers(fields, part).last().map_or(0, |last| last + 1))
    }

    /// The name of one of its fields.
    pub(crate) fn name(&self, field: &str) -> String {
        format!("{}.{}.{field}", self.part, self.number)
    }

    /// What the button sends that takes it away.
    pub(crate) fn remove(&self) -> String {
        format!("remove.{}.{}", self.part, self.number)
    }

    /// Its number as people count.
    pub(crate) fn count(&self) -> usize {
        self.number + 1
    }
}

/// The row's number in a name such as `checks.3.path`, and the rest of the name.
fn split<'a>(name: &'a str, part: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = name.strip_prefix(part)?.strip_prefix('.')?.split_once('.')?;
    let plain = number.len() <= 4 && number.bytes().all(|b| b.is_ascii_digit());
    Some((number.parse().ok().filter(|_| plain)?, rest))
}

fn numbers(fields: &Fields, part: &str) -> BTreeSet<usize> {
    fields.names().filter_map(|name| split(name, part)).map(|(number, _)| number).collect()
}

/// The rows that were sent, by their numbers.
pub(super) fn of(fields: &Fields, part: &str) -> Vec<Row> {
    numbers(fields, part).into_iter().map(|number| Row::new(part, number)).collect()
}

/// The same fields with the rows of a part numbered from 0 without gaps, and without row `gone`.
pub(super) fn arranged(fields: Fields, part: &str, gone: Option<usize>) -> Fields {
    let kept: Vec<usize> = numbers(&fields, part).into_iter().filter(|n| Some(*n) != gone).collect();
    fields.renamed(|name| match split(&name, part) {
        None => Some(name),
        Some((number, rest)) => {
            let at = kept.iter().position(|n| *n == number)?;
            Some(format!("{part}.{at}.{rest}"))
        }
    })
}

/// Which button of a form with rows was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Press {
    /// The one that saves, or none by name.
    Accept,
    /// A row is to be added to this part.
    Add(&'static str),
    /// A row was taken away.
    Removed,
}

impl Press {
    /// What was pressed (`add.checks`, `remove.checks.2`), and the fields with the rows of all parts in order.
    pub(crate) fn of(fields: &Fields, parts: &[&'static str]) -> (Press, Fields) {
        let mut fields = fields.clone();
        let pressed = fields.get("action").to_owned();
        let mut press = Press::Accept;
        for part in parts.iter().copied() {
            let gone = pressed.strip_prefix("remove.").and_then(|rest| rest.strip_prefix(part));
            let gone = gone.and_then(|rest| rest.strip_prefix('.')?.parse().ok());
            if gone.is_some() {
                press = Press::Removed;
            } else if pressed.strip_prefix("add.") == Some(part) {
                press = Press::Add(part);
            }
            fields = arranged(fields, part, gone);
        }
        (press, fields)
    }
}

/// Whether a name is the one that a pattern describes; `*` in it is a row's number.
pub(super) fn is(pattern: &str, name: &str) -> bool {
    pattern.split('.').count() == name.split('.').count()
        && pattern.split('.').zip(name.split('.')).all(|(p, n)| fits(p, n))
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern == name || pattern == "*" && !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

/// The name that a pattern describes within a path; the first row where the path names none.
pub(super) fn within(pattern: &str, path: &str) -> Option<String> {
    let mut rest = pattern.split('.');
    for name in path.split('.') {
        if path.is_empty() || !fits(rest.next()?, name) {
            return None;
        }
    }
    let inner = rest.map(|part| if part == "*" { "0" } else { part });
    Some(path.split('.').chain(inner).collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(names: &[&str]) -> Fields {
        names.iter().fold(Fields::default(), |fields, name| fields.with(name, name))
    }

    fn names(fields: &Fields) -> Vec<&str> {
        fields.names().filter(|name| *name != "action").collect()
    }

    #[test]
    fn rows_are_added_and_removed_by_buttons() {
        let all = fields(&["a.0.x", "a.2.x", "a.2.y", "a.7.x", "b.1.z", "etag", "a.x"]);
        let (press, now) = Press::of(&all.clone().with("action", "remove.a.2"), &["a", "b"]);
        assert_eq!(press, Press::Removed);
        assert_eq!(names(&now), ["a.0.x", "a.1.x", "a.x", "b.0.z", "etag"]);
        assert_eq!(now.get("a.1.x"), "a.7.x");
        let (press, now) = Press::of(&all.clone().with("action", "add.b"), &["a", "b"]);
        assert_eq!((press, of(&now, "a").len()), (Press::Add("b"), 3));
        for other in ["", "accept", "add.c", "remove.a", "remove.a.x", "remove.c.1"] {
            let (press, now) = Press::of(&all.clone().with("action", other), &["a", "b"]);
            assert_eq!((press, of(&now, "a").len()), (Press::Accept, 3), "{other}");
        }
    }

    #[test]
    fn patterns_name_fields_of_rows() {
        assert!(is("a.*.x", "a.12.x") && is("a", "a"));
        assert!(!is("a.*.x", "a.b.x") && !is("a.*.x", "a.1") && !is("a.*", "a."));
        assert_eq!(within("a.*.x", "a.3"), Some("a.3.x".to_owned()));
        assert_eq!(within("a.*.x.y", "a"), Some("a.0.x.y".to_owned()));
        assert_eq!(within("a.*.x", "b"), None);
        assert_eq!(within("a.x", ""), None);
        assert_eq!(within("a.x", "a.x.y"), None);
    }
}
