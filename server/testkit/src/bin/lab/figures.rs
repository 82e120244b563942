//! Samples under names that say their unit, handed back as JSON to `cargo xtask bench`.
//!
//! Never judges a figure. Called by the scenarios that measure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use testkit::process;

use crate::stage::Stage;

/// Samples by name.
#[derive(Default)]
pub(crate) struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    /// One more sample.
    pub(crate) fn add(&mut self, name: &str, value: f64) {
        self.0.entry(name.to_owned()).or_default().push(value);
    }

    /// The milliseconds since a moment.
    pub(crate) fn took(&mut self, name: &str, begun: Instant) {
        self.add(name, begun.elapsed().as_secs_f64() * 1e3);
    }

    /// A time, in milliseconds.
    pub(crate) fn time(&mut self, name: &str, time: Duration) {
        self.add(name, time.as_secs_f64() * 1e3);
    }

    /// Nanoseconds, in milliseconds.
    pub(crate) fn nanoseconds(&mut self, name: &str, value: u64) {
        self.add(name, value as f64 / 1e6);
    }

    /// Hands all of them back as `figures.json`, with the kernel they were taken on and what else is to be known.
    pub(crate) fn keep(&self, stage: &Stage, mut about: Value) -> Result<()> {
        if let Some(about) = about.as_object_mut() {
            let kernel = process::run(process::command(["uname", "-r"]))?;
            about.insert("kernel".to_owned(), json!(kernel.trim()));
            about.insert("figures".to_owned(), json!(self.0));
        }
        stage.keep("figures.json", &serde_json::to_string_pretty(&about)?).map(drop)
    }
}
