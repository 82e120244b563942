//! Answers as lines for people: tables, plans, results. Pure; called by the commands of `ctl`.

use std::fmt::Write as _;

use serde_json::Value;

/// A table with its first row as head; columns are as wide as their widest cell.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A row of a table.
pub(super) fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// The text at a pointer; numbers and truth as they are written, nothing as `-`.
pub(super) fn at(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        // What somebody typed elsewhere is no command to this terminal, and begins no line of its own.
        Some(Value::String(text)) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Some(other) => other.to_string(),
    }
}

/// The members of a list.
pub(super) fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// Whether a plan changes the configuration. Steps that a director has not taken yet are no difference to a wish.
pub(super) fn differs(plan: &Value) -> bool {
    items(plan, "/changes").next().is_some()
}

/// A plan: what changes in words, then each director's steps.
pub(super) fn plan(plan: &Value) -> String {
    let mut text = String::new();
    for finding in items(plan, "/findings") {
        let _ = writeln!(
            text,
            "{}: {}: {} [{}]",
            at(finding, "/severity"),
            at(finding, "/pointer"),
            at(finding, "/text"),
            at(finding, "/code")
        );
    }
    if !differs(plan) {
        text.push_str("The configuration stays as it is.\n");
    }
    for change in items(plan, "/changes") {
        let what = match at(change, "/name").as_str() {
            "-" => at(change, "/object"),
            name => format!("{} {name}", at(change, "/object")),
        };
        let _ = match at(change, "/change").as_str() {
            "added" => writeln!(text, "+ {what}"),
            "removed" => writeln!(text, "- {what}"),
            _ => writeln!(
                text,
                "~ {what}: {} {} -> {}",
                at(change, "/field"),
                at(change, "/before"),
                at(change, "/after")
            ),
        };
    }
    for director in items(plan, "/directors") {
        let basis = match at(director, "/basis").as_str() {
            "live" => String::new(),
            "last-known" => format!(", as of {}", at(director, "/basis_at")),
            _ => ", never seen".to_owned(),
        };
        let _ = writeln!(text, "{} ({}{basis}):", at(director, "/name"), at(director, "/seat"));
        let mut none = true;
        for step in items(director, "/steps") {
            none = false;
            let step = step.as_str().map_or_else(|| step.to_string(), str::to_owned);
            let _ = writeln!(text, "    {step}");
        }
        if none {
            text.push_str("    nothing to do\n");
        }
    }
    text
}

/// What became of an activation, by director.
pub(super) fn activation(done: &Value) -> String {
    let mut text = format!("revision {}: {}\n", at(done, "/revision"), at(done, "/state"));
    results(&mut text, done);
    text
}

/// What each director said, one a line.
pub(super) fn results(text: &mut String, answer: &Value) {
    let all = items(answer, "/results").chain(items(answer, "/directors"));
    for result in all {
        let mut line = format!("  {}: {}", at(result, "/director"), at(result, "/outcome"));
        if let Some(reason) = result.pointer("/reason").and_then(Value::as_str) {
            let _ = write!(line, ", {reason}");
        }
        if result.pointer("/in_sync") == Some(&Value::Bool(false)) {
            line.push_str(", its kernel does not hold all of it yet");
        }
        for failure in items(result, "/failures") {
            let failure = failure.as_str().map_or_else(|| failure.to_string(), str::to_owned);
            let _ = write!(line, "\n    {failure}");
        }
        let _ = writeln!(text, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let text = table(&[row(["NAME", "X"]), row(["a", "1"]), row(["größer", "2"])]);
        assert_eq!(text, "NAME    X\na       1\ngrößer  2\n");
    }

    #[test]
    fn a_plan_says_changes_and_steps() {
        let same = json!({ "changes": [], "directors": [{ "name": "a", "seat": "primary", "basis": "live", "steps": [] }] });
        assert!(!differs(&same));
        assert_eq!(plan(&same), "The configuration stays as it is.\na (primary):\n    nothing to do\n");
        let other = json!({
            "changes": [
                { "object": "real-server", "name": "web / web-1", "change": "changed", "field": "weight",
                  "before": "1", "after": "0" },
                { "object": "virtual-server", "name": "mail", "change": "added" },
            ],
            "directors": [{ "name": "a", "seat": "primary", "basis": "unknown", "steps": ["-e …"] }],
        });
        assert!(differs(&other));
        assert_eq!(
            plan(&other),
            "~ real-server web / web-1: weight 1 -> 0\n+ virtual-server mail\na (primary, never seen):\n    -e …\n"
        );
    }
}
