//! What both directors say of real servers, as the console's API tells it, against what has to be said.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::wait::{self, Seen};

use super::catalogue::{Case, Says};
use crate::network::DIRECTORS;
use crate::stage::{CLUSTER, PATIENCE, Stage};

/// What a director says of one virtual server's only real server.
pub(in crate::scenario) struct View(Value);

impl View {
    pub(in crate::scenario) fn text(&self) -> &str {
        self.0.pointer("/text").and_then(Value::as_str).unwrap_or("nothing")
    }

    /// Why it cannot be asked.
    pub(in crate::scenario) fn trouble(&self) -> Option<&str> {
        self.0.pointer("/trouble").and_then(Value::as_str)
    }

    pub(in crate::scenario) fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer)
    }

    /// The class of the last failure.
    fn class(&self) -> &str {
        self.at("/health/checks/0/failure/outcome/failure").and_then(Value::as_str).unwrap_or("none")
    }

    /// How many of the recent answers were failures.
    pub(super) fn failures(&self) -> usize {
        let recent = self.at("/health/checks/0/recent").and_then(Value::as_array);
        recent.map_or(0, |all| all.iter().filter(|one| one.get("failure").is_some()).count())
    }

    /// How often in a row it has failed.
    pub(super) fn in_a_row(&self) -> u64 {
        self.at("/health/reason/failures").and_then(Value::as_u64).unwrap_or_default()
    }

    /// Whether it says what it has to.
    fn is(&self, says: Says) -> bool {
        match says {
            Says::Up => {
                let up = self.at("/health/verdict") == Some(&json!("up"));
                up && self.text() == "Up: It answers as it should."
                    && self.at("/health/standing") == Some(&json!({ "in": { "weight": 3 } }))
                    && self.at("/health/checks/0/success/outcome/outcome") == Some(&json!("up"))
            }
            Says::Down(class, sentence) => {
                let down = self.at("/health/verdict") == Some(&json!("down"));
                let said = self.text().strip_prefix("Down: ").and_then(|text| text.strip_prefix(sentence));
                down && said.is_some_and(|rest| rest.starts_with(" So often in a row: "))
                    && self.class() == class
                    && self.at("/health/standing") == Some(&json!("out"))
            }
        }
    }
}

/// All that the directors say.
pub(in crate::scenario) struct Views(Value);

impl Views {
    pub(in crate::scenario) fn of(api: &Api) -> Result<Views> {
        Ok(Views(api.get(&format!("/clusters/{CLUSTER}/probes?limit=100"))?))
    }

    pub(in crate::scenario) fn one(&self, case: &Case, director: &str) -> Result<View> {
        let items = self.0.pointer("/items").and_then(Value::as_array).context("no probes")?;
        let named = |value: &Value, pointer: &str, name: &str| value.pointer(pointer) == Some(&json!(name));
        let item = items.iter().find(|item| named(item, "/virtual_server/name", case.name));
        let views = item.and_then(|item| item.pointer("/directors")?.as_array());
        let view = views.and_then(|views| views.iter().find(|view| named(view, "/director", director)));
        view.cloned().map(View).with_context(|| format!("{director} says nothing of {}", case.name))
    }
}

/// Waits until both directors say of each what they have to.
pub(in crate::scenario) fn agreed(api: &Api, cases: &[&Case], says: impl Fn(&Case) -> Says) -> Result<Views> {
    wait::until("both directors to say the right of every server", PATIENCE, || {
        let views = Views::of(api)?;
        for case in cases {
            for director in &DIRECTORS {
                let view = views.one(case, director.name)?;
                if !view.is(says(case)) {
                    return Ok(Seen::not_yet(format!("{} of {}: {}", director.name, case.name, told(&view))));
                }
            }
        }
        Ok(Seen::Yes(views))
    })
}

/// Writes down what is said, word by word.
pub(super) fn show(stage: &Stage, views: &Views, cases: &[&Case]) -> Result<()> {
    for case in cases {
        for director in &DIRECTORS {
            stage.say(&format!(
                "{:<20} {}: {}",
                case.name,
                director.name,
                told(&views.one(case, director.name)?)
            ));
        }
    }
    Ok(())
}

/// A view in one line: the sentence, then by what it is said.
fn told(view: &View) -> String {
    let up = view.at("/health/verdict") == Some(&json!("up"));
    let evidence = if up { "success" } else { "failure" };
    let of = |field: &str| {
        let value = view.at(&format!("/health/checks/0/{evidence}/{field}"));
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let received: String = of("received").unwrap_or_default().chars().take(60).collect();
    let micros = |field: &str| of(&format!("timings/{field}")).and_then(|text| text.parse::<u64>().ok());
    let took = Duration::from_micros(micros("total_us").unwrap_or_default());
    let class = if up { "" } else { view.class() };
    let detail = of("detail").map(|detail| format!(" ({detail})")).unwrap_or_default();
    let trouble = view.trouble().map(|trouble| format!(" TROUBLE: {trouble}")).unwrap_or_default();
    format!("\"{}\" {class}{detail}, {} ms, received {received:?}{trouble}", view.text(), took.as_millis())
}

/// Fails where a verdict on a server of this name has changed: what is well from the beginning is no event.
pub(in crate::scenario) fn never_changed(api: &Api, case: &Case) -> Result<()> {
    let events = api.get(&format!("/clusters/{CLUSTER}/events?kind=verdict&limit=100"))?;
    let items = events.pointer("/items").and_then(Value::as_array).context("no events")?;
    let texts = items.iter().filter_map(|item| item.pointer("/text")?.as_str());
    let words = format!(" of {} ", case.name);
    match texts.into_iter().find(|text| text.contains(&words)) {
        Some(text) => bail!("the verdict on {} has changed: {text}", case.name),
        None => Ok(()),
    }
}
