//! The text format, version 0.0.4: families in the order they are first used, label values escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How a number behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, and begins again at 0.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// A family of numbers.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// One sentence for people.
    pub help: &'static str,
    /// How it behaves.
    pub kind: Kind,
}

/// A label's name and value.
pub(super) type Label<'a> = (&'a str, &'a str);

/// Numbers being put together.
#[derive(Debug, Default)]
pub struct Exposition {
    families: Vec<(&'static Metric, Vec<String>)>,
    places: BTreeMap<&'static str, usize>,
    common: Vec<(String, String)>,
}

impl Exposition {
    /// What every number added from here on carries as well, in place of what was said before.
    pub fn label_all(&mut self, labels: &[Label<'_>]) {
        self.common = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    }

    /// Adds a whole number.
    pub fn add(&mut self, metric: &'static Metric, labels: &[Label<'_>], value: impl Into<u64>) {
        self.line(metric, labels, &value.into().to_string());
    }

    /// Adds a number that may be negative or a fraction, such as a time in seconds.
    pub fn add_number(&mut self, metric: &'static Metric, labels: &[Label<'_>], value: f64) {
        // Rust's words for what is no number are not the format's.
        let text = match value {
            value if value.is_nan() => "NaN".to_owned(),
            value if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
            value => value.to_string(),
        };
        self.line(metric, labels, &text);
    }

    fn line(&mut self, metric: &'static Metric, labels: &[Label<'_>], value: &str) {
        let mut line = metric.name.to_owned();
        let common = self.common.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (index, (name, value)) in common.chain(labels.iter().copied()).enumerate() {
            line.push(if index == 0 { '{' } else { ',' });
            let _ = write!(line, "{name}=\"{}\"", escaped(value));
        }
        if line.contains('{') {
            line.push('}');
        }
        let _ = write!(line, " {value}");
        let place = *self.places.entry(metric.name).or_insert_with(|| {
            self.families.push((metric, Vec::new()));
            self.families.len() - 1
        });
        if let Some((_, lines)) = self.families.get_mut(place) {
            lines.push(line);
        }
    }

    /// All of it; every family once, with its help and type.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (metric, lines) in &self.families {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
            };
            let _ = writeln!(text, "# HELP {} {}", metric.name, metric.help);
            let _ = writeln!(text, "# TYPE {} {kind}", metric.name);
            for line in lines {
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Metric = Metric { name: "seen_total", help: "Things seen.", kind: Kind::Counter };
    const AGE: Metric = Metric { name: "age_seconds", help: "Since then.", kind: Kind::Gauge };

    #[test]
    fn families_come_once_and_labels_are_escaped() {
        let mut exposition = Exposition::default();
        exposition.add(&SEEN, &[], 1_u32);
        exposition.label_all(&[("cluster", "a \"b\"\\\n")]);
        exposition.add_number(&AGE, &[], -0.5);
        exposition.add(&SEEN, &[("kind", "new")], u64::MAX);
        exposition.add_number(&AGE, &[("kind", "x")], f64::INFINITY);
        assert_eq!(
            exposition.text(),
            "# HELP seen_total Things seen.\n# TYPE seen_total counter\nseen_total 1\n\
             seen_total{cluster=\"a \\\"b\\\"\\\\\\n\",kind=\"new\"} 18446744073709551615\n\
             # HELP age_seconds Since then.\n# TYPE age_seconds gauge\n\
             age_seconds{cluster=\"a \\\"b\\\"\\\\\\n\"} -0.5\n\
             age_seconds{cluster=\"a \\\"b\\\"\\\\\\n\",kind=\"x\"} +Inf\n"
        );
    }
}
