//! The last quarter of an hour as a small curve: four of the whole cluster, and one beside each virtual server.
//!
//! Curves come from the samples in the console's memory alone and are made anew every few seconds, the numbers beside
//! them come with every message. Used by CONTROL/MONITORING and its stream.

use std::collections::BTreeMap;

use askama::Template;
use console::{ClusterView, LiveCounters, SeriesKey};
use lvs::series::{Line, Sample};
use lvs::table::ServiceKey;

use crate::figures::{bits, count, rate};
use crate::locale::Locale;
use crate::visit::Member;

/// The drawing's own size; it is stretched to the room there is.
const WIDTH: usize = 120;
const HEIGHT: f64 = 24.0;
/// Points of a curve: one for each quarter of a minute.
const POINTS: usize = 60;

/// What a curve shows of a sample.
type Of = fn(&Sample) -> f64;

/// The curves of a cluster and of some of its services; empty where nothing is known.
#[derive(Clone, Default)]
pub(crate) struct Sparks {
    /// In the order of [`TILES`].
    whole: Vec<String>,
    services: BTreeMap<ServiceKey, String>,
}

/// The four of the whole cluster: catalogue key, and what of a sample.
const TILES: [(&str, Of); 4] = [
    ("chart-connections", |sample| sample.connections),
    ("chart-active", |sample| sample.active),
    ("spark-in", |sample| sample.in_bytes),
    ("spark-out", |sample| sample.out_bytes),
];

impl Sparks {
    /// Those of a cluster, and of the services in question.
    pub(crate) fn of(
        member: &Member,
        view: &ClusterView,
        services: impl Iterator<Item = ServiceKey>,
    ) -> Self {
        let recent = |key| member.console().recent(&view.id, key);
        let whole = recent(SeriesKey::default());
        let of_service = |service| {
            let line = recent(SeriesKey { service: Some(service), server: None });
            (service, curve(&line, |sample| sample.connections))
        };
        Sparks {
            whole: TILES.iter().map(|(_, of)| curve(&whole, *of)).collect(),
            services: services.map(of_service).collect(),
        }
    }

    /// The curve of one service; empty where there is none.
    pub(crate) fn service(&self, key: Option<&ServiceKey>) -> String {
        key.and_then(|key| self.services.get(key)).cloned().unwrap_or_default()
    }
}

/// A number with its curve.
#[derive(Clone)]
struct Tile {
    key: &'static str,
    number: String,
    curve: String,
}

/// The four of the whole cluster with what they are now; nothing where nobody counts.
#[derive(Template, Clone)]
#[template(path = "live_sparks.html")]
pub(crate) struct Tiles {
    locale: Locale,
    base: String,
    tiles: Vec<Tile>,
}

impl Tiles {
    pub(crate) fn of(locale: Locale, base: &str, sparks: &Sparks, now: Option<&LiveCounters>) -> Self {
        let numbers = now.map(|services| {
            let sum = |of: fn(&console::LiveService) -> f64| services.values().map(of).sum::<f64>();
            [
                rate(sum(|service| service.rates.connections)),
                count(services.values().map(|service| service.active).sum()),
                bits(sum(|service| service.rates.in_bytes)),
                bits(sum(|service| service.rates.out_bytes)),
            ]
        });
        let tile = |((key, _), (number, place)): (&(&'static str, Of), (String, usize))| Tile {
            key,
            number,
            curve: sparks.whole.get(place).cloned().unwrap_or_default(),
        };
        let numbers = numbers.into_iter().flatten().zip(0..);
        Tiles { locale, base: base.to_owned(), tiles: TILES.iter().zip(numbers).map(tile).collect() }
    }
}

/// A line as a path, broken where nothing is known; empty where nothing is known at all.
fn curve(line: &Line, of: Of) -> String {
    let thin = line.thinned(POINTS);
    let values: Vec<Option<f64>> = thin.samples.iter().map(|sample| sample.as_ref().map(of)).collect();
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let step = WIDTH / POINTS;
    let mut path = String::new();
    let mut drawn = false;
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value else {
            drawn = false;
            continue;
        };
        // A line of nothing lies on the ground, half its width above the edge.
        let height = if most > 0.0 { value / most * (HEIGHT - 2.0) } else { 0.0 };
        let y = (HEIGHT - 1.0 - height).round();
        let x = place * step;
        path.push_str(&if drawn { format!("L{x} {y}") } else { format!("M{x} {y}h1") });
        drawn = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[Option<f64>]) -> Line {
        let sample =
            |value: &Option<f64>| value.map(|connections| Sample { connections, ..Sample::default() });
        Line { start: 0, step_s: 2, samples: values.iter().map(sample).collect() }
    }

    #[test]
    fn a_curve_reaches_from_the_ground_to_the_top_and_breaks_where_nothing_is_known() {
        let of: Of = |sample| sample.connections;
        assert_eq!(curve(&line(&[None, None]), of), "");
        assert_eq!(curve(&line(&[Some(0.0), Some(0.0)]), of), "M0 23h1L2 23");
        let broken = [Some(0.0), Some(10.0), None, Some(5.0)];
        assert_eq!(curve(&line(&broken), of), "M0 23h1L2 1M6 12h1");
        let long: Vec<Option<f64>> = (0..450).map(|value| Some(f64::from(value))).collect();
        let path = curve(&line(&long), of);
        assert_eq!(path.matches('L').count(), POINTS - 1 - 3, "450 samples make groups of eight: {path}");
        assert!(path.len() < 600, "{path}");
    }
}
