//! Charts as plain SVG: areas on top of each other, lines, events as marks, what every area is and its numbers.
//!
//! Pure: lines of samples become paths and words; nothing is asked here. The drawing has no text of its own, so that
//! it may be stretched to any width; axes, legend and table are HTML around it (`chart.html`).

use askama::Template;
use lvs::series::{Line, Sample};

use crate::figures;
use crate::locale::Locale;

/// The drawing's own size; it is stretched to the room there is.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 240.0;
/// Points of one drawing, at most.
const POINTS: usize = 250;
/// Lines of the table, at most.
const ROWS: usize = 60;
/// Areas of one drawing, at most; more would not be told apart.
pub(crate) const MOST: usize = 12;

/// What a chart shows of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// New connections per second.
    Connections,
    /// Active connections.
    Active,
    /// Active and inactive connections, as two areas of one line.
    Open,
    /// Bits per second, in above and out below.
    Bits,
    /// Packets per second, in above and out below.
    Packets,
}

impl Measure {
    /// The charts of a page, in their order.
    pub(crate) const ALL: [Measure; 4] =
        [Measure::Connections, Measure::Active, Measure::Bits, Measure::Packets];

    /// The word in ids and catalogue keys.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Measure::Connections => "connections",
            Measure::Active => "active",
            Measure::Open => "open",
            Measure::Bits => "bits",
            Measure::Packets => "packets",
        }
    }

    fn above(self, sample: &Sample) -> f64 {
        match self {
            Measure::Connections => sample.connections,
            Measure::Active => sample.active,
            Measure::Open => sample.active + sample.inactive,
            Measure::Bits => sample.in_bytes * 8.0,
            Measure::Packets => sample.in_packets,
        }
    }

    fn below(self, sample: &Sample) -> Option<f64> {
        match self {
            Measure::Connections | Measure::Active | Measure::Open => None,
            Measure::Bits => Some(sample.out_bytes * 8.0),
            Measure::Packets => Some(sample.out_packets),
        }
    }

    fn mirrored(self) -> bool {
        matches!(self, Measure::Bits | Measure::Packets)
    }

    fn say(self, value: f64) -> String {
        match self {
            Measure::Active | Measure::Open if value < 1000.0 => figures::count(value.round() as u64),
            _ => figures::rate(value),
        }
    }
}

/// A named line.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// Path of its page.
    pub(crate) href: Option<String>,
    pub(crate) line: Line,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// Seconds since 1970.
    pub(crate) at: i64,
    pub(crate) tone: &'static str,
    pub(crate) text: String,
}

/// A drawn area; `place` is its colour's number.
#[derive(Clone, Debug, PartialEq)]
struct Area {
    place: usize,
    path: String,
}

/// A line of the legend.
#[derive(Clone, Debug)]
struct Entry {
    place: usize,
    name: String,
    href: Option<String>,
    /// Latest, mean and highest; with a second set where the chart has two halves.
    numbers: Vec<[String; 3]>,
}

/// A mark in the drawing.
#[derive(Clone, Debug)]
struct Drawn {
    x: String,
    tone: &'static str,
    text: String,
}

/// A line of the table.
#[derive(Clone, Debug)]
struct Moment {
    /// Seconds since 1970.
    at: i64,
    time: String,
    values: Vec<String>,
}

/// A chart, ready to be shown.
#[derive(Template, Clone, Debug)]
#[template(path = "chart.html")]
pub(crate) struct Chart {
    locale: Locale,
    measure: Measure,
    /// In its own heading's level: a page may show it without one.
    titled: bool,
    /// Whether what each area is stands below.
    explained: bool,
    /// Values at the top, in the middle and at the bottom.
    scale: [String; 3],
    zero: String,
    areas: Vec<Area>,
    marks: Vec<Drawn>,
    legend: Vec<Entry>,
    times: Vec<String>,
    rows: Vec<Moment>,
    /// First second, and the second after the last.
    span: (i64, i64),
    empty: bool,
}

/// The next round number: 1, 2 or 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|step| step * power).find(|round| *round >= value).unwrap_or(10.0 * power)
}

/// A whole coordinate within the drawing.
fn whole(value: f64) -> i64 {
    value.round().clamp(-10_000.0, 10_000.0) as i64
}

/// The area between a base and the values, broken where there are none.
fn area(values: &[Option<f64>], base: f64, unit: f64) -> String {
    let step = WIDTH / values.len().max(1) as f64;
    let mut path = String::new();
    let mut before: Option<(i64, i64)> = None;
    let base = whole(base);
    for (index, value) in values.iter().enumerate() {
        let Some(value) = value else {
            if before.take().is_some() {
                path.push_str(&format!("V{base}z"));
            }
            continue;
        };
        // Each sample is as wide as its step: one alone is seen as well.
        let (from, until) = (whole(index as f64 * step), whole((index + 1) as f64 * step));
        let y = whole(base as f64 - value * unit);
        match before {
            None => path.push_str(&format!("M{from} {base}V{y}H{until}")),
            Some((_, last)) if last == y => path.push_str(&format!("H{until}")),
            Some(_) => path.push_str(&format!("V{y}H{until}")),
        }
        before = Some((until, y));
    }
    if before.is_some() {
        path.push_str(&format!("V{base}z"));
    }
    path
}

/// The values of all lines on top of each other, from the first to the whole; a gap is where none has a value.
fn stacked(lines: &[Vec<Option<f64>>]) -> Vec<Vec<Option<f64>>> {
    let mut sums: Vec<Vec<Option<f64>>> = Vec::new();
    for line in lines {
        let below = sums.last();
        let sum = line.iter().enumerate().map(|(index, value)| {
            let under = below.and_then(|below| below.get(index).copied().flatten());
            match (under, value) {
                (None, None) => None,
                (under, value) => Some(under.unwrap_or(0.0) + value.unwrap_or(0.0)),
            }
        });
        let sum = sum.collect();
        sums.push(sum);
    }
    // A line that has a gap where another has a value stands on nothing there.
    let known: Vec<bool> = (0..lines.first().map_or(0, Vec::len))
        .map(|index| lines.iter().any(|line| line.get(index).is_some_and(Option::is_some)))
        .collect();
    for sum in &mut sums {
        for (value, known) in sum.iter_mut().zip(&known) {
            if *known {
                value.get_or_insert(0.0);
            }
        }
    }
    sums
}

fn highest(sums: &[Vec<Option<f64>>]) -> f64 {
    sums.last().into_iter().flatten().flatten().copied().fold(0.0, f64::max)
}

/// Latest, mean and highest of what is known.
fn numbers(measure: Measure, values: &[Option<f64>]) -> [String; 3] {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let unknown = || "–".to_owned();
    let Some(last) = known.last() else { return [unknown(), unknown(), unknown()] };
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let most = known.iter().copied().fold(0.0, f64::max);
    [measure.say(*last), measure.say(mean), measure.say(most)]
}

/// A moment as an axis says it: the day only where a chart is longer than one.
fn time(locale: Locale, at: i64, length: i64) -> String {
    let form = if length <= 86_400 { "%H:%M" } else { "%m-%d %H:%M" };
    jiff::Timestamp::from_second(at).map_or_else(|_| String::new(), |at| locale.zone.form(at, form))
}

impl Chart {
    /// Draws lines that have the same start, step and length; at most [`MOST`] of them.
    pub(crate) fn of(locale: Locale, measure: Measure, named: &[Named], marks: &[Mark]) -> Self {
        let named = named.get(..named.len().min(MOST)).unwrap_or_default();
        let thin: Vec<Line> = named.iter().map(|one| one.line.thinned(POINTS)).collect();
        let values = |of: &dyn Fn(&Sample) -> f64| -> Vec<Vec<Option<f64>>> {
            thin.iter().map(|line| line.samples.iter().map(|s| s.as_ref().map(of)).collect()).collect()
        };
        let above = values(&|sample| measure.above(sample));
        let below = values(&|sample| measure.below(sample).unwrap_or(0.0));
        let (up, down) = (stacked(&above), stacked(&below));
        // Each half has its own scale: what goes out is often many times what comes in.
        let (top, bottom) = (round_up(highest(&up)), round_up(highest(&down)));
        let zero = if measure.mirrored() { HEIGHT / 2.0 } else { HEIGHT };
        let (unit, below_unit) = (zero / top, zero / bottom);
        // The whole first and the smallest sum last, each over the one before.
        let mut areas: Vec<Area> = Vec::new();
        for (place, sum) in up.iter().enumerate().rev() {
            areas.push(Area { place, path: area(sum, zero, unit) });
        }
        if measure.mirrored() {
            for (place, sum) in down.iter().enumerate().rev() {
                areas.push(Area { place, path: area(sum, zero, -below_unit) });
            }
        }
        if measure == Measure::Open
            && let Some(line) = thin.first()
        {
            let active: Vec<Option<f64>> =
                line.samples.iter().map(|s| s.as_ref().map(|s| s.active)).collect();
            areas.push(Area { place: 1, path: area(&active, zero, unit) });
        }
        areas.retain(|area| !area.path.is_empty());
        let (start, step) = named.first().map_or((0, 1), |one| (one.line.start, i64::from(one.line.step_s)));
        let length = step * named.first().map_or(0, |one| one.line.samples.len() as i64);
        let quarters = (0..=4).map(|quarter| time(locale, start + length * quarter / 4, length)).collect();
        let drawn = |mark: &Mark| Drawn {
            x: format!("{:.1}", (mark.at - start) as f64 * WIDTH / length.max(1) as f64),
            tone: mark.tone,
            text: mark.text.clone(),
        };
        Chart {
            locale,
            measure,
            titled: true,
            explained: true,
            scale: match measure.mirrored() {
                true => [measure.say(top), "0".to_owned(), measure.say(bottom)],
                false => [measure.say(top), measure.say(top / 2.0), "0".to_owned()],
            },
            zero: whole(zero).to_string(),
            empty: areas.is_empty(),
            areas,
            marks: marks.iter().filter(|m| (start..start + length).contains(&m.at)).map(drawn).collect(),
            legend: legend(locale, measure, named, &above, &below),
            times: quarters,
            rows: rows(locale, measure, named, length),
            span: (start, start + length),
        }
    }

    /// The same without its heading.
    pub(crate) fn untitled(mut self) -> Self {
        self.titled = false;
        self
    }

    /// The same without its legend.
    pub(crate) fn unexplained(mut self) -> Self {
        self.explained = false;
        self
    }

    fn say(&self, key: &'static str) -> crate::text::Message {
        self.locale.say(key)
    }

    fn title(&self) -> String {
        self.locale.say(format!("chart-{}", self.measure.as_str())).to_string()
    }

    fn halves(&self) -> bool {
        self.measure.mirrored()
    }
}

fn legend(
    locale: Locale,
    measure: Measure,
    named: &[Named],
    above: &[Vec<Option<f64>>],
    below: &[Vec<Option<f64>>],
) -> Vec<Entry> {
    if measure == Measure::Open {
        let of = |of: fn(&Sample) -> f64| -> Vec<Option<f64>> {
            let samples = named.first().map_or(&[][..], |one| &one.line.samples);
            samples.iter().map(|sample| sample.as_ref().map(of)).collect()
        };
        let entry = |place, key: &'static str, values: &[Option<f64>]| Entry {
            place,
            name: locale.say(key).to_string(),
            href: None,
            numbers: vec![numbers(measure, values)],
        };
        return vec![
            entry(1, "col-active-conn", &of(|sample| sample.active)),
            entry(0, "col-inactive-conn", &of(|sample| sample.inactive)),
        ];
    }
    let mut entries = Vec::new();
    for (place, one) in named.iter().enumerate() {
        let of = |values: &[Vec<Option<f64>>]| {
            numbers(measure, values.get(place).map(Vec::as_slice).unwrap_or_default())
        };
        let halves = measure.mirrored().then(|| of(below));
        let numbers = [of(above)].into_iter().chain(halves).collect();
        entries.push(Entry { place, name: one.name.clone(), href: one.href.clone(), numbers });
    }
    entries
}

/// The chart as a table: a moment, and each line's value.
fn rows(locale: Locale, measure: Measure, named: &[Named], length: i64) -> Vec<Moment> {
    let thin: Vec<Line> = named.iter().map(|one| one.line.thinned(ROWS)).collect();
    let Some(first) = thin.first() else { return Vec::new() };
    let cell = |line: &Line, index: usize| {
        let sample = line.samples.get(index).copied().flatten();
        sample.map_or_else(
            || "–".to_owned(),
            |sample| match measure.below(&sample) {
                Some(below) => {
                    format!("{} / {}", measure.say(measure.above(&sample)), measure.say(below))
                }
                None => measure.say(measure.above(&sample)),
            },
        )
    };
    let moments = first
        .points()
        .enumerate()
        .filter(|(index, _)| thin.iter().any(|line| line.samples.get(*index).is_some_and(Option::is_some)));
    moments
        .map(|(index, (at, _))| Moment {
            at,
            time: time(locale, at, length),
            values: thin.iter().map(|line| cell(line, index)).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, values: &[Option<f64>]) -> Named {
        let sample = |active: f64| Sample {
            active,
            inactive: 1.0,
            in_bytes: active,
            out_bytes: active * 2.0,
            ..Sample::default()
        };
        let samples = values.iter().map(|value| value.map(sample)).collect();
        Named { name: name.to_owned(), href: None, line: Line { start: 86_400, step_s: 10, samples } }
    }

    #[test]
    fn areas_lie_on_top_of_each_other_and_gaps_stay_open() {
        let lines = [
            named("one", &[Some(10.0), None, None, Some(30.0)]),
            named("two", &[Some(10.0), None, Some(40.0), None]),
        ];
        let chart = Chart::of(Locale::default(), Measure::Active, &lines, &[]);
        assert_eq!(chart.scale, ["50", "25", "0"]);
        let paths: Vec<_> = chart.areas.iter().map(|area| (area.place, area.path.as_str())).collect();
        assert_eq!(
            paths,
            [
                (1, "M0 240V144H250V240zM500 240V48H750V96H1000V240z"),
                (0, "M0 240V192H250V240zM500 240V240H750V96H1000V240z"),
            ]
        );
        assert_eq!(chart.legend[1].numbers, [["40", "25", "40"].map(ToOwned::to_owned)]);
        assert_eq!(chart.times[..2], ["00:00", "00:00"]);
        assert_eq!(chart.rows.len(), 3, "a moment that nothing is known of is no line");
    }

    #[test]
    fn what_comes_in_stands_above_and_what_goes_out_hangs_below() {
        let chart = Chart::of(Locale::default(), Measure::Bits, &[named("one", &[Some(100.0)])], &[]);
        assert_eq!(chart.scale, ["1.00\u{202f}k", "0", "2.00\u{202f}k"]);
        let paths: Vec<_> = chart.areas.iter().map(|area| area.path.as_str()).collect();
        assert_eq!(paths, ["M0 120V24H1000V120z", "M0 120V216H1000V120z"]);
        assert_eq!(chart.rows[0].values, ["800 / 1.60\u{202f}k"]);
    }

    #[test]
    fn marks_stand_at_their_moment_and_nothing_is_an_empty_chart() {
        let marks = [5, 86_420, 90_000].map(|at| Mark { at, tone: "bad", text: String::new() });
        let chart = Chart::of(Locale::default(), Measure::Active, &[named("one", &[Some(1.0); 4])], &marks);
        assert_eq!(chart.marks.iter().map(|mark| mark.x.as_str()).collect::<Vec<_>>(), ["500.0"]);
        assert!(!chart.empty);
        for lines in [vec![], vec![named("one", &[None, None])]] {
            let chart = Chart::of(Locale::default(), Measure::Active, &lines, &[]);
            assert!(chart.empty && chart.render().is_ok());
        }
    }

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, round) in [(0.0, 1.0), (1.0, 1.0), (1.1, 2.0), (37.0, 50.0), (51.0, 100.0), (0.03, 0.05)]
        {
            assert!((round_up(value) - round).abs() < 1e-9, "{value}");
        }
    }
}
