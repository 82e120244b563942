//! Samples under names, and what a reader wants of them: median and spread. Pure. Called by the parts of the bench.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Samples by name; each name says its unit at its end.
#[derive(Debug, Default)]
pub(super) struct Figures(BTreeMap<String, Vec<f64>>);

/// Median and ends of some samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Figures {
    /// One more sample.
    pub(super) fn add(&mut self, name: &str, value: f64) {
        self.0.entry(name.to_owned()).or_default().push(value);
    }

    /// Samples as the lab hands them back: an object of lists.
    pub(super) fn take(&mut self, handed: &Value) -> Result<()> {
        for (name, list) in handed.as_object().context("the figures are no object")? {
            for value in list.as_array().with_context(|| format!("{name} is no list"))? {
                self.add(name, value.as_f64().with_context(|| format!("{name}: {value} is no number"))?);
            }
        }
        Ok(())
    }

    /// The samples of a name, where there are any.
    pub(super) fn of(&self, name: &str) -> Option<&[f64]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn to_json(&self) -> Value {
        let one = |(name, samples): (&String, &Vec<f64>)| {
            let spread = Spread::of(samples);
            let value = json!({
                "samples": samples, "median": spread.map(|s| s.median), "least": spread.map(|s| s.least),
                "most": spread.map(|s| s.most),
            });
            (name.clone(), value)
        };
        Value::Object(self.0.iter().map(one).collect())
    }
}

impl Spread {
    /// Of samples; none of none.
    pub(super) fn of(samples: &[f64]) -> Option<Spread> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let median = match sorted.len() % 2 {
            1 => upper,
            _ => (*sorted.get(middle.checked_sub(1)?)? + upper) / 2.0,
        };
        Some(Spread { median, least, most })
    }

    /// Of the quotients of samples that were taken in the same round.
    pub(super) fn of_ratio(ours: &[f64], theirs: &[f64]) -> Option<Spread> {
        let quotients: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        Spread::of(&quotients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_or_between_the_two() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, least: 1.0, most: 3.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let spread = Spread::of_ratio(&[1.0, 4.0], &[2.0, 4.0]).unwrap();
        assert_eq!((spread.least, spread.most), (0.5, 1.0));
    }

    #[test]
    fn what_the_lab_hands_back_must_be_lists_of_numbers() {
        let mut figures = Figures::default();
        figures.take(&json!({ "a ms": [1, 2.5] })).unwrap();
        assert_eq!(figures.of("a ms"), Some([1.0, 2.5].as_slice()));
        assert!(figures.take(&json!({ "a ms": ["x"] })).is_err());
    }
}
