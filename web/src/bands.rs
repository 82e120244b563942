//! What a real server was over a day and a week, as bands, in numbers and as a table. Decides nothing.

use askama::Template;
use console::ServerBands;
use lvs::health::{Band, Part, Shade};

use crate::locale::Locale;

/// Width of a drawing, in its own units.
const WIDTH: f64 = 1000.0;
/// What was short is drawn so wide that it can be seen.
const LEAST: f64 = 3.0;
/// Rows of a table, at most; the newest.
const ROWS: usize = 50;

/// The bands of one director.
#[derive(Template)]
#[template(path = "bands.html")]
pub(crate) struct Bands {
    locale: Locale,
    director: String,
    spans: [Span; 2],
}

/// One band.
struct Span {
    name: String,
    bars: Vec<Bar>,
    /// How long it was what, and how often it went down.
    numbers: Vec<(String, String)>,
    rows: Vec<Row>,
    /// Parts that are not in the table.
    more: usize,
}

/// A part, drawn: its height tells as much as its colour.
struct Bar {
    kind: &'static str,
    x: String,
    width: String,
    y: u8,
    height: u8,
    title: String,
}

struct Row {
    from: String,
    shade: String,
    tone: &'static str,
    icon: &'static str,
    lasted: String,
}

/// A length of time in its two largest units.
fn lasting(locale: Locale, seconds: i64) -> String {
    let (key, large, small) = match seconds {
        ..=59 => return locale.say("lasting-seconds").with("seconds", seconds).to_string(),
        60..3_600 => ("lasting-minutes", seconds / 60, seconds % 60),
        3_600..86_400 => ("lasting-hours", seconds / 3_600, seconds % 3_600 / 60),
        _ => ("lasting-days", seconds / 86_400, seconds % 86_400 / 3_600),
    };
    locale.say(key).with("large", large).with("small", small).to_string()
}

fn word(locale: Locale, shade: Shade) -> String {
    locale.say(format!("band-{}", shade.as_str())).to_string()
}

fn look(shade: Shade) -> (&'static str, &'static str) {
    match shade {
        Shade::Up => ("good", "up"),
        Shade::Down => ("bad", "down"),
        Shade::Ordered => ("warn", "pause"),
        Shade::Unknown => ("idle", "idle"),
    }
}

impl Bar {
    fn of(locale: Locale, part: &Part, start: i64, length: i64) -> Self {
        let (y, height) = match part.shade {
            Shade::Up => (8, 16),
            Shade::Down => (0, 24),
            Shade::Ordered => (14, 10),
            Shade::Unknown => (20, 4),
        };
        let at = |moment: i64| (moment - start) as f64 * WIDTH / length.max(1) as f64;
        let width = (at(part.until_s) - at(part.from_s)).max(LEAST);
        let title = locale
            .say("band-part")
            .with("what", word(locale, part.shade))
            .with("from", locale.moment_of(part.from_s))
            .with("long", lasting(locale, part.until_s - part.from_s));
        Bar {
            kind: part.shade.as_str(),
            x: format!("{:.1}", at(part.from_s).min(WIDTH - LEAST)),
            width: format!("{width:.1}"),
            y,
            height,
            title: title.to_string(),
        }
    }
}

impl Span {
    fn of(locale: Locale, key: &'static str, band: &Band) -> Self {
        let start = band.parts.first().map_or(0, |part| part.from_s);
        let length = band.parts.last().map_or(0, |part| part.until_s) - start;
        let mut drawn: Vec<&Part> = band.parts.iter().collect();
        // What is worst is drawn last, over what it would hide behind.
        let rank = |shade| match shade {
            Shade::Up => 0,
            Shade::Unknown => 1,
            Shade::Ordered => 2,
            Shade::Down => 3,
        };
        drawn.sort_by_key(|part| rank(part.shade));
        let mut numbers: Vec<(String, String)> = Shade::ALL
            .into_iter()
            .map(|shade| (shade, band.seconds(shade)))
            .filter(|(_, seconds)| *seconds > 0)
            .map(|(shade, seconds)| (word(locale, shade), lasting(locale, seconds)))
            .collect();
        if band.falls > 0 {
            numbers.push((locale.say("band-falls").to_string(), band.falls.to_string()));
        }
        let row = |part: &Part| {
            let (tone, icon) = look(part.shade);
            Row {
                from: locale.moment_of(part.from_s),
                shade: word(locale, part.shade),
                tone,
                icon,
                lasted: lasting(locale, part.until_s - part.from_s),
            }
        };
        Span {
            name: locale.say(key).to_string(),
            bars: drawn.into_iter().map(|part| Bar::of(locale, part, start, length)).collect(),
            numbers,
            rows: band.parts.iter().rev().take(ROWS).map(row).collect(),
            more: band.parts.len().saturating_sub(ROWS),
        }
    }

    /// The numbers as one sentence, for whoever does not see the drawing.
    fn summary(&self) -> String {
        let told: Vec<String> = self.numbers.iter().map(|(name, value)| format!("{name} {value}")).collect();
        format!("{}: {}", self.name, told.join(", "))
    }
}

impl Bands {
    pub(crate) fn of(locale: Locale, bands: &ServerBands) -> Self {
        let spans = [Span::of(locale, "band-day", &bands.day), Span::of(locale, "band-week", &bands.week)];
        Bands { locale, director: bands.director.clone(), spans }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_two_units() {
        let said = |seconds| lasting(Locale::default(), seconds);
        assert_eq!([said(0), said(59), said(61)], ["0 s", "59 s", "1 min 1 s"]);
        assert_eq!([said(3_600), said(90_000)], ["1 h 0 min", "1 d 1 h"]);
    }

    #[test]
    fn a_short_fall_in_a_long_time_can_be_seen() {
        let part = |from_s, until_s, shade| Part { from_s, until_s, shade };
        let parts = vec![part(0, 604_790, Shade::Up), part(604_790, 604_800, Shade::Down)];
        let span = Span::of(Locale::default(), "band-week", &Band { parts, falls: 1 });
        let last = span.bars.last().unwrap();
        assert_eq!((last.kind, last.x.as_str(), last.width.as_str()), ("down", "997.0", "3.0"));
        assert_eq!(span.summary(), "7 days: Up 6 d 23 h, Down 10 s, Went down 1");
        assert_eq!(span.rows.len(), 2);
    }
}
